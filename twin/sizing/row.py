"""One row of the equipment table."""

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
