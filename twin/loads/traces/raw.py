"""The readings of a trace as they stand, collected block by block in bounded memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from twin.files import Stamps, fault
from twin.loads.signal import Boundary, Quantity, Signal
from twin.loads.steps import clean, thinned

Array = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]
Bytes = NDArray[np.uint8]

MAX_DEVICES = 20_000
MOST_S = 1e10  # a time further from the first is no time
MAX_READINGS = 16_000_000  # kept in memory at once, 16 to 24 bytes each; more are averaged while reading


@dataclass
class RawTrace:
    """A file as read. ``add`` takes its readings block by block, ``finish`` puts them together per device.

    Where a file holds more than ``limit`` readings, those so far are averaged to steps of ``thinned_s``, which keeps
    their integral and their peaks; the step is doubled as often as needed.
    """

    where: str
    quantity: Quantity = "power"
    format: str = "table"
    boundary: Boundary | None = None
    stamps: Stamps = field(default_factory=lambda: Stamps(np.empty(0), None, False, ""))
    rows: int = 0
    unreadable: int = 0
    unit_stated: bool = True
    unscaled: set[str] = field(default_factory=set)  # columns of activity that state no unit
    prefix: str = ""  # put before device names where several files are read together
    notes: list[str] = field(default_factory=list)
    signals: dict[str, Signal] = field(default_factory=dict)
    counts: dict[str, int] = field(
        default_factory=lambda: {"duplicates": 0, "negative": 0, "reordered": 0, "late": 0}
    )
    own_quantity: Quantity | None = None  # of a table that ``twin trace convert`` wrote
    devices: dict[str, int] = field(
        default_factory=dict
    )  # how many devices a series stands for, where stated
    thinned_s: float = 0.0
    limit: int = MAX_READINGS
    localize: Callable[[Array], Array] | None = (
        None  # local clock to UTC, per device in the order of the file
    )
    _parts: dict[str, list[Signal]] = field(default_factory=dict)
    _settled: dict[str, Signal] = field(default_factory=dict)
    _waiting: int = 0

    def state(self, facts: dict[str, str]) -> None:
        """Facts that a file states about itself: ``boundary``, ``quantity``, and ``devices`` as ``a=4, b=2``."""
        if facts.get("quantity") in get_args(Quantity):
            self.own_quantity = cast(Quantity, facts["quantity"])
        if facts.get("boundary") in get_args(Boundary):
            self.boundary = cast(Boundary, facts["boundary"])
        for pair in facts.get("devices", "").split(","):
            name, equals, number = pair.rpartition("=")
            if equals and number.strip().isdigit() and int(number) > 0:
                self.devices[name.strip()] = int(number)

    def add(
        self,
        labels: Sequence[str],
        codes: Codes | None,
        seconds: Array,
        values: Array,
        peaks: Array | None = None,
    ) -> None:
        """Readings in the order of the file; ``codes`` index ``labels`` (None: all are ``labels[0]``), below 0 is none.

        Rows without a time are counted as unreadable; values may be NaN.
        """
        usable = np.abs(seconds) < MOST_S  # also false for NaN
        if codes is not None:
            usable &= codes >= 0
        if not usable.all():
            self.unreadable += int((~usable).sum())
            seconds, values = seconds[usable], values[usable]
            codes = None if codes is None else codes[usable]
            peaks = None if peaks is None else peaks[usable]
        if not seconds.size:
            return
        if codes is None:
            self._put(labels[0], Signal(seconds, values, peaks))
        else:
            small: Codes = codes.astype(np.int16) if len(labels) < 32_000 else codes  # sorts faster
            order = np.argsort(small, kind="stable")
            bounds = np.searchsorted(small[order], np.arange(len(labels) + 1))
            seconds, values = seconds[order], values[order]
            peaks = None if peaks is None else peaks[order]
            for code in np.flatnonzero(np.diff(bounds)).tolist():
                own = slice(bounds[code], bounds[code + 1])
                self._put(
                    labels[code],
                    Signal(seconds[own], values[own], None if peaks is None else peaks[own]),
                )
        if self._waiting > self.limit:
            self._thin()

    def _put(self, label: str, signal: Signal) -> None:
        name = self.prefix + label
        if name not in self._parts and len(self._parts) >= MAX_DEVICES:
            raise fault(
                self.where,
                f"more than {MAX_DEVICES} devices",
                f"up to {MAX_DEVICES}",
                "sum them by rack first",
            )
        self._parts.setdefault(name, []).append(signal)
        self._waiting += signal.seconds.size

    def _settle(self, name: str) -> Signal:
        """All readings of one device so far, on one clock."""
        parts = self._parts[name]
        joined = parts[0] if len(parts) == 1 else _joined(parts)
        if self.localize is not None:
            joined = joined._replace(seconds=self.localize(joined.seconds))
        self._parts[name] = []
        before = self._settled.pop(name, None)
        if before is not None:
            late = joined.seconds < before.seconds[-1]
            if late.any():
                self.counts["late"] += int(late.sum())
                joined = _picked(joined, ~late)
            joined = _joined([before, joined])
        return joined

    def _thin(self) -> None:
        signals = {name: clean(self._settle(name), self.counts) for name in self._parts}
        signals = {name: signal for name, signal in signals.items() if signal.seconds.size}
        if not self.thinned_s:
            spans = [np.median(np.diff(s.seconds)) for s in signals.values() if s.seconds.size > 1]
            self.thinned_s = 4.0 * float(np.median(spans)) if spans else 1.0
        while True:
            thin = {name: thinned(signal, self.thinned_s) for name, signal in signals.items()}
            kept = sum(signal.seconds.size for signal in thin.values())
            if kept <= self.limit // 2 or kept <= 8 * len(thin):
                break
            self.thinned_s *= 2.0
        self._settled, self._waiting = thin, kept

    def finish(self) -> None:
        """Put the readings together. Raises ``InputError`` if there are none."""
        for name in self._parts:
            self.signals[name] = self._settle(name)
        self._parts, self._settled = {}, {}
        if self.thinned_s:
            self.notes.append(
                f"more than {self.limit:,} readings: averaged to {self.thinned_s:g} s while reading, energy and peaks kept"
            )
        if self.counts["late"]:
            self.notes.append(f"{self.counts['late']} readings far out of order were left out")
        if not self.signals:
            raise fault(
                self.where, "no readable reading", "times with values", "check time and value columns"
            )


def _joined(parts: list[Signal]) -> Signal:
    peaks = None
    if any(part.peaks is not None for part in parts):
        peaks = np.concatenate([part.values if part.peaks is None else part.peaks for part in parts])
    return Signal(
        np.concatenate([part.seconds for part in parts]),
        np.concatenate([part.values for part in parts]),
        peaks,
    )


def _picked(signal: Signal, chosen: NDArray[np.bool_]) -> Signal:
    peaks = None if signal.peaks is None else signal.peaks[chosen]
    return Signal(signal.seconds[chosen], signal.values[chosen], peaks)
