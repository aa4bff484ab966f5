"""What an electrical element wastes: the one contract of transformer, UPS, PDU and power shelf.

    loss(load, params) -> Loss          # one unit; load is what it delivers

``loss`` never falls when ``load`` rises; at zero load the no-load loss remains. The element draws
``load + loss``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.streams import Array, Real

ROUNDING = 1e-9  # a load equal to the rating may arrive a few bits above it


class Loss(NamedTuple):
    """What one unit turns into heat."""

    loss: Array  # W
    valid: NDArray[np.bool_]  # False above the rating


def quadratic(load: Real, rating: float, constant: float, proportional: float, square: float) -> Loss:
    """Loss of one unit as a second-order polynomial of its load fraction.

    With x = load / rating, loss = rating (constant + proportional x + square x²): the part that is there
    without load (magnetising, control power, fans), the part that follows the current (semiconductor voltage
    drop) and the part that follows its square (resistance). Above the rating the polynomial goes on and
    ``valid`` is False.

    Parameters
    ----------
    load
        W delivered by one unit, any shape, not negative.
    rating
        W the unit may deliver.
    constant, proportional, square
        Shares of the rating.

    References
    ----------
    N. Rasmussen, Electrical Efficiency Modeling for Data Centers, APC White Paper 113 (no-load, proportional
    and square-law loss).
    """
    x = np.asarray(load, dtype=np.float64) / rating
    return Loss(rating * (constant + x * (proportional + square * x)), x <= 1.0 + ROUNDING)
