"""Chillers and tower cells that start and stop with the load, in the manner of ASHRAE Guideline 36 (5.20).

A chiller is added where those that run are fully loaded and their water has stayed too warm for the delay, and taken away
where one fewer would carry the load with a margin for as long. Between both lies a band in which nothing changes; what
the year runs lies in it. Each has a least time on and off, and needs its restart time before it cools. Cells follow the
water: as many as keep their least flow. Delays are the guideline's defaults as recalled (estimate).
"""

import math

from twin_sites.schema import Chillers, CoolingTowers

from twin.loops import CELL_FLOW_LOW
from twin.transients.machines import Machines
from twin.transients.parts import LinkState, VolumeState

FULL = 0.99  # opening at which a chiller counts as fully loaded
TOO_WARM_K = 0.5  # above the set point
DOWN = 0.85  # share of what one chiller fewer can do, below which it may go
CAPACITY = 6  # row of `unit_transfer`


class Staging:
    """Since when each group has asked for more or fewer units, and when it last changed."""

    def __init__(self, machines: Machines) -> None:
        self.machines, self.plant, self.stepper = machines, machines.plant, machines.stepper
        self._since: dict[tuple[str, int], float] = {}
        self._started: dict[str, float] = {}
        self._stopped: dict[str, float] = {}
        self._groups = [
            (v, link)
            for v in self.plant.volumes
            for stage in v.stages
            for link in stage
            if isinstance(link.node.link, Chillers | CoolingTowers) and link.node.units > 1
        ]

    def after(self) -> None:
        """Ask every group after a step whether another number of units should run."""
        for v, link in self._groups:
            where = link.node.address
            if link.stuck or link.unpowered or link.running <= 0.0 or where in self.machines.dark:
                continue
            if self.machines.wanted[where] > link.running:  # some are on their way, or lost
                continue
            wish = self._chillers(v, link) if isinstance(link.node.link, Chillers) else self._cells(v, link)
            for way in (1, -1):
                if wish != way:
                    self._since.pop((where, way), None)
            if wish and self._long_enough(link, wish):
                self._change(link, wish)

    def _chillers(self, v: VolumeState, link: LinkState) -> int:
        """1, 0 or -1 chillers more."""
        assert link.tangent is not None
        y, units = self.stepper.y, link.running
        warm = y[link.sensor] - v.wanted > TOO_WARM_K
        if warm and y[link.u] >= FULL and units < min(link.node.units, self.machines.left(link.node.address)):
            return 1
        one = float(link.tangent.value[CAPACITY])
        return -1 if units > 1.0 and not warm and link.heat < DOWN * (units - 1.0) * one else 0

    def _cells(self, v: VolumeState, link: LinkState) -> int:
        """1, 0 or -1 cells more: as many as the year runs at this flow of water."""
        machine = link.node.link
        assert isinstance(machine, CoolingTowers)
        most = min(link.node.units, self.machines.left(link.node.address))
        least = CELL_FLOW_LOW[machine.model] * link.node.hot_design
        needed = min(max(math.floor(v.flow * link.share / least), 1.0), most)
        return (needed > link.running) - (needed < link.running)

    def _long_enough(self, link: LinkState, way: int) -> bool:
        now, where, machine = self.stepper.now, link.node.address, link.node.link
        assert isinstance(machine, Chillers | CoolingTowers)
        asked = now - self._since.setdefault((where, way), now) >= machine.stage_delay
        if isinstance(machine, CoolingTowers):
            return asked
        if way > 0:
            return asked and now - self._stopped.get(where, -math.inf) >= machine.minimum_off
        return asked and now - self._started.get(where, -math.inf) >= machine.minimum_on

    def _change(self, link: LinkState, way: int) -> None:
        now, where = self.stepper.now, link.node.address
        self._since.pop((where, way), None)
        self.machines.wanted[where] = link.running + way
        said = "starts" if way > 0 else "stops"
        self.machines.log.append(f"{now:.0f} s: {where} {said} one of {link.node.units}")
        if way < 0:
            self._stopped[where] = now
            self._run(link)
            return
        self._started[where] = now
        machine = link.node.link
        wait = machine.restart if isinstance(machine, Chillers | CoolingTowers) else 0.0
        self.machines.later(now + wait, lambda: self._run(link))

    def _run(self, link: LinkState) -> None:
        """Run as many as shall run; the actuator stands so that all together do what they did."""
        before, y = link.running, self.stepper.y
        self.machines.fill(link.node.address)
        if before > 0.0 and link.running > 0.0:
            to = min(y[link.u] * before / link.running, 1.0)
            y[link.integral] += to - y[link.u]
            y[link.u] = to
