"""Air of rooms: what servers draw and breathe, what air handlers move, and what their fans draw for it."""

import numpy as np
from twin_models.air_handler import air_handler
from twin_models.streams import Array, RoomAir
from twin_sites.schema import AirHandlers, Loop, Room

from twin.compile import VolumeNode
from twin.design_flows import AIR_DENSITY
from twin.loops import STILL_K, shares
from twin.set_points import moisture
from twin.state import Block, State

MOST_RECIRCULATION = (
    0.95  # where air handlers stand nearly still the inlet is only bounded, and far out of class
)

STEEPEST = 0.5  # K of rise that the secant believes a kelvin of inlet to change


def server_air(volume: VolumeNode, state: State) -> tuple[Array, Array]:
    """Air that the servers of a room and the machines beside them draw, kg/s, and the heat they give it, W.

    Racks with rear doors give their air back to the room: no handler has to move it.
    """
    n = state.supply[volume.name].size
    served, heat = np.zeros(n), np.zeros(n)
    for node in volume.racks:
        served = served + state.rack[node.name].air_flow * AIR_DENSITY
        heat = heat + state.rack[node.name].heat_air
    for link in volume.consumers:  # machines that blow the heat of a loop into the room
        if link.name in state.link:
            served = served + state.running[link.name] * state.u[link.name] * link.cold_design
            heat = heat + state.link[link.name].cold_heat + state.link[link.name].electric
    return served, heat


def inlet(volume: VolumeNode, state: State) -> Array:
    """K by which servers of a room draw warmer air than is supplied; returns the W that this changes.

    Mixing balance of a contained room: with bypass share b of the supply and recirculated share r of the server air,
    supply·(1 − b) = servers·(1 − r); the inlet is warmer than the supply by r/(1 − r) of the servers' rise.
    """
    if not isinstance(volume.part, Room) or volume.outer:
        return np.zeros(())
    served, heat = server_air(volume, state)
    given = np.minimum(1.0, volume.flow_limit * (1.0 - volume.part.bypass) / np.maximum(served, 1e-12))
    drawn_back = np.minimum(np.maximum(volume.part.recirculation, 1.0 - given), MOST_RECIRCULATION)
    share = np.where(served > 0.0, drawn_back / (1.0 - drawn_back), 0.0)
    rate = np.maximum(served, 1e-12) * state.cp[volume.name]
    given, found = state.warmer[volume.name], share * heat / rate
    state.warmer[volume.name], moved = found, np.abs(found - given) * rate
    if volume.name in state.drawn:  # secant: warmer air, faster fans, less rise
        last_given, last_found = state.drawn[volume.name]
        step = given - last_given
        slope = np.where(np.abs(step) > STILL_K, found - last_found, 0.0) / np.where(step == 0.0, 1.0, step)
        slope = np.clip(slope, -STEEPEST, STEEPEST)
        state.warmer[volume.name] = given + (found - given) / (1.0 - slope)
    state.drawn[volume.name] = (given, found)
    return np.asarray(moved)


def room_air(volume: VolumeNode, state: State) -> None:
    """Air handlers move what the servers draw, plus what bypasses them, less what is drawn back from the exhaust.

    Heat that no server fan moves (losses, walls of liquid-cooled cabinets) asks for the handlers' own design flow per watt.
    """
    assert isinstance(volume.part, Room)
    handlers = [node for stage in volume.stages for node in stage if isinstance(node.link, AirHandlers)]
    design_heat = sum(n.units * n.link.rated_heat for n in handlers if isinstance(n.link, AirHandlers))
    for_heat = state.heat[volume.name] * volume.flow_limit / design_heat
    served = server_air(volume, state)[0] * (1.0 - volume.part.recirculation) / (1.0 - volume.part.bypass)
    asked = np.maximum(served, for_heat)
    state.flow_bound[volume.name] = asked > volume.flow_limit
    state.flow[volume.name] = np.clip(asked, *flow_bounds(volume))


def fans(volume: VolumeNode, block: Block, state: State) -> None:
    """Power of air handlers at the flow of their room: its heat is part of what the flow has to carry."""
    name = volume.name
    flow, cp = state.flow[name], state.cp[name]
    back = state.supply[name] + (state.heat[name] - state.latent.get(name, 0.0)) / (flow * cp)
    air = RoomAir(back, flow, cp, moisture(volume, block), block.ambient.pressure)
    for stage in volume.stages:
        for node, share in shares(stage):
            if isinstance(node.link, AirHandlers):
                one = air._replace(flow=flow * share / node.units)
                state.electric[node.address] = air_handler.fan_power(one, node.link) * node.units


def flow_bounds(volume: VolumeNode) -> tuple[float, float]:
    """Least and most kg/s that pumps or fans move."""
    high = max(volume.flow_limit, 1e-9)
    if isinstance(volume.part, Loop):
        return min(volume.part.minimum_flow * volume.design_flow, high), high
    handlers = [node for stage in volume.stages for node in stage if isinstance(node.link, AirHandlers)]
    least = sum(
        n.units * n.hot_design * n.link.minimum_speed for n in handlers if isinstance(n.link, AirHandlers)
    )
    return min(max(least, 1e-9), high), high
