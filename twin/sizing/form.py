"""The written form of a sized facility: which loops it has, what stands in them, what feeds them.

A design is counts, products and a few numbers by address; this module writes them as a site file. Nothing is computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from twin_sites.units import round_digits

from twin.sizing.technologies import Technology

PLANT_HEAD_PA = 230e3  # of pumps outside the rooms; reference sites state 180 to 260 kPa (estimate)
SIZED = "sized by 'twin size' for the duty of its loop"


@dataclass(frozen=True)
class Design:
    """What is known of a facility while it is being sized: by address, the units that the duty needs."""

    units: Mapping[str, int]  # required, without spares
    product: Mapping[str, str] = field(default_factory=dict)  # datasheet of each group
    number: Mapping[str, float] = field(default_factory=dict)  # SI: flows, capacities, set points

    def with_units(self, units: Mapping[str, int]) -> "Design":
        """Copy with other counts."""
        return replace(self, units={**self.units, **units})

    def with_numbers(self, number: Mapping[str, float]) -> "Design":
        """Copy with other numbers."""
        return replace(self, number={**self.number, **number})


@dataclass(frozen=True)
class Frame:
    """What of the requirements shapes the form."""

    name: str
    weather: str
    load: str
    technology: Technology
    plant: str  # dry, adiabatic or tower
    glycol: float  # volume share in loops that pass outdoors
    redundancy: str
    power_redundancy: str
    stages: Mapping[str, Mapping[str, Any]]  # supplies of rack groups that are not those of their datasheet
    ambient_offset: float
    technology_supply: str  # set point of the technology loop
    room_supply: float
    dew_point: float
    economy: Mapping[str, str]
    title: str
    standby: bool = False  # spare air handlers stand still, where all of them at once would ask for more water than there is
    work: str = ""  # datasheet of what the compute racks work on

    @property
    def facility(self) -> bool:
        """Whether there is a loop of facility water beside the one of the air handlers."""
        return self.technology.facility


DOORS = "rooms.doors.rear_door"
SIDECAR = "power.sidecar"
OF_EACH_RACK = (DOORS, SIDECAR)  # as many as compute racks, none redundant


def spares(required: int, redundancy: str) -> int:
    """Redundant units beside ``required`` ones: N none, N+1 one, N+2 two, 2N as many again, block one in reserve."""
    return {"N": 0, "N+1": 1, "N+2": 2, "2N": required, "block": 1}[redundancy]


def spare_units(address: str, required: int, frame: Frame) -> int:
    """Redundant units of a group of the site file; behind the switches of block redundancy stands one of each."""
    power = address.startswith("power.")
    behind = frame.power_redundancy == "block" and address in ("power.busway", "power.switch")
    if address in OF_EACH_RACK or behind:
        return 0
    return spares(required, frame.power_redundancy if power else frame.redundancy)


def written(frame: Frame, design: Design, bare: bool = False) -> dict[str, Any]:
    """Site file of a design.

    Parameters
    ----------
    frame, design
        What to write.
    bare
        Whether to leave the spares out, to see what the required units carry.
    """
    group = _Groups(design, frame, bare)
    cooling: dict[str, Any] = {}
    how = frame.technology
    if how.loop:
        heat_to = {"heat": "fws" if how.facility else "hall"}
        if how.name != "two-phase":
            heat_to["motor"] = "hall"
        if not how.facility:
            heat_to["fan"] = "hall"
        loop: dict[str, Any] = {"fluid": how.fluid, "supply": frame.technology_supply}
        if how.concentration:
            loop["concentration"] = f"{100 * how.concentration:.6g} %"
        cooling[how.loop] = loop | {how.unit: group(f"cooling.{how.loop}.{how.unit}", {"ups": 1}, heat_to)}
    if frame.facility:
        cooling["fws"] = _plant("fws", frame, design, group)
    cooling["chw"] = _plant("chw", frame, design, group)
    if frame.plant == "tower":
        cooling["condenser"] = {
            "supply": f"wet_bulb + {design.number['cooling.condenser.approach']:.6g} K",
            "supply_floor": "17 degC",
            "pump": _pump("cooling.condenser.pump", design, group, "mechanical"),
            "tower": group("cooling.condenser.tower", {"mechanical": 1}, {"heat": "outdoors", "fan": "outdoors"}) | {"cycles": 4},
        }  # fmt: skip
    racks = {
        name.removeprefix("racks."): {
            "system": design.product[name], "count": count,
            "fed_by": {"sidecar" if SIDECAR in design.product and name == "racks.compute" else "busway": 1},
            "heat_to": _heat_of(name, how, DOORS in design.product),
        } | ({"work": {"use": frame.work}} if frame.work and name == "racks.compute" else {}) | dict(frame.stages.get(name, {}))
        for name, count in design.units.items()
        if name.startswith("racks.") and count
    }  # fmt: skip
    air = {"supply": f"{frame.room_supply:.6g} degC", "dew_point": f"{frame.dew_point:.6g} degC"}
    return {
        "name": frame.name,
        "title": frame.title,
        "site": {"weather": frame.weather, "ambient_offset": f"{frame.ambient_offset:.6g} K"},
        "load": {"trace": frame.load, "scale": "100 %"},
        "racks": racks,
        "hall": air | {"air_handler": group("hall.air_handler", {"ups": 1}, {"heat": "chw", "fan": "hall"})},
        "rooms": _doors(frame, design, group)
        | {
            "electrical": air
            | {
                "air_handler": group(
                    "rooms.electrical.air_handler", {"mechanical": 1}, {"heat": "chw", "fan": "electrical"}
                )
            }
        },
        "cooling": cooling,
        "power": _power(design, group),
        "house": {"share": "0.5 %", "fed_by": {"transformer": 1}, "heat_to": {"heat": "outdoors"}},
        "economy": dict(frame.economy),
    }


def _power(design: Design, group: "_Groups") -> dict[str, Any]:
    """Transformers to busways; with 800 VDC a rectifier feeds the racks and the UPS only what moves air and water."""
    out = {
        "utility": {"kind": "utility", "rating": _text(design.number["power.utility"] / 1e6, "MW")},
        "transformer": group("power.transformer", {"utility": 1}, {"loss": "outdoors"}),
        "mechanical": group("power.mechanical", {"transformer": 1}, {"loss": "electrical"}),
        "ups": group("power.ups", {"transformer": 1}, {"loss": "electrical"}),
    }
    source = "ups"
    for name, into in (
        ("rectifier", "electrical"),
        ("switch", "electrical"),
        ("busway", "hall"),
        ("sidecar", "hall"),
    ):
        if f"power.{name}" in design.product:
            fed_by = "transformer" if name == "rectifier" else source
            out[name] = group(f"power.{name}", {fed_by: 1}, {"loss": into})
            source = name
    if SIDECAR in design.product:
        out["sidecar"]["rating"] = _estimate(_text(design.number["power.sidecar.rating"] / 1e3, "kW"))
    return out


def _heat_of(racks: str, how: Technology, doors: bool) -> dict[str, str]:
    """Where the heat of a rack group goes: network, storage and legacy racks stand in the hall."""
    if racks != "racks.compute":
        return {"air": "hall"}
    return ({"liquid": how.loop} if how.loop else {}) | {"air": "doors" if doors else "hall"}


def _doors(frame: Frame, design: Design, group: "_Groups") -> dict[str, Any]:
    """The room behind compute racks with doors; what the doors leave goes back to the hall."""
    if DOORS not in design.product:
        return {}
    return {
        "doors": {
            "opens_to": "hall", "supply": f"hall + {design.number['rooms.doors.above_hall']:.6g} K",
            "rear_door": group(DOORS, {"ups": 1}, {"heat": "chw", "fan": "hall"}) | {"backup": "ups"},
        }
    }  # fmt: skip


class _Groups:
    """Writes one group: product, count, spare, feeds and heat."""

    def __init__(self, design: Design, frame: Frame, bare: bool) -> None:
        self.design, self.frame, self.bare = design, frame, bare

    def __call__(
        self, address: str, fed_by: Mapping[str, float], heat_to: Mapping[str, str]
    ) -> dict[str, Any]:
        required = self.design.units["racks.compute" if address in OF_EACH_RACK else address]
        spare = 0 if self.bare else spare_units(address, required, self.frame)
        use = {"use": self.design.product[address]} if address in self.design.product else {}
        feeds = {"fed_by": dict(fed_by)} if fed_by else {}
        counted: dict[str, Any] = {"count": required + spare} | ({"spare": spare} if spare else {})
        if spare and address.endswith((".pump", ".chiller", ".economiser")):
            counted["running"] = "required"  # standby units are shut off, so that they take no flow
        if spare and self.frame.standby and address.endswith(".air_handler"):
            counted["running"] = "required"
        if spare and address == "power.ups" and self.frame.power_redundancy == "block":
            counted["running"] = "required"  # the block in reserve carries nothing
        return use | counted | feeds | {"heat_to": dict(heat_to)}


def _plant(loop: str, frame: Frame, design: Design, group: _Groups) -> dict[str, Any]:
    """A facility loop with what takes heat out of it: outdoor coolers or economisers first, then chillers."""
    here = f"cooling.{loop}"
    out: dict[str, Any] = {"supply": f"{design.number[f'{here}.supply']:.6g} degC"}
    tower = frame.plant == "tower"
    if frame.glycol and not tower:
        out |= {"fluid": "propylene_glycol", "concentration": f"{100 * frame.glycol:.6g} %"}
    out["pump"] = _pump(f"{here}.pump", design, group, "ups") | {"backup": "ups"}
    if design.units.get(f"{here}.economiser"):
        flow = design.number[f"{here}.flow"] / design.units[f"{here}.economiser"]
        out["economiser"] = {
            "kind": "heat_exchanger",
            "rated_heat": _estimate(_text(design.number[f"{here}.economiser.rated_heat"] / 1e3, "kW")),
            "rated_approach": "2 K",
            "hot_flow": _estimate(_text(flow * 1e3, "L/s")),
            "cold_flow": _estimate(_text(flow * 1e3, "L/s")),
            "rated_cold_in": f"{design.number[f'{here}.supply'] - 3.0:.6g} degC",
            "rated_hot_glycol": 0,
        } | group(f"{here}.economiser", {}, {"heat": "condenser"})  # fmt: skip
    if design.units.get(f"{here}.dry_cooler"):
        out["dry_cooler"] = group(
            f"{here}.dry_cooler", {"mechanical": 1}, {"heat": "outdoors", "fan": "outdoors"}
        )
    if design.units.get(f"{here}.chiller"):
        capacity = _text(design.number[f"{here}.chiller.capacity"] / 1e3, "kW")
        out["chiller"] = group(
            f"{here}.chiller", {"mechanical": 1}, {"heat": "condenser" if tower else "outdoors"}
        )
        out["chiller"]["capacity"] = _estimate(capacity)
    return out


def _pump(address: str, design: Design, group: _Groups, feeder: str) -> dict[str, Any]:
    flow = design.number[f"{address}.flow"] / design.units[address]
    return {
        "rated_flow": _estimate(_text(flow * 1e3, "L/s")),
        "rated_head": _estimate(_text(PLANT_HEAD_PA / 1e3, "kPa")),
        "efficiency": {"value": 0.77, "confidence": "estimate", "reason": "usual for end-suction pumps of this size"},
    } | group(address, {feeder: 1}, {"motor": "outdoors"})  # fmt: skip


def _estimate(value: str) -> dict[str, str]:
    return {"value": value, "confidence": "estimate", "reason": SIZED}


def _text(value: float, unit: str) -> str:
    return f"{round_digits(float(f'{value:.4g}')):.12g} {unit}"
