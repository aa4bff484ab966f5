"""Words of the command line as values: changes, lengths of time, choices."""

from typing import Any

from twin_models.fields import Quantity
from twin_sites.errors import InputError, Problem
from twin_sites.units import parse_at


def changes_of(pairs: list[str] | None) -> dict[str, str]:
    out = {}
    for pair in pairs or []:
        address, separator, value = pair.partition("=")
        if not separator or not address.strip():
            raise InputError(
                [Problem(f"--set {pair}", "no '='", "ADDRESS=VALUE", "--set cooling.fws.supply='95 degF'")]
            )
        out[address.strip()] = value.strip()
    return out


def seconds_of(text: str | None, where: str = "--step") -> float | None:
    """A length of time as written on the command line, s: '10 s', '1 min'; up to a year."""
    length = Quantity("s", "Length", low=1e-3, high=366 * 86400.0, bound_source="a millisecond to a year")
    return None if text is None else parse_at(where, text, length)


def hours_of(text: str | None, where: str = "--hours") -> float | None:
    """A length of time in h: '36', '7 days'; up to twenty years."""
    if text is None:
        return None
    plain = text.strip().replace(".", "", 1).removeprefix("-").isdecimal()
    length = Quantity(
        "s", "Length", low=1.0, high=20 * 8784 * 3600.0, bound_source="twenty years", shown="hour"
    )
    return parse_at(where, f"{text} hours" if plain else text, length) / 3600.0


def word_of(word: str, allowed: tuple[str, ...], where: str) -> Any:
    """One of a few words, or an ``InputError``."""
    if word not in allowed:
        raise InputError([Problem(where, f"'{word}'", " or ".join(allowed), f"{where} {allowed[0]}")])
    return word
