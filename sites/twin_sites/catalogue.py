"""Datasheets of real equipment: YAML files beside the models, found by their name.

A leaf of a datasheet or of a site file is text with a unit, or a mapping that also says where the number is from::

    rated_heat: {value: 1368 kW, source: "…", confidence: vendor}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.yaml_files import read_yaml

CONFIDENCES = ("published", "vendor", "measured", "estimate", "calibrated")
ABOUT = ("name", "source", "confidence", "reason", "notes")  # keys that say something of the sheet itself

# What a person calls each family on the command line.
FAMILIES = {
    "accelerators": "accelerator", "racks": "rack", "cold-plates": "cold_plate", "power-shelves": "power_shelf",
    "cdus": "cdu", "pumps": "pump", "exchangers": "heat_exchanger", "air-handlers": "air_handler", "rear-doors": "rear_door", "tanks": "immersion", "liquid-to-air": "liquid_to_air", "condensers": "two_phase", "manifolds": "manifold", "heat-customers": "heat_reuse", "thermal-storage": "thermal_storage",
    "dry-coolers": "dry_cooler", "towers": "cooling_tower", "chillers": "chiller",
    "transformers": "transformer", "ups": "ups", "pdus": "pdu",
    "works": "work",
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """Where a number comes from."""

    source: str
    confidence: str
    reason: str = ""


@dataclass(frozen=True)
class Datasheet:
    """One product: its numbers as written, and the origin of each by dotted path."""

    slug: str
    family: str
    name: str
    notes: str
    values: Mapping[str, Any]
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @cached_property
    def leaves(self) -> tuple[tuple[str, Origin], ...]:
        """Origin of each number that the sheet states, by dotted path."""
        return tuple((path, self.origins.get(path, self.origins[""])) for path in leaf_paths(self.values))


@lru_cache(maxsize=1)
def index() -> dict[str, Traversable]:
    found = {}
    for folder in files("twin_models").iterdir():
        if folder.is_dir():
            for file in folder.iterdir():
                if file.name.endswith(".yaml"):
                    found[file.name.removesuffix(".yaml")] = file
    return found


def names(family: str | None = None) -> list[str]:
    """Slugs of all datasheets, or of one family (folder name of ``twin_models``)."""
    return sorted(slug for slug in index() if family is None or datasheet(slug).family == family)


@lru_cache(maxsize=512)
def datasheet(slug: str) -> Datasheet:
    """Read one datasheet.

    Raises
    ------
    InputError
        When there is none of that name, or it is not a valid datasheet.
    """
    sheets = index()
    if slug not in sheets:
        raise InputError(
            [
                Problem(
                    slug[:80],
                    "no datasheet of that name",
                    "a name that 'twin show' lists",
                    did_you_mean(slug, sheets),
                )
            ]
        )
    raw, _ = read_yaml(sheets[slug].read_text(encoding="utf-8"), f"{slug}.yaml")
    default = Origin(str(raw.get("source", "")), str(raw.get("confidence", "")), str(raw.get("reason", "")))
    origins: dict[str, Origin] = {"": default}
    values = strip_origins({k: v for k, v in raw.items() if k not in ABOUT}, origins, default)
    return Datasheet(
        slug, str(raw["kind"]), str(raw.get("name", slug)), str(raw.get("notes", "")), values, origins
    )


def leaf_paths(node: Mapping[str, Any], path: str = "") -> list[str]:
    """Dotted paths of all values of a nested mapping."""
    found: list[str] = []
    for key, value in node.items():
        here = f"{path}.{key}" if path else str(key)
        found += leaf_paths(value, here) if isinstance(value, Mapping) else [here]
    return found


def strip_origins(node: Any, origins: dict[str, Origin], default: Origin | None, path: str = "") -> Any:
    """Copy of a mapping with every ``{value: …, source: …}`` leaf replaced by its value; origins are noted by path."""
    if not isinstance(node, Mapping):
        return node
    if "value" in node:
        base = default or Origin("", "")
        origins[path] = Origin(
            str(node.get("source", base.source)),
            str(node.get("confidence", base.confidence)),
            str(node.get("reason", "")),
        )
        return node["value"]
    return {k: strip_origins(v, origins, default, f"{path}.{k}" if path else str(k)) for k, v in node.items()}
