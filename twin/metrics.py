"""What a run amounts to: energies, PUE and its relatives, temperatures, hours; each by its published definition.

PUE, ERF, WUE and CUE follow ISO/IEC 30134-2, -6, -9 and -8; ERE and TUE follow The Green Grid. ``Summary`` is the
``--json`` contract, the report and the tiles of the dashboard.
"""

from dataclasses import asdict, dataclass
from math import isfinite, nextafter
from typing import Any

import numpy as np
import xarray as xr
from twin_models.streams import Array, Mask

from twin.ranges import read_lines, said
from twin.storage.metrics import held_w, tank_metrics
from twin.tokens import token_metrics

UNMET_K = 0.5  # a supply counts as missed this far above its set point
WATER_DENSITY = 1000.0  # kg/m³, for water bills
SHUT_DOWN_K = 0.01  # chips hold their throttling limit while they can: hotter ones would have stopped
RUNNING_W = 1.0  # a machine that draws less is off
CLOSURE_LIMIT = 1e-6
FULLY_OPEN = 0.999


@dataclass(frozen=True)
class Summary:
    """One run in numbers. Energies in kWh over the run; what is undefined is None."""

    site: str
    weather: str
    load: str
    hours: float
    pue: float | None
    pue_category: str
    it_energy_kwh: float
    facility_energy_kwh: float
    energy_kwh: dict[str, float]
    wue_l_per_kwh: float | None
    water_m3: float
    blowdown_m3: float
    peak_water_m3_per_day: float
    cue_kg_per_kwh: float | None
    carbon_kg: float
    ere: float | None
    erf: float | None
    tue: float | None
    currency: str
    energy_cost: float
    water_cost: float
    peak_it_kw: float
    peak_facility_kw: float
    averaging_s: float
    load_factor: float | None
    max_chip_temperature_degc: float | None
    chip_headroom_k: float | None
    throttled_share: float
    unmet_cooling_hours: float
    unmet_degree_hours: float
    max_supply_excess_k: float
    free_cooling_hours: float | None
    partial_cooling_hours: float | None
    mechanical_hours: float | None
    storage_charged_kwh: float | None
    storage_discharged_kwh: float | None
    storage_loss_kwh: float | None
    storage_change_kwh: float | None
    storage_cycles: float | None
    storage_saved_energy_kwh: float | None
    storage_saved_cost: float | None
    storage_saved_carbon_kg: float | None
    storage_saved_peak_kw: float | None
    tokens: float | None
    tokens_per_kwh_it: float | None
    tokens_per_kwh_facility: float | None
    joules_per_token: float | None
    cost_per_million_tokens: float | None
    carbon_kg_per_million_tokens: float | None
    goodput_share: float | None
    tokens_basis: list[str]
    energy_closure: float
    residual: float
    converged: bool
    out_of_range: dict[str, float]
    range_exits: list[dict[str, Any]]
    warnings: list[str]

    def json(self) -> dict[str, Any]:
        """The summary as plain values, safe for JSON."""
        return asdict(self)


def summarize(ds: xr.Dataset) -> Summary:
    """Reduce a result to its summary.

    Parameters
    ----------
    ds
        A result of ``simulate``.

    Returns
    -------
    Summary
        ``pue × it_energy_kwh`` is ``facility_energy_kwh`` and ``energy_kwh`` adds up to it, both to the last digit.
    """
    step_h = float(ds.attrs["step_s"]) / 3600.0
    kwh = step_h / 1000.0
    value: dict[str, Array] = {str(name): ds.variables[name].values for name in ds.data_vars}
    hours = value["site_power"].size * step_h
    it_kwh = float(value["site_it_power"].sum() * kwh)
    meter_kwh = float(value["site_power"].sum() * kwh)
    pue = meter_kwh / it_kwh if it_kwh > 0.0 else None
    facility_kwh = pue * it_kwh if pue is not None else meter_kwh
    energy = _energy(ds, value, it_kwh, facility_kwh, kwh)
    compute_kwh = float(value["site_compute_power"].sum() * kwh)
    water_m3 = float(value["site_water"].sum() * step_h * 3600.0 / WATER_DENSITY)
    carbon = float((value["site_power"] * value["site_carbon_intensity"]).sum() * step_h * 3600.0)
    chips = value["rack_chip_temperature"]
    hottest = float(np.nanmax(chips)) if np.isfinite(chips).any() else None
    headroom = _headroom(ds, chips)
    loaded = value["site_it_power"] > 0.0
    excess = _excess(ds, value)
    unmet = (excess > UNMET_K) & loaded
    modes = _modes(ds, value, unmet, loaded)
    erf = float(value["site_heat_reused"].sum() * kwh) / meter_kwh if meter_kwh > 0.0 else 0.0
    rejected = float(value["site_heat_rejected"].sum() * kwh)
    stored = held_w(ds) * hours / 1000.0
    closure = abs(meter_kwh - rejected - stored) / meter_kwh if meter_kwh > 0.0 else 0.0
    residual = float(value["site_residual"].max())
    weights = ds.variables["rack_count"].values * ds.variables["rack_accelerators"].values
    throttled = (
        float((value["rack_throttled"] * weights[:, None]).sum() / (weights.sum() * value["site_power"].size))
        if weights.sum()
        else 0.0
    )
    peak_it = float(value["site_it_power"].max())
    cost = float((value["site_power"] * value["site_energy_price"]).sum() * step_h * 3600.0)
    out_of_range = _pairs(ds.attrs["out_of_range"])
    exits = read_lines(ds.attrs["range_exits"])
    return Summary(
        site=ds.attrs["site"], weather=ds.attrs["weather"], load=ds.attrs["load"], hours=_neat(hours),
        pue=pue, pue_category=ds.attrs["pue_category"], it_energy_kwh=it_kwh, facility_energy_kwh=facility_kwh, energy_kwh=energy,
        wue_l_per_kwh=water_m3 * 1000.0 / it_kwh if it_kwh else None,
        water_m3=water_m3,
        blowdown_m3=float(value["site_blowdown"].sum() * step_h * 3600.0 / WATER_DENSITY),
        peak_water_m3_per_day=_peak_day(value["site_water"], step_h),
        cue_kg_per_kwh=carbon / it_kwh if it_kwh else None, carbon_kg=carbon,
        ere=pue * (1.0 - erf) if pue is not None else None, erf=erf if it_kwh else None,
        tue=meter_kwh / compute_kwh if pue is not None and compute_kwh > 0.0 else None,
        currency=str(ds.attrs["currency"]),
        energy_cost=cost,
        water_cost=water_m3 * float(ds.attrs["water_price"]),
        peak_it_kw=peak_it / 1000.0, peak_facility_kw=float(value["site_power"].max()) / 1000.0,
        averaging_s=float(ds.attrs["step_s"]),
        load_factor=float(value["site_it_power"].mean()) / peak_it if peak_it > 0.0 else None,
        max_chip_temperature_degc=hottest, chip_headroom_k=headroom, throttled_share=throttled,
        unmet_cooling_hours=float(unmet.sum() * step_h),
        unmet_degree_hours=float(np.where(unmet, excess, 0.0).sum() * step_h),
        max_supply_excess_k=float(max(excess.max(), 0.0)),
        free_cooling_hours=modes[0], partial_cooling_hours=modes[1], mechanical_hours=modes[2],
        **tank_metrics(ds)._asdict(),
        **token_metrics(ds, it_kwh, facility_kwh, cost, carbon)._asdict(),
        energy_closure=closure,
        residual=residual, converged=max(residual, closure) <= CLOSURE_LIMIT and isfinite(closure),
        out_of_range=out_of_range, range_exits=exits, warnings=_warnings(ds, value, step_h, hours, headroom, excess, unmet, out_of_range, exits),
    )  # fmt: skip


def _neat(hours: float) -> float:
    return int(hours) if float(hours).is_integer() else hours


ROOM_FANS = ("air_handler", "rear_door", "liquid_to_air")
UNIT_PUMPS = ("cdu", "immersion", "two_phase", "liquid_to_air")


def room_fans(ds: xr.Dataset) -> Array:
    """Power in W of fans in rooms, (time,). What a liquid-to-air unit draws beyond its loop's pumps is its fans.

    Its loop has no other pumps than those of the units on it, so that the difference is exact.
    """
    kind, links = ds.variables["link_kind"].values, ds.variables["link_power"].values
    power = links[(kind == "air_handler") | (kind == "rear_door")].sum(axis=0)
    of = np.array([str(name).split(".")[0] for name in ds.variables["link"].values])
    for loop in sorted(set(of[kind == "liquid_to_air"])):
        units = links[(of == loop) & np.isin(kind, UNIT_PUMPS)].sum(axis=0)
        pumps = ds.variables["loop_pump_power"].values[ds.variables["loop"].values == loop].sum(axis=0)
        power = power + units - pumps
    return np.asarray(power)


def _energy(
    ds: xr.Dataset, value: dict[str, Array], it_kwh: float, facility_kwh: float, kwh: float
) -> dict[str, float]:
    """Energy by use. Losses take what is left, so that the parts add up to the whole exactly."""
    role, kind = ds.variables["loop_role"].values, ds.variables["link_kind"].values
    pumps, links = value["loop_pump_power"], value["link_power"]
    watt = {
        "pumps_tcs": pumps[role == "technology"].sum(axis=0),
        "pumps_fws": pumps[role == "facility"].sum(axis=0),
        "pumps_condenser": pumps[role == "condenser"].sum(axis=0),
        "fans_air": room_fans(ds),
        "fans_rejection": links[(kind == "dry_cooler") | (kind == "cooling_tower")].sum(axis=0),
        "compressors": links[(kind == "chiller") | (kind == "heat_reuse")].sum(axis=0),
        "house": value["site_house_power"],
    }
    applies = {
        "pumps_tcs": (role == "technology").any(), "pumps_fws": (role == "facility").any(),
        "pumps_condenser": (role == "condenser").any(), "fans_air": np.isin(kind, ROOM_FANS).any(),
        "fans_rejection": ((kind == "dry_cooler") | (kind == "cooling_tower")).any(),
        "compressors": ((kind == "chiller") | (kind == "heat_reuse")).any(), "house": True,
    }  # fmt: skip
    out = {"it": it_kwh} | {name: float(power.sum() * kwh) for name, power in watt.items() if applies[name]}
    losses = facility_kwh - sum(out.values())
    house = out.pop("house")
    out["losses_electrical"], out["house"] = losses, house
    for _ in range(64):  # last digits: nudge until the plain sum is the whole
        gap = facility_kwh - sum(out.values())
        if gap == 0.0:
            break
        moved = out["losses_electrical"] + gap
        out["losses_electrical"] = (
            moved if moved != out["losses_electrical"] else nextafter(moved, moved + gap * 1e300)
        )
    return out


def _headroom(ds: xr.Dataset, chips: Array) -> float | None:
    margin = ds.variables["rack_throttle_temperature"].values[:, None] - chips
    return float(np.nanmin(margin)) if np.isfinite(margin).any() else None


def _excess(ds: xr.Dataset, value: dict[str, Array]) -> Array:
    """Furthest any loop stands above its set point; a condenser loop only wishes for its own."""
    duty = ds.variables["loop_role"].values != "condenser"
    gap = (value["loop_supply_temperature"] - value["loop_set_point"])[duty]
    return np.asarray(gap.max(axis=0)) if gap.size else np.zeros(value["site_power"].size)


def _modes(
    ds: xr.Dataset, value: dict[str, Array], unmet: Mask, loaded: Mask
) -> tuple[float | None, float | None, float | None]:
    """Hours free, partial and mechanical: by whether compressors run and whether heat also leaves without them."""
    kind, sink = ds.variables["link_kind"].values, ds.variables["link_sink"].values
    chillers = kind == "chiller"
    if not chillers.any():
        return None, None, None
    step_h = float(ds.attrs["step_s"]) / 3600.0
    heat = value["link_heat"]
    compressing = (value["link_power"][chillers] > RUNNING_W).any(axis=0)
    condenser = np.isin(
        ds.variables["link_loop"].values,
        ds.variables["loop"].values[ds.variables["loop_role"].values == "condenser"],
    )
    into_condenser = np.isin(
        sink, ds.variables["loop"].values[ds.variables["loop_role"].values == "condenser"]
    )
    direct = ~chillers & (((sink == "outdoors") & ~condenser) | into_condenser)
    free_heat = (heat[direct] > RUNNING_W).any(axis=0) if direct.any() else np.zeros_like(compressing)
    free = loaded & ~compressing & ~unmet
    partial = loaded & compressing & free_heat
    mechanical = loaded & compressing & ~free_heat
    return _neat(free.sum() * step_h), _neat(partial.sum() * step_h), _neat(mechanical.sum() * step_h)


def _peak_day(water: Array, step_h: float) -> float:
    per_day = max(1, round(24.0 / step_h))
    volume = water * step_h * 3600.0 / WATER_DENSITY
    whole = volume.size // per_day * per_day
    if whole == 0:
        return float(volume.sum() * per_day / volume.size)
    return float(volume[:whole].reshape(-1, per_day).sum(axis=1).max())


def _pairs(items: Any) -> dict[str, float]:
    items = [items] if isinstance(items, str) else list(items)
    return {key: float(share) for key, share in (item.rsplit("=", 1) for item in items)}


def _warnings(
    ds: xr.Dataset,
    value: dict[str, Array],
    step_h: float,
    hours: float,
    headroom: float | None,
    excess: Array,
    unmet: Mask,
    out: dict[str, float],
    exits: list[dict[str, Any]],
) -> list[str]:
    """What, how much, limit; the worst first."""
    found: list[str] = []
    lost = value["rack_throttled"] > 0.0
    for i, rack in enumerate(ds.variables["rack"].values):
        if lost[i].any():
            done = value["rack_done"][i].sum() / max(value["rack_activity"][i].sum(), 1e-30)
            limit = float(ds.variables["rack_throttle_temperature"].values[i])
            found.append(
                f"{rack}: chips throttle for {lost[i].sum() * step_h:,.0f} h; limit {limit:.1f} °C, "
                f"{100 * (1 - done):.3g} % of the work is lost."
            )
    for i, rack in enumerate(ds.variables["rack"].values):
        limit = float(ds.variables["rack_throttle_temperature"].values[i])
        hot = value["rack_chip_temperature"][i] > limit + SHUT_DOWN_K
        if hot.any():
            found.append(
                f"{rack}: would have shut down for {hot.sum() * step_h:,.0f} h: even idle chips pass their limit of "
                f"{limit:.1f} °C; what lies beyond it is no chip temperature."
            )
    for i, rack in enumerate(ds.variables["rack"].values):
        inlet, low, high = (
            value["rack_inlet_temperature"][i],
            float(ds.variables["rack_inlet_low"].values[i]),
            float(ds.variables["rack_inlet_high"].values[i]),
        )
        outside = (inlet < low) | (inlet > high)
        if outside.any():
            extreme = inlet.max() if inlet.max() > high else inlet.min()
            found.append(
                f"{rack}: inlet air of {extreme:.1f} °C for {outside.sum() * step_h:,.0f} h outside class "
                f"{ds.variables['rack_air_class'].values[i]} ({low:g} to {high:g} °C)."
            )
    if unmet.any():
        gap = value["loop_supply_temperature"] - value["loop_set_point"]
        duty = np.flatnonzero(ds.variables["loop_role"].values != "condenser")
        for i in duty.tolist():
            missed = gap[i] > UNMET_K
            if missed.any():
                found.append(
                    f"{ds.variables['loop'].values[i]}: supply misses its set point for {missed.sum() * step_h:,.0f} h, "
                    f"by up to {gap[i].max():.1f} K; {_binding(ds, value, ds.variables['loop'].values[i], missed)}."
                )
    for i, feeder in enumerate(ds.variables["feeder"].values):
        use = value["feeder_utilisation"][i].max()
        if use > 1.0:
            over = (value["feeder_utilisation"][i] > 1.0).sum() * step_h
            found.append(f"{feeder}: over its rating for {over:,.0f} h, up to {100 * use:.0f} %.")
    for key, share in _pairs(ds.attrs["limits"]).items():
        what, name = key.split(":", 1)
        words = {
            "flow_bound": "flow-bound: its pumps or fans cannot move the flow asked",
            "dew_bound": "its supply is held above the dew point of the room",
            "return_limit": "coolant returns warmer than its limit",
        }[what]
        found.append(f"{name}: {words} for {share * hours:,.0f} h.")
    for key, share in out.items():
        if share > 0.0 and not key.startswith("power."):  # said above: over its rating
            which = "; ".join(said(one) for one in exits if one["address"] == key)
            found.append(
                f"{key}: outside the range of its model for {share * hours:,.0f} h{': ' if which else ''}{which}."
            )
    found += [str(note) for note in np.atleast_1d(ds.attrs["notes"]) if str(note).strip()]
    return found


def _binding(ds: xr.Dataset, value: dict[str, Array], loop: str, missed: Mask) -> str:
    """Which machines of a loop are at their heat limit in the hours in which its supply is missed."""
    own = ds.variables["link_loop"].values == loop
    full = (value["link_actuator"][own][:, missed] > FULLY_OPEN).all(axis=1)
    names = [str(name).split(".", 1)[1] for name in ds.variables["link"].values[own][full]]
    return f"heat-bound: {', '.join(names)} fully open" if names else "its sink is too warm"


def finite(value: Any) -> Any:
    """JSON has no NaN: None stands for what is undefined."""
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value
