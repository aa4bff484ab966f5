"""Reading what people hand in: bytes, text, tables and time stamps. Every fault ends in an ``InputError``.

Formats are told apart by content, never by the file's name.
"""

import csv
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_sites.errors import InputError, Problem, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

MISSING = {"", "-", "--", "na", "n/a", "nan", "nat", "null", "none", "[n/a]", "[not supported]", "no reading"}
DELIMITERS = "\t;,|"
HUGE = 1e30
_PACKED = {
    b"PK\x03\x04": "a ZIP or Excel file",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ZONE = re.compile(r"\d{1,2}:\d{2}.*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
# Tried in this order after ISO 8601; the two slashed and dashed orders are told apart by the data.
_FORMATS = (
    ("%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M"),
    ("%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y"),
    ("%m-%d-%Y %H:%M:%S.%f", "%m-%d-%Y %H:%M:%S", "%m-%d-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M"),
    (
        *("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y"),
        *("%d/%m/%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y"),
    ),
)
MAX_EPOCH_S = 4e9  # the year 2096
_EPOCHS = (
    (1e17, 1e-9, "epoch ns"),
    (1e14, 1e-6, "epoch µs"),
    (1e11, 1e-3, "epoch ms"),
    (3e8, 1.0, "epoch s"),
)
_TIME_UNITS = {
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
}


def fault(where: str, found: str, allowed: str, remedy: str = "") -> InputError:
    """An ``InputError`` with one problem."""
    return InputError([Problem(where, found, allowed, remedy)])


def check_regular(path: Path) -> None:
    """Refuse what is no file on disk, with a near name where there is one. Raises ``InputError``."""
    where = path.name or str(path)
    try:
        if path.is_dir():
            raise fault(where, "is a folder", "one file", "name the file inside it")
        if not path.exists():
            near = [other.name for other in path.parent.iterdir()][:500] if path.parent.is_dir() else []
            remedy = did_you_mean(path.name, near) if near else "check the folder's name"
            raise fault(where, f"no such file: {path}", "a file that exists", remedy)
        if not path.is_file():
            raise fault(where, "is not a regular file", "a file on disk", "copy the data into a file")
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise fault(
            where, f"cannot be read: {error}", "a readable file", "check name and permission"
        ) from None


def refuse_packed(data: bytes, where: str) -> None:
    """Refuse archives by their first bytes. Raises ``InputError``."""
    for magic, what in _PACKED.items():
        if data.startswith(magic):
            raise fault(where, f"is {what}", "plain text, gzip or Parquet", "unpack or export it as CSV")


def read_bytes(path: Path, limit: int) -> bytes:
    """Content of a file, gunzipped if it is gzip; more than ``limit`` bytes are refused."""
    where = path.name or str(path)
    check_regular(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise fault(
            where, f"cannot be read: {error}", "a readable file", "check name and permission"
        ) from None
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, where, limit)
    if len(data) > limit:
        raise fault(
            where,
            f"is larger than {limit / 1e6:.0f} MB",
            f"up to {limit / 1e6:.0f} MB unpacked",
            "average it to a coarser step, or keep only the columns that are needed",
        )
    if not data.strip(b"\0 \t\r\n"):
        raise fault(where, "is empty", "a file with data", "write or download it again")
    refuse_packed(data, where)
    return data


def _gunzip(data: bytes, where: str, limit: int) -> bytes:
    out = bytearray()
    try:
        while data:  # gzip files may be several members one after the other
            unpacker = zlib.decompressobj(wbits=31)
            out += unpacker.decompress(data, limit + 1 - len(out))
            if len(out) > limit:
                return bytes(out)
            if not unpacker.eof:
                raise zlib.error("the file ends too early")
            data = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise fault(
            where, f"is damaged gzip ({error})", "a complete gzip file", "copy or download it again"
        ) from None
    return bytes(out)


def decode(data: bytes, where: str) -> str:
    """Text of ``data``: UTF-8, UTF-16 with its mark, else Windows-1252."""
    marked = (name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark))
    encoding = next(marked, "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise fault(where, "holds binary data", "a text file (CSV, EPW, JSON)", "check which file was given")
    return text.removeprefix("\ufeff")


class Table(NamedTuple):
    """A small delimited text: the ``# key: value`` lines above it, its column names, its cells by column."""

    comments: dict[str, str]
    names: list[str]
    columns: list[list[str]]
    decimal_comma: bool
    where: str

    def numbers(self, index: int) -> Array:
        """Column ``index`` as numbers, missing cells as NaN."""
        return numbers(
            self.columns[index], f"{self.where} → column '{self.names[index]}'", self.decimal_comma
        )


def delimiter_of(text: str) -> str:
    """The most frequent delimiter in the first line that is not a comment."""
    head = next((line for line in text[:65536].splitlines() if line.strip() and not line.startswith("#")), "")
    return max(DELIMITERS, key=head.count)


def read_table(text: str, where: str) -> Table:
    """Split a small delimited text; rows of another length than the header are refused."""
    comments: dict[str, str] = {}
    lines = text.splitlines()
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        key, colon, value = lines.pop(0).lstrip("# ").partition(":")
        if colon:
            comments[key.strip().lower()] = value.strip()
    lines = [line for line in lines if line.strip(' \t"' + DELIMITERS)]
    if len(lines) < 2:
        raise fault(where, f"has {len(lines)} lines", "a header and data rows", "check the file")
    delimiter = delimiter_of(lines[0])
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise fault(where, f"is not a readable table ({error})", "a CSV table", "export it again") from None
    if len(rows) < 2:
        raise fault(where, f"has {len(rows)} rows", "a header and data rows", "check the file")
    names = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            raise fault(
                f"{where} → row {number}",
                f"{len(row)} cells",
                f"{len(names)} cells as in the header",
                "look for decimal commas in a comma-separated file, or for a cut last line",
            )
    columns = [[row[index].strip() for row in rows[1:]] for index in range(len(names))]
    return Table(comments, names, columns, delimiter != ",", where)


def numbers(cells: Sequence[str], where: str, decimal_comma: bool = False) -> Array:
    """Numbers of text cells; missing tokens become NaN, anything else that is no number is refused."""
    try:
        values: Array = np.asarray(cells, dtype=np.float64)
    except ValueError:
        values = np.array(
            [_number(cell, row, where, decimal_comma) for row, cell in enumerate(cells)], dtype=float
        )
    return tame(values)


def tame(values: Array) -> Array:
    """Missing for what is not finite; numbers no check would pass stay huge but can be multiplied."""
    return np.where(np.isfinite(values), np.clip(values, -HUGE, HUGE), np.nan)


def _number(cell: str, row: int, where: str, decimal_comma: bool) -> float:
    text = cell.strip()
    if text.lower() in MISSING:
        return float("nan")
    try:
        return float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        raise fault(
            where,
            f"'{cell[:40]}' in data row {row + 1}",
            "a number",
            "write a point as decimal sign, no unit in cells",
        ) from None


def split_unit(header: str) -> tuple[str, str]:
    """``("power", "kW")`` of ``power [kW]`` or ``Power (kW)``; a bare number in brackets is an index."""
    match = re.fullmatch(r"(.*?)\s*[\[(]\s*([^\])]*?)\s*[\])]\s*", header.strip())
    if match and not match.group(2).isdigit():
        return match.group(1).strip(), match.group(2)
    return header.strip(), ""


class Stamps(NamedTuple):
    """Seconds since the first row, the first row's clock time, and how the zone was understood."""

    seconds: Array
    first: np.datetime64 | None  # None for relative seconds
    utc: bool  # True if ``first`` is UTC, False if it is a local clock without a zone
    note: str
    form: str = ""  # of text stamps as for ``strptime``; empty for numbers and true datetimes
    scale: float = 0.0  # s per unit of number stamps, else 0
    origin: float = 0.0  # number stamp of ``first``


def read_stamps(cells: "Sequence[str] | pd.Series[Any]", where: str, unit: str = "") -> Stamps:
    """Understand a column of time stamps: ISO 8601, usual local forms, epoch numbers or plain seconds.

    Cells that cannot be read become NaN.
    """
    import pandas as pd

    column: pd.Series[Any] = pd.Series(cells)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return _clock(column.dt.tz_convert("UTC").dt.tz_localize(None), True, "zone stated, converted to UTC")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _clock(column, False, "no zone stated: taken as the site's local standard clock")
    values = column_numbers(column)
    values[np.abs(values) >= HUGE] = np.nan
    if values.size and np.isfinite(values).mean() > 0.5:
        return _numeric_stamps(values, where, unit)
    text = column.astype("string").str.strip()
    parsed, zoned, form = _parse_text(text, where)
    note = (
        "zone stated, converted to UTC"
        if zoned
        else "no zone stated: taken as the site's local standard clock"
    )
    return _clock(parsed, zoned, note)._replace(form=form)


def column_numbers(column: "pd.Series[Any]") -> Array:
    """Numbers of a column of any kind, NaN for what is none."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
        column = pd.to_numeric(column.astype("string").str.strip(), errors="coerce")
    return tame(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _numeric_stamps(values: Array, where: str, unit: str) -> Stamps:
    typical = float(np.nanmedian(np.abs(values)))
    values[np.abs(values) > 1e3 * typical + 1e9] = np.nan  # a slip of the pen, not a time
    origin = values[np.isfinite(values)][0]
    for floor, scale, name in _EPOCHS:
        if typical > floor:
            if typical * scale > MAX_EPOCH_S:
                break
            first = np.datetime64(round(origin * scale * 1000.0), "ms")
            return Stamps((values - origin) * scale, first, True, f"{name}, UTC", "", scale, origin)
    else:
        scale = _TIME_UNITS.get(unit.lower(), 0.0) if unit else 1.0
        if scale:
            note = f"relative time in {unit or 's'}: placed at 2023-01-01 00:00"
            return Stamps((values - origin) * scale, None, False, note, "", scale, origin)
    raise fault(
        where, f"time numbers like {origin:g} [{unit}]", "s, ms, min, h, d or epoch s/ms", "name the unit"
    )


def _parse_text(text: "pd.Series[str]", where: str) -> "tuple[pd.Series[pd.Timestamp], bool, str]":
    """Times of text cells, whether they state a zone, and the form that fits most of them."""
    import pandas as pd

    filled = text[text.notna() & ~text.str.lower().isin(list(MISSING))]
    sample = filled.iloc[0] if len(filled) else ""
    zoned = bool(_ZONE.search(sample))
    for forms in (("ISO8601",), *_FORMATS):
        good = []
        for form in forms:
            try:
                parsed = pd.to_datetime(text, format=form, errors="coerce", utc=zoned)
            except (ValueError, OverflowError, TypeError):
                continue
            if len(filled) and parsed.notna().sum() >= 0.5 * len(filled):
                good.append((form, parsed))
        if good:
            form, best = max(good, key=lambda pair: (int(pair[1].notna().sum()), _orderly(pair[1])))
            rivals = [
                g
                for _, g in good
                if g is not best and g.notna().sum() == best.notna().sum() and not g.equals(best)
            ]
            if any(_orderly(rival) == _orderly(best) for rival in rivals):
                raise fault(
                    where,
                    f"day and month of '{sample}' cannot be told apart",
                    "YYYY-MM-DD",
                    "rewrite the dates",
                )
            return (best.dt.tz_localize(None) if zoned else best), zoned, form
    raise fault(
        where,
        f"'{sample[:40]}' is no time",
        "ISO 8601, epoch seconds or seconds",
        "write YYYY-MM-DD hh:mm:ss",
    )


def _orderly(column: "pd.Series[pd.Timestamp]") -> bool:
    return bool(column.dropna().is_monotonic_increasing or column.dropna().is_monotonic_decreasing)


def _clock(column: "pd.Series[pd.Timestamp]", utc: bool, note: str) -> Stamps:
    stamps = column.to_numpy(dtype="datetime64[ms]")
    real = stamps[~np.isnat(stamps)]
    if not real.size:
        return Stamps(np.full(stamps.size, np.nan), None, utc, note)
    seconds = (stamps - real[0]) / np.timedelta64(1, "s")
    return Stamps(np.asarray(seconds, dtype=np.float64), real[0], utc, note)
