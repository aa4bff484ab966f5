"""Runs that take a while: progress for the browser that waits, a cancel that keeps nothing, turns, sizes, 32 bit."""

import json
import threading
import time
import urllib.request
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest
from twin_dashboard import cache
from twin_dashboard.cache import Results
from twin_dashboard.figures import series
from twin_dashboard.sessions import Sessions, set_browser
from twin_sites.errors import InputError

import twin

SITE = "enterprise-3-rack-gb300"
LONG = "15 min"  # 35,040 steps
WAIT_S = 30.0


def until(condition: Any) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "never true"
        time.sleep(0.01)


@pytest.fixture
def results() -> Results:
    return Results(twin.load_site(SITE), Sessions())


def asked(
    results: Results, who: str, said: dict[str, Any], changes: dict[str, str] | None = None
) -> threading.Thread:
    """A browser that asks for the minute year in a thread of its own; what it hears goes into ``said``."""

    def ask() -> None:
        set_browser(who)
        try:
            with results.turn:
                said[who] = results.get("", changes or {}, "1 min")
        except Exception as error:
            said[who] = error

    thread = threading.Thread(target=lambda: copy_context().run(ask), daemon=True)
    thread.start()
    return thread


def test_a_cancelled_run_stops_and_leaves_nothing(results: Results) -> None:
    said: dict[str, Any] = {}
    thread = asked(results, "a", said)
    until(lambda: any(job.done for job in results.progress("a")))
    assert results.progress("b") == []
    assert results.cancel("b") == 0
    done = results.progress("a")[0].done
    assert results.cancel("a") == 1
    thread.join(WAIT_S)
    assert isinstance(said["a"], twin.Cancelled)
    assert 0 < done < 525_600
    assert len(results) == 0
    assert results.computed == 0
    assert results.progress("a") == []
    assert results.get("", {}, "").summary.converged  # the next run is not touched


def test_a_run_goes_on_for_those_who_still_wait(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cache.STEPS, "1 min", 900.0)
    held = threading.Event()
    engine = twin.simulate

    def slow(*args: Any, progress: Any, **more: Any) -> Any:
        progress(0, 100)
        held.wait(WAIT_S)
        return engine(*args, progress=progress, **more)

    monkeypatch.setattr(twin, "simulate", slow)
    said: dict[str, Any] = {}
    first = asked(results, "a", said)
    until(lambda: results.progress("a"))
    second = asked(results, "b", said)
    until(lambda: results.progress("b"))
    assert results.cancel("a") == 1
    held.set()
    first.join(WAIT_S)
    second.join(WAIT_S)
    assert isinstance(said["a"], twin.Cancelled)
    assert said["b"].summary.converged
    assert results.computed == 1


def test_short_runs_do_not_wait_for_long_ones(results: Results) -> None:
    said: dict[str, Any] = {}
    threads = [asked(results, str(i), said, {"load.scale": f"{90 + i} %"}) for i in range(3)]
    until(lambda: results.progress("0") and results.progress("1") and results.progress("2"))
    began = time.monotonic()
    with results.turn:
        assert results.get("", {}).summary.converged
    assert time.monotonic() - began < WAIT_S
    assert not said  # the three are still at it, one at a time
    assert sum(results.progress(str(i))[0].total > 0 for i in range(3)) == 1
    for i in range(3):
        results.cancel(str(i))
    for thread in threads:
        thread.join(WAIT_S)
    assert all(isinstance(answer, twin.Cancelled) for answer in said.values())


def test_too_much_is_refused_before_it_starts(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_VALUES", 1_000_000)
    with pytest.raises(InputError, match="longer time step"):
        results.get("", {}, "1 min")
    monkeypatch.setattr(cache, "MAX_QUEUED", 0)
    monkeypatch.setattr(cache, "MAX_VALUES", 10**9)
    with pytest.raises(InputError, match="long runs wait already"):
        results.get("", {}, LONG)
    assert len(results) == 0


def test_a_long_run_is_kept_in_half_the_memory_and_says_the_same(results: Results) -> None:
    run = results.get("", {}, LONG)
    ds = twin.simulate(SITE, step_s=900.0)
    assert run.long
    assert run.summary == twin.summarize(ds)
    assert run.ds.nbytes < 0.52 * ds.nbytes
    assert twin.summarize(run.ds).pue == pytest.approx(run.summary.pue, rel=1e-6)
    assert not results.get("", {}).long
    assert results.get("", {}, "no such step").summary == results.get("", {}).summary


def test_a_week_keeps_its_peak_at_every_zoom() -> None:
    ds = twin.simulate(SITE, step_s=60.0, hours=24 * 9)
    address, step = f"racks.{ds['rack'].values[0]}", 24 * 60 * 4
    _, _, values, _ = series.element(ds, address)
    days, heights = series.week_window(ds, address, step, "si")
    assert len(days) <= series.WEEK_POINTS + 1
    near = values[step - 5040 : step + 5041]
    assert max(heights) == pytest.approx(np.nanmax(near), rel=1e-3)
    days, heights = series.week_window(ds, address, step, "si", (-0.1, 0.1))
    assert len(days) == 2 * 144 + 1  # every minute
    assert series.days_window({"xaxis.range[0]": -1.0, "xaxis.range[1]": 1}) == (-1.0, 1.0)
    assert series.days_window({"xaxis.autorange": True}) == (-3.5, 3.5)
    for nothing in (None, {}, {"xaxis.range[0]": "a", "xaxis.range[1]": 1}, {"autosize": True}):
        assert series.days_window(nothing) is None


def test_progress_and_cancel_over_http(served: Any, ask: Any) -> None:
    _, headers, _ = served.get("/")
    cookie = headers["set-cookie"].split(";")[0]
    assert "HttpOnly" in headers["set-cookie"]
    assert "SameSite=Strict" in headers["set-cookie"]
    mine, other = {"Cookie": cookie}, {"Cookie": "twin-session=" + 22 * "x"}
    state = {"site": "", "changes": {"load.scale": "91 %"}, "base": {}, "step": "1 min"}
    said: list[Any] = []
    page = threading.Thread(
        target=lambda: said.append(
            served.callback(
                "overview-tiles.children", {"state": state, "system": "si", "theme": "light"}, mine
            )
        ),
        daemon=True,
    )
    page.start()

    def progress(who: dict[str, str]) -> Any:
        return json.loads(served.get("/progress", who)[2])

    until(lambda: progress(mine).get("share"))
    shown = progress(mine)
    assert shown["steps"] == 525_600
    assert 0.0 < shown["share"] < 1.0
    assert shown["left_s"] > 0.0
    assert progress(other) == {"runs": 0}

    def cancel(headers: dict[str, str]) -> tuple[int, bytes]:
        status, _, body = ask(urllib.request.Request(served.url + "/cancel", b"", headers))
        return status, body

    assert cancel({**mine, "Origin": "http://evil.example"})[0] == 403
    assert json.loads(cancel(other)[1]) == {"cancelled": 0}
    assert json.loads(cancel(mine)[1]) == {"cancelled": 1}
    page.join(WAIT_S)
    status, response = said[0]
    assert status == 200
    assert "overview-tiles" not in response  # the old picture stays
    assert "cancelled" in json.dumps(response["overview-problem"])
    assert progress(mine) == {"runs": 0}
