"""What a drawing of a site consists of, and the whole of it: power on the left, heat on the right."""

from dataclasses import dataclass, field

from twin_dashboard.svg.geometry import Pipe, Rect


@dataclass(frozen=True)
class Box:
    """A machine group, rack group, feeder or source of heat."""

    address: str
    kind: str
    name: str
    count: int
    rect: Rect
    slots: tuple[str, ...]  # names of the texts that it shows
    bar: bool = True
    outdoors: bool = False
    water: bool = False


@dataclass(frozen=True)
class Tag:
    """A text that stands outside boxes: pill on a pipe, pump, name of a loop, note."""

    address: str
    slot: str
    look: str  # pill | pump | loop | note
    rect: Rect
    x: float
    y: float
    anchor: str = "middle"
    text: str = ""
    symbol: tuple[float, float] | None = None  # centre of a pump
    lines: int = 1


@dataclass(frozen=True)
class Part:
    """Boxes and pipes of one of the two trees, from (0, 0)."""

    boxes: list[Box]
    pipes: list[Pipe]
    tags: list[Tag] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


BOX_W, BOX_H = 152.0, 70.0
GAP = 26.0
DOCK = 36.0  # of a box's two pipes, each side of its middle
