"""Racks in parallel between a supply and a return header: how much flow each gets.

A ladder: branch i joins the supply header to the return header. With the flow S of the header segments and the pressure
difference d across each branch,

    S_i − S_{i+1} = q_i,    d_i = F_i(q_i)                                   branch: rack, couplings, valve
    d_i − d_{i+1} = h(S_{i+1}) + h(R_i)                                      direct return,  R_i = S_{i+1}
    d_i − d_{i+1} = h(S_{i+1}) − h(R_i)                                      reverse return, R_i = S_1 − S_{i+1}
    h(Q) = (f·L/D + K)·ρ·v²/2                                                Darcy, friction factor of Churchill (1977)

Newton's rule on all of it at once. The linear equations of one step are a chain, solved by one march from the far end with
``S_i = a_i·d_i + b_i + c_i·S_1`` and one back; every operation is over all time steps. A closed branch has ``q = 0`` and no
slope, a flow limiter at its limit has ``q = q_max`` and no slope: both stay in the same equations. The chain is closed by a
given total flow, a given head, or pumps (their curve against the system's). Headers closed to rings are no chain: they are solved
as a ``network``. Viscosity and density are those of the
liquid at its temperature, supply and return each at their own.
"""

from typing import NamedTuple

import numpy as np

from twin_models.fluids.fluids import Fluid, density
from twin_models.manifold import ladder, ring
from twin_models.manifold.ladder import LEAST, Closing
from twin_models.manifold.parameters import Branches, Flows, Manifold, laws
from twin_models.pump.pump import Pump
from twin_models.streams import Array, Real

__all__ = ["Branches", "Flows", "Manifold", "flows"]

ELEMENTS = 51_200  # racks times time steps at once: fewer cost calls, more leave the cache
KNOTS = 17  # flows, each cold and warm, between which the steps find their first guess


def flows(
    branches: Branches,
    params: Manifold,
    liquid: Fluid,
    supply: Real,
    back: Real,
    *,
    total: Real | None = None,
    head: Real | None = None,
    pump: Pump | None = None,
    pumps: Real = 1,
    speed: Real = 1.0,
    racks: int | None = None,
    plant_drop: tuple[float, float] = (0.0, 1.0),
) -> Flows:
    """Flow of every branch at every time step.

    Parameters
    ----------
    branches, params
        Racks in the order of the header, nearest first, and the headers.
    liquid, supply, back
        Liquid and its temperatures in the supply and return headers, °C, numbers or (n,).
    total, head, pump
        One of them closes the problem: total flow in m³/s, pressure difference at the pumps in Pa, or pumps in parallel.
    pumps, speed
        Running pumps (staging) and their speed over full speed, numbers or (n,).
    racks
        Number of branches, where none of ``branches`` is an array.
    plant_drop
        Drop in Pa of what stands between the pumps and the headers (exchanger, filter), and the flow at which it is stated;
        it grows with the square of the flow.

    Raises
    ------
    ValueError
        Unless exactly one of ``total``, ``head`` and ``pump`` is given, or where every branch is closed.
    """
    if sum(x is not None for x in (total, head, pump)) != 1:
        raise ValueError("give one of total, head and pump")
    given = [_series(x) for x in (supply, back, pumps, speed)]
    closed_by = _series(0.0 if pump is not None else total if total is not None else head)
    rows = [np.asarray(x, dtype=float) for x in branches]
    count = racks or max(row.shape[0] if row.ndim else 1 for row in rows)
    n = max(*(x.size for x in given), closed_by.size, *(row.shape[1] if row.ndim == 2 else 1 for row in rows))
    given = [np.broadcast_to(x, (n,)) for x in (*given, closed_by)]
    whole = [
        np.broadcast_to(row[:, None] if row.ndim == 1 else row, (count, row.shape[1] if row.ndim == 2 else 1))
        for row in rows
    ]
    kind = "total" if total is not None else "head" if head is not None else "pump"
    plant = plant_drop[0] / plant_drop[1] ** 2

    def at(drivers: list[Array], some: list[Array], first: Array | None) -> Flows:
        t_supply, t_back, running, turning, value = drivers
        closing = Closing(
            value if kind == "total" else None,
            value if kind == "head" else None,
            pump,
            running,
            turning,
            plant,
        )
        t_mean = 0.5 * (t_supply + t_back)
        law = laws(Branches(*some), params, liquid, t_mean)
        if not law.open.any(axis=0).all():
            raise ValueError("every branch is closed")
        if params.layout == "ring" and count > 1:
            return ring.solve(
                law, params, liquid, (t_supply, t_back), np.asarray(density(liquid, t_mean)), closing
            )
        sides = ladder.header(params, count, liquid, t_supply), ladder.header(params, count, liquid, t_back)
        start = np.broadcast_to(some[0], (count, value.size)) if first is None else first
        if closing.total is not None:
            start = start * (value / np.maximum(np.sum(start * law.open, axis=0), LEAST))
        return ladder.solve(law, sides, params, closing, start)

    if n == 1 or (params.layout == "ring" and count > 1):
        return at(given, whole, None)
    guess = None
    if all(row.shape[1] == 1 for row in whole):  # what fits one step's valves may not fit another's
        guess = _Guess.of(given, given[4] if pump is None else given[2] * given[3])
        guess = guess._replace(known=at(guess.knots, whole, None).branch)
    parts = []
    for begin in range(0, n, max(16, ELEMENTS // count)):
        block = slice(begin, min(begin + max(16, ELEMENTS // count), n))
        some = [row[:, block] if row.shape[1] == n else row for row in whole]
        parts.append(at([x[block] for x in given], some, None if guess is None else guess.at(block)))
    return Flows(*(np.concatenate(values, axis=-1) for values in zip(*parts, strict=True)))


class _Guess(NamedTuple):
    """Flows at some of the steps' drivers, cold and warm, between which the other steps find their first guess."""

    knots: list[Array]  # drivers, first all cold, then all warm
    size: int
    place: Array  # of every step among the knots
    warm: Array  # 0 cold to 1 warm
    known: Array  # (racks, knots)

    @classmethod
    def of(cls, given: list[Array], key: Array) -> "_Guess":
        """Knots from the least to the largest ``key``, each at the lowest and the highest supply temperature."""
        order = np.argsort(key)[np.linspace(0, key.size - 1, min(KNOTS, key.size)).astype(np.intp)]
        low, high = float(given[0].min()), float(given[0].max())
        rise = float(np.mean(given[1] - given[0]))
        t = np.repeat([low, high], order.size)
        knots = [t, t + rise, *(np.tile(x[order], 2) for x in given[2:])]
        place = np.interp(key, key[order], np.arange(order.size))
        return cls(knots, order.size, place, (given[0] - low) / max(high - low, 1e-9), np.zeros((0, 0)))

    def at(self, block: slice) -> Array:
        """First guess of a block of steps, (racks, n)."""
        place, warm = self.place[block], self.warm[block]
        i = np.minimum(place.astype(np.intp), max(self.size - 2, 0))
        j, weight = np.minimum(i + 1, self.size - 1), place - i
        value: Array = self.known[:, i] * ((1.0 - weight) * (1.0 - warm))
        for k, share in (
            (j, weight * (1.0 - warm)),
            (i + self.size, (1.0 - weight) * warm),
            (j + self.size, weight * warm),
        ):
            value += self.known[:, k] * share
        return value


def _series(x: Real | None) -> Array:
    return np.atleast_1d(np.asarray(x, dtype=float))
