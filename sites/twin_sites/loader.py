"""From YAML text to a validated site, and from a site and some changes to another site.

Order: the written form → changes → datasheets inlined → types and bounds → references between elements. A what-if is
always a mapping from address to value; all changes apply together to the written form and are validated once.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from twin_models.fields import Quantity
from twin_sites import catalogue, units
from twin_sites.catalogue import Origin
from twin_sites.checks import check
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.schema import AMBIENT_BASES, SetPoint, SetPointQuantity, Site
from twin_sites.yaml_files import read_yaml

_RELATIVE = re.compile(r"^([A-Za-z_][\w-]*)\s*([+-])\s*(\S.*)$")
_RELATIVE_BOUNDS = Quantity("K", "Approach", low=-30.0, high=40.0, bound_source="estimate", difference=True)
_SITE_ONLY = {"racks": "system"}  # racks name their datasheet in a field of their own, so that a study can vary it


def sites() -> list[str]:
    """Names of the reference sites."""
    return sorted(f.name.removesuffix(".yaml") for f in files("twin_sites").joinpath("reference").iterdir() if f.name.endswith(".yaml"))


def load_site(source: str | Path | Mapping[str, Any]) -> Site:
    """Read a site.

    Parameters
    ----------
    source
        Name of a reference site, path of a YAML file, or the written form as a mapping.

    Returns
    -------
    Site
        Frozen and validated.

    Raises
    ------
    InputError
        With every problem of the file at once.
    """
    if isinstance(source, Mapping):
        return _build(dict(source), str(source.get("name", "site")), {})
    text = str(source)
    if text in sites():
        return _reference(text)
    path = Path(source)
    where = path.name
    try:
        if path.is_dir() or not path.exists():
            known = did_you_mean(text, sites())
            raise InputError([Problem(text, "neither a file nor a reference site", "a YAML file or a name of 'twin show sites'", known)])
        if path.stat().st_size > 4 * 2_000_000:
            raise InputError([Problem(where, f"{path.stat().st_size / 1e6:.0f} MB", "at most 2 MB", "is this a site file?")])
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError([Problem(where, f"cannot be read: {error}", "a readable UTF-8 text file")]) from error
    raw, lines = read_yaml(content, where)
    return _build(raw, where, lines)


@lru_cache(maxsize=32)
def _reference(name: str) -> Site:
    raw, lines = read_yaml(files("twin_sites").joinpath("reference", f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")
    return _build(raw, f"{name}.yaml", lines)


def change_site(site: Site, changes: Mapping[str, Any]) -> Site:
    """The site with some addresses set to other values.

    Parameters
    ----------
    site
        Where to start.
    changes
        Address to value as it would be written in a site file: ``{"cooling.fws.supply": "95 degF"}``.

    Raises
    ------
    InputError
        For an address that does not exist or a site that would not be valid.
    """
    if not changes:
        return site
    written: dict[str, Any] = dict(site.written)
    problems: list[Problem] = []
    for address, value in changes.items():
        try:
            written = _set(written, str(address).split("."), value, str(address), site)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return _build(written, site.name, {}, changed=set(changes))


def _set(node: Mapping[str, Any], keys: list[str], value: Any, address: str, site: Site) -> dict[str, Any]:
    """Copy of a mapping with one value set; a member such as ``cdu.2`` is split off its group."""
    out = dict(node)
    head, rest = keys[0], keys[1:]
    member = f"{head}.{rest[0]}" if rest and rest[0].isdigit() else ""
    if member and member not in out:
        out = _split(out, head, int(rest[0]), address, site)
    if member:
        head, rest = member, rest[1:]
    if not rest:
        if isinstance(value, Mapping) or member:
            raise InputError([Problem(address, "not a single value", "an address of one value", "see 'twin show addresses'")])
        out[head] = value
    else:
        below = out.get(head, {})
        if below is None or isinstance(below, Mapping):
            out[head] = _set(below or {}, rest, value, address, site)
        elif rest:
            raise InputError([Problem(address, f"nothing lies below '{head}'", "an address that exists", "see 'twin show addresses'")])
    return out


def _split(group_of: dict[str, Any], name: str, member: int, address: str, site: Site) -> dict[str, Any]:
    group = group_of.get(name)
    count = group.get("count", 1) if isinstance(group, Mapping) else 0
    left = count - sum(1 for key in group_of if key.rsplit(".", 1)[0] == name and key != name)
    if not isinstance(count, int) or not 1 <= member <= count + (count - left) or not isinstance(group, Mapping):
        raise InputError([Problem(address, f"no member {member} of '{name}'", f"1 to {count}" if count else "a group with a count")])
    alone = {k: v for k, v in group.items() if k not in ("spare", "out_of_service")} | {"count": 1}
    if count == 1:
        return {(f"{name}.{member}" if key == name else key): (alone if key == name else v) for key, v in group_of.items()}
    rest = {**group, "count": count - 1}
    if rest.get("spare", 0):
        rest["spare"] = rest["spare"] - 1
    out: dict[str, Any] = {}
    for key, v in group_of.items():  # the member keeps the group's place in the order of action
        out[key] = rest if key == name else v
        if key == name:
            out[f"{name}.{member}"] = alone
    return out


def _build(written: dict[str, Any], where: str, lines: Mapping[tuple[str, ...], int], changed: set[str] | None = None) -> Site:
    origins: dict[str, Origin] = {}
    products: dict[str, str] = {}
    problems: list[Problem] = []
    data = _inline(catalogue.strip_origins(written, origins, None), "", origins, products, problems)
    if problems:
        raise InputError([_at_line(problem, where, lines) for problem in problems])
    try:
        site = Site.model_validate(data, context=_read)
    except ValidationError as error:
        raise InputError([_at_line(problem, where, lines) for problem in _problems(error, data)]) from None
    site._sources.update(origins)
    site._products.update(products)
    site._written.update(written)
    faults = check(site)
    if faults:
        raise InputError([_at_line(problem, where, lines) for problem in faults])
    return site


def _read(value: Any, quantity: Quantity) -> Any:
    """How pydantic reads a declared field: hand the four parts of a fault through."""
    try:
        if isinstance(quantity, SetPointQuantity):
            return _set_point(value, quantity)
        if quantity.unit == "count":
            return _whole(value, quantity)
        if value is None or (isinstance(value, list | tuple) and quantity.unit == "1"):
            return value
        return units.read(value, quantity)
    except units.UnitError as error:
        raise PydanticCustomError(
            "quantity", "{found}", {"found": error.found, "allowed": error.allowed, "remedy": error.remedy}
        ) from error


def _whole(value: Any, quantity: Quantity) -> int:
    allowed = f"a whole number, {units.bounds_text(quantity).replace(' count', '')}"
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise units.UnitError(f"{value!r:.60}", allowed)
    if (quantity.low is not None and value < quantity.low) or (quantity.high is not None and value > quantity.high):
        raise units.UnitError(str(value), allowed)
    return value


def _set_point(value: Any, quantity: Quantity) -> SetPoint:
    match = _RELATIVE.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        return SetPoint("", units.read(value, quantity))
    base, sign, offset = match.groups()
    number = units.read(f"{'-' if sign == '-' else ''}{offset}", _RELATIVE_BOUNDS)
    return SetPoint(base, number)


def _inline(node: Any, path: str, origins: dict[str, Origin], products: dict[str, str], problems: list[Problem]) -> Any:
    """Replace ``use: product`` by the product's numbers; keys written beside it win."""
    if not isinstance(node, Mapping):
        return node
    keys = [key for key in path.split(".") if not key.isdigit()]  # a member split off its group is an element too
    pointer = "use"
    if keys[0] in _SITE_ONLY and len(keys) == 2:
        pointer = _SITE_ONLY[keys[0]]
    values: dict[str, Any] = dict(node)
    slug = values.get(pointer)
    if slug is not None:
        if pointer == "use":
            del values["use"]
        try:
            sheet = catalogue.datasheet(str(slug))
        except InputError as error:
            problems += [Problem(f"{path}.{pointer}", f"'{slug}': {p.found}", p.allowed, p.remedy) for p in error.problems]
            return values
        products.setdefault(path, sheet.name)
        for below, origin in sheet.origins.items():
            origins.setdefault(f"{path}.{below}".rstrip("."), origin)
        sheet_values = dict(sheet.values)
        element = len(keys) == 2 or (len(keys) == 3 and keys[0] in ("cooling", "rooms"))
        if not element or keys[0] == "racks" or keys[-1] == "pump":
            sheet_values.pop("kind", None)
        values = _merge(sheet_values, values)
    return {key: _inline(value, f"{path}.{key}".lstrip("."), origins, products, problems) for key, value in values.items()}


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        out[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) and "use" not in value else value
    return out


def _problems(error: ValidationError, data: Any) -> list[Problem]:
    return [_problem(dict(item), data) for item in error.errors(include_url=False)]


def _problem(item: dict[str, Any], data: Any) -> Problem:
    """One pydantic error as a problem of ours; union tags and class names are taken out of its path."""
    path: list[str] = []
    node = data
    for part in item["loc"]:
        key = str(part)
        if isinstance(node, Mapping) and key in node:
            node = node[key]
        elif isinstance(node, Mapping) and key == node.get("kind"):
            continue
        elif isinstance(node, list | tuple) and key.isdigit():
            node = node[int(key)] if int(key) < len(node) else None
        elif item["type"] != "missing" and not isinstance(node, Mapping):
            continue
        path.append(key)
    where = ".".join(path)
    context, kind, value = item.get("ctx") or {}, item["type"], item.get("input")
    if kind == "quantity":
        return Problem(where, context["found"], context["allowed"], context["remedy"])
    if kind == "missing":
        return Problem(where, "missing", "a value: this field has no default", "add it, or take a datasheet with 'use:'")
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _siblings(where)
        return Problem(where, "an unknown key", "the keys of this element", did_you_mean(path[-1], known) if known else "")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        if not isinstance(value, Mapping):
            known = _siblings(where)
            return Problem(where, f"an unknown key with the value {value!r:.40}", "a field or a link", did_you_mean(path[-1], known))
        allowed = context.get("expected_tags", "a kind of link: " + ", ".join(sorted(catalogue.FAMILIES.values())))
        return Problem(f"{where}.kind", f"{value.get('kind', 'no kind')}", allowed, "write 'kind:' or take a datasheet with 'use:'")
    if kind == "literal_error":
        return Problem(where, f"{value!r:.60}", context["expected"], did_you_mean(str(value), re.findall(r"'([^']+)'", context["expected"])))
    return Problem(where, f"{value!r:.60}", item["msg"][0].lower() + item["msg"][1:])


def _siblings(where: str) -> list[str]:
    """Field names that could stand where an unknown key stands."""
    from twin_sites.addresses import field_names

    return field_names(where)


def _at_line(problem: Problem, where: str, lines: Mapping[tuple[str, ...], int]) -> Problem:
    path = tuple(problem.where.split("."))
    while path and path not in lines:
        path = path[:-1]
    place = f"{where} line {lines[path]}" if path in lines else where
    return Problem(f"{place} → {problem.where}" if problem.where else place, problem.found, problem.allowed, problem.remedy)


__all__ = ["AMBIENT_BASES", "change_site", "load_site", "sites"]
