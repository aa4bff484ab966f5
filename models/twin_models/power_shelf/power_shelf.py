"""Rack power conversion: power shelf, server power supply, rectifier or DC/DC stage."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from scipy.optimize import nnls

from twin_models.fields import Parameters, Quantity
from twin_models.losses import Loss
from twin_models.streams import Array, Real

LIMIT = 1.0 + 1e-9  # of rating, so that a load at exactly the rating is inside in spite of rounding


@dataclass(frozen=True, kw_only=True)
class PowerShelf(Parameters):
    """One converter: a table of efficiency over load, or ``input = (output + constant) / efficiency``."""

    rating: Annotated[float, Quantity("W", "Rated output", low=1.0, high=1e8)]
    load_points: tuple[float, ...] = ()
    efficiency_points: tuple[float, ...] = ()
    constant: Annotated[float, Quantity("W", "Constant loss", low=0.0, high=1e6)] = 0.0
    efficiency: Annotated[float, Quantity("1", "Efficiency of the affine form", low=0.3, high=1.0)] = 1.0

    def __post_init__(self) -> None:
        if len(self.load_points) != len(self.efficiency_points):
            raise ValueError("load_points and efficiency_points must have the same length")
        if self.load_points and len(self.load_points) < 3:
            raise ValueError("a loss curve needs at least three points")

    @cached_property
    def coefficients(self) -> tuple[float, float, float, float]:
        """``k0 .. k3`` of ``loss = rating (k0 + k1 x + k2 x^2 + k3 x^3)``, ``x = output / rating``."""
        if not self.load_points:
            return (self.constant / (self.efficiency * self.rating), 1.0 / self.efficiency - 1.0, 0.0, 0.0)
        x, eta = np.array(self.load_points), np.array(self.efficiency_points)
        # every point weighted by 1/x, so that it is the efficiency that is fitted
        k0, k1, k2, k3 = nnls(x[:, None] ** np.arange(-1, 3), 1.0 / eta - 1.0)[0]
        return float(k0), float(k1), float(k2), float(k3)


def loss(output: Real, params: PowerShelf) -> Loss:
    """Loss of one converter (W) at ``output`` W.

    Table: ``loss = rating (k0 + k1 x + k2 x^2 + k3 x^3)``, ``x = output / rating``, all k >= 0, fitted to the
    points: no kinks, loss never falls with load, and the no-load loss hidden in a table of efficiencies comes
    out as ``k0``. The quadratic form is the usual one (fixed, proportional, ohmic); the cubic term is needed
    where a supply is rated near its limit, as 80 PLUS tables show. Affine:
    ``(output + constant) / efficiency - output``, the two-stage form of HPC chassis (ExaDigiT RAPS).
    ``valid`` is False outside 0..rating: above, the curve continues, below 0 W it stays at its no-load loss.
    """
    return loss_and_slope(output, params)[0]


def loss_and_slope(output: Real, params: PowerShelf) -> tuple[Loss, Array]:
    """`loss` and d(loss)/d(output), dimensionless."""
    p = np.asarray(output, dtype=float)
    inside = p.size == 0 or bool(p.min() >= 0.0 and p.max() <= params.rating * LIMIT)
    valid = np.ones(p.shape, dtype=bool) if inside else (p >= 0.0) & (p <= params.rating * LIMIT)
    k0, k1, k2, k3 = params.coefficients
    fixed = params.rating * k0
    if not inside:
        p = np.maximum(p, 0.0)
    if k2 == 0.0 and k3 == 0.0:
        return Loss(fixed + k1 * p, valid), np.full((), k1)
    quadratic, cubic = k2 / params.rating, k3 / params.rating**2
    share, rise = cubic * p, 3.0 * cubic * p
    if quadratic != 0.0:
        share, rise = quadratic + share, 2.0 * quadratic + rise
    return Loss(fixed + p * (k1 + p * share), valid), k1 + p * rise
