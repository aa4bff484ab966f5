"""Whatever a file holds, reading it ends in a result or an ``InputError``: no other exception, no warning."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from twin_sites.errors import InputError

from twin.grid import series_or_constant
from twin.loads.read import load_trace
from twin.weather import load_weather

TIMES = pd.date_range("2023-01-01", periods=48, freq="h")
EPW_HEAD = (
    "LOCATION,A,B,C,TMY3,1,40,-80,-5,100\nDESIGN CONDITIONS,1,X,,Heating,1,-11.8,"
    "Cooling,7,11.4,34.1,23.9,1,1,1,1,25.4,31.6,Extremes,9.2,8.2,7.3,28.9,-17.2,36.2,4.6,1.9,-20.4,37.5,-23.1,38.7,-25.7,39.7,-29,41.1\n"
    "TYPICAL/EXTREME PERIODS,0\nGROUND TEMPERATURES,0\nHOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0\n"
    "COMMENTS 1\nCOMMENTS 2\n"
    "DATA PERIODS,1,1,Data,Sunday,1/1,12/31\n"
)


def epw() -> bytes:
    year = pd.date_range("2023-01-01", periods=8760, freq="h")
    rows = (
        f"2023,{t.month},{t.day},{t.hour + 1},0,?9,{t.month}.5,{t.month - 3}.1,60,99000," + ",".join("0" * 25)
        for t in year
    )
    return (EPW_HEAD + "\n".join(rows)).encode()


def weather_csv() -> bytes:
    rows = [f"{t:%Y-%m-%d %H:%M},{20 + i / 7:.2f},{50 + i / 5:.1f},1000" for i, t in enumerate(TIMES)]
    return ("# altitude: 100\ntime,temp [degC],rh [%],pressure [hPa]\n" + "\n".join(rows)).encode()


def open_meteo() -> bytes:
    hourly = {
        "time": [f"{t:%Y-%m-%dT%H:%M}" for t in TIMES],
        "temperature_2m": [20.5] * 48,
        "relative_humidity_2m": [50] * 48,
    }
    return json.dumps(
        {"latitude": 1, "longitude": 2, "elevation": 5, "utc_offset_seconds": 3600, "hourly": hourly}
    ).encode()


def wide_trace() -> bytes:
    rows = [f"{t:%Y-%m-%dT%H:%M:%S}Z,{100 + i},{200 - i}" for i, t in enumerate(TIMES)]
    return ("timestamp,power_1 [W],power_2 [W]\n" + "\n".join(rows)).encode()


def long_trace() -> bytes:
    rows = [
        f"{1754585903 + 5 * s}, card{g}, {100 + s + g}.5 W, {g * 10} %" for s in range(40) for g in range(3)
    ]
    return ("timestamp, device, power [W], util [%]\n" + "\n".join(rows)).encode()


def parquet_trace() -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({"time": TIMES, "power [W]": np.arange(48.0)}).to_parquet(buffer)
    return buffer.getvalue()


def price_csv() -> bytes:
    return (
        "time,price [EUR/MWh]\n" + "\n".join(f"{t:%Y-%m-%d %H:%M},{i - 5}" for i, t in enumerate(TIMES))
    ).encode()


def read_price(path: Path) -> object:
    return series_or_constant(path, "price", n=24)


FORMATS: dict[str, tuple[Callable[[], bytes], Callable[[Path], object], int]] = {
    "epw": (epw, load_weather, 40),
    "weather_csv": (weather_csv, load_weather, 150),
    "open_meteo": (open_meteo, load_weather, 150),
    "wide_trace": (wide_trace, load_trace, 120),
    "long_trace": (long_trace, load_trace, 120),
    "parquet_trace": (parquet_trace, load_trace, 80),
    "price_csv": (price_csv, read_price, 120),
}
WORDS = [
    b"",
    b"nan",
    b"-1",
    b"1e308",
    b"inf",
    b"9" * 400,
    b"1,5",
    b"\xff\xfe",
    b"\x00",
    b'"',
    b"2023-13-45",
    b"\n",
    b"None",
    b"[",
    b"{",
]
WORDS += [
    b"0",
    b"24:00",
    "°".encode(),
    b";",
    b"\t",
    b"-9999999999999999999",
    b"1e-300",
    b"true",
    b"NaT",
    b"+05:30",
    b"#",
    b"\r",
]


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """One to three of: cut, drop a line, repeat a line, swap lines, replace a cell, flip bytes, pack."""
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(0, 8)
        lines = data.split(b"\n")
        at = (
            int(rng.integers(0, len(lines)))
            if rng.random() < 0.5
            else int(rng.integers(0, min(len(lines), 10)))
        )
        if kind == 0:
            data = data[: int(rng.integers(0, len(data) + 1))]
        elif kind == 1:
            data = b"\n".join(lines[:at] + lines[at + 1 :])
        elif kind == 2:
            data = b"\n".join([*lines[: at + 1], *[lines[at]] * int(rng.integers(1, 30)), *lines[at + 1 :]])
        elif kind == 3:
            rng.shuffle(lines)
            data = b"\n".join(lines)
        elif kind in {4, 5}:
            cells = lines[at].split(b",")
            cells[int(rng.integers(0, len(cells)))] = WORDS[int(rng.integers(0, len(WORDS)))]
            data = b"\n".join([*lines[:at], b",".join(cells), *lines[at + 1 :]])
        elif kind == 6 and data:
            flipped = bytearray(data)
            for _ in range(int(rng.integers(1, 20))):
                flipped[int(rng.integers(0, len(flipped)))] = int(rng.integers(0, 256))
            data = bytes(flipped)
        else:
            packed = gzip.compress(data)
            data = packed[: int(rng.integers(0, len(packed)))] if rng.random() < 0.3 else packed
    return data


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    make, read, count = FORMATS[name]
    whole = make()
    path = tmp_path / "file"
    path.write_bytes(whole)
    read(path)
    rng = np.random.default_rng(20230101)
    read_well = refused = 0
    for _ in range(count):
        path.write_bytes(mutate(whole, rng))
        try:
            read(path)
            read_well += 1
        except InputError as error:
            refused += 1
            for problem in error.problems:
                assert problem.where
                assert problem.found
                assert problem.allowed
                assert len(str(problem)) < 1000
    assert refused > 0.2 * count  # the damage is real, and
    assert read_well > 0.02 * count  # not everything is refused


@pytest.mark.parametrize("read", [load_weather, load_trace, read_price])
@pytest.mark.parametrize(
    "content",
    [
        b"\n" * 1000,
        b"," * 1000,
        b'"' * 1000 + b"\n" + b'"' * 999,
        b"time,power [W],temp,rh,price [EUR/MWh]\n" * 50,
        b"[" * 100_000,
        b"{" * 100_000,
        b'{"hourly":' * 5000,
        b"LOCATION," + b"," * 500,
        b"LOCATION;1;2\n" * 20,
        b"\xff\xfe" + b"a" * 101,
        b"\xfe\xff\xd8\x00" * 50,
        b"1\n2\n3\n4\n",
        b"time\n1\n2\n3\n",
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x00" + bytes(100),
        b"PAR1",
        b"723170,X\nDate (MM/DD/YYYY),Time (HH:MM)\n" + b"01/01/1988,01:00\n" * 30,
        b"time,power [W],temp,rh,price [EUR/MWh]\n" + b"2023-01-01 00:00,1,1,1,1\n" * 60,
        b"time,power [W],temp,rh,price [EUR/MWh]\n" + b"".join(b"%d,1,1,1,1\n" % (10**k) for k in range(30)),
        b"time,power [W],temp,rh,price [EUR/MWh]\n"
        + b"".join(b"%d-01-01,1,1,1,1\n" % (100 * k) for k in range(99)),
    ],
    ids=range(20),
)
def test_odd_files_are_refused_in_words(
    read: Callable[[Path], object], content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "odd"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read(path)
