"""The year by month: stacked overhead, and the map of hour by month."""

from typing import Any

import numpy as np
import xarray as xr

from twin_dashboard import format as fmt
from twin_dashboard.figures.base import MONTHS, Figure, empty, layout, title, values
from twin_dashboard.names import COLOURS, USES, uses
from twin_dashboard.tokens import tokens


def month_of(ds: xr.Dataset) -> Any:
    """Month of each step, 0 to 11."""
    return ds["time"].values.astype("datetime64[M]").astype(int) % 12


def overhead(ds: xr.Dataset, theme: str) -> Figure:
    """Mean overhead of each month by use, MW: everything that is not IT."""
    c, month = tokens(theme), month_of(ds)
    steps = np.maximum(np.bincount(month, minlength=12), 1)
    have = [i for i in range(12) if (month == i).any()]
    data = []
    for key, power in uses(ds).items():
        if power.max() <= 0.0:
            continue
        mean = np.bincount(month, power, minlength=12) / steps / 1e6
        data.append(
            {"type": "bar", "x": [MONTHS[i] for i in have], "y": values(mean[have]), "name": USES[key], "marker": {"color": c[COLOURS[key]]},
             "hovertemplate": "%{y:.3f} MW"}
        )  # fmt: skip
    lay = layout(theme, barmode="stack", bargap=0.28, yaxis=title("mean overhead, MW"), margin={"b": 26})
    return {"data": data, "layout": lay}


def legend(ds: xr.Dataset) -> list[tuple[str, str]]:
    """Name and colour token of each use that occurs."""
    return [(USES[key], COLOURS[key]) for key, power in uses(ds).items() if power.max() > 0.0]


MAPS = {
    "pue": ("mean PUE", "PUE"),
    "chip": ("hottest chip", "temperature"),
    "wet_bulb": ("mean wet bulb", "temperature"),
}


def hour_by_month(ds: xr.Dataset, what: str, theme: str, system: str) -> Figure:
    """Map of local hour against month; one hue from the card's colour to indigo."""
    c, month = tokens(theme), month_of(ds)
    hour = ((ds["time"].values - ds["time"].values.astype("datetime64[D]")) / np.timedelta64(1, "h")).astype(
        int
    )
    series, highest = ds["site_pue"].values, False
    if what == "chip":
        chips = ds["rack_chip_temperature"].values
        if not np.isfinite(chips).any():
            return empty(theme, "This site has no accelerators: no chip temperature.")
        series, highest = np.nan_to_num(chips, nan=-np.inf).max(axis=0), True
    elif what == "wet_bulb":
        series = ds["ambient_wet_bulb"].values
    cell = month * 24 + hour
    if highest:
        field = np.full(288, -np.inf)
        np.maximum.at(field, cell, series)
    else:
        field = np.bincount(cell, series, minlength=288) / np.maximum(np.bincount(cell, minlength=288), 1)
    seen = np.bincount(cell, minlength=288) > 0
    kind = MAPS[what][1]
    unit = "" if what == "pue" else fmt.unit("temperature", system)
    shown = field if what == "pue" else fmt.convert(field, "temperature", system)
    grid = np.where(seen, shown, np.nan).reshape(12, 24).T
    form = ".3f" if what == "pue" else ".1f"
    data = [{
        "type": "heatmap", "z": [values(row, 5) for row in grid], "x": list(MONTHS), "y": list(range(24)), "xgap": 1.5, "ygap": 1,
        "colorscale": [[0, c["power_soft"]], [0.5, c["power2"]], [1, "#28308F" if theme == "light" else "#C6CCFF"]],
        "colorbar": {"thickness": 9, "len": 0.9, "outlinewidth": 0, "tickfont": {"size": 11, "color": c["muted"]}, "tickformat": (".3f" if np.nanmax(grid) - np.nanmin(grid) < 0.06 else ".2f") if what == "pue" else ".0f",
                     "title": {"text": unit or kind, "font": {"size": 11, "color": c["muted"]}}, "x": 1.02, "xpad": 4, "nticks": 6},
        "hovertemplate": "%{x} %{y}:00  %{z:" + form + "} " + unit + "<extra></extra>",
    }]  # fmt: skip
    lay = layout(
        theme, hovermode="closest", margin={"r": 62, "b": 26, "l": 40}, yaxis={**title("local hour"), "tickvals": [0, 6, 12, 18, 23], "showgrid": False},
        xaxis={"tickvals": list(MONTHS), "ticktext": [m[0] for m in MONTHS], "showline": False, "ticks": ""},
    )  # fmt: skip
    return {"data": data, "layout": lay}
