import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI
from twin_models.fluids import fluids

TOLERANCE = {"density": 1e-3, "heat_capacity": 3e-3, "conductivity": 3e-3, "viscosity": 3e-3}
KEY = {"density": "D", "heat_capacity": "C", "conductivity": "L", "viscosity": "V"}
INCOMPRESSIBLE = {"propylene_glycol": "MPG", "ethylene_glycol": "MEG"}
FREEZING_TOLERANCE = 0.02  # K
# 25 vol-% propylene glycol: °C, density, heat capacity, conductivity, viscosity in mPa·s
# (CoolProp 8.0.0 at a mass fraction of 0.2568).
PG25 = [
    (20.0, 1019.9, 3912.0, 0.465, 2.51),
    (30.0, 1015.4, 3937.0, 0.474, 1.82),
    (40.0, 1010.4, 3961.0, 0.482, 1.38),
    (60.0, 998.8, 4009.0, 0.500, 0.893),
]


@pytest.mark.parametrize("name", KEY)
def test_water_matches_coolprop(name: str) -> None:
    t = np.linspace(0.5, 99.5, 100)
    expected = np.array([PropsSI(KEY[name], "T", v + 273.15, "P", 3e5, "Water") for v in t])
    assert getattr(fluids, name)(fluids.fluid("water"), t) == pytest.approx(expected, rel=TOLERANCE[name])


@pytest.mark.parametrize("fraction", [0.03, 0.25, 0.4, 0.57])
@pytest.mark.parametrize("glycol", INCOMPRESSIBLE)
@pytest.mark.parametrize("name", KEY)
def test_glycols_match_coolprop(name: str, glycol: str, fraction: float) -> None:
    liquid = fluids.fluid(glycol, fraction)
    source = f"INCOMP::{INCOMPRESSIBLE[glycol]}[{fluids.mass_fraction(glycol, fraction)}]"
    t = np.linspace(liquid.low + 0.2, 99.8, 60)
    expected = np.array([PropsSI(KEY[name], "T", v + 273.15, "P", 3e5, source) for v in t])
    assert getattr(fluids, name)(liquid, t) == pytest.approx(expected, rel=TOLERANCE[name])
    freezing = PropsSI("T_freeze", "T", 300.0, "P", 3e5, source) - 273.15
    assert liquid.freezing_point == pytest.approx(freezing, abs=FREEZING_TOLERANCE)


@pytest.mark.parametrize(("t", "rho", "cp", "k", "mu"), PG25)
def test_pg25_table(t: float, rho: float, cp: float, k: float, mu: float) -> None:
    pg25 = fluids.fluid("propylene_glycol", 0.25)
    assert fluids.density(pg25, t) == pytest.approx(rho, rel=1e-3)
    assert fluids.heat_capacity(pg25, t) == pytest.approx(cp, rel=3e-3)
    assert fluids.conductivity(pg25, t) == pytest.approx(k, rel=3e-3)
    assert fluids.viscosity(pg25, t) * 1e3 == pytest.approx(mu, rel=2e-2)


def test_volume_fraction_becomes_mass_fraction() -> None:
    assert fluids.mass_fraction("propylene_glycol", 0.25) == pytest.approx(0.2568, abs=5e-4)
    assert fluids.mass_fraction("ethylene_glycol", 0.25) == pytest.approx(0.2706, abs=5e-4)


def test_flow_rule_of_the_open_compute_project() -> None:
    """1.5 L/min per kW of PG25 at 30 °C warms by 10 K."""
    pg25 = fluids.fluid("propylene_glycol", 0.25)
    capacity = 1.5 / 60e3 * fluids.density(pg25, 30.0) * fluids.heat_capacity(pg25, 30.0)
    assert 1e3 / capacity == pytest.approx(10.0, rel=0.01)


def test_fluid_is_hashable_cached_and_refuses_nonsense() -> None:
    assert fluids.fluid("water") is fluids.fluid("water")
    assert {fluids.fluid("water"): 1}[fluids.fluid("water")] == 1
    with pytest.raises(ValueError, match="choose one of"):
        fluids.fluid("mercury")
    with pytest.raises(ValueError, match="outside 0 to"):
        fluids.fluid("ethylene_glycol", 0.7)
    with pytest.raises(ValueError, match="no glycol fraction"):
        fluids.fluid("water", 0.25)


def test_array_equals_scalars() -> None:
    pg25 = fluids.fluid("propylene_glycol", 0.25)
    t = np.array([[10.0, 20.0], [40.0, 80.0]])
    for name in KEY:
        function = getattr(fluids, name)
        assert function(pg25, t).tolist() == [[function(pg25, float(v)) for v in row] for row in t]
