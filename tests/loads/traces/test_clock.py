"""Time stamps: fast and careful reading agree; local clocks across daylight saving and leap days."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.loads.traces import source
from twin.loads.traces.clock import plain_stamps
from twin.loads.traces.formats import read_trace
from twin.loads.traces.inspect import inspect_trace


def cells(*stamps: str) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    return np.frombuffer("".join(stamps).encode(), dtype=np.uint8).reshape(len(stamps), -1)


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2096, 1, 1)),
    st.sampled_from(["-", "/"]),
    st.sampled_from([" ", "T"]),
)
def test_plain_stamps_are_those_of_the_calendar(moment: datetime, dash: str, mark: str) -> None:
    text = f"{moment:%Y{dash}%m{dash}%d{mark}%H:%M:%S}.{moment.microsecond // 1000:03d}"
    expected = np.datetime64(moment.replace(microsecond=moment.microsecond // 1000 * 1000), "ms")
    for tail in ("", "Z"):
        found = plain_stamps(cells(text + tail))
        assert found is not None
        assert found[0] == expected


@pytest.mark.parametrize(
    "odd",
    ["2023-02-29 00:00:00", "2024-13-01 00:00:00", "2024-01-01 24:00:00", "2024-01-01 00:60:00", "2024-01-00 00:00:00", "2024-01-01x00:00:00"],
)  # fmt: skip
def test_what_is_no_time_is_left_to_the_careful_way(odd: str) -> None:
    assert plain_stamps(cells("2024-02-29 00:00:00", odd)) is None


@pytest.mark.parametrize("form", ["%Y/%m/%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ", "epoch", "%d.%m.%Y %H:%M:%S"])
def test_blocks_are_read_as_the_whole_file(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2024, 2, 28, 12, tzinfo=UTC)
    rows = []
    for i in range(3000):
        moment = start + timedelta(seconds=60 * (i // 3))
        stamp = str(int(moment.timestamp())) if form == "epoch" else moment.strftime(form)
        stamp = stamp[:23] if "%f" in form else stamp
        watts = "N/A" if i % 501 == 7 else f"{100 + i % 37}.25 W"
        rows.append(f"{stamp}, gpu{i % 3}, {watts}" if i != 2000 else "broken")
    path = tmp_path / "a.csv"
    path.write_text("timestamp, device, power.draw [W]\n" + "\n".join(rows) + "\n")
    whole = read_trace(path, None, None)
    monkeypatch.setattr(source, "BLOCK", 4000)
    monkeypatch.setattr(source.Source.blocks, "__defaults__", (4000,))
    parts = read_trace(path, None, None)
    assert (parts.rows, parts.unreadable, parts.stamps.first) == (
        whole.rows,
        whole.unreadable,
        whole.stamps.first,
    )
    assert list(parts.signals) == list(whole.signals)
    for name, signal in whole.signals.items():
        assert np.array_equal(parts.signals[name].seconds, signal.seconds)
        assert np.array_equal(parts.signals[name].values, signal.values, equal_nan=True)


def local_file(
    tmp_path: Path, start: datetime, hours: float, step_s: int, zone: str, backwards: bool = False
) -> Path:
    tz = ZoneInfo(zone)
    n = int(hours * 3600 / step_s)
    stamps = [
        (start + timedelta(seconds=step_s * i)).astimezone(tz).strftime("%Y-%m-%d %H:%M:%S") for i in range(n)
    ]
    lines = [f"{stamp},{100 + i}" for i, stamp in enumerate(stamps)]
    path = tmp_path / "local.csv"
    path.write_text("time,power [W]\n" + "\n".join(lines[::-1] if backwards else lines) + "\n")
    return path


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("month", [3, 4, 10, 11])
@pytest.mark.parametrize("backwards", [False, True])
def test_daylight_saving_there_and_back(zone: str, month: int, backwards: bool, tmp_path: Path) -> None:
    """A month of half hours on a local clock comes back as even steps of UTC, nothing lost and nothing twice."""
    path = local_file(tmp_path, datetime(2024, month, 1, tzinfo=UTC), 30 * 24, 1800, zone, backwards)
    found = inspect_trace(path, timezone=zone)
    assert (found.rows_skipped, found.rows_filled, found.step_s) == (0, 0, 1800.0)
    n = 30 * 48
    assert found.energy_kwh == pytest.approx(sum(100 + i for i in range(n)) * 1800 / 3.6e6, rel=1e-12)
    assert found.start == f"2024-{month:02d}-01T00:00:00.000Z"


def test_without_a_zone_the_doubled_hour_is_told(tmp_path: Path) -> None:
    path = local_file(tmp_path, datetime(2024, 11, 1, tzinfo=UTC), 96, 600, "America/New_York")
    found = inspect_trace(path)
    assert found.rows_skipped == 6
    assert any("end of daylight saving" in warning for warning in found.warnings)


def test_one_row_for_the_doubled_hour_leaves_one_gap(tmp_path: Path) -> None:
    path = local_file(tmp_path, datetime(2024, 11, 1, tzinfo=UTC), 96, 3600, "America/New_York")
    lines = path.read_text().splitlines()
    doubled = [i for i, line in enumerate(lines) if line.startswith("2024-11-03 01")]
    del lines[doubled[1]]
    path.write_text("\n".join(lines) + "\n")
    found = inspect_trace(path, timezone="America/New_York")
    assert (found.rows_skipped, found.rows_filled) == (0, 1)


def test_leap_day(tmp_path: Path) -> None:
    path = local_file(tmp_path, datetime(2024, 2, 28, tzinfo=UTC), 72, 3600, "UTC")
    found = inspect_trace(path)
    assert (found.end, found.rows_filled) == ("2024-03-01T23:00:00.000", 0)


def test_a_zone_is_not_used_where_times_are_utc(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,power [W]\n" + "".join(f"2024-01-01T00:00:{s:02d}Z,5\n" for s in range(9)))
    found = inspect_trace(path, timezone="Asia/Tokyo")
    assert found.start == "2024-01-01T00:00:00.000Z"
    assert any("not used" in warning for warning in found.warnings)


def test_decimal_commas_in_later_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = pd.date_range("2024-01-01", periods=2000, freq="min")
    path = tmp_path / "a.csv"
    path.write_text(
        "Ort;time;power [kW]\n" + "".join(f"x;{t:%Y-%m-%d %H:%M:%S};{i},5\n" for i, t in enumerate(times))
    )
    monkeypatch.setattr(source.Source.blocks, "__defaults__", (4000,))
    values = read_trace(path, None, None).signals["power [kW]"].values
    assert np.array_equal(values, (np.arange(2000) + 0.5) * 1000.0)
