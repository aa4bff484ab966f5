"""Reader of plain tables: CSV, TSV or Parquet, one row per time (wide) or per time and device (long).

The first rows decide what the columns are. What follows is read block by block: fast where it is as regular as a
logger writes it, cell by cell where it is not; both give the same readings.
"""

from typing import TYPE_CHECKING

import numpy as np

from twin.files import fault, split_unit
from twin.loads.signal import Quantity, Signal
from twin.loads.traces.clock import Clock, set_back
from twin.loads.traces.column_names import time_unit
from twin.loads.traces.polls import Polls
from twin.loads.traces.raw import Array, RawTrace
from twin.loads.traces.source import Source
from twin.loads.traces.table_blocks import first_rows, frame_of, source_blocks
from twin.loads.traces.table_plan import Plan, day_and_time, joined_time, plan_of
from twin.loads.traces.table_rows import Counter, Rows, careful_rows, fast_rows

if TYPE_CHECKING:
    import pandas as pd


def read(
    source: Source,
    trace: RawTrace,
    step_s: float | None,
    quantity: Quantity | None,
    *,
    names: list[str] | None = None,
    polled: bool = False,
) -> None:
    """Read a table into ``trace``; ``step_s`` is needed only if the file has no time column.

    ``names`` are the columns of a table without a header line. ``polled``: rows of several devices without an index
    come in bursts, each burst in the same order. Raises ``InputError``.
    """
    plan: Plan | None = None
    clock, polls, counted = Clock(trace.where), None, Counter(step_s, trace.where)
    for block in source_blocks(source, trace):
        rows: Rows | None = None
        if plan is None:
            frame, names, delimiter, decimal = first_rows(block, names, trace)
            joined = day_and_time(frame)
            plan = plan_of(joined_time(frame, joined), names, delimiter, decimal, quantity, trace)
            plan.joined = joined
            clock = Clock(f"{trace.where} → column '{plan.time}'", time_unit(plan.time or ""))
            rows = careful_rows(frame, plan, clock, counted, trace)
            trace.stamps = counted.stamps if plan.time is None else clock.known
            if polled and not plan.devices and plan.time is not None:
                polls = Polls(rows.seconds)
            if not plan.devices and (polls is None or polls.devices == 1):
                polls = None
                _distinct(rows.seconds, trace.where)
        elif isinstance(block, bytes):
            rows = fast_rows(block, plan, clock, trace)
        if rows is None:
            frame = frame_of(block, plan.names, plan.delimiter, plan.decimal, trace)
            rows = careful_rows(joined_time(frame, plan.joined), plan, clock, counted, trace)
        if polls is not None:
            rows = polls.split(rows.seconds, rows.values)
        _add(trace, plan, rows)
    if polls is not None and plan is not None:
        _add(trace, plan, polls.flush())
        trace.notes.append(
            f"no index column: rows come in bursts of {polls.devices}, taken as devices in that order"
        )


def read_frame(source: Source, trace: RawTrace) -> "pd.DataFrame":
    """A whole table in memory."""
    import pandas as pd

    frames: list[pd.DataFrame] = []
    names, delimiter, decimal = None, "", ""
    for block in source_blocks(source):
        if names is None:
            frame, names, delimiter, decimal = first_rows(block, None, trace)
        else:
            frame = frame_of(block, names, delimiter, decimal, trace)
        frames.append(frame)
    whole: pd.DataFrame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return whole


def _add(trace: RawTrace, plan: Plan, rows: Rows) -> None:
    peaks = {name: rows.values[peak] for name, peak in plan.peak_of.items()}
    if rows.codes is not None:
        name = plan.means[0]
        trace.add(rows.labels, rows.codes, rows.seconds, rows.values[name], peaks.get(name))
        return
    lost = trace.unreadable
    for name in plan.means:
        trace.unreadable = lost  # a row without a time is one row, however many columns it has
        label = split_unit(name)[0] if plan.own else name
        trace.add([label], None, rows.seconds, rows.values[name], peaks.get(name))


def share_or_percent(trace: RawTrace) -> None:
    """Activity without a unit, once all of it is read: up to 1 it is a share, above 2 percent. Raises ``InputError``."""
    for column in sorted(trace.unscaled):
        names = [name for name in trace.signals if name == trace.prefix + column] or list(trace.signals)
        top = max(float(np.nanmax(trace.signals[name].values, initial=0.0)) for name in names)
        if 1.005 < top < 2.0:
            raise fault(
                f"{trace.where} → column '{column}'",
                f"largest value {top:g} and no unit",
                "a share up to 1 or percent",
                "name it 'util [%]' or 'util [1]'",
            )
        percent = top > 1.005
        trace.notes.append(
            f"column '{column}': no unit, up to {top:g}, taken as {'percent' if percent else 'a share of 1'}"
        )
        for name in names if percent else ():
            signal = trace.signals[name]
            peaks = None if signal.peaks is None else signal.peaks * 0.01
            trace.signals[name] = Signal(signal.seconds, signal.values * 0.01, peaks)


def _distinct(seconds: Array, where: str) -> None:
    seconds = seconds[np.isfinite(seconds)]
    different = np.unique(seconds).size
    usual = float(np.median(np.diff(seconds))) if seconds.size > 1 else 0.0
    twice = (
        set_back(seconds) * 3600.0 / usual if usual > 0.0 else 0.0
    )  # readings of hours that a clock shows twice
    if different + twice < 0.9 * seconds.size:
        raise fault(
            where,
            f"{seconds.size} rows but only {different} different times and no device column",
            "one row per time, or a column 'device'",
            "add the device's name or index to each row",
        )
