"""From sweep to sweep: how far each loop floats above its set point in the next one, for where it did in the last ones."""

import numpy as np
from twin_models.streams import Array

from twin.compile import Plan
from twin.loops import HELD_SWEEPS, HOTTEST, STILL, STILL_K
from twin.state import State

MIXED_SWEEPS = 30  # then plain sweeps with half steps: slow, but they do not swing
CREPT = 150  # sweeps after which what still moves creeps along a straight line: nine in fifteen mix it where all is near
CREEP, LEAP = 6, 9
NEAR_K = 0.01
HALF = 0.5
SETTLED = 0.5
LOST_K, WIDER_K = 1e-4, 10.0  # a bracket this narrow that holds no balance is widened
RIDGE = 1e-10  # keeps the mixing finite where two sweeps moved alike


def move(plan: Plan, state: State) -> None:
    """What loops float above their set points in the next sweep, for what they did in this one."""
    asked = {
        volume.name: state.supply[volume.name] - state.wanted[volume.name]
        for volume in plan.volumes
        if not volume.outer
    }
    gap = {name: excess - state.excess[name] for name, excess in asked.items()}
    gap = {name: change for name, change in gap.items() if np.max(np.abs(change)) > STILL_K}
    late = state.sweeps > MIXED_SWEEPS
    leap = state.sweeps > CREPT and state.sweeps % (CREEP + LEAP) >= CREEP
    near = np.asarray(False)
    if leap or not late:
        mixed = asked | _mixed(state, gap, {name: asked[name] for name in gap})
    else:
        mixed, state.trail = dict(asked), []
    if late:
        near = leap & np.all([np.abs(change) < NEAR_K for change in gap.values()], axis=0)
        for name, change in gap.items():
            mixed[name] = np.where(near, mixed[name], asked[name] - HALF * change)
    for volume in plan.volumes:
        if state.sweeps > HELD_SWEEPS and volume.chilled and volume.name in gap:
            mixed[volume.name] = np.where(near, mixed[volume.name], _bracketed(state, volume.name, gap))
    for name, excess in mixed.items():
        state.excess[name] = np.clip(excess, 0.0, HOTTEST)


def _bracketed(state: State, name: str, gaps: dict[str, Array]) -> Array:
    """Next excess of a held loop: its bracket halved, or where the line between its ends says, in turn.

    It waits where other loops are still further from their balance than it is from its own.
    """
    gap, given = gaps[name], state.excess[name]
    others = [np.abs(change) for other, change in gaps.items() if other != name]
    settled = np.max([np.zeros(given.size), *others], axis=0) < SETTLED * np.abs(gap)
    n = given.size
    low, rise, high, fall = state.bracket.get(
        name, (np.zeros(n), np.ones(n), np.full(n, HOTTEST), np.full(n, -1.0))
    )
    up, down = settled & (gap > 0.0), settled & (gap < 0.0)
    low, rise = np.where(up, given, low), np.where(up, gap, rise)
    high, fall = np.where(down, given, high), np.where(down, gap, fall)
    lost = (
        settled & (high - low < LOST_K) & (np.abs(gap) > LOST_K)
    )  # others have moved meanwhile: it looks again
    low, high = np.where(lost, np.maximum(low - WIDER_K, 0.0), low), np.where(lost, high + WIDER_K, high)
    state.bracket[name] = (low, rise, high, fall)
    line = low + (high - low) * rise / (rise - fall)
    found = line if state.sweeps % 2 else 0.5 * (low + high)
    return np.where(settled, found, given)


def _mixed(state: State, gap: dict[str, Array], asked: dict[str, Array]) -> dict[str, Array]:
    """Next values by mixing the last sweeps (Anderson, J. ACM 12, 1965), for every step by itself.

    Warmer water opens valves, more flow warms the water: where everything is open, plain sweeps creep or swing. ``gap`` is
    asked less given, in kelvin, of each unknown that moves; the trail keeps both of the two sweeps before.
    """
    before = state.trail if state.sweeps != HELD_SWEEPS else []  # from there on it is another map
    state.trail = [*before, (gap, asked)][-2:]
    turns = [
        (
            {name: gap[name] - old.get(name, 0.0) for name in gap},
            {name: asked[name] - was.get(name, asked[name]) for name in gap},
        )
        for old, was in before
    ]
    if not turns:
        return asked
    r1, f1 = turns[-1]
    a, p = _dot(r1, r1), _dot(r1, gap)
    if len(turns) == 1:
        part = p / (a * (1.0 + RIDGE) + STILL**2)
        return {name: asked[name] - f1[name] * part for name in gap}
    r2, f2 = turns[0]
    b, c, q = _dot(r1, r2), _dot(r2, r2), _dot(r2, gap)
    ridge = RIDGE * (a + c) + STILL**2
    a, c = a + ridge, c + ridge
    whole = a * c - b * b
    first, second = (p * c - q * b) / whole, (q * a - p * b) / whole
    return {name: asked[name] - f1[name] * first - f2[name] * second for name in gap}


def _dot(one: dict[str, Array], other: dict[str, Array]) -> Array:
    return np.asarray(sum(one[name] * other[name] for name in one))
