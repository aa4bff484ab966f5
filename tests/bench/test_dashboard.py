"""The dashboard on the 10 MW hall over an hourly year: server time of a step, click to painted, first page, twenty users.

    python -m pytest tests/bench/test_dashboard.py -m bench -s

Prints what was measured and how much of the machine it had; asserts only that answers are right and figures small.
"""

import json
import os
import resource
import shutil
import socket
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("dash", reason="the extra 'dashboard' is not installed")
pytestmark = pytest.mark.bench

SITE = "gb300-10mw"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
LARGEST = 200_000  # bytes of one figure
USERS, STEPS = 20, 4


def percentiles(name: str, seconds: list[float]) -> None:
    load = os.getloadavg()[0]
    print(  # noqa: T201
        f"\n{name}: p50 {1e3 * float(np.percentile(seconds, 50)):.0f} ms, p95 {1e3 * float(np.percentile(seconds, 95)):.0f} ms"
        f" ({len(seconds)} times; {os.cpu_count()} cores, load {load:.1f})"
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server of the 10 MW hall in this process."""
    from twin_dashboard.serve import make_server

    server = make_server(SITE, port=0)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


def ask(url: str, changes: dict[str, str]) -> Any:
    """What the What-if page asks after one step of a slider, as it asks it."""
    with urllib.request.urlopen(url + "/_dash-dependencies", timeout=60) as answer:
        found = next(c for c in json.load(answer) if "whatif-tiles.children" in c["output"])
    given = {"request": {"site": "", "changes": changes, "base": {}}, "system": "si", "theme": "light"}
    given["answer"] = given["request"]
    outputs = [part.rsplit(".", 1) for part in found["output"].strip(".").split("...")]
    body = {
        "output": found["output"],
        "outputs": [{"id": i, "property": p.split("@")[0]} for i, p in outputs],
        "inputs": [{**i, "value": given.get(i["id"])} for i in found["inputs"]],
        "state": [{**i, "value": given.get(i["id"])} for i in found["state"]],
        "changedPropIds": ["request.data"],
    }
    return urllib.request.Request(
        url + "/_dash-update-component", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )


def test_server_time_of_one_step(url: str) -> None:
    """From the last byte of the question to the first of the answer, everything in between, gzip included."""
    whole, cpu, sizes = [], [], []
    for i in range(28):
        question = ask(url, {"cooling.fws.supply": f"{28 + 0.25 * i:g} degC"})
        question.add_header("Accept-Encoding", "gzip")
        began, used = time.perf_counter(), time.process_time()
        with urllib.request.urlopen(question, timeout=60) as answer:
            body = answer.read()
        if i >= 4:  # the first ones warm up
            whole.append(time.perf_counter() - began)
            cpu.append(time.process_time() - used)
            sizes.append(len(body))
    percentiles("server time of one step", whole)
    percentiles("of it CPU", cpu)
    print(f"answer: {statistics.median(sizes) / 1e3:.0f} kB gzipped")  # noqa: T201
    own = []
    for _ in range(20):  # the same question again: the result is there, all figures are made anew
        began = time.process_time()
        with urllib.request.urlopen(question, timeout=60) as answer:
            answer.read()
        own.append(time.process_time() - began)
    percentiles("without the engine, CPU", own)
    with urllib.request.urlopen(ask(url, {"cooling.fws.supply": "34.9 degC"}), timeout=60) as answer:
        response = json.load(answer)["response"]
    for name, part in response.items():
        assert len(json.dumps(part)) <= LARGEST, name


def test_twenty_users(url: str) -> None:
    """Twenty people slide at once; each step waits for its answer before the next."""
    took: list[float] = []
    wrong: list[str] = []

    def slide(user: int) -> None:
        for step in range(STEPS):
            changes = {"load.scale": f"{60 + 2 * user + 0.4 * step:g} %"}
            began = time.perf_counter()
            with urllib.request.urlopen(ask(url, changes), timeout=120) as answer:
                text = answer.read().decode()
            took.append(time.perf_counter() - began)
            if f"load.scale={changes['load.scale']}" not in text:
                wrong.append(f"{user} {step}")

    began, used = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=slide, args=(user,)) for user in range(USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    wall = time.perf_counter() - began
    percentiles(f"{USERS} users × {STEPS} steps", took)
    cores = (time.process_time() - used) / wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{wall:.1f} s, {cores:.1f} cores used, peak memory {peak:.0f} MiB")  # noqa: T201
    assert wrong == []
    assert len(took) == USERS * STEPS


def test_click_to_painted(url: str) -> None:
    """Key press on a slider until every figure of the page has been drawn again, in headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: apt-get install -y chromium")
    with sync_api.sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=chromium, args=FLAGS)
        page = chrome.new_page(viewport={"width": 1440, "height": 900})
        began = time.perf_counter()
        page.goto(url + "/what-if")
        page.locator("#chip .trace").first.wait_for()
        print(f"\nfirst page with its charts: {time.perf_counter() - began:.1f} s")  # noqa: T201
        page.evaluate(PAINTED)
        slider = page.locator('[data-row="cooling.fws.supply"]').get_by_role("slider")
        slider.focus()
        page.wait_for_timeout(1500)
        took, server = [], []
        for i in range(24):
            page.evaluate("window.painted = null; window.pressed = null")
            page.keyboard.press("ArrowRight" if i < 16 else "ArrowLeft")
            for _ in range(400):
                if page.evaluate("window.painted !== null"):
                    break
                page.wait_for_timeout(10)
            both = page.evaluate("[window.painted - window.pressed, window.server]")
            if 3 <= i < 16:  # what was computed before comes from the cache
                took.append(both[0] / 1e3)
                server.append(both[1] / 1e3)
            page.wait_for_timeout(500)
        percentiles("click to painted", took)
        percentiles("of it waiting for the server", server)
        chrome.close()


PAINTED = """() => {
  document.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
  let left = 0;
  document.querySelectorAll('.whatif .js-plotly-plot').forEach((plot) => plot.on('plotly_afterplot', () => {
    left += 1;
    if (left < 3) return;
    left = 0;
    requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }, 0));
  }));
  new PerformanceObserver((list) => list.getEntries().forEach((e) => {
    if (e.name.includes('_dash-update-component')) window.server = e.responseEnd - e.startTime;
  })).observe({ type: 'resource' });
}"""
