"""Which product, and how many: the units whose rating or physics carries a duty, for each datasheet that could.

The counts are first answers; the simulation of the design day corrects them where the loop as a whole asks for more.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from twin_models.air_handler import air_handler
from twin_models.dry_cooler import dry_cooler
from twin_models.fluids import fluids
from twin_models.fluids.fluids import Fluid, density, heat_capacity
from twin_models.heat_exchanger import heat_exchanger
from twin_models.liquid_to_air import liquid_to_air
from twin_models.psychrometrics.psychrometrics import STANDARD_PRESSURE
from twin_models.rack import rack as rack_model
from twin_models.rear_door import rear_door
from twin_models.streams import Ambient, RoomAir, Stream
from twin_models.two_phase import two_phase
from twin_sites import catalogue
from twin_sites.errors import InputError, Problem
from twin_sites.schema import AirHandlers, Cdus, Condensers, DryCoolers, LiquidToAirCdus, Racks, RearDoors

from twin.sizing.datasheets import typed
from twin.sizing.form import spares

MOST_UNITS = 4096
AIR_DENSITY_20 = 1.2  # kg/m³, of the volume flow that racks state
MOIST_AIR_HEAT = 1022.0  # J/(kg K) at 9 g/kg: 1006 + 0.009 * 1860
ROUNDING = 1e-6  # of a unit
SCALE = (
    0.6  # cost of one unit over its rating: the six-tenths rule of cost engineering (Chilton 1950; estimate)
)


class Pick(NamedTuple):
    """A product and the units that the duty needs."""

    slug: str
    required: int
    binding: str


class RacksPerCdu(NamedTuple):
    """Racks that one CDU carries, and what binds."""

    flow: int  # by its rated flow
    heat: int  # by its heat at the approach asked

    @property
    def racks(self) -> int:
        """The smaller of both."""
        return min(self.flow, self.heat)

    @property
    def binding(self) -> str:
        """``flow`` or ``heat``."""
        return "flow" if self.flow <= self.heat else "heat"


def racks_per_cdu(rack: Racks, unit: Cdus, supply: float, approach: float, fluid: Fluid) -> RacksPerCdu:
    """Racks at their rated heat that one CDU carries.

    Parameters
    ----------
    rack, unit
        The rack and the CDU.
    supply
        Technology supply, °C.
    approach
        Technology supply less facility supply, K.
    fluid
        Technology coolant.

    Returns
    -------
    RacksPerCdu
        By flow: rated flow of the CDU over what a rack asks for at this supply (`rack.flow_demand`). By heat: the most
        racks whose coolant still leaves at ``supply`` with the primary valve open (`heat_exchanger.transfer`).
    """
    assert rack.liquid is not None
    rho_cp = float(density(fluid, supply)) * float(heat_capacity(fluid, supply))
    flow = float(rack_model.flow_demand(rack.liquid.rated_heat, supply, rho_cp, rack).flow)
    plate = unit.heat_exchanger
    by_flow = plate.hot_flow / flow
    n = np.arange(1, MOST_UNITS + 1, dtype=np.float64)
    heat = n * rack.liquid.rated_heat
    secondary = n * flow * float(density(fluid, supply))
    cp = float(heat_capacity(fluid, supply))
    water = heat_exchanger.fluid_of(plate.rated_cold_glycol)
    primary = plate.cold_flow * float(density(water, supply))
    hot = Stream(supply + heat / (secondary * cp), secondary, cp, fluid)
    cold = Stream(supply - approach, np.full(n.shape, primary), float(heat_capacity(water, supply)), water)
    most = heat_exchanger.transfer(hot, cold, 1.0, plate).heat
    carried = np.flatnonzero(most >= heat * (1.0 - ROUNDING))
    by_heat = int(carried[-1]) + 1 if carried.size else 0
    return RacksPerCdu(int(by_flow + ROUNDING), by_heat)


def pick_cdu(
    rack: Racks, racks: int, supply: float, approach: float, fluid: Fluid, redundancy: str, only: str | None
) -> Pick:
    """The CDU of the catalogue that is likely cheapest for so many racks; ``only`` names one."""
    offers: list[tuple[float, Pick]] = []
    assert rack.liquid is not None
    for slug in [only] if only else catalogue.names("cdu"):
        unit: Cdus = typed(slug, Cdus, ("cooling", "tcs", "cdu"))
        each = racks_per_cdu(rack, unit, supply, approach, fluid)
        if each.racks == 0:
            continue
        required = -(-racks // each.racks)
        heat = racks * rack.liquid.rated_heat
        words = (
            f"flow: one carries {each.flow} racks at {supply:.4g} °C technology supply"
            if each.binding == "flow"
            else f"heat: {required} carry {heat / 1e6:.3g} MW at {approach:.3g} K approach"
        )
        offers.append((_installed(required, unit.rated_heat, redundancy), Pick(slug, required, words)))
    return _cheapest(offers, "no CDU of the catalogue carries one such rack")


def pick_dry_cooler(
    slugs: Iterable[str], heat: float, supply: float, back: float, fluid: Fluid, air: Ambient, redundancy: str
) -> Pick:
    """The outdoor cooler that is likely cheapest to bring a loop from ``back`` to ``supply`` °C."""
    cp = float(heat_capacity(fluid, 0.5 * (supply + back)))
    total = heat / (cp * (back - supply))
    n = np.arange(1, MOST_UNITS + 1, dtype=np.float64)
    offers: list[tuple[float, Pick]] = []
    for slug in slugs:
        unit: DryCoolers = typed(slug, DryCoolers, ("cooling", "fws", "dry_cooler"))
        out = dry_cooler.transfer(Stream(back, total / n, cp, fluid), air, 1.0, unit)
        enough = np.flatnonzero(out.hot_out <= supply)
        if not enough.size:
            continue
        required = int(enough[0]) + 1
        words = f"heat: {required} bring {heat / 1e6:.3g} MW from {back:.1f} to {supply:.1f} °C in {float(np.max(air.dry_bulb)):.1f} °C air"
        offers.append((_installed(required, unit.rated_heat, redundancy), Pick(slug, required, words)))
    return _cheapest(offers, "no outdoor cooler reaches this supply")


def pick_air_handler(
    heat: float, supply: float, water: float, pressure: float, humidity_ratio: float, redundancy: str
) -> Pick:
    """The air handler that is likely cheapest to hold a room at ``supply`` °C with water of ``water`` °C."""
    n = np.arange(1, MOST_UNITS + 1, dtype=np.float64)
    chilled = fluids.fluid("water", 0.0)
    offers: list[tuple[float, Pick]] = []
    for slug in catalogue.names("air_handler"):
        unit: AirHandlers = typed(slug, AirHandlers, ("hall", "air_handler"))
        moved = air_handler.rating(unit).air_flow * pressure / STANDARD_PRESSURE
        back = supply + heat / (n * moved * MOIST_AIR_HEAT)
        flow = unit.rated_water_flow * float(density(chilled, water))
        out = air_handler.transfer(
            RoomAir(back, np.full(n.shape, moved), MOIST_AIR_HEAT, humidity_ratio, pressure),
            Stream(water, np.full(n.shape, flow), float(heat_capacity(chilled, water)), chilled), 1.0, unit,
        )  # fmt: skip
        enough = np.flatnonzero(out.hot_out <= supply)
        if not enough.size:
            continue
        required = int(enough[0]) + 1
        words = f"heat: {required} hold {supply:.3g} °C against {heat / 1e3:,.0f} kW on {water:.3g} °C water"
        offers.append((_installed(required, unit.rated_heat, redundancy), Pick(slug, required, words)))
    return _cheapest(offers, "no air handler of the catalogue holds this supply")


def pick_condenser(heat: float, saturation: float, water: float, tank: bool, redundancy: str) -> Pick:
    """The condenser that is likely cheapest for ``heat`` W between ``saturation`` and ``water`` °C; tanks, or units of plates."""
    offers: list[tuple[float, Pick]] = []
    for slug in catalogue.names("two_phase"):
        unit: Condensers = typed(slug, Condensers, ("cooling", "bath", "tank"))
        if unit.vented != tank or saturation <= water:
            continue
        rate = unit.rated_water_flow * 4.15e6
        coil = -np.expm1(-two_phase.conductance(unit) / rate) * rate * (saturation - water)
        required = _count(heat, min(float(coil), unit.rated_heat))
        words = (
            f"heat: {required} condense {heat / 1e6:.3g} MW at {saturation:.1f} °C on {water:.3g} °C water"
        )
        offers.append((_installed(required, unit.rated_heat, redundancy), Pick(slug, required, words)))
    return _cheapest(offers, "no condenser of the catalogue works on water so warm")


def pick_sidecar(
    rack: Racks, racks: int, room: float, approach: float, pressure: float, moisture: float, redundancy: str
) -> Pick:
    """The liquid-to-air unit that is likely cheapest to hold the racks' coolant ``approach`` K above ``room`` °C."""
    assert rack.liquid is not None
    supply, coolant = room + approach, fluids.fluid("propylene_glycol", 0.25)
    rho, cp = float(density(coolant, supply)), float(heat_capacity(coolant, supply))
    flow = float(rack_model.flow_demand(rack.liquid.rated_heat, supply, rho * cp, rack).flow)
    total, heat = racks * flow, racks * rack.liquid.rated_heat
    back = supply + heat / (total * rho * cp)
    n = np.arange(1, MOST_UNITS + 1, dtype=np.float64)
    offers: list[tuple[float, Pick]] = []
    for slug in catalogue.names("liquid_to_air"):
        unit: LiquidToAirCdus = typed(slug, LiquidToAirCdus, ("cooling", "tcs", "sidecar"))
        coil = unit.heat_exchanger
        air = Ambient(room, room - 7.0, moisture, pressure)
        out = liquid_to_air.transfer(Stream(back, total * rho / n, cp, coolant), air, 1.0, coil)
        enough = np.flatnonzero((out.hot_out <= supply) & (total / n <= coil.rated_liquid_flow))
        if not enough.size:
            continue
        required = int(enough[0]) + 1
        words = f"heat: {required} give {heat / 1e6:.3g} MW to room air at {approach:.3g} K approach"
        offers.append((_installed(required, unit.rated_heat, redundancy), Pick(slug, required, words)))
    return _cheapest(offers, "no liquid-to-air unit of the catalogue reaches this approach")


def pick_door(
    rack: Racks, racks: int, room: float, water: float, moisture: float, pressure: float, kind: str, spare_k: float
) -> tuple[Pick, float, float]:  # fmt: skip
    """The smallest door that brings a rack's exhaust back to ``room`` °C, or else the one that comes nearest.

    Parameters
    ----------
    kind
        ``passive``, ``active`` or anything else for both.
    spare_k
        Its set point stands so far above what it reaches, K.

    Returns
    -------
    tuple
        The pick; its set point above the room in K; heat in W that all doors catch at rated load.
    """
    coolant = rack.liquid.rated_flow if rack.liquid is not None else 0.0
    drawn = rack_model.respond(1.0, 30.0, coolant, room, rack)
    heat = float(drawn.heat_air)
    mass = float(drawn.air_flow) * AIR_DENSITY_20 * pressure / STANDARD_PRESSURE
    exhaust = room + heat / (mass * MOIST_AIR_HEAT)
    chilled = fluids.fluid("water", 0.0)
    offers: list[tuple[float, float, str]] = []
    for slug in catalogue.names("rear_door"):
        unit: RearDoors = typed(slug, RearDoors, ("rooms", "doors", "rear_door"))
        if kind in ("passive", "active") and unit.active != (kind == "active"):
            continue
        flow = unit.rated_water_flow * float(density(chilled, water))
        out = rear_door.transfer(
            RoomAir(exhaust, mass, MOIST_AIR_HEAT, moisture, pressure),
            Stream(water, flow, float(heat_capacity(chilled, water)), chilled), 1.0, unit,
        )  # fmt: skip
        if bool(out.valid):
            offers.append((max(float(out.hot_out) - room, 0.0), unit.rated_heat, slug))
    if not offers:
        problem = Problem(
            "doors", f"none of them stands {float(drawn.air_flow):.3g} m3/s of exhaust", "a door that does",
            "active doors, or air handlers: cooling: air",
        )  # fmt: skip
        raise InputError([problem])
    left, _, slug = min(offers)
    above = 0.0 if left == 0.0 else float(np.ceil(2.0 * left) / 2.0 + spare_k)
    caught = racks * max(heat - mass * MOIST_AIR_HEAT * above, 0.0)
    words = f"one behind each rack: {heat / 1e3:.3g} kW of exhaust at {exhaust:.1f} °C back to {room + above:.3g} °C on {water:.3g} °C water"
    return Pick(slug, racks, words), above, caught


def pick_by_rating(need: float, ratings: Mapping[str, float], redundancy: str, what: str) -> Pick:
    """The product that is likely cheapest with its spares.

    Parameters
    ----------
    need
        Duty in W, or VA, that the required units share.
    ratings
        Rating of one unit by datasheet.
    what
        Said of the duty, e.g. ``heat``.
    """
    best = min(ratings, key=lambda slug: _installed(_count(need, ratings[slug]), ratings[slug], redundancy))
    required = _count(need, ratings[best])
    return Pick(
        best,
        required,
        f"{what}: {need / 1e6:.3g} MW over {ratings[best] / 1e3:,.4g} kW each",
    )


def _cheapest(offers: list[tuple[float, Pick]], none: str) -> Pick:
    """The offer of the least likely cost; without any, a pick of no units that says why."""
    return min(offers, key=lambda offer: offer[0])[1] if offers else Pick("", 0, none)


def _installed(required: int, rating: float, redundancy: str) -> float:
    """Likely cost of all units, in units of its own: many small ones cost more than few large ones."""
    return float((required + spares(required, redundancy)) * rating**SCALE)


def _count(need: float, rating: float) -> int:
    return max(1, int(np.ceil(need / rating - ROUNDING)))
