"""What is finished is never lost or computed again, and an interrupted study ends in the bytes of one that was not."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twin_sites.errors import InputError

import twin
from twin.errors import RunError
from twin.studies.plan import plan_study

CASES = 60  # long enough to be stopped midway on a fast machine
TEXT = f"""site: enterprise-3-rack-gb300
hours: 480
chunk: 1
axes:
  weather: [phoenix, chicago]
  cooling.fws.supply: 25..{25 + 0.5 * (CASES / 2 - 1):g} degC by 0.5
hourly: [site_power]
"""
LOW, HIGH = 0.1, 0.9  # done share at which a kill counts
TRIES = 8


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Study file and the store of an uninterrupted run in this process."""
    folder = tmp_path_factory.mktemp("whole")
    path = folder / "s.yaml"
    path.write_text(TEXT, encoding="utf-8")
    twin.study(path, out=folder / "r.zarr")
    return path, folder / "r.zarr"


def content(store: Path) -> dict[str, bytes]:
    return {str(f.relative_to(store)): f.read_bytes() for f in sorted(store.rglob("*")) if f.is_file()}


def marks(store: Path) -> dict[str, tuple[int, int]]:
    """Done-marks of finished chunks, with what tells a second writing from the first."""
    found = (store / "status" / "c").glob("*")
    return {mark.name: (mark.stat().st_ino, mark.stat().st_mtime_ns) for mark in found if mark.name.isdigit()}


def start(study: Path, out: Path, *words: str) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "twin.cli",
        "study",
        str(study),
        "--out",
        str(out),
        "--workers",
        "2",
        *words,
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def children(pid: int) -> Iterator[int]:
    """All processes below one, from the process table."""
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid
            ):
                yield int(entry.name)
                yield from children(int(entry.name))
        except (OSError, IndexError):
            continue


def wait_until_partly_done(run: "subprocess.Popen[str]", out: Path, share: float) -> None:
    deadline = time.monotonic() + 60.0
    while len(marks(out) if out.exists() else {}) < share * CASES:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the process table in /proc")


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_client(whole: tuple[Path, Path], tmp_path: Path, how: signal.Signals) -> None:
    """Kill at a random moment between a tenth and nine tenths; resume; the same bytes, nothing computed twice."""
    study, reference = whole
    for attempt in range(TRIES):
        out = tmp_path / f"r{attempt}.zarr"
        run = start(study, out)
        wait_until_partly_done(run, out, random.uniform(LOW, 0.4))  # more are done before all have stopped
        below = list(children(run.pid))
        if how == signal.SIGINT:
            os.killpg(run.pid, how)  # as a terminal does
        else:
            os.kill(run.pid, how)
        said = run.communicate(timeout=30)
        finished = marks(out)
        if LOW <= len(finished) / CASES <= HIGH:
            break
    else:
        pytest.fail("the run never stood between a tenth and nine tenths")
    assert len(below) >= 2
    deadline = time.monotonic() + 10.0
    while any(map(alive, below)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, below)), "workers outlive their parent"
    if how == signal.SIGINT:
        assert run.returncode == 130
        assert "--resume" in said[1]
        assert "Traceback" not in said[1]
    partial = twin.open_study(out)
    assert int((partial["status"] == 1).sum()) == len(finished)
    assert int(partial["pue"].notnull().sum()) >= len(finished)
    again = start(study, out, "--resume")
    said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    after = marks(out)
    assert {name: after[name] for name in finished} == finished, "finished cases were written again"
    assert content(out) == content(reference)


@linux
def test_killed_worker(whole: tuple[Path, Path], tmp_path: Path) -> None:
    """A worker that dies is replaced; the study ends as if nothing had happened."""
    study, reference = whole
    run = start(study, tmp_path / "r.zarr")
    wait_until_partly_done(run, tmp_path / "r.zarr", random.uniform(LOW, 0.5))
    workers = [pid for pid in children(run.pid) if not list(children(pid))]
    os.kill(max(workers), signal.SIGKILL)
    err = run.communicate(timeout=60)[1]
    assert run.returncode == 0, err
    assert content(tmp_path / "r.zarr") == content(reference)


def test_full_disk(whole: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills while a chunk is written: a message, the finished ones stay, the rest follows later."""
    from zarr.storage import _local

    study, reference = whole
    out, put, left = tmp_path / "r.zarr", _local._put, [CASES]

    def full(path: Path, *words: Any, **more: Any) -> int:
        left[0] -= "c" in path.parts  # chunks, not metadata
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(path, *words, **more)

    with monkeypatch.context() as patch:
        patch.setattr(_local, "_put", full)
        with pytest.raises(RunError, match=r"No space left.*finished cases are kept.*--resume"):
            twin.study(study, out=out)
    finished = marks(out)
    assert 0 < len(finished) < CASES
    twin.study(study, out=out, resume=True)
    assert {name: marks(out)[name] for name in finished} == finished
    assert content(out) == content(reference)


def test_one_writer_at_a_time(whole: tuple[Path, Path]) -> None:
    from twin.studies.store import writing

    study, store = whole
    plan = plan_study(study)
    with writing(plan, store), pytest.raises(InputError, match="another process"), writing(plan, store):
        pass


def test_another_study_is_refused(whole: tuple[Path, Path], tmp_path: Path) -> None:
    """A store goes on only with the study that began it, and an existing one is never overwritten."""
    study, store = whole
    before = content(store)
    (tmp_path / "other.yaml").write_text(TEXT.replace("480", "479"), encoding="utf-8")
    with pytest.raises(InputError, match="other settings"):
        twin.study(tmp_path / "other.yaml", out=store, resume=True)
    (tmp_path / "other.yaml").write_text(TEXT.replace("chicago", "miami"), encoding="utf-8")
    with pytest.raises(InputError, match="weather"):
        twin.study(tmp_path / "other.yaml", out=store, resume=True)
    with pytest.raises(InputError, match="exists already"):
        twin.study(study, out=store)
    assert content(store) == before


def test_nothing_of_time_or_place_is_in_the_store(whole: tuple[Path, Path]) -> None:
    import socket

    text = b"".join(data for name, data in content(whole[1]).items() if name.endswith("zarr.json"))
    for word in (socket.gethostname(), str(whole[0].parent), time.strftime("%Y-%m-%d"), "workers"):
        assert word.encode() not in text, word


@pytest.mark.parametrize("words", [["nope.zarr"], ["."]])
def test_no_store(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="store"):
        twin.open_study(tmp_path / words[0])
