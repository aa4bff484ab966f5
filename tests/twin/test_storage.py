"""Tanks in the year: closure, charge and rates, savings by hand, plans against a linear program, refusals."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import xarray as xr
from scipy.optimize import linprog
from twin_sites.errors import InputError

import twin
from twin.sizing.economics import capital, read_costs
from twin.storage.dispatch import shave, trade

CLOSURE = 1e-6
EXACT = 1e-9
NEAR_BEST = 0.99  # of what a linear program earns
BY_HAND = 0.03
SITE = "hgx-h200-1mw-air"
STORE = "cooling.chw.storage"
TANK = {f"{STORE}.use": "stratified-tank-300m3", f"{STORE}.fed_by.mechanical": 1}
JULY = {"weather": "phoenix", "start": "2023-07-01T00:00", "hours": 31 * 24}
DEAR, CHEAP = 0.18, 0.06  # per kWh; dear from 14 to 20 h on weekdays


@pytest.fixture(scope="module")
def tariff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    times = np.arange("2023-01-01T00", "2024-01-01T00", dtype="datetime64[h]")
    hour = times.astype(int) % 24
    workday = (times.astype("datetime64[D]").astype(int) + 3) % 7 < 5
    rows = [
        f"{t},{DEAR if dear else CHEAP}"
        for t, dear in zip(times, workday & (hour >= 14) & (hour < 20), strict=True)
    ]
    path = tmp_path_factory.mktemp("tariff") / "two-part.csv"
    path.write_text("time,price [USD/kWh]\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def july(tariff: Path) -> xr.Dataset:
    return twin.simulate(SITE, changes=TANK, price=tariff, **JULY)


def audited(ds: xr.Dataset) -> twin.Summary:
    """What must hold of any run with a tank."""
    summary = twin.summarize(ds)
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    heat, gain, charge = (ds[f"storage_{name}"].values for name in ("heat", "gain", "charge"))
    full, start = ds.storage_capacity.values[:, None], ds.storage_start.values[:, None]
    assert charge.min() >= -EXACT
    assert charge.max() <= 1.0 + EXACT
    before = np.concatenate([start, charge[:, :-1]], axis=1)
    balance = full * (charge - before) + (heat + gain) * ds.attrs["step_s"]
    assert np.abs(balance).max() <= EXACT * full.max()
    assert np.all(gain >= -1e-6)  # W
    step = np.abs(ds.site_power - ds.site_heat_rejected - ds.storage_heat.sum("storage")) / ds.site_power
    assert float(step.max()) <= CLOSURE
    np.testing.assert_allclose(ds.storage_heat, ds.storage_planned, atol=1.0)
    return summary


def test_a_summer_month(july: xr.Dataset) -> None:
    summary = audited(july)
    assert summary.storage_charged_kwh == pytest.approx(
        summary.storage_discharged_kwh + summary.storage_loss_kwh + summary.storage_change_kwh, rel=EXACT
    )
    assert summary.unmet_cooling_hours == 0.0
    rate = 620e3 * july.storage_capacity.values[0] / (300.0 * 0.9 * 8.0 * 3.9e6)
    assert (
        np.abs(july.storage_heat).max() < 1.1 * rate
    )  # a loop with half the range moves half the heat with its flow


def test_savings_by_hand(tariff: Path) -> None:
    """What a kWh of cold takes from the meter in dear hours, less what it costs in those in which the tank is filled.

    One large chiller, so that no staging makes a kWh cheaper than the average.
    """
    one = {
        "cooling.chw.chiller.count": 1,
        "cooling.chw.chiller.spare": 0,
        "cooling.chw.chiller.capacity": "2 MW",
    }
    july = twin.simulate(SITE, changes=TANK | one, price=tariff, **JULY)
    summary = audited(july)
    idle = twin.simulate(SITE, changes=one, **JULY)
    np.testing.assert_allclose(idle.site_power, july.site_power_idle, rtol=EXACT)
    heat = july.storage_heat.values[0]
    chiller = idle.sel(link="chw.chiller")
    per_kwh = (
        chiller.link_power / np.maximum(chiller.link_heat, 1.0)
    ).values  # of cold, on average, without tank
    workdays, full = 21, float(july.storage_capacity[0]) / 3.6e6
    dear = july.site_energy_price.values * 3.6e6 > 0.1
    used, filled = dear & (heat > 0.0), heat < 0.0
    spared = workdays * full * DEAR * per_kwh[used].mean()
    spent = workdays * full * CHEAP * per_kwh[filled].mean()
    # on dear days the tank is emptied once into dear hours
    assert heat[dear].sum() / 1e3 == pytest.approx(workdays * full, rel=0.02)
    assert not heat[dear].min() < 0.0
    assert summary.storage_saved_cost > 0.0
    assert summary.storage_saved_cost == pytest.approx(spared - spent, rel=BY_HAND)
    by_step = float(((idle.site_power - july.site_power) * july.site_energy_price).sum()) * 3600.0
    assert summary.storage_saved_cost == pytest.approx(by_step, rel=EXACT)


@pytest.mark.parametrize("schedule", ["clean", "cool", "peak_power", "peak_cooling", "idle"])
def test_every_schedule_closes(schedule: str) -> None:
    ds = twin.simulate(
        SITE,
        changes=TANK | {f"{STORE}.schedule": schedule, f"{STORE}.reserve": "20 %"},
        **JULY | {"hours": 240},
    )
    summary = audited(ds)
    assert float(ds.storage_charge.min()) >= 0.2 - EXACT
    if schedule == "peak_power":
        assert summary.storage_saved_peak_kw > 30.0
    if schedule == "peak_cooling":
        without, own = ds.loop_heat.sel(loop="chw"), ds.loop_heat.sel(loop="chw") - ds.storage_heat[0]
        assert float(own.max()) < float(without.max()) - 30e3
    if schedule == "cool":
        hot = ds.ambient_dry_bulb.values > np.median(ds.ambient_dry_bulb.values)
        assert ds.storage_heat.values[0][hot].sum() > 0.0 > ds.storage_heat.values[0][~hot].sum()
    if schedule == "idle":
        assert float(np.abs(ds.storage_heat).max()) < 1e3  # makes up for what the reserve loses


def test_closure_breaks_without_the_tank(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tank that is left full has put heat outdoors that nobody in the facility drew."""
    ds = twin.simulate(SITE, changes=TANK | {f"{STORE}.schedule": "peak_power"}, **JULY | {"hours": 240})
    assert audited(ds).storage_change_kwh > 100.0
    monkeypatch.setattr("twin.metrics.held_w", lambda ds: 0.0)
    dropped = twin.summarize(ds)
    assert dropped.energy_closure > 100.0 * CLOSURE
    assert not dropped.converged


def test_fixed_hours() -> None:
    hours = {
        f"{STORE}.schedule": "hours",
        f"{STORE}.charge_hours": "22-06",
        f"{STORE}.discharge_hours": "12-18",
    }
    ds = twin.simulate(SITE, changes=TANK | hours, **JULY | {"hours": 240})
    audited(ds)
    clock, heat = ds.time.dt.hour.values, ds.storage_heat.values[0]
    assert np.all((heat[(clock >= 22) | (clock < 6)]) <= 0.0)
    assert np.all(heat[(clock >= 6) & (clock < 12) | (clock >= 18) & (clock < 22)] == 0.0)
    used = heat[(clock >= 12) & (clock < 18)].reshape(-1, 6)[1:]
    np.testing.assert_allclose(used, used.mean(), rtol=0.1)  # evenly over the hours that it is for


def test_mixed_tank_and_one_out_of_service(tariff: Path) -> None:
    mixed = {f"{STORE}.use": "mixed-tank-50m3", f"{STORE}.fed_by.mechanical": 1, f"{STORE}.count": 3}
    ds = twin.simulate(SITE, changes=mixed, price=tariff, **JULY | {"hours": 240})
    audited(ds)
    fewer = twin.simulate(
        SITE, changes=mixed | {f"{STORE}.out_of_service": 1}, price=tariff, **JULY | {"hours": 240}
    )
    assert float(fewer.storage_capacity[0]) == pytest.approx(2.0 / 3.0 * float(ds.storage_capacity[0]))
    none = twin.simulate(SITE, changes=mixed | {f"{STORE}.out_of_service": 3}, hours=24)
    assert "storage_heat" not in none
    assert twin.summarize(none).storage_cycles is None


def test_a_plant_without_room_to_fill_says_so() -> None:
    """Chillers at their limit in the hottest hours: the tank waits, or stays as it is, and no supply is missed for it."""
    tight = TANK | {"cooling.chw.chiller.out_of_service": 1, "cooling.chw.chiller.capacity": "1100 kW"}
    ds = twin.simulate(SITE, changes=tight, **JULY | {"hours": 96})
    assert twin.summarize(ds).energy_closure <= CLOSURE
    plain = twin.simulate(
        SITE, changes={k: v for k, v in tight.items() if k not in TANK}, **JULY | {"hours": 96}
    )
    filling = ds.storage_heat.values[0] < 0.0
    excess, before = (x.loop_supply_temperature - x.loop_set_point for x in (ds, plain))
    assert float(excess.sel(loop="chw").values[filling].max(initial=0.0)) <= 0.06
    assert float(excess.sel(loop="chw").max()) <= float(before.sel(loop="chw").max()) + 0.06


def test_a_rate_beyond_all_machines_is_no_worse(july: xr.Dataset, tariff: Path) -> None:
    """Pumps for far more than chillers can make: filled as fast as these can, which saves about as much."""
    fast = TANK | {f"{STORE}.charge_rate": "900 MW", f"{STORE}.discharge_rate": "900 MW"}
    ds = twin.simulate(SITE, changes=fast, price=tariff, **JULY)
    summary = audited(ds)
    assert summary.storage_saved_cost > 0.9 * twin.summarize(july).storage_saved_cost
    assert summary.unmet_cooling_hours == 0.0


def test_a_tank_that_gains_nothing_is_left_alone() -> None:
    """In a Chicago January no compressor runs: nothing to shave."""
    ds = twin.simulate(SITE, changes=TANK | {f"{STORE}.schedule": "peak_power"}, hours=48)
    assert float(np.abs(ds.storage_heat).max()) == 0.0
    assert any("nothing is gained" in line for line in twin.summarize(ds).warnings)


def test_same_series_in_blocks_and_runs_through_every_door(july: xr.Dataset, tmp_path: Path) -> None:
    twin.save(july, tmp_path / "run.nc")
    again = twin.open_result(tmp_path / "run.nc")
    assert twin.summarize(again).json() == twin.summarize(july).json()
    assert "Thermal storage" in twin.report(july)
    twin.save(july, tmp_path / "run.csv")
    assert "storage_charge:chw" in (tmp_path / "run.csv").read_text().splitlines()[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({f"{STORE}.schedule": "cheep"}, "cheap"),
        ({f"{STORE}.schedule": "hours"}, "hours of the day"),
        ({f"{STORE}.charge_hours": "night"}, "hours of the day"),
        ({f"{STORE}.discharge_hours": "12-12"}, "hours of the day"),
        ({f"{STORE}.volume": "-3 m3"}, "0.1"),
        ({"cooling.chw.supply": "dry_bulb + 4 K"}, "fixed supply"),
        ({f"{STORE}.use": "pump-5-l-s"}, "thermal-storage"),
    ],
)
def test_refusals(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        twin.simulate(SITE, changes=TANK | changes, hours=24)


def test_no_tank_on_racks_or_condensers() -> None:
    for loop, words in (("tcs", "the loop of racks"), ("condenser", "a condenser loop")):
        changes = {
            f"cooling.{loop}.storage.use": "stratified-tank-60m3",
            f"cooling.{loop}.storage.fed_by.mechanical": 1,
        }
        with pytest.raises(InputError, match=words):
            twin.simulate("gb300-10mw", changes=changes, hours=24)


def test_two_tanks_at_once(tariff: Path) -> None:
    both = {
        f"cooling.{loop}.storage.{key}": value
        for loop in ("fws", "chw")
        for key, value in (("use", "stratified-tank-1000m3"), ("fed_by.mechanical", 1))
    }
    ds = twin.simulate("gb300-10mw", changes=both, price=tariff, **JULY | {"hours": 240})
    audited(ds)
    assert ds.storage.values.tolist() == [v for v in ds.loop.values if v in ("fws", "chw")]
    assert twin.summarize(ds).storage_saved_cost > 0.0


def best(
    cost: np.ndarray, worth: np.ndarray, room: np.ndarray, use: np.ndarray, kept: np.ndarray, full: float
) -> float:
    """What the best plan earns: a linear program over filling, using and charge."""
    n = cost.size
    charge = sp.diags([np.ones(n), -kept[1:]], [0, -1])
    rows = sp.hstack([-sp.diags(kept), sp.diags(kept), charge])
    bounds = [(0.0, x) for x in (*room, *use)] + [(0.0, full)] * n
    return float(-linprog(np.r_[cost, -worth, np.zeros(n)], A_eq=rows, b_eq=np.zeros(n), bounds=bounds).fun)


@pytest.mark.parametrize("seed", range(6))
def test_trade_is_near_the_linear_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, full = 24 * 14, 10.0
    price = 50.0 + 30.0 * np.sin(np.arange(n) * 2.0 * np.pi / 24.0) + rng.normal(0.0, 15.0, n)
    cost = price * rng.uniform(0.2, 0.35, n)
    worth = np.minimum(price * rng.uniform(0.2, 0.35, n), cost)
    room, use = rng.uniform(0.0, 2.0, n), rng.uniform(0.0, 3.0, n)
    kept = rng.uniform(0.995, 1.0, n)
    change = trade(cost, worth, room, use, kept, full)
    held = 0.0
    for t in range(n):
        assert -use[t] - EXACT <= change[t] <= room[t] + EXACT
        held += change[t]
        assert -EXACT <= held <= full + EXACT
        held *= kept[t]
    earned = float(-(np.maximum(change, 0.0) * cost).sum() + (np.maximum(-change, 0.0) * worth).sum())
    assert NEAR_BEST * best(cost, worth, room, use, kept, full) <= earned


@pytest.mark.parametrize("seed", range(4))
def test_shave_finds_the_lowest_peak(seed: int) -> None:
    """Against a linear program that minimises the peak."""
    rng = np.random.default_rng(seed)
    n, full = 96, 12.0
    level = 20.0 + 6.0 * np.sin(np.arange(n) * 2.0 * np.pi / 24.0) + rng.normal(0.0, 1.0, n)
    up, down = rng.uniform(0.25, 0.4, n), rng.uniform(0.25, 0.4, n)
    room, use, kept = np.full(n, 3.0), np.full(n, 4.0), np.full(n, 0.999)
    change = shave(level, up, down, room, use, kept, full, np.zeros(n, dtype=np.int64))
    after = level + np.where(change > 0.0, up, down) * change
    none, charge = sp.csr_matrix((n, n)), sp.diags([np.ones(n), -kept[1:]], [0, -1])
    equal = sp.hstack([-sp.diags(kept), sp.diags(kept), charge, sp.csr_matrix((n, 1))])
    under = sp.hstack([sp.diags(up), -sp.diags(down), none, sp.csr_matrix(-np.ones((n, 1)))])
    bounds = [(0.0, 3.0)] * n + [(0.0, 4.0)] * n + [(0.0, full)] * n + [(None, None)]
    cost = np.r_[np.zeros(3 * n), 1.0]
    found = linprog(cost, A_eq=equal, b_eq=np.zeros(n), A_ub=under, b_ub=-level, bounds=bounds)
    assert after.max() == pytest.approx(found.fun, rel=1e-6)
    assert after.max() < level.max()


def test_a_tank_costs_by_its_volume() -> None:
    site = twin.change_site(twin.load_site(SITE), TANK)
    costs = read_costs(None)
    line = next(line for line in capital(site, costs) if line.address == STORE)
    assert line.total == pytest.approx(300.0 * costs["beside"]["thermal_storage"])
