"""Requests to power and tokens: a trace of requests as the load of the racks that answer them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.work.serving import Model, phases, serve
from twin_sites.loader import change_site
from twin_sites.schema import Racks, Site

from twin.files import fault
from twin.loads.load import MAX_VALUES, START, Load, LoadReport, frozen
from twin.loads.read import loads
from twin.loads.traces import requests
from twin.loads.traces.formats import REQUESTS, format_of
from twin.loads.traces.source import Source

Array = NDArray[np.float64]
STEP_S = 60.0
LLAMA_70B = 70e9
IDLE_ACTIVITY = 0.08


class RequestLoad(NamedTuple):
    """A load, and what it serves. Means are over the trace."""

    load: Load
    requests_per_s: float  # asked, mean
    served_share: float
    tokens_per_s: float  # written, mean
    tokens_in: float  # of one request, mean
    tokens_out: float
    busy_share: float  # of the accelerators, mean
    busy_activity: float  # of a busy one, mean of the groups
    longest_queue: float  # requests
    unserved: float  # requests still waiting at the end
    rates: dict[str, tuple[float, float]]  # of one busy accelerator of each group: tokens/s written, activity


def is_request_trace(source: object) -> bool:
    """Whether a load is a file of requests, told by its content."""
    if not isinstance(source, str | Path) or source in loads():
        return False
    try:
        if not Path(source).is_file():
            return False
    except (OSError, ValueError):
        return False
    form = format_of(Source(Path(source)))
    return form is not None and form.name == REQUESTS


def answering(site: Site, path: str | Path, step_s: float | None = None) -> tuple[Site, Load]:
    """The load of a site whose racks answer the requests of a file, and the site with the speed at which they do.

    All racks with accelerators for inference share the requests so that all are equally busy; where none is stated for
    inference, all racks with accelerators do. ``load.request_scale`` and ``load.scale`` multiply the requests. Raises
    ``InputError``.
    """
    able = {name: racks for name, racks in site.racks.items() if racks.accelerators and racks.accelerator}
    serving = {
        name: racks
        for name, racks in able.items()
        if racks.work is not None and racks.work.task == "inference"
    }
    groups = serving or able
    if not groups:
        raise fault("racks", "no accelerators", "a rack group with accelerators to answer requests", "")
    for name, racks in groups.items():
        if racks.load_scale != 1.0:
            allowed = "100 % of racks that answer requests"
            raise fault(
                f"racks.{name}.load_scale",
                f"{100 * racks.load_scale:g} %",
                allowed,
                "load.request_scale multiplies requests",
            )
    choice = site.load
    found = shared(
        path,
        groups,
        step_s=min(STEP_S, step_s or STEP_S),
        times=choice.request_scale * choice.scale,
        tokens_in=choice.tokens_in,
        tokens_out=choice.tokens_out,
    )
    changes: dict[str, Any] = {"load.scale": 1.0}
    for name, (tokens, activity) in found.rates.items():
        work = f"racks.{name}.work"
        changes |= {
            f"{work}.task": "inference",
            f"{work}.tokens": f"{tokens!r} 1/s",
            f"{work}.busy_activity": activity,
        }
    return change_site(site, changes), found.load


def request_load(
    path: str | Path,
    racks: Racks,
    group: str = "compute",
    *,
    step_s: float = STEP_S,
    batch: float | None = None,
    times: float = 1.0,
    tokens_in: float | None = None,
    tokens_out: float | None = None,
) -> RequestLoad:
    """The load of one rack group that answers the requests of a file; see ``shared``."""
    return shared(
        path,
        {group: racks},
        step_s=step_s,
        batch=batch,
        times=times,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
    )


def shared(
    path: str | Path,
    groups: Mapping[str, Racks],
    *,
    step_s: float = STEP_S,
    batch: float | None = None,
    times: float = 1.0,
    tokens_in: float | None = None,
    tokens_out: float | None = None,
) -> RequestLoad:
    """The load of rack groups that answer the requests of a file, all equally busy.

    ``batch`` answers are written at once by one accelerator, those of the groups' ``work`` by default; ``times`` multiplies
    the rate. Tokens of a request are the file's means unless stated. A stated ``work.tokens`` of inference goes before the
    roofline of ``serving``. What all accelerators together cannot answer waits in a queue; what waits at the end is not
    served. The model is that of the racks' ``work``, 70 billion parameters without one. Raises ``InputError``.
    """
    where = Path(path).name
    found = requests.read(Source(Path(path)))
    read = tokens_in if tokens_in is not None else _mean(found.tokens_in)
    write = tokens_out if tokens_out is not None else _mean(found.tokens_out)
    if read is None or write is None:
        remedy = "--set load.tokens_in=1155 --set load.tokens_out=211"
        raise fault(where, "no tokens in and out", "columns of tokens, or numbers", remedy)
    given = 1.0 if batch is None else batch
    if not (given >= 1.0 and times > 0.0 and 0.1 <= step_s <= 86400.0 and read >= 0.0 and write > 0.0):
        raise fault(
            where,
            f"batch {given:g}, times {times:g}, step {step_s:g} s, {write:g} tokens out",
            "batch from 1, times and tokens out above 0",
            "--set load.tokens_out=211 where the file does not know them",
        )
    rates = {name: _one(name, racks, read, write, batch) for name, racks in groups.items()}
    most = {name: racks.count * racks.accelerators * rates[name][0] / write for name, racks in groups.items()}
    total = sum(most.values())
    rate = times * _rates(found, step_s, where)
    done = {
        name: serve(rate * (part / total), part, step_s, rates[name][1], _idle(groups[name]))
        for name, part in most.items()
    }
    first = next(iter(done.values()))
    answered = np.sum([one.requests for one in done.values()], axis=0)
    queue = np.sum([one.waiting for one in done.values()], axis=0)
    served = float(answered.sum() / rate.sum()) if rate.sum() > 0.0 else 1.0
    packages = sum(racks.count * racks.accelerators for racks in groups.values())
    level = sum(rates[n][1] * r.count * r.accelerators for n, r in groups.items()) / packages
    notes = list(found.notes)
    notes.append(
        f"{', '.join(groups)} answer {float(rate.mean()):,.4g} requests/s of {read:,.4g} tokens in and {write:,.4g} out: "
        f"{float(first.busy.mean()) * packages:,.3g} of {packages:,} accelerators busy in the mean, "
        f"{float(first.busy.max()) * packages:,.3g} at most"
    )
    if queue.max() > 1e-6:
        notes.append(
            f"requests wait for up to {queue.max() / total:,.3g} s, {queue.max():,.4g} at once; "
            f"{queue[-1]:,.4g} of them ({queue[-1] * write:,.4g} tokens) are not served by the end of the trace"
        )
    load = Load(
        name=f"{where}, requests",
        source=f"file {where}: requests answered by {', '.join(groups)}",
        start=found.stamps.first.astype("datetime64[s]") if found.stamps.first is not None else START,
        step_s=step_s,
        utc_offset_h=0.0 if found.stamps.utc else None,
        quantity="activity",
        boundary=None,
        series={name: np.asarray(one.activity, dtype=float) for name, one in done.items()},
        devices={name: racks.count for name, racks in groups.items()},
        report=LoadReport(rows=found.rows, format=REQUESTS, unreadable=found.unreadable, notes=tuple(notes)),
        basis={
            name: f"{_basis(groups[name])}: {rates[name][0]:,.4g} tokens/s of one busy accelerator that answers requests "
            f"of {read:,.4g} tokens in and {write:,.4g} out"
            for name in groups
        },
    )
    return RequestLoad(
        frozen(load), float(rate.mean()), served, float(answered.mean()) * write, read, write,
        float(first.busy.mean()), level, float(queue.max()), float(queue[-1]), rates,
    )  # fmt: skip


def _stated(racks: Racks) -> float | None:
    return racks.work.tokens if racks.work is not None and racks.work.task == "inference" else None


def _basis(racks: Racks) -> str:
    return "estimate" if _stated(racks) is None else "stated"


def _idle(racks: Racks) -> float:
    return racks.work.idle_activity if racks.work is not None else IDLE_ACTIVITY


def _one(group: str, racks: Racks, read: float, write: float, batch: float | None) -> tuple[float, float]:
    """Tokens written per second by one busy accelerator of a group, and its activity."""
    stated, work = _stated(racks), racks.work
    if stated is not None and work is not None:
        if stated <= 0.0:
            raise fault(f"racks.{group}.work.tokens", f"{stated:g} /s", "above 0 to answer requests", "")
        return stated, work.busy_activity
    model = Model(work.parameters if work is not None else LLAMA_70B)
    answers = batch if batch is not None else (work.batch if work is not None else 64.0)
    chip = racks.accelerator
    one = phases(read, write, answers, model, chip) if chip is not None else None
    if one is None:
        raise fault(
            f"racks.{group}",
            "throughput cannot be worked out",
            "an accelerator with known peak and bandwidth",
            "state accelerator.bf16 and .bandwidth, or work.tokens",
        )
    return float(one.tokens), float(one.activity)


def _mean(values: Array | None) -> float | None:
    return None if values is None or not values.size else float(values.mean())


def _rates(found: requests.Requests, step_s: float, where: str) -> Array:
    """Requests per second in whole steps from the first; windows of a rate hold until the next."""
    first, last = float(found.seconds[0]), float(found.seconds[-1])
    if (last - first) / step_s > MAX_VALUES:
        raise fault(
            where,
            f"{(last - first) / 86400:,.0f} days",
            f"{MAX_VALUES * step_s / 86400:,.0f}",
            "check the times",
        )
    if found.rate is None:
        n = max(int((last - first) / step_s), 1)
        counts = np.histogram(found.seconds, bins=first + np.arange(n + 1) * step_s)[0]
        return np.asarray(counts / step_s, dtype=float)
    window = float(np.median(np.diff(found.seconds)))
    n = max(int((last + window - first) / step_s), 1)
    ends = np.append(found.seconds, last + window)
    total = np.concatenate(([0.0], np.cumsum(found.rate * np.diff(ends))))
    return np.asarray(np.diff(np.interp(first + np.arange(n + 1) * step_s, ends, total)) / step_s)
