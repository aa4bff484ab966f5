"""Events: every verb closes its energy, bad lines are answered, and who has power follows the sequence of the field."""

import numpy as np
import pytest
from twin_sites.errors import InputError
from twin_sites.loader import load_site, sites

import twin
from tests.transients.playing import CLOSURE, SITES, SMALL, played
from twin.compile import compile_site
from twin.transients.drivers import air_of
from twin.transients.events import read_events, targets
from twin.transients.report import failures_report
from twin.transients.ride_through import RideThrough
from twin.transients.scenarios import scenarios


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


def test_an_event_after_the_end_is_refused_and_a_design_condition_has_no_end() -> None:
    with pytest.raises(InputError, match="not before the end of the run"):
        played(["t=60min trip cooling.fws.pump"], 900.0)
    site = load_site(SMALL)
    day = twin.design_day(twin.load_weather(site.site.weather), "0.4%", shape="constant")
    assert len(air_of(day, site, day.start, 48 * 3600.0).values) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("t=60s tripp cooling.fws.pump", "did you mean 'trip'"),
        ("t=60s block racks.network 0 %", "is no liquid racks of this site"),
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


def test_racks_lose_power_when_the_batteries_are_empty_and_not_a_step_before() -> None:
    ds = twin.transient("immersion-5mw", events=["t=60s trip power.utility"], until=600.0)
    empty = next(line for line in ds.attrs["log"] if "batteries are empty" in line)
    moment = float(empty.split()[0])
    assert f"{moment:.0f} s: racks.compute loses power" in ds.attrs["log"]
    found = twin.summarize_transient(ds).racks["compute"]
    assert found.shutdown_cause == "power.ups"
    assert found.time_to_shutdown_s == pytest.approx(moment - 60.0, abs=0.5)  # the log shows whole seconds


def test_what_stops_the_racks_at_once_stands_first_in_the_table_of_failures() -> None:
    found = {
        "cooling.fws.pump": RideThrough(20.0, 40.0, "racks.compute", None),
        "hall.air_handler.1": RideThrough(None, None, None, True),
        "power.busway": RideThrough(None, 0.0, "power", None),
    }
    cases = [line.split()[0] for line in failures_report(found).splitlines()[1:4]]
    assert cases == ["power.busway", "cooling.fws.pump", "hall.air_handler.1"]


EVERYTHING = ["cooling.tcs.cdu", "cooling.fws.pump", "cooling.fws.dry_cooler", "cooling.chw.chiller", "hall.air_handler", "power.utility"]  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        [f"t=5s trip {where}" for where in EVERYTHING],
        [f"t=5s start {where}" for where in EVERYTHING] + ["t=20s trip cooling.fws.pump"],
        ["t=0s trip cooling.fws.pump", "t=0s start cooling.fws.pump", "t=0s weather dry_bulb 45 degC",
         "t=10s load 0 %", "t=10s load 100 %"],
        ["t=0s leak cooling.tcs 5 L/s", "t=0s leak cooling.fws 5 L/s"],
        ["t=5s weather dry_bulb -20 degC", "t=60s weather dry_bulb 55 degC"],
    ],
    ids=["everything", "repair before failure", "at once", "two leaks", "weather"],
)  # fmt: skip
def test_events_no_scenario_has_are_played_to_the_end(lines: list[str]) -> None:
    ds = played(lines, 180.0, output_s=2.0)
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert float(ds.loop_flow.min()) >= 0.0
    for name in ("loop_supply_temperature", "site_power", "link_heat"):
        assert np.isfinite(ds[name].values).all()
    assert float(ds.loop_supply_temperature.max()) < 85.0


def test_loss_of_every_transformer_calls_the_generators_as_loss_of_the_utility_does() -> None:
    one, other = (
        twin.summarize_transient(played([f"t=10s trip power.{what}"], 200.0))
        for what in ("utility", "transformer")
    )
    assert one.log[1:] == other.log[1:]
    assert one.generator_kwh == pytest.approx(other.generator_kwh, rel=0.02)  # the transformer's own loss
    assert one.energy_kwh == pytest.approx(10.0 * 498.0 / 3600.0, rel=0.01)  # of the first ten seconds
    assert one.generator_kwh == pytest.approx(178.0 * 480.0 / 3600.0, rel=0.05)


def test_generators_do_not_reach_through_switchgear_that_is_lost() -> None:
    lines = ["t=5s trip power.mechanical", "t=6s trip power.utility"]
    ds = played(lines, 200.0, "gb300-10mw", output_s=10.0)
    assert float(ds.link_power.sel(link="condenser.tower")[-1]) < 1.0
    assert float(ds.loop_flow.sel(loop="condenser")[-1]) < 1.0
    assert float(played(lines[1:], 200.0, "gb300-10mw").link_power.sel(link="condenser.tower")[-1]) > 1e4


def test_what_wants_power_names_the_feeder_that_failed() -> None:
    """Empty batteries are the UPS', not the utility's; a room that is too hot takes what stands in it."""
    changes = {"generators.start": "600 s", "power.ups.ride_through": "20 s"}
    empty = twin.summarize_transient(played(["t=5s trip power.utility"], 120.0, changes=changes))
    assert empty.limiting_element == empty.racks["compute"].shutdown_cause == "power.ups"
    assert empty.battery_left == 0.0
    above = twin.summarize_transient(played(["t=5s trip power.utility"], 20.0, "frontier"))
    assert above.limiting_element == "power.utility"
    fewer = twin.summarize_transient(
        played(["t=1s trip power.ups.1", "t=5s trip power.utility"], 120.0, changes=changes)
    )
    assert fewer.time_to_shutdown_s is not None
    assert empty.time_to_shutdown_s is not None
    assert fewer.time_to_shutdown_s - 4.0 < empty.time_to_shutdown_s


def test_a_fouled_cooler_blows_as_before_and_does_less() -> None:
    ds = played(["t=5s degrade cooling.fws.dry_cooler 60 %"], 10.0)
    power, heat = (ds[name].sel(link="fws.dry_cooler").values for name in ("link_power", "link_heat"))
    assert power[6] == pytest.approx(power[0], rel=0.02)
    assert heat[6] == pytest.approx(0.6 * heat[0], rel=0.03)


def test_a_drive_that_restarts_goes_to_where_it_was() -> None:
    """A second without power: fans run down, wait for their restart, and rise at their stroke to the opening before."""
    ds = played(["t=5s trip power.utility", "t=6s start power.utility"], 120.0)
    fan = ds.link_actuator.sel(link="fws.dry_cooler").values
    assert fan[20] < 0.05
    assert fan[21 + 45] > 0.9 * fan[0]
    assert float(ds.link_power.sel(link="fws.dry_cooler")[15]) == 0.0


def test_weather_may_change_while_a_machine_stands() -> None:
    lines = [
        "t=0s trip cooling.fws.chiller",
        "t=5s weather wet_bulb -15 degC",
        "t=10s start cooling.fws.chiller",
    ]
    ds = played(lines, 240.0, "retrofit-rdhx", output_s=10.0)
    assert ds.attrs["energy_closure"] <= CLOSURE
    running = ds.link_running.sel(link="fws.chiller").values
    assert running[2] == 0.0
    assert running[-1] > 0.0


def test_a_rack_is_switched_by_events_and_fed_by_its_feeders() -> None:
    """One that is started without power waits for it; one that was tripped stays off when power returns."""
    lines = [
        "t=5s trip power.pdu",
        "t=10s start racks.legacy.23",
        "t=15s trip racks.legacy.2",
        "t=30s start power.pdu",
    ]
    ds = played(lines, 60.0, "retrofit-rdhx")
    power = ds.rack_power.sel(rack="legacy").values
    count = float(ds.rack_count.sel(rack="legacy"))
    assert power[12] == 0.0
    assert power[40] == pytest.approx(power[0] * (count - 1.0) / count, rel=1e-3)
    assert ds.attrs["energy_closure"] <= CLOSURE


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_energy_closes(seed: int) -> None:
    """Six things at random, one after the other or at once."""
    draw = np.random.default_rng(seed)
    site = SITES[int(draw.integers(len(SITES)))]
    known = targets(compile_site(load_site(site)))
    machines, links, loops = (list(known[kind]) for kind in ("machine", "link", "loop"))
    lines = [
        f"t={draw.choice([0, 5, 20, 60])}s {line}"
        for line in (
            f"trip {draw.choice(machines)}", f"start {draw.choice(machines)}", f"trip {draw.choice(machines)}",
            f"stick {draw.choice(links)} {draw.integers(100)} %", f"leak {draw.choice(loops)} 1 L/s",
            f"weather wet_bulb {draw.integers(-15, 30)} degC",
        )
    ]  # fmt: skip
    ds = played(lines, 120.0, site, output_s=5.0, load=float(draw.random()))
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert float(ds.loop_flow.min()) >= 0.0
    assert np.isfinite(ds.loop_supply_temperature).all()


def test_a_group_may_be_named_when_each_of_its_units_is_on_its_own() -> None:
    """Two chillers, both of which stick or foul alone, and then both at once."""
    lines = [
        "t=5s stick cooling.chw.chiller.2 100 %",
        "t=5s degrade cooling.chw.chiller.1 50 %",
        "t=20s trip cooling.chw.chiller",
    ]
    ds = played(lines, 60.0, "hgx-h200-1mw-air")
    assert [line.split(": ")[1] for line in ds.attrs["log"]] == lines
    assert float(ds.link_heat.sel(link=["chw.chiller.1", "chw.chiller.2"])[:, 30:].max()) == 0.0
    assert ds.attrs["energy_closure"] <= CLOSURE
