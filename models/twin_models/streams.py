"""What enters and leaves a machine: the one contract of every link between two loops.

    transfer(hot, cold, u, params, trial=False) -> Transfer          # u in [0, 1]

``transfer`` describes **one unit**, is explicit in the actuator ``u`` (fan speed, valve, load stage) and its heat never
falls when ``u`` rises. A controller gives ``u`` in a transient; the year finds it by bracketing. While it searches it asks
for a ``trial``: heat, temperatures and electricity alone (:func:`tried`), by the same equations.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from twin_models.fluids.fluids import Fluid

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Real: TypeAlias = float | NDArray[np.float64]


class Bound(NamedTuple):
    """One quantity that a model holds to a range, outside of which its equations are not claimed."""

    quantity: str  # what a person calls it
    value: Real
    low: float
    high: float
    unit: str  # SI, °C; ``1`` for a share, empty for a plain number


def inside(bounds: Sequence[Bound]) -> Mask:
    """True where every quantity is in its range; shape of all values together."""
    met: Mask = np.ones((), dtype=np.bool_)
    for bound in bounds:
        met = met & ((bound.value >= bound.low) & (bound.value <= bound.high))
    return np.asarray(met)


class Stream(NamedTuple):
    """A liquid entering a machine."""

    temperature: Real  # °C
    flow: Real  # kg/s through one unit
    cp: Real  # J/(kg·K), the loop's own value, so that heat balances to the last digit
    fluid: Fluid


class RoomAir(NamedTuple):
    """Room air entering an air handler."""

    temperature: Real  # °C dry bulb
    flow: Real  # kg/s of moist air through one unit
    cp: Real  # J/(kg·K) of moist air
    humidity_ratio: Real  # kg water per kg dry air
    pressure: Real  # Pa


class Ambient(NamedTuple):
    """Outdoor air at the machine."""

    dry_bulb: Real  # °C
    wet_bulb: Real  # °C thermodynamic wet bulb
    humidity_ratio: Real  # kg/kg dry air
    pressure: Real  # Pa, station pressure


class Transfer(NamedTuple):
    """What one unit does."""

    heat: Array  # W taken from the hot side
    hot_out: Array  # °C leaving on the hot side
    cold_heat: Array  # W given to the cold side, from its own m·cp·ΔT or moist-air enthalpy
    electric: Array  # W drawn; it becomes heat as the machine's card says
    water: Array  # kg/s of make-up water
    blowdown: Array  # kg/s of it that leaves as waste water
    capacity: Array  # W that u = 1 would take under the same entering conditions
    valid: NDArray[np.bool_]  # False where a correlation is used outside its stated range
    bounds: tuple[Bound, ...] = ()  # the ranges that decide it; not of a trial


def tried(heat: Array, hot_out: Array, cold_heat: Array, electric: Array) -> Transfer:
    """What a trial answers: water, capacity and validity are left out."""
    return Transfer(heat, hot_out, cold_heat, electric, _NOTHING, _NOTHING, _NOTHING, _UNJUDGED)


_NOTHING, _UNJUDGED = np.zeros(()), np.ones((), dtype=np.bool_)
