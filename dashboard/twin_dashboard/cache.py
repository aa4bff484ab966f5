"""Results on the server: computed once per site, changes and step, bounded in memory, never sent to a browser."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.schema import Site

import twin
from twin.loads.load import Load
from twin.loads.read import loads
from twin.metrics import Summary
from twin.weather import Weather, is_embedded, weathers
from twin_dashboard.controls import own_loads
from twin_dashboard.sessions import UPLOAD, Sessions, browser

MAX_BYTES = 800_000_000  # two years by the minute of a site of some 150 series
MAX_VALUES = 160_000_000  # series times steps of one run: what memory is there for
MOST_OWN_VALUES = 1_500_000  # racks times steps; six series of each, 8 bytes a value
MAX_QUEUED = 6  # long runs that wait for their turn
LONG_STEPS = (
    20_000  # from here a run takes turns with other long ones, shows its progress and is kept in 32 bit
)
WORKERS = 2  # callbacks and short runs that compute at once
LOOK_S = 0.1  # how soon a waiting callback notices that its browser has cancelled
T = TypeVar("T")
STEPS = {"": None, "15 min": 900.0, "5 min": 300.0, "1 min": 60.0}  # that a page may ask for


@dataclass(frozen=True)
class Run:
    """One result and what it is of."""

    site: Site
    ds: xr.Dataset
    summary: Summary
    changes: Mapping[str, str]
    seconds: float
    step: str = ""

    @property
    def long(self) -> bool:
        """Whether its series are kept in 32 bit and other runs like it are worth a progress bar."""
        return self.ds.sizes["time"] > LONG_STEPS


@dataclass
class Job:
    """A run being computed or kept: its result, how far it is, which browsers wait for it and which gave up."""

    result: Future[Run] = field(default_factory=Future)
    done: int = 0
    total: int = 0
    began: float = field(default_factory=perf_counter)
    waiting: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    long: bool = False

    def tell(self, done: int, total: int) -> None:
        """What ``simulate`` calls after each block of steps: ends the run when nobody waits for it any more."""
        self.done, self.total = done, total
        if self.waiting <= self.left:
            raise twin.Cancelled("cancelled")


class Results:
    """Least recently used results go first when ``max_bytes`` is passed; equal requests wait for one computation."""

    def __init__(self, default: Site, sessions: Sessions, max_bytes: int = MAX_BYTES) -> None:
        self.default, self.sessions, self.max_bytes = default, sessions, max_bytes
        self._jobs: OrderedDict[Any, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._long = threading.Lock()
        self.turn = threading.Semaphore(WORKERS)  # held by whoever computes; not while it waits
        self.computed = 0

    def site(self, name: str) -> Site:
        """A site by the name a browser may use: reference sites and own uploads, never a path.

        Raises
        ------
        InputError
            For any other name.
        """
        from twin_sites.loader import sites

        if name in ("", self.default.name):
            return self.default
        if name.startswith(UPLOAD):
            return self.sessions.site(name)
        if name in sites():
            return twin.load_site(name)
        raise InputError(
            [
                Problem(
                    "site",
                    f"'{name[:60]}'",
                    "a reference site or an uploaded one",
                    did_you_mean(name[:60], sites()),
                )
            ]
        )

    def get(self, site: str, changes: Mapping[str, str], step: str = "") -> Run:
        """The run of a site with some changes; ``step`` is a key of ``STEPS``, '' the weather's own.

        Raises
        ------
        InputError
            For bad changes, with every problem.
        RunError
            When the engine cannot solve it, or (``Cancelled``) this browser has cancelled it.
        """
        base, key, who = self.site(site), self._key(site, changes, step), browser()
        with self._lock:
            job = self._jobs.get(key)
            mine = job is None
            if job is None:
                job = self._jobs[key] = Job()
            else:
                self._jobs.move_to_end(key)
            job.waiting.add(who)
            job.left.discard(who)
        if not mine:
            return self._wait(job, who)
        try:
            job.result.set_result(self._compute(job, base, changes, step))
        except BaseException as error:
            with self._lock:
                self._jobs.pop(key, None)
            job.result.set_exception(error)
        else:
            self._shrink(key)
        if who in job.left:
            raise twin.Cancelled("cancelled")
        return job.result.result()

    def known(self, site: str, changes: Mapping[str, str], step: str = "") -> Run | None:
        """A run that is there already."""
        with self._lock:
            job = self._jobs.get(self._key(site, changes, step))
        return job.result.result() if job and job.result.done() and not job.result.exception() else None

    def progress(self, who: str) -> list[Job]:
        """Long runs that a browser waits for, the one being computed first."""
        with self._lock:
            jobs = [
                j for j in self._jobs.values() if j.long and not j.result.done() and who in j.waiting - j.left
            ]
        return sorted(jobs, key=lambda job: job.total == 0)

    def cancel(self, who: str) -> int:
        """A browser gives up its long runs; each ends unless another browser waits for it. Returns how many."""
        jobs = self.progress(who)
        for job in jobs:
            job.left.add(who)
        return len(jobs)

    def _key(self, site: str, changes: Mapping[str, str], step: str) -> Any:
        return (site or self.default.name, tuple(sorted(changes.items())), step if step in STEPS else "")

    def _wait(self, job: Job, who: str) -> Run:
        if job.result.done():
            return job.result.result()
        with self._others():
            while True:
                try:
                    return job.result.result(LOOK_S)
                except StillRunning:
                    if who in job.left:
                        raise twin.Cancelled("cancelled") from None

    @contextmanager
    def _others(self) -> Iterator[None]:
        """Others may compute while this one waits."""
        self.turn.release()
        try:
            yield
        finally:
            self.turn.acquire()

    def _compute(self, job: Job, base: Site, changes: Mapping[str, str], step: str) -> Run:
        changed, weather, load = self._changed(base, changes)
        air = weather if isinstance(weather, Weather) else twin.load_weather(weather)
        step_s = STEPS.get(step) or air.step_s
        steps = round(air.n * air.step_s / step_s)
        _check_size(changed, steps)

        def solve() -> Run:
            began = perf_counter()
            own = _own_series(changed, load, steps)
            ds = twin.simulate(
                changed, weather=air, load=load, step_s=step_s, progress=job.tell, per_rack=own
            )
            self.computed += 1
            summary = twin.summarize(ds)
            return Run(changed, _slim(ds), summary, dict(changes), perf_counter() - began, step)

        if steps <= LONG_STEPS:
            return solve()
        return self._queued(job, solve)

    def facility(self, site: str, changes: Mapping[str, str]) -> tuple[Site, Any, Any]:
        """A site with some changes, its weather and its load, each a name that ships or is trusted, or what was uploaded.

        Raises
        ------
        InputError
            For bad changes, or a series that a browser may not name.
        """
        return self._changed(self.site(site), changes)

    def _changed(self, base: Site, changes: Mapping[str, str]) -> tuple[Site, Any, Any]:
        plain = {k: v for k, v in changes.items() if not v.startswith(UPLOAD)}
        changed = twin.change_site(base, plain)
        climate = changes.get("site.weather", changed.site.weather)
        weather = climate if is_embedded(climate) else self._series("site.weather", climate, weathers())
        load = self._series(
            "load.trace", changes.get("load.trace", changed.load.trace), loads() | own_loads(base)
        )
        return changed, weather, load

    def in_turn(self, work: Callable[[Callable[[int, int], None]], T]) -> T:
        """Long work that is no year: it takes turns with long runs, shows its progress, is cancelled like them and kept by nobody.

        ``work`` is given what it calls with the steps done and all steps.

        Raises
        ------
        RunError
            ``Cancelled`` where this browser has cancelled it, and whatever ``work`` raises.
        """
        job = Job(waiting={browser()})
        key = ("work", id(job))
        with self._lock:
            self._jobs[key] = job
        try:
            return self._queued(job, lambda: work(job.tell))
        finally:
            with self._lock:
                self._jobs.pop(key, None)

    def _queued(self, job: Job, solve: Callable[[], T]) -> T:
        with self._lock:
            if sum(j.long and not j.result.done() for j in self._jobs.values()) >= MAX_QUEUED:
                raise InputError([Problem("this run", f"{MAX_QUEUED} long runs wait already", "fewer at once", "try again in a minute, or choose a longer time step")])  # fmt: skip
            job.long = True
        with self._others():
            while not self._long.acquire(timeout=LOOK_S):
                job.tell(0, 0)
            try:
                return solve()
            finally:
                self._long.release()

    def _series(self, where: str, name: str, known: Mapping[str, str]) -> Any:
        """A series by name or upload. A path from a browser or from an uploaded file is refused here."""
        if name.startswith(UPLOAD):
            return self.sessions.series(name)
        if name not in known and name not in self.sessions.trusted:
            raise InputError(
                [Problem(where, f"'{name[:80]}'", ", ".join(known), "upload the file on the page Data")]
            )
        return name

    def _shrink(self, newest: Any) -> None:
        with self._lock:
            done = [
                (key, job.result.result().ds.nbytes)
                for key, job in self._jobs.items()
                if job.result.done() and job.result.exception() is None
            ]
            total = sum(size for _, size in done)
            for key, size in done:
                if total <= self.max_bytes or key == newest:
                    break
                del self._jobs[key]
                total -= size

    def __len__(self) -> int:
        return len(self._jobs)


def _check_size(site: Site, steps: int) -> None:
    """A run must fit into memory; a file of a browser may ask for anything."""
    series = (
        13
        + 11 * len(site.racks)
        + 6 * len(list(site.volumes()))
        + 6 * len(list(site.links()))
        + 3 * len(site.power)
    )
    if series * steps > MAX_VALUES:
        raise InputError(
            [Problem("this run", f"{series:,} series of {steps:,} steps", f"up to {MAX_VALUES / 1e6:.0f} million values on this server",
                     "a longer time step, or 'twin run' on the command line")]
        )  # fmt: skip


def _own_series(site: Site, load: Any, steps: int) -> bool:
    """Whether the steps of every single rack are kept: where racks have loads of their own, and there is room."""
    many = len(load.series) > 1 if isinstance(load, Load) else str(load).startswith("generated:")
    return many and sum(racks.count for racks in site.racks.values()) * steps <= MOST_OWN_VALUES


def _slim(ds: xr.Dataset) -> xr.Dataset:
    """Long series in 32 bit: seven digits, more than a page shows. The summary was taken before."""
    if ds.sizes["time"] <= LONG_STEPS:
        return ds
    return ds.assign(
        {name: v.astype(np.float32) for name, v in ds.data_vars.items() if v.ndim and "time" in v.dims}
    )
