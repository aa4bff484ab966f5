"""What the accelerators do over time: measured traces and generated activity.

A load holds one or more named series on one regular step. A reading holds until the next one; averaging such
a staircase over any step keeps its integral (energy) exactly, and the highest reading of each step is kept
beside the mean. Peaks and ramps of a load are those of its ``step_s``; ``peak`` goes back to the file's
readings.
"""

from pathlib import Path
from typing import get_args

import numpy as np
from twin_sites.errors import did_you_mean

from twin.files import fault
from twin.loads import fleet_load, generate
from twin.loads.load import BOUNDARIES, DAY_S, MAX_VALUES, START, YEAR_S, Array, Load, LoadReport, frozen
from twin.loads.signal import Boundary, Quantity
from twin.loads.steps import average, clean, complete_enough, gaps, integral, usual_step
from twin.loads.traces.formats import read_trace
from twin.loads.traces.raw import RawTrace

MAX_GAP_S = 3600.0
# Highest power one device of a boundary can plausibly draw, W (estimates, several times the largest known).
PLAUSIBLE_W = {"gpu": 5e3, "node_dc": 1e5, "node_ac": 1e5, "rack_ac": 5e6, "cdu_heat": 2e7, "site_it": 2e10}
PLAUSIBLE_SERIES_W = 2e10


def loads() -> dict[str, str]:
    """Names of the built-in loads and what they are."""
    return {
        "training": "one hall on synchronous training jobs, with checkpoints, failures and restarts",
        "inference": "serving by the measured shape of the day",
        "mixed": "0.6 training and 0.4 inference",
        "research": "a shared cluster, every rack busy and idle in turn",
    }


def load_trace(
    path_or_name: str | Path,
    boundary: Boundary | None = None,
    step: float | None = None,
    quantity: Quantity | None = None,
    *,
    max_gap_s: float = MAX_GAP_S,
    timezone: str | None = None,
    whole: bool = False,
) -> Load:
    """A built-in load by name (see ``loads``), a generated fleet (``generated:inference,racks=72``) or a trace file by path,
    also a folder of files or a pattern.

    ``step`` in s is the step wanted (a file's own by default) and, for a file without a time column, the one
    of its rows. ``timezone`` (IANA) is that of a file's local clock,
    whose times then are UTC. ``whole`` keeps a last step that the file fills in part, with the energy it has there.
    Gaps of up to ``max_gap_s`` and 5 % of a series take the reading before them. Raises
    ``InputError``.
    """
    if boundary is not None and boundary not in BOUNDARIES:
        raise fault(
            "boundary", f"'{boundary}'", ", ".join(BOUNDARIES), did_you_mean(str(boundary), BOUNDARIES)
        )
    if quantity is not None and quantity not in get_args(Quantity):
        raise fault("quantity", f"'{quantity}'", "activity or power", "choose one")
    if step is not None and not (np.isfinite(step) and 1e-3 <= step <= YEAR_S):
        raise fault("step", f"{step:g} s", "1 ms to a year", "give seconds")
    if isinstance(path_or_name, str):
        for kind in generate.KINDS:
            if path_or_name == kind:
                return generated(kind, step_s=step or generate.HOUR_S)
        if path_or_name == "research" or path_or_name.startswith(fleet_load.PREFIX):
            return fleet_load.load_of(path_or_name, step or generate.HOUR_S)
        if not _on_disk(path_or_name):
            remedy = did_you_mean(path_or_name[:80], loads())
            raise fault(
                "load", f"'{path_or_name[:80]}' is no built-in load and no file", "a name or a path", remedy
            )
    path = Path(path_or_name)
    raw = read_trace(path, step, quantity, timezone)
    return _from_raw(raw, raw.where, boundary, step, max_gap_s, whole)


def _on_disk(path: str) -> bool:
    try:
        return Path(path).exists() or any(sign in path for sign in "*?[")
    except (OSError, ValueError):
        return False


def generated(
    kind: generate.Kind = "training",
    n: int | None = None,
    step_s: float = generate.HOUR_S,
    seed: int = 0,
    start: np.datetime64 = START,
) -> Load:
    """A synthetic load of ``n`` steps (a year by default) from ``start``, one series ``all``."""
    n = round(YEAR_S / step_s) if n is None else n
    day = start.astype("datetime64[D]").astype("datetime64[ms]")
    hour = float((start.astype("datetime64[ms]") - day) / np.timedelta64(3600_000, "ms"))
    values = generate.activity(kind, n, step_s, seed, hour)
    return frozen(
        Load(
            name=kind,
            source=f"generated {kind} activity, seed {seed}",
            start=start,
            step_s=float(step_s),
            utc_offset_h=None,
            quantity="activity",
            boundary=None,
            series={"all": values},
            devices={"all": 1},
        )
    )


def _from_raw(
    raw: RawTrace,
    where: str,
    boundary: Boundary | None,
    step: float | None,
    max_gap_s: float,
    whole: bool = False,
) -> Load:
    notes = list(raw.notes)
    boundary = boundary or raw.boundary
    signals, counts = {}, dict(raw.counts)
    for name, signal in raw.signals.items():
        usable = clean(signal, counts)
        if usable.seconds.size:
            signals[name] = usable
    empty = [name for name in raw.signals if name not in signals]
    if empty:
        notes.append(f"{len(empty)} devices without a reading left out: {', '.join(empty)[:200]}")
    if not signals:
        raise fault(where, "no readable reading", "times with values", "check time and value columns")
    native = usual_step(signals, where)
    first = min(float(signal.seconds[0]) for signal in signals.values())
    last = max(float(signal.seconds[-1]) for signal in signals.values()) + native
    width = native if step is None else float(step)
    n = max(int((last - first) / width + 1e-6), 1)
    if n * len(signals) > MAX_VALUES or last - first > 20 * YEAR_S:
        raise fault(
            where,
            f"{(last - first) / DAY_S:g} days at {width:g} s for {len(signals)} devices",
            f"{MAX_VALUES:.0e} values and 20 years",
            "ask for a longer step",
        )
    if width > last - first + 1e-6:
        raise fault(
            "step", f"{width:g} s", f"up to the file's own {last - first:g} s", "ask for a shorter step"
        )
    part = (last - first) / width - n  # of a step
    if whole and part > 1e-6:
        n += 1
    grid: Array = first + np.arange(n + 1, dtype=np.float64) * width
    series, peak, filled, longest = {}, {}, 0, 0.0
    signals = complete_enough(signals, (first, last, native), max_gap_s, where, notes)
    for name, signal in signals.items():
        missing, _, gap = gaps(signal, first, last, native)
        filled, longest = filled + missing, max(longest, gap)
        series[name], top = average(signal, grid, native)
        if top is not None:
            peak[name] = top
        if whole and part > 1e-6:
            done = integral(signal, first, float(grid[-2]))
            series[name][-1] = max(integral(signal, first, last) - done, 0.0) / width
    if counts.get("sentinels"):
        notes.append(f"{counts['sentinels']} readings such as 9999999 or 2147483647 taken as missing")
    if raw.quantity == "activity":
        _check_share(series, where, notes)
        notes.append("utilization says how often a device is busy, not how hard: power may follow it poorly")
    else:
        _check_power(series, where, boundary)
        if not raw.unit_stated:
            notes.append("no unit of power in the file: taken as W")
        if boundary is None:
            notes.append("no boundary stated: where the power was measured is unknown")
    covered = (grid[-1] - grid[0], last - first)
    if whole and part > 1e-6:
        notes.append(
            f"the last step is filled for {part * width:g} s of {width:g} s and holds the energy of that"
        )
    elif covered[1] - covered[0] > 1e-6 * covered[1]:
        notes.append(f"the last {covered[1] - covered[0]:g} s do not fill a step and were left out")
    start, offset = _start(raw, first)
    counted = {name: raw.devices.get(name, 1) for name in series}
    read = sum(
        integral(signal, first, min(float(grid[-1]), last)) * counted[name]
        for name, signal in signals.items()
    )
    return frozen(
        Load(
            name=where.split(".")[0],
            source=f"file {where}",
            start=start,
            step_s=width,
            utc_offset_h=offset,
            quantity=raw.quantity,
            boundary=boundary,
            series=series,
            devices=counted,
            peak=peak,
            report=LoadReport(
                rows=raw.rows,
                format=raw.format,
                unreadable=raw.unreadable,
                duplicates=counts["duplicates"],
                reordered=bool(counts["reordered"]),
                filled=filled,
                longest_gap_s=longest,
                negative=counts["negative"],
                native_step_s=native,
                timezone=raw.stamps.note,
                integral_read=read,
                integral=float(sum(values.sum() * counted[name] for name, values in series.items())) * width,
                notes=tuple(notes),
            ),
        )
    )


def _start(raw: RawTrace, first: float) -> tuple[np.datetime64, float | None]:
    if raw.stamps.first is None:
        return START, None
    start = raw.stamps.first.astype("datetime64[ms]") + np.timedelta64(round(first * 1000.0), "ms")
    return start, 0.0 if raw.stamps.utc else None


def _check_share(series: dict[str, Array], where: str, notes: list[str]) -> None:
    for name, values in series.items():
        top = float(values.max())
        if top > 1.005:
            raise fault(
                f"{where} → {name}",
                f"activity of {top:g}",
                "0 to 1, or 0 to 100 %",
                "check the unit in the header",
            )
        if top > 1.0:
            notes.append(f"'{name}': values up to {top:g} set to 1")
            np.minimum(values, 1.0, out=values)


def _check_power(series: dict[str, Array], where: str, boundary: Boundary | None) -> None:
    limit = PLAUSIBLE_W[boundary] if boundary else PLAUSIBLE_SERIES_W
    for name, values in series.items():
        top = float(values.max())
        if top > limit:
            raise fault(
                f"{where} → {name}",
                f"up to {top / 1000:.6g} kW for one device{f' at boundary {boundary}' if boundary else ''}",
                f"up to {limit / 1000:g} kW",
                "is it W in a column named kW, or another boundary?",
            )
