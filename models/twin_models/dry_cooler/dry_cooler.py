"""Dry cooler, one unit: liquid in finned tubes, outdoor air across them, with adiabatic pads where wanted.

    Q = ε(UA/C_min, C_min/C_max) · C_min · (t_liquid - t_air)        crossflow, both streams unmixed
    UA = UA_rated · (m_air/m_air,rated)^a · (film/film_rated)^(l/0.8)
    film = m^0.8 · k^0.6 · cp^0.4 · µ^-0.4

The film is Dittus and Boelter's, so that glycol acts through its properties. ``l`` is the exponent of UA
over the liquid flow; l/0.8 is then the liquid film's share of the resistance. The fan moves volume: its air
mass and its power follow the density at the station. Pads bring the air towards its wet bulb.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import numpy as np

from twin_models.fields import Parameters, Quantity
from twin_models.fluids import fluids
from twin_models.heat_exchanger.heat_exchanger import effectiveness, fluid_of
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.roots import rising_root
from twin_models.streams import Ambient, Array, Bound, Real, Stream, Transfer, inside, tried

TINY = 1e-12
WATER_HEAT = psy.WICK_WATER[2]  # J/(kg·K)
FLOW_RANGE = (0.2, 1.5)  # liquid flow over rated in which the film law is used: turbulent tubes
TOLERANCE = 1e-9  # K, of the inverse
FILM_DEGREE = 4


@dataclass(frozen=True, kw_only=True)
class AdiabaticPads(Parameters):
    """Wetted pads in front of the coil."""

    efficiency: Annotated[float, Quantity("1", "Saturation efficiency", 0.0, 1.0)] = 0.85
    switch_temperature: Annotated[
        float, Quantity("degC", "Dry bulb above which the pads are wetted", -5.0, 60.0, "estimate")
    ] = 24.0
    water: bool = True  # False leaves the pads dry: the "no water" option
    fan_penalty: Annotated[
        float, Quantity("1", "Fan power added by the pads' pressure drop", 0.0, 0.5, "estimate")
    ] = 0.1
    cycles: Annotated[float, Quantity("1", "Cycles of concentration", 1.1, 50.0, "estimate")] = 3.0


@dataclass(frozen=True, kw_only=True)
class DryCooler(Parameters):
    """One unit, known by its rated point (with dry rated air and dry pads)."""

    rated_heat: Annotated[float, Quantity("W", "Rated heat", 1.0, 1e8)]
    rated_fluid_in: Annotated[float, Quantity("degC", "Rated liquid entering", -20.0, 100.0)]
    rated_air_in: Annotated[float, Quantity("degC", "Rated air entering", -30.0, 60.0)]
    rated_air_flow: Annotated[
        float, Quantity("m3/s", "Air flow at full fan speed", 0.01, 1e4, shown="m3/s", shown_ip="cfm")
    ]
    rated_liquid_flow: Annotated[float, Quantity("m3/s", "Rated liquid flow", 1e-6, 10.0)]
    fan_power: Annotated[float, Quantity("W", "Fan power at full speed and rated density", 0.0, 1e7)]
    rated_glycol: Annotated[
        float, Quantity("1", "Propylene glycol in the rated liquid, by volume", 0.0, 0.6)
    ] = 0.0
    rated_pressure: Annotated[float, Quantity("Pa", "Rated air pressure", 5e4, 1.1e5)] = psy.STANDARD_PRESSURE
    minimum_speed: Annotated[float, Quantity("1", "Lowest fan speed", 0.05, 1.0, "estimate")] = 0.2
    fan_exponent: Annotated[float, Quantity("1", "Fan power exponent of speed", 2.0, 3.2, "fan laws")] = 3.0
    air_exponent: Annotated[float, Quantity("1", "UA exponent of air flow", 0.4, 0.9, "estimate")] = 0.65
    liquid_exponent: Annotated[float, Quantity("1", "UA exponent of liquid flow", 0.0, 0.6, "estimate")] = 0.3
    pads: AdiabaticPads | None = None


class Rating(NamedTuple):
    """What the rated point fixes."""

    conductance: float  # W/K
    air_flow: float  # kg/s
    density: float  # kg/m³
    liquid_flow: float  # kg/s
    log_film: float  # ln of the property group at the rated liquid's entering temperature


@lru_cache(maxsize=64)
def film_properties(fluid: fluids.Fluid) -> tuple[float, ...]:
    """Polynomial in °C of ln(k^0.6 · cp^0.4 · µ^-0.4), highest power first."""
    t = np.linspace(fluid.low, fluid.high, 60)
    group = 0.6 * np.log(fluids.conductivity(fluid, t)) + 0.4 * np.log(fluids.heat_capacity(fluid, t))
    group = group - 0.4 * np.log(fluids.viscosity(fluid, t))
    return tuple(float(c) for c in np.polyfit(t, group, FILM_DEGREE))


@lru_cache(maxsize=512)
def rating(params: DryCooler) -> Rating:
    """Conductance and flows at the rated point.

    Raises
    ------
    ValueError
        Where the rated heat is more than the rated flows can exchange.
    """
    fluid = fluid_of(params.rated_glycol)
    t = params.rated_fluid_in
    liquid_flow = params.rated_liquid_flow * float(fluids.density(fluid, t))
    liquid = liquid_flow * float(fluids.heat_capacity(fluid, t))
    density = float(psy.density(params.rated_air_in, 0.0, params.rated_pressure))
    air_flow = density * params.rated_air_flow
    air = air_flow * psy.DRY_AIR_HEAT
    least, most = min(liquid, air), max(liquid, air)
    wanted = params.rated_heat / (least * (t - params.rated_air_in)) if t > params.rated_air_in else 2.0
    low, high = 1e-4, 50.0
    if wanted >= float(effectiveness(high, least / most, "crossflow_approximate")):
        raise ValueError(
            f"rated_heat {params.rated_heat:g} W is more than the rated flows can exchange between "
            f"{t:g} and {params.rated_air_in:g} degC; raise rated_air_flow or rated_liquid_flow"
        )
    for _ in range(200):
        middle = 0.5 * (low + high)
        reached = float(effectiveness(middle, least / most, "crossflow_approximate"))
        low, high = (middle, high) if reached < wanted else (low, middle)
    log_film = float(fluids.polynomial(film_properties(fluid), t))
    return Rating(high * least, air_flow, density, liquid_flow, log_film)


def rated_conductance(params: DryCooler, fluid: fluids.Fluid) -> float:
    """UA in W/K at rated mass flows and temperatures with ``fluid`` in the tubes."""
    rated = rating(params)
    change = float(fluids.polynomial(film_properties(fluid), params.rated_fluid_in)) - rated.log_film
    return rated.conductance * float(np.exp(params.liquid_exponent / 0.8 * change))


def transfer(hot: Stream, cold: Ambient, u: Real, params: DryCooler, trial: bool = False) -> Transfer:
    """Heat, water and electricity of one unit; see :class:`twin_models.streams.Transfer`.

    Parameters
    ----------
    hot
        Liquid entering one unit.
    cold
        Outdoor air.
    u
        Fan speed, 0 to 1. Below the lowest speed the fan cycles; at 0 the liquid is bypassed.
    trial
        Whether to leave out what a search does not need.
    """
    rated = rating(params)
    u = np.clip(u, 0.0, 1.0)
    speed = np.maximum(u, params.minimum_speed)
    duty = np.minimum(u / params.minimum_speed, 1.0)
    t_air, w_air, wet = _entering(cold, params.pads)
    difference = np.maximum(hot.temperature - t_air, 0.0)
    coil = _coil(hot, cold, w_air, rated, params)
    power = params.fan_power * (coil.density / rated.density) * speed**params.fan_exponent * duty
    if params.pads is not None:
        power = power * (1.0 + params.pads.fan_penalty)
    heat = duty * _heat(coil, speed, difference, params)
    hot_out = hot.temperature - heat / np.maximum(hot.flow * hot.cp, TINY)
    if trial:
        return tried(heat, hot_out, heat, power)
    full = heat if np.all(u == 1.0) else _heat(coil, 1.0, difference, params)
    # The air's own balance: enthalpy as it leaves, less outdoors, less what the pads' water brings.
    dry_air = coil.air * speed * duty / (1.0 + cold.humidity_ratio)
    moved = np.maximum(dry_air, TINY)
    t_out = t_air + heat / (moved * psy.heat_capacity(w_air))
    entering = psy.enthalpy(cold.dry_bulb, cold.humidity_ratio)
    entering = entering + (w_air - cold.humidity_ratio) * _pad_water(cold)
    air_heat = dry_air * (psy.enthalpy(t_out, w_air) - entering)
    if params.pads is None:
        evaporated = blowdown = np.zeros(np.shape(heat))
    else:
        evaporated = np.where(wet & (heat > 0.0), dry_air * (w_air - cold.humidity_ratio), 0.0)
        blowdown = evaporated / (params.pads.cycles - 1.0)
    held = (
        Bound("liquid flow over rated", np.asarray(hot.flow) / rated.liquid_flow, *FLOW_RANGE, "1"),
        Bound("liquid entering", hot.temperature, hot.fluid.low, hot.fluid.high, "degC"),
    )
    valid = inside(held) | (heat <= 0.0)
    return Transfer(heat, hot_out, air_heat, power, evaporated + blowdown, blowdown, full, valid, held)


def speed_for(hot: Stream, cold: Ambient, hot_out: Real, params: DryCooler) -> Array:
    """``u`` that cools the liquid to ``hot_out`` °C: the inverse of :func:`transfer`, clipped to 0 and 1."""
    t_air, w_air, _ = _entering(cold, params.pads)
    difference = np.maximum(hot.temperature - t_air, 0.0)
    coil = _coil(hot, cold, w_air, rating(params), params)
    unit = np.maximum(coil.liquid, TINY)
    full = _heat(coil, 1.0, difference, params) / unit
    slow = _heat(coil, params.minimum_speed, difference, params) / unit
    wanted, full, slow = np.broadcast_arrays(np.maximum(hot.temperature - hot_out, 0.0), full, slow)
    start = (wanted - slow) / np.maximum(full - slow, TINY)
    low, high = np.full(wanted.shape, params.minimum_speed), np.ones(wanted.shape)
    # Heat bends down with speed: start right of the chord.
    start = low + (high - low) * np.clip(start, 0.0, 1.0) ** 1.5
    u = rising_root(
        lambda s: _heat(coil, s, difference, params) / unit - wanted,
        low,
        high,
        slow - wanted,
        full - wanted,
        TOLERANCE,
        start,
    )
    u = np.where(wanted < slow, params.minimum_speed * wanted / np.maximum(slow, TINY), u)
    return np.where((full <= 0.0) | (wanted <= 0.0), 0.0, u)


class _Coil(NamedTuple):
    """What does not depend on the fan speed."""

    air: Any  # kg/s of moist air at full speed
    rate: Any  # W/K of that air
    liquid: Any  # W/K
    conductance: Any  # W/K at full speed
    density: Any  # kg/m³ of outdoor air


def _entering(cold: Ambient, pads: AdiabaticPads | None) -> tuple[Any, Any, Any]:
    """Temperature and humidity ratio of the air at the coil, and whether the pads are wet."""
    if pads is None or not pads.water:
        return cold.dry_bulb, cold.humidity_ratio, False
    wet = np.asarray(cold.dry_bulb) > pads.switch_temperature
    drop = np.where(wet, pads.efficiency * np.maximum(cold.dry_bulb - cold.wet_bulb, 0.0), 0.0)
    t = cold.dry_bulb - drop
    # Along the wet bulb: the air's enthalpy rises only by that of the water it takes up.
    liquid = _pad_water(cold)
    h = psy.enthalpy(cold.dry_bulb, cold.humidity_ratio) - cold.humidity_ratio * liquid
    w = (h - psy.DRY_AIR_HEAT * t) / (psy.LATENT_HEAT + psy.VAPOUR_HEAT * t - liquid)
    return t, np.where(wet, w, cold.humidity_ratio), wet


def _pad_water(cold: Ambient) -> Any:
    """Enthalpy of the pads' water, J/kg: it comes at the wet bulb."""
    return WATER_HEAT * cold.wet_bulb


def _coil(hot: Stream, cold: Ambient, w_air: Any, rated: Rating, params: DryCooler) -> _Coil:
    density = psy.density(cold.dry_bulb, cold.humidity_ratio, cold.pressure)
    air = density * params.rated_air_flow
    rate = air * psy.heat_capacity(w_air) / (1.0 + cold.humidity_ratio)
    liquid = np.asarray(hot.flow * hot.cp, dtype=float)
    share = params.liquid_exponent / 0.8
    change = fluids.polynomial(film_properties(hot.fluid), hot.temperature) - rated.log_film
    flow = np.log(np.maximum(hot.flow, TINY) / rated.liquid_flow)
    breath = np.log(density * params.rated_air_flow / rated.air_flow)
    exponent = params.air_exponent * breath + params.liquid_exponent * flow + share * change
    return _Coil(air, rate, liquid, rated.conductance * np.exp(exponent), density)


def _heat(coil: _Coil, speed: Any, difference: Any, params: DryCooler) -> Any:
    air = coil.rate * speed
    least, most = np.minimum(air, coil.liquid), np.maximum(air, coil.liquid)
    ntu = coil.conductance * speed**params.air_exponent / np.maximum(least, TINY)
    return effectiveness(ntu, least / most, "crossflow_approximate") * (least * difference)
