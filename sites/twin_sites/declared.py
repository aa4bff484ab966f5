"""What the declarations say about a place in a site: which fields stand there, of what kind, from which datasheets.

A place is a list of keys. Members of a split group keep their number in the key: ``["cooling", "tcs", "cdu.2"]``.
"""

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from twin_models.fields import Choice, Quantity

from twin_sites import schema

HIDDEN = ("kind", "ports", "expect")  # fields that no address names
FAMILY_AT = {  # families of the datasheets that a part of this name may use
    "accelerator": "accelerator",
    "cold_plate": "cold_plate",
    "shelf": "power_shelf",
    "node_converter": "power_shelf",
    "heat_exchanger": "heat_exchanger",
    "pump": "pump",
    "manifold": "manifold",
    "work": "work",
    "storage": "thermal_storage",
}
FEEDERS = ("utility", "transformer", "ups", "pdu")
LIQUID_LINKS = (
    "cdu",
    "immersion",
    "liquid_to_air",
    "two_phase",
    "heat_reuse",
    "heat_exchanger",
    "chiller",
    "dry_cooler",
    "cooling_tower",
)
ROOM_LINKS = ("air_handler", "rear_door")
ACRONYMS = {"ua": "UA", "cop": "COP", "eir": "EIR", "pue": "PUE", "ups": "UPS", "it": "IT", "tdp": "TDP"}


class Place(NamedTuple):
    """A declaration and what a site has there."""

    hint: Any
    node: Any


def keys_of(address: str) -> list[str]:
    """Keys of an address; a number belongs to the name before it."""
    keys: list[str] = []
    for key in address.split("."):
        if key.isdigit() and keys:
            keys[-1] += f".{key}"
        else:
            keys.append(key)
    return keys


def base_of(name: str) -> str:
    """Name of the group that a member such as ``cdu.2`` was split off."""
    head, _, number = name.rpartition(".")
    return head if number.isdigit() else name


def numbers_of(name: str, counts: Mapping[str, int]) -> list[int]:
    """Numbers of a group's units as addresses count them: what was split off keeps its own number.

    ``counts`` are the units of every group, by name.
    """
    base = base_of(name)
    if base != name:
        return [int(name.rpartition(".")[2])]
    apart = {int(other.rpartition(".")[2]) for other in counts if other != name and base_of(other) == base}
    top = counts[name] + len(apart)
    return [number for number in range(1, top + 1) if number not in apart][: counts[name]]


@lru_cache(maxsize=256)
def hints(cls: Any) -> dict[str, Any]:
    """Fields of a part and their annotations, those of the program's own use left out."""
    names = cls.model_fields if issubclass(cls, BaseModel) else [f.name for f in dataclasses.fields(cls)]
    found = get_type_hints(cls, include_extras=True)
    return {name: found[name] for name in names if name not in HIDDEN}


def bare(hint: Any) -> Any:
    """Annotation without its metadata and without ``None``."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        kept = [item for item in get_args(hint) if item is not NoneType]
        if len(kept) == 1:
            return bare(kept[0])
    return hint


def is_part(cls: Any) -> bool:
    """Whether an annotation is a part that has fields of its own."""
    return isinstance(cls, type) and (issubclass(cls, BaseModel) or dataclasses.is_dataclass(cls))


def parts(place: Place) -> tuple[type, ...]:
    """Parts that may stand at a place: one, or one for each kind while the kind is not known."""
    hint = bare(place.hint)
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    found = tuple(option for option in options if is_part(option))
    kind = _item(place.node, "kind")
    return tuple(cls for cls in found if kind_of(cls) == kind) or found


@lru_cache(maxsize=256)
def kind_of(cls: type) -> str:
    """Kind of a link or feeder; empty where a part has none."""
    field = getattr(cls, "__dataclass_fields__", {}).get("kind")
    return str(field.default) if field is not None else ""


def below(place: Place, key: str) -> Place | None:
    """The place one key further, or None where the declarations know no such key."""
    node = _item(place.node, key)
    hint = bare(place.hint)
    if get_origin(hint) is dict:
        return Place(get_args(hint)[1], node)
    for cls in parts(place):
        if key in hints(cls):
            return Place(hints(cls)[key], node)
        if cls is schema.Loop:
            return Place(schema.Link, node)
        if cls is schema.Room:
            return Place(schema.RoomLink, node)
    return None


def descend(node: Any, keys: list[str]) -> list[Place]:
    """Places on the way along keys, the site first; shorter than the keys where they leave the declarations."""
    places = [Place(schema.Site, node)]
    for key in keys:
        found = below(places[-1], key)
        if found is None:
            break
        places.append(found)
    return places


def names_in(place: Place) -> list[str]:
    """Keys that may follow: declared fields, and the elements that a collection holds."""
    names = {name for cls in parts(place) for name in hints(cls)}
    if get_origin(bare(place.hint)) is dict and isinstance(place.node, Mapping):
        names |= {str(key) for key in place.node}
    extra = getattr(place.node, "__pydantic_extra__", None)
    return sorted(names | set(extra or ()))


def families(keys: list[str], kind: str = "") -> tuple[str, ...]:
    """Families of datasheets that the part at ``keys`` may use; empty where it uses none."""
    if len(keys) == 2:
        if keys[0] == "racks":
            return ("rack",)
        if keys[0] == "power":
            return (kind,) if kind in FEEDERS else FEEDERS[1:]
        if keys[0] == "hall":
            return (kind,) if kind in ROOM_LINKS else ROOM_LINKS
        return ()
    if not keys or keys[0] not in ("racks", "cooling", "rooms"):
        return ()
    if keys[-1] in FAMILY_AT and (
        keys[0] != "cooling" or keys[-1] in ("pump", "manifold", "storage") or len(keys) > 3
    ):
        return (FAMILY_AT[keys[-1]],)
    if len(keys) == 3 and keys[0] == "rooms":
        return (kind,) if kind in ROOM_LINKS else ROOM_LINKS
    if len(keys) == 3 and keys[0] == "cooling":
        return (kind,) if kind in LIQUID_LINKS else LIQUID_LINKS
    return ()


def likely(name: str, fitting: tuple[str, ...]) -> tuple[str, ...]:
    """Families that the name of an element points at, such as ``tower``; all that fit where it points at none."""
    word = "exchanger" if base_of(name) == "economiser" else base_of(name)
    return tuple(family for family in fitting if word in family or family in word) or fitting


def quantity_of(hint: Any) -> Quantity | None:
    """Declaration of a number, where the field is one."""
    return next((item for item in getattr(hint, "__metadata__", ()) if isinstance(item, Quantity)), None)


def label_of(name: str, hint: Any) -> str:
    """What a person calls a field: its declared label, or its name in words."""
    for item in getattr(hint, "__metadata__", ()):
        if isinstance(item, Quantity | Choice) and item.label:
            return item.label
    words = [ACRONYMS.get(word, word) for word in base_of(name).split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def options_of(hint: Any) -> tuple[str, ...]:
    """Words that a field is chosen from."""
    plain = bare(hint)
    if plain is bool:
        return ("yes", "no")
    return tuple(str(option) for option in get_args(plain)) if get_origin(plain) is Literal else ()


def _item(node: Any, key: str) -> Any:
    if isinstance(node, Mapping):
        return node.get(key)
    if key == "kind" or not isinstance(node, BaseModel):
        return getattr(node, key, None)
    return (
        getattr(node, key, None)
        if key in type(node).model_fields
        else (node.__pydantic_extra__ or {}).get(key)
    )
