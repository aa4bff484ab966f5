"""Liquids: density, heat capacity, conductivity and viscosity of water, inhibited glycol mixtures and dielectric oils.

The coefficients restate CoolProp (IAPWS-95 water, Melinder 2010 glycols) as polynomials: `coefficients.py`.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from twin_models.fluids import boiling, dielectrics
from twin_models.fluids.boiling_coefficients import SATURATION
from twin_models.fluids.coefficients import ETHYLENE_GLYCOL, PROPYLENE_GLYCOL, WATER

Real: TypeAlias = float | NDArray[np.float64]
Coefficients: TypeAlias = tuple[float, ...]

GLYCOLS = {"propylene_glycol": PROPYLENE_GLYCOL, "ethylene_glycol": ETHYLENE_GLYCOL}
NAMES = ("water", *GLYCOLS, *dielectrics.OILS, *boiling.NAMES)
# Pure glycol over water at 25 °C: 1032.8 and 1109.9 against 997.05 kg/m3 (handbook values).
DENSITY_RATIO = {"propylene_glycol": 1032.8 / 997.05, "ethylene_glycol": 1109.9 / 997.05}
MAXIMUM_FRACTION = 0.6
HIGHEST_TEMPERATURE = 100.0


class Fluid(NamedTuple):
    """A liquid; hashable. Polynomials in temperature (°C), highest power first."""

    name: str
    fraction: float  # volume fraction of glycol
    density: Coefficients  # kg/m3
    heat_capacity: Coefficients  # J/(kg·K)
    conductivity: Coefficients  # W/(m·K)
    log_viscosity: Coefficients  # ln(Pa·s)
    freezing_point: float  # °C
    low: float  # °C, lowest temperature of the correlation
    high: float  # °C, highest temperature of the correlation
    boils: bool = (
        False  # its loop carries vapour: heat_capacity is the latent heat for one kelvin of its scale
    )


def polynomial(coefficients: Sequence[float], x: Real) -> Real:
    """Horner's rule, highest power first."""
    value: Real = coefficients[0] * x + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * x + coefficient
    return value


def mass_fraction(name: str, fraction: float) -> float:
    """Mass fraction of glycol from its volume fraction, both at 25 °C before mixing."""
    ratio = DENSITY_RATIO[name]
    return fraction * ratio / (fraction * ratio + 1.0 - fraction)


@lru_cache(maxsize=256)
def fluid(name: str, fraction: float = 0.0) -> Fluid:
    """Return a liquid.

    Parameters
    ----------
    name
        ``water``, ``propylene_glycol``, ``ethylene_glycol``, a dielectric of `dielectrics.OILS` or a liquid that boils
        at work (`boiling.NAMES`).
    fraction
        Volume fraction of glycol, 0 to 0.6. The source ends at 0.6 by mass, which is 0.59 of propylene and
        0.57 of ethylene glycol by volume; the last points up to 0.6 are extrapolated.

    Raises
    ------
    ValueError
        For an unknown name, a fraction outside 0 to 0.6, or glycol in ``water``.
    """
    if name not in NAMES:
        raise ValueError(f"fluid {name!r} is not known; choose one of {', '.join(NAMES)}")
    if not 0.0 <= fraction <= MAXIMUM_FRACTION:
        raise ValueError(f"glycol volume fraction {fraction:g} is outside 0 to {MAXIMUM_FRACTION:g}")
    if name not in GLYCOLS and fraction:
        raise ValueError(f"{name} has no glycol fraction, found {fraction:g}; name the glycol instead")
    if name in dielectrics.OILS:
        pour = dielectrics.OILS[name].pour_point
        rho, cp, k, mu = dielectrics.coefficients(name)
        return Fluid(name, 0.0, rho, cp, k, mu, pour, dielectrics.LOW, dielectrics.HIGH)
    if name in boiling.NAMES:
        saturated, transport = SATURATION[name], boiling.TRANSPORT[name]
        still = (0.0, transport.conductivity), (0.0, float(np.log(transport.viscosity)))
        return Fluid(
            name,
            0.0,
            saturated["density"],
            saturated["latent_heat"],
            *still,
            -100.0,
            boiling.LOW,
            boiling.HIGH,
            True,
        )
    if fraction == 0.0:
        return Fluid(
            name,
            0.0,
            WATER["density"],
            WATER["heat_capacity"],
            WATER["conductivity"],
            WATER["log_viscosity"],
            0.0,
            0.0,
            HIGHEST_TEMPERATURE,
        )
    table = GLYCOLS[name]
    x = mass_fraction(name, fraction)

    def at_fraction(key: str) -> Coefficients:
        return tuple(float(polynomial(row, x)) for row in table[key])

    freezing = at_fraction("freezing_point")[0]
    return Fluid(
        name,
        fraction,
        at_fraction("density"),
        at_fraction("heat_capacity"),
        at_fraction("conductivity"),
        at_fraction("log_viscosity"),
        freezing,
        freezing,
        HIGHEST_TEMPERATURE,
    )


def density(fluid: Fluid, t: Real) -> Real:
    """Density in kg/m3 at temperature ``t`` in °C."""
    return polynomial(fluid.density, t)


def heat_capacity(fluid: Fluid, t: Real) -> Real:
    """Heat capacity in J/(kg·K) at temperature ``t`` in °C."""
    return polynomial(fluid.heat_capacity, t)


def conductivity(fluid: Fluid, t: Real) -> Real:
    """Thermal conductivity in W/(m·K) at temperature ``t`` in °C."""
    return polynomial(fluid.conductivity, t)


def viscosity(fluid: Fluid, t: Real) -> Real:
    """Dynamic viscosity in Pa·s at temperature ``t`` in °C."""
    value: Real = np.exp(polynomial(fluid.log_viscosity, t))
    return value
