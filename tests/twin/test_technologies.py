"""The compared sites are what their script writes; each closes."""

import importlib.util
from pathlib import Path

import pytest
import yaml
from twin_sites.errors import InputError

import twin

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "studies" / "technologies"
SCRIPT = ROOT / "docs" / "scripts" / "technologies.py"
CLOSURE = 1e-6


def script():
    spec = importlib.util.spec_from_file_location("technologies", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = script()


def test_files_are_what_the_script_writes(tmp_path: Path) -> None:
    MADE.write(tmp_path)
    for file in sorted(tmp_path.iterdir()):
        assert file.read_text(encoding="utf-8") == (FOLDER / file.name).read_text(encoding="utf-8"), file.name


@pytest.mark.parametrize("name", MADE.NAMES)
def test_every_technology_closes_and_cools(name: str) -> None:
    summary = twin.summarize(
        twin.simulate(FOLDER / f"{name}.yaml", weather="phoenix", start="1999-07-01", hours=168)
    )
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    assert summary.throttled_share == 0.0
    assert summary.max_supply_excess_k < 3.0


def test_the_same_accelerators() -> None:
    for name in MADE.NAMES:
        racks = twin.load_site(FOLDER / f"{name}.yaml").racks["compute"]
        assert racks.count * racks.accelerators == MADE.ACCELERATORS


def test_study_names_every_technology() -> None:
    study = yaml.safe_load((FOLDER / "technologies.yaml").read_text(encoding="utf-8"))
    assert set(study["axes"]["technology"]) == set(MADE.NAMES)
    assert len(study["axes"]["weather"]) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"racks.dlc.system": "nvidia-hgx-h200-air"},
        {"racks.dlc.system": "nvidia-hgx-h200-dlc"},
        {"racks.doors.system": "nvidia-hgx-h200-dlc", "racks.doors.heat_to.liquid": "tcs"},
        {"racks.legacy.heat_to.air": "rear", "rooms.rear.rear_door.count": 36},
    ],
)
def test_system_and_heat_to_swap_the_technology(changes: dict[str, object]) -> None:
    summary = twin.summarize(twin.simulate("mixed-hall", changes=changes, hours=48))
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    assert summary.throttled_share == 0.0


@pytest.mark.parametrize(
    ("site", "group", "system", "words"),
    [
        ("mixed-hall", "legacy", "nvidia-hgx-h200-dlc", r"a loop for plates: tcs\. Try: racks\.legacy\.heat_to\.liquid=tcs"),
        ("retrofit-rdhx", "compute", "nvidia-hgx-h200-dlc", "this site has none. Try: add a loop with a CDU"),
        ("mixed-hall", "legacy", "nvidia-hgx-h200-immersion", "add a loop with immersion tanks"),
        ("mixed-hall", "legacy", "nvidia-hgx-h200-two-phase", "add a loop with a two-phase condenser"),
    ],
)  # fmt: skip
def test_a_form_without_a_loop_is_told_which(site: str, group: str, system: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        twin.change_site(twin.load_site(site), {f"racks.{group}.system": system})


def test_plates_on_facility_water_are_told_of() -> None:
    changes = {"racks.compute.system": "nvidia-hgx-h200-dlc", "racks.compute.heat_to.liquid": "fws"}
    found = twin.summarize(twin.simulate("retrofit-rdhx", changes=changes, hours=24))
    assert any("without a distribution unit" in line for line in found.warnings)
    plain = twin.summarize(twin.simulate("mixed-hall", hours=24))
    assert not any("distribution unit" in line for line in plain.warnings)
