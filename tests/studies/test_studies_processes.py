"""Worker processes: a script needs no guard, and runs once."""

import subprocess
import sys
from pathlib import Path

import pytest

from twin.processes import without_main

pytest.importorskip("zarr", reason="the extra 'study' is not installed")
pytest.importorskip("dask", reason="the extra 'study' is not installed")

SCRIPT = """
print("once")
import twin
axes = {"cooling.fws.supply": "30..34 degC by 0.5"}
ds = twin.study({"site": "enterprise-3-rack-gb300", "hours": 1, "axes": axes}, workers=2)
print(int((ds["status"] == 1).sum()), ds["pue"].size)
"""


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["once", "9", "9"], done.stderr
    assert "Traceback" not in done.stderr


def test_main_is_given_back() -> None:
    main = sys.modules["__main__"]
    before = (main.__spec__, getattr(main, "__file__", None))
    with without_main():
        assert (main.__spec__, getattr(main, "__file__", None)) == (None, None)
    assert (main.__spec__, getattr(main, "__file__", None)) == before


def test_dask_is_kept_out_for_a_while() -> None:
    """Where it is there already it stays; where it is not, nothing is left of the block."""
    script = (
        "import sys\nfrom twin.processes import without_dask\n"
        "with without_dask():\n    with without_dask():\n        import twin.studies.warm\n"
        "print([name for name in sys.modules if name.startswith('dask')])\n"
        "import dask\nwith without_dask():\n    import dask.base\nprint(sys.modules['dask'] is dask)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["[]", "True"], done.stderr
