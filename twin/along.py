"""A few racks that stand in for many alike ones along headers.

Racks of one group with one load differ in their flow alone, and a rack's power and temperatures are nearly straight in
it. Ordered by their flow at rating, their flows at any other state follow a cubic in that order; so four flows,
weighted so that every cubic is summed exactly, stand for all, and values of single racks are spread back by it. Racks
with a valve or filter of their own stay as they are. Where the cubic does not hold, as behind limiters, every rack is worked.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from twin_models.streams import Array

from twin.headers import Branching, branch_flows
from twin.stand_in import FEW, POINTS

CLOSE = 2e-3  # how far a rack's flow may be from the cubic, over the mean flow or a tenth of the rated one
ODD = 0.02  # of the median flow from one rack to the next in order: such a gap sets racks apart
TO_VALUES = np.vander(POINTS, increasing=True)


class Along(NamedTuple):
    """The rows that a group is worked as: single racks, then those that stand in for the others."""

    branch: Array  # m³/s of each row, (rows, T·Q), as the table of the headers
    open: Array  # 1 where a row's valve is open, else 0, (rows,)
    weight: Array  # racks that each row counts for, (rows,)
    spread: Array  # of each row's values over the racks, (racks, rows)
    few: slice  # rows that stand in


def along(split: Branching, name: str) -> Along | None:
    """Few rows for a group's racks with one load; None where they would be no fewer, or not good enough."""
    own, is_open = split.branch[split.rows[name]], split.open[name]
    rated = np.ravel_multi_index(
        (int(np.argmin(np.abs(split.t - split.nominal))), int(np.argmin(np.abs(split.q - split.flow)))),
        (split.t.size, split.q.size),
    )
    flow = own[:, rated]
    single = (is_open == 0.0) | _apart(flow)
    many = np.flatnonzero(~single)
    alone = np.flatnonzero(single)
    if many.size <= FEW or alone.size + POINTS.size >= is_open.size:
        return None
    low, high = flow[many].min(), flow[many].max()
    x = (flow[many] - 0.5 * (low + high)) / max(0.5 * (high - low), 1e-12 * high)
    powers = np.vander(x, POINTS.size, increasing=True)
    fitted = np.linalg.pinv(powers) @ own[many]
    mean = np.maximum(own[many].mean(axis=0), 0.1 * flow[many].mean())
    if float(np.max(np.abs(powers @ fitted - own[many]) / mean)) > CLOSE:
        return None
    basis = powers @ np.linalg.inv(TO_VALUES)  # of every rack on the few
    spread = np.zeros((is_open.size, alone.size + POINTS.size))
    spread[alone, np.arange(alone.size)] = 1.0
    spread[many, alone.size :] = basis
    rows = np.concatenate([own[alone], TO_VALUES @ fitted])
    return Along(
        rows, np.concatenate([is_open[alone], np.ones(POINTS.size)]), spread.sum(axis=0), spread,
        slice(alone.size, alone.size + POINTS.size),
    )  # fmt: skip


def open_rows(split: Branching, name: str, alike: Mapping[str, Along]) -> Array:
    """1 where the valve of a group's row is open, else 0, (rows,)."""
    return alike[name].open if name in alike else split.open[name]


def row_flows(split: Branching, total: Array, t: Array, name: str, alike: Mapping[str, Along]) -> Array:
    """Flow of a group's rows in m³/s, (rows, n), at a loop's flow in m³/s and supply temperature in °C."""
    return branch_flows(split, total, t, name, alike[name].branch if name in alike else None)


def _apart(flow: Array) -> Array:
    """Racks whose flow lies beyond a gap from that of the most."""
    order = np.argsort(flow)
    gaps = np.flatnonzero(np.diff(flow[order]) > ODD * np.median(flow))
    edges = np.concatenate([[0], gaps + 1, [flow.size]])
    most = int(np.argmax(np.diff(edges)))
    out = np.ones(flow.size, dtype=bool)
    out[order[edges[most] : edges[most + 1]]] = False
    return out
