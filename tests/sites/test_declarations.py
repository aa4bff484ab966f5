"""Every field is declared once, with a label and, where it is a number, whose bounds it has."""

import dataclasses
import re
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from twin_models.fields import Quantity
from twin_sites import catalogue, declared, schema
from twin_sites.addresses import DEFAULT, STATED, addresses, origin
from twin_sites.loader import load_site, sites

ABOUT = {"name", "title", "notes", "reason"}


def all_parts() -> list[type]:
    found: dict[type, None] = {}

    def visit(hint: Any) -> None:
        if declared.is_part(hint):
            if hint in found:
                return
            found[hint] = None
            for below in declared.hints(hint).values():
                visit(below)
        for inner in get_args(hint):
            visit(inner)

    for hint in (schema.Site, schema.Link, schema.Feeder):
        visit(hint)
    return list(found)


PARTS = all_parts()
FIELDS = [(part, name, hint) for part in PARTS for name, hint in declared.hints(part).items()]


def test_the_walk_finds_all_parts() -> None:
    names = {part.__name__ for part in PARTS}
    assert {
        "Accelerator",
        "Racks",
        "Cdus",
        "Pump",
        "Chillers",
        "UpsModules",
        "AdiabaticPads",
        "Room",
        "Economy",
    } <= names
    assert all(issubclass(part, BaseModel) or dataclasses.is_dataclass(part) for part in PARTS)
    assert len(FIELDS) > 250


@pytest.mark.parametrize(
    ("part", "name", "hint"), FIELDS, ids=lambda value: getattr(value, "__name__", str(value)[:24])
)
def test_every_field_has_a_label_and_every_number_a_bound_with_its_source(
    part: type, name: str, hint: Any
) -> None:
    label = declared.label_of(name, hint)
    assert re.fullmatch(r"[A-Za-z][^_]{1,79}", label), label
    quantity = declared.quantity_of(hint)
    if quantity is None:
        plain = declared.bare(hint)
        assert plain not in (int, float), "a number is declared with its unit"
        return
    assert quantity.bound_source
    assert (quantity.low is not None and quantity.high is not None) or quantity.unit == "count", (
        "both bounds are declared"
    )
    if quantity.low is not None and quantity.high is not None:
        assert quantity.low < quantity.high
    default = (
        next((f.default for f in dataclasses.fields(part) if f.name == name), None)
        if dataclasses.is_dataclass(part)
        else None
    )
    if isinstance(default, int | float) and not isinstance(default, bool):
        assert quantity.low is None or quantity.low <= default
        assert quantity.high is None or default <= quantity.high


def test_labels_of_one_part_differ() -> None:
    for part in PARTS:
        labels = [declared.label_of(name, hint) for name, hint in declared.hints(part).items()]
        assert sorted(labels) == sorted(set(labels)), part.__name__


@pytest.mark.parametrize("name", sites())
def test_every_address_of_a_reference_site_has_an_origin(name: str) -> None:
    site = load_site(name)
    known = {*catalogue.CONFIDENCES, STATED.confidence}
    for entry in addresses(site):
        assert entry.label
        assert entry.origin.confidence in known, entry.address
        assert entry.origin.source or entry.origin.reason, entry.address
        assert entry.text("si")
        assert entry.text("ip")
        assert isinstance(entry.quantity, Quantity | None)


def test_a_default_is_never_shown_as_a_vendor_figure() -> None:
    site = load_site("gb300-10mw")
    assert origin(site, "racks.compute.tdp").confidence == "vendor"
    assert origin(site, "racks.compute.accelerator.leakage_reference") == DEFAULT
    assert origin(site, "cooling.fws.supply") == STATED
    assert origin(site, "cooling.fws.chiller.capacity").confidence == "estimate"
    assert origin(site, "cooling.fws.chiller.capacity").reason
    assert DEFAULT.confidence == "estimate"
