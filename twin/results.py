"""From what the solver found to a labelled Dataset."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr
from twin_models.fluids.boiling import pressure
from twin_models.rack.ashrae import AIR_CLASSES
from twin_models.streams import Array
from twin_models.work.work import working_share
from twin_sites.schema import OUTDOORS, Cdus, Chillers, Condensers, HeatCustomers, Utility

from twin import members, tokens
from twin.compile import Plan, VolumeNode
from twin.ranges import Edge, as_lines, joined, left
from twin.state import Block, Span, State
from twin.variables import PER_RACK, RESET, STORAGE, VARIABLES

if TYPE_CHECKING:
    from twin.loads.load import Load
    from twin.weather import Weather

LIMIT_FLAGS = ("flow_bound", "dew_bound")


@dataclass
class Collected:
    """Arrays of a block by variable, and what was out of range, as sums over steps."""

    values: dict[str, Array]
    out_of_range: dict[str, float]
    exits: dict[Edge, tuple[float, float]]  # steps beyond an edge of a range, and the value furthest beyond
    flags: dict[str, float]
    sweeps: int
    members: members.Tally
    tanks: tuple[tuple[str, float, float], ...] = ()  # loop, capacity in J, charge at the start


def collect(plan: Plan, block: Block, state: State, per_rack: bool = False) -> Collected:
    """Reduce a solved block to the variables of a result; ``per_rack`` keeps every step of single racks too."""
    n = state.meter.size
    values: dict[str, Array] = {
        "site_power": state.meter,
        "site_heat_rejected": _rejected(plan, state),
        "site_heat_reused": _reused(plan, state),
        "site_house_power": state.electric["house"],
        "site_residual": state.residual,
        "ambient_dry_bulb": np.asarray(block.ambient.dry_bulb),
        "ambient_wet_bulb": np.asarray(block.ambient.wet_bulb),
    }
    values |= _racks(plan, block, state)
    loops = plan.volumes
    values["loop_supply_temperature"] = np.stack([state.supply[v.name] for v in loops])
    values["loop_set_point"] = np.stack([np.broadcast_to(state.wanted[v.name], n) for v in loops])
    values["loop_return_temperature"] = np.stack([_back(v, state) for v in loops])
    values["loop_pressure"] = np.stack([_vapour_pressure(v, state) for v in loops])
    values["loop_flow"] = np.stack([state.flow[v.name] for v in loops])
    values["loop_heat"] = np.stack([state.heat[v.name] for v in loops])
    values["loop_pump_power"] = np.stack([_pump_power(plan, state, v.name, n) for v in loops])
    links = [node for node in plan.links if node.name in state.link]
    for name, part in (("heat", "heat"), ("capacity", "capacity"), ("water", "water")):
        values[f"link_{name}"] = _stack(
            [np.broadcast_to(getattr(state.link[k.name], part), n) for k in links], n
        )
    values["link_power"] = _stack([np.broadcast_to(state.electric[k.address], n) for k in links], n)
    values["link_actuator"] = _stack([state.u[k.name] for k in links], n)
    values["link_running"] = _stack([np.broadcast_to(state.running[k.name], n) for k in links], n)
    values["site_water"] = values["link_water"].sum(axis=0)
    values["site_blowdown"] = sum(
        (np.broadcast_to(state.link[k.name].blowdown, n) for k in links), np.zeros(n)
    )
    values["feeder_load"] = np.stack([state.load[name] for name, _ in plan.feeders])
    values["feeder_loss"] = np.stack([state.loss[name] for name, _ in plan.feeders])
    values["feeder_utilisation"] = np.stack(
        [state.load[name] / _rating(feeder) for name, feeder in plan.feeders]
    )
    values["site_it_power"] = _it_power(plan, state)
    values["site_pue"] = state.meter / np.maximum(values["site_it_power"], 1e-9)
    if state.stored:
        values["storage_heat"] = np.stack([state.stored[v.name] for v in loops if v.name in state.stored])
    if state.reset:
        none = np.full(n, np.nan)
        values["loop_reset"] = np.stack([state.reset.get(v.name, none) for v in loops])
        values["loop_requests"] = np.stack([state.requests.get(v.name, none) for v in loops])
    if per_rack:
        values |= members.series(plan, block, state)  # type: ignore[arg-type]
    return Collected(
        values, *left(plan, block, state), _flags(state), state.sweeps, members.tally(plan, block, state)
    )


def _back(volume: VolumeNode, state: State) -> Array:
    """Return temperature; vapour comes back at saturation."""
    boils = volume.fluid is not None and volume.fluid.boils
    return state.supply[volume.name] if boils else state.back[volume.name]


def _vapour_pressure(volume: VolumeNode, state: State) -> Array:
    if volume.fluid is None or not volume.fluid.boils:
        return np.full(state.meter.size, np.nan)
    return pressure(volume.fluid.name, state.supply[volume.name])


def _stack(rows: list[Array], n: int) -> Array:
    return np.stack(rows) if rows else np.zeros((0, n))


def _reused(plan: Plan, state: State) -> Array:
    """Heat delivered to customers."""
    out = np.zeros(state.meter.size)
    for node in plan.links:
        if isinstance(node.link, HeatCustomers) and node.name in state.link:
            out = out + state.link[node.name].cold_heat
    return out


def _rejected(plan: Plan, state: State) -> Array:
    """Heat that reaches outdoor air: from the cold side of each link there, and from losses that go there directly."""
    out = np.zeros(state.meter.size)
    for node in plan.links:
        if node.sink == OUTDOORS and node.name in state.link:
            out = out + state.link[node.name].cold_heat
        if "fan" in node.link.ports and node.link.heat_to["fan"] == OUTDOORS:
            out = out + state.electric[node.address]
        if isinstance(node.link, Cdus) and node.link.heat_to["motor"] == OUTDOORS:
            out = out + state.pump[node.name].motor_heat
    for volume in plan.volumes:
        pump = getattr(volume.part, "pump", None)
        if pump is not None and pump.heat_to["motor"] == OUTDOORS:
            out = out + state.pump[volume.name].motor_heat
    for name, feeder in plan.feeders:
        if feeder.heat_to.get("loss") == OUTDOORS:
            out = out + state.loss[name]
    if plan.site.house.heat_to["heat"] == OUTDOORS:
        out = out + state.electric["house"]
    return out


def _racks(plan: Plan, block: Block, state: State) -> dict[str, Array]:
    n = state.meter.size
    rows: dict[str, list[Array]] = {name: [] for name in VARIABLES if name.startswith("rack_")}
    compute = np.zeros(n)
    for node in plan.racks:
        group = state.rack[node.name]
        everyone = block.rows(node.name)
        rows["rack_power"].append(group.power)
        rows["rack_peak_power"].append(group.peak)
        rows["rack_heat_liquid"].append(group.heat_liquid)
        rows["rack_heat_air"].append(group.heat_air)
        rows["rack_chip_temperature"].append(group.chip)
        rows["rack_flow"].append(group.flow / node.racks.count)
        rows["rack_return_temperature"].append(
            _back(plan.volume(node.loop), state) if node.loop is not None else np.full(n, np.nan)
        )
        rows["rack_inlet_temperature"].append(state.inlet[node.room])
        work = node.racks.work
        rows["rack_activity"].append(tokens.mean_of(everyone, partial(np.maximum, 0.0)))
        working = tokens.mean_of(everyone, partial(working_share, work=work)) if work is not None else None
        rows["rack_done"].append(group.done)
        rows["rack_throttled"].append(group.throttled)
        given, free = tokens.rates(node.racks, rows["rack_activity"][-1], working, group.done)
        rows["rack_tokens"].append(given)
        rows["rack_tokens_asked"].append(free)
        compute = compute + group.compute
    out = {name: np.stack([np.broadcast_to(row, n) for row in row_list]) for name, row_list in rows.items()}
    return out | {"site_compute_power": compute}


def _pump_power(plan: Plan, state: State, loop: str, n: int) -> Array:
    own = state.pump[loop].electric if loop in state.pump else np.zeros(n)
    own = own + state.electric.get(f"cooling.{loop}.storage", 0.0)
    return np.asarray(
        own
        + sum(
            (
                state.pump[k.name].electric if k.name in state.pump else state.electric[k.address]
                for k in plan.links
                if k.hot == loop and isinstance(k.link, Cdus | Condensers)
            ),
            np.zeros(n),
        )
    )


def _rating(feeder: Any) -> float:
    if isinstance(feeder, Utility):
        return feeder.rating if feeder.rating is not None else float("inf")
    return float(feeder.rating * max(feeder.units, 1))


def _it_power(plan: Plan, state: State) -> Array:
    """IT power at the meter of the category: rack inputs (3), or what PDUs (2) or UPS (1) deliver less what is not IT.

    ISO/IEC 30134-2. Cooling and house loads fed from the metered level are subtracted there, as their own meters would.
    """
    racks = sum((state.electric[f"racks.{rack.name}"] for rack in plan.racks), np.zeros(state.meter.size))
    kind = {"1": "ups", "2": "pdu", "3": ""}[plan.site.meter.category]
    if not kind:
        return racks
    drawn = dict(plan.fed_by)
    rack_feeds = {name for rack in plan.racks for name in drawn[f"racks.{rack.name}"]}
    metered = {name for feed in rack_feeds for name in _first_above(plan, feed, kind)}
    power = sum((state.load[name] for name in metered), np.zeros(state.meter.size))
    for address, shares in plan.fed_by:
        through = sum(share * _reach(plan, name, metered) for name, share in shares.items())
        if address.startswith("racks."):
            power = (
                power + (1.0 - through) * state.electric[address]
            )  # not behind such a meter: taken at its input
        elif address in state.electric:
            power = power - through * state.electric[address]
    return power


def _first_above(plan: Plan, name: str, kind: str) -> set[str]:
    """Feeders of a kind that come first on the way up from a feeder."""
    if plan.site.power[name].kind == kind:
        return {name}
    return {found for parent in plan.parents[name] for found in _first_above(plan, parent, kind)}


def _reach(plan: Plan, name: str, metered: set[str]) -> float:
    """Share of what a feeder delivers that passed one of the metered feeders."""
    if name in metered:
        return 1.0
    return float(sum(share * _reach(plan, parent, metered) for parent, share in plan.parents[name].items()))


def _flags(state: State) -> dict[str, float]:
    """Number of steps in which a limit decided, by limit and loop or rack group."""
    out = {
        f"{flag}:{name}": float(np.sum(hit))
        for flag in LIMIT_FLAGS
        for name, hit in getattr(state, flag).items()
    }
    for name, group in state.rack.items():
        out[f"return_limit:{name}"] = float(np.sum(~group.return_met))
    return out


def add(whole: Collected | None, part: Collected, where: slice, n: int) -> Collected:
    """A block put into the result of ``n`` steps, which is made with the first: a long run needs its room once."""
    if whole is None:
        if where.stop == n:
            return part
        room = {name: np.empty((*values.shape[:-1], n), values.dtype) for name, values in part.values.items()}
        whole = Collected(room, part.out_of_range, part.exits, part.flags, part.sweeps, part.members)
    else:
        for name in ("out_of_range", "flags"):
            total = getattr(whole, name)
            for key, steps in getattr(part, name).items():
                total[key] = total.get(key, 0.0) + steps
        whole.exits = joined(whole.exits, part.exits)
        whole.sweeps = max(whole.sweeps, part.sweeps)
        whole.members = whole.members.and_then(part.members)
    for name, values in part.values.items():
        whole.values[name][..., where] = values
    return whole


class Rates(NamedTuple):
    """What a joule at the meter costs and emits in every step: currency per J, kg per J."""

    price: Array
    carbon: Array
    currency: str


def dataset(
    plan: Plan,
    found: Collected,
    span: Span,
    air: "Weather",
    load: "Load",
    rates: Rates,
    notes: tuple[str, ...],
    version: str,
) -> xr.Dataset:
    """Label everything: units, names, provenance."""
    site = plan.site
    racks = found.members
    values = {
        **found.values,
        "site_energy_price": rates.price,
        "site_carbon_intensity": rates.carbon,
        "member_power_mean": racks.energy / span.n,
        "member_power_peak": racks.peak,
        "member_chip_hottest": racks.chip,
        "member_flow_mean": racks.flow / span.n,
        "member_flow_least": racks.least_flow,
        "member_hours_throttled": racks.throttled * span.step_s / 3600.0,
    }
    links = plan.links
    member, group = members.names(plan)
    coords: dict[str, Any] = {
        "time": span.start.astype("datetime64[us]")
        + (np.arange(span.n) * span.step_s * 1e6).astype("timedelta64[us]"),
        "rack": [node.name for node in plan.racks],
        "loop": [volume.name for volume in plan.volumes],
        "link": [node.name for node in links],
        "feeder": [name for name, _ in plan.feeders],
        "rack_count": ("rack", [node.racks.count for node in plan.racks]),
        "rack_accelerators": ("rack", [node.racks.accelerators for node in plan.racks]),
        "rack_throttle_temperature": (
            "rack",
            [_throttle(node.racks) for node in plan.racks],
            {"units": "degC"},
        ),
        "rack_inlet_low": (
            "rack",
            [AIR_CLASSES[node.racks.air_class].allowable_low for node in plan.racks],
            {"units": "degC"},
        ),
        "rack_inlet_high": (
            "rack",
            [AIR_CLASSES[node.racks.air_class].allowable_high for node in plan.racks],
            {"units": "degC"},
        ),
        "rack_air_class": ("rack", [node.racks.air_class for node in plan.racks]),
        "member": member,
        "member_rack": ("member", group),
        "loop_role": ("loop", [role(volume) for volume in plan.volumes]),
        "link_kind": ("link", [node.link.kind for node in links]),
        "link_loop": ("link", [node.hot for node in links]),
        "link_sink": ("link", [node.sink for node in links]),
        "feeder_kind": ("feeder", [feeder.kind for _, feeder in plan.feeders]),
    }
    data = {}
    asked = {name: row for name, row in (PER_RACK | STORAGE | RESET).items() if name in values}
    if "storage_heat" in values:
        coords["storage"] = [tank[0] for tank in found.tanks]
        coords["storage_capacity"] = ("storage", [tank[1] for tank in found.tanks], {"units": "J"})
        coords["storage_start"] = ("storage", [tank[2] for tank in found.tanks], {"units": "1"})
    for name, row in (VARIABLES | asked).items():
        attributes = {"units": row.unit, "long_name": row.label, "cell_methods": f"time: {row.method}"}
        data[name] = xr.Variable(row.dims, values[name], attributes)
    n = float(span.n)
    provenance: dict[str, Any] = {
        "Conventions": "CF-1.11",
        "title": site.title or site.name,
        "site": site.name,
        "site_key": site_key(site),
        "weather": air.name,
        "weather_source": air.source,
        "weather_key": air.key,
        "load": load.name,
        "version": version,
        "step_s": span.step_s,
        "utc_offset_h": air.utc_offset_h,
        "pue_category": site.meter.category,
        "water_price": site.economy.water_price,
        "currency": rates.currency,
        "design_it_w": plan.design_it,
        "sweeps": found.sweeps,
        "tokens_basis": tokens.basis(site, load.basis),
        "notes": list(notes),
        "out_of_range": [
            f"{key}={count / n:.6g}" for key, count in found.out_of_range.items() if count > 0.0
        ],
        "range_exits": as_lines(found.exits, span.step_s / 3600.0),
        "limits": [f"{key}={count / n:.6g}" for key, count in found.flags.items() if count > 0.0],
        "datasheets": [f"{address}={product}" for address, product in sorted(site.products.items())],
    }
    return xr.Dataset(data, coords, provenance)


def _throttle(racks: Any) -> float:
    return racks.accelerator.throttle if racks.accelerator is not None else float("nan")


def role(volume: Any) -> str:
    """What a loop is for: technology, facility, condenser, air, or exhaust of racks with rear doors."""
    if volume.fluid is None:
        return "exhaust" if volume.outer else "air"
    if volume.racks:
        return "technology"
    return "condenser" if volume.condenser else "facility"


def site_key(site: Any) -> str:
    """Hash of the validated content: equal facilities have equal keys however they were written."""
    import hashlib

    return hashlib.sha256(repr(site).encode()).hexdigest()[:16]


__all__ = ["Chillers", "Collected", "add", "collect", "dataset", "role", "site_key"]
