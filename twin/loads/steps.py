"""Readings to regular steps without losing energy: a reading holds until the next one comes."""

import numpy as np
from numpy.typing import NDArray

from twin.files import fault
from twin.loads.signal import Signal

Array = NDArray[np.float64]

YEAR_S = 365 * 86400.0
MAX_MISSING = 0.05  # share of a series' readings
MAX_LEFT_OUT = 0.05  # share of devices that may be too incomplete to use
JITTER_STEP_S = 60.0
BURST = 5.0  # times the usual step: readings come in bursts, so one series mixes several devices
# Numbers that loggers write for "no reading": all nines, all bits of 16 or 32 bits, also as milliwatts. Blanks of DCGM
# and 64 bits lie above 2147483632. Only where far above the series' other readings.
SENTINELS = (9999.0, 65535.0, 99999.0, 999999.0, 4294967.295, 9999999.0)
SENTINEL_TIMES = 5.0
LATE = 1.5  # a reading that comes later than this many usual steps leaves a gap


def clean(signal: Signal, counts: dict[str, int]) -> Signal:
    """Readings in order of time, one per time, without missing or negative ones and those that mean "no reading"."""
    negative = signal.values < 0.0
    counts["negative"] += int(negative.sum())
    good = np.isfinite(signal.values) & ~negative
    if good.any() and float(signal.values[good].max()) >= SENTINELS[0]:
        usual = float(np.median(signal.values[good]))
        blank = np.isin(signal.values, SENTINELS) | (signal.values >= 2147483632.0)
        blank &= signal.values > SENTINEL_TIMES * usual
        counts["sentinels"] = counts.get("sentinels", 0) + int(blank.sum())
        good &= ~blank
    seconds, values = signal.seconds[good], signal.values[good]
    peaks = None if signal.peaks is None else np.fmax(signal.peaks[good], values)
    if seconds.size > 1 and not (np.diff(seconds) > 0).all():
        counts["reordered"] += int((np.diff(seconds) < 0).any())
        times, index = np.unique(seconds, return_index=True)  # the first of equal times stays
        counts["duplicates"] += int(seconds.size - times.size)
        seconds, values = times, values[index]
        peaks = None if peaks is None else peaks[index]
    return Signal(seconds, values, peaks)


def usual_step(signals: dict[str, Signal], where: str) -> float:
    spans = [np.diff(signal.seconds) for signal in signals.values() if signal.seconds.size > 1]
    if not spans:
        raise fault(where, "one reading per device", "two or more", "give a longer record")
    steps = [float(np.median(span)) for span in spans]
    wide = [np.mean(span > BURST * step) for span, step in zip(spans, steps, strict=True) if span.size >= 20]
    if max(wide, default=0.0) > MAX_MISSING:
        raise fault(
            where,
            f"readings come in bursts (usual step {min(steps):g} s)",
            "about even steps for each device",
            "add a column 'device' if rows of several devices are mixed",
        )
    step = round(float(np.median(steps)), 3)
    if not 1e-3 <= step <= YEAR_S:
        raise fault(
            where, f"a usual step of {step:g} s", "1 ms to a year", "check the unit of the time column"
        )
    return step


def complete_enough(
    signals: dict[str, Signal],
    span: tuple[float, float, float],
    max_gap_s: float,
    where: str,
    notes: list[str],
) -> dict[str, Signal]:
    """Leave out the few devices with too many gaps; refuse the file if they are not few."""
    first, last, native = span
    expected = (last - first) / native
    poor: dict[str, str] = {}
    for name, signal in signals.items():
        missing, lacking, gap = gaps(signal, first, last, native)
        if gap > max(max_gap_s, native) + 0.5 * native or lacking > MAX_MISSING * expected:
            poor[name] = f"{missing} of {round(expected)} readings missing, longest gap {gap / 3600:.3g} h"
    if len(poor) > MAX_LEFT_OUT * len(signals):
        name = next(iter(poor))
        raise fault(
            f"{where} → {name}",
            poor[name]
            + (f"; {len(poor)} of {len(signals)} devices are like this" if len(signals) > 1 else ""),
            f"gaps up to {max_gap_s / 3600:g} h (or one reading) and 5 % of the readings",
            "cut the file to a complete part, or fill it: twin trace convert --max-gap, or max_gap_s",
        )
    if poor:
        notes.append(
            f"left out {len(poor)} of {len(signals)} devices with too many gaps: {', '.join(poor)[:200]}"
        )
    return {name: signal for name, signal in signals.items() if name not in poor}


def gaps(signal: Signal, first: float, last: float, native: float) -> tuple[int, int, float]:
    """How many readings are missing, how many of them count as gaps, and the longest gap in s, at the ends
    too.

    A single reading skipped at a step below a minute is the jitter of the sampler, not a gap.
    """
    spans = np.diff(np.concatenate(([first - native], signal.seconds, [last])))
    late = spans[spans > LATE * native]
    missing = np.round(late / native) - 1.0
    counted = missing if native >= JITTER_STEP_S else missing[missing > 1.0]
    return int(missing.sum()), int(counted.sum()), float(late.max() - native) if late.size else 0.0


def thinned(signal: Signal, step_s: float) -> Signal:
    """The same integral and peaks with one reading per step, as far as the last reading goes, which stays.

    Steps begin at multiples of ``step_s``. Readings must be in order of time (see ``clean``).
    """
    begin, last = float(signal.seconds[0]), float(signal.seconds[-1])
    first, end = np.ceil(begin / step_s), np.floor(last / step_s)
    if end - first < 1 or signal.seconds.size < 3:
        return signal
    grid: Array = np.arange(first, end + 1) * step_s
    moments, total = _cumulated(signal, begin, last)
    means = np.diff(np.interp(grid, moments, total)) / step_s
    means = np.clip(means, signal.values.min(), signal.values.max())
    tops = signal.values if signal.peaks is None else signal.peaks
    holds = np.searchsorted(signal.seconds, grid, side="right") - 1  # the reading that each step begins with
    latest = np.searchsorted(signal.seconds, grid[1:], side="left") - 1  # the last reading before its end
    peaks = np.maximum(np.maximum.reduceat(tops, holds)[:-1], tops[latest])
    starts = signal.seconds < grid[0]
    ends = signal.seconds > grid[-1]
    held = signal.values[holds[-1]]
    return Signal(
        np.concatenate((signal.seconds[starts], grid[:-1], grid[-1:], signal.seconds[ends])),
        np.concatenate((signal.values[starts], means, [held], signal.values[ends])),
        np.concatenate((tops[starts], np.maximum(peaks, means), [max(held, tops[holds[-1]])], tops[ends])),
    )


def _cumulated(signal: Signal, first: float, last: float) -> tuple[Array, Array]:
    """Integral of the staircase; the first reading also holds before it, the last one after it."""
    moments = np.concatenate(([min(first, float(signal.seconds[0]))], signal.seconds[1:], [last]))
    return moments, np.concatenate(([0.0], np.cumsum(signal.values * np.diff(moments))))


def integral(signal: Signal, first: float, last: float) -> float:
    moments, total = _cumulated(signal, first, max(last, float(signal.seconds[-1]) + 1e-9))
    return float(np.interp(last, moments, total))


def average(signal: Signal, grid: Array, native: float) -> tuple[Array, Array | None]:
    """Mean over each step and, where a step holds several readings or the file has peaks, the highest."""
    width = float(grid[1] - grid[0])
    if signal.seconds.size == grid.size - 1 and np.abs(signal.seconds - grid[:-1]).max() < 1e-6 * width:
        return signal.values.copy(), None if signal.peaks is None else signal.peaks.copy()
    moments, total = _cumulated(
        signal, float(grid[0]), max(float(grid[-1]), float(signal.seconds[-1]) + native)
    )
    means = np.diff(np.interp(grid, moments, total)) / width
    # The difference of two large sums may leave the readings' range by a rounding error.
    means = np.minimum(np.maximum(means, signal.values.min()), signal.values.max())
    if width < 1.5 * native and signal.peaks is None:
        return means, None
    step = np.floor((signal.seconds - grid[0]) / width + 1e-9).astype(np.int64)
    inside = (step >= 0) & (step < means.size)
    top = means.copy()
    np.maximum.at(top, step[inside], (signal.values if signal.peaks is None else signal.peaks)[inside])
    return means, top
