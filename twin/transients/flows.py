"""What moves: flows of loops, racks and rooms, over one step and after it.

Flows are held over a step at their value in its middle, which keeps the temperatures linear in it and the whole of second
order. Pumps that trip run down with their inertia and meet a check valve: flow is not a step.
"""

from collections.abc import Iterable

import numpy as np
from twin_models.cdu import cdu as cdu_model
from twin_models.fluids.fluids import density, polynomial
from twin_models.pump import pump as pump_model
from twin_models.rack import rack as rack_model
from twin_models.streams import Array
from twin_sites.schema import AirHandlers, Cdus, Chillers, CoolingTowers, Loop, Pumps, Room

from twin.air import flow_bounds
from twin.compile import LinkNode, RackNode, required_head
from twin.headers import Branching, branch_flows, head_of, held_flow, most_flow
from twin.transients.banks import HELD_SHUT, Bank, cdu_limit, rising
from twin.transients.chips import Rows
from twin.transients.parts import LEAST_FLOW, TANGENT_AGE, Drive, VolumeState
from twin.transients.plant import Plant
from twin.transients.tangents import Tangent

PUMP_TIME = 3.0  # s in which drives follow what valves ask for (estimate)
FAN_TIME = 5.0  # s, the same for air handlers (estimate)
LATER = 60.0  # s in which packages have warmed to what their load makes of them
SLIGHT = 0.01  # of rated flow: changes of less are not followed; racks without heat would ask for any share of nothing
ON_THE_WAY = 1.0  # s²: a step ends before chips feel 0.02 K of flows held in it that are on their way


class Flows:
    """Flow of every loop, rack group and room."""

    def __init__(self, plant: Plant, rows: list[Rows]) -> None:
        self.plant, self.rows = plant, rows
        self.by_group = dict(zip((node.name for node in plant.plan.racks), rows, strict=True))
        self.banks: dict[str, Bank] = {}
        self.lag: dict[str, float] = {}
        self.reachable: dict[tuple[str, float], float] = {}
        for v in plant.volumes:
            part = v.node.part
            if isinstance(part, Loop) and part.pump is not None:
                self.banks[v.node.name] = Bank(float(part.pump.units), part.pump.coast_down)
            for stage in v.stages:
                for link in stage:
                    if isinstance(link.node.link, Cdus | AirHandlers):
                        self.banks[link.node.address] = Bank(link.running, link.node.link.coast_down)
        self._drive_tangents: dict[str, Tangent] = {}
        self._moved: dict[str, float] = {}  # kg/s when pumps of a loop last ran
        self._supply: dict[str, float] = {}  # °C of loops with headers

    # -- what pumps and fans can move ----------------------------------------------------------------------------

    def limit(self, v: VolumeState, now: float) -> float:
        """Most kg/s that can be moved now."""
        part = v.node.part
        if isinstance(part, Loop) and part.pump is not None:
            return self._pump_limit(v, part.pump, self.banks[v.node.name], now)
        units = [
            link for stage in v.stages for link in stage if isinstance(link.node.link, Cdus | AirHandlers)
        ]
        if not units:
            return v.node.flow_limit
        whole = sum(link.node.units * link.node.hot_design for link in units)
        got, coasting, coasting_speed = 0.0, 0.0, 0.0
        for link in units:
            bank = self.banks[link.node.address]
            got += bank.running * link.node.hot_design / whole
            for lost, speed in bank.speeds(now):
                coasting += lost * link.node.hot_design / whole
                coasting_speed = max(coasting_speed, speed)
        if got <= 1e-9:
            return self._group_limit(v, coasting) * coasting_speed if coasting > 0.0 else 0.0
        open_ = max(coasting_speed - HELD_SHUT, 0.0) / (1.0 - HELD_SHUT)
        return self._group_limit(v, got + coasting * open_)

    def _group_limit(self, v: VolumeState, share: float) -> float:
        """Flow of a share of the CDUs or air handlers at full speed."""
        if share <= 0.0 or v.air or not np.isfinite(v.node.flow_limit):
            return share * v.node.flow_limit
        key = (v.node.name, round(share, 6))
        if key not in self.reachable:
            self.reachable[key] = v.node.flow_limit if share == 1.0 else cdu_limit(v, share)
        return self.reachable[key]

    def _pump_limit(self, v: VolumeState, pump: Pumps, bank: Bank, now: float) -> float:
        assert v.node.fluid is not None
        rho = v.node.flow_limit / max(pump.units * self._at_speed(v, pump, float(pump.units), 1.0), 1e-12)
        coasting = bank.speeds(now)
        if bank.running > 1e-9:
            self._moved[v.node.name] = v.flow
            units = bank.running + sum(n * max(s - HELD_SHUT, 0.0) / (1.0 - HELD_SHUT) for n, s in coasting)
            return rho * units * self._at_speed(v, pump, units, 1.0)
        units, speed = sum(n for n, _ in coasting), max((s for _, s in coasting), default=0.0)
        if any(isinstance(node.link, CoolingTowers) for stage in v.node.stages for node in stage):
            return rho * units * self._at_speed(v, pump, units, speed) if coasting else 0.0
        return speed * self._moved[v.node.name]  # a closed circuit has nothing to lift

    def _at_speed(self, v: VolumeState, pump: Pumps, units: float, speed: float) -> float:
        """m³/s of each of so many pumps at a speed against the loop's resistance."""
        key = (f"{v.node.name}@{units:.4f}", round(speed, 3))
        if key not in self.reachable:
            static = pump.rated_head * pump.static_share
            share = units / max(pump.count - pump.spare, 1)
            k = pump.rated_head * (1.0 - pump.static_share) / pump.rated_flow**2 * share**2
            self.reachable[key] = float(
                pump_model.full_speed_flow(pump_model.SystemCurve(static, k, 2.0), pump, key[1])
            )
        return self.reachable[key]

    def patience(self, now: float, y: list[float] | None) -> float:
        """Longest step in s with which a run-down, and for a vector valves of racks on their way, are followed."""
        turning = [bank.half for bank in self.banks.values() if bank.turning(now)]
        longest = 0.25 * min(turning) if turning else np.inf
        for v in self.plant.volumes:
            if y is not None and not v.air and v.node.racks:
                for rows, want in self._demands(v, y, None, LATER):
                    least = SLIGHT * rows.node.racks.liquid.rated_flow  # type: ignore[union-attr]
                    gap = float(np.abs(want - rows.demand).max() / max(float(rows.demand.max()), least))
                    longest = min(longest, float(np.sqrt(ON_THE_WAY / max(gap, 1e-12))))
        return longest

    # -- one step ------------------------------------------------------------------------------------------------

    def set(self, y: list[float], now: float, step: float | None, soon: list[float] | None = None) -> None:
        """Flows over the step from ``now``; None sets what everything asks for at once. ``soon`` is about where the
        vector is a quarter of the step on, halfway to the moment whose flows are held."""
        plant = self.plant
        soon = y if soon is None else soon
        middle = now if step is None else now + 0.5 * step
        half = None if step is None else 0.5 * step
        for v in plant.volumes:
            v.cp = self._heat_capacity(v, y)
        for v in plant.volumes:
            if not v.air and v.node.racks:
                self._technology(v, y, soon, middle, half)
        for v in plant.volumes:
            if v.air:
                self._room(v, y, middle, half)
            elif not v.node.racks:
                self._facility(v, soon, middle, half)
        self._share(middle)
        for rows in self.rows:
            if rows.node.loop is None:
                rows.give(rows.flow, 1.0, plant.inlet(plant.by_name[rows.node.room], y))
        for drive in plant.drives:
            self._pump(drive, y, now)

    def settle(self, y: list[float], step: float) -> None:
        """Carry the lagging flows to the end of a step that has been taken, in whose middle the vector was ``y``."""
        for v in self.plant.volumes:
            if not v.air and v.node.racks:
                for rows, demand in self._demands(v, y, step):
                    rows.demand = demand
            else:
                if not v.air:
                    v.asked = self._opened(v, y)
                time = FAN_TIME if v.air else PUMP_TIME
                self.lag[v.node.name] = v.asked + (self.lag[v.node.name] - v.asked) * np.exp(-step / time)

    def at_end(self, v: VolumeState, now: float) -> float:
        """kg/s at the end of a step that has been taken: what is held over it is the flow in its middle."""
        lag = self.lag.get(v.node.name)
        return v.flow if lag is None else min(lag, self.limit(v, now))

    def _heat_capacity(self, v: VolumeState, y: list[float]) -> float:
        if v.node.fluid is not None:
            return float(polynomial(v.node.fluid.heat_capacity, y[v.head]))
        return self.plant.air_heat[v.node.name]

    def _demands(
        self, v: VolumeState, y: list[float], step: float | None, ahead: float | None = None
    ) -> list[tuple[Rows, Array]]:
        """Flow that each rack asks for, ``step`` s later, for its heat ``ahead`` s later: half a step by default."""
        assert v.node.fluid is not None
        supply = y[v.out]
        rho_cp = float(density(v.node.fluid, y[v.head])) * v.cp
        found = []
        for node in v.node.racks:
            if node.loop != v.node.name:
                continue
            rows = self.by_group[node.name]
            later = 0.5 * (step or 0.0) if ahead is None else ahead
            heat = rows.heat_to_liquid(supply, later)
            want = rows.want(supply, rho_cp, heat, step)
            if v.node.branching is not None:
                want = want * v.node.branching.open[node.name]
            found.append((rows, want))
        return found

    def _held(
        self, v: VolumeState, split: Branching, demands: list[tuple[Rows, Array]], supply: float, asked: float
    ) -> float:
        """m³/s of a loop whose pumps hold a pressure or a speed; what racks ask for elsewhere."""
        held = held_flow(split, np.array([supply]))
        if held is None:
            return asked
        assert isinstance(v.node.part, Loop)
        assert v.node.part.manifold is not None
        if v.node.part.manifold.control != "pressure":
            return float(held[0])
        open_ = [branch_flows(split, held, np.array([supply]), rows.node.name)[:, 0] for rows, _ in demands]
        left = sum(float(flow @ rows.blocked) for flow, (rows, _) in zip(open_, demands, strict=True))
        return left  # at a held pressure a blocked rack gives nothing to the others

    def _split(
        self, split: Branching, demands: list[tuple[Rows, Array]], total: float, supply: float
    ) -> dict[str, Array]:
        """m³/s of every rack behind headers, before what is blocked: that goes to the others."""
        at = np.array([total]), np.array([supply])
        found = {rows.node.name: branch_flows(split, *at, rows.node.name)[:, 0] for rows, _ in demands}
        left = sum(float(found[rows.node.name] @ rows.blocked) for rows, _ in demands)
        return {name: flow * (total / max(left, 1e-12)) for name, flow in found.items()}

    def _technology(
        self, v: VolumeState, y: list[float], soon: list[float], now: float, step: float | None
    ) -> None:
        assert v.node.fluid is not None
        rho = float(density(v.node.fluid, y[v.head]))
        self._supply[v.node.name] = y[v.head]
        demands = self._demands(v, soon, step)
        total = sum(float(rows.weight @ (demand * rows.blocked)) for rows, demand in demands) * rho
        split = v.node.branching
        most = self.limit(v, now)
        if (
            split is not None
        ):  # the table has them for all units at its temperature; fewer reach their share of it
            most *= rho * float(most_flow(split, y[v.out])) / v.node.flow_limit
            total = self._held(v, split, demands, y[v.out], total / rho) * rho
        most = max(most, rho * sum(rising(rows, y[v.out]) for rows, _ in demands))
        share = min(1.0, most / max(total, 1e-12))
        v.asked = total
        got = self._split(split, demands, total * share / rho, y[v.out]) if split is not None else {}
        v.served_rate = 0.0
        for rows, demand in demands:
            if step is None:
                rows.demand = demand
            air = self.plant.inlet(self.plant.by_name[rows.node.room], y)
            flow = got.get(rows.node.name, demand * share)
            rows.give(flow, rho * v.cp, air, y[v.out])
            v.served_rate += float(rows.weight @ rows.rate)
        v.flow = v.served_rate / v.cp

    def _facility(self, v: VolumeState, y: list[float], now: float, step: float | None) -> None:
        v.asked = self._opened(v, y)
        self._lagged(v, now, step, PUMP_TIME)
        if v.tank:
            v.local = max(v.asked - v.flow, 0.0)

    def _opened(self, v: VolumeState, y: list[float]) -> float:
        """kg/s that the valves of a facility loop let through, as `heat._loop_flow` has it; what has stopped leaves its
        share to the others."""
        flow = 0.0
        asked = sum(self._open(node) * node.cold_design for node in v.node.consumers)
        self.plant.open_share[v.node.name] = min(1.0, v.node.flow_limit / asked) if asked > 0.0 else 1.0
        for node in v.node.consumers:
            link = self.plant.by_link[node.name]
            opening = min(max(y[link.u], 0.0), 1.0)
            if isinstance(node.link, Chillers):
                opening = min(opening / node.link.minimum_plr, 1.0)
            flow += link.running * opening * node.cold_design * self.plant.open_share[v.node.name]
        low, high = flow_bounds(v.node)
        return min(max(flow, low), high)

    def _open(self, node: LinkNode) -> float:
        """Units whose valves can open: condensers of chillers that are staged off count, as in the year."""
        return float(node.units) if isinstance(node.link, Chillers) else self.plant.by_link[node.name].running

    def _room(self, v: VolumeState, y: list[float], now: float, step: float | None) -> None:
        """What servers draw or the heat asks for, as `heat._room_air` has it."""
        part = v.node.part
        assert isinstance(part, Room)
        if v.node.outer:
            v.served = self._drawn(v.node.racks)
            v.asked = v.flow = max(v.served, 1e-9)
            self.lag[v.node.name] = v.flow
            return
        v.served = self._drawn(v.node.racks) + self._blown(v, y)
        handlers = [node for stage in v.node.stages for node in stage if isinstance(node.link, AirHandlers)]
        design = sum(n.units * n.link.rated_heat for n in handlers if isinstance(n.link, AirHandlers))
        for_heat = v.received * v.node.flow_limit / max(design, 1e-9)
        asked = max(v.served * (1.0 - part.recirculation) / (1.0 - part.bypass), for_heat)
        low, high = flow_bounds(v.node)
        v.asked = min(max(asked, low), high)
        self._lagged(v, now, step, FAN_TIME)
        v.mixed = self.plant.mixed(v)

    def _drawn(self, nodes: Iterable[RackNode]) -> float:
        """kg/s of air that fans of these racks draw."""
        return sum(self.by_group[node.name].air_flow for node in nodes)

    def _blown(self, v: VolumeState, y: list[float]) -> float:
        """kg/s of air that coils of liquid-to-air units draw from a room."""
        links = (self.plant.by_link[node.name] for node in v.node.consumers)
        return sum(link.driven * y[link.u] * link.node.cold_design for link in links)

    def _lagged(self, v: VolumeState, now: float, step: float | None, time: float) -> None:
        name = v.node.name
        if step is None:
            self.lag[name] = v.asked
        flow = v.asked if step is None else v.asked + (self.lag[name] - v.asked) * float(np.exp(-step / time))
        v.flow = max(min(flow, self.limit(v, now)), LEAST_FLOW * max(v.node.design_flow, 1e-6))

    def _share(self, now: float) -> None:
        """How a loop's flow splits over the units that run in parallel; units that stand take none."""
        for v in self.plant.volumes:
            for stage in v.stages:
                for link in stage:
                    link.driven = 0.0 if link.unpowered else link.drawing
                    bank = self.banks.get(link.node.address)
                    if bank is not None:
                        alone = all(self.banks[o.node.address].running <= 0.0 for o in stage)
                        spinning = [n for n, s in bank.speeds(now) if alone or s > HELD_SHUT]
                        link.running = bank.running + sum(spinning)
                        link.driven = bank.running
                if v.node.outer:
                    doors = sum(rack.racks.count for rack in v.node.racks) or sum(
                        o.node.link.count for o in stage
                    )
                    for link in stage:
                        link.share = link.running / doors
                    continue
                weights = [link.running * link.width for link in stage]
                whole = sum(weights)
                for link, weight in zip(stage, weights, strict=True):
                    link.share = weight / whole if whole > 0.0 else 0.0

    # -- pump power ----------------------------------------------------------------------------------------------

    def _pump(self, drive: Drive, y: list[float], now: float) -> None:
        v = self.plant.by_name[drive.loop]
        bank = self.banks[
            drive.loop if drive.address.endswith(".pump") and drive.loop in self.banks else drive.address
        ]
        units = bank.running * drive.powered
        if units <= 0.0:
            drive.electric = drive.fluid_heat = drive.motor_heat = 0.0
            return
        assert v.node.fluid is not None
        rho = float(density(v.node.fluid, y[v.head]))
        own = (
            v.flow
            if drive.loop in self.banks and drive.address.endswith(".pump")
            else self._own_flow(v, drive)
        )
        per_unit = own / rho / units
        key = f"{drive.address}@{bank.running:g}"
        tangent = self._drive_tangents.get(key)
        if tangent is None:
            tangent = Tangent(self._pump_function(v, drive), (-0.01,), (-0.03,), (1e9,))
            self._drive_tangents[key] = tangent
        tangent.follow((per_unit,), now, TANGENT_AGE)
        rows = [
            value + slope[0] * (per_unit - tangent.point[0])
            for value, slope in zip(tangent.value, tangent.slope, strict=True)
        ]
        drive.fluid_heat, drive.motor_heat = units * rows[0], units * rows[1]
        drive.electric = drive.fluid_heat + drive.motor_heat

    def _own_flow(self, v: VolumeState, drive: Drive) -> float:
        links = [link for stage in v.stages for link in stage if isinstance(link.node.link, Cdus)]
        weights = {
            link.node.address: self.banks[link.node.address].running * link.node.hot_design for link in links
        }
        return v.flow * weights[drive.address] / max(sum(weights.values()), 1e-12)

    def _pump_function(self, v: VolumeState, drive: Drive):  # type: ignore[no-untyped-def]
        part = v.node.part
        assert isinstance(part, Loop)
        if drive.address.endswith(".pump") and drive.loop in self.banks and part.pump is not None:
            pump, bank = part.pump, self.banks[drive.loop]

            def whole(flow: Array) -> Array:
                share = bank.running / max(pump.count - pump.spare, 1)
                one = pump_model.operate(flow, required_head(flow * share, pump), pump)
                return np.stack([one.fluid_heat, one.motor_heat])

            return whole
        node = next(link.node for stage in v.stages for link in stage if link.node.address == drive.address)

        def unit(flow: Array) -> Array:
            assert isinstance(node.link, Cdus)
            heads = [np.full(flow.shape, 0.0)]
            if v.node.branching is not None and v.node.fluid is not None:
                whole = v.flow / float(density(v.node.fluid, self._supply[v.node.name])) * flow / flow[0]
                supply = np.full(flow.shape, self._supply[v.node.name])
                heads.append(head_of(v.node.branching, whole, supply))
            for rows in self.rows:
                if rows.node.loop == v.node.name and v.node.branching is None:
                    liquid = rows.node.racks.liquid
                    assert liquid is not None
                    most = float(np.max(rows.flow))
                    head = float(rack_model.pressure_drop(most, rows.node.racks))
                    heads.append(head * (flow / flow[0]) ** liquid.dp_exponent)
            one = cdu_model.pumping(flow, np.max(heads, axis=0), node.link)
            return np.stack([one.fluid_heat, one.motor_heat])

        return unit
