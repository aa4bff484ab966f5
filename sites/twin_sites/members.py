"""Members of a group: ``cdu.2`` is the second of the units of ``cdu``; touching it splits it off its group."""

from collections.abc import Mapping
from typing import Any

from twin_sites.declared import base_of
from twin_sites.units import UnitError, parse


def count_of(group: Any) -> int:
    """Installed units of a group in its written form; 0 where it is no group or its count cannot be read."""
    if not isinstance(group, Mapping):
        return 0
    return _whole(group.get("count", 1))


def member_count(group_of: Mapping[str, Any], name: str) -> int:
    """Highest number that a member of ``name`` can have: the group's units and those split off it."""
    split = sum(1 for key in group_of if key != name and base_of(key) == name)
    return count_of(group_of.get(name)) + split


def split(group_of: Mapping[str, Any], member: str, outage: bool) -> dict[str, Any]:
    """Copy of a collection with one member standing beside its group, which keeps the rest.

    The redundant unit of a group is the one that goes out of service (``outage``); otherwise it stays with the rest.
    """
    name = base_of(member)
    group = group_of[name]
    count = count_of(group)
    alone = {key: value for key, value in group.items() if key not in ("spare", "out_of_service")} | {
        "count": 1
    }
    rest = {**group, "count": count - 1}
    if "spare" in group:
        rest["spare"] = min(max(_whole(group["spare"]) - (1 if outage else 0), 0), max(count - 2, 0))
    out: dict[str, Any] = {}
    for key, value in group_of.items():  # the member keeps the group's place in the order of action
        if key != name:
            out[key] = value
            continue
        if count > 1:
            out[name] = rest
        out[member] = alone
    return out


def spread_feeds(data: dict[str, Any]) -> dict[str, Any]:
    """Shares of a group of feeders spread over its members as their units are available: what is out carries nothing."""
    power = data.get("power")
    if not isinstance(power, Mapping):
        return data
    groups: dict[str, list[str]] = {}
    for name in power:
        groups.setdefault(base_of(str(name)), []).append(name)
    groups = {base: names for base, names in groups.items() if names != [base]}
    return _spread(data, groups, power) if groups else data


def _spread(node: Any, groups: Mapping[str, list[str]], power: Mapping[str, Any]) -> Any:
    if not isinstance(node, Mapping):
        return node
    out = {key: _spread(value, groups, power) for key, value in node.items()}
    feeds = out.get("fed_by")
    if isinstance(feeds, Mapping):
        for base, names in groups.items():
            feeds = _spread_one(feeds, base, names, power)
        out["fed_by"] = feeds
    return out


def _spread_one(
    feeds: Mapping[str, Any], base: str, names: list[str], power: Mapping[str, Any]
) -> Mapping[str, Any]:
    mine = [name for name in (base, *names) if name in feeds]
    if not mine:
        return feeds
    try:
        total = sum(parse(str(feeds[name]), "1") for name in dict.fromkeys(mine))
    except UnitError:  # left for the validation to name
        return feeds
    units = {
        name: max(count_of(power[name]) - _whole(power[name].get("out_of_service", 0)), 0) for name in names
    }
    if sum(units.values()) == 0:
        units = {name: count_of(power[name]) for name in names}
    every = sum(units.values()) or 1
    spread = {name: total * count / every for name, count in units.items()}
    return {name: share for name, share in feeds.items() if name not in mine} | spread


def _whole(value: Any) -> int:
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
