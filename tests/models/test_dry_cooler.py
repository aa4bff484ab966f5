"""Dry cooler: rated points, glycol and altitude through physics, pads, the inverse."""

import dataclasses

import ht
import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.dry_cooler import dry_cooler
from twin_models.dry_cooler.dry_cooler import (
    AdiabaticPads,
    DryCooler,
    rated_conductance,
    rating,
    speed_for,
    transfer,
)
from twin_models.fluids import fluids
from twin_models.fluids.fluids import fluid, heat_capacity
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.streams import Ambient, Real, Stream
from twin_sites import catalogue, units

EXACT = 1e-6
CLOSED_FORM = 0.01  # the closed form of crossflow against the exact series
FILM_FIT = 2e-3
SHEETS = catalogue.names("dry_cooler")
PG35 = fluid("propylene_glycol", 0.35)


def machine(slug: str) -> DryCooler:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(DryCooler).validate_python(values, context=units.read)


COOLER = machine("dry-cooler-1mw")
PADS = machine("adiabatic-cooler-1mw")


def outdoors(t: Real, rh: Real, p: Real = 101325.0) -> Ambient:
    w = psy.humidity_ratio(t, rh, p)
    return Ambient(t, psy.wet_bulb(t, w, p), w, p)


def liquid(t: Real, ratio: Real = 1.0, params: DryCooler = COOLER) -> Stream:
    return Stream(t, ratio * rating(params).liquid_flow, float(heat_capacity(PG35, 48.0)), PG35)


@pytest.mark.parametrize("slug", SHEETS)
def test_datasheet_meets_its_rated_point(slug: str) -> None:
    params = dataclasses.replace(machine(slug), pads=None)
    t = params.rated_fluid_in
    hot = Stream(t, rating(params).liquid_flow, float(heat_capacity(PG35, t)), PG35)
    rated_air = Ambient(params.rated_air_in, 0.0, 0.0, params.rated_pressure)
    out = transfer(hot, rated_air, 1.0, params)
    assert float(out.heat) == pytest.approx(params.rated_heat, rel=EXACT)
    assert float(out.electric) == pytest.approx(params.fan_power, rel=EXACT)
    assert out.valid
    assert 0.006 <= params.fan_power / params.rated_heat <= 0.025
    assert 10.0 <= t - params.rated_air_in <= 20.0


def test_enough_sheets() -> None:
    assert len(SHEETS) >= 5


@pytest.mark.parametrize("u", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_off_design_against_ht(u: float, ratio: float) -> None:
    rated = rating(COOLER)
    hot, air = liquid(45.0, ratio), outdoors(18.0, 0.4, 95e3)
    density = float(psy.density(air.dry_bulb, air.humidity_ratio, air.pressure))
    air_flow = density * COOLER.rated_air_flow * u
    air_rate = air_flow * float(psy.heat_capacity(air.humidity_ratio)) / (1.0 + float(air.humidity_ratio))
    film = {
        t: float(fluids.conductivity(PG35, t)) ** 0.6
        * float(heat_capacity(PG35, t)) ** 0.4
        * float(fluids.viscosity(PG35, t)) ** -0.4
        for t in (45.0, COOLER.rated_fluid_in)
    }
    ua = (
        rated.conductance * (air_flow / rated.air_flow) ** COOLER.air_exponent * ratio**COOLER.liquid_exponent
    )
    ua *= (film[45.0] / film[COOLER.rated_fluid_in]) ** (COOLER.liquid_exponent / 0.8)
    least, most = sorted((air_rate, float(hot.flow) * float(hot.cp)))
    eps = ht.effectiveness_from_NTU(ua / least, least / most, subtype="crossflow approximate")
    expected = eps * least * (45.0 - 18.0)
    out = transfer(hot, air, u, COOLER)
    assert float(out.heat) == pytest.approx(expected, rel=FILM_FIT)
    exact = ht.effectiveness_from_NTU(ua / least, least / most, subtype="crossflow") * least * 27.0
    assert float(out.heat) == pytest.approx(exact, rel=CLOSED_FORM)
    assert float(out.electric) == pytest.approx(COOLER.fan_power * u**3 * density / rated.density, rel=1e-9)


@pytest.mark.parametrize("name", [("water", 0.0), ("propylene_glycol", 0.35), ("ethylene_glycol", 0.5)])
def test_film_fit(name: tuple[str, float]) -> None:
    f = fluid(*name)
    t = np.linspace(f.low, f.high, 200)
    expected = fluids.conductivity(f, t) ** 0.6 * heat_capacity(f, t) ** 0.4 * fluids.viscosity(f, t) ** -0.4
    assert np.exp(fluids.polynomial(dry_cooler.film_properties(f), t)) == pytest.approx(expected, rel=0.01)


def test_glycol_costs_conductance() -> None:
    assert rated_conductance(COOLER, fluid("water")) > 1.1 * rated_conductance(COOLER, PG35)
    assert rated_conductance(COOLER, PG35) == pytest.approx(rating(COOLER).conductance, rel=1e-9)


def test_altitude_takes_heat_and_fan_power() -> None:
    low = transfer(liquid(48.0), outdoors(30.0, 0.3, 101325.0), 1.0, COOLER)
    high = transfer(liquid(48.0), outdoors(30.0, 0.3, 82e3), 1.0, COOLER)
    assert 0.80 < float(high.heat / low.heat) < 0.95
    assert float(high.electric / low.electric) == pytest.approx(82e3 / 101325.0, rel=5e-3)


def test_cycling_below_the_lowest_speed() -> None:
    hot, air = liquid(45.0), outdoors(10.0, 0.6)
    lowest = transfer(hot, air, COOLER.minimum_speed, COOLER)
    half = transfer(hot, air, 0.5 * COOLER.minimum_speed, COOLER)
    assert float(half.heat) == pytest.approx(0.5 * float(lowest.heat), rel=1e-9)
    assert float(half.electric) == pytest.approx(0.5 * float(lowest.electric), rel=1e-9)


def test_pads() -> None:
    assert PADS.pads is not None
    hot, air = liquid(45.0), outdoors(34.0, 0.3)
    wet, dry = transfer(hot, air, 1.0, PADS), transfer(hot, air, 1.0, COOLER)
    t_pad = 34.0 - PADS.pads.efficiency * (34.0 - float(air.wet_bulb))
    assert float(wet.heat / dry.heat) == pytest.approx((45.0 - t_pad) / 11.0, rel=5e-3)  # and cp
    assert float(wet.electric) == pytest.approx(1.1 * float(dry.electric), rel=1e-9)
    moved = COOLER.rated_air_flow * float(psy.density(34.0, air.humidity_ratio, air.pressure))
    w_pad = float(psy.humidity_ratio_from_wet_bulb(t_pad, float(air.wet_bulb), 101325.0))
    evaporated = moved / (1.0 + float(air.humidity_ratio)) * (w_pad - float(air.humidity_ratio))
    assert float(wet.water - wet.blowdown) == pytest.approx(evaporated, rel=1e-3)
    assert float(wet.blowdown) == pytest.approx(0.5 * float(wet.water - wet.blowdown), rel=1e-9)
    assert float(transfer(hot, air, 0.5, PADS).water) == pytest.approx(0.5 * float(wet.water), rel=1e-9)
    assert float(transfer(hot, air, 0.0, PADS).water) == 0.0
    assert float(transfer(hot, outdoors(20.0, 0.3), 1.0, PADS).water) == 0.0  # below the switch
    no_water = dataclasses.replace(PADS, pads=dataclasses.replace(PADS.pads, water=False))
    assert float(transfer(hot, air, 1.0, no_water).heat) == pytest.approx(float(dry.heat), rel=1e-12)
    assert float(transfer(hot, air, 1.0, no_water).water) == 0.0
    with_air = transfer(liquid(30.0), air, 1.0, PADS)  # colder than the air, warmer than the pads
    assert float(with_air.heat) > 0.0 == float(transfer(liquid(30.0), air, 1.0, COOLER).heat)


@pytest.mark.parametrize("params", [COOLER, PADS], ids=["dry", "pads"])
def test_inverse_meets_the_set_point(params: DryCooler) -> None:
    rng = np.random.default_rng(5)
    n = 3000
    air = outdoors(rng.uniform(-25.0, 42.0, n), rng.uniform(0.1, 1.0, n), rng.uniform(75e3, 103e3, n))
    hot = liquid(rng.uniform(15.0, 60.0, n), rng.uniform(0.2, 1.4, n))
    full = transfer(hot, air, 1.0, params)
    wanted = hot.temperature - rng.uniform(0.0, 1.0, n) * (hot.temperature - full.hot_out)
    u = speed_for(hot, air, wanted, params)
    assert transfer(hot, air, u, params).hot_out == pytest.approx(wanted, abs=1e-5)
    assert np.all(speed_for(hot, air, full.hot_out - 1.0, params)[full.heat > 0.0] == 1.0)
    assert np.all(speed_for(hot, air, hot.temperature + 1.0, params) == 0.0)


def test_impossible_rating_is_refused() -> None:
    with pytest.raises(ValueError, match="rated_air_flow"):
        rating(dataclasses.replace(COOLER, rated_air_flow=30.0))


def test_pads_are_parameters() -> None:
    assert AdiabaticPads().water
