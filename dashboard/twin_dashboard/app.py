"""The Dash application: frame, routes, callbacks of every page, downloads. Computes nothing itself."""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State
from fastapi import FastAPI
from twin_sites.schema import Site

import twin
from twin_dashboard import downloads, long_runs
from twin_dashboard.context import Context, context
from twin_dashboard.pages import (
    data,
    definitions,
    failures,
    overview,
    racks,
    schematic,
    sizing,
    studies,
    weather,
    whatif,
)
from twin_dashboard.parts import blank
from twin_dashboard.shell import shell

ROUTES = {
    "/": overview,
    "/what-if": whatif,
    "/schematic": schematic,
    "/racks": racks,
    "/weather": weather,
    "/sizing": sizing,
    "/failures": failures,
    "/studies": studies,
    "/data": data,
    "/definitions": definitions,
}


def create_app(site_source: Any = "gb300-10mw") -> Dash:
    """The application for one site: a name, a path or a site.

    Raises
    ------
    InputError
        When the site cannot be used.
    """
    site = site_source if isinstance(site_source, Site) else twin.load_site(site_source)
    ctx = context(site)
    app = application(ctx)
    ctx.pool.submit(ctx.results.get, "", {})  # the first page finds its run done or under way
    return app


def application(ctx: Context) -> Dash:
    """The application over a given context."""
    server = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None
    )  # its pages would load scripts from other hosts
    app = Dash(
        "twin_dashboard",
        server=server,  # type: ignore[arg-type]  # its annotation knows Flask only
        title="twin",
        update_title="",
        suppress_callback_exceptions=True,
        serve_locally=True,
        assets_folder=_assets(),
        compress=False,
    )
    app.backend.websocket_capability = False  # no callback needs one, and pages would keep trying
    app.layout = shell()
    downloads.register(server, ctx)
    long_runs.register(server, ctx.results)
    _frame(app)
    for page in ROUTES.values():
        page.register(app, ctx)
    app._setup_server()  # else a deep link as first request gets a page without the assets
    return app


def _assets() -> str:
    from pathlib import Path

    return str(Path(__file__).parent / "assets")


def _frame(app: Dash) -> None:
    @app.callback(Output("page", "children"), Input("url", "pathname"))
    def show_page(path: str | None) -> Any:
        page = ROUTES.get(path or "/")
        return page.layout() if page is not None else blank("There is no such page. Choose one on the left.")

    app.clientside_callback(
        ClientsideFunction("twin", "parse"),
        Output("state", "data"),
        Input("url", "search"),
        State("state", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("twin", "address"),
        Output("void", "data", allow_duplicate=True),
        Input("state", "data"),
        prevent_initial_call="initial_duplicate",
    )
    app.clientside_callback(
        ClientsideFunction("twin", "active"), Output("void", "data"), Input("url", "pathname")
    )
    app.clientside_callback(
        ClientsideFunction("twin", "pace"),
        Output("state", "data", allow_duplicate=True),
        Input("step", "value"),
        State("state", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        "function(n) { return n ? true : window.dash_clientside.no_update; }",
        Output("help-box", "opened"),
        Input("help", "n_clicks"),
        prevent_initial_call=True,
    )
