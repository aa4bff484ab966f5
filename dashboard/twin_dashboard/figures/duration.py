"""Duration curves: hours a year at or above a value."""

from typing import Any

import numpy as np
import xarray as xr

from twin_dashboard import format as fmt
from twin_dashboard.figures.base import Figure, empty, extent, layout, note, title, values
from twin_dashboard.kept import kept
from twin_dashboard.tokens import tokens

POINTS = 160


def curve(series: Any, step_h: float) -> tuple[Any, Any]:
    """Hours and values of a duration curve, dense at both ends where it bends."""
    ordered = np.sort(series[np.isfinite(series)])[::-1]
    n = ordered.size
    if n == 0:
        return np.zeros(0), np.zeros(0)
    share = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, min(POINTS, max(n, 2))))
    index = np.unique(np.round(share * (n - 1)).astype(int))
    return (index + 1) * step_h, ordered[index]


def load_duration(ds: xr.Dataset, theme: str) -> Figure:
    """Facility and IT power against hours; the area between is overhead."""
    c = tokens(theme)
    step_h = float(ds.attrs["step_s"]) / 3600.0
    hours, site = curve(ds["site_power"].values / 1e6, step_h)
    it_hours, it = curve(ds["site_it_power"].values / 1e6, step_h)
    low, high = extent(site, it)
    hover = "%{y:.2f} MW"
    lay = layout(
        theme, yaxis={**title(f"MW, {averaging(ds)}"), "range": [low, high + 0.06 * (high - low)]},
        xaxis={**title("hours a year at or above"), "range": [0, float(hours[-1])], "tickformat": ",d"}, margin={"t": 12},
    )  # fmt: skip
    middle = len(hours) // 2
    lay["annotations"] = [
        note(f"peak {site[0]:.2f}", float(hours[-1]) * 0.02, float(site[0]), c["ink"]),
        note("Facility", float(hours[middle]), float(site[middle]), c["power"], yshift=4, font={"size": 12}),
        note(
            "IT",
            float(hours[middle]),
            float(it[min(middle, len(it) - 1)]),
            c["muted"],
            yanchor="top",
            yshift=-4,
            font={"size": 12},
        ),
    ]
    data = [
        {"type": "scatter", "x": values(it_hours, 5), "y": values(it), "mode": "lines", "name": "IT", "line": {"color": c["ghost"], "width": 1.5},
         "hovertemplate": hover},
        {"type": "scatter", "x": values(hours, 5), "y": values(site), "mode": "lines", "name": "Facility", "fill": "tonexty",
         "fillcolor": c["band"] + "80", "line": {"color": c["power"], "width": 2}, "hovertemplate": hover},
    ]  # fmt: skip
    return {"data": data, "layout": lay}


def chip_duration(ds: xr.Dataset, base: xr.Dataset | None, theme: str, system: str) -> Figure:
    """Hottest chip against hours with the throttling line; the baseline is the dashed ghost."""
    c = tokens(theme)
    if not np.isfinite(ds["rack_chip_temperature"].values).any():
        return empty(theme, "This site has no accelerators: no chip temperature.")

    hours, chip = hottest(ds, system)
    limit = float(
        fmt.convert(float(np.nanmin(ds["rack_throttle_temperature"].values)), "temperature", system)
    )
    old = hottest(base, system) if base is not None else (np.zeros(0), np.zeros(0))
    low, high = extent(chip, old[1], [limit])
    data = []
    if base is not None:
        data.append(_ghost(old[0], old[1], c["ghost"], ".1f"))
    name = fmt.unit("temperature", system)
    data.append(
        {"type": "scatter", "x": values(hours, 5), "y": values(chip), "mode": "lines", "name": "Hottest chip",
         "line": {"color": c["power"], "width": 2.2}, "hovertemplate": "%{y:.1f} " + name}
    )  # fmt: skip
    lay = layout(
        theme, yaxis={**title(f"hottest chip, {name}"), "range": [low, high]},
        xaxis={**title("hours a year at or above"), "range": [0, float(hours[-1])], "tickformat": ",d"},
    )  # fmt: skip
    lay["shapes"] = [
        {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": high, "fillcolor": c["bad_soft"], "line": {"width": 0}, "layer": "below"},
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit, "line": {"color": c["bad"], "width": 1.5}},
    ]  # fmt: skip
    lay["annotations"] = [
        note(f"throttling starts {limit:.0f} {name}", 0.99, limit, c["bad"], xref="paper", xanchor="right")
    ]
    return {"data": data, "layout": lay}


@kept
def hottest(ds: xr.Dataset, system: str) -> tuple[Any, Any]:
    """Duration curve of the hottest chip of each step."""
    chips = np.nan_to_num(ds["rack_chip_temperature"].values, nan=-np.inf).max(axis=0)
    return curve(fmt.convert(chips, "temperature", system), float(ds.attrs["step_s"]) / 3600.0)


def _ghost(x: Any, y: Any, colour: str, form: str) -> dict[str, Any]:
    return {
        "type": "scatter", "x": values(x, 5), "y": values(y, 5), "mode": "lines", "name": "Baseline",
        "line": {"color": colour, "width": 2, "dash": "4px,3px"}, "hovertemplate": "%{y:" + form + "}",
    }  # fmt: skip


def averaging(ds: xr.Dataset) -> str:
    """'hourly mean', '1 min mean', …"""
    step = float(ds.attrs["step_s"])
    if step == 3600.0:
        return "hourly mean"
    return f"{step / 60:g} min mean" if step >= 60.0 else f"{step:g} s mean"
