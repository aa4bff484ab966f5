from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares
from twin_models.cold_plate import cold_plate
from twin_models.cold_plate.cold_plate import ColdPlate
from twin_models.fluids.fluids import fluid

Load = Callable[[type, str, str], Any]
LPM = 1.0 / 60e3
# OCP 2023, figure 7: 1 kW OAM on PG25, L/min against K/W from case to inlet.
FLOW = np.array([0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4])
RESISTANCE = (
    np.array(
        [389.0, 325.0, 300.0, 280.0, 265.0, 255.0, 245.0, 230.0, 220.0, 214.0, 209.0, 204.0, 200.0, 197.0]
    )
    / 1e4
)
FIT_TOLERANCE = 0.02
LEFT_OUT_TOLERANCE = 0.03


def plate(x: np.ndarray) -> ColdPlate:
    return ColdPlate(
        resistance_floor=x[0],
        resistance_flow=x[1],
        flow_offset=x[2] * LPM,
        reference_flow=LPM,
        lowest_flow=0.4 * LPM,
        highest_flow=2.4 * LPM,
    )


def fit(keep: np.ndarray) -> ColdPlate:
    def error(x: np.ndarray) -> np.ndarray:
        return cold_plate.resistance(FLOW[keep] * LPM, plate(x)) / RESISTANCE[keep] - 1.0

    return plate(least_squares(error, [0.013, 0.012, 0.2], x_scale=[0.01, 0.01, 0.1]).x)


def test_ocp_plate_within_two_percent(load_datasheet: Load) -> None:
    params = load_datasheet(ColdPlate, "cold_plate", "ocp-1kw-oam-pg25")
    assert cold_plate.resistance(FLOW * LPM, params) == pytest.approx(RESISTANCE, rel=FIT_TOLERANCE)
    refitted = fit(np.arange(FLOW.size))
    assert params.resistance_floor == pytest.approx(refitted.resistance_floor, rel=1e-4)
    assert params.resistance_flow == pytest.approx(refitted.resistance_flow, rel=1e-4)
    assert params.flow_offset == pytest.approx(refitted.flow_offset, rel=1e-4)


@pytest.mark.parametrize("left_out", range(FLOW.size))
def test_ocp_plate_left_out_point(left_out: int) -> None:
    params = fit(np.arange(FLOW.size) != left_out)
    if left_out == 0:  # beyond the points left: the fit's own range would flatten it
        params = plate(np.array([params.resistance_floor, params.resistance_flow, params.flow_offset / LPM]))
    found = float(cold_plate.resistance(FLOW[left_out] * LPM, params))
    assert found == pytest.approx(RESISTANCE[left_out], rel=LEFT_OUT_TOLERANCE)


def test_ocp_loop_drop(load_datasheet: Load) -> None:
    """Eight plates in parallel at 10 L/min: 50 kPa."""
    params = load_datasheet(ColdPlate, "cold_plate", "ocp-1kw-oam-pg25")
    assert float(cold_plate.pressure_drop(10.0 / 8.0 * LPM, params)) == pytest.approx(50e3, rel=0.01)
    assert float(cold_plate.pressure_drop(0.0, params)) == 0.0


@pytest.mark.parametrize(
    ("slug", "junction", "power"),
    [
        ("a100", 0.045, 400.0),
        ("h100", 0.032, 700.0),
        ("b200", 0.025, 1000.0),
        ("b300", 0.023, 1100.0),
        ("rubin", 0.018, 1800.0),
    ],
)
def test_catalogue_plates(load_datasheet: Load, slug: str, junction: float, power: float) -> None:
    """Junction to inlet at 1 L/min per kW, less 0.006 K/W from junction to case."""
    params = load_datasheet(ColdPlate, "cold_plate", f"plate-{slug}-class")
    assert float(cold_plate.resistance(power / 1e3 * LPM, params)) + 0.006 == pytest.approx(
        junction, rel=1e-9
    )


def test_every_datasheet_is_a_plate(load_datasheet: Load, datasheets: Callable[[str], list[str]]) -> None:
    for slug in datasheets("cold_plate"):
        params = load_datasheet(ColdPlate, "cold_plate", slug)
        flow = np.linspace(0.0, 2.0 * params.highest_flow, 400)
        r = cold_plate.resistance(flow, params)
        assert np.all(np.diff(r) <= 0.0), slug
        assert np.all(np.isfinite(r)), slug
        assert np.all(r > 0.0), slug
        assert cold_plate.within(params.reference_flow, params), slug


def test_below_the_fit_it_follows_the_coolant_and_tells(load_datasheet: Load) -> None:
    params = load_datasheet(ColdPlate, "cold_plate", "ocp-1kw-oam-pg25")
    edge, half = cold_plate.resistance(np.array([0.4, 0.2]) * LPM, params)
    assert half == pytest.approx(2.0 * edge, rel=1e-12)
    assert cold_plate.within(np.array([0.2, 0.5, 2.5]) * LPM, params).tolist() == [False, True, False]


def test_liquid_factor(load_datasheet: Load) -> None:
    params = load_datasheet(ColdPlate, "cold_plate", "ocp-1kw-oam-pg25")
    assert float(cold_plate.liquid_factor(fluid("propylene_glycol", 0.25), 40.0, params)) == pytest.approx(
        1.0, rel=1e-12
    )
    # k 0.629 against 0.482 and rho·cp 4.147 against 4.002 (CoolProp)
    expected = ((0.4824 / 0.6286) ** 2 * 4.002 / 4.147) ** (1.0 / 3.0)
    water = cold_plate.liquid_factor(fluid("water"), 40.0, params)
    assert float(water) == pytest.approx(expected, rel=2e-3)
    flow = 1.0 * LPM
    assert cold_plate.resistance(flow, params, water) < cold_plate.resistance(flow, params)
