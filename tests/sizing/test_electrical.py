"""Electrical architectures: currents, what feeds what, losses, and what cannot be combined."""

import pytest
from twin_sites.errors import InputError
from twin_sites.schema import Racks

import twin
from twin.sizing.datasheets import typed
from twin.sizing.electrical import currents, ways
from twin.sizing.needs import read_requirements
from twin.sizing.run import Sized

KYBER = "nvidia-rubin-ultra-kyber"
RACKS = 4


def _size(**wish: object) -> Sized:
    return twin.size(read_requirements({"racks": RACKS, "plant": "tower", "weather": "chicago", **wish}))


@pytest.fixture(scope="module")
def direct() -> Sized:
    return _size(electrical="800-vdc")


@pytest.fixture(scope="module")
def alternating() -> Sized:
    return _size()


def test_current_and_breaker_of_a_600_kw_rack() -> None:
    rack: Racks = typed(KYBER, Racks, ("racks", "compute"))
    found = {one.volts: one for one in currents(rack, "800-vdc")}
    assert [round(found[v].rated_a) for v in (208.0, 415.0, 800.0)] == [1665, 835, 750]
    assert found[415.0].breaker_a == 1200  # 125 % of 835 A is 1,043 A
    assert found[800.0].breaker_a == 1000
    assert [v for v, one in found.items() if one.taken] == [800.0]


def test_the_report_shows_the_currents(direct: Sized) -> None:
    shown = direct.json()["electrical"]
    assert shown["architecture"] == "800-vdc"
    assert {round(row["volts"]) for row in shown["rack_currents"]} == {208, 415, 480, 800}
    way = next(row for row in direct.equipment if row.address == "power.busway")
    assert way.binding_constraint.startswith("current")
    assert "800 VDC" in way.binding_constraint


def test_800_vdc_saves_a_conversion(direct: Sized, alternating: Sized) -> None:
    assert not direct.unmet_requirements
    assert direct.electrical_loss < alternating.electrical_loss
    assert (
        direct.summary.facility_energy_kwh < 0.99 * alternating.summary.facility_energy_kwh
    )  # the racks' supplies too
    power = direct.written["power"]
    assert power["busway"]["fed_by"] == {"rectifier": 1}
    assert direct.written["cooling"]["fws"]["pump"]["fed_by"] == {"ups": 1}  # pumps stay on AC
    assert direct.written["racks"]["compute"]["shelf"] == {"use": "dc800-sidecar-stage"}


def test_racks_built_for_800_vdc_get_a_sidecar_each() -> None:
    found = _size(system=KYBER)
    assert not found.unmet_requirements
    sidecars = found.site.power["sidecar"]
    assert (sidecars.count, sidecars.spare) == (RACKS, 0)
    assert found.written["racks"]["compute"]["fed_by"] == {"sidecar": 1}


def test_block_redundancy_has_switches_and_a_block_in_reserve() -> None:
    found = _size(power_redundancy="block", redundancy="N")
    assert not found.unmet_requirements
    spare = {row.address: row.spare for row in found.equipment}
    assert (spare["power.ups"], spare["power.switch"], spare["power.busway"]) == (1, 0, 0)
    assert spare["cooling.tcs.cdu"] == 0
    assert found.site.power["ups"].running == "required"  # type: ignore[union-attr]
    assert found.written["power"]["busway"]["fed_by"] == {"switch": 1}


def test_pdus_with_transformers_lose_more_than_busways() -> None:
    found = _size(electrical="480-vac", distribution="pdu")
    assert found.written["power"]["busway"]["use"].startswith("pdu-")
    busways = _size(electrical="480-vac")
    assert found.electrical_loss > busways.electrical_loss + 0.005


def test_a_busway_carries_125_percent_of_one_rack() -> None:
    rack: Racks = typed("nvidia-gb300-nvl72", Racks, ("racks", "compute"))
    for architecture in ("415-vac", "480-vac", "800-vdc"):
        assert min(ways(rack, architecture, "busway").values()) >= 1.25 * rack.tdp


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"system": KYBER, "electrical": "415-vac"}, "built for 800 VDC"),
        ({"system": KYBER, "distribution": "pdu"}, "a busway"),
        ({"electrical": "800-vdc", "distribution": "pdu"}, "800-vdc-sidecar"),
        ({"electrical": "800-vdc", "power_redundancy": "block"}, "800-vdc-sidecar"),
        ({"electrical": "48-vdc"}, "800-vdc"),
    ],
)
def test_what_cannot_be_combined_is_refused(wish: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        _size(**wish)
    assert words in str(caught.value)
