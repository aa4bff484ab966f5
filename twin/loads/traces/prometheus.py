"""Prometheus: text exposition (DCGM exporter and others) and answers of the HTTP API, instant and range.

A series is a device: host and card of its labels. Rows of MIG slices, containers or pods that repeat a card's power fall
on the same device and are counted once per time.
"""

import json
import re
from typing import Any

import numpy as np

from twin.files import Stamps, column_numbers, decode, fault, read_bytes
from twin.loads.signal import Boundary, Quantity
from twin.loads.traces.raw import Codes, RawTrace
from twin.loads.traces.source import LIMIT, Source

LINE = re.compile(r"^[a-zA-Z_:][\w:]*\{[^\n]*\}\s+\S+", re.MULTILINE)
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
API = re.compile(r'\s*\{\s*"(status|data|resultType)"\s*:')
# Name of the metric, boundary, W or share per unit. The first that a file holds is read, the others are not.
POWER: tuple[tuple[str, Boundary, float], ...] = (
    ("DCGM_FI_DEV_POWER_USAGE", "gpu", 1.0),
    ("DCGM_FI_DEV_POWER_USAGE_INSTANT", "gpu", 1.0),
    ("nvidia_smi_power_draw_watts", "gpu", 1.0),
    ("nvidia_gpu_power_usage_milliwatts", "gpu", 1e-3),
    ("amd_gpu_package_power", "gpu", 1.0),
    ("gpu_package_power", "gpu", 1.0),
    ("amd_gpu_power", "gpu", 1e-6),
    ("ipmi_dcmi_power_consumption_watts", "node_ac", 1.0),
    ("ipmi_power_watts", "node_ac", 1.0),
    ("redfish_power_consumed_watts", "node_ac", 1.0),
)
ACTIVITY = (
    ("DCGM_FI_DEV_GPU_UTIL", 0.01),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", 1.0),
    ("nvidia_smi_utilization_gpu_ratio", 1.0),
    ("gpu_gfx_activity", 0.01),
)
HOSTS = ("Hostname", "hostname", "host", "node", "nodename", "instance", "exported_instance")
CARDS = ("gpu", "gpu_id", "minor_number", "index", "uuid", "UUID", "device", "card")
SLICES = ("GPU_I_ID", "gpu_partition_id")


def is_text(head: str) -> bool:
    """Lines ``name{label="..."} value``."""
    return bool(LINE.search(head)) and '="' in head


def is_api(head: str) -> bool:
    """JSON with ``status`` and ``data``, or ``data`` alone."""
    return bool(API.match(head)) and ("resultType" in head or '"status"' in head)


def device(labels: dict[str, str]) -> str:
    """Name of what a series belongs to: ``host/gpu0``; other labels where it names neither."""
    host = next((labels[name] for name in HOSTS if labels.get(name)), "")
    card = next((labels[name] for name in CARDS if labels.get(name)), "")
    if card.isdigit():
        card = f"gpu{card}"
    name = f"{host}/{card}" if host and card else host or card
    rest = ",".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != "__name__")
    return name or rest or labels.get("__name__", "value")


def _choose(
    names: set[str], quantity: Quantity | None, where: str
) -> tuple[str, Quantity, Boundary | None, float]:
    if quantity != "activity":
        for name, boundary, scale in POWER:
            if name in names:
                return name, "power", boundary, scale
        if len(names) == 1 and re.search(r"power|watt", next(iter(names)), re.IGNORECASE):
            return next(iter(names)), "power", None, 1.0
        if names == {""}:  # the outcome of a calculation has no name
            return "", "power", None, 1.0
    if quantity != "power":
        for name, scale in ACTIVITY:
            if name in names:
                return name, "activity", None, scale
    raise fault(
        where,
        f"no metric of {quantity or 'power or utilization'} among {', '.join(sorted(names))[:160]}",
        ", ".join([name for name, *_ in POWER[:3]] + [ACTIVITY[0][0]]),
        "query one of them",
    )


def read_text(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """Scrapes one after the other: by their time stamps, else counted in steps. Raises ``InputError``."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    names = set(re.findall(r"^([a-zA-Z_:][\w:]*)\{", source.head, re.MULTILINE))
    metric, trace.quantity, trace.boundary, scale = _choose(names, quantity, trace.where)
    rounds: dict[str, int] = {}
    places: dict[str, str] = {}
    first: float | None = None
    slices: set[str] = set()
    opening = f"{metric}{{"
    for block in source.blocks():
        try:
            table = csv.read_csv(
                pa.BufferReader(block.replace(b'"} ', b'"}\x01').replace(b'",} ', b'"}\x01')),
                csv.ReadOptions(column_names=["key", "rest"], block_size=len(block) + 1, use_threads=False),
                csv.ParseOptions(
                    delimiter="\x01",
                    quote_char=False,
                    invalid_row_handler=lambda row: "skip",
                ),
                csv.ConvertOptions(
                    column_types={"key": pa.dictionary(pa.int32(), pa.string()), "rest": pa.string()}
                ),
            ).combine_chunks()
        except pa.ArrowInvalid as error:
            raise fault(
                trace.where,
                f"lines that cannot be read ({str(error)[:80]})",
                "name{labels} value",
                "scrape again",
            ) from None
        keys = table["key"].combine_chunks()
        words = keys.dictionary.to_pylist()
        codes = keys.indices.to_numpy()
        chosen = np.array([word.startswith(opening) for word in words], dtype=bool)[codes]
        body = (
            sum(1 for line in block.split(b"\n") if line.strip() and not line.startswith(b"#"))
            if len(block) < 1_000_000
            else len(table)
        )
        mine = (
            sum(1 for _ in re.finditer(re.escape(opening).encode(), block)) if len(block) < 1_000_000 else 0
        )
        trace.rows += max(body, len(table))
        trace.unreadable += max(mine - int(chosen.sum()), 0)
        rest = table["rest"].combine_chunks().filter(pa.array(chosen))
        codes = codes[chosen]
        pieces = pc.split_pattern(pc.utf8_trim_whitespace(rest), " ", max_splits=1)
        values = _floats(pc.list_element(pieces, 0)) * scale if len(rest) else np.empty(0)
        lengths = pc.list_value_length(pieces).to_numpy(zero_copy_only=False)
        stamps = np.full(values.size, np.nan)
        stamped = lengths == 2
        if stamped.any():
            stamps[stamped] = _floats(pc.list_element(pieces.filter(pa.array(stamped)), 1))
        labels: list[str] = []
        numbers: dict[str, int] = {}
        table_of: Codes = np.full(len(words), -1)
        for code in np.unique(codes):
            word = words[code]
            if word not in places:
                found = dict(LABEL.findall(word))
                places[word] = device(found)
                if any(found.get(name) for name in SLICES):
                    slices.add(places[word])
            table_of[code] = numbers.setdefault(places[word], len(numbers))
        labels = list(numbers)
        real = stamps[np.isfinite(stamps) & (stamps > 0.0) & (stamps < 4e12)]
        if real.size or first is not None:
            first = float(real[0]) if first is None else first
            seconds = (stamps - first) / 1000.0
        else:
            seconds = np.empty(values.size)
            for code in np.unique(codes):
                own = np.flatnonzero(codes == code)
                done = rounds.get(words[code], 0)
                seconds[own] = (done + np.arange(own.size)) * (step_s or 1.0)
                rounds[words[code]] = done + own.size
        trace.add(labels, table_of[codes], seconds, values)
    if first is not None:
        trace.stamps = Stamps(np.empty(0), np.datetime64(round(first), "ms"), True, "epoch ms, UTC")
    elif max(rounds.values(), default=0) > 1:
        note = f"scrapes without times: counted in steps of {step_s or 1.0:g} s"
        note += "" if step_s else ", an assumption; give the step between scrapes"
        trace.stamps = Stamps(np.empty(0), None, False, note)
    _say(trace, metric, names, slices)


def _floats(strings: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return np.asarray(pc.cast(strings, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except pa.ArrowInvalid:
        return column_numbers(strings.to_pandas())


def _say(trace: RawTrace, metric: str, names: set[str], slices: set[str]) -> None:
    if slices:
        trace.notes.append(
            f"{len(slices)} cards are cut in MIG slices whose rows repeat the card's power: counted once per card"
        )
    if len(names) > 1:
        trace.notes.append(
            f"metric {metric or 'without a name'} read, {len(names) - 1} other metrics not used"
        )
    if trace.boundary is None and trace.quantity == "power":
        trace.notes.append(f"{metric or 'a calculated series'}: the boundary is not known from its name")


def read_api(source: Source, trace: RawTrace, step_s: float | None, quantity: Quantity | None) -> None:
    """An answer of ``/api/v1/query`` or ``/api/v1/query_range``. Raises ``InputError``."""
    del step_s
    try:
        answer = json.loads(decode(read_bytes(source.path, LIMIT), trace.where))
    except (ValueError, RecursionError) as error:
        raise fault(
            trace.where, f"broken JSON ({str(error)[:80]})", "a whole answer", "query again"
        ) from None
    read_answer(answer, trace, quantity)


def read_answer(answer: Any, trace: RawTrace, quantity: Quantity | None) -> None:
    """The decoded JSON of an answer."""
    data = answer.get("data", answer) if isinstance(answer, dict) else None
    if isinstance(answer, dict) and answer.get("status") == "error":
        raise fault(trace.where, f"an error: {str(answer.get('error', ''))[:200]}", "data", "mend the query")
    found = data.get("result") if isinstance(data, dict) else None
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found) or not found:
        raise fault(trace.where, "no result", "a vector or matrix of series", "check query and time range")
    metrics = [entry.get("metric") if isinstance(entry.get("metric"), dict) else {} for entry in found]
    names = {str(labels.get("__name__", "")) for labels in metrics if isinstance(labels, dict)}
    metric, trace.quantity, trace.boundary, scale = _choose(names, quantity, trace.where)
    first: float | None = None
    slices: set[str] = set()
    for entry, raw_labels in zip(found, metrics, strict=True):
        labels = {str(key): str(value) for key, value in (raw_labels or {}).items()}
        if labels.get("__name__", "") != metric:
            continue
        pairs = entry.get("values", [entry["value"]] if "value" in entry else [])
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list) and len(pair) == 2 for pair in pairs
        ):
            raise fault(trace.where, "samples that are no pairs", "[time, value]", "query again")
        table = np.array([[_number(cell) for cell in pair] for pair in pairs], dtype=np.float64).reshape(
            -1, 2
        )
        trace.rows += len(table)
        if not len(table):
            continue
        name = device(labels)
        if any(labels.get(slice_) for slice_ in SLICES):
            slices.add(name)
        real = table[np.isfinite(table[:, 0]), 0]
        if first is None and real.size:
            first = float(real[0])
        trace.add([name], None, table[:, 0] - (first or 0.0), table[:, 1] * scale)
    if first is not None and 0.0 < first < 4e9:
        trace.stamps = Stamps(np.empty(0), np.datetime64(round(first * 1000.0), "ms"), True, "epoch s, UTC")
    _say(trace, metric, names, slices)


def _number(cell: object) -> float:
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
    return number if np.isfinite(number) else float("nan")
