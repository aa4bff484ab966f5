"""The first design of a facility: duties from ratings, products and counts from the catalogue."""

from collections.abc import Callable
from typing import Any

import numpy as np
from twin_models.fluids.fluids import Fluid, density, fluid, heat_capacity
from twin_models.pdu import pdu
from twin_models.rack import rack as rack_model
from twin_models.streams import Ambient
from twin_models.ups import ups
from twin_sites import catalogue
from twin_sites.errors import InputError, Problem
from twin_sites.schema import CoolingTowers, DryCoolers, Pdus, Racks, Tanks, Transformers, UpsModules

from twin.sizing.form import Design, Frame
from twin.sizing.needs import Requirements, approach_of, cooled_by
from twin.sizing.products import Pick, pick_air_handler, pick_by_rating, pick_cdu, pick_dry_cooler, typed
from twin.weather import Weather

OUTDOOR_APPROACH_K = 6.0  # of dry coolers at the design hour; 6 to 10 K are usual (estimate)
PAD_PENALTY_K = 3.0  # air leaves wetted pads so much above its wet bulb (85 % pads in dry air, estimate)
TOWER_APPROACH_K = 7.0  # condenser water over wet bulb, as in the reference sites (estimate)
ECONOMISER_K = 3.0  # plate approach of 2 K and 1 K for control (estimate)
LOWEST_FWS_DEGC = 30.0  # warm water that most climates give without compressors (ASHRAE W32; estimate)
CHW_DEGC = 18.0  # water of the air handlers, whose ratings are stated at 18 °C
ROOM_DEGC, ROOM_DEW_DEGC = 25.0, 14.0  # within ASHRAE's recommended 18 to 27 °C and 15 °C dew point
FREEZE_MARGIN_K = 3.0
GLYCOL = [0.05 * i for i in range(11)]
PEAK_OVER_RATING = 1.15  # EDPp over rating where a rack publishes none (155/135 of GB300)
EFFICIENT = 0.95  # at half load; older UPS are kept in the catalogue for existing sites
WATER_COOLED_MOST_W, AIR_COOLED_MOST_W = (
    2.6e6,
    1.2e6,
)  # one chiller (estimate: sizes of the catalogue's kinds)
PLATE_MOST_W = 4e6  # one economiser (estimate)
PUMP_MOST_M3S = 0.1  # one pump (estimate)
AMERICAS_EAST = -30.0  # longitude
CHW_RISE_K, CONDENSER_RISE_K = 8.0, 8.0  # first guess of loop ranges; the simulation finds the true ones

TANK_WATER_RISE_K = 7.5  # of the water side at the tanks' rated point
COOLANT = fluid("propylene_glycol", 0.25)  # of technology loops
BATH = fluid("gtl_oil", 0.0)

Put = Callable[[str, Pick], None]


def rack_counts(wanted: Requirements, rack: Racks, compute: int) -> dict[str, int]:
    """Racks by address: compute, and network and storage in proportion."""
    power = wanted.support * compute * rack_model.rated(rack).power
    out = {"racks.compute": compute}
    for name, slug, share in (("network", "network-air", 0.6), ("storage", "storage-air", 0.4)):
        out[f"racks.{name}"] = round(share * power / typed(slug, Racks, ("racks", name)).tdp)
    return out


def frame_of(wanted: Requirements, rack: Racks, air: Weather, plant: str, count: int) -> Frame:
    """Everything that shapes the site file beside counts and products."""
    coldest = float(air.dry_bulb.min()) + wanted.ambient_offset - FREEZE_MARGIN_K
    enough = [x for x in GLYCOL if fluid("propylene_glycol", x).freezing_point <= coldest]
    return Frame(
        name=f"{wanted.system}-{count}-{plant}"[:80],
        weather=wanted.weather,
        load=wanted.load,
        technology=cooled_by(wanted.system),
        plant=plant,
        glycol=0.0 if coldest > 0.0 else (enough or GLYCOL[-1:])[0],
        redundancy=wanted.redundancy,
        ambient_offset=wanted.ambient_offset,
        approach=approach_of(wanted),
        room_supply=ROOM_DEGC,
        dew_point=ROOM_DEW_DEGC,
        economy={"energy_price": f"{wanted.energy_price * 3.6e6:.6g} USD/kWh", "water_price": "2 USD/m3", "carbon_intensity": "380 g/kWh"},
        work=wanted.work,
        title=f"{count} racks {wanted.system}, {plant} heat rejection, {wanted.redundancy}, sized for {wanted.weather}",
    )  # fmt: skip


def first_design(
    wanted: Requirements, rack: Racks, frame: Frame, air: Weather, days: Weather, compute: int
) -> tuple[Design, dict[str, Pick]]:
    """Counts and products by rating, and the reason of each."""
    units = rack_counts(wanted, rack, compute)
    product = {"racks.compute": wanted.system, "racks.network": "network-air", "racks.storage": "storage-air"}
    reasons: dict[str, Pick] = {}
    rated = rack_model.rated(rack)
    support = sum(
        n * typed(product[a], Racks, ("racks", a)).tdp for a, n in units.items() if a != "racks.compute"
    )
    it = compute * rated.power + support
    liquid_heat = compute * rated.heat_liquid if frame.liquid else 0.0
    room_heat, losses = 1.03 * (it - liquid_heat), 0.05 * it
    number = {"power.utility": 2.0 * it, "cooling.chw.supply": CHW_DEGC}

    def put(address: str, pick: Pick) -> None:
        units[address], reasons[address] = pick.required, pick
        if pick.slug:
            product[address] = pick.slug

    rule = wanted.redundancy
    moisture, pressure = 0.010, float(days.pressure[0])
    for address, heat in (("hall", room_heat), ("rooms.electrical", losses)):
        put(f"{address}.air_handler", pick_air_handler(heat, ROOM_DEGC, CHW_DEGC, pressure, moisture, rule))
    if frame.liquid:
        supply = facility_supply(wanted, rack, frame.plant, days)
        number["cooling.fws.supply"] = supply
        if frame.technology == "immersion":
            tanks = {slug: tank_load(slug) for slug in catalogue.names("immersion")}
            put("cooling.bath.tank", pick_by_rating(liquid_heat, tanks, rule, "heat, and what a tank holds"))
        else:
            approach = approach_of(wanted)
            cdu = pick_cdu(rack, compute, supply + approach, approach, COOLANT, rule, wanted.cdu or None)
            if not cdu.required:
                found = Problem(
                    "approach", f"{approach:g} K", "one at which a CDU carries a rack", "a larger approach"
                )
                raise InputError([found])
            put("cooling.tcs.cdu", cdu)
        _plant_loop(
            "fws",
            1.03 * liquid_heat,
            _rise(rack, supply + approach_of(wanted)),
            wanted,
            frame,
            days,
            put,
            number,
        )
    _plant_loop("chw", room_heat + losses, CHW_RISE_K, wanted, frame, days, put, number)
    if frame.plant == "tower":
        number["cooling.condenser.approach"] = TOWER_APPROACH_K
        cells = {
            slug: cell.design_flow * 995.0 * 4180.0 * cell.design_range
            for slug in catalogue.names("cooling_tower")
            if (cell := typed(slug, CoolingTowers, ("cooling", "condenser", "tower"))).circuit == "open"
        }
        put("cooling.condenser.tower", pick_by_rating(1.15 * it, cells, rule, "heat"))
        _pumps("condenser", 1.15 * it, CONDENSER_RISE_K, put, number)
    _electrical(wanted, rack, air, compute, it, support, put)
    return Design(units, product, number), reasons


def tank_load(slug: str) -> float:
    """Heat in W that one tank takes: its exchanger's, or what its bath may hold."""
    tank: Tanks = typed(slug, Tanks, ("cooling", "bath", "tank"))
    return min(tank.rated_heat, tank.highest_load)


def technology_limit(rack: Racks) -> float:
    """Warmest technology supply, °C, at which the rack's highest flow still keeps its return limit."""
    liquid = rack.liquid
    assert liquid is not None
    coolant = BATH if liquid.medium == "bath" else COOLANT
    rho_cp = float(density(coolant, 40.0)) * float(heat_capacity(coolant, 40.0))
    return min(rack.supply_high, liquid.return_limit - liquid.rated_heat / (liquid.maximum_flow * rho_cp))


def facility_supply(wanted: Requirements, rack: Racks, plant: str, days: Weather) -> float:
    """The facility supply asked, or what this climate gives without compressors, within what the racks take."""
    if wanted.supply is not None:
        return wanted.supply
    most = float(np.floor(technology_limit(rack) - approach_of(wanted)))
    sink = (days.dry_bulb if plant == "dry" else days.wet_bulb).max() + wanted.ambient_offset
    reach = {
        "dry": OUTDOOR_APPROACH_K,
        "adiabatic": OUTDOOR_APPROACH_K + PAD_PENALTY_K,
        "tower": TOWER_APPROACH_K + ECONOMISER_K,
    }[plant]
    return float(np.clip(np.ceil(float(sink) + reach), min(LOWEST_FWS_DEGC, most), most))


def _rise(rack: Racks, technology_supply: float) -> float:
    """First guess of the facility loop's range: that of the racks, since CDUs move like flows on both sides."""
    assert rack.liquid is not None
    if rack.liquid.medium == "bath":
        return TANK_WATER_RISE_K
    coolant = COOLANT
    rho_cp = float(density(coolant, technology_supply)) * float(heat_capacity(coolant, technology_supply))
    asked = rack_model.flow_demand(rack.liquid.rated_heat, technology_supply, rho_cp, rack)
    return rack.liquid.rated_heat / (float(asked.flow) * rho_cp)


def _plant_loop(
    loop: str, heat: float, rise: float, wanted: Requirements, frame: Frame, days: Weather, put: Put, number: dict[str, float]
) -> None:  # fmt: skip
    """Pumps, outdoor coolers or economisers, and chillers of a facility loop."""
    here = f"cooling.{loop}"
    supply = number[f"{here}.supply"]
    _pumps(loop, heat, rise, put, number)
    number[f"{here}.flow"] = number[f"{here}.pump.flow"]
    if frame.plant == "tower":
        n = max(2, int(np.ceil(heat / PLATE_MOST_W)))
        number[f"{here}.economiser.rated_heat"] = heat / n
        put(
            f"{here}.economiser",
            Pick("", n, f"heat: {n} plates of {heat / n / 1e6:.3g} MW at 2 K approach"),
        )
        needs_chiller = (
            supply
            < float(days.wet_bulb.max()) + wanted.ambient_offset + TOWER_APPROACH_K + ECONOMISER_K - 0.5
        )
        slug, most = "warm-water-centrifugal-1500", WATER_COOLED_MOST_W
    else:
        slugs = [s for s in catalogue.names("dry_cooler") if _fits(s, wanted, frame)]
        cooler = pick_dry_cooler(
            slugs, heat, supply, supply + rise, _coolant(frame), _hottest(wanted, days), wanted.redundancy
        )
        needs_chiller = not cooler.required
        if (
            needs_chiller
        ):  # outdoor air is too warm at the design hour: coolers for cool hours, chillers for the rest
            ratings = {s: typed(s, DryCoolers, ("cooling", loop, "dry_cooler")).rated_heat for s in slugs}
            cooler = pick_by_rating(heat, ratings, wanted.redundancy, "heat in cool hours")
        put(f"{here}.dry_cooler", cooler)
        slug, most = "warm-water-air-screw-1200", AIR_COOLED_MOST_W
    if needs_chiller:
        n = max(1, int(np.ceil(heat / most)))
        number[f"{here}.chiller.capacity"] = 1.1 * heat / n
        words = f"heat: {n} for {heat / 1e6:.3g} MW in hours too warm for {supply:.3g} °C without compressors"
        put(f"{here}.chiller", Pick(slug, n, words))


def _fits(slug: str, wanted: Requirements, frame: Frame) -> bool:
    """Wetted coolers for an adiabatic plant, dry ones for a dry one; only quiet ones where asked."""
    if frame.plant == "adiabatic":
        return slug.startswith("adiabatic")
    return not slug.startswith("adiabatic") and (not wanted.quiet or "low-noise" in slug)


def _coolant(frame: Frame) -> Fluid:
    return fluid("propylene_glycol", frame.glycol) if frame.glycol else fluid("water", 0.0)


def _hottest(wanted: Requirements, days: Weather) -> Ambient:
    i = int(np.argmax(days.dry_bulb))
    warmer = wanted.ambient_offset
    return Ambient(
        *(
            np.asarray(x[i])
            for x in (days.dry_bulb + warmer, days.wet_bulb + warmer, days.humidity_ratio, days.pressure)
        )
    )


def _pumps(loop: str, heat: float, rise: float, put: Put, number: dict[str, float]) -> None:
    flow = heat / (4.0e6 * rise)
    n = 1 if flow < 0.01 else max(2, int(np.ceil(flow / PUMP_MOST_M3S)))
    number[f"cooling.{loop}.pump.flow"] = flow
    put(f"cooling.{loop}.pump", Pick("", n, "flow: the most that the loop asks in the design day"))


def _electrical(
    wanted: Requirements, rack: Racks, air: Weather, compute: int, it: float, support: float, put: Put
) -> None:
    """Transformers, switchgear and UPS by power; busways by the racks' peak."""

    def ratings(family: str, cls: Any, name: str) -> dict[str, Any]:
        return {slug: typed(slug, cls, ("power", name)) for slug in catalogue.names(family)}

    rule = wanted.redundancy
    region = "us-" if air.longitude < AMERICAS_EAST else "eu-"
    transformers = {
        s: wanted.loading * t.rating * t.power_factor
        for s, t in ratings("transformer", Transformers, "transformer").items()
        if s.startswith(region)
    }
    modules = {
        s: wanted.loading * u.rating for s, u in ratings("ups", UpsModules, "ups").items() if _efficient(u)
    }
    gear = typed("switchgear-415v-4000", Pdus, ("power", "mechanical"))
    peak = rack.peak or PEAK_OVER_RATING * rack.tdp
    ways = {
        s: p.rating for s, p in ratings("pdu", Pdus, "busway").items()
        if p.rating >= peak and not s.startswith(("switchgear", "static"))
    }  # fmt: skip
    put("power.transformer", pick_by_rating(1.3 * it, transformers, rule, "power"))
    put("power.ups", pick_by_rating(1.06 * it, modules, rule, "power"))
    put(
        "power.mechanical",
        pick_by_rating(0.2 * it, {"switchgear-415v-4000": wanted.loading * gear.rating}, rule, "power"),
    )
    busway = pick_by_rating(
        compute * peak + support, ways or {"switchgear-415v-4000": gear.rating}, rule, "peak of the racks"
    )
    amperes = float(pdu.current(peak, 415.0, "three-phase"))
    put(
        "power.busway",
        busway._replace(binding=f"{busway.binding}; a rack peaks at {amperes:,.0f} A, 415 V three-phase"),
    )


def _efficient(module: UpsModules) -> bool:
    half = 0.5 * module.rating
    return half / (half + float(ups.loss(half, module).loss)) >= EFFICIENT
