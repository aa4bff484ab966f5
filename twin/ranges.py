"""Which range of which machine was left in a run: the quantity, the edge, for how long and how far."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from twin_models.cdu import cdu
from twin_models.pump import pump
from twin_models.rack.bounds import bounds as rack_bounds
from twin_models.streams import Bound, Mask

from twin.compile import Plan, RackNode
from twin.pumps import units_of
from twin.state import Block, State

WORKING_W = 1.0  # a link that moves less is idle


class Edge(NamedTuple):
    """One end of one range of a machine."""

    address: str
    quantity: str
    side: str  # ``below`` or ``above``
    limit: float  # SI, °C
    unit: str  # ``1`` for a share, empty for a plain number


def left(plan: Plan, block: Block, state: State) -> tuple[dict[str, float], dict[Edge, tuple[float, float]]]:
    """Steps that each machine is outside the range of its model, and steps and furthest value beyond each edge."""
    n = state.meter.size
    steps: dict[str, float] = {}
    exits: dict[Edge, tuple[float, float]] = {}
    for address, used, bounds in _machines(plan, block, state):
        out = np.broadcast_to(used, n)
        steps[address] = float(out.sum())
        if steps[address]:
            exits |= _beyond(address, out, bounds(), n)
    return steps, exits


def _machines(plan: Plan, block: Block, state: State) -> Iterator[tuple[str, Mask, Any]]:
    """Address of each machine, where it works out of its range, and its ranges on demand."""
    for node in plan.links:
        if node.name in state.link:
            link = state.link[node.name]
            yield node.address, ~link.valid & (link.heat > WORKING_W), lambda link=link: link.bounds
    for rack in plan.racks:
        out = ~state.rack[rack.name].valid
        yield f"racks.{rack.name}", out, lambda rack=rack: _of_racks(rack, block, state)
    units: dict[str, tuple[Any, ...]] = {
        node.name: (per_unit, external, node.link)
        for volume in plan.volumes
        for node, per_unit, external in units_of(volume, state)
    }
    for name, one in state.pump.items():
        bounds = (
            (lambda name=name: cdu.bounds(*units[name]))
            if name in units
            else (lambda one=one: pump.bounds(one.speed, one.relative_flow))
        )
        yield f"{name}.pump", ~one.valid, bounds
    for name, feeder in plan.feeders:
        rating = np.inf if feeder.rating is None else feeder.rating * max(feeder.units, 1)
        load = Bound("load", state.load[name], 0.0, rating if feeder.units else 0.0, "W")
        yield f"power.{name}", ~state.feeder_valid[name], lambda load=load: (load,)


def _of_racks(node: RackNode, block: Block, state: State) -> tuple[Bound, ...]:
    """Ranges of a group's racks: each where they are worked one by one, else at the mean flow of a rack."""
    air_in = state.inlet[node.room]
    liquid_in = air_in if node.loop is None else state.supply[node.loop]
    activity = block.activity[node.name]
    each = state.each.get(node.name)
    known = each is not None and np.shape(each.flow) == np.shape(activity)
    flow: Any = each.flow if each is not None and known else state.rack[node.name].flow / node.racks.count
    return rack_bounds(activity, liquid_in, flow, air_in, node.racks)


def _beyond(address: str, used: Mask, bounds: Sequence[Bound], n: int) -> dict[Edge, tuple[float, float]]:
    found = {}
    for bound in bounds:
        value = np.asarray(bound.value, dtype=float)
        for side, limit, furthest in (("below", bound.low, np.min), ("above", bound.high, np.max)):
            beyond = value < limit if side == "below" else value > limit
            rows = np.broadcast_to(beyond, (*value.shape[:-1], n)) & used
            if rows.any():
                edge = Edge(address, bound.quantity, side, float(f"{limit:.6g}"), bound.unit)
                reached = float(furthest(np.broadcast_to(value, rows.shape)[rows]))
                found[edge] = float(rows.reshape(-1, n).any(axis=0).sum()), reached
    return found


def joined(
    first: Mapping[Edge, tuple[float, float]], second: Mapping[Edge, tuple[float, float]]
) -> dict[Edge, tuple[float, float]]:
    """Exits of two blocks of steps together."""
    out = dict(first)
    for edge, (steps, reached) in second.items():
        before, far = out.get(edge, (0.0, reached))
        out[edge] = before + steps, (min if edge.side == "below" else max)(far, reached)
    return out


def as_lines(exits: Mapping[Edge, tuple[float, float]], step_h: float) -> list[str]:
    """Exits as lines of JSON, which attributes of a file can hold; the longest of each machine first."""
    ordered = sorted(exits.items(), key=lambda item: (item[0].address, -item[1][0]))
    return [
        json.dumps({**edge._asdict(), "reached": float(f"{reached:.6g}"), "hours": steps * step_h})
        for edge, (steps, reached) in ordered
    ]


def read_lines(lines: Any) -> list[dict[str, Any]]:
    """What `as_lines` wrote; a file gives a single line as a text."""
    return [json.loads(line) for line in ([lines] if isinstance(lines, str) else lines) if line]


def said(one: Mapping[str, Any]) -> str:
    """One exit in words: ``water flow over design down to 42 %, lowest of its range 75 %, 1,204 h``."""
    way, end = ("down to", "lowest") if one["side"] == "below" else ("up to", "highest")
    reached, limit = (_shown(one[key], one["unit"]) for key in ("reached", "limit"))
    return f"{one['quantity']} {way} {reached} ({end} {limit}) for {one['hours']:,.4g} h"


def _shown(value: float, unit: str) -> str:
    if unit == "1":
        return f"{100 * value:.3g} %"
    if unit == "degC":
        return f"{value:.1f} °C"
    if unit == "W":
        return f"{value / 1000:,.4g} kW"
    if unit == "m3/s":
        return f"{value * 60000:.3g} L/min"
    return f"{value:.3g} {unit}".rstrip()
