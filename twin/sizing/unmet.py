"""Requirements that a sized facility does not meet, each with what would."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from twin_sites.schema import Chillers, CoolingTowers, DryCoolers, Group, Racks, Site

from twin.sizing.economics import Economics, rating
from twin.sizing.first import technology_limit
from twin.sizing.needs import Requirements, approach_of, technology_of
from twin.sizing.row import Equipment
from twin.sizing.technologies import AIR_MOST_W
from twin.transients.ride_through import RideThrough, failures
from twin.weather import Weather

# Sound power of one machine of 1 MW at full speed, dB(A); machines of other sizes in proportion to their power. Estimates: usual
# catalogue values of V-shaped dry coolers, induced-draught towers, screw chillers, and sets in 75 dB(A) at 7 m enclosures.
SOUND_DBA = {
    "dry": 95.0,
    "low-noise": 84.0,
    "wetted": 96.0,
    "tower": 97.0,
    "chiller": 99.0,
    "generator": 96.0,
}
HALF_SPACE_DB = 8.0  # 10 lg(2 pi): a source on hard ground (ISO 9613-2, divergence alone)


def wishes(wanted: Requirements, rack: Racks, site: Site, days: Weather, plant: str, rows: Sequence[Equipment]) -> list[str]:  # fmt: skip
    """What of the requirements the facility does not meet beside the limits that its proof tells."""
    return [*_too_warm(wanted, rack, days), *_loud(wanted, site, plant, rows)]


def _too_warm(wanted: Requirements, rack: Racks, days: Weather) -> list[str]:
    """A supply asked that the racks do not take; racks that air handlers do not reach."""
    if technology_of(wanted).name == "air" and rack.tdp > AIR_MOST_W:
        most = f"{AIR_MOST_W / 1e3:g} kW"
        return [
            f"cooling: {rack.tdp / 1e3:.3g} kW a rack, of which air handlers in the row carry up to {most}: ask for rear-door, or fewer systems a rack"
        ]
    if wanted.supply is None:
        return []
    technology, limit = wanted.supply + approach_of(wanted), technology_limit(wanted, rack, days)
    if technology <= limit:
        return []
    return [
        f"supply: {wanted.supply:g} °C and {approach_of(wanted):g} K approach are {technology:g} °C at the racks; with their highest flow "
        f"they keep the return limit up to {limit:.1f} °C: ask for {np.floor(limit - approach_of(wanted)):g} °C"
    ]


def _loud(wanted: Requirements, site: Site, plant: str, rows: Sequence[Equipment]) -> list[str]:
    found = []
    if wanted.quiet and plant != "dry":
        found.append(
            f"quiet: the catalogue has no low-noise machines for a {plant} plant: ask for the dry one"
        )
    if wanted.quiet and any(
        isinstance(element, Chillers) and element.condenser == "air" for _, element in site.drawn()
    ):
        found.append(
            "quiet: the catalogue has no low-noise air-cooled chillers: a warmer supply or a tower plant does without them"
        )
    if wanted.noise is None:
        return found
    level = sound_level(site, wanted.noise_distance)
    if level > wanted.noise:
        away = wanted.noise_distance * 10.0 ** ((level - wanted.noise) / 20.0)
        found.append(
            f"noise: about {level:.0f} dB(A) at {wanted.noise_distance:g} m with all coolers at full speed, {wanted.noise:g} are allowed: "
            f"{away:,.0f} m of distance, a barrier of {level - wanted.noise:.0f} dB{'' if wanted.quiet else ', or low-noise coolers (--quiet)'}"
        )
    generators = [row for row in rows if row.address == "generator"]
    loud = _level([SOUND_DBA["generator"] + 10.0 * math.log10(max(kw, 1.0) / 1e3) for row in generators for kw in [_kilowatts(row)]], wanted.noise_distance)  # fmt: skip
    if loud > wanted.noise:
        found.append(
            f"noise: about {loud:.0f} dB(A) at {wanted.noise_distance:g} m while generators run (tests, outages): better enclosures, or distance"
        )
    return found


def _kilowatts(row: Equipment) -> float:
    return row.required * float(row.product.rpartition(", ")[2].split()[0]) * 1e3


def sound_level(site: Site, distance: float) -> float:
    """Level in dB(A) at ``distance`` m with every required outdoor machine at full speed, over hard ground, without barriers."""
    return _level(
        [
            power
            for address, element in site.drawn()
            if (power := _sound_power(site, address, element)) is not None
        ],
        distance,
    )


def _level(powers: Sequence[float], distance: float) -> float:
    if not powers:
        return -math.inf
    total = 10.0 * math.log10(sum(10.0 ** (power / 10.0) for power in powers))
    return total - 20.0 * math.log10(distance) - HALF_SPACE_DB


def _sound_power(site: Site, address: str, element: object) -> float | None:
    """dB(A) of all required units of a group outdoors."""
    if not isinstance(element, Group):
        return None
    if isinstance(element, DryCoolers):
        name = site.products.get(address, "").lower()
        kind = (
            "low-noise"
            if "low-noise" in name or "low noise" in name
            else "wetted"
            if element.pads is not None
            else "dry"
        )
    elif isinstance(element, CoolingTowers):
        kind = "tower"
    elif isinstance(element, Chillers) and element.condenser == "air":
        kind = "chiller"
    else:
        return None
    return SOUND_DBA[kind] + 10.0 * math.log10((element.count - element.spare) * rating(element) / 1e6)


def over_budget(wanted: Requirements, money: Economics, racks: int) -> list[str]:
    """A plant that costs more than is given, and how many racks would not."""
    if wanted.budget is None or money.plant_capital <= wanted.budget:
        return []
    fewer = int(racks * wanted.budget / money.plant_capital)
    would = f"about {fewer} racks, or less redundancy" if fewer else "no rack of this system"
    return [
        f"budget: the plant costs about {money.plant_capital / 1e6:,.3g} million, {wanted.budget / 1e6:,.3g} million are given: {would} fit"
    ]


def over_risk(wanted: Requirements, year: xr.Dataset) -> list[str]:
    """A utility power that the proving year passes in more of its hours than the accepted share."""
    if wanted.risk is None or wanted.utility_power is None:
        return []
    power = year["site_power"].values
    share = float((power > wanted.utility_power).mean())
    if share <= wanted.risk:
        return []
    return [
        f"utility power of {wanted.utility_power / 1e6:,.4g} MW: the proving year passes it in {100 * share:.2g} % of its hours, by up to "
        f"{100 * (power.max() / wanted.utility_power - 1.0):.2g} %, accepted {100 * wanted.risk:.2g} %; fewer racks, more power or a smaller peak would meet it"
    ]


def in_time(site: Site) -> list[str]:
    """Single failures of one unit after which chips throttle or racks stop, at full load on the 0.4 % design condition."""
    found = failures(site, dynamic=True)
    out = []
    for case, one in found.items():
        if isinstance(one, RideThrough) and case.endswith(".1"):
            times = [("throttle", one.time_to_throttle_s), ("stop", one.time_to_shutdown_s)]
            out += [f"{case} lost: racks {word} after {t:.0f} s" for word, t in times if t is not None]
    return out
