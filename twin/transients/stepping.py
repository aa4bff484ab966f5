"""One step in time: second order, L-stable, racks eliminated into their loop and loops into the plant.

The two-stage Rosenbrock form of SDIRK2 (Verwer, Spee, Blom, Hundsdorfer, SIAM J. Sci. Comput. 20, 1999) is of second
order with any matrix in place of the Jacobian, so that the matrix may be old:

    (I − γhA) k₁ = f(y)
    (I − γhA) k₂ = f(y + h k₁) − 2 k₁        y⁺ = y + 3/2 h k₁ + 1/2 h k₂        γ = 1 − 1/√2

Every rack is solved for its own two increments given that of the coolant it gets; what remains of a group is one number
per sum it hands over, a change of rank one to the plant's matrix. No matrix over racks exists.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs
from twin_models.streams import Array

from twin.transients.chips import Rows
from twin.transients.elimination import Slopes, eliminate, moved
from twin.transients.flows import Flows
from twin.transients.plant import Plant
from twin.transients.rates import Found, Held
from twin.transients.within import Path, follow

GAMMA = 1.0 - 0.5**0.5
MATRIX_AGE = 32  # steps after which the matrix is renewed
KEPT_STEPS = 24  # lengths of a step for which it is kept
FLOW_MOVED = 0.03  # change of a flow that renews it


class Taken(NamedTuple):
    """A step tried: the state at its end, and how far first and second order are apart."""

    y: Array
    chips: list[Array]
    outs: list[Array]
    paths: list[Path]  # of the racks; none where a limit binds a package
    error: float  # K, or hundredths of an actuator's stroke


class Eliminated(NamedTuple):
    """Stage equations for one length of the step, solved as far as they can be without their right-hand sides."""

    slopes: list[Slopes | None]
    by_sums: Array  # right-hand side of the plant by the racks' sums
    factors: tuple[Array, Array]  # of the plant's stage matrix with the racks in it: LU and pivots


class Stepper:
    """State of the whole facility and how it moves on."""

    def __init__(self, plant: Plant, flows: Flows, rows: list[Rows]) -> None:
        self.plant, self.flows, self.rows = plant, flows, rows
        self.held = Held(plant)
        self.y = np.zeros(len(plant.labels))
        self.now = 0.0
        self.before, self.length = self.y, 0.0  # where the last step began, and its length in s
        self.scale = np.array([_scale(label) for label in plant.labels])
        self.entering = [self._entering(rows) for rows in rows]
        self._matrix: Array = np.zeros((0, 0))
        self._sums_matrix: Array = np.zeros((0, 0))
        self._eliminated: dict[float, Eliminated] = {}  # by step
        self._solved = Eliminated([], self._matrix, (self._matrix, self._matrix))
        self._weights = self.scale  # of each entry's error, packages and coolants included
        self._drift = np.zeros(self.y.size)  # of the vector per second, over the last step
        self._age = MATRIX_AGE
        self._flow_at: list[float] = []  # and conductances and flows of racks, on which the matrices stand
        self._marks: list[tuple[Array, Array]] = []
        self._sums = np.zeros(0)  # of the racks as last worked out
        self.found: Found  # of the plant, as last worked out
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
        self._drift = np.zeros(self.y.size)
        self._age = MATRIX_AGE

    def prepare(self, step: float) -> None:
        """Flows, tangents, matrix and rates for a step from now."""
        y = self.y.tolist()
        self.flows.set(y, self.now, step, (self.y + (0.25 * step) * self._drift).tolist())
        for rows in self.rows:
            rows.hold(self.temperatures(rows, y)[0], step)
        self.plant.follow(y, self.now)
        self.held.take()
        flow = [v.flow for v in self.plant.volumes] + [v.flow + v.local for v in self.plant.volumes if v.tank]
        if self._age >= MATRIX_AGE or any(
            abs(a - b) > FLOW_MOVED * b for a, b in zip(flow, self._flow_at, strict=True)
        ):
            self._renew(y)
            self._flow_at = flow
        if not self._eliminated or any(moved(*pair) for pair in zip(self.rows, self._marks, strict=True)):
            self._marks = [(rows.conductance, rows.rate) for rows in self.rows]
            self._eliminated.clear()
        if step not in self._eliminated:
            if len(self._eliminated) >= KEPT_STEPS:
                self._eliminated.clear()
            self._eliminated[step] = self._eliminate(GAMMA * step)
        self._solved = self._eliminated[step]
        self._age += 1
        chips, outs = [rows.chip for rows in self.rows], [rows.out for rows in self.rows]
        self._rates = self.rates(self.y, chips, outs)

    def _renew(self, y: list[float]) -> None:
        """Matrix of the plant and of what the sums do to it, by differences: all columns in one call."""
        n = self.y.size
        sums = [rows.rates(rows.chip, rows.out, *self.temperatures(rows, y))[2] for rows in self.rows]
        steps = np.concatenate([np.full(n, 1e-4), np.ones(3 * len(sums))])
        columns = np.arange(steps.size)
        fields = np.repeat(np.concatenate([y, np.ravel(sums)])[:, None], steps.size + 1, axis=1)
        fields[columns, columns + 1] += steps
        rates = self.held.rates(fields[:n], fields[n:]).d
        slopes = (rates[:, 1:] - rates[:, :1]) / steps
        self._matrix, self._sums_matrix = slopes[:, :n], slopes[:, n:]
        sizes = [rows.chip.size for rows in self.rows]
        self._weights = np.concatenate([self.scale, np.ones(sum(sizes)), np.zeros(sum(sizes))])
        self._age = 0
        self._eliminated.clear()

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
        self._sums = np.array(sums).ravel()
        self.found = self.held.rates(y[:, None], self._sums[:, None])
        return self.found.d[:, 0], d_chips, d_outs

    def attempt(self, step: float, spans: Array | None = None) -> Taken:
        """Try a step; `prepare` came before. Spans are those in which racks are followed within it."""
        gh = GAMMA * step
        start = _fuse(self.y, [rows.chip for rows in self.rows], [rows.out for rows in self.rows])
        sums = 0.5 * self._sums
        k1, s1 = self._solve(_fuse(*self._rates))
        ahead = _fuse(*self.rates(*self._parts(start + step * k1)))
        k2, s2 = self._solve(ahead - 2.0 * k1)
        end = self._parts(start + 0.5 * step * (3.0 * k1 + k2))
        wrong = np.abs(0.5 * step * (k1 + k2)) * self._weights
        if any(rows.bounded for rows in self.rows):
            return Taken(*end, [], float(wrong.max()))
        # what the racks really hand over, less what went into the step
        paths = self._follow(np.full(1, step) if spans is None else spans, end)
        given = np.concatenate([path.sums for path in paths])
        missed = step * (self._sums_matrix @ (given - sums - 0.5 * self._sums - 0.5 * gh * (s1 + s2)))
        y = end[0] + missed
        chips, outs = [path.chips[-1] for path in paths], [path.outs[-1] for path in paths]
        n = self.y.size
        return Taken(y, chips, outs, paths, float(max(wrong[:n].max(), (np.abs(missed) * self.scale).max())))

    def _follow(self, spans: Array, end: tuple[Array, list[Array], list[Array]]) -> list[Path]:
        """Racks through the step, between what enters them at its ends."""
        here, there = self.y.tolist(), end[0].tolist()
        paths = []
        for rows, chip in zip(self.rows, end[1], strict=True):
            (entering, liquid), (later, liquid_later) = (self.temperatures(rows, y) for y in (here, there))
            course = rows.course_over(spans)
            paths.append(follow(rows, course, (entering, later), (liquid, liquid_later), chip))
        return paths

    def _parts(self, whole: Array) -> tuple[Array, list[Array], list[Array]]:
        """Plant, packages and coolants of one vector of everything, as views."""
        at = self.y.size
        chips: list[Array] = []
        outs: list[Array] = []
        for group in (chips, outs):
            for rows in self.rows:
                group.append(whole[at : at + rows.chip.size])
                at += rows.chip.size
        return whole[: self.y.size], chips, outs

    def _eliminate(self, gh: float) -> Eliminated:
        """Racks eliminated into the plant's stage matrix, one column for each of their groups, and its inverse."""
        slopes = [eliminate(rows, gh) if rows.stores else None for rows in self.rows]
        by_sums = gh * self._sums_matrix
        matrix = np.eye(self.y.size) - gh * self._matrix
        for g, (place, one) in enumerate(zip(self.entering, slopes, strict=True)):
            if one is not None and place >= 0:
                matrix[:, place] -= by_sums[:, 3 * g : 3 * g + 3] @ one.entering
        return Eliminated(slopes, by_sums, dgetrf(matrix)[:2])

    def _solve(self, right: Array) -> tuple[Array, Array]:
        """Stage equations: racks in terms of their coolant, the plant with what they add, then racks again. Their increments
        and those of the racks' sums."""
        y, chips, outs = self._parts(right)
        k, k_chips, k_outs = self._parts(np.zeros(right.size))
        sums = np.zeros(3 * len(self.rows))
        for g, one in enumerate(self._solved.slopes):
            if one is not None:
                k_chips[g][:] = one.chip * chips[g]
                k_outs[g][:] = one.coolant * outs[g] + one.coolant_chip * k_chips[g]
                sums[3 * g] = one.to_plant[0] @ k_outs[g]
                sums[3 * g + 1 : 3 * g + 3] = one.to_plant[1:] @ k_chips[g]
        k[:] = dgetrs(*self._solved.factors, y + self._solved.by_sums @ sums)[0]
        for g, (place, one) in enumerate(zip(self.entering, self._solved.slopes, strict=True)):
            if one is not None and place >= 0:
                entering = k[place]
                sums[3 * g : 3 * g + 3] += one.entering * entering
                k_chips[g] += one.chip_entering * entering
                k_outs[g] += one.coolant_entering * entering
        assert k.base is not None
        return k.base, sums

    def accept(self, taken: Taken, step: float) -> None:
        """Move on to the end of a step."""
        self.flows.settle((0.5 * (self.y + taken.y)).tolist(), step)
        self._drift = (taken.y - self.y) / step
        self.before, self.length = self.y, step
        self.y = taken.y
        for g, (rows, chip, out) in enumerate(zip(self.rows, taken.chips, taken.outs, strict=True)):
            rows.chip, rows.out = chip, out
            rows.hottest = float((taken.paths[g].chips if taken.paths else chip).max())
        self.now += step
        self.held.publish(self.found)

    def passed(self, before: float, after: float, limit: float) -> float:
        """Moment at which something passed a limit that it is beyond now, on a straight line within the last step."""
        part = (after - limit) / (after - before) if before < limit < after else 0.0
        return self.now - part * self.length

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


def _fuse(y: Array, chips: list[Array], outs: list[Array]) -> Array:
    """Everything as one vector."""
    return np.concatenate([y, *chips, *outs])


def _scale(label: str) -> float:
    """What of an entry's error counts as one kelvin."""
    if label.startswith("heat.") and (".return" in label or label.endswith((".back", ".exhaust"))):
        return 0.5  # what is on its way back is mixed before it matters
    if label.startswith("heat.") or label.endswith(".sensor"):
        return 1.0
    return 0.0 if label.startswith("ledger.") else 20.0
