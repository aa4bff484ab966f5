"""The first design of a facility: duties from ratings, products and counts from the catalogue."""

from collections.abc import Callable, Mapping

import numpy as np
from twin_models.fluids.fluids import Fluid, density, fluid, heat_capacity
from twin_models.rack import rack as rack_model
from twin_models.streams import Ambient
from twin_models.ups import ups
from twin_sites import catalogue
from twin_sites.errors import InputError, Problem
from twin_sites.schema import CoolingTowers, DryCoolers, Pdus, Racks, Tanks, Transformers, UpsModules

from twin.sizing.datasheets import typed
from twin.sizing.electrical import ARCHITECTURES, CONTINUOUS, currents, modules, peak_of, rack_stage, ways
from twin.sizing.form import DOORS, SIDECAR, Design, Frame
from twin.sizing.needs import Requirements, approach_of, architecture_of, power_rule, technology_of
from twin.sizing.products import (
    Pick,
    pick_air_handler,
    pick_by_rating,
    pick_cdu,
    pick_condenser,
    pick_door,
    pick_dry_cooler,
    pick_sidecar,
)
from twin.sizing.technologies import Technology, boils_at
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
SWITCH = "static-transfer-switch-415v-800"
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
CONDENSER_WATER_RISE_K = 7.0  # of the water side of condensers at their rated point
DOORS_SUPPLY_K = 0.5  # a door's set point over what it reaches at rated heat (estimate)
LEGACY = "legacy-air-8kw"

Put = Callable[[str, Pick], None]


def rack_counts(wanted: Requirements, rack: Racks, compute: int) -> dict[str, int]:
    """Racks by address: compute, and network and storage in proportion."""
    power = wanted.support * compute * rack_model.rated(rack).power
    out = {"racks.compute": compute}
    for name, slug, share in (("network", "network-air", 0.6), ("storage", "storage-air", 0.4)):
        out[f"racks.{name}"] = round(share * power / typed(slug, Racks, ("racks", name)).tdp)
    return out | ({"racks.legacy": wanted.legacy} if wanted.legacy else {})


def frame_of(wanted: Requirements, rack: Racks, air: Weather, plant: str, count: int) -> Frame:
    """Everything that shapes the site file beside counts and products."""
    coldest = float(air.dry_bulb.min()) + wanted.ambient_offset - FREEZE_MARGIN_K
    enough = [x for x in GLYCOL if fluid("propylene_glycol", x).freezing_point <= coldest]
    return Frame(
        name=f"{wanted.system}-{count}-{plant}"[:80],
        weather=wanted.weather,
        load=wanted.load,
        technology=technology_of(wanted),
        plant=plant,
        glycol=0.0 if coldest > 0.0 else (enough or GLYCOL[-1:])[0],
        redundancy=wanted.redundancy,
        power_redundancy=power_rule(wanted),
        stages=_stages(wanted, rack),
        ambient_offset=wanted.ambient_offset,
        technology_supply=_technology_supply(wanted, air),
        room_supply=ROOM_DEGC,
        dew_point=ROOM_DEW_DEGC,
        economy={"energy_price": f"{wanted.energy_price * 3.6e6:.6g} USD/kWh", "water_price": "2 USD/m3", "carbon_intensity": "380 g/kWh"},
        work=wanted.work,
        title=f"{count} racks {wanted.system}, {technology_of(wanted).name}, {plant} heat rejection, {wanted.redundancy}, sized for {wanted.weather}",
    )  # fmt: skip


def _stages(wanted: Requirements, rack: Racks) -> dict[str, dict[str, object]]:
    """Supplies of racks that are fed with 800 VDC."""
    found = {f"racks.{name}": rack_stage(rack, architecture_of(wanted), name == "compute") for name in ("compute", "network", "storage")}  # fmt: skip
    return {name: stage for name, stage in found.items() if stage}


def _technology_supply(wanted: Requirements, air: Weather) -> str:
    """Set point of the technology loop: a vented tank boils at its own temperature, all others follow their sink."""
    how = technology_of(wanted)
    if how.fluid == "novec_649":
        return f"{boils_at(how.fluid, float(np.median(air.pressure))):.6g} degC"
    return f"{'fws' if how.facility else 'hall'} + {approach_of(wanted):.6g} K"


def first_design(
    wanted: Requirements, rack: Racks, frame: Frame, air: Weather, days: Weather, compute: int
) -> tuple[Design, dict[str, Pick]]:
    """Counts and products by rating, and the reason of each."""
    units = rack_counts(wanted, rack, compute)
    product = {
        "racks.compute": wanted.system, "racks.network": "network-air", "racks.storage": "storage-air",
        "racks.legacy": LEGACY,
    }  # fmt: skip
    how = frame.technology
    reasons: dict[str, Pick] = {}
    rated = rack_model.rated(rack)
    support = sum(
        n * typed(product[a], Racks, ("racks", a)).tdp for a, n in units.items() if a != "racks.compute"
    )
    it = compute * rated.power + support
    liquid_heat = compute * rated.heat_liquid if frame.facility else 0.0
    room_heat = 1.03 * (it - liquid_heat)
    caught = 0.0
    number = {"power.utility": 2.0 * it, "cooling.chw.supply": CHW_DEGC}

    def put(address: str, pick: Pick) -> None:
        units[address], reasons[address] = pick.required, pick
        if pick.slug:
            product[address] = pick.slug

    _electrical(wanted, rack, air, compute, it, support, put, number)
    losses = 0.05 * it + _idle_loss(units, product)
    rule = wanted.redundancy
    moisture, pressure = 0.010, float(days.pressure[0])
    if wanted.doors in ("passive", "active") or how.doors:
        door, above_hall, caught = pick_door(
            rack, compute, ROOM_DEGC, CHW_DEGC, moisture, pressure, wanted.doors, DOORS_SUPPLY_K
        )
        put(DOORS, door)
        number["rooms.doors.above_hall"] = above_hall
    if how.unit == "sidecar":
        side = pick_sidecar(rack, compute, ROOM_DEGC, approach_of(wanted), pressure, moisture, rule)
        _must_carry(side, "liquid-to-air unit")
        put("cooling.tcs.sidecar", side)
        room_heat *= 1.05  # fans and pumps of the units
    for address, heat in (("hall", room_heat - caught), ("rooms.electrical", losses)):
        put(f"{address}.air_handler", pick_air_handler(heat, ROOM_DEGC, CHW_DEGC, pressure, moisture, rule))
    if how.facility:
        supply = facility_supply(wanted, rack, frame.plant, days)
        number["cooling.fws.supply"] = supply
        put(f"cooling.{how.loop}.{how.unit}", _unit(wanted, rack, how, compute, supply, days))
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
    return Design(units, product, number), reasons


def _unit(
    wanted: Requirements, rack: Racks, how: Technology, compute: int, supply: float, days: Weather
) -> Pick:
    """CDUs, tanks or condensers of the technology loop."""
    assert rack.liquid is not None
    heat, rule, approach = (
        compute * rack_model.rated(rack).heat_liquid,
        wanted.redundancy,
        approach_of(wanted),
    )
    if how.name == "two-phase":
        boiling = how.unit == "tank"
        saturation = boils_at(how.fluid, float(np.median(days.pressure))) if boiling else supply + approach
        one = pick_condenser(heat, saturation, supply, boiling, rule)
        _must_carry(one, "condenser")
        return one
    if how.name == "immersion":
        tanks = {slug: tank_load(slug) for slug in catalogue.names("immersion")}
        return pick_by_rating(heat, tanks, rule, "heat, and what a tank holds")
    coolant = fluid(how.fluid, how.concentration)
    one = pick_cdu(rack, compute, supply + approach, approach, coolant, rule, wanted.cdu or None)
    _must_carry(one, "CDU")
    return one


def _must_carry(pick: Pick, machine: str) -> None:
    if not pick.required:
        words = f"none at which a {machine} carries a rack"
        raise InputError([Problem("approach", words, "one at which it does", "a larger approach")])


def tank_load(slug: str) -> float:
    """Heat in W that one tank takes: its exchanger's, or what its bath may hold."""
    tank: Tanks = typed(slug, Tanks, ("cooling", "bath", "tank"))
    return min(tank.rated_heat, tank.highest_load)


def technology_limit(wanted: Requirements, rack: Racks, days: Weather) -> float:
    """Warmest technology supply, °C, at which the rack's highest flow still keeps its return limit; where liquid boils, what the form stands."""
    liquid, how = rack.liquid, technology_of(wanted)
    assert liquid is not None
    if how.name == "two-phase":
        at = boils_at(how.fluid, float(np.median(days.pressure))) if how.unit == "tank" else rack.supply_high
        return min(at, rack.supply_high)
    coolant = fluid(how.fluid, how.concentration)
    rho_cp = float(density(coolant, 40.0)) * float(heat_capacity(coolant, 40.0))
    return min(rack.supply_high, liquid.return_limit - liquid.rated_heat / (liquid.maximum_flow * rho_cp))


def facility_supply(wanted: Requirements, rack: Racks, plant: str, days: Weather) -> float:
    """The facility supply asked, or what this climate gives without compressors, within what the racks take."""
    if wanted.supply is not None:
        return wanted.supply
    most = float(np.floor(technology_limit(wanted, rack, days) - approach_of(wanted)))
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
    if rack.liquid.medium != "plates":
        return TANK_WATER_RISE_K if rack.liquid.medium == "bath" else CONDENSER_WATER_RISE_K
    coolant = fluid("propylene_glycol", 0.25)
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
    wanted: Requirements, rack: Racks, air: Weather, compute: int, it: float, support: float, put: Put, number: dict[str, float]
) -> None:  # fmt: skip
    """Transformers, switchgear and UPS by power; busways by current: the racks' peak, and 125 % of what they draw for long."""
    one, rule = ARCHITECTURES[architecture_of(wanted)], power_rule(wanted)
    region = "us-" if air.longitude < AMERICAS_EAST else "eu-"
    transformers = {
        s: wanted.loading * t.rating * t.power_factor
        for s in catalogue.names("transformer")
        if s.startswith(region) and (t := typed(s, Transformers, ("power", "transformer")))
    }
    gear = {
        s: wanted.loading * typed(s, Pdus, ("power", "mechanical")).rating
        for s in catalogue.names("pdu")
        if s.startswith("switchgear")
    }
    put("power.transformer", pick_by_rating(1.3 * it, transformers, rule, "power"))
    put("power.mechanical", pick_by_rating(0.2 * it, gear, rule, "power"))
    usual = {s: wanted.loading * u.rating for s, u in modules(False).items() if _efficient(u)}
    direct = one.kind == "dc"
    put("power.ups", pick_by_rating((0.1 if direct else 1.06) * it, usual, rule, "power"))
    if direct:
        rectifiers = {s: wanted.loading * u.rating for s, u in modules(True).items()}
        put("power.rectifier", pick_by_rating(1.01 * it, rectifiers, rule, "power"))
    peak = peak_of(rack)
    need = max(compute * peak + support, CONTINUOUS * (compute * rack.tdp + support))
    if wanted.power_redundancy == "block":
        switches = {SWITCH: typed(SWITCH, Pdus, ("power", "switch")).rating}
        put("power.switch", pick_by_rating(need, switches, "N", "peak of the racks"))
    way = pick_by_rating(need, ways(rack, architecture_of(wanted), wanted.distribution), rule, "current")
    here = next(row for row in currents(rack, architecture_of(wanted)) if row.volts == one.volts)
    kind = f"{one.volts:g} V three-phase" if one.kind == "three-phase" else f"{one.volts:g} VDC"
    words = f"; a rack draws {here.rated_a:,.0f} A and peaks at {here.peak_a:,.0f} A, {kind}"
    put("power.busway", way._replace(binding=way.binding + words))
    if one.sidecar:
        number["power.sidecar.rating"] = max(peak, CONTINUOUS * rack.tdp)
        binding = f"one beside each rack: 800 VDC for a peak of {peak / 1e3:,.0f} kW"
        put(SIDECAR, Pick("sidecar-800vdc-660", compute, binding))


def _idle_loss(units: Mapping[str, int], product: Mapping[str, str]) -> float:
    """Loss of UPS modules and rectifiers without load, W: in small facilities it is most of what heats their room."""
    found = [address for address in ("power.ups", "power.rectifier") if address in product]
    modules = [(units[address], typed(product[address], UpsModules, ("power", "ups"))) for address in found]
    return float(sum(n * module.rating * module.no_load_loss for n, module in modules))


def _efficient(module: UpsModules) -> bool:
    half = 0.5 * module.rating
    return half / (half + float(ups.loss(half, module).loss)) >= EFFICIENT
