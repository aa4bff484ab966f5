"""Imports go one way; the contracts stand in pyproject.toml. What they cannot say, single homes of libraries, is here."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("twin", "models/twin_models", "sites/twin_sites", "dashboard/twin_dashboard", "data/twin_data")
HOMES = {  # library: the only files, or the only package, that may import it
    "pint": ("sites/twin_sites/units.py",),
    "dash": ("dashboard/twin_dashboard/",),
    "dask": ("twin/studies/",),
    "distributed": ("twin/studies/",),
    "zarr": ("twin/studies/store.py", "twin/transients/streaming.py"),
    "numba": ("twin/transients/kernels.py",),
    "twin_data": ("twin/",),
    "pydantic": ("sites/twin_sites/", "models/twin_models/fields.py"),
    "CoolProp": (),
    "psychrolib": (),
    "fluids": (),
    "ht": (),
    "pyenergyplus": (),
}
PURE = ("pandas", "xarray", "pathlib", "json", "csv", "os", "io")  # no I/O and no tables in the physics


def imports(path: Path) -> set[str]:
    """First names of every module that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


SOURCES = {
    path.relative_to(ROOT).as_posix(): imports(path)
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


@pytest.mark.parametrize("library", HOMES)
def test_library_stays_in_its_home(library: str) -> None:
    """Heavy libraries are imported in one place, and oracles in none."""
    users = [name for name, modules in SOURCES.items() if library in modules]
    assert [name for name in users if not name.startswith(HOMES[library])] == []


def test_physics_is_pure() -> None:
    """The models read no file and know no table."""
    found = {name: modules & set(PURE) for name, modules in SOURCES.items() if name.startswith("models/")}
    assert {name: bad for name, bad in found.items() if bad} == {}
