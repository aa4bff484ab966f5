"""Air handler: rated points, fan law, dry coil against ht, wet coil, the inverse."""

import dataclasses

import ht
import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.air_handler.air_handler import AirHandler, rating, transfer, valve_for
from twin_models.fluids.fluids import fluid, heat_capacity
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.streams import Real, RoomAir, Stream
from twin_sites import catalogue, units

EXACT = 1e-6
FILM_FIT = 2e-3
SHEETS = catalogue.names("air_handler")
WATER = fluid("water")


def machine(slug: str) -> AirHandler:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(AirHandler).validate_python(values, context=units.read)


UNIT = machine("vertiv-pw170")


def room(t: Real, dew: Real, ratio: Real = 1.0, p: Real = 101325.0, params: AirHandler = UNIT) -> RoomAir:
    w = psy.humidity_ratio_from_dew_point(dew, p)
    return RoomAir(t, ratio * rating(params).air_flow, psy.heat_capacity(w) / (1.0 + w), w, p)


def chilled(t: Real, ratio: Real = 1.0, params: AirHandler = UNIT) -> Stream:
    return Stream(t, ratio * rating(params).water_flow, 4184.0, WATER)


@pytest.mark.parametrize("slug", SHEETS)
def test_datasheet_meets_its_rated_point(slug: str) -> None:
    params = machine(slug)
    rated = rating(params)
    hot = RoomAir(params.rated_air_in, rated.air_flow, psy.DRY_AIR_HEAT, 0.0, psy.STANDARD_PRESSURE)
    cp = float(heat_capacity(WATER, params.rated_water_in))
    out = transfer(hot, Stream(params.rated_water_in, rated.water_flow, cp, WATER), 1.0, params)
    assert float(out.heat) == pytest.approx(params.rated_heat, rel=EXACT)
    assert float(out.electric) == pytest.approx(params.fan_power, rel=EXACT)
    assert float(out.water) == 0.0
    assert out.valid


def test_published_units_are_there() -> None:
    assert {"vertiv-pw170", "vertiv-fa069hc", "vertiv-fa096hc"} <= set(SHEETS)
    unit = machine("vertiv-fa096hc")
    assert unit.rated_heat / unit.fan_power == pytest.approx(352.0 / 19.5)
    leaving = unit.rated_water_in + unit.rated_heat / (rating(unit).water_flow * 4184.0)
    assert leaving == pytest.approx(25.0, abs=0.1)


@pytest.mark.parametrize(("u", "air_ratio"), [(1.0, 1.0), (0.4, 1.0), (0.7, 0.5)])
def test_dry_coil_against_ht(u: float, air_ratio: float) -> None:
    rated = rating(UNIT)
    hot, cold = room(36.0, 8.0, air_ratio), chilled(UNIT.rated_water_in)
    ua = rated.conductance * air_ratio**UNIT.air_exponent * u**UNIT.liquid_exponent
    air, water = float(hot.flow) * float(hot.cp), u * float(cold.flow) * float(cold.cp)
    least, most = sorted((air, water))
    eps = ht.effectiveness_from_NTU(ua / least, least / most, subtype="counterflow")
    out = transfer(hot, cold, u, UNIT)
    assert float(out.heat) == pytest.approx(eps * least * (36.0 - UNIT.rated_water_in), rel=FILM_FIT)
    assert float(out.hot_out) == pytest.approx(36.0 - float(out.heat) / air, abs=1e-9)


def test_fan_law_with_a_floor() -> None:
    density = float(psy.density(40.0, 0.0, 101325.0))
    flow = np.array([0.0, 0.1, 0.35, 0.6, 1.0]) * UNIT.rated_air_flow * density
    out = transfer(RoomAir(40.0, flow, 1006.0, 0.0, 101325.0), chilled(18.0), 1.0, UNIT)
    speed = np.array([0.0, 0.35, 0.35, 0.6, 1.0])
    assert out.electric == pytest.approx(UNIT.fan_power * speed**3, rel=1e-9)


def test_bypass_warms_the_supply() -> None:
    leaky = dataclasses.replace(UNIT, bypass=0.2)
    hot, cold = room(36.0, 8.0), chilled(12.0, 1.5)
    assert float(transfer(hot, cold, 1.0, leaky).hot_out) > float(transfer(hot, cold, 1.0, UNIT).hot_out)


def test_wet_coil() -> None:
    hot = room(30.0, 18.0)
    cold = chilled(np.array([6.0, 8.0, 10.0, 19.0]), 1.3)
    out = transfer(hot, cold, 1.0, UNIT)
    dry_air = float(hot.flow) / (1.0 + float(hot.humidity_ratio))
    w_out = float(hot.humidity_ratio) - out.water / dry_air
    before, after = psy.enthalpy(30.0, hot.humidity_ratio), psy.enthalpy(out.hot_out, w_out)
    assert dry_air * (before - after) == pytest.approx(out.heat, rel=1e-9)
    assert out.water[3] == 0.0  # water above the dew point
    assert np.all(np.diff(out.water) <= 0.0)  # colder water condenses more
    assert np.all(psy.relative_humidity(out.hot_out, w_out, 101325.0) <= 1.001)
    sensible = float(hot.flow) * float(hot.cp) * (30.0 - out.hot_out) / out.heat
    assert np.all((sensible > 0.5) & (sensible <= 1.0 + 1e-12))
    assert sensible[0] < 0.9


def test_wet_coil_starts_without_a_step() -> None:
    hot, cold = room(30.0, np.linspace(4.0, 20.0, 4001)), chilled(8.0)
    out = transfer(hot, cold, 1.0, UNIT)
    assert np.max(np.abs(np.diff(out.hot_out))) < 0.01
    assert np.max(np.abs(np.diff(out.water))) < 1e-4
    assert out.water[0] == 0.0 < out.water[-1]


def test_wet_coil_is_not_worse_than_saturated_limit() -> None:
    hot, cold = room(28.0, 22.0), chilled(7.0, 1.3)
    out = transfer(hot, cold, 1.0, UNIT)
    h_cold = psy.enthalpy(7.0, psy.saturation_humidity_ratio(7.0, 101325.0))
    most = (
        float(hot.flow)
        / (1.0 + float(hot.humidity_ratio))
        * (psy.enthalpy(28.0, hot.humidity_ratio) - h_cold)
    )
    assert 0.0 < float(out.heat) < float(most)


def test_inverse_meets_the_set_point() -> None:
    rng = np.random.default_rng(11)
    n = 3000
    hot = room(rng.uniform(22.0, 45.0, n), rng.uniform(0.0, 18.0, n), rng.uniform(0.2, 1.2, n))
    cold = chilled(rng.uniform(6.0, 24.0, n), rng.uniform(0.4, 1.4, n))
    full = transfer(hot, cold, 1.0, UNIT)
    wanted = hot.temperature - rng.uniform(0.02, 0.98, n) * (hot.temperature - full.hot_out)
    u = valve_for(hot, cold, wanted, UNIT)
    assert transfer(hot, cold, u, UNIT).hot_out == pytest.approx(wanted, abs=1e-4)
    assert np.all(valve_for(hot, cold, hot.temperature + 1.0, UNIT) == 0.0)
    reachable = full.heat > 0.0
    assert np.all(valve_for(hot, cold, full.hot_out - 1.0, UNIT)[reachable] == 1.0)


def test_impossible_rating_is_refused() -> None:
    with pytest.raises(ValueError, match="rated_air_in"):
        rating(dataclasses.replace(UNIT, rated_air_in=25.0))
