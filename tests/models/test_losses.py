"""What every electrical element must do, and the efficiencies their datasheets are made from."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.losses import Loss, quadratic
from twin_models.pdu import pdu
from twin_models.transformer import transformer
from twin_models.ups import ups
from twin_sites import catalogue, units

FAMILIES: dict[str, tuple[Callable[[Any, Any], Loss], type]] = {
    "transformer": (transformer.loss, transformer.Transformer),
    "ups": (ups.loss, ups.Ups),
    "pdu": (pdu.loss, pdu.Pdu),
}
SHEETS = [(family, slug) for family in FAMILIES for slug in catalogue.names(family)]

DOE_TOLERANCE = 0.02e-2  # efficiency
UPS_TOLERANCE = 0.3e-2
PANDAPOWER_TOLERANCE = 0.03

# 10 CFR 431.196(a)(2), three-phase low-voltage dry-type at 35 % load, and (b), liquid-immersed at 50 % load
DOE_DRY = {
    15: 97.89, 30: 98.23, 45: 98.40, 75: 98.60, 112.5: 98.74, 150: 98.83, 225: 98.94, 300: 99.02, 500: 99.14,
    750: 99.23, 1000: 99.28,
}  # fmt: skip
DOE_LIQUID = {500: 99.35, 750: 99.40, 1000: 99.43, 1500: 99.48, 2000: 99.51, 2500: 99.53}

# Load flow by pandapower 3.3.3 of a 2.5 MVA 20/0.415 kV transformer, P0 1575 W, Pk 18.5 kW, vk 6 %, i0 0.2 %:
# active load MW, reactive load Mvar, loss kW. The load flow sees the voltage drop, the closed form does not.
PANDAPOWER = [(1.5, 0.3, 8.6682), (0.2375, 0.0781, 1.7590), (1.1875, 0.3903, 6.3166), (2.5, 0.0, 20.4220)]

# Efficiency in % at 25, 50, 75 and 100 % load; None where nothing is known
UPS_POINTS = {
    "ups-three-level-1000": (95.9, 96.9, 96.8, 96.5),
    "ups-legacy-2009-500": (None, None, None, 93.5),
    "ups-online-20": (None, 95.0, 95.0, 95.0),  # middle of 94 to 96
}
# Best efficiency in double conversion and in eco mode
UPS_PEAKS = {
    "galaxy-vx-class-1000": (0.97, 0.99),
    "galaxy-vxl-class-1250": (0.975, 0.99),
    "ups-online-20": (0.95, 0.98),
}


def element(family: str, slug: str, **changes: Any) -> tuple[Callable[[Any], Loss], float]:
    """Loss as a function of the load, and the greatest active load, W."""
    loss, kind = FAMILIES[family]
    values = {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"} | changes
    params = TypeAdapter(kind).validate_python(values, context=units.read)
    return lambda load: loss(load, params), params.rating * getattr(params, "power_factor", 1.0)


def efficiency(loss: Callable[[Any], Loss], load: Any) -> Any:
    return load / (load + loss(load).loss)


@pytest.mark.parametrize(("family", "slug"), SHEETS)
def test_zero_load_and_rising(family: str, slug: str) -> None:
    loss, rating = element(family, slug)
    load = np.linspace(0.0, 1.0, 101) * rating
    out = loss(load)
    _, kind = FAMILIES[family]
    params = TypeAdapter(kind).validate_python(
        {k: v for k, v in catalogue.datasheet(slug).values.items() if k != "kind"}, context=units.read
    )
    idle = params.no_load_loss if family == "transformer" else params.no_load_loss * params.rating
    assert out.loss[0] == pytest.approx(idle)
    assert np.all(np.diff(out.loss) > 0.0)
    assert np.all(out.loss < 0.08 * rating)


@pytest.mark.parametrize(("family", "slug"), SHEETS)
def test_array_equals_loop_of_scalars(family: str, slug: str) -> None:
    loss, rating = element(family, slug)
    load = np.linspace(0.0, 1.2, 7).reshape(1, 7) * rating
    out = loss(load)
    assert out.loss.shape == out.valid.shape == (1, 7)
    assert np.array_equal(out.loss[0], [float(loss(float(v)).loss) for v in load[0]])
    assert np.array_equal(out.valid[0], [bool(loss(float(v)).valid) for v in load[0]])


@pytest.mark.parametrize(("family", "slug"), SHEETS)
def test_valid_up_to_the_rating(family: str, slug: str) -> None:
    loss, rating = element(family, slug)
    assert loss(rating).valid
    assert not loss(1.001 * rating).valid
    assert loss(1.5 * rating).loss > loss(rating).loss  # goes on, is not cut


@pytest.mark.parametrize("family", FAMILIES)
def test_there_are_datasheets(family: str) -> None:
    assert len(catalogue.names(family)) >= 4


def test_quadratic_by_hand() -> None:
    out = quadratic(np.array([0.0, 50.0, 100.0]), 100.0, 0.01, 0.02, 0.04)
    assert out.loss == pytest.approx([1.0, 3.0, 7.0])


@pytest.mark.parametrize(("kva", "least"), DOE_DRY.items())
def test_us_dry_type_minimum_at_35_percent(kva: float, least: float) -> None:
    loss, rating = element("transformer", f"us-dry-{kva}".replace(".", "p"), power_factor=1.0)
    assert rating == pytest.approx(1e3 * kva)
    assert efficiency(loss, 0.35 * rating) == pytest.approx(least / 100.0, abs=DOE_TOLERANCE)
    assert efficiency(loss, 0.35 * rating) > efficiency(loss, np.array([0.2, 0.6]) * rating).max()


@pytest.mark.parametrize(("kva", "least"), DOE_LIQUID.items())
def test_us_liquid_minimum_at_50_percent(kva: float, least: float) -> None:
    loss, rating = element("transformer", f"us-liquid-{kva}", power_factor=1.0)
    assert efficiency(loss, 0.5 * rating) == pytest.approx(least / 100.0, abs=DOE_TOLERANCE)


@pytest.mark.parametrize(("active", "reactive", "expected"), PANDAPOWER)
def test_transformer_against_load_flow(active: float, reactive: float, expected: float) -> None:
    factor = active / float(np.hypot(active, reactive))
    loss, _ = element("transformer", "eu-tier2-oil-2500", power_factor=factor)
    assert loss(active * 1e6).loss == pytest.approx(expected * 1e3, rel=PANDAPOWER_TOLERANCE)


def test_power_factor_raises_the_load_loss() -> None:
    good, _ = element("transformer", "eu-tier2-dry-1600", power_factor=1.0)
    poor, rating = element("transformer", "eu-tier2-dry-1600", power_factor=0.8)
    assert poor(1e6).loss - good(1e6).loss == pytest.approx(13000.0 * (1e6 / 1.6e6) ** 2 * (1.0 / 0.64 - 1.0))
    assert rating == pytest.approx(1.28e6)


@pytest.mark.parametrize(("slug", "points"), UPS_POINTS.items())
def test_ups_points(slug: str, points: tuple[float | None, ...]) -> None:
    loss, rating = element("ups", slug)
    for share, expected in zip((0.25, 0.5, 0.75, 1.0), points, strict=True):
        if expected is not None:
            assert efficiency(loss, share * rating) == pytest.approx(expected / 100.0, abs=UPS_TOLERANCE)


@pytest.mark.parametrize(("slug", "peaks"), UPS_PEAKS.items())
def test_ups_peaks(slug: str, peaks: tuple[float, float]) -> None:
    for mode, expected in zip(("double_conversion", "eco"), peaks, strict=True):
        loss, rating = element("ups", slug, mode=mode)
        best = efficiency(loss, np.linspace(0.05, 1.0, 96) * rating).max()
        assert best == pytest.approx(expected, abs=UPS_TOLERANCE), mode


@pytest.mark.parametrize("slug", catalogue.names("ups"))
def test_eco_mode_saves(slug: str) -> None:
    double, rating = element("ups", slug)
    eco, _ = element("ups", slug, mode="eco")
    load = np.linspace(0.0, 1.0, 21) * rating
    assert np.all(eco(load).loss < double(load).loss)
    assert np.all(np.diff(eco(load).loss) > 0.0)


def test_pdu_with_k13_transformer() -> None:
    loss, rating = element("pdu", "pdu-k13-300")
    assert 0.02 < loss(0.3 * rating).loss / (0.3 * rating) < 0.03
    efficient, _ = element("pdu", "pdu-efficient-300")
    assert efficient(0.3 * rating).loss < 0.5 * loss(0.3 * rating).loss


@pytest.mark.parametrize(
    "slug", ["rpp-415v-400", "static-transfer-switch-415v-800", "switchgear-415v-4000", "busway-415v-800"]
)
def test_small_distribution_losses(slug: str) -> None:
    loss, rating = element("pdu", slug)
    assert 0.001 < loss(rating).loss / rating < 0.01


def test_busway_is_three_i_squared_r() -> None:
    loss, rating = element("pdu", "busway-415v-800")
    current = rating / (np.sqrt(3.0) * 415.0 * 0.95)
    assert loss(rating).loss == pytest.approx(3.0 * current**2 * 45e-6 * 30.0, rel=0.02)
