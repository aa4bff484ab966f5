"""Units that stop, stand by and start again: pumps, CDUs, chillers, coolers, air handlers."""

from collections.abc import Callable
from typing import Any, TypeAlias

from twin_sites.schema import Chillers, Condensers, CoolingTowers, DryCoolers, HeatCustomers, Loop

from twin.transients.banks import Bank
from twin.transients.parts import LinkState
from twin.transients.stepping import Stepper

Later: TypeAlias = Callable[[float, Callable[[], bool | None]], None]


class Machines:
    """How many units of each group run, and which are lost; addresses as in events, those of CDUs without ``.pump``."""

    def __init__(self, stepper: Stepper, later: Later, log: list[str]) -> None:
        self.stepper, self.plant = stepper, stepper.plant
        self.later, self.log = later, log
        self.lost: dict[str, float] = {}  # units tripped, by address
        self.dark: set[str] = set()  # elements without power
        self._tripped: set[tuple[str, int]] = set()
        # units that shall run: of links, and of the pumps of loops
        self.wanted = {link.node.address: link.running for link in self.plant.links}
        for v in self.plant.volumes:
            if v.node.name in stepper.flows.banks:
                self.wanted[f"cooling.{v.node.name}.pump"] = stepper.flows.banks[v.node.name].running

    def bank(self, where: str) -> Bank | None:
        """Pumps or fans behind an address."""
        return self.stepper.flows.banks.get(_pumped(where) or where)

    def link(self, where: str) -> LinkState:
        """Link of an address."""
        return next(link for link in self.plant.links if link.node.address == where)

    def machine(self, where: str) -> Any:
        """Group of units as the site declares it."""
        loop = _pumped(where)
        if loop is None:
            return self.link(where).node.link
        part = self.plant.by_name[loop].node.part
        assert isinstance(part, Loop)
        return part.pump

    def running(self, where: str) -> float:
        """Units that run now."""
        bank = self.bank(where)
        return bank.running if bank is not None else self.link(where).running

    def left(self, where: str) -> float:
        """Units that are there and not lost."""
        return max(float(self.machine(where).available) - self.lost.get(where, 0.0), 0.0)

    # -- stop ----------------------------------------------------------------------------------------------------

    def trip(self, where: str, unit: int | None) -> None:
        """Lose a unit, or all; what stands by takes over. A unit that is lost already is lost no further."""
        if unit is not None and (where, unit) in self._tripped:
            return
        running = self.running(where)
        if unit is None:
            self.lost[where] = float(self.machine(where).available)
        else:
            self._tripped.add((where, unit))
            self.lost[where] = self.lost.get(where, 0.0) + 1.0
        self.stop(where, running if unit is None else min(1.0, running))
        if where not in self.dark:
            wait = getattr(self.machine(where), "changeover", 0.0)
            self.later(self.stepper.now + wait, lambda: self.fill(where))

    def protect(self, where: str, why: str) -> None:
        """All units at an address that run stop, and stay off until an event starts them."""
        running = self.running(where)
        if running <= 0.0:
            return
        self.log.append(f"{self.stepper.now:.0f} s: {where} stops, {why}")
        self.lost[where] = float(self.machine(where).available)
        self.stop(where, running)
        self.stepper.forget()

    def stop(self, where: str, units: float) -> None:
        """So many units fewer run: pumps and fans run down, the others stand at once."""
        bank = self.bank(where)
        if bank is not None:
            bank.lost.append((units, self.stepper.now))
            bank.running = max(bank.running - units, 0.0)
            return
        link = self.link(where)
        link.running = max(link.running - units, 0.0)

    def darken(self, where: str) -> None:
        """No power: compressors and pumps inside machines stop, fans of towers and dry coolers run down, the rest needs none."""
        self.dark.add(where)
        bank = self.bank(where)
        if bank is not None:
            self.stop(where, bank.running)
            return
        link, machine = self.link(where), self.machine(where)
        pumped = isinstance(machine, Condensers) and machine.pump_power > 0.0
        lifted = isinstance(machine, HeatCustomers) and machine.method == "heat_pump"
        if isinstance(machine, Chillers) or pumped or lifted:
            link.running = 0.0
        elif isinstance(machine, DryCoolers | CoolingTowers):
            link.unpowered = True

    # -- start ---------------------------------------------------------------------------------------------------

    def start(self, where: str, unit: int | None) -> None:
        """What was tripped comes back after its restart time; valves of exchangers at once."""
        self._tripped = {one for one in self._tripped if one[0] != where or unit not in (None, one[1])}
        self.lost[where] = 0.0 if unit is None else max(self.lost.get(where, 0.0) - 1.0, 0.0)
        wait = getattr(self.machine(where), "restart", 0.0)
        self.later(self.stepper.now + wait, lambda: self.fill(where))

    def lighten(self, where: str) -> None:
        """Power is back: what ran before runs again after its restart time."""
        self.dark.discard(where)
        wait = getattr(self.machine(where), "restart", 0.0)

        def again() -> None:
            if where not in self.dark:
                if self.bank(where) is None:
                    self.link(where).unpowered = False
                self.fill(where)

        self.later(self.stepper.now + wait, again)

    def fill(self, where: str) -> None:
        """Run as many units as shall run, or as many as there still are."""
        if where in self.dark:
            return
        bank = self.bank(where)
        if bank is not None:
            units = min(self.wanted[where], self.left(where))
            if units > bank.running:
                bank.lost.clear()
                bank.running = units
            elif units < bank.running:  # staged off: it runs down
                self.stop(where, bank.running - units)
        else:
            self.link(where).running = min(self.wanted[where], self.left(where))
        self.stepper.forget()


def _pumped(where: str) -> str | None:
    """Loop whose own pumps an address names."""
    return where.split(".")[1] if where.endswith(".pump") and where.count(".") == 2 else None
