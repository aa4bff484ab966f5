"""Conversion keeps energy and can be read again; devices find their racks; the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_sites.errors import InputError

from twin.loads.convert import convert
from twin.loads.read import load_trace
from twin.loads.signal import Signal
from twin.loads.steps import thinned
from twin.loads.traces import mapping
from twin.loads.traces.inspect import inspect_trace
from twin.loads.traces.raw import RawTrace

ENERGY = 1e-9  # relative


def long_table(tmp_path: Path, hosts: int = 2, gpus: int = 2, n: int = 50) -> Path:
    rng = np.random.default_rng(0)
    rows = ["timestamp,hostname,gpu,power [W]"]
    for s in range(n):
        for host in range(hosts):
            rows += [
                f"2025-07-26T00:{s // 60:02d}:{s % 60:02d}Z,mem-r{host}n1,{g},{rng.uniform(60, 700):.2f}"
                for g in range(gpus)
            ]
    path = tmp_path / "in.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("step", [None, 1.0, 3.0, 7.0, 10.0, 0.3])
def test_energy_stays_and_the_file_is_read_again(step: float | None, suffix: str, tmp_path: Path) -> None:
    path, out = long_table(tmp_path), tmp_path / f"out.{suffix}"
    before = inspect_trace(path)
    done = convert(path, out, step, boundary="gpu")
    after = inspect_trace(out)
    assert before.energy_kwh is not None
    assert done.energy_before_kwh == pytest.approx(before.energy_kwh, rel=ENERGY)
    assert done.energy_after_kwh == pytest.approx(before.energy_kwh, rel=ENERGY)
    assert after.energy_kwh == pytest.approx(before.energy_kwh, rel=ENERGY)
    assert (after.boundary, after.step_s) == ("gpu", step or 1.0)
    assert [one.name for one in after.series] == [one.name for one in before.series]
    assert after.series[0].name == "mem-r0n1/0"
    again = load_trace(out)
    assert (again.boundary, again.utc_offset_h) == ("gpu", 0.0)
    if step == 10.0:
        top = pd.read_csv(path).groupby(["hostname", "gpu"])["power [W]"].max()
        assert [peak.max() for peak in again.peak.values()] == pytest.approx(top.to_list())


def test_whole_racks_by_pattern_and_by_every_kind_of_mapping(tmp_path: Path) -> None:
    path = long_table(tmp_path)
    files = {
        "map.csv": "device;rack\nmem-r0n1;A\nmem-r1n1;B\n",
        "globs.yaml": "'mem-r0*': A\n'mem-r1*': B\n",
        "lists.yaml": "A: [mem-r0n1]\nB: [mem-r1n1]\n",
        "netbox.csv": 'Name,Status,Site,Rack\nmem-r0n1,active,"X, Y",A\nmem-r1n1,active,X,B\n',
        "netbox.json": json.dumps(
            {"results": [{"name": f"mem-r{i}n1", "rack": {"id": 3, "name": "AB"[i]}} for i in range(2)]}
        ),
    }
    places = {"pattern": mapping.by_pattern(r"r(?P<rack>\d)n")}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        places[name] = mapping.by_file(tmp_path / name)
    devices = load_trace(path, "gpu")
    for name, place in places.items():
        out = tmp_path / "racks.csv"
        done = convert(path, out, boundary="gpu", place=place)
        assert done.energy_after_kwh == pytest.approx(done.energy_before_kwh, rel=ENERGY), name
        racks = load_trace(out)
        assert list(racks.series) == (["0", "1"] if name == "pattern" else ["A", "B"])
        assert set(racks.devices.values()) == {2}
        first = next(iter(racks.series.values()))
        mean = (devices.series["mem-r0n1/0"] + devices.series["mem-r0n1/1"]) / 2
        assert first == pytest.approx(mean, rel=ENERGY)
        assert inspect_trace(out).energy_kwh == pytest.approx(done.energy_before_kwh, rel=ENERGY)


def test_devices_without_a_rack_are_told_and_none_at_all_is_refused(tmp_path: Path) -> None:
    path = long_table(tmp_path)
    (tmp_path / "map.csv").write_text("device,rack\nmem-r0n1,A\n")
    done = convert(path, tmp_path / "o.csv", boundary="gpu", place=mapping.by_file(tmp_path / "map.csv"))
    assert any("2 series without a rack left out" in note for note in done.warnings)
    (tmp_path / "map.csv").write_text("device,rack\nother,A\n")
    with pytest.raises(InputError, match="no rack for any of 4 series"):
        convert(path, tmp_path / "n.csv", boundary="gpu", place=mapping.by_file(tmp_path / "map.csv"))
    assert not (tmp_path / "n.csv").exists()
    for pattern in ("(", "r0"):
        with pytest.raises(InputError):
            mapping.by_pattern(pattern)


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(st.integers(1, 4000), min_size=3, max_size=80),
    step=st.floats(0.5, 500.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_thinning_keeps_integral_and_peak(spans: list[int], step: float, seed: int) -> None:
    seconds = np.cumsum(np.array([0, *spans], dtype=np.float64)) / 100.0
    values = np.random.default_rng(seed).uniform(0.0, 700.0, seconds.size)
    thin = thinned(Signal(seconds, values, None), step)
    before = np.sum(values[:-1] * np.diff(seconds))
    after = np.sum(thin.values[:-1] * np.diff(thin.seconds))
    assert after == pytest.approx(before, rel=ENERGY)
    assert (np.diff(thin.seconds) > 0).all()
    assert (thin.seconds[0], thin.seconds[-1], thin.values[-1]) == (seconds[0], seconds[-1], values[-1])
    tops = thin.values if thin.peaks is None else thin.peaks
    assert tops.max() == values.max()
    assert (tops >= thin.values).all()


def test_more_readings_than_fit_are_averaged_while_reading() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(60.0, 700.0, (40_000, 4))
    small = RawTrace("x", limit=10_000)
    for start in range(0, 40_000, 1000):
        part = values[start : start + 1000]
        seconds = np.repeat(np.arange(start, start + 1000.0), 4)
        small.add(list("abcd"), np.tile(np.arange(4), 1000), seconds, part.ravel())
    small.finish()
    kept = sum(signal.seconds.size for signal in small.signals.values())
    assert kept <= 10_000 + 4 * 1000
    assert any("averaged to" in note for note in small.notes)
    for place, signal in enumerate(small.signals.values()):
        joules = np.sum(signal.values * np.append(np.diff(signal.seconds), 1.0))
        assert joules == pytest.approx(values[:, place].sum(), rel=ENERGY)
        assert signal.peaks is not None
        assert signal.peaks.max() == values[:, place].max()


def test_the_command_line(tmp_path: Path, twin_cli: Callable[..., tuple[int, str, str]]) -> None:
    path = long_table(tmp_path)
    found = json.loads(twin_cli("trace", "inspect", path, "--json")[1])
    keys = "format rows_read rows_skipped rows_filled start end timezone series energy_kwh boundary warnings"
    assert list(found)[:11] == keys.split()
    out = twin_cli("trace", "convert", path, "--out", tmp_path / "o.parquet", "--step", "10s", "--json")[1]
    assert abs(json.loads(out)["energy_change"]) < ENERGY
    (tmp_path / "odd.txt").write_text("hello\nworld\n")
    for words in (
        ("inspect", str(tmp_path / "odd.txt")),
        ("inspect", str(tmp_path / "none.csv")),
        ("convert", str(path), "--out", str(tmp_path / "o.xls")),
        ("inspect", str(path), "--timezone", "Europe/Berlinn"),
    ):
        code, said, err = twin_cli("trace", *words)
        assert code == 2, words
        assert said == ""
        assert "Allowed" in err
