"""Pumps and fans in parallel: how they run down, what fewer of them reach, and what moves without any."""

from dataclasses import dataclass, field

from twin_models.cdu import cdu as cdu_model
from twin_models.immersion import immersion
from twin_models.rack import rack as rack_model
from twin_sites.schema import Cdus

from twin.compile import rated_rack_flow
from twin.transients.chips import Rows
from twin.transients.parts import VolumeState

STANDSTILL = 0.05  # speed below which friction stops a pump
HELD_SHUT = 0.6  # speed below which running neighbours keep a pump's check valve shut (estimate)

# Of its rated flow that a bath moves by buoyancy when its pumps stop, at rated heat (estimate: boards of the same kind in a
# bath made for it move 85 L/min where pumps move 120, and the way back through pumps and floor is narrower).
STILL_SHARE = 0.5


@dataclass
class Bank:
    """Pumps in parallel: how many run, and at which moments others were lost."""

    running: float
    half: float  # s in which a pump without power loses half of its speed
    lost: list[tuple[float, float]] = field(default_factory=list)  # (units, since)

    def speeds(self, now: float) -> list[tuple[float, float]]:
        """Units that run down, and their speeds: friction and flow brake with the square of speed."""
        found = [(units, 1.0 / (1.0 + max(now - since, 0.0) / self.half)) for units, since in self.lost]
        return [(units, speed) for units, speed in found if speed > STANDSTILL]

    def turning(self, now: float) -> bool:
        """Whether anything still runs down that can be felt: not behind a check valve that neighbours hold shut."""
        felt = HELD_SHUT if self.running > 0.0 else STANDSTILL
        return any(speed > felt for _, speed in self.speeds(now))


def cdu_limit(v: VolumeState, share: float) -> float:
    """Flow in kg/s that a share of the CDUs reaches against the racks."""
    racks = [node for node in v.node.racks if node.racks.liquid is not None]
    demand = sum(node.racks.count * rated_rack_flow(node.racks) for node in racks)
    head = max(float(rack_model.pressure_drop(rated_rack_flow(n.racks), n.racks)) for n in racks)
    exponent = max(n.racks.liquid.dp_exponent for n in racks if n.racks.liquid is not None)
    units = [link.node for stage in v.stages for link in stage if isinstance(link.node.link, Cdus)]
    total = sum(node.units * node.hot_design for node in units)

    def flow(part: float) -> float:
        got = 0.0
        for node in units:
            assert isinstance(node.link, Cdus)
            per_unit = demand * node.hot_design / (total * part)
            got += (
                node.units
                * part
                * float(cdu_model.flow_limit(head / per_unit**exponent, exponent, node.link))
            )
        return got

    return v.node.flow_limit * flow(share) / flow(1.0)


def rising(rows: Rows, supply: float) -> float:
    """m³/s that a bath moves by itself past the boards of a group, as `immersion.natural_flow`; nothing where there is no bath."""
    liquid = rows.node.racks.liquid
    if rows.node.racks.bath_sink is None or liquid is None:
        return 0.0
    moved = immersion.natural_flow(rows.heat_to_liquid(supply), liquid.rated_heat, liquid.rated_flow)
    return float(rows.weight @ moved) * (1.0 if liquid.control == "buoyancy" else STILL_SHARE)
