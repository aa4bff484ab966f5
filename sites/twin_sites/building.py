"""From the written form to a validated site: datasheets inlined, types and bounds, references between elements."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from twin_models.fields import Quantity

from twin_sites import catalogue, declared, units
from twin_sites.catalogue import Datasheet, Origin
from twin_sites.checks import check
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.members import spread_feeds
from twin_sites.problems import problems_of, said
from twin_sites.schema import SetPoint, SetPointQuantity, Site

_P = TypeVar("_P")
_RELATIVE = re.compile(r"^([A-Za-z_][\w-]*)\s*([+-])\s*(\S.*)$")
_RELATIVE_BOUNDS = Quantity("K", "Approach", low=-30.0, high=40.0, bound_source="estimate", difference=True)
_POINTERS = {
    "racks": "system"
}  # racks name their datasheet in a field of their own, so that a study can vary it
WHAT_IF = Origin("what-if", "stated")


def build(
    written: dict[str, Any],
    where: str,
    lines: Mapping[tuple[str, ...], int] | None = None,
    changed: Iterable[str] = (),
) -> Site:
    """Site of a written form; ``lines`` and ``changed`` say where its problems come from.

    Raises
    ------
    InputError
        With every problem of the form at once.
    """
    origins: dict[str, Origin] = {}
    products: dict[str, str] = {}
    problems: list[Problem] = []
    place = _Where(where, lines or {}, frozenset(changed))
    data = spread_feeds(
        _inline(catalogue.strip_origins(written, origins, None), [], origins, products, problems)
    )
    site = None
    try:
        site = Site.model_validate(data, context=_read)
    except ValidationError as error:
        blamed = [problem.where.rpartition(".")[0] for problem in problems]
        problems += [
            p for p in problems_of(error, data) if not any(p.where.startswith(part) for part in blamed)
        ]
    if site is not None and not problems:
        site._sources.update(origins | dict.fromkeys(place.changed, WHAT_IF))
        site._products.update(products)
        site._written.update(written)
        problems = check(site)
    if problems or site is None:
        raise InputError(list(dict.fromkeys(place(problem) for problem in problems)))
    return site


class _Where:
    """Puts the file, the line or the change in front of an address."""

    def __init__(self, name: str, lines: Mapping[tuple[str, ...], int], changed: frozenset[str]) -> None:
        self.name, self.lines, self.changed = name, lines, changed

    def __call__(self, problem: Problem) -> Problem:
        address = problem.where
        place = self.name
        if any(address == one or address.startswith(f"{one}.") for one in self.changed):
            place = "change"
        for keys in (declared.keys_of(address), address.split(".")):
            while keys and tuple(keys) not in self.lines:
                keys = keys[:-1]
            if keys:
                place = f"{self.name} line {self.lines[tuple(keys)]}"
                break
        where = f"{place} → {address}" if address and not place.startswith("change →") else place
        return Problem(where, problem.found, problem.allowed, problem.remedy)


def _read(value: Any, quantity: Quantity) -> Any:
    """How the typed form reads a declared field: the four parts of a fault are handed through."""
    try:
        if isinstance(quantity, SetPointQuantity):
            return read_set_point(value, quantity)
        if quantity.unit == "count":
            return _whole(value, quantity)
        if value is None:
            return value
        if isinstance(value, list | tuple):
            return tuple(units.read(item, quantity) for item in value)
        return units.read(value, quantity)
    except units.UnitError as error:
        raise PydanticCustomError(
            "quantity", "{found}", {"found": error.found, "allowed": error.allowed, "remedy": error.remedy}
        ) from error


def _whole(value: Any, quantity: Quantity) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        allowed = f"a whole number, {units.allowed_text(quantity)}"
        raise units.UnitError(said(value), allowed, "write a whole number such as 12")
    if (quantity.low is not None and value < quantity.low) or (
        quantity.high is not None and value > quantity.high
    ):
        found = str(value) if abs(value) < 10**15 else "a far larger number"
        raise units.UnitError(
            found, f"a whole number, {units.allowed_text(quantity)}", "a number in that range"
        )
    return value


def read_set_point(value: Any, quantity: Quantity) -> SetPoint:
    """A set point as it is written: ``30 degC``, ``fws + 4 K``."""
    match = _RELATIVE.match(value.strip()) if isinstance(value, str) and len(value) < 100 else None
    if match is None:
        return SetPoint("", units.read(value, quantity))
    base, sign, offset = match.groups()
    return SetPoint(base, units.read(f"{'-' if sign == '-' else ''}{offset}", _RELATIVE_BOUNDS))


def _inline(
    node: Any, keys: list[str], origins: dict[str, Origin], products: dict[str, str], problems: list[Problem]
) -> Any:
    """Replace ``use: product`` by the product's numbers; keys written beside it win."""
    values: dict[str, Any] = dict(node)
    pointer = _POINTERS.get(keys[0], "use") if len(keys) == 2 else "use"
    slug = values.get(pointer)
    if slug is not None and keys:
        path = ".".join(keys)
        sheet = _sheet(keys, pointer, slug, values.get("kind"), problems)
        if pointer == "use":
            del values["use"]
        if sheet is not None:
            products.setdefault(path, sheet.name)
            stated = set(catalogue.leaf_paths(values))
            replaced = tuple(
                f"{key}." for key, value in values.items() if isinstance(value, Mapping) and "use" in value
            )
            for below, origin in sheet.leaves:
                if below not in stated and not below.startswith(replaced):
                    origins.setdefault(f"{path}.{below}", origin)
            kinds = {} if "kind" not in sheet.values or not _has_kind(keys) else {"kind": sheet.family}
            values = _merge({k: v for k, v in sheet.values.items() if k != "kind"} | kinds, values)
    return {
        key: _inline(value, [*keys, key], origins, products, problems)
        if isinstance(value, Mapping)
        else value
        for key, value in values.items()
    }


def _has_kind(keys: list[str]) -> bool:
    """Links and feeders say their kind; racks, pumps and inner parts do not."""
    if keys[0] == "power":
        return len(keys) == 2
    return keys[-1] not in ("pump", "manifold") and (
        (len(keys) == 2 and keys[0] == "hall") or (len(keys) == 3 and keys[0] in ("cooling", "rooms"))
    )


def _sheet(keys: list[str], pointer: str, slug: Any, kind: Any, problems: list[Problem]) -> Datasheet | None:
    """Datasheet that a part names, of a family that fits the part."""
    where = ".".join([*keys, pointer])
    fitting = declared.families(keys, str(kind) if kind is not None else "")
    if not fitting:
        problems.append(
            Problem(
                where,
                f"a datasheet {said(slug)}",
                "no datasheet: there is none for this part",
                "write its keys out",
            )
        )
        return None
    near = declared.likely(keys[-1], fitting)
    shown = [name for name, family in catalogue.FAMILIES.items() if family in near]
    allowed = "a name that " + " or ".join(f"'twin show {name}'" for name in shown) + " lists"
    try:
        sheet = catalogue.datasheet(str(slug))
    except InputError as error:
        known = [name for family in near for name in catalogue.names(family)]
        found = (
            f"{said(slug)} is no datasheet"
            if str(slug) not in catalogue.index()
            else f"{said(slug)}: {error.problems[0]}"
        )
        problems.append(Problem(where, found, allowed, did_you_mean(str(slug), known)))
        return None
    if sheet.family not in fitting:
        known = [name for family in near for name in catalogue.names(family)]
        family = sheet.family.upper() if len(sheet.family) == 3 else sheet.family.replace("_", " ")
        found = f"{said(slug)} is a datasheet of another kind ({family})"
        problems.append(Problem(where, found, allowed, did_you_mean(str(slug), known)))
        return None
    return sheet


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        out[key] = (
            _merge(old, value)
            if isinstance(old, Mapping) and isinstance(value, Mapping) and "use" not in value
            else value
        )
    return out


def product(slug: str, cls: type[_P], keys: list[str]) -> _P:
    """Parameters of a datasheet, as the part at ``keys`` of a site would have them.

    Raises
    ------
    InputError
        When there is no such datasheet or it does not fit that part.
    """
    problems: list[Problem] = []
    pointer = _POINTERS.get(keys[0], "use") if len(keys) == 2 else "use"
    values = _inline({pointer: slug}, keys, {}, {}, problems)
    if problems:
        raise InputError(problems)
    return read_typed(values, cls)


def read_typed(written: Mapping[str, Any], cls: type[_P]) -> _P:
    """Declared parameters from text with units.

    Raises
    ------
    InputError
        With every value that cannot be read.
    """
    try:
        return TypeAdapter(cls).validate_python(dict(written), context=_read)
    except ValidationError as error:
        raise InputError(problems_of(error, written)) from None
