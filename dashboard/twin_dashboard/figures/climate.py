"""PUE against outdoor wet bulb: median and band by 1-K bin, hours as a strip at the foot."""

from typing import Any

import numpy as np
import xarray as xr

from twin_dashboard import format as fmt
from twin_dashboard.figures.base import Figure, extent, layout, note, title, values
from twin_dashboard.kept import kept
from twin_dashboard.tokens import tokens

MIN_STEPS = 3  # bins with fewer steps say nothing


@kept
def bins(ds: xr.Dataset) -> tuple[Any, Any, Any, Any, Any]:
    """Middle of each bin in °C, median, 5 % and 95 % of PUE, and number of steps."""
    wet, pue = ds["ambient_wet_bulb"].values, ds["site_pue"].values
    lowest = int(np.floor(wet.min()))
    place = np.floor(wet).astype(int) - lowest
    counts = np.bincount(place)
    ordered = pue[np.lexsort((pue, place))].astype(float)  # by bin, and in it by size
    enough = counts >= MIN_STEPS
    first, last = (np.cumsum(counts) - counts)[enough], counts[enough] - 1

    def at(share: float) -> Any:
        """Percentile of each bin, linear between its neighbours."""
        below = np.floor(share * last).astype(int)
        above = np.minimum(below + 1, last)
        low, high = ordered[first + below], ordered[first + above]
        return low + (share * last - below) * (high - low)

    middle = lowest + np.flatnonzero(enough) + 0.5
    return middle, at(0.5), at(0.05), at(0.95), counts[enough].astype(float)


def pue_by_wet_bulb(
    ds: xr.Dataset, base: xr.Dataset | None, theme: str, system: str, labels: bool = True
) -> Figure:
    """Median PUE with its band; the baseline is the dashed ghost and axes hold both."""
    c = tokens(theme)
    wet, median, low, high, steps = bins(ds)
    old = bins(base) if base is not None else None
    span = extent(median, low, high, *(old[1:4] if old else ()))
    bottom, top = span[0] - 0.16 * (span[1] - span[0]), span[1]
    x = fmt.convert(wet, "temperature", system)
    name = fmt.unit("temperature", system)
    strip = steps / max(steps.max(), 1.0) * 0.14 * (top - bottom)
    data: list[dict[str, Any]] = [
        {"type": "bar", "x": values(x), "y": values(strip), "base": bottom, "marker": {"color": c["strip"]}, "name": "hours",
         "customdata": values(steps * float(ds.attrs["step_s"]) / 3600.0), "hovertemplate": "%{customdata:,.0f} h"},
        {"type": "scatter", "x": values(np.r_[x, x[::-1]]), "y": values(np.r_[low, high[::-1]], 5), "fill": "toself", "fillcolor": c["band"] + "90",
         "line": {"width": 0}, "hoverinfo": "skip", "mode": "lines"},
    ]  # fmt: skip
    if old is not None:
        data.append(
            {"type": "scatter", "x": values(fmt.convert(old[0], "temperature", system)), "y": values(old[1], 5), "mode": "lines", "name": "Baseline",
             "line": {"color": c["ghost"], "width": 2, "dash": "4px,3px"}, "hovertemplate": "%{y:.3f}"}
        )  # fmt: skip
    data.append(
        {"type": "scatter", "x": values(x), "y": values(median, 5), "mode": "lines", "name": "PUE", "line": {"color": c["power"], "width": 2.2},
         "hovertemplate": "%{y:.3f}"}
    )  # fmt: skip
    lay = layout(
        theme, bargap=0.08, yaxis={**title("PUE, " + ("hourly" if float(ds.attrs["step_s"]) == 3600 else "by step")), "range": [bottom, top], "tickformat": ".3f" if top - bottom < 0.06 else ".2f"},
        xaxis=title(f"outdoor wet bulb, {name}"),
    )  # fmt: skip
    if labels:
        lay["annotations"] = [
            note("median, band 5–95 %", 0.03, 0.96, c["muted"], xref="paper", yref="paper", yanchor="top")
        ]
        lay["annotations"].append(
            note(
                "hours at each wet bulb", 0.99, 0.16, c["muted"], xref="paper", yref="paper", xanchor="right"
            )
        )
    return {"data": data, "layout": lay}
