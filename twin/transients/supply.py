"""Who has power: feeders that are lost, UPS on their batteries, generators that take load block by block."""

from functools import partial

from twin_sites.schema import UpsModules

from twin.transients.chips import Rows
from twin.transients.machines import Machines

# Blocks, one after the other.
GENERATOR_ORDER = ("pump", "cdu", "liquid_to_air", "immersion", "two_phase", "air_handler", "rear_door", "cooling_tower", "dry_cooler", "chiller", "heat_reuse")  # fmt: skip


MAINS = ("utility", "transformer")  # what generators stand in for


class Supply:
    """State of the electrical side; `energise` works out who has power and tells the machines."""

    def __init__(self, machines: Machines) -> None:
        self.machines, self.plant, self.stepper = machines, machines.plant, machines.stepper
        self.log = machines.log
        self.feeders = dict(self.plant.plan.feeders)
        self.fed = dict(self.plant.plan.fed_by)
        self.utility, self.generator, self.ready = (
            True,
            False,
            True,
        )  # ready: generators start when they are called
        self.lost: dict[str, float] = {}  # units of feeders
        # rack groups that have lost power: when they first did, and the feeder that was the cause
        self.unpowered: dict[str, tuple[float, str]] = {}
        self.dark: set[str] = set()  # elements without power
        self.supplied: set[str] = set()  # elements that the generators have taken on
        self.battery = self._batteries()
        self._drained = 0.0
        self.generated = 0.0  # J that came from generators
        self._metered = 0.0
        self._calls = 0  # for generators: a start that utility has overtaken is not carried out
        self._normal = list(self.plant.fed)

    # -- events --------------------------------------------------------------------------------------------------

    def trip(self, name: str, unit: int | None) -> None:
        """Lose one unit of a feeder, or all of it."""
        feeder = self.feeders[name]
        units = max(feeder.units, 1)
        self.lost[name] = min(self.lost.get(name, 0.0) + (units if unit is None else 1.0), units)
        state = next(one for one in self.plant.feeders if one.name == name)
        left = units - self.lost[name]
        state.units = int(max(left, 1))
        if left > 0.0 and feeder.rating is not None and state.load > left * feeder.rating:
            share = state.load / (left * feeder.rating)
            self.log.append(
                f"{self.stepper.now:.0f} s: power.{name} carries {100 * share:.0f} % of what is left of it"
            )
        if feeder.kind == "utility":
            self.utility = False
        if feeder.kind in MAINS and not self._mains():
            self._call()
        self.energise()

    def restore(self, name: str) -> None:
        """A feeder is back; batteries are not charged again within a run."""
        self.lost[name] = 0.0
        next(one for one in self.plant.feeders if one.name == name).units = max(self.feeders[name].units, 1)
        if self.feeders[name].kind == "utility":
            self.utility = True
        if self.feeders[name].kind in MAINS and self._mains():
            self.generator = False
            self.supplied.clear()
        self.energise()

    def stop_generators(self) -> None:
        """Generators stop, or do not start when they are called."""
        self.ready, self.generator = False, False
        self.supplied.clear()
        self.energise()

    def start_generators(self) -> None:
        """Generators can start again, and do where they are needed."""
        self.ready = True
        if not self._mains() and not self.generator:
            self._call()

    def overheat(self, room: str) -> None:
        """Everything that feeds power in a room, and its air handlers' fans, stop in air that is too hot."""
        for name, feeder in self.feeders.items():
            if feeder.heat_to.get("loss") == room and self.lost.get(name, 0.0) < max(feeder.units, 1):
                self.log.append(f"{self.stepper.now:.0f} s: power.{name} stops, {room} is too hot")
                self.trip(name, None)
        v = self.plant.by_name[room]
        for link in (link for stage in v.stages for link in stage):
            if self.machines.bank(link.node.address) is not None:
                self.machines.protect(link.node.address, f"{room} is too hot")

    def after(self) -> None:
        """What the step that has been taken used up of the batteries, and took from generators."""
        metered = float(self.stepper.y[self.plant.meter])
        if self.generator:
            self.generated += metered - self._metered
        self._metered = metered
        if self.plant.on_battery:
            self._drained = float(self.stepper.y[self.plant.battery])
            if self._drained >= self._batteries():
                self.log.append(f"{self.stepper.now:.0f} s: batteries are empty")
                self.energise()

    def _batteries(self) -> float:
        """J in full batteries of the UPS that are not lost."""
        return sum(
            max(feeder.units - self.lost.get(name, 0.0), 0.0) * feeder.rating * feeder.ride_through
            for name, feeder in self.feeders.items()
            if isinstance(feeder, UpsModules)
        )

    def _mains(self) -> bool:
        """Whether the utility reaches the site behind its transformers, where generators stand in for it."""
        transformers = [name for name, feeder in self.feeders.items() if feeder.kind == "transformer"]
        return any(self._alive(name) for name in transformers) if transformers else self.utility

    # -- generators ----------------------------------------------------------------------------------------------

    def _call(self) -> None:
        plan = self.plant.plan.site.generators
        self._calls += 1
        if plan is not None and self.ready:
            self.machines.later(
                self.stepper.now + plan.start, partial(self._take_over, plan.interval, self._calls)
            )

    def _take_over(self, interval: float, call: int) -> None:
        """Generators feed the UPS first, then what says that it is theirs, block by block."""
        if self._mains() or not self.ready or call != self._calls:
            return
        self.generator = True
        self.log.append(f"{self.stepper.now:.0f} s: generators take the UPS")
        theirs = self._elements("generator")
        blocks = [kind for kind in GENERATOR_ORDER if any(self._kind(a) == kind for a in theirs)]
        for i, kind in enumerate(blocks, start=1):
            self.machines.later(self.stepper.now + i * interval, partial(self._take_block, kind, call))
        self.energise()

    def _take_block(self, kind: str, call: int) -> None:
        if self.generator and call == self._calls:
            self.supplied |= {a for a in self._elements("generator") if self._kind(a) == kind}
            self.log.append(f"{self.stepper.now:.0f} s: generators take {kind.replace('_', ' ')}s")
            self.energise()

    def _elements(self, backup: str) -> list[str]:
        found = [a for a in self.plant.elements if a != "house" and not a.startswith("racks.")]
        return [a for a in found if self.machines.machine(a).backup == backup]

    def _kind(self, where: str) -> str:
        return getattr(self.machines.machine(where), "kind", "pump")

    # -- who has power -------------------------------------------------------------------------------------------

    def _alive(self, name: str) -> bool:
        """Whether a feeder delivers."""
        feeder = self.feeders[name]
        if self.lost.get(name, 0.0) >= max(feeder.units, 1):
            return False
        if feeder.kind == "utility":
            return self.utility
        if feeder.kind == "ups" and (self.generator or self._drained < self._batteries()):
            return True
        return any(self._alive(parent) for parent in self.plant.plan.parents[name])

    def _reached(self, name: str) -> bool:
        """Whether generators, which stand behind the transformers, reach what a feeder feeds."""
        if self.feeders[name].kind in MAINS:
            return True
        whole = self.lost.get(name, 0.0) < max(self.feeders[name].units, 1)
        return whole and any(self._reached(parent) for parent in self.plant.plan.parents[name])

    def _on_battery(self, name: str) -> bool:
        """Whether a UPS delivers without being fed."""
        if self.feeders[name].kind != "ups" or not self._alive(name) or self.generator:
            return False
        return not any(self._alive(parent) for parent in self.plant.plan.parents[name])

    def energise(self) -> None:
        """Who has power now; machines that lose it stop, those that get it back restart in their time."""
        backed = set(self._elements("ups"))
        ups = [name for name, feeder in self.feeders.items() if feeder.kind == "ups" and self._alive(name)]
        moved: set[str] = set()  # what the UPS carry though another feeder does at other times
        for address in self.plant.elements:
            if not self.fed.get(address):  # what draws nothing needs nothing
                continue
            has = any(self._alive(name) for name in self.fed[address])
            has = has or (address in self.supplied and any(self._reached(name) for name in self.fed[address]))
            if not has and address in backed and ups:
                has = True
                moved.add(address)
            if has == (address not in self.dark):
                continue
            (self.dark.discard if has else self.dark.add)(address)
            self._tell(address, has)
        self._carry(moved, ups)
        self.plant.on_battery = {name for name in self.feeders if self._on_battery(name)}
        self.plant.dead = {name for name in self.feeders if not self._alive(name) and not self.generator}
        self.stepper.forget()

    def _carry(self, moved: set[str], ups: list[str]) -> None:
        """Let the UPS feed what says that they back it up, by their size."""
        place = {address: i for i, address in enumerate(self.plant.elements)}
        order = {name: i for i, (name, _) in enumerate(self.plant.plan.feeders)}
        ratings = {
            name: float(self.feeders[name].rating or 0.0) * max(self.feeders[name].units, 1) for name in ups
        }
        theirs = {place[address] for address in moved}
        self.plant.fed = [one for one in self._normal if one[0] not in theirs] + [
            (i, order[name], rating / sum(ratings.values()))
            for i in sorted(theirs)
            for name, rating in ratings.items()
        ]

    def _tell(self, address: str, on: bool) -> None:
        if address == "house":
            self.plant.on["house"] = float(on)
        elif address.startswith("racks."):
            rows = self._rows(address)
            rows.on[:] = rows.switched & on
            rows.renew()
            if not on and rows.node.name not in self.unpowered:
                self.unpowered[rows.node.name] = (self.stepper.now, self._cause(address))
                self.log.append(f"{self.stepper.now:.0f} s: {address} loses power")
        elif on:
            self.machines.lighten(address)
        else:
            self.machines.darken(address)

    def _cause(self, address: str) -> str:
        """The feeder for want of which an element has no power: lost itself, or a UPS with empty batteries."""
        name = next(iter(self.fed[address]))
        while (
            self.lost.get(name, 0.0) < max(self.feeders[name].units, 1) and self.feeders[name].kind != "ups"
        ):
            above = list(self.plant.plan.parents[name])
            if not above:
                break
            name = above[0]
        return f"power.{name}"

    def _rows(self, where: str) -> Rows:
        return next(rows for rows in self.stepper.rows if f"racks.{rows.node.name}" == where)
