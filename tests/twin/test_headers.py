"""The tabulated split of headers against the ladder solved at every step; its sums, its ends, its temperature."""

from typing import Any

import numpy as np
import pytest
from twin_models.fluids.fluids import density, fluid, heat_capacity
from twin_models.manifold.manifold import Branches, Flows, flows
from twin_models.streams import Array
from twin_sites.schema import Headers

import twin
from twin.compile import compile_site
from twin.headers import Branching, branch_flows, head_of, most_flow

FLOW, HEAD = 3e-4, 3e-3  # of the table against the ladder, branch flows over their mean
LAMINAR = 0.15  # of rated flow; below it headers turn laminar between two points of the table
FLOW_LAMINAR, HEAD_LAMINAR = 1.5e-2, 3e-2
FLOW_LIMITED, HEAD_LIMITED = 1e-2, 1e-2  # between two points, where a limiter begins to hold
ROUNDING = 1e-12
PG25 = fluid("propylene_glycol", 0.25)
SITE = twin.load_site("mixed-hall").written
RACKS = 8
CASES: dict[str, dict[str, Any]] = {
    "direct": {"diameter": "80 mm"},
    "reverse": {"diameter": "80 mm", "layout": "reverse"},
    "closed": {"valves": {"dlc.3": "0 %"}},
    "clogged": {"filters": {"dlc.8": 4}},
    "limited": {"diameter": "55 mm", "limit": "100 L/min"},
}


def site(case: dict[str, Any]) -> dict[str, Any]:
    tcs = {**SITE["cooling"]["tcs"], "manifold": {"use": "row-header-dn100", **case}}
    return {**SITE, "name": "headers", "cooling": {**SITE["cooling"], "tcs": tcs}}


def split_of(case: dict[str, Any]) -> tuple[Branching, Headers, Any]:
    plan = compile_site(twin.load_site(site(case)))
    volume = plan.volume("tcs")
    assert volume.branching is not None
    headers = volume.part.manifold  # type: ignore[union-attr]
    assert headers is not None
    return volume.branching, headers, next(node.racks for node in plan.racks if node.name == "dlc")


def ladder(headers: Headers, racks: Any, total: Array, t: Array, rise: float) -> Flows:
    side = racks.liquid
    opening = [headers.valves.get(f"dlc.{i + 1}", 1.0) for i in range(RACKS)]
    clogging = [headers.filters.get(f"dlc.{i + 1}", 1.0) for i in range(RACKS)]
    branches = Branches(
        side.dp_flow, side.dp, side.dp_exponent, np.array(opening), np.array(clogging), side.dp_temperature
    )
    return flows(branches, headers, PG25, t, t + rise, total=total)


@pytest.mark.parametrize("name", CASES)
def test_table_is_the_ladder(name: str) -> None:
    split, headers, racks = split_of(CASES[name])
    rng = np.random.default_rng(3)
    total, t = split.flow * rng.uniform(0.05, 1.6, 200), rng.uniform(8.0, 55.0, 200)
    if headers.limit is not None:
        total = total * 0.5  # the limiters hold from 0.7 of rated flow on
    rise = racks.liquid.rated_heat / (
        racks.liquid.rated_flow * density(PG25, split.nominal) * heat_capacity(PG25, split.nominal)
    )
    wanted = ladder(headers, racks, total, t, float(rise))
    found = branch_flows(split, total, t)
    assert found.sum(axis=0) == pytest.approx(total, rel=ROUNDING)
    assert np.all(found[wanted.branch == 0.0] == 0.0)
    wrong = (np.abs(found - wanted.branch) / (total / RACKS)).max(axis=0)
    head = np.abs(head_of(split, total, t) / wanted.head - 1.0)
    slow = total < LAMINAR * split.flow
    limited = headers.limit is not None
    assert wrong[~slow].max() < (FLOW_LIMITED if limited else FLOW)
    assert head[~slow].max() < (HEAD_LIMITED if limited else HEAD)
    assert wrong[slow].max() < FLOW_LAMINAR
    assert head[slow].max() < HEAD_LAMINAR
    assert np.median(wrong) < FLOW


def test_beyond_the_table_shares_stay() -> None:
    split, _, _ = split_of(CASES["direct"])
    t = np.full(3, 30.0)
    total = np.array([1e-9, 2.0, 40.0]) * split.flow
    shares = branch_flows(split, total, t) / total
    assert shares.sum(axis=0) == pytest.approx(1.0, rel=ROUNDING)
    assert shares[:, 2] == pytest.approx(shares[:, 1], rel=ROUNDING)
    cold = branch_flows(split, total, np.full(3, -40.0))
    assert np.all(np.isfinite(cold))
    assert np.all(np.isfinite(head_of(split, total, t)))


def test_cold_coolant_costs_head_and_flow() -> None:
    split, _, _ = split_of(CASES["direct"])
    cold, warm = np.array([5.0]), np.array([45.0])
    total = np.array([split.flow])
    ratio = float(head_of(split, total, cold)[0] / head_of(split, total, warm)[0])
    # rack: rho^0.9·mu^0.1, headers more, valves less
    mu = 10.0 ** (
        np.log10(np.e) * (np.polyval(PG25.log_viscosity, 5.0) - np.polyval(PG25.log_viscosity, 45.0))
    )
    assert 1.0 < ratio < float(mu) ** 0.25
    assert most_flow(split, 5.0) < most_flow(split, 45.0)


def test_return_temperature_of_the_table_hardly_matters() -> None:
    """One rise stands for all loads: a return 10 K cooler or warmer moves flows by far less than what is told."""
    _, headers, racks = split_of(CASES["direct"])
    total, t = np.full(3, 8 * racks.liquid.rated_flow), np.full(3, 35.0)
    at = [ladder(headers, racks, total, t, rise).branch for rise in (5.0, 15.0, 25.0)]
    assert np.abs(at[0] / at[1] - 1.0).max() < 2e-3
    assert np.abs(at[2] / at[1] - 1.0).max() < 2e-3
