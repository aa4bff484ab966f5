"""What each rack group is asked to do: a load mapped to groups, measured power turned back into activity.

Measured power already contains leakage, fans and losses; it is inverted at the temperatures that the site is designed
for, so that the solve adds only the deviation from them.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.rack import rack as rack_model
from twin_models.streams import Ambient, Array
from twin_models.work import work as work_model
from twin_sites.declared import base_of
from twin_sites.errors import InputError, Problem
from twin_sites.schema import AMBIENT_BASES

from twin.compile import Plan, RackNode
from twin.files import split_unit
from twin.loads.fit import resample, steps_of, tile
from twin.loads.load import Load
from twin.loads.read import load_trace
from twin.loads.smoothing import steadied
from twin.loads.traces.spread import spread
from twin.members import numbers
from twin.state import Span

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


@lru_cache(maxsize=2)
def _resampled(load: Load, step_s: float) -> Load:
    """The load on the run's step; one that is shorter than a day is first repeated to a day, so that steps are whole."""
    if load.n * load.step_s < DAY_S:
        load = tile(load, math.ceil(DAY_S / load.step_s), None, None)
    return resample(load, step_s)


TURNED = 32  # series turned together: a line of memory is then written whole


class Asked(NamedTuple):
    """What the racks of a group are asked to do: series on the load's own steps, put together for steps of the run."""

    series: tuple[Array, ...]
    row_of: NDArray[np.intp]  # series that each rack follows
    steps: NDArray[np.int64]  # step of the series for each step of the run
    scale: float
    work: work_model.Work | None = None  # whose network stalls it
    useful: Array | None = None  # with power smoothing: share of the tokens of each step that is worked for
    free: Array | None = None  # and tokens asked for over those of the smoothed activity

    def drawn(self, rows: Array) -> Array:
        """Activity of these rows: scaled but for what is switched off, at most 1, with the stalls of the network."""
        rows = np.minimum(rows if self.scale == 1.0 else np.where(rows > 0.0, rows * self.scale, rows), 1.0)
        return rows if self.work is None else work_model.stalled(rows, self.work)

    @property
    def counts(self) -> Array:
        """Racks that follow each series."""
        return np.bincount(self.row_of, minlength=len(self.series)).astype(float)

    def at(self, where: slice) -> Array:
        """Activity at some steps of the run, shape (n,) where racks are alike and (series, n) where not."""
        own = self._own(where)
        rows = self.drawn(np.stack([row[own] for row in self.series]))
        return rows[0] if len(rows) == 1 else rows

    def across(self, where: slice) -> Array:
        """The same with shape (n, series): what all racks do at one step lies side by side."""
        own = self._own(where)
        found = np.empty((self.steps[where].size, len(self.series)))
        for i in range(0, len(self.series), TURNED):
            rows = self.drawn(np.stack([row[own] for row in self.series[i : i + TURNED]]))
            found[:, i : i + TURNED] = rows.T
        return found

    def _own(self, where: slice) -> Any:
        """Steps of the series: in one piece, without gathering, where they follow each other."""
        own = self.steps[where]
        return slice(int(own[0]), int(own[-1]) + 1) if own[-1] - own[0] == own.size - 1 else own

    def mean(self) -> Array:
        """Mean of the group's racks, on the load's own steps."""
        share = self.counts / self.counts.sum()
        return np.asarray(sum(self.drawn(row) * part for row, part in zip(self.series, share, strict=True)))


def row_per_rack(asked: Asked) -> Asked:
    """Racks along headers get unlike flows: each has a row of its own, even where their activity is alike."""
    series = tuple(asked.series[row] for row in asked.row_of.tolist())
    return asked._replace(series=series, row_of=np.arange(len(series)))


def activities(
    plan: Plan, load: Load, span: Span, ambient: Ambient, utc_offset_h: float
) -> tuple[dict[str, Asked], list[str]]:
    """Activity of every rack group; and notes.

    Raises
    ------
    InputError
        For power above what the racks can draw, or a trace whose boundary is not known or measures no rack of the site.
    """
    finer = load.step_s / span.step_s
    whole = finer >= 1.5 and abs(finer - round(finer)) < 1e-9 and load.n * load.step_s >= DAY_S
    trace = load if whole or load.step_s == span.step_s else _resampled(load, span.step_s)
    clock = utc_offset_h if load.utc_offset_h is not None else None
    index, _, repeats = steps_of(trace, span.n, span.start, clock, round(finer) if whole else 1)
    notes = [*trace.report.notes, *repeats] if trace.source.startswith("file") else []
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
    picked = {node.name: _picked(plan, node, trace) for node in plan.racks}
    told = any(picked.values()) and trace.boundary != "site_it"
    follow = {
        node.name: trace.quantity == "power"
        and (not _measured(node, trace) or (told and not picked[node.name]))
        for node in plan.racks
    }
    if all(follow.values()):
        raise InputError(
            [
                Problem(
                    f"load → boundary {trace.boundary}",
                    "a site without racks that are measured there",
                    "racks with accelerators, or with liquid for cdu_heat",
                    "--boundary rack_ac or site_it",
                )
            ]
        )
    out: dict[str, Asked] = {}
    for node in sorted(plan.racks, key=lambda node: follow[node.name]):  # those that follow come last
        names = picked[node.name] or [""] * node.racks.count
        different = list(dict.fromkeys(names))
        row_of = np.array([different.index(name) for name in names])
        rows = [trace.series[name] if name else trace.mean for name in different]
        per_rack = _devices_per_rack(node, trace)
        if plan.site.load.spread != "mean" and per_rack and not (picked[node.name] or follow[node.name]):
            rows, row_of = list(_spread(plan, node, trace, per_rack, notes)), np.arange(node.racks.count)
        steps, scale = index, plan.site.load.scale * node.racks.load_scale
        if follow[node.name]:
            asked = list(out.values())
            rows, steps, scale = [np.mean([one.mean() for one in asked], axis=0)], asked[0].steps, 1.0
            row_of = np.zeros(node.racks.count, dtype=np.intp)
            why = (
                "no series is named for it"
                if _measured(node, trace)
                else "the trace does not measure such racks"
            )
            notes.append(f"{node.name}: {why}; it follows the mean activity of the others")
        elif trace.quantity == "power":
            if span.n <= trace.n:  # what the run does not use need not be turned back
                rows, steps = [row[index] for row in rows], np.arange(span.n)
            counts = np.bincount(row_of)
            found = [
                _activity(plan, node, row, int(count), trace, ambient, steps)
                for row, count in zip(rows, counts, strict=True)
            ]
            rows = [one.activity for one in found]
            notes += _excursions(node, found)
        above = [
            float(np.mean(row[steps] * scale > 1.0)) if float(row.max()) * scale > 1.0 else 0.0
            for row in rows
        ]
        if max(above) > 0.0:
            notes.append(
                f"{node.name}: asked for more than its rating for {np.mean(above) * span.n * span.step_s / 3600:,.0f} h; "
                "held at the rating"
            )
        work = node.racks.work if node.racks.work is not None and node.racks.work.stretch > 1.0 else None
        if work is not None:
            notes.append(
                f"{node.name}: the network is degraded by {100 * work.network_loss:g} %; training takes "
                f"{100 * (work.stretch - 1.0):.3g} % longer, and accelerators wait for that time."
            )
        out[node.name] = Asked(tuple(rows), row_of, steps, scale, work)
    for node in plan.racks:
        one = out[node.name]
        if node.racks.accelerator is not None and node.racks.accelerator.smoothing is not None:
            every = np.atleast_2d(one.at(slice(0, span.n)))
            calm = steadied(node.name, node.racks, every, one.counts, span.step_s)
            assert calm is not None
            out[node.name] = Asked(
                tuple(calm.activity),
                one.row_of,
                np.arange(span.n),
                1.0,
                useful=calm.useful,
                free=calm.asked,
            )
            notes.append(calm.note)
    return out, list(dict.fromkeys(notes))


def _measured(node: RackNode, trace: Load) -> bool:
    """Whether a trace of power can say anything of these racks: what was measured at nodes or chips says nothing of switches."""
    if trace.boundary in ("rack_ac", "site_it", None) or trace.quantity == "activity":
        return True
    return node.racks.liquid is not None if trace.boundary == "cdu_heat" else node.racks.accelerators > 0


def _picked(plan: Plan, node: RackNode, trace: Load) -> list[str]:
    """Series that each rack of a group follows: its own or those that its group names; none where there are none.

    Where every rack has a series of its own number, each follows that; else the racks are shared out in order. A rack
    split off its group goes on following what it followed there. Units in headers (``compute [kW]``) are no part of names.
    """
    base = base_of(node.name)
    known = {split_unit(name)[0].strip(): name for name in trace.series}
    own = [name for bare, name in known.items() if bare == base or bare.startswith(f"{base}.")]
    names = own or [name.strip() for name in node.racks.series.split(",") if name.strip() in trace.series]
    if not names:
        return []
    mine, total = numbers(plan, node), _total(plan, base)
    if all(f"{base}.{number}" in known for number in mine):
        return [known[f"{base}.{number}"] for number in mine]
    names = names[:total]
    owner = [
        name
        for i, name in enumerate(names)
        for _ in range(total // len(names) + (1 if i < total % len(names) else 0))
    ]
    return [owner[number - 1] for number in mine]


def _total(plan: Plan, base: str) -> int:
    """Racks of a group, those split off it included."""
    return max(
        number for other in plan.racks if base_of(other.name) == base for number in numbers(plan, other)
    )


def _devices_per_rack(node: RackNode, trace: Load) -> int:
    """How many series of the trace a rack holds; 0 where a series is more than a rack."""
    devices = {"gpu": node.racks.accelerators, "node_dc": node.racks.nodes, "node_ac": node.racks.nodes}
    whole = devices.get(trace.boundary or "", 0 if trace.boundary in ("cdu_heat", "site_it") else 1)
    return max(round(whole / max(trace.devices.values())), 1) if whole else 0


def _spread(plan: Plan, node: RackNode, trace: Load, per_rack: int, notes: list[str]) -> Array:
    """Racks of a group from copies of the trace, which go on where the group before it ended."""
    choice, base = plan.site.load, base_of(node.name)
    first = 0
    devices = {base_of(rack.name): _devices_per_rack(rack, trace) for rack in plan.racks}
    for other, count in devices.items():
        if other == base:
            break
        first += _total(plan, other) * count
    total, moved = _total(plan, base), choice.spread == "jobs"
    copies = -(-total * per_rack // len(trace.series))
    notes.append(
        f"{base}: {total} racks of {per_rack} take the {len(trace.series)} series of the trace in {copies} copies, "
        + (f"each moved by up to {choice.lag:g} s" if moved else "all in step")
    )
    rows = spread(
        list(trace.series.values()),
        total,
        per_rack,
        first,
        lag_steps=choice.lag / trace.step_s if moved else 0.0,
        seed=choice.seed,
    )
    return np.asarray(rows[np.array(numbers(plan, node)) - 1])


class Found(NamedTuple):
    """Activity behind one series of measured power, the share of its steps outside what the racks can draw."""

    activity: Array
    below: float
    above: float
    top: float  # W per rack, the highest


def _activity(
    plan: Plan,
    node: RackNode,
    power: Array,
    racks: int,
    trace: Load,
    ambient: Ambient,
    steps: NDArray[np.int64],
) -> Found:
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
        _judge(node, per_rack[steps], place or "rack_ac")
    low = ~found.valid & ~high
    return Found(
        np.clip(found.activity, 0.0, 1.0),
        float(low[steps].mean()) if low.any() else 0.0,
        float(high[steps].mean()) if high.any() else 0.0,
        float(per_rack.max()),
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
