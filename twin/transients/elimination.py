"""Racks solved for their increments in one stage of a step, given that of the coolant they get.

Each row is a package and the coolant behind it, so that two divisions solve it; a group hands three sums to the plant.
"""

from typing import NamedTuple

import numpy as np
from twin_models.streams import Array

from twin.transients.chips import Rows

# Change of a row's flow or conductance that renews the matrices: they may be old, but not too old.
MOVED = 0.1


class Slopes(NamedTuple):
    """What solves the rows' stage equations for right-hand sides and the increment of what enters."""

    chip: Array  # increment of packages by their right-hand side
    chip_entering: Array  # and by what enters
    coolant: Array  # increment of the coolant by its right-hand side
    coolant_chip: Array  # by that of the packages
    coolant_entering: Array  # and by what enters, packages included
    to_plant: (
        Array  # the three sums by increments of coolant (first) and of packages (others), shape (3, rows)
    )
    entering: Array  # the three sums by what enters, shape (3,)


def moved(rows: Rows, then: tuple[Array, Array]) -> bool:
    """Whether matrices that were worked out with another conductance and flow no longer fit a row."""
    return any(
        now is not old and (now.shape != old.shape or bool((np.abs(now - old) > MOVED * old).any()))
        for now, old in zip((rows.conductance, rows.rate), then, strict=True)
    )


def eliminate(rows: Rows, gh: float) -> Slopes:
    """What solves the stage equations of every row for its two increments, given the entering temperature's."""
    assert rows.around is not None
    a, w, g = rows.around, rows.weight, rows.conductance
    _, slope = rows.present()
    by_liquid = a.liquid_slope * slope + rows.share * g
    by_power = a.power_slope * slope
    chip = 1.0 / (1.0 + gh * (g - slope) / rows.chip_mass) if rows.chips else np.zeros(rows.chip.size)
    by_entering = gh / rows.chip_mass * g * chip
    pivot = 1.0 / (1.0 + gh * rows.rate / rows.coolant_mass)
    per_watt = gh / rows.coolant_mass * pivot
    direct = rows.rate - rows.share * g if rows.liquid else np.zeros(rows.chip.size)
    left = per_watt * (by_liquid * by_entering + direct)
    by_air = by_power - slope + g - by_liquid
    to_plant = w * np.array([rows.rate, by_air, by_power])
    entering = np.array(
        [
            to_plant[0] @ (left - 1.0),
            to_plant[1] @ by_entering - (1.0 - rows.share) * float(w @ g),
            to_plant[2] @ by_entering,
        ]
    )
    return Slopes(chip, by_entering, pivot, per_watt * by_liquid, left, to_plant, entering)
