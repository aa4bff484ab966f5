"""Simulate a facility over a year, or any span, quasi-steadily: every step is solved for itself, all at once.

Nothing is remembered between steps here; what has memory is the subject of ``transients``.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from twin_models.psychrometrics.psychrometrics import wet_bulb
from twin_models.streams import Ambient, Array, Mask
from twin_sites.errors import InputError, Problem
from twin_sites.loader import change_site, load_site
from twin_sites.money import currency
from twin_sites.schema import DryCoolers, Loop, Site

from twin import __version__
from twin.along import Along, along
from twin.compile import Plan, compile_site
from twin.errors import NotConverged
from twin.grid import UNSTATED, Kind, series_or_constant
from twin.heat import TOLERANCE
from twin.loads.activity import Asked, activities, builtin, row_per_rack
from twin.loads.load import Load
from twin.loads.read import load_trace, loads
from twin.loads.requests import answering, is_request_trace
from twin.members import check_size
from twin.notes import plant_notes, uneven_notes, vapour_notes
from twin.results import Collected, Rates, add, collect, dataset
from twin.stand_in import FEW, Rows, stand_in
from twin.state import Block, Span
from twin.storage.audit import audit
from twin.storage.schedule import Drive, passes, plan_tanks
from twin.trim_respond import request_notes, solve
from twin.unsolved import reason
from twin.variables import PER_RACK
from twin.weather import Weather, load_weather, resample

BLOCK_ELEMENTS = 2_000_000  # rack-steps held at once
BLOCK_STEPS = 8784
# glibc keeps twice the largest block that was ever given back, up to 64 MB, where it would else return the room of every
# run to the system and fetch it again page by page. This block is never touched and given back at once.
np.empty(4_000_000).shape  # noqa: B018
EARLIEST, LATEST = np.datetime64("1900-01-01", "s"), np.datetime64("2200-01-01", "s")
MAX_STEPS = 40_000_000
JOULES_PER_KWH = 3.6e6
GRAMS_PER_KG = 1e3


def simulate(
    site: Site | str | Path | Mapping[str, Any],
    *,
    weather: Weather | str | Path | None = None,
    load: Load | str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
    step_s: float | None = None,
    hours: float | None = None,
    start: str | np.datetime64 | None = None,
    carbon: str | Path | None = None,
    price: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    per_rack: bool = False,
) -> xr.Dataset:
    """Power, temperatures, water and losses of a facility, step by step.

    Parameters
    ----------
    site
        A site, its written form, a file or the name of a reference site.
    weather, load
        What drives it; taken from the site where not given. Names of embedded series, files or objects.
    changes
        What-if: address to value as written in a site file, e.g. ``{"cooling.fws.supply": "95 degF"}``.
    step_s
        Length of a step in seconds; the weather's by default, which is an hour.
    hours
        Length of the run; the whole weather series by default.
    start
        First moment on the weather's clock; the beginning of the weather by default.
    carbon, price
        Files of hourly carbon intensity and energy price that replace the site's constants.
    per_rack
        Keep every step of every single rack (``member_power`` and so on over ``member``, ``time``), up to 1 GB; mean,
        peak and hottest chip of each rack over the run are there without it.
    progress
        Called with the number of steps solved and of all steps: before the first block of steps, and after each. What it
        raises ends the run and goes on to the caller; ``twin.Cancelled`` is meant for that.

    Returns
    -------
    xarray.Dataset
        Variables of ``twin.variables`` over ``time`` and ``rack``, ``member``, ``loop``, ``link`` or ``feeder``; CF-style
        attributes; provenance in ``attrs``.

    Raises
    ------
    InputError
        For bad input: every problem with place, value, what is allowed and what to try.
    RunError
        When the facility cannot be solved.
    Cancelled
        When ``progress`` raised it.
    """
    chosen = change_site(site if isinstance(site, Site) else load_site(site), changes or {})
    air = (
        weather
        if isinstance(weather, Weather)
        else load_weather(weather if weather is not None else chosen.site.weather)
    )
    asked = load if load is not None else chosen.load.trace
    if is_request_trace(asked):
        chosen, asked = answering(chosen, asked, step_s)  # type: ignore[arg-type]  # a path
    trace = asked if isinstance(asked, Load) else _load(asked)
    span = span_of(air, step_s, hours, start)
    plan = compile_site(chosen)
    if per_rack:
        check_size(plan, span.n, len(PER_RACK))
    notes = [
        *_freezing(plan, air),
        *plant_notes(plan, float(np.mean(air.pressure)), span.n * span.step_s / 3600.0),
    ]
    ambient = _ambient(air, span, chosen.site.ambient_offset)
    activity, more = activities(plan, trace, span, ambient, air.utc_offset_h)
    uneven = frozenset(name for volume in plan.volumes if volume.branching for name in volume.branching.rows)
    few = {
        name: along(volume.branching, name)
        for volume in plan.volumes
        for name in (volume.branching.rows if volume.branching is not None else ())
        if volume.branching is not None and len(activity[name].series) == 1
    }
    alike = {name: some for name, some in few.items() if some is not None}
    activity |= {name: row_per_rack(activity[name]) for name in uneven - alike.keys()}
    price_per_j, bought, said = _rate(chosen.economy.energy_price, price, "price", span, air)
    carbon_per_j, _, emitted = _rate(chosen.economy.carbon_intensity, carbon, "carbon", span, air)
    own = currency(chosen)
    money = bought.partition("/")[0] if bought not in ("", UNSTATED) else own
    if chosen.economy.water_price and money != own:
        said = (*said, f"energy is priced in {money}, water in {own}: their costs are not one sum")
    rates = Rates(price_per_j, carbon_per_j, money)
    work = _Work(
        plan, ambient, activity, uneven, alike, span.n, progress or _quiet, (1 + passes(plan)) * span.n
    )
    tanks = None
    if passes(plan):
        tanks = plan_tanks(
            plan, Drive(work.attempt, ambient, span.start, span.step_s, price_per_j, carbon_per_j)
        )
    found = work.solve(tanks.series if tanks is not None else {}, per_rack)
    if tanks is not None:
        notes += audit(plan, tanks, found, span.step_s)
    for i, node in enumerate(plan.racks):
        one = activity[node.name]
        if one.useful is not None and one.free is not None:  # what a floor burns makes no tokens
            found.values["rack_tokens"][i] *= one.useful
            found.values["rack_tokens_asked"][i] *= one.free
    supply = found.values["loop_supply_temperature"]
    floated = vapour_notes(plan, supply, np.asarray(ambient.pressure), span.step_s)
    more = [*more, *floated, *uneven_notes(plan, found.members.flow)]
    more += request_notes(plan, found.values, span.step_s)
    told = (*notes, *more, *said, *emitted, *air.notes)
    return dataset(plan, found, span, air, trace, rates, told, __version__)


class _Work:
    """The steps of a run, block by block, as often as its plan needs them."""

    def __init__(
        self, plan: Plan, ambient: Ambient, activity: Mapping[str, Asked], uneven: frozenset[str],
        alike: Mapping[str, Along], n: int, tell: Callable[[int, int], None], total: int,
    ) -> None:  # fmt: skip
        self.plan, self.ambient, self.activity, self.n = plan, ambient, dict(activity), n
        self.uneven, self.alike = uneven, alike
        self.tell, self.done, self.total = tell, 0, total
        tell(0, total)

    def solve(self, storage: Mapping[str, Array], per_rack: bool = False) -> Collected:
        """The run itself; ``storage`` is what the tank of a loop takes up, W.

        Raises
        ------
        NotConverged
            Where a step has no steady state.
        """
        self.done = self.total - self.n
        return self._each(storage, per_rack, None)

    def attempt(self, storage: Mapping[str, Array]) -> tuple[Collected, Mask]:
        """A pass before the run, and the steps that have no steady state in it."""
        short = np.zeros(self.n, dtype=bool)
        return self._each(storage, False, short), short

    def _each(self, storage: Mapping[str, Array], per_rack: bool, short: Mask | None) -> Collected:
        begin = self.done
        found = self._blocks(storage, per_rack, short)
        if found is None:  # chips that throttle are no straight line in their flow: every rack is worked
            self.activity |= {name: row_per_rack(self.activity[name]) for name in self.alike}
            self.alike, self.done = {}, begin
            found = self._blocks(storage, per_rack, short)
        assert found is not None  # a span has a step at least
        return found

    def _blocks(self, storage: Mapping[str, Array], per_rack: bool, short: Mask | None) -> Collected | None:
        found: Collected | None = None
        size = _block_size(self.activity, self.n)
        for first in range(0, self.n, size):
            where = slice(first, min(first + size, self.n))
            block = _block(self.ambient, self.activity, where, self.uneven, self.alike)
            block = block._replace(storage={name: values[where] for name, values in storage.items()})
            with np.errstate(
                over="ignore", invalid="ignore", divide="ignore"
            ):  # a runaway is judged by its residual
                state = solve(self.plan, block)
            if any(state.each[name].throttled[few.few].any() for name, few in self.alike.items()):
                return None
            missed = ~(
                (state.residual <= TOLERANCE * 100) & np.isfinite(state.meter)
            )  # not a number is missed too
            if short is not None:
                short[where] = missed
            elif missed.any():
                worst = int(np.argmax(np.where(np.isnan(state.residual), np.inf, state.residual)))
                raise NotConverged(
                    f"{self.plan.site.name}: {int(missed.sum())} of {self.n} steps have no steady state; "
                    f"in step {first + worst} {reason(self.plan, state, worst)}"
                )
            found = add(found, collect(self.plan, block, state, per_rack), where, self.n)
            self.done += where.stop - where.start
            self.tell(self.done, self.total)
        return found


def _quiet(done: int, total: int) -> None:
    """Progress that nobody watches."""


def _load(source: str | Path) -> Load:
    return builtin(source) if isinstance(source, str) and source in loads() else load_trace(source)


def span_of(
    air: Weather, step_s: float | None, hours: float | None, start: str | np.datetime64 | None
) -> Span:
    """First moment, number of steps and step (s) of a run; what is ``None`` is the weather's own.

    Raises
    ------
    InputError
        For a step outside 0.1 s to 24 h, no step or more than `MAX_STEPS`, or a start that is no moment.
    """
    step = air.step_s if step_s is None else float(step_s)
    if not 0.1 <= step <= 86400.0:
        raise InputError([Problem("step", f"{step:g} s", "0.1 s to 24 h")])
    begin = air.start if start is None else _moment(start)
    length = air.n * air.step_s if hours is None else float(hours) * 3600.0
    n = round(length / step) if abs(length) < 1e12 else 0  # "not a number" too
    if not 1 <= n <= MAX_STEPS:
        raise InputError(
            [
                Problem(
                    "hours",
                    f"{n:,} steps of {step:g} s",
                    f"1 to {MAX_STEPS:,} steps",
                    "a longer step or a shorter run",
                )
            ]
        )
    return Span(begin, n, step)


def _moment(text: str | np.datetime64) -> np.datetime64:
    try:
        moment = np.datetime64(text).astype("datetime64[s]")
    except ValueError:
        moment = np.datetime64("NaT", "s")
    if not EARLIEST <= moment <= LATEST:
        allowed = f"a moment such as 2024-07-01T00:00, {EARLIEST} to {LATEST}"
        raise InputError([Problem("start", f"'{text}'", allowed, "write year-month-day, 'T' and the hour")])
    return moment  # type: ignore[no-any-return]


@lru_cache(maxsize=16)
def _ambient_cached(air: Weather, span: Span, offset: float) -> Ambient:
    same = span.step_s == air.step_s and span.n == air.n and span.start == air.start
    window = air if same else resample(air, span.step_s, start=span.start, n=span.n)
    dry = window.dry_bulb + offset
    wet = (
        window.wet_bulb
        if offset == 0.0
        else np.asarray(wet_bulb(dry, window.humidity_ratio, window.pressure))
    )
    return Ambient(dry, np.minimum(wet, dry), window.humidity_ratio, window.pressure)


def _ambient(air: Weather, span: Span, offset: float) -> Ambient:
    """Air at the plant: warmer than the weather by the offset at the same moisture."""
    return _ambient_cached(air, span, offset)


def _block_size(activity: Mapping[str, Asked], n: int) -> int:
    rows = sum(len(asked.series) for asked in activity.values())
    return max(256, min(BLOCK_STEPS, BLOCK_ELEMENTS // rows, n))


def _block(
    ambient: Ambient,
    activity: Mapping[str, Asked],
    where: slice,
    uneven: frozenset[str],
    alike: Mapping[str, Along],
) -> Block:
    """What drives some steps; of a group of many different racks, a few that stand in for them: by activity, or where racks
    are alike but for their flow by that."""
    rows = {name: asked.at(where) for name, asked in activity.items()}
    rows |= {name: np.tile(rows[name], (few.weight.size, 1)) for name, few in alike.items()}
    several = {
        name: Rows(rows[name], alike[name].weight if name in alike else asked.counts)
        for name, asked in activity.items()
        if rows[name].ndim == 2
    }
    many = {name: one for name, one in several.items() if one.counts.size > FEW and name not in uneven}
    few = {name: stand_in(*one) for name, one in many.items()}
    return Block(
        Ambient(*(np.asarray(values)[where] for values in ambient)),
        rows | {name: one.activity for name, one in few.items()},
        {name: one.counts[:, None] for name, one in several.items()}
        | {name: one.weight for name, one in few.items()},
        many,
        {name: activity[name].row_of for name in several},
        alike,
    )


def _rate(
    constant: float, source: str | Path | None, kind: Kind, span: Span, air: Weather
) -> tuple[Array, str, tuple[str, ...]]:
    """Price or carbon (kg) per J of every step, the unit of its record, and notes: the site's constant has neither."""
    if source is None:
        return np.full(span.n, constant), "", ()
    found = series_or_constant(
        source, kind, n=span.n, step_s=span.step_s, start=span.start, utc_offset_h=air.utc_offset_h
    )
    scale = JOULES_PER_KWH * (GRAMS_PER_KG if kind == "carbon" else 1.0)
    return found.values / scale, found.unit, found.notes


def _freezing(plan: Plan, air: Weather) -> list[str]:
    """Loops that pass through outdoor machines must not freeze in the coldest hour."""
    coldest = float(air.dry_bulb.min()) + plan.site.site.ambient_offset
    problems = []
    for volume in plan.volumes:
        outdoors = any(isinstance(node.link, DryCoolers) for stage in volume.stages for node in stage)
        if outdoors and volume.fluid is not None and isinstance(volume.part, Loop):
            freezes = volume.fluid.freezing_point
            if freezes > coldest:
                problems.append(
                    f"{volume.address}: {volume.part.fluid} {100 * volume.part.concentration:.0f} % freezes at {freezes:.1f} °C; "
                    f"the coldest hour is {coldest:.1f} °C (drain-back or heat tracing is not modelled)"
                )
    return problems
