"""Synthetic activity of AI work: training, inference and a mix, for any step, repeatable from a seed.

Activity is the share of the accelerators' dynamic range between idle and rated power, averaged over each step
and over all devices of a hall. Events and noise are drawn on the axis of seconds and then averaged exactly,
so that a finer step or a longer series of the same seed tells the same story.

Numbers come from public records:

* training: GPT-3 on 512 H100 (MLPerf Training v4.0, hall power at 2 s). Of the range from idle (141 kW) to
  all nodes at their highest (472 kW): plateau 0.954; dips of 11 % of power for 2 s at each step of 10.9 s and
  of 16 % for 15 s every 142 s are 0.16 and 0.23 of the plateau's activity; the run's mean is 0.90;
* inference: ServeGen (Alibaba) m-small, shape of the day, 10-minute autocorrelation 0.88, variation 0.3. A
  busy H200 server itself is flat, so the day belongs to the number of busy servers;
* idle with a model loaded: 0.17 of rated power against 0.10 when empty (H100), 0.08 of the range.

How often jobs start, end and fail is an estimate.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from twin.files import fault

Array = NDArray[np.float64]
Kind = Literal["training", "inference", "mixed"]
KINDS: tuple[Kind, ...] = get_args(Kind)

HOUR_S = 3600.0
LOADED_IDLE = 0.08
# Training: level between the dips; period s, length s and depth (share of the level) of each kind of dip.
PLATEAU = 0.954
DIPS = ((10.9, 2.0, 0.16), (142.0, 15.0, 0.23))
DRIFT = 0.01  # slow spread of the level, by the hour
JOB_HOURS = (240.0, 0.6)  # median and log spread of a job's length (estimate)
PAUSE_HOURS = (2.0, 0.8)  # median and log spread of the pause between jobs (estimate)
FAILURE_HOURS = 40.0  # mean time between interruptions of a large job (estimate)
RESTART_HOURS = (0.5, 0.5)  # median and log spread (estimate)
# Inference.
# fmt: off
DAY_CURVE = np.array([  # requests by hour of day, mean 1
    0.84, 0.71, 0.73, 0.68, 0.71, 0.66, 0.68, 0.85, 1.02, 1.05, 1.13, 1.09,
    1.06, 1.07, 1.06, 1.05, 1.09, 1.08, 1.01, 1.23, 1.46, 1.40, 1.27, 1.06,
])
# fmt: on
WINDOW_S = 600.0
AUTOCORRELATION = 0.88  # from window to window
VARIATION = 0.30
BUSY_SERVERS = 0.55  # mean share of the servers that are busy (estimate: room for the evening peak)
BUSY_LEVEL = 0.85  # activity of a busy server; 0.65 to 0.98 by model
SURGE_CHANCE = 1e-3  # of a window with doubled requests
TRAINING_SHARE = 0.6  # of the mix
MAX_STEPS = 60_000_000


def activity(
    kind: Kind, n: int = 8760, step_s: float = HOUR_S, seed: int = 0, start_hour: float = 0.0
) -> Array:
    """Activity per step, shape (n,), between 0 and 1; ``start_hour`` is the hour of day of the first step.

    Raises ``InputError`` for an unknown kind or a length or step that makes no sense.
    """
    if kind not in KINDS:
        raise fault("load", f"'{kind}'", " or ".join(KINDS), "choose one")
    if not (1 <= n <= MAX_STEPS and 1e-3 <= step_s <= 1e9 and n * step_s <= 1e10 and seed >= 0):
        raise fault(
            "load", f"{n} steps of {step_s:g} s, seed {seed}", f"1 to {MAX_STEPS} steps, seed from 0", ""
        )
    edges: Array = np.arange(n + 1, dtype=np.float64) * step_s
    if kind == "training":
        return _training(edges, seed)
    if kind == "inference":
        return _inference(edges, seed, start_hour)
    return np.asarray(
        TRAINING_SHARE * _training(edges, seed) + (1.0 - TRAINING_SHARE) * _inference(edges, seed, start_hour)
    )


def _training(edges: Array, seed: int) -> Array:
    """A hall that works on one synchronous job after the other."""
    starts, ends = _runs(np.random.default_rng([seed, 1]), float(edges[-1]))
    moments = np.column_stack((starts, ends)).ravel()
    done = np.cumsum(np.column_stack((np.zeros(starts.size), ends - starts)).ravel())
    worked = np.diff(np.interp(edges, moments, done)) / np.diff(edges)
    hours = int(edges[-1] / HOUR_S) + 2
    drift = DRIFT * _red_noise(np.random.default_rng([seed, 2]), hours, 0.9)
    level = PLATEAU * (1.0 + np.interp(0.5 * (edges[:-1] + edges[1:]), np.arange(hours) * HOUR_S, drift))
    level *= dips(edges)
    return np.asarray(LOADED_IDLE + (np.minimum(level, 1.0) - LOADED_IDLE) * worked)


def _runs(rng: np.random.Generator, span_s: float) -> tuple[Array, Array]:
    """Starts and ends of uninterrupted work, s: jobs with pauses between, failures and restarts within."""
    runs: list[tuple[float, float]] = []
    now = 0.0
    while now < span_s:
        left = JOB_HOURS[0] * rng.lognormal(0.0, JOB_HOURS[1])
        while left > 0.0:
            run = min(rng.exponential(FAILURE_HOURS), left)
            runs.append((now, now + run * HOUR_S))
            left -= run
            median, spread = RESTART_HOURS if left > 0.0 else PAUSE_HOURS
            now += (run + median * rng.lognormal(0.0, spread)) * HOUR_S
    table = np.array(runs)
    return table[:, 0], table[:, 1]


def dips(edges: Array) -> Array:
    """Level that the dips of steps and checkpoints leave, mean of each interval of the last axis; no step dips in a checkpoint."""
    left: Array = np.ones(1)
    outside: Array = np.ones(1)
    for period, length, depth in reversed(DIPS):
        inside = _pulses(edges, period, length) * outside
        left, outside = left - depth * inside, outside - inside
    return left


def _pulses(edges: Array, period: float, length: float) -> Array:
    """Share of each step inside pulses of ``length`` at the end of every ``period``, exact for any step."""
    whole, part = np.divmod(edges, period)
    inside = whole * length + np.maximum(part - (period - length), 0.0)
    return np.asarray(np.diff(inside, axis=-1) / np.diff(edges, axis=-1))


def _inference(edges: Array, seed: int, start_hour: float) -> Array:
    """Servers that are busy or idle with the model loaded; requests follow the day."""
    moments, busy = busy_share(float(edges[-1]), seed, start_hour)
    level = LOADED_IDLE + (BUSY_LEVEL - LOADED_IDLE) * busy
    total = np.concatenate(([0.0], np.cumsum(level) * WINDOW_S))
    return np.diff(np.interp(edges, moments, total)) / np.diff(edges)


def busy_share(span_s: float, seed: int, start_hour: float) -> tuple[Array, Array]:
    """Share of the servers that are busy, per window of 10 minutes; and the ends of the windows, s, one more."""
    windows = int(span_s / WINDOW_S) + 1
    noise = _red_noise(np.random.default_rng([seed, 3]), windows, AUTOCORRELATION)
    surge = np.random.default_rng([seed, 4]).random(windows) < SURGE_CHANCE
    hour = start_hour + (np.arange(windows) + 0.5) * WINDOW_S / HOUR_S
    day = np.interp(hour, np.arange(24) + 0.5, DAY_CURVE, period=24.0)
    busy = BUSY_SERVERS * day * np.exp(VARIATION * noise - 0.5 * VARIATION**2) * (1.0 + surge)
    # More requests than all servers can take wait in line: the share of busy servers ends at 1.
    return np.arange(windows + 1, dtype=np.float64) * WINDOW_S, np.asarray(np.minimum(busy, 1.0))


def _red_noise(rng: np.random.Generator, n: int, memory: float) -> Array:
    """First-order autoregressive noise of unit variance, as a sum over the last steps that still matter."""
    reach = int(np.log(1e-3) / np.log(memory))
    kernel = memory ** np.arange(reach)
    white = rng.standard_normal(n + reach)
    return np.convolve(white, kernel / np.sqrt(np.sum(kernel**2)), mode="valid")[:n]
