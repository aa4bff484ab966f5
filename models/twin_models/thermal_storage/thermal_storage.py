"""A tank of cold water beside the machines of a loop: what it holds, how fast it takes and gives, what it loses.

``charge`` is the cold that is stored, in J: the heat that the tank can still take up at the loop's supply temperature. A
full tank holds

    capacity = density · cp · volume · temperature_difference · figure_of_merit

The figure of merit is the share of a full volume that leaves cold enough to be used: what conduction and jets blur is lost
to the next discharge (ASHRAE Handbook, HVAC Applications, Thermal Storage; Dorgan and Elleson 1993). A stratified tank
gives and takes at constant rates until it is empty or full. A mixed one has one temperature, so that the driving
difference, and with it the highest rate, falls with what is left: charge/capacity when it gives, 1 − charge/capacity when it
takes. The cold part of the water is warmed through the wall:

    d(charge)/dt = −heat − conductance · max(surroundings − cold, 0) · charge/capacity
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from twin_models.fields import Choice, Parameters, Quantity
from twin_models.streams import Array, Real

TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class ThermalStorage(Parameters):
    """One tank."""

    volume: Annotated[float, Quantity("m3", "Water in one tank", 0.1, 1e5, "estimate")]
    temperature_difference: Annotated[
        float,
        Quantity("K", "Return above supply when it was filled", 1.0, 25.0, "estimate", difference=True),
    ]
    mixing: Annotated[Literal["stratified", "mixed"], Choice("Warm above cold, or one temperature")] = (
        "stratified"
    )
    figure_of_merit: Annotated[
        float, Quantity("1", "Usable share of a full tank", 0.3, 1.0, "physical", shown="%", shown_ip="%")
    ] = 0.9
    charge_rate: Annotated[float, Quantity("W", "Fastest charge", 1e2, 1e9, "estimate")]
    discharge_rate: Annotated[float, Quantity("W", "Fastest discharge", 1e2, 1e9, "estimate")]
    conductance: Annotated[float, Quantity("W/K", "Heat through its wall", 0.0, 1e5, "estimate")] = 0.0
    pump_head: Annotated[
        float, Quantity("Pa", "Head of its pump while it is charged", 0.0, 1e6, "estimate")
    ] = 100e3
    pump_efficiency: Annotated[
        float, Quantity("1", "Pump and motor efficiency", 0.1, 0.95, "estimate", shown="%", shown_ip="%")
    ] = 0.65


def capacity(heat_capacity: Real, difference: Real, params: ThermalStorage) -> Array:
    """Cold in J that one full tank gives.

    Parameters
    ----------
    heat_capacity
        Density times specific heat of the water, J/(m³·K).
    difference
        Return above supply of the loop in K; what the tank states above it cannot be had.
    """
    usable = np.minimum(difference, params.temperature_difference)
    return np.asarray(heat_capacity * params.volume * usable * params.figure_of_merit)


def rates(share: Real, params: ThermalStorage) -> tuple[Array, Array]:
    """Highest charge and discharge of one tank in W, at ``share`` of its capacity (0..1)."""
    full = np.clip(share, 0.0, 1.0)
    if params.mixing == "stratified":
        ones = np.ones_like(np.asarray(full, dtype=float))
        return params.charge_rate * ones, params.discharge_rate * ones
    return np.asarray(params.charge_rate * (1.0 - full)), np.asarray(params.discharge_rate * full)


def decay(surroundings: Real, cold: Real, full: Real, params: ThermalStorage) -> Array:
    """Share of the charge of one tank that is lost per second, 1/s; none where the surroundings are colder."""
    warmer = np.maximum(np.asarray(surroundings) - cold, 0.0)
    return np.asarray(params.conductance * warmer / np.maximum(full, TINY))


def after(charge: Real, heat: Real, lost: Real, seconds: float) -> tuple[Array, Array]:
    """Charge in J after a step at constant ``heat``, and the heat in J that came through the wall in it.

    Exact for constant coefficients. ``heat`` is what the tank takes from its loop in W (negative while it is charged),
    ``lost`` the share of the charge lost per second.
    """
    passed = np.asarray(lost) * seconds
    kept = np.exp(-passed)
    mean = np.where(passed > 1e-9, -np.expm1(-passed) / np.maximum(passed, TINY), 1.0 - 0.5 * passed)
    out = np.asarray(charge) * kept - np.asarray(heat) * seconds * mean
    return out, np.asarray(charge) - np.asarray(heat) * seconds - out


def pumping(heat: Real, heat_capacity: Real, params: ThermalStorage) -> Array:
    """Power in W that all charging water needs: the machines' water then exceeds that of the loop by it.

    What is discharged takes the place of water that the loop's own pumps move through the machines: no more is counted.
    ``heat`` as in :func:`after`.
    """
    flow = np.maximum(-np.asarray(heat), 0.0) / (np.asarray(heat_capacity) * params.temperature_difference)
    return np.asarray(flow * params.pump_head / params.pump_efficiency)
