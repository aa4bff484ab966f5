"""Carbon intensity and price of electricity over a run: a constant, a region by name, or an hourly record.

Records are laid on the run by their place in the calendar, whatever their year, on the run's clock.
"""

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from twin_sites.errors import did_you_mean

from twin.files import decode, fault, read_bytes, read_stamps, read_table, split_unit
from twin.weather import calendar_offset

Array = NDArray[np.float64]
Kind = Literal["carbon", "price"]

LIMIT = 64_000_000
START = np.datetime64("2023-01-01T00:00:00", "s")
YEAR_S = 365 * 86400.0
MAX_GAP_S = 24 * 3600.0  # filled with the value before
MAX_MISSING = 0.05
WORDS = {
    "carbon": ("avg_ci", "carbon", "co2", "intensity", "emission"),
    "price": ("price", "tariff", "cost", "lmp"),
}
# Factors to g/kWh and to currency per kWh.
CARBON_UNITS = {
    "gco2/kwh": 1.0,
    "gco2eq/kwh": 1.0,
    "g/kwh": 1.0,
    "kg/mwh": 1.0,
    "kgco2/mwh": 1.0,
    "kg/kwh": 1e3,
}
UNSTATED = "currency/kWh"  # a price whose currency nobody says
LIMITS = {"carbon": (0.0, 3000.0, "g/kWh"), "price": (-20.0, 50.0, UNSTATED)}


@dataclass(frozen=True, eq=False)
class GridSeries:
    """One value per step of a run: g CO2 equivalent per kWh, or currency per kWh."""

    kind: Kind
    values: Array
    unit: str
    source: str
    confidence: str
    filled: int = 0
    notes: tuple[str, ...] = ()
    key: str = ""


@cache
def regions() -> dict[str, tuple[str, float]]:
    """Place and yearly mean g/kWh of the embedded regions, by name; ``NOTICE.md`` beside them says whose."""
    text = (files("twin_data") / "grid" / "regions.csv").read_text(encoding="utf-8")
    return {
        row["name"]: (row["place"], float(row["carbon_g_per_kwh"]))
        for row in csv.DictReader(text.splitlines())
    }


@cache
def tariffs() -> dict[str, tuple[float, str]]:
    """Price per kWh and currency of the embedded tariffs, by name; all are estimates."""
    text = (files("twin_data") / "grid" / "tariffs.csv").read_text(encoding="utf-8")
    return {
        row["name"]: (float(row["price_per_kwh"]), row["currency"])
        for row in csv.DictReader(text.splitlines())
    }


def series_or_constant(
    value: float | str | Path,
    kind: Kind,
    *,
    n: int,
    step_s: float = 3600.0,
    start: np.datetime64 = START,
    utc_offset_h: float = 0.0,
) -> GridSeries:
    """Values for ``n`` steps from ``start`` on the clock ``utc_offset_h``.

    ``value`` is a number (g/kWh or currency per kWh), a name (see ``regions`` and ``tariffs``) or a CSV with
    a time column and one of carbon intensity (gCO2/kWh) or price (per MWh or kWh in the header). Negative
    prices are prices. Empty hours of up to a day take the hour before them. Raises ``InputError``.
    """
    if kind not in WORDS:
        raise fault("grid", f"'{kind}'", "carbon or price", "choose one")
    low, high, unit = LIMITS[kind]
    if isinstance(value, int | float):
        if not low <= value <= high:
            raise fault(kind, f"{value:g} {unit}", f"{low:g} to {high:g} {unit}", "check the unit")
        return _frozen(GridSeries(kind, np.full(n, float(value)), unit, "given as a constant", "estimate"))
    if kind == "carbon" and isinstance(value, str) and value in regions():
        place, mean = regions()[value]
        note = "one value for the year: no daily or seasonal change"
        source = f"Google Cloud region carbon 2024, {value} ({place})"
        return _frozen(GridSeries(kind, np.full(n, mean), unit, source, "published", notes=(note,)))
    if kind == "price" and isinstance(value, str) and value in tariffs():
        mean, currency = tariffs()[value]
        return _frozen(GridSeries(kind, np.full(n, mean), f"{currency}/kWh", f"tariff {value}", "estimate"))
    if isinstance(value, str) and not _on_disk(value):
        remedy = did_you_mean(value[:80], regions()) if kind == "carbon" else "give a number or a path"
        raise fault(
            kind,
            f"'{value[:80]}' is no file",
            "a number, a CSV file" + " or a region" * (kind == "carbon"),
            remedy,
        )
    return _from_file(Path(value), kind, n, step_s, start, utc_offset_h)


def _on_disk(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _from_file(
    path: Path, kind: Kind, n: int, step_s: float, start: np.datetime64, offset_h: float
) -> GridSeries:
    where = path.name
    table = read_table(decode(read_bytes(path, LIMIT), where), where)
    lower = [name.lower() for name in table.names]
    times = [index for index, name in enumerate(lower) if "time" in name or name.startswith("date")]
    times.sort(key=lambda index: "utc" not in lower[index])  # a UTC column is free of clock changes
    column = next((index for word in WORDS[kind] for index, name in enumerate(lower) if word in name), None)
    if not times or column is None:
        raise fault(
            where,
            f"columns {', '.join(table.names)[:200]}",
            f"a time column and one named {WORDS[kind][0]}",
            "rename them",
        )
    factor, unit, notes = _unit(table.names[column], kind, where)
    values = table.numbers(column) * factor
    low, high, _ = LIMITS[kind]
    wrong = np.flatnonzero((values < low) | (values > high))
    if wrong.size:
        row = int(wrong[0])
        raise fault(
            f"{where} → '{table.names[column]}', row {row + 1}",
            f"{values[row]:g} {unit} ({wrong.size} such values)",
            f"{low:g} to {high:g} {unit}",
            "check the unit in the header",
        )
    stamps = read_stamps(table.columns[times[0]], f"{where} → '{table.names[times[0]]}'")
    utc = stamps.utc or "utc" in lower[times[0]]
    if stamps.first is None or np.isnan(stamps.seconds).any():
        raise fault(
            f"{where} → time", "not every row has a date and time", "e.g. 2022-01-01 00:00", "complete it"
        )
    own_step, hourly, filled = _regular(stamps.seconds, values, where)
    first = stamps.first.astype("datetime64[ms]") + np.timedelta64(
        round(float(stamps.seconds.min()) * 1000), "ms"
    )
    if utc:
        first = first + np.timedelta64(round(offset_h * 3_600_000), "ms")
    else:
        notes.append("no zone stated: taken as the site's local standard clock")
    laid = _lay(own_step, hourly, first, start, n, step_s, where, notes)
    if filled:
        notes.append(f"{filled} empty or missing steps took the value before them")
    return _frozen(GridSeries(kind, laid, unit, f"file {where}", "published", filled, tuple(notes)))


def _unit(header: str, kind: Kind, where: str) -> tuple[float, str, list[str]]:
    unit = split_unit(header)[1].replace(" ", "").replace("₂", "2")
    if kind == "carbon":
        if unit.lower() not in {*CARBON_UNITS, ""}:
            raise fault(f"{where} → '{header}'", f"unit '{unit}'", ", ".join(CARBON_UNITS), "convert it")
        return (
            CARBON_UNITS.get(unit.lower(), 1.0),
            "g/kWh",
            [] if unit else ["no unit in the header: taken as gCO2/kWh"],
        )
    currency, _, energy = unit.partition("/")
    if energy.lower() not in {"mwh", "kwh"} or not currency:
        raise fault(
            f"{where} → '{header}'", f"unit '{unit}'", "(USD/MWh) or the like in the header", "add the unit"
        )
    scale = 1e-3 if energy.lower() == "mwh" else 1.0
    return scale, f"{currency}/kWh", []


def _regular(seconds: Array, values: Array, where: str) -> tuple[float, Array, int]:
    """Values on even steps, holes filled with the value before."""
    times, index = np.unique(seconds, return_index=True)
    if times.size < 24:
        raise fault(where, f"{times.size} rows", "at least 24", "give a longer record")
    step = float(np.median(np.diff(times)))
    slots = (times - times[0]) / step
    n = round(float(slots[-1])) + 1
    if not 60.0 <= step <= 86400.0 or n > 600_000 or (np.abs(slots - np.round(slots)) > 0.01).any():
        raise fault(
            where,
            f"times not in even steps (usual step {step:g} s)",
            "even steps of 1 min to 1 day",
            "resample it",
        )
    grid = np.full(n, np.nan)
    grid[np.round(slots).astype(np.int64)] = values[index]
    good = np.flatnonzero(~np.isnan(grid))
    spans = np.diff(np.concatenate(([-1], good, [n]))) - 1
    filled = n - good.size
    if filled > MAX_MISSING * n or spans.max() * step > MAX_GAP_S:
        raise fault(
            where,
            f"{filled} of {n} steps empty, longest gap {spans.max() * step / 3600:g} h",
            "gaps up to 24 h and 5 % of the record",
            "complete the record",
        )
    before = np.maximum(np.searchsorted(good, np.arange(n), side="right") - 1, 0)
    return step, grid[good[before]], filled


def _lay(
    own_step: float,
    values: Array,
    first: np.datetime64,
    start: np.datetime64,
    n: int,
    step_s: float,
    where: str,
    notes: list[str],
) -> Array:
    """Mean of the record over each step of the run, by the place in the calendar."""
    span = values.size * own_step
    whole_year = span >= YEAR_S - own_step * (1 + 1e-9)
    offset = calendar_offset(first, start, by_calendar=whole_year)
    if not whole_year and (offset < 0.0 or offset + n * step_s > span + 1e-6):
        raise fault(
            where,
            f"covers {span / 86400:g} days from {first}",
            "the run's time or a whole year",
            "give a year",
        )
    middle = first + np.timedelta64(round(span * 500.0), "ms")
    if middle.astype("datetime64[Y]") != start.astype("datetime64[Y]"):
        notes.append(f"record of {str(middle)[:4]} laid on a run in {str(start)[:4]} by month, day and hour")
    if step_s <= own_step:  # a price holds for its whole hour
        at = np.floor((offset + np.arange(n) * step_s) / own_step + 1e-9).astype(np.int64)
        return np.asarray(np.take(values, at, mode="wrap"))
    edges = offset + np.arange(n + 1) * step_s
    total = np.concatenate(([0.0], np.cumsum(values) * own_step))
    cycles, rest = np.divmod(edges, span)
    summed = cycles * total[-1] + np.interp(rest, np.arange(values.size + 1) * own_step, total)
    return np.asarray(np.diff(summed) / step_s)


def _frozen(series: GridSeries) -> GridSeries:
    series.values.setflags(write=False)
    digest = hashlib.sha256(
        f"{series.kind} {series.unit}".encode() + np.ascontiguousarray(series.values).tobytes()
    )
    object.__setattr__(series, "key", digest.hexdigest()[:16])
    return series
