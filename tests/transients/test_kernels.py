"""The compiled kernels are the functions of numpy that they stand for."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_sites.loader import load_site

import twin
import twin.transients
from tests.transients.playing import SITES, SMALL, stand_on
from tests.transients.test_within import SECONDS, noisy
from twin.compile import compile_site
from twin.transients import fused, within
from twin.transients.chips import Rows

ALIKE = 1e-9  # relative
ULPS = 2.5e-16 * 4.0
ROWS = 300  # more than the rows that a kernel takes together

FITTING = [
    (site, i)
    for site in SITES
    for i, node in enumerate(compile_site(load_site(site)).racks)
    if fused.fits(node.racks)
]


@pytest.fixture
def needs_numba() -> None:
    pytest.importorskip("numba", reason="the extra `fast` is not installed")


def group(site: str, i: int, draw: np.random.Generator) -> Rows:
    """A group of a site at rest, with many rows and its numbers drawn anew."""
    node = stand_on(site, 0.6).rows[i].node
    rows = Rows(node, draw.integers(1, 5, ROWS).astype(float), 4e6)
    chip = node.racks.accelerator
    assert chip is not None
    rows.chip = draw.uniform(chip.leakage_reference - 40.0, chip.throttle + 5.0, ROWS)
    rows.out = draw.uniform(20.0, 70.0, ROWS)
    rows.chip_mass *= draw.uniform(0.3, 3.0, ROWS)
    rows.coolant_mass *= draw.uniform(0.3, 3.0, ROWS)
    rows.conductance = rows.chips * draw.uniform(5.0, 60.0, ROWS)
    rows.rate = draw.uniform(100.0, 2e4, ROWS)
    return rows


@pytest.mark.usefixtures("needs_numba")
@pytest.mark.parametrize(("site", "i"), FITTING)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), spans=st.integers(1, 12), alike=st.booleans(), constant=st.booleans())
def test_a_step_is_that_of_numpy(
    site: str, i: int, seed: int, spans: int, alike: bool, constant: bool
) -> None:
    draw = np.random.default_rng(seed)
    rows = group(site, i, draw)
    lengths = np.full(spans, 1.0) if alike else draw.uniform(0.02, 30.0, spans)
    asked = draw.uniform(0.0, 1.0, (1 if constant else spans, ROWS))
    air, entering = draw.uniform(15.0, 45.0), draw.uniform(15.0, 50.0, 2).tolist()
    last = rows.chip + draw.normal(0.0, 10.0, ROWS)
    found = []
    for compiled in (False, True):
        rows.fused = fused.equipment(rows.node.racks, ROWS, np.inf) if compiled else None
        assert (rows.fused is not None) == compiled
        rows.expect(lengths[: len(asked)], asked, entering[0], air)
        assert rows.course is not None
        course = rows.course._replace(spans=lengths)
        path = within.follow(rows, course, tuple(entering), tuple(entering), last)
        assert rows.around is not None
        spread = course.around._replace(air_flow=rows.around.air_flow)  # a kernel has its mean alone
        found.append([course.power, *spread, *rows.around, *path])
    for numpy, kernel in zip(*found, strict=True):
        np.testing.assert_allclose(kernel, numpy, rtol=ALIKE, atol=ALIKE * np.abs(np.nan_to_num(numpy)).max())


@pytest.mark.usefixtures("needs_numba")
def test_the_exponential_is_one() -> None:
    from twin.transients import kernels

    for x in np.linspace(-690.0, 690.0, 4001).tolist():
        assert kernels.exponential(x) == pytest.approx(math.exp(x), rel=ULPS)
    assert 0.0 < kernels.exponential(-1e9) < 1e-300
    assert kernels.exponential(1e9) > 1e300


@pytest.mark.usefixtures("needs_numba")
def test_a_run_compiled_is_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = twin.transient(SMALL, load=noisy(), until=float(SECONDS))
    monkeypatch.setattr(fused, "MANY", 1)
    monkeypatch.setattr(fused, "LONG", 0.0)
    first, again = (twin.transient(SMALL, load=noisy(), until=float(SECONDS)) for _ in range(2))
    assert first.attrs["steps"] == plain.attrs["steps"]
    for name in plain.data_vars:
        if plain[name].dtype.kind == "f":
            np.testing.assert_allclose(first[name], plain[name], rtol=1e-7, atol=1e-7, err_msg=str(name))
            np.testing.assert_array_equal(again[name], first[name], err_msg=str(name))


def test_short_runs_and_an_environment_without_numba_stay_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    racks = compile_site(load_site(SMALL)).racks[0].racks
    assert fused.equipment(racks, 1000, 1800.0) is None
    assert fused.equipment(racks, 1, np.inf) is None
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "twin.transients.kernels", raising=False)
    monkeypatch.delattr(twin.transients, "kernels", raising=False)
    fused._kernels.cache_clear()
    assert fused.equipment(racks, 100, np.inf) is None
    fused._kernels.cache_clear()
