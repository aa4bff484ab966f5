"""A heat customer in a facility: closure, ERF and ERE by hand, less for the coolers."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import twin

CLOSURE = 1e-6
BASE = twin.load_site("two-phase-1mw").written


def run(use: str | None, **changes: object) -> xr.Dataset:
    fws: dict[str, Any] = dict(BASE["cooling"]["fws"])
    if use is not None:
        customer = {"use": use, "fed_by": {"transformer": 1}, "heat_to": {"heat": "outdoors"}}
        fws = {key: value for key, value in fws.items() if key != "dry_cooler"}
        fws |= {"customer": customer, "dry_cooler": BASE["cooling"]["fws"]["dry_cooler"]}
    site = {**BASE, "name": "reuse", "cooling": {**BASE["cooling"], "fws": fws}}
    return twin.simulate(site, changes=changes, hours=24 * 21)


@pytest.mark.parametrize("use", ["district-heat-pump-1mw", "low-temperature-network-1mw"])
def test_customer_takes_heat_before_the_coolers(use: str) -> None:
    ds, plain = run(use), run(None)
    summary = twin.summarize(ds)
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    reused = float(ds.site_heat_reused.sum())
    assert reused > 0.2 * float(ds.site_power.sum())
    assert summary.erf == pytest.approx(reused / float(ds.site_power.sum()), rel=1e-9)
    assert summary.pue is not None
    assert summary.ere == pytest.approx(summary.pue * (1.0 - reused / float(ds.site_power.sum())), rel=1e-9)
    assert sum(summary.energy_kwh.values()) == summary.facility_energy_kwh
    cooler = "fws.dry_cooler"
    assert float(ds.link_heat.sel(link=cooler).sum()) < 0.8 * float(plain.link_heat.sel(link=cooler).sum())
    assert np.all(
        ds.loop_supply_temperature.sel(loop="fws") >= 38.0 - 1e-6
    )  # no colder than the loop's own set point
    pumped = float(ds.link_power.sel(link="fws.customer").max())
    assert (pumped > 0.0) == use.startswith("district")
    if pumped > 0.0:
        assert summary.pue > twin.summarize(plain).pue


def test_without_a_customer_ere_is_pue() -> None:
    summary = twin.summarize(run(None))
    assert summary.erf == 0.0
    assert summary.ere == summary.pue


def test_a_loop_too_cold_for_a_direct_customer_sells_nothing() -> None:
    ds = run("greenhouse-500kw", **{"cooling.fws.supply": "26 degC", "cooling.fws.minimum_flow": 1.0})
    assert float(ds.site_heat_reused.max()) == 0.0
