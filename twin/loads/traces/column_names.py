"""What the name of a column says: time, device, power or activity, and the unit."""

import re

from twin.files import split_unit

TIME = re.compile(
    r"((local|utc|unix|epoch|sample|start)_?)?(time|timestamp|time_stamp|date|datetime|date_time|day|ts|epoch|zeit|zeitstempel|datum|uhrzeit)"
    r"(_(utc|local|iso|unix|ms|s|sec|seconds|min|h|hours|d))*",
    re.IGNORECASE,
)
DAY = re.compile(r"(local_?)?(date|day|datum)", re.IGNORECASE)
TIME_OF_DAY = re.compile(r"(local_?)?(time|hour|uhrzeit|zeit|time_?of_?day)", re.IGNORECASE)
# Columns that tell devices apart, the finest first; a host and a device on it are taken together.
DEVICES = (
    re.compile(r"(index|gpu|gpu_?id|gpu_?index|card|device|uuid|gpu_uuid|pci\W?bus_id)$", re.I),
    re.compile(r"(hostname|host|node|node_?id|cdu|rack|server|instance|machine|entity|name|series)$", re.I),
)
POWER = re.compile(r"power|leistung|watt|(^|_)(k|m)?w$|_w_|^p_|pwr", re.IGNORECASE)
ACTIVITY = re.compile(
    r"util|activity|gpu_use|sm_active|gr_engine|usage|busy|load_share|gputl|duty", re.IGNORECASE
)
# Columns with such words carry neither load nor activity, even where another word of their name matches.
OTHER = re.compile(
    r"temp|wet.?bulb|dry.?bulb|humid|mem|fan|clock|limit|cap(_|$)|power_?cap|factor|volt|amp|^pf$|min(imum)?$|std|"
    r"_n$|samples|count|energy|_p\d+(_|$)|median|decoder|encoder",
    re.IGNORECASE,
)
LIMITS = re.compile(r"limit|cap|min|std|_n$|samples|count|_p\d|median", re.IGNORECASE)  # of power, not power
# How busy these are is not how busy the machines are; their power is power.
TRAFFIC = re.compile(r"(^|_)net|network|ethernet|disk", re.IGNORECASE)
PEAK = re.compile(r"max(imum)?(_k?w|_watts?)?$|peak", re.IGNORECASE)
AVERAGE = re.compile(r"(^|_)(mean|avg|average)(_|$)", re.IGNORECASE)
POWER_UNITS = {
    "w": 1.0,
    "watt": 1.0,
    "watts": 1.0,
    "kw": 1e3,
    "kilowatt": 1e3,
    "kilowatts": 1e3,
    "mw": 1e6,
    "milliwatt": 1e-3,
}
SHARE_UNITS = {"%": 0.01, "pct": 0.01, "percent": 0.01, "1": 1.0, "fraction": 1.0, "share": 1.0}


def time_unit(name: str) -> str:
    unit = split_unit(name)[1]
    tail = re.search(r"_(ms|s|sec|seconds|min|h|hours|d)$", name, re.IGNORECASE)
    return unit or (tail.group(1) if tail else "")


def bare_name(name: str) -> str:
    return split_unit(name)[0].replace(".", "_").replace(" ", "_")


def states_power(name: str) -> bool:
    return split_unit(name)[1].lower() in {"w", "kw", "mw"}


def kind_of(name: str) -> str:
    bare = bare_name(name)
    if OTHER.search(bare):
        return ""
    if POWER.search(bare) or states_power(name):
        return "power"
    if ACTIVITY.search(bare) and not TRAFFIC.search(bare):
        return "processor" if "cpu" in bare.lower() else "activity"
    return ""


def unit_of(name: str) -> str:
    unit = split_unit(name)[1]
    if not unit:
        tail = re.search(r"(?:^|[_ ])(k?w|mw|watts?|kilowatts?|percent|pct)(?:_|$)", name, re.IGNORECASE)
        unit = tail.group(1) if tail else ""
    return plain_unit(unit)


def plain_unit(unit: str) -> str:
    """Lower case, but a milliwatt is no megawatt."""
    return "milliwatt" if unit == "mW" else unit.lower()


def split_peak(names: list[str]) -> tuple[list[str], list[str]]:
    peaks = [name for name in names if PEAK.search(split_unit(name)[0])]
    means = [name for name in names if name not in peaks]
    return (means, peaks) if means else (names, [])
