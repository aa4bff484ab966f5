"""Words for the parts of a facility: what a person calls an element, a use of energy, a loop."""

import xarray as xr

from twin.metrics import room_fans
from twin_dashboard.kept import kept

USES = {
    "losses_ups": "UPS", "losses_transformer": "Transformers", "losses_pdu": "Distribution", "compressors": "Compressors",
    "pumps": "Pumps", "fans_rejection": "Heat rejection fans", "fans_air": "Room air", "house": "House",
}  # fmt: skip
COLOURS = {
    "losses_ups": "power", "losses_transformer": "power2", "losses_pdu": "power3", "compressors": "heat", "pumps": "heat2",
    "fans_rejection": "heat3", "fans_air": "heat4", "house": "strip",
}  # fmt: skip
KINDS = {
    "cooling_tower": "Cooling towers", "dry_cooler": "Dry coolers", "chiller": "Chillers", "cdu": "CDUs", "immersion": "Immersion tanks", "liquid_to_air": "Liquid-to-air units", "two_phase": "Condensers", "heat_reuse": "Heat customers", "thermal_storage": "Thermal storage", "air_handler": "Air handlers", "rear_door": "Rear doors",
    "heat_exchanger": "Economisers", "ups": "UPS", "transformer": "Transformers", "pdu": "Distribution", "utility": "Utility",
}  # fmt: skip
ROLES = {
    "technology": "technology loop",
    "facility": "facility water",
    "condenser": "condenser loop",
    "air": "room air",
    "exhaust": "rack exhaust",
}


def readable(name: str) -> str:
    """A site's own key as a word: ``tcs`` stays an abbreviation, ``air_handler`` becomes 'Air handler'."""
    words = name.replace("_", " ").replace(".", " ")
    return words.upper() if len(words) <= 3 else words[:1].upper() + words[1:]


def link_name(link: str) -> str:
    """'fws.chiller' is read as 'FWS chiller'."""
    loop, _, own = link.partition(".")
    return f"{readable(loop)} {own.replace('_', ' ').replace('.', ' ')}".replace(" cdu", " CDU")


@kept
def uses(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """Power of everything that is not IT, by use, over time (W)."""
    kind, feeder = ds["link_kind"].values, ds["feeder_kind"].values
    loss, link = ds["feeder_loss"].values, ds["link_power"].values
    rejection = (kind == "cooling_tower") | (kind == "dry_cooler")
    out = {
        "losses_ups": loss[feeder == "ups"].sum(axis=0), "losses_transformer": loss[feeder == "transformer"].sum(axis=0),
        "losses_pdu": loss[feeder == "pdu"].sum(axis=0), "compressors": link[(kind == "chiller") | (kind == "heat_reuse")].sum(axis=0),
        "pumps": ds["loop_pump_power"].values.sum(axis=0), "fans_rejection": link[rejection].sum(axis=0),
        "fans_air": room_fans(ds), "house": ds["site_house_power"].values,
    }  # fmt: skip
    return out
