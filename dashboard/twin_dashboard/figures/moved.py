"""What moved: change of mean power by use, the facility first; the baseline's overhead where nothing has changed."""

from typing import Any

import numpy as np
import xarray as xr

from twin_dashboard.figures.base import Figure, layout, title, values
from twin_dashboard.format import plain
from twin_dashboard.kept import kept
from twin_dashboard.names import USES, uses
from twin_dashboard.tokens import tokens

ELECTRIC = ("losses_ups", "losses_transformer", "losses_pdu")


@kept
def parts(ds: xr.Dataset) -> dict[str, float]:
    """Mean power in kW: facility, IT and each use."""
    out = {
        "Facility": float(ds["site_power"].values.mean()) / 1e3,
        "IT": float(ds["site_it_power"].values.mean()) / 1e3,
    }
    return out | {USES[key]: float(np.mean(power)) / 1e3 for key, power in uses(ds).items()}


def what_moved(ds: xr.Dataset, base: xr.Dataset | None, theme: str) -> Figure:
    """Bars of kW by use, sorted by size; colour says electricity (indigo) or cooling (vermilion)."""
    c = tokens(theme)
    now = parts(ds)
    old = parts(base) if base is not None else None
    change: dict[str, float] = (
        {k: v - old.get(k, 0.0) for k, v in now.items()}
        if old
        else {k: v for k, v in now.items() if k not in ("Facility", "IT")}
    )
    rows = sorted(
        ((k, v) for k, v in change.items() if k != "Facility" and (v != 0.0 or old)),
        key=lambda item: -abs(item[1]),
    )
    rows = ([("Facility", change["Facility"])] if old else []) + rows
    electric = {USES[key] for key in ELECTRIC}
    colours = [
        c["ink"]
        if k == "Facility"
        else c["power"]
        if k in electric
        else c["ghost"]
        if k in ("IT", "House")
        else c["heat"]
        for k, _ in rows
    ]
    sizes = [v for _, v in rows]
    most = max([abs(v) for v in sizes], default=1.0) or 1.0
    text = [plain(v, 0 if most >= 10 else 1, sign=bool(old)) for v in sizes]
    low = min([*sizes, 0.0])
    high = max([*sizes, 0.0])
    room = 0.3 * (high - low or 1.0)
    data: list[dict[str, Any]] = [{
        "type": "bar", "orientation": "h", "y": [k for k, _ in rows], "x": values(sizes, 6), "marker": {"color": colours}, "text": text,
        "textposition": "outside", "cliponaxis": False, "textfont": {"size": 11, "color": c["ink"]}, "hovertemplate": "%{y}: %{x:,.1f} kW<extra></extra>",
    }]  # fmt: skip
    lay = layout(
        theme, hovermode="closest", bargap=0.3, margin={"l": 122, "r": 10, "t": 4},
        xaxis={**title("change of mean, kW" if old else "mean overhead, kW"), "range": [low - room if low < 0 else 0, high + room],
               "showgrid": True, "zeroline": True, "zerolinecolor": c["muted"], "showline": False, "ticks": "", "nticks": 5, "tickformat": ",d" if most > 5 else ""},
        yaxis={"autorange": "reversed", "showgrid": False, "tickfont": {"size": 11.5, "color": c["ink"]}},
    )  # fmt: skip
    return {"data": data, "layout": lay}
