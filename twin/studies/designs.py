"""Designs of a study: which combinations of its axes are cases.

A design is a matrix with a row per case and a column per axis; entries are numbers in the axis' unit, or positions of
named options. Sampled designs are seeded: the same study gives the same cases on every machine and any number of workers.
"""

import math
from typing import Any

import numpy as np
from twin_sites.errors import InputError, Problem, did_you_mean

from twin.studies.axes import Array, Axis

DESIGNS = {
    "factorial": "every combination",
    "zipped": "first with first, second with second",
    "random": "independent samples",
    "latin-hypercube": "samples that fill every axis evenly",
    "sobol": "samples for Sobol indices: samples × (axes + 2) cases",
    "morris": "trajectories for Morris screening: samples × (axes + 1) cases",
    "table": "the rows of a CSV file",
}
SAMPLED = ("random", "latin-hypercube", "sobol", "morris")
MOST_CASES = 5_000_000
LEVELS = 4  # of a Morris trajectory


def check_design(design: str, axes: list[Axis], samples: int | None, where: str) -> list[Problem]:
    """What keeps a design from being made of these axes."""
    if design not in DESIGNS:
        return [
            Problem(f"{where} → design", f"'{design}'", ", ".join(DESIGNS), did_you_mean(design, DESIGNS))
        ]
    problems = []
    if design in SAMPLED:
        if samples is None or not 1 <= samples <= MOST_CASES:
            found = "no number of samples" if samples is None else f"{samples:,}"
            problems.append(Problem(f"{where} → samples", found, f"1 to {MOST_CASES:,}", "samples: 256"))
        elif design == "sobol" and samples & (samples - 1):
            near = 2 ** round(np.log2(samples))
            problems.append(Problem(f"{where} → samples", f"{samples}", "a power of two", f"samples: {near}"))
        return problems
    spread = [axis.name for axis in axes if axis.spread is not None]
    if spread:
        more = f" (and {len(spread) - 1:,} more)" if len(spread) > 1 else ""
        found, allowed = f"a spread{more}", f"lists or ranges with a step in a {design} design"
        remedy = "add 'by …', or take design: latin-hypercube"
        problems.append(Problem(f"{where} → axes.{spread[0]}", found, allowed, remedy))
    if design == "zipped" and len({axis.size for axis in axes}) > 1:
        found = ", ".join(f"{axis.name} {axis.size}" for axis in axes)
        remedy = "lists of one length, or design: factorial"
        problems.append(Problem(f"{where} → axes", found, "as many values on every axis", remedy))
    count = cases_of(design, axes, samples) if design == "factorial" else 0
    if count > MOST_CASES:
        remedy = "coarser steps, or design: latin-hypercube"
        problems.append(Problem(f"{where} → axes", f"{count:,} cases", f"at most {MOST_CASES:,}", remedy))
    return problems


def cases_of(design: str, axes: list[Axis], samples: int | None) -> int:
    """Rows that a design of these axes will have, told before it is made."""
    if design in SAMPLED:
        return (samples or 1) * {"sobol": len(axes) + 2, "morris": len(axes) + 1}.get(design, 1)
    if design == "factorial":
        return math.prod(axis.size for axis in axes)
    return max((axis.size for axis in axes), default=0)


def matrix(design: str, axes: list[Axis], samples: int | None, seed: int) -> Array:
    """Cases of a design, shape (cases, axes); the first axis changes slowest in a factorial.

    Raises
    ------
    InputError
        Where the package for a sensitivity design is missing.
    """
    if design == "factorial":
        grids = np.meshgrid(*(axis.grid() for axis in axes), indexing="ij")
        return np.stack([grid.ravel() for grid in grids], axis=1)
    if design in ("zipped", "table"):
        return np.stack([axis.grid() for axis in axes], axis=1)
    share = shares(design, len(axes), samples or 1, seed)
    return np.stack([axis.sample(share[:, i]) for i, axis in enumerate(axes)], axis=1)


def shares(design: str, axes: int, samples: int, seed: int) -> Array:
    """Points of the unit cube."""
    if design == "random":
        return np.random.default_rng(seed).random((samples, axes))
    if design == "latin-hypercube":
        from scipy.stats.qmc import LatinHypercube

        return np.asarray(LatinHypercube(axes, rng=np.random.default_rng(seed)).random(samples))
    problem = unit_cube(axes)
    if design == "sobol":
        sobol = salib("sample.sobol")
        return np.asarray(sobol.sample(problem, samples, calc_second_order=False, seed=seed))
    morris = salib("sample.morris")
    return np.asarray(morris.sample(problem, samples, num_levels=LEVELS, seed=seed))


def unit_cube(axes: int) -> dict[str, Any]:
    """The problem that SALib is told about: every axis from 0 to 1."""
    return {"num_vars": axes, "names": [f"x{i}" for i in range(axes)], "bounds": [[0.0, 1.0]] * axes}


def salib(part: str) -> Any:
    """A module of SALib, which comes with the extra ``study``."""
    from importlib import import_module

    try:
        return import_module(f"SALib.{part}")
    except ModuleNotFoundError as error:
        remedy = "pip install 'facility-twin[study]'"
        raise InputError(
            [Problem("design", f"the package '{error.name}' is missing", "the extra 'study'", remedy)]
        ) from error
