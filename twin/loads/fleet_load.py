"""A generated fleet as the load of a run: ``generated:mixed,racks=72,seed=3,provisioning=parked``."""

from typing import Any

import numpy as np
from twin_models.fields import Quantity
from twin_sites.errors import did_you_mean
from twin_sites.units import parse_at

from twin.files import fault
from twin.loads.fleet import KINDS, PROVISIONING, Fleet, Kind, site_mean, whole
from twin.loads.load import START, Load, frozen

PREFIX = "generated:"
YEAR_S = 365 * 86400.0
UNSAID_RACKS = 100  # of a load that is used as the mean of its racks
MOST_VALUES = 30_000_000  # kept in memory as one series for each rack
SHARE = Quantity("1", "Share", low=0.0, high=1.0)


def load_of(text: str, step_s: float) -> Load:
    """The load of a year that a text asks for. With ``racks`` every rack has its own series, named ``compute.1`` and so
    on (``group=`` for another name); without, there is one series, the mean of 100 racks.

    Raises
    ------
    InputError
        For words that are not understood, or more series than fit in memory.
    """
    kind, said = read(text)
    n = round(YEAR_S / step_s)
    racks = said.pop("racks", None)
    group = said.pop("group", "compute")
    fleet = Fleet(
        kind=kind, racks=UNSAID_RACKS if racks is None else racks, n=n, step_s=float(step_s), **said
    )
    if racks is None:
        series = {"all": site_mean(fleet)}
    else:
        if racks * n > MOST_VALUES:
            found = f"{racks} racks at {n} steps"
            raise fault(
                "load",
                found,
                f"{MOST_VALUES:,} values",
                "a longer --step, or 'twin generate' to write them to a file",
            )
        series = {
            f"{group}.{number}": row.astype(np.float64) for number, row in enumerate(whole(fleet), start=1)
        }
    words = ", ".join(f"{key} {value}" for key, value in {"racks": fleet.racks, **said}.items())
    return frozen(
        Load(
            name=text.removeprefix(PREFIX),
            source=f"generated {kind} activity of every rack, {words}",
            start=START,
            step_s=float(step_s),
            utc_offset_h=None,
            quantity="activity",
            boundary=None,
            series=series,
            devices=dict.fromkeys(series, 1),
        )
    )


def read(text: str) -> tuple[Kind, dict[str, Any]]:
    """Kind and parameters of a fleet from ``generated:KIND,key=value,…``."""
    kind, *pairs = (word.strip() for word in text.removeprefix(PREFIX).split(","))
    if kind not in KINDS:
        raise fault("load", f"'{kind[:60]}'", " or ".join(KINDS), did_you_mean(kind, KINDS))
    keys = ("racks", "seed", "level", "utilisation", "provisioning", "group")
    said: dict[str, Any] = {}
    for pair in pairs:
        key, _, value = (part.strip() for part in pair.partition("="))
        if key not in keys or not value:
            raise fault(f"load → {pair[:60]}", f"'{key[:60]}'", ", ".join(keys), did_you_mean(key, keys))
        if key in ("racks", "seed"):
            if not value.isdecimal():
                raise fault(f"load → {key}", f"'{value[:60]}'", "a whole number", f"{key}=72")
            said[key] = int(value)
        elif key in ("level", "utilisation"):
            said[key] = parse_at(f"load → {key}", value, SHARE)
        else:
            if key == "provisioning" and value not in PROVISIONING:
                raise fault("load → provisioning", f"'{value[:60]}'", " or ".join(PROVISIONING), "choose one")
            said[key] = value
    return kind, said
