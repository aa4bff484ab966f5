"""Request traces of language-model serving: one row per request with its tokens, or rates per window. No power."""

import re
from typing import NamedTuple

import numpy as np

from twin.files import Stamps, fault, read_stamps
from twin.loads.traces.raw import Array, RawTrace
from twin.loads.traces.source import Source
from twin.loads.traces.table import read_frame
from twin.loads.traces.table_blocks import header_of

INPUT = re.compile(
    r"(context|prompt|request|input|prefill)[\s_]*(tokens?|length|len)|num_?prefill|tokens?_in$",
    re.IGNORECASE,
)
OUTPUT = re.compile(
    r"(generated|response|output|completion|decode)[\s_]*(tokens?|length|len)|num_?decode|tokens?_out$",
    re.IGNORECASE,
)
RATE = re.compile(r"(requests?|req|queries)[\s_]*(per|/)[\s_]*s|(^|_)(rps|qps)$|request_?rate", re.IGNORECASE)


class Requests(NamedTuple):
    """Requests of a file. Of rows per request: time in s and tokens. Of rates: start of each window in s and 1/s."""

    seconds: Array
    rate: Array | None
    tokens_in: Array | None
    tokens_out: Array | None
    stamps: Stamps
    rows: int
    unreadable: int
    notes: list[str]


def matches(head: str) -> bool:
    """A header with tokens in and out, or with requests per second."""
    names = header_of(head)
    return (any(INPUT.search(n) for n in names) and any(OUTPUT.search(n) for n in names)) or any(
        RATE.search(n) for n in names
    )


def read(source: Source) -> Requests:
    """All requests of a file. Raises ``InputError``."""
    trace = RawTrace(source.where)
    frame = read_frame(source, trace)
    names = [str(name) for name in frame.columns]
    time = next((n for n in names if re.search(r"time|date|arriv|(^|_)ts$", n, re.IGNORECASE)), None)
    if time is None:
        raise fault(
            source.where, f"no time among {', '.join(names)[:120]}", "a column of times", "name it 'time'"
        )
    unit = re.search(r"_(ms|s)$", time)
    stamps = read_stamps(frame[time], f"{source.where} → column '{time}'", unit.group(1) if unit else "")

    def column(form: re.Pattern[str]) -> Array | None:
        from twin.files import column_numbers

        found = next((n for n in names if form.search(n)), None)
        return None if found is None else column_numbers(frame[found])

    rate, tokens_in, tokens_out = column(RATE), column(INPUT), column(OUTPUT)
    good = np.isfinite(stamps.seconds)
    for values in (rate, tokens_in, tokens_out):
        good &= np.isfinite(values) & (values >= 0.0) if values is not None else True
    order = np.argsort(stamps.seconds[good], kind="stable")

    def picked(values: Array | None) -> Array | None:
        return None if values is None else values[good][order]

    seconds = stamps.seconds[good][order]
    if seconds.size < 2:
        raise fault(source.where, f"{seconds.size} requests", "two or more", "check the file")
    if seconds[-1] <= seconds[0]:
        raise fault(
            source.where, f"{seconds.size} rows of one moment", "requests over time", "check the time column"
        )
    if rate is not None:
        missing = int((rate[good] == 0.0).sum())
        if missing:
            trace.notes.append(f"{missing} windows of exactly zero requests: probably missing, not idle")
    return Requests(
        seconds,
        picked(rate),
        picked(tokens_in),
        picked(tokens_out),
        stamps,
        trace.rows,
        trace.unreadable + int((~good).sum()),
        trace.notes,
    )


def rate_of(requests: Requests) -> float:
    """Mean requests per second: of rows per request over the time from the first to the last."""
    if requests.rate is not None:
        return float(requests.rate.mean())
    return float((requests.seconds.size - 1) / (requests.seconds[-1] - requests.seconds[0]))
