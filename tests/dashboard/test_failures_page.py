"""The page of failures in a real browser: a trip is chosen and counted down, two designs beside each other, a bad line answered."""

from typing import Any

import pytest

from tests.dashboard.test_browser import CUT, settled

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import expect  # noqa: E402

pytestmark = pytest.mark.browser
LONG = 60_000


def test_a_trip_is_counted_down_for_two_designs(page: Any, served: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(served.url + "/failures")
    expect(page.locator("#fail-a")).to_contain_text(served.site)
    page.get_by_role("textbox", name="What fails").click()
    page.get_by_role("option", name="Rack flow lost").click()
    expect(page.get_by_label("Events, one a line")).to_have_value("t=60s trip cooling.tcs.cdu")
    page.get_by_role("button", name="Play it").click()
    expect(page.locator("#fail-a-tiles [data-tile=throttle]")).to_contain_text(
        "chips slow down", timeout=LONG
    )
    expect(page.locator("#fail-a-tiles [data-tile=limiting]")).to_contain_text("racks.compute")
    expect(page.locator("#fail-chips .scatterlayer path.js-line").first).to_be_visible()
    expect(page.locator("#fail-command-0")).to_contain_text("twin transient")
    page.get_by_label("Changes, one a line").fill("cooling.fws.supply=35 degC")
    page.get_by_role("button", name="Play it").click()
    expect(page.locator("#fail-b-tiles [data-tile=throttle]")).to_contain_text(
        "chips slow down", timeout=LONG
    )
    expect(page.locator("#fail-verdict")).to_contain_text("Design B")
    page.get_by_text("IP", exact=True).click()
    expect(page.locator("#fail-a-tiles [data-tile=chip]")).to_contain_text("°F", timeout=LONG)
    settled(page)
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.set_viewport_size({"width": 1024, "height": 900})  # the form stays within reach
    expect(page.get_by_role("button", name="Play it")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024


def test_a_bad_line_is_answered_in_words_and_the_last_result_stays(page: Any, served: Any) -> None:
    page.goto(served.url + "/failures")
    page.get_by_label("Events, one a line").fill("t=60s trip cooling.tcs.cdus")
    page.get_by_role("button", name="Play it").click()
    expect(page.locator("#fail-said")).to_contain_text("did you mean", timeout=LONG)
    expect(page.locator("#fail-result")).to_contain_text("Choose a failure")
    page.get_by_label("Events, one a line").fill("t=10s trip cooling.tcs.cdu")
    page.get_by_label("Play for").fill("1 min")
    page.get_by_label("Changes, one a line").fill("more buffer")
    page.get_by_role("button", name="Play it").click()
    expect(page.locator("#fail-said")).to_contain_text("Design B is not played", timeout=LONG)
    expect(page.locator("#fail-a-tiles")).to_contain_text("Time to throttle")
