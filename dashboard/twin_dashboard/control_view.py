"""A control as HTML: label, slider with number or a list, allowed range, baseline, and what stands behind it."""

import json
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import html

from twin_dashboard.controls import Control, shown_change
from twin_dashboard.format import plain
from twin_dashboard.parts import icon

NUMBER_DIGITS = 6


def meta(control: Control, changes: Mapping[str, str], system: str) -> dict[str, Any]:
    """What the browser must know of a control, small."""
    out: dict[str, Any] = {"kind": control.kind, "base": control.base}
    if control.kind == "number":
        unit = "degF" if control.unit == "delta_degF" else control.unit
        out |= {
            "low": control.low,
            "high": control.high,
            "unit": unit,
            "decimals": control.decimals,
            "prefix": control.prefix,
            "whole": control.step == 1.0 and not control.unit and control.decimals == 0 and _counts(control),
        }
    if control.address in changes:
        _, value = shown_change(control, changes[control.address], system)
        if value is not None:
            out |= {"now": value, "from": changes[control.address]}
    return out


def _counts(control: Control) -> bool:
    return control.address.rsplit(".", 1)[-1] in ("count", "spare", "out_of_service")


def row(control: Control, changes: Mapping[str, str], system: str) -> html.Div:
    """One control."""
    changed = control.address in changes
    value = control.base
    if changed:
        _, found = shown_change(control, changes[control.address], system)
        value = control.base if found is None else found
    head = html.Div(
        [
            html.Span(control.label, className="name", title=control.label),
            html.Button(icon("info-circle"), className="plain info", type="button", **{"aria-label": f"About {control.label}", "data-info": json.dumps(about(control, system))}),
            html.Button([icon("arrow-back-up"), "reset"], id={"type": "reset", "address": control.address}, className="plain reset", **{"aria-label": f"Reset {control.label}"}),
        ],
        className="control-1",
    )  # fmt: skip
    body = _choice(control, value) if control.kind == "choice" else _number(control, value)
    words = f"{control.label} {control.address}".lower()
    return html.Div(
        [head, *body],
        className="control changed" if changed else "control",
        **{"data-row": control.address, "data-words": words},
    )


def _choice(control: Control, value: Any) -> list[Any]:
    select = dmc.Select(
        id={"type": "choice", "address": control.address}, data=[{"value": v, "label": t} for v, t in control.options], value=value, allowDeselect=False,
        size="xs", searchable=len(control.options) > 8, comboboxProps={"withinPortal": True}, **{"aria-label": control.label},
    )  # fmt: skip
    base = dict(control.options).get(control.base, control.base)
    return [
        html.Div(select, style={"paddingLeft": "6px"}),
        html.Div([html.Span(""), html.Span(f"baseline {base}", title=str(base))], className="control-3"),
    ]


def _number(control: Control, value: float) -> list[Any]:
    unit = f" {control.unit_label}" if control.unit_label else ""
    slider = dmc.Slider(
        id={"type": "slider", "address": control.address}, min=min(control.slide_low, value), max=max(control.slide_high, value), step=control.step, value=value,
        updatemode="drag", label=None, marks=[{"value": control.base}], thumbLabel=f"{control.label}{f' [{control.unit_label}]' if unit else ''}", size=5, thumbSize=16,
        color="indigo",
    )  # fmt: skip
    number = dmc.NumberInput(
        id={"type": "number", "address": control.address}, value=value, suffix=unit, decimalScale=control.decimals + 1, hideControls=True,
        debounce=True, size="xs", clampBehavior="none", allowedDecimalSeparators=[".", ","], **{"aria-label": f"{control.label}, number"},
    )  # fmt: skip
    base = f"baseline {control.prefix and control.prefix + ('− ' if control.base < 0 else '+ ')}{plain(abs(control.base) if control.prefix else control.base, control.decimals)}{unit}"
    allowed = (
        f"allowed {control.allowed}".replace(" to ", " – ").replace(" count", "").replace("100000", "100,000")
    )
    return [
        html.Div([slider, number], className="control-2"),
        html.Div([html.Span(allowed, title=control.bound_source), html.Span(base)], className="control-3"),
    ]


def about(control: Control, system: str) -> list[tuple[str, str]]:
    """Lines of the information card: tag and text; the browser sets them as text, never as markup."""
    lines = [("b", control.label), ("code", control.address), ("p", f"Baseline: {control.text}")]
    if control.kind == "number":
        lines.append(("p", f"Allowed: {control.allowed}. Limit from: {control.bound_source or 'the model'}."))
    lines.append(("p", f"Source: {control.source} ({control.confidence})."))
    if control.reason:
        lines.append(("p", f"Why: {control.reason}."))
    return lines
