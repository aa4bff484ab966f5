"""Quantities as people write them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twin_models.fields import Quantity
from twin_sites import units


@pytest.mark.parametrize(
    ("text", "unit", "difference", "value"),
    [
        ("86 degF", "degC", False, 30.0),
        ("30 degC", "degC", False, 30.0),
        ("303.15 K", "degC", False, 30.0),
        ("7 degF", "K", True, 3.88888888889),
        ("5 °C", "K", True, 5.0),
        ("1200 gpm", "m3/s", False, 0.07570823568),
        ("1200 L/min", "m3/s", False, 0.02),
        ("2 m³/h", "m3/s", False, 0.000555555555556),
        ("300 tons", "W", False, 1055056.0),
        ("40 psi", "Pa", False, 275790.291727),
        ("25 %", "1", False, 0.25),
        ("0.25", "1", False, 0.25),
        ("2e-5 m2*K/W", "m2*K/W", False, 2e-5),
        ("363 g/kWh", "kg/J", False, 1.00833333333e-07),
        ("0.08 USD/kWh", "currency/J", False, 2.22222222222e-08),
    ],
)
def test_reads_si_and_ip(text: str, unit: str, difference: bool, value: float) -> None:
    assert units.parse(text, unit, difference) == value


def test_equal_quantities_are_equal_numbers() -> None:
    assert units.parse("86 degF", "degC") == units.parse("30 degC", "degC")
    assert units.parse("132 kW", "W") == units.parse("0.132 MW", "W")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("30 kW", "degC"), ("30", "W"), ("abc", "W"), ("5 foo", "W"), ("1,200 gpm", "m3/s"), ("nan W", "W"), ("inf kW", "W"),
        ("3**9**9 W", "W"), ("5 __import__('os')", "W"), ("", "W"), ("1_000 W", "W"), ("12 kW", "1"), ("9" * 80 + " W", "W"),
    ],
)  # fmt: skip
def test_refuses_with_a_reason(text: str, unit: str) -> None:
    with pytest.raises(units.UnitError) as caught:
        units.parse(text, unit)
    assert caught.value.allowed


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_unit_error(text: str) -> None:
    for unit in ("W", "degC", "1"):
        with contextlib.suppress(units.UnitError):
            assert isinstance(units.parse(text, unit), float)


def test_bounds_name_their_source() -> None:
    quantity = Quantity("degC", "Supply", low=18.0, high=45.0, bound_source="ASHRAE W45")
    with pytest.raises(units.UnitError, match="18 to 45 °C"):
        units.read("50 degC", quantity)
    with pytest.raises(units.UnitError, match="bare number"):
        units.read(30, quantity)
    assert units.bounds_text(quantity, "ip") == "64.4 to 113 °F"


@given(st.floats(-50, 90))
def test_shown_and_read_again_is_the_same(value: float) -> None:
    quantity = Quantity("degC", "Supply")
    number = units.round_digits(value)
    assert units.read(units.written(number, quantity), quantity) == pytest.approx(number, abs=1e-9)
    assert units.convert(units.convert(number, "degC", "degF"), "degF", "degC") == pytest.approx(
        number, abs=1e-9
    )
