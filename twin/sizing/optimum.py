"""The best set points of a facility: what costs, draws, drinks or emits least over a year within every limit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, floor, isfinite
from typing import Any, Literal, get_args

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from twin_sites.changes import hint_at
from twin_sites.declared import quantity_of
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.loader import change_site
from twin_sites.money import currency
from twin_sites.schema import Site

from twin.annual import simulate
from twin.errors import RunError
from twin.metrics import Summary, summarize
from twin.sizing.proof import shortfalls
from twin.tables import table
from twin.weather import Weather, load_weather

Objective = Literal["energy", "cost", "water", "carbon"]
GRID = 9  # values of a single variable that are always shown
FINE = 1 / 200  # of the range, where the search of one variable stops
CALLS = 160  # of a search over several variables
PENALTY = 1.0  # relative, of a case that misses a limit: the search turns back
RANGE = re.compile(
    r"^\s*(?P<prefix>[A-Za-z_][\w-]*\s*[+]\s*)?(?P<low>-?\d+(\.\d+)?)\s*(\.\.)\s*(?P<high>-?\d+(\.\d+)?)\s*(?P<unit>.*)$"
)


@dataclass(frozen=True)
class Span:
    """What may vary: an address, from a low to a high number of its unit."""

    address: str
    low: float
    high: float
    unit: str
    prefix: str = ""  # of a set point above another loop or the weather, e.g. ``fws + ``
    whole: bool = False  # counts: only whole numbers are tried

    def written(self, value: float) -> str:
        """A value as a site file writes it; of a count the nearest whole number."""
        if self.whole:
            return f"{round(value)}"
        return f"{self.prefix}{value:.6g} {self.unit}".strip()


@dataclass(frozen=True)
class Trial:
    """One year: the values, what it amounts to, and what falls short."""

    values: Mapping[str, str]
    objective: float  # kWh, currency, m3 or kg of the run
    pue: float | None
    wue: float | None
    shortfalls: tuple[str, ...]


@dataclass(frozen=True)
class Optimum:
    """The best trial that meets every limit, the facility as it stands, and all that was tried."""

    objective: str
    unit: str  # of the objective
    best: Trial | None
    now: Trial
    trials: tuple[Trial, ...]

    def json(self) -> dict[str, Any]:
        """The optimum as plain values."""
        return asdict(self)


def read_span(text: str) -> Span:
    """``cooling.fws.supply=25..45 degC`` or ``cooling.tcs.supply=fws + 2..8 K`` as a span.

    Raises
    ------
    InputError
        For any other form, and for a low end that is not below the high one.
    """
    address, _, values = text.partition("=")
    match = RANGE.match(values)
    if match is None or float(match["low"]) >= float(match["high"]):
        raise InputError(
            [
                Problem(
                    f"--vary {text}",
                    "no range",
                    "ADDRESS=LOW..HIGH UNIT, low below high",
                    "cooling.fws.supply='25..45 degC'",
                )
            ]
        )
    return Span(
        address.strip(),
        float(match["low"]),
        float(match["high"]),
        match["unit"].strip(),
        match["prefix"] or "",
    )


def checked_spans(site: Site, spans: Sequence[Span]) -> list[Span]:
    """The spans, with whole numbers where their address is a count; both ends of all are values that a site may have.

    Raises
    ------
    InputError
        For an unknown address, an end that is out of bounds and an end of a count that is no whole number.
    """
    found = []
    for span in spans:
        quantity = quantity_of(hint_at(site, span.address, span.written(span.low)))
        whole = quantity is not None and quantity.unit == "count"
        if whole and not (span.low.is_integer() and span.high.is_integer() and not span.unit):
            at = f"--vary {span.address}={span.low:g}..{span.high:g} {span.unit}".rstrip()
            remedy = f"{span.address}={floor(span.low)}..{ceil(span.high)}"
            raise InputError([Problem(at, "a count with other ends", "whole numbers without a unit", remedy)])
        found.append(replace(span, whole=whole))
    for end in ("low", "high"):  # both must be valid before anything is simulated
        change_site(site, {span.address: span.written(getattr(span, end)) for span in found})
    return found


def optimise(
    site: Site, spans: Sequence[Span], objective: str = "cost", weather: Weather | str | None = None, load: Any = None
) -> Optimum:  # fmt: skip
    """Best values of some addresses over a year.

    Parameters
    ----------
    site
        The facility.
    spans
        What may vary. One variable is swept and then refined (Brent's method within the bracket of the best swept value);
        several are searched by Powell's method from the middle of the best of a coarse grid. Counts are searched in whole
        numbers: the search rounds to the nearest one and simulates each only once.
    objective
        ``energy`` (facility energy), ``cost`` (energy and water), ``water`` or ``carbon``, of the run.
    weather, load
        As of ``simulate``.

    Returns
    -------
    Optimum
        ``best`` is None where no trial meets every limit.

    Raises
    ------
    InputError
        For an unknown objective or address and values that a change may not have.
    """
    check_objective(objective, "--minimise")
    if not spans:
        raise InputError(
            [
                Problem(
                    "--vary",
                    "nothing to vary",
                    "at least one range",
                    "--vary cooling.fws.supply='25..45 degC'",
                )
            ]
        )
    air = weather if isinstance(weather, Weather) else load_weather(weather or site.site.weather)
    spans = checked_spans(site, spans)
    trials: dict[tuple[str, ...], Trial] = {}

    def run(x: Sequence[float]) -> float:
        values = {span.address: span.written(float(value)) for span, value in zip(spans, x, strict=True)}
        key = tuple(values.values())
        if key not in trials:
            trials[key] = _trial(site, values, objective, air, load)
        trial = trials[key]
        return trial.objective * (1.0 + PENALTY) if trial.shortfalls else trial.objective

    now = _trial(site, {}, objective, air, load)
    if len(spans) == 1:
        low, high = spans[0].low, spans[0].high
        grid = np.linspace(low, high, GRID)
        if spans[0].whole:
            grid = np.unique(np.round(grid))
        worth = [run([value]) for value in grid]
        i = int(np.argmin(worth))
        around = (grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)])
        minimize_scalar(
            lambda value: run([value]),
            bounds=around,
            method="bounded",
            options={"xatol": FINE * (high - low)},
        )
    else:
        corners = (
            np.array(np.meshgrid(*[[0.25, 0.75]] * len(spans))).reshape(len(spans), -1).T
            if len(spans) <= 4
            else np.full((1, len(spans)), 0.5)
        )
        lows = np.array([span.low for span in spans])
        widths = np.array([span.high - span.low for span in spans])
        start = min(corners, key=lambda corner: run(lows + corner * widths))
        minimize(  # type: ignore[call-overload]  # the stubs want arrays where sequences are taken
            lambda x: run(lows + np.asarray(x) * widths), start, method="Powell", bounds=[(0.0, 1.0)] * len(spans),
            options={"maxfev": CALLS, "xtol": 0.01, "ftol": 1e-6},
        )  # fmt: skip
    met = [trial for trial in trials.values() if not trial.shortfalls]
    best = min(met, key=lambda trial: trial.objective) if met else None
    return Optimum(objective, unit_of(objective, site), best, now, tuple(trials.values()))


def unit_of(objective: str, site: Site) -> str:
    """Unit of an aim; costs are in the money of the site."""
    return {"energy": "kWh", "cost": currency(site), "water": "m3", "carbon": "kg"}[objective]


def text(found: Optimum) -> str:
    """What was tried, and the best, for a terminal."""

    def row(name: str, trial: Trial) -> dict[str, str]:
        return {
            "": name, "values": ", ".join(f"{a} {v}" for a, v in trial.values.items()) or "as it stands",
            f"{found.objective} [{found.unit}]": f"{trial.objective:,.0f}" if isfinite(trial.objective) else "—", "PUE": "—" if trial.pue is None else f"{trial.pue:.4f}",
            "WUE [L/kWh]": "—" if trial.wue is None else f"{trial.wue:.3f}", "falls short": "; ".join(trial.shortfalls[:2]),
        }  # fmt: skip

    shown = [
        row("now", found.now),
        *(row("", trial) for trial in sorted(found.trials[:GRID], key=lambda t: t.objective)),
    ]
    shown += [row("best", found.best)] if found.best else []
    end = "" if found.best else "\n\nNo trial meets every limit."
    return table(shown, ("values", "falls short")) + end


def _trial(site: Site, values: Mapping[str, str], objective: str, air: Weather, load: Any) -> Trial:
    try:
        ds = simulate(site, changes=values, weather=air, load=load)
    except RunError as error:
        return Trial(values, float("inf"), None, None, (str(error),))
    summary = summarize(ds)
    return Trial(values, worth(summary, objective), summary.pue, summary.wue_l_per_kwh, tuple(shortfalls(ds)))


def check_objective(word: str, where: str) -> None:
    """Refuse an unknown aim."""
    known = get_args(Objective)
    if word not in known:
        raise InputError([Problem(where, f"'{word}'", " | ".join(known), did_you_mean(word, known))])


def worth(summary: Summary, objective: str) -> float:
    """One aim of a run: kWh, currency, m³ or kg."""
    return {
        "energy": summary.facility_energy_kwh,
        "cost": summary.energy_cost + summary.water_cost,
        "water": summary.water_m3,
        "carbon": summary.carbon_kg,
    }[objective]
