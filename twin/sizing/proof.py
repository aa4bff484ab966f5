"""Does the sized facility hold? The year, the design days at full load, and the same with units of each group out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr
from twin_sites.loader import change_site
from twin_sites.schema import Group, RearDoors, Site

from twin.annual import simulate
from twin.errors import RunError
from twin.loads.load import Load
from twin.metrics import UNMET_K
from twin.weather import Weather, design_day

REQUIRED_UNITS = "required units alone, design day"
DESIGN_DAY = "all units, design day"
YEAR = "all units, year"
MET_K = 0.1  # a supply this far above its set point counts as missed while sizing
CONDENSER_MET_K = 1.0  # a condenser loop only wishes for its set point
OVER = 1e-9


@dataclass(frozen=True)
class Proof:
    """One simulated case: what fell short, the highest power, the used share of each group, the loops that missed."""

    case: str
    shortfalls: tuple[str, ...]
    peak_power: float | None  # W at the utility meter
    use: Mapping[str, float]
    missed: tuple[str, ...]


def hot_days(air: Weather, which: Literal["0.4%", "extreme"]) -> Weather:
    """Two design days in one series: the hottest by dry bulb, then the hottest by wet bulb."""
    dry, wet = (design_day(air, which, basis=basis) for basis in ("dry_bulb", "wet_bulb"))
    return replace(
        dry,
        name=f"{air.name}, {which} design days",
        key=f"{dry.key}{wet.key}",
        notes=(),
        dry_bulb=np.concatenate([dry.dry_bulb, wet.dry_bulb]),
        wet_bulb=np.concatenate([dry.wet_bulb, wet.wet_bulb]),
        humidity_ratio=np.concatenate([dry.humidity_ratio, wet.humidity_ratio]),
        pressure=np.concatenate([dry.pressure, wet.pressure]),
    )


def full_load(days: Weather, level: float = 1.0) -> Load:
    """Every accelerator at one activity for as long as the days last."""
    return Load(
        name="full load" if level == 1.0 else f"activity {level:g}", source=f"every accelerator at activity {level:g}", start=days.start, step_s=days.step_s, utc_offset_h=None,
        quantity="activity", boundary=None, series={"all": np.full(days.n, level)}, devices={"all": 1}, key=f"activity {level:g} {days.n}",
    )  # fmt: skip


def use_of(ds: xr.Dataset) -> dict[str, float]:
    """Most used share of each group's capacity or rating, by address."""
    heat, most = ds["link_heat"].values, ds["link_capacity"].values
    share = np.where(most > 0.0, heat / np.maximum(most, 1.0), 0.0).max(axis=1)
    out = {_address(str(name)): float(used) for name, used in zip(ds["link"].values, share, strict=True)}
    feeders = ds["feeder_utilisation"].max("time")
    return out | {f"power.{name}": float(feeders.sel(feeder=name)) for name in ds["feeder"].values}


def _address(link: str) -> str:
    loop, _, name = link.partition(".")
    rooms = {"hall": "hall", "electrical": "rooms.electrical", "doors": "rooms.doors"}
    return f"{rooms.get(loop, f'cooling.{loop}')}.{name}"


def missed_loops(ds: xr.Dataset) -> list[str]:
    """Loops and rooms whose supply is above its set point at any time; a condenser loop counts only beside others."""
    gap = (ds["loop_supply_temperature"] - ds["loop_set_point"]).max("time").values
    limit = np.where(ds["loop_role"].values == "condenser", CONDENSER_MET_K, MET_K)
    duty = (ds["loop_role"].values != "condenser") & (gap > limit)
    return [str(name) for name in ds["loop"].values[gap > limit]] if duty.any() else []


def flow_bound(ds: xr.Dataset) -> set[str]:
    """Loops and rooms whose pumps or fans cannot move what is asked."""
    keys = [str(key) for key in np.atleast_1d(ds.attrs["limits"])]
    names = {key.partition(":")[2].rpartition("=")[0] for key in keys if key.startswith("flow_bound:")}
    return {name.rpartition(".")[2] for name in names}


def shortfalls(ds: xr.Dataset, share: float = 0.0) -> list[str]:
    """Every limit that a run misses, in words: supplies, chips, inlet air, flows, electrical ratings.

    ``share`` of the time may be warmer than a design condition that is itself passed for so long.
    """
    found = []
    step_h = float(ds.attrs["step_s"]) / 3600.0
    spare_h = share * step_h * ds.sizes["time"]
    gap = ds["loop_supply_temperature"].values - ds["loop_set_point"].values
    for i, loop in enumerate(ds["loop"].values):
        hours = (gap[i] > UNMET_K).sum() * step_h
        if hours > spare_h and ds["loop_role"].values[i] != "condenser":
            found.append(
                f"{loop}: supply misses its set point for {hours:,.0f} h, by up to {gap[i].max():.1f} K"
            )
    for i, rack in enumerate(ds["rack"].values):
        if hours := (ds["rack_throttled"].values[i] > 0.0).sum() * step_h:
            found.append(f"{rack}: chips throttle for {hours:,.0f} h")
        inlet = ds["rack_inlet_temperature"].values[i]
        if (hours := (inlet > float(ds["rack_inlet_high"].values[i])).sum() * step_h) > spare_h:
            found.append(f"{rack}: inlet air up to {inlet.max():.1f} °C, above its class for {hours:,.0f} h")
    for i, feeder in enumerate(ds["feeder"].values):
        used = ds["feeder_utilisation"].values[i].max()
        if used > 1.0 + OVER:
            found.append(f"{feeder}: {100 * used:.0f} % of its rating")
    return found + [f"{name}: pumps or fans cannot move the flow asked" for name in sorted(flow_bound(ds))]


def throttled(proofs: Sequence[Proof]) -> bool:
    """Whether chips throttle in any case."""
    return any("throttle" in words for proof in proofs for words in proof.shortfalls)


def prove_days(site: Site, days: Weather, load: Load, only: Collection[str] = ()) -> list[Proof]:
    """The design days with every unit, without any spare, and with the spares of each group out in turn; ``only`` names some cases."""
    groups = {a: element for a, element in site.drawn() if isinstance(element, Group)}
    spared = {a: element.spare for a, element in groups.items() if element.spare}
    lone = {a: 1 for a, element in groups.items() if isinstance(element, RearDoors) and spared}
    cases = {DESIGN_DAY: {}, REQUIRED_UNITS: spared} | {
        f"{n} of {address} out, design day": {address: n} for address, n in (spared | lone).items()
    }
    proofs = []
    for name, out in cases.items():
        if only and name not in only:
            continue
        try:
            changed = change_site(site, {f"{address}.out_of_service": n for address, n in out.items()})
            proofs.append(proof_of(name, simulate(changed, weather=days, load=load)))
        except RunError as error:
            proofs.append(Proof(name, (str(error),), None, {}, ()))
    return proofs


def proof_of(case: str, ds: xr.Dataset, share: float = 0.0) -> Proof:
    """What a simulated case says; ``share`` as in `shortfalls`."""
    missed = tuple(dict.fromkeys([*missed_loops(ds), *sorted(flow_bound(ds))]))
    return Proof(case, tuple(shortfalls(ds, share)), float(ds["site_power"].max()), use_of(ds), missed)
