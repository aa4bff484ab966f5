"""Schematic: what is happening right now in the loops?"""

from importlib.resources import files
from typing import Any

import dash_mantine_components as dmc
import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate
from twin_sites.schema import Site

from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures import series
from twin_dashboard.margins import margins
from twin_dashboard.names import readable
from twin_dashboard.parts import graph, icon, named, notice, problems
from twin_dashboard.shell import show_facts
from twin_dashboard.svg import schematic as drawing

NAME = "Schematic"
JUMPS = (("peak", "Peak power"), ("chip", "Hottest chip"), ("cold", "Coldest hour"))
WORDS = {
    "each": "Each rack",
    "inlet": "Air inlet",
    "chip": "Hottest chip",
    "margin": "Margin",
    "split": "Heat to liquid",
    "done": "Activity",
}


def layout() -> Any:
    """Time on top, the drawing, the chosen part at the right."""
    bar = html.Div(
        [
            html.Span("Time under the cursor", className="muted cursor-word"), html.B(id="when", style={"whiteSpace": "nowrap", "minWidth": "150px"}),
            *[html.Button(text, id=f"jump-{name}", className="button") for name, text in JUMPS],
            html.Div(
                [graph("year", "46px", "The year"), dmc.Slider(id="cursor", min=0, max=8759, value=0, step=1, label=None, size=3, thumbSize=14, thumbLabel="Hour of the run [h]", updatemode="drag")],
                className="scrubber",
            ),
        ],
        className="card cursorbar",
    )  # fmt: skip
    side = html.Section(
        [html.Div(id="side-text"), html.Div(html.Span(id="side-series", className="muted"), style={"margin": "8px 0 2px"}), graph("week", "140px", "One week"), html.Div(id="side-links"), html.Button("model card", id="card-open", className="quiet", style={"alignSelf": "start"})],
        className="card panel side", **named("The chosen part"),
    )  # fmt: skip
    box = html.Div(
        html.Div(
            id="drawing-schematic",
            className="drawing",
            style={"height": "calc(100vh - 178px)", "minHeight": "420px"},
        ),
        className="card",
        style={"padding": "6px 10px"},
    )
    return [
        dcc.Store(id="schematic-svg"),
        dmc.Modal(
            id="card-box",
            title="Model card",
            opened=False,
            size="xl",
            children=html.Div(dcc.Markdown(id="card-text"), className="prose"),
        ),
        dcc.Store(id="jumps"),
        html.Div(id="schematic-problem"),
        bar,
        html.Div([box, side], className="schematic"),
    ]


def register(app: Dash, context: Context) -> None:
    """The cursor is an index into the run; the drawing is a string from a pure function."""

    @app.callback(
        Output("cursor", "max"), Output("cursor", "value"), Output("jumps", "data"), Output("schematic-problem", "children"),
        Input("state", "data"), Input("url", "hash"), *[Input(f"jump-{name}", "n_clicks") for name, _ in JUMPS], State("cursor", "value"),
    )  # fmt: skip
    @context.threaded
    def place(data: Any, anchor: str | None, *more: Any) -> Any:
        if data is None:
            raise PreventUpdate
        try:
            run, wrong = context.shown(data)
        except FAULTS as error:
            return no_update, no_update, no_update, problems(error)
        show_facts(run, context.sessions.name)
        jumps = moments(run.ds)
        which = str(ctx.triggered_id or "")
        last = run.ds["time"].size - 1
        if which.startswith("jump-"):
            step = jumps[which[5:]]
        elif anchor and anchor.startswith("#h=") and anchor[3:].isdigit():
            step = min(int(anchor[3:]), last)
        else:
            step = jumps["peak"] if not more[-1] else min(int(more[-1]), last)
        return last, step, jumps, notice(wrong)

    @app.callback(
        Output("schematic-svg", "data"), Output("when", "children"), Output("year", "figure"), Output("side-text", "children"), Output("week", "figure"),
        Output("side-series", "children"), Output("side-links", "children"),
        Input("cursor", "value"), Input("chosen", "data"), Input("system", "value"), Input("theme", "computedColorScheme"), State("state", "data"), State("jumps", "data"),
    )  # fmt: skip
    @context.threaded
    def show(
        step: int | None, chosen: str | None, system: str, theme: str | None, data: Any, jumps: Any
    ) -> Any:
        if data is None or step is None or jumps is None:
            raise PreventUpdate
        try:
            run, _ = context.shown(data)
        except FAULTS:
            raise PreventUpdate from None
        step, look = min(int(step), run.ds["time"].size - 1), theme or "light"
        read = drawing.values(run.site, run.ds, step, system)
        address = _address(run, chosen)
        if address not in read:
            address = _address(run, None)
        return (
            drawing.draw(run.site, run.ds, step, system), moment(run.ds, step), series.year(run.ds, step, look), side(run, address, read.get(address, {}), system),
            series.week(run.ds, address, step, look, system), series.about(run.ds, address), sources(run, address),
        )  # fmt: skip

    @app.callback(
        Output("week", "figure", allow_duplicate=True),
        Input("week", "relayoutData"), State("cursor", "value"), State("chosen", "data"), State("system", "value"), State("state", "data"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def zoom(relayout: Any, step: int | None, chosen: str | None, system: str, data: Any) -> Any:
        days = series.days_window(relayout)
        if data is None or step is None or days is None:
            raise PreventUpdate
        try:
            run, _ = context.shown(data)
        except FAULTS:
            raise PreventUpdate from None
        step = min(int(step), run.ds["time"].size - 1)
        patch = Patch()
        at, heights = series.week_window(run.ds, _address(run, chosen), step, system, days)
        patch["data"][0]["x"], patch["data"][0]["y"] = at, heights
        patch["layout"]["xaxis"]["range"] = [at[0], at[-1]]
        return patch

    @app.callback(
        Output("card-box", "opened"), Output("card-text", "children"),
        Input("card-open", "n_clicks"), State("chosen", "data"), State("state", "data"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def card(clicks: int | None, chosen: str | None, data: Any) -> Any:
        if not clicks or data is None:
            raise PreventUpdate
        try:
            run, _ = context.shown(data)
        except FAULTS:
            raise PreventUpdate from None
        return True, model_card(run.site, _address(run, chosen))

    app.clientside_callback(
        ClientsideFunction("twin", "draw"),
        Output("void", "data", allow_duplicate=True),
        Input("schematic-svg", "data"),
        State("drawing-schematic", "id"),
        prevent_initial_call=True,
    )


def _address(run: Any, chosen: Any) -> str:
    """The chosen part; the first racks before anything is chosen."""
    if not isinstance(chosen, str):
        return f"racks.{run.ds['rack'].values[0]}"
    # One rack, chosen on the page Racks, is shown with its group.
    return ".".join(chosen.split(".")[:2]) if chosen.startswith("racks.") else chosen


def model_card(site: Site, address: str) -> str:
    """Text of the card of the model that an element is computed with."""
    kind = "pump" if address.endswith(".pump") else getattr(dict(site.drawn()).get(address), "kind", "")
    family = kind or ("rack" if address.startswith("racks.") else "")
    text = files("twin_models") / family / "card.md" if family else None
    if text is None or not text.is_file():
        return "This part is the sum of what is joined to it; it has no model of its own."
    return text.read_text(encoding="utf-8")


def moments(ds: Any) -> dict[str, int]:
    """Steps worth a look."""
    chips = np.nan_to_num(ds["rack_chip_temperature"].values, nan=-np.inf).max(axis=0)
    return {
        "peak": int(ds["site_power"].values.argmax()),
        "chip": int(chips.argmax()),
        "cold": int(ds["ambient_dry_bulb"].values.argmin()),
    }


def moment(ds: Any, step: int) -> str:
    """'Fri 17 Jul, 15:00–16:00'."""
    import datetime

    first = ds["time"].values[step].astype("datetime64[s]").astype(datetime.datetime)
    last = first + datetime.timedelta(seconds=float(ds.attrs["step_s"]))
    return f"{first:%a} {first.day} {first:%b}, {first:%H:%M}–{last:%H:%M}"


def side(run: Any, address: str, read: dict[str, Any], system: str) -> list[Any]:
    """Name, margin sentence and the values of the chosen part."""
    mine = [m for m in margins(run.ds, system) if m.address == address or address.endswith("." + m.address)]
    worst = mine[0] if mine else None
    name = run.site.products.get(address, readable(address.rsplit(".", 1)[-1]))
    said = []
    if worst is not None:
        text = f"{worst.name}: at worst {worst.value}, limit {worst.limit}."
        said = [
            html.Div(
                [
                    icon({"bad": "circle-x", "watch": "alert-triangle"}.get(worst.state, "info-circle")),
                    " ",
                    text,
                ],
                className=f"card {worst.state} notice",
                style={"margin": "8px 0"},
            )
        ]
    texts = {key: value for key, value in read.get("texts", {}).items() if value}
    pairs = [
        html.Div([html.Span(WORDS.get(key, readable(key))), html.B(_without(key, value))])
        for key, value in texts.items()
    ]
    return [
        html.H2(name),
        html.Div(address, className="code muted"),
        *said,
        html.Div(pairs, className="pairs"),
    ]


def _without(key: str, value: str) -> str:
    """The value without the words that stand before it already."""
    for words in (f"{key} ", f" {key}", "activity ", " of heat to liquid"):
        value = value.removeprefix(words).removesuffix(words)
    return value


def sources(run: Any, address: str) -> list[Any]:
    """Where its numbers come from."""
    own = run.site.sources
    origin = own.get(address) or next(
        (found for key, found in own.items() if key.startswith(f"{address}.")), None
    )
    if origin is None:
        return [html.P("Numbers of this part stand in the site file.", className="muted")]
    return [
        html.P(
            [html.B("Data sheet: "), f"{origin.source} ({origin.confidence})"],
            className="muted",
            style={"fontSize": "11.5px", "lineHeight": "1.45", "margin": "4px 0"},
        )
    ]
