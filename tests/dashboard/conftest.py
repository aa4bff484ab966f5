"""One server for all tests of the dashboard, in this process, on a port of its own, and one browser."""

import json
import os
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

pytest.importorskip("dash", reason="the extra 'dashboard' is not installed")

SITE = "enterprise-3-rack-gb300"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 30_000  # ms until something must have come
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


class Served(NamedTuple):
    """A running server: its address and the callbacks that it offers."""

    url: str
    callbacks: list[dict[str, Any]]
    site: str
    first_page: str

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a GET."""
        return ask(urllib.request.Request(self.url + path, headers=headers or {}))

    def callback(
        self, output: str, values: dict[str, Any], headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Call the callback that has this output, as a page does."""
        one = next(c for c in self.callbacks if output in c["output"])
        inputs, state = (
            [{**i, "value": values.get(i["id"])} for i in one[kind]] for kind in ("inputs", "state")
        )
        body = {
            "output": one["output"],
            "outputs": outputs(one["output"]),
            "inputs": inputs,
            "state": state,
            "changedPropIds": [f"{i['id']}.{i['property']}" for i in one["inputs"][:1]],
        }
        request = urllib.request.Request(
            self.url + "/_dash-update-component",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", **(headers or {})},
        )
        status, _, text = ask(request)
        return status, json.loads(text)["response"] if status == 200 else text.decode()


def ask(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    """A request that also returns refusals."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def outputs(text: str) -> Any:
    """Outputs of a callback from their joined name."""
    parts = text.strip(".").split("...")
    found = [{"id": p.rsplit(".", 1)[0], "property": p.rsplit(".", 1)[1].split("@")[0]} for p in parts]
    return found if text.startswith("..") else found[0]


def start(site: Any, **more: Any) -> tuple[Any, threading.Thread, str]:
    """A server on a free port of this machine."""
    from twin_dashboard.serve import make_server

    server = make_server(site, port=0, **more)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    return server, thread, f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The server of a small site."""
    server, thread, url = start(SITE)
    status, _, body = ask(urllib.request.Request(url + "/what-if"))  # a deep link is the first request ever
    assert status == 200
    callbacks = json.loads(ask(urllib.request.Request(url + "/_dash-dependencies"))[2])
    yield Served(url, callbacks, SITE, body.decode())
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(name="ask", scope="session")
def _ask() -> Any:
    return ask


@pytest.fixture(name="start", scope="session")
def _start() -> Any:
    return start


@pytest.fixture(scope="session")
def ds() -> Any:
    """A year of the small site."""
    import twin

    return twin.simulate(twin.load_site(SITE))


@pytest.fixture(scope="session")
def changed() -> Any:
    """The same with warmer water."""
    import twin

    return twin.simulate(twin.load_site(SITE), changes={"load.scale": "80 %"})


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    if CHROMIUM is None:
        words = "no chromium: apt-get install -y chromium"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(words)
        pytest.skip(words)
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    sync_api.expect.set_options(
        timeout=PATIENCE
    )  # of a machine with much to do; what is there at once takes no time
    with sync_api.sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chrome
        chrome.close()


@pytest.fixture
def page(browser: Any, served: Any) -> Iterator[Any]:
    """A fresh page; at its end the console must be empty and every request must have gone to this server."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    said: list[str] = []
    foreign: list[str] = []
    one = context.new_page()
    one.set_default_timeout(PATIENCE)
    one.on("console", lambda m: said.append(f"{m.type}: {m.text}"))
    one.on("pageerror", lambda e: said.append(f"{e} {e.stack}"))
    one.on(
        "request",
        lambda r: foreign.append(r.url) if not r.url.startswith((served.url, "data:", "blob:")) else None,
    )
    yield one
    context.close()
    assert said == []
    assert foreign == []
