"""Set points reset by requests: the published steps, requests and their bands, holds, the year's point and the swing round it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from twin_sites.errors import InputError
from twin_sites.loader import change_site, load_site
from twin_sites.schema import Reset

import twin
from tests.conftest import Said
from tests.transients.playing import CLOSURE, REST, played, stand_on
from twin.transients.ride_through import _constant
from twin.transients.timeline import Timeline
from twin.trim_respond import MIDDLE, SENDS, stepped

AIR = "hgx-h200-1mw-air"
WHERE = "cooling.chw.reset"
SWINGS = {f"{WHERE}.coldest": "14 degC", "cooling.chw.supply": "20 degC"}  # comes to rest at about 17 °C
SHORT = {
    f"{WHERE}.coldest": "19 degC",
    "cooling.chw.supply": "20 degC",
}  # too warm at full load, whatever it does
WITHIN = {"cooling.chw.supply": "17.4 degC"}  # valves within their band at its warmest: none asks
STEP = 1e-9  # of shares that go by whole steps
MET = 1e-6  # opening of valves where the year comes to rest
SWING, MEAN = (
    0.30,
    0.05,
)  # of the reset's whole way: three to four responses, and what the mean may be off the year
FELT_K = 0.3  # what the hall feels of the swing
FOUR = {"cooling.chw.chiller.capacity": "500 kW", "cooling.chw.chiller.count": "4"}  # staged by load


def at_rest(changes: dict[str, str], load: float = 1.0) -> xr.Dataset:
    site = change_site(load_site(AIR), changes)
    day = twin.design_day(twin.load_weather(site.site.weather), "0.4%", shape="constant")
    return twin.simulate(site, weather=day, load=_constant(load), hours=1.0).isel(time=0)


def shares(ds: xr.Dataset) -> np.ndarray:
    return np.asarray(ds.loop_reset.sel(loop="chw").values)


@pytest.mark.parametrize(
    ("requests", "change"), [(0, -0.02), (2, -0.02), (3, 0.01), (4, 0.04), (5, 0.05), (40, 0.05)]
)
def test_a_step_is_the_published_one(requests: int, change: float) -> None:
    """Guideline 36-2021, 5.1.14 with the numbers of 5.20.5.2: five requests ask for 9 %, get 7 %, less the trim of 2 %."""
    reset = Reset(coldest=10.0)
    assert stepped(reset, 0.5, requests) == pytest.approx(0.5 + change, abs=STEP)
    assert stepped(reset, 1.0, 40) == 1.0
    assert stepped(reset, 0.01, 0) == 0.0


def test_without_requests_it_is_trimmed_interval_by_interval_to_its_warmest() -> None:
    ds = played(["t=0s load 10 %"], 3.1 * 3600.0, AIR, changes=SWINGS, output_s=60.0)
    share, start = shares(ds), shares(ds)[0]
    due = np.maximum(start - 0.02 * np.floor(ds.elapsed.values / 300.0), 0.0)
    np.testing.assert_allclose(share, due, atol=STEP)
    assert start > 0.4
    assert share[-1] == 0.0
    np.testing.assert_allclose(ds.loop_set_point.sel(loop="chw"), 20.0 - 6.0 * due, atol=REST)
    assert ds.attrs["energy_closure"] <= CLOSURE


def test_requests_that_stay_pull_it_to_its_coldest_where_the_year_stands() -> None:
    """From rest at a tenth of the load to full load: eight handlers ask for more than 19 °C water can do."""
    ds = played(["t=0s load 100 %"], 3.0 * 3600.0, AIR, load=0.1, changes=SHORT, output_s=60.0)
    share = shares(ds)
    rises = np.flatnonzero(np.diff(share) > 0.0)
    assert share[0] == 0.0
    np.testing.assert_allclose(
        share[rises + 1], np.minimum(0.05 * np.arange(1, rises.size + 1), 1.0), atol=STEP
    )
    np.testing.assert_array_equal(np.diff(ds.elapsed.values[rises]), 300.0)
    year = at_rest(SHORT)
    assert share[-1] == float(year.loop_reset.sel(loop="chw")) == 1.0
    assert float(ds.loop_requests.sel(loop="chw")[-1]) == float(year.loop_requests.sel(loop="chw"))
    assert float(ds.loop_supply_temperature.sel(loop="chw")[-1]) == pytest.approx(19.0, abs=1e-3)
    assert any("requests for colder supply stay" in note for note in at_rest(SHORT).attrs["notes"])


def test_the_year_stands_where_valves_are_in_the_middle_of_their_band() -> None:
    year = at_rest(SWINGS)
    assert float(year.link_actuator.sel(link="hall.air_handler")) == pytest.approx(MIDDLE, abs=MET)
    assert 0.0 < float(year.loop_reset.sel(loop="chw")) < 1.0
    assert float(year.loop_requests.sel(loop="chw")) == 0.0
    assert np.isnan(year.loop_reset.sel(loop="hall"))
    assert float(at_rest(SWINGS, 0.1).loop_set_point.sel(loop="chw")) == 20.0


@pytest.mark.parametrize(("ignored", "warm"), [(7, 0.0), (8, 2.0), (16, 3.0)])
def test_ignored_requests_leave_rooms_as_warm_as_they_say(ignored: int, warm: float) -> None:
    """The hall's eight handlers send 8, then 16 at 2 K, then 24 at 3 K; those of the electrical room none."""
    year = at_rest(SWINGS | {f"{WHERE}.ignored": str(ignored), "cooling.chw.supply": "24 degC"})
    above = float(year.loop_supply_temperature.sel(loop="hall") - year.loop_set_point.sel(loop="hall"))
    assert above == pytest.approx(warm, abs=1e-5)


@pytest.mark.parametrize(
    ("site", "loop", "coldest", "more"),
    [
        ("enterprise-3-rack-gb300", "fws", 33, {"cooling.tcs.supply": "fws + 0.3 K"}),  # colder water is more viscous
        ("enterprise-3-rack-gb300", "fws", 33, {"cooling.tcs.supply": "40 degC"}),  # dry coolers that cannot follow
        ("immersion-5mw", "fws", 21, {}),
        ("mixed-hall", "fws", 28, {"cooling.tcs.supply": "30 degC"}),
        ("gb300-10mw", "condenser", 12, {}),  # above the wet bulb, asked by economisers
        ("retrofit-rdhx", "fws", 10, {}),  # asked by rear doors
    ],
)  # fmt: skip
@pytest.mark.parametrize("ignored", [0, 2])
def test_the_year_comes_to_rest_with_requests_met_or_at_its_coldest(
    site: str, loop: str, coldest: int, more: dict[str, str], ignored: int
) -> None:
    reset = {
        f"cooling.{loop}.reset.coldest": f"{coldest} degC",
        f"cooling.{loop}.reset.ignored": str(ignored),
    }
    year = twin.simulate(site, hours=48.0, start="2024-07-01T00:00", changes=reset | more)
    one = year.sel(loop=loop)
    assert float(year.site_residual.max()) < CLOSURE
    met = one.loop_requests <= ignored
    at_coldest = one.loop_reset == 1.0
    assert bool((met | at_coldest).all())


def test_two_loops_are_reset_each_by_its_own_requests() -> None:
    changes = {
        "cooling.fws.reset.coldest": "22 degC", "cooling.tcs.supply": "28 degC",
        "cooling.chw.reset.coldest": "12 degC", "hall.supply": "22 degC",
    }  # fmt: skip
    year = twin.simulate("gb300-10mw", hours=48.0, changes=changes)
    for loop, link in (("fws", "tcs.cdu"), ("chw", "hall.air_handler")):
        share = year.loop_reset.sel(loop=loop)
        assert bool(((share > 0.0) & (share < 1.0)).all())
        np.testing.assert_allclose(year.link_actuator.sel(link=link), MIDDLE, atol=1e-5)


def test_warmer_water_saves_compressor_power_and_stays_within_its_ends() -> None:
    coldest, reset = (at_rest(changes) for changes in ({"cooling.chw.supply": "14 degC"}, SWINGS))
    power = [float(one.link_power.sel(link="chw.chiller")) for one in (coldest, reset)]
    assert 0.0 < power[1] < 0.95 * power[0]
    year = twin.simulate(AIR, hours=336.0, changes=SWINGS)
    chw = year.loop_set_point.sel(loop="chw")
    assert 14.0 <= float(chw.min()) <= float(chw.max()) <= 20.0
    assert float(year.site_residual.max()) < CLOSURE


def test_held_still_it_swings_round_the_years_answer_and_its_mode_stays() -> None:
    """The reset never rests, as in the field: it swings where valves ask and cease to, which the year lies between."""
    ds = played([], 4.0 * 3600.0, AIR, changes=SWINGS, output_s=60.0)
    share, middle = shares(ds), float(at_rest(SWINGS).loop_reset.sel(loop="chw"))
    assert share[0] == pytest.approx(middle, abs=REST)
    assert share.min() < middle < share.max()
    assert share.max() - share.min() < SWING
    assert float(share.mean()) == pytest.approx(middle, abs=MEAN)
    assert not ds.attrs["log"]
    np.testing.assert_array_equal(ds.link_running, ds.link_running[:, :1] * np.ones(ds.elapsed.size))
    hall = ds.loop_supply_temperature.sel(loop="hall")
    assert float(np.abs(hall - 24.0).max()) < FELT_K
    assert ds.attrs["energy_closure"] <= CLOSURE


def test_after_a_step_of_load_it_ends_round_the_years_answer_at_that_load() -> None:
    changes = SWINGS | {"cooling.chw.supply": "24 degC"}
    middle = float(at_rest(changes, 0.3).loop_reset.sel(loop="chw"))
    ds = played(["t=0s load 30 %"], 6.0 * 3600.0, AIR, changes=changes, output_s=60.0)
    late = shares(ds)[-150:]  # two and a half hours: one swing at least
    assert 0.05 < middle < shares(ds)[0] - 0.1
    assert late.min() < middle < late.max()
    assert float(late.mean()) == pytest.approx(middle, abs=MEAN)
    assert ds.attrs["energy_closure"] <= CLOSURE


@pytest.mark.parametrize(
    ("changes", "load", "end"), [(SWINGS, 0.1, 0.0), (SHORT, 1.0, 1.0), (SWINGS | WITHIN, 1.0, 0.0)]
)
def test_at_its_ends_it_stays_on_the_years_answer(changes: dict[str, str], load: float, end: float) -> None:
    ds = played([], 1800.0, AIR, load=load, changes=changes, output_s=60.0)
    assert (shares(ds) == end).all()
    assert float(at_rest(changes, load).loop_reset.sel(loop="chw")) == end
    if changes == SWINGS | WITHIN:
        assert MIDDLE < float(ds.link_actuator.sel(link="hall.air_handler")[0]) < SENDS
    for name in ("loop_supply_temperature", "site_power", "rack_chip_temperature"):
        series = ds[name]
        np.testing.assert_allclose(series, series.isel(time=0) + 0.0 * series, rtol=REST, atol=REST)


def test_moments_and_steps_do_not_hang_on_the_steps_of_the_run() -> None:
    free, fixed = (
        played(["t=5min load 60 %"], 3600.0, AIR, changes=SWINGS, output_s=60.0, step_s=step)
        for step in (None, 2.0)
    )
    np.testing.assert_allclose(shares(free), shares(fixed), atol=STEP)


def requests_of(stepper: object, timeline: Timeline) -> float:
    timeline.resets.after(1.0)
    return float(timeline.plant.resets["chw"].requests)


def test_a_valve_asks_above_95_and_until_below_85() -> None:
    stepper = stand_on(AIR, 1.0, SWINGS)
    timeline = Timeline([], stepper)
    stepper.rates(stepper.y, [rows.chip for rows in stepper.rows], [rows.out for rows in stepper.rows])
    link = stepper.plant.by_link["hall.air_handler"]
    found = []
    for opening in (0.90, 0.949, 0.951, 0.90, 0.851, 0.849, 0.90):
        stepper.y[link.u] = opening
        stepper.now += 1.0
        found.append(requests_of(stepper, timeline))
    assert found == [0.0, 0.0, 8.0, 8.0, 8.0, 0.0, 0.0]
    assert SENDS == 0.95


def test_too_warm_air_sends_two_and_three_requests_after_two_minutes() -> None:
    stepper = stand_on(AIR, 1.0, SWINGS)
    timeline = Timeline([], stepper)
    stepper.rates(stepper.y, [rows.chip for rows in stepper.rows], [rows.out for rows in stepper.rows])
    link = stepper.plant.by_link["hall.air_handler"]
    want = float(stepper.plant.by_name["hall"].wanted)

    def at(now: float, warm: float) -> float:
        step, stepper.now = now - stepper.now, now
        stepper.y[link.sensor] = want + warm
        timeline.resets.after(step)
        return timeline.plant.resets["chw"].requests

    assert at(10.0, 1.9) == 0.0
    assert at(11.0, 2.1) == 0.0  # above 2 K since 10.5 s
    assert at(130.4, 2.1) == 0.0
    assert at(130.6, 2.1) == 16.0
    assert at(131.6, 4.1) == 16.0  # above 3 K since 131.05 s
    assert at(251.0, 4.1) == 16.0
    assert at(251.1, 4.1) == 24.0
    assert at(252.0, 2.5) == 16.0
    assert at(253.0, 1.0) == 0.0


def test_it_is_held_for_fifteen_minutes_after_a_chiller_is_staged() -> None:
    ds = played(["t=1min load 100 %"], 7200.0, AIR, load=0.3, changes=FOUR | SWINGS, output_s=60.0)
    moments = [float(line.split(" s:")[0]) for line in ds.attrs["log"] if "one of 4" in line]
    assert moments
    share, elapsed = shares(ds), ds.elapsed.values
    changes = elapsed[1:][np.diff(share) != 0.0]
    for moment in moments:
        assert not np.any((changes > moment + 60.0) & (changes <= moment + 900.0))
    assert changes.size > 3  # it does move between
    assert ds.attrs["energy_closure"] <= CLOSURE


def test_pumps_that_stand_set_it_to_its_coldest_and_it_begins_a_delay_after_they_start() -> None:
    lines = ["t=100s trip cooling.chw.pump", "t=120s start cooling.chw.pump"]
    ds = played(lines, 2400.0, AIR, load=0.1, changes=SWINGS, output_s=5.0)
    share, elapsed = shares(ds), ds.elapsed.values
    assert not share[elapsed <= 100.0].any()
    begins = 120.0 + 15.0 + 900.0 + 300.0
    assert (share[(elapsed > 105.0) & (elapsed < begins)] == 1.0).all()
    assert share[elapsed == begins + 5.0] == pytest.approx(0.98, abs=STEP)


def test_events_set_its_ends() -> None:
    lines = ["t=60s set cooling.chw.supply 18 degC", "t=120s set cooling.chw.reset.coldest 12 degC"]
    ds = played(lines, 240.0, AIR, changes=SWINGS)
    share, want = float(shares(ds)[0]), ds.loop_set_point.sel(loop="chw").values
    for second, warmest, coldest in ((30, 20.0, 14.0), (90, 18.0, 14.0), (200, 18.0, 12.0)):
        assert want[second] == pytest.approx(warmest - share * (warmest - coldest), abs=REST)
    low = played(["t=60s set cooling.chw.supply 10 degC"], 120.0, AIR, changes=SWINGS)
    assert float(low.loop_set_point.sel(loop="chw")[-1]) == 10.0  # below its coldest: that alone
    with pytest.raises(InputError, match="no set point of this site"):
        played(["t=60s set cooling.chw.reset.coldest 12 degC"], 120.0, AIR)


def test_the_report_tells_the_reset() -> None:
    from twin.transients.report import transient_report

    one = twin.summarize_transient(played([], 900.0, AIR, changes=SWINGS))
    assert one.loops["chw"].reset is not None
    assert one.loops["hall"].reset is None
    assert "Set point of chw reset by requests: 47 % at the start" in transient_report(one)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({f"{WHERE}.coldest": "19 degC"}, "which is the warmest set point"),
        ({f"{WHERE}.coldest": "14 degC", f"{WHERE}.ignored": "40"}, "none would ever count"),
        ({f"{WHERE}.coldest": "14 degC", f"{WHERE}.respond": "2 %"}, "responses above the trim"),
        ({f"{WHERE}.ignored": "1"}, "coldest"),
        ({f"{WHERE}.coldest": "14 degC", f"{WHERE}.interval": "1 s"}, "1 to 60 min"),
    ],
)
def test_bad_declarations_are_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        change_site(load_site(AIR), changes)


def test_a_bad_file_is_one_message_and_exit_code_2(twin_cli: Callable[..., Said], tmp_path: Path) -> None:
    form = yaml.safe_load(yaml.safe_dump(dict(load_site(AIR).written)))
    form["cooling"]["chw"]["reset"] = {"kind": "ratchet", "warmest": "20 degC", "ignored": -1}
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(form))
    for verb in ("check", "run", "transient"):
        said = twin_cli(verb, path)
        assert (said.code, said.out) == (2, "")
        for part in (
            f"{WHERE}.kind",
            "trim-and-respond",
            f"{WHERE}.coldest",
            f"{WHERE}.warmest",
            f"{WHERE}.ignored",
        ):
            assert part in said.err


@pytest.mark.parametrize(
    ("site", "loop", "said"),
    [("gb300-10mw", "tcs", "no unit has a valve"), ("frontier", "tcs", "no unit has a valve")],
)
def test_a_loop_without_valves_cannot_be_reset(site: str, loop: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        change_site(load_site(site), {f"cooling.{loop}.reset.coldest": "10 degC"})
