"""Weather: what does this climate allow?"""

from typing import Any

from dash import Dash, Input, Output, html, no_update
from dash.exceptions import PreventUpdate

import twin
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures import psychro
from twin_dashboard.parts import graph, legend, notice, panel, problems
from twin_dashboard.shell import show_facts

NAME = "Weather"


def layout() -> Any:
    """Psychrometric chart, hours per mode, month by mode."""
    return [
        html.Div(id="weather-problem"),
        html.Div(
            [
                panel("Hours of this climate", graph("psychro", "calc(100vh - 118px)", "Psychrometric chart"), "one cell is 1 K by 1 g/kg; stronger is more hours, log scale", None, "modes"),
                html.Div(
                    [
                        panel("Hours per cooling mode", graph("mode-bar", "140px", "Hours per mode"), "one year", None, "modes"),
                        html.Div(style={"height": "10px"}),
                        panel("Month by mode", [html.Div(id="mode-legend"), graph("mode-months", "max(200px, calc(100vh - 504px))", "Month by mode")], "share of hours", None, "modes"),
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
        Output("weather-problem", "children"),
        Input("state", "data"), Input("system", "value"), Input("theme", "computedColorScheme"),
    )  # fmt: skip
    @context.threaded
    def update(state: Any, system: str, theme: str | None) -> Any:
        if state is None:
            raise PreventUpdate
        try:
            run, wrong = context.shown(state)
            name = run.changes.get("site.weather", run.site.site.weather)
            air = context.sessions.series(name) if name.startswith("upload-") else twin.load_weather(name)
        except FAULTS as error:
            return (*[no_update] * 5, problems(error))
        show_facts(run, context.sessions.name)
        look = theme or "light"
        return (
            psychro.chart(run.ds, float(air.pressure.mean()), look, system), psychro.mode_bar(run.ds, look), psychro.mode_months(run.ds, look),
            legend([(n, c) for n, c, _ in psychro.mode_hours(run.ds)]), about(run.ds, air, system), notice(wrong),
        )  # fmt: skip


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
