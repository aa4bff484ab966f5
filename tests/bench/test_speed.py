"""Whole cases, measured and printed; what is asserted are ratios of one run and bounds of memory."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MEASURE = HERE / "measure.py"
FRONTIER = HERE.parents[2] / "shared" / "data" / "facility" / "frontier_cdu_power_2024-04-07_15s.csv.gz"
SLACK = 1.6
pytestmark = pytest.mark.bench


def measured(*arguments: str) -> dict[str, Any]:
    """A case of ``measure.py`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(MEASURE), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def say(line: str) -> None:
    """A figure for the person who runs the benchmarks."""
    sys.stdout.write(f"\n  {line}")


def test_year_of_a_site_against_energyplus() -> None:
    """An hourly year of a whole facility costs less than EnergyPlus' year of a plant."""
    ours, theirs = measured("site_year"), measured("energyplus")
    ratio = theirs["cpu_s"] / ours["cpu_s"]
    say(
        f"gb300-10mw, hourly year, warm: {ours['cpu_s'] * 1e3:.0f} ms (goal 25), first {ours['first_cpu_s']:.2f} s, {ours['rss_mib']:.0f} MiB"
    )
    say(
        f"EnergyPlus year of our plant file: {theirs['cpu_s']:.2f} CPU-s ({theirs['how']}), {ratio:.1f} times ours. {theirs['caveat']}"
    )
    assert ours["converged"]
    if theirs["how"].startswith("run"):
        assert ratio > 1.0


def test_racks_with_loads_of_their_own() -> None:
    """A thousand racks cost no more per rack than a hundred; the memory beside the input does not grow with them."""
    hundred, thousand = measured("racks", "--racks", "100"), measured("racks", "--racks", "1000")
    for case, goal in ((hundred, "60 ms"), (thousand, "300 ms")):
        say(
            f"{case['racks']} racks, hourly year: {case['cpu_s'] * 1e3:.0f} ms (goal {goal}), {case['ns_per_rack_step']:.0f} ns a rack-step, "
            f"{case['cpu_s'] / case['read_cpu_s']:,.0f} times a numpy read pass, {case['rss_mib']:.0f} MiB"
        )
    assert hundred["converged"]
    assert thousand["converged"]
    assert thousand["ns_per_rack_step"] < SLACK * hundred["ns_per_rack_step"]


def test_transients() -> None:
    """Half an hour of racks with a load of their own each second: ten times the racks are no ten times the cost."""
    kinds = ((), ("--compiled",)) if importlib.util.find_spec("numba") else ((),)
    for kind in kinds:
        few, many = (
            measured("play", "--racks", racks, "--hours", "0.5", "--runs", "2", *kind)
            for racks in ("100", "1000")
        )
        for case, racks in ((few, 100), (many, 1000)):
            say(
                f"{racks} racks, half an hour {' '.join(kind)}: {case['cpu_s'] * 1e3:.0f} ms in {case['steps']} steps, {case['rss_mib']:.0f} MiB"
            )
            assert case["closure"] < 1e-6
        assert many["cpu_s"] / many["steps"] < 5.0 * few["cpu_s"] / few["steps"]
    failure = measured("play", "--what", "failure", "--hours", "0.5")
    say(f"loss of the utility, 100 racks, 30 min: {failure['cpu_s'] * 1e3:.0f} ms (goal 300)")
    assert failure["closure"] < 1e-6


def test_year_at_one_minute() -> None:
    """Sixty times the steps cost at most about sixty times the hourly year."""
    hourly = measured("racks", "--racks", "100")
    minute = measured("racks", "--racks", "100", "--steps", "525600", "--step", "60", "--runs", "1")
    beside = minute["rss_mib"] - minute["rss_before_mib"]
    say(
        f"100 racks, a year at one minute: {minute['cpu_s']:.1f} s (goal 2), {minute['rss_mib']:,.0f} MiB (goal 1,024), "
        f"of which {beside:,.0f} MiB beside the {minute['input_mib']:.0f} MiB of input"
    )
    assert minute["converged"]
    assert minute["cpu_s"] < 60.0 * SLACK * hourly["cpu_s"]


@pytest.mark.skipif(not FRONTIER.exists(), reason="the Frontier trace is not beside this checkout")
def test_frontier_day() -> None:
    """A day of Frontier at 15 s; RAPS needs 16.5 CPU-s for the electrical power alone (kept figure, 2 Xeon cores, 2026-11)."""
    found = measured("frontier")
    say(
        f"Frontier, 24 h at 15 s, 74 racks, 25 CDUs: {found['cpu_s'] * 1e3:.0f} ms (goal 500), reading {found['read_cpu_s'] * 1e3:.0f} ms, "
        f"{found['rss_mib']:.0f} MiB (goal 410), PUE {found['pue']:.4f}, closure {found['closure']:.1e}"
    )
    assert found["rss_mib"] < 410.0
    assert found["closure"] < 1e-6


def test_start() -> None:
    """The command line answers at once."""
    found = measured("start")
    say(
        f"twin --help {found['help_s'] * 1e3:.0f} ms (goal 300), import twin {found['import_s'] * 1e3:.0f} ms, python {found['bare_s'] * 1e3:.0f} ms"
    )
    assert found["help_s"] < 0.3 * max(1.0, found["bare_s"] / 0.02)
