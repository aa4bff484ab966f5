"""Generated activity against the statistics of the records it is made after."""

import numpy as np
import pytest
from twin_sites.errors import InputError

from twin.loads.generate import DAY_CURVE, KINDS, activity

YEAR = 8760


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step_s", [15.0, 600.0, 3600.0])
def test_activity_is_a_share_at_any_step(kind: str, step_s: float) -> None:
    values = activity(kind, 2000, step_s, seed=3)  # type: ignore[arg-type]
    assert values.shape == (2000,)
    assert values.min() > 0.05
    assert values.max() <= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_tells_one_story_at_every_step_and_length(kind: str) -> None:
    hours = activity(kind, 240, 3600.0, seed=7)  # type: ignore[arg-type]
    minutes = activity(kind, 240 * 60, 60.0, seed=7)  # type: ignore[arg-type]
    assert minutes.reshape(240, 60).mean(axis=1) == pytest.approx(hours, abs=2e-3)
    assert np.array_equal(activity(kind, 100, 3600.0, seed=7), hours[:100])  # type: ignore[arg-type]
    assert not np.array_equal(activity(kind, 240, 3600.0, seed=8), hours)  # type: ignore[arg-type]


def test_training_looks_like_the_measured_run() -> None:
    run = activity("training", 1500, 2.0, seed=0)  # within the first job, before its first failure
    assert run.mean() == pytest.approx(0.90, abs=0.01)  # GPT-3 on 512 H100
    assert np.percentile(run, 95) == pytest.approx(0.954, abs=0.015)
    spectrum = np.abs(np.fft.rfft(run - run.mean()))
    period = 1500 * 2.0 / np.arange(1, spectrum.size)
    near_step = spectrum[1:][(period > 10.5) & (period < 11.3)].max()
    assert near_step > 5 * np.median(spectrum[1:])
    year = activity("training", YEAR, seed=0)
    assert 0.85 < year.mean() < 0.92
    assert 0.005 < (year < 0.5).mean() < 0.05  # failures and pauses


def test_inference_follows_the_measured_day_and_its_noise() -> None:
    year = activity("inference", YEAR, seed=0)
    day = year.reshape(365, 24).mean(axis=0)
    assert day.argmax() == 20
    assert day.argmin() in range(1, 7)
    assert np.corrcoef(day, DAY_CURVE)[0, 1] > 0.97
    windows = activity("inference", 6 * YEAR, 600.0, seed=0)
    busy = (windows - 0.08) / np.tile(
        np.interp((np.arange(144) + 0.5) / 6, np.arange(24) + 0.5, DAY_CURVE, period=24.0), 365
    )
    assert np.corrcoef(busy[1:], busy[:-1])[0, 1] == pytest.approx(0.88, abs=0.03)
    shifted = activity("inference", YEAR, seed=0, start_hour=6.0)
    assert shifted.reshape(365, 24).mean(axis=0).argmax() == 14


def test_bad_requests_are_refused() -> None:
    for wrong in (
        ("games", 10, 60.0),
        ("training", 0, 60.0),
        ("training", 10, -1.0),
        ("training", 10**9, 1.0),
    ):
        with pytest.raises(InputError):
            activity(*wrong)  # type: ignore[arg-type]
