"""The two trees of a site in one picture: power comes down on the left, heat goes up on the right.

``svg`` draws a site without values; ``values`` says what one step of a result puts in; ``draw`` gives both at once. A page
that scrubs through time keeps the drawing and sets, for each address of ``values``: the text of ``[data-slot="address/slot"]``,
``--w`` of every ``[data-pipe="address/slot"]`` (class ``off`` for slots in ``off``), the state as the class ``normal``,
``watch`` or ``bad`` of every ``[data-state="address"]`` and the width of ``[data-use="address"]`` as a share of its ``data-full``.
"""

from functools import lru_cache
from html import escape
from typing import NamedTuple

import xarray as xr
from twin_sites.schema import Site

from twin_dashboard.svg import heat_layout, labels, power_layout
from twin_dashboard.svg.geometry import Pipe, Rect, fit, head, number, path, text_width, with_hops
from twin_dashboard.svg.layout import Box, Tag
from twin_dashboard.svg.readings import Reading, values
from twin_dashboard.svg.symbols import MARKS, SYMBOLS, style, title

MARGIN = 16.0
BETWEEN = 58.0  # the two trees
LEGEND = (
    ("power", "electricity, width = power", 0),
    ("water", "supply, width = flow", 0),
    ("heat", "return, heat", 0),
    ("heat air", "air", 0),
)
SMALLEST_W = 940.0  # the legend needs it


class Layout(NamedTuple):
    """Everything with its place in the picture."""

    boxes: list[Box]
    pipes: list[Pipe]
    tags: list[Tag]
    width: float
    height: float
    heat_from: float  # where the heat tree begins


class _Held:
    """A site by its content: sites hold mappings and have no hash of their own."""

    def __init__(self, site: Site) -> None:
        self.site, self.key = site, repr(site)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.key == self.key


def layout(site: Site) -> Layout:
    """Places of all boxes, pipes and texts; the same site gives the same places."""
    return _layout(_Held(site))


@lru_cache(maxsize=8)
def _layout(held: _Held) -> Layout:
    return _lay_out(held.site)


def _lay_out(site: Site) -> Layout:
    heat = heat_layout.heat(site)
    racks = [box for box in heat.boxes if box.kind == "rack"]
    first = power_layout.power(site, racks, 0.0, heat.height)
    shift = max(first.width + BETWEEN, SMALLEST_W - 2 * MARGIN - heat.width)
    power = power_layout.power(site, racks, shift, heat.height)
    down = power.height - first.height
    boxes = [_move_box(box, MARGIN, 0.0) for box in power.boxes] + [
        _move_box(box, MARGIN + shift, down) for box in heat.boxes
    ]
    pipes = with_hops(
        [_move_pipe(pipe, MARGIN, 0.0) for pipe in power.pipes]
        + [_move_pipe(pipe, MARGIN + shift, down) for pipe in heat.pipes]
    )
    width, height = MARGIN * 2 + shift + heat.width, power.height
    fixed = [_move_tag(tag, MARGIN) for tag in power.tags] + [
        tag for box in boxes if box.water for tag in _makeup(box)
    ]
    area = Rect(MARGIN + first.width + 8.0, 46.0, width - MARGIN - first.width - 12.0, height - 46.0)
    ambient = _ambient(boxes, MARGIN + shift, width)
    tags = labels.place(site, boxes, pipes, [*fixed, ambient], area)
    return Layout(boxes, pipes, [*fixed, ambient, *tags], width, height, MARGIN + shift)


def _move_box(box: Box, dx: float, dy: float) -> Box:
    r = box.rect
    return Box(**{**vars(box), "rect": Rect(r.x + dx, r.y + dy, r.w, r.h)})


def _move_pipe(pipe: Pipe, dx: float, dy: float) -> Pipe:
    return Pipe(**{**vars(pipe), "points": tuple((x + dx, y + dy) for x, y in pipe.points)})


def _move_tag(tag: Tag, dx: float) -> Tag:
    r = tag.rect
    return Tag(**{**vars(tag), "rect": Rect(r.x + dx, r.y, r.w, r.h), "x": tag.x + dx})


def _makeup(box: Box) -> list[Tag]:
    x, y = box.rect.right + 10.0, box.rect.y
    return [
        Tag(box.address, "water", "note", Rect(x, y + 12.0, 76.0, 13.0), x, y + 23.0, "start"),
        Tag("", "", "note", Rect(x, y + 34.0, 76.0, 13.0), x, y + 45.0, "start", "make-up"),
    ]


def _ambient(boxes: list[Box], left: float, width: float) -> Tag:
    out = [box.rect for box in boxes if box.outdoors]
    middle = (min(r.x for r in out) + max(r.right for r in out)) / 2 if out else (left + width) / 2
    w = 282.0
    x = min(max(middle, left + w / 2), width - w / 2 - 8.0)
    return Tag("site", "ambient", "note", Rect(x - w / 2, 27.0, w, 15.0), x, 38.0)


def svg(site: Site, system: str = "si") -> str:
    """The drawing of a site without values.

    Parameters
    ----------
    site
        Any validated site.
    system
        ``si`` or ``ip``; the static drawing is the same in both.

    Returns
    -------
    str
        One ``<svg>`` element that carries its style; colours are CSS variables of the page, or fallbacks of its own.
    """
    return _render(site, layout(site), {})


def draw(site: Site, ds: xr.Dataset, step: int, system: str = "si") -> str:
    """The drawing with the values of one time step; parameters as in ``values``."""
    return _render(site, layout(site), values(site, ds, step, system))


def _render(site: Site, lay: Layout, read: dict[str, Reading]) -> str:
    n = number
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tw" viewBox="0 0 {n(lay.width)} {n(lay.height)}" role="group" '
        f'aria-label="Schematic of {escape(site.title or site.name)}" style="width:100%;height:auto;max-height:100%">{style()}',
        f'<text x="{n(MARGIN)}" y="20" class="s m">POWER COMES DOWN</text>',
        f'<text x="{n(lay.width - MARGIN)}" y="20" class="s m end">HEAT GOES UP</text>',
        _legend(lay),
    ]
    behind = sorted(lay.pipes, key=lambda pipe: bool(pipe.hops))  # what hops lies above what it hops over
    parts += [_pipe(pipe, read.get(pipe.owner)) for pipe in behind]
    parts.append('<g class="pipe air">' + "".join(_joint(pipe) for pipe in lay.pipes) + "</g>")
    parts += [_box(box, read.get(box.address)) for box in lay.boxes]
    parts += [_tag(tag, read.get(tag.address)) for tag in lay.tags]
    return "".join(parts) + "</svg>"


def _legend(lay: Layout) -> str:
    entries = (
        [*LEGEND, ("makeup", "make-up water", 0)] if any(box.water for box in lay.boxes) else list(LEGEND)
    )
    widths = [34.0 + text_width(text, 11) + 18.0 for _, text, _ in entries]
    x = max((lay.width - sum(widths)) / 2, 150.0)
    out = []
    for (look, text, _), width in zip(entries, widths, strict=True):
        y = 16.5
        pipe = Pipe("", "", look, "", ((x, y), (x + 26.0, y)))
        out.append(
            _pipe(pipe, None, key=True) + f'<text x="{number(x + 33)}" y="20" class="s m">{text}</text>'
        )
        x += width
    return "".join(out)


def _pipe(pipe: Pipe, reading: Reading | None, key: bool = False) -> str:
    kind, _, medium = pipe.look.partition(" ")
    width = (reading or {}).get("widths", {}).get(pipe.slot)
    off = " off" if pipe.slot in (reading or {}).get("off", ()) else ""
    slot = "" if key else f' data-pipe="{escape(f"{pipe.owner}/{pipe.slot}")}"'
    css = f' style="--w:{width}"' if width is not None and not medium else ""
    line = path(pipe, 12.0 if pipe.arrow else 0.0)
    inner = f'<path class="in" d="{line}"/>' if medium else ""
    tip = f'<path class="hd" d="{head(pipe)}"/>' if pipe.arrow else ""
    return (
        f'<g class="pipe {kind}{" air" if medium else ""}{off}"{slot}{css}><path d="{line}"/>{inner}{tip}</g>'
    )


def _joint(pipe: Pipe) -> str:
    """Opening where a riser of a duct meets its header."""
    if not pipe.look.endswith(" air") or pipe.points[0][0] != pipe.points[-1][0]:
        return ""
    (x, y), (_, towards) = pipe.points if pipe.arrow else pipe.points[::-1]
    return f'<path class="in" d="M{number(x)} {number(y)}v{4 if towards > y else -4}"/>'


def _open(address: str, css: str, words: str, reading: Reading | None) -> str:
    state = (reading or {}).get("state", "normal")
    label = f"{words}. {reading['label'].partition(': ')[2]}" if reading else words
    where = escape(address)
    return f'<g role="button" tabindex="0" class="{css} {state}" data-address="{where}" data-state="{where}" aria-label="{escape(label)}">'


def _text(x: float, y: float, css: str, address: str, slot: str, reading: Reading | None) -> str:
    shown = (reading or {}).get("texts", {}).get(slot, "")
    return f'<text x="{number(x)}" y="{number(y)}" class="{css}" data-slot="{escape(f"{address}/{slot}")}">{escape(shown)}</text>'


def _box(box: Box, reading: Reading | None) -> str:
    r, n, a = box.rect, number, box.address
    name, count = title(box.name), f" ×{box.count}" if box.count > 1 else ""
    left = r.x + 36.0
    room = r.w - 42.0 - text_width(count, 13, bold=True)
    words = f"{name}, {box.count} units, {box.address}" if box.count > 1 else f"{name}, {box.address}"
    shown = fit(name, room, 13, bold=True)
    out = [
        _open(a, f"box{' dash' if box.kind == 'source' else ''}", words, reading),
        f"<title>{escape(name + count)}</title>" if shown != name else "",
        f'<rect class="fr" x="{n(r.x)}" y="{n(r.y)}" width="{n(r.w)}" height="{n(r.h)}" rx="5"/>',
        f'<path class="sym" transform="translate({n(r.x + 9)} {n(r.y + 11)})" d="{SYMBOLS[box.kind]}"/>',
        f'<text x="{n(left)}" y="{n(r.y + 20)}" class="b">{escape(shown + count)}</text>',
        f'<g transform="translate({n(r.right - 20)} {n(r.y + 28)})">{MARKS}</g>',
    ]
    if box.kind == "rack":
        out += _rack_texts(box, left, reading)
    elif box.kind == "source":
        out += [
            _text(left, r.y + 38, "b", a, "losses", reading),
            f'<text x="{n(r.x + 10)}" y="{n(r.y + 55)}" class="s m">losses of machines</text>',
        ]
    else:
        first, second = box.slots
        out += [
            _text(left, r.y + 38, "b", a, first, reading),
            _text(r.x + 10.0, r.y + 54, "s m w", a, second, reading),
        ]
    if box.bar:
        full = r.w - 20.0
        use = (reading or {}).get("utilisation") or 0.0
        bar = f'x="{n(r.x + 10)}" y="{n(r.bottom - 10)}" height="4" rx="2"'
        out.append(
            f'<rect class="bar" {bar} width="{n(full)}"/><rect class="use" {bar} data-use="{escape(a)}" data-full="{n(full)}" width="{n(full * use)}"/>'
        )
    out.append("</g>")
    if box.outdoors:
        rises = {"widths": {"outdoors": 2}, "off": (reading or {}).get("off", [])}
        for x in (r.w / 2 - 24, r.w / 2, r.w / 2 + 24):
            points = ((r.x + x, r.y - 4), (r.x + x, r.y - 22))
            out.append(_pipe(Pipe(a, "outdoors", "heat", "", points, True), rises))
    return "".join(out)


def _rack_texts(box: Box, left: float, reading: Reading | None) -> list[str]:
    r, a = box.rect, box.address
    out = [_text(left, r.y + 38, "b", a, "power", reading), _text(left, r.y + 55, "s m", a, "each", reading)]
    if "chip" not in box.slots:
        return [*out, _text(left, r.y + 72, "s m", a, "inlet", reading)]
    x = r.x + 128.0
    return [
        *out,
        f'<text x="{number(x)}" y="{number(r.y + 35)}" class="s m">hottest chip</text>',
        _text(x, r.y + 58, "big", a, "chip", reading),
        _text(x, r.y + 74, "s m w", a, "margin", reading),
        _text(left, r.y + 96, "s m", a, "split", reading),
        _text(r.right - 10.0, r.y + 96, "s m end w", a, "done", reading),
    ]


def _tag(tag: Tag, reading: Reading | None) -> str:
    n, a = number, tag.address
    anchor = {"middle": " mid", "end": " end"}.get(tag.anchor, "")
    state = (reading or {}).get("state", "normal")
    where = escape(a)
    if tag.look == "note":
        if not tag.slot:
            return f'<text x="{n(tag.x)}" y="{n(tag.y)}" class="s m{anchor}">{escape(tag.text)}</text>'
        return _text(
            tag.x,
            tag.y,
            ("" if tag.slot == "water" else "m") + ("" if a == "site" else " s") + anchor,
            a,
            tag.slot,
            reading,
        )
    if tag.look == "pill":
        r = tag.rect
        css = state if tag.slot == "supply" else "normal"
        mark = f' data-state="{where}"' if tag.slot == "supply" else ""
        return (
            f'<g class="pill {css}"{mark}><rect x="{n(r.x)}" y="{n(r.y)}" width="{n(r.w)}" height="{n(r.h)}" rx="10"/>'
            + _text(tag.x, tag.y, "mid w", a, tag.slot, reading)
            + "</g>"
        )
    value = escape((reading or {}).get("texts", {}).get(tag.slot, ""))
    below = f' x="{n(tag.x)}" dy="14"' if tag.lines > 1 else ""
    slot = f'<tspan{below} data-slot="{escape(f"{a}/{tag.slot}")}">{value}</tspan>'
    name = f'<tspan font-weight="600">{escape(tag.text)}</tspan>{"" if below else "<tspan> · </tspan>"}'
    text = f'<text x="{n(tag.x)}" y="{n(tag.y)}" class="w{anchor}">{name}{slot}</text>'
    if tag.symbol is None:
        return _open(a, "loop", f"Loop {tag.text}, {a}", reading) + _hit(tag.rect) + text + "</g>"
    x, y = tag.symbol
    return (
        _open(a, "pump", f"{tag.text}, {a}", reading)
        + f'<circle cx="{n(x)}" cy="{n(y)}" r="11"/><path class="sym" d="M{n(x - 7)} {n(y + 6)}L{n(x)} {n(y - 9)}L{n(x + 7)} {n(y + 6)}"/>{text}</g>'
    )


def _hit(rect: Rect) -> str:
    """Area that takes clicks and shows the focus ring of a text."""
    return f'<rect x="{number(rect.x - 3)}" y="{number(rect.y - 1)}" width="{number(rect.w + 6)}" height="{number(rect.h + 2)}" rx="4" fill="transparent"/>'


__all__ = ["Layout", "draw", "layout", "svg", "values"]
