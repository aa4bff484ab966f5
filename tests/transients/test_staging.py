"""Controllers in time: chillers and cells staged by load, first-order lags against their closed form."""

import numpy as np
import pytest

import twin
from tests.transients.playing import CLOSURE, played, stand_on
from twin.transients.flows import PUMP_TIME

AIR = "hgx-h200-1mw-air"
FOUR = {"cooling.chw.chiller.capacity": "500 kW", "cooling.chw.chiller.count": "4"}
LAG_REST = 1e-9
RUN_DOWN = 0.06  # flows are held over a step at their value in its middle


def running(load: float) -> float:
    """Chillers that the year runs at a load."""
    return float(played([], 10.0, AIR, load=load, changes=FOUR).link_running.sel(link="chw.chiller")[0])


def test_chillers_follow_the_load_into_the_number_that_the_year_runs() -> None:
    lines = ["t=1min load 100 %", "t=60min load 30 %"]
    ds = played(lines, 7200.0, AIR, load=0.3, changes=FOUR, output_s=60.0)
    units = ds.link_running.sel(link="chw.chiller").values
    assert (units[0], units[59], units[-1]) == (running(0.3), running(1.0), running(0.3))
    assert units[59] > units[0]
    log = [line for line in ds.attrs["log"] if "one of 4" in line]
    start, stop = (float(line.split(" s:")[0]) for line in log)
    assert start >= 60.0 + 900.0  # the load must ask for as long
    assert int(np.argmax(units > units[0])) * 60.0 == pytest.approx(
        start + 180.0, abs=60.0
    )  # and it has to start
    assert stop >= 3600.0 + 900.0
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert abs(float(ds.loop_supply_temperature.sel(loop="chw")[-1]) - 18.0) < 0.1


def test_a_quick_start_and_a_short_delay_hold_the_water_cooler() -> None:
    quick = FOUR | {"cooling.chw.chiller.restart": "45 s", "cooling.chw.chiller.stage_delay": "60 s"}
    slow, fast = (
        twin.summarize_transient(
            played(["t=1min load 100 %"], 2400.0, AIR, load=0.3, changes=changes, output_s=30.0)
        )
        for changes in (FOUR, quick)
    )
    assert fast.loops["chw"].highest_c < slow.loops["chw"].highest_c - 0.5


def test_a_stopped_chiller_stands_for_its_least_time() -> None:
    changes = FOUR | {"cooling.chw.chiller.stage_delay": "30 s", "cooling.chw.chiller.minimum_off": "1200 s"}
    lines = ["t=1min load 30 %", "t=10min load 100 %"]
    ds = played(lines, 2400.0, AIR, changes=changes, output_s=30.0)
    log = [line for line in ds.attrs["log"] if "one of 4" in line]
    stop, start = (
        next(float(line.split(" s:")[0]) for line in log if word in line) for word in ("stops", "starts")
    )
    assert start - stop >= 1200.0


def test_flow_follows_a_step_as_a_first_order_lag() -> None:
    """What valves ask for falls to nothing: flow = asked + (flow0 - asked) exp(-t/T), whatever the steps."""
    stepper = stand_on("enterprise-3-rack-gb300", 1.0)
    flows, v = stepper.flows, stepper.plant.by_name["fws"]
    start, y = flows.lag["fws"], stepper.y.tolist()
    for link in stepper.plant.links:
        if link.node.sink == "fws":
            y[link.u] = 0.6
    elapsed = 0.0
    for step in (0.3, 1.0, 0.05, 2.0, 4.0):
        flows.set(y, elapsed, step)
        flows.settle(y, step)
        elapsed += step
        assert flows.lag["fws"] == pytest.approx(
            v.asked + (start - v.asked) * np.exp(-elapsed / PUMP_TIME), rel=LAG_REST
        )
    assert v.asked < 0.95 * start


def test_a_closed_circuit_runs_down_with_its_pumps() -> None:
    """Nothing to lift: flow goes with speed, 1/(1 + t/τ); water that towers lift stops where the curve meets the static head."""
    ds = twin.transient("gb300-10mw", events=["t=0s trip cooling.fws.pump"], until=30.0)
    flow = ds.loop_flow.sel(loop="fws").values
    before = float(twin.transient("gb300-10mw", until=2.0).loop_flow.sel(loop="fws")[0])
    time = np.arange(31.0)[5:]
    np.testing.assert_allclose(flow[5:] / before, 1.0 / (1.0 + time / 4.0), rtol=RUN_DOWN)
    lifted = twin.transient("gb300-10mw", events=["t=0s trip cooling.condenser.pump"], until=10.0)
    assert float(lifted.loop_flow.sel(loop="condenser")[5]) < 1e-3 * float(
        lifted.loop_flow.sel(loop="condenser")[0]
    )
