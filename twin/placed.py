"""Racks as their place makes them: sinks that stand in the liquid of a bath, fans that push against a door."""

from dataclasses import replace

from twin_models.rear_door.rear_door import server_fan_power
from twin_sites.schema import Racks, RearDoors, Site


def in_its_place(group: Racks, site: Site) -> Racks:
    """A rack group with what its loop and its room do to it."""
    return _behind_its_doors(_in_its_bath(group, site), site)


def _in_its_bath(group: Racks, site: Site) -> Racks:
    """Sinks of immersed racks take the liquid of the loop that they stand in."""
    if group.bath_sink is None and group.boiling_surface is None:
        return group
    name = site.cooling[group.heat_to["liquid"]].fluid
    if group.boiling_surface is not None:
        return replace(group, boiling_surface=replace(group.boiling_surface, fluid=name))
    assert group.bath_sink is not None
    return replace(group, bath_sink=replace(group.bath_sink, fluid=name))


def _behind_its_doors(group: Racks, site: Site) -> Racks:
    """Fans of servers behind passive doors draw more for the same flow: by the same share at every speed, for the drop of
    the door and of the server both rise with the square of the flow."""
    room = site.rooms.get(group.heat_to["air"])
    doors = [link for link in room.links.values() if isinstance(link, RearDoors)] if room is not None else []
    if group.fans is None or not doors or group.fans.maximum <= 0.0:
        return group
    more = sum(door.count * float(server_fan_power(group.fans.flow, door)) for door in doors)
    more /= sum(door.count for door in doors)
    return replace(group, fans=replace(group.fans, maximum=group.fans.maximum + more))
