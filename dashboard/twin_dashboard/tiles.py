"""The numbers on top: which, from where, how shown, which direction is better."""

from collections.abc import Callable
from typing import Any, NamedTuple

from dash import html

from twin.metrics import Summary
from twin_dashboard import format as fmt
from twin_dashboard.cache import Run
from twin_dashboard.margins import Margin, margins
from twin_dashboard.parts import named, tile


class Metric(NamedTuple):
    """One number of a summary."""

    key: str
    label: str
    quantity: str  # of twin_dashboard.format, or 'money'
    value: Callable[[Summary], float | None]
    better: int  # -1 lower is better, 1 higher is, 0 neither


def mean_w(summary: Summary) -> float:
    """Mean facility power in W."""
    return summary.facility_energy_kwh * 1000.0 / float(summary.hours)


def compressor_hours(summary: Summary) -> float | None:
    """Hours with a compressor on; None where there is none."""
    if summary.partial_cooling_hours is None or summary.mechanical_hours is None:
        return None
    return float(summary.partial_cooling_hours + summary.mechanical_hours)


def tokens_g_per_mwh(summary: Summary) -> float | None:
    """Tokens (10⁹) for each MWh at the meter; None where the site has no token rate."""
    rate = summary.tokens_per_kwh_facility
    return None if rate is None else rate * 1000.0 / 1e9


METRICS: dict[str, Metric] = {
    m.key: m
    for m in (
        Metric("pue", "PUE, annual", "ratio", lambda s: s.pue, -1),
        Metric("mean", "Facility power, mean", "power_mw", mean_w, -1),
        Metric("peak", "Peak power", "power_mw", lambda s: s.peak_facility_kw * 1000.0, -1),
        Metric("cost", "Energy cost", "money", lambda s: s.energy_cost, -1),
        Metric("wue", "WUE, annual", "wue", lambda s: s.wue_l_per_kwh, -1),
        Metric("cue", "CUE, annual", "cue", lambda s: s.cue_kg_per_kwh, -1),
        Metric("chip", "Hottest chip", "temperature", lambda s: s.max_chip_temperature_degc, -1),
        Metric("tokens", "Tokens", "tokens", tokens_g_per_mwh, 1),
        Metric("compressors", "Compressors run", "hours", compressor_hours, -1),
    )
}
WHATIF = ("pue", "mean", "peak", "cost", "wue", "chip", "compressors")


def currency(run: Run) -> str:
    """Sign of the money in which the site states its price."""
    return {"USD": "$", "EUR": "€", "GBP": "£"}.get(run.summary.currency, f"{run.summary.currency} ")


def shown(metric: Metric, run: Run, system: str) -> tuple[str, str]:
    """Number and unit of a metric as printed."""
    value = metric.value(run.summary)
    if metric.quantity == "money":
        amount, multiple = fmt.money(value, currency(run))
        return amount, f"{multiple}/yr" if run.summary.hours >= 8759 else f"{multiple} a run"
    return fmt.number(value, metric.quantity, system), fmt.unit(metric.quantity, system)


def chip_state(found: list[Margin]) -> str:
    """State of the tile of the hottest chip."""
    return next((m.state for m in found if m.address.startswith("racks.")), "")


def tightest(found: list[Margin]) -> tuple[str, str, str, str]:
    """Value, unit, who and state of the smallest margin."""
    if not found:
        return "—", "", "no limit is known", ""
    worst = found[0]
    if worst.state == "bad":
        return fmt.number(worst.hours, "hours"), "h over", worst.name, "bad"
    left = max(0.0, 100.0 * (1.0 - worst.used))
    return fmt.plain(left, 0), "%", f"{worst.name} {worst.value}", worst.state


def overview(run: Run, system: str) -> list[Any]:
    """Eight tiles in a row."""
    s, found = run.summary, margins(run.ds, system)
    headroom = (
        "no accelerators"
        if s.chip_headroom_k is None
        else [html.B(fmt.text(s.chip_headroom_k, "difference", system)), " to throttling"]
    )
    if s.chip_headroom_k is not None and s.chip_headroom_k <= 0.0:
        headroom = [html.B("throttles"), f" {100 * s.throttled_share:.2g} %"]
    value, unit, who, state = tightest(found)
    cost, per = shown(METRICS["cost"], run, system)
    per_mwh = s.energy_cost / (s.facility_energy_kwh / 1000.0) if s.facility_energy_kwh else None
    sign = currency(run)
    water = fmt.text(s.water_m3, "volume", system)
    grid = s.carbon_kg / s.facility_energy_kwh if s.facility_energy_kwh else None
    return [
        tile("PUE, annual", *shown(METRICS["pue"], run, system), f"category PUE{s.pue_category}", name="pue"),
        tile("Facility power", fmt.number(mean_w(s), "power_mw"), "MW mean", f"peak {s.peak_facility_kw / 1000:.2f} MW", name="mean"),
        tile("WUE, annual", *shown(METRICS["wue"], run, system), f"{water} a year" if system == "si" else f"{s.water_m3 * 264.172 / 1e6:.3g} Mgal a year", name="wue"),
        tile("CUE, annual", *shown(METRICS["cue"], run, system), f"grid {fmt.text(grid, 'cue', system)}", name="cue"),
        tile("Hottest chip", *shown(METRICS["chip"], run, system), headroom, chip_state(found), name="chip"),
        tile("Tightest margin", value, unit, who, state, why=f"{found[0].name}: {found[0].value}, limit {found[0].limit}" if found else "", name="margin"),
        tile("Energy cost", cost, per, f"{sign}{per_mwh:.1f}/MWh mean" if per_mwh is not None else "no energy", name="cost"),
        tokens_tile(run, system),
    ]  # fmt: skip


def tokens_tile(run: Run, system: str) -> Any:
    """Tokens per MWh at the meter, and by which rate."""
    if run.summary.tokens_per_kwh_facility is None:
        why = "This site has no token rate. Give its racks a workload whose rate is known, and tokens per MWh appear."
        return tile("Tokens", "—", "", "no token rate", why=why, name="tokens")
    basis = "; ".join(run.summary.tokens_basis)
    below = "rate is an estimate" if "estimate" in basis else "by stated rate"
    return tile("Tokens", *shown(METRICS["tokens"], run, system), below, why=basis, name="tokens")


def compared(run: Run, base: Run | None, system: str) -> list[Any]:
    """Eight tiles with what changed: arrow is the direction, colour whether that is better."""
    found = margins(run.ds, system)
    out = []
    for key in WHATIF:
        metric = METRICS[key]
        value, unit = shown(metric, run, system)
        state = chip_state(found) if key == "chip" else ""
        out.append(tile(metric.label, value, unit, change_line(metric, run, base, system), state, name=key))
    value, unit, who, state = tightest(found)
    before = ""
    if base is not None:
        earlier = margins(base.ds, system)
        old = tightest(earlier)
        if [margin.name for margin in earlier[:1]] != [margin.name for margin in found[:1]]:
            before = (
                f"; was {old[2]}, {old[0]} {old[1]}"  # another machine: not a change of this one's number
            )
        elif old[:2] != (value, unit):
            before = f", from {old[0]} {old[1]}"
    out.append(
        tile("Tightest margin", value, unit, f"{who}{before}", state, why=f"{who}{before}", name="margin")
    )
    return out


def change_line(metric: Metric, run: Run, base: Run | None, system: str) -> Any:
    """'▼ 0.022 from 1.074', or what there is to say without a change."""
    value = metric.value(run.summary)
    if value is None:
        return {"chip": "no accelerators", "compressors": "no compressors"}.get(
            metric.key, "not defined here"
        )
    if base is None:
        return "baseline"
    old = metric.value(base.summary)
    if old is None:
        return "not in the baseline"
    if metric.quantity == "money":
        gap, direction = value - old, (value > old) - (value < old)
        amount = (
            " ".join(fmt.money(abs(gap), currency(run))).strip() if abs(gap) >= 0.5 else f"{currency(run)}0"
        )
        direction = direction if abs(gap) >= 0.5 else 0
        before = " ".join(fmt.money(old, currency(run)))
    else:
        amount, direction = fmt.delta(value, old, metric.quantity, system)
        before = fmt.number(old, metric.quantity, system)
    if direction == 0:
        return [html.Span("unchanged", className="same"), f" from {before}"]
    good = direction == metric.better
    words = ("higher" if direction > 0 else "lower") + (", better" if good else ", worse")
    unit = " K" if metric.quantity == "temperature" and system == "si" else ""
    arrow = "▲" if direction > 0 else "▼"
    return [
        html.Span(
            [arrow, " ", amount, unit],
            className="better" if good else "worse",
            title=words,
            **named(f"{words} by {amount}"),
        ),
        f" from {before}",
    ]
