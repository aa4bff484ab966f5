"""Moist air after the ASHRAE Handbook of Fundamentals (2017), chapter 1: perfect-gas forms, vectorised.

Temperatures in °C, pressures in Pa, humidity ratios in kg water per kg dry air, enthalpies in J per kg dry
air (zero at 0 °C dry air and liquid water). Every function broadcasts and takes plain floats.

Water or ice: the saturation curve changes from ice to liquid at the triple point, where both agree. The
wet-bulb equation of the Handbook does not: its latent heat jumps at 0 °C, so that a band of states has two
wet bulbs, one below zero over ice and one above over water. ``wet_bulb`` crosses that band with a wick that
is part ice, in proportion to the place of the state in the band: outside the band it is the Handbook's
equation, and it is continuous everywhere.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from twin_models.streams import Real

RATIO = 0.621945  # molar mass of water over that of dry air
GAS_CONSTANT = 287.042  # J/(kg·K) of dry air
KELVIN = 273.15
TRIPLE_POINT = 0.01  # °C
DRY_AIR_HEAT = 1006.0  # J/(kg·K)
VAPOUR_HEAT = 1860.0  # J/(kg·K)
LATENT_HEAT = 2.501e6  # J/kg at 0 °C
STANDARD_PRESSURE = 101325.0  # Pa at sea level
LEAST_HUMIDITY_RATIO = 1e-7  # keeps the dew point of bone-dry air finite
VALID_TEMPERATURE = (-100.0, 200.0)  # °C, of the saturation curve

# Hyland and Wexler's ln(p/Pa) as the Handbook prints it: 1/T, 1, T, T², T³, T⁴, ln T with T in kelvin.
OVER_ICE = (-5674.5359, 6.3925247, -9.677843e-3, 6.2215701e-7, 2.0747825e-9, -9.484024e-13, 4.1635019)
OVER_WATER = (-5800.2206, 1.3914993, -4.8640239e-2, 4.1764768e-5, -1.4452093e-8, 0.0, 6.5459673)

# Wet-bulb equation, J/kg and J/(kg·K): latent heat at 0 °C, its fall with the wet bulb, heat of ice or water.
WICK_ICE = (2.830e6, 240.0, 2100.0)
WICK_WATER = (2.501e6, 2326.0, 4186.0)
WET_BULB_STEPS = 7
SATURATION_STEPS = 15


def saturation_pressure(t: Real) -> Any:
    """Pressure of saturated vapour, Pa: over ice below the triple point, over water above it (eqs. 5, 6)."""
    kelvin = np.asarray(t, dtype=float) + KELVIN
    log = np.log(kelvin)
    cold = kelvin < TRIPLE_POINT + KELVIN
    if not cold.any():
        return np.exp(_log_pressure(kelvin, log, OVER_WATER))
    if cold.all():
        return np.exp(_log_pressure(kelvin, log, OVER_ICE))
    return np.exp(
        np.where(cold, _log_pressure(kelvin, log, OVER_ICE), _log_pressure(kelvin, log, OVER_WATER))
    )


@lru_cache(maxsize=256)
def _saturation_of(t: float) -> float:
    return float(saturation_pressure(t))


def humidity_ratio(t: Real, rh: Real, p: Real) -> Any:
    """Humidity ratio at relative humidity ``rh`` (0 to 1) (eqs. 12, 20)."""
    return _ratio_of_vapour(rh * saturation_pressure(t), p)


def saturation_humidity_ratio(t: Real, p: Real) -> Any:
    """Humidity ratio of saturated air (eq. 21)."""
    return _ratio_of_vapour(saturation_pressure(t), p)


def humidity_ratio_from_dew_point(t_dp: Real, p: Real) -> Any:
    """Humidity ratio of air with dew (or frost) point ``t_dp`` (eq. 36)."""
    return _ratio_of_vapour(_saturation_of(t_dp) if isinstance(t_dp, float) else saturation_pressure(t_dp), p)


def humidity_ratio_from_wet_bulb(t: Real, t_wb: Real, p: Real) -> Any:
    """Humidity ratio from dry and wet bulb, at least zero: over ice below 0 °C wet bulb (eqs. 33, 35).

    Inverse of :func:`wet_bulb` except in the band around 0 °C that the module's head describes.
    """
    frozen = np.asarray(t_wb) < 0.0
    latent, fall, condensed = (np.where(frozen, i, w) for i, w in zip(WICK_ICE, WICK_WATER, strict=True))
    saturated = saturation_humidity_ratio(t_wb, p)
    evaporated = (latent - fall * t_wb) * saturated - DRY_AIR_HEAT * (t - t_wb)
    return np.maximum(evaporated / (latent + VAPOUR_HEAT * t - condensed * t_wb), 0.0)


def relative_humidity(t: Real, w: Real, p: Real) -> Any:
    """Relative humidity, 0 to 1 (above 1 in fog) (eqs. 12, 20 solved for it)."""
    return _vapour_pressure(w, p) / saturation_pressure(t)


def dew_point(w: Real, p: Real) -> Any:
    """Dew point, °C (frost point below 0.01 °C): the saturation curve inverted by Newton.

    Steps from a Magnus formula until the change is below 1e-9 K over -90 to 100 °C.
    """
    log_p = np.log(_vapour_pressure(np.maximum(w, LEAST_HUMIDITY_RATIO), p))
    x = log_p - np.log(611.2)
    t = np.where(x < 0.0, 272.62 * x / (22.46 - x), 243.12 * x / (17.62 - x))
    for _ in range(3):
        t = t - (np.log(saturation_pressure(t)) - log_p) / _log_slope(t)
    return t


def wet_bulb(t: Real, w: Real, p: Real) -> Any:
    """Thermodynamic wet bulb, °C, continuous through 0 °C (eqs. 33, 35 solved by Newton).

    The residual is increasing and convex in the wet bulb, so Newton's steps from the dry bulb come down on
    the root without overshoot. Air beyond saturation returns its dry bulb.
    """
    t, w = np.asarray(t, dtype=float), np.asarray(w, dtype=float)
    at_ice, at_water = (_wick_humidity(t, 0.0, p, wick) for wick in (WICK_ICE, WICK_WATER))
    width = np.maximum(at_ice - at_water, 1e-12)
    liquid = np.where(t < 0.0, 0.0, np.clip((w - at_water) / width, 0.0, 1.0))
    latent, fall, condensed = (i + liquid * (a - i) for i, a in zip(WICK_ICE, WICK_WATER, strict=True))
    t_wb = t + 0.0 * liquid
    for _ in range(WET_BULB_STEPS):
        saturated = saturation_humidity_ratio(t_wb, p)
        slope = saturated * (1.0 + saturated / RATIO) * _log_slope(t_wb)
        residual = (latent - fall * t_wb) * saturated - DRY_AIR_HEAT * (t - t_wb)
        residual = residual - w * (latent + VAPOUR_HEAT * t - condensed * t_wb)
        t_wb = t_wb - residual / (
            (latent - fall * t_wb) * slope - fall * saturated + DRY_AIR_HEAT + condensed * w
        )
        t_wb = np.minimum(t_wb, t)
    return t_wb


def enthalpy(t: Real, w: Real) -> Any:
    """Enthalpy of moist air, J per kg dry air (eq. 30)."""
    return DRY_AIR_HEAT * t + w * (LATENT_HEAT + VAPOUR_HEAT * t)


def temperature_from_enthalpy(h: Real, w: Real) -> Any:
    """Dry bulb, °C, of air with enthalpy ``h`` and humidity ratio ``w`` (eq. 30 solved for it)."""
    return (h - LATENT_HEAT * w) / (DRY_AIR_HEAT + VAPOUR_HEAT * w)


def temperature_of_saturated_enthalpy(h: Real, p: Real, start: Real = 20.0) -> Any:
    """Temperature, °C, of saturated air with enthalpy ``h`` J/kg dry air, by Newton from ``start``.

    The enthalpy is increasing and convex in the temperature: from any start one step lands above the root
    and the following ones come down on it. They end when the last one was below 1e-6 K, which leaves an
    error below 1e-8 K.
    """
    t = start + 0.0 * np.asarray(h, dtype=float)
    for _ in range(SATURATION_STEPS):
        w = saturation_humidity_ratio(t, p)
        slope = heat_capacity(w) + (LATENT_HEAT + VAPOUR_HEAT * t) * w * (1.0 + w / RATIO) * _log_slope(t)
        step = np.minimum((h - enthalpy(t, w)) / slope, 20.0)
        t = t + step
        if np.max(np.abs(step), initial=0.0) < 1e-6:
            break
    return t


def density(t: Real, w: Real, p: Real) -> Any:
    """Density, kg of moist air per m³ (eqs. 11, 26)."""
    return p * (1.0 + w) / (GAS_CONSTANT * (t + KELVIN) * (1.0 + w / RATIO))


def heat_capacity(w: Real) -> Any:
    """Heat capacity of moist air, J per kg dry air and K (slope of eq. 30)."""
    return DRY_AIR_HEAT + VAPOUR_HEAT * w


def standard_pressure(altitude: Real) -> Any:
    """Pressure of the standard atmosphere, Pa, at ``altitude`` m, -5000 to 11000 (eq. 3)."""
    return STANDARD_PRESSURE * (1.0 - 2.25577e-5 * np.asarray(altitude, dtype=float)) ** 5.2559


def _log_pressure(kelvin: Any, log: Any, c: tuple[float, ...]) -> Any:
    """Hyland and Wexler's polynomial in Horner's form."""
    rest = c[2] + kelvin * (c[3] + kelvin * (c[4] + kelvin * c[5] if c[5] else c[4]))
    return c[0] / kelvin + c[1] + kelvin * rest + c[6] * log


def _log_slope(t: Any) -> Any:
    """d ln(p)/dT, 1/K, by the Magnus form: within 1 %, which a Newton step forgives."""
    return np.where(t < TRIPLE_POINT, 6123.0 / (272.62 + t) ** 2, 4283.8 / (243.12 + t) ** 2)


def _ratio_of_vapour(p_w: Real, p: Real) -> Any:
    return RATIO * p_w / (p - p_w)


def _vapour_pressure(w: Real, p: Real) -> Any:
    return p * w / (RATIO + w)


def _wick_humidity(t: Any, t_wb: float, p: Real, wick: tuple[float, float, float]) -> Any:
    latent, fall, condensed = wick
    evaporated = (latent - fall * t_wb) * saturation_humidity_ratio(t_wb, p) - DRY_AIR_HEAT * (t - t_wb)
    return evaporated / (latent + VAPOUR_HEAT * t - condensed * t_wb)
