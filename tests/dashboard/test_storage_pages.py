"""A site with a tank in the dashboard: every page without an error, the tank in the drawing, its charge in the chart beside it."""

from typing import Any

import pytest

import twin

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import expect  # noqa: E402

PAGES = ("/", "/racks", "/weather")  # the others read nothing of a loop
TANK = {"cooling.fws.storage.use": "stratified-tank-60m3", "cooling.fws.storage.fed_by.utility": 1}
pytestmark = pytest.mark.browser


def test_every_page_shows_a_site_with_a_tank(browser: Any, start: Any) -> None:
    server, thread, url = start(twin.change_site(twin.load_site("enterprise-3-rack-gb300"), TANK))
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page, said = context.new_page(), []
    page.on("console", lambda m: said.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: said.append(str(e)))
    for path in PAGES:
        page.goto(url + path)
        page.wait_for_load_state("networkidle")
    page.goto(url + "/schematic")
    page.locator('[data-address="cooling.fws.storage"]').click()
    expect(page.locator("#side-series")).to_contain_text("charge")
    expect(page.locator("#side-text")).to_contain_text("Stratified chilled-water tank")
    context.close()
    server.should_exit = True
    thread.join(timeout=10)
    assert said == []
