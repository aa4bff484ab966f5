"""From a site to what the solver walks over: loops from cold to hot, feeders from leaf to root, units and design flows.

Everything that does not change with time is worked out here, once per site.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from twin_models.fluids.fluids import Fluid, density, fluid
from twin_models.pump import pump as pump_model
from twin_models.rack import rack as rack_model
from twin_sites.declared import numbers_of
from twin_sites.schema import (
    OUTDOORS,
    AirHandlers,
    Cdus,
    Chillers,
    Feeder,
    Link,
    Loop,
    Pumps,
    Racks,
    Room,
    Site,
)

from twin.design_flows import REFERENCE_DEGC, Units, cold_design, hot_design, reached
from twin.errors import RunError
from twin.headers import Branching, branching, most_flow
from twin.placed import in_its_place

EDGE = 1e-9  # of a pump, by which rounding may pass the edge at which another one starts


@dataclass(frozen=True)
class LinkNode:
    """So many units that take heat out of one loop."""

    address: str
    name: str  # "loop.link"
    link: Link
    machine: Any  # the parameters its functions take: the link itself, or the exchanger inside a CDU
    hot: str
    sink: str  # loop name or "outdoors"
    units: int
    hot_design: float  # kg/s per unit on the hot side, 0 where the machine takes what it gets
    cold_design: float  # kg/s per unit on the cold side at full opening or fan speed, 0 for outdoor air
    cold_fluid: Fluid | None  # None: air


@dataclass(frozen=True)
class RackNode:
    """Equal racks."""

    name: str
    racks: Racks
    loop: str | None
    room: str


@dataclass(frozen=True)
class VolumeNode:
    """A loop or a room with the links that cool it; links of one stage stand in parallel, stages in series."""

    name: str
    address: str
    part: Loop | Room
    fluid: Fluid | None  # None: air
    stages: tuple[tuple[LinkNode, ...], ...]
    consumers: tuple[LinkNode, ...]  # links of hotter loops that reject into this one
    racks: tuple[RackNode, ...]
    condenser: bool  # takes condenser heat: its set point is a wish, not a duty
    design_flow: float  # kg/s
    flow_limit: float  # kg/s that its pumps or fans can move
    outer: str = ""  # the room that an open room takes its air from and gives it back to
    branching: Branching | None = None

    @property
    def chilled(self) -> bool:
        """Whether compressors cool it: their limit does not rise with its temperature, as that of exchangers does."""
        return any(isinstance(node.link, Chillers) for stage in self.stages for node in stage)


@dataclass(frozen=True)
class Plan:
    """A site made ready to solve."""

    site: Site
    volumes: tuple[VolumeNode, ...]  # coldest first
    hot_first: tuple[
        VolumeNode, ...
    ]  # the same, each after all that reject to it, and rooms as late as may be
    racks: tuple[RackNode, ...]
    feeders: tuple[tuple[str, Feeder], ...]  # leaf first, utility last
    fed_by: tuple[tuple[str, Mapping[str, float]], ...]  # by address of each element that draws from feeders
    parents: Mapping[str, Mapping[str, float]]  # the same of each feeder, by name
    sources: Mapping[
        str, tuple[tuple[str, str], ...]
    ]  # by loop, room or outdoors: what gives it heat, as (kind, key)
    design_it: float  # W

    @property
    def links(self) -> tuple[LinkNode, ...]:
        """All links, coldest loop first."""
        return tuple(node for volume in self.volumes for stage in volume.stages for node in stage)

    def volume(self, name: str) -> VolumeNode:
        """The loop or room of a name."""
        return next(volume for volume in self.volumes if volume.name == name)


def compile_site(site: Site) -> Plan:
    """Make a site ready to solve.

    Raises
    ------
    RunError
        When a loop receives heat and every unit that could take it out is out of service.
    """
    racks = tuple(
        RackNode(
            name,
            in_its_place(group, site),
            group.heat_to.get("liquid") if group.liquid is not None else None,
            group.heat_to["air"],
        )
        for name, group in site.racks.items()
    )
    fluids = {
        name: None if isinstance(part, Room) else fluid(part.fluid, part.concentration)
        for name, _, part in site.volumes()
    }
    by_hot: dict[str, list[LinkNode]] = {name: [] for name in fluids}
    for hot, own, address, link in site.links():
        sink = link.heat_to["heat"]
        by_hot[hot].append(
            LinkNode(
                address=address, name=f"{hot}.{own}", link=link,
                machine=link.heat_exchanger if isinstance(link, Cdus) else link, hot=hot, sink=sink, units=link.units,
                hot_design=hot_design(link, fluids[hot]), cold_design=cold_design(link, fluids.get(sink)),
                cold_fluid=fluids.get(sink),
            )
        )  # fmt: skip
    condensers = {node.sink for nodes in by_hot.values() for node in nodes if isinstance(node.link, Chillers)}
    volumes = {}
    for name, address, part in site.volumes():
        served = tuple(node for node in racks if name in (node.loop, node.room))
        consumers = tuple(n for nodes in by_hot.values() for n in nodes if n.sink == name and n.units > 0)
        stages = _stages([node for node in by_hot[name] if node.units > 0])
        node = VolumeNode(
            name, address, part, fluids[name], stages, consumers, served, name in condensers, 0.0, 0.0
        )
        if isinstance(part, Room):
            node = _with_openings(node, site)
        elif part.manifold is not None and served:
            node = replace(node, branching=_branching(node, part, {n.name: n.racks.count for n in racks}))
        design, limit = _flows(node)
        volumes[name] = replace(node, design_flow=design, flow_limit=limit)
    order = _cold_first(
        {
            name: [node.sink for node in by_hot[name] if node.sink != OUTDOORS]
            + [volumes[name].outer] * bool(volumes[name].outer)
            for name in fluids
        }
    )
    parents = {name: _spread(feeder.fed_by, site.power) for name, feeder in site.power.items()}
    feeders = _leaf_first(parents)
    receivers = {target for _, element in site.drawn() for target in element.heat_to.values()}
    for name in order:
        pump = getattr(volumes[name].part, "pump", None)
        if pump is not None and pump.units == 0:
            raise RunError(f"{volumes[name].address}.pump: no pump is in service")
        if name in receivers and not volumes[name].stages and not volumes[name].outer:
            raise RunError(f"{volumes[name].address}: nothing in service takes heat out of it")
    for name, feeder in site.power.items():
        fed = [a for a, element in site.drawn() if _spread(element.fed_by, site.power).get(name, 0.0) > 0.0]
        if fed and feeder.units == 0:
            raise RunError(f"power.{name}: no unit is in service, and it feeds {', '.join(fed)}")
    design_it = sum(node.racks.count * node.racks.tdp for node in racks)
    ordered = tuple(volumes[name] for name in order)
    return Plan(
        site=site,
        volumes=ordered,
        hot_first=_hot_first(ordered),
        racks=racks,
        feeders=tuple((name, site.power[name]) for name in feeders),
        fed_by=tuple(
            (address, _spread(element.fed_by, site.power))
            for address, element in site.drawn()
            if not address.startswith("power.")
        ),
        parents=parents,
        sources=_sources(site, racks, ordered),
        design_it=design_it,
    )


def _with_openings(node: VolumeNode, site: Site) -> VolumeNode:
    """An open room has the air of the room around it."""
    rooms = {name: part for name, _, part in site.volumes() if isinstance(part, Room)}
    outer = rooms[node.name].opens_to
    if outer:
        part = node.part.model_copy(update={"dew_point": rooms[outer].dew_point})
        return replace(node, part=part, outer=outer)
    return node


def _sources(
    site: Site, racks: Iterable[RackNode], volumes: Iterable[VolumeNode]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Every heat that the site file sends somewhere, by where it goes; racks, pumps, links and feeders by their keys."""
    found: dict[str, list[tuple[str, str]]] = {OUTDOORS: []}
    found |= {volume.name: [] for volume in volumes}
    for rack in racks:
        if rack.loop is not None:
            found[rack.loop].append(("rack_liquid", rack.name))
        found[rack.room].append(("rack_air", rack.name))
    for volume in volumes:
        if volume.outer:
            found[volume.outer].append(("spill", volume.name))
        pump = getattr(volume.part, "pump", None)
        if pump is not None:
            found[volume.name].append(("fluid", volume.name))
            found[pump.heat_to["motor"]].append(("motor", volume.name))
        if isinstance(volume.part, Loop) and volume.part.storage is not None:
            found[volume.name].append(("electric", f"{volume.address}.storage"))
        for node in (node for stage in volume.stages for node in stage):
            found[node.sink].append(("link", node.name))
            if isinstance(node.link, Cdus):
                found[node.hot].append(("fluid", node.name))
                found[node.link.heat_to["motor"]].append(("motor", node.name))
                if "fan" in node.link.ports:
                    found[node.link.heat_to["fan"]].append(("fan", node.name))
            elif "fan" in node.link.ports:
                found[node.link.heat_to["fan"]].append(("electric", node.address))
    for name, feeder in site.power.items():
        if feeder.ports:
            found[feeder.heat_to["loss"]].append(("loss", name))
    found[site.house.heat_to["heat"]].append(("electric", "house"))
    return {name: tuple(sources) for name, sources in found.items()}


def _stages(nodes: list[LinkNode]) -> tuple[tuple[LinkNode, ...], ...]:
    """CDUs and air handlers of a loop stand in parallel; everything else acts in the order written."""
    stages: list[list[LinkNode]] = []
    for node in nodes:
        parallel = isinstance(node.link, Cdus | AirHandlers)
        if (parallel and stages and isinstance(stages[-1][0].link, Cdus | AirHandlers)) or (
            stages and _same_machine(stages[-1][0], node)
        ):
            stages[-1].append(node)
        else:
            stages.append([node])
    return tuple(tuple(stage) for stage in stages)


def _same_machine(first: LinkNode, second: LinkNode) -> bool:
    """A member split off its group stays beside the group."""
    return _MEMBER.sub("", first.name) == _MEMBER.sub("", second.name)


_MEMBER = re.compile(r"\.\d+$")


def _flows(volume: VolumeNode) -> tuple[float, float]:
    """Design flow and the most that can be moved, kg/s."""
    if volume.outer:
        return sum(node.hot_design * node.link.count for stage in volume.stages for node in stage), float(
            "inf"
        )
    if volume.fluid is None:
        capacity = sum(node.units * node.hot_design for stage in volume.stages for node in stage)
        return capacity, capacity
    assert isinstance(volume.part, Loop)
    rho = float(density(volume.fluid, REFERENCE_DEGC))
    pump = volume.part.pump
    if pump is not None:
        design = pump.rated_flow * (pump.count - pump.spare) * rho
        return design, pump.units * full_speed_flow(pump) * rho
    demand = sum(node.racks.count * rated_rack_flow(node.racks) for node in volume.racks)
    units = _units(volume)
    if not units or demand <= 0.0:
        return max(demand, sum(n.units * n.hot_design for s in volume.stages for n in s) / rho) * rho, float(
            "inf"
        )
    if volume.branching is not None:
        return demand * rho, float(most_flow(volume.branching, volume.branching.nominal)) * rho
    head, exponent = _rack_head(volume)
    return demand * rho, float(reached(units, demand, head, exponent)) * rho


def _rack_head(volume: VolumeNode) -> tuple[float, float]:
    """Head in Pa that the hungriest rack asks for at its rated flow, and its exponent."""
    head = max(float(rack_model.pressure_drop(rated_rack_flow(n.racks), n.racks)) for n in volume.racks)
    return head, max(n.racks.liquid.dp_exponent for n in volume.racks if n.racks.liquid is not None)


def _branching(volume: VolumeNode, loop: Loop, counts: Mapping[str, int]) -> Branching:
    assert loop.manifold is not None
    assert volume.fluid is not None
    racks = [(node.name, numbers_of(node.name, counts), node.racks) for node in volume.racks]
    return branching(loop, loop.manifold, volume.fluid, racks, _units(volume))


def _units(volume: VolumeNode) -> list[Units]:
    """Units whose pumps move a loop's coolant."""
    nodes = [node for stage in volume.stages for node in stage]
    return [Units(n.link, n.units, n.hot_design) for n in nodes if isinstance(n.link, Cdus)]


def rated_rack_flow(racks: Racks) -> float:
    """Flow of one rack at its rated heat, m³/s."""
    return racks.liquid.rated_flow if racks.liquid is not None else 0.0


def required_head(flow: Any, pump: Pumps) -> Any:
    """Head in Pa that a loop asks of one pump at ``flow`` m³/s: a static share, the rest with the square of the flow."""
    return pump.rated_head * (pump.static_share + (1.0 - pump.static_share) * (flow / pump.rated_flow) ** 2)


def pumps_for(flow: Any, pump: Pumps) -> Any:
    """Pumps of a group that run at a flow of all of them in m³/s, float or array.

    All, or staged by flow (ASHRAE Guideline 36-2021, 5.20.6.6): with N of n duty pumps running, another starts above
    N/n - ``stage_margin`` of design flow and one stops at or below (N - 1)/n - ``stage_margin``. Both are one edge, and only the delay keeps a pump from
    cycling there: so each flow has one number of pumps.
    """
    if pump.staging == "all":
        return float(pump.units)
    asked = np.asarray(flow) / pump.rated_flow + pump.stage_margin * max(pump.count - pump.spare, 1)
    return np.clip(np.ceil(asked - EDGE), 1.0, pump.units)


def full_speed_flow(pump: Pumps) -> float:
    """Flow in m³/s of one pump at full speed against its loop."""
    per_pump = pump.units / max(
        pump.count - pump.spare, 1
    )  # fewer running pumps each see more of the loop's resistance
    static = pump.rated_head * pump.static_share
    k = pump.rated_head * (1.0 - pump.static_share) / pump.rated_flow**2 * per_pump**2
    return float(pump_model.full_speed_flow(pump_model.SystemCurve(static, k, 2.0), pump))


def _cold_first(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Loops so that each stands after every loop that it rejects to."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for sink in edges[name]:
                visit(sink)
            order.append(name)

    for name in edges:
        visit(name)
    return order


def _hot_first(volumes: tuple[VolumeNode, ...]) -> tuple[VolumeNode, ...]:
    """Each loop after all that reject to it; rooms when nothing else is left, those without racks last: losses warm them."""
    left = list(reversed(volumes))
    order: list[VolumeNode] = []
    while left:
        sinks = {node.sink for one in left for stage in one.stages for node in stage}
        ready = [one for one in left if one.name not in sinks | {one.outer for one in left}]
        order.append(min(ready, key=lambda one: (one.fluid is None, not one.racks)))
        left.remove(order[-1])
    return tuple(order)


def _spread(fed_by: Mapping[str, float], power: Mapping[str, Feeder]) -> dict[str, float]:
    """Shares over a group and the members split off it, by the units of each that are in service."""
    whole: dict[str, float] = {}
    for name, share in fed_by.items():
        base = _MEMBER.sub("", name)
        whole[base] = whole.get(base, 0.0) + share
    out: dict[str, float] = {}
    for base, share in whole.items():
        members = [name for name in power if _MEMBER.sub("", name) == base]
        units = sum(power[name].units for name in members)
        for name in members:
            out[name] = share * power[name].units / units if units else share / len(members)
    return out


def _leaf_first(fed_by: Mapping[str, Iterable[str]]) -> list[str]:
    """Feeders so that each stands before every feeder that feeds it."""
    return list(reversed(_cold_first(fed_by)))
