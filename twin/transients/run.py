"""A facility over seconds to hours, with events: how long until the chips throttle, and until they stop.

It starts at rest on the year's answer for its first moment and goes on with the same equations of every machine; masses,
controllers and events are its own. ``docs/explanation/transients.md`` has the equations.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from twin_models.streams import Ambient, Array
from twin_sites.errors import InputError, Problem
from twin_sites.loader import change_site, load_site
from twin_sites.schema import Site

from twin import __version__
from twin.annual import _load, _moment
from twin.compile import Plan, compile_site
from twin.errors import RunError
from twin.loads.load import Load
from twin.state import Block
from twin.transients import protection
from twin.transients.chips import FLOW_TIME, NEAR_K
from twin.transients.drivers import Air, Demand, air_of
from twin.transients.events import Event, read_events, split_off
from twin.transients.fused import equipment
from twin.transients.recorder import Crossing, Recorder
from twin.transients.results import Run, transient_dataset
from twin.transients.scenarios import LONGEST_RUN, load_of, scenario
from twin.transients.standing import answer, stand
from twin.transients.stepping import Stepper, Taken
from twin.transients.timeline import Timeline
from twin.weather import Weather, design_day, load_weather

CELLS = 4  # of each supply and return pipe
SHORTEST, LONGEST = 0.02, 300.0  # s, steps that control of the error may choose
ERROR_K = (
    0.05  # difference of first and second order that a step may have; the second-order error is far below
)
LADDER = 1.25  # between two lengths of a step
STRAYED = 6.0  # trust regions that a machine's inputs may move in one step
GRID_POINTS = 7200  # of the result, unless another step is asked for
USUAL_RUN = 1800.0  # s
OVERSHOOT_K = 0.5  # by which a shutdown limit may be passed in one step


def transient(
    site: Site | str | Path | Mapping[str, Any],
    *,
    events: Sequence[str] | str | Path = (),
    until: float | None = None,
    load: Load | str | Path | float | None = None,
    weather: Weather | str | Path | None = None,
    start: str | np.datetime64 | None = None,
    changes: Mapping[str, Any] | None = None,
    step_s: float | None = None,
    output_s: float | None = None,
    cells: int = CELLS,
    out: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Temperatures, flows, power and what gives way, after events.

    Parameters
    ----------
    site, changes
        As for `simulate`.
    events
        Lines such as ``t=60s trip cooling.tcs.cdu.1.pump``, or the name of a scenario or its file. `twin.transients.events` has
        the words.
    until
        Length in s; by default that of the scenario, or 1,800.
    load
        A share of full load that is held, or a load as for `simulate`; by default that of the scenario, or 1.
    weather, start
        Weather and first moment. By default the constant 0.4 % design condition of the site's weather.
    step_s
        A fixed step in s; by default the error of every step chooses the next.
    output_s
        Step of the result in s; 1 s by default, more where that would be over 7,200 moments.
    cells
        Cells into which each supply and return pipe is cut.
    out
        A folder ``.zarr`` into which every moment of ``output_s`` goes as the run proceeds, readable meanwhile and after an end
        (`twin.transients.streaming.read`); the Dataset then holds at most 7,200 of them, so that memory does not grow.
    progress
        Called with the seconds done and all seconds; what it raises ends the run.

    Returns
    -------
    xarray.Dataset
        The variables of `simulate`. ``rack_throttle_s`` and ``rack_stop_s`` over ``rack`` are the first moments at which
        a group met these limits, NaN for never; extremes, steps and closure in ``attrs``.

    Raises
    ------
    InputError
        For bad input, events included.
    RunError
        Where there is no steady state to start from, or a step fails.
    """
    if out is not None:
        try:
            from twin.transients.streaming import check
        except ModuleNotFoundError as error:
            remedy = "pip install 'facility-twin[study]', or a file .nc"
            raise InputError([Problem(f"--out {out}", "Zarr is not installed", "with it", remedy)]) from error
        check(Path(out))
    chosen = change_site(site if isinstance(site, Site) else load_site(site), changes or {})
    if isinstance(events, str | Path):
        told = scenario(events)
        events = told.events
        until = told.until if until is None else until
        load = told.load if load is None else load
    if isinstance(load, str):
        load = load_of(load, "load")
    until = USUAL_RUN if until is None else until
    if not 1.0 <= until <= LONGEST_RUN:
        raise InputError([Problem("until", f"{until:g} s", "1 s to 20 years", "30 min")])
    for where, seconds, longest in (("step_s", step_s, LONGEST_RUN), ("output_s", output_s, until)):
        if seconds is not None and not 0.01 <= seconds <= longest:
            raise InputError(
                [Problem(where, f"{seconds:g} s", f"0.01 s to {longest:g} s", "1 s, or leave it out")]
            )
    plan = compile_site(chosen)
    listed = read_events(events, plan)
    _refuse_late(listed, until)
    apart, listed = split_off(listed, plan)
    if apart:
        chosen = change_site(chosen, apart)
        plan = compile_site(chosen)
    found = (
        weather
        if isinstance(weather, Weather)
        else load_weather(weather if weather is not None else chosen.site.weather)
    )
    if weather is None and start is None:
        found = design_day(found, "0.4%", shape="constant")
    begin = found.start if start is None else _moment(start)
    trace: Load | float = 1.0
    if isinstance(load, float | int):
        trace = _share(float(load))
    elif load is not None:
        trace = load if isinstance(load, Load) else _load(load)
    air = air_of(found, chosen, begin, until)
    demand = Demand(plan, trace, found, begin, until, air.values[0])
    step = output_s if output_s is not None else 1.0 if out else max(1.0, np.ceil(until / GRID_POINTS))
    recorder = Recorder(step, until, crossings={node.name: Crossing() for node in plan.racks})
    if out is not None:
        from twin.transients.streaming import Stream

        about = {
            "site": chosen.name, "start": str(begin), "step_s": step, "until_s": until, "version": __version__,
            "events": [event.text for event in listed],
        }  # fmt: skip
        recorder = Recorder(
            step, until, max(int(np.ceil(until / step / GRID_POINTS)), 1), Stream(Path(out), about),
            crossings=recorder.crossings,
        )  # fmt: skip
    try:
        run = _run(
            plan, air, demand, listed, until, step_s, recorder, cells, progress or (lambda done, whole: None)
        )
    finally:
        if recorder.stream is not None:  # what was played stays, also where it was ended
            recorder.stream.flush()
    return transient_dataset(run, found, trace, begin, listed, demand.notes, __version__)


def _refuse_late(events: list[Event], until: float) -> None:
    """An event after the end would never happen, and nobody would notice."""
    late = [event for event in events if event.at >= until]
    if late:
        last = max(event.at for event in late)
        raise InputError(
            [
                Problem(
                    f"event '{event.text}'",
                    f"{event.at:g} s, not before the end of the run",
                    f"0 to less than {until:g} s",
                    f"a longer run: --until '{last + 1800.0:g} s'",
                )
                for event in late
            ]
        )


def _share(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise InputError([Problem("load", f"{value:g}", "0 to 1 of full load, or a load", "--load 80%")])
    return value


def _run(
    plan: Plan,
    air: Air,
    demand: Demand,
    events: list[Event],
    until: float,
    fixed: float | None,
    recorder: Recorder,
    cells: int,
    progress: Callable[[int, int], None],
) -> Run:
    stepper, timeline = begin(plan, air.at(0.0), demand, events, cells)
    for rows in stepper.rows:
        rows.fused = equipment(rows.node.racks, rows.weight.size, until)
    worst, steps, rejected = 0.0, 0, 0
    step = fixed if fixed is not None else 0.5
    drive = Drive(stepper, timeline, air, demand)
    while stepper.now < until - 1e-9:
        jumped = drive.change()
        if jumped and fixed is None:
            step = min(step, 0.25)
        ahead = min(drive.next(), until) - stepper.now
        h = min(step, ahead)
        if ahead - h < 0.2 * h:
            h = ahead if ahead < 1.5 * h else 0.5 * ahead
        before, balance = stepper.stored(), stepper.ledger()
        spans = drive.ask(h, recorder, across=fixed is None)
        if fixed is None:
            slow = (
                demand.next(stepper.now) >= stepper.now + 0.5 * FLOW_TIME
            )  # valves average what swings faster
            bears = stepper.flows.patience(stepper.now, stepper.y.tolist() if slow else None)
            if bears < spans.sum():
                spans = drive.ask(max(_rung(bears), SHORTEST), recorder, across=True)
        stepper.prepare(float(spans.sum()))
        if fixed is None and (meets := max(stepper.until_limit(), SHORTEST)) < spans.sum():
            spans = drive.ask(meets, recorder, across=False)
            stepper.prepare(float(spans.sum()))
        taken = stepper.attempt(float(spans.sum()), spans)
        while fixed is None and spans.sum() > SHORTEST and _fails(stepper, taken):
            rejected += 1
            blind = drive.across and not taken.paths  # a limit binds: load by load
            h = float(spans.sum()) if blind else max(0.5 * float(spans.sum()), SHORTEST)
            spans = drive.ask(h, recorder, across=drive.across and not blind)
            stepper.prepare(float(spans.sum()))
            taken = stepper.attempt(float(spans.sum()), spans)
        h = float(spans.sum())
        recorder.keep(stepper, taken, spans)
        if not np.isfinite(taken.y).all():
            raise RunError(f"{plan.site.name}: a step of {h:g} s failed at {stepper.now:.1f} s")
        stepper.accept(taken, h)
        steps += 1
        meter, given = stepper.ledger() - balance
        worst = max(
            worst,
            abs(meter - given - (stepper.stored() - before)) / max(abs(meter), 1e-2 * plan.design_it * h),
        )
        drive.after(recorder, h)
        if fixed is None:
            grow = 0.8 * (ERROR_K / max(taken.error, 1e-9)) ** 0.5
            # twice as long on the ladder at most, so that steps of one change of load come to span two
            step = _rung(min(max(h * min(max(grow, 0.3), 2.0 * LADDER), SHORTEST), LONGEST))
        if steps % 16 == 0:
            progress(int(stepper.now), int(until))
    spans = drive.ask(recorder.step, recorder, across=False)
    stepper.prepare(float(spans.sum()))
    recorder.close(stepper, stepper.attempt(float(spans.sum()), spans))
    progress(int(until), int(until))
    y, plant = stepper.y, stepper.plant
    return Run(
        plan, recorder, steps, rejected, worst, float(y[plant.meter]), timeline.supply.battery, float(y[plant.battery]),
        timeline.supply.generated, timeline.log,
    )  # fmt: skip


def begin(
    plan: Plan, ambient: Ambient, demand: Demand, events: list[Event], cells: int = CELLS
) -> tuple[Stepper, Timeline]:
    """Everything at rest at the first moment, and what will happen."""
    asked = demand.at(0.0)
    alike = {name: values.size == 1 for name, values in asked.items()}
    block = Block(
        Ambient(*(np.array([float(part)]) for part in ambient)),
        {name: values if alike[name] else values[:, None] for name, values in asked.items()},
        {name: demand.weight[name][:, None] for name in asked if not alike[name]},
    )
    rows = {name: (values, demand.weight[name], demand.row_of[name]) for name, values in asked.items()}
    stepper = stand(plan, block, answer(plan, block), rows, cells)
    return stepper, Timeline(events, stepper)


def _rung(step: float) -> float:
    """The next shorter step of a ladder, so that few matrices have to be inverted."""
    return float(SHORTEST * LADDER ** np.floor(np.log(step / SHORTEST) / np.log(LADDER) + 1e-9))


def _fails(stepper: Stepper, taken: Taken) -> bool:
    """Whether a step has to be tried again, shorter: error, a machine out of its tangent, a limit passed."""
    if taken.error > ERROR_K or stepper.strayed(taken, STRAYED) or protection.passes(stepper, taken.y):
        return True
    for g, (rows, chip) in enumerate(zip(stepper.rows, taken.chips, strict=True)):
        model = rows.node.racks.accelerator
        if model is None:
            continue
        if np.any((chip > model.stop + OVERSHOOT_K) & ~rows.stopped):
            return True
        if rows.course is not None and (
            not taken.paths or taken.paths[g].chips.max() >= model.throttle - NEAR_K
        ):
            return True
    return False


class Drive:
    """Feeds weather, load and events to a stepper, and reads limits off it."""

    def __init__(self, stepper: Stepper, timeline: Timeline, air: Air, demand: Demand) -> None:
        self.stepper, self.timeline, self.air, self.demand = stepper, timeline, air, demand
        self._air_at = -1
        self.across = False  # whether the load changes within the step asked for last

    def change(self) -> bool:
        """What changes at the moment of now; whether anything did."""
        stepper, now = self.stepper, self.stepper.now
        changed = False
        index = int(np.searchsorted(self.air.moments, now + 1e-9, side="right")) - 1
        if index != self._air_at:
            if self._air_at >= 0 and self.air.values[index] != self.air.values[self._air_at]:
                stepper.plant.breathe(self.timeline.weather(self.air.values[index]))
                changed = True
            self._air_at = index
        changed = self.timeline.apply(now) or changed
        if changed:
            stepper.forget()
        return changed

    def ask(self, step: float, recorder: Recorder, across: bool) -> Array:
        """Give every group its load over a step from now, or up to a change of load in it; its spans.

        ``across`` lets the step go across changes of load, to end at one.
        """
        now = self.stepper.now
        end, first = now + step, self.demand.next(now)
        self.across = across and end > first + self.demand.step - 1e-9
        if self.across:
            end = first + int((end - first + 1e-9) / self.demand.step) * self.demand.step
        else:
            hair = min(SHORTEST, 0.1 * step)  # nothing too short for a step is left
            end = first if end > first - hair else end
        spans = recorder.spans(now, end - now)
        moments = np.array([now])
        if self.across:
            moments = np.arange(round((end - first) / self.demand.step)) * self.demand.step + first
            edges = np.unique(np.concatenate([now + np.cumsum(spans)[:-1], moments]).round(9))
            moments = np.concatenate([[now], edges])
            spans = np.diff(np.concatenate([moments, [end]]))
        self.timeline.ask(self.demand.over(moments), spans)
        return spans

    def next(self) -> float:
        """Moment of the next change but for the load."""
        later = self.air.moments[self._air_at + 1] if self._air_at + 1 < self.air.moments.size else np.inf
        return min(float(later), self.timeline.next())

    def after(self, recorder: Recorder, step: float) -> None:
        """Limits met in the step that has been taken."""
        stepper = self.stepper
        self.timeline.after(step)
        protection.guard(self.timeline, recorder.crossings)
        for rows in stepper.rows:
            crossing = recorder.crossings[rows.node.name]
            dark = self.timeline.supply.unpowered.get(rows.node.name)
            if dark is not None and crossing.stop == np.inf:
                crossing.stop, crossing.cause = dark
            model = rows.node.racks.accelerator
            if model is None:
                continue
            crossing.hottest = max(crossing.hottest, rows.hottest)
            if crossing.throttle == np.inf and rows.hottest >= model.throttle - NEAR_K:
                crossing.throttle = stepper.now
            over = (rows.chip >= model.stop) & ~rows.stopped
            if over.any():
                rows.stop(over)
                stepper.forget()
                crossing.stop = min(crossing.stop, stepper.now)
