"""What a facility is: the typed form of a site file.

Numbers of machines are declared by the models; here stands what makes machines a facility: groups, loops, rooms,
feeders and how they connect. Every element says what it is ``fed_by`` and where its heat goes (``heat_to``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr
from twin_models.air_handler.air_handler import AirHandler
from twin_models.cdu.cdu import Cdu
from twin_models.chiller.chiller import Chiller
from twin_models.cooling_tower.cooling_tower import CoolingTower
from twin_models.dry_cooler.dry_cooler import DryCooler
from twin_models.fields import Choice, Parameters, Quantity
from twin_models.heat_exchanger.heat_exchanger import PlateExchanger
from twin_models.heat_reuse.heat_reuse import HeatReuse
from twin_models.immersion.immersion import Tank
from twin_models.liquid_to_air.liquid_to_air import FanCoil, LiquidToAir
from twin_models.manifold.manifold import Manifold
from twin_models.pdu.pdu import Pdu
from twin_models.pump.pump import Pump
from twin_models.rack.rack import Rack
from twin_models.rear_door.rear_door import RearDoor
from twin_models.thermal_storage.thermal_storage import ThermalStorage
from twin_models.transformer.transformer import Transformer
from twin_models.two_phase.two_phase import Condenser
from twin_models.ups.ups import Ups

from twin_sites.catalogue import Origin

OUTDOORS = "outdoors"
AMBIENT_BASES = ("wet_bulb", "dry_bulb")


class SetPoint(NamedTuple):
    """A temperature to hold: absolute (``base`` empty) or so many kelvin above another loop or the weather."""

    base: str
    value: float


@dataclass(frozen=True)
class SetPointQuantity(Quantity):
    """Declaration of a set point: ``30 degC``, ``fws + 4 K`` or ``wet_bulb + 4 K``."""


Share = Annotated[float, Quantity("1", "Share", low=0.0, high=1.0)]
FedBy = Annotated[dict[str, Share], Choice("Fed by")]
HeatTo = Annotated[dict[str, str], Choice("Heat goes to")]


def _count(label: str, low: int = 0) -> Any:
    return Quantity("count", label, low=low, high=100_000, bound_source="estimate")


@dataclass(frozen=True, kw_only=True)
class Group(Parameters):
    """So many equal units, where they draw from and where their heat goes."""

    count: Annotated[int, _count("Installed units", 1)] = 1
    spare: Annotated[int, _count("Of them redundant")] = 0
    out_of_service: Annotated[int, _count("Units out of service")] = 0
    running: Annotated[Literal["all", "required"], Choice("Units that run")] = "all"
    backup: Annotated[Literal["ups", "generator", "none"], Choice("Backed up by")] = "none"
    fed_by: FedBy = field(default_factory=dict, hash=False)
    heat_to: HeatTo = field(default_factory=dict, hash=False)

    @property
    def available(self) -> int:
        """Units that can run."""
        return max(self.count - self.out_of_service, 0)

    @property
    def units(self) -> int:
        """Units that do run: all, or as many as the duty requires."""
        return self.available if self.running == "all" else min(self.available, self.count - self.spare)


def _seconds(label: str) -> Any:
    return Quantity("s", label, low=0.1, high=3600.0, bound_source="estimate")


# What only transients read. Defaults are estimates: where they come from is said in docs/explanation/transients.md.
Restart = Annotated[float, _seconds("Time from power to running again")]
Changeover = Annotated[float, _seconds("Time until a standby unit has taken over")]
CoastDown = Annotated[float, _seconds("Time in which flow halves after a trip")]
Response = Annotated[float, _seconds("Closed-loop time constant of its control")]
DerivativeTime = Annotated[
    float,
    Quantity("s", "Derivative time of its control, 0 for PI", low=0.0, high=600.0, bound_source="estimate"),
]
Stroke = Annotated[float, _seconds("Time from closed to fully open, or from stop to full speed")]
StageDelay = Annotated[float, _seconds("Time that load must ask before another unit starts or stops")]
PumpTrip = Annotated[
    float,
    Quantity("degC", "Supply of its loop at which it stops", low=30.0, high=150.0, bound_source="estimate"),
]


@dataclass(frozen=True, kw_only=True)
class Cdus(Group, Cdu):
    """Coolant distribution units between a technology loop and facility water."""

    kind: Literal["cdu"] = "cdu"
    restart: Restart = 10.0
    changeover: Changeover = 5.0
    coast_down: CoastDown = 2.0
    response: Response = 20.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 30.0
    trips_above: PumpTrip = 80.0
    ports: ClassVar = ("heat", "motor")


@dataclass(frozen=True, kw_only=True)
class Tanks(Cdus, Tank):
    """Immersion tanks: their bath is the loop that they stand in."""

    kind: Literal["immersion"] = "immersion"  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class LiquidToAirCdus(LiquidToAir, Cdus):
    """Distribution units that give the heat of a technology loop to the air of a room."""

    heat_exchanger: FanCoil  # type: ignore[assignment]
    kind: Literal["liquid_to_air"] = "liquid_to_air"  # type: ignore[assignment]
    ports: ClassVar = ("heat", "motor", "fan")  # type: ignore[assignment]


@dataclass(frozen=True, kw_only=True)
class Condensers(Group, Condenser):
    """Condensers of boiling loops, each with its vessel or its plates' pipes."""

    kind: Literal["two_phase"] = "two_phase"
    restart: Restart = 10.0
    changeover: Changeover = 5.0
    response: Response = 60.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 30.0
    trips_above: Annotated[
        float | None,
        Quantity(
            "degC",
            "Saturation at which its pressure switch powers the racks off",
            5.0,
            120.0,
            bound_source="estimate",
        ),
    ] = None
    ports: ClassVar = ("heat",)


@dataclass(frozen=True, kw_only=True)
class HeatCustomers(Group, HeatReuse):
    """Stations that sell heat from a facility loop; what they deliver leaves the site (`heat_to: {heat: outdoors}`)."""

    kind: Literal["heat_reuse"] = "heat_reuse"
    restart: Restart = 60.0
    changeover: Changeover = 60.0
    response: Response = 60.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 60.0
    ports: ClassVar = ("heat",)


@dataclass(frozen=True, kw_only=True)
class Exchangers(Group, PlateExchanger):
    """Plate exchangers between two loops; as an economiser they stand upstream of the chillers."""

    kind: Literal["heat_exchanger"] = "heat_exchanger"
    response: Response = 60.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 60.0
    ports: ClassVar = ("heat",)


@dataclass(frozen=True, kw_only=True)
class Chillers(Group, Chiller):
    """Chillers, water- or air-cooled."""

    kind: Literal["chiller"] = "chiller"
    restart: Restart = 180.0
    changeover: Changeover = 180.0
    response: Response = 60.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 120.0
    stage_delay: StageDelay = 900.0
    minimum_on: Annotated[float, _seconds("Least time that a staged unit runs")] = 900.0
    minimum_off: Annotated[float, _seconds("Least time that a staged unit stands")] = 300.0
    trips_above: Annotated[
        float,
        Quantity(
            "degC",
            "Entering condenser water or outdoor air at which it trips on high pressure",
            low=20.0,
            high=80.0,
            bound_source="estimate",
        ),
    ] = 55.0
    ports: ClassVar = ("heat",)


@dataclass(frozen=True, kw_only=True)
class DryCoolers(Group, DryCooler):
    """Dry or adiabatic coolers."""

    kind: Literal["dry_cooler"] = "dry_cooler"
    restart: Restart = 15.0
    changeover: Changeover = 15.0
    coast_down: CoastDown = 10.0
    response: Response = 60.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 60.0
    ports: ClassVar = ("heat", "fan")


@dataclass(frozen=True, kw_only=True)
class CoolingTowers(Group, CoolingTower):
    """Cooling tower cells."""

    kind: Literal["cooling_tower"] = "cooling_tower"
    restart: Restart = 15.0
    changeover: Changeover = 15.0
    coast_down: CoastDown = 10.0
    response: Response = 60.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 60.0
    stage_delay: StageDelay = 300.0
    basin: Annotated[
        float | None, Quantity("m3", "Basin water of one cell", low=0.0, high=1e4, bound_source="estimate")
    ] = None
    ports: ClassVar = ("heat", "fan")


@dataclass(frozen=True, kw_only=True)
class AirHandlers(Group, AirHandler):
    """Air handlers of a room."""

    kind: Literal["air_handler"] = "air_handler"
    restart: Restart = 10.0
    changeover: Changeover = 10.0
    coast_down: CoastDown = 5.0
    response: Response = 30.0
    derivative_time: DerivativeTime = 0.0
    stroke: Stroke = 60.0
    ports: ClassVar = ("heat", "fan")


@dataclass(frozen=True, kw_only=True)
class RearDoors(AirHandlers, RearDoor):
    """Rear doors, one behind each rack of a room that opens to another."""

    kind: Literal["rear_door"] = "rear_door"  # type: ignore[assignment]


RoomLink = AirHandlers | RearDoors
Link = (
    Cdus
    | Tanks
    | LiquidToAirCdus
    | Condensers
    | HeatCustomers
    | Exchangers
    | Chillers
    | DryCoolers
    | CoolingTowers
    | AirHandlers
    | RearDoors
)
AnyLink = Annotated[Link, Field(discriminator="kind")]


@dataclass(frozen=True, kw_only=True)
class Pumps(Group, Pump):
    """Pumps of a facility loop; they hold ``static`` plus a head that rises with the square of the flow."""

    static_share: Annotated[
        float, Quantity("1", "Static share of design head", low=0.0, high=1.0, bound_source="physical")
    ] = 0.4
    restart: Restart = 15.0
    changeover: Changeover = 10.0
    coast_down: CoastDown = 4.0
    trips_above: PumpTrip = 80.0
    staging: Annotated[
        Literal["all", "flow"], Choice("Pumps that run: all, or as many as the flow asks for (Guideline 36)")
    ] = "all"
    stage_delay: StageDelay = 600.0
    stage_margin: Annotated[
        float,
        Quantity(
            "1",
            "Share of design flow that may be missing before another pump starts",
            low=0.0,
            high=0.3,
            bound_source="ASHRAE Guideline 36-2021, 5.20.6.6: 0.03",
        ),
    ] = 0.03
    ports: ClassVar = ("motor",)


@dataclass(frozen=True, kw_only=True)
class Headers(Manifold):
    """Headers of a technology loop: racks stand along them in the order of their groups and numbers, nearest first.

    ``valves`` and ``filters`` name racks (``compute.3``) or whole groups.
    """

    balanced: Annotated[bool, Choice("Valves not named are set for rated flow in every rack")] = False
    control: Annotated[
        Literal["demand", "pressure", "speed"],
        Choice("Pumps give the flow that racks ask for, hold a pressure, or turn at one speed"),
    ] = "demand"
    pressure: Annotated[
        float | None, Quantity("Pa", "Pressure held at the units; that of rated flow if not given", 1e3, 2e6)
    ] = None
    speed: Annotated[float, Quantity("1", "Speed of the pumps over full speed", 0.1, 1.0)] = 1.0
    valves: Annotated[dict[str, Share], Choice("Opening of branch valves")] = field(
        default_factory=dict, hash=False
    )
    filters: Annotated[
        dict[str, Annotated[float, Quantity("1", "Pressure drop over that of a clean rack", 1.0, 1000.0)]],
        Choice("Clogging of rack filters"),
    ] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Stores(Group, ThermalStorage):
    """Tanks of cold water beside the machines of a facility loop, and when they are filled and used."""

    kind: Literal["thermal_storage"] = "thermal_storage"
    schedule: Annotated[
        Literal["cheap", "clean", "cool", "peak_power", "peak_cooling", "hours", "idle"],
        Choice("What it is filled and used for"),
    ] = "cheap"
    charge_hours: Annotated[str, Choice("Hours of the day in which it may be filled, such as 22-06")] = ""
    discharge_hours: Annotated[str, Choice("Hours of the day in which it may be used, such as 12-18")] = ""
    reserve: Annotated[
        float,
        Quantity("1", "Share that is kept for failures", 0.0, 0.95, "estimate", shown="%", shown_ip="%"),
    ] = 0.0
    ports: ClassVar = ()


def _step_of(label: str, source: str) -> Any:
    return Quantity("1", label, low=0.001, high=1.0, bound_source=source, shown="%", shown_ip="%")


G36_RESET = "ASHRAE Guideline 36-2021, 5.20.5.2"


@dataclass(frozen=True, kw_only=True)
class Reset(Parameters):
    """Trim and respond: ``supply`` is the warmest set point; requests of units on the loop pull it towards ``coldest``."""

    kind: Literal["trim-and-respond"] = "trim-and-respond"
    coldest: Annotated[
        float,
        Quantity(
            "degC",
            "Coldest set point, at a reset of 100 %",
            low=5.0,
            high=60.0,
            bound_source="property and plate exchanger ranges",
        ),
    ]
    ignored: Annotated[
        int, Quantity("count", "Requests that are ignored", low=0, high=1000, bound_source=f"{G36_RESET}: 2")
    ] = 2
    trim: Annotated[float, _step_of("Trim towards warmest in each interval", f"{G36_RESET}: 2 %")] = 0.02
    respond: Annotated[
        float, _step_of("Response towards coldest to each request that counts", f"{G36_RESET}: 3 %")
    ] = 0.03
    most: Annotated[float, _step_of("Largest response in an interval", f"{G36_RESET}: 7 %")] = 0.07
    interval: Annotated[
        float,
        Quantity(
            "s", "Interval between two looks at requests", 60.0, 3600.0, f"{G36_RESET}: 5 min", shown="min"
        ),
    ] = 300.0
    delay: Annotated[
        float,
        Quantity("s", "Delay after its pumps start", 0.0, 7200.0, f"{G36_RESET}: 15 min", "min"),
    ] = 900.0
    hold: Annotated[
        float,
        Quantity("s", "Hold after a chiller is staged", 0.0, 7200.0, f"{G36_RESET}: 15 min", "min"),
    ] = 900.0


class _Open(BaseModel):
    """Base of site parts: frozen, unknown keys refused unless a part names what else it takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Linked(_Open):
    """A loop or room: beside its own fields every further key is a link that takes heat out of it."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, AnyLink] = Field(init=False)

    @property
    def links(self) -> Mapping[str, Link]:
        """Links in the order in which they are written, which is the order in which they act."""
        return self.__pydantic_extra__ or {}


class Loop(_Linked):
    """A liquid loop, named by the key under ``cooling``."""

    fluid: Annotated[
        Literal[
            "water", "propylene_glycol", "ethylene_glycol",
            "gtl_oil", "ec_100", "pao_6", "mineral_oil", "paratherm_nf",
            "novec_649", "r1336mzz_z", "r1233zd_e", "cyclopentane",
        ],
        Choice("Coolant"),
    ] = "water"  # fmt: skip
    concentration: Annotated[
        float,
        Quantity(
            "1",
            "Glycol volume share",
            low=0.0,
            high=0.6,
            bound_source="fluid property tables",
            shown="%",
            shown_ip="%",
        ),
    ] = 0.0
    supply: Annotated[
        SetPoint,
        SetPointQuantity(
            "degC", "Supply set point", low=5.0, high=60.0, bound_source="property and plate exchanger ranges"
        ),
    ]
    reset: Annotated[Reset | None, Choice("Set-point reset by requests (trim and respond)")] = None
    supply_floor: Annotated[
        float,
        Quantity(
            "degC",
            "Lowest supply that a relative set point may ask for",
            low=2.0,
            high=40.0,
            bound_source="estimate",
        ),
    ] = 5.0
    minimum_flow: Annotated[
        float,
        Quantity(
            "1",
            "Minimum flow, share of design",
            low=0.0,
            high=1.0,
            bound_source="estimate",
            shown="%",
            shown_ip="%",
        ),
    ] = 0.3
    volume: Annotated[
        float | None,
        Quantity(
            "m3",
            "Coolant in pipes and machines, racks not counted",
            low=1e-3,
            high=1e5,
            bound_source="estimate",
        ),
    ] = None
    buffer: Annotated[
        float, Quantity("m3", "Water in a buffer tank", low=0.0, high=1e5, bound_source="estimate")
    ] = 0.0
    buffer_at: Annotated[
        Literal["plant", "load"],
        Choice("Buffer behind the machines, or at the load with pumps of its own"),
    ] = "plant"
    pump: Annotated[Pumps | None, Choice("Pumps")] = None
    manifold: Annotated[Headers | None, Choice("Headers between units and racks")] = None
    storage: Annotated[Stores | None, Choice("Thermal storage")] = None


class Room(_Linked):
    """An air volume whose servers, losses and fans are cooled by air handlers.

    One that opens to another room is the exhaust of racks with rear doors: its air comes from there and goes back there.
    """

    opens_to: Annotated[str, Choice("Room that its air comes from and goes back to")] = ""
    supply: Annotated[
        SetPoint,
        SetPointQuantity(
            "degC",
            "Air handler supply",
            low=10.0,
            high=40.0,
            bound_source="ASHRAE TC 9.9 allowable, class A4",
        ),
    ]
    dew_point: Annotated[
        float,
        Quantity("degC", "Dew point", low=-12.0, high=27.0, bound_source="ASHRAE TC 9.9 allowable moisture"),
    ] = 15.0
    recirculation: Annotated[
        float,
        Quantity(
            "1",
            "Exhaust drawn back into server inlets",
            low=0.0,
            high=0.5,
            bound_source="estimate",
            shown="%",
            shown_ip="%",
        ),
    ] = 0.05
    bypass: Annotated[
        float,
        Quantity(
            "1",
            "Supply air that misses the servers",
            low=0.0,
            high=0.5,
            bound_source="estimate",
            shown="%",
            shown_ip="%",
        ),
    ] = 0.05
    volume: Annotated[
        float | None, Quantity("m3", "Air in the room", low=1.0, high=1e6, bound_source="estimate")
    ] = None
    steel: Annotated[
        float | None,
        Quantity(
            "J/K", "Heat capacity of steel that the air washes", low=1e3, high=1e10, bound_source="estimate"
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Racks(Rack):
    """Equal racks of one system with one load."""

    system: Annotated[str, Choice("Rack system")] = ""
    count: Annotated[int, _count("Racks", 1)] = 1
    fed_by: FedBy = field(default_factory=dict, hash=False)
    heat_to: HeatTo = field(default_factory=dict, hash=False)
    load_scale: Annotated[
        float,
        Quantity("1", "Load scale", low=0.0, high=2.0, bound_source="estimate", shown="%", shown_ip="%"),
    ] = 1.0

    series: Annotated[str, Choice("Trace series that these racks follow")] = ""

    @property
    def ports(self) -> tuple[str, ...]:
        """Air always; liquid where the rack has a liquid loop."""
        return ("liquid", "air") if self.liquid is not None else ("air",)


@dataclass(frozen=True, kw_only=True)
class Utility(Group):
    """The utility meter: the root of the power tree."""

    kind: Literal["utility"] = "utility"
    rating: Annotated[
        float | None, Quantity("W", "Contracted power", low=1e3, high=1e10, shown="MW", shown_ip="MW")
    ] = None
    ports: ClassVar = ()


@dataclass(frozen=True, kw_only=True)
class Transformers(Group, Transformer):
    """Transformers."""

    kind: Literal["transformer"] = "transformer"
    ports: ClassVar = ("loss",)


@dataclass(frozen=True, kw_only=True)
class UpsModules(Group, Ups):
    """UPS modules."""

    kind: Literal["ups"] = "ups"
    ride_through: Annotated[
        float,
        Quantity(
            "s", "Battery time of one module at its rating", low=0.0, high=36e3, bound_source="estimate"
        ),
    ] = 300.0
    ports: ClassVar = ("loss",)


@dataclass(frozen=True, kw_only=True)
class Pdus(Group, Pdu):
    """PDUs, busways and switchgear."""

    kind: Literal["pdu"] = "pdu"
    ports: ClassVar = ("loss",)


Feeder = Utility | Transformers | UpsModules | Pdus
AnyFeeder = Annotated[Feeder, Field(discriminator="kind")]


class Location(_Open):
    """Where the plant stands and what air it breathes."""

    weather: Annotated[str, Choice("Weather year")] = "ashburn"
    ambient_offset: Annotated[
        float,
        Quantity(
            "K",
            "Plant air above the weather (recirculation, heat wave)",
            low=-10.0,
            high=20.0,
            bound_source="estimate",
            difference=True,
        ),
    ] = 1.0


class LoadChoice(_Open):
    """What the machines do."""

    trace: Annotated[str, Choice("Load trace")] = "mixed"
    scale: Annotated[
        float,
        Quantity("1", "IT load scale", low=0.0, high=2.0, bound_source="estimate", shown="%", shown_ip="%"),
    ] = 1.0
    spread: Annotated[
        Literal["mean", "copies", "jobs"],
        Choice("Racks without a series follow: the mean, copies in step or copies moved"),
    ] = "mean"
    lag: Annotated[
        float,
        Quantity("s", "Largest move of a copy", low=0.0, high=86400.0, bound_source="a day", shown="min"),
    ] = 600.0
    seed: Annotated[
        int, Quantity("1", "Seed of order and move of copies", low=0, high=1_000_000, bound_source="estimate")
    ] = 0
    request_scale: Annotated[
        float,
        Quantity("1", "Times the requests of a request trace", low=1e-6, high=1e6, bound_source="estimate"),
    ] = 1.0
    tokens_in: Annotated[
        float | None,
        Quantity(
            "1", "Tokens read per request, of a trace without", low=0.0, high=1e7, bound_source="estimate"
        ),
    ] = None
    tokens_out: Annotated[
        float | None,
        Quantity(
            "1", "Tokens written per request, of a trace without", low=1.0, high=1e7, bound_source="estimate"
        ),
    ] = None


class House(_Open):
    """Lighting, offices, controls: a constant draw in proportion to the design IT power."""

    share: Annotated[
        float,
        Quantity(
            "1",
            "House load, share of design IT",
            low=0.0,
            high=0.1,
            bound_source="estimate",
            shown="%",
            shown_ip="%",
        ),
    ] = 0.005
    fed_by: FedBy = Field(default_factory=dict)
    heat_to: HeatTo = Field(default_factory=dict)
    ports: ClassVar = ("heat",)


class Generators(_Open):
    """Emergency generators: what says ``backup: generator`` runs on them, and every UPS is fed by them."""

    start: Annotated[
        float,
        Quantity(
            "s",
            "From loss of utility to the first block of load",
            low=1.0,
            high=600.0,
            bound_source="NFPA 110",
        ),
    ] = 12.0
    interval: Annotated[
        float, Quantity("s", "Between two blocks of load", low=0.1, high=600.0, bound_source="estimate")
    ] = 8.0


class Economy(_Open):
    """Prices and carbon: constants here; hourly series are given to the run."""

    energy_price: Annotated[
        float, Quantity("currency/J", "Energy price", low=-1e-6, high=1e-6, bound_source="estimate")
    ] = 0.08 / 3.6e6
    water_price: Annotated[
        float, Quantity("currency/m3", "Water price", low=0.0, high=100.0, bound_source="estimate")
    ] = 0.0
    carbon_intensity: Annotated[
        float, Quantity("kg/J", "Grid carbon intensity", low=0.0, high=5e-7, bound_source="estimate")
    ] = 0.38 / 3.6e6


class Meter(_Open):
    """Where IT energy is measured for PUE (ISO/IEC 30134-2 category)."""

    category: Annotated[Literal["1", "2", "3"], BeforeValidator(str), Choice("PUE category")] = "3"


class Expectation(_Open):
    """What a reference site promises, and why; a test holds it to it."""

    pue_low: Annotated[float, Quantity("1", "Lowest believable PUE", low=1.0, high=3.0)]
    pue_high: Annotated[float, Quantity("1", "Highest believable PUE", low=1.0, high=3.0)]
    reason: str


class Site(_Open):
    """A facility: frozen and validated; ``sources`` says where its numbers are from."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$")
    title: str = ""
    notes: str = ""
    expect: Expectation | None = None
    site: Location = Location()
    load: LoadChoice = LoadChoice()
    racks: dict[str, Racks] = Field(min_length=1)
    hall: Room
    rooms: dict[str, Room] = Field(default_factory=dict)
    cooling: dict[str, Loop] = Field(default_factory=dict)
    power: dict[str, AnyFeeder] = Field(min_length=1)
    house: House
    generators: Generators | None = None
    economy: Economy = Economy()
    meter: Meter = Meter()

    _sources: dict[str, Origin] = PrivateAttr(default_factory=dict)
    _products: dict[str, str] = PrivateAttr(default_factory=dict)
    _written: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def sources(self) -> Mapping[str, Origin]:
        """Origin of numbers by address; an address that is missing takes the nearest one above it."""
        return self._sources

    @property
    def products(self) -> Mapping[str, str]:
        """Name of the product behind an element, by address."""
        return self._products

    @property
    def written(self) -> Mapping[str, Any]:
        """The site as it was written: what changes apply to."""
        return self._written

    def volumes(self) -> Iterator[tuple[str, str, Loop | Room]]:
        """Every loop and room: name, address, itself."""
        yield from ((name, f"cooling.{name}", loop) for name, loop in self.cooling.items())
        yield "hall", "hall", self.hall
        yield from ((name, f"rooms.{name}", room) for name, room in self.rooms.items())

    def links(self) -> Iterator[tuple[str, str, str, Link]]:
        """Every link: its loop, its own name, its address, itself."""
        for volume, address, part in self.volumes():
            for name, link in part.links.items():
                yield volume, name, f"{address}.{name}", link

    def drawn(self) -> Iterator[tuple[str, Any]]:
        """Every element that draws power or gives off heat of its own, with its address."""
        yield from ((f"racks.{name}", rack) for name, rack in self.racks.items())
        yield from ((address, link) for _, _, address, link in self.links())
        yield from (
            (f"cooling.{name}.pump", loop.pump)
            for name, loop in self.cooling.items()
            if loop.pump is not None
        )
        yield from (
            (f"cooling.{name}.storage", loop.storage)
            for name, loop in self.cooling.items()
            if loop.storage is not None
        )
        yield from ((f"power.{name}", feeder) for name, feeder in self.power.items())
        yield "house", self.house
