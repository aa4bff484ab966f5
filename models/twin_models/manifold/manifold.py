"""Racks in parallel between a supply and a return header: how much flow each gets.

A ladder: branch i joins the supply header to the return header. With the flow S of the header segments and the pressure
difference d across each branch,

    S_i − S_{i+1} = q_i,    d_i = F_i(q_i)                                   branch: rack, couplings, valve
    d_i − d_{i+1} = h(S_{i+1}) + h(R_i)                                      direct return,  R_i = S_{i+1}
    d_i − d_{i+1} = h(S_{i+1}) − h(R_i)                                      reverse return, R_i = S_1 − S_{i+1}
    h(Q) = (f·L/D + K)·ρ·v²/2                                                Darcy, friction factor of Churchill (1977)

Newton's rule on all of it at once. The linear equations of one step are a chain, solved by one march from the far end with
``S_i = a_i·d_i + b_i + c_i·S_1`` and one back; every operation is over all time steps. A closed branch has ``q = 0`` and no
slope, a flow limiter at its limit has ``q = q_max`` and no slope: both stay in the same equations. The chain is closed by a
given total flow, a given head, or pumps (their curve against the system's). Viscosity and density are those of the
liquid at its temperature, supply and return each at their own.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.fields import Choice, Parameters, Quantity
from twin_models.fluids.fluids import Fluid, density, viscosity
from twin_models.pipe.pipe import friction_factor
from twin_models.pump import pump as pump_model
from twin_models.pump.pump import Pump
from twin_models.streams import Array, Real

STEPS = 40
TOLERANCE = 1e-9  # last relative change of any branch flow
LEAST = 1e-9  # m³/s; below it a branch's slope is that of a straight line
SMALLEST_STEP, LARGEST_STEP = 0.2, 5.0  # a flow changes at most by these factors in one step
CHUNK = 256  # time steps at once: the arrays of a hundred racks then stay in cache
TABLE = 4096  # points of the friction table over the logarithm of Re
REYNOLDS = (1.0, 1e8)
KV_DROP = 1e5 / 1000.0 * 3600.0**2  # Pa per (kg/m³)·(m³/s)²/(m³/h)²


@dataclass(frozen=True, kw_only=True)
class Manifold(Parameters):
    """Supply and return headers of one row of racks, alike and evenly spaced."""

    diameter: Annotated[float, Quantity("m", "Header bore", 0.01, 2.0)]
    spacing: Annotated[float, Quantity("m", "Header length from rack to rack", 0.05, 50.0)]
    lead: Annotated[float, Quantity("m", "Header length from pumps to first rack, each way", 0.0, 1000.0)] = (
        5.0
    )
    roughness: Annotated[float, Quantity("m", "Sand roughness", 0.0, 2e-3, "handbooks")] = 1.5e-6
    tee_loss: Annotated[
        float, Quantity("1", "Loss coefficient of each tee in the run", 0.0, 5.0, "estimate")
    ] = 0.1
    lead_loss: Annotated[
        float, Quantity("1", "Loss coefficients of the lead together", 0.0, 100.0, "estimate")
    ] = 3.0
    layout: Annotated[Literal["direct", "reverse"], Choice("Direct or reverse return")] = "direct"
    couplings_kv: Annotated[
        float, Quantity("1", "Kv of the branch's couplings together, m³/h", 0.05, 1000.0)
    ] = 20.0
    valve_kv: Annotated[float, Quantity("1", "Kv of the branch's valve fully open, m³/h", 0.05, 1000.0)] = (
        25.0
    )
    limit: Annotated[float | None, Quantity("m3/s", "Highest flow of a flow-limiting valve", 1e-6, 1.0)] = (
        None
    )


class Branches(NamedTuple):
    """The racks, one row each; numbers or arrays of shape (racks,) or (racks, n)."""

    flow: Real  # m³/s at which the drop is stated
    drop: Real  # Pa of the rack at this flow
    exponent: Real  # of drop against flow
    opening: Real = 1.0  # of the valve, 0 (closed) to 1; Kv in proportion
    clogging: Real = 1.0  # factor on the rack's drop: a half-clogged filter
    stated_at: Real = np.nan  # °C at which the drop is stated; without it the drop does not follow viscosity


class Flows(NamedTuple):
    """What the network does."""

    branch: Array  # m³/s, (racks, n)
    difference: Array  # Pa across each branch, (racks, n)
    total: Array  # m³/s, (n,)
    head: Array  # Pa at the pumps, (n,)
    residual: Array  # last relative change of a branch flow, (n,)


class _Law(NamedTuple):
    power: Array  # Pa/(m³/s)^n of the rack
    exponent: Array
    square: Array  # Pa/(m³/s)² of couplings and valve
    open: NDArray[np.bool_]


class _Header(NamedTuple):
    length: Array  # of each segment as L/D
    loss: Array
    speed: float  # m/s per m³/s
    density: Array
    reynolds: Array  # Re per m³/s


@lru_cache(maxsize=64)
def _friction_table(relative_roughness: float) -> tuple[Array, Array]:
    """``f·Re`` at the table's points in ln Re, and its differences."""
    x = np.linspace(np.log(REYNOLDS[0]), np.log(REYNOLDS[1]), TABLE)
    value = np.log(friction_factor(np.exp(x), relative_roughness))
    return value, np.append(np.diff(value), 0.0)


def _friction(reynolds: Array, relative_roughness: float) -> tuple[Array, Array]:
    """Friction factor and its logarithmic slope, from a table good to 1e-4."""
    value, step = _friction_table(relative_roughness)
    low, high = np.log(REYNOLDS[0]), np.log(REYNOLDS[1])
    scale = (TABLE - 1) / (high - low)
    at = (np.log(np.maximum(reynolds, REYNOLDS[0])) - low) * scale
    i = np.minimum(at.astype(np.intp), TABLE - 2)
    slope = step[i]
    return np.exp(value[i] + slope * (at - i)), slope * scale


def _header_drop(flow: Array, header: _Header, relative_roughness: float) -> tuple[Array, Array]:
    """Drop in Pa of each segment with the sign of its flow, and its slope."""
    size = np.abs(flow)
    f, bend = _friction(size * header.reynolds, relative_roughness)
    dynamic = 0.5 * header.density * header.speed**2
    pipe = f * header.length
    drop = dynamic * (pipe + header.loss) * flow * size
    slope = dynamic * size * (pipe * (2.0 + bend) + 2.0 * header.loss)
    return drop, np.maximum(slope, dynamic * LEAST)


def _branch_drop(flow: Array, law: _Law) -> tuple[Array, Array]:
    size = np.maximum(np.abs(flow), LEAST)
    part = law.power * size ** (law.exponent - 1.0)
    return (part + law.square * size) * flow, law.exponent * part + 2.0 * law.square * size


def flows(
    branches: Branches,
    params: Manifold,
    liquid: Fluid,
    supply: Real,
    back: Real,
    *,
    total: Real | None = None,
    head: Real | None = None,
    pump: Pump | None = None,
    pumps: Real = 1,
    speed: Real = 1.0,
    racks: int | None = None,
    plant_drop: tuple[float, float] = (0.0, 1.0),
) -> Flows:
    """Flow of every branch at every time step.

    Parameters
    ----------
    branches, params
        Racks in the order of the header, nearest first, and the headers.
    liquid, supply, back
        Liquid and its temperatures in the supply and return headers, °C, numbers or (n,).
    total, head, pump
        One of them closes the problem: total flow in m³/s, pressure difference at the pumps in Pa, or pumps in parallel.
    pumps, speed
        Running pumps (staging) and their speed over full speed, numbers or (n,).
    racks
        Number of branches, where none of ``branches`` is an array.
    plant_drop
        Drop in Pa of what stands between the pumps and the headers (exchanger, filter), and the flow at which it is stated;
        it grows with the square of the flow.

    Raises
    ------
    ValueError
        Unless exactly one of ``total``, ``head`` and ``pump`` is given, or where every branch is closed.
    """
    if sum(x is not None for x in (total, head, pump)) != 1:
        raise ValueError("give one of total, head and pump")
    drivers = [np.atleast_1d(np.asarray(x, dtype=float)) for x in (supply, back, pumps, speed)]
    closing = np.atleast_1d(
        np.asarray(total if total is not None else head if head is not None else 0.0, dtype=float)
    )
    rows = [np.asarray(x, dtype=float) for x in branches]
    count = racks or max(row.shape[0] if row.ndim else 1 for row in rows)
    n = max(*(x.size for x in drivers), closing.size, *(row.shape[1] if row.ndim == 2 else 1 for row in rows))
    drivers = [np.broadcast_to(x, (n,)) for x in (*drivers, closing)]
    full = [
        np.broadcast_to(row[:, None] if row.ndim == 1 else row, (count, row.shape[1] if row.ndim == 2 else 1))
        for row in rows
    ]
    kind = "total" if total is not None else "head" if head is not None else "pump"
    parts: list[Flows] = []
    steps = [slice(0, 1)] if n > 1 else []  # one step alone gives the others their first guess
    steps += [slice(first, min(first + CHUNK, n)) for first in range(0, n, CHUNK)]
    for at in steps:
        chunk = Branches(*(row[:, at] if row.shape[1] == n and n > 1 else row for row in full))
        t_supply, t_back, running, turning, closed = (x[at] for x in drivers)
        start = parts[-1].branch[:, -1:] if parts else None
        staging = (running, turning)
        parts.append(
            _solve(chunk, params, liquid, (t_supply, t_back), kind, closed, pump, staging, plant_drop, start)
        )
    kept = parts[1:] if n > 1 else parts
    return Flows(*(np.concatenate(values, axis=-1) for values in zip(*kept, strict=True)))


def _laws(branches: Branches, params: Manifold, liquid: Fluid, t: Array) -> _Law:
    """Branches at a temperature of °C, (n,): a drop with the power n of flow goes with ``rho^(n−1)·mu^(2−n)``."""
    rho = np.asarray(density(liquid, t))
    opening = np.asarray(branches.opening)
    is_open = opening > 0.0
    kv = params.valve_kv * np.where(is_open, opening, 1.0)
    square = KV_DROP * rho * (1.0 / params.couplings_kv**2 + 1.0 / kv**2)
    exponent, stated = np.asarray(branches.exponent), np.asarray(branches.stated_at)
    power = np.asarray(branches.drop) * branches.clogging / np.asarray(branches.flow) ** exponent
    known = np.isfinite(stated)
    if known.any():
        at = np.where(known, stated, 0.5 * (liquid.low + liquid.high))
        thicker = (rho / density(liquid, at)) ** (exponent - 1.0) * (
            viscosity(liquid, t) / viscosity(liquid, at)
        ) ** (2.0 - exponent)
        power = power * np.where(known, thicker, 1.0)
    return _Law(np.asarray(power), exponent, np.asarray(square), np.asarray(is_open))


def _header(params: Manifold, count: int, liquid: Fluid, t: Array) -> _Header:
    """Segments of one header: the lead, then one from rack to rack."""
    length = np.full((count, 1), params.spacing / params.diameter)
    loss = np.full((count, 1), params.tee_loss)
    length[0], loss[0] = params.lead / params.diameter, params.lead_loss
    area = np.pi * params.diameter**2 / 4.0
    rho = np.asarray(density(liquid, t))
    reynolds = rho * params.diameter / area / np.asarray(viscosity(liquid, t))
    return _Header(length, loss, 1.0 / area, rho, reynolds)


def _solve(
    branches: Branches,
    params: Manifold,
    liquid: Fluid,
    temperatures: tuple[Array, Array],
    kind: str,
    closing: Array,
    pump: Pump | None,
    staging: tuple[Array, Array],
    plant_drop: tuple[float, float],
    start: Array | None,
) -> Flows:
    count, n = branches.flow.shape[0], closing.size  # type: ignore[union-attr]
    law = _laws(branches, params, liquid, 0.5 * (temperatures[0] + temperatures[1]))
    if not law.open.any(axis=0).all():
        raise ValueError("every branch is closed")
    sides = tuple(_header(params, count, liquid, t) for t in temperatures)
    rough = params.roughness / params.diameter
    reverse = params.layout == "reverse"
    limit = np.inf if params.limit is None else params.limit
    extra = plant_drop[0] / plant_drop[1] ** 2
    shape = (count, n)
    is_open = np.broadcast_to(law.open, shape)
    first = np.broadcast_to(np.asarray(branches.flow, dtype=float), shape)
    if start is not None:
        first = np.broadcast_to(start, shape)
    if kind == "total":
        first = first * closing / np.maximum(np.sum(first * is_open, axis=0), LEAST)
    q = np.where(is_open, np.minimum(first, limit), 0.0)
    moved = np.full(n, np.inf)
    d = np.zeros(shape)
    for _ in range(STEPS):
        s = np.cumsum(q[::-1], axis=0)[::-1]  # flow of supply segment i, which ends at branch i
        whole = s[0]
        r = whole - s if reverse else s  # of the return segment between branch i − 1 and i; r[0] is the lead
        r = np.concatenate([whole[None], r[1:]])
        drop_s, slope_s = _header_drop(s, sides[0], rough)
        drop_r, slope_r = _header_drop(r, sides[1], rough)
        sign = -1.0 if reverse else 1.0
        rise = drop_s + sign * drop_r  # d_{i−1} − d_i
        slope = slope_s + slope_r  # by s_i, in both layouts
        by_whole = sign * slope_r if reverse else np.zeros(shape)  # by s_0
        f, f_slope = _branch_drop(q, law)
        held = q >= limit * (1.0 - 1e-12)
        free = is_open & ~(held & (d >= f))
        give = np.where(free, 1.0 / f_slope, 0.0)
        q0 = np.where(free, q - f * give, np.where(is_open, q, 0.0))  # q = q0 + give·d
        # from the far end: s_i = a·d_i + b + c·s_0
        a, b, c = np.empty(shape), np.empty(shape), np.empty(shape)
        a[-1], b[-1], c[-1] = give[-1], q0[-1], 0.0
        gain, offset, pull = (
            np.ones(shape),
            np.zeros(shape),
            np.zeros(shape),
        )  # d_i = gain·d_{i−1} + offset + pull·s_0
        constant = rise - slope * s - by_whole * whole
        for i in range(count - 1, 0, -1):
            # d_{i−1} = d_i + constant + slope·(a·d_i + b + c·s_0) + by_whole·s_0
            gain[i] = 1.0 / (1.0 + slope[i] * a[i])
            offset[i] = -gain[i] * (constant[i] + slope[i] * b[i])
            pull[i] = -gain[i] * (slope[i] * c[i] + by_whole[i])
            a[i - 1] = give[i - 1] + a[i] * gain[i]
            b[i - 1] = q0[i - 1] + b[i] + a[i] * offset[i]
            c[i - 1] = c[i] + a[i] * pull[i]
        # s_0 = a·d_0 + b + c·s_0, and d_0 = what is there at the headers
        if kind == "total":
            new_whole = closing
            d_first = (new_whole * (1.0 - c[0]) - b[0]) / np.maximum(a[0], 1e-300)
        else:
            if kind == "head":
                at_pumps, pump_slope = closing, np.zeros(n)
            else:
                assert pump is not None
                at_pumps, pump_slope = _pumps(whole, staging, pump)
            # head of the pumps = d_0 + lead + return header, all linear in d_0 and s_0
            lead = drop_s[0] + drop_r[0] + extra * whole * np.abs(whole)
            by_s = pump_slope - slope_s[0] - slope_r[0] - 2.0 * extra * np.abs(whole)
            level, by_d = at_pumps - lead - by_s * whole, np.ones(n)
            if reverse:  # the first rack's coolant passes the whole return header
                own = _march(np.ones(n), np.zeros(n), gain, 0.0 * offset, pull)
                pulled = _march(np.zeros(n), np.ones(n), gain, 0.0 * offset, pull)
                fixed = _march(np.zeros(n), np.zeros(n), gain, offset, pull)
                weight = slope_r[1:]
                level = level - np.sum(drop_r[1:] - weight * (r[1:] + a[1:] * fixed[1:] + b[1:]), axis=0)
                by_s = by_s - np.sum(weight * (1.0 - c[1:] - a[1:] * pulled[1:]), axis=0)
                by_d = by_d - np.sum(weight * a[1:] * own[1:], axis=0)
            # by_d·d_0 = level + by_s·s_0 and (1 − c)·s_0 = a·d_0 + b
            new_whole = (a[0] * level + by_d * b[0]) / (by_d * (1.0 - c[0]) - a[0] * by_s)
            d_first = (level + by_s * new_whole) / by_d
        d = _march(d_first, new_whole, gain, offset, pull)
        wanted = np.where(free, q0 + give * d, q)
        step = np.clip(wanted, SMALLEST_STEP * q, LARGEST_STEP * np.maximum(q, LEAST))
        new = np.where(is_open, np.minimum(step, limit), 0.0)
        moved = np.max(np.abs(new - q) / np.maximum(np.max(new, axis=0), LEAST), axis=0)
        q = new
        if float(np.max(moved)) <= TOLERANCE:
            break
    lead = drop_s[0] + drop_r[0] + (np.sum(drop_r[1:], axis=0) if reverse else 0.0)
    return Flows(q, d, whole, d[0] + lead + extra * whole * np.abs(whole), moved)


def _march(first: Array, whole: Array, gain: Array, offset: Array, pull: Array) -> Array:
    """Differences of all branches from that of the first and the total flow."""
    d = np.empty(gain.shape)
    d[0] = first
    for i in range(1, gain.shape[0]):
        d[i] = gain[i] * d[i - 1] + offset[i] + pull[i] * whole
    return d


def _pumps(total: Array, staging: tuple[Array, Array], pump: Pump) -> tuple[Array, Array]:
    """Head of the running pumps in Pa at a total flow, and its slope."""
    running, speed = staging
    p = pump_model.characteristic(pump)
    one = total / running
    return pump_model.head(one, speed, pump), (p.b * speed + 2.0 * p.c * one) / running
