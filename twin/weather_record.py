"""A weather record as read, and what completes it: short gaps filled, limits checked, moist air derived."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.psychrometrics.psychrometrics import (
    dew_point,
    humidity_ratio,
    humidity_ratio_from_dew_point,
    humidity_ratio_from_wet_bulb,
    saturation_humidity_ratio,
    standard_pressure,
    wet_bulb,
)

from twin.files import fault

Array = NDArray[np.float64]

DAY_S = 86400.0
MAX_GAP_S = 3 * 3600.0  # filled by interpolation; a longer gap is refused
MAX_MISSING = 0.05  # share of a variable's values
YEAR_S = 365 * DAY_S
# Physical limits. Temperatures: the records on Earth (WMO) with a margin; pressure: 5,500 m to the highest.
LIMITS = {
    "dry_bulb": (-90.0, 60.0, "°C"),
    "dew_point": (-100.0, 40.0, "°C"),
    "wet_bulb": (-90.0, 42.0, "°C"),
    "humidity": (0.0, 110.0, "%"),
    "pressure": (48_000.0, 110_000.0, "Pa"),
}
RECORD_MARGIN = 1.0  # K


@dataclass(frozen=True, kw_only=True)
class DesignConditions:
    """Climatic design conditions of a station, °C, as the second line of an EPW gives them.

    ``years`` are the return periods of ``extreme_dry_bulb``. The extreme wet bulb is the highest on record.
    """

    source: str
    dry_bulb: float  # exceeded 0.4 % of the year
    dry_bulb_mcwb: float  # mean coincident wet bulb
    wet_bulb: float  # evaporation, exceeded 0.4 % of the year
    wet_bulb_mcdb: float  # mean coincident dry bulb
    daily_range: float  # K, dry bulb in the hottest month
    heating_dry_bulb: float  # 99.6 % of the year is warmer
    extreme_wet_bulb: float
    extreme_dry_bulb: tuple[float, ...]
    years: tuple[int, ...] = (5, 10, 20, 50)


@dataclass(kw_only=True)
class RawWeather:
    """A file as read, on regular steps.

    ``columns`` holds ``dry_bulb`` and some of ``dew_point``, ``wet_bulb`` (°C), ``humidity`` (relative, %)
    and ``pressure`` (Pa), missing values as NaN.
    """

    name: str
    source: str
    start: np.datetime64
    step_s: float
    utc_offset_h: float
    value_at: float  # where in its interval a value holds: 0 start, 1 end
    columns: dict[str, Array]
    latitude: float = float("nan")
    longitude: float = float("nan")
    altitude: float | None = None
    design: DesignConditions | None = None
    notes: list[str] = field(default_factory=list)


class Completed(NamedTuple):
    """Arrays without a gap, and what was done to them."""

    dry_bulb: Array
    wet_bulb: Array
    humidity_ratio: Array
    pressure: Array
    altitude: float
    filled: dict[str, int]
    notes: tuple[str, ...]


def complete(raw: RawWeather) -> Completed:
    """Check and complete a record as read: short gaps are interpolated, moist air and pressure derived."""
    where = raw.source
    notes = list(raw.notes)
    filled: dict[str, int] = {}
    columns = _humidity_columns(raw, notes)
    for variable, values in columns.items():
        low, high, unit = LIMITS[variable]
        wrong = np.flatnonzero((values < low) | (values > high))
        if wrong.size:
            first = int(wrong[0])
            hint = (
                "degF instead of °C?"
                if unit == "°C" and 40.0 < values[first] < 140.0
                else "check the unit and the column"
            )
            raise fault(
                f"{where} → {variable}, row {first + 1}",
                f"{values[first]:g} {unit} ({wrong.size} such values)",
                f"{low:g} to {high:g} {unit}",
                hint,
            )
        columns[variable], count = fill_gaps(values, raw.step_s, f"{where} → {variable}")
        if count:
            filled[variable] = count
            notes.append(f"{count} missing values of {variable} interpolated (gaps up to 3 h)")
    dry = columns["dry_bulb"]
    altitude = raw.altitude if raw.altitude is not None else 0.0
    if "pressure" in columns:
        pressure = columns["pressure"]
        expected = float(standard_pressure(altitude))
        if raw.altitude is not None and abs(float(pressure.mean()) / expected - 1.0) > 0.08:
            notes.append(
                f"mean pressure {pressure.mean():.0f} Pa is far from the {expected:.0f} Pa usual at "
                f"{altitude:g} m: reduced to sea level?"
            )
    elif raw.altitude is None:
        raise fault(
            where,
            "neither pressure nor altitude",
            "one of the two",
            "add a pressure column or '# altitude: 111 m'",
        )
    else:
        pressure = np.full(dry.size, float(standard_pressure(altitude)))
        notes.append(f"no pressure: standard atmosphere at {altitude:g} m, {pressure[0]:.0f} Pa")
    ratio = _humidity_ratio(columns, dry, pressure, notes)
    if not dry.size * raw.step_s >= YEAR_S - 1.0:
        notes.append(f"covers {dry.size * raw.step_s / DAY_S:g} days, not a year")
    wet = np.asarray(wet_bulb(dry, ratio, pressure))
    if raw.design is not None and wet.max() > raw.design.extreme_wet_bulb + RECORD_MARGIN:
        count = int((wet > raw.design.extreme_wet_bulb).sum())
        notes.append(
            f"{count} values of wet bulb, up to {wet.max():.1f} °C, lie above the station's record of "
            f"{raw.design.extreme_wet_bulb:g} °C: faults of its sensor?"
        )
    return Completed(dry, wet, ratio, pressure, altitude, filled, tuple(notes))


def _humidity_columns(raw: RawWeather, notes: list[str]) -> dict[str, Array]:
    """The variables that count: dry bulb, pressure if any, and the best humidity measure.

    Dew point comes first: files round it to 0.1 K but relative humidity to 1 %. Its holes take the relative
    humidity.
    """
    given = {name: values for name, values in raw.columns.items() if np.isfinite(values).any()}
    columns: dict[str, Array] = {name: given[name] for name in ("dry_bulb", "pressure") if name in given}
    measure = next((name for name in ("dew_point", "humidity", "wet_bulb") if name in given), None)
    if measure is None or "dry_bulb" not in given:
        raise fault(
            raw.source,
            "no value of dry bulb or none of humidity",
            "dry bulb with dew point, relative humidity or wet bulb",
            "complete the file",
        )
    values = given[measure]
    if measure == "dew_point" and "humidity" in given:
        dry, humidity = given["dry_bulb"], given["humidity"]
        usable = (
            np.isnan(values) & (np.abs(dry) < 100.0) & (humidity > 0.0) & (humidity <= LIMITS["humidity"][1])
        )
        if usable.any():
            values = values.copy()
            # The pressure cancels: what goes in comes out as vapour pressure.
            values[usable] = dew_point(
                humidity_ratio(dry[usable], humidity[usable] / 100.0, 101325.0), 101325.0
            )
            notes.append(f"{int(usable.sum())} dew points taken from relative humidity")
    columns[measure] = values
    return columns


def _humidity_ratio(columns: dict[str, Array], dry: Array, pressure: Array, notes: list[str]) -> Array:
    if "dew_point" in columns:
        ratio = humidity_ratio_from_dew_point(columns["dew_point"], pressure)
    elif "humidity" in columns:
        ratio = humidity_ratio(dry, columns["humidity"] / 100.0, pressure)
    else:
        ratio = humidity_ratio_from_wet_bulb(dry, columns["wet_bulb"], pressure)
    saturated = saturation_humidity_ratio(dry, pressure)
    beyond = int((ratio > saturated * 1.01).sum())
    if beyond:
        notes.append(f"{beyond} values beyond saturation set to saturated air")
    return np.asarray(np.minimum(ratio, saturated))


def fill_gaps(values: Array, step_s: float, where: str) -> tuple[Array, int]:
    """Interpolate NaN over gaps of up to 3 h and 5 % of all values; return values and the count filled."""
    missing = np.isnan(values)
    count = int(missing.sum())
    if not count:
        return values, 0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], missing.astype(np.int8), [0]))))
    longest = int((edges[1::2] - edges[::2]).max())
    if longest * step_s > MAX_GAP_S or count > MAX_MISSING * values.size:
        at = int(edges[::2][np.argmax(edges[1::2] - edges[::2])])
        raise fault(
            where,
            f"{count} missing values, the longest gap {longest * step_s / 3600:g} h from row {at + 1}",
            "gaps up to 3 h and 5 % of all values",
            "complete the record from a neighbouring station or another year",
        )
    rows = np.arange(values.size)
    return np.interp(rows, rows[~missing], values[~missing]), count
