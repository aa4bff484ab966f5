"""Studies: start many cases, watch them, cancel, see what moves what, and open one of them as a what-if."""

from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
import numpy as np
import xarray as xr
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate
from fastapi.responses import PlainTextResponse, Response

from twin.studies.file import read_study, ready_made
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures import studies as figures
from twin_dashboard.figures.base import empty
from twin_dashboard.figures.study_columns import axes, label_of, number, outcome, outcomes
from twin_dashboard.parts import blank, graph, named, panel, problems, segmented
from twin_dashboard.sessions import browser
from twin_dashboard.state import MAX_CHANGES, MAX_TEXT, to_query
from twin_dashboard.state import State as Shown
from twin_dashboard.study_runs import MOST_CASES, StudyRun, StudyRuns, case_changes

NAME = "Studies"
FIRST = "free-cooling-hours"
AS_WRITTEN, HERE = "as-written", "here"
LOOK_MS = 800
COLUMNS = 8  # of each kind in the table


def layout() -> Any:
    """What to run at the left, what came out at the right."""
    known = ready_made()
    form = [
        dmc.Select(
            id="study-ready", label="Ready-made study", value=FIRST, searchable=True, allowDeselect=False, size="xs",
            data=[{"value": name, "label": read_study(name).study.title} for name in known],
        ),
        dmc.Select(id="study-site", label="Site", value=AS_WRITTEN, allowDeselect=False, size="xs", data=[{"value": AS_WRITTEN, "label": "as the study says"}]),
        dmc.Textarea(
            id="study-text", label="Study", description="Change it, or paste your own (YAML)", value=known[FIRST].read_text(encoding="utf-8"), autosize=True, minRows=12, maxRows=24, size="xs",
            spellCheck=False, styles={"input": {"fontFamily": "ui-monospace, 'DejaVu Sans Mono', monospace", "fontSize": "11.5px"}},
        ),
        html.Div(
            [
                html.Button("Start", id="study-go", className="button primary"), html.Button("Cancel", id="study-stop", className="button", disabled=True),
                html.Button("Resume", id="study-more", className="button", disabled=True, title="Go on with the study at the right; finished cases stay"),
            ],
            className="buttons",
        ),
        html.Div(id="study-said", role="status"),
        html.P(f"Up to {MOST_CASES:,} cases here, computed by one process. 'twin study' on the command line takes more, on many cores or a cluster, and keeps hourly series.", className="muted"),
    ]  # fmt: skip
    grid = dag.AgGrid(
        id="study-table", columnDefs=[], rowData=[], columnSize="responsiveSizeToFit", csvExportParams={"fileName": "study.csv"}, getRowId="params.data.id",
        dashGridOptions={"rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}, "headerHeight": 54, "rowHeight": 30, "animateRows": False, "suppressFieldDotNotation": True},
        defaultColDef={"sortable": True, "filter": True, "resizable": True, "minWidth": 80, "suppressHeaderFilterButton": True, "wrapHeaderText": True}, style={"width": "100%", "height": "max(240px, 38vh)"},
    )  # fmt: skip

    def choice(name: str, label: str) -> Any:
        return dmc.Select(id=name, label=label, data=[], value=None, allowDeselect=False, size="xs", w=190)

    found = html.Div(
        [
            panel("Explore", [html.Div([choice("study-outcome", "Outcome"), choice("study-across", "Across"), choice("study-up", "Up")], className="buttons")], "", html.A("report (HTML)", id="study-report", href="/download/study/report.html", className="quiet", download="study.html")),
            panel("Cases", graph("study-lines", "320px", "Cases over axes and outcomes"), "a line per case, stronger where the outcome is higher; click one to pick it", segmented("study-which", list(figures.TENTHS.items()), "all", "Cases to mark")),
            html.Div(
                [
                    panel("Map", graph("study-map", "360px", "Outcome over two axes"), "mean of the other axes; click to pick the case of the lowest value"),
                    panel("Picked case", html.Div(id="study-case"), className="picked"),
                ],
                className="study-halves",
            ),
            panel("All cases", [grid], "sort by a column; choose a row to pick its case", html.Button("download CSV", id="study-csv", className="quiet")),
        ],
        id="study-found", className="away",
    )  # fmt: skip
    progress = html.Div(
        [html.Span(id="study-progress", role="status"), html.Div(html.Div(id="study-bar"), className="track")],
        id="study-watch", className="card study-watch hidden",
    )  # fmt: skip
    start = blank("Choose a study and press 'Start'. Cases appear here while it runs; when you cancel, those that are finished stay.")  # fmt: skip
    return [
        dcc.Store(id="study-nudge"), dcc.Store(id="study-seen"), dcc.Store(id="study-picked"), dcc.Interval(id="study-tick", interval=LOOK_MS),
        html.Div([panel("What to run", form), html.Div([progress, html.Div(id="study-fault"), html.Div(start, id="study-blank"), found], className="study-right")], className="studies"),
    ]  # fmt: skip


def register(app: Dash, context: Context) -> None:
    """A study belongs to the browser that started it; its pages find it again."""
    runs = StudyRuns(context.default, context.sessions.trusted, context.sessions.site)
    _run(app, context, runs)
    _show(app, context, runs)
    _files(app.server, runs)
    app.clientside_callback(
        "function(n) { return n ? true : window.dash_clientside.no_update; }",
        Output("study-table", "exportDataAsCsv"),
        Input("study-csv", "n_clicks"),
        prevent_initial_call=True,
    )


def _files(server: Any, runs: StudyRuns) -> None:
    @server.get("/download/study/report.html")  # type: ignore[untyped-decorator]
    def report() -> Response:
        run = runs.of(browser())
        body = run.report() if run is not None else None
        if body is None:
            return PlainTextResponse("No case of a study of yours is finished.", 404)
        return Response(
            body, media_type="text/html", headers={"Content-Disposition": 'attachment; filename="study.html"'}
        )


def _run(app: Dash, context: Context, runs: StudyRuns) -> None:
    @app.callback(Output("study-text", "value"), Input("study-ready", "value"), prevent_initial_call=True)
    def ready(name: str | None) -> Any:
        known = ready_made()
        return known[name].read_text(encoding="utf-8") if name in known else no_update

    @app.callback(Output("study-site", "data"), Input("study-ready", "data"))
    def bases(_: Any) -> Any:
        mine = context.sessions.mine("site")
        return [
            {"value": AS_WRITTEN, "label": "as the study says"},
            {"value": HERE, "label": f"{context.default.name}, of this dashboard"},
            *({"value": token, "label": name} for token, name in mine.items()),
        ]

    @app.callback(
        Output("study-said", "children"), Output("study-nudge", "data"),
        Input("study-go", "n_clicks"), State("study-text", "value"), State("study-site", "value"),
        running=[(Output("study-go", "disabled"), True, False)], prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def start(clicks: int | None, text: str | None, site: str | None) -> Any:
        if not clicks:
            raise PreventUpdate
        base = None if site in (None, AS_WRITTEN) else "" if site == HERE else str(site)
        try:
            run = runs.start(browser(), str(text or ""), base)
        except FAULTS as error:
            return problems(error), no_update
        return [], run.token

    @app.callback(
        Output("study-said", "children", allow_duplicate=True), Output("study-nudge", "data", allow_duplicate=True),
        Input("study-stop", "n_clicks"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def stop(clicks: int | None) -> Any:
        run = runs.of(browser())
        if not clicks or run is None:
            raise PreventUpdate
        run.cancel()
        return [], f"{run.token} cancelled"

    @app.callback(
        Output("study-said", "children", allow_duplicate=True), Output("study-nudge", "data", allow_duplicate=True),
        Input("study-more", "n_clicks"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def more(clicks: int | None) -> Any:
        if not clicks:
            raise PreventUpdate
        try:
            run = runs.resume(browser())
        except FAULTS as error:
            return problems(error), no_update
        return [], f"{run.token} {run.before} resumed" if run is not None else no_update

    @app.callback(
        Output("study-progress", "children"), Output("study-bar", "style"), Output("study-watch", "className"), Output("study-stop", "disabled"), Output("study-more", "disabled"),
        Output("study-tick", "disabled"), Output("study-seen", "data"), Output("study-fault", "children"),
        Input("study-tick", "n_intervals"), Input("study-nudge", "data"), State("study-seen", "data"),
    )  # fmt: skip
    @context.threaded
    def watch(_: Any, nudge: Any, seen: Any) -> Any:
        run = runs.of(browser())
        if run is None:
            return "", {}, "card study-watch hidden", True, True, True, no_update, []
        now = {"token": run.token, "done": run.done, "ended": not run.running}
        share = run.done / run.total
        return (
            f"{run.study.title or run.study.name}: {run.words()}", {"width": f"{100 * share:.1f}%"}, "card study-watch",
            not run.running, not run.unfinished, not run.running, now if now != seen else no_update, _faults(run),
        )  # fmt: skip


def _faults(run: StudyRun) -> list[Any]:
    out: list[Any] = []
    if run.fault:
        out.append(html.Div(run.fault, className="problem", role="alert"))
    if run.failed and (ds := run.results()) is not None:
        first = next((str(text) for text in ds["error"].values.ravel() if text), "")
        words = (
            f"{run.failed:,} case{'s' if run.failed > 1 else ''} could not be computed; the first: {first}"
        )
        out.append(html.Div(words, className="problem", role="alert"))
    return out


def _show(app: Dash, context: Context, runs: StudyRuns) -> None:
    def results(seen: Any) -> tuple[StudyRun, xr.Dataset]:
        run = runs.of(browser())
        ds = run.results() if run is not None and isinstance(seen, dict) else None
        if run is None or ds is None or run.token != seen.get("token"):
            raise PreventUpdate
        return run, ds

    @app.callback(
        Output("study-found", "className"), Output("study-blank", "className"), Output("study-outcome", "data"), Output("study-outcome", "value"),
        Output("study-across", "data"), Output("study-across", "value"), Output("study-up", "data"), Output("study-up", "value"), Output("study-picked", "data"),
        Input("study-seen", "data"), State("study-found", "className"), State("study-picked", "data"),
    )  # fmt: skip
    @context.threaded
    def choices(seen: Any, shown: str | None, picked: Any) -> Any:
        """Lists of a study, once it has its first cases."""
        run = runs.of(browser())
        if run is None or not isinstance(seen, dict):
            raise PreventUpdate
        if not run.done:
            return "away", "hidden" if run.running else "", *[no_update] * 7
        if shown != "away" and isinstance(picked, dict) and picked.get("token") == run.token:
            raise PreventUpdate
        _, ds = results(seen)
        what = [{"value": name, "label": label_of(name)} for name in outcomes(ds)]
        found = axes(ds, "si")
        over = [{"value": column.name, "label": column.label} for column in found]
        across = next((column.name for column in found if not column.names), found[-1].name)
        up = next((column.name for column in found if column.name != across), None)
        return (
            "",
            "hidden",
            what,
            what[0]["value"],
            over,
            across,
            over,
            up,
            {"token": run.token, "case": None},
        )

    @app.callback(
        Output("study-lines", "figure"), Output("study-map", "figure"),
        Input("study-seen", "data"), Input("study-outcome", "value"), Input("study-across", "value"), Input("study-up", "value"), Input("study-which", "value"),
        Input("theme", "computedColorScheme"), Input("system", "value"),
    )  # fmt: skip
    @context.threaded
    def draw(seen: Any, name: str, across: str, up: str, which: str, theme: str | None, system: str) -> Any:
        _, ds = results(seen)
        known = outcomes(ds)
        if not known:
            words = empty(theme or "light", "No case could be computed.")
            return words, words
        name = name if name in known else known[0]
        look = theme or "light"
        return (
            figures.parallel(ds, name, which, look, system),
            figures.heat_map(ds, name, across or "", up or "", look, system),
        )

    @app.callback(
        Output("study-table", "columnDefs"), Output("study-table", "rowData"), Input("study-seen", "data"), Input("system", "value")
    )  # fmt: skip
    @context.threaded
    def fill(seen: Any, system: str) -> Any:
        return table(results(seen)[1], system)

    @app.callback(
        Output("study-picked", "data", allow_duplicate=True),
        Input("study-lines", "clickData"), Input("study-map", "clickData"), Input("study-table", "selectedRows"), State("study-seen", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def pick(line: Any, cell: Any, rows: Any, seen: Any) -> Any:
        source = {"study-lines": line, "study-map": cell}.get(str(ctx.triggered_id))
        try:
            case = int(source["points"][0]["customdata"] if source else rows[0]["case"])
            return {"token": seen["token"], "case": case} if case >= 0 else no_update
        except (LookupError, TypeError, ValueError):
            raise PreventUpdate from None

    @app.callback(
        Output("study-case", "children"), Input("study-picked", "data"), Input("system", "value"), State("study-seen", "data")
    )  # fmt: skip
    @context.threaded
    def show(picked: Any, system: str, seen: Any) -> Any:
        run, ds = results(seen)
        case = picked.get("case") if isinstance(picked, dict) and picked.get("token") == run.token else None
        if not isinstance(case, int) or not 0 <= case < len(run.design):
            return blank("Click a line, a cell or a row, and what that case changes stands here.")
        return case_card(run, ds, case, system)


def table(ds: xr.Dataset, system: str) -> tuple[list[Any], list[Any]]:
    """Columns and rows of the table: axes, then outcomes; cases still to do are left out."""
    over = axes(ds, system)[:COLUMNS]
    what = [outcome(ds, name, system) for name in outcomes(ds)[:COLUMNS]]
    defs: list[Any] = [{"field": "case", "headerName": "Case", "type": "rightAligned", "maxWidth": 74}]
    defs += [
        {"field": f"a{i}", "headerName": c.title, **({} if c.names else {"type": "rightAligned"})}
        for i, c in enumerate(over)
    ]
    defs += [{"field": f"o{i}", "headerName": c.title, "type": "rightAligned"} for i, c in enumerate(what)]
    status, error = ds["status"].values.ravel(), ds["error"].values.ravel()
    if (status == 2).any():
        defs.append({"field": "error", "headerName": "Failed", "minWidth": 200})
    rows = []
    for row in np.flatnonzero(status):
        one: dict[str, Any] = {"id": str(row), "case": int(row)}
        one |= {
            f"a{i}": c.names[int(c.values[row])] if c.names else _plain(c.values[row])
            for i, c in enumerate(over)
        }
        one |= {f"o{i}": _plain(c.values[row]) for i, c in enumerate(what)}
        if error[row]:
            one["error"] = str(error[row])[:300]
        rows.append(one)
    return defs, rows


def _plain(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None


def case_card(run: StudyRun, ds: xr.Dataset, case: int, system: str) -> list[Any]:
    """What a case is, what came out, and the way to it as a what-if."""
    over, what = axes(ds, system), [outcome(ds, name, system) for name in outcomes(ds)[:5]]
    lines = [(c.label, f"{c.text(c.values[case])} {c.unit}".strip()) for c in over[:COLUMNS]]
    if len(over) > COLUMNS:
        lines.append(("", f"and {len(over) - COLUMNS:,} more"))
    results = [
        (c.label, f"{figures.number_text(c, c.values[case]) or number(np.nan)} {c.unit}".strip())
        for c in what
    ]
    error = str(ds["error"].values.ravel()[case])
    site, changes, lost = case_changes(run, case)
    parts: list[Any] = [
        html.H3(f"Case {case}", id="study-case-name"),
        html.Div([html.Div([html.Span(name), html.B(value)]) for name, value in lines], className="pairs"),
        html.Div([html.Div([html.Span(name), html.B(value)]) for name, value in results], className="pairs", **named("Results")),
    ]  # fmt: skip
    if error:
        parts.append(html.Div(error, className="problem", role="alert"))
    if len(changes) > MAX_CHANGES or any(len(text) > MAX_TEXT for text in changes.values()):
        parts.append(
            html.P(
                f"This case has {len(changes):,} changes, too many for a link (up to {MAX_CHANGES}).",
                className="muted",
            )
        )
    else:
        parts.append(
            html.Div(
                dcc.Link(
                    "Open as what-if", href=f"/what-if{to_query(Shown(site, changes))}", className="button"
                ),
                className="buttons",
            )
        )
        parts += [html.P(text, className="muted") for text in lost]
    return parts
