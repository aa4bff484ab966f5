"""What each rack group is asked to do: a load mapped to groups, measured power turned back into activity.

Measured power already contains leakage, fans and losses; it is inverted at the temperatures that the site is designed
for, so that the solve adds only the deviation from them.
"""

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from twin_models.rack import rack as rack_model
from twin_models.streams import Ambient, Array
from twin_sites.errors import InputError, Problem
from twin_sites.schema import AMBIENT_BASES

from twin.compile import Plan, RackNode
from twin.load import Load, load_trace, resample, tile
from twin.members import numbers

if TYPE_CHECKING:
    from twin.annual import Span

# Measured power above the rating: rounding, and excursions that instruments do show (1.17 of the limit on B300,
# traces of 100 ms); what is larger or lasts is an error of boundary, unit or mapping. The bounds are estimates.
DAY_S = 86400.0
OVER_RATING = 0.02
RARE = 0.01
EXCURSION = 1.25


@lru_cache(maxsize=16)
def builtin(name: str) -> Load:
    """A generated load by name, made once."""
    return load_trace(name)


@lru_cache(maxsize=8)
def _on_span(load: Load, span: "Span", utc_offset_h: float) -> Load:
    """The load on the run's steps; one that is shorter than a day is first repeated to a day, so that steps are whole."""
    clock = utc_offset_h if load.utc_offset_h is not None else None
    if load.step_s != span.step_s:
        if load.n * load.step_s < DAY_S:
            load = tile(load, math.ceil(DAY_S / load.step_s), None, None)
        load = resample(load, span.step_s)
    if load.n == span.n and load.start == span.start and load.utc_offset_h is None:
        return load
    return tile(load, span.n, span.start, clock)


def activities(
    plan: Plan, load: Load, span: "Span", ambient: Ambient, utc_offset_h: float
) -> tuple[dict[str, Array], list[str]]:
    """Activity of every rack group, shape (n,) where its racks are alike and (racks, n) where not; and notes.

    Raises
    ------
    InputError
        For power above what the racks can draw, or a trace whose boundary is not known.
    """
    trace = _on_span(load, span, utc_offset_h)
    notes = list(trace.report.notes) if trace.source.startswith("file") else []
    if trace.quantity == "power" and trace.boundary is None:
        raise InputError(
            [
                Problem(
                    "load",
                    "measured power without a boundary",
                    "gpu, node_dc, node_ac, rack_ac, cdu_heat or site_it",
                    "--boundary rack_ac",
                )
            ]
        )
    out: dict[str, Array] = {}
    for node in sorted(
        plan.racks, key=lambda node: not _measured(node, trace)
    ):  # those that follow come last
        rows, counts = _rows(plan, node, trace)
        if trace.quantity == "power" and _measured(node, trace):
            found = [
                _activity(plan, node, row, racks, trace, ambient)
                for row, racks in zip(rows, counts, strict=True)
            ]
            rows = [one.activity for one in found]
            notes += _excursions(node, found)
        elif trace.quantity == "power":
            rows, counts = [_followed(list(out.values()), span.n)], [node.racks.count]
            notes.append(f"{node.name}: the trace does not measure such racks; they follow the others")
        scale = plan.site.load.scale * node.racks.load_scale
        if scale != 1.0 and (trace.quantity == "activity" or _measured(node, trace)):
            rows = [row * scale for row in rows]
        above = sum(float(np.mean(row > 1.0)) for row in rows) / len(rows)
        if above > 0.0:
            notes.append(
                f"{node.name}: asked for more than its rating for {above * span.n * span.step_s / 3600:,.0f} h; "
                "held at the rating"
            )
            rows = [np.minimum(row, 1.0) for row in rows]
        out[node.name] = rows[0] if len(rows) == 1 else np.repeat(np.stack(rows), counts, axis=0)
    return out, list(dict.fromkeys(notes))


def _measured(node: RackNode, trace: Load) -> bool:
    """Whether a trace of power says anything of these racks: what was measured at nodes or chips says nothing of switches."""
    if trace.boundary in ("rack_ac", "site_it", None) or trace.quantity == "activity":
        return True
    return node.racks.liquid is not None if trace.boundary == "cdu_heat" else node.racks.accelerators > 0


def _followed(rows: list[Array], n: int) -> Array:
    means = [row.mean(axis=0) if row.ndim == 2 else row for row in rows]
    return np.asarray(np.mean(means, axis=0)) if means else np.ones(n)


def _rows(plan: Plan, node: RackNode, trace: Load) -> tuple[list[Array], list[int]]:
    """Series of a group and the number of its racks that follow each: its own, those it names, or the mean of all.

    Where every rack has a series of its own number, each follows that; else the racks are shared out in order.
    """
    apart = {other.name for other in plan.racks if other is not node}
    own = [
        name
        for name in trace.series
        if name == node.name or (name.startswith(f"{node.name}.") and name not in apart)
    ]
    named = [name.strip() for name in node.racks.series.split(",") if name.strip() in trace.series]
    names = own or named
    count = node.racks.count
    if not names:
        return [trace.mean], [count]
    numbered = [f"{node.name}.{number}" for number in numbers(plan, node)]
    names = numbered if set(numbered) <= set(names) else names[:count]
    sizes = [count // len(names) + (1 if i < count % len(names) else 0) for i in range(len(names))]
    return [trace.series[name] for name in names], sizes


class Found(NamedTuple):
    """Activity behind one series of measured power, the share of its steps outside what the racks can draw."""

    activity: Array
    below: float
    above: float
    top: float  # W per rack, the highest


def _activity(plan: Plan, node: RackNode, power: Array, racks: int, trace: Load, ambient: Ambient) -> Found:
    params, boundary = node.racks, trace.boundary
    per_rack = {
        "gpu": power * params.accelerators,
        "node_dc": power * params.nodes,
        "node_ac": power * params.nodes,
        "rack_ac": power,
        "cdu_heat": power / racks,
        "site_it": power * params.tdp / plan.design_it,
    }[boundary or "rack_ac"]
    place = "rack_ac" if boundary == "site_it" else boundary
    liquid_in = _nominal(plan, node.loop, ambient) if node.loop is not None else 0.0
    flow = params.liquid.rated_flow if params.liquid is not None else 0.0
    found = rack_model.activity_of(
        per_rack, place or "rack_ac", liquid_in, flow, _nominal(plan, node.room, ambient), params
    )
    high = ~found.valid & (found.activity > 0.5)
    if high.any():
        _judge(node, per_rack, place or "rack_ac")
    low = ~found.valid & ~high
    return Found(
        np.clip(found.activity, 0.0, 1.0), float(low.mean()), float(high.mean()), float(per_rack.max())
    )


def _excursions(node: RackNode, found: list[Found]) -> list[str]:
    notes = []
    below, above = [one.below for one in found], [one.above for one in found]
    if max(below) > 0.0:
        notes.append(
            f"{node.name}: its trace lies below idle power in {100 * np.mean(below):.3g} % of the steps; idle is taken there"
        )
    if max(above) > 0.0:
        notes.append(
            f"{node.name}: its trace lies above what its parts draw in {100 * np.mean(above):.3g} % of the steps "
            f"(up to {max(one.top for one in found) / 1000:.4g} kW per rack); full activity is taken there"
        )
    return notes


def _judge(node: RackNode, power: Array, boundary: str) -> None:
    """A rare excursion above the rating is held there and noted; what is larger or lasts is an error."""
    params = node.racks
    rating = params.tdp
    if boundary == "gpu" and params.accelerator is not None:
        rating = params.accelerators * params.accelerator.tdp
    elif boundary == "cdu_heat" and params.liquid is not None:
        rating = params.liquid.rated_heat
    often = float((power > rating * (1.0 + OVER_RATING)).mean()) > RARE
    if often or float(power.max()) > EXCURSION * rating:
        raise InputError(
            [
                Problem(
                    f"load → {node.name}",
                    f"up to {power.max() / 1000:.4g} kW per rack at boundary {boundary}",
                    f"at most its rating of {rating / 1000:.4g} kW, and {EXCURSION:g} times that in {100 * RARE:g} % of the steps",
                    "check the boundary, the unit, or how many devices a series stands for",
                )
            ]
        )


def _nominal(plan: Plan, volume: str, ambient: Ambient) -> float:
    """Temperature that a loop or room is meant to supply, over the run."""
    base, value = plan.volume(volume).part.supply
    if not base:
        return value
    if base in AMBIENT_BASES:
        return float(np.mean(getattr(ambient, base))) + value
    return _nominal(plan, base, ambient) + value
