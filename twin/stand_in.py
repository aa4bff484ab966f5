"""A few racks that stand in for many: what a group with a load for every rack adds up to, without working them all.

All racks of a group get the same coolant and air, so that at any step what one does is a function of its activity
alone, and a nearly straight one. Its values at a few activities, weighted so that every cubic in activity is summed
exactly, give the group's sums to a small error. The sweeps work with these few; when they nearly agree, every
rack is worked once (``census``), and what the few were short of is added to them from then on.
"""

from typing import Any, NamedTuple

import numpy as np
from twin_models.rack import rack as rack_model
from twin_models.streams import Array, Mask

from twin.compile import RackNode
from twin.racks import CHUNK, Each, Group, each_of, serve, together, total

POINTS = np.array(
    [-1.0, -0.5, 0.5, 1.0]
)  # extremes of a Chebyshev polynomial; the ends are racks that are there
TO_POWERS = np.linalg.inv(
    np.vander(POINTS, increasing=True)
)  # values at the points to coefficients of x^0 .. x^3
FEW = 2 * POINTS.size  # groups of up to so many different racks are worked as they are
SMOOTH = ("power", "peak", "heat_liquid", "heat_air", "compute", "air_flow", "chip", "done", "head")
BATH = 0.1  # of power for a change of flow, both relative, where sinks stand in a bath: more than they show
CURVED = 0.1  # 1/K; what the few are short of changes by no larger share of itself (leakage: 0.02)


class Few(NamedTuple):
    """Racks that stand in for those of a group, shape (points, n)."""

    activity: Array
    weight: Array  # racks that each counts for; a sum over the group may take some of them negative


class Rows(NamedTuple):
    """Racks of a group that are not alike."""

    activity: Array  # (rows, n)
    counts: Array  # (rows,), racks of each


class Single(NamedTuple):
    """What every rack of a group does, shape (rows, n); heat is NaN where none has been worked yet."""

    each: Each
    heat: Array  # W into liquid


class Census(NamedTuple):
    """What a group does, every rack worked, and how far that is from what the few do; shape (n,)."""

    true: Group
    short: Group  # true less few, where ``SMOOTH``
    short_flow: Array  # m³/s, the same of the flow asked for
    short_liquid: Array  # W/K, the same of d(power)/d(liquid_in)
    short_air: Array  # W/K, of d(power)/d(air_in)
    liquid_in: Array  # conditions at which they were worked
    air_in: Array
    share: Array
    unsettled: Array  # W of power for flow that was not quite the one its heat asks for


def stand_in(activity: Array, counts: Array) -> Few:
    """Few racks for ``activity``, shape (rows, n), of which ``counts``, shape (rows,), each."""
    low, high = activity.min(axis=0), activity.max(axis=0)
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    sums = np.empty((POINTS.size, activity.shape[1]))
    for at in chunks(activity.shape):
        x = _place(activity[:, at], centre[at], half[at])
        power = np.ones_like(x)
        for k in range(POINTS.size):
            sums[k, at] = counts @ power
            power *= x
    return Few(centre + half * POINTS[:, None], TO_POWERS.T @ sums)


def spread(values: Array, activity: Array, points: Array) -> Array:
    """What single racks do from what the few do: a cubic in activity."""
    low, high = points[0], points[-1]
    x = _place(activity, 0.5 * (low + high), 0.5 * (high - low))
    powers = TO_POWERS @ values
    out: Array = powers[-1] * x
    for row in powers[-2:0:-1]:
        out += row
        out *= x
    out += powers[0]
    return out


def _place(activity: Array, centre: Array, half: Array) -> Array:
    """Activity as -1 to 1 between the least and the most of its step."""
    x: Array = activity - centre
    x *= 1.0 / np.maximum(half, 1e-12)
    return x


def chunks(shape: tuple[int, ...]) -> list[slice]:
    """Steps in parts whose temporaries stay in cache."""
    rows, n = shape
    width = max(1, CHUNK // rows)
    return [slice(first, min(first + width, n)) for first in range(0, n, width)]


def nobody(shape: tuple[int, ...]) -> Single:
    """Place for what every rack does."""
    each = Each(*(np.empty(shape, dtype=np.float32) for _ in Each._fields))
    return Single(each, np.full(shape, np.nan))


def census(
    node: RackNode,
    rows: Rows,
    few: Few,
    few_heat: Array,
    single: Single,
    where: Any,
    liquid_in: Array,
    air_in: Array,
    density_cp: Array,
    share: Array,
) -> Census:
    """Work every rack at the steps ``where``, at conditions given for these, and write what each does into ``single``.

    Flow follows heat and heat, a little, flow: the heat that a rack's flow is asked for is what it gave when last worked,
    at first what the few give (``few_heat``) spread over all. ``share`` is the part of that flow that the pumps give.
    """
    parts: list[tuple[Array, ...]] = []
    groups: list[Group] = []
    at_all = np.arange(rows.activity.shape[1])[where]
    counts = rows.counts[:, None]
    for at in chunks((rows.activity.shape[0], at_all.size)):
        own = at if isinstance(where, slice) else at_all[at]
        activity, before = rows.activity[:, own], single.heat[:, own]
        if np.isnan(before[0, 0]):
            before = spread(few_heat[:, at], activity, few.activity[:, at])
        given = (liquid_in[at], density_cp[at], share[at])
        _, flow, _ = _flows(node, before, *given)
        one = rack_model.respond(activity, liquid_in[at], flow, air_in[at], node.racks)
        one, asked, settled, met, unsettled = _settled(node, one, flow, *given)
        groups.append(together(node, one, activity, counts, settled, met))
        parts.append(tuple(total(counts, row) for row in (asked, one.slope_liquid, one.slope_air, unsettled)))
        single.heat[:, own] = one.heat_liquid
        for whole, values in zip(single.each, each_of(activity, settled, one), strict=True):
            whole[:, own] = values
    true = Group(*(np.concatenate(found) for found in zip(*groups, strict=True)))
    true_asked, true_liquid, true_air, doubtful = (
        np.concatenate(found) for found in zip(*parts, strict=True)
    )
    asked, flow, met = _flows(node, few_heat, liquid_in, density_cp, share)
    near, one = serve(node, few.activity, few.weight, liquid_in, air_in, flow, met)
    return Census(
        true, true._replace(**{name: getattr(true, name) - getattr(near, name) for name in SMOOTH}),
        true_asked - total(few.weight, asked), true_liquid - total(few.weight, one.slope_liquid),
        true_air - total(few.weight, one.slope_air), liquid_in, air_in, share, doubtful,
    )  # fmt: skip


def _settled(
    node: RackNode,
    one: rack_model.RackResponse,
    flow: Array,
    liquid_in: Array,
    density_cp: Array,
    share: Array,
) -> tuple[rack_model.RackResponse, Array, Array, Mask, Array]:
    """The response at the flow that its own heat asks for, found along its slopes from the one at ``flow``.

    Newton's step, so what is left (W, the last of what is returned) is of second order in the step of flow; of first order
    where chips throttle or a plate's law bends in between.
    """
    params = node.racks
    if params.accelerator is None or params.cold_plate is None or params.liquid is None:
        asked, settled, met = _flows(node, one.heat_liquid, liquid_in, density_cp, share)
        left = np.zeros_like(one.power)  # all the same at any flow
        if params.bath_sink is not None:
            left = BATH * one.power * np.abs(settled - flow) / np.maximum(settled, 1e-12)
        return one, asked, settled, met, left
    _, near, _ = _flows(node, one.heat_liquid, liquid_in, density_cp, share)
    asked, settled, met = _flows(
        node, one.heat_liquid + one.flow_slope_liquid * (near - flow), liquid_in, density_cp, share
    )
    step = settled - flow
    power, heat, chip = (
        one.flow_slope * step,
        one.flow_slope_liquid * step,
        one.chip_temperature + one.flow_slope_chip * step,
    )
    lowest = params.cold_plate.lowest_flow * params.accelerators / params.liquid.accelerator_share
    bent = one.throttled | (chip > params.accelerator.throttle) | ((flow < lowest) != (settled < lowest))
    left = np.abs(power) * np.where(bent, 1.0, np.abs(step) / np.maximum(settled, 1e-12))
    moved = one._replace(
        power=one.power + power,
        compute=one.compute + one.flow_slope_compute * step,
        heat_liquid=one.heat_liquid + heat,
        heat_air=one.heat_air + (power - heat),
        chip_temperature=chip,
    )
    return moved, asked, settled, met, left


def _flows(
    node: RackNode, heat: Array, liquid_in: Array, density_cp: Array, share: Array
) -> tuple[Array, Array, Mask]:
    """Flow that racks of this heat ask for, what they get of it, and whether their return stays under its limit."""
    if node.loop is None:
        return np.zeros_like(heat), np.zeros_like(heat), np.ones(heat.shape, dtype=bool)
    demand = rack_model.flow_demand(heat, liquid_in, density_cp, node.racks)
    return demand.flow, demand.flow * share, demand.valid


def completed(group: Group, known: Census, share: Array) -> Group:
    """What the few do, with what they were short of when every rack was worked."""
    near = {name: getattr(group, name) + getattr(known.short, name) for name in SMOOTH}
    return known.true._replace(**near, flow=group.flow + known.short_flow * share)


def doubt(known: Census, liquid_in: Array, air_in: Array, share: Array) -> Array:
    """W by which the group may be wrong, now that conditions have moved since every rack was worked."""
    liquid, air = np.abs(liquid_in - known.liquid_in), np.abs(air_in - known.air_in)
    sloped = np.abs(known.short_liquid) * liquid + np.abs(known.short_air) * air
    short = np.abs(known.short.power) + np.abs(known.short.heat_liquid)
    return np.asarray(
        known.unsettled + sloped + short * (CURVED * (liquid + air) + np.abs(share - known.share))
    )
