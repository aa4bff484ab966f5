"""Every variable of a result: unit, label and plausible range, stated once.

Names are ``<dim>_<quantity>``; a variable of ``site`` has the dimension time only. ``rack`` is a group of racks, ``member``
a single rack such as ``compute.17``; what single racks did over the run is always there, their steps where asked for. Ranges are what an engineer would
believe; a value outside is drawn and reported, not removed.
"""

from typing import NamedTuple


class Variable(NamedTuple):
    """One row of the table."""

    dims: tuple[str, ...]
    unit: str
    label: str
    low: float
    high: float
    method: str = "mean"  # how a step's value stands for its interval (CF cell_methods)


_T, _R, _L, _K, _F = ("time",), ("rack", "time"), ("loop", "time"), ("link", "time"), ("feeder", "time")
_S = ("storage", "time")
_M, _MT = ("member",), ("member", "time")

VARIABLES: dict[str, Variable] = {
    "site_power": Variable(_T, "W", "Facility power at the utility meter", 0.0, 1e10),
    "site_it_power": Variable(_T, "W", "IT power at the category's meter", 0.0, 1e10),
    "site_compute_power": Variable(_T, "W", "Power into compute parts", 0.0, 1e10),
    "site_house_power": Variable(_T, "W", "House load", 0.0, 1e9),
    "site_heat_rejected": Variable(
        _T, "W", "Heat that leaves the site, to outdoor air and customers", 0.0, 1e10
    ),
    "site_heat_reused": Variable(_T, "W", "Heat delivered to customers", 0.0, 1e10),
    "site_water": Variable(_T, "kg/s", "Make-up water", 0.0, 1e4),
    "site_blowdown": Variable(_T, "kg/s", "Blowdown", 0.0, 1e4),
    "site_residual": Variable(_T, "1", "Largest heat imbalance of a loop over the meter", 0.0, 1e-8),
    "site_pue": Variable(_T, "1", "Facility power over IT power", 1.0, 3.0),
    "site_energy_price": Variable(_T, "currency/J", "Energy price", -1e-6, 1e-6),
    "site_carbon_intensity": Variable(_T, "kg/J", "Grid carbon intensity", 0.0, 5e-7),
    "ambient_dry_bulb": Variable(_T, "degC", "Dry bulb at the plant", -50.0, 60.0),
    "ambient_wet_bulb": Variable(_T, "degC", "Wet bulb at the plant", -50.0, 40.0),
    "rack_power": Variable(_R, "W", "IT power of the rack group", 0.0, 1e10),
    "rack_peak_power": Variable(_R, "W", "Power of its highest rack", 0.0, 2e6),
    "rack_heat_liquid": Variable(_R, "W", "Heat into liquid", 0.0, 1e10),
    "rack_heat_air": Variable(_R, "W", "Heat into room air", 0.0, 1e10),
    "rack_chip_temperature": Variable(_R, "degC", "Hottest chip", 0.0, 105.0),
    "rack_flow": Variable(_R, "m3/s", "Coolant flow of one rack", 0.0, 0.1),
    "rack_return_temperature": Variable(_R, "degC", "Coolant leaving the racks", 0.0, 90.0),
    "rack_inlet_temperature": Variable(_R, "degC", "Server inlet air", 0.0, 60.0),
    "rack_activity": Variable(_R, "1", "Activity asked, 0 where switched off", 0.0, 1.0),
    "rack_done": Variable(_R, "1", "Activity done", 0.0, 1.0),
    "rack_tokens": Variable(_R, "1/s", "Tokens of the rack group", 0.0, 1e11),
    "rack_tokens_asked": Variable(
        _R, "1/s", "Tokens without throttling, cap, locked clock and stalls", 0.0, 1e11
    ),
    "rack_throttled": Variable(_R, "1", "Share of accelerators throttled", 0.0, 1.0),
    "loop_supply_temperature": Variable(_L, "degC", "Supply temperature achieved", -10.0, 70.0),
    "loop_set_point": Variable(_L, "degC", "Supply temperature wanted", -10.0, 70.0),
    "loop_return_temperature": Variable(_L, "degC", "Return temperature", -10.0, 90.0),
    "loop_pressure": Variable(_L, "Pa", "Saturation pressure of a boiling loop", 0.0, 2e6),
    "loop_flow": Variable(_L, "kg/s", "Flow", 0.0, 1e5),
    "loop_heat": Variable(_L, "W", "Heat carried", 0.0, 1e10),
    "loop_pump_power": Variable(_L, "W", "Pump power", 0.0, 1e9),
    "link_heat": Variable(_K, "W", "Heat taken", 0.0, 1e10),
    "link_capacity": Variable(_K, "W", "Heat that all available units would take fully open", 0.0, 1e11),
    "link_power": Variable(_K, "W", "Power drawn", 0.0, 1e9),
    "link_actuator": Variable(_K, "1", "Valve, speed or stage", 0.0, 1.0),
    "link_running": Variable(_K, "1", "Units running", 0.0, 1e5),
    "link_water": Variable(_K, "kg/s", "Make-up water", 0.0, 1e4),
    "feeder_load": Variable(_F, "W", "Power delivered", 0.0, 1e10),
    "feeder_loss": Variable(_F, "W", "Loss", 0.0, 1e9),
    "feeder_utilisation": Variable(_F, "1", "Load of each unit over its rating", 0.0, 1.0),
    "member_power_mean": Variable(_M, "W", "Power of the rack, mean over the run", 0.0, 2e6),
    "member_power_peak": Variable(_M, "W", "Power of the rack, highest step", 0.0, 2e6, "maximum"),
    "member_chip_hottest": Variable(_M, "degC", "Chips of the rack, hottest step", 0.0, 105.0, "maximum"),
    "member_flow_mean": Variable(_M, "m3/s", "Coolant flow of the rack, mean over the run", 0.0, 0.1),
    "member_flow_least": Variable(_M, "m3/s", "Coolant flow of the rack, lowest step", 0.0, 0.1, "minimum"),
    "member_hours_throttled": Variable(_M, "h", "Time in which chips of the rack throttle", 0.0, 2e5, "sum"),
}

# Of tanks beside the machines of a loop: in the result of a site that has some.
STORAGE: dict[str, Variable] = {
    "site_power_idle": Variable(_T, "W", "Facility power with tanks idle", 0.0, 1e10),
    "storage_heat": Variable(
        _S, "W", "Heat that the tank takes from its loop, negative while filled", -1e9, 1e9
    ),
    "storage_planned": Variable(_S, "W", "The same as planned", -1e9, 1e9),
    "storage_gain": Variable(_S, "W", "Heat through its wall", 0.0, 1e8),
    "storage_charge": Variable(_S, "1", "Cold stored at the end of the step, of capacity", 0.0, 1.0, "point"),
}

# Of loops whose set point is reset by requests: in the result of a site that has some, undefined for its other loops.
RESET: dict[str, Variable] = {
    "loop_reset": Variable(_L, "1", "Set-point reset, 0 warmest to 1 coldest", 0.0, 1.0),
    "loop_requests": Variable(_L, "1", "Requests for colder supply", 0.0, 3e5),
}

# Of every single rack at every step: in a result only where asked for, as float32.
PER_RACK: dict[str, Variable] = {
    "member_power": Variable(_MT, "W", "Power of the rack", 0.0, 2e6),
    "member_inlet_temperature": Variable(_MT, "degC", "Server inlet air", 0.0, 60.0),
    "member_flow": Variable(_MT, "m3/s", "Coolant flow of the rack", 0.0, 0.1),
    "member_chip_temperature": Variable(_MT, "degC", "Chips of the rack", 0.0, 105.0),
    "member_throttled": Variable(_MT, "1", "Share of the rack's accelerators throttled", 0.0, 1.0),
    "member_margin": Variable(_MT, "K", "Throttling temperature less chip temperature", -60.0, 100.0),
}
