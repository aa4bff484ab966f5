"""The inverse of a machine: where a function rising with the actuator meets zero, all time steps at once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twin_models.streams import Array

STEPS = 40  # at most: five to eight are usual


def rising_root(
    f: Callable[[Array], Any],
    low: Array,
    high: Array,
    f_low: Array,
    f_high: Array,
    tolerance: float,
    start: Array | None = None,
) -> Array:
    """Root of ``f`` between ``low`` and ``high``: secant steps; where these do not close in at once, regula falsi with
    the weights of Anderson and Björck (1973), which cannot fail.

    All arrays have one shape. Elements whose bracket holds no sign change keep the end nearer to the root.
    The steps end when every remaining ``|f|`` is below ``tolerance``.
    """
    open_ = (f_low < 0.0) & (f_high > 0.0)
    root = np.where(f_high <= 0.0, high, low)
    if not open_.any():
        return root
    a, b, fa, fb = low, high, np.where(open_, f_low, -1.0), np.where(open_, f_high, 1.0)
    c = start if start is not None else b - fb * (b - a) / (fb - fa)
    found = _secant(lambda x: np.where(open_, f(x), 0.0), a, b, fb, c, tolerance)
    if found is not None:
        return np.where(open_, found, root)
    before = np.zeros_like(c)
    for _ in range(STEPS):
        fc = np.where(open_, f(c), 0.0)
        if np.max(np.abs(fc)) < tolerance:
            break
        left = fc < 0.0
        # An end that stays twice running is weighed down by the fall of the new value, so that none sticks.
        gone = np.where(left, fa, fb)
        weight = 1.0 - fc / np.where(gone == 0.0, 1.0, gone)
        weight = np.where(before * fc > 0.0, np.where(weight > 0.0, weight, 0.5), 1.0)
        a, fa, b, fb = (
            np.where(left, c, a),
            np.where(left, fc, fa * weight),
            np.where(left, b, c),
            np.where(left, fb * weight, fc),
        )
        before = fc
        c = np.clip(b - fb * (b - a) / (fb - fa), a, b)
    return np.where(open_, c, root)


def _secant(
    f: Callable[[Array], Array], low: Array, high: Array, f_high: Array, first: Array, tolerance: float
) -> Array | None:
    """Root from ``high`` and ``first`` by plain secant steps; None when two of them do not halve the largest ``|f|``."""
    b, fb, c = high, f_high, np.clip(first, low, high)
    before, last = np.inf, np.inf
    for _ in range(STEPS):
        fc = f(c)
        worst = float(np.max(np.abs(fc)))
        if worst < tolerance:
            return c
        if not worst < 0.5 * before:
            return None
        before, last = last, worst
        change = fc - fb
        step = fc * (c - b) / np.where(change == 0.0, 1.0, change)
        b, fb, c = c, fc, np.clip(c - step, low, high)
    return None
