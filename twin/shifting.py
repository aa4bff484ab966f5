"""Work moved to cheap, clean or cool hours before a run, under a deadline, and what that did.

A run has no memory between steps, so shifting is a pass before it: deferrable work waits, at most until its deadline, for
a better step with room under the ceiling. It is greedy: the best steps are filled first, from the worst before them. Room
is what the original schedule leaves; what a move frees is not filled again, so that every piece of work can always run
where it stood. Nothing runs before it was asked for.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from twin_models.work.work import unstalled
from twin_sites.loader import change_site, load_site
from twin_sites.schema import Site
from twin_sites.stores import HOURS

from twin.annual import simulate
from twin.errors import RunError
from twin.files import fault
from twin.loads.load import Load, frozen
from twin.metrics import Summary, summarize

Array = NDArray[np.float64]
TARGETS = ("cheap", "clean", "cool")
HOUR_S = 3600.0
LONGEST_DEADLINE_H = 14 * 24.0
CONSERVED = 1e-9  # relative
NEGLIGIBLE = 1e-12


class Shifted(NamedTuple):
    """Activity after the moves, and what was moved."""

    activity: Array
    moved: float  # activity-steps
    delay: float  # activity-steps × steps
    longest: int  # steps


@dataclass(frozen=True)
class Shift:
    """The ``--json`` contract of ``twin shift``: what was moved, and the run without and with it."""

    to: str
    share: float
    deadline_h: float
    moved_share: float  # of all work
    mean_delay_h: float | None
    longest_delay_h: float
    work_before: float  # activity × racks × hours
    work_after: float
    before: Summary
    after: Summary

    def json(self) -> dict[str, Any]:
        """The numbers as plain values."""
        return asdict(self)


def shift_work(
    activity: Array, signal: Array, *, share: float, deadline: int, ceiling: float, idle: float = 0.0
) -> Shifted:
    """Move up to ``share`` of the work above ``idle`` of every step, by up to ``deadline`` steps, to where ``signal`` is lower.

    Shapes (n,). Work is conserved; no step rises above ``ceiling`` or its own activity, whichever is more.
    """
    out = np.array(activity, dtype=float)
    left = share * np.maximum(out - idle, 0.0)
    room = np.maximum(ceiling - out, 0.0)
    moved = delayed = 0.0
    longest = 0
    for to in np.argsort(signal, kind="stable"):
        first = max(0, int(to) - deadline)
        if room[to] <= NEGLIGIBLE or first == to:
            continue
        window = left[first:to]
        gain = np.where(window > 0.0, signal[first:to] - signal[to], 0.0)
        order = np.argsort(-gain, kind="stable")
        order = order[: int(np.count_nonzero(gain > 0.0))]
        if not order.size:
            continue
        given = window[order]
        taken = np.minimum(given, np.maximum(room[to] - (np.cumsum(given) - given), 0.0))
        at = first + order
        left[at] -= taken
        out[at] -= taken
        total = float(taken.sum())
        out[to] += total
        room[to] -= total
        waited = int(to) - at
        moved += total
        delayed += float((taken * waited).sum())
        longest = max(longest, int(waited[taken > 0.0].max(initial=0)))
    return Shifted(out, moved, delayed, longest)


def shift(
    site: Site | str | Path | Mapping[str, Any],
    *,
    to: str = "cheap",
    share: float = 0.3,
    deadline_h: float = 24.0,
    ceiling: float | None = None,
    changes: Mapping[str, Any] | None = None,
    **run: Any,
) -> Shift:
    """Run a site without and with part of its work moved.

    Parameters
    ----------
    to
        ``cheap`` (price), ``clean`` (carbon intensity), ``cool`` (dry bulb), or hours of the day such as ``02-06``.
    share
        Deferrable share of the work of racks with accelerators, 0..1.
    deadline_h
        Longest wait, h.
    ceiling
        Highest activity that a rack group may be raised to; its own highest by default, so that no new peak arises.
    changes, run
        What-if, and what ``simulate`` takes: weather, load, step_s, hours, start, carbon, price.

    Raises
    ------
    InputError
        For bad input, and where the signal never changes.
    RunError
        When a run fails, or the audit after the moves finds work lost or a deadline missed.
    """
    if not 0.0 < share <= 1.0:
        raise fault("share", f"{share:g}", "above 0 up to 1", "--share '30 %'")
    if not 0.0 < deadline_h <= LONGEST_DEADLINE_H:
        raise fault(
            "deadline", f"{deadline_h:g} h", f"above 0 up to {LONGEST_DEADLINE_H:g} h", "--deadline '24 h'"
        )
    if ceiling is not None and not 0.0 < ceiling <= 1.0:
        raise fault("ceiling", f"{ceiling:g}", "above 0 up to 1", "")
    if to not in TARGETS and not HOURS.fullmatch(to):
        raise fault("to", f"'{to[:60]}'", ", ".join(TARGETS) + " or hours such as 02-06", "choose one")
    chosen = change_site(site if isinstance(site, Site) else load_site(site), changes or {})
    asked = simulate(chosen, **run)
    level = {"load.scale": "100 %"} | {f"racks.{name}.load_scale": "100 %" for name in chosen.racks}
    plain = change_site(chosen, level)
    drive = {key: value for key, value in run.items() if key != "load"}
    rows = {
        str(name): row for name, row in zip(asked["rack"].values, asked["rack_activity"].values, strict=True)
    }
    for name, racks in chosen.racks.items():  # the runs below stall them again
        if racks.work is not None and racks.work.stretch > 1.0:
            rows[name] = unstalled(rows[name], racks.work)
    before = simulate(plain, load=_load(rows, asked, "as asked"), **drive)
    step_s = float(asked.attrs["step_s"])
    signal = _signal(to, asked)
    deadline = int(deadline_h * HOUR_S / step_s + 1e-9)
    if deadline < 1:
        raise fault("deadline", f"{deadline_h:g} h", f"at least one step of {step_s:g} s", "a shorter --step")
    moved, counts = {}, {}
    for name, racks in chosen.racks.items():
        if racks.accelerators:
            top = float(rows[name].max()) if ceiling is None else ceiling
            idle = racks.work.idle_activity if racks.work is not None else 0.0
            moved[name] = shift_work(
                rows[name], signal, share=share, deadline=deadline, ceiling=top, idle=idle
            )
            counts[name] = racks.count * step_s / HOUR_S
    if not moved:
        raise fault("racks", "no accelerators", "a rack group with accelerators", "")
    done = {name: moved[name].activity if name in moved else row for name, row in rows.items()}
    work_before = sum(float(rows[name].sum()) * counts[name] for name in moved)
    work_after = sum(float(done[name].sum()) * counts[name] for name in moved)
    late = max(found.longest for found in moved.values())
    if abs(work_after - work_before) > CONSERVED * max(work_before, 1e-9) or late > deadline:
        raise RunError(
            f"the audit found {work_before:.9g} of work before and {work_after:.9g} after, or a deadline missed"
        )
    after = simulate(plain, load=_load(done, asked, f"shifted to {to}"), **drive)
    hauled = sum(found.moved * counts[name] for name, found in moved.items())
    waited = sum(found.delay * counts[name] for name, found in moved.items()) * step_s / HOUR_S
    return Shift(
        to, share, deadline_h, hauled / work_before if work_before > 0.0 else 0.0, waited / hauled if hauled > 0.0 else None,
        late * step_s / HOUR_S, work_before, work_after, summarize(before), summarize(after),
    )  # fmt: skip


def _signal(to: str, ds: xr.Dataset) -> Array:
    """What is to be low in the steps that work moves to."""
    hours = HOURS.fullmatch(to)
    if hours is None:
        name = {"cheap": "site_energy_price", "clean": "site_carbon_intensity", "cool": "ambient_dry_bulb"}[
            to
        ]
        signal = np.asarray(ds[name].values, dtype=float)
        if np.ptp(signal) <= NEGLIGIBLE * np.abs(signal).max():
            kind = {"cheap": "price", "clean": "carbon"}.get(to, "weather")
            raise fault(
                f"--to {to}", f"the same {kind} in every step", "a series that changes", f"--{kind} FILE"
            )
        return signal
    start, end = int(hours[1]), int(hours[2])
    clock = ds["time"].values.astype("datetime64[s]").astype(np.int64) % 86400 / HOUR_S
    inside = (clock >= start) & (clock < end) if start < end else (clock >= start) | (clock < end)
    return np.where(inside, 0.0, 1.0)


def _load(rows: Mapping[str, Array], ds: xr.Dataset, what: str) -> Load:
    return frozen(
        Load(
            name=f"{ds.attrs['load']}, {what}",
            source=f"activity of rack groups of a run, {what}",
            start=ds["time"].values[0].astype("datetime64[s]"),
            step_s=float(ds.attrs["step_s"]),
            utc_offset_h=None,
            quantity="activity",
            boundary=None,
            series={name: np.array(row, dtype=float) for name, row in rows.items()},
            devices=dict.fromkeys(rows, 1),
        )
    )
