"""Cooling technology at hand: each choice of a rack group is a set of changes that runs, or says why it cannot."""

import html
import json
import re

import pytest
from twin_sites.loader import sites

import twin

pytest.importorskip("dash", reason="the extra 'dashboard' is not installed")
from twin_dashboard.controls import controls, missing
from twin_dashboard.pages.whatif import technology_rows
from twin_dashboard.technologies import as_meta, technologies


@pytest.mark.parametrize("name", sites())
def test_every_choice_is_possible_or_has_a_reason(name: str) -> None:
    site = twin.load_site(name)
    for group in site.racks:
        choices = technologies(site, group)
        for choice in choices:
            if choice.why_not:
                assert choice.changes == {}
            else:
                twin.change_site(site, choice.changes)
        assert not choices or choices[0].changes == {}  # what stands there comes first
        possible = [tuple(sorted(c.changes.items())) for c in choices if not c.why_not]
        assert len(set(possible)) == len(possible)


def test_rear_doors_to_plates_and_room_air() -> None:
    site = twin.load_site("mixed-hall")
    found = {c.value: c for c in technologies(site, "doors")}
    plates = found["nvidia-hgx-h200-dlc tcs"]
    assert plates.changes["racks.doors.heat_to.liquid"] == "tcs"
    assert plates.changes["racks.doors.heat_to.air"] == "hall"
    assert found["nvidia-hgx-h200-air hall"].changes == {"racks.doors.heat_to.air": "hall"}
    assert "no loop of a dielectric" in found["nvidia-hgx-h200-immersion"].why_not
    assert technologies(site, "legacy") == []


def test_doors_are_counted_with_the_racks_before_them() -> None:
    site = twin.change_site(twin.load_site("retrofit-rdhx"), {"racks.legacy.system": "nvidia-hgx-h200-air"})
    doors = next(c for c in technologies(site, "legacy") if c.label.startswith("Rear doors"))
    assert doors.why_not == ""
    assert doors.changes["rooms.doors.rear_door.count"] == "40"


def test_rows_of_what_a_site_lacks() -> None:
    air = twin.load_site("hgx-h200-1mw-air")
    labels = [label for _, label, _ in missing(air, controls(air, "si"))]
    assert {"CDU: units out of service", "Adiabatic water"} <= set(labels)
    assert "Chiller: units out of service" not in labels
    hall = twin.load_site("mixed-hall")
    assert missing(hall, controls(hall, "si")) == []
    frontier = twin.load_site("frontier")
    assert "UPS: units out of service" in [
        label for _, label, _ in missing(frontier, controls(frontier, "si"))
    ]


def test_a_row_carries_the_changes_for_the_browser() -> None:
    rows = technology_rows(twin.load_site("mixed-hall"))
    assert len(rows) == 3
    assert "disabled" in rows[0]
    meta = json.loads(html.unescape(re.findall(r'data-meta="([^"]*)"', rows[2])[0]))
    assert meta == as_meta(technologies(twin.load_site("mixed-hall"), "doors"))
    assert "racks.doors.heat_to.liquid" in meta["addresses"]
