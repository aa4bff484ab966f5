"""Centrifugal pumps with variable speed: affinity laws on one full-speed curve.

At full speed the head is ``a + b·q + c·q²``; at relative speed N it is ``a·N² + b·N·q + c·q²``. The speed
that delivers a required head is the positive root of that quadratic, in closed form. The efficiency is a
parabola through zero flow, moved along the affinity parabola: ``η = η_best·(2x − x²)`` with ``x =
q/(N·q_best)`` (Gülich, Centrifugal Pumps, chapter 4). Motor and drive losses are linear in their load with a
fixed part, so their efficiency falls at part load.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.fields import Parameters, Quantity
from twin_models.streams import Array, Bound, Real, inside

# Estimates: a drive of 0.965 falls to 0.90 at a quarter of its load, a motor of 0.93 to 0.90.
DRIVE_FIXED_LOSS = 0.69  # share of the rated loss that does not depend on load
MOTOR_FIXED_LOSS = 0.16
FLOW_RANGE = (0.05, 1.6)  # q/(N·q_best) in which the parabola is used
LOWEST_EFFICIENCY = 0.1  # share of the best one, where the parabola would go to zero
SPEED_TOLERANCE = 0.01  # a fitted curve misses its own rated point by up to this in speed
TINY = 1e-300
STEPS = 30
TOLERANCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Pump(Parameters):
    """One pump with its motor and drive."""

    rated_flow: Annotated[float, Quantity("m3/s", "Rated flow", low=1e-6, high=10.0)]
    rated_head: Annotated[float, Quantity("Pa", "Rated head", low=100.0, high=5e6)]
    shutoff_ratio: Annotated[
        float, Quantity("1", "Head at no flow over rated head", low=1.02, high=3.0, bound_source="estimate")
    ] = 1.25
    curve_constant: Annotated[
        float | None, Quantity("Pa", "Full-speed head at no flow", low=100.0, high=1e7)
    ] = None
    curve_linear: Annotated[float, Quantity("Pa*s/m3", "Full-speed head per flow", low=-1e10, high=1e10)] = (
        0.0
    )
    curve_square: Annotated[
        float | None, Quantity("Pa*s2/m6", "Full-speed head per flow squared", low=-1e14, high=-1.0)
    ] = None
    efficiency: Annotated[float, Quantity("1", "Best pump efficiency", low=0.05, high=0.92)] = 0.72
    best_flow: Annotated[
        float | None, Quantity("m3/s", "Flow of best efficiency at full speed", low=1e-6, high=10.0)
    ] = None
    motor_efficiency: Annotated[float, Quantity("1", "Motor efficiency at rated load", low=0.3, high=1.0)] = (
        0.93
    )
    drive_efficiency: Annotated[float, Quantity("1", "Drive efficiency at rated load", low=0.5, high=1.0)] = (
        0.965
    )
    minimum_speed: Annotated[float, Quantity("1", "Minimum speed over full speed", low=0.0, high=1.0)] = 0.3
    power: Annotated[
        float | None,
        Quantity("W", "Electric power at the rated point, sets the efficiency", low=1.0, high=1e7),
    ] = None


class Pumping(NamedTuple):
    """What pumps draw and where it goes."""

    electric: Array  # W
    fluid_heat: Array  # W of shaft power, all of it ends as heat in the liquid
    motor_heat: Array  # W of motor and drive loss to their surroundings
    speed: Array  # over full speed; above 1 the head is out of reach
    relative_flow: Array  # over that of best efficiency at this speed; 0 where none is known
    valid: NDArray[np.bool_]  # False above full speed or far from the best point


class SystemCurve(NamedTuple):
    """Head a circuit asks for: ``static + k·flow**exponent`` in Pa, flow in m3/s."""

    static: Real
    k: Real
    exponent: Real


class Characteristic(NamedTuple):
    """Constants of one pump, worked out once."""

    a: float
    b: float
    c: float
    efficiency: float  # best, of the wet end
    best_flow: float  # m3/s
    shaft: float  # W at the rated point
    motor_loss: float  # W at the rated point
    drive_loss: float  # W at the rated point


@lru_cache(maxsize=1024)
def characteristic(params: Pump) -> Characteristic:
    """Curve, efficiency and rated losses of one pump.

    Raises
    ------
    ValueError
        If only one of ``curve_constant`` and ``curve_square`` is given, the head does not fall with the square of
        the flow, the rated flow is far from the best one, or ``power`` asks for an efficiency above 0.92.
    """
    q, h = params.rated_flow, params.rated_head
    if (params.curve_constant is None) != (params.curve_square is None):
        raise ValueError("curve_constant and curve_square go together: give both or neither")
    if params.curve_constant is None or params.curve_square is None:
        a = params.shutoff_ratio * h
        b, c = params.curve_linear, (h - a - params.curve_linear * q) / q**2
    else:
        a, b, c = params.curve_constant, params.curve_linear, params.curve_square
    best = params.best_flow if params.best_flow is not None else q
    x = q / best
    if c >= 0.0:
        raise ValueError(
            f"the head does not fall with the square of the flow: {c:.4g} Pa*s2/m6; "
            "raise shutoff_ratio or curve_linear"
        )
    if not FLOW_RANGE[0] <= x <= FLOW_RANGE[1]:
        raise ValueError(
            f"a rated flow of {q:g} m3/s is {x:.3g} times the best_flow of {best:g} m3/s, where the efficiency curve "
            f"does not hold; choose a best_flow of {q / FLOW_RANGE[1]:.3g} to {q / FLOW_RANGE[0]:.3g} m3/s"
        )
    shape = max(2.0 * x - x * x, LOWEST_EFFICIENCY)
    if params.power is None:
        efficiency = params.efficiency
    else:
        efficiency = q * h / (params.power * params.motor_efficiency * params.drive_efficiency) / shape
        if efficiency > 0.92:
            raise ValueError(
                f"a power of {params.power:g} W for {q:g} m3/s at {h:g} Pa would need a pump efficiency of "
                f"{efficiency:.2f}; at most 0.92 is allowed"
            )
    shaft = q * h / (efficiency * shape)
    motor_loss = shaft * (1.0 / params.motor_efficiency - 1.0)
    drive_loss = (shaft + motor_loss) * (1.0 / params.drive_efficiency - 1.0)
    return Characteristic(a, b, c, efficiency, best, shaft, motor_loss, drive_loss)


def head(flow: Real, speed: Real, params: Pump) -> Array:
    """Head in Pa at a flow in m3/s and a speed over full speed."""
    p = characteristic(params)
    n, q = np.asarray(speed, dtype=np.float64), np.asarray(flow, dtype=np.float64)
    value: Array = p.a * n * n + p.b * n * q + p.c * q * q
    return value


def operate(flow: Real, head: Real, params: Pump) -> Pumping:
    """Speed, power and heat of one pump.

    Parameters
    ----------
    flow
        m3/s through one pump, any shape; 0 is off.
    head
        Pa it must deliver. Where minimum speed delivers more, the rest is throttled and paid for.
    params
        The pump.
    """
    p = characteristic(params)
    q, h = np.asarray(flow, dtype=np.float64), np.asarray(head, dtype=np.float64)
    bq, cq = p.b * q, p.c * q * q
    speed = (np.sqrt(np.maximum(bq * bq - 4.0 * p.a * (cq - h), 0.0)) - bq) / (2.0 * p.a)
    speed = np.maximum(speed, params.minimum_speed)
    delivered = np.maximum((p.a * speed + bq) * speed + cq, 0.0)
    x = q / (np.maximum(speed, TINY) * p.best_flow)
    shape = np.maximum(x * (2.0 - x), LOWEST_EFFICIENCY * x)
    # q/shape stays finite at no flow, where x and q vanish together
    running = q > 0.0
    shaft = np.where(running, delivered * q / (p.efficiency * np.where(running, shape, 1.0)), 0.0)
    motor = p.motor_loss * (MOTOR_FIXED_LOSS + (1.0 - MOTOR_FIXED_LOSS) * shaft / p.shaft)
    load = (shaft + motor) / (p.shaft + p.motor_loss)
    drive = p.drive_loss * (DRIVE_FIXED_LOSS + (1.0 - DRIVE_FIXED_LOSS) * load)
    motor_heat = np.where(running, motor + drive, 0.0)
    valid = ~running | inside(bounds(speed, x))
    return Pumping(shaft + motor_heat, shaft, motor_heat, np.where(running, speed, 0.0), x, valid)


def bounds(speed: Real, relative_flow: Real) -> tuple[Bound, ...]:
    """Ranges of a pump that runs, in speed over full speed and flow over that of best efficiency."""
    return (
        Bound("speed for the head over full speed", speed, 0.0, 1.0 + SPEED_TOLERANCE, "1"),
        Bound("flow over that of best efficiency", relative_flow, *FLOW_RANGE, "1"),
    )


def full_speed_flow(system: SystemCurve | list[SystemCurve], params: Pump, speed: Real = 1.0) -> Array:
    """Flow in m3/s where the curve of one pump at ``speed`` meets a system curve; 0 against too much static
    head.

    ``system`` may be a list of curves in series. Newton's rule from the flow of no head: the pump curve is
    concave and the system curves convex there, so it falls to the answer without overshoot.
    """
    p = characteristic(params)
    curves = [system] if isinstance(system, SystemCurve) else system
    n = np.asarray(speed, dtype=np.float64)
    a, b = p.a * n * n, p.b * n
    static: Real = sum((np.asarray(c.static) for c in curves), np.zeros(()))
    possible = (a > static) & (n > 0.0)
    a, b = np.where(possible, a, p.a), np.where(possible, b, p.b)
    q = (-b - np.sqrt(b * b - 4.0 * p.c * a)) / (2.0 * p.c)
    a = a - np.where(possible, static, 0.0)
    for _ in range(STEPS):
        value, slope = (p.c * q + b) * q + a, 2.0 * p.c * q + b
        for curve in curves:
            rise = curve.k * np.maximum(q, TINY) ** (np.asarray(curve.exponent) - 1.0)
            value, slope = value - rise * q, slope - curve.exponent * rise
        new = q - value / slope
        moved = np.abs(new - q)
        q = new
        if np.max(moved / q, initial=0.0) <= TOLERANCE:
            break
    return np.where(possible, q, 0.0)
