"""What a trace file holds and what reading it does to it, in numbers: the content of ``twin trace inspect``."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from twin.loads.signal import Quantity, Signal
from twin.loads.steps import LATE, clean
from twin.loads.traces import clock, requests
from twin.loads.traces.dips import Dips, dips_of
from twin.loads.traces.formats import REQUESTS, files_of, format_of, read_trace
from twin.loads.traces.raw import Array, RawTrace
from twin.loads.traces.source import Source

MAX_GAP_S = 3600.0  # longer gaps are not filled and count no energy
AVERAGING_S = (2.0, 10.0, 60.0, 300.0)
SETTLE_S = 120.0  # left out at both ends of a record for the steps in steady running
MOST_STEPS = 20_000_000  # of the sum of all series


@dataclass(frozen=True)
class SeriesFacts:
    """One series: of power in W, of activity as a share of 1, of requests in 1/s, of tokens per request."""

    name: str
    quantity: str
    unit: str
    readings: int
    mean: float | None
    min: float | None
    max: float | None
    energy_kwh: float | None = None


@dataclass(frozen=True)
class Averages:
    """Sum of all series averaged over ``averaging_s``: extremes, and the largest change between neighbours, in W.

    ``steady_step_w`` is that change without the first and last two minutes (``None`` for a short record).
    """

    averaging_s: float
    min_w: float
    max_w: float
    largest_step_w: float
    steady_step_w: float | None


@dataclass(frozen=True)
class Inspection:
    """The fields are the keys of ``--json``. ``start`` and ``end`` are the first and the last reading."""

    format: str
    rows_read: int
    rows_skipped: int
    rows_filled: int
    start: str | None
    end: str | None
    timezone: str | None
    series: tuple[SeriesFacts, ...]
    energy_kwh: float | None
    boundary: str | None
    warnings: tuple[str, ...]
    step_s: float | None
    averages: tuple[Averages, ...]
    dips: Dips | None

    def json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def inspect_trace(
    path: Path, step_s: float | None = None, quantity: Quantity | None = None, timezone: str | None = None
) -> Inspection:
    """Read a file, a folder or a pattern of files and say what is in it. Raises ``InputError``."""
    files = files_of(path)
    source = Source(files[0])
    form = format_of(source)
    if len(files) == 1 and form is not None and form.name == REQUESTS:
        return _of_requests(requests.read(source))
    return _of_trace(read_trace(path, step_s, quantity, timezone))


def _of_trace(raw: RawTrace) -> Inspection:
    warnings = list(raw.notes)
    counts = dict(raw.counts)
    back = 0 if raw.stamps.utc else max(clock.set_back(signal.seconds) for signal in raw.signals.values())
    signals = {name: clean(signal, counts) for name, signal in raw.signals.items()}
    empty = [name for name, signal in signals.items() if not signal.seconds.size]
    signals = {name: signal for name, signal in signals.items() if signal.seconds.size}
    native = _native(signals)
    filled, facts, total, lost = 0, [], 0.0, 0.0
    first = min((float(s.seconds[0]) for s in signals.values()), default=0.0)
    last = max((float(s.seconds[-1]) for s in signals.values()), default=0.0)
    for name, signal in signals.items():
        energy = None
        if native is not None and raw.quantity == "power":
            joules, gap = _energy(signal, first, last, native)
            energy, lost = joules / 3.6e6, lost + gap
            total += joules * raw.devices.get(name, 1)
        if native is not None:
            filled += _filled(signal, first, last + native, native)
        facts.append(_facts(name, raw.quantity, signal.values, energy))
    warnings += _warnings(raw, signals, counts, empty, lost, back)
    moments: list[str | None] = [None, None]
    if raw.stamps.first is not None and signals:
        moments = [_iso(raw.stamps.first, seconds, raw.stamps.utc) for seconds in (first, last)]
    power = raw.quantity == "power" and native is not None
    total_w = _total(signals, native) if power and native is not None else np.empty(0)
    return Inspection(
        format=raw.format,
        rows_read=raw.rows,
        rows_skipped=raw.unreadable + counts["duplicates"] + counts["late"],
        rows_filled=filled,
        start=moments[0],
        end=moments[1],
        timezone=None if raw.stamps.first is None else raw.stamps.note,
        series=tuple(facts),
        energy_kwh=total / 3.6e6 if power else None,
        boundary=raw.boundary,
        warnings=tuple(dict.fromkeys(warnings)),
        step_s=native,
        averages=_averages(total_w, native or 1.0),
        dips=_steady_dips(total_w, native or 1.0),
    )


def _warnings(
    raw: RawTrace,
    signals: dict[str, Signal],
    counts: dict[str, int],
    empty: list[str],
    lost: float,
    back: int,
) -> list[str]:
    out = []
    if empty:
        out.append(f"{len(empty)} devices without a reading: {', '.join(empty)[:120]}")
    if counts["duplicates"]:
        out.append(f"{counts['duplicates']} readings at a time that was there before: the first stays")
    if counts["reordered"]:
        out.append(f"{counts['reordered']} series were not in order of time: sorted")
    if counts["negative"]:
        out.append(f"{counts['negative']} negative readings taken as missing")
    if counts.get("sentinels"):
        out.append(f"{counts['sentinels']} readings such as 9999999 or 2147483647 taken as missing")
    if back:
        out.append(
            f"the clock jumps back by an hour {back} times, as at the end of daylight saving: name its zone with --timezone"
        )
    if lost > 0.0:
        out.append(f"gaps of more than {MAX_GAP_S / 3600:g} h, {lost / 3600:.4g} h in all, count no energy")
    if raw.quantity == "power" and not raw.unit_stated:
        out.append("no unit of power in the file: taken as W")
    if raw.quantity == "power" and raw.boundary is None:
        out.append(
            "the file does not say where the power was measured: a run needs --boundary (gpu, node_dc, node_ac, rack_ac, cdu_heat or site_it)"
        )
    if raw.quantity == "activity":
        out.append("activity, no power: energy is not known")
    if raw.stamps.first is None and raw.stamps.note:
        out.append(raw.stamps.note)
    twins = _twins(signals)
    if twins:
        out.append(
            f"{twins} of {len(signals)} series repeat another one reading by reading: one meter for two?"
        )
    if signals and max(signal.seconds.size for signal in signals.values()) < 2:
        out.append("one moment only: no energy, and no load to run")
    return out


def _twins(signals: dict[str, Signal]) -> int:
    seen = {
        (s.seconds.tobytes(), s.values.tobytes())
        for s in signals.values()
        if s.seconds.size > 2 and np.ptp(s.values)
    }
    many = sum(1 for s in signals.values() if s.seconds.size > 2 and np.ptp(s.values))
    return many - len(seen)


def _native(signals: dict[str, Signal]) -> float | None:
    spans = [float(np.median(np.diff(s.seconds))) for s in signals.values() if s.seconds.size > 1]
    return round(float(np.median(spans)), 3) or None if spans else None


def _filled(signal: Signal, first: float, last: float, native: float) -> int:
    """Readings that the one before them stands in for; longer gaps are not filled."""
    spans = np.diff(np.concatenate(([first - native], signal.seconds, [last])))
    late = spans[(spans > LATE * native) & (spans <= max(MAX_GAP_S, native) + native)]
    return int((np.round(late / native) - 1.0).sum())


def _energy(signal: Signal, first: float, last: float, native: float) -> tuple[float, float]:
    """J of readings that each hold until the next, and s in gaps that were not counted.

    The first reading also holds before it, from the beginning of the record, and the last until its end.
    """
    spans = np.append(np.diff(signal.seconds), last + native - signal.seconds[-1])
    before = float(signal.seconds[0]) - first
    limit = max(MAX_GAP_S, native) + native
    long = spans > limit
    lost = float((spans[long] - native).sum())
    joules = float(np.sum(signal.values * np.where(long, native, spans)))
    if before > limit:
        return joules, lost + before
    return joules + before * float(signal.values[0]), lost


def _total(signals: dict[str, Signal], native: float) -> Array:
    """Sum of all series on even steps; empty for a record that is too short or too large."""
    from twin.loads.steps import average

    first = min(float(signal.seconds[0]) for signal in signals.values())
    last = max(float(signal.seconds[-1]) for signal in signals.values()) + native
    n = int((last - first) / native + 1e-6)
    if n < 2 or n > MOST_STEPS:
        return np.empty(0)
    grid: Array = first + np.arange(n + 1, dtype=np.float64) * native
    total = np.zeros(n)
    for signal in signals.values():
        total += average(signal, grid, native)[0]
    return total


def _steady_dips(total: Array, native: float) -> Dips | None:
    """Dips without the beginning and the end of the record."""
    settle = int(np.ceil(SETTLE_S / native))
    return dips_of(total[settle:-settle], native) if total.size > 4 * settle else None


def _averages(total: Array, native: float) -> tuple[Averages, ...]:
    """Extremes and steps of a sum at the usual averaging times that the record allows."""
    out, n = [], total.size
    for window in sorted({native, *AVERAGING_S}):
        per = round(window / native)
        if per < 1 or abs(per * native - window) > 1e-6 * window or n // per < 2:
            continue
        means = total[: n // per * per].reshape(-1, per).mean(axis=1)
        settle = int(np.ceil(SETTLE_S / window))
        steady = means[settle:-settle] if means.size > 4 * settle + 2 else np.empty(0)
        out.append(
            Averages(
                averaging_s=window,
                min_w=float(means.min()),
                max_w=float(means.max()),
                largest_step_w=float(np.abs(np.diff(means)).max()),
                steady_step_w=float(np.abs(np.diff(steady)).max()) if steady.size > 1 else None,
            )
        )
    return tuple(out)


def _facts(name: str, quantity: str, values: Array, energy: float | None = None) -> SeriesFacts:
    units = {"power": "W", "activity": "1", "requests": "1/s"}
    return SeriesFacts(
        name,
        quantity,
        units.get(quantity, "1"),
        int(values.size),
        float(values.mean()) if values.size else None,
        float(values.min()) if values.size else None,
        float(values.max()) if values.size else None,
        energy,
    )


def _iso(first: np.datetime64, seconds: float, utc: bool) -> str:
    moment = first.astype("datetime64[ms]") + np.timedelta64(round(seconds * 1000.0), "ms")
    return str(moment) + ("Z" if utc else "")


def _of_requests(found: requests.Requests) -> Inspection:
    warnings = [
        *found.notes,
        "requests and tokens, no power: twin run SITE --load FILE works out the power and tokens of racks that answer them",
    ]
    if found.rate is not None:
        facts = [_facts("requests", "requests", found.rate)]
        step: float | None = round(float(np.median(np.diff(found.seconds))), 3)
    else:
        seconds = found.seconds - found.seconds[0]
        per_second = np.bincount(seconds.astype(np.int64)).astype(np.float64)
        whole = per_second[:-1] if per_second.size > 1 else per_second
        facts = [
            SeriesFacts(
                "requests",
                "requests",
                "1/s",
                int(found.seconds.size),
                requests.rate_of(found),
                float(whole.min()),
                float(whole.max()),
            )
        ]
        step = None
    for name, values in (("tokens_in", found.tokens_in), ("tokens_out", found.tokens_out)):
        if values is not None:
            facts.append(_facts(name, "tokens per request", values))
    first = found.stamps.first
    ends = (
        [None, None] if first is None else [_iso(first, s, found.stamps.utc) for s in found.seconds[[0, -1]]]
    )
    return Inspection(
        format=REQUESTS,
        rows_read=found.rows,
        rows_skipped=found.unreadable,
        rows_filled=0,
        start=ends[0],
        end=ends[1],
        timezone=None if first is None else found.stamps.note,
        series=tuple(facts),
        energy_kwh=None,
        boundary=None,
        warnings=tuple(warnings),
        step_s=step,
        averages=(),
        dips=None,
    )


def table_of(found: Inspection) -> str:
    """The same for a person."""
    lines = [f"Format     {found.format}"]
    lines.append(
        f"Rows       {found.rows_read:,} read, {found.rows_skipped:,} skipped, {found.rows_filled:,} readings filled"
    )
    if found.start is not None:
        lines.append(f"Time       {found.start} to {found.end} ({found.timezone})")
    if found.step_s is not None:
        lines.append(f"Step       {found.step_s:g} s")
    lines.append(f"Boundary   {found.boundary or 'not stated'}")
    if found.energy_kwh is not None:
        lines.append(f"Energy     {found.energy_kwh:,.6g} kWh")
    lines.append(f"Series     {len(found.series)}")
    for one in found.series[:12]:
        if one.mean is not None and one.min is not None and one.max is not None:
            unit = "" if one.unit == "1" else f" {one.unit}"
            lines.append(
                f"  {one.name:<28} {one.quantity:<10} mean {one.mean:,.5g}{unit}, {one.min:,.5g} to {one.max:,.5g}, "
                f"{one.readings:,} readings"
            )
    if len(found.series) > 12:
        lines.append(f"  and {len(found.series) - 12} more (see --json)")
    for entry in found.averages:
        steady = (
            "" if entry.steady_step_w is None else f", {entry.steady_step_w / 1000:,.4g} kW between the ends"
        )
        lines.append(
            f"At {entry.averaging_s:g} s    {entry.min_w / 1000:,.5g} to {entry.max_w / 1000:,.5g} kW, "
            f"largest step {entry.largest_step_w / 1000:,.4g} kW{steady}"
        )
    if found.dips is not None:
        lines.append(
            f"Dips       every {found.dips.period_s:.3g} s, {100 * found.dips.depth:.2g} % deep "
            f"({found.dips.count} of up to 6 s, {found.dips.long_count} of 10 s or more)"
        )
    lines += [f"Note       {warning}" for warning in found.warnings]
    return "\n".join(lines)
