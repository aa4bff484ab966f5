"""Liquid-to-air units: rated points, off design against ht, the inverse, what is refused."""

import ht
import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.cdu import cdu
from twin_models.dry_cooler.dry_cooler import AdiabaticPads
from twin_models.fluids import fluids
from twin_models.fluids.fluids import fluid, heat_capacity
from twin_models.liquid_to_air.liquid_to_air import FanCoil, LiquidToAir, rating, speed_for, transfer
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.streams import Ambient, Real, Stream
from twin_sites import catalogue, units

EXACT = 1e-6
FILM_FIT = 2e-3
APPROACH_K = 0.1
INVERSE_K = 1e-5
FAN_SHARE = (0.01, 0.08)  # of the heat, what fans of row coolers draw
SHEETS = catalogue.names("liquid_to_air")
PG25 = fluid("propylene_glycol", 0.25)


def unit(slug: str) -> LiquidToAir:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(LiquidToAir).validate_python(values, context=units.read)


def room(t: Real, w: float = 0.0) -> Ambient:
    return Ambient(t, t, w, psy.STANDARD_PRESSURE)


def liquid(coil: FanCoil, t: Real, ratio: float = 1.0) -> Stream:
    cp = float(heat_capacity(PG25, coil.rated_fluid_in))
    return Stream(t, ratio * rating(coil).liquid_flow, cp, PG25)


def test_enough_sheets() -> None:
    assert len(SHEETS) >= 3


@pytest.mark.parametrize("slug", SHEETS)
def test_rated_point_and_approach(slug: str) -> None:
    params = unit(slug)
    coil = params.heat_exchanger
    hot = liquid(coil, coil.rated_fluid_in)
    out = transfer(hot, room(coil.rated_air_in), 1.0, coil)
    assert float(out.heat) == pytest.approx(coil.rated_heat, rel=EXACT)
    assert coil.rated_heat == params.rated_heat
    assert float(out.electric) == pytest.approx(coil.fan_power, rel=EXACT)
    assert float(out.hot_out) - coil.rated_air_in == pytest.approx(params.rated_approach, abs=APPROACH_K)
    assert FAN_SHARE[0] <= coil.fan_power / coil.rated_heat <= FAN_SHARE[1]
    assert bool(cdu.pumping(coil.hot_flow, params.external_head, params).valid)


@pytest.mark.parametrize("u", [0.3, 0.7, 1.0])
@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_off_design_against_ht(u: float, ratio: float) -> None:
    coil = unit("in-rack-l2a-70kw").heat_exchanger
    rated, hot, air = rating(coil), liquid(coil, 44.0, ratio), room(22.0, 0.009)
    density = float(psy.density(22.0, 0.009, air.pressure))
    flow = density * coil.rated_air_flow * u
    rate = flow * float(psy.heat_capacity(0.009)) / 1.009
    film = {
        t: float(fluids.conductivity(PG25, t)) ** 0.6
        * float(heat_capacity(PG25, t)) ** 0.4
        * float(fluids.viscosity(PG25, t)) ** -0.4
        for t in (44.0, coil.rated_fluid_in)
    }
    ua = rated.conductance * (flow / rated.air_flow) ** coil.air_exponent * ratio**coil.liquid_exponent
    ua *= (film[44.0] / film[coil.rated_fluid_in]) ** (coil.liquid_exponent / 0.8)
    least, most = sorted((rate, float(hot.flow) * float(hot.cp)))
    eps = ht.effectiveness_from_NTU(ua / least, least / most, subtype="crossflow approximate")
    assert float(transfer(hot, air, u, coil).heat) == pytest.approx(eps * least * 22.0, rel=FILM_FIT)


def test_speed_gives_the_liquid_wanted() -> None:
    coil = unit("in-row-l2a-40kw").heat_exchanger
    hot, air = liquid(coil, np.full(4, 45.0), 0.6), room(np.full(4, 22.0))
    wanted = np.array([44.0, 40.0, 36.0, 33.0])
    u = speed_for(hot, air, wanted, coil)
    assert np.all((u > 0.0) & (u < 1.0))
    assert np.all(np.diff(u) > 0.0)
    assert transfer(hot, air, u, coil).hot_out == pytest.approx(wanted, abs=INVERSE_K)


def test_pads_are_refused() -> None:
    values = {k: v for k, v in vars(unit("in-row-l2a-40kw").heat_exchanger).items() if k != "pads"}
    with pytest.raises(ValueError, match="no wetted pads"):
        FanCoil(**values, pads=AdiabaticPads())
