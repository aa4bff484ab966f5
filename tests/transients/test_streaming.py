"""Series streamed to disk: the same numbers, bounded memory, readable after an end."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError

import twin
from twin.transients.streaming import CHUNK, read

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


def test_memory_does_not_grow_with_a_streamed_run(tmp_path: Path) -> None:
    peaks = []
    for i, hours in enumerate((4.0, 4.0, 16.0)):  # the first fills caches
        tracemalloc.start()
        twin.transient(SMALL, until=hours * 3600.0, out=tmp_path / f"{i}.zarr")
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + GROWTH_MIB
