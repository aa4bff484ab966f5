"""What a facility needs beside the equipment of its site file: headers, generators, batteries, tanks.

These rows have no part in a site file yet; their sizes follow from the simulated design days.
"""

import math

import xarray as xr
from twin_models.fluids.fluids import density, fluid, heat_capacity
from twin_models.pipe import pipe
from twin_sites.schema import Site

from twin.sizing.economics import Further
from twin.sizing.form import spares
from twin.sizing.needs import Requirements, power_rule
from twin.sizing.products import pick_by_rating
from twin.sizing.row import Equipment

# Nominal bores of steel pipe, mm of inner diameter (EN 10220 / ASME B36.10 schedule 40, rounded; estimate).
BORES = {
    25: 26.6, 32: 35.1, 40: 40.9, 50: 52.5, 65: 62.7, 80: 77.9, 100: 102.3, 125: 128.2, 150: 154.1, 200: 202.7, 250: 254.5,
    300: 303.2, 350: 333.3, 400: 381.0, 450: 428.7, 500: 477.8, 600: 574.6, 700: 695.0, 800: 795.0, 900: 894.0, 1000: 994.0,
}  # fmt: skip
ROUGHNESS = 45e-6  # m, commercial steel (Moody 1944)
FRICTION = 400.0  # Pa/m; 100 to 400 are usual in design (ASHRAE Handbook Fundamentals, pipe sizing; recalled: estimate)
VELOCITY = 3.0  # m/s, erosion and noise in large bores (as above)
GENERATORS_MW = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)  # usual sizes (estimate)
HEADER_M, HEADER_M_PER_RACK = (
    30.0,
    1.2,
)  # of header pairs from the plant and along the racks, for costs (estimate)
WITHIN_UPS_S = 300.0  # of battery that the unit cost of a UPS has
TANK_RISE_K = 5.0  # supply may rise so far while the tank carries the load (estimate)


def beside(
    wanted: Requirements, site: Site, days: xr.Dataset, peak: float, peak_water: float, racks: int
) -> tuple[list[Equipment], list[Further]]:
    """Rows of what is not in the site file, and what of it costs.

    Parameters
    ----------
    wanted, site
        What was wanted, and the site sized for it.
    days
        Result of the design days with every unit.
    peak
        Highest power at the utility meter, W.
    peak_water
        Most make-up water of a day of the proving year, m³.
    racks
        Racks that the headers run along.
    """
    rows: list[Equipment] = []
    further: list[Further] = []
    length = HEADER_M + HEADER_M_PER_RACK * racks
    for name, loop in site.cooling.items():
        flow = float(days["loop_flow"].sel(loop=name).max())
        supply = float(days["loop_supply_temperature"].sel(loop=name).max())
        coolant = fluid(loop.fluid, loop.concentration)
        row, bore = _header(f"cooling.{name}.header", flow / float(density(coolant, supply)), coolant, supply)
        rows.append(row)
        further.append(Further(row.address, "header", length * row.required * bore, "m of pair x mm of bore"))
        if wanted.ride_through and name in ("fws", "chw"):
            heat = float(days["loop_heat"].sel(loop=name).max())
            per_kelvin = float(density(coolant, supply)) * float(heat_capacity(coolant, supply))
            volume = heat * wanted.ride_through / (per_kelvin * TANK_RISE_K)
            words = (
                f"ride-through: {heat / 1e6:.3g} MW for {wanted.ride_through:g} s with {TANK_RISE_K:g} K rise"
            )
            address, large = f"cooling.{name}.buffer", _up(volume)
            rows.append(
                Equipment(address, f"buffer tank, {_cubic(large)}", 1, 0, words, large / volume - 1.0)
            )
            further.append(Further(address, "tank", large, "m³"))
    sets = pick_by_rating(peak, {f"standby generator, {mw:g} MW": mw * 1e6 for mw in GENERATORS_MW}, power_rule(wanted), "power")  # fmt: skip
    each = float(sets.slug.rpartition(", ")[2].split()[0]) * 1e6
    spare = spares(sets.required, power_rule(wanted))
    words = f"power: {peak / 1e6:.3g} MW at the utility meter on the design day"
    rows.append(
        Equipment("generator", sets.slug, sets.required, spare, words, sets.required * each / peak - 1.0)
    )
    further.append(Further("generator", "generator", (sets.required + spare) * each / 1e3, "kW"))
    if wanted.battery:
        carried = [name for name in ("ups", "rectifier") if name in site.power]
        load = float(days["feeder_load"].sel(feeder=carried).sum("feeder").max())
        words = f"energy: {load / 1e6:.3g} MW of UPS load for {wanted.battery / 60:g} min"
        stored = f"batteries, {load * wanted.battery / 3.6e6:,.0f} kWh usable"
        rows.append(Equipment("power.ups.battery", stored, 1, 0, words, 0.0))
        more = max(wanted.battery - WITHIN_UPS_S, 0.0) * load / 3.6e6
        further.append(Further("power.ups.battery", "battery", more, "kWh beyond 5 min"))
    if peak_water > 0.0 and wanted.water_storage:
        volume = peak_water * wanted.water_storage / 86400.0
        words = f"water: {_cubic(peak_water)} on the thirstiest day of the year, for {wanted.water_storage / 86400:g} d"
        kept = f"make-up storage, {_cubic(_up(volume))}"
        rows.append(Equipment("water.storage", kept, 1, 0, words, _up(volume) / volume - 1.0))
        further.append(Further("water.storage", "tank", _up(volume), "m³"))
    return rows, further


def _header(address: str, flow: float, coolant: object, t: float) -> tuple[Equipment, int]:
    """Smallest bore within both limits, and its nominal size in mm."""
    for nominal, bore in BORES.items():
        d = bore / 1e3
        speed = flow / (0.25 * math.pi * d * d)
        loss = float(pipe.pressure_drop(flow, 1.0, d, ROUGHNESS, coolant, t))  # type: ignore[arg-type]
        if speed <= VELOCITY and loss <= FRICTION:
            tight = "velocity" if speed / VELOCITY > loss / FRICTION else "friction"
            words = f"{tight}: {flow * 1e3:.3g} L/s at {speed:.2g} m/s and {loss:.0f} Pa/m, of {VELOCITY:g} m/s and {FRICTION:g} Pa/m"
            margin = min(VELOCITY / speed, (FRICTION / loss) ** (1.0 / 1.85)) - 1.0
            return Equipment(address, f"header pair DN {nominal}", 1, 0, words, margin), nominal
    n = math.ceil(flow / (VELOCITY * 0.25 * math.pi * 0.994**2))
    words = f"velocity: {flow * 1e3:,.0f} L/s at no more than {VELOCITY:g} m/s"
    return Equipment(address, "header pairs DN 1000", n, 0, words, None), 1000


def _cubic(volume: float) -> str:
    return f"{volume:,.0f} m³" if volume >= 100.0 else f"{volume:.3g} m³"


def _up(volume: float) -> float:
    """Next volume with two digits."""
    step = 10.0 ** (math.floor(math.log10(volume)) - 1)
    return math.ceil(volume / step - 1e-9) * step
