"""What an existing facility could still take: more racks, warmer weather, no compressors, and what binds first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.loader import change_site
from twin_sites.schema import Chillers, Group, Site, Utility

from twin.annual import simulate
from twin.errors import RunError
from twin.loads.fleet import Kind
from twin.sizing.proof import full_load, hot_days, shortfalls
from twin.sizing.risk import at_risk, overhead, words
from twin.weather import Weather, load_weather

MOST_TIMES = 64  # of the racks that are there
OFFSET_LOW_K, OFFSET_HIGH_K = -10.0, 20.0  # bounds of ``site.ambient_offset``
OFFSET_STEP_K = 0.25
NOTHING_BINDS = "nothing binds within the range searched"


@dataclass(frozen=True)
class Limit:
    """How far one thing can go, and what falls short just beyond."""

    what: str
    address: str
    now: float
    most: float | None  # None where it does not hold even at the least
    unit: str
    binding: tuple[str, ...]


def limits(
    site: Site, weather: Weather | str | None = None, design: str = "extreme", group: str | None = None, utility_power: float | None = None,
    risk: float = 0.0, fleet: Kind = "mixed", averaging_s: float = 900.0,
) -> tuple[Limit, ...]:  # fmt: skip
    """How much a facility can take on its design days at full load with all its spare units out.

    Parameters
    ----------
    site
        The facility.
    weather
        Its weather; the site's own by default.
    design
        Design condition, see ``design_day``.
    group
        Rack group of which more could be added; the first with accelerators by default.
    utility_power
        W that may be passed for the share ``risk`` of the time, see `twin.sizing.risk`; the site's contract by default.
    risk, fleet, averaging_s
        Where ``risk`` is above 0, racks under that power with a generated fleet, and the averaging time of the meter.

    Returns
    -------
    tuple of Limit
        Racks of the group; kelvin by which the weather may be warmer; and the same without any chiller; with a utility
        power, racks under it at the risk, the plant as it is.

    Raises
    ------
    InputError
        For a group that does not exist.
    """
    name = group or next((n for n, racks in site.racks.items() if racks.accelerators), next(iter(site.racks)))
    if name not in site.racks:
        raise InputError(
            [Problem("--group", f"'{name}'", "a rack group of the site", did_you_mean(name, site.racks))]
        )
    air = weather if isinstance(weather, Weather) else load_weather(weather or site.site.weather)
    days = hot_days(air, _design(design))
    load = full_load(days)
    spares = _out(site, chillers=False)

    def short(changes: Mapping[str, Any]) -> tuple[str, ...]:
        try:
            return tuple(shortfalls(simulate(change_site(site, changes), weather=days, load=load)))
        except RunError as error:
            return (str(error),)

    count, address = site.racks[name].count, f"racks.{name}.count"
    racks, why = _most(lambda n: short(spares | {address: n}), count, 1, MOST_TIMES * count)
    found = [Limit(f"racks of {name}", address, count, racks, "racks", why)]
    here = "site.ambient_offset"
    cases = [("warmer weather", spares)]
    if any(isinstance(element, Chillers) for _, element in site.drawn()):
        cases.append(("warmer weather without chillers", spares | _out(site, chillers=True)))
    for label, out in cases:
        low, high = round(OFFSET_LOW_K / OFFSET_STEP_K), round(OFFSET_HIGH_K / OFFSET_STEP_K)
        now = round(site.site.ambient_offset / OFFSET_STEP_K)
        steps, why = _most(lambda i, out=out: short(out | {here: f"{i * OFFSET_STEP_K} K"}), now, low, high)  # type: ignore[misc]
        most = None if steps is None else steps * OFFSET_STEP_K
        hottest = "" if most is None else f", a hottest hour of {float(air.dry_bulb.max()) + most:.1f} °C"
        found.append(Limit(label, here, site.site.ambient_offset, most, f"K above the weather{hottest}", why))
    if utility_power is not None or risk > 0.0:
        found.append(_under_power(site, air, name, found[0], utility_power, risk, fleet, averaging_s))
    return tuple(found)


def _under_power(
    site: Site, air: Weather, name: str, plant: Limit, utility_power: float | None, risk: float, fleet: Kind, averaging_s: float
) -> Limit:  # fmt: skip
    """Racks under a utility power at a risk, and whether the plant gives way before."""
    contracts = [
        feeder.rating for feeder in site.power.values() if isinstance(feeder, Utility) and feeder.rating
    ]
    cap = utility_power if utility_power is not None else sum(contracts)
    if not cap:
        raise InputError(
            [
                Problem(
                    "--risk",
                    "no utility power",
                    "one of the site or --utility-power",
                    "--utility-power '20 MW'",
                )
            ]
        )
    if not site.racks[name].accelerators:
        raise InputError(
            [
                Problem(
                    "--group",
                    f"'{name}', which has no accelerators",
                    "a group with accelerators",
                    "leave --group out",
                )
            ]
        )
    one = at_risk(
        site.racks[name], overhead(site, air, name), cap, risk, fleet, averaging_s, None, grows=False
    )
    why = [words(one)]
    if plant.most is not None and one.racks > plant.most:
        why.append(
            f"before that: {plant.binding[0] if plant.binding else 'the plant'}, beyond {plant.most:g} racks"
        )
    what = f"racks of {name} under {cap / 1e6:,.4g} MW at {100 * risk:g} % risk"
    return Limit(what, plant.address, plant.now, one.racks, "racks", tuple(why))


def _design(word: str) -> Literal["0.4%", "extreme"]:
    if word not in ("0.4%", "extreme"):
        raise InputError([Problem("--design", f"'{word}'", "0.4% or extreme", "--design extreme")])
    return "0.4%" if word == "0.4%" else "extreme"


def text(found: tuple[Limit, ...]) -> str:
    """The limits as lines for a terminal."""
    lines = ["On the design days at full load with every spare unit out:"]
    for one in found:
        most = (
            "not even at the least that was tried"
            if one.most is None
            else f"{one.most:g} {one.unit} (now {one.now:g})"
        )
        lines += [f"  {one.what}: {most}", *(f"      then {binding}" for binding in one.binding[:3])]
    return "\n".join(lines)


def _out(site: Site, chillers: bool) -> dict[str, Any]:
    """Changes that take out every spare unit, or every chiller."""
    return {
        f"{address}.out_of_service": element.count if chillers else element.spare
        for address, element in site.drawn()
        if isinstance(element, Group) and (isinstance(element, Chillers) if chillers else element.spare)
    }


def _most(
    short: Callable[[int], tuple[str, ...]], start: int, low: int, high: int
) -> tuple[int | None, tuple[str, ...]]:
    """Largest whole number that holds, by doubling away from ``start`` and halving; and what binds one further."""
    why = short(start)
    if why:
        holds, fails = low - 1, start
        if not (at_least := short(low)):
            holds = low
        else:
            return None, at_least
    else:
        holds, step = start, max(1, start // 8)
        fails = high + 1
        while holds < high:
            trial = min(holds + step, high)
            found = short(trial)
            if found:
                fails, why = trial, found
                break
            holds, step = trial, 2 * step
        else:
            return high, (NOTHING_BINDS,)
    while fails - holds > 1:
        middle = (holds + fails) // 2
        found = short(middle)
        if found:
            fails, why = middle, found
        else:
            holds = middle
    return holds, why
