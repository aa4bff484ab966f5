"""What the page says of a change: chips, verdict with warnings, the table of scenarios."""

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from twin_dashboard import format as fmt
from twin_dashboard import tiles
from twin_dashboard.cache import Run
from twin_dashboard.controls import Control, shown_change
from twin_dashboard.margins import Warning, margins, warnings
from twin_dashboard.parts import icon, named
from twin_dashboard.state import State, to_query

COLUMNS = ("pue", "mean", "peak", "wue", "chip", "throttled", "compressors", "cost", "tokens")
HEADS = {
    "pue": "PUE",
    "mean": "Mean MW",
    "peak": "Peak MW",
    "wue": "WUE",
    "chip": "Chip",
    "throttled": "Throttled h",
    "compressors": "Compr. h",
    "cost": "Cost",
    "tokens": "Tokens",
}


def change_chips(state: State, known: Mapping[str, Control], system: str, applied: bool = True) -> list[Any]:
    """Count and a chip per change, each with a cross."""
    n = len(state.changes)
    if not n:
        return [
            html.Span("No change yet", className="count"),
            html.Span("Move a control and the year is computed again.", className="muted"),
        ]
    count = f"{n} change{'s' if n > 1 else ''}"
    out: list[Any] = [
        html.Span(
            count if applied else f"{count}, not applied", className="count" if applied else "count worse"
        )
    ]
    for address, text in state.changes.items():
        control = known.get(address)
        name, before, after = address, "", text
        if control is not None:
            name, before = (
                control.label,
                control.text
                if control.kind == "number"
                else dict(control.options).get(control.base, str(control.base)),
            )
            after, _ = shown_change(control, text, system)
            if control.prefix:
                after = (
                    f"{control.prefix}+ {after}"
                    if not after.startswith("−")
                    else f"{control.prefix}− {after[1:]}"
                )
        out.append(
            html.Span(
                [html.Span(name), html.Span(f"{_short(before)} → " if before else "→ ", className="from"), html.Span(_short(after), className="to"),
                 html.Button(icon("x"), className="plain", **named(f"Undo {name}", **{"data-drop": address}))],
                className="chip", title=f"{address}={text}",
            )
        )  # fmt: skip
    return out


def _short(text: str) -> str:
    return text if len(text) <= 26 else text[:25] + "…"


def verdict(run: Run, old: Run | None, state: State, system: str) -> list[Any]:
    """One sentence, then at most three lines that matter."""
    say = sentence(run, old)
    found = warnings(run.ds, run.summary, margins(run.ds, system), system)
    lines = (
        found
        if len(found) <= 2
        else [
            found[0],
            Warning(
                found[1].state,
                f"{len(found) - 1} more",
                ": " + "; ".join(f"{w.head}{w.tail}".rstrip(".") for w in found[1:]) + ".",
            ),
        ]
    )
    return [html.Div(say, className="say"), html.Div([_line(w, state) for w in lines], className="lines")]


def sentence(run: Run, old: Run | None) -> list[Any]:
    """'Saves 1,569 MWh and $112 k a year (−1.9 %).'"""
    s, sign = run.summary, tiles.currency(run)
    compressors = tiles.compressor_hours(s)
    if old is None:
        peak = f"{s.peak_facility_kw / 1000:.2f} MW at its peak"
        hours = f" Compressors run {fmt.number(compressors, 'hours')} h." if compressors is not None else ""
        return [html.B("Baseline:"), f" {fmt.number(s.facility_energy_kwh, 'energy')} MWh".replace(fmt.number(s.facility_energy_kwh, "energy"), f"{s.facility_energy_kwh / 1000:,.0f}"),
                f" and {' '.join(fmt.money(s.energy_cost, sign))} a year, {peak}.{hours}"]  # fmt: skip
    gap = s.facility_energy_kwh - old.summary.facility_energy_kwh
    cost = s.energy_cost - old.summary.energy_cost
    share = 100.0 * gap / old.summary.facility_energy_kwh if old.summary.facility_energy_kwh else 0.0
    if abs(gap) < 500.0:
        words: list[Any] = [html.B("No energy saved or lost: "), "the difference is under 1 MWh a year."]
    else:
        verb = "Saves" if gap < 0 else "Costs"
        amount = " ".join(fmt.money(abs(cost), sign)).strip()
        words = [
            html.B(f"{verb} {abs(gap) / 1000:,.0f} MWh and {amount} a year"),
            f" ({fmt.plain(share, 1, sign=True)} %).",
        ]
        if gap * cost < 0:
            words = [
                html.B(f"{verb} {abs(gap) / 1000:,.0f} MWh a year"),
                f" ({fmt.plain(share, 1, sign=True)} %); the bill moves by {amount} the other way.",
            ]
    if s.it_energy_kwh and abs(s.it_energy_kwh / old.summary.it_energy_kwh - 1.0) > 5e-4:
        words.append(
            f" IT {fmt.plain(100 * (s.it_energy_kwh / old.summary.it_energy_kwh - 1), 1, sign=True)} %."
        )
    before = tiles.compressor_hours(old.summary)
    if compressors is not None and before is not None and round(compressors) != round(before):
        words += [" Compressors run ", html.B(f"{compressors:,.0f} h"), f" instead of {before:,.0f}."]
    return words


def _line(warning: Warning, state: State) -> html.Div:
    symbol = {"bad": "circle-x", "watch": "alert-triangle"}.get(warning.state, "info-circle")
    link = []
    if warning.when is not None:
        link = [
            dcc.Link(
                "show hours" if warning.state == "bad" else "show hour",
                href=f"/schematic{to_query(state)}#h={warning.when}",
                className="quiet",
            )
        ]
    text = f"{warning.head}{warning.tail}"
    return html.Div(
        [
            icon(symbol),
            html.Div([html.B(warning.head), warning.tail], className="words", title=text),
            html.Span(className="remedy"),
            *link,
        ],
        className=f"line {warning.state}",
    )


def throttled_hours(run: Run) -> float:
    """Hours in which any accelerator is held back."""
    step_h = float(run.ds.attrs["step_s"]) / 3600.0
    return float((run.ds["rack_throttled"].values > 0.0).any(axis=0).sum() * step_h)


def scenario_table(rows: list[tuple[str, int, Any]], state: State, system: str) -> Any:
    """One row per scenario; best of each column in bold, what passes a limit in its colour."""
    runs = [r for _, _, r in rows if isinstance(r, Run)]
    best: dict[str, float] = {}
    for key in COLUMNS:
        values = [v for v in (_value(key, r) for r in runs) if v is not None and fmt.defined(v)]
        if len(runs) > 1 and values:
            best[key] = max(values) if key == "tokens" else min(values)
    units = {"chip": fmt.unit("temperature", system), "wue": fmt.unit("wue", system), "tokens": "G/MWh"}
    columns = [k for k in COLUMNS if k != "tokens" or any(_value(k, r) is not None for r in runs)]
    head = html.Tr(
        [html.Th("Scenario"), *[html.Th(f"{HEADS[k]} {units.get(k, '')}".strip()) for k in columns]]
    )
    body = []
    for name, index, run in rows:
        changes = run.changes if isinstance(run, Run) else None
        current = changes == state.changes
        note = (
            [html.Span("  baseline", className="muted")]
            if changes == state.base
            else [_act("make baseline", "base", index)]
            if index != -2 and changes is not None
            else []
        )
        own = [_act("rename", "rename", index), _act("delete", "delete", index)] if index >= 0 else []
        title = (
            html.Span(name)
            if index == -2
            else html.Button(
                name,
                id={"type": "scene", "do": "load", "index": index},
                className="plain title",
                title="Load this scenario",
            )
        )
        first = html.Td([title, *note, *own])
        if not isinstance(run, Run):
            body.append(
                html.Tr(
                    [
                        first,
                        html.Td(
                            run.splitlines()[0][:140],
                            colSpan=len(columns),
                            className="passed" if not run.startswith("not run") else "muted",
                        ),
                    ]
                )
            )
            continue
        body.append(
            html.Tr(
                [first, *[_cell(k, run, best, system) for k in columns]],
                className="current" if current else "",
            )
        )
    return html.Table([html.Thead(head), html.Tbody(body)], className="plain")


def _act(label: str, do: str, index: int) -> html.Button:
    return html.Button(label, id={"type": "scene", "do": do, "index": index}, className="plain")


def _value(key: str, run: Run) -> float | None:
    return throttled_hours(run) if key == "throttled" else tiles.METRICS[key].value(run.summary)


def _cell(key: str, run: Run, best: Mapping[str, float], system: str) -> html.Td:
    value = _value(key, run)
    if key == "throttled":
        text, passed = fmt.number(value, "hours"), bool(value)
    elif key == "cost":
        text, passed = "".join(fmt.money(value, tiles.currency(run))), False
    else:
        text, passed = (
            fmt.number(value, tiles.METRICS[key].quantity, system),
            key == "chip" and bool(throttled_hours(run)),
        )
    is_best = key in best and fmt.defined(value) and value == best[key]
    return html.Td(text, className="passed" if passed else "best" if is_best else "")
