"""How the headers of a technology loop split its flow over the racks, at every flow and temperature.

The ladder is solved once per site at a grid of supply temperatures and total flows; a run looks flows and head up in
between. Flows are interpolated linearly, so that they add up to the loop's flow to the last digit; the head as its
ratio to one power of the flow. ``tests/twin/test_headers.py`` holds both against the ladder solved at every step.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from twin_models.fluids.fluids import Fluid, density, heat_capacity
from twin_models.manifold.balance import balanced
from twin_models.manifold.manifold import Branches, flows
from twin_models.rack.parameters import LiquidLoop
from twin_models.streams import Array, Mask, Real
from twin_sites.declared import base_of
from twin_sites.schema import Headers, Loop, Racks

from twin.design_flows import Units, reached

MARGIN_K = 0.5  # a return this far above its limit is a matter of the split, not a fault
NOMINAL_DEGC = 35.0  # of a supply that is given relative to another loop
HIGHEST_DEGC = 80.0  # of the grid: no loop of plates is supplied hotter
MORE = 1.25  # times rated flow, about where pumps at full speed end: the exponent of the head is taken up to here
BALANCING_RISE_K = 10.0  # between the headers when valves are set; it hardly matters
TEMPERATURES = 9
SLOW = (0.02, 0.035, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3)  # headers turn laminar
FLOWS = np.array([*SLOW, *np.arange(0.4, 2.05, 0.1)])  # over rated flow
LIMITED_FLOWS = np.array(
    [0.05, 0.1, 0.2, 0.3, *np.arange(0.4, 2.02, 0.025)]
)  # where flow limiters bend the split
EXPONENT = 1.9  # near that of head against flow, so that the ratio to it bends little
NEAR_LIMIT = 1.0 - 1e-6  # of the flow that flow limiters let through together


class Branching(NamedTuple):
    """Split of a loop's flow, tabulated; temperatures are those of the supply."""

    rows: Mapping[str, slice]  # of ``branch``, by rack group
    open: Mapping[str, Array]  # 1 where a rack's valve is open, else 0, (racks,)
    flow: float  # m³/s that racks with an open valve get at rating, together
    nominal: float  # °C
    t: Array  # °C, (T,)
    q: Array  # m³/s of the loop, (Q,), from 0
    branch: Array  # m³/s of each rack, (racks, T·Q)
    steep: Array  # head over (q/flow)^EXPONENT, Pa, (T·Q,)
    most: Array | None = None  # m³/s that the units' pumps can give, (T,)
    held: Array | None = None  # m³/s where pumps hold a pressure or a speed, whatever racks ask for, (T,)


def branching(
    loop: Loop,
    headers: Headers,
    liquid: Fluid,
    racks: Sequence[tuple[str, Sequence[int], Racks]],
    units: Sequence[Units],
) -> Branching:
    """Split of a loop's flow over its racks, in the order of groups and numbers, and what its pumps reach.

    Parameters
    ----------
    loop, headers, liquid
        The loop, its headers and its liquid.
    racks
        Every group with plates on this loop: its name, the numbers of its racks, and these. What was split off a group stands
        where its number does.
    units
        Units whose pumps move it; without them nothing limits or holds its flow here.
    """
    nominal = NOMINAL_DEGC if loop.supply.base else loop.supply.value
    sides = tuple(
        (name, tuple(numbers), group.liquid) for name, numbers, group in racks if group.liquid is not None
    )
    split = _tabulated(headers, liquid, sides, float(nominal))
    if not units:
        return split
    rated = np.full(split.t.size, split.flow)
    head, more = head_of(split, rated, split.t), head_of(split, MORE * rated, split.t)
    exponent = np.log(more / head) / np.log(MORE)
    most = np.minimum(reached(units, split.flow, head, exponent), split.q[-1])
    held = None
    if headers.control == "speed":
        held = reached(units, split.flow, head, exponent, headers.speed)
    elif headers.control == "pressure":
        at_rating = head_of(split, np.array([split.flow]), np.array([split.nominal]))
        held = flow_at_head(split, headers.pressure or float(at_rating[0]))
    return split._replace(most=most, held=held)


@lru_cache(maxsize=32)
def _tabulated(
    headers: Headers,
    liquid: Fluid,
    racks: tuple[tuple[str, tuple[int, ...], LiquidLoop], ...],
    nominal: float,
) -> Branching:
    rows: list[tuple[float, ...]] = []
    where: dict[str, slice] = {}
    place: list[tuple[int, int]] = []  # of each row along the headers: its group, its number
    bases = list(dict.fromkeys(base_of(name) for name, _, _ in racks))
    for name, numbers, side in racks:
        where[name], base = slice(len(rows), len(rows) + len(numbers)), base_of(name)
        for number in numbers:
            opening, clogging = (
                values.get(f"{base}.{number}", values.get(base, usual))
                for values, usual in ((headers.valves, np.nan), (headers.filters, 1.0))
            )
            rows.append((side.dp_flow, side.dp, side.dp_exponent, opening, clogging, side.dp_temperature))
            place.append((bases.index(base), number))
    order = np.array(sorted(range(len(rows)), key=place.__getitem__))
    branches = Branches(*(np.array(column)[order] for column in zip(*rows, strict=True)))
    each = np.concatenate([np.full(len(numbers), side.rated_flow) for _, numbers, side in racks])[order]
    set_, named = np.ones(each.size), np.asarray(branches.opening)
    if headers.balanced:  # as they were set: all valves open, all filters clean
        new = branches._replace(opening=1.0, clogging=1.0)
        set_ = balanced(new, headers, liquid, nominal, min(nominal + BALANCING_RISE_K, liquid.high), each)
    branches = branches._replace(opening=np.where(np.isnan(named), set_, named))
    is_open = (np.asarray(branches.opening) > 0.0).astype(float)
    heat = np.concatenate([np.full(len(numbers), side.rated_heat) for _, numbers, side in racks])[order]
    rated = float(each @ is_open)
    t = np.linspace(max(liquid.low, 0.0), HIGHEST_DEGC, TEMPERATURES)
    q = rated * FLOWS
    if headers.limit is not None:
        q = rated * LIMITED_FLOWS
        most = headers.limit * float(is_open.sum()) * NEAR_LIMIT
        q = np.append(q[q < most], min(most, q[-1]))
    # the return is warmer by what rated heat makes of rated flow
    rise = float(heat @ is_open) / (rated * density(liquid, nominal) * heat_capacity(liquid, nominal))
    at_t, at_q = np.repeat(t, q.size), np.tile(q, t.size)
    found = flows(branches, headers, liquid, at_t, np.minimum(at_t + rise, liquid.high), total=at_q)
    head = found.head.reshape(t.size, q.size)
    steep = head / (q / rated) ** EXPONENT
    # without flow there is none in any branch, and the head goes on as at the least flow
    branch = np.pad(found.branch.reshape(-1, t.size, q.size), ((0, 0), (0, 0), (1, 0)))
    back = np.argsort(order)
    branch, is_open = branch[back], is_open[back]
    return Branching(
        where, {name: is_open[at] for name, at in where.items()}, rated, nominal, t, np.append(0.0, q),
        branch.reshape(each.size, -1), np.pad(steep, ((0, 0), (1, 0)), mode="edge").ravel(),
    )  # fmt: skip


def branch_flows(
    split: Branching, total: Array, t: Array, name: str | None = None, rows: Array | None = None
) -> Array:
    """Flow of every rack in m³/s, (racks, n), at a loop's flow in m³/s and supply temperature in °C, both (n,).

    ``name`` picks one group, ``rows`` are rows of a table of their own in place of its racks. Beyond the table each rack
    keeps the share it has at the table's end.
    """
    table = split.branch if name is None else split.branch[split.rows[name]]
    table = table if rows is None else rows
    inside = np.clip(total, 0.0, split.q[-1])
    flow = _between(table, split, inside, t)
    return flow if np.all(inside == total) else flow * (total / np.maximum(inside, 1e-30))


def head_of(split: Branching, total: Array, t: Array) -> Array:
    """Head in Pa that headers and racks ask of the units at a flow in m³/s and a supply temperature in °C, both (n,)."""
    steep = _between(split.steep, split, np.clip(total, 0.0, split.q[-1]), t)
    return np.asarray(steep * (total / split.flow) ** EXPONENT)


def _between(table: Array, split: Branching, total: Array, t: Array) -> Array:
    """Bilinear in flow and temperature; the table's last axis is (T·Q,)."""
    j = np.clip(np.searchsorted(split.q, total, side="right") - 1, 0, split.q.size - 2)
    at_q = (total - split.q[j]) / (split.q[j + 1] - split.q[j])
    place = np.clip((t - split.t[0]) / (split.t[1] - split.t[0]), 0.0, split.t.size - 1.0)
    i = np.minimum(place.astype(np.intp), split.t.size - 2)
    at_t = place - i
    cell, up = i * split.q.size + j, split.q.size
    out: Array = table.take(cell, axis=-1) * ((1.0 - at_t) * (1.0 - at_q))
    for step, weight in ((1, (1.0 - at_t) * at_q), (up, at_t * (1.0 - at_q)), (up + 1, at_t * at_q)):
        out += table.take(cell + step, axis=-1) * weight
    return out


def flow_at_head(split: Branching, head: float) -> Array:
    """Flow in m³/s at which headers and racks ask for ``head`` Pa, at every temperature of the table, (T,)."""
    q = split.q[1:]
    steep = split.steep.reshape(split.t.size, -1)[:, 1:]
    log_heads = np.log(steep * (q / split.flow) ** EXPONENT)
    return np.exp([np.interp(np.log(head), row, np.log(q)) for row in log_heads])


def held_flow(split: Branching, t: Array) -> Array | None:
    """Flow in m³/s of pumps that hold a pressure or a speed, at a supply temperature in °C; None where racks decide."""
    return None if split.held is None else np.asarray(np.interp(t, split.t, split.held))


def most_flow(split: Branching, t: Real) -> Array:
    """Most m³/s that the units' pumps give at a supply temperature in °C; without limit where the loop has none."""
    return np.asarray(np.inf if split.most is None else np.interp(t, split.t, split.most))


def returns_cool(racks: Racks, heat: Array, flow: Array, supply: Array, rate: Array) -> Mask:
    """Whether coolant comes back below its limit; ``rate`` is J/(m³·K), ``heat`` W and ``flow`` m³/s of each rack."""
    assert racks.liquid is not None
    below: Mask = heat <= flow * rate * (racks.liquid.return_limit + MARGIN_K - supply)
    return below
