"""Every fault of a site ends in one clear message: where, what was found, what is allowed, what to try."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twin_sites.errors import InputError
from twin_sites.loader import change_site, load_site
from twin_sites.money import currency

REFERENCE = "gb300-10mw"
GONE = object()  # the key is taken away
JARGON = re.compile(
    r"\[|dataclass|pydantic|Input should|delta_|NoneType|<class|Mapping|union|value_error|Error:", re.ASCII
)


def written() -> dict[str, Any]:
    return copy.deepcopy(dict(load_site(REFERENCE).written))


def with_value(path: str, value: Any) -> dict[str, Any]:
    form = written()
    node = form
    *way, last = path.split("/")
    for key in way:
        node = node[key]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return form


def faults(form: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_site(form)
    for problem in caught.value.problems:
        assert problem.where
        assert problem.found
        assert problem.allowed
        assert problem.remedy, problem
        assert not JARGON.search(re.sub(r"write it in brackets: \[.*?\]", "", str(problem))), problem
    return [str(problem) for problem in caught.value.problems]


# path in the site file, value put there, address that the message names, words that it says
CASES = [
    # units and numbers
    ("cooling/fws/supply", "30 kPa", "cooling.fws.supply", "is a pressure", "5 to 60 °C (property and plate exchanger ranges)"),
    ("cooling/fws/supply", "30", "cooling.fws.supply", "no unit", "write '30 degC'"),
    ("cooling/fws/supply", 30, "cooling.fws.supply", "bare number 30", "write '30 °C'|write '30 degC'"),
    ("cooling/fws/supply", "90 degC", "cooling.fws.supply", "90 degC", "5 to 60 °C"),
    ("cooling/fws/supply", "nan degC", "cooling.fws.supply", "not a finite number", "30 degC"),
    ("cooling/fws/supply", None, "cooling.fws.supply", "nothing", "30 degC"),
    ("cooling/fws/supply", True, "cooling.fws.supply", "truth value", "30 degC"),
    ("cooling/fws/supply", ["30 degC"], "cooling.fws.supply", "a list", "30 degC"),
    ("cooling/fws/pump/rated_flow", "3 kg/s", "cooling.fws.pump.rated_flow", "is a mass flow", "gpm"),
    ("cooling/fws/pump/rated_flow", "3 flows", "cooling.fws.pump.rated_flow", "unknown unit 'flows'", "gpm"),
    ("cooling/fws/pump/rated_flow", "1,200 gpm", "cooling.fws.pump.rated_flow", "comma", "without a comma"),
    ("cooling/fws/pump/rated_flow", "-3 L/s", "cooling.fws.pump.rated_flow", "-3 L/s", "physical bound"),
    ("cooling/fws/pump/efficiency", float("nan"), "cooling.fws.pump.efficiency", "not a finite number", "0.05 to 0.92"),
    ("cooling/fws/pump/efficiency", "78 kW", "cooling.fws.pump.efficiency", "unit 'kW'", "percentage"),
    ("economy/energy_price", "0.08 USD", "economy.energy_price", "is a price", "0.08 USD/kWh"),
    ("racks/compute/count", 0, "racks.compute.count", ": 0", "1 to 100000"),
    ("racks/compute/count", 2.5, "racks.compute.count", "2.5", "a whole number"),
    ("racks/compute/count", "many", "racks.compute.count", "'many'", "a whole number"),
    ("cooling/fws/chiller/capacity_curve", [1, 2], "cooling.fws.chiller.capacity_curve", "too few", "6 numbers"),
    ("cooling/fws/chiller/capacity_curve", [1, 2, 3, 4, 5, float("nan")], "cooling.fws.chiller.capacity_curve.5", "nan", "finite"),
    ("cooling/fws/chiller/capacity_curve", [0] * 7, "cooling.fws.chiller.capacity_curve", "7 numbers", "6 numbers"),
    # keys
    ("cooling/fws/suply", "30 degC", "cooling.fws.suply", "unknown key 'suply'", "did you mean 'supply'"),
    ("cooling/fws/pump/effciency", 0.7, "cooling.fws.pump.effciency", "unknown key", "did you mean 'efficiency'"),
    ("cooling/fws/pumps", {"count": 2}, "cooling.fws.pumps", "neither 'kind' nor 'use'", "did you mean 'pump'"),
    ("racks/compute/accelerators_", 3, "racks.compute.accelerators_", "unknown key", "did you mean 'accelerators'"),
    ("racks/compute/use", "nvidia-gb300-nvl72", "racks.compute.use", "unknown key 'use'", "'system'"),
    ("power/ups/ratng", "1 MW", "power.ups.ratng", "unknown key", "did you mean 'rating'"),
    ("huose", {}, "huose", "unknown key", "did you mean 'house'"),
    ("cooling/fws/supply", GONE, "cooling.fws.supply", "missing", "Supply set point, 5 to 60 °C"),
    ("racks/compute/system", GONE, "racks.compute.tdp", "missing", "name a 'system:'"),
    ("racks", GONE, "racks", "missing", "elements by name"),
    ("racks", {}, "racks", "empty mapping", "at least one"),
    ("power", 5, "power", ": 5", "a mapping"),
    ("power/ups", "galaxy", "power.ups", "'galaxy'", "a mapping"),
    ("title", 5, "title", ": 5", "in quotes"),
    ("meter/category", 5, "meter.category", "'5'", "1 | 2 | 3"),
    ("cooling/tcs/fluid", "watr", "cooling.tcs.fluid", "'watr'", "did you mean 'water'"),
    ("cooling/tcs/cdu/running", "some", "cooling.tcs.cdu.running", "'some'", "all | required"),
    ("name", "", "name", "''", "1 to 80 letters"),
    # datasheets
    ("cooling/tcs/cdu/use", "vertiv-xdu1350", "cooling.tcs.cdu.use", "no datasheet", "did you mean 'vertiv-xdu1350b'"),
    ("cooling/tcs/cdu/use", "nvidia-gb300-nvl72", "cooling.tcs.cdu.use", "another kind (rack)", "'twin show cdus'"),
    ("racks/compute/system", "vertiv-xdu1350b", "racks.compute.system", "another kind (CDU)", "'twin show racks'"),
    ("cooling/fws/pump/use", "york-yt-1758", "cooling.fws.pump.use", "another kind (chiller)", "'twin show pumps'"),
    ("hall/use", "vertiv-fa096hc", "hall.use", "a datasheet", "none for this part"),
    ("power/ups/use", "york-yt-1758", "power.ups.use", "another kind (chiller)", "'twin show ups'"),
    ("cooling/tcs/cdu/kind", "chiller", "cooling.tcs.cdu.use", "another kind (CDU)", "'twin show chillers'"),
    ("cooling/tcs/cdu/kind", "cd", "cooling.tcs.cdu.kind", "unknown kind 'cd'", "did you mean 'cdu'"),
    ("cooling/tcs/cdu/use", GONE, "cooling.tcs.cdu.kind", "neither 'kind' nor 'use'", "cdu | heat_exchanger"),
    # numbers that do not fit each other
    ("racks/compute/accelerator", {"idle": "2 kW"}, "racks.compute.accelerator", "must be below tdp", "fit each other"),
    ("cooling/tcs/cdu/pump", {"power": "1 W"}, "cooling.tcs.cdu.pump", "rated point that cannot be", "0.92"),
    ("cooling/tcs/cdu/pump", {"best_flow": "10 m3/s"}, "cooling.tcs.cdu.pump", "times the best_flow", "choose a best_flow"),
    ("cooling/tcs/cdu/pump", {"curve_square": "0 Pa*s2/m6"}, "cooling.tcs.cdu.pump.curve_square", "0 Pa*s2/m6", "to -1 Pa*s2/m6"),
    ("cooling/fws/pump/curve_linear", "-1e8 Pa*s/m3", "cooling.fws.pump", "does not fall", "raise shutoff_ratio"),
    ("hall/dew_point", "27 degC", "hall.dew_point", "where air of 26 degC is supplied", "raise hall.supply"),
    ("cooling/fws/economiser/cold_flow", "10 L/s", "cooling.fws.economiser", "rated point that cannot be", "raise cold_flow"),
    ("hall/air_handler/rated_heat", "9 MW", "hall.air_handler", "rated point that cannot be", "raise rated_air_in"),
    ("cooling/tcs/fluid", "water", "cooling.tcs.concentration", "25 % glycol in water", "name the glycol"),
    ("cooling/fws/chiller/condenser_high", "-30 degC", "cooling.fws.chiller.condenser_high", "not below", "fit each other"),
    ("racks/compute/supply_high", "1 degC", "racks.compute.supply_high", "not below", "fit each other"),
    # counts
    ("power/transformer/spare", 6, "power.transformer.spare", "6 of 6", "fewer than the installed"),
    ("power/transformer/out_of_service", 7, "power.transformer.out_of_service", "7 of 6", "at most"),
    # feeds and ports
    ("racks/compute/fed_by", GONE, "racks.compute.fed_by", "nothing feeds it", "busway"),
    ("racks/compute/fed_by", {"busway": "50 %"}, "racks.compute.fed_by", "add up to 0.5", "add up to 1"),
    ("racks/compute/fed_by", {"buswai": 1}, "racks.compute.fed_by.buswai", "does not exist", "did you mean 'busway'"),
    ("racks/compute/fed_by", {"busway": 2}, "racks.compute.fed_by.busway", "2", "0 to 1"),
    ("racks/compute/fed_by", "busway", "racks.compute.fed_by", "'busway'", "a mapping"),
    ("racks/compute/heat_to", {"liquid": "tcs"}, "racks.compute.heat_to.air", "missing", "where the air"),
    ("racks/compute/heat_to/air", "tcs", "racks.compute.heat_to.air", "is no room", "hall"),
    ("racks/compute/heat_to/liquid", "hall", "racks.compute.heat_to.liquid", "is no liquid loop", "tcs"),
    ("racks/compute/heat_to/liquid", "tsc", "racks.compute.heat_to.liquid", "does not exist", "did you mean 'tcs'"),
    ("racks/compute/heat_to/water", "tcs", "racks.compute.heat_to.water", "unknown port", "liquid, air"),
    # loops
    ("cooling/tcs/cdu", GONE, "cooling.tcs", "nothing that takes it out", "CDU"),
    ("hall/air_handler", GONE, "hall", "nothing that takes it out", "air handler"),
    ("cooling/condenser/tower/heat_to/heat", "chw", "cooling.condenser.tower.heat_to.heat", "'chw'", "outdoors"),
    ("cooling/fws/chiller/heat_to/heat", "tcs", "cooling.tcs", "tcs → fws → tcs", "no circles"),
    ("cooling/fws/chiller/heat_to/heat", "fws", "cooling.fws.chiller.heat_to.heat", "the loop itself", "colder"),
    ("cooling/fws/chiller/heat_to/heat", "outdoors", "cooling.fws.chiller.heat_to.heat", "outdoors", "liquid loop"),
    ("cooling/tcs/supply", "fsw + 3 K", "cooling.tcs.supply", "relative to 'fsw'", "did you mean 'fws'"),
    ("cooling/tcs/supply", "fws + 300 K", "cooling.tcs.supply", "300 K", "-30 to 40 K"),
    ("cooling/tcs/supply", "fws + 3", "cooling.tcs.supply", "no unit", "write '3 K'"),
    ("cooling/fws/supply", "fws + 3 K", "cooling.fws.supply", "fws → fws", "absolute"),
    ("cooling/fws/supply", "tcs + 3 K", "cooling.tcs.supply", "tcs → fws → tcs", "absolute"),
    ("cooling/outdoors", {"supply": "30 degC"}, "cooling.outdoors", "reserved", "rename"),
    ("cooling/hall", {"supply": "30 degC"}, "cooling.hall", "doubled name", "rename"),
    ("cooling/a b", {"supply": "30 degC"}, "cooling.a b", "the name 'a b'", "rename"),
    # power
    ("power/utility", GONE, "power", "no utility", "kind: utility"),
    ("power/transformer/fed_by", {"busway": 1}, "power.transformer.fed_by", "transformer → busway → ups → transformer", "utility"),
    ("power/utility/fed_by", {"busway": 1}, "power.utility.fed_by", "utility that is fed", "remove"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "address", "found", "allowed"), CASES)
def test_a_fault_is_told_in_four_parts(path: str, value: Any, address: str, found: str, allowed: str) -> None:
    if path.startswith("meter/"):
        form = written() | {"meter": {"category": value}}
    else:
        form = with_value(path, value)
    lines = [line for line in faults(form) if f"→ {address}" in line and found in line]
    assert lines
    assert any(option in lines[0] for option in allowed.split("|")) or allowed in lines[0], lines[0]


def test_all_problems_of_a_file_come_at_once_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\n"
        "racks:\n"
        "  a: {system: network-air, count: 0, fed_by: {utility: 1}, heat_to: {air: hall}}\n"
        "hall:\n"
        "  supply: 25 kW\n"
        "  dew_pont: 12 degC\n"
        "power:\n"
        "  utility: {kind: utility}\n"
        "house: {fed_by: {utility: 1}, heat_to: {heat: outdoors}}\n"
    )
    lines = faults(file)
    assert len(lines) == 3
    assert any(line.startswith("mine.yaml line 3 → racks.a.count: 0.") for line in lines)
    assert any(line.startswith("mine.yaml line 5 → hall.supply: '25 kW' is a power.") for line in lines)
    assert any(line.startswith("mine.yaml line 6 → hall.dew_pont: the unknown key") for line in lines)


def test_references_are_checked_when_fields_are_right(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\n"
        "racks:\n"
        "  a: {system: network-air, fed_by: {utility: 1}, heat_to: {air: hal}}\n"
        "hall: {supply: 25 degC}\n"
        "power: {utility: {kind: utility}}\n"
        "house: {fed_by: {utilty: 1}, heat_to: {heat: outdoors}}\n"
    )
    lines = faults(file)
    assert [line.split(":")[0] for line in lines] == [
        "mine.yaml line 3 → racks.a.heat_to.air",
        "mine.yaml line 6 → house.fed_by.utilty",
    ]


FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("empty", lambda f: f.write_text(""), "empty"),
    ("a list", lambda f: f.write_text("- a\n- b\n"), "a list"),
    ("text", lambda f: f.write_text("hello"), "one line of text"),
    ("binary", lambda f: f.write_bytes(bytes(range(256)) * 4), "a binary file"),
    ("latin-1", lambda f: f.write_bytes("name: café\n".encode("latin-1")), "no UTF-8 text"),
    ("a folder", lambda f: f.mkdir(), "a folder"),
    ("missing", lambda f: None, "no such file"),
    ("doubled key", lambda f: f.write_text("name: a\nhall: {}\nname: b\n"), "the first is in line 1"),
    ("no YAML", lambda f: f.write_text("name: [a\n"), "not YAML"),
    ("tabs", lambda f: f.write_text("a:\n\tb: 1\n"), "not YAML"),
    ("alias", lambda f: f.write_text("a: &x {b: 1}\nc: *x\n"), "line 2 → c: an alias"),
    ("tag", lambda f: f.write_text("name: !!python/object:os.system x\n"), "the tag"),
    ("own tag", lambda f: f.write_text("name: !thing x\n"), "the tag !thing"),
    ("key of brackets", lambda f: f.write_text("? [a, b]\n: 1\n"), "a key that is a list"),
    ("deep", lambda f: f.write_text("a: " + "[" * 100_000), "more than 20 levels"),
    (
        "deep keys",
        lambda f: f.write_text("".join(" " * i + "a:\n" for i in range(300))),
        "more than 20 levels",
    ),
    ("two documents", lambda f: f.write_text("a: 1\n---\nb: 2\n"), "not YAML"),
    ("huge number", lambda f: f.write_text("name: " + "9" * 5000), "1 to 80 letters"),
    ("huge hexadecimal", lambda f: f.write_text("name: 0x" + "f" * 6000), "1 to 80 letters"),
]


@pytest.mark.parametrize(
    ("make", "found"), [(make, found) for _, make, found in FILES], ids=[name for name, *_ in FILES]
)
def test_a_file_that_is_no_site(tmp_path: Path, make: Callable[[Path], object], found: str) -> None:
    file = tmp_path / "site.yaml"
    make(file)
    assert any(found in line for line in faults(file))


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    file.write_text("\n".join(rows))
    lines = faults(file)
    assert "an alias" in lines[0]
    assert len(lines) <= 50


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    with file.open("wb") as out:
        out.truncate(100_000_000)  # a hole: no disk is needed
    assert "100 MB" in faults(file)[0]


def test_a_long_file_below_the_limit_of_bytes_is_told_in_characters(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("# " + "x" * 2_100_000)
    assert "at most 2,000,000 characters" in faults(file)[0]


def test_a_form_made_by_a_program_may_not_hold_itself() -> None:
    form = written()
    form["racks"]["self"] = form
    assert "more than 20 levels" in faults(form)[0]


def test_a_name_that_is_nearly_a_reference_site() -> None:
    assert "did you mean 'gb300-10mw'" in faults("gb300-10mv")[0]


@pytest.mark.parametrize("name", ["", "\0", "x" * 5000, "/dev/null"])
def test_odd_names_of_files(name: str) -> None:
    faults(name)


def test_prices_in_two_currencies_are_no_sum() -> None:
    """No rate of exchange is known, so nobody may add them up unknowingly."""
    site = load_site("gb300-10mw")
    with pytest.raises(InputError, match=r"economy.*EUR"):
        change_site(site, {"economy.energy_price": "0.12 EUR/kWh"})
    euro = change_site(site, {"economy.energy_price": "0.12 EUR/kWh", "economy.water_price": "4 EUR/m3"})
    assert currency(euro) == "EUR"
    assert currency(site) == "USD"
