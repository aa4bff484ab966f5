"""A trace of fewer devices than a site has: copies of it, whose devices still move together.

The devices of one synchronous job dip at the same moment (measured correlation between nodes about 0.6), so that a copy
is always a whole job on one clock. Copies stand for one larger job (in step) or for several jobs (each moved in time).
"""

import numpy as np

from twin.files import fault
from twin.loads.load import MAX_VALUES
from twin.loads.traces.raw import Array


def spread(
    series: list[Array],
    racks: int,
    per_rack: int,
    first: int = 0,
    *,
    lag_steps: float = 0.0,
    seed: int = 0,
) -> Array:
    """Mean of the devices of each rack, shape (racks, n), from series of one device each, shape (n,).

    Rack r holds the devices ``first + r per_rack`` and following of an endless row of copies of the trace. In the first copy
    they stand in the order of the trace, in later ones shuffled by ``seed``. With ``lag_steps`` each later copy is moved
    as a whole by up to so many steps either way, what leaves at one end coming back at the other. Raises ``InputError``.
    """
    many, n = len(series), series[0].size
    if racks * n > MAX_VALUES:
        raise fault(
            "load.spread",
            f"{racks} racks of {n} steps",
            f"{MAX_VALUES:.0e} values",
            "spread: mean, or a shorter run",
        )
    out = np.zeros((racks, n))
    low, high = first // many, (first + racks * per_rack - 1) // many
    total: Array | None = None
    for copy in range(low, high + 1):
        rng = np.random.default_rng([seed, 5, copy])
        order = rng.permutation(many) if copy else np.arange(many)
        lag = int(np.rint(rng.uniform(-lag_steps, lag_steps))) if copy and lag_steps else 0
        begin, end = max(first, copy * many), min(first + racks * per_rack, (copy + 1) * many)
        device = begin
        while device < end:
            rack = (device - first) // per_rack
            until = min(first + (rack + 1) * per_rack, end)
            if until - device == many:  # the whole copy in one rack
                total = np.sum(series, axis=0) if total is None else total
                part = total
            else:
                part = np.sum([series[order[place - copy * many]] for place in range(device, until)], axis=0)
            out[rack] += np.roll(part, lag) if lag else part
            device = until
    return out / per_rack
