"""Cold plates: resistance from the case to the ENTERING coolant, and pressure drop, against flow.

    R(V) = R_inf + R_flow · ((V − V_0)/(V_ref − V_0))^(−n)

Referred to the entering coolant, R already contains the coolant's own rise in the plate: case temperature is
``entering + heat · R(V)`` and nothing is added. ``V_0`` = 0 is the plain power law; a plate measured down to
little flow may need an offset. Pressure drop is ``dp_ref · (V/V_ref)^m``.

Another liquid or temperature changes the flow part as developing laminar flow in narrow channels does
(Lévêque; Shah & London, Laminar Flow Forced Convection in Ducts, 1978): the film goes with
``k^(2/3)·(ρ·cp)^(1/3)``, viscosity drops out.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from twin_models.fields import Parameters, Quantity
from twin_models.fluids.fluids import Fluid, conductivity, density, fluid, heat_capacity
from twin_models.streams import Array, Real

LOWEST_SHARE = (
    1e-2  # of the lowest valid flow: below it the resistance no longer rises, so that it stays finite
)


@dataclass(frozen=True, kw_only=True)
class ColdPlate(Parameters):
    """One cold plate."""

    resistance_floor: Annotated[float, Quantity("K/W", "Resistance at endless flow", low=0.0, high=1.0)]
    resistance_flow: Annotated[float, Quantity("K/W", "Flow part at the reference flow", low=0.0, high=1.0)]
    reference_flow: Annotated[float, Quantity("m3/s", "Reference flow", low=1e-7, high=1e-2)]
    exponent: Annotated[
        float, Quantity("1", "Flow part against flow", low=0.1, high=2.0, bound_source="estimate")
    ] = 0.5
    flow_offset: Annotated[float, Quantity("m3/s", "Flow offset of the fit", low=0.0, high=1e-2)] = 0.0
    lowest_flow: Annotated[float, Quantity("m3/s", "Lowest flow of the fit", low=1e-7, high=1e-2)]
    highest_flow: Annotated[float, Quantity("m3/s", "Highest flow of the fit", low=1e-7, high=1e-2)]
    reference_drop: Annotated[
        float, Quantity("Pa", "Pressure drop at the reference flow", low=0.0, high=1e6)
    ] = 20e3
    drop_exponent: Annotated[
        float, Quantity("1", "Pressure drop against flow", low=1.0, high=2.0, bound_source="estimate")
    ] = 1.85
    heat_capacity: Annotated[
        float,
        Quantity(
            "J/K",
            "Heat capacity of the plate and the coolant in it",
            low=1.0,
            high=1e5,
            bound_source="estimate",
        ),
    ] = 350.0
    rated_glycol: Annotated[
        float, Quantity("1", "Propylene glycol in the rated coolant, by volume", low=0.0, high=0.6)
    ] = 0.25
    rated_temperature: Annotated[float, Quantity("degC", "Rated coolant temperature", low=0.0, high=80.0)] = (
        40.0
    )


def resistance(flow: Real, params: ColdPlate, factor: Real = 1.0) -> Array:
    """Resistance in K/W from case to entering coolant at a flow in m3/s through one plate.

    Below the fit's lowest flow it grows as 1/flow, the law of the coolant's own rise, up to a hundredfold;
    `within` tells. ``factor`` (`liquid_factor`) scales the flow part.
    """
    v = np.asarray(flow, dtype=np.float64)
    inside = np.maximum(v, params.lowest_flow)
    relative = (inside - params.flow_offset) / (params.reference_flow - params.flow_offset)
    value: Array = params.resistance_floor + params.resistance_flow * factor * relative ** (-params.exponent)
    return value * (inside / np.maximum(v, LOWEST_SHARE * params.lowest_flow))


def resistance_slope(flow: Real, value: Real, params: ColdPlate) -> Array:
    """d(resistance)/d(flow) in K s/(W m3) at a flow where the resistance is ``value`` (``factor`` 1)."""
    v = np.asarray(flow, dtype=np.float64)
    below = v < params.lowest_flow
    inside = np.maximum(v, params.lowest_flow)
    power_law = -params.exponent * (value - params.resistance_floor) / (inside - params.flow_offset)
    if not below.any():
        return np.asarray(power_law)
    least = LOWEST_SHARE * params.lowest_flow
    return np.where(below, np.where(v > least, -value / np.maximum(v, least), 0.0), power_law)


def within(flow: Real, params: ColdPlate) -> NDArray[np.bool_]:
    """True where the flow in m3/s is inside the range of the fit."""
    v = np.asarray(flow)
    inside: NDArray[np.bool_] = (v >= params.lowest_flow) & (v <= params.highest_flow)
    return inside


def liquid_factor(liquid: Fluid, t: Real, params: ColdPlate) -> Real:
    """Flow part of the resistance with a liquid at ``t`` (°C) over that with the rated coolant."""
    rated = fluid("propylene_glycol", params.rated_glycol) if params.rated_glycol > 0.0 else fluid("water")
    t0 = params.rated_temperature
    k = conductivity(rated, t0) / conductivity(liquid, t)
    rate = density(rated, t0) * heat_capacity(rated, t0) / (density(liquid, t) * heat_capacity(liquid, t))
    value: Real = (k * k * rate) ** (1.0 / 3.0)
    return value


def pressure_drop(flow: Real, params: ColdPlate) -> Array:
    """Pressure drop in Pa at a flow in m3/s through one plate, coolant as rated."""
    relative = np.asarray(flow, dtype=np.float64) / params.reference_flow
    value: Array = params.reference_drop * np.maximum(relative, 0.0) ** params.drop_exponent
    return value
