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
from twin_models.streams import Array, Mask
from twin_sites.schema import OUTDOORS, AirHandlers, Cdus, Chillers, Loop, Room

from twin.compile import AIR_DENSITY, Plan, VolumeNode, required_head
from twin.loops import STILL, STILL_K, heat_capacity_of, set_point, solve_loops
from twin.power import walk_power
from twin.racks import serve
from twin.state import Block, State

TOLERANCE = 1e-8
MAX_SWEEPS = 150
MIXED_SWEEPS = 30  # then plain sweeps with half steps: slow, but they do not swing
WHOLE_SWEEPS = 2
OPENING = 0.5  # of every valve in the first guess
RIDGE = 1e-10  # keeps the mixing finite where two sweeps moved alike
MOST_RECIRCULATION = (
    0.95  # where air handlers stand nearly still the inlet is only bounded, and far out of class
)


def solve(plan: Plan, block: Block) -> State:
    """Sweep until heat and power agree; ``state.residual`` says for each step how well they do."""
    return _sweep(plan, block, _start(plan, block), 0)


def _sweep(plan: Plan, block: Block, state: State, first: int) -> State:
    """Sweeps over all steps, then over those that need more: most agree long before the last."""
    for sweep in range(first, MAX_SWEEPS):
        state.sweeps = sweep + 1
        solve_loops(plan, block, state, sweep)
        respond(plan, block, state)
        _pumps(plan, state)
        walk_power(plan, state)
        _hand_on(plan, state)
        _move(plan, state)
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
        state.u[node.name] = np.full(n, 0.0 if isinstance(node.link, Chillers) else OPENING)
        state.running[node.name] = float(node.units)
    for rack in plan.racks:
        liquid = rack.racks.liquid
        state.rack_heat[rack.name] = block.activity[rack.name] * (liquid.rated_heat if liquid else 0.0)
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
    flow_asked: dict[str, Array] = {}
    met: dict[str, Mask] = {}
    given: dict[str, Array] = {}
    for volume in plan.volumes:
        if volume.fluid is None or not volume.racks:
            continue
        supply = state.supply[volume.name]
        rho = density(volume.fluid, supply)
        total = np.zeros(supply.size)
        for node in volume.racks:
            heat = state.rack_heat[node.name]
            demand = rack_model.flow_demand(heat, supply, rho * state.cp[volume.name], node.racks)
            flow_asked[node.name], met[node.name] = demand.flow, demand.valid
            total = total + _sum(demand.flow, node.racks.count) * rho
        share = np.minimum(1.0, volume.flow_limit / np.maximum(total, 1e-12))
        given[volume.name] = share
        state.flow_bound[volume.name] = share < 1.0
        state.flow[volume.name] = np.maximum(total * share, 1e-9)
    for node in plan.racks:
        air_in = state.inlet[node.room]
        liquid_in, share = air_in, np.ones_like(air_in)
        if node.loop is not None:
            liquid_in, share = state.supply[node.loop], given[node.loop]
        if _still((liquid_in, air_in, share), state.served.get(node.name)):
            continue
        flow = (
            flow_asked[node.name] * share
            if node.loop is not None
            else np.zeros_like(state.rack_heat[node.name])
        )
        state.rack[node.name], heat, state.each[node.name] = serve(
            node,
            block.activity[node.name],
            liquid_in,
            air_in,
            flow,
            met.get(node.name, np.ones(flow.shape, dtype=bool)),
        )
        if np.max(np.abs(heat - state.rack_heat[node.name])) <= STILL * node.racks.tdp:
            state.served[node.name] = (liquid_in, air_in, share)
        state.rack_heat[node.name] = heat


def _sum(flow: Array, count: int) -> Array:
    """Flow of a group: its racks share one row when they are alike."""
    return flow.sum(axis=0) if flow.ndim == 2 else flow * count


def _still(now: tuple[Array, ...], before: tuple[Array, ...] | None) -> bool:
    """Whether racks whose heat had settled get what they got before."""
    return before is not None and all(
        np.max(np.abs(a - b)) < STILL_K for a, b in zip(now, before, strict=True)
    )


def _move(plan: Plan, state: State) -> None:
    """Flow of rooms and facility loops for the heat and the openings found."""
    loops = [volume for volume in plan.volumes if volume.fluid is None or not volume.racks]
    scale = [max(volume.design_flow, 1e-9) for volume in loops]
    before = np.stack([state.flow[volume.name] / one for volume, one in zip(loops, scale, strict=True)])
    for volume in loops:
        if volume.fluid is None:
            _room_air(volume, state)
        else:
            _loop_flow(volume, state)
    asked = np.stack([state.flow[volume.name] / one for volume, one in zip(loops, scale, strict=True)])
    for volume, share, one in zip(loops, _mixed(state, before, asked), scale, strict=True):
        state.flow[volume.name] = np.clip(share * one, *_flow_bounds(volume))


def _flow_bounds(volume: VolumeNode) -> tuple[float, float]:
    """Least and most kg/s that pumps or fans move."""
    high = max(volume.flow_limit, 1e-9)
    if volume.outer:
        return 1e-9, high
    if isinstance(volume.part, Loop):
        return min(volume.part.minimum_flow * volume.design_flow, high), high
    handlers = [node for stage in volume.stages for node in stage if isinstance(node.link, AirHandlers)]
    least = sum(
        n.units * n.hot_design * n.link.minimum_speed for n in handlers if isinstance(n.link, AirHandlers)
    )
    return min(max(least, 1e-9), high), high


def _mixed(state: State, given: Array, asked: Array) -> Array:
    """Next flows by mixing the last sweeps (Anderson, J. ACM 12, 1965), for every step by itself.

    Warmer water opens valves, more flow warms the water: where everything is open, plain sweeps creep or swing. Shapes
    are (loops, n); the trail keeps the given and asked flows of the two sweeps before.
    """
    if state.sweeps > MIXED_SWEEPS:
        return 0.5 * (given + asked)
    trail = state.trail
    state.trail = [*trail, (given, asked)][-2:]
    if len(trail) < 2:
        return asked
    gap = asked - given
    (r1, f1), (r2, f2) = ((gap - (f - x), asked - f) for x, f in trail)
    a, b, c = (r1 * r1).sum(0), (r1 * r2).sum(0), (r2 * r2).sum(0)
    ridge = RIDGE * (a + c) + STILL**2
    a, c = a + ridge, c + ridge
    p, q = (r1 * gap).sum(0), (r2 * gap).sum(0)
    whole = a * c - b * b
    return np.asarray(asked - f1 * ((p * c - q * b) / whole) - f2 * ((q * a - p * b) / whole))


def _room_air(volume: VolumeNode, state: State) -> None:
    """Air handlers move what the servers draw, plus what bypasses them, less what is drawn back from the exhaust.

    Mixing balance of a contained room: with bypass share b of the supply and recirculated share r of the server air,
    supply·(1 − b) = servers·(1 − r); the inlet is warmer than the supply by r/(1 − r) of the servers' rise. Heat that no
    server fan moves (losses, walls of liquid-cooled cabinets) asks for the handlers' own design flow per watt.
    """
    assert isinstance(volume.part, Room)
    n = state.supply[volume.name].size
    served, heat = np.zeros(n), np.zeros(n)
    for node in (*volume.racks, *volume.inner):
        served = served + state.rack[node.name].air_flow * AIR_DENSITY
        if node.room == volume.name:
            heat = heat + state.rack[node.name].heat_air
    if volume.outer:
        state.flow[volume.name] = np.maximum(served, 1e-9)
        state.inlet[volume.name] = state.inlet[volume.outer]
        return
    for name in {node.room for node in volume.inner}:
        heat = heat + state.spill.get(name, 0.0)
    handlers = [node for stage in volume.stages for node in stage if isinstance(node.link, AirHandlers)]
    design_heat = sum(n.units * n.link.rated_heat for n in handlers if isinstance(n.link, AirHandlers))
    for_heat = state.heat[volume.name] * volume.flow_limit / design_heat
    asked = np.maximum(served * (1.0 - volume.part.recirculation) / (1.0 - volume.part.bypass), for_heat)
    state.flow_bound[volume.name] = asked > volume.flow_limit
    state.flow[volume.name] = np.clip(asked, *_flow_bounds(volume))
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
    state.flow[volume.name] = np.clip(flow, *_flow_bounds(volume))


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
            # the hungriest rack group sets the head; the others throttle to it
            heads = [state.rack[rack.name].head for rack in volume.racks]
            external = np.max(heads, axis=0) if heads else np.zeros_like(per_unit)
            state.pump[node.name] = _times(cdu.pumping(per_unit, external, node.link), node.units)
            state.electric[node.address] = state.pump[node.name].electric


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
        if rack.loop is not None:
            give(rack.loop, state.rack[rack.name].heat_liquid)
        give(rack.room, state.rack[rack.name].heat_air)
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
        if volume.outer and passed is not None:
            links = [state.link[node.name] for stage in volume.stages for node in stage]
            state.spill[name] = received[name] - sum((link.cold_heat for link in links), np.zeros(n))
            give(volume.outer, state.spill[name])
        for node in (node for stage in volume.stages for node in stage):
            link = state.link.get(node.name)
            if link is None or passed is None:
                give(node.sink, received[name] / sum(len(stage) for stage in volume.stages))
            else:
                scale = np.where(passed > 1e-6 * meter, received[name] / np.maximum(passed, 1e-30), 1.0)
                give(node.sink, link.cold_heat if volume.outer else link.cold_heat * scale)
    state.residual = residual
    state.heat = {volume.name: received[volume.name] for volume in plan.volumes}
    state.outdoors = received[OUTDOORS]
