"""What-ifs: addresses that exist, values like those of a site file, all applied together."""

import time
from typing import Any

import numpy as np
import pytest
from twin_sites.addresses import addresses, origin
from twin_sites.errors import InputError
from twin_sites.loader import change_site, load_site, sites
from twin_sites.schema import SetPoint, Site


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site("gb300-10mw")


def value_at(site: Site, wanted: str) -> Any:
    return next(entry.value for entry in addresses(site) if entry.address == wanted)


@pytest.mark.parametrize(
    ("address", "value", "read"),
    [
        ("cooling.fws.supply", "95 degF", SetPoint("", 35.0)),
        ("cooling.tcs.supply", "fws + 9 degF", SetPoint("fws", 5.0)),
        ("cooling.tcs.supply", "fws - 1 K", SetPoint("fws", -1.0)),
        ("cooling.condenser.supply", "dry_bulb+5 K", SetPoint("dry_bulb", 5.0)),
        ("cooling.fws.pump.rated_flow", "1000 gpm", 0.0630901964),
        ("cooling.fws.pump.rated_head", "100 ftH2O", 298906.692),
        ("cooling.fws.chiller.capacity", "500 tons", 1758426.67),
        ("site.ambient_offset", "9 degF", 5.0),
        ("load.scale", "80 %", 0.8),
        ("load.scale", 0.8, 0.8),
        ("load.scale", np.float64(0.8), 0.8),
        ("racks.compute.count", 70, 70),
        ("racks.compute.count", "70", 70),
        ("racks.compute.count", np.int64(70), 70),
        ("racks.compute.parts.cpu.maximum", "310 W", 310.0),
        ("racks.compute.accelerator.feedback", "off", False),
        ("racks.compute.accelerator.feedback", "no", False),
        ("racks.compute.accelerator.feedback", "false", False),
        ("racks.compute.accelerator.feedback", False, False),
        ("racks.compute.accelerator.feedback", np.bool_(False), False),
        ("racks.compute.accelerator.feedback", "on", True),
        ("racks.compute.accelerator.feedback", "yes", True),
        ("racks.compute.accelerator.feedback", "true", True),
        ("meter.category", "2", "2"),
        ("meter.category", 2, "2"),
        ("cooling.fws.chiller.part_load_curve", "0.1, 0.2, 0.7", (0.1, 0.2, 0.7)),
        ("cooling.fws.chiller.part_load_curve", [0.1, 0.2, 0.7], (0.1, 0.2, 0.7)),
        ("site.weather", "chicago", "chicago"),
        ("cooling.fws.pump.running", "required", "required"),
    ],
)
def test_a_value_is_read_as_in_a_site_file(site: Site, address: str, value: Any, read: Any) -> None:
    changed = change_site(site, {address: value})
    found = value_at(changed, address)
    if isinstance(read, float):
        assert found == pytest.approx(read, rel=1e-6)
    else:
        assert found == read
    assert origin(changed, address).source == "what-if"
    assert load_site("gb300-10mw") == site, "the site changed from is untouched"


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("cooling.fws.suply", "'cooling.fws.supply'"),
        ("fws.supply", "'cooling.fws.supply'"),
        ("colling.fws.supply", "'cooling.fws.supply'"),
        ("cooling.fsw.supply", "'cooling.fws.supply'"),
        ("cooling.fws.pumps.count", "'cooling.fws.pump.count'"),
        ("cooling.fws.pump.efficency", "'cooling.fws.pump.efficiency'"),
        ("racks.compute.parts.cpus.count", "'racks.compute.parts.cpu.count'"),
        ("racks.compute.use", "'racks.compute.system'"),
        ("power.trafo.count", "'power.transformer.count'"),
        ("cooling.fws.supply.base", "'cooling.fws.supply'"),
        ("cooling.tcs.cdu.kind", "'cooling.tcs.cdu.use'"),
        ("cooling.tcs.cdu", "'cooling.tcs.cdu."),
        ("cooling", "'cooling.chw'"),
        ("", "'cooling.fws.supply'"),
        ("cooling..supply", "'cooling.fws.supply'"),
        ("cooling.tcs.cdu.99.count", "lower number"),
        ("cooling.tcs.cdu.0.count", "lower number"),
        ("racks.compute.73.load_scale", "lower number"),
        ("cooling.fws.pump.2.count", "'pump.out_of_service'"),
        ("cooling.fws.economiser.x.count", "cooling.fws.economiser"),
    ],
)
def test_an_unknown_address_names_a_near_one(site: Site, address: str, near: str) -> None:
    with pytest.raises(InputError) as caught:
        change_site(site, {address: "1"})
    (problem,) = caught.value.problems
    assert problem.where.startswith("change →")
    assert near in problem.remedy
    assert problem.allowed


@pytest.mark.parametrize(
    ("changes", "where", "found"),
    [
        ({"cooling.fws.supply": "30 kW"}, "change → cooling.fws.supply", "is a power"),
        ({"cooling.fws.supply": {"a": 1}}, "change → cooling.fws.supply", "a mapping"),
        ({"cooling.fws.supply": None}, "change → cooling.fws.supply", "nothing"),
        ({"cooling.fws.supply": "tcs + 1 K"}, "gb300-10mw → cooling.tcs.supply", "tcs → fws → tcs"),
        ({"cooling.tcs.supply": "tcs + 1 K"}, "change → cooling.tcs.supply", "tcs → tcs"),
        ({"cooling.fws.pump.count": 0}, "change → cooling.fws.pump.count", "0"),
        ({"cooling.fws.pump.count": 1}, "gb300-10mw → cooling.fws.pump.spare", "1 of 1"),
        ({"racks.compute.accelerator.feedback": "maybe"}, "change → racks.compute.accelerator.feedback", "'maybe'"),
        ({"racks.compute.system": "coolit-chx200"}, "change → racks.compute.system", "another kind"),
        ({"racks.compute.fed_by.ups": "50 %"}, "gb300-10mw → racks.compute.fed_by", "add up to 1.5"),
        ({"racks.compute.fed_by.upps": 0}, "change → racks.compute.fed_by.upps", "does not exist"),
        ({"racks.compute.heat_to.air": "chw"}, "change → racks.compute.heat_to.air", "no room"),
        ({"racks.network.liquid.dp": "3 kPa"}, "gb300-10mw → racks.network.liquid.rated_heat", "missing"),
        ({"cooling.tcs.cdu.use": 5}, "change → cooling.tcs.cdu.use", "5"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_names_its_place(
    site: Site, changes: dict[str, Any], where: str, found: str
) -> None:
    with pytest.raises(InputError) as caught:
        change_site(site, changes)
    problem = next(problem for problem in caught.value.problems if problem.where == where)
    assert found in problem.found
    assert problem.remedy


def test_all_faulty_changes_are_told_at_once(site: Site) -> None:
    with pytest.raises(InputError) as caught:
        change_site(site, {"cooling.fws.suply": "30 degC", "racks.comput.count": 3, "load.scale": "50 %"})
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError) as caught:
        change_site(site, {"cooling.fws.supply": "30 kW", "racks.compute.count": 0})
    assert len(caught.value.problems) == 2


def test_another_product_brings_all_its_numbers(site: Site) -> None:
    changed = change_site(site, {"cooling.tcs.cdu.use": "coolit-chx2000"})
    assert value_at(changed, "cooling.tcs.cdu.rated_heat") == 2e6
    assert changed.products["cooling.tcs.cdu"] == "CoolIT CHx2000"
    assert value_at(changed, "cooling.tcs.cdu.count") == 12
    other = change_site(site, {"racks.compute.system": "nvidia-gb200-nvl72"})
    assert "GB200" in other.products["racks.compute"]
    assert other.racks["compute"].tdp != site.racks["compute"].tdp


def test_changes_apply_together(site: Site) -> None:
    with pytest.raises(InputError):
        change_site(site, {"cooling.fws.pump.count": 1})
    changed = change_site(site, {"cooling.fws.pump.count": 1, "cooling.fws.pump.spare": 0})
    assert value_at(changed, "cooling.fws.pump.count") == 1
    moved = change_site(site, {"racks.compute.fed_by.ups": "50 %", "racks.compute.fed_by.busway": "50 %"})
    assert dict(moved.racks["compute"].fed_by) == {"busway": 0.5, "ups": 0.5}


def test_the_order_of_changes_does_not_matter(site: Site) -> None:
    one = {"cooling.tcs.cdu.count": 10, "cooling.tcs.cdu.2.out_of_service": 1, "load.scale": "90 %"}
    assert change_site(site, one) == change_site(site, dict(reversed(one.items())))


def test_equal_quantities_give_equal_sites(site: Site) -> None:
    one, two = (change_site(site, {"cooling.fws.supply": text}) for text in ("86 degF", "30 degC"))
    assert one.model_dump() == two.model_dump()


def test_a_member_splits_its_group(site: Site) -> None:
    changed = change_site(site, {"cooling.tcs.cdu.2.out_of_service": 1})
    links = changed.cooling["tcs"].links
    assert list(links) == ["cdu", "cdu.2"]
    assert (links["cdu"].count, links["cdu"].spare, links["cdu.2"].count) == (11, 0, 1)
    assert (links["cdu"].units, links["cdu.2"].units) == (11, 0)
    again = change_site(
        changed, {"cooling.tcs.cdu.2.out_of_service": 0, "cooling.tcs.cdu.3.out_of_service": 1}
    )
    assert {name: link.units for name, link in again.cooling["tcs"].links.items()} == {
        "cdu": 10,
        "cdu.2": 1,
        "cdu.3": 0,
    }
    assert value_at(changed, "cooling.tcs.cdu.2.out_of_service") == 1


def test_a_whole_group_can_be_split(site: Site) -> None:
    changed = change_site(site, {f"power.transformer.{i}.out_of_service": 0 for i in range(1, 7)})
    assert sorted(name for name in changed.power if name.startswith("transformer")) == [
        f"transformer.{i}" for i in range(1, 7)
    ]
    with pytest.raises(InputError, match="no member 7"):
        change_site(changed, {"power.transformer.7.out_of_service": 1})


def test_feeds_spread_over_members_that_work(site: Site) -> None:
    changed = change_site(site, {"power.ups.2.out_of_service": 1, "power.ups.5.rating": "1.1 MW"})
    assert dict(changed.power["busway"].fed_by) == pytest.approx(
        {"ups": 10 / 11, "ups.2": 0.0, "ups.5": 1 / 11}
    )
    racks = change_site(site, {"racks.compute.3.load_scale": "50 %"}).racks
    assert (racks["compute"].count, racks["compute.3"].count, racks["compute.3"].load_scale) == (71, 1, 0.5)


@pytest.mark.parametrize("name", sites())
def test_every_listed_address_can_be_set(name: str) -> None:
    site = load_site(name)
    from twin_sites import units

    for entry in addresses(site):
        if entry.value is None or isinstance(entry.value, SetPoint):
            continue
        value = entry.value
        if (
            entry.quantity is not None
            and isinstance(value, float)
            and entry.quantity.unit not in ("1", "count")
        ):
            value = units.written(value, entry.quantity)
        changed = change_site(site, {entry.address: list(value) if isinstance(value, tuple) else value})
        if isinstance(entry.value, float):
            assert value_at(changed, entry.address) == pytest.approx(entry.value, rel=1e-9, abs=1e-12)


@pytest.mark.bench
def test_a_change_is_quick(site: Site) -> None:
    """4 ms is the goal; other work on the machine may double it. What is asserted is the growth with a cold cache."""
    change_site(site, {"cooling.fws.supply": "29 degC"})
    begin = time.process_time()
    for i in range(20):
        change_site(site, {"cooling.fws.supply": f"{30 + i / 100} degC", "racks.compute.count": 50 + i})
    each = (time.process_time() - begin) / 20
    begin = time.process_time()
    for _ in range(3):
        np.sort(np.random.default_rng(0).random(1_000_000))
    yardstick = (time.process_time() - begin) / 3  # about 0.07 s
    assert each < 0.25 * yardstick
