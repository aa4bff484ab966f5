"""Pictures of every page of the dashboard, light and dark, 1440 × 900, into docs/images. Look at them.

    python docs/scripts/screenshots.py [SITE]

Needs the extra 'dashboard', playwright and Debian's chromium (apt-get install -y chromium).
"""

import shutil
import socket
import sys
import threading
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from twin_dashboard.serve import make_server

IMAGES = Path(__file__).resolve().parents[1] / "images"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHANGES = "?set=cooling.fws.supply%3D36+degC&set=power.ups.mode%3Deco"
PAGES = {
    "overview": "/",
    "what-if": f"/what-if{CHANGES}",
    "schematic": "/schematic",
    "racks": "/racks",
    "weather": "/weather",
    "sizing": "/sizing",
    "failures": "/failures",
    "studies": "/studies",
    "data": "/data",
}
PRESSED = {"sizing": "Size it", "failures": "Play it"}  # pages that compute when asked


def picture(page: Page, url: str, target: Path, name: str) -> None:
    """One page, when all of it is there."""
    page.goto(url)
    page.wait_for_load_state("networkidle")
    if name == "failures":
        page.get_by_label("Events, one a line").fill("t=60s trip cooling.fws.pump")
    if name in PRESSED:
        page.get_by_role("button", name=PRESSED[name]).click()
        page.locator("main .js-plotly-plot, main table").first.wait_for(timeout=60_000)
        page.wait_for_load_state("networkidle")
    page.mouse.move(2, 896)
    page.wait_for_timeout(1500)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=str(target))


def main(site: str) -> None:
    """All pages in both themes."""
    IMAGES.mkdir(exist_ok=True)
    server = make_server(site, port=0)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for theme in ("light", "dark"):
            page = chrome.new_page(viewport={"width": 1440, "height": 900})
            page.add_init_script(f"localStorage.setItem('mantine-color-scheme-value', '{theme}')")
            for name, path in PAGES.items():
                picture(page, url + path, IMAGES / f"{name}{'-dark' if theme == 'dark' else ''}.png", name)
            page.close()
        chrome.close()
    server.should_exit = True
    thread.join(timeout=10)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "gb300-10mw")
