"""A few racks stand in for many: against every rack worked in every sweep."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import xarray as xr

import twin
from twin import annual
from twin.loads.load import Load
from twin.loads.read import generated
from twin.stand_in import POINTS, spread, stand_in

SAME = 3e-8  # of the meter; both runs are solved to 1e-8
FEEDBACK = 3e-7  # the same where pumps give all they can: less flow, warmer water, more flow asked for
SAME_K = 1e-2
MEMBER = 1e-5  # single racks are told as when last worked
RACKS = 14
SITE = "gb300-10mw"
HALL = {"racks.compute.count": RACKS}
FLOW_BOUND = {
    "cooling.tcs.cdu.count": 2, "cooling.tcs.cdu.spare": 0, "cooling.tcs.cdu.out_of_service": 1,
    "racks.compute.liquid.return_limit": "46 degC", "racks.compute.liquid.maximum_flow": "500 L/min",
}  # fmt: skip


def own_loads(n: int = 36, *, idle: float = 0.2) -> Load:
    """A series for every rack, some of it idle, none like another."""
    rng = np.random.default_rng(4)
    values = rng.uniform(0.05, 1.0, (RACKS, n)) * (rng.random((RACKS, n)) > idle)
    values[:, 0], values[:, 1] = (
        0.7,
        np.arange(RACKS) % 2,
    )  # a step in which all are alike, one of all or nothing
    series = {f"compute.{i + 1}": row for i, row in enumerate(values)}
    return dataclasses.replace(
        generated("training", n=n), series=series, devices=dict.fromkeys(series, 1), key=f"own {n} {idle}"
    )


def both(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> tuple[xr.Dataset, xr.Dataset]:
    run = {
        "load": own_loads(),
        "hours": 36.0,
        "changes": HALL | changes,
        "start": "2023-07-01T00:00",
        "per_rack": True,
    }
    few = twin.simulate(SITE, **run)  # type: ignore[arg-type]
    monkeypatch.setattr(annual, "FEW", RACKS)
    return few, twin.simulate(SITE, **run)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"racks.compute.accelerator.target": "55 degC", "racks.compute.accelerator.throttle": "60 degC"},
        FLOW_BOUND,
        {"cooling.fws.supply": "44 degC"},
        {"racks.compute.liquid.control": "fixed_flow"},
    ],
    ids=["as it is", "chips throttle", "flow-bound", "warm water", "fixed flow"],
)
def test_few_give_what_all_give(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    few, every = both(monkeypatch, changes)
    meter, same = every.site_power.values, FEEDBACK if changes == FLOW_BOUND else SAME
    for name in (
        "site_power",
        "site_it_power",
        "site_heat_rejected",
        "rack_power",
        "rack_heat_liquid",
        "rack_heat_air",
    ):
        assert np.max(np.abs(few[name].values - every[name].values) / meter) < same, name
    for name in (
        "rack_chip_temperature",
        "member_chip_temperature",
        "member_chip_hottest",
        "loop_return_temperature",
    ):
        np.testing.assert_allclose(few[name], every[name], atol=SAME_K, rtol=0.0, err_msg=name)
    for name in ("rack_throttled", "member_throttled", "member_hours_throttled"):
        np.testing.assert_array_equal(few[name], every[name], err_msg=name)
    np.testing.assert_allclose(few.rack_done, every.rack_done, atol=1e-6)
    np.testing.assert_allclose(few.member_power, every.member_power, rtol=MEMBER)
    np.testing.assert_allclose(few.member_flow, every.member_flow, rtol=MEMBER)
    group = few.member_rack.values == "compute"
    np.testing.assert_allclose(
        few.member_power.values[group].sum(0, dtype=float), few.rack_power.values[0], rtol=MEMBER
    )
    assert few.attrs["out_of_range"] == every.attrs["out_of_range"]
    assert few.attrs["limits"] == every.attrs["limits"]
    summary = twin.summarize(few)
    assert summary.energy_closure < 1e-6
    assert summary.residual <= 1e-8
    if "racks.compute.accelerator.throttle" in changes:
        assert 0.0 < summary.throttled_share < 1.0
    if changes == FLOW_BOUND:
        assert any("flow_bound" in line for line in few.attrs["limits"])


def test_a_cubic_is_summed_and_spread_exactly() -> None:
    rng = np.random.default_rng(2)
    activity, counts = rng.random((30, 20)), rng.integers(1, 5, 30).astype(float)
    activity[:, 0] = 0.4
    few = stand_in(activity, counts)
    assert few.activity.shape == (POINTS.size, 20)
    assert few.activity.min() >= activity.min()
    assert few.activity.max() <= activity.max()

    def cubic(x: Any) -> Any:
        return 3.0 - 2.0 * x + 0.7 * x**2 + 1.9 * x**3

    np.testing.assert_allclose(
        (few.weight * cubic(few.activity)).sum(0), counts @ cubic(activity), rtol=1e-12
    )
    np.testing.assert_allclose(
        spread(cubic(few.activity), activity, few.activity), cubic(activity), rtol=1e-12
    )
