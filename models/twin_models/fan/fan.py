"""Fans: power against speed, used by dry coolers, towers and air handlers.

Fan laws: airflow goes with speed, power with its cube; measured exponents of EC fans in a fixed housing are
2.7 to 3. A motor and drive lose relatively more at part load, which the lower exponents carry. Below the
minimum speed a fan cycles: it runs at the minimum speed for part of the time, so that mean airflow and power
both fall in proportion.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Real: TypeAlias = float | NDArray[np.float64]
Array: TypeAlias = NDArray[np.float64]

EXPONENT = 3.0
MINIMUM_SPEED = 0.2


def power(
    airflow: Real, rated_power: Real, exponent: float = EXPONENT, minimum_speed: float = MINIMUM_SPEED
) -> Array:
    """Electric power in W.

    Parameters
    ----------
    airflow
        Mean airflow over the rated one, 0 to 1, any shape; 0 is off.
    rated_power
        Electric power at full speed in W, motor and drive included.
    exponent
        Of power against speed, 2.7 to 3.
    minimum_speed
        Lowest running speed over full speed; below it the fan cycles.
    """
    share = np.asarray(airflow, dtype=np.float64)
    running = rated_power * speed(share, minimum_speed) ** exponent
    value: Array = running * duty(share, minimum_speed)
    return value


def speed(airflow: Real, minimum_speed: float = MINIMUM_SPEED) -> Array:
    """Speed over full speed while the fan runs."""
    value: Array = np.maximum(np.asarray(airflow, dtype=np.float64), minimum_speed)
    return value


def duty(airflow: Real, minimum_speed: float = MINIMUM_SPEED) -> Array:
    """Share of the time the fan runs: 1 from the minimum speed upwards."""
    value: Array = np.minimum(np.asarray(airflow, dtype=np.float64) / max(minimum_speed, 1e-9), 1.0)
    return value
