"""Rear doors in a facility: what a door leaves is what the room gets, doors out of service, swapping, refusals."""

import numpy as np
import pytest
import xarray as xr
from twin_sites.errors import InputError

import twin

CLOSURE = 1e-6
SAME = 1e-6  # of the heat
DAY = {"hours": 72}


def run(**changes: str) -> xr.Dataset:
    return twin.simulate(
        "retrofit-rdhx", changes={k.replace("__", "."): v for k, v in changes.items()}, **DAY
    )


def closes(ds: xr.Dataset) -> bool:
    summary = twin.summarize(ds)
    return summary.converged and summary.energy_closure <= CLOSURE


def test_what_the_door_leaves_goes_to_the_room() -> None:
    ds = run(rooms__doors__rear_door__use="passive-door-30kw")
    assert closes(ds)
    doors, hall = ds.sel(loop="doors"), ds.sel(loop="hall")
    taken = ds.link_heat.sel(link="doors.rear_door")
    left = ds.rack_heat_air.sel(rack="compute") - taken
    np.testing.assert_allclose(doors.loop_heat, ds.rack_heat_air.sel(rack="compute"), rtol=SAME)
    others = (
        ds.rack_heat_air.sel(rack="legacy")
        + ds.link_power.sel(link="hall.air_handler")
        + ds.link_power.sel(link="doors.rear_door")
        + ds.feeder_loss.sel(feeder="ups")
        + ds.feeder_loss.sel(feeder="pdu")
    )
    np.testing.assert_allclose(hall.loop_heat, others + left, rtol=SAME)
    assert float(ds.link_power.sel(link="doors.rear_door").max()) == 0.0  # passive
    # the exhaust is the room's inlet air warmed by the racks, and it comes back no colder than that
    assert np.all(doors.loop_return_temperature > ds.rack_inlet_temperature.sel(rack="compute"))
    assert np.all(doors.loop_supply_temperature >= ds.rack_inlet_temperature.sel(rack="compute") - 1e-9)


def test_servers_draw_more_behind_a_passive_door() -> None:
    """As much as its drop asks for at the flow that they move, before their supplies; and none behind an active one."""
    passive = run(rooms__doors__rear_door__use="passive-door-30kw")
    free = run(rooms__doors__rear_door__use="passive-door-30kw", rooms__doors__rear_door__air_drop="0 Pa")
    group = twin.load_site("retrofit-rdhx").racks["compute"]
    more = (passive.rack_power - free.rack_power).sel(rack="compute") / group.count
    most = 3.2 * 15.0 * (3.2 / 1.55) ** 2 / 0.3  # W at full speed
    assert group.fans.flow == 3.2
    assert np.all(more > 0.3 * most * 0.6**3)
    assert np.all(more < 1.2 * most)
    active = run(rooms__doors__rear_door__air_drop="40 Pa")
    np.testing.assert_allclose(active.rack_power, run().rack_power, rtol=SAME)


def test_door_catches_the_residual_heat_of_liquid_cooled_racks() -> None:
    site = twin.load_site("enterprise-3-rack-gb300").written
    written = {**site, "name": "dlc-doors"}
    written["rooms"] = {
        "doors": {
            "opens_to": "hall",
            "supply": "hall + 0 K",
            "rear_door": {
                "use": "passive-door-15kw",
                "count": 3,
                "fed_by": {"ups": 1},
                "heat_to": {"heat": "chw", "fan": "hall"},
            },
        }
    }
    written["racks"] = {**site["racks"]}
    written["racks"]["compute"] = {**site["racks"]["compute"], "heat_to": {"liquid": "tcs", "air": "doors"}}
    ds = twin.simulate(written, **DAY)
    plain = twin.simulate("enterprise-3-rack-gb300", **DAY)
    assert closes(ds)
    caught = ds.link_heat.sel(link="doors.rear_door")
    assert np.all(caught > 0.5 * ds.rack_heat_air.sel(rack="compute"))
    assert float(ds.loop_heat.sel(loop="hall").mean()) < float(plain.loop_heat.sel(loop="hall").mean())


def test_door_out_of_service_lets_its_exhaust_into_the_room() -> None:
    all_in, one_out = run(), run(rooms__doors__rear_door__out_of_service="1")
    assert closes(one_out)
    per_rack = one_out.rack_heat_air.sel(rack="compute") / 16
    gained = one_out.loop_heat.sel(loop="hall") - all_in.loop_heat.sel(loop="hall")
    assert np.all(gained > 0.6 * per_rack)
    assert np.all(one_out.link_running.sel(link="doors.rear_door") == 15)
    none = run(rooms__doors__rear_door__out_of_service="16", cooling__chw__chiller__capacity="900 kW")
    assert closes(none)


def test_swap_to_plain_air_by_one_change() -> None:
    swapped = run(racks__compute__heat_to__air="hall", cooling__chw__chiller__capacity="900 kW")
    doors = run()
    assert closes(swapped)
    assert float(swapped.loop_heat.sel(loop="hall").mean()) > 2.0 * float(
        doors.loop_heat.sel(loop="hall").mean()
    )
    assert float(swapped.link_heat.sel(link="doors.rear_door").max()) == 0.0


def test_warmer_water_leaves_more_to_the_room() -> None:
    cold, warm = run(), run(cooling__fws__supply="22 degC")
    assert float(warm.loop_heat.sel(loop="hall").mean()) > float(cold.loop_heat.sel(loop="hall").mean())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"racks.compute.count": 17}, "16 rear doors for 17 racks"),
        ({"rooms.doors.opens_to": "doors"}, "no closed room"),
        ({"rooms.doors.opens_to": "hal"}, "hall"),
        ({"rooms.doors.opens_to": ""}, "rear doors in a closed room"),
    ],
)
def test_refusals(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        twin.simulate("retrofit-rdhx", changes=changes, **DAY)
