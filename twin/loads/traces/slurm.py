"""Job log of Slurm (`sacct -P`): how many GPUs, or nodes, were allocated over time."""

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.files import decode, fault, read_bytes, read_stamps
from twin.loads.signal import Quantity
from twin.loads.traces.raw import RawTrace
from twin.loads.traces.source import LIMIT, Source

if TYPE_CHECKING:
    import pandas as pd

GPUS = re.compile(r"(?:gres/gpu(?::[\w.-]+)?=|gpu(?::[\w.-]+)?:)(\d+)")
STEP_S = 60.0


def matches(head: str) -> bool:
    """A header with ``JobID``, ``Start`` and ``End`` between bars."""
    names = head.lstrip("\ufeff").split("\n", 1)[0].strip().split("|")
    return {"Start", "End"} <= set(names) and bool({"JobID", "JobIDRaw"} & set(names))


def read(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Activity is the share of what was allocated at the busiest moment. Raises ``InputError``."""
    import pandas as pd

    if quantity == "power":
        raise fault(trace.where, "a job log, no power", "quantity activity", "leave the quantity out")
    data = decode(read_bytes(source.path, LIMIT), trace.where)
    try:
        frame = pd.read_csv(
            io.StringIO(data), sep="|", dtype=str, on_bad_lines="skip", index_col=False, quoting=3
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise fault(
            trace.where, f"is no job log ({str(error)[:80]})", "sacct -P", "export it again"
        ) from None
    trace.quantity, trace.rows = "activity", len(frame)
    job = frame["JobIDRaw" if "JobIDRaw" in frame else "JobID"].fillna("")
    whole = ~job.str.contains(".", regex=False)
    if whole.any():  # steps of a job repeat its allocation
        frame, job = frame[whole], job[whole]
    jobs = frame[~job.duplicated()].reset_index(drop=True)
    ended = (
        jobs[["Start", "End"]].map(lambda cell: bool(re.match(r"\d{4}-\d\d-\d\dT", str(cell)))).all(axis=1)
    )
    jobs = jobs[ended].reset_index(drop=True)
    trace.counts["duplicates"] += int(len(frame) - job.nunique())
    trace.unreadable += int((~ended).sum())
    if not len(jobs):
        raise fault(trace.where, "no job with start and end", "ended jobs", "ask sacct for Start and End")
    both = read_stamps(
        pd.concat([jobs["Start"], jobs["End"]], ignore_index=True), f"{trace.where} → Start, End"
    )
    trace.stamps = both
    start, end = both.seconds[: len(jobs)], both.seconds[len(jobs) :]
    counts, what = _allocated(jobs)
    width = step_s or STEP_S
    first = np.floor(np.nanmin(start) / width) * width
    grid = np.arange(first, np.nanmax(end) + width, width)
    if grid.size > 20_000_000:
        raise fault(trace.where, f"{grid.size} steps of {width:g} s", "20 million", "give a longer step")
    if grid.size < 3:
        grid = first + np.arange(3) * width
    # Allocation integrated exactly: each job adds a ramp between its start and its end.
    moments = np.concatenate((start, end))
    order = np.argsort(moments, kind="stable")
    level = np.cumsum(np.concatenate((counts, -counts))[order])
    total = np.concatenate(([0.0], np.cumsum(level[:-1] * np.diff(moments[order]))))
    mean = np.diff(np.interp(grid, moments[order], total)) / width
    most = float(level.max())
    trace.add(["allocated"], None, grid[:-1], np.clip(mean / most, 0.0, 1.0))
    trace.devices["allocated"] = max(round(most), 1)
    trace.notes.append(
        f"activity is the share of {most:g} {what}, the most allocated at once; allocated is not the same as busy"
    )
    energy = pd.to_numeric(jobs.get("ConsumedEnergyRaw", pd.Series(dtype=str)), errors="coerce").sum()
    if energy > 0:
        trace.notes.append(f"ConsumedEnergyRaw of the jobs adds up to {energy / 3.6e6:.6g} kWh")


def _allocated(jobs: "pd.DataFrame") -> tuple[Any, str]:
    import pandas as pd

    for name in ("AllocTRES", "AllocGRES", "ReqTRES", "ReqGRES"):
        if name in jobs:
            gpus = pd.to_numeric(jobs[name].fillna("").str.extract(GPUS.pattern)[0], errors="coerce").fillna(
                0.0
            )
            if gpus.any():
                return gpus.to_numpy(dtype=np.float64), "GPUs"
    for name, what in (("NNodes", "nodes"), ("AllocNodes", "nodes"), ("AllocCPUS", "CPUs")):
        if name in jobs:
            count = pd.to_numeric(jobs[name], errors="coerce").fillna(0.0)
            if count.any():
                return count.to_numpy(dtype=np.float64), what
    return np.ones(len(jobs)), "jobs"
