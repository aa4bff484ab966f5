"""Chillers against kept EnergyPlus points, and what every machine must do anywhere."""

import csv
import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.chiller import chiller
from twin_models.chiller.chiller import Chiller, capacity, power, stage_for, transfer
from twin_models.fluids.fluids import fluid
from twin_models.streams import Ambient, Real, Stream
from twin_sites import catalogue, units

DATA = Path(__file__).parents[2] / "data"
ENERGYPLUS = DATA / "reference" / "energyplus_chillers"
PUBLISHED = (
    "carrier-19xr-1586", "york-yt-1758", "york-yk-2771", "trane-cvhf-2317", "trane-cvhf-2567",
    "carrier-30rb300", "carrier-30xa280",
)  # fmt: skip
ALL = (*PUBLISHED, "warm-water-centrifugal-1500", "warm-water-air-screw-1200")

AGAINST_ENERGYPLUS = 0.005  # relative; 1e-9 is measured
EXACT = 1e-9
REFERENCE_TOLERANCE = 0.035  # the published curves are 1 at their reference point only this closely
DIP = 0.005  # per 0.5 K: two published sets fall by so much against physics inside their own range
DIPPING = {"carrier-30xa280", "york-yt-1758"}
WATER = 4186.0


def machine(slug: str) -> Chiller:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(Chiller).validate_python(values, context=units.read)


def water(temperature: Real, flow: Real, cp: Real = WATER) -> Stream:
    return Stream(temperature, flow, cp, fluid("water"))


def sink(params: Chiller, temperature: Real) -> Stream | Ambient:
    if params.condenser == "air":
        return Ambient(temperature, temperature, 0.005, 101325.0)
    return water(temperature, 1000.0 * params.condenser_flow)


def kept(slug: str) -> dict[str, np.ndarray]:
    with (ENERGYPLUS / f"{slug}.csv").open(encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("oracle_chillers", DATA / "scripts" / "oracle_chillers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def against_energyplus(params: Chiller, point: dict[str, np.ndarray]) -> None:
    heat, leaving, entering = (
        point[k] for k in ("heat_w", "leaving_chilled_degc", "entering_condenser_degc")
    )
    assert len(heat) >= 20
    assert power(heat, leaving, entering, params) == pytest.approx(
        point["electric_w"], rel=AGAINST_ENERGYPLUS
    )
    cp = heat / (point["chilled_flow_kg_s"] * (point["entering_chilled_degc"] - leaving))  # EnergyPlus' own
    hot, cold = water(point["entering_chilled_degc"], point["chilled_flow_kg_s"], cp), sink(params, entering)
    out = transfer(hot, cold, stage_for(hot, cold, leaving, params), params)
    assert out.heat == pytest.approx(heat, rel=EXACT)
    assert out.hot_out == pytest.approx(leaving, abs=1e-6)
    assert out.electric == pytest.approx(point["electric_w"], rel=AGAINST_ENERGYPLUS)
    assert out.valid.all()


@pytest.mark.parametrize("slug", [*PUBLISHED, "carrier-19xr-1586-false-load"])
def test_kept_energyplus_points(slug: str) -> None:
    point = kept(slug)
    assert point["cycling_ratio"].min() < 1.0  # the points reach below the least part load
    if slug.endswith("-false-load"):
        assert np.count_nonzero(point["false_load_w"] > 0.0) > 5
    against_energyplus(script().case(slug), point)


@pytest.mark.oracle
def test_energyplus_again(tmp_path: Path) -> None:
    pytest.importorskip("pyenergyplus")
    oracle = script()
    params = machine("york-yk-2771")
    rows = oracle.run(params, tmp_path)
    against_energyplus(params, {key: np.array([row[key] for row in rows]) for key in rows[0]})


@pytest.mark.parametrize("slug", ALL)
def test_reference_point(slug: str) -> None:
    p = machine(slug)
    reference = (p.reference_leaving, p.reference_condenser)
    assert capacity(*reference, p) == pytest.approx(p.capacity, rel=REFERENCE_TOLERANCE)
    assert p.capacity / power(p.capacity, *reference, p) == pytest.approx(p.cop, rel=REFERENCE_TOLERANCE)


@pytest.mark.parametrize("u", [0.05, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("slug", ALL)
def test_sweep_over_any_water(slug: str, u: float) -> None:
    """5 to 45 °C chilled by -10 to 45 °C sink: power positive, below Carnot, COP falls as the lift grows."""
    p = machine(slug)
    leaving, entering = np.arange(5.0, 45.1, 0.5)[:, None], np.arange(-10.0, 45.1, 0.5)[None, :]
    heat = u * capacity(leaving, entering, p)
    electric = power(heat, leaving, entering, p)
    assert np.all(heat > 0.0)
    assert np.all(electric > 0.0)
    cop = heat / electric
    uphill = entering > leaving
    carnot = (leaving + 273.15) / np.where(uphill, entering - leaving, np.nan)
    assert np.all(cop[uphill] < carnot[uphill])
    allowed = DIP if slug in DIPPING else 1e-9
    assert np.all(np.diff(cop, axis=1) <= allowed * cop[:, 1:])  # warmer sink
    assert np.all(np.diff(cop, axis=0) >= -allowed * cop[1:])  # warmer chilled water
    assert np.all(np.diff(capacity(leaving, entering[:, entering[0] > p.condenser_high], p), axis=1) < 0.0)


@pytest.mark.parametrize("slug", ALL)
def test_transfer_balances(slug: str) -> None:
    p = machine(slug)
    rng = np.random.default_rng(7)
    n = 500
    hot = water(rng.uniform(6.0, 40.0, n), 1000.0 * p.chilled_flow * rng.uniform(0.05, 2.0, n))
    cold = sink(p, rng.uniform(-10.0, 45.0, n))
    stages = np.linspace(0.0, 1.0, 21)[:, None]
    out = transfer(hot, cold, stages, p)
    assert out.heat == pytest.approx(hot.flow * hot.cp * (hot.temperature - out.hot_out), rel=1e-9, abs=1e-3)
    assert np.all(np.diff(out.heat, axis=0) >= -1e-6)
    assert np.all(np.diff(out.hot_out, axis=0) <= 1e-9)
    assert np.all(out.heat[0] == 0.0)
    assert np.all(out.electric[0] == 0.0)
    assert np.all(out.cold_heat == out.heat + out.electric)
    assert np.all(out.electric[1:] > 0.0)
    assert np.all(out.hot_out >= min(p.leaving_floor, 6.0) - 1e-9)
    assert np.all(out.heat <= out.capacity * (1.0 + EXACT) + 1e-6)
    assert out.heat[-1] == pytest.approx(out.capacity[-1], rel=EXACT)
    assert not out.water.any()
    # the heat is the stage's share of what is available at the temperature it delivers, unless frost stops it
    entering = cold.dry_bulb if isinstance(cold, Ambient) else cold.temperature
    free = out.hot_out > p.leaving_floor + 1e-6
    share = stages * capacity(out.hot_out, entering, p)
    assert out.heat[free] == pytest.approx(share[free], rel=1e-9, abs=1e-3)


@pytest.mark.parametrize("slug", ALL)
def test_stage_is_the_inverse(slug: str) -> None:
    p = machine(slug)
    hot = water(p.reference_leaving + 0.6 * p.chilled_range, 1000.0 * p.chilled_flow)
    cold = sink(p, p.reference_condenser - 2.0)
    u = stage_for(hot, cold, p.reference_leaving, p)
    assert 0.4 < u < 0.8
    assert transfer(hot, cold, u, p).hot_out == pytest.approx(p.reference_leaving, abs=1e-9)
    assert stage_for(hot, cold, hot.temperature + 1.0, p) == 0.0
    assert stage_for(hot, cold, -30.0, p) == 1.0


def test_array_equals_loop_of_scalars() -> None:
    p = machine("york-yk-2771")
    t, y, u = np.linspace(3.0, 35.0, 9), np.linspace(0.0, 45.0, 9), np.linspace(0.0, 1.0, 9)
    together = transfer(water(t, 80.0), water(y, 100.0), u, p)
    alone = [transfer(water(*pair, WATER), water(yy, 100.0), uu, p) for pair, yy, uu in zip(
        [(float(v), 80.0) for v in t], y.tolist(), u.tolist(), strict=True)]  # fmt: skip
    for name in together._fields[:-1]:  # all but the ranges
        assert np.array_equal(getattr(together, name), [float(getattr(a, name)) for a in alone]), name


def test_no_flow_no_heat() -> None:
    p = machine("carrier-19xr-1586")
    for hot, cold in ((water(15.0, 0.0), water(25.0, 50.0)), (water(15.0, 30.0), water(25.0, 0.0))):
        out = transfer(hot, cold, 1.0, p)
        assert out.heat == out.electric == out.cold_heat == out.capacity == 0.0
        assert out.hot_out == 15.0
        assert out.valid


def test_frost_protection_stops_the_machine() -> None:
    p = machine("carrier-19xr-1586")
    out = transfer(water(6.0, 5.0), water(20.0, 50.0), 1.0, p)
    assert out.hot_out == pytest.approx(p.leaving_floor)
    assert not out.valid
    assert transfer(water(1.0, 5.0), water(20.0, 50.0), 1.0, p).heat == 0.0


def test_cold_condenser_water_is_tempered() -> None:
    p = machine("york-yk-2771")
    at_least = power(1e6, 7.0, p.minimum_condenser, p)
    assert power(1e6, 7.0, -10.0, p) == at_least
    assert power(1e6, 7.0, p.minimum_condenser + 5.0, p) > at_least


@pytest.mark.parametrize(
    ("temperature", "entering", "inside"), [(12.0, 25.0, True), (30.0, 25.0, False), (12.0, 40.0, False)]
)
def test_valid_is_the_range(temperature: float, entering: float, inside: bool) -> None:
    p = machine("york-yk-2771")
    hot, cold = water(temperature, 100.0), water(entering, 150.0)
    assert transfer(hot, cold, 0.7, p).valid == inside
    assert transfer(hot, cold, 0.0, p).valid  # a machine that stands still is nowhere outside


def test_another_capacity_is_the_same_machine() -> None:
    p = machine("trane-cvhf-2317")
    twice = dataclasses.replace(p, capacity=2.0 * p.capacity)
    assert twice.chilled_flow == pytest.approx(2.0 * p.chilled_flow)
    assert twice.condenser_flow == pytest.approx(2.0 * p.condenser_flow)
    one = transfer(water(11.0, 90.0), water(24.0, 110.0), 0.6, p)
    two = transfer(water(11.0, 180.0), water(24.0, 220.0), 0.6, twice)
    assert two.heat == pytest.approx(2.0 * one.heat)
    assert two.electric == pytest.approx(2.0 * one.electric)


def test_flows_of_the_source() -> None:
    p = machine("carrier-19xr-1586")
    assert p.chilled_flow == pytest.approx(0.03388, rel=3e-3)
    assert p.condenser_flow == pytest.approx(0.04669, rel=3e-3)
    assert machine("carrier-30rb300").condenser_flow == 0.0


def test_the_wrong_sink_is_refused() -> None:
    with pytest.raises(ValueError, match="water-cooled chiller cannot reject to Ambient"):
        transfer(water(12.0, 10.0), Ambient(20.0, 15.0, 0.008, 101325.0), 1.0, machine("york-yk-2771"))
    with pytest.raises(ValueError, match="air-cooled chiller cannot reject to Stream"):
        stage_for(water(12.0, 10.0), water(20.0, 10.0), 7.0, machine("carrier-30rb300"))


@pytest.mark.parametrize("slug", ["warm-water-centrifugal-1500", "warm-water-air-screw-1200"])
def test_warm_water_estimates_keep_one_carnot_fraction(slug: str) -> None:
    p = machine(slug)
    assert catalogue.datasheet(slug).origins[""].confidence == "estimate"
    x, y = np.meshgrid(
        np.linspace(p.leaving_low, p.leaving_high, 9), np.linspace(p.condenser_low, p.condenser_high, 9)
    )
    heat = capacity(x, y, p)
    fraction = heat / power(heat, x, y, p) * (y + p.internal_lift - x) / (x + chiller.KELVIN)
    assert fraction == pytest.approx(fraction[0, 0], rel=1e-3)
    assert 0.5 < fraction[0, 0] < 0.9
