"""Rates of everything but the racks, over one step: flows and tangents are held in it, so that all but the controllers and the
limits of set points is linear in the vector.

`Held.take` gathers what is held into arrays over links and volumes; `Held.rates` works out d(vector)/dt for one vector, or for
many side by side. Heat only moves between entries of the vector, so that any linear method keeps the energy.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.streams import Array
from twin_sites.schema import OUTDOORS, AirHandlers, CoolingTowers, DryCoolers

from twin.transients.masses import AirMass
from twin.transients.parts import (
    ACTUATOR_TIME,
    FLOW_SWITCH,
    SENSOR_TIME,
    LinkState,
    VolumeState,
)
from twin.transients.plant import Plant

HEAT, LEFT, COLD, ELECTRIC = range(4)  # outputs of a link
INPUTS = 6  # of a link's plane: value at zero, hot entering, actuator, hot flow, cold entering, cold flow


class Found(NamedTuple):
    """Rates of one vector or of several, with what they consist of; the last axis is over vectors."""

    d: Array  # K/s, 1/s, W of the ledger
    heat: Array  # W of all units of each link
    electric: Array  # W
    wanted: Array  # °C of each volume
    loads: list[Any]  # W of each feeder
    losses: list[Any]  # W
    y: Array  # for which they were worked out


class Held:
    """The layout of a plant as index arrays, and what is held of it over a step."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        n = len(plant.labels)
        self.links = sorted(plant.links, key=lambda link: _level(plant, link))
        at = {link.node.name: i for i, link in enumerate(self.links)}
        self.place = _index(at[link.node.name] for link in plant.links)  # of each link of the plant
        self._at = at
        levels = [_level(plant, link) for link in self.links]
        of = [_volume_of(plant, link) for link in self.links]
        # links of each level, and those of them that are doors of racks, whose own air they hold
        self.levels = []
        for level in sorted(set(levels)):
            here = slice(levels.index(level), levels.index(level) + levels.count(level))
            self.levels.append((here, [i for i in range(here.start, here.stop) if of[i].node.outer]))
        place = {v.node.name: i for i, v in enumerate(plant.volumes)}
        self.volume = _index(place[v.node.name] for v in of)
        self.member = np.zeros((len(plant.volumes), len(of)))
        self.member[self.volume, np.arange(len(of))] = 1.0
        self.actuator = _index(link.u for link in self.links)
        self.sensor = _index(link.sensor for link in self.links)
        self.integral = _index(link.integral for link in self.links)
        self.last = _index(v.last for v in plant.volumes)
        self.above = _column([v.above for v in plant.volumes])
        self.head = _index(v.head for v in of)
        self.boils = _index(i for i, v in enumerate(of) if v.boils)
        self.air = np.array([v.air for v in of], dtype=bool)
        self.rooms = [v for v in plant.volumes if v.air and not v.node.outer]
        self.cold = [self._cold(link) for link in self.links]
        self.cold_from = _index(one[0] for one in self.cold), _index(one[1] for one in self.cold)
        self.planes = np.zeros((len(self.links), 4, INPUTS))
        self._seen: list[Any] = [None] * len(self.links)
        derivative = _column(link.node.link.derivative_time for link in self.links)
        self.derivative = derivative if derivative.any() else None
        self.spread = self._spread(n)
        self.entries, self.terms = self._transport()
        self.racks = np.zeros((n, 3 * len(plant.plan.racks)))
        self._fans = _index(self._at[link.node.name] for link in plant.fan_links)
        self._coils = [(self._at[link.node.name], place) for link, place, _ in plant.coils]

    # -- layout --------------------------------------------------------------------------------------------------

    def _cold(self, link: LinkState) -> tuple[int, int, VolumeState | None]:
        """Where what cools a link enters it: two places that mix, and the room whose air that is."""
        if link.node.sink == OUTDOORS:
            return 0, 0, None
        sink = self.plant.by_name[link.node.sink]
        if not sink.air:
            return sink.out, sink.out, None
        room = self.plant.by_name[sink.node.outer] if sink.node.outer else sink
        return room.head, room.exhaust, room

    def _spread(self, n: int) -> Array:
        """Where heat, heat given on, electric power and heat of air of every link go, shape (n, 4 × links)."""
        plant, count = self.plant, len(self.links)
        found = np.zeros((n, 4, count))
        for i, link in enumerate(self.links):
            v = _volume_of(plant, link)
            found[link.to, COLD, i] += 1.0
            if v.air:
                back = (plant.by_name[v.node.outer] if v.node.outer else v).back[0]
                found[back, HEAT, i] -= 1.0  # what evaporates again: the room keeps its moisture
                found[back, LEFT, i] += 1.0
                found[v.head, LEFT, i] -= 1.0
            else:
                found[v.head, HEAT, i] -= 1.0
        for link, to in zip(plant.fan_links, plant.fan_to, strict=True):
            if to >= 0:
                found[to, ELECTRIC, self._at[link.node.name]] += 1.0
        for link, _, to in plant.coils:
            found[to, ELECTRIC, self._at[link.node.name]] += 1.0
        return found.reshape(n, 4 * count)

    def _transport(self) -> tuple[NDArray[np.intp], list[tuple[int, float]]]:
        """Entries of the matrix of what flows carry, and for each which of a volume's rates (`_carried`) it is."""
        n = len(self.plant.labels)
        entries: list[int] = []
        terms: list[tuple[int, float]] = []

        def entry(row: int, column: int, term: int, sign: float) -> None:
            entries.append(row * n + column)
            terms.append((term, sign))

        def edge(source: int, target: int, term: int) -> None:
            entry(target, source, term, 1.0)
            entry(target, target, term, -1.0)

        for i, v in enumerate(self.plant.volumes):
            rate, more, through, rest, share, other = range(6 * i, 6 * i + 6)
            if v.boils:
                continue
            if v.node.outer:
                around = self.plant.by_name[v.node.outer]
                head, back, room = v.head, v.back[0], around.back[0]
                for source, term in ((around.head, share), (around.exhaust, other)):
                    edge(source, back, term)
                    entry(room, source, term, -1.0)
                edge(back, head, rate)
                entry(room, head, rate, 1.0)
            elif v.air:
                edge(v.head, v.exhaust, through)
                edge(v.exhaust, v.back[0], through)
                edge(v.head, v.back[0], rest)
                edge(v.back[0], v.head, rate)
                edge(v.washes, v.steel, share)
                edge(v.steel, v.washes, share)
            else:
                before, served = v.head, rate
                for cell in v.supply:
                    edge(before, cell, served)
                    if v.tank and cell == v.tank[0]:  # its own pumps bring back what the loop's do not take
                        edge(v.mix, cell, more)
                        served = through
                    before = cell
                edge(before, v.mix, served)
                for source, cell in zip((v.mix, *v.back), v.back, strict=False):
                    edge(source, cell, rate)
                edge(v.last, v.head, rate)
        return np.array(entries, dtype=np.intp), terms

    def _carried(self, v: VolumeState) -> list[float]:
        """W/K that the terms of a volume stand for."""
        rate = v.flow * v.cp
        if v.boils:
            return [0.0] * 6
        if v.node.outer:
            share = self.plant.by_name[v.node.outer].mixed
            return [rate, 0.0, 0.0, 0.0, rate * share, rate * (1.0 - share)]
        if isinstance(v.mass, AirMass):
            moved, through, past = self.plant.carried(v)
            return [moved, 0.0, through, past, v.mass.conductance, 0.0]
        local = v.local * v.cp
        return [rate, local, rate + local, 0.0, 0.0, 0.0]

    # -- what is held --------------------------------------------------------------------------------------------

    def take(self) -> None:
        """Take flows and tangents as they are from now on."""
        plant, n = self.plant, len(self.plant.labels)
        carried = [one for v in plant.volumes for one in self._carried(v)]
        values = [carried[term] * sign for term, sign in self.terms]
        self.matrix = np.bincount(self.entries, values, n * n).reshape(n, n)
        self.constant = np.zeros((n, 1))
        self.drawn = []
        for drive in plant.drives:
            self.drawn.append(drive.electric)
            self.constant[drive.fluid_to] += drive.fluid_heat
            self.constant[drive.motor_to] += drive.motor_heat
        self.house = plant.house * plant.on["house"]
        self.constant[plant.house_to] += self.house
        self.racks[:] = 0.0
        for g, node in enumerate(plant.plan.racks):
            if node.loop is not None:
                self.racks[plant.by_name[node.loop].mix, 3 * g] = 1.0
            room = plant.by_name[node.room]  # heat that no server fan moves is in the room's return at once
            served = room.served > 0.0 and not room.node.outer
            self.racks[room.exhaust if served else room.back[0], 3 * g + 1] = 1.0
        self._take_links()
        fixed = [plant.fixed(v) for v in plant.volumes]
        self.fixed = _column(0.0 if one is None else one for one in fixed)
        self.following = [
            (i, v) for i, v in enumerate(plant.volumes) if fixed[i] is None or v.node.outer
        ]  # set points that follow a temperature
        self.inverse = (1.0 / plant.capacity)[:, None]

    def _take_links(self) -> None:
        rows = []
        for i, link in enumerate(self.links):
            tangent = link.tangent
            if tangent is not None and tangent.plane and self._seen[i] is not tangent.plane:
                plane = np.array(tangent.plane)
                self.planes[i] = 0.0
                self.planes[i, :, : plane.shape[1]] = plane
                self._seen[i] = tangent.plane
            v, runs = self.plant.volumes[self.volume[i]], link.running > 0.0 and tangent is not None
            switched = v.boils or v.flow > FLOW_SWITCH * v.node.design_flow
            coasts = link.unpowered and isinstance(link.node.link, AirHandlers | DryCoolers | CoolingTowers)
            fastest = 1.0 / (link.node.link.coast_down if coasts else link.stroke)  # type: ignore[union-attr]
            reset = np.inf if link.unpowered else link.reset  # without its drive a controller waits
            rows.append(
                (
                    link.hot_flow, link.cold_flow, link.running * link.factor * runs, link.factor * runs, link.driven * runs,
                    link.share, v.flow * v.cp, link.gain, reset, 0.0 if link.useless or link.unpowered else 1.0,
                    fastest if switched and not link.stuck else 0.0, switched,
                )
            )  # fmt: skip
        flow, cold_flow, units, factor, driven, share, rate, gain, reset, highest, fastest, acts = np.array(
            rows
        ).T
        p = self.planes
        size = np.stack([units, -factor, units, driven])[:, :, None]  # `LEFT` becomes the fall in temperature
        base = (p[:, :, 0] + p[:, :, 3] * flow[:, None] + p[:, :, 5] * cold_flow[:, None]).T
        self.base = base[:, :, None] * size
        self.by_hot, self.by_u, self.by_cold = (p[:, :, k].T[:, :, None] * size for k in (1, 2, 4))
        self.by_hot[LEFT] += factor[:, None]
        self.of_heat = np.where(self.air, 0.0, 1.0 / rate)[:, None]
        self.of_fall = np.where(self.air, share, 0.0)[:, None]
        self.air_rate = np.where(self.air, share * rate, 0.0)[:, None]
        self.gain, self.reset, self.highest = gain[:, None], reset[:, None], highest[:, None]
        self.fastest, self.acts = fastest[:, None], acts[:, None]
        mixed = [(1.0, 0.0) if room is None else (room.mixed, 1.0 - room.mixed) for _, _, room in self.cold]
        self.cold_share = tuple(np.array(mixed).T[:, :, None])

    # -- rates ---------------------------------------------------------------------------------------------------

    def rates(self, y: Array, sums: Array) -> Found:
        """Rates of vectors, shape (n, vectors), for what the rack groups hand over (`chips.Sums` of each in turn)."""
        wanted = self._wanted(y)
        u = y[self.actuator]
        cold = self.cold_share[0] * y[self.cold_from[0]] + self.cold_share[1] * y[self.cold_from[1]]
        q = self.base + self.by_u * u + self.by_cold * cold
        temperature = y[self.last] + self.above
        out = np.empty_like(u)
        for level, outer in self.levels:
            of = self.volume[level]
            hot = temperature[of]
            q[:, level] += self.by_hot[:, level] * hot
            fall = self.of_heat[level] * q[HEAT, level] + self.of_fall[level] * q[LEFT, level]
            temperature = temperature - self.member[:, level] @ fall
            out[level] = temperature[of]
            for i in outer:
                out[i] = hot[i - level.start] - q[LEFT, i]
        if self.boils.size:
            out[self.boils] = y[self.head[self.boils]]
        q[LEFT] *= self.air_rate
        d = self.matrix @ y
        d += self.racks @ sums
        d += self.spread @ q.reshape(-1, q.shape[2])
        d += self.constant
        loads, losses = self._walk(self._elements(sums, q[ELECTRIC]), d)
        d *= self.inverse
        sensor, integral, moving = pi_rates(
            out, wanted[self.volume], y[self.sensor], y[self.integral], u,
            self.gain, self.reset, self.highest, self.fastest, self.derivative,
        )  # fmt: skip
        d[self.sensor], d[self.integral], d[self.actuator] = self.acts * sensor, self.acts * integral, moving
        return Found(d, q[HEAT], q[ELECTRIC], wanted, loads, losses, y)

    def publish(self, found: Found) -> None:
        """Note what the state of now gives for those that act on it."""
        plant = self.plant
        for link, i in zip(plant.links, self.place, strict=True):
            link.heat = float(found.heat[i, 0])
        for v, wanted in zip(plant.volumes, found.wanted, strict=True):
            v.wanted = float(wanted[0])
        for v in self.rooms:
            v.received = self._received(v, found)
        for feeder, load in zip(plant.feeders, found.loads, strict=True):
            feeder.load = load

    def _wanted(self, y: Array) -> Array:
        """Set points, shape (volumes, vectors)."""
        plant = self.plant
        wanted = np.repeat(self.fixed, y.shape[1], axis=1)
        for i, v in self.following:
            one = plant.wanted(v, y)
            wanted[i] = np.maximum(one, plant.inlet(plant.by_name[v.node.outer], y)) if v.node.outer else one
        return wanted

    def _elements(self, sums: Array, electric: Array) -> list[Any]:
        """W of every electrical element; floats for a single vector, which are quicker."""
        racks, fans = list(_values(sums))[2::3], list(_values(electric))
        found = [*racks, *self.drawn, *(fans[i] for i in self._fans), self.house]
        for i, place in self._coils:
            found[place] = found[place] + fans[i]
        return found

    def _walk(self, electric: Sequence[Any], d: Array) -> tuple[list[Any], list[Any]]:
        """Power down the tree, as loads and losses of the feeders; losses go where they go, the rest to the meter."""
        plant = self.plant
        loads: list[Any] = [0.0] * len(plant.feeders)
        losses: list[Any] = [0.0] * len(plant.feeders)
        given: dict[int, Any] = {}
        for element, feeder, share in plant.fed:
            loads[feeder] = loads[feeder] + share * electric[element]
        for i, one in enumerate(plant.feeders):
            if one.name in plant.dead:
                continue
            load, loss = loads[i], 0.0
            if one.tangent is None:
                if not one.parents:
                    given[plant.meter] = given.get(plant.meter, 0.0) + load
            else:
                t = one.tangent
                loss = one.units * (t.value[0] + t.slope[0][0] * (load / one.units - t.point[0]))
                given[one.to] = given.get(one.to, 0.0) + loss
            losses[i] = loss
            if one.name in plant.on_battery:
                given[plant.battery] = given.get(plant.battery, 0.0) + load + loss
                continue
            for parent, share in one.parents:
                loads[parent] = loads[parent] + share * (load + loss)
        for place, value in given.items():
            d[place] += value
        return loads, losses

    def _received(self, v: VolumeState, found: Found) -> float:
        """W that a room gets from what stands in it."""
        air = [v.exhaust, v.back[0], v.steel]
        y = found.y
        moved = v.flow * v.cp * (y[v.head, 0] - y[v.back[0], 0])
        return float(self.plant.capacity[air] @ found.d[air, 0] - moved)


def pi_rates(
    out: Any,
    want: Any,
    measured: Any,
    integral: Any,
    u: Any,
    gain: Any,
    reset: Any,
    highest: Any,
    fastest: Any,
    derivative: Any = None,
) -> tuple[Any, Any, Any]:
    """d/dt of a thermometer, of the integral of its PI or PID controller and of the actuator, in K/s and 1/s.

    With limits 0 and ``highest`` and back-calculation against wind-up; the ``derivative`` acts on what the thermometer reads, so that
    set points do not kick; an actuator with lag and slew ``fastest`` in 1/s. Temperatures in °C, gain in 1/K, times in s; all broadcast.
    """
    error = gain * (measured - want)
    rises = (out - measured) / SENSOR_TIME
    raw = error + integral
    if derivative is not None:
        raw = raw + gain * derivative * rises
    held = np.minimum(np.maximum(raw, 0.0), highest)
    moving = np.minimum(np.maximum((held - u) / ACTUATOR_TIME, -fastest), fastest)
    return rises, (error + held - raw) / reset, moving


def _values(rows: Array) -> Any:
    return rows[:, 0].tolist() if rows.shape[1] == 1 else rows


def _column(values: Iterable[float]) -> Array:
    return np.array(list(values), dtype=float)[:, None]


def _index(places: Iterable[int]) -> NDArray[np.intp]:
    return np.array(list(places), dtype=np.intp)


def _volume_of(plant: Plant, link: LinkState) -> VolumeState:
    return next(v for v in plant.volumes if any(one is link for stage in v.stages for one in stage))


def _level(plant: Plant, link: LinkState) -> int:
    """How many stages of its loop come before a link's."""
    stages = _volume_of(plant, link).stages
    return next(k for k, stage in enumerate(stages) if any(one is link for one in stage))
