"""The command line starts quickly, and ``import twin`` brings in nothing that a run does not need."""

import subprocess
import sys
import time

import pytest

HEAVY = ("dash", "plotly", "dask", "zarr", "pint", "distributed", "dash_mantine_components", "SALib")
LATER = ("pandas", "xarray", "scipy", "pydantic", "yaml", "numpy")  # of a run, not of the import


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


def imported(code: str) -> set[str]:
    text = python(f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})")
    return set(text.splitlines()[-1].split())


def test_import_twin_is_bare() -> None:
    assert not imported("import twin") & {*HEAVY, *LATER}


@pytest.mark.parametrize(
    "code",
    [
        "import twin; dir(twin); [getattr(twin, name) for name in ('load_site', 'change_site', 'InputError')]",
        "import twin.cli",
        "import twin; import twin.weather, twin.loads.load, twin.annual, twin.metrics, twin.run_report",
    ],
)
def test_no_heavy_package_comes_with_the_engine(code: str) -> None:
    assert not imported(code) & set(HEAVY)


def test_a_run_needs_no_extra() -> None:
    """pint reads the units of a site and is the only one; importing it must not bring in dask, whatever is installed."""
    found = imported("import twin; twin.summarize(twin.simulate('enterprise-3-rack-gb300', hours=24))")
    assert found & set(HEAVY) <= {"pint", "dask"}
    assert "dash" not in found
    assert "plotly" not in found


def quickest(*command: str) -> float:
    """Shortest of several starts: what the machine takes when nothing else runs."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *command], capture_output=True, timeout=60, check=True)
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.mark.bench
def test_help_starts_about_as_fast_as_numpy() -> None:
    """The goal is 0.3 s where ``import numpy`` takes 0.1 s."""
    assert quickest("-m", "twin.cli", "--help") < 3.0 * quickest("-c", "import numpy")


@pytest.mark.parametrize("module", ["typer", "twin.sizing.cli", "twin.annual", "xarray"])
def test_ctrl_c_while_it_imports(module: str) -> None:
    """A stop at any moment after the interpreter has started: exit code 130 and no traceback."""
    code = f"""
import sys
from twin.__main__ import main
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
sys.argv[1:] = ["run", "enterprise-3-rack-gb300", "--hours", "2"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
