"""Heat goes up and power comes down until both agree, for a block of time steps at once.

One sweep solves the loops from the coldest to the hottest for the heat they carry, lets the racks respond to the
coolant they get, walks the power down to the meter, and hands the heat of everything that drew power to the loops
again. The residual is the heat that a loop receives and does not pass on, over the power at the meter.
"""

import numpy as np
from twin_models.cdu import cdu
from twin_models.fluids.fluids import density
from twin_models.pump import pump as pump_model
from twin_models.rack import rack as rack_model
from twin_models.streams import Array
from twin_sites.schema import OUTDOORS, AirHandlers, Cdus, Chillers, Loop, Room

from twin.compile import AIR_DENSITY, Plan, VolumeNode, required_head
from twin.loops import heat_capacity_of, set_point, solve_loops
from twin.power import walk_power
from twin.state import Block, State

TOLERANCE = 1e-8
MAX_SWEEPS = 60
WHOLE_SWEEPS = 2
MOST_RECIRCULATION = (
    0.95  # where air handlers stand nearly still the inlet is only bounded, and far out of class
)


def total(values: Array, count: int) -> Array:
    """Sum over the racks of a group: they share one row when they are alike."""
    return values.sum(axis=0) if values.ndim == 2 else values * count


def solve(plan: Plan, block: Block) -> State:
    """Sweep until heat and power agree; ``state.residual`` says for each step how well they do."""
    return _sweep(plan, block, _start(plan, block), 0)


def _sweep(plan: Plan, block: Block, state: State, first: int) -> State:
    """Sweeps over all steps, then over those that need more: most agree long before the last."""
    for sweep in range(first, MAX_SWEEPS):
        solve_loops(plan, block, state, sweep)
        respond(plan, block, state)
        _pumps(plan, state)
        walk_power(plan, state)
        _hand_on(plan, state)
        _move(plan, state)
        state.sweeps = sweep + 1
        open_ = np.flatnonzero(state.residual >= TOLERANCE)
        if sweep and not open_.size:
            break
        if sweep >= WHOLE_SWEEPS and open_.size < state.residual.size / 2:
            state.put(_sweep(plan, block.at(open_), state.at(open_), sweep + 1), open_)
            break
    return state


def _start(plan: Plan, block: Block) -> State:
    """First guess: every loop at its set point, every rack at its rated flow, all heat straight to the coldest loop."""
    state = State()
    n = np.size(block.ambient.dry_bulb)
    for volume in plan.volumes:
        state.supply[volume.name] = state.wanted[volume.name] = set_point(
            plan, volume, state, block, first=True
        )
        state.cp[volume.name] = heat_capacity_of(volume, state.supply[volume.name], block)
        state.flow[volume.name] = np.full(n, max(volume.design_flow, 1e-9))
        state.open_share[volume.name] = _open_share(volume)
        if isinstance(volume.part, Room):
            state.inlet[volume.name] = state.supply[volume.name]
    for node in plan.links:
        state.u[node.name] = np.ones(n)
        state.running[node.name] = float(node.units)
    for rack in plan.racks:
        liquid = rack.racks.liquid
        shape = block.activity[rack.name].shape
        state.rack_flow[rack.name] = np.full(shape, liquid.rated_flow if liquid else 0.0)
    state.loss = {name: np.zeros(n) for name in plan.site.power}
    respond(plan, block, state)
    _pumps(plan, state)
    state.electric.update({node.address: np.zeros(n) for node in plan.links})
    walk_power(plan, state)
    _hand_on(plan, state)
    _move(plan, state)
    return state


def _open_share(volume: VolumeNode) -> float:
    """Share of its design flow that each valve gets when all are open: less than one where the pumps cannot give more."""
    asked = sum(node.units * node.cold_design for node in volume.consumers)
    return min(1.0, volume.flow_limit / asked) if asked > 0.0 else 1.0


def respond(plan: Plan, block: Block, state: State) -> None:
    """Racks draw power for their activity at the coolant and air they get; loops take up the flow they ask for."""
    asked: dict[str, Array] = {}
    for node in plan.racks:
        if node.loop is None:
            continue
        before = state.rack.get(node.name)
        if before is not None:
            fluid = plan.volume(node.loop).fluid
            assert fluid is not None
            per_volume = density(fluid, state.supply[node.loop]) * state.cp[node.loop]
            demand = rack_model.flow_demand(
                before.heat_liquid, state.supply[node.loop], per_volume, node.racks
            )
            state.rack_flow[node.name] = demand.flow
            state.flow_valid[node.name] = demand.valid
        in_loop = total(state.rack_flow[node.name], node.racks.count)
        asked[node.loop] = asked.get(node.loop, 0.0) + in_loop
    for name, volume_flow in asked.items():
        volume = plan.volume(name)
        assert volume.fluid is not None
        flow = volume_flow * density(volume.fluid, state.supply[name])
        given = np.minimum(1.0, volume.flow_limit / np.maximum(flow, 1e-12))
        state.flow_bound[name] = given < 1.0
        state.flow[name] = np.maximum(flow * given, 1e-9)
        for node in plan.racks:
            if node.loop == name:
                state.rack_flow[node.name] = state.rack_flow[node.name] * given
    for node in plan.racks:
        liquid_in = state.supply[node.loop] if node.loop is not None else state.inlet[node.room]
        state.rack[node.name] = rack_model.respond(
            block.activity[node.name],
            liquid_in,
            state.rack_flow[node.name],
            state.inlet[node.room],
            node.racks,
        )


def _move(plan: Plan, state: State) -> None:
    """Flow of rooms and facility loops for the heat and the openings found."""
    for volume in plan.volumes:
        if isinstance(volume.part, Room):
            _room_air(volume, state)
        elif not volume.racks:
            _loop_flow(volume, state)


def _room_air(volume: VolumeNode, state: State) -> None:
    """Air handlers move what the servers draw, plus what bypasses them, less what is drawn back from the exhaust.

    Mixing balance of a contained room: with bypass share b of the supply and recirculated share r of the server air,
    supply·(1 − b) = servers·(1 − r); the inlet is warmer than the supply by r/(1 − r) of the servers' rise. Heat that no
    server fan moves (losses, walls of liquid-cooled cabinets) asks for the handlers' own design flow per watt.
    """
    assert isinstance(volume.part, Room)
    n = state.supply[volume.name].size
    served, heat = np.zeros(n), np.zeros(n)
    for node in volume.racks:
        if node.room == volume.name:
            response = state.rack[node.name]
            served = served + total(response.air_flow, node.racks.count) * AIR_DENSITY
            heat = heat + total(response.heat_air, node.racks.count)
    handlers = [node for stage in volume.stages for node in stage if isinstance(node.link, AirHandlers)]
    design_heat = sum(
        node.units * node.link.rated_heat for node in handlers if isinstance(node.link, AirHandlers)
    )
    for_heat = state.heat[volume.name] * volume.flow_limit / design_heat if volume.name in state.heat else 0.0
    asked = np.maximum(served * (1.0 - volume.part.recirculation) / (1.0 - volume.part.bypass), for_heat)
    least = sum(
        n.units * n.hot_design * n.link.minimum_speed
        for s in volume.stages
        for n in s
        if isinstance(n.link, AirHandlers)
    )
    flow = np.clip(asked, min(least, volume.flow_limit), volume.flow_limit)
    state.flow_bound[volume.name] = asked > volume.flow_limit
    state.flow[volume.name] = np.maximum(flow, 1e-9)
    given = np.minimum(1.0, volume.flow_limit * (1.0 - volume.part.bypass) / np.maximum(served, 1e-12))
    drawn_back = np.minimum(np.maximum(volume.part.recirculation, 1.0 - given), MOST_RECIRCULATION)
    rise = heat / (np.maximum(served, 1e-12) * state.cp[volume.name])
    warmer = np.where(served > 0.0, drawn_back / (1.0 - drawn_back) * rise, 0.0)
    state.inlet[volume.name] = state.supply[volume.name] + warmer


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
    low, high = (
        min(volume.part.minimum_flow * volume.design_flow, volume.flow_limit),
        max(volume.flow_limit, 1e-9),
    )
    state.flow[volume.name] = np.clip(_extrapolated(volume.name, state, np.clip(flow, low, high)), low, high)


def _extrapolated(name: str, state: State, asked: Array) -> Array:
    """Where a loop's flow is heading, by the last two sweeps (secant rule on the fixed point ``flow = asked(flow)``).

    Warmer water opens valves, more flow warms the water: near full fan speed plain sweeps would creep.
    """
    given = state.flow[name]
    before = state.trail.get(name)
    state.trail[name] = (given, asked)
    if before is None:
        return asked
    step = given - before[0]
    moved = np.abs(step) > 1e-12 * given
    slope = np.clip(np.where(moved, (asked - before[1]) / np.where(moved, step, 1.0), 0.0), -2.0, 0.95)
    return given + (asked - given) / (1.0 - slope)


def _pumps(plan: Plan, state: State) -> None:
    for volume in plan.volumes:
        if volume.fluid is None:
            continue
        assert isinstance(volume.part, Loop)
        rho = density(volume.fluid, state.supply[volume.name])
        pump = volume.part.pump
        if pump is not None:
            per_pump = state.flow[volume.name] / (rho * max(pump.units, 1))
            share = pump.units / max(pump.count - pump.spare, 1)
            one = pump_model.operate(per_pump, required_head(per_pump * share, pump), pump)
            state.pump[volume.name] = _times(one, pump.units)
            state.electric[f"cooling.{volume.name}.pump"] = state.pump[volume.name].electric
        units = [node for stage in volume.stages for node in stage if isinstance(node.link, Cdus)]
        weight = sum(node.units * node.hot_design for node in units)
        for node in units:
            assert isinstance(node.link, Cdus)
            per_unit = state.flow[volume.name] / rho * node.hot_design / weight
            external = _rack_head(volume, state)
            state.pump[node.name] = _times(cdu.pumping(per_unit, external, node.link), node.units)
            state.electric[node.address] = state.pump[node.name].electric


def _rack_head(volume: VolumeNode, state: State) -> Array:
    """Pressure that the hungriest rack group asks of the CDUs; the others throttle to it."""
    head: Array = np.zeros(1)
    for node in volume.racks:
        flow = state.rack_flow[node.name]
        drop = np.asarray(rack_model.pressure_drop(flow, node.racks))
        head = np.maximum(head, drop.max(axis=0) if drop.ndim == 2 else drop)
    return head


def _times(one: pump_model.Pumping, units: int) -> pump_model.Pumping:
    return one._replace(
        electric=one.electric * units, fluid_heat=one.fluid_heat * units, motor_heat=one.motor_heat * units
    )


def _hand_on(plan: Plan, state: State) -> None:
    """Give every loop the heat of this sweep, and note how far what it passed on was from that."""
    n = next(iter(state.supply.values())).size
    received = {volume.name: np.zeros(n) for volume in plan.volumes} | {OUTDOORS: np.zeros(n)}

    def give(target: str, heat: Array) -> None:
        received[target] = received[target] + heat

    for rack in plan.racks:
        response = state.rack[rack.name]
        if rack.loop is not None:
            give(rack.loop, total(response.heat_liquid, rack.racks.count))
        give(rack.room, total(response.heat_air, rack.racks.count))
    for volume in plan.volumes:
        if isinstance(volume.part, Loop) and volume.part.pump is not None:
            pumping = state.pump[volume.name]
            give(volume.name, pumping.fluid_heat)
            give(volume.part.pump.heat_to["motor"], pumping.motor_heat)
    for node in plan.links:
        if isinstance(node.link, Cdus):
            give(node.hot, state.pump[node.name].fluid_heat)
            give(node.link.heat_to["motor"], state.pump[node.name].motor_heat)
        elif "fan" in node.link.ports:
            give(node.link.heat_to["fan"], state.electric[node.address])
    for name, feeder in plan.feeders:
        if feeder.ports:
            give(feeder.heat_to["loss"], state.loss[name])
    give(plan.site.house.heat_to["heat"], state.electric["house"])
    meter = state.meter
    residual = np.zeros(n)
    for volume in reversed(plan.volumes):  # hottest first: each hands on all that it receives
        name = volume.name
        if name in state.removed:
            gap = np.abs(received[name] - state.removed[name]) / meter
            if gap.max() > residual.max():
                state.worst = volume.address
            residual = np.maximum(residual, gap)
        passed = state.removed.get(name)
        for node in (node for stage in volume.stages for node in stage):
            link = state.link.get(node.name)
            if link is None or passed is None:
                give(node.sink, received[name] / sum(len(stage) for stage in volume.stages))
            else:
                scale = np.where(passed > 1e-6 * meter, received[name] / np.maximum(passed, 1e-30), 1.0)
                give(node.sink, link.cold_heat * scale)
    state.residual = residual
    state.heat = {volume.name: received[volume.name] for volume in plan.volumes}
    state.outdoors = received[OUTDOORS]
