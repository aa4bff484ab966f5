"""Liquid-cooled racks in a hall without facility water: the heat goes through the room, its air has to be moved, refusals."""

import copy

import numpy as np
import pytest
import xarray as xr
from twin_sites.errors import InputError

import twin

CLOSURE = 1e-6
SAME = 1e-6
SITE = "retrofit-liquid-to-air"
UNIT = "tcs.sidecar"
DAY = {"hours": 72}


def run(**changes: str) -> xr.Dataset:
    return twin.simulate(SITE, changes={k.replace("__", "."): v for k, v in changes.items()}, **DAY)


@pytest.fixture(scope="module")
def base() -> xr.Dataset:
    return run()


def closes(ds: xr.Dataset) -> bool:
    summary = twin.summarize(ds)
    return summary.converged and summary.energy_closure <= CLOSURE


def test_the_hall_gets_the_liquids_heat_and_that_of_fans_and_pumps(base: xr.Dataset) -> None:
    assert closes(base)
    tcs, unit = base.sel(loop="tcs"), base.sel(link=UNIT)
    given = unit.link_heat + unit.link_power - tcs.loop_pump_power  # the loop's heat and the fans'
    assert float(tcs.loop_pump_power.min()) > 0.0
    assert float((unit.link_power - tcs.loop_pump_power).min()) > 0.0
    pdu = base.feeder_loss.sel(feeder="pdu")
    handlers = base.link_power.sel(link="hall.air_handler")
    into_liquid = base.rack_heat_liquid.sel(rack="liquid")
    motors = tcs.loop_pump_power - (
        tcs.loop_heat - into_liquid
    )  # what of the pumps does not end in the liquid
    assert float(motors.min()) > 0.0
    sources = base.rack_heat_air.sum("rack") + given + motors + pdu + handlers
    np.testing.assert_allclose(base.loop_heat.sel(loop="hall"), sources, rtol=SAME)


def test_fans_of_the_units_are_fans_of_room_air(base: xr.Dataset) -> None:
    kwh = twin.summarize(base).energy_kwh
    per_hour = 1e-3 * base.attrs["step_s"] / 3600.0
    pumps = float(base.loop_pump_power.sel(loop="tcs").sum()) * per_hour
    kinds = np.isin(base.link_kind, ("air_handler", "liquid_to_air"))
    both = float(base.link_power.values[kinds].sum()) * per_hour
    assert kwh["pumps_tcs"] == pytest.approx(pumps)
    assert kwh["fans_air"] == pytest.approx(both - pumps)


def test_handlers_move_the_air_of_the_units(base: xr.Dataset) -> None:
    """Colder liquid asks for faster fans, and what they draw the air handlers have to supply."""
    cold = run(cooling__tcs__supply="hall + 8 K")
    assert closes(cold)
    assert float((cold.link_actuator - base.link_actuator).sel(link=UNIT).min()) > 0.0
    assert float((cold.loop_flow - base.loop_flow).sel(loop="hall").min()) > 0.0


def test_too_few_units_show_as_warm_liquid(base: xr.Dataset) -> None:
    one = run(cooling__tcs__sidecar__count="2", cooling__tcs__sidecar__out_of_service="1")
    assert closes(one)
    tcs = one.sel(loop="tcs")
    assert float((tcs.loop_supply_temperature - tcs.loop_set_point).max()) > 1.0
    hotter = one.rack_chip_temperature - base.rack_chip_temperature
    assert float(hotter.sel(rack="liquid").max()) > 1.0


def test_it_stands_beside_a_unit_on_water() -> None:
    """A unit on water and one on air share a loop: both take heat."""
    written = copy.deepcopy(dict(twin.load_site(SITE).written))
    ends = {"fed_by": {"ups": 1}, "heat_to": {"heat": "chw", "motor": "hall"}}
    written["cooling"]["tcs"]["cdu"] = {"use": "vertiv-cdu121", "count": 1, **ends}
    ds = twin.simulate(written, **DAY)
    assert closes(ds)
    assert float(ds.link_heat.sel(link=["tcs.cdu", UNIT]).min()) > 0.0


@pytest.mark.parametrize(
    ("address", "value", "words"),
    [
        ("cooling.tcs.sidecar.heat_to.heat", "chw", "rejects to room air"),
        ("cooling.tcs.sidecar.heat_to.heat", "outdoors", "rejects to room air"),
        ("cooling.tcs.sidecar.heat_to.fan", "outdoors", "its fans blow there"),
        ("cooling.tcs.sidecar.heat_exchanger.rated_heat", "700 kW", "rated point that cannot be"),
    ],
)
def test_refusals(address: str, value: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        twin.simulate(SITE, changes={address: value}, **DAY)
