"""Series of some cases only: which ones, where they stand in the store, what a reader gets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twin_sites.errors import InputError

import twin
from twin.studies.plan import plan_study
from twin.studies.report import study_report

pytest.importorskip("zarr", reason="the extra 'study' is not installed")

SITE = "enterprise-3-rack-gb300"
STEPS = 6
BASE: dict[str, Any] = {"site": SITE, "hours": STEPS, "hourly": ["site_power"], "chunk": 2}
AXES = {"weather": ["phoenix", "chicago"], "cooling.fws.supply": "30..38 degC by 4"}


def kept_rows(more: dict[str, Any]) -> list[int]:
    plan = plan_study(BASE | {"axes": AXES} | more)
    return np.flatnonzero(plan.case_of < plan.kept).tolist()


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (None, [0, 1, 2, 3, 4, 5]),
        ({"weather": "chicago"}, [3, 4, 5]),
        ({"cooling.fws.supply": "93.2 degF"}, [1, 4]),
        ({"weather": ["phoenix"], "cooling.fws.supply": "34..38 degC by 4"}, [1, 2]),
        (1, [0]),
        (2, [0, 5]),
        (6, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_which_cases(wanted: Any, rows: list[int]) -> None:
    assert kept_rows({"hourly_of": wanted}) == rows


def test_relative_set_points_and_repeated_cases() -> None:
    axes = {"cooling.tcs.supply": "fws + 2..4 K by 1"}
    assert kept_rows({"axes": axes, "hourly_of": {"cooling.tcs.supply": "fws + 3 K"}}) == [1]
    same = {"cooling.fws.supply": ["30 degC", "32 degC", "86 degF"]}
    assert kept_rows({"axes": same, "hourly_of": 1}) == [0, 2]  # one case, in the design twice


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"hourly_of": {"wether": "phoenix"}}, "did you mean 'weather'"),
        ({"hourly_of": {"weather": "phenix"}}, "did you mean 'phoenix'"),
        ({"hourly_of": {"cooling.fws.supply": "31 degC"}}, "30.0, 34.0, 38.0 degC"),
        ({"hourly_of": {"cooling.fws.supply": "31 kW"}}, "kW"),
        ({"hourly_of": 7}, "1 to 6"),
        ({"hourly_of": 0}, "1 to 6"),
        ({"hourly_of": "some"}, "a number of cases"),
        ({"hourly_of": True}, "a number of cases"),
        ({"hourly": [], "hourly_of": 2}, "with 'hourly'"),
        ({"axes": {"cooling.tcs.supply": "fws + 2..4 K by 1"}, "hourly_of": {"cooling.tcs.supply": "30 degC"}}, "fws + 2.0"),
        ({"design": "zipped", "axes": {"weather": ["phoenix", "chicago"], "house.share": [0, 0.01]},
          "hourly_of": {"weather": "phoenix", "house.share": 0.01}}, "no case has all"),
        ({"design": "latin-hypercube", "samples": 4, "axes": {"cooling.fws.supply": "30..34 degC"},
          "hourly_of": {"cooling.fws.supply": "31 degC"}}, "a spread"),
    ],
)  # fmt: skip
def test_faults(more: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_study(BASE | {"axes": AXES} | more)
    assert says in str(caught.value)


def test_only_they_stand_in_the_store(tmp_path: Path) -> None:
    """Summaries are of all cases and the same as without series; a series equals its run; duration curves are drawn."""
    some, none = tmp_path / "some.zarr", tmp_path / "none.zarr"
    wanted = {"weather": "chicago"}
    twin.study(BASE | {"axes": AXES, "hourly_of": wanted, "percentiles": ["site_pue"]}, out=some)
    twin.study(BASE | {"axes": AXES, "hourly": []}, out=none)
    ds = twin.open_study(some, hourly=["site_power"])
    np.testing.assert_array_equal(ds["pue"], twin.open_study(none)["pue"])
    assert ds["site_power"].shape == (3, STEPS)
    assert ds["kept"].values.tolist() == [3, 4, 5]
    assert ds["kept.weather"].values.tolist() == ["chicago"] * 3
    assert ds["kept.cooling.fws.supply"].values.tolist() == [30.0, 34.0, 38.0]
    assert ds["percentiles"].notnull().all()
    one = twin.simulate(SITE, weather="chicago", hours=STEPS, changes={"cooling.fws.supply": "34 degC"})
    np.testing.assert_array_equal(ds["site_power"].values[1], one["site_power"].values.astype(np.float32))
    assert "chicago, 30.0" in study_report([some], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "kept" not in twin.open_study(some).dims


def test_workers_do_not_change_a_byte(tmp_path: Path) -> None:
    for workers in (1, 2):
        twin.study(BASE | {"axes": AXES, "hourly_of": {"cooling.fws.supply": "34 degC"}}, out=tmp_path / f"{workers}.zarr", workers=workers)  # fmt: skip
    trees = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "1.zarr", tmp_path / "2.zarr")
    ]
    assert trees[0] == trees[1]
