"""What tanks did in a run: their charge, from the heat that they really took up, and what kept them from their plan."""

import numpy as np
from twin_models.streams import Array

from twin.compile import Plan
from twin.results import Collected
from twin.storage.schedule import MISSED_K, Planned, excess, over_a_step

TOLERANCE = 1e-6  # of the capacity, or of the highest rate
SMALL_W = 1.0


def audit(plan: Plan, planned: Planned, found: Collected, step_s: float) -> list[str]:
    """Add the variables of tanks to what a run collected.

    Returns
    -------
    list of str
        What is not as planned: heat not taken up, a charge below zero or above capacity, rates passed, a supply missed
        while a tank was filled, another charge at the end than at the start, and tanks that did nothing.
    """
    taken = found.values["storage_heat"]
    wanted = np.stack([planned.series[tank.name] for tank in planned.tanks])
    charge, gain = np.zeros_like(taken), np.zeros_like(taken)
    notes = list(planned.notes)
    for i, tank in enumerate(planned.tanks):
        held, full, where = tank.floor, float(tank.capacity), f"cooling.{tank.name}.storage"
        kept, mean = over_a_step(tank, step_s)
        rows = zip(taken[i].tolist(), kept.tolist(), mean.tolist(), strict=True)
        for t, (heat, keeps, filled) in enumerate(rows):
            before, held = held, held * keeps - heat * step_s * filled
            charge[i, t], gain[i, t] = held / full, (before - held) / step_s - heat
        over = (taken[i] < 0.0) & (excess(plan, found) > planned.idle_excess + MISSED_K)
        if over.any():
            notes.append(
                f"{where}: a supply misses its set point for {over.sum() * step_s / 3600:,.1f} h while it is filled"
            )
        if np.any((taken[i] > tank.use + SMALL_W) | (-taken[i] > tank.fill + SMALL_W)):
            notes.append(f"{where}: faster than its highest rate in some steps")
        notes += _of(tank.store.schedule, where, taken[i], wanted[i], charge[i], tank.floor / full, step_s)
    found.values |= {
        "storage_planned": wanted, "storage_charge": charge, "storage_gain": gain, "site_power_idle": planned.idle_power,
    }  # fmt: skip
    found.tanks = tuple(
        (tank.name, float(tank.capacity), tank.floor / float(tank.capacity)) for tank in planned.tanks
    )
    return notes


def _of(
    schedule: str, where: str, taken: Array, wanted: Array, charge: Array, start: float, step_s: float
) -> list[str]:
    notes = []
    top = max(float(np.abs(wanted).max()), 1.0)
    short = np.abs(taken - wanted) > TOLERANCE * top
    if short.any():
        lack = float(np.abs(taken - wanted).sum()) * step_s / 3.6e6
        notes.append(
            f"{where}: {lack:,.0f} kWh planned were not delivered, in {short.sum() * step_s / 3600:,.0f} h: the loop had less heat"
        )
    low, high = float(charge.min()), float(charge.max())
    if low < start - TOLERANCE or high > 1.0 + TOLERANCE:
        notes.append(f"{where}: the charge runs from {100 * low:.2f} to {100 * high:.2f} % of capacity")
    if not np.abs(taken).any() and schedule != "idle":
        notes.append(f"{where}: not used: nothing is gained by '{schedule}' in this run")
    elif charge[-1] - start > 0.001:
        notes.append(
            f"{where}: {100 * charge[-1]:.1f} % of capacity are stored at the end, {100 * start:.1f} % at the start"
        )
    return notes
