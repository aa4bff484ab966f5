"""Failures that the page can play: what may fail on a site, what a second design may change, and the runs themselves."""

import shlex
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import xarray as xr
from twin_models.fields import Quantity
from twin_sites.errors import InputError, Problem
from twin_sites.schema import Cdus, Loop, Site, Tanks
from twin_sites.units import parse_at

import twin
from twin.compile import Plan, compile_site
from twin.loads.read import loads
from twin.results import role
from twin.transients.events import read_events
from twin.transients.report import span
from twin.transients.results import TransientSummary
from twin.transients.ride_through import cases
from twin.transients.scenarios import scenario, scenarios
from twin.weather import design_day
from twin_dashboard.context import Context
from twin_dashboard.names import KINDS, link_name, readable

AT = "t=60s"  # so that a chart shows what was before
LENGTH, SHORT = "30 min", "10 min"  # after loss of rack flow nothing is left to see after ten minutes
LONG_S = 3600.0  # from here a run takes turns with other long ones
MOST_KEPT = 12
MOST_EVENTS, MOST_TEXT = 40, 6000
HORIZON = Quantity(
    "s", "Length", low=1.0, high=12 * 3600.0, bound_source="what this page plays; 'twin transient' plays more"
)
SHARE = Quantity("1", "Load", low=0.0, high=1.0, shown="%", shown_ip="%")


class Choice(NamedTuple):
    """One failure of the list: what it is called, the event lines it stands for, how long it is played."""

    group: str
    label: str
    events: tuple[str, ...]
    until: str = LENGTH
    load: str = ""


class Case(NamedTuple):
    """All that a run depends on."""

    site: str  # '' is the one the server was started with
    changes: tuple[tuple[str, str], ...]
    events: tuple[str, ...]
    until: str
    load: str
    start: str


class Played(NamedTuple):
    """One design after one failure."""

    site: Site
    ds: xr.Dataset
    summary: TransientSummary


def choices(site: Site) -> dict[str, Choice]:
    """Failures of a site by a key: losses of the whole facility, shipped scenarios, one unit and all units of every group."""
    plan = compile_site(site)
    found: dict[str, Choice] = {}
    for name, feeder in plan.feeders:
        if feeder.kind == "utility":
            found[f"lost {name}"] = Choice(
                "Whole facility", "Utility power lost", (f"{AT} trip power.{name}",)
            )
    for volume in plan.volumes:
        own = f"cooling.{volume.name}.pump"
        if isinstance(volume.part, Loop) and volume.part.pump is not None and role(volume) == "facility":
            label = f"Facility water lost: all {readable(volume.name)} pumps stop"
            found[f"lost {own}"] = Choice("Whole facility", label, (f"{AT} trip {own}",))
    for node in plan.links:
        if isinstance(node.link, Cdus | Tanks):
            words = f"Rack flow lost: all {link_name(node.name)}s stop"
            found[f"lost {node.address}"] = Choice(
                "Whole facility", words, (f"{AT} trip {node.address}",), SHORT
            )
    for name in scenarios():
        if name.startswith(f"{site.name}-"):
            one = scenario(name)
            until = LENGTH if one.until is None else f"{one.until / 60.0:g} min"
            found[f"scenario {name}"] = Choice(
                "Scenarios of this site", one.title, tuple(one.events), until, one.load or ""
            )
    for address in cases(plan):
        single = address.endswith(".1")
        label, count = _called(address.removesuffix(".1"), plan)
        kind = "One unit stops" if single else "All units stop"
        if not single and count == 1:
            kind = "One unit stops"
        words = f"{label}: 1 of {count}" if single else f"{label}: all {count}" if count > 1 else label
        found[address] = Choice(kind, words, (f"{AT} trip {address}",))
    return found


def _called(address: str, plan: Plan) -> tuple[str, int]:
    """What people call a group, and how many units it has."""
    for node in plan.links:
        if node.address == address:
            return link_name(node.name), node.link.available
    for name, feeder in plan.feeders:
        if f"power.{name}" == address:
            kind = KINDS.get(feeder.kind, feeder.kind)
            called = readable(name)
            return (
                called if called.lower() in kind.lower() else f"{called} ({kind.lower()})"
            ), feeder.available
    pump = next(
        v.part.pump for v in plan.volumes if f"cooling.{v.name}.pump" == address and isinstance(v.part, Loop)
    )
    return f"{readable(address.split('.')[1])} pumps", pump.available if pump is not None else 1


def ideas(site: Site) -> dict[str, str]:
    """Changes worth a second design: line of change and what it is."""
    plan = compile_site(site)
    found: dict[str, str] = {}
    for volume in plan.volumes:
        if not isinstance(volume.part, Loop):
            continue
        called = readable(volume.name)
        room = max(2.0 * volume.part.buffer, 5.0 * max(1.0, round(plan.design_it / 2e6)))
        found[f"cooling.{volume.name}.buffer={room:g} m3"] = f"{called}: buffer tank of {room:g} m³"
        if not volume.racks:
            found[f"cooling.{volume.name}.buffer_at=load"] = (
                f"{called}: its buffer at the load, with own pumps"
            )
        pump = volume.part.pump
        if pump is not None and pump.backup != "ups":
            found[f"cooling.{volume.name}.pump.backup=ups"] = f"{called}: pumps on the UPS"
    for node in plan.links:
        if node.link.backup != "ups":
            found[f"{node.address}.backup=ups"] = f"{link_name(node.name)}: on the UPS"
        more = node.link.count + 1
        found[f"{node.address}.count={more}"] = f"{link_name(node.name)}: {more} units instead of {more - 1}"
    return {line: words for line, words in found.items() if _possible(site, line)}


def _possible(site: Site, line: str) -> bool:
    """Whether a site takes a change: a door more than racks, say, it does not."""
    address, _, value = line.partition("=")
    try:
        twin.change_site(site, {address: value})
    except InputError:
        return False
    return True


def changes_in(text: str | None) -> dict[str, str]:
    """Changes written one a line as ADDRESS=VALUE.

    Raises
    ------
    InputError
        With every line that is none.
    """
    found: dict[str, str] = {}
    wrong = []
    for line in lines_in(text):
        address, separator, value = (part.strip() for part in line.partition("="))
        if not separator or not address or not value:
            wrong.append(
                Problem(
                    f"change '{line[:80]}'",
                    "no 'ADDRESS=VALUE'",
                    "one change a line",
                    "cooling.fws.buffer=20 m3",
                )
            )
        found[address] = value
    if wrong:
        raise InputError(wrong)
    return found


def lines_in(text: str | None) -> list[str]:
    """Lines with something in them."""
    return [line.strip() for line in (text or "")[:MOST_TEXT].splitlines() if line.strip()]


def command(case: Case, site: str, changes: Mapping[str, str]) -> str:
    """The same run on the command line."""
    words = ["twin", "transient", site]
    for line in case.events:
        words += ["--event", line]
    words += ["--until", case.until]
    if case.load:
        words += ["--load", case.load]
    if case.start:
        words += ["--start", case.start]
    for address, text in changes.items():
        words += ["--set", f"{address}={text}"]
    return " ".join(shlex.quote(word) for word in words)


class Player:
    """Plays cases and keeps the newest: other units or colours are no new run."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._kept: OrderedDict[Case, Played] = OrderedDict()
        self._lock = threading.Lock()

    def play(self, case: Case) -> Played:
        """A case, from what is kept or computed.

        Raises
        ------
        InputError
            For bad input, events included.
        RunError
            When the engine cannot solve it, or (``Cancelled``) this browser has cancelled it.
        """
        with self._lock:
            if case in self._kept:
                self._kept.move_to_end(case)
                return self._kept[case]
        played = self._play(case)
        with self._lock:
            self._kept[case] = played
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return played

    def _play(self, case: Case) -> Played:
        if not case.events:
            raise InputError(
                [
                    Problem(
                        "events",
                        "none",
                        "at least one line",
                        "choose a failure, or write 't=60s trip cooling.fws.pump'",
                    )
                ]
            )
        if len(case.events) > MOST_EVENTS:
            raise InputError(
                [
                    Problem(
                        "events",
                        f"{len(case.events)} lines",
                        f"up to {MOST_EVENTS} here",
                        "'twin transient --scenario' on the command line",
                    )
                ]
            )
        until = parse_at("horizon", case.until or LENGTH, HORIZON)
        load = _load(case.load)
        site, weather, _ = self.context.results.facility(case.site, dict(case.changes))
        plan = compile_site(site)
        _refuse_late(case.events, plan, until)
        air = twin.load_weather(weather) if isinstance(weather, str) else weather
        if not case.start:
            air = design_day(air, "0.4%", shape="constant")

        def solve(tell: Any) -> xr.Dataset:
            return twin.transient(
                site, events=list(case.events), until=until, load=load, weather=air, start=case.start or None, progress=tell,
            )  # fmt: skip

        ds = self.context.results.in_turn(solve) if until > LONG_S else solve(None)
        chips = [node.racks.accelerator for node in plan.racks]
        ds = ds.assign_coords(
            rack_throttle_temperature=("rack", [c.throttle if c else float("nan") for c in chips]),
            rack_stop_temperature=("rack", [c.stop if c else float("nan") for c in chips]),
        )
        return Played(site, ds, twin.summarize_transient(ds))


def _refuse_late(lines: tuple[str, ...], plan: Plan, until: float) -> None:
    """An event after the end would be left out without a word."""
    late = [event for event in read_events(lines, plan) if event.at >= until]
    if late:
        raise InputError([
            Problem(f"event '{one.text}'", f"at {span(one.at)}", f"before the end at {span(until)}", "play for longer") for one in late
        ])  # fmt: skip


def _load(text: str) -> Any:
    """A share of full load, or the name of a load that ships."""
    if not text:
        return 1.0
    if text in loads():
        return text
    if text[:1].isalpha():
        raise InputError(
            [Problem("load", f"'{text[:60]}'", f"0 % to 100 %, or {', '.join(loads())}", "80 %")]
        )
    return parse_at("load", text, SHARE)
