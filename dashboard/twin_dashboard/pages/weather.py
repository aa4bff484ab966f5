"""Weather: what does this climate allow?"""

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html, no_update
from dash.exceptions import PreventUpdate

import twin
from twin.weather import weathers
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures import psychro
from twin_dashboard.parts import graph, legend, named, notice, panel, problems
from twin_dashboard.sessions import UPLOAD
from twin_dashboard.shell import show_facts

NAME = "Weather"


def layout() -> Any:
    """Psychrometric chart, hours per mode, month by mode."""
    second = dmc.Select(
        id="second", data=[{"value": key, "label": place} for key, place in weathers().items()], placeholder="Compare with …", clearable=True, searchable=True,
        size="xs", w=210, **named("Second climate"),
    )  # fmt: skip
    return [
        html.Div(id="weather-problem"),
        html.Div(
            [
                panel("Hours of this climate", [html.Div(id="second-legend"), graph("psychro", "calc(100vh - 140px)", "Psychrometric chart")], "cells of 1 K by 1 g/kg, log scale", second, "modes"),
                html.Div(
                    [
                        panel("Hours per cooling mode", graph("mode-bar", "150px", "Hours per mode"), "one year", None, "modes"),
                        html.Div(style={"height": "10px"}),
                        panel("Month by mode", [html.Div(id="mode-legend"), graph("mode-months", "max(200px, calc(100vh - 514px))", "Month by mode")], "share of hours", None, "modes"),
                        html.Div(style={"height": "10px"}),
                        panel("This weather", html.Div(id="weather-facts", className="pairs")),
                    ]
                ),
            ],
            className="weather",
        ),
    ]  # fmt: skip


def register(app: Dash, context: Context) -> None:
    """One callback."""

    @app.callback(
        Output("psychro", "figure"), Output("mode-bar", "figure"), Output("mode-months", "figure"), Output("mode-legend", "children"), Output("weather-facts", "children"),
        Output("weather-problem", "children"), Output("second-legend", "children"), Output("second", "data"),
        Input("state", "data"), Input("second", "value"), Input("system", "value"), Input("theme", "computedColorScheme"),
    )  # fmt: skip
    @context.threaded
    def update(state: Any, second: str | None, system: str, theme: str | None) -> Any:
        if state is None:
            raise PreventUpdate
        try:
            run, wrong = context.shown(state)
            name = run.changes.get("site.weather", run.site.site.weather)
            air = context.sessions.series(name) if name.startswith(UPLOAD) else twin.load_weather(name)
            there = context.moved(state, second) if second and wrong is None else None
        except FAULTS as error:
            return (*[no_update] * 5, problems(error), no_update, no_update)
        show_facts(run, context.sessions.name)
        look, known = theme or "light", {**context.sessions.mine("weather"), **weathers()}
        return (
            psychro.chart(run.ds, float(air.pressure.mean()), look, system, there.ds if there else None), psychro.mode_bar(run.ds, look, there.ds if there else None), psychro.mode_months(run.ds, look),
            legend([(n, c) for n, c, _ in psychro.mode_hours(run.ds)]), about(run.ds, air, system), notice(wrong),
            second_legend(known.get(second or "") if there else None), [{"value": key, "label": place} for key, place in known.items()],
        )  # fmt: skip


def second_legend(place: str | None) -> Any:
    """What the outlines are."""
    return (
        legend([("this climate", "muted"), (f"{place}: at least 1, 10, 100 h a cell", "water")])
        if place
        else []
    )


def about(ds: Any, air: Any, system: str) -> list[Any]:
    """Facts of the weather record."""
    from twin_dashboard import format as fmt

    dry, wet = ds["ambient_dry_bulb"].values, ds["ambient_wet_bulb"].values
    rows = (
        ("Record", air.source), ("Dry bulb, lowest to highest", f"{fmt.number(dry.min(), 'temperature', system)} to {fmt.text(dry.max(), 'temperature', system)}"),
        ("Wet bulb, highest", fmt.text(wet.max(), "temperature", system)), ("Altitude", f"{air.altitude:,.0f} m" if system == "si" else f"{air.altitude / 0.3048:,.0f} ft"),
    )  # fmt: skip
    return [
        html.Div(
            [
                html.Span(name),
                html.B(
                    text,
                    title=text,
                    style={"overflow": "hidden", "textOverflow": "ellipsis", "whiteSpace": "nowrap"},
                ),
            ]
        )
        for name, text in rows
    ]
