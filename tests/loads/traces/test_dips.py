"""Dips of a made record come out as they were put in; other records say nothing."""

import numpy as np
import pytest

from twin.loads.traces.dips import dips_of


@pytest.mark.parametrize(("period", "step", "depth"), [(10.9, 2.0, 0.12), (7.3, 1.0, 0.2), (20.0, 0.5, 0.08)])
def test_period_and_depth_are_found(period: float, step: float, depth: float) -> None:
    rng = np.random.default_rng(1)
    fine = np.arange(0.0, 1800.0, 0.1)
    power = 1e5 * np.where(fine % period < 2.0 * step, 1.0 - depth, 1.0)
    power = power.reshape(-1, round(step / 0.1)).mean(axis=1) * (
        1.0 + 0.003 * rng.standard_normal(round(1800 / step))
    )
    found = dips_of(power, step)
    assert found is not None
    assert found.period_s == pytest.approx(period, rel=0.01)
    assert found.depth == pytest.approx(depth, abs=0.015)
    assert found.plateau_w == pytest.approx(1e5, rel=0.01)
    assert found.count == pytest.approx(1800 / period, rel=0.05)
    assert found.long_count == 0
    assert found.long_depth is None


def test_records_without_dips_say_nothing() -> None:
    assert dips_of(np.full(5000, 700.0), 1.0) is None
    assert dips_of(np.zeros(5000), 1.0) is None
    assert dips_of(np.random.default_rng(0).uniform(0, 1, 100), 1.0) is None
    assert dips_of(np.tile([1.0, 0.5], 5000), 60.0) is None
