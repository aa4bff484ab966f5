"""Every datasheet that ships can be used: it has the fields of its machine, stays in their bounds and says its sources."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
from pydantic import TypeAdapter
from twin_sites import catalogue, units
from twin_sites.catalogue import CONFIDENCES, Datasheet

CLASSES = {
    "accelerator": "Accelerator", "rack": "Rack", "cold_plate": "ColdPlate", "power_shelf": "PowerShelf", "cdu": "Cdu",
    "pump": "Pump", "heat_exchanger": "PlateExchanger", "air_handler": "AirHandler", "rear_door": "RearDoor", "immersion": "Tank", "liquid_to_air": "LiquidToAir", "two_phase": "Condenser", "manifold": "Manifold", "heat_reuse": "HeatReuse", "thermal_storage": "ThermalStorage", "dry_cooler": "DryCooler",
    "cooling_tower": "CoolingTower", "chiller": "Chiller", "transformer": "Transformer", "ups": "Ups", "pdu": "Pdu",
    "work": "Work",
}  # fmt: skip
LEAST = {"accelerator": 20, "rack": 15, "cdu": 10, "chiller": 7}
SLUGS = catalogue.names()


def inlined(value: Any) -> Any:
    """A form with every ``use: product`` below it replaced by the product's numbers; keys beside it win."""
    if not isinstance(value, Mapping):
        return value
    own = {key: inlined(item) for key, item in value.items() if key != "use"}
    if "use" not in value:
        return own
    below = catalogue.datasheet(str(value["use"])).values
    return {key: inlined(item) for key, item in below.items() if key != "kind"} | own


def read(value: Any, quantity: Any) -> Any:
    """Text with its unit as a number; counts and tables are numbers already."""
    return (
        value
        if quantity.unit == "count" or value is None or isinstance(value, list)
        else units.read(value, quantity)
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_datasheet_fills_its_machine(slug: str) -> None:
    """Every key is a field, every number lies in its bounds, every product it names exists."""
    sheet: Datasheet = catalogue.datasheet(slug)
    machine = getattr(import_module(f"twin_models.{sheet.family}.{sheet.family}"), CLASSES[sheet.family])
    values = {key: inlined(item) for key, item in sheet.values.items() if key != "kind"}
    assert isinstance(TypeAdapter(machine).validate_python(values, context=read), machine)


@pytest.mark.parametrize("slug", SLUGS)
def test_datasheet_says_its_sources(slug: str) -> None:
    """A source and a confidence for every number; an estimate says why it is what it is."""
    sheet = catalogue.datasheet(slug)
    assert sheet.name
    for path, origin in sheet.origins.items():
        assert origin.source, path
        assert origin.confidence in CONFIDENCES, path
        assert origin.confidence != "estimate" or origin.reason, (
            f"{path or 'the sheet'}: an estimate without a reason"
        )


@pytest.mark.parametrize(("family", "least"), LEAST.items())
def test_catalogue_is_wide_enough(family: str, least: int) -> None:
    """As many machines as a planner was promised."""
    assert len(catalogue.names(family)) >= least


def test_every_family_is_listed() -> None:
    """Whatever has datasheets can be shown on the command line."""
    assert {catalogue.datasheet(slug).family for slug in SLUGS} <= set(catalogue.FAMILIES.values())
    assert set(CLASSES) == set(catalogue.FAMILIES.values())
