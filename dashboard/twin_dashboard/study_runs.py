"""Studies that browsers start: checked as the command line's, computed by one process each, kept in the server's folder.

A browser gives text and gets numbers. No path reaches the file system from it: whatever a study may name (site,
weather, load) must come with the program, and tables of cases are refused.
"""

import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.loader import sites
from twin_sites.problems import said
from twin_sites.schema import Site
from twin_sites.yaml_files import read_yaml

import twin
from twin.errors import RunError
from twin.loads.read import loads
from twin.processes import process_context, without_main
from twin.studies.axes import Array, Axis
from twin.studies.file import Study, read_study
from twin.studies.plan import plan_study
from twin.studies.report import study_report
from twin.weather import is_embedded, weathers

MOST_TEXT = 20_000  # characters of a study
MOST_CASES = 2_000
MOST_STEPS = 40_000  # of a case: a year by the quarter of an hour
MOST_NAMES = 60  # weathers, loads and sites, which are all held in memory
MOST_RUNNING = 2  # studies at once on this server
MOST_KEPT = 12  # studies of other browsers that are held, running or not
NICE = 5  # pages are answered before cases are computed
FILE = "study.yaml"


@dataclass
class StudyRun:
    """One study of one browser: its cases, its process, how far it is."""

    study: Study
    axes: tuple[Axis, ...]
    design: Array  # (rows, axes)
    total: int  # distinct cases
    site: str  # what a page calls the base site
    own_weather: str  # of the base site
    folder: Path
    token: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    began: float = field(default_factory=perf_counter)
    done: int = 0
    failed: int = 0
    before: int = 0  # cases done when the process began
    ended: float | None = None
    cancelled: bool = False
    fault: str = ""
    process: Any = None
    pipe: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    _read: tuple[int, xr.Dataset] | None = None

    @property
    def path(self) -> Path:
        """Its store."""
        return self.folder / "results.zarr"

    @property
    def running(self) -> bool:
        """Whether cases are still being computed."""
        return self.ended is None

    def look(self) -> None:
        """Take in what the process has told, and whether it has ended."""
        with self.lock:
            if self.ended is not None:
                return
            alive = self.process.is_alive()  # asked first: what it says last is read below
            try:
                while self.pipe.poll():
                    told = self.pipe.recv()
                    if isinstance(told, str):
                        self.fault = told
                    else:
                        self.done, self.failed = told
            except (EOFError, OSError):
                pass
            if not alive:
                self.ended = perf_counter()
                self.pipe.close()
                if self.done < self.total and not self.cancelled and not self.fault:
                    self.fault = "Its process ended before all cases were done. What was finished is kept."

    def cancel(self) -> None:
        """End it; finished cases stay."""
        with self.lock:
            if self.ended is not None:
                return
            self.cancelled = True
            self.process.terminate()
            self.process.join(2.0)
            self.process.kill()
            self.process.join()
        self.look()

    @property
    def unfinished(self) -> bool:
        """Whether it has ended before its last case, and may go on."""
        return not self.running and self.done < self.total

    def report(self) -> bytes | None:
        """Its report as one HTML file, or None before the first case is finished."""
        if not self.done:
            return None
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            return study_report([self.path], Path(place) / "report.html").read_bytes()

    def results(self) -> xr.Dataset | None:
        """Its cases so far, or None before the first is finished."""
        with self.lock:
            if not self.done:
                return None
            if self._read is None or self._read[0] != self.done:
                self._read = (self.done, twin.open_study(self.path))
            return self._read[1]

    def words(self) -> str:
        """How far it is, with rate and time left."""
        if self.running and self.done == self.before:
            return f"{self.total:,} cases. {'Going on' if self.done else 'Starting'} …"
        spent = max((self.ended or perf_counter()) - self.began, 1e-3)
        text = f"{self.done:,} of {self.total:,} cases"
        text += f" · {self.failed:,} failed" if self.failed else ""
        if self.running:
            rate = max(self.done - self.before, 1) / spent
            return f"{text} · {rate:.3g} a second · {_span((self.total - self.done) / rate)} left"
        end = "cancelled after" if self.cancelled else "stopped after" if self.fault else "done in"
        return f"{text} · {end} {_span(spent)}"


class StudyRuns:
    """The last study of each browser."""

    def __init__(self, default: Site, trusted: frozenset[str], uploaded: Callable[[str], Site]) -> None:
        self.default, self.trusted, self.uploaded = default, trusted, uploaded
        self._runs: OrderedDict[str, StudyRun] = OrderedDict()
        self._lock = threading.Lock()
        self._folder = ""

    def of(self, who: str) -> StudyRun | None:
        """The study of a browser, as far as it is now."""
        with self._lock:
            run = self._runs.get(who)
        if run is not None:
            run.look()
        return run

    def start(self, who: str, text: str, base: str | None = None) -> StudyRun:
        """Check a study and begin to compute it; ``base`` replaces its site ('' the server's, or an upload).

        Raises
        ------
        InputError
            With every problem, or while another study runs.
        """
        self._room(who)
        with self._lock:
            if not self._folder:
                self._folder = tempfile.mkdtemp(prefix="twin-studies-")
                weakref.finalize(self, _clear, self._runs, self._folder)  # at the end of the server
            folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            run = self._plan(text, base, folder)
            with self._lock:
                self._room(who)  # another page of this browser may have been quicker
                _begin(run)
                old = self._runs.pop(who, None)
                self._runs[who] = run
                gone = [old] if old is not None else []
                idle = [key for key, one in self._runs.items() if not one.running]
                for key in idle[: max(len(self._runs) - MOST_KEPT, 0)]:
                    gone.append(self._runs.pop(key))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for one in gone:
            shutil.rmtree(one.folder, ignore_errors=True)
        return run

    def resume(self, who: str) -> StudyRun | None:
        """Go on with the study of a browser that ended before its last case; None where there is none.

        Raises
        ------
        InputError
            While as many studies run as may.
        """
        run = self.of(who)
        with self._lock:
            if run is None or not run.unfinished:
                return None
            self._room(who)
            run.ended, run.cancelled, run.fault, run.before = None, False, "", run.done
            _begin(run)
        return run

    def _room(self, who: str) -> None:
        for run in list(self._runs.values()):
            run.look()
        mine = self._runs.get(who)
        if mine is not None and mine.running:
            raise InputError([Problem("this study", "another one of yours is running", "one at a time", "wait for it, or cancel it")])  # fmt: skip
        if sum(run.running for run in self._runs.values()) >= MOST_RUNNING:
            found = f"{MOST_RUNNING} studies of other people are running"
            raise InputError([Problem("this study", found, f"{MOST_RUNNING} at once", "try again in a minute, or 'twin study' on the command line")])  # fmt: skip

    def _plan(self, text: str, base: str | None, folder: Path) -> StudyRun:
        if len(text) > MOST_TEXT:
            allowed = f"at most {MOST_TEXT:,} characters here"
            raise InputError([Problem(FILE, f"{len(text):,} characters", allowed, "'twin study' on the command line")])  # fmt: skip
        written, _ = read_yaml(text, FILE)
        problems = list(self._refused(written))
        if problems:
            raise InputError(problems)
        file = folder / FILE
        file.write_text(text, encoding="utf-8")
        source: Any = file
        if base is not None:
            read = read_study(file)
            if read.problems:
                raise InputError(read.problems)
            site = self.default if base == "" else self.uploaded(base)
            weather = site.site.weather
            if not is_embedded(weather) and weather not in self.trusted and read.study.weather is None:
                raise InputError([Problem("site.weather", f"'{weather[:80]}'", "a climate that comes with the program", "weather: phoenix")])  # fmt: skip
            if (
                site.load.trace not in loads()
                and site.load.trace not in self.trusted
                and read.study.load is None
            ):
                raise InputError([Problem("load.trace", f"'{site.load.trace[:80]}'", ", ".join(loads()), "load: training")])  # fmt: skip
            source = replace(read.study, site=site)
        plan = plan_study(source, MOST_CASES)
        if plan.steps > MOST_STEPS:
            raise InputError([Problem(f"{FILE} → hours, step_s", f"{plan.steps:,} steps in a case", f"at most {MOST_STEPS:,} here", "hours: 8760 and step_s: 3600")])  # fmt: skip
        recipe = plan.recipe
        study = replace(recipe.study, hourly=(), hourly_of=None, chunk=None)  # series are not shown here
        named = base if base is not None else str(study.site)
        named = "" if named == self.default.name else named
        weather = recipe.sites[""].site.weather
        return StudyRun(study, recipe.axes, plan.design, len(plan.cases), named, weather, folder)

    def _refused(self, written: Mapping[str, Any]) -> Iterator[Problem]:
        """Names that would be files. A mapping below a name of the kind is a set of changes, and is walked too."""
        if "cases" in written:
            yield Problem(
                f"{FILE} → cases", "a file", "axes with lists here", "design: zipped, with a list per axis"
            )
        known: dict[str, tuple[Callable[[str], bool], Any]] = {
            "site": (sites().__contains__, sites()),
            "weather": (is_embedded, weathers()),
            "load": (loads().__contains__, loads()),
        }
        kinds = {"site": "site", "weather": "weather", "load": "load", "trace": "load"}
        names: set[str] = set()
        todo: list[tuple[str, Any]] = [(FILE, written)]
        while todo:
            where, node = todo.pop()
            for key, value in node.items():
                place = f"{where} → {key}"
                kind = kinds.get(str(key).rpartition(".")[2])
                if isinstance(value, Mapping):
                    todo.append((place, value))
                elif kind is not None:
                    ours, allowed = known[kind]
                    for item in value if isinstance(value, list) else [value]:
                        names.add(str(item))
                        if item is not None and not ours(str(item)) and str(item) not in self.trusted:
                            yield Problem(
                                place, said(item), ", ".join(allowed), did_you_mean(str(item)[:80], allowed)
                            )
        if len(names) > MOST_NAMES:
            yield Problem(FILE, f"{len(names)} weathers, loads and sites", f"at most {MOST_NAMES} here", "'twin study' on the command line")  # fmt: skip


def case_changes(run: StudyRun, row: int) -> tuple[str, dict[str, str], list[str]]:
    """A case as a what-if: site, changes as text, and what of the study a what-if cannot say.

    Parameters
    ----------
    run
        The study.
    row
        Row of its design.
    """
    effects: dict[str, Any] = dict(run.study.changes)
    for axis, value in zip(run.axes, run.design[row], strict=True):
        effects |= axis.changes(float(value))
    site = effects.pop("site", None)
    weather = effects.pop("weather", run.study.weather)
    load = effects.pop("load", run.study.load)
    if weather is None and site is not None:
        weather = run.own_weather  # of the base site, whatever site the case takes
    if weather is not None:
        effects["site.weather"] = weather
    if load is not None:
        effects["load.trace"] = load
    lost = []
    if run.study.hours is not None or run.study.start is not None:
        span = f"{run.study.hours:g} h" if run.study.hours is not None else "the time"
        lost.append(f"A what-if shows the whole year, not {span} of this study: its numbers differ.")
    return str(site) if site is not None else run.site, {k: _text(v) for k, v in effects.items()}, lost


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return str(value)


def _clear(runs: Mapping[str, StudyRun], folder: str) -> None:
    """Processes first: they write into the folder."""
    for run in runs.values():
        run.cancel()
    shutil.rmtree(folder, ignore_errors=True)


def _begin(run: StudyRun) -> None:
    context: Any = process_context()
    run.pipe, told = context.Pipe(duplex=False)
    run.process = context.Process(
        target=_compute, args=(run.study, str(run.path), run.path.exists(), told), daemon=True
    )
    run.began = perf_counter()
    with without_main():
        run.process.start()
    told.close()


def _compute(study: Study, path: str, resume: bool, pipe: Connection) -> None:
    """The process of a study: tells (done, failed) after every chunk, or what stopped it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what it holds is given back
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        twin.study(
            study, out=path, resume=resume, progress=lambda tally: pipe.send((tally.done, tally.failed))
        )
    except (InputError, RunError) as error:
        pipe.send(str(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _span(seconds: float) -> str:
    if seconds < 90.0:
        return f"{np.ceil(seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400.0 else f"{seconds / 3600:.1f} h"
