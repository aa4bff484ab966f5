"""Files as people have them: other languages, blanks that loggers write as numbers, sensors in other columns."""

from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError

from twin.loads.read import load_trace
from twin.loads.traces import source
from twin.loads.traces.inspect import inspect_trace


def put(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file"
    path.write_text(text)
    return path


@pytest.mark.parametrize("block", [None, 3000])
def test_day_and_time_in_two_columns_and_decimal_commas(
    block: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if block is not None:
        monkeypatch.setattr(source.Source.blocks, "__defaults__", (block,))
    rows = (f"{13 + m // 1440:02d}.02.2025;{m // 60 % 24:02d}:{m % 60:02d}:00;{m},5\n" for m in range(1500))
    path = put(tmp_path, "Datum;Uhrzeit;Leistung [kW]\n" + "".join(rows))
    found = inspect_trace(path)
    assert (found.start, found.end) == ("2025-02-13T00:00:00.000", "2025-02-14T00:59:00.000")
    assert found.rows_filled == 0
    assert found.series[0].mean == pytest.approx(1000 * (1499 / 2 + 0.5))


@pytest.mark.parametrize(
    "blank", ["9999999", "2147483632", "4294967.295", "140737488355328", "9223372036854775792", "-1"]
)
def test_blanks_written_as_numbers_are_missing(blank: str, tmp_path: Path) -> None:
    rows = [
        f"2025-01-01T00:00:{s:02d}Z,g{g},{blank if (s, g) == (7, 1) else 100 + s}"
        for s in range(30)
        for g in range(2)
    ]
    path = put(tmp_path, "timestamp,gpu,power_w\n" + "\n".join(rows) + "\n")
    found = inspect_trace(path)
    assert found.series[1].max == 129.0
    assert found.rows_filled == 1
    assert any("taken as missing" in warning for warning in found.warnings)
    assert load_trace(path, "gpu").series["g1"][7] == 106.0


def test_a_true_reading_of_all_nines_stays(tmp_path: Path) -> None:
    rows = "\n".join(f"2025-01-01T00:00:{s:02d}Z,{9999 if s == 5 else 9900 + s}" for s in range(30))
    load = load_trace(put(tmp_path, f"time,power_w\n{rows}\n"))
    assert load.mean.max() == 9999.0
    assert load.report.filled == 0


def test_ipmi_sensors_with_the_unit_in_its_own_column(tmp_path: Path) -> None:
    rows = (
        f"Timestamp: 2025-06-03 00:{m:02d}:01 UTC\nSys_Power | {220 + m}.000 | Watts | ok | na\nCPU1_Temp | 40.000 | degrees C | ok\n"
        for m in range(10)
    )
    found = inspect_trace(put(tmp_path, "".join(rows)))
    assert (found.format, found.boundary, found.series[0].mean) == ("IPMI", "node_ac", 224.5)
    assert found.start == "2025-06-03T00:00:01.000Z"


def test_supplies_stand_for_a_server_without_a_sensor_of_its_own(tmp_path: Path) -> None:
    rows = (
        f"Timestamp: 2025-06-03 00:{m:02d}:01 UTC\nPSU1 Power In | 100 Watts | ok\nPSU2 Power In | 110 Watts | ok\n"
        for m in range(10)
    )
    found = inspect_trace(put(tmp_path, "".join(rows)))
    assert len(found.series) == 2
    assert any("together they are the server" in warning for warning in found.warnings)


def test_a_job_log_counts_gpus_of_whole_jobs(tmp_path: Path) -> None:
    text = (
        "JobID|AllocTRES|NNodes|Start|End|State\n"
        "1|cpu=8,gres/gpu:h100=8,gres/gpu=8,node=1|1|2025-01-01T00:00:00|2025-01-01T02:00:00|COMPLETED\n"
        "1.batch|cpu=8|1|2025-01-01T00:00:00|2025-01-01T02:00:00|COMPLETED\n"
        "2|gres/gpu=16|2|2025-01-01T01:00:00|Unknown|RUNNING\n"
        "3|gres/gpu=16|2|2025-01-01T01:00:00|2025-01-01T03:00:00|FAILED\n"
    )
    load = load_trace(put(tmp_path, text))
    hours = load.mean.reshape(3, 60).mean(axis=1)
    assert hours == pytest.approx(np.array([8, 24, 16]) / 24)
    assert load.quantity == "activity"
    assert load.report.unreadable == 1


def test_an_hour_that_the_clock_shows_twice_needs_no_device_column(tmp_path: Path) -> None:
    path = tmp_path / "autumn.csv"
    hours = ((0, 10), (1, 11), (2, 12), (2, 13), (3, 14), (4, 15))
    rows = [f"2025-10-26 {h:02d}:{m:02d},{p}" for h, p in hours for m in range(0, 60, 15)]
    path.write_text("time,power [kW]\n" + "\n".join(rows) + "\n")
    assert inspect_trace(path, timezone="Europe/Berlin").energy_kwh == pytest.approx(75.0)
    assert any("--timezone" in note for note in inspect_trace(path).warnings)
    daily = "".join(f"2024-02-{day},{10 + day}\n" for day in range(20, 30))  # a leap day; days jump no hour
    path.write_text("time,power [kW]\n" + daily)
    found = inspect_trace(path)
    assert found.rows_read == 10
    assert not any("jumps back" in note for note in found.warnings)


def test_a_cut_off_line_leaves_the_names_of_devices(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    rows = [f"2026/03/10 09:00:{s:02d}.000, {g}, {300 + g}.00 W" for s in range(9) for g in range(2)]
    path.write_text("timestamp, index, power.draw [W]\n" + "\n".join(rows)[:-12])
    assert [one.name for one in inspect_trace(path).series] == ["0", "1"]


def test_an_average_beside_the_total_is_not_added_to_it(tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text(
        "day,it_power_kw,node_mean_w\n" + "".join(f"2024-01-{d:02d},900,920\n" for d in range(1, 9))
    )
    found = inspect_trace(path)
    assert [one.name for one in found.series] == ["it_power_kw"]
    assert any("node_mean_w" in note and "average" in note for note in found.warnings)


def test_requests_of_one_moment_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_text("time,tokens_in,tokens_out\n" + "2023-11-16 18:15:46,5,6\n" * 10)
    with pytest.raises(InputError, match="one moment"):
        inspect_trace(path)
