"""Files in a real browser: uploads, good and broken, and a download that opens again."""

import re
from pathlib import Path
from typing import Any

import pytest

import twin

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import expect  # noqa: E402

pytestmark = pytest.mark.browser


def test_uploads_good_and_broken(page: Any, served: Any, tmp_path: Path) -> None:
    import yaml

    written = dict(twin.load_site(served.site).written)
    good, broken = tmp_path / "mine.yaml", tmp_path / "broken.yaml"
    good.write_text(yaml.safe_dump({**written, "name": "my-own-hall"}))
    broken.write_text(yaml.safe_dump({**written, "hall": {**written["hall"], "supply": "260 degC"}}))
    page.goto(served.url + "/data")
    page.locator("input[type=file]").first.set_input_files(str(broken))
    expect(page.locator(".problem")).to_contain_text("260 degC")
    expect(page.locator(".problem")).to_contain_text("Allowed:")
    expect(page.locator("#facts")).to_contain_text(served.site)
    page.locator("input[type=file]").first.set_input_files(str(good))
    expect(page.locator("#facts")).to_contain_text("my-own-hall")
    page.get_by_role("link", name="Overview").click()
    expect(page.locator('[data-tile="pue"] .tile-value')).to_have_text(
        f"{twin.summarize(twin.simulate(good)).pue:.3f}"
    )


def test_a_download_opens_again(page: Any, served: Any, tmp_path: Path) -> None:
    page.goto(served.url + "/data?set=load.scale%3D80+%25")
    with page.expect_download() as caught:
        page.get_by_role("link", name=re.compile("netCDF")).click()
    target = tmp_path / "result.nc"
    caught.value.save_as(target)
    again = twin.summarize(twin.open_result(target))
    assert again.pue == pytest.approx(
        twin.summarize(twin.simulate(served.site, changes={"load.scale": "80 %"})).pue, rel=1e-12
    )
