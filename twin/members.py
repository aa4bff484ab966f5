"""Single racks: the names of a group's members, what each did over a run, and, when asked for, its every step.

What is kept of each rack always is reduced block by block, so that memory does not grow with racks x time.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.streams import Array
from twin_sites.declared import base_of, numbers_of
from twin_sites.errors import InputError, Problem

from twin.along import Along
from twin.compile import Plan, RackNode
from twin.racks import CHUNK, Each, Real
from twin.state import Block, State

Single = NDArray[np.float32]
MOST_VALUES = 250_000_000  # of all series of single racks together: 1 GB


class Tally(NamedTuple):
    """What each rack did in a number of steps, shape (members,)."""

    energy: Array  # W, sum over steps
    peak: Array  # W
    chip: Array  # °C, hottest; NaN without accelerators
    throttled: Array  # steps
    flow: Array  # m³/s, sum over steps
    least_flow: Array  # m³/s; NaN without liquid, as is the sum

    def and_then(self, later: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.energy + later.energy,
            np.maximum(self.peak, later.peak),
            np.fmax(self.chip, later.chip),
            self.throttled + later.throttled,
            self.flow + later.flow,
            np.fmin(self.least_flow, later.least_flow),
        )


def numbers(plan: Plan, node: RackNode) -> list[int]:
    """Numbers of a group's racks as addresses count them: what was split off keeps its own number."""
    return numbers_of(node.name, {other.name: other.racks.count for other in plan.racks})


def names(plan: Plan) -> tuple[list[str], list[str]]:
    """Name of every rack, such as ``compute.17``, and the group that it stands in."""
    found = [
        (f"{base_of(node.name)}.{number}", node.name) for node in plan.racks for number in numbers(plan, node)
    ]
    return [name for name, _ in found], [group for _, group in found]


def tally(plan: Plan, block: Block, state: State) -> Tally:
    """Reduce the single racks of a solved block."""
    parts = []
    for node in plan.racks:
        if node.name in block.along:
            parts.append(_spread_tally(state.each[node.name], block.along[node.name]))
            continue
        each, row_of = _rows(node, block, state)
        rows = Tally(
            each.power.sum(axis=-1, dtype=float),
            each.power.max(axis=-1).astype(float),
            each.chip.max(axis=-1).astype(float),
            each.throttled.sum(axis=-1, dtype=float),
            each.flow.sum(axis=-1, dtype=float) if node.loop is not None else np.full(len(each.flow), np.nan),
            each.flow.min(axis=-1).astype(float)
            if node.loop is not None
            else np.full(len(each.flow), np.nan),
        )
        parts.append(Tally(*(row[row_of] for row in rows)))
    return Tally(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))


def _spread_tally(each: Each, few: Along) -> Tally:
    """The same of racks that a few stand in for, part by part, so that their series take no room."""
    power, flow, throttled = (
        few.spread @ np.asarray(values, dtype=float).sum(axis=-1)
        for values in (each.power, each.flow, each.throttled)
    )
    peak, least, hottest = np.zeros(power.size), np.full(power.size, np.inf), np.full(power.size, np.nan)
    width = max(1, CHUNK // power.size)
    for at in (slice(first, first + width) for first in range(0, each.power.shape[-1], width)):
        np.maximum(peak, (few.spread @ each.power[:, at]).max(axis=-1), out=peak)
        np.minimum(least, (few.spread @ each.flow[:, at]).min(axis=-1), out=least)
        np.fmax(hottest, (few.spread @ each.chip[:, at]).max(axis=-1), out=hottest)
    return Tally(power, peak, hottest, throttled, flow, least)


def series(plan: Plan, block: Block, state: State) -> dict[str, Single]:
    """Every step of every rack, shape (members, n)."""
    n = state.meter.size
    rows: dict[str, list[Real]] = {}
    for node in plan.racks:
        each, row_of = _rows(node, block, state)
        limit = node.racks.accelerator.throttle if node.racks.accelerator is not None else np.nan
        for name, values in (
            ("power", each.power),
            ("flow", each.flow),
            ("chip_temperature", each.chip),
            ("throttled", each.throttled),
            ("margin", limit - each.chip),
        ):
            rows.setdefault(f"member_{name}", []).append(values[row_of])
        inlet = np.broadcast_to(state.inlet[node.room], (row_of.size, n))
        rows.setdefault("member_inlet_temperature", []).append(inlet)
    return {
        name: np.concatenate(parts, axis=0, dtype=np.float32, casting="unsafe")
        for name, parts in rows.items()
    }


def _rows(node: RackNode, block: Block, state: State) -> tuple[Each, NDArray[np.intp]]:
    """What the racks of a group do, by row, and the row of each."""
    if node.name in block.along:
        spread = block.along[node.name].spread
        return Each(*(spread @ values for values in state.each[node.name])), np.arange(len(spread))
    if node.name in state.single:
        return state.single[node.name].each, block.row_of[node.name]
    power, flow, chip, throttled = (np.atleast_2d(values) for values in state.each[node.name])
    alone = np.zeros(node.racks.count, dtype=np.intp)
    return Each(power, flow, chip, throttled), block.row_of.get(node.name, alone)


def check_size(plan: Plan, n: int, variables: int) -> None:
    """Refuse series of single racks that would not fit.

    Raises
    ------
    InputError
        Before the run, with what would fit.
    """
    racks = sum(node.racks.count for node in plan.racks)
    if racks * n * variables > MOST_VALUES:
        raise InputError(
            [
                Problem(
                    "per rack",
                    f"{racks:,} racks x {n:,} steps x {variables} series, {racks * n * variables * 4 / 1e9:.3g} GB",
                    f"{MOST_VALUES * 4 / 1e9:g} GB, here {MOST_VALUES // (racks * variables):,} steps",
                    "a shorter run or a longer step; mean, peak and hottest chip of each rack are in every result",
                )
            ]
        )
