"""Entries of a facility in time: loops, rooms, links, drives and feeders with their places in the vector."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from twin_models.streams import Ambient, Array, RoomAir, Stream
from twin_models.two_phase.two_phase import SCALE_K
from twin_sites.schema import OUTDOORS, Cdus, CoolingTowers, DryCoolers, HeatCustomers, LiquidToAirCdus, Loop

from twin.compile import LinkNode, Plan, VolumeNode
from twin.loops import _TRANSFER
from twin.power import _LOSS
from twin.set_points import DEW_POINT_MARGIN_K, _bounds, _room
from twin.transients.masses import TANK_CELLS, AirMass, LiquidMass, air_mass, boiling_mass, liquid_mass
from twin.transients.tangents import Tangent

SENSOR_TIME = 8.0  # s, thermometer in its pocket (estimate)
ACTUATOR_TIME = 2.0  # s from command to movement (estimate)
FLOW_SWITCH = 0.01  # of design: below it controllers hold what they have
LEAST_FLOW = 1e-4  # of design: what still creeps through a loop at rest keeps the numbers finite
TRUST_K, TRUST_U, TRUST_FLOW = 0.25, 0.02, -0.02
TANGENT_AGE = 120.0  # s


def limited(x: Any, low: float, high: float) -> Any:
    """``x`` within bounds, float or array."""
    if isinstance(x, np.ndarray):
        return np.minimum(np.maximum(x, low), high)  # a third of the time of np.clip
    return low if x < low else min(x, high)


@dataclass
class LinkState:
    """One link with its controller's place in the vector."""

    node: LinkNode
    sensor: int
    integral: int
    u: int
    running: float
    share: float = 1.0  # of the loop's flow
    to: int = -1  # place of what gets its heat
    gain: float = 0.0  # of the controller, 1/K
    reset: float = SENSOR_TIME  # s, integral time of the controller
    tangent: Tangent | None = None
    stuck: bool = False
    driven: float = 0.0  # units whose fans or compressors draw power: what runs down does not
    factor: float = 1.0  # of what it does, below 1 when fouled
    unpowered: bool = False  # its fans have no power
    useless: bool = False  # outdoor air is too warm for it: its fans are locked out
    stroke: float = 60.0
    heat: float = 0.0  # W of all units, as last worked out
    hot_flow: float = 0.0  # kg/s of a unit over this step
    cold_flow: float = 0.0

    @property
    def drawing(self) -> float:
        """Units that draw power: fans behind fouled coils turn as before, compressors follow their heat."""
        return self.running * (1.0 if isinstance(self.node.link, DryCoolers | CoolingTowers) else self.factor)

    @property
    def width(self) -> float:
        """By which a loop's flow splits over units in parallel: their design flow, alike where they have none."""
        return self.node.hot_design or 1.0


@dataclass
class VolumeState:
    """One loop or room with its place in the vector and what is held over a step."""

    node: VolumeNode
    mass: LiquidMass | AirMass
    head: int
    supply: tuple[int, ...]
    mix: int
    back: tuple[int, ...]
    exhaust: int = -1
    steel: int = -1
    washes: int = (
        -1
    )  # air around the steel: exhaust of servers and coils, or the return where they have no fans
    stages: list[list[LinkState]] = field(default_factory=list)
    cp: float = 0.0
    flow: float = 0.0  # kg/s over this step
    asked: float = 0.0  # kg/s that valves or servers ask for
    local: float = 0.0  # kg/s between a buffer tank at the load and what it serves
    low: bool = False  # so much of it has leaked that its level switch acts
    tank: tuple[int, ...] = ()  # the last of ``supply``
    served: float = 0.0  # kg/s that servers draw, or racks take
    served_rate: float = 0.0  # W/K of it
    wanted: float = 0.0  # °C
    received: float = 0.0  # W that a room gets
    mixed: float = 1.0  # share of supply air in what servers draw, over this step

    @property
    def out(self) -> int:
        """Where consumers are served from."""
        return self.supply[-1] if self.supply else self.head

    @property
    def last(self) -> int:
        """What enters the machines."""
        return self.back[-1] if self.back else self.mix

    @property
    def air(self) -> bool:
        """Whether it is a room."""
        return self.node.fluid is None

    @property
    def boils(self) -> bool:
        """Whether it is a pool of boiling liquid: one temperature, that of saturation, and no pipes."""
        return self.node.fluid is not None and self.node.fluid.boils

    @property
    def above(self) -> float:
        """K by which what enters the machines stands above `last`: vapour, on the scale of a boiling loop."""
        return SCALE_K if self.boils else 0.0


@dataclass
class ResetState:
    """Where the set point of a loop is that requests reset."""

    coldest: float  # °C
    share: float = 0.0  # 0 warmest to 1 coldest
    requests: float = 0.0


@dataclass
class Drive:
    """Pumps of a loop or of a group of CDUs: what they draw over this step, all units together."""

    address: str
    loop: str
    motor_to: int
    fluid_to: int
    units: float
    electric: float = 0.0
    fluid_heat: float = 0.0
    motor_heat: float = 0.0
    powered: float = 1.0


@dataclass
class FeederState:
    """One feeder: its loss as a tangent over the load of one unit."""

    name: str
    units: int
    to: int
    tangent: Tangent | None
    parents: tuple[tuple[int, float], ...]
    load: float = 0.0


def at_point(t: Tangent, point: tuple[Any, ...]) -> list[Any]:
    """Heat, leaving temperature, cold heat and power of a tangent; its first three inputs are those of every link."""
    p, q, r, *more = point
    found = [row[0] + row[1] * p + row[2] * q + row[3] * r for row in t.plane]
    for i, x in enumerate(more, start=4):
        found = [one + row[i] * x for one, row in zip(found, t.plane, strict=True)]
    return found


def loss_tangent(feeder: Any) -> Tangent:
    def function(load: Array) -> Array:
        return np.asarray(_LOSS[feeder.kind](load, feeder).loss)[None, :]

    return Tangent(function, (1e-3 * feeder.rating,), (0.02 * feeder.rating,), (1e12,))


def bounds_of(plan: Plan, node: VolumeNode) -> tuple[float, float, float]:
    """Bounds of a relative set point and the floor that dew sets, as `set_points.set_point` applies them."""
    low, high = _bounds(node.part)
    if isinstance(node.part, Loop):
        low = node.part.supply_floor
    floor = -1e9
    if node.racks and node.fluid is not None:
        floor = max(_room(plan, rack).dew_point for rack in node.racks) + DEW_POINT_MARGIN_K
    return low, high, floor


def _electrical(plan: Plan, room: str) -> float:
    """Rating in W of the electrical units whose losses a room takes."""
    here = [feeder for _, feeder in plan.feeders if feeder.heat_to.get("loss") == room]
    return sum(feeder.count * (feeder.rating or 0.0) for feeder in here)


def volume_state(plan: Plan, node: VolumeNode, cells: int, place: Any) -> VolumeState:
    def heat(part: str, mass: float) -> int:
        return int(place(f"heat.{node.name}.{part}", mass))

    mass: LiquidMass | AirMass
    if node.fluid is None:
        mass = air_mass(node, _electrical(plan, node.name))
        v = VolumeState(node, mass, heat("head", mass.head), (), -1, (heat("back", mass.back),))
        v.exhaust, v.steel = heat("exhaust", mass.exhaust), heat("steel", mass.steel)
        blown = any(rack.racks.fans is not None for rack in node.racks) or any(
            isinstance(one.link, LiquidToAirCdus) for one in node.consumers
        )
        v.washes = v.exhaust if blown else v.back[0]
    elif node.fluid.boils:
        mass = LiquidMass(boiling_mass(node), 0.0, 0.0)
        head = heat("head", mass.head)
        v = VolumeState(node, mass, head, (), head, ())
    else:
        mass = liquid_mass(node, cells)
        head = heat("head", mass.head)
        supply = tuple(heat(f"supply{i}", mass.cell) for i in range(cells))
        mix = heat("mix", mass.mix)
        tank = tuple(heat(f"tank{i}", mass.tank) for i in range(TANK_CELLS if mass.tank > 0.0 else 0))
        back = tuple(heat(f"return{i}", mass.cell) for i in range(cells))
        v = VolumeState(node, mass, head, supply + tank, mix, back, tank=tank)
    for stage in node.stages:
        states = []
        for link in stage:
            name = f"control.{link.name}"
            sensor, integral, u = (int(place(f"{name}.{part}", 1.0)) for part in ("sensor", "integral", "u"))
            states.append(LinkState(link, sensor, integral, u, float(link.units), stroke=link.link.stroke))
        v.stages.append(states)
    return v


def drives_of(volumes: list[VolumeState], sinks: dict[str, int]) -> list[Drive]:
    """Pumps of all loops and groups of CDUs."""
    found = []
    for v in volumes:
        if v.air:
            continue
        pump = v.node.part.pump if isinstance(v.node.part, Loop) else None
        if pump is not None:
            to = sinks[pump.heat_to["motor"]]
            found.append(Drive(f"cooling.{v.node.name}.pump", v.node.name, to, v.mix, pump.units))
        for link in (link for stage in v.stages for link in stage):
            if isinstance(link.node.link, Cdus):
                to = sinks[link.node.link.heat_to["motor"]]
                found.append(Drive(link.node.address, v.node.name, to, v.mix, link.running))
    return found


def link_tangent(node: LinkNode, function: Callable[..., Array]) -> Tangent:
    """Tangent of one unit: hot entering, actuator, hot flow; over a loop also cold entering and flow, over a room entering."""
    cold = 0 if node.sink == OUTDOORS else 1 if node.cold_fluid is None else 2
    # a customer takes nothing from water that is too cold for him: no slope across that edge
    narrow = 1e-4 if isinstance(node.link, HeatCustomers) else 0.05
    widths = [narrow, 0.01, -0.01, 0.05, -0.01][: 3 + cold]
    trust = [TRUST_K, TRUST_U, TRUST_FLOW, TRUST_K, TRUST_FLOW][: 3 + cold]
    return Tangent(function, widths, trust, [1e9, 1.0, 1e9, 1e9, 1e9][: 3 + cold])


def unit_transfer(
    v: VolumeState,
    node: LinkNode,
    ambient: Ambient,
    moisture: float,
    sink: VolumeState | None,
    sink_moisture: float,
) -> Callable[..., Array]:
    """``transfer`` of one unit as rows of heat, leaving temperature, cold heat, power, water, blowdown, capacity, valid."""
    model = _TRANSFER[type(node.link)]

    def function(hot: Array, u: Array, flow: Array, *cold: Array) -> Array:
        entering: Stream | RoomAir
        if v.node.fluid is None:
            entering = RoomAir(hot, flow, v.cp, moisture, ambient.pressure)
        else:
            entering = Stream(hot, flow, v.cp, v.node.fluid)
        if (
            sink is not None and node.cold_fluid is None
        ):  # room air, whose dry bulb stands for the wet bulb too
            other: Any = Ambient(
                cold[0], cold[0], *(np.full(hot.shape, x) for x in (sink_moisture, ambient.pressure))
            )
        elif sink is not None:
            assert node.cold_fluid is not None
            other = Stream(cold[0], cold[1], sink.cp, node.cold_fluid)
        else:
            other = Ambient(*(np.full(hot.shape, float(part)) for part in ambient))
        one = model(entering, other, np.clip(u, 0.0, 1.0), node.machine)
        rows = np.empty((8, hot.size))
        rows[0], rows[1], rows[2], rows[3] = one.heat, one.hot_out, one.cold_heat, one.electric
        rows[4], rows[5], rows[6], rows[7] = one.water, one.blowdown, one.capacity, one.valid
        return rows

    return function
