"""Figures without a browser: valid for plotly, both themes and unit systems, and saying what the result says."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr
from twin_dashboard.figures import climate, duration, energy_flow, months, moved, psychro, series
from twin_dashboard.tokens import THEMES

import twin

LIMIT_BYTES = 200_000


def figures(ds: Any, base: Any, theme: str, system: str) -> dict[str, Any]:
    """Every figure of the dashboard."""
    return {
        "flow": energy_flow.energy_flow(ds, theme), "climate": climate.pue_by_wet_bulb(ds, base, theme, system), "overhead": months.overhead(ds, theme),
        "duration": duration.load_duration(ds, theme), "chip": duration.chip_duration(ds, base, theme, system), "moved": moved.what_moved(ds, base, theme),
        **{f"map-{what}": months.hour_by_month(ds, what, theme, system) for what in months.MAPS}, "year": series.year(ds, 5, theme),
        "week": series.week(ds, f"racks.{ds['rack'].values[0]}", 4000, theme, system), "rack": series.year_of_rack(ds, "compute", "chip", theme, system),
        "psychro": psychro.chart(ds, 101325.0, theme, system), "modes": psychro.mode_bar(ds, theme), "mode-months": psychro.mode_months(ds, theme),
    }  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("system", ["si", "ip"])
def test_every_figure_is_valid_and_small(ds: Any, changed: Any, theme: str, system: str) -> None:
    for name, figure in figures(changed, ds, theme, system).items():
        go.Figure(figure)  # raises for anything that plotly does not know
        text = json.dumps(figure, allow_nan=False)
        assert len(text) <= LIMIT_BYTES, name
        assert figure["data"], name
        other = {c for c in THEMES["dark" if theme == "light" else "light"].values()} - set(
            THEMES[theme].values()
        )
        assert not [c for c in other if f'"{c}"' in text], f"{name} has colours of the other theme"


def test_axes_hold_baseline_and_change(ds: Any, changed: Any) -> None:
    one, two = (climate.pue_by_wet_bulb(a, b, "light", "si") for a, b in ((changed, ds), (ds, changed)))
    assert one["layout"]["yaxis"]["range"][1] == pytest.approx(two["layout"]["yaxis"]["range"][1], rel=2e-3)


def test_both_ends_of_the_energy_drawing_agree(ds: Any) -> None:
    f = energy_flow.flows(ds)
    summary = twin.summarize(ds)
    assert f.total == pytest.approx(summary.facility_energy_kwh / 1e6, rel=1e-12)
    into_ambient = f.liquid + f.air + f.room + f.cooling + (f.losses - f.room)
    assert into_ambient == pytest.approx(f.total, rel=1e-12)
    assert f.it == pytest.approx(f.liquid + f.air, rel=1e-12)


def test_monthly_overhead_adds_up_to_facility_less_it(ds: Any) -> None:
    figure = months.overhead(ds, "light")
    month = months.month_of(ds)
    mean = (
        np.bincount(month, ds["site_power"].values - ds["rack_power"].values.sum(axis=0))
        / np.bincount(month)
        / 1e6
    )
    assert np.sum([trace["y"] for trace in figure["data"]], axis=0) == pytest.approx(mean, rel=2e-3)


def test_what_moved_adds_up(ds: Any, changed: Any) -> None:
    figure = moved.what_moved(changed, ds, "light")
    amount = dict(zip(figure["data"][0]["y"], figure["data"][0]["x"], strict=True))
    assert sum(v for k, v in amount.items() if k != "Facility") == pytest.approx(
        amount["Facility"], rel=1e-4, abs=1e-3
    )
    assert amount["Facility"] < 0.0


def test_duration_ends_at_the_peak_and_the_least(ds: Any) -> None:
    hours, power = duration.curve(ds["site_power"].values, 1.0)
    assert power[0] == ds["site_power"].values.max()
    assert power[-1] == ds["site_power"].values.min()
    assert hours[-1] == ds["time"].size
    assert np.all(np.diff(power) <= 0.0)


def test_mode_hours_are_those_of_the_summary(ds: Any) -> None:
    summary = twin.summarize(ds)
    hours = {name: h for name, _, h in psychro.mode_hours(ds)}
    assert sum(hours.values()) == summary.hours
    if summary.partial_cooling_hours is not None:
        assert (
            hours.get("Partial", 0.0) + hours.get("Mechanical", 0.0)
            == summary.partial_cooling_hours + summary.mechanical_hours
        )


def test_thinning_keeps_every_peak() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=525_600)
    y[123_456], y[400_001] = 50.0, -60.0
    at = series.thin(y)
    assert at.size <= series.POINTS
    assert {123_456, 400_001} <= set(at.tolist())


@pytest.fixture(scope="module")
def minutes() -> Any:
    """A year at one-minute resolution of one rack group, with a spike of one minute."""
    n = 525_600
    chip = 60.0 + 5.0 * np.random.default_rng(2).normal(size=n)
    chip[300_000] = 99.0
    time = np.datetime64("2023-01-01", "s") + 60 * np.arange(n).astype("timedelta64[s]")
    return xr.Dataset(
        {"rack_chip_temperature": (("rack", "time"), chip[None]), "rack_throttle_temperature": ("rack", [87.0])},
        coords={"time": time.astype("datetime64[ns]"), "rack": ["r"]},
        attrs={"step_s": 60.0},
    )  # fmt: skip


def test_a_year_of_minutes_is_small_and_keeps_its_peak(minutes: Any) -> None:
    figure = series.year_of_rack(minutes, "r", "chip", "light", "si")
    assert len(json.dumps(figure)) <= LIMIT_BYTES
    assert 1000 < len(figure["data"][0]["y"]) <= series.POINTS
    peak = figure["data"][0]["y"].index(99.0)
    assert figure["data"][0]["x"][peak] == str(minutes["time"].values[300_000].astype("datetime64[m]"))


def test_a_zoom_sends_the_points_of_its_window_only(minutes: Any) -> None:
    zoom = {"xaxis.range[0]": "2023-07-28 03:00:30.123", "xaxis.range[1]": "2023-07-28 13:00"}
    steps = series.window(zoom, minutes)
    assert steps is not None
    times, heights = series.rack_window(minutes, "r", "chip", "si", steps)
    assert (times[0], times[-1]) == ("2023-07-28T03:00", "2023-07-28T13:00")
    assert len(times) == 601  # every minute, now that there is room
    assert max(h for h in heights if h is not None) == 99.0
    week = series.window({"xaxis.range": ["2023-07-25", "2023-08-01"]}, minutes)
    assert week is not None
    thinned = series.rack_window(minutes, "r", "chip", "si", week)[1]
    assert len(thinned) <= series.POINTS
    assert 99.0 in thinned
    assert series.window({"xaxis.autorange": True}, minutes) == (0, 525_600)


@pytest.mark.parametrize(
    "sent",
    [None, {}, {"autosize": True}, {"xaxis.range": [1, 2]}, {"xaxis.range": ["x", "y"]}, {"xaxis.range": ["2031-01-01", "2032-01-01"]}, {"xaxis.range": []}, {"xaxis.range": ["NaT", "NaT"]}],
)  # fmt: skip
def test_a_zoom_that_is_none_changes_nothing(minutes: Any, sent: Any) -> None:
    assert series.window(sent, minutes) is None


def test_a_rack_with_a_load_of_its_own_has_a_series_of_its_own() -> None:
    ds = twin.simulate("enterprise-3-rack-gb300", load="generated:mixed,racks=3", hours=168, per_rack=True)
    first, second = (series.of_rack(ds, f"compute.{i}", "power")[0] for i in (1, 2))
    assert (first != second).any()
    np.testing.assert_array_equal(first, ds["member_power"].sel(member="compute.1").values)
    drawn = series.year_of_rack(ds, "compute.2", "power", "light", "si")["data"][0]["y"]
    assert max(drawn) == pytest.approx(second.max() / 1e3, rel=1e-3)
    without = ds.drop_vars(
        [name for name in ds if str(name).startswith("member_power") and "time" in ds[name].dims]
    )
    group = series.of_rack(without, "compute.2", "power")
    np.testing.assert_array_equal(group[0], ds["rack_peak_power"].sel(rack="compute").values)
