"""A loop is solved again only at the steps at which something that enters it has moved since it was last solved.

Most loops hold their set point and do not feel what a later sweep still changes elsewhere.
"""

from typing import Any

import numpy as np
from twin_models.streams import Array, Mask
from twin_sites.schema import OUTDOORS

from twin.compile import VolumeNode
from twin.loops import STILL, is_held, solve_volume, take
from twin.state import Block, State, put


def solve_moved(volume: VolumeNode, block: Block, state: State, sweep: int) -> None:
    """As ``solve_volume``, where anything has moved; elsewhere the loop stays as it was found.

    Exhausts of racks and loops with a tank, which follow more than what enters their links, are always solved.
    """
    name, n = volume.name, state.heat[volume.name].size
    if volume.outer or name in block.storage or not volume.stages:
        solve_volume(volume, block, state, sweep)
        return
    now, (before, found) = _entering(volume, state), state.solved.get(name, (None, None))
    again = before is None or is_held(volume, sweep)
    moved = np.arange(n) if again else np.flatnonzero(_moved(now, before))
    if 2 * moved.size > n:
        solve_volume(volume, block, state, sweep)
    else:
        now = tuple(put(old, new[moved], moved, n) for old, new in zip(before, now, strict=True))
        state.supply[name] = found
        if moved.size:
            here, part = take(block, state, volume, moved)
            solve_volume(volume, here, part, sweep)
            for one in ("supply", "back", "removed", "latent", "u", "running", "link"):
                whole = getattr(state, one)
                whole |= {
                    key: put(whole[key], values, moved, n)
                    for key, values in getattr(part, one).items()
                    if key == name or key.startswith(f"{name}.")
                }
    state.solved[name] = (now, state.supply[name])


def _entering(volume: VolumeNode, state: State) -> tuple[Array, ...]:
    """All that decides what the links of a loop do and that sweeps change."""
    name = volume.name
    now = [state.heat[name], state.flow[name], state.cp[name], state.wanted[name]]
    if volume.fluid is None:
        now.append(state.latent.get(name, np.zeros(now[0].size)))
    for sink in dict.fromkeys(node.sink for stage in volume.stages for node in stage):
        if sink in state.breathed:
            now.append(np.asarray(state.breathed[sink].dry_bulb))
        elif sink != OUTDOORS:
            now += [state.supply[sink], state.cp[sink]]
    return tuple(now)


def _moved(now: tuple[Array, ...], before: tuple[Array, ...]) -> Mask:
    """Where any of two sets of values differ so far that it could be felt; what is not a number always has moved."""
    out: Any = False
    for new, old in zip(now, before, strict=True):
        if new is not old:
            out = out | ~(np.abs(new - old) <= STILL * np.abs(old))
    return np.asarray(out)
