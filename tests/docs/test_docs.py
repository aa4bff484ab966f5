"""What the README and the docs show is run: Python blocks, console blocks with their output, files, links, pages made.

Python blocks of a page share one namespace and one empty folder; ``expression  # → 1.07`` is compared at the digits
written. A YAML block whose first line is ``# name.yaml`` becomes that file. In a console block every line that starts
with ``$ twin`` is run, and the lines under it, up to a ``…``, must be in what it prints.
"""

import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from twin.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CLAIM = re.compile(r"^(?P<code>[^#\n]+?)\s+# → (?P<value>\S+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
README_LINES = 90


def name(path: Path) -> str:
    """Path from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def close(found: object, written: str) -> None:
    """A result agrees with what the page says, at the page's digits."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        digits = len(written.partition(".")[2])
        assert f"{found:,.{digits}f}" == written, f"{found} for {written}"
    else:
        assert str(found) == written


def run_python(code: str, names: dict[str, object]) -> None:
    """A block as it stands, with its claims checked."""
    names["__close"] = close
    checked = CLAIM.sub(lambda match: f"__close({match['code']}, {match['value']!r})", code)
    exec(compile(checked, "block", "exec"), names)


Start = Callable[[str], tuple[int, str]]


def process(command: str) -> tuple[int, str]:
    """A command as a person starts it; its exit code and all that it says."""
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=os.environ | {"PATH": search}, check=False
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def here(command: str) -> tuple[int, str]:
    """The same in this process, which has the imports behind it."""
    said = io.StringIO()
    words = shlex.split(command)
    assert not set(words) & {"|", ">", ">>", "&&", ";", "<"}, f"needs a shell: {command}"
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as stop:
            main()
    return int(stop.value.code or 0), said.getvalue()


def run_console(text: str, start: Start) -> None:
    """Every ``twin`` command of a block; others (git, make, cd) are what a newcomer types once."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        while command.endswith("\\"):
            more, _, shown = shown.partition("\n")
            command = command[:-1] + more
        if not command.startswith("twin ") or command.startswith("twin dashboard"):
            continue
        code, said = start(command)
        wanted = [line.strip() for line in shown.split("…")[0].splitlines() if line.strip()]
        refused = bool(wanted) and "Allowed:" in shown
        assert code == (2 if refused else 0), f"{command}\n{said[-2000:]}"
        for line in wanted:
            assert line in said, f"{command}\nsays\n{said[-3000:]}\nnot\n{line}"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the page, as a reader would; those of the README as processes of their own."""
    monkeypatch.chdir(tmp_path)
    start = process if page.name == "README.md" else here
    names: dict[str, object] = {}
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        first = text.split("\n", 1)[0]
        if language == "yaml" and re.fullmatch(r"# [\w-]+\.yaml", first):
            (tmp_path / first[2:]).write_text(text, encoding="utf-8")
        elif language == "python":
            run_python(text, names)
        elif language == "console":
            run_console(text, start)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link inside the repository has its file."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    missing = [link for link in LINK.findall(text) if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_tests_named_in_the_validation_report_exist() -> None:
    """A row of the report names the file and the function that holds it."""
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    for file, function in named:
        assert (ROOT / file).exists(), file
        assert not function or f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), (
            f"{file}::{function}"
        )


def test_pages_made_from_declarations_are_current() -> None:
    """Run ``python docs/reference/make_site_file.py`` after changing a declaration."""
    place = ROOT / "docs" / "reference" / "make_site_file.py"
    spec = importlib.util.spec_from_file_location("make_site_file", place)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for page, text in script.pages().items():
        assert (place.parent / page).read_text(encoding="utf-8") == text, page


def test_every_metric_has_its_definition() -> None:
    """Each field of the summary stands on the page of metrics."""
    from dataclasses import fields

    from twin.metrics import Summary

    text = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(Summary) if f"`{field.name}`" not in text] == []


def test_readme_is_one_screen() -> None:
    """What, for whom, a picture, ten lines, the commands, how well: no more."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES
