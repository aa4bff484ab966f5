"""Manifold: pandapipes, hand ladders, closed and clogged branches, limiters, pumps, viscosity, speed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.fluids import fluids
from twin_models.manifold.balance import balanced
from twin_models.manifold.manifold import Branches, Manifold, flows
from twin_models.pipe.pipe import pressure_drop
from twin_models.pump.pump import Pump, head
from twin_sites import catalogue, units

REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "pandapipes_manifold" / "flows.json"
ORACLE = json.loads(REFERENCE.read_text(encoding="utf-8"))
FLOW, PRESSURE = 5e-3, 1e-2  # promised against pandapipes
ROUNDING = 1e-9
STEP = 1e-6  # last change of a flow: what is left is about its square
WATER = fluids.fluid("water")
PG25 = fluids.fluid("propylene_glycol", 0.25)
HEADER = Manifold(diameter=0.1071, spacing=0.8)


def rack(count: int, **more: Any) -> Branches:
    return Branches(np.full(count, 2e-3), np.full(count, 80e3), 1.9, **more)


@pytest.mark.parametrize("name", ORACLE["cases"])
def test_hundred_racks_against_pandapipes(name: str) -> None:
    case, kept = ORACLE["case"], ORACLE["cases"][name]
    params = Manifold(
        diameter=case["diameter"], spacing=case["spacing"], lead=case["lead"], roughness=case["roughness"],
        tee_loss=case["tee_loss"], lead_loss=case["lead_loss"], layout=name.split("_")[0],  # type: ignore[arg-type]
        couplings_kv=1000.0, valve_kv=1000.0,
    )  # fmt: skip
    opening = np.ones(case["racks"])
    if "closed" in name:
        opening[ORACLE["closed"]] = 0.0
    branches = Branches(
        np.full(case["racks"], case["branch_flow"]), np.full(case["racks"], case["branch_drop"]), 2.0, opening
    )
    t = case["temperature"]
    found = flows(branches, params, WATER, t, t, total=case["total"])
    wanted = np.array(kept["flow"])
    on = wanted > 0.0
    assert np.all(found.branch[~on] == 0.0)
    assert found.branch[on, 0] == pytest.approx(wanted[on], rel=FLOW)
    assert found.difference[on, 0] == pytest.approx(np.array(kept["difference"])[on], rel=PRESSURE)
    assert float(found.head[0]) == pytest.approx(kept["head"], rel=PRESSURE)
    spread = wanted[on].max() / wanted[on].min()
    assert spread > 1.1  # the case is no trivial one
    again = flows(branches, params, WATER, t, t, head=float(found.head[0]))
    assert again.branch == pytest.approx(found.branch, rel=ROUNDING)


def test_one_rack_by_hand() -> None:
    found = flows(rack(1), HEADER, PG25, 40.0, 50.0, total=2e-3)
    rho = [float(fluids.density(PG25, t)) for t in (40.0, 50.0)]
    speed = 2e-3 / (np.pi * HEADER.diameter**2 / 4.0)
    lead = sum(
        float(pressure_drop(2e-3, HEADER.lead, HEADER.diameter, HEADER.roughness, PG25, t))
        for t in (40.0, 50.0)
    )
    lead += HEADER.lead_loss * 0.5 * sum(rho) * speed**2
    mean = float(fluids.density(PG25, 45.0))
    kv = 1e5 * mean / 1000.0 * 7.2**2 * (1.0 / HEADER.couplings_kv**2 + 1.0 / HEADER.valve_kv**2)
    assert float(found.difference[0, 0]) == pytest.approx(80e3 + kv, rel=1e-6)
    assert float(found.head[0]) == pytest.approx(80e3 + kv + lead, rel=1e-4)


@pytest.mark.parametrize("layout", ["direct", "reverse"])
def test_equations_hold(layout: str) -> None:
    rng = np.random.default_rng(2)
    branches = Branches(
        rng.uniform(1e-3, 3e-3, 12),
        rng.uniform(4e4, 1e5, 12),
        1.9,
        rng.uniform(0.3, 1.0, 12),
        rng.uniform(1.0, 3.0, 12),
    )
    t = np.linspace(20.0, 45.0, 50)
    found = flows(
        branches, replace(HEADER, layout=layout), PG25, t, t + 10.0, total=np.linspace(0.005, 0.03, 50)
    )
    assert found.branch.sum(axis=0) == pytest.approx(np.linspace(0.005, 0.03, 50), rel=ROUNDING)
    assert np.max(found.residual) <= STEP
    rho = fluids.density(PG25, t + 5.0)
    square = (
        1e5
        / 1000.0
        * 3600.0**2
        * rho
        * (1.0 / 20.0**2 + 1.0 / (25.0 * np.asarray(branches.opening)[:, None]) ** 2)
    )
    power = np.asarray(branches.drop)[:, None] * np.asarray(branches.clogging)[:, None]
    drop = power * (found.branch / np.asarray(branches.flow)[:, None]) ** 1.9 + square * found.branch**2
    assert found.difference == pytest.approx(drop, rel=1e-7)
    far = found.difference[-1] / found.difference[0]
    assert np.all(far < 1.0) if layout == "direct" else np.all(far > far.min() * 0.999)


def test_reverse_return_evens_out() -> None:
    spread = {}
    for layout in ("direct", "reverse"):
        q = flows(rack(16), replace(HEADER, layout=layout), PG25, 40.0, 50.0, total=0.032).branch
        spread[layout] = float(q.max() / q.min())
    assert spread["reverse"] < 1.0 + 0.5 * (spread["direct"] - 1.0)


def test_closed_branch_added_rack_clogged_filter() -> None:
    base = flows(rack(8), HEADER, PG25, 40.0, 50.0, head=1.5e5)
    opening = np.ones(8)
    opening[3] = 0.0
    closed = flows(rack(8, opening=opening), HEADER, PG25, 40.0, 50.0, head=1.5e5)
    assert closed.branch[3, 0] == 0.0
    assert np.all(np.delete(closed.branch - base.branch, 3, axis=0) > 0.0)
    added = flows(rack(9), HEADER, PG25, 40.0, 50.0, head=1.5e5)
    assert np.all(added.branch[:8] < base.branch)
    clogging = np.ones(8)
    clogging[3] = 4.0
    half = flows(rack(8, clogging=clogging), HEADER, PG25, 40.0, 50.0, head=1.5e5)
    alone = 4.0 ** (-1.0 / 1.9)  # couplings and valve, a fifth of the drop, are not clogged
    assert alone < float(half.branch[3, 0] / base.branch[3, 0]) < 1.15 * alone
    with pytest.raises(ValueError, match="closed"):
        flows(rack(2, opening=np.zeros(2)), HEADER, PG25, 40.0, 50.0, total=1e-3)


def test_flow_limiter_holds_and_gives_the_rest_to_others() -> None:
    free = flows(rack(16), HEADER, PG25, 40.0, 50.0, total=0.032)
    limit = float(np.quantile(free.branch, 0.7))
    held = flows(rack(16), replace(HEADER, limit=limit), PG25, 40.0, 50.0, total=0.032)
    assert float(held.branch.max()) == pytest.approx(limit)
    assert float(held.branch.min()) > float(free.branch.min())
    assert float(held.branch.sum()) == pytest.approx(0.032)


def test_pumps_meet_the_system_and_stage() -> None:
    pump = Pump(rated_flow=0.012, rated_head=1.6e5)
    running, speed = np.array([1.0, 2.0, 3.0, 2.0]), np.array([1.0, 1.0, 1.0, 0.7])
    found = flows(
        rack(12), HEADER, PG25, 40.0, 50.0, pump=pump, pumps=running, speed=speed, plant_drop=(40e3, 0.024)
    )
    assert found.head == pytest.approx(head(found.total / running, speed, pump), rel=1e-8)
    assert np.all(np.diff(found.total[:3]) > 0.0)
    assert found.total[3] < found.total[1]


def test_cold_coolant_is_thicker() -> None:
    found = flows(rack(16), HEADER, PG25, np.array([10.0, 45.0]), np.array([20.0, 55.0]), total=0.032)
    assert found.head[0] > found.head[1]


def test_array_equals_loop_of_scalars() -> None:
    t, total = np.linspace(20.0, 45.0, 7), np.linspace(0.01, 0.04, 7)
    whole = flows(rack(10), HEADER, PG25, t, t + 10.0, total=total)
    for i in range(7):
        one = flows(rack(10), HEADER, PG25, float(t[i]), float(t[i]) + 10.0, total=float(total[i]))
        assert one.branch[:, 0] == pytest.approx(whole.branch[:, i], rel=ROUNDING)


def test_every_hour_of_a_year_settles() -> None:
    """Flow and temperature at random: what it costs is held in ``tests/bench/test_network_speed.py``."""
    params = replace(HEADER, diameter=0.3147)
    rng = np.random.default_rng(8)
    t, total = rng.uniform(20.0, 45.0, 8760), 0.2 * rng.uniform(0.1, 1.0, 8760)
    found = flows(rack(100), params, PG25, t, t + 10.0, total=total)
    assert np.max(found.residual) <= STEP
    assert found.branch.sum(axis=0) == pytest.approx(total, rel=ROUNDING)
    for i in rng.integers(0, 8760, 5).tolist():
        one = flows(rack(100), params, PG25, float(t[i]), float(t[i]) + 10.0, total=float(total[i]))
        assert found.branch[:, i] == pytest.approx(one.branch[:, 0], rel=ROUNDING)


def test_exactly_one_closure() -> None:
    with pytest.raises(ValueError, match="one of"):
        flows(rack(2), HEADER, PG25, 40.0, 50.0)
    with pytest.raises(ValueError, match="one of"):
        flows(rack(2), HEADER, PG25, 40.0, 50.0, total=1e-3, head=1e5)


@pytest.mark.parametrize("slug", catalogue.names("manifold"))
def test_sheets_run_below_the_header_velocity(slug: str) -> None:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    params = TypeAdapter(Manifold).validate_python(values, context=units.read)
    racks = {"row-header-dn100": 8, "row-header-dn150": 16, "hall-header-dn300": 100}[slug]
    speed = racks * 1.98e-3 / (np.pi * params.diameter**2 / 4.0)  # NVL72 at 119 L/min
    assert speed < 3.0
    found = flows(rack(racks), params, PG25, 40.0, 50.0, total=racks * 1.98e-3)
    assert float(found.branch.max() / found.branch.min()) < 1.6


def test_a_stated_drop_follows_viscosity() -> None:
    """Laminar (n = 1) goes with viscosity, fully rough (n = 2) with density, by Darcy and Weisbach; in between by both."""
    t = np.array([10.0, 40.0])
    rho, mu = np.asarray(fluids.density(PG25, t)), np.asarray(fluids.viscosity(PG25, t))
    for n, wanted in (
        (1.0, mu[0] / mu[1]),
        (2.0, rho[0] / rho[1]),
        (1.75, (rho**0.75 * mu**0.25)[0] / (rho**0.75 * mu**0.25)[1]),
    ):
        branches = Branches(np.full(2, 2e-3), np.full(2, 80e3), n, 1.0, 1.0, 40.0)
        wide = replace(HEADER, couplings_kv=1000.0, valve_kv=1000.0)
        found = flows(branches, wide, PG25, t, t, total=4e-3).difference
        assert float(found[0, 0] / found[0, 1]) == pytest.approx(float(wanted), rel=2e-3)
        assert float(found[0, 1]) == pytest.approx(80e3, rel=2e-3)


@pytest.mark.parametrize("layout", ["direct", "reverse", "ring"])
def test_balancing_valves_give_every_rack_its_flow(layout: str) -> None:
    params = replace(HEADER, layout=layout, diameter=0.08)
    wanted = np.where(np.arange(16) % 3 == 0, 1.2e-3, 2.4e-3)
    rows = Branches(np.full(16, 2e-3), np.full(16, 80e3), 1.9, np.where(np.arange(16) == 4, 0.0, 0.5))
    opening = balanced(rows, params, PG25, 40.0, 50.0, wanted)
    assert opening[4] == 0.0
    assert opening.max() == pytest.approx(1.0)  # one valve is fully open: no head is given away
    assert np.all(opening[np.arange(16) != 4] > 0.05)
    total = float(wanted.sum() - wanted[4])
    found = flows(rows._replace(opening=opening), params, PG25, 40.0, 50.0, total=total)
    assert np.delete(found.branch[:, 0], 4) == pytest.approx(np.delete(wanted, 4), rel=1e-4)
    free = flows(rows._replace(opening=np.minimum(1.0, 1e9 * opening)), params, PG25, 40.0, 50.0, total=total)
    assert np.abs(np.delete(free.branch[:, 0] - wanted, 4)).max() > 2e-4
