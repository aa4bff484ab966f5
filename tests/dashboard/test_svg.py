"""Schematic and floor plan: nothing overlaps, nothing leaves the picture, every name is escaped, states follow the data."""

import copy
import re
import xml.etree.ElementTree as ET
from functools import lru_cache
from importlib.resources import files
from itertools import combinations, pairwise

import pytest
import xarray as xr
import yaml
from twin_dashboard.svg import floor_plan, schematic
from twin_dashboard.svg.geometry import Rect, text_width
from twin_dashboard.svg.labels import PILL_W
from twin_sites.loader import sites
from twin_sites.schema import Site

import twin

SMALLEST, LARGEST = 14_000, 40_000  # characters of a reference site's drawing
FEEDS = ("utility", "transformer", "ups", "busway")
SVG = "{http://www.w3.org/2000/svg}"
CLEAR = 12.0  # two parallel pipes of different loops stand at least so far apart


def raw(name: str) -> dict:
    return yaml.safe_load(
        files("twin_sites").joinpath("reference", f"{name}.yaml").read_text(encoding="utf-8")
    )


def two_of_everything() -> dict:
    """Feeds A and B, two technology and two facility loops, a rack group on each, everything fed from both sides."""
    site = raw("gb300-10mw") | {"name": "two-feeds"}
    site.pop("expect", None)
    power = site.pop("power")
    site["power"] = {}
    for feed in "ab":
        above = {}
        for name in FEEDS:
            site["power"][f"{name}_{feed}"] = power[name] | ({"fed_by": above} if above else {})
            above = {f"{name}_{feed}": 1}
    site["power"]["mechanical"] = power["mechanical"] | {
        "fed_by": {"transformer_a": 0.5, "transformer_b": 0.5}
    }

    def both(node: object) -> None:
        if isinstance(node, dict):
            for name in FEEDS:
                if node.get("fed_by") == {name: 1}:
                    node["fed_by"] = {f"{name}_a": 0.5, f"{name}_b": 0.5}
            for below in node.values():
                both(below)

    both({key: part for key, part in site.items() if key != "power"})
    cooling, racks = site["cooling"], site["racks"]
    cooling["tcs2"], cooling["fws2"] = copy.deepcopy(cooling["tcs"]), copy.deepcopy(cooling["fws"])
    cooling["tcs2"]["supply"] = "fws2 + 4 K"
    cooling["tcs2"]["cdu"]["heat_to"]["heat"] = "fws2"
    racks["training"] = copy.deepcopy(racks["compute"]) | {"heat_to": {"liquid": "tcs2", "air": "hall"}}
    return site


@lru_cache(maxsize=16)
def site_of(name: str) -> Site:
    if name == "two-feeds":
        return twin.load_site(two_of_everything())
    if name == "split":
        return twin.change_site(
            twin.load_site("gb300-10mw"),
            {"cooling.tcs.cdu.1.out_of_service": 1, "cooling.fws.chiller.2.out_of_service": 0},
        )
    if name == "hall-past-facility-water":
        far = raw("gb300-10mw")
        far["hall"]["air_handler"]["heat_to"]["heat"] = (
            "condenser"  # its pipes must pass the level of the facility loop
        )
        return twin.load_site(far)
    if name == "tanks":
        changes = {}
        for loop, use in (("fws", "stratified-tank-4000m3"), ("chw", "mixed-tank-50m3")):
            changes |= {f"cooling.{loop}.storage.use": use, f"cooling.{loop}.storage.fed_by.mechanical": 1}
        return twin.change_site(twin.load_site("gb300-10mw"), changes)
    return twin.load_site(name)


EVERY = [*sites(), "two-feeds", "split", "hall-past-facility-water", "tanks"]


@lru_cache(maxsize=4)
def result(name: str) -> xr.Dataset:
    """Two days in July."""
    return twin.simulate(site_of(name)).isel(time=slice(4700, 4748))


def changed(ds: xr.Dataset, variable: str, name: str, value: float) -> xr.Dataset:
    out = ds.copy(deep=True)
    out[variable].loc[{variable.partition("_")[0]: name}] = value
    return out


@pytest.mark.parametrize("name", EVERY)
def test_boxes_pipes_and_texts_keep_apart_and_inside(name):
    lay = schematic.layout(site_of(name))
    page = Rect(0.0, 0.0, lay.width, lay.height)
    boxes = [box.rect for box in lay.boxes]
    tags = [tag.rect for tag in lay.tags]
    assert all(rect.inside(page) for rect in boxes + tags)
    assert not [(a, b) for a, b in combinations(boxes + tags, 2) if a.overlaps(b)]
    for tag in lay.tags:
        if tag.look == "pump":
            x, y = tag.symbol
            tags.append(Rect(x - 11.0, y - 11.0, 22.0, 22.0))
            assert not [box for box in boxes if tags[-1].overlaps(box)]
    for pipe in lay.pipes:
        for (x0, y0), (x1, y1) in pipe.segments():
            assert x0 == x1 or y0 == y1
            assert 0.0 <= min(x0, x1) <= max(x0, x1) <= lay.width
            assert 0.0 <= min(y0, y1) <= max(y0, y1) <= lay.height
            core = Rect(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
            assert not [box for box in boxes if core.overlaps(box, -1.0)], f"{pipe.owner} runs through a box"
            for tag in lay.tags:
                if tag.look in ("loop", "note"):
                    assert not core.overlaps(tag.rect, -1.0), (
                        f"{pipe.owner}/{pipe.slot} runs through '{tag.text or tag.slot}' of {tag.address}"
                    )


@pytest.mark.parametrize("name", EVERY)
def test_no_pipe_lies_on_a_pipe_of_another_loop(name):
    lines = [
        (pipe.net, a, b)
        for pipe in schematic.layout(site_of(name)).pipes
        for a, b in pipe.segments()
        if a != b
    ]
    for (net, a, b), (other, c, d) in combinations(lines, 2):
        if net == other or (a[0] == b[0]) != (c[0] == d[0]):
            continue
        along = 1 if a[0] == b[0] else 0
        apart = abs(a[1 - along] - c[1 - along])
        shared = min(max(a[along], b[along]), max(c[along], d[along])) - max(
            min(a[along], b[along]), min(c[along], d[along])
        )
        assert apart >= CLEAR or shared <= 0.0 or "power" in net, f"{net} and {other}"
        assert apart > 3.0 or shared <= 0.0, f"{net} and {other}"


@pytest.mark.parametrize("name", EVERY)
def test_every_element_is_there_and_can_be_reached(name):
    site = site_of(name)
    drawing = schematic.svg(site)
    found = set(re.findall(r'role="button" tabindex="0" class="[^"]*" data-address="([^"]*)"', drawing))
    wanted = {address for address, element in site.drawn() if address != "house"} | {
        address for _, address, part in site.volumes() if part.links
    }
    assert wanted <= found
    assert drawing.count("data-slot") > len(wanted)
    root = ET.fromstring(drawing)
    for group in root.iter(f"{SVG}g"):
        if group.get("role") == "button":
            assert group.get("aria-label")


@pytest.mark.parametrize("name", sites())
@pytest.mark.parametrize("system", ["si", "ip"])
def test_drawing_of_a_result(name, system):
    site, ds = site_of(name), result(name)
    drawing = schematic.draw(site, ds, 12, system)
    assert drawing == schematic.draw(site, ds, 12, system)
    assert SMALLEST < len(drawing) < LARGEST
    assert "nan" not in drawing.lower().replace("nano", "")
    assert ("°F" in drawing) == (system == "ip")
    root = ET.fromstring(drawing)
    slots = {text.get("data-slot") for text in root.iter() if text.get("data-slot")}
    read = schematic.values(site, ds, 12, system)
    assert {slot.rpartition("/")[0] for slot in slots} <= set(read)
    for slot in slots:
        address, _, what = slot.rpartition("/")
        assert what in read[address]["texts"], slot
    width = float(root.get("viewBox").split()[2])
    for text in root.iter(f"{SVG}text"):  # no text runs out of the picture to the right
        if "end" not in text.get("class", "").split() and "mid" not in text.get("class", "").split():
            parts = list(text.itertext())
            lines = parts if text.find(f"{SVG}tspan[@dy]") is not None else ["".join(parts)]
            assert float(text.get("x")) + max(text_width(line, 11) for line in lines) <= width + 2.0


@pytest.mark.parametrize("name", sites())
def test_texts_fit_their_boxes_in_every_hour_looked_at(name):
    site, ds = site_of(name), result(name)
    boxes = {box.address: box for box in schematic.layout(site).boxes if box.kind not in ("rack", "source")}
    for step in range(0, ds.sizes["time"], 7):
        for system in ("si", "ip"):
            read = schematic.values(site, ds, step, system)
            for address, box in boxes.items():
                first, second = (read[address]["texts"].get(slot, "") for slot in box.slots)
                assert text_width(first, 13, bold=True) <= box.rect.w - 38.0, first
                assert text_width(second, 11) <= box.rect.w - 12.0, second
            for tag in schematic.layout(site).tags:
                text = read.get(tag.address, {"texts": {}})["texts"].get(tag.slot, "")
                if tag.look == "pill":
                    assert text_width(text, 12, bold=True) <= PILL_W - 4.0
                elif tag.look in ("loop", "pump"):
                    assert (
                        text_width(tag.text, 12, bold=True) + text_width(f" · {text}", 12) <= tag.rect.w + 1.0
                        or tag.lines > 1
                    )
                elif tag.look == "note" and tag.address.startswith("power."):
                    assert text_width(text, 11) <= tag.rect.w + 4.0, text


def test_colours_are_variables_only():
    drawing = schematic.draw(site_of("gb300-10mw"), result("gb300-10mw"), 0)
    body = re.sub(r"<style>.*?</style>", "", drawing)
    assert not re.findall(r"#[0-9A-Fa-f]{3,8}\b|rgb\(|hsl\(", body)
    for name in ("power", "heat", "water", "watch", "bad", "ink", "muted", "grid", "card"):
        assert f"var(--{name}," in drawing


def test_names_are_escaped():
    evil = "<script>alert(1)</script>&\"'"
    good = site_of("gb300-10mw")
    racks = {evil if name == "network" else name: rack for name, rack in good.racks.items()}
    site = good.model_copy(
        update={"racks": racks, "title": evil}
    )  # the loader refuses such a name: a second wall
    ds = result("gb300-10mw").copy()
    ds = ds.assign_coords(rack=[evil if name == "network" else name for name in ds["rack"].values])
    for drawing in (
        schematic.svg(site),
        schematic.draw(site, ds, 3),
        *(floor_plan.svg(site, ds, q, 3) for q in floor_plan.WORDS),
    ):
        assert "<script" not in drawing
        assert "&lt;script&gt;" in drawing
        addresses = {group.get("data-address") for group in ET.fromstring(drawing).iter(f"{SVG}g")}
        assert f"racks.{evil}" in addresses


@pytest.mark.parametrize(
    ("variable", "name", "value", "address", "state"),
    [
        ("feeder_utilisation", "ups", 0.93, "power.ups", "watch"),
        ("feeder_utilisation", "ups", 1.02, "power.ups", "bad"),
        ("feeder_utilisation", "ups", 0.5, "power.ups", "normal"),
        ("rack_throttled", "compute", 0.2, "racks.compute", "bad"),
        ("rack_chip_temperature", "compute", 85.0, "racks.compute", "watch"),
        ("rack_chip_temperature", "compute", 60.0, "racks.compute", "normal"),
        ("loop_supply_temperature", "fws", 45.0, "cooling.fws", "bad"),
        (
            "loop_supply_temperature",
            "condenser",
            60.0,
            "cooling.condenser",
            "normal",
        ),  # only wishes for its set point
    ],
)
def test_states_follow_the_data(variable, name, value, address, state):
    site, ds = site_of("gb300-10mw"), changed(result("gb300-10mw"), variable, name, value)
    reading = schematic.values(site, ds, 5)[address]
    assert reading["state"] == state
    drawn = schematic.draw(site, ds, 5)
    assert re.search(rf'class="[^"]*\b{state}" data-(address|state)="{re.escape(address)}"', drawn)
    if state != "normal":
        assert any(
            word in " ".join(reading["texts"].values()) for word in ("near", "over", "only", "throttle")
        )  # never colour alone


def test_chiller_that_rests_is_drawn_as_off():
    site, ds = site_of("gb300-10mw"), changed(result("gb300-10mw"), "link_heat", "fws.chiller", 0.0)
    reading = schematic.values(site, ds, 0)["cooling.fws.chiller"]
    assert reading["texts"]["heat"] == "off"
    assert "cold" in reading["off"]
    assert 'class="pipe heat off" data-pipe="cooling.fws.chiller/cold"' in schematic.draw(site, ds, 0)


def test_values_agree_with_the_result():
    site, ds = site_of("gb300-10mw"), result("gb300-10mw")
    read = schematic.values(site, ds, 9)
    at = ds.isel(time=9)
    assert (
        read["cooling.fws"]["texts"]["supply"]
        == f"{float(at.loop_supply_temperature.sel(loop='fws')):.1f} °C"
    )
    assert (
        read["racks.compute"]["texts"]["power"] == f"{float(at.rack_power.sel(rack='compute')) / 1e6:.2f} MW"
    )
    ups = at.sel(feeder="ups")
    assert read["power.ups"]["utilisation"] == pytest.approx(float(ups.feeder_utilisation), abs=1e-3)
    fed = sum(
        _watt(read[f"power.{name}"]["texts"]["cooling"])
        for name, feeder in site.power.items()
        if feeder.kind != "utility"
    )
    drawn = float(at.link_power.sum()) + sum(
        float(at.loop_pump_power.sel(loop=name)) for name in ("fws", "chw", "condenser")
    )
    assert fed == pytest.approx(drawn, abs=2e3)  # each text is rounded to a kilowatt


def _watt(text: str) -> float:
    number, unit = text.replace(",", "").split()[-2:]
    return float(number) * {"kW": 1e3, "MW": 1e6}[unit]


def test_lines_are_as_wide_as_what_they_carry():
    site, ds = site_of("gb300-10mw"), result("gb300-10mw")
    read = schematic.values(site, ds, 9)
    assert (
        read["power.ups"]["widths"]["from transformer"]
        > read["power.mechanical"]["widths"]["from transformer"]
    )
    assert read["cooling.condenser"]["widths"]["supply"] > read["cooling.chw"]["widths"]["supply"]


@pytest.mark.parametrize("quantity", list(floor_plan.WORDS))
@pytest.mark.parametrize("name", sites())
def test_floor_plan(name, quantity):
    site, ds = site_of(name), result(name)
    drawing = floor_plan.svg(site, ds, quantity, 7)
    assert drawing == floor_plan.svg(site, ds, quantity, 7)
    assert len(drawing) < LARGEST
    root = ET.fromstring(drawing)
    width, height = (float(side) for side in root.get("viewBox").split()[2:])
    cells = [group for group in root.iter(f"{SVG}g") if group.get("data-rack")]
    assert len(cells) == sum(rack.count for rack in site.racks.values())
    rects = [
        Rect(*(float(cell.find(f"{SVG}rect").get(key)) for key in ("x", "y", "width", "height")))
        for cell in cells
    ]
    assert all(rect.inside(Rect(0, 0, width, height)) and rect.w >= 26 and rect.h >= 26 for rect in rects)
    assert len({(rect.x, rect.y) for rect in rects}) == len(rects)
    for a, b in pairwise(sorted(rects, key=lambda r: (r.y, r.x))):
        assert not a.overlaps(b)
    assert "aisle" in drawing
    assert "Places are drawn by rule" in drawing


def test_floor_plan_of_very_many_racks_stays_small():
    site = twin.change_site(site_of("gb300-10mw"), {"racks.storage.count": 50_000})
    drawing = floor_plan.svg(site, result("gb300-10mw"), "power", 0)
    assert "Each cell stands for" in drawing
    assert drawing.count("data-rack") <= floor_plan.MOST_CELLS + len(site.racks)


def test_floor_plan_marks_groups_at_their_limit():
    site, ds = site_of("gb300-10mw"), changed(result("gb300-10mw"), "member_chip_hottest", "compute.17", 86.0)
    assert 'class="rack watch" data-address="racks.compute"' in floor_plan.svg(site, ds, "margin", 0)
    assert 'class="rack none" data-address="racks.network"' in floor_plan.svg(
        site, ds, "margin", 0
    )  # no accelerator: no chip
    with pytest.raises(ValueError, match="power, chip, flow, margin"):
        floor_plan.svg(site, ds, "colour", 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("quantity", ["chip", "margin", "power"])
def test_every_rack_of_the_floor_plan_has_its_own_colour(quantity):
    site, ds = site_of("gb300-10mw"), result("gb300-10mw").copy(deep=True)
    for variable, value in (("member_chip_hottest", 86.0), ("member_power_peak", 190e3)):
        ds[variable].loc[{"member": "compute.17"}] = value
    root = ET.fromstring(floor_plan.svg(site, ds, quantity, 0))
    group = next(g for g in root.iter(f"{SVG}g") if g.get("data-address") == "racks.compute")
    shades = {cell.get("data-rack"): cell.get("style") for cell in group if cell.get("data-rack")}
    assert float(shades["17"].removeprefix("--t:")) > 0.9
    assert len({shade for rack, shade in shades.items() if rack != "17"}) == 1
    assert shades["16"] != shades["17"]
