"""Whether a transient's racks run compiled, and how their arrays get there: the one place that knows of numba.

Numba is optional (``pip install 'facility-twin[fast]'``). Its import and loading its kernels, once compiled, take a second, so
that they are for runs that are long enough; such a run takes them without being asked.
"""

from functools import cache
from types import ModuleType
from typing import NamedTuple

import numpy as np
from twin_models.power_shelf.power_shelf import PowerShelf
from twin_models.rack.parameters import Rack
from twin_models.streams import Array

# Rows of a group, and s of a run, from which on kernels save more than it takes to load them.
MANY, LONG = 16, 8 * 3600.0


class Constants(NamedTuple):
    """A rack's parameters as the kernels take them."""

    fan: Array  # W at full speed (0: none), lowest speed, its rise with activity
    lines: Array  # W and W per activity: parts behind the node converter, heat of parts into liquid, parts behind the shelves
    node: Array  # converter: 1 or 0 for none, loss of all units as a polynomial of their output, its share into liquid
    shelf: Array
    leak: Array  # share, 1/K, °C of the reference, highest °C at which the law is claimed


class Fused(NamedTuple):
    """Kernels, and the constants of one group for them."""

    kernels: ModuleType
    constants: Constants


def equipment(racks: Rack, rows: int, seconds: float) -> Fused | None:
    """Compiled kernels for a group of so many rows, where a run of so many seconds is long enough; None: it stays with numpy."""
    kernels = _kernels() if fits(racks) and rows >= MANY and seconds >= LONG else None
    return None if kernels is None else Fused(kernels, constants(racks))


def fits(racks: Rack) -> bool:
    """Whether racks are of the kind that the kernels have: packages that give their heat to a liquid."""
    return racks.accelerator is not None and racks.liquid is not None and racks.air_sink is None


@cache
def _kernels() -> ModuleType | None:
    """The compiled kernels; None without numba, or where it is one that refuses this numpy."""
    try:
        from twin.transients import kernels
    except ImportError:
        return None
    return kernels


def constants(racks: Rack) -> Constants:
    """What the kernels need to know of a rack with accelerators."""
    chip = racks.accelerator
    assert chip is not None
    fan = np.zeros(3)
    if racks.fans is not None:
        fan[:] = racks.fans.maximum, racks.fans.idle_speed, racks.fans.base_speed - racks.fans.idle_speed
    leak = np.array(
        [
            chip.leakage_share if chip.feedback else 0.0,
            chip.leakage_coefficient,
            chip.leakage_reference,
            chip.throttle,
        ]
    )
    lines = np.array([*racks.node_parts, *racks.plate_parts, *racks.rack_parts])
    node = _losses(racks.node_converter, racks.nodes, racks.converter_liquid)
    return Constants(fan, lines, node, _losses(racks.shelf, racks.shelves, racks.shelf_liquid), leak)


def _losses(one: PowerShelf | None, units: int, into_liquid: float) -> Array:
    """`power_shelf.loss` of converters that share a load, as a polynomial of it."""
    if one is None:
        return np.zeros(6)
    k0, k1, k2, k3 = one.coefficients
    whole = units * one.rating
    return np.array([1.0, whole * k0, k1, k2 / whole, k3 / whole**2, into_liquid])
