"""Merkel's tower in ε-NTU form: the saturated air as a fluid with an effective heat capacity.

    Q = ε(NTU, C) · C_min · (t_water,in - t_wb),   C_air = m_air · c_e,   NTU = UA · (c_e / c_p) / C_min
    c_e = (h_s(t_exit) - h_s(t_wb)) / (t_exit - t_wb)

with counterflow ε, the air leaving saturated at ``t_exit``, and UA following air and water flow. Form:
Lawrence Berkeley's Modelica Buildings library, ``CoolingTowers.Correlations``; exponents from Merkel's KaV/L
~ (L/G)^-0.6.
"""

from typing import Any

import numpy as np

from twin_models.psychrometrics import psychrometrics as psy
from twin_models.streams import Real

AIR_EXPONENT = 0.6
WATER_EXPONENT = 0.4
WATER_RATIO = (0.5, 1.5)  # stated here: no published range
SECANT_STEPS = 5


def cooling_range(
    conductance: Real,
    dry_air: Real,
    capacity_rate: Real,
    wet_bulb: Real,
    pressure: Real,
    lift: Real,
    coil: Real = 0.0,
) -> Any:
    """Range, K, of a tower whose water enters ``lift`` K above the wet bulb.

    ``conductance`` is UA in W/K at this air and water flow, ``dry_air`` kg/s, ``capacity_rate`` the water's
    W/K. A coil adds its own temperature difference in series. The exit temperature is found by secant steps.
    """
    lift = np.maximum(lift, 0.0)
    air = np.maximum(dry_air, 1e-9)
    water = np.maximum(capacity_rate, 1e-9)
    entering = _saturated(wet_bulb, pressure)

    def heat_at(exit_rise: Any) -> tuple[Any, Any]:
        rise = np.maximum(exit_rise, 1e-3)
        effective = (_saturated(wet_bulb + rise, pressure) - entering) / rise
        least = np.minimum(air * effective, water)
        ratio = least / np.maximum(air * effective, water)
        share = least * _counterflow(conductance * effective / psy.DRY_AIR_HEAT / least, ratio)
        share = share / (1.0 + coil * share / water)
        return share * lift, share * lift / (air * effective)

    before = 0.3 * lift
    heat, found = heat_at(before)
    error = found - before
    now = found
    for _ in range(SECANT_STEPS):
        heat, found = heat_at(now)
        fresh = found - now
        moved = np.where(np.abs(fresh - error) > 1e-12, fresh - error, -1.0)
        step = np.clip(-fresh * (now - before) / moved, -0.5 * lift, 0.5 * lift)
        before, error, now = now, fresh, np.clip(now + np.where(moved == -1.0, 0.0, step), 0.0, lift)
    heat, _ = heat_at(now)
    return heat / water


def conductance(rated: Real, air_ratio: Real, water_ratio: Real) -> Any:
    """UA, W/K, at air and water flow ratios."""
    return rated * np.maximum(air_ratio, 0.0) ** AIR_EXPONENT * np.maximum(water_ratio, 0.0) ** WATER_EXPONENT


def _saturated(t: Any, p: Any) -> Any:
    return psy.enthalpy(t, psy.saturation_humidity_ratio(t, p))


def _counterflow(ntu: Any, ratio: Any) -> Any:
    """Counterflow effectiveness; near equal capacity rates the limit NTU/(1 + NTU) takes over."""
    ratio = np.minimum(ratio, 1.0 - 1e-6)
    decay = np.exp(-ntu * (1.0 - ratio))
    return (1.0 - decay) / (1.0 - ratio * decay)
