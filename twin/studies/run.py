"""Studies: many cases of a facility, computed in chunks by this process, a pool of processes or a Dask cluster.

Workers compute and this process writes, so a worker may die at any moment without harm to the store; what is written
is never computed again.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr
from twin_sites.errors import InputError, Problem

from twin.errors import RunError
from twin.processes import process_context, without_main
from twin.studies.axes import Array
from twin.studies.cases import FAILED, TODO, Chunk, run_chunk
from twin.studies.file import Study
from twin.studies.plan import Plan, Recipe, plan_study
from twin.studies.results import open_study

AHEAD = 2  # tasks per worker that are handed out: no worker waits, and memory stays bounded
DEATHS = 2  # of workers while a chunk was in flight, before it is computed alone
CONNECT_S = 10.0


class Task(NamedTuple):
    """A chunk to compute."""

    first: int  # case
    rows: Array  # (cases, axes)
    kept: int  # leading cases whose series are kept


class Tally(NamedTuple):
    """How far a study is, in distinct cases."""

    done: int  # finished, with those of earlier runs
    failed: int
    total: int
    fresh: int  # finished by this run


Progress = Callable[[Tally], None]


def study(
    study: Study | str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Run a study and return its results.

    Parameters
    ----------
    study
        A ``Study``, a ``study.yaml``, its content as a mapping, or the name of a ready-made study.
    out
        Zarr store to write, which keeps every finished case whatever happens; without it results are only returned.
    workers
        Processes.
    scheduler
        Address of a Dask scheduler, ``tcp://host:8786``, in place of own processes.
    resume
        Go on with the store at ``out``.
    progress
        Called with a ``Tally`` after every chunk.

    Returns
    -------
    xarray.Dataset
        Every number of the summary with the axes as dimensions (a factorial) or over ``case``; see ``open_study``.

    Raises
    ------
    InputError
        For bad input, and where the store belongs to another study.
    RunError
        When the disk is full or workers keep dying; what was finished is kept.
    """
    store = _store()
    if workers > 1 and scheduler is None:
        process_context()
    plan = plan_study(study)
    if out is not None:
        return _run(store, plan, Path(out), workers, scheduler, resume, progress)
    with tempfile.TemporaryDirectory(prefix="twin-study-") as folder:
        return _run(store, plan, Path(folder) / "results.zarr", workers, scheduler, False, progress)


def _store() -> Any:
    """The module of the store, which needs the extra ``study``."""
    try:
        from twin.studies import store as store_studies
    except ModuleNotFoundError as error:
        remedy = "pip install 'facility-twin[study]'"
        raise InputError(
            [Problem("twin study", f"the package '{error.name}' is missing", "the extra 'study'", remedy)]
        ) from error
    return store_studies


def _run(
    store: Any,
    plan: Plan,
    path: Path,
    workers: int,
    scheduler: str | None,
    resume: bool,
    progress: Progress | None,
) -> xr.Dataset:
    if not 1 <= workers <= 1024:
        raise InputError([Problem("--workers", f"{workers}", "1 to 1,024", "as many as there are cores")])
    client = None if scheduler is None else _connected(plan.recipe, scheduler)
    try:
        if not (resume and path.exists()):
            store.create(plan, path)
    except InputError:
        if client is not None:
            client.close()
        raise
    with store.writing(plan, path) as writer:
        begun = int((writer.status != TODO).sum())
        tasks = deque(
            Task(
                first,
                rows := plan.cases[first : first + plan.chunk],
                min(max(plan.kept - first, 0), len(rows)),
            )
            for first in writer.todo
        )
        recipe, steps = plan.recipe, plan.steps
        if client is not None:
            results = _cluster(client, recipe, steps, tasks)
        elif workers > 1 and len(tasks) > 1:
            results = _pool(recipe, steps, tasks, min(workers, len(tasks)))
        else:
            results = ((task.first, run_chunk(recipe, task.rows, steps, task.kept)) for task in tasks)
        try:
            for first, found in results:
                writer.write(first, found)
                if progress is not None:
                    done, failed = int((writer.status != TODO).sum()), int((writer.status == FAILED).sum())
                    progress(Tally(done, failed, writer.status.size, done - begun))
        except (MemoryError, OSError) as error:  # of the machine, not of a case
            raise RunError(
                f"A case could not be computed here: {str(error) or 'out of memory'}. What was finished is kept; "
                "--resume goes on."
            ) from error
    return open_study(path)


def _pool(recipe: Recipe, steps: int, tasks: deque[Task], workers: int) -> Iterator[tuple[int, Chunk]]:
    """Results in the order in which processes finish; a killed process is replaced and its chunk computed again."""
    deaths: Counter[int] = Counter()
    alone: deque[Task] = deque()  # in flight when processes died: computed with nothing beside them
    pending: dict[Future[Chunk], Task] = {}
    pool = _processes(recipe, workers)
    try:
        while tasks or alone or pending:
            broken = False
            try:
                while tasks and len(pending) < AHEAD * workers:
                    future = _handed(pool, tasks[0], steps)
                    pending[future] = tasks.popleft()
                if not tasks and alone and not pending:
                    future = _handed(pool, alone[0], steps)
                    pending[future] = alone.popleft()
            except BrokenProcessPool:  # found while handing out
                broken = True
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                task = pending.pop(future)
                try:
                    yield task.first, future.result()
                except BrokenProcessPool:
                    pending[future] = task
                    broken = True
            if broken:
                solitary = len(pending) == 1 and not tasks
                for task in pending.values():
                    deaths[task.first] += 1
                    if deaths[task.first] > DEATHS and solitary:
                        raise RunError(
                            f"A worker died three times in cases {task.first + 1:,} to {task.first + len(task.rows):,}: is memory "
                            "short? What was finished is kept; --resume goes on."
                        )
                    (alone if deaths[task.first] >= DEATHS else tasks).append(task)
                pending = {}
                _end(pool)
                pool = _processes(recipe, workers)
    finally:
        _end(pool)


def _processes(recipe: Recipe, workers: int) -> ProcessPoolExecutor:
    """A pool whose processes come from a small server that has imported what they need, and end with this process."""
    return ProcessPoolExecutor(workers, mp_context=process_context(), initializer=_begin, initargs=(recipe,))


def _handed(pool: ProcessPoolExecutor, task: Task, steps: int) -> Future[Chunk]:
    """A task given to a pool, which starts its processes at the first ones."""
    with without_main():
        return pool.submit(_work, task, steps)


def _end(pool: ProcessPoolExecutor) -> None:
    """End a pool at once: nothing that its processes still do is wanted."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


_recipe: Recipe | None = None  # of this worker process


def _begin(recipe: Recipe) -> None:
    """Start of a worker process."""
    global _recipe
    _recipe = recipe
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; this process's owner decides
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """The sentinel of the parent closes when it dies, however it dies."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _work(task: Task, steps: int) -> Chunk:
    assert _recipe is not None
    return run_chunk(_recipe, task.rows, steps, task.kept)


def _connected(recipe: Recipe, address: str) -> Any:
    """A client of a Dask scheduler that has workers: asked for before a store is made."""
    try:
        distributed: Any = import_module("distributed")
    except ModuleNotFoundError as error:
        remedy = "pip install 'facility-twin[study]'"
        raise InputError(
            [Problem("--scheduler", f"the package '{error.name}' is missing", "the extra 'study'", remedy)]
        ) from error
    files = [trace.name for trace in recipe.loads.values() if isinstance(trace, Path)]
    if files:
        found, allowed = f"the requests of '{files[0]}'", "loads that travel with a task"
        raise InputError([Problem("--scheduler", found, allowed, "own processes: --workers 2")])
    try:
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        found, remedy = f"no scheduler answers at '{address}'", "'dask scheduler', then tcp://host:8786"
        raise InputError(
            [Problem("--scheduler", found, "the address of a Dask scheduler", remedy)]
        ) from error
    if not client.scheduler_info()["workers"]:
        client.close()
        remedy = f"'dask worker {address}' on each machine"
        raise InputError([Problem("--scheduler", "no worker has joined it", "at least one", remedy)])
    return client


def _cluster(client: Any, recipe: Recipe, steps: int, tasks: deque[Task]) -> Iterator[tuple[int, Chunk]]:
    """Results of a Dask cluster, whose workers need this package and no common disk."""
    distributed: Any = import_module("distributed")
    with client:
        address = client.scheduler.address
        threads = sum(worker["nthreads"] for worker in client.scheduler_info()["workers"].values())
        shared = client.scatter(recipe, broadcast=True, hash=False)
        flow = distributed.as_completed(loop=client.loop)
        pending: dict[Any, int] = {}
        try:
            while tasks or pending:
                while tasks and len(pending) < AHEAD * threads:
                    task = tasks.popleft()
                    future = client.submit(run_chunk, shared, task.rows, steps, task.kept, pure=False)
                    pending[future] = task.first
                    flow.add(future)
                future = next(flow)
                first = pending.pop(future)
                yield first, future.result()
        except (distributed.KilledWorker, CancelledError, OSError) as error:
            raise RunError(
                f"The cluster at {address} was lost ({type(error).__name__}). What was finished is kept; --resume goes on."
            ) from error
        finally:
            client.cancel(list(pending))


def default_workers() -> int:
    """Processes that this machine has cores for."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else (os.cpu_count() or 1)


__all__ = ["Progress", "Study", "Tally", "default_workers", "open_study", "plan_study", "study"]
