"""MLPerf power logs: training (``:::MLLOG`` lines) and inference (``spl.txt`` of the power analyser)."""

import json
import re

import numpy as np

from twin.files import Stamps, fault
from twin.loads.signal import Quantity
from twin.loads.traces import table
from twin.loads.traces.raw import RawTrace
from twin.loads.traces.source import Source

MARK = ":::MLLOG"
SPL = re.compile(r"^Time,[^,\n]+,Watts,", re.MULTILINE)


def is_training(head: str) -> bool:
    """Lines with ``:::MLLOG`` of which some are power readings."""
    return MARK in head and ("power_reading" in head or "power_measurement" in head)


def read_training(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Power readings of a node, or of several where the lines name their host. Raises ``InputError``."""
    del step_s
    _only_power(quantity, trace.where)
    first: float | None = None
    trace.boundary, measured = "node_ac", ""
    for block in source.blocks():
        times: dict[str, list[float]] = {}
        watts: dict[str, list[float]] = {}
        for line in block.decode("utf-8", errors="replace").split("\n"):
            if MARK not in line:
                trace.unreadable += bool(line.strip())
                trace.rows += bool(line.strip())
                continue
            trace.rows += 1
            try:
                entry = json.loads(line.partition(MARK)[2])
                about = entry["metadata"] if isinstance(entry.get("metadata"), dict) else {}
                if entry["key"] == "conversion_eff":
                    measured = str(about.get("measurement_type", ""))
                if entry["key"] != "power_reading":
                    continue
                moment, value = float(entry["time_ms"]), float(entry["value"])
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                trace.unreadable += 1
                continue
            host = str(about.get("host") or "node")
            times.setdefault(host, []).append(moment)
            watts.setdefault(host, []).append(value)
        for host, moments in times.items():
            first = moments[0] if first is None else first
            trace.add([host], None, (np.array(moments) - first) / 1000.0, np.array(watts[host]))
    if first is not None and 0.0 < first < 4e12:
        trace.stamps = Stamps(np.empty(0), np.datetime64(round(first), "ms"), True, "epoch ms, UTC")
    if measured.upper() == "DC":
        trace.boundary = "node_dc"
    elif measured.upper() != "AC":
        trace.notes.append(
            "the log does not say on which side it was measured: taken as AC input of the node"
        )


def is_inference(head: str) -> bool:
    """Rows ``Time,...,Watts,...,Volts,...`` of keys and values."""
    return bool(SPL.match(head.lstrip()))


def read_inference(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Total watts of the analyser, at the wall; its channels are parts of it."""
    _only_power(quantity, trace.where)
    trace.boundary = "node_ac"
    cells = next(line for line in source.head.splitlines() if line.strip()).split(",")
    names = [f"column {place}" for place in range(len(cells))]
    names[1], names[cells.index("Watts") + 1] = "time", "watts"
    table.read(source, trace, step_s, quantity, names=names)
    trace.notes = [note for note in trace.notes if not note.startswith("columns not used")]


def _only_power(quantity: Quantity | None, where: str) -> None:
    if quantity == "activity":
        raise fault(where, "a log of power, no activity", "quantity power", "leave the quantity out")
