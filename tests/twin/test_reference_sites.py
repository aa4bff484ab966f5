"""Every reference site holds what it promises: energy closes, nothing is too hot, PUE is in the band stated in its file."""

import numpy as np
import pytest
import xarray as xr
from twin_models.rack.ashrae import AIR_CLASSES
from twin_sites.loader import sites

import twin

CLOSURE = 1e-6
RESIDUAL = 1e-7
SITES = sites()


@pytest.fixture(scope="module", params=SITES)
def year(request: pytest.FixtureRequest) -> xr.Dataset:
    return twin.simulate(request.param)


def test_there_are_the_four() -> None:
    assert {"gb300-10mw", "hgx-h200-1mw-air", "enterprise-3-rack-gb300", "frontier"} <= set(SITES)


def test_energy_closes_in_every_step(year: xr.Dataset) -> None:
    summary = twin.summarize(year)
    assert summary.energy_closure <= CLOSURE
    assert summary.residual <= RESIDUAL
    assert summary.converged
    step = np.abs(year.site_power - year.site_heat_rejected) / year.site_power
    assert float(step.max()) <= CLOSURE


def test_pue_is_in_the_band_of_the_file(year: xr.Dataset) -> None:
    expect = twin.load_site(year.attrs["site"]).expect
    assert expect is not None
    pue = twin.summarize(year).pue
    assert pue is not None
    assert expect.pue_low <= pue <= expect.pue_high, expect.reason


def test_energy_parts_are_the_whole_to_the_last_digit(year: xr.Dataset) -> None:
    summary = twin.summarize(year)
    assert summary.pue is not None
    assert summary.pue * summary.it_energy_kwh == summary.facility_energy_kwh
    assert sum(summary.energy_kwh.values()) == summary.facility_energy_kwh
    assert all(kwh >= 0.0 for kwh in summary.energy_kwh.values())
    feeders = float(year.feeder_loss.sum()) * year.attrs["step_s"] / 3.6e6
    assert summary.energy_kwh["losses_electrical"] == pytest.approx(feeders, rel=1e-6)


def test_power_and_heat_of_racks_are_equal(year: xr.Dataset) -> None:
    np.testing.assert_allclose(year.rack_power, year.rack_heat_liquid + year.rack_heat_air, rtol=1e-12)


@pytest.mark.parametrize("basis", ["dry_bulb", "wet_bulb"])
@pytest.mark.parametrize("site", SITES)
def test_design_day_at_full_load_is_held(site: str, basis: str) -> None:
    facility = twin.load_site(site)
    day = twin.design_day(twin.load_weather(facility.site.weather), "0.4%", basis=basis)
    ds = twin.simulate(facility, weather=day, load="training", changes={"load.scale": "110 %"})
    summary = twin.summarize(ds)
    assert summary.throttled_share == 0.0
    assert summary.max_chip_temperature_degc is not None
    assert summary.chip_headroom_k is not None
    assert summary.chip_headroom_k > 5.0
    assert summary.max_supply_excess_k <= 3.0
    for name, racks in facility.racks.items():
        limits = AIR_CLASSES[racks.air_class]
        inlet = ds.rack_inlet_temperature.sel(rack=name)
        assert limits.allowable_low <= float(inlet.min())
        assert float(inlet.max()) <= limits.recommended_high
    assert float(ds.feeder_utilisation.max()) <= 1.0


def test_gb300_holds_20_degc_at_full_load_on_the_phoenix_design_day() -> None:
    day = twin.design_day(twin.load_weather("phoenix"), "0.4%", basis="wet_bulb")
    ds = twin.simulate(
        "gb300-10mw",
        weather=day,
        load="training",
        changes={"cooling.fws.supply": "20 degC", "load.scale": "115 %"},
    )
    assert float(ds.rack_activity.max()) == 1.0
    assert twin.summarize(ds).unmet_cooling_hours == 0.0
    chiller = ds.sel(link="fws.chiller")
    assert float(chiller.link_power.max()) > 1e5
    year = twin.simulate("gb300-10mw").sel(link="fws.chiller")
    assert float((year.link_power > 1.0).mean()) < 0.02  # seldom at its own supply


def test_winter_is_not_frozen_and_nothing_is_outside_belief(year: xr.Dataset) -> None:
    from twin.variables import VARIABLES

    for name, row in VARIABLES.items():
        values = year[name].values
        known = values[np.isfinite(values)]
        assert known.size == 0 or (known.min() >= row.low and known.max() <= row.high), name
        assert year[name].attrs["units"] == row.unit
