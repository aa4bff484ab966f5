"""Power distribution: PDU with transformer, busway, panel, switchgear, transfer switch."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from twin_models.fields import Parameters, Quantity
from twin_models.losses import Loss, quadratic
from twin_models.streams import Array, Real


@dataclass(frozen=True, kw_only=True)
class Pdu(Parameters):
    """One distribution element; shares are shares of its rating."""

    rating: Annotated[float, Quantity("W", "Rated output", low=1e2, high=1e9)]
    no_load_loss: Annotated[float, Quantity("1", "No-load loss share", low=0.0, high=0.1)] = 0.0
    proportional_loss: Annotated[float, Quantity("1", "Proportional loss share", low=0.0, high=0.1)] = 0.0
    square_loss: Annotated[float, Quantity("1", "Square-law loss share", low=0.0, high=0.1)]


def loss(load: Real, params: Pdu) -> Loss:
    """Loss of one distribution element that delivers ``load``.

    rating (k0 + k1 x + k2 x²) with x = load / rating: k0 is a transformer core, meters and control power, k1
    the constant voltage drop of thyristors in a static switch, k2 the resistance of windings, bars, joints
    and contacts.

    Parameters
    ----------
    load
        W delivered by one unit, any shape, not negative.

    Returns
    -------
    Loss
        W, and False where the load is above the rating.

    References
    ----------
    The form of :func:`twin_models.losses.quadratic`.
    """
    return quadratic(load, params.rating, params.no_load_loss, params.proportional_loss, params.square_loss)


def current(
    load: Real,
    voltage: float,
    supply: Literal["three-phase", "single-phase", "dc"],
    power_factor: float = 1.0,
) -> Array:
    """Line current of a load: P / (√3 U cos φ) with three phases, P / (U cos φ) with one, P / U with DC.

    Parameters
    ----------
    load
        W, any shape.
    voltage
        V, line to line with three phases.
    supply
        Kind of supply.
    power_factor
        cos φ; without meaning for DC.

    Returns
    -------
    ndarray
        A.

    References
    ----------
    IEC 60050-131, active power of a sinusoidal system.
    """
    per_volt = {"three-phase": 3.0**0.5 * power_factor, "single-phase": power_factor, "dc": 1.0}[supply]
    value: Array = np.asarray(load, dtype=np.float64) / (voltage * per_volt)
    return value
