"""What if: what does this change do?"""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate
from twin_sites.schema import Site

from twin_dashboard import tiles
from twin_dashboard.cache import STEPS
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.control_view import group, row, row_off, row_technology
from twin_dashboard.controls import GROUPS, missing
from twin_dashboard.figures.climate import pue_by_wet_bulb
from twin_dashboard.figures.duration import chip_duration
from twin_dashboard.figures.moved import what_moved
from twin_dashboard.margins import margins
from twin_dashboard.names import readable
from twin_dashboard.pages.whatif_view import change_chips, scenario_table, verdict
from twin_dashboard.parts import graph, icon, named, notice, panel, problems
from twin_dashboard.remedies import confirmed
from twin_dashboard.shell import show_facts
from twin_dashboard.state import command, from_store, python
from twin_dashboard.technologies import technologies

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
                    dmc.TextInput(id="search", placeholder="Find a parameter…   press /", size="sm", debounce=200, **named("Find a parameter")),
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
        className="card left", **named("Parameters"),
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
    stores = [
        dcc.Store(id=name)
        for name in (
            "controls-ask",
            "controls-html",
            "more-html",
            "void-3",
            "request",
            "answer",
            "rest",
            "share-texts",
            "remedy",
        )
    ]
    return [*stores, html.Div([left, right], className="whatif")]


def register(app: Dash, context: Context) -> None:
    """Thin callbacks: read the state, ask for the run, hand it to pure functions."""
    _browser(app)

    @app.callback(
        Output("controls-html", "data"), Output("whatif-problem", "children", allow_duplicate=True),
        Input("controls-ask", "data"), prevent_initial_call="initial_duplicate",
    )  # fmt: skip
    @context.threaded
    def show_controls(ask: Any) -> Any:
        if not isinstance(ask, dict):
            raise PreventUpdate
        state, system = from_store(ask), str(ask.get("system"))
        try:
            found = context.controls(state.site, system)
        except FAULTS as error:
            return "", problems(error)
        groups = [(name, [c for c in found.values() if c.group == name]) for name, _ in GROUPS]
        absent = missing(context.results.site(state.site), found)
        groups.append(
            ("Other changes", [found[a] for a in state.changes if a in found and not found[a].group])
        )
        rows = [(name, [row(c, state.changes, system) for c in items]) for name, items in groups]
        for name, items in rows:
            if name == GROUPS[0][0]:
                items += technology_rows(context.results.site(state.site))
            items += [row_off(label, reason) for place, label, reason in absent if place == name]
        return "".join(group(name, items) for name, items in rows if items), no_update

    @app.callback(
        Output("more-html", "data"),
        Input("search", "value"), State("system", "value"), State("state", "data"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def find(text: str | None, system: str, data: Any) -> Any:
        words = (text or "").lower().split()
        if not words:
            return ""
        state = from_store(data)
        found = context.controls(state.site, system)
        hits = [c for c in found.values() if all(w in f"{c.label} {c.address}".lower() for w in words)]
        if not hits:
            return f'<p class="blank">No parameter matches &quot;{escape(str(text)[:60])}&quot;. Press Esc to clear the search.</p>'
        others = [c for c in hits if not c.group]
        rows = [row(c, state.changes, system) for c in others[:FOUND]]
        left = len(others) - FOUND
        more = f'<p class="muted more">and {left} more: add a word</p>' if left > 0 else ""
        return group("Other parameters", [*rows, more]) if rows else ""

    @app.callback(
        Output("chips", "children"), Output("whatif-tiles", "children"), Output("verdict", "children"), Output("moved", "figure"), Output("chip", "figure"),
        Output("whatif-climate", "figure"), Output("whatif-problem", "children"), Output("answer", "data"),
        Input("request", "data"), Input("system", "value"), Input("theme", "computedColorScheme"), State("answer", "data"), State("whatif-problem", "children"), prevent_initial_call="initial_duplicate",
    )  # fmt: skip
    @context.threaded
    def answer(data: Any, system: str, theme: str | None, answered: Any, said: Any) -> Any:
        if data is None:
            raise PreventUpdate
        state, look = from_store(data), theme or "light"
        try:
            base = context.base(state)
        except FAULTS as error:
            return (*[no_update] * 6, problems(error), data)
        known = context.controls(state.site, system)
        try:
            run, wrong, chips = context.run(data), None, change_chips(state, known, system)
        except FAULTS as error:
            chips = change_chips(state, known, system, applied=False)
            if answered is not None:  # the page goes on showing its last valid answer
                return chips, *[no_update] * 5, problems(error), data
            run, wrong = base, error
        show_facts(run, context.sessions.name)
        old = base if run is not base else None
        before = old.ds if old else None
        return (
            chips, tiles.compared(run, old, system), verdict(run, old, state if wrong is None else replace(state, changes=state.base), system), what_moved(run.ds, before, look),
            chip_duration(run.ds, before, look, system), pue_by_wet_bulb(run.ds, before, look, system, labels=False), notice(wrong) if wrong or said else no_update, data,
        )  # fmt: skip

    @app.callback(
        Output("scenario-table", "children"),
        Output("share-texts", "data"),
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
        wanted: list[tuple[str, int, Mapping[str, str]]] = [("Site as written", -1, {})]
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
        return scenario_table(rows, state, system), share_texts(context, state)

    @app.callback(Output("remedy", "data"), Input("rest", "data"), Input("system", "value"))
    @context.threaded
    def help_out(data: Any, system: str) -> Any:
        state = from_store(data)
        run = context.results.known(state.site, state.changes, state.step) if data is not None else None
        worst = margins(run.ds)[:1] if run is not None and not run.long else []
        if run is None or not worst or worst[0].state != "bad":
            return None
        found = confirmed(
            run, worst[0], lambda changes: context.results.get(state.site, changes, state.step), system
        )
        if found is None:
            return None
        return {
            "changes": dict(state.changes),
            "address": found.address,
            "text": found.text,
            "words": f"With {found.words}: 0 h.",
        }


def technology_rows(site: Site) -> list[str]:
    """One choice of cooling technology per rack group."""
    out = []
    for name in site.racks:
        label, choices = f"{readable(name)}: cooling technology", technologies(site, name)
        if len(choices) > 1:
            out.append(row_technology(f"racks.{name}", label, choices))
        elif choices:
            out.append(
                row_off(
                    label, f"{choices[0].label} only: the catalogue has no other form for this accelerator"
                )
            )
        else:
            out.append(row_off(label, "no accelerator in these racks, so no other form in the catalogue"))
    return out


def share_texts(context: Context, state: Any) -> dict[str, str]:
    """The run that is shown, for the command line and for Python."""
    named = {address: context.sessions.name(text) for address, text in state.changes.items()}
    site = context.sessions.name(state.site) if state.site else context.default.name
    return {
        "command": command(site, named, state.step),
        "python": python(site, named, STEPS.get(state.step)),
    }


def _browser(app: Dash) -> None:
    """What happens without the server: sliders, list of changes, chips, scenarios, copying."""

    def client(name: str, *args: Any, **more: Any) -> None:
        app.clientside_callback(ClientsideFunction("twin", name), *args, **more)

    client(
        "mount",
        Output("request", "data"),
        Input("system", "value"),
        State("state", "data"),
        State("answer", "data"),
    )
    client("panel", Output("void-3", "data"), Input("controls-html", "data"), Input("more-html", "data"))
    client(
        "answered",
        Output("void", "data", allow_duplicate=True),
        Input("answer", "data"),
        prevent_initial_call=True,
    )
    client(
        "remedy",
        Output("void", "data", allow_duplicate=True),
        Input("remedy", "data"),
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
        "scene", Output("state", "data", allow_duplicate=True), Output("scenarios", "data", allow_duplicate=True),
        Input({"type": "scene", "do": ALL, "index": ALL}, "n_clicks"), State("state", "data"), State("scenarios", "data"), prevent_initial_call=True,
    )  # fmt: skip
    client(
        "search",
        Output("void-2", "data"),
        Input("search", "value"),
        Input("changed-only", "checked"),
        Input("void-3", "data"),
    )
    client(
        "copy", Output("copied", "children"), Input("copy-link", "n_clicks"), Input("copy-command", "n_clicks"), Input("copy-python", "n_clicks"),
        State("share-texts", "data"), prevent_initial_call=True,
    )  # fmt: skip
