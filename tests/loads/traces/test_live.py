"""The live sources against real servers on free ports of this machine, and what they refuse."""

import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError

from twin.errors import RunError
from twin.loads.convert import write_readings
from twin.loads.read import load_trace
from twin.loads.traces import from_mqtt, from_prometheus
from twin.loads.traces.inspect import inspect_trace

WAIT_S = 20.0
NOW = 1_760_000_000.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError


class Exporter(http.server.BaseHTTPRequestHandler):
    """A small DCGM exporter of two cards, one of them cut in MIG slices."""

    def do_GET(self) -> None:
        lines = [
            'DCGM_FI_DEV_POWER_USAGE{gpu="0",Hostname="n1"} 250.5',
            *(f'DCGM_FI_DEV_POWER_USAGE{{gpu="1",Hostname="n1",GPU_I_ID="{part}"}} 100' for part in (1, 2)),
        ]
        body = ("# TYPE DCGM_FI_DEV_POWER_USAGE gauge\n" + "\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        del format, args


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("the server 'prometheus' is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    exporter = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    target = f"127.0.0.1:{exporter.server_port}"
    (folder / "p.yml").write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: dcgm, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    port = free_port()
    words = [
        f"--config.file={folder / 'p.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--log.level=error",
    ]
    server = subprocess.Popen([program, *words, f"--web.listen-address=127.0.0.1:{port}"])
    try:
        wait_for(port, server)
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                trace = from_prometheus.pull(
                    f"http://127.0.0.1:{port}", "count_over_time(DCGM_FI_DEV_POWER_USAGE[1m])"
                )
            except (InputError, RunError):
                time.sleep(0.3)
                continue
            if min(signal.values[0] for signal in trace.signals.values()) >= 4:
                break
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(WAIT_S)
        exporter.shutdown()
        exporter.server_close()


@pytest.mark.live
def test_prometheus_range_and_instant(prometheus: str, tmp_path: Path) -> None:
    now = from_prometheus.moment("now", "--end")
    trace = from_prometheus.pull(prometheus, "DCGM_FI_DEV_POWER_USAGE", now - 20, now, 1.0)
    assert set(trace.signals) == {"n1/gpu0", "n1/gpu1"}
    assert set(trace.signals["n1/gpu0"].values) == {250.5}
    assert any("MIG" in note for note in trace.notes)
    out = tmp_path / "live.parquet"
    write_readings(trace, out)
    assert inspect_trace(out).rows_skipped == 0  # the row of the second slice is not written
    load = load_trace(out)
    assert (load.boundary, load.step_s, load.utc_offset_h) == ("gpu", 1.0, 0.0)
    assert load.series["n1/gpu1"].mean() == 100.0
    instant = from_prometheus.pull(prometheus, "DCGM_FI_DEV_POWER_USAGE")
    assert {signal.values[0] for signal in instant.signals.values()} == {250.5, 100.0}
    total = from_prometheus.pull(prometheus, "sum(max by (gpu) (DCGM_FI_DEV_POWER_USAGE))", now - 5, now, 1.0)
    assert next(iter(total.signals.values())).values[-1] == 350.5


@pytest.mark.live
def test_prometheus_long_range_is_asked_in_parts(prometheus: str) -> None:
    now = from_prometheus.moment("now", "--end")
    trace = from_prometheus.pull(prometheus, "DCGM_FI_DEV_POWER_USAGE", now - 30_000, now, 1.0)
    assert trace.signals["n1/gpu0"].seconds.size >= 3


@pytest.mark.live
def test_prometheus_refusals(prometheus: str) -> None:
    for query, says in (
        ("DCGM_FI{", "parse error"),
        ("no_such_metric", "no result"),
        ("up", "no metric of power"),
    ):
        with pytest.raises(InputError, match=says):
            from_prometheus.pull(prometheus, query)
    with pytest.raises(InputError, match="404"):
        from_prometheus.pull(f"{prometheus}/elsewhere", "up")


@pytest.mark.live
def test_prometheus_from_the_command_line(prometheus: str, tmp_path: Path) -> None:
    out = tmp_path / "live.csv"
    words = ["trace", "pull", "prometheus", prometheus, "--start", "-30s", "--step", "1s", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "twin.cli", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = inspect_trace(out)
    assert (found.boundary, len(found.series)) == ("gpu", 2)


def test_a_server_that_is_not_there_is_a_failed_run() -> None:
    with pytest.raises(RunError, match="does not answer"):
        from_prometheus.pull(f"http://127.0.0.1:{free_port()}", "up", timeout_s=2.0)
    with pytest.raises(RunError, match="does not answer"):
        from_mqtt.listen("127.0.0.1", ["a"], 0.1, port=free_port())


def test_moments() -> None:
    assert from_prometheus.moment("-2h", "x", NOW) == NOW - 7200
    assert from_prometheus.moment("2026-01-01T00:00", "x") == from_prometheus.moment(
        "2026-01-01T01:00+01:00", "x"
    )
    assert from_prometheus.moment("1760000000", "x") == NOW
    for odd in ("yesterday", "-2 weeks", ""):
        with pytest.raises(InputError):
            from_prometheus.moment(odd, "--start")


def test_ranges_are_cut_at_the_limit_without_a_point_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(base: str, what: str, about: dict[str, str], timeout_s: float) -> dict[str, object]:
        start, end, step = (float(about[key]) for key in ("start", "end", "step"))
        n = round((end - start) / step) + 1
        asked.append(n)
        values = [[start + i * step, "100"] for i in range(n)]
        metric = {"__name__": "DCGM_FI_DEV_POWER_USAGE", "gpu": "0"}
        return {"data": {"resultType": "matrix", "result": [{"metric": metric, "values": values}]}}

    monkeypatch.setattr(from_prometheus, "_get", answer)
    trace = from_prometheus.pull("http://x", "q", NOW, NOW + 30_000.0, 1.0)
    assert asked == [11_000, 11_000, 8_001]
    assert np.array_equal(trace.signals["gpu0"].seconds, np.arange(30_001.0))


@pytest.mark.live
def test_mosquitto(tmp_path: Path) -> None:
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if program is None:
        pytest.skip("the broker 'mosquitto' is not installed")
    mqtt = pytest.importorskip("paho.mqtt.client", reason="the package 'paho-mqtt' is not installed")
    from paho.mqtt.enums import CallbackAPIVersion

    port = free_port()
    (tmp_path / "m.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    server = subprocess.Popen([program, "-c", str(tmp_path / "m.conf")], stderr=subprocess.DEVNULL)
    try:
        wait_for(port, server)
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        over = threading.Event()

        def publish() -> None:
            while not over.wait(0.2):
                client.publish("dc/r1/power", "1250.5")
                client.publish("dc/r2/power", json.dumps({"power_kw": 2.5, "ts": time.time()}))
                client.publish("dc/r3/power", "on fire")

        sender = threading.Thread(target=publish)
        sender.start()
        try:
            trace = from_mqtt.listen("127.0.0.1", ["dc/+/power"], 2.0, port=port, boundary="rack_ac")
            with pytest.raises(RunError, match="No message"):
                from_mqtt.listen("127.0.0.1", ["other/#"], 0.3, port=port)
        finally:
            over.set()
            sender.join()
            client.loop_stop()
            client.disconnect()
    finally:
        server.terminate()
        server.wait(WAIT_S)
    assert {name: set(signal.values) for name, signal in trace.signals.items()} == {
        "dc/r1/power": {1250.5},
        "dc/r2/power": {2500.0},
    }
    assert trace.unreadable >= 3
    write_readings(trace, tmp_path / "m.csv")
    found = inspect_trace(tmp_path / "m.csv")
    assert (found.boundary, found.format) == ("rack_ac", "table")


@pytest.mark.parametrize(
    ("payload", "watts", "name"),
    [
        ("12.5", 12.5, "a/power"),
        ('{"power": 5, "unit": "kW"}', 5000.0, "a/power"),
        ('{"ENERGY": {"Total": 3, "Power": 7}}', 7.0, "a/power"),
        ('{"device": "gpu3", "power_w": 7, "timestamp": "2026-01-01T00:00:00Z"}', 7.0, "a/power/gpu3"),
        ('{"value": 4}', 4.0, "a/power"),
        ('{"temperature": 4}', None, ""),
        ("true", None, ""),
        ('{"power": "x"}', None, ""),
        ('{"power": 1, "unit": "hp"}', None, ""),
        ("[" * 50_000, None, ""),
    ],
)
def test_messages(payload: str, watts: float | None, name: str) -> None:
    found = from_mqtt.parse("a/power", payload.encode())
    assert (found.watts if found else None) == watts
    assert found is None or found.name == name
