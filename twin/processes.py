"""Where worker processes come from: a small server that imports what they need once, while the owner still plans."""

import multiprocessing
from multiprocessing.context import BaseContext


def process_context() -> BaseContext:
    """How processes are started: from a server without threads where there is one (Linux, macOS), else anew.

    The server starts at the first call and imports in the background; call it early, before importing what is slow.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["twin.studies.cases"])
    forkserver.ensure_running()
    return context
