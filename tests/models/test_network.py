"""Networks: pandapipes, hand cases, rings, pumps with check valves, limiters, conservation, refusals."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_models.fluids.fluids import fluid
from twin_models.manifold.manifold import Branches, Manifold
from twin_models.manifold.manifold import flows as manifold_flows
from twin_models.network import band
from twin_models.network.elimination import order, potentials
from twin_models.network.network import TOLERANCE, Pipes, Pumping, Solved, flows
from twin_models.pipe import table
from twin_models.pipe.pipe import friction_factor, pressure_drop
from twin_models.pipe.table import friction
from twin_models.pump.pump import Pump, head

REFERENCE = Path(__file__).parents[2] / "data" / "reference" / "pandapipes_network" / "networks.json"
ORACLE = json.loads(REFERENCE.read_text(encoding="utf-8"))
FLOW, PRESSURE = 5e-3, 1e-2  # promised against pandapipes
LARGE = 0.2  # of the largest flow; less of it turns on small differences of pressure, as friction laws do
NEAR = 2e-3  # of the largest difference of pressure, for those near the level
ROUNDING = 1e-9
BALANCE = 1e-8  # of the largest flow, in every node: rounding of pressures, where pipes of 50 and 200 mm meet
TABLE = 2e-4
WATER, PG25 = fluid("water"), fluid("propylene_glycol", 0.25)


def kept(name: str) -> tuple[Pipes, dict[str, Any]]:
    case = ORACLE["cases"][name]
    start, end, length, bore, loss = (list(column) for column in zip(*case["pipes"], strict=True))
    rack = np.array([one is None for one in loss])
    kv = np.full(len(start), np.inf)
    kv[case.get("closed", [])] = 0.0
    return Pipes(
        np.array(start), np.array(end), np.array(length), np.array(bore), ORACLE["roughness"],
        np.array([one or 0.0 for one in loss]), kv, np.where(rack, ORACLE["rack_drop"], 0.0), ORACLE["rack_flow"],
    ), case  # fmt: skip


def solved(name: str, t: Any = None) -> tuple[Pipes, dict[str, Any], Solved]:
    pipes, case = kept(name)
    held, inflow = ({int(k): x for k, x in case[key].items()} for key in ("held", "inflow"))
    return (
        pipes,
        case,
        flows(pipes, WATER, ORACLE["temperature"] if t is None else t, held=held, inflow=inflow),
    )


def imbalance(pipes: Pipes, found: Solved, inflow: dict[int, float], held: set[int]) -> float:
    net = np.zeros(found.pressure.shape)
    np.add.at(net, np.asarray(pipes.start, dtype=int), -found.flow)
    np.add.at(net, np.asarray(pipes.end, dtype=int), found.flow)
    for node, flow in inflow.items():
        net[node] += flow
    free = [k for k in range(net.shape[0]) if k not in held]
    return float(np.abs(net[free]).max() / np.abs(found.flow).max())


def colebrook(reynolds: Any, rough: float) -> Any:
    """The oracle's friction factor: laminar up to 2300, then Colebrook's."""
    re = np.asarray(reynolds)
    rapid = np.maximum(re, 1000.0)
    x = np.full(re.shape, 7.0)
    for _ in range(60):
        x = -2.0 * np.log10(rough / 3.71 + 2.51 * x / rapid)
    return np.where(re < 2300.0, 64.0 / re, x**-2.0)


@pytest.mark.parametrize("law", ["colebrook", "churchill"])
@pytest.mark.parametrize("name", ORACLE["cases"])
def test_looped_networks_against_pandapipes(name: str, law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the oracle's friction law every flow agrees; by ours those do that are not small among the others."""
    if law == "colebrook":
        monkeypatch.setattr(table, "friction_factor", colebrook)
    table.lines.cache_clear()
    pipes, case, found = solved(name)
    table.lines.cache_clear()
    wanted, pressure = np.array(case["flow"]), np.array(case["pressure"])
    most = np.abs(wanted).max()
    large = np.abs(wanted) > (0.0 if law == "colebrook" else LARGE * most)
    assert found.flow[large, 0] == pytest.approx(wanted[large], rel=FLOW)
    assert found.flow[:, 0] == pytest.approx(wanted, abs=FLOW * most)
    assert np.all(found.flow[case.get("closed", []), 0] == 0.0)
    level = min(case["held"].values())
    assert found.pressure[:, 0] - level == pytest.approx(
        pressure - level, rel=PRESSURE, abs=NEAR * np.ptp(pressure)
    )
    held = {int(k) for k in case["held"]}
    assert imbalance(pipes, found, {int(k): x for k, x in case["inflow"].items()}, held) < BALANCE
    assert most > 3.0 * np.abs(wanted[large & (wanted != 0.0)]).min()  # the case is no trivial one


def test_array_equals_loop_of_scalars() -> None:
    t = np.linspace(15.0, 60.0, 5)
    _, _, whole = solved("cross", t)
    for i, one in enumerate(t):
        _, _, alone = solved("cross", float(one))
        assert alone.flow[:, 0] == pytest.approx(whole.flow[:, i], rel=1e-6, abs=1e-9)


def test_two_parallel_pipes_by_hand() -> None:
    """One bore, lengths 1 to 2 and 10 m of lead: both branches lose the same, and the sum is what goes in."""
    pipes = Pipes(np.array([0, 1, 1]), np.array([1, 2, 2]), np.array([10.0, 50.0, 100.0]), 0.1, 1.5e-5)
    found = flows(pipes, WATER, 30.0, held={2: 0.0}, inflow={0: 0.03})
    drops = [
        float(pressure_drop(found.flow[i, 0], length, 0.1, 1.5e-5, WATER, 30.0))
        for i, length in enumerate((10.0, 50.0, 100.0))
    ]
    assert drops[1] == pytest.approx(drops[2], rel=TABLE)
    assert found.pressure[0, 0] == pytest.approx(drops[0] + drops[1], rel=TABLE)
    assert found.flow[1, 0] + found.flow[2, 0] == pytest.approx(0.03, rel=ROUNDING)


def test_valve_in_a_bridge_turns_the_flow() -> None:
    """A bridge of five pipes: balanced it carries nothing; with one arm throttled it flows away from there."""

    def bridge(kv: float) -> float:
        pipes = Pipes(
            np.array([0, 0, 1, 2, 1]), np.array([1, 2, 3, 3, 2]), 20.0, 0.08, 1.5e-5, 0.0,
            np.array([np.inf, np.inf, kv, np.inf, np.inf]),
        )  # fmt: skip
        return float(flows(pipes, WATER, 30.0, held={0: 1e5, 3: 0.0}).flow[4, 0])

    assert abs(bridge(np.inf)) < 1e-6
    assert bridge(20.0) > 1e-3


def test_pumps_meet_the_system_and_stand_still() -> None:
    pump = Pump(rated_flow=0.012, rated_head=1.6e5)
    pipes = Pipes(
        np.array([0, 0, 1]),
        np.array([1, 1, 0]),
        0.0,
        1.0,
        1e-6,
        0.0,
        np.inf,
        np.array([0.0, 0.0, 1.2e5]),
        0.02,
    )
    running, speed = np.array([1.0, 1.0, 0.0, 2.0]), np.array([1.0, 0.6, 1.0, 1.0])
    found = flows(
        pipes, WATER, 30.0, held={0: 0.0}, pumps={0: Pumping(pump), 1: Pumping(pump, running, speed)}
    )
    lift = found.pressure[1] - found.pressure[0]
    assert lift == pytest.approx(1.2e5 * (found.flow[2] / 0.02) ** 2, rel=1e-6)
    assert lift == pytest.approx(head(found.flow[0], 1.0, pump), rel=1e-6)
    on = running > 0.0
    beside = np.divide(found.flow[1], running, out=np.zeros(4), where=on)
    pushed = on & (found.flow[1] > 1e-6)
    assert lift[pushed] == pytest.approx(head(beside, speed, pump)[pushed], rel=1e-6)
    assert pushed.tolist() == [True, False, False, True]  # the slow one is held shut by its check valve
    assert np.all(found.flow[1, 1:3] <= 1e-6)
    assert found.flow[2, 3] > found.flow[2, 0] > found.flow[2, 2]


def test_limiter_holds_in_a_ring() -> None:
    racks = Branches(np.full(12, 2e-3), np.full(12, 80e3), 1.9)
    params = {"diameter": 0.06, "spacing": 0.8, "layout": "ring"}
    free = manifold_flows(racks, Manifold(**params), PG25, 40.0, 50.0, total=0.024)
    limit = float(np.quantile(free.branch, 0.7))
    held = manifold_flows(racks, Manifold(**params, limit=limit), PG25, 40.0, 50.0, total=0.024)
    assert float(held.branch.max()) <= limit * (1.0 + 1e-5)
    assert float(held.branch.min()) > float(free.branch.min())
    assert float(held.total[0]) == pytest.approx(0.024, rel=ROUNDING)


def test_a_ring_is_the_ladder_where_the_closing_pipe_is_endless() -> None:
    """With a closing pipe of a kilometre of narrow header nearly all flows as in direct return; with a short one it evens out."""
    racks = Branches(np.full(16, 2e-3), np.full(16, 80e3), 1.9)
    at = {
        (layout, closing): manifold_flows(
            racks, Manifold(diameter=0.08, spacing=0.8, layout=layout, closing=closing), PG25, 40.0, 50.0, total=0.032
        )
        for layout, closing in (("direct", None), ("ring", 1000.0), ("ring", None))
    }  # fmt: skip
    direct, long, short = (one.branch[:, 0] for one in at.values())
    assert long == pytest.approx(direct, rel=0.02)
    assert np.ptp(short) < 0.3 * np.ptp(direct)
    assert short[1:] == pytest.approx(
        short[1:][::-1], rel=0.02
    )  # seen from the first rack both ways are alike
    heads = [float(one.head[0]) for one in at.values()]
    assert heads[2] < heads[0]


@pytest.mark.parametrize("how", ["head", "pump"])
def test_closures_of_a_ring_meet(how: str) -> None:
    racks = Branches(np.full(10, 2e-3), np.full(10, 80e3), 1.9, np.linspace(0.4, 1.0, 10))
    params = Manifold(diameter=0.1, spacing=0.8, layout="ring")
    t = np.linspace(20.0, 45.0, 6)
    found = manifold_flows(racks, params, PG25, t, t + 10.0, total=0.018, plant_drop=(3e4, 0.02))
    pump = Pump(rated_flow=0.018, rated_head=float(found.head[2]))
    again = manifold_flows(
        racks, params, PG25, t, t + 10.0, plant_drop=(3e4, 0.02), **({"head": found.head} if how == "head" else {"pump": pump})  # type: ignore[arg-type]
    )  # fmt: skip
    assert again.branch[:, 2] == pytest.approx(found.branch[:, 2], rel=1e-6)
    if how == "pump":
        assert again.head == pytest.approx(head(again.total, 1.0, pump), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_flow_is_conserved_in_random_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(3, 25))
    tree = [(int(rng.integers(0, k)), k) for k in range(1, nodes)]
    more = [(int(a), int(b)) for a, b in rng.integers(0, nodes, (nodes, 2)) if a != b]
    start, end = (np.array(column) for column in zip(*tree, *more, strict=True))
    size = start.size
    pipes = Pipes(
        start, end, rng.uniform(1.0, 200.0, size), rng.choice([0.05, 0.1, 0.2], size), 4.5e-5, rng.uniform(0.0, 5.0, size)
    )  # fmt: skip
    taps = {
        int(k): float(x) for k, x in zip(rng.integers(1, nodes, 5), rng.uniform(-0.01, 0.01, 5), strict=True)
    }
    found = flows(pipes, WATER, np.array([10.0, 60.0]), held={0: 1e5}, inflow=taps)
    assert np.all(found.residual <= TOLERANCE)
    assert imbalance(pipes, found, taps, {0}) < BALANCE
    down = (found.pressure[start] - found.pressure[end]) * found.flow
    assert np.all(down >= -1e-12)  # never uphill without a pump


def test_a_cut_off_part_stands_still() -> None:
    pipes = Pipes(
        np.array([0, 1, 2]), np.array([1, 2, 3]), 10.0, 0.1, 1.5e-5, 0.0, np.array([np.inf, 0.0, np.inf])
    )
    found = flows(pipes, WATER, 30.0, held={0: 1e5, 1: 0.9e5})
    assert np.all(np.abs(found.flow[1:]) < 1e-20)
    assert found.pressure[2:, 0] == pytest.approx(0.9e5)


def test_every_node_held() -> None:
    pipes = Pipes(np.array([0]), np.array([1]), 10.0, 0.1)
    found = flows(pipes, WATER, 30.0, held={0: 1e5, 1: 0.9e5})
    assert found.pressure[:, 0].tolist() == [1e5, 0.9e5]
    assert float(pressure_drop(found.flow[0, 0], 10.0, 0.1, 1.5e-6, WATER, 30.0)) == pytest.approx(
        1e4, rel=TABLE
    )


def test_refusals() -> None:
    pipes = Pipes(np.array([0, 2]), np.array([1, 3]), 10.0, 0.1)
    with pytest.raises(ValueError, match="joined to no node"):
        flows(pipes, WATER, 30.0, held={0: 0.0})
    with pytest.raises(ValueError, match="no node 7"):
        flows(pipes, WATER, 30.0, held={0: 0.0, 2: 0.0}, inflow={7: 1.0})
    with pytest.raises(ValueError, match="from a node to itself"):
        flows(Pipes(np.array([0, 1]), np.array([1, 1]), 1.0, 0.1), WATER, 30.0, held={0: 0.0})


def test_elimination_is_the_dense_solution() -> None:
    rng = np.random.default_rng(5)
    edges = [(k, k + 1) for k in range(29)] + [
        (int(a), int(b)) for a, b in rng.integers(0, 30, (40, 2)) if a != b
    ]
    held = frozenset({0, 17})
    g, inflow = 10.0 ** rng.uniform(-6.0, 3.0, (len(edges), 4)), rng.normal(size=(30, 4))
    fixed = np.zeros((30, 4))
    fixed[17] = 2.0
    found = potentials(order(30, tuple(edges), held), g, inflow, fixed)
    free = [k for k in range(30) if k not in held]
    for j in range(4):
        laplace = np.zeros((30, 30))
        for (a, b), x in zip(edges, g[:, j], strict=True):
            laplace[[a, b], [a, b]] += x
            laplace[[a, b], [b, a]] -= x
        right = inflow[free, j] - laplace[np.ix_(free, [17])][:, 0] * 2.0
        wanted = np.linalg.solve(laplace[np.ix_(free, free)], right)
        assert found[free, j] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("decades", [0.0, 3.0, 6.0, 18.0])
def test_a_band_is_the_elimination_or_has_no_answer(decades: float) -> None:
    """Conductances of like size keep their digits in a matrix; where they differ by too much there is no answer."""
    rng = np.random.default_rng(6)
    answers = 0
    for _ in range(40):
        edges = [(k, k + 1) for k in range(29)] + [
            (int(a), int(b)) for a, b in rng.integers(0, 30, (20, 2)) if a != b
        ]
        held = frozenset(int(k) for k in rng.integers(0, 30, 2))
        g, inflow = 10.0 ** rng.uniform(-decades, 0.0, len(edges)), rng.normal(size=30)
        fixed = np.where(np.isin(np.arange(30), list(held)), rng.normal(size=30), 0.0)
        wanted = potentials(order(30, tuple(edges), held), g[:, None], inflow[:, None], fixed[:, None])[:, 0]
        found = band.potentials(band.band(30, tuple(edges), held), g, inflow, fixed)
        if found is not None:
            answers += 1
            assert np.max(np.abs(found - wanted)) < ROUNDING * np.max(np.abs(wanted))
    assert answers == 40 if decades < 18.0 else answers < 40


@pytest.mark.parametrize("rough", [0.0, 4.5e-4, 0.02])
def test_friction_table_is_churchill(rough: float) -> None:
    reynolds = 10.0 ** np.linspace(0.0, 8.0, 5_000)
    found, bend = friction(reynolds, rough)
    assert found == pytest.approx(friction_factor(reynolds, rough), rel=TABLE)
    step = reynolds * (1.0 + 1e-9)
    assert np.all(np.isfinite(bend))
    assert np.median(np.abs((friction(step, rough)[0] - found) / 1e-9 - bend)) < 1e-5
