"""The studies page in a real browser: a small study starts, finishes, is explored and opens as a what-if; a bad one is told."""

from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import expect  # noqa: E402

pytestmark = pytest.mark.browser
LONG = 90_000
STUDY = """title: A small study
site: enterprise-3-rack-gb300
hours: 168
start: 2023-07-01T00:00
axes:
  weather: [phoenix, chicago]
  cooling.fws.supply: 30..38 degC by 4
"""

LONGER = """title: A longer study
site: enterprise-3-rack-gb300
axes:
  weather: [phoenix, chicago]
  cooling.fws.supply: 30..36 degC by 0.2
"""


def test_a_study_starts_finishes_and_a_case_becomes_a_what_if(page: Any, served: Any) -> None:
    page.goto(served.url + "/studies")
    page.get_by_label("Study", exact=True).fill(STUDY)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#study-progress")).to_contain_text("6 of 6 cases", timeout=LONG)
    expect(page.locator("#study-progress")).to_contain_text("A small study")
    expect(page.get_by_role("button", name="Cancel", exact=True).first).to_be_disabled()
    expect(page.locator("#study-map .hm")).to_have_count(1, timeout=LONG)
    expect(page.locator("#study-lines .scatterlayer path.js-line").first).to_be_attached()
    page.locator("#study-table .ag-row[row-id='4']").click()
    expect(page.locator("#study-case")).to_contain_text("chicago")
    expect(page.locator("#study-case")).to_contain_text("34 °C")
    page.locator("#study-map .nsewdrag").click(position={"x": 20, "y": 20})
    expect(page.locator("#study-case-name")).not_to_have_text("Case 4")
    page.locator("#study-table .ag-row[row-id='0'] .ag-cell").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("#study-case-name")).to_have_text("Case 0")
    page.get_by_role("link", name="Open as what-if").click()
    expect(page.locator("#whatif-tiles")).to_contain_text("PUE", timeout=LONG)
    assert "site.weather%3Dphoenix" in page.url
    assert "cooling.fws.supply%3D30.0" in page.url
    page.get_by_label("Studies").click()  # the study is found again
    expect(page.locator("#study-progress")).to_contain_text("6 of 6 cases")
    expect(page.locator("#study-map .hm")).to_have_count(1, timeout=LONG)


def test_a_bad_study_is_answered_in_words(page: Any, served: Any) -> None:
    page.goto(served.url + "/studies")
    page.get_by_label("Study", exact=True).fill("axes: {cooling.fws.suply: [30 degC]}")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#study-said")).to_contain_text("Allowed", timeout=LONG)
    expect(page.locator("#study-blank")).to_contain_text("Choose a study")


def test_a_cancelled_study_is_resumed_and_reported(page: Any, served: Any, tmp_path: Any) -> None:
    page.goto(served.url + "/studies")
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_disabled()
    page.get_by_label("Study", exact=True).fill(LONGER)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#study-progress")).to_contain_text(" a second", timeout=LONG)
    page.get_by_role("button", name="Cancel", exact=True).first.click()
    expect(page.locator("#study-progress")).to_contain_text("cancelled after", timeout=LONG)
    resume.click()
    expect(page.locator("#study-progress")).to_contain_text("62 of 62 cases · done in", timeout=LONG)
    expect(resume).to_be_disabled()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="report (HTML)").click()
    report = tmp_path / "study.html"
    waiting.value.save_as(report)
    alone = page.context.new_page()  # a file, of no server
    alone.goto(report.as_uri())
    expect(alone.locator("h1")).to_have_text("A longer study")
    expect(alone.locator(".plotly-graph-div .main-svg").first).to_be_visible(timeout=LONG)
