"""Air handler, one unit (CRAH, fan wall, in-row): a water coil and fans between room air and a water loop.

Dry coil:    Q = ε(UA/C_min, C_min/C_max) · C_min · (t_air - t_water)
Wet coil:    Q = ε(NTU*, m*) · m_air · (h_air - h_s(t_water)),   m* = m_air·c_s / (m_water·cp)
             NTU* = NTU_air / (1 + m*·NTU_air/NTU_water) = NTU_air / (1 + (c_s/cp_air)·UA_air/UA_water)
    c_s  = slope of the saturated enthalpy between the water and the dew point

with the larger of the two, as Braun, Klein and Mitchell (ASHRAE Transactions 95, 1989) propose. What leaves
follows from the mean coil surface (apparatus dew point) and the bypass factor ``exp(-NTU_air)``: where that
surface lies above the room's dew point the coil stays dry. UA follows air and water flow as in the dry
cooler's model.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from twin_models.dry_cooler.dry_cooler import film_properties
from twin_models.fields import Parameters, Quantity
from twin_models.fluids import fluids
from twin_models.heat_exchanger.heat_exchanger import effectiveness, opening
from twin_models.psychrometrics import psychrometrics as psy
from twin_models.roots import rising_root
from twin_models.streams import Array, Bound, Real, RoomAir, Stream, Transfer, inside, tried

TINY = 1e-12
AIR_RANGE = (0.2, 1.3)  # air flow over rated in which the power laws are used
WATER_RANGE = (0.1, 1.6)
TOLERANCE = 1e-9  # K, of the inverse
BEND = 1.15  # of the first guess of the inverse: how much faster 1/drop rises with 1/u than where water is scarce
LEAST = 1e-6  # valve opening below which the inverse does not look


@dataclass(frozen=True, kw_only=True)
class AirHandler(Parameters):
    """One unit, known by its rated point (dry coil, pure water)."""

    rated_heat: Annotated[float, Quantity("W", "Rated sensible heat", 1.0, 1e7)]
    rated_air_in: Annotated[float, Quantity("degC", "Rated air entering", 10.0, 60.0)]
    rated_air_flow: Annotated[
        float, Quantity("m3/s", "Air flow at full fan speed", 0.01, 200.0, shown="m3/s", shown_ip="cfm")
    ]
    rated_water_in: Annotated[float, Quantity("degC", "Rated water entering", 0.0, 50.0)]
    rated_water_flow: Annotated[float, Quantity("m3/s", "Rated water flow", 1e-6, 1.0)]
    fan_power: Annotated[float, Quantity("W", "Fan power at full speed", 0.0, 1e6)]
    minimum_speed: Annotated[float, Quantity("1", "Lowest fan speed", 0.0, 1.0, "estimate")] = 0.35
    fan_exponent: Annotated[float, Quantity("1", "Fan power exponent of speed", 2.0, 3.2, "fan laws")] = 3.0
    bypass: Annotated[float, Quantity("1", "Share of the unit's air that misses the coil", 0.0, 0.5)] = 0.0
    arrangement: Literal["counterflow", "crossflow_approximate"] = "counterflow"
    air_exponent: Annotated[float, Quantity("1", "UA exponent of air flow", 0.2, 0.9, "estimate")] = 0.65
    liquid_exponent: Annotated[float, Quantity("1", "UA exponent of water flow", 0.0, 0.6, "estimate")] = 0.3


class Rating(NamedTuple):
    """What the rated point fixes."""

    conductance: float  # W/K
    air_flow: float  # kg/s through the unit
    density: float  # kg/m³
    water_flow: float  # kg/s
    log_film: float


@lru_cache(maxsize=512)
def rating(params: AirHandler) -> Rating:
    """Conductance and flows at the rated point.

    Raises
    ------
    ValueError
        Where the rated heat is more than the rated flows can exchange.
    """
    water = fluids.fluid("water")
    t = params.rated_water_in
    water_flow = params.rated_water_flow * float(fluids.density(water, t))
    liquid = water_flow * float(fluids.heat_capacity(water, t))
    density = float(psy.density(params.rated_air_in, 0.0, psy.STANDARD_PRESSURE))
    air_flow = density * params.rated_air_flow
    air = air_flow * (1.0 - params.bypass) * psy.DRY_AIR_HEAT
    least, most = min(liquid, air), max(liquid, air)
    wanted = params.rated_heat / (least * (params.rated_air_in - t)) if params.rated_air_in > t else 2.0
    low, high = 1e-4, 200.0
    if wanted >= float(effectiveness(high, least / most, params.arrangement)):
        raise ValueError(
            f"rated_heat {params.rated_heat:g} W is more than the rated flows can exchange between "
            f"{params.rated_air_in:g} and {t:g} degC; raise rated_air_in, rated_air_flow or rated_water_flow"
        )
    for _ in range(200):
        middle = 0.5 * (low + high)
        reached = float(effectiveness(middle, least / most, params.arrangement))
        low, high = (middle, high) if reached < wanted else (low, middle)
    log_film = float(fluids.polynomial(film_properties(water), t))
    return Rating(high * least, air_flow, density, water_flow, log_film)


def transfer(hot: RoomAir, cold: Stream, u: Real, params: AirHandler, trial: bool = False) -> Transfer:
    """Heat, condensate and electricity of one unit; see :class:`twin_models.streams.Transfer`.

    Parameters
    ----------
    hot
        Air entering one unit. Its flow sets the fan's speed.
    cold
        Water entering one unit; ``cold.flow`` is the flow at ``u = 1``.
    u
        Water valve, 0 to 1: the share of ``cold.flow`` that passes the coil.
    trial
        Whether to leave out what a search does not need.

    Notes
    -----
    ``heat`` is total: sensible, flow·cp·(t_in - hot_out), and latent. ``water`` is the condensate in kg/s,
    which a humidifier has to put back if the room's humidity is to stay.
    """
    u = np.clip(u, 0.0, 1.0)
    rated = rating(params)
    coil = _coil(hot, cold, rated, params)
    if trial:
        heat, drop, _, _ = _coil_heat(coil, hot, cold, u, params)
        return tried(heat, hot.temperature - drop, heat, fan_power(hot, params))
    full, full_drop, full_condensate, _ = _coil_heat(coil, hot, cold, 1.0, params)
    if np.all(u == 1.0):
        heat, drop, condensate = full, full_drop, full_condensate
    else:
        heat, drop, condensate, _ = _coil_heat(coil, hot, cold, u, params)
    water_rate = u * np.asarray(cold.flow) * cold.cp
    leaving = cold.temperature + heat / np.maximum(water_rate, TINY)
    air_ratio, water_ratio = hot.flow / rated.air_flow, u * np.asarray(cold.flow) / rated.water_flow
    held = (
        Bound("air flow over rated", air_ratio, *AIR_RANGE, "1"),
        Bound("water flow over rated", water_ratio, *WATER_RANGE, "1"),
    )
    return Transfer(
        heat,
        hot.temperature - drop,
        water_rate * (leaving - cold.temperature),
        fan_power(hot, params),
        condensate,
        np.zeros(np.shape(heat)),
        full,
        inside(held) | (heat <= 0.0),
        held,
    )


def fan_power(hot: RoomAir, params: AirHandler) -> Array:
    """Electric power of one unit's fans, W, at the air flow that enters it; they do not turn below their lowest speed."""
    density = psy.density(hot.temperature, hot.humidity_ratio, hot.pressure)
    turning = np.maximum(hot.flow / (density * params.rated_air_flow), params.minimum_speed)
    power = params.fan_power * (density / rating(params).density) * turning**params.fan_exponent
    return np.where(hot.flow > 0.0, power, 0.0)


def valve_for(
    hot: RoomAir, cold: Stream, hot_out: Real, params: AirHandler, guess: Array | None = None
) -> Array:
    """``u`` that brings the air to ``hot_out`` °C dry bulb: inverse of :func:`transfer`, within 0 and 1.

    A ``guess`` of ``u`` saves steps. A dry counterflow coil takes the plate exchanger's closed relation; others take steps.
    """
    coil = _coil(hot, cold, rating(params), params)
    wanted = np.maximum(hot.temperature - hot_out, 0.0)
    if coil.moist is None and params.arrangement == "counterflow":
        drop = wanted * coil.rate / np.maximum(coil.air, TINY)  # of the air that meets the coil
        resistance = coil.air / np.maximum(coil.conductance, TINY)
        return opening(
            drop, coil.difference, (coil.air, coil.water), 0.0, resistance, params.liquid_exponent, guess
        )
    full = _coil_heat(coil, hot, cold, 1.0, params)[1]
    # Water that would leave as warm as the air enters: no less can do.
    per_flow = coil.rate / np.maximum(coil.water * coil.difference, TINY)
    wanted, full, per_flow = np.broadcast_arrays(wanted, full, per_flow)
    sought = np.maximum(wanted, TINY)
    slack = 1.0 / sought - 1.0 / np.maximum(full, TINY)
    start = (
        1.0 + BEND * slack / np.maximum(per_flow, TINY) if guess is None else 1.0 / np.maximum(guess, LEAST)
    )
    # 1/drop is nearly straight in 1/u: few secant steps
    x = rising_root(
        lambda x: (
            wanted * (1.0 - wanted / np.maximum(_coil_heat(coil, hot, cold, -1.0 / x, params)[1], TINY))
        ),
        -1.0 / np.clip(0.95 * wanted * per_flow, LEAST, 1.0),
        np.full(wanted.shape, -1.0),
        -0.05 * wanted,  # at most: drop and flow are in proportion, or less
        wanted * (1.0 - wanted / np.maximum(full, TINY)),
        TOLERANCE,
        -start,
    )
    return np.where((full <= 0.0) | (wanted <= 0.0), 0.0, -1.0 / x)


class _Moist(NamedTuple):
    """What a wet coil needs and the valve does not change."""

    air_heat: Any  # J/K per kg of dry air
    entering: Any  # J/kg dry air
    difference: Any  # J/kg dry air from the air to air saturated at the water, never negative
    dew: Any  # °C
    slope: Any  # J/(kg·K) of saturated enthalpy between water and dew point


class _Coil(NamedTuple):
    """What does not depend on the valve."""

    air: Any  # W/K of the air that meets the coil
    rate: Any  # W/K of all the unit's air
    dry_air: Any  # kg/s of dry air that meets the coil
    water: Any  # W/K at full flow
    conductance: Any  # W/K at full flow
    difference: Any  # K, never negative
    may_condense: Any  # the coldest surface there can be lies below the dew point
    moist: _Moist | None  # None where no element may condense


def _coil(hot: RoomAir, cold: Stream, rated: Rating, params: AirHandler) -> _Coil:
    rate = np.asarray(hot.flow * hot.cp, dtype=float)
    meets = 1.0 - params.bypass
    share = params.liquid_exponent / 0.8
    change = fluids.polynomial(film_properties(cold.fluid), cold.temperature) - rated.log_film
    exponent = params.air_exponent * np.log(np.maximum(hot.flow, TINY) / rated.air_flow) + share * change
    exponent = exponent + params.liquid_exponent * np.log(np.maximum(cold.flow, TINY) / rated.water_flow)
    w_surface = psy.saturation_humidity_ratio(cold.temperature, hot.pressure)
    may_condense = hot.humidity_ratio > w_surface
    return _Coil(
        rate * meets,
        rate,
        hot.flow / (1.0 + hot.humidity_ratio) * meets,
        np.asarray(cold.flow * cold.cp, dtype=float),
        rated.conductance * np.exp(exponent),
        np.maximum(hot.temperature - cold.temperature, 0.0),
        may_condense,
        _moist(hot, cold, w_surface) if np.any(may_condense) else None,
    )


def _moist(hot: RoomAir, cold: Stream, w_surface: Any) -> _Moist:
    air_heat = hot.cp * (1.0 + hot.humidity_ratio)
    entering = air_heat * hot.temperature + hot.humidity_ratio * psy.LATENT_HEAT
    at_water = air_heat * cold.temperature + w_surface * psy.LATENT_HEAT
    dew = psy.dew_point(hot.humidity_ratio, hot.pressure)
    span = np.maximum(dew - cold.temperature, 0.1)
    w_dew = psy.saturation_humidity_ratio(cold.temperature + span, hot.pressure)
    slope = air_heat + psy.LATENT_HEAT * (w_dew - w_surface) / span
    return _Moist(air_heat, entering, np.maximum(entering - at_water, 0.0), dew, slope)


def _coil_heat(
    coil: _Coil, hot: RoomAir, cold: Stream, u: Any, params: AirHandler
) -> tuple[Any, Any, Any, Any]:
    """Total heat (W), fall of the unit's dry bulb (K), condensate (kg/s) and where the coil is wet."""
    water = u * coil.water
    least, most = np.minimum(coil.air, water), np.maximum(coil.air, water)
    ua = coil.conductance * u**params.liquid_exponent
    floor = np.maximum(least, TINY)
    reached = effectiveness(ua / floor, least / np.maximum(most, TINY), params.arrangement)
    heat = reached * least * coil.difference
    drop = heat / np.maximum(coil.rate, TINY)
    if coil.moist is None:
        return heat, drop, np.zeros(np.shape(heat)), np.False_
    return _wet(coil, coil.moist, hot, u, ua, heat, params)


def _wet(
    coil: _Coil, moist: _Moist, hot: RoomAir, u: Any, ua: Any, dry_heat: Any, params: AirHandler
) -> tuple[Any, Any, Any, Any]:
    """As :func:`_coil_heat` where the coil may be wet."""
    share = params.liquid_exponent / 0.8
    ntu_air = ua / (1.0 - share) / np.maximum(coil.air, TINY)
    ratio = coil.dry_air * moist.slope / np.maximum(u * coil.water, TINY)
    ntu_wet = ntu_air / (1.0 + moist.slope / moist.air_heat * share / (1.0 - share))
    # m* may exceed one: the water is then the smaller stream.
    small = np.minimum(ratio, 1.0 / np.maximum(ratio, TINY))
    least = coil.dry_air * np.minimum(1.0, 1.0 / np.maximum(ratio, TINY))
    reached = effectiveness(ntu_wet * np.maximum(ratio, 1.0), small, params.arrangement)
    wet_heat = np.where(coil.may_condense & (u * coil.water > 0.0), reached * least * moist.difference, 0.0)
    heat = np.where(coil.difference > 0.0, np.maximum(dry_heat, wet_heat), 0.0)
    # Mean surface and bypass factor: dry as long as the surface stays above the dew point.
    contact = np.maximum(-np.expm1(-ntu_air), 1e-3)
    surface = hot.temperature - heat / np.maximum(coil.air, TINY) / contact
    wet = coil.may_condense & (surface < moist.dew)
    h_surface = moist.entering - heat / np.maximum(coil.dry_air, TINY) / contact
    leaving = psy.temperature_of_saturated_enthalpy(
        np.where(wet, h_surface, moist.entering), hot.pressure, np.minimum(moist.dew, hot.temperature)
    )
    saturated = psy.saturation_humidity_ratio(leaving, hot.pressure)
    w_out = hot.humidity_ratio - contact * (hot.humidity_ratio - saturated)
    condensate = np.where(wet, coil.dry_air * np.maximum(hot.humidity_ratio - w_out, 0.0), 0.0)
    # Vapour condenses at the leaving temperature: solved for the fall of the dry bulb.
    sensible = heat - condensate * (psy.LATENT_HEAT + psy.VAPOUR_HEAT * hot.temperature)
    drop = sensible / np.maximum(coil.rate - psy.VAPOUR_HEAT * condensate, TINY)
    return heat, drop, condensate, wet
