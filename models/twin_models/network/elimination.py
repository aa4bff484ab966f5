"""Potentials of a resistor network by star and mesh, for many sets of conductances at once.

A node is taken out by joining its neighbours pairwise: a star of conductances ``g_k`` becomes a mesh of ``g_i·g_j/Σg``, and what
flows into the node goes to its neighbours as ``g_k/Σg`` (Kennelly's transform, for any number of arms). Nothing is ever
subtracted, so that conductances may differ by any factor. Nodes that do not touch are taken out together; the order
is worked out once for a network.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.streams import Array

Index = NDArray[np.intp]
NEAR = 5  # neighbours of nodes that may be taken out together: with fewer a ladder falls from its ends, one rung at a time


class Sums(NamedTuple):
    """How values that go to the same place are added up."""

    order: Index  # of the values, by their place
    first: Index  # of each place among them
    place: Index  # each once

    def add(self, values: Array, to: Array) -> None:
        """Add (values, n) to their places in (places, n)."""
        if self.place.size:
            to[self.place] += np.add.reduceat(values[self.order], self.first, axis=0)


class Level(NamedTuple):
    """Nodes that are taken out together."""

    nodes: Index
    arms: Index  # conductances that meet in them, node after node
    first: Index  # of each node's arms
    owner: Index  # place of each arm's node in ``nodes``
    other: Index  # node at the other end of each arm
    one: Index  # arms that become a mesh, pairwise
    two: Index
    meshes: Sums  # to conductances
    free: Index  # arms to nodes that are not held
    gifts: Sums  # of inflow to these nodes


class Order(NamedTuple):
    """How a network is taken apart."""

    edges: Sums  # to conductances
    conductances: int
    levels: tuple[Level, ...]


def order(nodes: int, edges: tuple[tuple[int, int], ...], held: frozenset[int]) -> Order:
    """How to take a network apart down to its held nodes, those with the fewest neighbours first.

    Raises
    ------
    ValueError
        Where a part of the network has no held node.
    """
    slot: dict[tuple[int, int], int] = {}

    def conductance(a: int, b: int) -> int:
        return slot.setdefault((min(a, b), max(a, b)), len(slot))

    pair = np.array([conductance(a, b) for a, b in edges], dtype=np.intp)
    near: list[set[int]] = [set() for _ in range(nodes)]
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    left = set(range(nodes)) - held
    levels: list[Level] = []
    while left:
        taken: list[int] = []
        touched: set[int] = set()
        for node in sorted(left, key=lambda k: (len(near[k]), k)):
            if node not in touched and (not taken or len(near[node]) <= max(len(near[taken[0]]) + 1, NEAR)):
                taken.append(node)
                touched |= near[node]
        levels.append(_level(taken, near, conductance, held))
        left -= set(taken)
    return Order(summing(pair), len(slot), tuple(levels))


def _level(
    taken: list[int], near: list[set[int]], slot: Callable[[int, int], int], held: frozenset[int]
) -> Level:
    arms: list[int] = []
    first: list[int] = []
    owner: list[int] = []
    other: list[int] = []
    meshes: list[tuple[int, int, int]] = []
    for place, node in enumerate(taken):
        ends = sorted(near[node])
        if not ends:
            raise ValueError(f"node {node} is joined to no node whose pressure is held")
        first.append(len(arms))
        for i, a in enumerate(ends):
            meshes += [
                (first[-1] + i, first[-1] + j, slot(a, b))
                for j, b in enumerate(ends[:i])
                if not (a in held and b in held)
            ]
            arms.append(slot(node, a))
            owner.append(place)
            other.append(a)
        for a in ends:
            near[a] |= near[node] - {a}
            near[a].discard(node)
    arms_, other_ = np.array(arms, dtype=np.intp), np.array(other, dtype=np.intp)
    joined = np.array(meshes, dtype=np.intp).reshape(-1, 3)
    free = np.flatnonzero(~np.isin(other_, list(held)))
    return Level(
        np.array(taken, dtype=np.intp), arms_, np.array(first, dtype=np.intp), np.array(owner, dtype=np.intp), other_,
        joined[:, 0], joined[:, 1], summing(joined[:, 2]), free, summing(other_[free]),
    )  # fmt: skip


def summing(place: Index) -> Sums:
    """Sums of values whose places are given."""
    order = np.argsort(place, kind="stable")
    found, first = np.unique(place[order], return_index=True)
    return Sums(order, first, found)


def potentials(plan: Order, conductance: Array, inflow: Array, held: Array) -> Array:
    """Potential of every node, (nodes, n).

    Parameters
    ----------
    plan
        From `order`.
    conductance
        Of every edge, (edges, n), above zero.
    inflow
        Into every node, (nodes, n).
    held
        Potential of the held nodes at their places, (nodes, n); what stands elsewhere does not matter.
    """
    n = conductance.shape[1]
    g = np.zeros((plan.conductances, n))
    plan.edges.add(conductance, g)
    flow, parts = inflow.copy(), []
    for level in plan.levels:
        arm = g[level.arms]
        whole = np.add.reduceat(arm, level.first, axis=0)
        share = arm / whole[level.owner]
        level.meshes.add(arm[level.one] * share[level.two], g)
        own = flow[level.nodes]
        level.gifts.add((share * own[level.owner])[level.free], flow)
        parts.append((own / whole, share))
    out = held.copy()
    for level, (rise, share) in zip(reversed(plan.levels), reversed(parts), strict=True):
        out[level.nodes] = rise + np.add.reduceat(share * out[level.other], level.first, axis=0)
    return out
