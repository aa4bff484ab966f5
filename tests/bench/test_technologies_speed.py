"""The year of every cooling technology against that of direct-to-chip, and of headers and of a tank against the same plant without."""

import time
from pathlib import Path

import pytest

import twin

pytestmark = pytest.mark.bench

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "studies" / "technologies"
SLOWER = 3.0  # times direct-to-chip at most; 0.8 to 1.6 measured
WITH_TANK = 12.0  # times the year without: five runs and the plan; 7 measured
HEADERS = 1.6  # times the year without
ROUNDS = 3  # the least of them counts: the machine does other things too
HEADER = {"cooling.tcs.manifold.use": "hall-header-dn300"}
TANK = {"cooling.chw.storage.use": "stratified-tank-300m3", "cooling.chw.storage.fed_by.mechanical": 1}


def seconds(site: object) -> float:
    """CPU time of a year, s."""
    begin = time.process_time()
    twin.simulate(site, weather="phoenix")  # type: ignore[arg-type]
    return time.process_time() - begin


def test_no_technology_is_much_slower_than_direct_to_chip() -> None:
    sites = {path.stem: twin.load_site(path) for path in FOLDER.glob("*.yaml") if path.stem != "technologies"}
    assert len(sites) == 7
    for site in sites.values():
        twin.simulate(site, weather="phoenix", hours=24)
    best = {name: min(seconds(site) for _ in range(ROUNDS)) for name, site in sites.items()}
    slower = {name: own / best["plates"] for name, own in best.items()}
    assert max(slower.values()) < SLOWER, slower


def times_dearer(changes: dict[str, object]) -> float:
    """Of the same plant without the changes; both years of a round stand side by side."""
    plain = twin.load_site("gb300-10mw")
    other = twin.change_site(plain, changes)
    seconds(other)
    pairs = [(seconds(plain), seconds(other)) for _ in range(ROUNDS)]
    return min(b for _, b in pairs) / min(a for a, _ in pairs)


def test_a_year_with_headers() -> None:
    assert times_dearer(HEADER) < HEADERS


def test_a_year_with_a_tank() -> None:
    assert times_dearer(TANK) < WITH_TANK
