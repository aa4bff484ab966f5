"""Requests to power, and power smoothing."""

import numpy as np
import pytest
from twin_models.accelerator.accelerator import Accelerator
from twin_models.accelerator.smoothing import Smoothing, smooth
from twin_models.work.serving import Model, decode_activity, phases, serve

H200 = Accelerator(tdp=700.0, idle=75.0, bandwidth=4.8e12, bf16=9.89e14, fp8=1.979e15)
LLAMA_13B = Model(13e9, context_bytes=40 * 40 * 128 * 2)
LLAMA_70B = Model(70e9)
# Output tokens/s of one H200 at 8 bits: batch, tokens in, tokens out (TensorRT-LLM 0.5.0, H200launch.md)
RATES = (
    (LLAMA_13B, 128, 128, 2048, 4750.0),
    (LLAMA_13B, 64, 2048, 128, 1349.0),
    (LLAMA_70B, 512, 128, 128, 3014.0),
    (LLAMA_70B, 32, 2048, 128, 303.0),
)


@pytest.mark.parametrize(("model", "batch", "read", "write", "published"), RATES)
def test_published_rates(model: Model, batch: int, read: int, write: int, published: float) -> None:
    found = phases(read, write, batch, model, H200)
    assert found is not None
    assert found.tokens == pytest.approx(published, rel=0.15)


def test_small_answers_in_huge_batches_are_overrated() -> None:
    """The fifth published point: 1,024 answers of 128 tokens, 11,819 tokens/s."""
    found = phases(128, 128, 1024, LLAMA_13B, H200)
    assert found is not None
    assert 1.0 < float(found.tokens) / 11_819.0 < 1.45


def test_decode_power_stays_in_the_published_range() -> None:
    power = 75.0 + 625.0 * decode_activity(2.0 ** np.arange(0, 12))
    assert (np.diff(power) > 0.0).all()
    assert power[0] >= 137.0 - 5.0
    assert power[-1] <= 300.0 + 5.0


def test_larger_batches_and_longer_prompts() -> None:
    batch = phases(1155, 211, 2.0 ** np.arange(0, 10), LLAMA_70B, H200)
    assert batch is not None
    assert (np.diff(batch.tokens) > 0.0).all()
    prompts = phases(np.array([128, 1155, 8000]), 211, 64, LLAMA_70B, H200)
    assert prompts is not None
    assert (np.diff(prompts.requests) < 0.0).all()
    assert (np.diff(prompts.activity) > 0.0).all()  # reading is harder work than writing


def test_requests_are_served_or_wait() -> None:
    """A burst of ten minutes is answered late, not lost; what is left waits; the queue is that of a plain loop."""
    most, step_s = 10.0, 60.0
    rate = np.concatenate([np.full(10, 5.5), np.full(10, 25.0), np.zeros(20), np.full(5, 12.0)])
    done = serve(rate, most, step_s, 0.4)
    waiting, loop = 0.0, []
    for asked in rate:
        waiting = max(waiting + (asked - most) * step_s, 0.0)
        loop.append(waiting)
    np.testing.assert_allclose(done.waiting, loop, rtol=1e-12, atol=1e-9)
    assert done.requests.sum() * step_s + done.waiting[-1] == pytest.approx(rate.sum() * step_s, rel=1e-12)
    assert done.requests.max() == most
    assert done.waiting[-1] == pytest.approx(5 * 2.0 * step_s)
    assert done.activity[0] == pytest.approx(0.08 + 0.55 * (0.4 - 0.08))
    assert done.busy[15] == 1.0
    assert done.busy[39] == 0.0


def test_unknown_packages_have_no_rates() -> None:
    assert phases(100, 100, 8, LLAMA_70B, Accelerator(tdp=300.0, idle=75.0)) is None


def test_smoothing_keeps_floor_and_ramps_and_accounts_for_energy() -> None:
    step = 0.1
    t = np.arange(0.0, 40.0, step)
    asked = np.where((t < 20.0) & ((t % 2.0) < 1.0), 1086.0, 184.0)  # B300: 2 s on and off
    profile = Smoothing(floor=0.6, ramp_up=0.2, ramp_down=0.1, hold=5.0)
    found = smooth(asked, step, 1100.0, 184.0, profile)
    running = (t > 4.0) & (t < 19.0)
    assert found.power[running].min() >= 0.6 * 1100.0 - 1e-9
    assert np.diff(found.power).max() <= 0.2 * 1100.0 * step + 1e-9
    assert np.diff(found.power).min() >= -0.1 * 1100.0 * step - 1e-9
    assert np.ptp(found.power[running]) < 0.35 * np.ptp(asked)
    np.testing.assert_allclose((found.power - asked) * step, found.burnt - found.held, atol=1e-9)
    assert found.power[-1] == 184.0  # the floor is let go
    assert (found.power <= 1086.0).all()
    many = smooth(np.stack([asked, asked]), step, np.array([1100.0, 1100.0]), 184.0, profile)
    assert np.array_equal(many.power[1], found.power)


def test_without_floor_and_fast_ramps_nothing_changes() -> None:
    asked = np.array([100.0, 900.0, 200.0])
    found = smooth(asked, 1.0, 1000.0, 100.0, Smoothing(floor=0.0, ramp_up=100.0, ramp_down=100.0))
    assert np.array_equal(found.power, asked)
    with pytest.raises(ValueError, match="above 0"):
        smooth(asked, 0.0, 1000.0, 100.0, Smoothing())
