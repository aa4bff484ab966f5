"""What a transient keeps: site series on a regular grid, extremes and crossings of every step.

Steps are interpolated onto the grid as they come, so that memory follows the grid and not the steps or the racks.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from twin_models.streams import Array

from twin.transients.parts import LinkState
from twin.transients.plant import Plant
from twin.transients.stepping import Stepper

CHUNK = 2048  # steps held before they are put on the grid


@dataclass
class Crossing:
    """First moments at which a rack group met its limits, s; infinite where it never did."""

    throttle: float = float("inf")
    stop: float = float("inf")
    inlet: float = float("inf")
    hottest: float = -float("inf")
    cause: str = "chip"  # of the stop: chip, coolant, inlet air or power


@dataclass
class Recorder:
    """Series on a grid of ``step`` seconds from 0 to ``until``."""

    step: float
    until: float
    names: list[str] = field(default_factory=list)
    grid: Array = field(default_factory=lambda: np.zeros(0))
    values: Array = field(default_factory=lambda: np.zeros((0, 0)))
    crossings: dict[str, Crossing] = field(default_factory=dict)
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    _rows: list[list[float]] = field(default_factory=list)
    _done: int = 0  # moments of the grid that have their values
    _passed: int = -1  # moments of the grid that the last call lay behind
    _lowest: Array = field(default_factory=lambda: np.zeros(0))
    _highest: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        n = int(np.floor(self.until / self.step + 1e-9)) + 1
        self.grid = np.arange(n, dtype=np.float64) * float(self.step)

    def keep(self, stepper: Stepper, ahead: float = np.inf) -> None:
        """Note the state of now where a moment of the grid lies since the last call or in the step ahead."""
        if not self.names:
            self.names = names(stepper)
            self.values = np.full((len(self.names), self.grid.size), np.nan)
            self._lowest = self._highest = stepper.y
        self._lowest = np.minimum(self._lowest, stepper.y)
        self._highest = np.maximum(self._highest, stepper.y)
        passed, self._passed = self._passed, int((stepper.now + 1e-9) / self.step)
        if passed == self._passed and stepper.now + ahead + 1e-9 < (passed + 1) * self.step:
            return
        row = snapshot(stepper)
        if self._rows and row[0] <= self._rows[-1][0]:
            row[0] = np.nextafter(self._rows[-1][0], np.inf)  # a jump: two values at one moment
        self._rows.append(row)
        if len(self._rows) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Put what is held on the grid."""
        if not self._rows:
            return
        rows = np.array(self._rows)
        times = rows[:, 0]
        last = int(np.searchsorted(self.grid, times[-1] + 1e-9, side="right"))
        at = self.grid[self._done : last]
        for i in range(1, rows.shape[1]):
            self.values[i - 1, self._done : last] = np.interp(at, times, rows[:, i])
        lows, highs = rows.min(axis=0)[1:].tolist(), rows.max(axis=0)[1:].tolist()
        for name, least, most in zip(self.names, lows, highs, strict=True):
            low, high = self.extremes.get(name, (np.inf, -np.inf))
            self.extremes[name] = (min(low, least), max(high, most))
        self._done = last
        self._rows = [self._rows[-1]]

    def close(self, stepper: Stepper) -> None:
        """The last moment; extremes of loops and rooms are those of every step."""
        self.keep(stepper)
        self.flush()
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


def snapshot(stepper: Stepper) -> list[float]:
    """Time and everything that is kept, at the state of now; rates of now must have been worked out last."""
    plant, y = stepper.plant, stepper.y
    values = y.tolist()
    row = [stepper.now, plant.power_at_meter, plant.power_rejected, plant.power_of_battery]
    row += [float(plant.ambient.dry_bulb), float(plant.ambient.wet_bulb)]
    for rows in stepper.rows:
        assert rows.around is not None
        power, _ = rows.package_power(rows.chip)
        w, count = rows.weight, rows.node.racks.count
        feed = rows.around.power + rows.around.power_slope * (power - rows._power)
        entering, _ = stepper.temperatures(rows, values)
        liquid = rows.heat_to_liquid(entering)
        taken = rows.conductance * (rows.chip - entering) if rows.chips else np.zeros_like(power)
        air = feed - power + taken - liquid
        done = rows.done()
        lost = (rows.asked - done) > 1e-6
        hot = float(rows.chip.max()) if rows.chips else np.nan
        mean = float(w @ rows.chip) / count if rows.chips else np.nan
        flow = float(w @ rows.flow)
        out = (
            float(w @ (rows.flow * rows.out)) / flow if rows.node.loop is not None and flow > 0.0 else np.nan
        )
        inlet = plant.inlet(plant.by_name[rows.node.room], values)
        compute = float(w @ (rows.parts_compute() + power))
        row += [
            float(w @ feed), float(feed.max()), float(w @ liquid), float(w @ air), compute, hot, mean, out,
            flow / count, inlet, float(w @ rows.asked) / count, float(w @ done) / count,
            float(w @ lost) / count if rows.chips else 0.0, float(w @ rows.stopped) / count,
        ]  # fmt: skip
    for v in plant.volumes:
        row += [
            values[v.head],
            float(v.wanted),
            values[v.last],
            v.flow,
            v.flow * v.cp * (values[v.last] + v.above - values[v.head]),
        ]
    row += [drive.electric for drive in plant.drives]
    for link in plant.links:
        row += _link(plant, link, values)
    for feeder in plant.feeders:
        row += [feeder.load, feeder.loss]
    return row


def _link(plant: Plant, link: LinkState, y: list[float]) -> list[float]:
    if link.running <= 0.0 or link.tangent is None:
        return [0.0, 0.0, 0.0, y[link.u], link.running, 0.0, 0.0]
    value: list[Any] = link.tangent.value
    return [
        link.heat, value[6] * link.node.units, link.electric, y[link.u], link.running,
        value[4] * link.running, value[5] * link.running,
    ]  # fmt: skip
