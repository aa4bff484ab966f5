"""How near each part comes to its limit: read from a result, worst first."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from twin.metrics import UNMET_K, Summary
from twin_dashboard import format as fmt
from twin_dashboard.kept import kept
from twin_dashboard.names import link_name, readable

AMPLE_K = 40.0  # a chip this far below throttling uses none of its margin
WATCH = 0.9  # share of a limit from which it is worth watching


@dataclass(frozen=True)
class Margin:
    """One limit and how much of it is used."""

    address: str
    name: str
    used: float  # 1 is the limit
    value: str
    limit: str
    hours: float  # beyond the limit
    when: int  # step of the worst

    @property
    def state(self) -> str:
        """'bad' beyond the limit, 'watch' near it, else ''."""
        return "bad" if self.hours > 0.0 else "watch" if self.used >= WATCH else ""


@kept
def margins(ds: xr.Dataset, system: str = "si") -> list[Margin]:
    """Every limit of a result, the worst first. Read only: the list is shared."""
    step_h = float(ds.attrs["step_s"]) / 3600.0
    found = [
        *_chips(ds, step_h, system),
        *_supplies(ds, step_h, system),
        *_links(ds, step_h),
        *_feeders(ds, step_h),
    ]
    return sorted(found, key=lambda m: (m.hours <= 0.0, -m.used))


def _chips(ds: xr.Dataset, step_h: float, system: str) -> list[Margin]:
    out = []
    for i, rack in enumerate(ds["rack"].values):
        limit, chip = float(ds["rack_throttle_temperature"].values[i]), ds["rack_chip_temperature"].values[i]
        if not np.isfinite(limit) or not np.isfinite(chip).any():
            continue
        worst = int(np.nanargmax(chip))
        over = float((ds["rack_throttled"].values[i] > 0.0).sum() * step_h)
        out.append(
            Margin(
                f"racks.{rack}", f"Chips of {rack}", 1.0 - (limit - float(chip[worst])) / AMPLE_K,
                fmt.text(float(chip[worst]), "temperature", system), fmt.text(limit, "temperature", system), over, worst,
            )
        )  # fmt: skip
    return out


def _supplies(ds: xr.Dataset, step_h: float, system: str) -> list[Margin]:
    out = []
    for i, loop in enumerate(ds["loop"].values):
        if ds["loop_role"].values[i] == "condenser":
            continue
        gap = ds["loop_supply_temperature"].values[i] - ds["loop_set_point"].values[i]
        worst, over = int(np.argmax(gap)), float((gap > UNMET_K).sum() * step_h)
        if over > 0.0:
            out.append(
                Margin(
                    loop, f"Supply of {readable(loop)}", 1.0 + float(gap[worst]) / AMPLE_K,
                    f"{fmt.text(float(gap[worst]), 'difference', system)} above set point", fmt.text(UNMET_K, "difference", system), over, worst,
                )
            )  # fmt: skip
    return out


def _links(ds: xr.Dataset, step_h: float) -> list[Margin]:
    """The last link of a loop must hold what is left of the heat; those before it may run full."""
    loops = list(ds["link_loop"].values)
    floating = set(
        ds["loop"].values[ds["loop_role"].values == "condenser"]
    )  # as cold as the weather allows: full by design
    out = []
    for i, link in enumerate(ds["link"].values):
        if loops[i] in loops[i + 1 :] or loops[i] in floating:
            continue
        heat, capacity = ds["link_heat"].values[i], ds["link_capacity"].values[i]
        with np.errstate(invalid="ignore", divide="ignore"):
            use = np.where(heat > 1.0, heat / np.maximum(capacity, 1.0), 0.0)
        worst = int(np.argmax(use))
        out.append(
            Margin(
                link,
                link_name(link),
                min(float(use[worst]), 1.0),
                f"{100 * min(use[worst], 1.0):.0f} %",
                "100 % of its capacity",
                0.0,
                worst,
            )
        )
    return out


def _feeders(ds: xr.Dataset, step_h: float) -> list[Margin]:
    out = []
    for i, feeder in enumerate(ds["feeder"].values):
        use = ds["feeder_utilisation"].values[i]
        worst = int(np.argmax(use))
        if np.isfinite(use[worst]) and use[worst] > 0.0:
            over = float((use > 1.0).sum() * step_h)
            name = readable(feeder)
            out.append(
                Margin(
                    f"power.{feeder}",
                    name,
                    float(use[worst]),
                    f"{100 * use[worst]:.0f} %",
                    "100 % of its rating",
                    over,
                    worst,
                )
            )
    return out


@dataclass(frozen=True)
class Warning:
    """One line for a person: state ('bad', 'watch' or ''), what in bold, the rest, and the step to look at."""

    state: str
    head: str
    tail: str
    address: str = ""
    when: int | None = None


def warnings(ds: xr.Dataset, summary: Summary, found: list[Margin], system: str = "si") -> list[Warning]:
    """What is passed, worst first; then where models are outside their range; at last what gives way next."""
    out = []
    for margin in found:
        if margin.state != "bad":
            continue
        if margin.address.startswith("racks."):
            head = f"Chips of {margin.address[6:]} throttle for {fmt.number(margin.hours, 'hours')} h"
            tail = f": up to {margin.value}, limit {margin.limit}."
        elif margin.address.startswith("power."):
            head, tail = (
                f"{margin.name} is over its rating for {fmt.number(margin.hours, 'hours')} h",
                f": up to {margin.value}.",
            )
        else:
            head, tail = (
                f"{margin.name} misses its set point for {fmt.number(margin.hours, 'hours')} h",
                f": up to {margin.value}{_reason(margin.address, summary)}.",
            )
        out.append(Warning("bad", head, tail, margin.address, margin.when))
    near = next((m for m in found if m.state != "bad"), None)
    own = ("throttle", "supply misses", "over its rating")
    others = [
        Warning("watch", *_parts(line))
        for line in summary.warnings
        if not any(words in line for words in own)
    ]
    passed = bool(out) or any("limit" in warning.tail for warning in others)
    last = [_next(near, passed)] if near is not None else []
    out += [*last, *others] if near is not None and near.state == "watch" else [*others, *last]
    return out or [Warning("", "No limit is passed.", "")]


def _parts(line: str) -> tuple[str, str]:
    head, separator, tail = line.partition(": ")
    return head, f"{separator}{tail}"


def _reason(loop: str, summary: Summary) -> str:
    """Why a supply is missed, in the engine's words."""
    line = next((text for text in summary.warnings if text.startswith(f"{loop}: supply misses")), "")
    return f"; {line.partition('; ')[2].rstrip('.').replace('_', ' ')}" if "; " in line else ""


def _next(near: Margin, others: bool) -> Warning:
    lead = "Next to give way" if others else "No limit is passed. Next to give way"
    return Warning(
        near.state, lead, f": {near.name} at {near.value}, limit {near.limit}.", near.address, near.when
    )
