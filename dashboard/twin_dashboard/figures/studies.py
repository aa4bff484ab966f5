"""A study in pictures: cases as lines over axes and outcomes, and one outcome over two axes."""

from html import escape

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin_dashboard.figures.base import Figure, empty, extent, layout, merge, title, values
from twin_dashboard.figures.study_columns import Column, axes, finished, outcome, outcomes
from twin_dashboard.tokens import tokens

MOST_LINES = 600  # more cannot be told apart, and would be heavy to send
MOST_AXES, MOST_OUTCOMES = 5, 3
SHADES = 6
MOST_TICKS = 13  # names written along one line
MOST_CELLS = 40  # values of an axis of a map; beyond them cases are points
WIDE = 60  # characters that stand side by side below a map; longer ones are turned
TENTHS = {"all": "All", "low": "Lowest tenth", "high": "Highest tenth"}
WAITING = "The first cases are on their way."


def parallel(ds: xr.Dataset, name: str, which: str, theme: str, system: str) -> Figure:
    """Parallel coordinates: a line per case through its axes and outcomes, darker where ``name`` is higher.

    Parameters
    ----------
    ds
        Results of a study, also unfinished.
    name
        The outcome that colours the lines and stands first among the outcomes.
    which
        ``all``, or the cases with the ``low`` or ``high`` tenth of it; the others are drawn faintly.
    theme, system
        ``light`` or ``dark``; ``si`` or ``ip``.
    """
    c = tokens(theme)
    known = finished(ds)
    main = outcome(ds, name, system)
    known &= np.isfinite(main.values)
    if not known.any():
        return empty(theme, WAITING)
    columns = strongest(axes(ds, system), main, MOST_AXES)
    more = [outcome(ds, other, system) for other in outcomes(ds) if other != name]
    columns += [main, *[one for one in more if _varies(one, known)][: MOST_OUTCOMES - 1]]
    rows = np.flatnonzero(known)
    order = rows[np.argsort(main.values[rows], kind="stable")]
    marked = chosen(order, which)
    if order.size > MOST_LINES:  # evenly over the outcome, both ends among them
        order = order[np.unique(np.linspace(0, order.size - 1, MOST_LINES).astype(int))]
    heights = np.stack([_height(column, known) for column in columns], axis=1)
    data = (
        [_lines([row for row in order if row not in marked], heights, c["grid"], 1.0)]
        if which != "all"
        else []
    )
    bright = np.array([row for row in order if row in marked], dtype=int)
    low, high = float(main.values[rows].min()), float(main.values[rows].max())
    share = (main.values[bright] - low) / ((high - low) or 1.0)
    shade = np.minimum((share * SHADES).astype(int), SHADES - 1)
    for i in range(SHADES):
        colour = mix(c["power3"], c["power"] if i < SHADES - 1 else c["ink"], i / (SHADES - 1))
        data.append(_lines(bright[shade == i].tolist(), heights, colour, 1.3))
    n = len(columns)
    notes = [note for i, column in enumerate(columns) for note in _scale(column, known, i, n, c)]
    bars = [
        {"type": "line", "x0": i, "x1": i, "y0": 0, "y1": 1, "layer": "above", "line": {"color": c["ghost"], "width": 1.2}}
        for i in range(n)
    ]  # fmt: skip
    shape = layout(
        theme, hovermode="closest", annotations=notes, shapes=bars, margin={"l": 14, "r": 14, "t": 46, "b": 12},
        xaxis={"range": [-0.05, n - 0.95], "visible": False, "fixedrange": True}, yaxis={"range": [-0.03, 1.03], "visible": False, "fixedrange": True},
    )  # fmt: skip
    return {"data": [trace for trace in data if trace["x"]], "layout": shape}


def strongest(columns: list[Column], main: Column, most: int) -> list[Column]:
    """The axes that go with an outcome most, by correlation of ranks where there are more than ``most``."""
    if len(columns) <= most:
        return columns
    good = np.isfinite(main.values)
    ranks = np.argsort(np.argsort(main.values[good]))
    weight = []
    for column in columns:
        own = np.argsort(np.argsort(column.values[good]))
        flat = good.sum() < 3 or np.unique(column.values[good]).size < 2
        weight.append(0.0 if flat else abs(float(np.corrcoef(own, ranks)[0, 1])))
    return [columns[i] for i in np.argsort(weight)[::-1][:most]]


def chosen(order: NDArray[np.int64], which: str) -> set[int]:
    """Rows to be marked of those in the order of the outcome."""
    n = max(1, -(-order.size // 10))
    return (
        set(order.tolist())
        if which not in ("low", "high")
        else set((order[:n] if which == "low" else order[-n:]).tolist())
    )


def mix(one: str, other: str, share: float) -> str:
    """A colour between two, as #rrggbb."""
    parts = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in parts)


def _varies(column: Column, known: NDArray[np.bool_]) -> bool:
    seen = column.values[known]
    seen = seen[np.isfinite(seen)]
    return seen.size > 0 and float(np.ptp(seen)) > 1e-9 * max(1.0, abs(float(seen.mean())))


def _ends(column: Column, known: NDArray[np.bool_]) -> tuple[float, float]:
    if column.names:
        return 0.0, float(len(column.names) - 1)
    seen = column.values[known]
    seen = seen[np.isfinite(seen)]
    return (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)


def _height(column: Column, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of the way from its lowest to its highest value; the middle where it does not vary."""
    low, high = _ends(column, known)
    if high <= low:
        return np.full(column.values.shape, 0.5)
    return (column.values - low) / (high - low)


def _lines(rows: list[int], heights: NDArray[np.float64], colour: str, width: float) -> Figure:
    """All lines of one colour as one trace, with gaps between; each point knows its case."""
    n = heights.shape[1]
    x: list[int | None] = []
    y: list[float | None] = []
    case: list[int | None] = []
    for row in rows:
        x += [*range(n), None]
        y += [*values(heights[row], 3), None]
        case += [*[int(row)] * n, None]
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "customdata": case, "line": {"color": colour, "width": width}, "hovertemplate": "case %{customdata}<extra></extra>",
    }  # fmt: skip


def _scale(column: Column, known: NDArray[np.bool_], i: int, n: int, c: dict[str, str]) -> list[Figure]:
    """Heading of one line and what stands at its ticks."""
    low, high = _ends(column, known)
    words = _wrapped(column.title, 19 if n > 5 else 26)
    base = {"x": i, "showarrow": False, "font": {"size": 11, "color": c["muted"]}}
    head = {**base, "y": 1.0, "yref": "paper", "yshift": 6, "text": words, "yanchor": "bottom", "xanchor": "left" if i == 0 else "right" if i == n - 1 else "center", "align": "center", "font": {"size": 11, "color": c["ink"]}}  # fmt: skip
    if column.names:
        step = -(-len(column.names) // MOST_TICKS)
        ticks = [
            (k / max(len(column.names) - 1, 1) if len(column.names) > 1 else 0.5, _short(name, 22))
            for k, name in enumerate(column.names)
            if k % step == 0
        ]
    elif high > low:
        ticks = [(share, column.text(low + share * (high - low))) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    else:
        ticks = [(0.5, column.text(low))]
    last = i == n - 1
    return [head] + [
        {**base, "y": y, "text": escape(text), "xanchor": "right" if last else "left", "xshift": -5 if last else 5, "bgcolor": c["card"], "opacity": 0.86, "borderpad": 1}
        for y, text in ticks
    ]  # fmt: skip


def heat_map(ds: xr.Dataset, name: str, across: str, up: str, theme: str, system: str) -> Figure:
    """One outcome over two axes: the mean of all other axes in each cell; cases as points where axes have no steps.

    A click on a cell or a point gives the case with its lowest value there as ``customdata``.
    """
    c = tokens(theme)
    main = outcome(ds, name, system)
    known = finished(ds) & np.isfinite(main.values)
    if not known.any():
        return empty(theme, WAITING)
    by_name = {column.name: column for column in axes(ds, system)}
    x = by_name.get(across) or next(iter(by_name.values()))
    if up not in by_name or up == x.name:
        return _points(x, main, main, known, c, theme)
    y = by_name[up]
    if max(np.unique(x.values).size, np.unique(y.values).size) > MOST_CELLS:
        return _points(x, y, main, known, c, theme)
    xs, ix = np.unique(x.values, return_inverse=True)
    ys, iy = np.unique(y.values, return_inverse=True)
    total, count = np.zeros((ys.size, xs.size)), np.zeros((ys.size, xs.size))
    np.add.at(total, (iy[known], ix[known]), main.values[known])
    np.add.at(count, (iy[known], ix[known]), 1.0)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0.0)
    case = np.full(total.shape, -1)
    for row in np.flatnonzero(known)[np.argsort(-main.values[known], kind="stable")]:
        case[iy[row], ix[row]] = row
    right, left = [_short(x.text(v), 18) for v in xs], [_short(y.text(v), 20) for v in ys]
    wide = max((len(text) for text in right), default=1) * len(right) > WIDE
    trace = {
        "type": "heatmap", "x": list(range(xs.size)), "y": list(range(ys.size)), "z": [values(row, 5) for row in mean], "customdata": case.tolist(),
        "text": [[number_text(main, v) for v in row] for row in mean], "texttemplate": "%{text}" if mean.size <= 130 and xs.size <= 14 else "",
        "hovertemplate": f"%{{text}} {escape(main.unit)}<extra>{escape(main.label)}</extra>", "colorscale": scale(c), "xgap": 1, "ygap": 1,
        "colorbar": _bar(main, c), "hoverongaps": False,
    }  # fmt: skip
    shape = layout(
        theme, hovermode="closest", margin={"l": 30 + 6.4 * max(map(len, left)), "r": 8, "t": 10, "b": 84 if wide else 46},
        xaxis=merge(title(escape(x.title)), {"tickvals": list(range(xs.size)), "ticktext": [escape(t) for t in right], "tickangle": -35 if wide else 0, "showline": False, "ticks": ""}),
        yaxis=merge(title(escape(y.title)), {"tickvals": list(range(ys.size)), "ticktext": [escape(t) for t in left], "showgrid": False}),
    )  # fmt: skip
    return {"data": [trace], "layout": shape}


def number_text(column: Column, value: float) -> str:
    """A number in a cell: ratios with three decimals, others with four digits; nothing where there is none."""
    if not np.isfinite(value):
        return ""
    return f"{value:.3f}" if column.unit == "" and abs(value) < 10.0 else column.text(value)


def scale(c: dict[str, str]) -> list[list[float | str]]:
    """One hue from faint to full."""
    return [[0.0, c["power_soft"]], [0.5, c["power2"]], [1.0, mix(c["power"], c["ink"], 0.35)]]


def _bar(main: Column, c: dict[str, str]) -> Figure:
    font = {"size": 11, "color": c["muted"]}
    return {
        "thickness": 10, "outlinewidth": 0, "tickfont": font, "nticks": 5, "xpad": 6,
        "title": {"text": escape(main.unit or main.label), "font": font, "side": "top"},
    }  # fmt: skip


def _points(
    x: Column, y: Column, main: Column, known: NDArray[np.bool_], c: dict[str, str], theme: str
) -> Figure:
    """Cases as points, coloured by the outcome where it is not the height itself."""
    rows = np.flatnonzero(known)
    own = y is main
    marker: Figure = {
        "size": 8,
        "color": c["power"] if own else values(main.values[rows], 5),
        "line": {"width": 0.5, "color": c["ghost"]},
    }
    if not own:
        marker |= {"colorscale": scale(c), "colorbar": _bar(main, c), "showscale": True}
    texts = (
        [
            f"{escape(x.text(x.values[row]))}: {number_text(main, main.values[row])} {escape(main.unit)}"
            for row in rows
        ]
        if rows.size <= MOST_LINES
        else None
    )
    trace = {
        "type": "scatter", "mode": "markers", "x": values(x.values[rows]), "y": values(y.values[rows], 5), "marker": marker, "customdata": rows.tolist(), "text": texts,
        "hovertemplate": ("%{text}" if texts else "case %{customdata}") + f"<extra>{escape(main.label)}</extra>",
    }  # fmt: skip

    def axis(column: Column) -> Figure:
        if not column.names:
            return merge(title(escape(column.title)), {"range": extent(column.values[rows])})
        names = [escape(_short(name, 18)) for name in column.names]
        return merge(
            title(column.label),
            {"tickvals": list(range(len(names))), "ticktext": names, "range": [-0.5, len(names) - 0.5]},
        )

    wide = max((len(_short(name, 18)) for name in x.names), default=0) * len(x.names) > WIDE
    left = 30 + 6.4 * max((len(_short(name, 18)) for name in y.names), default=5)
    shape = layout(
        theme, hovermode="closest", margin={"l": left, "r": 8, "t": 10, "b": 84 if wide else 46},
        xaxis=merge(axis(x), {"tickangle": -35 if wide else 0}), yaxis=axis(y),
    )  # fmt: skip
    return {"data": [trace], "layout": shape}


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _wrapped(text: str, most: int) -> str:
    """At most two lines of a heading."""
    if len(text) <= most:
        return escape(text)
    cut = text.rfind(" ", 0, most + 1)
    cut = cut if cut > 0 else most
    return f"{escape(text[:cut])}<br>{escape(_short(text[cut:].strip(), most))}"
