"""One loop at a time, over all time steps: which supply temperature its links achieve for the heat it carries.

Within a loop the links act in the order in which they are written: each takes what is left down to the set point, or as
much as it can. Nothing is decided by a mode, so nothing can chatter; what a mode is called follows from the result.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twin_models.air_handler import air_handler
from twin_models.chiller import chiller
from twin_models.cooling_tower import cooling_tower, yorkcalc
from twin_models.dry_cooler import dry_cooler
from twin_models.heat_exchanger import heat_exchanger
from twin_models.heat_reuse import heat_reuse
from twin_models.liquid_to_air import liquid_to_air
from twin_models.rear_door import rear_door
from twin_models.roots import rising_root
from twin_models.streams import Ambient, Array, RoomAir, Stream, Transfer
from twin_models.two_phase import two_phase
from twin_sites.schema import (
    OUTDOORS,
    AirHandlers,
    Cdus,
    Chillers,
    Condensers,
    CoolingTowers,
    DryCoolers,
    Exchangers,
    HeatCustomers,
    LiquidToAirCdus,
    RearDoors,
    Tanks,
)

from twin.compile import LinkNode, Plan, VolumeNode
from twin.set_points import moisture
from twin.state import Block, State, put
from twin.storage.tank import beside_tank

REACHED_K = 1e-7  # an actuator that brings a loop this near to its set point has reached it
FLOAT_TOLERANCE_K = 1e-9
HOTTEST = 140.0  # °C; no loop gets there in earnest: what stands there has no steady state
HELD_SWEEPS = (
    12  # afterwards a loop that floats moves on step by step, not to where its present heat would take it
)
STILL_K = (
    1e-8  # racks and loops whose inputs moved less than this since they were solved are not solved again
)
STILL = 2e-9  # the same for heat and flow, relative
FREE_STAGING_SWEEPS = 2  # afterwards a machine that has started stays on, so that staging cannot oscillate
GUESSED = (
    Cdus,
    Tanks,
    Exchangers,
    AirHandlers,
    RearDoors,
)  # links whose inverse is quicker from the actuator of the last sweep
# Cells run as many as keep their water above this share of design: YorkCalc's range; distribution of water in general.
CELL_FLOW_LOW = {"yorkcalc": yorkcalc.WATER_RATIO[0], "merkel": 0.5}


def solve_volume(volume: VolumeNode, block: Block, state: State, sweep: int) -> None:
    """Find actuators, supply and return of one loop for the heat and flow it has.

    A wet coil also takes moisture. The room is held at its dew point, so as much water is evaporated into its air again,
    which cools the air by the same latent heat: the coil's sensible duty falls by it and its total is the room's heat.
    """
    name = volume.name
    if volume.outer:
        _solve_open(volume, block, state)
        return
    heat, wanted = state.heat[name], state.wanted[name]
    if not volume.stages:
        state.supply[name], state.back[name], state.removed[name] = wanted, wanted, np.zeros_like(heat)
        return
    left = beside_tank(volume, block, state) if name in block.storage else heat
    flow = _flow(volume, state)
    rise = (left - state.latent.get(name, 0.0)) / (flow * state.cp[name])
    nodes = [node for stage in volume.stages for node in stage]
    held = is_held(volume, sweep)
    back = (state.supply[name] if held else wanted) + rise
    out = _through(volume, block, state, back, wanted, sweep)
    missed = np.flatnonzero(out > wanted + REACHED_K)
    if missed.size:
        here, part = take(block, state, volume, missed)
        back[missed], out[missed] = _miss(volume, here, part, wanted[missed], rise[missed], held)
        for node in nodes:
            state.u[node.name][missed] = part.u[node.name]
            state.link[node.name] = put(state.link[node.name], part.link[node.name], missed, back.size)
    state.back[name], state.supply[name] = back, out
    taken = sum((state.link[node.name].heat for node in nodes), np.zeros_like(heat))
    state.removed[name] = taken
    if name in state.through:
        state.entering[name], state.back[name] = back, out + heat / (state.flow[name] * state.cp[name])
        state.removed[name] = taken + state.stored[name]
    if volume.fluid is None:
        sensible = flow * state.cp[name] * (state.back[name] - out)
        state.latent[name] = np.maximum(taken - sensible, 0.0)


def is_held(volume: VolumeNode, sweep: int) -> bool:
    """Whether the supply of a loop is moved step by step."""
    return sweep >= HELD_SWEEPS and volume.chilled


def _flow(volume: VolumeNode, state: State) -> Array:
    """kg/s through the machines of a loop: all of it where no tank lies beside them."""
    return state.through.get(volume.name, state.flow[volume.name])


def _miss(
    volume: VolumeNode, block: Block, state: State, wanted: Array, rise: Array, held: bool
) -> tuple[Array, Array]:
    """Return and supply of a loop in steps in which its links, one by one, do not reach the set point.

    Everything opens fully and the supply floats, or parallel links of which some were open share one opening. The supply
    goes to where all that heat leaves; or, ``held``, it stays where the sweep took it and what comes out says which way
    to go: a chiller at its limit takes no more heat from warmer water, only less load brings it into balance.
    """
    if held:
        supply = state.supply[volume.name]
        floats = _full(volume, block, state, supply + rise) > wanted
    else:
        supply = np.minimum(_float(volume, block, state, rise, wanted), HOTTEST)
        floats = supply > wanted
    if not floats.all():
        _even_out(volume, block, state, wanted, rise)
    for name in state.u:
        state.u[name] = np.where(floats, 1.0, state.u[name])
    back = np.where(floats, supply, wanted) + rise
    return back, _work(volume, block, state, back)


def _solve_open(volume: VolumeNode, block: Block, state: State) -> None:
    """Rear doors: exhaust at inlet plus the racks' rise, cooled to the set point, and never below the room around it.

    Racks whose door is out of service let their share through as it is. What is left goes to the room around.
    """
    name = volume.name
    heat, inlet = state.heat[name], state.inlet[volume.outer]
    rate = state.flow[name] * state.cp[name]
    exhaust = inlet + heat / rate
    wanted = np.maximum(state.wanted[name], inlet)
    for node, share in _doors(volume):
        state.running[node.name] = float(node.units)
        hot, cold = _streams(node, volume, block, state, exhaust, share)
        state.u[node.name] = np.array(_INVERSE[type(node.link)](hot, cold, wanted, node.machine))
    out = _through_doors(volume, block, state, exhaust)
    state.back[name], state.supply[name], state.wanted[name] = exhaust, out, np.maximum(wanted, out)
    taken = sum((state.link[node.name].cold_heat for node, _ in _doors(volume)), np.zeros_like(heat))
    state.spill[name] = heat - taken
    state.removed[name] = heat


def _doors(volume: VolumeNode) -> list[tuple[LinkNode, float]]:
    """Doors of an open room, and the share of its racks that have them in service."""
    nodes = [node for stage in volume.stages for node in stage]
    doors = sum(rack.racks.count for rack in volume.racks) or sum(node.link.count for node in nodes)
    return [(node, node.units / doors) for node in nodes]


def _through_doors(
    volume: VolumeNode, block: Block, state: State, exhaust: Array, trial: bool = True
) -> Array:
    """Temperature of the exhaust behind the doors, mixed."""
    out = exhaust
    for node, share in _doors(volume):
        hot, cold = _streams(node, volume, block, state, exhaust, share)
        one = _TRANSFER[type(node.link)](hot, cold, state.u[node.name], node.machine, trial=trial)
        _keep(node, one, state)
        out = out - share * (exhaust - one.hot_out)
    return out


def finish(plan: Plan, block: Block, state: State) -> None:
    """What the links did, in full, with the actuators found: what no sweep needs is worked out once."""
    for volume in plan.volumes:
        entering = state.entering if volume.name in state.through else state.back
        (_through_doors if volume.outer else _work)(volume, block, state, entering[volume.name], trial=False)


def _float(volume: VolumeNode, block: Block, state: State, rise: Array, wanted: Array) -> Array:
    """Supply temperature at which everything at full opening just takes the heat.

    What the links leave falls behind the supply as it rises: a root in a bracket that is widened until it holds one. A
    loop that would have to be hotter than ``HOTTEST`` stays there and is reported as not converged.
    """

    def surplus(supply: Array) -> Array:
        return supply - _full(volume, block, state, supply + rise)

    low, below = wanted, surplus(wanted)
    span = 2.0 + np.abs(below)
    high = low + span
    above = surplus(high)
    while np.any(above < 0.0) and float(np.max(span)) < HOTTEST:
        short = above < 0.0
        low, below = np.where(short, high, low), np.where(short, above, below)
        span = np.where(short, 2.0 * span, span)
        high = np.where(short, high + span, high)
        above = surplus(high)
    return rising_root(surplus, low, high, below, above, FLOAT_TOLERANCE_K)


def _even_out(volume: VolumeNode, block: Block, state: State, wanted: Array, rise: Array) -> None:
    """Where some of the parallel links are fully open while others have room: one opening for all of them does."""
    together = {node.name for stage in volume.stages if len(stage) > 1 for node in stage}

    def short(opening: Array) -> Array:
        def actuator(node: LinkNode, hot: Any, cold: Any) -> Array:
            return opening if node.name in together else state.u[node.name]

        return wanted - _pass(volume, block, state, wanted + rise, actuator)

    low, high = np.zeros(wanted.size), np.ones(wanted.size)
    opening = rising_root(short, low, high, short(low), short(high), FLOAT_TOLERANCE_K)
    state.u |= dict.fromkeys(together, opening)


def take(block: Block, state: State, volume: VolumeNode, where: NDArray[np.intp]) -> tuple[Block, State]:
    """The same block and state at some of its steps, as far as one loop's links need them."""
    ambient = Ambient(*(np.asarray(values)[where] for values in block.ambient))
    part = State()
    part.flow[volume.name] = _flow(volume, state)[where]
    for one in ("heat", "wanted", "latent"):
        if volume.name in getattr(state, one):
            getattr(part, one)[volume.name] = getattr(state, one)[volume.name][where]
    sinks = {node.sink for stage in volume.stages for node in stage if node.sink != OUTDOORS}
    for name in {volume.name, *sinks}:
        part.supply[name], part.cp[name] = state.supply[name][where], state.cp[name][where]
        if name in state.breathed:
            part.breathed[name] = Ambient(*(np.asarray(values)[where] for values in state.breathed[name]))
    for stage in volume.stages:
        for node in stage:
            running = state.running[node.name]
            part.running[node.name] = running[where] if isinstance(running, np.ndarray) else running
            part.u[node.name] = state.u[node.name][where]
    part.open_share = state.open_share
    return Block(ambient, {}), part


def _through(
    volume: VolumeNode, block: Block, state: State, entering: Array, wanted: Array, sweep: int
) -> Array:
    """Find each link's actuator, in order; the temperature at which the loop leaves the last one."""

    def find(node: LinkNode, hot: Any, cold: Any) -> Any:
        near = {"guess": state.u[node.name]} if sweep and type(node.link) in GUESSED else {}
        state.u[node.name] = np.array(_INVERSE[type(node.link)](hot, cold, wanted, node.machine, **near))
        return state.u[node.name]

    def stage(node: LinkNode, temperature: Array, share: Any) -> None:
        state.running[node.name] = _running(node, volume, block, state, temperature, wanted, share, sweep)

    return _pass(volume, block, state, entering, find, stage)


def _full(volume: VolumeNode, block: Block, state: State, entering: Array) -> Array:
    """Temperature at which the loop leaves when everything is fully open."""
    return _pass(volume, block, state, entering, lambda node, hot, cold: 1.0)


def _work(volume: VolumeNode, block: Block, state: State, entering: Array, trial: bool = True) -> Array:
    """Temperature at which the loop leaves with the actuators as found."""
    return _pass(volume, block, state, entering, lambda node, hot, cold: state.u[node.name], trial=trial)


def _pass(
    volume: VolumeNode,
    block: Block,
    state: State,
    entering: Array,
    actuator: Callable[[LinkNode, Any, Any], Any],
    stage_units: Callable[[LinkNode, Array, Any], None] | None = None,
    trial: bool = True,
) -> Array:
    """Send the loop through its links, in order, and keep what all units of each do together."""
    temperature = entering
    for stage in volume.stages:
        mixed: Any = 0.0
        for node, share in shares(stage):
            if stage_units is not None:
                stage_units(node, temperature, share)
            hot, cold = _streams(node, volume, block, state, temperature, share)
            one = _TRANSFER[type(node.link)](hot, cold, actuator(node, hot, cold), node.machine, trial=trial)
            _keep(node, one, state)
            mixed = mixed + share * np.asarray(one.hot_out)
        temperature = mixed
    return temperature


def _keep(node: LinkNode, one: Transfer, state: State) -> None:
    """Note what all running units of a link do together."""
    units = state.running[node.name]
    state.link[node.name] = Transfer(
        one.heat * units, one.hot_out, one.cold_heat * units, one.electric * units,
        one.water * units, one.blowdown * units, one.capacity * node.units, one.valid, one.bounds,
    )  # fmt: skip


def shares(stage: tuple[LinkNode, ...]) -> list[tuple[LinkNode, Any]]:
    """How the loop's flow splits over parallel links: by their design flow."""
    if len(stage) == 1:
        return [(stage[0], 1.0)]
    weights = [node.units * node.hot_design for node in stage]
    return [(node, weight / sum(weights)) for node, weight in zip(stage, weights, strict=True)]


def _running(
    node: LinkNode,
    volume: VolumeNode,
    block: Block,
    state: State,
    entering: Array,
    wanted: Array,
    share: Any,
    sweep: int,
) -> Any:
    """Units that run: cells that keep their water flow, chillers that the load asks for; all of the others."""
    if isinstance(node.link, CoolingTowers):
        per_cell = _flow(volume, state) * share / (CELL_FLOW_LOW[node.link.model] * node.hot_design)
        needed = np.clip(np.floor(per_cell), 1.0, node.units)
    elif isinstance(node.link, Chillers):
        load = _flow(volume, state) * share * state.cp[volume.name] * np.maximum(entering - wanted, 0.0)
        sink = block.ambient.dry_bulb if node.sink == OUTDOORS else state.supply[node.sink]
        one = np.asarray(chiller.capacity(wanted, sink, node.link))
        needed = np.clip(np.ceil(load / np.maximum(one, 1e-9) - 1e-6), 1.0, node.units)
    else:
        return float(node.units)
    if sweep > FREE_STAGING_SWEEPS and isinstance(state.running[node.name], np.ndarray):
        return np.maximum(needed, state.running[node.name])
    return needed


def _streams(
    node: LinkNode, volume: VolumeNode, block: Block, state: State, entering: Array, share: Any
) -> tuple[Any, Any]:
    units = state.running[node.name]
    flow = _flow(volume, state) * share / units
    cp = state.cp[volume.name]
    hot: Stream | RoomAir
    if volume.fluid is None:
        hot = RoomAir(entering, flow, cp, moisture(volume, block), block.ambient.pressure)
    else:
        hot = Stream(entering, flow, cp, volume.fluid)
    if node.sink == OUTDOORS:
        return hot, block.ambient
    if node.cold_fluid is None:
        return hot, state.breathed[node.sink]
    cold_flow = node.cold_design * state.open_share[node.sink]
    return hot, Stream(state.supply[node.sink], cold_flow, state.cp[node.sink], node.cold_fluid)


_TRANSFER: dict[type, Callable[..., Transfer]] = {
    Cdus: heat_exchanger.transfer,
    Tanks: heat_exchanger.transfer,
    LiquidToAirCdus: liquid_to_air.transfer,
    Condensers: two_phase.transfer,
    HeatCustomers: heat_reuse.transfer,
    Exchangers: heat_exchanger.transfer,
    Chillers: chiller.transfer,
    DryCoolers: dry_cooler.transfer,
    CoolingTowers: cooling_tower.transfer,
    AirHandlers: air_handler.transfer,
    RearDoors: rear_door.transfer,
}
_INVERSE: dict[type, Callable[..., Array]] = {
    Cdus: heat_exchanger.cold_flow_for,
    Tanks: heat_exchanger.cold_flow_for,
    LiquidToAirCdus: liquid_to_air.speed_for,
    Condensers: two_phase.valve_for,
    HeatCustomers: heat_reuse.share_for,
    Exchangers: heat_exchanger.cold_flow_for,
    Chillers: chiller.stage_for,
    DryCoolers: dry_cooler.speed_for,
    CoolingTowers: cooling_tower.speed_for,
    AirHandlers: air_handler.valve_for,
    RearDoors: rear_door.valve_for,
}
