"""Where texts on pipes go: of all places along its pipes, each takes the best one that touches nothing."""

from collections.abc import Iterator

from twin_dashboard.svg.geometry import HOP, Pipe, Point, Rect, text_width
from twin_dashboard.svg.layout import Box, Tag
from twin_dashboard.svg.symbols import title
from twin_sites.schema import Loop, Site

PILL_W, PILL_H = 62.0, 20.0
PUMP = 11.0  # radius
TEXT_H = 15.0
STEP = 6.0
FLOW = " · 88,888 m³/h"  # longest text that follows a loop's name
PUMPS = " · 8.88 MW"


def place(site: Site, boxes: list[Box], pipes: list[Pipe], fixed: list[Tag], area: Rect) -> list[Tag]:
    """Tags of every loop and room: pumps, temperatures, name with flow."""
    taken = [box.rect for box in boxes] + [tag.rect for tag in fixed]
    taken += [Rect(b.rect.x, b.rect.y - 26, b.rect.w, 26) for b in boxes if b.outdoors]
    taken += [Rect(x - HOP - 4, y - HOP - 4, 2 * HOP + 8, HOP + 8) for pipe in pipes for x, y in pipe.hops]
    solver = _Places(taken, pipes, area)
    tags: list[Tag] = []
    volumes = [(name, address, part) for name, address, part in site.volumes() if part.links]
    for name, address, part in volumes:
        if isinstance(part, Loop) and part.pump is not None:
            tags.append(solver.pump(name, address, part.pump.count))
    for name, address, _ in volumes:
        tags += [solver.pill(name, address, slot) for slot in ("return", "supply")]
    tags += [solver.name(name, address) for name, address, _ in volumes]
    return tags


class _Places:
    """What is taken so far."""

    def __init__(self, taken: list[Rect], pipes: list[Pipe], area: Rect) -> None:
        self.taken, self.pipes, self.area = taken, pipes, area
        self.along = [(pipe, a, b, rect) for pipe in pipes for (a, b), rect in zip(pipe.segments(), pipe.rects(), strict=True)]

    def pump(self, name: str, address: str, count: int) -> Tag:
        text = pump_text(count)
        w = text_width(text + PUMPS, 12)
        best: tuple[float, Tag, list[Rect]] | None = None
        for rank, (x, y, flat) in enumerate(self._points(f"{name}/return")):
            circle = Rect(x - PUMP - 2, y - PUMP - 2, 2 * PUMP + 4, 2 * PUMP + 4)
            sides = [("middle", x, y - 16.0), ("middle", x, y + 24.0)] if flat else [("start", x + 17.0, y + 4.0), ("end", x - 17.0, y + 4.0)]
            sides += [("start", x + 14.0, y - 7.0), ("end", x - 14.0, y - 7.0), ("start", x + 14.0, y + 17.0), ("end", x - 14.0, y + 17.0)]
            for side, (anchor, tx, ty) in enumerate(sides):
                label = _text_rect(anchor, tx, ty, w)
                bad = self._hits(circle, (x, y), flat) + self._hits(label)
                cost = bad * 1000.0 + rank + side * 3
                if best is None or cost < best[0]:
                    area = Rect(x - PUMP, y - PUMP, 2 * PUMP, 2 * PUMP)
                    best = (cost, Tag(f"{address}.pump", "power", "pump", label, tx, ty, anchor, text, (x, y)), [area, label])
        assert best is not None
        self.taken += best[2]
        return best[1]

    def pill(self, name: str, address: str, slot: str) -> Tag:
        best: tuple[float, Rect] | None = None
        for rank, (x, y, flat) in enumerate(self._points(f"{name}/{slot}")):
            rect = Rect(x - PILL_W / 2, y - PILL_H / 2, PILL_W, PILL_H)
            cost = self._hits(rect, (x, y), flat) * 1000.0 + rank
            if best is None or cost < best[0]:
                best = (cost, rect)
        rect = best[1] if best else Rect(0, 0, PILL_W, PILL_H)
        self.taken.append(rect)
        return Tag(address, slot, "pill", rect, rect.x + PILL_W / 2, rect.y + 14.2)

    def name(self, name: str, address: str) -> Tag:
        text = title(name)
        w = text_width(text, 12, bold=True) + text_width(FLOW, 12)
        best: tuple[float, Tag] | None = None
        for side, net in enumerate((f"{name}/supply", f"{name}/return")):
            for rank, (x, y, flat) in enumerate(self._points(net)):
                spots = [("middle", x, y - 11.0), ("middle", x, y + 20.0)] if flat else [("start", x + 10.0, y + 4.0), ("end", x - 10.0, y + 4.0)]
                for turn, (anchor, tx, ty) in enumerate(spots):
                    rect = _text_rect(anchor, tx, ty, w)
                    cost = self._hits(rect) * 1000.0 + rank + 8 * side + 2 * turn
                    if best is None or cost < best[0]:
                        best = (cost, Tag(address, "flow", "loop", rect, tx, ty, anchor, text))
        assert best is not None
        self.taken.append(best[1].rect)
        return best[1]

    def _points(self, net: str) -> Iterator[tuple[float, float, bool]]:
        """Places on a net: header from its middle outwards, then risers, the longest first."""
        own = [(a, b) for pipe, a, b, _ in self.along if pipe.net == net]
        own.sort(key=lambda ab: (ab[0][1] != ab[1][1], -abs(ab[0][0] - ab[1][0]) - abs(ab[0][1] - ab[1][1]), ab))
        for a, b in own:
            flat = a[1] == b[1]
            length = abs(a[0] - b[0]) + abs(a[1] - b[1])
            mid = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            for i in range(int(length / 2 / STEP) + 1):
                for sign in (1, -1) if i else (1,):
                    yield (mid[0] + sign * i * STEP, mid[1], True) if flat else (mid[0], mid[1] + sign * i * STEP, False)

    def _hits(self, rect: Rect, on: Point | None = None, flat: bool = False) -> int:
        """How many things a rectangle touches; the pipe that it stands on does not count."""
        hits = sum(rect.overlaps(other, 3.0) for other in self.taken) + (not rect.inside(self.area))
        for _, a, b, area in self.along:
            stands = on is not None and (a[1] == b[1] == on[1] if flat else a[0] == b[0] == on[0])
            hits += not stands and rect.overlaps(area, 1.0)
        return hits


def pump_text(count: int) -> str:
    """Name of a pump group."""
    return f"Pumps ×{count}" if count > 1 else "Pump"


def _text_rect(anchor: str, x: float, y: float, w: float) -> Rect:
    left = x if anchor == "start" else x - w if anchor == "end" else x - w / 2
    return Rect(left, y - 11.5, w, TEXT_H)
