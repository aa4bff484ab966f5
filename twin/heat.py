"""Heat goes up and power comes down until both agree, for a block of time steps at once.

One sweep lets the racks respond to the coolant and air they get, then goes from the hottest loop to the coldest: each takes up
the flow that the valves on it let through and all heat given to it, finds its actuators and hands on what its links
take. At last the power is walked down to the meter. Where every loop holds its set point, that settles all but the heat of
electrical losses; what a loop has to float above it is found over the sweeps. The residual is what a sweep leaves
open, as power over the power at the meter: heat that a loop received and did not pass on, and heat that its flow carries
for the change of its temperature.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from twin_models.fluids.fluids import density
from twin_models.rack import rack as rack_model
from twin_models.streams import Ambient, Array, Mask
from twin_sites.schema import Chillers, Loop, Room

from twin.air import fans, flow_bounds, inlet, room_air, server_air
from twin.along import open_rows, row_flows
from twin.compile import Plan, RackNode, VolumeNode
from twin.headers import held_flow, most_flow, returns_cool
from twin.loops import HOTTEST, STILL, STILL_K, finish
from twin.mixing import move
from twin.power import walk_power
from twin.pumps import run_pumps
from twin.racks import each_of, serve
from twin.set_points import heat_capacity_of, moisture, set_point
from twin.stand_in import Few, census, completed, doubt, nobody
from twin.state import Block, State, put, take_steps
from twin.still import solve_moved
from twin.storage.tank import charging_power

TOLERANCE = 1e-8
# residual at which every rack is worked: by then the coolant and air that racks get have settled
NEARLY = 1e-4
CENSUSES = 6
MOVED = 1e-5
MAX_SWEEPS = 300
RESPONSES = 2  # before the first sweep: leaking chips change the flow that they ask for by about a hundredth
WORTH_PARTING = (
    1000  # steps; a sweep over fewer costs as much as one over some of them, and parting costs too
)
FAN_TURNS = 2  # of air flow and fan heat in a sweep: a fan's heat asks for a few per cent more flow


def solve(plan: Plan, block: Block) -> State:
    """Sweep until heat and power agree; ``state.residual`` says for each step how well they do.

    Where a few racks stand in for many, every rack is worked when the few nearly agree, and the sweeps go on with what
    the few were short of: again at the steps whose conditions have moved so far since that it could be felt.
    """
    state = _sweep(plan, block, _start(plan, block), 0, NEARLY if block.every else TOLERANCE)
    where: Any = slice(None)
    for _ in range(CENSUSES if block.every else 0):
        whole = isinstance(where, slice)
        some, part = (block, state) if whole else (block.at(where), state.at(where))
        _work_every(plan, block, state, part, where)
        part.trail = []
        _sweep(plan, some, part, state.sweeps)
        if not whole:
            state.put(part, where, worked=True)
        doubt, moved = _doubt(plan, block, state)
        state.residual = np.maximum(state.residual, doubt)
        where = np.flatnonzero((doubt > TOLERANCE) | moved)
        if not where.size:
            break
    finish(plan, block, state)
    return state


def _sweep(plan: Plan, block: Block, state: State, first: int, tolerance: float = TOLERANCE) -> State:
    """Sweeps over all steps, then over those that need more: most agree long before the last."""
    for sweep in range(first, MAX_SWEEPS):
        state.sweeps = sweep + 1
        _aim(plan, block, state)
        aimed = dict(state.supply)
        moved = respond(plan, block, state)
        for volume in plan.hot_first:
            if isinstance(volume.part, Room):
                walk_power(plan, state)  # losses warm rooms: all that draws and is hotter is known now
                moved[volume.name] = inlet(volume, state)
            _take_up(plan, volume, block, state)
            solve_moved(volume, block, state, sweep)
        walk_power(plan, state)
        _judge(plan, state, aimed, moved)
        open_ = np.flatnonzero(~(state.residual < tolerance))
        if not open_.size:
            break
        move(plan, state)
        if open_.size < state.residual.size / 2 and state.residual.size > WORTH_PARTING:
            state.put(_sweep(plan, block.at(open_), state.at(open_), sweep + 1, tolerance), open_)
            break
    return state


def _start(plan: Plan, block: Block) -> State:
    """First guess: every loop at its set point, every rack at the flow it asks for, losses of what the racks draw."""
    state = State()
    n = np.size(block.ambient.dry_bulb)
    for volume in plan.volumes:
        state.excess[volume.name] = np.zeros(n)
        state.open_share[volume.name] = _open_share(volume)
        if isinstance(volume.part, Room) and not volume.outer:
            state.warmer[volume.name] = np.zeros(n)
    for node in plan.links:
        state.u[node.name] = np.zeros(n)
        state.running[node.name] = float(node.units)
    for rack in plan.racks:
        state.rack_heat[rack.name] = np.zeros(block.activity[rack.name].shape)
        if rack.loop is not None:  # about a straight line between idle and rated heat
            rated = rack_model.rated(rack.racks)
            idle = rated.idle_power * rated.idle_liquid_share
            state.rack_heat[rack.name] += idle + (rated.heat_liquid - idle) * block.activity[rack.name]
    _aim(plan, block, state)
    for _ in range(RESPONSES):
        respond(plan, block, state)
        for volume in plan.hot_first:
            inlet(volume, state)
    load = sum((state.rack[rack.name].power for rack in plan.racks), np.zeros(n)) / plan.design_it
    for volume in plan.volumes:  # pumps of facility loops at a flow in proportion to the load
        if volume.fluid is not None and not volume.racks:
            state.flow[volume.name] = np.clip(load * volume.design_flow, *flow_bounds(volume))
            run_pumps(volume, state)
    walk_power(plan, state)
    return state


def _aim(plan: Plan, block: Block, state: State) -> None:
    """Temperatures that a sweep goes out from: set points, and what loops had to float above them."""
    for volume in plan.volumes:
        name = volume.name
        state.wanted[name] = set_point(plan, volume, state, block)
        state.supply[name] = np.minimum(state.wanted[name] + state.excess[name], HOTTEST)
        state.cp[name] = heat_capacity_of(volume, state.supply[name], block)


def _open_share(volume: VolumeNode) -> float:
    """Share of its design flow that each valve gets when all are open: less than one where the pumps cannot give more."""
    asked = sum(node.units * node.cold_design for node in volume.consumers)
    return min(1.0, volume.flow_limit / asked) if asked > 0.0 else 1.0


def respond(plan: Plan, block: Block, state: State) -> dict[str, Array]:
    """Racks draw power for their activity at the coolant and air they get; loops take up the flow they ask for.

    Returns the W by which the heat of each group differs from that which its flow was asked for.
    """
    moved: dict[str, Array] = {}
    for name, warmer in state.warmer.items():
        state.inlet[name] = state.supply[name] + warmer
    for volume in plan.volumes:
        if volume.outer:
            state.inlet[volume.name] = state.inlet[volume.outer]
        elif volume.fluid is None and volume.consumers:
            still = state.inlet[volume.name]  # also as its wet bulb: nothing is wetted in a room
            state.breathed[volume.name] = Ambient(
                still, still, moisture(volume, block), block.ambient.pressure
            )
    flow_asked: dict[str, Array] = {}
    met: dict[str, Mask] = {}
    rate: dict[str, Array] = {}
    for volume in plan.volumes:
        if volume.fluid is None or not volume.racks:
            continue
        supply = state.supply[volume.name]
        rho = density(volume.fluid, supply)
        rate[volume.name] = rho * state.cp[volume.name]
        total = np.zeros(supply.size)
        for node in volume.racks:
            heat = state.rack_heat[node.name]
            demand = rack_model.flow_demand(heat, supply, rate[volume.name], node.racks)
            if volume.branching is not None:
                is_open = open_rows(volume.branching, node.name, block.along)
                demand = demand._replace(flow=(demand.flow.T * is_open).T)
            flow_asked[node.name], met[node.name] = demand.flow, demand.valid
            known = state.census.get(node.name)
            asked = _sum(demand.flow, node, block) + (known.short_flow if known is not None else 0.0)
            total = total + asked * rho
        most: Array | float = volume.flow_limit
        if volume.branching is not None:
            held = held_flow(volume.branching, supply)
            if volume.branching.most is not None:
                most = rho * most_flow(volume.branching, supply)
            total = total if held is None else np.asarray(held * rho)
        share = np.minimum(1.0, most / np.maximum(total, 1e-12))
        state.given[volume.name] = share
        if volume.branching is not None:
            state.given[volume.name] = total * share / rho
        state.flow_bound[volume.name] = share < 1.0
        state.flow[volume.name] = np.maximum(total * share, 1e-9)
    for node in plan.racks:
        where = _awake(conditions(node, state), state.served.get(node.name))
        if isinstance(where, slice) or where.size:
            moved[f"racks.{node.name}"] = _respond_group(
                plan, node, block, state, where,
                flow_asked.get(node.name), met.get(node.name), rate.get(str(node.loop)),
            )  # fmt: skip
    return moved


def _respond_group(
    plan: Plan,
    node: RackNode,
    block: Block,
    state: State,
    where: Any,
    flow_asked: Array | None,
    met: Mask | None,
    rate: Array | None,
) -> Array:
    """One group's response at the steps ``where``; returns W by which its heat differs from that its flow was asked for."""
    name, n = node.name, state.supply[node.room].size

    def here(values: Any) -> Any:
        return take_steps(values, where, n)

    liquid_in, air_in, share = here(conditions(node, state))
    activity, weight, before = (
        here(values) for values in (block.activity[name], block.weight.get(name), state.rack_heat[name])
    )
    density_cp = here(rate)
    flow = np.zeros(before.shape) if flow_asked is None else here(flow_asked) * share
    demand_met = np.ones(before.shape, dtype=bool) if met is None else here(met)
    split = plan.volume(node.loop).branching if node.loop is not None else None
    if split is not None:
        flow = row_flows(split, share, liquid_in, name, block.along).reshape(before.shape)
        cool = returns_cool(node.racks, before, flow, liquid_in, density_cp)
        demand_met = np.broadcast_to(cool, before.shape)
    group, one = serve(node, activity, weight, liquid_in, air_in, flow, demand_met)
    if name in state.census:
        group = completed(group, here(state.census[name]), share)
    heat = one.heat_liquid
    gap = np.abs(heat - before)
    settled = heat
    if node.loop is not None and split is None and np.any(one.flow_slope_liquid):
        near = rack_model.flow_demand(heat, liquid_in, density_cp, node.racks).flow * share
        settled = heat + one.flow_slope_liquid * (near - flow)  # at the flow that this heat asks for
    at_rest = gap <= STILL * node.racks.tdp
    found: dict[str, Any] = {
        "rack": group,
        "rack_heat": np.where(at_rest, before, settled),
        "served": ((liquid_in, air_in, share), at_rest if at_rest.ndim == 1 else at_rest.all(axis=0)),
    }
    if weight is None or weight.shape[-1] == 1:
        found["each"] = each_of(activity, flow, one)
    missed = gap * node.racks.count if weight is None else (np.abs(weight) * gap).sum(axis=0)
    if isinstance(where, slice):
        for what, value in found.items():
            getattr(state, what)[name] = value
        return np.asarray(missed)
    for what, value in found.items():
        getattr(state, what)[name] = put(getattr(state, what)[name], value, where, n)
    whole = np.zeros(n)
    whole[where] = missed
    return whole


def conditions(node: RackNode, state: State) -> tuple[Array, Array, Array]:
    """Coolant and air that racks get, °C, and the share of the flow they ask for; behind headers the loop's flow, m³/s."""
    air_in = state.inlet[node.room]
    if node.loop is None:
        return air_in, air_in, np.ones_like(air_in)
    return state.supply[node.loop], air_in, state.given[node.loop]


def _sum(flow: Array, node: RackNode, block: Block) -> Array:
    """Flow of a group: its racks share one row when they are alike."""
    weight = block.weight.get(node.name)
    return flow * node.racks.count if weight is None else (weight * flow).sum(axis=0)


def _work_every(plan: Plan, block: Block, state: State, part: State, where: Any) -> None:
    """Work every rack of the groups that a few stand in for, at the steps ``where`` and conditions of ``part``."""
    for node in plan.racks:
        if node.name not in block.every:
            continue
        liquid_in, air_in, share = conditions(node, part)
        density_cp = np.ones_like(liquid_in)
        if node.loop is not None:
            volume = plan.volume(node.loop)
            assert volume.fluid is not None
            density_cp = np.asarray(density(volume.fluid, liquid_in)) * part.cp[volume.name]
        few = Few(block.activity[node.name][:, where], block.weight[node.name][:, where])
        if node.name not in state.single:
            state.single[node.name] = nobody(block.every[node.name].activity.shape)
        part.census[node.name] = census(
            node, block.every[node.name], few, part.rack_heat[node.name], state.single[node.name], where,
            liquid_in, air_in, density_cp, share,
        )  # fmt: skip
        part.served.pop(node.name, None)


def _doubt(plan: Plan, block: Block, state: State) -> tuple[Array, Mask]:
    """Share of the meter by which racks may be wrong that were worked at other conditions; and where the power or flow of
    a group has moved so far since that what is told of single racks would no longer add up to it."""
    watt, moved = np.zeros(state.meter.size), np.zeros(state.meter.size, dtype=bool)
    for node in plan.racks:
        if node.name in block.every:
            known = state.census[node.name]
            watt = watt + doubt(known, *conditions(node, state))
            for now, then in (
                (state.rack[node.name].power, known.true.power),
                (state.rack[node.name].flow, known.true.flow),
            ):
                moved |= np.abs(now - then) > MOVED * then
    return np.asarray(watt / state.meter), moved


def _awake(now: tuple[Array, ...], before: tuple[tuple[Array, ...], Mask] | None) -> Any:
    """Steps at which racks respond again: their heat had not settled there, or what they get has moved since."""
    if before is None:
        return slice(None)
    then, at_rest = before
    moved: Mask = ~at_rest
    for new, old in zip(now, then, strict=True):
        if new is not old:
            moved |= ~(np.abs(new - old) < STILL_K)
    some = np.flatnonzero(moved)
    return some if 2 * some.size <= moved.size else slice(None)


def _take_up(plan: Plan, volume: VolumeNode, block: Block, state: State) -> None:
    """Flow and heat of a loop or room for what has been found so far."""
    if isinstance(volume.part, Loop):
        if not volume.racks:  # loops of racks have taken up theirs with the racks' response
            _loop_flow(volume, state)
        run_pumps(volume, state)
        if volume.name in block.storage:
            state.electric[f"{volume.address}.storage"] = charging_power(volume, block, state)
    state.heat[volume.name] = _received(plan, state, volume.name)
    if volume.outer:
        state.flow[volume.name] = np.maximum(server_air(volume, state)[0], 1e-9)
    elif isinstance(volume.part, Room):
        for _ in range(FAN_TURNS):
            room_air(volume, state)
            fans(volume, block, state)
            state.heat[volume.name] = _received(plan, state, volume.name)


def _loop_flow(volume: VolumeNode, state: State) -> None:
    """A facility loop moves what the valves on it let through; condensers of running chillers take a constant flow.

    Below its lowest stage a chiller cycles, and so does the flow through its condenser.
    """
    assert isinstance(volume.part, Loop)
    flow = np.zeros(state.supply[volume.name].size)
    for node in volume.consumers:
        opening = state.u[node.name]
        if isinstance(node.link, Chillers):
            opening = np.minimum(opening / node.link.minimum_plr, 1.0)
        flow = flow + state.running[node.name] * opening * node.cold_design * state.open_share[volume.name]
    state.flow[volume.name] = np.clip(flow, *flow_bounds(volume))


def _received(plan: Plan, state: State, name: str) -> Array:
    """Heat given to a loop or room by all that is known of this sweep, and by what is left of the last one."""
    total = np.zeros(state.supply[name].size)
    for kind, key in plan.sources[name]:
        total += _GIVEN[kind](state, key)
    return total


def _nothing(state: State) -> Array:
    return np.zeros(next(iter(state.supply.values())).size)


_GIVEN: dict[str, Callable[[State, str], Array]] = {
    "rack_liquid": lambda state, key: state.rack[key].heat_liquid,
    "rack_air": lambda state, key: state.rack[key].heat_air,
    "fluid": lambda state, key: state.pump[key].fluid_heat if key in state.pump else _nothing(state),
    "motor": lambda state, key: state.pump[key].motor_heat if key in state.pump else _nothing(state),
    "electric": lambda state, key: state.electric[key] if key in state.electric else _nothing(state),
    "fan": lambda state, key: state.link[key].electric,
    "loss": lambda state, key: state.loss[key],
    "spill": lambda state, key: state.spill[key] if key in state.spill else _nothing(state),
    "link": lambda state, key: state.link[key].cold_heat,
}


def _judge(plan: Plan, state: State, aimed: dict[str, Array], moved: dict[str, Array]) -> None:
    """How far the sweep was from agreeing with itself, in every step, and where most."""
    worst, gaps = 0.0, moved
    addresses = {volume.name: volume.address for volume in plan.volumes}
    for volume in plan.volumes:
        name = volume.name
        received = _received(plan, state, name)
        shift = np.zeros(())
        if not volume.outer:  # nobody is supplied from the exhaust of racks
            shift = np.abs(state.supply[name] - aimed[name]) * (state.flow[name] * state.cp[name])
        gaps[name] = np.maximum(gaps.get(name, 0.0) + shift, np.abs(received - state.removed[name]))
        state.heat[name] = received
    residual = np.zeros(state.meter.size)
    for name, gap in gaps.items():
        gap = gap / state.meter
        if not gap.max() <= worst:
            worst, state.worst = float(gap.max()), addresses.get(name, name)
        residual = np.maximum(residual, gap)
    state.residual = residual
