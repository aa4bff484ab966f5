"""Rules of the house that no linter knows: length of files, printing, model cards."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("twin", "models/twin_models", "sites/twin_sites", "dashboard/twin_dashboard", "data/twin_data")
LONG = 400
REASONS = {  # a longer file, and why it is not two
    "sites/twin_sites/schema.py": "the whole site file in one place, declarations only",
    "tests/models/test_rack.py": "one parametrised suite over every rack of the catalogue",
    "tests/loads/test_load.py": "one reader, many kinds of broken file",
    "tests/twin/test_weather.py": "one reader, four formats and their broken files",
}
HEADINGS = [
    "Purpose", "Equations", "Parameters", "Valid range", "Assumptions", "Validation", "Limits", "References", "Revisions",
]  # fmt: skip
ANYWHERE = (
    "/work/",
    "claude",
    "anthropic",
    "openai",
    "chatgpt",
    "copilot",
)  # paths and helpers of those who wrote it

SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
CODE = sorted([*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "data" / "scripts").rglob("*.py")])
FAMILIES = sorted(
    path for path in (ROOT / "models" / "twin_models").iterdir() if (path / "__init__.py").exists()
)


def name(path: Path) -> str:
    """Path from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def test_files_are_short() -> None:
    """A file of more than 400 lines stands in the list with its reason."""
    long = {name(path) for path in CODE if len(path.read_text(encoding="utf-8").splitlines()) > LONG}
    assert long <= set(REASONS)
    assert all((ROOT / path).exists() for path in REASONS)


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_nothing_prints(path: Path) -> None:
    """Packages hand results back; only the command line writes, through typer."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert calls == []


@pytest.mark.parametrize("folder", FAMILIES, ids=lambda path: path.name)
def test_every_family_has_its_card(folder: Path) -> None:
    """The fixed headings in their order, each with something under it."""
    text = (folder / "card.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")[1:]
    assert [section.split("\n", 1)[0].strip() for section in sections] == HEADINGS
    assert all(section.split("\n", 1)[1].strip() for section in sections)


@pytest.mark.parametrize("folder", FAMILIES, ids=lambda path: path.name)
def test_every_family_is_one_file_of_its_name(folder: Path) -> None:
    """A newcomer guesses the file from the question."""
    assert (folder / f"{folder.name}.py").exists()


def test_every_public_name_is_what_it_says() -> None:
    """With every module imported: a module of the same name would take the place of a function of the package."""
    code = """
import importlib, pkgutil, twin
for module in pkgutil.walk_packages(twin.__path__, "twin."):
    importlib.import_module(module.name)
wrong = [name for name, home in twin._HOMES.items() if getattr(twin, name) is not getattr(importlib.import_module(home), name)]
print(len(twin._HOMES), wrong)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    count, wrong = done.stdout.split(" ", 1)
    assert int(count) > 10
    assert wrong.strip() == "[]"


def test_nothing_names_this_machine() -> None:
    """No path of a machine and no tool of an author in what ships."""
    kept = [
        *CODE,
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(p for f in FAMILIES for p in f.glob("*.*")),
    ]
    kept = [path for path in kept if path != Path(__file__).resolve()]
    found = [
        f"{name(path)}: {word}"
        for path in kept
        for word in ANYWHERE
        if word in path.read_text(encoding="utf-8").lower()
    ]
    assert found == []
