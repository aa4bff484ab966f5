"""What drives a transient from outside: weather and load over its time, as steps that hold until the next."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from twin_models.psychrometrics.psychrometrics import wet_bulb
from twin_models.streams import Ambient, Array
from twin_sites.schema import Site

from twin.compile import Plan
from twin.loads.activity import Asked, activities, row_per_rack
from twin.loads.load import Load
from twin.state import Span
from twin.weather import Weather, resample

CHUNK_STEPS = 600  # steps of a load worked out at once: memory does not grow with the run


@dataclass
class Air:
    """Outdoor air at the plant: one value for each interval of the weather."""

    moments: Array  # s from the start at which a value begins to hold
    values: list[Ambient]

    def at(self, now: float) -> Ambient:
        """Air that holds from a moment on."""
        return self.values[int(np.searchsorted(self.moments, now + 1e-9, side="right")) - 1]


def air_of(weather: Weather, site: Site, start: np.datetime64, until: float) -> Air:
    """The weather from ``start`` for ``until`` seconds, warmer by the site's offset at the same moisture.

    A constant record, such as a design condition that is held, has no end.
    """
    held = all(np.ptp(values) == 0.0 for values in (weather.dry_bulb, weather.wet_bulb, weather.pressure))
    n = 1 if held else max(int(np.ceil(until / weather.step_s - 1e-9)), 1)
    window = resample(weather, weather.step_s, start=start, n=n)
    dry = window.dry_bulb + site.site.ambient_offset
    wet = np.minimum(np.asarray(wet_bulb(dry, window.humidity_ratio, window.pressure)), dry)
    if site.site.ambient_offset == 0.0:
        wet = np.minimum(window.wet_bulb, dry)
    parts = zip(dry, wet, window.humidity_ratio, window.pressure, strict=True)
    return Air(
        np.arange(n, dtype=np.float64) * float(weather.step_s),
        [Ambient(*(float(x) for x in part)) for part in parts],
    )


class Demand:
    """Activity of every rack group over time; racks that are asked the same share a row."""

    def __init__(
        self,
        plan: Plan,
        load: Load | float,
        weather: Weather,
        start: np.datetime64,
        until: float,
        ambient: Ambient,
    ) -> None:
        self.notes: list[str] = []
        self.step = until if isinstance(load, float) else load.step_s
        self._first = -CHUNK_STEPS  # nothing read yet
        self._chunk: dict[str, Array] = {}
        self._held: dict[str, Array] = {}
        self._asked: dict[str, Asked] = {}
        self.weight: dict[str, Array] = {}  # by group: racks of each row
        self.row_of: dict[str, NDArray[np.intp]] = {}  # by group: row of each rack
        uneven = {name for v in plan.volumes if v.branching is not None for name in v.branching.rows}
        if isinstance(load, float):
            for node in plan.racks:
                rows = node.racks.count if node.name in uneven else 1
                self._held[node.name] = np.full(rows, load)
                self.weight[node.name] = np.full(rows, node.racks.count / rows)
                self.row_of[node.name] = np.arange(node.racks.count) % rows
            return
        n = int(np.ceil(until / self.step)) + 1
        span = Span(start.astype("datetime64[s]"), n, self.step)
        constant = Ambient(*(np.full(n, float(part)) for part in ambient))
        self._asked, self.notes = activities(plan, load, span, constant, weather.utc_offset_h)
        self._asked |= {name: row_per_rack(self._asked[name]) for name in uneven}
        for name, asked in self._asked.items():
            self.weight[name], self.row_of[name] = asked.counts, asked.row_of
        self._n = n

    def at(self, now: float) -> dict[str, Array]:
        """Activity of every row that holds from a moment on."""
        return self._held or {name: values[0] for name, values in self.over([now]).items()}

    def over(self, moments: Sequence[float] | Array) -> dict[str, Array]:
        """Activity of every row that holds from each of some rising moments on, shape (moments, rows)."""
        if self._held:
            return {name: values[None] for name, values in self._held.items()}
        if len(moments) == 1:
            first = last = min(int((moments[0] + 1e-9) / self.step), self._n - 1)
        else:
            steps = np.minimum(((np.asarray(moments) + 1e-9) / self.step).astype(np.intp), self._n - 1)
            first, last = int(steps[0]), int(steps[-1])
        if not self._first <= first <= last < self._first + CHUNK_STEPS:
            self._first = first
            where = slice(first, min(max(first + CHUNK_STEPS, last + 1), self._n))
            self._chunk = {name: asked.across(where) for name, asked in self._asked.items()}
        own: slice | Array = slice(first - self._first, last + 1 - self._first)
        if len(moments) != last - first + 1:
            own = steps - self._first
        return {name: values[own] for name, values in self._chunk.items()}

    def next(self, now: float) -> float:
        """Moment at which the activity may change again."""
        return (int((now + 1e-9) / self.step) + 1) * self.step
