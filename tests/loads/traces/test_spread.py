"""Copies of a trace over more racks than it covers: what moves together stays together."""

from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError

import twin
from twin.loads.fit import resample
from twin.loads.read import load_trace
from twin.loads.traces.spread import spread

SHARED = Path(__file__).parents[4] / "shared" / "data"
GPT3 = SHARED / "gpu_traces" / "mlperf_smc_h100" / "gpt3_512gpu_run1_ac_node_power_2s.csv.gz"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real traces are not here")


def correlation(rows: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> float:
    """Mean over all pairs."""
    table = np.corrcoef(rows)
    return float(table[np.triu_indices_from(table, 1)].mean())


def trace(devices: int = 6, n: int = 400) -> "list[np.ndarray[tuple[int], np.dtype[np.float64]]]":
    rng = np.random.default_rng(1)
    common = np.where(np.arange(n) % 20 < 4, 0.8, 1.0) + 0.03 * rng.standard_normal(n)
    return [500.0 * (common + 0.07 * rng.standard_normal(n)) for _ in range(devices)]


def test_first_copy_is_the_trace_itself() -> None:
    series = trace()
    assert np.array_equal(spread(series, 6, 1), np.stack(series))
    pairs = spread(series, 3, 2)
    assert pairs == pytest.approx((np.stack(series[::2]) + np.stack(series[1::2])) / 2)


@pytest.mark.parametrize(
    ("racks", "per_rack", "first"), [(12, 1, 0), (4, 6, 0), (3, 4, 0), (5, 12, 6), (2, 3, 3)]
)
def test_whole_copies_keep_the_energy(racks: int, per_rack: int, first: int) -> None:
    series = trace()
    rows = spread(series, racks, per_rack, first, lag_steps=50.0, seed=3)
    if racks * per_rack % 6 == 0 and first % 6 == 0:
        assert rows.mean() == pytest.approx(np.mean(series), rel=1e-12)
    assert rows.shape == (racks, 400)


def test_groups_go_on_where_the_one_before_ended() -> None:
    series = trace()
    whole = spread(series, 10, 2, seed=4, lag_steps=9.0)
    parts = [spread(series, 4, 2, seed=4, lag_steps=9.0), spread(series, 6, 2, 8, seed=4, lag_steps=9.0)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(whole, spread(series, 10, 2, seed=5, lag_steps=9.0))


def test_devices_of_a_job_stay_in_step_and_jobs_do_not() -> None:
    series = trace()
    alone = correlation(np.stack(series))
    copies = spread(series, 24, 1, seed=2)
    jobs = spread(series, 24, 1, seed=2, lag_steps=150.0)
    assert correlation(copies) >= alone - 0.05
    for job in range(4):
        assert correlation(jobs[6 * job : 6 * job + 6]) == pytest.approx(alone, abs=1e-9)
    apart = np.corrcoef(jobs.reshape(4, 6, -1).mean(axis=1))
    assert np.abs(apart[np.triu_indices(4, 1)]).min() < 0.5
    assert jobs.mean(axis=0).std() < 0.8 * copies.mean(axis=0).std()


def test_too_much_is_refused() -> None:
    with pytest.raises(InputError, match=r"load\.spread"):
        spread([np.zeros(100_000)], 1000, 1)


@needs_shared
def test_measured_synchrony_of_512_gpus_survives_on_more_racks() -> None:
    load = load_trace(GPT3, "node_ac")
    series = [values[60:-60] for values in load.series.values()]
    rows = spread(series, 128, 1, seed=1)
    measured = correlation(np.stack(series))
    assert measured == pytest.approx(0.63, abs=0.06)
    assert correlation(rows) == pytest.approx(measured, abs=0.02)
    hall = rows.sum(axis=0)
    one = np.sum(series, axis=0)
    assert hall.max() / hall.mean() == pytest.approx(one.max() / one.mean(), rel=1e-9)
    jobs = spread(series, 128, 1, seed=1, lag_steps=300.0).sum(axis=0)
    assert jobs.std() < 0.9 * hall.std()


@needs_shared
@pytest.mark.parametrize("how", ["copies", "jobs"])
def test_a_site_runs_on_copies_and_its_energy_closes(how: str) -> None:
    load = resample(load_trace(GPT3, "node_ac"), 60.0)
    changes = {"load.spread": how, "racks.compute.system": "nvidia-hgx-h100-air"}
    ds = twin.simulate(
        "hgx-h200-1mw-air", load=load, changes=changes, step_s=60.0, hours=0.5, start="2023-01-01T00:00"
    )
    assert twin.summarize(ds).energy_closure < 1e-6
    assert any("copies" in note for note in ds.attrs["notes"])
    assert float(ds.rack_power.sel(rack="compute").mean()) / 24.0 / 4.0 == pytest.approx(6851.0, rel=0.03)
