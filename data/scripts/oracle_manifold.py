"""Flows and pressures of a hundred racks on two headers by pandapipes, kept in `data/reference/pandapipes_manifold`.

    python -m venv side && side/bin/pip install pandapipes==0.16.* && side/bin/python data/scripts/oracle_manifold.py

pandapipes stays out of the project's own environment. Headers are pipes with Colebrook friction, a branch is a short pipe
whose loss coefficient gives the rack's drop with the square of its flow; a closed branch is out of service. Water at 30 °C;
total flow is given. Written: flow of every branch and pressure difference across it, the head between the ends, and the CPU time of
one solve with that of `yardstick.py` beside it.
"""
# ruff: noqa: T201

import json
import time
from pathlib import Path

import numpy as np
import pandapipes as pp
from yardstick import seconds

OUT = Path(__file__).resolve().parents[1] / "reference" / "pandapipes_manifold"
RACKS = 100
CASE = {
    "racks": RACKS, "diameter": 0.25, "spacing": 0.8, "lead": 10.0, "roughness": 4.5e-5, "tee_loss": 0.1, "lead_loss": 3.0,
    "temperature": 30.0, "total": 0.2, "branch_flow": 0.002, "branch_drop": 9e4,
}  # fmt: skip
CLOSED = 40  # counted from 0, nearest first


def network(reverse: bool, closed: int | None) -> tuple[object, list[int]]:
    """The ladder, and the indices of its branches."""
    c = CASE
    net = pp.create_empty_network(fluid="water")
    k = c["temperature"] + 273.15

    def junction() -> int:
        return int(pp.create_junction(net, pn_bar=10.0, tfluid_k=k))

    def pipe(a: int, b: int, length: float, bore: float, loss: float, service: bool = True) -> int:
        return int(
            pp.create_pipe_from_parameters(
                net, a, b, length_km=length / 1000.0, inner_diameter_mm=bore * 1000.0, k_mm=c["roughness"] * 1000.0,
                loss_coefficient=loss, in_service=service,
            )
        )  # fmt: skip

    source, sink = junction(), junction()
    supply, back = [junction() for _ in range(RACKS)], [junction() for _ in range(RACKS)]
    pipe(source, supply[0], c["lead"], c["diameter"], c["lead_loss"])
    for i in range(1, RACKS):
        pipe(supply[i - 1], supply[i], c["spacing"], c["diameter"], c["tee_loss"])
        ends = (back[i - 1], back[i]) if reverse else (back[i], back[i - 1])
        pipe(*ends, c["spacing"], c["diameter"], c["tee_loss"])
    pipe(back[-1] if reverse else back[0], sink, c["lead"], c["diameter"], c["lead_loss"])
    rho = float(net.fluid.get_density(k))
    bore = 0.04
    speed = c["branch_flow"] / (np.pi * bore**2 / 4.0)
    loss = c["branch_drop"] / (0.5 * rho * speed**2)
    branches = [pipe(supply[i], back[i], 1e-6, bore, loss, i != closed) for i in range(RACKS)]
    pp.create_ext_grid(net, source, p_bar=8.0, t_k=k)
    pp.create_sink(net, sink, mdot_kg_per_s=c["total"] * rho)
    pp.pipeflow(net, friction_model="colebrook", mode="hydraulics", tol_p=1e-8, tol_m=1e-8, max_iter_hyd=200)
    return net, branches


def main() -> None:
    """Run every case and write it."""
    out = {"version": pp.__version__, "case": CASE, "closed": CLOSED, "cases": {}}
    for name, reverse, closed in (
        ("direct", False, None),
        ("reverse", True, None),
        ("direct_one_closed", False, CLOSED),
        ("reverse_one_closed", True, CLOSED),
    ):
        net, branches = network(reverse, closed)
        spent = []
        for _ in range(9):
            begin = time.process_time()
            pp.pipeflow(
                net, friction_model="colebrook", mode="hydraulics", tol_p=1e-8, tol_m=1e-8, max_iter_hyd=200
            )
            spent.append(time.process_time() - begin)
        rho = float(net.fluid.get_density(CASE["temperature"] + 273.15))
        pipes = net.res_pipe.loc[branches]
        p = net.res_junction["p_bar"]
        ends = net.pipe.loc[branches, ["from_junction", "to_junction"]]
        difference = (p.loc[ends["from_junction"]].to_numpy() - p.loc[ends["to_junction"]].to_numpy()) * 1e5
        out["cases"][name] = {
            "flow": [round(x, 9) for x in np.nan_to_num(pipes["mdot_from_kg_per_s"].to_numpy() / rho)],
            "difference": [round(x, 2) for x in difference],
            "head": round(float(p.iloc[0] - p.iloc[1]) * 1e5, 2),
            "cpu_s": round(float(np.median(spent)), 5),
            "yardstick_s": round(seconds(), 5),
        }
        print(name, out["cases"][name]["head"], out["cases"][name]["flow"][::25], out["cases"][name]["cpu_s"])
    out["density"] = rho
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "flows.json").write_text(json.dumps(out, indent=1) + "\n")


main()
