"""What moves what in a study: spans of axes, Sobol and Morris indices, bands, regression against the weather."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from twin.studies.analysis import axis_names, case_table, value_text
from twin.studies.axes import Array
from twin.studies.designs import LEVELS, salib, shares, unit_cube

GROUPS = 5  # of equal size, of a sampled axis
MOST_FEW = 30  # cases, below which ranks say little
BAND = (5.0, 50.0, 95.0)


class Span(NamedTuple):
    """How far the mean of a number moves along an axis, the other axes as the design has them."""

    axis: str
    lowest: float
    highest: float
    at_lowest: str
    at_highest: str


def spans(ds: xr.Dataset, name: str) -> list[Span]:
    """Span of every axis that varies, the widest first: the bars of a tornado.

    Options and grids are taken one by one; samples of a number in fifths.
    """
    table = case_table(ds)
    out = []
    for axis in axis_names(ds):
        values = table[axis]
        if values.nunique() < 2:
            continue
        group: Any = values
        if values.nunique() > 4 * GROUPS and "case" in ds.dims and values.dtype.kind in "fi":
            import pandas as pd

            group = pd.qcut(values, GROUPS, duplicates="drop")
        means = table[name].groupby(group, observed=True).mean().dropna()
        if len(means):
            low, high = means.idxmin(), means.idxmax()
            out.append(
                Span(
                    axis,
                    float(means.min()),
                    float(means.max()),
                    *(_end(ds, axis, end) for end in (low, high)),
                )
            )
    return sorted(out, key=lambda span: span.lowest - span.highest)


def _end(ds: xr.Dataset, axis: str, end: Any) -> str:
    """A value of an axis with its unit; a fifth of the samples as it is."""
    return str(end) if hasattr(end, "left") else value_text(ds, axis, end)


def band(ds: xr.Dataset, name: str) -> tuple[float, float, float]:
    """5, 50 and 95 % of a number over the cases of a study that are done."""
    values = ds[name].values.ravel()
    low, middle, high = np.percentile(values[np.isfinite(values)], BAND)
    return float(low), float(middle), float(high)


def indices(ds: xr.Dataset, name: str) -> dict[str, dict[str, float]] | None:
    """Sobol indices (``S1``, ``ST``) or Morris measures (``mu_star``, ``sigma``) by axis; None for another design,
    or where a case is missing.

    Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018; Campolongo et al. 2007, doi:10.1016/j.envsoft.2006.10.004.
    """
    study, axes = ds.attrs["study"], axis_names(ds)
    values = ds[name].values.ravel()
    if study["design"] not in ("sobol", "morris") or not np.isfinite(values).all():
        return None
    problem = unit_cube(len(axes))
    if np.ptp(values) == 0.0:
        return {
            axis: dict.fromkeys(("S1", "ST") if study["design"] == "sobol" else ("mu_star", "sigma"), 0.0)
            for axis in axes
        }
    if study["design"] == "sobol":
        found = salib("analyze.sobol").analyze(problem, values, calc_second_order=False, seed=study["seed"])
        keys = ("S1", "ST")
    else:
        cube = shares("morris", len(axes), study["samples"], study["seed"])
        found = salib("analyze.morris").analyze(problem, cube, values, num_levels=LEVELS, seed=study["seed"])
        keys = ("mu_star", "sigma")
    return {axis: {key: float(found[key][i]) for key in keys} for i, axis in enumerate(axes)}


class Rank(NamedTuple):
    """How a number follows an axis over the samples."""

    axis: str
    correlation: float  # of ranks, -1 to 1
    at_low: float  # mean of the number in the lowest fifth of the axis
    at_high: float  # and in the highest


def ranks(ds: xr.Dataset, name: str) -> list[Rank]:
    """Axes that a number follows, the closest first: rank correlations that chance gives in fewer than one of 400 axes.

    Spearman's coefficient, whose standard error without a relation is 1/sqrt(n - 1); three of them are asked for. Empty
    for designs that are not sampled, and of fewer than thirty cases.
    """
    if ds.attrs["study"]["design"] not in ("random", "latin-hypercube"):
        return []
    table = case_table(ds)
    table = table[table[name].notna()]
    if len(table) < MOST_FEW or table[name].nunique() < 2:
        return []
    order, out = table[name].rank(), []
    for axis in axis_names(ds):
        if table[axis].dtype.kind not in "fi" or table[axis].nunique() < 2:
            continue
        place = table[axis].rank()
        r = float(np.corrcoef(order, place)[0, 1])
        if abs(r) * np.sqrt(len(table) - 1) > 3.0:
            fifth = len(table) / GROUPS
            low, high = table[name][place <= fifth].mean(), table[name][place > len(table) - fifth].mean()
            out.append(Rank(axis, r, float(low), float(high)))
    return sorted(out, key=lambda rank: -abs(rank.correlation))


class Line(NamedTuple):
    """A straight line through the cases and how much of their variance it explains."""

    intercept: float
    slope: float  # per 1,000 K h
    r2: float


def against_degree_hours(ds: xr.Dataset, name: str, which: str = "wet_bulb_degree_hours") -> Line | None:
    """Least squares of a number on the degree hours of its weather; None with fewer than three climates."""
    if "weather" not in axis_names(ds):
        return None
    facts = ds.attrs["weather_facts"]
    table = case_table(ds)[["weather", name]].dropna()
    if table["weather"].nunique() < 3:
        return None
    x: Array = np.array([facts[place][which] for place in table["weather"]]) / 1000.0
    y = table[name].to_numpy(dtype=float)
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return None
    slope, intercept = np.polyfit(x, y, 1)
    left = y - intercept - slope * x
    return Line(float(intercept), float(slope), float(1.0 - left.var() / y.var()))
