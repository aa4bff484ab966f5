"""A tank by itself: capacity, rates, the balance of a step against its analytic solution and a fine time loop."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.thermal_storage.thermal_storage import ThermalStorage, after, capacity, decay, pumping, rates
from twin_sites import catalogue, units

ROUNDING = 1e-12
FINE = 2e-4  # of an explicit loop of 20,000 steps
TANK = ThermalStorage(
    volume=300.0, temperature_difference=8.0, figure_of_merit=0.9, charge_rate=620e3, discharge_rate=500e3, conductance=90.0,
)  # fmt: skip
WATER = 998.0 * 4184.0  # J/(m³·K)


def test_capacity_by_hand() -> None:
    """300 m³ × 998 × 4184 × 8 K × 0.9 = 9.02 GJ; a loop that returns 4 K only has half."""
    assert float(capacity(WATER, 20.0, TANK)) == pytest.approx(9.0195e9, rel=1e-3)
    assert float(capacity(WATER, 4.0, TANK)) == pytest.approx(0.5 * float(capacity(WATER, 8.0, TANK)))


def test_rates_of_the_two_kinds() -> None:
    share = np.array([0.0, 0.25, 1.0])
    fill, use = rates(share, TANK)
    assert fill.tolist() == [620e3] * 3
    assert use.tolist() == [500e3] * 3
    fill, use = rates(share, replace(TANK, mixing="mixed"))
    assert fill == pytest.approx([620e3, 465e3, 0.0])
    assert use == pytest.approx([0.0, 125e3, 500e3])


def test_a_step_is_the_analytic_solution() -> None:
    """dE/dt = −q − kE with both terms, against an explicit loop of short steps."""
    lost, heat, seconds = 3e-5, -4e5, 7200.0
    out, through = after(5e9, heat, lost, seconds)
    held, n = 5e9, 20_000
    for _ in range(n):
        held += (-heat - lost * held) * seconds / n
    assert float(out) == pytest.approx(held, rel=FINE)
    assert float(out) == pytest.approx(
        5e9 * np.exp(-lost * seconds) - heat / lost * (1.0 - np.exp(-lost * seconds)), rel=ROUNDING
    )
    assert float(through) == pytest.approx(5e9 - heat * seconds - float(out), rel=ROUNDING)
    assert float(after(5e9, heat, 0.0, seconds)[0]) == pytest.approx(5e9 + 4e5 * seconds, rel=ROUNDING)


def test_balance_for_any_state_and_arrays_are_scalars() -> None:
    rng = np.random.default_rng(3)
    charge, heat, lost = (
        rng.uniform(0, 9e9, 200),
        rng.uniform(-6e5, 6e5, 200),
        10.0 ** rng.uniform(-13, -4, 200),
    )
    out, through = after(charge, heat, lost, 3600.0)
    assert out + through + heat * 3600.0 == pytest.approx(charge, abs=1e-3)
    assert np.all(np.diff(after(charge[0], np.sort(heat), lost[0], 3600.0)[0]) < 0.0)
    one = after(float(charge[7]), float(heat[7]), float(lost[7]), 3600.0)
    assert float(one[0]) == pytest.approx(float(out[7]), rel=ROUNDING)
    assert float(one[1]) == pytest.approx(float(through[7]), rel=1e-6, abs=1e-3)


def test_a_tank_loses_only_to_warmer_air() -> None:
    full = float(capacity(WATER, 8.0, TANK))
    lost = decay(np.array([-10.0, 12.0, 36.0]), 12.0, full, TANK)
    assert lost[0] == lost[1] == 0.0
    assert float(lost[2]) * full == pytest.approx(90.0 * 24.0)  # W of a full tank


def test_pump_by_hand() -> None:
    """620 kW at 8 K are 18.6 L/s; against 100 kPa at 65 %: 2.86 kW. Discharging costs nothing more."""
    power = pumping(np.array([-620e3, 0.0, 500e3]), WATER, TANK)
    assert power == pytest.approx([18.56e-3 * 100e3 / 0.65, 0.0, 0.0], rel=1e-3)


@pytest.mark.parametrize("slug", catalogue.names("thermal_storage"))
def test_sheets_empty_in_the_hours_that_they_name(slug: str) -> None:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    params = TypeAdapter(ThermalStorage).validate_python(values, context=units.read)
    full = float(capacity(WATER, params.temperature_difference, params))
    hours = full / params.discharge_rate / 3600.0
    if params.mixing == "stratified":
        assert hours == pytest.approx(4.0, rel=0.05)
    day = float(after(full, 0.0, decay(35.0, 12.0, full, params), 86400.0)[1]) / full
    assert 0.001 < day < 0.06  # of a full tank are lost on a hot day
