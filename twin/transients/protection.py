"""What shuts itself down before it is damaged: racks, pumps, chillers and what stands in a room that is too hot.

Every set point is declared (`trips_above` of racks, pumps, CDUs and chillers) or an estimate below. What has tripped stays
off until an event starts it: these protections are reset by hand.
"""

import numpy as np
from twin_models.streams import Array
from twin_sites.schema import OUTDOORS, Cdus, Chillers, Condensers, Link, Loop

from twin.transients.chips import Rows
from twin.transients.parts import LinkState, VolumeState
from twin.transients.recorder import Crossing
from twin.transients.stepping import Stepper
from twin.transients.timeline import Timeline

ROOM_STOP_DEGC = 60.0  # air of a room at which what feeds power in it shuts down (estimate)
INLET_STOP_K = 10.0  # above the allowable inlet of their class at which servers shut down (estimate)
COOLANT_DELAY_S = (
    60.0  # that coolant above its limit enters before nodes power off: an orderly end (estimate)
)
# Of saturation above its usual value at which a pressure switch acts (estimates): a vented vessel holds some 0.2 bar, a closed
# circuit up to its relief valve.
VENTED_K, SEALED_K = 5.0, 15.0
SOON = 1e-6  # s, by which a moment may be missed
PAST_K = 0.5  # by which a set point may be passed in one step


def guard(timeline: Timeline, crossings: dict[str, Crossing]) -> bool:
    """Stop what is too hot after a step; whether a rack was stopped."""
    stepper, plant = timeline.stepper, timeline.plant
    y = stepper.y.tolist()
    for v in plant.volumes:
        if v.air and y[v.back[0]] > ROOM_STOP_DEGC:
            timeline.supply.overheat(v.node.name)
        for where, limit in pumps_of(v):
            if y[v.head] > limit:
                timeline.machines.protect(where, f"{v.node.name} is at {y[v.head]:.0f} °C")
    for link in plant.links:
        if isinstance(link.node.link, Chillers) and link.running > 0.0:
            entering = _sink(stepper, link, y)
            if entering > link.node.link.trips_above:
                timeline.machines.protect(
                    link.node.address, f"high pressure with {link.node.sink} at {entering:.0f} °C"
                )
    stopped = False
    for rows in stepper.rows:
        crossing = crossings[rows.node.name]
        inlet = plant.inlet(plant.by_name[rows.node.room], y)
        if inlet > rows.inlet_high and crossing.inlet == np.inf:
            was = float(plant.inlet(plant.by_name[rows.node.room], stepper.before))
            crossing.inlet = stepper.passed(was, inlet, rows.inlet_high)
        if rows.stopped.all():
            continue
        if inlet > rows.inlet_high + INLET_STOP_K:
            why, cause = f"air enters at {inlet:.0f} °C", "inlet air"
        elif _over_pressure(rows, y, stepper):
            why, cause = f"pressure at {y[plant.by_name[str(rows.node.loop)].head]:.0f} °C", "pressure"
        elif rows.boils and plant.by_name[str(rows.node.loop)].low:
            why, cause = "low level of boiling liquid", "level"
        elif _too_warm_for(rows, y, timeline) >= COOLANT_DELAY_S - SOON:
            why = f"coolant above {rows.node.racks.coolant_trip:.0f} °C for {COOLANT_DELAY_S:.0f} s"
            cause = "coolant"
        else:
            continue
        if not rows.stopped.any() and rows.on.any():
            timeline.log.append(f"{stepper.now:.0f} s: racks.{rows.node.name} shuts down, {why}")
        rows.stop(np.ones(rows.stopped.shape, dtype=bool))
        stepper.forget()
        if crossing.stop == np.inf:
            crossing.stop, crossing.cause = stepper.now, cause
        stopped = True
    return stopped


def passes(stepper: Stepper, y: Array) -> bool:
    """Whether a step that ends in ``y`` would pass a set point by more than a little."""
    plant, before = stepper.plant, stepper.y
    limits = [(v.head, limit) for v in plant.volumes for _, limit in pumps_of(v)]
    limits += [(v.back[0], ROOM_STOP_DEGC) for v in plant.volumes if v.air]
    limits += [
        (plant.by_name[rows.node.loop].out, rows.node.racks.coolant_trip)
        for rows in stepper.rows
        if rows.node.loop is not None
    ]
    limits += [(v.head, pressure_limit(v)) for v in plant.volumes if v.boils and v.stages]
    return any(before[place] <= limit and y[place] > limit + PAST_K for place, limit in limits)


def pumps_of(v: VolumeState) -> list[tuple[str, float]]:
    """Pumps of a loop, its own and those of the units on it, and the °C of its supply at which they stop."""
    part = v.node.part
    if not isinstance(part, Loop):
        return []
    own = [(f"cooling.{v.node.name}.pump", part.pump.trips_above)] if part.pump is not None else []
    units = [link.node for stage in v.stages for link in stage]
    return own + [(node.address, node.link.trips_above) for node in units if isinstance(node.link, Cdus)]


def _too_warm_for(rows: Rows, y: list[float], timeline: Timeline) -> float:
    """s for which coolant above its limit has entered the racks of a group; a step ends where they have had enough."""
    if rows.node.loop is None:
        return 0.0
    stepper, limit = timeline.stepper, rows.node.racks.coolant_trip
    place = stepper.plant.by_name[rows.node.loop].out
    if y[place] <= limit:
        rows.too_warm_since = np.inf
        return 0.0
    if rows.too_warm_since == np.inf:
        rows.too_warm_since = stepper.passed(float(stepper.before[place]), y[place], limit)
        timeline.machines.later(max(rows.too_warm_since + COOLANT_DELAY_S, stepper.now), lambda: False)
    return stepper.now - rows.too_warm_since


def _over_pressure(rows: Rows, y: list[float], stepper: Stepper) -> bool:
    """Whether the pressure switch of a boiling loop has acted."""
    v = stepper.plant.by_name[rows.node.loop] if rows.node.loop is not None else None
    return v is not None and v.boils and y[v.head] > pressure_limit(v)


def pressure_limit(v: VolumeState) -> float:
    """°C of saturation at which the pressure switch of a boiling loop acts: as stated, or a margin above its rating."""
    found = [stated_limit(link.node.link, v) for stage in v.stages for link in stage]
    return min(limit for limit in found if limit is not None)


def stated_limit(link: Link, v: VolumeState) -> float | None:
    if not isinstance(link, Condensers):
        return None
    if link.trips_above is not None:
        return link.trips_above
    usual = max(link.rated_saturation, v.node.part.supply.value if not v.node.part.supply.base else -np.inf)
    return usual + (VENTED_K if link.vented else SEALED_K)


def _sink(stepper: Stepper, link: LinkState, y: list[float]) -> float:
    """°C that enter a chiller's condenser."""
    if link.node.sink == OUTDOORS:
        return float(stepper.plant.ambient.dry_bulb)
    return y[stepper.plant.by_name[link.node.sink].out]
