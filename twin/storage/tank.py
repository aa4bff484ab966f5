"""A tank beside the machines of a loop, in one step: what they have left to do, and how much water they see.

The series says how much heat the tank is to take up: positive while it cools the loop, negative while it is filled.
"""

import numpy as np
from twin_models.fluids.fluids import density
from twin_models.streams import Array
from twin_models.thermal_storage import thermal_storage
from twin_sites.schema import Loop, Stores

from twin.compile import VolumeNode
from twin.state import Block, State

LEAST_FLOW = (
    0.05  # of a loop's flow stays with its machines, at a smaller rise, where the tank takes nearly all heat
)


def store_of(volume: VolumeNode) -> Stores:
    """The tanks of a loop that has some."""
    assert isinstance(volume.part, Loop)
    assert volume.part.storage is not None
    return volume.part.storage


def beside_tank(volume: VolumeNode, block: Block, state: State) -> Array:
    """W that a loop's machines have to take, (time,); notes their flow and what the tank takes, at most all heat."""
    name, tank = volume.name, store_of(volume)
    heat = state.heat[name]
    taken = np.minimum(block.storage[name], heat)
    share = np.ones_like(heat)
    if tank.mixing == "stratified":
        share = np.where(taken > 0.0, np.maximum(1.0 - taken / np.maximum(heat, 1e-9), LEAST_FLOW), 1.0)
    added = np.maximum(-taken, 0.0) / (state.cp[name] * tank.temperature_difference)
    state.stored[name] = taken
    state.through[name] = state.flow[name] * share + added
    return np.asarray(heat - taken)


def charging_power(volume: VolumeNode, block: Block, state: State) -> Array:
    """W of the pumps of a loop's tanks, (time,)."""
    assert volume.fluid is not None
    rho_cp = np.asarray(density(volume.fluid, state.supply[volume.name])) * state.cp[volume.name]
    return thermal_storage.pumping(block.storage[volume.name], rho_cp, store_of(volume))
