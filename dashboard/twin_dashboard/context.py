"""What callbacks need: results, uploads, and a pool so that computing never blocks the server's loop."""

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from twin_sites.errors import InputError
from twin_sites.schema import Site

from twin.errors import Cancelled, RunError
from twin_dashboard.cache import Results, Run
from twin_dashboard.controls import Control, controls
from twin_dashboard.sessions import Sessions
from twin_dashboard.state import State, from_store

THREADS = 64  # most of them wait: for a turn to compute, or for a long run
FAULTS = (InputError, RunError, OverflowError)


@dataclass(frozen=True)
class Context:
    """One per server."""

    default: Site
    results: Results
    sessions: Sessions
    pool: ThreadPoolExecutor
    declared: dict[tuple[str, str], dict[str, Control]] = field(default_factory=dict)

    def controls(self, site: str, system: str) -> dict[str, Control]:
        """Controls of a site, made once per site and unit system."""
        key = (site or self.default.name, system)
        if key not in self.declared:
            if len(self.declared) > 64:
                self.declared.clear()
            self.declared[key] = controls(self.results.site(site), system)
        return self.declared[key]

    def run(self, data: Any) -> Run:
        """The run that a page's state asks for."""
        state = from_store(data)
        return self.results.get(state.site, state.changes, state.step)

    def shown(self, data: Any) -> tuple[Run, Exception | None]:
        """The run that a page shows: where the changes cannot be used, the baseline and what is wrong with them."""
        try:
            return self.run(data), None
        except Cancelled:
            raise  # the page keeps what it shows
        except FAULTS as error:
            state = from_store(data)
            if state.changes == state.base:
                raise
            return self.base(state), error

    def moved(self, data: Any, weather: str) -> Run:
        """The run of a page's state in another climate."""
        state = from_store(data)
        return self.results.get(state.site, {**state.changes, "site.weather": weather}, state.step)

    def base(self, state: State) -> Run:
        """The run it is compared with."""
        return self.results.get(state.site, state.base, state.step)

    def threaded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The callback, run in the pool with its context."""

        @functools.wraps(function)
        async def served(*args: Any) -> Any:
            inside = contextvars.copy_context()

            def work() -> Any:
                with self.results.turn:
                    return inside.run(function, *args)

            return await asyncio.get_running_loop().run_in_executor(self.pool, work)

        return served


def context(site: Site) -> Context:
    """Context of a server for one site; the series that it names are trusted, since its owner named them."""
    sessions = Sessions((site.site.weather, site.load.trace))
    return Context(site, Results(site, sessions), sessions, ThreadPoolExecutor(THREADS, "twin-dashboard"))
