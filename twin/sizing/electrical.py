"""Electrical architectures from the transformers to the racks, and the current of one rack at each voltage."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from twin_models.pdu import pdu
from twin_sites import catalogue
from twin_sites.errors import InputError, Problem
from twin_sites.schema import Pdus, Racks, UpsModules

from twin.sizing.datasheets import typed

Kind = Literal["three-phase", "dc"]
PEAK_OVER_RATING = 1.15  # EDPp over rating where a rack publishes none (155/135 of GB300)
CONTINUOUS = 1.25  # breaker over continuous current (NFPA 70, 210.20 and 215.3: 125 % unless 100 %-rated)
# Standard ampere ratings of NFPA 70, 240.6(A), from 60 A
BREAKERS = (
    60, 70, 80, 90, 100, 110, 125, 150, 175, 200, 225, 250, 300, 350, 400, 450, 500, 600, 700, 800,
    1000, 1200, 1600, 2000, 2500, 3000, 4000, 5000, 6000,
)  # fmt: skip
DC_STAGE, DC_STAGE_W = "dc800-sidecar-stage", 110e3


class Architecture(NamedTuple):
    """Voltage at the racks, and the catalogue's products that make it."""

    volts: float
    kind: Kind
    ways: tuple[str, ...]  # beginnings of busways' names
    panels: tuple[str, ...]  # of PDUs' and panels'
    sidecar: bool  # a rectifier beside each compute rack


ARCHITECTURES = {
    "415-vac": Architecture(415.0, "three-phase", ("busway-415v",), ("rpp-415v",), False),
    "480-vac": Architecture(480.0, "three-phase", ("busway-480v",), ("pdu-",), False),  # PDUs with a transformer
    "800-vdc": Architecture(800.0, "dc", ("busway-800vdc",), (), False),
    "800-vdc-sidecar": Architecture(415.0, "three-phase", ("busway-415v",), ("rpp-415v",), True),
}  # fmt: skip


@dataclass(frozen=True)
class Current:
    """One rack at one voltage, at unity power factor."""

    volts: float
    kind: Kind
    rated_a: float
    peak_a: float
    breaker_a: (
        int | None
    )  # smallest standard rating for 125 % of the rated current and for the peak; None above all
    taken: bool  # the architecture sized


def peak_of(rack: Racks) -> float:
    """Highest power of a rack in W, for breakers and busways."""
    return rack.peak or PEAK_OVER_RATING * rack.tdp


def currents(rack: Racks, architecture: str) -> tuple[Current, ...]:
    """Current of one rack at the usual voltages; see `pdu.current`."""
    taken = ARCHITECTURES[architecture]
    found = []
    for volts, kind in (
        (208.0, "three-phase"),
        (415.0, "three-phase"),
        (480.0, "three-phase"),
        (800.0, "dc"),
    ):
        rated, peak = (float(pdu.current(power, volts, kind)) for power in (rack.tdp, peak_of(rack)))  # type: ignore[arg-type]
        needed = max(CONTINUOUS * rated, peak)
        breaker = next((size for size in BREAKERS if size >= needed), None)
        here = volts == taken.volts or (taken.sidecar and kind == "dc")
        found.append(Current(volts, kind, rated, peak, breaker, here))  # type: ignore[arg-type]
    return tuple(found)


def built_for_dc(slug: str) -> bool:
    """Whether a rack of the catalogue takes 800 VDC and nothing else."""
    shelf = catalogue.datasheet(slug).values.get("shelf")
    return isinstance(shelf, dict) and shelf.get("use") == DC_STAGE


def modules(rectifiers: bool) -> dict[str, UpsModules]:
    """UPS modules of the catalogue, or the rectifiers that stand in their place."""
    return {
        slug: typed(slug, UpsModules, ("power", "ups"))
        for slug in catalogue.names("ups")
        if slug.startswith("rectifier") == rectifiers
    }


def ways(rack: Racks, architecture: str, distribution: str) -> dict[str, float]:
    """Rating in W of the busways, or PDUs, that one rack's peak does not pass.

    Raises
    ------
    InputError
        Where none carries one rack.
    """
    one = ARCHITECTURES[architecture]
    starts = one.ways if distribution == "busway" else one.panels
    known = {
        s: typed(s, Pdus, ("power", "busway")).rating for s in catalogue.names("pdu") if s.startswith(starts)
    }
    found = {
        slug: rating for slug, rating in known.items() if rating >= max(peak_of(rack), CONTINUOUS * rack.tdp)
    }
    if not found:
        most = max(known.values(), default=0.0)
        what = f"{distribution} of up to {most / 1e3:,.0f} kW, for a rack of {CONTINUOUS * rack.tdp / 1e3:,.0f} kW with 125 % for continuous load"
        raise InputError(
            [Problem("electrical", what, "one that carries a rack", "a busway, a higher voltage, or 800-vdc")]
        )
    return found


def rack_stage(rack: Racks, architecture: str, compute: bool) -> dict[str, Any]:
    """What a rack's supplies are where it is fed with 800 VDC; nothing otherwise."""
    one = ARCHITECTURES[architecture]
    if one.kind != "dc" and not (one.sidecar and compute):
        return {}
    shelves = max(2, -(-int(peak_of(rack)) // int(DC_STAGE_W)) + 1) if compute else 1
    return {"shelf": {"use": DC_STAGE}, "shelves": shelves}


def as_json(rack: Racks, architecture: str) -> list[dict[str, Any]]:
    """Currents as plain values."""
    return [asdict(one) for one in currents(rack, architecture)]
