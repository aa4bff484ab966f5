"""How far rack peaks coincide, how often a site passes a cap, and how many racks fit under it at a given risk.

Power is that of rack inlets. A breaker, a transformer and a tariff each average over their own time, so every figure
carries its averaging time: what never happens in a mean of 15 minutes may happen every hour in one of 2 seconds.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twin_models.rack.rack import respond
from twin_sites.schema import Racks

from twin.files import fault
from twin.loads.fleet import MAX_RACKS, Fleet, blocks

Array = NDArray[np.float64]
AVERAGING_S = (2.0, 10.0, 60.0, 900.0)
PERCENTILES = (50.0, 95.0, 99.0, 99.9)
PLANNED_LIQUID_DEGC, PLANNED_AIR_DEGC = 30.0, 25.0  # power of racks is planned at these (estimates)
GRID = 201
DAY_S = 86400.0
FLEETS = 3  # of each number of racks, over which a risk is taken


@dataclass(frozen=True)
class Peak:
    """Site power averaged over one time: W, and shares of the intervals."""

    averaging_s: float
    percentiles_kw: dict[str, float]
    highest_kw: float
    coincidence: float  # highest of the sum over the sum of each rack's highest, both in this averaging
    above_cap: float | None  # share of intervals above the cap
    days_above: float | None  # share of days with one such interval or more


@dataclass(frozen=True)
class Fit:
    """Racks under a cap at a risk."""

    averaging_s: float
    racks: int
    above_cap: float  # share of intervals above the cap with that many
    gain: float | None  # over racks by their rating


@dataclass(frozen=True)
class Oversubscription:
    """The ``--json`` contract of ``twin oversubscribe``."""

    group: str
    kind: str
    racks: int
    step_s: float
    hours: float
    rack_rating_kw: float
    rack_highest_kw: float
    cap_kw: float | None
    racks_by_rating: int | None
    peaks: list[Peak]
    fits: list[Fit]
    risk: float | None

    def json(self) -> dict[str, Any]:
        """The numbers as plain values, safe for JSON."""
        return asdict(self)


def rack_power(activity: NDArray[Any], racks: Racks) -> Array:
    """W of one rack at activities of any shape, from a table at planned coolant and air; caps of its chips act."""
    grid = np.linspace(0.0, 1.0, GRID)
    flow = racks.liquid.rated_flow if racks.liquid is not None else 0.0
    drawn = respond(grid, PLANNED_LIQUID_DEGC, flow, PLANNED_AIR_DEGC, racks).power
    power: Array = np.interp(np.maximum(activity, 0.0), grid, drawn)
    return np.asarray(np.where(activity < 0.0, power * (1.0 + np.maximum(activity, -1.0)), power))


def averaged(power: Array, step_s: float, averaging_s: float) -> Array:
    """Means over whole intervals of ``averaging_s`` along the last axis; a rest that fills none is left out.

    Raises ``InputError`` where the interval is no multiple of the step or longer than the series.
    """
    k = round(averaging_s / step_s)
    if k < 1 or abs(k * step_s - averaging_s) > 1e-6 * averaging_s or power.shape[-1] < k:
        allowed = f"a multiple of {step_s:g} s up to {power.shape[-1] * step_s:g} s"
        raise fault("averaging", f"{averaging_s:g} s", allowed, "choose another step or averaging time")
    n = power.shape[-1] // k
    return np.asarray(power[..., : n * k].reshape(*power.shape[:-1], n, k).mean(axis=-1))


def coincidence(power: Array, step_s: float, averaging_s: float) -> float:
    """Highest of the sum over the sum of the highest of each row (racks, n), in means of ``averaging_s``; 1 for one rack."""
    each = averaged(power, step_s, averaging_s)
    top = float(each.max(axis=1).sum())
    return float(each.sum(axis=0).max()) / top if top > 0.0 else 1.0


def exceedance(site: Array, step_s: float, averaging_s: float, cap_w: float) -> tuple[float, float]:
    """Share of intervals above a cap, and share of days with at least one."""
    above = averaged(site, step_s, averaging_s) > cap_w
    per_day = max(1, round(DAY_S / averaging_s))
    days = above[: max(above.size // per_day, 1) * per_day]
    whole = days.reshape(-1, per_day) if days.size % per_day == 0 else days[None, :]
    return float(above.mean()), float(whole.any(axis=1).mean())


def oversubscribe(
    racks: Racks,
    fleet: Fleet,
    *,
    group: str = "",
    cap_w: float | None = None,
    risk: float | None = None,
    averaging_s: Sequence[float] = AVERAGING_S,
) -> Oversubscription:
    """Peaks of a generated fleet of these racks by averaging time; with a cap, how often it is passed and what fits.

    ``fleet`` says how the racks work and how many there are; for the fit its number of racks is varied, each number with
    jobs and servers of its own. Averaging times that its step or length cannot show are left out. Raises ``InputError``.
    """
    times = [
        t for t in averaging_s if t >= fleet.step_s and t <= fleet.span_s and (t / fleet.step_s) % 1.0 < 1e-9
    ]
    if not times:
        raise fault(
            "step",
            f"{fleet.step_s:g} s",
            f"a step that divides one of {', '.join(f'{t:g} s' for t in averaging_s)}",
            "",
        )
    if cap_w is not None and not cap_w > 0.0:
        raise fault("cap", f"{cap_w:g} W", "power above 0", "")
    if risk is not None and cap_w is None:
        raise fault("risk", "no cap that could be passed", "a risk with a cap", "--cap '9 MW'")
    if risk is not None and not 0.0 <= risk < 1.0:
        raise fault("risk", f"{risk:g}", "0 up to below 1", "--risk '0.1 %'")
    site, tops, highest = _site(racks, fleet, times)
    peaks = []
    for t in times:
        mean = averaged(site, fleet.step_s, t)
        above, days = exceedance(site, fleet.step_s, t, cap_w) if cap_w is not None else (None, None)
        peaks.append(
            Peak(
                t,
                {f"p{q:g}": float(np.percentile(mean, q)) / 1e3 for q in PERCENTILES},
                float(mean.max()) / 1e3,
                float(mean.max() / tops[t].sum()) if tops[t].sum() > 0.0 else 1.0,
                above,
                days,
            )
        )
    by_rating = floor(cap_w / racks.tdp) if cap_w is not None else None
    fits = []
    if cap_w is not None and risk is not None:
        fits = _fits(racks, fleet, cap_w, risk, times)
    return Oversubscription(
        group, fleet.kind, fleet.racks, fleet.step_s, fleet.span_s / 3600.0, racks.tdp / 1e3, highest / 1e3,
        None if cap_w is None else cap_w / 1e3, by_rating, peaks, fits, risk,
    )  # fmt: skip


def _site(racks: Racks, fleet: Fleet, times: Sequence[float]) -> tuple[Array, dict[float, Array], float]:
    """Power of all racks per step; each rack's highest mean by averaging time; the highest of any rack in a step."""
    longest = max(round(t / fleet.step_s) for t in times)
    size = longest * max(1, round((1 << 20) / (fleet.racks * longest)))
    tops = {t: np.zeros(fleet.racks) for t in times}
    parts, highest = [], 0.0
    for block in blocks(fleet, size):
        power = rack_power(block, racks)
        parts.append(power.sum(axis=0))
        highest = max(highest, float(power.max()))
        for t in times:
            if power.shape[1] * fleet.step_s >= t:
                np.maximum(tops[t], averaged(power, fleet.step_s, t).max(axis=1), out=tops[t])
    return np.concatenate(parts), tops, highest


def _fits(racks: Racks, fleet: Fleet, cap_w: float, risk: float, times: Sequence[float]) -> list[Fit]:
    """Most racks whose share of intervals above the cap is at most the risk, by halving; several fleets of each number."""
    known: dict[int, list[float]] = {}

    def above(count: int, which: int) -> float:
        if count not in known:
            shares = []
            for seed in range(fleet.seed, fleet.seed + FLEETS):
                some = replace(fleet, racks=count, seed=seed)
                site = np.concatenate([rack_power(block, racks).sum(axis=0) for block in blocks(some)])
                shares.append([exceedance(site, fleet.step_s, t, cap_w)[0] for t in times])
            known[count] = [float(share) for share in np.mean(shares, axis=0)]
        return known[count][which]

    idle = float(rack_power(np.zeros(1), racks)[0])
    rated = floor(cap_w / racks.tdp)
    out = []
    for which, t in enumerate(times):
        low, high = 0, min(MAX_RACKS, floor(cap_w / idle) + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if above(middle, which) <= risk else (low, middle)
        out.append(Fit(t, low, above(low, which) if low else 0.0, low / rated - 1.0 if rated else None))
    return out
