"""From the year's answer for one moment to the vector of a transient that stands on it."""

from typing import Any

import numpy as np
from twin_models.fluids.fluids import density
from twin_models.rack import rack as rack_model
from twin_models.streams import Array

from twin.air import server_air
from twin.compile import Plan
from twin.errors import NotConverged
from twin.headers import branch_flows
from twin.heat import TOLERANCE, _sweep
from twin.state import Block, State
from twin.transients.chips import Rows
from twin.transients.flows import Flows
from twin.transients.parts import ACTUATOR_TIME, SENSOR_TIME, LinkState, VolumeState
from twin.transients.plant import Plant
from twin.transients.stepping import Stepper
from twin.trim_respond import solve

GRID = np.linspace(0.05, 1.0, 20)  # openings between which the steepest response of a machine is looked for
SETTLING_SWEEPS, SETTLED = 40, 1e-10
LEAST_RESPONSE = 0.5  # K over the whole stroke; a machine that does less is not tuned for


def answer(plan: Plan, block: Block) -> State:
    """The year's answer for a block of one step.

    Raises
    ------
    NotConverged
        Where there is no steady state to start from.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        state = solve(plan, block)
        block = block._replace(reset=state.reset)
        for _ in range(
            SETTLING_SWEEPS
        ):  # heat agrees; flows of air, which carry it, may still be on their way
            before = {name: flow.copy() for name, flow in state.flow.items()}
            _sweep(plan, block, state, 1)
            if all(
                np.all(np.abs(state.flow[name] - flow) <= SETTLED * flow) for name, flow in before.items()
            ):
                break
    if not (state.residual[0] <= TOLERANCE * 100 and np.isfinite(state.meter[0])):
        raise NotConverged(
            f"{plan.site.name}: no steady state to start from; worst {state.residual[0]:.2g} at {state.worst}. "
            "Where more heat enters than can leave, lower the load or add units there."
        )
    return state


def stand(
    plan: Plan, block: Block, state: State, activity: dict[str, tuple[Array, Array, Any]], cells: int
) -> Stepper:
    """Everything at rest on a state of the year; ``activity`` gives, by rack group, that of
    its rows, the racks of each and the row of each rack."""
    plant = Plant(plan, block.ambient, cells)
    plant.open_share = dict(state.open_share)
    plant.breathe(type(block.ambient)(*(float(np.asarray(part).ravel()[0]) for part in block.ambient)))
    for name, reset in plant.resets.items():
        reset.share = float(state.reset[name][0])
    one = {name: float(values[0]) for name, values in state.supply.items()}
    y = np.zeros(len(plant.labels))
    for v in plant.volumes:
        name = v.node.name
        v.cp, v.flow = float(state.cp[name][0]), float(state.flow[name][0])
        v.asked = v.flow
        supply, back = one[name], float(state.back[name][0])
        y[v.head] = supply
        if v.air:
            y[list(v.back)] = back
        elif not v.boils:
            y[list(v.supply)], y[v.mix], y[list(v.back)] = supply, back, back
        for stage in v.stages:
            whole = sum(link.node.units * link.width for link in stage)
            doors = sum(rack.racks.count for rack in v.node.racks) if v.node.outer else 0
            for link in stage:
                link.running = link.driven = float(np.asarray(state.running[link.node.name]).ravel()[0])
                link.share = link.running / doors if doors else link.node.units * link.width / whole
                y[link.u] = float(state.u[link.node.name][0])
    rows = [_rows(plan, plant, node, state, *activity[node.name], y) for node in plan.racks]
    flows = Flows(plant, rows)
    for name, bank in flows.banks.items():
        if f"{name}.pump" in state.running:  # pumps staged by flow
            bank.running = float(state.running[f"{name}.pump"][0])
    stepper = Stepper(plant, flows, rows)
    for v in plant.volumes:
        if v.air and not v.node.outer:
            inlet = float(state.inlet[v.node.name][0])
            _exhaust(v, inlet, state, y)
            v.mixed = plant.mixed(v)
            v.received = float(state.heat[v.node.name][0])
    for feeder in plant.feeders:
        feeder.load = float(state.load[feeder.name][0])
    stepper.y = y
    values = y.tolist()
    flows.set(values, 0.0, None)
    plant.follow(values, 0.0)
    for v in plant.volumes:
        _tune(plant, v, y)
    stepper.held.take()
    stepper.rates(y, [one.chip for one in rows], [one.out for one in rows])
    stepper.held.publish(stepper.found)
    return stepper


def _exhaust(v: VolumeState, inlet: float, state: State, y: Array) -> None:
    """Exhaust of servers and coils: their inlet and the rise of what they draw."""
    served, heat = (float(total[0]) for total in server_air(v.node, state))
    v.served = served
    y[v.exhaust] = inlet + heat / (served * v.cp) if served > 0.0 else y[v.head]
    y[v.steel] = y[v.washes]


def _rows(
    plan: Plan, plant: Plant, node: Any, state: State, activity: Array, weight: Array, row_of: Any, y: Array
) -> Rows:
    rho_cp = 1.0
    supply = air = float(state.inlet[node.room][0])
    if node.loop is not None:
        v = plant.by_name[node.loop]
        assert v.node.fluid is not None
        supply = y[v.head]
        rho_cp = float(density(v.node.fluid, supply)) * v.cp
    rows = Rows(node, weight, rho_cp)
    rows.row_of = np.array(row_of)
    rows.ask(activity)
    heat = state.rack_heat[node.name]
    heat = np.full(weight.size, heat[0]) if heat.ndim == 1 else heat[:, 0]
    flow = np.zeros(weight.size)
    if node.loop is not None:
        demand = rack_model.flow_demand(heat, supply, rho_cp, node.racks).flow
        split = plan.volume(node.loop).branching
        if split is not None:
            demand = demand * split.open[node.name]
            flow = branch_flows(split, state.given[node.loop], state.supply[node.loop], node.name)[:, 0]
        else:
            total = float(weight @ demand)
            flow = demand * float(state.rack[node.name].flow[0]) / max(total, 1e-12)
        rows.demand = demand
    found = rack_model.respond(activity, supply if node.loop is not None else 0.0, flow, air, node.racks)
    rows.chip = np.nan_to_num(np.array(found.chip_temperature), nan=air)
    rows.flow = flow
    rows.hold(supply if rows.liquid else air, 1.0)
    rows.bound = np.full(weight.size, np.inf)
    rows.give(flow, rho_cp, air, supply)
    rows.hold(supply if rows.liquid else air, 1.0)
    rows.out = (
        supply + found.heat_liquid / np.maximum(rows.rate, 1e-12)
        if node.loop is not None
        else np.full(weight.size, air)
    )
    return rows


def _tune(plant: Plant, v: VolumeState, y: Array) -> None:
    """Gains of the controllers for the closed-loop time that the site states, and integrators at rest.

    Lambda tuning of a first-order sensor behind a quick machine (Skogestad, J. Process Control 13, 2003): gain
    sensor time / (response · (closed-loop time + actuator lag)), integral time the sensor's.
    """
    temperature: Any = float(y[v.last]) + v.above
    want = float(plant.wanted(v, y))
    if v.node.outer:
        want = max(want, float(plant.inlet(plant.by_name[v.node.outer], y)))
    for stage in v.stages:
        drop, taken = 0.0, 0.0
        for link in stage:
            point = plant.point(v, link, temperature, y)
            assert link.tangent is not None
            _gain(plant, v, link, point)
            drop += link.share * (temperature - link.tangent.value[1])
            taken += link.running * link.tangent.value[0]
        temperature -= drop if v.air else taken / (v.flow * v.cp)
        for link in stage:
            assert link.tangent is not None
            left = link.tangent.value[1]
            y[link.sensor] = measured = float(y[v.head]) if v.boils else left if v.node.outer else temperature
            error = measured - want
            u = float(y[link.u])
            raw = u
            if link.useless or (u >= 1.0 and error > 0.0) or (u <= 0.0 and error < 0.0):
                raw = u + link.gain * error  # where back-calculation and integral balance
            y[link.integral] = raw - link.gain * error


def _gain(plant: Plant, v: VolumeState, link: LinkState, point: tuple[Any, ...]) -> None:
    """Controller gain per kelvin from the machine's steepest response.

    The pressure of a boiling loop integrates what a condenser does not take, and is tuned as such: gain capacity over heat
    per stroke and closed-loop time, integral time four times that.
    """
    assert link.tangent is not None
    inputs = [np.full(GRID.size, float(x)) for x in point]
    inputs[1] = GRID
    rows = link.tangent.function(*inputs)
    slow = link.node.link.response + ACTUATOR_TIME
    if v.boils:
        steepest = link.running * float(np.max(np.diff(rows[0]) / np.diff(GRID)))
        link.gain = plant.capacity[v.head] / (max(steepest, 1.0) * (slow + SENSOR_TIME))
        link.reset = 4.0 * (slow + SENSOR_TIME)
        return
    steepest = float(np.max(-np.diff(rows[1]) / np.diff(GRID)))
    link.gain = SENSOR_TIME / (max(steepest, LEAST_RESPONSE) * slow)
