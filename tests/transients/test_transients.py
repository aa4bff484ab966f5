"""Transients: at rest they are the year's answer, energy closes at every step, and the published numbers come out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp
from twin_models.fluids import boiling
from twin_models.streams import Ambient, Array
from twin_sites.errors import InputError
from twin_sites.loader import change_site, load_site, sites

import twin
from twin.compile import compile_site
from twin.loads.read import load_trace
from twin.state import Block
from twin.transients.chips import FLOW_TIME, Rows
from twin.transients.drivers import air_of
from twin.transients.events import read_events, scenarios
from twin.transients.flows import FAN_TIME, PUMP_TIME
from twin.transients.masses import chip_mass
from twin.transients.parts import ACTUATOR_TIME, SENSOR_TIME, LinkState, control
from twin.transients.plant import Plant
from twin.transients.standing import answer, stand
from twin.transients.stepping import Stepper

REST = 1e-6  # relative, and K
AIR_REST = 1e-5  # relative, flows of air and their fans: a transient starts where air has settled, too
CLOSURE = 1e-8
FRONTIER = (
    Path(__file__).resolve().parents[3] / "shared/data/facility/frontier_cdu_power_2024-04-07_15s.csv.gz"
)
SITES = list(sites())
SMALL = "enterprise-3-rack-gb300"
SHUTS_DOWN_AT = 80.0  # °C of a loop at which its pumps stop


def stand_on(site: str, activity: float, changes: dict[str, str] | None = None) -> Stepper:
    chosen = change_site(load_site(site), changes or {})
    plan = compile_site(chosen)
    day = twin.design_day(twin.load_weather(chosen.site.weather), "0.4%", shape="constant")
    parts = (day.dry_bulb, day.wet_bulb, day.humidity_ratio, day.pressure)
    block = Block(
        Ambient(*(np.array([part[0]]) for part in parts)),
        {node.name: np.full(1, activity) for node in plan.racks},
    )
    rows = {
        node.name: (
            np.full(1, activity),
            np.array([float(node.racks.count)]),
            np.zeros(node.racks.count, int),
        )
        for node in plan.racks
    }
    return stand(plan, block, answer(plan, block), rows, 4)


def played(events: list[str], until: float = 300.0, site: str = SMALL, **more: object) -> xr.Dataset:
    return twin.transient(site, events=events, until=until, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("activity", [1.0, 0.6])
def test_held_still_it_stays_on_the_years_answer(site: str, activity: float) -> None:
    ds = played([], 600.0, site, load=activity)
    for name in (
        "loop_supply_temperature",
        "loop_return_temperature",
        "rack_chip_temperature",
        "link_actuator",
    ):
        moved = np.abs(ds[name] - ds[name].isel(time=0))
        assert float(moved.max(skipna=True)) <= REST * 40.0, name
    np.testing.assert_allclose(ds.site_power, ds.site_power[0], rtol=REST)
    np.testing.assert_allclose(ds.site_heat_rejected, ds.site_power, rtol=REST)
    assert ds.attrs["energy_closure"] <= CLOSURE


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


@pytest.mark.parametrize(
    "event",
    ["trip cooling.tcs.cdu", "trip cooling.fws.pump", "trip power.utility", "trip hall.air_handler",
     "block racks.compute.2 5 %", "stick cooling.fws.dry_cooler 10 %", "degrade cooling.tcs.cdu 40 %",
     "set cooling.fws.supply 36 degC", "load 20 %", "weather dry_bulb 45 degC", "trip racks.compute.1"],
)  # fmt: skip
def test_energy_with_storage_closes_at_every_step(event: str) -> None:
    ds = played([f"t=20s {event}"])
    assert ds.attrs["energy_closure"] <= CLOSURE
    for name in ("rack_chip_temperature", "loop_supply_temperature", "loop_flow"):
        assert np.isfinite(ds[name].values[:1]).all()
    assert float(ds.loop_flow.min()) >= 0.0


def test_a_leak_takes_coolant_and_then_the_pumps() -> None:
    ds = played(["t=20s leak cooling.tcs 1 L/s"])
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert any("low pressure" in line for line in ds.attrs["log"])
    assert float(ds.loop_flow.sel(loop="tcs")[-1]) < 0.05 * float(ds.loop_flow.sel(loop="tcs")[0])


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


def test_a_loop_without_a_sink_is_shut_down_before_it_boils() -> None:
    """Racks power off a minute after their coolant is too warm, then the pumps that would go on heating it stop."""
    trip = SHUTS_DOWN_AT
    for where, site in (("cooling.fws.pump", SMALL), ("cooling.fws.pump", "immersion-5mw")):
        ds = played([f"t=60s trip {where}"], 3600.0, site, output_s=10.0)
        one = twin.summarize_transient(ds)
        assert one.racks["compute"].shutdown_cause == "coolant"
        assert any("racks.compute shuts down, coolant above" in line for line in one.log)
        for name in one.loops:
            assert one.loops[name].highest_c < trip + 1.0
        assert float(ds.rack_power.sel(rack="compute")[-1]) == 0.0
        assert one.energy_closure <= CLOSURE


def test_protection_follows_its_set_points() -> None:
    changes = {"racks.compute.trips_above": "55 degC", "cooling.tcs.cdu.trips_above": "60 degC"}
    ds = played(["t=0s trip cooling.fws.pump"], 400.0, changes=changes)
    one = twin.summarize_transient(ds)
    early, late = (
        one.time_to_shutdown_s,
        twin.summarize_transient(played(["t=0s trip cooling.fws.pump"], 400.0)).time_to_shutdown_s,
    )
    assert early is not None
    assert late is not None
    assert early < late
    supply = ds.loop_supply_temperature.sel(loop="tcs")
    stopped = next(float(line.split(" s:")[0]) for line in one.log if "cooling.tcs.cdu stops" in line)
    assert float(supply.sel(time=supply.time[int(stopped)])) == pytest.approx(60.0, abs=1.0)


def test_a_chiller_trips_on_high_pressure() -> None:
    ds = played(["t=10s weather dry_bulb 56 degC"], 120.0)
    assert any("cooling.chw.chiller stops, high pressure" in line for line in ds.attrs["log"])
    assert float(ds.link_running.sel(link="chw.chiller")[-1]) == 0.0


def test_an_event_after_the_end_is_refused_and_a_design_condition_has_no_end() -> None:
    with pytest.raises(InputError, match="not before the end of the run"):
        played(["t=60min trip cooling.fws.pump"], 900.0)
    site = load_site(SMALL)
    day = twin.design_day(twin.load_weather(site.site.weather), "0.4%", shape="constant")
    assert len(air_of(day, site, day.start, 48 * 3600.0).values) == 1


def test_a_boiling_bath_without_water_warms_by_its_heat_over_its_liquid() -> None:
    """Novec 649, 5 tanks of 1.4 t and 1.1 kJ/(kg·K), until the pressure switch acts 5 K above the boiling point."""
    ds = played(["t=0s trip cooling.bath.tank"], 40.0, "two-phase-1mw")
    supply = ds.loop_supply_temperature.sel(loop="bath").values
    heat = float(ds.rack_heat_liquid.sel(rack="compute").mean())
    capacity = 5 * 1400.0 * float(boiling.heat_capacity("novec_649", 30.0))
    assert (supply[35] - supply[15]) / 20.0 == pytest.approx(heat / capacity, rel=0.02)
    one = twin.summarize_transient(played(["t=0s trip cooling.bath.tank"], 120.0, "two-phase-1mw"))
    assert one.racks["compute"].shutdown_cause == "pressure"
    assert one.loops["bath"].highest_c < 49.0 + 5.0 + 2.0
    assert one.energy_closure <= CLOSURE


@pytest.mark.parametrize("use", ["district-heat-pump-1mw", "low-temperature-network-1mw"])
def test_a_heat_customer_that_leaves_is_replaced_by_the_coolers(use: str) -> None:
    base = load_site("two-phase-1mw").written
    fws = {key: part for key, part in base["cooling"]["fws"].items() if key != "dry_cooler"}
    fws["customer"] = {"use": use, "fed_by": {"transformer": 1}, "heat_to": {"heat": "outdoors"}}
    fws["dry_cooler"] = base["cooling"]["fws"]["dry_cooler"]
    site = {**base, "name": "reuse", "cooling": {**base["cooling"], "fws": fws}}
    still = twin.transient(site, until=60.0)
    assert float(np.abs(still.link_heat - still.link_heat[:, :1]).max()) <= REST * float(still.site_power[0])
    ds = twin.transient(site, events=["t=10s trip cooling.fws.customer"], until=1800.0, output_s=10.0)
    heat = ds.link_heat.sel(link=["fws.customer", "fws.dry_cooler"]).values
    assert heat[0, 0] > 1e5
    assert heat[0, -1] == 0.0
    assert heat[1, -1] == pytest.approx(heat[:, 0].sum(), rel=0.02)
    assert ds.attrs["energy_closure"] <= CLOSURE


def test_a_coil_in_the_room_loses_its_liquid_with_the_air() -> None:
    ds = played(["t=10s trip hall.air_handler"], 60.0, "retrofit-liquid-to-air")
    inlet, liquid = ds.rack_inlet_temperature.sel(rack="liquid"), ds.loop_supply_temperature.sel(loop="tcs")
    assert float(inlet[-1] - inlet[0]) > 5.0
    assert float(liquid[-1] - liquid[0]) > 1.0
    assert ds.attrs["energy_closure"] <= CLOSURE


def test_a_buffer_at_the_load_serves_it_when_the_pumps_of_the_loop_stop() -> None:
    """Its water lasts for volume over flow before warm water has passed through it; one behind the machines is of no use then."""
    trip, buffer = ["t=10s trip cooling.fws.pump"], {"cooling.fws.buffer": "10 m3"}
    at_load = buffer | {"cooling.fws.buffer_at": "load"}
    still = played([], 300.0, changes=at_load)
    assert (
        float(np.abs(still.rack_chip_temperature - still.rack_chip_temperature[:, :1]).max()) <= REST * 40.0
    )
    found = [
        twin.summarize_transient(played(trip, 3600.0, changes=changes, output_s=10.0))
        for changes in ({}, buffer, at_load)
    ]
    none, behind, served = (one.time_to_throttle_s for one in found)
    assert none is not None
    assert served is not None
    assert behind == pytest.approx(none, abs=1.0)
    passes = 10.0 / (float(still.loop_flow.sel(loop="fws")[0]) / 1030.0)
    assert passes < served < 2.0 * passes  # water that has passed once is too warm soon
    assert found[2].energy_closure <= CLOSURE


def test_a_buffer_at_the_load_of_racks_is_refused() -> None:
    with pytest.raises(InputError, match="in a loop of racks"):
        played([], 10.0, changes={"cooling.tcs.buffer_at": "load"})


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


def test_controller_follows_its_analytic_response() -> None:
    """A step of the set point on a machine of constant gain: matrix exponential of sensor, integral and actuator."""
    stepper = stand_on(SMALL, 0.6)
    link: LinkState = stepper.plant.by_link["fws.dry_cooler"]
    link.stroke, gain, start = 1e-6, -20.0, 41.0  # K over the stroke
    y = np.zeros(len(stepper.plant.labels))
    y[link.sensor], y[link.u] = start, 0.5
    y[link.integral] = 0.5
    places = [link.sensor, link.integral, link.u]
    matrix = np.array(
        [
            [-1.0 / SENSOR_TIME, 0.0, gain / SENSOR_TIME],
            [link.gain / SENSOR_TIME, 0.0, 0.0],
            [link.gain / ACTUATOR_TIME, 1.0 / ACTUATOR_TIME, -1.0 / ACTUATOR_TIME],
        ]
    )
    step, n = 0.002, 20_000
    for _ in range(n):
        d = [0.0] * y.size
        control(link, start + gain * (y[link.u] - 0.5), start - 1.0, y.tolist(), d)
        y[places] += step * np.array(d)[places]
    values, vectors = np.linalg.eig(matrix)
    final = np.array([start - 1.0, 0.5 + 1.0 / 20.0, 0.5 + 1.0 / 20.0])
    begin = np.array([start, 0.5, 0.5])
    there = (
        final + (vectors @ np.diag(np.exp(values * step * n)) @ np.linalg.inv(vectors) @ (begin - final)).real
    )
    np.testing.assert_allclose(y[places], there, atol=2e-3)


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


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("t=60s tripp cooling.fws.pump", "did you mean 'trip'"),
        ("t=60s stop cooling.fws.pump", "did you mean 'trip'"),
        ("t=60 trip cooling.fws.pump", "t=60s"),
        ("t=60s set cooling.fws.supply tcs + 2 K", "follows itself"),
        ("t=60s set cooling.tcs.supply foo + 2 K", "no loop, room or weather"),
        ("t=60s trip cooling.fws.pumpe", "did you mean 'cooling.fws.pump'"),
        ("t=60s trip cooling.tcs.cdu.7.pump", "1 to 2"),
        ("trip cooling.fws.pump", "no moment"),
        ("t=60parsec trip cooling.fws.pump", "parsec"),
        ("t=60s set cooling.fws.supply 300 degC", "60"),
        ("t=60s stick hall.air_handler 300 %", "0 to 1"),
        ("t=60s leak cooling.tcs", "no value"),
        ("t=60s trip cooling.fws.pump 20 %", "nothing"),
    ],
)
def test_bad_events_are_refused_in_words(line: str, says: str) -> None:
    with pytest.raises(InputError, match="event") as error:
        played([line])
    assert says in str(error.value)


def test_batteries_carry_pumps_until_the_generators_take_what_is_theirs() -> None:
    with_them = twin.summarize_transient(played(["t=10s trip power.utility"], 900.0))
    assert with_them.time_to_shutdown_s is None
    assert any("generators take chillers" in line for line in with_them.log)
    assert 0.0 < with_them.battery_kwh < 5.0


def test_utility_that_fails_twice_closes_and_calls_the_generators_again() -> None:
    ds = played(["0 trip power.utility", "t=20s start power.utility", "t=22s trip power.utility"], 120.0)
    assert ds.attrs["energy_closure"] <= CLOSURE
    called = [line for line in ds.attrs["log"] if "generators take the UPS" in line]
    assert called == ["12 s: generators take the UPS", "34 s: generators take the UPS"]


def test_generators_that_do_not_start_leave_the_batteries() -> None:
    lines = ["t=5s trip generators", "t=10s trip power.utility", "t=2min start generators"]
    log = played(lines, 180.0).attrs["log"]
    assert [line for line in log if "generators take the UPS" in line] == ["132 s: generators take the UPS"]


def test_what_a_ups_backs_up_runs_on_it() -> None:
    """Fans of dry coolers that the switchgear feeds stop with the utility; backed up by the UPS they go on and its battery feeds them."""
    lines = ["t=5s trip generators", "t=10s trip power.utility"]
    plain = played(lines, 100.0)
    backed = played(lines, 100.0, changes={"cooling.fws.dry_cooler.backup": "ups"})
    assert float(plain.link_power.sel(link="fws.dry_cooler")[-1]) < 1.0
    assert float(backed.link_power.sel(link="fws.dry_cooler")[-1]) > 100.0
    assert backed.attrs["battery_used_j"] > plain.attrs["battery_used_j"]
    assert backed.attrs["energy_closure"] <= CLOSURE


@pytest.mark.parametrize("verb", ["stick cooling.tcs.cdu.2 10 %", "degrade cooling.tcs.cdu.2 30 %"])
def test_one_unit_that_sticks_or_fouls_leaves_the_others_alone(verb: str) -> None:
    one, all_ = (played([f"t=5s {line}"], 120.0) for line in (verb, verb.replace("cdu.2", "cdu")))
    assert one.attrs["events"] == [f"t=5s {verb}"]
    warmer = [float(ds.loop_supply_temperature.sel(loop="tcs")[-1]) for ds in (one, all_)]
    assert warmer[0] < warmer[1] - 1.0
    assert one.attrs["energy_closure"] <= CLOSURE


def test_load_of_one_rack() -> None:
    ds = played(["t=5s load racks.compute.2 0 %"], 30.0)
    asked = ds.rack_activity.sel(rack="compute")
    assert float(asked[-1]) == pytest.approx(2.0 / 3.0)


def test_a_set_point_may_follow_a_loop() -> None:
    ds = played(["t=5s set cooling.tcs.supply fws + 8 K"], 300.0)
    assert float(ds.loop_set_point.sel(loop="tcs")[-1]) == pytest.approx(
        float(ds.loop_supply_temperature.sel(loop="fws")[-1]) + 8.0, abs=0.5
    )


def test_batteries_alone_last_their_energy() -> None:
    """300 s at rating of what is installed, at the load that hangs on it."""
    changes = {"generators.start": "600 s"}
    ds = played(["t=0s trip power.utility"], 580.0, changes=changes)
    one = twin.summarize_transient(ds)
    assert one.battery_kwh == pytest.approx(
        float(ds.site_battery_power.sum()) * ds.attrs["step_s"] / 3.6e6, rel=0.02
    )
    assert one.energy_closure <= CLOSURE


@pytest.mark.parametrize("name", sorted(scenarios()))
def test_shipped_scenarios_fit_their_sites(name: str) -> None:
    site = max((one for one in sites() if name.startswith(one)), key=len)
    assert read_events(name, compile_site(load_site(site)))


def test_every_site_ships_three_scenarios() -> None:
    for site in SITES:
        assert len(scenarios(site)) >= 3, site


def test_plant_has_no_state_over_racks() -> None:
    assert isinstance(stand_on("gb300-10mw", 1.0).plant, Plant)
    assert len(stand_on("gb300-10mw", 1.0).plant.labels) < 100


# -- against solve_ivp (Radau): the same plant, every machine evaluated anew at every call ------------------------

LENGTH = 40.0
ADAPTIVE_K, FIXED_K = 0.05, 0.1  # the first with interpolation onto full seconds


def rates_of(s: Stepper) -> tuple[Callable[[float, Array], Array], Array]:
    """Rates of everything, flows included, as a function of one vector; and where it starts."""
    plant, rows, flows, n = s.plant, s.rows, s.flows, s.y.size
    liquid = [one for one in rows if one.node.loop is not None]
    lagged = [v for v in plant.volumes if v.air or not v.node.racks]
    for tangent in [link.tangent for link in plant.links] + [feeder.tangent for feeder in plant.feeders]:
        if tangent is not None:
            tangent.exact = True

    def rates(t: float, x: Array) -> Array:
        s.y, rest = x[:n].copy(), list(x[n:])
        for name, group in (("chip", rows), ("out", rows), ("demand", liquid)):
            for one in group:
                setattr(one, name, np.array([rest.pop(0) for _ in range(one.weight.size)]))
                one._stale = True
        for v in lagged:
            flows.lag[v.node.name] = rest.pop(0)
        y = s.y.tolist()
        for _ in range(3):  # air that servers draw and what a room receives follow from the flows
            flows.set(y, t, 0.0)
            for tangent in flows._drive_tangents.values():
                tangent.exact = True
            plant.follow(y, t)
            d, d_chips, d_outs = s.rates(s.y, [one.chip for one in rows], [one.out for one in rows])
        by_group = {
            id(one): (want - one.demand) / FLOW_TIME
            for v in plant.volumes
            if not v.air and v.node.racks
            for one, want in flows._demands(v, y, None)
        }
        slow = [(v.asked - flows.lag[v.node.name]) / (FAN_TIME if v.air else PUMP_TIME) for v in lagged]
        return np.concatenate([d, *d_chips, *d_outs, *(by_group[id(one)] for one in liquid), slow])

    start = np.concatenate(
        [s.y, *(one.chip for one in rows), *(one.out for one in rows), *(one.demand for one in liquid),
         [flows.lag[v.node.name] for v in lagged]]
    )  # fmt: skip
    return rates, start


@pytest.fixture(scope="module")
def radau() -> tuple[Array, Array]:
    """Chip and supply temperatures at full seconds after a load step from 100 to 40 %."""
    stepper = stand_on(SMALL, 1.0)
    rates, start = rates_of(stepper)
    for one in stepper.rows:
        one.ask(np.full(1, 0.4))
    found = solve_ivp(
        rates, (0.0, LENGTH), start, method="Radau", rtol=1e-6, atol=1e-6, t_eval=np.arange(LENGTH + 1.0)
    )
    assert found.success
    heads = [found.y[v.head] for v in stepper.plant.volumes]
    return np.asarray(found.y[stepper.y.size]), np.stack(heads)


@pytest.mark.parametrize(("step", "limit"), [(None, ADAPTIVE_K), (1.0, FIXED_K)])
def test_a_load_step_agrees(radau: tuple[Array, Array], step: float | None, limit: float) -> None:
    ds = twin.transient(SMALL, events=["t=0s load 40 %"], until=LENGTH, step_s=step)
    chips, supplies = radau
    assert np.max(np.abs(ds.rack_chip_temperature.values[0] - chips)) <= limit
    assert np.max(np.abs(ds.loop_supply_temperature.values - supplies)) <= 2.0 * limit


def test_an_electrical_room_warms_with_its_steel() -> None:
    """Without its air handlers: losses over the heat capacity of air, UPS and switchgear, once the air has settled."""
    ds = twin.transient(
        "gb300-10mw", events=["t=5s trip rooms.electrical.air_handler"], until=600.0, output_s=10.0
    )
    back = ds["loop_return_temperature"].sel(loop="electrical").values
    losses = float(ds["feeder_loss"].sel(feeder=["ups", "mechanical"]).sum("feeder").mean())
    rating = 12 * 1.25e6 + 2 * 2.73e6
    capacity = rating / 1e6 * (0.9e6 + 40.0 * 1.2 * 1006.0)
    rise = (back[-1] - back[20]) / (10.0 * (len(back) - 1 - 20))
    assert rise == pytest.approx(losses / capacity, rel=0.15)
