"""Potentials of a resistor network for one set of conductances: Cholesky's factors of its matrix in a narrow band.

The nodes are numbered along the network (Cuthill and McKee, 1969, reversed), which keeps neighbours near each other: ladders, rings
and grids become bands of a few diagonals. A matrix subtracts, as star and mesh do not, and loses digits where conductances differ
much: what the nodes still miss gives one correction, and where that is not small (parts that are cut off, valves
that are nearly shut) there is no answer here.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpbsv, dpbtrs
from scipy.sparse import coo_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from twin_models.network.elimination import Index
from twin_models.streams import Array

SMALL = 1e-5  # correction over the largest potential; what is left after it is about its square


class Band(NamedTuple):
    """Where conductances stand in the band."""

    start: Index  # of every edge
    end: Index
    free: Index  # nodes whose potential is sought, in their order
    width: int  # diagonals below the main one
    entries: Index  # places in the band, flattened: of the ends of edges that are free, then of edges between free nodes
    ends: Index  # edges of these ends
    between: Index  # edges between free nodes
    taps: Index  # edges from a free node to a held one
    tapped: Index  # places of these free nodes
    holding: Index  # the held ones


def band(nodes: int, edges: tuple[tuple[int, int], ...], held: frozenset[int]) -> Band:
    """How a network is written as a band."""
    start, end = np.array(edges, dtype=np.intp).T
    free = np.setdiff1d(np.arange(nodes), list(held))
    size = free.size
    place = np.full(nodes, -1, dtype=np.intp)
    place[free] = np.arange(size)
    between = np.flatnonzero((place[start] >= 0) & (place[end] >= 0))
    if between.size:
        joined = coo_array(
            (np.ones(between.size), (place[start[between]], place[end[between]])), (size, size)
        )
        free = free[reverse_cuthill_mckee(joined.tocsr(), symmetric_mode=False)]
        place[free] = np.arange(size)
    a, b = place[start], place[end]
    apart = np.abs(a - b)[between]
    taps = np.flatnonzero((a >= 0) != (b >= 0))
    return Band(
        start,
        end,
        free,
        int(apart.max(initial=0)),
        np.concatenate([a[a >= 0], b[b >= 0], apart * size + np.minimum(a, b)[between]]),
        np.concatenate([np.flatnonzero(a >= 0), np.flatnonzero(b >= 0)]),
        between,
        taps,
        np.maximum(a, b)[taps],
        np.where(a < 0, start, end)[taps],
    )


def potentials(plan: Band, conductance: Array, inflow: Array, held: Array) -> Array | None:
    """Potential of every node, (nodes,), or None where rounding leaves too few digits.

    Parameters
    ----------
    plan
        From `band`.
    conductance
        Of every edge, (edges,), above zero.
    inflow
        Into every node, (nodes,).
    held
        Potential of the held nodes at their places, (nodes,); what stands elsewhere does not matter.
    """
    size = plan.free.size
    out = held.copy()
    if not size:
        return out
    weights = np.concatenate([conductance[plan.ends], -conductance[plan.between]])
    matrix = np.bincount(plan.entries, weights, (plan.width + 1) * size).reshape(plan.width + 1, size)
    given = np.bincount(plan.tapped, conductance[plan.taps] * held[plan.holding], size) + inflow[plan.free]
    factor, out[plan.free], failed = dpbsv(matrix, given, lower=1)
    if failed:
        return None
    flow = conductance * (out[plan.start] - out[plan.end])
    missing = inflow - np.bincount(plan.start, flow, out.size) + np.bincount(plan.end, flow, out.size)
    correction, _ = dpbtrs(factor, missing[plan.free], lower=1)
    if not np.max(np.abs(correction)) <= SMALL * np.max(np.abs(out)):
        return None
    out[plan.free] += correction
    return out
