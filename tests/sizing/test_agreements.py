"""What a sizing must agree with: published figures of racks, CDUs and whole units. docs/validation.md lists them."""

from typing import Literal

import pytest
from twin_models.fluids.fluids import fluid
from twin_models.pdu.pdu import current
from twin_models.rack import rack as rack_model
from twin_sites.schema import Cdus, Racks

import twin
from twin.sizing.datasheets import typed
from twin.sizing.needs import Requirements
from twin.sizing.products import racks_per_cdu
from twin.sizing.run import Sized, compute_racks

WATER = fluid("water", 0.0)  # the coolant of the vendors' flow tables
CDU, RACK = ("cooling", "tcs", "cdu"), ("racks", "compute")
RACK_POWER = 0.02  # parts list against the published rating
UNIT_POWER = 0.05  # "about 1.2 MW"
AIR_HEAT = 0.1  # of the small difference of two large figures
THOUSAND_W = (2e6, 5e6)  # published range of a facility for a thousand GPUs


def _rated(slug: str) -> rack_model.Rated:
    return rack_model.rated(typed(slug, Racks, RACK))


@pytest.mark.parametrize(
    ("cdu", "supply", "racks"),
    [
        ("coolit-chx2000", 45.0, 12),
        ("hpe-in-row-1300", 45.0, 8),
        ("vertiv-xdu1350b", 45.0, 6),
        ("vertiv-xdu1350b", 40.0, 10),
    ],
)
def test_gb300_racks_on_one_cdu(cdu: str, supply: float, racks: int) -> None:
    found = racks_per_cdu(
        typed("nvidia-gb300-nvl72", Racks, RACK), typed(cdu, Cdus, CDU), supply, 10.0, WATER
    )
    assert found.flow == racks
    assert found.racks == racks
    assert found.binding == "flow"


def test_superpod_unit_of_eight_gb200_racks() -> None:
    found = twin.size(Requirements(system="nvidia-gb200-nvl72", racks=8, plant="tower"))
    rated = sum(group.count * rack_model.rated(group).power for group in found.site.racks.values())
    assert rated == pytest.approx(1.2e6, rel=UNIT_POWER)  # racks of network and storage included


def test_thirty_two_dgx_b200() -> None:
    assert 8 * _rated("nvidia-hgx-b200-air").power == pytest.approx(458e3, rel=RACK_POWER)


def test_dgx_b300_four_in_a_rack_behind_active_doors() -> None:
    assert _rated("nvidia-hgx-b300-air").power == pytest.approx(58e3, rel=RACK_POWER)
    assert typed("nvidia-hgx-b300-air", Racks, RACK).peak == 76e3
    found = twin.size(Requirements(system="nvidia-hgx-b300-air", racks=2, plant="dry"))
    door = next(row for row in found.equipment if row.address == "rooms.doors.rear_door")
    assert (door.product, door.required) == ("active-door-75kw", 2)
    assert not found.unmet_requirements


@pytest.mark.parametrize(("slug", "air"), [("nvidia-gb200-nvl72", 17e3), ("nvidia-gb300-nvl72", 13.5e3)])
def test_residual_air_heat(slug: str, air: float) -> None:
    rated = _rated(slug)
    assert rated.power - rated.heat_liquid == pytest.approx(air, rel=AIR_HEAT)


@pytest.mark.parametrize(
    ("voltage", "supply", "amperes"),
    [(208.0, "three-phase", 1665.0), (415.0, "three-phase", 835.0), (800.0, "dc", 750.0)],
)
def test_current_of_a_600_kw_rack(
    voltage: float, supply: Literal["three-phase", "dc"], amperes: float
) -> None:
    assert float(current(600e3, voltage, supply)) == pytest.approx(amperes, abs=0.5)


@pytest.mark.parametrize(
    ("system", "where"),
    [
        ("nvidia-hgx-a100-air", "below"),
        ("nvidia-hgx-b200-air", "within"),
        ("nvidia-gb200-nvl72", "within"),
        ("nvidia-rubin-ultra-kyber", "above"),
    ],
)
def test_where_a_thousand_accelerators_fall(system: str, where: str) -> None:
    found: Sized = twin.size(Requirements(system=system, accelerators=1000, plant="tower"))
    assert compute_racks(found) * found.site.racks["compute"].accelerators >= 1000
    assert not found.unmet_requirements
    low, high = THOUSAND_W
    assert {
        "below": found.peak_power < low,
        "within": low <= found.peak_power <= high,
        "above": found.peak_power > high,
    }[where]
