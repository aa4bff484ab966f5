"""How the headers of a technology loop split its flow over the racks, worked out once at rated flow.

The split hardly depends on the flow (a few tenths of a per cent down to half of it), so that one share per rack stands for
all time steps; the head follows the flow by one exponent.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from twin_models.fluids.fluids import Fluid
from twin_models.manifold.manifold import Branches, flows
from twin_models.streams import Array, Mask
from twin_sites.schema import Headers, Loop, Racks

RISE_K = 10.0  # between supply and return header where their viscosity is taken
MARGIN_K = 0.5  # a return this far above its limit is a matter of the split, not a fault
NOMINAL_DEGC = 35.0  # of a supply that is given relative to another loop


class Branching(NamedTuple):
    """Shares of a loop's flow."""

    shares: Mapping[str, Array]  # by rack group: of the loop's flow, (racks,)
    head: float  # Pa at the units at rated flow
    flow: float  # m³/s, rated
    exponent: float  # of head against flow


def branching(loop: Loop, headers: Headers, liquid: Fluid, racks: Sequence[tuple[str, Racks]]) -> Branching:
    """Split of a loop's rated flow over its racks, in the order of groups and numbers.

    Parameters
    ----------
    loop, headers, liquid
        The loop, its headers and its liquid.
    racks
        Name and racks of every group with plates on this loop.
    """
    rows: list[tuple[float, float, float, float, float]] = []
    for name, group in racks:
        assert group.liquid is not None
        side = group.liquid
        for i in range(group.count):
            opening = headers.valves.get(f"{name}.{i + 1}", headers.valves.get(name, 1.0))
            clogging = headers.filters.get(f"{name}.{i + 1}", headers.filters.get(name, 1.0))
            rows.append((side.dp_flow, side.dp, side.dp_exponent, opening, clogging))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    total = sum(group.count * group.liquid.rated_flow for _, group in racks if group.liquid is not None)
    supply = NOMINAL_DEGC if loop.supply.base else loop.supply.value
    at = [
        flows(Branches(*columns), headers, liquid, supply, supply + RISE_K, total=share * total)
        for share in (1.0, 0.5)
    ]
    shares = at[0].branch[:, 0] / total
    first, found = 0, {}
    for name, group in racks:
        found[name] = shares[first : first + group.count]
        first += group.count
    exponent = float(np.log(at[0].head[0] / at[1].head[0]) / np.log(2.0))
    return Branching(found, float(at[0].head[0]), float(total), exponent)


def rack_flow(split: Branching, name: str, share: Array, shape: tuple[int, ...]) -> Array:
    """Flow of every rack of a group in m³/s, shaped as its activity, at the loop's flow over its rated one, (n,)."""
    return np.asarray(split.shares[name][:, None] * (split.flow * share)).reshape(shape)


def returns_cool(racks: Racks, heat: Array, flow: Array, supply: Array, rate: Array) -> Mask:
    """Whether coolant comes back below its limit; ``rate`` is J/(m³·K), ``heat`` W and ``flow`` m³/s of each rack."""
    assert racks.liquid is not None
    below: Mask = heat <= flow * rate * (racks.liquid.return_limit + MARGIN_K - supply)
    return below


def head_of(split: Branching, flow: Array) -> Array:
    """Head in Pa that headers and racks ask of the units at a flow in m³/s."""
    return np.asarray(split.head * (flow / split.flow) ** split.exponent)
