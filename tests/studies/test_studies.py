"""Studies: axes as people write them, designs, equal cases, failing cases, what a result holds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twin_sites.errors import InputError
from twin_sites.loader import sites

import twin
from twin.errors import RunError
from twin.metrics import summarize
from twin.run_report import NAMES
from twin.studies.analysis import case_table, digest, digest_text
from twin.studies.axes import Spread, read_axis
from twin.studies.cases import SUMMARY, numbers
from twin.studies.effects import spans
from twin.studies.plan import plan_study
from twin.studies.run import Study, Tally

SITE = "enterprise-3-rack-gb300"
SHORT: dict[str, Any] = {"site": SITE, "hours": 6}


def axis(name: str, written: Any) -> Any:
    return read_axis(twin.load_site(SITE), name, written, "study")


@pytest.mark.parametrize(
    ("name", "written", "numbers"),
    [
        ("cooling.fws.supply", "20..30 degC by 2.5", [20, 22.5, 25, 27.5, 30]),
        ("cooling.fws.supply", "68 degF..86 degF by 9 degF", [20, 25, 30]),
        ("cooling.fws.supply", ["86 degF", "30 degC"], [30, 30]),
        ("cooling.tcs.supply", "fws + 2..4 K by 1", [2, 3, 4]),
        ("racks.compute.count", "1..3 by 1", [1, 2, 3]),
        ("house.share", "0..0.02 by 0.01", [0, 0.01, 0.02]),
        ("site.ambient_offset", "2 K", [2]),
    ],
)
def test_numbers_of_an_axis(name: str, written: Any, numbers: list[float]) -> None:
    found = axis(name, written)
    assert found.numbers == pytest.approx(numbers, abs=0)
    site = twin.load_site(SITE)
    for value in found.grid():  # what it changes is what was written
        assert twin.change_site(site, dict(found.changes(value))) is not site


def test_a_relative_set_point_stays_relative() -> None:
    changed = twin.change_site(
        twin.load_site(SITE), dict(axis("cooling.tcs.supply", "fws + 2..4 K by 1").changes(3.0))
    )
    assert changed.cooling["tcs"].supply == ("fws", 3.0)


@pytest.mark.parametrize(
    ("name", "written", "says"),
    [
        ("cooling.fws.suply", "20..30 degC by 1", "did you mean 'cooling.fws.supply'"),
        ("weathr", ["phoenix"], "did you mean 'weather'"),
        ("cooling.fws.supply", "20..30 degC by 0", "step above zero"),
        ("cooling.fws.supply", "30..20 degC by 1", "low..high"),
        ("cooling.fws.supply", "20..30 degC by 1 kW", "one unit"),
        ("cooling.fws.supply", "20..30 by 1", "no unit"),
        ("cooling.fws.supply", "20..300 degC by 1", "5 to 60"),
        ("cooling.fws.supply", "normal(30 degC, 20 K)", "narrower"),
        ("cooling.fws.supply", "gaussian(30 degC, 2 K)", "normal(mean, sigma)"),
        ("cooling.fws.supply", "uniform(40 degC, 30 degC)", "order"),
        ("cooling.fws.supply", [], "1 to 10,000"),
        ("racks.compute.count", [1.5], "whole number"),
        ("racks.compute.system", ["nvidia-gb300-nvl7"], "did you mean"),
        ("power.ups.mode", ["eko"], "eco"),
        ("spares", {"N": 3}, "mapping"),
        ("spares", {"N": {"cooling.fws.pump.spar": 0}}, "did you mean"),
        ("cooling.fws", "20..30 degC by 1", "not a single value"),
    ],
)
def test_faults_say_what_to_try(name: str, written: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        axis(name, written)
    text = str(caught.value)
    assert says in text
    assert text.startswith("study")
    assert "Allowed" in text


@pytest.mark.parametrize(
    ("spread", "mean"),
    [
        (Spread("uniform", (20.0, 40.0)), 30.0),
        (Spread("normal", (30.0, 2.0)), 30.0),
        (Spread("triangular", (20.0, 30.0, 46.0)), 32.0),
    ],
)
def test_spreads_have_their_mean_and_rise(spread: Spread, mean: float) -> None:
    share = (np.arange(10_000) + 0.5) / 10_000
    values = spread.at(share)
    assert values.mean() == pytest.approx(mean, rel=1e-4)
    assert (np.diff(values) > 0).all()
    assert np.isfinite(spread.ends).all()


@pytest.mark.parametrize("design", ["random", "latin-hypercube", "sobol", "morris"])
def test_sampled_designs_are_seeded_and_stay_inside(design: str) -> None:
    axes = {
        "cooling.fws.supply": "20..40 degC",
        "weather": ["phoenix", "chicago"],
        "racks.compute.count": "1..3",
    }
    one, same, other = (
        plan_study(Study(axes, SITE, design=design, samples=16, seed=seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.design, same.design)
    assert one.recipe.key == same.recipe.key != other.recipe.key
    assert len(one.design) == 16 * {"sobol": 5, "morris": 4}.get(design, 1)
    low, high = one.design.min(axis=0), one.design.max(axis=0)
    assert (low >= [20, 0, 1]).all()
    assert (high <= [40, 1, 3]).all()
    assert (one.design[:, 1:] % 1 == 0).all()


def test_factorial_has_the_axes_as_dimensions_and_agrees_with_simulate() -> None:
    seen: list[Tally] = []
    ds = twin.study(
        SHORT
        | {
            "axes": {"weather": ["phoenix", "chicago"], "cooling.fws.supply": "24..32 degC by 4"},
            "outputs": {"hourly": ["site_power"], "percentiles": ["loop_supply_temperature:fws"], "at": [50]},
        },
        progress=seen.append,
    )
    assert ds["pue"].dims == ("weather", "cooling.fws.supply")
    assert ds["cooling.fws.supply"].values.tolist() == [24, 28, 32]
    assert ds["cooling.fws.supply"].attrs["units"] == "degC"
    one = twin.simulate(SITE, weather="chicago", hours=6, changes={"cooling.fws.supply": "28 degC"})
    case = ds.sel({"weather": "chicago", "cooling.fws.supply": 28})
    summary = summarize(one)
    assert float(case["pue"]) == summary.pue
    assert float(case["energy_kwh"].sel(use="pumps_fws")) == summary.energy_kwh["pumps_fws"]
    assert float(case["percentiles"].squeeze()) == np.median(
        one["loop_supply_temperature"].sel(loop="fws").values
    )
    assert seen[-1] == Tally(6, 0, 6, 6)
    assert (ds["status"] == 1).all()


def test_hourly_series_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "r.zarr"
    twin.study(SHORT | {"axes": {"weather": ["phoenix"]}, "hourly": ["site_power"]}, out=out)
    kept = twin.open_study(out, hourly=["site_power"])["site_power"]
    one = twin.simulate(SITE, weather="phoenix", hours=6)["site_power"].values
    np.testing.assert_array_equal(kept.values[0], one.astype(np.float32))
    with pytest.raises(InputError, match="site_power"):
        twin.open_study(out, hourly=["site_powr"])


def test_equal_cases_are_computed_once() -> None:
    seen: list[Tally] = []
    axes = {"cooling.fws.supply": ["86 degF", "30 degC", "32 degC"], "weather": ["phoenix", "phoenix"]}
    ds = twin.study(SHORT | {"axes": axes}, progress=seen.append)
    assert seen[-1].total == 2
    assert ds["pue"].shape == (3, 2)
    assert np.unique(ds["pue"].values[:2]).size == 1
    assert ds["pue"].values[2, 0] != ds["pue"].values[0, 0]


def test_a_failing_case_is_recorded_and_the_others_go_on() -> None:
    axes = {"cooling.fws.pump.out_of_service": [0, 99, 1]}
    ds = twin.study(SHORT | {"axes": axes})
    assert ds["status"].values.tolist() == [1, 2, 1]
    assert "99" in str(ds["error"].values[1])
    assert np.isnan(ds["pue"].values[1])
    assert np.isfinite(ds["pue"].values[[0, 2]]).all()
    assert digest(ds)["failed"] == 1


def test_a_machine_short_of_memory_fails_no_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine cannot do is to be done again, not recorded as a failing case."""
    from twin.studies import cases as studies_cases

    real, calls = studies_cases.run_case, []

    def short(*words: Any) -> Any:
        calls.append(words)
        if len(calls) == 3:
            raise MemoryError
        return real(*words)

    study = SHORT | {"axes": {"cooling.fws.supply": "26..32 degC by 2"}, "chunk": 1}
    with monkeypatch.context() as patch:
        patch.setattr(studies_cases, "run_case", short)
        with pytest.raises(RunError, match=r"out of memory.*--resume"):
            twin.study(study, out=tmp_path / "r.zarr")
    assert twin.open_study(tmp_path / "r.zarr")["status"].values.tolist() == [1, 1, 0, 0]
    ds = twin.study(study, out=tmp_path / "r.zarr", resume=True)
    assert ds["status"].values.tolist() == [1, 1, 1, 1]


def test_zipped_table_and_named_options(tmp_path: Path) -> None:
    zipped = twin.study(
        SHORT
        | {"design": "zipped", "axes": {"weather": ["phoenix", "chicago"], "racks.compute.count": [1, 2]}}
    )
    assert zipped["pue"].dims == ("case",)
    (tmp_path / "cases.csv").write_text(
        "weather,racks.compute.count\nphoenix,1\nchicago,2\n", encoding="utf-8"
    )
    (tmp_path / "s.yaml").write_text(
        f"site: {SITE}\nhours: 6\ndesign: table\ncases: cases.csv\n", encoding="utf-8"
    )
    table = twin.study(tmp_path / "s.yaml")
    np.testing.assert_array_equal(table["pue"].values, zipped["pue"].values)
    named = twin.study(
        SHORT
        | {
            "axes": {
                "place": {
                    "hot": {"weather": "phoenix", "racks.compute.count": 1},
                    "cold": {"weather": "chicago", "racks.compute.count": 2},
                }
            }
        }
    )
    np.testing.assert_array_equal(named["pue"].sel(place=["hot", "cold"]).values, zipped["pue"].values)


def test_every_fault_of_a_study_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "site: gb300-10mw\ndesing: zipped\ndesign: factorial\naxes:\n  weathr: [phoenix]\n  weather: [phenix]\n"
        "  cooling.fws.supply: 20..30 degC\nhourly: [site_powr, loop_flow]\nat: [500]\nseed: x\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        plan_study(path)
    text = str(caught.value)
    for word in (
        "line 2 → desing",
        "line 5 → axes.weathr",
        "'phoenix'",
        "site_power",
        "loop_flow:NAME",
        "line 10",
    ):
        assert word in text, f"{word}\n{text}"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"axes": {}}, "at least one"),
        ({"axes": {"weather": ["phoenix"]}, "design": "zip"}, "zipped"),
        ({"axes": {"weather": ["phoenix"]}, "design": "sobol"}, "samples"),
        ({"axes": {"weather": ["phoenix"]}, "design": "sobol", "samples": 100}, "power of two"),
        (
            {"axes": {"weather": ["phoenix", "chicago"], "load": ["mixed"]}, "design": "zipped"},
            "as many values",
        ),
        ({"axes": {"cooling.fws.supply": "20..30 degC"}}, "by"),
        ({"design": "table"}, "CSV"),
        ({"axes": {"weather": ["phoenix"]}, "changes": {"cooling.fws.suply": "30 degC"}}, "did you mean"),
    ],
)
def test_faults_of_a_design(more: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        plan_study(SHORT | more)


@pytest.mark.parametrize("site", sites())
def test_every_number_of_a_summary_has_its_column(site: str) -> None:
    summary = summarize(twin.simulate(site, hours=6))
    assert set(summary.energy_kwh) <= set(NAMES)
    found = dict(zip(SUMMARY, numbers(summary), strict=True))
    assert found["pue"] == summary.pue
    assert found["energy_kwh.it"] == summary.energy_kwh["it"]
    assert found["warnings"] == len(summary.warnings)


def test_tables_and_digest() -> None:
    ds = twin.study(SHORT | {"axes": {"weather": ["phoenix", "chicago"], "load": ["training", "inference"]}})
    table = case_table(ds)
    assert len(table) == 4
    assert table["energy_kwh.it"].sum() == pytest.approx(float(ds["it_energy_kwh"].sum()))
    low = digest(ds)["extremes"]["pue"]["lowest"]
    assert low["value"] == float(ds["pue"].min())
    assert float(ds["pue"].sel(low["case"])) == low["value"]
    assert "pue" in digest_text(ds)


def test_a_digest_says_what_is_no_record_and_what_is_relative() -> None:
    ds = twin.study(
        {
            "site": "gb300-10mw",
            "hours": 2,
            "axes": {"weather": ["dublin", "phoenix"], "cooling.condenser.supply": "wet_bulb + 3..5 K by 2"},
        }
    )
    text = digest_text(ds)
    assert "no record: dublin (synthetic)" in text
    assert "wet_bulb + 3 K" in text
    assert digest(ds)["synthetic_weather"] == ["dublin (synthetic)"]
    assert "in every case" in text
    missed = ds.assign(unmet_cooling_hours=ds["unmet_cooling_hours"] + 1.0)
    assert digest(missed)["unmet"] == 4
    assert "in some hours of 4 of 4 cases" in digest_text(missed)
    assert {span.at_lowest for span in spans(ds, "pue")} <= {
        "dublin",
        "phoenix",
        "wet_bulb + 3 K",
        "wet_bulb + 5 K",
    }


def test_the_module_noun_does_not_hide_the_verb() -> None:
    import twin.studies.plan
    import twin.studies.run

    assert callable(twin.study)
