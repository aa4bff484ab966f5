"""A run as an engineer reads it: plain text for the terminal, in SI or IP."""

import numpy as np
import xarray as xr
from twin_sites import units
from twin_sites.schema import Site

from twin.metrics import SHUT_DOWN_K, Summary, summarize
from twin.storage.metrics import lines as lines_of_tanks
from twin.tokens import lines as lines_of_tokens

WIDTH = 96
NAMES = {
    "it": "IT equipment", "pumps_tcs": "technology loop pumps", "pumps_fws": "facility loop pumps",
    "pumps_condenser": "condenser pumps", "fans_air": "air handler fans", "fans_rejection": "heat rejection fans",
    "compressors": "compressors", "losses_electrical": "electrical losses", "house": "house load",
}  # fmt: skip


def report(ds: xr.Dataset, site: Site | None = None, system: str = "si") -> str:
    """Text report of a result.

    Parameters
    ----------
    ds
        A result of ``simulate``.
    site
        The site it is of; adds where its numbers are from.
    system
        ``si`` or ``ip``.
    """
    summary = summarize(ds)
    lines = [
        ds.attrs["title"],
        f"site {summary.site} · weather {summary.weather} · load {summary.load} · {summary.hours:,} h of {summary.averaging_s:g} s steps",
        "",
        *_headline(summary, system),
        "",
        *lines_of_tokens(summary),
        "",
        *_energies(summary),
        "",
        *_loops(ds, system),
        "",
        *_racks(ds, system),
        "",
        *_feeders(ds),
        "",
        *lines_of_tanks(ds),
        *_warnings(summary),
        "",
        f"Energy closure {summary.energy_closure:.1e} · residual {summary.residual:.1e} · "
        + ("converged" if summary.converged else "NOT CONVERGED"),
    ]
    if site is not None:
        lines += ["", *_expectation(summary, site), *_sources(site)]
    return "\n".join(lines)


def _t(value: float | None, system: str) -> str:
    if value is None or value != value:
        return "—"
    return f"{value:.1f} °C" if system == "si" else f"{units.convert(value, 'degC', 'degF'):.1f} °F"


def _k(value: float | None, system: str) -> str:
    if value is None:
        return "—"
    return f"{value:.1f} K" if system == "si" else f"{value * 1.8:.1f} °F"


def _water(m3: float, system: str) -> str:
    return f"{m3:,.0f} m³" if system == "si" else f"{units.convert(m3, 'm3', 'gal') / 1e6:,.3f} Mgal"


def _wue(value: float | None, system: str) -> str:
    if system == "si" or value is None:
        return f"{_number(value, 3)} L/kWh"
    return f"{units.convert(value / 1000.0, 'm3', 'gal'):.3f} gal/kWh"


def _number(value: float | None, digits: int) -> str:
    return "—" if value is None else f"{value:,.{digits}f}"


def _headline(summary: Summary, system: str) -> list[str]:
    mean_mw = summary.facility_energy_kwh / float(summary.hours) / 1000.0
    averaging = f"{summary.averaging_s:g} s mean"
    modes = "no compressors"
    if summary.free_cooling_hours is not None:
        modes = f"{summary.free_cooling_hours:,} h free · {summary.partial_cooling_hours:,} h partial · {summary.mechanical_hours:,} h mechanical"
    return [
        f"PUE {_number(summary.pue, 3)} (category {summary.pue_category})   WUE {_wue(summary.wue_l_per_kwh, system)}   "
        f"CUE {_number(summary.cue_kg_per_kwh, 3)} kg/kWh   TUE {_number(summary.tue, 3)}",
        f"Facility mean {mean_mw:,.2f} MW, peak {summary.peak_facility_kw / 1000:,.2f} MW; IT peak {summary.peak_it_kw / 1000:,.2f} MW ({averaging}); "
        f"load factor {_number(summary.load_factor, 2)}",
        f"{_hottest(summary, system)}; throttled {100 * summary.throttled_share:.2f} % of accelerator hours",
        f"Cooling {modes}; set point missed {summary.unmet_cooling_hours:,.0f} h, by up to {_k(summary.max_supply_excess_k, system)}",
        f"Water {_water(summary.water_m3, system)}, peak {_water(summary.peak_water_m3_per_day, system)} a day; energy cost {summary.energy_cost:,.0f} {summary.currency}; carbon {summary.carbon_kg / 1000:,.0f} t",
    ]


def _hottest(summary: Summary, system: str) -> str:
    """The hottest chip; beyond its limit by more than throttling holds it, what it did instead of a temperature."""
    hottest, headroom = summary.max_chip_temperature_degc, summary.chip_headroom_k
    if hottest is not None and headroom is not None and headroom < -SHUT_DOWN_K:
        return "Chips pass their throttling limit even when idle: racks would have shut down (see warnings)"
    return f"Hottest chip {_t(hottest, system)}, {_k(headroom, system)} to throttling"


def _energies(summary: Summary) -> list[str]:
    total = summary.facility_energy_kwh
    lines = ["Energy                              MWh       share"]
    for name, kwh in summary.energy_kwh.items():
        lines.append(f"  {NAMES[name]:<26} {kwh / 1000:>12,.1f} {100 * kwh / total:>9.2f} %")
    return [*lines, f"  {'facility':<26} {total / 1000:>12,.1f} {100:>9.2f} %"]


def _loops(ds: xr.Dataset, system: str) -> list[str]:
    lines = ["Loop              set point   supply mean   supply max   return mean   heat mean   heat max"]
    for i, name in enumerate(ds["loop"].values):
        pick = {
            key: ds[f"loop_{key}"].values[i]
            for key in ("set_point", "supply_temperature", "return_temperature", "heat")
        }
        lines.append(
            f"  {name:<14} {_t(pick['set_point'].mean(), system):>10} {_t(pick['supply_temperature'].mean(), system):>13} "
            f"{_t(pick['supply_temperature'].max(), system):>12} {_t(pick['return_temperature'].mean(), system):>13} "
            f"{pick['heat'].mean() / 1000:>8,.0f} kW {pick['heat'].max() / 1000:>7,.0f} kW"
        )
        if "loop_reset" in ds and not np.isnan(ds["loop_reset"].values[i]).any():
            share = 100 * ds["loop_reset"].values[i]
            lines.append(
                f"    reset by requests: {share.mean():.0f} % on average, {share.min():.0f} to {share.max():.0f} % (0 % warmest, 100 % coldest)"
            )
    return lines


def _racks(ds: xr.Dataset, system: str) -> list[str]:
    lines = ["Racks             count   peak each   liquid   chip max   air inlet max   throttled"]
    for i, name in enumerate(ds["rack"].values):
        power, liquid = ds["rack_power"].values[i].sum(), ds["rack_heat_liquid"].values[i].sum()
        chip = ds["rack_chip_temperature"].values[i].max()
        lines.append(
            f"  {name:<14} {int(ds['rack_count'].values[i]):>6} {ds['rack_peak_power'].values[i].max() / 1000:>8,.1f} kW "
            f"{100 * liquid / power if power else 0:>6.1f} % {_chip(chip, float(ds['rack_throttle_temperature'].values[i]), system):>10} "
            f"{_t(ds['rack_inlet_temperature'].values[i].max(), system):>15} {100 * ds['rack_throttled'].values[i].mean():>9.2f} %"
        )
    return lines


def _chip(chip: float, limit: float, system: str) -> str:
    """A chip's temperature, or that its rack would have shut down."""
    return "shut down" if chip > limit + SHUT_DOWN_K else _t(chip, system)


def _feeders(ds: xr.Dataset) -> list[str]:
    lines = ["Power path        peak load   utilisation   mean loss   efficiency"]
    for i, name in enumerate(ds["feeder"].values):
        load, loss = ds["feeder_load"].values[i], ds["feeder_loss"].values[i]
        use = ds["feeder_utilisation"].values[i].max()
        given = load.sum() + loss.sum()
        lines.append(
            f"  {name:<14} {load.max() / 1000:>9,.0f} kW {f'{100 * use:.0f} %' if use > 0 else '—':>12} {loss.mean() / 1000:>8,.1f} kW "
            f"{100 * load.sum() / given if given else 0:>10.2f} %"
        )
    return lines


def _warnings(summary: Summary) -> list[str]:
    if not summary.warnings:
        return ["No limit is passed."]
    return ["Warnings", *(f"  {line}" for line in summary.warnings)]


def _expectation(summary: Summary, site: Site) -> list[str]:
    if site.expect is None:
        return []
    low, high = site.expect.pue_low, site.expect.pue_high
    return [
        f"Reference site: PUE {low:g} to {high:g} expected with its own weather and load: {site.expect.reason.strip()}",
        "",
    ]


def _sources(site: Site) -> list[str]:
    counts: dict[str, int] = {}
    for origin in site.sources.values():
        counts[origin.confidence or "unstated"] = counts.get(origin.confidence or "unstated", 0) + 1
    said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    return [
        f"Stated origins of datasheets and numbers: {said}. 'twin show addresses {site.name}' lists each."
    ]
