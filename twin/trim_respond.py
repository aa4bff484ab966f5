"""Set points that units reset by their requests: what sends how many, and where the reset comes to rest.

ASHRAE Guideline 36-2021: 5.16.16 for the requests, 5.1.14 and 5.20.5.2 for trim and respond. A unit whose valve is open by more
than 95 % sends one request until it is below 85 %; two or three where what it cools is more than 2 or 3 K too warm for two
minutes. Every interval the reset is trimmed, and where more than the ignored requests are there, it responds
(`stepped`). In time it rests at its warmest, where requests that count do not come, or at its coldest, where they do not
go. Else it never rests and swings where they come and go. The year takes the middle of that: the warmest set point at
which no more than the ignored requests come, of valves in the middle of their band (90 %).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from twin_models.roots import rising_root
from twin_models.streams import Array, Mask
from twin_sites.resets import SENDERS
from twin_sites.schema import Loop, Reset

from twin import heat
from twin.compile import LinkNode, Plan, VolumeNode
from twin.loops import _TRANSFER, _doors, _streams, shares
from twin.set_points import pulled, set_point, warmest
from twin.state import Block, State

SENDS, STOPS = 0.95, 0.85  # opening of a valve from which on, and until which, it sends a request
WARM_K = (2.0, 3.0)  # above its set point, for two and for three requests
WARM_S = 120.0  # for so long
MIDDLE = 0.5 * (SENDS + STOPS)
TOLERANCE_K = 1e-9
PRECISE_K = 1e-6  # of the set point where it comes to rest
NARROW_K = 1e-3  # a bracket this narrow is closed at its cold end
FLOATS_K = 1e-5  # above a limit: by less than this it is met
TURNS, FREE_TURNS = 20, 6  # after the free ones its bracket is halved


def stepped(reset: Reset, share: float, requests: float) -> float:
    """The reset after an interval, 0 (warmest) to 1 (coldest), for what it was and the requests there are."""
    counted = max(requests - reset.ignored, 0.0)
    return min(max(share - reset.trim + min(reset.respond * counted, reset.most), 0.0), 1.0)


def resets_of(plan: Plan) -> list[tuple[VolumeNode, Reset]]:
    """Loops whose set point is reset."""
    return [
        (volume, volume.part.reset)
        for volume in plan.volumes
        if isinstance(volume.part, Loop) and volume.part.reset is not None
    ]


def senders(plan: Plan, name: str) -> list[LinkNode]:
    """Units that send requests to a loop."""
    return [
        node for node in plan.links if node.sink == name and isinstance(node.link, SENDERS) and node.units > 0
    ]


def _requests(
    plan: Plan, volume: VolumeNode, state: State, block: Block, opening: Array | float = SENDS
) -> Array:
    """Requests that units send to a loop, where all stands; valves that are open further send one."""
    total: Array = np.zeros(state.meter.size)
    for node in senders(plan, volume.name):
        warm = state.supply[node.hot] - _wanted(plan, node, state, block)
        each = np.where(state.u[node.name] > opening, 1.0, 0.0)
        for level, kelvin in enumerate(WARM_K, start=2):
            each = np.where(warm > kelvin + FLOATS_K, float(level), each)
        total = total + state.running[node.name] * each
    return total


def request_notes(plan: Plan, values: Mapping[str, Array], step_s: float) -> list[str]:
    """Loops on which more requests than the ignored ones stay, though they are reset to their coldest."""
    notes = []
    for i, volume in enumerate(plan.volumes):
        reset = volume.part.reset if isinstance(volume.part, Loop) else None
        if reset is None:
            continue
        sent = values["loop_requests"][i]
        hours = float(np.sum(sent > reset.ignored)) * step_s / 3600.0
        if hours > 0.0:
            notes.append(
                f"{volume.address}: for {hours:,.0f} h up to {sent.max():.0f} requests for colder supply stay, of which "
                f"{reset.ignored} are ignored, with the set point at its coldest"
            )
    return notes


def solve(plan: Plan, block: Block) -> State:
    """The year's answer, as `heat.solve` has it, with the resets of all loops where they come to rest."""
    resets = resets_of(plan)
    if not resets:
        return heat.solve(plan, block)
    block = block._replace(reset=_rest(plan, block.at(slice(None)), resets))
    state = heat.solve(plan, block)
    state.reset = dict(block.reset)
    state.requests = {volume.name: _requests(plan, volume, state, block) for volume, _ in resets}
    return state


class Bracket(NamedTuple):
    """A reset, the coldest one that was too warm and the warmest that was cold enough; -1 and 2 while there is none."""

    share: Array
    warm: Array
    cold: Array


def _rest(plan: Plan, block: Block, resets: list[tuple[VolumeNode, Reset]]) -> dict[str, Array]:
    """Where the resets come to rest: solved at their warmest, then again where that does not do.

    What units ask for hardly hangs on the reset itself, so that it is met in two or three turns. Where it does, as behind
    set points that follow the loop, the reset is bracketed between too warm and cold enough; where it jumps, the warmest
    that was found cold enough stands, or the coldest there is.
    """
    n = np.size(block.ambient.dry_bulb)
    found = {volume.name: Bracket(np.zeros(n), np.full(n, -1.0), np.full(n, 2.0)) for volume, _ in resets}
    where = np.arange(n)
    for turn in range(TURNS):
        part = block.at(where)._replace(reset={name: one.share[where] for name, one in found.items()})
        state = heat.solve(plan, part)
        moving = {}
        for volume, reset in resets:
            one = found[volume.name]
            now = Bracket(*(values[where] for values in one))
            now, moves = _turn(plan, volume, reset, part, state, now, turn)
            for values, new in zip(one, now, strict=True):
                values[where] = new
            moving[volume.name] = where[moves]
        where = np.unique(np.concatenate(list(moving.values())))
        if not where.size:
            break
    for name, steps in moving.items():  # what still moves stands where it was found cold enough
        found[name].share[steps] = np.minimum(found[name].cold[steps], 1.0)
    return {name: one.share for name, one in found.items()}


def _turn(
    plan: Plan, volume: VolumeNode, reset: Reset, block: Block, state: State, now: Bracket, turn: int
) -> tuple[Bracket, Mask]:
    """The next reset to try for what was found with one, and where it differs."""
    supply, share = state.supply[volume.name], now.share
    high = warmest(plan, volume, state, block)
    low = np.minimum(reset.coldest, high)
    span = np.maximum(high - low, PRECISE_K)
    met = _warmest_met(plan, volume, reset, block, state, low, high)
    asked = (high - met) / span
    # trimmed to its warmest it stays there up to the valve that sends; elsewhere it swings round the middle of the band
    sent = _requests(plan, volume, state, block, np.where(share <= 0.0, SENDS, MIDDLE))
    enough = sent <= reset.ignored
    warm = np.where(enough, np.where(now.warm >= share, -1.0, now.warm), share)
    cold = np.where(enough, share, np.where(now.cold <= share, 2.0, now.cold))
    inside = (asked > warm) & (asked < cold) & (turn < FREE_TURNS)
    # one that floats above what is asked for has its requests all the time: they pull it to its coldest
    inside &= (supply <= pulled(volume, block, high) + FLOATS_K) | (supply <= met)
    halved = np.where(cold > 1.0, 1.0, 0.5 * (np.maximum(warm, 0.0) + cold))
    following = np.where(inside, asked, halved)
    rests = np.where(share <= 0.0, enough, span * np.abs(asked - share) < PRECISE_K) | (
        ~enough & (share >= 1.0)
    )
    close = ~rests & (span * (np.minimum(cold, 1.0) - np.maximum(warm, 0.0)) < NARROW_K)
    following = np.where(close, np.minimum(cold, 1.0), following)
    return Bracket(np.where(rests, share, following), warm, cold), ~(rests | close)


def _warmest_met(
    plan: Plan, volume: VolumeNode, reset: Reset, block: Block, state: State, low: Array, high: Array
) -> Array:
    """Warmest temperature of a loop at which no more than the ignored requests come.

    Each unit sends its first, second and third request above a temperature of its own: in rising order, the one whose
    requests exceed those ignored.
    """
    edges, counts = [high], [np.zeros(high.shape)]
    for node in senders(plan, volume.name):
        units = np.broadcast_to(state.running[node.name], high.shape)
        for opening, warm in ((MIDDLE, 0.0), *((1.0, kelvin) for kelvin in WARM_K)):
            edges.append(_edge(plan, volume, node, opening, warm, block, state, low, high))
            counts.append(units)
            if np.all(units > reset.ignored):
                break  # the first request of these units decides
    rising = np.argsort(np.stack(edges), axis=0, kind="stable")
    sent = np.cumsum(np.take_along_axis(np.stack(counts), rising, axis=0), axis=0)
    some = np.where(
        sent > reset.ignored, np.take_along_axis(np.stack(edges), rising, axis=0), high
    )  # from the deciding one on
    return np.asarray(some.min(axis=0))


def _edge(
    plan: Plan,
    volume: VolumeNode,
    node: LinkNode,
    opening: float,
    warm: float,
    block: Block,
    state: State,
    low: Array,
    high: Array,
) -> Array:
    """Temperature of the loop at which a unit, so far open, leaves what it cools so many K above its set point."""
    hot = plan.volume(node.hot)
    entering, share = _entering(hot, node, state)
    rise = entering - state.supply[hot.name]

    def above(temperature: Array) -> Array:
        wanted = _wanted(plan, node, state, block, volume.name, temperature) + warm
        stream, cold = _streams(node, hot, block, state, entering if hot.outer else wanted + rise, share)
        cold = cold._replace(temperature=temperature)
        out = _TRANSFER[type(node.link)](stream, cold, opening, node.machine, trial=True).hot_out
        return np.asarray(out - wanted)

    return rising_root(above, low, high, above(low), above(high), TOLERANCE_K)


def _entering(volume: VolumeNode, node: LinkNode, state: State) -> tuple[Array, Any]:
    """Temperature that enters a unit, and its share of the loop's flow."""
    name = volume.name
    temperature = state.entering[name] if name in state.through else state.back[name]
    if volume.outer:
        return temperature, dict((door.name, share) for door, share in _doors(volume))[node.name]
    for stage in volume.stages:
        parts = {one.name: share for one, share in shares(stage)}
        if node.name in parts:
            return temperature, parts[node.name]
        temperature = sum(share * state.link[one].hot_out for one, share in parts.items())
    raise AssertionError(node.name)


def _wanted(
    plan: Plan, node: LinkNode, state: State, block: Block, loop: str = "", supply: Array | None = None
) -> Array:
    """What a unit holds; with ``supply``, if that loop gave it."""
    volume = plan.volume(node.hot)
    kept, bound = state.supply.get(loop), state.dew_bound.get(volume.name)
    if supply is not None:
        state.supply[loop] = supply
    wanted = set_point(plan, volume, state, block)
    if kept is not None:
        state.supply[loop] = kept
    if bound is not None:
        state.dew_bound[volume.name] = bound
    return np.maximum(wanted, state.inlet[volume.outer]) if volume.outer else wanted
