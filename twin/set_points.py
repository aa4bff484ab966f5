"""Temperatures that loops and rooms are meant to hold, and properties of what is in them."""

import numpy as np
from twin_models.fluids.fluids import heat_capacity
from twin_models.psychrometrics import psychrometrics as psychro
from twin_models.streams import Array
from twin_sites.schema import AMBIENT_BASES, Loop, Room, SetPointQuantity

from twin.compile import Plan, RackNode, VolumeNode
from twin.state import Block, State

DEW_POINT_MARGIN_K = (
    2.0  # technology coolant stays this far above the room's dew point (ASHRAE TC 9.9 practice)
)


def set_point(plan: Plan, volume: VolumeNode, state: State, block: Block, alone: bool = False) -> Array:
    """Temperature to hold; relative ones take what a colder loop achieves, or the set point of a hotter one."""
    wanted = pulled(volume, block, warmest(plan, volume, state, block, alone))
    if volume.racks and volume.fluid is not None:
        floor = max(_room(plan, node).dew_point for node in volume.racks) + DEW_POINT_MARGIN_K
        state.dew_bound[volume.name] = wanted < floor
        wanted = np.maximum(wanted, floor)
    return wanted


def warmest(plan: Plan, volume: VolumeNode, state: State, block: Block, alone: bool = False) -> Array:
    """Temperature to hold as the site states it, before requests reset it."""
    n = np.size(block.ambient.dry_bulb)
    base, value = volume.part.supply
    if not base:
        wanted: Array = np.full(n, value)
    elif base in AMBIENT_BASES:
        wanted = np.asarray(getattr(block.ambient, base)) + value
    else:
        order = [node.name for node in plan.volumes]
        colder = order.index(base) < order.index(volume.name)
        base_now = (
            state.supply[base]
            if colder and not alone
            else set_point(plan, plan.volume(base), state, block, alone=True)
        )
        wanted = base_now + value
    if base:
        low, high = _bounds(volume.part)
        wanted = np.clip(wanted, volume.part.supply_floor if isinstance(volume.part, Loop) else low, high)
    return wanted


def pulled(volume: VolumeNode, block: Block, warmest: Array) -> Array:
    """A set point as far towards its coldest as requests have reset it."""
    reset = volume.part.reset if isinstance(volume.part, Loop) else None
    if reset is None or volume.name not in block.reset:
        return warmest
    return np.asarray(warmest - block.reset[volume.name] * np.maximum(warmest - reset.coldest, 0.0))


def _bounds(part: Loop | Room) -> tuple[float, float]:
    declared = next(
        item for item in type(part).model_fields["supply"].metadata if isinstance(item, SetPointQuantity)
    )
    assert declared.low is not None
    assert declared.high is not None
    return declared.low, declared.high


def _room(plan: Plan, node: RackNode) -> Room:
    part = plan.volume(node.room).part
    assert isinstance(part, Room)
    return part


def heat_capacity_of(volume: VolumeNode, temperature: Array, block: Block) -> Array:
    if volume.fluid is not None:
        return np.asarray(heat_capacity(volume.fluid, temperature))
    w = moisture(volume, block)
    return np.asarray(psychro.heat_capacity(w) / (1.0 + w))


def moisture(volume: VolumeNode, block: Block) -> Array:
    """Humidity ratio of a room held at its dew point."""
    assert isinstance(volume.part, Room)
    return np.asarray(psychro.humidity_ratio_from_dew_point(volume.part.dew_point, block.ambient.pressure))
