"""CSV of `amd-smi` and `rocm-smi`, and of loggers built on them: power per card."""

import re

from twin.loads.signal import Quantity
from twin.loads.traces import table
from twin.loads.traces.raw import RawTrace
from twin.loads.traces.source import Source

HEADER = re.compile(
    r"(^|,)\s*(device|gpu|card)\s*,.*(power_watts|socket_power|power_usage|graphics package power|gfx_activity|gpu_use)"
    r"|socket_power|graphics package power",
    re.IGNORECASE,
)


def matches(head: str) -> bool:
    """A header with a card and the power of its package or socket."""
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    return "," in first and bool(HEADER.search(first))


def read(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """A table whose power is that of the cards."""
    trace.boundary = "gpu"
    table.read(source, trace, step_s, quantity, polled=True)
