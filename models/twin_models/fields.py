"""How a parameter is declared: once, on the dataclass of its machine.

Unit, bounds, the source of the bounds and the label of a parameter stand in the annotation of its field::

    rated_heat: Annotated[float, Quantity("W", "Rated heat", low=0.0, high=1e8, bound_source="physical")]

The site schema, the command line, the JSON Schema, the dashboard and the docs read this declaration and no other.
"""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Base of every parameter set: a key that no field declares is refused when a file is read."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "allow_inf_nan": False}


@dataclass(frozen=True)
class Quantity:
    """Declaration of a number with a unit.

    Parameters
    ----------
    unit
        Unit the program computes in: SI, temperatures in ``degC``, shares and ratios ``1``.
    label
        What a person calls it.
    low, high
        Allowed range in ``unit``, both ends included; ``None`` is unbounded.
    bound_source
        Who sets the range: a standard, a datasheet, "physical" or "estimate".
    shown, shown_ip
        Units in which people read it; empty takes the usual one for ``unit``.
    difference
        True for a temperature difference: ``7 degF`` then means 3.89 K.
    """

    unit: str
    label: str
    low: float | None = None
    high: float | None = None
    bound_source: str = "physical"
    shown: str = ""
    shown_ip: str = ""
    difference: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Let the caller of the validation read the value: it passes ``read(value, quantity)`` as context."""
        from pydantic_core import core_schema

        return core_schema.with_info_before_validator_function(
            lambda value, info: info.context(value, self) if info.context else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """Files write a quantity as text with its unit; the bounds are in ``x-unit``."""
        return {
            "type": ["string", "number"] if self.unit == "1" else "string",
            "title": self.label,
            "x-unit": self.unit,
            "x-low": self.low,
            "x-high": self.high,
            "x-bound-source": self.bound_source,
        }


@dataclass(frozen=True)
class Choice:
    """Declaration of a field that is chosen, not measured: a switch, a name from a list, free text."""

    label: str
