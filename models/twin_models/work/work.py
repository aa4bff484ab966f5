"""What accelerators work on: tokens for activity, in training and in inference, and what caps and throttling cost.

A reference throughput stands for one package at ``busy_activity``. Tokens follow the share of packages that work, hence
a straight line in activity from ``idle_activity``, so that means over any step give the same sum; what throttling, a
power cap or a locked clock takes from dynamic power costs speed by ``accelerator.dvfs``.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np

from twin_models.accelerator.accelerator import Accelerator
from twin_models.accelerator.dvfs import clock_for, speed
from twin_models.fields import Choice, Parameters, Quantity
from twin_models.streams import Array, Real

SERVING_PARAMETERS = 70e9  # of the model behind `Accelerator.serving`
TRAINING_FLOP = 6.0  # per parameter and token: forward 2, backward 4 (Kaplan et al. 2020, arXiv 2001.08361)


@dataclass(frozen=True, kw_only=True)
class Work(Parameters):
    """What the accelerators of a rack group do, and how fast."""

    task: Annotated[Literal["training", "inference"], Choice("Task")]
    model: Annotated[str, Choice("Model")] = ""
    parameters: Annotated[float, Quantity("1", "Active parameters per token", 1e6, 1e14)] = 70e9
    tokens: Annotated[
        float | None, Quantity("1/s", "Tokens per second of one busy accelerator", 0.0, 1e7, "estimate")
    ] = None
    utilisation: Annotated[
        float, Quantity("1", "Training FLOP over dense BF16 peak", 0.01, 1.0, shown="%", shown_ip="%")
    ] = 0.40
    compute_share: Annotated[
        float, Quantity("1", "Share of its time that waits for the clock", 0.0, 1.0, shown="%", shown_ip="%")
    ] = 0.5
    busy_activity: Annotated[
        float, Quantity("1", "Activity of a busy accelerator", 0.05, 1.0, "estimate")
    ] = 0.9
    idle_activity: Annotated[
        float, Quantity("1", "Activity of an idle accelerator", 0.0, 0.5, "estimate")
    ] = 0.08
    batch: Annotated[float, Quantity("1", "Answers written at once", 1.0, 4096.0, "estimate")] = 64.0
    network_loss: Annotated[
        float, Quantity("1", "Network degradation", 0.0, 0.5, "estimate", shown="%", shown_ip="%")
    ] = 0.0
    network_sensitivity: Annotated[
        float, Quantity("1", "Longer training per network degradation", 0.0, 10.0, "estimate")
    ] = 3.5
    stall_activity: Annotated[
        float, Quantity("1", "Activity while waiting for the network", 0.0, 1.0, "estimate")
    ] = 0.45

    def __post_init__(self) -> None:
        if self.idle_activity >= self.busy_activity:
            raise ValueError(
                f"idle_activity {self.idle_activity:g} must be below busy_activity {self.busy_activity:g}"
            )

    @property
    def stretch(self) -> float:
        """Time that a step of training takes over that with a sound network.

        Published: 10 % of degradation make training 30 to 40 % longer, hence 1 + 3.5 × degradation; inference is not
        stretched.
        """
        return 1.0 + self.network_sensitivity * self.network_loss if self.task == "training" else 1.0

    @property
    def level(self) -> float:
        """Activity of a busy accelerator, what it waits for the network included."""
        part = 1.0 / self.stretch
        waiting = min(max(self.stall_activity, self.idle_activity), self.busy_activity)
        return part * self.busy_activity + (1.0 - part) * waiting


class Rate(NamedTuple):
    """Tokens per second of one busy accelerator, and what the number rests on."""

    tokens: float
    basis: str  # stated | benchmark | estimate
    how: str


def reference_rate(work: Work, chip: Accelerator) -> Rate | None:
    """Throughput of one busy package; ``None`` where nothing is known. A stated number goes before all others.

    Training: ``utilisation`` × dense BF16 peak over 6 FLOP per parameter and token. Inference: the package's benchmark
    with Llama 2 70B, in inverse proportion to the active parameters (decode moves every weight once per step).
    """
    if work.tokens is not None:
        return Rate(work.tokens, "stated", "as stated for the work")
    if work.task == "training":
        if chip.bf16 is None:
            return None
        how = f"{100 * work.utilisation:g} % of {chip.bf16 / 1e12:g} TFLOP/s over 6 FLOP per parameter and token"
        return Rate(work.utilisation * chip.bf16 / (TRAINING_FLOP * work.parameters), "estimate", how)
    if chip.serving is None:
        return None
    same = work.parameters == SERVING_PARAMETERS
    how = f"{chip.serving:g} tokens/s with Llama 2 70B" + (
        "" if same else f", scaled to {work.parameters / 1e9:g} billion parameters"
    )
    return Rate(chip.serving * SERVING_PARAMETERS / work.parameters, "benchmark" if same else "estimate", how)


def working_share(activity: Real, work: Work) -> Array:
    """Share of packages that work: a straight line, 0 at ``idle_activity`` and 1 at ``work.level``."""
    a = np.asarray(activity, dtype=float)
    return np.maximum(a - work.idle_activity, 0.0) / (work.level - work.idle_activity)


def stalled(activity: Real, work: Work) -> Array:
    """Activity with the stalls of a degraded network, for one without: the busy level falls to ``work.level``."""
    return _scaled(
        activity, (work.level - work.idle_activity) / (work.busy_activity - work.idle_activity), work
    )


def unstalled(activity: Real, work: Work) -> Array:
    """The inverse of ``stalled``."""
    return _scaled(
        activity, (work.busy_activity - work.idle_activity) / (work.level - work.idle_activity), work
    )


def _scaled(activity: Real, factor: float, work: Work) -> Array:
    a, idle = np.asarray(activity, dtype=float), work.idle_activity
    return np.where(a > idle, idle + (a - idle) * factor, a)


def activity_for(working: Real, work: Work) -> Array:
    """Activity at which a share of the packages works: the inverse of ``working_share``."""
    return work.idle_activity + np.asarray(working, dtype=float) * (work.level - work.idle_activity)


def remaining_speed(asked: Real, done: Real, work: Work, chip: Accelerator) -> Array:
    """Throughput over that without throttling, cap and locked clock, for activity asked and done (means of packages).

    What is missing in the mean is missing in the packages that work: at ``max(asked, work.level)`` each.
    """
    a, d = np.asarray(asked, dtype=float), np.asarray(done, dtype=float)
    level = np.maximum(a, work.level)
    working = np.maximum(a - work.idle_activity, 0.0) / (level - work.idle_activity)
    missing = np.minimum(np.maximum(a - d, 0.0) / np.where(working > 0.0, working * level, np.inf), 1.0)
    clock = clock_for((1.0 - missing) ** chip.activity_exponent, chip.voltage_floor, chip.voltage_knee)
    return np.where(missing > 0.0, np.minimum(speed(clock, work.compute_share), 1.0), 1.0)


def tokens(asked: Real, done: Real, rate: float, work: Work, chip: Accelerator) -> Array:
    """Tokens per second of one package, mean of those that work and those that wait; shapes broadcast."""
    return rate / work.stretch * working_share(asked, work) * remaining_speed(asked, done, work, chip)
