"""Single racks in a result: names, sums, summaries over the run, and which load each follows."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import twin
from twin.loads.load import Load
from twin.loads.read import generated

SITE = "enterprise-3-rack-gb300"
SINGLE = 1e-6  # series of single racks are 4-byte numbers


def each_own(levels: dict[str, float], n: int = 48) -> Load:
    load = generated("training", n=n)
    series = {name: load.mean * level for name, level in levels.items()}
    return dataclasses.replace(load, series=series, devices=dict.fromkeys(series, 1), key=repr(levels))


@pytest.fixture(scope="module")
def run() -> xr.Dataset:
    """The columns stand in another order than the racks are numbered."""
    load = each_own({"compute.3": 0.9, "compute.1": 0.3, "compute.2": 0.6})
    return twin.simulate(SITE, load=load, hours=48.0, per_rack=True)


def test_racks_add_up_to_their_group(run: xr.Dataset) -> None:
    for group in run.rack.values:
        own = run.member_rack.values == group
        assert int(own.sum()) == int(run.rack_count.sel(rack=group))
        np.testing.assert_allclose(
            run.member_power.values[own].sum(axis=0, dtype=float), run.rack_power.sel(rack=group), rtol=SINGLE
        )
        flow = run.member_flow.values[own].mean(axis=0)
        np.testing.assert_allclose(flow, run.rack_flow.sel(rack=group), rtol=SINGLE)
    np.testing.assert_allclose(run.member_power_mean.sum(), run.rack_power.mean("time").sum(), rtol=SINGLE)


def test_extremes_are_those_of_the_series(run: xr.Dataset) -> None:
    np.testing.assert_allclose(run.member_power_peak, run.member_power.max("time"), rtol=SINGLE)
    chips = run.member_chip_temperature.max("time")
    np.testing.assert_allclose(run.member_chip_hottest, chips, rtol=SINGLE)
    compute = run.member_rack.values == "compute"
    assert float(run.member_chip_hottest[compute].max()) == pytest.approx(
        float(run.rack_chip_temperature.max())
    )
    limit = float(run.rack_throttle_temperature.sel(rack="compute"))
    margin = run.member_margin + run.member_chip_temperature
    np.testing.assert_allclose(margin[compute], limit, rtol=SINGLE)


def test_a_numbered_series_drives_its_own_rack(run: xr.Dataset) -> None:
    power = run.member_power_mean.sel(member=["compute.1", "compute.2", "compute.3"]).values
    assert power[0] < power[1] < power[2]


def test_a_rack_split_off_keeps_its_number_and_its_series() -> None:
    load = each_own({"compute.1": 0.9, "compute.2": 0.3, "compute.3": 0.9})
    ds = twin.simulate(SITE, load=load, hours=48.0, changes={"racks.compute.2.load_scale": "50 %"})
    names = [str(name) for name in ds.member.values if str(name).startswith("compute")]
    assert sorted(names) == ["compute.1", "compute.2", "compute.3"]
    groups = dict(zip(ds.member.values, ds.member_rack.values, strict=True))
    assert (groups["compute.1"], groups["compute.2"], groups["compute.3"]) == (
        "compute",
        "compute.2",
        "compute",
    )
    power = ds.member_power_mean
    assert float(power.sel(member="compute.1")) == pytest.approx(
        float(power.sel(member="compute.3")), rel=SINGLE
    )
    assert float(power.sel(member="compute.2")) < 0.7 * float(power.sel(member="compute.1"))


def test_racks_that_are_alike_are_told_too() -> None:
    ds = twin.simulate(SITE, hours=24.0)
    assert "member_power" not in ds
    for group, count, power in zip(ds.rack.values, ds.rack_count.values, ds.rack_power.values, strict=True):
        own = ds.member_power_mean.values[ds.member_rack.values == group]
        np.testing.assert_allclose(own, power.mean() / count, rtol=1e-12)


def test_hours_throttled_are_told_for_the_rack_that_throttles() -> None:
    limit = {"racks.compute.accelerator.target": "55 degC", "racks.compute.accelerator.throttle": "60 degC"}
    load = each_own({"compute.1": 0.3, "compute.2": 1.0, "compute.3": 0.3})
    ds = twin.simulate(SITE, load=load, hours=48.0, changes=limit, per_rack=True)
    hours = dict(zip(ds.member.values, ds.member_hours_throttled.values, strict=True))
    assert hours["compute.2"] == float((ds.rack_throttled.sel(rack="compute") > 0.0).sum()) > 0.0
    assert hours["compute.2"] == float(ds.member_throttled.sel(member="compute.2").sum())
    assert hours["compute.1"] == hours["compute.3"] == 0.0


def test_too_much_to_keep_is_refused_before_the_run() -> None:
    with pytest.raises(twin.InputError, match="shorter run or a longer step"):
        twin.simulate("gb300-10mw", step_s=10.0, per_rack=True)


def test_command_line_writes_single_racks(
    tmp_path: Path, twin_cli: Callable[..., tuple[int, str, str]]
) -> None:
    command = ("run", SITE, "--hours", "24", "--per-rack")
    code, _, err = twin_cli(*command)
    assert code == 2
    assert "--out" in err
    for name in ("run.nc", "run.csv"):
        code, _, err = twin_cli(*command, "--out", tmp_path / name)
        assert code == 0, err
    ds = twin.open_result(tmp_path / "run.nc")
    assert ds.member_power.dims == ("member", "time")
    assert "member_power:compute.2 [W]" in (tmp_path / "run.csv").read_text().splitlines()[0]


def test_blocks_put_together_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    load = each_own({"compute.1": 0.9, "compute.2": 0.3, "compute.3": 0.6}, n=300)
    run = {"load": load, "hours": 300.0, "per_rack": True}
    whole = twin.simulate(SITE, **run)  # type: ignore[arg-type]
    monkeypatch.setattr("twin.annual.BLOCK_STEPS", 256)
    blocks = twin.simulate(SITE, **run)  # type: ignore[arg-type]
    for name in whole.data_vars:
        if name != "site_residual":
            np.testing.assert_allclose(blocks[name], whole[name], rtol=SINGLE, atol=1e-6, err_msg=str(name))
    assert blocks.attrs["out_of_range"] == whole.attrs["out_of_range"]
