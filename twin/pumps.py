"""Pumps of loops and of the units on them, at the flow that a loop has."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from twin_models.cdu import cdu
from twin_models.fluids.fluids import density
from twin_models.pump import pump as pump_model
from twin_models.streams import Array
from twin_sites.schema import Cdus, Loop

from twin.compile import LinkNode, VolumeNode, pumps_for, required_head
from twin.headers import head_of
from twin.state import State

FREE_STAGING_SWEEPS = 6  # afterwards a pump that is staged on stays on, so that staging cannot oscillate


def run_pumps(volume: VolumeNode, state: State) -> None:
    """Pumps of a loop, and of the CDUs on it, at the flow it has."""
    if volume.fluid is None:
        return
    assert isinstance(volume.part, Loop)
    rho = density(volume.fluid, state.supply[volume.name])
    pump = volume.part.pump
    if pump is not None:
        units = pumps_for(state.flow[volume.name] / rho, pump)
        if pump.staging != "all":
            group = f"{volume.name}.pump"
            if state.sweeps > FREE_STAGING_SWEEPS:  # heat of one pump more moves the flow: none goes again
                units = np.maximum(units, state.running[group])
            state.running[group] = units
        share = units / max(pump.count - pump.spare, 1)
        per_pump = state.flow[volume.name] / (rho * units)
        one = pump_model.operate(per_pump, required_head(per_pump * share, pump), pump)
        state.pump[volume.name] = _times(one, units)
        state.electric[f"{volume.address}.pump"] = state.pump[volume.name].electric
    for node, per_unit, external in units_of(volume, state):
        assert isinstance(node.link, Cdus)
        state.pump[node.name] = _times(cdu.pumping(per_unit, external, node.link), node.units)
        state.electric[node.address] = state.pump[node.name].electric


def units_of(volume: VolumeNode, state: State) -> Iterator[tuple[LinkNode, Array, Array]]:
    """CDUs of a loop, the flow of one unit in m³/s and the head in Pa outside of it."""
    if volume.fluid is None:
        return
    rho = density(volume.fluid, state.supply[volume.name])
    units = [node for stage in volume.stages for node in stage if isinstance(node.link, Cdus)]
    weight = sum(node.units * node.hot_design for node in units)
    for node in units:
        per_unit = state.flow[volume.name] / rho * node.hot_design / weight
        # the hungriest rack group sets the head; the others throttle to it
        heads = [state.rack[rack.name].head for rack in volume.racks]
        external = np.max(heads, axis=0) if heads else np.zeros_like(per_unit)
        if volume.branching is not None:
            external = head_of(volume.branching, state.flow[volume.name] / rho, state.supply[volume.name])
        yield node, per_unit, external


def _times(one: pump_model.Pumping, units: Any) -> pump_model.Pumping:
    return one._replace(
        electric=one.electric * units, fluid_heat=one.fluid_heat * units, motor_heat=one.motor_heat * units
    )
