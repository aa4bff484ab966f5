"""From what a transient recorded to a labelled Dataset like that of a year, and to the few numbers people ask for."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr
from twin_models.streams import Array
from twin_sites.schema import Cdus

from twin.compile import Plan
from twin.results import _it_power, _rating, role, site_key
from twin.state import State
from twin.transients.limits import Extremes, extremes_of, limits_of_plan
from twin.transients.recorder import Recorder
from twin.trim_respond import resets_of
from twin.variables import RESET, VARIABLES

if TYPE_CHECKING:
    from twin.loads.load import Load
    from twin.transients.events import Event
    from twin.weather import Weather

ROUNDING = 1e-9  # of activity
SETTLED_K = 0.5  # a temperature that stays this near to where it ends has settled


class Run(NamedTuple):
    """What a transient leaves."""

    plan: Plan
    recorder: Recorder
    steps: int
    rejected: int
    closure: float
    meter: float  # J at the utility meter
    battery: float  # J in full batteries
    drained: float  # J taken out of them
    generated: float  # J from generators, counted at the meter too
    log: list[str]


@dataclass(frozen=True)
class GroupTimes:
    """What one rack group went through; times in s after the first event, None for never."""

    time_to_throttle_s: float | None
    time_to_shutdown_s: float | None
    shutdown_cause: str | None  # chip, coolant, pressure, level, inlet air, or the feeder that failed
    time_to_inlet_limit_s: float | None
    hottest_chip_c: float | None
    lost_activity_s: float  # integral of what was asked and not done, in s of full load of the group
    lost_kwh: float  # the same as energy at the racks' rating: what was not computed


@dataclass(frozen=True)
class LoopTimes:
    """Supply of one loop or room."""

    start_c: float
    lowest_c: float
    highest_c: float
    end_c: float
    overshoot_k: float  # above set point and start, whichever is higher
    settled_s: (
        float | None
    )  # after the first event, from which on it stays where it ends; None where it still moves
    lowest_flow_share: float  # of its flow at the start
    reset: list[float] | None = None  # by requests, 0 warmest to 1 coldest: start, lowest, highest, end
    most_requests: float | None = None


@dataclass(frozen=True)
class TransientSummary:
    """What a transient says in short: the contract of ``--json``."""

    site: str
    until_s: float
    events: list[str]
    log: list[str]
    time_to_throttle_s: float | None
    time_to_shutdown_s: float | None
    limiting_element: str | None
    racks: dict[str, GroupTimes]
    loops: dict[str, LoopTimes]
    limits: dict[str, Extremes]
    lost_kwh: float  # of all racks, at their rating
    energy_kwh: float  # from the utility
    generator_kwh: float
    battery_kwh: float  # taken out of batteries
    battery_left: float | None  # share, None without batteries
    energy_closure: float  # worst of all steps
    steps: int

    def json(self) -> dict[str, Any]:
        """As JSON has it."""
        return dataclasses.asdict(self)


def transient_dataset(
    run: Run,
    air: "Weather",
    load: "Load | float",
    start: np.datetime64,
    events: "list[Event]",
    notes: list[str],
    version: str,
) -> xr.Dataset:
    """Label what was recorded."""
    plan, rec = run.plan, run.recorder
    site = plan.site
    get = rec.series
    loops = [v.name for v in plan.volumes]
    links = [node for node in plan.links]
    data: dict[str, Array] = {
        "site_power": get("site.meter"),
        "site_heat_rejected": get("site.rejected"),
        "ambient_dry_bulb": get("ambient.dry_bulb"),
        "ambient_wet_bulb": get("ambient.wet_bulb"),
    }
    racks = {"power": "power", "peak_power": "peak", "heat_liquid": "liquid", "heat_air": "air", "chip_temperature": "chip",
             "flow": "flow", "return_temperature": "out", "inlet_temperature": "inlet", "activity": "asked", "done": "done",
             "throttled": "throttled"}  # fmt: skip
    for name, part in racks.items():
        data[f"rack_{name}"] = np.stack([get(f"rack.{node.name}.{part}") for node in plan.racks])
    stopped = np.stack([get(f"rack.{node.name}.stopped") for node in plan.racks])
    data["site_compute_power"] = sum(
        (get(f"rack.{n.name}.compute") for n in plan.racks), np.zeros(rec.grid.size)
    )
    for name, part in {"supply_temperature": "supply", "set_point": "wanted", "return_temperature": "return", "flow": "flow", "heat": "heat"}.items():  # fmt: skip
        data[f"loop_{name}"] = np.stack([get(f"loop.{loop}.{part}") for loop in loops])
    for part in RESET if resets_of(plan) else ():
        own = [f"loop.{loop}.{part.removeprefix('loop_')}" for loop in loops]
        none = np.full(rec.grid.size, np.nan)
        data[part] = np.stack([get(name) if name in rec.names else none for name in own])
    drives = {name.removeprefix("drive."): get(name) for name in rec.names if name.startswith("drive.")}
    data["loop_pump_power"] = np.stack([_pumps(plan, drives, loop, rec.grid.size) for loop in loops])
    for name, part in {
        "heat": "heat",
        "capacity": "capacity",
        "actuator": "u",
        "running": "running",
        "water": "water",
    }.items():
        data[f"link_{name}"] = np.stack([get(f"link.{node.name}.{part}") for node in links])
    data["link_power"] = np.stack(
        [drives.get(n.address, np.zeros(rec.grid.size)) + get(f"link.{n.name}.power") for n in links]
    )
    data["site_water"] = data["link_water"].sum(axis=0)
    data["site_blowdown"] = sum((get(f"link.{n.name}.blowdown") for n in links), np.zeros(rec.grid.size))
    for part in ("load", "loss"):
        data[f"feeder_{part}"] = np.stack([get(f"feeder.{name}.{part}") for name, _ in plan.feeders])
    data["feeder_utilisation"] = np.stack(
        [data["feeder_load"][i] / _rating(feeder) for i, (_, feeder) in enumerate(plan.feeders)]
    )
    data["site_it_power"] = _metered(plan, data, drives)
    data["site_pue"] = data["site_power"] / np.maximum(data["site_it_power"], 1e-9)
    variables: dict[str, Any] = {}
    for name, values in data.items():
        row = (VARIABLES | RESET)[name]
        variables[name] = xr.Variable(
            row.dims, values, {"units": row.unit, "long_name": row.label, "cell_methods": "time: point"}
        )
    battery = {"units": "W", "long_name": "Power out of batteries", "cell_methods": "time: point"}
    variables["site_battery_power"] = xr.Variable(("time",), get("site.battery"), battery)
    shut = {"units": "1", "long_name": "Share of racks shut down by heat", "cell_methods": "time: point"}
    variables["rack_stopped"] = xr.Variable(("rack", "time"), stopped, shut)
    crossings = [rec.crossings[node.name] for node in plan.racks]
    moments = (rec.grid * 1e6).round().astype("timedelta64[us]")
    coords: dict[str, Any] = {
        "time": start.astype("datetime64[us]") + moments,
        "elapsed": ("time", rec.grid, {"units": "s"}),
        "rack": [node.name for node in plan.racks],
        "loop": loops,
        "link": [node.name for node in links],
        "feeder": [name for name, _ in plan.feeders],
        "rack_count": ("rack", [node.racks.count for node in plan.racks]),
        "rack_accelerators": ("rack", [node.racks.accelerators for node in plan.racks]),
        "rack_throttle_s": ("rack", [_none(c.throttle) for c in crossings], {"units": "s"}),
        "rack_stop_s": ("rack", [_none(c.stop) for c in crossings], {"units": "s"}),
        "rack_stop_cause": ("rack", [c.cause for c in crossings]),
        "rack_inlet_limit_s": ("rack", [_none(c.inlet) for c in crossings], {"units": "s"}),
        "rack_hottest": ("rack", [_none(c.hottest) for c in crossings], {"units": "degC"}),
        "rack_rating": ("rack", [node.racks.count * node.racks.tdp for node in plan.racks], {"units": "W"}),
        **limits_of_plan(plan),
        "loop_role": ("loop", [role(volume) for volume in plan.volumes]),
        "link_kind": ("link", [node.link.kind for node in links]),
        "link_loop": ("link", [node.hot for node in links]),
        "link_sink": ("link", [node.sink for node in links]),
        "feeder_kind": ("feeder", [feeder.kind for _, feeder in plan.feeders]),
    }
    attributes: dict[str, Any] = {
        "Conventions": "CF-1.11",
        "title": site.title or site.name,
        "site": site.name,
        "site_key": site_key(site),
        "weather": air.name,
        "load": f"{load:.0%} of full load" if isinstance(load, float) else load.name,
        "version": version,
        "step_s": rec.step * rec.coarse,
        "until_s": rec.until,
        "events": [event.text for event in events if event.text],
        "first_event_s": min((event.at for event in events), default=0.0),
        "log": run.log,
        "steps": run.steps,
        "rejected_steps": run.rejected,
        "energy_closure": run.closure,
        "battery_j": run.battery,
        "battery_used_j": run.drained,
        "meter_j": run.meter,
        "generator_j": run.generated,
        "design_it_w": plan.design_it,
        "extremes": [f"{name}={low:.6g},{high:.6g}" for name, (low, high) in rec.extremes.items()],
        "notes": notes,
    }
    return xr.Dataset(variables, coords, attributes)


def _none(value: float) -> float:
    return value if np.isfinite(value) else float("nan")


def _pumps(plan: Any, drives: dict[str, Array], loop: str, n: int) -> Array:
    own = drives.get(f"cooling.{loop}.pump", np.zeros(n))
    units = (drives[node.address] for node in plan.links if node.hot == loop and isinstance(node.link, Cdus))
    return np.asarray(sum(units, own))


def _metered(plan: Any, data: dict[str, Array], drives: dict[str, Array]) -> Array:
    """IT power at the meter of the site's category, as the year has it."""
    state = State(meter=data["site_power"])
    state.load = {name: data["feeder_load"][i] for i, (name, _) in enumerate(plan.feeders)}
    state.electric = {
        f"racks.{node.name}": data["rack_power"][i] for i, node in enumerate(plan.racks)
    } | drives
    state.electric |= {
        n.address: data["link_power"][i] for i, n in enumerate(plan.links) if n.address not in drives
    }
    return _it_power(plan, state)


def summarize_transient(ds: xr.Dataset) -> TransientSummary:
    """Reduce a transient to what people ask of it."""
    step = float(ds.attrs["step_s"])
    groups = {}
    since = float(ds.attrs["first_event_s"])
    for i, name in enumerate(ds.rack.values):
        lost = ds.rack_activity.values[i] - ds.rack_done.values[i]
        lost = np.where(lost > ROUNDING, lost, 0.0)
        groups[str(name)] = GroupTimes(
            _after(ds.rack_throttle_s.values[i], since), _after(ds.rack_stop_s.values[i], since),
            str(ds.rack_stop_cause.values[i]) if np.isfinite(ds.rack_stop_s.values[i]) else None,
            _after(ds.rack_inlet_limit_s.values[i], since), _or_none(ds.rack_hottest.values[i]),
            float(np.trapezoid(lost, dx=step)),
            float(np.trapezoid(lost, dx=step)) * float(ds.rack_rating.values[i]) / 3.6e6,
        )  # fmt: skip
    loops = {str(name): _loop(ds, i) for i, name in enumerate(ds.loop.values)}
    throttle = _first(groups, "time_to_throttle_s")
    stop = _first(groups, "time_to_shutdown_s")
    battery, used = float(ds.attrs["battery_j"]), float(ds.attrs["battery_used_j"])
    generated = float(ds.attrs["generator_j"])
    limiting = stop[1] or throttle[1]
    cause = str(ds.rack_stop_cause.sel(rack=stop[1]).item()) if stop[1] else "chip"
    return TransientSummary(
        str(ds.attrs["site"]), float(ds.attrs["until_s"]), list(ds.attrs["events"]), list(ds.attrs["log"]),
        throttle[0], stop[0], (cause if cause.startswith("power.") else f"racks.{limiting}") if limiting else None, groups, loops,
        extremes_of(ds), sum(one.lost_kwh for one in groups.values()),
        (float(ds.attrs["meter_j"]) - generated) / 3.6e6, generated / 3.6e6, used / 3.6e6, 1.0 - min(used / battery, 1.0) if battery > 0.0 else None,
        float(ds.attrs["energy_closure"]), int(ds.attrs["steps"]),
    )  # fmt: skip


def _first(groups: dict[str, GroupTimes], what: str) -> tuple[float | None, str | None]:
    """The first moment of all groups and whose it is."""
    met = [(getattr(one, what), name) for name, one in groups.items() if getattr(one, what) is not None]
    return min(met) if met else (None, None)


def _loop(ds: xr.Dataset, i: int) -> LoopTimes:
    supply, want = ds.loop_supply_temperature.values[i], ds.loop_set_point.values[i]
    since = float(ds.attrs["first_event_s"])
    flow, elapsed = ds.loop_flow.values[i], ds.elapsed.values
    away = np.flatnonzero(np.abs(supply - supply[-1]) > SETTLED_K)
    settled: float | None = 0.0
    if away.size:
        last = int(away[-1])
        settled = (
            max(float(elapsed[last + 1]) - since, 0.0) if last + 1 < supply.size - supply.size // 20 else None
        )
    highest = float(supply.max())
    reset = requests = None
    if "loop_reset" in ds and not np.isnan(ds.loop_reset.values[i]).all():
        share, requests = ds.loop_reset.values[i], float(ds.loop_requests.values[i].max())
        reset = [float(one) for one in (share[0], share.min(), share.max(), share[-1])]
    return LoopTimes(
        float(supply[0]), float(supply.min()), highest, float(supply[-1]),
        max(highest - max(float(want.max()), float(supply[0])), 0.0), settled, float(flow.min() / max(flow[0], 1e-12)),
        reset, requests,
    )  # fmt: skip


def _after(moment: float, since: float) -> float | None:
    """s after the first event; 0 where it had happened before."""
    return max(float(moment) - since, 0.0) if np.isfinite(moment) else None


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
