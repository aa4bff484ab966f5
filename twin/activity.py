"""What each rack group is asked to do: a load mapped to groups, measured power turned back into activity.

Measured power already contains leakage, fans and losses; it is inverted at the temperatures that the site is designed
for, so that the solve adds only the deviation from them.
"""


from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from twin.compile import Plan, RackNode
from twin.load import Load, load_trace, resample, tile
from twin_models.rack import rack as rack_model
from twin_models.streams import Ambient, Array
from twin_sites.errors import InputError, Problem
from twin_sites.schema import AMBIENT_BASES

if TYPE_CHECKING:
    from twin.annual import Span

OVER_RATING = 0.02  # measured power this far above rating is rounding and transients; more is an error


@lru_cache(maxsize=16)
def builtin(name: str) -> Load:
    """A generated load by name, made once."""
    return load_trace(name)


@lru_cache(maxsize=8)
def _on_span(load: Load, span: "Span", utc_offset_h: float) -> Load:
    stepped = load if load.step_s == span.step_s else resample(load, span.step_s)
    if stepped.n == span.n and stepped.start == span.start and load.utc_offset_h is None:
        return stepped
    return tile(stepped, span.n, span.start, utc_offset_h if load.utc_offset_h is not None else None)


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
            [Problem("load", "measured power without a boundary", "gpu, node_dc, node_ac, rack_ac, cdu_heat or site_it", "--boundary rack_ac")]
        )
    out: dict[str, Array] = {}
    for node in plan.racks:
        rows, counts = _rows(node, trace)
        if trace.quantity == "power":
            rows = [_activity(plan, node, row, racks, trace, ambient, notes) for row, racks in zip(rows, counts, strict=True)]
        scale = plan.site.load.scale * node.racks.load_scale
        if scale != 1.0:
            rows = [row * scale for row in rows]
        above = sum(float(np.mean(row > 1.0)) for row in rows) / len(rows)
        if above > 0.0:
            notes.append(f"{node.name}: asked for more than its rating for {above * span.n * span.step_s / 3600:,.0f} h; held at the rating")
            rows = [np.minimum(row, 1.0) for row in rows]
        out[node.name] = rows[0] if len(rows) == 1 else np.repeat(np.stack(rows), counts, axis=0)
    return out, list(dict.fromkeys(notes))


def _rows(node: RackNode, trace: Load) -> tuple[list[Array], list[int]]:
    """Series of a group and the number of its racks that follow each: its own, those it names, or the mean of all."""
    own = [name for name in trace.series if name == node.name or name.startswith(f"{node.name}.")]
    named = [name.strip() for name in node.racks.series.split(",") if name.strip() in trace.series]
    names = own or named
    count = node.racks.count
    if not names:
        return [trace.mean], [count]
    names = names[:count]
    sizes = [count // len(names) + (1 if i < count % len(names) else 0) for i in range(len(names))]
    return [trace.series[name] for name in names], sizes


def _activity(plan: Plan, node: RackNode, power: Array, racks: int, trace: Load, ambient: Ambient, notes: list[str]) -> Array:
    params, boundary = node.racks, trace.boundary
    per_rack = {
        "gpu": power * params.accelerators,
        "node_dc": power * params.nodes,
        "node_ac": power * params.nodes,
        "rack_ac": power,
        "cdu_heat": power / racks,
        "site_it": power * params.tdp / plan.design_it,
    }[boundary or "rack_ac"]
    if (boundary == "gpu" and params.accelerators == 0) or (boundary == "cdu_heat" and params.liquid is None):
        notes.append(f"{node.name}: has no {'accelerator' if boundary == 'gpu' else 'liquid side'}; follows the mean of the trace")
        top = float(power.max())
        return power / top if top > 0.0 else power
    place = "rack_ac" if boundary == "site_it" else boundary
    liquid_in = _nominal(plan, node.loop, ambient) if node.loop is not None else 0.0
    flow = params.liquid.rated_flow if params.liquid is not None else 0.0
    found = rack_model.activity_of(per_rack, place or "rack_ac", liquid_in, flow, _nominal(plan, node.room, ambient), params)
    bad = ~found.valid
    if bad.any():
        _judge(plan, node, per_rack, bad, found.activity, notes)
    return np.clip(found.activity, 0.0, 1.0)


def _judge(plan: Plan, node: RackNode, power: Array, bad: Array, activity: Array, notes: list[str]) -> None:
    """Power outside what the rack can draw: below idle is held and noted, above the rating is an error."""
    low = bad & (activity <= 0.5)
    high = bad & (activity > 0.5)
    if high.any() and float(power[high].max()) > node.racks.tdp * (1.0 + OVER_RATING):
        raise InputError(
            [
                Problem(
                    f"load → {node.name}",
                    f"up to {power[high].max() / 1000:.4g} kW per rack",
                    f"at most its rating of {node.racks.tdp / 1000:.4g} kW",
                    "check the boundary, the unit, or how many devices a series stands for",
                )
            ]
        )
    if low.any():
        notes.append(f"{node.name}: the trace lies below idle power in {100 * low.mean():.2g} % of its steps; idle is taken there")
    if high.any():
        notes.append(f"{node.name}: the trace lies slightly above what its parts draw in {100 * high.mean():.2g} % of its steps; full activity is taken")


def _nominal(plan: Plan, volume: str, ambient: Ambient) -> float:
    """Temperature that a loop or room is meant to supply, over the run."""
    base, value = plan.volume(volume).part.supply
    if not base:
        return value
    if base in AMBIENT_BASES:
        return float(np.mean(getattr(ambient, base))) + value
    return _nominal(plan, base, ambient) + value



