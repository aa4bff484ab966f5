"""Which cases of a study keep their series: all, those at some values of its axes, or a number of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.problems import said
from twin_sites.schema import Site

from twin.studies.axes import Array, Axis, read_axis
from twin.studies.file import Study

SAME = 1e-9  # relative, of numbers that are one value written in two units


def rows_kept(study: Study, site: Site, axes: list[Axis], design: Array, where: str) -> NDArray[np.bool_]:
    """Rows of a design whose series are kept, shape (rows,).

    Raises
    ------
    InputError
        For an axis or a value that the study does not have, a number that is none, and where no case is left.
    """
    wanted, place = study.hourly_of, f"{where} → hourly_of"
    every = np.ones(len(design), dtype=np.bool_)
    if wanted is None:
        return every & bool(study.hourly)
    if not study.hourly:
        raise InputError([Problem(place, "no series to keep", "with 'hourly'", "hourly: [site_power]")])
    if not isinstance(wanted, Mapping):
        if not 1 <= wanted <= len(design):
            raise InputError([Problem(place, f"{wanted:,} cases", f"1 to {len(design):,}", "hourly_of: 12")])
        every[:] = False
        every[np.linspace(0, len(design) - 1, wanted).round().astype(np.int64)] = True
        return every
    by_name = {axis.name: i for i, axis in enumerate(axes)}
    problems = []
    for name, values in wanted.items():
        if name not in by_name:
            remedy = did_you_mean(str(name), by_name)
            problems.append(Problem(place, f"the axis '{name}'", ", ".join(by_name), remedy))
            continue
        try:
            i = by_name[name]
            every &= _among(site, axes[i], design[:, i], values, f"{place}.{name}")
        except InputError as error:
            problems += error.problems
    if not problems and not every.any():
        problems.append(Problem(place, "no case has all these values", "values that meet in a case"))
    if problems:
        raise InputError(problems)
    return every


def kept_first(
    cases: Array, case_of: NDArray[np.int64], rows: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.int64], int]:
    """Cases with those that keep series in front, so that their chunks are written whole; and how many these are."""
    wanted = np.zeros(len(cases), dtype=np.bool_)
    wanted[case_of[rows]] = True
    order = np.argsort(~wanted, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    return cases[order], rank[case_of], int(wanted.sum())


def _among(site: Site, axis: Axis, column: Array, values: Any, where: str) -> NDArray[np.bool_]:
    """Rows whose value of an axis is one of those wanted."""
    if axis.spread is not None:
        raise InputError([Problem(where, "a spread", "axes with steps or names", "hourly_of: 12")])
    grid, shown = axis.grid(), axis.shown(axis.grid())
    rows = np.zeros(column.size, dtype=np.bool_)
    problems = []
    for item in values if isinstance(values, list | tuple) else [values]:
        if axis.labels:
            text = {True: "yes", False: "no"}[item] if isinstance(item, bool) else str(item)
            found = grid[shown == text]
        else:
            read = read_axis(site, axis.name, item, where)
            same = np.isclose(grid[:, None], read.grid(), rtol=SAME, atol=0.0).any(axis=1)
            found = grid[same & (read.prefix == axis.prefix)]
        if not found.size:
            known = ", ".join(f"{axis.prefix}{value}" for value in shown[:12].tolist()) + (
                " …" if len(shown) > 12 else ""
            )
            near = did_you_mean(str(item), axis.labels) if axis.labels else ""
            problems.append(Problem(where, said(item), f"{known} {axis.unit.strip('1')}".rstrip(), near))
        rows |= np.isin(column, found)
    if problems:
        raise InputError(problems)
    return rows
