"""What a study says: indices against a function whose answer is known, spans, bands, reports, ready-made studies."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from twin_sites.addresses import addresses
from twin_sites.errors import InputError

import twin
from twin.studies.cases import DONE, run_chunk
from twin.studies.designs import matrix
from twin.studies.effects import against_degree_hours, band, indices, ranks, spans
from twin.studies.estimates import estimate_axes
from twin.studies.file import Study, read_study, ready_made
from twin.studies.plan import plan_study
from twin.studies.report import study_report

SITE = "enterprise-3-rack-gb300"
AXES = {"cooling.fws.supply": "30..42 degC", "racks.compute.count": "1..3", "site.ambient_offset": "0..4 K"}
NEAR_INDEX = 0.02


def sampled(design: str, samples: int, answer: Any) -> xr.Dataset:
    """A study's Dataset whose PUE is a known function of its axes."""
    plan = plan_study(
        Study({k: v for k, v in AXES.items() if "count" not in k}, SITE, design=design, samples=samples)
    )
    axes = plan.recipe.axes
    values = matrix(design, list(axes), samples, 0)
    coords = {axis.name: ("case", values[:, i]) for i, axis in enumerate(axes)}
    data = {name: ("case", answer(values)) for name in ("pue",)}
    data |= {"status": ("case", np.ones(len(values)))}
    about = {"study": {"design": design, "samples": samples, "seed": 0, "show": ["pue"], "name": "x"}}
    return xr.Dataset(data, coords, about)


def test_sobol_indices_of_a_plane() -> None:
    """y = 3 u + v over the unit square: S1 = ST = 9/10 and 1/10."""
    ds = sampled("sobol", 512, lambda x: 3.0 * (x[:, 0] - 30.0) / 12.0 + x[:, 1] / 4.0)
    found = indices(ds, "pue")
    assert found is not None
    for axis, share in (("cooling.fws.supply", 0.9), ("site.ambient_offset", 0.1)):
        assert found[axis]["S1"] == pytest.approx(share, abs=NEAR_INDEX)
        assert found[axis]["ST"] == pytest.approx(share, abs=NEAR_INDEX)


def test_morris_measures_of_a_plane() -> None:
    """Elementary effects of a plane are its slopes, without spread."""
    ds = sampled("morris", 8, lambda x: 3.0 * (x[:, 0] - 30.0) / 12.0 + x[:, 1] / 4.0)
    found = indices(ds, "pue")
    assert found is not None
    assert found["cooling.fws.supply"]["mu_star"] == pytest.approx(3.0, rel=1e-6)
    assert found["site.ambient_offset"]["mu_star"] == pytest.approx(1.0, rel=1e-6)
    assert found["site.ambient_offset"]["sigma"] == pytest.approx(0.0, abs=1e-6)


def test_ranks_find_what_a_number_follows() -> None:
    """A monotone function of one axis follows it and not the other; a small or a gridded study says nothing."""
    ds = sampled("latin-hypercube", 200, lambda x: np.exp(-x[:, 0] / 3.0))
    (found,) = ranks(ds, "pue")
    assert found.axis == "cooling.fws.supply"
    assert found.correlation == pytest.approx(-1.0)
    assert found.at_low > found.at_high
    assert ranks(sampled("latin-hypercube", 20, lambda x: x[:, 0]), "pue") == []
    assert ranks(sampled("sobol", 64, lambda x: x[:, 0]), "pue") == []


def test_indices_are_undefined_where_a_case_is_missing() -> None:
    ds = sampled("sobol", 8, lambda x: np.where(np.arange(len(x)) == 3, np.nan, x[:, 0]))
    assert indices(ds, "pue") is None


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "r.zarr"
    axes = {
        "weather": ["phoenix", "chicago", "singapore"],
        "cooling.fws.supply": "25..41 degC by 8",
        "cooling.fws.pump.out_of_service": [0, 99],
    }
    twin.study(
        {"site": SITE, "hours": 24, "start": "2023-07-01T00:00", "axes": axes, "hourly": ["site_power"]},
        out=out,
    )
    return out


def test_spans_and_bands_are_those_of_the_cases(store: Path) -> None:
    ds = twin.open_study(store)
    found = {span.axis: span for span in spans(ds, "pue")}
    means = ds["pue"].mean(["cooling.fws.supply", "cooling.fws.pump.out_of_service"])
    assert found["weather"].lowest == pytest.approx(float(means.min()))
    assert found["weather"].at_highest == str(means.idxmax().item())
    low, middle, high = band(ds, "pue")
    assert float(ds["pue"].min()) <= low <= middle <= high <= float(ds["pue"].max())


def test_a_straight_line_against_degree_hours_is_found(store: Path) -> None:
    ds = twin.open_study(store)
    hours = xr.DataArray(
        [ds.attrs["weather_facts"][name]["wet_bulb_degree_hours"] for name in ds["weather"].values],
        dims="weather",
    )
    ds["pue"] = 1.05 + 2e-6 * hours + 0.0 * ds["pue"].fillna(0.0)
    line = against_degree_hours(ds, "pue")
    assert line is not None
    assert (line.intercept, line.slope, line.r2) == pytest.approx((1.05, 2e-3, 1.0))


def test_reports(store: Path, tmp_path: Path) -> None:
    """HTML in one file without the vendor's share button, Markdown with the numbers, tables of all cases."""
    import pandas as pd

    ds = twin.open_study(store)
    page = study_report([store, store], tmp_path / "r.html").read_text(encoding="utf-8")
    assert '<script src="http' not in page
    assert page.count('"showSendToCloud": false') == page.count('class="plotly-graph-div"') > 3
    assert "Beside other studies" in page
    assert "singapore (synthetic)" in page
    text = study_report([store], tmp_path / "r.md").read_text(encoding="utf-8")
    assert (
        f"{float(ds['pue'].sel(weather='phoenix').mean(['cooling.fws.pump.out_of_service']).values[0]):.5g}"
        in text
    )
    assert "9 done, 9 failed" in text
    assert "Cases that failed" in text
    for suffix, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        table = read(study_report([store], tmp_path / f"r{suffix}"))
        assert len(table) == 18
        assert np.nanmin(table["pue"]) == float(ds["pue"].min())
    with pytest.raises(InputError, match=r"\.html"):
        study_report([store], tmp_path / "r.pdf")


def test_every_estimate_is_varied_or_counted() -> None:
    """Numbers by their share, temperatures by that of 20 K, up to their bounds; what is left out is counted."""
    site = twin.load_site(SITE)
    whole = estimate_axes(site, 0.1, ())
    marked = [entry for entry in addresses(site) if entry.origin.confidence == "estimate"]
    assert len(whole.axes) + sum(whole.left_out.values()) == len(marked)
    assert set(whole.left_out) <= {"defaults of the program", "words and curves", "counts", "zero"}
    spreads = {axis.name: axis.spread.ends for axis in whole.axes if axis.spread is not None}
    values = {entry.address: entry.value for entry in marked}
    cut = 0
    for axis in whole.axes:
        low, high = spreads[axis.name]
        value = values[axis.name]
        half = 2.0 if axis.unit == "degC" else 0.1 * abs(value)
        wide = low == pytest.approx(value - half) and high == pytest.approx(value + half)
        cut += not wide
        assert value - half * 1.0001 <= low <= value <= high <= value + half * 1.0001
    assert 0 < cut < 0.1 * len(whole.axes)
    assert spreads["racks.compute.accelerator_liquid"] == pytest.approx((0.9, 1.0))  # a share ends at 1
    assert spreads["racks.compute.accelerator.throttle"] == pytest.approx((85.0, 89.0))


def test_estimates_in_a_study(tmp_path: Path) -> None:
    axes = estimate_axes(twin.load_site(SITE), 0.1, ["cooling"]).axes
    assert len(axes) > 10
    assert all(axis.name.startswith("cooling") for axis in axes)
    ds = twin.study(
        {
            "site": SITE,
            "hours": 6,
            "estimates": "10 %",
            "estimates_in": ["cooling"],
            "design": "latin-hypercube",
            "samples": 8,
        }
    )
    assert (ds["status"] == DONE).all()
    assert np.unique(ds["pue"].values).size == 8
    assert len(spans(ds, "pue")) == len(axes)
    twin.study(ds.attrs["study"] | {"site": SITE, "axes": {}}, out=tmp_path / "r.zarr")
    text = study_report([tmp_path / "r.zarr"], tmp_path / "r.md").read_text(encoding="utf-8")
    assert "varied by 10 % up and down. Left out: " in text
    assert "defaults of the program" in text


@pytest.mark.parametrize("name", sorted(ready_made()))
def test_a_ready_made_study_runs(name: str) -> None:
    """Its plan has no fault, and its first and last case are computed."""
    study = replace(read_study(name).study, hours=24.0)
    plan = plan_study(study)
    assert study.title
    found = run_chunk(plan.recipe, plan.cases[[0, -1]])
    assert found.errors == ["", ""]


def test_command_line(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from twin.cli import main

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["twin", "study", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out, said.err

    monkeypatch.chdir(tmp_path)
    assert {row["name"] for row in json.loads(call("list", "--json")[1])} == set(ready_made())
    assert "site-selection" in call("show", "site-selection")[1]
    assert call("show", "site-selektion")[0] == 2
    assert call("report")[0] == 2
    assert call("report", store, "--out", "x.md")[0] == 0
    assert call("report", tmp_path / "nothing.zarr")[0] == 2
    assert call("no-such-study")[0] == 2
    assert "did you mean 'site-selection'" in call("site-selektion")[2]
    (tmp_path / "s.yaml").write_text(
        f"site: {SITE}\nhours: 6\naxes: {{cooling.fws.pump.out_of_service: [0, 99]}}\n", encoding="utf-8"
    )
    code, out, err = call("s.yaml", "--workers", 1, "--json")
    assert code == 1
    assert json.loads(out)["failed"] == 1
    assert "1 of 2 cases failed" in err
