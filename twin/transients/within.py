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

from twin.transients.chips import Course, Rows


class Path(NamedTuple):
    """How a group went through a step."""

    chips: Array  # °C at the ends of the spans, the start first
    outs: Array
    sums: Array  # W, `chips.Sums` as means over the step


def follow(
    rows: Rows, course: Course, entering: tuple[float, float], liquid: tuple[float, float], chip: Array
) -> Path:
    """Path of a group for temperatures at both ends of the step; ``chip`` is where it about ends."""
    spans = course.spans[:, None]
    whole = float(course.spans.sum())
    ends = np.cumsum(spans, axis=0) / whole
    middles = ends - 0.5 * spans / whole
    a, w = course.around, rows.weight
    chips = np.broadcast_to(rows.chip, (len(spans) + 1, rows.chip.size))
    power: Array | float = 0.0
    taken: Array | float = 0.0
    if rows.chips:
        chips, power, taken = _packages(rows, course, spans, ends, middles, entering, chip)
    more = power - course.power if rows.chips else 0.0
    in_liquid = a.heat_liquid + a.liquid_slope * more + rows.share * taken
    feed = a.power + a.power_slope * more
    air = feed - power + taken - in_liquid
    outs = np.broadcast_to(rows.out, chips.shape)
    carried: Array | float = 0.0
    if rows.node.loop is not None:
        outs = _coolant(rows, in_liquid, spans, ends, liquid)
        carried = in_liquid - rows.coolant_mass * np.diff(outs, axis=0) / spans
    share, shape = course.spans / whole, (len(spans), w.size)
    return Path(
        chips, outs, np.array([share @ (np.broadcast_to(x, shape) @ w) for x in (carried, air, feed)])
    )


def _packages(
    rows: Rows,
    course: Course,
    spans: Array,
    ends: Array,
    middles: Array,
    entering: tuple[float, float],
    chip: Array,
) -> tuple[Array, Array, Array]:
    """Temperatures of packages at the ends of the spans; mean power and mean heat given off in each."""
    start, rise = entering[0], entering[1] - entering[0]
    guess = rows.chip + (chip - rows.chip) * middles
    power, slope = rows.power_of(course.reference, guess)
    g = course.conductance
    pull, free = g - slope, power - slope * guess
    time = rows.chip_mass / pull
    ramp = g * (rise / float(spans.sum())) / pull * time
    at_end = (free + g * (start + rise * ends)) / pull - ramp
    decay = np.exp(-spans / time)
    push = at_end - (at_end - ramp * (spans / time)) * decay
    chips = np.empty((len(spans) + 1, rows.chip.size))
    chips[0] = rows.chip
    for i in range(len(spans)):
        chips[i + 1] = push[i] + decay[i] * chips[i]
    warmed = rows.chip_mass * np.diff(chips, axis=0) / spans
    mean = (free + g * (start + rise * middles) - warmed) / pull
    power = free + slope * mean
    return chips, power, power - warmed


def _coolant(rows: Rows, heat: Array, spans: Array, ends: Array, liquid: tuple[float, float]) -> Array:
    """Temperatures of the coolant in the racks at the ends of the spans."""
    start, rise = liquid[0], liquid[1] - liquid[0]
    time = rows.coolant_mass / rows.rate
    gone = -np.expm1(-spans / time)
    ramp = rise / float(spans.sum())
    begin = start + rise * ends - ramp * spans
    push = (begin + heat / rows.rate) * gone + ramp * (spans - time * gone)
    outs = np.empty((len(spans) + 1, rows.out.size))
    outs[0] = rows.out
    for i in range(len(spans)):
        outs[i + 1] = push[i] + (1.0 - gone[i]) * outs[i]
    return outs
