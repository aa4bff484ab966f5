"""Axes of a study: what people write, as options with effects, numbers on a grid, or a spread to sample.

An axis is an address, one of ``site``, ``weather`` and ``load``, or a free name whose options are sets of changes::

    weather: [phoenix, chicago]
    cooling.fws.supply: 20..45 degC by 2.5
    cooling.tcs.supply: fws + 2..8 K by 1
    house.share: normal(0.5 %, 0.1 %)
    spares: {none: {cooling.fws.pump.spare: 0}, one: {cooling.fws.pump.spare: 1}}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from twin_models.fields import Quantity
from twin_sites import units
from twin_sites.changes import hint_at
from twin_sites.declared import label_of, options_of, quantity_of
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.loader import change_site
from twin_sites.problems import said
from twin_sites.schema import SetPointQuantity, Site

Array = NDArray[np.float64]

NAMED = ("site", "weather", "load")  # axes that are no address
MOST_VALUES = 10_000  # of one axis
SIGMAS = 3.0  # where a normal spread is cut, so that every sample is finite
KINDS = {"uniform": 2, "normal": 2, "triangular": 3}  # spreads and how many numbers each takes
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_UNIT = r"[A-Za-z%°µΔ][\w%°µΔ²³·*/]*"
_BASE = re.compile(r"([A-Za-z_][\w-]*)\s*([+-])\s*(?=[\d.])")
_RANGE = re.compile(
    rf"({_NUMBER})\s*({_UNIT})?\s*\.\.\s*({_NUMBER})\s*({_UNIT})?(?:\s+by\s+({_NUMBER})\s*({_UNIT})?)?"
)
_SPREAD = re.compile(r"([a-z]+)\s*\((.*)\)")
_OFFSET = Quantity("K", "Approach", low=-30.0, high=40.0, bound_source="estimate", difference=True)


class Spread(NamedTuple):
    """A distribution: ``uniform(low, high)``, ``normal(mean, sigma)`` cut at 3 sigma, ``triangular(low, mode, high)``."""

    kind: str
    numbers: tuple[float, ...]  # in the axis' unit

    def at(self, share: Array) -> Array:
        """Values below which ``share`` (0 to 1) of the distribution lies."""
        if self.kind == "uniform":
            low, high = self.numbers
            return low + share * (high - low)
        if self.kind == "normal":
            mean, sigma = self.numbers
            tail = ndtr(-SIGMAS)
            return np.asarray(mean + sigma * ndtri(tail + share * (1.0 - 2.0 * tail)))
        low, mode, high = self.numbers
        peak = (mode - low) / (high - low)
        rising = low + np.sqrt(share * (high - low) * (mode - low))
        return np.where(share < peak, rising, high - np.sqrt((1.0 - share) * (high - low) * (high - mode)))

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value it can give."""
        low, high = self.at(np.array([0.0, 1.0]))
        return float(low), float(high)


@dataclass(frozen=True)
class Axis:
    """One thing that varies: named options with what each changes, or numbers of one address."""

    name: str
    title: str
    unit: str = ""  # of the program; empty for names
    labels: tuple[str, ...] = ()  # of named options
    effects: tuple[Mapping[str, Any], ...] = ()
    numbers: tuple[float, ...] = ()
    spread: Spread | None = None
    prefix: str = ""  # of a set point relative to something: "fws + "
    whole: bool = False

    @property
    def size(self) -> int:
        """Number of options; 0 for a spread."""
        return len(self.labels or self.numbers)

    def changes(self, value: float) -> Mapping[str, Any]:
        """What a value of the design means: an option's effects, or its address set to the number."""
        if self.labels:
            return self.effects[int(value)]
        if self.whole:
            return {self.name: int(value)}
        return {self.name: value if self.unit == "1" else f"{self.prefix}{float(value)!r} {self.unit}"}

    def grid(self) -> Array:
        """Values of all options: numbers, or positions of names."""
        return np.array(self.numbers) if self.numbers else np.arange(float(len(self.labels)))

    def sample(self, share: Array) -> Array:
        """Values at shares from 0 to 1 of a design; options take equal parts."""
        if self.spread is None:
            return self.grid()[np.minimum((share * self.size).astype(np.int64), self.size - 1)]
        values = self.spread.at(share)
        return np.array([units.round_digits(v) for v in (np.round(values) if self.whole else values)])

    def shown(self, values: Array) -> NDArray[Any]:
        """Values of the design as coordinates: names or numbers."""
        if not self.labels:
            return np.asarray(values).astype(np.int64) if self.whole else np.asarray(values)
        return np.array(self.labels)[np.asarray(values).astype(np.int64)]


def read_axis(site: Site, name: str, written: Any, where: str) -> Axis:
    """An axis as written in a study.

    Parameters
    ----------
    site
        Base site, which knows the addresses and their units.
    name, written
        Address or name, and its values.
    where
        How a fault names the place.

    Raises
    ------
    InputError
        With what is wrong, what is allowed and what to try.
    """
    if isinstance(written, Mapping):
        return _variants(site, name, written, where)
    if name in NAMED:
        items = _listed(written, where)
        paths = [str(item) for item in items]
        return Axis(name, name.capitalize(), labels=tuple(paths), effects=tuple({name: p} for p in paths))
    first = written[0] if isinstance(written, Sequence) and not isinstance(written, str) and written else "1"
    try:
        hint = hint_at(site, name, first)
    except InputError as error:
        near = did_you_mean(name, NAMED, only_near=True)
        found = [_placed(problem, where) for problem in error.problems]
        raise InputError([Problem(p.where, p.found, p.allowed, near or p.remedy) for p in found]) from None
    quantity = None if hint is str else quantity_of(hint)
    title = label_of(name.rpartition(".")[2], hint) if hint is not str else "Datasheet"
    if quantity is None:
        return _words(site, name, title, _listed(written, where), options_of(hint), where)
    return _numeric(site, name, title, quantity, written, where)


def _numeric(site: Site, name: str, title: str, quantity: Quantity, written: Any, where: str) -> Axis:
    """An axis over a number: a list, a range with a step, or a spread."""
    prefix, text = "", written
    match = _BASE.match(written.strip()) if isinstance(written, str) else None
    if match and isinstance(quantity, SetPointQuantity):
        prefix, text = f"{match[1]} {match[2]} ", written.strip()[match.end() :]
    read = _OFFSET if prefix else quantity
    whole = quantity.unit == "count"
    common = {
        "name": name,
        "title": title,
        "unit": "K" if prefix else quantity.unit,
        "prefix": prefix,
        "whole": whole,
    }
    if isinstance(text, str):
        if re.fullmatch(rf"({'|'.join(KINDS)})\s*\([^)]*", text.strip()):
            remedy = f"{name}: 'normal(30 degC, 2 K)'"
            raise InputError(
                [Problem(where, f"'{text}'", "a spread in quotes: within {} a comma ends it", remedy)]
            )
        spread = _spread(text, read, where)
        if spread is not None:
            return Axis(spread=spread, **common)  # type: ignore[arg-type]  # the mapping holds what it says
        items: list[Any] = _range(text, where) or [text]
    else:
        items = _listed(text, where)
        bases = [_BASE.match(str(item).strip()) for item in items]
        if isinstance(quantity, SetPointQuantity) and any(bases):
            return _words(site, name, title, items, (), where)
    numbers, problems = [], []
    for item in items:
        try:
            numbers.append(_one(item, read, whole))
        except units.UnitError as error:
            problems.append(Problem(where, error.found, error.allowed, error.remedy))
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
        raise InputError([Problem(where, first.found + more, first.allowed, first.remedy)])
    return Axis(numbers=tuple(numbers), **common)  # type: ignore[arg-type]


def _one(item: Any, quantity: Quantity, whole: bool) -> float:
    """One number in the program's unit, within its bounds."""
    if not whole:
        return units.read(item, quantity)
    try:
        number = float(item)
    except (TypeError, ValueError):
        number = 0.5
    if isinstance(item, bool) or not number.is_integer():
        raise units.UnitError(said(item), "a whole number", "write a whole number such as 12")
    return units.read(
        number, Quantity("1", quantity.label, quantity.low, quantity.high, quantity.bound_source)
    )


def _range(text: str, where: str) -> list[str]:
    """Texts of ``20..45 degC by 2.5``; empty where the text is no range."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or match[5] is None:
        return []
    low, high, step = float(match[1]), float(match[3]), float(match[5])
    unit = match[4] or match[2] or ""
    same = match[2] in (None, unit) and match[6] in (None, unit, {"degC": "K", "°C": "K"}.get(unit, unit))
    count = (high - low) / step if step > 0.0 else -1.0
    if not same or not 0.0 <= count < MOST_VALUES:
        allowed = f"low..high with one unit and a step above zero, at most {MOST_VALUES:,} values"
        raise InputError([Problem(where, f"the range '{text}'", allowed, "20..45 degC by 2.5")])
    steps = np.arange(int(count + 1e-9) + 1)
    return [f"{units.round_digits(low + step * i):.12g} {unit}".strip() for i in steps]


def _spread(text: str, quantity: Quantity, where: str) -> Spread | None:
    """A distribution as written, or None where the text is none; both its ends must be allowed values."""
    plain = _RANGE.fullmatch(text.strip())
    match = _SPREAD.fullmatch(text.strip())
    if plain is not None and plain[5] is None:
        unit = plain[4] or plain[2] or ""
        kind, parts = "uniform", [f"{plain[1]} {plain[2] or unit}".strip(), f"{plain[3]} {unit}".strip()]
    elif match is not None:
        kind, parts = match[1], [part.strip() for part in match[2].split(",")]
    else:
        return None
    if KINDS.get(kind) != len(parts):
        allowed = "uniform(low, high), normal(mean, sigma) or triangular(low, mode, high)"
        remedy = did_you_mean(kind, KINDS) if kind not in KINDS else f"{KINDS[kind]} numbers with units"
        raise InputError([Problem(where, f"'{text}'", allowed, remedy)])
    try:
        wide = Quantity(quantity.unit, quantity.label, difference=quantity.difference)
        sigma = Quantity("K" if quantity.unit == "degC" else quantity.unit, "", difference=True)
        if quantity.unit == "count":
            wide = sigma = Quantity("1", quantity.label)
        kinds = [wide, sigma] if kind == "normal" else [wide] * len(parts)
        spread = Spread(kind, tuple(units.read(p, q) for p, q in zip(parts, kinds, strict=True)))
        if kind == "normal":
            ordered = spread.numbers[1] > 0.0
        else:
            ordered = (
                list(spread.numbers) == sorted(spread.numbers) and spread.numbers[0] < spread.numbers[-1]
            )
        if not ordered:
            raise units.UnitError(f"'{text}'", "low below high, sigma above zero", "check the order")
        for end in spread.ends:
            low, high = quantity.low, quantity.high
            if (low is not None and end < low) or (high is not None and end > high):
                found = f"'{text}' reaches {end:.6g} {quantity.unit.strip('1')}".rstrip()
                raise units.UnitError(found, units.allowed_text(quantity), "a narrower spread")
    except units.UnitError as error:
        raise InputError([Problem(where, error.found, error.allowed, error.remedy)]) from None
    return spread


def _words(site: Site, name: str, title: str, items: list[Any], allowed: tuple[str, ...], where: str) -> Axis:
    """An axis over words: options of a field, datasheets, relative set points; each must make a valid site."""
    labels = tuple(_label(item) for item in items)
    problems = []
    for label, item in dict(zip(labels, items, strict=True)).items():
        if allowed and label not in allowed:
            problems.append(Problem(where, f"'{label}'", ", ".join(allowed), did_you_mean(label, allowed)))
            continue
        try:
            change_site(site, {name: item})
        except InputError as error:  # what another axis may mend is left to the case
            problems += [_placed(p, where) for p in error.problems if name in p.where]
    if problems:
        raise InputError(problems)
    return Axis(name, title, labels=labels, effects=tuple({name: item} for item in items))


def _variants(site: Site, name: str, written: Mapping[str, Any], where: str) -> Axis:
    """An axis of named sets of changes."""
    problems = []
    if not written:
        problems.append(Problem(where, "no option", "names, each with its changes", "base: {}"))
    for label, changes in written.items():
        place = f"{where}.{label}"
        if not isinstance(changes, Mapping):
            remedy = f"{label}: {{cooling.fws.supply: 30 degC}}"
            problems.append(Problem(place, said(changes), "a mapping from address to value", remedy))
            continue
        for address, value in changes.items():
            try:
                if address not in NAMED:
                    hint_at(site, str(address), value)
            except InputError as error:
                problems += [_placed(problem, place) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return Axis(name, name, labels=tuple(map(str, written)), effects=tuple(written.values()))


def _listed(written: Any, where: str) -> list[Any]:
    """Values of a list; a single value stands for a list of one."""
    items = list(written) if isinstance(written, list | tuple | np.ndarray) else [written]
    if not 1 <= len(items) <= MOST_VALUES or any(isinstance(i, Mapping | list | None) for i in items):
        allowed = f"1 to {MOST_VALUES:,} values"
        raise InputError([Problem(where, f"{said(written)}", allowed, "[a, b], or 20..45 degC by 2.5")])
    return items


def _label(item: Any) -> str:
    return {True: "yes", False: "no"}[item] if isinstance(item, bool) else str(item)


def _placed(problem: Problem, where: str) -> Problem:
    """A fault of a change, told at its place in the study."""
    return Problem(where, problem.found, problem.allowed, problem.remedy)
