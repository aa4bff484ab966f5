"""What gives way first: every single failure of a site, played in time or solved at rest."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from twin_sites.errors import InputError
from twin_sites.loader import change_site, load_site
from twin_sites.schema import Group, Loop, Site

from twin.compile import Plan, compile_site
from twin.errors import RunError
from twin.transients.results import summarize_transient
from twin.transients.run import transient
from twin.weather import Weather, design_day, load_weather

NOTHING = "nothing"  # the row that the failures at rest are compared with


@dataclass(frozen=True)
class RideThrough:
    """How long a facility at full load lasts after one failure; times in s after it, None for never within the horizon."""

    time_to_throttle_s: float | None
    time_to_shutdown_s: float | None
    limiting_element: str | None
    n_minus_1: (
        bool | None
    )  # whether a group with spare units lost one and no chip throttled or stopped; None without a spare


@dataclass(frozen=True)
class AtRest:
    """Where a facility at full load ends after one failure, or none, if it finds a steady state."""

    steady: bool
    hottest_chip_c: float | None
    throttled: bool
    unmet_k: float | None  # by which the worst technology loop or hall is above its set point


def cases(plan: Plan) -> Iterator[str]:
    """Addresses of all single failures: one unit of every group, all units of it, one feeder, the utility."""
    groups: dict[str, Group] = {}
    for volume in plan.volumes:
        if isinstance(volume.part, Loop) and volume.part.pump is not None:
            groups[f"cooling.{volume.name}.pump"] = volume.part.pump
    groups |= {node.address: node.link for node in plan.links}
    groups |= {f"power.{name}": feeder for name, feeder in plan.feeders}
    for address, group in groups.items():
        if group.available > 1:
            yield f"{address}.1"
        yield address


def failures(
    site: Site | str | Path | Mapping[str, Any],
    *,
    dynamic: bool = True,
    horizon: float = 1800.0,
    load: float = 1.0,
    weather: Weather | str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, RideThrough] | dict[str, AtRest]:
    """Every single failure of a site at a constant load and the 0.4 % design condition (or a weather's first moment).

    Dynamic, each is a `transient` of ``horizon`` seconds that begins with the failure; else each unit is taken out of
    service and the year's solver finds where the facility comes to rest. There the first row, ``nothing``, is the facility
    without a failure, which the others are compared with.

    Raises
    ------
    InputError
        For bad input.
    RunError
        Where the facility without a failure has no steady state.
    """
    chosen = change_site(site if isinstance(site, Site) else load_site(site), changes or {})
    plan = compile_site(chosen)
    listed = list(cases(plan))
    promised = {
        case for case in listed if case.endswith(".1") and _group(chosen, case.removesuffix(".1")).spare > 0
    }
    tell = progress or (lambda done, whole: None)
    if dynamic:
        found = {}
        for i, case in enumerate(listed):
            tell(i, len(listed))
            ds = transient(chosen, events=[f"t=0s trip {case}"], until=horizon, load=load, weather=weather)
            one = summarize_transient(ds)
            found[case] = RideThrough(
                one.time_to_throttle_s, one.time_to_shutdown_s, one.limiting_element,
                one.time_to_throttle_s is None and one.time_to_shutdown_s is None if case in promised else None,
            )  # fmt: skip
        tell(len(listed), len(listed))
        return found
    tell(0, len(listed))
    rest = {NOTHING: _rest(chosen, load, weather)}
    for i, case in enumerate(listed):
        tell(i, len(listed))
        group = case.removesuffix(".1")
        out = _group(chosen, group).available if group == case else 1
        try:
            rest[case] = _rest(change_site(chosen, {f"{group}.out_of_service": str(out)}), load, weather)
        except (RunError, InputError):
            rest[case] = AtRest(False, None, False, None)
    tell(len(listed), len(listed))
    return rest


def _rest(site: Site, load: float, weather: Weather | str | Path | None) -> AtRest:
    """Where a facility comes to rest; RunError where it does not."""
    from twin.annual import simulate

    air = (
        weather
        if isinstance(weather, Weather)
        else load_weather(weather if weather is not None else site.site.weather)
    )
    air = design_day(air, "0.4%", shape="constant") if weather is None else air
    site = change_site(site, {"load.trace": "inference"})
    ds = simulate(site, weather=air, load=_constant(load), hours=1.0)
    chips = ds.rack_chip_temperature.values
    served = np.isin(ds.loop_role.values, ("technology", "air"))
    unmet = (ds.loop_supply_temperature - ds.loop_set_point).values[served]
    return AtRest(
        True,
        float(np.nanmax(chips)) if np.isfinite(chips).any() else None,
        bool((ds.rack_throttled.values > 0.0).any()),
        float(max(unmet.max(), 0.0)) if unmet.size else None,
    )


def _group(site: Site, address: str) -> Group:
    """Units of an address: a feeder, a link or the pumps of a loop."""
    if address.startswith("power."):
        return site.power[address.removeprefix("power.")]
    for _, _, link_address, link in site.links():
        if link_address == address:
            return link
    pump = site.cooling[address.split(".")[1]].pump
    assert pump is not None
    return pump


def _constant(value: float) -> Any:
    """A load of one share of activity."""
    from twin.loads.load import START, Load

    return Load(
        name=f"{value:.0%}", source="constant", start=START, step_s=3600.0, utc_offset_h=None, quantity="activity",
        boundary=None, series={"all": np.full(24, value)}, devices={"all": 1},
    )  # fmt: skip


def as_json(found: Mapping[str, RideThrough | AtRest]) -> dict[str, Any]:
    """As JSON has it."""
    return {case: asdict(one) for case, one in found.items()}


__all__ = ["NOTHING", "AtRest", "RideThrough", "as_json", "cases", "failures"]
