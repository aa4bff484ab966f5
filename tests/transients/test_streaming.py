"""Series streamed to disk: the same numbers, bounded memory, readable after an end."""

import errno
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import zarr
from twin_sites.errors import InputError

import twin
from twin.errors import RunError
from twin.transients.streaming import CHUNK, Stream, read

SMALL = "enterprise-3-rack-gb300"
GROWTH_MIB = 2.0  # of memory over a run four times as long


def test_what_is_streamed_is_what_is_returned(tmp_path: Path) -> None:
    place = tmp_path / "run.zarr"
    ds = twin.transient(SMALL, events=["t=20s load 50 %"], until=120.0, out=place)
    series, about = read(place)
    assert about["events"] == ["t=20s load 50 %"]
    np.testing.assert_array_equal(series["elapsed"], ds.elapsed)
    np.testing.assert_allclose(series["rack.compute.chip"], ds.rack_chip_temperature[0], rtol=1e-6)
    np.testing.assert_allclose(series["site.meter"], ds.site_power, rtol=1e-6)


def test_an_ended_run_leaves_what_was_played(tmp_path: Path) -> None:
    place = tmp_path / "run.zarr"

    def stop(done: int, whole: int) -> None:
        if done > 2 * CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        twin.transient(SMALL, load="training", until=3 * 3600.0, out=place, progress=stop)
    series, about = read(place)
    assert 2 * CHUNK < len(series["elapsed"]) < about["until_s"]
    assert np.isfinite(series["rack.compute.power"]).all()


@pytest.mark.parametrize("name", ["run.nc", "missing/run.zarr"])
def test_a_place_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be made"):
        twin.transient(SMALL, until=10.0, out=tmp_path / name)
    (tmp_path / "there.zarr").mkdir()
    with pytest.raises(InputError, match="exists already"):
        twin.transient(SMALL, until=10.0, out=tmp_path / "there.zarr")


def test_a_place_that_fills_up_ends_the_run_and_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, whole = tmp_path / "run.zarr", Stream.flush
    full = OSError(errno.ENOSPC, "No space left on device")

    def flush(self: Stream) -> None:
        if self.written:
            monkeypatch.setattr(zarr.Array, "__setitem__", lambda *parts: (_ for _ in ()).throw(full))
        whole(self)

    monkeypatch.setattr(Stream, "flush", flush)
    with pytest.raises(RunError, match=r"No space left on device. The first \d+ moments"):
        twin.transient(SMALL, until=3 * CHUNK, out=place)
    monkeypatch.undo()
    series, _ = read(place)
    assert len(series["elapsed"]) >= CHUNK
    assert np.isfinite(series["site.meter"]).all()


def test_a_place_that_takes_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**rest: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(zarr, "create_group", refuse)
    with pytest.raises(InputError, match="cannot be written: Read-only file system"):
        twin.transient(SMALL, until=10.0, out=tmp_path / "run.zarr")
    monkeypatch.setattr("os.access", lambda *parts: False)
    with pytest.raises(InputError, match="may not be written"):
        twin.transient(SMALL, until=10.0, out=tmp_path / "run.zarr")
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_a_streamed_run(tmp_path: Path) -> None:
    peaks = []
    for i, hours in enumerate((4.0, 4.0, 16.0)):  # the first fills caches
        tracemalloc.start()
        twin.transient(SMALL, until=hours * 3600.0, out=tmp_path / f"{i}.zarr")
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + GROWTH_MIB


def test_a_file_that_has_no_place_is_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**rest: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    ds = twin.transient(SMALL, until=10.0)
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(InputError, match=r"cannot be written: .*No space left"):
        twin.save(ds, tmp_path / "run.csv")
    assert not list(tmp_path.iterdir())
