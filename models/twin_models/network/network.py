"""Any network of pipes, valves, racks and pumps, rings and cross connections among them.

Every edge has a law of its flow q, rising throughout,

    p_start − p_end = h(q) = (f·L/D + K)·rho·v·|v|/2 + rho·KV·q·|q|/Kv² + drop·(|q|/flow)^n·sign(q)
    p_end − p_start = a·N² + b·N·(q/m) + c·(q/m)²                            m pumps in parallel at speed N

and flow is conserved in every node. Newton's rule on flows and pressures together (Todini and Pilati, 1988): with the slopes of one
step the edges are conductances, ``q = q0 + (Δp − h(q0))/h'(q0)``, and the pressures are those of a resistor network. All time
steps are solved at once. A limiter at its limit and a check valve behind a standing pump are laws that turn steep.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from twin_models.fluids.fluids import Fluid, density, viscosity
from twin_models.network import band, elimination
from twin_models.network.elimination import Index
from twin_models.pipe.table import friction
from twin_models.pump import pump as pump_model
from twin_models.pump.pump import Pump
from twin_models.streams import Array, Real

STEPS = 60
TOLERANCE = 1e-6  # last change of any flow over the largest; Newton's next one is about its square
SWINGING = 10  # steps after which every other one goes half way: laminar and turbulent swap places
LEAST = 1e-9  # m³/s; below it a law is that of a straight line
TIGHT = 1e7  # how much steeper a law is beyond a limiter's limit or against a check valve
PRESSURE = 1e5  # Pa that a limiter holds with ``TIGHT``
FIRST_DROP = 1e4  # Pa
FLATTEST = 1.0  # Pa per m³/s: the slope of an edge without any law
LEAK = 1e-18  # m³/s per Pa of what is closed: gives cut-off nodes a pressure
KV_DROP = 1e5 / 1000.0 * 3600.0**2  # Pa per (kg/m³)·(m³/s)²/(m³/h)²
ELEMENTS = 40_000  # edges times time steps at once: the arrays then stay in cache


class Pipes(NamedTuple):
    """Edges, one row each: numbers or arrays of shape (edges,) or (edges, n). Pipe, fittings, valve and rack stand in series."""

    start: Real  # node numbers from 0
    end: Real
    length: Real = 0.0  # m
    diameter: Real = 1.0  # m
    roughness: Real = 1.5e-6  # m; one per edge
    loss: Real = 0.0  # sum of loss coefficients on the velocity in ``diameter``
    kv: Real = np.inf  # m³/h; 0 is closed
    drop: Real = 0.0  # Pa of a rack or exchanger
    flow: Real = 1.0  # m³/s at which it drops this
    exponent: Real = 2.0  # of its drop against flow
    limit: Real = np.inf  # m³/s of a flow-limiting valve, from start to end


class Pumping(NamedTuple):
    """Pumps in parallel on one edge, with check valves; the rest of the edge's law is in series with them."""

    pump: Pump
    running: Real = 1.0  # number or (n,); 0 is off and shut
    speed: Real = 1.0  # over full speed


class Solved(NamedTuple):
    """What the network does."""

    flow: Array  # m³/s from start to end, (edges, n)
    pressure: Array  # Pa, (nodes, n)
    residual: Array  # last change of a flow over the largest, (n,)


class _Plan(NamedTuple):
    """What follows from how edges are joined: it is kept for the next call."""

    start: Index
    end: Index
    arriving: elimination.Sums  # at nodes, of what leaves at starts and of what comes at ends
    order: elimination.Order
    band: band.Band


class _Laws(NamedTuple):
    """Coefficients of all edges, (edges, 1) or (edges, n)."""

    pipes: Index  # numbers of edges with pipe
    roughness: tuple[tuple[float, Index], ...]  # relative roughness, and its places among ``pipes``
    reynolds: Array  # Re per m³/s
    friction: Array  # Pa/(m³/s)² per friction factor
    square: Array  # Pa/(m³/s)²
    racks: Index  # numbers of edges with a drop
    power: Array  # Pa/(m³/s)^n
    exponent: Array
    limited: Index  # numbers of edges
    limit: Array
    open: Array


def flows(
    pipes: Pipes,
    liquid: Fluid,
    t: Real,
    *,
    held: Mapping[int, Real],
    inflow: Mapping[int, Real] | None = None,
    pumps: Mapping[int, Pumping] | None = None,
) -> Solved:
    """Flow of every edge and pressure of every node at every time step.

    Parameters
    ----------
    pipes
        Edges between nodes that are numbered from 0.
    liquid, t
        Liquid and its temperature in °C: a number, (n,), (edges, 1) or (edges, n).
    held
        Pressure in Pa of some nodes, numbers or (n,); what they take in or give is free.
    inflow
        Flow in m³/s into other nodes, negative out of them, numbers or (n,).
    pumps
        Pumps by number of their edge.

    Raises
    ------
    ValueError
        Where a part of the network has no held node, an edge goes from a node to itself, or a number of a node or edge
        does not exist.
    """
    inflow, pumps = dict(inflow or {}), dict(pumps or {})
    ends = np.asarray(pipes.start, dtype=np.intp), np.asarray(pipes.end, dtype=np.intp)
    edges, nodes = ends[0].size, int(max(ends[0].max(), ends[1].max())) + 1
    for what, numbers, count in (("node", [*held, *inflow], nodes), ("edge", [*pumps], edges)):
        wrong = [k for k in numbers if not 0 <= k < count]
        if wrong:
            raise ValueError(f"there is no {what} {wrong[0]}: numbers go from 0 to {count - 1}")
    if np.any(ends[0] == ends[1]):
        raise ValueError(f"edge {int(np.argmax(ends[0] == ends[1]))} goes from a node to itself")
    plan = _plan(nodes, tuple(zip(ends[0].tolist(), ends[1].tolist(), strict=True)), frozenset(held))
    rows = [_row(x, edges) for x in pipes[2:]]
    warm = _row(t, edges) if np.ndim(t) == 2 else np.atleast_1d(np.asarray(t, dtype=float))[None, :]
    series = {
        k: np.atleast_1d(np.asarray(x, dtype=float))
        for k, x in (*held.items(), *((-1 - k, x) for k, x in inflow.items()))
    }
    staging = {
        k: (p.pump, np.atleast_1d(np.asarray(p.running, float)), np.atleast_1d(np.asarray(p.speed, float)))
        for k, p in pumps.items()
    }
    sizes = [
        x.shape[-1] for x in (*rows, warm, *series.values(), *(x for p in staging.values() for x in p[1:]))
    ]
    n = max(sizes)
    width = max(1, ELEMENTS // edges)
    steps = [slice(0, 1)] if n > 1 else []  # one step alone gives the others their first guess
    steps += [slice(first, min(first + width, n)) for first in range(0, n, width)]
    parts: list[Solved] = []
    for at in steps:
        size = at.stop - at.start
        laws = _laws(Pipes(0.0, 0.0, *(_at(x, at) for x in rows)), liquid, _at(warm, at), edges)
        fixed, source = np.zeros((nodes, size)), np.zeros((nodes, size))
        for k in held:
            fixed[k] = _at(series[k], at)
        for k in inflow:
            source[k] = _at(series[-1 - k], at)
        running = {k: (p, _at(m, at), _at(s, at)) for k, (p, m, s) in staging.items()}
        start = parts[-1].flow[:, -1:] if parts else None
        parts.append(_solve(plan, laws, fixed, source, running, start))
    kept = parts[1:] if n > 1 else parts
    return Solved(*(np.concatenate(values, axis=-1) for values in zip(*kept, strict=True)))


@lru_cache(maxsize=64)
def _plan(nodes: int, edges: tuple[tuple[int, int], ...], held: frozenset[int]) -> _Plan:
    start, end = np.array(edges, dtype=np.intp).T
    order = elimination.order(nodes, edges, held)
    return _Plan(
        start, end, elimination.summing(np.concatenate([start, end])), order, band.band(nodes, edges, held)
    )


def _pressures(plan: _Plan, conductance: Array, inflow: Array, held: Array) -> Array:
    """Pressure of every node, (nodes, n): one state alone in a band, where that leaves digits enough."""
    if held.shape[1] == 1:
        alone = band.potentials(plan.band, conductance[:, 0], inflow[:, 0], held[:, 0])
        if alone is not None:
            return alone[:, None]
    return elimination.potentials(plan.order, conductance, inflow, held)


def _row(x: Real, edges: int) -> Array:
    value = np.asarray(x, dtype=float)
    return np.broadcast_to(
        value[:, None] if value.ndim == 1 else value, (edges, value.shape[1] if value.ndim == 2 else 1)
    )


def _at(x: Array, at: slice) -> Array:
    return x if x.shape[-1] == 1 else x[..., at]


def _laws(pipes: Pipes, liquid: Fluid, t: Array, edges: int) -> _Laws:
    rho = np.asarray(density(liquid, t))
    length, diameter, roughness = (np.asarray(x) for x in (pipes.length, pipes.diameter, pipes.roughness))
    area = np.pi * diameter**2 / 4.0
    dynamic = 0.5 * rho / area**2
    kv = np.asarray(pipes.kv)
    is_open = kv > 0.0
    square = dynamic * pipes.loss + KV_DROP * rho / np.where(is_open, kv, 1.0) ** 2
    own = np.flatnonzero((length > 0.0).any(axis=1))
    relative = (roughness / diameter)[own]
    if relative.shape[1] > 1:
        relative = relative[:, :1]
    kinds = tuple(
        (float(value), np.flatnonzero(relative[:, 0] == value)) for value in np.unique(relative[:, 0])
    )
    racks = np.flatnonzero((np.asarray(pipes.drop) > 0.0).any(axis=1))
    reynolds = rho * diameter / area / np.asarray(viscosity(liquid, t))
    exponent = np.asarray(pipes.exponent)[racks]
    limit = np.asarray(pipes.limit)
    limited = np.flatnonzero(np.isfinite(limit).any(axis=1))
    return _Laws(
        own, kinds, _take(reynolds, own), _take(dynamic * length / diameter, own), np.asarray(square), racks,
        np.asarray(pipes.drop)[racks] / np.asarray(pipes.flow)[racks] ** exponent, exponent, limited, limit[limited],
        np.asarray(is_open),
    )  # fmt: skip


def _take(x: Array, rows: Index) -> Array:
    return x[rows] if x.shape[0] > 1 else x


def _drops(q: Array, laws: _Laws, pumps: Mapping[int, tuple[Pump, Array, Array]]) -> tuple[Array, Array]:
    """Pressure from start to end of every edge in Pa, and its slope by the flow."""
    size = np.maximum(np.abs(q), LEAST)
    part = laws.square * size
    drop, slope = part * q, 2.0 * part
    if laws.pipes.size:
        own, through = size[laws.pipes], q[laws.pipes]
        factor, bend = np.empty_like(own), np.empty_like(own)
        reynolds = own * laws.reynolds
        for roughness, at in laws.roughness:
            factor[at], bend[at] = friction(reynolds[at], roughness)
        own *= laws.friction
        drop[laws.pipes] += own * factor * through
        slope[laws.pipes] += own * (2.0 * factor + bend)
    if laws.racks.size:
        part = laws.power * size[laws.racks] ** (laws.exponent - 1.0)
        drop[laws.racks] += part * q[laws.racks]
        slope[laws.racks] += laws.exponent * part
    if laws.limited.size:
        beyond = np.maximum(q[laws.limited] - laws.limit, 0.0)
        stiff = TIGHT * PRESSURE / np.where(np.isfinite(laws.limit), laws.limit, 1.0)
        drop[laws.limited] += stiff * beyond
        slope[laws.limited] += np.where(beyond > 0.0, stiff, 0.0)
    for edge, (pump, running, speed) in pumps.items():
        p = pump_model.characteristic(pump)
        one: Array = np.maximum(q[edge], 0.0) / np.maximum(running, 1.0)
        tight = TIGHT * p.a / pump.rated_flow
        drop[edge] += np.minimum(q[edge], 0.0) * tight - pump_model.head(one, speed, pump)
        rising = -(p.b * speed + 2.0 * p.c * one) / np.maximum(running, 1.0)
        slope[edge] += np.where(q[edge] < 0.0, tight, np.maximum(rising, 0.0))
    return drop, np.maximum(slope, FLATTEST)


def _solve(
    plan: _Plan,
    laws: _Laws,
    held: Array,
    inflow: Array,
    pumps: Mapping[int, tuple[Pump, Array, Array]],
    start: Array | None,
) -> Solved:
    shape = (plan.start.size, held.shape[1])
    is_open = np.array(np.broadcast_to(laws.open, shape))
    for edge, (_, running, speed) in pumps.items():
        is_open[edge] &= (running > 0.0) & (speed > 0.0)
    q = np.where(is_open, _first(laws, pumps, shape) if start is None else start, 0.0)
    moved, pressure = np.full(shape[1], np.inf), held
    for step in range(STEPS):
        drop, slope = _drops(q, laws, pumps)
        if step == 0 and start is None:  # from afar a secant through no flow leads nearer than a tangent
            slope = np.where(drop > 0.0, np.maximum(drop / np.maximum(q, LEAST), FLATTEST), slope)
        g = np.where(is_open, 1.0 / slope, LEAK)
        fixed = np.where(is_open, q - g * drop, 0.0)
        source = inflow.copy()
        plan.arriving.add(np.concatenate([-fixed, fixed]), source)
        pressure = _pressures(plan, g, source, held)
        new = fixed + g * (pressure[plan.start] - pressure[plan.end])
        moved = np.max(np.abs(new - q), axis=0) / np.maximum(np.max(np.abs(new), axis=0), LEAST)
        q = 0.5 * (q + new) if step > SWINGING and step % 2 else new
        if float(np.max(moved)) <= TOLERANCE:
            break
    return Solved(np.where(is_open, q, 0.0), pressure, moved)


def _first(laws: _Laws, pumps: Mapping[int, tuple[Pump, Array, Array]], shape: tuple[int, ...]) -> Array:
    """Flows to set out from: those at which pipes, valves and racks drop some 10 kPa."""
    laminar = np.zeros((shape[0], 1))
    laminar[laws.pipes] = 0.03 * laws.friction[:, :1]
    square = laws.square[:, :1] + laminar
    power, exponent = np.zeros((shape[0], 1)), np.full((shape[0], 1), 2.0)
    power[laws.racks], exponent[laws.racks] = laws.power[:, :1], laws.exponent[:, :1]
    by_square = np.sqrt(FIRST_DROP / np.maximum(square, 1.0))
    by_power = np.where(power > 0.0, (FIRST_DROP / np.maximum(power, 1.0)) ** (1.0 / exponent), np.inf)
    q = np.array(np.broadcast_to(np.minimum(by_square, by_power), shape))
    q[laws.limited] = np.minimum(q[laws.limited], laws.limit)
    for edge, (pump, running, _) in pumps.items():
        q[edge] = pump.rated_flow * running
    return q
