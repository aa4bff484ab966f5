"""Readers of weather files: EPW, TMY3 CSV, Open-Meteo JSON and plain CSV.

Each reader returns a ``RawWeather``: regular steps, missing values as NaN, nothing derived. Filling, range
checks and moist air are the business of ``weather.py``.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.epw import read_epw, read_tmy3
from twin.files import Table, decode, fault, numbers, read_bytes, read_stamps, read_table, split_unit, tame
from twin.weather_record import DAY_S, RawWeather

Array = NDArray[np.float64]

LIMIT = 64_000_000  # bytes; a weather year is about 2 MB
MAX_GRID = 600_000  # a year of minutes
KELVIN = 273.15


def read_weather(path: Path) -> RawWeather:
    """Read a weather file of any known format, told by its content."""
    where = path.name
    text = decode(read_bytes(path, LIMIT), where).lstrip("\ufeff \r\n")
    if text[:9].upper() in {"LOCATION,", "LOCATION;"}:
        return read_epw(text, where)
    if text.startswith("{"):
        return read_open_meteo(text, where)
    if "Date (MM/DD/YYYY)" in text[:400]:
        return read_tmy3(text, where)
    return read_csv(text, where)


OPEN_METEO = {
    "dry_bulb": ("temperature_2m",),
    "dew_point": ("dew_point_2m", "dewpoint_2m"),
    "humidity": ("relative_humidity_2m", "relativehumidity_2m"),
    "wet_bulb": ("wet_bulb_temperature_2m",),
    "pressure": ("surface_pressure",),
}


def read_open_meteo(text: str, where: str) -> RawWeather:
    """Answer of the Open-Meteo historical API, on its own fixed offset; values hold at their stamps."""
    try:
        answer = json.loads(text)
        hourly, units = answer["hourly"], answer.get("hourly_units", {})
        times = hourly["time"]
        facts = [
            float(answer.get(key, float("nan")))
            for key in ("latitude", "longitude", "utc_offset_seconds", "elevation")
        ]
        if not isinstance(times, list) or not isinstance(units, dict) or len(times) < 24:
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise fault(
            where,
            f"is no complete Open-Meteo answer ({type(error).__name__} {error})".strip(),
            "JSON with hourly.time, hourly.temperature_2m and hourly.relative_humidity_2m or dew_point_2m",
            "fetch it again with these hourly variables",
        ) from None
    latitude, longitude, offset_s, elevation = facts
    if not abs(offset_s) <= 14 * 3600:
        raise fault(f"{where} → utc_offset_seconds", f"{offset_s:g}", "-50400 to 50400", "fetch it again")
    columns = {}
    for name, keys in OPEN_METEO.items():
        key = next((key for key in keys if key in hourly), None)
        if key is not None:
            column = _json_numbers(hourly[key], len(times), f"{where} → hourly.{key}")
            columns[name] = _convert(column, str(units.get(key, "")), name, f"{where} → hourly.{key}")
    _need_air(columns, where, "temperature_2m", "relative_humidity_2m or dew_point_2m")
    seconds, first = _json_times(times, offset_s, where)
    columns, start, step_s, notes = _regular(columns, seconds, first, where)
    if "surface_pressure" not in hourly and "pressure_msl" in hourly:
        notes.append("pressure_msl is reduced to sea level and was not used")
    return RawWeather(
        name=str(answer.get("timezone") or where) if isinstance(answer.get("timezone"), str) else where,
        source=f"Open-Meteo historical API, file {where}",
        start=start,
        step_s=step_s,
        utc_offset_h=offset_s / 3600.0,
        value_at=0.0,
        columns=columns,
        latitude=latitude,
        longitude=longitude,
        altitude=elevation if np.isfinite(elevation) else None,
        notes=notes,
    )


def _json_numbers(values: Any, n: int, where: str) -> Array:
    if not isinstance(values, list) or len(values) != n:
        raise fault(where, "not one value per hour", f"{n} numbers", "fetch it again")
    if any(isinstance(value, (str, list, dict, bool)) for value in values):
        raise fault(where, "a value that is no number", "numbers and null", "fetch it again")
    try:
        return tame(np.array([np.nan if value is None else value for value in values], dtype=np.float64))
    except (ValueError, TypeError, OverflowError):
        raise fault(where, "a value that is no number", "numbers and null", "fetch it again") from None


def _json_times(times: list[Any], offset_s: float, where: str) -> tuple[Array, np.datetime64]:
    try:
        if isinstance(times[0], (int, float)):  # timeformat=unixtime: UTC
            stamps = (np.array(times, dtype=np.int64) + int(offset_s)).astype("datetime64[s]")
        else:
            if any(not isinstance(time, str) or time[10:].strip("T 0123456789:.") for time in times):
                raise ValueError("a time with a zone or without a date")
            stamps = np.array(times, dtype="datetime64[s]")
        if np.isnat(stamps).any():
            raise ValueError("an empty time")
    except (ValueError, TypeError, OverflowError) as error:
        raise fault(
            f"{where} → hourly.time", f"{error}", "ISO times such as 2023-01-01T00:00", "fetch it again"
        ) from None
    return np.asarray((stamps - stamps[0]) / np.timedelta64(1, "s"), dtype=np.float64), stamps[0]


CSV_NAMES = {
    "dry_bulb": "dry_bulb drybulb dry_bulb_temperature temperature temp air_temperature temp_air "
    "temperature_2m t_out outdoor_temperature oa_drybulb_temp",
    "dew_point": "dew_point dewpoint dew_point_temperature temp_dew dew_point_2m dp_out",
    "humidity": "relative_humidity humidity rh rhum relative_humidity_2m rh_out",
    "wet_bulb": "wet_bulb wetbulb wet_bulb_temperature oa_wetbulb_temp",
    "pressure": "pressure station_pressure surface_pressure atmospheric_pressure",
}
CSV_TIMES = "time timestamp datetime date date_time datetime_utc datetime_local local_time"
UNIT_SUFFIXES = {
    "degc": "degC",
    "degf": "degF",
    "c": "degC",
    "f": "degF",
    "pct": "%",
    "percent": "%",
    "pa": "Pa",
    "hpa": "hPa",
    "kpa": "kPa",
    "mbar": "mbar",
}


def read_csv(text: str, where: str) -> RawWeather:
    """Plain CSV: a time column and dry bulb with dew point, relative humidity or wet bulb; pressure if known.

    Header names are those of ``CSV_NAMES`` with the unit in brackets or as suffix (``dry_bulb [degC]``,
    ``pressure_hpa``). Lines ``# name:``, ``# latitude:``, ``# longitude:``, ``# altitude: 111 m`` and ``#
    utc_offset: 1`` may stand above. Values hold at the start of their interval.
    """
    table = read_table(text, where)
    found: dict[str, tuple[int, str]] = {}
    time_index = None
    for index, header in enumerate(table.names):
        name, unit = _plain_name(header)
        if time_index is None and name in CSV_TIMES.split():
            time_index = index
        for variable, names in CSV_NAMES.items():
            if name in names.split() and variable not in found:
                found[variable] = (index, unit)
    if time_index is None:
        raise fault(
            where, f"columns {', '.join(table.names)[:200]}", "a column 'time'", "name the time column"
        )
    columns = {
        variable: _convert(table.numbers(index), unit, variable, f"{where} → column '{table.names[index]}'")
        for variable, (index, unit) in found.items()
    }
    _need_air(columns, where, "dry_bulb [degC]", "relative_humidity [%], dew_point [degC] or wet_bulb [degC]")
    stamps = read_stamps(table.columns[time_index], f"{where} → column '{table.names[time_index]}'")
    if stamps.first is None or np.isnan(stamps.seconds).any():
        raise fault(
            f"{where} → time", "not every row has a date and time", "e.g. 2023-01-01 00:00", "complete it"
        )
    columns, start, step_s, notes = _regular(columns, stamps.seconds, stamps.first, where)
    offset = _comment(table, "utc_offset", 14.0)
    if stamps.utc and offset is None:
        notes.append("times are UTC and no '# utc_offset' is given: the clock of this weather is UTC")
    elif stamps.utc and offset is not None:
        start = start + np.timedelta64(round(offset * 3600), "s")
    elif offset is None:
        notes.append("no '# utc_offset' is given: times taken as local standard time, offset as 0")
    units = ", ".join(f"{table.names[index]}" for index, unit in found.values() if not unit)
    if units:
        notes.append(f"no unit in header of {units}: taken as °C, % and Pa")
    return RawWeather(
        name=table.comments.get("name", where),
        source=f"CSV file {where}",
        start=start,
        step_s=step_s,
        utc_offset_h=offset or 0.0,
        value_at=0.0,
        columns=columns,
        latitude=_or_nan(_comment(table, "latitude", 90.0)),
        longitude=_or_nan(_comment(table, "longitude", 180.0)),
        altitude=_comment(table, "altitude", 6000.0),
        notes=notes,
    )


def _plain_name(header: str) -> tuple[str, str]:
    name, unit = split_unit(header)
    name = name.lower().replace(" ", "_").replace("-", "_").replace(".", "_")
    head, _, tail = name.rpartition("_")
    if not unit and head and tail in UNIT_SUFFIXES:
        return head, UNIT_SUFFIXES[tail]
    return name, unit


def _comment(table: Table, key: str, limit: float) -> float | None:
    cell = table.comments.get(key)
    if cell is None:
        return None
    value = float(numbers([cell.split()[0] if cell.split() else ""], f"{table.where} → # {key}")[0])
    if not abs(value) <= limit:
        raise fault(f"{table.where} → # {key}", cell, f"-{limit:g} to {limit:g}", "correct the line")
    return value


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _need_air(columns: dict[str, Array], where: str, dry: str, moist: str) -> None:
    if "dry_bulb" not in columns:
        raise fault(where, "no dry-bulb temperature", f"a column {dry}", "add it, or name it so")
    if not {"humidity", "dew_point", "wet_bulb"} & set(columns):
        raise fault(where, "no humidity", f"a column {moist}", "add it, or name it so")


def _convert(values: Array, unit: str, variable: str, where: str) -> Array:
    plain = unit.strip().replace("°", "deg").lower()
    if variable == "humidity":
        factors = {"": 1.0, "%": 1.0, "1": 100.0, "-": 100.0}
        if not unit and np.nanmax(values, initial=0.0) <= 1.0:
            raise fault(
                where, "all values are 1 or less and no unit", "percent, or the unit [1]", "add [%] or [1]"
            )
    elif variable == "pressure":
        factors = {"": 1.0, "pa": 1.0, "hpa": 100.0, "mbar": 100.0, "kpa": 1000.0, "bar": 1e5}
    elif plain in {"degf", "f"}:
        return np.asarray((values - 32.0) / 1.8)
    elif plain == "k":
        return np.asarray(values - KELVIN)
    else:
        factors = {"": 1.0, "degc": 1.0, "c": 1.0}
    if plain not in factors:
        raise fault(where, f"unit '{unit}'", ", ".join(f"[{name}]" for name in factors if name), "convert it")
    return np.asarray(values * factors[plain])


def _regular(
    columns: dict[str, Array], seconds: Array, first: np.datetime64, where: str
) -> tuple[dict[str, Array], np.datetime64, float, list[str]]:
    """Put readings on regular steps: sort, drop repeated stamps, leave NaN where a row is missing."""
    notes = []
    order = np.argsort(seconds, kind="stable")
    times, unique = np.unique(seconds[order], return_index=True)
    pick = order[unique]
    if pick.size < seconds.size:
        notes.append(f"{seconds.size - pick.size} rows with a repeated time were dropped")
    if (np.diff(seconds) < 0).any():
        notes.append("rows were put in order of time")
    if times.size < 24:
        raise fault(where, f"{times.size} rows", "at least 24 steps", "give a longer record")
    step = float(np.median(np.diff(times)))
    slots = (times - times[0]) / step
    n = round(float(slots[-1])) + 1
    if not 1.0 <= step <= 3600.0 or n > MAX_GRID or (np.abs(slots - np.round(slots)) > 0.01).any():
        raise fault(
            where,
            f"times from {first} on are not in even steps (usual step {step:g} s, {times.size} rows)",
            "even steps of 1 s to 1 h, up to a year of minutes",
            "resample it to whole hours",
        )
    if n < DAY_S / step:
        raise fault(where, f"covers {n * step / 3600:g} h", "at least 24 h", "give a longer record")
    out = {}
    for name, values in columns.items():
        grid = np.full(n, np.nan)
        grid[np.round(slots).astype(int)] = values[pick]
        out[name] = grid
    start = (first + np.timedelta64(round(float(times[0]) * 1000.0), "ms")).astype("datetime64[s]")
    return out, start, step, notes
