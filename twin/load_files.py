"""Reader of trace tables: CSV, TSV or Parquet, plain or gzipped, one row per time (wide) or per time and
device (long).

Returns readings as they stand, per device, with NaN for what is missing. Steps, gaps and energy are the
business of ``load.py``.
"""

import io
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.files import (
    MISSING,
    Stamps,
    column_numbers,
    decode,
    delimiter_of,
    fault,
    read_bytes,
    read_stamps,
    split_unit,
)

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Quantity = Literal["activity", "power"]

LIMIT = 400_000_000  # bytes unpacked; reading takes several times as much memory
MAX_DEVICES = 20_000
TIME = re.compile(
    r"((local|utc|unix|epoch|sample|start)_?)?(time|timestamp|time_stamp|date|datetime|date_time|day|ts|epoch)"
    r"(_(utc|local|iso|unix|ms|s|sec|seconds|min|h|hours|d))*",
    re.IGNORECASE,
)
DEVICE = re.compile(
    r"(device|gpu|gpu_?id|index|uuid|gpu_uuid|hostname|host|node|node_?id|name|entity|instance|cdu|rack|server)$",
    re.I,
)
POWER = re.compile(r"power|watt|(^|_)(k|m)?w$|_w_|^p_|pwr", re.IGNORECASE)
ACTIVITY = re.compile(
    r"util|activity|gpu_use|sm_active|gr_engine|usage|busy|load_share|gputl|duty", re.IGNORECASE
)
# Columns with such words carry neither load nor activity, even where another word of their name matches.
OTHER = re.compile(
    r"temp|wet.?bulb|dry.?bulb|humid|mem|fan|clock|limit|cap(_|$)|power_?cap|factor|volt|amp|^pf$|min(imum)?$|std|"
    r"_n$|samples|count|disk|net|energy|_p\d+(_|$)|median|decoder|encoder",
    re.IGNORECASE,
)
PEAK = re.compile(r"max(imum)?(_k?w|_watts?)?$|peak", re.IGNORECASE)
POWER_UNITS = {
    "w": 1.0,
    "watt": 1.0,
    "watts": 1.0,
    "kw": 1e3,
    "kilowatt": 1e3,
    "kilowatts": 1e3,
    "mw": 1e6,
    "milliwatt": 1e-3,
}
MOST_MEGAWATTS = 2000.0  # more in a column that ends in "mw" is probably milliwatts
SHARE_UNITS = {"%": 0.01, "pct": 0.01, "percent": 0.01, "1": 1.0, "fraction": 1.0, "share": 1.0}


class Signal(NamedTuple):
    """Readings of one device: seconds from the first row, W or share, and peaks if the file has them."""

    seconds: Array
    values: Array
    peaks: Array | None


@dataclass
class RawTrace:
    """A file as read."""

    quantity: Quantity
    signals: dict[str, Signal]
    stamps: Stamps
    rows: int
    unreadable: int = 0
    unit_stated: bool = True
    notes: list[str] = field(default_factory=list)


def read_trace(path: Path, step_s: float | None, quantity: Quantity | None) -> RawTrace:
    """Read a trace table; ``step_s`` is needed only if the file has no time column. Raises ``InputError``."""
    import pandas as pd

    where = path.name
    frame, lost, notes = _frame(path)
    names = [str(name).strip().lstrip("\ufeff") for name in frame.columns]
    if len(set(names)) != len(names) or len(frame) < 2:
        raise fault(
            where,
            f"{len(frame)} rows, columns {names[:8]}",
            "two rows and names that differ",
            "check the header",
        )
    frame.columns = pd.Index(names)
    time = _time_column(frame)
    kinds = {name: _kind(name) for name in names if name != time}
    wanted: Quantity = quantity or ("power" if "power" in kinds.values() else "activity")
    chosen = [name for name, kind in kinds.items() if kind == wanted]
    chosen = chosen or [name for name, kind in kinds.items() if kind == "processor" and wanted == "activity"]
    if not chosen:
        raise fault(
            where,
            f"no column of {quantity or 'power or activity'} among {', '.join(names)[:200]}",
            "a name with power or watts, or util or activity, and its unit: 'power [W]', 'util [%]'",
            "rename the column",
        )
    devices = _device_column(frame, [name for name in names if name not in chosen and name != time])
    if time is None:
        stamps = _counted(frame, devices, step_s, where)
    else:
        stamps = read_stamps(frame[time], f"{where} → column '{time}'", _time_unit(time))
    means, peaks = _split_peak(chosen)
    if devices is not None:
        means, peaks = means[:1], peaks[:1]
    elif not len(means) == len(peaks) == 1:
        peaks = []
    unused = [name for name in names if name not in {time, devices, *means, *peaks}]
    if unused:
        notes.append(f"columns not used: {', '.join(unused)[:300]}")
    trace = RawTrace(wanted, {}, stamps, len(frame), lost, notes=notes)
    trace.unit_stated = all(_unit(name) for name in means)
    values = {name: _values(frame[name], name, wanted, where, notes) for name in (*means, *peaks)}
    readable = np.isfinite(stamps.seconds)
    if devices is None:
        _wide(trace, values, means, peaks, readable, where)
    else:
        readable &= frame[devices].notna().to_numpy()
        _long(trace, frame[devices], values[means[0]], values[peaks[0]] if peaks else None, readable, where)
    trace.unreadable += int((~readable).sum())
    return trace


def _frame(path: Path) -> "tuple[pd.DataFrame, int, list[str]]":
    """The table, how many lines of it could not be split, and remarks."""
    import pandas as pd

    where, data = path.name, read_bytes(path, LIMIT)
    if data.startswith(b"PAR1"):
        try:
            frame = pd.read_parquet(io.BytesIO(data))
        except Exception as error:  # whatever a damaged file makes the library raise
            raise fault(
                where, f"is damaged Parquet ({type(error).__name__})", "a complete file", "write it again"
            ) from None
        if not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index()
        return frame, 0, []
    text = decode(data, where).lstrip("\ufeff")
    delimiter = delimiter_of(text)
    head = text[:65536].splitlines()
    skip = next((row for row, line in enumerate(head) if line.strip() and not line.startswith("#")), 0)
    options = {"sep": delimiter, "skiprows": skip, "on_bad_lines": "skip", "skipinitialspace": True}
    if delimiter in ";\t" and len(head) > skip + 1 and re.search(r"\d,\d", head[skip + 1]):
        options["decimal"] = ","
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mixed types in a column are looked at here, below
            frame = pd.read_csv(io.StringIO(text), low_memory=False, index_col=False, **options)  # type: ignore[call-overload]
    except (ValueError, pd.errors.ParserError, OverflowError, RecursionError) as error:
        raise fault(
            where, f"is no readable table ({str(error)[:120]})", "CSV, TSV or Parquet", "export it again"
        ) from None
    lines = (
        sum(1 for line in io.StringIO(text) if line.strip())
        - sum(1 for line in head[:skip] if line.strip())
        - 1
    )
    return frame, max(lines - len(frame), 0), []


def _time_column(frame: "pd.DataFrame") -> str | None:
    """The column named like time; one with clock stamps before one with numbers."""
    import pandas as pd

    named = [str(name) for name in frame.columns if TIME.fullmatch(re.sub(r"\W+", "_", str(name)).strip("_"))]
    clocks = [name for name in named if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    return next(iter(clocks or named), None)


def _device_column(frame: "pd.DataFrame", names: list[str]) -> str | None:
    """The column that tells several devices apart, each with several rows."""
    for name in names:
        if DEVICE.match(name):
            labels = frame[name].nunique()
            if 2 <= labels <= len(frame) / 2:
                return name
    return None


def _time_unit(name: str) -> str:
    unit = split_unit(name)[1]
    tail = re.search(r"_(ms|s|sec|seconds|min|h|hours|d)$", name, re.IGNORECASE)
    return unit or (tail.group(1) if tail else "")


def _counted(frame: "pd.DataFrame", devices: str | None, step_s: float | None, where: str) -> Stamps:
    if step_s is None:
        raise fault(
            where,
            "no time column",
            "a column 'time' or 'timestamp', or a step",
            "give the step, e.g. step=300",
        )
    rows: Array = np.arange(len(frame), dtype=np.float64)
    if devices is not None:
        rows = np.asarray(frame.groupby(devices, sort=False, dropna=False).cumcount(), dtype=np.float64)
    return Stamps(rows * step_s, None, False, f"no time column: rows counted in steps of {step_s:g} s")


def _kind(name: str) -> str:
    bare = split_unit(name)[0].replace(".", "_").replace(" ", "_")
    if OTHER.search(bare):
        return ""
    if POWER.search(bare) or split_unit(name)[1].lower() in {"w", "kw", "mw"}:
        return "power"
    if ACTIVITY.search(bare):
        return "processor" if "cpu" in bare.lower() else "activity"
    return ""


def _unit(name: str) -> str:
    unit = split_unit(name)[1]
    if not unit:
        tail = re.search(r"(?:^|[_ ])(k?w|mw|watts?|kilowatts?|percent|pct)(?:_|$)", name, re.IGNORECASE)
        unit = tail.group(1) if tail else ""
    return _plain(unit)


def _plain(unit: str) -> str:
    """Lower case, but a milliwatt is no megawatt."""
    return "milliwatt" if unit == "mW" else unit.lower()


def _values(column: "pd.Series[float]", name: str, quantity: Quantity, where: str, notes: list[str]) -> Array:
    """Numbers of a column in W or as a share; cells may carry the unit (``69.32 W``, ``0 %``)."""
    import pandas as pd

    place = f"{where} → column '{name}'"
    cell_unit = ""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        values = column_numbers(column)
    else:
        text = column.astype("string").str.strip()
        parts = text.str.extract(r"^([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*([A-Za-z%]*)$")
        values = column_numbers(parts[0])
        units = {_plain(str(unit)) for unit in parts[1].dropna().unique()} - {""}
        if len(units) > 1:
            raise fault(
                place, f"cells in {', '.join(sorted(units))}", "one unit per column", "convert the cells"
            )
        cell_unit = units.pop() if units else ""
        odd = text[
            np.isnan(values) & text.notna().to_numpy() & ~text.str.lower().isin(list(MISSING)).to_numpy(bool)
        ]
        if len(odd) > 0.05 * len(text):
            raise fault(
                place, f"'{str(odd.iloc[0])[:40]}' and {len(odd) - 1} more", "numbers", "clean the column"
            )
        if len(odd):
            notes.append(f"column '{name}': {len(odd)} cells such as '{str(odd.iloc[0])[:40]}' are no number")
    unit = cell_unit or _unit(name)
    if quantity == "power":
        if unit not in {*POWER_UNITS, ""}:
            raise fault(place, f"unit '{unit}'", "W, kW or MW", "write the unit as 'power [W]'")
        if (
            unit == "mw"
            and "MW" not in name
            and not cell_unit
            and np.nanmax(values, initial=0.0) > MOST_MEGAWATTS
        ):
            raise fault(
                place, f"up to {np.nanmax(values):g} 'mw'", "[MW] or [mW] in brackets", "tell mega from milli"
            )
        return np.asarray(values * POWER_UNITS.get(unit, 1.0))
    if unit not in {*SHARE_UNITS, ""}:
        raise fault(place, f"unit '{unit}'", "% or 1", "write the unit as 'util [%]'")
    if unit:
        return np.asarray(values * SHARE_UNITS[unit])
    top = float(np.nanmax(values, initial=0.0))
    if 1.005 < top < 2.0:
        raise fault(
            place,
            f"largest value {top:g} and no unit",
            "a share up to 1 or percent",
            "name it 'util [%]' or 'util [1]'",
        )
    notes.append(
        f"column '{name}': no unit, up to {top:g}, taken as {'percent' if top > 1.005 else 'a share of 1'}"
    )
    return values * 0.01 if top > 1.005 else values


def _repeats(seconds: Array) -> bool:
    return np.unique(seconds).size < 0.9 * seconds.size


def _split_peak(names: list[str]) -> tuple[list[str], list[str]]:
    peaks = [name for name in names if PEAK.search(split_unit(name)[0])]
    means = [name for name in names if name not in peaks]
    return (means, peaks) if means else (names, [])


def _long(
    trace: RawTrace,
    devices: "pd.Series[str]",
    values: Array,
    peaks: Array | None,
    readable: NDArray[np.bool_],
    where: str,
) -> None:
    codes, labels = devices[readable].factorize()
    if len(labels) > MAX_DEVICES:
        raise fault(where, f"{len(labels)} devices", f"up to {MAX_DEVICES}", "sum them by rack first")
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(labels) + 1))
    rows = np.flatnonzero(readable)[order]
    for code, label in enumerate(labels):
        own = rows[bounds[code] : bounds[code + 1]]
        trace.signals[str(label)] = Signal(
            trace.stamps.seconds[own], values[own], None if peaks is None else peaks[own]
        )


def _wide(
    trace: RawTrace,
    values: dict[str, Array],
    means: list[str],
    peaks: list[str],
    readable: NDArray[np.bool_],
    where: str,
) -> None:
    seconds = trace.stamps.seconds[readable]
    if _repeats(seconds):
        raise fault(
            where,
            f"{seconds.size} rows but only {np.unique(seconds).size} different times and no device column",
            "one row per time, or a column 'device'",
            "add the device's name or index to each row",
        )
    for name in means:
        trace.signals[name] = Signal(
            seconds, values[name][readable], values[peaks[0]][readable] if peaks else None
        )
