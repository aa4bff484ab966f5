"""Generated fleets against real records: kept statistics of them, and the records themselves where they are at hand."""

import gzip
import tracemalloc
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from twin_sites.catalogue import datasheet
from twin_sites.errors import InputError
from twin_sites.units import parse

import twin
from twin.loads.fleet import KINDS, OFF, PROVISIONING, Fleet, blocks, whole
from twin.loads.fleet_report import autocorrelation, survey, write
from twin.loads.load import frozen
from twin.loads.read import load_trace

DATA = Path(__file__).parents[3] / "shared/data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
IDLE_W, TOP_W = 2200.0, 7370.0  # of a node of 8 H100, immersion cooled
# Kept from the records: GPT-3 on 512 H100, AC, 2 s (node power), and two shared servers by the hour.
GPT3 = {
    "mean_kw": 438.5, "p95_kw": 457.2, "variation": 0.048, "synchrony": 0.63, "synchrony_steps": 0.53,
    "node_variation": 0.060, "largest_2s_kw": 86.0, "lowest_60s_kw": 430.8, "highest_60s_kw": 443.9,
}  # fmt: skip
SHARED = {"idle": (0.40, 0.84), "busy_h": (4.0, 5.0), "busy_p90_h": (40.0, 47.0), "idle_h": (6.0, 14.0)}


def synchrony(rows: NDArray[np.float64]) -> float:
    """Mean correlation between different rows."""
    c = np.corrcoef(rows)
    return float((c.sum() - len(c)) / (len(c) * (len(c) - 1)))


def hall(power: NDArray[np.float64]) -> dict[str, float]:
    """The statistics of ``GPT3`` of node power (nodes, n) at 2 s."""
    total = power.sum(axis=0) / 1e3
    minutes = total[: total.size // 30 * 30].reshape(-1, 30).mean(axis=1)
    return {
        "mean_kw": float(total.mean()),
        "p95_kw": float(np.percentile(total, 95)),
        "variation": float(total.std() / total.mean()),
        "synchrony": synchrony(power),
        "synchrony_steps": synchrony(np.diff(power)),
        "node_variation": float((power.std(axis=1) / power.mean(axis=1)).mean()),
        "largest_2s_kw": float(np.abs(np.diff(total)).max()),
        "lowest_60s_kw": float(minutes.min()),
        "highest_60s_kw": float(minutes.max()),
    }


def spells(busy: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths of busy and idle spells of all rows, those cut by the ends left out."""
    out: tuple[list[int], list[int]] = ([], [])
    for row in busy:
        edges = np.flatnonzero(np.diff(row.astype(int)))
        for length, was in zip(np.diff(edges), row[edges[:-1] + 1], strict=True):
            out[0 if was else 1].append(int(length))
    return np.array(out[0]), np.array(out[1])


def test_training_looks_like_the_measured_hall() -> None:
    made = hall(IDLE_W + (TOP_W - IDLE_W) * whole(Fleet(kind="training", racks=64, n=1600, step_s=2.0)))
    for name, tolerance in {
        "mean_kw": 0.02, "p95_kw": 0.02, "variation": 0.15, "synchrony": 0.15, "synchrony_steps": 0.25,
        "node_variation": 0.1, "largest_2s_kw": 0.5, "lowest_60s_kw": 0.02, "highest_60s_kw": 0.02,
    }.items():  # fmt: skip
        assert made[name] == pytest.approx(GPT3[name], rel=tolerance), name


@needs_data
def test_kept_statistics_are_those_of_the_record() -> None:
    table = pd.read_csv(DATA / "gpu_traces/mlperf_smc_h100/gpt3_512gpu_run1_ac_node_power_2s.csv.gz")
    nodes = table.filter(like="node_").iloc[33:-33].interpolate(limit=5).bfill().ffill().to_numpy().T
    for name, value in hall(nodes).items():
        assert value == pytest.approx(GPT3[name], rel=0.02), name


def test_shared_racks_look_like_the_measured_servers() -> None:
    x = whole(Fleet(kind="research", racks=40, n=2 * 8760))
    busy = x > 0.02
    assert SHARED["idle"][0] < 1.0 - busy.mean() < SHARED["idle"][1]
    worked, idle = spells(busy)
    assert SHARED["busy_h"][0] <= np.median(worked) <= SHARED["busy_h"][1]
    assert np.percentile(worked, 90) == pytest.approx(np.mean(SHARED["busy_p90_h"]), rel=0.15)
    assert SHARED["idle_h"][0] <= np.median(idle) <= SHARED["idle_h"][1]
    assert np.mean([autocorrelation(row.astype(float), 1) or 0.0 for row in x]) == pytest.approx(
        0.93, abs=0.04
    )
    assert np.mean([autocorrelation(row.astype(float), 24) or 0.0 for row in x]) == pytest.approx(
        0.55, abs=0.12
    )
    day = x.mean(axis=0).reshape(-1, 24).mean(axis=0)
    assert (day.max() - day.min()) / day.mean() < 0.1  # no day cycle


@needs_data
@pytest.mark.parametrize("server", ["08", "10"])
def test_ranges_of_shared_servers_hold_in_the_records(server: str) -> None:
    path = DATA / f"gpu_traces/cornell_biohpc_hourly/cbsugpu{server}_usage_stats.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8-sig") as file:
        rows = [line.split("\t") for line in file if line.startswith("cbsugpu")]
    use = np.array([float(row[8]) for row in rows])[::-1]
    busy = use >= 1.0
    assert SHARED["idle"][0] - 0.01 < 1.0 - busy.mean() < SHARED["idle"][1] + 0.01
    if server == "10":  # flickers around the threshold, so its spells mean little
        return
    worked, idle = spells(busy[None, :])
    assert 2.0 <= np.median(worked) <= 6.0
    assert 5.0 <= np.median(idle) <= 15.0


def test_serving_follows_the_day_and_each_server_is_flat() -> None:
    fleet = Fleet(kind="inference", racks=50, n=60 * 24 * 20, step_s=60.0)
    x = whole(fleet)
    mean = x.mean(axis=0)
    assert autocorrelation(mean, 10) == pytest.approx(0.88, abs=0.06)  # ServeGen m-small, 10 minutes
    hours = mean.reshape(20, 24, 60).mean(axis=(0, 2))
    assert 1.2 < hours.max() / hours.min() < 3.0
    busy = x[x > 0.8]
    assert busy.std() / busy.mean() < 0.02  # an H200 server under full load: 1.6 %
    assert x.min() > 0.05  # idle with the model loaded


@pytest.mark.parametrize("seed", range(3))
def test_scheduler_keeps_a_mixed_site_busy(seed: int) -> None:
    fleet = Fleet(kind="mixed", racks=200, seed=seed)
    x = whole(fleet)
    batch, serving = x[:120], x[120:]
    assert 0.65 <= (batch > 0.02).mean() <= 0.75
    assert serving.mean() == pytest.approx(0.50, abs=0.02)
    assert synchrony(batch.astype(float)[::7]) < 0.3  # different jobs


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_any_length_hold_the_same_values(kind: str) -> None:
    fleet = Fleet(kind=kind, racks=37, n=3000, step_s=60.0, seed=4, provisioning="off")  # type: ignore[arg-type]
    reference = whole(fleet)
    assert reference.dtype == np.float32
    for steps in (7, 1000, 5000):
        parts = list(blocks(fleet, steps))
        assert all(part.shape[1] == steps for part in parts[:-1])
        assert np.array_equal(np.concatenate(parts, axis=1), reference)
    longer = whole(Fleet(kind=kind, racks=37, n=4000, step_s=60.0, seed=4, provisioning="off"))  # type: ignore[arg-type]
    if kind != "mixed":  # jobs that wait may overtake others that come later
        assert np.array_equal(longer[:, :2900], reference[:, :2900])
    assert not np.array_equal(
        whole(Fleet(kind=kind, racks=37, n=3000, step_s=60.0, seed=5, provisioning="off")), reference
    )  # type: ignore[arg-type]


def test_a_step_does_not_change_the_story() -> None:
    for kind in KINDS:
        hours = whole(Fleet(kind=kind, racks=20, n=72, step_s=3600.0, seed=2))
        minutes = whole(Fleet(kind=kind, racks=20, n=72 * 60, step_s=60.0, seed=2))
        gap = np.abs(minutes.reshape(20, 72, 60).mean(axis=2) - hours)
        if kind in ("training", "research"):  # which rack serves within the hour depends on the step
            assert gap.max() < 0.02, kind
        assert np.abs(minutes.mean(axis=0).reshape(72, 60).mean(axis=1) - hours.mean(axis=0)).max() < 0.01
        assert minutes.mean() == pytest.approx(hours.mean(), abs=0.003)


def test_provisioning_saves_what_is_idle() -> None:
    mean = {p: whole(Fleet(kind="inference", racks=100, n=2000, provisioning=p)) for p in PROVISIONING}
    assert mean["static"].min() > 0.0
    assert (mean["parked"] == 0.0).mean() == pytest.approx((mean["off"] == OFF).mean())
    assert 0.1 < (mean["off"] == OFF).mean() < 0.5
    busy = mean["static"] > 0.5
    assert (mean["off"] == mean["static"])[busy].mean() > 0.99


@pytest.mark.bench
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_racks_at_a_minute_are_quick(kind: str) -> None:
    """A twentieth of a year in a twentieth of the minute that a year may take."""
    began = process_time()
    found = survey(Fleet(kind=kind, racks=1000, n=525_600 // 20, step_s=60.0))  # type: ignore[arg-type]
    assert process_time() - began < 60.0 / 20
    assert 0.15 < found.mean < 0.95


def test_memory_is_bounded() -> None:
    tracemalloc.start()
    found = survey(
        Fleet(kind="mixed", racks=2000, n=4000, step_s=60.0)
    )  # 32 MB at once would be 8 million values
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.racks == 2000
    assert peak < 60e6


@needs_data
def test_idle_and_busy_of_an_accelerator_are_parameters() -> None:
    """MI300X: idle 0.19 to 0.20 and busy 0.89 to 0.90 of 750 W, from the record, the datasheet and a generated fleet."""
    place = DATA / "gpu_traces/amd_mi300x_vllm"
    table = pd.read_csv(next(place.glob("gpu_power_*.csv"))).dropna(subset=["device", "power_watts"])
    watts = {name: rows["power_watts"].to_numpy() for name, rows in table.groupby("device")}
    idle = np.median(np.concatenate([rows for name, rows in watts.items() if name != "card0"]))
    busy = watts["card0"][watts["card0"] > 300.0].mean()
    sheet = datasheet("amd-mi300x").values
    tdp, low, typical = (parse(sheet[key], "W") for key in ("tdp", "idle", "typical"))
    assert low / tdp == pytest.approx(idle / 750.0, abs=0.01)
    assert typical / tdp == pytest.approx(busy / 750.0, abs=0.01)
    level = (typical - low) / (tdp - low)
    x = whole(Fleet(kind="inference", racks=20, n=500, level=level, provisioning="parked"))
    power = (low + (tdp - low) * np.array([x[x > 0.7].mean(), x.min()])) / tdp
    assert power == pytest.approx([0.893, 0.195], abs=0.01)


def test_files_and_runs(tmp_path: Path) -> None:
    fleet = Fleet(kind="mixed", racks=4, n=200, seed=1, provisioning="off")
    reference = whole(fleet)
    report = write(fleet, tmp_path / "a.npy")
    assert np.array_equal(np.load(tmp_path / "a.npy"), reference)
    assert report.off_share == float((reference < 0).mean())
    write(fleet, tmp_path / "a.parquet")
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert list(table.columns) == ["time", "device", "activity"]
    assert np.array_equal(table["activity"].to_numpy().reshape(200, 4).T, reference)
    assert list(table["device"][:4]) == ["compute.1", "compute.2", "compute.3", "compute.4"]
    write(Fleet(kind="mixed", racks=4, n=200, seed=1), tmp_path / "a.csv")
    load = load_trace(tmp_path / "a.csv")
    assert load.n == 200
    assert load.series["compute.2"] == pytest.approx(
        whole(Fleet(kind="mixed", racks=4, n=200, seed=1))[1], abs=1e-4
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.npy", "a.parquet"]


def test_a_run_on_racks_that_are_switched_off() -> None:
    runs = {
        p: twin.summarize(
            twin.simulate(
                "enterprise-3-rack-gb300", load=f"generated:inference,racks=3,provisioning={p}", hours=72
            )
        )
        for p in PROVISIONING
    }
    assert all(found.converged for found in runs.values())
    assert runs["off"].it_energy_kwh < runs["parked"].it_energy_kwh < runs["static"].it_energy_kwh
    assert runs["off"].tokens == pytest.approx(runs["static"].tokens, rel=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        "generated:games", "generated:mixed,racks=x", "generated:mixed,racks=0", "generated:mixed,rack=3",
        "generated:mixed,level=150 %", "generated:mixed,provisioning=sleep", "generated:mixed,racks=90000",
        "generated:", "generated:research,utilisation=0", "reserch",
    ],
)  # fmt: skip
def test_bad_words_are_refused(wrong: str) -> None:
    with pytest.raises(InputError):
        load_trace(wrong)


def test_bad_targets_leave_nothing(tmp_path: Path) -> None:
    fleet = Fleet(kind="research", racks=2, n=10)
    for path in (tmp_path / "a.xlsx", tmp_path / "none" / "a.npy"):
        with pytest.raises(InputError):
            write(fleet, path)
    with pytest.raises(InputError):
        write(Fleet(kind="research", racks=10_000, n=8760), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_a_scaled_load_leaves_racks_off() -> None:
    load = load_trace("generated:inference,racks=3")
    off = frozen(replace(load, series={name: np.full(load.n, OFF) for name in load.series}))
    ds = twin.simulate("enterprise-3-rack-gb300", load=off, hours=3, changes={"load.scale": "50 %"})
    assert ds["rack_power"].sel(rack="compute").values.max() == 0.0
    assert twin.summarize(ds).converged
    assert twin.summarize(ds).tokens == 0.0
