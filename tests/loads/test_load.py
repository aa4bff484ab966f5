"""Loads: real traces, energy, units, gaps, repetition; each against numbers found another way."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_sites.errors import InputError

from twin.loads.fit import resample, steps_of, tile
from twin.loads.load import Load
from twin.loads.read import generated, load_trace, loads
from twin.loads.signal import Signal
from twin.loads.steps import average

SHARED = Path(__file__).parents[3] / "shared" / "data"
FRONTIER = SHARED / "facility" / "frontier_cdu_power_2024-04-07_15s.csv.gz"
GPT3 = SHARED / "gpu_traces" / "mlperf_smc_h100"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real traces are not here")
ENERGY = 1e-11  # relative; only rounding is allowed


def csv(tmp_path: Path, body: str, name: str = "trace.csv") -> Path:
    path = tmp_path / name
    path.write_text(body)
    return path


def refused(path: Path | str, **options: object) -> str:
    """The message of the refusal; each problem has its four parts."""
    with pytest.raises(InputError) as caught:
        load_trace(path, **options)  # type: ignore[arg-type]
    for problem in caught.value.problems:
        assert problem.where
        assert problem.found
        assert problem.allowed
        assert problem.remedy
    return str(caught.value)


@needs_shared
def test_frontier_is_read_as_25_units_and_keeps_its_energy() -> None:
    load = load_trace(FRONTIER, boundary="cdu_heat")
    table = pd.read_csv(FRONTIER)
    oracle = table.filter(like="power[").to_numpy()
    assert (len(load.series), load.n, load.step_s, load.quantity, load.boundary) == (
        25,
        5761,
        15.0,
        "power",
        "cdu_heat",
    )
    assert np.array_equal(np.stack(list(load.series.values()), axis=1), oracle)
    assert any("OA Wetbulb Temp" in note for note in load.report.notes)
    assert any("no unit of power" in note for note in load.report.notes)
    minute = load_trace(FRONTIER, boundary="cdu_heat", step=60.0)
    means = oracle[:5760].reshape(1440, 4, 25).mean(axis=1)
    assert np.stack(list(minute.series.values()), axis=1) == pytest.approx(means, rel=ENERGY)
    peaks = oracle[:5760].reshape(1440, 4, 25).max(axis=1)
    assert np.stack(list(minute.peak.values()), axis=1) == pytest.approx(peaks, rel=ENERGY)
    assert minute.report.integral == pytest.approx(oracle[:5760].sum() * 15.0, rel=ENERGY)
    assert minute.report.integral_read == pytest.approx(minute.report.integral, rel=ENERGY)


@needs_shared
def test_gpt3_on_512_gpus_gives_its_published_ratios() -> None:
    ac = load_trace(GPT3 / "gpt3_512gpu_run1_ac_node_power_2s.csv.gz", "node_ac")
    dc = load_trace(GPT3 / "gpt3_512gpu_run1_dc_node_power_2s.csv.gz", "node_dc")
    assert (len(ac.series), ac.step_s, ac.utc_offset_h) == (64, 2.0, 0.0)
    assert ac.mean.mean() == pytest.approx(6851.0, rel=1e-3)
    assert ac.mean.sum() / dc.mean.sum() == pytest.approx(1.0154, abs=1e-4)
    hall = 64 * ac.mean[30:-30]
    assert np.percentile(hall, 5) == pytest.approx(398e3, rel=0.01)
    empty = (
        pd.read_csv(GPT3 / "gpt3_512gpu_run1_ac_node_power_2s.csv.gz").filter(like="node_").isna().sum().sum()
    )
    assert ac.report.filled == empty
    averaged = resample(ac, 300.0)
    assert averaged.peak["node_1_W"].max() == ac.series["node_1_W"][:1650].max()
    assert averaged.mean.max() < ac.mean.max()


@needs_shared
def test_long_tables_are_split_by_device() -> None:
    amd = load_trace(next((SHARED / "gpu_traces" / "amd_mi300x_vllm").glob("gpu_power*")), "gpu")
    assert list(amd.series) == [f"card{i}" for i in range(8)]
    assert amd.report.unreadable == 539  # every round ends with a line that holds only a time
    nodes = load_trace(SHARED / "facility" / "marconi100_node_day_2021-07.parquet", "node_ac")
    frame = pd.read_parquet(SHARED / "facility" / "marconi100_node_day_2021-07.parquet")
    one = frame[frame.node == 5].sort_values("day")
    assert np.array_equal(nodes.series["5"], one.total_power_mean)
    assert np.array_equal(nodes.peak["5"], one.total_power_max)
    assert any("left out 15 of 980 devices" in note for note in nodes.report.notes)


@needs_shared
def test_cornell_runs_backwards_with_footers_and_long_gaps() -> None:
    path = SHARED / "gpu_traces" / "cornell_biohpc_hourly" / "cbsugpu08_usage_stats.txt.gz"
    assert "longest gap 13 h" in refused(path)
    load = load_trace(path, "gpu", max_gap_s=86400.0)
    assert load.report.reordered
    assert load.report.unreadable >= 2
    assert load.series["cbsugpu08"].max() < load.peak["cbsugpu08"].max()
    busy = load_trace(path, quantity="activity", max_gap_s=86400.0)
    assert busy.mean.mean() == pytest.approx(0.32, abs=0.01)


@needs_shared
@pytest.mark.parametrize(
    ("name", "step", "mean"),
    [
        (
            "gpu_traces/mlperf_lenovo_b200_watercooled/llama2_70b_lora_8gpu_result_4_node_power_1s.csv",
            1.0,
            9569.0,
        ),
        ("gpu_traces/mlperf_h200x8_inference/llama2-70b-99_Server_run_1_node_power_1s.csv.gz", 1.0, 5604.0),
        ("cluster_utilisation/google2019_machine_usage_300s.csv.gz", 300.0, 0.47),
    ],
)
def test_other_real_traces_have_their_known_means(name: str, step: float, mean: float) -> None:
    load = load_trace(SHARED / name, step=step)
    assert load.step_s == step
    assert load.mean.mean() == pytest.approx(mean, rel=0.01)


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.integers(1, 400), min_size=2, max_size=60),
    width=st.floats(0.5, 900.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_step_keeps_the_integral_of_any_readings(gaps: list[int], width: float, seed: int) -> None:
    seconds = np.cumsum([0, *gaps]).astype(float)
    values = np.random.default_rng(seed).uniform(0.0, 1e6, seconds.size)
    end = seconds[-1] + 10.0
    n = int(end / width)
    if n < 1:
        return
    grid = np.arange(n + 1) * width
    means, peaks = average(Signal(seconds, values, None), grid, 10.0)
    fine = np.linspace(0.0, grid[-1], 20_001)
    middle = 0.5 * (fine[1:] + fine[:-1])
    brute = values[np.searchsorted(seconds, middle, side="right") - 1].mean() * grid[-1]
    assert means.sum() * width == pytest.approx(brute, rel=0.02)
    exact = sum(
        v * max(min(b, grid[-1]) - a, 0.0)
        for v, a, b in zip(values, seconds, [*seconds[1:], np.inf], strict=True)
        if a < grid[-1]
    )
    assert means.sum() * width == pytest.approx(exact, rel=1e-9)
    assert means.min() >= values.min()
    assert means.max() <= values.max()
    if peaks is not None:
        assert (peaks >= means).all()


@pytest.mark.parametrize(
    ("header", "cell", "watts"),
    [
        ("power [W]", "250", 250.0),
        ("power.draw [W]", "250.5 W", 250.5),
        ("power_kw", "1.5", 1500.0),
        ("Power (kW)", "1.5", 1500.0),
        ("node_1_W", "250", 250.0),
        ("it_power_mw", "0.002", 2000.0),
        ("watts", "250", 250.0),
        ("gpu [kW]", "0.7", 700.0),
    ],
)
def test_units_of_power(header: str, cell: str, watts: float, tmp_path: Path) -> None:
    rows = "\n".join(f"2024-01-01T00:00:{s:02d}Z,{cell}" for s in range(10))
    load = load_trace(csv(tmp_path, f"time,{header}\n{rows}\n"))
    assert next(iter(load.series.values())) == pytest.approx(watts)
    assert load.utc_offset_h == 0.0


@pytest.mark.parametrize(
    ("header", "cell", "share"),
    [
        ("utilization.gpu [%]", "55 %", 0.55),
        ("util_pct", "55", 0.55),
        ("activity", "0.55", 0.55),
        ("util [1]", "0.55", 0.55),
        ("util", "55", 0.55),
    ],
)
def test_units_of_activity(header: str, cell: str, share: float, tmp_path: Path) -> None:
    rows = "\n".join(f"{s},{cell}" for s in range(10))
    load = load_trace(csv(tmp_path, f"time_s,{header}\n{rows}\n"))
    assert load.quantity == "activity"
    assert load.mean == pytest.approx(share)


def test_nvidia_smi_with_index_units_in_cells_and_jitter(tmp_path: Path) -> None:
    rows = [
        f"2025/07/26 23:32:{s:02d}.{700 + 3 * g:03d}, {g}, {70 + g}.5 W, {g} %"
        for s in range(30)
        for g in range(4)
    ]
    text = "timestamp, index, power.draw [W], utilization.gpu [%]\n" + "\n".join(rows)
    load = load_trace(csv(tmp_path, text), "gpu")
    assert list(load.series) == ["0", "1", "2", "3"]
    assert load.step_s == 1.0
    assert load.series["3"][5] == 73.5
    assert load_trace(csv(tmp_path, text), quantity="activity").series["3"][5] == pytest.approx(0.03)
    without = "\n".join(",".join(line.split(",")[:1] + line.split(",")[2:]) for line in text.split("\n"))
    by_place = load_trace(csv(tmp_path, without), "gpu")
    assert np.array_equal(by_place.series["3"], load.series["3"])
    assert any("bursts of 4" in note for note in by_place.report.notes)
    other = without.replace("power.draw [W]", "board power [W]").replace("utilization.gpu", "use")
    assert "bursts" in refused(
        csv(tmp_path, "\n".join(other.split("\n")).replace("2025/07/26", "2025-07-26"))
    )


@pytest.mark.parametrize(
    ("stamps", "first"),
    [
        ([f"17{15968180 + s}" for s in range(20)], "2024-05-17T17:49:40"),
        ([f"17{15968180 + s}000" for s in range(20)], "2024-05-17T17:49:40"),
        ([f"2024-05-17 19:49:{40 + s}+02:00" for s in range(20)], "2024-05-17T17:49:40"),
        ([f"05-17-2024 17:49:{40 + s}.000" for s in range(20)], "2024-05-17T17:49:40"),
        ([f"17.05.2024 17:49:{40 + s}" for s in range(20)], "2024-05-17T17:49:40"),
        ([f"5/17/2024 17:49:{40 + s}" for s in range(20)], "2024-05-17T17:49:40"),
        ([str(s) for s in range(20)], "2023-01-01T00:00:00"),
    ],
)
def test_forms_of_time(stamps: list[str], first: str, tmp_path: Path) -> None:
    load = load_trace(csv(tmp_path, "timestamp,power_w\n" + "\n".join(f"{s},5" for s in stamps)))
    assert load.start == np.datetime64(first)
    assert (load.n, load.step_s) == (20, 1.0)


def minutes(values: list[str], header: str = "power [W]") -> str:
    times = pd.date_range("2024-01-01", periods=len(values), freq="min")
    return f"time,{header}\n" + "\n".join(
        f"{t:%Y-%m-%d %H:%M},{v}" for t, v in zip(times, values, strict=True) if v != "drop"
    )


def test_gaps_take_the_reading_before_and_are_counted(tmp_path: Path) -> None:
    values = [str(100 + i) for i in range(100)]
    values[10], values[20], values[21], values[30] = "drop", "", "N/A", "-5"
    load = load_trace(csv(tmp_path, minutes(values)))
    assert load.mean[[9, 10, 11]] == pytest.approx([109, 109, 111])
    assert load.mean[[20, 21, 30]] == pytest.approx([119, 119, 129])
    assert (load.report.filled, load.report.longest_gap_s, load.report.negative) == (4, 120.0, 1)
    for i in range(40, 43):
        values[i] = "nan"
    assert "7 of 100 readings missing" in refused(csv(tmp_path, minutes(values)))


def test_order_and_repeated_times(tmp_path: Path) -> None:
    lines = minutes([str(i) for i in range(50)]).split("\n")
    mixed = [lines[0], *lines[:0:-1], lines[5]]
    load = load_trace(csv(tmp_path, "\n".join(mixed)))
    assert np.array_equal(load.mean, np.arange(50.0))
    assert load.report.reordered
    assert load.report.duplicates == 1


def test_the_same_trace_in_other_clothes(tmp_path: Path) -> None:
    text = minutes([f"{i / 8}" for i in range(50)])
    plain = load_trace(csv(tmp_path, text))
    german = "\n".join(line.replace(",", ";").replace(".", ",") for line in text.split("\n"))
    forms = {
        "crlf.csv": text.replace("\n", "\r\n").encode(),
        "bom.csv": b"\xef\xbb\xbf" + text.encode(),
        "utf16.csv": text.encode("utf-16"),
        "tab.tsv": text.replace(",", "\t").encode(),
        "german.csv": german.encode(),
        "packed": gzip.compress(text.encode()),
        "comment.csv": b"# from a meter\n\n" + text.encode(),
    }
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
        assert np.array_equal(load_trace(tmp_path / name).mean, plain.mean), name
    frame = pd.read_csv(tmp_path / "bom.csv", parse_dates=["time"])
    frame.to_parquet(tmp_path / "indexed.parquet", index=False)
    assert np.array_equal(load_trace(tmp_path / "indexed.parquet").mean, plain.mean)
    frame.set_index("time").to_parquet(tmp_path / "indexed.parquet")
    assert np.array_equal(load_trace(tmp_path / "indexed.parquet").mean, plain.mean)


@pytest.mark.parametrize(
    ("body", "options", "says"),
    [
        ("power [W]\n5\n6\n7", {}, "no time column"),
        ("time,volts\n1,2\n2,3", {}, "no column of power"),
        ("time,volts\n1,2\n2,3", {"quantity": "activity"}, "no column of activity"),
        ("time,power [hp]\n1,2\n2,3", {}, "unit 'hp'"),
        ("time,power [W]\n1,x\n2,y\n3,z", {}, "'x' and 2 more"),
        ("time,power [W]\nyes,1\nno,2", {}, "is no time"),
        ("time,power [W]\n1,5", {}, "two rows"),
        ("time,power_kw\n1,2511\n2,2500\n3,2500", {"boundary": "gpu"}, "is it W in a column named kW"),
        ("time,util [%]\n1,50\n2,130\n3,60", {}, "activity of 1.3"),
        ("time,util\n1,0.5\n2,1.3\n3,0.6", {}, "no unit"),
        ("time,power [W]\n1,1\n1,2\n1,3\n2,1\n2,2\n2,3", {}, "no device column"),
        ("time,power [W]\n0,1\n1,2\n9000,3\n9001,3", {}, "missing"),
        ("time,power [W]\n1,-1\n2,-2\n3,-3", {}, "no readable reading"),
        ("time,power [W],power [W].1\n1,1,1\n2,2,2", {"step": 1e-9}, "1 ms to a year"),
        ("time,power [W]\n1,1\n2,2", {"step": 60.0}, "up to the file's own 2 s"),
        ("time,power [W]\n1,1\n2,2", {"boundary": "rack"}, "did you mean 'rack_ac'"),
        ("time,power [W]\n1,1\n2,2", {"quantity": "energy"}, "activity or power"),
    ],
)
def test_bad_traces_are_told_in_plain_words(
    body: str, options: dict[str, object], says: str, tmp_path: Path
) -> None:
    assert says in refused(csv(tmp_path, body), **options)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1" + bytes(200) + b"PAR1")
    (tmp_path / "cut.csv.gz").write_bytes(
        gzip.compress(minutes([str(i) for i in range(500)]).encode())[:-300]
    )
    assert "is empty" in refused(tmp_path / "empty.csv")
    assert "damaged Parquet" in refused(tmp_path / "damaged.parquet")
    assert "damaged gzip" in refused(tmp_path / "cut.csv.gz")
    (tmp_path / "folder").mkdir()
    assert "an empty folder" in refused(tmp_path / "folder")
    assert "did you mean 'training'" in refused("trainning")
    assert "no built-in load" in refused("x\0y")


def test_rows_without_time_are_counted_in_steps(tmp_path: Path) -> None:
    load = load_trace(csv(tmp_path, "power [W]\n" + "\n".join("567890")), step=300.0)
    assert np.array_equal(load.mean, [5, 6, 7, 8, 9, 0])
    assert load.step_s == 300.0


def test_devices_weigh_by_their_number() -> None:
    load = generated("training", 24)
    two = Load(
        name="two",
        source="test",
        start=load.start,
        step_s=3600.0,
        utc_offset_h=None,
        quantity="power",
        boundary="gpu",
        series={"a": np.full(3, 100.0), "b": np.full(3, 400.0)},
        devices={"a": 2, "b": 1},
    )
    assert two.mean == pytest.approx(200.0)


def day_of_hours(days: float, start: str = "2024-03-04T09:00") -> Load:
    """A load whose value is its hour of the week, on a clock one hour east of UTC."""
    n = round(days * 24)
    times = np.datetime64(start, "ms") + np.arange(n) * np.timedelta64(3600, "s")
    hours = ((times - np.datetime64("2024-01-01")) / np.timedelta64(1, "h")) % 168
    return Load(
        name="clock",
        source="test",
        start=times[0],
        step_s=3600.0,
        utc_offset_h=1.0,
        quantity="power",
        boundary="rack_ac",
        series={"all": hours.astype(float)},
        devices={"all": 1},
    )


def test_whole_weeks_repeat_at_their_weekday_and_hour() -> None:
    load = day_of_hours(15.5)
    start = np.datetime64("2023-01-01T00:00")  # a Sunday
    year = tile(load, 8760, start, utc_offset_h=1.0)
    monday = np.datetime64("2024-01-01")
    expected = ((start - monday) / np.timedelta64(1, "h") + np.arange(8760)) % 168
    assert np.array_equal(year.mean, expected)
    assert any("14 days of load repeat to cover 365 days" in note for note in year.report.notes)
    assert any("last 36 h" in note for note in year.report.notes)
    other_clock = tile(load, 8760, start, utc_offset_h=-4.0)
    assert np.array_equal(other_clock.mean, (expected + 5) % 168)


def test_days_repeat_at_their_hour_and_less_than_a_day_as_it_is() -> None:
    hours = tile(day_of_hours(2.25), 72, np.datetime64("2023-06-01T12:00"), utc_offset_h=1.0).mean % 24
    assert np.array_equal(hours, (12 + np.arange(72)) % 24)
    notes = tile(day_of_hours(1.0), 48).report.notes
    assert any("1 day of load repeats to cover 2 days" in note for note in notes)
    short = day_of_hours(0.25)
    assert np.array_equal(tile(short, 14).mean, np.resize(short.mean, 14))


def test_a_year_repeats_by_the_calendar() -> None:
    load = generated("inference", 8784, start=np.datetime64("2024-01-01"))
    assert np.array_equal(tile(load, 8784).mean, load.mean)
    other = tile(load, 8760, np.datetime64("2023-01-01"))
    assert np.array_equal(other.mean, load.mean[:8760])
    june = tile(load, 24, np.datetime64("2023-06-01"))
    assert np.array_equal(june.mean, load.mean[151 * 24 : 152 * 24])


def test_resampling_keeps_mean_and_peak() -> None:
    load = generated("inference", 24 * 60, step_s=60.0)
    hourly = resample(load, 3600.0)
    assert hourly.mean == pytest.approx(load.mean.reshape(24, 60).mean(axis=1), rel=ENERGY)
    assert np.array_equal(hourly.peak["all"], load.mean.reshape(24, 60).max(axis=1))
    twice = resample(hourly, 7200.0)
    assert np.array_equal(twice.peak["all"], hourly.peak["all"].reshape(12, 2).max(axis=1))
    fine = resample(hourly, 900.0)
    assert fine.mean == pytest.approx(np.repeat(hourly.mean, 4), rel=ENERGY)
    for step in (0.0, float("nan"), 1e9):
        with pytest.raises(InputError):
            resample(load, step)


def test_built_in_loads_are_a_year_and_repeatable() -> None:
    for name in loads():
        load = load_trace(name)
        assert (load.n, load.quantity, load.boundary) == (8760, "activity", None)
        assert load.key == load_trace(name).key
        with pytest.raises(ValueError, match="read-only"):
            load.series["all"][0] = 0.5


def test_a_load_that_covers_the_run_is_used_as_it_is() -> None:
    """Ten days are more than a week; a run of the same ten days repeats nothing."""
    load = generated("inference", 240)
    index, begin, notes = steps_of(load, 240, load.start)
    assert index.tolist() == list(range(240))
    assert begin == load.start
    assert notes == []


def test_power_of_networks_and_cabinets_is_power(tmp_path: Path) -> None:
    """Traffic is no load, power of a network is; what states power and is left out is named."""
    rows = "".join(f"2023-06-01T{hour:02d}:00,100,8,2,90,350,12\n" for hour in range(4))
    head = "time,compute [kW],network [kW],fan [kW],cabinet_3_kw,power_limit [kW],net_rx [MB/s]\n"
    load = load_trace(csv(tmp_path, head + rows), boundary="rack_ac")
    assert list(load.series) == ["compute [kW]", "network [kW]", "cabinet_3_kw"]
    assert load.series["network [kW]"] == pytest.approx(8e3)
    told = " ".join(load.report.notes)
    assert "column 'fan [kW]' states power" in told
    assert "power_limit [kW]' states" not in told
    busy = load_trace(csv(tmp_path, "time,gpu_util [%],net_util [%],disk_util [%]\n1,50,20,10\n2,60,30,20"))
    assert list(busy.series) == ["gpu_util [%]"]
