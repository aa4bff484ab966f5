"""What a sizing costs, in simulated years: ratios of CPU seconds within one process.

The goals are 2 s for a sizing with its proving year, 5 s for an optimal supply temperature and 60 s on two cores for a Pareto front of 200
points; with a year at 50 ms of CPU they are 40, 100 and 2,400 years.
"""

import statistics
import sys
import time
from collections.abc import Callable

import pytest

import twin
from twin.sizing.front import front
from twin.sizing.needs import Plant, Requirements
from twin.sizing.optimum import optimise, read_span

pytestmark = pytest.mark.bench

SIZING_YEARS, SUPPLY_YEARS = 40.0, 100.0
TRIALS_A_POINT = 12.0  # 2,400 years of 200 points
SITE = "gb300-10mw"


def _say(line: str) -> None:
    sys.stdout.write(f"\n  {line}")


def _cpu(function: Callable[[], object], runs: int = 1) -> float:
    spent = []
    for _ in range(runs):
        begin = time.process_time()
        function()
        spent.append(time.process_time() - begin)
    return statistics.median(spent)


@pytest.fixture(scope="module")
def year() -> float:
    """CPU seconds of a warm year, each with another change."""
    site, turn = twin.load_site(SITE), iter(range(1000))

    def one() -> object:
        changes = {"cooling.fws.supply": f"{30 + 0.01 * next(turn):.2f} degC"}
        return twin.summarize(twin.simulate(site, weather="ashburn", changes=changes))

    one()
    twin.size(Requirements(racks=4, plant="dry"))  # imports and datasheets
    return _cpu(one, 9)


@pytest.mark.parametrize("plant", ["dry", "adiabatic", "tower"])
def test_a_sizing_with_its_proving_year(year: float, plant: Plant) -> None:
    spent = _cpu(lambda: twin.size(Requirements(accelerators=1000, plant=plant)))
    _say(f"{plant}: {spent:.2f} CPU-s, {spent / year:.0f} years of {year * 1e3:.0f} ms")
    assert spent < SIZING_YEARS * year


def test_an_optimal_supply_temperature(year: float) -> None:
    span = [read_span("cooling.fws.supply=24..42 degC")]
    spent = _cpu(lambda: optimise(twin.load_site(SITE), span, "energy", "ashburn"))
    sized = _cpu(lambda: twin.size(Requirements(racks=8, plant="dry", optimal_supply=True)))
    _say(f"optimise {spent:.2f} CPU-s, sized for it {sized:.2f} CPU-s; a year {year * 1e3:.0f} ms")
    assert spent < sized < SUPPLY_YEARS * year


def test_a_front_of_200_points() -> None:
    pytest.importorskip("pymoo", reason="the extra 'size' is not installed", exc_type=ImportError)
    spans = [
        read_span("cooling.fws.supply=26..40 degC"),
        read_span("cooling.condenser.supply=wet_bulb + 4..11 K"),
    ]
    begin = time.perf_counter()
    found = front(twin.load_site(SITE), spans, ("energy", "water"), points=200)
    _say(f"{len(found.points)} points, {found.trials} years, {time.perf_counter() - begin:.0f} s on the wall")
    assert len(found.points) >= 200
    assert found.trials < TRIALS_A_POINT * len(found.points)
