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
    "currency/J": ("currency/kWh", "currency/kWh"),
    "currency/m3": ("currency/m3", "currency/kgal"),
    "J": ("kWh", "kWh"),
    "VA": ("kVA", "kVA"),
}

_DEFINITIONS = (
    "gallon_per_minute = gallon / minute = gpm",
    "currency = [currency] = USD = EUR = GBP",
    "kgal = 1000 gallon",
)
_SPELLINGS = {"³": "3", "²": "2", "°C": "degC", "°F": "degF", "Δ": "delta_", "·": "*", "µ": "u"}
_POWER = re.compile(r"(?<=[a-zA-Z])(?=[2-9])")  # m3 means m**3
_NAME = re.compile(r"[A-Za-z%°µΔ²³·*/() 0-9_.-]{1,32}")


@lru_cache(maxsize=1)
def _registry() -> "pint.UnitRegistry[Any]":
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)
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
    import pint

    number, name = _split(text)
    if not isfinite(number):
        raise UnitError(f"'{text}' is not finite", f"a finite number in {unit}")
    if unit == "1":
        if name in ("", "%"):
            return round_digits(number / 100 if name else number)
        raise UnitError(f"'{text}' has the unit '{name}'", "a plain number or a percentage such as '12 %'")
    if not name:
        raise UnitError(f"'{text}' has no unit", f"a quantity in {unit} or a unit like it", f"write '{text.strip()} {unit}'")
    if difference and name in ("degC", "degF", "°C", "°F"):
        name = "delta_" + name.replace("°", "deg")
    if name == "tons":
        name = "refrigeration_ton"
    if not _NAME.fullmatch(name):
        raise UnitError(f"'{text}' has the unknown unit '{name}'", f"a unit of {unit}")
    registry = _registry()
    try:
        value = registry.Quantity(number, _pint_name(name)).to(_target(unit)).magnitude
    except pint.UndefinedUnitError as error:
        raise UnitError(f"'{text}' has the unknown unit '{name}'", f"a unit of {unit}") from error
    except pint.DimensionalityError as error:
        raise UnitError(f"'{text}' is {error.dim1 or 'without dimension'}", f"a quantity of {unit}") from error
    except Exception as error:  # pint's tokenizer raises whatever the text provokes
        raise UnitError(f"'{text}' is not a quantity", f"a number and a unit of {unit}") from error
    return round_digits(float(value))


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
        unit.replace("delta_degF", "°F").replace("degC", "°C").replace("degF", "°F").replace("m3", "m³").replace("m2", "m²")
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
        raise UnitError(f"{type(value).__name__} {value!r:.60}", f"a quantity such as '{_example(quantity)}'")
    if not isinstance(value, str) and quantity.unit != "1":
        raise UnitError(f"the bare number {value}", "a quantity with its unit", f"write '{value} {shown_unit(quantity)}'")
    number = parse(value if isinstance(value, str) else repr(value), quantity.unit, quantity.difference)
    low, high = quantity.low, quantity.high
    if (low is not None and number < low) or (high is not None and number > high):
        raise UnitError(f"{value}", f"{bounds_text(quantity)} ({quantity.bound_source})")
    return number


def _example(quantity: Quantity) -> str:
    return f"{quantity.low if quantity.low is not None else 1:g} {quantity.unit}" if quantity.unit != "1" else "0.5"


def bounds_text(quantity: Quantity, system: str = "si") -> str:
    """Allowed range as text in the shown unit."""
    unit = shown_unit(quantity, system)
    low, high = (None if edge is None else convert(edge, quantity.unit, unit) for edge in (quantity.low, quantity.high))
    name = label_of(unit)
    if low is None and high is None:
        return f"any {name}".strip()
    if high is None:
        return f"at least {low:g} {name}".strip()
    if low is None:
        return f"at most {high:g} {name}".strip()
    return f"{low:g} to {high:g} {name}".strip()


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
