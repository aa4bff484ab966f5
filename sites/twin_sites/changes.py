"""What-ifs: a mapping from address to value, set in the written form of a site."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_origin

from twin_sites import declared
from twin_sites.addresses import addresses
from twin_sites.declared import Place, base_of, keys_of
from twin_sites.errors import LISTED, InputError, Problem
from twin_sites.members import member_count, split
from twin_sites.problems import said
from twin_sites.schema import Group, Racks, Site
from twin_sites.yaml_files import plain_value

_ADDRESS = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")
_NO_CHANGE = {"kind": "another datasheet, which brings its kind with it"}


def changed_form(site: Site, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Written form of a site with some addresses set.

    Raises
    ------
    InputError
        For every address that no declaration knows, or that is no single value.
    """
    written: dict[str, Any] = dict(site.written)
    problems: list[Problem] = []
    members_last = sorted(changes.items(), key=lambda item: any(map(str.isdigit, str(item[0]).split("."))))
    for address, value in members_last:
        keys = keys_of(str(address))
        found = _look_up(site, written, str(address), keys, value)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            written = _set(written, keys, _plain(value, found))
    if problems:
        raise InputError(problems)
    return written


def hint_at(site: Site, address: str, value: Any) -> Any:
    """Declaration of the field that ``value`` would be set at.

    Raises
    ------
    InputError
        For an address that no declaration knows, or that is no single value.
    """
    found = _look_up(site, dict(site.written), address, keys_of(address), value)
    if isinstance(found, Problem):
        raise InputError([found])
    return found


def _plain(value: Any, hint: Any = None) -> Any:
    """A value as a site file would hold it; numbers of numpy become Python's, '1, 2, 3' a list where one is wanted."""
    if isinstance(value, str) and get_origin(declared.bare(hint)) is tuple:
        return [item.strip() for item in value.strip(" []()").split(",")]
    return plain_value(value)


def _set(node: Mapping[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    key, rest = keys[0], keys[1:]
    out = dict(node)
    if key not in out and isinstance(out.get(base_of(key)), Mapping):
        out = split(out, key, outage=rest == ["out_of_service"] and str(value) != "0")
    below = out.get(key)
    out[key] = _set(below if isinstance(below, Mapping) else {}, rest, value) if rest else value
    return out


def _look_up(site: Site, written: Mapping[str, Any], address: str, keys: list[str], value: Any) -> Any:
    """Declaration of the field at an address, or the problem why it cannot be set to ``value``."""
    where = f"change → {address[:120]}"
    if not _ADDRESS.fullmatch(address):
        return Problem(where, "no address", "names with dots between them", "'cooling.fws.supply' is one")
    place, form = Place(Site, site), written
    for i, key in enumerate(keys):
        if (
            key == "use"
            and i == len(keys) - 1
            and declared.families(keys[:-1])
            and (keys[0] != "racks" or i > 2)
        ):
            return (
                str
                if isinstance(value, str)
                else Problem(where, said(value), "the name of a datasheet", "see 'twin show'")
            )
        found = _step(place, key, form)
        if isinstance(found, Problem):
            return Problem(where, found.found, found.allowed, found.remedy)
        if found is None:
            return _unknown(site, where, keys, i, place)
        place = found
        below = form.get(key, form.get(base_of(key)))
        form = below if isinstance(below, Mapping) else {}
    if declared.parts(place) or get_origin(declared.bare(place.hint)) is dict:
        names = declared.names_in(place) or ["…"]
        return Problem(
            where,
            "not a single value",
            "the address of one value",
            f"one below it, such as '{address}.{names[0]}'",
        )
    if isinstance(_plain(value), str | int | float | bool | list | tuple | None):
        return place.hint
    return Problem(where, said(value), "one value as a site file would hold it", "'34 degC', 12 or yes")


def _step(place: Place, key: str, form: Mapping[str, Any]) -> Place | Problem | None:
    """One key further on the way to an address: where it leads, what is wrong, or None where nothing stands there."""
    found = declared.below(place, key)
    if found is None:
        return None
    fields = {name for cls in declared.parts(place) for name in declared.hints(cls)}
    if key in fields or found.node is not None or not (declared.parts(found) or declared.parts(place)):
        return found
    base = base_of(key)
    group = declared.below(place, base)
    count = member_count(form, base)
    if base == key or group is None or count == 0:
        return None
    if base in fields or not isinstance(group.node, Group | Racks | None):
        remedy = f"'{base}.out_of_service' where units are out"
        return Problem("", f"'{base}' is not split into members", "the group as a whole", remedy)
    number = key.rpartition(".")[2]
    if group.node is None or not 1 <= int(number) <= count:
        remedy = f"raise '{base}.count' first, or take a lower number"
        return Problem("", f"no member {number} of '{base}'", f"1 to {count}", remedy)
    return group


def _unknown(site: Site, where: str, keys: list[str], i: int, place: Place) -> Problem:
    """An address that leads nowhere, with the nearest that lead somewhere."""
    wanted, head = ".".join(keys), ".".join(keys[:i])
    names = declared.names_in(place)
    if keys[i] in _NO_CHANGE:
        return Problem(where, "cannot be changed", _NO_CHANGE[keys[i]], f"'{head}.use'")
    known = [entry.address for entry in addresses(site)]
    near = [f"{head}.{name}".lstrip(".") for name in get_close_matches(keys[i], names, n=2, cutoff=0.6)]
    rest = ".".join(keys[i + 1 :])
    whole = [found for found in (f"{name}.{rest}" if rest else name for name in near) if found in known]
    ending = [name for name in known if name.endswith(f".{wanted}")] if i == 0 else []
    inside = [name for name in known if name.startswith(f"{head}.")] if head else known
    found = (
        whole
        or near
        or ending[:2]
        or get_close_matches(wanted, inside, n=2, cutoff=0.6)
        or get_close_matches(wanted, known, n=2, cutoff=0.7)
    )
    if not names:
        return Problem(
            where, f"nothing lies below '{head}'", "the address of one value", f"did you mean '{head}'?"
        )
    if found:
        remedy = "did you mean " + " or ".join(f"'{name}'" for name in found[:2]) + "?"
    else:
        remedy = f"'twin show addresses {site.name} {keys[-1]}' searches them"
    listed = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
    return Problem(
        where,
        f"no address of this site: nothing is called '{keys[i]}' {f'in {head}' if head else 'at the top'}",
        listed,
        remedy,
    )
