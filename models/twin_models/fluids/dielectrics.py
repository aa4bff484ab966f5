"""Dielectric liquids of single-phase immersion: what one line of a table says, as polynomials in temperature.

Density falls linearly, heat capacity and conductivity are linear, and the kinematic viscosity follows Walther (ASTM D341)
through its values at 40 and 100 °C:  lg lg(ν + 0.7) = A − B·lg T,  ν in mm²/s, T in K.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

LOW, HIGH = 0.0, 100.0  # °C, range of the fit; colder oil hardly flows
DEGREE = 6
KELVIN = 273.15


class Oil(NamedTuple):
    """One liquid as its datasheet tells it."""

    density_15: float  # kg/m3 at 15 °C
    expansion: float  # 1/K, of the density at 15 °C
    heat_capacity_40: float  # J/(kg·K)
    heat_capacity_slope: float  # J/(kg·K²)
    conductivity_40: float  # W/(m·K)
    conductivity_slope: float  # W/(m·K²)
    viscosity_40: float  # mm²/s
    viscosity_100: float  # mm²/s
    pour_point: float  # °C
    source: str


RECALLED = "estimate: recalled as typical of the product class, no datasheet was seen; "
OILS = {
    "gtl_oil": Oil(
        805.0, 7.6e-4, 2230.0, 3.8, 0.140, -8e-5, 9.6, 2.7, -42.0, RECALLED + "gas-to-liquid immersion fluid, Shell S5 X class"
    ),
    "ec_100": Oil(
        838.0, 7.6e-4, 2170.0, 3.8, 0.137, -8e-5, 6.5, 2.1, -60.0, RECALLED + "Engineered Fluids EC-100 class: 820 to 840 kg/m3, 5 to 8 mm²/s"
    ),
    "pao_6": Oil(
        828.0, 7.4e-4, 2200.0, 3.6, 0.140, -7e-5, 30.5, 5.9, -57.0, RECALLED + "poly-alpha-olefin of 6 mm²/s at 100 °C"
    ),
    "mineral_oil": Oil(
        855.0, 7.5e-4, 1950.0, 3.8, 0.131, -7e-5, 14.0, 3.3, -15.0, RECALLED + "white mineral oil: 840 to 860 kg/m3, 12 to 16 mm²/s"
    ),
    # linear through CoolProp's INCOMP::PNF2 at 20 and 60 °C, its viscosity from 10 to 90 °C within 4 %
    "paratherm_nf": Oil(
        888.25, 7.19e-4, 1940.0, 5.16, 0.10370, -5.8e-5, 19.20, 3.66, -42.0, "CoolProp INCOMP::PNF2 (Paratherm NF, hydrotreated mineral oil)"
    ),
}  # fmt: skip


def viscosity(t: float, oil: Oil) -> float:
    """Kinematic viscosity in mm²/s at ``t`` °C, by Walther's law."""

    def ordinate(v: float) -> float:
        return float(np.log10(np.log10(v + 0.7)))

    x1, x2, x = (float(np.log10(k + KELVIN)) for k in (40.0, 100.0, t))
    y1, y2 = ordinate(oil.viscosity_40), ordinate(oil.viscosity_100)
    return float(10.0**10.0 ** (y1 + (y2 - y1) * (x - x1) / (x2 - x1)) - 0.7)


@lru_cache(maxsize=16)
def coefficients(name: str) -> tuple[tuple[float, ...], ...]:
    """Density, heat capacity, conductivity and logarithm of the dynamic viscosity (Pa·s), highest power first."""
    oil = OILS[name]
    density = (-oil.density_15 * oil.expansion, oil.density_15 * (1.0 + 15.0 * oil.expansion))
    heat_capacity = (oil.heat_capacity_slope, oil.heat_capacity_40 - 40.0 * oil.heat_capacity_slope)
    conductivity = (oil.conductivity_slope, oil.conductivity_40 - 40.0 * oil.conductivity_slope)
    t = np.linspace(LOW, HIGH, 101)
    log = np.log([viscosity(float(x), oil) * 1e-6 * (density[0] * x + density[1]) for x in t])
    fit = np.polyfit(t / HIGH, log, DEGREE) / HIGH ** np.arange(DEGREE, -1, -1)
    return density, heat_capacity, conductivity, tuple(float(c) for c in fit)
