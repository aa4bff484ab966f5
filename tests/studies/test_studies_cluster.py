"""A real Dask scheduler and two worker processes over TCP on the loopback give the bytes of a run without them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twin_sites.errors import InputError

import twin
from twin.errors import RunError

pytest.importorskip("distributed", reason="the extra 'study' is not installed")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STUDY = {
    "site": "enterprise-3-rack-gb300",
    "hours": 240,
    "axes": {"weather": ["phoenix", "chicago"], "cooling.fws.supply": "25..34 degC by 1"},
    "hourly": ["site_power"],
}
TASK_S = 0.1  # of work that a task carries at least: the scheduler's own millisecond is then 1 %


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, "list[subprocess.Popen[bytes]]"]]:
    """Address of the scheduler, and its process with those of two workers."""
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--host", address]
    worker = [
        *(sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"),
        *("--no-dashboard", "--no-nanny", "--death-timeout", "60"),
    ]
    started = [subprocess.Popen(scheduler, **quiet)]
    started += [subprocess.Popen(worker, **quiet) for _ in range(2)]
    from distributed import Client

    deadline = time.monotonic() + 60.0
    while True:
        try:
            with Client(address, timeout=5, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
            break
        except OSError:
            assert time.monotonic() < deadline
    yield address, started
    for process in reversed(started):
        process.terminate()
        process.wait(30)


def content(store: Path) -> dict[str, bytes]:
    return {str(f.relative_to(store)): f.read_bytes() for f in sorted(store.rglob("*")) if f.is_file()}


def test_two_workers_over_tcp(cluster: tuple[str, "list[subprocess.Popen[bytes]]"], tmp_path: Path) -> None:
    """The same bytes as in this process; then a worker is killed half-way, then the scheduler."""
    address, started = cluster
    twin.study(STUDY, out=tmp_path / "here.zarr")
    twin.study(STUDY, out=tmp_path / "there.zarr", scheduler=address)
    reference = content(tmp_path / "here.zarr")
    assert content(tmp_path / "there.zarr") == reference

    def end_one(_: object) -> None:
        if started[-1].poll() is None:
            started[-1].kill()

    twin.study(STUDY, out=tmp_path / "lost.zarr", scheduler=address, progress=end_one)
    assert content(tmp_path / "lost.zarr") == reference

    def end_scheduler(_: object) -> None:
        started[0].kill()

    with pytest.raises(RunError, match="--resume"):
        twin.study(STUDY, out=tmp_path / "half.zarr", scheduler=address, progress=end_scheduler)
    assert 0 < int((twin.open_study(tmp_path / "half.zarr")["status"] == 1).sum()) < 20
    twin.study(STUDY, out=tmp_path / "half.zarr", resume=True)
    assert content(tmp_path / "half.zarr") == reference


def test_no_scheduler(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no scheduler answers"):
        twin.study(STUDY, out=tmp_path / "r.zarr", scheduler=f"tcp://127.0.0.1:{free_port()}")
    assert not (tmp_path / "r.zarr").exists()


def test_a_task_is_worth_sending() -> None:
    """A chunk of a study of middle size carries a hundred milliseconds of work or more."""
    from twin.studies.cases import run_chunk
    from twin.studies.plan import plan_study

    plan = plan_study(
        {"axes": {"cooling.fws.supply": "20..40 degC by 0.1", "weather": ["phoenix", "chicago"]}}
    )
    run_chunk(plan.recipe, plan.cases[:1])
    begun = time.process_time()
    run_chunk(plan.recipe, plan.cases[: plan.chunk])
    assert time.process_time() - begun >= TASK_S
