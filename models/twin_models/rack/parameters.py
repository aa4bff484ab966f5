"""Parameters of a rack."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from twin_models.accelerator.accelerator import Accelerator
from twin_models.cold_plate.cold_plate import ColdPlate
from twin_models.fields import Choice, Parameters, Quantity
from twin_models.immersion.immersion import BathSink
from twin_models.power_shelf.power_shelf import PowerShelf
from twin_models.rack.ashrae import AirClassName
from twin_models.two_phase.two_phase import BoilingSurface
from twin_models.work.work import Work

TRIP_MARGIN_K = (
    15.0  # above the highest coolant supply: nodes power off (estimate; vendors do not publish it)
)


@dataclass(frozen=True, kw_only=True)
class Part(Parameters):
    """A kind of component beside the accelerators: processors, switches, memory, network cards, drives."""

    count: Annotated[float, Quantity("1", "Number in the rack", low=0.0, high=1e5)]
    maximum: Annotated[float, Quantity("W", "Power of one at activity 1", low=0.0, high=1e6)]
    idle: Annotated[float | None, Quantity("W", "Power of one at activity 0", low=0.0, high=1e6)] = None
    follows: Annotated[Literal["activity", "constant"], Choice("Follows")] = "activity"
    liquid: Annotated[float, Quantity("1", "Share of its heat taken by a plate", low=0.0, high=1.0)] = 0.0
    compute: Annotated[bool, Choice("Counts as compute")] = True
    stage: Annotated[Literal["node", "rack"], Choice("Behind the node converter or the shelf")] = "node"

    def __post_init__(self) -> None:
        if self.follows == "activity" and self.idle is None:
            raise ValueError("a part that follows activity needs idle")


@dataclass(frozen=True, kw_only=True)
class Fans(Parameters):
    """Fans of all nodes of the rack. Speed 1 is full speed; it rises from ``idle_speed`` at activity 0 to
    ``base_speed`` at activity 1, and with inlet air from ``flat_until`` on until it is 1 at ``full_at``."""

    maximum: Annotated[float, Quantity("W", "Fan power at full speed", low=0.0, high=1e5)]
    flow: Annotated[
        float, Quantity("m3/s", "Air flow at full speed", low=1e-4, high=100.0, shown="m3/s", shown_ip="cfm")
    ]
    base_speed: Annotated[float, Quantity("1", "Speed at full load", 0.05, 1.0, "estimate")] = 0.75
    idle_speed: Annotated[float, Quantity("1", "Speed at idle", 0.05, 1.0, "estimate")] = 0.6
    flat_until: Annotated[float, Quantity("degC", "Inlet of flat speed", -20.0, 60.0, "estimate")] = 25.0
    full_at: Annotated[float, Quantity("degC", "Inlet of full speed", -20.0, 80.0, "estimate")] = 35.0

    def __post_init__(self) -> None:
        if self.full_at <= self.flat_until:
            raise ValueError("full_at must be above flat_until")


@dataclass(frozen=True, kw_only=True)
class AirSink(Parameters):
    """Heat sink of an air-cooled accelerator: ``R = resistance speed**-exponent``, case to rack inlet air."""

    resistance: Annotated[float, Quantity("K/W", "Case-to-inlet resistance at full speed", 0.0, 5.0)]
    exponent: Annotated[float, Quantity("1", "Exponent of flow", 0.0, 1.0, "estimate")] = 0.6
    heat_capacity: Annotated[
        float, Quantity("J/K", "Heat capacity of the heat sink", low=1.0, high=1e5, bound_source="estimate")
    ] = 600.0


@dataclass(frozen=True, kw_only=True)
class LiquidLoop(Parameters):
    """Liquid side of the rack, at its quick disconnects."""

    medium: Annotated[
        Literal["plates", "bath", "boiling"], Choice("Coolant flows through plates, around boards, or boils")
    ] = "plates"
    control: Annotated[
        Literal["return_temperature", "fixed_flow", "fixed_dp", "buoyancy", "boiling"], Choice("Flow control")
    ] = "return_temperature"
    rated_heat: Annotated[float, Quantity("W", "Heat into liquid at rating", low=1.0, high=1e7)]
    return_limit: Annotated[float, Quantity("degC", "Return limit", 20.0, 90.0, "vendor")] = 55.0
    minimum_share: Annotated[float, Quantity("1", "Least flow over rated", 0.0, 1.0, "estimate")] = 0.3
    rated_flow: Annotated[float, Quantity("m3/s", "Rated flow", low=1e-6, high=1.0, shown="L/min")]
    maximum_flow: Annotated[float, Quantity("m3/s", "Highest flow", low=1e-6, high=1.0, shown="L/min")]
    dp_flow: Annotated[
        float, Quantity("m3/s", "Flow of the pressure drop", low=1e-6, high=1.0, shown="L/min")
    ]
    dp: Annotated[float, Quantity("Pa", "Pressure drop at its flow", low=0.0, high=1e6)]
    dp_exponent: Annotated[float, Quantity("1", "Exponent of pressure drop", low=1.0, high=2.0)] = 1.90
    dp_temperature: Annotated[
        float, Quantity("degC", "Coolant temperature of the pressure drop", -10.0, 90.0, "estimate")
    ] = 40.0
    dp_set: Annotated[float | None, Quantity("Pa", "Pressure held by fixed pressure control", 0.0, 1e6)] = (
        None
    )
    accelerator_share: Annotated[float, Quantity("1", "Flow share of accelerators", 0.01, 1.0)] = 1.0
    volume: Annotated[float, Quantity("m3", "Coolant in the rack", 0.0, 1.0, "estimate")] = 0.02


class Line(NamedTuple):
    """``fixed + rise * activity`` in W."""

    fixed: float
    rise: float


@dataclass(frozen=True, kw_only=True)
class Rack(Parameters):
    """A rack system. Keep the four meanings apart: ``tdp`` is rated input, ``peak`` sizes breakers (EDPp),
    ``typical`` is the vendor's or the meter's usual value, and what it draws is computed from its parts."""

    tdp: Annotated[float, Quantity("W", "Rated input power", low=1.0, high=2e6)]
    peak: Annotated[float | None, Quantity("W", "Peak input power (EDPp)", low=1.0, high=4e6)] = None
    typical: Annotated[float | None, Quantity("W", "Typical input power", low=0.0, high=2e6)] = None
    nodes: Annotated[int, Quantity("count", "Nodes", low=1, high=10000)] = 1
    accelerators: Annotated[int, Quantity("count", "Accelerator packages", low=0, high=10000)] = 0
    accelerator: Accelerator | None = None
    accelerator_liquid: Annotated[float, Quantity("1", "Share of package heat into liquid", 0.0, 1.0)] = 0.0
    cold_plate: ColdPlate | None = None
    air_sink: AirSink | None = None
    bath_sink: BathSink | None = None
    boiling_surface: BoilingSurface | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    node_converter: PowerShelf | None = None
    converter_liquid: Annotated[float, Quantity("1", "Share of converter loss into liquid", 0.0, 1.0)] = 0.0
    shelf: PowerShelf
    shelves: Annotated[int, Quantity("count", "Shelves or supplies sharing load", low=1, high=10000)] = 1
    shelf_liquid: Annotated[float, Quantity("1", "Share of shelf loss into liquid", 0.0, 1.0)] = 0.0
    fans: Fans | None = None
    liquid: LiquidLoop | None = None
    air_class: Annotated[AirClassName, Choice("ASHRAE air class")] = "A2"
    supply_low: Annotated[float, Quantity("degC", "Lowest coolant supply", -10.0, 80.0, "vendor")] = 2.0
    supply_high: Annotated[float, Quantity("degC", "Highest coolant supply", 0.0, 90.0, "vendor")] = 45.0
    trips_above: Annotated[
        float | None, Quantity("degC", "Coolant supply at which its nodes power off", 0.0, 120.0, "estimate")
    ] = None
    footprint: Annotated[float | None, Quantity("m2", "Floor area", low=0.05, high=20.0)] = None
    mass: Annotated[float | None, Quantity("kg", "Mass", low=1.0, high=20000.0)] = None
    work: Work | None = None

    def __post_init__(self) -> None:
        if (self.accelerator is None) != (self.accelerators == 0):
            raise ValueError("accelerator and a number of accelerators above 0 belong together")
        sinks = [self.cold_plate, self.air_sink, self.bath_sink, self.boiling_surface]
        if self.accelerator is not None and sum(sink is not None for sink in sinks) != 1:
            raise ValueError(
                "an accelerator needs one of cold_plate, air_sink, bath_sink and boiling_surface"
            )
        if self.bath_sink is not None and (self.liquid is None or self.liquid.medium != "bath"):
            raise ValueError("bath_sink needs liquid with the medium bath")
        boils = self.liquid is not None and (self.liquid.medium, self.liquid.control) == (
            "boiling",
            "boiling",
        )
        if (self.boiling_surface is not None) > boils:
            raise ValueError("boiling_surface needs liquid with the medium boiling and the control boiling")
        if self.cold_plate is not None and self.liquid is None:
            raise ValueError("cold_plate needs liquid")
        takes_liquid = self.accelerator_liquid or self.converter_liquid or self.shelf_liquid
        if self.liquid is None and (takes_liquid or any(part.liquid for part in self.parts.values())):
            raise ValueError("a share of heat goes into liquid, but the rack has no liquid side")

    @property
    def coolant_trip(self) -> float:
        """°C of entering coolant at which its nodes power off: as stated, or `TRIP_MARGIN_K` above the highest supply."""
        return self.trips_above if self.trips_above is not None else self.supply_high + TRIP_MARGIN_K

    @cached_property
    def node_parts(self) -> Line:
        """Parts behind the node converter."""
        return _line((part, 1.0) for part in self.parts.values() if part.stage == "node")

    @cached_property
    def rack_parts(self) -> Line:
        """Parts straight behind the shelves."""
        return _line((part, 1.0) for part in self.parts.values() if part.stage == "rack")

    @cached_property
    def plate_parts(self) -> Line:
        """Heat of all parts into liquid."""
        return _line((part, part.liquid) for part in self.parts.values())

    @cached_property
    def compute_parts(self) -> Line:
        """Parts that count as compute."""
        return _line((part, 1.0) for part in self.parts.values() if part.compute)


def _line(parts: Iterable[tuple[Part, float]]) -> Line:
    fixed = rise = 0.0
    for part, share in parts:
        idle = part.maximum if part.follows == "constant" or part.idle is None else part.idle
        fixed += share * part.count * idle
        rise += share * part.count * (part.maximum - idle)
    return Line(fixed, rise)
