"""Held still at any weather, reference sites and others: a transient stays on the year's answer, and energy closes whatever fails."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from twin_models.psychrometrics.psychrometrics import humidity_ratio_from_wet_bulb
from twin_sites.loader import change_site, load_site
from twin_sites.schema import Site

import twin
from tests.transients.playing import CLOSURE, REST, SITES, assert_still
from twin.transients.ride_through import _constant
from twin.weather import Weather

STAGED = 310.0  # s: past the first moment at which cells could be staged
LOAD = 0.8
AIRS = [(-12.0, -13.0, 1.0), (18.0, 15.0, 0.5), (28.0, 24.0, 0.5)]  # °C dry, wet; load


def _still(form: dict[str, Any]) -> None:
    form["racks"]["compute"]["system"] = "nvidia-hgx-h200-still-bath"
    form["cooling"]["bath"]["tank"] |= {"use": "tank-35kw-still", "count": 150}


def _sold(form: dict[str, Any]) -> None:
    fws = form["cooling"]["fws"]
    cooler = fws.pop("dry_cooler")
    fws["customer"] = {
        "use": "district-heat-pump-1mw",
        "fed_by": {"transformer": 1},
        "heat_to": {"heat": "outdoors"},
    }
    fws["dry_cooler"] = cooler


Edit = Callable[[dict[str, Any]], None]
OTHERS: dict[str, tuple[str, Edit | None, dict[str, str]]] = {
    "another city and water": ("enterprise-3-rack-gb300", None, {"site.weather": "phoenix", "cooling.fws.supply": "44 degC"}),
    "other liquids": (
        "enterprise-3-rack-gb300", None,
        {"cooling.tcs.fluid": "water", "cooling.tcs.concentration": "0 %", "cooling.fws.fluid": "ethylene_glycol", "cooling.fws.concentration": "50 %"},
    ),
    "a tank at the load": ("gb300-10mw", None, {"cooling.fws.buffer": "50 m3", "cooling.fws.buffer_at": "load"}),
    "an absolute set point": ("gb300-10mw", None, {"cooling.tcs.supply": "40 degC", "site.weather": "chicago"}),
    "pumps staged by flow": ("gb300-10mw", None, {"cooling.fws.pump.staging": "flow"}),
    "a still bath": ("immersion-5mw", _still, {}),
    "heat that is sold": ("two-phase-1mw", _sold, {}),
    "room and liquid, fewer racks": ("mixed-hall", None, {"site.weather": "golden", "hall.supply": "25 degC", "racks.legacy.count": "12"}),
    "air alone, cold water": ("hgx-h200-1mw-air", None, {"site.weather": "san-francisco", "cooling.chw.supply": "12 degC"}),
    "a set point on the wet bulb": ("frontier", None, {"site.weather": "las-vegas", "cooling.fws.supply": "wet_bulb + 5 K"}),
}  # fmt: skip


def air(site: Site, dry: float, wet: float) -> Weather:
    """A day of one dry and wet bulb."""
    day = twin.design_day(twin.load_weather(site.site.weather), "0.4%", shape="constant")
    dry_bulb, wet_bulb = np.full(24, dry), np.full(24, wet)
    ratio = np.asarray(humidity_ratio_from_wet_bulb(dry_bulb, wet_bulb, day.pressure))
    return dataclasses.replace(day, dry_bulb=dry_bulb, wet_bulb=wet_bulb, humidity_ratio=ratio)


def other(name: str) -> Site:
    base, edit, changes = OTHERS[name]
    form = copy.deepcopy(dict(load_site(base).written)) | {"name": "other"}
    if edit is not None:
        edit(form)
    return change_site(load_site(form), changes)


def rests(site: Site, dry: float, wet: float, load: float) -> None:
    weather = air(site, dry, wet)
    ds = twin.transient(site, weather=weather, load=load, until=STAGED, output_s=5.0)
    assert ds.attrs["log"] == []
    assert_still(ds)
    assert not np.ptp(ds.link_running.values, axis=1).any()
    year = twin.simulate(site, weather=weather, load=_constant(load), hours=1.0)
    np.testing.assert_allclose(ds.site_power[0], year.site_power[0], rtol=REST)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(("dry", "wet", "load"), AIRS)
def test_reference_sites_rest_at_any_weather(site: str, dry: float, wet: float, load: float) -> None:
    rests(load_site(site), dry, wet, load)


@pytest.mark.parametrize("name", OTHERS)
def test_other_sites_rest_too(name: str) -> None:
    rests(other(name), 28.0, 24.0, LOAD)


@pytest.mark.parametrize("name", OTHERS)
def test_energy_closes_on_other_sites_whatever_fails(name: str) -> None:
    site = other(name)
    loop = next(name for name, part in site.cooling.items() if part.pump is not None)
    lines = [f"t=5s trip cooling.{loop}.pump", "t=20s trip power.utility", "t=40s start power.utility"]
    ds = twin.transient(site, weather=air(site, 28.0, 24.0), events=lines, until=70.0, output_s=5.0)
    assert ds.attrs["energy_closure"] <= CLOSURE
    assert float(ds.loop_flow.min()) >= 0.0
    assert np.isfinite(ds.loop_supply_temperature).all()
