"""What is wanted of a facility: declared once, read by the command line, the dashboard and scripts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from twin_models.fields import Choice, Parameters, Quantity
from twin_sites import catalogue
from twin_sites.building import read_typed
from twin_sites.declared import hints, quantity_of
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.schema import Racks

from twin.sizing.datasheets import typed
from twin.sizing.electrical import built_for_dc
from twin.sizing.technologies import BUILT_FOR as FITS
from twin.sizing.technologies import FORMS, Technology, cooled_by, form_of, takes_doors, technology

Plant = Literal["best", "dry", "adiabatic", "tower"]
Redundancy = Literal["N", "N+1", "N+2", "2N"]
Electrical = Literal["auto", "415-vac", "480-vac", "800-vdc", "800-vdc-sidecar"]
Cooling = Literal[
    "as-built", "best", "direct-to-chip", "liquid-to-air", "immersion", "two-phase", "rear-door", "air"
]
AMOUNTS = ("accelerators", "racks", "it_power", "utility_power", "tokens")


@dataclass(frozen=True, kw_only=True)
class Requirements(Parameters):
    """What is wanted, in SI. One of ``accelerators``, ``racks``, ``it_power`` and ``utility_power`` says how much."""

    system: Annotated[str, Choice("Rack system")] = "nvidia-gb300-nvl72"
    accelerators: Annotated[int | None, Quantity("count", "Accelerators", low=1, high=10_000_000)] = None
    racks: Annotated[int | None, Quantity("count", "Compute racks", low=1, high=100_000)] = None
    it_power: Annotated[
        float | None, Quantity("W", "IT power", low=1e3, high=1e10, shown="MW", shown_ip="MW")
    ] = None
    utility_power: Annotated[
        float | None, Quantity("W", "Utility power", low=1e3, high=1e10, shown="MW", shown_ip="MW")
    ] = None
    risk: Annotated[
        float | None,
        Quantity(
            "1",
            "Share of time above the utility power",
            low=0.0,
            high=0.5,
            bound_source="estimate",
            shown="%",
            shown_ip="%",
        ),
    ] = None
    averaging: Annotated[
        float,
        Quantity(
            "s",
            "Averaging time of the utility meter",
            low=60.0,
            high=3600.0,
            bound_source="estimate",
            shown="min",
            shown_ip="min",
        ),
    ] = 900.0
    fleet: Annotated[
        Literal["mixed", "training", "inference", "research"], Choice("What the racks run, for the risk")
    ] = "mixed"
    tokens: Annotated[
        float | None,
        Quantity("1/s", "Tokens per second of busy racks", low=1.0, high=1e12, bound_source="estimate"),
    ] = None
    work: Annotated[str, Choice("What the racks work on; empty where only power matters")] = ""
    weather: Annotated[str, Choice("Weather year")] = "ashburn"
    load: Annotated[str, Choice("Load of the proving year")] = "mixed"
    cooling: Annotated[Cooling, Choice("Cooling technology")] = "as-built"
    doors: Annotated[
        Literal["auto", "none", "passive", "active"], Choice("Rear doors behind compute racks")
    ] = "auto"
    legacy: Annotated[int, Quantity("count", "Legacy air racks in the same hall", low=0, high=100_000)] = 0
    plant: Annotated[Plant, Choice("Heat rejection")] = "best"
    water: Annotated[bool, Choice("Evaporation of water allowed")] = True
    redundancy: Annotated[Redundancy, Choice("Redundancy")] = "N+1"
    electrical: Annotated[Electrical, Choice("Electrical architecture")] = "auto"
    distribution: Annotated[Literal["busway", "pdu"], Choice("Distribution to the racks")] = "busway"
    power_redundancy: Annotated[
        Literal["same", "N", "N+1", "N+2", "2N", "block"], Choice("Redundancy of the power chain")
    ] = "same"
    supply: Annotated[
        float | None, Quantity("degC", "Facility water supply", low=15.0, high=50.0, bound_source="estimate")
    ] = None
    optimal_supply: Annotated[
        bool, Choice("Facility water supply of the lowest bill of energy and water")
    ] = False
    dynamic: Annotated[bool, Choice("Prove every single failure in time too")] = False
    approach: Annotated[
        float | None,
        Quantity(
            "K", "Approach of CDUs or tanks", low=2.0, high=15.0, bound_source="estimate", difference=True
        ),
    ] = None
    cdu: Annotated[str, Choice("CDU product; empty picks one")] = ""
    design: Annotated[Literal["0.4%", "extreme"], Choice("Design day")] = "extreme"
    growth: Annotated[
        float, Quantity("1", "Growth that the plant is sized for", low=0.0, high=5.0, bound_source="estimate", shown="%", shown_ip="%")
    ] = 0.0  # fmt: skip
    # 1.2 MW all-in of a unit of 8 GB200 racks of 132 kW: NVIDIA DGX SuperPOD GB200 reference architecture
    support: Annotated[
        float, Quantity("1", "Network and storage power over compute power", low=0.0, high=2.0, bound_source="estimate", shown="%", shown_ip="%")
    ] = 0.136  # fmt: skip
    loading: Annotated[
        float, Quantity("1", "Most load of electrical units over rating", low=0.3, high=1.0, bound_source="estimate", shown="%", shown_ip="%")
    ] = 0.9  # fmt: skip
    ambient_offset: Annotated[
        float, Quantity("K", "Plant air above the weather", low=0.0, high=10.0, bound_source="estimate", difference=True)
    ] = 1.0  # fmt: skip
    quiet: Annotated[bool, Choice("Low-noise outdoor coolers only")] = False
    noise: Annotated[
        float | None,
        Quantity("1", "Sound level allowed, dB(A)", low=10.0, high=120.0, bound_source="estimate"),
    ] = None
    noise_distance: Annotated[
        float, Quantity("m", "Distance at which it is allowed", low=1.0, high=1e5, bound_source="estimate")
    ] = 100.0
    ride_through: Annotated[
        float,
        Quantity(
            "s",
            "Time that a buffer carries the facility loops",
            low=0.0,
            high=7200.0,
            bound_source="estimate",
        ),
    ] = 0.0
    battery: Annotated[
        float, Quantity("s", "Battery time at full UPS load", low=0.0, high=7200.0, bound_source="estimate")
    ] = 300.0
    water_storage: Annotated[
        float,
        Quantity(
            "s",
            "Make-up water stored for",
            low=0.0,
            high=30 * 86400.0,
            bound_source="estimate",
            shown="day",
            shown_ip="day",
        ),
    ] = 86400.0
    budget: Annotated[
        float | None,
        Quantity(
            "1",
            "Capital for the plant, in the currency of the costs",
            low=0.0,
            high=1e13,
            bound_source="estimate",
        ),
    ] = None
    costs: Annotated[str, Choice("File of unit costs; empty takes the shipped ones")] = ""
    energy_price: Annotated[
        float, Quantity("currency/J", "Energy price", low=0.0, high=1e-6, bound_source="estimate")
    ] = 0.08 / 3.6e6


def checked(wanted: Requirements) -> Racks:
    """The rack of the requirements.

    Raises
    ------
    InputError
        With every fault of the requirements at once.
    """
    problems = _bounds(wanted)
    given = [name for name in AMOUNTS if getattr(wanted, name) is not None]
    if len(given) != 1:
        found = " and ".join(given) if given else "no amount"
        problems.append(
            Problem("requirements", found, f"exactly one of {', '.join(AMOUNTS)}", "8 racks, say")
        )
    if wanted.risk is not None and wanted.utility_power is None:
        problems.append(
            Problem("risk", "no utility power that could be passed", "risk with utility_power", "20 MW, say")
        )
    if not problems and abs(3600.0 / wanted.averaging % 1.0) > 1e-9:
        problems.append(Problem("averaging", f"{wanted.averaging:g} s", "a divisor of an hour", "15 min"))
    if not wanted.water and wanted.plant in ("adiabatic", "tower"):
        problems.append(
            Problem("plant", f"{wanted.plant}, and no water allowed", "dry", "the dry plant, or allow water")
        )
    racks = [slug for slug in catalogue.names("rack") if cooled_by(slug)]
    if wanted.system not in racks:
        found = f"'{wanted.system[:60]}'"
        problems.append(
            Problem(
                "system",
                found,
                "a rack with accelerators that 'twin show racks' lists",
                did_you_mean(wanted.system, racks),
            )
        )
    elif wanted.cooling not in ("as-built", "best", *FITS[form_of(wanted.system)]):
        own = FITS[form_of(wanted.system)]
        built = [slug for slug in racks if wanted.cooling in FITS[form_of(slug)]]
        found = f"{wanted.cooling} for '{wanted.system}', which is {FORMS[form_of(wanted.system)]}"
        problems.append(Problem("cooling", found, " or ".join(own), did_you_mean(wanted.system, built)))
    elif wanted.doors == "none" and technology_of(wanted).doors:
        problems.append(
            Problem("doors", "none, where doors take all heat", "passive, active or auto", "or cooling: air")
        )
    elif wanted.doors in ("passive", "active") and not takes_doors(technology_of(wanted)):
        found = f"{wanted.doors} doors with {technology_of(wanted).name}"
        allowed = "doors behind air-cooled racks (cooling: rear-door), or behind racks with plates"
        problems.append(Problem("doors", found, allowed, "leave doors out"))
    if wanted.system in racks and wanted.electrical.endswith("vac") and built_for_dc(wanted.system):
        found = f"{wanted.electrical} for '{wanted.system}', which is built for 800 VDC"
        problems.append(Problem("electrical", found, "800-vdc or 800-vdc-sidecar", "leave electrical out"))
    direct = wanted.electrical == "800-vdc"
    if direct and (wanted.distribution == "pdu" or wanted.power_redundancy == "block" or wanted.legacy):
        found = "PDUs, block redundancy or legacy racks on 800 VDC"
        problems.append(
            Problem("electrical", found, "busways, other redundancy, no legacy racks", "or 800-vdc-sidecar")
        )
    if wanted.cdu and wanted.cdu not in catalogue.names("cdu"):
        remedy = did_you_mean(wanted.cdu, catalogue.names("cdu"))
        problems.append(Problem("cdu", f"'{wanted.cdu[:60]}'", "a CDU that 'twin show cdus' lists", remedy))
    if wanted.work and wanted.work not in catalogue.names("work"):
        remedy = did_you_mean(wanted.work, catalogue.names("work"))
        problems.append(
            Problem("work", f"'{wanted.work[:60]}'", "a work that 'twin show works' lists", remedy)
        )
    if wanted.tokens is not None and not wanted.work:
        problems.append(
            Problem(
                "tokens", "no work that says what a token is", "tokens with work", "work: llama2-70b-serving"
            )
        )
    if wanted.optimal_supply and wanted.supply is not None:
        problems.append(
            Problem("supply", f"{wanted.supply:g} °C and the optimal one", "one of both", "leave one out")
        )
    warm = wanted.supply is not None or wanted.optimal_supply
    if not problems and warm and wanted.cooling != "best" and not technology_of(wanted).facility:
        found = f"a facility supply for {technology_of(wanted).name}, which has chilled water for its air handlers only"
        problems.append(Problem("supply", found, "none", "leave supply out, or ask for direct-to-chip"))
    if problems:
        raise InputError(problems)
    rack: Racks = typed(wanted.system, Racks, ("racks", "compute"))
    return rack


def _bounds(wanted: Requirements) -> list[Problem]:
    """Numbers outside their declared bounds; text is held to them where it is read, Python's own numbers here."""
    problems = []
    for name, hint in hints(Requirements).items():
        value, about = getattr(wanted, name), quantity_of(hint)
        if value is None or about is None:
            continue
        low = -math.inf if about.low is None else about.low
        high = math.inf if about.high is None else about.high
        if not (low <= value <= high and math.isfinite(value)):
            unit = "" if about.unit in ("1", "count") else f" {about.unit}"
            allowed = f"{low:g} to {high:g}{unit}"
            problems.append(Problem(name, f"{value:g}{unit}", allowed, f"'{about.label}' in that range"))
    return problems


def read_requirements(written: Mapping[str, Any]) -> Requirements:
    """Requirements from text with units, as a person writes them: ``{"it_power": "10 MW", "supply": "95 degF"}``.

    Raises
    ------
    InputError
        With every value that cannot be read, and every name that is no requirement.
    """
    known = {field.name for field in fields(Requirements)}
    problems = [
        Problem(f"requirements.{name}", "an unknown requirement", "a field of Requirements", did_you_mean(name, known))
        for name in written if name not in known
    ]  # fmt: skip
    given = {name: value for name, value in written.items() if name in known}
    wanted = None
    try:
        wanted = read_typed(given, Requirements)
    except InputError as error:
        problems += error.problems
    if problems or wanted is None:
        raise InputError(problems)
    return wanted


def architecture_of(wanted: Requirements) -> str:
    """The electrical architecture asked, or 415 V, or a sidecar for racks that are built for 800 VDC."""
    if wanted.electrical != "auto":
        return wanted.electrical
    return "800-vdc-sidecar" if built_for_dc(wanted.system) else "415-vac"


def power_rule(wanted: Requirements) -> str:
    """Redundancy of the power chain."""
    return wanted.redundancy if wanted.power_redundancy == "same" else wanted.power_redundancy


def technology_of(wanted: Requirements) -> Technology:
    """The technology asked, or the usual one of the system."""
    return technology(wanted.system, wanted.cooling)


def approach_of(wanted: Requirements) -> float:
    """The approach asked, or the one at which the technology's machines are rated, K."""
    return wanted.approach if wanted.approach is not None else technology_of(wanted).approach
