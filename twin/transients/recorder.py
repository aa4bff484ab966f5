"""What a transient keeps: site series on a regular grid, extremes and crossings of every step.

Moments of the grid are worked out within the step that they lie in, so that memory follows the grid and not the steps or
the racks.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from twin_models.streams import Array

from twin.transients.chips import THROTTLED, Rows
from twin.transients.parts import LinkState
from twin.transients.stepping import Stepper, Taken

if TYPE_CHECKING:
    from twin.transients.streaming import Stream

ROUNDING = 1e-9  # share of a span; a moment as near to the beginning of one lies there


@dataclass
class Crossing:
    """First moments at which a rack group met its limits, s; infinite where it never did."""

    throttle: float = float("inf")
    stop: float = float("inf")
    inlet: float = float("inf")
    hottest: float = -float("inf")
    cause: str = "chip"  # of the stop: chip, coolant, pressure, level, inlet air, or a feeder


@dataclass
class Recorder:
    """Series on a grid of ``step`` seconds from 0 to ``until``, of which ``coarse`` moments apart are held in memory."""

    step: float
    until: float
    coarse: int = 1
    stream: "Stream | None" = None  # takes every moment
    names: list[str] = field(default_factory=list)
    grid: Array = field(default_factory=lambda: np.zeros(0))
    values: Array = field(default_factory=lambda: np.zeros((0, 0)))
    crossings: dict[str, Crossing] = field(default_factory=dict)
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    done: int = 0  # moments that have their values
    _moments: int = 0
    _lowest: Array = field(default_factory=lambda: np.zeros(0))
    _highest: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self._moments = int(np.floor(self.until / self.step + 1e-9)) + 1
        self.grid = np.arange(0, self._moments, self.coarse, dtype=np.float64) * float(self.step)

    def spans(self, now: float, step: float) -> Array:
        """A step cut at the moments of the grid in it."""
        first, last = int(now / self.step + 1e-9) + 1, int(np.ceil((now + step) / self.step - 1e-9))
        return np.diff(np.concatenate([[now], np.arange(first, last) * self.step, [now + step]]))

    def keep(self, stepper: Stepper, taken: Taken, spans: Array) -> None:
        """Note the moments of the grid in a step that starts now; those at its end belong to the next."""
        if not self.names:
            self.names = names(stepper)
            self.values = np.full((len(self.names), self.grid.size), np.nan)
            self._lowest = self._highest = stepper.y
            if self.stream is not None:
                self.stream.open(self.names, self._moments)
        self._lowest = np.minimum(self._lowest, stepper.y)
        self._highest = np.maximum(self._highest, stepper.y)
        end = stepper.now + float(spans.sum())
        last = min(int(np.ceil(end / self.step - 1e-9)), self._moments)
        if last <= self.done:
            return
        moments = np.arange(self.done, last)
        block = snapshot(stepper, taken, spans, np.asarray(moments * self.step, dtype=float))
        held = moments % self.coarse == 0
        self.values[:, moments[held] // self.coarse] = block[:, held]
        if self.stream is not None:
            self.stream.write(block)
        self.done = last

    def close(self, stepper: Stepper, taken: Taken) -> None:
        """The last moment, at which the stepper stands, and extremes; those of loops and rooms are of every step."""
        self.keep(stepper, taken, np.full(1, self.step))
        for name, series in zip(self.names, self.values, strict=True):
            self.extremes[name] = (float(series.min()), float(series.max()))
        for v in stepper.plant.volumes:
            for part, place in (("supply", v.head), ("return", v.last)):
                ends = float(self._lowest[place]), float(self._highest[place])
                self.extremes[f"loop.{v.node.name}.{part}"] = ends

    def series(self, name: str) -> Array:
        """One series on the grid."""
        return np.asarray(self.values[self.names.index(name)])


def names(stepper: Stepper) -> list[str]:
    """Names of a snapshot's entries after the time."""
    plant = stepper.plant
    found = ["site.meter", "site.rejected", "site.battery", "ambient.dry_bulb", "ambient.wet_bulb"]
    for rows in stepper.rows:
        group = rows.node.name
        found += [f"rack.{group}.{part}" for part in RACK_PARTS]
    for v in plant.volumes:
        found += [f"loop.{v.node.name}.{part}" for part in ("supply", "wanted", "return", "flow", "heat")]
    for name in plant.resets:
        found += [f"loop.{name}.reset", f"loop.{name}.requests"]
    for drive in plant.drives:
        found.append(f"drive.{drive.address}")
    for link in plant.links:
        found += [
            f"link.{link.node.name}.{part}"
            for part in ("heat", "capacity", "power", "u", "running", "water", "blowdown")
        ]
    for feeder in plant.feeders:
        found += [f"feeder.{feeder.name}.load", f"feeder.{feeder.name}.loss"]
    return found


RACK_PARTS = ("power", "peak", "liquid", "air", "compute", "chip", "mean", "out", "flow", "inlet", "asked", "done", "throttled", "stopped")  # fmt: skip


class Moment(NamedTuple):
    """A group at some moments of a step; arrays over moments and rows, or with one row where nothing changes with time."""

    chip: Array
    out: Array
    asked: Array
    activity: Array
    done: Array
    power: Array
    feed: Array
    liquid: Array  # W of all racks that reach the coolant, over moments
    sums: tuple[Array, Array, Array]  # `chips.Sums`, over moments


def snapshot(stepper: Stepper, taken: Taken, spans: Array, moments: Array) -> Array:
    """Everything that is kept, shape (names, moments), at some moments of a step that has been tried but not accepted.

    Plants are on a straight line between the ends of a step, racks on their path.
    """
    plant, m = stepper.plant, moments.size
    passed = (moments - stepper.now) / float(spans.sum())
    wide = stepper.y[:, None] + (taken.y - stepper.y)[:, None] * passed
    # what is worked out in one go for many moments takes arrays, for a single one floats, which are quicker
    y: list[Any] = list(wide) if m > 1 else wide[:, 0].tolist()
    groups = [_moment(stepper, taken, g, spans, moments, y) for g in range(len(stepper.rows))]

    def column(values: Array) -> Any:
        return values if values.size > 1 else float(values[0])

    sums = np.empty((3 * len(groups), m))
    for i, one in enumerate(one for group in groups for one in group.sums):
        sums[i] = one
    found = stepper.held.rates(wide, sums)
    ledger = (found.d[place] for place in (plant.meter, plant.rejected, plant.battery))
    row: list[Any] = [*ledger, float(plant.ambient.dry_bulb), float(plant.ambient.wet_bulb)]
    for rows, group in zip(stepper.rows, groups, strict=True):
        inlet = np.reshape(plant.inlet(plant.by_name[rows.node.room], y), -1)
        row += [column(one) for one in _rack_columns(rows, group, inlet)]
    for v, wanted in zip(plant.volumes, found.wanted, strict=True):
        drop = y[v.last] + v.above - y[v.head]
        row += [y[v.head], wanted, y[v.last], v.flow, v.flow * v.cp * drop]
    for reset in plant.resets.values():
        row += [reset.share, reset.requests]
    row += [drive.electric for drive in plant.drives]
    for link, i in zip(plant.links, stepper.held.place, strict=True):
        row += _link(link, y, found.heat[i], found.electric[i])
    for load, loss in zip(found.loads, found.losses, strict=True):
        row += [load, loss]
    kept = np.empty((len(row), m))
    for i, values in enumerate(row):
        kept[i] = values
    return kept


def _moment(stepper: Stepper, taken: Taken, g: int, spans: Array, moments: Array, y: list[Any]) -> Moment:
    rows = stepper.rows[g]
    course = rows.course_over(spans)
    a, w = course.around, rows.weight
    ends = stepper.now + np.concatenate([[0.0], np.cumsum(spans)])
    span = np.minimum(np.searchsorted(ends, moments + 1e-9, side="right") - 1, spans.size - 1)
    own = _places(span) if len(course.activity) > 1 else slice(0, 1)

    def at(values: Array) -> Array:
        return values[own] if len(values) > 1 else values

    reference, power0 = at(course.reference), at(course.power)
    if not rows.stores:
        chip, out, power = rows.chip[None], rows.out[None], reference
    elif taken.paths:
        path, part = taken.paths[g], _parts(ends, span, moments)
        chip, out = (_along(x, span, part) for x in (path.chips, path.outs))
        power = rows.power_of(reference, chip)[0] if rows.chips else reference
    else:
        passed = ((moments - stepper.now) / float(spans.sum()))[:, None]
        chip = rows.chip + (taken.chips[g] - rows.chip) * passed
        out = rows.out + (taken.outs[g] - rows.out) * passed
        power = rows.package_power(chip)[0] if rows.chips else reference
    feed, liquid = at(a.power), at(a.heat_liquid) @ w
    taken_up = carried = np.zeros(1)
    entering, liquid_in = (np.reshape(x, -1) for x in stepper.temperatures(rows, y))
    if rows.chips:
        more = power - power0
        if rows.converts:
            liquid = liquid + (at(a.liquid_slope) * more) @ w
        more *= at(a.power_slope)
        more += feed
        feed = more
        taken_up = _flux(chip, entering, at(course.conductance), w)
        if rows.liquid:
            liquid = liquid + rows.share * taken_up
    if rows.node.loop is not None:
        carried = _flux(out, liquid_in, rows.rate[None], w)
    drawn = feed @ w
    air = drawn - power @ w + taken_up - liquid
    asked, activity = at(course.asked), at(course.activity)
    done = rows.done(asked, activity, chip, power, bool(taken.paths))
    return Moment(chip, out, asked, activity, done, power, feed, liquid, (carried, air, drawn))


def _places(span: Array) -> slice | Array:
    """Rows of an array: a slice, which copies nothing, where they follow each other."""
    first, n = int(span[0]), span.size
    return slice(first, first + n) if (span == np.arange(first, first + n)).all() else span


def _parts(ends: Array, span: Array, moments: Array) -> Array:
    """Shares of their spans that moments lie in them."""
    return np.asarray((moments - ends[span]) / (ends[span + 1] - ends[span]))


def _along(path: Array, span: Array, part: Array) -> Array:
    """Values of a path at moments that lie at the beginnings of its spans, or between the ends of a span."""
    begin = path[_places(span)]
    if (np.abs(part) < ROUNDING).all():
        return begin
    return np.asarray(begin + (path[_places(span + 1)] - begin) * part[:, None])


def _flux(inner: Array, outer: Array, rate: Array, weight: Array) -> Array:
    """W of all rows over moments: rate (W/K) times the difference of temperatures."""
    if len(rate) == 1:
        each = rate[0] * weight
        return np.asarray(inner @ each - outer * float(each.sum()))
    return np.asarray((rate * (inner - outer[:, None])) @ weight)


def _rack_columns(rows: Rows, at: Moment, inlet: Array) -> list[Array]:
    """The columns of a group, in the order of `RACK_PARTS`."""
    w, count, none = rows.weight, rows.node.racks.count, np.full(1, np.nan)
    flow = float(w @ rows.flow)
    out = (at.out @ (w * rows.flow)) / flow if rows.node.loop is not None and flow > 0.0 else none
    lost = np.zeros(1)
    if rows.chips and at.done is not at.asked:
        lost = ((at.asked - at.done) > THROTTLED) @ w / count
    asked = at.asked @ w / count
    return [
        at.sums[2], at.feed.max(axis=1), at.liquid, at.sums[1], rows.parts_compute(at.activity) + at.power @ w,
        at.chip.max(axis=1) if rows.chips else none, at.chip @ w / count if rows.chips else none, out,
        np.full(1, flow / count), inlet, asked, asked if at.done is at.asked else at.done @ w / count, lost,
        np.full(1, float(w @ rows.stopped) / count),
    ]  # fmt: skip


def _link(link: LinkState, y: list[Any], heat: Array, electric: Array) -> list[Any]:
    if link.running <= 0.0 or link.tangent is None:
        return [0.0, 0.0, 0.0, y[link.u], link.running, 0.0, 0.0]
    value: list[Any] = link.tangent.value
    return [
        heat, value[6] * link.node.units, electric, y[link.u], link.running,
        value[4] * link.running, value[5] * link.running,
    ]  # fmt: skip
