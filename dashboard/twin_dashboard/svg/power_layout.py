"""The power tree laid out by rule: utilities at the top, a column for each feed, busbars below the racks.

A feeder stands one level below the lowest that feeds it; its first child keeps its column. Busbars run below the racks,
one for each feeder that feeds racks directly. What a feeder gives to the cooling plant and the house stands beside it as text.
"""

from collections.abc import Iterable

from twin_sites.schema import Site

from twin_dashboard.svg.geometry import Pipe, Rect
from twin_dashboard.svg.layout import BOX_H, BOX_W, Box, Part, Tag

COLUMN = BOX_W + 36.0
TOP = 40.0
LEAST, MOST = 118.0, 176.0  # from one level to the next
CHANNEL = 34.0  # where a line turns into another column, below the box
BUS, BUS_STEP = 24.0, 15.0  # first busbar below the racks; between busbars


def power(site: Site, racks: Iterable[Box], shift: float, floor: float) -> Part:
    """Lay out feeders; ``racks`` stand ``shift`` to the right of where they say, with their lower edge at ``floor``."""
    depth = _depths(site)
    column, straight = _columns(site, depth)
    levels = max(depth.values())
    pitch = min(max((floor - TOP - BOX_H - 20.0) / max(levels, 1), LEAST), MOST)
    floor = max(floor, TOP + levels * pitch + BOX_H + 20.0)
    at = {name: Rect(column[name] * COLUMN, TOP + depth[name] * pitch, BOX_W, BOX_H) for name in site.power}
    boxes = [
        Box(
            f"power.{name}",
            feeder.kind,
            name,
            feeder.count,
            at[name],
            ("load", "detail"),
            feeder.kind != "utility" or feeder.rating is not None,
        )
        for name, feeder in site.power.items()
    ]
    pipes = [*_feeds(site, at), *_busbars(site, at, straight, list(racks), shift, floor)]
    tags = []
    for name in site.power:
        for i, slot in enumerate(_others(site, name)):
            x, y = at[name].x + BOX_W / 2, at[name].bottom + 12.0 + 14.0 * i
            pipes.append(
                Pipe(
                    f"power.{name}",
                    slot,
                    "power",
                    f"power/{name}",
                    ((x, at[name].bottom), (x, y), (x + 19.0, y)),
                    True,
                )
            )
            tags.append(
                Tag(
                    f"power.{name}",
                    slot,
                    "note",
                    Rect(x + 22.0, y - 7.0, 86.0, 14.0),
                    x + 23.0,
                    y + 4.0,
                    "start",
                )
            )
    width = (max(column.values()) + 1) * COLUMN - (COLUMN - BOX_W)
    return Part(boxes, pipes, tags, width, floor + BUS + BUS_STEP * max(len(_to_racks(site)) - 1, 0) + 14.0)


def _depths(site: Site) -> dict[str, int]:
    depth = dict.fromkeys(site.power, 0)
    for _ in depth:  # no circles: settled after as many rounds as there are feeders
        for name, feeder in site.power.items():
            depth[name] = max([depth[parent] + 1 for parent in feeder.fed_by if parent in depth], default=0)
    return depth


def _to_racks(site: Site) -> list[str]:
    return [name for name in site.power if any(name in rack.fed_by for rack in site.racks.values())]


def _columns(site: Site, depth: dict[str, int]) -> tuple[dict[str, int], set[str]]:
    """Column of each feeder, and which feeders have a free way straight down to the busbars."""
    to_racks, levels = _to_racks(site), max(depth.values())
    used: set[tuple[int, int]] = set()
    column: dict[str, int] = {}
    straight: set[str] = set()

    def leads(name: str) -> bool:
        return name in to_racks or any(
            leads(child) for child, feeder in site.power.items() if name in feeder.fed_by
        )

    def first(feeder: str) -> str:
        return max(site.power[feeder].fed_by, key=lambda parent: depth[parent])

    def place(name: str, start: int, above: int) -> None:
        way = [*range(above + 1, depth[name] + 1)]
        at = start
        while any((at, row) in used for row in way):
            at += 1
        column[name] = at
        used.update((at, row) for row in way)
        children = [child for child in site.power if site.power[child].fed_by and first(child) == name]
        children.sort(key=lambda child: not leads(child))
        for child in children:
            place(child, at, depth[name])
        below = {(at, row) for row in range(depth[name] + 1, levels + 1)}
        if name in to_racks and not below & used:
            used.update(below)
            straight.add(name)

    for name, feeder in site.power.items():
        if not feeder.fed_by:
            place(name, max(column.values(), default=-1) + 1, -1)
    return column, straight


def _feeds(site: Site, at: dict[str, Rect]) -> list[Pipe]:
    pipes = []
    for name in site.power:
        box = at[name]
        middle = box.x + BOX_W / 2
        children = [child for child in site.power if name in site.power[child].fed_by]
        order = sorted((other for other in site.power if at[other].y == box.y), key=lambda other: at[other].x)
        turn = box.bottom + CHANNEL + 7.0 * (order.index(name) % 3)
        for child in children:
            parents = sorted(site.power[child].fed_by, key=lambda parent: at[parent].x)
            x = at[child].x + BOX_W / 2 + 28.0 * (parents.index(name) - (len(parents) - 1) / 2)
            bend = () if x == middle else ((middle, turn), (x, turn))
            points = ((middle, box.bottom), *bend, (x, at[child].y))
            pipes.append(Pipe(f"power.{child}", f"from {name}", "power", f"power/{name}", points, True))
    return pipes


def _busbars(
    site: Site, at: dict[str, Rect], straight: set[str], racks: list[Box], shift: float, floor: float
) -> list[Pipe]:
    """A busbar for each feeder that feeds racks: from its column below the racks, risers up to them."""
    names = sorted(_to_racks(site), key=lambda name: at[name].x, reverse=True)
    pipes = []
    for i, name in enumerate(names):
        y, net = floor + BUS + BUS_STEP * i, f"power/{name}"
        fed = [
            (box, list(site.racks[box.name].fed_by)) for box in racks if name in site.racks[box.name].fed_by
        ]
        ups = [
            (box, box.rect.x + shift + box.rect.w / 2 + 28.0 * (feeds.index(name) - (len(feeds) - 1) / 2))
            for box, feeds in fed
        ]
        x = at[name].x + BOX_W / 2
        start: tuple[tuple[float, float], ...] = ((x, at[name].bottom),)
        if name not in straight:
            aside = at[name].right + 10.0 + 7.0 * (i % 3)
            turn = at[name].bottom + CHANNEL - 8.0
            start = (*start, (x, turn), (aside, turn))
            x = aside
        pipes.append(
            Pipe(f"power.{name}", "to racks", "power", net, (*start, (x, y), (max(up for _, up in ups), y)))
        )
        pipes += [
            Pipe(box.address, f"from {name}", "power", net, ((up, y), (up, floor)), True) for box, up in ups
        ]
    return pipes


def _others(site: Site, name: str) -> list[str]:
    """What else a feeder feeds directly."""
    cooling = any(
        name in element.fed_by
        for address, element in site.drawn()
        if address.startswith(("cooling.", "hall.", "rooms."))
    )
    return [slot for slot, there in (("cooling", cooling), ("house", name in site.house.fed_by)) if there]
