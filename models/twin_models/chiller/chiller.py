"""Chiller by three curves (DOE-2 / EnergyPlus EIR form), with a physical continuation outside their range."""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, TypeAlias

import numpy as np

from twin_models.fields import Parameters, Quantity
from twin_models.streams import Ambient, Array, Bound, Real, Stream, Transfer, inside, tried

Biquadratic: TypeAlias = tuple[float, float, float, float, float, float]  # a + bx + cx² + dy + ey² + fxy
Parabola: TypeAlias = tuple[float, float, float]  # a + bz + cz²

KELVIN = 273.15
WATER = 4.17e6  # J/(m3·K) of water near 12 °C: turns a rated range into a rated flow
ROUNDING = 1e-6  # K; a temperature held exactly on the range's edge is inside it


@dataclass(frozen=True, kw_only=True)
class Chiller(Parameters):
    """One machine. Another ``capacity`` scales it: curves and ranges are relative to the reference."""

    condenser: Literal["water", "air"]
    capacity: Annotated[
        float,
        Quantity("W", "Capacity at reference", low=1e3, high=1e8, shown="kW", shown_ip="refrigeration_ton"),
    ]
    cop: Annotated[float, Quantity("1", "COP at reference", low=0.5, high=30.0)]
    reference_leaving: Annotated[
        float, Quantity("degC", "Reference leaving chilled water", low=-20.0, high=60.0)
    ]
    reference_condenser: Annotated[
        float, Quantity("degC", "Reference entering condenser water or outdoor air", low=-20.0, high=70.0)
    ]
    capacity_curve: Biquadratic  # share of capacity; x leaving chilled water, y entering condenser, °C
    eir_curve: Biquadratic  # electric input per heat over that at reference, same x and y
    part_load_curve: Parabola  # share of full-load power; z part-load ratio
    leaving_low: Annotated[float, Quantity("degC", "Curve range, chilled water low", low=-20.0, high=60.0)]
    leaving_high: Annotated[float, Quantity("degC", "Curve range, chilled water high", low=-20.0, high=60.0)]
    condenser_low: Annotated[float, Quantity("degC", "Curve range, condenser low", low=-30.0, high=70.0)]
    condenser_high: Annotated[float, Quantity("degC", "Curve range, condenser high", low=-30.0, high=70.0)]
    part_load_low: Annotated[float, Quantity("1", "Curve range, part load low", low=0.0, high=1.0)] = 0.1
    part_load_high: Annotated[float, Quantity("1", "Curve range, part load high", low=0.5, high=1.5)] = 1.0
    minimum_plr: Annotated[float, Quantity("1", "Part load below which it cycles", low=0.01, high=1.0)] = 0.1
    minimum_unloading: Annotated[
        float, Quantity("1", "Part load below which hot gas is bypassed", low=0.0, high=1.0)
    ] = 0.1
    minimum_condenser: Annotated[
        float,
        Quantity(
            "degC", "Lowest entering condenser temperature", low=-40.0, high=50.0, bound_source="estimate"
        ),
    ] = 13.0
    minimum_lift: Annotated[
        float,
        Quantity("K", "Least refrigerant lift", low=1.0, high=60.0, bound_source="estimate", difference=True),
    ] = 10.0
    internal_lift: Annotated[
        float,
        Quantity(
            "K",
            "Lift inside the machine at equal waters",
            low=0.0,
            high=40.0,
            bound_source="estimate",
            difference=True,
        ),
    ] = 8.0
    leaving_floor: Annotated[
        float, Quantity("degC", "Freeze protection, leaving chilled water", low=-20.0, high=40.0)
    ] = 2.0
    chilled_range: Annotated[
        float, Quantity("K", "Chilled water range at reference", low=1.0, high=30.0, difference=True)
    ] = 6.0
    condenser_range: Annotated[
        float, Quantity("K", "Condenser water range at reference", low=1.0, high=30.0, difference=True)
    ] = 5.5

    @property
    def chilled_flow(self) -> float:
        """Rated chilled water flow, m3/s: it scales with ``capacity``."""
        return self.capacity / (WATER * self.chilled_range)

    @property
    def condenser_flow(self) -> float:
        """Rated condenser water flow, m3/s; zero for an air-cooled machine."""
        if self.condenser == "air":
            return 0.0
        return self.capacity * (1.0 + 1.0 / self.cop) / (WATER * self.condenser_range)


class _Condenser(NamedTuple):
    """What the condenser side fixes before the chilled water is known."""

    entering: Array  # °C after head-pressure control
    inside: Array  # °C, the same held in the curves' range
    scale: Array  # W: capacity at reference, times the share that the motor allows above the range
    constant: Array  # capacity curve as a parabola of the leaving temperature: constant + slope x + c x²
    slope: Array


def _condenser(entering: Real, params: Chiller) -> _Condenser:
    a, b, _, d, e, f = params.capacity_curve
    y = np.maximum(np.asarray(entering, dtype=np.float64), params.minimum_condenser)
    inside = np.minimum(np.maximum(y, params.condenser_low), params.condenser_high)
    top = _refrigerant(params.condenser_high - params.reference_leaving, params)
    scale = params.capacity * np.minimum(1.0, top / _refrigerant(y - params.reference_leaving, params))
    return _Condenser(y, inside, scale, a + inside * (d + e * inside), b + f * inside)


def _refrigerant(lift: Real, params: Chiller) -> Array:
    """Lift of the refrigerant, K, for a lift between the waters."""
    inside: Array = np.maximum(lift + params.internal_lift, params.minimum_lift)
    return inside


def _available(x: Array, side: _Condenser, params: Chiller) -> Array:
    inside = np.minimum(np.maximum(x, params.leaving_low), params.leaving_high)
    return side.scale * (side.constant + inside * (side.slope + params.capacity_curve[2] * inside))


def _power(heat: Array, x: Array, available: Array, side: _Condenser, params: Chiller) -> Array:
    a, b, c, d, e, f = params.eir_curve
    p, q, r = params.part_load_curve
    lift = side.entering - x
    # the point of the range with the same lift, or the nearest there is; inside the range the point itself
    xe = np.minimum(np.maximum(x, params.leaving_low), params.leaving_high)
    ye = np.minimum(np.maximum(xe + lift, params.condenser_low), params.condenser_high)
    xe = np.minimum(np.maximum(ye - lift, params.leaving_low), params.leaving_high)
    eir = a + xe * (b + c * xe + f * ye) + ye * (d + e * ye)
    carnot = _refrigerant(lift, params) / _refrigerant(ye - xe, params) * ((xe + KELVIN) / (x + KELVIN))
    plr = heat / available
    least = max(params.minimum_unloading, params.part_load_low)
    z = np.minimum(np.maximum(plr, least), params.part_load_high)
    cycling = np.minimum(plr / params.minimum_plr, 1.0)
    overload = np.maximum(plr / params.part_load_high, 1.0)
    full: Array = available / params.cop * eir * carnot
    return full * (p + z * (q + r * z)) * cycling * overload


def capacity(leaving: Real, entering_condenser: Real, params: Chiller) -> Array:
    """Heat one machine can take, W, at a leaving chilled and an entering condenser temperature, °C."""
    return _available(np.asarray(leaving, dtype=np.float64), _condenser(entering_condenser, params), params)


def power(heat: Real, leaving: Real, entering_condenser: Real, params: Chiller) -> Array:
    """Electric power of one machine that takes ``heat``.

    DOE-2 form, as in EnergyPlus ``Chiller:Electric:EIR``, x the leaving chilled water and y the water (or
    outdoor air) entering the condenser::

        available = capacity · CAPFT(x, y)
        PLR       = heat / available
        power     = available / COP · EIRFT(x, y) · EIRFPLR(z) · min(1, PLR / minimum_plr)
        z         = max(PLR, minimum_unloading)

    The last factor is the share of time a cycling machine runs; ``minimum_unloading`` above ``minimum_plr``
    is false loading (hot-gas bypass): the compressor works as at that part load while less heat is taken.

    Outside the curves' ranges (x, y) moves to (x', y'), the point of the range with the same lift y - x or,
    where there is none, the nearest lift. The power then follows the Carnot factor of the refrigerant from
    there::

        power · [L(y - x) / T(x)] / [L(y' - x') / T(x')],   L(lift) = max(lift + internal_lift, minimum_lift)

    so the machine keeps the second-law efficiency of the edge. Inside the range the factor is 1.

    Parameters
    ----------
    heat
        W taken from the chilled water, not negative. Above what is available the power grows in proportion.
    leaving
        °C of chilled water leaving.
    entering_condenser
        °C of condenser water (outdoor dry bulb where the condenser is air-cooled) entering; below
        ``minimum_condenser`` head-pressure control keeps it there.

    Returns
    -------
    W of the compressor; with an air-cooled condenser the fans are in it, as they are in the curves.

    References
    ----------
    Hydeman, Gillespie, ASHRAE Transactions 108(1), 2002; EnergyPlus 25.2 Engineering Reference, "Electric
    Chiller Model Based on Condenser Entering Temperature".
    """
    x = np.asarray(leaving, dtype=np.float64)
    side = _condenser(entering_condenser, params)
    return _power(np.asarray(heat, dtype=np.float64), x, _available(x, side, params), side, params)


def _entering(cold: Stream | Ambient, params: Chiller) -> Real:
    if isinstance(cold, Ambient) != (params.condenser == "air"):
        raise ValueError(f"{params.condenser}-cooled chiller cannot reject to {type(cold).__name__}")
    return cold.dry_bulb if isinstance(cold, Ambient) else cold.temperature


def _taken(t_in: Real, flow_cp: Array, u: Real, side: _Condenser, params: Chiller) -> Array:
    """Heat at stage u: u · available(x) = flow_cp · (t_in - x), a quadratic in x, solved in closed form.

    The stable root -2r / (q + √(q² - 4pr)) tends to the linear solution as the curvature p vanishes. Where it
    falls outside the range, the capacity is constant there and the edge value is the answer.
    """
    g = u * side.scale / flow_cp
    p = g * params.capacity_curve[2]
    # a capacity that fell as the water warms would have no single answer
    q = np.maximum(1.0 + g * side.slope, 1.0)
    r = g * side.constant - t_in
    x = -2.0 * r / (q + np.sqrt(np.maximum(q * q - 4.0 * p * r, 0.0)))
    return np.maximum(
        np.minimum(u * _available(x, side, params), flow_cp * (t_in - params.leaving_floor)), 0.0
    )


def transfer(hot: Stream, cold: Stream | Ambient, u: Real, params: Chiller, trial: bool = False) -> Transfer:
    """One machine at stage ``u``: it takes ``u`` times what it could at the temperature it then delivers.

    The available capacity depends on the leaving temperature, which depends on the heat taken: the balance is
    a quadratic and has a closed form. Power as in :func:`power`. Heat to the condenser is heat taken plus
    power.

    Parameters
    ----------
    hot
        Chilled water entering the evaporator, per machine.
    cold
        Condenser water per machine, or the outdoor air of an air-cooled condenser.
    u
        Stage, 0 to 1.
    trial
        Whether to leave out what a search does not need.

    Returns
    -------
    Transfer
        Heat 0 without flow on either water side or below ``leaving_floor``. ``valid`` is False where the
        machine runs outside the temperature ranges of its curves.

    Raises
    ------
    ValueError
        When the kind of sink does not fit the condenser.
    """
    side = _condenser(_entering(cold, params), params)
    flow_cp = np.asarray(hot.flow * hot.cp, dtype=np.float64)
    runs = flow_cp > 0.0
    if isinstance(cold, Stream):
        runs = runs & (np.asarray(cold.flow) > 0.0)
    through = np.where(flow_cp > 0.0, flow_cp, 1.0)
    heat = np.where(runs, _taken(hot.temperature, through, u, side, params), 0.0)
    x: Array = hot.temperature - heat / through
    electric = _power(heat, x, _available(x, side, params), side, params)
    if trial:
        return tried(heat, x, heat + electric, electric)
    most = np.where(runs, _taken(hot.temperature, through, 1.0, side, params), 0.0)
    sink = f"{params.condenser} at the condenser"
    held = (
        Bound(
            "chilled water leaving", x, params.leaving_low - ROUNDING, params.leaving_high + ROUNDING, "degC"
        ),
        Bound(sink, side.entering, params.condenser_low - ROUNDING, params.condenser_high + ROUNDING, "degC"),
    )
    none = np.zeros_like(heat)
    return Transfer(
        heat,
        x,
        heat + electric,
        electric,
        none,
        none,
        np.broadcast_to(most, heat.shape),
        inside(held) | (heat <= 0.0),
        held,
    )


def stage_for(hot: Stream, cold: Stream | Ambient, hot_out: Real, params: Chiller) -> Array:
    """Stage at which one machine delivers ``hot_out``, °C: heat wanted over capacity there, within 0 to 1."""
    side = _condenser(_entering(cold, params), params)
    wanted = hot.flow * hot.cp * (hot.temperature - hot_out)
    share: Array = wanted / _available(np.asarray(hot_out, dtype=np.float64), side, params)
    return np.minimum(np.maximum(share, 0.0), 1.0)
