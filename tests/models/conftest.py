"""Reads datasheets in tests of the physics, which knows no catalogue: text with units becomes numbers."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml
from twin_models.fields import Quantity

MODELS = Path(__file__).parents[2] / "models" / "twin_models"
META = {"kind", "name", "source", "confidence", "reason", "notes"}
FACTOR = {
    "%": 0.01,
    "W": 1.0,
    "kW": 1e3,
    "MW": 1e6,
    "degC": 1.0,
    "K": 1.0,
    "L/min": 1.0 / 60e3,
    "L/s": 1e-3,
    "m3/s": 1.0,
    "kPa": 1e3,
    "Pa": 1.0,
    "K/W": 1.0,
    "W/K": 1.0,
    "m2*K/W": 1.0,
    "Pa*s/m3": 1.0,
    "Pa*s2/m6": 1.0,
}


def number(value: Any, hint: Any, where: str) -> Any:
    """A quantity as a number in SI, inside its declared bounds; an estimate must give a reason."""
    if isinstance(value, dict):
        assert value.get("confidence") != "estimate" or value.get("reason"), (
            f"{where}: an estimate needs a reason"
        )
        value = value["value"]
    if isinstance(value, str):
        text, _, unit = value.partition(" ")
        value = float(text) * FACTOR[unit] if unit else value
    for quantity in getattr(hint, "__metadata__", ()):
        if isinstance(quantity, Quantity):
            assert quantity.low is None or value >= quantity.low, f"{where}: {value} below {quantity.low}"
            assert quantity.high is None or value <= quantity.high, f"{where}: {value} above {quantity.high}"
    return value


def build(kind: type, written: dict[str, Any]) -> Any:
    """Fill a parameter set; an unknown key is refused."""
    hints = get_type_hints(kind, include_extras=True)
    unknown = set(written) - {f.name for f in fields(kind)}
    assert not unknown, f"{kind.__name__} has no field {sorted(unknown)}"
    values = {}
    for name, value in written.items():
        nested = [t for t in (hints[name], *get_args(hints[name])) if is_dataclass(t) and isinstance(t, type)]
        values[name] = (
            build(nested[0], value) if nested else number(value, hints[name], f"{kind.__name__}.{name}")
        )
    return kind(**values)


def read_datasheet(kind: type, family: str, slug: str) -> Any:
    """One datasheet as parameters."""
    written = yaml.safe_load((MODELS / family / f"{slug}.yaml").read_text())
    assert written["kind"] == family
    assert written["source"]
    assert written["confidence"] != "estimate" or written["reason"]
    return build(kind, {k: v for k, v in written.items() if k not in META})


@pytest.fixture(scope="session")
def load_datasheet() -> Callable[[type, str, str], Any]:
    """``load_datasheet(Cdu, "cdu", "vertiv-xdu1350b")``."""
    return read_datasheet


@pytest.fixture(scope="session")
def datasheets() -> Callable[[str], list[str]]:
    """Slugs of all datasheets of a family."""
    return lambda family: sorted(path.stem for path in (MODELS / family).glob("*.yaml"))
