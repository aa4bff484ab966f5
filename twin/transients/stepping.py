"""One step in time: second order, L-stable, racks eliminated into their loop and loops into the plant.

The two-stage Rosenbrock form of SDIRK2 (Verwer, Spee, Blom, Hundsdorfer, SIAM J. Sci. Comput. 20, 1999) is of second
order with any matrix in place of the Jacobian, so that the matrix may be old:

    (I − γhA) k₁ = f(y)
    (I − γhA) k₂ = f(y + h k₁) − 2 k₁        y⁺ = y + 3/2 h k₁ + 1/2 h k₂        γ = 1 − 1/√2

Every rack is solved for its own two increments given that of the coolant it gets; what remains of a group is one number
per sum it hands over, a change of rank one to the plant's matrix. No matrix over racks exists.
"""

from typing import Any, NamedTuple

import numpy as np
from twin_models.streams import Array

from twin.transients.chips import Rows, Slopes
from twin.transients.flows import Flows
from twin.transients.plant import Plant

GAMMA = 1.0 - 0.5**0.5
MATRIX_AGE = 32  # steps after which the matrix is renewed
KEPT_INVERSES = 24
FLOW_MOVED = 0.03  # change of a flow that renews it


class Taken(NamedTuple):
    """A step tried: the state at its end, and how far first and second order are apart."""

    y: Array
    chips: list[Array]
    outs: list[Array]
    error: float  # K, or hundredths of an actuator's stroke


class Stepper:
    """State of the whole facility and how it moves on."""

    def __init__(self, plant: Plant, flows: Flows, rows: list[Rows]) -> None:
        self.plant, self.flows, self.rows = plant, flows, rows
        self.y = np.zeros(len(plant.labels))
        self.now = 0.0
        self.scale = np.array([_scale(label) for label in plant.labels])
        self.entering = [self._entering(rows) for rows in rows]
        self._matrix: Array = np.zeros((0, 0))
        self._sums_matrix: Array = np.zeros((0, 0))
        self._inverse: Any = np.zeros((0, 0))
        self._inverses: dict[float, Any] = {}  # by step
        self._gh = 0.0
        self._age = MATRIX_AGE
        self._flow_at: list[float] = []
        self._rates: tuple[Array, list[Array], list[Array]] = (np.zeros(0), [], [])  # at the state of now

    def _entering(self, rows: Rows) -> int:
        """Place of what enters the packages of a group in the vector; inlet air is a mix and has none."""
        if rows.liquid and rows.node.loop is not None:
            return self.plant.by_name[rows.node.loop].out
        return -1

    def temperatures(self, rows: Rows, y: Array | list[float]) -> tuple[float, float]:
        """°C that enter a group's packages and its coolant."""
        liquid = y[self.plant.by_name[rows.node.loop].out] if rows.node.loop is not None else 0.0
        if rows.liquid:
            return liquid, liquid
        return self.plant.inlet(self.plant.by_name[rows.node.room], y), liquid

    def forget(self) -> None:
        """Something changed by a jump: nothing worked out before holds."""
        self._age = MATRIX_AGE

    def prepare(self, step: float) -> None:
        """Flows, tangents, matrix and rates for a step from now."""
        y = self.y.tolist()
        self.flows.set(y, self.now, step)
        for rows in self.rows:
            rows.hold(self.temperatures(rows, y)[0], step)
        self.plant.follow(y, self.now)
        flow = [v.flow for v in self.plant.volumes]
        moved = len(flow) != len(self._flow_at) or any(
            abs(a - b) > FLOW_MOVED * b for a, b in zip(flow, self._flow_at, strict=True)
        )
        if self._age >= MATRIX_AGE or moved:
            self._renew(y)
            self._flow_at = flow
        gh = GAMMA * step
        if gh != self._gh:
            if gh not in self._inverses:
                if len(self._inverses) > KEPT_INVERSES:
                    self._inverses.clear()
                self._inverses[gh] = np.linalg.inv(np.eye(self.y.size) - gh * self._matrix)
            self._inverse, self._gh = self._inverses[gh], gh
        self._age += 1
        self._rates = self.rates(self.y, [rows.chip for rows in self.rows], [rows.out for rows in self.rows])

    def _renew(self, y: list[float]) -> None:
        """Matrix of the plant and of what the sums do to it, by differences: all columns in one call."""
        n, groups = self.y.size, len(self.rows)
        columns = n + 3 * groups
        steps = np.full(columns, 1e-4)
        steps[n:] = 1.0
        fields = np.repeat(np.array(y)[:, None], columns + 1, axis=1)
        fields[np.arange(n), np.arange(1, n + 1)] += steps[:n]
        sums = []
        for g, rows in enumerate(self.rows):
            rows.matrix_rate = rows.rate
            found = rows.rates(rows.chip, rows.out, *self.temperatures(rows, y))[2]
            wide = np.repeat(np.array(found)[:, None], columns + 1, axis=1)
            wide[np.arange(3), n + 1 + 3 * g + np.arange(3)] += 1.0
            sums.append((wide[0], wide[1], wide[2]))
        loads = [feeder.load for feeder in self.plant.feeders]
        rates = np.array([np.broadcast_to(row, columns + 1) for row in self.plant.rates(list(fields), sums)])
        for feeder, load in zip(self.plant.feeders, loads, strict=True):
            feeder.load = load
        slopes = (rates[:, 1:] - rates[:, :1]) / steps
        self._matrix, self._sums_matrix = slopes[:, :n], slopes[:, n:]
        self._age, self._gh = 0, 0.0
        self._inverses.clear()

    def rates(
        self, y: Array, chips: list[Array], outs: list[Array]
    ) -> tuple[Array, list[Array], list[Array]]:
        """d/dt of everything."""
        values = y.tolist()
        sums, d_chips, d_outs = [], [], []
        for rows, chip, out in zip(self.rows, chips, outs, strict=True):
            d_chip, d_out, found = rows.rates(chip, out, *self.temperatures(rows, values))
            d_chips.append(d_chip)
            d_outs.append(d_out)
            sums.append(found)
        return np.array(self.plant.rates(values, sums)), d_chips, d_outs

    def attempt(self, step: float) -> Taken:
        """Try a step; `prepare` came before."""
        chips, outs = [rows.chip for rows in self.rows], [rows.out for rows in self.rows]
        k1, c1, w1 = self._solve(*self._rates, step)
        ahead = self.y + step * k1
        f, fc, fw = self.rates(
            ahead,
            [c + step * k for c, k in zip(chips, c1, strict=True)],
            [w + step * k for w, k in zip(outs, w1, strict=True)],
        )
        k2, c2, w2 = self._solve(
            f - 2.0 * k1,
            [a - 2.0 * b for a, b in zip(fc, c1, strict=True)],
            [a - 2.0 * b for a, b in zip(fw, w1, strict=True)],
            step,
        )
        half = 0.5 * step
        error = float(np.max(np.abs(half * (k1 + k2)) * self.scale))
        for a, b in zip(c1, c2, strict=True):
            error = max(error, float(np.max(np.abs(half * (a + b)))))
        return Taken(
            self.y + half * (3.0 * k1 + k2),
            [c + half * (3.0 * a + b) for c, a, b in zip(chips, c1, c2, strict=True)],
            [w + half * (3.0 * a + b) for w, a, b in zip(outs, w1, w2, strict=True)],
            error,
        )

    def _solve(
        self, r: Array, r_chips: list[Array], r_outs: list[Array], step: float
    ) -> tuple[Array, list[Array], list[Array]]:
        """Stage equations: racks in terms of their coolant, the plant with what they add, then racks again."""
        gh = GAMMA * step
        slopes: list[Slopes] = [
            rows.eliminate(gh, a, b) for rows, a, b in zip(self.rows, r_chips, r_outs, strict=True)
        ]
        right = r
        for g, one in enumerate(slopes):
            right = right + gh * (self._sums_matrix[:, 3 * g : 3 * g + 3] @ one.sums[0])
        k = self._inverse @ right
        coupled = [g for g, place in enumerate(self.entering) if place >= 0]
        if coupled:
            u = np.stack(
                [
                    self._inverse @ (gh * (self._sums_matrix[:, 3 * g : 3 * g + 3] @ slopes[g].sums[1]))
                    for g in coupled
                ],
                axis=1,
            )
            places = [self.entering[g] for g in coupled]
            k = k + u @ np.linalg.solve(np.eye(len(places)) - u[places], k[places])
        chips, outs = [], []
        for place, one in zip(self.entering, slopes, strict=True):
            entering = float(k[place]) if place >= 0 else 0.0
            chips.append(one.chip[0] + one.chip[1] * entering)
            outs.append(one.coolant[0] + one.coolant[1] * entering)
        return k, chips, outs

    def accept(self, taken: Taken, step: float) -> None:
        """Move on to the end of a step."""
        self.flows.settle(self.y.tolist(), self.now, step)
        self.y = taken.y
        for rows, chip, out in zip(self.rows, taken.chips, taken.outs, strict=True):
            rows.chip, rows.out = chip, out
        self.now += step

    def until_limit(self) -> float:
        """s until the first package meets its throttling or shutdown limit, if it went on as now."""
        values = self.y.tolist()
        return min(
            (rows.until_limit(self.temperatures(rows, values)[0]) for rows in self.rows), default=np.inf
        )

    def ledger(self) -> Array:
        """J drawn from utility and batteries, and J given to outdoor air, since the start."""
        y, plant = self.y, self.plant
        return np.array([y[plant.meter] + y[plant.battery], y[plant.rejected]])

    def strayed(self, taken: Taken, factor: float) -> bool:
        """Whether a step left the region in which the machines' tangents hold."""
        return self.plant.strayed(taken.y.tolist(), factor)

    def stored(self) -> float:
        """J over 0 °C."""
        return self.plant.stored(self.y) + sum(rows.stored() for rows in self.rows)


def _scale(label: str) -> float:
    """What of an entry's error counts as one kelvin."""
    if label.startswith("heat.") or label.endswith(".sensor"):
        return 1.0
    return 0.0 if label.startswith("ledger.") else 20.0
