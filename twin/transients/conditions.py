"""Conditions that must hold for so long: since when one has held is found within the step, not at its end."""

import math


class Held:
    """Since when all of some margins have been above zero; infinite while one is not.

    Margins go on a straight line over a step, so the moment is found to second order in it, as the step itself is.
    """

    def __init__(self) -> None:
        self.since = math.inf
        self._before: tuple[float, ...] | None = None

    def note(self, now: float, step: float, margins: tuple[float, ...]) -> None:
        """Take the margins at the end of a step of ``step`` seconds."""
        before, self._before = self._before, margins
        if not all(one > 0.0 for one in margins):
            self.since = math.inf
        elif self.since == math.inf:
            passed = (
                [a / (a - b) for a, b in zip(before, margins, strict=True) if a <= 0.0] if before else [0.0]
            )
            self.since = now - step * (1.0 - max(passed, default=0.0))

    def forget(self) -> None:
        """Something else changed: it has to hold anew."""
        self.since, self._before = math.inf, None
