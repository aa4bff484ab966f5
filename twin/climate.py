"""Synthetic weather years from monthly normals, and years of a warmer climate. Neither is a record of any year.

A synthetic year has the months' mean daily maximum, mean daily minimum and mean dew point. Around them stand the days of
a seeded first-order autoregression, warmer and moister together as far as they are correlated, with daily ranges that
vary from day to day. What is lost is what normals do not hold: skewed winters, heat waves longer than the autoregression
makes them, sea breezes, fog.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twin_models.psychrometrics.psychrometrics import (
    dew_point,
    humidity_ratio,
    relative_humidity,
    standard_pressure,
    wet_bulb,
)

from twin.weather_record import RawWeather

Array = NDArray[np.float64]

DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MONTH = np.repeat(np.arange(12), DAYS)
HOURS = 24
RANGE_SPREAD = 0.30  # of daily ranges over their month's mean; 0.23 to 0.38 in the sixteen embedded years
RANGE_WITH_WARMTH = 0.2  # correlation of a day's range with its warmth; -0.4 to 0.6 there
NARROWEST, WIDEST = 0.25, 2.0  # of daily ranges over their month's mean
ABOVE_MEAN = (
    0.013  # of the range: how far the middle of the extremes stands above the mean of the hours; fitted there
)
PASSES = 4  # that bring the months' means to the normals
# Hours 0 to 23 of a day about its mean, span 1: means of the sixteen embedded years, December to February and June to August.
WINTER = np.array([-0.26, -0.3, -0.33, -0.36, -0.39, -0.41, -0.42, -0.34, -0.12, 0.1, 0.27, 0.4,
                   0.5, 0.55, 0.56, 0.51, 0.37, 0.2, 0.08, 0.0, -0.07, -0.13, -0.18, -0.22])  # fmt: skip
SUMMER = np.array([-0.34, -0.38, -0.42, -0.46, -0.48, -0.43, -0.27, -0.08, 0.08, 0.22, 0.34, 0.42,
                   0.47, 0.48, 0.47, 0.43, 0.36, 0.26, 0.12, -0.01, -0.09, -0.17, -0.23, -0.28])  # fmt: skip


@dataclass(frozen=True)
class Normals:
    """Twelve monthly values each, °C and K, January first.

    ``day_sd`` and ``dew_sd`` are the standard deviations of daily means about the season's course, ``together`` the
    correlation of the two, ``lag`` the correlation of a day with the next.
    """

    maximum: Sequence[float]
    minimum: Sequence[float]
    dew_point: Sequence[float]
    day_sd: Sequence[float]
    dew_sd: Sequence[float]
    together: float
    lag: float = 0.65


@cache
def places() -> dict[str, dict[str, Any]]:
    """Places with normals, by name; ``about`` says how sure they are."""
    text = (files("twin_data") / "weather" / "normals.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def synthetic(name: str) -> RawWeather:
    """The synthetic year of a place with normals, labelled as such in its name, source and notes."""
    place, about = places()[name], places()["about"]
    guessed = [what for what in ("temperature", "humidity") if what not in place["read"]] + ["spread of days"]
    pressure = float(standard_pressure(place["altitude"]))
    mean = 0.5 * (np.asarray(place["maximum"]) + np.asarray(place["minimum"]))
    ratio = humidity_ratio(mean, np.asarray(place["humidity"]) / 100.0, pressure)
    # January's and July's deviations, the other months on a cosine between them.
    july = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(12) / 12.0)
    day_sd, dew_sd = (place[key][0] * (1.0 - july) + place[key][1] * july for key in ("day_sd", "dew_sd"))
    normals = Normals(
        place["maximum"], place["minimum"], np.asarray(dew_point(ratio, pressure)).tolist(),
        day_sd.tolist(), dew_sd.tolist(), place["together"], about["lag"],
    )  # fmt: skip
    dry, dew = synthetic_year(normals, place["latitude"], about["seed"])
    return RawWeather(
        name=f"{name} (synthetic)",
        source=f"synthetic year from monthly normals ({place['source']}; estimates: {', '.join(guessed)})",
        start=np.datetime64("2023-01-01T00:00:00", "s"),
        step_s=3600.0,
        utc_offset_h=place["utc_offset_h"],
        value_at=0.0,
        columns={"dry_bulb": dry, "dew_point": dew, "pressure": np.full(dry.size, pressure)},
        latitude=place["latitude"],
        longitude=place["longitude"],
        altitude=place["altitude"],
        notes=[f"{place['place']}: a synthetic year from monthly normals, no record"],
    )


def warmer(dry: Array, ratio: Array, pressure: Array, kelvin: float) -> tuple[Array, Array, Array]:
    """Dry bulb, wet bulb and humidity ratio of air that is so much warmer at the same relative humidity.

    That warming leaves relative humidity about unchanged, so that moisture rises by some 7 % a kelvin, is what climate
    models and records agree on (Held and Soden 2006, doi:10.1175/JCLI3990.1); that every hour warms alike is not.
    """
    warm = dry + kelvin
    moist = np.asarray(humidity_ratio(warm, relative_humidity(dry, ratio, pressure), pressure))
    return warm, np.minimum(np.asarray(wet_bulb(warm, moist, pressure)), warm), moist


def synthetic_year(normals: Normals, latitude: float, seed: int) -> tuple[Array, Array]:
    """Dry bulb and dew point of 8,760 hours, °C; the dew point never stands above the dry bulb.

    Parameters
    ----------
    normals
        Monthly values.
    latitude
        Degrees north; says which months have the long days.
    seed
        Of the days; the same seed gives the same year.
    """
    dice = np.random.default_rng(seed)
    warm = _days(dice, normals.lag)
    own = _days(dice, normals.lag)
    together = normals.together
    moist = together * warm + np.sqrt(1.0 - together**2) * own
    warm, moist = _by_month(warm), _by_month(moist)
    free = dice.standard_normal(365)
    spread = RANGE_WITH_WARMTH * warm + np.sqrt(1.0 - RANGE_WITH_WARMTH**2) * free
    spread = np.clip(1.0 + RANGE_SPREAD * spread, NARROWEST, WIDEST)
    high, low = np.asarray(normals.maximum, dtype=float), np.asarray(normals.minimum, dtype=float)
    wanted_dew = np.asarray(normals.dew_point, dtype=float)
    wanted_mean = 0.5 * (high + low) - ABOVE_MEAN * (high - low)
    middle, span, dew = wanted_mean.copy(), high - low, wanted_dew.copy()
    shape = _shapes(latitude)
    day_sd, dew_sd = _course(np.asarray(normals.day_sd)), _course(np.asarray(normals.dew_sd))
    for _ in range(PASSES):
        mean = _course(middle) + day_sd * warm
        ranges = np.maximum(_course(span), 0.1) * spread
        dry = _hourly(mean) + _hourly(ranges) * shape
        wet = np.minimum(_hourly(_course(dew) + dew_sd * moist), dry)
        days = dry.reshape(365, HOURS)
        top, bottom = _monthly(days.max(axis=1)), _monthly(days.min(axis=1))
        middle = middle + wanted_mean - _monthly(days.mean(axis=1))
        span = np.maximum(span * (high - low) / np.maximum(top - bottom, 0.1), 0.1)
        dew = dew + wanted_dew - _monthly(wet.reshape(365, HOURS).mean(axis=1))
    return dry, wet


def _days(dice: np.random.Generator, lag: float) -> Array:
    """A first-order autoregression over a year that closes on itself."""
    noise = dice.standard_normal(2 * 365)
    out = np.zeros(noise.size)
    for i in range(1, noise.size):
        out[i] = lag * out[i - 1] + np.sqrt(1.0 - lag**2) * noise[i]
    return out[365:]


def _by_month(days: Array) -> Array:
    """The same with mean 0 and deviation 1 in every month: a typical year, not a lucky one."""
    out = np.empty(365)
    for month in range(12):
        own = days[month == MONTH]
        out[month == MONTH] = (own - own.mean()) / own.std()
    return out


def _course(monthly: Array) -> Array:
    """Values of 365 days, linear between the middles of the months."""
    ends = np.cumsum(DAYS)
    middles = ends - DAYS / 2.0
    at = np.concatenate([[middles[-1] - 365.0], middles, [middles[0] + 365.0]])
    return np.asarray(
        np.interp(np.arange(365) + 0.5, at, np.concatenate([[monthly[-1]], monthly, [monthly[0]]]))
    )


def _hourly(daily: Array) -> Array:
    """Hours between daily values that hold at noon; the year closes on itself."""
    at = np.arange(-1, 366) * HOURS + HOURS / 2.0
    return np.asarray(
        np.interp(np.arange(365 * HOURS) + 0.5, at, np.concatenate([daily[-1:], daily, daily[:1]]))
    )


def _shapes(latitude: float) -> Array:
    """Shape of every day: the summer's and the winter's, by the season; equally between the tropics."""
    season = -np.cos(2.0 * np.pi * (np.arange(365) - 10.0) / 365.0)  # 1 at the June solstice
    summer = 0.5 + 0.5 * season * np.clip(latitude / 23.44, -1.0, 1.0)
    return np.asarray(summer[:, None] * SUMMER + (1.0 - summer[:, None]) * WINTER).ravel()


def _monthly(daily: Array) -> Array:
    return np.asarray(np.bincount(MONTH, weights=daily) / DAYS)
