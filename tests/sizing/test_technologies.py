"""Every cooling technology is sized, runs and holds; the best is found among the forms that exist."""

import math
from functools import lru_cache

import pytest
from twin_sites.errors import InputError

import twin
from twin.sizing.needs import Requirements, read_requirements
from twin.sizing.run import Sized, compute_racks
from twin.sizing.technologies import BUILT_FOR, boils_at, candidates, cooled_by

RACKS = 12
H200 = "nvidia-hgx-h200-"
CASES = {
    "rear doors": ({"system": f"{H200}air", "cooling": "rear-door"}, "rooms.doors.rear_door"),
    "passive doors as catchers": ({"doors": "passive"}, "rooms.doors.rear_door"),
    "tanks of boiling liquid": ({"system": f"{H200}two-phase"}, "cooling.bath.tank"),
    "boiling in plates": ({"system": f"{H200}two-phase-plates"}, "cooling.tcs.cdu"),
    "liquid to air": ({"system": f"{H200}dlc", "cooling": "liquid-to-air"}, "cooling.tcs.sidecar"),
    "legacy racks beside": ({"system": f"{H200}dlc", "legacy": "20"}, "racks.legacy"),
}


def _size(**wish: object) -> Sized:
    return twin.size(read_requirements({"racks": RACKS, "plant": "tower", "weather": "chicago", **wish}))


@lru_cache
def _sized(name: str) -> Sized:
    return _size(**CASES[name][0])


@pytest.mark.parametrize("name", CASES)
def test_every_technology_holds_and_runs(name: str) -> None:
    found, address = _sized(name), CASES[name][1]
    assert found.unmet_requirements == ()
    assert address in {row.address for row in found.equipment}
    again = twin.summarize(twin.simulate(twin.load_site(found.written), hours=24))
    assert again.converged
    assert again.energy_closure < 1e-6
    assert 1.02 < (found.summary.pue or math.nan) < 1.25


def test_one_door_stands_behind_each_rack_and_one_may_fail() -> None:
    found = _sized("rear doors")
    door = next(row for row in found.equipment if row.address == "rooms.doors.rear_door")
    assert (door.required, door.spare) == (RACKS, 0)
    assert "1 of rooms.doors.rear_door out, design day" in {proof.case for proof in found.proofs}


def test_catchers_take_the_residual_heat_of_plates() -> None:
    year = _sized("passive doors as catchers").year
    caught = float(year["link_heat"].sel(link="doors.rear_door").sum())
    given = float(year["rack_heat_air"].sel(rack="compute").sum())
    assert caught > 0.7 * given


def test_air_of_the_hall_carries_what_liquid_to_air_units_give_it() -> None:
    found = _sized("liquid to air")
    assert set(found.written["cooling"]) == {"tcs", "chw", "condenser"}
    heat = found.year["rack_heat_liquid"].sel(rack="compute") + found.year["rack_heat_air"].sum("rack")
    assert bool((found.year["loop_heat"].sel(loop="hall") > heat).all())


def test_tanks_boil_at_the_pressure_of_the_place() -> None:
    assert boils_at("novec_649", 101_325.0) == pytest.approx(49.0, abs=0.5)
    high = twin.size(Requirements(system=f"{H200}two-phase", racks=4, plant="dry", weather="golden"))
    assert float(high.site.cooling["bath"].supply.value) < 45.0  # 82 kPa
    assert not high.unmet_requirements


def test_the_best_is_the_cheapest_of_the_forms_that_exist() -> None:
    found = _size(system="nvidia-hgx-h100-air", cooling="best", plant="dry")
    assert compute_racks(found) * found.site.racks["compute"].accelerators == RACKS * 32
    tried = {row.cooling for row in found.alternatives if row.cost_per_year is not None}
    assert tried == {"air", "rear-door", "direct-to-chip"}
    out = {row.cooling: row.why for row in found.alternatives if row.cost_per_year is None}
    assert set(out) == {"immersion", "two-phase", "liquid-to-air"}
    assert "no two-phase form of nvidia-h100-sxm5" in out["two-phase"]
    costs = [row.cost_per_year for row in found.alternatives if row.cost_per_year is not None]
    assert costs[0] == min(costs)
    assert found.economics.cost_per_year == costs[0]


def test_forms_of_a_system() -> None:
    pairs, out = candidates(f"{H200}air")
    assert {name for _, name in pairs} | set(out) == {name for names in BUILT_FOR.values() for name in names}
    assert pairs[0][0] == f"{H200}air"
    assert cooled_by("nvidia-hgx-b300-air") == "rear-door"  # 58 kW: its maker asks for an active door
    assert candidates("nvidia-gb300-nvl72")[0] == [("nvidia-gb300-nvl72", "direct-to-chip")]


def test_racks_that_air_handlers_do_not_reach_are_said() -> None:
    found = _size(system="nvidia-hgx-b300-air", cooling="air", racks=2)
    assert any("rear-door" in words for words in found.unmet_requirements)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"cooling": "two-phase"}, "direct-to-chip or liquid-to-air"),
        ({"system": f"{H200}immersion", "doors": "active"}, "leave doors out"),
        ({"system": f"{H200}air", "cooling": "rear-door", "doors": "none"}, "passive, active or auto"),
        ({"system": f"{H200}air", "supply": "30 degC"}, "chilled water"),
        ({"cooling": "fog"}, "two-phase"),
    ],
)
def test_technologies_that_do_not_fit_are_refused(wish: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        _size(**wish)
    assert words in str(caught.value)
