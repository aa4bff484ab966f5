"""Every number of a site by its address: value, unit, bounds, label and source."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from twin_models.fields import Quantity

from twin_sites import units
from twin_sites.catalogue import Origin
from twin_sites.declared import bare, hints, is_part, keys_of, label_of, options_of, quantity_of
from twin_sites.schema import SetPoint, Site

_ABOUT = ("name",)  # of the site itself: not a value to vary
STATED = Origin("site file", "stated")
DEFAULT = Origin("default of the program", "estimate")


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
    if value is None or value in ("", ()):
        return "—"
    if isinstance(value, SetPoint):
        if value.base:
            offset = units.text(abs(value.value), Quantity("K", "", difference=True), system)
            return f"{value.base} {'-' if value.value < 0 else '+'} {offset}"
        return units.text(value.value, quantity or Quantity("degC", ""), system)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value_text(item, quantity, system) for item in value)
    if isinstance(value, int | float):
        if quantity is None:
            return f"{value:g}"
        return str(value) if quantity.unit == "count" else units.text(float(value), quantity, system)
    return str(value)


def addresses(site: Site) -> list[Address]:
    """All addresses of a site, in the order of the site file."""
    return [entry for entry in _walk(site, "", site) if entry.address not in _ABOUT]


def address(site: Site, wanted: str) -> Address | None:
    """One address of a site, or None."""
    return next((entry for entry in addresses(site) if entry.address == wanted), None)


def _walk(node: Any, path: str, site: Site) -> Iterator[Address]:
    for name, hint in hints(type(node)).items():  # type: ignore[arg-type]  # a class is hashable
        value, below = getattr(node, name), f"{path}.{name}" if path else name
        if isinstance(value, dict):
            inner = get_args(bare(hint))[1]
            for key, item in value.items():
                if is_part(type(item)):
                    yield from _walk(item, f"{below}.{key}", site)
                else:
                    yield _entry(f"{below}.{key}", item, inner, _between(hint, name, key), site)
        elif is_part(type(value)):
            yield from _walk(value, below, site)
        else:
            yield _entry(below, value, hint, label_of(name, hint), site)
    extra = node.__pydantic_extra__ or {} if isinstance(node, BaseModel) else {}
    for key, item in extra.items():
        yield from _walk(item, f"{path}.{key}", site)


def _between(hint: Any, name: str, key: str) -> str:
    """Label of an entry of ``fed_by`` or ``heat_to``, which is named by a feeder or a port."""
    if name == "fed_by":
        return f"Share of its power from {key}"
    return f"Where its {key} goes" if name == "heat_to" else f"{label_of(name, hint)}: {key}"


def _entry(where: str, value: Any, hint: Any, label: str, site: Site) -> Address:
    return Address(where, value, quantity_of(hint), label, options_of(hint), origin(site, where))


def origin(site: Site, where: str) -> Origin:
    """Source of a number: a datasheet, the site file (with the source it names, if any) or a default."""
    found = site.sources.get(where)
    if found is not None:
        return found
    node: Any = site.written
    for key in keys_of(where):
        if not isinstance(node, Mapping) or key not in node:
            return DEFAULT
        node = node[key]
    return STATED


__all__ = ["DEFAULT", "STATED", "Address", "address", "addresses", "origin", "value_text"]
