"""Racks of one group at the coolant and air they get, reduced at once: sums and extremes over the group, never a
stored array of all racks and quantities. Racks that are alike share one row.
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
    """What single racks do, shape (n,) where they are alike, else (rows, n)."""

    power: Real  # W
    flow: Real  # m³/s
    chip: Real  # °C; NaN without accelerators
    throttled: Real  # 1 where its chips throttle


def serve(
    node: RackNode,
    activity: Array,
    weight: Array | None,
    liquid_in: Array,
    air_in: Array,
    flow: Array,
    met: Mask,
) -> tuple[Group, rack_model.RackResponse]:
    """The group at these conditions, and what one rack of each row does.

    ``flow`` is m³/s per rack and ``met`` whether its return stays under the limit, both shaped as ``activity``: (n,) for
    racks that are alike, (rows, n) for others, of which ``weight``, (rows, 1) or (rows, n), each.
    """
    one = rack_model.respond(activity, liquid_in, flow, air_in, node.racks)
    return together(node, one, activity, weight, flow, met), one


def together(
    node: RackNode,
    one: rack_model.RackResponse,
    activity: Array,
    weight: Array | None,
    flow: Array,
    met: Mask,
) -> Group:
    """What racks add up to that respond like ``one``."""
    params, count = node.racks, node.racks.count
    lost = throttles(activity, one)
    if weight is None:
        head = rack_model.pressure_drop(flow, params) if params.liquid is not None else flow
        return Group(
            one.power * count, one.power, one.heat_liquid * count, one.heat_air * count, one.compute * count,
            one.air_flow * count, one.chip_temperature, one.done, lost.astype(float), head, flow * count,
            np.asarray(one.valid), met,
        )  # fmt: skip
    most = flow.max(axis=0)  # the hungriest sets the head
    return Group(
        total(weight, one.power), one.power.max(0), total(weight, one.heat_liquid), total(weight, one.heat_air),
        total(weight, one.compute), total(weight, one.air_flow), one.chip_temperature.max(0),
        total(weight, one.done) / count, total(weight, lost) / count,
        rack_model.pressure_drop(most, params) if params.liquid is not None else most, total(weight, flow),
        np.asarray(one.valid.all(axis=0)), np.asarray(met.all(axis=0)),
    )  # fmt: skip


def total(weight: Array, values: Array | Mask) -> Array:
    """Sum over rows of which there are ``weight`` each."""
    return np.asarray(
        weight[:, 0] @ values if weight.shape[-1] == 1 else np.einsum("ij,ij->j", weight, values)
    )


def throttles(activity: Array, one: rack_model.RackResponse) -> Mask:
    """Where chips do less than was asked of them."""
    return np.asarray(one.throttled & ((activity - one.done) > THROTTLED))


def each_of(activity: Array, flow: Array, one: rack_model.RackResponse) -> Each:
    """What is told of single racks."""
    return Each(one.power, flow, one.chip_temperature, throttles(activity, one).astype(np.float32))
