"""Racks: which rack is the problem?"""

from typing import Any

import dash_ag_grid as dag
import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, Patch, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from twin_dashboard import format as fmt
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures import series
from twin_dashboard.margins import AMPLE_K
from twin_dashboard.parts import graph, notice, panel, problems, segmented
from twin_dashboard.shell import show_facts

NAME = "Racks"
MOST_ROWS = 800  # those with the smallest margin; what a page loads stays small
CHOICES = (("power", "Power"), ("chip", "Chip"), ("flow", "Flow"), ("margin", "Margin"))


def layout() -> Any:
    """Floor plan left, table and series right."""
    grid = dag.AgGrid(
        id="rack-table", columnDefs=[], rowData=[], columnSize="responsiveSizeToFit", csvExportParams={"fileName": "racks.csv"},
        dashGridOptions={"rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}, "headerHeight": 40, "rowHeight": 32, "animateRows": False, "suppressFieldDotNotation": True},
        defaultColDef={"sortable": True, "filter": True, "resizable": True, "minWidth": 44, "suppressHeaderFilterButton": True, "wrapHeaderText": True}, style={"width": "100%", "height": "max(180px, 34vh)"},
    )  # fmt: skip
    return [
        dcc.Store(id="plan-svg"), html.Div(id="racks-problem"),
        html.Div(
            [
                panel("Floor plan", [html.Div(id="plan-box", className="drawing", style={"height": "calc(100vh - 130px)", "overflow": "auto"})], "every rack over the run", segmented("plan-what", CHOICES, "chip", "Colour by")),
                html.Div(
                    [
                        panel("Racks", [grid], "smallest margin first; equal ones in one row", html.Button("download CSV", id="rack-csv", className="quiet")),
                        html.Div(style={"height": "10px"}),
                        panel("Series", [graph("rack-series", "max(200px, calc(66vh - 226px))", "Series of the chosen racks")], "every step, peaks kept; drag to zoom, double-click for all", html.B(id="rack-name"), "chip"),
                    ]
                ),
            ],
            className="racks",
        ),
    ]  # fmt: skip


def register(app: Dash, context: Context) -> None:
    """Selection is linked both ways: a cell of the plan and a row of the table set the same store."""

    @app.callback(
        Output("rack-table", "columnDefs"), Output("rack-table", "rowData"), Output("plan-svg", "data"), Output("racks-problem", "children"),
        Input("state", "data"), Input("plan-what", "value"), Input("system", "value"),
    )  # fmt: skip
    @context.threaded
    def update(data: Any, what: str, system: str) -> Any:
        if data is None:
            raise PreventUpdate
        try:
            run, wrong = context.shown(data)
        except FAULTS as error:
            return no_update, no_update, no_update, problems(error)
        show_facts(run, context.sessions.name)
        columns, rows = table(run.ds, run.site, system)
        return columns, rows, plan(run, what, system), notice(wrong)

    @app.callback(
        Output("rack-series", "figure"), Output("rack-name", "children"),
        Input("state", "data"), Input("chosen", "data"), Input("rack-table", "selectedRows"), Input("plan-what", "value"), Input("system", "value"), Input("theme", "computedColorScheme"),
    )  # fmt: skip
    @context.threaded
    def show(data: Any, chosen: Any, selected: Any, what: str, system: str, theme: str | None) -> Any:
        from dash import ctx

        if data is None:
            raise PreventUpdate
        try:
            run, _ = context.shown(data)
        except FAULTS:
            raise PreventUpdate from None
        known = {*run.ds["rack"].values.astype(str), *run.ds["member"].values.astype(str)}
        row = (selected[0].get("member") or selected[0]["group"]) if selected else ""
        cell = str(chosen or "").removeprefix("racks.")
        wanted = (row, cell) if ctx.triggered_id == "rack-table" else (cell, row)
        name = next((one for one in wanted if one in known), str(run.ds["rack"].values[0]))
        return series.year_of_rack(run.ds, name, what, theme or "light", system), name

    @app.callback(
        Output("rack-series", "figure", allow_duplicate=True),
        Input("rack-series", "relayoutData"),
        State("state", "data"), State("rack-name", "children"), State("plan-what", "value"), State("system", "value"), prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def zoom(relayout: Any, data: Any, name: Any, what: str, system: str) -> Any:
        if (
            data is None
            or not isinstance(relayout, dict)
            or not any(k.startswith("xaxis.") for k in relayout)
        ):
            raise PreventUpdate
        try:
            run, _ = context.shown(data)
        except FAULTS:
            raise PreventUpdate from None
        steps = series.window(relayout, run.ds)
        if steps is None or name not in {
            *run.ds["rack"].values.astype(str),
            *run.ds["member"].values.astype(str),
        }:
            raise PreventUpdate
        times, heights = series.rack_window(run.ds, name, what, system, steps)
        patch = Patch()
        patch["data"][0]["x"], patch["data"][0]["y"] = times, heights
        patch["layout"]["xaxis"]["range"] = [times[0], times[-1]]
        return patch

    app.clientside_callback(
        ClientsideFunction("twin", "draw"),
        Output("void-2", "data", allow_duplicate=True),
        Input("plan-svg", "data"),
        State("plan-box", "id"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        "function(n) { return n ? true : window.dash_clientside.no_update; }",
        Output("rack-table", "exportDataAsCsv"),
        Input("rack-csv", "n_clicks"),
        prevent_initial_call=True,
    )


def plan(run: Any, what: Any, system: str) -> str:
    """The floor plan at the hour of the hottest chip."""
    try:
        from twin_dashboard.svg import floor_plan
    except ImportError:
        return "<p class='blank'>The floor plan of this site is not drawn yet. The table at the right has every group.</p>"
    chips = np.nan_to_num(run.ds["rack_chip_temperature"].values, nan=-np.inf).max(axis=0)
    return floor_plan.svg(run.site, run.ds, what, int(chips.argmax()), system)


def table(ds: Any, site: Any, system: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Columns and one row per rack, the smallest margin first; racks of a group that do the same share a row."""
    degrees, flow = fmt.unit("temperature", system), fmt.unit("flow", system)
    columns: list[dict[str, Any]] = [
        {"field": "name", "headerName": "Rack", "minWidth": 84}, {"field": "count", "headerName": "No.", "maxWidth": 44, "type": "rightAligned"},
        {"field": "power", "headerName": "Peak kW", "type": "rightAligned"}, {"field": "mean", "headerName": "Mean kW", "type": "rightAligned"},
        {"field": "chip", "headerName": f"Chip {degrees}", "type": "rightAligned"}, {"field": "margin", "headerName": f"Left {fmt.unit('difference', system)}", "type": "rightAligned"}, {"field": "flow", "headerName": f"Flow {flow}", "type": "rightAligned"},
        {"field": "throttled", "headerName": "Thr. h", "headerTooltip": "Hours in which chips of the rack throttle", "type": "rightAligned"},
    ]  # fmt: skip
    rows: list[dict[str, Any]] = []

    def shown(value: float, quantity: str, places: int) -> float | None:
        return round(float(fmt.convert(value, quantity, system)), places) if np.isfinite(value) else None

    member, group = ds["member"].values.astype(str), ds["member_rack"].values.astype(str)
    own = ("member_power_peak", "member_power_mean", "member_chip_hottest", "member_hours_throttled")
    for i, name in enumerate(ds["rack"].values.astype(str)):
        at = np.flatnonzero(group == name)
        each = np.stack([ds[variable].values[at] for variable in own])
        limit = float(ds["rack_throttle_temperature"].values[i])
        peak_flow = float(np.nan_to_num(ds["rack_flow"].values[i]).max())
        _, first, counts = np.unique(
            np.nan_to_num(each, nan=-1.0), axis=1, return_index=True, return_counts=True
        )
        for j, n in zip(first, counts, strict=True):
            peak, mean, chip, hours = each[:, j]
            left = limit - chip
            rows.append(
                {"name": name if n == at.size else member[at[j]] + (f" and {n - 1} more" if n > 1 else ""), "group": name, "member": "" if n == at.size else member[at[j]], "count": int(n),
                 "power": round(peak / 1e3, 1), "mean": round(mean / 1e3, 1), "chip": shown(chip, "temperature", 1), "margin": shown(left, "difference", 1),
                 "flow": shown(peak_flow, "flow", 1) if peak_flow > 0 else None,
                 "throttled": round(float(hours)), "_order": left if np.isfinite(left) else 10 * AMPLE_K}
            )  # fmt: skip
    rows.sort(key=lambda row: float(row.pop("_order")))
    return columns, rows[:MOST_ROWS]
