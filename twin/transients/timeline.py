"""Events at work on a facility in time: what is to happen, and what follows from it step by step."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twin_models.streams import Ambient, Array
from twin_sites.schema import Cdus

from twin.transients.chips import Rows
from twin.transients.events import GENERATORS, Event
from twin.transients.machines import Machines
from twin.transients.parts import VolumeState
from twin.transients.resets import Resets
from twin.transients.staging import Staging
from twin.transients.stepping import Stepper
from twin.transients.supply import Supply

# Share of its coolant below which a loop's pumps stop (estimate: the expansion vessel is empty).
LOW_PRESSURE = 0.9
EMPTY = 0.05


class Timeline:
    """What is to happen, and what follows from what has happened."""

    def __init__(self, events: list[Event], stepper: Stepper) -> None:
        self.stepper, self.plant = stepper, stepper.plant
        self.pending: list[tuple[float, int, Callable[[], bool | None]]] = []
        self.log: list[str] = []
        self._order = 0
        self.machines = Machines(stepper, self.later, self.log)
        self.supply = Supply(self.machines)
        self.staging = Staging(self.machines)
        self.resets = Resets(self.staging)
        self._set_weather: dict[str, float] = {}
        self._set_load: dict[str, dict[int | None, float]] = {}  # by group and row, None for all
        self._leaks: dict[str, float] = {}
        self._volume: dict[str, float] = {}
        self._capacity = stepper.plant.capacity.copy()
        for event in events:
            self.later(event.at, partial(self._do, event))

    # -- when ----------------------------------------------------------------------------------------------------

    def later(self, at: float, action: Callable[[], bool | None]) -> None:
        """Let something happen at a moment; False says that nothing came of it."""
        self._order += 1
        self.pending.append((at, self._order, action))
        self.pending.sort(key=lambda item: item[:2])

    def next(self) -> float:
        """Moment of the next thing known to happen."""
        return self.pending[0][0] if self.pending else float("inf")

    def apply(self, now: float) -> bool:
        """Let happen what is due; whether anything did."""
        done = False
        while self.pending and self.pending[0][0] <= now + 1e-9:
            done = self.pending.pop(0)[2]() is not False or done
        return done

    def ask(self, asked: Mapping[str, Array], spans: Array) -> None:
        """Give every group its activity over the next step, in spans of constant load, as events have set it."""
        y = self.stepper.y.tolist()
        for rows in self.stepper.rows:
            values = asked[rows.node.name]
            if rows.parted:
                values = values[:, rows.source]
            own = self._set_load.get(rows.node.name)
            if own:
                values = values.copy()
                for row, value in own.items():
                    values[:, slice(None) if row is None else row] = value
            if len(values) == 1 or ((values[-1] == values[0]).all() and (values == values[0]).all()):
                rows.ask(values[0])
            else:
                inlet = self.plant.inlet(self.plant.by_name[rows.node.room], y)
                rows.expect(spans, values, self.stepper.temperatures(rows, y)[0], inlet)

    def weather(self, ambient: Ambient) -> Ambient:
        """Outdoor air, as events have set it."""
        dry = self._set_weather.get("dry_bulb", float(ambient.dry_bulb))
        wet = min(self._set_weather.get("wet_bulb", float(ambient.wet_bulb)), dry)
        return ambient._replace(dry_bulb=dry, wet_bulb=wet)

    # -- what ----------------------------------------------------------------------------------------------------

    def _do(self, event: Event) -> None:
        if event.text:
            self.log.append(f"{event.at:g} s: {event.text}")
        getattr(self, f"_{event.verb}")(event)

    def _trip(self, event: Event) -> None:
        where = event.where
        if where.startswith("racks."):
            self._switch(self._rows(where), event.unit, False)
        elif where == GENERATORS:
            self.supply.stop_generators()
        elif where.startswith("power."):
            self.supply.trip(where.removeprefix("power."), event.unit)
        else:
            self.machines.trip(_machine(where), event.unit)

    def _start(self, event: Event) -> None:
        where = event.where
        if where.startswith("racks."):
            self._switch(self._rows(where), event.unit, True)
        elif where == GENERATORS:
            self.supply.start_generators()
        elif where.startswith("power."):
            self.supply.restore(where.removeprefix("power."))
        else:
            self.machines.start(_machine(where), event.unit)

    def _degrade(self, event: Event) -> None:
        self.machines.link(event.where).factor *= event.value

    def _stick(self, event: Event) -> None:
        link = self.machines.link(event.where)
        link.stuck = True
        if event.value is not None:
            self.stepper.y[link.u] = event.value

    def _free(self, event: Event) -> None:
        self.machines.link(event.where).stuck = False

    def _block(self, event: Event) -> None:
        rows = self._rows(event.where)
        where = slice(None) if event.unit is None else rows.split(event.unit)
        rows.blocked[where] = event.value

    def _leak(self, event: Event) -> None:
        name = event.where.removeprefix("cooling.")
        self._leaks[name] = event.value
        left = (1.0 - LOW_PRESSURE) * self._whole(self.plant.by_name[name]) - self._volume.get(name, 0.0)
        self.later(
            event.at + max(left, 0.0) / event.value + 0.1, lambda: None
        )  # a step ends where a switch acts

    def _set(self, event: Event) -> None:
        volume, _, field = event.where.rpartition(".")
        if field == "coldest":
            self.plant.resets[volume.split(".")[1]].coldest = event.value
        else:
            self.plant.set_points[volume.rpartition(".")[2]] = event.value

    def _load(self, event: Event) -> None:
        for rows in self.stepper.rows:
            if event.where not in ("", f"racks.{rows.node.name}"):
                continue
            if event.unit is None:
                self._set_load[rows.node.name] = {None: event.value}
            else:
                self._set_load.setdefault(rows.node.name, {})[rows.split(event.unit)] = event.value

    def _weather(self, event: Event) -> None:
        self._set_weather[event.where] = event.value
        self.plant.breathe(self.weather(self.plant.ambient))

    def _rows(self, where: str) -> Rows:
        return next(rows for rows in self.stepper.rows if f"racks.{rows.node.name}" == where)

    def _switch(self, rows: Rows, unit: int | None, on: bool) -> None:
        where: Any = slice(None) if unit is None else rows.split(unit)
        rows.switched[where] = on
        rows.on[where] = on and f"racks.{rows.node.name}" not in self.supply.dark
        if on:
            rows.stopped[where] = False
        rows.renew()

    # -- after each step -----------------------------------------------------------------------------------------

    def after(self, step: float) -> None:
        """What the step that has been taken used up of batteries and coolant, and which units it starts or stops."""
        self.supply.after()
        self.staging.after(step)
        self.resets.after(step)
        for name, rate in self._leaks.items():
            self._lose_coolant(self.plant.by_name[name], rate * step)

    def _lose_coolant(self, v: VolumeState, lost: float) -> None:
        name = v.node.name
        places, whole = _places(v), self._whole(v)
        self._volume[name] = self._volume.get(name, 0.0) + lost
        left = max(1.0 - self._volume[name] / whole, EMPTY)
        before = self.plant.stored(self.stepper.y)
        self.plant.resize(places, self._capacity[places] * left)
        self.plant.spilled += before - self.plant.stored(self.stepper.y)
        v.low = left < LOW_PRESSURE
        if v.low:
            for where in self._pumps_of(v):
                self.machines.protect(where, f"low pressure in {name}")
        self.stepper.forget()

    def _whole(self, v: VolumeState) -> float:
        """m³ in a loop before anything leaks."""
        return float(self._capacity[_places(v)].sum()) / self.plant.rho_cp[v.node.name]

    def _pumps_of(self, v: VolumeState) -> list[str]:
        own = [f"cooling.{v.node.name}.pump"] if v.node.name in self.stepper.flows.banks else []
        return own + [
            link.node.address for stage in v.stages for link in stage if isinstance(link.node.link, Cdus)
        ]


def _places(v: VolumeState) -> list[int]:
    return list(dict.fromkeys([v.head, *v.supply, v.mix, *v.back]))


def _machine(where: str) -> str:
    """The group behind an address: pumps of CDUs are part of their units."""
    return where.removesuffix(".pump") if where.count(".") > 2 else where
