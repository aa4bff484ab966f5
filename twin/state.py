"""What the walks read and write: the drivers of a block of time steps, and everything found for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from twin_models.pump.pump import Pumping
from twin_models.rack.rack import RackResponse
from twin_models.streams import Ambient, Array, Transfer


class Block(NamedTuple):
    """What drives a block of time steps."""

    ambient: Ambient  # at the plant, arrays of n
    activity: Mapping[str, Array]  # by rack group: (n,) when its racks are alike, (racks, n) when not


@dataclass
class State:
    """Everything the sweeps find; arrays over time, keyed by the names of the plan."""

    supply: dict[str, Array] = field(default_factory=dict)
    wanted: dict[str, Array] = field(default_factory=dict)
    back: dict[str, Array] = field(default_factory=dict)
    flow: dict[str, Array] = field(default_factory=dict)
    heat: dict[str, Array] = field(default_factory=dict)
    removed: dict[str, Array] = field(default_factory=dict)
    cp: dict[str, Array] = field(default_factory=dict)
    dew_bound: dict[str, Array] = field(default_factory=dict)
    u: dict[str, Array] = field(default_factory=dict)
    running: dict[str, Any] = field(default_factory=dict)
    link: dict[str, Transfer] = field(default_factory=dict)  # of all running units together
    open_share: dict[str, float] = field(default_factory=dict)  # of design flow that a loop's pumps can give each valve
    rack: dict[str, RackResponse] = field(default_factory=dict)  # per rack
    rack_flow: dict[str, Array] = field(default_factory=dict)  # m³/s per rack
    flow_bound: dict[str, Array] = field(default_factory=dict)
    inlet: dict[str, Array] = field(default_factory=dict)  # server inlet air by room
    pump: dict[str, Pumping] = field(default_factory=dict)  # by loop or CDU, all units together
    electric: dict[str, Array] = field(default_factory=dict)  # by address of the element that draws
    loss: dict[str, Array] = field(default_factory=dict)  # by feeder
    load: dict[str, Array] = field(default_factory=dict)  # by feeder
    feeder_valid: dict[str, Array] = field(default_factory=dict)
    flow_valid: dict[str, Any] = field(default_factory=dict)  # by rack group: False where its flow rule hit a limit
    meter: Array = field(default_factory=lambda: np.zeros(0))  # W at the utility
    outdoors: Array = field(default_factory=lambda: np.zeros(0))  # W handed to outdoor air in the heat walk
    residual: Array = field(default_factory=lambda: np.zeros(0))  # heat not passed on by a loop, over the meter
    solved: dict[str, Any] = field(default_factory=dict)  # by loop: what it depended on when last solved
    worst: str = ""
    sweeps: int = 0
