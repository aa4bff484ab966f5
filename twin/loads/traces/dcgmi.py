"""`dcgmi dmon`: a heading every so many rows, ``GPU 0`` in two words, no time unless something wrote it in front."""

import re

from twin.loads.signal import Quantity
from twin.loads.traces.columns import Heading, read_columns
from twin.loads.traces.raw import RawTrace
from twin.loads.traces.source import Source

HEADING = re.compile(r"#\s*Entity\b", re.IGNORECASE)
POWER = re.compile(r"(power|pwr|powr|155|157|(dcgm_fi_dev_)?power_usage(_instant)?)$", re.IGNORECASE)
ACTIVITY = re.compile(
    r"(gputl|gract|smact|203|1001|1002|(dcgm_fi_dev_)?gpu_util|.*gr_engine_active|.*sm_active)$", re.I
)
SHARES = re.compile(r"(gract|smact|1001|1002|.*_active)$", re.IGNORECASE)  # from 0 to 1, not percent
STEP_S = 1.0  # default delay of `dcgmi dmon`


def matches(head: str) -> bool:
    """A heading line ``#Entity`` or ``# Entity``."""
    return bool(HEADING.search(head))


def read(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Rows of whole cards; those of MIG instances repeat the card's power and are left out."""
    trace.boundary = "gpu"
    read_columns(source, trace, step_s, STEP_S, quantity, heading)


def heading(line: str, quantity: Quantity | None) -> Heading | None:
    """Where the columns of the rows below a heading are; None where it names no power (or activity)."""
    found = HEADING.search(line)
    if found is None:
        return None
    before, after = line[: found.start()], line[found.end() :]
    stamps = list(range(len(before.split())))
    names = after.split()
    first = len(stamps) + 2  # of a row, behind ``GPU 0``
    for wanted, form in (("power", POWER), ("activity", ACTIVITY)):
        place = next((place for place, name in enumerate(names) if form.match(name)), None)
        if place is not None and quantity in (None, wanted):
            share = wanted == "activity" and not SHARES.match(names[place])
            return Heading(
                width=first + len(names),
                stamps=stamps,
                device=first - 1,
                kind=first - 2,
                value=first + place,
                quantity="power" if wanted == "power" else "activity",
                scale=0.01 if share else 1.0,
            )
    return None
