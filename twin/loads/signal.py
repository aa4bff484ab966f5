"""Readings of one device, and the words for what they mean."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Quantity = Literal["activity", "power"]
Boundary = Literal["gpu", "node_dc", "node_ac", "rack_ac", "cdu_heat", "site_it"]


class Signal(NamedTuple):
    """Readings of one device: seconds from the first row, W or share, and peaks if the file has them."""

    seconds: Array
    values: Array
    peaks: Array | None
