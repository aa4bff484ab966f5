"""Racks as cells in rows along aisles, coloured by one quantity at one time step.

Rows stand front to front and back to back: cold and hot aisles alternate. Power, chips and margin are those of each rack
over the whole run, flow is that of its group at one step. Positions are drawn by rule, a site file has none.
"""

from dataclasses import dataclass
from html import escape
from math import ceil, isfinite, sqrt
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr
from twin_sites.schema import Site

from twin_dashboard import format as fmt
from twin_dashboard.margins import AMPLE_K, WATCH
from twin_dashboard.svg.geometry import fit, number, text_width
from twin_dashboard.svg.readings import flow_text, power_text
from twin_dashboard.svg.symbols import MARKS, style, title

Shown = Literal["power", "chip", "flow", "margin"]

CELL, STEP = 30.0, 33.0
LEFT, TOP, NAMES, AISLE = 64.0, 78.0, 17.0, 22.0
BETWEEN = 16.0  # groups in one row
NAME_W = 180.0  # room for the name of a group with few racks
LONGEST, SHORTEST = 24, 8  # racks in a row
MOST_CELLS = 600
SCALE_W, BINS = 220.0, 12
LEAST_K = 5.0  # a smaller difference of chips is not drawn as a contrast

WORDS = {
    "power": ("Rack power", "each rack, highest step of the run"),
    "chip": ("Hottest chip", "each rack, hottest step of the run"),
    "flow": ("Coolant flow", "one rack of the group, now"),
    "margin": ("Margin to throttling", "each rack, hottest step of the run"),
}


class _Field(NamedTuple):
    """A quantity of every rack by group, and the range of its scale."""

    values: dict[str, np.ndarray]
    low: float
    high: float
    reverse: bool  # the smallest is the darkest


@dataclass
class _Row:
    """Cells of one row: group, first and last cell, and where they begin."""

    parts: list[tuple[str, int, int, float]]
    width: float = 0.0


def svg(site: Site, ds: xr.Dataset, quantity: Shown, step: int, system: str = "si") -> str:
    """Floor plan of a site.

    Parameters
    ----------
    site, ds
        A site and a result of it.
    quantity
        ``power`` (W of one rack), ``chip`` (hottest chip), ``flow`` (coolant of one rack) or ``margin`` (to throttling).
    step
        Index of the time step that flow is shown at.
    system
        ``si`` or ``ip``.

    Returns
    -------
    str
        One ``<svg>`` element with its style; each group is a button with ``data-address="racks.<name>"``.
    """
    field = _field(site, ds, quantity, step)
    total = sum(rack.count for rack in site.racks.values())
    per_cell = max(1, ceil(total / MOST_CELLS))
    cells = {name: ceil(rack.count / per_cell) for name, rack in site.racks.items()}
    rows = _rows(cells, per_cell)
    tops = _tops(rows)
    words, notes = WORDS[quantity], _notes(per_cell, field)
    width = max(
        LEFT + max(row.width for row in rows) + 20.0,
        SCALE_W + 330.0,
        *(text_width(note, 11) + 32.0 for note in notes),
    )
    height = tops[-1] + CELL + AISLE + 14.0 + 16.0 * len(notes)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tw" viewBox="0 0 {number(width)} {number(height)}" role="group" '
        f'aria-label="Floor plan of {escape(site.name)}: {words[0].lower()}" style="width:100%;height:auto;max-height:100%">'
        f"{style()}",
        f'<text x="16" y="24" class="b">{words[0]}</text><text x="16" y="41" class="s m">{words[1]}</text>',
        _scale(field, quantity, system, width),
        *_aisles(rows, tops, width),
    ]
    for name in site.racks:
        out.append(_group(site, ds, name, rows, tops, field, quantity, system, per_cell))
    out += [
        f'<text x="16" y="{number(height - 10.0 - 16.0 * (len(notes) - 1 - i))}" class="s m">{escape(note)}</text>'
        for i, note in enumerate(notes)
    ]
    return "".join(out) + "</svg>"


def _field(site: Site, ds: xr.Dataset, quantity: Shown, step: int) -> _Field:
    if quantity not in WORDS:
        raise ValueError(f"'{quantity}': allowed are {', '.join(WORDS)}")
    group = ds["member_rack"].values.astype(str)
    values: dict[str, np.ndarray] = {}
    for i, name in enumerate(ds["rack"].values.astype(str)):
        mine = group == name
        if quantity == "power":
            values[name] = ds["member_power_peak"].values[mine]
        elif quantity == "flow":
            flow = float(ds["rack_flow"].values[i, step])
            values[name] = np.full(mine.sum(), flow if flow > 0.0 else np.nan)
        else:
            chip = ds["member_chip_hottest"].values[mine]
            values[name] = (
                chip if quantity == "chip" else float(ds["rack_throttle_temperature"].values[i]) - chip
            )
    values |= {name: np.full(rack.count, np.nan) for name, rack in site.racks.items() if name not in values}
    every = np.concatenate(list(values.values()))
    known = every[np.isfinite(every)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if quantity in ("power", "flow", "margin"):
        low = min(low, 0.0)
    elif high - low < LEAST_K:
        low = high - LEAST_K
    return _Field(values, low, high if high > low else low + 1.0, quantity == "margin")


def _worst(field: _Field, name: str) -> float:
    """The rack of a group that comes nearest to its limit."""
    known = field.values[name][np.isfinite(field.values[name])]
    return float(known.min() if field.reverse else known.max()) if known.size else float("nan")


def _share(field: _Field, value: float) -> float:
    share = min(max((value - field.low) / (field.high - field.low), 0.0), 1.0)
    return 1.0 - share if field.reverse else share


def _text(value: float, quantity: Shown, system: str) -> str:
    if not isfinite(value):
        return "—"
    if quantity == "power":
        return power_text(value)
    if quantity == "flow":
        return fmt.text(value, "flow", system) if value * 6e4 < 1e4 else flow_text(value, system)
    return fmt.text(value, "temperature" if quantity == "chip" else "difference", system)


def _rows(cells: dict[str, int], per_cell: int) -> list[_Row]:
    """Groups one after the other in rows of equal length; a group that would be cut short begins a new row."""
    total = sum(cells.values())
    longest = (
        min(LONGEST, max(SHORTEST, ceil(sqrt(total * 2.2) / 2) * 2))
        if total <= LONGEST**2
        else ceil(sqrt(total * 1.6))
    )
    rows, used = [_Row([])], 0
    for name, count in cells.items():
        if used and count > longest - used and count <= longest:
            rows.append(_Row([]))
            used = 0
        done = 0
        while done < count:
            if used >= longest:
                rows.append(_Row([]))
                used = 0
            row = rows[-1]
            n = min(count - done, longest - used)
            start = row.width + (BETWEEN if row.parts else 0.0)
            wanted = (
                min(text_width(f"{title(name)} ×{count * per_cell:,}", 11) + 20.0, NAME_W)
                if not done
                else 0.0
            )
            row.parts.append((name, done, done + n, start))
            row.width = start + max(n * STEP, wanted)
            used += n
            done += n
    return rows


def _tops(rows: list[_Row]) -> list[float]:
    """Upper edges of rows: an aisle above each, then the names of groups that begin in it."""
    tops, y = [], TOP
    for row in rows:
        y += AISLE + (NAMES if any(begin == 0 for _, begin, _, _ in row.parts) else 2.0)
        tops.append(y)
        y += CELL
    return tops


def _aisles(rows: list[_Row], tops: list[float], width: float) -> list[str]:
    """Strips between rows, cold and hot in turn, and the letters of rows."""
    out = []
    for i in range(len(tops) + 1):
        y = TOP if i == 0 else tops[i - 1] + CELL + 2.0
        kind = "hot aisle" if i % 2 == 0 else "cold aisle"
        out.append(
            f'<rect class="aisle" x="{number(LEFT)}" y="{number(y + 2)}" width="{number(width - LEFT - 16)}" height="{number(AISLE - 6)}" rx="3"/>'
        )
        out.append(f'<text x="{number(LEFT + 6)}" y="{number(y + 14)}" class="s m">{kind}</text>')
    for i, top in enumerate(tops):
        out.append(f'<text x="16" y="{number(top + 19)}" class="s m">Row {_letters(i)}</text>')
    return out


def _letters(i: int) -> str:
    return (chr(64 + i // 26) if i >= 26 else "") + chr(65 + i % 26)


def _group(
    site: Site, ds: xr.Dataset, name: str, rows: list[_Row], tops: list[float], field: _Field, quantity: Shown, system: str, per_cell: int,
) -> str:  # fmt: skip
    rack, value, where = site.racks[name], _worst(field, name), escape(f"racks.{name}")
    each = field.values[name]
    state, word = _state(ds, name) if quantity in ("chip", "margin") else ("normal", "")
    css = f"rack {state}" if isfinite(value) else "rack none"
    shown, count = _text(value, quantity, system), f" ×{rack.count:,}" if rack.count > 1 else ""
    label = f"{title(name)}, {rack.count} racks: {WORDS[quantity][0].lower()} {shown}{f', {word}' if word else ''}"
    out = [
        f'<g role="button" tabindex="0" class="{css}" data-address="{where}" data-state="{where}" aria-label="{escape(label)}">'
    ]
    names = []
    first = True
    for row, top in zip(rows, tops, strict=True):
        for group, begin, end, x0 in row.parts:
            if group != name:
                continue
            room = max((end - begin) * STEP, NAME_W)
            text = fit(title(name) + count, room, 11) if first else ""
            x = LEFT + x0
            if first:
                names.append(f'<text x="{number(x)}" y="{number(top - 5)}" class="s">{escape(text)}</text>')
            if first and state != "normal":
                names.append(
                    f'<g class="{state}" transform="translate({number(x + text_width(text, 11) + 6)} {number(top - 15)}) scale(.8)">{MARKS}</g>'
                )
            for i in range(begin, end):
                low, high = i * per_cell + 1, min((i + 1) * per_cell, rack.count)
                at = x + (i - begin) * STEP
                member = f"{low}" if low == high else f"{low}–{high}"
                part = each[low - 1 : high]
                known = part[np.isfinite(part)]
                own = float(known.min() if field.reverse else known.max()) if known.size else float("nan")
                fill = f' style="--t:{_share(field, own):.2f}"' if known.size else ""
                words = f"{title(name)} {member}: {_text(own, quantity, system)}"
                out.append(
                    f'<g data-rack="{member}"{fill}><title>{escape(words)}</title>'
                    f'<rect x="{number(at)}" y="{number(top)}" width="{number(CELL)}" height="{number(CELL)}" rx="3"/>'
                    f'<text x="{number(at + CELL / 2)}" y="{number(top + 19)}">{low}</text></g>'
                )
            first = False
    return "".join(out) + "</g>" + "".join(names)


def _state(ds: xr.Dataset, name: str) -> tuple[str, str]:
    """How the chips of a group came to throttling during the run."""
    at = [str(n) for n in ds["rack"].values].index(name)
    mine = ds["member_rack"].values.astype(str) == name
    if float(ds["member_hours_throttled"].values[mine].max(initial=0.0)) > 0.0:
        return "bad", "throttles"
    left = float(ds["rack_throttle_temperature"].values[at]) - ds["member_chip_hottest"].values[mine]
    near = np.isfinite(left) & (left <= (1.0 - WATCH) * AMPLE_K)
    return ("watch", "near throttling") if near.any() else ("normal", "")


def _scale(field: _Field, quantity: Shown, system: str, width: float) -> str:
    """Colours with their values, how many racks have each as bars above them."""
    x, y = width - SCALE_W - 24.0, 46.0
    counts = np.zeros(BINS)
    every = np.concatenate(list(field.values.values()))
    for value in every[np.isfinite(every)]:
        share = 1.0 - _share(field, value) if field.reverse else _share(field, value)
        counts[min(int(share * BINS), BINS - 1)] += 1
    tall = counts.max() or 1.0
    step = SCALE_W / BINS
    out = []
    for i, count in enumerate(counts):
        middle = (i + 0.5) / BINS
        t = 1.0 - middle if field.reverse else middle
        out.append(
            f'<g class="rack" style="--t:{t:.2f}"><rect style="stroke:none" x="{number(x + i * step)}" y="{number(y)}" width="{number(step)}" height="9"/></g>'
        )
        if count:
            h = max(24.0 * count / tall, 1.5)
            out.append(
                f'<rect class="dist" x="{number(x + i * step + 2)}" y="{number(y - 2 - h)}" width="{number(step - 4)}" height="{number(h)}"><title>{count:.0f} racks</title></rect>'
            )
    low, high = _text(field.low, quantity, system), _text(field.high, quantity, system)
    out.append(f'<text x="{number(x)}" y="{number(y + 22)}" class="s m">{low}</text>')
    out.append(f'<text x="{number(x + SCALE_W)}" y="{number(y + 22)}" class="s m end">{high}</text>')
    out.append(f'<text x="{number(x - 10)}" y="{number(y)}" class="s m end">racks</text>')
    return "".join(out)


def _notes(per_cell: int, field: _Field) -> list[str]:
    notes = ["Places are drawn by rule; a site file has none."]
    if any(not np.isfinite(each).all() for each in field.values.values()):
        notes.append("Dashed: no value for these racks (no accelerator, or no coolant).")
    if per_cell > 1:
        notes.append(
            f"Each cell stands for {per_cell} racks; its number is the first of them, its colour that of the worst."
        )
    return notes
