"""What the walks read and write: the drivers of a block of time steps, and everything found for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.pump.pump import Pumping
from twin_models.streams import Ambient, Array, Mask, Transfer

from twin.along import Along
from twin.racks import Each, Group
from twin.stand_in import Census, Rows, Single


class Span(NamedTuple):
    """Regular time steps on the weather's clock."""

    start: np.datetime64
    n: int
    step_s: float


class Block(NamedTuple):
    """What drives a block of time steps."""

    ambient: Ambient  # at the plant, arrays of n
    activity: Mapping[str, Array]  # by rack group: (n,) when its racks are alike, (rows, n) when not
    weight: Mapping[str, Array] = MappingProxyType({})  # of those rows: (rows, 1) or (rows, n) racks each
    every: Mapping[str, Rows] = MappingProxyType({})  # of groups whose rows only stand in for their racks
    row_of: Mapping[str, NDArray[np.intp]] = MappingProxyType({})  # row that each rack of a group follows
    along: Mapping[str, Along] = MappingProxyType({})  # of groups whose rows stand in for racks along headers
    storage: Mapping[str, Array] = MappingProxyType({})  # W that the tank of a loop is to take up
    reset: Mapping[str, Array] = MappingProxyType({})  # 0 warmest to 1 coldest, of loops that have one

    def rows(self, name: str) -> Rows:
        """Activity of all racks of a group, (rows, n) also where they are alike."""
        alike = Rows(np.atleast_2d(self.activity[name]), self.weight.get(name, np.ones((1, 1)))[:, 0])
        return self.every.get(name, alike)

    def at(self, where: Any) -> "Block":
        """The same drivers at some of the steps, of the racks that the sweeps work with."""
        ambient = Ambient(*(np.asarray(values)[where] for values in self.ambient))
        return Block(
            ambient,
            {name: values[..., where] for name, values in self.activity.items()},
            {
                name: values if values.shape[-1] == 1 else values[:, where]
                for name, values in self.weight.items()
            },
            along=self.along,
            storage={name: values[where] for name, values in self.storage.items()},
            reset={name: values[where] for name, values in self.reset.items()},
        )


@dataclass
class State:
    """Everything the sweeps find; arrays over time, keyed by the names of the plan."""

    supply: dict[str, Array] = field(default_factory=dict)
    wanted: dict[str, Array] = field(default_factory=dict)
    reset: dict[str, Array] = field(default_factory=dict)  # of the block that was solved
    requests: dict[str, Array] = field(default_factory=dict)  # for colder supply of these loops
    excess: dict[str, Array] = field(
        default_factory=dict
    )  # K above its set point at which a sweep takes a loop
    bracket: dict[str, Any] = field(
        default_factory=dict
    )  # of held loops: excess where it warms, gap; where it cools, gap
    warmer: dict[str, Array] = field(default_factory=dict)  # K of server inlets above a room's supply
    drawn: dict[str, tuple[Array, Array]] = field(
        default_factory=dict
    )  # the same in the last sweep: as given and as found
    back: dict[str, Array] = field(default_factory=dict)
    flow: dict[str, Array] = field(default_factory=dict)
    through: dict[str, Array] = field(
        default_factory=dict
    )  # kg/s through the machines of a loop that has a tank beside them
    entering: dict[str, Array] = field(default_factory=dict)  # °C of what these get
    stored: dict[str, Array] = field(default_factory=dict)  # by loop: W that its tank takes up
    heat: dict[str, Array] = field(default_factory=dict)
    removed: dict[str, Array] = field(default_factory=dict)
    cp: dict[str, Array] = field(default_factory=dict)
    latent: dict[str, Array] = field(default_factory=dict)  # by room: condensed on coils and evaporated again
    dew_bound: dict[str, Mask] = field(default_factory=dict)
    u: dict[str, Array] = field(default_factory=dict)
    running: dict[str, Any] = field(default_factory=dict)
    link: dict[str, Transfer] = field(default_factory=dict)  # of all running units together
    open_share: dict[str, float] = field(
        default_factory=dict
    )  # of design flow that a loop's pumps can give each valve
    rack: dict[str, Group] = field(default_factory=dict)
    each: dict[str, Each] = field(default_factory=dict)  # single racks by group, where the sweeps work them
    single: dict[str, Single] = field(default_factory=dict)  # and where a few stand in for them
    rack_heat: dict[str, Array] = field(default_factory=dict)  # W into liquid per rack
    given: dict[str, Array] = field(
        default_factory=dict
    )  # by loop: share of the flow its racks ask for; with headers m³/s
    census: dict[str, Census] = field(
        default_factory=dict
    )  # by rack group: what every rack, worked, adds up to
    flow_bound: dict[str, Mask] = field(default_factory=dict)
    inlet: dict[str, Array] = field(default_factory=dict)  # server inlet air by room
    breathed: dict[str, Ambient] = field(
        default_factory=dict
    )  # the same as air, of rooms that links reject to
    spill: dict[str, Array] = field(
        default_factory=dict
    )  # W that an open room gives back to the one around it
    pump: dict[str, Pumping] = field(default_factory=dict)  # by loop or CDU, all units together
    electric: dict[str, Array] = field(default_factory=dict)  # by address of the element that draws
    loss: dict[str, Array] = field(default_factory=dict)  # by feeder
    load: dict[str, Array] = field(default_factory=dict)  # by feeder
    feeder_valid: dict[str, Mask] = field(default_factory=dict)
    meter: Array = field(default_factory=lambda: np.zeros(0))  # W at the utility
    residual: Array = field(default_factory=lambda: np.zeros(0))  # W that a sweep left open, over the meter
    solved: dict[str, Any] = field(
        default_factory=dict
    )  # by loop: what entered it when it was solved, and the supply found
    taken: dict[str, Any] = field(
        default_factory=dict
    )  # of a state at some of the steps: what it was made with
    served: dict[str, Any] = field(
        default_factory=dict
    )  # by rack group: what it got when it last responded, and where its heat had settled
    trail: list[Any] = field(
        default_factory=list
    )  # what moved in the last two sweeps, and what they asked for
    worst: str = ""
    sweeps: int = 0

    def at(self, where: Any) -> "State":
        """What is known at some of the steps."""
        n = self.meter.size
        part = State(
            **{name: take_steps(value, where, n) for name, value in vars(self).items() if name not in _MEMORY}
        )
        part.taken = {name: dict(value) for name, value in vars(part).items() if isinstance(value, dict)}
        return part

    def put(self, part: "State", where: Any, *, worked: bool = False) -> None:
        """Write back what was found at some of the steps; ``worked`` where every rack was worked there."""
        n = self.meter.size
        for name, value in vars(part).items():
            if name not in (*_MEMORY, "trail", "solved") and (worked or name != "census"):
                if isinstance(
                    value, dict
                ):  # sweeps put new arrays in place: what is the same has not changed
                    before = part.taken.get(name, {})
                    value = {key: item for key, item in value.items() if item is not before.get(key)}
                setattr(self, name, put(getattr(self, name), value, where, n))
        self.solved = {}


_MEMORY = ("single", "taken")  # what is not for some of the steps alone


def take_steps(value: Any, where: Any, n: int) -> Any:
    """A value, or all values in it, at some of n steps; what has no steps stays as it is."""
    if isinstance(where, slice):
        return value
    if isinstance(value, dict):
        return {key: take_steps(item, where, n) for key, item in value.items()}
    if isinstance(value, list):
        return [tuple(take_steps(item, where, n) for item in pair) for pair in value]
    if isinstance(value, tuple):
        return _like(value, [take_steps(item, where, n) for item in value])
    return value[..., where] if isinstance(value, np.ndarray) and value.shape[-1:] == (n,) else value


def _like(value: Any, items: list[Any]) -> Any:
    """A tuple of the same kind, named or plain."""
    return type(value)(*items) if hasattr(value, "_fields") else tuple(items)


def put(whole: Any, part: Any, where: Any, n: int) -> Any:
    """``whole``, of n steps, with what was found at some of them."""
    if isinstance(part, dict):
        return whole | {
            key: put(whole[key], item, where, n) if key in whole else item for key, item in part.items()
        }
    if isinstance(part, tuple):
        return _like(part, [put(old, new, where, n) for old, new in zip(whole, part, strict=True)])
    if not isinstance(part, np.ndarray) or part.shape[-1:] != np.shape(where):
        return part
    shape = (*part.shape[:-1], n)
    out = whole.copy() if np.shape(whole) == shape else np.array(np.broadcast_to(whole, shape))
    out[..., where] = part
    return out
