"""The pass before a run that decides when tanks are filled and used, and the audit after it.

A run has no memory between steps. So the whole run is solved once with its tanks idle, and again with each tank filled, and used,
as fast as it can be in every step: what that costs and saves at the meter, step by step, is what a series is
planned with. The run is then solved with that series, and the charge of every tank is worked out from what it really
took up.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from twin_models.fluids.fluids import density, heat_capacity
from twin_models.streams import Ambient, Array, Mask
from twin_models.thermal_storage import thermal_storage
from twin_sites.schema import Loop, Stores
from twin_sites.stores import HOURS

from twin.compile import Plan, VolumeNode
from twin.storage.dispatch import shave, trade
from twin.storage.tank import store_of

if TYPE_CHECKING:
    from twin.results import Collected

MISSED_K = 0.05  # a supply warmer by this than with idle tanks: the machines cannot fill the tank too
LEAST_K = 0.1  # of return above supply, where a loop has next to no heat
OF_HEAT = 0.98  # of a loop's heat is the most that its tank is planned to take: heat shifts a little with the plant's load
RATES = (1.0, 0.4, 0.15)  # of the highest rate: the first that the machines can serve beside their load
MORE_PASSES = 2  # after the plan, where filling made a supply miss its set point all the same
PROBES = 4  # per tank: filled at each of the rates, used
PEAK_SHARE = 0.5  # of what is left below a month's peak that a slower filling may take: less than in proportion may cost more
SOONER = 1.0 - 1e-9  # a share lost per step that makes now better than later where both are worth the same


class Drive(NamedTuple):
    """What a pass before the run knows of it."""

    solve: Callable[[Mapping[str, Array]], tuple["Collected", Mask]]  # and where there is no steady state
    ambient: Ambient
    start: np.datetime64
    step_s: float
    price: Array  # per J
    carbon: Array  # kg/J


class Tank(NamedTuple):
    """The tanks of one loop, as the run finds them."""

    name: str
    store: Stores
    capacity: Array  # J, ()
    usable: float  # K
    lost: Array  # share of the charge per second, (time,)
    fill: Array  # W, (time,)
    use: Array

    @property
    def floor(self) -> float:
        """Charge in J that is kept for failures."""
        return float(self.store.reserve * self.capacity)


class Planned(NamedTuple):
    """Series of all tanks, and the run without them."""

    series: dict[str, Array]  # W that the tank of a loop is to take up
    tanks: tuple[Tank, ...]
    idle_power: Array  # W at the meter
    idle_excess: Array  # K by which the worst loop with a duty misses its set point
    notes: tuple[str, ...]


def stores_in(plan: Plan) -> list[VolumeNode]:
    """Loops that have a tank in service."""
    return [
        volume
        for volume in plan.volumes
        if isinstance(volume.part, Loop) and volume.part.storage is not None and volume.part.storage.units
    ]


def passes(plan: Plan) -> int:
    """Most times that a run is solved for its plan, the run itself not counted."""
    found = len(stores_in(plan))
    return 1 + PROBES * found + MORE_PASSES if found else 0


def plan_tanks(plan: Plan, drive: Drive) -> Planned:
    """Series for every tank of a site, one tank after the other; later ones see what the earlier ones did to the meter."""
    idle, failed = drive.solve({})
    series: dict[str, Array] = {}
    tanks: list[Tank] = []
    notes: list[str] = []
    power = idle.values["site_power"].copy()
    for volume in stores_in(plan):
        tank, more = _tank(plan, volume, idle, drive)
        tanks.append(tank)
        notes += more
        per_fill, per_use, tank = _probe(plan, tank, idle, failed, drive)
        tanks[-1] = tank
        series[tank.name] = _series(
            tank, idle.values["loop_heat"][_row(plan, tank.name)], power, per_fill, per_use, drive
        )
        taken = series[tank.name]
        power = power + np.where(taken < 0.0, -taken * per_fill, -taken * per_use)
    for _ in range(MORE_PASSES):  # tanks that are filled together, or after the plant changed its ways
        together, short = drive.solve(series)
        over = short | (excess(plan, together) > excess(plan, idle) + MISSED_K)
        filling = {name: over & (taken < 0.0) for name, taken in series.items()}
        if not any(mask.any() for mask in filling.values()):
            break
        tanks = [tank._replace(fill=np.where(filling[tank.name], 0.0, tank.fill)) for tank in tanks]
        series = {
            tank.name: _replay(tank, np.where(filling[tank.name], 0.0, series[tank.name]), drive)
            for tank in tanks
        }
    return Planned(series, tuple(tanks), idle.values["site_power"], excess(plan, idle), tuple(notes))


def _row(plan: Plan, name: str) -> int:
    return [volume.name for volume in plan.volumes].index(name)


def excess(plan: Plan, found: "Collected") -> Array:
    """K by which the worst loop with a duty misses its set point."""
    rows = [i for i, volume in enumerate(plan.volumes) if not volume.condenser and not volume.outer]
    gap = found.values["loop_supply_temperature"][rows] - found.values["loop_set_point"][rows]
    return np.asarray(np.max(gap, axis=0))


def _tank(plan: Plan, volume: VolumeNode, idle: "Collected", drive: Drive) -> tuple[Tank, list[str]]:
    """A loop's tanks: what they hold at the temperatures that the loop really has."""
    store, i = store_of(volume), _row(plan, volume.name)
    assert volume.fluid is not None
    heat, cold = idle.values["loop_heat"][i], idle.values["loop_set_point"][i]
    rise = idle.values["loop_return_temperature"][i] - idle.values["loop_supply_temperature"][i]
    had = max(float(np.sum(rise * heat) / max(float(np.sum(heat)), 1e-9)), LEAST_K)
    usable = min(had, store.temperature_difference)
    notes = []
    if had < 0.95 * store.temperature_difference:
        notes.append(
            f"{volume.address}.storage: the loop returns {had:.1f} K above its supply; the tank holds that, "
            f"not the {store.temperature_difference:.1f} K stated"
        )
    at = float(np.mean(cold))
    rho_cp = float(density(volume.fluid, at)) * float(heat_capacity(volume.fluid, at))
    capacity = store.units * thermal_storage.capacity(rho_cp, had, store)
    lost = thermal_storage.decay(drive.ambient.dry_bulb, cold, capacity / store.units, store)
    scale = store.units * usable / store.temperature_difference  # rates are flows
    fill = np.where(excess(plan, idle) > MISSED_K, 0.0, scale * store.charge_rate)
    if volume.chilled:  # warmer water does not help machines that are at their limit
        fill = np.clip(_capacity(plan, volume, idle) - heat, 0.0, fill)
    use = np.minimum(scale * store.discharge_rate, OF_HEAT * heat)
    clock = _clock(drive, heat.size)
    if store.charge_hours:
        fill = np.where(in_hours(store.charge_hours, clock), fill, 0.0)
    if store.discharge_hours:
        use = np.where(in_hours(store.discharge_hours, clock), use, 0.0)
    return Tank(volume.name, store, capacity, usable, np.broadcast_to(lost, heat.shape), fill, use), notes


def _capacity(plan: Plan, volume: VolumeNode, idle: "Collected") -> Array:
    """W that all machines of a loop can take together, at most."""
    rows = [i for i, node in enumerate(plan.links) if node.hot == volume.name]
    return np.asarray(idle.values["link_capacity"][rows].sum(axis=0))


def in_hours(text: str, clock: Array) -> Mask:
    """Whether hours of the day lie in a span such as ``22-06``."""
    found = HOURS.fullmatch(text)
    assert found is not None
    start, end = int(found[1]), int(found[2])
    return (clock >= start) & (clock < end) if start < end else (clock >= start) | (clock < end)


def _clock(drive: Drive, n: int) -> Array:
    """Hour of the day of each step on the weather's clock."""
    start = int(drive.start.astype("datetime64[s]").astype(np.int64))
    return np.asarray((start + np.arange(n) * drive.step_s) % 86400.0 / 3600.0)


def _months(drive: Drive, n: int) -> NDArray[np.int64]:
    seconds = (np.arange(n) * drive.step_s).astype("timedelta64[s]")
    return np.asarray(
        (drive.start.astype("datetime64[s]") + seconds).astype("datetime64[M]").astype(np.int64)
    )


def _probe(
    plan: Plan, tank: Tank, idle: "Collected", failed: Mask, drive: Drive
) -> tuple[Array, Array, Tank]:
    """W at the meter per W of filling and of use in every step; rates that the machines can serve."""
    base, before = idle.values["site_power"], excess(plan, idle)
    per_fill, fill = np.zeros_like(base), np.zeros_like(base)
    wanted = np.where(failed, 0.0, tank.fill)
    for share in RATES:
        asked = np.where(fill > 0.0, 0.0, share * wanted)
        if not asked.any():
            break
        found, short = drive.solve({tank.name: -asked})
        met = (asked > 0.0) & ~short & (excess(plan, found) <= before + MISSED_K)
        per_fill = np.where(met, (found.values["site_power"] - base) / np.maximum(asked, 1e-9), per_fill)
        fill = np.where(met, asked, fill)
    found, short = drive.solve({tank.name: tank.use})
    per_use = np.where(short, 0.0, (base - found.values["site_power"]) / np.maximum(tank.use, 1e-9))
    per_use = np.where(tank.use > 0.0, per_use, 0.0)
    return np.maximum(per_fill, 0.0), per_use, tank._replace(fill=fill)


def _series(tank: Tank, heat: Array, power: Array, per_fill: Array, per_use: Array, drive: Drive) -> Array:
    """W that a tank is to take up, by what it is there for."""
    n = power.size
    store, months = tank.store, _months(drive, n)
    kept, mean = over_a_step(tank, drive.step_s)
    per_watt = drive.step_s * mean / kept  # J of charge, before its loss, per W
    full = float(tank.capacity) - tank.floor
    room, use = tank.fill, tank.use
    zero, one = np.zeros(n), np.ones(n)
    if store.schedule == "idle":
        return _replay(tank, zero, drive)
    if store.schedule in ("peak_power", "peak_cooling"):
        level, up, down = (power, per_fill, per_use) if store.schedule == "peak_power" else (heat, one, one)
        change = shave(
            level, up / per_watt, down / per_watt, room * per_watt, use * per_watt, kept, full, months
        )
        return _replay(tank, -change / per_watt, drive)
    top = np.zeros(n)
    for month in np.unique(months):
        top[months == month] = power[months == month].max()
    below = PEAK_SHARE * np.maximum(top - power, 0.0) / np.maximum(per_fill, 1e-9)
    room = np.where(
        power + per_fill * room <= top, room, np.minimum(room, below)
    )  # filling makes no new peak
    warm = np.asarray(drive.ambient.dry_bulb) - np.min(drive.ambient.dry_bulb)
    cost, worth = {
        "cheap": (per_fill * drive.price, per_use * drive.price),
        "clean": (per_fill * drive.carbon, per_use * drive.carbon),
        "cool": (warm, warm),
        "hours": (zero, one),
    }[store.schedule]
    if store.schedule == "hours":  # filling is free where nothing is used; all that is there is used evenly
        cost, kept = np.where(use > 0.0, one, zero), kept * SOONER
        often = in_hours(store.discharge_hours, np.arange(24.0)).sum() * 3600.0
        use = np.minimum(use, full / often)
    change = trade(cost / per_watt, worth / per_watt, room * per_watt, use * per_watt, kept, full)
    return _replay(tank, -change / per_watt, drive)


def over_a_step(tank: Tank, step_s: float) -> tuple[Array, Array]:
    """Share of the charge that is left after a step, and of what is filled in its course."""
    left, _ = thermal_storage.after(1.0, 0.0, tank.lost, step_s)
    filled, _ = thermal_storage.after(0.0, -1.0 / step_s, tank.lost, step_s)
    return left, filled


def _replay(tank: Tank, asked: Array, drive: Drive) -> Array:
    """A series held to what a tank can do in turn: never beyond empty, full or its rates; its reserve is made up for."""
    kept, mean = over_a_step(tank, drive.step_s)
    out = np.zeros(asked.size)
    held, full = tank.floor, float(tank.capacity)
    scale = tank.store.units * tank.usable / tank.store.temperature_difference
    steady = tank.store.mixing == "stratified"
    fast, slow = (scale * float(rate) for rate in thermal_storage.rates(1.0, tank.store))
    rows = (
        asked.tolist(),
        kept.tolist(),
        (drive.step_s * mean).tolist(),
        tank.fill.tolist(),
        tank.use.tolist(),
    )
    for t, (wanted, keeps, per_watt, can_fill, can_use) in enumerate(zip(*rows, strict=True)):
        left = held * keeps
        if not steady:
            fast, slow = (scale * float(rate) for rate in thermal_storage.rates(held / full, tank.store))
        fill = max(-wanted, (tank.floor - left) / per_watt)
        if fill > 0.0:
            out[t] = -min(fill, max((full - left) / per_watt, 0.0), fast, can_fill)
        else:
            out[t] = min(-fill, (left - tank.floor) / per_watt, slow, can_use)
        held = left - out[t] * per_watt
    return out
