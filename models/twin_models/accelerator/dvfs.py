"""Clock, power and speed of an accelerator: what a power cap or a locked clock costs in throughput.

Dynamic power goes with clock times voltage squared. Below a knee the voltage stands at its floor, above it rises
linearly to 1 at the highest clock:

    g(f) = f v(f)^2,   v(f) = floor for f <= knee, else floor + (1 - floor) (f - knee) / (1 - knee)

Work waits for the clock only in part: a share ``c`` of its time is computing, the rest memory, network and host,

    speed(f) = 1 / (c / f + 1 - c)

so that a cap costs power first and speed late. Form: CMOS dynamic power and Amdahl's law. Floor and knee as fitted to
sweeps of the power limit of a V100 (Zeus, NSDI 2023, ResNet-50); see ``card.md``.
"""

import numpy as np

from twin_models.streams import Array, Real

NEWTON_STEPS = 8


def dynamic_share(clock: Real, floor: float, knee: float) -> Array:
    """Dynamic power over that at the highest clock, ``g(f)``, for a clock of 0..1 of the highest."""
    f = np.asarray(clock, dtype=float)
    v = floor + (1.0 - floor) * np.maximum(f - knee, 0.0) / (1.0 - knee)
    return np.asarray(f * v * v)


def clock_for(share: Real, floor: float, knee: float) -> Array:
    """Clock at which dynamic power is ``share`` (0..1) of that at the highest clock: the inverse of ``g``.

    Closed below the knee, Newton on the cubic above it; the start at 1 descends monotonely, since ``g`` is convex.
    """
    d = np.minimum(np.maximum(np.asarray(share, dtype=float), 0.0), 1.0)
    slope = (1.0 - floor) / (1.0 - knee)
    f = np.ones_like(d)
    for _ in range(NEWTON_STEPS):
        v = floor + slope * (f - knee)
        f = f - (f * v * v - d) / (v * (v + 2.0 * slope * f))
        f = np.maximum(f, knee)
    return np.asarray(np.where(d <= knee * floor * floor, d / (floor * floor), f))


def speed(clock: Real, compute_share: Real) -> Array:
    """Throughput over that at the highest clock; 0 where the clock is 0 and anything is computed at all."""
    f, c = np.asarray(clock, dtype=float), np.asarray(compute_share, dtype=float)
    return np.asarray(f / np.where(f > 0.0, c + (1.0 - c) * f, 1.0))
