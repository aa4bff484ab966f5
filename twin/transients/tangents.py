"""Machines in small: each as its value and slopes at a point, renewed from its own model when its inputs move away.

A machine costs a tenth of a millisecond to evaluate and moves little within a second. Slopes and value come from one
vectorised call. A tangent is renewed where an input leaves its trust region, and in any case once it is old, so that a
facility at rest stands on the models themselves.
"""

from collections.abc import Callable, Sequence

import numpy as np
from twin_models.streams import Array

Point = tuple[float, ...]
MISSED = 5e-4  # relative error of a value at which a trust region is too wide
NEAR = 0.02  # of its trust region: nearer than that an old tangent is as good as a new one
FARTHEST = 6.0  # times its stated width to which it may grow


class Tangent:
    """First-order expansion of ``function(*inputs) -> rows`` around a point.

    ``function`` takes one array per input, all of one shape (n,), and returns an array (outputs, n). ``widths`` are the
    steps with which slopes are taken, and ``trust`` how far an input may move; both may be per input, a trust below
    zero is relative to the input.
    """

    def __init__(
        self,
        function: Callable[..., Array],
        widths: Sequence[float],
        trust: Sequence[float],
        highs: Sequence[float],
    ) -> None:
        self.function, self.widths, self.trust = function, widths, trust
        self.highs = highs
        self.point: Point = ()
        self.value: list[float] = []
        self.slope: list[list[float]] = []
        self.plane: list[
            list[float]
        ] = []  # of the first four outputs: value where all inputs are 0, and slopes
        self.born = -1e99
        self.reach = 1.0  # by which the trust region is wider than stated
        self.exact = False  # renew at every call: what oracles compare with

    def renew(self, point: Point, now: float) -> None:
        """Evaluate value and slopes at a point."""
        n = len(point)
        at = np.array(point, dtype=float)
        inputs = np.empty((n, n + 1))
        inputs[:] = at[:, None]
        steps = []
        for i, (x, width, high) in enumerate(zip(point, self.widths, self.highs, strict=True)):
            step = width if width > 0.0 else -width * max(abs(x), 1e-9)
            step = -step if x + step > high else step
            inputs[i, i + 1] += step
            steps.append(step)
        rows = self.function(*inputs)
        value: list[float] = rows[:, 0].tolist()
        if self.point and not self.exact:
            self._learn(point, value)
        self.point, self.born, self.value = point, now, value
        slope = (rows[:, 1:] - rows[:, :1]) / steps
        self.slope = slope.tolist()
        origin = (rows[:4, 0] - slope[:4] @ at).tolist()
        self.plane = [[zero, *by] for zero, by in zip(origin, self.slope, strict=False)]

    def _learn(self, point: Point, found: list[float]) -> None:
        """Widen or narrow the trust region by how well the old tangent foretold the new value."""
        missed = 0.0
        for (zero, *slopes), value in zip(self.plane, found, strict=False):
            foretold = zero + sum(s * x for s, x in zip(slopes, point, strict=True))
            missed = max(missed, abs(foretold - value) / max(abs(value), 1e-9))
        if self.far(point) and missed < 0.25 * MISSED:
            self.reach = min(1.5 * self.reach, FARTHEST)
        elif missed > MISSED:
            self.reach = max(0.5 * self.reach, 1.0)

    def far(self, point: Point, factor: float = 1.0) -> bool:
        """Whether a point lies outside the trust region, widened by a factor."""
        for x, x0, trust in zip(point, self.point, self.trust, strict=True):
            if abs(x - x0) > factor * self.reach * (trust if trust > 0.0 else -trust * abs(x0)):
                return True
        return False

    def follow(self, point: Point, now: float, age: float) -> None:
        """Renew where the point is out of trust, or where the tangent is old and the point has moved."""
        if (
            not self.point
            or self.exact
            or self.far(point)
            or (now - self.born > age and self.far(point, NEAR))
        ):
            self.renew(point, now)
