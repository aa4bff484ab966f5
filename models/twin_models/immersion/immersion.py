"""Single-phase immersion: heat sinks in a bath of dielectric liquid, and the tank that cools the bath.

From a package to the liquid entering its node, heat passes the base of its heat sink, the film on its fins and the
liquid's own rise on the way (half of it counts at the middle of the sink):

    R = R_base + 1/(h·A) + 1/(2·ρ·cp·V)
    natural  Nu = (0.825 + 0.387·Ra^(1/6)/(1 + (0.492/Pr)^(9/16))^(8/27))²,   Ra = g·β·ΔT·L³/(ν·α)
    forced   Nu = 0.664·Re^(1/2)·Pr^(1/3)             (laminar plate)
    both     Nu³ = Nu_natural³ + Nu_forced³           (flow upwards: buoyancy helps)

with the liquid's properties at the mean of fin and liquid. The natural film depends on the heat it carries; that heat is
taken at the package's reference power, so that R does not wait for the leakage.

A tank is a coolant distribution unit whose hot side is the bath: an exchanger in or beside it, and a pump unless the bath
moves by buoyancy alone. Buoyancy against turbulent losses gives a flow with the cube root of the heat.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.cdu import cdu
from twin_models.cdu.cdu import Cdu
from twin_models.fields import Choice, Parameters, Quantity
from twin_models.fluids import fluids
from twin_models.fluids.fluids import Fluid
from twin_models.streams import Array, Bound, Real, Stream, Transfer, inside

GRAVITY = 9.80665
STEPS = 8  # of the film's temperature; each takes three quarters of the error away
FIRST_FILM = 150.0  # W/(m²·K) to start from
PROBE_K = 0.01  # half width of the difference that gives dR/dT
LEAST_FLOW = 1e-9  # m³/s
LAMINAR = 5e5  # Reynolds number of a plate
RAYLEIGH = (1e4, 1e13)


@dataclass(frozen=True, kw_only=True)
class BathSink(Parameters):
    """Heat sink of one package in a bath, liquid rising along its fins."""

    fluid: Annotated[str, Choice("Bath liquid: that of the loop it stands in")] = "ec_100"
    area: Annotated[float, Quantity("m2", "Wetted fin area times fin efficiency", low=1e-4, high=5.0)]
    length: Annotated[float, Quantity("m", "Fin length along the flow", low=0.005, high=1.0)]
    passage: Annotated[float, Quantity("m2", "Free cross section between the fins", low=1e-6, high=0.5)]
    base_resistance: Annotated[float, Quantity("K/W", "Case to fins", low=0.0, high=1.0)]
    heat_capacity: Annotated[
        float, Quantity("J/K", "Heat capacity of the heat sink", low=1.0, high=1e5, bound_source="estimate")
    ] = 600.0


@dataclass(frozen=True, kw_only=True)
class Tank(Cdu):
    """One tank with its exchanger and pumps. ``rated_heat`` is what the exchanger takes at its rated point."""

    bath_volume: Annotated[float, Quantity("m3", "Liquid in the bath", low=0.01, high=50.0)]
    highest_load: Annotated[float, Quantity("W", "Most IT power that the tank holds", low=1e3, high=1e7)]
    exchanger: Annotated[Literal["internal", "external"], Choice("Exchanger in the tank or beside it")] = (
        "internal"
    )


class Sink(NamedTuple):
    """What a heat sink does at its heat and flow."""

    resistance: Array  # K/W, case to entering liquid
    slope: Array  # d(resistance)/d(liquid_in), 1/W
    film: Array  # W/(m²·K)
    valid: NDArray[np.bool_]  # False outside laminar flow, the range of Ra, or the liquid's own range


def transfer(hot: Stream, cold: Stream, u: Real, params: Tank, trial: bool = False) -> Transfer:
    """Heat from the bath to the primary; ``u`` is the primary valve. The pumps are in :mod:`twin_models.cdu`."""
    return cdu.transfer(hot, cold, u, params, trial)


def film(difference: Real, speed: Real, length: float, liquid: Fluid, t: Real) -> tuple[Array, Array, Array]:
    """Mean film coefficient of a vertical plate in W/(m²·K), its Rayleigh and its Reynolds number.

    Parameters
    ----------
    difference
        Surface minus liquid, K, 0 or more; any shape.
    speed
        m/s along the plate.
    length
        Height of the plate, m.
    liquid, t
        Liquid and the temperature at which its properties are taken, °C.

    Natural: Churchill and Chu (Int. J. Heat Mass Transfer 18 (1975) 1323); forced: Pohlhausen; mixed: Churchill (AIChE J. 23 (1977) 10).
    """
    t = np.clip(t, liquid.low, liquid.high)
    rho, k = fluids.density(liquid, t), fluids.conductivity(liquid, t)
    rate, mu = rho * fluids.heat_capacity(liquid, t), fluids.viscosity(liquid, t)
    prandtl = mu * rate / (rho * k)
    beta = -slope_of(liquid.density, t) / rho
    rayleigh = GRAVITY * beta * np.maximum(difference, 0.0) * length**3 * rho / mu * rate / k
    reynolds = np.asarray(speed) * length * rho / mu
    shape = (1.0 + (0.492 / prandtl) ** (9.0 / 16.0)) ** (8.0 / 27.0)
    natural = (0.825 + 0.387 * rayleigh ** (1.0 / 6.0) / shape) ** 2
    forced = 0.664 * np.sqrt(reynolds) * prandtl ** (1.0 / 3.0)
    both: Array = np.cbrt(natural**3 + forced**3) * k / length
    return both, np.asarray(rayleigh), np.asarray(reynolds)


def slope_of(coefficients: tuple[float, ...], x: Real) -> Real:
    """Derivative of a polynomial, highest power first."""
    n = len(coefficients) - 1
    below = [c * (n - i) for i, c in enumerate(coefficients[:-1])]
    value: Real = below[0] if len(below) == 1 else fluids.polynomial(below, x)
    return value


def resistance(heat: Real, liquid_in: Real, flow: Real, params: BathSink) -> Sink:
    """Resistance of one sink that carries ``heat`` (W) with ``flow`` (m³/s) of liquid entering at ``liquid_in`` (°C)."""
    t, q = np.asarray(liquid_in, dtype=float), np.asarray(heat, dtype=float)
    v = np.maximum(np.asarray(flow, dtype=float), LEAST_FLOW)
    low, high = (_resistance(q, t + step, v, params)[0] for step in (-PROBE_K, PROBE_K))
    middle, h, rayleigh, reynolds, mean = _resistance(q, t, v, params)
    valid = inside(_ranges(rayleigh, reynolds, mean, params))
    return Sink(middle, (high - low) / (2.0 * PROBE_K), h, valid)


def bounds(heat: Real, liquid_in: Real, flow: Real, params: BathSink) -> tuple[Bound, ...]:
    """Ranges of one sink under the conditions of `resistance`."""
    t, q = np.asarray(liquid_in, dtype=float), np.asarray(heat, dtype=float)
    v = np.maximum(np.asarray(flow, dtype=float), LEAST_FLOW)
    return _ranges(*_resistance(q, t, v, params)[2:], params)


def _ranges(rayleigh: Array, reynolds: Array, mean: Array, params: BathSink) -> tuple[Bound, ...]:
    liquid = fluids.fluid(params.fluid)
    return (
        Bound("Reynolds number on the sink", reynolds, 0.0, LAMINAR, ""),
        Bound("Rayleigh number on the sink", rayleigh, *RAYLEIGH, ""),
        Bound("liquid on the sink", mean, liquid.low, liquid.high, "degC"),
    )


def _resistance(q: Array, t: Array, v: Array, params: BathSink) -> tuple[Array, Array, Array, Array, Array]:
    liquid = fluids.fluid(params.fluid)
    at = np.clip(t, liquid.low, liquid.high)
    half_rise = 0.5 / (fluids.density(liquid, at) * fluids.heat_capacity(liquid, at) * v)
    local = t + q * half_rise
    h: Array = np.full(np.broadcast_shapes(q.shape, t.shape, v.shape), FIRST_FILM)
    for _ in range(STEPS):
        difference = q / (h * params.area)
        mean = local + 0.5 * difference
        h, rayleigh, reynolds = film(difference, v / params.passage, params.length, liquid, mean)
    total = params.base_resistance + 1.0 / (h * params.area) + half_rise
    return np.asarray(total), h, rayleigh, reynolds, np.asarray(mean)


def natural_flow(heat: Real, rated_heat: float, rated_flow: float) -> Array:
    """Flow in m³/s that buoyancy drives at ``heat`` W: head with heat over flow, losses with its square.

    ``ρ·g·β·H·Q/(ρ·cp·V) = K·V²``, so that ``V = V_rated·(Q/Q_rated)^(1/3)``.
    """
    return np.asarray(rated_flow * np.cbrt(np.maximum(np.asarray(heat, dtype=float), 0.0) / rated_heat))
