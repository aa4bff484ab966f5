"""Outdoor air over time: weather files, the embedded typical years, design days and finer steps.

Intervals are labelled at their start on the site's local standard clock. ``value_at`` says where in its
interval a value holds: EPW and TMY3 observe at the end of the hour (row 1, "hour 1", covers 00:00-01:00),
other records at the start. It matters only when ``resample`` interpolates.
"""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from twin_models.psychrometrics.psychrometrics import (
    humidity_ratio_from_wet_bulb,
    saturation_humidity_ratio,
    wet_bulb,
)
from twin_sites.errors import did_you_mean

from twin.climate import places, synthetic, warmer
from twin.files import fault
from twin.weather_files import read_weather
from twin.weather_record import DAY_S, YEAR_S, DesignConditions, RawWeather, complete

Array = NDArray[np.float64]

EXCEEDED = 99.6  # percentile of the 0.4 % condition
ESTIMATED_EXTREME_MARGIN = 2.0  # K above the year's maximum where no design conditions are stated
ESTIMATED_DAILY_RANGE = 11.0  # K, middle of the stations embedded here
EXTREME_YEARS = 20  # return period of the extreme dry bulb, the one data-center siting practice uses
HOTTEST_HOUR = 15.0
MOST_WARMER = 10.0  # K, of a morph: beyond what any scenario of this century holds
_WARMER = re.compile(r"(.+?)\s*\+\s*(\d+(?:\.\d+)?)\s*K")
SCALE = {"dry_bulb": 0.1, "dew_point": 0.1, "pressure": 10.0}  # of the embedded integers, to °C and Pa


@dataclass(frozen=True, eq=False)
class Weather:
    """Outdoor air on regular steps; arrays are read-only and of one length.

    ``filled`` counts the values per variable that were interpolated; ``key`` is a hash of the content.
    """

    name: str
    source: str
    start: np.datetime64
    utc_offset_h: float
    step_s: float
    dry_bulb: Array  # °C
    wet_bulb: Array  # °C, thermodynamic
    humidity_ratio: Array  # kg/kg dry air
    pressure: Array  # Pa at the station
    latitude: float
    longitude: float
    altitude: float  # m
    design: DesignConditions | None
    filled: dict[str, int]
    notes: tuple[str, ...]
    key: str
    value_at: float = 0.0

    @property
    def n(self) -> int:
        """Number of steps."""
        return int(self.dry_bulb.size)

    @property
    def times(self) -> NDArray[np.datetime64]:
        """Start of every interval."""
        steps = np.round(np.arange(self.n) * self.step_s * 1000.0).astype("timedelta64[ms]")
        return np.asarray(self.start.astype("datetime64[ms]") + steps)

    @property
    def whole_year(self) -> bool:
        """Whether it covers a year, so that its end continues with its beginning."""
        return self.n * self.step_s >= YEAR_S - 1.0


def load_weather(name_or_path: str | Path) -> Weather:
    """An embedded year by name (see ``weathers``) or a weather file by path; ``phoenix + 2 K`` is warmer by so much.

    Raises ``InputError`` for anything that cannot be used.
    """
    if isinstance(name_or_path, str):
        if name_or_path in _sites():
            return _embedded(name_or_path)
        if name_or_path in weathers():
            return _synthetic(name_or_path)
        match = _WARMER.fullmatch(name_or_path)
        if match is not None:
            return _warmer(load_weather(match[1]), float(match[2]))
        if "\0" in name_or_path or len(name_or_path) > 4000 or not _on_disk(name_or_path):
            remedy = did_you_mean(name_or_path[:80], weathers())
            raise fault(
                "weather",
                f"'{name_or_path[:80]}' is no embedded year and no file",
                "a name or a path",
                remedy,
            )
    return from_raw(read_weather(Path(name_or_path)))


def is_embedded(name: str) -> bool:
    """Whether a name needs no file: a year that comes with the program, or one of them made warmer."""
    while name not in weathers():
        match = _WARMER.fullmatch(name)
        if match is None:
            return False
        name = match[1]
    return True


def _on_disk(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:
        return False


def weathers() -> dict[str, str]:
    """Names of the embedded years and their places; a synthetic year says so."""
    recorded = {name: str(site["place"]) for name, site in _sites().items()}
    made = {name: f"{site['place']}, synthetic" for name, site in places().items() if name != "about"}
    return recorded | made


@cache
def _synthetic(name: str) -> Weather:
    return from_raw(synthetic(name))


def _warmer(weather: Weather, kelvin: float) -> Weather:
    """The weather of a warmer climate: every hour by so much, at its relative humidity; no design conditions of its own."""
    if not 0.0 <= kelvin <= MOST_WARMER:
        raise fault("weather", f"{kelvin:g} K warmer", f"0 to {MOST_WARMER:g} K", "'phoenix + 2 K'")
    dry, wet, ratio = warmer(weather.dry_bulb, weather.humidity_ratio, weather.pressure, kelvin)
    plain = weather.name.removesuffix(" (synthetic)")
    note = (
        f"warmer by {kelvin:g} K at unchanged relative humidity: synthetic, no projection of a climate model"
    )
    made = replace(
        weather, name=f"{plain} + {kelvin:g} K (synthetic)", dry_bulb=dry, wet_bulb=wet, humidity_ratio=ratio,
        design=None, notes=(*weather.notes, note), key="",
    )  # fmt: skip
    return _frozen(made)


@cache
def _sites() -> dict[str, dict[str, Any]]:
    text = (files("twin_data") / "weather" / "sites.json").read_text(encoding="utf-8")
    sites: dict[str, dict[str, Any]] = json.loads(text)
    return sites


@cache
def _embedded(name: str) -> Weather:
    site = _sites()[name]
    stated = site["design"]
    design = None
    if stated is not None:
        tuples = {key: tuple(stated[key]) for key in ("extreme_dry_bulb", "years")}
        design = DesignConditions(**{**stated, **tuples})
    with (files("twin_data") / "weather" / f"{name}.npz").open("rb") as stream, np.load(stream) as stored:
        # Rounding gives back the very numbers of the file: 372 * 0.1 is not 37.2.
        columns = {key: np.round(stored[key] * scale, 1) for key, scale in SCALE.items()}
    return from_raw(
        RawWeather(
            name=name,
            source=str(site["source"]),
            start=np.datetime64(str(site["start"]), "s"),
            step_s=3600.0,
            value_at=1.0,
            design=design,
            columns=columns,
            **{key: site[key] for key in ("latitude", "longitude", "altitude", "utc_offset_h")},
        )
    )


def from_raw(raw: RawWeather) -> Weather:
    """The weather of a record as read. Raises ``InputError``."""
    done = complete(raw)
    return _frozen(
        Weather(
            name=raw.name,
            source=raw.source,
            start=raw.start,
            utc_offset_h=raw.utc_offset_h,
            step_s=raw.step_s,
            latitude=raw.latitude,
            longitude=raw.longitude,
            design=raw.design,
            key="",
            value_at=raw.value_at,
            **done._asdict(),
        )
    )


def _frozen(weather: Weather) -> Weather:
    """Lock the arrays and set the key."""
    digest = hashlib.sha256()
    facts = (
        weather.start,
        weather.utc_offset_h,
        weather.step_s,
        weather.altitude,
        weather.design,
        weather.value_at,
    )
    digest.update(repr(tuple(str(fact) for fact in facts)).encode())
    for values in (weather.dry_bulb, weather.wet_bulb, weather.humidity_ratio, weather.pressure):
        values.setflags(write=False)
        digest.update(np.ascontiguousarray(values).tobytes())
    object.__setattr__(weather, "key", digest.hexdigest()[:16])
    return weather


def resample(
    weather: Weather, step_s: float, *, start: np.datetime64 | None = None, n: int | None = None
) -> Weather:
    """The same weather on steps of ``step_s``, linearly interpolated between the moments at which values
    hold.

    A coarser step averages (whole multiples only). A year continues with its own beginning; a shorter record
    holds its ends. With ``start`` and ``n`` only that window is made, found by its place in the calendar, so
    that a day of 15 s steps never builds a year of them. Raises ``InputError``.
    """
    if not (np.isfinite(step_s) and 0.001 <= step_s <= 366 * DAY_S):
        raise fault("weather step", f"{step_s:g} s", "1 ms to a year", "give the run's step")
    offset = 0.0 if start is None else calendar_offset(weather.start, start, weather.whole_year)
    span = weather.n * weather.step_s
    count = int(span / step_s + 1e-9) if n is None else int(n)
    if count < 1 or (not weather.whole_year and (offset < 0.0 or offset + count * step_s > span + 1e-6)):
        raise fault(
            f"weather {weather.name}",
            f"{count} steps of {step_s:g} s from {start if start is not None else weather.start} are asked",
            f"{span / 3600:g} h from {weather.start}",
            "choose a window inside the record or a whole year of weather",
        )
    notes, value_at = weather.notes, weather.value_at
    columns = {
        name: getattr(weather, name) for name in ("dry_bulb", "wet_bulb", "humidity_ratio", "pressure")
    }
    if step_s == weather.step_s and offset % step_s == 0.0:
        index = np.arange(count) + int(offset / step_s)
        columns = {name: np.take(values, index, mode="wrap") for name, values in columns.items()}
    elif step_s > weather.step_s:
        parts = step_s / weather.step_s
        if parts != int(parts) or offset % weather.step_s:
            raise fault(
                "weather step", f"{step_s:g} s", f"whole multiples of {weather.step_s:g} s", "choose one"
            )
        index = np.arange(count * int(parts)) + int(offset / weather.step_s)
        columns = {
            name: np.take(values, index, mode="wrap").reshape(count, -1).mean(axis=1)
            for name, values in columns.items()
        }
        value_at = 0.5
    else:
        at = (offset + (np.arange(count) + value_at) * step_s) / weather.step_s - value_at
        low = np.floor(at).astype(np.int64)
        share = at - low
        last = weather.n - 1
        ends = (low % weather.n, (low + 1) % weather.n)
        if not weather.whole_year:
            ends = (np.clip(low, 0, last), np.clip(low + 1, 0, last))
        columns = {
            name: values[ends[0]] * (1.0 - share) + values[ends[1]] * share
            for name, values in columns.items()
        }
        notes = (*notes, f"interpolated from {weather.step_s:g} s to {step_s:g} s")
    # A chord over the convex saturation curve lies above it.
    columns["wet_bulb"] = np.minimum(columns["wet_bulb"], columns["dry_bulb"])
    first = weather.start.astype("datetime64[ms]") + np.timedelta64(round(offset * 1000.0), "ms")
    begin = first if start is None else start.astype("datetime64[ms]")
    return _frozen(
        replace(weather, step_s=float(step_s), start=begin, value_at=value_at, notes=notes, **columns)
    )


def calendar_offset(have: np.datetime64, want: np.datetime64, by_calendar: bool) -> float:
    """Seconds from ``have`` to ``want``; ``by_calendar`` compares places in the year, so years may differ."""
    have, want = have.astype("datetime64[ms]"), want.astype("datetime64[ms]")
    if by_calendar:
        have, want = (
            moment - moment.astype("datetime64[Y]").astype("datetime64[ms]") for moment in (have, want)
        )
    return float((want - have) / np.timedelta64(1, "s"))


def design_day(
    weather: Weather,
    which: Literal["0.4%", "extreme"] = "0.4%",
    *,
    basis: Literal["dry_bulb", "wet_bulb"] = "dry_bulb",
    shape: Literal["sine", "constant"] = "sine",
) -> Weather:
    """24 hours that peak at a design condition: dry bulb with its coincident wet bulb (dry coolers,
    condensers) or wet bulb with its coincident dry bulb (towers, adiabatic coolers).

    The conditions are the station's (EPW); "extreme" is the 20-year dry bulb or the highest wet bulb on
    record, with the coincident value of the 0.4 % condition. Without stated conditions 0.4 % is taken from
    the year's own values and the extreme is the year's maximum + 2 K, both noted as estimates. ``sine``
    swings by the daily range around a 15:00 peak at constant humidity ratio (saturated where colder),
    ``constant`` stays at the peak all day.
    """
    for word, allowed in (
        (which, ("0.4%", "extreme")),
        (basis, ("dry_bulb", "wet_bulb")),
        (shape, ("sine", "constant")),
    ):
        if word not in allowed:
            raise fault("design day", f"'{word}'", " or ".join(allowed), did_you_mean(str(word), allowed))
    dry, wet, span, note = _design_point(weather, which, basis)
    pressure = np.full(24, float(weather.pressure.mean()))
    hours = np.arange(24.0) + (0.0 if shape == "sine" else HOTTEST_HOUR)
    swing = span if shape == "sine" else 0.0
    dry_bulb = dry - swing * 0.5 * (1.0 - np.cos(2.0 * np.pi * (hours - HOTTEST_HOUR) / 24.0))
    ratio = float(humidity_ratio_from_wet_bulb(dry, wet, pressure[0]))
    ratios = np.minimum(ratio, saturation_humidity_ratio(dry_bulb, pressure))
    wet_bulbs = np.asarray(wet_bulb(dry_bulb, ratios, pressure))
    hottest = weather.times[int(np.argmax(getattr(weather, basis)))]
    return _frozen(
        replace(
            weather,
            name=f"{weather.name}, {which} {basis.replace('_', ' ')} design day",
            start=hottest.astype("datetime64[D]").astype("datetime64[s]"),
            step_s=3600.0,
            dry_bulb=dry_bulb,
            wet_bulb=wet_bulbs,
            humidity_ratio=ratios,
            pressure=pressure,
            value_at=0.0,
            filled={},
            notes=(note,),
        )
    )


def _design_point(weather: Weather, which: str, basis: str) -> tuple[float, float, float, str]:
    """Dry bulb, wet bulb and daily range of a design condition, and where they come from."""
    design = weather.design
    if design is not None:
        if basis == "dry_bulb":
            dry, wet = design.dry_bulb, design.dry_bulb_mcwb
            if which == "extreme":
                dry = max(dry, design.extreme_dry_bulb[design.years.index(EXTREME_YEARS)])
        else:
            dry, wet = design.wet_bulb_mcdb, design.wet_bulb
            if which == "extreme":
                wet = max(wet, design.extreme_wet_bulb)
                dry = max(dry, wet)
        return dry, wet, design.daily_range, f"design conditions: {design.source}"
    values: Array = getattr(weather, basis)
    other: Array = weather.wet_bulb if basis == "dry_bulb" else weather.dry_bulb
    if which == "0.4%" and weather.whole_year:
        peak = float(np.percentile(values, EXCEEDED))
        note = "no design conditions stated: estimated from this year's own 99.6 % value"
    else:
        peak = float(values.max()) + ESTIMATED_EXTREME_MARGIN
        note = "no design conditions stated: estimated as this record's maximum + 2 K"
    near = float(other[values >= min(peak, float(values.max())) - 0.5].mean())
    dry, wet = (peak, min(near, peak)) if basis == "dry_bulb" else (max(near, peak), peak)
    return dry, wet, ESTIMATED_DAILY_RANGE, note


__all__ = ["DesignConditions", "Weather", "design_day", "load_weather", "resample", "weathers"]
