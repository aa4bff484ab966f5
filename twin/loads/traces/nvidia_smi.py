"""`nvidia-smi --query-gpu=... --format=csv` (with or without units, index and header) and `nvidia-smi dmon`."""

import re

import numpy as np

from twin.files import fault
from twin.loads.signal import Quantity
from twin.loads.traces import table
from twin.loads.traces.columns import Heading, read_columns
from twin.loads.traces.raw import RawTrace
from twin.loads.traces.source import Source

STAMP = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(\.\d+)?")
HEADER = re.compile(
    r"power\.draw|utilization\.(gpu|memory)|temperature\.gpu|clocks\.(sm|gr|current)|enforced\.power", re.I
)
UNITS = {"W": "power.draw [W]", "MiB": "memory", "MHz": "clocks", "C": "temperature"}
DMON = re.compile(r"^\s*#\s*(date\s+time\s+)?gpu\s.*\b(pwr|sm)\b", re.IGNORECASE | re.MULTILINE)
DMON_STEP_S = 1.0  # default delay of `nvidia-smi dmon`


def is_csv(head: str) -> bool:
    """A header with the query names of nvidia-smi, or rows that begin with its time stamp."""
    first = next((line for line in head.splitlines() if line.strip()), "")
    if "," not in first:
        return False
    return bool(HEADER.search(first)) or bool(STAMP.fullmatch(first.split(",")[0].strip()))


def read_csv(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Readings of each card, by index or else by place in the burst of a poll."""
    trace.boundary = "gpu"
    first = next(line for line in source.head.splitlines() if line.strip())
    names = None if HEADER.search(first) else _guessed(source.head, trace)
    table.read(source, trace, step_s, quantity, names=names, polled=True)


def _guessed(head: str, trace: RawTrace) -> list[str]:
    """Names of the columns of a file written with `noheader`, from its first rows. Raises ``InputError``."""
    rows = [[cell.strip() for cell in line.split(",")] for line in head.splitlines()[:400] if line.strip()]
    rows = [row for row in rows[:-1] or rows if len(row) == len(rows[0])]
    columns = list(zip(*rows, strict=True))
    names = [f"column {place}" for place in range(len(columns))]
    power: list[int] = []
    for place, cells in enumerate(columns):
        unit = cells[0].rpartition(" ")[2]
        if STAMP.fullmatch(cells[0]):
            names[place] = "timestamp"
        elif unit == "W":
            power.append(place)
        elif all(re.fullmatch(r"\d+\.\d\d", cell) or not cell[:1].isdigit() for cell in cells):
            power.append(place)  # only power is written with two decimals
        elif re.fullmatch(r"GPU-[0-9a-f-]+", cells[0]):
            names[place] = "uuid"
        elif all(cell.isdigit() for cell in cells) and "index" not in names:
            numbers = np.array(cells, dtype=np.float64)
            many = int(numbers.max()) + 1
            if (
                many <= 16
                and np.array_equal(numbers, np.arange(numbers.size) % many)
                and numbers.size > many > 1
            ):
                names[place] = "index"
    moving = [place for place in power if len(set(columns[place])) > 1] or power
    if not moving:
        raise fault(
            trace.where,
            f"no header, and no column of its first row is power: {', '.join(rows[0])[:120]}",
            "a header, units in the cells, or power with two decimals",
            "write the file without 'noheader'",
        )
    names[moving[0]] = "power.draw [W]"
    trace.notes.append(
        f"no header line: column {moving[0] + 1} taken as power in W, {names.count('index')} as index"
    )
    return names


def is_dmon(head: str) -> bool:
    """A heading line ``# gpu   pwr  gtemp ...``."""
    return bool(DMON.search(head))


def read_dmon(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Rows of `nvidia-smi dmon`, with date and time or counted in steps of its delay."""
    trace.boundary = "gpu"
    read_columns(source, trace, step_s, DMON_STEP_S, quantity, _heading)


def _heading(line: str, quantity: Quantity | None) -> Heading | None:
    words = line.partition("#")[2].lower().split()
    if "gpu" not in words:
        return None
    stamps = [words.index(word) for word in ("date", "time") if word in words]
    wanted = {"power": ["pwr"], "activity": ["sm"], None: ["pwr", "sm"]}[quantity]
    found = next((word for word in wanted if word in words), None)
    if found is None:
        return None
    return Heading(
        width=len(words),
        stamps=stamps,
        device=words.index("gpu"),
        kind=None,
        value=words.index(found),
        quantity="power" if found == "pwr" else "activity",
        scale=1.0 if found == "pwr" else 0.01,
    )
