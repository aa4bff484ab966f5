"""From requests to power: how fast a package reads and writes, and how hard it works at each.

Reading a prompt (prefill) is bound by arithmetic, writing an answer (decode) by memory until batches are large:

    prefill = utilisation · peak / (2 N)                                             tokens/s
    step    = max((N w + b c k) / (bandwidth · efficiency), 2 N b / (utilisation · peak))    s for one token of b answers
    decode  = b / step                                                               tokens/s

with N active parameters of w bytes, b answers at once, c tokens of context each of k bytes. Roofline (Williams et al., CACM
2009); 2 FLOP per parameter and token. The two efficiencies were chosen by five published rates of an H200, see ``card.md``.
"""

from typing import NamedTuple

import numpy as np

from twin_models.accelerator.accelerator import Accelerator
from twin_models.streams import Array, Real

UTILISATION = 0.45  # of the peak in matrix work (calibrated)
EFFICIENCY = 0.60  # of the memory bandwidth (calibrated)
FLOP = 2.0  # per parameter and token
PREFILL_ACTIVITY = 0.95  # close to rated power (recalled)
# Decode of an H200 draws 137 to 300 W of 700 W (arXiv 2605.11999): 0.1 to 0.36 of the range above idle. Between a single
# answer and full batches power follows a logistic curve in the logarithm of the batch; its middle and slope are estimates.
DECODE_ACTIVITY = (0.10, 0.36)
MIDDLE_BATCH = 16.0


class Model(NamedTuple):
    """A language model as memory and arithmetic see it."""

    parameters: float  # active per token
    weight_bytes: float = 1.0  # of one parameter
    context_bytes: float = (
        163_840.0  # of one token of context; 80 layers, 8 heads of 128, keys and values of 1 byte
    )


class Phases(NamedTuple):
    """What one busy package does with a stream of like requests."""

    prefill: Array  # tokens/s while reading
    decode: Array  # tokens/s while writing
    requests: Array  # 1/s
    tokens: Array  # written per second, reading included
    reading: Array  # share of the time
    activity: Array  # mean of its dynamic range


def peak_of(chip: Accelerator) -> float | None:
    """Dense FLOP/s at 8 bits, or 16 where those are not known."""
    return chip.fp8 if chip.fp8 is not None else chip.bf16


def phases(tokens_in: Real, tokens_out: Real, batch: Real, model: Model, chip: Accelerator) -> Phases | None:
    """Rates of a package that serves requests of ``tokens_in`` and ``tokens_out`` with ``batch`` answers at once.

    All broadcast. ``None`` where the package's peak or bandwidth is not known. A model larger than one package is shared
    out: count its packages as one and divide.
    """
    peak, bandwidth = peak_of(chip), chip.bandwidth
    if peak is None or bandwidth is None:
        return None
    read = np.asarray(tokens_in, dtype=float)
    write = np.maximum(np.asarray(tokens_out, dtype=float), 1e-9)
    b = np.maximum(np.asarray(batch, dtype=float), 1.0)
    work = UTILISATION * peak / (FLOP * model.parameters)
    moved = model.parameters * model.weight_bytes + b * (read + 0.5 * write) * model.context_bytes
    step = np.maximum(moved / (EFFICIENCY * bandwidth), b / work)
    decode = b / step
    reading_s, writing_s = read / work, write / decode
    total = reading_s + writing_s
    share = reading_s / total
    activity = share * PREFILL_ACTIVITY + (1.0 - share) * decode_activity(b)
    return Phases(np.full(np.shape(total), work), decode, 1.0 / total, write / total, share, activity)


def decode_activity(batch: Real) -> Array:
    """Activity of a package that writes ``batch`` answers at once: logistic in log2 of the batch."""
    low, high = DECODE_ACTIVITY
    x = np.log2(np.maximum(np.asarray(batch, dtype=float), 1.0) / MIDDLE_BATCH)
    return np.asarray(low + (high - low) / (1.0 + np.exp(-x)))


class Served(NamedTuple):
    """What packages do for a rate of requests."""

    activity: Array  # mean over packages
    busy: Array  # share of packages
    requests: Array  # 1/s served
    waiting: Array  # requests in the queue at the end of each step


def serve(
    rate: Array, most: float, step_s: float, busy_activity: float, idle_activity: float = 0.08
) -> Served:
    """Activity of packages that can answer ``most`` requests per second for ``rate`` (n,) on steps of ``step_s``.

    What is more than they can answer waits, first come first served, and is answered as soon as there is room; packages
    without a request wait with the model loaded. The queue is the sum of the surplus above its lowest value so far
    (Lindley's recursion).
    """
    asked = np.maximum(np.asarray(rate, dtype=float), 0.0)
    surplus = np.cumsum((asked - most) * step_s)
    queue = surplus - np.minimum(np.minimum.accumulate(surplus), 0.0)
    done = np.clip(asked - np.diff(queue, prepend=0.0) / step_s, 0.0, most)
    busy = done / most
    return Served(idle_activity + busy * (busy_activity - idle_activity), busy, done, queue)
