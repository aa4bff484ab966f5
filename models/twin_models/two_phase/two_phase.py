"""Boiling on packages and condensing on a coil: two-phase immersion and two-phase cold plates.

Nucleate boiling after Cooper (Advances in Heat Transfer 16 (1984) 157), ``Rp`` in µm, ``q`` in W/m²:

    h = F·55·pr^(0.12 − 0.2·lg Rp)·(−lg pr)^(−0.55)·M^(−0.5)·q^0.67

or Rohsenow (Trans. ASME 74 (1952) 969), with ``F`` for coated surfaces. Critical heat flux after Zuber (1959), with a
factor for the surface:

    q_crit = K·0.131·h_fg·ρ_v^(1/2)·(σ·g·(ρ_l − ρ_v))^(1/4)

Above it a vapour film covers the surface: the coefficient falls to ``FILM_BOILING`` and the chip shows it. Vapour condenses
at the saturation temperature on a coil with facility water: ``Q = (1 − exp(−UA/C_w))·C_w·(t_sat − t_w)``.

A loop of boiling liquid carries vapour. Its flow is the vapour's, its heat capacity stands for the latent heat: one kelvin
of its scale (`SCALE_K`) is the whole of it. Its supply temperature is that of saturation and floats up, with the pressure,
when the coil cannot take the heat.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.fields import Choice, Parameters, Quantity
from twin_models.fluids import boiling, fluids
from twin_models.fluids.boiling_coefficients import CRITICAL
from twin_models.roots import rising_root
from twin_models.streams import Array, Bound, Real, Stream, Transfer, inside

GRAVITY = 9.80665
SCALE_K = 1.0  # of a boiling loop: from liquid to vapour
ZUBER = 0.131
FILM_BOILING = 150.0  # W/(m²·K), estimate for organic liquids at 100 K of superheat and less
ROHSENOW_EXPONENT = 1.7
LEAST_FLUX = 1.0  # W/m²
WATER_RANGE = (0.1, 1.6)
PROBE_K = 0.01
TINY = 1e-12
TOLERANCE = 1e-9  # of the capacity


@dataclass(frozen=True, kw_only=True)
class BoilingSurface(Parameters):
    """Surface of one package that boils liquid, in a bath or inside a plate."""

    fluid: Annotated[str, Choice("Liquid: that of the loop it stands in")] = "novec_649"
    area: Annotated[float, Quantity("m2", "Boiling area, spread over the base", low=1e-5, high=1.0)]
    base_resistance: Annotated[float, Quantity("K/W", "Case to boiling surface", low=0.0, high=1.0)]
    correlation: Annotated[Literal["cooper", "rohsenow"], Choice("Law of nucleate boiling")] = "cooper"
    roughness: Annotated[float, Quantity("1", "Roughness Rp in µm", 0.05, 20.0, "estimate")] = 1.0
    surface_factor: Annotated[float, Quantity("1", "Rohsenow's Csf", 0.002, 0.02, "Rohsenow")] = 0.007
    enhancement: Annotated[
        float, Quantity("1", "Coating: coefficient over that of a plain surface", 1.0, 12.0, "estimate")
    ] = 1.0
    critical_factor: Annotated[
        float, Quantity("1", "Coating: critical heat flux over Zuber's", 0.5, 4.0, "estimate")
    ] = 1.0


@dataclass(frozen=True, kw_only=True)
class Condenser(Parameters):
    """One condenser with the vessel that it serves, known by its rated point (pure water)."""

    rated_heat: Annotated[float, Quantity("W", "Rated heat", 1.0, 1e7)]
    rated_saturation: Annotated[float, Quantity("degC", "Rated saturation temperature", 5.0, 100.0)]
    rated_water_in: Annotated[float, Quantity("degC", "Rated water entering", 0.0, 80.0)]
    rated_water_flow: Annotated[float, Quantity("m3/s", "Rated water flow", 1e-6, 1.0)]
    water_exponent: Annotated[float, Quantity("1", "UA exponent of water flow", 0.0, 0.8, "estimate")] = 0.4
    pump_power: Annotated[float, Quantity("W", "Constant power of its liquid pump", 0.0, 1e5)] = 0.0
    charge: Annotated[float, Quantity("kg", "Liquid in the vessel and its pipes", 0.0, 1e5)] = 0.0
    yearly_loss: Annotated[
        float, Quantity("1", "Share of the charge lost in a year", 0.0, 1.0, "estimate")
    ] = 0.0
    vented: Annotated[bool, Choice("Vapour space at outdoor pressure")] = True


class Boiling(NamedTuple):
    """What a boiling surface does."""

    resistance: Array  # K/W, case to saturated liquid
    slope: Array  # d(resistance)/d(saturation temperature), 1/W
    flux_share: Array  # heat flux over the critical one
    valid: NDArray[np.bool_]  # False above the critical heat flux or outside the liquid's range


def cooper(flux: Real, t: Real, name: str, roughness: float) -> Array:
    """Nucleate boiling coefficient in W/(m²·K) at ``flux`` W/m² and saturation ``t`` °C on a plain surface."""
    _, critical_pressure, mass = CRITICAL[name]
    reduced = boiling.pressure(name, t) / critical_pressure
    power = 0.12 - 0.2 * float(np.log10(roughness))
    return np.asarray(
        55.0
        * reduced**power
        * (-np.log10(reduced)) ** -0.55
        * mass**-0.5
        * np.asarray(flux, dtype=float) ** 0.67
    )


def rohsenow(flux: Real, t: Real, name: str, surface_factor: float) -> Array:
    """Nucleate boiling coefficient in W/(m²·K) after Rohsenow, exponent 1.7 of the Prandtl number."""
    latent, cp = boiling.latent_heat(name, t), boiling.heat_capacity(name, t)
    rise = boiling.density(name, t) - boiling.vapour_density(name, t)
    transport = boiling.TRANSPORT[name]
    prandtl = cp * transport.viscosity / transport.conductivity
    length = np.sqrt(boiling.surface_tension(name, t) / (GRAVITY * rise))
    q = np.asarray(flux, dtype=float)
    superheat = (
        surface_factor
        * latent
        / cp
        * np.cbrt(q / (transport.viscosity * latent) * length)
        * prandtl**ROHSENOW_EXPONENT
    )
    return np.asarray(q / superheat)


def critical_flux(t: Real, name: str) -> Array:
    """Zuber's critical heat flux of a plain surface in W/m² at saturation ``t`` °C."""
    vapour = boiling.vapour_density(name, t)
    lift = boiling.surface_tension(name, t) * GRAVITY * (boiling.density(name, t) - vapour)
    return np.asarray(ZUBER * boiling.latent_heat(name, t) * np.sqrt(vapour) * lift**0.25)


def resistance(heat: Real, saturation: Real, params: BoilingSurface) -> Boiling:
    """Resistance of one surface that carries ``heat`` (W) into liquid at ``saturation`` (°C)."""
    t, q = np.broadcast_arrays(
        np.asarray(saturation, dtype=float), np.asarray(heat, dtype=float) / params.area
    )
    q = np.maximum(q, LEAST_FLUX)
    low, high = (_total(q, t + step, params) for step in (-PROBE_K, PROBE_K))
    share = q / (params.critical_factor * critical_flux(t, params.fluid))
    slope = (high - low) / (2.0 * PROBE_K)
    return Boiling(_total(q, t, params), slope, share, inside(surface_bounds(share, t)))


def surface_bounds(share: Real, saturation: Real) -> tuple[Bound, ...]:
    """Ranges of a boiling surface at a share of its critical heat flux and a saturation temperature in °C."""
    return (
        Bound("heat flux over critical", share, 0.0, 1.0, "1"),
        Bound("saturation temperature", saturation, boiling.LOW, boiling.HIGH, "degC"),
    )


def _total(q: Array, t: Array, params: BoilingSurface) -> Array:
    if params.correlation == "cooper":
        h = cooper(q, t, params.fluid, params.roughness)
    else:
        h = rohsenow(q, t, params.fluid, params.surface_factor)
    wetted = q <= params.critical_factor * critical_flux(t, params.fluid)
    h = np.where(wetted, params.enhancement * h, FILM_BOILING)
    return np.asarray(params.base_resistance + 1.0 / (h * params.area))


@lru_cache(maxsize=256)
def conductance(params: Condenser) -> float:
    """UA in W/K at the rated point.

    Raises
    ------
    ValueError
        Where the rated heat is more than the rated water can take up to the saturation temperature.
    """
    water = fluids.fluid("water")
    t = params.rated_water_in
    rate = params.rated_water_flow * float(fluids.density(water, t) * fluids.heat_capacity(water, t))
    share = params.rated_heat / (rate * (params.rated_saturation - t)) if params.rated_saturation > t else 2.0
    if share >= 1.0:
        raise ValueError(
            f"rated_heat {params.rated_heat:g} W would warm the water above {params.rated_saturation:g} degC; "
            "raise rated_water_flow or rated_saturation"
        )
    return float(-np.log1p(-share) * rate)


def transfer(hot: Stream, cold: Stream, u: Real, params: Condenser, trial: bool = False) -> Transfer:
    """Heat of one condenser; ``hot`` is a boiling loop, ``u`` the water valve. The pump's power leaves with the water.

    ``hot.temperature`` of entering vapour stands `SCALE_K` above saturation. ``trial`` leaves out what a search does not need.
    """
    u = np.clip(u, 0.0, 1.0)
    heat = _heat(hot, cold, u, params)
    capacity = heat if trial else _heat(hot, cold, 1.0, params)
    water = u * np.asarray(cold.flow)
    rate = water * np.asarray(cold.cp)
    electric = np.where(np.asarray(hot.flow) > 0.0, params.pump_power, 0.0) + np.zeros(np.shape(heat))
    # without water the pump's power has no way out but the vapour; it is so small that it is given to the water
    warmed = cold.temperature + heat / np.maximum(rate, TINY)
    ratio = water / (params.rated_water_flow * float(fluids.density(cold.fluid, params.rated_water_in)))
    t = np.asarray(hot.temperature) - SCALE_K
    held = (
        Bound("water flow over rated", ratio, *WATER_RANGE, "1"),
        Bound("saturation temperature", t, boiling.LOW, boiling.HIGH, "degC"),
    )
    zero = np.zeros(np.shape(heat))
    return Transfer(
        heat,
        hot.temperature - heat / np.maximum(np.asarray(hot.flow) * hot.cp, TINY),
        rate * (warmed - cold.temperature) + electric,
        electric,
        zero,
        zero,
        capacity,
        inside(held) | (heat <= 0.0),
        held,
    )


def _heat(hot: Stream, cold: Stream, u: Any, params: Condenser) -> Array:
    full = np.asarray(cold.flow) / (
        params.rated_water_flow * float(fluids.density(cold.fluid, params.rated_water_in))
    )
    share = np.maximum(u * full, TINY)
    rate = np.maximum(u * np.asarray(cold.flow) * cold.cp, TINY)
    ntu = conductance(params) * share**params.water_exponent / rate
    difference = np.maximum(np.asarray(hot.temperature) - SCALE_K - cold.temperature, 0.0)
    flows = (np.asarray(hot.flow) > 0.0) & (u * np.asarray(cold.flow) > 0.0)
    return np.where(flows, -np.expm1(-ntu) * rate * difference, 0.0)


def valve_for(hot: Stream, cold: Stream, hot_out: Real, params: Condenser) -> Array:
    """``u`` that condenses to ``hot_out`` °C: inverse of :func:`transfer`, within 0 and 1."""
    rate = np.asarray(hot.flow) * hot.cp
    wanted = np.maximum(np.asarray(hot.temperature) - hot_out, 0.0) * rate
    full = _heat(hot, cold, 1.0, params)
    wanted, full = np.broadcast_arrays(wanted, full)
    scale = np.maximum(full, 1.0)
    u = rising_root(
        lambda v: (_heat(hot, cold, v, params) - wanted) / scale,
        np.zeros(wanted.shape),
        np.ones(wanted.shape),
        -wanted / scale,
        (full - wanted) / scale,
        TOLERANCE,
    )
    return np.where((full <= 0.0) | (wanted <= 0.0), np.where(wanted > 0.0, 1.0, 0.0), u)
