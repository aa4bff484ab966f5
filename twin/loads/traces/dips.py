"""Dips of synchronous training: how often power falls for a moment at each step, how deep, and the longer falls between.

A dip is a time below 0.95 of the plateau, the 90th percentile of power: short ones end within 6 s, long ones (evaluation,
checkpoint) last 10 s or more. The period is that of the strongest line of the spectrum up to a minute.
"""

from dataclasses import dataclass

import numpy as np

from twin.loads.traces.raw import Array

BELOW = 0.95
SHORT_S, LONG_S = 6.0, 10.0
LONGEST_PERIOD_S = 60.0
FEWEST = 10  # dips, and periods in the record, below which nothing is said


@dataclass(frozen=True)
class Dips:
    """Depths are shares of the plateau, means over the dips; the long ones are ``None`` where there are fewer than two."""

    plateau_w: float
    period_s: float
    depth: float
    count: int
    long_period_s: float | None
    long_depth: float | None
    long_count: int
    share_below: float


def dips_of(power: Array, step_s: float) -> Dips | None:
    """Dips of power on even steps, shape (n,), in W; ``None`` where it is too short or coarse, or has hardly any."""
    if step_s > SHORT_S / 2 or power.size * step_s < FEWEST * LONGEST_PERIOD_S:
        return None
    plateau = float(np.percentile(power, 90))
    low = np.concatenate(([False], power < BELOW * plateau, [False]))
    begins, ends = (
        np.flatnonzero(np.diff(low.astype(np.int8)) == 1),
        np.flatnonzero(np.diff(low.astype(np.int8)) == -1),
    )
    if begins.size < FEWEST or plateau <= 0.0:
        return None
    depths = (
        1.0
        - np.minimum.reduceat(np.append(power, plateau), np.column_stack((begins, ends)).ravel())[::2]
        / plateau
    )
    lengths = (ends - begins) * step_s
    short, long = lengths <= SHORT_S, lengths >= LONG_S
    if short.sum() < FEWEST:
        return None
    gaps = np.diff(begins[long]) * step_s
    return Dips(
        plateau_w=plateau,
        period_s=_period(power, step_s),
        depth=float(depths[short].mean()),
        count=int(short.sum()),
        long_period_s=float(gaps.mean()) if gaps.size else None,
        long_depth=float(depths[long].mean()) if gaps.size else None,
        long_count=int(long.sum()),
        share_below=float(low.mean()),
    )


def _period(power: Array, step_s: float) -> float:
    """s of the strongest line between two steps and a minute, found on eight times the record's resolution."""
    window = np.hanning(power.size)
    strength = np.abs(np.fft.rfft((power - power.mean()) * window, 8 * power.size))
    frequency = np.fft.rfftfreq(8 * power.size, step_s)
    inside = (frequency > 1.0 / LONGEST_PERIOD_S) & (frequency < 0.95 * 0.5 / step_s)
    return float(1.0 / frequency[np.argmax(np.where(inside, strength, 0.0))])
