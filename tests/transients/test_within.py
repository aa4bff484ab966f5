"""Loads that change each second: the plant needs no step a second, and the packages are where small steps have them."""

import numpy as np
from twin_models.streams import Ambient
from twin_sites.loader import load_site

import twin
from twin.compile import compile_site
from twin.loads.load import Load
from twin.transients.drivers import CHUNK_STEPS, Demand

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


def test_a_load_over_many_moments_is_that_of_each() -> None:
    """Also across the pieces in which a load is read, backwards, between its steps and past its end."""
    n, site = 3 * CHUNK_STEPS, load_site(SMALL)
    levels = np.random.default_rng(4).uniform(0.2, 1.0, (3, n))
    series = {f"compute.{i + 1}": levels[i] for i in range(3)}
    load = Load(
        name="long", source="generated for the test", start=np.datetime64("2023-01-01T00:00:00", "s"), step_s=1.0,
        utc_offset_h=None, quantity="activity", boundary=None, series=series, devices=dict.fromkeys(series, 1), key="long",
    )  # fmt: skip
    weather = twin.load_weather(site.site.weather)
    plan, air = compile_site(site), Ambient(20.0, 15.0, 0.01, 101325.0)
    demand = Demand(plan, load, weather, load.start, float(n - 1), air)
    for first in (0, CHUNK_STEPS - 5, CHUNK_STEPS - 300, 2 * CHUNK_STEPS, n - 20):
        whole = first + np.arange(10.0)
        for moments in (
            whole,
            whole[:1],
            np.array([first, first + 0.5, first + 1.0]),
            first + np.arange(50.0),
        ):
            got = demand.over(moments)["compute"]
            own = np.minimum(moments.astype(int), n - 1)
            np.testing.assert_array_equal(got[:, demand.row_of["compute"]], levels[:, own].T)
