"""Which rack a device stands in: by a pattern of names, a mapping file, or an export of NetBox.

Devices of chips and nodes become one series per rack, their mean, which says how many devices it stands for; power of
whole racks and of CDUs is added up.
"""

import csv
import fnmatch
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from twin.files import decode, delimiter_of, fault, read_bytes
from twin.loads.load import Array, Load

LIMIT = 50_000_000  # bytes of a mapping file
DEVICE = re.compile(r"(device|series|name|host|hostname|node|display)$", re.IGNORECASE)
RACK = re.compile(r"(rack|rack_?name|group|rack\.name)$", re.IGNORECASE)
Place = Callable[[str], str | None]  # name of a device to name of its rack


def by_pattern(pattern: str) -> Place:
    """The rack is the group ``rack`` of a regular expression, else its first group. Raises ``InputError``."""
    try:
        form = re.compile(pattern)
    except re.error as error:
        raise fault(
            "pattern", f"'{pattern[:80]}' ({error})", "a regular expression", r"^(?P<rack>r\d+)n\d+"
        ) from None
    if not form.groups:
        raise fault(
            "pattern", f"'{pattern[:80]}' has no group", "a group that names the rack", r"^(?P<rack>r\d+)n\d+"
        )
    key: str | int = "rack" if "rack" in form.groupindex else 1

    def place(name: str) -> str | None:
        found = form.search(name)
        return found.group(key) if found else None

    return place


def by_file(path: Path) -> Place:
    """The rack that a mapping file names: CSV, YAML or JSON. Names may be patterns with ``*``. Raises ``InputError``."""
    pairs = dict(_pairs(decode(read_bytes(path, LIMIT), path.name), path.name))
    if not pairs:
        raise fault(
            path.name, "no device with a rack", "pairs of device and rack", "columns 'device' and 'rack'"
        )
    patterns = [(name, rack) for name, rack in pairs.items() if any(sign in name for sign in "*?[")]

    def place(name: str) -> str | None:
        host = name.partition("/")[0]
        for form in (name, host, host.partition(".")[0]):
            if form in pairs:
                return pairs[form]
        for pattern, rack in patterns:
            if fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(host, pattern):
                return rack
        return None

    return place


def _pairs(text: str, where: str) -> Iterator[tuple[str, str]]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield from _of_json(json.loads(text), where)
        except (ValueError, RecursionError) as error:
            raise fault(where, f"broken JSON ({str(error)[:80]})", "JSON", "export it again") from None
        return
    first = text.lstrip().split("\n", 1)[0]
    names = [name.strip().strip('"').lower() for name in first.split(delimiter_of(first))]
    if len(names) > 1 and any(RACK.fullmatch(name) for name in names):
        for row in csv.DictReader(io.StringIO(text.lstrip()), delimiter=delimiter_of(first)):
            cells = {
                str(key).strip().lower(): (value or "")
                for key, value in row.items()
                if isinstance(value, str)
            }
            device = next((cells[name] for name in names if DEVICE.fullmatch(name) and cells.get(name)), "")
            rack = next((cells[name] for name in names if RACK.fullmatch(name)), "")
            if device and rack:
                yield device.strip(), rack.strip()
        return
    import yaml

    try:
        yield from _of_json(yaml.safe_load(text), where)
    except (yaml.YAMLError, RecursionError) as error:
        raise fault(where, f"no mapping ({str(error)[:80]})", "CSV, YAML or JSON", "device: rack") from None


def _of_json(found: Any, where: str) -> Iterator[tuple[str, str]]:
    """``{device: rack}``, ``{rack: [devices]}``, or a list of devices as NetBox gives them."""
    if isinstance(found, dict) and isinstance(found.get("results"), list):
        found = found["results"]
    if isinstance(found, dict):
        for key, value in found.items():
            if isinstance(value, list):
                yield from ((str(device), str(key)) for device in value)
            elif isinstance(value, str | int):
                yield str(key), str(value)
        return
    if not isinstance(found, list):
        raise fault(where, "neither pairs nor a list of devices", "device: rack", "write one pair per line")
    for entry in found:
        if isinstance(entry, dict):
            rack = entry.get("rack")
            if isinstance(rack, dict):
                rack = rack.get("name") or rack.get("display")
            device = entry.get("name") or entry.get("display") or entry.get("device")
            if rack and device:
                yield str(device), str(rack)


def to_racks(load: Load, place: Place) -> Load:
    """The load with one series per rack. Series without a rack are left out and told. Raises ``InputError``."""
    racks: dict[str, list[str]] = {}
    homeless = []
    for name in load.series:
        rack = place(name)
        if rack:
            racks.setdefault(rack, []).append(name)
        else:
            homeless.append(name)
    if not racks:
        raise fault(
            "mapping",
            f"no rack for any of {len(homeless)} series such as '{homeless[0]}'",
            "names that the mapping knows",
            "compare them with twin trace inspect",
        )
    added = load.boundary in ("rack_ac", "cdu_heat", "site_it")
    notes = list(load.report.notes)
    if homeless:
        notes.append(f"{len(homeless)} series without a rack left out: {', '.join(homeless)[:120]}")
    notes.append(
        f"{len(load.series) - len(homeless)} series in {len(racks)} racks, {'added up' if added else 'their mean'}"
    )
    series: dict[str, Array] = {}
    devices: dict[str, int] = {}
    for rack, names in racks.items():
        count = sum(load.devices[name] for name in names)
        weights = {name: 1.0 if added else load.devices[name] / count for name in names}
        series[rack] = np.sum([load.series[name] * weights[name] for name in names], axis=0)
        if load.peak:  # the highest sum is not known: that of single peaks would overstate it
            notes.append("peaks within steps are dropped where devices are put together")
        devices[rack] = 1 if added else count
    report = replace(load.report, notes=tuple(dict.fromkeys(notes)))
    return replace(load, series=series, peak={}, devices=devices, report=report)
