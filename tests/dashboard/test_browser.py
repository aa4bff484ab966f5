"""The dashboard in a real browser: every page, a what-if, links, uploads, unit systems, downloads, and that nothing leaves the host."""

import json
import re
from datetime import datetime
from typing import Any

import pytest

import twin

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import expect  # noqa: E402

PAGES = {
    "/": "overview-tiles",
    "/what-if": "whatif-tiles",
    "/schematic": "drawing-schematic",
    "/racks": "plan-box",
    "/weather": "psychro",
    "/data": "downloads",
    "/definitions": "d-pue",
}
CUT = """() => [...document.querySelectorAll('.tile-label span, .tile-main, .panel-head h2, .say, header .bar > span')]
  .filter(e => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1).map(e => e.className + ': ' + e.textContent)"""
pytestmark = pytest.mark.browser


def tile(page: Any, name: str) -> Any:
    return page.locator(f'[data-tile="{name}"] .tile-value')


def settled(page: Any) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(150)


def test_every_page_is_whole_at_every_width(page: Any, served: Any) -> None:
    for path, part in PAGES.items():
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(served.url + path)
        page.locator(f"#{part}").wait_for(state="attached")
        settled(page)
        if path != "/definitions":
            expect(page.locator("#facts")).to_contain_text(served.site)
        for width, height in ((1440, 900), (1280, 800), (1024, 768)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(120)
            assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, (
                path,
                width,
            )
            if path in ("/", "/schematic") and width > 1100:
                assert page.evaluate("document.documentElement.scrollHeight - window.innerHeight") <= 1, (
                    path,
                    width,
                )
            assert page.evaluate(CUT) == [], (path, width)
        assert page.get_by_text("Share chart").count() == 0
        assert page.locator(".modebar-btn[data-title*='loud'], .modebar-btn--logo").count() == 0
        for i in range(page.locator(".js-plotly-plot").count()):
            assert (
                page.evaluate(
                    "i => document.querySelectorAll('.js-plotly-plot')[i].getBoundingClientRect().height", i
                )
                > 40
            )


def test_pue_is_that_of_the_engine(page: Any, served: Any, ds: Any) -> None:
    page.goto(served.url)
    expect(tile(page, "pue")).to_have_text(f"{twin.summarize(ds).pue:.3f}")


def test_a_what_if_moves_pue_in_the_right_direction(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if")
    expect(tile(page, "pue")).to_be_visible()
    settled(page)
    height = page.evaluate("document.querySelector('.right').scrollHeight")
    search = page.get_by_label("Find a parameter")
    search.fill("ups no-load")
    more = page.locator('[data-row$="no_load_loss"]').first
    more.wait_for()
    address = more.get_attribute("data-row")
    slider = more.get_by_role("slider")
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    worse = page.locator('[data-tile="pue"] .worse')
    expect(worse).to_be_visible()
    settled(page)
    site = twin.load_site(served.site)
    changes = dict(_changes(page.url))
    assert address in changes
    run = twin.summarize(twin.simulate(site, changes=changes))
    assert run.pue > twin.summarize(twin.simulate(site)).pue
    expect(tile(page, "pue")).to_have_text(f"{run.pue:.3f}")
    expect(page.locator("#verdict .say")).to_contain_text("Costs")
    search.press("Escape")
    settled(page)
    assert (
        abs(page.evaluate("document.querySelector('.right').scrollHeight") - height) < 80
    )  # a scenario row came, nothing else moved
    page.get_by_role("button", name=re.compile("^Undo ")).click()
    expect(page.locator("#chips")).to_contain_text("No change yet")
    expect(worse).to_have_count(0)


def test_a_cooling_technology_is_one_choice(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if?site=mixed-hall")
    row = page.locator('[data-row="racks.doors.technology"]')
    choice = row.get_by_role("combobox")
    expect(choice).to_have_value("nvidia-hgx-h200-air rear")
    expect(row.locator("option", has_text="Immersion bath").first).to_be_disabled()
    expect(row).to_contain_text("this site has no loop")
    before = tile(page, "pue").inner_text()
    choice.select_option("nvidia-hgx-h200-dlc tcs")
    expect(tile(page, "pue")).not_to_have_text(before)
    changes = dict(_changes(page.url))
    assert changes["racks.doors.system"] == "nvidia-hgx-h200-dlc"
    assert changes["racks.doors.heat_to.liquid"] == "tcs"
    pue = twin.summarize(twin.simulate("mixed-hall", changes=changes)).pue
    expect(tile(page, "pue")).to_have_text(f"{pue:.3f}")
    expect(page.locator('[data-row="racks.doors.system"] select')).to_have_value("nvidia-hgx-h200-dlc")
    page.reload()
    expect(choice).to_have_value("nvidia-hgx-h200-dlc tcs")
    row.get_by_role("button", name="Reset").click()
    expect(page.locator("#chips")).to_contain_text("No change yet")
    expect(tile(page, "pue")).to_have_text(before)
    expect(page.get_by_role("combobox", name="Legacy: cooling technology")).to_have_count(0)
    expect(page.locator(".control.off").first).to_contain_text("No accelerator in these racks")


def test_a_rack_with_its_own_load_shows_its_own_series(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if")
    load = page.locator('[data-row="load.trace"] select')
    load.select_option("generated:mixed,racks=3,group=compute")
    expect(page.locator("#chips")).to_contain_text("1 change")
    page.get_by_role("link", name="Racks").click()
    drawn = "document.querySelector('#rack-series .js-plotly-plot').data[0].y.join()"
    seen = []
    for number in ("1", "2"):
        page.locator(f'#plan-box [data-address="racks.compute"] [data-rack="{number}"]').click()
        expect(page.locator("#rack-name")).to_have_text(f"compute.{number}")
        seen.append(page.evaluate(drawn))
    assert seen[0] != seen[1]
    page.get_by_role("link", name="Schematic").click()
    expect(page.locator("#drawing-schematic svg")).to_be_visible()


def _changes(url: str) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl, urlsplit

    return [tuple(v.split("=", 1)) for k, v in parse_qsl(urlsplit(url).query) if k == "set"]  # type: ignore[misc]


def test_a_link_shows_the_same_again(page: Any, served: Any, browser: Any) -> None:
    page.goto(served.url + "/what-if")
    row = page.locator('[data-row="load.scale"]')
    number = row.get_by_role("textbox")
    number.fill("80")
    number.press("Enter")
    expect(page.locator("#chips")).to_contain_text("80")
    expect(page.locator('[data-tile="mean"] .better')).to_be_visible()
    settled(page)
    power = tile(page, "mean").inner_text()
    link = page.url
    assert "load.scale" in link
    page.goto("about:blank")
    page.goto(link)
    expect(tile(page, "mean")).to_have_text(power)
    expect(page.locator('[data-row="load.scale"]')).to_have_class(re.compile("changed"))
    expect(page.locator('[data-row="load.scale"]').get_by_role("textbox")).to_have_value(re.compile("^80"))
    page.get_by_role("link", name="Overview").click()
    expect(page.locator("#facts")).to_contain_text("1 change")
    assert "load.scale" in page.url
    page.go_back()
    expect(page.locator("#chips")).to_contain_text("1 change")


def test_fields_say_what_they_do_not_take(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if")
    row = page.locator('[data-row="hall.supply"]')
    number = row.get_by_role("textbox")
    before = number.input_value()
    number.fill("500")
    number.press("Enter")
    expect(row).to_have_class(re.compile("invalid"))
    expect(page.locator("#chips")).to_contain_text("No change yet")
    number.fill("")
    number.press("Tab")
    expect(number).to_have_value(before)
    number.fill("")
    number.press_sequentially("28,5")
    number.press("Enter")
    expect(page.locator("#chips")).to_contain_text("28.5 °C")
    row.get_by_role("button", name=re.compile("^Reset")).click()
    expect(page.locator("#chips")).to_contain_text("No change yet")
    expect(number).to_have_value(before)


def test_every_slider_has_a_name(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if")
    page.get_by_role("slider").first.wait_for()
    settled(page)
    for slider in page.get_by_role("slider").all():
        assert len(slider.get_attribute("aria-label") or "") > 3


def test_a_passed_limit_comes_with_a_remedy_to_apply(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if?set=cooling.tcs.cdu.out_of_service%3D1")
    expect(page.locator("#verdict .line.bad")).to_contain_text("misses its set point")
    expect(page.locator(".remedy").first).to_contain_text("With 1 more CDU in service: 0 h.")
    page.get_by_role("button", name="apply").click()
    expect(page.locator("#verdict .line.bad")).to_have_count(0)
    assert dict(_changes(page.url)) == {"cooling.tcs.cdu.out_of_service": "0"}


def test_a_second_climate_is_laid_over(page: Any, served: Any) -> None:
    page.goto(served.url + "/weather")
    plot = "document.querySelector('#psychro .js-plotly-plot')"
    until(page, f"{plot} && {plot}.data.length > 3")
    assert not page.evaluate(f"{plot}.data.some(d => d.type === 'contour')")
    page.locator("#second").fill("Chicago")
    page.get_by_role("option", name=re.compile("Chicago")).click()
    until(page, f"{plot}.data.some(d => d.type === 'contour')")
    expect(page.locator("#second-legend")).to_contain_text("Chicago")


def test_scenarios_are_kept_and_compared(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if?set=load.scale%3D80+%25")
    expect(page.locator("#scenario-table")).to_contain_text("Current, not kept")
    page.get_by_role("button", name="Keep scenario").click()
    expect(page.locator("#scenario-table")).to_contain_text("Scenario 1")
    page.locator("#scenario-table").get_by_role("button", name="Site as written").click()
    expect(page.locator("#chips")).to_contain_text("No change yet")
    page.locator("#scenario-table").get_by_role("button", name="Scenario 1").click()
    expect(page.locator("#chips")).to_contain_text("1 change")
    expect(page.locator('[data-row="load.scale"]').get_by_role("textbox")).to_have_value(re.compile("^80"))
    page.locator("#scenario-table").get_by_role("button", name="delete").click()
    expect(page.locator("#scenario-table")).not_to_contain_text("Scenario 1")


def test_unit_systems_and_themes(page: Any, served: Any, ds: Any) -> None:
    page.goto(served.url)
    hottest = twin.summarize(ds).max_chip_temperature_degc
    expect(tile(page, "chip")).to_have_text(f"{hottest:.1f}")
    page.get_by_text("IP", exact=True).click()
    expect(tile(page, "chip")).to_have_text(f"{hottest * 1.8 + 32:.1f}")
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    settled(page)
    line = page.evaluate("document.querySelector('#climate .js-plotly-plot').data.at(-1).line.color")
    assert line == "#96A2FF"
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(tile(page, "chip")).to_have_text(f"{hottest * 1.8 + 32:.1f}")


def test_schematic_answers_to_mouse_and_keys(page: Any, served: Any) -> None:
    page.goto(served.url + "/schematic")
    page.locator("#drawing-schematic svg").wait_for()
    settled(page)
    first = page.locator("#when").inner_text()
    page.get_by_role("button", name="Coldest hour").click()
    expect(page.locator("#when")).not_to_have_text(first)
    part = page.locator("#drawing-schematic [data-address^='power.']").first
    address = part.get_attribute("data-address")
    part.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#side-text")).to_contain_text(str(address))


def test_help_and_copies(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if?set=load.scale%3D80+%25")
    expect(page.locator("#chips")).to_contain_text("1 change")
    settled(page)
    for name, words in (
        ("Copy as command", f"twin run {served.site} --set 'load.scale=80 %'"),
        ("Copy as Python", "twin.simulate"),
    ):
        page.get_by_role("button", name="Share").click()
        page.get_by_role("menuitem", name=name).click()
        expect(page.locator("#copied")).to_contain_text("Copied")
        assert words in page.evaluate("window.twinCopied")
    page.locator("#page").click(position={"x": 5, "y": 5})
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("find a parameter")


def test_a_drag_ends_in_agreement(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if")
    row = page.locator('[data-row="load.scale"]')
    slider = row.get_by_role("slider")
    slider.wait_for()
    settled(page)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for i in range(1, 25):
        page.mouse.move(box["x"] + box["width"] / 2 - 2 * i, box["y"] + box["height"] / 2)
        page.wait_for_timeout(15)
    page.mouse.up()
    expect(page.locator("#chips")).to_contain_text("1 change")
    settled(page)
    page.wait_for_timeout(600)
    settled(page)
    changes = dict(_changes(page.url))
    run = twin.summarize(twin.simulate(served.site, changes=changes))
    expect(tile(page, "pue")).to_have_text(f"{run.pue:.3f}")
    expect(tile(page, "mean")).to_have_text(f"{run.facility_energy_kwh / run.hours / 1000:.2f}")
    assert float(changes["load.scale"].split()[0]) == float(slider.input_value())
    assert json.dumps(changes)


def test_a_zoom_fetches_the_points_of_its_window(page: Any, served: Any) -> None:
    page.goto(served.url + "/racks")
    plot = "document.querySelector('#rack-series .js-plotly-plot')"
    until(page, f"{plot} && {plot}.data.length && {plot}.data[0].x.length > 1000")
    settled(page)
    box = page.locator("#rack-series .nsewdrag").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.50 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.52 * box["width"], y, steps=4)
    page.mouse.move(box["x"] + 0.55 * box["width"], y, steps=4)
    page.mouse.up()
    until(page, f"{plot}.data[0].x.length < 1000")
    first, second = page.evaluate(f"{plot}.data[0].x.slice(0, 2)")
    assert (moment(second) - moment(first)).total_seconds() == 3600.0  # no hour left out
    assert 300 < page.evaluate(f"{plot}.data[0].x.length") < 600  # 5 % of a year
    settled(page)
    for _ in range(8):  # a loaded machine can let two clicks fall too far apart to be a double one
        page.mouse.dblclick(box["x"] + box["width"] / 2, y)
        page.wait_for_timeout(1500)
        if page.evaluate(f"{plot}.data[0].x.length > 1000"):
            break
    until(page, f"{plot}.data[0].x.length > 1000")
    assert page.evaluate(f"{plot}.layout.xaxis.range[0]").startswith(
        page.evaluate(f"{plot}.data[0].x[0]")[:10]
    )


def until(page: Any, expression: str) -> None:
    """Wait for an expression of the page; ``wait_for_function`` would need eval, which the policy forbids."""
    for _ in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never true: {expression}")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_long_run_shows_how_far_it_is_and_can_be_cancelled(page: Any, served: Any) -> None:
    page.goto(served.url + "/what-if")
    expect(tile(page, "pue")).to_be_visible()
    before = tile(page, "peak").inner_text()
    page.locator("#step").click()
    page.get_by_role("option", name="1 min").first.click()
    working = page.locator("#working")
    expect(working).to_be_visible()
    expect(working).to_contain_text("525,600 steps")
    page.get_by_role("button", name="Cancel").click()
    expect(working).to_be_hidden()
    expect(page.locator("#whatif-problem")).to_contain_text("cancelled")
    expect(tile(page, "peak")).to_have_text(before)
    page.locator("#step").click()
    page.get_by_role("option", name="15 min").first.click()
    expect(page.locator("#facts")).to_contain_text("15 min steps")
    assert "step=15+min" in page.url
    page.reload()
    expect(page.locator("#facts")).to_contain_text("15 min steps")
    expect(page.locator("#step")).to_have_value("15 min")
