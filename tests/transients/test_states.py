"""What stores heat, and what shuts itself down: boiling pools, customers, coils, buffers, rooms, set points of protection."""

import numpy as np
import pytest
from twin_models.fluids import boiling
from twin_models.fluids.fluids import density, fluid, heat_capacity
from twin_sites.errors import InputError
from twin_sites.loader import load_site

import twin
from tests.transients.playing import CLOSURE, REST, SMALL, played, stand_on
from twin.transients.masses import AirMass

BATH = 0.08  # of its heat capacity: packages and what is on its way are in it too
HALL = 0.1  # of its heat capacity
SHUTS_DOWN_AT = 80.0  # °C of a loop at which its pumps stop


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


def test_a_leak_of_boiling_liquid_acts_on_its_level_switch() -> None:
    """A tenth of 5 tanks of 1.4 t, at 5 L/s."""
    ds = played(["t=0s leak cooling.bath 5 L/s"], 150.0, "two-phase-1mw")
    one = twin.summarize_transient(ds)
    assert one.racks["compute"].shutdown_cause == "level"
    lost = 0.1 * 5 * 1400.0 / float(boiling.density("novec_649", 30.0))
    assert one.time_to_shutdown_s == pytest.approx(lost / 5e-3, rel=0.1, abs=5.0)


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


def test_a_bath_without_pumps_goes_on_cooling_its_boards() -> None:
    """Buoyancy carries their heat into all of the oil: 60 tanks of 1.1 m³ warm by heat over heat capacity, minutes and not seconds."""
    one = twin.transient("immersion-5mw", events=["t=0s trip cooling.bath.tank"], until=900.0)
    heat = one.rack_heat_liquid.sel(rack="compute").values
    oil = fluid("gtl_oil")
    capacity = 60 * 1.1 * float(density(oil, 45.0)) * float(heat_capacity(oil, 45.0))
    supply = one.loop_supply_temperature.sel(loop="bath").values
    rise = heat[240:480].mean() * 240.0 / (supply[480] - supply[240])
    assert rise == pytest.approx(capacity, rel=BATH)
    found = twin.summarize_transient(one).racks["compute"]
    assert found.shutdown_cause == "coolant"
    assert found.time_to_shutdown_s is not None
    assert found.time_to_shutdown_s > 300.0
    assert one.attrs["energy_closure"] <= CLOSURE


def test_racks_that_do_not_boil_any_more_need_no_short_steps() -> None:
    """Their flow of vapour is next to nothing, and any change of it a large share of that."""
    ds = played(["t=10s trip cooling.bath.tank"], 600.0, "two-phase-1mw", output_s=10.0)
    assert any("racks.compute shuts down" in line for line in ds.attrs["log"])
    assert ds.attrs["steps"] < 200


def test_work_of_servers_without_accelerators_is_lost_when_air_stops_them() -> None:
    ds = played(["t=0s trip cooling.chw.pump"], 120.0, "hgx-h200-1mw-air")
    one = twin.summarize_transient(ds)
    assert one.racks["network"].shutdown_cause == "inlet air"
    assert one.racks["network"].lost_activity_s == pytest.approx(
        one.racks["compute"].lost_activity_s, abs=1.0
    )


def test_a_hall_of_racks_without_fans_warms_with_all_of_its_air_and_steel() -> None:
    """Frontier's cabinets draw no air: what they give to the hall turns over by itself and warms its steel."""
    ds = twin.transient("frontier", events=["t=0s trip hall.air_handler"], until=200.0, output_s=10.0)
    back = ds.loop_return_temperature.sel(loop="hall").values
    handlers = "hall.air_handler"
    heat = float((ds.link_heat - ds.link_power).sel(link=handlers)[0])  # fans heat it no longer
    stepper = stand_on("frontier", 1.0)
    mass = stepper.plant.by_name["hall"].mass
    assert isinstance(mass, AirMass)
    capacity = mass.head + mass.exhaust + mass.back + mass.steel
    assert (back[20] - back[10]) / 100.0 == pytest.approx(heat / capacity, rel=HALL)
    assert ds.attrs["energy_closure"] <= CLOSURE


def test_servers_draw_the_air_of_the_whole_hall_when_its_handlers_stop() -> None:
    """The cold aisle is drawn empty over the racks: it does not stay cold while the servers breathe their exhaust alone."""
    ds = twin.transient("hgx-h200-1mw-air", events=["t=0s trip hall.air_handler"], until=60.0)
    aisle = ds.loop_supply_temperature.sel(loop="hall").values
    inlet = ds.rack_inlet_temperature.sel(rack="compute").values
    assert aisle[50] > 35.0
    assert aisle[50] < inlet[50] < aisle[50] + 3.0


def test_coolant_that_is_too_warm_stops_racks_after_the_same_time_whatever_the_steps() -> None:
    """Since when it has been too warm is found within the step, and a step ends where racks have had enough."""
    stops = [
        played(["t=0s trip cooling.fws.pump"], 300.0, step_s=step).rack_stop_s.values for step in (None, 0.5)
    ]
    assert np.isfinite(stops[0][0])
    np.testing.assert_allclose(stops[0], stops[1], atol=0.1)
