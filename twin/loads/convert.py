"""A trace of any known format to one table of regular steps that ``--load`` reads again."""

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from twin_sites.errors import did_you_mean

from twin.files import fault
from twin.loads.load import Boundary, Load
from twin.loads.read import MAX_GAP_S, load_trace
from twin.loads.signal import Quantity
from twin.loads.steps import clean
from twin.loads.traces.mapping import Place, to_racks
from twin.loads.traces.raw import RawTrace

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".parquet", ".csv")
UNITS = {"power": "W", "activity": "1"}
PEAK = " peak"


@dataclass(frozen=True)
class Conversion:
    """What a conversion did. Energies are of all devices over the time that was written; ``None`` for activity.

    ``energy_change`` is relative.
    """

    format: str
    out: str
    series: int
    steps: int
    step_s: float
    start: str
    timezone: str
    boundary: str | None
    rows_read: int
    rows_skipped: int
    rows_filled: int
    energy_before_kwh: float | None
    energy_after_kwh: float | None
    energy_change: float | None
    warnings: tuple[str, ...]

    def json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def check_target(out: Path) -> None:
    """Refuse a target that cannot be written, before any work. Raises ``InputError``."""
    if out.suffix.lower() not in SUFFIXES:
        raise fault(
            "--out", f"the suffix '{out.suffix}'", " or ".join(SUFFIXES), did_you_mean(out.suffix, SUFFIXES)
        )
    if out.is_dir() or not out.resolve().parent.is_dir():
        raise fault("--out", f"{out}", "a file in a folder that exists", "make the folder first")


def convert(
    path: Path,
    out: Path,
    step_s: float | None = None,
    boundary: Boundary | None = None,
    quantity: Quantity | None = None,
    timezone: str | None = None,
    max_gap_s: float = MAX_GAP_S,
    place: Place | None = None,
) -> Conversion:
    """Read, put on regular steps (the file's own by default), map to racks where asked, and write.

    Raises ``InputError``; then nothing is written.
    """
    check_target(out)
    load = load_trace(path, boundary, step_s, quantity, timezone=timezone, max_gap_s=max_gap_s, whole=True)
    racks = load if place is None else to_racks(load, place)
    write_load(racks, out)
    known = place is None and load.quantity == "power"
    after = _energy_kwh(racks)
    before = load.report.integral_read / 3.6e6 if known else _energy_kwh(load)
    return Conversion(
        format=load.report.format,
        out=str(out),
        series=len(racks.series),
        steps=racks.n,
        step_s=racks.step_s,
        start=str(racks.start) + ("Z" if racks.utc_offset_h == 0.0 else ""),
        timezone=load.report.timezone,
        boundary=racks.boundary,
        rows_read=load.report.rows,
        rows_skipped=load.report.unreadable + load.report.duplicates,
        rows_filled=load.report.filled,
        energy_before_kwh=before if load.quantity == "power" else None,
        energy_after_kwh=after if load.quantity == "power" else None,
        energy_change=after / before - 1.0 if load.quantity == "power" and before > 0.0 else None,
        warnings=racks.report.notes,
    )


def _energy_kwh(load: Load) -> float:
    return (
        float(sum(values.sum() * load.devices[name] for name, values in load.series.items()))
        * load.step_s
        / 3.6e6
    )


def write_load(load: Load, out: Path) -> None:
    """Write a load as a wide table: a time column, one column per series, its peaks beside it."""
    import pandas as pd

    unit = UNITS[load.quantity]
    step = np.arange(load.n) * np.timedelta64(round(load.step_s * 1000.0), "ms")
    columns: dict[str, object] = {"time": load.start.astype("datetime64[ms]") + step}
    for name, values in load.series.items():
        columns[f"{name} [{unit}]"] = values
        if name in load.peak:
            columns[f"{name}{PEAK} [{unit}]"] = load.peak[name]
    frame = pd.DataFrame(columns)
    if load.utc_offset_h == 0.0:
        frame["time"] = frame["time"].dt.tz_localize("UTC")
    facts: dict[str, str] = {"quantity": load.quantity}
    if load.boundary:
        facts["boundary"] = load.boundary
    if any(count != 1 for count in load.devices.values()):
        facts["devices"] = ", ".join(f"{name}={count}" for name, count in load.devices.items())
    write_table(frame, facts, out)


def write_readings(trace: RawTrace, out: Path) -> None:
    """Write readings, one per time and series, as a long table: time, series, value. Raises ``InputError`` without times."""
    import pandas as pd

    if trace.stamps.first is None:
        raise fault(trace.where, "readings without times", "times", "query a range")
    first = trace.stamps.first.astype("datetime64[ms]")
    parts = [
        pd.DataFrame(
            {
                "time": first + np.round(signal.seconds * 1000.0).astype("timedelta64[ms]"),
                "series": name,
                f"{trace.quantity} [{UNITS[trace.quantity]}]": signal.values,
            }
        )
        for name, signal in ((name, clean(raw, trace.counts)) for name, raw in trace.signals.items())
    ]
    frame = pd.concat(parts, ignore_index=True).sort_values(
        ["time", "series"], kind="stable", ignore_index=True
    )
    if trace.stamps.utc:
        frame["time"] = frame["time"].dt.tz_localize("UTC")
    write_table(frame, {"boundary": trace.boundary} if trace.boundary else {}, out)


def write_table(frame: "pd.DataFrame", facts: dict[str, str], out: Path) -> None:
    """Write a table with its facts above it; the file appears only when it is complete."""
    part = out.with_name(f".{out.name}.part")
    try:
        if out.suffix.lower() == ".csv":
            with part.open("w", newline="", encoding="utf-8") as stream:
                stream.writelines(f"# {key}: {value}\n" for key, value in facts.items())
                text = frame.copy(deep=False)
                form = "%Y-%m-%dT%H:%M:%S.%f"
                text["time"] = text["time"].dt.strftime(form).str.slice(0, 23) + (
                    "Z" if frame["time"].dt.tz is not None else ""
                )
                text.to_csv(stream, index=False, quoting=csv.QUOTE_MINIMAL)
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            table = pa.Table.from_pandas(frame, preserve_index=False)
            keys = {f"twin.{key}": value for key, value in facts.items()}
            pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **keys}), part)
        part.replace(out)
    except OSError as error:
        raise fault(
            "--out", f"{out}: {error}", "a file that can be written", "check folder and space"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def table_of(done: Conversion) -> str:
    """The same for a person."""
    lines = [
        f"{done.out}: {done.series} series, {done.steps:,} steps of {done.step_s:g} s from {done.start}",
        f"Read       {done.format}: {done.rows_read:,} rows, {done.rows_skipped:,} skipped, {done.rows_filled:,} readings filled",
        f"Time       {done.timezone}",
        f"Boundary   {done.boundary or 'not stated'}",
    ]
    if done.energy_before_kwh is not None and done.energy_after_kwh is not None:
        change = "" if done.energy_change is None else f", change {done.energy_change:.1e}"
        lines.append(
            f"Energy     {done.energy_before_kwh:.8g} kWh read, {done.energy_after_kwh:.8g} kWh written{change}"
        )
    lines += [f"Note       {warning}" for warning in done.warnings]
    return "\n".join(lines)
