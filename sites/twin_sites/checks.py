"""What must hold between the elements of a site: names, references, shares, ports, counts, no circles, no dead ends."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twin_models.air_handler import air_handler
from twin_models.cooling_tower import cooling_tower
from twin_models.dry_cooler import dry_cooler
from twin_models.fluids.fluids import fluid
from twin_models.heat_exchanger import heat_exchanger
from twin_models.pump import pump
from twin_models.two_phase import two_phase

from twin_sites.declared import base_of
from twin_sites.errors import Problem, did_you_mean
from twin_sites.forms import headers, liquid_missing, open_rooms, server_forms
from twin_sites.money import one_currency
from twin_sites.problems import FITTING
from twin_sites.resets import resets
from twin_sites.schema import (
    AMBIENT_BASES,
    OUTDOORS,
    AirHandlers,
    Cdus,
    Chillers,
    Condensers,
    CoolingTowers,
    DryCoolers,
    Exchangers,
    Group,
    HeatCustomers,
    Link,
    LiquidToAirCdus,
    Loop,
    Pumps,
    Racks,
    Room,
    Site,
)
from twin_sites.stores import stores

CALIBRATED: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (Exchangers, heat_exchanger.rating),
    (Condensers, two_phase.conductance),
    (DryCoolers, dry_cooler.rating),
    (CoolingTowers, cooling_tower.design),
    (AirHandlers, air_handler.rating),
    (Pumps, pump.characteristic),
)
RANGES = (
    ("leaving_low", "leaving_high"),
    ("condenser_low", "condenser_high"),
    ("part_load_low", "part_load_high"),
    ("lowest_flow", "highest_flow"),
    ("supply_low", "supply_high"),
)
SHARE_TOLERANCE = 1e-9
NAME = re.compile(r"[A-Za-z_][\w-]{0,39}(\.[1-9]\d{0,5})?")
RESERVED = (*AMBIENT_BASES, OUTDOORS)


def check(site: Site) -> list[Problem]:
    """Every fault between the elements of a site whose fields are valid each on its own."""
    problems = list(_names(site))
    volumes = {name: volume for name, _, volume in site.volumes()}
    for address, element in site.drawn():
        problems += _connections(site, address, element, volumes)
        if isinstance(element, Group):
            problems += _counts(address, element)
            problems += _rated(address, element)
        problems += _ranges(address, element)
    problems += _fluids(site)
    problems += _links(site, volumes)
    problems += open_rooms(site, volumes)
    problems += server_forms(site)
    problems += headers(site)
    problems += stores(site)
    problems += resets(site)
    problems += _buffers(site)
    problems += _set_points(site, volumes)
    problems += _heat_goes_out(site, volumes)
    problems += _power_graph(site)
    problems += one_currency(site)
    return problems


def _names(site: Site) -> Iterable[Problem]:
    collections: dict[str, Iterable[str]] = {
        "racks": site.racks,
        "cooling": site.cooling,
        "rooms": site.rooms,
        "power": site.power,
    }
    collections |= {f"racks.{name}.parts": rack.parts for name, rack in site.racks.items()}
    collections |= {address: volume.links for _, address, volume in site.volumes()}
    for address, names in collections.items():
        for name in names:
            if not NAME.fullmatch(name):
                allowed = "up to 40 letters, digits, dashes and underscores, a letter first"
                yield Problem(f"{address}.{name}", f"the name '{name[:60]}'", allowed, "rename it")
    for name, address, volume in site.volumes():
        if (
            name in RESERVED
            or (name in site.cooling and not isinstance(volume, Loop))
            or (name == "hall" and address != "hall")
        ):
            where = address if name in RESERVED or address != "hall" else f"cooling.{name}"
            yield Problem(
                where,
                f"the reserved or doubled name '{name}'",
                "each loop and room a name of its own",
                "rename it",
            )
        for link in volume.links:
            if hasattr(type(volume), base_of(link)):
                yield Problem(f"{address}.{link}", f"the reserved name '{link}'", "another name", "rename it")


def _connections(
    site: Site, address: str, element: Any, volumes: Mapping[str, Loop | Room]
) -> Iterable[Problem]:
    for port in element.ports:
        if port not in element.heat_to and port == "liquid" and isinstance(element, Racks):
            yield liquid_missing(address, element, site)
        elif port not in element.heat_to:
            remedy = f"say where the {port} of this element goes"
            yield Problem(f"{address}.heat_to.{port}", "missing", "a loop, a room or outdoors", remedy)
    for port, target in element.heat_to.items():
        yield from _port(f"{address}.heat_to.{port}", port, target, element, volumes)
    if getattr(element, "kind", "") in ("utility", "heat_exchanger") and not element.fed_by:
        return
    if not element.fed_by:
        remedy = f"name one of {', '.join(site.power)}, e.g. 'fed_by: {{{next(iter(site.power))}: 1}}'"
        yield Problem(f"{address}.fed_by", "missing: nothing feeds it", "feeders with their shares", remedy)
        return
    for feeder in element.fed_by:
        if feeder not in site.power:
            remedy = did_you_mean(feeder, site.power)
            yield Problem(f"{address}.fed_by.{feeder}", "does not exist", "an element under power", remedy)
    total = sum(element.fed_by.values())
    if abs(total - 1.0) > SHARE_TOLERANCE:
        found = f"shares add up to {total:.9g}"
        yield Problem(f"{address}.fed_by", found, "shares that add up to 1", "two equal feeds have 50 % each")


def _port(
    where: str, port: str, target: str, element: Any, volumes: Mapping[str, Loop | Room]
) -> Iterable[Problem]:
    targets = (*volumes, OUTDOORS)
    loops = [name for name, volume in volumes.items() if isinstance(volume, Loop)]
    rooms = [name for name, volume in volumes.items() if isinstance(volume, Room)]
    if port == "liquid" and isinstance(element, Racks) and target in loops:
        return  # stands unused by racks that take no liquid, so that a change of system alone swaps the technology
    if port not in element.ports:
        yield Problem(
            where,
            "an unknown port",
            ", ".join(element.ports) or "none",
            did_you_mean(port, element.ports) or "remove it",
        )
    elif target not in targets:
        yield Problem(
            where, f"'{target}' does not exist", "a loop, a room or outdoors", did_you_mean(target, targets)
        )
    elif port == "liquid" and target not in loops:
        yield Problem(
            where, f"'{target}' is no liquid loop", "a loop under cooling", did_you_mean(target, loops)
        )
    elif port == "air" and target not in rooms:
        yield Problem(where, f"'{target}' is no room", "hall or one of rooms", did_you_mean(target, rooms))


def _counts(address: str, group: Group) -> Iterable[Problem]:
    if group.spare >= group.count:
        yield Problem(
            f"{address}.spare",
            f"{group.spare} of {group.count}",
            "fewer than the installed units",
            "raise count or lower spare",
        )
    if group.out_of_service > group.count:
        found = f"{group.out_of_service} of {group.count}"
        yield Problem(
            f"{address}.out_of_service", found, "at most the installed units", f"write at most {group.count}"
        )


def _rated(address: str, element: Any) -> Iterable[Problem]:
    """Machines are calibrated at their rated point: it must be one that can be."""
    for where, calibrate, params in _calibrations(address, element):
        try:
            calibrate(params)
        except ValueError as error:
            found, _, remedy = str(error).partition("; ")
            remedy = remedy or f"change one of them; 'twin show addresses SITE {where}' lists them"
            yield Problem(where, f"a rated point that cannot be ({found})", FITTING, remedy)


def _calibrations(address: str, element: Any) -> Iterable[tuple[str, Callable[[Any], object], Any]]:
    if isinstance(element, Cdus):
        in_room = isinstance(element, LiquidToAirCdus)
        rating = dry_cooler.rating if in_room else heat_exchanger.rating
        yield f"{address}.heat_exchanger", rating, element.heat_exchanger
        if element.pump is not None:
            yield f"{address}.pump", pump.characteristic, element.pump
    for kind, calibrate in CALIBRATED:
        if isinstance(element, kind):
            yield address, calibrate, element


def _ranges(address: str, element: Any) -> Iterable[Problem]:
    """Ranges of curves have their lower end below their upper one."""
    parts = [(address, element), (f"{address}.cold_plate", getattr(element, "cold_plate", None))]
    for where, part in parts:
        for low, high in RANGES:
            if hasattr(part, low) and getattr(part, low) >= getattr(part, high):
                found = f"'{low}' is not below '{high}'"
                yield Problem(f"{where}.{high}", found, FITTING, f"change '{low}' or '{high}'")


def _fluids(site: Site) -> Iterable[Problem]:
    for name, loop in site.cooling.items():
        try:
            fluid(loop.fluid, loop.concentration)
        except ValueError:
            found = f"{100 * loop.concentration:g} % glycol in {loop.fluid}"
            remedy = "name the glycol as 'fluid', or set 'concentration: 0'"
            yield Problem(
                f"cooling.{name}.concentration", found, "glycol only in a glycol mixture, 0 to 60 %", remedy
            )


def _links(site: Site, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    for name, _, address, link in site.links():
        yield from _sink(name, address, link, volumes)
    fed = {target for _, element in site.drawn() for target in element.heat_to.values()}
    for name, address, volume in site.volumes():
        if name in fed and not volume.links:
            machines = (
                "air handler"
                if isinstance(volume, Room)
                else "CDU, heat exchanger, chiller, tower or dry cooler"
            )
            found = "receives heat but has nothing that takes it out"
            yield Problem(
                address, found, "at least one link that rejects its heat", f"add a {machines} below it"
            )


def _sink(name: str, address: str, link: Link, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    target = link.heat_to.get("heat", OUTDOORS)
    where = f"{address}.heat_to.heat"
    loops = [loop for loop, volume in volumes.items() if isinstance(volume, Loop) and loop != name]
    if isinstance(link, AirHandlers) != isinstance(volumes[name], Room):
        found = f"a machine of kind {link.kind} in {name}"
        yield Problem(
            address,
            found,
            "air handlers in rooms, liquid machines in loops",
            "move it, or choose another machine",
        )
    outdoors = isinstance(link, DryCoolers | CoolingTowers | HeatCustomers) or (
        isinstance(link, Chillers) and link.condenser == "air"
    )
    if target == name:
        yield Problem(
            where, f"'{target}' is the loop itself", "a colder loop or outdoors", did_you_mean("", loops)
        )
    elif outdoors and target != OUTDOORS:
        yield Problem(
            where, f"'{target}'", "outdoors: this machine rejects to outdoor air", f"write {OUTDOORS}"
        )
    elif isinstance(link, LiquidToAirCdus):
        yield from _into_room(name, address, link, volumes)
    elif not outdoors and target not in loops and target in (*volumes, OUTDOORS):
        yield Problem(
            where, f"'{target}'", "a liquid loop: this machine rejects to water", did_you_mean(target, loops)
        )


def _into_room(
    name: str, address: str, link: LiquidToAirCdus, volumes: Mapping[str, Loop | Room]
) -> Iterable[Problem]:
    """The unit and its fans stand in one closed room; it brings the pumps of its loop."""
    closed = [room for room, part in volumes.items() if isinstance(part, Room) and not part.opens_to]
    target, part = link.heat_to.get("heat", ""), volumes[name]
    if target not in closed and target in (*volumes, OUTDOORS):
        allowed = "a room with air handlers: this machine rejects to room air"
        remedy = did_you_mean(target, closed) or f"write {closed[0]}"
        yield Problem(f"{address}.heat_to.heat", f"'{target}'", allowed, remedy)
    elif target in closed and link.heat_to.get("fan", target) != target:
        found = f"'{link.heat_to['fan']}'"
        yield Problem(f"{address}.heat_to.fan", found, f"{target}: its fans blow there", f"write {target}")
    if isinstance(part, Loop) and part.pump is not None:
        allowed = "the pumps of the liquid-to-air units alone"
        yield Problem(f"cooling.{name}.pump", "pumps beside those of the units", allowed, "leave them out")


def _buffers(site: Site) -> Iterable[Problem]:
    """A tank at the load circulates what machines take from a loop; racks are reached by the pumps of their units alone."""
    fed = {target for group in site.racks.values() for target in group.heat_to.values()}
    for name, loop in site.cooling.items():
        if loop.buffer_at == "load" and name in fed:
            allowed = "plant: the pumps of this loop stand in the units that serve the racks"
            remedy = "give the loop that cools these units a buffer at the load"
            yield Problem(f"cooling.{name}.buffer_at", "load, in a loop of racks", allowed, remedy)


def _set_points(site: Site, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    bases: dict[str, list[str]] = {}
    for name, address, volume in site.volumes():
        base = volume.supply.base
        bases[name] = [base] if base in volumes else []
        if base and base not in volumes and base not in AMBIENT_BASES:
            known = [*(other for other in volumes if other != name), *AMBIENT_BASES]
            found = f"relative to '{base}', which does not exist"
            yield Problem(
                f"{address}.supply", found, "a loop, a room or the weather", did_you_mean(base, known)
            )
        if (
            isinstance(volume, Room)
            and not (base or volume.opens_to)
            and volume.dew_point > volume.supply.value
        ):
            found = f"{volume.dew_point:g} degC where air of {volume.supply.value:g} degC is supplied"
            remedy = f"lower it, or raise {address}.supply"
            allowed = "a dew point not above the supply: colder air does not hold that much moisture"
            yield Problem(f"{address}.dew_point", found, allowed, remedy)
    addresses = {name: f"{address}.supply" for name, address, _ in site.volumes()}
    remedy = "give one of them an absolute set point"
    yield from _circles(bases, addresses, "set points relative to each other", remedy)


def _heat_goes_out(site: Site, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    edges: dict[str, list[str]] = {name: [] for name in volumes}
    for name, _, _, link in site.links():
        target = link.heat_to.get("heat", OUTDOORS)
        if target in volumes and target != name:
            edges[name].append(target)
    addresses = {name: address for name, address, _ in site.volumes()}
    yield from _circles(
        edges, addresses, "heat that goes round", "let one of them reject outdoors or to a colder loop"
    )


def _power_graph(site: Site) -> Iterable[Problem]:
    if not any(feeder.kind == "utility" for feeder in site.power.values()):
        yield Problem(
            "power",
            "no utility",
            "at least one feeder of kind utility: the meter",
            "add 'utility: {kind: utility}'",
        )
    for name, feeder in site.power.items():
        if feeder.kind == "utility" and feeder.fed_by:
            yield Problem(
                f"power.{name}.fed_by",
                "a utility that is fed",
                "nothing: the utility is the root",
                "remove it",
            )
    edges = {name: [f for f in feeder.fed_by if f in site.power] for name, feeder in site.power.items()}
    yield from _circles(
        edges,
        {name: f"power.{name}.fed_by" for name in edges},
        "power that goes round",
        "feed one of them from the utility",
    )


def _circles(
    edges: Mapping[str, list[str]], addresses: Mapping[str, str], what: str, remedy: str
) -> Iterable[Problem]:
    """The first circle of a graph, named at the place where it is entered."""
    done: set[str] = set()
    for start in edges:
        trail: list[str] = []
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            node, depth = stack.pop()
            done.update(trail[depth:])
            del trail[depth:]
            if node in trail:
                circle = [*trail[trail.index(node) :], node]
                yield Problem(
                    addresses[node], f"{what}, a circle: {' → '.join(circle)}", "no circles", remedy
                )
                return
            if node in done:
                continue
            trail.append(node)
            stack += [(below, depth + 1) for below in edges[node]]
        done.update(trail)
