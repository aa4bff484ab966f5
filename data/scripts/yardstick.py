"""A fixed piece of work, in whose CPU time other times are told: a ratio holds on other machines, seconds do not."""

import statistics
import time

import numpy as np


def work() -> float:
    """Interpreted arithmetic, many small array operations and a few dense systems, some 15 ms together."""
    total = 0.0
    for i in range(60_000):
        total += 1.0 / (i + 1.0)
    values = np.linspace(0.1, 1.0, 300)
    for _ in range(1_500):
        values = np.sqrt(values * values + 1e-3)
    matrix = np.eye(120) * 120.0 + np.outer(np.sin(np.arange(120.0)), np.cos(np.arange(120.0)))
    for _ in range(8):
        total += float(np.linalg.solve(matrix, np.ones(120))[0])
    return total + float(values[0])


def seconds(runs: int = 9) -> float:
    """Median CPU seconds of `work`."""
    work()
    spent = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return statistics.median(spent)
