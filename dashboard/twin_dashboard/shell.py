"""The frame of every page: header with facts and switches, the rail, the place where a page goes."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html, set_props

from twin_dashboard.cache import STEPS, Run
from twin_dashboard.figures.base import FONT
from twin_dashboard.parts import icon, named
from twin_dashboard.sessions import UPLOAD
from twin_dashboard.tokens import DARK, LIGHT

PAGES = (
    ("/", "Overview", "gauge"), ("/what-if", "What if", "adjustments-horizontal"), ("/schematic", "Schematic", "sitemap"),
    ("/racks", "Racks", "server-2"), ("/weather", "Weather", "temperature-sun"), ("/sizing", "Sizing", "ruler-2"),
    ("/failures", "Failures", "clock"),
    ("/studies", "Studies", "grid-squares"), ("/data", "Data", "database"),
)  # fmt: skip
INDIGO = [
    "#F0F1FC",
    "#DADDF3",
    "#BCC4F2",
    "#9AA5EA",
    "#96A2FF",
    "#6B77D6",
    LIGHT["power"],
    "#3A48A8",
    "#303C8C",
    "#252E6C",
]
GREY = [
    DARK["ink"],
    "#C5CDD5",
    DARK["muted"],
    "#76828F",
    "#4A5662",
    DARK["line"],
    DARK["card"],
    DARK["card"],
    DARK["page"],
    "#0C1013",
]
THEME = {
    "fontFamily": FONT,
    "primaryColor": "indigo",
    "colors": {"indigo": INDIGO, "dark": GREY},
    "primaryShade": {"light": 6, "dark": 4},
}
OWN = "own"  # a list of choices has no empty value
KEYS = (
    ("/", "find a parameter"), ("Esc", "clear the search"), ("r", "reset the focused control"), ("k", "keep this scenario"),
    ("← →", "one step of a slider, or one hour on the schematic"), ("?", "this list"),
)  # fmt: skip


def shell() -> Any:
    """Layout of the app."""
    header = html.Div(
        [
            html.Span("twin", className="brand"), html.Div(id="facts"), html.Span(className="grow"),
            dmc.Select(
                id="step", data=[{"value": key or OWN, "label": key or "Weather's step"} for key in STEPS], value=OWN, size="xs", allowDeselect=False,
                w=134, withCheckIcon=False, **named("Time step of the run"),
            ),
            dmc.SegmentedControl(
                id="system", data=[{"value": "si", "label": "SI"}, {"value": "ip", "label": "IP"}], value="si", size="xs", persistence=True,
                attributes={"root": {"aria-label": "Units"}},
            ),
            dmc.ColorSchemeToggle(
                id="theme", lightIcon=icon("sun"), darkIcon=icon("moon"), color="gray", variant="subtle", size="md",
                attributes={"root": {"aria-label": "Light or dark"}},
            ),
            html.Button(icon("help-circle"), id="help", className="plain", title="Help and keys", **named("Help and keys")),
        ],
        className="bar",
    )  # fmt: skip
    rail = html.Div(
        [_link(n, path, name, image) for n, (path, name, image) in enumerate(PAGES)],
        className="rail",
    )  # fmt: skip
    working = html.Div(
        [html.Span(id="working-text", role="status"), html.Div(html.Div(id="working-bar"), className="track"), html.Button("Cancel", id="working-cancel", className="button")],
        id="working", className="card working hidden",
    )  # fmt: skip
    help_box = dmc.Modal(
        id="help-box", title="Keys", opened=False, size="sm",
        children=[html.Div([html.Div([html.B(key), html.Span(text)]) for key, text in KEYS], className="pairs"),
                  html.P([dcc.Link("Definitions of every number", href="/definitions")])],
    )  # fmt: skip
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh=False), dcc.Store(id="state"), dcc.Store(id="chosen"), dcc.Store(id="scenarios", storage_type="session"),
            dcc.Store(id="void"), dcc.Store(id="void-2"), help_box, working,
            dmc.AppShell(
                [dmc.AppShellHeader(header), dmc.AppShellNavbar(html.Nav(rail, **named("Pages"))), dmc.AppShellMain(html.Main(id="page"))],
                header={"height": 48}, navbar={"width": 84, "breakpoint": 0}, padding=0,
            ),
        ],
        theme=THEME, defaultColorScheme="light",
    )  # fmt: skip


def _link(n: int, path: str, name: str, icon_name: str) -> html.Div:
    return html.Div(
        dcc.Link([icon(icon_name), html.Span(name)], id=f"nav-{n}", href=path),
        **named(name, **{"data-page": path}),
    )


def show_facts(run: Run, names: Any) -> None:
    """Put the facts of a run into the header; an output of each page's callback would make every page need the others."""
    set_props("facts", {"children": facts(run, names)})


def facts(run: Run, names: Any) -> list[Any]:
    """Name · weather · span and step · closure of the energy balance."""
    step, hours = float(run.ds.attrs["step_s"]), float(run.summary.hours)
    span = "1 year" if 8759 <= hours <= 8784 else f"{hours:,.0f} h"
    pace = "hourly" if step == 3600 else f"{step / 60:g} min steps" if step >= 60 else f"{step:g} s steps"
    weather = run.changes.get("site.weather", run.ds.attrs["weather"])
    weather = (
        names(weather)
        if weather.startswith(UPLOAD)
        else run.ds.attrs["weather"].replace("-", " ").capitalize()
    )
    closure = f"energy closes to {run.summary.energy_closure:.0e}".replace("e-0", "e-")
    changed = (
        [html.Span(f"{len(run.changes)} change{'s' if len(run.changes) > 1 else ''}", className="changed")]
        if run.changes
        else []
    )
    return [
        html.Span(run.summary.site),
        *changed,
        html.Span(weather),
        html.Span(f"{span}, {pace}"),
        html.Span(closure, className="soft"),
    ]
