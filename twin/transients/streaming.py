"""Series of a transient on disk while it runs: a Zarr store that grows chunk by chunk, readable meanwhile and after an end.

Memory holds one chunk, whatever the length of the run. The store says how many moments are written; what follows is NaN.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from twin_models.streams import Array
from twin_sites.errors import InputError, Problem

from twin.errors import RunError

CHUNK = 600  # moments


def check(path: Path) -> None:
    """Refuse a place that cannot take a store.

    Raises
    ------
    InputError
        Where something stands there, or it is no name ending in .zarr in a folder that exists.
    """
    if path.suffix != ".zarr" or not path.resolve().parent.is_dir():
        raise InputError(
            [
                Problem(
                    f"--out {path}",
                    "cannot be made",
                    "a name ending in .zarr in a folder that exists",
                    "run.zarr",
                )
            ]
        )
    if path.exists():
        raise InputError([Problem(f"--out {path}", "exists already", "a new folder", "another name")])
    if not os.access(path.resolve().parent, os.W_OK):
        found = "a folder that may not be written"
        raise InputError([Problem(f"--out {path}", found, "a writable folder", "choose another")])


class Stream:
    """Writes series as they come."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path, self.about = path, about
        self.written = 0
        self._held: list[Array] = []
        self._root: Any = None

    def open(self, names: list[str], moments: int) -> None:
        """Make the store for series of these names.

        Raises
        ------
        InputError
            Where the place does not take it.
        """
        shape = (moments, len(names))
        try:
            self._root = zarr.create_group(store=self.path)
            self._root.create_array(
                "series", shape=shape, chunks=(min(CHUNK, moments), len(names)), dtype="f4", fill_value=float("nan"),
                dimension_names=("time", "name"),
            )  # fmt: skip
            self._root.attrs.update({**self.about, "names": names, "moments_written": 0})
        except OSError as error:
            found = f"cannot be written: {error.strerror or error}"
            raise InputError(
                [Problem(f"--out {self.path}", found, "a place with room and permission")]
            ) from error

    def write(self, block: Array) -> None:
        """Take the next moments, shape (names, moments)."""
        self._held.append(block)
        if sum(one.shape[1] for one in self._held) >= CHUNK:
            self.flush()

    def flush(self) -> None:
        """Put on disk what is held; the count comes last, so that a reader never takes what is half-written.

        Raises
        ------
        RunError
            Where it does not go there; what was written before stays readable.
        """
        if not self._held:
            return
        block = np.concatenate(self._held, axis=1).T
        self._held.clear()
        try:
            self._root["series"][self.written : self.written + len(block)] = block
            self._root.attrs["moments_written"] = self.written + len(block)
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written on: {error.strerror or error}. The first {self.written} moments are in it."
            ) from error
        self.written += len(block)


def read(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Series by name as far as they are written, with ``elapsed`` in s; and what the store says of its run.

    Raises
    ------
    InputError
        Where there is no such store.
    """
    try:
        root = zarr.open_group(Path(path), mode="r")
        about: dict[str, Any] = dict(root.attrs)
        values = np.asarray(root["series"][: about["moments_written"]], dtype=float)  # type: ignore[index]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            [
                Problem(
                    str(path), f"cannot be read: {error}", "a store that 'twin transient --out x.zarr' wrote"
                )
            ]
        ) from error
    step, names = about["step_s"], about["names"]
    return {"elapsed": np.arange(len(values)) * step} | dict(zip(names, values.T, strict=True)), about
