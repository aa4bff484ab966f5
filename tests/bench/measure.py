"""Measure one case in this process and print it as JSON; ``--all`` measures each in a process of its own.

    python tests/bench/measure.py racks --racks 100
    python tests/bench/measure.py --all --write       # docs/reference/performance.md

CPU seconds are medians of several runs in one process after one to warm up, so that ratios are of one run. Memory is
the process' peak (``getrusage``), inputs included.
"""

import argparse
import datetime
import importlib.util
import json
import math
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FRONTIER = ROOT.parent / "shared" / "data" / "facility" / "frontier_cdu_power_2024-04-07_15s.csv.gz"
KEPT = ROOT / "data" / "reference" / "yardsticks" / "energyplus.json"
PAGE = ROOT / "docs" / "reference" / "performance.md"
REFERENCE_RACKS = 72  # compute racks that the reference site's plant is made for
HOUR, MINUTE = 3600.0, 60.0
YEAR_H = 8760.0


def cpu(function: Callable[[], Any], runs: int = 5) -> tuple[float, Any]:
    """Median CPU seconds of some runs, and what the last returned."""
    spent, value = [], None
    for _ in range(runs):
        begin = time.process_time()
        value = function()
        spent.append(time.process_time() - begin)
    return statistics.median(spent), value


def peak_mib() -> float:
    """Highest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def site_year() -> dict[str, Any]:
    """One hourly year of gb300-10mw, each time with other changes."""
    import twin

    site = twin.load_site("gb300-10mw")
    turn = iter(range(1000))

    def one() -> Any:
        i = next(turn)
        changes = {
            "cooling.fws.supply": f"{30.0 + 0.37 * i} degC",
            "cooling.tcs.supply": f"fws + {4.0 + 0.05 * i} K",
        }
        return twin.summarize(twin.simulate(site, changes=changes))

    first, _ = cpu(one, 1)
    warm, summary = cpu(one, 7)
    day, _ = cpu(lambda: twin.simulate(site, hours=24.0), 7)
    return {
        "day_cpu_s": day,
        "first_cpu_s": first,
        "cpu_s": warm,
        "pue": summary.pue,
        "converged": summary.converged,
        "rss_mib": peak_mib(),
    }


def energyplus() -> dict[str, Any]:
    """A year of our plant file in EnergyPlus: run here if it is installed, else what was kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    if importlib.util.find_spec("pyenergyplus") is None:
        return {
            "cpu_s": kept["1_steps_per_hour"]["cpu_s"],
            "caveat": kept["caveat"],
            "how": f"kept: {kept['machine']}, {kept['date']}",
        }
    place = ROOT / "data" / "scripts" / "oracle_plant.py"
    spec = importlib.util.spec_from_file_location("oracle_plant", place)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{place} cannot be read")
    plant = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plant)
    runs = [plant.measure(24.0 + 0.5 * i)["cpu_s"] for i in range(5)]
    return {"cpu_s": statistics.median(runs), "caveat": plant.CAVEAT, "how": "run beside ours"}


def hall(racks: int) -> dict[str, Any]:
    """Changes that make the reference site a hall of so many compute racks, its plant grown with it."""
    from twin_sites.addresses import addresses

    import twin

    counts = {
        a.address: a.value
        for a in addresses(twin.load_site("gb300-10mw"))
        if a.address.endswith(".count") and ".parts." not in a.address
    }
    grown = {where: math.ceil(value * racks / REFERENCE_RACKS) for where, value in counts.items()}
    return grown | {"racks.compute.count": racks, "power.utility.count": 1, "power.utility.rating": "1 GW"}


def individual(racks: int, steps: int, step_s: float) -> Any:
    """A load with a series for every compute rack, none like another."""
    from twin.loads.load import Load

    series, generator = {}, np.random.default_rng(7)
    for i in range(racks):
        values = generator.random(steps)
        values *= 0.6
        values += 0.3
        series[f"compute.{i + 1}"] = values
    return Load(
        name=f"{racks} racks", source="generated for the benchmark", start=np.datetime64("2023-01-01T00:00:00", "s"), step_s=step_s,
        utc_offset_h=None, quantity="activity", boundary=None, series=series, devices=dict.fromkeys(series, 1), key=f"{racks}x{steps}",
    )  # fmt: skip


def racks(count: int, steps: int, step_s: float = HOUR, runs: int = 3) -> dict[str, Any]:
    """Racks each with a load of its own, against one pass of numpy over the same input."""
    import twin

    load, changes = individual(count, steps, step_s), hall(count)
    site = twin.load_site("gb300-10mw")
    before = peak_mib()
    turn = iter(range(1000))

    def one() -> Any:
        what = changes | {"cooling.fws.supply": f"{31.0 + 0.2 * next(turn)} degC"}
        return twin.summarize(
            twin.simulate(site, load=load, changes=what, step_s=step_s, hours=steps * step_s / HOUR)
        )

    def read() -> float:
        return float(sum(values.sum() for values in load.series.values()))

    if runs > 1:
        cpu(one, 1)
    spent, summary = cpu(one, runs)
    reading, _ = cpu(read, 5)
    return {
        "racks": count, "steps": steps, "cpu_s": spent, "read_cpu_s": reading, "ns_per_rack_step": spent / count / steps * 1e9,
        "input_mib": count * steps * 8 / 2**20, "rss_mib": peak_mib(), "rss_before_mib": before,
        "pue": summary.pue, "converged": summary.converged,
    }  # fmt: skip


def frontier() -> dict[str, Any]:
    """A day of Frontier at 15 s: 74 racks, 25 CDUs, heat into water as measured."""
    import twin

    reading, load = cpu(lambda: twin.load_trace(FRONTIER, boundary="cdu_heat"), 3)
    starts = iter(f"2023-04-{day:02d}T00:00" for day in range(1, 30))

    def one() -> Any:
        return twin.summarize(
            twin.simulate("frontier", load=load, step_s=15.0, hours=24.0, start=next(starts))
        )

    first, _ = cpu(one, 1)
    spent, summary = cpu(one, 3)
    return {
        "read_cpu_s": reading, "first_cpu_s": first, "cpu_s": spent, "rss_mib": peak_mib(), "pue": summary.pue,
        "closure": summary.energy_closure, "chip_degc": summary.max_chip_temperature_degc, "trace_mwh": load.report.integral / 3.6e9,
    }  # fmt: skip


def walks(racks: int, steps: int) -> Any:
    """A load for a transient: every rack's activity wanders by a hundredth each second, none like another."""
    from twin.loads.load import START, Load

    generator, series = np.random.default_rng(1), {}
    for i in range(racks):
        values = generator.standard_normal(steps)
        values *= 0.01
        np.cumsum(values, out=values)
        values += generator.uniform(0.5, 0.9)
        series[f"compute.{i + 1}"] = np.clip(values, 0.2, 1.0, out=values)
    return Load(
        name=f"{racks} walks", source="generated for the benchmark", start=START, step_s=1.0, utc_offset_h=None, quantity="activity",
        boundary=None, series=series, devices=dict.fromkeys(series, 1), key=f"walks {racks}x{steps}",
    )  # fmt: skip


def play(case: str, racks: int, hours: float, compiled: bool, runs: int) -> dict[str, Any]:
    """A transient: racks with a load of their own each second, Frontier's day, or a failure; with kernels or without."""
    from twin_sites.loader import change_site

    import twin
    from twin.transients import fused

    fused.MANY, fused.LONG = (1, 0.0) if compiled else (1, math.inf)
    site = twin.load_site("gb300-10mw")
    arguments: dict[str, Any] = {"load": walks(racks, round(hours * HOUR))} if case == "racks" else {}
    if case == "frontier":
        site, arguments = twin.load_site("frontier"), {"load": twin.load_trace(FRONTIER, boundary="cdu_heat")}
    else:
        site = change_site(site, hall(racks))
    if case == "failure":
        arguments = {"events": ["t=60s trip power.utility"]}
    before = peak_mib()
    twin.transient(site, until=90.0, **arguments)
    spent, ds = cpu(lambda: twin.transient(site, until=hours * HOUR, **arguments), runs)
    return {
        "cpu_s": spent, "steps": ds.attrs["steps"], "closure": ds.attrs["energy_closure"], "rss_mib": peak_mib(),
        "rss_before_mib": before, "chip_degc": float(ds.rack_chip_temperature.max()),
    }  # fmt: skip


def start() -> dict[str, Any]:
    """Wall seconds of ``twin --help`` and ``import twin``, with a bare interpreter beside them."""

    def wall(*command: str) -> float:
        spent = []
        for _ in range(7):
            begin = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            spent.append(time.perf_counter() - begin)
        return statistics.median(spent)

    return {
        "bare_s": wall(sys.executable, "-c", "pass"),
        "import_s": wall(sys.executable, "-c", "import twin"),
        "help_s": wall(sys.executable, "-m", "twin.cli", "--help"),
    }


def machine() -> str:
    """Processor, cores and Python, as a reader would name them."""
    lines = (
        Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if Path("/proc/cpuinfo").exists()
        else []
    )
    name = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    return f"{name}, Python {platform.python_version()}, numpy {np.__version__}"


def apart(*arguments: str) -> dict[str, Any]:
    """A case in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table() -> str:
    """Every case as a page of the docs."""
    year, plus = apart("site_year"), apart("energyplus")
    hundred, thousand = apart("racks", "--racks", "100"), apart("racks", "--racks", "1000")
    minute = apart("racks", "--racks", "100", "--steps", "525600", "--step", "60", "--runs", "1")
    begin = apart("start")
    rows = [
        ("`gb300-10mw`, an hourly year, warm, other changes each time", f"{year['cpu_s'] * 1e3:.0f} ms", "25 ms", f"{year['rss_mib']:.0f} MiB",
         f"EnergyPlus year {plus['cpu_s']:.2f} CPU-s ({plus['how']}): {plus['cpu_s'] / year['cpu_s']:.1f} times ours"),
        *(
            (f"{case['racks']:,} racks each with its own load, {words}", _seconds(case["cpu_s"]), goal, f"{case['rss_mib']:,.0f} MiB",
             f"{case['ns_per_rack_step']:.0f} ns a rack-step; {case['cpu_s'] / case['read_cpu_s']:,.0f} times a numpy read pass over its {case['input_mib']:.0f} MiB")
            for case, words, goal in (
                (hundred, "hourly year", "60 ms"), (thousand, "hourly year", "0.3 s"), (minute, "year at one minute", "2 s, 1,024 MiB"))
        ),
    ]  # fmt: skip
    if FRONTIER.exists():
        day = apart("frontier")
        rows.append(("Frontier, 24 h at 15 s, 74 racks, 25 CDUs, plant, chips", _seconds(day["cpu_s"]), "0.5 s, 410 MiB", f"{day['rss_mib']:.0f} MiB",
                     f"reading the trace {_seconds(day['read_cpu_s'])} more; kept figure of ExaDigiT RAPS, electrical power alone: 16.5 CPU-s, 1.9 GB (2 Xeon cores, 2026-11)"))  # fmt: skip
    rows += played()
    rows += [
        (
            "`twin --help`",
            f"{begin['help_s'] * 1e3:.0f} ms wall",
            "300 ms",
            "",
            f"a bare interpreter {begin['bare_s'] * 1e3:.0f} ms",
        ),
        ("`import twin`", f"{begin['import_s'] * 1e3:.0f} ms wall", "", "", ""),
    ]
    lines = [
        "# Speed and memory", "",
        "Written by `python tests/bench/measure.py --all --write`; `make bench` measures the same and asserts the ratios.",
        f"Measured {datetime.date.today().isoformat()} on one core of: {machine()}. Seconds are CPU seconds, medians in one process after",
        "a first run; a shared machine moves them by a quarter either way, so read the ratios. Goals are goals: a row above its",
        "goal says so by its number.", "",
        "| case | measured | goal | peak memory | beside it |", "|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows), "",
        f"**On EnergyPlus**: {plus['caveat']}", "",
        f"A run of 24 steps of `gb300-10mw` costs {year['day_cpu_s'] * 1e3:.0f} ms: that much of its year goes into the number of operations and not",
        "of steps: reading the changes, three or four small sweeps for the hours at which a tower cannot hold its set point, the result.", "",
        "Of a transient's step of a thousand racks about half is the plant, whose machines are followed one by one in Python whatever the racks are:",
        "that is what keeps the compiled run from its goal, and a failure, in which few racks differ, from its own. Loads of a second",
        "need no steps of a second: racks go through every change of load within a step. The load of a thousand racks, 86,400 float64",
        "for each, is 660 MiB of the memory. Results are kept every 12 s here (`--every 1s --out run.zarr` keeps every second).", "",
        "The minute year holds its input, 401 MiB of float64, and its result, 634 MiB, in memory; the figure includes both. Of the time of",
        "100 racks about two fifths are the racks, each worked once (110 ns a rack-step), the rest is the plant.", "",
        "What limits further: of an hourly year some 40 of 60 ms grow with its steps and 20 do not; two sweeps over all hours take half of it, three over",
        "the hours at which a tower floats a tenth, the last full working of the links, the start and the labelled result a tenth each. Powers and",
        "exponentials cost three to ten times a product. The second sweep cannot be left out: losses of the electrical chain that the first starts",
        "from are off by 5e-6 of the meter, and the tolerance is 1e-8. Smaller blocks of steps or of racks cost more than they save in cache.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def played() -> list[tuple[str, ...]]:
    """Rows of transients."""
    kinds = (
        (("numpy alone", ()), ("compiled by numba", ("--compiled",)))
        if importlib.util.find_spec("numba")
        else (("numpy alone", ()),)
    )
    cases = [
        (f"{racks:,} racks, 24 h, every rack's load anew each second, {kind}", apart("play", "--racks", str(racks), "--runs", "1", *flags),
         {(1000, "numpy alone"): "20 s, 1,024 MiB", (1000, "compiled by numba"): "5 s"}.get((racks, kind), ""))
        for racks in (100, 1000) for kind, flags in kinds
    ]  # fmt: skip
    if FRONTIER.exists():
        cases += [
            (f"Frontier's day with its cooling, load each 15 s, {kind}", apart("play", "--what", "frontier", "--runs", "1", *flags), "16 s")
            for kind, flags in kinds
        ]  # fmt: skip
    failure = apart("play", "--what", "failure", "--hours", "0.5")
    cases.append(("loss of the utility, 100 racks, 30 min", failure, "0.3 s"))
    return [
        (f"transient: {name}", _seconds(case["cpu_s"]), goal, f"{case['rss_mib']:,.0f} MiB",
         f"{case['steps']:,} steps, {case['cpu_s'] / case['steps'] * 1e3:.1f} ms each; {case['rss_before_mib']:,.0f} MiB before the first")
        for name, case, goal in cases
    ]  # fmt: skip


def _seconds(value: float) -> str:
    return f"{value * 1e3:.0f} ms" if value < 1.0 else f"{value:.1f} s"


def main() -> None:
    """Read what to measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "case", nargs="?", choices=("site_year", "energyplus", "racks", "frontier", "play", "start")
    )
    parser.add_argument("--what", choices=("racks", "frontier", "failure"), default="racks", help="of play")
    parser.add_argument("--hours", type=float, default=24.0, help="of play")
    parser.add_argument("--compiled", action="store_true", help="play with compiled kernels")
    parser.add_argument("--racks", type=int, default=100)
    parser.add_argument("--steps", type=int, default=8760)
    parser.add_argument("--step", type=float, default=HOUR)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="all cases as a table")
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE.relative_to(ROOT)}")
    chosen = parser.parse_args()
    if chosen.all or chosen.case is None:
        page = table()
        if chosen.write:
            PAGE.write_text(page, encoding="utf-8")
        sys.stdout.write(page)
        return
    if chosen.case == "racks":
        found = racks(chosen.racks, chosen.steps, chosen.step, chosen.runs)
    elif chosen.case == "play":
        found = play(chosen.what, chosen.racks, chosen.hours, chosen.compiled, chosen.runs)
    else:
        found = {"site_year": site_year, "energyplus": energyplus, "frontier": frontier, "start": start}[
            chosen.case
        ]()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
