"""Racks under a utility power that may be passed for a stated share of the time.

Racks do not all draw their most at once, and the plant draws most on hot afternoons: what counts is how both fall together. Rack power
is that of a generated fleet in means of the meter's averaging time (`twin.loads.oversubscribe`). What the facility adds follows from two
simulated years at constant activity, between which site power is linear in rack power:

    site(h, P) = site_low(h) + (P − P_low(h)) · (site_high(h) − site_low(h)) / (P_high(h) − P_low(h))

The share above the cap is taken over every pair of an interval of the fleet and an hour of the year at the same time of day.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_sites.schema import Racks, Site

from twin.annual import simulate
from twin.loads.fleet import Fleet, Kind, blocks
from twin.loads.oversubscribe import FLEETS, rack_power
from twin.sizing.proof import full_load
from twin.weather import Weather

Array = NDArray[np.float64]
LOW_ACTIVITY = 0.5
DAYS = 28
DAY_H = 24
DAY_S = 86400.0


class Overhead(NamedTuple):
    """Site power as a linear function of the power of compute racks, hour by hour of a year."""

    racks: int  # of the facility that was simulated
    fixed: Array  # W
    slope: Array  # W of the site over W of compute racks


@dataclass(frozen=True)
class AtRisk:
    """Racks under a utility power at a risk."""

    utility_power: float  # W
    risk: float  # accepted share of intervals
    averaging_s: float
    fleet: str
    racks: int
    above: float  # share of intervals above with so many
    highest: float  # W at the meter in the worst pair of interval and hour
    pue_at_highest: float  # site power over compute power there
    racks_at_full_load: int | None  # that stay below at full load on the design day


def overhead(site: Site, air: Weather, group: str) -> Overhead:
    """Simulate a year at full activity and one at half."""
    low, high = (simulate(site, weather=air, load=full_load(air, level)) for level in (LOW_ACTIVITY, 1.0))
    p_low, p_high = (np.asarray(ds["rack_power"].sel(rack=group)) for ds in (low, high))
    s_low, s_high = (np.asarray(ds["site_power"]) for ds in (low, high))
    slope = (s_high - s_low) / (p_high - p_low)
    return Overhead(site.racks[group].count, s_low - slope * p_low, slope)


def racks_at_risk(
    rack: Racks, over: Overhead, cap_w: float, risk: float, kind: Kind = "mixed", averaging_s: float = 900.0, grows: bool = True
) -> tuple[int, float, float, float]:  # fmt: skip
    """Most racks whose site power is above ``cap_w`` for no more than ``risk`` of the intervals.

    Parameters
    ----------
    rack
        The compute rack.
    over
        See `overhead`.
    averaging_s
        Of the meter; a divisor of an hour.
    grows
        Whether the plant grows with the racks, as in a sizing, or stays as it is.

    Returns
    -------
    tuple
        Racks; share of intervals above the cap with so many; highest site power in W, and its ratio to compute power.
    """
    # fleets of the same seed differ from number to number of racks: a share of one number is remembered
    known: dict[int, tuple[float, float, float]] = {}

    def found(count: int) -> tuple[float, float, float]:
        if count not in known:
            known[count] = _above(rack, over, count, cap_w, kind, averaging_s, grows)
        return known[count]

    low, high = 0, 1
    while found(high)[0] <= risk:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if found(middle)[0] <= risk else (low, middle)
    return (low, *(found(low) if low else (0.0, 0.0, 0.0)))


def _above(
    rack: Racks, over: Overhead, count: int, cap_w: float, kind: Kind, averaging_s: float, grows: bool
) -> tuple[float, float, float]:
    scale = count / over.racks if grows else 1.0
    n = int(DAYS * DAY_S / averaging_s)
    per_hour = 3600.0 / averaging_s
    of_day = (np.arange(n) // per_hour).astype(int) % DAY_H
    fixed, slope = (
        x[: x.size // DAY_H * DAY_H].reshape(-1, DAY_H) * s
        for x, s in ((over.fixed, scale), (over.slope, 1.0))
    )
    above, highest, ratio = 0.0, 0.0, 0.0
    for seed in range(FLEETS):
        fleet = Fleet(kind=kind, racks=count, n=n, step_s=averaging_s, seed=seed)
        power = np.concatenate([rack_power(block, rack).sum(axis=0) for block in blocks(fleet)])
        for hour in range(DAY_H):
            p = power[of_day == hour]
            site = fixed[:, hour, None] + slope[:, hour, None] * p
            above += float((site > cap_w).mean()) / (DAY_H * FLEETS)
            if site.max() > highest:
                highest = float(site.max())
                ratio = highest / float(p[np.unravel_index(int(site.argmax()), site.shape)[1]])
    return above, highest, ratio


def at_risk(
    rack: Racks, over: Overhead, cap_w: float, risk: float, kind: Kind, averaging_s: float, full: int | None, grows: bool
) -> AtRisk:  # fmt: skip
    """`racks_at_risk` as a record; ``full`` racks stay below the cap at full load."""
    racks, above, highest, ratio = racks_at_risk(rack, over, cap_w, risk, kind, averaging_s, grows)
    return AtRisk(cap_w, risk, averaging_s, kind, racks, above, highest, ratio, full)


def words(one: AtRisk) -> str:
    """A line for reports."""
    full = "" if one.racks_at_full_load is None else f", {one.racks_at_full_load} at full load of all"
    return (
        f"{one.racks} racks under {one.utility_power / 1e6:,.4g} MW{full}: means of {one.averaging_s / 60:g} min are above it in {100 * one.above:.2g} % "
        f"of the time (accepted {100 * one.risk:g} %), by up to {max(one.highest / one.utility_power - 1.0, 0.0) * 100:.1f} %; fleet: {one.fleet}, its peaks "
        f"meet {one.pue_at_highest:.3f} W of the site per W of compute"
    )
