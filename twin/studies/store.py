"""Results of a study on disk: a Zarr store whose chunks are written whole, the done-mask of each last.

Nothing in the store tells when, where or by how many workers it was made, so that a study that was interrupted ends
in the very bytes of one that was not. The store is locked by the process that writes it; anybody may read.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs import blosc
from numpy.typing import NDArray
from twin_sites.errors import InputError, Problem
from zarr.codecs import BloscCodec

from twin.errors import RunError
from twin.studies.cases import ERROR_BYTES, SUMMARY, TODO, Chunk
from twin.studies.plan import Plan
from twin.weather import Weather

FORMAT = 2
blosc.use_threads = False  # its threads finish in any order, and the bytes with them


def create(plan: Plan, path: Path) -> None:
    """Make an empty store; it appears whole or not at all.

    Raises
    ------
    InputError
        Where something stands in its place, or the place cannot be written.
    """
    where = f"--out {path}"
    if path.exists():
        remedy = "--resume to go on with it, or another name"
        raise InputError([Problem(where, "exists already", "a new folder", remedy)])
    if path.suffix != ".zarr" or not path.resolve().parent.is_dir():
        allowed = "a name ending in .zarr in a folder that exists"
        raise InputError([Problem(where, "cannot be made", allowed, "results.zarr")])
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _template(plan, making)
        making.rename(path)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        allowed = "a place with room and permission"
        raise InputError([Problem(where, f"cannot be written: {error}", allowed)]) from error


def _template(plan: Plan, path: Path) -> None:
    study, n, chunk = plan.recipe.study, len(plan.cases), plan.chunk
    root = zarr.create_group(store=path, overwrite=True)
    packed = BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle")
    text = BloscCodec(cname="zstd", clevel=3, shuffle="noshuffle")

    def add(name: str, shape: tuple[int, ...], dims: tuple[str, ...], dtype: Any, fill: Any, how: Any) -> Any:
        return root.create_array(
            name, shape=shape, chunks=tuple(max(1, size) for size in (min(chunk, n), *shape[1:])),
            dtype=dtype, fill_value=fill, dimension_names=dims, compressors=how,
        )  # fmt: skip

    nan = float("nan")
    add("summary", (n, len(SUMMARY)), ("case", "field"), "f8", nan, packed)
    add("status", (n,), ("case",), "u1", TODO, None)
    add("error", (n, ERROR_BYTES), ("case", "byte"), "u1", 0, text)
    if study.hourly:  # one array: a write takes a millisecond whatever its size
        shape = (plan.kept, len(study.hourly), plan.steps)
        add("hourly", shape, ("case", "variable", "step"), "f4", nan, packed)
    if study.percentiles:
        shape = (n, len(study.percentiles), len(study.at))
        add("percentiles", shape, ("case", "series", "percentile"), "f8", nan, packed)
    rows = root.create_array("design", data=plan.design, dimension_names=("row", "axis"), compressors=packed)
    rows.attrs["axes"] = [axis.name for axis in plan.recipe.axes]
    root.create_array("case_of_row", data=plan.case_of, dimension_names=("row",), compressors=packed)
    root.attrs.update(describe(plan))


def describe(plan: Plan) -> dict[str, Any]:
    """What a store says of its study: enough to label every number, nothing of time, place or workers."""
    study = plan.recipe.study
    written = {key: value for key, value in asdict(study).items() if key != "site"}
    base = plan.recipe.sites[""]
    return json.loads(  # type: ignore[no-any-return]  # plain values, as they will be read back
        json.dumps(
            {
                "format": FORMAT,
                "identity": plan.identity,
                "study": written | {"site": base.name},
                "axes": [asdict(axis) for axis in plan.recipe.axes],
                "dims": plan.dims,
                "fields": list(SUMMARY),
                "site_title": base.title,
                "weather_notes": {
                    name or air.name: [air.name, air.source, *air.notes]
                    for name, air in plan.recipe.weathers.items()
                },
                "weather_facts": {
                    name or air.name: degree_hours(air) for name, air in plan.recipe.weathers.items()
                },
                "chunk": plan.chunk,
                "kept": plan.kept,
                "left_out": plan.left_out,
                "steps": plan.steps,
                "step_s": study.step_s or plan.recipe.weathers[""].step_s,
            },
            default=str,
        )
    )


def degree_hours(air: Weather) -> dict[str, float]:
    """K·h of a weather above 18 °C dry bulb and above 15 °C wet bulb."""
    step_h = air.step_s / 3600.0
    return {
        f"{kind}_degree_hours": round(float(np.maximum(values - base, 0.0).sum() * step_h), 3)
        for kind, values, base in (("dry_bulb", air.dry_bulb, 18.0), ("wet_bulb", air.wet_bulb, 15.0))
    }


@contextmanager
def writing(plan: Plan, path: Path) -> "Iterator[Writer]":
    """The store of a study, locked for this process until the block ends or the process does.

    Raises
    ------
    InputError
        Where it is no store, belongs to another study, or another process writes it.
    """
    import fcntl

    attrs = attributes(path)
    changed = [part for part, key in plan.identity.items() if attrs["identity"].get(part) != key]
    if changed:
        found = f"the store was begun with other {', '.join(changed)}"
        remedy = "run it anew under another name, or restore the file that the store was begun with"
        raise InputError([Problem(f"--resume {path}", found, "the same study", remedy)])
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            found, remedy = "another process is writing it", "wait for it, or end it first"
            raise InputError([Problem(f"--out {path}", found, "one writer at a time", remedy)]) from error
        for half in path.rglob("*.partial"):  # what a killed process was writing
            half.unlink(missing_ok=True)
        yield Writer(plan, path)
    finally:
        os.close(handle)


class Writer:
    """Writes chunks of results; one process holds it."""

    def __init__(self, plan: Plan, path: Path) -> None:
        self.path, self.chunk, self.study = path, plan.chunk, plan.recipe.study
        self.arrays: dict[str, Any] = dict(zarr.open_group(path, mode="r+").arrays())
        self.status: NDArray[np.uint8] = np.asarray(self.arrays["status"][:])

    @property
    def todo(self) -> list[int]:
        """First case of every chunk that is not finished."""
        firsts = range(0, self.status.size, self.chunk)
        return [first for first in firsts if (self.status[first : first + self.chunk] == TODO).any()]

    def write(self, first: int, found: Chunk) -> None:
        """Store a chunk; it counts only once its last array, the done-mask, is written.

        Raises
        ------
        RunError
            Where the disk is full or fails; what was finished before stays.
        """
        where = slice(first, first + len(found.status))
        try:
            self.arrays["summary"][where] = found.summary
            if any(found.errors):
                self.arrays["error"][where] = _bytes(found.errors)
            if len(found.hourly):
                self.arrays["hourly"][first : first + len(found.hourly)] = found.hourly
            if self.study.percentiles:
                self.arrays["percentiles"][where] = found.percentiles
            self.arrays["status"][where] = found.status
        except OSError as error:
            done = int((self.status != TODO).sum())
            raise RunError(
                f"{self.path} cannot be written: {error.strerror or error}. {done:,} finished cases are kept; "
                "make room and go on with --resume."
            ) from error
        self.status[where] = found.status


def _bytes(errors: list[str]) -> NDArray[np.uint8]:
    out = np.zeros((len(errors), ERROR_BYTES), dtype=np.uint8)
    for i, error in enumerate(errors):
        raw = error.encode()[:ERROR_BYTES]
        out[i, : len(raw)] = np.frombuffer(raw, dtype=np.uint8)
    return out


def attributes(path: Path) -> dict[str, Any]:
    """What a store says of its study.

    Raises
    ------
    InputError
        Where there is no store of a study.
    """
    try:
        attrs = dict(zarr.open_group(path, mode="r").attrs)
    except (OSError, ValueError, KeyError) as error:
        found = "no such store" if not path.exists() else "no store of a study"
        remedy = "check the name, or leave --resume out to begin"
        raise InputError([Problem(str(path), found, "a folder that 'twin study' wrote", remedy)]) from error
    if attrs.get("format") != FORMAT:
        remedy = "run the study again"
        raise InputError(
            [Problem(str(path), "no store of this version", "one that 'twin study' wrote", remedy)]
        )
    return attrs


def arrays(path: Path, wanted: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Arrays of a store by name, as far as they are written."""
    root = zarr.open_group(path, mode="r")
    return {name: np.asarray(root[name][...]) for name in wanted if name in root}  # type: ignore[index]


def series(path: Path, at: int) -> NDArray[np.float32]:
    """One of the series that are kept, shape (cases kept, steps)."""
    root: Any = zarr.open_group(path, mode="r")
    return np.asarray(root["hourly"][:, at])
