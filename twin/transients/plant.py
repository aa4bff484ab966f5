"""A facility in time: temperatures of loops and rooms, controllers and the energy ledger in one vector.

``rates`` gives d(vector)/dt from the same ``transfer``, ``loss`` and pump functions as the year; the controller gives the
actuator. Heat moves only between entries of the vector, so that any linear method keeps the energy. Flows are held over
a step and move between steps (``twin.transients.flows``). The code works on floats, and on arrays for the slopes of all entries at
once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from twin_models.streams import Ambient, Array
from twin_sites.schema import OUTDOORS, Cdus, CoolingTowers, DryCoolers, LiquidToAirCdus, Room

from twin.compile import Plan
from twin.set_points import heat_capacity_of, moisture
from twin.state import Block
from twin.transients.masses import AirMass, per_volume
from twin.transients.parts import (
    FLOW_SWITCH,
    TANGENT_AGE,
    Drive,
    FeederState,
    LinkState,
    ResetState,
    VolumeState,
    at_point,
    bounds_of,
    control,
    drives_of,
    higher,
    limited,
    link_tangent,
    loss_tangent,
    unit_transfer,
    volume_state,
)
from twin.trim_respond import resets_of


class Plant:
    """Vector, layout and rates of everything but the racks."""

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
        self.electric: list[Any] = []
        self.on: dict[str, float] = {}
        self.power_at_meter: Any = 0.0
        self.power_rejected: Any = 0.0
        self.power_of_battery: Any = 0.0
        self.on_battery: set[str] = set()  # UPS that deliver without being fed
        self.dead: set[str] = set()  # feeders that nothing feeds
        self.spilled = 0.0  # J that left with lost coolant
        self.rho_cp = {
            v.node.name: per_volume(v.node.fluid) for v in self.volumes if v.node.fluid is not None
        }
        self._wire()
        self._inverse = (1.0 / self.capacity).tolist()
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
            want = want - reset.share * higher(want - reset.coldest, 0.0)
        return limited(want, floor, 1e9)

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

    # -- rates ---------------------------------------------------------------------------------------------------

    def rates(self, y: Any, sums: Sequence[tuple[Any, Any, Any]]) -> list[Any]:
        """d(vector)/dt for the heat and power that the rack groups hand over (`chips.Sums`)."""
        d: list[Any] = [0.0] * len(self._inverse)
        electric: list[Any] = [s[2] for s in sums]
        for v in self.volumes:
            if v.air:
                self._air(v, y, d)
            elif v.boils:
                self._pool(v, y, d)
            else:
                self._pipes(v, y, d)
        for node, s in zip(self.plan.racks, sums, strict=True):
            if node.loop is not None:
                d[self.by_name[node.loop].mix] += s[0]
            room = self.by_name[node.room]  # heat that no server fan moves is in the room's return at once
            d[room.exhaust if room.served > 0.0 and not room.node.outer else room.back[0]] += s[1]
        for drive in self.drives:
            electric.append(drive.electric)
            d[drive.fluid_to] += drive.fluid_heat
            d[drive.motor_to] += drive.motor_heat
        for link, to in zip(self.fan_links, self.fan_to, strict=True):
            power = link.electric if link.running > 0.0 else 0.0
            electric.append(power)
            if to >= 0:
                d[to] += power
        for link, place, to in self.coils:
            electric[place] = electric[place] + link.electric
            d[to] = d[to] + link.electric
        house = self.house * self.on["house"]
        electric.append(house)
        d[self.house_to] += house
        self.electric = electric
        self._walk(electric, d)
        self.power_at_meter, self.power_rejected = d[self.meter], d[self.rejected]
        self.power_of_battery = d[self.battery]
        for v in self.volumes:
            if v.air and not v.node.outer:
                moved = v.flow * v.cp * (y[v.head] - y[v.back[0]]) - v.evaporated
                v.received = d[v.exhaust] + d[v.back[0]] + d[v.steel] - moved
        for i, inverse in enumerate(self._inverse):
            d[i] = d[i] * inverse
        return d

    def _pipes(self, v: VolumeState, y: Any, d: list[Any]) -> None:
        rate = v.flow * v.cp
        before = y[v.head]
        served = rate
        for i in v.supply:
            d[i] = d[i] + served * (before - y[i])
            if v.tank and i == v.tank[0]:  # its own pumps bring back what the loop's do not take
                local = v.local * v.cp
                d[i] = d[i] + local * (y[v.mix] - y[i])
                served = rate + local
            before = y[i]
        d[v.mix] = d[v.mix] + served * (before - y[v.mix])
        before = y[v.mix]
        for i in v.back:
            d[i] = d[i] + rate * (before - y[i])
            before = y[i]
        taken, _ = self._stages(v, y, d, before, rate)
        d[v.head] = d[v.head] + rate * (before - y[v.head]) - taken

    def _pool(self, v: VolumeState, y: Any, d: list[Any]) -> None:
        """Boiling liquid: racks hand over vapour, condensers take its heat, and what is left warms the liquid."""
        taken, _ = self._stages(v, y, d, y[v.head] + v.above, v.flow * v.cp)
        d[v.head] = d[v.head] - taken

    def _air(self, v: VolumeState, y: Any, d: list[Any]) -> None:
        """Cold aisle, servers' exhaust, return, steel; see docs/explanation/transients.md."""
        assert isinstance(v.mass, AirMass)
        rate = v.flow * v.cp
        if v.node.outer:
            self._open(v, y, d, rate)
            return
        head, exhaust, back, steel = y[v.head], y[v.exhaust], y[v.back[0]], y[v.steel]
        through = self.through(v)
        to_steel = v.mass.conductance * (y[v.washes] - steel)
        d[v.steel] = d[v.steel] + to_steel
        d[v.exhaust] = d[v.exhaust] + through * (head - exhaust)
        d[v.washes] = d[v.washes] - to_steel
        d[v.back[0]] = d[v.back[0]] + through * (exhaust - back) + (rate - through) * (head - back)
        taken, out = self._stages(v, y, d, back, rate)
        d[v.head] = d[v.head] + rate * (out - head)
        d[v.back[0]] = d[v.back[0]] - (
            taken - rate * (back - out)
        )  # evaporated again: the room keeps its moisture

    def _open(self, v: VolumeState, y: Any, d: list[Any], rate: float) -> None:
        """Exhaust of racks with rear doors: air of the room around it comes in and goes back to its return."""
        outer = self.by_name[v.node.outer]
        inlet, head, back = self.inlet(outer, y), y[v.head], y[v.back[0]]
        d[v.back[0]] = d[v.back[0]] + rate * (inlet - back)
        taken, out = self._stages(v, y, d, back, rate)
        d[v.head] = d[v.head] + rate * (out - head)
        left = rate * (head - inlet) - (taken - rate * (back - out))
        d[outer.back[0]] = d[outer.back[0]] + left

    def through(self, v: VolumeState) -> float:
        """W/K of supply air that reaches the servers: what they draw less what they draw back from their exhaust."""
        part = v.node.part
        assert isinstance(part, Room)
        return min(v.served * (1.0 - part.recirculation), v.flow * (1.0 - part.bypass)) * v.cp

    def inlet(self, v: VolumeState, y: Any) -> Any:
        """Server inlet temperature; in an open room that of the room around it."""
        if v.node.outer:
            return self.inlet(self.by_name[v.node.outer], y)
        drawn = v.served * v.cp
        share = self.through(v) / drawn if drawn > 0.0 else 1.0
        return share * y[v.head] + (1.0 - share) * y[v.exhaust]

    def _stages(self, v: VolumeState, y: Any, d: list[Any], temperature: Any, rate: float) -> tuple[Any, Any]:
        """Heat taken by all links and the temperature at which the loop leaves them; their controllers' rates."""
        want = self.wanted(v, y)
        if v.node.outer:
            want = higher(want, self.inlet(self.by_name[v.node.outer], y))
        v.wanted = want
        total: Any = 0.0
        for stage in v.stages:
            taken: Any = 0.0
            drop: Any = 0.0
            for link in stage:
                if link.running <= 0.0 or link.tangent is None:
                    link.heat = link.cold = link.electric = 0.0
                    continue
                found = at_point(link.tangent, self.point(v, link, temperature, y))
                units = link.running * link.factor
                link.heat, link.cold, link.electric = (
                    units * found[0],
                    units * found[2],
                    link.driven * found[3],
                )
                taken = taken + link.heat
                fall = link.factor * (temperature - found[1])
                drop = drop + link.share * fall
                link.left = temperature - fall
                d[link.to] = d[link.to] + link.cold
            temperature = temperature - (drop if v.air else taken / rate)
            total = total + taken
            for link in stage if v.boils or v.flow > FLOW_SWITCH * v.node.design_flow else ():
                out = y[v.head] if v.boils else link.left if v.node.outer else temperature
                control(link, out, want, y, d)
        return total, temperature

    def _walk(self, electric: list[Any], d: list[Any]) -> None:
        """Power down the tree; losses to where they go; the meter."""
        load: list[Any] = [0.0] * len(self.feeders)
        for element, feeder, share in self.fed:
            load[feeder] = load[feeder] + share * electric[element]
        for i, one in enumerate(self.feeders):
            one.load = load[i]
            if one.name in self.dead:
                one.loss = 0.0
                continue
            if one.tangent is None:
                one.loss = 0.0
                if not one.parents:
                    d[self.meter] = d[self.meter] + load[i]
            else:
                t = one.tangent
                one.loss = one.units * (t.value[0] + t.slope[0][0] * (load[i] / one.units - t.point[0]))
                d[one.to] = d[one.to] + one.loss
            if one.name in self.on_battery:
                d[self.battery] = d[self.battery] + load[i] + one.loss
                continue
            for parent, share in one.parents:
                load[parent] = load[parent] + share * (load[i] + one.loss)

    def resize(self, places: list[int], capacity: Array) -> None:
        """Give some entries other masses."""
        self.capacity[places] = capacity
        self._inverse = (1.0 / self.capacity).tolist()
        self._thermal = np.where(self.thermal, self.capacity, 0.0)

    def stored(self, y: Array) -> float:
        """J over 0 °C in all masses."""
        return float(self._thermal @ y)
