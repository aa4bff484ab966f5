import fluids as oracle
import numpy as np
import pytest
from twin_models.fluids.fluids import density, fluid, viscosity
from twin_models.pipe import pipe

ORACLE = 1e-3
WATER = fluid("water")


@pytest.mark.parametrize("roughness", [0.0, 1e-5, 1e-4, 1e-3, 0.02])
def test_churchill_matches_fluids(roughness: float) -> None:
    re = np.array([10.0, 500.0, 2300.0, 3000.0, 1e4, 1e5, 1e6, 1e8])
    expected = [oracle.friction.Churchill_1977(v, roughness) for v in re]
    assert pipe.friction_factor(re, roughness) == pytest.approx(expected, rel=ORACLE)


@pytest.mark.parametrize(
    ("re", "roughness", "expected"),
    [
        (1e3, 0.0, 0.0640),
        (2300.0, 0.0, 0.0308),
        (1e4, 1e-4, 0.031178),
        (1e5, 1e-4, 0.018463),
        (1e5, 1e-3, 0.022343),
    ],
)
def test_published_friction_factors(re: float, roughness: float, expected: float) -> None:
    assert float(pipe.friction_factor(re, roughness)) == pytest.approx(expected, rel=4e-3)


def test_pipe_drop_of_a_network_solver() -> None:
    """100 m, DN100, 0.045 mm, 15 kg/s of water at 30 °C: pandapipes 33 633 Pa."""
    flow = 15.0 / float(density(WATER, 30.0))
    assert float(pipe.pressure_drop(flow, 100.0, 0.1, 45e-6, WATER, 30.0)) == pytest.approx(33633.0, rel=2e-3)


def test_drop_is_odd_and_nil_at_rest() -> None:
    flow = np.array([-1e-2, 0.0, 1e-2])
    drop = pipe.pressure_drop(flow, 10.0, 0.05, 1e-5, WATER, 30.0)
    assert drop[1] == 0.0
    assert drop[0] == -drop[2]
    assert drop[2] > 0.0


def test_laminar_drop_is_hagen_poiseuille() -> None:
    flow, d = 1e-6, 0.01
    expected = 128.0 * viscosity(WATER, 30.0) * 2.0 * flow / (np.pi * d**4)
    assert float(pipe.pressure_drop(flow, 2.0, d, 0.0, WATER, 30.0)) == pytest.approx(
        float(expected), rel=ORACLE
    )


def test_fitting_and_valve() -> None:
    k_drop = float(pipe.fitting_drop(0.01, 2.0, 0.08, WATER, 20.0))
    speed = 0.01 / (np.pi / 4.0 * 0.08**2)
    assert k_drop == pytest.approx(
        float(oracle.dP_from_K(2.0, rho=float(density(WATER, 20.0)), V=speed)), rel=1e-9
    )
    # Kv of 1 m3/h: 1 m3/h of water of 1000 kg/m3 loses 1 bar
    assert float(pipe.valve_drop(1.0 / 3600.0, 1.0, WATER, 20.0)) == pytest.approx(1e5, rel=2e-3)


def test_rack_of_the_vendor_table() -> None:
    """Rack drop calibrated at 119 L/min with exponent 1.9: 15.9, 22.1, 33.8 and 126.9 kPa within 6 %."""
    flow = np.array([59.0, 71.0, 89.0, 119.0, 177.0])
    expected = np.array([15.9, 22.1, 33.8, 58.6, 126.9])
    assert pipe.branch_drop(flow, 119.0, 58.6, 1.9) == pytest.approx(expected, rel=0.06)
