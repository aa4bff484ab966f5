"""The JSON Schema describes the written form: what loads passes it, and unknown keys do not."""

import copy
import json
from typing import Any

import pytest
from twin_sites import schema as parts
from twin_sites.declared import Place, names_in
from twin_sites.json_schema import json_schema
from twin_sites.loader import load_site, sites

SCHEMA = json_schema()
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None),
}  # fmt: skip


def fits(value: Any, rule: dict[str, Any]) -> bool:
    """The part of JSON Schema that is used here."""
    if "$ref" in rule:
        return fits(value, SCHEMA["$defs"][rule["$ref"].rpartition("/")[2]])
    if any(word in rule and not any(fits(value, one) for one in rule[word]) for word in ("anyOf", "oneOf")):
        return False
    kinds = rule.get("type", list(TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(
        isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
        for kind in kinds
    ):
        return False
    if value not in rule.get("enum", [value]) or rule.get("const", value) != value:
        return False
    if not isinstance(value, dict):
        return True
    if set(rule.get("required", ())) - set(value) or len(value) < rule.get("minProperties", 0):
        return False
    known = rule.get("properties", {})
    more = rule.get("additionalProperties", True)
    return all(
        fits(item, known[key])
        if key in known
        else more is True or (isinstance(more, dict) and fits(item, more))
        for key, item in value.items()
    )


@pytest.mark.parametrize("name", sites())
def test_reference_sites_pass(name: str) -> None:
    assert fits(json.loads(json.dumps(dict(load_site(name).written))), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("huose", {}),
        ("cooling/fws/suply", "3 degC"),
        ("cooling/fws/supply", 3),
        ("cooling/fws/pump/effciency", 0.7),
        ("cooling/tcs/cdu/kind", "cd"),
        ("racks/compute/use", "x"),
        ("racks/compute/system", 5),
        ("power/ups/running", "some"),
        ("hall/crac", 5),
        ("name", None),
    ],
)
def test_what_is_wrong_fails(path: str, value: Any) -> None:
    form = copy.deepcopy(dict(load_site("gb300-10mw").written))
    *way, last = path.split("/")
    node: Any = form
    for key in way:
        node = node[key]
    node[last] = value
    assert not fits(form, SCHEMA)


def test_loops_take_links_and_nothing_else() -> None:
    loop, room = SCHEMA["$defs"]["Loop"], SCHEMA["$defs"]["Room"]
    kinds = {rule["$ref"].rpartition("/")[2] for rule in loop["additionalProperties"]["anyOf"]}
    assert kinds == {
        "Cdus",
        "Exchangers",
        "Chillers",
        "DryCoolers",
        "CoolingTowers",
        "AirHandlers",
        "RearDoors",
        "Tanks",
        "LiquidToAirCdus",
        "Condensers",
        "HeatCustomers",
    }
    assert kinds >= {rule["$ref"].rpartition("/")[2] for rule in room["additionalProperties"]["anyOf"]}
    assert loop["required"] == ["supply"]
    for name, part in SCHEMA["$defs"].items():
        if name not in ("Loop", "Room"):
            assert part["additionalProperties"] is False, name


def test_every_reference_leads_somewhere_and_every_field_is_there() -> None:
    text = json.dumps(SCHEMA)
    for ref in {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}:
        assert ref in SCHEMA["$defs"]
    assert SCHEMA["$schema"].startswith("https://json-schema.org/draft/2020-12")
    for part in (parts.Loop, parts.Room, parts.Racks, parts.Cdus, parts.Chillers, parts.House):
        assert set(SCHEMA["$defs"][part.__name__]["properties"]) >= set(names_in(Place(part, None)))
    supply = SCHEMA["$defs"]["Loop"]["properties"]["supply"]
    assert (supply["x-unit"], supply["x-low"], supply["x-high"]) == ("degC", 5.0, 60.0)
