"""What the columns of a table are, decided from its first rows: time, devices, means and peaks."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.files import fault, split_unit
from twin.loads.signal import Quantity
from twin.loads.traces.column_names import (
    AVERAGE,
    DAY,
    DEVICES,
    LIMITS,
    OTHER,
    PEAK,
    TIME,
    TIME_OF_DAY,
    bare_name,
    kind_of,
    split_peak,
    states_power,
    unit_of,
)
from twin.loads.traces.raw import RawTrace

if TYPE_CHECKING:
    import pandas as pd

DAY_CELL = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
TIME_CELL = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")


@dataclass
class Plan:
    """What the first rows of a table decide for all of it."""

    names: list[str]
    delimiter: str
    decimal: str
    quantity: Quantity
    time: str | None
    devices: list[str]
    means: list[str]
    peak_of: dict[str, str]  # column of peaks, by column of means
    own: bool  # written by ``twin trace convert``
    joined: tuple[str, str] | None = None  # columns of days and of times of day
    suffixes: dict[str, str] = field(default_factory=dict)  # unit written in the cells, by column


def plan_of(
    frame: "pd.DataFrame",
    names: list[str],
    delimiter: str,
    decimal: str,
    quantity: Quantity | None,
    trace: RawTrace,
) -> Plan:
    where = trace.where
    names = [name.strip() for name in names]
    if len(set(names)) != len(names) or len(frame) < 2:
        raise fault(
            where,
            f"{len(frame)} rows, columns {names[:8]}",
            "two rows and names that differ",
            "check the header",
        )
    time = _time_column(frame)
    kinds = {name: kind_of(name) for name in names if name != time}
    wanted: Quantity = (
        quantity or trace.own_quantity or ("power" if "power" in kinds.values() else "activity")
    )
    chosen = [name for name, kind in kinds.items() if kind == wanted]
    chosen = chosen or [name for name, kind in kinds.items() if kind == "processor" and wanted == "activity"]
    if not chosen and trace.own_quantity != wanted:
        raise fault(
            where,
            f"no column of {quantity or 'power or activity'} among {', '.join(names)[:200]}",
            "a name with power or watts, or util or activity, and its unit: 'power [W]', 'util [%]'",
            "rename the column",
        )
    devices = _device_columns(frame, [name for name in names if name not in chosen and name != time])
    averages = [name for name in chosen if AVERAGE.search(bare_name(name))]
    other = any(name not in averages and not PEAK.search(name) for name in chosen)
    if wanted == "power" and other and not devices:
        for name in averages:  # of what the other columns hold already
            trace.notes.append(
                f"column '{name}' is an average beside other power: not taken as a load of its own"
            )
            chosen.remove(name)
    own = trace.own_quantity == wanted
    if own:
        return _own_plan(names, delimiter, decimal, wanted, time)
    means, peaks = split_peak(chosen)
    if devices:
        means, peaks = means[:1], peaks[:1]
    elif not len(means) == len(peaks) == 1:
        peaks = []
    unused = [name for name in frame.columns if name not in {time, *devices, *means, *peaks}]
    if unused:
        trace.notes.append(f"columns not used: {', '.join(unused)[:300]}")
    for name in unused:
        word = OTHER.search(bare_name(name))
        if wanted == "power" and word and states_power(name) and not LIMITS.search(bare_name(name)):
            trace.notes.append(
                f"column '{name}' states power and is not taken as load, for '{word.group()}' in its name; rename it if it is"
            )
    trace.quantity = wanted
    trace.unit_stated = all(unit_of(name) for name in means)
    return Plan(
        names, delimiter, decimal, wanted, time, devices, means, dict(zip(means, peaks, strict=False)), False
    )


def _own_plan(names: list[str], delimiter: str, decimal: str, quantity: Quantity, time: str | None) -> Plan:
    """Columns as ``twin trace convert`` names them, whatever the devices are called."""
    columns = [name for name in names if name != time]
    bare = {split_unit(name)[0]: name for name in columns}
    peak_of = {name: bare[f"{word} peak"] for word, name in bare.items() if f"{word} peak" in bare}
    means = [name for name in columns if name not in peak_of.values()]
    return Plan(names, delimiter, decimal, quantity, time, [], means, peak_of, True)


def day_and_time(frame: "pd.DataFrame") -> tuple[str, str] | None:
    """A column of days and one of times of day, where there are both."""
    import pandas as pd

    def first(form: re.Pattern[str], cell: re.Pattern[str]) -> str | None:
        for name in map(str, frame.columns):
            if form.fullmatch(name) and not pd.api.types.is_numeric_dtype(frame[name].dtype):
                cells = frame[name].dropna().astype("string").str.strip()
                if len(cells) and cells.head(50).str.fullmatch(cell.pattern).mean() > 0.5:
                    return name
        return None

    day, time = first(DAY, DAY_CELL), first(TIME_OF_DAY, TIME_CELL)
    return None if day is None or time is None else (day, time)


def joined_time(frame: "pd.DataFrame", pair: tuple[str, str] | None) -> "pd.DataFrame":
    """Days and times of day in one column, that of the days."""
    if pair is None:
        return frame
    day, time = (frame[name].astype("string").str.strip() for name in pair)
    frame[pair[0]] = day + " " + time
    return frame.drop(columns=pair[1])


def _time_column(frame: "pd.DataFrame") -> str | None:
    """The column named like time; one with clock stamps before one with numbers."""
    import pandas as pd

    named = [str(name) for name in frame.columns if TIME.fullmatch(re.sub(r"\W+", "_", str(name)).strip("_"))]
    clocks = [name for name in named if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    return next(iter(clocks or named), None)


def _device_columns(frame: "pd.DataFrame", names: list[str]) -> list[str]:
    """The columns that tell several devices apart, each with several rows: a host, a device on it, or both."""
    fine, coarse = (
        [name for name in names if form.match(name) and 2 <= frame[name].nunique() <= len(frame) / 2]
        for form in DEVICES
    )
    if not fine or not coarse:
        return (fine or coarse)[:1]
    if len(frame[[coarse[0], fine[0]]].drop_duplicates()) > frame[fine[0]].nunique():
        return [coarse[0], fine[0]]
    return fine[:1]
