import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twin_models.pump import pump
from twin_models.pump.pump import Pump, SystemCurve

Load = Callable[[type, str, str], Any]
BALANCE = 1e-12
PUMP = Pump(rated_flow=0.02, rated_head=250e3)
IL80_FLOW = np.array([0.00303, 0.00864, 0.01461, 0.02143, 0.02824])
IL80_HEAD = np.array([168215.0, 164292.0, 154368.0, 128440.0, 86895.0])
IL80_SHAFT = np.array([1905.0, 2549.0, 3146.0, 3593.0, 3793.0])
STRATOS_FLOW = np.array([0.00278, 0.00557, 0.00777, 0.00979, 0.01135, 0.01273, 0.01399])
STRATOS_HEAD = np.array([78244.0, 78055.0, 75596.0, 70490.0, 63682.0, 55361.0, 45528.0])
STRATOS_POWER = np.array([589.0, 793.0, 932.0, 1048.0, 1116.0, 1155.0, 1172.0])


def test_wilo_il80(load_datasheet: Load) -> None:
    params = load_datasheet(Pump, "pump", "wilo-il80-220-4-4")
    assert pump.head(IL80_FLOW, 1.0, params) == pytest.approx(IL80_HEAD, rel=0.01)
    running = pump.operate(IL80_FLOW, pump.head(IL80_FLOW, 1.0, params), params)
    assert running.speed == pytest.approx(1.0, rel=1e-9)
    assert running.fluid_heat[1:] == pytest.approx(IL80_SHAFT[1:], rel=0.05)
    assert running.fluid_heat[0] == pytest.approx(IL80_SHAFT[0], rel=0.20)


def test_wilo_stratos(load_datasheet: Load) -> None:
    params = load_datasheet(Pump, "pump", "wilo-stratos-80-1-12")
    assert pump.head(STRATOS_FLOW, 1.0, params) == pytest.approx(STRATOS_HEAD, rel=0.045)
    electric = pump.operate(STRATOS_FLOW, STRATOS_HEAD, params).electric
    assert electric[1:] == pytest.approx(STRATOS_POWER[1:], rel=0.05)
    assert electric[0] == pytest.approx(STRATOS_POWER[0], rel=0.15)


def test_every_datasheet_runs_at_its_rating(
    load_datasheet: Load, datasheets: Callable[[str], list[str]]
) -> None:
    assert len(datasheets("pump")) >= 6
    for slug in datasheets("pump"):
        params = load_datasheet(Pump, "pump", slug)
        out = pump.operate(params.rated_flow, params.rated_head, params)
        assert out.speed == pytest.approx(1.0, rel=0.01), slug
        assert out.valid, slug
        assert 0.5 < params.rated_flow * params.rated_head / float(out.electric) < 0.8, slug


def test_affinity_laws() -> None:
    """Half flow at a quarter of the head is half speed and an eighth of the shaft power."""
    full, half = pump.operate(0.02, 250e3, PUMP), pump.operate(0.01, 62.5e3, PUMP)
    assert float(half.speed) == pytest.approx(0.5 * float(full.speed), rel=1e-9)
    assert float(half.fluid_heat) == pytest.approx(float(full.fluid_heat) / 8.0, rel=1e-9)


def test_rated_power_calibrates_the_efficiency() -> None:
    params = dataclasses.replace(PUMP, power=9000.0)
    assert float(pump.operate(0.02, 250e3, params).electric) == pytest.approx(9000.0, rel=1e-9)
    with pytest.raises(ValueError, match="pump efficiency"):
        pump.characteristic(dataclasses.replace(PUMP, power=5100.0))
    with pytest.raises(ValueError, match="go together"):
        pump.characteristic(dataclasses.replace(PUMP, curve_constant=3e5))


def test_motor_and_drive_fall_off() -> None:
    """At a quarter of its load a drive of 0.965 is at about 0.90 and a motor of 0.93 at 0.90."""
    p = pump.characteristic(PUMP)
    drive_in = 0.25 * (p.shaft + p.motor_loss)
    drive = p.drive_loss * (pump.DRIVE_FIXED_LOSS + (1.0 - pump.DRIVE_FIXED_LOSS) * 0.25)
    assert drive_in / (drive_in + drive) == pytest.approx(0.90, abs=0.01)
    motor = p.motor_loss * (pump.MOTOR_FIXED_LOSS + (1.0 - pump.MOTOR_FIXED_LOSS) * 0.25)
    assert 0.25 * p.shaft / (0.25 * p.shaft + motor) == pytest.approx(0.90, abs=0.01)


def test_minimum_speed_throttles() -> None:
    out = pump.operate(0.002, 1e3, PUMP)
    assert float(out.speed) == PUMP.minimum_speed
    ideal = 0.002 * 1e3
    assert float(out.fluid_heat) > 5.0 * ideal


def test_off_is_nothing() -> None:
    out = pump.operate(np.array([0.0, 0.02]), np.array([0.0, 250e3]), PUMP)
    assert [float(x[0]) for x in out[:4]] == [0.0, 0.0, 0.0, 0.0]
    assert out.valid[0]
    assert out.electric[1] > 0.0


def test_above_full_speed_is_told() -> None:
    assert not pump.operate(0.02, 400e3, PUMP).valid
    assert float(pump.operate(0.02, 400e3, PUMP).speed) > 1.0


@given(flow=st.floats(0.0, 0.05), head=st.floats(0.0, 500e3))
def test_heat_is_electricity(flow: float, head: float) -> None:
    out = pump.operate(flow, head, PUMP)
    assert float(out.fluid_heat + out.motor_heat) == pytest.approx(float(out.electric), rel=BALANCE)
    assert out.fluid_heat >= flow * head * (1.0 - 1e-9) - 1e-6
    assert out.motor_heat >= 0.0
    if out.valid:
        assert pump.operate(flow, head + 1e3, PUMP).electric >= out.electric


def test_full_speed_flow_lies_on_both_curves() -> None:
    k = np.array([1e7, 3e8, 6e8, 5e9])
    for exponent in (1.0, 1.75, 1.9, 2.0):
        system = SystemCurve(30e3, k * 0.02 ** (2.0 - exponent), exponent)
        q = pump.full_speed_flow(system, PUMP)
        assert pump.head(q, 1.0, PUMP) == pytest.approx(30e3 + system.k * q**exponent, rel=1e-9)
    assert float(pump.full_speed_flow(SystemCurve(400e3, 1e8, 2.0), PUMP)) == 0.0
    assert float(pump.full_speed_flow(SystemCurve(0.0, 250e3 / 0.02**2, 2.0), PUMP)) == pytest.approx(
        0.02, rel=1e-9
    )
    slow = pump.full_speed_flow(SystemCurve(0.0, 250e3 / 0.02**2, 2.0), PUMP, speed=0.5)
    assert float(slow) == pytest.approx(0.01, rel=1e-9)


def test_array_equals_scalars() -> None:
    flow, head = np.linspace(0.0, 0.03, 31), np.linspace(10e3, 300e3, 31)
    out = pump.operate(flow, head, PUMP)
    for i in range(31):
        one = pump.operate(float(flow[i]), float(head[i]), PUMP)
        assert [float(x[i]) for x in out] == pytest.approx([float(x) for x in one], rel=1e-13)
