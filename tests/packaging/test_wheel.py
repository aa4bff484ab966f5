"""The wheel, built through the sdist, holds what git tracks and nothing else, and works where the checkout is not."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BARE = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}  # nothing else on the path
PACKAGES = {
    "twin": "twin",
    "models/twin_models": "twin_models",
    "sites/twin_sites": "twin_sites",
    "dashboard/twin_dashboard": "twin_dashboard",
    "data/twin_data": "twin_data",
}


def tracked() -> list[str]:
    """Files that git tracks and that exist, by their path from the root."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says what the wheel should hold")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made from a copy of what git tracks, sdist first."""
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name in tracked():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    here = ["--no-isolation"] if importlib.util.find_spec("hatchling") else []  # else build fetches it
    command = [sys.executable, "-m", "build", *here, "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert len(list(out.glob("*.tar.gz"))) == 1
    (found,) = out.glob("*.whl")
    return found


def test_wheel_holds_what_git_tracks(wheel: Path) -> None:
    """Every tracked file of the five packages, datasheets, cards, weather and assets among them, and no other."""
    wanted = {
        inside + name.removeprefix(folder)
        for name in tracked()
        for folder, inside in PACKAGES.items()
        if name.startswith(f"{folder}/")
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == wanted
    for needed in (".yaml", "card.md", ".npz", ".json", ".csv"):
        assert any(name.endswith(needed) for name in held), needed


def test_wheel_names_its_licence(wheel: Path) -> None:
    """LICENSE and NOTICE travel with it."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name.rsplit("/", 1)[-1] for name in archive.namelist() if ".dist-info/licenses/" in name}
    assert names == {"LICENSE", "NOTICE"}


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the libraries of this one, but without this checkout."""
    folder = tmp_path_factory.mktemp("clean")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        "-q",
        str(wheel),
    ]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    # A line of a .pth file adds a folder without reading the .pth files in it: our own editable install stays out.
    (site,) = (folder / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return folder


def test_wheel_runs_in_a_clean_environment(clean: Path, tmp_path: Path) -> None:
    """The command gives a PUE, from the packages of the wheel."""
    done = subprocess.run(
        [str(clean / "bin" / "twin"), "run", "enterprise-3-rack-gb300", "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=BARE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    summary = json.loads(done.stdout)
    assert summary["converged"]
    assert 1.0 < summary["pue"] < 1.5
    code = "import twin, twin_models, twin_sites, twin_data, twin_dashboard as d; print(*(m.__file__ for m in (twin, twin_models, twin_sites, twin_data, d)))"
    places = subprocess.run(
        [str(clean / "bin" / "python"), "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=BARE,
    )
    assert all(place.startswith(str(clean)) for place in places.stdout.split())


def test_wheel_lists_what_it_carries(clean: Path, tmp_path: Path) -> None:
    """Sites, weather and datasheets are found inside the wheel."""
    for what in ("sites", "weather", "accelerators", "racks", "cdus"):
        done = subprocess.run(
            [str(clean / "bin" / "twin"), "show", what, "--json"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=BARE,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert len(json.loads(done.stdout)) >= 4, what
