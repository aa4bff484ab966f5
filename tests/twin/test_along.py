"""A few racks that stand in for alike ones along headers against every rack worked; where they do not hold."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import twin
from twin import annual
from twin.along import along
from twin.compile import compile_site

POWER, FLOW, KELVIN = 1e-6, 2e-3, 0.02
CLOSURE = 1e-6
SITE = twin.load_site("gb300-10mw").written
RACKS = 72
CASES: dict[str, dict[str, Any]] = {
    "direct": {},
    "reverse": {"layout": "reverse"},
    "ring": {"layout": "ring", "diameter": "200 mm"},
    "closed": {"valves": {"compute.5": "0 %"}, "filters": {"compute.40": 3}},
    "pressure": {"control": "pressure"},
}


def site(case: dict[str, Any]) -> dict[str, Any]:
    tcs = {**SITE["cooling"]["tcs"], "manifold": {"use": "hall-header-dn300", **case}}
    return {**SITE, "name": "headers", "cooling": {**SITE["cooling"], "tcs": tcs}}


def every(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annual, "along", lambda split, name: None)


def rows(case: dict[str, Any]) -> int | None:
    split = compile_site(twin.load_site(site(case))).volume("tcs").branching
    assert split is not None
    few = along(split, "compute")
    if few is None:
        return None
    assert few.weight.sum() == pytest.approx(RACKS)
    own = split.branch[split.rows["compute"]]
    assert few.weight @ few.branch == pytest.approx(own.sum(axis=0), rel=1e-9)  # no coolant is lost
    return int(few.weight.size)


@pytest.mark.parametrize("name", CASES)
def test_few_are_as_every(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows(CASES[name]) == (6 if name == "closed" else 4)
    run: dict[str, Any] = {"hours": 96, "per_rack": True}
    few = twin.simulate(site(CASES[name]), **run)
    assert twin.summarize(few).energy_closure <= CLOSURE
    every(monkeypatch)
    whole = twin.simulate(site(CASES[name]), **run)
    for variable in ("site_power", "rack_power", "rack_heat_liquid", "loop_pump_power"):
        np.testing.assert_allclose(few[variable], whole[variable], rtol=POWER, err_msg=variable)
    liquid = [f"compute.{i + 1}" for i in range(RACKS)]
    for variable in ("member_flow", "member_flow_mean", "member_flow_least"):
        one, other = (ds[variable].sel(member=liquid).values for ds in (few, whole))
        np.testing.assert_allclose(one, other, rtol=0.0, atol=FLOW * other.mean(), err_msg=variable)
    for variable in ("rack_chip_temperature", "member_chip_hottest", "member_chip_temperature"):
        np.testing.assert_allclose(few[variable], whole[variable], rtol=0.0, atol=KELVIN, err_msg=variable)
    for variable in ("member_power_mean", "member_power_peak", "member_power"):
        np.testing.assert_allclose(few[variable], whole[variable], rtol=1e-5, err_msg=variable)
    np.testing.assert_array_equal(few.member_hours_throttled, whole.member_hours_throttled)


def test_behind_limiters_every_rack_is_worked() -> None:
    assert rows({"limit": "125 L/min"}) is None


def test_where_chips_throttle_every_rack_is_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrow headers and warm coolant: some racks throttle and others do not, which no cubic follows."""
    case = {"diameter": "200 mm"}
    changes = {"cooling.tcs.supply": "58 degC"}

    def run() -> xr.Dataset:
        return twin.simulate(site(case), changes=changes, hours=24, load="training")

    assert rows(case) == 4
    few = run()
    every(monkeypatch)
    whole = run()
    assert float(whole.member_hours_throttled.max()) > 0.0
    for name in ("site_power", "member_power_mean", "member_hours_throttled"):
        np.testing.assert_array_equal(few[name], whole[name])
