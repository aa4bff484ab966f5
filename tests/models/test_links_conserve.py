"""The suite that every link between two loops inherits. A new machine is one more line in ``MACHINES``."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.air_handler import air_handler
from twin_models.air_handler.air_handler import AirHandler
from twin_models.cdu import cdu
from twin_models.cdu.cdu import Cdu
from twin_models.chiller import chiller
from twin_models.chiller.chiller import Chiller
from twin_models.cooling_tower import cooling_tower
from twin_models.cooling_tower.cooling_tower import CoolingTower
from twin_models.dry_cooler import dry_cooler
from twin_models.dry_cooler.dry_cooler import DryCooler
from twin_models.fluids.fluids import fluid, heat_capacity
from twin_models.heat_exchanger import heat_exchanger
from twin_models.heat_exchanger.heat_exchanger import PlateExchanger
from twin_models.liquid_to_air import liquid_to_air
from twin_models.liquid_to_air.liquid_to_air import LiquidToAir
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.rear_door import rear_door
from twin_models.rear_door.rear_door import RearDoor
from twin_models.streams import Ambient, RoomAir, Stream, Transfer
from twin_sites import catalogue, units

POINTS = 400
BALANCE = 1e-7  # relative to the capacity; the tower's exit temperature is the loosest
ROUNDING = 1e-9  # relative to the capacity
SAME = 1e-9  # arrays against scalars
RATED = 1e-6

WATER = fluid("water")
PG25 = fluid("propylene_glycol", 0.25)
ACTUATOR = np.linspace(0.0, 1.0, 21)


class Machine(NamedTuple):
    """One machine and how to feed it."""

    transfer: Callable[..., Transfer]
    params: Any
    hot: Callable[[np.random.Generator, Any], Any]  # POINTS random states, far wider than the machine's range
    cold: Callable[[np.random.Generator, Any], Any]
    works: bool = False  # True where electricity lifts heat to a warmer sink


def sheet(kind: type, slug: str) -> Any:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(kind).validate_python(values, context=units.read)


def flows(rng: np.random.Generator, rated: float) -> np.ndarray:
    """From nothing to 1.6 times the rated flow; every tenth stands still."""
    return rng.uniform(0.0, 1.6, POINTS) * rated * (rng.random(POINTS) > 0.1)


def liquid(
    rated: Callable[[Any], float], low: float, high: float
) -> Callable[[np.random.Generator, Any], Stream]:
    return lambda rng, params: Stream(
        rng.uniform(low, high, POINTS), flows(rng, rated(params)), rng.uniform(3600.0, 4200.0, POINTS), PG25
    )


def outdoors(rng: np.random.Generator, _: Any) -> Ambient:
    t, p = rng.uniform(-35.0, 48.0, POINTS), rng.uniform(70e3, 104e3, POINTS)
    w = psy.humidity_ratio(t, rng.uniform(0.02, 1.0, POINTS), p)
    return Ambient(t, psy.wet_bulb(t, w, p), w, p)


def room(rng: np.random.Generator, params: AirHandler) -> RoomAir:
    t, p = rng.uniform(12.0, 60.0, POINTS), rng.uniform(70e3, 104e3, POINTS)
    w = psy.humidity_ratio_from_dew_point(np.minimum(rng.uniform(-10.0, 24.0, POINTS), t), p)
    flow = flows(rng, air_handler.rating(params).air_flow)
    return RoomAir(t, flow, psy.heat_capacity(w) / (1.0 + w), w, p)


def chilled_flow(params: Chiller) -> float:
    return params.capacity / (params.chilled_range * 4186.0)


def machines() -> dict[str, Machine]:
    plate = PlateExchanger(rated_heat=2e6, rated_approach=3.0, hot_flow=0.03148, cold_flow=0.0323)
    found = {
        "plate-exchanger": Machine(
            heat_exchanger.transfer,
            plate,
            liquid(lambda p: heat_exchanger.rating(p).hot_flow, -5.0, 75.0),
            liquid(lambda p: heat_exchanger.rating(p).cold_flow, -5.0, 60.0),
        )
    }
    for slug in catalogue.names("cdu"):
        found[slug] = Machine(
            cdu.transfer,
            sheet(Cdu, slug),
            liquid(lambda p: heat_exchanger.rating(p.heat_exchanger).hot_flow, 5.0, 75.0),
            liquid(lambda p: heat_exchanger.rating(p.heat_exchanger).cold_flow, 2.0, 60.0),
        )
    for slug in catalogue.names("chiller"):
        params = sheet(Chiller, slug)
        sink = outdoors if params.condenser == "air" else liquid(lambda p: 1e3 * p.condenser_flow, 2.0, 55.0)
        found[slug] = Machine(chiller.transfer, params, liquid(chilled_flow, 2.0, 60.0), sink, works=True)
    for slug in catalogue.names("dry_cooler"):
        hot = liquid(lambda p: dry_cooler.rating(p).liquid_flow, -5.0, 75.0)
        found[slug] = Machine(dry_cooler.transfer, sheet(DryCooler, slug), hot, outdoors)
    for slug in catalogue.names("liquid_to_air"):
        hot = liquid(lambda p: dry_cooler.rating(p).liquid_flow, -5.0, 75.0)
        coil = sheet(LiquidToAir, slug).heat_exchanger
        found[slug] = Machine(liquid_to_air.transfer, coil, hot, outdoors)
    for slug in catalogue.names("cooling_tower"):
        hot = liquid(lambda p: 1e3 * p.design_flow, -5.0, 75.0)
        params = sheet(CoolingTower, slug)
        found[slug] = Machine(cooling_tower.transfer, params, hot, outdoors)
        merkel = TypeAdapter(CoolingTower).validate_python(
            {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"} | {"model": "merkel"},
            context=units.read,
        )
        found[f"{slug}-merkel"] = Machine(cooling_tower.transfer, merkel, hot, outdoors)
    for slug in catalogue.names("air_handler"):
        water = liquid(lambda p: air_handler.rating(p).water_flow, 2.0, 50.0)
        found[slug] = Machine(air_handler.transfer, sheet(AirHandler, slug), room, water)
    for slug in catalogue.names("rear_door"):
        water = liquid(lambda p: air_handler.rating(p).water_flow, 2.0, 50.0)
        found[slug] = Machine(rear_door.transfer, sheet(RearDoor, slug), room, water)
    return found


MACHINES = machines()


@pytest.fixture(params=MACHINES, scope="module")
def machine(request: pytest.FixtureRequest) -> Machine:
    return MACHINES[request.param]


@pytest.fixture(scope="module")
def states(machine: Machine) -> tuple[Any, Any]:
    rng = np.random.default_rng(2026)
    return machine.hot(rng, machine.params), machine.cold(rng, machine.params)


def scale(out: Transfer) -> np.ndarray:
    """Capacity, at least a watt: what a residual is compared with."""
    return np.maximum(out.capacity, 1.0)


@pytest.mark.parametrize("u", [0.0, 0.07, 0.3, 0.66, 1.0])
def test_balances(machine: Machine, states: tuple[Any, Any], u: float) -> None:
    hot, cold = states
    out = machine.transfer(hot, cold, u, machine.params)
    for name, value in list(out._asdict().items())[:-1]:  # all but the ranges
        assert np.shape(value) == (POINTS,), name
        assert np.all(np.isfinite(value)), name
    assert np.all(out.heat >= 0.0)
    assert np.all(out.electric >= 0.0)
    assert np.all(out.water >= 0.0)
    assert np.all(out.blowdown >= 0.0)
    if isinstance(hot, RoomAir):
        dry_air = hot.flow / (1.0 + hot.humidity_ratio)
        w_out = hot.humidity_ratio - out.water / np.maximum(dry_air, 1e-12)
        taken = dry_air * (
            psy.enthalpy(hot.temperature, hot.humidity_ratio) - psy.enthalpy(out.hot_out, w_out)
        )
    else:
        taken = hot.flow * hot.cp * (hot.temperature - out.hot_out)
        assert np.all(out.blowdown <= out.water)
    assert np.max(np.abs(taken - out.heat) / scale(out)) < BALANCE
    given = out.heat + out.electric if machine.works else out.heat
    assert np.max(np.abs(out.cold_heat - given) / scale(out)) < BALANCE


@pytest.mark.parametrize("u", [0.0, 0.1, 0.66, 1.0])
def test_a_trial_answers_the_same(machine: Machine, states: tuple[Any, Any], u: float) -> None:
    """What a search asks for is what the machine does, and what it leaves out is left out alike by all."""
    hot, cold = states
    out, trial = (machine.transfer(hot, cold, u, machine.params, trial=trial) for trial in (False, True))
    for name in ("heat", "hot_out", "electric"):
        full, tried = getattr(out, name), np.broadcast_to(getattr(trial, name), (POINTS,))
        np.testing.assert_array_equal(tried, full, err_msg=name)
    assert np.max(np.abs(trial.cold_heat - out.cold_heat) / scale(out)) < BALANCE
    assert all(np.shape(getattr(trial, name)) == () for name in ("water", "blowdown", "capacity", "valid"))


def test_never_uphill_without_work(machine: Machine, states: tuple[Any, Any]) -> None:
    hot, cold = states
    out = machine.transfer(hot, cold, 1.0, machine.params)
    if machine.works:
        assert np.all(out.electric[out.heat > 0.0] > 0.0)
        return
    coldest = cold.wet_bulb if isinstance(cold, Ambient) else cold.temperature
    uphill = coldest >= hot.temperature
    assert uphill.any()
    assert np.all(out.heat[uphill] == 0.0)
    assert np.all(out.hot_out >= np.minimum(coldest, hot.temperature) - 1e-6)


def test_monotone_from_nothing_to_the_capacity(machine: Machine, states: tuple[Any, Any]) -> None:
    hot, cold = states
    heat = [machine.transfer(hot, cold, u, machine.params).heat for u in ACTUATOR]
    capacity = machine.transfer(hot, cold, 0.4, machine.params).capacity
    assert np.all(heat[0] == 0.0)
    assert heat[-1] == pytest.approx(capacity, rel=ROUNDING, abs=1e-6)
    assert np.all(np.diff(heat, axis=0) >= -ROUNDING * np.maximum(capacity, 1.0))
    assert np.any(heat[-1] > 0.0)


def test_no_flow_no_heat(machine: Machine, states: tuple[Any, Any]) -> None:
    hot, cold = states
    standing = [machine.transfer(hot._replace(flow=np.zeros(POINTS)), cold, 1.0, machine.params)]
    if isinstance(cold, Stream):
        standing.append(machine.transfer(hot, cold._replace(flow=np.zeros(POINTS)), 1.0, machine.params))
    for out in standing:
        assert np.all(out.heat == 0.0)
        assert np.all(out.hot_out == hot.temperature)
        assert np.all(out.water == 0.0)


def test_array_equals_loop_of_scalars(machine: Machine, states: tuple[Any, Any]) -> None:
    hot, cold = states
    u = np.linspace(0.0, 1.0, POINTS)
    out = machine.transfer(hot, cold, u, machine.params)
    for i in range(0, POINTS, 16):
        one = machine.transfer(point(hot, i), point(cold, i), float(u[i]), machine.params)
        for name, value in list(one._asdict().items())[:-1]:  # all but the ranges
            whole = getattr(out, name)[i]
            assert float(value) == pytest.approx(float(whole), rel=SAME, abs=SAME * float(scale(out)[i])), (
                name
            )


def point(state: Any, i: int) -> Any:
    return type(state)(*(float(x[i]) if isinstance(x, np.ndarray) else x for x in state))


@pytest.mark.parametrize("slug", catalogue.names("cdu"))
def test_cdu_meets_its_rated_point(slug: str) -> None:
    params = sheet(Cdu, slug)
    plate = params.heat_exchanger
    rated = heat_exchanger.rating(plate)
    hot_fluid, cold_fluid = (
        heat_exchanger.fluid_of(x) for x in (plate.rated_hot_glycol, plate.rated_cold_glycol)
    )
    hot_cp = float(heat_capacity(hot_fluid, plate.rated_cold_in + plate.rated_approach))
    hot = Stream(rated.hot_in, rated.hot_flow, hot_cp, hot_fluid)
    cold_cp = float(heat_capacity(cold_fluid, plate.rated_cold_in))
    cold = Stream(plate.rated_cold_in, rated.cold_flow, cold_cp, cold_fluid)
    assert float(cdu.transfer(hot, cold, 1.0, params).heat) == pytest.approx(plate.rated_heat, rel=RATED)
