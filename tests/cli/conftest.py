"""The command line as a person starts it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """``twin …`` as a process of its own, in an empty folder."""

    def call(*words: object) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "twin.cli", *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    return call
