"""Sizing: published agreements, complete valid sites, reasons, inverse amounts, bad wishes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from twin_models.fluids.fluids import Fluid, fluid
from twin_models.rack import rack as rack_model
from twin_sites.errors import InputError
from twin_sites.schema import Cdus, Racks

import twin
from twin.sizing import Sized, compute_racks
from twin.sizing_needs import Plant, Requirements, read_requirements
from twin.sizing_products import racks_per_cdu, typed
from twin.sizing_proof import DESIGN_DAY, REQUIRED_UNITS

WATER = fluid("water", 0.0)  # the coolant of the vendors' flow tables
CDU = ("cooling", "tcs", "cdu")
RACK_POWER = 0.02  # parts list against the published rating
UNIT_POWER = 0.05  # "about 1.2 MW"


@pytest.fixture(scope="module")
def dry() -> Sized:
    return twin.size(Requirements(accelerators=1000, plant="dry"))


@pytest.mark.parametrize(
    ("cdu", "supply", "racks", "coolant"),
    [
        ("coolit-chx2000", 45.0, 12, WATER),
        ("vertiv-xdu1350b", 45.0, 6, WATER),
        ("vertiv-xdu1350b", 40.0, 10, WATER),
    ],
)
def test_gb300_racks_on_one_cdu_as_published(cdu: str, supply: float, racks: int, coolant: Fluid) -> None:
    rack: Racks = typed("nvidia-gb300-nvl72", Racks, ("racks", "compute"))
    found = racks_per_cdu(rack, typed(cdu, Cdus, CDU), supply, 10.0, coolant)
    assert found.flow == racks
    assert found.racks == racks
    assert found.binding == "flow"


def test_superpod_unit_of_eight_gb200_racks() -> None:
    rack: Racks = typed("nvidia-gb200-nvl72", Racks, ("racks", "compute"))
    support = Requirements(racks=8).support
    assert 8 * rack.tdp * (1.0 + support) == pytest.approx(1.2e6, rel=UNIT_POWER)
    rated = rack_model.rated(rack)
    assert rated.power - rated.heat_liquid == pytest.approx(17e3, rel=0.1)  # residual air heat of 132 kW


def test_thirty_two_dgx_b200() -> None:
    rack: Racks = typed("nvidia-hgx-b200-air", Racks, ("racks", "compute"))
    assert 8 * rack_model.rated(rack).power == pytest.approx(458e3, rel=RACK_POWER)


def test_dgx_b300_rack() -> None:
    rack: Racks = typed("nvidia-hgx-b300-air", Racks, ("racks", "compute"))
    assert rack_model.rated(rack).power == pytest.approx(58e3, rel=RACK_POWER)
    assert rack.peak == 76e3


def test_residual_air_heat_of_gb300() -> None:
    rated = rack_model.rated(typed("nvidia-gb300-nvl72", Racks, ("racks", "compute")))
    assert rated.power - rated.heat_liquid == pytest.approx(13.5e3, rel=0.05)


def test_a_thousand_accelerators(dry: Sized) -> None:
    assert compute_racks(dry) == 14  # 1,008 accelerators
    assert 2e6 <= dry.peak_power <= 5e6  # published range for a thousand
    assert dry.unmet_requirements == ()
    assert dry.summary.converged


def test_the_site_runs_as_written(dry: Sized) -> None:
    ds = twin.simulate(twin.load_site(json.loads(json.dumps(dry.written))))
    assert twin.summarize(ds).pue == dry.summary.pue


def test_every_group_says_why_and_holds_without_its_spares(dry: Sized) -> None:
    counted = {row.address: row for row in dry.equipment}
    for address, element in dry.site.drawn():
        if address in ("power.utility", "house"):
            continue
        row = counted[address]
        assert element.count == row.required + row.spare
        assert row.binding_constraint
    cases = {proof.case: proof for proof in dry.proofs}
    assert not cases[REQUIRED_UNITS].shortfalls
    assert not cases[DESIGN_DAY].shortfalls
    for row in dry.equipment:
        if row.spare:
            assert not cases[f"{row.spare} of {row.address} out, design day"].shortfalls
        if row.margin is not None:
            assert row.margin > -1e-6


@pytest.mark.parametrize(("redundancy", "spare"), [("N", 0), ("N+2", 2)])
def test_spares_follow_the_rule(redundancy: str, spare: int) -> None:
    found = twin.size(
        read_requirements({"racks": 4, "plant": "dry", "redundancy": redundancy, "weather": "chicago"})
    )
    assert {row.spare for row in found.equipment if not row.address.startswith("racks.")} == {spare}
    assert not found.unmet_requirements


def test_two_n_doubles() -> None:
    found = twin.size(Requirements(racks=4, plant="tower", redundancy="2N"))
    for row in found.equipment:
        assert row.spare == (0 if row.address.startswith("racks.") else row.required)


def test_utility_power_is_used_and_not_passed() -> None:
    wanted = Requirements(utility_power=3e6, plant="dry", weather="chicago")
    found = twin.size(wanted)
    assert found.peak_power <= 3e6
    more = twin.size(replace(wanted, utility_power=None, racks=compute_racks(found) + 1))
    assert more.peak_power > 3e6


def test_warmer_climates_need_more_or_chillers() -> None:
    mild, hot = (
        twin.size(Requirements(racks=8, plant="dry", weather=w)) for w in ("san-francisco", "phoenix")
    )
    assert "chiller" not in mild.written["cooling"]["fws"] or "chiller" in hot.written["cooling"]["fws"]
    assert hot.peak_power > mild.peak_power


def test_air_cooled_systems_get_an_air_cooled_hall() -> None:
    found = twin.size(Requirements(system="nvidia-hgx-h200-air", racks=12, weather="chicago", plant="dry"))
    assert set(found.written["cooling"]) == {"chw"}
    assert not found.unmet_requirements


def test_a_supply_that_the_chips_do_not_take_is_said() -> None:
    found = twin.size(Requirements(racks=4, plant="dry", supply=50.0))
    assert any("return limit" in words for words in found.unmet_requirements)


@pytest.mark.parametrize(
    ("racks", "plant", "weather", "system"),
    [
        (1, "dry", "phoenix", "nvidia-gb300-nvl72"),
        (3, "tower", "miami", "nvidia-hgx-h100-dlc"),
        (20, "adiabatic", "chicago", "amd-helios"),
        (30, "tower", "ashburn", "nvidia-hgx-b200-air"),
        (150, "tower", "phoenix", "nvidia-gb200-nvl72"),
    ],
)
def test_any_wish_gives_a_site_that_holds(racks: int, plant: Plant, weather: str, system: str) -> None:
    found = twin.size(Requirements(racks=racks, plant=plant, weather=weather, system=system))
    assert found.summary.energy_closure < 1e-6
    assert not found.unmet_requirements


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({}, "exactly one of"),
        ({"racks": 4, "it_power": "1 MW"}, "exactly one of"),
        ({"racks": 4, "system": "gb300"}, "did you mean 'nvidia-gb300-nvl72'"),
        ({"racks": 4, "system": "network-air"}, "with accelerators"),
        ({"racks": 4, "cooling": "air"}, "direct-to-chip"),
        ({"racks": 4, "plant": "tower", "water": False}, "no water"),
        ({"racks": 4, "supply": "300 degC"}, "15 to 50"),
        ({"racks": 0}, "1"),
        ({"racks": 4, "redundancy": "N+3"}, "N+2"),
        ({"racks": 4, "colour": "red"}, "unknown requirement"),
        ({"racks": 4, "cdu": "vertiv-xdu"}, "did you mean"),
        ({"it_power": "20 kW"}, "at least one rack"),
        ({"racks": 4, "weather": "atlantis"}, "weather"),
    ],
)
def test_bad_wishes_are_refused(wish: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=r".") as caught:
        twin.size(read_requirements(wish))
    assert words in str(caught.value)


def test_command_line(tmp_path: Path) -> None:
    out, report = tmp_path / "site.yaml", tmp_path / "report.html"
    command = [
        sys.executable,
        "-m",
        "twin.cli",
        "size",
        "--racks",
        "4",
        "--plant",
        "dry",
        "--out",
        str(out),
        "--report",
        str(report),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert set(answer) >= {"equipment", "summary", "unmet_requirements"}
    assert set(answer["equipment"][0]) == {
        "address",
        "product",
        "required",
        "spare",
        "binding_constraint",
        "margin",
    }
    assert twin.load_site(out).racks["compute"].count == 4
    page = report.read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert "<h2>Proof</h2>" in page
    bad = subprocess.run(
        [*command[:-5], "--out", str(tmp_path / "no" / "site.yaml")], capture_output=True, text=True
    )
    assert bad.returncode == 2
    assert "Traceback" not in bad.stderr
    assert "folder" in bad.stderr
