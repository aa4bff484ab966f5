"""What racks are asked to do for a load: who follows what, power turned back into activity, steps and repetition."""

import dataclasses

import numpy as np
import pytest

import twin
from twin.loads.load import START, Load


def measured(series: dict[str, float], boundary: str, quantity: str = "power", n: int = 48) -> Load:
    hours = {name: watt * (1.0 + 0.1 * np.sin(np.arange(n))) for name, watt in series.items()}
    return Load(
        name="measured", source="file measured.csv", start=START, step_s=3600.0, utc_offset_h=None, quantity=quantity,
        boundary=boundary, series=hours, devices=dict.fromkeys(hours, 1), key=repr(series),
    )  # type: ignore[arg-type]  # fmt: skip


def test_racks_that_no_series_names_follow_activity_not_watts() -> None:
    """Power of compute racks says how busy the hall is, not what a network rack draws."""
    load = measured({"compute [W]": 110e3}, "rack_ac")
    ds = twin.simulate("enterprise-3-rack-gb300", load=load, hours=48.0)
    activity = ds.rack_activity
    np.testing.assert_allclose(activity.sel(rack="network"), activity.sel(rack="compute"), rtol=1e-12)
    assert float(ds.member_power_mean.sel(member="compute.2")) == pytest.approx(110e3, rel=0.02)
    assert any("network: no series is named for it" in note for note in ds.attrs["notes"])


def test_a_trace_that_measures_no_rack_of_the_site_is_refused() -> None:
    load = measured({"hall": 50e3}, "cdu_heat")
    with pytest.raises(twin.InputError, match="rack_ac or site_it"):
        twin.simulate("hgx-h200-1mw-air", load=load, hours=24.0)


def test_finer_steps_repeat_readings_and_a_day_repeats() -> None:
    """A run at a finer step takes each reading as often as it holds; one that is longer repeats whole days."""
    rng = np.random.default_rng(5)
    values = rng.uniform(0.2, 0.9, 24)
    load = dataclasses.replace(
        measured({"compute": 1.0}, "rack_ac", "activity", 24), boundary=None, series={"compute": values}
    )
    fine = twin.simulate("enterprise-3-rack-gb300", load=load, step_s=900.0, hours=48.0)
    np.testing.assert_allclose(
        fine.rack_activity.sel(rack="compute"), np.tile(np.repeat(values, 4), 2), rtol=1e-12
    )
    coarse = twin.simulate("enterprise-3-rack-gb300", load=load, step_s=7200.0, hours=48.0)
    np.testing.assert_allclose(
        coarse.rack_activity.sel(rack="compute"), np.tile(values.reshape(-1, 2).mean(axis=1), 2), rtol=1e-12
    )
