"""Faults that the typed form finds, in the words of a site file: no class, no union tag, no jargon of the validator."""

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from twin_sites import units
from twin_sites.declared import (
    FEEDERS,
    bare,
    base_of,
    descend,
    families,
    hints,
    is_part,
    label_of,
    names_in,
    options_of,
    parts,
    quantity_of,
)
from twin_sites.errors import Problem, did_you_mean
from twin_sites.schema import Loop, Room

_BOOLEAN = "yes or no"
_MAPPING = "a mapping of keys to values"
_MAPPINGS = ("dict_type", "model_type", "model_attributes_type", "dataclass_type")
FITTING = "numbers of one machine that fit each other"
_PLAIN = {  # what each of the validator's complaints means to a person
    "string_type": "text",
    "bool_parsing": _BOOLEAN,
    "bool_type": _BOOLEAN,
    "float_type": "one number",
    "float_parsing": "one number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number",
    "tuple_type": "a list of numbers",
    "string_pattern_mismatch": "1 to 80 letters, digits, spaces, dots, dashes or underscores, a letter or digit first",
    "too_short": "at least one entry",
    **dict.fromkeys(_MAPPINGS, _MAPPING),
}
_REMEDIES = {
    _MAPPING: "indent its keys below it",
    "text": "put it in quotes",
    "at least one entry": "see 'twin show sites gb300-10mw' for one",
    "a list of numbers": "write it in brackets: [0.1, 0.5, 1]",
}


def problems_of(error: ValidationError, data: Any) -> list[Problem]:
    """Every fault of a validation, each with its address in the written form ``data``."""
    return list(dict.fromkeys(_problem(dict(item), data) for item in error.errors(include_url=False)))


def _problem(item: dict[str, Any], data: Any) -> Problem:
    keys = _keys(item, data)
    where = ".".join(keys)
    context, kind, value = item.get("ctx") or {}, item["type"], item.get("input")
    if kind == "quantity":
        return Problem(where, context["found"], context["allowed"], context["remedy"])
    if kind == "missing":
        return _missing(keys, data)
    if kind in ("extra_forbidden", "unexpected_keyword_argument", "no_such_attribute"):
        return unknown_key(keys, data)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _no_kind(keys, value, data)
    if kind == "value_error":
        found = f"numbers that contradict each other ({context['error']})"
        return Problem(
            where, found, FITTING, f"change one of them; 'twin show addresses SITE {where}' lists them"
        )
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        return Problem(
            where, said(value), " | ".join(words) or context["expected"], did_you_mean(str(value), words)
        )
    if kind == "too_long":
        return Problem(
            where, f"{context['actual_length']} numbers", f"{context['max_length']} numbers", "remove some"
        )
    if kind in _MAPPINGS and len(keys) > 1 and _is_link(keys, data):
        return _no_kind(keys, value, data)
    allowed = _PLAIN.get(kind, item["msg"][:1].lower() + item["msg"][1:])
    return Problem(where, said(value), allowed, _REMEDIES.get(allowed, f"write {allowed}"))


def _is_link(keys: list[str], data: Any) -> bool:
    """Whether a key stands where a loop or room has its links."""
    places = descend(data, keys[:-1])
    known = {name for cls in parts(places[-1]) for name in hints(cls)}
    return any(cls in (Loop, Room) for cls in parts(places[-1])) and keys[-1] not in known


def said(value: Any) -> str:
    """A value as it was written, at most so long."""
    if isinstance(value, Mapping):
        return _MAPPING if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "yes (a truth value)" if value else "no (a truth value)"
    if isinstance(value, int | float):
        return "a far larger number" if abs(value) >= 1e300 else f"{value:.15g}"
    text = str(value)
    return f"'{text if len(text) <= 60 else text[:57] + '…'}'"


def unknown_key(keys: list[str], data: Any) -> Problem:
    """A key that no declaration knows, with the nearest one of its own part."""
    places = descend(data, keys[:-1])
    known = [name for name in names_in(places[-1]) if name != keys[-1]] if len(places) == len(keys) else []
    allowed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "") if known else "the keys of this part"
    remedy = did_you_mean(keys[-1], known, only_near=True) or "remove it; 'twin schema' describes every key"
    if keys[-1] == "use" and "system" in known:
        remedy = "racks name their datasheet in 'system'"
    return Problem(".".join(keys), f"the unknown key '{keys[-1]}'", allowed, remedy)


def _missing(keys: list[str], data: Any) -> Problem:
    if keys[-1].isdigit():  # a list that is too short misses each of its last numbers
        places = descend(data, keys[:-1])
        needed = len(get_args(bare(places[-1].hint)))
        return Problem(".".join(keys[:-1]), "too few numbers", f"{needed} numbers", "add the others")
    places = descend(data, keys)
    hint = places[-1].hint if len(places) == len(keys) + 1 else None
    quantity, remedy = quantity_of(hint), "add it"
    if families(keys[:-1], "") and len(keys) > 2:
        remedy = (
            "add it, or take a datasheet with 'use:'"
            if keys[0] != "racks" or len(keys) > 3
            else "add it, or name a 'system:'"
        )
    label = label_of(keys[-1], hint)
    if quantity is not None:
        allowed = f"{label}, {units.allowed_text(quantity)}"
    elif hint is not None and options_of(hint):
        allowed = f"{label}: " + " | ".join(options_of(hint))
    elif hint is not None and is_part(bare(hint)):
        allowed = f"{label}, with the keys " + ", ".join(names_in(places[-1])[:8]) + ", …"
    elif get_origin(bare(hint)) is dict:
        allowed = "elements by name"
    else:
        allowed = "a value: there is no default"
    return Problem(".".join(keys), "missing", allowed, remedy)


def _no_kind(keys: list[str], value: Any, data: Any) -> Problem:
    """Neither a field nor a link or feeder of a known kind."""
    places = descend(data, keys[:-1])
    fields = names_in(places[-1])
    if not isinstance(value, Mapping):
        near = did_you_mean(base_of(keys[-1]), [name for name in fields if name != keys[-1]], only_near=True)
        near = near or f"one of {', '.join(fields)}, or indent the keys of a link below it"
        return Problem(
            ".".join(keys),
            f"the unknown key '{keys[-1]}'",
            "a field of this part, or a link with its keys",
            near,
        )
    kinds = FEEDERS if keys[0] == "power" else families(keys)
    near = did_you_mean(str(value["kind"]), kinds) if value.get("kind") is not None else ""
    if not near:
        near = (
            did_you_mean(keys[-1], fields, only_near=True) or "write 'kind:', or take a datasheet with 'use:'"
        )
    found = (
        f"the unknown kind {said(value['kind'])}"
        if value.get("kind") is not None
        else "neither 'kind' nor 'use'"
    )
    return Problem(".".join([*keys, "kind"]), found, " | ".join(kinds), near)


def _keys(item: Mapping[str, Any], data: Any) -> list[str]:
    """Keys of a fault in the written form: names of union members and functions are taken out of its path."""
    keys: list[str] = []
    node = data
    last = len(item["loc"]) - 1
    for i, part in enumerate(item["loc"]):
        key = str(part)
        if isinstance(node, Mapping):
            if key == node.get("kind") and key not in node:
                continue
            if key == "[key]" or (key not in node and not (i == last and item["type"] == "missing")):
                continue
            node = node.get(key)
        elif isinstance(node, list | tuple) and key.isdigit():
            node = node[int(key)] if int(key) < len(node) else None
        else:
            continue
        keys.append(key)
    return keys
