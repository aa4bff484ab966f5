"""Which format a file is in, told by its content, and the one way to read it."""

from collections.abc import Callable
from glob import glob
from pathlib import Path
from typing import NamedTuple

import numpy as np
from twin_sites.errors import InputError

from twin.files import fault
from twin.loads.signal import Quantity
from twin.loads.traces import amd, clock, dcgmi, ipmi, mlperf, nvidia_smi, prometheus, requests, slurm, table
from twin.loads.traces.raw import Array, RawTrace
from twin.loads.traces.source import Source


class Format(NamedTuple):
    """A known format: its name, what it is known by, and its reader."""

    name: str
    known_by: str
    matches: Callable[[str], bool]
    read: Callable[[Source, RawTrace, float | None, Quantity | None], None]


def _no_power(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    del step_s, quantity
    raise fault(
        trace.where,
        "a request trace, no power",
        "a trace of power or activity",
        f"twin run SITE --load {source.path} answers its requests; leave out --boundary",
    )


REQUESTS = "request trace"
FORMATS = (  # asked in this order
    Format(
        "MLPerf training log", "lines ':::MLLOG' with power_reading", mlperf.is_training, mlperf.read_training
    ),
    Format("MLPerf inference log", "rows 'Time,...,Watts,...'", mlperf.is_inference, mlperf.read_inference),
    Format("dcgmi dmon", "a heading '#Entity'", dcgmi.matches, dcgmi.read),
    Format("nvidia-smi dmon", "a heading '# gpu pwr ...'", nvidia_smi.is_dmon, nvidia_smi.read_dmon),
    Format(
        "Prometheus API", '{"status": ..., "data": {"resultType": ...', prometheus.is_api, prometheus.read_api
    ),
    Format("Prometheus text", "lines 'name{label=\"...\"} value'", prometheus.is_text, prometheus.read_text),
    Format(
        "Redfish", "JSON with PowerControl, PowerWatts or MetricValues", ipmi.is_redfish, ipmi.read_redfish
    ),
    Format("IPMI", "lines 'Sys Power | 20 Watts | ok'", ipmi.is_text, ipmi.read_text),
    Format("Slurm sacct", "a header 'JobID|...|Start|End|...'", slurm.matches, slurm.read),
    Format(REQUESTS, "a header with tokens in and out, or requests per second", requests.matches, _no_power),
    Format(
        "nvidia-smi CSV",
        "a header with power.draw, or its time stamps",
        nvidia_smi.is_csv,
        nvidia_smi.read_csv,
    ),
    Format("AMD SMI CSV", "a header with a card and its package power", amd.matches, amd.read),
)
TABLE = "table"


def format_of(source: Source) -> Format | None:
    """The format of a file, None for a plain table."""
    if source.parquet is not None:
        return None
    head = source.head
    return next((form for form in FORMATS if form.matches(head)), None)


def files_of(path: Path) -> list[Path]:
    """The files that a name stands for: a file, all files of a folder, or those of a pattern. Raises ``InputError``."""
    try:
        if path.is_dir():
            found = sorted(
                entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith(".")
            )
            if not found:
                raise fault(str(path), "an empty folder", "a folder of traces", "check the path")
            return found
        if not path.exists() and any(sign in str(path) for sign in "*?["):
            found = [Path(name) for name in sorted(glob(str(path)))]  # noqa: PTH207 -- the pattern may be absolute
            if not found:
                raise fault(
                    str(path), "no file of that pattern", "a pattern that fits files", "check the path"
                )
            return found
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise fault(
            str(path)[:200], f"cannot be read: {error}", "a readable path", "check the name"
        ) from None
    return [path]


def read_trace(
    path: Path, step_s: float | None, quantity: Quantity | None, timezone: str | None = None
) -> RawTrace:
    """Readings of a file, or of several of one format, whose names then stand before the devices.

    ``step_s`` is needed only if there are no times. ``timezone`` is the zone of a local clock (IANA), whose times are then
    UTC. Raises ``InputError``.
    """
    files = files_of(path)
    traces = [_read_one(file, step_s, quantity, timezone) for file in files]
    if len(traces) == 1:
        return traces[0]
    return _together(traces, files)


def _read_one(path: Path, step_s: float | None, quantity: Quantity | None, timezone: str | None) -> RawTrace:
    source = Source(path)
    trace = RawTrace(source.where)
    shift = None if timezone is None else Shift(trace, timezone)
    trace.localize = shift
    form = format_of(source)
    if form is not None:
        trace.format = form.name
        form.read(source, trace, step_s, quantity)
    elif source.parquet is None and source.head.lstrip()[:1] in ("{", "["):
        raise _unknown(
            fault(trace.where, "no column of power: JSON of another kind", "one of these", "export it as CSV")
        )
    else:
        try:
            table.read(source, trace, step_s, quantity)
        except InputError as error:
            raise _unknown(error) from None
    trace.finish()
    table.share_or_percent(trace)
    if shift is not None:
        shift.tell()
    return trace


def _unknown(error: InputError) -> InputError:
    """What was looked for, where a file is no format at all."""
    problem = error.problems[0]
    if "no column of" not in problem.found and "is no readable table" not in problem.found:
        return error
    known = "; or: " + "; ".join(f"{form.name} ({form.known_by})" for form in FORMATS)
    return fault(problem.where, problem.found, problem.allowed + known, problem.remedy)


class Shift:
    """Local times of one zone to UTC, counting what a clock change made unclear."""

    def __init__(self, trace: RawTrace, name: str) -> None:
        self.trace, self.name, self.zone = trace, name, clock.zone(name)
        self.counts: dict[str, int] = {}

    def __call__(self, seconds: Array) -> Array:
        """UTC seconds of local ones of one device; times that are UTC or relative already stay."""
        stamps = self.trace.stamps
        if stamps.first is None or stamps.utc:
            return seconds
        return clock.to_utc(seconds, stamps.first, self.zone, self.counts)

    def tell(self) -> None:
        """Put into the trace how its times were understood."""
        stamps = self.trace.stamps
        if stamps.first is None or stamps.utc:
            self.trace.notes.append(
                f"timezone {self.name} not used: the file's times are {stamps.note or 'relative'}"
            )
            return
        self.trace.stamps = stamps._replace(utc=True, note=f"local clock of {self.name}, converted to UTC")
        if self.counts.get("twice"):
            self.trace.notes.append(
                f"{self.counts['twice']} readings in the hour that the clock of {self.name} shows twice: told apart by order"
            )
        if self.counts.get("never"):
            self.trace.notes.append(
                f"{self.counts['never']} readings at times that the clock of {self.name} skips: taken an hour later"
            )


def _together(traces: list[RawTrace], files: list[Path]) -> RawTrace:
    """One trace of several files; all must be alike. Raises ``InputError``."""
    first = traces[0]
    for other in traces[1:]:
        same = (other.format, other.quantity, other.boundary, other.stamps.utc) == (
            first.format,
            first.quantity,
            first.boundary,
            first.stamps.utc,
        )
        if not same or (other.stamps.first is None) != (first.stamps.first is None):
            raise fault(
                other.where,
                f"{other.format} of {other.quantity}, boundary {other.boundary}",
                f"the same as {first.where}: {first.format} of {first.quantity}, boundary {first.boundary}",
                "read them one by one",
            )
    stems = [file.name.split(".")[0] for file in files]
    if len(set(stems)) < len(stems):
        stems = [file.name for file in files]
    whole = RawTrace(
        f"{files[0].parent.name or '.'} ({len(files)} files)", first.quantity, first.format, first.boundary
    )
    whole.stamps = first.stamps
    for stem, part in zip(stems, traces, strict=True):
        shift = 0.0
        if part.stamps.first is not None and first.stamps.first is not None:
            shift = float((part.stamps.first - first.stamps.first) / np.timedelta64(1, "ms")) / 1000.0
        for name, signal in part.signals.items():
            whole.signals[f"{stem}/{name}"] = signal._replace(seconds=signal.seconds + shift)
        whole.devices |= {f"{stem}/{name}": count for name, count in part.devices.items()}
        whole.rows += part.rows
        whole.unreadable += part.unreadable
        whole.unit_stated &= part.unit_stated
        whole.notes += [note for note in part.notes if note not in whole.notes]
        for key, count in part.counts.items():
            whole.counts[key] += count
        whole.thinned_s = max(whole.thinned_s, part.thinned_s)
    return whole
