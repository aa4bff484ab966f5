"""Heat exchangers by effectiveness and number of transfer units.

For streams of capacity rate ``C = m·cp`` and a conductance ``UA``, ``NTU = UA/C_min`` and ``R =
C_min/C_max`` give the effectiveness, and the heat is ``effectiveness · C_min · (hot in − cold in)``.
Relations: Kays & London, Compact Heat Exchangers; Shah & Sekulić, Fundamentals of Heat Exchanger Design
(2003), chapter 3.

A plate exchanger is known by one rated point. Away from it both films move with their mass flow and
viscosity:

    1/UA = 1/UA_rated · [ s·(m_h0/m_h)^n·(μ_h/μ_h0)^p + (1−s)·(m_c0/m_c)^n·(μ_c/μ_c0)^p + fouling·U_clean ]

with the share ``s`` of the hot film at the rated point, n = 0.75 and p = 0.3. Viscosity is taken at the mean
of the two entering temperatures, which keeps the heat explicit; the rated point itself is reproduced exactly.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import erfc

from twin_models.fields import Choice, Parameters, Quantity
from twin_models.fluids.fluids import Fluid, density, fluid, heat_capacity, polynomial
from twin_models.streams import Array, Bound, Real, Stream, Transfer, inside, tried

Arrangement: TypeAlias = Literal[
    "counterflow",
    "parallel",
    "crossflow",  # both unmixed, exact
    "crossflow_approximate",  # both unmixed, closed form within about 1 %
    "crossflow_mixed_minimum",  # the stream of C_min is mixed
    "crossflow_mixed_maximum",  # the stream of C_max is mixed
]

TINY = 1e-300
SMALLEST = 1e-12  # stands in for a ratio of 0 and for 1 − ratio of 0: errors stay below 1e-11
SERIES_NTU = 100.0  # above it the exact crossflow series gives way to its limit for many transfer units
FLOW_RANGE = (0.05, 2.0)  # actual over rated mass flow in which the film law is used
STEPS = 12  # most Newton steps of the inverse; four to six suffice
TOLERANCE = 1e-6  # last Newton step; the rule squares it, so the answer is good to 1e-11


@dataclass(frozen=True, kw_only=True)
class PlateExchanger(Parameters):
    """A plate heat exchanger between two liquids, known by its rated point."""

    rated_heat: Annotated[float, Quantity("W", "Rated heat", low=1.0, high=1e8)]
    rated_approach: Annotated[
        float, Quantity("K", "Hot leaving minus cold entering", low=0.1, high=40.0, difference=True)
    ]
    hot_flow: Annotated[float, Quantity("m3/s", "Rated hot flow", low=1e-6, high=10.0)]
    cold_flow: Annotated[float, Quantity("m3/s", "Rated cold flow", low=1e-6, high=10.0)]
    rated_cold_in: Annotated[float, Quantity("degC", "Rated cold entering", low=0.0, high=80.0)] = 32.0
    rated_hot_glycol: Annotated[
        float, Quantity("1", "Propylene glycol in the rated hot liquid, by volume", low=0.0, high=0.6)
    ] = 0.25
    rated_cold_glycol: Annotated[
        float, Quantity("1", "Propylene glycol in the rated cold liquid, by volume", low=0.0, high=0.6)
    ] = 0.0
    rated_hot_liquid: Annotated[str, Choice("Rated hot liquid, where it is a dielectric")] = ""
    ua: Annotated[float | None, Quantity("W/K", "Conductance at the rated point", low=1.0, high=1e9)] = None
    hot_film_share: Annotated[
        float, Quantity("1", "Share of the hot film in the resistance", low=0.0, high=1.0)
    ] = 0.5
    flow_exponent: Annotated[
        float, Quantity("1", "Film coefficient against flow", low=0.3, high=1.0, bound_source="estimate")
    ] = 0.75
    viscosity_exponent: Annotated[
        float,
        Quantity("1", "Film coefficient against viscosity", low=-0.6, high=0.0, bound_source="estimate"),
    ] = -0.3
    fouling: Annotated[
        float, Quantity("m2*K/W", "Fouling resistance, both sides together", low=0.0, high=1e-3)
    ] = 0.0
    clean_coefficient: Annotated[
        float,
        Quantity("W/(m2*K)", "Clean overall coefficient", low=200.0, high=15e3, bound_source="estimate"),
    ] = 4000.0


class Rating(NamedTuple):
    """What the rated point fixes."""

    conductance: float  # W/K, clean
    hot_flow: float  # kg/s
    cold_flow: float  # kg/s
    hot_log_viscosity: float  # ln(Pa·s) at the mean entering temperature
    cold_log_viscosity: float  # ln(Pa·s) at the mean entering temperature
    hot_in: float  # °C
    film: float  # °C, mean of the entering temperatures


def _counterflow(n: Real, r: Real) -> Array:
    rest = np.maximum(1.0 - r, SMALLEST)
    part = -np.expm1(-n * rest)
    value: Array = part / (rest + r * part)
    return value


def _crossflow(n: Array, r: Array) -> Array:
    """Both streams unmixed, exact.

    The effectiveness is E[min(X, Y)]/(R·NTU) of independent Poisson variables of mean NTU and R·NTU: the
    series of Mason (1954) read as a sum over tails. Many transfer units take the normal limit of X − Y.
    """
    n, r = np.broadcast_arrays(n, np.maximum(r, SMALLEST))
    few = np.minimum(n, SERIES_NTU)
    x, y = few, r * few
    top = float(np.max(y, initial=0.0))
    px, py = np.exp(-x), np.exp(-y)
    tail_x, tail_y = -np.expm1(-x), -np.expm1(-y)
    total = tail_x * tail_y
    for k in range(1, int(top + 9.0 * top**0.5 + 15.0)):
        px, py = px * x / k, py * y / k
        tail_x, tail_y = tail_x - px, tail_y - py
        total = total + tail_x * tail_y
    value: Array = np.where(y > 1e-9, total / np.maximum(y, TINY), -np.expm1(-x))
    if np.any(n > SERIES_NTU):
        many = np.clip(n, SERIES_NTU, 1e15)
        sigma = np.sqrt(many * (1.0 + r))
        d = many * (1.0 - r) / sigma
        d = np.minimum(d, 30.0)
        lost = np.exp(-0.5 * d * d) / np.sqrt(2.0 * np.pi) - 0.5 * d * erfc(d / np.sqrt(2.0))
        value = np.where(n > SERIES_NTU, 1.0 - sigma * np.maximum(lost, 0.0) / (r * many), value)
    return value


def effectiveness(ntu: Real, ratio: Real, arrangement: Arrangement = "counterflow") -> Array:
    """Effectiveness of a heat exchanger.

    Parameters
    ----------
    ntu
        Transfer units ``UA/C_min``, 0 to infinity, any shape.
    ratio
        ``C_min/C_max``, 0 to 1; 0 is a condensing or evaporating stream.
    arrangement
        Paths of the streams. ``crossflow`` is exact and costs a series; ``crossflow_approximate`` is a
        closed form.

    Raises
    ------
    ValueError
        For an unknown arrangement.
    """
    n, r = np.asarray(ntu, dtype=np.float64), np.asarray(ratio, dtype=np.float64)
    if arrangement == "counterflow":
        return _counterflow(n, r)
    if arrangement == "parallel":
        value: Array = -np.expm1(-n * (1.0 + r)) / (1.0 + r)
        return value
    if arrangement == "crossflow":
        return _crossflow(n, r)
    r = np.maximum(r, SMALLEST)
    if arrangement == "crossflow_approximate":
        value = -np.expm1(n**0.22 / r * np.expm1(-r * n**0.78))
    elif arrangement == "crossflow_mixed_minimum":
        value = -np.expm1(np.expm1(-r * n) / r)
    elif arrangement == "crossflow_mixed_maximum":
        value = -np.expm1(r * np.expm1(-n)) / r
    else:
        raise ValueError(f"arrangement {arrangement!r} is not known")
    return value


def ntu(effectiveness: Real, ratio: Real) -> Array:
    """Transfer units of a counterflow exchanger; infinite where the effectiveness is 1 or above."""
    e, r = np.asarray(effectiveness, dtype=np.float64), np.asarray(ratio, dtype=np.float64)
    rest = np.maximum(1.0 - r, SMALLEST)
    value: Array = np.log1p(np.minimum(e, 1.0) * rest / np.maximum(1.0 - e, TINY)) / rest
    return np.where(e < 1.0, value, np.inf)


@lru_cache(maxsize=4096)
def rating(params: PlateExchanger) -> Rating:
    """Conductance and film conditions at the rated point with the rated liquids.

    Raises
    ------
    ValueError
        If the rated approach needs more heat than the rated cold flow can carry, or no liquid is called
        ``rated_hot_liquid``.
    """
    hot = fluid(params.rated_hot_liquid) if params.rated_hot_liquid else fluid_of(params.rated_hot_glycol)
    cold = fluid_of(params.rated_cold_glycol)
    cold_in = params.rated_cold_in
    hot_out = cold_in + params.rated_approach
    # Flow is metered where its temperature is given: hot leaving, cold entering.
    hot_flow = params.hot_flow * float(density(hot, hot_out))
    cold_flow = params.cold_flow * float(density(cold, cold_in))
    hot_rate = hot_flow * float(heat_capacity(hot, hot_out))
    cold_rate = cold_flow * float(heat_capacity(cold, cold_in))
    hot_in = hot_out + params.rated_heat / hot_rate
    smaller, larger = min(hot_rate, cold_rate), max(hot_rate, cold_rate)
    share = params.rated_heat / (smaller * (hot_in - cold_in))
    if share >= 1.0:
        raise ValueError(
            f"a heat of {params.rated_heat:g} W at an approach of {params.rated_approach:g} K would warm "
            f"the cold flow of {cold_flow:.4g} kg/s above the entering hot liquid; "
            "raise cold_flow or rated_approach"
        )
    conductance = params.ua if params.ua is not None else float(ntu(share, smaller / larger)) * smaller
    film = 0.5 * (hot_in + cold_in)
    return Rating(
        conductance,
        hot_flow,
        cold_flow,
        float(polynomial(hot.log_viscosity, film)),
        float(polynomial(cold.log_viscosity, film)),
        hot_in,
        film,
    )


def fluid_of(glycol: float) -> Fluid:
    """Water, or the propylene glycol mixture of a rated point."""
    return fluid("propylene_glycol", glycol) if glycol > 0.0 else fluid("water")


def rated_conductance(params: PlateExchanger, hot_fluid: Fluid, cold_fluid: Fluid) -> float:
    """Conductance in W/K at rated mass flows and temperatures with these liquids, fouling included."""
    rated = rating(params)
    hot = Stream(rated.hot_in, rated.hot_flow, float(heat_capacity(hot_fluid, rated.film)), hot_fluid)
    cold_cp = float(heat_capacity(cold_fluid, rated.film))
    cold = Stream(params.rated_cold_in, rated.cold_flow, cold_cp, cold_fluid)
    return float(conductance(hot, cold, rated.cold_flow, params))


def _films(hot: Stream, cold: Stream, params: PlateExchanger) -> tuple[Real, Real, Real]:
    """Resistances in K/W: hot film and fouling as they are, cold film as it would be at the rated flow.

    The hot film is infinite at no flow.
    """
    rated = rating(params)
    film = 0.5 * (hot.temperature + cold.temperature)
    unit = 1.0 / rated.conductance
    p = -params.viscosity_exponent
    relative = np.log(np.maximum(hot.flow, TINY) / rated.hot_flow)
    exponent = (
        p * (polynomial(hot.fluid.log_viscosity, film) - rated.hot_log_viscosity)
        - params.flow_exponent * relative
    )
    hot_film = params.hot_film_share * unit * np.exp(exponent)
    change = polynomial(cold.fluid.log_viscosity, film) - rated.cold_log_viscosity
    cold_film = (1.0 - params.hot_film_share) * unit * np.exp(p * change)
    return hot_film, cold_film, params.fouling * params.clean_coefficient * unit


def _conductance(films: tuple[Real, Real, Real], cold_flow: Real, params: PlateExchanger) -> Real:
    hot_film, cold_film, fouling = films
    flow = np.maximum(cold_flow, TINY) / rating(params).cold_flow
    value: Real = 1.0 / (hot_film + cold_film * np.exp(-params.flow_exponent * np.log(flow)) + fouling)
    return value


def conductance(hot: Stream, cold: Stream, cold_flow: Real, params: PlateExchanger) -> Real:
    """Conductance in W/K at the actual flows in kg/s; practically zero where a side stands still."""
    return _conductance(_films(hot, cold, params), cold_flow, params)


def _heat(hot_rate: Real, cold_rate: Real, ua: Real, difference: Real) -> Array:
    smaller = np.minimum(hot_rate, cold_rate)
    larger = np.maximum(np.maximum(hot_rate, cold_rate), TINY)
    value: Array = _counterflow(ua / np.maximum(smaller, TINY), smaller / larger) * smaller * difference
    return value


def bounds(side: str, stream: Stream, flow: Real, rated_flow: float) -> tuple[Bound, ...]:
    """Ranges of the temperature and the flow (kg/s) of the stream on a side; a standing stream is inside."""
    relative = np.asarray(flow) / rated_flow
    flowing = np.where(relative <= 0.0, 1.0, relative)
    return (
        Bound(f"{side} flow over rated", flowing, *FLOW_RANGE, "1"),
        Bound(f"{side} entering", stream.temperature, stream.fluid.low, stream.fluid.high, "degC"),
    )


def transfer(hot: Stream, cold: Stream, u: Real, params: PlateExchanger, trial: bool = False) -> Transfer:
    """Heat through one exchanger; ``cold.flow`` is the cold flow at ``u = 1`` and ``u`` throttles it.

    ``trial`` leaves out what a search does not need. Without a warmer hot side, or with either side standing, the heat is zero. It draws nothing.
    """
    rated = rating(params)
    films = _films(hot, cold, params)
    difference = np.maximum(np.asarray(hot.temperature) - cold.temperature, 0.0)
    hot_rate, full_rate = hot.flow * np.asarray(hot.cp), cold.flow * np.asarray(cold.cp)
    cold_flow = u * np.asarray(cold.flow)
    cold_rate = cold_flow * cold.cp
    heat = _heat(hot_rate, cold_rate, _conductance(films, cold_flow, params), difference)
    if trial:
        return tried(heat, hot.temperature - heat / np.maximum(hot_rate, TINY), heat, np.zeros(()))
    if isinstance(u, float | int) and u == 1.0:
        capacity = heat
    else:
        capacity = _heat(hot_rate, full_rate, _conductance(films, cold.flow, params), difference)
    hot_out = hot.temperature - heat / np.maximum(hot_rate, TINY)
    cold_out = cold.temperature + heat / np.maximum(cold_rate, TINY)
    cold_heat = cold_rate * (cold_out - cold.temperature)
    held = bounds("warm side", hot, hot.flow, rated.hot_flow)
    held += bounds("cold side", cold, cold_flow, rated.cold_flow)
    valid = inside(held)
    shape = np.broadcast_shapes(np.shape(heat), np.shape(valid))
    zero = np.zeros(shape)
    return Transfer(
        np.broadcast_to(heat, shape),
        hot_out,
        cold_heat,
        zero,
        zero,
        zero,
        capacity,
        np.broadcast_to(valid, shape),
        held,
    )


def cold_flow_for(
    hot: Stream, cold: Stream, hot_out: Real, params: PlateExchanger, guess: Array | None = None
) -> Array:
    """Share ``u`` of the cold flow that cools the hot side to ``hot_out`` (°C), 0 to 1.

    1 where even the full flow does not reach it, 0 where nothing has to be cooled. The inverse of `transfer`;
    a ``guess`` of ``u`` saves steps.

    """
    hot_rate = np.asarray(hot.flow * np.asarray(hot.cp), dtype=np.float64)
    cold_rate = cold.flow * np.asarray(cold.cp)
    difference = np.asarray(hot.temperature - cold.temperature, dtype=np.float64)
    wanted = np.asarray(hot.temperature) - hot_out
    hot_film, cold_film, fouling = _films(hot, cold, params)
    flow1 = np.maximum(cold.flow, TINY) / rating(params).cold_flow
    moving = cold_film * hot_rate * np.exp(-params.flow_exponent * np.log(flow1))
    rates = (hot_rate, cold_rate)
    return opening(
        wanted, difference, rates, (hot_film + fouling) * hot_rate, moving, params.flow_exponent, guess
    )


def opening(
    wanted: Array,
    difference: Array,
    rates: tuple[Array, Real],
    fixed: Real,
    moving: Real,
    exponent: float,
    guess: Array | None = None,
) -> Array:
    """Share of the cold flow, 0 to 1, at which a counterflow exchanger cools its hot side by ``wanted`` K.

    ``difference`` is that of the entering temperatures, ``rates`` the hot and, at full flow, the cold capacity rate in W/K.
    ``C_hot/UA`` is ``fixed`` plus ``moving`` at full cold flow, the latter falling with the ``exponent`` of that flow. 1 where even the full flow
    does not reach it, 0 where nothing has to be cooled.

    With ``P`` the wanted drop of the hot side over the entering difference, ``R = C_hot/C_cold`` and
    ``L = ln((1−P·R)/(1−P))`` the counterflow relation reads ``UA/C_hot = P/(1−P) · L/(exp(L)−1)``, which is
    smooth through R = 1. Its logarithm against that of the conductance is solved for L by Newton's rule.
    """
    hot_rate, cold_rate = rates
    needed = (wanted > 0.0) & (hot_rate > 0.0)
    r1 = hot_rate / np.maximum(cold_rate, TINY)  # R at full flow
    drop = wanted / np.where(difference > 0.0, difference, TINY)
    possible = needed & (difference > 0.0) & (cold_rate > 0.0) & (drop < 1.0) & (drop * r1 < 1.0)
    whole = bool(possible.all())
    if not whole:
        drop, r1 = np.where(possible, drop, 0.5), np.where(possible, r1, 1.0)
        fixed, moving = np.where(possible, fixed, 0.5), np.where(possible, moving, 0.5)
    rest = 1.0 - drop
    full = drop * r1
    last = np.log((1.0 - full) / rest)  # L at full flow: the largest allowed
    offset = np.log(drop / rest)
    if guess is None:
        x = np.minimum(last, 0.0)
    else:
        x = np.log(np.maximum(1.0 - full / np.maximum(guess, SMALLEST), 1e-3) / rest)
    for _ in range(STEPS):
        flat = np.abs(x) < 1e-9
        if flat.any():
            x = np.where(flat, -1e-9, x)
        e = np.expm1(x)
        g = e + 1.0
        left = rest * g
        pr = 1.0 - left  # P·R
        cold_part = moving * np.exp(exponent * np.log(pr / full))
        total = fixed + cold_part
        value = offset + np.log(x / e * total)
        slope = 1.0 / x - g / e - exponent * cold_part * left / (total * pr)
        new = np.minimum(x - value / slope, last)
        moved = np.abs(new - x)
        x = new
        if np.max(moved, initial=0.0) <= TOLERANCE:
            break
    u = np.minimum(full / (1.0 - rest * np.exp(x)), 1.0)
    return u if whole else np.where(possible, u, np.where(needed, 1.0, 0.0))
