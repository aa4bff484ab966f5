"""Racks within one step: packages and coolant go through every change of load in it, as exponentials.

Over a step the plant gives what enters as a straight line and flows as constants. A package is then linear but for its
leakage, which is a tangent about where the step's own solution has the package; each span of constant load is one exponential

    C dT/dt = q + G T_in(t) − g (T − …)          T(t) = T_p(t) + (T_0 − T_p(0)) e^(−g t / C)

and the heat that leaves follows from the balance of the span, so that none is lost. What the racks so hand over, less what the
step took for it, is given to the plant at the step's end. A load that changes each second so costs the plant no step a second.
"""

from typing import NamedTuple

import numpy as np
from twin_models.streams import Array

from twin.transients.chips import Rows
from twin.transients.course import Course
from twin.transients.fused import Fused

FEW = 4  # rows


class Path(NamedTuple):
    """How a group went through a step; one that stores no heat has one row of temperatures, which mean nothing."""

    chips: Array  # °C at the ends of the spans, the start first
    outs: Array
    sums: Array  # W, `chips.Sums` as means over the step


def follow(
    rows: Rows, course: Course, entering: tuple[float, float], liquid: tuple[float, float], chip: Array
) -> Path:
    """Path of a group for temperatures at both ends of the step; ``chip`` is where it about ends."""
    if rows.fused is not None and rows.node.loop is not None:
        return _fused(rows, rows.fused, course, entering, liquid, chip)
    spans = course.spans
    whole = float(spans.sum())
    a, w, share = course.around, rows.weight, spans / whole
    feed = _mean(a.power, w, share)
    if not rows.stores:
        return Path(rows.chip[None], rows.out[None], np.array([0.0, feed, feed]))
    ends = (np.cumsum(spans) / whole)[:, None]
    # spans are mostly alike: what follows from their length alone is then worked out once
    dt = spans[:, None] if (spans != spans[0]).any() else spans[:1, None]
    in_liquid, stored, carried = a.heat_liquid, 0.0, 0.0
    chips, outs = (np.repeat(x[None], len(spans) + 1, axis=0) for x in (rows.chip, rows.out))
    if rows.chips:
        chips, more, taken = _packages(rows, course, dt, ends, whole, entering, chip)
        more -= course.power
        feed += _mean(a.power_slope * more, w, share)
        stored = float((rows.chip_mass * (chips[-1] - chips[0])) @ w) / whole
        in_liquid = in_liquid + rows.share * taken
        if rows.converts:
            in_liquid += a.liquid_slope * more
    given = _mean(in_liquid, w, share)
    if rows.node.loop is not None:
        outs = _coolant(rows, in_liquid, dt, ends, whole, liquid)
        carried = given - float((rows.coolant_mass * (outs[-1] - outs[0])) @ w) / whole
    return Path(chips, outs, np.array([carried, feed - stored - given, feed]))


def _fused(
    rows: Rows,
    fused: Fused,
    course: Course,
    entering: tuple[float, float],
    liquid: tuple[float, float],
    chip: Array,
) -> Path:
    """`follow` compiled."""
    a, w, whole = course.around, rows.weight, float(course.spans.sum())
    shape = len(course.spans) + 1, w.size
    chips, outs, means = np.empty(shape), np.empty(shape), np.empty((2, w.size))
    chips[0], outs[0] = rows.chip, rows.out
    warm = a.liquid_slope if rows.converts else a.liquid_slope[:1]  # nothing, which is not read
    held = (course.reference, course.conductance, course.power, a.heat_liquid, a.power_slope, warm)
    fused.kernels.path(
        course.spans, *map(np.ascontiguousarray, held), rows.converts, fused.constants.leak, rows.share, entering, liquid, chip,
        rows.chip_mass, rows.coolant_mass, rows.rate, chips, outs, means,
    )  # fmt: skip
    stored = (rows.chip_mass * (chips[-1] - chips[0])) @ w / whole
    kept = (rows.coolant_mass * (outs[-1] - outs[0])) @ w / whole
    feed = _mean(a.power, w, course.spans / whole) + float(means[0] @ w)
    given = float(means[1] @ w)
    return Path(chips, outs, np.array([given - kept, feed - stored - given, feed]))


def _mean(values: Array, weight: Array, share: Array) -> float:
    """Sum over rows, and its mean over the spans; values that hold for all of them have one row."""
    found = values @ weight
    return float(share @ found) if found.size > 1 else float(found[0])


def _packages(
    rows: Rows,
    course: Course,
    dt: Array,
    ends: Array,
    whole: float,
    entering: tuple[float, float],
    chip: Array,
) -> tuple[Array, Array, Array]:
    """Temperatures of packages at the ends of the spans; mean power and mean heat given off in each."""
    start, climb = entering[0], (entering[1] - entering[0]) / whole
    mass, g = rows.chip_mass, course.conductance
    guess = (chip - rows.chip) * (ends - dt * (0.5 / whole))
    guess += rows.chip
    free, slope = rows.power_of(course.reference, guess)
    guess *= slope
    free -= guess
    pull = g - slope
    inverse = 1.0 / pull
    pull *= dt / -mass
    decay = np.exp(pull, out=pull)
    drive = g * (start + (climb * whole) * ends)
    drive += free
    target = drive - (climb * mass * g) * inverse
    target *= inverse
    push = target - (climb * dt * g) * inverse
    push *= decay
    np.subtract(target, push, out=push)
    chips = _carried_on(rows.chip, push, decay)
    warmed = chips[1:] - chips[:-1]
    warmed *= mass / dt
    drive -= (0.5 * climb) * dt * g
    drive -= warmed
    drive *= inverse  # their mean temperature
    slope *= drive
    free += slope
    return chips, free, free - warmed


def _coolant(
    rows: Rows, heat: Array, dt: Array, ends: Array, whole: float, liquid: tuple[float, float]
) -> Array:
    """Temperatures of the coolant in the racks at the ends of the spans."""
    start, climb = liquid[0], (liquid[1] - liquid[0]) / whole
    time = rows.coolant_mass / rows.rate
    gone = -np.expm1(-dt / time)
    push = heat / rows.rate + (start + climb * (whole * ends - dt))
    push *= gone
    push += climb * (dt - time * gone)
    return _carried_on(rows.out, push, 1.0 - gone)


def _carried_on(first: Array, push: Array, kept: Array) -> Array:
    """``x[i + 1] = push[i] + kept[i] x[i]`` from the first on; ``kept`` has one row where no span differs."""
    path = np.empty((len(push) + 1, first.size))
    path[0] = first
    each = 1 if len(kept) > 1 else 0
    if first.size <= FEW:  # numbers one by one are quicker than arrays of so few
        for row in range(first.size):
            x, parts = float(first[row]), kept[:, row].tolist()
            for i, by in enumerate(push[:, row].tolist()):
                x = parts[each * i] * x + by
                path[i + 1, row] = x
        return path
    for i, one in enumerate(push):
        np.multiply(kept[each * i], path[i], out=path[i + 1])
        path[i + 1] += one
    return path
