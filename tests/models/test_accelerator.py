"""Accelerator: fixed point, slopes, throttling, inverse, datasheets."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.optimize import brentq
from twin_models.accelerator.accelerator import Accelerator, activity_of, respond
from twin_sites import catalogue, units

FIXED_POINT = 1e-10  # relative, against brentq
SLOPE = 1e-5  # relative, against central differences
EXACT = 1e-12
ONSET = 1e-6  # K either side of the onset of throttling
SENSITIVITY_BAND = (0.001, 0.004)  # 1/K at TDP, the range recalled for data-centre accelerators
DECODE = (137.0, 300.0)  # W of an H200 in decode, arXiv 2605.11999
TDP_BAND = 0.05
IDLE_BAND = 0.05

H100 = Accelerator(tdp=700.0, idle=68.0)


def read(value, quantity):
    return None if value is None else units.read(value, quantity)


def product(slug):
    values = {key: value for key, value in catalogue.datasheet(slug).values.items() if key != "kind"}
    return TypeAdapter(Accelerator).validate_python(values, context=read)


PRODUCTS = catalogue.names("accelerator")


def junction_oracle(activity, coolant_in, resistance, p):
    """The two equations as they stand, solved by bracketing."""
    ref = p.idle + (p.tdp - p.idle) * activity**p.activity_exponent
    total = resistance + p.junction_to_case

    def excess(t):
        growth = np.exp(p.leakage_coefficient * (t - p.leakage_reference)) - 1.0
        return t - coolant_in - total * ref * (1.0 + p.leakage_share * growth)

    return brentq(excess, coolant_in, p.throttle, xtol=1e-13, rtol=1e-14)


def test_fixed_point_matches_a_bracketing_solver():
    rng = np.random.default_rng(1)
    seen = 0
    while seen < 400:
        p = Accelerator(
            tdp=rng.uniform(200.0, 4000.0),
            idle=rng.uniform(10.0, 150.0),
            activity_exponent=rng.uniform(0.6, 1.5),
            leakage_share=rng.uniform(0.0, 0.3),
            leakage_coefficient=rng.uniform(0.002, 0.02),
        )
        activity, coolant, resistance = rng.random(), rng.uniform(5.0, 50.0), rng.uniform(2.0, 60.0) / p.tdp
        got = respond(activity, coolant, resistance, p)
        if got.done < activity - 1e-12:
            continue
        seen += 1
        junction = junction_oracle(activity, coolant, resistance, p)
        assert got.junction == pytest.approx(junction, rel=FIXED_POINT)
        power = (junction - coolant) / (resistance + p.junction_to_case)
        assert got.power == pytest.approx(power, rel=FIXED_POINT)
        assert got.case == pytest.approx(coolant + power * resistance, rel=FIXED_POINT)
        assert got.valid


def test_tdp_is_drawn_at_the_reference_temperature():
    coolant = H100.leakage_reference - H100.tdp * (0.03 + H100.junction_to_case)
    got = respond(1.0, coolant, 0.03, H100)
    assert got.power == pytest.approx(H100.tdp, rel=EXACT)
    assert got.junction == pytest.approx(H100.leakage_reference, rel=EXACT)


@pytest.mark.parametrize(("coolant", "resistance"), [(25.0, 0.03), (45.0, 0.05), (60.0, 0.05), (80.0, 0.05)])
def test_slope_is_the_derivative(coolant, resistance):
    activity, step = np.linspace(0.05, 1.0, 12), 1e-3
    up, down = (respond(activity, coolant + d, resistance, H100).power for d in (step, -step))
    got = respond(activity, coolant, resistance, H100)
    np.testing.assert_allclose(got.slope, (up - down) / (2.0 * step), rtol=SLOPE, atol=1e-9)
    throttled = got.done < activity - 1e-12
    assert np.all(got.slope[throttled] < 0.0)
    assert np.all(got.slope[~throttled] > 0.0)


def test_throttling_holds_the_junction_and_lowers_what_is_done():
    coolant = np.linspace(20.0, 82.0, 200)
    got = respond(1.0, coolant, 0.05, H100)
    hot = got.done < 1.0
    assert 20 < hot.sum() < 180
    assert got.valid.all()
    np.testing.assert_allclose(got.junction[hot], H100.throttle, rtol=EXACT)
    allowed = (H100.throttle - coolant[hot]) / (0.05 + H100.junction_to_case)
    np.testing.assert_allclose(got.power[hot], allowed, rtol=EXACT)
    assert np.all(np.diff(got.done) <= 1e-15)
    assert np.all(np.diff(got.done[hot]) < 0.0)
    # what is done, asked for outright at the same place, draws the same power
    np.testing.assert_allclose(respond(got.done, coolant, 0.05, H100).power, got.power, rtol=1e-9)


def test_onset_of_throttling_is_continuous():
    unlimited = replace(H100, throttle=150.0, stop=150.0)
    onset = brentq(lambda t: respond(1.0, t, 0.05, unlimited).junction - H100.throttle, 20.0, 70.0)
    below, above = respond(1.0, onset - ONSET, 0.05, H100), respond(1.0, onset + ONSET, 0.05, H100)
    assert below.power == pytest.approx(above.power, rel=1e-6)
    assert below.done == pytest.approx(above.done, rel=1e-6)


def test_idle_that_cannot_be_cooled_shows():
    got = respond(0.7, 86.0, 0.05, H100)
    assert got.done == 0.0
    assert got.junction > H100.throttle
    assert not got.valid
    assert got.slope == 0.0
    no_flow = respond(np.array([0.0, 1.0]), 30.0, np.inf, H100)
    assert np.isfinite(np.stack(no_flow[:5])).all()
    assert np.all(no_flow.junction > H100.stop)
    assert not no_flow.valid.any()


def test_activity_outside_its_range_is_marked():
    got = respond(np.array([-0.2, 0.0, 1.0, 1.2]), 25.0, 0.03, H100)
    assert got.valid.tolist() == [False, True, True, False]
    assert got.power[0] == got.power[1]
    assert got.power[3] > got.power[2]


def test_without_feedback_temperature_does_not_matter():
    off = replace(H100, feedback=False)
    got = respond(0.6, np.array([10.0, 30.0, 50.0]), 0.03, off)
    np.testing.assert_allclose(got.power, 68.0 + 632.0 * 0.6, rtol=EXACT)
    assert np.all(got.slope == 0.0)
    assert np.ptp(respond(0.6, np.array([10.0, 50.0]), 0.03, H100).power) > 10.0


def test_array_equals_scalars():
    rng = np.random.default_rng(2)
    activity, coolant, resistance = rng.random(200), rng.uniform(10.0, 85.0, 200), rng.uniform(0.02, 0.2, 200)
    whole = respond(activity, coolant, resistance, H100)
    for i in range(200):
        one = respond(float(activity[i]), float(coolant[i]), float(resistance[i]), H100)
        for got, expected in zip(one, whole, strict=True):
            assert got == pytest.approx(expected[i], rel=1e-11, abs=1e-11)


def test_inverse():
    activity = np.linspace(0.0, 1.0, 21)
    power = respond(activity, 35.0, 0.03, H100).power
    back = activity_of(power, 35.0, 0.03, H100)
    np.testing.assert_allclose(back.activity, activity, atol=1e-9)
    assert back.valid.all()
    curved = replace(H100, activity_exponent=0.7)
    back = activity_of(respond(activity, 35.0, 0.03, curved).power, 35.0, 0.03, curved)
    np.testing.assert_allclose(back.activity, activity, atol=1e-9)
    outside = activity_of(np.array([30.0, 900.0]), 35.0, 0.03, H100)
    assert outside.activity.tolist() == [0.0, 1.0]
    assert not outside.valid.any()


def test_wrong_parameters_are_refused():
    with pytest.raises(ValueError, match="below tdp"):
        Accelerator(tdp=100.0, idle=100.0)
    with pytest.raises(ValueError, match="limits must rise"):
        Accelerator(tdp=100.0, idle=10.0, target=90.0)


def test_the_catalogue_is_large_enough():
    assert len(PRODUCTS) >= 20


@pytest.mark.parametrize("slug", PRODUCTS)
def test_datasheet(slug):
    p = product(slug)
    assert 0.05 < p.idle / p.tdp < 0.3
    assert p.peak is None or p.peak >= p.tdp
    assert p.typical is None or p.idle < p.typical <= p.tdp
    coolant = p.leakage_reference - p.tdp * 20.0 / p.tdp
    at_tdp = respond(1.0, coolant, 20.0 / p.tdp - p.junction_to_case, p)
    assert at_tdp.power == pytest.approx(p.tdp, rel=1e-9)
    assert SENSITIVITY_BAND[0] < at_tdp.slope / at_tdp.power < SENSITIVITY_BAND[1]
    rates = [rate for rate in (p.bf16, p.fp8, p.fp4) if rate is not None]
    assert rates == sorted(rates)


@pytest.mark.parametrize("slug", PRODUCTS)
def test_every_estimate_has_a_reason(slug):
    for where, origin in catalogue.datasheet(slug).origins.items():
        assert origin.confidence in catalogue.CONFIDENCES, where
        assert origin.source, where
        assert origin.reason or origin.confidence != "estimate", where


def test_h200_decode_and_prefill():
    p = product("nvidia-h200-sxm")
    decode = activity_of(np.array(DECODE), 30.0, 0.025, p)
    assert decode.valid.all()
    assert 0.05 < decode.activity[0] < decode.activity[1] < 0.42
    assert respond(decode.activity, 30.0, 0.025, p).power == pytest.approx(np.array(DECODE), rel=1e-9)
    prefill = respond(1.0, np.array([25.0, 30.0, 40.0]), 0.025, p).power
    np.testing.assert_allclose(prefill, p.tdp, rtol=TDP_BAND)


def test_h100_idle_against_telemetry():
    path = Path(__file__).parents[2].parent / "shared/data/gpu_traces/nvidia_dcgm_exporter"
    file = path / "h100x8_dcgm_exporter_snapshot.prom"
    if not file.exists():
        pytest.skip("telemetry snapshot is not part of the repository")
    found = re.findall(r"^DCGM_FI_DEV_POWER_USAGE\{.*\} ([\d.]+)$", file.read_text(), flags=re.MULTILINE)
    assert len(found) == 8
    assert product("nvidia-h100-sxm5").idle == pytest.approx(
        np.median([float(x) for x in found]), rel=IDLE_BAND
    )
