"""Liquids that boil at work: saturation pressure, latent heat, densities and surface tension.

Pressure, latent heat, densities and heat capacity restate CoolProp as polynomials (`boiling_coefficients.py`). Surface
tension falls as ``σ = σ25·((Tc − T)/(Tc − 25))^1.26`` (Guggenheim).
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from twin_models.fluids.boiling_coefficients import CRITICAL, SATURATION

Real: TypeAlias = float | NDArray[np.float64]
Array: TypeAlias = NDArray[np.float64]

LOW, HIGH = 0.0, 110.0  # °C, range of the fits
EXPONENT = 1.26  # of the surface tension, Guggenheim (1945): 11/9 for spheres, 1.26 for organic liquids
BISECTIONS = 60


class Transport(NamedTuple):
    """What CoolProp does not have for all of them, near their boiling point."""

    surface_tension_25: float  # N/m at 25 °C
    conductivity: float  # W/(m·K), liquid
    viscosity: float  # Pa·s, liquid
    source: str
    legacy: bool  # a PFAS product whose maker has stopped


RECALLED = "estimate: recalled as typical, no datasheet was seen: "
TRANSPORT = {
    "novec_649": Transport(0.0108, 0.059, 4.0e-4, RECALLED + "fluoroketone, made until 2025", True),
    "r1336mzz_z": Transport(0.0134, 0.076, 3.6e-4, RECALLED + "hydrofluoro-olefin of low warming potential", False),
    "r1233zd_e": Transport(0.0142, 0.083, 4.3e-4, RECALLED + "hydrochlorofluoro-olefin; boils at 18 °C, closed loops", False),
    "cyclopentane": Transport(0.0218, 0.1187, 2.55e-4, "CoolProp at 49 °C; free of fluorine, flammable", False),
}  # fmt: skip
NAMES = tuple(TRANSPORT)


def _at(name: str, key: str, t: Real) -> Array:
    coefficients = SATURATION[name][key]
    x = np.clip(np.asarray(t, dtype=float), LOW, HIGH)
    value = np.full(x.shape, coefficients[0])
    for c in coefficients[1:]:
        value = value * x + c
    return np.asarray(value)


def pressure(name: str, t: Real) -> Array:
    """Saturation pressure in Pa at ``t`` °C."""
    return np.asarray(np.exp(_at(name, "log_pressure", t)))


def saturation_temperature(name: str, p: Real) -> Array:
    """°C at which the liquid boils under ``p`` Pa: bisection between the ends of the fit."""
    wanted = np.asarray(p, dtype=float)
    low, high = np.full(wanted.shape, LOW), np.full(wanted.shape, HIGH)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        below = pressure(name, middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))


def latent_heat(name: str, t: Real) -> Array:
    """J/kg at ``t`` °C."""
    return _at(name, "latent_heat", t)


def density(name: str, t: Real) -> Array:
    """Saturated liquid, kg/m³ at ``t`` °C."""
    return _at(name, "density", t)


def vapour_density(name: str, t: Real) -> Array:
    """Saturated vapour, kg/m³ at ``t`` °C."""
    return np.asarray(np.exp(_at(name, "log_vapour_density", t)))


def heat_capacity(name: str, t: Real) -> Array:
    """Saturated liquid, J/(kg·K) at ``t`` °C."""
    return _at(name, "heat_capacity", t)


def surface_tension(name: str, t: Real) -> Array:
    """N/m at ``t`` °C."""
    critical = CRITICAL[name][0]
    x = np.clip(np.asarray(t, dtype=float), LOW, HIGH)
    return np.asarray(TRANSPORT[name].surface_tension_25 * ((critical - x) / (critical - 25.0)) ** EXPONENT)
