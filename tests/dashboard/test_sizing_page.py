"""The sizing page in a real browser: a wish becomes a facility that opens as a what-if; a bad wish is answered in words."""

from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import expect  # noqa: E402

pytestmark = pytest.mark.browser
LONG = 180_000.0  # ms: a sizing takes 2 s alone, but tests share the machine


def test_a_wish_becomes_a_facility(page: Any, served: Any) -> None:
    page.goto(served.url + "/sizing")
    page.get_by_label("Amount").fill("200")
    page.get_by_role("button", name="Size it").click()
    expect(page.locator("#size-equipment")).to_contain_text("racks.compute", timeout=LONG)
    expect(page.locator("#size-currents")).to_contain_text("800 VDC")
    expect(page.locator("#drawing-sizing svg")).to_be_visible()
    page.get_by_role("link", name="Open as what-if").click()
    expect(page.locator("#whatif-tiles")).to_contain_text("PUE", timeout=LONG)
    assert "site=upload-" in page.url


def test_a_bad_wish_is_answered_in_words(page: Any, served: Any) -> None:
    page.goto(served.url + "/sizing")
    page.get_by_label("Amount").fill("a few")
    page.get_by_role("button", name="Size it").click()
    expect(page.locator("#size-said")).to_contain_text("Allowed", timeout=LONG)


def test_the_power_chain_and_a_risk_are_chosen(page: Any, served: Any) -> None:
    page.goto(served.url + "/sizing")
    page.get_by_role("textbox", name="How much").click()
    page.get_by_role("option", name="Utility power").click()
    expect(page.get_by_label("Amount")).to_have_value("20 MW")  # the usual amount of what was chosen
    page.get_by_label("Amount").fill("2 MW")
    page.get_by_label("Share of time above the utility power").fill("1 %")
    page.get_by_role("textbox", name="Electrical architecture").click()
    page.get_by_role("option", name="800-vdc", exact=True).click()
    page.get_by_role("textbox", name="Heat rejection").click()
    page.get_by_role("option", name="tower").click()
    page.get_by_role("button", name="Size it").click()
    expect(page.locator("#size-equipment")).to_contain_text("power.rectifier", timeout=LONG)
    expect(page.locator("#size-result")).to_contain_text("Utility power at a risk")
