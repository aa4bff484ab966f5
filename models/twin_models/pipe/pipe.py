"""Pressure drop of pipes, fittings and valves.

Darcy and Weisbach: ``dp = f · L/D · ρ·v²/2`` with the friction factor of Churchill (Chem. Eng. 84 (1977)
91), one explicit formula for laminar, transitional and turbulent flow:

    f = 8·[(8/Re)^12 + (A + B)^(−3/2)]^(1/12)
    A = (2.457·ln 1/((7/Re)^0.9 + 0.27·ε/D))^16,  B = (37530/Re)^16

It dips to 0.031 near Re 2300, where no formula is certain. A fitting loses ``K·ρ·v²/2``; a valve passes
``Q[m3/h] = Kv·sqrt(dp[bar]/SG)`` (IEC 60534).
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from twin_models.fluids.fluids import Fluid, density, viscosity

Real: TypeAlias = float | NDArray[np.float64]
Array: TypeAlias = NDArray[np.float64]

LOWEST_REYNOLDS = 1e-6  # creeping flow: keeps 64/Re finite, the drop itself is nil
WATER_DENSITY = 1000.0  # kg/m3, reference of the specific gravity in Kv
RELATIVE_ROUGHNESS_RANGE = (0.0, 0.05)


def friction_factor(reynolds: Real, relative_roughness: Real) -> Array:
    """Darcy friction factor from the Reynolds number and the roughness over diameter (0 to 0.05)."""
    re = np.maximum(np.asarray(reynolds, dtype=np.float64), LOWEST_REYNOLDS)
    # Below Re 1 the laminar term alone counts; the floor keeps the 16th powers inside the number range.
    turbulent = np.maximum(re, 1.0)
    a = (2.457 * np.log(1.0 / ((7.0 / turbulent) ** 0.9 + 0.27 * np.asarray(relative_roughness)))) ** 16
    b = (37530.0 / turbulent) ** 16
    laminar = 8.0 / re
    value: Array = 8.0 * (laminar**12 + (a + b) ** -1.5) ** (1.0 / 12.0)
    return value


def reynolds(flow: Real, diameter: Real, fluid: Fluid, t: Real) -> Array:
    """Reynolds number of a round pipe from the flow in m3/s, the bore in m and the temperature in °C."""
    speed = 4.0 * np.abs(flow) / (np.pi * np.asarray(diameter) ** 2)
    value: Array = speed * diameter * density(fluid, t) / viscosity(fluid, t)
    return value


def pressure_drop(flow: Real, length: Real, diameter: Real, roughness: Real, fluid: Fluid, t: Real) -> Array:
    """Pressure drop of a straight pipe in Pa, with the sign of the flow.

    Parameters
    ----------
    flow
        m3/s.
    length, diameter, roughness
        m; bore and sand roughness.
    fluid, t
        Liquid and its temperature in °C.
    """
    f = friction_factor(reynolds(flow, diameter, fluid, t), roughness / np.asarray(diameter))
    return fitting_drop(flow, f * length / np.asarray(diameter), diameter, fluid, t)


def fitting_drop(flow: Real, k: Real, diameter: Real, fluid: Fluid, t: Real) -> Array:
    """Pressure drop in Pa of a fitting with loss coefficient ``k`` on the velocity in ``diameter`` (m)."""
    speed = 4.0 * np.asarray(flow) / (np.pi * np.asarray(diameter) ** 2)
    value: Array = 0.5 * k * density(fluid, t) * speed * np.abs(speed)
    return value


def valve_drop(flow: Real, kv: Real, fluid: Fluid, t: Real) -> Array:
    """Pressure drop in Pa of a valve or coupling with ``kv`` in m3/h at 1 bar."""
    relative = 3600.0 * np.asarray(flow) / kv
    value: Array = 1e5 * density(fluid, t) / WATER_DENSITY * relative * np.abs(relative)
    return value


def branch_drop(flow: Real, rated_flow: Real, rated_drop: Real, exponent: Real) -> Array:
    """Pressure drop in Pa of a branch known by one point: ``rated_drop·(flow/rated_flow)^exponent``."""
    relative = np.asarray(flow) / rated_flow
    value: Array = rated_drop * np.sign(relative) * np.abs(relative) ** exponent
    return value
