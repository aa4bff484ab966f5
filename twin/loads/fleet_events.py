"""Who works when: the runs of jobs on racks, drawn on the axis of seconds, so that any step and length tells one story.

Numbers: shared servers by Cornell BioHPC (hourly, one to three years; busy spells of median 4 to 5 h, p90 40 to 47 h);
jobs of a synchronous hall, failures and restarts as in ``twin.loads.generate`` (estimates). How sizes of batch jobs spread
is an estimate: each doubling is equally likely, up to a quarter of the racks.
"""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.loads.generate import FAILURE_HOURS, HOUR_S, JOB_HOURS, PAUSE_HOURS, RESTART_HOURS

Racks = NDArray[np.intp]
SPELL_HOURS = (
    2.8,
    1.9,
)  # median and log spread of a busy spell; seen by the hour, median 4 to 5 h and p90 40 to 47 h
IDLE_SPREAD = 1.8  # log spread of idle spells: median 6 to 14 h, p90 38 to 164 h
LONGEST_HOURS = 336.0  # queues end jobs after two weeks (estimate)
FAILING_RACKS = 100.0  # racks of the job whose mean time between failures is `FAILURE_HOURS`
LARGE = 4  # racks from which on a job is synchronous training
LARGEST_SHARE = 0.25  # of the racks, for one job
BACKFILL = 32  # waiting jobs that may overtake the first
LEVELS = (
    0.45,
    1.0,
)  # spread of the level of small jobs over that of large ones: 243 to 329 W of 400 (BioHPC)


class Run(NamedTuple):
    """Uninterrupted work of one job."""

    start: float  # s
    end: float  # s
    racks: Racks
    phase: float  # s, of the job's clock
    level: float  # over that of a busy rack
    large: bool  # synchronous, with the dips of its steps and checkpoints


def synchronous(racks: int, span_s: float, seed: int) -> list[Run]:
    """One job after the other on all racks."""
    rng = np.random.default_rng([seed, 1])
    everyone = np.arange(racks)
    out: list[Run] = []
    now = 0.0
    while now < span_s:
        length = JOB_HOURS[0] * rng.lognormal(0.0, JOB_HOURS[1]) * HOUR_S
        now = _attempts(out, rng, now, length, everyone, FAILURE_HOURS, 1.0)
        now += PAUSE_HOURS[0] * rng.lognormal(0.0, PAUSE_HOURS[1]) * HOUR_S
    return out


def shared(racks: int, span_s: float, seed: int, utilisation: float) -> list[Run]:
    """Every rack by itself, busy and idle in turn, busy for ``utilisation`` of its time in the long run."""
    median, spread = SPELL_HOURS
    idle_mean = median * np.exp(spread**2 / 2.0) * (1.0 - utilisation) / utilisation
    idle_median = idle_mean / np.exp(IDLE_SPREAD**2 / 2.0)
    out: list[Run] = []
    for rack in range(racks):
        rng = np.random.default_rng([seed, 5, rack])
        alone = np.array([rack])
        now = -idle_median * rng.lognormal(0.0, IDLE_SPREAD) * rng.random() * HOUR_S
        while now < span_s:
            busy = median * rng.lognormal(0.0, spread) * HOUR_S
            if now + busy > 0.0:
                out.append(Run(now, now + busy, alone, 0.0, rng.uniform(*LEVELS), large=False))
            now += busy + idle_median * rng.lognormal(0.0, IDLE_SPREAD) * HOUR_S
    out.sort(key=lambda run: (run.start, int(run.racks[0])))
    return out


def scheduled(racks: int, span_s: float, seed: int, utilisation: float) -> list[Run]:
    """Jobs that arrive, wait, and run on the free racks of lowest number: first come first served, with backfill.

    The next job comes when the last ones have filled ``utilisation`` of the racks, give or take: users hand in as they
    get through. What runs is that share, less what still waits.
    """
    rng = np.random.default_rng([seed, 6])
    largest = max(1.0, LARGEST_SHARE * racks)
    free = list(range(racks))
    ending: list[tuple[float, int, Racks]] = []
    waiting: list[tuple[int, float]] = []
    out: list[Run] = []
    arrival, number = 0.0, 0
    while arrival < span_s or (ending and ending[0][0] < span_s):
        if arrival < span_s and (not ending or arrival <= ending[0][0]):
            now = arrival
            length = min(SPELL_HOURS[0] * rng.lognormal(0.0, SPELL_HOURS[1]), LONGEST_HOURS) * HOUR_S
            size = int(max(largest ** rng.random(), 1.0))
            waiting.append((size, length))
            arrival += rng.gamma(4.0, 0.25) * size * length / (utilisation * racks)
        else:
            now, _, back = heapq.heappop(ending)
            for rack in back.tolist():
                heapq.heappush(free, rack)
        place = 0
        while place < min(len(waiting), BACKFILL) and free:
            size, length = waiting[place]
            if size > len(free):
                place += 1
                continue
            del waiting[place]
            own = np.array([heapq.heappop(free) for _ in range(size)])
            number += 1
            end = _start(out, np.random.default_rng([seed, 7, number]), now, length, own)
            heapq.heappush(ending, (end, number, own))
    out.sort(key=lambda run: (run.start, int(run.racks[0])))
    return out


def _start(out: list[Run], rng: np.random.Generator, now: float, length: float, racks: Racks) -> float:
    """Put one job's runs down; its end."""
    if racks.size >= LARGE:
        return _attempts(out, rng, now, length, racks, FAILURE_HOURS * FAILING_RACKS / racks.size, 1.0)
    out.append(Run(now, now + length, racks, 0.0, rng.uniform(*LEVELS), large=False))
    return now + length


def _attempts(
    out: list[Run],
    rng: np.random.Generator,
    now: float,
    left: float,
    racks: Racks,
    failure_hours: float,
    level: float,
) -> float:
    """Runs of a synchronous job between its failures; the end of the last."""
    phase = rng.uniform(0.0, 1e4)
    while True:
        run = min(rng.exponential(failure_hours) * HOUR_S, left)
        out.append(Run(now, now + run, racks, phase + now, level, large=True))
        left -= run
        now += run
        if left <= 0.0:
            return now
        now += RESTART_HOURS[0] * rng.lognormal(0.0, RESTART_HOURS[1]) * HOUR_S
