"""Cases of a study as columns in the units that a page shows: axes first, then numbers of the summary."""

import re
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from twin_models.fields import Quantity
from twin_sites import units

from twin.studies.analysis import axis_names, headline
from twin.studies.cases import DONE
from twin.studies.results import unit_of

OUTCOMES: dict[str, tuple[str, str, str]] = {  # label, shown unit, shown unit of IP
    "pue": ("PUE", "1", "1"), "wue_l_per_kwh": ("WUE", "L/kWh", "gal/kWh"), "cue_kg_per_kwh": ("CUE", "kg/kWh", "lb/kWh"),
    "facility_energy_kwh": ("Facility energy", "MWh", "MWh"), "it_energy_kwh": ("IT energy", "MWh", "MWh"), "energy_cost": ("Energy cost", "currency", "currency"),
    "water_m3": ("Water", "m3", "gal"), "carbon_kg": ("Carbon", "t", "lb"), "peak_facility_kw": ("Peak power", "MW", "MW"),
    "max_chip_temperature_degc": ("Hottest chip", "degC", "degF"), "chip_headroom_k": ("Chip headroom", "K", "delta_degF"),
    "throttled_share": ("Throttled", "%", "%"), "unmet_cooling_hours": ("Cooling not met", "h", "h"), "free_cooling_hours": ("Free cooling", "h", "h"),
    "partial_cooling_hours": ("Partial cooling", "h", "h"), "mechanical_hours": ("Compressors run", "h", "h"), "tokens": ("Tokens", "1", "1"),
    "tokens_per_kwh_facility": ("Tokens per kWh", "1/kWh", "1/kWh"), "joules_per_token": ("Energy per token", "J", "J"),
    "cost_per_million_tokens": ("Cost per million tokens", "currency", "currency"), "ere": ("ERE", "1", "1"), "erf": ("ERF", "1", "1"),
}  # fmt: skip
RELATIVE = re.compile(r"([A-Za-z_][\w-]*)\s*([+-])\s*[\d.]")  # a set point written as wet_bulb + 3..11 K
OWN_WORDS = {"site": "Site", "weather": "Climate", "load": "Load"}


class Column(NamedTuple):
    """One axis or outcome of all cases."""

    name: str
    label: str
    unit: str  # as printed; '' for none and for names
    values: NDArray[
        np.float64
    ]  # shape (cases,), in the shown unit; positions in ``names`` of an axis of names
    names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Label with unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def text(self, value: float) -> str:
        """One value as a person reads it, without its unit."""
        if self.names:
            return self.names[int(value)] if np.isfinite(value) else "—"
        return number(value)


def number(value: float) -> str:
    """Four significant digits; all digits before the point."""
    if not np.isfinite(value):
        return "—"
    text = f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.4g}"
    return text.replace("-", "−")


def finished(ds: xr.Dataset) -> NDArray[np.bool_]:
    """Which cases have numbers, shape (cases,)."""
    return np.asarray(ds["status"].values.ravel() == DONE)


def axes(ds: xr.Dataset, system: str) -> list[Column]:
    """Axes of a study in the order written; one with a single value is left out where others vary."""
    dims = ds["pue"].dims
    out = []
    for name in axis_names(ds):
        about = ds[name].attrs
        label = OWN_WORDS.get(name, str(about.get("long_name") or name))
        label = (
            label
            if "." in name or name in OWN_WORDS
            else label.replace("_", " ").replace("-", " ").capitalize()
        )
        base = RELATIVE.match(str(ds.attrs["study"].get("axes", {}).get(name, "")))
        label += f", {base[1].replace('_', ' ')} {base[2]}" if base else ""
        flat = xr.broadcast(ds[name], ds["pue"])[0].transpose(*dims).values.ravel()
        if flat.dtype.kind in "OUS":
            names = tuple(dict.fromkeys(map(str, flat)))
            place = {one: i for i, one in enumerate(names)}
            out.append(Column(name, label, "", np.array([float(place[str(v)]) for v in flat]), names))
            continue
        unit = str(about.get("units", "1"))
        shown = units.shown_unit(Quantity(unit, "", difference=unit == "K"), system)
        values = np.asarray(units.convert(flat.astype(float), unit, shown))
        out.append(Column(name, label, "" if unit == "count" else units.label_of(shown), values))
    labels = [column.label for column in out]
    named = [
        c._replace(label=f"{c.label}, {c.name.rpartition('.')[0]}")
        if labels.count(c.label) > 1 and "." in c.name
        else c
        for c in out
    ]
    varying = [column for column in named if np.unique(column.values).size > 1]
    return varying or named


def outcomes(ds: xr.Dataset) -> list[str]:
    """Numbers to choose from: those the study names first, then the usual ones; only those with a value."""
    wanted = dict.fromkeys([*ds.attrs["study"]["show"], *headline(ds), *OUTCOMES])
    return [name for name in wanted if name in ds and np.isfinite(ds[name].values.astype(float)).any()]


def label_of(name: str) -> str:
    """What a person calls a number of the summary."""
    return OUTCOMES[name][0] if name in OUTCOMES else name.replace("_", " ").capitalize()


def outcome(ds: xr.Dataset, name: str, system: str) -> Column:
    """A number of the summary of all cases."""
    unit = unit_of(name)
    _, si, ip = OUTCOMES.get(name, ("", unit, unit))
    shown = ip if system == "ip" else si
    values = ds[name].values.ravel().astype(float)
    if shown != unit:
        values = np.asarray(units.convert(values, unit, shown))
    printed = "" if shown == "currency" else units.label_of(shown)
    return Column(name, label_of(name), printed, values)
