"""Boiling and condensing: laws against ht, liquids against CoolProp, critical heat flux, condensers, the inverse."""

from dataclasses import replace

import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI
from ht.boiling_nucleic import Cooper, Rohsenow, Zuber
from pydantic import TypeAdapter
from twin_models.fluids import boiling, fluids
from twin_models.fluids.boiling_coefficients import CRITICAL
from twin_models.streams import Stream
from twin_models.two_phase.two_phase import (
    FILM_BOILING,
    SCALE_K,
    ZUBER,
    BoilingSurface,
    Condenser,
    conductance,
    cooper,
    critical_flux,
    resistance,
    rohsenow,
    transfer,
    valve_for,
)
from twin_sites import catalogue, units

EXACT = 1e-6
FIT = 1e-3
SLOPE = 1e-3
SURFACE = BoilingSurface(area=0.0081, base_resistance=0.02, enhancement=5.0, critical_factor=1.6)
COOLPROP = {
    "novec_649": "Novec649",
    "r1336mzz_z": "R1336mzz(Z)",
    "r1233zd_e": "R1233zd(E)",
    "cyclopentane": "Cyclopentane",
}
WATER = fluids.fluid("water")


@pytest.mark.parametrize("name", boiling.NAMES)
def test_saturation_against_coolprop(name: str) -> None:
    t = np.linspace(5.0, 105.0, 21)
    source = COOLPROP[name]

    def at(key: str, quality: float) -> np.ndarray:
        return np.array([PropsSI(key, "T", x + 273.15, "Q", quality, source) for x in t])

    assert boiling.pressure(name, t) == pytest.approx(at("P", 0.0), rel=FIT)
    assert boiling.latent_heat(name, t) == pytest.approx(at("H", 1.0) - at("H", 0.0), rel=FIT)
    assert boiling.density(name, t) == pytest.approx(at("D", 0.0), rel=FIT)
    assert boiling.vapour_density(name, t) == pytest.approx(at("D", 1.0), rel=FIT)
    assert boiling.heat_capacity(name, t) == pytest.approx(at("C", 0.0), rel=3 * FIT)
    point = PropsSI("T", "P", 101325.0, "Q", 0.0, source) - 273.15
    assert float(boiling.saturation_temperature(name, 101325.0)) == pytest.approx(point, abs=0.02)
    assert fluids.fluid(name).boils


def test_one_is_no_legacy_pfas() -> None:
    legacy = {name: boiling.TRANSPORT[name].legacy for name in boiling.NAMES}
    assert len(legacy) >= 3
    assert not all(legacy.values())


@pytest.mark.parametrize("name", boiling.NAMES)
def test_laws_against_ht(name: str) -> None:
    t, flux = float(boiling.saturation_temperature(name, 101325.0)), 8e4
    _, critical, mass = CRITICAL[name]
    p = float(boiling.pressure(name, t))
    wanted = Cooper(P=p, Pc=critical, MW=mass, q=flux, Rp=0.7e-6)
    assert float(cooper(flux, t, name, 0.7)) == pytest.approx(wanted, rel=EXACT)
    rho_l, rho_v = float(boiling.density(name, t)), float(boiling.vapour_density(name, t))
    latent, sigma = float(boiling.latent_heat(name, t)), float(boiling.surface_tension(name, t))
    transport = boiling.TRANSPORT[name]
    wanted = Rohsenow(
        rhol=rho_l, rhog=rho_v, mul=transport.viscosity, kl=transport.conductivity,
        Cpl=float(boiling.heat_capacity(name, t)), Hvap=latent, sigma=sigma, q=flux, Csf=0.007, n=1.7,
    )  # fmt: skip
    assert float(rohsenow(flux, t, name, 0.007)) == pytest.approx(wanted, rel=EXACT)
    wanted = Zuber(sigma=sigma, Hvap=latent, rhol=rho_l, rhog=rho_v, K=ZUBER)
    assert float(critical_flux(t, name)) == pytest.approx(wanted, rel=EXACT)


def test_published_check_value_of_cooper(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 atm, critical pressure 2.23 MPa, 250 kg/kmol, 1e5 W/m², Rp 1 µm: 4570 W/(m²·K)."""
    t = float(boiling.saturation_temperature("novec_649", 101325.0))
    monkeypatch.setitem(CRITICAL, "novec_649", (160.0, 2.23e6, 250.0))
    assert float(cooper(1e5, t, "novec_649", 1.0)) == pytest.approx(4570.0, rel=1e-3)


def test_resistance_falls_with_heat_until_the_critical_flux() -> None:
    heat = np.array([50.0, 200.0, 700.0, 1200.0])
    found = resistance(heat, 49.0, SURFACE)
    assert np.all(np.diff(found.resistance) < 0.0)
    assert np.all(found.valid)
    limit = 1.6 * float(critical_flux(49.0, "novec_649")) * SURFACE.area
    beyond = resistance(1.001 * limit, 49.0, SURFACE)
    assert not beyond.valid
    assert float(beyond.flux_share) > 1.0
    assert float(beyond.resistance) == pytest.approx(0.02 + 1.0 / (FILM_BOILING * SURFACE.area))
    warm, cold = (resistance(heat, 49.0 + d, SURFACE).resistance for d in (0.5, -0.5))
    assert found.slope == pytest.approx(warm - cold, rel=5 * SLOPE)
    plain = resistance(700.0, 49.0, replace(SURFACE, enhancement=1.0))
    assert float(plain.resistance) > float(resistance(700.0, 49.0, SURFACE).resistance)


def condenser(slug: str) -> Condenser:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    return TypeAdapter(Condenser).validate_python(values, context=units.read)


def vapour(t: float | np.ndarray, heat: float | np.ndarray) -> Stream:
    liquid = fluids.fluid("novec_649")
    latent = fluids.heat_capacity(liquid, t)
    return Stream(np.asarray(t) + SCALE_K, np.asarray(heat) / latent / SCALE_K, latent, liquid)


@pytest.mark.parametrize("slug", catalogue.names("two_phase"))
def test_condenser_meets_its_rated_point_and_balances(slug: str) -> None:
    params = condenser(slug)
    flow = params.rated_water_flow * float(fluids.density(WATER, params.rated_water_in))
    cp = float(fluids.heat_capacity(WATER, params.rated_water_in))
    cold = Stream(params.rated_water_in, flow, cp, WATER)
    hot = vapour(params.rated_saturation, params.rated_heat)
    out = transfer(hot, cold, 1.0, params)
    assert float(out.heat) == pytest.approx(params.rated_heat, rel=EXACT)
    assert float(out.hot_out) == pytest.approx(params.rated_saturation, abs=1e-9)
    assert float(out.cold_heat) == pytest.approx(float(out.heat) + params.pump_power, rel=EXACT)
    assert out.valid
    ua = conductance(params)
    assert 1.0 - np.exp(-ua / (flow * cp)) == pytest.approx(
        params.rated_heat / (flow * cp * (params.rated_saturation - params.rated_water_in))
    )


def test_condenser_in_every_state() -> None:
    params = condenser("tank-252kw-two-phase")
    rng = np.random.default_rng(5)
    n = 400
    t, heat = rng.uniform(25.0, 60.0, n), rng.uniform(1e3, 300e3, n)
    cold = Stream(rng.uniform(10.0, 60.0, n), 8.5 * rng.uniform(0.2, 1.4, n), 4180.0, WATER)
    hot = vapour(t, heat)
    heats = [transfer(hot, cold, u, params).heat for u in (0.0, 0.2, 0.5, 0.8, 1.0)]
    assert np.all(heats[0] == 0.0)
    assert np.all(np.diff(heats, axis=0) >= 0.0)
    full = transfer(hot, cold, 1.0, params)
    assert full.heat == pytest.approx(full.capacity)
    assert np.all(full.heat[np.asarray(cold.temperature) >= t] == 0.0)
    assert np.all(full.cold_heat == pytest.approx(full.heat, rel=1e-9, abs=1e-6))
    able = full.heat > heat
    u = valve_for(hot, cold, t, params)
    held = transfer(hot, cold, u, params)
    assert held.heat[able] == pytest.approx(heat[able], rel=1e-6)
    assert held.hot_out[able] == pytest.approx(t[able], abs=1e-5)
    assert np.all(u[~able] == 1.0)


def test_impossible_rating_is_refused() -> None:
    with pytest.raises(ValueError, match="rated_water_flow"):
        conductance(replace(condenser("tank-100kw-two-phase"), rated_water_flow=1e-4))
