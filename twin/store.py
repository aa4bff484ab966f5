"""Results on disk: netCDF for one run, and its series as CSV for spreadsheets. Written whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr
from twin_sites.errors import InputError, Problem
from twin_sites.yaml_files import yaml_text

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".nc", ".csv")


def check_target(path: str | Path, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Path that a result, or another file with one of the suffixes, could be written to.

    Raises
    ------
    InputError
        Before the run, not after it: for an unknown suffix, a missing folder or a folder in the file's place.
    """
    target = Path(path)
    if target.suffix not in suffixes:
        raise InputError(
            [
                Problem(
                    f"--out {path}",
                    f"the suffix '{target.suffix}'",
                    "one of " + ", ".join(suffixes),
                    f"result{suffixes[0]}",
                )
            ]
        )
    if target.is_dir() or not target.resolve().parent.is_dir():
        raise InputError(
            [
                Problem(
                    f"--out {path}",
                    "no such folder",
                    "a file in a folder that exists",
                    "make the folder first",
                )
            ]
        )
    if not os.access(target.resolve().parent, os.W_OK):
        raise InputError(
            [
                Problem(
                    f"--out {path}", "a folder that may not be written", "a writable folder", "choose another"
                )
            ]
        )
    return target


def save(ds: xr.Dataset, path: str | Path) -> Path:
    """Write a result to ``.nc`` or ``.csv``; a failure leaves no half-written file behind.

    Raises
    ------
    InputError
        When the place cannot be written.
    """
    target = check_target(path)
    temporary = target
    try:
        handle, name = tempfile.mkstemp(suffix=target.suffix, dir=target.resolve().parent, prefix=".twin-")
        os.close(handle)
        temporary = Path(name)
        if target.suffix == ".nc":
            out = ds.copy()
            out.attrs = {
                key: ("\n".join(value) if isinstance(value, list) else value)
                for key, value in ds.attrs.items()
            }
            encoding = {key: {"zlib": True, "complevel": 1, "shuffle": True} for key in ds.data_vars}
            out.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
        else:
            wide(ds).to_csv(temporary, index_label="time")
        temporary.replace(target)
    except OSError as error:
        raise InputError(
            [Problem(f"--out {path}", f"cannot be written: {error}", "a place with room and permission")]
        ) from error
    finally:
        if temporary != target:
            temporary.unlink(missing_ok=True)
    return target


def check_site_target(path: str | Path) -> Path:
    """Path that a site file could be written to, refused before the work."""
    target = Path(path)
    if target.suffix not in (".yaml", ".yml") or target.is_dir() or not target.resolve().parent.is_dir():
        allowed = "a .yaml file in a folder that exists"
        raise InputError(
            [Problem(f"--out {path}", "no YAML file or no such folder", allowed, "my-site.yaml")]
        )
    return target


def save_site(written: Mapping[str, Any], path: str | Path) -> Path:
    """Write a site file."""
    target = check_site_target(path)
    write_whole(target, yaml_text(written).encode())
    return target


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    InputError
        When the place cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(suffix=path.suffix, dir=path.resolve().parent, prefix=".twin-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            [Problem(str(path), f"cannot be written: {error}", "a place with room and permission")]
        ) from error


def wide(ds: xr.Dataset) -> "pd.DataFrame":
    """One row per step and one column per series, units in the header; what has no time is left out."""
    import pandas as pd

    columns = {}
    for name, values in ds.data_vars.items():
        unit = values.attrs["units"]
        if "time" not in values.dims:
            continue
        if values.dims == ("time",):
            columns[f"{name} [{unit}]"] = values.values
        else:
            for i, member in enumerate(values.coords[values.dims[0]].values):
                columns[f"{name}:{member} [{unit}]"] = values.values[i]
    return pd.DataFrame(columns, index=ds["time"].values)


def open_result(path: str | Path) -> xr.Dataset:
    """Read back what ``save`` wrote as netCDF.

    Raises
    ------
    InputError
        When the file is missing or is no result.
    """
    try:
        ds = xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            [Problem(str(path), f"cannot be read: {error}", "a netCDF file written by 'twin run --out'")]
        ) from error
    if "site_key" not in ds.attrs:
        raise InputError(
            [Problem(str(path), "no result of this program", "a netCDF file written by 'twin run --out'")]
        )
    for key in ("notes", "out_of_range", "range_exits", "limits", "datasheets", "tokens_basis"):
        ds.attrs[key] = [line for line in str(ds.attrs.get(key, "")).split("\n") if line]
    return ds
