"""What if: what does this change do?"""

from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.exceptions import PreventUpdate

from twin_dashboard import tiles
from twin_dashboard.cache import STEPS
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.control_view import meta, row
from twin_dashboard.controls import GROUPS
from twin_dashboard.figures.climate import pue_by_wet_bulb
from twin_dashboard.figures.duration import chip_duration
from twin_dashboard.figures.moved import what_moved
from twin_dashboard.pages.whatif_view import change_chips, scenario_table, verdict
from twin_dashboard.parts import graph, icon, notice, panel, problems
from twin_dashboard.shell import show_facts
from twin_dashboard.state import command, from_store, python

NAME = "What if"
FOUND = 25  # most addresses that a search adds
CHART = "max(196px, calc(100vh - 632px))"


def layout() -> Any:
    """Controls on the left, the answer on the right; nothing moves when numbers change."""
    share = dmc.Menu(
        [
            dmc.MenuTarget(html.Button([icon("link"), "Share"], id="share", className="button")),
            dmc.MenuDropdown(
                [
                    dmc.MenuItem("Copy link", id="copy-link"),
                    dmc.MenuItem("Copy as command", id="copy-command"),
                    dmc.MenuItem("Copy as Python", id="copy-python"),
                ]
            ),
        ],
        position="bottom-end",
    )
    left = html.Section(
        [
            html.Div(
                [
                    dmc.TextInput(id="search", placeholder="Find a parameter…   press /", size="sm", debounce=200, **{"aria-label": "Find a parameter"}),
                    html.Div(
                        [dmc.Switch(id="changed-only", label="Changed only", size="xs", checked=False), html.Span(className="grow"),
                         html.Button("reset all", id="reset-all", className="quiet"), html.Button("close", id="drawer-close", className="button")],
                        style={"display": "flex", "gap": "10px", "alignItems": "center"},
                    ),
                ],
                className="find",
            ),
            html.Div([html.Div(id="controls-main"), html.Div(id="controls-more")], id="controls", className="scroll"),
        ],
        className="card left", **{"aria-label": "Parameters"},
    )  # fmt: skip
    right = html.Div(
        [
            html.Div(
                [html.Button("Change", id="drawer-open", className="button primary"), html.Div(id="chips", className="chips"), html.Span(id="copied", className="muted", role="status"), share,
                 html.Button([icon("device-floppy"), "Keep scenario"], id="keep", className="button primary")],
                className="card changebar",
            ),
            html.Div(id="whatif-problem"),
            html.Div(id="whatif-tiles", className="tiles"),
            html.Div(id="verdict", className="card verdict"),
            html.Div(
                [
                    panel("What moved", graph("moved", CHART, "What moved"), "by use, mean", None, "moved"),
                    panel("Hottest chip", graph("chip", CHART, "Hottest chip"), "duration", None, "chip"),
                    panel("PUE by wet bulb", graph("whatif-climate", CHART, "PUE by wet bulb"), "median", None, "pue"),
                ],
                className="row charts",
            ),
            panel("Scenarios", html.Div(id="scenario-table", className="table-scroll"), "best value of each column in bold", None),
        ],
        className="right",
    )  # fmt: skip
    stores = [dcc.Store(id=name) for name in ("controls-tag", "request", "answer", "rest", "share-texts")]
    return [*stores, html.Div([left, right], className="whatif")]


def register(app: Dash, context: Context) -> None:
    """Thin callbacks: read the state, ask for the run, hand it to pure functions."""
    _browser(app)

    @app.callback(
        Output("controls-main", "children"), Output("controls-tag", "data"), Output("whatif-problem", "children", allow_duplicate=True),
        Input("system", "value"), Input("panel-nonce", "data"), Input("state", "data"), State("controls-tag", "data"), prevent_initial_call="initial_duplicate",
    )  # fmt: skip
    @context.threaded
    def show_controls(system: str, nonce: Any, data: Any, before: Any) -> Any:
        if data is None:
            raise PreventUpdate
        state = from_store(data)
        tag = f"{state.site}|{system}|{nonce}"
        if before == tag:  # the sliders themselves changed the state
            raise PreventUpdate
        try:
            found = context.controls(state.site, system)
        except FAULTS as error:
            return [], tag, problems(error)
        groups = [(name, [c for c in found.values() if c.group == name]) for name, _ in GROUPS]
        other = [found[a] for a in state.changes if a in found and not found[a].group]
        if other:
            groups.append(("Other changes", other))
        children = [
            html.Div([html.H3(name), *[row(c, state.changes, system) for c in items]], className="group")
            for name, items in groups
            if items
        ]
        shown = {c.address: meta(c, state.changes, system) for _, items in groups for c in items}
        set_props(
            "controls-meta", {"data": shown}
        )  # outlives the page, since callbacks of all controls run once more when it goes
        return children, tag, no_update

    @app.callback(
        Output("controls-more", "children"),
        Input("search", "value"), State("system", "value"), State("state", "data"), State("controls-meta", "data"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def find(text: str | None, system: str, data: Any, shown: Any) -> Any:
        words = (text or "").lower().split()
        state = from_store(data)
        if not words:
            set_props("more-meta", {"data": {}})
            return []
        found = context.controls(state.site, system)
        hits = [
            c
            for c in found.values()
            if c.address not in (shown or {}) and all(w in f"{c.label} {c.address}".lower() for w in words)
        ]
        rows = [row(c, state.changes, system) for c in hits[:FOUND]]
        more = (
            [
                html.P(
                    f"and {len(hits) - FOUND} more: add a word",
                    className="muted",
                    style={"padding": "4px 14px"},
                )
            ]
            if len(hits) > FOUND
            else []
        )
        none = (
            [html.P(f"No parameter matches '{text}'. Press Esc to clear the search.", className="blank")]
            if not hits and not _matches(found, shown, words)
            else []
        )
        head = [html.H3("Other parameters")] if rows else []
        set_props("more-meta", {"data": {c.address: meta(c, state.changes, system) for c in hits[:FOUND]}})
        return [html.Div([*head, *rows, *more], className="group"), *none]

    @app.callback(
        Output("chips", "children"), Output("whatif-tiles", "children"), Output("verdict", "children"), Output("moved", "figure"), Output("chip", "figure"),
        Output("whatif-climate", "figure"), Output("share-texts", "data"), Output("whatif-problem", "children"), Output("answer", "data"),
        Input("request", "data"), Input("system", "value"), Input("theme", "computedColorScheme"), State("answer", "data"), prevent_initial_call="initial_duplicate",
    )  # fmt: skip
    @context.threaded
    def answer(data: Any, system: str, theme: str | None, answered: Any) -> Any:
        if data is None:
            raise PreventUpdate
        state, look = from_store(data), theme or "light"
        try:
            base = context.base(state)
        except FAULTS as error:
            return (*[no_update] * 7, problems(error), data)
        named = {address: context.sessions.name(text) for address, text in state.changes.items()}
        site = context.sessions.name(state.site) if state.site else base.summary.site
        texts = {
            "command": command(site, named, state.step),
            "python": python(site, named, STEPS.get(state.step)),
        }
        known = context.controls(state.site, system)
        try:
            run, wrong, chips = context.run(data), None, change_chips(state, known, system)
        except FAULTS as error:
            chips = change_chips(state, known, system, applied=False)
            if answered is not None:  # the page goes on showing its last valid answer
                return chips, *[no_update] * 5, texts, problems(error), data
            run, wrong = base, error
        show_facts(run, context.sessions.name)
        old = base if run is not base else None
        before = old.ds if old else None
        return (
            chips, tiles.compared(run, old, system), verdict(run, old, state if wrong is None else replace(state, changes=state.base), system), what_moved(run.ds, before, look),
            chip_duration(run.ds, before, look, system), pue_by_wet_bulb(run.ds, before, look, system, labels=False), texts, notice(wrong), data,
        )  # fmt: skip

    @app.callback(
        Output("scenario-table", "children"),
        Input("rest", "data"),
        Input("scenarios", "data"),
        Input("system", "value"),
    )
    @context.threaded
    def table(data: Any, kept: Any, system: str) -> Any:
        if data is None:
            raise PreventUpdate
        state = from_store(data)
        rows: list[tuple[str, int, Any]] = []
        wanted = [("Site as written", -1, {})]
        for i, one in enumerate(kept or []):
            if isinstance(one, dict) and one.get("site") == state.site:
                wanted.append((str(one.get("name", ""))[:60], i, from_store(one).changes))
        if all(changes != state.changes for _, _, changes in wanted):
            wanted.insert(1, ("Current, not kept", -2, state.changes))
        current = context.results.known(state.site, state.changes, state.step)
        for name, index, changes in wanted:
            known = context.results.known(state.site, changes, state.step)
            if known is None and current is not None and current.long:
                rows.append((name, index, "not run with this time step yet; its name runs it"))
                continue
            try:
                rows.append((name, index, context.results.get(state.site, changes, state.step)))
            except FAULTS as error:
                rows.append((name, index, f"not solved: {error}"))
        return scenario_table(rows, state, system)


def _matches(found: Any, shown: Any, words: list[str]) -> bool:
    return any(all(w in f"{found[a].label} {a}".lower() for w in words) for a in (shown or {}) if a in found)


def _browser(app: Dash) -> None:
    """What happens without the server: sliders, list of changes, chips, scenarios, copying."""

    def client(name: str, *args: Any, **more: Any) -> None:
        app.clientside_callback(ClientsideFunction("twin", name), *args, **more)

    slider, number, choice, reset = (
        {"type": kind, "address": MATCH} for kind in ("slider", "number", "choice", "reset")
    )
    every = lambda kind: {"type": kind, "address": ALL}  # noqa: E731
    metas = (State("controls-meta", "data"), State("more-meta", "data"))
    client(
        "sync", Output(slider, "value"), Output(number, "value"), Output(number, "error"),
        Input(slider, "value"), Input(number, "value"), Input(reset, "n_clicks"), *metas, State(slider, "id"), prevent_initial_call=True,
    )  # fmt: skip
    client(
        "resetChoice",
        Output(choice, "value"),
        Input(reset, "n_clicks"),
        *metas,
        State(choice, "id"),
        prevent_initial_call=True,
    )
    client(
        "gather", Output("state", "data", allow_duplicate=True), Input(every("slider"), "value"), Input(every("choice"), "value"),
        *metas, State("state", "data"), prevent_initial_call=True,
    )  # fmt: skip
    client(
        "drop", Output("state", "data", allow_duplicate=True), Input({"type": "drop", "address": ALL}, "n_clicks"), Input("reset-all", "n_clicks"),
        State("state", "data"), *metas, prevent_initial_call=True,
    )  # fmt: skip
    client("request", Output("request", "data"), Input("state", "data"))
    client(
        "answered",
        Output("void", "data", allow_duplicate=True),
        Input("answer", "data"),
        prevent_initial_call=True,
    )
    client(
        "keep",
        Output("scenarios", "data", allow_duplicate=True),
        Input("keep", "n_clicks"),
        State("state", "data"),
        State("scenarios", "data"),
        prevent_initial_call=True,
    )
    client(
        "scene", Output("state", "data", allow_duplicate=True), Output("scenarios", "data", allow_duplicate=True), Output("panel-nonce", "data"),
        Input({"type": "scene", "do": ALL, "index": ALL}, "n_clicks"), State("state", "data"), State("scenarios", "data"), prevent_initial_call=True,
    )  # fmt: skip
    client(
        "search",
        Output("void-2", "data"),
        Input("search", "value"),
        Input("changed-only", "checked"),
        Input("controls-main", "children"),
    )
    client(
        "copy", Output("copied", "children"), Input("copy-link", "n_clicks"), Input("copy-command", "n_clicks"), Input("copy-python", "n_clicks"),
        State("share-texts", "data"), prevent_initial_call=True,
    )  # fmt: skip
