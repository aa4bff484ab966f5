"""Whole runs on real records. They stand beside the repository on machines that have them."""

from pathlib import Path

import numpy as np
import pytest

import twin

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real records (../shared/data) are not on this machine"
)

FRONTIER = DATA / "facility" / "frontier_cdu_power_2024-04-07_15s.csv.gz"


def test_frontier_day_at_15_s() -> None:
    """The heat of the record goes into the water and out at the towers; CDU 14 has two cabinets."""
    load = twin.load_trace(FRONTIER, "cdu_heat")
    ds = twin.simulate("frontier", load=load, step_s=15.0, hours=24.0, start="2023-04-07T00:00")
    summary = twin.summarize(ds)
    assert summary.energy_closure < 1e-7
    assert ds.sizes["time"] == 5760
    recorded = sum(np.asarray(values)[:5760] for values in load.series.values())
    heat = ds.rack_heat_liquid.sum("rack").values
    # exact wherever every CDU lies between idle and its rating; elsewhere idle or rating is taken, as the notes say
    off = np.abs(heat / recorded - 1.0)
    assert np.quantile(off, 0.5) < 1e-4
    assert off[recorded > np.quantile(recorded, 0.2)].max() < 0.04
    assert any("below idle" in line for line in summary.warnings)
    assert float(heat.mean()) == pytest.approx(recorded.mean(), rel=0.02)
    small = ds.rack_heat_liquid.sel(rack="compute-cdu14") / ds.rack_heat_liquid.sum("rack")
    assert float(small.mean()) < 1.0 / 25.0
    rise = ds.loop_heat.sel(loop="fws") / ds.loop_flow.sel(loop="fws") / 4180.0
    given = (ds.loop_return_temperature - ds.loop_supply_temperature).sel(loop="fws")
    np.testing.assert_allclose(given, rise, rtol=2e-3)
    assert summary.pue is not None
    assert 1.02 < summary.pue < 1.08


def test_measured_node_power_is_reproduced() -> None:
    """512 H100 in training, AC node power at 2 s: what the racks draw is what was measured, plus the deviation."""
    path = DATA / "gpu_traces" / "mlperf_smc_h100" / "gpt3_512gpu_run1_ac_node_power_2s.csv.gz"
    load = twin.load_trace(path, "node_ac")
    changes = {"racks.compute.system": "nvidia-hgx-h100-air"}
    ds = twin.simulate(
        "hgx-h200-1mw-air", load=load, changes=changes, step_s=60.0, hours=0.5, start="2023-01-01T00:00"
    )
    per_node = ds.rack_power.sel(rack="compute") / 24.0 / 4.0
    assert float(per_node.mean()) == pytest.approx(6851.0, rel=0.02)


@pytest.mark.parametrize(
    ("file", "hours"),
    [
        ("USA_TX_Dallas-Fort.Worth_TMYx.2007-2021.epw.gz", 8760),
        ("tmy3_csv/723170TYA.CSV.gz", 8760),
        ("openmeteo_json/JP-TK_2024.json.gz", 8784),
        ("openmeteo_json/SG_2023.json.gz", 8760),
    ],
)
def test_other_climates(file: str, hours: int) -> None:
    summary = twin.summarize(twin.simulate("gb300-10mw", weather=DATA / "weather" / file))
    assert summary.hours == hours
    assert summary.energy_closure < 1e-7
    assert summary.pue is not None
    assert 1.04 < summary.pue < 1.12
    assert summary.free_cooling_hours is not None
    assert (summary.free_cooling_hours == 0) == (
        "SG_" in file
    )  # Singapore is never cool enough for the room's water


def test_hourly_carbon_and_price() -> None:
    grid = DATA / "grid"
    ds = twin.simulate(
        "enterprise-3-rack-gb300",
        carbon=grid / "eia_hourly_generation_and_ci_VA_2022.csv.gz",
        price=grid / "entsoe_DE-LU_day_ahead_price_2023.csv.gz",
    )
    assert float(ds.site_energy_price.min()) < 0.0  # hours with negative prices stay negative
    assert float(ds.site_carbon_intensity.mean()) * 3.6e9 == pytest.approx(363.0, rel=0.02)
    summary = twin.summarize(ds)
    assert summary.carbon_kg == pytest.approx(summary.facility_energy_kwh * 0.363, rel=0.03)
