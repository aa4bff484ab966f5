"""Cooling tower: check values of the correlation, design point, water, inverse and what holds outside."""

import dataclasses

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.cooling_tower import cooling_tower as tower
from twin_models.cooling_tower import merkel, yorkcalc
from twin_models.cooling_tower.cooling_tower import CoolingTower, design, speed_for, transfer
from twin_models.fluids.fluids import fluid
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.streams import Ambient, Real, Stream
from twin_sites import catalogue, units

CHECK = 1e-3
EXACT = 1e-6
SET_POINT = 1e-3  # K, the inverse
MERKEL_AGAINST_YORK = 0.15  # of the heat: two different models, calibrated at one point

CELL = CoolingTower(
    design_wet_bulb=25.6,
    design_range=5.6,
    design_approach=3.9,
    design_flow=0.0426,
    fan_power=12e3,
    design_air_flow=25.0,
)
MERKEL = dataclasses.replace(CELL, model="merkel")
CLOSED = dataclasses.replace(
    CELL, circuit="closed", design_approach=6.5, coil_approach=2.6, spray_pump_power=10e3
)
SHEETS = catalogue.names("cooling_tower")


def machine(slug: str) -> CoolingTower:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(CoolingTower).validate_python(values, context=units.read)


def outdoors(t: Real, rh: Real, p: Real = 101325.0) -> Ambient:
    w = psy.humidity_ratio(t, rh, p)
    return Ambient(t, psy.wet_bulb(t, w, p), w, p)


def water(t: Real, ratio: Real = 1.0, params: CoolingTower = CELL) -> Stream:
    flow = ratio * params.design_flow * tower.WATER_DENSITY
    return Stream(t, flow, tower.WATER_HEAT, fluid("water"))


@pytest.mark.parametrize(
    ("wet_bulb", "cooling", "liquid_gas", "expected"),
    [
        (25.6, 5.6, 1.0, 3.856),
        (20.0, 5.5556, 1.0, 5.055),
        (15.0, 5.5556, 1.0, 6.326),
        (10.0, 5.5556, 1.0, 7.766),
        (20.0, 10.0, 1.0, 7.964),
        (20.0, 5.5556, 2.0, 10.923),
        (20.0, 5.5556, 0.8, 3.834),
    ],
)
def test_yorkcalc_check_values(wet_bulb: float, cooling: float, liquid_gas: float, expected: float) -> None:
    found = float(yorkcalc.approach(liquid_gas, cooling, wet_bulb))
    assert found == pytest.approx(expected, abs=CHECK)
    assert float(yorkcalc.cooling_range(liquid_gas, wet_bulb, cooling + found)) == pytest.approx(
        cooling, abs=1e-9
    )
    inverse, exact = yorkcalc.liquid_gas(cooling, found, wet_bulb)
    assert float(inverse) == pytest.approx(liquid_gas, rel=1e-9)
    assert exact


@pytest.mark.parametrize("slug", SHEETS)
def test_datasheet_meets_its_design_point(slug: str) -> None:
    params = machine(slug)
    t_wb = params.design_wet_bulb
    saturated = Ambient(t_wb, t_wb, psy.saturation_humidity_ratio(t_wb, 101325.0), 101325.0)
    hot = water(t_wb + params.design_approach + params.design_range, params=params)
    out = transfer(hot, saturated, 1.0, params)
    assert float(out.heat) == pytest.approx(design(params).heat, rel=EXACT)
    assert float(out.hot_out) == pytest.approx(t_wb + params.design_approach, abs=EXACT)
    assert out.valid
    per_heat = float(out.electric / out.heat)
    assert 0.006 <= per_heat <= (0.0125 if params.circuit == "open" else 0.037)


def test_seven_cells_have_sheets() -> None:
    assert len(SHEETS) >= 5


@pytest.mark.parametrize("params", [CELL, MERKEL, CLOSED], ids=["york", "merkel", "closed"])
def test_inverse_meets_the_set_point(params: CoolingTower) -> None:
    rng = np.random.default_rng(7)
    n = 4000
    air = outdoors(rng.uniform(-15.0, 40.0, n), rng.uniform(0.1, 1.0, n), rng.uniform(80e3, 103e3, n))
    hot = water(rng.uniform(20.0, 55.0, n), rng.uniform(0.3, 1.5, n), params)
    full = transfer(hot, air, 1.0, params)
    wanted = hot.temperature - rng.uniform(0.0, 1.0, n) * (hot.temperature - full.hot_out)
    u = speed_for(hot, air, wanted, params)
    assert u.min() >= 0.0
    assert u.max() <= 1.0
    assert transfer(hot, air, u, params).hot_out == pytest.approx(wanted, abs=SET_POINT)
    assert np.all(u < 1.0 - 1e-9) or np.any(wanted <= full.hot_out + 1e-6)


def test_inverse_ends() -> None:
    air, hot = outdoors(20.0, 0.5), water(32.0)
    assert float(speed_for(hot, air, 40.0, CELL)) == 0.0  # already cold enough
    assert float(speed_for(hot, air, 5.0, CELL)) == 1.0  # out of reach
    assert float(speed_for(water(32.0, 0.0), air, 25.0, CELL)) == 0.0  # no water
    assert float(speed_for(water(10.0), air, 5.0, CELL)) == 0.0  # warmer outdoors


def test_below_the_lowest_speed() -> None:
    air, hot = outdoors(10.0, 0.7), water(32.0)
    full = transfer(hot, air, 1.0, CELL)
    lowest = CELL.minimum_speed
    free = transfer(hot, air, 0.5 * lowest, CELL)
    assert float(free.heat) == pytest.approx(CELL.free_convection * float(full.heat), rel=1e-9)
    assert float(free.electric) == 0.0
    cycling = transfer(hot, air, 0.75 * lowest, CELL)
    assert float(cycling.electric) == pytest.approx(0.5 * CELL.fan_power * lowest**3, rel=1e-9)
    assert 0.0 < float(free.heat) < float(cycling.heat) < float(transfer(hot, air, lowest, CELL).heat)


@pytest.mark.parametrize("params", [CELL, MERKEL, CLOSED], ids=["york", "merkel", "closed"])
def test_never_below_the_wet_bulb_and_never_better_with_less_air(params: CoolingTower) -> None:
    rng = np.random.default_rng(3)
    n = 5000
    air = outdoors(rng.uniform(-35.0, 45.0, n), rng.uniform(0.02, 1.0, n), rng.uniform(75e3, 103e3, n))
    hot = water(rng.uniform(-5.0, 75.0, n), rng.uniform(0.0, 1.6, n), params)
    before = np.zeros(n)
    for u in np.linspace(0.0, 1.0, 26):
        out = transfer(hot, air, u, params)
        assert np.all(out.hot_out >= np.minimum(air.wet_bulb, hot.temperature) - 1e-9)
        assert np.all(out.heat >= before - 1e-9 * out.capacity)
        before = out.heat


def test_effectiveness_is_held_at_the_correlations_edges() -> None:
    for lift in (yorkcalc.RANGE[0], 60.0):  # a small and a large distance to the wet bulb
        a, b = (float(yorkcalc.cooling_range(1.0, 10.0, lift * s)) / (lift * s) for s in (0.9, 1.0))
        assert a == pytest.approx(b, rel=0.05)
    assert not transfer(water(80.0), outdoors(10.0, 0.5), 1.0, CELL).valid
    assert not transfer(water(35.0, 0.5), outdoors(22.0, 0.5), 1.0, CELL).valid  # half the design flow
    assert transfer(water(35.0), outdoors(22.0, 0.5), 1.0, CELL).valid


def test_water_balance() -> None:
    air, hot = outdoors(25.0, 0.5), water(35.0)
    out = transfer(hot, air, 0.8, CELL)
    drift = CELL.drift * float(hot.flow) * 0.8
    evaporated = float(out.water - out.blowdown) - drift
    assert float(out.blowdown) == pytest.approx(evaporated / (CELL.cycles - 1.0) - drift, rel=1e-9)
    assert float(out.water) == pytest.approx(evaporated * CELL.cycles / (CELL.cycles - 1.0), rel=1e-9)
    litres_per_kwh = evaporated * 3.6e6 / float(out.heat)
    assert 0.9 < litres_per_kwh < 1.475  # purely latent heat would be 1.475
    concentrated = dataclasses.replace(CELL, cycles=50.0, drift=0.01)
    assert float(transfer(hot, air, 0.8, concentrated).blowdown) == 0.0  # drift alone keeps the cycles
    cold = transfer(water(32.0), outdoors(-5.0, 0.8), 0.3, CELL)
    assert float(cold.water / cold.heat) < float(out.water / out.heat)  # more sensible heat in winter


@pytest.mark.parametrize("params", [CELL, MERKEL, CLOSED], ids=["york", "merkel", "closed"])
def test_the_airs_enthalpy_carries_the_heat(params: CoolingTower) -> None:
    air = outdoors(np.array([-10.0, 5.0, 22.0, 35.0]), 0.6, 90e3)
    out = transfer(water(42.0, params=params), air, 0.7, params)
    assert out.cold_heat == pytest.approx(out.heat, rel=1e-7)


def test_basin_heater_only_while_idle() -> None:
    params = dataclasses.replace(CELL, basin_heater=500.0)
    frost = outdoors(-8.0, 0.8)
    assert float(transfer(water(30.0), frost, 0.0, params).electric) == pytest.approx(5000.0)
    assert float(transfer(water(30.0), frost, 0.5 * params.minimum_speed, params).electric) == 0.0
    assert float(transfer(water(30.0), outdoors(8.0, 0.8), 0.0, params).electric) == 0.0


def test_merkel_near_yorkcalc() -> None:
    t = np.array([5.0, 12.0, 20.0, 28.0])
    for u in (0.5, 0.75, 1.0):
        a = transfer(water(36.0), outdoors(t, 0.6), u, CELL).heat
        b = transfer(water(36.0), outdoors(t, 0.6), u, MERKEL).heat
        assert np.max(np.abs(b / a - 1.0)) < MERKEL_AGAINST_YORK


def test_merkel_against_ht_counterflow() -> None:
    ht = pytest.importorskip("ht")
    air, hot = outdoors(20.0, 0.5), water(35.0)
    d = design(MERKEL)
    heat = float(transfer(hot, air, 1.0, MERKEL).heat)
    dry_air = (
        25.0 * float(psy.density(20.0, air.humidity_ratio, 101325.0)) / (1.0 + float(air.humidity_ratio))
    )
    saturated = lambda t: float(psy.enthalpy(t, psy.saturation_humidity_ratio(t, 101325.0)))  # noqa: E731
    t_wb = float(air.wet_bulb)
    leaving = float(psy.temperature_of_saturated_enthalpy(saturated(t_wb) + heat / dry_air, 101325.0))
    effective = heat / dry_air / (leaving - t_wb)
    rate = float(hot.flow) * tower.WATER_HEAT
    least, most = sorted((dry_air * effective, rate))
    ua = float(merkel.conductance(d.conductance, 1.0, 1.0)) * effective / psy.DRY_AIR_HEAT
    eps = ht.effectiveness_from_NTU(ua / least, least / most, subtype="counterflow")
    assert heat == pytest.approx(eps * least * (35.0 - t_wb), rel=1e-4)


def test_circuit_is_checked() -> None:
    with pytest.raises(ValueError, match="closed circuit"):
        dataclasses.replace(CELL, coil_approach=2.0)
    with pytest.raises(ValueError, match="coil_approach"):
        dataclasses.replace(CELL, circuit="closed")
    with pytest.raises(ValueError, match="more air"):
        design(dataclasses.replace(MERKEL, design_air_flow=2.0))


def test_yorkcalc_never_turns_round() -> None:
    """More water per air never cools better and a warmer inlet never cools less, in and beyond the range."""
    wet_bulb, lift, liquid_gas = np.meshgrid(
        np.linspace(-36.0, 31.0, 68), np.linspace(0.5, 90.0, 120), np.linspace(0.05, 8.0, 160), indexing="ij"
    )
    cooled = yorkcalc.cooling_range(liquid_gas, wet_bulb, lift)
    assert np.diff(cooled, axis=2).max() <= 1e-9
    assert np.diff(cooled, axis=1).min() > 0.0
    assert np.all(cooled < lift)
