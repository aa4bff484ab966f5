"""Real records, against numbers published or found another way."""

import json
from pathlib import Path

import numpy as np
import pytest

from twin.loads.traces import requests
from twin.loads.traces.formats import read_trace
from twin.loads.traces.inspect import inspect_trace
from twin.loads.traces.source import Source

SHARED = Path(__file__).parents[4] / "shared" / "data"
GPU = SHARED / "gpu_traces"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real traces are not here")


def test_gpt3_energy_peaks_and_steps() -> None:
    found = inspect_trace(GPU / "mlperf_smc_h100" / "gpt3_512gpu_run1_ac_node_power_2s.csv.gz")
    assert found.energy_kwh == pytest.approx(415.23, rel=1e-3)
    by_time = {entry.averaging_s: entry for entry in found.averages}
    figures = {2.0: (459.0, 86.0), 10.0: (450.1, 53.0), 60.0: (445.0, 14.5)}
    for averaging, (peak, step) in figures.items():
        assert by_time[averaging].max_w == pytest.approx(1000 * peak, rel=2e-3)
        assert by_time[averaging].steady_step_w == pytest.approx(1000 * step, rel=0.02)
    assert by_time[2.0].largest_step_w == pytest.approx(142e3, rel=0.01)  # its start, 294 to 435 kW
    assert any("30 of 64 series repeat" in warning for warning in found.warnings)


def test_gpt3_dips() -> None:
    """Every step of 10.9 s a dip of 11 %, every 142 s one of 16 %; 28 % of the time below 93 to 95 % of the plateau."""
    found = inspect_trace(GPU / "mlperf_smc_h100" / "gpt3_512gpu_run1_ac_node_power_2s.csv.gz").dips
    assert found is not None
    assert found.period_s == pytest.approx(10.9, abs=0.05)
    assert found.depth == pytest.approx(0.11, abs=0.005)
    assert found.plateau_w == pytest.approx(456.5e3, rel=2e-3)
    assert found.long_period_s == pytest.approx(142.0, abs=1.0)
    assert found.long_depth == pytest.approx(0.16, abs=0.01)


def test_the_raw_log_of_a_node_is_its_column_of_the_table() -> None:
    raw = read_trace(GPU / "mlperf_smc_h100" / "raw_mllog_gpt3_run1_ac_node_7.txt.gz", None, None)
    table = read_trace(GPU / "mlperf_smc_h100" / "gpt3_512gpu_run1_ac_node_power_2s.csv.gz", None, None)
    node = raw.signals["node"]
    column = table.signals["node_7_W"]
    assert node.values.mean() == pytest.approx(np.nanmean(column.values), rel=2e-3)
    assert raw.boundary == "node_ac"


def test_the_analyser_log_equals_its_tidy_copy() -> None:
    folder = GPU / "mlperf_h200x8_inference"
    raw = read_trace(folder / "llama2-70b-99_Server_run_1_spl.txt.gz", None, None).signals["watts"]
    tidy = read_trace(folder / "llama2-70b-99_Server_run_1_node_power_1s.csv.gz", None, None).signals["watts"]
    assert np.array_equal(raw.seconds, tidy.seconds)
    assert np.array_equal(raw.values, tidy.values)


def test_azure_chat() -> None:
    found = inspect_trace(SHARED / "request_traces" / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv.gz")
    rate, tokens_in, tokens_out = found.series
    assert rate.mean == pytest.approx(5.5, abs=0.05)
    assert tokens_in.mean == pytest.approx(1155, abs=1.0)
    assert tokens_out.mean == pytest.approx(211, abs=1.0)
    assert (found.energy_kwh, found.boundary, rate.unit) == (None, None, "1/s")


def test_servegen_says_which_windows_are_missing() -> None:
    folder = SHARED / "request_traces" / "servegen_total_rate"
    assert requests.rate_of(requests.read(Source(folder / "m-large_total_rate_600s.csv"))) == pytest.approx(
        196, abs=0.5
    )
    found = inspect_trace(folder / "m-small_total_rate_600s.csv")
    assert any("37 windows of exactly zero" in warning for warning in found.warnings)


def test_mi300x_idle_and_busy() -> None:
    """Idle 0.19 to 0.20 of 750 W, one busy card 0.89 to 0.90 in its plateau, peak 751 W."""
    path = next((GPU / "amd_mi300x_vllm").glob("gpu_power*"))
    found = inspect_trace(path)
    assert found.rows_skipped == 539
    trace = read_trace(path, None, None)
    idle = [np.median(trace.signals[f"card{card}"].values) / 750.0 for card in range(1, 8)]
    assert min(idle) > 0.185
    assert max(idle) < 0.205
    busy = trace.signals["card0"].values
    assert busy[busy > 0.4 * 750.0].mean() / 750.0 == pytest.approx(0.895, abs=0.005)
    assert busy.max() == 751.0


def test_exporter_snapshot_and_api_answer_agree() -> None:
    folder = GPU / "nvidia_dcgm_exporter"
    text = read_trace(folder / "h100x8_dcgm_exporter_snapshot.prom", None, None)
    path = folder / "prometheus_api_query_DCGM_FI_DEV_POWER_USAGE.json"
    answer = read_trace(path, None, None)
    result = json.loads(path.read_text())["data"]["result"]
    assert sum(float(s.values[0]) for s in answer.signals.values()) == pytest.approx(
        sum(float(entry["value"][1]) for entry in result)
    )
    assert set(text.signals) < set(answer.signals)
    assert {name.split("/")[0] for name in answer.signals} == {
        entry["metric"]["Hostname"] for entry in result
    }
    assert len(answer.signals) == 16


def test_h100_temperature_line() -> None:
    """Idle H100 in air stand on 26 degC + 0.058 K/W within the 10 K between positions."""
    folder = GPU / "nvidia_dcgm_exporter"
    power = {}
    for kind in ("POWER_USAGE", "GPU_TEMP"):
        result = json.loads((folder / f"prometheus_api_query_DCGM_FI_DEV_{kind}.json").read_text())["data"][
            "result"
        ]
        power[kind] = {
            (entry["metric"]["Hostname"], entry["metric"]["gpu"]): float(entry["value"][1])
            for entry in result
        }
    off = [power["GPU_TEMP"][card] - (26.0 + 0.058 * watts) for card, watts in power["POWER_USAGE"].items()]
    assert abs(float(np.mean(off))) < 5.0
    assert max(off) - min(off) < 10.0


def test_sacct_sample_is_one_job_many_times() -> None:
    trace = read_trace(GPU / "slurm_sacct_meta_gcm" / "sample-sacct-output.txt.gz", None, None)
    assert trace.rows == 68
    assert trace.counts["duplicates"] == 67
    assert trace.signals["allocated"].values[0] == pytest.approx(48.0 / 60.0)
