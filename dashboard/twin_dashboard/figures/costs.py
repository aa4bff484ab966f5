"""What a sized facility costs, and what of it matters."""

from collections.abc import Sequence

from twin.sizing.economics import Cost
from twin_dashboard.figures.base import Figure, layout, title, values
from twin_dashboard.tokens import tokens

CLASSES = {
    "cdu": "CDUs", "heat_exchanger": "Plate exchangers", "dry_cooler": "Outdoor coolers", "cooling_tower": "Cooling towers",
    "chiller_air": "Chillers", "chiller_water": "Chillers", "air_handler": "Air handlers", "rear_door": "Rear doors", "liquid_to_air": "Liquid-to-air units", "pump": "Pumps",
    "transformer": "Transformers", "ups": "UPS", "pdu": "Distribution", "building": "Building and installation",
}  # fmt: skip
MILLION = 1e6


def capital(lines: Sequence[Cost], theme: str) -> Figure:
    """Capital of the plant by class, the largest on top, in millions."""
    sums: dict[str, float] = {}
    for line in lines:
        if line.cost_class != "it":
            name = CLASSES.get(line.cost_class, line.cost_class.replace("_", " ").capitalize())
            sums[name] = sums.get(name, 0.0) + line.total / MILLION
    rows = sorted(sums.items(), key=lambda row: row[1])
    bars = {
        "type": "bar", "orientation": "h", "x": values([value for _, value in rows]), "y": [name for name, _ in rows],
        "marker": {"color": tokens(theme)["power"]}, "hovertemplate": "%{y}: %{x:.3g} million<extra></extra>",
    }  # fmt: skip
    shape = layout(
        theme,
        margin={"l": 150, "r": 14, "t": 4, "b": 34},
        hovermode="closest",
        xaxis={**title("million USD, estimate"), "rangemode": "tozero"},
    )
    return {"data": [bars], "layout": shape}


def what_matters(rows: Sequence[tuple[str, float, float]], total: float, theme: str) -> Figure:
    """Cost of a year with each input 30 % lower and higher: the widest bar on top."""
    c = tokens(theme)
    shown = list(reversed(rows[:7]))
    widths = [(low, high) for _, low, high in shown]
    names = [name[:1].upper() + name[1:] for name, _, _ in shown]
    data = [
        {
            "type": "bar", "orientation": "h", "y": names, "x": values([(ends[side] - total) / MILLION for ends in widths], 3), "base": total / MILLION,
            "marker": {"color": c[colour]}, "name": words, "hovertemplate": f"%{{y}} {words}: %{{x:+.3g}} million<extra></extra>",
        }
        for side, colour, words in ((0, "power", "30 % lower"), (1, "heat", "30 % higher"))
    ]  # fmt: skip
    shape = layout(
        theme,
        barmode="overlay",
        margin={"l": 150, "r": 14, "t": 4, "b": 34},
        hovermode="closest",
        xaxis=title("million USD a year"),
    )
    return {"data": data, "layout": shape}
