"""Reading telemetry: a million rows of three kinds, against a plain pass that splits each line.

    python -m pytest tests/bench/test_traces_speed.py -m bench -s

Ten million rows are to be read in 20 s and 1 GB; the work per row does not grow with the file, and memory is bounded by
``MAX_READINGS``.
"""

import time
from pathlib import Path

import numpy as np
import pytest

from twin.loads.traces.inspect import inspect_trace

pytestmark = pytest.mark.bench

ROWS = 1_000_000
GOAL_S = 20.0 * ROWS / 10_000_000
MOST_TIMES_SPLITTING = 12.0  # measured 3 to 6, imports included; the margin is for a shared machine


def rows(kind: str) -> str:
    watts = np.random.default_rng(1).uniform(60.0, 700.0, ROWS)
    if kind == "dcgmi":
        head = "#Entity   GPUTL  MCUTL  POWER  TOTEC     TMPTR  MMTMP\nID                       W      mJ        C      C\n"
        return "".join(
            f"{head if i % 25 == 0 else ''}GPU {i % 8}     0      0      {w:.1f}   2.07e+11  24     40\n"
            for i, w in enumerate(watts)
        )
    stamps = np.datetime_as_string(
        np.datetime64("2025-07-01") + np.arange(ROWS // 8).astype("timedelta64[s]"), "s"
    )
    if kind == "nvidia-smi":
        head = "timestamp, index, power.draw [W], utilization.gpu [%]\n"
        clock = [stamp.replace("-", "/").replace("T", " ") for stamp in stamps]
        return head + "".join(
            f"{clock[i // 8]}.70{i % 8}, {i % 8}, {w:.2f} W, 99 %\n" for i, w in enumerate(watts)
        )
    return "timestamp,gpu,power_w\n" + "".join(
        f"{stamps[i // 8]}Z,gpu{i % 8},{w:.2f}\n" for i, w in enumerate(watts)
    )


@pytest.mark.parametrize("kind", ["dcgmi", "nvidia-smi", "csv"])
def test_a_million_rows(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(rows(kind))
    begin = time.process_time()
    found = inspect_trace(path)
    ours = time.process_time() - begin
    assert (found.rows_read, found.rows_skipped, len(found.series)) == (ROWS, 0, 8)
    begin = time.process_time()
    with path.open() as stream:
        words = sum(len(line.split("," if kind != "dcgmi" else None)) for line in stream)
    plain = time.process_time() - begin
    assert words > ROWS
    print(  # noqa: T201
        f"\n{kind}: {ours:.2f} CPU-s for a million rows (goal {GOAL_S:g} s), {ours / plain:.2f} times a plain pass that splits each line"
    )
    assert ours < MOST_TIMES_SPLITTING * plain
