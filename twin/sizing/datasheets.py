"""Parameters of the catalogue's products as sizing reads them."""

from functools import lru_cache
from typing import Any

from twin_sites.building import product


@lru_cache(maxsize=128)
def typed(slug: str, cls: Any, keys: tuple[str, ...]) -> Any:
    """Parameters of a datasheet, read once."""
    return product(slug, cls, list(keys))
