"""A failure as choices, lines, figures and words, without a browser."""

import itertools
import json
import shlex
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from twin_dashboard import failing
from twin_dashboard.context import context
from twin_dashboard.failing import Case, Player
from twin_dashboard.figures import failing as figures
from twin_dashboard.figures.series import thin
from twin_dashboard.pages import failures as page
from twin_dashboard.tokens import THEMES
from twin_sites.errors import InputError
from twin_sites.loader import sites

import twin
from twin.compile import compile_site
from twin.errors import Cancelled
from twin.transients.events import read_events
from twin.transients.report import span

SITE = "enterprise-3-rack-gb300"
TRIP = Case("", (), ("t=30s trip cooling.tcs.cdu",), "3 min", "100 %", "")
LIMIT_BYTES = 200_000


@pytest.fixture(scope="module")
def player() -> Player:
    return Player(context(twin.load_site(SITE)))


@pytest.fixture(scope="module")
def designs(player: Player) -> list[Any]:
    """The small site without CDUs, and with facility water 6 K cooler."""
    return [player.play(TRIP), player.play(TRIP._replace(changes=(("cooling.fws.supply", "35 degC"),)))]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("system", ["si", "ip"])
def test_figures_are_valid_small_and_in_one_theme(designs: list[Any], theme: str, system: str) -> None:
    data = [one.ds for one in designs]
    for drawn in (data, data[:1]):
        for figure in (
            figures.chips(drawn, theme, system), figures.supplies(drawn, theme, system), figures.flows(drawn, theme), figures.charge(drawn, theme),
        ):  # fmt: skip
            go.Figure(figure)
            text = json.dumps(figure, allow_nan=False)
            assert len(text) <= LIMIT_BYTES
            assert figure["data"]
            other = set(THEMES["dark" if theme == "light" else "light"].values()) - set(
                THEMES[theme].values()
            )
            assert not [c for c in other if f'"{c}"' in text]


def test_the_drawn_curve_reaches_its_peak_and_its_limits(designs: list[Any]) -> None:
    ds = designs[0].ds
    figure = figures.chips([ds], "light", "si")
    peak = float(np.nanmax(ds["rack_chip_temperature"].values))
    assert max(figure["data"][0]["y"]) == pytest.approx(peak, abs=0.01)
    drawn = [x for x in figure["data"][0]["x"] if 0.0 <= x <= 120.0]
    assert len(drawn) == 121  # every second of the first two minutes
    heights = [s["y0"] for s in figure["layout"]["shapes"] if s.get("xref") == "paper"]
    assert heights == [87.0, 95.0]
    fahrenheit = figures.chips([ds], "light", "ip")
    assert [s["y0"] for s in fahrenheit["layout"]["shapes"] if s.get("xref") == "paper"] == pytest.approx(
        [188.6, 203.0]
    )


def test_a_peak_of_one_moment_stays_in_a_long_run(designs: list[Any]) -> None:
    ds = designs[0].ds.isel(time=slice(0, 2)).drop_vars(["time", "elapsed"])
    n = 7200
    long = ds.isel(time=np.zeros(n, int)).assign_coords(elapsed=("time", np.arange(n) * 6.0))
    chip = np.full(long["rack_chip_temperature"].shape, 60.0)
    chip[0, 4321] = 93.0
    long = long.assign(rack_chip_temperature=(("rack", "time"), chip)).assign_attrs(until_s=n * 6.0)
    figure = figures.chips([long, long], "light", "si")
    assert max(figure["data"][0]["y"]) == 93.0
    assert len(figure["data"][0]["x"]) < n
    assert thin(chip[0], 200).size <= 200


def test_the_axis_counts_from_the_first_event(designs: list[Any]) -> None:
    figure = figures.flows([designs[0].ds], "light")
    assert figure["layout"]["xaxis"]["range"] == [-30.0, 150.0]
    assert figure["layout"]["shapes"][0]["x0"] == 0.0  # the trip
    tcs = next(line for line in figure["data"] if line["name"] == "TCS")
    before = [y for x, y in zip(tcs["x"], tcs["y"], strict=True) if x < 0.0]
    assert before == pytest.approx([100.0] * len(before), abs=0.5)
    assert tcs["y"][-1] < 1.0


def test_marks_that_stand_close_share_a_label(player: Player) -> None:
    lost = player.play(Case("", (), ("t=60s trip power.utility",), "30 min", "", ""))
    labels = [note["text"] for note in figures.charge([lost.ds], "light")["layout"]["annotations"]]
    assert labels == ["1–4"]
    later = lost.ds.assign_attrs(log=[*lost.ds.attrs["log"], "1500 s: something else"])
    both = figures.charge([lost.ds, later], "light")["layout"]
    assert [note["text"] for note in both["annotations"]] == ["A1–B4", "B5"]
    assert len(both["shapes"]) == 5  # what happens in both at once is one line
    said = figures.happened(lost.ds)
    assert said[0] == (0.0, "trip power.utility")
    assert said[1][0] == pytest.approx(12.0)
    charge = figures.left(lost.ds)
    assert charge[0] == 1.0
    assert charge[-1] == pytest.approx(lost.summary.battery_left, abs=1e-9)
    assert (np.diff(charge) <= 0.0).all()


def test_a_site_without_batteries_or_chips_says_so(designs: list[Any]) -> None:
    ds = designs[0].ds
    bare = ds.assign_attrs(battery_j=0.0).assign(rack_chip_temperature=ds["rack_chip_temperature"] * np.nan)
    assert "no batteries" in figures.charge([bare], "light")["layout"]["annotations"][0]["text"]
    assert "accelerators" in figures.chips([bare], "light", "si")["layout"]["annotations"][0]["text"]


def test_countdown_verdict_and_table_say_what_the_summary_says(designs: list[Any]) -> None:
    first, second = (one.summary for one in designs)
    assert first.time_to_throttle_s is not None
    assert second.time_to_throttle_s is not None
    assert second.time_to_throttle_s > first.time_to_throttle_s  # cooler water lasts longer
    text = str(page.result(designs, ["a", "b"], "light", "si"))
    for one in (first, second):
        value, _, _unit = span(one.time_to_throttle_s).partition(" ")
        assert f"Span(children='{value}', className='tile-value')" in text
        assert f"throttle after {span(one.time_to_throttle_s)}" in page.verdict(designs, "si")
    assert "nothing stops" not in text


def test_every_choice_of_every_site_is_understood() -> None:
    for name in sites():
        site = twin.load_site(name)
        plan = compile_site(site)
        found = failing.choices(site)
        for one in found.values():
            read_events(one.events, plan)
        assert {"Whole facility", "Scenarios of this site", "One unit stops", "All units stop"} == {
            c.group for c in found.values()
        }
        for group, members in itertools.groupby(sorted(found.values()), key=lambda c: c.group):
            labels = [c.label for c in members]
            assert len(set(labels)) == len(labels), group
        for line in failing.ideas(site):
            address, _, value = line.partition("=")
            twin.change_site(site, {address: value})


def test_changes_and_commands_are_those_of_the_command_line() -> None:
    assert failing.changes_in(" cooling.fws.buffer = 20 m3\n\ncooling.tcs.cdu.count=3 ") == {
        "cooling.fws.buffer": "20 m3", "cooling.tcs.cdu.count": "3",
    }  # fmt: skip
    with pytest.raises(InputError, match="one change a line"):
        failing.changes_in("more buffer")
    words = shlex.split(
        failing.command(TRIP._replace(start="2023-07-01T14:00"), SITE, {"cooling.fws.buffer": "20 m3"})
    )
    assert words == [
        "twin", "transient", SITE, "--event", "t=30s trip cooling.tcs.cdu", "--until", "3 min", "--load", "100 %", "--start", "2023-07-01T14:00",
        "--set", "cooling.fws.buffer=20 m3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"events": ()}, "at least one line"),
        ({"events": ("t=60s trip cooling.tcs.cdus",)}, "did you mean"),
        ({"events": ("t=1s set cooling.fws.supply",)}, "no value"),
        ({"events": ("t=1s trip power.utility",) * 41}, "up to 40"),
        ({"until": "12"}, "horizon"),
        ({"until": "2 d"}, "twin transient"),
        ({"until": "20 s"}, "play for longer"),
        ({"load": "120 %"}, "load"),
        ({"load": "../secret.csv"}, "load"),
        ({"load": "secret.csv"}, "80 %"),
        ({"start": "tomorrow"}, "start"),
        ({"changes": (("site.weather", "/etc/passwd"),)}, "upload the file"),
        ({"changes": (("cooling.fws.bufer", "2 m3"),)}, "buffer"),
        ({"site": "../other"}, "reference site"),
    ],
)
def test_bad_input_is_answered_in_words(player: Player, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        player.play(TRIP._replace(**wrong))


def test_what_is_kept_is_not_played_again(player: Player, designs: list[Any]) -> None:
    assert player.play(TRIP) is designs[0]


def test_a_long_one_shows_its_progress_and_is_cancelled_like_a_year(player: Player) -> None:
    results = player.context.results
    seen: list[int] = []

    def work(tell: Any) -> None:
        tell(1, 4)
        (job,) = results.progress("")
        seen.append(job.done)
        results.cancel("")
        tell(2, 4)

    with results.turn, pytest.raises(Cancelled):
        results.in_turn(work)
    assert seen == [1]
    assert results.progress("") == []
    assert len(results) == 0
