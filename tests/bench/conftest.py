"""Benchmarks run when asked for (``-m bench``); the ratios that need seconds only run with every test."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave ``bench`` out unless the marker expression names it."""
    if "bench" in (config.option.markexpr or ""):
        return
    left = [item for item in items if item.get_closest_marker("bench") is not None]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
