"""A load fitted to a run: from its start on, repeated in whole periods, on another step."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twin.files import fault
from twin.loads.load import DAY_S, MAX_VALUES, YEAR_S, Array, Load, frozen
from twin.loads.signal import Signal
from twin.loads.steps import average
from twin.weather import calendar_offset

WEEK_S = 7 * DAY_S


def steps_of(
    load: Load,
    n: int,
    start: np.datetime64 | None = None,
    utc_offset_h: float | None = None,
    finer: int = 1,
) -> tuple[NDArray[np.int64], np.datetime64, list[str]]:
    """Which step of the load each of ``n`` steps from ``start`` (its own by default) takes; the start on the load's
    clock; and what was repeated, in words.

    A year or more repeats by the calendar; a week or more repeats in whole weeks, a day or more in whole
    days, each at its own hour (and weekday); less than a day repeats as it is, from its beginning.
    ``utc_offset_h`` is the clock of ``start``, needed if the load's own clock is known. The run may have ``finer`` steps in
    each of the load.
    """
    own = load.start.astype("datetime64[ms]")
    shifted = own
    if load.utc_offset_h is not None and utc_offset_h is not None:
        shifted = own + np.timedelta64(round((utc_offset_h - load.utc_offset_h) * 3_600_000), "ms")
    begin = shifted if start is None else start.astype("datetime64[ms]")
    count, step_s = load.n * finer, load.step_s / finer
    span = count * step_s
    unit = next((unit for unit in (YEAR_S, WEEK_S, DAY_S) if span >= unit * (1 - 1e-9)), None)
    steps = count
    if unit is not None and abs(unit / step_s - round(unit / step_s)) < 1e-9:
        steps = round(unit / step_s) * int(span / unit + 1e-9)
        offset = calendar_offset(shifted, begin, by_calendar=unit == YEAR_S)
        if offset >= 0.0 and offset + n * step_s <= span:  # it covers the run: nothing repeats
            steps = count
    else:
        offset = 0.0
    moved = round(offset / step_s)
    index = (np.arange(n) + moved) % steps
    notes = []
    if n > steps or moved % steps + n > steps:
        days, covered = steps * step_s / DAY_S, n * step_s / DAY_S
        repeat = "day of load repeats" if days == 1 else "days of load repeat"
        notes.append(f"{days:g} {repeat} to cover {covered:g} day{'' if covered == 1 else 's'}")
        if steps < count:
            notes.append(
                f"the last {(count - steps) * step_s / 3600:g} h, beyond whole periods, are not used"
            )
    if abs(offset / step_s - moved) > 1e-6:
        notes.append(f"moved by {(moved * step_s - offset):+.3g} s to the run's steps")
    return (index if finer == 1 else index // finer), begin, notes


def tile(load: Load, n: int, start: np.datetime64 | None = None, utc_offset_h: float | None = None) -> Load:
    """``n`` steps of the load from ``start``, repeated in whole periods as far as needed: see ``steps_of``."""
    if not 1 <= n <= MAX_VALUES // len(load.series):
        raise fault(
            "load", f"{n} steps of {len(load.series)} series", f"1 to {MAX_VALUES:.0e} values", "use blocks"
        )
    index, begin, notes = steps_of(load, n, start, utc_offset_h)
    series = {name: values[index] for name, values in load.series.items()}
    return frozen(
        replace(
            load,
            start=begin,
            utc_offset_h=load.utc_offset_h if utc_offset_h is None else utc_offset_h,
            series=series,
            peak={name: values[index] for name, values in load.peak.items()},
            report=replace(
                load.report,
                notes=(*load.report.notes, *notes),
                integral=float(sum(values.sum() for values in series.values())) * load.step_s,
            ),
        )
    )


def resample(load: Load, step_s: float) -> Load:
    """The same load on another step: each new step is the mean over its time, its peak the highest in it."""
    if not (np.isfinite(step_s) and 1e-3 <= step_s <= load.n * load.step_s):
        raise fault("step", f"{step_s:g} s", f"1 ms to {load.n * load.step_s:g} s", "choose one in between")
    n = int(load.n * load.step_s / step_s + 1e-6)
    if n * len(load.series) > MAX_VALUES:
        raise fault("step", f"{step_s:g} s gives {n} steps", f"{MAX_VALUES:.0e} values", "use a longer step")
    seconds: Array = np.arange(load.n, dtype=np.float64) * load.step_s
    grid: Array = np.arange(n + 1, dtype=np.float64) * step_s
    series, peak = {}, {}
    for name, values in load.series.items():
        signal = Signal(seconds, values, load.peak.get(name))
        series[name], top = average(signal, grid, load.step_s)
        if top is not None:
            peak[name] = top
    total = float(sum(values.sum() for values in series.values())) * step_s
    report = replace(load.report, integral=total, integral_read=load.report.integral_read or total)
    return frozen(replace(load, step_s=float(step_s), series=series, peak=peak, report=report))
