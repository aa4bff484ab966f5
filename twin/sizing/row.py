"""Rows of the equipment table and of the comparison."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Equipment:
    """What stands at an address, how many of it, and why so many."""

    address: str
    product: str
    required: int
    spare: int
    binding_constraint: str
    margin: float | None  # capacity of the required units beyond the design days' duty, over that duty


@dataclass(frozen=True)
class Alternative:
    """A technology with its plant that was sized, or why it was not."""

    cooling: str
    system: str  # empty where nothing was sized
    plant: str
    cost_per_year: float | None
    pue: float | None
    unmet: int  # requirements
    why: str  # it falls short, or is out
