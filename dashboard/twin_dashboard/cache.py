"""Results on the server: computed once per site and list of changes, bounded in memory, never sent to a browser."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import xarray as xr
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.schema import Site

import twin
from twin.load import loads
from twin.metrics import Summary
from twin.weather import weathers
from twin_dashboard.sessions import UPLOAD, Sessions

MAX_BYTES = 600_000_000


@dataclass(frozen=True)
class Run:
    """One result and what it is of."""

    site: Site
    ds: xr.Dataset
    summary: Summary
    changes: Mapping[str, str]
    seconds: float


class Results:
    """Least recently used results go first when ``max_bytes`` is passed; equal requests wait for one computation."""

    def __init__(self, default: Site, sessions: Sessions, max_bytes: int = MAX_BYTES) -> None:
        self.default, self.sessions, self.max_bytes = default, sessions, max_bytes
        self._runs: OrderedDict[Any, Future[Run]] = OrderedDict()
        self._lock = threading.Lock()
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

    def get(self, site: str, changes: Mapping[str, str]) -> Run:
        """The run of a site with some changes.

        Raises
        ------
        InputError
            For bad changes, with every problem.
        RunError
            When the engine cannot solve it.
        """
        base = self.site(site)
        key = (site or self.default.name, tuple(sorted(changes.items())))
        with self._lock:
            found = self._runs.get(key)
            if found is not None:
                self._runs.move_to_end(key)
            else:
                mine = self._runs[key] = Future()
        if found is not None:
            return found.result()
        try:
            mine.set_result(self._compute(base, changes))
        except BaseException as error:
            mine.set_exception(error)
            with self._lock:
                self._runs.pop(key, None)
        else:
            self._shrink(key)
        return mine.result()

    def _compute(self, base: Site, changes: Mapping[str, str]) -> Run:
        began = perf_counter()
        plain = {k: v for k, v in changes.items() if not v.startswith(UPLOAD)}
        changed = twin.change_site(base, plain)
        weather = self._series("site.weather", changes.get("site.weather", changed.site.weather), weathers())
        load = self._series("load.trace", changes.get("load.trace", changed.load.trace), loads())
        ds = twin.simulate(changed, weather=weather, load=load)
        self.computed += 1
        return Run(changed, ds, twin.summarize(ds), dict(changes), perf_counter() - began)

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
                (key, run.result().ds.nbytes)
                for key, run in self._runs.items()
                if run.done() and run.exception() is None
            ]
            total = sum(size for _, size in done)
            for key, size in done:
                if total <= self.max_bytes or key == newest:
                    break
                del self._runs[key]
                total -= size

    def __len__(self) -> int:
        return len(self._runs)
