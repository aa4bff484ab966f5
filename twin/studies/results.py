"""Results of a study as one labelled Dataset, also while the study runs: cases not finished are undefined."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from twin_sites.errors import InputError, Problem, did_you_mean

from twin.studies.axes import Axis, Spread
from twin.studies.cases import FAILED
from twin.variables import VARIABLES

UNITS = {  # of summary fields, by the end of their name
    "_per_kwh_it": "1/kWh", "_per_kwh_facility": "1/kWh", "joules_per_token": "J", "cost_per_million_tokens": "currency",
    "carbon_kg_per_million_tokens": "kg", "_l_per_kwh": "L/kWh", "_kg_per_kwh": "kg/kWh", "_m3_per_day": "m3/day", "_kwh": "kWh", "_kw": "kW", "_m3": "m3",
    "_kg": "kg", "_degree_hours": "K h", "_hours": "h", "hours": "h", "_degc": "degC", "_k": "K", "_cost": "currency",
    "_s": "s", "_share": "1",
}  # fmt: skip


def open_study(path: str | Path, hourly: tuple[str, ...] | list[str] = ()) -> xr.Dataset:
    """Results of a store that ``twin study`` wrote or is writing.

    Parameters
    ----------
    path
        The store.
    hourly
        Which of its kept series to read too: ``site_power``, ``loop_supply_temperature:fws``.

    Returns
    -------
    xarray.Dataset
        Numeric fields of ``Summary`` over the axes (a factorial) or ``case``; ``energy_kwh`` also over ``use``;
        ``percentiles`` over ``series`` and ``percentile``; series over ``step``, and over ``kept`` in place of the axes
        where only some cases keep them: its coordinate is the row of the design, in the order of ``to_dataframe``, and
        ``kept.AXIS`` the value of each axis there. ``status`` is 0 to do, 1 done, 2 failed, ``error`` says why. Axis
        coordinates are in the program's units, named in their ``units``.

    Raises
    ------
    InputError
        When there is no store of a study, or it keeps no such series.
    """
    from twin.studies.store import arrays, attributes, series

    place = Path(path)
    attrs = attributes(place)
    kept = list(attrs["study"]["hourly"])
    unknown = [name for name in hourly if name not in kept]
    if unknown:
        remedy = did_you_mean(unknown[0], kept) or "add it to 'hourly' of the study"
        raise InputError([Problem(str(path), f"no series '{unknown[0]}'", ", ".join(kept) or "none", remedy)])
    found = arrays(place, ("summary", "status", "percentiles", "design", "case_of_row"))
    errors = np.full(len(found["status"]), "", dtype=object)
    if (found["status"] == FAILED).any():  # few studies have any, and the texts are wider than the numbers
        errors = _texts(arrays(place, ("error",))["error"])
    rows = found["case_of_row"]
    dims = dict(attrs["dims"])
    names, shape = list(dims), tuple(dims.values())

    def over(values: NDArray[Any], *more: str, **about: Any) -> xr.Variable:
        data = values[rows].reshape(*shape, *values.shape[1:])
        return xr.Variable((*names, *more), data, about)

    fields = list(attrs["fields"])
    data: dict[str, Any] = {
        name: over(found["summary"][:, i], units=unit_of(name))
        for i, name in enumerate(fields)
        if "." not in name
    }
    uses = [name.partition(".")[2] for name in fields if "." in name]
    columns = [i for i, name in enumerate(fields) if "." in name]
    data["energy_kwh"] = over(found["summary"][:, columns], "use", units="kWh")
    data["status"] = over(found["status"])
    data["error"] = over(errors)
    coords: dict[str, Any] = {"use": ("use", uses)}
    if "percentiles" in found:
        data["percentiles"] = over(found["percentiles"], "series", "percentile")
        coords |= {
            "series": ("series", attrs["study"]["percentiles"]),
            "percentile": ("percentile", [float(q) for q in attrs["study"]["at"]]),
        }
    some = attrs["kept"] < len(found["status"])
    kept_rows = np.flatnonzero(rows < attrs["kept"])
    for name in hourly:
        row, values = VARIABLES[name.partition(":")[0]], series(place, kept.index(name))
        told = {"units": row.unit, "long_name": row.label}
        if some:
            data[name] = xr.Variable(("kept", "step"), values[rows[kept_rows]], told)
            coords["kept"] = kept_rows
        else:
            data[name] = over(values, "step", **told)
    for i, axis in enumerate(axes_of(attrs)):
        about = {"units": axis.unit or "1", "long_name": axis.title}
        if axis.prefix:
            about["relative_to"] = axis.prefix.strip()
        if hourly and some:
            coords[f"kept.{axis.name}"] = ("kept", axis.shown(found["design"][kept_rows, i]), about)
        if "case" in dims:
            coords[axis.name] = ("case", axis.shown(found["design"][:, i]), about)
        else:
            coords[axis.name] = (axis.name, axis.shown(axis.grid()), about)
    if "case" in dims:
        coords["case"] = np.arange(dims["case"])
    about = {
        key: attrs[key]
        for key in (
            "study",
            "identity",
            "site_title",
            "weather_notes",
            "weather_facts",
            "step_s",
            "left_out",
        )
    }
    return xr.Dataset(data, coords, about)


def axes_of(attrs: dict[str, Any]) -> list[Axis]:
    """Axes as a store tells them."""
    out = []
    for stated in attrs["axes"]:
        spread = stated["spread"]
        parts = {key: tuple(stated[key]) for key in ("labels", "effects", "numbers")}
        out.append(
            Axis(
                **{
                    **stated,
                    **parts,
                    "spread": None if spread is None else Spread(spread[0], tuple(spread[1])),
                }
            )
        )
    return out


def unit_of(name: str) -> str:
    """Unit of a field of the summary."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "1")


def _texts(raw: NDArray[np.uint8]) -> NDArray[Any]:
    out = np.empty(len(raw), dtype=object)
    full = raw.any(axis=1)
    out[:] = ""
    for i in np.flatnonzero(full):
        out[i] = bytes(raw[i]).rstrip(b"\0").decode(errors="ignore")
    return out
