"""What the estimates of a site are worth: an axis for every number that is marked ``estimate``."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from twin_sites import units
from twin_sites.addresses import DEFAULT, Address, addresses
from twin_sites.errors import InputError
from twin_sites.loader import change_site
from twin_sites.schema import Site

from twin.studies.axes import Axis, Spread

SPAN_K = 20.0  # of which a share is taken for a temperature on a scale, whose zero means nothing


class Estimates(NamedTuple):
    """Axes over estimates, and how many numbers are left out for which reason."""

    axes: list[Axis]
    left_out: dict[str, int]


def estimate_axes(site: Site, share: float, inside: Sequence[str]) -> Estimates:
    """An axis for every number that a datasheet or the site marks ``estimate``: uniform, ``share`` up and down.

    Parameters
    ----------
    site
        Base site.
    share
        Half width over the value; of a temperature over 20 K.
    inside
        Beginnings of the addresses wanted, such as ``cooling``; all where empty.

    A spread ends at the bound of its number, and at the number itself on a side where the site refuses the other end. Left
    out and counted: defaults of the program, which switch parts off; counts; words and curves; what is zero; and what
    the site refuses on both sides.
    """
    out, left = [], Counter[str]()
    for entry in addresses(site):
        if entry.origin.confidence != "estimate" or (inside and not entry.address.startswith(tuple(inside))):
            continue
        reason = _reason(entry)
        axis = None if reason else _axis(site, entry, share)
        if axis is not None:
            out.append(axis)
        else:
            left[reason or "refused by the site"] += 1
    return Estimates(out, dict(left))


def _reason(entry: Address) -> str:
    """Why a number is left out, or nothing."""
    if entry.origin == DEFAULT:
        return "defaults of the program"
    if entry.quantity is None:
        return "words and curves"
    if entry.quantity.unit == "count" or not isinstance(entry.value, float):
        return "counts"
    return "zero" if entry.value == 0.0 and entry.quantity.unit != "degC" else ""


def _axis(site: Site, entry: Address, share: float) -> Axis | None:
    """The widest of the spread, its lower and its upper half that the site takes."""
    quantity, value = entry.quantity, float(entry.value)
    assert quantity is not None
    half = share * (SPAN_K if quantity.unit == "degC" else abs(value))
    low = max(value - half, quantity.low if quantity.low is not None else -float("inf"))
    high = min(value + half, quantity.high if quantity.high is not None else float("inf"))
    for ends in ((low, high), (low, value), (value, high)):
        axis = Axis(entry.address, entry.label, quantity.unit, spread=Spread("uniform", ends))
        if ends[0] < ends[1] and all(_taken(site, axis, end) for end in ends):
            return axis
    return None


def _taken(site: Site, axis: Axis, end: float) -> bool:
    try:
        change_site(site, axis.changes(units.round_digits(end)))
    except InputError:
        return False
    return True
