"""What tanks did over a run, in numbers: all of a site together, and each for the report."""

from typing import NamedTuple

import numpy as np
import xarray as xr

JOULES_PER_KWH = 3.6e6


class TankMetrics(NamedTuple):
    """Fields of the summary; None where a site has no tank."""

    storage_charged_kwh: float | None = None
    storage_discharged_kwh: float | None = None
    storage_loss_kwh: float | None = None
    storage_change_kwh: float | None = None
    storage_cycles: float | None = None
    storage_saved_energy_kwh: float | None = None
    storage_saved_cost: float | None = None
    storage_saved_carbon_kg: float | None = None
    storage_saved_peak_kw: float | None = None


def tank_metrics(ds: xr.Dataset) -> TankMetrics:
    """Energies of cold in kWh, and what the meter was spared against the same run with tanks idle.

    ``storage_change_kwh`` is charge at the end less charge at the start: charged − discharged − loss.
    """
    if "storage_heat" not in ds:
        return TankMetrics()
    seconds = float(ds.attrs["step_s"])
    heat, gain = ds["storage_heat"].values, ds["storage_gain"].values
    full, end = ds["storage_capacity"].values, ds["storage_charge"].values[:, -1]
    start = ds["storage_start"].values
    charged = float(np.maximum(-heat, 0.0).sum()) * seconds / JOULES_PER_KWH
    used = float(np.maximum(heat, 0.0).sum()) * seconds / JOULES_PER_KWH
    now, idle = ds["site_power"].values, ds["site_power_idle"].values
    spared = (idle - now) * seconds
    return TankMetrics(
        charged,
        used,
        float(gain.sum()) * seconds / JOULES_PER_KWH,
        float(((end - start) * full).sum()) / JOULES_PER_KWH,
        used * JOULES_PER_KWH / float(full.sum()),
        float(spared.sum()) / JOULES_PER_KWH,
        float((spared * ds["site_energy_price"].values).sum()),
        float((spared * ds["site_carbon_intensity"].values).sum()),
        float(idle.max() - now.max()) / 1000.0,
    )


def held_w(ds: xr.Dataset) -> float:
    """Mean W of heat that stays in tanks, from their charge and what came through their walls; 0 without any."""
    if "storage_heat" not in ds:
        return 0.0
    cold = (ds["storage_charge"].values[:, -1] - ds["storage_start"].values) * ds["storage_capacity"].values
    seconds = float(ds.attrs["step_s"]) * ds.sizes["time"]
    return float(-cold.sum()) / seconds - float(ds["storage_gain"].values.sum()) / ds.sizes["time"]


def lines(ds: xr.Dataset) -> list[str]:
    """A table of tanks for the report; empty where a site has none."""
    if "storage_heat" not in ds:
        return []
    out = ["Thermal storage     capacity     charged        used        lost   cycles   fullest   left"]
    hours = float(ds.attrs["step_s"]) / 3600.0
    for i, name in enumerate(ds["storage"].values):
        heat, charge = ds["storage_heat"].values[i], ds["storage_charge"].values[i]
        full = float(ds["storage_capacity"].values[i]) / JOULES_PER_KWH
        used = float(np.maximum(heat, 0.0).sum()) * hours / 1000.0
        out.append(
            f"  {name:<14} {full:>9,.0f} kWh {np.maximum(-heat, 0.0).sum() * hours / 1e6:>7,.1f} MWh {used / 1000:>7,.1f} MWh "
            f"{ds['storage_gain'].values[i].sum() * hours / 1e6:>7,.1f} MWh {used / full:>8,.0f} "
            f"{100 * charge.max():>8.0f} % {100 * max(charge[-1], 0.0):>5.0f} %"
        )
    found = tank_metrics(ds)
    out.append(
        f"  against idle tanks: energy {_less(found.storage_saved_energy_kwh)} kWh, cost {_less(found.storage_saved_cost)}, "
        f"carbon {_less(found.storage_saved_carbon_kg)} kg, peak {_less(found.storage_saved_peak_kw)} kW"
    )
    return [*out, ""]


def _less(saved: float | None) -> str:
    """A saving as a change: what is spared has a minus."""
    assert saved is not None
    return f"{round(-saved):+,d}"
