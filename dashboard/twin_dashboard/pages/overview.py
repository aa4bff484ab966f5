"""Overview: where does the power go and how hot is it?"""

from typing import Any

from dash import Dash, Input, Output, html, no_update
from dash.exceptions import PreventUpdate

from twin_dashboard import tiles
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures import months
from twin_dashboard.figures.climate import pue_by_wet_bulb
from twin_dashboard.figures.duration import load_duration
from twin_dashboard.figures.energy_flow import energy_flow
from twin_dashboard.parts import graph, legend, notice, panel, problems, segmented
from twin_dashboard.shell import show_facts

NAME = "Overview"
COLOURS = html.Div(
    [html.Span([html.I(style={"background": "var(--power)"}), "electricity"], className="swatch wide"),
     html.Span([html.I(style={"background": "var(--heat)"}), "heat"], className="swatch wide")], className="legend",
)  # fmt: skip
CHOICES = (("pue", "PUE"), ("chip", "Chip"), ("wet_bulb", "Wet bulb"))


def layout() -> Any:
    """Eight tiles, the energy drawing and the climate, three charts of the year."""
    return [
        html.Div(id="overview-problem"),
        html.Div(id="overview-tiles", className="tiles"),
        html.Div(
            [
                panel("Where the energy goes", graph("energy-flow", "calc(var(--h1) - 40px)", "Energy flow"), "one run, GWh; every kWh that enters leaves as heat", COLOURS, "energy"),
                panel("PUE against climate", graph("climate", "calc(var(--h1) - 40px)", "PUE against wet bulb"), "by wet bulb", None, "pue"),
            ],
            className="row overview-1",
        ),
        html.Div(
            [
                panel("Overhead by month", [html.Div(id="overhead-legend"), graph("overhead", "calc(var(--h2) - 79px)", "Overhead by month")], "everything that is not IT", None, "overhead"),
                panel("Load duration", graph("load-duration", "calc(var(--h2) - 40px)", "Load duration"), "hourly", None, "duration", id="duration-panel"),
                panel("Hour by month", graph("hour-month", "calc(var(--h2) - 49px)", "Hour by month"), "", segmented("hour-month-what", CHOICES, "pue", "What the map shows"), "map"),
            ],
            className="row overview-2",
        ),
    ]  # fmt: skip


def register(app: Dash, context: Context) -> None:
    """One callback for the page, one for the map's choice."""

    @app.callback(
        Output("overview-tiles", "children"), Output("energy-flow", "figure"), Output("climate", "figure"), Output("overhead", "figure"),
        Output("overhead-legend", "children"), Output("load-duration", "figure"), Output("overview-problem", "children"),
        Input("state", "data"), Input("system", "value"), Input("theme", "computedColorScheme"),
    )  # fmt: skip
    @context.threaded
    def update(state: Any, system: str, theme: str | None) -> Any:
        if state is None:
            raise PreventUpdate
        try:
            run, wrong = context.shown(state)
        except FAULTS as error:
            return (*[no_update] * 6, problems(error))
        look = theme or "light"
        show_facts(run, context.sessions.name)
        return (
            tiles.overview(run, system), energy_flow(run.ds, look), pue_by_wet_bulb(run.ds, None, look, system), months.overhead(run.ds, look),
            legend(months.legend(run.ds)), load_duration(run.ds, look), notice(wrong),
        )  # fmt: skip

    @app.callback(
        Output("hour-month", "figure"),
        Input("state", "data"),
        Input("hour-month-what", "value"),
        Input("system", "value"),
        Input("theme", "computedColorScheme"),
    )
    @context.threaded
    def update_map(state: Any, what: str, system: str, theme: str | None) -> Any:
        if state is None or what not in months.MAPS:
            raise PreventUpdate
        try:
            return months.hour_by_month(context.shown(state)[0].ds, what, theme or "light", system)
        except FAULTS:
            raise PreventUpdate from None
