"""Heat reuse: demand, COP, balance, the inverse, what cannot be."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.fluids.fluids import fluid
from twin_models.heat_reuse.heat_reuse import HeatReuse, demand, performance, share_for, transfer
from twin_models.streams import Ambient, Stream
from twin_sites import catalogue, units

ROUNDING = 1e-9
BALANCE = 1e-6
PUMP = HeatReuse(capacity=1e6, method="heat_pump", customer_supply=70.0, customer_return=45.0)
DIRECT = HeatReuse(capacity=1e6, method="direct", customer_supply=35.0, customer_return=25.0)
WATER = fluid("water")


def air(t: float | np.ndarray) -> Ambient:
    return Ambient(t, np.asarray(t) - 3.0, 0.004, 101325.0)


def water(t: float | np.ndarray, flow: float | np.ndarray = 60.0) -> Stream:
    return Stream(t, flow, 4180.0, WATER)


def test_demand_follows_the_outdoor_air() -> None:
    t = np.array([-20.0, -5.0, 5.0, 15.0, 30.0])
    assert demand(t, PUMP) == pytest.approx([1e6, 1e6, 5.75e5, 1.5e5, 1.5e5])


def test_cop_by_hand() -> None:
    """Condenser 73 °C, evaporator 27 °C: half of 346.15/46."""
    assert float(performance(30.0, PUMP)) == pytest.approx(0.5 * 346.15 / 46.0)


@pytest.mark.parametrize("params", [PUMP, DIRECT])
def test_balance_order_and_inverse(params: HeatReuse) -> None:
    rng = np.random.default_rng(4)
    n = 300
    hot = water(rng.uniform(15.0, 60.0, n), rng.uniform(1.0, 80.0, n))
    cold = air(rng.uniform(-20.0, 35.0, n))
    heats = [transfer(hot, cold, u, params).heat for u in (0.0, 0.3, 0.7, 1.0)]
    assert np.all(heats[0] == 0.0)
    assert np.all(np.diff(heats, axis=0) >= 0.0)
    out = transfer(hot, cold, 1.0, params)
    assert out.cold_heat == pytest.approx(out.heat + out.electric, rel=ROUNDING, abs=1e-6)
    assert out.heat == pytest.approx(hot.flow * 4180.0 * (hot.temperature - out.hot_out), rel=1e-6, abs=1e-3)
    assert np.all(out.cold_heat <= demand(cold.dry_bulb, params) * (1.0 + BALANCE))
    assert out.capacity == pytest.approx(out.heat)
    if params.method == "heat_pump":
        assert np.all(out.electric[out.heat > 0.0] > 0.0)
        assert np.all(out.hot_out >= np.minimum(params.source_floor, hot.temperature) - 1e-9)
        full = out.heat > 0.98 * demand(cold.dry_bulb, params) * (
            1.0 - 1.0 / performance(out.hot_out, params)
        )
        assert full.any()
    else:
        assert np.all(out.electric == 0.0)
        assert np.all(out.heat[hot.temperature < 38.0] == 0.0)
        assert np.all(out.hot_out >= np.minimum(28.0, hot.temperature) - 1e-9)
    wanted = hot.temperature - rng.uniform(0.0, 1.0, n) * (hot.temperature - out.hot_out)
    u = share_for(hot, cold, wanted, params)
    able = out.heat > 0.0
    assert transfer(hot, cold, u, params).hot_out[able] == pytest.approx(wanted[able], abs=1e-9)
    assert np.all(share_for(hot, cold, hot.temperature + 1.0, params) == 0.0)
    one = transfer(
        water(float(hot.temperature[7]), float(hot.flow[7])), air(float(cold.dry_bulb[7])), 0.6, params
    )
    assert float(one.heat) == pytest.approx(float(transfer(hot, cold, 0.6, params).heat[7]))


def test_warmer_source_needs_less_electricity() -> None:
    out = transfer(water(np.array([25.0, 35.0, 45.0])), air(-10.0), 1.0, PUMP)
    assert np.all(np.diff(out.electric / out.cold_heat) < 0.0)


def test_wrong_order_is_refused() -> None:
    with pytest.raises(ValueError, match="customer_return"):
        replace(DIRECT, customer_return=40.0)


@pytest.mark.parametrize("slug", catalogue.names("heat_reuse"))
def test_sheets(slug: str) -> None:
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}
    params = TypeAdapter(HeatReuse).validate_python(values, context=units.read)
    out = transfer(water(45.0), air(-10.0), 1.0, params)
    assert float(out.cold_heat) == pytest.approx(params.capacity, rel=BALANCE)
