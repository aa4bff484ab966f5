"""Quantities as people write them, and back: the only module that knows pint.

Inside the program every number is SI with temperatures in °C; text with a unit is read here and shown here.
pint is imported when the first text is read, since it is slow to load.
"""

import re
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any

from twin_models.fields import Quantity

from twin_sites.errors import InputError, Problem

if TYPE_CHECKING:
    import pint

SOURCES = {"physical": "physical bound", "estimate": "bound is an estimate", "vendor": "vendor's bound"}
OFFSET_DECIMALS = 10  # of a converted temperature: 32 degF is 0 degC
SIGNIFICANT_DIGITS = 12  # 86 degF and 30 degC must give the same number, hence the same key

# What a person reads for each unit of the program: SI and IP.
SHOWN = {
    "W": ("kW", "kW"),
    "degC": ("degC", "degF"),
    "K": ("K", "delta_degF"),
    "m3/s": ("L/min", "gpm"),
    "kg/s": ("kg/s", "lb/s"),
    "Pa": ("kPa", "psi"),
    "m": ("m", "ft"),
    "m2": ("m2", "ft2"),
    "m3": ("m3", "gal"),
    "kg/J": ("kg/kWh", "lb/kWh"),
    "currency": ("price", "5 USD", "5 USD"),
    "currency/J": ("currency/kWh", "currency/kWh"),
    "currency/m3": ("currency/m3", "currency/kgal"),
    "J": ("kWh", "kWh"),
    "VA": ("kVA", "kVA"),
    "1/s": ("tokens/s", "tokens/s"),
}

# What a person calls each kind of quantity, with an example of each unit system.
_KINDS = {
    "W": ("power", "132 kW", "40 tons"),
    "degC": ("temperature", "30 degC", "86 degF"),
    "K": ("temperature difference", "4 K", "7 degF"),
    "m3/s": ("volume flow", "65 L/s", "1000 gpm"),
    "kg/s": ("mass flow", "10 kg/s", "22 lb/s"),
    "Pa": ("pressure", "250 kPa", "36 psi"),
    "m": ("length", "3 m", "10 ft"),
    "m2": ("area", "2 m2", "22 ft2"),
    "m3": ("volume", "10 L", "3 gal"),
    "kg": ("mass", "500 kg", "1100 lb"),
    "s": ("time", "15 s", "1 min"),
    "VA": ("apparent power", "2500 kVA", "2.5 MVA"),
    "J": ("energy", "100 kWh", "100 kWh"),
    "W/K": ("conductance", "250 kW/K", "250 kW/K"),
    "K/W": ("thermal resistance", "0.02 K/W", "0.02 K/W"),
    "kg/J": ("carbon per energy", "380 g/kWh", "0.84 lb/kWh"),
    "1/s": ("rate", "2500 tokens/s", "2500 tokens/s"),
    "currency": ("price", "5 USD", "5 USD"),
    "currency/J": ("price of energy", "0.08 USD/kWh", "80 USD/MWh"),
    "currency/m3": ("price of water", "2 USD/m3", "8 USD/kgal"),
}  # fmt: skip

_DEFINITIONS = (
    "cubic_foot_per_minute = foot ** 3 / minute = cfm",
    "liter_per_minute = liter / minute = lpm",
    "gallon_per_minute = gallon / minute = gpm",
    "currency = [currency] = USD = EUR = GBP",
    "kgal = 1000 gallon",
    "token = count = tok",
)
_SPELLINGS = {"³": "3", "²": "2", "°C": "degC", "°F": "degF", "Δ": "delta_", "·": "*", "µ": "u"}
_POWER = re.compile(r"(?<=[a-zA-Z])(?=[2-9](?![a-zA-Z]))")  # m3 means m**3, ftH2O does not
_NAME = re.compile(r"[A-Za-z%°µΔ²³·*/() 0-9_.-]{1,32}")


@lru_cache(maxsize=1)
def _registry() -> "pint.UnitRegistry[Any]":
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(
        autoconvert_offset_to_baseunit=True, cache_folder=None
    )
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


class UnitError(ValueError):
    """Text that is not a quantity of the wanted kind; ``allowed`` says what would be."""

    def __init__(self, found: str, allowed: str, remedy: str = "") -> None:
        self.found, self.allowed, self.remedy = found, allowed, remedy
        super().__init__(f"{found}; allowed: {allowed}")


def _split(text: str) -> tuple[float, str]:
    """Number and unit of a text such as '1,200 gpm' is refused: a comma is ambiguous."""
    stripped = text.strip().replace("−", "-")
    if len(stripped) > 64:
        raise UnitError(f"'{text[:30]}…' is {len(text)} characters long", "a number, a space and a unit")
    for end in range(len(stripped), 0, -1):
        try:
            return float(stripped[:end].replace("_", "x")), stripped[end:].strip()
        except ValueError:
            continue
    raise UnitError(f"'{text}' is not a number with a unit", "a number, a space and a unit such as '132 kW'")


@lru_cache(maxsize=65536)
def parse(text: str, unit: str, difference: bool = False) -> float:
    """Read a quantity.

    Parameters
    ----------
    text
        Number and unit, SI or IP: ``34 degC``, ``93 degF``, ``1200 gpm``, ``132 kW``, ``25 %``.
    unit
        Unit of the program to convert to (``W``, ``degC``, ``K``, ``m3/s``, …, ``1``).
    difference
        The quantity is a temperature difference: ``7 degF`` is 3.889 K and ``7 degC`` is 7 K.

    Returns
    -------
    float
        The number in ``unit``, rounded to 12 significant digits.

    Raises
    ------
    UnitError
        When the text has no number, no unit, an unknown unit or one of another dimension.
    """
    number, name = _split(text)
    if not isfinite(number):
        raise UnitError(f"'{text}' is not a finite number", kind_text(unit, difference))
    if unit == "1":
        if name in ("", "%"):
            return round_digits(number / 100 if name else number)
        raise UnitError(f"'{text}' has the unit '{name}'", kind_text(unit))
    if not name:
        own = "K" if difference else SHOWN.get(unit, (unit, unit))[0]
        raise UnitError(
            f"'{text}' has no unit",
            kind_text(unit, difference),
            f"write '{text.strip()} {_priced(own)}' if that is meant",
        )
    if difference and name in ("degC", "degF", "°C", "°F"):
        name = "delta_" + name.replace("°", "deg")
    if unit == "W" and name in ("tons", "ton", "TR"):
        name = "refrigeration_ton"
    if name.startswith(","):
        raise UnitError(
            f"'{text}' has a comma in its number",
            kind_text(unit, difference),
            "write 1200 or 1.2, without a comma",
        )
    if not _NAME.fullmatch(name):
        raise UnitError(f"'{text}' has the unknown unit '{name}'", kind_text(unit, difference))
    try:
        factor, offset = _conversion(_pint_name(name), _target(unit))
    except _wrong_unit() as error:
        if type(error).__name__ == "UndefinedUnitError":
            known = f"'{text}' has the unknown unit '{name.removeprefix('delta_')}'"
            raise UnitError(known, kind_text(unit, difference)) from error
        raise UnitError(f"'{text}' is {_kind_of(name)}", kind_text(unit, difference)) from error
    except Exception as error:  # pint's tokenizer raises whatever the text provokes
        raise UnitError(f"'{text}' is not a number with a unit", kind_text(unit, difference)) from error
    value = number * factor + offset
    if not isfinite(value):
        raise UnitError(f"'{text}' is not a finite number", kind_text(unit, difference))
    return round(round_digits(value), OFFSET_DECIMALS) if offset else round_digits(value)


@lru_cache(maxsize=1)
def _wrong_unit() -> tuple[type[Exception], ...]:
    import pint

    return (pint.UndefinedUnitError, pint.DimensionalityError)


@lru_cache(maxsize=4096)
def _conversion(name: str, target: str) -> tuple[float, float]:
    """Factor and offset from a unit as written to a unit of the program; raises what pint raises."""
    registry = _registry()
    zero = float(registry.Quantity(0.0, name).to(target).magnitude)
    one = float(registry.Quantity(1.0, name).to(target).magnitude)
    two = float(registry.Quantity(2.0, name).to(target).magnitude)
    if not abs(two - 2.0 * one + zero) <= 1e-9 * max(abs(one - zero), abs(two - one)):
        raise ValueError(f"{name} is not proportional to {target}")  # a logarithmic unit
    return one - zero, zero


def kind_text(unit: str, difference: bool = False) -> str:
    """What a quantity in ``unit`` looks like: 'a volume flow such as 65 L/s or 1000 gpm'."""
    if unit == "1":
        return "a plain number, or a percentage such as '12 %'"
    kind, si, ip = _KINDS.get("K" if difference else unit, (f"quantity in {unit}", f"1 {unit}", f"1 {unit}"))
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} {kind} such as '{si}'" + (f" or '{ip}'" if ip != si else "")


def _kind_of(name: str) -> str:
    """What the unit ``name`` measures, in words."""
    registry = _registry()
    try:
        found = registry.Quantity(1.0, _pint_name(name))
        for unit, (kind, _, _) in _KINDS.items():
            if found.is_compatible_with(_target(unit)):
                return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    except Exception:  # the text has a unit that pint reads one way and refuses another
        pass
    return "of another kind"


def _pint_name(name: str) -> str:
    for written, meant in _SPELLINGS.items():
        name = name.replace(written, meant)
    return _POWER.sub("**", name)


def _target(unit: str) -> str:
    return "delta_degC" if unit == "K" else _pint_name(unit)


def round_digits(value: float) -> float:
    """Round to the significant digits that make equal quantities equal."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


@lru_cache(maxsize=4096)
def _linear(unit: str, shown: str) -> tuple[float, float]:
    """Factor and offset that turn ``unit`` into ``shown``."""
    if unit == shown or unit == "1":
        return (100.0, 0.0) if shown == "%" else (1.0, 0.0)
    registry = _registry()
    to = _target(shown)
    zero = registry.Quantity(0.0, _target(unit)).to(to).magnitude
    one = registry.Quantity(1.0, _target(unit)).to(to).magnitude
    return float(one - zero), float(zero)


def convert(value: Any, unit: str, shown: str) -> Any:
    """Number or array in ``unit`` as a number or array in ``shown``."""
    factor, offset = _linear(unit, shown)
    return value * factor + offset


def shown_unit(quantity: Quantity, system: str = "si") -> str:
    """Unit in which people read ``quantity`` in the unit system ``si`` or ``ip``."""
    own = quantity.shown_ip if system == "ip" else quantity.shown
    return own or SHOWN.get(quantity.unit, (quantity.unit, quantity.unit))[system == "ip"]


def label_of(unit: str) -> str:
    """Unit as it is printed for people."""
    return (
        unit.replace("refrigeration_ton", "tons")
        .replace("delta_degF", "°F")
        .replace("degC", "°C")
        .replace("degF", "°F")
        .replace("m3", "m³")
        .replace("m2", "m²")
        .replace("1", "", 1 if unit == "1" else 0)
    )


def read(value: Any, quantity: Quantity) -> float:
    """Read one declared field: text with a unit, within the declared bounds.

    Raises
    ------
    UnitError
        With what was found and what is allowed, bounds and their source named.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnitError(_said(value), allowed_text(quantity), kind_text(quantity.unit, quantity.difference))
    if not isinstance(value, str) and quantity.unit != "1":
        own = "K" if quantity.difference else shown_unit(quantity)
        raise UnitError(
            f"the bare number {value:g}",
            allowed_text(quantity),
            f"write '{value:g} {_priced(own)}' if that is meant",
        )
    try:
        number = (
            parse(value, quantity.unit, quantity.difference)
            if isinstance(value, str)
            else _plain_number(value)
        )
    except UnitError as error:
        raise UnitError(
            error.found, allowed_text(quantity), error.remedy or kind_text(quantity.unit, quantity.difference)
        ) from error
    low, high = quantity.low, quantity.high
    if (low is not None and number < low) or (high is not None and number > high):
        raise UnitError(f"{value}", allowed_text(quantity), f"'{quantity.label}' in that range")
    return number


def _plain_number(value: float) -> float:
    if not isfinite(value):
        raise UnitError(f"'{value}' is not a finite number", kind_text("1"))
    return round_digits(float(value))


def _priced(unit: str) -> str:
    return unit.replace("currency", "USD")


def _said(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "yes (a truth value)" if value else "no (a truth value)"
    if isinstance(value, dict):
        return "a mapping of keys to values"
    return "a list" if isinstance(value, list | tuple) else f"{value!r:.60}"


def allowed_text(quantity: Quantity) -> str:
    """Allowed range and whose it is; the kind of quantity where nothing bounds it."""
    if quantity.low is None and quantity.high is None:
        return kind_text(quantity.unit, quantity.difference)
    return f"{bounds_text(quantity)} ({SOURCES.get(quantity.bound_source, quantity.bound_source)})"


def bounds_text(quantity: Quantity, system: str = "si") -> str:
    """Allowed range as text in the shown unit."""
    unit = shown_unit(quantity, system)
    low, high = (
        None if edge is None else f"{float(f'{convert(edge, quantity.unit, unit):.4g}'):g}"
        for edge in (quantity.low, quantity.high)
    )
    name = "" if unit == "count" else label_of(unit)
    if low is None and high is None:
        return f"any {name}".strip()
    if high is None:
        return f"at least {low} {name}".strip()
    if low is None:
        return f"at most {high} {name}".strip()
    return f"{low} to {high} {name}".strip()


def text(value: float, quantity: Quantity, system: str = "si") -> str:
    """Number of the program as a person reads it."""
    unit = shown_unit(quantity, system)
    return f"{convert(value, quantity.unit, unit):.6g} {label_of(unit)}".strip()


def written(value: float, quantity: Quantity) -> str:
    """Number of the program as it is written to a site file."""
    if quantity.unit == "1":
        return repr(value)
    unit = "K" if quantity.difference else shown_unit(quantity)
    return f"{round_digits(convert(value, quantity.unit, unit)):.12g} {unit}"


def parse_at(where: str, value: str, quantity: Quantity) -> float:
    """Read a quantity outside a site file; a fault names ``where``."""
    try:
        return read(value, quantity)
    except UnitError as error:
        raise InputError([Problem(where, error.found, error.allowed, error.remedy)]) from error
