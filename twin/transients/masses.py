"""What stores heat: the thermal masses of a facility, from what its site file states or from rules of thumb.

Every rule of thumb here is an estimate; docs/explanation/transients.md says where each is from. State the volumes of a
real plant in its site file: ride-through is volume before it is anything else.
"""

from typing import NamedTuple

from twin_models.fluids import boiling
from twin_models.fluids.fluids import Fluid, density, heat_capacity
from twin_models.psychrometrics.psychrometrics import DRY_AIR_HEAT
from twin_models.two_phase.two_phase import SCALE_K
from twin_sites.schema import Cdus, Condensers, CoolingTowers, Loop, Room, Tanks

from twin.compile import RackNode, VolumeNode
from twin.design_flows import AIR_DENSITY, REFERENCE_DEGC

LITRES_PER_RACK = 15.0  # of a technology loop: hoses and row pipes
LITRES_PER_CDU = 100.0
FACILITY_LITRES_PER_KW = 5.0  # 3 to 10 with a buffer tank
DESIGN_RANGE_K = 10.0  # with which the duty of a facility loop follows from its design flow
BASIN_S = 60.0  # of design flow in a tower basin
AIR_PER_RACK = 15.0  # m³
SMALLEST_ROOM = 60.0  # m³
AIR_PER_MW = 40.0  # m³ around a MW of UPS or switchgear: 10 m² with aisles, 4 m high
STEEL_PER_MW = 0.9e6  # J/K of it: 2 t of copper and steel
STEEL_PER_RACK = 120e3  # J/K: sheet metal and boards that take part within minutes
STEEL_TIME = 60.0  # s in which that steel follows the air
HEAD_SHARE = 0.15  # of a loop's volume in the machines that cool it
MIX_SHARE = 0.15  # of it in what they serve; the rest is pipe, half supply and half return
CHARGE_PER_W = 5e-3  # kg of boiling liquid per W of a condenser that states no charge; 5.5 to 6 g in a tank
BOILING_PLATE = 60.0  # J/K of the coated copper plate on a package that boils liquid: 15 cm³
VAPOUR_S = 0.1  # s for which vapour is on its way from the chips to the coil
LEAST_BATH = 0.1  # of a bath that is not around its boards, where racks state as much as the tanks hold
TANK_CELLS = 4  # of a buffer tank at the load: warm water follows cold through it
SUPPLY_AIR, EXHAUST_AIR, RETURN_AIR = 0.4, 0.3, 0.3  # of a room's air


class LiquidMass(NamedTuple):
    """Heat capacities of a loop in J/K."""

    head: float  # machines that cool it, tower basin and buffer tank, mixed
    cell: float  # of each pipe cell
    mix: float  # what they serve
    tank: float = 0.0  # of each cell of a buffer tank at the load


class AirMass(NamedTuple):
    """Heat capacities of a room in J/K, and W/K between exhaust air and steel."""

    head: float
    exhaust: float
    back: float
    steel: float
    conductance: float


def liquid_mass(volume: VolumeNode, cells: int) -> LiquidMass:
    """Masses of a liquid loop whose supply and return pipes are cut into ``cells`` each."""
    assert isinstance(volume.part, Loop)
    assert volume.fluid is not None
    per_m3 = float(density(volume.fluid, REFERENCE_DEGC)) * float(heat_capacity(volume.fluid, REFERENCE_DEGC))
    whole = volume.part.volume if volume.part.volume is not None else _usual_volume(volume)
    at_load = volume.part.buffer_at == "load"
    still = 0.0 if at_load else volume.part.buffer
    tank = volume.part.storage
    if tank is not None:  # what is kept for failures is there whenever one comes; the rest may be used up
        still += tank.units * tank.volume * tank.figure_of_merit * tank.reserve
    for stage in volume.stages:
        for node in stage:
            if isinstance(node.link, CoolingTowers):
                basin = node.link.basin
                one = basin if basin is not None else BASIN_S * node.link.design_flow
                still += one * node.link.count
    pipe = (1.0 - HEAD_SHARE - MIX_SHARE) * whole
    return LiquidMass(
        per_m3 * (HEAD_SHARE * whole + still), per_m3 * pipe / (2 * cells), per_m3 * MIX_SHARE * whole,
        per_m3 * volume.part.buffer / TANK_CELLS if at_load else 0.0,
    )  # fmt: skip


def per_volume(liquid: Fluid) -> float:
    """Heat capacity of a liquid in J/(m³·K); of a boiling one that of the liquid itself, not of its vapour."""
    if liquid.boils:
        return float(
            boiling.density(liquid.name, REFERENCE_DEGC) * boiling.heat_capacity(liquid.name, REFERENCE_DEGC)
        )
    return float(density(liquid, REFERENCE_DEGC)) * float(heat_capacity(liquid, REFERENCE_DEGC))


def boiling_mass(volume: VolumeNode) -> float:
    """Heat capacity in J/K of the liquid of a boiling loop: what its pressure has to warm before it rises."""
    assert volume.fluid is not None
    assert isinstance(volume.part, Loop)
    name, at = volume.fluid.name, REFERENCE_DEGC
    condensers = [n.link for stage in volume.stages for n in stage if isinstance(n.link, Condensers)]
    charge = sum(one.count * (one.charge or CHARGE_PER_W * one.rated_heat) for one in condensers)
    if volume.part.volume is not None:
        charge = volume.part.volume * float(boiling.density(name, at))
    return max(charge, 1.0) * float(boiling.heat_capacity(name, at))


def _usual_volume(volume: VolumeNode) -> float:
    """Volume in m³ that a loop of this size usually has."""
    tanks = [n.link for stage in volume.stages for n in stage if isinstance(n.link, Tanks)]
    if tanks:  # what stands around the boards is a part of the bath, and counted with the racks
        around = sum(
            n.racks.count * n.racks.liquid.volume for n in volume.racks if n.racks.liquid is not None
        )
        whole = sum(tank.count * tank.bath_volume for tank in tanks)
        return max(whole - around, LEAST_BATH * whole)
    if volume.racks:
        units = sum(n.link.count for stage in volume.stages for n in stage if isinstance(n.link, Cdus))
        racks = sum(node.racks.count for node in volume.racks)
        return (LITRES_PER_RACK * racks + LITRES_PER_CDU * max(units, 1)) / 1000.0
    assert volume.fluid is not None
    duty = volume.design_flow * float(heat_capacity(volume.fluid, REFERENCE_DEGC)) * DESIGN_RANGE_K
    return max(FACILITY_LITRES_PER_KW * duty / 1e6, 1e-3)


def air_mass(volume: VolumeNode, electrical: float) -> AirMass:
    """Masses of a room in which ``electrical`` W of UPS, switchgear and transformers stand."""
    assert isinstance(volume.part, Room)
    racks = sum(node.racks.count for node in volume.racks if node.room == volume.name)
    usual = max(AIR_PER_RACK * racks + AIR_PER_MW * electrical / 1e6, SMALLEST_ROOM)
    air = (volume.part.volume if volume.part.volume is not None else usual) * AIR_DENSITY * DRY_AIR_HEAT
    steel = volume.part.steel if volume.part.steel is not None else None
    if steel is None:
        steel = max(STEEL_PER_RACK * racks + STEEL_PER_MW * electrical / 1e6, STEEL_PER_RACK)
    return AirMass(SUPPLY_AIR * air, EXHAUST_AIR * air, RETURN_AIR * air, steel, steel / STEEL_TIME)


def chip_mass(node: RackNode) -> float:
    """Heat capacity in J/K of all packages of one rack with what is fixed to them; 0 without accelerators."""
    racks = node.racks
    if racks.accelerator is None:
        return 0.0
    holder = racks.cold_plate or racks.bath_sink or racks.air_sink
    fixed = holder.heat_capacity if holder is not None else BOILING_PLATE
    return racks.accelerators * (racks.accelerator.heat_capacity + fixed)


def coolant_mass(node: RackNode, rho_cp: float) -> float:
    """Heat capacity in J/K of the coolant in one rack, for ``rho_cp`` in J/(m³·K); of vapour alone where it boils."""
    liquid = node.racks.liquid
    if liquid is None:
        return 0.0
    return VAPOUR_S * liquid.rated_heat / SCALE_K if liquid.control == "boiling" else liquid.volume * rho_cp
