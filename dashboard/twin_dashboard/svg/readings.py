"""What the drawings show of one step of a result: texts, use of ratings, states and line widths by element."""

from typing import Any

import numpy as np
import xarray as xr
from twin_models.fluids.fluids import density, fluid
from twin_sites import units
from twin_sites.schema import Cdus, Feeder, Link, Loop, Site

from twin.metrics import UNMET_K
from twin_dashboard import format as fmt
from twin_dashboard.margins import AMPLE_K, WATCH

Reading = dict[str, Any]

AIR_DENSITY = 1.2  # kg/m³, for air flows as fans state them
OFF_W = 1.0  # less heat than this: the machine is off
LARGE_W, SMALL_W = 1e6, 1e4  # from here MW; below here a decimal of kW
POWER_PX, FLOW_PX = (1.6, 8.0), (2.4, 7.5)  # line widths at none and at the largest of the site
WORKS = {
    "chiller": "COP",
    "cooling_tower": "fans",
    "dry_cooler": "fans",
    "air_handler": "fans",
    "rear_door": "fans",
    "cdu": "pumps",
    "immersion": "pumps",
    "liquid_to_air": "draws",
}


def power_text(watt: float) -> str:
    """Power as people say it: MW with two decimals, kW with none."""
    if not np.isfinite(watt):
        return "—"
    if abs(watt) >= LARGE_W - 500.0:
        return fmt.text(watt, "power_mw")
    return f"{fmt.plain(watt / 1e3, 1)} kW" if 0.0 < abs(watt) < SMALL_W - 50.0 else fmt.text(watt, "power")


def heat_text(watt: float, system: str) -> str:
    """Heat taken: power, or tons of refrigeration."""
    return fmt.text(watt, "heat_mw", "ip") if system == "ip" and np.isfinite(watt) else power_text(watt)


def flow_text(volume: float, system: str, air: bool = False) -> str:
    """Flow of a loop in m³/s as m³/h, or gpm and cfm."""
    if not np.isfinite(volume):
        return "—"
    unit = ("m3/s", "ft3/min") if air else ("m3/h", "gpm")
    shown = float(units.convert(volume, "m3/s", unit[system == "ip"]))
    places = max(0, 2 - int(np.floor(np.log10(abs(shown))))) if shown else 0
    label = "cfm" if air and system == "ip" else units.label_of(unit[system == "ip"])
    return f"{fmt.plain(round(shown, places) if places else float(f'{shown:.3g}'), places)} {label}"


def values(site: Site, ds: xr.Dataset, step: int, system: str = "si") -> dict[str, Reading]:
    """Texts, states and widths at one step, by address of the element.

    Parameters
    ----------
    site, ds
        A site and a result of it.
    step
        Index of the time step.
    system
        ``si`` or ``ip``.

    Returns
    -------
    dict
        By address (``cooling.fws.chiller``, ``power.ups``, ``cooling.fws``, ``hall``, ``site``): ``texts`` by slot, ``widths``
        of pipes by slot in px, ``off`` (slots of pipes without flow), ``utilisation`` (0 to 1 or None), ``state``
        (``normal``, ``watch`` or ``bad``) and ``label`` for screen readers.
    """
    at = _At(ds, step)
    out: dict[str, Reading] = {"site": _reading({"ambient": _ambient(at, system)})}
    for name, feeder in site.power.items():
        out[f"power.{name}"] = _feeder(site, at, name, feeder)
    for name, rack in site.racks.items():
        out[f"racks.{name}"] = _racks(site, at, name, rack.accelerators, system)
    for volume, own, address, link in site.links():
        out[address] = _link(site, at, volume, own, link, system)
    for name, address, part in site.volumes():
        if not part.links or not at.has("loop", name):
            continue
        out[address] = _loop(site, at, name, part, system)
        if isinstance(part, Loop) and part.storage is not None:
            out[f"{address}.storage"] = _tank(site, at, name, system)
        if isinstance(part, Loop) and part.pump is not None:
            out[f"{address}.pump"] = _reading({"power": power_text(_own_pump(site, at, name))})
    for address, reading in out.items():
        texts = ", ".join(text for text in reading["texts"].values() if text)
        reading["label"] = f"{address}: {texts}" + (
            f", {reading['state']}" if reading["state"] != "normal" else ""
        )
    return out


class _At:
    """Values of a result at one step by variable and name."""

    def __init__(self, ds: xr.Dataset, step: int) -> None:
        self.ds, self.step = ds, step
        self.largest: dict[tuple[str, tuple[str, ...]], float] = {}
        self.index = {
            dim: {str(n): i for i, n in enumerate(ds[dim].values)}
            for dim in ("rack", "loop", "link", "feeder", "storage")
            if dim in ds.coords
        }

    def has(self, dim: str, name: str) -> bool:
        return name in self.index.get(dim, ())

    def __call__(self, variable: str, name: str = "") -> float:
        values = self.ds[variable].values
        if not name:
            return float(values[self.step])
        i = self.index[variable.partition("_")[0]].get(name)
        return float("nan") if i is None else float(values[i, self.step])

    def most(self, variable: str, names: tuple[str, ...] = ()) -> float:
        """Largest value over the whole result, of all or of some rows."""
        if (variable, names) not in self.largest:
            values = self.ds[variable].values
            rows = values[[self.index[variable.partition("_")[0]][n] for n in names]] if names else values
            self.largest[variable, names] = (
                float(np.nanmax(rows)) if rows.size and np.isfinite(rows).any() else 0.0
            )
        return self.largest[variable, names]


def _reading(
    texts: dict[str, str], utilisation: float | None = None, state: str = "normal", **more: Any
) -> Reading:
    use = (
        None
        if utilisation is None or not np.isfinite(utilisation)
        else round(min(max(utilisation, 0.0), 1.0), 3)
    )
    return {"texts": texts, "utilisation": use, "state": state, "widths": {}, "off": []} | more


def _ambient(at: _At, system: str) -> str:
    dry, wet = (fmt.text(at(f"ambient_{bulb}"), "temperature", system) for bulb in ("dry_bulb", "wet_bulb"))
    return f"Outdoors {dry} dry bulb · {wet} wet bulb"


def _scale(value: float, largest: float, px: tuple[float, float]) -> float:
    share = value / largest if largest > 0.0 and np.isfinite(value) else 0.0
    return round(px[0] + (px[1] - px[0]) * min(max(share, 0.0), 1.0), 1)


def _feeder(site: Site, at: _At, name: str, feeder: Feeder) -> Reading:
    load, loss, use = at("feeder_load", name), at("feeder_loss", name), at("feeder_utilisation", name)
    largest = at.most("site_power")
    texts = {
        "load": power_text(load) + (f" · {fmt.text(use, 'share')}" if use > 0.0 and np.isfinite(use) else "")
    }
    state = "normal" if not np.isfinite(use) or use < WATCH else "watch" if use <= 1.0 else "bad"
    if state != "normal":
        texts["detail"] = "near its rating" if state == "watch" else "over its rating"
    elif feeder.kind == "utility":
        rating = getattr(feeder, "rating", None)
        texts["detail"] = (
            f"of {fmt.plain(rating / 1e6, 2).rstrip('0').rstrip('.')} MW contracted" if rating else "meter"
        )
    else:
        texts["detail"] = f"loss {power_text(loss)} to {feeder.heat_to.get('loss', 'outdoors')}"
    widths = {
        f"from {parent}": _scale((load + loss) * share, largest, POWER_PX)
        for parent, share in feeder.fed_by.items()
    }
    to_racks = sum(
        at("rack_power", r) * rack.fed_by.get(name, 0.0)
        for r, rack in site.racks.items()
        if at.has("rack", r)
    )
    widths["to racks"] = _scale(to_racks, largest, POWER_PX)
    cooling = sum(
        at("link_power", f"{v}.{own}") * link.fed_by.get(name, 0.0)
        for v, own, _, link in site.links()
        if at.has("link", f"{v}.{own}")
    )
    for loop, part in site.cooling.items():
        if part.pump is not None and name in part.pump.fed_by and at.has("loop", loop):
            cooling += _own_pump(site, at, loop) * part.pump.fed_by[name]
    house = at("site_house_power") * site.house.fed_by.get(name, 0.0)
    widths |= {"cooling": _scale(cooling, largest, POWER_PX), "house": _scale(house, largest, POWER_PX)}
    texts["cooling"] = f"cooling {power_text(cooling)}"
    texts["house"] = f"house {power_text(house)}"
    return _reading(texts, use if getattr(feeder, "rating", None) else None, state, widths=widths)


def _own_pump(site: Site, at: _At, loop: str) -> float:
    """Power of a loop's own pumps: what its CDUs draw is counted with them in the result."""
    cdus = sum(
        at("link_power", f"{loop}.{own}")
        for own, link in site.cooling[loop].links.items()
        if isinstance(link, Cdus)
    )
    return max(at("loop_pump_power", loop) - cdus, 0.0)


def _racks(site: Site, at: _At, name: str, accelerators: int, system: str) -> Reading:
    rack = site.racks[name]
    total, liquid, air = (at(f"rack_{what}", name) for what in ("power", "heat_liquid", "heat_air"))
    chip, done, asked = at("rack_chip_temperature", name), at("rack_done", name), at("rack_activity", name)
    limit = rack.accelerator.throttle if rack.accelerator is not None else float("nan")
    margin, throttled = limit - chip, at("rack_throttled", name)
    state = "bad" if throttled > 0.0 else "watch" if margin <= (1.0 - WATCH) * AMPLE_K else "normal"
    texts = {
        "power": power_text(total),
        "each": f"{power_text(total / rack.count)} each",
        "inlet": f"inlet {fmt.text(at('rack_inlet_temperature', name), 'temperature', system)}",
        "chip": fmt.text(chip, "temperature", system),
        "margin": f"{fmt.text(margin, 'difference', system)} to throttling" if np.isfinite(margin) else "",
        "split": f"{fmt.text(liquid / (liquid + air), 'share')} of heat to liquid"
        if liquid + air > 0.0
        else "",
        "done": f"activity {fmt.text(done, 'share')}",
    }
    if rack.liquid is None:
        texts["split"] = texts["inlet"]
    if state == "watch":
        texts["margin"] = f"only {texts['margin']}"
    if state == "bad":
        texts["margin"] = f"{fmt.text(throttled, 'share')} of chips throttle"
        texts["done"] = f"activity {fmt.text(done, 'share')} of {fmt.text(asked, 'share')}"
    largest = at.most("site_power")
    widths = {
        f"from {parent}": _scale(total * share, largest, POWER_PX) for parent, share in rack.fed_by.items()
    }
    loop = rack.heat_to.get("liquid", "")
    if at.has("loop", loop):
        heat = at("loop_heat", loop)
        widths["liquid"] = _flow_width(site, at, loop, liquid / heat if heat > 0.0 else 0.0)
    return _reading(texts, None, state, widths=widths)


def _flow_width(site: Site, at: _At, loop: str, share: float = 1.0) -> float:
    liquids = tuple(name for name in site.cooling if at.has("loop", name))
    return _scale(at("loop_flow", loop) * share, at.most("loop_flow", liquids), FLOW_PX)


def _link(site: Site, at: _At, volume: str, own: str, link: Link, system: str) -> Reading:
    key = f"{volume}.{own}"
    heat, capacity, watt = (at(f"link_{what}", key) for what in ("heat", "capacity", "power"))
    off = not heat > OFF_W
    use = 0.0 if off else heat / capacity if capacity > 0.0 else float("nan")
    last = next(reversed(site_links(site, volume))).partition(".")[0] == own.partition(".")[0]
    duty = last and not any(n.kind == "chiller" and n.heat_to["heat"] == volume for *_, n in site.links())
    parallel = link.kind in ("cdu", "immersion", "liquid_to_air", "air_handler", "rear_door")
    state = "watch" if (duty or parallel) and use >= WATCH else "normal"
    running = at("link_running", key)
    parts = [f"{running:.0f} run"] if np.isfinite(running) and link.count > 1 and not off else []
    if link.kind == "chiller" and watt > OFF_W:
        parts.append(f"COP {fmt.plain(heat / watt, 1)}")
    elif link.kind in WORKS and watt > OFF_W:
        parts.append(f"{WORKS[link.kind]} {power_text(watt)}")
    texts = {"heat": "off" if off else heat_text(heat, system), "detail": " · ".join(parts)}
    if state == "watch":
        texts["detail"] = "near its capacity"
    water = at("link_water", key)
    if water > 0.0 or link.kind == "cooling_tower":
        texts["water"] = flow_text(water / 1000.0, system)
    widths = {}
    if at.has("loop", volume) and volume in site.cooling:
        widths["hot"] = _flow_width(site, at, volume, 1.0)
    sink = link.heat_to["heat"]
    if at.has("loop", sink):
        total = at("loop_heat", sink)
        widths["cold"] = _flow_width(site, at, sink, heat / total if total > 0.0 else 0.0)
    slots = ["cold", "outdoors"] if off else []
    return _reading(texts, use, state, widths=widths, off=slots + (["water"] if not water > 0.0 else []))


def _tank(site: Site, at: _At, loop: str, system: str) -> Reading:
    """A loop's tank: how full it is, and whether it cools the loop or is filled."""
    if not at.has("storage", loop):
        return _reading(
            {"heat": "out of service", "detail": ""}, 0.0, widths={"hot": FLOW_PX[0]}, off=["hot"]
        )
    heat, charge = at("storage_heat", loop), at("storage_charge", loop)
    total = at("loop_heat", loop)
    texts = {"heat": "idle", "detail": f"{fmt.text(max(charge, 0.0), 'share')} full"}
    if abs(heat) > OFF_W:
        texts["heat"] = heat_text(abs(heat), system)
        texts["detail"] = f"{'cools' if heat > 0.0 else 'is filled'} · {texts['detail']}"
    width = _flow_width(site, at, loop, abs(heat) / total if total > 0.0 else 0.0)
    return _reading(texts, charge, widths={"hot": width}, off=[] if abs(heat) > OFF_W else ["hot"])


def site_links(site: Site, volume: str) -> dict[str, Link]:
    """Links of a loop or room by their own names, in their order."""
    return next(dict(part.links) for name, _, part in site.volumes() if name == volume)


def _loop(site: Site, at: _At, name: str, part: Any, system: str) -> Reading:
    supply, wanted, flow = (at(f"loop_{what}", name) for what in ("supply_temperature", "set_point", "flow"))
    role = str(at.ds["loop_role"].values[at.index["loop"][name]])
    liquid = isinstance(part, Loop)
    rho = (
        float(density(fluid(part.fluid, part.concentration), supply))
        if liquid and np.isfinite(supply)
        else AIR_DENSITY
    )
    gap = supply - wanted
    missed = role != "condenser" and gap > UNMET_K
    racks = sum(at("rack_heat_air", r) for r, rack in site.racks.items() if rack.heat_to.get("air") == name)
    texts = {
        "supply": fmt.text(supply, "temperature", system),
        "return": fmt.text(at("loop_return_temperature", name), "temperature", system),
        "flow": flow_text(flow / rho, system, not liquid),
        "losses": power_text(max(at("loop_heat", name) - racks, 0.0)),
    }
    if missed:
        texts["flow"] = f"{fmt.text(gap, 'difference', system)} over set"
    widths = dict.fromkeys(("supply", "return"), _flow_width(site, at, name)) if liquid else {}
    return _reading(texts, None, "bad" if missed else "normal", widths=widths)
