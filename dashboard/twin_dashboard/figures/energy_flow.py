"""Where the energy goes: one drawing from the utility to the ambient, electricity indigo, the same energy as heat vermilion.

Bands are filled curves (a Sankey component reorders and crosses them). Both ends carry the same number, since every
band is cut from the one before it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from twin.metrics import room_fans
from twin_dashboard.figures.base import Figure, layout, merge, note, values
from twin_dashboard.tokens import tokens

STEPS = 24
X = {
    "utility": 0.0,
    "transformer": 1.1,
    "ups": 2.2,
    "pdu": 3.2,
    "racks": 4.2,
    "liquid": 5.3,
    "water": 6.4,
    "ambient": 7.9,
}
TOP, BOTTOM = 1.0, 0.0  # of the trunk at the utility, in shares of all energy
LIFT = 0.2  # of the upper and lower lanes


@dataclass(frozen=True)
class Flows:
    """Energy of the run in GWh."""

    total: float
    transformer: float  # losses
    ups: float
    pdu: float
    room_fans: float
    cooling: float  # plant power but for room fans, with the house
    it: float
    liquid: float  # rack heat into liquid
    air: float  # rack heat into air
    room: float  # losses and fans that the rooms' air handlers take

    @property
    def losses(self) -> float:
        """Conversion losses and room fans: the upper lane."""
        return self.transformer + self.ups + self.pdu + self.room_fans


def flows(ds: xr.Dataset) -> Flows:
    """Sums over the run; what the parts do not name is in ``cooling``, so that they add up to the meter."""
    gwh = float(ds.attrs["step_s"]) / 3600.0 / 1e9
    kind, role = ds["feeder_kind"].values, ds["loop_role"].values
    loss = ds["feeder_loss"].values.sum(axis=1) * gwh
    total = float(ds["site_power"].values.sum() * gwh)
    it = float(ds["rack_power"].values.sum() * gwh)
    fans = float(room_fans(ds).sum() * gwh)
    liquid = float(ds["rack_heat_liquid"].values.sum() * gwh)
    lost = {name: float(loss[kind == name].sum()) for name in ("transformer", "ups", "pdu")}
    into_room = float(ds["loop_heat"].values[role == "air"].sum() * gwh)
    into_room -= float(ds["link_heat"].values[ds["link_kind"].values == "liquid_to_air"].sum() * gwh)
    upper = sum(lost.values()) + fans
    return Flows(
        total, lost["transformer"], lost["ups"], lost["pdu"], fans, total - it - upper, it, liquid, it - liquid,
        float(np.clip(into_room - (it - liquid), 0.0, upper)),
    )  # fmt: skip


def energy_flow(ds: xr.Dataset, theme: str) -> Figure:
    """The drawing, in GWh of the run."""
    c, f = tokens(theme), flows(ds)
    unit = 1.0 / f.total if f.total > 0.0 else 0.0
    data: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []

    def band(
        x0: float, x1: float, a: tuple[float, float], b: tuple[float, float], kind: str, text: str
    ) -> None:
        if max(a[1] - a[0], b[1] - b[0]) <= 1e-5:
            return
        s = np.linspace(0.0, 1.0, STEPS)
        ease = s * s * (3 - 2 * s)
        x = x0 + (x1 - x0) * s
        low, high = a[0] + (b[0] - a[0]) * ease, a[1] + (b[1] - a[1]) * ease
        data.append(
            {"type": "scatter", "x": values(np.r_[x, x[::-1]]), "y": values(np.r_[low, high[::-1]], 5), "fill": "toself", "mode": "lines",
             "fillcolor": c[f"{kind}_fill"], "line": {"color": c[kind], "width": 0.6}, "hoveron": "fills", "hoverinfo": "text", "text": text, "name": text}
        )  # fmt: skip

    def bar(x: float, low: float, high: float, kind: str) -> None:
        if high - low > 1e-4:
            data.append(
                {"type": "scatter", "x": [x - 0.03, x + 0.03, x + 0.03, x - 0.03], "y": values([low, low, high, high], 5), "fill": "toself",
                 "mode": "lines", "fillcolor": c[kind], "line": {"width": 0}, "hoverinfo": "skip"}
            )  # fmt: skip

    def label(x: float, y: float, name: str, amount: float, **over: Any) -> None:
        base = {"yanchor": "middle", "xshift": 8, "font": {"size": 11}, "align": "left"}
        notes.append(note(f"<b>{name}</b><br>{_number(amount)}", x, y, c["ink"], **merge(base, over)))

    peak = f.room_fans * unit  # fans are fed along the way: they leave the trunk with the UPS losses
    lane = TOP + LIFT
    cool = f.cooling * unit
    stages = (
        ("utility", "transformer", f.transformer * unit, 0.0),
        ("transformer", "ups", f.ups * unit + peak, cool),
        ("ups", "pdu", f.pdu * unit, 0.0),
    )
    low, high = BOTTOM, TOP
    upper = lane
    names = {"utility": "Utility", "transformer": "Transformers", "ups": "UPS", "pdu": "Distribution"}
    losses_x, cooling_x = X["racks"], X["ups"]
    upper_height = f.losses * unit
    for start, end, loss, below in stages:
        amount = (high - low) / unit
        band(
            X[start],
            X[end],
            (low + below, high - loss),
            (low + below, high - loss),
            "power",
            f"{names[start]}: {_number(amount)} GWh",
        )
        bar(X[start], low, high, "power")
        label(X[start], (low + high) / 2, names[start], amount)
        if loss > 0.0:
            band(
                X[start],
                losses_x,
                (high - loss, high),
                (upper, upper + loss),
                "heat",
                f"Losses after {names[start].lower()}: {_number(loss / unit)} GWh",
            )
            upper += loss
        if below > 0.0:
            band(
                X[start],
                cooling_x,
                (low, low + below),
                (-LIFT - below, -LIFT),
                "power",
                f"Cooling plant and house: {_number(below / unit)} GWh",
            )
        low, high = low + below, high - loss
    band(
        X["pdu"],
        X["racks"],
        (low, high),
        (low, high),
        "power",
        f"To the racks: {_number((high - low) / unit)} GWh",
    )
    bar(X["pdu"], low, high, "power")
    label(X["pdu"], (low + high) / 2, names["pdu"], (high - low) / unit)
    bar(X["racks"], low, high, "power")
    label(X["racks"], (low + high) / 2, "Racks", f.it)
    bar(losses_x, lane, lane + upper_height, "heat")
    notes.append(
        note(
            f"<b>Losses and room fans</b> {_number(f.losses)}",
            losses_x,
            lane + upper_height,
            c["ink"],
            xanchor="right",
            xshift=4,
            yshift=4,
            font={"size": 12},
        )
    )
    # heat: racks to liquid and room air, room air and liquid to water, everything to the ambient
    split = low + f.liquid * unit
    room_low = split + 0.09
    room_high = room_low + (f.air + f.room) * unit
    band(
        X["racks"],
        X["liquid"],
        (low, split),
        (low, split),
        "heat",
        f"Rack heat into liquid: {_number(f.liquid)} GWh",
    )
    band(
        X["racks"],
        X["liquid"],
        (split, high),
        (room_low, room_low + f.air * unit),
        "heat",
        f"Rack heat into room air: {_number(f.air)} GWh",
    )
    bar(X["liquid"], low, split, "heat")
    bar(X["liquid"], room_low, room_high, "heat")
    if f.liquid > 0.0:
        label(X["liquid"], (low + split) / 2, "Liquid, CDUs", f.liquid)
    notes.append(
        note(
            f"<b>Room air</b> {_number(f.air + f.room)}",
            X["liquid"],
            room_high,
            c["ink"],
            xanchor="center",
            yshift=3,
            font={"size": 12},
            bgcolor=c["card"],
        )
    )
    band(
        losses_x,
        X["liquid"],
        (lane, lane + f.room * unit),
        (room_low + f.air * unit, room_high),
        "heat",
        f"Losses into rooms: {_number(f.room)} GWh",
    )
    water = (f.liquid + f.air + f.room) * unit
    band(X["liquid"], X["water"], (low, split), (low, split), "heat", f"Liquid: {_number(f.liquid)} GWh")
    band(
        X["liquid"],
        X["water"],
        (room_low, room_high),
        (split, low + water),
        "heat",
        f"Room air: {_number(f.air + f.room)} GWh",
    )
    bar(X["water"], low, low + water, "heat")
    label(X["water"], low + water / 2, "Facility water", water / unit)
    foot = BOTTOM
    bar(cooling_x, -LIFT - cool, -LIFT, "power")
    notes.append(
        note(
            f"<b>Cooling plant and house</b> {_number(f.cooling)}",
            cooling_x,
            -LIFT - cool,
            c["ink"],
            yanchor="top",
            xshift=-4,
            yshift=-4,
            font={"size": 12},
        )
    )
    band(
        cooling_x,
        X["ambient"],
        (-LIFT - cool, -LIFT),
        (foot, foot + cool),
        "heat",
        f"Cooling plant and house: {_number(f.cooling)} GWh",
    )
    band(
        X["water"],
        X["ambient"],
        (low, low + water),
        (foot + cool, foot + cool + water),
        "heat",
        f"Facility water: {_number(water / unit)} GWh",
    )
    direct = upper_height - f.room * unit
    band(losses_x, X["ambient"], (lane + f.room * unit, lane + upper_height), (foot + cool + water, foot + cool + water + direct), "heat",
         f"Losses straight to outdoor air: {_number(direct / unit if unit else 0)} GWh")  # fmt: skip
    bar(X["ambient"], foot, foot + cool + water + direct, "heat")
    label(X["ambient"], (TOP + BOTTOM) / 2, "Ambient", f.total)
    lay = layout(
        theme, hovermode="closest", margin={"l": 6, "r": 4, "t": 4, "b": 4}, dragmode=False,
        xaxis={"visible": False, "range": [-0.06, 8.75], "fixedrange": True},
        yaxis={"visible": False, "range": [-LIFT - cool - 0.15, lane + upper_height + 0.13], "fixedrange": True},
    )  # fmt: skip
    lay["annotations"] = notes
    return {"data": data, "layout": lay}


def _number(gwh: float) -> str:
    return f"{gwh:,.1f}" if gwh >= 10 else f"{gwh:.2f}"
