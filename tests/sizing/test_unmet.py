"""What cannot be met is said, with what would."""

import math

import pytest

import twin
from twin.sizing.needs import Requirements
from twin.sizing.run import Sized, compute_racks
from twin.sizing.unmet import sound_level

LIMIT_DBA = 45.0


@pytest.fixture(scope="module")
def loud() -> Sized:
    return twin.size(
        Requirements(racks=4, plant="tower", weather="chicago", noise=LIMIT_DBA, quiet=True, budget=1e6)
    )


def test_noise_that_is_passed_is_said_with_the_distance(loud: Sized) -> None:
    words = next(one for one in loud.unmet_requirements if one.startswith("noise"))
    away = float(words.partition("allowed: ")[2].split()[0].replace(",", ""))
    assert sound_level(loud.site, away) == pytest.approx(LIMIT_DBA, abs=0.1)
    assert any("generators run" in one for one in loud.unmet_requirements)


def test_sound_falls_by_6_db_where_the_distance_doubles(loud: Sized) -> None:
    assert sound_level(loud.site, 50.0) - sound_level(loud.site, 100.0) == pytest.approx(
        20.0 * math.log10(2.0)
    )


def test_quiet_machines_that_do_not_exist_are_said(loud: Sized) -> None:
    assert any("no low-noise machines for a tower plant" in one for one in loud.unmet_requirements)


def test_a_budget_says_how_many_racks_would_fit(loud: Sized) -> None:
    words = next(one for one in loud.unmet_requirements if one.startswith("budget"))
    assert "no rack of this system" in words  # 1 million for four racks of 135 kW


def test_growth_keeps_room_under_the_utility_power() -> None:
    found = twin.size(Requirements(utility_power=2e6, plant="tower", weather="chicago", growth=0.5))
    assert found.peak_power * 1.5 <= 2e6
    assert not found.unmet_requirements
    assert compute_racks(found) >= 4
