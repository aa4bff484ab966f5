"""Series of one element: the year as daily maxima, the week round the cursor, any long series thinned with its peaks kept."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from twin_dashboard import format as fmt
from twin_dashboard.figures.base import Figure, extent, layout, note, title, values
from twin_dashboard.tokens import tokens

POINTS = 2000
WEEK_D, WEEK_POINTS = 7.0, 800  # days round the cursor, and points in a chart 250 px wide


def thin(y: Any, points: int = POINTS) -> Any:
    """Indices of at most ``points`` samples: lowest and highest of each bucket, so that no peak is lost."""
    y = np.asarray(y, float)
    if y.size <= points:
        return np.arange(y.size)
    edges = np.linspace(0, y.size, points // 2 + 1).astype(int)
    picked = []
    for first, last in itertools.pairwise(edges):
        part = y[first:last]
        if np.isfinite(part).any():
            picked += [first + int(np.nanargmin(part)), first + int(np.nanargmax(part))]
    return np.unique(picked)


def year(ds: xr.Dataset, step: int, theme: str) -> Figure:
    """Daily maximum of facility power with the cursor."""
    c = tokens(theme)
    per_day = max(1, round(86400.0 / float(ds.attrs["step_s"])))
    power = ds["site_power"].values / 1e6
    whole = max(power.size // per_day, 1) * per_day
    daily = (
        power[:whole].reshape(-1, min(per_day, power.size)).max(axis=1) if power.size >= per_day else power
    )
    scale = per_day if power.size >= per_day else 1
    low, high = extent(daily)
    data = [{"type": "scatter", "x0": 0, "dx": scale, "y": values(daily), "mode": "lines", "fill": "tozeroy", "fillcolor": c["band"] + "80",
             "line": {"color": c["power"], "width": 1.4}, "hovertemplate": "%{y:.2f} MW<extra></extra>"}]  # fmt: skip
    starts = np.flatnonzero(np.diff(ds["time"].values.astype("datetime64[M]").astype(int))) + 1
    ticks = [0, *starts.tolist()]
    names = ds["time"].values[ticks].astype("datetime64[M]").astype(object)
    lay = layout(
        theme, hovermode="closest", margin={"l": 8, "r": 8, "t": 2, "b": 18}, dragmode=False,
        xaxis={"range": [0, power.size - 1], "tickvals": ticks, "ticktext": [n.strftime("%b")[0] for n in names], "ticks": "", "fixedrange": True, "showline": False},
        yaxis={"visible": False, "range": [low, high], "fixedrange": True},
    )  # fmt: skip
    lay["shapes"] = [
        {
            "type": "line",
            "x0": step,
            "x1": step,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": c["ink"], "width": 1.5},
        }
    ]
    return {"data": data, "layout": lay}


def element(ds: xr.Dataset, address: str) -> tuple[str, str, Any, float | None]:
    """What to draw of an element: name, quantity of ``format``, series, limit."""
    kind, _, rest = address.partition(".")
    if kind == "racks" and rest in ds["rack"].values:
        i = list(ds["rack"].values).index(rest)
        chip, limit = ds["rack_chip_temperature"].values[i], float(ds["rack_throttle_temperature"].values[i])
        if np.isfinite(chip).any():
            return "hottest chip", "temperature", chip, limit if np.isfinite(limit) else None
        return "power", "power", ds["rack_power"].values[i], None
    if kind == "power" and rest in ds["feeder"].values:
        i = list(ds["feeder"].values).index(rest)
        use = ds["feeder_utilisation"].values[i]
        return (
            ("use of rating", "share", use, 1.0)
            if np.isfinite(use).any() and use.max() > 0
            else ("load", "power", ds["feeder_load"].values[i], None)
        )
    name = rest if kind in ("cooling", "rooms") else address
    if name in ds["link"].values:
        return "heat", "power", ds["link_heat"].values[list(ds["link"].values).index(name)], None
    loop = name.split(".")[0]
    if address.endswith(".storage") and "storage" in ds.coords and loop in ds["storage"].values:
        return "charge", "share", ds["storage_charge"].values[list(ds["storage"].values).index(loop)], None
    if loop in ds["loop"].values:
        return (
            "supply",
            "temperature",
            ds["loop_supply_temperature"].values[list(ds["loop"].values).index(loop)],
            None,
        )
    return "facility power", "power", ds["site_power"].values, None


def week_window(
    ds: xr.Dataset,
    address: str,
    step: int,
    system: str,
    days: tuple[float, float] = (-WEEK_D / 2, WEEK_D / 2),
) -> tuple[list[float | None], list[float | None]]:
    """An element's series between some days from a step: days and values, thinned with peaks kept."""
    _name, quantity, series, _ = element(ds, address)
    per_day = 86400.0 / float(ds.attrs["step_s"])
    low, high = (min(max(day, -WEEK_D / 2), WEEK_D / 2) for day in days)
    first = min(max(0, step + int(np.floor(low * per_day))), series.size - 1)
    last = max(first + 1, min(series.size, step + int(np.ceil(high * per_day)) + 1))
    shown = fmt.convert(series[first:last], quantity, system)
    at = thin(shown, WEEK_POINTS)
    return values((at + first - step) / per_day, 6), values(shown[at])


def days_window(relayout: Any) -> tuple[float, float] | None:
    """Days from the cursor that a zoom shows; the week after a reset; None for anything else."""
    if not isinstance(relayout, Mapping):
        return None
    if relayout.get("xaxis.autorange"):
        return -WEEK_D / 2, WEEK_D / 2
    both = relayout.get("xaxis.range")
    ends: list[Any] = both if isinstance(both, list) else [relayout.get(f"xaxis.range[{i}]") for i in (0, 1)]
    if len(ends) != 2 or not all(isinstance(end, int | float) and np.isfinite(end) for end in ends):
        return None
    return float(ends[0]), float(ends[1])


def week(ds: xr.Dataset, address: str, step: int, theme: str, system: str) -> Figure:
    """Seven days round the cursor with the element's limit."""
    c = tokens(theme)
    _name, quantity, series, limit = element(ds, address)
    half = max(1, round(WEEK_D / 2 * 86400.0 / float(ds.attrs["step_s"])))
    shown = fmt.convert(series[max(0, step - half) : step + half + 1], quantity, system)
    days, heights = week_window(ds, address, step, system)
    unit = fmt.unit(quantity, system)
    edge = float(fmt.convert(limit, quantity, system)) if limit is not None else None
    low, high = extent(shown, [edge] if edge is not None else [])
    data = [{"type": "scatter", "x": days, "y": heights, "mode": "lines", "line": {"color": c["power"], "width": 1.6},
             "hovertemplate": "%{y:.1f} " + unit + "<extra></extra>"}]  # fmt: skip
    lay = layout(
        theme, margin={"l": 40, "r": 8, "t": 6, "b": 34}, xaxis={**title("days from the cursor"), "range": [days[0], days[-1]]},
        yaxis={"range": [low, high], "nticks": 5, "fixedrange": True}, hovermode="x",
    )  # fmt: skip
    lay["shapes"] = [
        {
            "type": "line",
            "x0": 0,
            "x1": 0,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": c["ink"], "width": 1.2},
        }
    ]
    lay["annotations"] = []
    if edge is not None:
        lay["shapes"].append(
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": edge,
                "y1": edge,
                "line": {"color": c["bad"], "width": 1.4},
            }
        )
        lay["annotations"].append(
            note("limit", 0.99, edge, c["bad"], xref="paper", xanchor="right", yanchor="top")
        )
    lay["title"] = {"text": ""}
    return {"data": data, "layout": lay}


def about(ds: xr.Dataset, address: str) -> str:
    """Name of the drawn series with averaging."""
    name, _quantity, _, _ = element(ds, address)
    return f"{name}, one week"


MEMBER_SERIES = {
    "rack_peak_power": ("member_power", "power"),
    "rack_chip_temperature": ("member_chip_temperature", "hottest chip"),
    "rack_flow": ("member_flow", "coolant flow"),
}
RACK_SERIES = {
    "power": ("rack_peak_power", "power", "highest rack"), "chip": ("rack_chip_temperature", "temperature", "hottest chip"),
    "flow": ("rack_flow", "flow", "coolant flow of one rack"), "margin": ("rack_chip_temperature", "temperature", "hottest chip"),
}  # fmt: skip


ZOOMED = [
    {"dtickrange": [None, 43_200_000], "value": "%H:%M\n%-d %b"},
    {"dtickrange": [43_200_000, 2_000_000_000], "value": "%-d %b"},
    {"dtickrange": [2_000_000_000, None], "value": "%b"},
]  # milliseconds between ticks


def window(relayout: Any, ds: xr.Dataset) -> tuple[int, int] | None:
    """Steps [first, last) that a zoom on a time axis shows; the whole run after a reset; None for anything else."""
    if not isinstance(relayout, Mapping):
        return None
    time = ds["time"].values
    if relayout.get("xaxis.autorange"):
        return 0, time.size
    both = relayout.get("xaxis.range")
    ends: list[Any] = both if isinstance(both, list) else [relayout.get(f"xaxis.range[{i}]") for i in (0, 1)]
    if len(ends) != 2 or not all(isinstance(end, str) and len(end) <= 40 for end in ends):
        return None
    try:
        low, high = (np.datetime64(end.replace(" ", "T")) for end in ends)
    except ValueError:
        return None
    if np.isnat(low) or np.isnat(high):
        return None
    first = max(int(np.searchsorted(time, low, "right")) - 1, 0)
    last = min(int(np.searchsorted(time, high, "left")) + 1, time.size)
    return (first, last) if last - first >= 2 else None


def points(ds: xr.Dataset, shown: Any, steps: tuple[int, int]) -> tuple[list[str], list[float | None]]:
    """Times and values of some steps of a series, thinned with peaks kept."""
    first, last = steps
    at = thin(shown[first:last]) + first
    times = ds["time"].values[at]
    unit = "m" if float(ds.attrs["step_s"]) % 60 == 0 else "ms"
    return times.astype(f"datetime64[{unit}]").astype(str).tolist(), values(shown[at])


def of_rack(ds: xr.Dataset, name: str, what: str) -> tuple[Any, str, str, int]:
    """Series of a rack group, or of one rack where the run kept it: values, quantity, name, number of the group."""
    variable, quantity, words = RACK_SERIES.get(what, RACK_SERIES["chip"])
    groups = list(ds["rack"].values.astype(str))
    if name in groups:
        return ds[variable].values[groups.index(name)], quantity, words, groups.index(name)
    at = list(ds["member"].values.astype(str)).index(name)
    group = groups.index(str(ds["member_rack"].values[at]))
    own, words_of_one = MEMBER_SERIES[variable]
    if own not in ds:
        return ds[variable].values[group], quantity, words, group
    return ds[own].values[at], quantity, words_of_one, group


def rack_window(
    ds: xr.Dataset, rack: str, what: str, system: str, steps: tuple[int, int]
) -> tuple[list[str], list[float | None]]:
    """The series of a rack or group over some steps only: what a zoomed chart needs."""
    own, quantity, _, _ = of_rack(ds, rack, what)
    return points(ds, fmt.convert(own, quantity, system), steps)


def year_of_rack(ds: xr.Dataset, rack: str, what: str, theme: str, system: str) -> Figure:
    """The series of a rack or group over the whole run, thinned with peaks kept."""
    c = tokens(theme)
    series, quantity, name, group = of_rack(ds, rack, what)
    if not np.isfinite(series).any() or (what == "flow" and np.nanmax(series) <= 0.0):
        from twin_dashboard.figures.base import empty

        return empty(
            theme,
            "Air-cooled group: it has no coolant and no accelerators." if what != "power" else "No power.",
        )
    shown = fmt.convert(series, quantity, system)
    unit = fmt.unit(quantity, system)
    times, heights = points(ds, shown, (0, shown.size))
    limit = (
        float(ds["rack_throttle_temperature"].values[group]) if quantity == "temperature" else float("nan")
    )
    edge = float(fmt.convert(limit, quantity, system)) if np.isfinite(limit) else None
    low, high = extent(shown, [edge] if edge is not None else [])
    data = [
        {
            "type": "scatter",
            "x": times,
            "y": heights,
            "mode": "lines",
            "line": {"color": c["power"], "width": 1.2},
            "hovertemplate": "%{y:.1f} " + unit + "<extra></extra>",
        }
    ]
    lay = layout(
        theme,
        margin={"b": 26},
        yaxis={**title(f"{name}, {unit}"), "range": [low, high], "fixedrange": True},
        xaxis={"type": "date", "tickformatstops": ZOOMED, "nticks": 13, "range": [times[0], times[-1]]},
        hovermode="x",
    )
    if edge is not None:
        lay["shapes"] = [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": edge,
                "y1": edge,
                "line": {"color": c["bad"], "width": 1.4},
            }
        ]
        lay["annotations"] = [
            note("throttling starts", 0.99, edge, c["bad"], xref="paper", xanchor="right", yanchor="top")
        ]
    return {"data": data, "layout": lay}
