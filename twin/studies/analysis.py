"""What a study says: tables of its cases, extremes, what moves what."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from twin.metrics import finite

if TYPE_CHECKING:
    import pandas as pd

SHOWN_AXES = 6  # in a line
HEADLINE = ("pue", "wue_l_per_kwh", "cue_kg_per_kwh", "energy_cost", "unmet_cooling_hours")


def headline(ds: xr.Dataset) -> tuple[str, ...]:
    """Numbers told of a study: the usual ones and those it names itself."""
    return tuple(dict.fromkeys([*HEADLINE, *ds.attrs["study"]["show"]]))


def axis_names(ds: xr.Dataset) -> list[str]:
    """Axes of a study, in the order written."""
    known = set(ds.coords) - {"use", "series", "percentile", "case"}
    if "case" in ds.dims:
        return [str(name) for name in ds.coords if name in known and ds[name].dims == ("case",)]
    return [str(name) for name in ds["pue"].dims]


def case_table(ds: xr.Dataset) -> "pd.DataFrame":
    """One row per case: axes first, then every number of its summary, status and error."""
    import pandas as pd

    axes = axis_names(ds)
    flat = ds[["pue"]].to_dataframe().reset_index()
    columns: dict[str, Any] = {name: flat[name] for name in axes}
    shape = ds["pue"].dims
    for name, values in ds.data_vars.items():
        if values.dims == shape:
            columns[str(name)] = values.values.ravel()
        elif values.dims == (*shape, "use"):
            for i, use in enumerate(values["use"].values):
                columns[f"{name}.{use}"] = values.values[..., i].ravel()
        elif values.dims == (*shape, "series", "percentile"):
            for i, series in enumerate(values["series"].values):
                for j, q in enumerate(values["percentile"].values):
                    columns[f"{series} p{q:g}"] = values.values[..., i, j].ravel()
    return pd.DataFrame(columns)


def synthetic(ds: xr.Dataset) -> list[str]:
    """Weathers of a study that are no record."""
    names = [notes[0] for notes in ds.attrs["weather_notes"].values() if "synthetic" in notes[0]]
    return list(dict.fromkeys(names))


def digest(ds: xr.Dataset) -> dict[str, Any]:
    """Counts (``unmet``: cases that miss a set point in some hour), and for each headline number its lowest and highest
    case; undefined is None."""
    table = case_table(ds)
    axes = axis_names(ds)
    out: dict[str, Any] = {
        "study": ds.attrs["study"]["name"],
        "cases": len(table),
        "done": int((table["status"] == 1).sum()),
        "failed": int((table["status"] == 2).sum()),
        "unmet": int((table["unmet_cooling_hours"] > 0.0).sum()),
        "synthetic_weather": synthetic(ds),
        "extremes": {},
    }
    for name in headline(ds):
        values = table[name]
        if values.notna().any():
            out["extremes"][name] = {
                which: {"value": float(values.iloc[at]), "case": {k: _plain(table[k].iloc[at]) for k in axes}}
                for which, at in (("lowest", values.argmin()), ("highest", values.argmax()))
            }
    return finite(out)  # type: ignore[no-any-return]  # a mapping stays one


def digest_text(ds: xr.Dataset, place: str = "") -> str:
    """The digest as a person reads it."""
    found = digest(ds)
    names = axis_names(ds)
    axes = " × ".join(f"{name} ({len(np.unique(ds[name].values))})" for name in names[:SHOWN_AXES])
    axes += f" and {len(names) - SHOWN_AXES:,} more axes" if len(names) > SHOWN_AXES else ""
    lines = [
        ds.attrs["study"]["title"] or found["study"],
        f"{found['cases']:,} cases over {axes}; {found['done']:,} done, {found['failed']:,} failed",
        "",
    ]
    for name, ends in found["extremes"].items():
        if ends["lowest"]["value"] == ends["highest"]["value"]:
            lines.append(f"{name:<20} {'':<8} {ends['lowest']['value']:>14,.4g}   in every case")
            continue
        for which, end in ends.items():
            items = list(end["case"].items())
            case = ", ".join(f"{axis} {value_text(ds, axis, value)}" for axis, value in items[:SHOWN_AXES])
            case += f" and {len(items) - SHOWN_AXES:,} more" if len(items) > SHOWN_AXES else ""
            lines.append(f"{name:<20} {which:<8} {end['value']:>14,.4g}   {case}")
    lines += [""] * bool(found["unmet"] or found["synthetic_weather"])
    if found["unmet"]:
        lines.append(unmet_text(found))
    if found["synthetic_weather"]:
        lines.append(f"Weather that is no record: {', '.join(found['synthetic_weather'])}")
    if place:
        lines += ["", f"Results: {place}"]
    return "\n".join(lines)


def unmet_text(found: dict[str, Any]) -> str:
    """How many cases of a digest are not to be compared with those that hold their set points."""
    count = found["unmet"]
    return (
        f"A set point is missed in some hours of {count:,} of {found['done']:,} cases; these do not compare."
    )


def value_text(ds: xr.Dataset, axis: str, value: Any) -> str:
    """A coordinate as a person reads it."""
    from twin_models.fields import Quantity
    from twin_sites import units

    unit = ds[axis].attrs.get("units", "1")
    if isinstance(value, str) or unit in ("1", "count"):
        return f"{value:g}" if isinstance(value, float) else str(value)
    base = ds[axis].attrs.get("relative_to", "")
    return f"{base} {units.text(float(value), Quantity(unit, '', difference=unit == 'K'))}".lstrip()


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
