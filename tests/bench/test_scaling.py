"""Cost is linear in racks and steps, and start-up stays light: ratios of figures measured in one run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MEASURE = Path(__file__).with_name("measure.py")
RATIO_SLACK = 1.8  # of a machine that other processes share
RACK_STEP_NS = 5000.0  # far above any measured; a loop over racks in Python costs ten times that
IMPORT_OVER_BARE = 6.0  # an import of numpy alone is about 8 times a bare interpreter
FORBIDDEN = ("dash", "plotly", "dask", "zarr", "pint", "pandas", "xarray", "pydantic", "numpy")


def measured(*arguments: str) -> dict[str, Any]:
    """A case of ``measure.py`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(MEASURE), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_cost_is_linear_in_racks_and_steps() -> None:
    """Twice the racks, or twice the steps, cost at most about twice."""
    base = measured("racks", "--racks", "200", "--steps", "2000")
    racks = measured("racks", "--racks", "400", "--steps", "2000")
    steps = measured("racks", "--racks", "200", "--steps", "4000")
    assert base["converged"]
    assert racks["cpu_s"] < 2.0 * RATIO_SLACK * base["cpu_s"]
    assert steps["cpu_s"] < 2.0 * RATIO_SLACK * base["cpu_s"]
    assert base["ns_per_rack_step"] < RACK_STEP_NS


def test_import_is_light() -> None:
    """``import twin`` reads no library until one is needed, whatever extras are installed."""
    code = f"import sys, twin; print([m for m in {FORBIDDEN!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_imports_no_extra() -> None:
    """A simulation brings in neither the dashboard nor a cluster (pint imports dask itself where it is installed)."""
    code = (
        "import sys, twin; twin.summarize(twin.simulate('enterprise-3-rack-gb300', hours=24));"
        "print([m for m in ('dash', 'plotly', 'distributed', 'zarr') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_start_up() -> None:
    """``import twin`` costs a few bare interpreters at most."""
    found = measured("start")
    assert found["import_s"] < IMPORT_OVER_BARE * found["bare_s"]
    assert found["help_s"] < 40.0 * found["bare_s"]
