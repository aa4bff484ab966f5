"""Weather: readers against an independent one, embedded years, gaps, steps and design days."""

import gzip
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import psychrolib
import pytest
from twin_sites.errors import InputError

from twin import weather_files
from twin.epw import read_design_conditions
from twin.weather import Weather, design_day, load_weather, resample, weathers

SHARED = Path(__file__).parents[3] / "shared" / "data" / "weather"
DULLES = SHARED / "USA_VA_Sterling-Washington.Dulles.Intl.AP.724030_TMY3.epw"
GREENSBORO = SHARED / "tmy3_csv" / "723170TYA.CSV.gz"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real weather files are not here")

WET_BULB_TOLERANCE = 0.01  # K, against psychrolib
ROUND = 1e-9
HEADER = """LOCATION,Somewhere,ST,USA,TEST,1,40.00,-80.00,-5.0,100.0
DESIGN CONDITIONS,0
TYPICAL/EXTREME PERIODS,0
GROUND TEMPERATURES,0
HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0
COMMENTS 1,made for a test
COMMENTS 2,
DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31"""


def epw_rows(hours: int = 8760) -> list[list[str]]:
    """A smooth synthetic year in EPW cells."""
    year = 2023 if hours == 8760 else 2024
    times = pd.date_range(f"{year}-01-01", periods=hours, freq="h")
    k = np.arange(hours)
    dry = 12.0 - 14.0 * np.cos(2 * np.pi * k / hours) - 4.0 * np.cos(2 * np.pi * k / 24)
    return [
        [
            str(t.year),
            str(t.month),
            str(t.day),
            str(t.hour + 1),
            "0",
            "?9",
            f"{d:.1f}",
            f"{d - 5:.1f}",
            "70",
            "100000",
        ]
        + ["0"] * 25
        for t, d in zip(times, dry, strict=True)
    ]


def epw_text(rows: list[list[str]], header: str = HEADER) -> str:
    return header + "\n" + "\n".join(",".join(row) for row in rows) + "\n"


def refused(path: Path | str) -> str:
    """The message of the refusal; each problem has its four parts."""
    with pytest.raises(InputError) as caught:
        load_weather(path)
    for problem in caught.value.problems:
        assert problem.where
        assert problem.found
        assert problem.allowed
        assert problem.remedy
    return str(caught.value)


@needs_shared
def test_epw_equals_an_independent_reader_hour_by_hour() -> None:
    from pvlib.iotools import read_epw

    weather = load_weather(DULLES)
    oracle, meta = read_epw(str(DULLES), coerce_year=2023)
    assert np.array_equal(weather.dry_bulb, oracle["temp_air"].to_numpy())
    assert np.array_equal(weather.pressure, oracle["atmospheric_pressure"].to_numpy())
    assert (weather.altitude, weather.utc_offset_h) == (meta["altitude"], meta["TZ"])
    assert weather.times[0] == np.datetime64("2023-01-01T00:00:00")  # row 1 covers 00:00 to 01:00
    assert weather.times[-1] == np.datetime64("2023-12-31T23:00:00")
    assert weather.value_at == 1.0


@needs_shared
def test_wet_bulb_of_a_year_agrees_with_psychrolib() -> None:
    psychrolib.SetUnitSystem(psychrolib.SI)
    weather = load_weather(DULLES)
    warm = np.flatnonzero(weather.wet_bulb > 0.5)[::37]  # below, psychrolib jumps between water and ice
    dew = [float(line.split(",")[7]) for line in DULLES.read_text().splitlines()[8:]]
    for hour in warm:
        dry, p = float(weather.dry_bulb[hour]), float(weather.pressure[hour])
        oracle = psychrolib.GetTWetBulbFromTDewPoint(dry, min(dew[hour], dry), p)
        assert weather.wet_bulb[hour] == pytest.approx(oracle, abs=WET_BULB_TOLERANCE)


@pytest.mark.skipif(
    find_spec("pyenergyplus") is None, reason="pyenergyplus-lbnl with the original EPW is not installed"
)
@pytest.mark.parametrize("name", ["ashburn", "phoenix", "boulder"])
def test_embedded_year_equals_the_file_it_came_from(name: str) -> None:
    embedded = load_weather(name)
    folder = Path(str(find_spec("pyenergyplus").origin)).parent / "data" / "weather"  # type: ignore[union-attr]
    original = load_weather(folder / embedded.source.split("EPW ")[1])
    for field in ("dry_bulb", "wet_bulb", "humidity_ratio", "pressure"):
        assert np.abs(getattr(embedded, field) - getattr(original, field)).max() < ROUND
    assert embedded.design == original.design
    assert (embedded.latitude, embedded.altitude) == (original.latitude, original.altitude)


def test_every_embedded_year_is_whole_and_plausible() -> None:
    assert {"ashburn", "phoenix", "chicago", "san-francisco", "las-vegas", "miami", "oklahoma-city"} <= set(
        weathers()
    )
    for name in weathers():
        weather = load_weather(name)
        assert weather.n == 8760
        assert not weather.filled
        assert (weather.wet_bulb <= weather.dry_bulb + ROUND).all()
        july_over_january = weather.dry_bulb[4000:5000].mean() > weather.dry_bulb[:1000].mean()
        assert july_over_january == (weather.latitude > 0.0)  # in this order
        afternoon = weather.dry_bulb.reshape(365, 24).mean(axis=0)
        assert 12 <= afternoon.argmax() <= 16  # the hour of day is not shifted
    assert load_weather("ashburn") is load_weather("ashburn")


@needs_shared
@pytest.mark.parametrize(
    ("name", "mean", "low", "high"),
    [
        ("USA_AZ_Phoenix-Sky.Harbor_TMYx.2007-2021.epw.gz", 24.7, 0.4, 45.6),
        ("USA_TX_Abilene.Rgnl.AP.722660_TMY3.epw.gz", 17.1, -14.4, 41.1),
        ("openmeteo_json/SG_2023.json.gz", 27.3, 22.4, 33.4),
        ("openmeteo_json/JP-TK_2024.json.gz", 16.7, -2.9, 38.1),
    ],
)
def test_real_files_give_their_known_statistics(name: str, mean: float, low: float, high: float) -> None:
    weather = load_weather(SHARED / name)
    found = (weather.dry_bulb.mean(), weather.dry_bulb.min(), weather.dry_bulb.max())
    assert found == pytest.approx((mean, low, high), abs=0.06)


@needs_shared
def test_open_meteo_leap_year_without_pressure() -> None:
    weather = load_weather(SHARED / "openmeteo_json" / "JP-TK_2024.json.gz")
    assert (weather.n, weather.utc_offset_h) == (8784, 9.0)
    assert weather.times[31 * 24 + 28 * 24] == np.datetime64("2024-02-29T00:00:00")
    assert weather.pressure == pytest.approx(101157.0, abs=1.0)
    assert any("standard atmosphere at 14 m" in note for note in weather.notes)


@needs_shared
def test_tmy3_csv_equals_its_cells() -> None:
    weather = load_weather(GREENSBORO)
    lines = gzip.decompress(GREENSBORO.read_bytes()).decode().splitlines()
    names = lines[1].split(",")
    dry = [float(line.split(",")[names.index("Dry-bulb (C)")]) for line in lines[2:]]
    assert np.array_equal(weather.dry_bulb, dry)
    assert weather.pressure[0] == 99300.0
    assert (weather.latitude, weather.longitude, weather.altitude, weather.utc_offset_h) == (
        36.1,
        -79.95,
        273.0,
        -5.0,
    )


@needs_shared
def test_a_wet_bulb_above_the_record_of_the_station_is_noted() -> None:
    weather = load_weather(SHARED / "USA_AZ_Phoenix-Sky.Harbor_TMYx.2007-2021.epw.gz")
    assert any("above the station's record of 27.5" in note for note in weather.notes)


def test_design_conditions_of_both_editions() -> None:
    old = (
        "DESIGN CONDITIONS,1,Climate Design Data 2009 ASHRAE Handbook,,Heating,1,-11.8,-9,-19.5,"
        "0.7,-9,-16.7,0.9,-6.5,11.2,0.8,10.3,0.6,2.7,310,Cooling,7,11.4,34.1,23.9,32.7,"
        "23.5,31.2,22.8,25.4,31.6,24.7,30.3,24.1,29.1,4,290,23.6,18.6,27.8,23,18,27.1,"
        "22.5,17.4,26.6,78,31.6,75.2,30.6,72.5,29.2,712,Extremes,9.2,8.2,7.3,28.9,-17.2,"
        "36.2,4.6,1.9,-20.4,37.5,-23.1,38.7,-25.7,39.7,-29,41.1"
    )
    new = (
        "DESIGN CONDITIONS,1,2021 ASHRAE Handbook,,Heating,12,4.0,5.5,-16.5,0.9,19.0,-14.0,1.2,"
        "19.2,8.8,13.5,7.5,15.0,1.6,100,0.437,Cooling,7,11.4,43.6,20.7,42.5,20.6,41.5,20.5,"
        "24.2,34.2,23.8,34.3,23.3,34.5,4.4,260,21.9,17.3,27.7,20.9,16.2,28.9,19.8,15.1,"
        "30.2,74.5,33.8,72.7,34.2,70.9,34.2,27.5,Extremes,8.6,7.4,6.4,1.4,46.0,1.5,1.3,0.3,"
        "47.0,-0.6,47.7,-1.4,48.5,-2.5,49.4"
    )
    dulles, phoenix = read_design_conditions(old), read_design_conditions(new)
    assert dulles is not None
    assert phoenix is not None
    assert (dulles.dry_bulb, dulles.dry_bulb_mcwb, dulles.wet_bulb, dulles.wet_bulb_mcdb) == (
        34.1,
        23.9,
        25.4,
        31.6,
    )
    assert (dulles.extreme_wet_bulb, dulles.extreme_dry_bulb, dulles.heating_dry_bulb) == (
        28.9,
        (37.5, 38.7, 39.7, 41.1),
        -11.8,
    )
    assert (phoenix.extreme_wet_bulb, phoenix.extreme_dry_bulb) == (27.5, (47.0, 47.7, 48.5, 49.4))
    assert read_design_conditions("DESIGN CONDITIONS,0") is None


def test_short_gaps_are_filled_and_long_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "gap.epw"
    rows = epw_rows()
    truth = [float(row[6]) for row in rows[98:104]]
    for row in rows[100:103]:
        row[6] = "99.9"
    path.write_text(epw_text(rows))
    weather = load_weather(path)
    assert weather.filled == {"dry_bulb": 3}
    assert weather.dry_bulb[100:103] == pytest.approx(
        np.interp([2, 3, 4], [1, 5], [truth[1], truth[5]]), abs=ROUND
    )
    rows[103][6] = "99.9"
    path.write_text(epw_text(rows))
    assert "longest gap 4 h from row 101" in refused(path)


def test_missing_dew_point_takes_the_relative_humidity(tmp_path: Path) -> None:
    path = tmp_path / "dew.epw"
    rows = epw_rows()
    for row in rows:
        row[7] = "99.9"
    path.write_text(epw_text(rows))
    by_humidity = load_weather(path)
    psychrolib.SetUnitSystem(psychrolib.SI)
    oracle = psychrolib.GetHumRatioFromRelHum(float(by_humidity.dry_bulb[5000]), 0.70, 100000.0)
    assert by_humidity.humidity_ratio[5000] == pytest.approx(oracle, rel=1e-3)


def test_leap_year_epw_and_half_hours(tmp_path: Path) -> None:
    path = tmp_path / "leap.epw"
    path.write_text(epw_text(epw_rows(8784)))
    leap = load_weather(path)
    assert (leap.n, leap.start) == (8784, np.datetime64("2024-01-01"))
    rows = [row for row in epw_rows() for _ in range(2)]
    path.write_text(epw_text(rows, HEADER.replace("PERIODS,1,1,", "PERIODS,1,2,")))
    assert load_weather(path).step_s == 1800.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows[:-1], "8759 data rows"),
        (lambda rows: [*rows[:50], rows[49], *rows[51:]], "line 59"),
        (lambda rows: [*rows[:50], rows[51], rows[50], *rows[52:]], "every hour of one year in order"),
        (lambda rows: [[*rows[0][:6], "68.5", *rows[0][7:]], *rows[1:]], "degF"),
        (lambda rows: [[*rows[0][:6], "ten", *rows[0][7:]], *rows[1:]], "'ten' in data row 1"),
        (lambda rows: [[*rows[0][:6], "1,5", *rows[0][7:]], *rows[1:]], "decimal commas"),
        (lambda rows: [rows[0][:8], *rows[1:]], "line 9"),
        (lambda rows: [[*row[:9], "1000", *row[10:]] for row in rows], "48000 to 110000 Pa"),
    ],
)
def test_broken_epw_is_told_in_plain_words(change: object, says: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.epw"
    path.write_text(epw_text(change(epw_rows())))  # type: ignore[operator]
    assert says in refused(path)


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = epw_text(epw_rows()).encode()
    cases = {
        "empty.epw": (b"", "is empty"),
        "blank.epw": (b" \r\n\r\n", "is empty"),
        "cut.epw.gz": (gzip.compress(whole)[:-2000], "damaged gzip"),
        "binary.epw": (bytes(range(256)) * 40, "binary data"),
        "book.xlsx": (b"PK\x03\x04" + bytes(100), "ZIP or Excel"),
        "list.json": (b"{}", "no complete Open-Meteo answer"),
        "header.epw": (whole[:200], "eight EPW header lines"),
        "text.csv": (b"hello\n", "has 1 lines"),
    }
    for name, (content, says) in cases.items():
        (tmp_path / name).write_bytes(content)
        assert says in refused(tmp_path / name), name
    assert "is a folder" in refused(tmp_path)
    assert "no such file" in refused(tmp_path / "list.jsn")
    assert "did you mean 'list.json'" in refused(tmp_path / "list.jsn")
    assert "did you mean 'ashburn'" in refused("ashbrun")
    assert "no embedded year" in refused("x\0y")
    assert "no embedded year" in refused("x" * 10_000)
    monkeypatch.setattr(weather_files, "LIMIT", 100_000)
    (tmp_path / "bomb.epw.gz").write_bytes(gzip.compress(bytes(50_000_000)))
    assert "larger than 0 MB" in refused(tmp_path / "bomb.epw.gz")


@pytest.mark.parametrize("form", ["crlf", "bom", "utf-16", "gz", "no-suffix", "cp1252"])
def test_the_same_year_in_other_clothes(form: str, tmp_path: Path) -> None:
    text = epw_text(epw_rows()).replace("Somewhere", "Zürich")
    content = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "bom": b"\xef\xbb\xbf" + text.encode(),
        "utf-16": text.encode("utf-16"),
        "gz": gzip.compress(text.encode()),
        "no-suffix": text.encode(),
        "cp1252": text.encode("cp1252"),
    }[form]
    plain, other = tmp_path / "plain.epw", tmp_path / "other"
    plain.write_bytes(text.encode())
    other.write_bytes(content)
    assert load_weather(other).key == load_weather(plain).key
    assert load_weather(other).name == "Zürich, ST"


def plain_csv(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "weather.csv"
    path.write_text(body)
    return path


def test_plain_csv_with_units_comments_and_a_gap(tmp_path: Path) -> None:
    times = pd.date_range("2022-03-01", periods=48, freq="h")
    rows = [f"{t:%Y-%m-%d %H:%M},{50 + 0.5 * i:.1f},55,1000" for i, t in enumerate(times) if i != 10]
    head = "# name: Test roof\n# altitude: 111 m\n# utc_offset: 1\n# latitude: 0\n"
    weather = load_weather(
        plain_csv(tmp_path, head + "time,T_out [degF],rh_pct,pressure_hpa\n" + "\n".join(rows))
    )
    assert (weather.name, weather.n, weather.utc_offset_h, weather.altitude, weather.latitude) == (
        "Test roof",
        48,
        1.0,
        111.0,
        0.0,
    )
    assert weather.dry_bulb[10] == pytest.approx((55.0 - 32) / 1.8)
    assert weather.pressure[0] == 100_000.0
    assert weather.filled["dry_bulb"] == 1
    assert any("not a year" in note for note in weather.notes)


def test_german_csv_with_decimal_commas(tmp_path: Path) -> None:
    rows = [
        f"{1 + i // 24:02d}.03.2022 {i % 24:02d}:00;{i / 10:.1f};55,0".replace(".0", ".0") for i in range(48)
    ]
    rows = [
        ";".join([row.split(";")[0], *(cell.replace(".", ",") for cell in row.split(";")[1:])])
        for row in rows
    ]
    weather = load_weather(
        plain_csv(tmp_path, "# altitude: 5\nzeit;temp;rh\n".replace("zeit", "time") + "\n".join(rows))
    )
    assert weather.dry_bulb[25] == 2.5
    assert weather.start == np.datetime64("2022-03-01")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("time,rh\n2022-01-01,5\n2022-01-02,5", "no dry-bulb temperature"),
        ("time,temp\n2022-01-01,5\n2022-01-02,5", "no humidity"),
        ("when,temp,rh\n2022-01-01,5,50\n", "a column 'time'"),
        (
            "time,temp,rh\n"
            + "\n".join(f"2022-01-{d + 1:02d} {h:02d}:00,20,50" for d in range(2) for h in range(24)),
            "neither pressure",
        ),
        ("# altitude: high\ntime,temp,rh\n2022-01-01,5,50\n2022-01-02,5,50", "at least 24 steps"),
        ("time,temp [furlong],rh\n2022-01-01 00:00,5,50\n", "unit 'furlong'"),
        ("time,temp,rh\n2022-01-01 00:00,5\n", "2 cells"),
        ("time,temp,rh\nnever,5,50\nnever,5,50", "is no time"),
        ("time,temp,rh\n03/04/2022,5,50\n04/04/2022,5,50\n", "cannot be told apart"),
    ],
)
def test_broken_csv_is_told_in_plain_words(body: str, says: str, tmp_path: Path) -> None:
    assert says in refused(plain_csv(tmp_path, body))


def test_broken_open_meteo_is_told_in_plain_words(tmp_path: Path) -> None:
    times = [f"2023-01-0{1 + h // 24}T{h % 24:02d}:00" for h in range(48)]
    good = {
        "latitude": 1.0,
        "longitude": 2.0,
        "elevation": 19.0,
        "utc_offset_seconds": 28800,
        "hourly_units": {"temperature_2m": "°C", "relative_humidity_2m": "%"},
        "hourly": {"time": times, "temperature_2m": [20.0] * 48, "relative_humidity_2m": [50.0] * 48},
    }
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(good))
    assert load_weather(path).utc_offset_h == 8.0
    cases = [
        ({"hourly": {**good["hourly"], "temperature_2m": ["x"] * 48}}, "no number"),  # type: ignore[dict-item]
        ({"hourly": {**good["hourly"], "temperature_2m": [1.0]}}, "one value per hour"),  # type: ignore[dict-item]
        ({"hourly": {**good["hourly"], "time": ["when"] * 48}}, "ISO times"),  # type: ignore[dict-item]
        ({"hourly": {"time": times, "temperature_2m": [20.0] * 48}}, "no humidity"),
        ({"hourly": {**good["hourly"], "temperature_2m": [None] * 10 + [20.0] * 38}}, "longest gap 10 h"),  # type: ignore[dict-item]
        ({"utc_offset_seconds": 1e6}, "-50400 to 50400"),
        ({"hourly": 5}, "no complete Open-Meteo answer"),
        ({"elevation": None}, "no complete Open-Meteo answer"),
    ]
    for change, says in cases:
        path.write_text(json.dumps({**good, **change}))
        assert says in refused(path), change


def test_finer_steps_keep_the_mean_and_the_observed_moments() -> None:
    weather = load_weather("ashburn")
    fine = resample(weather, 900.0)
    assert fine.n == 4 * weather.n
    assert fine.dry_bulb.mean() == pytest.approx(weather.dry_bulb.mean(), abs=1e-9)
    assert fine.dry_bulb[3::4] == pytest.approx(
        weather.dry_bulb, abs=1e-12
    )  # values hold at the end of their hour
    assert fine.dry_bulb[4] == pytest.approx(0.75 * weather.dry_bulb[0] + 0.25 * weather.dry_bulb[1])
    assert (fine.wet_bulb <= fine.dry_bulb).all()
    window = resample(weather, 900.0, start=np.datetime64("2031-02-01T06:00"), n=8)
    at = (31 * 24 + 6) * 4
    assert np.array_equal(window.dry_bulb, fine.dry_bulb[at : at + 8])
    assert window.start == np.datetime64("2031-02-01T06:00")


def test_coarser_steps_average_and_windows_stay_inside() -> None:
    weather = load_weather("ashburn")
    days = resample(weather, 86400.0)
    assert days.dry_bulb == pytest.approx(weather.dry_bulb.reshape(365, 24).mean(axis=1))
    wrapped = resample(weather, 3600.0, start=np.datetime64("2023-12-31T12:00"), n=24)
    assert np.array_equal(wrapped.dry_bulb, np.concatenate([weather.dry_bulb[-12:], weather.dry_bulb[:12]]))
    for step in (0.0, -5.0, float("nan"), 5400.0):
        with pytest.raises(InputError):
            resample(weather, step)
    day = design_day(weather)
    with pytest.raises(InputError, match="24 h from"):
        resample(day, 3600.0, n=25)


def test_design_days_peak_at_the_stated_conditions() -> None:
    weather = load_weather("ashburn")
    dry = design_day(weather)
    assert (dry.n, dry.step_s) == (24, 3600.0)
    assert dry.dry_bulb[15] == dry.dry_bulb.max() == 34.1
    assert dry.wet_bulb[15] == pytest.approx(23.9, abs=1e-6)
    assert dry.dry_bulb.max() - dry.dry_bulb.min() == pytest.approx(11.4)
    wet = design_day(weather, basis="wet_bulb")
    assert (wet.dry_bulb[15], wet.wet_bulb[15]) == pytest.approx((31.6, 25.4), abs=1e-6)
    extreme = design_day(weather, "extreme", shape="constant")
    assert extreme.dry_bulb == pytest.approx(39.7)
    assert design_day(weather, "extreme", basis="wet_bulb").wet_bulb.max() == pytest.approx(28.9, abs=1e-6)
    assert (dry.wet_bulb <= dry.dry_bulb + ROUND).all()
    with pytest.raises(InputError, match="did you mean"):
        design_day(weather, "extrem")  # type: ignore[arg-type]


def test_design_day_without_conditions_is_an_estimate_and_says_so() -> None:
    weather = load_weather("boulder")
    assert weather.design is None
    usual, extreme = design_day(weather), design_day(weather, "extreme")
    exceeded = (weather.dry_bulb > usual.dry_bulb.max()).mean()
    assert exceeded == pytest.approx(0.004, abs=0.002)
    assert extreme.dry_bulb.max() == pytest.approx(weather.dry_bulb.max() + 2.0)
    assert "estimated" in usual.notes[0]


def test_content_has_one_key_and_cannot_be_changed() -> None:
    weather = load_weather("ashburn")
    with pytest.raises(ValueError, match="read-only"):
        weather.dry_bulb[0] = 5.0
    assert isinstance(weather, Weather)
    assert len({load_weather(name).key for name in weathers()}) == len(weathers())


def test_weather_starts_without_the_large_libraries() -> None:
    code = (
        "import sys, twin.weather; twin.weather.load_weather('phoenix');"
        "print([m for m in ('pandas', 'pvlib', 'xarray', 'scipy', 'pint') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
