"""Cooling tower, one cell: open or closed circuit, variable-speed fan.

The range comes from YorkCalc (``yorkcalc.py``) or Merkel (``merkel.py``); the air side, evaporation and the
heat given to the air from a saturated exit (EnergyPlus, Engineering Reference, "Cooling Towers and
Evaporative Fluid Coolers"). The actuator ``u`` is the air flow ratio. Below the lowest fan speed it goes on
smoothly: in the upper half of that stretch the fan cycles, in the lower half the fan stands and the bypass
takes the water away from free convection.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from twin_models.cooling_tower import merkel, yorkcalc
from twin_models.fields import Parameters, Quantity
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.roots import rising_root
from twin_models.streams import Ambient, Array, Bound, Real, Stream, Transfer, inside, tried

WATER_DENSITY = 995.7  # kg/m³ at 30 °C
WATER_HEAT = 4179.0  # J/(kg·K) at 30 °C
TOLERANCE = 1e-9  # K, of the inverse where it takes steps


@dataclass(frozen=True, kw_only=True)
class CoolingTower(Parameters):
    """One cell. Defaults that are not marked otherwise are EnergyPlus's."""

    design_wet_bulb: Annotated[float, Quantity("degC", "Design wet bulb", -10.0, 29.4, "YorkCalc")]
    design_range: Annotated[float, Quantity("K", "Design range", 1.2, 22.2, "YorkCalc", difference=True)]
    design_approach: Annotated[
        float,
        Quantity("K", "Design approach to wet bulb, coil included", 1.2, 40.0, "YorkCalc", difference=True),
    ]
    design_flow: Annotated[float, Quantity("m3/s", "Design water flow", 1e-5, 10.0)]
    fan_power: Annotated[float, Quantity("W", "Fan power at full speed", 0.0, 1e6)]
    design_air_flow: Annotated[
        float | None,
        Quantity(
            "m3/s",
            "Design air flow; estimated from the design heat where not given",
            0.01,
            1e4,
            shown="m3/s",
            shown_ip="cfm",
        ),
    ] = None
    fan_exponent: Annotated[float, Quantity("1", "Fan power exponent of speed", 2.0, 3.2, "fan laws")] = 3.0
    minimum_speed: Annotated[float, Quantity("1", "Lowest fan speed", 0.05, 1.0, "estimate")] = 0.2
    free_convection: Annotated[
        float, Quantity("1", "Heat with the fan off over heat at full speed", 0.0, 0.5, "estimate")
    ] = 0.125
    drift: Annotated[float, Quantity("1", "Drift over circulating water", 0.0, 0.01, "estimate")] = 8e-5
    cycles: Annotated[float, Quantity("1", "Cycles of concentration", 1.1, 50.0, "estimate")] = 3.0
    basin_heater: Annotated[
        float, Quantity("W/K", "Basin heater per kelvin below its set point", 0.0, 1e5)
    ] = 0.0
    basin_setpoint: Annotated[float, Quantity("degC", "Basin heater set point", 0.0, 15.0, "estimate")] = 2.0
    model: Literal["yorkcalc", "merkel"] = "yorkcalc"
    circuit: Literal["open", "closed"] = "open"
    coil_approach: Annotated[
        float,
        Quantity("K", "Coil temperature difference at design, closed circuit", 0.0, 20.0, difference=True),
    ] = 0.0
    spray_pump_power: Annotated[float, Quantity("W", "Spray pump, closed circuit", 0.0, 1e6)] = 0.0

    def __post_init__(self) -> None:
        if self.circuit == "open" and (self.coil_approach or self.spray_pump_power):
            raise ValueError("coil_approach and spray_pump_power belong to a closed circuit")
        if self.circuit == "closed" and not 0.0 < self.coil_approach < self.design_approach - 1.0:
            raise ValueError("a closed circuit needs a coil_approach between 0 and design_approach - 1 K")


class Design(NamedTuple):
    """Scalars derived from the design point."""

    heat: float  # W
    capacity_rate: float  # W/K of the design water flow
    liquid_gas: float  # YorkCalc's LG at design water and air flow
    air_flow: float  # m³/s
    conductance: float  # W/K, Merkel's UA at design
    coil: float  # coil temperature difference over range at design flow


@lru_cache(maxsize=512)
def design(params: CoolingTower) -> Design:
    """Calibrate the cell so that it meets its design point exactly."""
    capacity_rate = params.design_flow * WATER_DENSITY * WATER_HEAT
    heat = capacity_rate * params.design_range
    bare = params.design_approach - params.coil_approach
    wet_bulb, span, p = params.design_wet_bulb, params.design_range, psy.STANDARD_PRESSURE
    entering = psy.saturation_humidity_ratio(wet_bulb, p)
    h_in = psy.enthalpy(wet_bulb, entering)
    middle = wet_bulb + bare + 0.5 * span
    h_out = psy.enthalpy(middle, psy.saturation_humidity_ratio(middle, p))
    density = psy.density(wet_bulb, entering, p)
    # Air leaves a well-matched tower saturated near the mean water temperature.
    air_flow = params.design_air_flow or float(heat / (h_out - h_in) * (1.0 + entering) / density)
    coil = params.coil_approach / span
    low, high = 1e-3 * capacity_rate, 1e3 * capacity_rate
    if params.model == "merkel":
        dry_air = air_flow * density / (1.0 + entering)
        for _ in range(100):
            trial = (low * high) ** 0.5
            reached = merkel.cooling_range(
                trial, dry_air, capacity_rate, wet_bulb, p, span + params.design_approach, coil
            )
            low, high = (trial, high) if reached < span else (low, trial)
        if high > 0.99e3 * capacity_rate:
            raise ValueError("the design point needs more air than design_air_flow")
    liquid_gas = float(yorkcalc.liquid_gas(span, bare, wet_bulb)[0])
    return Design(heat, capacity_rate, liquid_gas, air_flow, (low * high) ** 0.5, coil)


def transfer(hot: Stream, cold: Ambient, u: Real, params: CoolingTower, trial: bool = False) -> Transfer:
    """Heat, water and electricity of one cell; see :class:`twin_models.streams.Transfer`.

    Parameters
    ----------
    hot
        Water (or the coil's liquid) entering one cell.
    cold
        Outdoor air.
    u
        Air flow ratio, 0 to 1; below the lowest speed the fan cycles, then the bypass opens.
    trial
        Whether to leave out what a search does not need: above all the air side.
    """
    d = design(params)
    u = np.clip(u, 0.0, 1.0)
    capacity_rate = np.asarray(hot.flow * hot.cp, dtype=float)
    ratio = capacity_rate / d.capacity_rate
    lowest = _lowest_speed(ratio, d, params)
    speed = np.maximum(u, lowest)
    cooled = _range(hot, cold, ratio, speed, d, params)
    share = 2.0 * u / lowest
    closed, duty = np.clip(share, 0.0, 1.0), np.clip(share - 1.0, 0.0, 1.0)
    full = cooled
    if not (trial and np.all(duty >= 1.0)):  # below the lowest speed free convection counts
        full = _range(hot, cold, ratio, 1.0, d, params)
        free = np.minimum(params.free_convection * full, cooled)
        cooled = np.where(duty >= 1.0, cooled, closed * free + duty * (cooled - free))
    cooled = np.where(capacity_rate > 0.0, cooled, 0.0)
    heat = capacity_rate * cooled
    running = heat > 0.0
    idle = params.basin_heater * np.maximum(params.basin_setpoint - cold.dry_bulb, 0.0)
    electric = params.fan_power * speed**params.fan_exponent * duty
    electric = np.where(running, electric + params.spray_pump_power, np.where(u > 0.0, electric, idle))
    if trial:
        return tried(heat, hot.temperature - cooled, heat, electric)
    draught = np.minimum(params.free_convection, lowest)
    air = np.where(duty >= 1.0, speed, closed * draught + duty * (speed - draught))
    air_heat, evaporated, exit_temperature = _air_side(heat, air, cold, d)
    drift = np.where(running, params.drift * hot.flow * air, 0.0)
    blowdown = np.maximum(evaporated / (params.cycles - 1.0) - drift, 0.0)
    reached = hot.temperature - cooled * (1.0 + d.coil * ratio) - cold.wet_bulb
    held = (
        yorkcalc.bounds(cold.wet_bulb, cooled, reached, ratio, ratio * d.liquid_gas / speed)
        if params.model == "yorkcalc"
        else (Bound("water flow over design", ratio, *merkel.WATER_RATIO, "1"),)
    )
    above = exit_temperature - hot.temperature
    held += (Bound("air leaving above the water entering", above, -np.inf, 0.0, "K"),)
    valid = ~running | inside(held)
    return Transfer(
        heat,
        hot.temperature - cooled,
        air_heat,
        electric,
        evaporated + drift + blowdown,
        blowdown,
        capacity_rate * full,
        valid,
        held,
    )


def speed_for(hot: Stream, cold: Ambient, water_out: Real, params: CoolingTower) -> Array:
    """``u`` that brings the water to ``water_out`` °C: the inverse of :func:`transfer`, clipped to 0 and 1.

    YorkCalc has a closed form between the lowest and the full speed. At these ends, beyond YorkCalc's turning point and
    with Merkel's model the range at both ends decides, and bracketed secant steps lie between them.
    """
    if params.model != "yorkcalc":
        return _speed_between_ends(hot, cold, water_out, params)
    d = design(params)
    ratio = np.asarray(hot.flow * hot.cp, dtype=float) / d.capacity_rate
    wanted = np.asarray(hot.temperature - water_out)
    reached = hot.temperature - wanted * (1.0 + d.coil * ratio) - cold.wet_bulb
    liquid_gas, exact = yorkcalc.liquid_gas(wanted, reached, cold.wet_bulb)
    u = np.asarray(ratio * d.liquid_gas / liquid_gas)
    rest = ~(exact & (u > _lowest_speed(ratio, d, params)) & (u < 1.0) & (wanted > 0.0))
    if rest.any():
        temperature, flow, cp, out, *air = np.broadcast_arrays(
            hot.temperature, hot.flow, hot.cp, water_out, *cold
        )
        water = Stream(temperature[rest], flow[rest], cp[rest], hot.fluid)
        u = np.array(np.broadcast_to(u, rest.shape))
        u[rest] = _speed_between_ends(water, Ambient(*(x[rest] for x in air)), out[rest], params)
    return u


def _speed_between_ends(hot: Stream, cold: Ambient, water_out: Real, params: CoolingTower) -> Array:
    """As :func:`speed_for`, from the range at the lowest and at full speed."""
    d = design(params)
    ratio = np.asarray(hot.flow * hot.cp, dtype=float) / d.capacity_rate
    lowest = _lowest_speed(ratio, d, params)
    wanted = np.maximum(hot.temperature - water_out, 0.0)
    full = _range(hot, cold, ratio, 1.0, d, params)
    slow = _range(hot, cold, ratio, lowest, d, params)
    free = np.minimum(params.free_convection * full, slow)
    wanted, full, slow, free, lowest, ratio = np.broadcast_arrays(wanted, full, slow, free, lowest, ratio)
    u = rising_root(
        lambda speed: _range(hot, cold, ratio, speed, d, params) - wanted,
        lowest,
        np.ones(wanted.shape),
        slow - wanted,
        full - wanted,
        TOLERANCE,
    )
    u = np.where(wanted >= full, 1.0, u)
    cycling = 0.5 * lowest * (1.0 + (wanted - free) / np.maximum(slow - free, 1e-12))
    u = np.where(wanted <= slow, cycling, u)
    u = np.where(wanted <= free, 0.5 * lowest * wanted / np.maximum(free, 1e-12), u)
    return np.asarray(np.where((wanted <= 0.0) | (full <= 0.0) | (ratio <= 0.0), 0.0, u))


def _lowest_speed(ratio: Any, d: Design, params: CoolingTower) -> Any:
    """Lowest steady air flow ratio: the fan's, or the one where YorkCalc's LG reaches its highest value."""
    if params.model == "merkel":
        return np.asarray(params.minimum_speed)
    return np.clip(ratio * (d.liquid_gas / yorkcalc.HIGHEST_LIQUID_GAS), params.minimum_speed, 1.0)


def _range(hot: Stream, cold: Ambient, ratio: Any, speed: Any, d: Design, params: CoolingTower) -> Any:
    """Range, K, at an air flow ratio at or above the lowest."""
    lift = hot.temperature - cold.wet_bulb
    if params.model == "yorkcalc":
        return yorkcalc.cooling_range(ratio * d.liquid_gas / speed, cold.wet_bulb, lift, d.coil * ratio)
    ua = merkel.conductance(d.conductance, speed, ratio)
    dry_air = speed * _dry_air(cold, d)
    return merkel.cooling_range(
        ua, dry_air, ratio * d.capacity_rate, cold.wet_bulb, cold.pressure, lift, d.coil * ratio
    )


def _dry_air(cold: Ambient, d: Design) -> Any:
    """Dry air, kg/s, that the fan moves at full speed."""
    density = psy.density(cold.dry_bulb, cold.humidity_ratio, cold.pressure)
    return density * d.air_flow / (1.0 + cold.humidity_ratio)


def _air_side(heat: Any, air: Any, cold: Ambient, d: Design) -> tuple[Any, Any, Any]:
    """Heat to the air (W), evaporation (kg/s) and exit temperature (°C) of air that leaves saturated."""
    dry_air = air * _dry_air(cold, d)
    entering = psy.enthalpy(cold.dry_bulb, cold.humidity_ratio)
    rise = heat / np.maximum(dry_air, 1e-9)
    # Start: the saturated enthalpy grows by about 5 % per kelvin from its slope at the wet bulb.
    at_wb = np.maximum((entering - psy.DRY_AIR_HEAT * cold.wet_bulb) / psy.LATENT_HEAT, 0.0)
    slope = psy.DRY_AIR_HEAT + 0.062 * psy.LATENT_HEAT * at_wb
    start = cold.wet_bulb + np.log1p(0.05 * rise / slope) / 0.05
    leaving = psy.temperature_of_saturated_enthalpy(entering + rise, cold.pressure, start)
    humid = psy.saturation_humidity_ratio(leaving, cold.pressure)
    idle = heat <= 0.0
    air_heat = np.where(idle, 0.0, dry_air * (psy.enthalpy(leaving, humid) - entering))
    evaporated = np.where(idle, 0.0, dry_air * np.maximum(humid - cold.humidity_ratio, 0.0))
    return air_heat, evaporated, leaving
