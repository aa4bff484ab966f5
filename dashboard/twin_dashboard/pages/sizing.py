"""Sizing: what do we have to buy for what we want here?"""

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from twin_models.fields import Choice, Quantity
from twin_sites import catalogue

import twin
from twin.sizing.needs import Requirements, read_requirements
from twin.sizing.report import compared, headline, rack_currents
from twin.sizing.run import Sized
from twin.sizing.technologies import cooled_by
from twin.weather import weathers
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures import costs
from twin_dashboard.parts import graph, icon, named, panel, problems
from twin_dashboard.state import State as Shown
from twin_dashboard.state import to_query
from twin_dashboard.svg import schematic

NAME = "Sizing"
AMOUNTS = {
    "accelerators": ("Accelerators", "1000"), "racks": ("Compute racks", "16"), "it_power": ("IT power", "10 MW"),
    "utility_power": ("Utility power", "20 MW"),
}  # fmt: skip
CHOSEN = (
    "cooling",
    "doors",
    "plant",
    "redundancy",
    "electrical",
    "distribution",
    "power_redundancy",
    "fleet",
    "design",
)  # lists whose words the declaration gives
TYPED = {
    "risk": ("", "none: never above the utility power"), "supply": ("", "the climate's"), "approach": ("", "4 K CDUs, 8 K tanks"), "growth": ("0 %", ""), "loading": ("90 %", ""), "ride_through": ("0 s", ""),
    "energy_price": ("0.08 USD/kWh", ""), "budget": ("", "none"), "legacy": ("0", ""), "noise": ("", "none"), "noise_distance": ("100 m", ""),
}  # fmt: skip
HINTS = get_type_hints(Requirements, include_extras=True)


def _label(name: str) -> str:
    declared = [meta for meta in HINTS[name].__metadata__ if isinstance(meta, Quantity | Choice)]
    return declared[0].label


def _words(name: str) -> list[str]:
    return [str(word) for word in get_args(get_args(HINTS[name])[0])]


def layout() -> Any:
    """Requirements left, facility right."""
    default = {field.name: field.default for field in fields(Requirements)}
    systems = [slug for slug in catalogue.names("rack") if cooled_by(slug)]
    form = [
        dmc.Select(
            id="size-kind", label="How much", value="accelerators", allowDeselect=False, size="xs",
            data=[{"value": key, "label": words} for key, (words, _) in AMOUNTS.items()],
        ),
        dmc.TextInput(id="size-amount", value=AMOUNTS["accelerators"][1], size="xs", **named("Amount")),
        dmc.Select(id="size-system", label=_label("system"), value=default["system"], data=systems, searchable=True, allowDeselect=False, size="xs"),
        dmc.Select(
            id="size-weather", label=_label("weather"), value=default["weather"], searchable=True, allowDeselect=False, size="xs",
            data=[{"value": key, "label": place} for key, place in weathers().items()],
        ),
        *(
            dmc.Select(id=f"size-{name}", label=_label(name), value=default[name], data=_words(name), allowDeselect=False, size="xs")
            for name in CHOSEN
        ),
        dmc.Switch(id="size-water", label=_label("water"), checked=True, size="xs", mt=8),
        *(
            dmc.TextInput(id=f"size-{name}", label=_label(name), value=value, placeholder=empty, size="xs")
            for name, (value, empty) in TYPED.items()
        ),
        html.Button("Size it", id="size-go", className="button primary", style={"marginTop": "10px", "width": "100%", "justifyContent": "center"}),
        html.Div(id="size-said", role="status", className="muted", style={"marginTop": "6px"}),
    ]  # fmt: skip
    return [
        dcc.Store(id="size-svg"),
        html.Div(
            [
                panel("What is wanted", form, className="left"),
                html.Div(
                    id="size-result",
                    children=[html.Div("Say what is wanted and press 'Size it'. It takes a few seconds: the facility is simulated on its design days, with units out, and over the year.", className="blank")],
                ),
            ],
            className="sizing",
        )
    ]  # fmt: skip


def register(app: Dash, context: Context) -> None:
    """One press, one sizing."""

    @app.callback(Output("size-amount", "value"), Input("size-kind", "value"), prevent_initial_call=True)
    def example(kind: str | None) -> str:
        return AMOUNTS.get(kind or "", ("", ""))[1]

    _draw(app)
    names = ("system", "weather", *CHOSEN, "water", *TYPED)

    @app.callback(
        Output("size-result", "children"), Output("size-said", "children"), Output("size-svg", "data"),
        Input("size-go", "n_clicks"), State("size-kind", "value"), State("size-amount", "value"),
        *[State(f"size-{name}", "checked" if name == "water" else "value") for name in names], State("theme", "computedColorScheme"), State("system", "value"),
        running=[(Output("size-go", "disabled"), True, False), (Output("size-said", "children"), "Sizing …", "")],
        prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def press(clicks: int | None, kind: str, amount: str, *given: Any) -> Any:
        wish = dict(zip(names, given[:-2], strict=True)) | {kind: amount}
        try:
            sized = twin.size(
                read_requirements({key: value for key, value in wish.items() if value not in (None, "")})
            )
        except FAULTS as error:
            return no_update, problems(error), no_update
        token = context.sessions.keep("site", f"{sized.site.name}.yaml", sized.site)
        return shown(sized, to_query(Shown(token)), given[-2] or "light"), "", _drawing(sized, given[-1])


def _draw(app: Dash) -> None:
    app.clientside_callback(
        "function (svg) { window.setTimeout(() => window.dash_clientside.twin.draw(svg, 'drawing-sizing'), 0); return Date.now(); }",
        Output("void", "data", allow_duplicate=True), Input("size-svg", "data"), prevent_initial_call=True,
    )  # fmt: skip


def shown(sized: Sized, query: str, theme: str) -> list[Any]:
    """The facility: headline, what is not met, equipment, cost, drawing."""
    good = not sized.unmet_requirements
    table = html.Table(
        [
            html.Thead(html.Tr([html.Th(words) for words in ("Address", "Product", "Required", "Spare", "Margin", "What binds")])),
            html.Tbody(
                [
                    html.Tr([
                        html.Td(html.Code(row.address)), html.Td(row.product), html.Td(row.required, className="number"),
                        html.Td(f"+{row.spare}" if row.spare else "", className="number"),
                        html.Td("" if row.margin is None else f"{100 * row.margin:.0f} %", className="number"), html.Td(row.binding_constraint),
                    ])
                    for row in sized.equipment
                ]
            ),
        ],
        className="plain sizing-table", id="size-equipment",
    )  # fmt: skip
    verdict = (
        [html.P([icon("info-circle"), f" Holds in all {len(sized.proofs)} cases simulated: year, design days at full load, spares of each group out."], className="ok-line")]
        if good else [html.Div(words, className="problem", role="alert") for words in sized.unmet_requirements[:12]]
    )  # fmt: skip
    links = [
        dcc.Link("Open as what-if", href=f"/what-if{query}", className="button"),
        dcc.Link("See it on the schematic", href=f"/schematic{query}", className="button"),
        html.A("Site file", href=f"/download/site.yaml{query}", className="button", download=""),
    ]
    money = sized.economics
    return [
        panel(str(sized.written["title"]), [
            html.Div([html.Div([html.Span(name), html.B(value)]) for name, value in headline(sized)], className="pairs"),
            *verdict, html.Div(links, className="buttons"),
        ]),
        *([panel("Compared", html.Div(_plain(compared(sized), "size-compared"), style={"overflowX": "auto"}), "cost of a year, capital included")] if len(sized.alternatives) > 1 else []),
        panel("Equipment", html.Div(table, style={"overflowX": "auto"}), "design days at full load with the required units alone"),
        html.Div([
            panel("Capital of the plant", graph("size-capital", "300px", "Capital by class", costs.capital(money.capital, theme)), "estimates: replace unit costs with --costs"),
            panel("What matters", graph("size-matters", "300px", "Cost of a year by input", costs.what_matters(money.what_matters, money.cost_per_year, theme)), "cost of a year, each input 30 % lower and higher"),
        ], className="halves"),
        panel("Current of one compute rack", _plain(rack_currents(sized), "size-currents"), "unity power factor; breaker for 125 % of the rated current and for the peak"),
        panel("Power and cooling", html.Div(id="drawing-sizing", className="drawing"), "at the hour of highest power; every hour on the schematic"),
    ]  # fmt: skip


def _plain(rows: list[dict[str, str]], name: str) -> Any:
    head = html.Thead(html.Tr([html.Th(words) for words in rows[0]]))
    body = html.Tbody([html.Tr([html.Td(value) for value in row.values()]) for row in rows])
    return html.Table([head, body], className="plain sizing-table", id=name)


def _drawing(sized: Sized, system: str) -> str:
    peak = int(sized.year["site_power"].values.argmax())
    return schematic.draw(sized.site, sized.year, peak, system)
