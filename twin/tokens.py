"""Tokens of a run: throughput of every rack group, and what a token costs in energy, money and carbon."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from twin_models.streams import Array
from twin_models.work import work as work_model
from twin_sites.addresses import origin
from twin_sites.schema import Racks, Site

from twin.stand_in import Rows, chunks

MILLION = 1e6


def rates(racks: Racks, asked: Array, working: Array | None, done: Array) -> tuple[Array, Array]:
    """Tokens per second of a rack group, and what they would be without throttling, cap, locked clock and stalls.

    ``asked`` and ``done`` are the mean activity of its racks before and after the fact, ``working`` the mean share that
    works, shape (n,). Not a number where no throughput is known.
    """
    known = _reference(racks)
    if known is None or working is None:
        return np.full(done.shape, np.nan), np.full(done.shape, np.nan)
    assert racks.work is not None
    assert racks.accelerator is not None
    free = known.tokens * racks.accelerators * racks.count * working
    return free * work_model.remaining_speed(
        asked, done, racks.work, racks.accelerator
    ) / racks.work.stretch, free


def mean_of(racks: Rows, function: Callable[[Array], Array]) -> Array:
    """Mean of a function of activity over all racks, shape (n,)."""
    share = racks.counts / racks.counts.sum()
    return np.concatenate([share @ function(racks.activity[:, at]) for at in chunks(racks.activity.shape)])


def _reference(racks: Racks) -> work_model.Rate | None:
    if racks.work is None or racks.accelerator is None:
        return None
    return work_model.reference_rate(racks.work, racks.accelerator)


def basis(site: Site, known_by_load: Mapping[str, str]) -> list[str]:
    """What the throughput of each rack group with accelerators rests on: ``name=basis: how``; first what the load says."""
    out = []
    for name, racks in site.racks.items():
        if name in known_by_load:
            out.append(f"{name}={known_by_load[name]}")
        elif racks.accelerators:
            known = _reference(racks)
            if known is not None and racks.work is not None:
                what = " ".join(part for part in (racks.work.task, racks.work.model) if part)
                guessed = known.basis == "benchmark" and (
                    origin(site, f"racks.{name}.accelerator.serving").confidence == "estimate"
                )
                out.append(f"{name}={'estimate' if guessed else known.basis}: {what}, {known.how}")
            elif racks.work is not None:
                out.append(f"{name}=unknown: no throughput is known for this accelerator; state work.tokens")
    return out


class Tokens(NamedTuple):
    """Fields of the summary; None where no throughput is known."""

    tokens: float | None = None
    tokens_per_kwh_it: float | None = None
    tokens_per_kwh_facility: float | None = None
    joules_per_token: float | None = None
    cost_per_million_tokens: float | None = None
    carbon_kg_per_million_tokens: float | None = None
    goodput_share: float | None = None
    tokens_basis: list[str] = []  # noqa: RUF012  # never changed


def token_metrics(ds: xr.Dataset, it_kwh: float, facility_kwh: float, cost: float, carbon: float) -> Tokens:
    """Tokens of a run and what each took of the whole facility: energy at the meter, its price and its carbon.

    Goodput is tokens over what they would be without throttling, power cap, locked clock and network stalls. A group of racks with
    accelerators whose throughput is not known counts in energy, cost and carbon, not in tokens; the basis says so.
    """
    step_s = float(ds.attrs["step_s"])
    stated = ds.attrs.get("tokens_basis", [])
    said = [stated] if isinstance(stated, str) else list(stated)
    given = ds["rack_tokens"].values if "rack_tokens" in ds else np.full((0, 0), np.nan)
    known = np.isfinite(given).any(axis=1) if given.size else np.zeros(0, dtype=bool)
    if not known.any():
        return Tokens(tokens_basis=said)
    total = float(given[known].sum() * step_s)
    free = float(ds["rack_tokens_asked"].values[known].sum() * step_s)

    def per(amount: float) -> float | None:
        return amount / total if total > 0.0 else None

    def of(kwh: float) -> float | None:
        return total / kwh if kwh > 0.0 else None

    return Tokens(
        total, of(it_kwh), of(facility_kwh), per(facility_kwh * 3.6e6), per(cost * MILLION), per(carbon * MILLION),
        total / free if free > 0.0 else None, said,
    )  # fmt: skip


def lines(summary: Any) -> list[str]:
    """Tokens in the report; what is unknown says what would make it known."""
    if summary.tokens is None:
        hint = "state what the racks work on, e.g. --set racks.NAME.work.use=llama2-70b-serving"
        return [f"Tokens: not known. {'; '.join(summary.tokens_basis) or hint}"]
    rows = [
        f"Tokens {summary.tokens:.4g}: {_said(summary.tokens_per_kwh_it)} per kWh IT, {_said(summary.tokens_per_kwh_facility)} per kWh "
        f"facility, {_said(summary.joules_per_token)} J each",
        f"  per million: energy cost {_said(summary.cost_per_million_tokens)}, carbon "
        f"{_said(summary.carbon_kg_per_million_tokens)} kg; goodput {100 * (summary.goodput_share or 0):.1f} % "
        "of the speed without throttling, caps and stalls",
    ]
    return rows + [f"  {name}: {how}" for name, how in (item.split("=", 1) for item in summary.tokens_basis)]


def _said(value: float | None) -> str:
    return "—" if value is None else f"{value:,.4g}"
