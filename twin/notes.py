"""What a run should say of a plant beside its numbers: tanks too full, boiling near its limits, liquid lost."""

import numpy as np
from twin_models.fluids import boiling
from twin_models.rack import rack as rack_model
from twin_models.streams import Array
from twin_models.two_phase import two_phase
from twin_sites.schema import Condensers, Tanks

from twin import members
from twin.compile import Plan, VolumeNode, rated_rack_flow

NEAR_CRITICAL = 0.7  # of the critical heat flux; designs stay below (estimate)
SEALED_K = 1.0  # a vented tank boils at outdoor pressure; a set point off by more means pressure or vacuum
FLAMMABLE = ("cyclopentane",)
SHOWN = 3  # names in a note
UNEVEN = 0.1  # one vendor accepts 10 % of deviation between branches
DAYS = 365.0


def plant_notes(plan: Plan, pressure: float, hours: float) -> list[str]:
    """Notes on immersion and boiling loops.

    Parameters
    ----------
    plan
        The site made ready to solve.
    pressure
        Mean outdoor pressure in Pa.
    hours
        Length of the run, for the liquid that is lost.
    """
    notes: list[str] = []
    for volume in plan.volumes:
        notes += _tank_loads(volume)
        if volume.fluid is not None and volume.fluid.boils:
            notes += _boiling(volume, pressure, hours)
    return notes + bare_loops(plan)


def _tank_loads(volume: VolumeNode) -> list[str]:
    """Tanks hold so much IT power each; more of it than that does not go in."""
    tanks = [node.link for stage in volume.stages for node in stage if isinstance(node.link, Tanks)]
    holds = sum(tank.count * tank.highest_load for tank in tanks)
    rated = sum(node.racks.count * node.racks.tdp for node in volume.racks)
    if not tanks or rated <= holds:
        return []
    return [
        f"{volume.address}: {rated / 1000:,.0f} kW of IT in tanks that hold {holds / 1000:,.0f} kW together; "
        "add tanks or take larger ones"
    ]


def uneven_notes(plan: Plan, flow: Array) -> list[str]:
    """Racks along headers whose flow is far from the mean of their group; ``flow`` of every rack over the run, (members,)."""
    notes = []
    names, groups = (np.array(values) for values in members.names(plan))
    for volume in plan.volumes:
        for group in volume.branching.rows if volume.branching is not None else ():
            mine = groups == group
            relative, own = flow[mine] / max(float(flow[mine].mean()), 1e-30), names[mine]
            least, most = int(relative.argmin()), int(relative.argmax())
            dry = own[relative == 0.0]
            if dry.size:
                more = "" if dry.size <= SHOWN else f" and {dry.size - SHOWN} more"
                notes.append(
                    f"{volume.address}.manifold: no coolant reaches {', '.join(dry[:SHOWN])}{more}: such a rack would shut down at "
                    "once; it is shown throttled to its least power, and its temperature is no forecast"
                )
            if relative[most] - relative[least] > UNEVEN:
                notes.append(
                    f"{volume.address}.manifold: flow of {own[least]} is {100 * relative[least]:.0f} % and of {own[most]} "
                    f"{100 * relative[most]:.0f} % of the group's mean"
                )
    return notes


def vapour_notes(plan: Plan, supply: Array, pressure: Array, step_s: float) -> list[str]:
    """Vented vessels whose liquid floats off its set point: vapour that leaves, or air that is drawn in.

    ``supply`` is the temperature of every loop, (volumes, time); ``pressure`` that of the outdoor air in Pa, (time,).
    """
    notes = []
    for i, volume in enumerate(plan.volumes):
        links = [node.link for stage in volume.stages for node in stage if isinstance(node.link, Condensers)]
        if volume.fluid is None or not any(link.vented for link in links):
            continue
        held = boiling.pressure(volume.fluid.name, supply[i])
        boils_at = boiling.saturation_temperature(volume.fluid.name, pressure)
        wanted = volume.part.supply.value if not volume.part.supply.base else -np.inf
        over = supply[i] > np.maximum(boils_at, wanted) + SEALED_K
        if over.any():
            notes.append(
                f"{volume.address}: vapour stands at up to {float(held.max()) / 1000:.0f} kPa for {over.sum() * step_s / 3600:,.0f} h: "
                "a vented vessel lets it out, and more liquid is lost than stated"
            )
    return notes


def bare_loops(plan: Plan) -> list[str]:
    """Cold plates on a loop with pumps of its own and no unit between: whose water, and whose head."""
    notes = []
    for volume in plan.volumes:
        pump = getattr(volume.part, "pump", None)
        plates = [node for node in volume.racks if node.racks.liquid is not None and node.loop == volume.name]
        if pump is None or not plates or volume.fluid is None or volume.fluid.boils:
            continue
        drop = max(
            float(rack_model.pressure_drop(rated_rack_flow(node.racks), node.racks)) for node in plates
        )
        notes.append(
            f"{volume.address}: {', '.join(node.name for node in plates)} on it without a distribution unit: facility liquid in the cold plates, "
            f"and {drop / 1000:,.0f} kPa of the racks within the {pump.rated_head / 1000:,.0f} kPa of its pumps"
        )
    return notes


def _boiling(volume: VolumeNode, pressure: float, hours: float) -> list[str]:
    assert volume.fluid is not None
    name, notes = volume.fluid.name, []
    saturation = volume.part.supply.value if not volume.part.supply.base else None
    links = [node.link for stage in volume.stages for node in stage if isinstance(node.link, Condensers)]
    boils_at = float(boiling.saturation_temperature(name, pressure))
    if (
        saturation is not None
        and any(link.vented for link in links)
        and abs(saturation - boils_at) > SEALED_K
    ):
        what = (
            "a vacuum that draws in air"
            if saturation < boils_at
            else "a pressure that a vented vessel does not hold"
        )
        held = float(boiling.pressure(name, saturation))
        notes.append(
            f"{volume.address}: {name} boils at {boils_at:.1f} °C under {pressure / 1000:.1f} kPa; {saturation:.1f} °C needs "
            f"{held / 1000:.1f} kPa, {what}"
        )
    for node in volume.racks:
        surface, package = node.racks.boiling_surface, node.racks.accelerator
        if surface is None or package is None:
            continue
        at = boils_at if saturation is None else saturation
        share = float(two_phase.resistance(package.tdp, at, surface).flux_share)
        if share > NEAR_CRITICAL:
            what = "above: a film of vapour covers the surface" if share > 1.0 else "too near for a design"
            notes.append(f"{node.name}: {100 * share:.0f} % of the critical heat flux at rated power, {what}")
    lost = sum(link.count * link.charge * link.yearly_loss for link in links) * hours / (24.0 * DAYS)
    if lost > 0.0:
        notes.append(
            f"{volume.address}: {lost:,.0f} kg of {name} are lost in this time and have to be refilled"
        )
    if name in FLAMMABLE:
        notes.append(
            f"{volume.address}: {name} is flammable; what that asks of vessel, hall and ventilation is not modelled"
        )
    if boiling.TRANSPORT[name].legacy:
        notes.append(
            f"{volume.address}: {name} is a PFAS product whose maker has stopped; see its replacements"
        )
    return notes
