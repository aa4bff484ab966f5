import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from twin_models.cdu import cdu
from twin_models.cdu.cdu import Cdu
from twin_models.fluids.fluids import density, fluid, heat_capacity
from twin_models.heat_exchanger.heat_exchanger import fluid_of, rating
from twin_models.streams import Stream

Load = Callable[[type, str, str], Any]
LPM = 1.0 / 60e3
TWO_PUMPS, THREE_PUMPS, ELECTRIC = 0.03, 0.05, 0.10


@pytest.fixture
def xdu(load_datasheet: Load) -> Any:
    return load_datasheet(Cdu, "cdu", "vertiv-xdu1350b")


def test_xdu1350_curve(xdu: Cdu) -> None:
    head = cdu.external_head(np.array([1000.0, 1200.0, 1400.0]) * LPM, xdu)
    assert head == pytest.approx([334e3, 250e3, 147e3], rel=TWO_PUMPS)
    three = dataclasses.replace(xdu, pumps=3)
    assert float(cdu.external_head(1800.0 * LPM, three)) == pytest.approx(200e3, rel=THREE_PUMPS)


def test_xdu1350_power(xdu: Cdu) -> None:
    out = cdu.pumping(1200.0 * LPM, 250e3, xdu)
    assert float(out.electric) == pytest.approx(13.7e3, rel=ELECTRIC)
    assert 1200.0 * LPM * 250e3 / float(out.electric) == pytest.approx(0.36, abs=0.01)
    assert out.valid


def test_chx2000_power(load_datasheet: Load) -> None:
    params = load_datasheet(Cdu, "cdu", "coolit-chx2000")
    assert float(cdu.pumping(2125.0 * LPM, 241e3, params).electric) == pytest.approx(12.24e3, rel=ELECTRIC)


def test_deschutes_never_exceeds_its_maximum(load_datasheet: Load) -> None:
    params = load_datasheet(Cdu, "cdu", "google-deschutes")
    flow, head = np.meshgrid(np.linspace(0.0, 0.06, 61), np.linspace(0.0, 1.2e6, 41))
    out = cdu.pumping(flow, head, params)
    assert np.max(out.electric) == pytest.approx(74e3, rel=1e-9)  # the limit is met, not passed
    assert np.max(out.electric) <= 74e3 * (1.0 + 1e-12)
    assert not np.any(out.valid & (out.electric >= 74e3 * (1.0 - 1e-12)))
    assert out.fluid_heat + out.motor_heat == pytest.approx(out.electric, rel=1e-12)
    rated = cdu.pumping(cdu.rated_flow(params), params.external_head, params)
    assert rated.valid
    assert rated.electric < 74e3


def test_frontier_draws_its_constant(load_datasheet: Load) -> None:
    params = load_datasheet(Cdu, "cdu", "frontier-cdu")
    out = cdu.pumping(np.array([0.0, 0.005, 0.015]), np.array([0.0, 1e5, 2e5]), params)
    assert out.electric.tolist() == [0.0, 8473.47, 8473.47]
    assert out.fluid_heat + out.motor_heat == pytest.approx(out.electric, rel=1e-12)
    assert float(cdu.flow_limit(1e9, 2.0, params)) == cdu.rated_flow(params)


def test_every_datasheet_meets_its_rating(
    load_datasheet: Load, datasheets: Callable[[str], list[str]]
) -> None:
    assert len(datasheets("cdu")) >= 14
    for slug in datasheets("cdu"):
        params = load_datasheet(Cdu, "cdu", slug)
        x = params.heat_exchanger
        assert (x.rated_heat, x.rated_approach) == (params.rated_heat, params.rated_approach), slug
        liquid, rated = fluid_of(x.rated_hot_glycol), rating(x)
        hot_out = x.rated_cold_in + x.rated_approach
        hot = Stream(rated.hot_in, rated.hot_flow, float(heat_capacity(liquid, hot_out)), liquid)
        water = fluid("water")
        cold = Stream(x.rated_cold_in, rated.cold_flow, float(heat_capacity(water, x.rated_cold_in)), water)
        out = cdu.transfer(hot, cold, 1.0, params)
        assert float(out.heat) == pytest.approx(params.rated_heat, rel=1e-6), slug
        assert float(out.hot_out) == pytest.approx(hot_out, abs=1e-4), slug
        assert out.valid, slug
        pumps = cdu.pumping(cdu.rated_flow(params), params.external_head, params)
        assert pumps.valid, slug
        # Pumps take 0.3 to 1.6 % of the rated heat over these products.
        assert 0.003 < float(pumps.electric) / params.rated_heat < 0.016, slug


def test_rated_flows_warm_as_published(load_datasheet: Load) -> None:
    """Rise on PG25 at rated heat: CDU121 15.1 K, XDU1350 17.1 K, CHx2000 14.1 K."""
    pg25 = fluid("propylene_glycol", 0.25)
    for slug, rise in (("vertiv-cdu121", 15.1), ("vertiv-xdu1350b", 17.1), ("coolit-chx2000", 14.1)):
        params = load_datasheet(Cdu, "cdu", slug)
        rate = cdu.rated_flow(params) * float(density(pg25, 36.0)) * float(heat_capacity(pg25, 40.0))
        assert params.rated_heat / rate == pytest.approx(rise, rel=0.01), slug


def test_flow_limit_lies_on_the_external_curve(xdu: Cdu) -> None:
    k = np.array([1e8, 6.25e8, 3e9])
    flow = cdu.flow_limit(k, 1.9, xdu)
    assert cdu.external_head(flow, xdu) == pytest.approx(k * flow**1.9, rel=1e-9)
    assert np.all(np.diff(flow) < 0.0)
    assert float(cdu.flow_limit(250e3 / 0.02**2, 2.0, xdu)) == pytest.approx(0.02, rel=1e-3)


def test_pumping_is_off_without_flow_and_array_equals_scalars(xdu: Cdu) -> None:
    flow, head = np.linspace(0.0, 0.025, 26), np.linspace(0.0, 300e3, 26)
    out = cdu.pumping(flow, head, xdu)
    assert out.electric[0] == 0.0
    for i in range(26):
        one = cdu.pumping(float(flow[i]), float(head[i]), xdu)
        assert [float(x[i]) for x in out] == pytest.approx([float(x) for x in one], rel=1e-13)


def test_controls_warm_the_room(xdu: Cdu) -> None:
    with_controls = dataclasses.replace(xdu, controls_power=200.0)
    bare, full = cdu.pumping(0.02, 250e3, xdu), cdu.pumping(0.02, 250e3, with_controls)
    assert float(full.electric - bare.electric) == pytest.approx(200.0, rel=1e-9)
    assert float(full.motor_heat - bare.motor_heat) == pytest.approx(200.0, rel=1e-9)


def test_a_cdu_has_one_kind_of_pump(xdu: Cdu) -> None:
    with pytest.raises(ValueError, match="either a pump or a constant_power"):
        dataclasses.replace(xdu, pump=None)
    with pytest.raises(ValueError, match="either a pump or a constant_power"):
        dataclasses.replace(xdu, constant_power=1e3)


def test_pumps_are_staged(xdu: Cdu) -> None:
    """As few pumps as reach flow and head; all where all are needed; never more electricity than all of them."""
    params = dataclasses.replace(xdu, pumps=3, staging="needed")
    flow = np.linspace(100.0, 1900.0, 60) * LPM
    head = 200e3 * (flow / (1800.0 * LPM)) ** 1.9
    found, all_ = (
        cdu.pumping(flow, head, params),
        cdu.pumping(flow, head, dataclasses.replace(params, staging="all")),
    )
    assert np.all(found.speed <= np.maximum(all_.speed, 1.0) + 1e-12)
    assert found.electric[-1] == all_.electric[-1]
    assert found.electric[5] < 0.7 * all_.electric[5]
    one = cdu.pumping(flow, head, dataclasses.replace(params, pumps=1))
    alone = one.speed <= 1.0
    assert 0 < alone.sum() < flow.size
    assert found.electric[alone] == pytest.approx(one.electric[alone])
    assert np.all(found.electric[~alone] != one.electric[~alone])
