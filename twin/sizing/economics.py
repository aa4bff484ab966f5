"""What a facility costs to build and to own: capital by class, cost of a year, of an accelerator-hour, of a million tokens.

Unit costs are data (``twin_data/costs.yaml``), every one an estimate that a user's file may replace. Capital becomes a
yearly cost by the annuity factor i / (1 - (1 + i)^-n) (any text on engineering economics, e.g. ISO 15686-5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from twin_models.rack import rack as rack_model
from twin_sites import catalogue
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.schema import Chillers, CoolingTowers, Pumps, Racks, Site, Stores, Utility
from twin_sites.yaml_files import plain_form, read_yaml

from twin.files import decode, read_bytes
from twin.metrics import summarize

HOURS_A_YEAR = 8760.0
SWING = 0.3  # of every input in the table of what matters
MAX_BYTES = 100_000


class Cost(NamedTuple):
    """One class of equipment: how much of it, and what it costs."""

    address: str
    cost_class: str
    quantity: float
    unit: str  # of the quantity
    unit_cost: float
    total: float


class Further(NamedTuple):
    """What stands beside the equipment of a site file and costs as well."""

    address: str
    cost_class: str  # a name under ``beside`` of the unit costs
    quantity: float
    unit: str


@dataclass(frozen=True)
class Economics:
    """Cost of building and owning, in the currency of the unit costs; what is undefined is None."""

    capital: tuple[Cost, ...]
    plant_capital: float
    it_capital: float
    energy_per_year: float
    demand_per_year: float
    water_per_year: float
    maintenance_per_year: float
    capital_per_year: float
    cost_per_year: float
    per_rack_year: float | None
    per_accelerator_hour: float | None
    per_million_tokens: float | None
    idle_per_year: float | None  # what accelerators cost in the hours in which they do nothing
    break_even_utilisation: float | None  # above it owning is cheaper than renting
    what_matters: tuple[tuple[str, float, float], ...]  # input, cost of a year with it 30 % lower and higher


@lru_cache(maxsize=1)
def default_costs() -> dict[str, Any]:
    """Unit costs that ship with the program."""
    text = (files("twin_data") / "costs.yaml").read_text(encoding="utf-8")
    return plain_form(read_yaml(text, "costs.yaml")[0], "costs.yaml")


def read_costs(path: str | Path | None) -> dict[str, Any]:
    """Unit costs: the default ones with those of a file in their place.

    Raises
    ------
    InputError
        For a file that cannot be read, a name that is no cost and a value that is no number from 0 up.
    """
    costs = default_costs()
    if path is None:
        return costs
    where = str(path)
    given = plain_form(read_yaml(decode(read_bytes(Path(path), MAX_BYTES), where), where)[0], where)
    problems: list[Problem] = []
    merged = _merged(costs, given, where, problems)
    if problems:
        raise InputError(problems)
    own = given.get("by_accelerator", {})
    for key, name in (("per_accelerator", "buy"), ("rent_per_accelerator_hour", "rent")):
        if key in given:  # one's own number stands before the shipped ones of each accelerator
            merged["by_accelerator"] = {
                slug: {k: v for k, v in row.items() if k != name or k in own.get(slug, {})}
                for slug, row in merged["by_accelerator"].items()
            }
    return merged


def _merged(
    known: Mapping[str, Any], given: Mapping[str, Any], where: str, problems: list[Problem]
) -> dict[str, Any]:
    out = dict(known)
    for key, value in given.items():
        if key not in known:
            problems.append(
                Problem(
                    f"{where} → {key}",
                    "no cost of that name",
                    "a name of the shipped costs",
                    did_you_mean(key, known),
                )
            )
        elif isinstance(known[key], Mapping) and isinstance(value, Mapping):
            out[key] = _merged(known[key], value, f"{where} → {key}", problems)
        elif isinstance(known[key], str):
            out[key] = str(value)
        elif isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1e12:
            problems.append(
                Problem(f"{where} → {key}", f"{value!r}", "a number from 0 up", f"{key}: {known[key]}")
            )
        else:
            out[key] = value
    return out


def capital(site: Site, costs: Mapping[str, Any], further: Sequence[Further] = ()) -> tuple[Cost, ...]:
    """Cost of every group of a site and of what stands beside it, of its building by rated IT power, of design and site
    management in proportion to the machines, and of its rack systems."""
    per_kw = costs["per_kw"]
    found = []
    for address, element in site.drawn():
        if isinstance(element, Racks | Utility) or address == "house":
            continue
        if isinstance(element, Stores):
            volume, each = element.count * element.volume, costs["beside"]["thermal_storage"]
            found.append(Cost(address, element.kind, volume, "m³", each, volume * each))
            continue
        kind = _class_of(element)
        if kind not in per_kw:
            raise InputError(
                [Problem(f"costs → per_kw.{kind}", "missing", "a cost per kW of rating", f"{kind}: 100")]
            )
        size = element.count * rating(element) / 1e3
        found.append(
            Cost(
                address,
                kind,
                size,
                "kVA" if kind == "transformer" else "kW",
                per_kw[kind],
                size * per_kw[kind],
            )
        )
    for one in further:
        unit_cost = costs["beside"][one.cost_class]
        found.append(
            Cost(one.address, one.cost_class, one.quantity, one.unit, unit_cost, one.quantity * unit_cost)
        )
    machines = sum(line.total for line in found)
    share = costs["project_share"]
    found.append(Cost("project", "project", machines, "USD of machines", share, share * machines))
    it = sum(racks.count * rack_model.rated(racks).power for racks in site.racks.values()) / 1e3
    found.append(Cost("building", "building", it, "kW of IT", per_kw["building"], it * per_kw["building"]))
    for name, racks in site.racks.items():
        if n := racks.count * racks.accelerators:
            each = _of_accelerator(racks, costs)["buy"]
            found.append(Cost(f"racks.{name}", "it", float(n), "accelerators", each, n * each))
    return tuple(found)


def _of_accelerator(racks: Racks, costs: Mapping[str, Any]) -> Mapping[str, float]:
    """What one accelerator of a rack costs to buy, and to rent for an hour."""
    usual = {"buy": costs["per_accelerator"], "rent": costs["rent_per_accelerator_hour"]}
    if racks.system not in catalogue.names("rack"):
        return usual
    chip = catalogue.datasheet(racks.system).values.get("accelerator")
    own = costs["by_accelerator"].get(str(chip.get("use", "")) if isinstance(chip, Mapping) else "", {})
    return usual | dict(own)


def accelerators(site: Site) -> int:
    """Accelerators of a site."""
    return sum(racks.count * racks.accelerators for racks in site.racks.values())


def _class_of(element: Any) -> str:
    if isinstance(element, Pumps):
        return "pump"
    if isinstance(element, Chillers):
        return f"chiller_{element.condenser}"
    return str(element.kind)


def rating(element: Any) -> float:
    """Rating of one unit in W, or VA."""
    if isinstance(element, Pumps):
        return element.rated_flow * element.rated_head / 0.7  # shaft power at a usual efficiency
    if isinstance(element, CoolingTowers):
        return element.design_flow * 995.0 * 4180.0 * element.design_range
    for name in ("rated_heat", "capacity", "rating"):
        if hasattr(element, name):
            return float(getattr(element, name))
    raise TypeError(f"{type(element).__name__} has no rating")


def annuity(rate: float, years: float) -> float:
    """Share of a capital that is due every year: i / (1 - (1 + i)^-n), 1/n without interest."""
    return 1.0 / years if rate == 0.0 else rate / (1.0 - (1.0 + rate) ** -years)


def economics(
    ds: xr.Dataset, site: Site, costs: Mapping[str, Any], further: Sequence[Further] = ()
) -> Economics:
    """Cost of building and owning a facility whose run is ``ds``; shorter runs are scaled to a year.

    Parameters
    ----------
    ds
        A result of ``simulate``, best of a year.
    site
        Its site.
    costs
        Unit costs, see `read_costs`.
    further
        What stands beside the equipment of the site file.
    """
    lines = capital(site, costs, further)
    summary = summarize(ds)
    year = HOURS_A_YEAR / summary.hours
    it_capital = sum(line.total for line in lines if line.cost_class == "it")
    plant = sum(line.total for line in lines) - it_capital
    parts = {
        "capital of the plant": plant * annuity(costs["discount_rate"], costs["plant_life_years"]),
        "capital of the racks": it_capital * annuity(costs["discount_rate"], costs["it_life_years"]),
        "energy": summary.energy_cost * year,
        "demand charge": _demand(ds) * costs["demand_charge"] * year,
        "water": summary.water_cost * year,
        "maintenance": plant * costs["maintenance_share"],
    }
    total = sum(parts.values())
    n = accelerators(site)
    hours = n * HOURS_A_YEAR
    per_hour = total / hours if n else None
    busy = _busy(ds)
    tokens = summary.tokens * year if summary.tokens else None
    rents = [_of_accelerator(racks, costs)["rent"] for racks in site.racks.values() if racks.accelerators]
    rent = rents[0] if rents else 0.0
    compute = sum(racks.count for racks in site.racks.values() if racks.accelerators)
    return Economics(
        capital=lines, plant_capital=plant, it_capital=it_capital,
        energy_per_year=parts["energy"], demand_per_year=parts["demand charge"], water_per_year=parts["water"],
        maintenance_per_year=parts["maintenance"], capital_per_year=parts["capital of the plant"] + parts["capital of the racks"],
        cost_per_year=total, per_rack_year=total / compute if compute else None, per_accelerator_hour=per_hour,
        per_million_tokens=total / tokens * 1e6 if tokens else None,
        idle_per_year=(1.0 - busy) * total if n else None,
        break_even_utilisation=per_hour / rent if per_hour is not None and rent > 0.0 else None,
        what_matters=_what_matters(parts, plant, it_capital, costs),
    )  # fmt: skip


def _what_matters(
    parts: Mapping[str, float], plant: float, it: float, costs: Mapping[str, Any]
) -> tuple[tuple[str, float, float], ...]:
    """Cost of a year with each input lower and higher by the swing, the widest first."""
    total = sum(parts.values())
    rows = [(name, total - SWING * value, total + SWING * value) for name, value in parts.items() if value]
    for name, key, base in (
        ("life of the racks", "it_life_years", it),
        ("life of the plant", "plant_life_years", plant),
    ):
        years = [annuity(costs["discount_rate"], costs[key] * (1.0 + s)) for s in (-SWING, 0.0, SWING)]
        rows.append((name, total + base * (years[0] - years[1]), total + base * (years[2] - years[1])))
    rates = [
        plant * annuity(costs["discount_rate"] * (1.0 + s), costs["plant_life_years"])
        + it * annuity(costs["discount_rate"] * (1.0 + s), costs["it_life_years"])
        for s in (-SWING, 0.0, SWING)
    ]
    rows.append(("discount rate", total + rates[0] - rates[1], total + rates[2] - rates[1]))
    return tuple(sorted(rows, key=lambda row: -abs(row[2] - row[1])))


def _demand(ds: xr.Dataset) -> float:
    """Sum over the months of each month's highest power in kW."""
    return float(ds["site_power"].groupby("time.month").max().sum()) / 1e3


def _busy(ds: xr.Dataset) -> float:
    """Mean activity of all accelerators."""
    n = ds["rack_count"].values * ds["rack_accelerators"].values
    mean = ds["rack_activity"].mean("time").values
    return float(np.sum(n * mean) / n.sum()) if n.sum() else 0.0
