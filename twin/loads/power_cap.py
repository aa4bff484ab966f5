"""What a power cap of the chips does to a fleet: how much power, how many tokens, how many more racks fit."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from twin_models.rack.rack import respond
from twin_models.work.work import reference_rate, tokens
from twin_sites.schema import Racks

from twin.files import fault
from twin.loads.fleet import Fleet, blocks
from twin.loads.oversubscribe import GRID, PLANNED_AIR_DEGC, PLANNED_LIQUID_DEGC, Array, rack_power


@dataclass(frozen=True)
class Fleetwide:
    """A fleet: power at rack inlets, tokens per second (None where no throughput is known)."""

    mean_kw: float
    highest_kw: float
    tokens_per_s: float | None
    racks: int  # whose highest power is that of the fleet without the cap
    tokens_per_s_all: float | None  # of so many racks


@dataclass(frozen=True)
class PowerCap:
    """The ``--json`` contract of ``twin oversubscribe --power-cap``: the same work without and with the cap."""

    group: str
    power_cap: float  # share of TDP
    averaging_s: float  # of the highest power
    before: Fleetwide
    after: Fleetwide

    def json(self) -> dict[str, Any]:
        """The numbers as plain values."""
        return asdict(self)


def power_cap(racks: Racks, fleet: Fleet, share: float, group: str = "") -> PowerCap:
    """A generated fleet of these racks without and with its chips capped at ``share`` of their TDP.

    More racks fit in proportion to the highest power, that of the whole fleet in one step; coolant and air as planned.
    Raises ``InputError`` for racks without accelerators and caps below idle power.
    """
    chip = racks.accelerator
    if chip is None:
        raise fault(f"racks.{group}", "no accelerators", "racks whose chips can be capped", "--group compute")
    if not chip.idle / chip.tdp < share <= 1.5:
        allowed = f"above idle power, {100 * chip.idle / chip.tdp:.3g} %, up to 150 % of TDP"
        raise fault("--power-cap", f"{100 * share:g} %", allowed, "--power-cap '80 %'")
    capped = replace(racks, accelerator=replace(chip, power_cap=share))
    free, held = _fleet(racks, fleet), _fleet(capped, fleet)
    more = int(fleet.racks * free.highest_kw / held.highest_kw + 1e-9)
    rate = None if held.tokens_per_s is None else held.tokens_per_s * more / fleet.racks
    return PowerCap(group, share, fleet.step_s, free, replace(held, racks=more, tokens_per_s_all=rate))


def _fleet(racks: Racks, fleet: Fleet) -> Fleetwide:
    speed = _tokens(racks)
    power, rates = [], []
    for block in blocks(fleet):
        power.append(rack_power(block, racks).sum(axis=0))
        if speed is not None:
            grid = np.linspace(0.0, 1.0, GRID)
            rates.append(float(np.interp(np.maximum(block, 0.0), grid, speed).sum()))
    site = np.concatenate(power)
    rate = sum(rates) / site.size if speed is not None else None
    return Fleetwide(float(site.mean()) / 1e3, float(site.max()) / 1e3, rate, fleet.racks, rate)


def _tokens(racks: Racks) -> Array | None:
    """Tokens per second of one rack at activities from 0 to 1."""
    chip, work = racks.accelerator, racks.work
    known = reference_rate(work, chip) if work is not None and chip is not None else None
    if known is None or work is None or chip is None:
        return None
    grid = np.linspace(0.0, 1.0, GRID)
    flow = racks.liquid.rated_flow if racks.liquid is not None else 0.0
    done = respond(grid, PLANNED_LIQUID_DEGC, flow, PLANNED_AIR_DEGC, racks).done
    return np.asarray(racks.accelerators * tokens(grid, done, known.tokens, work, chip))


def lines(found: PowerCap) -> list[str]:
    """The answer in words."""
    old, new = found.before, found.after
    rows = [
        f"Chips of {found.group} capped at {100 * found.power_cap:g} % of TDP (power at rack inlets, means of {found.averaging_s:g} s)",
        f"  highest power    {old.highest_kw:>12,.0f} kW   -> {new.highest_kw:>12,.0f} kW   {_change(old.highest_kw, new.highest_kw)}",
        f"  mean power       {old.mean_kw:>12,.0f} kW   -> {new.mean_kw:>12,.0f} kW   {_change(old.mean_kw, new.mean_kw)}",
    ]
    if old.tokens_per_s is None or new.tokens_per_s is None or new.tokens_per_s_all is None:
        rows.append(
            "  tokens: not known; state what the racks work on, e.g. --set racks.NAME.work.use=llama2-70b-serving"
        )
    else:
        rows.append(
            f"  tokens per s     {old.tokens_per_s:>12,.0f}      -> {new.tokens_per_s:>12,.0f}      {_change(old.tokens_per_s, new.tokens_per_s)}"
        )
    rows.append(
        f"  racks that fit   {old.racks:>12,}      -> {new.racks:>12,}      {_change(old.racks, new.racks)}, under the highest power without the cap"
    )
    if old.tokens_per_s is not None and new.tokens_per_s_all is not None:
        rows.append(
            f"  tokens per s of so many racks        {new.tokens_per_s_all:>15,.0f}      {_change(old.tokens_per_s, new.tokens_per_s_all)}"
        )
    return rows


def _change(old: float, new: float) -> str:
    return f"{100 * (new / old - 1):+.1f} %" if old else "—"
