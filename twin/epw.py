"""EPW and TMY3 files: hours of a typical or real year, observed at the end of each hour."""

import csv

import numpy as np
from numpy.typing import NDArray

from twin.files import fault, numbers
from twin.weather_record import DesignConditions, RawWeather

Array = NDArray[np.float64]

TYPICAL_YEAR = 2023  # no leap year, starts on a Sunday as most EPW say in DATA PERIODS
LEAP_YEAR = 2024
EPW_COLUMNS = {
    "dry_bulb": (6, 99.9),
    "dew_point": (7, 99.9),
    "humidity": (8, 999.0),
    "pressure": (9, 999999.0),
}
MAX_EPW_COMMAS = 34


def read_epw(text: str, where: str) -> RawWeather:
    """EnergyPlus weather: 8 header lines, then rows of hour 1 to 24.

    The value of hour k was observed at its end and stands for the interval that ends there: row 1 is
    00:00-01:00. Years that differ by month (typical years) are set to one year without 29 February.
    """
    lines = text.splitlines()
    if len(lines) < 9 or not lines[7].upper().startswith("DATA PERIODS,"):
        raise fault(
            where,
            "the eight EPW header lines are not complete",
            "LOCATION … DATA PERIODS, then rows",
            "fetch it again",
        )
    place = [cell.strip() for cell in lines[0].split(",")]
    latitude, longitude, offset, altitude = _location(place, f"{where} → LOCATION")
    rows = [line for line in lines[8:] if line.strip()]
    per_hour = _records_per_hour(lines[7], len(rows), where)
    cells = [row.split(",", 10) for row in rows]
    for number, (row, split) in enumerate(zip(rows, cells, strict=True), start=9):
        if len(split) < 10 or row.count(",") > MAX_EPW_COMMAS:
            raise fault(
                f"{where} → line {number}",
                f"{row.count(',') + 1} cells",
                "35 cells with a decimal point",
                "look for decimal commas or a cut line",
            )
    leap = len(rows) == 8784 * per_hour
    year = _calendar(cells, leap, per_hour, where)
    values: dict[str, Array] = {}
    for name, (index, missing) in EPW_COLUMNS.items():
        column = numbers([row[index] for row in cells], f"{where} → {name}")
        column[column >= missing] = np.nan
        values[name] = column
    notes: list[str] = []
    name = f"{place[1]}, {place[2]}".rstrip(", -") if place[1] else where
    design = read_design_conditions(lines[1])
    if design is None:
        notes.append("the file states no design conditions")
    return RawWeather(
        name=name,
        source=f"EPW {place[4]} {place[5]}, file {where}",
        start=np.datetime64(f"{year}-01-01T00:00:00", "s"),
        step_s=3600.0 / per_hour,
        utc_offset_h=offset,
        value_at=1.0,
        columns=values,
        latitude=latitude,
        longitude=longitude,
        altitude=altitude,
        design=design,
        notes=notes,
    )


def _location(place: list[str], where: str) -> tuple[float, float, float, float]:
    limits = (("latitude", 90.0), ("longitude", 180.0), ("UTC offset", 14.0), ("altitude", 6000.0))
    if len(place) < 10:
        raise fault(where, f"{len(place)} cells", "10 comma-separated cells", "compare with another EPW")
    out = []
    for (name, limit), cell in zip(limits, place[6:10], strict=True):
        value = float(numbers([cell], f"{where} → {name}")[0])
        if not abs(value) <= limit:
            raise fault(f"{where} → {name}", cell, f"-{limit:g} to {limit:g}", "compare with another EPW")
        out.append(value)
    return out[0], out[1], out[2], out[3]


def _records_per_hour(line: str, rows: int, where: str) -> int:
    cells = line.split(",")
    per_hour = int(cells[2]) if len(cells) > 2 and cells[2].strip().isdigit() else 1
    if per_hour not in {1, 2, 3, 4, 6, 12, 60} or rows not in {8760 * per_hour, 8784 * per_hour}:
        raise fault(
            where,
            f"{rows} data rows at {per_hour} per hour",
            f"{8760 * per_hour} rows, or {8784 * per_hour} in a leap year",
            "the file is cut or covers only part of a year: fetch it again",
        )
    return per_hour


def _calendar(cells: list[list[str]], leap: bool, per_hour: int, where: str) -> int:
    """Check that rows follow the calendar; return the year they are set to."""
    stamps = np.array(
        [numbers([row[index] for row in cells], f"{where} → date column {index + 1}") for index in range(4)]
    )
    year = LEAP_YEAR if leap else TYPICAL_YEAR
    hours = np.datetime64(f"{year}-01-01T00", "h") + np.arange(len(cells) // per_hour)
    months = hours.astype("datetime64[M]")
    expected = np.array(
        [
            months.astype(int) % 12 + 1,
            (hours.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(int) + 1,
            hours.astype(int) % 24 + 1,
        ]
    ).repeat(per_hour, axis=1)
    wrong = np.flatnonzero((stamps[1:] != expected).any(axis=0))
    if wrong.size:
        row = int(wrong[0])
        month, day, hour = expected[:, row]
        raise fault(
            f"{where} → line {row + 9}",
            f"month, day, hour {', '.join(cell.strip() for cell in cells[row][1:4])}",
            f"{month}, {day}, {hour}: every hour of one year in order, hours 1 to 24",
            "rows are missing, doubled or out of order: fetch the file again",
        )
    one = stamps[0, 0]
    if (
        (stamps[0] == one).all()
        and 1900 <= one <= 2200
        and (one % 4 == 0 and (one % 100 != 0 or one % 400 == 0)) == leap
    ):
        return int(one)
    return year


def read_design_conditions(line: str) -> DesignConditions | None:
    """Design conditions of an EPW's second line, editions 2009 to 2021; ``None`` if it states none.

    Edition 2009 keeps the extreme wet bulb in "Extremes" (16 numbers), 2017 and 2021 at the end of "Cooling"
    (15 numbers in "Extremes").
    """
    cells = [cell.strip() for cell in line.split(",")]
    try:
        heating, cooling, extremes = (cells.index(word) for word in ("Heating", "Cooling", "Extremes"))
        cool = [float(cell) for cell in cells[cooling + 1 : extremes] if cell]
        tail = [float(cell) for cell in cells[extremes + 1 :] if cell]
        wet = tail[3] if len(tail) >= 16 else cool[-1]
        years = tail[8:16] if len(tail) >= 16 else tail[7:15]
        conditions = DesignConditions(
            source=cells[2],
            dry_bulb=cool[2],
            dry_bulb_mcwb=cool[3],
            wet_bulb=cool[8],
            wet_bulb_mcdb=cool[9],
            daily_range=cool[1],
            heating_dry_bulb=float(cells[heating + 2]),
            extreme_wet_bulb=wet,
            extreme_dry_bulb=tuple(years[1::2]),
        )
    except (ValueError, IndexError):
        return None
    peaks = (
        conditions.dry_bulb,
        conditions.wet_bulb,
        conditions.extreme_wet_bulb,
        *conditions.extreme_dry_bulb,
    )
    sane = len(conditions.extreme_dry_bulb) == 4 and all(-40.0 < value < 65.0 for value in peaks)
    sane = (
        sane
        and conditions.dry_bulb_mcwb <= conditions.dry_bulb
        and conditions.wet_bulb <= conditions.wet_bulb_mcdb
    )
    return conditions if sane and 0.0 <= conditions.daily_range < 40.0 else None


TMY3_COLUMNS = {
    "dry_bulb": "Dry-bulb (C)",
    "dew_point": "Dew-point (C)",
    "humidity": "RHum (%)",
    "pressure": "Pressure (mbar)",
}


def read_tmy3(text: str, where: str) -> RawWeather:
    """NREL TMY3 CSV: a site line, a header with units, hours 01:00 to 24:00, stamped at the end as in EPW."""
    try:
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except csv.Error as error:
        raise fault(where, f"is not a readable table ({error})", "NREL TMY3 CSV", "fetch it again") from None
    site, header, body = rows[0], [name.strip() for name in rows[1]], rows[2:]
    absent = [name for name in ("Time (HH:MM)", *TMY3_COLUMNS.values()) if name not in header]
    if absent or len(site) < 7:
        raise fault(where, f"lacks {', '.join(absent) or 'site cells'}", "the TMY3 layout", "fetch it again")
    latitude, longitude, offset, altitude = _location(
        [""] * 6 + [site[4], site[5], site[3], site[6]], f"{where} → site"
    )
    if len(body) != 8760:
        raise fault(where, f"{len(body)} data rows", "8760 rows", "the file is cut: fetch it again")
    for number, row in enumerate(body, start=3):
        if len(row) != len(header):
            raise fault(
                f"{where} → line {number}", f"{len(row)} cells", f"{len(header)} cells", "fetch it again"
            )
    date, time = header.index("Date (MM/DD/YYYY)"), header.index("Time (HH:MM)")
    cells = [[*[*row[date].split("/"), "", "", ""][:3], row[time].split(":")[0]] for row in body]
    _calendar([[year, month, day, hour] for month, day, year, hour in cells], False, 1, where)
    values = {
        name: numbers([row[header.index(column)] for row in body], f"{where} → {column}")
        for name, column in TMY3_COLUMNS.items()
    }
    for column_values in values.values():
        column_values[column_values <= -9000.0] = np.nan
    values["pressure"] *= 100.0
    return RawWeather(
        name=f"{site[1].title()}, {site[2]}",
        source=f"TMY3 {site[0]}, file {where}",
        start=np.datetime64(f"{TYPICAL_YEAR}-01-01T00:00:00", "s"),
        step_s=3600.0,
        utc_offset_h=offset,
        value_at=1.0,
        columns=values,
        latitude=latitude,
        longitude=longitude,
        altitude=altitude,
        notes=["TMY3 CSV states no design conditions"],
    )
