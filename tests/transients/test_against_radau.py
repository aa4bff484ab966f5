"""Against solve_ivp (Radau): the same plant, every machine evaluated anew at every call."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from twin_models.streams import Array

import twin
from tests.transients.playing import SMALL, stand_on
from twin.transients.chips import FLOW_TIME
from twin.transients.flows import FAN_TIME, PUMP_TIME
from twin.transients.stepping import Stepper

LENGTH = 40.0


ADAPTIVE_K, FIXED_K = 0.02, 0.02  # at the chips
LIQUID_K, AIR_K = (
    0.008,
    0.04,
)  # supplies; that of the room in the first second, where steps of 1 s hold its flow


def rates_of(s: Stepper) -> tuple[Callable[[float, Array], Array], Array]:
    """Rates of everything, flows included, as a function of one vector; and where it starts."""
    plant, rows, flows, n = s.plant, s.rows, s.flows, s.y.size
    liquid = [one for one in rows if one.node.loop is not None]
    lagged = [v for v in plant.volumes if v.air or not v.node.racks]
    for tangent in [link.tangent for link in plant.links] + [feeder.tangent for feeder in plant.feeders]:
        if tangent is not None:
            tangent.exact = True

    def rates(t: float, x: Array) -> Array:
        s.y, rest = x[:n].copy(), list(x[n:])
        for name, group in (("chip", rows), ("out", rows), ("demand", liquid)):
            for one in group:
                setattr(one, name, np.array([rest.pop(0) for _ in range(one.weight.size)]))
                one._stale = True
        for v in lagged:
            flows.lag[v.node.name] = rest.pop(0)
        y = s.y.tolist()
        for _ in range(3):  # air that servers draw and what a room receives follow from the flows
            flows.set(y, t, 0.0)
            for tangent in flows._drive_tangents.values():
                tangent.exact = True
            plant.follow(y, t)
            s.held.take()
            d, d_chips, d_outs = s.rates(s.y, [one.chip for one in rows], [one.out for one in rows])
            s.held.publish(s.found)
        by_group = {
            id(one): (want - one.demand) / FLOW_TIME
            for v in plant.volumes
            if not v.air and v.node.racks
            for one, want in flows._demands(v, y, None)
        }
        slow = [(v.asked - flows.lag[v.node.name]) / (FAN_TIME if v.air else PUMP_TIME) for v in lagged]
        return np.concatenate([d, *d_chips, *d_outs, *(by_group[id(one)] for one in liquid), slow])

    start = np.concatenate(
        [s.y, *(one.chip for one in rows), *(one.out for one in rows), *(one.demand for one in liquid),
         [flows.lag[v.node.name] for v in lagged]]
    )  # fmt: skip
    return rates, start


@pytest.fixture(scope="module", params=[(1.0, 0.4)], ids=["down"])
def radau(request: pytest.FixtureRequest) -> tuple[float, float, Array, dict[str, Array]]:
    """A load step, and chip and supply temperatures at full seconds after it."""
    before, after = request.param
    stepper = stand_on(SMALL, before)
    rates, start = rates_of(stepper)
    for one in stepper.rows:
        one.ask(np.full(1, after))
    found = solve_ivp(
        rates, (0.0, LENGTH), start, method="Radau", rtol=1e-6, atol=1e-6, t_eval=np.arange(LENGTH + 1.0)
    )
    assert found.success
    heads = {v.node.name: found.y[v.head] for v in stepper.plant.volumes}
    return before, after, np.asarray(found.y[stepper.y.size]), heads


@pytest.mark.parametrize(("step", "limit"), [(None, ADAPTIVE_K), (1.0, FIXED_K)])
def test_a_load_step_agrees(
    radau: tuple[float, float, Array, dict[str, Array]], step: float | None, limit: float
) -> None:
    before, after, chips, supplies = radau
    ds = twin.transient(
        SMALL, load=before, events=[f"t=0s load {100 * after:g} %"], until=LENGTH, step_s=step
    )
    assert np.max(np.abs(ds.rack_chip_temperature.values[0] - chips)) <= limit
    for name, supply in supplies.items():
        most = AIR_K if str(ds.loop_role.sel(loop=name).item()) == "air" else LIQUID_K
        assert np.max(np.abs(ds.loop_supply_temperature.sel(loop=name).values - supply)) <= most, name
