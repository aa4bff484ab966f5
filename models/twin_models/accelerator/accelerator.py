"""One accelerator package: power from activity and temperature, junction temperature, throttling."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.accelerator.dvfs import dynamic_share
from twin_models.accelerator.smoothing import Smoothing
from twin_models.fields import Choice, Parameters, Quantity
from twin_models.streams import Array, Real

NO_FLOW_RESISTANCE = 1e3  # K/W; a plate without flow has no steady state, this keeps the numbers finite
CUT, ONE_STEP = 0.36, 0.22  # of z in `_tree`
PADE = (-19 / 10, 17 / 60, -29 / 10, 101 / 60)  # exact coefficients of the start in `_tree`


@dataclass(frozen=True, kw_only=True)
class Accelerator(Parameters):
    """One package as sold. ``tdp`` is the power at activity 1 with the junction at ``leakage_reference``."""

    tdp: Annotated[float, Quantity("W", "Thermal design power", low=1.0, high=2e4)]
    idle: Annotated[float, Quantity("W", "Idle power", low=0.0, high=5e3)]
    peak: Annotated[float | None, Quantity("W", "Peak power (EDPp)", low=1.0, high=4e4)] = None
    typical: Annotated[float | None, Quantity("W", "Typical power under load", low=0.0, high=2e4)] = None
    activity_exponent: Annotated[float, Quantity("1", "Exponent of activity", 0.2, 3.0, "estimate")] = 1.0
    feedback: Annotated[bool, Choice("Temperature feedback on power")] = True
    leakage_share: Annotated[float, Quantity("1", "Leakage share of power", 0.0, 0.3, "estimate")] = 0.15
    leakage_coefficient: Annotated[float, Quantity("1/K", "Leakage growth", 1e-3, 0.02, "estimate")] = 0.015
    leakage_reference: Annotated[float, Quantity("degC", "Junction at TDP", 0.0, 110.0)] = 65.0
    junction_to_case: Annotated[float, Quantity("K/W", "Junction-to-case resistance", 0.0, 1.0)] = 0.006
    target: Annotated[float, Quantity("degC", "Target junction temperature", 0.0, 150.0)] = 80.0
    throttle: Annotated[float, Quantity("degC", "Throttling junction temperature", 20.0, 150.0)] = 87.0
    stop: Annotated[float, Quantity("degC", "Shutdown junction temperature", 20.0, 160.0)] = 95.0
    heat_capacity: Annotated[
        float, Quantity("J/K", "Heat capacity of the package", low=1.0, high=1e5, bound_source="estimate")
    ] = 100.0
    memory_gb: Annotated[float | None, Quantity("1", "Memory in GB", low=0.0, high=1e5)] = None
    bandwidth: Annotated[float | None, Quantity("1", "Memory bandwidth in B/s", low=0.0, high=1e15)] = None
    bf16: Annotated[float | None, Quantity("1", "Dense BF16 peak in FLOP/s", low=0.0, high=1e18)] = None
    fp8: Annotated[float | None, Quantity("1", "Dense FP8 peak in FLOP/s", low=0.0, high=1e18)] = None
    fp4: Annotated[float | None, Quantity("1", "Dense FP4 peak in FLOP/s", low=0.0, high=1e18)] = None
    serving: Annotated[
        float | None, Quantity("1/s", "Llama 2 70B output tokens per second (MLPerf offline)", 0.0, 1e7)
    ] = None
    power_cap: Annotated[
        float | None, Quantity("1", "Power cap, share of TDP", 0.1, 1.5, "estimate", shown="%", shown_ip="%")
    ] = None
    clock: Annotated[
        float, Quantity("1", "Locked clock, share of highest", 0.1, 1.0, shown="%", shown_ip="%")
    ] = 1.0
    voltage_floor: Annotated[
        float, Quantity("1", "Lowest voltage over that at the highest clock", 0.3, 1.0, "estimate")
    ] = 0.86
    voltage_knee: Annotated[
        float, Quantity("1", "Clock at which voltage leaves its floor", 0.05, 0.95, "estimate")
    ] = 0.78
    smoothing: Smoothing | None = None

    def __post_init__(self) -> None:
        if self.idle >= self.tdp:
            raise ValueError(f"idle power {self.idle:g} W must be below tdp {self.tdp:g} W")
        if not self.target <= self.throttle <= self.stop:
            raise ValueError(
                f"limits must rise: target {self.target:g}, throttle {self.throttle:g}, stop {self.stop:g}"
            )
        if self.power_cap is not None and self.power_cap * self.tdp <= self.idle:
            raise ValueError(
                f"power_cap of {100 * self.power_cap:g} % is {self.power_cap * self.tdp:g} W, "
                f"which idle power of {self.idle:g} W exceeds"
            )
        if (
            self.smoothing is not None
            and self.power_cap is not None
            and self.smoothing.floor > self.power_cap
        ):
            raise ValueError(
                f"smoothing.floor of {100 * self.smoothing.floor:g} % must not be above power_cap of "
                f"{100 * self.power_cap:g} %"
            )


class ChipResponse(NamedTuple):
    """What one package does."""

    power: Array  # W
    junction: Array  # °C
    case: Array  # °C
    done: Array  # activity really done, below the asked one while throttled, capped or at a lower clock
    slope: Array  # W/K, d(power)/d(coolant_in)
    valid: NDArray[np.bool_]  # False: junction above `throttle` or activity outside 0..1
    throttled: NDArray[np.bool_]  # True where the junction, not a cap or clock, sets what is done


class ChipActivity(NamedTuple):
    """Activity behind a measured power."""

    activity: Array
    valid: NDArray[np.bool_]  # False where the power is outside what activity 0..1 can draw


def respond(
    activity: Real,
    coolant_in: Real,
    resistance_case_to_inlet: Real,
    params: Accelerator,
    busy: float = 0.0,
    idle: float = 0.0,
) -> ChipResponse:
    r"""Steady power and temperature of one package.

    At the reference temperature ``P_ref = idle + (tdp - idle) activity^a``. A share ``s`` of it is leakage
    that grows with temperature, so that only the *deviation* from the reference counts:

        P = P_ref (1 + s (exp(k (Tj - T0)) - 1)),        Tj = T_in + P (R + R_jc)

    The share is of the present ``P_ref``, not of TDP: supply voltage and ungated area fall with activity,
    and 15 % of TDP would exceed the whole idle power of most packages. With ``w = k (R + R_jc) s P_ref
    exp(k (Tj - T0))`` the fixed point is ``w exp(-w) = z``, which has one root below thermal runaway; a
    rational start and one or two Halley steps solve it to 1e-12 (real packages: w < 0.25).

    Throttling holds ``Tj`` at ``throttle`` and lowers the activity done. Where idle power alone is too much
    for the cooling, the package stays at idle, ``done`` is 0 and ``Tj`` shows what it would be, with
    leakage held at its value at ``throttle``, above which the law is not claimed.

    ``power_cap`` bounds ``P``, leakage included; a locked ``clock`` lowers dynamic power by ``dvfs.dynamic_share``. Both
    lower what is done, in terms of dynamic power; the speed that remains is ``dvfs.speed``.

    Parameters
    ----------
    activity
        0..1. Below 0 counts as 0, above 1 continues the line; both are marked not valid.
    coolant_in
        °C of the coolant (or air) entering the plate or heat sink.
    resistance_case_to_inlet
        K/W. All three broadcast.
    busy, idle
        Where ``activity`` is the mean of packages that work at ``busy`` and others that wait at ``idle``, cap and clock
        act on those that work. 0: all are alike.

    Power law: linear replay form of ExaDigiT RAPS; leakage form and its 0.1-0.4 %/K: engineering estimate.
    """
    a = np.asarray(activity, dtype=float)
    t_in = np.asarray(coolant_in, dtype=float)
    r = _total_resistance(resistance_case_to_inlet, params)
    k, share = params.leakage_coefficient, params.leakage_share if params.feedback else 0.0

    within = np.ones((), dtype=bool)
    if a.size and not (a.min() >= 0.0 and a.max() <= 1.0):
        within = (a >= 0.0) & (a <= 1.0)
        a = np.maximum(a, 0.0)
    ref = _reference_power(a, params)
    done = a
    capped = np.zeros((), dtype=bool)
    if params.power_cap is not None or params.clock < 1.0:
        done, capped = _held(a, t_in, r, params, busy, idle)
        ref = _reference_power(done, params)

    # all temperatures below are k (T - T0), all rises k r P
    kr = k * r
    start = k * t_in - k * params.leakage_reference
    limit, growth = k * (params.throttle - params.leakage_reference), _growth(params.throttle, params)
    rise = kr * ref
    throttled = rise * growth + start > limit
    stuck = np.zeros((), dtype=bool)
    any_throttled = bool(np.any(throttled))
    if any_throttled:
        room = (limit - start) / (kr * growth)  # P_ref that brings the junction to `throttle`
        stuck = room < params.idle
        ref = np.where(throttled, np.maximum(room, params.idle), ref)
        done = np.minimum(done, _activity(ref, params))
        rise = np.where(stuck, 0.0, kr * ref)  # overwritten below; without flow exp would overflow

    w = _tree(rise * np.exp(rise * (1.0 - share) + start) * share)
    power = ref * (1.0 - share) + w / kr
    slope = np.where(capped, 0.0, w / (r - r * w)) if np.any(capped) else w / (r - r * w)
    if any_throttled:
        power = np.where(throttled, ref * growth, power)
        slope = np.where(throttled, np.where(stuck, 0.0, -1.0 / r), slope)
    junction = power * r + t_in
    case = junction - power * params.junction_to_case
    valid = np.broadcast_to(within & ~stuck, np.shape(junction))
    return ChipResponse(power, junction, case, done, slope, valid, throttled)


def reference_power(
    activity: Real,
    coolant_in: Real,
    resistance_case_to_inlet: Real,
    params: Accelerator,
    busy: float = 0.0,
    idle: float = 0.0,
) -> Array:
    """W of one package at ``leakage_reference`` that cap and clock leave of ``activity``, as in `respond`; for transients."""
    a = np.maximum(np.asarray(activity, dtype=float), 0.0)
    if params.power_cap is not None or params.clock < 1.0:
        r = _total_resistance(resistance_case_to_inlet, params)
        a, _ = _held(a, np.asarray(coolant_in, dtype=float), r, params, busy, idle)
    return _reference_power(a, params)


def _held(
    activity: Array, t_in: Array, r: Array, params: Accelerator, busy: float, idle: float
) -> tuple[Array, NDArray[np.bool_]]:
    """Activity that cap and clock leave, and where the cap decides."""
    level = np.maximum(activity, busy)
    allowed = level * _dynamic(dynamic_share(params.clock, params.voltage_floor, params.voltage_knee), params)
    capped = np.zeros((), dtype=bool)
    if params.power_cap is not None:
        watt = params.power_cap * params.tdp
        junction = np.minimum(t_in + watt * r, params.throttle)
        bound = _activity(np.maximum(watt / _growth(junction, params), params.idle), params)
        capped = bound < allowed
        allowed = np.minimum(allowed, bound)
    span = np.maximum(level - idle, 1e-12)
    working = np.clip((activity - idle) / span, 0.0, 1.0)
    return np.maximum(activity - working * (level - allowed), 0.0), capped


def _dynamic(share: Array, params: Accelerator) -> Array:
    """Factor on activity that multiplies dynamic power by ``share``."""
    n = params.activity_exponent
    return share if n == 1.0 else np.asarray(share ** (1.0 / n))


def activity_of(
    power: Real, coolant_in: Real, resistance_case_to_inlet: Real, params: Accelerator
) -> ChipActivity:
    """Activity that draws ``power`` (W) at this coolant temperature; measured power contains leakage.

    Closed form: power and resistance give the junction, the junction gives the leakage factor. Clipped to
    0..1; ``valid`` is False where clipped or where the junction would be above ``throttle``.
    """
    p = np.asarray(power, dtype=float)
    r = _total_resistance(resistance_case_to_inlet, params)
    junction = np.asarray(coolant_in, dtype=float) + p * r
    ref = p / _growth(np.minimum(junction, params.throttle), params)
    tolerance = 1e-9 * params.tdp
    valid = (ref >= params.idle - tolerance) & (ref <= params.tdp + tolerance)
    activity = _activity(np.clip(ref, params.idle, params.tdp), params)
    return ChipActivity(activity, valid & (junction <= params.throttle + 1e-9))


def _total_resistance(case_to_inlet: Real, params: Accelerator) -> Array:
    sink: Array = np.minimum(np.asarray(case_to_inlet, dtype=float), NO_FLOW_RESISTANCE)
    return sink + params.junction_to_case


def _reference_power(activity: Array, params: Accelerator) -> Array:
    n = params.activity_exponent
    return params.idle + (params.tdp - params.idle) * (activity if n == 1.0 else activity**n)


def _activity(reference_power: Array, params: Accelerator) -> Array:
    """Inverse of the power law at the reference temperature."""
    n = params.activity_exponent
    share = (reference_power - params.idle) * (1.0 / (params.tdp - params.idle))
    return share if n == 1.0 else share ** (1.0 / n)


def _growth(junction: Real, params: Accelerator) -> Array:
    """Power over power at the reference temperature."""
    share = params.leakage_share if params.feedback else 0.0
    exponent = params.leakage_coefficient * (np.asarray(junction, dtype=float) - params.leakage_reference)
    return 1.0 + share * np.expm1(exponent)


def _tree(z: Array) -> Array:
    """Root w < 1 of w exp(-w) = z (the tree function, -W(-z)); z is cut at 0.36, just below runaway at 1/e.

    Start: [2/2] Padé approximant of the series z + z^2 + 3/2 z^3 + 8/3 z^4 + 125/24 z^5, then Halley on
    w - z exp(w): one step is exact to 1e-12 up to w = 0.3, a second one carries on to w = 0.7.
    """
    highest = np.max(z, initial=0.0)
    if highest > CUT:
        z = np.minimum(z, CUT)
    a1, a2, b1, b2 = PADE
    w = z * (1.0 + z * (a1 + z * a2)) / (1.0 + z * (b1 + z * b2))
    for _ in range(1 if highest < ONE_STEP else 2):
        e = z * np.exp(w)
        f, d = w - e, 1.0 - e
        w = w - f * d / (d * d + f * e * 0.5)
    return w
