"""Pictures of a study without a browser: valid, small, and saying what its cases say."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr
from twin_dashboard.figures import studies
from twin_dashboard.figures.study_columns import axes, outcome, outcomes
from twin_dashboard.pages.studies import table

import twin
from twin.studies.cases import SUMMARY
from twin.studies.file import Study

LIMIT_BYTES = 200_000
SITE = "enterprise-3-rack-gb300"


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    """Two climates by three temperatures, a day each."""
    varied = {"weather": ["phoenix", "chicago"], "cooling.fws.supply": "30..40 degC by 5"}
    return twin.study(Study(axes=varied, site=SITE, hours=24, start="2023-07-01T00:00"))


def made_up(n: int, k: int) -> xr.Dataset:
    """Results of a sampled study of ``n`` cases over ``k`` axes; PUE goes with the last axis only."""
    rng = np.random.default_rng(1)
    axis = {
        f"cooling.fws.part{i}": ("case", rng.random(n), {"units": "K", "long_name": f"Part {i}"})
        for i in range(k)
    }
    last = axis[f"cooling.fws.part{k - 1}"][1]
    names = [name for name in SUMMARY if "." not in name]
    data: dict[str, Any] = {name: ("case", rng.random(n) + 1.0) for name in names}
    data |= {
        "pue": ("case", 1.1 + 0.1 * last),
        "status": ("case", np.ones(n, np.uint8)),
        "error": ("case", np.full(n, "", object)),
    }
    return xr.Dataset(data, axis | {"case": np.arange(n)}, {"study": {"show": ["pue"], "name": "made up"}})


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("system", ["si", "ip"])
def test_figures_are_valid_and_small(ds: xr.Dataset, theme: str, system: str) -> None:
    many = made_up(2000, 30)
    made = [
        studies.parallel(one, "pue", which, theme, system) for one in (ds, many) for which in studies.TENTHS
    ]
    made += [
        studies.heat_map(ds, "pue", *over, theme, system)
        for over in (("weather", "cooling.fws.supply"), ("weather", ""))
    ]
    made.append(studies.heat_map(many, "pue", "cooling.fws.part0", "cooling.fws.part1", theme, system))
    for figure in made:
        go.Figure(figure)
        assert figure["data"]
        assert len(json.dumps(figure, allow_nan=False)) <= LIMIT_BYTES


def test_a_map_holds_the_values_of_its_cases(ds: xr.Dataset) -> None:
    trace = studies.heat_map(ds, "pue", "weather", "cooling.fws.supply", "light", "si")["data"][0]
    flat = ds["pue"].values.ravel()
    for up in range(3):
        for across in range(2):
            case = trace["customdata"][up][across]
            assert ds["pue"].values[across, up] == flat[case]
            assert trace["z"][up][across] == pytest.approx(flat[case], rel=1e-4)  # five digits are sent


def test_a_cell_of_several_cases_is_their_mean_and_picks_the_lowest(ds: xr.Dataset) -> None:
    both = xr.concat([ds, ds], "cooling.tcs.supply").assign_coords({"cooling.tcs.supply": [30.0, 35.0]})
    both["pue"] = both["pue"].transpose() + xr.DataArray([0.2, 0.0], dims="cooling.tcs.supply")
    dims = both["pue"].dims
    both = both.transpose(*dims, ...)
    trace = studies.heat_map(both, "pue", "weather", "cooling.fws.supply", "light", "si")["data"][0]
    cell = both["pue"].sel(weather="phoenix").isel({"cooling.fws.supply": 0}).values
    assert trace["z"][0][1] == pytest.approx(cell.mean(), rel=1e-4) or trace["z"][0][0] == pytest.approx(
        cell.mean(), rel=1e-4
    )
    assert both["pue"].values.ravel()[trace["customdata"][0][0]] in both["pue"].values.min(
        axis=dims.index("cooling.tcs.supply")
    )


def test_units_follow_the_system(ds: xr.Dataset) -> None:
    si, ip = (axes(ds, system)[1] for system in ("si", "ip"))
    assert (si.unit, ip.unit) == ("°C", "°F")
    assert ip.values == pytest.approx(si.values * 1.8 + 32.0)
    hot = [outcome(ds, "max_chip_temperature_degc", system) for system in ("si", "ip")]
    assert hot[1].values == pytest.approx(hot[0].values * 1.8 + 32.0)
    energy = outcome(ds, "facility_energy_kwh", "si")
    assert energy.unit == "MWh"
    assert energy.values == pytest.approx(ds["facility_energy_kwh"].values.ravel() / 1000.0)


def test_of_many_axes_the_one_that_matters_is_shown() -> None:
    many = made_up(300, 30)
    shown = studies.strongest(axes(many, "si"), outcome(many, "pue", "si"), studies.MOST_AXES)
    assert len(shown) == studies.MOST_AXES
    assert shown[0].name == "cooling.fws.part29"


def test_a_tenth_is_marked_at_the_end_that_was_asked_for() -> None:
    order = np.arange(40)[::-1]
    assert studies.chosen(order, "low") == {39, 38, 37, 36}
    assert studies.chosen(order, "high") == {0, 1, 2, 3}
    assert len(studies.chosen(order, "all")) == 40


def test_a_study_without_finished_cases_says_so(ds: xr.Dataset) -> None:
    none = ds.assign(status=ds["status"] * 0)
    for figure in (
        studies.parallel(none, "pue", "all", "light", "si"),
        studies.heat_map(none, "pue", "", "", "light", "si"),
    ):
        assert figure["layout"]["annotations"][0]["text"] == studies.WAITING
    assert table(none, "si")[1] == []


def test_the_table_has_every_finished_case(ds: xr.Dataset) -> None:
    half = ds.copy(deep=True)
    half["status"][0, :] = 0
    half["status"][1, 0], half["error"][1, 0] = 2, "no room"
    heads, rows = table(half, "si")
    assert [row["case"] for row in rows] == [3, 4, 5]
    assert rows[0]["error"] == "no room"
    assert "Failed" in [head["headerName"] for head in heads]
    column = next(head["field"] for head in heads if head["headerName"] == "PUE")
    assert rows[1][column] == pytest.approx(float(ds["pue"].values[1, 1]), rel=1e-4)
    assert outcomes(ds)[0] == "pue"
