"""What if it fails: how long do we have, and would another design last longer?"""

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from twin.errors import RunError
from twin.loads.read import loads
from twin.transients.report import span
from twin_dashboard import failing
from twin_dashboard import format as fmt
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.failing import Case, Played, Player
from twin_dashboard.figures import failing as figures
from twin_dashboard.names import readable
from twin_dashboard.parts import graph, legend, named, panel, problems, tile
from twin_dashboard.state import from_store

NAME = "Failures"
HEIGHT = "230px"
BLANK = "Choose a failure and press 'Play it'. The facility starts at rest at this load and weather; what follows is computed in about a second."
FIELDS = ("events", "load", "until", "start", "b")


def layout() -> Any:
    """The failure and a second design on the left, what happens on the right."""
    form = [
        html.Div(id="fail-a", className="muted"),
        dmc.Select(id="fail-choice", label="What fails", data=[], searchable=True, clearable=True, placeholder="Choose from this site …", size="xs"),
        dmc.Textarea(
            id="fail-events", label="Events, one a line", placeholder="t=60s trip cooling.fws.pump", autosize=True, minRows=2, maxRows=8, size="xs",
            description="also start, degrade, stick, free, block, leak, set, load, weather",
        ),
        dmc.TextInput(id="fail-load", label="Load", value="100 %", size="xs", description="share of full load, or " + ", ".join(list(loads())[:3])),
        dmc.TextInput(id="fail-until", label="Play for", value=failing.LENGTH, size="xs"),
        dmc.TextInput(id="fail-start", label="Weather from", placeholder="0.4 % design hour, held", size="xs", description="or a moment such as 2023-07-01T14:00"),
        html.H3("Design B", style={"margin": "12px 0 2px", "fontSize": "13px"}),
        html.Div("Changes to design A; without any only A is played.", className="muted"),
        dmc.Select(id="fail-idea", label="Add a change", data=[], searchable=True, clearable=True, placeholder="Buffer, UPS, one more …", size="xs"),
        dmc.Textarea(id="fail-b", label="Changes, one a line", placeholder="cooling.fws.buffer=20 m3", autosize=True, minRows=2, maxRows=8, size="xs"),
        html.Button("Play it", id="fail-go", className="button primary", style={"marginTop": "10px", "width": "100%", "justifyContent": "center"}),
        html.Div(id="fail-said", role="status", className="muted", style={"marginTop": "6px"}),
    ]  # fmt: skip
    return [
        dcc.Store(id="fail-asked"),
        html.Div(
            [
                panel("The failure", form, className="left"),
                html.Div(id="fail-result", children=[html.Div(BLANK, className="blank")]),
            ],
            className="sizing failures",
        ),
    ]  # fmt: skip


def register(app: Dash, context: Context) -> None:
    """Lists of the site, words into lines, and one press that plays."""
    player = Player(context)

    @app.callback(
        Output("fail-choice", "data"),
        Output("fail-idea", "data"),
        Output("fail-a", "children"),
        Input("state", "data"),
    )
    def lists(state: Any) -> Any:
        if state is None:
            raise PreventUpdate
        shown = from_store(state)
        try:
            site, _, _ = context.results.facility(shown.site, shown.changes)
            found = failing.choices(site)
        except FAULTS as error:
            return [], [], problems(error)
        groups: dict[str, list[dict[str, str]]] = {}
        for key, one in found.items():
            groups.setdefault(one.group, []).append({"value": key, "label": one.label})
        changes = [{"value": line, "label": words} for line, words in failing.ideas(site).items()]
        return (
            [{"group": name, "items": items} for name, items in groups.items()],
            changes,
            design_a(site.name, len(shown.changes)),
        )

    @app.callback(
        Output("fail-events", "value"), Output("fail-until", "value"), Output("fail-load", "value"),
        Input("fail-choice", "value"), State("state", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def chosen(key: str | None, state: Any) -> Any:
        shown = from_store(state)
        try:
            one = failing.choices(context.results.facility(shown.site, shown.changes)[0]).get(key or "")
        except FAULTS:
            one = None
        if one is None:
            raise PreventUpdate
        return "\n".join(one.events), one.until, one.load or no_update

    @app.callback(
        Output("fail-b", "value"),
        Output("fail-idea", "value"),
        Input("fail-idea", "value"),
        State("fail-b", "value"),
        prevent_initial_call=True,
    )
    def added(line: str | None, written: str | None) -> Any:
        if not line:
            raise PreventUpdate
        address = line.partition("=")[0]
        kept = [one for one in failing.lines_in(written) if one.partition("=")[0].strip() != address]
        return "\n".join([*kept, line]), None

    app.clientside_callback(
        "function (n, events, load, until, start, b) { return n ? {n: n, events: events || '', load: load || '', until: until || '', start: start || '', b: b || ''}"
        " : window.dash_clientside.no_update; }",
        Output("fail-asked", "data"), Input("fail-go", "n_clicks"), *[State(f"fail-{name}", "value") for name in FIELDS], prevent_initial_call=True,
    )  # fmt: skip

    @app.callback(
        Output("fail-result", "children"), Output("fail-said", "children"),
        Input("fail-asked", "data"), Input("system", "value"), Input("theme", "computedColorScheme"), State("state", "data"),
        running=[(Output("fail-go", "disabled"), True, False)], prevent_initial_call=True,
    )  # fmt: skip
    @context.threaded
    def play(asked: Any, system: str, theme: str | None, state: Any) -> Any:
        if not isinstance(asked, dict):
            raise PreventUpdate
        asked = {name: asked[name] if isinstance(asked.get(name), str) else "" for name in FIELDS}
        shown = from_store(state)
        case = Case(
            shown.site, tuple(sorted(shown.changes.items())), tuple(failing.lines_in(asked["events"])), asked["until"].strip() or failing.LENGTH,
            asked["load"].strip(), asked["start"].strip(),
        )  # fmt: skip
        try:
            designs = [player.play(case)]
        except FAULTS as error:
            return no_update, _said(error)
        said: list[Any] = []
        changes = dict(shown.changes)
        cases = [case]
        try:
            more = failing.changes_in(asked["b"])
            if more:
                cases.append(case._replace(changes=tuple(sorted({**changes, **more}.items()))))
                designs.append(player.play(cases[1]))
        except FAULTS as error:
            cases = cases[:1]
            said = [html.B("Design B is not played."), *_said(error)]
        site = context.sessions.name(shown.site) if shown.site else context.default.name
        commands = [
            failing.command(one, site, {k: context.sessions.name(v) for k, v in one.changes}) for one in cases
        ]
        return result(designs, commands, theme or "light", system), said


def design_a(site: str, changes: int) -> str:
    """What is played as design A."""
    with_ = f" with {changes} change{'s' if changes > 1 else ''} of What if" if changes else ""
    return f"Design A: {site}{with_}."


def _said(error: Exception) -> list[Any]:
    """What went wrong, with what this page offers instead."""
    if isinstance(error, RunError) and type(error) is RunError:
        return [
            *problems(error),
            html.P(
                "There may be no state of rest to start from: try a lower load, or a cooler moment.",
                className="muted",
            ),
        ]
    return list(problems(error))


def result(designs: Sequence[Played], commands: Sequence[str], theme: str, system: str) -> list[Any]:
    """Countdown of each design, one sentence, four charts, what happened, rack groups, the commands."""
    data = [one.ds for one in designs]
    two = len(designs) > 1
    marks = (
        html.Span([html.Span([html.I(className=style), words], className="swatch wide") for style, words in (("dashed", "design A"), ("solid", "design B"))], className="legend")
        if two else None
    )  # fmt: skip

    def chart(name: str, subject: str, sub: str, names: Sequence[str], figure: Any) -> Any:
        drawn = graph(f"fail-{name}", HEIGHT, f"{subject} over time", figure)
        return panel(subject, [legend(figures.legend(names)), drawn], sub, marks)

    happened = [
        panel(f"What happened{f' in {letter}' if two else ''}", html.Ol(
            [html.Li([html.B(_moment(moment)), " ", words]) for moment, words in figures.happened(ds)], className="happened",
        ), "numbers as in the charts")
        for letter, ds in (zip("AB", data, strict=False) if two else [("", data[0])])
    ]  # fmt: skip
    return [
        html.Div([html.Div(countdown(one, "AB"[n] if two else "", system), className="tiles", id=f"fail-{'ab'[n]}-tiles") for n, one in enumerate(designs)], className="rows"),
        html.Div(verdict(designs, system), className="card notice", id="fail-verdict", role="status"),
        html.Div([
            chart("chips", "Chips", "hottest of each group", figures.hot_groups(data), figures.chips(data, theme, system)),
            chart("supplies", "Supply temperatures", "loops and rooms", figures.warm_loops(data), figures.supplies(data, theme, system)),
            chart("flows", "Flows", "of the flow before", figures.moving_loops(data), figures.flows(data, theme)),
            chart("charge", "UPS charge", "all batteries together", ["UPS"], figures.charge(data, theme)),
        ], className="halves"),
        html.Div([*happened, *([] if two else [panel("Rack groups", racks(designs, system), "times since the first event")])], className="halves"),
        *([panel("Rack groups", racks(designs, system), "times since the first event")] if two else []),
        panel("Copy as command", [
            html.Div([html.Code(words, id=f"fail-command-{n}"), dcc.Clipboard(target_id=f"fail-command-{n}", title="Copy as command", className="quiet")], className="command")
            for n, words in enumerate(commands)
        ]),
    ]  # fmt: skip


def _moment(seconds: float) -> str:
    return "at once" if abs(seconds) < 0.05 else f"after {span(seconds)}"


def _time(seconds: float | None, until: str) -> tuple[str, str]:
    value, _, unit = span(seconds).partition(" ")
    return ("never", f"in {until}") if seconds is None else (value, unit)


def countdown(one: Played, letter: str, system: str) -> list[Any]:
    """Six tiles of one design."""
    s, ds = one.summary, one.ds
    until = span(s.until_s - float(ds.attrs["first_event_s"]))
    group, gap, hottest = _hottest(one)
    flows = figures.moving_loops([ds])
    least = s.loops[flows[0]].lowest_flow_share if flows else None
    limiting = s.limiting_element or ""
    dark = limiting.startswith("power.")
    who = readable(limiting.removeprefix("racks.").removeprefix("power.")) if limiting else "—"
    charge = figures.left(ds)
    empty = next((moment for moment, words in figures.happened(ds) if words == "batteries are empty"), None)
    drawn = (
        f"empty {_moment(empty)}"
        if empty is not None
        else f"{s.battery_kwh:,.1f} kWh given"
        if s.battery_kwh > 0.0
        else "not used"
    )
    lost = "racks lose power" if dark else limiting or "nothing stops"
    before = f"{letter}: " if letter else ""
    times = (
        (f"{letter}: to throttle", f"{letter}: to shutdown")
        if letter
        else ("Time to throttle", "Time to shutdown")
    )
    return [
        tile(times[0], *_time(s.time_to_throttle_s, until), "chips slow down" if s.time_to_throttle_s is not None else "no chip is slowed", "watch" if s.time_to_throttle_s is not None else "", name="throttle"),
        tile(times[1], *_time(s.time_to_shutdown_s, until), "first racks stop" if s.time_to_shutdown_s is not None else "no rack stops", "bad" if s.time_to_shutdown_s is not None else "", name="shutdown"),
        tile(f"{before}Gives way first", who, "", lost, why=lost, name="limiting"),
        tile(f"{before}Hottest chip", fmt.number(hottest, "temperature", system), fmt.unit("temperature", system) if hottest is not None else "",
             "no accelerators" if gap is None else f"{readable(group)}: at its limit" if gap <= 0.05 else f"{fmt.text(gap, 'difference', system)} to throttling", name="chip"),
        tile(f"{before}Lowest flow", "—" if least is None else fmt.number(least, "share"), "%" if least is not None else "", f"of before, in {readable(flows[0])}" if flows else "nothing flowed", name="flow"),
        tile(f"{before}UPS charge at end", "—" if charge is None else fmt.number(float(charge[-1]), "share"), "" if charge is None else "%", "no batteries" if charge is None else drawn, name="ups"),
    ]  # fmt: skip


def _hottest(one: Played) -> tuple[str, float | None, float | None]:
    """Group with the hottest chip, kelvins from there to throttling, and the temperature; the last two None without chips."""
    known = {
        name: group.hottest_chip_c
        for name, group in one.summary.racks.items()
        if group.hottest_chip_c is not None
    }
    if not known:
        return "", None, None
    name = max(known, key=lambda key: known[key])
    return name, float(one.ds.sel(rack=name)["rack_throttle_temperature"]) - known[name], known[name]


def verdict(designs: Sequence[Played], system: str) -> str:
    """What a person would say of it."""
    said = []
    for n, one in enumerate(designs):
        s = one.summary
        until = span(s.until_s - float(one.ds.attrs["first_event_s"]))
        name = f"Design {'AB'[n]}: " if len(designs) > 1 else ""
        if s.time_to_shutdown_s is not None and (s.limiting_element or "").startswith("power."):
            words = (
                f"racks lose power after {span(s.time_to_shutdown_s)}"
                if s.time_to_shutdown_s > 0.0
                else "racks lose power at once"
            )
            if s.time_to_throttle_s is not None:
                words = f"chips throttle after {span(s.time_to_throttle_s)} and {words}"
        elif s.time_to_shutdown_s is not None:
            words = f"the first racks stop after {span(s.time_to_shutdown_s)}"
            if s.time_to_throttle_s is not None:
                words = f"chips throttle after {span(s.time_to_throttle_s)} and {words}"
        elif s.time_to_throttle_s is not None:
            words = f"chips throttle after {span(s.time_to_throttle_s)}; no rack stops within {until}"
        else:
            words = f"nothing throttles or stops within {until}"
        said.append(name + (words if name else words[:1].upper() + words[1:]) + ".")
    return " ".join(said)


def racks(designs: Sequence[Played], system: str) -> Any:
    """Times and the hottest chip of every rack group."""
    heads = (
        "Racks",
        "Throttle",
        "Shutdown",
        "Inlet limit",
        f"Hottest chip, {fmt.unit('temperature', system)}",
        "Work lost",
    )
    rows = []
    for n, one in enumerate(designs):
        for name, group in list(one.summary.racks.items())[:100]:
            rows.append(html.Tr([
                html.Td(f"{readable(name)}{f' {chr(65 + n)}' if len(designs) > 1 else ''}"),
                *[html.Td(span(t)) for t in (group.time_to_throttle_s, group.time_to_shutdown_s, group.time_to_inlet_limit_s)],
                html.Td(fmt.number(group.hottest_chip_c, "temperature", system)), html.Td(span(group.lost_activity_s) if group.lost_activity_s > 0.05 else "none"),
            ]))  # fmt: skip
    table = html.Table(
        [html.Thead(html.Tr([html.Th(words) for words in heads])), html.Tbody(rows)],
        className="plain",
        id="fail-racks",
    )
    return html.Div(table, className="table-scroll", **named("Rack groups"))
