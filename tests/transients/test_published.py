"""Numbers that transients must give: closed forms played through the whole engine, and behaviour that tests and halls showed.

The same device and the same loop without the engine around them are in `test_transients`.
"""

import copy

import numpy as np
import pytest
from twin_sites.loader import change_site, load_site

import twin
from tests.transients.playing import SMALL, played
from twin.compile import compile_site
from twin.transients.masses import chip_mass

STAGNATION_S = 0.3  # of 42 K at 1,200 W on 450 J/K, 15.75 s: what a shut valve still lets through takes 1 %
FIRST_ORDER_K = 1e-3
SINK_LOST = 0.02
RACK_FLOW_S = (35.0, 90.0)  # throttling and shutdown without rack flow: an event of less than a minute
WATER_S = (40.0, 90.0)  # both without facility water, at least: it takes longer, and minutes to shut down
HOT = {"racks.compute.accelerator.throttle": "150 degC", "racks.compute.accelerator.stop": "150 degC"}
LIQUID = ["enterprise-3-rack-gb300", "gb300-10mw", "frontier"]


def test_a_device_whose_rack_is_shut_off_heats_at_power_over_capacity() -> None:
    """1,200 W on 450 J/K: 2.7 K/s, 45 to 87 °C in 15.75 s."""
    changes = HOT | {
        "racks.compute.accelerator.tdp": "1200 W", "racks.compute.accelerator.feedback": "false",
        "cooling.fws.supply": "20 degC", "racks.compute.trips_above": "90 degC",
    }  # fmt: skip
    lines = ["t=1s load 100 %", "t=1s block racks.compute 0 %"]
    ds = played(lines, 30.0, load=0.0, output_s=0.1, changes=changes)
    chip = ds.rack_chip_temperature.sel(rack="compute").values
    assert chip[0] < 45.0
    took = np.interp(87.0, chip, ds.elapsed) - np.interp(45.0, chip, ds.elapsed)
    assert took == pytest.approx(42.0 * 450.0 / 1200.0, abs=STAGNATION_S)
    assert np.gradient(chip, 0.1)[60] == pytest.approx(2.67, abs=0.05)


def test_a_package_follows_a_step_of_load_as_a_first_order_lag() -> None:
    """T = T_end + (T_start − T_end) exp(−G t / C), as long as the coolant that enters has not moved."""
    changes = {"racks.compute.accelerator.feedback": "false", "racks.compute.liquid.control": "fixed_flow"}
    ds = played(["t=0s load 40 %"], 15.0, load=1.0, output_s=0.5, changes=changes)
    node = next(
        one for one in compile_site(change_site(load_site(SMALL), changes)).racks if one.name == "compute"
    )
    chip, entering = (ds[name].values[0] for name in ("rack_chip_temperature", "loop_supply_temperature"))
    entering = float(ds.loop_supply_temperature.sel(loop="tcs")[0])
    one = node.racks.accelerator
    assert one is not None
    power = [
        node.racks.accelerators * (one.idle + (one.tdp - one.idle) * activity**one.activity_exponent)
        for activity in (1.0, 0.4)
    ]
    conductance = power[0] / (chip[0] - entering)
    end = entering + power[1] / conductance
    lag = end + (chip[0] - end) * np.exp(-ds.elapsed.values * conductance / chip_mass(node))
    np.testing.assert_allclose(chip, lag, atol=FIRST_ORDER_K)


def test_a_loop_without_a_sink_warms_at_its_heat_over_its_capacity() -> None:
    """125 L of PG25: 0.26 K/s at 130 kW that reach it, once packages and loop warm alike."""
    changes = HOT | {
        "racks.compute.count": "1", "racks.compute.liquid.volume": "25 L", "cooling.tcs.volume": "100 L",
        "cooling.fws.pump.coast_down": "0.1 s", "cooling.fws.supply": "25 degC", "racks.compute.trips_above": "90 degC",
    }  # fmt: skip
    ds = played(["t=0s trip cooling.fws.pump"], 131.0, changes=changes)
    supply = ds.loop_supply_temperature.sel(loop="tcs").values
    heat = float(ds.rack_heat_liquid.sel(rack="compute")[70:130].mean())
    assert (supply[130] - supply[70]) / 60.0 == pytest.approx(0.26 * heat / 130e3, rel=SINK_LOST)


@pytest.mark.parametrize("site", LIQUID)
def test_rack_flow_is_lost_in_seconds_and_facility_water_in_minutes(site: str) -> None:
    flow, water = (
        twin.summarize_transient(played([f"t=0s trip cooling.{where}"], until, site, output_s=5.0))
        for where, until in (("tcs.cdu", 100.0), ("fws.pump", 160.0))
    )
    times = [
        flow.time_to_throttle_s,
        flow.time_to_shutdown_s,
        water.time_to_throttle_s,
        water.time_to_shutdown_s,
    ]
    assert None not in times
    throttled, stopped, later, last = (float(one or 0.0) for one in times)
    assert throttled < RACK_FLOW_S[0]
    assert stopped < RACK_FLOW_S[1]
    assert later > max(WATER_S[0], 1.3 * throttled)
    assert last > max(WATER_S[1], 1.3 * stopped)


@pytest.mark.parametrize(
    ("kw_per_rack", "low", "high"), [(5.0, 120.0, 300.0), (38.0, 0.0, 90.0)], ids=["5 kW", "38 kW"]
)
def test_air_of_a_hall_that_lost_its_cooling(kw_per_rack: float, low: float, high: float) -> None:
    """To 40 °C at the inlets: 2 to 5 minutes with 5 kW in a rack, 60 to 90 s at most with more than 20 kW (as recalled)."""
    form = copy.deepcopy(dict(load_site("hgx-h200-1mw-air").written)) | {"name": "hall"}
    load = 1.0
    if kw_per_rack < 20.0:
        form["racks"] = {
            "compute": {
                "system": "legacy-air-8kw",
                "count": 120,
                "fed_by": {"pdu": 1},
                "heat_to": {"air": "hall"},
            }
        }
        load = 0.45
    ds = twin.transient(form, events=["t=0s trip hall.air_handler"], until=300.0, load=load)
    power = float(ds.rack_power[0, 0] / ds.rack_count[0]) / 1e3
    assert power == pytest.approx(kw_per_rack, rel=0.05)
    inlet = ds.rack_inlet_temperature.values[0]
    assert (
        low <= float(np.interp(40.0, inlet[: int(inlet.argmax())], ds.elapsed[: int(inlet.argmax())])) <= high
    )
