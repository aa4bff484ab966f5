"""Lowest and highest of everything that has a limit, in a transient: chips, coolant, inlet air, loops, feeders, batteries."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from twin_models.rack.ashrae import AIR_CLASSES
from twin_models.streams import Array
from twin_sites.schema import Cdus, Loop

from twin.compile import Plan


@dataclass(frozen=True)
class Extremes:
    """What a quantity came to; ``limit`` is where something throttles, trips or is overloaded, None where nothing does."""

    lowest: float
    highest: float
    limit: float | None
    unit: str
    kept: bool | None  # whether it stayed on its side of the limit


def limits_of_plan(plan: Plan) -> dict[str, tuple[str, list[object]]]:
    """Limits as coordinates of a result: by name its dimension and values."""
    groups = [node.racks for node in plan.racks]
    chips = [np.nan if one.accelerator is None else one.accelerator.throttle for one in groups]
    coolant = [
        one.coolant_trip if node.loop is not None else np.nan
        for node, one in zip(plan.racks, groups, strict=True)
    ]
    trips = []
    for v in plan.volumes:
        part = v.part
        found = [part.pump.trips_above] if isinstance(part, Loop) and part.pump is not None else []
        found += [n.link.trips_above for stage in v.stages for n in stage if isinstance(n.link, Cdus)]
        trips.append(min(found, default=np.nan))
    return {
        "rack_loop": ("rack", [node.loop or "" for node in plan.racks]),
        "rack_chip_limit": ("rack", [*chips]),
        "rack_coolant_limit": ("rack", [*coolant]),
        "rack_inlet_limit": ("rack", [AIR_CLASSES[one.air_class].allowable_high for one in groups]),
        "loop_limit": ("loop", [*trips]),
    }


def extremes_of(ds: xr.Dataset) -> dict[str, Extremes]:
    """Extremes by address. Chips reach their throttling temperature exactly where they are held there."""
    found: dict[str, Extremes] = {}
    supply = {str(name): ds.loop_supply_temperature.values[i] for i, name in enumerate(ds.loop.values)}
    for i, name in enumerate(ds.rack.values):
        here = f"racks.{name}"
        hottest = float(ds.rack_hottest.values[i])
        if np.isfinite(hottest):
            chip = ds.rack_chip_temperature.values[i]
            throttled = bool(np.isfinite(ds.rack_throttle_s.values[i]))
            limit = float(ds.rack_chip_limit.values[i])
            found[f"{here}.chip"] = Extremes(float(np.nanmin(chip)), hottest, limit, "degC", not throttled)
        loop = str(ds.rack_loop.values[i])
        if loop:
            found[f"{here}.coolant"] = _extremes(supply[loop], float(ds.rack_coolant_limit.values[i]), "degC")
            found[f"{here}.flow"] = _extremes(ds.rack_flow.values[i], None, "m3/s")
        inlet = ds.rack_inlet_temperature.values[i]
        found[f"{here}.inlet"] = _extremes(inlet, float(ds.rack_inlet_limit.values[i]), "degC")
    for i, name in enumerate(ds.loop.values):
        limit = float(ds.loop_limit.values[i])
        found[f"{name}.supply"] = _extremes(supply[str(name)], limit if np.isfinite(limit) else None, "degC")
        found[f"{name}.flow"] = _extremes(ds.loop_flow.values[i], None, "kg/s")
    for i, name in enumerate(ds.feeder.values):
        found[f"power.{name}.load"] = _extremes(ds.feeder_utilisation.values[i], 1.0, "1")
    return found


def _extremes(values: Array, limit: float | None, unit: str) -> Extremes:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return Extremes(low, high, limit, unit, None if limit is None else high <= limit)
