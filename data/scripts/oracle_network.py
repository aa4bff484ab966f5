"""Looped networks by pandapipes, kept in `data/reference/pandapipes_network`.

    python -m venv side && side/bin/pip install pandapipes==0.16.* && side/bin/python data/scripts/oracle_network.py

Three networks, water at 30 °C, Colebrook friction: `ring`, 40 racks between two headers that are closed to rings, total flow given; `mesh`, a
grid of pipes of four bores with two feeds of unlike pressure, taps of fixed flow and two shut pipes; `cross`, two rows of racks on headers of their
own with cross connections at their ends, one branch shut, head given. Written: every pipe (ends, length, bore, loss), flow
and pressure, and the CPU time of one solve with that of `yardstick.py` beside it.
"""
# ruff: noqa: T201

import json
import statistics
import time
from pathlib import Path

import numpy as np
import pandapipes as pp
from yardstick import seconds

OUT = Path(__file__).resolve().parents[1] / "reference" / "pandapipes_network"
T_DEGC, ROUGHNESS = 30.0, 4.5e-5
RACK_FLOW, RACK_DROP, RACK_BORE = 0.002, 9e4, 0.04


def ring() -> dict:
    """Headers of 40 racks, closed to rings; the leads end at rack 0."""
    n, pipes = 40, []
    supply, back = [1 + i for i in range(n)], [1 + n + i for i in range(n)]
    pipes.append([0, supply[0], 8.0, 0.15, 3.0])
    for i in range(n):
        pipes.append([supply[i], supply[(i + 1) % n], 0.8, 0.1071, 0.1])
        pipes.append([back[(i + 1) % n], back[i], 0.8, 0.1071, 0.1])
    pipes.append([back[0], 1 + 2 * n, 8.0, 0.15, 3.0])
    pipes += [[supply[i], back[i], 0.0, RACK_BORE, None] for i in range(n)]
    return {"pipes": pipes, "held": {str(1 + 2 * n): 2e5}, "inflow": {"0": 0.07}}


def mesh() -> dict:
    """Seven by six nodes; bores change from row to row."""
    rows, columns, pipes = 6, 7, []
    for i in range(rows):
        for j in range(columns):
            node = i * columns + j
            if j < columns - 1:
                pipes.append([node, node + 1, 30.0 + 5.0 * i, (0.1, 0.125, 0.15, 0.08)[i % 4], 0.5])
            if i < rows - 1:
                pipes.append([node, node + columns, 20.0 + 3.0 * j, (0.125, 0.08, 0.1, 0.15)[j % 4], 0.8])
    taps = {"10": -0.006, "17": -0.004, "24": -0.008, "30": -0.005, "33": -0.003, "40": -0.007}
    return {"pipes": pipes, "held": {"0": 4e5, "41": 3.8e5}, "inflow": taps, "closed": [8, 30]}


def cross() -> dict:
    """Two rows of twelve racks, each on its own supply and return header, joined at both ends."""
    n, pipes, rows = 12, [], []
    for row in range(2):
        first = 2 + row * 2 * n
        supply, back = [first + i for i in range(n)], [first + n + i for i in range(n)]
        pipes.append([0, supply[0], 10.0 + 15.0 * row, 0.1071, 3.0])
        pipes.append([back[0], 1, 10.0 + 15.0 * row, 0.1071, 3.0])
        for i in range(1, n):
            pipes.append([supply[i - 1], supply[i], 0.8, 0.0779, 0.1])
            pipes.append([back[i], back[i - 1], 0.8, 0.0779, 0.1])
        rows.append((supply, back))
    pipes += [[rows[0][side][-1], rows[1][side][-1], 6.0, 0.0779, 1.0] for side in (0, 1)]
    start = len(pipes)
    pipes += [
        [s, b, 0.0, RACK_BORE, None] for supply, back in rows for s, b in zip(supply, back, strict=True)
    ]
    return {"pipes": pipes, "held": {"0": 4e5, "1": 2.6e5}, "inflow": {}, "closed": [start + 5]}


def solve(case: dict) -> dict:
    """Flows in m³/s and pressures in Pa of a case, and what a solve costs."""
    net = pp.create_empty_network(fluid="water")
    k = T_DEGC + 273.15
    rho = float(net.fluid.get_density(k))
    speed = RACK_FLOW / (np.pi * RACK_BORE**2 / 4.0)
    rack_loss = RACK_DROP / (0.5 * rho * speed**2)
    nodes = 1 + max(max(p[:2]) for p in case["pipes"])
    junctions = [int(pp.create_junction(net, pn_bar=5.0, tfluid_k=k)) for _ in range(nodes)]
    shut = set(case.get("closed", []))
    for i, (a, b, length, bore, loss) in enumerate(case["pipes"]):
        pp.create_pipe_from_parameters(
            net, junctions[a], junctions[b], length_km=max(length, 1e-6) / 1000.0, inner_diameter_mm=bore * 1000.0,
            k_mm=ROUGHNESS * 1000.0, loss_coefficient=rack_loss if loss is None else loss, in_service=i not in shut,
        )  # fmt: skip
    for node, pressure in case["held"].items():
        pp.create_ext_grid(net, junctions[int(node)], p_bar=pressure / 1e5, t_k=k)
    for node, flow in case["inflow"].items():
        if flow > 0.0:
            pp.create_source(net, junctions[int(node)], mdot_kg_per_s=flow * rho)
        else:
            pp.create_sink(net, junctions[int(node)], mdot_kg_per_s=-flow * rho)
    spent = []
    for _ in range(9):
        begin = time.process_time()
        pp.pipeflow(
            net, friction_model="colebrook", mode="hydraulics", tol_p=1e-8, tol_m=1e-8, max_iter_hyd=200
        )
        spent.append(time.process_time() - begin)
    flow = np.nan_to_num(net.res_pipe["mdot_from_kg_per_s"].to_numpy()) / rho
    return {
        **case,
        "flow": [round(float(x), 9) for x in flow],
        "pressure": [round(float(x) * 1e5, 1) for x in net.res_junction["p_bar"]],
        "cpu_s": round(statistics.median(spent[1:]), 5),
        "yardstick_s": round(seconds(), 5),
    }


def main() -> None:
    """Run every case and write it."""
    cases = {name: solve(make()) for name, make in (("ring", ring), ("mesh", mesh), ("cross", cross))}
    for name, case in cases.items():
        print(
            name, len(case["pipes"]), min(case["flow"]), max(case["flow"]), case["cpu_s"], case["yardstick_s"]
        )
    out = {
        "version": pp.__version__, "temperature": T_DEGC, "roughness": ROUGHNESS, "rack_flow": RACK_FLOW,
        "rack_drop": RACK_DROP, "cases": cases,
    }  # fmt: skip
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "networks.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


main()
