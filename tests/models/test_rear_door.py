"""Rear doors: rated points, the quoted range of effectiveness, dry coil against ht, passive and active."""

import ht
import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.fluids.fluids import fluid, heat_capacity
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.rear_door.rear_door import RearDoor, rating, server_fan_power, transfer, valve_for
from twin_models.streams import RoomAir, Stream
from twin_sites import catalogue, units

EXACT = 1e-6
FILM_FIT = 2e-3
QUOTED = (0.6, 0.8)  # of (exhaust - water), engineering references
SHEETS = catalogue.names("rear_door")
WATER = fluid("water")


def door(slug: str) -> RearDoor:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(RearDoor).validate_python(values, context=units.read)


def exhaust(params: RearDoor, ratio: float = 1.0) -> RoomAir:
    flow = ratio * rating(params).air_flow
    return RoomAir(params.rated_air_in, flow, psy.DRY_AIR_HEAT, 0.0, psy.STANDARD_PRESSURE)


def water(params: RearDoor) -> Stream:
    t = params.rated_water_in
    return Stream(t, rating(params).water_flow, float(heat_capacity(WATER, t)), WATER)


@pytest.mark.parametrize("slug", SHEETS)
def test_rated_point_and_quoted_effectiveness(slug: str) -> None:
    params = door(slug)
    hot, cold = exhaust(params), water(params)
    out = transfer(hot, cold, 1.0, params)
    assert float(out.heat) == pytest.approx(params.rated_heat, rel=EXACT)
    assert float(out.electric) == pytest.approx(params.fan_power, rel=EXACT)
    assert params.active == (params.fan_power > 0.0)
    reached = (hot.temperature - float(out.hot_out)) / (hot.temperature - cold.temperature)
    assert QUOTED[0] <= reached <= QUOTED[1]


@pytest.mark.parametrize(("u", "ratio"), [(1.0, 0.6), (0.5, 1.0)])
def test_off_design_against_ht(u: float, ratio: float) -> None:
    params = door("active-door-50kw")
    hot, cold = exhaust(params, ratio), water(params)
    ua = rating(params).conductance * ratio**params.air_exponent * u**params.liquid_exponent
    least, most = sorted(
        (float(hot.flow) * float(hot.cp) * (1.0 - params.bypass), u * float(cold.flow) * float(cold.cp))
    )
    eps = ht.effectiveness_from_NTU(ua / least, least / most, subtype="counterflow")
    heat = float(transfer(hot, cold, u, params).heat)
    assert heat == pytest.approx(eps * least * (params.rated_air_in - params.rated_water_in), rel=FILM_FIT)


def test_valve_gives_the_air_wanted() -> None:
    params = door("passive-door-30kw")
    hot, cold = exhaust(params), water(params)
    wanted = np.array([24.0, 28.0, 35.0])
    cold = cold._replace(temperature=np.full(3, 16.0))
    u = valve_for(hot, cold, wanted, params)
    assert np.all((u > 0.0) & (u < 1.0))
    assert transfer(hot, cold, u, params).hot_out == pytest.approx(wanted, abs=1e-4)


def test_a_passive_door_takes_work_from_the_servers_fans() -> None:
    """3.1 m³/s against 15 Pa at 1.55 m³/s: 60 Pa, 186 W of air, 620 W of fans; an active door carries its coil itself."""
    assert float(server_fan_power(3.1, door("passive-door-30kw"))) == pytest.approx(
        3.1 * 60.0 / 0.3, rel=EXACT
    )
    assert float(server_fan_power(3.1, door("active-door-50kw"))) == 0.0
    flow = np.array([0.0, 1.0, 2.0])
    assert server_fan_power(flow, door("passive-door-15kw"))[2] == pytest.approx(
        8.0 * server_fan_power(1.0, door("passive-door-15kw"))
    )


def test_families_are_there() -> None:
    assert len(SHEETS) >= 3
    assert {door(slug).active for slug in SHEETS} == {True, False}
