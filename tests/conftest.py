"""The command line in this process, which has the imports behind it; tests of starting it are in ``tests/cli``.

Benchmarks (``-m bench``) run when asked for: a busy machine must not fail the tests.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def twin_cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """``twin …`` in this process; any exception but the exit itself fails the test."""
    from twin.cli import main

    def call(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["twin", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capfd.readouterr()
        return Said(int(stop.value.code or 0), out, err)

    return call


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave ``bench`` out unless the marker expression names it."""
    if "bench" in (config.option.markexpr or ""):
        return
    left = [item for item in items if item.get_closest_marker("bench") is not None]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
