"""Reader of plain tables: CSV, TSV or Parquet, one row per time (wide) or per time and device (long).

The first rows decide what the columns are. What follows is read block by block: fast where it is as regular as a
logger writes it, cell by cell where it is not; both give the same readings.
"""

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.files import MISSING, Stamps, column_numbers, delimiter_of, fault, split_unit, tame
from twin.traces.clock import Clock
from twin.traces.polls import Polls
from twin.traces.raw import Array, Bytes, Codes, Quantity, RawTrace, Signal
from twin.traces.source import Source

if TYPE_CHECKING:
    import pandas as pd

TIME = re.compile(
    r"((local|utc|unix|epoch|sample|start)_?)?(time|timestamp|time_stamp|date|datetime|date_time|day|ts|epoch|zeit|zeitstempel|datum|uhrzeit)"
    r"(_(utc|local|iso|unix|ms|s|sec|seconds|min|h|hours|d))*",
    re.IGNORECASE,
)
DAY = re.compile(r"(local_?)?(date|day|datum)", re.IGNORECASE)
TIME_OF_DAY = re.compile(r"(local_?)?(time|hour|uhrzeit|zeit|time_?of_?day)", re.IGNORECASE)
DAY_CELL = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
TIME_CELL = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")
# Columns that tell devices apart, the finest first; a host and a device on it are taken together.
DEVICES = (
    re.compile(r"(index|gpu|gpu_?id|gpu_?index|card|device|uuid|gpu_uuid|pci\W?bus_id)$", re.I),
    re.compile(r"(hostname|host|node|node_?id|cdu|rack|server|instance|machine|entity|name|series)$", re.I),
)
POWER = re.compile(r"power|leistung|watt|(^|_)(k|m)?w$|_w_|^p_|pwr", re.IGNORECASE)
ACTIVITY = re.compile(
    r"util|activity|gpu_use|sm_active|gr_engine|usage|busy|load_share|gputl|duty", re.IGNORECASE
)
# Columns with such words carry neither load nor activity, even where another word of their name matches.
OTHER = re.compile(
    r"temp|wet.?bulb|dry.?bulb|humid|mem|fan|clock|limit|cap(_|$)|power_?cap|factor|volt|amp|^pf$|min(imum)?$|std|"
    r"_n$|samples|count|energy|_p\d+(_|$)|median|decoder|encoder",
    re.IGNORECASE,
)
LIMITS = re.compile(r"limit|cap|min|std|_n$|samples|count|_p\d|median", re.IGNORECASE)  # of power, not power
# How busy these are is not how busy the machines are; their power is power.
TRAFFIC = re.compile(r"(^|_)net|network|ethernet|disk", re.IGNORECASE)
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


BATCH = 500_000  # rows of Parquet at once
NULLS = sorted({form for word in MISSING for form in (word, word.upper(), word.title())})


@dataclass
class Plan:
    """What the first rows of a table decide for all of it."""

    names: list[str]
    delimiter: str
    decimal: str
    quantity: Quantity
    time: str | None
    devices: list[str]
    means: list[str]
    peak_of: dict[str, str]  # column of peaks, by column of means
    own: bool  # written by ``twin trace convert``
    joined: tuple[str, str] | None = None  # columns of days and of times of day
    suffixes: dict[str, str] = field(default_factory=dict)  # unit written in the cells, by column


class Rows(NamedTuple):
    """Readings of one block: device codes and labels where it is long."""

    seconds: Array
    codes: Codes | None
    labels: list[str]
    values: dict[str, Array]


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
            frame, names, delimiter, decimal = _first(block, names, trace)
            joined = _day_and_time(frame)
            plan = _plan(_joined(frame, joined), names, delimiter, decimal, quantity, trace)
            plan.joined = joined
            clock = Clock(f"{trace.where} → column '{plan.time}'", _time_unit(plan.time or ""))
            rows = _careful(frame, plan, clock, counted, trace)
            trace.stamps = counted.stamps if plan.time is None else clock.known
            if polled and not plan.devices and plan.time is not None:
                polls = Polls(rows.seconds)
            if not plan.devices and (polls is None or polls.devices == 1):
                polls = None
                _distinct(rows.seconds, trace.where)
        elif isinstance(block, bytes):
            rows = _fast(block, plan, clock, trace)
        if rows is None:
            frame = _frame(block, plan.names, plan.delimiter, plan.decimal, trace)
            rows = _careful(_joined(frame, plan.joined), plan, clock, counted, trace)
        if polls is not None:
            rows = polls.split(rows.seconds, rows.values)
        _add(trace, plan, rows)
    if polls is not None and plan is not None:
        _add(trace, plan, polls.flush())
        trace.notes.append(
            f"no index column: rows come in bursts of {polls.devices}, taken as devices in that order"
        )


def header_of(head: str) -> list[str]:
    """Names in the first line of a text table."""
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    return [name.strip().strip('"') for name in first.split(delimiter_of(head))]


def read_frame(source: Source, trace: RawTrace) -> "pd.DataFrame":
    """A whole table in memory."""
    import pandas as pd

    frames: list[pd.DataFrame] = []
    names, delimiter, decimal = None, "", ""
    for block in source_blocks(source):
        if names is None:
            frame, names, delimiter, decimal = _first(block, None, trace)
        else:
            frame = _frame(block, names, delimiter, decimal, trace)
        frames.append(frame)
    whole: pd.DataFrame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return whole


def source_blocks(source: Source, trace: RawTrace | None = None) -> "Iterator[bytes | pd.DataFrame]":
    """Text in blocks, or Parquet in batches; what Parquet states about itself goes to ``trace``."""
    if source.parquet is None:
        yield from source.blocks()
        return
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source.parquet) as file:
            if trace is not None:
                stated = (file.schema_arrow.metadata or {}).items()
                own = {k.decode()[5:]: v.decode() for k, v in stated if k.startswith(b"twin.")}
                trace.state(own)
            for batch in file.iter_batches(BATCH):
                frame = batch.to_pandas()
                yield frame if frame.index.name is None else frame.reset_index()
    except Exception as error:  # whatever a damaged file makes the library raise
        raise fault(
            source.where, f"is damaged Parquet ({type(error).__name__})", "a complete file", "write it again"
        ) from None


def _first(
    block: "bytes | pd.DataFrame", names: list[str] | None, trace: RawTrace
) -> "tuple[pd.DataFrame, list[str], str, str]":
    """The first rows, the names of all columns, the delimiter and the decimal sign."""
    if not isinstance(block, bytes):
        return _frame(block, None, "", "", trace), [str(name) for name in block.columns], "", ""
    text = block[:65536].decode("utf-8", errors="replace")
    delimiter = delimiter_of(text)
    head = text.splitlines()
    skip = next((row for row, line in enumerate(head) if line.strip() and not line.startswith("#")), 0)
    _comments(head[:skip], trace)
    decimal = "."
    if delimiter in ";\t" and len(head) > skip + 1 and re.search(r"\d,\d", head[skip + 1]):
        decimal = ","
    block = b"\n".join(block.split(b"\n", skip)[skip:]) if skip else block
    frame = _frame(block, names, delimiter, decimal, trace)
    return frame, [str(name) for name in frame.columns], delimiter, decimal


def _comments(lines: list[str], trace: RawTrace) -> None:
    """``# boundary: gpu`` and ``# devices: a=4, b=2`` above a table, as ``twin trace convert`` writes them."""
    facts = dict(line.lstrip("# ").split(":", 1) for line in lines if ":" in line)
    trace.state({key.strip().lower(): value.strip() for key, value in facts.items()})


def _frame(
    block: "bytes | pd.DataFrame", names: list[str] | None, delimiter: str, decimal: str, trace: RawTrace
) -> "pd.DataFrame":
    """A block as a table; lines that cannot be split are counted. Its first line is the header where no names are given."""
    import pandas as pd

    if not isinstance(block, bytes):
        block.columns = pd.Index([str(name).strip() for name in block.columns])
        trace.rows += len(block)
        return block
    options: dict[str, Any] = {"names": names, "header": None} if names else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mixed types in a column are looked at here, below
            frame: pd.DataFrame = pd.read_csv(
                io.BytesIO(block),
                sep=delimiter,
                decimal=decimal,
                on_bad_lines="skip",
                skipinitialspace=True,
                low_memory=False,
                index_col=False,
                encoding_errors="replace",
                **options,
            )
    except (ValueError, pd.errors.ParserError, OverflowError, RecursionError) as error:
        raise fault(
            trace.where,
            f"is no readable table ({str(error)[:120]})",
            "CSV, TSV or Parquet",
            "export it again",
        ) from None
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    lines = sum(1 for line in block.split(b"\n") if line.strip()) - (0 if names else 1)
    trace.unreadable += max(lines - len(frame), 0)
    trace.rows += max(lines, len(frame))
    return frame


def _plan(
    frame: "pd.DataFrame",
    names: list[str],
    delimiter: str,
    decimal: str,
    quantity: Quantity | None,
    trace: RawTrace,
) -> Plan:
    where = trace.where
    names = [name.strip() for name in names]
    if len(set(names)) != len(names) or len(frame) < 2:
        raise fault(
            where,
            f"{len(frame)} rows, columns {names[:8]}",
            "two rows and names that differ",
            "check the header",
        )
    time = _time_column(frame)
    kinds = {name: kind_of(name) for name in names if name != time}
    wanted: Quantity = (
        quantity or trace.own_quantity or ("power" if "power" in kinds.values() else "activity")
    )
    chosen = [name for name, kind in kinds.items() if kind == wanted]
    chosen = chosen or [name for name, kind in kinds.items() if kind == "processor" and wanted == "activity"]
    if not chosen and trace.own_quantity != wanted:
        raise fault(
            where,
            f"no column of {quantity or 'power or activity'} among {', '.join(names)[:200]}",
            "a name with power or watts, or util or activity, and its unit: 'power [W]', 'util [%]'",
            "rename the column",
        )
    devices = _device_columns(frame, [name for name in names if name not in chosen and name != time])
    own = trace.own_quantity == wanted
    if own:
        return _own_plan(names, delimiter, decimal, wanted, time)
    means, peaks = _split_peak(chosen)
    if devices:
        means, peaks = means[:1], peaks[:1]
    elif not len(means) == len(peaks) == 1:
        peaks = []
    unused = [name for name in frame.columns if name not in {time, *devices, *means, *peaks}]
    if unused:
        trace.notes.append(f"columns not used: {', '.join(unused)[:300]}")
    for name in unused:
        word = OTHER.search(_bare(name))
        if wanted == "power" and word and _states_power(name) and not LIMITS.search(_bare(name)):
            trace.notes.append(
                f"column '{name}' states power and is not taken as load, for '{word.group()}' in its name; rename it if it is"
            )
    trace.quantity = wanted
    trace.unit_stated = all(unit_of(name) for name in means)
    return Plan(
        names, delimiter, decimal, wanted, time, devices, means, dict(zip(means, peaks, strict=False)), False
    )


def _own_plan(names: list[str], delimiter: str, decimal: str, quantity: Quantity, time: str | None) -> Plan:
    """Columns as ``twin trace convert`` names them, whatever the devices are called."""
    columns = [name for name in names if name != time]
    bare = {split_unit(name)[0]: name for name in columns}
    peak_of = {name: bare[f"{word} peak"] for word, name in bare.items() if f"{word} peak" in bare}
    means = [name for name in columns if name not in peak_of.values()]
    return Plan(names, delimiter, decimal, quantity, time, [], means, peak_of, True)


def _careful(frame: "pd.DataFrame", plan: Plan, clock: Clock, counted: "Counter", trace: RawTrace) -> Rows:
    """Readings of a table of any cells."""
    values = {name: _values(frame[name], name, plan, trace) for name in (*plan.means, *plan.peak_of.values())}
    codes, labels = None, [""]
    if plan.devices:
        column = frame[plan.devices[0]].astype("string").str.strip()
        for name in plan.devices[1:]:
            column = column + "/" + frame[name].astype("string").str.strip()
        codes, found = column.factorize()
        labels = [str(label) for label in found]
    seconds = counted.read(codes, labels, len(frame)) if plan.time is None else clock.read(frame[plan.time])
    return Rows(seconds, codes, labels, values)


def _fast(block: bytes, plan: Plan, clock: Clock, trace: RawTrace) -> Rows | None:
    """Readings of a block whose rows are all regular, else None."""
    import pyarrow as pa
    from pyarrow import csv

    if plan.time is None or plan.joined or (clock.known.first is None and not clock.known.scale):
        return None
    for unit in set(plan.suffixes.values()):
        for end in (plan.delimiter, "\n"):
            block = block.replace(f" {unit}{end}".encode(), end.encode())
    numbers = [*plan.means, *plan.peak_of.values()]
    types: dict[str, pa.DataType] = dict.fromkeys(numbers, pa.float64())
    types |= dict.fromkeys(plan.devices, pa.dictionary(pa.int32(), pa.string()))
    types[plan.time] = pa.float64() if clock.known.scale else pa.string()
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(column_names=plan.names, block_size=len(block) + 1, use_threads=False),
            csv.ParseOptions(delimiter=plan.delimiter),
            csv.ConvertOptions(
                include_columns=list(types),
                column_types=types,
                null_values=NULLS,
                strings_can_be_null=True,
                decimal_point=plan.decimal,
            ),
        ).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    times = table[plan.time].combine_chunks()
    if clock.known.scale:
        seconds: Array | None = clock.numbers(_numbers(times))
    else:
        seconds = clock.fast(characters(times))
    if seconds is None:
        return None
    codes, labels = _dictionary(table, plan.devices)
    trace.rows += len(table)
    scales = {name: _scale(name, plan) for name in numbers}
    values = {name: tame(_numbers(table[name].combine_chunks()) * scales[name]) for name in numbers}
    return Rows(seconds, codes, labels, values)


def _numbers(column: Any) -> Array:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def characters(strings: Any) -> Bytes:
    """Cells of an Arrow string array of one width, shape (rows, width); of none (0, 0) if their widths differ."""
    n = len(strings)
    offsets = np.frombuffer(strings.buffers()[1], dtype=np.int32)[strings.offset : strings.offset + n + 1]
    width = int(offsets[1] - offsets[0]) if n else 0
    if strings.null_count or not width or (np.diff(offsets) != width).any():
        return np.empty((0, 0), dtype=np.uint8)
    data = np.frombuffer(strings.buffers()[2], dtype=np.uint8)
    return data[offsets[0] : offsets[-1]].reshape(n, width)


def _dictionary(table: Any, devices: list[str]) -> tuple[Codes | None, list[str]]:
    """One code per row for the columns that tell devices apart."""
    if not devices:
        return None, [""]
    codes: Codes = np.zeros(len(table), dtype=np.int64)
    labels = [""]
    for name in devices:
        column = table[name].combine_chunks()
        own = column.indices.fill_null(-1).to_numpy()
        words = [str(word).strip() for word in column.dictionary.to_pylist()]
        codes = np.where((codes < 0) | (own < 0), -1, codes * len(words) + own)
        labels = [f"{label}/{word}" if label else word for label in labels for word in words]
        if len(labels) > 1_000_000:
            return np.full(len(table), -1), [""]
    return codes, labels


class Counter:
    """Times of rows without a time column: the n-th row of a device is n steps after its first."""

    def __init__(self, step_s: float | None, where: str) -> None:
        self.step_s, self.where = step_s, where
        self.rows: dict[str, int] = {}

    @property
    def stamps(self) -> Stamps:
        """How these times are understood."""
        note = f"no time column: rows counted in steps of {self.step_s or 0.0:g} s"
        return Stamps(np.empty(0), None, False, note)

    def read(self, codes: Codes | None, labels: list[str], n: int) -> Array:
        """Seconds of the rows of a block. Raises ``InputError`` without a step."""
        if self.step_s is None:
            raise fault(
                self.where,
                "no time column",
                "a column 'time' or 'timestamp', or a step",
                "give the step, e.g. step=300",
            )
        codes = np.zeros(n, dtype=np.int64) if codes is None else codes
        order = np.argsort(codes, kind="stable")
        begins = np.searchsorted(codes[order], np.arange(len(labels)))
        ends = np.searchsorted(codes[order], np.arange(len(labels)), side="right")
        seconds = np.full(n, np.nan)
        for code, label in enumerate(labels):
            own = order[begins[code] : ends[code]]
            done = self.rows.get(label, 0)
            seconds[own] = (done + np.arange(own.size)) * self.step_s
            self.rows[label] = done + own.size
        return seconds


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


def _day_and_time(frame: "pd.DataFrame") -> tuple[str, str] | None:
    """A column of days and one of times of day, where there are both."""
    import pandas as pd

    def first(form: re.Pattern[str], cell: re.Pattern[str]) -> str | None:
        for name in map(str, frame.columns):
            if form.fullmatch(name) and not pd.api.types.is_numeric_dtype(frame[name].dtype):
                cells = frame[name].dropna().astype("string").str.strip()
                if len(cells) and cells.head(50).str.fullmatch(cell.pattern).mean() > 0.5:
                    return name
        return None

    day, time = first(DAY, DAY_CELL), first(TIME_OF_DAY, TIME_CELL)
    return None if day is None or time is None else (day, time)


def _joined(frame: "pd.DataFrame", pair: tuple[str, str] | None) -> "pd.DataFrame":
    """Days and times of day in one column, that of the days."""
    if pair is None:
        return frame
    day, time = (frame[name].astype("string").str.strip() for name in pair)
    frame[pair[0]] = day + " " + time
    return frame.drop(columns=pair[1])


def _time_column(frame: "pd.DataFrame") -> str | None:
    """The column named like time; one with clock stamps before one with numbers."""
    import pandas as pd

    named = [str(name) for name in frame.columns if TIME.fullmatch(re.sub(r"\W+", "_", str(name)).strip("_"))]
    clocks = [name for name in named if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    return next(iter(clocks or named), None)


def _device_columns(frame: "pd.DataFrame", names: list[str]) -> list[str]:
    """The columns that tell several devices apart, each with several rows: a host, a device on it, or both."""
    fine, coarse = (
        [name for name in names if form.match(name) and 2 <= frame[name].nunique() <= len(frame) / 2]
        for form in DEVICES
    )
    if not fine or not coarse:
        return (fine or coarse)[:1]
    if len(frame[[coarse[0], fine[0]]].drop_duplicates()) > frame[fine[0]].nunique():
        return [coarse[0], fine[0]]
    return fine[:1]


def _time_unit(name: str) -> str:
    unit = split_unit(name)[1]
    tail = re.search(r"_(ms|s|sec|seconds|min|h|hours|d)$", name, re.IGNORECASE)
    return unit or (tail.group(1) if tail else "")


def _bare(name: str) -> str:
    return split_unit(name)[0].replace(".", "_").replace(" ", "_")


def _states_power(name: str) -> bool:
    return split_unit(name)[1].lower() in {"w", "kw", "mw"}


def kind_of(name: str) -> str:
    bare = _bare(name)
    if OTHER.search(bare):
        return ""
    if POWER.search(bare) or _states_power(name):
        return "power"
    if ACTIVITY.search(bare) and not TRAFFIC.search(bare):
        return "processor" if "cpu" in bare.lower() else "activity"
    return ""


def unit_of(name: str) -> str:
    unit = split_unit(name)[1]
    if not unit:
        tail = re.search(r"(?:^|[_ ])(k?w|mw|watts?|kilowatts?|percent|pct)(?:_|$)", name, re.IGNORECASE)
        unit = tail.group(1) if tail else ""
    return _plain(unit)


def _plain(unit: str) -> str:
    """Lower case, but a milliwatt is no megawatt."""
    return "milliwatt" if unit == "mW" else unit.lower()


def _values(column: "pd.Series[Any]", name: str, plan: Plan, trace: RawTrace) -> Array:
    """Numbers of a column in W or as a share; cells may carry the unit (``69.32 W``, ``0 %``)."""
    import pandas as pd

    place = f"{trace.where} → column '{name}'"
    cell_unit = ""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        values = column_numbers(column)
    else:
        text = column.astype("string").str.strip()
        parts = text.str.extract(r"^([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*([A-Za-z%]*)$")
        values = column_numbers(parts[0])
        written = sorted({str(unit) for unit in parts[1].dropna().unique()} - {""})
        found = {_plain(unit) for unit in written}
        if len(found) > 1:
            raise fault(
                place, f"cells in {', '.join(sorted(found))}", "one unit per column", "convert the cells"
            )
        cell_unit = found.pop() if found else ""
        if written:
            plan.suffixes.setdefault(name, written[0])
        odd = text[
            np.isnan(values) & text.notna().to_numpy() & ~text.str.lower().isin(list(MISSING)).to_numpy(bool)
        ]
        if len(odd) > 0.05 * len(text):
            raise fault(
                place, f"'{str(odd.iloc[0])[:40]}' and {len(odd) - 1} more", "numbers", "clean the column"
            )
        if len(odd):
            trace.notes.append(
                f"column '{name}': {len(odd)} cells such as '{str(odd.iloc[0])[:40]}' are no number"
            )
    before = _plain(plan.suffixes.get(name, cell_unit))
    if cell_unit and before != cell_unit:
        raise fault(place, f"cells in {before} and {cell_unit}", "one unit per column", "convert the cells")
    top = float(np.nanmax(values, initial=0.0))
    if unit_of(name) == "mw" and "MW" not in name and not cell_unit and top > MOST_MEGAWATTS:
        raise fault(place, f"up to {top:g} 'mw'", "[MW] or [mW] in brackets", "tell mega from milli")
    unit = cell_unit or unit_of(name)
    units = POWER_UNITS if plan.quantity == "power" else SHARE_UNITS
    if unit not in {*units, ""}:
        allowed = "W, kW or MW" if plan.quantity == "power" else "% or 1"
        raise fault(place, f"unit '{unit}'", allowed, "write the unit as 'power [W]' or 'util [%]'")
    if not unit and plan.quantity == "activity":
        trace.unscaled.add(name)
    return np.asarray(values * units.get(unit, 1.0))


def _scale(name: str, plan: Plan) -> float:
    units = POWER_UNITS if plan.quantity == "power" else SHARE_UNITS
    return units.get(_plain(plan.suffixes.get(name, "")) or unit_of(name), 1.0)


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
    if different < 0.9 * seconds.size:
        raise fault(
            where,
            f"{seconds.size} rows but only {different} different times and no device column",
            "one row per time, or a column 'device'",
            "add the device's name or index to each row",
        )


def _split_peak(names: list[str]) -> tuple[list[str], list[str]]:
    peaks = [name for name in names if PEAK.search(split_unit(name)[0])]
    means = [name for name in names if name not in peaks]
    return (means, peaks) if means else (names, [])
