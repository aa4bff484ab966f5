"""A Pareto front of two aims: the set points at which less of one is only to be had for more of the other.

The search is NSGA-II (Deb et al. 2002) of the package pymoo (extra ``size``); every trial is a simulated year. Trials that miss
a limit are infeasible; the front is what no other feasible trial of the whole search beats.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from twin_sites.errors import InputError, Problem
from twin_sites.loader import load_site
from twin_sites.schema import Site

from twin.annual import simulate
from twin.errors import RunError
from twin.metrics import summarize
from twin.processes import process_context, without_main
from twin.sizing.optimum import Span, check_objective, checked_spans, unit_of, worth
from twin.sizing.proof import shortfalls
from twin.tables import table
from twin.weather import Weather, load_weather

POPULATION = 60
PATIENCE = 6  # rounds without a new point after which the search ends
ROUNDS = 40  # at most; the search ends when the front holds as many points as asked
SEED = 1
PYMOO = ("algorithms.moo.nsga2", "core.problem", "core.evaluator", "problems.static")


@dataclass(frozen=True)
class Point:
    """One set of values on the front, and what it amounts to in both aims."""

    values: dict[str, str]
    first: float
    second: float


@dataclass(frozen=True)
class Front:
    """Points by rising first aim, and how many years were simulated."""

    aims: tuple[str, str]
    units: tuple[str, str]
    points: tuple[Point, ...]
    trials: int

    def json(self) -> dict[str, Any]:
        """The front as plain values: each point has both aims by their names."""
        first, second = self.aims
        return {
            "aims": dict(zip(self.aims, self.units, strict=True)),
            "points": [{"values": p.values, first: p.first, second: p.second} for p in self.points],
            "trials": self.trials,
        }


_WORK: tuple[Site, Weather, Any, tuple[str, str]] | None = None  # of a worker process


def front(
    site: Site, spans: Sequence[Span], aims: tuple[str, str], points: int = 200, weather: Weather | str | None = None, load: Any = None, workers: int = 2
) -> Front:  # fmt: skip
    """Set points between two aims.

    Parameters
    ----------
    site, spans, weather, load
        As of `optimise`.
    aims
        Two of ``energy``, ``cost``, ``water``, ``carbon``.
    points
        How many points are enough; the search may end with fewer, where there are no more to find.
    workers
        Processes.

    Raises
    ------
    InputError
        For unknown aims or addresses, two equal aims, and where the package pymoo is missing.
    """
    for aim in aims:
        check_objective(aim, "--minimise")
    if aims[0] == aims[1] or not spans:
        raise InputError(
            [
                Problem(
                    "--minimise",
                    f"{aims[0]} and {aims[1]}, {len(spans)} ranges",
                    "two different aims and at least one range",
                    "--minimise cost,water",
                )
            ]
        )
    try:
        nsga2, problem, evaluator, static = (import_module(f"pymoo.{name}") for name in PYMOO)
    except ModuleNotFoundError as error:
        raise InputError(
            [
                Problem(
                    "twin optimise",
                    f"the package '{error.name}' is missing",
                    "the extra 'size'",
                    "pip install 'facility-twin[size]'",
                )
            ]
        ) from error
    air = weather if isinstance(weather, Weather) else load_weather(weather or site.site.weather)
    spans = checked_spans(site, spans)
    declared = problem.Problem(
        n_var=len(spans),
        n_obj=2,
        n_ieq_constr=1,
        xl=np.array([s.low for s in spans]),
        xu=np.array([s.high for s in spans]),
    )
    search = nsga2.NSGA2(pop_size=POPULATION, seed=SEED)
    search.setup(declared, termination=("n_gen", ROUNDS), seed=SEED)
    tried: list[tuple[dict[str, str], float, float]] = []
    count = stalled = 0
    with ProcessPoolExecutor(
        workers, process_context(), _prepare, (dict(site.written), air, load, aims)
    ) as pool:
        while search.has_next() and len(_best(tried)) < points and stalled < PATIENCE:
            asked = search.ask()
            cases = [
                {s.address: s.written(float(v)) for s, v in zip(spans, x, strict=True)}
                for x in asked.get("X")
            ]
            with without_main():
                found = list(pool.map(_year, cases, chunksize=max(1, len(cases) // (4 * workers))))
            count += len(found)
            out = np.array([[a, b, missed] for a, b, missed in found])
            evaluator.Evaluator().eval(
                static.StaticProblem(declared, F=out[:, :2], G=out[:, 2:] - 0.5), asked
            )
            before = len(_best(tried))
            tried += [(case, a, b) for case, (a, b, missed) in zip(cases, found, strict=True) if not missed]
            stalled = stalled + 1 if len(_best(tried)) <= before else 0
            search.tell(infills=asked)
    kept = [Point(*tried[i]) for i in _best(tried)]
    units = unit_of(aims[0], site), unit_of(aims[1], site)
    return Front(aims, units, tuple(sorted(kept, key=lambda p: p.first)), count)


def text(found: Front) -> str:
    """Points for a terminal."""
    units = found.units
    rows = [
        {"values": ", ".join(f"{a} {v}" for a, v in p.values.items()), f"{found.aims[0]} [{units[0]}]": f"{p.first:,.0f}",
         f"{found.aims[1]} [{units[1]}]": f"{p.second:,.0f}"}
        for p in found.points
    ]  # fmt: skip
    return f"{table(rows, ('values',))}\n\n{len(found.points)} points of {found.trials} simulated years."


def _best(tried: Sequence[tuple[Any, float, float]]) -> list[int]:
    """Indices of what nothing else beats in both aims, each pair of values once."""
    order = sorted(range(len(tried)), key=lambda i: (tried[i][1], tried[i][2]))
    kept: list[int] = []
    lowest = float("inf")
    for i in order:
        if tried[i][2] < lowest:
            kept.append(i)
            lowest = tried[i][2]
    return kept


def _prepare(written: dict[str, Any], air: Weather, load: Any, aims: tuple[str, str]) -> None:
    global _WORK
    _WORK = load_site(written), air, load, aims


def _year(values: dict[str, str]) -> tuple[float, float, int]:
    """Both aims of one year, and whether a limit is missed."""
    assert _WORK is not None
    site, air, load, aims = _WORK
    try:
        ds = simulate(site, changes=values, weather=air, load=load)
    except RunError:
        return 1e30, 1e30, 1
    summary = summarize(ds)
    return worth(summary, aims[0]), worth(summary, aims[1]), int(bool(shortfalls(ds)))
