"""A load: named series of activity or power on one regular step, and what was done to the file they came from."""

import hashlib
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from twin.loads.signal import Boundary as Boundary
from twin.loads.signal import Quantity

Array = NDArray[np.float64]
BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)

DAY_S = 86400.0
YEAR_S = 365 * DAY_S
MAX_VALUES = 60_000_000  # of one load; a year of 15 s for 25 series is 53 million
START = np.datetime64("2023-01-01T00:00:00", "s")  # where relative and generated time is placed


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What was done to a file. Integrals are of all series: J of power, s of activity."""

    rows: int = 0
    format: str = "table"
    unreadable: int = 0  # rows without time, device or value
    duplicates: int = 0  # readings dropped because their time was repeated
    reordered: bool = False
    filled: int = 0  # missing readings that took the one before them
    longest_gap_s: float = 0.0
    negative: int = 0  # negative readings, treated as missing
    native_step_s: float = 0.0
    timezone: str = ""
    integral_read: float = 0.0
    integral: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Load:
    """Series of activity (0 to 1) or power (W) on regular steps, labelled at the start of each.

    ``utc_offset_h`` is the clock of ``start``: a number if known (0 for UTC), ``None`` for the site's own
    standard clock. ``devices`` counts what each series stands for. ``peak`` holds the highest reading within
    each step where a step averages several, else it is empty.
    """

    name: str
    source: str
    start: np.datetime64
    step_s: float
    utc_offset_h: float | None
    quantity: Quantity
    boundary: Boundary | None
    series: dict[str, Array]
    devices: dict[str, int]
    peak: dict[str, Array] = field(default_factory=dict)
    report: LoadReport = field(default_factory=LoadReport)
    basis: dict[str, str] = field(
        default_factory=dict
    )  # of tokens by rack group, where the load itself knows
    key: str = ""

    @property
    def n(self) -> int:
        """Number of steps."""
        return next(iter(self.series.values())).size

    @property
    def mean(self) -> Array:
        """Mean of all devices per step, weighted by how many each series stands for; switched off (below 0) counts as 0."""
        total = sum(self.devices.values())
        return np.asarray(
            sum(
                np.maximum(values, 0.0) * (self.devices[name] / total) for name, values in self.series.items()
            )
        )


def frozen(load: Load) -> Load:
    """Lock the arrays and set the key, a hash of the content."""
    digest = hashlib.sha256()
    facts = (load.start, load.step_s, load.utc_offset_h, load.quantity, load.boundary, load.devices)
    digest.update("|".join(str(fact) for fact in facts).encode())
    for name, values in [*load.series.items(), *load.peak.items()]:
        values.setflags(write=False)
        digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
    object.__setattr__(load, "key", digest.hexdigest()[:16])
    return load
