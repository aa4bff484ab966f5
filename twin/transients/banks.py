"""Pumps and fans in parallel: how they run down, and what fewer of them reach."""

from dataclasses import dataclass, field

from twin_models.cdu import cdu as cdu_model
from twin_models.rack import rack as rack_model
from twin_sites.schema import Cdus

from twin.compile import rated_rack_flow
from twin.transients.parts import VolumeState

STANDSTILL = 0.05  # speed below which friction stops a pump
HELD_SHUT = 0.6  # speed below which running neighbours keep a pump's check valve shut (estimate)


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
