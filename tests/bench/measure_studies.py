"""Measure what a study costs beside the engine itself: ``python tests/bench/measure_studies.py [CASES]``.

Wall times need a quiet machine; CPU seconds and ratios within one run do not.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from twin_sites.loader import change_site

from twin.annual import simulate
from twin.metrics import summarize
from twin.studies.cases import Chunk, run_case, run_chunk
from twin.studies.plan import Plan, plan_study
from twin.studies.run import study
from twin.studies.store import create, writing

SERIES = 10


def spec(cases: int) -> dict[str, Any]:
    """So many scenario-years of the 10 MW hall over four climates."""
    each = cases // 4
    return {
        "site": "gb300-10mw",
        "axes": {
            "weather": ["phoenix", "chicago", "ashburn", "singapore"],
            "cooling.fws.supply": f"26..{26 + (each - 1) * 0.01:g} degC by 0.01",
        },
    }


def cpu() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run(cases: int, workers: int, folder: Path) -> dict[str, float]:
    """Wall seconds of a whole study with its store, to its first chunk, and CPU seconds of the process that owns it."""
    first: list[float] = []
    begun, own = time.perf_counter(), cpu()
    study(
        spec(cases), out=folder / f"r{workers}.zarr", workers=workers,
        progress=lambda _: first.append(time.perf_counter()),
    )  # fmt: skip
    return {
        "wall_s": time.perf_counter() - begun,
        "first_s": first[0] - begun,
        "own_cpu_s": cpu() - own,
    }


def engine(plan: Plan, cases: int) -> dict[str, float]:
    """CPU seconds of a case of a study, of the bare run of a site made ready, and of a run with its change and summary.

    Case and bare run take turns, so that what else the machine does meets both.
    """
    recipe = plan.recipe
    rows = plan.cases[np.linspace(0, len(plan.cases) - 1, cases).astype(int)]
    for row in rows[:4]:
        run_case(recipe, row)
    chunk = bare = 0.0
    for row in rows:
        changes = dict(recipe.axes[1].changes(float(row[1])))
        site, air = (
            change_site(recipe.sites[""], changes),
            recipe.weathers[recipe.axes[0].labels[int(row[0])]],
        )
        begun = time.process_time()
        run_chunk(recipe, row[None])
        middle = time.process_time()
        simulate(site, weather=air)
        chunk, bare = chunk + middle - begun, bare + time.process_time() - middle
    chunk, bare = chunk / cases, bare / cases
    sites = [plan.recipe.sites[""], plan.recipe.weathers["phoenix"]]
    begun = time.process_time()
    for i in range(cases):
        summarize(
            simulate(sites[0], weather=sites[1], changes={"cooling.fws.supply": f"{30 + i * 0.013:.3f} degC"})
        )
    alone = (time.process_time() - begun) / cases
    return {"case_of_a_study_s": chunk, "simulate_s": bare, "simulate_and_summarize_s": alone}


def store_cost(plan: Plan, folder: Path) -> dict[str, float]:
    """CPU seconds that the store takes a case, and bytes it keeps of one."""
    found = run_chunk(plan.recipe, plan.cases[: plan.chunk])
    create(plan, folder / "w.zarr")
    begun = time.process_time()
    with writing(plan, folder / "w.zarr") as writer:
        for at in writer.todo:
            n = min(plan.chunk, len(plan.cases) - at)
            part = Chunk(
                found.summary[:n], found.status[:n], found.errors[:n], found.hourly, found.percentiles[:n]
            )
            writer.write(at, part)
    spent = time.process_time() - begun
    size = sum(file.stat().st_size for file in (folder / "w.zarr").rglob("*") if file.is_file())
    files = sum(1 for file in (folder / "w.zarr").rglob("*") if file.is_file())
    n = len(plan.cases)
    return {"store_s_a_case": spent / n, "bytes_a_case": size / n, "files": files, "chunk": plan.chunk}


def series_rate(folder: Path) -> float:
    """MB of hourly series written in a CPU second: ten series of real cases."""
    names = ["site_power", "site_it_power", "site_heat_rejected", "site_water", "site_pue", "ambient_dry_bulb",
             "ambient_wet_bulb", "loop_supply_temperature:fws", "loop_heat:fws", "link_power:fws.chiller"]  # fmt: skip
    plan = plan_study(spec(200) | {"hourly": names, "chunk": 20})
    found = run_chunk(plan.recipe, plan.cases[:: len(plan.cases) // 20][:20], plan.steps, 20)
    create(plan, folder / "h.zarr")
    begun = time.process_time()
    with writing(plan, folder / "h.zarr") as writer:
        for at in writer.todo:
            writer.write(at, found)
    return found.hourly.nbytes * len(plan.cases) / plan.chunk / 1e6 / (time.process_time() - begun)


def main() -> None:
    """Print all figures as JSON."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = plan_study(spec(cases))
        out: dict[str, Any] = {"cases": cases, "load": os.getloadavg()[0]}
        out["engine"] = engine(plan, 24)
        out["store"] = store_cost(plan, folder)
        out["series_mb_s"] = series_rate(folder)
        out["one"] = run(cases, 1, folder)
        out["two"] = run(cases, 2, folder)
        out["load_after"] = os.getloadavg()[0]
    sys.stdout.write(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
