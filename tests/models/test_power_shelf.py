"""Power shelf: fit of its tables, affine stages, slope."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import TypeAdapter
from twin_models.power_shelf.power_shelf import PowerShelf, loss, loss_and_slope
from twin_sites import catalogue, units

FIT = 0.004  # of efficiency, at the table's own points
PUBLISHED_CHAIN = 1e-5
SLOPE = 1e-6


def read(value, quantity):
    return value if value is None or isinstance(value, list | tuple) else units.read(value, quantity)


def product(slug):
    values = {key: value for key, value in catalogue.datasheet(slug).values.items() if key != "kind"}
    return TypeAdapter(PowerShelf).validate_python(values, context=read)


PRODUCTS = catalogue.names("power_shelf")
TABLES = [slug for slug in PRODUCTS if product(slug).load_points]


def efficiency(output, params):
    return output / (output + loss(output, params).loss)


@pytest.mark.parametrize("slug", TABLES)
def test_fit_meets_its_points(slug):
    p = product(slug)
    got = efficiency(np.array(p.load_points) * p.rating, p)
    np.testing.assert_allclose(got, p.efficiency_points, atol=FIT)


@pytest.mark.parametrize("slug", PRODUCTS)
def test_loss_is_positive_and_never_falls(slug):
    p = product(slug)
    output = np.linspace(0.0, 1.3, 400) * p.rating
    got = loss(output, p)
    assert got.loss[0] > 0.0
    assert np.all(np.diff(got.loss) > 0.0)
    assert np.array_equal(got.valid, output <= p.rating)
    assert loss(p.rating, p).valid
    below = loss(-5.0, p)
    assert not below.valid
    assert below.loss == pytest.approx(got.loss[0])


@pytest.mark.parametrize("slug", PRODUCTS)
def test_slope_is_the_derivative(slug):
    p = product(slug)
    output = np.linspace(0.05, 1.1, 20) * p.rating
    step = 1e-4 * p.rating
    numeric = (loss(output + step, p).loss - loss(output - step, p).loss) / (2.0 * step)
    np.testing.assert_allclose(loss_and_slope(output, p)[1] + 0.0 * output, numeric, rtol=SLOPE)


@pytest.mark.parametrize("slug", PRODUCTS)
def test_array_equals_scalars(slug):
    p = product(slug)
    output = np.array([-1.0, 0.0, 0.3, 0.8, 1.2]) * p.rating
    whole = loss(output, p)
    for i, one in enumerate(output):
        assert loss(float(one), p).loss == pytest.approx(whole.loss[i], rel=1e-14)


def test_frontier_stages():
    """Node and rectifier of the public configuration, idle and peak."""
    sivoc, rectifier = product("hpe-ex-sivoc"), product("hpe-ex-rectifier")
    node = np.array([626.26, 2704.26])
    np.testing.assert_allclose(node + loss(node, sivoc).loss, [652.31, 2772.71], rtol=PUBLISHED_CHAIN)
    load = np.array([2859.0, 11341.0])
    np.testing.assert_allclose(efficiency(load, rectifier), [0.954, 0.959], atol=5e-4)


def test_orv3_peak():
    p = product("orv3-shelf-33kw")
    x = np.linspace(0.1, 1.0, 200)
    curve = efficiency(x * p.rating, p)
    assert curve.max() == pytest.approx(0.975, abs=1e-3)
    assert 0.4 < x[curve.argmax()] < 0.65


def test_an_n_plus_n_rack_at_low_load_pays_for_it():
    p = product("psu-titanium-3300w")
    shares = [2.0 * loss(0.5 * p.rating, p).loss, 8.0 * loss(0.125 * p.rating, p).loss]
    assert all(more > less * 1.3 for less, more in pairwise(shares))


def test_wrong_tables_are_refused():
    with pytest.raises(ValueError, match="same length"):
        PowerShelf(rating=1e3, load_points=(0.1, 0.5, 1.0), efficiency_points=(0.9, 0.95))
    with pytest.raises(ValueError, match="three points"):
        PowerShelf(rating=1e3, load_points=(0.5, 1.0), efficiency_points=(0.9, 0.95))
