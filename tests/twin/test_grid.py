"""Carbon and price: constants, regions and real hourly records on the run's clock."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from twin_sites.errors import InputError

import twin
from twin.grid import regions, series_or_constant

SHARED = Path(__file__).parents[3] / "shared" / "data" / "grid"
VIRGINIA = SHARED / "eia_hourly_generation_and_ci_VA_2022.csv.gz"
GERMANY = SHARED / "entsoe_DE-LU_day_ahead_price_2023.csv.gz"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real grid records are not here")


@needs_shared
def test_virginia_carbon_stands_at_its_hour_of_the_site() -> None:
    found = series_or_constant(VIRGINIA, "carbon", n=8760, utc_offset_h=-5.0)
    table = pd.read_csv(VIRGINIA)
    assert found.unit == "g/kWh"
    assert found.filled == table.avg_CI.isna().sum() == 23
    assert found.values[0] == table.avg_CI[5]  # local midnight is 05:00 UTC
    assert found.values[100] == table.avg_CI[105]
    assert found.values.mean() == pytest.approx(363.0, abs=1.0)


@needs_shared
def test_german_prices_keep_their_negative_hours() -> None:
    found = series_or_constant(GERMANY, "price", n=8760, utc_offset_h=1.0)
    table = pd.read_csv(GERMANY)
    assert found.unit == "USD/kWh"
    assert (found.values < 0).sum() == 292
    assert found.values[1] == pytest.approx(table["Price (USD/MWh)"][0] / 1000.0)
    assert (found.values.min(), found.values.max()) == pytest.approx((-0.48440, 0.52395), abs=1e-4)
    fine = series_or_constant(GERMANY, "price", n=96, step_s=900.0, utc_offset_h=1.0)
    assert np.array_equal(fine.values, np.repeat(found.values[:24], 4))  # a price holds for its hour
    days = series_or_constant(GERMANY, "price", n=365, step_s=86400.0, utc_offset_h=1.0)
    assert days.values == pytest.approx(found.values.reshape(365, 24).mean(axis=1))


def test_constants_regions_and_tariffs() -> None:
    assert series_or_constant(0.1, "price", n=3).values == pytest.approx([0.1] * 3)
    assert series_or_constant("us-east4", "carbon", n=2).values == pytest.approx(323.05)
    assert series_or_constant("flat", "price", n=2).confidence == "estimate"
    assert len(regions()) > 40


def grid_csv(
    tmp_path: Path, values: list[str], header: str = "price [EUR/MWh]", start: str = "2023-01-01"
) -> Path:
    times = pd.date_range(start, periods=len(values), freq="h")
    path = tmp_path / "grid.csv"
    path.write_text(
        f"time,{header}\n" + "\n".join(f"{t:%Y-%m-%d %H:%M},{v}" for t, v in zip(times, values, strict=True))
    )
    return path


@pytest.mark.parametrize(
    ("values", "header", "says"),
    [
        (["50"] * 100, "price [EUR/MWh]", "a whole year"),
        (["50"] * 8760, "price", "add the unit"),
        (["50"] * 8760, "cost [EUR/h]", "add the unit"),
        (["50"] * 8760, "volume", "a time column and one named"),
        (["", "50"] * 4380, "price [EUR/MWh]", "4380 of 8760 steps empty"),
        (["60000"] * 8760, "price [EUR/MWh]", "-20 to 50"),
        (["fifty"] * 8760, "price [EUR/MWh]", "'fifty'"),
    ],
)
def test_bad_records_are_told_in_plain_words(
    values: list[str], header: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        series_or_constant(grid_csv(tmp_path, values, header), "price", n=8760)
    assert says in str(caught.value)


def test_bad_words_and_numbers() -> None:
    for value, kind in (
        (-5.0, "carbon"),
        (float("nan"), "price"),
        ("us-eats4", "carbon"),
        ("flatt", "price"),
        (1.0, "water"),
    ):
        with pytest.raises(InputError):
            series_or_constant(value, kind, n=10)  # type: ignore[arg-type]


def test_negative_carbon_is_refused_and_holes_take_the_hour_before(tmp_path: Path) -> None:
    values = [str(100 + i % 24) for i in range(8760)]
    values[50] = ""
    found = series_or_constant(grid_csv(tmp_path, values, "carbon [kg/MWh]"), "carbon", n=8760)
    assert found.values[50] == found.values[49] == 101.0
    values[60] = "-1"
    with pytest.raises(InputError, match="0 to 3000"):
        series_or_constant(grid_csv(tmp_path, values, "carbon [kg/MWh]"), "carbon", n=8760)


def test_a_record_brings_its_currency_and_what_was_done_to_it(tmp_path: Path) -> None:
    """Costs are in the money of the record; water in another is said, not added."""
    site = twin.load_site("enterprise-3-rack-gb300")
    record = grid_csv(tmp_path, ["50"] * 8760)
    ds = twin.simulate(site, hours=24, price=record)
    found = twin.summarize(ds)
    assert found.currency == "EUR"
    assert found.energy_cost == pytest.approx(0.05 * found.facility_energy_kwh)
    assert any("EUR, water in USD" in note for note in ds.attrs["notes"])
    assert any("no zone stated" in note for note in ds.attrs["notes"])
    assert twin.summarize(twin.simulate(site, hours=24)).currency == "USD"
