"""Scenario files: what they may say, and how what they may not is answered."""

from pathlib import Path

import pytest
from twin_sites.errors import InputError
from twin_sites.loader import load_site

import twin
from tests.transients.playing import SMALL
from twin.compile import compile_site
from twin.transients.events import read_events
from twin.transients.scenarios import load_of, scenario

EVENT = "events:\n  - t=10s trip cooling.fws.pump\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe\xef1", "no UTF-8 text at byte 0"),
        (bytes(range(256)), "no UTF-8 text"),
        (b"", "empty.*events: .'t=60s"),
        (b"# nothing\n", "empty.*events: .'t=60s"),
        (b"hello\n", "one line of text.*events: .'t=60s"),
        (b"- t=1s trip cooling.fws.pump\n", "a list.*events: .'t=60s"),
        (b"until: [60 s\n", "not YAML"),
        (b"until: 60 s\nuntil: 90 s\n" + EVENT.encode(), "'until' a second time"),
        (b"title: x\nevent: []\n", "unknown key 'event'.*did you mean 'events'"),
        (b"title: [x]\n" + EVENT.encode(), "→ title: a list"),
        (b"events: t=1s trip cooling.fws.pump\n", "events are 't=1s"),
        (b"events:\n", "no events"),
        (b"until: 60 s\n", "no events"),
        (b"events:\n  -\n", "events, line 1: nothing"),
        (
            b"events:\n  - t=1s load 50 %\n  - {at: 10 s, trip: cooling.fws.pump}\n",
            "events, line 2: a mapping",
        ),
        (b"events:\n  - 5\n", "events, line 1: '5'"),
        (b"load: [1]\n" + EVENT.encode(), "→ load: a list.*load: 80 %"),
        (b"load: {a: 1}\n" + EVENT.encode(), "→ load: a mapping"),
        (b"load: yes\n" + EVENT.encode(), "→ load: yes or no"),
        (b"load: 80\n" + EVENT.encode(), "→ load: 80.*'80 %' if that is meant"),
        (b"load: 120 %\n" + EVENT.encode(), "→ load: 120 %.*0 to 100 %"),
        (b"load: -10 %\n" + EVENT.encode(), "→ load: -10 %"),
        (b"until: 0 s\n" + EVENT.encode(), "→ until: 0 s"),
        (b"until: 60\n" + EVENT.encode(), "'60' has no unit.*'60 s'"),
        (b"until: yes\n" + EVENT.encode(), "→ until: 'yes or no'"),
        (b"until: tomorrow\n" + EVENT.encode(), "→ until: 'tomorrow'"),
        (b"until: 30 kW\n" + EVENT.encode(), "→ until: '30 kW' is a power"),
    ],
)
def test_a_file_that_is_no_scenario_is_answered(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "drill.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        scenario(path)
    assert all(one.where.startswith("drill.yaml") and one.allowed for one in error.value.problems)


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text("load: 80\nuntil: 60\nevent: []\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        scenario(path)
    assert len(error.value.problems) == 4


def test_a_place_that_is_no_file_is_answered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        scenario("a" * 5000)
    with pytest.raises(InputError, match="a folder, no file"):
        scenario(tmp_path)
    with pytest.raises(InputError, match=r"no such file.*did you mean 'frontier-no-flow'"):
        scenario("frontier-no-flo")
    with pytest.raises(InputError, match="one line of text, no file"):
        twin.transient(SMALL, events="t=60s trip cooling.fws.pump")


def test_lines_of_a_file_may_come_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text("events:\n  - t=30s load 50 %\n  - t=10s load 20 %\n", encoding="utf-8")
    assert [event.at for event in read_events(path, compile_site(load_site(SMALL)))] == [10.0, 30.0]


def test_a_scenario_has_its_load_and_length_from_every_door(tmp_path: Path) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text("load: 50 %\nuntil: 90 s\n" + EVENT, encoding="utf-8")
    ds = twin.transient(SMALL, events=path)
    assert ds.attrs["until_s"] == 90.0
    assert ds.attrs["load"] == "50% of full load"
    assert twin.transient(SMALL, events=path, until=60.0, load=0.7).attrs["load"] == "70% of full load"
    assert twin.transient(SMALL, load="70 %", until=10.0).attrs["load"] == "70% of full load"


@pytest.mark.parametrize(
    ("more", "says"),
    [({"step_s": -1.0}, "step_s: -1 s"), ({"step_s": float("nan")}, "step_s: nan"), ({"output_s": 0.0}, "output_s: 0 s"),
     ({"output_s": 60.0}, "output_s: 60 s.*to 30 s"), ({"load": " "}, "load: nothing"), ({"until": float("nan")}, "until")],
)  # fmt: skip
def test_steps_and_loads_that_cannot_be_are_refused(more: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        twin.transient(SMALL, **({"until": 30.0} | more))  # type: ignore[arg-type]


def test_shares_and_names_of_loads() -> None:
    assert load_of("80 %", "load") == load_of("0.8", "load") == 0.8
    assert load_of("training", "load") == "training"
