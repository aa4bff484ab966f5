"""What ``twin show`` and ``twin schema`` print: tables of 120 columns, and the same as JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from twin_sites import catalogue, units
from twin_sites.addresses import addresses
from twin_sites.loader import load_site, sites

from twin import tables
from twin.listing import FAMILIES

Cli = Callable[..., "tuple[int, str, str]"]
WIDTH = 120


def rows(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    assert isinstance(found, list)
    return found


def narrow(text: str) -> bool:
    return all(len(line) <= WIDTH for line in text.splitlines())


@pytest.mark.parametrize("what", [*catalogue.FAMILIES, "sites", "weather", "loads"])
def test_every_kind_is_listed(twin_cli: Cli, what: str) -> None:
    code, out, err = twin_cli("show", what)
    assert (code, err) == (0, "")
    assert narrow(out)
    named = rows(twin_cli("show", what, "--json")[1])
    assert named or (what, out) == (
        "exchangers",
        "no datasheets of this kind: its numbers are written in the site file\n",
    )
    assert all(row["name"] in out for row in named)
    assert len({row["name"] for row in named}) == len(named)


@pytest.mark.parametrize("what", catalogue.FAMILIES)
@pytest.mark.parametrize("system", ["si", "ip"])
def test_every_datasheet_is_shown_in_both_unit_systems(twin_cli: Cli, what: str, system: str) -> None:
    family = catalogue.FAMILIES[what]
    assert family in FAMILIES
    flag = ["--ip"] if system == "ip" else []
    for slug in catalogue.names(family)[:4]:
        code, out, err = twin_cli("show", what, slug, *flag)
        assert (code, err) == (0, "")
        assert narrow(out.partition("\n\n")[2]), slug
        assert "[1]" in out
        for row in rows(twin_cli("show", what, slug, "--json", *flag)[1]):
            assert row["field"]
            assert row["confidence"] in catalogue.CONFIDENCES
            assert row["source"] or row["reason"]


def test_ip_units_of_a_cdu(twin_cli: Cli) -> None:
    fields = {
        row["field"]: row["value"]
        for row in rows(twin_cli("show", "cdus", "vertiv-xdu1350b", "--json", "--ip")[1])
    }
    assert fields["heat_exchanger.hot_flow"] == "317.006 gpm"
    assert fields["heat_exchanger.rated_cold_in"] == "89.6 °F"
    assert fields["external_head"].endswith(" psi")
    assert fields["rated_approach"] == "7.2 °F"


def test_a_site_is_shown_as_it_is_written(twin_cli: Cli, tmp_path: Any) -> None:
    out = twin_cli("show", "sites", "gb300-10mw")[1]
    copy = tmp_path / "copy.yaml"
    copy.write_text(out)
    assert load_site(copy).model_dump() == load_site("gb300-10mw").model_dump()


@pytest.mark.parametrize("name", sites())
@pytest.mark.parametrize("system", ["si", "ip"])
def test_addresses_fit_a_terminal_and_say_all(twin_cli: Cli, name: str, system: str) -> None:
    flag = ["--ip"] if system == "ip" else []
    code, out, err = twin_cli("show", "addresses", name, *flag)
    assert (code, err) == (0, "")
    assert narrow(out)
    listed = {row["address"]: row for row in rows(twin_cli("show", "addresses", name, "--json", *flag)[1])}
    assert list(listed) == [entry.address for entry in addresses(load_site(name))]
    for entry in addresses(load_site(name)):
        row = listed[entry.address]
        assert f"\n{entry.address} " in out
        assert row["label"]
        assert row["text"] == entry.text(system)
        if entry.quantity is not None and isinstance(entry.value, float):
            shown = units.shown_unit(entry.quantity, system)
            assert row["value"] == pytest.approx(units.convert(entry.value, entry.quantity.unit, shown))
            assert row["low"] is None or row["low"] <= row["value"] <= row["high"]
            assert row["bound_source"]


def test_addresses_are_searched_by_name_and_label(twin_cli: Cli) -> None:
    out = twin_cli("show", "addresses", "gb300-10mw", "Supply Set")[1]
    assert "cooling.fws.supply" in out
    assert "cooling.fws.pump" not in out
    row = next(
        row for row in rows(twin_cli("show", "addresses", "gb300-10mw", "fws.supply", "--json", "--ip")[1])
    )
    assert (row["address"], row["text"], row["unit"]) == ("cooling.fws.supply", "89.6 °F", "°F")
    assert (row["low"], row["high"], row["bound_source"]) == (
        41.0,
        140.0,
        "property and plate exchanger ranges",
    )
    assert (row["label"], row["source"]) == ("Supply set point", "site file")


def test_an_estimate_is_shown_as_one(twin_cli: Cli) -> None:
    out = twin_cli("show", "addresses", "gb300-10mw", "cooling.fws.chiller.capacity")[1]
    assert "estimate [" in out
    assert "estimate: a larger machine of the same kind" in out


def test_cells_are_wrapped_not_lost() -> None:
    text = tables.table([{"a": "x" * 10, "b": "word " * 60, "c": "é" * 200}], ["b", "c"])
    assert narrow(text)
    assert text.count("word") == 60
    assert text.count("é") == 200
    assert tables.table([]) == "nothing"
