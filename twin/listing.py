"""What ``twin show`` lists: embedded series, reference sites, datasheets with their sources, addresses of a site."""

from collections.abc import Mapping
from typing import Any

from twin_models.accelerator.accelerator import Accelerator
from twin_models.air_handler.air_handler import AirHandler
from twin_models.cdu.cdu import Cdu
from twin_models.chiller.chiller import Chiller
from twin_models.cold_plate.cold_plate import ColdPlate
from twin_models.cooling_tower.cooling_tower import CoolingTower
from twin_models.dry_cooler.dry_cooler import DryCooler
from twin_models.fields import Quantity
from twin_models.heat_exchanger.heat_exchanger import PlateExchanger
from twin_models.heat_reuse.heat_reuse import HeatReuse
from twin_models.immersion.immersion import Tank
from twin_models.liquid_to_air.liquid_to_air import LiquidToAir
from twin_models.manifold.manifold import Manifold
from twin_models.pdu.pdu import Pdu
from twin_models.power_shelf.power_shelf import PowerShelf
from twin_models.pump.pump import Pump
from twin_models.rack.rack import Rack
from twin_models.rear_door.rear_door import RearDoor
from twin_models.thermal_storage.thermal_storage import ThermalStorage
from twin_models.transformer.transformer import Transformer
from twin_models.two_phase.two_phase import Condenser
from twin_models.ups.ups import Ups
from twin_models.work.work import Work
from twin_sites import catalogue, units
from twin_sites.addresses import Address, addresses
from twin_sites.catalogue import Datasheet, Origin
from twin_sites.declared import Place, below, label_of, quantity_of
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.loader import load_site, sites

from twin.tables import table

Rows = list[dict[str, Any]]
# What each family is described by, and the field that tells its size in a list.
FAMILIES: dict[str, tuple[type, str]] = {
    "accelerator": (Accelerator, "tdp"),
    "rack": (Rack, "tdp"),
    "cold_plate": (ColdPlate, "resistance_floor"),
    "power_shelf": (PowerShelf, "rating"),
    "cdu": (Cdu, "rated_heat"),
    "pump": (Pump, "rated_flow"),
    "heat_exchanger": (PlateExchanger, "rated_heat"),
    "air_handler": (AirHandler, "rated_heat"),
    "rear_door": (RearDoor, "rated_heat"),
    "immersion": (Tank, "rated_heat"),
    "liquid_to_air": (LiquidToAir, "rated_heat"),
    "two_phase": (Condenser, "rated_heat"),
    "manifold": (Manifold, "diameter"),
    "heat_reuse": (HeatReuse, "capacity"),
    "thermal_storage": (ThermalStorage, "volume"),
    "dry_cooler": (DryCooler, "rated_heat"),
    "cooling_tower": (CoolingTower, "design_flow"),
    "chiller": (Chiller, "capacity"),
    "transformer": (Transformer, "rating"),
    "ups": (Ups, "rating"),
    "pdu": (Pdu, "rating"),
    "work": (Work, "parameters"),
}


def listing(what: str, name: str | None, text: str | None, system: str) -> tuple[Rows, str]:
    """Rows and a printed table.

    Raises
    ------
    InputError
        When there is nothing of that kind or name.
    """
    if what == "addresses":
        return _addresses(name, text, system)
    if text is not None:
        found = f"the further word '{text[:60]}'"
        raise InputError(
            [Problem(f"show {what} {name}", found, "one name", "put a name of several words in quotes")]
        )
    if what in catalogue.FAMILIES:
        return _datasheets(what, name, system)
    named = _named(what)
    if name is not None:
        if name not in named:
            allowed = f"a name of 'twin show {what}'"
            raise InputError(
                [Problem(f"show {what} {name[:80]}", "no such name", allowed, did_you_mean(name, named))]
            )
        if what == "sites":
            return _site(name)
        named = {name: named[name]}
    rows = [{"name": key, "is": value} for key, value in named.items()]
    return rows, table(rows, ["is"])


def _named(what: str) -> Mapping[str, str]:
    if what == "sites":
        return {name: load_site(name).title for name in sites()}
    if what == "weather":
        from twin.weather import weathers

        return weathers()
    if what == "loads":
        from twin.loads.read import loads

        return loads()
    known = ["addresses", "sites", "weather", "loads", *catalogue.FAMILIES]
    raise InputError(
        [Problem(f"show {what[:80]}", "nothing of that kind", ", ".join(known), did_you_mean(what, known))]
    )


def _site(name: str) -> tuple[Rows, str]:
    from importlib.resources import files

    text = files("twin_sites").joinpath("reference", f"{name}.yaml").read_text(encoding="utf-8")
    return [{"name": name, "yaml": text}], text.rstrip()


def _datasheets(what: str, name: str | None, system: str) -> tuple[Rows, str]:
    family = catalogue.FAMILIES[what]
    slugs = catalogue.names(family)
    if name is not None:
        if name not in slugs:
            found = did_you_mean(name, slugs)
            raise InputError(
                [
                    Problem(
                        f"show {what} {name[:80]}",
                        "no such datasheet",
                        f"a name of 'twin show {what}'",
                        found,
                    )
                ]
            )
        return _sheet(catalogue.datasheet(name), family, system)
    cls, field = FAMILIES[family]
    rows: Rows = []
    for slug in slugs:
        sheet = catalogue.datasheet(slug)
        stated = sheet.origins.get(field, sheet.origins[""])
        size = _said(sheet.values.get(field), _declared(cls, field), system)
        rows.append({"name": slug, "product": sheet.name, field: size, "confidence": stated.confidence})
    empty = "no datasheets of this kind: its numbers are written in the site file"
    return rows, table(rows, ["product"]) if rows else empty


def _sheet(sheet: Datasheet, family: str, system: str) -> tuple[Rows, str]:
    rows: Rows = []
    for path, origin in sheet.leaves:
        if path == "kind" or path.endswith(".use"):
            continue
        value: Any = sheet.values
        for key in path.split("."):
            value = value[key]
        hint = _declared(FAMILIES[family][0], path)
        rows.append(
            {
                "field": path,
                "value": _said(value, hint, system),
                "label": label_of(path.rpartition(".")[2], hint),
                "confidence": origin.confidence,
                "source": origin.source,
                "reason": origin.reason,
            }
        )
    shown, notes = _with_notes(rows)
    head = f"{sheet.name} ({sheet.slug})\n{sheet.notes}".strip()
    return rows, f"{head}\n\n{table(shown, ['value', 'label'])}\n\n{notes}"


def _declared(cls: type, path: str) -> Any:
    place: Place | None = Place(cls, None)
    for key in path.split("."):
        place = below(place, key) if place is not None else None
    return place.hint if place is not None else None


def _said(value: Any, hint: Any, system: str) -> str:
    """A number of a datasheet in the units of the reader."""
    quantity = quantity_of(hint)
    if isinstance(value, list):
        return ", ".join(_said(item, hint, system) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if (
        value is None
        or quantity is None
        or quantity.unit == "count"
        or not isinstance(value, str | int | float)
    ):
        return "—" if value is None else str(value)
    return units.text(units.read(value, quantity), quantity, system)


def _addresses(name: str | None, text: str | None, system: str) -> tuple[Rows, str]:
    if name is None:
        raise InputError(
            [
                Problem(
                    "show addresses",
                    "no site",
                    "twin show addresses SITE [TEXT]",
                    "one of " + ", ".join(sites()),
                )
            ]
        )
    wanted = "" if text is None else text.lower()
    rows: Rows = []
    shown: Rows = []
    for entry in addresses(load_site(name)):
        if wanted in entry.address.lower() or wanted in entry.label.lower():
            rows.append(_row(entry, system))
            brief = {
                "address": entry.address,
                "value": entry.text(system),
                "allowed": entry.bounds(system),
                "label": entry.label,
            }
            shown.append(brief | {key: rows[-1][key] for key in ("confidence", "source", "reason")})
    if not rows:
        where = f"show addresses {name} {wanted[:60]}"
        raise InputError(
            [
                Problem(
                    where,
                    "no address matches",
                    "a part of an address or label",
                    f"'twin show addresses {name}' lists all",
                )
            ]
        )
    shown, notes = _with_notes(shown)
    return rows, f"{table(shown, ['value', 'allowed', 'label'])}\n\n{notes}"


def _row(entry: Address, system: str) -> dict[str, Any]:
    """An address for other programs: numbers in the reader's units, text where it is no number."""
    text, unit, source = entry.text(system), "1", ""
    value: Any = entry.value if entry.value is None or isinstance(entry.value, bool) else text
    low = high = None
    if entry.quantity is not None:
        unit = units.shown_unit(entry.quantity, system)
        low, high = (
            _shown(entry.quantity.low, entry.quantity, unit),
            _shown(entry.quantity.high, entry.quantity, unit),
        )
        source = entry.quantity.bound_source
        if isinstance(entry.value, int | float) and not isinstance(entry.value, bool):
            value = _shown(entry.value, entry.quantity, unit)
    return {
        "address": entry.address,
        "value": value,
        "unit": "" if unit in ("1", "count") else units.label_of(unit),
        "text": text,
        "low": low,
        "high": high,
        "bound_source": source,
        "options": list(entry.options),
        "label": entry.label,
        "confidence": entry.origin.confidence,
        "source": entry.origin.source,
        "reason": entry.origin.reason,
    }


def _shown(number: float | None, quantity: Quantity, unit: str) -> float | None:
    if number is None or quantity.unit == "count":
        return number
    return units.round_digits(float(units.convert(number, quantity.unit, unit)))


def _with_notes(rows: Rows) -> tuple[Rows, str]:
    """Sources as numbers behind the confidence, and the list that the numbers stand for."""
    numbers: dict[Origin, int] = {}
    shown: Rows = []
    for row in rows:
        origin = Origin(row["source"], row["confidence"], row["reason"])
        number = numbers.setdefault(origin, len(numbers) + 1)
        kept = {key: value for key, value in row.items() if key not in ("confidence", "source", "reason")}
        shown.append({**kept, "source": f"{origin.confidence} [{number}]"})
    notes = []
    for origin, number in numbers.items():
        said = " — ".join(text for text in (origin.source, origin.reason) if text)
        notes.append({"source": f"[{number}]", "": f"{origin.confidence or 'unstated'}: {said}"})
    return shown, table(notes, [""])
