"""What a worker does: a chunk of cases in, their numbers out. The same function runs in this process, a pool or a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from twin_sites.errors import InputError
from twin_sites.loader import change_site
from twin_sites.schema import Site

from twin import __version__
from twin.annual import simulate
from twin.errors import RunError
from twin.metrics import Summary, summarize
from twin.run_report import NAMES
from twin.studies.axes import Array
from twin.studies.plan import Recipe

TODO, DONE, FAILED = 0, 1, 2
ERROR_BYTES = 600  # kept of a failing case's message
_ENERGY = "energy_kwh"
_TEXT = (str, list[str])  # fields of a summary that are no number; of the warnings their count is kept
SUMMARY = tuple(
    name
    for item in fields(Summary)
    if item.type not in _TEXT or item.name == "warnings"
    for name in ([f"{_ENERGY}.{use}" for use in NAMES] if item.name == _ENERGY else [item.name])
)


@dataclass
class Chunk:
    """Results of neighbouring cases."""

    summary: Array  # (cases, fields of SUMMARY), NaN where undefined
    status: NDArray[np.uint8]
    errors: list[str]
    hourly: NDArray[np.float32]  # (cases kept, variables, steps)
    percentiles: Array  # (cases, variables, percentiles)


def run_chunk(recipe: Recipe, rows: Array, steps: int = 0, kept: int = 0) -> Chunk:
    """Compute the cases of ``rows``, shape (cases, axes); a case that fails is recorded and the others go on.

    Series of ``steps`` values are kept of the first ``kept`` cases.

    Raises
    ------
    RunError
        Where this worker runs another version than the one that planned the study.
    """
    if recipe.version != __version__:
        raise RunError(f"a worker runs version {__version__}, the study was planned by {recipe.version}")
    study, n = recipe.study, len(rows)
    out = Chunk(
        np.full((n, len(SUMMARY)), np.nan),
        np.full(n, DONE, dtype=np.uint8),
        [""] * n,
        np.full((kept, len(study.hourly), steps), np.nan, dtype=np.float32),
        np.full((n, len(study.percentiles), len(study.at)), np.nan),
    )
    for i, row in enumerate(rows):
        try:
            ds = run_case(recipe, row)
            out.summary[i] = numbers(summarize(ds))
            for j, name in enumerate(study.hourly if i < kept else ()):
                series = _series(ds, name)
                out.hourly[i, j, : series.size] = series
            for j, name in enumerate(study.percentiles):
                out.percentiles[i, j] = np.percentile(_series(ds, name), study.at)
        except (MemoryError, OSError):
            raise  # of the machine, not of the case: to be done again
        except Exception as error:  # a case must not take the others with it
            kind = "" if isinstance(error, InputError | RunError) else f"{type(error).__name__}: "
            out.status[i], out.errors[i] = FAILED, f"{kind}{error}"
            out.summary[i] = np.nan
    return out


def run_case(recipe: Recipe, row: Array) -> xr.Dataset:
    """Simulate one case of a study; ``row`` holds a value per axis."""
    effects: dict[str, Any] = dict(recipe.study.changes)
    for axis, value in zip(recipe.axes, row, strict=True):
        effects |= axis.changes(float(value))
    site = recipe.sites[str(effects.pop("site", ""))]
    air = recipe.weathers[str(effects.pop("weather", recipe.study.weather or ""))]
    own = "" if "" in recipe.loads and site is recipe.sites[""] and "load.trace" not in effects else None
    trace = effects.pop("load", recipe.study.load if recipe.study.load is not None else own)
    return simulate(
        _changed(site, tuple(effects.items())),
        weather=air,
        load=recipe.loads[str(trace)] if trace is not None else None,
        hours=recipe.study.hours,
        step_s=recipe.study.step_s,
        start=recipe.study.start,
    )


class _ById:
    """A site compared by identity, so that a cache need not read all of it."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __hash__(self) -> int:
        return id(self.site)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.site is self.site


def _changed(site: Site, effects: tuple[tuple[str, Any], ...]) -> Site:
    """The site of a case; those of the last few are kept, since weather changes more often than the site."""
    try:
        return _cached(_ById(site), effects)
    except TypeError:  # a list as value
        return change_site(site, dict(effects))


@lru_cache(maxsize=64)
def _cached(site: _ById, effects: tuple[tuple[str, Any], ...]) -> Site:
    return change_site(site.site, dict(effects))


def numbers(summary: Summary) -> list[float]:
    """Numeric fields of a summary in the order of ``SUMMARY``; mappings other than energies count as their largest."""
    out = []
    for item in fields(Summary):
        value = getattr(summary, item.name)
        if item.type in _TEXT and item.name != "warnings":
            continue
        if item.name == _ENERGY:
            out += [float(value.get(use, np.nan)) for use in NAMES]
        elif isinstance(value, Mapping):
            out.append(max(value.values(), default=0.0))
        elif isinstance(value, list):
            out.append(float(len(value)))
        else:
            out.append(np.nan if value is None else float(value))
    return out


def _series(ds: xr.Dataset, name: str) -> Array:
    """A series of a result: ``site_power``, or ``loop_supply_temperature:fws``."""
    head, _, member = name.partition(":")
    if not member:
        return np.asarray(ds[head].values)
    dim = str(ds[head].dims[0])
    known = [str(item) for item in ds[dim].values]
    if member not in known:
        raise RunError(f"{name}: no such {dim}; there are {', '.join(known)}")
    return np.asarray(ds[head].values[known.index(member)])
