"""Each format is known by its content and read to the numbers it was written with."""

import json
from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError

from twin.loads.traces.formats import files_of, format_of, read_trace
from twin.loads.traces.inspect import Inspection, inspect_trace
from twin.loads.traces.source import Source

NVIDIA = "timestamp, index, power.draw [W], utilization.gpu [%], memory.used [MiB]\n"
POLLS = [(s, g, 100.0 + 10 * g + s) for s in range(30) for g in range(4)]


def stamp(second: int, ms: int = 0) -> str:
    return f"2025/07/26 23:{32 + second // 60:02d}:{second % 60:02d}.{ms:03d}"


def smi(index: bool, units: bool, header: bool) -> str:
    w, pct, mib = (" W", " %", " MiB") if units else ("", "", "")
    lines = [NVIDIA if index else NVIDIA.replace(" index,", "")] if header else []
    for s, g, watts in POLLS:
        middle = f"{g}, " if index else ""
        lines.append(f"{stamp(s, 700 + 3 * g)}, {middle}{watts:.2f}{w}, {g}{pct}, {17 + g}{mib}\n")
    return "".join(lines)


def smi_dmon(dated: bool) -> str:
    head = (
        "#Date       Time        gpu    pwr  gtemp     sm\n#YYYYMMDD   HH:MM:SS    Idx      W      C      %\n"
    )
    if not dated:
        head = "# gpu    pwr  gtemp     sm\n# Idx      W      C      %\n"
    out = []
    for place, (s, g, watts) in enumerate(POLLS):
        if place % 40 == 0:
            out.append(head)
        out.append(
            f"{f' 20260816    09:22:{s:02d}    ' if dated else ''}  {g}   {watts:g}   38      {g if g else '-'}\n"
        )
    return "".join(out)


def dcgmi(old: bool = False, stamped: bool = False) -> str:
    head = "# Entity  GPUTL  POWER  TOTEC  TMPTR\n      Id         W      mJ     C\n" if old else (
        "#Entity   GPUTL  MCUTL  POWER  TOTEC     TMPTR  MMTMP\nID                       W      mJ        C      C\n"
    )  # fmt: skip
    out = []
    for place, (s, g, watts) in enumerate(POLLS):
        front = f"2025-07-26 23:32:{s:02d} " if stamped else ""
        if place % 25 == 0:
            out += [front + line + "\n" for line in head.splitlines()]
        cells = f"N/A  {watts}  2.07e+11  24" if old else f"0   0  {watts}  2.07e+11  24     N/A"
        out.append(f"{front}GPU {g}     {cells}\n")
    return "".join(out)


def exporter(stamped: bool, mig: bool = False) -> str:
    out = []
    for s, g, watts in POLLS:
        if g == 0:
            out.append(
                "# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).\n# TYPE DCGM_FI_DEV_POWER_USAGE gauge\n"
            )
        for part in range(3 if mig else 1):
            labels = f'gpu="{g}",UUID="GPU-{g}",device="nvidia{g}",modelName="NVIDIA A30, {{x}} 24GB"'
            labels += f',GPU_I_PROFILE="1g.6gb",GPU_I_ID="{part}"' if mig else ""
            tail = f" {1_753_572_720_000 + 1000 * s}" if stamped else ""
            out.append(
                f'DCGM_FI_DEV_POWER_USAGE{{{labels},Hostname="n1",pod="p {part}"}} {watts:.6f}{tail}\n'
            )
            out.append(f'DCGM_FI_DEV_GPU_TEMP{{{labels},Hostname="n1"}} 30{tail}\n')
    return "".join(out)


def api(kind: str = "matrix", mig: bool = False) -> str:
    result = []
    for g in range(4):
        for part in range(2 if mig else 1):
            metric = {
                "__name__": "DCGM_FI_DEV_POWER_USAGE",
                "Hostname": "n1",
                "gpu": str(g),
                "pod": "exporter",
            }
            if mig:
                metric |= {"GPU_I_ID": str(part)}
            rows = [[1_753_572_720.0 + s, str(watts)] for s, card, watts in POLLS if card == g]
            result.append({"metric": metric} | ({"values": rows} if kind == "matrix" else {"value": rows[0]}))
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


def mllog() -> str:
    line = ':::MLLOG {"namespace": "", "time_ms": %d, "event_type": "POINT_IN_TIME", "key": "power_reading", "value": %s, "metadata": {"host": "node_%d"}}\n'
    head = ':::MLLOG {"time_ms": 1, "key": "power_measurement_start", "value": null, "metadata": ""}\n'
    return head + "".join(line % (1_753_572_720_000 + 1000 * s, watts, g) for s, g, watts in POLLS)


def spl() -> str:
    rows = (
        f"Time,07-17-2024 20:49:{s:02d}.945,Watts,{100 + s}.500000,Volts,239.1,Amps,3.6,PF,0.96,Mark,run,Ch1,Watts,50.0,Volts,239.3\n"
        for s in range(30)
    )
    return "".join(rows)


def amd() -> str:
    rows = [f"{1_754_585_903 + 5 * s},card{g},{watts}\n" for s, g, watts in POLLS]
    return "timestamp,device,power_watts,power_cap_watts\n" + "".join(
        row + (f"{row[:10]},\n" if row.split(",")[1] == "card3" else "") for row in rows
    )


def ipmi() -> str:
    blocks = (
        f"Timestamp: 2025-06-03 00:{m:02d}:01 UTC\nSys Power                | {100 + m} Watts          | ok\n"
        "CPU1 Temp | 40 degrees C | ok\nPSU1 Power In | 20 Watts | ok\nFAN1 | no reading        | ns\n"
        for m in range(30)
    )
    return "".join(blocks)


def dcmi() -> str:
    return "".join(
        f"\n    Instantaneous power reading:                   {100 + s} Watts\n"
        "    Minimum during sampling period:                  8 Watts\n"
        f"    IPMI timestamp:                           Tue Jun  3 00:00:{s:02d} 2025\n"
        "    Sampling period:                          00000001 Seconds.\n"
        for s in range(30)
    )


def redfish() -> str:
    return "".join(
        json.dumps(
            {
                "host": "n1",
                "Timestamp": f"2025-06-03T00:00:{s:02d}Z",
                "PowerControl": [{"Name": "System Power Control", "PowerConsumedWatts": 100 + s}],
            }
        )
        + "\n"
        for s in range(30)
    )


LONG = (4, 30)  # devices and readings each of POLLS
FORMATS = {
    "smi": (smi(True, True, True), "nvidia-smi CSV", "gpu", LONG),
    "smi-no-units": (smi(True, False, True), "nvidia-smi CSV", "gpu", LONG),
    "smi-no-index": (smi(False, True, True), "nvidia-smi CSV", "gpu", LONG),
    "smi-noheader": (smi(True, True, False), "nvidia-smi CSV", "gpu", LONG),
    "smi-noheader-nounits": (smi(True, False, False), "nvidia-smi CSV", "gpu", LONG),
    "smi-noheader-nounits-noindex": (smi(False, False, False), "nvidia-smi CSV", "gpu", LONG),
    "smi-dmon": (smi_dmon(False), "nvidia-smi dmon", "gpu", LONG),
    "smi-dmon-dated": (smi_dmon(True), "nvidia-smi dmon", "gpu", LONG),
    "dcgmi": (dcgmi(), "dcgmi dmon", "gpu", LONG),
    "dcgmi-old": (dcgmi(old=True), "dcgmi dmon", "gpu", LONG),
    "dcgmi-stamped": (dcgmi(stamped=True), "dcgmi dmon", "gpu", LONG),
    "exporter": (exporter(True), "Prometheus text", "gpu", LONG),
    "exporter-scrapes": (exporter(False), "Prometheus text", "gpu", LONG),
    "exporter-mig": (exporter(True, mig=True), "Prometheus text", "gpu", LONG),
    "api": (api(), "Prometheus API", "gpu", LONG),
    "api-mig": (api(mig=True), "Prometheus API", "gpu", LONG),
    "mllog": (mllog(), "MLPerf training log", "node_ac", LONG),
    "spl": (spl(), "MLPerf inference log", "node_ac", (1, 30)),
    "amd": (amd(), "AMD SMI CSV", "gpu", LONG),
    "ipmi": (ipmi(), "IPMI", "node_ac", (1, 30)),
    "dcmi": (dcmi(), "IPMI", "node_ac", (1, 30)),
    "redfish": (redfish(), "Redfish", "node_ac", (1, 30)),
}


def put(tmp_path: Path, text: str | bytes, name: str = "file.dat") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def expected_kwh(found: Inspection, shape: tuple[int, int]) -> float:
    """Every reading holds one step: the sum of what was written."""
    devices, readings = shape
    watts = sum(w for _, _, w in POLLS) if devices == 4 else None
    if watts is None:
        top = found.series[0].max
        assert top is not None
        watts = sum(top - 29 + s for s in range(readings))
    assert found.step_s is not None
    return watts * found.step_s / 3.6e6


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_known_by_content_and_read_whole(name: str, tmp_path: Path) -> None:
    text, form, boundary, shape = FORMATS[name]
    found = inspect_trace(put(tmp_path, text))
    assert (found.format, found.boundary) == (form, boundary)
    assert (len(found.series), found.series[0].readings) == shape
    assert found.rows_filled == 0
    # cards of a poll are read 3 ms apart: each also holds for the few ms by which the others came before it or after
    tolerance = 1e-3 if form == "nvidia-smi CSV" else 1e-12
    assert found.energy_kwh == pytest.approx(expected_kwh(found, shape), rel=tolerance)
    if shape == LONG:
        assert [one.mean for one in found.series] == pytest.approx([114.5, 124.5, 134.5, 144.5])


@pytest.mark.parametrize("name", FORMATS)
def test_broken_lines_marks_and_line_ends_do_not_change_the_readings(name: str, tmp_path: Path) -> None:
    text, form, _, _ = FORMATS[name]
    whole = inspect_trace(put(tmp_path, text))
    for data in (text.encode("utf-8-sig"), text.encode("utf-16"), text.replace("\n", "\r\n").encode()):
        other = inspect_trace(put(tmp_path, data))
        assert (other.format, other.energy_kwh, other.rows_read) == (form, whole.energy_kwh, whole.rows_read)
    if not form.startswith("Prometheus API"):
        cut = inspect_trace(put(tmp_path, text[: -len(text.splitlines()[-1]) // 2 - 1]))
        assert cut.format == form


def test_instant_answers_and_snapshots_hold_one_moment(tmp_path: Path) -> None:
    for text in (api("vector"), exporter(False)[:900]):
        found = inspect_trace(put(tmp_path, text))
        assert found.energy_kwh is None
        assert any("one moment" in warning for warning in found.warnings)
        assert all(one.readings == 1 for one in found.series)


def test_mig_rows_are_told(tmp_path: Path) -> None:
    found = inspect_trace(put(tmp_path, exporter(True, mig=True)))
    assert any("4 cards are cut in MIG slices" in warning for warning in found.warnings)
    assert found.rows_skipped == 2 * len(POLLS)


def test_unknown_content_names_the_formats_and_what_was_looked_for(tmp_path: Path) -> None:
    for text in ("a,b\n1,2\n2,3\n", '{"a": 1}\n', "hello\nworld\nagain\n"):
        with pytest.raises(InputError) as caught:
            inspect_trace(put(tmp_path, text))
        message = str(caught.value)
        for word in ("dcgmi dmon", "#Entity", "Prometheus text", "MLPerf", "Slurm"):
            assert word in message


def test_a_folder_is_one_trace_of_all_its_files(tmp_path: Path) -> None:
    for node in (1, 2):
        put(tmp_path, smi(True, True, True), f"node{node}.csv")
    found = inspect_trace(tmp_path)
    assert [one.name for one in found.series][:5] == ["node1/0", "node1/1", "node1/2", "node1/3", "node2/0"]
    assert files_of(tmp_path / "node*.csv") == files_of(tmp_path)
    put(tmp_path, mllog(), "other.txt")
    with pytest.raises(InputError, match="the same as node1"):
        inspect_trace(tmp_path)


def test_names_of_files_do_not_matter(tmp_path: Path) -> None:
    assert format_of(Source(put(tmp_path, dcgmi(), "prometheus.json"))).name == "dcgmi dmon"  # type: ignore[union-attr]


def test_the_order_of_rounds_and_missing_values_of_dcgmi(tmp_path: Path) -> None:
    text = dcgmi().replace("GPU 2     0   0  122.0", "GPU 2     0   0  N/A")
    trace = read_trace(put(tmp_path, text), None, None)
    assert np.isnan(trace.signals["gpu2"].values[2])
    assert np.array_equal(trace.signals["gpu3"].seconds, np.arange(30.0))
    assert "the tool's default" in trace.stamps.note
    wide = read_trace(put(tmp_path, text), 2.0, None)
    assert np.array_equal(wide.signals["gpu3"].seconds, 2.0 * np.arange(30.0))
    assert "default" not in wide.stamps.note
