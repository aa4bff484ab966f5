"""JSON Schema of a site file, for editors: what may be written where, with units, bounds and labels."""

from typing import Any

from twin_sites.schema import Site

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OWN = (
    "Site",
    "Location",
    "LoadChoice",
    "House",
    "Economy",
    "Meter",
    "Expectation",
    "Loop",
    "Room",
)  # of the site file
WITHOUT_USE = (
    *OWN,
    "Racks",
    "Utility",
    "Part",
    "Fans",
    "LiquidLoop",
    "AirSink",
    "AdiabaticPads",
)  # no datasheets of theirs
_SOURCED = {
    "type": "object",
    "description": "A value that says where it is from.",
    "required": ["value"],
    "properties": {
        "value": {},
        "source": {"type": "string"},
        "confidence": {"enum": ["published", "vendor", "measured", "estimate", "calibrated"]},
        "reason": {"type": "string"},
    },
    "additionalProperties": False,
}


def json_schema() -> dict[str, Any]:
    """Schema of the written form: datasheets may fill required fields, a leaf may name its source."""
    found = Site.model_json_schema()
    parts: dict[str, Any] = found.pop("$defs")
    parts = {name: _part(name, part) for name, part in parts.items()}
    return {
        "$schema": DIALECT,
        "title": "Site",
        **_part("Site", found),
        "$defs": parts | {"Sourced": _SOURCED},
    }


def _part(name: str, part: dict[str, Any]) -> dict[str, Any]:
    if "properties" not in part:
        return part
    out = dict(part)
    out["properties"] = {key: _field(value) for key, value in part["properties"].items()}
    if name not in OWN:  # the numbers may come from a datasheet, of this part or of the one around it
        out.pop("required", None)
    if name not in WITHOUT_USE:
        out["properties"]["use"] = {"type": "string", "title": "Datasheet"}
    if isinstance(out.get("additionalProperties"), dict):
        out["additionalProperties"] = _open_kind(out["additionalProperties"])
    return out


def _field(value: dict[str, Any]) -> dict[str, Any]:
    """A number, word or switch may be written plainly or with its source; ``None`` is never written."""
    value = {key: item for key, item in value.items() if key != "default" or item is not None}
    inner = value.get("additionalProperties")
    if isinstance(inner, dict):
        return {
            **value,
            "additionalProperties": _field(inner)
            if "$ref" not in inner and "oneOf" not in inner
            else _open_kind(inner),
        }
    unit = value.get("x-unit", "1")
    if unit == "count":
        value["type"] = ["integer", "string"]
    elif unit != "1" and isinstance(value.get("default"), float):
        value["default"] = f"{value['default']:.12g} {unit}"  # as it would be written
    if "$ref" in value or "anyOf" in value or "oneOf" in value or value.get("type") == "object":
        return value
    about = {key: value.pop(key) for key in ("title", "description", "default") if key in value}
    return (
        about
        | {key: item for key, item in value.items() if key.startswith("x-")}
        | {
            "anyOf": [
                {key: item for key, item in value.items() if not key.startswith("x-")},
                {"$ref": "#/$defs/Sourced"},
            ]
        }
    )


def _open_kind(union: dict[str, Any]) -> dict[str, Any]:
    """A link or feeder: of one of these kinds, which its datasheet may tell instead of the file."""
    if "oneOf" not in union:
        return union
    return {"anyOf": union["oneOf"]}
