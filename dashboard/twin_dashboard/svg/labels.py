"""Where texts on pipes go: of all places along its pipes, each takes the best one that touches nothing."""

from collections.abc import Iterator

from twin_sites.schema import Loop, Site

from twin_dashboard.svg.geometry import HOP, Pipe, Point, Rect, text_width
from twin_dashboard.svg.layout import Box, Tag
from twin_dashboard.svg.symbols import title

PILL_W, PILL_H = 62.0, 20.0
PUMP = 11.0  # radius
TEXT_H = 15.0
STEP = 4.0
FLOW = " · 88,888 m³/h"  # longest text that follows a loop's name
PUMPS = " · 8.88 MW"


def place(site: Site, boxes: list[Box], pipes: list[Pipe], fixed: list[Tag], area: Rect) -> list[Tag]:
    """Tags of every loop and room: pumps, temperatures, name with flow."""
    taken = [box.rect for box in boxes] + [tag.rect for tag in fixed]
    taken += [Rect(b.rect.x, b.rect.y - 26, b.rect.w, 26) for b in boxes if b.outdoors]
    taken += [
        Rect(x - 7, min(y, y + 12 * up), 14, 12)
        for pipe in pipes
        if pipe.arrow
        for x, y, up in [_tip(pipe)]
        if up
    ]
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
        self.along = [
            (pipe, a, b, rect)
            for pipe in pipes
            for (a, b), rect in zip(pipe.segments(), pipe.rects(), strict=True)
        ]

    def pump(self, name: str, address: str, count: int) -> Tag:
        text = pump_text(count)
        best: tuple[float, Tag, list[Rect]] | None = None
        for rank, (x, y, flat) in enumerate(self._whole(name)):
            if best is not None and best[0] <= rank:  # later places can only be worse
                break
            circle = Rect(x - PUMP - 1, y - PUMP - 1, 2 * PUMP + 2, 2 * PUMP + 2)
            here = rank + 1000.0 * self._hits(circle, (x, y), flat)
            for side, (anchor, tx, ty, lines) in enumerate(_beside(x, y, flat, PUMP + 6.0)):
                label = _text_rect(anchor, tx, ty, text, PUMPS, lines)
                cost = here + 1000.0 * self._hits(label) + 3 * side
                if best is None or cost < best[0]:
                    area = Rect(x - PUMP, y - PUMP, 2 * PUMP, 2 * PUMP)
                    best = (
                        cost,
                        Tag(f"{address}.pump", "power", "pump", label, tx, ty, anchor, text, (x, y), lines),
                        [area, label],
                    )
        assert best is not None
        self.taken += best[2]
        return best[1]

    def _whole(self, name: str) -> Iterator[tuple[float, float, bool]]:
        """Places where the whole flow of a loop passes: the riser into its only first cooler or of its only giver; else anywhere."""
        risers = [
            pipe
            for pipe in self.pipes
            if pipe.net == f"{name}/return" and pipe.points[0][0] == pipe.points[-1][0]
        ]
        coolers = [pipe for pipe in risers if pipe.slot == "hot"]
        givers = [pipe for pipe in risers if pipe.slot != "hot"]
        for only in (coolers, givers):
            if len(only) == 1:
                (x, y0), (_, y1) = only[0].points
                for i in range(int(abs(y1 - y0)) + 1):
                    yield x, min(y0, y1) + i, False
        if len(coolers) != 1 and len(givers) != 1:
            yield from self._points(f"{name}/return")

    def pill(self, name: str, address: str, slot: str) -> Tag:
        best: tuple[float, Rect] | None = None
        for rank, (x, y, flat) in enumerate(self._points(f"{name}/{slot}")):
            if best is not None and best[0] <= rank:
                break
            rect = Rect(x - PILL_W / 2, y - PILL_H / 2, PILL_W, PILL_H)
            cost = self._hits(rect, (x, y), flat) * 1000.0 + rank
            if best is None or cost < best[0]:
                best = (cost, rect)
        rect = best[1] if best else Rect(0, 0, PILL_W, PILL_H)
        self.taken.append(rect)
        return Tag(address, slot, "pill", rect, rect.x + PILL_W / 2, rect.y + 14.2)

    def name(self, name: str, address: str) -> Tag:
        text = title(name)
        best: tuple[float, Tag] | None = None
        for side, net in enumerate((f"{name}/supply", f"{name}/return")):
            for rank, (x, y, flat) in enumerate(self._points(net)):
                if best is not None and best[0] <= rank + 8 * side:
                    break
                for turn, (anchor, tx, ty, lines) in enumerate(
                    _beside(x, y, flat, 10.0) + _beside(x, y, flat, PILL_W / 2 + 6.0) * (not flat)
                ):
                    rect = _text_rect(anchor, tx, ty, text, FLOW, lines)
                    cost = self._hits(rect) * 1000.0 + rank + 8 * side + 4 * turn
                    if best is None or cost < best[0]:
                        best = (cost, Tag(address, "flow", "loop", rect, tx, ty, anchor, text, None, lines))
        assert best is not None
        self.taken.append(best[1].rect)
        return best[1]

    def _points(self, net: str) -> Iterator[tuple[float, float, bool]]:
        """Places on a net: header from its middle outwards, then risers, the longest first."""
        own = [(a, b) for pipe, a, b, _ in self.along if pipe.net == net]
        own.sort(
            key=lambda ab: (ab[0][1] != ab[1][1], -abs(ab[0][0] - ab[1][0]) - abs(ab[0][1] - ab[1][1]), ab)
        )
        for a, b in own:
            flat = a[1] == b[1]
            length = abs(a[0] - b[0]) + abs(a[1] - b[1])
            mid = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            for i in range(int(length / 2 / STEP) + 1):
                for sign in (1, -1) if i else (1,):
                    yield (
                        (mid[0] + sign * i * STEP, mid[1], True)
                        if flat
                        else (mid[0], mid[1] + sign * i * STEP, False)
                    )

    def _hits(self, rect: Rect, on: Point | None = None, flat: bool = False) -> int:
        """How many things a rectangle touches; the pipe that it stands on does not count."""
        hits = sum(rect.overlaps(other, 3.0) for other in self.taken) + (not rect.inside(self.area))
        for _, a, b, area in self.along:
            stands = on is not None and (a[1] == b[1] == on[1] if flat else a[0] == b[0] == on[0])
            hits += not stands and rect.overlaps(area, 1.0)
        return hits


def _tip(pipe: Pipe) -> tuple[float, float, int]:
    """Place of an arrow head and on which side of it, up or down, its body lies."""
    (_, y0), (x, y) = pipe.points[-2:]
    return x, y, (y0 > y) - (y0 < y)


def pump_text(count: int) -> str:
    """Name of a pump group."""
    return f"Pumps ×{count}" if count > 1 else "Pump"


def _beside(x: float, y: float, flat: bool, gap: float) -> list[tuple[str, float, float, int]]:
    """Where a text may stand beside a place on a pipe: anchor, place, lines; the nicest first."""
    if flat:
        return [("middle", x, y - gap, 1), ("middle", x, y + gap + 9.0, 1)]
    sides = (("start", x + gap), ("end", x - gap))
    return [(anchor, at, y + 4.0, 1) for anchor, at in sides] + [
        (anchor, at, y - 3.0, 2) for anchor, at in sides
    ]


def _text_rect(anchor: str, x: float, y: float, text: str, longest: str, lines: int) -> Rect:
    """Area of a name and the value that follows it, behind it or below it."""
    name, value = (
        text_width(text, 12, bold=True),
        text_width(longest.removeprefix(" · ") if lines > 1 else longest, 12),
    )
    w = max(name, value) if lines > 1 else name + value
    left = x if anchor == "start" else x - w if anchor == "end" else x - w / 2
    return Rect(left, y - 11.5, w, TEXT_H * lines)
