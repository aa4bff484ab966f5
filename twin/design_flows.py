"""Design flows of machines in kg/s, from what their datasheets state."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from twin_models.cdu import cdu as cdu_model
from twin_models.fluids.fluids import Fluid, density, heat_capacity
from twin_models.streams import Array, Real
from twin_sites.schema import (
    AirHandlers,
    Cdus,
    Chillers,
    Condensers,
    CoolingTowers,
    DryCoolers,
    Exchangers,
    HeatCustomers,
    Link,
    LiquidToAirCdus,
)

REFERENCE_DEGC = (
    30.0  # design mass flows are taken at this temperature; volumes per second are what datasheets state
)
AIR_DENSITY = 1.2  # kg/m³ at which fans and racks state volume flows (20 °C, sea level)


def hot_design(link: Link, hot: Fluid | None) -> float:
    """kg/s of one unit on its hot side; 0 where it takes what it gets."""
    if isinstance(link, AirHandlers):
        return link.rated_air_flow * AIR_DENSITY
    assert hot is not None
    rho = float(density(hot, REFERENCE_DEGC))
    if isinstance(link, Cdus):
        return link.heat_exchanger.hot_flow * rho
    if isinstance(link, Exchangers):
        return link.hot_flow * rho
    if isinstance(link, Condensers):  # vapour
        return link.rated_heat / float(heat_capacity(hot, link.rated_saturation))
    if isinstance(link, CoolingTowers):
        return link.design_flow * rho
    if isinstance(link, HeatCustomers):
        return 0.0
    if isinstance(link, DryCoolers):
        return link.rated_liquid_flow * rho
    return link.capacity / (float(heat_capacity(hot, REFERENCE_DEGC)) * link.chilled_range)


def cold_design(link: Link, cold: Fluid | None) -> float:
    """kg/s of one unit on its cold side at full opening or fan speed; 0 for outdoor air."""
    if isinstance(link, LiquidToAirCdus):
        return link.heat_exchanger.rated_air_flow * AIR_DENSITY
    if cold is None:
        return 0.0
    rho = float(density(cold, REFERENCE_DEGC))
    if isinstance(link, Cdus):
        return link.heat_exchanger.cold_flow * rho
    if isinstance(link, Exchangers):
        return link.cold_flow * rho
    if isinstance(link, AirHandlers | Condensers):
        return link.rated_water_flow * rho
    if isinstance(link, Chillers):
        heat = link.capacity * (1.0 + 1.0 / link.cop)
        return heat / (float(heat_capacity(cold, REFERENCE_DEGC)) * link.condenser_range)
    return 0.0


class Units(NamedTuple):
    """Distribution units of one kind on a loop."""

    link: Cdus
    number: int
    design: float  # kg/s of one on its hot side: the loop's flow splits by it


def reached(units: Sequence[Units], flow: float, head: Real, exponent: Real, speed: float = 1.0) -> Array:
    """Most m³/s of all units together at a pump speed, where racks and pipes ask for ``head`` Pa at ``flow`` m³/s."""
    total = sum(one.number * one.design for one in units)
    most = np.zeros(np.shape(head))
    for one in units:
        per_unit = flow * one.design / total if total else 0.0
        limit = cdu_model.flow_limit(head / per_unit**exponent, exponent, one.link, speed)
        most = most + one.number * limit
    return most
