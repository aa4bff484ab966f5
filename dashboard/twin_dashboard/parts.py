"""Pieces that pages are made of: panels, tiles, graphs, messages. Plain HTML with classes; looks are in ``assets``."""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from twin_sites.errors import InputError, Problem

from twin.errors import Cancelled

CONFIG: Any = {
    "displaylogo": False, "showSendToCloud": False, "displayModeBar": "hover", "responsive": True, "scrollZoom": False,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "sendDataToCloud"],
}  # fmt: skip


def graph(name: str, height: str, label: str, figure: Any = None) -> dcc.Graph:
    """The only way to a chart: local assets, nothing that uploads."""
    return dcc.Graph(
        id=name, figure=figure or {"data": [], "layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)"}}, config=CONFIG, style={"height": height}, responsive=True, className="chart",
    )  # fmt: skip


def named(label: str, **more: str) -> Any:
    """What a reader of screens says of an element, and other attributes by their own names."""
    return {"aria-label": label, **more}


def icon(name: str, label: str = "") -> html.Span:
    """An icon in the colour of its text; decorative unless it has a label."""
    about: Any = named(label, role="img") if label else {"aria-hidden": "true"}
    return html.Span(className="icon", style={"--icon": f"url('/assets/icons/{name}.svg')"}, **about)


def panel(
    title: str, children: Any, sub: str = "", right: Any = None, define: str = "", **more: Any
) -> html.Section:
    """A card with a title, what is averaged, and a link to the definition."""
    link = [dcc.Link("definition", href=f"/definitions#d-{define}", className="quiet")] if define else []
    head = html.Div(
        [
            html.H2(title),
            html.Span(sub, className="sub"),
            html.Span(className="grow"),
            *([right] if right is not None else []),
            *link,
        ],
        className="panel-head",
    )
    name = more.pop("className", "")
    return html.Section(
        [head, *(children if isinstance(children, list) else [children])],
        className=f"card panel {name}".strip(),
        **more,
    )


SYMBOLS = {"watch": ("alert-triangle", "near its limit"), "bad": ("circle-x", "limit passed")}


def tile(
    label: str, value: str, unit: str, below: Any, state: str = "", why: str = "", name: str = ""
) -> html.Div:
    """One number; ``state`` adds tint, symbol and word."""
    mark = [icon(*SYMBOLS[state])] if state else []
    about: dict[str, Any] = {"data-tile": name} if name else {}
    return html.Div(
        [
            html.Div([html.Span(label), *mark], className="tile-label"),
            html.Div([html.Span(value, className="tile-value"), html.Span(unit, className="tile-unit")], className="tile-main"),
            html.Div(below, className="tile-below"),
        ],
        className=f"card tile {state}".strip(), title=why or None, **about,
    )  # fmt: skip


def problem(one: Problem) -> html.Div:
    """The four parts of a message."""
    return html.Div(
        [
            html.Div([html.Code(one.where), html.Span(f" {one.found}.")]),
            html.Div([html.B("Allowed: "), one.allowed + ("." if not one.allowed.endswith(".") else "")]),
            *([html.Div([html.B("Try: "), one.remedy])] if one.remedy else []),
        ],
        className="problem", role="alert",
    )  # fmt: skip


def problems(error: Exception) -> list[html.Div]:
    """Messages of whatever went wrong with an input or a run."""
    if isinstance(error, InputError):
        return [problem(one) for one in error.problems[:20]]
    if isinstance(error, Cancelled):
        words = "The run was cancelled and nothing of it is kept; what is shown is from before. Change something, or choose another time step, and it runs again."
        return [html.Div(words, className="card notice", role="status")]
    return [problem(Problem("this run", str(error), "a facility that can be solved", "undo the last change"))]


def notice(error: Exception | None) -> list[Any]:
    """Above the baseline that is shown in place of what could not be used."""
    if error is None:
        return []
    return [
        *problems(error),
        html.P("The changes are not applied: this is the baseline.", className="muted notice"),
    ]


def blank(text: str, button: Any = None) -> html.Div:
    """An empty state: what is missing and what fixes it."""
    return html.Div([html.P(text), *([button] if button is not None else [])], className="blank")


def legend(items: Sequence[tuple[str, str]]) -> html.Div:
    """Name and colour token, above a plot."""
    swatches = [
        html.Span([html.I(style={"background": f"var(--{colour})"}), name], className="swatch")
        for name, colour in items
    ]
    return html.Div(swatches, className="legend")


def segmented(name: str, options: Sequence[tuple[str, str]], value: str, label: str) -> dmc.SegmentedControl:
    """A small choice."""
    return dmc.SegmentedControl(
        id=name,
        data=[{"value": key, "label": text} for key, text in options],
        value=value,
        size="xs",
        attributes={"root": {"aria-label": label}},
    )
