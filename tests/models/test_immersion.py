"""Immersion: films against oracles, the sink's resistance and slope, still baths, tanks at their rated point."""

from dataclasses import replace

import ht
import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI
from fluids.core import Grashof
from pydantic import TypeAdapter
from twin_models.fluids import dielectrics, fluids
from twin_models.heat_exchanger import heat_exchanger
from twin_models.immersion.immersion import (
    BathSink,
    Tank,
    film,
    natural_flow,
    resistance,
    slope_of,
    transfer,
)
from twin_models.streams import Stream
from twin_sites import catalogue, units

EXACT = 1e-6
LINEAR = 1e-3  # straight lines through a tabulated liquid
WALTHER = 0.045
CONVERGED = 1e-4
SLOPE = 1e-3
SINK = BathSink(area=0.35, length=0.12, passage=2.4e-3, base_resistance=0.018)
EC_100 = fluids.fluid("ec_100")


@pytest.mark.parametrize("name", dielectrics.OILS)
def test_liquids_are_believable(name: str) -> None:
    t = np.linspace(0.0, 100.0, 51)
    liquid, oil = fluids.fluid(name), dielectrics.OILS[name]
    assert np.all(np.diff(fluids.viscosity(liquid, t)) < 0.0)
    assert np.all((fluids.density(liquid, t) > 700.0) & (fluids.density(liquid, t) < 900.0))
    for at, wanted in ((40.0, oil.viscosity_40), (100.0, oil.viscosity_100)):
        found = fluids.viscosity(liquid, at) / fluids.density(liquid, at) * 1e6
        assert found == pytest.approx(wanted, rel=LINEAR)
    assert oil.source


@pytest.mark.parametrize(
    ("name", "key", "within"),
    [
        ("density", "D", LINEAR),
        ("heat_capacity", "C", LINEAR),
        ("conductivity", "L", LINEAR),
        ("viscosity", "V", WALTHER),
    ],
)
def test_paratherm_against_coolprop(name: str, key: str, within: float) -> None:
    t = np.linspace(10.0, 90.0, 17)
    wanted = [PropsSI(key, "T", x + 273.15, "P", 1e5, "INCOMP::PNF2") for x in t]
    assert getattr(fluids, name)(fluids.fluid("paratherm_nf"), t) == pytest.approx(wanted, rel=within)


def test_natural_film_against_ht() -> None:
    t, difference, length = 45.0, np.array([5.0, 15.0, 30.0]), 0.12
    h, rayleigh, _ = film(difference, 0.0, length, EC_100, t)
    mu, rho = float(fluids.viscosity(EC_100, t)), float(fluids.density(EC_100, t))
    cp, k = float(fluids.heat_capacity(EC_100, t)), float(fluids.conductivity(EC_100, t))
    beta = -slope_of(EC_100.density, t) / rho
    for i, d in enumerate(difference):
        grashof = Grashof(length, beta, t + d, t, rho=rho, mu=mu)
        assert rayleigh[i] == pytest.approx(grashof * mu * cp / k, rel=EXACT)
        nusselt = ht.Nu_vertical_plate_Churchill(mu * cp / k, grashof)
        assert h[i] == pytest.approx(nusselt * k / length, rel=EXACT)
    assert np.all((h > 50.0) & (h < 200.0))  # 50 to 150 W/(m2 K) recalled for still baths


def test_forced_film_is_the_laminar_plate() -> None:
    t, length, speed = 45.0, 0.05, 0.3
    h, _, reynolds = film(0.0, speed, length, EC_100, t)
    prandtl = fluids.viscosity(EC_100, t) * fluids.heat_capacity(EC_100, t) / fluids.conductivity(EC_100, t)
    wanted = 0.664 * reynolds**0.5 * prandtl ** (1 / 3) * fluids.conductivity(EC_100, t) / length
    assert float(h) == pytest.approx(float(wanted), rel=EXACT)
    assert 200.0 < float(h) < 800.0  # pumped, recalled


def test_sink_meets_its_own_film() -> None:
    heat, t, flow = np.array([100.0, 400.0, 700.0]), 40.0, 4e-5
    sink = resistance(heat, t, flow, SINK)
    assert np.all((sink.resistance > 0.04) & (sink.resistance < 0.08))  # recalled for immersion sinks
    assert np.all(np.diff(sink.resistance) < 0.0)  # more heat drives more film
    rate = fluids.density(EC_100, t) * fluids.heat_capacity(EC_100, t) * flow
    local = t + 0.5 * heat / rate
    difference = heat / (sink.film * SINK.area)
    again, _, _ = film(difference, flow / SINK.passage, SINK.length, EC_100, local + 0.5 * difference)
    assert sink.film == pytest.approx(again, rel=CONVERGED)
    total = SINK.base_resistance + 1.0 / (sink.film * SINK.area) + 0.5 / rate
    assert sink.resistance == pytest.approx(total, rel=EXACT)
    assert np.all(sink.valid)
    warm, cold = (resistance(heat, t + d, flow, SINK).resistance for d in (0.5, -0.5))
    assert sink.slope == pytest.approx(warm - cold, rel=SLOPE)


def test_thicker_oil_is_hotter_and_more_flow_cools() -> None:
    names = ("ec_100", "gtl_oil", "mineral_oil", "pao_6")  # from thin to thick
    found = [float(resistance(700.0, 40.0, 4e-5, replace(SINK, fluid=name)).resistance) for name in names]
    assert found == sorted(found)
    flows = np.array([1e-5, 3e-5, 1e-4, 3e-4])
    assert np.all(np.diff(resistance(700.0, 40.0, flows, SINK).resistance) < 0.0)
    assert not resistance(700.0, 120.0, 4e-5, SINK).valid
    assert np.isfinite(resistance(0.0, 40.0, 0.0, SINK).resistance)


def test_still_bath_flows_with_the_cube_root() -> None:
    assert natural_flow(np.array([0.0, 35e3, 8 * 35e3]), 35e3, 1e-3) == pytest.approx([0.0, 1e-3, 2e-3])


@pytest.mark.parametrize("slug", catalogue.names("immersion"))
def test_tank_meets_its_rated_point(slug: str) -> None:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    tank = TypeAdapter(Tank).validate_python(
        values, context=lambda value, q: value if q.unit == "count" else units.read(value, q)
    )
    plate = tank.heat_exchanger
    rated = heat_exchanger.rating(plate)
    oil, water = fluids.fluid(plate.rated_hot_liquid), fluids.fluid("water")
    hot_cp = float(fluids.heat_capacity(oil, plate.rated_cold_in + plate.rated_approach))
    cold_cp = float(fluids.heat_capacity(water, plate.rated_cold_in))
    hot = Stream(rated.hot_in, rated.hot_flow, hot_cp, oil)
    cold = Stream(plate.rated_cold_in, rated.cold_flow, cold_cp, water)
    assert float(transfer(hot, cold, 1.0, tank).heat) == pytest.approx(tank.rated_heat, rel=EXACT)
    assert tank.highest_load <= tank.rated_heat
