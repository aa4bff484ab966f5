"""What is told before the first case, so that no store of failures is left; loads that a study takes."""

from pathlib import Path
from typing import Any

import pytest
from twin_sites.errors import InputError
from twin_sites.loader import load_site

import twin
from twin.studies.cases import run_case
from twin.studies.plan import plan_study

pytest.importorskip("zarr", reason="the extra 'study' is not installed")

SITE = "enterprise-3-rack-gb300"
BASE: dict[str, Any] = {"site": SITE, "hours": 2, "axes": {"weather": ["phoenix"]}}
TWO = {"cooling.fws.supply": ["30 degC", "34 degC"]}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"hours": 0}, "study → hours: 0 steps"),
        ({"hours": -5}, "study → hours: -5 steps"),
        ({"hours": "a while"}, "study → hours"),
        ({"hours": [2]}, "hours: 7 days"),
        ({"step_s": 0}, "study → step_s: 0 s"),
        ({"start": "yesterday"}, "study → start: 'yesterday'"),
        ({"hourly": ["loop_heat:fsw"]}, "did you mean 'fws'"),
        ({"percentiles": ["rack_power:store"]}, "no such rack"),
        ({"outputs": ["site_power"]}, "outputs: {hourly: [site_power]}"),
        ({"axes": TWO | {"v": {"a": {"cooling.fws.supply": "33 degC"}}}}, "changes cooling.fws.supply, as"),
        ({"axes": {"weather": ["phoenix"], "site.weather": ["miami"]}}, "changes weather, as 'weather' does"),
        ({"axes": {"cooling.fws.supply": "normal(30 degC"}}, "in quotes"),
        ({"estimates": 0.1}, "a sampled one"),
        ({"estimates": 1.5, "design": "random", "samples": 2}, "above 0 and below 1"),
        ({"estimates": "ten", "design": "random", "samples": 2}, "'ten'"),
        (
            {"estimates": 0.1, "design": "random", "samples": 2, "estimates_in": ["cooling.nothing"]},
            "none below cooling.nothing",
        ),
        ({"site": 12}, "study → site: 12"),
        ({"design": ["factorial"]}, "study → design: a list of 1"),
        ({"boundary": ["gpu"]}, "study → boundary: a list of 1"),
        ({"name": 3}, "in quotes if it is a number"),
        ({"load": 3}, "study → load: 3"),
        ({"seed": -1, "design": "random", "samples": 2}, "study → seed: -1"),
        (
            {"estimates": 0.1, "design": "random", "samples": 2, "estimates_in": [3]},
            "beginnings of addresses",
        ),
        ({"axes": {"pue": {"a": {}, "b": {}}}}, "study → axes.pue: a name of the results"),
        ({"axes": {"use": {"a": {}, "b": {}}}}, "study → axes.use"),
        ({"axes": {"site_power": {"a": {}}}, "hourly": ["site_power"]}, "study → axes.site_power"),
        ({"cases": "some.csv"}, "design: table"),
    ],
)
def test_faults(more: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        twin.study(BASE | more, out=tmp_path / "r.zarr")
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_faults_of_a_table(tmp_path: Path) -> None:
    table = tmp_path / "cases.csv"
    table.write_text("weather,weather\nphoenix,chicago\n")
    study: dict[str, Any] = {"site": SITE, "hours": 2, "design": "table", "cases": str(table)}
    with pytest.raises(InputError, match="the column 'weather' a second time"):
        plan_study(study)
    table.write_text("weather\nphoenix\n")
    with pytest.raises(InputError, match="axes beside a table"):
        plan_study(study | {"axes": TWO})


def test_lengths_of_time_with_units() -> None:
    assert plan_study(BASE | {"hours": "7 days"}).steps == 168
    assert plan_study(BASE | {"hours": "3", "step_s": "15 min"}).steps == 12


def test_an_axis_goes_before_its_estimate() -> None:
    sampled = BASE | {"design": "random", "samples": 2, "estimates": "10 %", "estimates_in": ["cooling.fws"]}
    spread = plan_study(sampled).recipe.axes[1]
    assert spread.spread is not None
    low = spread.spread.numbers[0]
    own = {spread.name: [low if spread.unit == "1" else f"{low!r} {spread.unit}"]}
    found = [axis for axis in plan_study(sampled | {"axes": own}).recipe.axes if axis.name == spread.name]
    assert [axis.numbers for axis in found] == [pytest.approx((low,))]


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """Ten requests a minute for two hours."""
    rows = [
        f"2023-11-16 {18 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d},374,44" for i in range(0, 7200, 6)
    ]
    path = tmp_path / "requests.csv"
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]), encoding="utf-8")
    return path


def test_requests_are_a_load(requests: Path) -> None:
    """Each case answers them with its own racks, as a run does."""
    axes = {"load": ["training", str(requests)], "load.request_scale": [1, 50]}
    ds = twin.study(BASE | {"axes": axes})
    assert (ds["status"] == 1).all()
    for scale in (1, 50):
        run = twin.simulate(SITE, load=requests, hours=2, changes={"load.request_scale": scale})
        assert (
            float(ds["tokens"].sel({"load": str(requests), "load.request_scale": scale}))
            == twin.summarize(run).tokens
        )
    before = plan_study(BASE | {"load": str(requests)}).identity["load"]
    requests.write_text(requests.read_text(encoding="utf-8").replace(",44", ",45"), encoding="utf-8")
    assert plan_study(BASE | {"load": str(requests)}).identity["load"] != before


def test_a_cluster_does_not_see_a_file_of_requests(requests: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--workers 2"):
        twin.study(BASE | {"load": str(requests)}, scheduler="tcp://127.0.0.1:1", out=tmp_path / "r.zarr")
    assert not (tmp_path / "r.zarr").exists()


def test_the_own_trace_of_a_site_is_read_once(tmp_path: Path) -> None:
    """It travels with the study: a case computes without the file."""
    trace = tmp_path / "mine.csv"
    lines = [f"2023-01-01T{hour:02d}:00,{30 + hour}" for hour in range(24)]
    trace.write_text("\n".join(["time,utilisation [%]", *lines]), encoding="utf-8")
    site = twin.change_site(load_site(SITE), {"load.trace": str(trace)})
    plan = plan_study(twin.Study(axes=TWO, site=site, hours=2))
    by_name = twin.summarize(twin.simulate(site, hours=2, changes={"cooling.fws.supply": "30 degC"})).pue
    trace.unlink()
    assert twin.summarize(run_case(plan.recipe, plan.cases[0])).pue == by_name


def test_files_beside_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study is read from another folder: what its axes name stands beside it."""
    (tmp_path / "mine.csv").write_text(
        "time,utilisation [%]\n2023-01-01T00:00,30\n2023-01-01T01:00,60\n2023-01-01T02:00,40\n",
        encoding="utf-8",
    )
    (tmp_path / "s.yaml").write_text(
        f"site: {SITE}\nhours: 2\naxes:\n  load: [training, mine.csv]\n", encoding="utf-8"
    )
    monkeypatch.chdir(Path(__file__).parent)
    assert set(plan_study(tmp_path / "s.yaml").recipe.loads) == {"training", str(tmp_path / "mine.csv")}


@pytest.mark.parametrize(("begun", "said"), [(False, "Nothing was written."), (True, "--resume goes on")])
def test_a_stop_says_what_is_kept(
    twin_cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begun: bool, said: str
) -> None:
    def stopped(*_: object, out: Path, **__: object) -> None:
        if begun:
            out.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("twin.study", stopped)
    found = twin_cli("study", "free-cooling", "--out", tmp_path / "k.zarr")
    assert found.code == 130
    assert said in found.err
