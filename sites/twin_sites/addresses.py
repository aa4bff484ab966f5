"""Every number of a site by its address: value, unit, bounds, label and source."""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from twin_models.fields import Choice, Quantity
from twin_sites import units
from twin_sites.catalogue import Origin
from twin_sites.schema import Site, SetPoint, SetPointQuantity

_HIDDEN = {"name", "kind", "ports", "expect"}


class Address(NamedTuple):
    """One field of one element."""

    address: str
    value: Any
    quantity: Quantity | None
    label: str
    options: tuple[str, ...]
    origin: Origin

    def text(self, system: str = "si") -> str:
        """Value as a person reads it."""
        return value_text(self.value, self.quantity, system)

    def bounds(self, system: str = "si") -> str:
        """Allowed values as a person reads them."""
        if self.options:
            return " | ".join(self.options)
        return units.bounds_text(self.quantity, system) if self.quantity else ""


def value_text(value: Any, quantity: Quantity | None, system: str = "si") -> str:
    """Any field value as text."""
    if value is None:
        return "—"
    if isinstance(value, SetPoint):
        if value.base:
            return f"{value.base} {'-' if value.value < 0 else '+'} {units.text(abs(value.value), Quantity('K', '', difference=True), system)}"
        return units.text(value.value, quantity or Quantity("degC", ""), system)
    if quantity is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if quantity.unit == "count" else units.text(float(value), quantity, system)
    return "yes" if value is True else "no" if value is False else str(value)


def addresses(site: Site) -> list[Address]:
    """All addresses of a site, in the order of the site file."""
    return list(_walk(site, "", site))


def address(site: Site, wanted: str) -> Address | None:
    """One address of a site, or None."""
    return next((entry for entry in addresses(site) if entry.address == wanted), None)


def _hints(cls: type) -> dict[str, Any]:
    cached = _HINTS.get(cls)
    if cached is None:
        _HINTS[cls] = cached = get_type_hints(cls, include_extras=True)
    return cached


_HINTS: dict[type, dict[str, Any]] = {}


def _walk(node: Any, path: str, site: Site) -> Iterator[Address]:
    if isinstance(node, BaseModel):
        names = list(type(node).model_fields)
        extra = node.__pydantic_extra__ or {}
    elif dataclasses.is_dataclass(node):
        names, extra = [f.name for f in dataclasses.fields(node)], {}
    else:
        return
    hints = _hints(type(node))
    for name in names:
        if name in _HIDDEN or name.startswith("_"):
            continue
        value, below = getattr(node, name), f"{path}.{name}" if path else name
        if isinstance(value, dict):
            inner = get_args(_bare(hints[name]))[1] if get_args(_bare(hints[name])) else Any
            for key, item in value.items():
                if isinstance(item, BaseModel) or dataclasses.is_dataclass(item):
                    yield from _walk(item, f"{below}.{key}", site)
                else:
                    yield _entry(f"{below}.{key}", item, inner, site)
        elif isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
            yield from _walk(value, below, site)
        else:
            yield _entry(below, value, hints[name], site)
    for key, item in extra.items():
        yield from _walk(item, f"{path}.{key}", site)


def _bare(hint: Any) -> Any:
    while hasattr(hint, "__metadata__"):
        hint = get_args(hint)[0]
    return hint


def _entry(where: str, value: Any, hint: Any, site: Site) -> Address:
    metadata = getattr(hint, "__metadata__", ())
    quantity = next((item for item in metadata if isinstance(item, Quantity)), None)
    choice = next((item for item in metadata if isinstance(item, Choice)), None)
    label = quantity.label if quantity else choice.label if choice else where.rsplit(".", 1)[-1].replace("_", " ").capitalize()
    bare = _bare(hint)
    options = tuple(str(option) for option in get_args(bare)) if get_origin(bare) is not None and "Literal" in str(get_origin(bare)) else ()
    if bare is bool:
        options = ("yes", "no")
    return Address(where, value, quantity, label, options, origin(site, where))


def origin(site: Site, where: str) -> Origin:
    """Source of a number: noted at its own address, or at the nearest element above it."""
    keys = where.split(".")
    for end in range(len(keys), 1, -1):
        found = site.sources.get(".".join(keys[:end]))
        if found is not None:
            return found
    return Origin("site file or default", "estimate", "")


def field_names(where: str) -> list[str]:
    """Names that may stand at the place of an unknown key: those of the nearest part that is known."""
    from twin_sites import schema

    keys = where.split(".")
    part: Any = schema.Site
    if keys[0] == "cooling" and len(keys) == 3:
        part = schema.Loop
    elif keys[0] in ("hall", "rooms") and len(keys) == (2 if keys[0] == "hall" else 3):
        part = schema.Room
    elif keys[0] == "racks" and len(keys) == 3:
        part = schema.Racks
    elif len(keys) == 2 and keys[0] in schema.Site.model_fields:
        part = _bare(schema.Site.model_fields[keys[0]].annotation)
    elif len(keys) > 1:
        links = (schema.Cdus, schema.Exchangers, schema.Chillers, schema.DryCoolers, schema.CoolingTowers, schema.AirHandlers)
        feeders = (schema.Utility, schema.Transformers, schema.UpsModules, schema.Pdus)
        names: set[str] = set()
        for cls in feeders if keys[0] == "power" else links:
            names |= {f.name for f in dataclasses.fields(cls)}
        return sorted(names)
    if isinstance(part, type) and issubclass(part, BaseModel):
        return sorted(part.model_fields)
    return sorted(f.name for f in dataclasses.fields(part)) if dataclasses.is_dataclass(part) else []


__all__ = ["Address", "SetPointQuantity", "address", "addresses", "field_names", "origin", "value_text"]
