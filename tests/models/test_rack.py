"""Rack: power chain, heat split, flow rule, slopes, inverse; every datasheet; published systems."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.optimize import brentq
from twin_models.cold_plate import cold_plate
from twin_models.fluids.fluids import density, fluid, heat_capacity
from twin_models.power_shelf import power_shelf
from twin_models.rack.ashrae import AIR_CLASSES, AirClassName
from twin_models.rack.chain import at as line_at
from twin_models.rack.rack import (
    Boundary,
    Part,
    Rack,
    activity_of,
    around,
    flow_demand,
    pressure_drop,
    rated,
    respond,
)
from twin_sites import catalogue, units

LITRE_PER_MINUTE = 1e-3 / 60.0
RATING = 0.03  # sum of parts against rated input
SPLIT = 0.02  # liquid share at rating against the published one
FLOW_TABLE = 0.02
PRESSURE_TABLE = 0.06
TRAY_SUM = 0.01
CHASSIS_PRESSURE = 0.04
HGX = 0.05
FRONTIER = 1e-4
ROUNDING = 1e-12
ORACLE = 1e-9
SLOPE = 2e-5

PRODUCTS = catalogue.names("rack")
# published share of heat into liquid at rating
SPLITS = {
    "nvidia-gb200-nvl72": 115.0 / 132.0,
    "nvidia-gb300-nvl72": 0.90,
    "hpe-cray-ex-frontier": 0.945,
    "ibm-ac922-v100": 0.80,
    "nvidia-hgx-h100-dlc": 0.75,
}
SUPPLIES = np.array([25.0, 30.0, 35.0, 40.0, 45.0])  # °C, Lenovo LP2357 table 27
FLOWS = np.array([59.0, 71.0, 89.0, 119.0, 177.0]) * LITRE_PER_MINUTE
PRESSURES = np.array([15.9, 22.1, 33.8, 58.6, 126.9]) * 1e3


def read(value, quantity):
    if value is None or isinstance(value, list | tuple):
        return value
    return int(value) if quantity.unit == "count" else units.read(value, quantity)


def inline(node):
    if not isinstance(node, dict):
        return node
    own = dict(node)
    if "use" in own:
        sheet = catalogue.datasheet(own.pop("use")).values
        own = {key: value for key, value in sheet.items() if key != "kind"} | own
    return {key: inline(value) for key, value in own.items()}


def product(slug):
    values = {key: value for key, value in catalogue.datasheet(slug).values.items() if key != "kind"}
    return TypeAdapter(Rack).validate_python(inline(values), context=read)


RACKS = {slug: product(slug) for slug in PRODUCTS}
LIQUID = [slug for slug in PRODUCTS if RACKS[slug].liquid is not None]
GB300 = RACKS["nvidia-gb300-nvl72"]
H100_AIR = RACKS["nvidia-hgx-h100-air"]


def flow_of(rack):
    return rack.liquid.rated_flow if rack.liquid is not None else 0.0


def without_feedback(rack):
    return replace(rack, accelerator=replace(rack.accelerator, feedback=False))


def draws(rack, n=300, seed=3):
    """Random inputs, throttled and idle ones among them."""
    rng = np.random.default_rng(seed)
    return (
        rng.random(n),
        rng.uniform(15.0, 75.0, n),
        flow_of(rack) * rng.uniform(0.4, 1.3, n),
        rng.uniform(12.0, 40.0, n),
    )


# ------------------------------------------------------------ every rack


def test_the_catalogue_is_large_enough():
    assert len(PRODUCTS) >= 15


@pytest.mark.parametrize("slug", PRODUCTS)
def test_sum_of_parts_is_the_rating(slug):
    rack, found = RACKS[slug], rated(RACKS[slug])
    assert found.power == pytest.approx(rack.tdp, rel=RATING)
    total = found.accelerators + found.parts + found.fans + found.conversion
    assert total == pytest.approx(found.power, rel=ROUNDING)
    assert 0.08 < found.idle_power / found.power < 0.8
    assert rack.peak is None or rack.peak > rack.tdp
    assert rack.typical is None or found.idle_power < rack.typical < rack.tdp


@pytest.mark.parametrize("slug", LIQUID)
def test_liquid_share(slug):
    rack, found = RACKS[slug], rated(RACKS[slug])
    if slug in SPLITS:
        assert found.liquid_share == pytest.approx(SPLITS[slug], abs=SPLIT)
    assert found.heat_liquid == pytest.approx(rack.liquid.rated_heat, rel=0.055)
    if found.liquid_share < 0.93:  # fans and air-cooled parts do not fall with the packages
        assert found.idle_liquid_share < found.liquid_share - 0.05
    else:
        assert found.idle_liquid_share <= found.liquid_share + ROUNDING


@pytest.mark.parametrize("slug", PRODUCTS)
def test_energy_balance(slug):
    rack = RACKS[slug]
    got = respond(*draws(rack), rack)
    np.testing.assert_allclose(got.heat_liquid + got.heat_air, got.power, rtol=ROUNDING)
    assert np.all(got.heat_liquid >= 0.0)
    assert np.all(got.heat_air >= -1e-9 * rack.tdp)
    assert np.all(got.compute + got.fans < got.power)
    assert np.all(got.done <= draws(rack)[0] + ROUNDING)
    if rack.liquid is None:
        assert not got.heat_liquid.any()
    if rack.accelerator is None:
        assert np.isnan(got.chip_temperature).all()


@pytest.mark.parametrize("slug", PRODUCTS)
def test_parts_do_not_depend_on_the_chain(slug):
    """Compute power equals packages plus parts, added up by hand from the datasheet."""
    rack = RACKS[slug]
    activity = 0.6
    got = respond(activity, 30.0, flow_of(rack), 22.0, without_feedback(rack) if rack.accelerator else rack)
    expected = 0.0
    if rack.accelerator is not None:
        assert got.done == pytest.approx(activity)
        a = rack.accelerator
        expected += rack.accelerators * (a.idle + (a.tdp - a.idle) * activity)
    for part in rack.parts.values():
        share = 1.0 if part.follows == "constant" else activity
        idle = part.maximum if part.follows == "constant" else part.idle
        expected += part.compute * part.count * (idle + (part.maximum - idle) * share)
    assert got.compute == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize("slug", PRODUCTS)
def test_power_rises_with_activity(slug):
    rack = RACKS[slug]
    got = respond(np.linspace(0.0, 1.0, 200), 40.0, flow_of(rack), 27.0, rack)
    assert np.all(np.diff(got.power) > 0.0)
    assert np.all(np.diff(got.done) >= -ROUNDING)


@pytest.mark.parametrize("slug", PRODUCTS)
def test_array_equals_scalars(slug):
    rack = RACKS[slug]
    inputs = draws(rack, 12)
    whole = respond(*inputs, rack)
    for i in range(12):
        one = respond(*(float(x[i]) for x in inputs), rack)
        for got, expected in zip(one, whole, strict=True):
            assert np.shape(got) == ()
            np.testing.assert_allclose(got, expected[i], rtol=1e-11, atol=1e-9)
    block = respond(inputs[0][:, None], 30.0, flow_of(rack), inputs[3], rack)
    assert all(np.shape(x) == (12, 12) for x in block)


@pytest.mark.parametrize("slug", PRODUCTS)
def test_slopes_are_derivatives(slug):
    rack = RACKS[slug]
    activity, liquid, flow, air = draws(rack, 200)
    air = np.concatenate([np.linspace(15.0, 24.9, 100), np.linspace(25.1, 34.9, 100)])  # off the fan's kinks
    step = 1e-4
    got = respond(activity, liquid, flow, air, rack)
    below, above = (respond(activity, liquid + d, flow, air, rack) for d in (-step, step))
    smooth = (below.done < activity) == (above.done < activity)
    smooth &= (below.done == 0.0) == (above.done == 0.0)
    numeric = (above.power - below.power) / (2.0 * step)
    np.testing.assert_allclose(
        got.slope_liquid[smooth], numeric[smooth], rtol=SLOPE, atol=2e-5 * rack.tdp * 1e-2
    )
    below, above = (respond(activity, liquid, flow, air + d, rack) for d in (-step, step))
    smooth = (below.done < activity) == (above.done < activity)
    smooth &= (below.done == 0.0) == (above.done == 0.0)
    numeric = (above.power - below.power) / (2.0 * step)
    np.testing.assert_allclose(
        got.slope_air[smooth], numeric[smooth], rtol=SLOPE, atol=2e-5 * rack.tdp * 1e-2
    )
    assert smooth.sum() > 150


@pytest.mark.parametrize("slug", [slug for slug in LIQUID if RACKS[slug].bath_sink is None])
def test_slopes_by_flow_are_derivatives(slug):
    """Also where a plate gets less than its fit covers, and where its resistance no longer rises."""
    rack = RACKS[slug]
    activity, liquid, flow, air = draws(rack, 300)
    flow = flow * np.concatenate([np.full(200, 1.0), np.geomspace(1e-4, 0.5, 100)])
    step = 1e-5 * flow
    got = respond(activity, liquid, flow, air, rack)
    below, above = (respond(activity, liquid, flow + d, air, rack) for d in (-step, step))
    smooth = (below.done < activity) == (above.done < activity)
    smooth &= (below.done == 0.0) == (above.done == 0.0)
    pairs = (
        (got.flow_slope, below.power, above.power, rack.tdp),
        (got.flow_slope_liquid, below.heat_liquid, above.heat_liquid, rack.tdp),
        (got.flow_slope_compute, below.compute, above.compute, rack.tdp),
        (got.flow_slope_chip, below.chip_temperature, above.chip_temperature, 100.0),
    )
    for slope, low, high, scale in pairs:
        numeric = (high - low) / (2.0 * step)
        if rack.accelerator is None:
            assert not np.any(slope)
            continue
        np.testing.assert_allclose(
            (slope * flow)[smooth], (numeric * flow)[smooth], rtol=1e-3, atol=1e-6 * scale, err_msg=slug
        )
    assert smooth.sum() > 200


@pytest.mark.parametrize("slug", PRODUCTS)
def test_every_estimate_has_a_reason(slug):
    for where, origin in catalogue.datasheet(slug).origins.items():
        assert origin.confidence in catalogue.CONFIDENCES, where
        assert origin.source, where
        assert origin.reason or origin.confidence != "estimate", where


# ------------------------------------------------------------ an independent oracle


@pytest.mark.parametrize("slug", ["nvidia-gb300-nvl72", "hpe-cray-ex-frontier", "nvidia-hgx-h100-air"])
def test_walk_against_scalar_oracle(slug):
    """The chain written out once more, with a bracketing solver for the chip."""
    rack = RACKS[slug]
    activity, liquid_in, air_in, flow = 0.83, 33.0, 28.5, 0.9 * flow_of(rack)
    chip, fans = rack.accelerator, rack.fans
    speed, fan_power = 1.0, 0.0
    if fans is not None:
        cool = fans.idle_speed + (fans.base_speed - fans.idle_speed) * activity
        ramp = np.clip((air_in - fans.flat_until) / (fans.full_at - fans.flat_until), 0.0, 1.0)
        speed = cool + (1.0 - cool) * ramp
        fan_power = fans.maximum * speed**3
    if rack.cold_plate is not None:
        per_plate = flow * rack.liquid.accelerator_share / rack.accelerators
        resistance, entering = float(cold_plate.resistance(per_plate, rack.cold_plate)), liquid_in
    else:
        resistance, entering = rack.air_sink.resistance * speed**-rack.air_sink.exponent, air_in
    ref = chip.idle + (chip.tdp - chip.idle) * activity

    def power_at(t):
        growth = np.exp(chip.leakage_coefficient * (t - chip.leakage_reference)) - 1.0
        return ref * (1.0 + chip.leakage_share * growth)

    junction = brentq(
        lambda t: t - entering - power_at(t) * (resistance + chip.junction_to_case),
        entering,
        chip.throttle,
        xtol=1e-13,
    )
    node, rack_stage, liquid = rack.accelerators * power_at(junction), 0.0, 0.0
    liquid = rack.accelerator_liquid * node
    for part in rack.parts.values():
        one = (
            part.maximum if part.follows == "constant" else part.idle + (part.maximum - part.idle) * activity
        )
        node, rack_stage = (
            (node + part.count * one, rack_stage)
            if part.stage == "node"
            else (node, rack_stage + part.count * one)
        )
        liquid += part.liquid * part.count * one
    if rack.node_converter is not None:
        converter = rack.node_converter
        drawn = rack.nodes * (node / rack.nodes + converter.constant) / converter.efficiency
        liquid += rack.converter_liquid * (drawn - node)
        node = drawn
    output = node + rack_stage + fan_power
    conversion = rack.shelves * float(power_shelf.loss(output / rack.shelves, rack.shelf).loss)
    liquid += rack.shelf_liquid * conversion

    got = respond(activity, liquid_in, flow, air_in, rack)
    assert got.chip_temperature == pytest.approx(junction, rel=ORACLE)
    assert got.power == pytest.approx(output + conversion, rel=ORACLE)
    assert got.heat_liquid == pytest.approx(liquid, rel=ORACLE, abs=1e-6)
    assert got.fans == pytest.approx(fan_power, rel=ORACLE)


# ------------------------------------------------------------ published systems


def density_cp(liquid, temperature):
    return density(liquid, temperature) * heat_capacity(liquid, temperature)


def test_gb300_flow_table():
    mean = 0.5 * (SUPPLIES + GB300.liquid.return_limit)
    got = flow_demand(0.9 * 135e3, SUPPLIES, density_cp(fluid("water"), mean), GB300)
    np.testing.assert_allclose(got.flow, FLOWS, rtol=FLOW_TABLE)
    assert got.valid.all()


def test_gb300_pressure_table():
    np.testing.assert_allclose(pressure_drop(FLOWS, GB300), PRESSURES, rtol=PRESSURE_TABLE)
    assert pressure_drop(FLOWS[3], GB300) == pytest.approx(PRESSURES[3], rel=1e-9)
    best = np.polyfit(np.log(FLOWS), np.log(PRESSURES), 1)[0]
    assert GB300.liquid.dp_exponent == pytest.approx(best, abs=0.02)


def test_gb200_tray_sum():
    found = rated(RACKS["nvidia-gb200-nvl72"])
    trays = 18 * (4 * 1200.0 + 2 * 500.0) + 11160.0
    assert trays == 115560.0
    assert found.heat_liquid == pytest.approx(trays, rel=TRAY_SUM)
    assert found.heat_liquid == pytest.approx(115e3, rel=TRAY_SUM)


def test_gb300_compute_tray():
    """6.6 kW per tray, 6.2 kW of it into liquid."""
    liquid = sum(
        GB300.parts[name].liquid * GB300.parts[name].maximum * n for name, n in (("cpu", 2), ("tray_air", 1))
    )
    assert 4 * GB300.accelerator.tdp + liquid == pytest.approx(6200.0)
    assert 4 * GB300.accelerator.tdp + 2 * 300.0 + GB300.parts["tray_air"].maximum == pytest.approx(6600.0)


def test_gb200_nvl4_chassis():
    chassis = RACKS["lenovo-gb200-nvl4-chassis"]
    ratio = pressure_drop(8 * 7.0 * LITRE_PER_MINUTE, chassis) / pressure_drop(
        8 * 6.0 * LITRE_PER_MINUTE, chassis
    )
    assert ratio == pytest.approx(0.93 / 0.70, rel=CHASSIS_PRESSURE)
    asked = flow_demand(rated(chassis).heat_liquid, 45.0, density_cp(fluid("water"), 50.0), chassis)
    assert asked.flow == pytest.approx(8 * 7.0 * LITRE_PER_MINUTE, rel=0.05)


H100_SLOPE, H100_START = 0.058, 26.0  # K/W and °C: steady state of one air-cooled card, measured (r = 0.93)
SLOPE_TOLERANCE, LINE_TOLERANCE_K = 0.05, 2.5  # a quarter of the 10 K between positions in the air stream


def test_air_cooled_h100_follows_the_measured_temperature_line() -> None:
    """T = 26 °C + 0.058 K/W × P. The inlet air is not published; 24 °C, the supply of an ordinary hall, stands for it.

    The sink is an estimate made from this kind of machine, so that this shows fans, leakage and sink to agree, not more.
    """
    activity = np.linspace(0.0, 1.0, 51)
    found = respond(activity, 30.0, 0.0, 24.0, H100_AIR)
    chip_power = (found.compute - line_at(H100_AIR.compute_parts, activity)) / H100_AIR.accelerators
    assert chip_power[0] < 70.0
    assert chip_power[-1] > 690.0
    slope, start = np.polyfit(chip_power, found.chip_temperature, 1)
    assert slope == pytest.approx(H100_SLOPE, rel=SLOPE_TOLERANCE)
    assert start == pytest.approx(H100_START, abs=LINE_TOLERANCE_K)
    line = H100_START + H100_SLOPE * chip_power
    assert np.abs(found.chip_temperature - line).max() < LINE_TOLERANCE_K


def test_hgx_h100_node():
    """10.2 kW rating; 8.4 kW at most in training, where a GPU draws 626 W on average."""
    assert rated(H100_AIR).power / 4.0 == pytest.approx(10200.0, rel=RATING)
    found = activity_of(32 * 626.0, "gpu", 25.0, 0.0, 23.0, H100_AIR)
    assert found.valid
    assert 0.8 < found.activity < 0.95
    got = respond(found.activity, 25.0, 0.0, 23.0, H100_AIR)
    assert got.power / 4.0 == pytest.approx(8400.0, rel=HGX)
    idle = respond(0.0, 25.0, 0.0, 23.0, H100_AIR)
    assert 2000.0 < idle.power / 4.0 < 3340.0  # measured 2.1 to 3.3 kW, models loaded or not


def test_h100_is_cooler_on_liquid():
    dlc = RACKS["nvidia-hgx-h100-dlc"]
    supply = np.array([25.0, 30.0])
    a = activity_of(32 * 626.0, "gpu", 25.0, 0.0, 25.0, H100_AIR).activity
    liquid = respond(a, supply, dlc.liquid.rated_flow, 25.0, dlc)
    air = respond(a, 25.0, 0.0, np.array([20.0, 25.0]), H100_AIR)
    assert np.all((liquid.chip_temperature >= 41.0) & (liquid.chip_temperature <= 50.0))
    assert np.all((air.chip_temperature >= 54.0) & (air.chip_temperature <= 72.0))
    assert np.all(liquid.compute / 64 < air.compute / 32)  # less leakage for the same work


def frontier_machine(rack, activity, supply=32.0):
    one = respond(activity, supply, rack.liquid.rated_flow, 22.0, rack).power
    return one, 74 * one + 25 * 8473.47


def test_frontier_chain():
    rack = without_feedback(RACKS["hpe-cray-ex-frontier"])
    racks, machine = frontier_machine(rack, np.array([0.0, 1.0]))
    np.testing.assert_allclose(racks, [95.87e3, 378.60e3], rtol=FRONTIER)
    np.testing.assert_allclose(machine, [7.3065e6, 28.2279e6], rtol=FRONTIER)
    heat = respond(np.array([0.0, 1.0]), 32.0, rack.liquid.rated_flow, 22.0, rack).heat_liquid
    np.testing.assert_allclose(heat, 0.945 * racks, rtol=ROUNDING)


def test_frontier_with_feedback_is_near():
    """Temperature feedback is a deviation: near zero at the reference, downwards for cool idle chips."""
    rack = RACKS["hpe-cray-ex-frontier"]
    _, off = frontier_machine(without_feedback(rack), np.array([0.0, 1.0]))
    _, on = frontier_machine(rack, np.array([0.0, 1.0]))
    change = on / off - 1.0
    print(f"Frontier with temperature feedback at 32 degC supply: {change * 100} %")  # noqa: T201
    assert -0.02 < change[0] < -0.001
    assert change[1] == pytest.approx(0.0, abs=0.005)


# ------------------------------------------------------------ flow rule


def test_flow_rule_floor_and_cap():
    rho_cp = 4.1e6
    idle = flow_demand(5e3, 30.0, rho_cp, GB300)
    floor = GB300.liquid.minimum_share * GB300.liquid.rated_heat / (rho_cp * 25.0)
    assert idle.flow == pytest.approx(floor)
    assert idle.valid
    bound = flow_demand(np.array([121.5e3, 121.5e3, 20e3]), np.array([48.0, 60.0, 60.0]), rho_cp, GB300)
    np.testing.assert_allclose(bound.flow, GB300.liquid.maximum_flow)
    assert bound.valid.tolist() == [False, False, False]
    assert flow_demand(
        1e3, 54.0, rho_cp, replace(GB300, liquid=replace(GB300.liquid, minimum_share=0.0))
    ).valid


def test_flow_rule_other_controls():
    fixed = replace(GB300, liquid=replace(GB300.liquid, control="fixed_flow"))
    got = flow_demand(np.array([50e3, 121.5e3]), np.array([30.0, 45.0]), 4.1e6, fixed)
    np.testing.assert_allclose(got.flow, fixed.liquid.rated_flow)
    assert got.valid.tolist() == [True, False]
    held = replace(GB300, liquid=replace(GB300.liquid, control="fixed_dp", dp_set=30e3))
    got = flow_demand(50e3, 30.0, 4.1e6, held)
    assert pressure_drop(got.flow, held) == pytest.approx(30e3)
    with pytest.raises(ValueError, match="no liquid side"):
        flow_demand(1.0, 20.0, 4.1e6, H100_AIR)
    with pytest.raises(ValueError, match="no liquid side"):
        pressure_drop(1.0, H100_AIR)


# ------------------------------------------------------------ inverse


@pytest.mark.parametrize("boundary", get_args(Boundary))
@pytest.mark.parametrize(
    "slug", ["nvidia-gb300-nvl72", "nvidia-hgx-h100-air", "hpe-cray-ex-frontier", "legacy-air-8kw"]
)
def test_inverse_round_trip(slug, boundary):
    rack = RACKS[slug]
    if (boundary == "cdu_heat" and rack.liquid is None) or (boundary == "gpu" and rack.accelerator is None):
        pytest.skip("this rack has nothing at that boundary")
    activity = np.linspace(0.0, 1.0, 41)
    place = (32.0, flow_of(rack), 26.0)
    power = forward(activity, boundary, place, rack)
    back = activity_of(power, boundary, *place, rack)
    assert back.valid.all()
    np.testing.assert_allclose(back.activity, activity, atol=1e-8)
    outside = activity_of(np.array([0.9 * power[0] - 1.0, 1.02 * power[-1]]), boundary, *place, rack)
    assert outside.activity.tolist() == [0.0, 1.0]
    assert not outside.valid.any()


def forward(activity, boundary, place, rack):
    """Power at a boundary from `respond` and the datasheet alone."""
    got = respond(activity, *place, rack)
    if boundary == "rack_ac":
        return got.power
    if boundary == "cdu_heat":
        return got.heat_liquid
    rest = {"node": 0.0, "rack": 0.0}
    compute = {"node": 0.0, "rack": 0.0}
    for part in rack.parts.values():
        idle = part.maximum if part.follows == "constant" else part.idle
        drawn = part.count * (idle + (part.maximum - idle) * activity)
        rest[part.stage] = rest[part.stage] + drawn
        compute[part.stage] = compute[part.stage] + drawn * part.compute
    packages = got.compute - compute["node"] - compute["rack"]
    if boundary == "gpu":
        return packages
    node = packages + rest["node"]
    if rack.node_converter is not None:
        node = (node + rack.nodes * rack.node_converter.constant) / rack.node_converter.efficiency
    node = node + got.fans
    return node if boundary == "node_dc" else node * got.power / (node + rest["rack"])


def test_inverse_across_the_onset_of_throttling():
    activity = np.linspace(0.0, 1.0, 41)
    place = (70.0, 0.5 * GB300.liquid.rated_flow, 24.0)
    got = respond(activity, *place, GB300)
    assert 0 < (got.done < activity - 1e-9).sum() < 41
    back = activity_of(got.power, "rack_ac", *place, GB300)
    assert back.valid.all()
    np.testing.assert_allclose(back.activity, activity, atol=1e-7)
    plateau = activity_of(got.power[-1], "gpu", *place, GB300)  # more than the throttled packages can draw
    assert not plateau.valid


def test_h200_node_trace_is_inside():
    """Busy means of an 8 x H200 node by model, 4717 to 6281 W AC, idle 2450 W; four nodes to the rack."""
    rack = RACKS["nvidia-hgx-h200-air"]
    found = activity_of(4.0 * np.array([2450.0, 4717.0, 6281.0]), "rack_ac", 25.0, 0.0, 22.0, rack)
    assert found.valid.all()
    assert found.activity[0] < 0.05
    assert 0.25 < found.activity[1] < found.activity[2] < 0.75


def test_nodes_switched_off_draw_nothing():
    flow = GB300.liquid.rated_flow
    idle = respond(0.0, 30.0, flow, 24.0, GB300)
    found = respond(np.array([0.5, 0.0, -0.25, -1.0]), 30.0, flow, 24.0, GB300)
    np.testing.assert_allclose(found.power[1:], idle.power * np.array([1.0, 0.75, 0.0]), atol=1e-9)
    np.testing.assert_allclose(found.heat_liquid + found.heat_air, found.power, rtol=1e-12)
    assert found.power[0] == respond(0.5, 30.0, flow, 24.0, GB300).power
    assert (found.done[2:] == 0.0).all()


# ------------------------------------------------------------ validity and refusals


def test_validity_shows():
    flow = GB300.liquid.rated_flow
    ok = respond(0.5, 30.0, flow, 24.0, GB300)
    assert ok.valid
    for case in (
        (0.5, 51.0, flow, 24.0),
        (0.5, 30.0, 0.1 * flow, 24.0),
        (0.5, 30.0, 0.0, 24.0),
        (0.5, 30.0, flow, 36.0),
        (1.1, 30.0, flow, 24.0),
        (-1.1, 30.0, flow, 24.0),
    ):
        got = respond(*case, GB300)
        assert not got.valid, case
        assert np.isfinite(np.stack(got[:10])).all(), case
    assert respond(-0.1, 30.0, flow, 24.0, GB300).valid
    overloaded = replace(GB300, shelves=3)
    assert not respond(1.0, 30.0, flow, 24.0, overloaded).valid


def test_hot_coolant_throttles_and_shows():
    got = respond(1.0, np.array([30.0, 50.0, 70.0]), GB300.liquid.rated_flow, 24.0, GB300)
    assert got.done[0] == 1.0
    assert got.done[2] < 0.8
    assert got.chip_temperature[2] == pytest.approx(GB300.accelerator.throttle)
    assert got.power[2] < got.power[0] * 0.9


def test_full_capture_is_possible():
    tank = replace(
        GB300,
        parts={name: replace(part, liquid=1.0) for name, part in GB300.parts.items()},
        fans=None,
        shelf_liquid=1.0,
    )
    got = respond(np.linspace(0.0, 1.0, 9), 35.0, tank.liquid.rated_flow, 24.0, tank)
    np.testing.assert_allclose(got.heat_liquid, got.power, rtol=ROUNDING)
    np.testing.assert_allclose(got.heat_air, 0.0, atol=1e-9)
    assert not got.air_flow.any()


def test_fans_follow_inlet_air():
    air = np.array([15.0, 25.0, 30.0, 35.0, 38.0])
    got = respond(1.0, 25.0, 0.0, air, H100_AIR)
    fans = H100_AIR.fans
    np.testing.assert_allclose(got.fans[:2], fans.maximum * fans.base_speed**3)
    np.testing.assert_allclose(got.fans[3:], fans.maximum)
    np.testing.assert_allclose(got.air_flow[3:], fans.flow)
    assert got.fans[1] < got.fans[2] < got.fans[3]


def test_air_classes():
    assert set(AIR_CLASSES) == set(get_args(AirClassName))
    for limits in AIR_CLASSES.values():
        assert (
            limits.allowable_low <= limits.recommended_low < limits.recommended_high <= limits.allowable_high
        )


def test_contradictions_are_refused():
    with pytest.raises(ValueError, match="needs liquid"):
        replace(GB300, liquid=None)
    with pytest.raises(ValueError, match="one of cold_plate, air_sink, bath_sink and boiling_surface"):
        replace(H100_AIR, air_sink=None)
    with pytest.raises(ValueError, match="belong together"):
        replace(H100_AIR, accelerators=0)
    with pytest.raises(ValueError, match="no liquid side"):
        replace(H100_AIR, parts={"cpu": Part(count=1, maximum=10.0, idle=1.0, liquid=0.5)})
    with pytest.raises(ValueError, match="needs idle"):
        Part(count=1, maximum=10.0)


@pytest.mark.parametrize("slug", PRODUCTS)
def test_around_tells_its_derivatives(slug):
    """Power at the feed and heat into liquid by power of the packages, against a central difference."""
    rack = RACKS[slug]
    activity = np.array([0.0, 0.4, 1.0])
    packages = rated(rack).accelerators * np.array([0.2, 0.6, 1.1])
    step = 1e-3 * rack.tdp
    found = around(activity, packages, 25.0, rack)
    low, high = (around(activity, packages + by, 25.0, rack) for by in (-step, step))
    np.testing.assert_allclose(found.power_slope, (high.power - low.power) / (2.0 * step), rtol=SLOPE)
    liquid = (high.heat_liquid - low.heat_liquid) / (2.0 * step)
    np.testing.assert_allclose(found.liquid_slope, liquid, rtol=SLOPE, atol=1e-9)
