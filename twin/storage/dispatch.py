"""When to fill and when to use a store, from what each step charges for it or pays for it: pure passes on arrays.

``trade`` is exact dynamic programming on the marginal value of what is stored: with linear costs and limits that value never
rises with the charge, so that one curve a step, clipped by the step's prices and moved by its limits, is all there is to
know. ``shave`` finds the lowest level that a store can hold a series under, by bisection.
"""

import numpy as np
from numpy.typing import NDArray
from twin_models.streams import Array

CELLS = 120  # of the charge, in which its marginal value is one number
BISECTIONS = 40
TINY = 1e-9
WORTH_IT = 1e-3  # of a peak: a store that cannot take so much from it is left alone


def trade(
    cost: Array, worth: Array, room: Array, use: Array, kept: Array, full: float, first: float = 0.0
) -> Array:
    """Changes of a store that earn most: positive fills it. All arrays (n,), the result too.

    Parameters
    ----------
    cost, worth
        What filling one unit costs and using one unit saves in a step; the lesser of both is what using is worth.
    room, use
        Most that can be filled and used in a step.
    kept
        Share of the charge that is left after a step, 0..1.
    full
        Capacity; the store begins at ``first`` and what is left at the end is worth nothing.
    """
    n = np.size(cost)
    worth = np.minimum(worth, cost)
    low, high = _thresholds(cost, worth, room, use, kept, full)
    out = np.zeros(n)
    held = first
    for t in range(n):
        if held < low[t]:
            out[t] = min(room[t], low[t] - held)
        elif held > high[t]:
            out[t] = -min(use[t], held - high[t])
        held = (held + out[t]) * kept[t]
    return out


def _thresholds(
    cost: Array, worth: Array, room: Array, use: Array, kept: Array, full: float
) -> tuple[Array, Array]:
    """Charge up to which a step fills, and down to which it uses, (n,) each."""
    n = cost.size
    step = full / CELLS
    centre = (np.arange(CELLS) + 0.5) * step
    value = np.zeros(CELLS)  # of one more unit in each cell, at the end of the run
    low, high = np.zeros(n), np.full(n, full)
    for t in range(n - 1, -1, -1):
        buy, sell = cost[t], worth[t]
        if room[t] > 0.0:
            low[t] = step * np.count_nonzero(value > buy)
            above = np.interp(centre + room[t], centre, value, right=-np.inf)
        else:
            above = value
        if use[t] > 0.0:
            high[t] = step * np.count_nonzero(value >= sell)
            below = np.interp(centre - use[t], centre, value, left=np.inf)
        else:
            below = value
        least = np.minimum(sell, below) if use[t] > 0.0 else value
        most = np.maximum(buy, above) if room[t] > 0.0 else value
        value = kept[t] * np.clip(value, least, np.maximum(most, least))
    return low, high


def shave(
    level: Array, per_fill: Array, per_use: Array, room: Array, use: Array, kept: Array, full: float,
    periods: NDArray[np.int64], first: float = 0.0,
) -> Array:  # fmt: skip
    """Changes of a store that keep the peak of ``level`` lowest in each period: positive fills it. Shapes (n,).

    A unit filled raises the level of its step by ``per_fill``, one used lowers it by ``per_use``. Within a period the store
    is filled as early as it can be below the level held, which is what a level needs to be held.
    """
    out = np.zeros(level.size)
    held = first
    for period in np.unique(periods):
        where = np.flatnonzero(periods == period)
        rows = [
            [float(x) for x in series[where]]
            for series in (level, per_fill, per_use, np.maximum(room, 0.0), np.maximum(use, 0.0), kept)
        ]
        top = max(rows[0])
        least = max(p - c * d for p, c, d in zip(rows[0], rows[2], rows[4], strict=True))
        low, high = min(least, top), top
        if _held_under(top - WORTH_IT * abs(top), rows, full, held) is None:
            out[where], held = np.zeros(where.size), _idle(held, rows[5])
            continue
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            if _held_under(middle, rows, full, held) is None:
                low = middle
            else:
                high = middle
        found = _held_under(high, rows, full, held)
        assert found is not None  # nothing has to be used to stay under the peak itself
        out[where], held = found
    return out


def _idle(held: float, kept: list[float]) -> float:
    """Charge at the end of a period without a change."""
    for share in kept:
        held *= share
    return held


def _held_under(
    level: float, rows: list[list[float]], full: float, held: float
) -> tuple[list[float], float] | None:
    """Changes that keep a series at or under a level, and the charge at the end; None where the store cannot."""
    changes = []
    for power, per_fill, per_use, room, use, kept in zip(*rows, strict=True):
        over = power - level
        if over > 0.0:
            need = over / per_use if per_use > TINY else np.inf
            if need > use * (1.0 + TINY) + TINY or need > held + TINY:
                return None
            change = -min(need, held)
        else:
            spare = -over / per_fill if per_fill > TINY else np.inf
            change = max(min(room, spare, full - held), 0.0)
        changes.append(change)
        held = (held + change) * kept
    return changes, held
