"""Normals that were read at a source: London's and Dublin's are the means of their stations' monthly records."""

from pathlib import Path

import numpy as np
import pytest

import twin
from twin.climate import places

RECORDS = Path(__file__).resolve().parents[2] / "data" / "reference" / "station_normals"
YEARS = {"london-heathrow": ("london", 1994, 2020), "dublin-airport": ("dublin", 1995, 2018)}
ROUNDED_K = 0.051


@pytest.mark.parametrize("file", sorted(YEARS))
def test_normals_are_the_means_of_the_record(file: str) -> None:
    name, first, last = YEARS[file]
    table = np.genfromtxt(RECORDS / f"{file}.csv", delimiter=",", skip_header=1)
    assert table[:, 0].tolist() == list(range(first, last + 1))
    high, low = table[:, 1:13], table[:, 13:]
    assert (high - low > 1.5).all()  # a digit of one in the place of the other would show
    assert np.abs(high - high.mean(axis=0)).max() < 7.5
    place = places()[name]
    assert place["read"] == ["temperature"]
    np.testing.assert_allclose(place["maximum"], high.mean(axis=0), atol=ROUNDED_K)
    np.testing.assert_allclose(place["minimum"], low.mean(axis=0), atol=ROUNDED_K)


def test_each_place_says_what_is_estimated() -> None:
    assert twin.load_weather("singapore").source.endswith("estimates: spread of days)")
    assert twin.load_weather("london").source.endswith("estimates: humidity, spread of days)")
    assert twin.load_weather("riyadh").source.endswith("estimates: temperature, humidity, spread of days)")
