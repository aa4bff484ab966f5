"""The command line, in this process (quick) and as a person starts it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
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


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., Said]:
    """``twin …`` as a process of its own, in an empty folder."""

    def call(*words: object) -> Said:
        command = [sys.executable, "-m", "twin.cli", *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        return Said(done.returncode, done.stdout, done.stderr)

    return call
