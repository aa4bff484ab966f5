"""Newton's rule on a ladder of racks: every linear system is a chain, solved by one march there and one back.

The equations stand in ``manifold``. All operations are over the time steps of a block at once.
"""

from typing import NamedTuple

import numpy as np

from twin_models.fluids.fluids import Fluid, density, viscosity
from twin_models.manifold.parameters import Flows, Law, Manifold
from twin_models.pipe.table import friction
from twin_models.pump import pump as pump_model
from twin_models.pump.pump import Pump
from twin_models.streams import Array

STEPS = 40
TOLERANCE = 3e-7  # last relative change of any branch flow; the next would be about its square
LEAST = 1e-9  # m³/s; below it a branch's slope is that of a straight line
SMALLEST_STEP, LARGEST_STEP = 0.2, 5.0  # a flow changes at most by these factors in one step


class Header(NamedTuple):
    """Segments of one header: the lead, then one from rack to rack."""

    length: Array  # as L/D, (racks, 1)
    loss: Array
    dynamic: Array  # Pa per (m³/s)² of one velocity head
    reynolds: Array  # Re per m³/s


class Closing(NamedTuple):
    """What closes the chain: a total flow, a head, or pumps; arrays of n."""

    total: Array | None
    head: Array | None
    pump: Pump | None
    running: Array
    speed: Array
    plant: float  # Pa/(m³/s)² between pumps and headers


def header(params: Manifold, count: int, liquid: Fluid, t: Array) -> Header:
    """A header of ``count`` racks with its liquid at °C, (n,)."""
    length = np.full((count, 1), params.spacing / params.diameter)
    loss = np.full((count, 1), params.tee_loss)
    length[0], loss[0] = params.lead / params.diameter, params.lead_loss
    area = np.pi * params.diameter**2 / 4.0
    rho = np.asarray(density(liquid, t))
    reynolds = rho * params.diameter / area / np.asarray(viscosity(liquid, t))
    return Header(length, loss, 0.5 * rho / area**2, reynolds)


def _header_drop(flow: Array, part: Header, relative_roughness: float) -> tuple[Array, Array]:
    """Drop in Pa of each segment with the sign of its flow, and its slope."""
    size = np.abs(flow)
    f, bend = friction(size * part.reynolds, relative_roughness)
    size *= part.dynamic
    bend += 2.0 * f
    bend *= part.length
    bend += 2.0 * part.loss
    bend *= size
    f *= part.length
    f += part.loss
    f *= size
    f *= flow
    return f, np.maximum(bend, part.dynamic * LEAST)


def _branch_drop(flow: Array, law: Law) -> tuple[Array, Array]:
    size = np.maximum(flow, LEAST)
    part = size ** (law.exponent - 1.0)
    part *= law.power
    size *= law.square
    slope = law.exponent * part
    slope += 2.0 * size
    part += size
    part *= flow
    return part, slope


def solve(
    law: Law,
    sides: tuple[Header, Header],
    params: Manifold,
    closing: Closing,
    start: Array,
) -> Flows:
    """Flows of a block of time steps from a first guess of them, (racks, n)."""
    n = start.shape[1]
    rough, reverse = params.roughness / params.diameter, params.layout == "reverse"
    limit = np.inf if params.limit is None else params.limit
    is_open = np.broadcast_to(law.open, start.shape)
    all_open = bool(is_open.all())
    q = np.where(is_open, np.minimum(start, limit), 0.0)
    moved, d = np.full(n, np.inf), np.zeros(start.shape)
    for _ in range(STEPS):
        s = np.cumsum(q[::-1], axis=0)[::-1]  # flow of supply segment i, which ends at branch i
        whole = s[0]
        r = whole - s if reverse else s  # of the return segment between branch i − 1 and i; r[0] is the lead
        if reverse:
            r[0] = whole
        drop_s, slope_s = _header_drop(s, sides[0], rough)
        drop_r, slope_r = _header_drop(r, sides[1], rough)
        slope = slope_s + slope_r  # of d_{i−1} − d_i by s_i, in both layouts
        constant = (drop_s - drop_r if reverse else drop_s + drop_r) - slope * s
        if reverse:
            constant += slope_r * (whole if closing.total is None else whole - closing.total)
        f, f_slope = _branch_drop(q, law)
        give = np.reciprocal(f_slope, out=f_slope)
        q0 = q - f * give  # q = q0 + give·d
        free = is_open if params.limit is None else is_open & ~((q >= limit * (1.0 - 1e-12)) & (d >= f))
        if params.limit is not None or not all_open:
            give, q0 = np.where(free, give, 0.0), np.where(free, q0, np.where(is_open, q, 0.0))
        if closing.total is not None:
            chain = _eliminated(give, q0, slope, constant)
            new_whole: Array = closing.total
            d_first = (new_whole - chain.b[0]) / np.maximum(chain.a[0], 1e-300)
            d = chain.back(d_first)
        else:
            by_whole = -slope_r if reverse else np.zeros(start.shape)
            chain = _eliminated(give, q0, slope, constant, by_whole)
            new_whole, d_first = _met(
                chain, closing, whole, (drop_s, drop_r), (slope_s, slope_r), r if reverse else None
            )
            d = chain.back(d_first, new_whole)
        wanted = give * d
        wanted += q0
        np.maximum(wanted, SMALLEST_STEP * q, out=wanted)
        np.minimum(wanted, LARGEST_STEP * np.maximum(q, LEAST), out=wanted)
        if not all_open:
            wanted = np.where(is_open, wanted, 0.0)
        if params.limit is not None:
            np.minimum(wanted, limit, out=wanted)
        q -= wanted
        moved = np.max(np.abs(q, out=q), axis=0) / np.maximum(np.max(wanted, axis=0), LEAST)
        q = wanted
        if float(np.max(moved)) <= TOLERANCE:
            break
    lead = drop_s[0] + drop_r[0] + (np.sum(drop_r[1:], axis=0) if reverse else 0.0)
    whole = q.sum(axis=0)
    return Flows(q, d, whole, d[0] + lead + closing.plant * whole * np.abs(whole), moved)


class _Chain(NamedTuple):
    """``s_i = a·d_i + b + c·s_0`` and ``d_i = (d_{i−1} − offset − pull·s_0)/gain``."""

    a: Array
    b: Array
    c: Array | None
    gain: Array
    offset: Array
    pull: Array | None

    def back(self, first: Array, whole: Array | None = None, fixed: bool = True) -> Array:
        """Differences of all branches from that of the first and the total flow; without the fixed part if asked."""
        d = np.empty(self.gain.shape)
        d[0] = first
        for i in range(1, len(d)):
            row = d[i]
            if fixed:
                np.subtract(d[i - 1], self.offset[i], out=row)
            else:
                row[:] = d[i - 1]
            if whole is not None and self.pull is not None:
                row -= self.pull[i] * whole
            row /= self.gain[i]
        return d


def _eliminated(
    give: Array, q0: Array, slope: Array, constant: Array, by_whole: Array | None = None
) -> _Chain:
    """From the far end: d_{i−1} = d_i + constant + slope·(a·d_i + b + c·s_0) + by_whole·s_0."""
    count, n = give.shape
    a, b, gain, offset = give.copy(), q0.copy(), np.empty_like(give), np.empty_like(give)
    spare = np.empty(n)
    c = pull = None
    if by_whole is not None:
        c, pull = np.zeros_like(give), np.empty_like(give)
    for i in range(count - 1, 0, -1):
        above, below = i - 1, i
        np.multiply(slope[i], a[i], out=gain[i])
        gain[i] += 1.0
        np.multiply(slope[i], b[i], out=offset[i])
        offset[i] += constant[i]
        share = np.divide(a[below], gain[i], out=spare)
        a[above] += share
        b[above] += b[below]
        if c is not None and pull is not None and by_whole is not None:
            np.multiply(slope[i], c[i], out=pull[i])
            pull[i] += by_whole[i]
            c[above] = c[below] - share * pull[i]
        share *= offset[i]
        b[above] -= share
    return _Chain(a, b, c, gain, offset, pull)


def _met(
    chain: _Chain,
    closing: Closing,
    whole: Array,
    drops: tuple[Array, Array],
    slopes: tuple[Array, Array],
    back: Array | None,
) -> tuple[Array, Array]:
    """Total flow and first difference where what the pumps give meets what headers and racks ask for.

    ``back`` is the flow of the return segments in reverse return: there the first rack's coolant passes all of them.
    """
    n, extra = whole.size, closing.plant
    if closing.head is not None:
        at_pumps, pump_slope = closing.head, np.zeros(n)
    else:
        assert closing.pump is not None
        at_pumps, pump_slope = _pumps(whole, closing.running, closing.speed, closing.pump)
    # head of the pumps = d_0 + lead + return header, all linear in d_0 and s_0
    lead = drops[0][0] + drops[1][0] + extra * whole * np.abs(whole)
    by_s = pump_slope - slopes[0][0] - slopes[1][0] - 2.0 * extra * np.abs(whole)
    level, by_d = at_pumps - lead - by_s * whole, np.ones(n)
    assert chain.c is not None
    a, b, c = chain.a, chain.b, chain.c
    if back is not None:
        none, one = np.zeros(n), np.ones(n)
        own = chain.back(one, None, fixed=False)
        pulled = chain.back(none, one, fixed=False)
        fixed = chain.back(none)
        weight, r, drop_r = slopes[1][1:], back[1:], drops[1][1:]
        level = level - np.sum(drop_r - weight * (r + a[1:] * fixed[1:] + b[1:]), axis=0)
        by_s = by_s - np.sum(weight * (1.0 - c[1:] - a[1:] * pulled[1:]), axis=0)
        by_d = by_d - np.sum(weight * a[1:] * own[1:], axis=0)
    # by_d·d_0 = level + by_s·s_0 and (1 − c)·s_0 = a·d_0 + b
    new_whole = (a[0] * level + by_d * b[0]) / (by_d * (1.0 - c[0]) - a[0] * by_s)
    return new_whole, (level + by_s * new_whole) / by_d


def _pumps(total: Array, running: Array, speed: Array, pump: Pump) -> tuple[Array, Array]:
    """Head of the running pumps in Pa at a total flow, and its slope."""
    p = pump_model.characteristic(pump)
    one = total / running
    return pump_model.head(one, speed, pump), (p.b * speed + 2.0 * p.c * one) / running
