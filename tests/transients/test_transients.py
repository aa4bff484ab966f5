"""Transients: at rest they are the year's answer, energy closes at every step, and the published numbers come out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from twin_sites.errors import InputError
from twin_sites.loader import load_site

import twin
from tests.transients.playing import CLOSURE, REST, SITES, SMALL, assert_still, played, stand_on
from twin.loads.read import load_trace
from twin.transients.chips import Rows
from twin.transients.masses import chip_mass
from twin.transients.parts import ACTUATOR_TIME, SENSOR_TIME, LinkState
from twin.transients.plant import Plant
from twin.transients.rates import pi_rates

AIR_REST = 1e-5  # relative, flows of air and their fans: a transient starts where air has settled, too


FRONTIER = (
    Path(__file__).resolve().parents[3] / "shared/data/facility/frontier_cdu_power_2024-04-07_15s.csv.gz"
)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("activity", [1.0, 0.6])
def test_held_still_it_stays_on_the_years_answer(site: str, activity: float) -> None:
    ds = played([], 600.0, site, load=activity)
    assert_still(ds)


def sorted_volumes(site: str, ds: xr.Dataset) -> list[Any]:
    """Name, address and part of every loop and room, as a result has them."""
    found = {name: (name, address, part) for name, address, part in load_site(site).volumes()}
    return [found[str(name)] for name in ds.loop.values]


@pytest.mark.parametrize("site", SITES)
def test_its_first_moment_is_the_years(site: str) -> None:
    from twin.transients.ride_through import _constant

    day = twin.design_day(twin.load_weather(load_site(site).site.weather), "0.4%", shape="constant")
    year = twin.simulate(site, weather=day, load=_constant(1.0), hours=1.0).isel(time=0)
    first = played([], 10.0, site).isel(time=0)
    for name in set(first.data_vars) & set(year.data_vars):
        if name in ("loop_heat", "rack_return_temperature") or "time" in year[name].dims:
            continue
        a, b = first[name].values, year[name].values
        if name == "loop_set_point":  # the year tells doors of racks what they achieved
            closed = [not getattr(part, "opens_to", "") for _, _, part in sorted_volumes(site, first)]
            a, b = a[closed], b[closed]
        rest = AIR_REST if name in ("loop_flow", "link_power") else REST
        np.testing.assert_allclose(a, b, rtol=rest, atol=1e-9, err_msg=str(name))


def test_after_a_change_it_ends_in_the_years_answer() -> None:
    ended = played(["t=10s load 70 %"], 4 * 3600.0, output_s=600.0).isel(time=-1)
    there = played([], 10.0, load=0.7).isel(time=0)
    np.testing.assert_allclose(ended.rack_chip_temperature, there.rack_chip_temperature, atol=1e-3)
    np.testing.assert_allclose(ended.loop_supply_temperature, there.loop_supply_temperature, atol=1e-3)
    np.testing.assert_allclose(ended.site_power, there.site_power, rtol=1e-5)


def test_device_without_cooling_heats_at_power_over_capacity() -> None:
    """1,200 W on 450 J/K: 2.7 K/s, 45 to 87 °C in about 16 s."""
    stepper = stand_on(SMALL, 1.0)
    node = stepper.rows[0].node
    chip = replace(node.racks.accelerator, tdp=1200.0, feedback=False)  # type: ignore[type-var]
    rows = Rows(replace(node, racks=replace(node.racks, accelerator=chip)), np.ones(1), 4e6)
    assert chip_mass(node) / node.racks.accelerators == 450.0
    rows.ask(np.ones(1))
    rows.chip, rows.out = np.array([45.0]), np.array([40.0])
    rows.give(np.zeros(1), 4e6, 24.0)
    time = 0.0
    while rows.chip[0] < 87.0:
        rate = rows.rates(rows.chip, rows.out, 40.0, 40.0)[0]
        if time == 0.0:
            assert rate[0] == pytest.approx(2.7, abs=0.05)
        rows.chip = rows.chip + 0.01 * rate
        time += 0.01
    assert time == pytest.approx(16.0, abs=0.5)


def test_loss_of_facility_water_warms_the_technology_loop_by_its_heat_over_its_capacity() -> None:
    """About 130 kW on 25 L in the rack and 100 L in the loop of PG25: 0.26 K/s (0.24 with the packages)."""
    changes = {
        "racks.compute.count": "1", "racks.compute.liquid.volume": "25 L", "cooling.tcs.volume": "100 L",
        "racks.compute.accelerator.throttle": "150 degC", "racks.compute.accelerator.stop": "150 degC",
    }  # fmt: skip
    ds = played(["t=0s trip cooling.fws.pump"], 120.0, changes=changes)
    supply = ds.loop_supply_temperature.sel(loop="tcs").values
    heat = float(ds.rack_heat_liquid.sel(rack="compute")[0])
    rate = (supply[70] - supply[40]) / 30.0
    assert heat / 130e3 * 0.26 == pytest.approx(rate, rel=0.15)


def test_loss_of_rack_flow_takes_seconds_and_of_facility_water_minutes() -> None:
    rack = twin.summarize_transient(played(["t=0s trip cooling.tcs.cdu"], 900.0))
    facility = twin.summarize_transient(played(["t=0s trip cooling.fws.pump"], 900.0))
    assert rack.time_to_shutdown_s is not None
    assert facility.time_to_shutdown_s is not None
    assert 10.0 < rack.time_to_shutdown_s < 60.0
    assert facility.time_to_shutdown_s > 120.0
    assert rack.limiting_element == facility.limiting_element == "racks.compute"


def test_pipes_delay_by_volume_over_flow() -> None:
    """First moment of the response to a pulse of heat at the head: V/Q of what it passes, exactly."""
    plant = stand_on(SMALL, 1.0).plant
    v = plant.by_name["fws"]
    rate = v.flow * v.cp
    places = [v.head, *v.supply]
    y = [0.0] * len(plant.labels)

    def slope(i: int) -> list[float]:
        ahead = list(y)
        ahead[i] = 1.0
        d = [0.0] * len(y)
        before = ahead[v.head]
        for j in v.supply:
            d[j] += rate * (before - ahead[j])
            before = ahead[j]
        d[v.head] -= rate * ahead[v.head]
        return [d[j] / plant.capacity[j] for j in places]

    a = np.array([slope(i) for i in places]).T
    b = np.eye(len(places))[:, 0]
    c = np.eye(len(places))[-1]
    inverse = np.linalg.inv(a)
    delay = (c @ inverse @ inverse @ b) / (-c @ inverse @ b)
    assert delay == pytest.approx(plant.capacity[places].sum() / rate, rel=1e-12)


@pytest.mark.parametrize("derivative", [0.0, 6.0])  # s: PI and PID
def test_controller_follows_its_analytic_response(derivative: float) -> None:
    """A step of the set point on a machine of constant gain: matrix exponential of sensor, integral and actuator."""
    stepper = stand_on(SMALL, 0.6)
    link: LinkState = stepper.plant.by_link["fws.dry_cooler"]
    gain, start, fastest = -20.0, 41.0, 1e6  # K over the stroke, °C, 1/s
    y = np.array([start, 0.5, 0.5])
    matrix = np.array(
        [
            [-1.0 / SENSOR_TIME, 0.0, gain / SENSOR_TIME],
            [link.gain / SENSOR_TIME, 0.0, 0.0],
            [link.gain / ACTUATOR_TIME, 1.0 / ACTUATOR_TIME, -1.0 / ACTUATOR_TIME],
        ]
    )
    matrix[2] += link.gain * derivative / ACTUATOR_TIME * matrix[0]
    step, n = 0.002, 20_000
    for _ in range(n):
        left = start + gain * (y[2] - 0.5)
        y += step * np.array(
            pi_rates(left, start - 1.0, *y, link.gain, link.reset, 1.0, fastest, derivative or None)
        )
    values, vectors = np.linalg.eig(matrix)
    final = np.array([start - 1.0, 0.5 + 1.0 / 20.0, 0.5 + 1.0 / 20.0])
    begin = np.array([start, 0.5, 0.5])
    there = (
        final + (vectors @ np.diag(np.exp(values * step * n)) @ np.linalg.inv(vectors) @ (begin - final)).real
    )
    np.testing.assert_allclose(y, there, atol=2e-3)


def test_a_derivative_is_declared_and_leaves_rest_alone() -> None:
    changes = {"cooling.fws.dry_cooler.derivative_time": "10 s"}
    rest = played([], 60.0, changes=changes)
    np.testing.assert_allclose(
        rest.link_actuator.sel(link="fws.dry_cooler"),
        float(rest.link_actuator.sel(link="fws.dry_cooler")[0]),
        atol=REST,
    )
    plain, led = (
        played(["t=10s load 30 %"], 240.0, changes=one).link_actuator.sel(link="fws.dry_cooler").values
        for one in ({}, changes)
    )
    falls = int(np.argmax(plain < plain[0] - 0.05))
    assert led[falls] < plain[falls] - 1e-3  # it sees the water cool before it is cold
    with pytest.raises(InputError, match="0 to 600 s"):
        played([], 60.0, changes={"cooling.fws.dry_cooler.derivative_time": "-1 s"})


def test_a_trace_drives_it_and_its_first_moment_is_at_rest() -> None:
    ds = played([], 900.0, load="training", start="2023-07-01T14:00")
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert np.isfinite(ds.rack_chip_temperature.sel(rack="compute")).all()


@pytest.mark.skipif(not FRONTIER.exists(), reason="shared data is not here")
def test_frontier_rises_by_8_mw_in_a_minute() -> None:
    """The steepest minute of its published day: no negative flow, nothing boils, no step fails."""
    load = load_trace(FRONTIER, "cdu_heat")
    total = np.asarray(sum(load.series.values()))
    steepest = int(np.argmax(np.abs(total[4:] - total[:-4])))
    assert abs(total[steepest + 4] - total[steepest]) == pytest.approx(8.38e6, rel=0.01)
    start = np.datetime64("2023-04-07T00:00") + np.timedelta64(15 * steepest - 120, "s")
    ds = played([], 420.0, "frontier", load=load, start=str(start))
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert float(ds.loop_flow.min()) > 0.0
    assert float(ds.loop_return_temperature.max()) < 60.0
    assert float(ds.rack_power.sum("rack").max() - ds.rack_power.sum("rack").min()) > 7e6


def test_a_run_can_be_repeated_to_the_last_bit() -> None:
    one, two = (played(["t=20s trip cooling.tcs.cdu.1"]) for _ in range(2))
    xr.testing.assert_identical(one, two)


def test_plant_has_no_state_over_racks() -> None:
    assert isinstance(stand_on("gb300-10mw", 1.0).plant, Plant)
    assert len(stand_on("gb300-10mw", 1.0).plant.labels) < 100
