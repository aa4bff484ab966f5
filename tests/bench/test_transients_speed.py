"""Transients of racks that each have a load of their own, beside a general solver on the same equations."""

import time

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp
from twin_models.streams import Ambient, Array
from twin_sites.loader import change_site, load_site
from twin_sites.schema import Site

import twin
from tests.transients.test_against_radau import rates_of
from twin.compile import compile_site
from twin.loads.load import START, Load, frozen
from twin.state import Block
from twin.transients.standing import answer, stand

SPAN = 20.0  # s between changes of every rack's load
SPANS = 2
PROMISED, ERROR_K = 30.0, 0.1
LINEAR = 1.3
pytestmark = pytest.mark.bench


def hall(racks: int) -> tuple[Site, Array]:
    """A hall, and the activity of each of its racks in each span."""
    site = change_site(load_site("gb300-10mw"), {"racks.compute.count": racks})
    return site, np.random.default_rng(1).uniform(0.4, 1.0, (SPANS, racks))


def ours(racks: int) -> tuple[float, xr.Dataset]:
    """CPU seconds from the site to the dataset; the best of three."""
    site, levels = hall(racks)
    series = {f"compute.{i + 1}": levels[:, i].copy() for i in range(racks)}
    load = frozen(
        Load(
            name="own", source="drawn", start=START, step_s=SPAN, utc_offset_h=0.0, quantity="activity",
            boundary=None, series=series, devices=dict.fromkeys(series, 1.0),
        )
    )  # fmt: skip
    spent = []
    for _ in range(3):
        begin = time.process_time()
        ds = twin.transient(site, load=load, until=SPAN * SPANS)
        spent.append(time.process_time() - begin)
    return min(spent), ds


def lsoda(racks: int) -> tuple[float, Array]:
    """CPU seconds of the integration alone, and the hottest chip at each second; started anew at each change of load."""
    site, levels = hall(racks)
    plan = compile_site(site)
    day = twin.design_day(twin.load_weather(site.site.weather), "0.4%", shape="constant")
    ambient = Ambient(
        *(np.array([part[0]]) for part in (day.dry_bulb, day.wet_bulb, day.humidity_ratio, day.pressure))
    )
    activity, weight, rows = {}, {}, {}
    for node in plan.racks:
        own = node.name == "compute"
        first = levels[0] if own else np.full(1, levels[0].mean())
        activity[node.name] = first[:, None] if own else first
        if own:
            weight[node.name] = np.ones((racks, 1))
        many = np.ones(racks) if own else np.array([float(node.racks.count)])
        rows[node.name] = (first, many, np.arange(racks) if own else np.zeros(node.racks.count, int))
    block = Block(ambient, activity, weight)
    stepper = stand(plan, block, answer(plan, block), rows, 4)
    rates, x = rates_of(stepper)
    at, found = stepper.y.size, []
    begin = time.process_time()
    for k, level in enumerate(levels):
        for one in stepper.rows:
            one.ask(level if one.node.name == "compute" else np.full(1, level.mean()))
        span = (k * SPAN, (k + 1) * SPAN)
        done = solve_ivp(
            rates, span, x, method="LSODA", rtol=1e-4, atol=1e-3, t_eval=span[0] + np.arange(1.0, SPAN + 1.0)
        )
        assert done.success
        x = done.y[:, -1]
        found.append(done.y[at : at + racks].max(axis=0))
    return time.process_time() - begin, np.concatenate(found)


def test_a_hall_beside_lsoda() -> None:
    """The promise: thirty times less, at an error of a tenth of a kelvin at the chips."""
    spent, ds = ours(72)
    other, chips = lsoda(72)
    error = np.abs(ds.rack_chip_temperature.sel(rack="compute").values[1:] - chips).max()
    assert error <= ERROR_K
    assert other >= PROMISED * spent


def test_cost_is_linear_in_racks() -> None:
    """Three times the racks cost at most three times as much."""
    few, _ = ours(24)
    many, _ = ours(72)
    assert many <= 3.0 * LINEAR * few
