"""Time stamps of a trace: the form is found in the first block and kept; local clocks to UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray
from twin_sites.errors import did_you_mean

from twin.files import Stamps, column_numbers, fault, read_stamps

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_PLAIN = re.compile(rb"\d{4}[-/]\d{2}[-/]\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|\+00:00)?")


class Clock:
    """Seconds since the first stamp of a file; ``stamps`` says how that first stamp was understood."""

    def __init__(self, where: str, unit: str = "") -> None:
        self.where, self.unit = where, unit
        self.stamps: Stamps | None = None

    @property
    def known(self) -> Stamps:
        """How the first stamp was understood, after the first ``read``."""
        assert self.stamps is not None
        return self.stamps

    def read(self, column: "pd.Series[Any]") -> Array:
        """Seconds of a column of stamps, NaN for what is none; the first column decides on form and zone."""
        import pandas as pd

        if self.stamps is None:
            self.stamps = read_stamps(column, self.where, self.unit)
            return self.stamps.seconds
        if self.stamps.scale:
            return self.numbers(column_numbers(column))
        if self.stamps.form and not pd.api.types.is_datetime64_any_dtype(column.dtype):
            text = column.astype("string").str.strip()
            parsed = pd.to_datetime(text, format=self.stamps.form, errors="coerce", utc=self.stamps.utc)
        else:
            parsed = pd.to_datetime(column, errors="coerce", utc=self.stamps.utc)
        if self.stamps.utc:
            parsed = parsed.dt.tz_localize(None)
        return self._since(parsed.to_numpy(dtype="datetime64[ms]"))

    def numbers(self, values: Array) -> Array:
        """Seconds of number stamps."""
        seconds = (values - self.known.origin) * self.known.scale
        return np.where(np.abs(seconds) < 1e10, seconds, np.nan)  # a slip of the pen, not a time

    def fast(self, cells: Bytes) -> Array | None:
        """Seconds of stamps of one width given as characters, shape (rows, width); None if they are of another form."""
        stamps = plain_stamps(cells)
        plain = self.known.form in ("ISO8601", "%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S")
        return self._since(stamps) if plain and stamps is not None else None

    def _since(self, stamps: NDArray[np.datetime64]) -> Array:
        if self.known.first is None:
            return np.full(stamps.size, np.nan)
        return np.asarray((stamps - self.known.first) / np.timedelta64(1, "s"), dtype=np.float64)


def plain_stamps(cells: Bytes) -> NDArray[np.datetime64] | None:
    """Times of ``YYYY-MM-DD hh:mm:ss[.fff]`` (also with slashes, T, Z), characters of shape (rows, width).

    None where any row is written otherwise or is no time.
    """
    if not cells.shape[0]:
        return None
    sample = cells[0].tobytes()
    found = _PLAIN.fullmatch(sample)
    if found is None:
        return None
    marks = [4, 7, 10, 13, 16, *range(19, 20 if found.group(1) else 19)]
    marks += list(range(len(sample) - len(found.group(2) or b""), len(sample)))
    if (cells[:, marks] != cells[0, marks]).any():
        return None
    digits = cells - np.uint8(48)
    places = [place for place in range(len(sample)) if place not in marks]
    if (digits[:, places] > 9).any():
        return None

    def number(start: int, end: int) -> NDArray[np.int64]:
        value = np.zeros(cells.shape[0], dtype=np.int64)
        for place in range(start, end):
            value = value * 10 + digits[:, place]
        return value

    year, month, day = number(0, 4), number(5, 7), number(8, 10)
    hour, minute, second = number(11, 13), number(14, 16), number(17, 19)
    if (
        not ((month >= 1) & (month <= 12) & (day >= 1)).all()
        or max(hour.max() - 23, minute.max() - 59, second.max() - 59) > 0
    ):
        return None
    months = (year - 1970) * 12 + month - 1
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - first
    if (day > length).any():
        return None
    ms = ((((first + day - 1) * 24 + hour) * 60 + minute) * 60 + second) * 1000
    if found.group(1):
        width = min(len(found.group(1)) - 1, 3)
        ms += number(20, 20 + width) * 10 ** (3 - width)
    return ms.astype("datetime64[ms]")


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name (``UTC``, ``America/New_York``). Raises ``InputError``."""
    known = available_timezones()
    if name not in known:
        near = did_you_mean(name, {entry.lower() for entry in known}, only_near=True)
        raise fault(
            "timezone", f"'{name[:60]}'", "an IANA name such as Europe/Berlin or UTC", near or "see tzdata"
        )
    return ZoneInfo(name)


def changes(tz: ZoneInfo, start: np.datetime64, end: np.datetime64) -> list[tuple[float, float, float]]:
    """Changes of a zone's offset: (UTC epoch s, offset before, offset after in s) between two moments."""
    found = []
    now = _utc(start) - timedelta(days=2)
    stop = _utc(end) + timedelta(days=2)
    while now < stop:
        following = now + timedelta(days=1)
        before, after = _offset(tz, now), _offset(tz, following)
        if before != after:
            low, high = now, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(tz, middle) == before else (low, middle)
            found.append((float(round(high.timestamp())), before, after))
        now = following
    return found


def _utc(moment: np.datetime64) -> datetime:
    return datetime.fromtimestamp(float(moment.astype("datetime64[ms]").astype(np.int64)) / 1000.0, UTC)


def _offset(tz: ZoneInfo, moment: datetime) -> float:
    offset = moment.astimezone(tz).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()


def to_utc(seconds: Array, first: np.datetime64, tz: ZoneInfo, counts: dict[str, int]) -> Array:
    """UTC seconds since ``first`` (read as UTC) of local stamps in the order they were taken.

    Local times that occur twice (clocks set back) are told apart by their order: the second pass begins where the
    clock jumps back, or after the first pass if the file runs on without a jump. Times that do not exist (clocks set
    forward) count as the moment an hour later. ``counts`` takes ``twice`` and ``never``.
    """
    usable = seconds[np.isfinite(seconds)]
    if not usable.size:
        return seconds
    origin = float(first.astype("datetime64[ms]").astype(np.int64)) / 1000.0
    local = seconds + origin
    low, high = float(usable.min()), float(usable.max())
    moments = [first.astype("datetime64[ms]") + np.timedelta64(round(s * 1000), "ms") for s in (low, high)]
    table = changes(tz, moments[0], moments[1])
    start = _offset(tz, _utc(moments[0]) - timedelta(days=2))
    offset = np.full(local.size, table[0][1] if table else start)
    usual = float(np.nanmedian(np.diff(seconds))) if seconds.size > 1 else 0.0
    for moment, before, after in table:
        if after > before:
            never = (local >= moment + before) & (local < moment + after)
            counts["never"] = counts.get("never", 0) + int(never.sum())
            offset[local >= moment + after] = after
            continue
        begin, end = moment + after, moment + before  # local times that come twice
        offset[local >= end] = after
        inside = np.flatnonzero((local >= begin) & (local < end))
        counts["twice"] = counts.get("twice", 0) + inside.size
        order = inside if usual >= 0.0 else inside[::-1]
        back = np.flatnonzero(np.diff(local[order]) < abs(usual) - 0.5 * (before - after))
        if back.size:
            offset[order[back[0] + 1 :]] = after
    return np.asarray(seconds - offset)


def set_back(seconds: Array) -> int:
    """How often a clock in order of time jumps back by about an hour, as at the end of daylight saving."""
    steps = np.diff(seconds[np.isfinite(seconds)])
    if not steps.size or np.median(steps) <= 0.0:
        return 0
    usual = float(np.median(steps))
    return int(np.sum((steps <= 0.0) & (np.abs(steps + 3600.0 - usual) < max(0.5 * usual, 60.0))))
