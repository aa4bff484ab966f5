"""From a study as written to cases ready to run: files read, axes and design made, equal cases found."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from twin_sites.changes import hint_at
from twin_sites.errors import InputError, Problem
from twin_sites.loader import load_site
from twin_sites.schema import Site

from twin import __version__
from twin.files import decode, read_bytes, read_table
from twin.loads.load import Boundary, Load
from twin.loads.read import load_trace, loads
from twin.loads.requests import is_request_trace
from twin.results import site_key
from twin.studies.axes import Array, Axis, read_axis
from twin.studies.checks import estimates, members, names, outputs, overlaps, times
from twin.studies.designs import cases_of, check_design, matrix
from twin.studies.estimates import Estimates, estimate_axes
from twin.studies.file import MAX_BYTES, Study, place_of, read_study
from twin.studies.keeping import kept_first, rows_kept
from twin.weather import Weather, load_weather

SMALLEST, LARGEST = 4, 100  # cases of a chunk: a task is worth sending, and little is lost with it
CHUNKS = 100  # wanted for a study of middle size
HOUR_S = 3600.0
MAX_REQUESTS = 4_000_000_000  # bytes of a file of requests


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to compute any case of a study."""

    sites: Mapping[str, Site]
    weathers: Mapping[str, Weather]
    loads: Mapping[
        str, Load | str | Path
    ]  # '' is the base site's own, where it is a file; a path holds requests
    axes: tuple[Axis, ...]
    study: Study
    key: str
    version: str = __version__


@dataclass(frozen=True)
class Plan:
    """A study made ready: its recipe, all rows of its design and the distinct cases among them."""

    recipe: Recipe
    design: Array  # (rows, axes)
    cases: Array  # (distinct cases, axes)
    case_of: NDArray[np.int64]  # (rows,)
    chunk: int
    steps: int
    kept: int  # leading cases whose series are kept
    left_out: dict[str, int]  # estimates that are not varied, by reason
    identity: dict[str, str]

    @property
    def dims(self) -> dict[str, int]:
        """Dimensions of the result: the axes of a factorial, else ``case``."""
        if self.recipe.study.design != "factorial":
            return {"case": len(self.design)}
        return {axis.name: axis.size for axis in self.recipe.axes}


def plan_study(source: Study | str | Path | Mapping[str, Any], most: int | None = None) -> Plan:
    """Everything of a study that is known before its first case.

    Parameters
    ----------
    source
        As of ``twin.study``.
    most
        Cases that are accepted; ``MOST_CASES`` of a design without it.

    Raises
    ------
    InputError
        With every problem of the study at once.
    """
    study, where, lines, problems = read_study(source)
    base = load_site(study.site) if not isinstance(study.site, Site) else study.site
    written = dict(study.axes)
    if study.design == "table":
        if written:
            remedy = "columns of the table for all that varies, or another design"
            problems.append(Problem(f"{where} → axes", "axes beside a table", "one of the two", remedy))
        written = _table(study, where)
    elif study.cases is not None:
        problems.append(
            Problem(f"{where} → cases", "a table in another design", "one of the two", "design: table")
        )
    if study.seed < 0:
        problems.append(
            Problem(f"{where} → seed", f"{study.seed}", "zero or a whole number above", "seed: 0")
        )
    axes: list[Axis] = []
    if not written and study.estimates is None:
        remedy = "cases: my-cases.csv" if study.design == "table" else "axes: {weather: [phoenix, chicago]}"
        problems.append(Problem(where, "no axis", "at least one thing that varies", remedy))
    for name, values in written.items():
        try:
            axes.append(read_axis(base, name, values, place_of(where, lines, ("axes", name))))
        except InputError as error:
            problems += error.problems
    spreads = Estimates([], {})
    if study.estimates is not None:
        faults = estimates(study, where)
        problems += faults
        named = {axis.name for axis in axes} | {
            key for axis in axes for effect in axis.effects for key in effect
        }
        if not faults:
            spreads = estimate_axes(base, study.estimates, study.estimates_in)
        axes += [axis for axis in spreads.axes if axis.name not in named]
        if not faults and not spreads.axes:
            allowed = "beginnings of addresses of numbers marked estimate"
            listed = ", ".join(study.estimates_in) or "the site"
            problems.append(
                Problem(f"{where} → estimates_in", f"none below {listed}", allowed, "cooling, power, racks")
            )
    for address, value in study.changes.items():
        try:
            hint_at(base, str(address), value)
        except InputError as error:
            place = place_of(where, lines, ("changes", address))
            problems += [Problem(place, p.found, p.allowed, p.remedy) for p in error.problems]
    if not problems:
        problems += check_design(study.design, axes, study.samples, where)
    if not problems and most is not None and cases_of(study.design, axes, study.samples) > most:
        found = f"{cases_of(study.design, axes, study.samples):,} cases"
        remedy = "fewer or coarser values, fewer samples, or 'twin study' on the command line"
        problems.append(Problem(f"{where} → axes", found, f"at most {most:,} cases here", remedy))
    problems += outputs(study, where) + overlaps(axes, where) + names(study, axes, where)
    sites = _each(study, axes, "site", load_site, where, problems)
    sites[""] = base
    weathers = _each(study, axes, "weather", load_weather, where, problems)
    weathers[""] = weathers.get(study.weather or "") or _own_weather(study, base, where, problems)
    traces = _each(study, axes, "load", lambda name: _trace(name, study.boundary), where, problems)
    own = base.load.trace
    if study.load is None and all(axis.name != "load" for axis in axes) and own not in loads():
        try:  # read once, and known to workers that do not see the file
            traces[""] = _trace(own, None)
        except InputError as error:
            problems += error.problems
    if not problems:
        problems += times(study, weathers, where) + members(study, sites, where)
    if problems:
        raise InputError(problems)
    steps = _steps(study, [air for air in weathers.values() if air is not None], where)
    design = matrix(study.design, axes, study.samples, study.seed)
    cases, case_of = _distinct(axes, design)
    cases, case_of, kept = kept_first(cases, case_of, rows_kept(study, base, axes, design, where))
    chunk = study.chunk or min(LARGEST, max(SMALLEST, -(-len(cases) // CHUNKS)))
    identity = _identity(study, axes, design, sites, weathers, traces)
    recipe = Recipe(sites, weathers, traces, tuple(axes), study, _digest(identity))
    return Plan(recipe, design, cases, case_of, chunk, steps, kept, spreads.left_out, identity)


def _table(study: Study, where: str) -> dict[str, Any]:
    """Columns of a table of cases."""
    if study.cases is None:
        allowed = "a CSV file with a column per address"
        raise InputError([Problem(f"{where} → cases", "no table", allowed, "cases: my-cases.csv")])
    path = Path(study.cases)
    table = read_table(decode(read_bytes(path, MAX_BYTES), path.name), path.name)
    twice = sorted({name for name in table.names if list(table.names).count(name) > 1})
    if twice:
        found = f"the column '{twice[0]}' a second time"
        raise InputError([Problem(path.name, found, "each column once", "keep one of the two")])
    return {name: list(column) for name, column in zip(table.names, table.columns, strict=True)}


def _each(
    study: Study, axes: list[Axis], what: str, read: Any, where: str, problems: list[Problem]
) -> dict[str, Any]:
    """Every site, weather or load that a case may name, read once."""
    effects = [effect for axis in axes for effect in axis.effects] + [study.changes]
    names = {str(effect[what]) for effect in effects if what in effect}
    stated = getattr(study, what)
    if isinstance(stated, str) and what != "site":
        names.add(stated)
    found = {}
    for name in sorted(names):
        try:
            found[name] = read(name)
        except InputError as error:
            place = f"{where} → {'axes.' if any(axis.name == what for axis in axes) else ''}{what}"
            problems += [Problem(place, p.found, p.allowed, p.remedy) for p in error.problems]
    return found


def _own_weather(study: Study, base: Site, where: str, problems: list[Problem]) -> Weather | None:
    """Weather of the base site, where the study names none."""
    if study.weather is not None:
        return None  # told already
    try:
        return load_weather(base.site.weather)
    except InputError as error:
        problems += [Problem(f"{where} → weather", p.found, p.allowed, p.remedy) for p in error.problems]
        return None


def _trace(name: str, boundary: str | None) -> Load | str | Path:
    """A load; of requests the file, since what they ask for depends on the racks of each case."""
    if name in loads():
        return name
    if boundary is None and is_request_trace(name):
        return Path(name).resolve()
    chosen: Boundary | None = boundary if boundary in get_args(Boundary) else None  # type: ignore[assignment]
    return load_trace(name, chosen)


def _steps(study: Study, weathers: list[Weather], where: str) -> int:
    """Steps of every case; series are kept on one axis of hours, so they must agree."""
    counts = {
        round(study.hours * HOUR_S / (study.step_s or air.step_s))
        if study.hours is not None
        else round(air.n * air.step_s / (study.step_s or air.step_s))
        for air in weathers
    }
    if len(counts) > 1 and study.hourly:
        found = "weather of " + " and ".join(f"{count:,}" for count in sorted(counts)) + " steps"
        allowed = "as many steps in every case where series are kept"
        raise InputError([Problem(f"{where} → hourly", found, allowed, "hours: 8760")])
    return max(counts)


def _distinct(axes: list[Axis], design: Array) -> tuple[Array, NDArray[np.int64]]:
    """Distinct rows of a design in the order of their first appearance, and the case of each row."""
    same = design.copy()
    for i, axis in enumerate(axes):
        if axis.labels:
            effects = [json.dumps(effect, sort_keys=True, default=str) for effect in axis.effects]
            first = np.array([float(effects.index(effect)) for effect in effects])
            same[:, i] = first[design[:, i].astype(np.int64)]
    _, index, inverse = np.unique(same, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(index)
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return same[index[order]], rank[inverse.ravel()]


_LABELS = ("site", "title", "name", "axes", "show")  # told apart elsewhere, or of no weight for the results


def _identity(
    study: Study,
    axes: list[Axis],
    design: Array,
    sites: Mapping[str, Site],
    weathers: Mapping[str, Weather],
    traces: Mapping[str, Load | str | Path],
) -> dict[str, str]:
    """Hashes of what decides the results, part by part, so that a difference can be named."""
    plain = {key: value for key, value in asdict(study).items() if key not in _LABELS}
    return {
        "settings": _digest(plain),
        "axes": _digest([asdict(axis) for axis in axes]),
        "cases": hashlib.sha256(np.ascontiguousarray(design).tobytes()).hexdigest()[:16],
        "site": _digest({name: site_key(site) for name, site in sites.items()}),
        "weather": _digest({name: air.key for name, air in weathers.items()}),
        "load": _digest({name: _load_key(trace) for name, trace in traces.items()}),
        "version": __version__,
    }


def _load_key(trace: Load | str | Path) -> str:
    if isinstance(trace, Path):
        return hashlib.sha256(read_bytes(trace, MAX_REQUESTS)).hexdigest()[:16]
    return trace if isinstance(trace, str) else trace.key


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
