"""Rectangles, widths of text and pipes that hop over each other: what the drawings are laid out with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

Point = tuple[float, float]

EMS = {
    "ijl.,:;'|!I ·": 0.29,
    "ftr()[]-°": 0.4,
    "0123456789": 0.64,
    "mwMWGOQ@%—…": 0.88,
}  # Inter, figures all of one width
WIDTHS = {character: em for characters, em in EMS.items() for character in characters}
UPPER, LOWER, BOLD = 0.68, 0.585, 1.03


class Rect(NamedTuple):
    """Left, top, width, height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.h

    def overlaps(self, other: "Rect", gap: float = 0.0) -> bool:
        """Whether the two share area, ``gap`` added around."""
        return (
            self.x < other.right + gap
            and other.x < self.right + gap
            and self.y < other.bottom + gap
            and other.y < self.bottom + gap
        )

    def inside(self, other: "Rect") -> bool:
        """Whether this lies wholly in the other."""
        return (
            self.x >= other.x
            and self.y >= other.y
            and self.right <= other.right
            and self.bottom <= other.bottom
        )


@dataclass(frozen=True)
class Pipe:
    """One stretch of a pipe, duct or busbar; stretches of one net may touch, those of different nets hop."""

    owner: str  # address of the element whose flow or power it carries
    slot: str
    look: str  # power | heat | water | heat air | water air | makeup
    net: str
    points: tuple[Point, ...]
    arrow: bool = False  # head at the end
    hops: tuple[Point, ...] = ()

    def segments(self) -> Iterable[tuple[Point, Point]]:
        """Straight parts."""
        return pairwise(self.points)

    def rects(self, half: float = 5.0) -> list[Rect]:
        """Area of the straight parts."""
        return [
            Rect(
                min(a[0], b[0]) - half,
                min(a[1], b[1]) - half,
                abs(a[0] - b[0]) + 2 * half,
                abs(a[1] - b[1]) + 2 * half,
            )
            for a, b in self.segments()
        ]


HOP = 8.0  # radius
NEAR = 20.0  # least distance between two pipes side by side


def text_width(text: str, size: float = 12.0, bold: bool = False) -> float:
    """Width that a text takes in Inter, on the safe side, in px."""
    em = sum(WIDTHS.get(c) or (UPPER if c.isupper() else LOWER) for c in text)
    return em * size * (BOLD if bold else 1.0)


def fit(text: str, width: float, size: float = 12.0, bold: bool = False) -> str:
    """The text, or less of it and an ellipsis where it is wider than ``width``; a short last word is kept: A and B matter."""
    if text_width(text, size, bold) <= width:
        return text
    start, space, last = text.rpartition(" ")
    tail = space + last if space and len(last) < 4 else ""
    start = start if tail else text
    while start and text_width(start + "…" + tail, size, bold) > width:
        start = start[:-1]
    return start.rstrip() + "…" + tail


def with_hops(pipes: Sequence[Pipe]) -> list[Pipe]:
    """Every crossing of two nets marked on the horizontal one."""
    verticals = [
        (a[0], min(a[1], b[1]), max(a[1], b[1]), pipe.net)
        for pipe in pipes
        for a, b in pipe.segments()
        if a[0] == b[0]
    ]
    out = []
    for pipe in pipes:
        hops = [
            (x, a[1])
            for a, b in pipe.segments()
            if a[1] == b[1]
            for x, low, high, net in verticals
            if net != pipe.net and min(a[0], b[0]) < x < max(a[0], b[0]) and low < a[1] < high
        ]
        out.append(replace(pipe, hops=tuple(sorted(set(hops)))))
    return out


def path(pipe: Pipe, short: float = 0.0) -> str:
    """SVG path data; ``short`` px are left out at the end for an arrow head."""
    points = list(pipe.points)
    if short:
        (x0, y0), (x1, y1) = points[-2:]
        length = abs(x1 - x0) + abs(y1 - y0)
        share = min(short / length, 1.0) if length else 0.0
        points[-1] = (x1 - (x1 - x0) * share, y1 - (y1 - y0) * share)
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for a, b in pairwise(points):
        if a[0] == b[0]:
            parts.append(f"V{_n(b[1])}")
            continue
        sign = 1.0 if b[0] > a[0] else -1.0
        for x in sorted((at for at, level in pipe.hops if level == a[1]), reverse=sign < 0):
            if min(a[0], b[0]) < x < max(a[0], b[0]):
                parts.append(
                    f"H{_n(x - sign * HOP)}a{_n(HOP)} {_n(HOP)} 0 0 {int(sign > 0)} {_n(sign * 2 * HOP)} 0"
                )
        parts.append(f"H{_n(b[0])}")
    return "".join(parts)


def head(pipe: Pipe, size: float = 6.5) -> str:
    """Arrow head at the end of a pipe, as path data."""
    (x0, y0), (x, y) = pipe.points[-2:]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    bx, by = x - dx * size * 1.7, y - dy * size * 1.7
    return f"M{_n(x)} {_n(y)}L{_n(bx - dy * size)} {_n(by - dx * size)}L{_n(bx + dy * size)} {_n(by + dx * size)}Z"


def number(value: float) -> str:
    """Coordinate as short text."""
    return f"{value:.1f}".removesuffix(".0")


_n = number
