"""What may stand in the repository."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_no_environment_is_tracked() -> None:
    """A tracked ``.venv``, a link too, replaces the environment of everybody who updates."""
    done = subprocess.run(["git", "ls-files", ".venv"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    assert done.stdout == "", "take it out of your commits: git rm -r --cached .venv; git commit --amend"
