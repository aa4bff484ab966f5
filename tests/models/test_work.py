"""Tokens and the clock law, against published points and the sweeps of the power limit by Zeus."""

import csv
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from twin_models.accelerator.accelerator import Accelerator, respond
from twin_models.accelerator.dvfs import clock_for, dynamic_share, speed
from twin_models.work import work as model
from twin_models.work.work import Work

ZEUS = Path(__file__).parents[3] / "shared/data/gpu_traces/zeus_power_sweep/summary_power_v100.csv"
FLOOR, KNEE = Accelerator(tdp=2.0, idle=1.0).voltage_floor, Accelerator(tdp=2.0, idle=1.0).voltage_knee
V100_STATIC = (
    0.25  # of power at full clock: what the fit leaves beside the clock, and the datasheet's 75 of 300 W
)
H100 = Accelerator(tdp=700.0, idle=68.0, bf16=9.89e14, serving=3100.0)
SERVE = Work(task="inference", compute_share=0.3, busy_activity=0.85)
TRAIN = Work(task="training", compute_share=0.5)


@given(st.floats(0.02, 1.0), st.floats(0.3, 1.0), st.floats(0.05, 0.95))
def test_clock_is_the_inverse_of_dynamic_power(clock: float, floor: float, knee: float) -> None:
    assert clock_for(dynamic_share(clock, floor, knee), floor, knee) == pytest.approx(clock, rel=1e-9)


def test_speed_falls_late_and_the_more_the_more_is_computed() -> None:
    clock = clock_for(np.linspace(0.1, 1.0, 50), FLOOR, KNEE)
    assert (np.diff(clock) > 0).all()
    for share in (0.0, 0.3, 1.0):
        assert (np.diff(speed(clock, share)) >= 0).all()
    assert speed(1.0, 0.7) == 1.0
    np.testing.assert_allclose(speed(0.5, np.array([0.0, 0.5, 1.0])), [1.0, 2 / 3, 0.5])


def sweep(static: float, share: float, limits: np.ndarray) -> np.ndarray:
    """Speed at caps given as shares of uncapped power, of which ``static`` does not follow the clock."""
    dynamic = np.clip((limits - static) / (1.0 - static), 0.0, 1.0)
    return speed(clock_for(dynamic, FLOOR, KNEE), share)


@pytest.mark.skipif(not ZEUS.exists(), reason="needs ../shared/data")
def test_cap_curve_meets_the_measured_sweeps_that_it_was_not_fitted_to() -> None:
    """Floor and knee come from ResNet-50; here is BERT, with one number for each sweep: how much of it computes."""
    runs: dict[tuple[str, ...], dict[int, tuple[float, float]]] = defaultdict(dict)
    with ZEUS.open() as file:
        for row in csv.DictReader(file):
            if "bert" in row["network"]:
                key = (row["dataset"], row["batch_size"], row["optimizer"])
                runs[key][int(row["power_limit"])] = float(row["time_per_epoch"]), float(row["average_power"])
    found: list[float] = []
    for run in runs.values():
        limits = np.array(sorted(run))
        time, power = np.array([run[limit] for limit in limits]).T
        measured = time[-1] / time
        if power[-1] < 0.85 * 250.0 or measured.max() > 1.03:
            continue  # never at the limit, or disturbed: faster under a cap than without
        relative = np.minimum(power / power[-1], 1.0)
        share = minimize_scalar(
            lambda c, x=relative, y=measured: float(((sweep(V100_STATIC, c, x) - y) ** 2).sum()),
            bounds=(0.01, 1.0),
            method="bounded",
        ).x
        found += list(sweep(V100_STATIC, share, relative) / measured - 1.0)
    assert len(found) >= 60
    assert np.abs(found).max() < 0.05  # of the measured speed, at every limit from 100 to 250 W
    assert np.sqrt(np.mean(np.square(found))) < 0.02


def test_published_points_of_caps() -> None:
    # LLaMA decode on A100/V100, 250 to 175 W: latency +6 to 7 % (arXiv 2310.03003)
    assert 1.0 / sweep(0.2, 0.3, np.array(0.7)) - 1.0 == pytest.approx(0.065, abs=0.015)
    # recalled defaults for big training jobs
    caps = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert sweep(0.1, 0.5, caps) == pytest.approx([0.98, 0.95, 0.90, 0.80, 0.67], abs=0.09)


def test_a_cap_bounds_power_at_any_coolant_and_a_higher_one_never_slows() -> None:
    activity, coolant = np.meshgrid(np.linspace(0, 1, 21), [15.0, 30.0, 45.0, 60.0])
    before = np.zeros(activity.shape)
    for cap in (0.3, 0.5, 0.7, 0.9, 1.0):
        capped = respond(activity, coolant, 0.03, replace(H100, power_cap=cap))
        assert (capped.power <= cap * 700.0 * (1 + 1e-12)).all()
        free = respond(activity, coolant, 0.03, H100)
        assert (capped.done <= free.done + 1e-12).all()
        assert (capped.done >= before - 1e-12).all()
        binds = free.power > cap * 700.0
        assert capped.power[binds] == pytest.approx(cap * 700.0, rel=1e-9)
        assert np.array_equal(capped.power[~binds], free.power[~binds])
        assert not capped.throttled.any()
        before = capped.done


def test_a_cap_acts_on_those_that_work() -> None:
    """Half of the servers busy at 0.85: their cap cuts the half that works, though the mean is far below it."""
    half = 0.5 * (0.85 + 0.08)
    capped = respond(half, 30.0, 0.03, replace(H100, power_cap=0.6, feedback=False), 0.85, 0.08)
    allowed = (0.6 * 700.0 - 68.0) / 632.0
    assert capped.done == pytest.approx(0.5 * (allowed + 0.08), rel=1e-12)
    alike = respond(half, 30.0, 0.03, replace(H100, power_cap=0.6, feedback=False))
    assert alike.done == half


def test_a_locked_clock_saves_power_and_costs_speed_once() -> None:
    locked = replace(H100, clock=0.7, feedback=False)
    found = respond(1.0, 30.0, 0.03, locked)
    share = dynamic_share(0.7, FLOOR, KNEE)
    assert found.power == pytest.approx(68.0 + 632.0 * share)
    left = model.remaining_speed(1.0, found.done, TRAIN, locked)
    assert left == pytest.approx(speed(0.7, 0.5), rel=1e-9)


def test_reference_rates() -> None:
    assert model.reference_rate(SERVE, H100) == (
        3100.0,
        "benchmark",
        "3100 tokens/s with Llama 2 70B",
    )
    bigger = model.reference_rate(replace(SERVE, parameters=140e9), H100)
    assert bigger is not None
    assert bigger[:2] == (1550.0, "estimate")
    trained = model.reference_rate(TRAIN, H100)
    assert trained is not None
    assert trained.tokens == pytest.approx(0.4 * 9.89e14 / (6 * 70e9))
    own = model.reference_rate(replace(TRAIN, tokens=123.0), replace(H100, bf16=None))
    assert own is not None
    assert own[:2] == (123.0, "stated")
    assert model.reference_rate(TRAIN, replace(H100, bf16=None)) is None
    assert model.reference_rate(SERVE, replace(H100, serving=None)) is None


@given(st.lists(st.floats(0.08, 1.0), min_size=2, max_size=20))
def test_tokens_add_up_over_any_step(activity: list[float]) -> None:
    a = np.array(activity)
    assert model.tokens(a, a, 100.0, SERVE, H100).mean() == pytest.approx(
        float(model.tokens(a.mean(), a.mean(), 100.0, SERVE, H100)), rel=1e-9, abs=1e-9
    )


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_what_is_not_done_costs_less_speed_than_power(asked: float, part: float) -> None:
    left = model.remaining_speed(asked, asked * part, SERVE, H100)
    assert 0.0 <= left <= 1.0
    assert (left == 1.0) if part == 1.0 or asked <= 0.08 else True


def test_working_share_has_its_inverse_and_no_negative_work() -> None:
    assert model.working_share([0.0, 0.08, 0.85], SERVE) == pytest.approx([0.0, 0.0, 1.0])
    assert model.working_share(model.activity_for(0.4, SERVE), SERVE) == pytest.approx(0.4)


def test_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="below busy_activity"):
        Work(task="training", busy_activity=0.3, idle_activity=0.4)
    with pytest.raises(ValueError, match="idle power"):
        replace(H100, power_cap=0.09)


def test_a_degraded_network_makes_training_longer_as_published() -> None:
    bad = replace(TRAIN, network_loss=0.1)
    assert 1.3 <= bad.stretch <= 1.4  # 10 % of degradation: 30 to 40 % longer
    sound = np.array([0.0, 0.08, 0.5, 0.9])
    waiting = model.stalled(sound, bad)
    np.testing.assert_allclose(model.unstalled(waiting, bad), sound, rtol=1e-12)
    assert waiting[:2].tolist() == [0.0, 0.08]
    assert 0.45 < waiting[-1] < 0.9
    before = model.tokens(sound, sound, 100.0, TRAIN, H100)
    np.testing.assert_allclose(
        model.tokens(waiting, waiting, 100.0, bad, H100), before / bad.stretch, rtol=1e-12
    )
    assert replace(SERVE, network_loss=0.1).stretch == 1.0
    assert replace(TRAIN, network_loss=0.0).level == TRAIN.busy_activity
