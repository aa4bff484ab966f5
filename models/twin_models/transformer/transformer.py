"""Transformer: no-load loss that is always there, load loss with the square of the apparent power."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from twin_models.fields import Parameters, Quantity
from twin_models.losses import ROUNDING, Loss
from twin_models.streams import Real


@dataclass(frozen=True, kw_only=True)
class Transformer(Parameters):
    """One transformer: the two losses of its test report."""

    rating: Annotated[
        float, Quantity("VA", "Rated apparent power", low=1e3, high=1e9, shown="kVA", shown_ip="kVA")
    ]
    no_load_loss: Annotated[float, Quantity("W", "No-load loss", low=0.0, high=1e7)]
    load_loss: Annotated[float, Quantity("W", "Load loss at rating", low=0.0, high=1e8)]
    power_factor: Annotated[float, Quantity("1", "Power factor of the load", low=0.5, high=1.0)] = 0.95


def loss(load: Real, params: Transformer) -> Loss:
    """Loss of one transformer that delivers ``load``.

    P = P0 + Pk (S / Sn)², where S = load / power_factor is the apparent power on the **output** side. P0 is
    the loss of the core at rated voltage, whatever the load; Pk is the loss of the windings at rated current
    and at the reference temperature of the test. Voltage drop, harmonics and winding temperature are left out
    (see the card).

    Parameters
    ----------
    load
        W of active power delivered by one unit, any shape, not negative.

    Returns
    -------
    Loss
        W, and False where the apparent power is above the rating.

    References
    ----------
    IEC 60076-1:2011 (definitions of both losses); IEC TS 60076-20:2017, clause on efficiency at a load
    factor.
    """
    fraction = np.asarray(load, dtype=np.float64) / (params.power_factor * params.rating)
    return Loss(params.no_load_loss + params.load_loss * fraction * fraction, fraction <= 1.0 + ROUNDING)
