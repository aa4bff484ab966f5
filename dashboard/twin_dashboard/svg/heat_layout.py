"""The heat tree laid out by rule: racks at the bottom, above them a lane for each loop, above each lane what cools it.

A lane is a pair of headers: the return above, the supply below. Machines dock with the hot pipe at the left and the cold one
at the right, so that what stands one above the other is joined by straight pipes. Where a loop has several coolers in
series, the outlet of one leads to the inlet of the next. Lanes that would overlap get tracks of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from twin_sites.schema import OUTDOORS, Room, Site

from twin_dashboard.svg.geometry import NEAR, Pipe, Rect
from twin_dashboard.svg.layout import BOX_H, BOX_W, DOCK, GAP, Box, Part

RACK_H = 106.0
WIDE_W, SMALL_W, SOURCE_W = 240.0, 132.0, 132.0
WATER_W = 88.0  # room beside a box for its make-up water
TOP, ABOVE, BELOW = 66.0, 26.0, 24.0  # of the drawing; of a lane
PUMP_ABOVE = 49.0  # above a lane with pumps, which stand where the whole flow passes
# Between the headers of a lane; per series pipe; height of the arrows to outdoors.
HEADERS, MIDDLE, PLUME = 34.0, 14.0, 22.0
SWEEPS = 40
SLACK = 24.0  # what the drawing may grow in width for straighter pipes

Shifts = dict[tuple[str, str, str], float]


@dataclass
class Item:
    """A box while its place is sought."""

    address: str
    kind: str
    name: str
    count: int
    width: float
    rows: range
    key: tuple[float, int, float]
    docks: dict[str, float]  # port → middle of its pair of pipes, from the left edge
    slots: tuple[str, ...]
    box_width: float
    outdoors: bool = False
    water: bool = False
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        """Of its box."""
        return RACK_H if self.kind == "rack" else BOX_H


@dataclass
class Lane:
    """A loop or room: who gives heat to it, and in stages who takes it out."""

    name: str
    address: str
    air: bool
    order: int
    pump: bool
    level: int = 1
    key: float = 0.0
    givers: list[tuple[Item, str]] = field(default_factory=list)
    stages: list[list[Item]] = field(default_factory=list)
    tank: list[Item] = field(default_factory=list)  # thermal storage, parallel to all of them
    y_return: float = 0.0
    y_supply: float = 0.0

    def machines(self) -> list[Item]:
        """All that stand above the lane: coolers in their order, then the tank."""
        return [item for stage in [*self.stages, self.tank] for item in stage]

    def span(self) -> tuple[float, float]:
        """Left and right end of its headers, about."""
        at = [item.x + item.docks[port] for item, port in self.givers]
        at += [item.x + item.docks["hot"] for item in self.machines()]
        return min(at) - DOCK - NEAR / 2, max(at) + DOCK + NEAR / 2


def heat(site: Site) -> Part:
    """Lay out racks, loops and cooling machines."""
    lanes = _lanes(site)
    items = _items(site, lanes)
    _place(items, lanes)
    shift = -min(item.x for item in items)
    for item in items:
        item.x += shift
    height = _heights(items, lanes)
    shifts = _shifts(lanes)
    pipes = [pipe for lane in lanes for pipe in _pipes(lane, shifts)]
    pipes += [
        Pipe(
            i.address,
            "water",
            "makeup",
            f"{i.address}/water",
            ((i.x + i.width, i.y + 30.0), (i.x + i.box_width, i.y + 30.0)),
            True,
        )
        for i in items
        if i.water
    ]
    boxes = [
        Box(
            i.address,
            i.kind,
            i.name,
            i.count,
            Rect(i.x, i.y, i.box_width, i.height),
            i.slots,
            i.kind not in ("rack", "source"),
            i.outdoors,
            i.water,
        )
        for i in items
    ]
    return Part(boxes, pipes, width=max(item.x + item.width for item in items), height=height)


def _lanes(site: Site) -> list[Lane]:
    """Lanes with their level: one above the highest lane that gives heat to it."""
    lanes = {
        name: Lane(name, address, isinstance(part, Room), order, getattr(part, "pump", None) is not None)
        for order, (name, address, part) in enumerate(site.volumes())
        if part.links
    }
    feeds = [(hot, link.heat_to["heat"]) for hot, _, _, link in site.links() if link.heat_to["heat"] in lanes]
    for _ in lanes:  # the graph has no circles: as many rounds as lanes settle every level
        for hot, cold in feeds:
            lanes[cold].level = max(lanes[cold].level, lanes[hot].level + 1)
    return sorted(lanes.values(), key=lambda lane: (lane.level, lane.order))


def _items(site: Site, lanes: list[Lane]) -> list[Item]:
    by_name = {lane.name: lane for lane in lanes}
    order = {lane.name: i for i, lane in enumerate(lanes)}
    racks = sorted(
        site.racks.items(),
        key=lambda entry: (order.get(entry[1].heat_to.get("liquid", ""), 99), order[entry[1].heat_to["air"]]),
    )
    items: list[Item] = []
    for i, (name, rack) in enumerate(racks):
        targets = {port: target for port, target in rack.heat_to.items() if target in by_name}
        wide = "liquid" in targets or rack.accelerator is not None
        width = WIDE_W if wide else SMALL_W
        docks = {"liquid": BOX_W / 2, "air": width - 66.0} if "liquid" in targets else {"air": width / 2}
        top = max([by_name[target].level for target in targets.values()], default=1)
        slots = ("power", "each", "chip", "margin", "split", "done") if wide else ("power", "each", "inlet")
        item = Item(
            f"racks.{name}",
            "rack",
            name,
            rack.count,
            width,
            range(top),
            (float(i), 0, 0.0),
            docks,
            slots,
            width,
        )
        items.append(item)
        for port, target in targets.items():
            by_name[target].givers.append((item, port))
    warmed = {
        target
        for _, element in site.drawn()
        for port, target in element.heat_to.items()
        if port in ("loss", "fan", "heat", "motor")
    }
    for lane in lanes:
        if lane.air and not lane.givers and lane.name in warmed:
            key = (float(len(items)), 0, 0.0)
            item = Item(
                lane.address,
                "source",
                lane.name,
                1,
                SOURCE_W,
                range(1),
                key,
                {"air": SOURCE_W / 2},
                ("losses",),
                SOURCE_W,
            )
            items.append(item)
            lane.givers.append((item, "air"))
    for order_of, lane in enumerate(lanes):
        weights = [(item.key[0], 3.0 if len(item.docks) == 1 else 1.0) for item, _ in lane.givers]
        lane.key = (
            sum(key * w for key, w in weights) / sum(w for _, w in weights) if weights else float(order_of)
        )
        part = next(part for name, _, part in site.volumes() if name == lane.name)
        for stage, (own, link) in enumerate(part.links.items()):
            sink = link.heat_to["heat"]
            water = link.kind == "cooling_tower" or getattr(link, "adiabatic", None) is not None
            width = BOX_W + (WATER_W if water else 0.0)
            docks = {"hot": BOX_W / 2} | ({"cold": BOX_W / 2} if sink in by_name else {})
            top = by_name[sink].level if sink in by_name else lane.level + 1
            item = Item(
                f"{lane.address}.{own}", link.kind, own, link.count, width, range(lane.level, top), (lane.key, lane.order, stage * 0.01),
                docks, ("heat", "detail"), BOX_W, sink == OUTDOORS, water,
            )  # fmt: skip
            items.append(item)
            if sink in by_name:
                by_name[sink].givers.append((item, "cold"))
            if lane.stages and _parallel(lane.stages[-1][-1], item):
                lane.stages[-1].append(item)
            else:
                lane.stages.append([item])
        tank = getattr(part, "storage", None)
        if tank is not None:
            key = (lane.key, lane.order, 0.9)
            item = Item(
                f"{lane.address}.storage", "thermal_storage", "storage", tank.count, BOX_W, range(lane.level, lane.level + 1), key,
                {"hot": BOX_W / 2}, ("heat", "detail"), BOX_W,
            )  # fmt: skip
            items.append(item)
            lane.tank.append(item)
    return items


def _parallel(first: Item, second: Item) -> bool:
    """CDUs and air handlers stand side by side, and so do members of one group; everything else acts in series."""
    both = {first.kind, second.kind} <= {"cdu", "immersion", "liquid_to_air", "air_handler", "rear_door"}
    return (
        both
        or first.address.rpartition(".")[0] == second.address
        or second.address.startswith(first.address + ".")
        or _same_group(first, second)
    )


def _same_group(first: Item, second: Item) -> bool:
    (a, _, i), (b, _, j) = first.address.rpartition("."), second.address.rpartition(".")
    return i.isdigit() and j.isdigit() and a == b


def _place(items: list[Item], lanes: list[Lane]) -> None:
    """Find x: in the order of keys from the left, then each moves towards what it is joined to as far as there is room."""
    top = max((row for item in items for row in item.rows), default=0)
    rows = [
        sorted((item for item in items if row in item.rows), key=lambda item: item.key)
        for row in range(top + 1)
    ]
    for item in sorted(items, key=lambda item: item.key):
        item.x = max((_right(row, item) for row in (rows[r] for r in item.rows)), default=0.0)
    limit = max(item.x + item.width for item in items) + SLACK
    targets = _targets(items, lanes)
    for sweep in range(SWEEPS):
        for item in sorted(items, key=lambda item: item.key, reverse=sweep % 2 == 0):
            want = targets(item)
            if want is None:
                continue
            low, high = 0.0, limit - item.width
            for row in (rows[r] for r in item.rows):
                i = row.index(item)
                if i:
                    low = max(low, row[i - 1].x + row[i - 1].width + GAP)
                if i + 1 < len(row):
                    high = min(high, row[i + 1].x - item.width - GAP)
            item.x = round(min(max(want, low), max(high, low)))


def _right(row: list[Item], item: Item) -> float:
    i = row.index(item)
    return row[i - 1].x + row[i - 1].width + GAP if i else 0.0


def _targets(items: list[Item], lanes: list[Lane]) -> Callable[[Item], float | None]:
    """Where an item would like to be: over those whose heat it takes, or under those that take its heat."""
    takes = {id(item): lane for lane in lanes for item in lane.machines()}
    gives = [(item, port, lane) for lane in lanes for item, port in lane.givers]

    def want(item: Item) -> float | None:
        lane = takes.get(id(item))
        if lane is not None and lane.givers:
            mates = lane.machines()
            middle = sum(giver.x + giver.docks[port] for giver, port in lane.givers) / len(lane.givers)
            first = (
                middle - (len(mates) - 1) * (BOX_W + GAP) / 2
            )  # coolers of one lane stand around its middle
            return first + mates.index(item) * (BOX_W + GAP) - item.docks["hot"]
        above = [
            mate.x + mate.docks["hot"] - item.docks[port]
            for giver, port, lane in gives
            if giver is item and (port != "air" or "liquid" not in item.docks)
            for stage in lane.stages
            for mate in stage
        ]
        return sum(above) / len(above) if above else None

    return want


def _heights(items: list[Item], lanes: list[Lane]) -> float:
    """Find y: rows and lanes from the top, tracks within a level by their spans."""
    levels = max((lane.level for lane in lanes), default=0)
    y = TOP
    for level in range(levels, 0, -1):
        row = [item for item in items if item.kind not in ("rack", "source") and item.rows.start == level]
        here = sorted(
            (lane for lane in lanes if lane.level == level), key=lambda lane: (not lane.air, lane.order)
        )
        y += PLUME if any(item.outdoors for item in row) and level < levels else 0.0
        for item in row:
            item.y = y
        tracks: list[list[Lane]] = []
        for lane in here:  # air nearest to the racks
            low, high = lane.span()
            for track in tracks:
                if all(high < other.span()[0] or low > other.span()[1] for other in track):
                    track.append(lane)
                    break
            else:
                tracks.append([lane])
        middles = max(max(len(lane.stages) - 1, 0) for lane in here)
        y += BOX_H + max(PUMP_ABOVE if any(lane.pump for lane in here) else ABOVE, MIDDLE * middles + NEAR)
        for track in reversed(tracks):
            for lane in track:
                lane.y_return, lane.y_supply = y, y + HEADERS
            y += 2 * HEADERS
        y += BELOW - HEADERS
    for item in items:
        if item.kind in ("rack", "source"):
            item.y = y
    return y + RACK_H


def _pipes(lane: Lane, shifts: Shifts) -> list[Pipe]:
    """Headers, risers and drops of one lane."""
    look = {side: f"{side} air" if lane.air else side for side in ("heat", "water")}
    nets = {"heat": f"{lane.name}/return", "water": f"{lane.name}/supply"}
    pipes: list[Pipe] = []
    x_return, x_supply = [], []

    def vertical(item: Item, slot: str, side: str, x: float, y0: float, y1: float) -> None:
        arrow = y1 in (item.y, item.y + item.height)
        pipes.append(Pipe(item.address, slot, look[side], nets[side], ((x, y0), (x, y1)), arrow))

    def dock(item: Item, port: str, side: float) -> float:
        return item.x + item.docks[port] + side + shifts[item.address, port, lane.name]

    for item, port in lane.givers:
        vertical(item, port, "heat", dock(item, port, -DOCK), item.y, lane.y_return)
        vertical(item, port, "water", dock(item, port, DOCK), lane.y_supply, item.y)
        x_return.append(dock(item, port, -DOCK))
        x_supply.append(dock(item, port, DOCK))
    for item in [*lane.stages[0], *lane.tank]:
        vertical(item, "hot", "heat", dock(item, "hot", -DOCK), lane.y_return, item.y + item.height)
        x_return.append(dock(item, "hot", -DOCK))
    for item in [*lane.stages[-1], *lane.tank]:
        vertical(item, "hot", "water", dock(item, "hot", DOCK), item.y + item.height, lane.y_supply)
        x_supply.append(dock(item, "hot", DOCK))
    for i, (before, after) in enumerate(pairwise(lane.stages)):
        y = before[0].y + BOX_H + MIDDLE * (i + 1)
        outs, ins = [dock(item, "hot", DOCK) for item in before], [dock(item, "hot", -DOCK) for item in after]
        net = f"{lane.name}/series {i}"
        pipes += [
            Pipe(lane.address, "supply", "heat", net, ((x, y - MIDDLE * (i + 1)), (x, y))) for x in outs
        ]
        pipes += [
            Pipe(lane.address, "supply", "heat", net, ((x, y), (x, y - MIDDLE * (i + 1))), True) for x in ins
        ]
        pipes.append(Pipe(lane.address, "supply", "heat", net, ((min(outs + ins), y), (max(outs + ins), y))))
    for slot, side, at, y in (
        ("return", "heat", x_return, lane.y_return),
        ("supply", "water", x_supply, lane.y_supply),
    ):
        if at and max(at) > min(at):
            pipes.append(Pipe(lane.address, slot, look[side], nets[side], ((min(at), y), (max(at), y))))
    return pipes


def _shifts(lanes: list[Lane]) -> Shifts:
    """How far pairs of pipes move aside so that none runs along one of another loop or of the other side; by address, port and lane."""
    taken: list[tuple[float, float, float, tuple[str, float]]] = []
    out: Shifts = {}
    pairs = [(lane, item, port, item.y) for lane in lanes for item, port in lane.givers]
    pairs += [(lane, item, "hot", item.y + item.height) for lane in lanes for item in lane.machines()]
    for lane, item, port, edge in pairs:
        low, high = min(edge, lane.y_return), max(edge, lane.y_supply)
        middle = item.x + item.docks[port]
        for shift in (0.0, -NEAR, NEAR, -2 * NEAR, 2 * NEAR):
            at = [(middle + side + shift, (lane.name, side)) for side in (-DOCK, DOCK)]
            if all(
                own == net or abs(x - t) >= NEAR - 1.0 or y1 <= low or y0 >= high
                for t, y0, y1, net in taken
                for x, own in at
            ):
                break
        else:
            shift = 0.0
        out[item.address, port, lane.name] = shift
        taken += [(middle + side + shift, low, high, (lane.name, side)) for side in (-DOCK, DOCK)]
    return out
