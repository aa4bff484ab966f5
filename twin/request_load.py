"""Requests to power: a trace of requests as the load of the racks that answer them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.work.serving import Model, phases, serve
from twin_sites.schema import Racks

from twin.files import fault
from twin.load import START, Load, LoadReport, frozen
from twin.traces import requests
from twin.traces.source import Source

Array = NDArray[np.float64]


class RequestLoad(NamedTuple):
    """A load, and what it serves."""

    load: Load
    requests_per_s: float  # asked, mean
    served_share: float
    tokens_per_s: float  # written, mean
    tokens_in: float  # of one request, mean
    tokens_out: float
    busy_share: float  # of the accelerators, mean
    busy_activity: float  # of a busy one


def request_load(
    path: str | Path,
    racks: Racks,
    group: str = "compute",
    *,
    step_s: float = 60.0,
    batch: float = 64.0,
    times: float = 1.0,
    tokens_in: float | None = None,
    tokens_out: float | None = None,
) -> RequestLoad:
    """The load of a rack group that answers the requests of a file, shared out evenly.

    ``batch`` answers are written at once by one accelerator; ``times`` multiplies the rate. Tokens of a request are the
    file's means unless stated. What all accelerators together cannot serve waits and is lost to the tokens: see
    ``served_share``. The model is that of the racks' ``work``, 70 billion parameters without one. Raises ``InputError``.
    """
    chip = racks.accelerator
    found = requests.read(Source(Path(path)))
    where = Path(path).name
    read = tokens_in if tokens_in is not None else _mean(found.tokens_in)
    write = tokens_out if tokens_out is not None else _mean(found.tokens_out)
    if read is None or write is None:
        raise fault(
            where, "no tokens in and out", "columns of tokens, or numbers", "tokens_in=1155, tokens_out=211"
        )
    if not (batch >= 1.0 and times > 0.0 and 0.1 <= step_s <= 86400.0 and read >= 0.0 and write > 0.0):
        raise fault(
            where, f"batch {batch:g}, times {times:g}, step {step_s:g} s", "batch from 1, times above 0", ""
        )
    model = Model(racks.work.parameters if racks.work is not None else Model(70e9).parameters)
    one = phases(read, write, batch, model, chip) if chip is not None else None
    if one is None:
        allowed = "an accelerator with known peak and bandwidth"
        raise fault(
            f"racks.{group}",
            "throughput cannot be worked out",
            allowed,
            "state accelerator.bf16 and .bandwidth",
        )
    rate = times * _rates(found, step_s)
    idle = racks.work.idle_activity if racks.work is not None else 0.08
    done = serve(rate, racks.count * racks.accelerators, one, idle)
    served = float(done.requests.sum() / rate.sum()) if rate.sum() > 0.0 else 1.0
    notes = list(found.notes)
    if served < 1.0:
        notes.append(f"{100 * (1 - served):.2g} % of the requests are more than the racks can serve")
    load = Load(
        name=f"{where}, requests",
        source=f"file {where}: requests answered by {group}",
        start=found.stamps.first.astype("datetime64[s]") if found.stamps.first is not None else START,
        step_s=step_s,
        utc_offset_h=0.0 if found.stamps.utc else None,
        quantity="activity",
        boundary=None,
        series={group: np.asarray(done.activity, dtype=float)},
        devices={group: 1},
        report=LoadReport(rows=found.rows, unreadable=found.unreadable, notes=tuple(notes)),
    )
    return RequestLoad(
        frozen(load), float(rate.mean()), served, float(done.requests.mean()) * write, read, write,
        float(done.busy.mean()), float(one.activity),
    )  # fmt: skip


def _mean(values: Array | None) -> float | None:
    return None if values is None or not values.size else float(values.mean())


def _rates(found: requests.Requests, step_s: float) -> Array:
    """Requests per second in whole steps from the first; windows of a rate hold until the next."""
    first, last = float(found.seconds[0]), float(found.seconds[-1])
    if found.rate is None:
        n = max(int((last - first) / step_s), 1)
        counts = np.histogram(found.seconds, bins=first + np.arange(n + 1) * step_s)[0]
        return np.asarray(counts / step_s, dtype=float)
    window = float(np.median(np.diff(found.seconds)))
    n = max(int((last + window - first) / step_s), 1)
    ends = np.append(found.seconds, last + window)
    total = np.concatenate(([0.0], np.cumsum(found.rate * np.diff(ends))))
    return np.asarray(np.diff(np.interp(first + np.arange(n + 1) * step_s, ends, total)) / step_s)
