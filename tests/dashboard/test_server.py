"""The server: pages, downloads, and what it refuses."""

import base64
import gzip
import json
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from twin_dashboard import parts
from twin_dashboard.app import ROUTES
from twin_dashboard.cache import Results
from twin_dashboard.security import MAX_BODY, PASSWORD, USER, check_exposure
from twin_dashboard.sessions import Sessions
from twin_sites.errors import InputError

import twin

SITE = "enterprise-3-rack-gb300"
STATE = {"site": "", "changes": {}, "base": {}}


def test_a_deep_link_as_first_request_has_its_assets(served: Any) -> None:
    page = served.first_page
    for name in ("1-tokens.css", "2-app.css", "twin.js"):
        assert f"assets/{name}" in page


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_pages_answer(served: Any, path: str) -> None:
    assert served.get(path)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/what-if/../x",
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2fapp.py",
        "/docs",
        "/openapi.json",
        "/download/../../etc/passwd",
        "/download/app.py",
        "/_dash-component-suites/dash/../../x.js",
    ],
)
def test_what_does_not_exist_is_not_found(served: Any, path: str) -> None:
    status, _, body = served.get(path)
    assert status in (404, 500)
    assert b"import" not in body


def test_headers_and_gzip(served: Any) -> None:
    _, headers, body = served.get("/", {"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert b"twin" in gzip.decompress(body)
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_another_name_for_this_machine_is_refused(served: Any) -> None:
    assert served.get("/", {"Host": "evil.example"})[0] == 421


def test_requests_from_other_sites_and_large_ones_are_refused(served: Any, ask: Any) -> None:
    url = served.url + "/_dash-update-component"
    kind = {"Content-Type": "application/json"}
    assert ask(urllib.request.Request(url, b"{}", {**kind, "Origin": "http://evil.example"}))[0] == 403
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(
            f"POST /_dash-update-component HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode()
        )
        assert b" 413 " in wire.recv(200)


def test_pue_is_that_of_the_engine_to_the_last_digit(served: Any, ds: Any) -> None:
    status, response = served.callback(
        "overview-tiles.children", {"state": STATE, "system": "si", "theme": "light"}
    )
    assert status == 200
    assert f'"{twin.summarize(ds).pue:.3f}"' in json.dumps(response["overview-tiles"])


def test_bad_changes_give_four_parts_and_keep_the_results(served: Any) -> None:
    bad = {"site": "", "changes": {"cooling.tcs.supply": "250 degC"}, "base": {}}
    status, response = served.callback(
        "whatif-tiles.children", {"request": bad, "system": "si", "theme": "light", "answer": STATE}
    )
    text = json.dumps(response)
    assert status == 200
    assert "whatif-tiles" not in response
    assert "not applied" in text
    assert "Allowed: " in text
    assert "250 degC" in text
    _, response = served.callback("whatif-tiles.children", {"request": bad, "system": "si", "theme": "light"})
    assert "The changes are not applied: this is the baseline." in json.dumps(response["whatif-problem"])
    assert '"baseline"' in json.dumps(
        response["whatif-tiles"]
    )  # a link that cannot be used shows no empty page


@pytest.mark.parametrize("address", ["site.weather", "load.trace"])
def test_no_path_of_a_browser_reaches_the_disk(served: Any, address: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("time,activity\nSECRET,1\n")
    bad = {"site": "", "changes": {address: str(secret)}, "base": {}}
    _, response = served.callback("whatif-tiles.children", {"request": bad, "system": "si", "theme": "light"})
    assert "SECRET" not in json.dumps(response)
    assert "upload the file" in json.dumps(response)
    _, response = served.callback(
        "whatif-tiles.children", {"request": {**STATE, "site": str(secret)}, "system": "si", "theme": "light"}
    )
    assert "a reference site or an uploaded one" in json.dumps(response)


def test_downloads_open_again(served: Any, tmp_path: Path) -> None:
    query = "?set=load.scale%3D80+%25"
    for name in ("result.nc", "site.yaml", "result.csv", "report.html"):
        status, headers, body = served.get(f"/download/{name}{query}")
        assert status == 200
        assert "attachment" in headers["content-disposition"]
        (tmp_path / name).write_bytes(body)
    pue = twin.summarize(twin.simulate(SITE, changes={"load.scale": "80 %"})).pue
    assert twin.summarize(twin.open_result(tmp_path / "result.nc")).pue == pytest.approx(pue, rel=1e-12)
    assert twin.summarize(twin.simulate(tmp_path / "site.yaml")).pue == pue
    report = (tmp_path / "report.html").read_text()
    assert f"PUE {pue:.3f}" in report
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=['\"]?https?:", report)
    assert '"showSendToCloud": true' not in report


def test_examples_can_be_uploaded(served: Any) -> None:
    sessions = Sessions()
    for kind, name in (
        ("site", "example-site.yaml"),
        ("trace", "example-trace.csv"),
        ("weather", "example-weather.csv"),
    ):
        body = served.get(f"/download/{name}")[2]
        token, _ = sessions.add(kind, "data:;base64," + base64.b64encode(body).decode(), name)
        assert token.startswith("upload-")


@pytest.mark.parametrize(
    ("kind", "name", "data", "words"),
    [("site", "x.exe", b"a", "another type"), ("site", "x.yaml", b"x" * 2_100_000, "2.1 MB"), ("site", "x.yaml", b"name: [", "line"), ("site", "x.yaml", b"!!python/object/apply:os.system ['id']", ""),
     ("trace", "x.csv", b"\x00\x01", ""), ("weather", "x.epw", b"nothing", "")],
)  # fmt: skip
def test_bad_uploads_are_refused_in_words(kind: str, name: str, data: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        Sessions().add(kind, "data:;base64," + base64.b64encode(data).decode(), name)
    assert words in str(caught.value)
    with pytest.raises(InputError):
        Sessions().add(kind, "data:;base64,%%%", name)


def test_an_uploaded_site_cannot_name_a_path(tmp_path: Path) -> None:
    text = "\n".join(
        twin.load_site(SITE).written
        and [line for line in __import__("yaml").safe_dump(dict(twin.load_site(SITE).written)).splitlines()]
    )
    text = re.sub(r"weather: .*", f"weather: {tmp_path}/w.csv", text)
    sessions = Sessions()
    token, _ = sessions.add("site", "data:;base64," + base64.b64encode(text.encode()).decode(), "mine.yaml")
    with pytest.raises(InputError, match="upload the file"):
        Results(twin.load_site(SITE), sessions).get(token, {})


def test_results_are_bounded_and_shared() -> None:
    site = twin.load_site(SITE)
    one = Results(site, Sessions())
    size = one.get("", {}).ds.nbytes
    small = Results(site, Sessions(), max_bytes=int(2.5 * size))
    for percent in (100, 99, 98, 97, 97, 97):
        small.get("", {"load.scale": f"{percent} %"})
    assert len(small) == 2
    assert small.computed == 4


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_beyond_this_machine_needs_a_password(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="--auth"):
        check_exposure(host, auth=False, insecure=False)
    assert check_exposure(host, auth=False, insecure=True) is None
    monkeypatch.delenv(USER, raising=False)
    with pytest.raises(InputError, match=USER):
        check_exposure(host, auth=True, insecure=False)
    monkeypatch.setenv(USER, "eva")
    monkeypatch.setenv(PASSWORD, "correct horse")
    assert check_exposure(host, auth=True, insecure=False) == ("eva", "correct horse")
    assert check_exposure("127.0.0.1", auth=False, insecure=False) is None


def test_the_password_is_asked_for(monkeypatch: pytest.MonkeyPatch, ask: Any, start: Any) -> None:
    monkeypatch.setenv(USER, "eva")
    monkeypatch.setenv(PASSWORD, "correct horse")
    server, thread, url = start(SITE, auth=True)
    try:
        good, bad = (base64.b64encode(text).decode() for text in (b"eva:correct horse", b"eva:wrong"))
        assert ask(urllib.request.Request(url + "/"))[0] == 401
        assert ask(urllib.request.Request(url + "/", headers={"Authorization": f"Basic {bad}"}))[0] == 401
        assert ask(urllib.request.Request(url + "/assets/twin.js"))[0] == 401
        assert ask(urllib.request.Request(url + "/", headers={"Authorization": f"Basic {good}"}))[0] == 200
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def test_command_refuses_with_exit_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twin.cli", "dashboard", SITE, "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--auth" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_way_to_a_chart() -> None:
    folder = Path(parts.__file__).parent
    makers = [p.name for p in folder.rglob("*.py") if "dcc.Graph(" in p.read_text()]
    assert makers == ["parts.py"]
    assert parts.CONFIG["showSendToCloud"] is False
    sources = "".join(p.read_text() for p in folder.rglob("*") if p.suffix in (".py", ".js", ".css"))
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg|127\.0\.0\.1|\{)[^\s'\"]+", sources)
