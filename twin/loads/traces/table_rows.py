"""Readings of one block of a table: fast where it is as regular as a logger writes it, cell by cell where it is not."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.files import MISSING, Stamps, column_numbers, fault, tame
from twin.loads.traces.clock import Clock
from twin.loads.traces.column_names import POWER_UNITS, SHARE_UNITS, plain_unit, unit_of
from twin.loads.traces.raw import Array, Bytes, Codes, RawTrace
from twin.loads.traces.table_plan import Plan

if TYPE_CHECKING:
    import pandas as pd

NULLS = sorted({form for word in MISSING for form in (word, word.upper(), word.title())})
MOST_MEGAWATTS = 2000.0  # more in a column that ends in "mw" is probably milliwatts


class Rows(NamedTuple):
    """Readings of one block: device codes and labels where it is long."""

    seconds: Array
    codes: Codes | None
    labels: list[str]
    values: dict[str, Array]


def careful_rows(
    frame: "pd.DataFrame", plan: Plan, clock: Clock, counted: "Counter", trace: RawTrace
) -> Rows:
    """Readings of a table of any cells."""
    values = {name: _values(frame[name], name, plan, trace) for name in (*plan.means, *plan.peak_of.values())}
    codes, labels = None, [""]
    if plan.devices:
        column = _label(frame[plan.devices[0]])
        for name in plan.devices[1:]:
            column = column + "/" + _label(frame[name])
        codes, found = column.factorize()
        labels = [str(label) for label in found]
    seconds = counted.read(codes, labels, len(frame)) if plan.time is None else clock.read(frame[plan.time])
    return Rows(seconds, codes, labels, values)


def _label(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Names of devices; a number that a cut-off line made a fraction (``0.0``) is whole again."""
    text = column.astype("string").str.strip()
    return text.str.replace(r"^(\d+)\.0$", r"\1", regex=True) if column.dtype.kind == "f" else text


def fast_rows(block: bytes, plan: Plan, clock: Clock, trace: RawTrace) -> Rows | None:
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
        found = {plain_unit(unit) for unit in written}
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
    before = plain_unit(plan.suffixes.get(name, cell_unit))
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
    return units.get(plain_unit(plan.suffixes.get(name, "")) or unit_of(name), 1.0)


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
                "give the step of its rows: twin trace convert FILE --step '5 min' --out load.parquet",
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
