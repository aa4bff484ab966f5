"""Cooling technology of a rack group: the server forms of its accelerator, and the changes that each needs at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twin_sites import catalogue
from twin_sites.errors import InputError
from twin_sites.forms import medium_of
from twin_sites.loader import change_site
from twin_sites.schema import RearDoors, Room, Site

MEDIA = {
    "plates": "Cold plates",
    "bath": "Immersion bath",
    "boiling": "Two-phase",
}


NEEDED = {
    "plates": "technology loop of water or glycol",
    "bath": "loop of a dielectric liquid",
    "boiling": "loop of a boiling liquid",
}


@dataclass(frozen=True)
class Technology:
    """One choice: its words, the changes that make it, and why this site cannot take it ('' where it can)."""

    value: str
    label: str
    changes: Mapping[str, str] = field(default_factory=dict)
    why_not: str = ""


def technologies(site: Site, group: str) -> list[Technology]:
    """Choices of a rack group, what stands in the site first; nothing for racks without accelerators.

    The same accelerator in other server forms (plates, air, baths, two-phase) on a loop of the site that holds their
    liquid, and air-cooled forms in each room: a room that opens to another is one behind rear doors.
    """
    racks = site.racks[group]
    names = catalogue.names("rack")
    chip = catalogue.datasheet(racks.system).values.get("accelerator") if racks.system in names else None
    if chip is None:
        return []
    forms = [slug for slug in names if catalogue.datasheet(slug).values.get("accelerator") == chip]
    found = [one for slug in forms for one in _places(site, group, slug)]
    return sorted(found, key=lambda one: (bool(one.changes) or bool(one.why_not), bool(one.why_not)))


def _places(site: Site, group: str, slug: str) -> Iterator[Technology]:
    """A server form at every place of the site that could take it."""
    sheet = catalogue.datasheet(slug)
    liquid = sheet.values.get("liquid")
    if not isinstance(liquid, Mapping):
        for name, room in _rooms(site).items():
            how = f"Rear doors ({name})" if room.opens_to else f"Room air ({name})"
            yield _choice(site, group, slug, f"{how}: {sheet.name}", {"air": name})
        if not any(room.opens_to for room in _rooms(site).values()):
            yield Technology(f"{slug} doors", f"Rear doors: {sheet.name}", {}, "this site has no rear doors")
        return
    medium = str(liquid.get("medium", "plates"))
    loops = [name for name in _own_loops(site) if medium_of(site.cooling[name].fluid) == medium]
    for name in loops:
        yield _choice(site, group, slug, f"{MEDIA[medium]} ({name}): {sheet.name}", {"liquid": name})
    if not loops:
        yield Technology(slug, f"{MEDIA[medium]}: {sheet.name}", {}, f"this site has no {NEEDED[medium]}")


def _rooms(site: Site) -> dict[str, Room]:
    """Rooms that racks may stand in: the hall, those with racks, those behind rear doors."""
    used = {"hall"} | {racks.heat_to.get("air") for racks in site.racks.values()}
    rooms = {name: room for name, _, room in site.volumes() if isinstance(room, Room)}
    return {name: room for name, room in rooms.items() if name in used or room.opens_to}


def _own_loops(site: Site) -> list[str]:
    """Loops made for racks: racks stand on them, or a CDU or tank keeps them."""
    used = {racks.heat_to.get("liquid") for racks in site.racks.values() if racks.liquid is not None}
    return [name for name, loop in site.cooling.items() if name in used or {"cdu", "tank"} & set(loop.links)]


def _choice(site: Site, group: str, slug: str, label: str, heat_to: Mapping[str, str]) -> Technology:
    """A server form at one place: the changes from the site as written, tried by the checks of a site file."""
    racks = site.racks[group]
    changes = {
        f"racks.{group}.heat_to.{port}": to for port, to in heat_to.items() if racks.heat_to.get(port) != to
    }
    if racks.system != slug:
        changes[f"racks.{group}.system"] = slug
    rooms = _rooms(site)
    room = rooms.get(racks.heat_to.get("air", ""))
    if "liquid" in heat_to and room is not None and room.opens_to:
        # What little a liquid-cooled rack gives to the air goes to the room, not through a door of its own.
        changes[f"racks.{group}.heat_to.air"] = room.opens_to
    changes |= _doors(site, group, changes.get(f"racks.{group}.heat_to.air", ""))
    value = " ".join([slug, *heat_to.values()])
    try:
        change_site(site, changes)
    except InputError as error:
        problem = error.problems[0]
        return Technology(value, label, {}, f"{problem.found}, allowed: {problem.allowed}")
    return Technology(value, label, changes)


def _doors(site: Site, group: str, room: str) -> dict[str, str]:
    """One door behind each rack of the room that the group moves to."""
    for name, address, volume in site.volumes():
        if name != room or not isinstance(volume, Room) or not volume.opens_to:
            continue
        doors = [key for key, link in volume.links.items() if isinstance(link, RearDoors)]
        racks = sum(r.count for key, r in site.racks.items() if key == group or r.heat_to.get("air") == name)
        if len(doors) == 1 and volume.links[doors[0]].count != racks:
            return {f"{address}.{doors[0]}.count": str(racks)}
    return {}


def as_meta(choices: Sequence[Technology]) -> dict[str, Any]:
    """What the browser needs: the changes of each choice, and every address that one of them sets."""
    bundles = {one.value: dict(one.changes) for one in choices if not one.why_not}
    return {
        "kind": "bundle",
        "base": choices[0].value,
        "bundles": bundles,
        "addresses": sorted({address for changes in bundles.values() for address in changes}),
    }
