"""Where worker processes come from: a small server that imports what they need once, while the owner still plans."""

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any


def process_context() -> BaseContext:
    """How processes are started: from a server without threads where there is one (Linux, macOS), else anew.

    The server starts at the first call and imports in the background; call it early, before importing what is slow.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["twin.studies.warm"])
    with without_main():
        forkserver.ensure_running()
    return context


@contextmanager
def without_dask() -> Iterator[None]:
    """Pint and xarray import dask wherever it is installed, which takes a quarter of a second: in this block they do not."""
    kept: dict[str, Any] = sys.modules  # None is what the import system takes as "there is none"
    kept.setdefault("dask", None)
    try:
        yield
    finally:
        if kept.get("dask", "") is None:
            del kept["dask"]


@contextmanager
def without_main() -> Iterator[None]:
    """Processes that start in this block do not run the script of their owner again.

    Nothing they need stands in it: a script needs no ``if __name__ == "__main__":``, and they start sooner.
    """
    main = sys.modules["__main__"]
    spec, file = main.__spec__, main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__spec__ = spec
        if file is not None:
            main.__file__ = file
