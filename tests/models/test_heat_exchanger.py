import dataclasses
from collections.abc import Callable
from typing import Any

import ht.hx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twin_models.cdu.cdu import Cdu
from twin_models.fluids.fluids import fluid, heat_capacity, viscosity
from twin_models.heat_exchanger import heat_exchanger as hx
from twin_models.streams import Stream

ORACLE = 1e-8  # relative, against ht
BALANCE = 1e-12
INVERSE = 1e-9
RATED = 1e-6
ARRANGEMENT = {
    "counterflow": "counterflow",
    "parallel": "parallel",
    "crossflow": "crossflow",
    "crossflow_approximate": "crossflow approximate",
    "crossflow_mixed_minimum": "crossflow, mixed Cmin",
    "crossflow_mixed_maximum": "crossflow, mixed Cmax",
}
WATER, PG25 = fluid("water"), fluid("propylene_glycol", 0.25)
CDU = hx.PlateExchanger(rated_heat=1368e3, rated_approach=4.0, hot_flow=0.02, cold_flow=0.02)
COUNT = 2000


def streams(seed: int = 1) -> tuple[Stream, Stream, np.ndarray]:
    rng = np.random.default_rng(seed)
    hot = Stream(rng.uniform(35.0, 60.0, COUNT), rng.uniform(3.0, 25.0, COUNT), 3940.0, PG25)
    cold = Stream(rng.uniform(10.0, 34.0, COUNT), rng.uniform(10.0, 25.0, COUNT), 4180.0, WATER)
    return hot, cold, rng.uniform(0.01, 1.0, COUNT)


@pytest.mark.parametrize("arrangement", ARRANGEMENT)
def test_effectiveness_matches_ht(arrangement: hx.Arrangement) -> None:
    for n in (0.01, 0.3, 1.0, 3.0, 7.0, 15.0, 40.0):
        for r in (1e-3, 0.2, 0.5, 0.8, 0.99, 1.0):
            expected = ht.hx.effectiveness_from_NTU(n, r, ARRANGEMENT[arrangement])
            assert float(hx.effectiveness(n, r, arrangement)) == pytest.approx(expected, rel=ORACLE), (n, r)


def test_published_effectiveness() -> None:
    """NTU 3 and ratio 0.8: counterflow 0.8043, crossflow 0.7355."""
    assert float(hx.effectiveness(3.0, 0.8)) == pytest.approx(0.8043, abs=5e-5)
    assert float(hx.effectiveness(3.0, 0.8, "crossflow")) == pytest.approx(0.7355, abs=5e-5)


@pytest.mark.parametrize("arrangement", ARRANGEMENT)
def test_limits_are_exact_and_silent(arrangement: hx.Arrangement) -> None:
    n = np.array([0.0, 0.5, 2.0])
    assert hx.effectiveness(n, 0.0, arrangement) == pytest.approx(1.0 - np.exp(-n), rel=1e-9)
    assert float(hx.effectiveness(np.inf, 0.0, arrangement)) == pytest.approx(1.0, rel=1e-9)
    assert float(hx.effectiveness(0.0, 1.0, arrangement)) == 0.0
    if arrangement in ("counterflow", "crossflow", "crossflow_approximate"):
        assert hx.effectiveness(np.inf, np.array([0.5, 1.0]), arrangement) == pytest.approx(1.0, abs=1e-7)
    if arrangement == "counterflow":
        assert hx.effectiveness(n, 1.0) == pytest.approx(n / (1.0 + n), rel=1e-9)


def test_crossflow_is_smooth_where_the_series_ends() -> None:
    below, above = hx.effectiveness(
        np.array([99.999, 100.001]), np.array([[0.5], [0.9], [1.0]]), "crossflow"
    ).T
    assert above == pytest.approx(below, abs=1e-4)


def test_unknown_arrangement_is_refused() -> None:
    with pytest.raises(ValueError, match="not known"):
        hx.effectiveness(1.0, 0.5, "spiral")  # type: ignore[arg-type]


def test_transfer_units_invert_effectiveness() -> None:
    n, r = np.array([[0.1], [1.0], [6.0]]), np.array([0.0, 0.4, 0.999, 1.0])
    expected = np.broadcast_to(n, (3, 4))
    assert hx.ntu(hx.effectiveness(n, r), r) == pytest.approx(expected, rel=1e-8)
    assert float(hx.ntu(1.0, 0.5)) == np.inf


def test_rated_point_is_reproduced() -> None:
    rated = hx.rating(CDU)
    hot_cp, cold_cp = float(heat_capacity(PG25, 36.0)), float(heat_capacity(WATER, 32.0))
    hot = Stream(rated.hot_in, rated.hot_flow, hot_cp, PG25)
    out = hx.transfer(hot, Stream(32.0, rated.cold_flow, cold_cp, WATER), 1.0, CDU)
    assert float(out.heat) == pytest.approx(1368e3, rel=RATED)
    assert float(out.hot_out) == pytest.approx(36.0, abs=1e-4)
    assert out.valid
    # 17.1 K over 21.1 K: the effectiveness on the secondary is 0.81
    assert (hot.temperature - float(out.hot_out)) / (hot.temperature - 32.0) == pytest.approx(0.81, abs=0.005)


def test_off_design_matches_ht() -> None:
    """Conductance by hand from the film law, heat from ht, at flows and temperatures far from the rating."""
    rated = hx.rating(CDU)
    for hot_t, hot_m, cold_t, cold_m in [
        (45.0, 8.0, 20.0, 20.0),
        (60.0, 20.0, 32.0, 5.0),
        (40.0, 12.0, 15.0, 3.0),
    ]:
        film = (hot_t + cold_t) / 2.0
        hot_mu = float(viscosity(PG25, film) / np.exp(rated.hot_log_viscosity))
        cold_mu = float(viscosity(WATER, film) / np.exp(rated.cold_log_viscosity))
        ua = rated.conductance / (
            0.5 * (rated.hot_flow / hot_m) ** 0.75 * hot_mu**0.3
            + 0.5 * (rated.cold_flow / cold_m) ** 0.75 * cold_mu**0.3
        )
        rates = hot_m * 3940.0, cold_m * 4180.0
        e = ht.hx.effectiveness_from_NTU(ua / min(rates), min(rates) / max(rates), "counterflow")
        out = hx.transfer(Stream(hot_t, hot_m, 3940.0, PG25), Stream(cold_t, cold_m, 4180.0, WATER), 1.0, CDU)
        assert float(out.heat) == pytest.approx(e * min(rates) * (hot_t - cold_t), rel=ORACLE)


def test_glycol_and_fouling_derate() -> None:
    base = hx.rated_conductance(CDU, PG25, WATER)
    assert base == pytest.approx(hx.rating(CDU).conductance, rel=1e-12)
    assert hx.rated_conductance(CDU, WATER, WATER) > 1.05 * base
    assert hx.rated_conductance(CDU, fluid("propylene_glycol", 0.5), WATER) < 0.95 * base
    fouled = dataclasses.replace(CDU, fouling=5e-5)
    assert hx.rated_conductance(fouled, PG25, WATER) == pytest.approx(base / (1.0 + 5e-5 * 4000.0), rel=1e-9)


def test_google_deschutes_keeps_its_approach(load_datasheet: Callable[[type, str, str], Any]) -> None:
    """2,000 kW between 31.48 and 32.3 kg/s of water from 26.8 °C: 3 K within 3 %, UA as ht inverts it."""
    params = load_datasheet(Cdu, "cdu", "google-deschutes").heat_exchanger
    hot_in = 29.8 + 2e6 / (31.48 * 4180.0)
    hot, cold = Stream(hot_in, 31.48, 4180.0, WATER), Stream(26.8, 32.3, 4180.0, WATER)
    out = hx.transfer(hot, cold, 1.0, params)
    assert float(out.hot_out) - 26.8 == pytest.approx(3.0, rel=0.03)
    units = ht.hx.NTU_from_effectiveness(
        2e6 / (31.48 * 4180.0 * (hot_in - 26.8)), 31.48 / 32.3, "counterflow"
    )
    assert hx.rating(params).conductance == pytest.approx(units * 31.48 * 4180.0, rel=0.01)


def test_inverse_reproduces_the_outlet() -> None:
    hot, cold, u = streams()
    out = hx.transfer(hot, cold, u, CDU)
    found = hx.cold_flow_for(hot, cold, out.hot_out, CDU)
    assert found == pytest.approx(u, rel=INVERSE)
    again = hx.transfer(hot, cold, found, CDU)
    assert again.hot_out == pytest.approx(out.hot_out, rel=1e-10)
    guessed = hx.cold_flow_for(hot, cold, out.hot_out, CDU, guess=np.minimum(1.3 * u, 1.0))
    assert guessed == pytest.approx(u, rel=INVERSE)


def test_inverse_saturates() -> None:
    hot = Stream(50.0, 10.0, 3940.0, PG25)
    cold = Stream(30.0, 10.0, 4180.0, WATER)
    full = float(hx.transfer(hot, cold, 1.0, CDU).hot_out)
    wanted = np.array([20.0, 30.0, full - 0.01, full + 0.01, 49.999, 50.0, 55.0])
    u = hx.cold_flow_for(hot, cold, wanted, CDU)
    assert u[:3].tolist() == [1.0, 1.0, 1.0]
    assert 0.9 < u[3] < 1.0
    assert 0.0 < u[4] < 0.01
    assert u[5:].tolist() == [0.0, 0.0]
    assert float(hx.cold_flow_for(hot._replace(flow=0.0), cold, 35.0, CDU)) == 0.0
    assert float(hx.cold_flow_for(hot, cold._replace(flow=0.0), 35.0, CDU)) == 1.0
    assert float(hx.cold_flow_for(hot, cold._replace(temperature=60.0), 35.0, CDU)) == 1.0


@given(
    hot_t=st.floats(5.0, 90.0),
    cold_t=st.floats(5.0, 90.0),
    hot_m=st.floats(0.0, 40.0),
    cold_m=st.floats(0.0, 40.0),
    u=st.floats(0.0, 1.0),
)
def test_balance_direction_and_monotony(
    hot_t: float, cold_t: float, hot_m: float, cold_m: float, u: float
) -> None:
    hot, cold = Stream(hot_t, hot_m, 3940.0, PG25), Stream(cold_t, cold_m, 4180.0, WATER)
    out = hx.transfer(hot, cold, u, CDU)
    assert float(out.cold_heat) == pytest.approx(float(out.heat), rel=1e-9, abs=1e-3)
    assert hot_m * 3940.0 * (hot_t - float(out.hot_out)) == pytest.approx(float(out.heat), rel=1e-9, abs=1e-3)
    assert out.heat >= 0.0
    assert out.heat <= out.capacity * (1.0 + BALANCE)
    assert hx.transfer(hot, cold, 0.9 * u, CDU).heat <= out.heat * (1.0 + BALANCE)
    if hot_t <= cold_t or hot_m == 0.0 or cold_m == 0.0 or u == 0.0:
        assert out.heat == 0.0
        assert out.hot_out == hot_t
    else:
        assert cold_t - 1e-9 <= out.hot_out <= hot_t


def test_array_equals_scalars() -> None:
    hot, cold, u = streams(2)
    out = hx.transfer(hot, cold, u, CDU)
    for i in range(0, COUNT, 97):
        one = hx.transfer(
            Stream(hot.temperature[i], hot.flow[i], 3940.0, PG25),
            Stream(cold.temperature[i], cold.flow[i], 4180.0, WATER),
            u[i],
            CDU,
        )
        assert [float(x[i]) for x in out[:-1]] == pytest.approx([float(x) for x in one[:-1]], rel=1e-13)


def test_outside_the_range_is_told() -> None:
    hot, cold = Stream(50.0, 20.0, 3940.0, PG25), Stream(30.0, 20.0, 4180.0, WATER)
    assert hx.transfer(hot, cold, 1.0, CDU).valid
    assert not hx.transfer(hot._replace(flow=0.5), cold, 1.0, CDU).valid
    assert not hx.transfer(hot._replace(temperature=105.0), cold, 1.0, CDU).valid
    assert hx.transfer(hot, cold, 0.0, CDU).valid


def test_impossible_rating_is_refused() -> None:
    with pytest.raises(ValueError, match="raise cold_flow or rated_approach"):
        hx.rating(dataclasses.replace(CDU, cold_flow=0.002))
