"""Loads that change each second: the plant needs no step a second, and the packages are where small steps have them."""

import numpy as np

import twin
from twin.loads.load import Load

SMALL = "enterprise-3-rack-gb300"
CHIP_K = 0.1  # of packages, against a fixed step of 1 s
SECONDS = 240


def noisy(step_s: float = 1.0) -> Load:
    """Activity of each of three racks, anew each second around 60 %."""
    generator = np.random.default_rng(3)
    series = {f"compute.{i}": 0.6 + 0.1 * generator.standard_normal(SECONDS).clip(-2, 2) for i in (1, 2, 3)}
    return Load(
        name="noise", source="generated for the test", start=np.datetime64("2023-01-01T00:00:00", "s"), step_s=step_s,
        utc_offset_h=None, quantity="activity", boundary=None, series=series, devices=dict.fromkeys(series, 1), key="noise",
    )  # fmt: skip


def test_a_load_of_each_second_needs_no_step_each_second() -> None:
    found = [twin.transient(SMALL, load=noisy(), until=float(SECONDS), step_s=step) for step in (None, 1.0)]
    free, fixed = found
    assert free.attrs["steps"] < 0.3 * SECONDS
    assert free.attrs["energy_closure"] < 1e-8
    chips = [ds.rack_chip_temperature.sel(rack="compute").values for ds in found]
    assert np.abs(chips[0] - chips[1]).max() < CHIP_K
    np.testing.assert_allclose(free.rack_activity, fixed.rack_activity, atol=1e-12)
