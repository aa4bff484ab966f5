"""Which money a site is priced in. No rate of exchange is known here: sums are of one currency, or are not made."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from twin_sites.errors import Problem
from twin_sites.schema import Site

USUAL = "USD"  # of a site that states no price
SIGNS = re.compile(r"\b(USD|EUR|GBP)\b")


def stated(written: Mapping[str, Any]) -> dict[str, str]:
    """Currency of each price that a written form states, by address."""
    prices = written.get("economy", {})
    found = {key: SIGNS.search(str(value)) for key, value in prices.items()}
    return {f"economy.{key}": sign[1] for key, sign in found.items() if sign}


def currency(site: Site) -> str:
    """The currency of the prices of a site."""
    return next(iter(stated(site.written).values()), USUAL)


def one_currency(site: Site) -> Iterable[Problem]:
    """Prices in two currencies cannot be added up."""
    found = stated(site.written)
    if len(set(found.values())) > 1:
        address, other = list(found.items())[-1]
        first = next(iter(found.values()))
        yield Problem(
            address,
            f"a price in {other} beside one in {first}",
            "one currency",
            f"state both in {first}, or both in {other}",
        )
