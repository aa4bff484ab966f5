"""Power of a server from its own controller: `ipmitool` (sensors, DCMI) and Redfish JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from twin.files import MISSING, decode, fault, read_bytes
from twin.loads.signal import Quantity
from twin.loads.traces.clock import Clock
from twin.loads.traces.raw import RawTrace
from twin.loads.traces.source import LIMIT, Source

STAMP = re.compile(r"^\s*(?:IPMI )?(?:timestamp|date|time)\s*:\s*(\S.*?)\s*$", re.IGNORECASE)
HOST = re.compile(r"^\s*(?:host(?:name)?|node|server|bmc)\s*:\s*(\S+)\s*$", re.IGNORECASE)
SENSOR = re.compile(r"^\s*([^|]+?)\s*\|\s*([^|]*?)\s*(?:\|\s*([^|]*?)\s*)?(?:\||$)")
DCMI = re.compile(r"^\s*Instantaneous power reading\s*:\s*(\S+)\s*(Watts?)?", re.IGNORECASE)
# Sensors that hold the whole server, the best first; then supplies that together hold it.
WHOLE = re.compile(r"^(sys(tem)?|total|server|node|input|chassis|dcmi|pwr|power)[ _-]*(total|input|ac)?[ _-]*"
                   r"(power|pwr|pow|watts|consumption|meter|consumed|in|reading)", re.IGNORECASE)  # fmt: skip
SUPPLY = re.compile(r"^(psu?|power supply)[ _-]*\d+.*(in|input|power|pin|ac)", re.IGNORECASE)
REDFISH = ("PowerConsumedWatts", "PowerControl", "MetricValues", "PowerWatts", "@odata.type")


def is_text(head: str) -> bool:
    """Lines ``name | 20 Watts | ok``, or the reading of DCMI."""
    return bool(
        re.search(r"^\s*[^|,\n]+\|[^\n]*(\bwatts\b|no reading)", head, re.IGNORECASE | re.MULTILINE)
    ) or bool(re.search(r"Instantaneous power reading", head))


def read_text(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Blocks of sensors, each below its time stamp. Raises ``InputError``."""
    _only_power(quantity, trace.where)
    trace.boundary = "node_ac"
    found: dict[str, list[tuple[str, float]]] = {}
    stamp, host, count = "", "", 0
    for block in source.blocks():
        for line in block.decode("utf-8", errors="replace").split("\n"):
            if not line.strip():
                continue
            moment, named, dcmi = STAMP.match(line), HOST.match(line), DCMI.match(line)
            if moment:
                stamp, count = moment.group(1), count + 1
                if dcmi_waiting := found.get(f"{host}\0waiting"):
                    name = f"{host}/power" if host else "power"
                    found.setdefault(name, []).extend((stamp, value) for _, value in dcmi_waiting)
                    dcmi_waiting.clear()
            elif named:
                host = named.group(1)
            elif dcmi:
                trace.rows += 1
                found.setdefault(f"{host}\0waiting", []).append((stamp, _watts(dcmi.group(1), trace)))
            elif "|" in line:
                _sensor(line, stamp, host, found, trace)
    for name in [name for name in found if name.endswith("\0waiting")]:
        found.setdefault(f"{name[:-8]}/power".lstrip("/"), []).extend(found.pop(name))
    _put(_whole(found, trace), trace, step_s)


def _sensor(
    line: str, stamp: str, host: str, found: dict[str, list[tuple[str, float]]], trace: RawTrace
) -> None:
    cells = SENSOR.match(line)
    name = cells.group(1) if cells else ""
    if not cells or not (WHOLE.match(name) or SUPPLY.match(name)):
        return
    reading, _, unit = cells.group(2).partition(" ")
    unit = unit or cells.group(3) or ""
    if unit and not re.match(r"watt|w$|reading|ns|na|disabled|ok", unit.strip(), re.IGNORECASE):
        return
    trace.rows += 1
    key = f"{host}/{name}" if host else name
    found.setdefault(key, []).append((stamp, _watts(reading, trace)))


def _watts(text: str, trace: RawTrace) -> float:
    if text.strip().lower() in MISSING or text.strip().lower() in {"no", "disabled", "0x0"}:
        return float("nan")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        trace.unreadable += 1
        return float("nan")


def _whole(found: dict[str, list[tuple[str, float]]], trace: RawTrace) -> dict[str, list[tuple[str, float]]]:
    """Sensors of whole servers; where there are none, the supplies, which add up to them."""
    whole = {name: rows for name, rows in found.items() if not SUPPLY.match(name.rpartition("/")[2])}
    if whole:
        if len(whole) < len(found):
            trace.notes.append(f"{len(found) - len(whole)} sensors of single supplies not used")
        return whole
    if found:
        trace.notes.append(f"{len(found)} supplies, each a series: together they are the server")
    return found


def _put(found: dict[str, list[tuple[str, float]]], trace: RawTrace, step_s: float | None) -> None:
    import pandas as pd

    if not found:
        raise fault(
            trace.where,
            "no sensor of power",
            "Sys Power, Total Power, PSU1 Power In",
            "read the power sensor",
        )
    moments = list(dict.fromkeys(moment for rows in found.values() for moment, _ in rows))
    if moments == [""] or (len(moments) == 1 and any(len(rows) > 1 for rows in found.values())):
        step = step_s or 1.0
        if any(len(rows) > 1 for rows in found.values()):
            trace.notes.append(f"no times: readings counted in steps of {step:g} s")
        for name, rows in found.items():
            trace.add(
                [name],
                None,
                np.asarray(np.arange(len(rows)) * step, dtype=np.float64),
                np.array([value for _, value in rows]),
            )
        return
    clock = Clock(f"{trace.where} → timestamp")
    text = pd.Series(moments).str.replace(r"\s+(UTC|GMT)$", "+00:00", regex=True)
    words = text.str.match(r"^[A-Za-z]{3}\s")  # Tue Jun  3 00:00:01 2025
    if bool(words.all()):
        text = pd.to_datetime(text, format="%a %b %d %H:%M:%S %Y", errors="coerce").dt.strftime(
            "%Y-%m-%d %H:%M:%S"
        )
    seconds = dict(zip(moments, clock.read(text), strict=True))
    trace.stamps = clock.known
    for name, rows in found.items():
        times = np.array([seconds[moment] for moment, _ in rows])
        trace.add([name], None, times, np.array([value for _, value in rows]))


def is_redfish(head: str) -> bool:
    """JSON, or one JSON per line, with Redfish's power members."""
    return head.lstrip()[:1] in "{[" and any(f'"{word}"' in head for word in REDFISH[:4])


def read_redfish(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """PowerControl, EnvironmentMetrics or a MetricReport; several documents one after the other, or a list of them."""
    _only_power(quantity, trace.where)
    trace.boundary = "node_ac"
    found: dict[str, list[tuple[str, float]]] = {}
    for document in _documents(decode(read_bytes(source.path, LIMIT), trace.where), trace):
        for name, stamp, value in _readings(document):
            trace.rows += 1
            found.setdefault(name, []).append((stamp, value))
    _put(found, trace, step_s)


def _documents(text: str, trace: RawTrace) -> Iterator[Any]:
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        if text[place] in " \t\r\n,":
            place += 1
            continue
        try:
            document, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            trace.unreadable += 1
            trace.rows += 1
            place = text.find("\n", place) + 1 or len(text)
            continue
        yield from document if isinstance(document, list) else [document]


def _readings(document: Any) -> Iterator[tuple[str, str, float]]:
    if not isinstance(document, dict):
        return
    stamp = next(
        (str(document[key]) for key in ("Timestamp", "timestamp", "time", "DateTime") if key in document), ""
    )
    host = next(
        (str(document[key]) for key in ("host", "hostname", "node", "HostName") if key in document), ""
    )
    for metric in document.get("MetricValues") or []:
        about = (
            f"{metric.get('MetricId', '')} {metric.get('MetricProperty', '')}"
            if isinstance(metric, dict)
            else ""
        )
        if re.search(
            r"power.*consum|consum.*power|PowerWatts|SystemPower|PowerInput|TotalPower", about, re.IGNORECASE
        ):
            name = str(metric.get("MetricProperty") or metric.get("MetricId"))
            yield name, str(metric.get("Timestamp") or stamp), _number(metric.get("MetricValue"))
    for control in document.get("PowerControl") or []:
        if isinstance(control, dict) and "PowerConsumedWatts" in control:
            name = str(control.get("Name") or control.get("MemberId") or "power")
            yield f"{host}/{name}".lstrip("/"), stamp, _number(control["PowerConsumedWatts"])
    watts = document.get("PowerWatts")
    if isinstance(watts, dict) and "Reading" in watts:
        yield (
            host or str(document.get("Id") or "power"),
            str(watts.get("ReadingTime") or stamp),
            _number(watts["Reading"]),
        )
    if "PowerConsumedWatts" in document:
        yield host or str(document.get("Name") or "power"), stamp, _number(document["PowerConsumedWatts"])


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _only_power(quantity: Quantity | None, where: str) -> None:
    if quantity == "activity":
        raise fault(where, "power sensors, no activity", "quantity power", "leave the quantity out")
