"""Chillers, tower cells and pumps that start and stop with the load, in the manner of ASHRAE Guideline 36-2021 (5.20).

A chiller is added where those that run are fully loaded and their water has stayed too warm for the delay, and taken away
where one fewer would carry the load with a margin for as long. Between both lies a band in which nothing changes; what
the year runs lies in it. Each has a least time on and off, and needs its restart time before it cools. Cells follow the
water: as many as keep their least flow. Pumps that are staged by flow follow their share of design flow (`pumps_for`), each
change after the delay, which so is their least time on and off too. Delays of chillers and cells are as recalled (estimate).

When a group began to ask is found within the step, and a step ends at the moment at which it has asked for long enough.
"""

import math
from collections.abc import Callable
from functools import partial

from twin_models.fluids.fluids import density
from twin_sites.schema import Chillers, CoolingTowers, Loop, Pumps

from twin.compile import EDGE
from twin.loops import CELL_FLOW_LOW
from twin.transients.conditions import Held
from twin.transients.machines import Machines
from twin.transients.parts import LinkState, VolumeState

FULL = 0.99  # opening at which a chiller counts as fully loaded
TOO_WARM_K = 0.5  # above the set point
DOWN = 0.85  # share of what one chiller fewer can do, below which it may go
CELL_BAND = 0.05  # of their least flow that cells may lack before one goes (estimate): the year may keep one more than it needs
CAPACITY = 6  # row of `unit_transfer`
SOON = 1e-6  # s by which a moment may be early

Margins = tuple[float, ...]  # all above zero: the condition holds


class Staged:
    """One group: what it asks for, since when, and when it last changed."""

    def __init__(self, where: str, margins: Callable[[], tuple[Margins, Margins]], link: LinkState | None):
        self.where, self.margins, self.link = where, margins, link
        self.asks = {1: Held(), -1: Held()}
        self.called = {1: False, -1: False}  # whether a step will end where it has asked for long enough
        self.started = self.stopped = -math.inf


class Staging:
    """Groups whose number of units follows what is asked of them."""

    def __init__(self, machines: Machines) -> None:
        self.machines, self.plant, self.stepper = machines, machines.plant, machines.stepper
        self.changed: dict[str, float] = {}  # when a group was last given another number of units, s
        self._groups = [
            Staged(link.node.address, partial(ask, v, link), link)
            for v in self.plant.volumes
            for stage in v.stages
            for link in stage
            for kind, ask in ((Chillers, self._chillers), (CoolingTowers, self._cells))
            if isinstance(link.node.link, kind) and link.node.units > 1
        ]
        for v in self.plant.volumes:
            pump = v.node.part.pump if isinstance(v.node.part, Loop) else None
            if pump is not None and pump.staging != "all" and pump.units > 1:
                self._groups.append(
                    Staged(f"cooling.{v.node.name}.pump", partial(self._pumps, v, pump), None)
                )

    def after(self, step: float) -> None:
        """Ask every group after a step whether another number of units should run."""
        for one in self._groups:
            if self._away(one):
                for ask in one.asks.values():
                    ask.forget()
                continue
            for way, margins in zip((1, -1), one.margins(), strict=True):
                one.asks[way].note(self.stepper.now, step, margins)
                if one.asks[way].since < math.inf and not one.called[way]:
                    self._call(one, way)

    def _away(self, one: Staged) -> bool:
        """Whether a group cannot be staged now: it has no power, is stuck, or some are on their way."""
        link, where = one.link, one.where
        running = self.machines.running(where)
        held = link is not None and (link.stuck or link.unpowered)
        there = min(self.machines.wanted[where], self.machines.left(where))
        return held or where in self.machines.dark or not 0.0 < running >= there

    def _chillers(self, v: VolumeState, link: LinkState) -> tuple[Margins, Margins]:
        """What must be above zero for one chiller more, and for one fewer."""
        assert link.tangent is not None
        y, units = self.stepper.y, link.running
        warm = float(y[link.sensor] - v.wanted) - TOO_WARM_K
        most = min(link.node.units, self.machines.left(link.node.address))
        one = float(link.tangent.value[CAPACITY])
        spare = (DOWN * (units - 1.0) * one - link.heat) / max(one, 1.0)
        return (warm, float(y[link.u]) - FULL, most - units), (-warm, spare, units - 1.0)

    def _cells(self, v: VolumeState, link: LinkState) -> tuple[Margins, Margins]:
        """The same for cells: as many as the year runs at this flow of water."""
        machine = link.node.link
        assert isinstance(machine, CoolingTowers)
        most = min(link.node.units, self.machines.left(link.node.address))
        needed = v.flow * link.share / (CELL_FLOW_LOW[machine.model] * link.node.hot_design)
        units = link.running
        return (needed - units - 1.0 + EDGE, most - units), ((1.0 - CELL_BAND) * units - needed, units - 1.0)

    def _pumps(self, v: VolumeState, pump: Pumps) -> tuple[Margins, Margins]:
        """The same for pumps: as many as the year runs at this flow."""
        assert v.node.fluid is not None
        where = f"cooling.{v.node.name}.pump"
        moved = self.stepper.flows.at_end(v, self.stepper.now)
        flow = moved / float(density(v.node.fluid, float(self.stepper.y[v.head])))
        needed = flow / pump.rated_flow + pump.stage_margin * max(pump.count - pump.spare, 1) - EDGE
        units, most = self.machines.running(where), min(pump.units, self.machines.left(where))
        return (needed - units, most - units), (units - 1.0 - needed, units - 1.0)

    def _due(self, one: Staged, way: int) -> float:
        """Moment at which a group has asked for long enough."""
        machine = self.machines.machine(one.where)
        asked = one.asks[way].since + machine.stage_delay
        if not isinstance(machine, Chillers):
            return float(asked)
        least = one.stopped + machine.minimum_off if way > 0 else one.started + machine.minimum_on
        return float(max(asked, least))

    def _call(self, one: Staged, way: int) -> None:
        one.called[way] = True
        self.machines.later(max(self._due(one, way), self.stepper.now), partial(self._act, one, way))

    def _act(self, one: Staged, way: int) -> None:
        """Change where the group has asked all the while; come back later where it has asked anew since."""
        one.called[way] = False
        if one.asks[way].since == math.inf or self._away(one):
            return
        if self._due(one, way) > self.stepper.now + SOON:
            self._call(one, way)
            return
        self._change(one, way)

    def _change(self, one: Staged, way: int) -> None:
        now, machine = self.stepper.now, self.machines.machine(one.where)
        self.changed[one.where] = now
        for ask in one.asks.values():
            ask.forget()
        self.machines.wanted[one.where] = self.machines.running(one.where) + way
        said = "starts" if way > 0 else "stops"
        self.machines.log.append(f"{now:.0f} s: {one.where} {said} one of {machine.units}")
        if way > 0:
            one.started = now
            self.machines.later(now + machine.restart, partial(self._run, one))
        else:
            one.stopped = now
            self._run(one)

    def _run(self, one: Staged) -> None:
        """Run as many as shall run; the actuator stands so that all together do what they did."""
        before, link, y = self.machines.running(one.where), one.link, self.stepper.y
        self.machines.fill(one.where)
        if link is not None and before > 0.0 and link.running > 0.0:
            to = min(y[link.u] * before / link.running, 1.0)
            y[link.integral] += to - y[link.u]
            y[link.u] = to
