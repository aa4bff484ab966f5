"""A facility in time: temperatures of loops and rooms, controllers and the energy ledger in one vector.

`twin.transients.rates` gives d(vector)/dt from the same ``transfer``, ``loss`` and pump functions as the year; the
controller gives the actuator. Flows are held over a step and move between steps (``twin.transients.flows``).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from twin_models.streams import Ambient, Array
from twin_sites.schema import OUTDOORS, Cdus, CoolingTowers, DryCoolers, LiquidToAirCdus, Room

from twin.compile import Plan
from twin.set_points import heat_capacity_of, moisture
from twin.state import Block
from twin.transients.masses import AirMass, per_volume
from twin.transients.parts import (
    TANGENT_AGE,
    Drive,
    FeederState,
    LinkState,
    ResetState,
    VolumeState,
    at_point,
    bounds_of,
    drives_of,
    limited,
    link_tangent,
    loss_tangent,
    unit_transfer,
    volume_state,
)
from twin.trim_respond import resets_of

STILL_FLOW = 0.1  # of design flow of air below which a room turns over by itself
TURN_S = 60.0  # s in which buoyancy turns all of its air over then (estimate)


class Plant:
    """Vector and layout of everything but the racks, and what is held of it over a step."""

    def __init__(self, plan: Plan, ambient: Ambient, cells: int) -> None:
        self.plan, self.ambient, self.cells = plan, ambient, cells
        self.labels: list[str] = []
        capacity: list[float] = []

        def place(label: str, mass: float) -> int:
            self.labels.append(label)
            capacity.append(mass)
            return len(capacity) - 1

        self.volumes = [volume_state(plan, node, cells, place) for node in plan.volumes]
        self.by_name = {v.node.name: v for v in self.volumes}
        self.open_share: dict[str, float] = {}
        self.moisture = {v.node.name: 0.0 for v in self.volumes if v.air}
        self.air_heat = dict.fromkeys(self.moisture, 0.0)
        self.links = [link for v in self.volumes for stage in v.stages for link in stage]
        self.by_link = {link.node.name: link for link in self.links}
        self.meter = place("ledger.meter", 1.0)
        self.rejected = place("ledger.rejected", 1.0)
        self.battery = place("ledger.battery", 1.0)  # J taken out of batteries
        self.capacity = np.array(capacity)
        self.thermal = np.array([label.split(".")[0] == "heat" for label in self.labels])
        self.set_points: dict[str, tuple[str, float]] = {
            v.node.name: (v.node.part.supply.base, v.node.part.supply.value) for v in self.volumes
        }
        self.resets = {v.name: ResetState(reset.coldest) for v, reset in resets_of(plan)}
        self.bounds = {v.node.name: bounds_of(plan, v.node) for v in self.volumes}
        self.sinks = {OUTDOORS: self.rejected} | {
            v.node.name: (v.mix if not v.air else v.back[0]) for v in self.volumes
        }
        self.drives: list[Drive] = []
        self.elements: list[str] = []
        self.on: dict[str, float] = {}
        self.on_battery: set[str] = set()  # UPS that deliver without being fed
        self.dead: set[str] = set()  # feeders that nothing feeds
        self.spilled = 0.0  # J that left with lost coolant
        self.rho_cp = {
            v.node.name: per_volume(v.node.fluid) for v in self.volumes if v.node.fluid is not None
        }
        self._wire()
        self._thermal = np.where(self.thermal, self.capacity, 0.0)

    def _wire(self) -> None:
        """Electrical elements, what feeds them and where losses go."""
        plan, site = self.plan, self.plan.site
        self.drives = drives_of(self.volumes, self.sinks)
        self.elements = [f"racks.{node.name}" for node in plan.racks]
        self.elements += [drive.address for drive in self.drives]
        self.fan_links = [link for link in self.links if not isinstance(link.node.link, Cdus)]
        self.elements += [link.node.address for link in self.fan_links] + ["house"]
        order = {name: i for i, (name, _) in enumerate(plan.feeders)}
        self.feeders = [
            FeederState(
                name, max(feeder.units, 1), self.sinks[feeder.heat_to["loss"]] if feeder.ports else -1,
                loss_tangent(feeder) if feeder.kind != "utility" and feeder.units > 0 else None,
                tuple((order[parent], share) for parent, share in plan.parents[name].items()),
            )
            for name, feeder in plan.feeders
        ]  # fmt: skip
        place = {address: i for i, address in enumerate(self.elements)}
        self.fed = [
            (place[address], order[name], share)
            for address, shares in plan.fed_by
            if address in place
            for name, share in shares.items()
        ]
        self.house = site.house.share * plan.design_it
        self.house_to = self.sinks[site.house.heat_to["heat"]]
        self.fan_to = [
            self.sinks[link.node.link.heat_to["fan"]] if "fan" in link.node.link.ports else -1
            for link in self.fan_links
        ]
        self.on = dict.fromkeys(self.elements, 1.0)
        first = len(plan.racks)  # of the pumps among the elements
        self.coils = [
            (link, first + next(i for i, drive in enumerate(self.drives) if drive.address == link.node.address),
             self._place_of(link.node.link.heat_to["fan"]))
            for link in self.links if isinstance(link.node.link, LiquidToAirCdus)
        ]  # fmt: skip
        for link in self.links:
            blows = isinstance(link.node.link, LiquidToAirCdus)
            link.to = self._place_of(link.node.sink) if blows else self.sinks[link.node.sink]

    def _place_of(self, target: str) -> int:
        """Where what fans of coils blow arrives: in a room it is the exhaust that servers may draw back."""
        v = self.by_name.get(target)
        return v.exhaust if v is not None and v.air else self.sinks[target]

    # -- set points and links ------------------------------------------------------------------------------------

    def wanted(self, v: VolumeState, y: Any) -> Any:
        """Supply temperature that a loop or room is to hold, as `set_points.set_point` has it."""
        base, value = self.set_points[v.node.name]
        low, high, floor = self.bounds[v.node.name]
        if not base:
            want = value
        elif base in ("wet_bulb", "dry_bulb"):
            want = limited(float(getattr(self.ambient, base)) + value, low, high)
        else:
            other = self.by_name[base]
            colder = self.volumes.index(other) < self.volumes.index(v)
            want = limited((y[other.out] if colder else self.wanted(other, y)) + value, low, high)
        if self.resets and (reset := self.resets.get(v.node.name)) is not None:
            want = want - reset.share * limited(want - reset.coldest, 0.0, 1e9)
        return limited(want, floor, 1e9)

    def fixed(self, v: VolumeState) -> float | None:
        """That temperature where it follows from no other loop's."""
        base, _ = self.set_points[v.node.name]
        return float(self.wanted(v, ())) if not base or base in ("wet_bulb", "dry_bulb") else None

    def breathe(self, ambient: Ambient) -> None:
        """Take the outdoor air from now on."""
        self.ambient = ambient
        block = Block(Ambient(*(np.array([float(part)]) for part in ambient)), {})
        for v in self.volumes:
            if v.air:
                self.moisture[v.node.name] = float(moisture(v.node, block)[0])
                self.air_heat[v.node.name] = float(heat_capacity_of(v.node, np.zeros(1), block)[0])
            for stage in v.stages:
                for link in stage:
                    link.tangent = link_tangent(link.node, self._transfer(v, link))

    def _transfer(self, v: VolumeState, link: LinkState) -> Callable[..., Array]:
        sink = None if link.node.sink == OUTDOORS else self.by_name[link.node.sink]
        moist = [self.moisture.get(name, 0.0) for name in (v.node.name, link.node.sink)]
        return unit_transfer(v, link.node, self.ambient, moist[0], sink, moist[1])

    def point(self, v: VolumeState, link: LinkState, temperature: Any, y: Any) -> tuple[Any, ...]:
        """Inputs of a link's tangent: hot entering, actuator, hot flow per unit; then cold entering and flow per unit,
        which room air has none of."""
        flow = max(v.flow * link.share / link.running, 1e-6)
        if link.node.sink == OUTDOORS:
            return temperature, y[link.u], flow
        sink = self.by_name[link.node.sink]
        if sink.air:
            return temperature, y[link.u], flow, self.inlet(sink, y)
        cold = link.node.cold_design * self.open_share[link.node.sink]
        if sink.asked > 0.0:
            cold *= min(1.0, (sink.flow + sink.local) / sink.asked)
        return temperature, y[link.u], flow, y[sink.out], max(cold, 1e-6)

    def follow(self, y: list[float], now: float) -> None:
        """Renew the tangents that are out of trust at the state of now."""
        for v in self.volumes:
            temperature = y[v.last] + v.above
            rate = v.flow * v.cp
            for stage in v.stages:
                taken, drop = 0.0, 0.0
                for link in stage:
                    if link.running <= 0.0 or link.tangent is None:
                        continue
                    point = self.point(v, link, temperature, y)
                    link.tangent.follow(point, now, TANGENT_AGE)
                    if isinstance(link.node.link, DryCoolers | CoolingTowers):
                        link.useless = link.tangent.value[6] <= 0.0
                    link.hot_flow, link.cold_flow = point[2], point[4] if len(point) > 4 else 0.0
                    heat, left, *_ = at_point(link.tangent, point)
                    taken += link.running * link.factor * heat
                    drop += link.share * link.factor * (temperature - left)
                temperature -= drop if v.air else taken / rate
        for feeder in self.feeders:
            if feeder.tangent is not None:
                feeder.tangent.follow((feeder.load / feeder.units,), now, TANGENT_AGE)

    def strayed(self, y: list[float], factor: float) -> bool:
        """Whether a link's inputs have left their trust region by a factor: the step was too long."""
        for v in self.volumes:
            first = v.stages[0] if v.stages else []
            for link in first:
                if (
                    link.running > 0.0
                    and link.tangent is not None
                    and link.tangent.far(self.point(v, link, y[v.last] + v.above, y), factor)
                ):
                    return True
        return False

    # -- air -----------------------------------------------------------------------------------------------------

    def through(self, v: VolumeState) -> float:
        """W/K of supply air that reaches the servers: what they draw less what they draw back from their exhaust."""
        part = v.node.part
        assert isinstance(part, Room)
        return min(v.served * (1.0 - part.recirculation), v.flow * (1.0 - part.bypass)) * v.cp

    def inlet(self, v: VolumeState, y: Any) -> Any:
        """Server inlet temperature; in an open room that of the room around it."""
        if v.node.outer:
            return self.inlet(self.by_name[v.node.outer], y)
        return v.mixed * y[v.head] + (1.0 - v.mixed) * y[v.exhaust]

    def mixed(self, v: VolumeState) -> float:
        """Share of supply air in what servers draw; the rest is their own exhaust."""
        drawn = v.served * v.cp
        return (self.through(v) + self.turned(v)) / drawn if drawn > 0.0 else 1.0

    def carried(self, v: VolumeState) -> tuple[float, float, float]:
        """W/K of a room's air: into its supply, from there through its servers where they have fans, and past them."""
        rate, through, turned = v.flow * v.cp, self.through(v), self.turned(v)
        served = through + turned if v.served > 0.0 else through
        return rate + turned, served, rate + turned - served

    def turned(self, v: VolumeState) -> float:
        """W/K of air that goes round a room without its handlers, where these move less than half of what they usually do: servers
        draw it back over the racks, and in a room without their fans it turns over by itself."""
        part = v.node.part
        assert isinstance(part, Room)
        assert isinstance(v.mass, AirMass)
        drawn = v.served * (1.0 - part.recirculation)
        if drawn > 0.0:
            fresh = v.flow * (1.0 - part.bypass) / drawn
            return float(max(1.0 - 2.0 * fresh, 0.0) * drawn * v.cp)
        calm = max(1.0 - v.flow / (STILL_FLOW * max(v.node.design_flow, 1e-6)), 0.0)
        return calm * (v.mass.head + v.mass.exhaust + v.mass.back) / TURN_S

    def resize(self, places: list[int], capacity: Array) -> None:
        """Give some entries other masses."""
        self.capacity[places] = capacity
        self._thermal = np.where(self.thermal, self.capacity, 0.0)

    def stored(self, y: Array) -> float:
        """J over 0 °C in all masses."""
        return float(self._thermal @ y)
