"""Ladders and networks against the kept time of pandapipes on the same networks, both in times of one yardstick.

The yardstick (``data/scripts/yardstick.py``) was measured beside pandapipes and is measured here beside ours, so that machine and
load count out. pandapipes solves one state after another; ours solves the hours of a year together, or one state in a call.
"""

import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twin_models.fluids.fluids import fluid
from twin_models.manifold.manifold import Branches, Manifold
from twin_models.manifold.manifold import flows as manifold_flows
from twin_models.network.network import Pipes, flows

ROOT = Path(__file__).parents[2]
LADDERS = json.loads((ROOT / "data/reference/pandapipes_manifold/flows.json").read_text(encoding="utf-8"))
NETWORKS = json.loads((ROOT / "data/reference/pandapipes_network/networks.json").read_text(encoding="utf-8"))
LADDER, NETWORK = 500.0, 10.0  # promised times per solve
HOURS, SOLVES, CALLS, RUNS = 8760, 1000, 100, 3
pytestmark = pytest.mark.bench
WATER = fluid("water")


def yardstick() -> float:
    spec = importlib.util.spec_from_file_location("yardstick", ROOT / "data" / "scripts" / "yardstick.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return float(module.seconds())


def times_faster(kept: dict[str, Any], solve: Callable[[], Any], solves: int) -> float:
    """How many of our solves stand in one of pandapipes'."""
    solve()
    spent = []
    for _ in range(RUNS):
        begin = time.process_time()
        solve()
        spent.append(time.process_time() - begin)
    return float((kept["cpu_s"] / kept["yardstick_s"]) / (min(spent) / solves / yardstick()))


@pytest.mark.parametrize("layout", ["direct", "reverse"])
def test_a_year_of_a_hundred_racks(layout: str) -> None:
    """Total flow and temperature of every hour are drawn at random: no hour is like the one before."""
    case, kept = LADDERS["case"], LADDERS["cases"][layout]
    params = Manifold(
        diameter=case["diameter"], spacing=case["spacing"], lead=case["lead"], roughness=case["roughness"],
        tee_loss=case["tee_loss"], lead_loss=case["lead_loss"], layout=layout,  # type: ignore[arg-type]
    )  # fmt: skip
    racks = Branches(
        np.full(case["racks"], case["branch_flow"]), np.full(case["racks"], case["branch_drop"]), 1.9
    )
    rng = np.random.default_rng(4)
    total, t = case["total"] * rng.uniform(0.4, 1.0, HOURS), rng.uniform(20.0, 45.0, HOURS)
    found = times_faster(kept, lambda: manifold_flows(racks, params, WATER, t, t + 10.0, total=total), HOURS)
    assert found > LADDER, f"{found:.0f} times"


@pytest.mark.parametrize("together", [True, False], ids=["together", "alone"])
@pytest.mark.parametrize("name", NETWORKS["cases"])
def test_looped_networks(name: str, together: bool) -> None:
    """A thousand states in one call, or a hundred calls of one state each, none like the one before."""
    kept = NETWORKS["cases"][name]
    start, end, length, bore, loss = (list(column) for column in zip(*kept["pipes"], strict=True))
    kv = np.full(len(start), np.inf)
    kv[kept.get("closed", [])] = 0.0
    pipes = Pipes(
        np.array(start), np.array(end), np.array(length), np.array(bore), NETWORKS["roughness"],
        np.array([one or 0.0 for one in loss]), kv, np.array([NETWORKS["rack_drop"] * (one is None) for one in loss]),
        NETWORKS["rack_flow"],
    )  # fmt: skip
    held, inflow = ({int(k): x for k, x in kept[key].items()} for key in ("held", "inflow"))
    t = np.random.default_rng(4).uniform(20.0, 45.0, SOLVES if together else CALLS)
    calls = [t] if together else t

    def solve() -> None:
        for one in calls:
            flows(pipes, WATER, one, held=held, inflow=inflow)

    found = times_faster(kept, solve, t.size)
    assert found > NETWORK, f"{found:.0f} times"
