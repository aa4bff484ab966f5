"""Shifted work: conserved, never early, never late, near the best plan; and what it does to a run."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from twin_sites.errors import InputError

from twin.shifting import shift, shift_work

SITE = "enterprise-3-rack-gb300"


def day_prices(path: Path, days: int = 10) -> Path:
    """A file of prices, dear from 8 to 20 o'clock."""
    rows = ["time,price [USD/MWh]"]
    for hour in range(24 * days):
        stamp = np.datetime64("2023-01-01T00:00") + np.timedelta64(hour, "h")
        rows.append(f"{stamp},{120 if 8 <= hour % 24 < 20 else 30}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(-50.0, 200.0)), min_size=2, max_size=60),
    st.floats(0.01, 1.0),
    st.integers(1, 30),
    st.floats(0.2, 1.0),
)
def test_work_is_conserved_never_early_and_never_above_the_ceiling(
    steps: list[tuple[float, float]], share: float, deadline: int, ceiling: float
) -> None:
    activity, signal = np.array(steps).T
    found = shift_work(activity, signal, share=share, deadline=deadline, ceiling=ceiling, idle=0.1)
    assert found.activity.sum() == pytest.approx(activity.sum(), rel=1e-9, abs=1e-12)
    assert (np.cumsum(found.activity) <= np.cumsum(activity) + 1e-9).all()  # nothing before it was asked for
    assert (found.activity <= np.maximum(ceiling, activity) + 1e-9).all()
    kept = activity - share * np.maximum(activity - 0.1, 0.0)
    assert (found.activity >= kept - 1e-9).all()
    assert found.longest <= deadline
    assert (found.activity * signal).sum() <= (activity * signal).sum() + 1e-9


def test_near_the_best_plan() -> None:
    """Against a linear program with the same rules: deferrable share, deadline, room of the original schedule."""
    rng = np.random.default_rng(1)
    n, deadline, share, ceiling = 72, 12, 0.4, 0.9
    activity = 0.5 + 0.3 * np.sin(np.arange(n) / 24 * 2 * np.pi) + 0.05 * rng.standard_normal(n)
    signal = 80 - 40 * np.sin(np.arange(n) / 24 * 2 * np.pi + 2.0) + 10 * rng.standard_normal(n)
    pairs = [(s, t) for s in range(n) for t in range(s + 1, min(s + deadline, n - 1) + 1)]
    limits = np.zeros((2 * n, len(pairs)))
    for k, (s, t) in enumerate(pairs):
        limits[s, k] = limits[n + t, k] = 1.0
    most = np.concatenate([share * activity, np.maximum(ceiling - activity, 0.0)])
    best = -linprog([signal[t] - signal[s] for s, t in pairs], A_ub=limits, b_ub=most).fun
    found = shift_work(activity, signal, share=share, deadline=deadline, ceiling=ceiling)
    saved = float(((activity - found.activity) * signal).sum())
    assert 0.9 * best <= saved <= best * (1 + 1e-9)


def test_cheap_hours_save_money_and_do_the_same_work(tmp_path: Path) -> None:
    found = shift(
        SITE, to="cheap", share=0.5, deadline_h=16, hours=240, price=day_prices(tmp_path / "price.csv")
    )
    assert found.work_after == pytest.approx(found.work_before, rel=1e-9)
    assert found.longest_delay_h <= 16
    assert found.moved_share > 0.05
    assert found.after.energy_cost < 0.97 * found.before.energy_cost
    assert found.after.tokens == pytest.approx(found.before.tokens, rel=1e-3)
    assert found.before.converged
    assert found.after.converged
    json.dumps(found.json())


def test_night_hours_carry_more_and_the_base_is_the_plain_run() -> None:
    import twin

    found = shift(SITE, to="02-06", share=0.3, deadline_h=24, hours=96)
    plain = twin.summarize(twin.simulate(SITE, hours=96))
    assert found.before.facility_energy_kwh == pytest.approx(plain.facility_energy_kwh, rel=1e-9)
    assert found.moved_share > 0.0
    scaled = shift(SITE, to="22-02", hours=48, changes={"load.scale": "50 %"})
    half = twin.summarize(twin.simulate(SITE, hours=48, changes={"load.scale": "50 %"}))
    assert scaled.before.it_energy_kwh == pytest.approx(half.it_energy_kwh, rel=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "cheap"},
        {"to": "soon"},
        {"to": "25-30"},
        {"to": "02-06", "share": 0.0},
        {"to": "02-06", "deadline_h": 0.2},
        {"to": "02-06", "deadline_h": float("nan")},
        {"to": "02-06", "ceiling": 2.0},
    ],
)
def test_bad_questions_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        shift(SITE, hours=24, **wrong)  # type: ignore[arg-type]
