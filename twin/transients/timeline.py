"""Events at work: trips, standby units, restarts, batteries and generators on a facility in time."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from twin_models.streams import Ambient, Array
from twin_sites.schema import (
    Cdus,
    Chillers,
    Condensers,
    CoolingTowers,
    DryCoolers,
    HeatCustomers,
    Loop,
    UpsModules,
)

from twin.transients.chips import Rows
from twin.transients.events import Event
from twin.transients.flows import Bank
from twin.transients.parts import LinkState, VolumeState
from twin.transients.stepping import Stepper

# Share of its coolant below which a loop's pumps stop (estimate: the expansion vessel is empty).
LOW_PRESSURE = 0.9
EMPTY = 0.05
# Blocks, one after the other.
GENERATOR_ORDER = ("pump", "cdu", "air_handler", "rear_door", "cooling_tower", "dry_cooler", "chiller")


class Timeline:
    """What is to happen, and what follows from what has happened."""

    def __init__(self, events: list[Event], stepper: Stepper) -> None:
        self.stepper, self.plant = stepper, stepper.plant
        self.pending: list[tuple[float, int, Callable[[], None]]] = []
        self.log: list[str] = []
        self._order = 0
        self._set_weather: dict[str, float] = {}
        self._set_load: dict[str, float] = {}
        self._leaks: dict[str, float] = {}
        self._volume: dict[str, float] = {}
        self._capacity = stepper.plant.capacity.copy()
        self.utility, self.generator = True, False
        self.lost: dict[str, float] = {}  # units tripped, by address
        self.unpowered: set[str] = set()  # rack groups that have lost power
        self.dark: set[str] = set()  # elements without power
        self.supplied: set[str] = set()  # elements that the generators have taken on
        self.battery = sum(
            feeder.units * feeder.rating * feeder.ride_through
            for _, feeder in self.plant.plan.feeders
            if isinstance(feeder, UpsModules)
        )
        self._drained = 0.0
        self._full: dict[str, float] = {name: bank.running for name, bank in stepper.flows.banks.items()}
        self._units = {link.node.address: link.running for link in self.plant.links}
        for event in events:
            self._later(event.at, partial(self._do, event))

    # -- when ----------------------------------------------------------------------------------------------------

    def _later(self, at: float, action: Callable[[], None]) -> None:
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
            self.pending.pop(0)[2]()
            done = True
        return done

    def ask(self, asked: Mapping[str, Array]) -> bool:
        """Give every group its activity, as events have set it."""
        changed = False
        for rows in self.stepper.rows:
            values = np.asarray(asked[rows.node.name])[rows.source]
            values = (
                np.full(values.shape, self._set_load[rows.node.name])
                if rows.node.name in self._set_load
                else values
            )
            changed = rows.ask(values) or changed
        return changed

    def weather(self, ambient: Ambient) -> Ambient:
        """Outdoor air, as events have set it."""
        dry = self._set_weather.get("dry_bulb", float(ambient.dry_bulb))
        wet = min(self._set_weather.get("wet_bulb", float(ambient.wet_bulb)), dry)
        return ambient._replace(dry_bulb=dry, wet_bulb=wet)

    # -- what ----------------------------------------------------------------------------------------------------

    def _do(self, event: Event) -> None:
        self.log.append(f"{event.at:g} s: {event.text}")
        getattr(self, f"_{event.verb}")(event)

    def _trip(self, event: Event) -> None:
        where = event.where.removesuffix(".pump") if event.where.count(".") > 2 else event.where
        if where.startswith("racks."):
            self._switch(self._rows(where), event.unit, False)
        elif where.startswith("power."):
            self._lose_feeder(where.removeprefix("power."), event.unit)
        else:
            bank = self._bank(where)
            running = bank.running if bank is not None else self._link(where).running
            units = running if event.unit is None else min(1.0, running)
            self.lost[where] = self.lost.get(where, 0.0) + (self._count(where) if event.unit is None else 1.0)
            self._stop_units(where, units)
            self._call_standby(where)

    def _start(self, event: Event) -> None:
        where = event.where.removesuffix(".pump") if event.where.count(".") > 2 else event.where
        if where.startswith("racks."):
            self._switch(self._rows(where), event.unit, True)
        elif where.startswith("power."):
            self._restore_feeder(where.removeprefix("power."))
        else:
            self.lost[where] = 0.0 if event.unit is None else max(self.lost.get(where, 0.0) - 1.0, 0.0)
            self._later(event.at + self._machine(where).restart, lambda: self._fill(where))

    def _degrade(self, event: Event) -> None:
        link = self._link(event.where)
        share = 1.0 / max(link.node.units, 1) if event.unit is not None else 1.0
        link.factor *= 1.0 - share * (1.0 - event.value)

    def _stick(self, event: Event) -> None:
        link = self._link(event.where)
        link.stuck = True
        if event.value is not None:
            self.stepper.y[link.u] = event.value

    def _free(self, event: Event) -> None:
        self._link(event.where).stuck = False

    def _block(self, event: Event) -> None:
        rows = self._rows(event.where)
        where = slice(None) if event.unit is None else rows.split(event.unit)
        rows.blocked[where] = event.value

    def _leak(self, event: Event) -> None:
        self._leaks[event.where.removeprefix("cooling.")] = event.value

    def _set(self, event: Event) -> None:
        name = event.where.removesuffix(".supply").rpartition(".")[2]
        self.plant.set_points[name] = ("", event.value)

    def _load(self, event: Event) -> None:
        for rows in self.stepper.rows:
            if event.where in ("", f"racks.{rows.node.name}"):
                self._set_load[rows.node.name] = event.value

    def _weather(self, event: Event) -> None:
        self._set_weather[event.where] = event.value
        self.plant.breathe(self.weather(self.plant.ambient))

    # -- machines ------------------------------------------------------------------------------------------------

    def _bank(self, where: str) -> Bank | None:
        if where.endswith(".pump") and where.count(".") == 2:
            return self.stepper.flows.banks[where.split(".")[1]]
        return self.stepper.flows.banks.get(where)

    def _link(self, where: str) -> LinkState:
        return next(link for link in self.plant.links if link.node.address == where)

    def _rows(self, where: str) -> Rows:
        return next(rows for rows in self.stepper.rows if f"racks.{rows.node.name}" == where)

    def _machine(self, where: str) -> Any:
        if where.endswith(".pump") and where.count(".") == 2:
            part = self.plant.by_name[where.split(".")[1]].node.part
            assert isinstance(part, Loop)
            return part.pump
        return self._link(where).node.link

    def _count(self, where: str) -> float:
        return float(self._machine(where).available)

    def _stop_units(self, where: str, units: float) -> None:
        bank = self._bank(where)
        if bank is not None:
            bank.lost.append((units, self.stepper.now))
            bank.running = max(bank.running - units, 0.0)
            return
        link = self._link(where)
        link.running = max(link.running - units, 0.0)

    def _call_standby(self, where: str) -> None:
        """Units that stand by, or chillers and cells that are staged off, take over."""
        machine = self._machine(where)
        if where in self.dark or not hasattr(machine, "changeover"):
            return
        self._later(self.stepper.now + machine.changeover, lambda: self._fill(where))

    def _fill(self, where: str) -> None:
        """Run as many units as ran before, or as many as there still are."""
        if where in self.dark:
            return
        bank = self._bank(where)
        there = max(self._count(where) - self.lost.get(where, 0.0), 0.0)
        if bank is not None:
            key = where.split(".")[1] if where.endswith(".pump") else where
            units = min(self._full[key], there)
            if units > bank.running:
                bank.lost.clear()
                bank.running = units
        else:
            link = self._link(where)
            link.running = min(self._units[where], there)
        self.stepper.forget()

    def _switch(self, rows: Rows, unit: int | None, on: bool) -> None:
        where = slice(None) if unit is None else rows.split(unit)
        rows.on[where] = on
        if on:
            rows.stopped[where] = False
        rows.renew()

    # -- power ---------------------------------------------------------------------------------------------------

    def _lose_feeder(self, name: str, unit: int | None) -> None:
        feeder = dict(self.plant.plan.feeders)[name]
        self.lost[name] = self.lost.get(name, 0.0) + (feeder.units if unit is None else 1.0)
        if feeder.kind == "utility":
            self.utility = False
            plan = self.plant.plan.site.generators
            if plan is not None:
                self._later(self.stepper.now + plan.start, lambda: self._take_over(plan.interval))
        self._energise()

    def overheat(self, room: str) -> None:
        """Everything that feeds power in a room, and its air handlers' fans, stop in air that is too hot."""
        for name, feeder in self.plant.plan.feeders:
            if feeder.heat_to.get("loss") == room and self.lost.get(name, 0.0) < max(feeder.units, 1):
                self.log.append(f"{self.stepper.now:.0f} s: power.{name} stops, {room} is too hot")
                self._lose_feeder(name, None)
        v = self.plant.by_name[room]
        for link in (link for stage in v.stages for link in stage):
            if self._bank(link.node.address) is not None:
                self.protect(link.node.address, f"{room} is too hot")

    def protect(self, where: str, why: str) -> None:
        """All units at an address that run stop, and stay off until an event starts them."""
        bank = self._bank(where)
        running = bank.running if bank is not None else self._link(where).running
        if running <= 0.0:
            return
        self.log.append(f"{self.stepper.now:.0f} s: {where} stops, {why}")
        self.lost[where] = self._count(where)
        self._stop_units(where, running)
        self.stepper.forget()

    def _restore_feeder(self, name: str) -> None:
        self.lost[name] = 0.0
        if dict(self.plant.plan.feeders)[name].kind == "utility":
            self.utility, self.generator = True, False
            self._drained = 0.0
        self._energise()

    def _take_over(self, interval: float) -> None:
        """Generators feed the UPS first, then what says that it is theirs, block by block."""
        if self.utility:
            return
        self.generator = True
        self.log.append(f"{self.stepper.now:.0f} s: generators take the UPS")
        blocks = [
            kind
            for kind in GENERATOR_ORDER
            if any(self._kind(a) == kind for a in self._elements("generator"))
        ]
        for i, kind in enumerate(blocks, start=1):
            self._later(self.stepper.now + i * interval, partial(self._take_block, kind))
        self._energise()

    def _take_block(self, kind: str) -> None:
        if self.generator:
            self.supplied |= {a for a in self._elements("generator") if self._kind(a) == kind}
            self.log.append(f"{self.stepper.now:.0f} s: generators take {kind.replace('_', ' ')}s")
            self._energise()

    def _elements(self, backup: str) -> list[str]:
        return [
            a
            for a in self.plant.elements
            if a not in ("house",) and not a.startswith("racks.") and self._machine(a).backup == backup
        ]

    def _kind(self, where: str) -> str:
        return getattr(self._machine(where), "kind", "pump")

    def _alive(self, name: str) -> bool:
        """Whether a feeder delivers."""
        feeder = dict(self.plant.plan.feeders)[name]
        if self.lost.get(name, 0.0) >= max(feeder.units, 1):
            return False
        if feeder.kind == "utility":
            return self.utility
        if feeder.kind == "ups" and (self.generator or self._drained < self.battery):
            return True
        return any(self._alive(parent) for parent in self.plant.plan.parents[name])

    def _on_battery(self, name: str) -> bool:
        """Whether a UPS delivers without being fed."""
        if dict(self.plant.plan.feeders)[name].kind != "ups" or not self._alive(name) or self.generator:
            return False
        return not any(self._alive(parent) for parent in self.plant.plan.parents[name])

    def _energise(self) -> None:
        """Who has power now; machines that lose it stop, those that get it back restart in their time."""
        fed = dict(self.plant.plan.fed_by)
        for address in self.plant.elements:
            if not fed.get(address):  # what draws nothing needs nothing
                continue
            has = any(self._alive(name) for name in fed[address]) or address in self.supplied
            was = address not in self.dark
            if has == was:
                continue
            if has:
                self.dark.discard(address)
            else:
                self.dark.add(address)
            self._power(address, has)
        self.plant.on_battery = {name for name, _ in self.plant.plan.feeders if self._on_battery(name)}
        self.plant.dead = {
            name for name, _ in self.plant.plan.feeders if not self._alive(name) and not self.generator
        }
        self.stepper.forget()

    def _power(self, address: str, on: bool) -> None:
        if address == "house":
            self.plant.on["house"] = float(on)
        elif address.startswith("racks."):
            rows = self._rows(address)
            rows.on[:] = on
            rows.renew()
            if not on:
                self.unpowered.add(rows.node.name)
        elif on:
            machine = self._machine(address)
            self._later(self.stepper.now + machine.restart, lambda: self._return(address))
        else:
            bank = self._bank(address)
            if bank is not None:
                self._stop_units(address, bank.running)
            else:
                self._still(address)

    def _return(self, address: str) -> None:
        if address in self.dark:
            return
        if self._bank(address) is None:
            self._link(address).unpowered = False
        self._fill(address)

    def _still(self, address: str) -> None:
        """Compressors and pumps inside machines stop, fans of towers and dry coolers run down, the rest needs no power."""
        link = self._link(address)
        machine = link.node.link
        pumped = isinstance(machine, Condensers) and machine.pump_power > 0.0
        lifted = isinstance(machine, HeatCustomers) and machine.method == "heat_pump"
        if isinstance(machine, Chillers) or pumped or lifted:
            link.running = 0.0
        elif isinstance(machine, DryCoolers | CoolingTowers):
            link.unpowered = True

    # -- after each step -----------------------------------------------------------------------------------------

    def after(self, step: float) -> None:
        """What the step that has been taken used up: batteries and coolant."""
        if self.plant.on_battery:
            self._drained = float(self.stepper.y[self.plant.battery])
            if self._drained >= self.battery:
                self.log.append(f"{self.stepper.now:.0f} s: batteries are empty")
                self._energise()
        for name, rate in self._leaks.items():
            self._lose_coolant(self.plant.by_name[name], rate * step)

    def _lose_coolant(self, v: VolumeState, lost: float) -> None:
        name = v.node.name
        places = list(dict.fromkeys([v.head, *v.supply, v.mix, *v.back]))
        per_m3 = self.plant.rho_cp[name]
        whole = float(self._capacity[places].sum()) / per_m3
        self._volume[name] = self._volume.get(name, 0.0) + lost
        left = max(1.0 - self._volume[name] / whole, EMPTY)
        before = self.plant.stored(self.stepper.y)
        self.plant.resize(places, self._capacity[places] * left)
        self.plant.spilled += before - self.plant.stored(self.stepper.y)
        if left < LOW_PRESSURE:
            for where in self._pumps_of(v):
                self.protect(where, f"low pressure in {name}")
        self.stepper.forget()

    def _pumps_of(self, v: VolumeState) -> list[str]:
        own = [f"cooling.{v.node.name}.pump"] if v.node.name in self.stepper.flows.banks else []
        return own + [
            link.node.address for stage in v.stages for link in stage if isinstance(link.node.link, Cdus)
        ]
