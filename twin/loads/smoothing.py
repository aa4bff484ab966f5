"""Power smoothing of accelerators as a pass before the solve: floors and ramps have a memory, the solve has none."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.accelerator.accelerator import Accelerator
from twin_models.accelerator.smoothing import Smoothing, smooth
from twin_models.work.work import Work, working_share
from twin_sites.schema import Racks

from twin.errors import RunError
from twin.files import fault

Array = NDArray[np.float64]
AUDIT = 1e-9  # relative
MOST_VALUES = 60_000_000
JOULES_PER_KWH = 3.6e6


class Steadied(NamedTuple):
    """Activity after smoothing, shape (rows, n), and what it means for tokens and energy."""

    activity: Array
    useful: Array  # (n,) of the tokens of that activity, those that are worked for: not burnt by the floor
    asked: Array  # (n,) tokens that were asked for, over those of that activity
    note: str


def steadied(name: str, racks: Racks, activity: Array, counts: Array, step_s: float) -> Steadied | None:
    """Activity (rows, n) of a rack group with its accelerators' smoothing; ``counts`` racks follow each row. None without.

    Power of a package is taken at its reference temperature; all packages of a rack act alike. Work that a ramp holds back
    is not done later. What is switched off (below 0) stays off. Raises ``InputError`` for steps too long to show any of it
    and ``RunError`` where the audit finds energy, floor or ramps not kept.
    """
    chip = racks.accelerator
    if chip is None or chip.smoothing is None:
        return None
    profile = chip.smoothing
    where = f"racks.{name}.accelerator.smoothing"
    longest = max(profile.hold, 1.0 / profile.ramp_up, 1.0 / profile.ramp_down)
    if step_s > longest:
        raise fault(
            where,
            f"steps of {step_s:g} s",
            f"steps of up to {longest:g} s, its longest ramp or hold",
            "--step '2 s' --hours 1, or leave smoothing out: it hardly changes longer means",
        )
    if activity.size > MOST_VALUES:
        raise fault(where, f"{activity.size:,} rack-steps", f"{MOST_VALUES:,}", "a shorter run")
    off = activity < 0.0
    asked = _power(np.maximum(activity, 0.0), chip)
    found = smooth(asked, step_s, np.full(len(asked), chip.tdp), np.full(len(asked), chip.idle), profile)
    _audit(where, asked, found.power, found.burnt - found.held, profile, chip, step_s)
    span = chip.tdp - chip.idle
    out = np.clip((found.power - chip.idle) / span, 0.0, None) ** (1.0 / chip.activity_exponent)
    out = np.where(off, activity, out)
    packages = counts * racks.accelerators
    on = ~off
    burnt = float(packages @ (found.burnt * on).sum(axis=1)) / JOULES_PER_KWH
    held = float(packages @ (found.held * on).sum(axis=1)) / JOULES_PER_KWH
    total = float(packages @ (asked * on).sum(axis=1)) * step_s / JOULES_PER_KWH
    note = (
        f"{name}: power smoothing burns {burnt:,.4g} kWh in its floor and ramps and holds back {held:,.4g} kWh of work, "
        f"{100 * burnt / total:.2g} % and {100 * held / total:.2g} % of the {total:,.4g} kWh that its accelerators ask for"
    )
    share = counts / counts.sum()
    useful, free = _tokens(share, activity, out, racks.work)
    return Steadied(out, useful, free, note)


def _tokens(share: Array, asked: Array, done: Array, work: Work | None) -> tuple[Array, Array]:
    """Tokens worked for, and tokens asked for, over those of the smoothed activity."""
    if work is None:
        return np.ones(asked.shape[1]), np.ones(asked.shape[1])
    drawn = share @ working_share(done, work)
    scale = np.divide(1.0, drawn, out=np.zeros_like(drawn), where=drawn > 0.0)
    return share @ working_share(np.minimum(asked, done), work) * scale, share @ working_share(
        asked, work
    ) * scale


def _power(activity: Array, chip: Accelerator) -> Array:
    """W of a package at its reference temperature."""
    return np.asarray(chip.idle + (chip.tdp - chip.idle) * activity**chip.activity_exponent)


def _audit(
    where: str, asked: Array, power: Array, gap: Array, profile: Smoothing, chip: Accelerator, step_s: float
) -> None:
    """Energy adds up, and no rise or fall is faster than its ramp."""
    moved = float(np.abs((power - asked) * step_s - gap).max())
    steps = np.diff(power, axis=1) / (chip.tdp * step_s)
    fast = steps.size and (
        steps.max() > profile.ramp_up * (1 + AUDIT) or -steps.min() > profile.ramp_down * (1 + AUDIT)
    )
    if moved > AUDIT * chip.tdp * step_s or fast:
        raise RunError(f"{where}: the audit found {moved:.3g} J not accounted for, or a ramp not kept")
