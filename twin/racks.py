"""Racks of one group at the coolant and air they get, reduced at once: sums and extremes over the group, never a
stored array of all racks and quantities. Racks that are alike share one row; others are worked in cache-sized chunks.
"""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from twin_models.rack import rack as rack_model
from twin_models.streams import Array, Mask

from twin.compile import RackNode

CHUNK = 60_000  # rack-steps at a time: the model's temporaries then stay in cache
Real: TypeAlias = NDArray[np.floating[Any]]
THROTTLED = 1e-9  # activity lost above which a chip counts as throttled


class Group(NamedTuple):
    """What the racks of a group do together, shape (n,)."""

    power: Array  # W, sum
    peak: Array  # W of the highest rack
    heat_liquid: Array  # W, sum
    heat_air: Array  # W, sum
    compute: Array  # W, sum
    air_flow: Array  # m³/s of 20 °C air, sum
    chip: Array  # °C, hottest; NaN without accelerators
    done: Array  # activity, mean
    throttled: Array  # share of racks whose chips throttle
    head: Array  # Pa, highest
    flow: Array  # m³/s, sum of what was given
    valid: Mask  # False where any rack is outside a range of its model
    return_met: Mask  # False where any rack's coolant would return warmer than its limit


class Each(NamedTuple):
    """What single racks do, shape (n,) where they are alike, else (racks, n) of 4 bytes."""

    power: Real  # W
    flow: Real  # m³/s
    chip: Real  # °C; NaN without accelerators
    throttled: Real  # 1 where its chips throttle


def serve(
    node: RackNode, activity: Array, liquid_in: Array, air_in: Array, flow: Array, met: Mask
) -> tuple[Group, Array, Each]:
    """The group at these conditions, the heat that each of its racks gives to liquid, and what each does.

    ``flow`` is m³/s per rack and ``met`` whether its return stays under the limit, both shaped as ``activity``: (n,) for
    racks that are alike, (racks, n) for others.
    """
    if activity.ndim == 1:
        return _serve(node, activity, liquid_in, air_in, flow, met)
    racks, n = activity.shape
    width = max(1, CHUNK // racks)
    parts = []
    heat = np.empty(flow.shape)
    every = Each(*(np.empty(flow.shape, dtype=np.float32) for _ in Each._fields))
    for first in range(0, n, width):
        at = slice(first, min(first + width, n))
        part, heat[:, at], each = _serve(
            node, activity[:, at], liquid_in[at], air_in[at], flow[:, at], met[:, at]
        )
        parts.append(part)
        for whole, values in zip(every, each, strict=True):
            whole[:, at] = values
    return Group(*(np.concatenate(rows) for rows in zip(*parts, strict=True))), heat, every


def _serve(
    node: RackNode, activity: Array, liquid_in: Array, air_in: Array, flow: Array, met: Mask
) -> tuple[Group, Array, Each]:
    params, count = node.racks, node.racks.count
    one = rack_model.respond(activity, liquid_in, flow, air_in, params)
    head = rack_model.pressure_drop(flow, params) if params.liquid is not None else flow
    lost = one.throttled & ((activity - one.done) > THROTTLED)
    if activity.ndim == 1:
        group = Group(
            one.power * count, one.power, one.heat_liquid * count, one.heat_air * count, one.compute * count,
            one.air_flow * count, one.chip_temperature, one.done, lost.astype(float), head, flow * count,
            np.asarray(one.valid), met,
        )  # fmt: skip
    else:
        group = Group(
            one.power.sum(0), one.power.max(0), one.heat_liquid.sum(0), one.heat_air.sum(0), one.compute.sum(0),
            one.air_flow.sum(0), one.chip_temperature.max(0), one.done.mean(0), lost.mean(0), head.max(0), flow.sum(0),
            np.asarray(one.valid.all(axis=0)), np.asarray(met.all(axis=0)),
        )  # fmt: skip
    return group, one.heat_liquid, Each(one.power, flow, one.chip_temperature, lost.astype(np.float32))
