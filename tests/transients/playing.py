"""What the tests of transients share: a site played, a site at rest, tolerances."""

import numpy as np
import xarray as xr
from twin_models.streams import Ambient
from twin_sites.loader import change_site, load_site, sites

import twin
from twin.compile import compile_site
from twin.state import Block
from twin.transients.drivers import air_of
from twin.transients.standing import answer, stand
from twin.transients.stepping import Stepper

REST = 1e-6  # relative
MOVED_K = 40 * REST  # of temperatures of some 40 °C, and of actuators


CLOSURE = 1e-8


SITES = list(sites())


SMALL = "enterprise-3-rack-gb300"


def stand_on(site: str, activity: float, changes: dict[str, str] | None = None) -> Stepper:
    chosen = change_site(load_site(site), changes or {})
    plan = compile_site(chosen)
    day = twin.design_day(twin.load_weather(chosen.site.weather), "0.4%", shape="constant")
    air = air_of(day, chosen, day.start, 1.0).at(0.0)
    block = Block(
        Ambient(*(np.array([part]) for part in air)),
        {node.name: np.full(1, activity) for node in plan.racks},
    )
    rows = {
        node.name: (
            np.full(1, activity),
            np.array([float(node.racks.count)]),
            np.zeros(node.racks.count, int),
        )
        for node in plan.racks
    }
    return stand(plan, block, answer(plan, block), rows, 4)


def played(events: list[str], until: float = 300.0, site: str = SMALL, **more: object) -> xr.Dataset:
    return twin.transient(site, events=events, until=until, **more)  # type: ignore[arg-type]


def assert_still(ds: xr.Dataset) -> None:
    """Nothing has moved since the first moment, what comes in goes out, and energy closes."""
    for name in (
        "loop_supply_temperature",
        "loop_return_temperature",
        "rack_chip_temperature",
        "link_actuator",
    ):
        moved = np.abs(ds[name] - ds[name].isel(time=0))
        assert float(moved.max(skipna=True)) <= MOVED_K, name
    np.testing.assert_allclose(ds.site_power, ds.site_power[0], rtol=REST)
    np.testing.assert_allclose(ds.site_heat_rejected, ds.site_power, rtol=REST)
    assert ds.attrs["energy_closure"] <= CLOSURE
