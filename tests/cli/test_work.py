"""``twin generate``, ``oversubscribe`` and ``shift``: JSON that is JSON, and bad words refused in one message."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., object]


def test_generate_says_what_it_made_and_writes_it(twin_cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "fleet.parquet"
    said = twin_cli("generate", "mixed", "--racks", 10, "--hours", 100, "--out", out, "--json")
    found = json.loads(said.out)  # type: ignore[attr-defined]
    assert (found["racks"], found["steps"], found["step_s"]) == (10, 100, 3600.0)
    assert 0.2 < found["mean"] < 0.9
    assert out.exists()
    again = json.loads(twin_cli("generate", "mixed", "--racks", 10, "--hours", 100, "--json").out)  # type: ignore[attr-defined]
    assert again == found


def test_oversubscribe_and_shift_answer_in_json(twin_cli: Cli) -> None:
    words = ("--racks", 10, "--step", "1 min", "--hours", 24, "--cap", "1.2 MW", "--risk", "1 %", "--json")
    said = twin_cli("oversubscribe", "gb300-10mw", *words)
    found = json.loads(said.out)  # type: ignore[attr-defined]
    assert [peak["averaging_s"] for peak in found["peaks"]] == [60.0, 900.0]
    assert found["racks_by_rating"] == 8
    assert all(fit["racks"] >= 8 for fit in found["fits"])
    said = twin_cli("shift", "enterprise-3-rack-gb300", "--to", "02-06", "--hours", 48, "--json")
    found = json.loads(said.out)  # type: ignore[attr-defined]
    assert found["work_after"] == pytest.approx(found["work_before"], rel=1e-9)
    assert found["after"]["pue"] > 1.0


@pytest.mark.parametrize(
    "words",
    [
        ("generate", "games"),
        ("generate", "mixed", "--racks", 0),
        ("generate", "mixed", "--out", "fleet.xlsx"),
        ("oversubscribe", "gb300-10mw", "--group", "chips"),
        ("oversubscribe", "gb300-10mw", "--risk", "1 %"),
        ("shift", "gb300-10mw", "--to", "soon"),
        ("shift", "gb300-10mw", "--to", "cheap", "--hours", 24),
        ("run", "gb300-10mw", "--load", "generated:mixed,rack=3"),
    ],
)
def test_bad_words(twin_cli: Cli, words: tuple[object, ...]) -> None:
    said = twin_cli(*words)
    assert said.code == 2  # type: ignore[attr-defined]
    assert said.out == ""  # type: ignore[attr-defined]
    assert "Allowed" in said.err  # type: ignore[attr-defined]
    assert "Traceback" not in said.err  # type: ignore[attr-defined]
