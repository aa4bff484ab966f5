"""Power smoothing of accelerators: a floor that burns and ramps that hold back, so that the grid sees less of a job's swings.

Newer packages can be set so that power neither falls below a floor while a job runs nor changes faster than a ramp; some
seconds after the job ends the floor is let go. Range of the floor, 20 to 90 % of TDP, as published for GB200 and GB300.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from twin_models.fields import Parameters, Quantity
from twin_models.streams import Array, Real


@dataclass(frozen=True, kw_only=True)
class Smoothing(Parameters):
    """A profile, in shares of TDP."""

    floor: Annotated[
        float,
        Quantity(
            "1", "Least power while a job runs, share of TDP", 0.0, 0.9, "vendor", shown="%", shown_ip="%"
        ),
    ] = 0.6
    ramp_up: Annotated[
        float,
        Quantity(
            "1",
            "Fastest rise within a second, share of TDP",
            1e-3,
            100.0,
            "estimate",
            shown="%",
            shown_ip="%",
        ),
    ] = 0.25
    ramp_down: Annotated[
        float,
        Quantity(
            "1",
            "Fastest fall within a second, share of TDP",
            1e-3,
            100.0,
            "estimate",
            shown="%",
            shown_ip="%",
        ),
    ] = 0.25
    hold: Annotated[float, Quantity("s", "Floor kept after the last work", 0.0, 600.0, "estimate")] = 5.0


class Smoothed(NamedTuple):
    """Power after smoothing, W, and what it took, J in each step; power − asked = (burnt − held) / step."""

    power: Array
    burnt: Array
    held: Array  # work held back while power rises


def smooth(asked: Array, step_s: float, tdp: Real, idle: Real, params: Smoothing) -> Smoothed:
    """Power of packages that ask for ``asked`` W, shape (…, n) on steps of ``step_s``; ``tdp`` and ``idle`` broadcast to (…,).

    A job runs where more than idle power (and a hundredth of TDP) is asked. Raises ValueError for a step that is not above 0.
    """
    if not step_s > 0.0:
        raise ValueError(f"step of {step_s:g} s must be above 0")
    out = np.empty_like(asked, dtype=float)
    top = np.asarray(tdp, dtype=float)
    working = np.asarray(idle, dtype=float) + 0.01 * top
    now = np.array(asked[..., 0], dtype=float)
    since = np.where(now > working, 0.0, np.inf)
    for k in range(asked.shape[-1]):
        wanted = asked[..., k]
        since = np.where(wanted > working, 0.0, since + step_s)
        least = np.where(since <= params.hold, params.floor * top, 0.0)
        target = np.maximum(wanted, least)
        now = (
            np.clip(target, now - params.ramp_down * top * step_s, now + params.ramp_up * top * step_s)
            if k
            else target
        )
        out[..., k] = now
    gap = (out - asked) * step_s
    return Smoothed(out, np.maximum(gap, 0.0), np.maximum(-gap, 0.0))
