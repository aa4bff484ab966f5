"""Data: bring your own site, trace or weather, and take results with you."""

from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate
from twin_sites.loader import sites

from twin_dashboard.context import FAULTS, Context
from twin_dashboard.parts import icon, panel, problems
from twin_dashboard.sessions import KINDS
from twin_dashboard.shell import show_facts
from twin_dashboard.state import State as Shown
from twin_dashboard.state import from_store, to_query

NAME = "Data"
ZONES = (
    ("site", "Site", "A facility as YAML, as 'twin check' reads it.", "example-site.yaml"),
    ("trace", "Load trace", "Activity or power over time.", "example-trace.csv"),
    (
        "weather",
        "Weather",
        "EPW, TMY3, Open-Meteo or a table with dry bulb and humidity.",
        "example-weather.csv",
    ),
)
FILES = (
    ("result.nc", "All series", "netCDF"),
    ("result.csv", "All series", "CSV"),
    ("site.yaml", "The site", "YAML"),
    ("report.html", "Report", "HTML, stands alone"),
)


def layout() -> Any:
    """Three drop zones, one row of downloads."""
    zones = [
        panel(
            name,
            [
                html.P(text, className="muted", style={"margin": "4px 0"}),
                dcc.Upload(
                    html.Div(
                        [
                            html.B("Drop a file here"),
                            html.Br(),
                            "or click to choose",
                            html.Br(),
                            f"{KINDS[kind][2].replace(',', ', ')} · up to {KINDS[kind][0] / 1e6:.0f} MB",
                        ],
                        className="drop",
                    ),
                    id={"type": "upload", "kind": kind},
                    max_size=KINDS[kind][0],
                    accept=KINDS[kind][2],
                ),
                html.A(
                    "download an example", href=f"/download/{example}", className="quiet", download=example
                ),
                html.Div(id={"type": "upload-said", "kind": kind}, style={"marginTop": "8px"}, role="status"),
            ],
        )
        for kind, name, text, example in ZONES
    ]
    return [
        html.Div(zones, className="data"),
        panel(
            "Reference sites",
            html.Div(
                [html.A(name, href=f"/?site={name}", className="button") for name in sites()],
                className="buttons",
            ),
            "one click away",
        ),
        html.Div(style={"height": "10px"}),
        panel(
            "Downloads",
            [
                html.P(
                    "Of the site and the changes that are shown now.",
                    className="muted",
                    style={"margin": "4px 0"},
                ),
                html.Div(id="downloads", className="buttons"),
            ],
        ),
    ]


def register(app: Dash, context: Context) -> None:
    """Uploads are read by the package's own readers and answered beside the zone; downloads are plain links."""

    @app.callback(
        Output({"type": "upload-said", "kind": ALL}, "children"), Output("state", "data", allow_duplicate=True),
        Input({"type": "upload", "kind": ALL}, "contents"), State({"type": "upload", "kind": ALL}, "filename"), State("state", "data"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def upload(contents: list[Any], names: list[Any], data: Any) -> Any:
        which = ctx.triggered_id
        if which is None or not any(contents):
            raise PreventUpdate
        index = [zone[0] for zone in ZONES].index(which["kind"])
        said: list[Any] = [no_update] * len(ZONES)
        state = from_store(data)
        try:
            token, read = context.sessions.add(which["kind"], contents[index], str(names[index] or ""))
            if which["kind"] == "site":
                state = Shown(token)
                context.results.get(token, {})
            else:
                address = {"trace": "load.trace", "weather": "site.weather"}[which["kind"]]
                state = Shown(state.site, {**state.changes, address: token}, state.base, state.step)
                context.results.get(state.site, state.changes, state.step)
        except FAULTS as error:
            said[index] = [
                html.Div(f"'{str(names[index])[:60]}' is not used:", className="ok-line"),
                *problems(error),
            ]
            return said, no_update
        said[index] = html.Div(
            [icon("info-circle"), " ", describe(which["kind"], read), html.Br(), "All pages show it now."],
            className="ok-line",
        )
        return said, state.store()

    @app.callback(Output("downloads", "children"), Input("state", "data"))
    @context.threaded
    def files(data: Any) -> Any:
        if data is None:
            raise PreventUpdate
        state = from_store(data)
        try:
            run = context.run(data)
        except FAULTS as error:
            return problems(error)
        size = {
            "result.nc": run.ds.nbytes * (0.25 if run.long else 0.45),
            "result.csv": run.ds.nbytes * 1.9,
            "site.yaml": 4e3,
            "report.html": 4.9e6,
        }
        links: list[Any] = [
            html.A(
                [icon("device-floppy"), f"{name}, {what} · about {_size(size[kind])}"],
                href=f"/download/{kind}{to_query(state)}",
                className="button",
                download="",
            )
            for kind, name, what in FILES
            if not (run.long and kind == "result.csv")
        ]
        if run.long:
            links.append(
                html.Span(
                    "Series of so many steps are kept in 32 bit and not given as CSV.", className="muted"
                )
            )
        show_facts(run, context.sessions.name)
        return links


def _size(size: float) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(size / 1e3, 1):.0f} kB"


def describe(kind: str, read: Any) -> str:
    """What was understood of an upload."""
    if kind == "site":
        return f"{read.name}: valid. {sum(r.count for r in read.racks.values())} racks, {len(read.cooling)} loops."
    if kind == "weather":
        return f"{read.name}: {read.n:,} steps of {read.step_s:g} s, {read.dry_bulb.min():.1f} to {read.dry_bulb.max():.1f} °C."
    return f"{read.name}: read."
