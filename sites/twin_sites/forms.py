"""Which server forms fit where: rear doors behind racks, plates on water, baths of dielectrics."""

from collections.abc import Iterable, Mapping

from twin_models.fluids import boiling
from twin_models.fluids.dielectrics import OILS

from twin_sites import catalogue
from twin_sites.declared import base_of, numbers_of
from twin_sites.errors import Problem, did_you_mean
from twin_sites.schema import Cdus, Condensers, Loop, Racks, RearDoors, Room, Site

UNITS = {"plates": "a CDU", "boiling": "a two-phase condenser", "bath": "immersion tanks"}
FORMS = {
    "plates": "water or glycol for servers with cold plates",
    "boiling": "servers whose packages have a boiling surface, and a two_phase condenser",
    "bath": "servers built for a bath: no fans, sinks and boards that the liquid does not attack",
}


def open_rooms(site: Site, volumes: Mapping[str, Loop | Room]) -> Iterable[Problem]:
    """A room that opens to another is the exhaust of racks with rear doors, one door for each."""
    closed = [name for name, volume in volumes.items() if isinstance(volume, Room) and not volume.opens_to]
    for name, address, room in site.volumes():
        if not isinstance(room, Room):
            continue
        doors = [link for link in room.links.values() if isinstance(link, RearDoors)]
        if not room.opens_to:
            if doors:
                allowed = "rear doors in a room of their own that opens to another"
                remedy = f"move them to 'rooms.doors: {{opens_to: {name}, …}}' and send the racks' air there"
                yield Problem(address, "rear doors in a closed room", allowed, remedy)
            continue
        if room.opens_to not in closed or room.opens_to == name:
            found = (
                f"'{room.opens_to}' is no closed room"
                if room.opens_to in volumes
                else f"'{room.opens_to}' does not exist"
            )
            yield Problem(
                f"{address}.opens_to", found, "hall or one of rooms", did_you_mean(room.opens_to, closed)
            )
        racks = sum(group.count for group in site.racks.values() if group.heat_to.get("air") == name)
        if len(doors) < len(room.links):
            remedy = "put the air handlers into the room that it opens to"
            yield Problem(
                address, "other machines than rear doors", "rear doors only: it opens to another room", remedy
            )
        elif racks and sum(door.count for door in doors) != racks:
            found = f"{sum(door.count for door in doors)} rear doors for {racks} racks"
            remedy = "set the count of the doors with that of the racks"
            yield Problem(address, found, "one door behind each rack", remedy)


def server_forms(site: Site) -> Iterable[Problem]:
    """Plates take water or glycol, baths a dielectric: a server is built for one of them."""
    for name, group in site.racks.items():
        loop = site.cooling.get(group.heat_to.get("liquid", ""))
        if group.liquid is None or loop is None:
            continue
        wanted = medium_of(loop.fluid)
        if group.liquid.medium != wanted:
            found = f"a server form for {group.liquid.medium} in '{group.heat_to['liquid']}', which holds {loop.fluid}"
            yield Problem(f"racks.{name}.heat_to.liquid", found, FORMS[wanted], _other_form(group, wanted))


def liquid_missing(address: str, group: Racks, site: Site) -> Problem:
    """A liquid-cooled server form whose liquid goes nowhere: the loops of this site that are made for it, or that there is none."""
    assert group.liquid is not None
    wanted = group.liquid.medium
    served = {other.heat_to.get("liquid") for other in site.racks.values()}
    served |= {
        name
        for name, loop in site.cooling.items()
        if any(isinstance(link, Cdus | Condensers) for link in loop.links.values())
    }
    fitting = [
        name for name, loop in site.cooling.items() if name in served and medium_of(loop.fluid) == wanted
    ]
    where, found = f"{address}.heat_to.liquid", f"missing: '{group.system}' is a server form for {wanted}"
    if fitting:
        return Problem(where, found, f"a loop for {wanted}: {', '.join(fitting)}", f"{where}={fitting[0]}")
    remedy = f"add a loop with {UNITS[wanted]} under cooling, or choose a server form for air"
    return Problem(where, found, f"a loop for {wanted}; this site has none", remedy)


def medium_of(name: str) -> str:
    """What a loop's liquid is made for."""
    if name in boiling.NAMES:
        return "boiling"
    return "bath" if name in OILS else "plates"


def _other_form(group: Racks, wanted: str) -> str:
    """Systems of the catalogue with the same accelerator in the form wanted."""
    own = (
        catalogue.datasheet(group.system).values.get("accelerator")
        if group.system in catalogue.names("rack")
        else None
    )
    sheets = {slug: catalogue.datasheet(slug).values for slug in catalogue.names("rack")}
    fitting = [
        slug
        for slug, sheet in sheets.items()
        if own is not None
        and sheet.get("accelerator") == own
        and isinstance(sheet.get("liquid"), Mapping)
        and sheet["liquid"].get("medium", "plates") == wanted
    ]
    if fitting:
        return f"set the system to one of {', '.join(fitting)}"
    return "the catalogue has no such form of this server: choose another loop"


def headers(site: Site) -> Iterable[Problem]:
    """Valves and filters of a manifold name racks that stand on it, and one of them is open."""
    for name, loop in site.cooling.items():
        if loop.manifold is None:
            continue
        where = f"cooling.{name}.manifold"
        counts = {key: group.count for key, group in site.racks.items()}
        groups = [key for key, group in site.racks.items() if group.heat_to.get("liquid") == name]
        if not groups or medium_of(loop.fluid) != "plates":
            remedy = "remove it, or give it to the loop of the racks' cold plates"
            yield Problem(
                where, "headers without racks on plates", "a loop that racks with plates use", remedy
            )
            continue
        members = [f"{base_of(key)}.{number}" for key in groups for number in numbers_of(key, counts)]
        for kind, values in (("valves", loop.manifold.valves), ("filters", loop.manifold.filters)):
            for rack in values:
                if rack not in groups and rack not in members and rack not in map(base_of, groups):
                    allowed = f"racks of this loop: {', '.join(groups)}, or {members[0]} to {members[-1]}"
                    yield Problem(
                        f"{where}.{kind}.{rack}",
                        "no rack of this loop",
                        allowed,
                        did_you_mean(rack, [*groups, *members]),
                    )
        yield from _control(where, loop)
        valves = loop.manifold.valves
        if all(valves.get(m, valves.get(base_of(m), 1.0)) == 0.0 for m in members):
            yield Problem(f"{where}.valves", "every branch is closed", "one open valve", "open one")


def _control(where: str, loop: Loop) -> Iterable[Problem]:
    """What pumps of headers hold fits what is said of it."""
    headers = loop.manifold
    assert headers is not None
    if headers.closing is not None and headers.layout != "ring":
        yield Problem(
            f"{where}.closing", f"given while layout is {headers.layout}", "layout: ring", "remove it"
        )
    for name, said in (("pressure", headers.pressure is not None), ("speed", headers.speed != 1.0)):
        if said and headers.control != name:
            yield Problem(
                f"{where}.{name}",
                f"given while control is {headers.control}",
                f"control: {name}",
                f"set control to {name}, or remove it",
            )
    if headers.control == "speed":
        for name, link in loop.links.items():
            if isinstance(link, Cdus) and link.pump is None:
                found = f"units without a pump curve ({name})"
                yield Problem(f"{where}.control", found, "demand or pressure", "give the units a pump")
