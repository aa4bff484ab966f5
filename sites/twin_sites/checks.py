"""What must hold between the elements of a site: references, shares, ports, counts, no circles, no dead ends."""

from collections.abc import Iterable, Mapping
from typing import Any

from twin_sites.errors import Problem, did_you_mean
from twin_sites.schema import AMBIENT_BASES, OUTDOORS, AirHandlers, Cdus, Chillers, CoolingTowers, DryCoolers, Group, Loop, Room, Site

SHARE_TOLERANCE = 1e-9


def check(site: Site) -> list[Problem]:
    """Every fault between the elements of a site whose fields are valid each on its own."""
    problems: list[Problem] = []
    names = [name for name, _, _ in site.volumes()]
    problems += [
        Problem(name, "names both a loop and a room, or is reserved", "each loop and room a name of its own", "rename one of them")
        for name in {*names}
        if names.count(name) > 1 or name in (*AMBIENT_BASES, OUTDOORS)
    ]
    volumes = {name: volume for name, _, volume in site.volumes()}
    for address, element in site.drawn():
        problems += _connections(site, address, element, volumes)
        if isinstance(element, Group):
            problems += _counts(address, element)
    problems += _links(site, volumes)
    problems += _set_points(site, volumes)
    problems += _heat_goes_out(site, volumes)
    problems += _power_graph(site)
    return problems


def _connections(site: Site, address: str, element: Any, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    targets = {**volumes, OUTDOORS: None}
    for port in element.ports:
        if port not in element.heat_to:
            yield Problem(f"{address}.heat_to.{port}", "missing", "a loop, a room or outdoors", f"say where the {port} of this element goes")
    for port, target in element.heat_to.items():
        if port not in element.ports:
            yield Problem(f"{address}.heat_to.{port}", "an unknown port", ", ".join(element.ports) or "none", did_you_mean(port, element.ports))
        elif target not in targets:
            yield Problem(f"{address}.heat_to.{port}", f"'{target}' does not exist", "a loop, a room or outdoors", did_you_mean(target, targets))
        elif port == "liquid" and not isinstance(volumes.get(target), Loop):
            yield Problem(f"{address}.heat_to.liquid", f"'{target}' is no liquid loop", "a loop under cooling")
        elif port == "air" and not isinstance(volumes.get(target), Room):
            yield Problem(f"{address}.heat_to.air", f"'{target}' is no room", "hall or one of rooms")
    if getattr(element, "kind", "") in ("utility", "heat_exchanger"):
        return
    if not element.fed_by:
        yield Problem(f"{address}.fed_by", "missing", "feeders with their shares", f"name one of {', '.join(site.power)}")
        return
    for feeder in element.fed_by:
        if feeder not in site.power:
            yield Problem(f"{address}.fed_by.{feeder}", "does not exist", "an element under power", did_you_mean(feeder, site.power))
    total = sum(element.fed_by.values())
    if abs(total - 1.0) > SHARE_TOLERANCE:
        yield Problem(f"{address}.fed_by", f"shares add up to {total:g}", "shares that add up to 1", "two feeds: 50 % each")


def _counts(address: str, group: Group) -> Iterable[Problem]:
    if group.spare >= group.count:
        yield Problem(f"{address}.spare", f"{group.spare} of {group.count}", "fewer than the installed units")
    if group.out_of_service > group.count:
        yield Problem(f"{address}.out_of_service", f"{group.out_of_service} of {group.count}", "at most the installed units")


def _links(site: Site, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    for name, own, address, link in site.links():
        target = link.heat_to.get("heat", OUTDOORS)
        hot, cold = volumes[name], volumes.get(target)
        if target == name:
            yield Problem(f"{address}.heat_to.heat", f"'{target}' is the loop itself", "a colder loop or outdoors")
        if isinstance(link, AirHandlers) != isinstance(hot, Room):
            yield Problem(address, f"{link.kind} in {name}", "air handlers in rooms, liquid machines in loops")
        outdoors = isinstance(link, DryCoolers | CoolingTowers) or (isinstance(link, Chillers) and link.condenser == "air")
        if outdoors and target != OUTDOORS:
            yield Problem(f"{address}.heat_to.heat", f"'{target}'", "outdoors: this machine rejects to outdoor air")
        if not outdoors and not isinstance(cold, Loop) and target in (*volumes, OUTDOORS):
            yield Problem(f"{address}.heat_to.heat", f"'{target}'", "a liquid loop: this machine rejects to water")
        if isinstance(link, Cdus) and own in ("supply",):
            yield Problem(address, "a reserved name", "another name")
    for name, address, volume in site.volumes():
        receives = any(target == name for _, element in site.drawn() for target in element.heat_to.values())
        if receives and not volume.links:
            yield Problem(address, "receives heat but has nothing that takes it out", "at least one link: CDU, tower, dry cooler, air handler, …")


def _set_points(site: Site, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    for _, address, volume in site.volumes():
        base = volume.supply.base
        if base and base not in volumes and base not in AMBIENT_BASES:
            known = [*volumes, *AMBIENT_BASES]
            yield Problem(f"{address}.supply", f"relative to '{base}', which does not exist", "a loop, a room or the weather", did_you_mean(base, known))
    yield from _circles({name: [v.supply.base] if v.supply.base in volumes else [] for name, v in volumes.items()}, "supply set points")


def _heat_goes_out(site: Site, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    edges: dict[str, list[str]] = {name: [] for name in volumes}
    for name, _, _, link in site.links():
        target = link.heat_to.get("heat", OUTDOORS)
        if target in volumes:
            edges[name].append(target)
    yield from _circles(edges, "heat")


def _power_graph(site: Site) -> Iterable[Problem]:
    roots = [name for name, feeder in site.power.items() if feeder.kind == "utility"]
    if not roots:
        yield Problem("power", "no utility", "at least one feeder of kind utility: the meter", "add 'utility: {kind: utility}'")
    for name, feeder in site.power.items():
        if feeder.kind == "utility" and feeder.fed_by:
            yield Problem(f"power.{name}.fed_by", "a utility that is fed", "nothing: the utility is the root")
    edges = {name: [f for f in feeder.fed_by if f in site.power] for name, feeder in site.power.items()}
    yield from _circles(edges, "power")


def _circles(edges: Mapping[str, list[str]], what: str) -> Iterable[Problem]:
    done: set[str] = set()
    for start in edges:
        trail: list[str] = []
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            node, depth = stack.pop()
            del trail[depth:]
            if node in trail:
                yield Problem(what, "a circle: " + " → ".join([*trail[trail.index(node) :], node]), "no circles")
                return
            if node in done:
                continue
            trail.append(node)
            stack += [(below, depth + 1) for below in edges[node]]
            if not edges[node]:
                done.add(node)
