"""Heat sold to a customer from a facility loop, directly or lifted by a heat pump.

The customer asks for a share of ``capacity`` that falls with the outdoor temperature, from ``design_outdoor`` (all of it) to
``heating_limit`` (``summer_share``). Directly, the loop must be warmer than the customer's supply by ``approach``, and its water
leaves no colder than the customer's return plus ``approach``. With a heat pump

    COP = carnot_fraction · T_customer/(T_customer − T_source),   electric = delivered/COP,   source = delivered − electric

with both temperatures in kelvin at the condenser and the evaporator: the customer's supply plus ``approach``, the leaving
source water less ``approach``. All electricity ends in what is delivered.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from twin_models.fields import Choice, Parameters, Quantity
from twin_models.streams import Ambient, Array, Bound, Real, Stream, Transfer, inside

KELVIN = 273.15
LEAST_LIFT_K = 8.0  # a compressor needs some pressure ratio (8 to 10 K is a usual floor)
HIGHEST_LIFT_K = 80.0  # one stage; above it the law goes on and is marked
TINY = 1e-12
STEPS = 20  # of the heat pump's balance


@dataclass(frozen=True, kw_only=True)
class HeatReuse(Parameters):
    """One customer's station."""

    capacity: Annotated[float, Quantity("W", "Heat delivered at full demand", 1e3, 1e9)]
    method: Annotated[Literal["direct", "heat_pump"], Choice("Exchanger or heat pump")] = "direct"
    customer_supply: Annotated[float, Quantity("degC", "Temperature that the customer gets", 15.0, 120.0)]
    customer_return: Annotated[float, Quantity("degC", "Temperature that comes back", 5.0, 110.0)]
    approach: Annotated[
        float, Quantity("K", "Smallest difference in exchangers", 0.5, 20.0, difference=True)
    ] = 3.0
    carnot_fraction: Annotated[float, Quantity("1", "COP over Carnot's", 0.2, 0.75, "estimate")] = 0.5
    source_floor: Annotated[
        float, Quantity("degC", "Coldest source water that may leave", 2.0, 60.0, "estimate")
    ] = 10.0
    design_outdoor: Annotated[
        float, Quantity("degC", "Outdoor air of full demand", -40.0, 20.0, "estimate")
    ] = -5.0
    heating_limit: Annotated[
        float, Quantity("degC", "Outdoor air of least demand", -10.0, 40.0, "estimate")
    ] = 15.0
    summer_share: Annotated[float, Quantity("1", "Demand above the heating limit", 0.0, 1.0, "estimate")] = (
        0.15
    )

    def __post_init__(self) -> None:
        """Refuse temperatures in the wrong order."""
        if self.customer_return >= self.customer_supply:
            raise ValueError("customer_return must be below customer_supply")
        if self.design_outdoor >= self.heating_limit:
            raise ValueError("design_outdoor must be below heating_limit")


def demand(dry_bulb: Real, params: HeatReuse) -> Array:
    """Heat that the customer takes in W at an outdoor temperature in °C."""
    cold = (params.heating_limit - np.asarray(dry_bulb)) / (params.heating_limit - params.design_outdoor)
    share = params.summer_share + (1.0 - params.summer_share) * np.clip(cold, 0.0, 1.0)
    return np.asarray(params.capacity * share)


def performance(source_out: Real, params: HeatReuse) -> Array:
    """COP of the heat pump with source water leaving at ``source_out`` °C."""
    condenser = params.customer_supply + params.approach
    lift = np.maximum(condenser - (np.asarray(source_out) - params.approach), LEAST_LIFT_K)
    return np.asarray(params.carnot_fraction * (condenser + KELVIN) / lift)


def transfer(hot: Stream, cold: Ambient, u: Real, params: HeatReuse, trial: bool = False) -> Transfer:
    """Heat of one station; ``u`` is the share of its present capacity. ``cold_heat`` is what the customer gets.

    ``trial`` changes nothing: nothing here is left out in a search.
    """
    full = _full(hot, cold, params)
    heat = np.clip(u, 0.0, 1.0) * full
    leaving = hot.temperature - heat / np.maximum(np.asarray(hot.flow) * np.asarray(hot.cp), TINY)
    zero = np.zeros(np.shape(heat))
    electric = heat / (performance(leaving, params) - 1.0) if params.method == "heat_pump" else zero
    lift = params.customer_supply + 2.0 * params.approach - leaving
    held = (Bound("lift of the heat pump", lift, -np.inf, HIGHEST_LIFT_K, "K"),)
    valid = inside(held) | (params.method == "direct") | (heat <= 0.0)
    return Transfer(heat, leaving, heat + electric, electric, zero, zero, full, valid, held)


def share_for(hot: Stream, cold: Ambient, hot_out: Real, params: HeatReuse) -> Array:
    """``u`` that cools the loop to ``hot_out`` °C and no further: inverse of :func:`transfer`, within 0 and 1."""
    full = _full(hot, cold, params)
    wanted = np.maximum(np.asarray(hot.temperature) - hot_out, 0.0) * np.asarray(hot.flow) * hot.cp
    return np.where(wanted > 0.0, np.clip(wanted / np.maximum(full, TINY), 0.0, 1.0), 0.0)


def _full(hot: Stream, cold: Ambient, params: HeatReuse) -> Array:
    """Heat taken at ``u = 1``, W."""
    asked = demand(cold.dry_bulb, params)
    rate = np.asarray(hot.flow) * np.asarray(hot.cp)
    t = np.asarray(hot.temperature)
    if params.method == "direct":
        down_to = params.customer_return + params.approach
        warm = t >= params.customer_supply + params.approach
        return np.asarray(np.where(warm, np.minimum(asked, rate * np.maximum(t - down_to, 0.0)), 0.0))
    most = rate * np.maximum(t - params.source_floor, 0.0)
    full = np.minimum(asked, most)
    for _ in range(STEPS):  # more heat, colder water, a lower COP, less of the delivered heat from the source
        leaving = t - full / np.maximum(rate, TINY)
        full = np.minimum(asked * (1.0 - 1.0 / performance(leaving, params)), most)
    return np.asarray(full)
