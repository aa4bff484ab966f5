"""Correct a first design until the required units alone carry the design day at full load."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from twin_sites.loader import load_site
from twin_sites.schema import AirHandlers, RearDoors

from twin.annual import simulate
from twin.errors import RunError
from twin.loads.load import Load
from twin.sizing.datasheets import typed
from twin.sizing.form import Design, Frame, written
from twin.sizing.products import Pick
from twin.sizing.proof import flow_bound, missed_loops, use_of
from twin.weather import Weather

ROUNDS = 24
STEP = 0.08  # of the units of a group that is short
BOLD_STEP = 0.2  # where the facility cannot be solved at all, or misses by much
FAR_K = 4.0
BUSY = 0.9  # of its capacity: more tower cells help only towers that have no room left
LEAST_COIL_FLOW = 0.25  # of the rated water of coils that get too little
PUMP_STEP, PUMP_MARGIN = 1.15, 1.05
CHILLER_MARGIN = 1.02
NEAR = 0.02  # relative; flows and capacities closer than this are left
UTILITY_MARGIN = 1.1
MOST_TIMES, MOST_MORE = 6, 6  # of the units first thought of: beyond, more of them do not help
LAST = ("cdu", "tank", "sidecar", "air_handler", "tower", "chiller", "dry_cooler", "economiser")
FEEDERS = ("power.transformer", "power.ups", "power.rectifier", "power.mechanical")


@dataclass
class Draft:
    """A design under way: counts, the reason of each, and the least that is known to be needed."""

    frame: Frame
    design: Design
    reasons: dict[str, Pick]
    loading: float
    floor: dict[str, int]  # units, by address
    least: dict[str, float]  # numbers, by address
    first: Mapping[str, int]  # units first thought of, by address


def settle(draft: Draft, days: Weather, load: Load) -> None:
    """Simulate with required units only and mend what is short, until nothing changes."""
    for _ in range(ROUNDS):
        before = draft.design
        try:
            ds = simulate(load_site(written(draft.frame, before, bare=True)), weather=days, load=load)
        except RunError:
            loops = ("tcs", "bath", "fws", "chw", "condenser", "hall", "electrical")
            grow(draft, [address for loop in loops for address in finishers(draft.design, loop)], BOLD_STEP)
            continue
        _correct(draft, ds)
        after = draft.design
        still = all(abs(after.number[k] - old) <= NEAR * abs(old) for k, old in before.number.items())
        if after.units == before.units and still:
            return


def finishers(design: Design, loop: str) -> list[str]:
    """The groups that must take the last of a loop's heat."""
    place = {"hall": "hall", "electrical": "rooms.electrical"}.get(loop, f"cooling.{loop}")
    return [f"{place}.{name}" for name in LAST if design.units.get(f"{place}.{name}")][:1]


def grow(draft: Draft, addresses: list[str], share: float = STEP) -> None:
    """More units of some groups, larger chillers; less is never tried again."""
    chillers = [f"{a}.capacity" for a in addresses if a.endswith(".chiller")]
    larger = {key: (1.0 + share) * draft.design.number[key] for key in chillers}
    draft.least |= larger
    draft.design = draft.design.with_numbers(larger)
    units = {
        a: draft.design.units[a] + max(1, int(np.ceil(share * draft.design.units[a])))
        for a in addresses
        if not a.endswith(".chiller") and draft.design.units[a] < MOST_TIMES * draft.first[a] + MOST_MORE
    }
    draft.floor |= units
    _set(draft, units)


def widen(draft: Draft, loop: str, least: float = 0.0) -> bool:
    """More flow in the loop that takes a loop's heat, where it has pumps, ``least`` m³/s: spare units there share it."""
    sink = sink_of(draft.frame, loop)
    key = f"cooling.{sink}.pump.flow"
    if key not in draft.design.number:
        return False
    draft.least[key] = max(PUMP_STEP * draft.design.number[key], least)
    draft.design = draft.design.with_numbers({key: draft.least[key]})
    return True


def sink_of(frame: Frame, loop: str) -> str:
    """The loop with pumps that a loop's heat goes to."""
    onto = "fws" if frame.facility else "chw"
    rooms = {"hall": "chw", "electrical": "chw", "doors": "chw"}
    return {"tcs": onto, "bath": onto, **rooms}.get(loop, "condenser")


def coil_flow(design: Design) -> float:
    """Water in m³/s that all coils in room air ask for at their rated points."""
    kinds = {"air_handler": AirHandlers, "rear_door": RearDoors}
    coils = [(a, kinds[a.rpartition(".")[2]]) for a in design.units if a.rpartition(".")[2] in kinds]
    return float(sum(design.units[a] * typed(design.product[a], kind, tuple(a.split("."))).rated_water_flow for a, kind in coils))  # fmt: skip


def _starved(design: Design, loop: str) -> bool:
    """Whether a room is short because the pumps give its coils less water than they are rated for."""
    flow = design.number.get("cooling.chw.pump.flow", 0.0)
    return loop in ("hall", "electrical") and flow < coil_flow(design)


def _causes(frame: Frame, missed: list[str], bound: set[str]) -> list[str]:
    """Loops that are short themselves: not those whose own sink is too warm or does not move, which no unit of theirs mends."""
    ill = ({*missed} | bound) - {"condenser"}
    return [loop for loop in missed if sink_of(frame, loop) not in ill]


def _set(draft: Draft, units: Mapping[str, int]) -> None:
    for address, n in units.items():
        old = draft.reasons[address]
        words = (
            old.binding
            if n == old.required
            else f"{old.binding.partition(':')[0]}: the design day at full load needs {n}"
        )
        draft.reasons[address] = old._replace(required=n, binding=words)
    draft.design = draft.design.with_units(units)


def _correct(draft: Draft, ds: xr.Dataset) -> None:
    bound, use = flow_bound(ds), use_of(ds)
    pumped = {loop for loop in bound if f"cooling.{loop}.pump" in draft.design.units}
    causes = _causes(draft.frame, missed_loops(ds), pumped)
    starved = [loop for loop in causes if _starved(draft.design, loop)][:1]
    for loop in starved:
        widen(draft, loop, LEAST_COIL_FLOW * coil_flow(draft.design))
    short = [
        a
        for loop in dict.fromkeys([*causes, *sorted(bound - pumped)])
        if not starved
        for a in finishers(draft.design, loop)
        if not a.endswith(".tower") or use.get(a, 1.0) > BUSY
    ]
    if short:
        gap = float((ds["loop_supply_temperature"] - ds["loop_set_point"]).max())
        grow(draft, short, BOLD_STEP if gap > FAR_K else STEP)
    elif not (pumped or starved):
        _shrink(draft, ds, use)
    number = {
        f"cooling.{loop}.pump.flow": PUMP_STEP * draft.design.number[f"cooling.{loop}.pump.flow"]
        for loop in pumped
    }
    for loop in ("fws", "chw", "condenser"):
        key = f"cooling.{loop}.pump.flow"
        if key not in draft.design.number:
            continue
        peak = max(
            PUMP_MARGIN * float(ds["loop_flow"].sel(loop=loop).max()) / 1000.0, draft.least.get(key, 0.0)
        )
        if loop not in pumped and abs(peak / draft.design.number[key] - 1.0) > NEAR:
            number[key] = peak
        if f"cooling.{loop}.flow" in draft.design.number:
            number[f"cooling.{loop}.flow"] = number.get(key, draft.design.number[key])
        key = f"cooling.{loop}.chiller.capacity"
        if use.get(f"cooling.{loop}.chiller", 0.0) > 0.0 and not short:
            needed = draft.design.number[key] * max(CHILLER_MARGIN * use[f"cooling.{loop}.chiller"], 0.1)
            number[key] = max(needed, draft.least.get(key, 0.0))
    number["power.utility"] = UTILITY_MARGIN * float(ds["site_power"].max())
    draft.design = draft.design.with_numbers(number)
    _feeders(draft, ds)


def _shrink(draft: Draft, ds: xr.Dataset, use: Mapping[str, float]) -> None:
    """Fewer units where the required ones have room; the CDU count by flow stays."""
    units = {}
    for loop in ds["loop"].values:
        for address in finishers(draft.design, str(loop)):
            n = draft.design.units[address]
            fewer = max(int(np.ceil(n * use.get(address, 1.0) - 1e-6)), draft.floor.get(address, 1), 1)
            if fewer < n and not address.endswith((".economiser", ".chiller", ".cdu")):
                units[address] = fewer
    _set(draft, units)


def _feeders(draft: Draft, ds: xr.Dataset) -> None:
    units = {}
    for address in (one for one in FEEDERS if one in draft.design.units):
        name = address.removeprefix("power.")
        used = float(ds["feeder_utilisation"].sel(feeder=name).max())
        load = float(ds["feeder_load"].sel(feeder=name).max())
        n = max(1, int(np.ceil(draft.design.units[address] * used / draft.loading - 1e-6)))
        draft.reasons[address] = draft.reasons[address]._replace(
            required=n,
            binding=f"power: {load / 1e6:.3g} MW at no more than {100 * draft.loading:.3g} % of rating",
        )
        units[address] = n
    draft.design = draft.design.with_units(units)
