import numpy as np
import pytest
from twin_models.fan import fan


def test_cube_law_and_minimum_speed() -> None:
    u = np.array([0.0, 0.1, 0.2, 0.5, 1.0])
    expected = np.array([0.0, 0.5 * 8.0, 8.0, 125.0, 1000.0])
    assert fan.power(u, 1000.0, 3.0, 0.2) == pytest.approx(expected, rel=1e-12)


def test_power_rises_and_array_equals_scalars() -> None:
    u = np.linspace(0.0, 1.0, 201)
    p = fan.power(u, 5e3, 2.7, 0.3)
    assert np.all(np.diff(p) > 0.0)
    assert p.tolist() == pytest.approx([float(fan.power(float(v), 5e3, 2.7, 0.3)) for v in u], rel=1e-14)


def test_no_minimum_speed() -> None:
    assert float(fan.power(0.0, 1e3, 3.0, 0.0)) == 0.0
    assert float(fan.power(0.01, 1e3, 3.0, 0.0)) == pytest.approx(1e-3, rel=1e-9)
