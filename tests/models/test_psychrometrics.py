"""Moist air against psychrolib and CoolProp on both sides of 0 °C, and what must hold everywhere."""

import warnings

import numpy as np
import psychrolib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_models.psychrometrics import psychrometrics as psy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from CoolProp.HumidAirProp import HAPropsSI

psychrolib.SetUnitSystem(psychrolib.SI)

SAME_EQUATIONS = 1e-6  # relative, psychrolib
SAME_TEMPERATURE = 1e-3  # K, psychrolib's own tolerance
REAL_GAS = 6e-3  # relative humidity ratio: CoolProp's air is a real gas (enhancement factor 1.004 to 1.005)
REAL_GAS_DENSITY = 1e-3  # relative
REAL_GAS_WET_BULB = 0.025  # K; 0.021 is measured near 0 °C
BAND = 0.6  # K either side of a 0 °C wet bulb, where the Handbook's equation has two roots

T, RH, P = (
    x.ravel()
    for x in np.meshgrid(
        np.array([-30.0, -12.0, -5.0, -1.0, 1.0, 5.0, 12.0, 25.0, 35.0, 48.0]),
        np.array([0.05, 0.3, 0.6, 0.9, 1.0]),
        np.array([70e3, 85e3, 101325.0]),
    )
)
W = psy.humidity_ratio(T, RH, P)

temperatures = st.floats(-40.0, 55.0)
humidities = st.floats(0.01, 1.0)
pressures = st.floats(60e3, 105e3)


def test_saturation_pressure_is_the_handbooks() -> None:
    t = np.linspace(-60.0, 120.0, 181)
    expected = [psychrolib.GetSatVapPres(x) for x in t]
    assert psy.saturation_pressure(t) == pytest.approx(expected, rel=SAME_EQUATIONS)


@pytest.mark.parametrize("t", [-30.0, -5.0, 5.0, 30.0, 50.0])
def test_saturation_pressure_near_coolprop(t: float) -> None:
    expected = HAPropsSI("P_w", "T", t + 273.15, "R", 1.0, "P", 101325.0)
    # CoolProp's partial pressure carries the enhancement factor.
    assert psy.saturation_pressure(t) == pytest.approx(expected, rel=REAL_GAS)


def test_humidity_density_and_enthalpy_are_the_handbooks() -> None:
    rows = list(zip(T, RH, P, W, strict=True))
    ratio = [psychrolib.GetHumRatioFromRelHum(t, rh, p) for t, rh, p, _ in rows]
    assert pytest.approx(ratio, rel=SAME_EQUATIONS) == W
    rho = [psychrolib.GetMoistAirDensity(t, w, p) for t, _, p, w in rows]
    assert psy.density(T, W, P) == pytest.approx(rho, rel=SAME_EQUATIONS)
    h = [psychrolib.GetMoistAirEnthalpy(t, w) for t, _, _, w in rows]
    assert psy.enthalpy(T, W) == pytest.approx(h, rel=SAME_EQUATIONS, abs=1e-3)
    dew = [psychrolib.GetTDewPointFromHumRatio(t, w, p) for t, _, p, w in rows]
    assert psy.dew_point(W, P) == pytest.approx(dew, abs=SAME_TEMPERATURE)
    assert psy.relative_humidity(T, W, P) == pytest.approx(RH, rel=1e-9)


def test_wet_bulb_is_the_handbooks_outside_the_band_at_zero() -> None:
    expected = np.array(
        [psychrolib.GetTWetBulbFromHumRatio(t, w, p) for t, w, p in zip(T, W, P, strict=True)]
    )
    outside = np.abs(expected) > BAND
    assert outside.sum() > 0.85 * T.size
    assert psy.wet_bulb(T, W, P)[outside] == pytest.approx(expected[outside], abs=SAME_TEMPERATURE)
    back = psy.humidity_ratio_from_wet_bulb(T, psy.wet_bulb(T, W, P), P)
    assert back[outside] == pytest.approx(W[outside], abs=1e-9)


@pytest.mark.parametrize(
    ("t", "rh", "psychrolib_value", "coolprop_value"),
    [
        (35.0, 0.4, 23.934, 23.930),
        (25.0, 0.5, 17.889, 17.884),
        (10.0, 0.8, 8.290, 8.288),
        (-5.0, 0.7, -6.335, -6.340),
    ],
)
def test_wet_bulb_at_published_points(
    t: float, rh: float, psychrolib_value: float, coolprop_value: float
) -> None:
    found = psy.wet_bulb(t, psy.humidity_ratio(t, rh, 101325.0), 101325.0)
    assert found == pytest.approx(psychrolib_value, abs=SAME_TEMPERATURE)
    assert found == pytest.approx(coolprop_value, abs=REAL_GAS_WET_BULB)


@pytest.mark.parametrize("t", [-15.0, -4.0, 6.0, 22.0, 38.0])
@pytest.mark.parametrize("rh", [0.2, 0.85])
def test_near_coolprops_real_gas(t: float, rh: float) -> None:
    p = 95e3
    state = ("T", t + 273.15, "R", rh, "P", p)
    w = psy.humidity_ratio(t, rh, p)
    assert w == pytest.approx(HAPropsSI("W", *state), rel=REAL_GAS)
    moist = psy.density(t, w, p)
    assert moist == pytest.approx((1.0 + w) / HAPropsSI("Vda", *state), rel=REAL_GAS_DENSITY)
    wet_bulb = psy.wet_bulb(t, w, p)
    if abs(wet_bulb) > BAND:
        assert wet_bulb == pytest.approx(HAPropsSI("B", *state) - 273.15, abs=REAL_GAS_WET_BULB)


@pytest.mark.parametrize("t", [1.0, 4.0, 10.0, 20.0])
def test_wet_bulb_has_no_step_at_zero(t: float) -> None:
    p = 101325.0
    w = np.linspace(0.0, float(psy.saturation_humidity_ratio(t, p)), 20_001)
    step = np.diff(psy.wet_bulb(t, w, p))
    assert step.min() > 0.0
    assert step.max() < 5.0 * step.mean()


@settings(max_examples=200, deadline=None)
@given(temperatures, humidities, pressures)
def test_order_and_inverses(t: float, rh: float, p: float) -> None:
    w = psy.humidity_ratio(t, rh, p)
    dew, wet = psy.dew_point(w, p), psy.wet_bulb(t, w, p)
    assert dew <= wet + 1e-6 <= t + 2e-6
    assert psy.humidity_ratio_from_dew_point(dew, p) == pytest.approx(w, rel=1e-8)
    h = psy.enthalpy(t, w)
    assert psy.temperature_from_enthalpy(h, w) == pytest.approx(t, abs=1e-9)
    saturated = psy.temperature_of_saturated_enthalpy(h, p)
    assert psy.enthalpy(saturated, psy.saturation_humidity_ratio(saturated, p)) == pytest.approx(h, abs=1e-3)


@settings(max_examples=100, deadline=None)
@given(temperatures, st.floats(0.01, 0.97), pressures)
def test_more_moisture_means_warmer_bulbs(t: float, rh: float, p: float) -> None:
    w, more = psy.humidity_ratio(t, rh, p), psy.humidity_ratio(t, rh + 0.02, p)
    assert psy.wet_bulb(t, more, p) > psy.wet_bulb(t, w, p)
    assert psy.dew_point(more, p) > psy.dew_point(w, p)
    assert psy.density(t, more, p) < psy.density(t, w, p)  # vapour is lighter than air


def test_standard_atmosphere() -> None:
    altitude = [0.0, 1500.0, 3000.0]
    expected = [psychrolib.GetStandardAtmPressure(z) for z in altitude]
    assert psy.standard_pressure(np.array(altitude)) == pytest.approx(expected, rel=SAME_EQUATIONS)


def test_bone_dry_air_has_bulbs() -> None:
    assert np.isfinite(psy.dew_point(0.0, 101325.0))
    assert -5.0 < float(psy.wet_bulb(20.0, 0.0, 101325.0)) < 10.0


def test_arrays_equal_scalars() -> None:
    for name in ("wet_bulb", "density", "relative_humidity"):
        f = getattr(psy, name)
        assert f(T, W, P) == pytest.approx(
            [float(f(t, w, p)) for t, w, p in zip(T, W, P, strict=True)], abs=1e-9
        )
