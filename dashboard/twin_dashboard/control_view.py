"""A control as HTML: label, slider with number or a list, allowed range, baseline, and what stands behind it.

Rows are one string with plain inputs, which ``twin.js`` puts into the page and listens to: a hundred of them as
components of their own would make every step of a slider a tenth of a second slower.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from twin_dashboard.controls import Control, shown_change
from twin_dashboard.format import plain
from twin_dashboard.technologies import Technology, as_meta


def group(title: str, rows: Sequence[str]) -> str:
    """Rows under a heading; '' has none."""
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<div class="group">{head}{"".join(rows)}</div>'


def meta(control: Control, changes: Mapping[str, str], system: str) -> dict[str, Any]:
    """What the browser must know of a control, small."""
    out: dict[str, Any] = {"kind": control.kind, "base": control.base}
    if control.kind == "number":
        unit = "degF" if control.unit == "delta_degF" else control.unit
        out |= {
            "low": control.low,
            "high": control.high,
            "unit": unit,
            "label": control.unit_label,
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


def row(control: Control, changes: Mapping[str, str], system: str) -> str:
    """One control."""
    changed = control.address in changes
    value = control.base
    if changed:
        _, found = shown_change(control, changes[control.address], system)
        value = control.base if found is None else found
    label = escape(control.label)
    head = (
        f'<div class="control-1"><span class="name" title="{label}">{label}</span>'
        f'<button type="button" class="plain info" aria-label="About {label}" data-info="{escape(json.dumps(about(control, system)))}">{_icon("info-circle")}</button>'
        f'<button type="button" class="plain reset" aria-label="Reset {label}">{_icon("arrow-back-up")}reset</button></div>'
    )
    body = _choice(control, value) if control.kind == "choice" else _number(control, value)
    words = escape(f"{control.label} {control.address}".lower())
    return (
        f'<div class="control{" changed" if changed else ""}" data-row="{escape(control.address)}" data-words="{words}" '
        f'data-meta="{escape(json.dumps(meta(control, changes, system)))}">{head}{body}</div>'
    )


def row_off(label: str, reason: str) -> str:
    """A control that cannot act in this site, greyed, with the reason."""
    words = escape(label)
    return (
        f'<div class="control off"><div class="control-1"><span class="name">{words}</span></div>'
        f'<div class="control-2"><div class="range"><input type="range" disabled aria-label="{words}"></div>'
        f'<div class="field"><input type="text" disabled value="—" aria-label="{words}, number"></div>'
        f'</div><div class="why">{escape(reason[:1].upper() + reason[1:])}.</div></div>'
    )


def row_technology(address: str, label: str, choices: Sequence[Technology]) -> str:
    """The cooling technology of a rack group; what this site cannot take is greyed, with the reason below the list."""
    words, last = escape(label), choices[0]
    base = escape(last.label)
    options = "".join(
        f'<option value="{escape(one.value)}"{f""" disabled title="{escape(one.why_not)}" """ if one.why_not else ""}>'
        f"{escape(one.label)}{f' — {escape(one.why_not)}' if one.why_not else ''}</option>"
        for one in choices
    )
    lines = [("b", label), ("code", f"{address}.system, {address}.heat_to")]
    lines.append(
        ("p", "Sets the server form and where its heat goes together. Forms of the same accelerator:")
    )
    lines += [("p", f"{one.label}{f'. Not here: {one.why_not}' if one.why_not else ''}.") for one in choices]
    off = [one for one in choices if one.why_not]
    why = (
        f'<div class="why">{len(off)} greyed: {escape(off[0].why_not)}{" …" if len(off) > 1 else ""}</div>'
        if off
        else ""
    )
    return (
        f'<div class="control" data-row="{escape(address)}.technology" data-words="{words.lower()} {escape(address)}" '
        f'data-meta="{escape(json.dumps(as_meta(choices)))}"><div class="control-1"><span class="name" title="{words}">{words}</span>'
        f'<button type="button" class="plain info" aria-label="About {words}" data-info="{escape(json.dumps(lines))}">{_icon("info-circle")}</button>'
        f'<button type="button" class="plain reset" aria-label="Reset {words}">{_icon("arrow-back-up")}reset</button></div>'
        f'<div class="pick"><select aria-label="{words}">{options}<option value="" hidden>set by hand</option></select></div>'
        f'<div class="control-3"><span></span><span title="{base}">baseline {base}</span></div>{why}</div>'
    )


def _icon(name: str) -> str:
    return f'<span class="icon" style="--icon: url(\'/assets/icons/{name}.svg\')" aria-hidden="true"></span>'


def _choice(control: Control, value: Any) -> str:
    options = "".join(
        f'<option value="{escape(str(v))}"{" selected" if v == value else ""}>{escape(t)}</option>'
        for v, t in control.options
    )
    base = escape(str(dict(control.options).get(control.base, control.base)))
    return (
        f'<div class="pick"><select aria-label="{escape(control.label)}">{options}</select></div>'
        f'<div class="control-3"><span></span><span title="{base}">baseline {base}</span></div>'
    )


def _number(control: Control, value: float) -> str:
    unit = f" {control.unit_label}" if control.unit_label else ""
    low, high = min(control.slide_low, value), max(control.slide_high, value)
    at = (control.base - low) / (high - low or 1.0)
    base = f"baseline {control.prefix and control.prefix + ('− ' if control.base < 0 else '+ ')}{plain(abs(control.base) if control.prefix else control.base, control.decimals)}{unit}"
    allowed = (
        f"allowed {control.allowed}".replace(" to ", " – ").replace(" count", "").replace("100000", "100,000")
    )
    name = escape(f"{control.label}{f' [{control.unit_label}]' if unit else ''}")
    return (
        f'<div class="control-2"><div class="range"><i style="left:calc(8px + (100% - 16px) * {at:.4f})"></i>'
        f'<input type="range" min="{low:.9g}" max="{high:.9g}" step="{control.step:.9g}" value="{value:.9g}" aria-label="{name}"></div>'
        f'<div class="field"><input type="text" inputmode="decimal" autocomplete="off" aria-label="{escape(control.label)}, number"><span>{escape(control.unit_label)}</span></div></div>'
        f'<div class="control-3"><span title="{escape(control.bound_source)}">{escape(allowed)}</span><span>{escape(base)}</span></div>'
    )


def about(control: Control, system: str) -> list[tuple[str, str]]:
    """Lines of the information card: tag and text; the browser sets them as text, never as markup."""
    lines = [("b", control.label), ("code", control.address), ("p", f"Baseline: {control.text}")]
    if control.kind == "number":
        lines.append(("p", f"Allowed: {control.allowed}. Limit from: {control.bound_source or 'the model'}."))
    lines.append(("p", f"Source: {control.source} ({control.confidence})."))
    if control.reason:
        lines.append(("p", f"Why: {control.reason}."))
    return lines
