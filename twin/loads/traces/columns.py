"""Tables in columns of words with heading lines in between, as `nvidia-smi dmon` and `dcgmi dmon` print them."""

import io
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from twin.files import column_numbers, fault
from twin.loads.signal import Quantity
from twin.loads.traces.clock import Clock
from twin.loads.traces.raw import Array, Codes, RawTrace
from twin.loads.traces.source import Source

MISSING = ["-", "N/A", "*", "[N/A]", "Not", "ERR!"]


class Heading(NamedTuple):
    """Places of the words of a row: stamps, device number, kind of entity, value; and how many words there are."""

    width: int
    stamps: list[int]
    device: int
    kind: int | None
    value: int
    quantity: Quantity
    scale: float


def read_columns(
    source: Source,
    trace: RawTrace,
    step_s: float | None,
    default_step_s: float,
    quantity: Quantity | None,
    heading_of: Callable[[str, Quantity | None], Heading | None],
) -> None:
    """Read rows below headings into ``trace``; without stamps, rounds over the devices are one step apart.

    Raises ``InputError`` where no heading names what is wanted.
    """
    clock = Clock(f"{trace.where} → time")
    rounds = Rounds(default_step_s if step_s is None else step_s)
    known: dict[bytes, Heading | None] = {}
    heading: Heading | None = None
    for block in source.blocks():
        for line, body in _segments(block):
            if line is not None:
                key = line.split(b"#", 1)[1]
                if key not in known:
                    known[key] = heading_of(line.decode(), quantity)
                heading = known[key]
            if heading is not None:
                _read_body(body, heading, trace, clock, rounds)
            else:
                lost = sum(1 for row in body.split(b"\n") if row.strip())
                trace.rows += lost
                trace.unreadable += lost
    if not any(known.values()):
        names = b" ".join(next(iter(known), b"").split()).decode()
        raise fault(
            trace.where,
            f"no column of {quantity or 'power or utilization'} among {names[:120]}",
            "a column of power, such as POWER or pwr",
            "ask for it: dcgmi dmon -e 155, nvidia-smi dmon -s p",
        )
    if clock.stamps is not None:
        trace.stamps = clock.stamps
    else:
        note = f"no times in the file: rows counted in steps of {rounds.step_s:g} s"
        if step_s is None:
            note += ", the tool's default; give the step if it ran with another"
        trace.stamps = trace.stamps._replace(note=note)


def _segments(block: bytes) -> Iterator[tuple[bytes | None, bytes]]:
    """Heading lines with the rows below them. Equal headings one after the other are one; unit lines are dropped."""
    line: bytes | None = None
    pieces: list[bytes] = []
    first = block[: block.find(b"\n") + 1]
    start = (
        len(first) if first.lower().split()[:1] == [b"id"] else 0
    )  # units, cut off from the heading before
    while True:
        mark = block.find(b"#", start)
        begin = len(block) if mark < 0 else block.rfind(b"\n", 0, mark) + 1
        pieces.append(block[start:begin])
        if mark < 0:
            break
        end = block.find(b"\n", mark) + 1 or len(block)
        found = block[begin:end]
        low = found.lower()
        if b"entity" in low:  # the line below it holds the units
            following = block.find(b"\n", end) + 1 or len(block)
            if b"gpu " not in block[end:following].lower():
                end = following
        heading = b"entity" in low or b"gpu" in low
        if heading and (line is None or found.split(b"#")[1] != line.split(b"#")[1]):
            if line is not None or any(piece.strip() for piece in pieces):
                yield line, b"".join(pieces)
            line, pieces = found, []
        start = end
    yield line, b"".join(pieces)


class Rounds:
    """Time of rows without stamps: a new round begins where the order of the devices starts again."""

    def __init__(self, step_s: float) -> None:
        self.step_s, self.count, self.last = step_s, -1, np.inf

    def read(self, codes: Array) -> Array:
        """Seconds of rows of these device numbers."""
        new = np.diff(codes, prepend=self.last) <= 0
        rounds = self.count + np.cumsum(new)
        if codes.size:
            self.count, self.last = int(rounds[-1]), float(codes[-1])
        return np.asarray(rounds * self.step_s, dtype=np.float64)


def _read_body(body: bytes, heading: Heading, trace: RawTrace, clock: Clock, rounds: Rounds) -> None:
    import pandas as pd

    if not body.strip():
        return
    mixed = heading.kind is not None and (b"GPU-" in body or b"Switch" in body or b"CPU" in body)
    kind = heading.kind if mixed else None
    wanted = sorted({heading.device, heading.value, *heading.stamps, *([] if kind is None else [kind])})
    types: dict[int, Any] = dict.fromkeys(heading.stamps, str)
    try:
        frame = pd.read_csv(
            io.BytesIO(body),
            sep=r"\s+",
            header=None,
            names=list(range(heading.width)),
            usecols=wanted,
            dtype=types,
            na_values=MISSING,
            on_bad_lines="skip",
            low_memory=False,
            quoting=3,
            encoding_errors="replace",
        )
    except (ValueError, pd.errors.ParserError, OverflowError) as error:
        raise fault(
            trace.where, f"rows that cannot be read ({str(error)[:100]})", "rows of words", "export it again"
        ) from None
    rows = body.count(b"\n") - body.count(b"\n\n")
    trace.rows += max(rows, len(frame))
    trace.unreadable += max(rows - len(frame), 0)
    if mixed:
        whole = frame[kind].astype("string").eq("GPU").fillna(False).to_numpy(dtype=bool)
        left = int((~whole).sum())
        if left:
            trace.notes.append(f"{left} rows of MIG instances, switches or CPUs left out")
            frame = frame[whole]
    devices = column_numbers(frame[heading.device])
    odd = ~(np.isfinite(devices) & (devices >= 0) & (devices < 1024))
    if odd.any():
        trace.unreadable += int(odd.sum())
        frame, devices = frame[~odd], devices[~odd]
    if not len(frame):
        return
    trace.quantity = heading.quantity
    values = column_numbers(frame[heading.value]) * heading.scale
    codes: Codes = devices.astype(np.int16)
    if heading.stamps:
        text = frame[heading.stamps[0]].astype("string")
        for place in heading.stamps[1:]:
            text = text + " " + frame[place].astype("string")
        if len(heading.stamps) == 2:  # 20260816 09:22:34
            text = text.str.replace(r"^(\d{4})(\d\d)(\d\d) ", r"\1-\2-\3 ", regex=True)
        seconds = clock.read(text)
    else:
        seconds = rounds.read(devices)
    trace.add([f"gpu{number}" for number in range(int(codes.max()) + 1)], codes, seconds, values)
