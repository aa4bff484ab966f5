"""Pumps staged by flow: the number of the year, delays that are kept to the second, a standby that steps in."""

import math

import numpy as np
import pytest
from twin_sites.loader import change_site, load_site

import twin
from tests.transients.playing import CLOSURE, REST, played
from twin.compile import pumps_for
from twin.transients.conditions import Held
from twin.transients.ride_through import _constant

AIR = "hgx-h200-1mw-air"
PUMP = "cooling.chw.pump"
FIVE = {f"{PUMP}.staging": "flow", f"{PUMP}.count": "5", f"{PUMP}.rated_flow": "9 L/s"}  # one of them spare
DELAY, RESTART = 600.0, 15.0
MOMENT_S = 2.5  # of a change, between steps chosen by the error and steps of 1 s
EASED = 1e-4  # relative, pump power of the year and of a transient an hour after its last change


def at_rest(load: float) -> tuple[float, float]:
    """Pumps that the year runs at a load, by their power, and that power."""
    site = change_site(load_site(AIR), FIVE)
    day = twin.design_day(twin.load_weather(site.site.weather), "0.4%", shape="constant")
    year = twin.simulate(site, weather=day, load=_constant(load), hours=1.0).isel(time=0)
    pump = site.cooling["chw"].pump
    assert pump is not None
    flow = float(year.loop_flow.sel(loop="chw")) / 998.6  # kg/m³ at 18 °C
    return float(pumps_for(flow, pump)), float(year.loop_pump_power.sel(loop="chw"))


@pytest.mark.parametrize(
    ("share", "pumps"),
    [(0.0, 1), (0.219, 1), (0.22, 1), (0.221, 2), (0.469, 2), (0.471, 3), (0.72, 3), (0.721, 4), (0.97, 4), (0.971, 5), (1.2, 5)],
)  # fmt: skip
def test_pumps_follow_the_published_thresholds(share: float, pumps: int) -> None:
    """Guideline 36-2021, 5.20.6.6, with four duty pumps: another above N/4 - 0.03 of design flow."""
    pump = change_site(load_site(AIR), FIVE).cooling["chw"].pump
    assert pump is not None
    assert pumps_for(share * 4 * pump.rated_flow, pump) == pumps
    np.testing.assert_array_equal(pumps_for(np.full(3, share) * 4 * pump.rated_flow, pump), pumps)


def test_the_year_runs_fewer_pumps_and_less_power_at_part_load() -> None:
    staged, all_ = (
        twin.simulate(AIR, load=_constant(0.2), hours=24.0, changes=FIVE | {f"{PUMP}.staging": how})
        for how in ("flow", "all")
    )
    assert float(staged.loop_pump_power.sum()) < 0.9 * float(all_.loop_pump_power.sum())
    np.testing.assert_allclose(staged.loop_flow, all_.loop_flow, rtol=0.01)


@pytest.mark.parametrize("load", [0.2, 0.6, 1.0])
def test_held_still_it_stays_on_the_years_answer(load: float) -> None:
    ds = played([], 1800.0, AIR, load=load, changes=FIVE, output_s=60.0)
    assert not ds.attrs["log"]
    pumps = ds.loop_pump_power.sel(loop="chw")
    np.testing.assert_allclose(pumps, pumps[0], rtol=REST)
    np.testing.assert_allclose(pumps[0], at_rest(load)[1], rtol=REST)


def moments(step_s: float | None) -> tuple[list[float], list[str]]:
    lines = ["t=5min load 20 %", "t=60min load 100 %"]
    ds = played(lines, 7200.0, AIR, changes=FIVE, output_s=600.0, step_s=step_s)
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert float(ds.loop_flow.min()) > 0.0
    end = float(ds.loop_pump_power.sel(loop="chw")[-1])
    assert end == pytest.approx(at_rest(1.0)[1], rel=EASED)
    log = [line for line in ds.attrs["log"] if "one of 5" in line]
    return [float(line.split(" s:")[0]) for line in log], [line.split()[3] for line in log]


def test_pumps_stop_and_start_one_by_one_after_their_delay() -> None:
    assert (at_rest(1.0)[0], at_rest(0.2)[0]) == (5.0, 3.0)
    when, what = moments(None)
    assert what == ["stops", "stops", "starts", "starts"]
    assert when[0] > 300.0 + DELAY
    assert when[1] - when[0] == pytest.approx(DELAY, abs=1.0)  # said in whole seconds
    assert when[2] > 3600.0 + DELAY
    assert when[3] - when[2] == pytest.approx(RESTART + DELAY, abs=1.0)


def test_moments_do_not_hang_on_the_steps() -> None:
    (free, _), (fixed, _) = moments(None), moments(1.0)
    np.testing.assert_allclose(free, fixed, atol=MOMENT_S)


def test_a_pump_that_trips_is_replaced_by_one_that_stands() -> None:
    ds = played([f"t=60s trip {PUMP}.1"], 300.0, AIR, load=0.2, changes=FIVE)
    flow, power = ds.loop_flow.sel(loop="chw"), ds.loop_pump_power.sel(loop="chw")
    assert float(power[65]) > 1.05 * float(power[0])  # two do the work of three
    assert float(flow[-1]) == pytest.approx(float(flow[0]), rel=0.01)
    assert float(power[-1]) == pytest.approx(float(power[0]), rel=0.01)


def test_pumps_that_are_lost_leave_the_rest_staged() -> None:
    """Two of five are lost at full load; at part load a third one goes all the same."""
    lines = [f"t=0s trip {PUMP}.1", f"t=0s trip {PUMP}.2", "t=60s load 5 %"]
    ds = played(lines, 1800.0, AIR, changes=FIVE, output_s=60.0)
    assert any(f"{PUMP} stops one of 5" in line for line in ds.attrs["log"])


def test_a_condition_is_dated_within_its_step() -> None:
    held = Held()
    held.note(10.0, 10.0, (-1.0, 1.0))
    assert held.since == math.inf
    held.note(30.0, 20.0, (3.0, 1.0))  # crosses zero a quarter of the way
    assert held.since == pytest.approx(15.0)
    held.note(40.0, 10.0, (3.0, 1.0))
    assert held.since == pytest.approx(15.0)
    held.note(50.0, 10.0, (3.0, -1.0))
    assert held.since == math.inf
    held.note(60.0, 10.0, (-1.0, 3.0))
    held.note(70.0, 10.0, (1.0, -1.0))
    held.note(80.0, 10.0, (1.0, 1.0))  # the last of them counts
    assert held.since == pytest.approx(75.0)
    assert Held().since == math.inf
    first = Held()
    first.note(5.0, 5.0, (1.0,))
    assert first.since == 0.0
