"""Headers and the racks between them: what is given, what is found, and the law of a branch."""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.fields import Choice, Parameters, Quantity
from twin_models.fluids.fluids import Fluid, density, viscosity
from twin_models.streams import Array, Real

KV_DROP = 1e5 / 1000.0 * 3600.0**2  # Pa per (kg/m³)·(m³/s)²/(m³/h)²


@dataclass(frozen=True, kw_only=True)
class Manifold(Parameters):
    """Supply and return headers of one row of racks, alike and evenly spaced."""

    diameter: Annotated[float, Quantity("m", "Header bore", 0.01, 2.0)]
    spacing: Annotated[float, Quantity("m", "Header length from rack to rack", 0.05, 50.0)]
    lead: Annotated[float, Quantity("m", "Header length from pumps to first rack, each way", 0.0, 1000.0)] = (
        5.0
    )
    roughness: Annotated[float, Quantity("m", "Sand roughness", 0.0, 2e-3, "handbooks")] = 1.5e-6
    tee_loss: Annotated[
        float, Quantity("1", "Loss coefficient of each tee in the run", 0.0, 5.0, "estimate")
    ] = 0.1
    lead_loss: Annotated[
        float, Quantity("1", "Loss coefficients of the lead together", 0.0, 100.0, "estimate")
    ] = 3.0
    layout: Annotated[
        Literal["direct", "reverse", "ring"], Choice("Direct or reverse return, or headers closed to rings")
    ] = "direct"
    closing: Annotated[
        float | None,
        Quantity("m", "Header that closes a ring, last rack to first; a spacing if not given", 0.05, 1000.0),
    ] = None
    couplings_kv: Annotated[
        float, Quantity("1", "Kv of the branch's couplings together, m³/h", 0.05, 1000.0)
    ] = 20.0
    valve_kv: Annotated[float, Quantity("1", "Kv of the branch's valve fully open, m³/h", 0.05, 1000.0)] = (
        25.0
    )
    limit: Annotated[float | None, Quantity("m3/s", "Highest flow of a flow-limiting valve", 1e-6, 1.0)] = (
        None
    )


class Branches(NamedTuple):
    """The racks, one row each; numbers or arrays of shape (racks,) or (racks, n)."""

    flow: Real  # m³/s at which the drop is stated
    drop: Real  # Pa of the rack at this flow
    exponent: Real  # of drop against flow
    opening: Real = 1.0  # of the valve, 0 (closed) to 1; Kv in proportion
    clogging: Real = 1.0  # factor on the rack's drop: a half-clogged filter
    stated_at: Real = np.nan  # °C at which the drop is stated; without it the drop does not follow viscosity


class Flows(NamedTuple):
    """What the network does."""

    branch: Array  # m³/s, (racks, n)
    difference: Array  # Pa across each branch, (racks, n)
    total: Array  # m³/s, (n,)
    head: Array  # Pa at the pumps, (n,)
    residual: Array  # last relative change of a branch flow, (n,)


class Law(NamedTuple):
    """Drop of each branch: ``power·q^exponent + square·q²``."""

    power: Array  # Pa/(m³/s)^n of the rack
    exponent: Array
    square: Array  # Pa/(m³/s)² of couplings and valve
    open: NDArray[np.bool_]


def laws(branches: Branches, params: Manifold, liquid: Fluid, t: Array) -> Law:
    """Branches at a temperature of °C, (n,): a drop with the power n of flow goes with ``rho^(n−1)·mu^(2−n)``."""
    rho = np.asarray(density(liquid, t))
    opening = np.asarray(branches.opening)
    is_open = opening > 0.0
    kv = params.valve_kv * np.where(is_open, opening, 1.0)
    square = KV_DROP * rho * (1.0 / params.couplings_kv**2 + 1.0 / kv**2)
    exponent, stated = np.asarray(branches.exponent), np.asarray(branches.stated_at)
    power = np.asarray(branches.drop) * branches.clogging / np.asarray(branches.flow) ** exponent
    known = np.isfinite(stated)
    if known.any():
        at = np.where(known, stated, 0.5 * (liquid.low + liquid.high))
        thicker = (rho / density(liquid, at)) ** (exponent - 1.0) * (
            viscosity(liquid, t) / viscosity(liquid, at)
        ) ** (2.0 - exponent)
        power = power * np.where(known, thicker, 1.0)
    return Law(np.asarray(power), exponent, np.asarray(square), np.asarray(is_open))
