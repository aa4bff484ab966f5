"""A failure over time: chips, supplies, flows and batteries of one design or two, with what happened and the limits."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from twin_dashboard import format as fmt
from twin_dashboard.figures.base import Figure, empty, extent, layout, note, title, values
from twin_dashboard.figures.series import thin
from twin_dashboard.names import readable
from twin_dashboard.tokens import tokens

LINES = (
    "power",
    "water",
    "heat",
    "power2",
    "heat2",
    "ghost",
    "watch_line",
    "ink",
)  # at most so many of a kind are drawn
POINTS = 4000  # of one chart, all lines together
FINE_S = 120.0  # after the first event of which every moment is drawn, for who zooms in
DASH = "5px,3px"
CLOSE = 0.12  # of the chart's width: marks nearer than this share a label
_TYPED = re.compile(r"^(t\s*=\s*|at\s+)?\d[\d.]*\s*[A-Za-z]*\s+")  # the moment of an event as it was typed
SCALES = (
    ("s", 1.0, 300.0),
    ("min", 60.0, 3.0 * 3600.0),
    ("h", 3600.0, np.inf),
)  # unit, s, up to which length


def since(ds: xr.Dataset) -> Any:
    """Seconds from the first event."""
    return ds["elapsed"].values - float(ds.attrs["first_event_s"])


def happened(ds: xr.Dataset) -> list[tuple[float, str]]:
    """Seconds from the first event and what happened then."""
    found = []
    for line in ds.attrs["log"]:
        moment, _, words = str(line).partition(" s: ")
        words = _TYPED.sub("", words)
        found.append((float(moment) - float(ds.attrs["first_event_s"]), words))
    return found


def hot_groups(designs: Sequence[xr.Dataset]) -> list[str]:
    """Rack groups with chips, the hottest first."""
    peak: dict[str, float] = {}
    for ds in designs:
        for name, chip in zip(ds["rack"].values, ds["rack_chip_temperature"].values, strict=True):
            if np.isfinite(chip).any():
                peak[str(name)] = max(float(np.nanmax(chip)), peak.get(str(name), -np.inf))
    return sorted(peak, key=lambda name: -peak[name])


def moving_loops(designs: Sequence[xr.Dataset]) -> list[str]:
    """Loops and rooms that had flow at the start, the one that loses most first."""
    least: dict[str, float] = {}
    for ds in designs:
        for name, flow in zip(ds["loop"].values, ds["loop_flow"].values, strict=True):
            if flow[0] > 1e-9:
                least[str(name)] = min(float(flow.min() / flow[0]), least.get(str(name), np.inf))
    return sorted(least, key=lambda name: least[name])


def warm_loops(designs: Sequence[xr.Dataset]) -> list[str]:
    """Loops and rooms, the one whose supply moves most first."""
    moved: dict[str, float] = {}
    for ds in designs:
        for name, supply in zip(ds["loop"].values, ds["loop_supply_temperature"].values, strict=True):
            moved[str(name)] = max(float(np.ptp(supply)), moved.get(str(name), 0.0))
    return sorted(moved, key=lambda name: -moved[name])


def colours(names: Sequence[str]) -> dict[str, str]:
    """Colour token of each drawn line; a loop has the same one in every chart of one site."""
    return dict(zip(sorted(names[: len(LINES)]), LINES, strict=False))


def legend(names: Sequence[str]) -> list[tuple[str, str]]:
    """Name and colour of the lines that are drawn; those beyond are counted."""
    found = [(readable(name), colour) for name, colour in colours(names).items()]
    return found + (
        [(f"and {len(names) - len(LINES)} more that move less", "line")] if len(names) > len(LINES) else []
    )


def chips(designs: Sequence[xr.Dataset], theme: str, system: str) -> Figure:
    """Hottest chip of each rack group with its limits; the first design is dashed where there is a second."""
    names = hot_groups(designs)
    if not names:
        return empty(theme, "No rack group of this site has accelerators.")
    limits: dict[float, str] = {}
    for ds in designs:
        for name in names[: len(LINES)]:
            if name in ds["rack"].values:
                one = ds.sel(rack=name)
                limits[float(one["rack_throttle_temperature"])] = "throttling"
                limits[float(one["rack_stop_temperature"])] = "shutdown"
    return _chart(
        designs, names, "rack", lambda ds, i: fmt.convert(ds["rack_chip_temperature"].values[i], "temperature", system), theme,
        f"hottest chip, {fmt.unit('temperature', system)}", {float(fmt.convert(t, "temperature", system)): w for t, w in limits.items()},
    )  # fmt: skip


def supplies(designs: Sequence[xr.Dataset], theme: str, system: str) -> Figure:
    """Supply temperature of every loop and room."""
    return _chart(
        designs, warm_loops(designs), "loop", lambda ds, i: fmt.convert(ds["loop_supply_temperature"].values[i], "temperature", system),
        theme, f"supply, {fmt.unit('temperature', system)}",
    )  # fmt: skip


def flows(designs: Sequence[xr.Dataset], theme: str) -> Figure:
    """Flow of every loop and room as a share of what it was before."""
    names = moving_loops(designs)
    if not names:
        return empty(theme, "Nothing flowed before the failure.")
    return _chart(
        designs, names, "loop", lambda ds, i: 100.0 * ds["loop_flow"].values[i] / max(ds["loop_flow"].values[i][0], 1e-12),
        theme, "% of the flow before", base=0.0,
    )  # fmt: skip


def left(ds: xr.Dataset) -> Any:
    """Share of charge in the batteries over time; None without batteries."""
    full = float(ds.attrs["battery_j"])
    if full <= 0.0:
        return None
    power = ds["site_battery_power"].values
    used = np.concatenate([[0.0], np.cumsum(0.5 * (power[1:] + power[:-1])) * float(ds.attrs["step_s"])])
    whole = float(ds.attrs["battery_used_j"])
    scale = (
        whole / used[-1] if used[-1] > 0.0 else 1.0
    )  # what was drawn between two moments of the result counts too
    return np.clip(1.0 - used * scale / full, 0.0, 1.0)


def charge(designs: Sequence[xr.Dataset], theme: str) -> Figure:
    """Charge left in the UPS batteries."""
    known = [ds for ds in designs if left(ds) is not None]
    if not known:
        return empty(theme, "This site has no batteries: its power tree has no UPS with energy.")

    def share(ds: xr.Dataset, i: int) -> Any:
        found = left(ds)
        return np.full(ds.sizes["time"], np.nan) if found is None else 100.0 * found

    return _chart(designs, ["UPS"], "", share, theme, "UPS charge, %", base=0.0, top=100.0)


def _chart(
    designs: Sequence[xr.Dataset],
    names: Sequence[str],
    dim: str,
    read: Any,
    theme: str,
    axis: str,
    limits: dict[float, str] | None = None,
    base: float | None = None,
    top: float | None = None,
) -> Figure:
    c = tokens(theme)
    length = float(max(ds.attrs["until_s"] for ds in designs))
    unit, size = next((unit, size) for unit, size, most in SCALES if length <= most)
    drawn = colours(names)
    points = max(200, min(800, POINTS // (len(drawn) * len(designs))))
    data: list[dict[str, Any]] = []
    seen: list[Any] = []
    for n, ds in enumerate(designs):
        x = since(ds) / size
        fine = np.flatnonzero((x >= 0.0) & (x <= FINE_S / size))
        first = n == 0 and len(designs) > 1
        for name, colour in drawn.items():
            if dim and name not in ds[dim].values:
                continue
            y = np.asarray(read(ds, list(ds[dim].values).index(name) if dim else 0), float)
            seen.append(y)
            at = np.union1d(thin(y, points), [0, *fine, y.size - 1])
            letter = f" {'AB'[n]}" if len(designs) > 1 else ""
            data.append(
                {"type": "scatter", "mode": "lines", "x": values(x[at], 6), "y": values(y[at]), "name": f"{readable(name)}{letter}",
                 "line": {"color": c[colour], "width": 1.5 if first else 2, **({"dash": DASH} if first else {})},
                 "hovertemplate": "%{y:.4g}"}
            )  # fmt: skip
    begin, end = float(since(designs[0])[0]) / size, float(since(designs[0])[-1]) / size
    low, high = extent(*seen, list(limits or {}), [v for v in (base, top) if v is not None])
    lay = layout(
        theme, margin={"t": 18, "b": 36}, xaxis={**title(f"{unit} since the first event"), "range": [begin, end], "hoverformat": ".4g"},
        yaxis={**title(axis), "range": [low, high], "nticks": 6},
    )  # fmt: skip
    lay["shapes"], lay["annotations"] = _marks(designs, begin, end, size, c)
    for height, words in sorted((limits or {}).items()):
        colour = "bad" if words == "shutdown" else "watch_line"
        lay["shapes"].append(
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": height,
                "y1": height,
                "line": {"color": c[colour], "width": 1.4},
            }
        )
        lay["annotations"].append(
            note(
                words,
                0.995,
                height,
                c["bad" if words == "shutdown" else "watch"],
                xref="paper",
                xanchor="right",
                bgcolor=c["card"],
            )
        )
    return {"data": data, "layout": lay}


def _marks(
    designs: Sequence[xr.Dataset], begin: float, end: float, size: float, c: dict[str, str]
) -> tuple[list[Any], list[Any]]:
    """A thin line at everything that happened, numbered as in the lists; marks that stand close share a label."""
    two = len(designs) > 1
    moments = sorted(
        (moment / size, n, number) for n, ds in enumerate(designs) for number, (moment, _) in enumerate(happened(ds)[:60], 1)
    )  # fmt: skip
    line = {
        "type": "line",
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": c["ghost"], "width": 1, "dash": "dot"},
    }
    labels: list[tuple[float, str, str]] = []
    for x, n, number in moments:
        own = f"{'AB'[n]}{number}" if two else str(number)
        if labels and x - labels[-1][0] < CLOSE * (end - begin):
            labels[-1] = (*labels[-1][:2], own)
        else:
            labels.append((x, own, own))
    notes = [
        note(first if first == last else f"{first}–{last}", x, 1.0, c["muted"], yref="paper", font={"size": 10}) for x, first, last in labels
    ]  # fmt: skip
    return [{**line, "x0": x, "x1": x} for x in sorted({x for x, _, _ in moments})], notes
