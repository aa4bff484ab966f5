"""Churchill's friction factor from a table, for solvers that need it a million times.

The table has 128 points in every octave of the Reynolds number, where the bits of a float change their seventh place: a shift of
its bits is the place in the table. Between two points the factor is a line, 1.5e-5 off where laminar, 2e-4 in transition.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twin_models.pipe.pipe import friction_factor
from twin_models.streams import Array

REYNOLDS = (1.0, float(2**27))  # ends of the table; beyond them the factor stays
_SHIFT = 52 - 7
_FIRST = int(np.float64(REYNOLDS[0]).view(np.int64)) >> _SHIFT
_LAST = (int(np.float64(REYNOLDS[1]).view(np.int64)) >> _SHIFT) - _FIRST


@lru_cache(maxsize=256)
def lines(relative_roughness: float) -> tuple[Array, Array]:
    """Offset and slope of the line in every interval."""
    bits = (np.arange(_LAST + 1, dtype=np.int64) + _FIRST) << _SHIFT
    reynolds = bits.view(np.float64)
    factor = friction_factor(reynolds, relative_roughness)
    slope = np.diff(factor) / np.diff(reynolds)
    return factor[:-1] - slope * reynolds[:-1], slope


def friction(reynolds: Array, relative_roughness: float) -> tuple[Array, Array]:
    """Friction factor, and its derivative by the Reynolds number times that number, both shaped as ``reynolds``."""
    offset, slope = lines(relative_roughness)
    inside = np.minimum(np.maximum(reynolds, REYNOLDS[0]), REYNOLDS[1] * (1.0 - 1e-15))
    place: NDArray[np.int64] = (inside.view(np.int64) >> _SHIFT) - _FIRST
    bend: Array = slope.take(place)
    bend *= inside
    return offset.take(place) + bend, bend
