"""What all figures share: layout of a theme, deep merge, numbers small enough to send."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin_dashboard.tokens import tokens

Figure = dict[str, Any]
FONT = "Inter, 'Segoe UI', Roboto, Arial, sans-serif"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dictionaries put together; what is above wins."""
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        out[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return out


def layout(theme: str, **over: Any) -> dict[str, Any]:
    """Layout of every chart: horizontal grid only, fixed margins, no legend, colours of the theme."""
    c = tokens(theme)
    axis = {
        "gridcolor": c["grid"], "linecolor": c["line"], "zeroline": False, "automargin": False, "tickangle": 0,
        "tickfont": {"size": 11, "color": c["muted"]}, "title": {"font": {"size": 11, "color": c["muted"]}, "standoff": 6},
    }  # fmt: skip
    base = {
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "showlegend": False, "dragmode": "zoom",
        "font": {"family": FONT, "size": 11, "color": c["ink"]}, "margin": {"l": 52, "r": 14, "t": 8, "b": 40},
        "hoverlabel": {"bgcolor": c["card"], "bordercolor": c["line"], "font": {"family": FONT, "size": 12, "color": c["ink"]}},
        "xaxis": merge(axis, {"showgrid": False, "showline": True, "ticks": "outside", "ticklen": 4, "tickcolor": c["line"]}),
        "yaxis": axis, "hovermode": "x unified", "separators": ".,",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": c["ghost"], "activecolor": c["ink"]},
    }  # fmt: skip
    return merge(base, over)


def title(text: str) -> dict[str, Any]:
    """Axis title."""
    return {"title": {"text": text}}


def values(array: Any, digits: int = 4) -> list[float | None]:
    """Numbers with ``digits`` significant ones; what is undefined becomes null."""
    out: list[float | None] = []
    for value in np.asarray(array, float).tolist():
        out.append(float(f"{value:.{digits}g}") if value == value and abs(value) != float("inf") else None)
    return out


def extent(*arrays: Any, pad: float = 0.06) -> list[float]:
    """Range that holds all arrays with a little air: axes shared by baseline and change."""
    known = [np.asarray(a, float)[np.isfinite(np.asarray(a, float))] for a in arrays]
    known = [a for a in known if a.size]
    if not known:
        return [0.0, 1.0]
    low, high = min(float(a.min()) for a in known), max(float(a.max()) for a in known)
    air = (high - low) * pad or max(abs(high), 1.0) * pad
    return [low - air, high + air]


def note(text: str, x: float, y: float, colour: str, **over: Any) -> dict[str, Any]:
    """A label in the drawing itself."""
    base = {
        "text": text,
        "x": x,
        "y": y,
        "showarrow": False,
        "font": {"size": 11, "color": colour},
        "xanchor": "left",
        "yanchor": "bottom",
    }
    return merge(base, over)


def empty(theme: str, text: str) -> Figure:
    """Never an empty box: what is missing, in words."""
    shapes: Sequence[Any] = ()
    lay = layout(theme, xaxis={"visible": False}, yaxis={"visible": False}, shapes=shapes)
    lay["annotations"] = [
        note(
            text,
            0.5,
            0.5,
            tokens(theme)["muted"],
            xref="paper",
            yref="paper",
            xanchor="center",
            font={"size": 12},
        )
    ]
    return {"data": [], "layout": lay}
