"""How numbers are shown: one table of quantities with decimals and the unit of each system."""

import math
from typing import Any, NamedTuple

from twin_sites import units

MINUS = "−"


class Shown(NamedTuple):
    """One row: unit of the program, shown units (SI, IP), their labels, decimals or None for three significant."""

    unit: str
    si: str
    ip: str
    si_label: str
    ip_label: str
    decimals: int | None


QUANTITIES: dict[str, Shown] = {
    "ratio": Shown("1", "1", "1", "", "", 3),
    "power_mw": Shown("W", "MW", "MW", "MW", "MW", 2),
    "power": Shown("W", "kW", "kW", "kW", "kW", 0),
    "heat_mw": Shown("W", "MW", "refrigeration_ton", "MW", "tons", 2),
    "energy": Shown("kWh", "MWh", "MWh", "MWh", "MWh", 0),
    "temperature": Shown("degC", "degC", "degF", "°C", "°F", 1),
    "difference": Shown("K", "K", "delta_degF", "K", "°F", 1),
    "wue": Shown("L/kWh", "L/kWh", "gal/kWh", "L/kWh", "gal/kWh", 3),
    "cue": Shown("kg/kWh", "kg/kWh", "lb/kWh", "kg/kWh", "lb/kWh", 3),
    "volume": Shown("m3", "m3", "gal", "m³", "gal", None),
    "flow": Shown("m3/s", "L/min", "gpm", "L/min", "gpm", None),
    "mass_flow": Shown("kg/s", "kg/s", "lb/s", "kg/s", "lb/s", None),
    "hours": Shown("1", "1", "1", "h", "h", 0),
    "share": Shown("1", "%", "%", "%", "%", None),
    "tokens": Shown("1", "1", "1", "G/MWh", "G/MWh", None),
    "moisture": Shown("1", "1", "1", "kg/kg", "lb/lb", 4),
}


def convert(value: Any, quantity: str, system: str) -> Any:
    """Number or array of the program in the shown unit."""
    row = QUANTITIES[quantity]
    to = row.ip if system == "ip" else row.si
    if row.unit == to:
        return value
    return value * 100.0 if to == "%" else units.convert(value, row.unit, to)


def unit(quantity: str, system: str) -> str:
    """Label of the shown unit."""
    row = QUANTITIES[quantity]
    return row.ip_label if system == "ip" else row.si_label


def defined(value: float | None) -> bool:
    """Whether there is a number to show."""
    return value is not None and math.isfinite(value)


def rounded(value: float, quantity: str, system: str) -> float:
    """The number that is printed, as a number: deltas are differences of these, so that a reader's subtraction agrees."""
    shown = float(convert(value, quantity, system))
    return round(shown, decimals(shown, quantity, system))


def decimals(shown: float, quantity: str, system: str) -> int:
    """Decimals of a shown number."""
    row = QUANTITIES[quantity]
    if row.decimals is not None:
        return 0 if system == "ip" and quantity == "heat_mw" else row.decimals
    if quantity == "share":
        return 0 if abs(shown) >= 10 else 1
    return max(0, 2 - math.floor(math.log10(abs(shown)))) if shown else 0


def number(value: float | None, quantity: str, system: str = "si", sign: bool = False) -> str:
    """A number without its unit; '—' where there is none."""
    if value is None or not math.isfinite(value):
        return "—"
    shown = float(convert(value, quantity, system))
    places = decimals(shown, quantity, system)
    if QUANTITIES[quantity].decimals is None and quantity != "share" and shown:
        shown = round(shown, 2 - math.floor(math.log10(abs(shown))))
    return plain(shown, places, sign)


def plain(shown: float, places: int, sign: bool = False) -> str:
    """Thousands comma and a real minus; no '−0'."""
    text = f"{abs(shown):,.{places}f}"
    if float(text.replace(",", "")) == 0.0:
        return text
    return (MINUS if shown < 0 else "+" if sign else "") + text


def text(value: float | None, quantity: str, system: str = "si") -> str:
    """Number and unit."""
    return f"{number(value, quantity, system)} {unit(quantity, system)}".strip() if defined(value) else "—"


def money(value: float | None, symbol: str = "$") -> tuple[str, str]:
    """Amount with three significant digits and its multiple: ``('$5.93', 'M')``."""
    if value is None or not math.isfinite(value):
        return "—", ""
    for size, suffix in ((1e6, "M"), (1e3, "k"), (1.0, "")):
        if abs(value) >= 0.9995 * size or size == 1.0:
            scaled = value / size
            places = max(0, 2 - math.floor(math.log10(abs(scaled)))) if scaled else 0
            return f"{MINUS if value < 0 else ''}{symbol}{abs(scaled):,.{min(places, 2)}f}", suffix
    return "—", ""


def delta(new: float | None, old: float | None, quantity: str, system: str = "si") -> tuple[str, int]:
    """Difference of the shown numbers and its direction (−1, 0, 1)."""
    if not defined(new) or not defined(old):
        return "", 0
    assert new is not None
    assert old is not None
    places = decimals(float(convert(new, quantity, system)), quantity, system)
    places = (
        max(places, decimals(float(convert(old, quantity, system)), quantity, system))
        if quantity == "share"
        else places
    )
    gap = rounded(new, quantity, system) - rounded(old, quantity, system)
    if abs(gap) < 0.5 * 10.0**-places:
        return f"{0:.{places}f}", 0
    return f"{abs(gap):,.{places}f}", 1 if gap > 0 else -1
