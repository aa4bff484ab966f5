"""Several devices polled one after the other, written without saying which is which (`nvidia-smi` without index)."""

from typing import TYPE_CHECKING

import numpy as np

from twin.loads.traces.raw import Array

if TYPE_CHECKING:
    from twin.loads.traces.table_rows import Rows

MOST = 16  # devices of one host
ALIKE = 0.8  # share of bursts with the usual number of rows, below which rows do not come in bursts


class Polls:
    """Splits rows into bursts: within one, rows follow each other much faster than bursts do."""

    def __init__(self, seconds: Array) -> None:
        self.devices, self.gap_s = 1, 0.0
        self.rest: tuple[Array, dict[str, Array]] | None = None
        steps = np.diff(seconds[np.isfinite(seconds)])
        if steps.size < 3:
            return
        gap = max(5.0 * float(np.quantile(steps, 0.4)), 0.002)
        sizes = np.diff(np.flatnonzero(np.concatenate(([True], steps > gap, [True]))))
        counts = np.bincount(np.minimum(sizes, MOST + 1))
        usual = int(counts.argmax())
        if 2 <= usual <= MOST and sizes.size >= 3 and counts[usual] >= ALIKE * sizes.size:
            self.devices, self.gap_s = usual, gap

    def split(self, seconds: Array, values: dict[str, Array], last: bool = False) -> "Rows":
        """Rows with the place in their burst as device; a burst with more or fewer rows than usual has none.

        All rows of a burst get the time of its first. The last burst waits for the next block.
        """
        from twin.loads.traces.table_rows import Rows

        if self.rest is not None:
            seconds = np.concatenate((self.rest[0], seconds))
            values = {name: np.concatenate((self.rest[1][name], column)) for name, column in values.items()}
        steps = np.diff(seconds, prepend=np.nan)
        begins = np.flatnonzero(~(np.abs(steps) <= self.gap_s))
        end = seconds.size if last or not begins.size else int(begins[-1])
        self.rest = (seconds[end:], {name: column[end:] for name, column in values.items()})
        begins = begins[begins < end]
        sizes = np.diff(np.append(begins, end))
        place = np.arange(end) - np.repeat(begins, sizes)
        codes = np.where(np.repeat(sizes, sizes) == self.devices, place, -1)
        return Rows(
            np.repeat(seconds[begins], sizes),
            codes,
            [str(place) for place in range(self.devices)],
            {name: column[:end] for name, column in values.items()},
        )

    def flush(self) -> "Rows":
        """The burst that waits."""
        return self.split(np.empty(0), {name: np.empty(0) for name in (self.rest or ({}, {}))[1]}, last=True)
