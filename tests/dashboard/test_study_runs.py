"""Studies that a browser starts: what is refused, that they finish, cancel, stay apart, and become what-ifs."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twin_dashboard import study_runs
from twin_dashboard.study_runs import StudyRun, StudyRuns, case_changes
from twin_sites.errors import InputError

import twin
from twin.studies.cases import DONE

SITE = "enterprise-3-rack-gb300"
SMALL = f"""
site: {SITE}
hours: 24
changes: {{load.scale: 80 %}}
axes:
  weather: [phoenix, chicago + 2 K]
  cooling.fws.supply: [30 degC, 34 degC]
"""
LONG = f"""
site: {SITE}
axes:
  weather: [phoenix, chicago]
  cooling.fws.supply: 25..40 degC by 0.1
"""
PATIENCE_S = 90.0


@pytest.fixture
def runs() -> Iterator[StudyRuns]:
    made = StudyRuns(twin.load_site(SITE), frozenset(), lambda token: twin.load_site(SITE))
    yield made
    for run in made._runs.values():
        run.cancel()


def until(run: StudyRun, true: Any) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"{run.words()} {run.fault}"
        time.sleep(0.05)
        run.look()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("axes: {weather: [/etc/passwd, phoenix]}", "/etc/passwd"),
        ("weather: ../../secret.epw\naxes: {load.scale: [50 %, 60 %]}", "secret.epw"),
        ("site: /etc/hostname\naxes: {weather: [phoenix]}", "/etc/hostname"),
        ("axes: {place: {one: {load: /etc/passwd}}}", "/etc/passwd"),
        ("axes: {place: {one: {load.trace: /etc/passwd}}}", "/etc/passwd"),
        ("changes: {load.trace: /etc/passwd}\naxes: {weather: [phoenix]}", "/etc/passwd"),
        ("changes: {load: {trace: /etc/passwd}}\naxes: {weather: [phoenix]}", "/etc/passwd"),
        ("axes: {load.trace: [training, /etc/passwd]}", "/etc/passwd"),
        ("design: table\ncases: /etc/passwd", "a file"),
        ("axes: {weather: [phoenix]}\ncases: x.csv", "a file"),
        ("axes: {cooling.fws.supply: 25..40 degC by 0.005}", "3,001 cases"),
        ("design: sobol\nsamples: 1048576\naxes: {cooling.fws.supply: 25..40 degC}", "3,145,728 cases"),
        ("step_s: 60\naxes: {weather: [phoenix, chicago]}", "525,600 steps"),
        ("axes: {weather: [phoenix]}\nrun: !!python/object/apply:os.system [id]", "the key 'run'"),
        ("axes: {cooling.fws.suply: [30 degC]}", "suply"),
        ("", "empty"),
        ("# " + "x" * study_runs.MOST_TEXT, "20,002 characters"),
    ],
)  # fmt: skip
def test_what_a_browser_may_not_ask_is_answered_in_words(runs: StudyRuns, text: str, found: str) -> None:
    with pytest.raises(InputError) as error:
        runs.start("me", text)
    assert found in str(error.value)
    assert runs.of("me") is None
    assert list(Path(runs._folder).iterdir()) == []


def test_a_study_finishes_and_its_cases_are_what_ifs(runs: StudyRuns) -> None:
    run = runs.start("me", SMALL)
    until(run, lambda: not run.running)
    assert (run.done, run.failed, run.fault) == (4, 0, "")
    ds = run.results()
    assert ds is not None
    assert runs.of("someone else") is None
    site, changes, lost = case_changes(run, 3)
    assert site == ""  # the one of this server
    assert changes == {
        "load.scale": "80 %",
        "site.weather": "chicago + 2 K",
        "cooling.fws.supply": "34.0 degC",
    }
    assert "24 h" in lost[0]
    plain = {key: text for key, text in changes.items() if key != "site.weather"}
    again = twin.simulate(twin.load_site(SITE), changes=plain, weather=changes["site.weather"], hours=24)
    assert twin.summarize(again).pue == ds["pue"].values.ravel()[3]


def test_cancelling_keeps_what_is_finished_and_others_wait(runs: StudyRuns) -> None:
    run = runs.start("me", LONG)
    until(run, lambda: run.done > 0)
    with pytest.raises(InputError, match="one at a time"):
        runs.start("me", SMALL)
    assert "left" in run.words()
    process = run.process.pid
    run.cancel()
    assert not run.running
    assert 0 < run.done < run.total == 302
    ds = run.results()
    assert ds is not None
    assert int((ds["status"].values == DONE).sum()) >= run.done
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    old = run.folder
    again = runs.start("me", SMALL)
    assert not old.exists()
    again.cancel()


def test_a_case_on_another_site_keeps_the_weather_of_the_study(runs: StudyRuns) -> None:
    text = f"hours: 24\nsite: {SITE}\naxes: {{site: [{SITE}, gb300-10mw]}}"
    run = runs.start("me", text)
    run.cancel()
    site, changes, _ = case_changes(run, 1)
    assert site == "gb300-10mw"
    assert changes == {"site.weather": twin.load_site(SITE).site.weather}


def test_a_study_can_take_the_site_of_the_dashboard(runs: StudyRuns) -> None:
    run = runs.start("me", "hours: 24\naxes: {weather: [phoenix]}", "")
    run.cancel()
    assert run.site == ""
    assert run.study.site.name == SITE


def test_a_study_that_was_cancelled_or_killed_goes_on(runs: StudyRuns) -> None:
    """Finished cases are not computed again, and the end is that of a study that was not stopped."""
    run = runs.start("me", LONG.replace("by 0.1", "by 1"))
    assert runs.resume("me") is None  # it runs
    until(run, lambda: run.done)
    run.cancel()
    kept = run.done
    assert 0 < kept < run.total
    assert run.unfinished
    assert run.report() is not None
    assert runs.resume("me") is run
    assert run.running
    assert not run.cancelled
    until(run, lambda: run.done > kept)
    os.kill(run.process.pid, 9)
    until(run, lambda: not run.running)
    assert "ended before" in run.fault
    assert runs.resume("me") is run
    until(run, lambda: not run.running)
    assert (run.done, run.fault) == (run.total, "")
    assert runs.resume("me") is None  # nothing is left
    assert runs.resume("you") is None
    whole = twin.study(run.study)
    found = run.results()
    assert found is not None
    assert (found["pue"].values == whole["pue"].values).all()
