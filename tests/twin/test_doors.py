"""One case through every door: the same PUE to the last bit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from twin_sites.loader import load_site

import twin

SITE, WEATHER = "enterprise-3-rack-gb300", "golden"
CHANGES = {"cooling.fws.supply": "100 degF", "racks.compute.count": "2"}


@pytest.fixture(scope="module")
def pue() -> float:
    value = twin.summarize(twin.simulate(twin.load_site(SITE), weather=WEATHER, changes=CHANGES)).pue
    assert value is not None
    return value


def test_command_line(pue: float) -> None:
    sets = [word for address, value in CHANGES.items() for word in ("--set", f"{address}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "twin.cli", "run", SITE, "--weather", WEATHER, *sets, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["pue"] == pue


def test_written_site_file(pue: float, tmp_path: Path) -> None:
    import yaml

    changed = twin.change_site(load_site(SITE), CHANGES)
    path = tmp_path / "mine.yaml"
    path.write_text(
        yaml.safe_dump(dict(changed.written), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    assert twin.summarize(twin.simulate(path, weather=WEATHER)).pue == pue


def test_result_file(pue: float, tmp_path: Path) -> None:
    ds = twin.simulate(SITE, weather=WEATHER, changes=CHANGES)
    path = twin.save(ds, tmp_path / "year.nc")
    again = twin.open_result(path)
    assert twin.summarize(again) == twin.summarize(ds)
    assert twin.summarize(again).pue == pue


def test_dashboard(pue: float) -> None:
    pytest.importorskip("twin_dashboard.app", reason="the dashboard extra is not installed")
    from twin_dashboard.cache import Results
    from twin_dashboard.sessions import Sessions

    site = load_site(SITE)
    run = Results(site, Sessions()).get(SITE, CHANGES | {"site.weather": WEATHER})
    assert run.summary.pue == pue
