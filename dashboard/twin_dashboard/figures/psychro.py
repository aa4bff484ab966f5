"""Psychrometric chart: the year's hours as 1-K bins, and where this plant needs its compressors."""

from typing import Any

import numpy as np
import xarray as xr
from twin_models.psychrometrics import psychrometrics as psy

from twin_dashboard import format as fmt
from twin_dashboard.figures.base import MONTHS, Figure, layout, note, title, values
from twin_dashboard.figures.months import month_of
from twin_dashboard.kept import kept
from twin_dashboard.tokens import tokens

MODES = ("Free", "Partial", "Mechanical", "Not met")
MODE_COLOURS = ("power3", "power2", "heat", "bad")
RUNNING_W = 1.0


@kept
def modes(ds: xr.Dataset) -> Any:
    """Index into ``MODES`` for each step: what the engine's summary counts, step by step."""
    from twin.metrics import UNMET_K

    kind = ds["link_kind"].values
    chillers = kind == "chiller"
    power, heat = ds["link_power"].values, ds["link_heat"].values
    cold = (power[chillers] > RUNNING_W).any(axis=0) if chillers.any() else np.zeros(ds["time"].size, bool)
    outside = (ds["link_sink"].values == "outdoors") | np.isin(
        ds["link_loop"].values, ds["link_loop"].values[chillers]
    )
    beside = outside & ~chillers & ~np.isin(ds["link_loop"].values, ds["link_sink"].values[chillers])
    free_heat = (heat[beside] > RUNNING_W).any(axis=0) if beside.any() else np.zeros_like(cold)
    duty = ds["loop_role"].values != "condenser"
    gap = (ds["loop_supply_temperature"].values - ds["loop_set_point"].values)[duty]
    unmet = (gap > UNMET_K).any(axis=0) if gap.size else np.zeros_like(cold)
    return np.where(cold, np.where(free_heat, 1, 2), np.where(unmet, 3, 0))


def chart(
    ds: xr.Dataset, pressure: float, theme: str, system: str, second: xr.Dataset | None = None
) -> Figure:
    """Dry bulb across, humidity ratio at the right; grey is how many hours, lines what the plant does there.

    A second climate is laid over as outlines of 1, 10 and 100 hours a cell.
    """
    c = tokens(theme)
    dry, wet = ds["ambient_dry_bulb"].values, ds["ambient_wet_bulb"].values
    ratio = 1000.0 * psy.humidity_ratio_from_wet_bulb(dry, wet, pressure)
    step_h = float(ds.attrs["step_s"]) / 3600.0
    dry2, ratio2 = dry, ratio
    if second is not None:
        dry2 = second["ambient_dry_bulb"].values
        ratio2 = 1000.0 * psy.humidity_ratio_from_wet_bulb(dry2, second["ambient_wet_bulb"].values, pressure)
    t_edges = np.arange(np.floor(min(dry.min(), dry2.min())), np.ceil(max(dry.max(), dry2.max())) + 1.0)
    w_edges = np.arange(0.0, np.ceil(max(ratio.max(), ratio2.max())) + 1.0)
    hours, _, _ = np.histogram2d(dry, ratio, (t_edges, w_edges))
    hours = hours * step_h
    mode = modes(ds)
    x = fmt.convert(t_edges[:-1] + 0.5, "temperature", system)
    y = w_edges[:-1] + 0.5
    name = fmt.unit("temperature", system)
    with np.errstate(divide="ignore"):
        depth = np.where(hours > 0, np.log10(np.maximum(hours, 1e-9)), np.nan)
    grey = [[0, c["grid"]], [1, c["muted"]]]
    data: list[dict[str, Any]] = [{
        "type": "heatmap", "x": values(x), "y": values(y), "z": [values(r) for r in depth.T], "customdata": [values(r) for r in hours.T], "colorscale": grey,
        "showscale": False, "xgap": 1, "ygap": 1, "hovertemplate": f"%{{x}} {name}, %{{y}} g/kg: %{{customdata:,.0f}} h<extra></extra>", "zmin": 0,
    }]  # fmt: skip
    if second is not None:
        there, _, _ = np.histogram2d(dry2, ratio2, (t_edges, w_edges))
        there = there * float(second.attrs["step_s"]) / 3600.0
        data.append(
            {"type": "contour", "x": values(x), "y": values(y), "z": [values(r) for r in np.log10(there + 0.1).T], "hoverinfo": "skip", "showscale": False,
             "autocontour": False, "contours": {"start": 0.0, "end": 2.0, "size": 1.0, "coloring": "none"}, "line": {"color": c["water"], "width": 1.6, "smoothing": 0.6}}
        )  # fmt: skip
    span = np.linspace(t_edges[0], t_edges[-1], 60)
    top = float(w_edges[-1]) * 1.08
    notes = []
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        line = 1000.0 * psy.humidity_ratio(span, share, pressure)
        line = np.where(line <= top, line, np.nan)
        data.append(
            {"type": "scatter", "x": values(fmt.convert(span, "temperature", system)), "y": values(line), "mode": "lines", "hoverinfo": "skip",
             "line": {"color": c["ink"] if share == 1.0 else c["ghost"], "width": 1.4 if share == 1.0 else 0.8}}
        )  # fmt: skip
        seen = np.flatnonzero(np.isfinite(line))
        if seen.size:
            at = seen[-1]
            notes.append(
                note(
                    f"{100 * share:.0f} %",
                    float(fmt.convert(span[at], "temperature", system)),
                    float(line[at]),
                    c["muted"],
                    xanchor="right",
                )
            )
    # the wet bulb from which each mode sets in, as a line across the chart
    for index, text in ((1, "compressors help"), (2, "compressors only"), (3, "set point missed")):
        at = wet[mode == index]
        if not 0.002 * mode.size <= at.size <= 0.98 * mode.size:  # never, or always: no border to draw
            continue
        edge = float(np.percentile(at, 5))
        t = np.linspace(edge, t_edges[-1], 40)
        line = 1000.0 * psy.humidity_ratio_from_wet_bulb(t, np.full(40, edge), pressure)
        line = np.where((line >= 0.05) & (line <= top), line, np.nan)
        data.append(
            {"type": "scatter", "x": values(fmt.convert(t, "temperature", system)), "y": values(line), "mode": "lines", "hoverinfo": "skip",
             "line": {"color": c[MODE_COLOURS[index]], "width": 2}}
        )  # fmt: skip
        seen = np.flatnonzero(np.isfinite(line))
        if seen.size:
            start = seen[len(seen) // 3]
            words = f"{text} above {float(fmt.convert(edge, 'temperature', system)):.0f} {name} wet bulb"
            notes.append(
                note(
                    words,
                    float(fmt.convert(t[start], "temperature", system)),
                    float(line[start]),
                    c["ink"],
                    xanchor="left",
                    yanchor="bottom",
                    xshift=6,
                    font={"size": 12},
                    bgcolor=c["card"],
                    borderpad=2,
                )
            )
    lay = layout(
        theme, hovermode="closest", margin={"l": 16, "r": 58, "t": 20},
        xaxis={**title(f"dry bulb at the plant, {name}"), "range": values(fmt.convert(np.array([t_edges[0], t_edges[-1]]), "temperature", system))},
        yaxis={**title("humidity ratio, g/kg dry air" if system == "si" else "humidity ratio, 0.001 lb/lb"), "side": "right", "range": [0, top]},
    )  # fmt: skip
    lay["annotations"] = notes
    return {"data": data, "layout": lay}


def mode_hours(ds: xr.Dataset) -> list[tuple[str, str, float]]:
    """Hours of each mode that occurs: name, colour token, hours."""
    mode, step_h = modes(ds), float(ds.attrs["step_s"]) / 3600.0
    return [
        (MODES[i], MODE_COLOURS[i], float((mode == i).sum() * step_h)) for i in range(4) if (mode == i).any()
    ]


def mode_bar(ds: xr.Dataset, theme: str, second: xr.Dataset | None = None) -> Figure:
    """One stacked bar with its numbers; a second one below for another climate."""
    c = tokens(theme)
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    total = max(sum(h for _, _, h in mode_hours(one)) for one in (ds, second) if one is not None)
    for row, one in enumerate([ds] if second is None else [ds, second]):
        at = 0.0
        for name, colour, hours in mode_hours(one):
            data.append(
                {"type": "bar", "orientation": "h", "y": [row], "x": [hours], "marker": {"color": c[colour]}, "name": name, "width": 0.5,
                 "hovertemplate": f"{name}: {hours:,.0f} h<extra></extra>"}
            )  # fmt: skip
            if hours > 0.12 * total:
                words = f"{'There: ' if row else ''}{name} <b>{hours:,.0f} h</b>"
                notes.append(note(words, at, row - 0.27, c["ink"], xanchor="left", font={"size": 12}))
            at += hours
    lay = layout(
        theme, barmode="stack", hovermode="closest", margin={"l": 8, "r": 8, "t": 4, "b": 36}, xaxis={**title("hours"), "range": [0, total], "tickformat": ",d"},
        yaxis={"visible": False, "range": [(0.4 if second is None else 1.4), -0.75]},
    )  # fmt: skip
    lay["annotations"] = notes
    return {"data": data, "layout": lay}


def mode_months(ds: xr.Dataset, theme: str) -> Figure:
    """Share of each month in each mode."""
    c, mode, month = tokens(theme), modes(ds), month_of(ds)
    steps = np.maximum(np.bincount(month, minlength=12), 1)
    data = [
        {"type": "bar", "x": list(MONTHS), "y": values(100.0 * np.bincount(month[mode == i], minlength=12) / steps), "name": MODES[i], "marker": {"color": c[MODE_COLOURS[i]]},
         "hovertemplate": "%{y:.0f} %"}
        for i in range(4) if (mode == i).any()
    ]  # fmt: skip
    lay = layout(
        theme,
        barmode="stack",
        bargap=0.2,
        yaxis={**title("share of hours, %"), "range": [0, 100]},
        margin={"b": 26},
    )
    lay["xaxis"] |= {"tickvals": list(MONTHS), "ticktext": [m[0] for m in MONTHS]}
    return {"data": data, "layout": lay}
