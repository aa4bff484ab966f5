"""From what is wanted to a facility that works: a site file, the reason of every count, and the proof that it holds.

First answers come from ratings and from the machines' own equations (`first`, `products`); then the
design days are simulated at full load with the required units only, and each group is corrected until no limit is
missed (`settle`). The finished site is simulated over the year, on the design days and with the spares of each
group out of service (`proof`); what fails there is grown once more, and what still fails is said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from twin_models.rack import rack as rack_model
from twin_sites.errors import InputError, Problem
from twin_sites.loader import load_site
from twin_sites.schema import Racks, Site

from twin.annual import simulate
from twin.errors import RunError
from twin.metrics import Summary, summarize
from twin.sizing.amounts import racks_of, why_racks
from twin.sizing.beside import beside
from twin.sizing.datasheets import typed
from twin.sizing.economics import Economics, Further, accelerators, economics, read_costs
from twin.sizing.electrical import Current, currents
from twin.sizing.first import first_design, frame_of, rack_counts, technology_limit
from twin.sizing.form import OF_EACH_RACK, spare_units, written
from twin.sizing.needs import Plant, Requirements, approach_of, architecture_of, checked, technology_of
from twin.sizing.optimum import Span, optimise
from twin.sizing.proof import (
    DESIGN_DAY,
    REQUIRED_UNITS,
    YEAR,
    Proof,
    full_load,
    hot_days,
    proof_of,
    prove_days,
    throttled,
)
from twin.sizing.risk import AtRisk, at_risk, overhead
from twin.sizing.row import Alternative, Equipment
from twin.sizing.settle import UTILITY_MARGIN, Draft, finishers, grow, settle, widen
from twin.sizing.technologies import candidates
from twin.sizing.unmet import in_time, over_budget, over_risk, wishes
from twin.weather import Weather, load_weather

COOLER_K, COOLEST_FWS_DEGC = 2.0, 20.0
PROOF_ROUNDS = 6
FIRST_CASES = (DESIGN_DAY, REQUIRED_UNITS)  # what fails here need not be proven with units out
UTILITY_ROUNDS = 6
PLANTS: tuple[Plant, ...] = ("dry", "adiabatic", "tower")
GENERIC = "generic size, see the site file"


@dataclass(frozen=True)
class Sized:
    """A sized facility: its site file as data, the table of reasons, what the proof found."""

    requirements: Requirements
    economics: Economics
    written: Mapping[str, Any]
    equipment: tuple[Equipment, ...]
    summary: Summary
    proofs: tuple[Proof, ...]
    unmet_requirements: tuple[str, ...]
    alternatives: tuple[Alternative, ...]  # what was compared and what was out, the one taken first
    year: xr.Dataset = field(repr=False)  # the proving year
    at_risk: AtRisk | None = None  # where a risk of passing the utility power was accepted

    @property
    def site(self) -> Site:
        """The facility, ready to run."""
        return load_site(self.written)

    @property
    def currents(self) -> tuple[Current, ...]:
        """Current of one compute rack at the usual voltages."""
        return currents(
            typed(str(self.written["racks"]["compute"]["system"]), Racks, ("racks", "compute")),
            architecture_of(self.requirements),
        )

    @property
    def peak_power(self) -> float:
        """Highest power in W at the utility meter in any case of the proof."""
        return max(
            (proof.peak_power for proof in self.proofs if proof.peak_power is not None), default=float("nan")
        )

    @property
    def electrical_loss(self) -> float:
        """Loss of transformers, UPS and distribution over the energy of the racks in the proving year."""
        return float(self.year["feeder_loss"].sum() / self.year["rack_power"].sum())

    def json(self) -> dict[str, Any]:
        """Plain values: ``equipment``, ``summary``, ``unmet_requirements``, ``proofs``."""
        return {
            "equipment": [asdict(row) for row in self.equipment],
            "summary": self.summary.json(),
            "unmet_requirements": list(self.unmet_requirements),
            "proofs": [asdict(proof) for proof in self.proofs],
            "alternatives": [asdict(one) for one in self.alternatives],
            "electrical": {
                "architecture": architecture_of(self.requirements),
                "distribution": self.requirements.distribution,
                "loss_share": self.electrical_loss,
                "rack_currents": [asdict(one) for one in self.currents],
            },
            "at_risk": None if self.at_risk is None else asdict(self.at_risk),
            "economics": asdict(self.economics)
            | {"capital": [line._asdict() for line in self.economics.capital]},
        }


def size(wanted: Requirements) -> Sized:
    """Size a facility and prove it.

    Parameters
    ----------
    wanted
        What is wanted, in SI.

    Returns
    -------
    Sized
        A complete site; ``unmet_requirements`` is empty where every limit holds. With ``plant="best"`` or
        ``cooling="best"`` the one with the fewest unmet requirements and, among those, the least cost of a year for
        each accelerator (where power is given, the most accelerators first); ``alternatives`` has the others.

    Raises
    ------
    InputError
        For requirements that contradict each other or name what does not exist, all at once.
    RunError
        When no plant that was tried can be simulated; one of several is named among ``alternatives`` instead.
    """
    rack = checked(wanted)
    air = load_weather(wanted.weather)
    if wanted.cooling == "best":
        return _best_cooling(wanted, rack)
    if wanted.optimal_supply:
        return _at_best_supply(wanted, air)
    plants = [replace(wanted, plant=plant) for plant in _plants(wanted)]
    found, failed = _tried(plants, lambda one: _within_utility(wanted, rack, air, one.plant))
    return _best_of(found, failed)


def _plants(wanted: Requirements) -> tuple[Plant, ...]:
    if not wanted.water:
        return ("dry",)
    return PLANTS if wanted.plant == "best" else (wanted.plant,)


def _best_cooling(wanted: Requirements, rack: Racks) -> Sized:
    """Every server form of the accelerators with one plant, then the better two with every plant asked."""
    pairs, out = candidates(wanted.system)
    if wanted.doors in ("passive", "active"):
        pairs = [(slug, name) for slug, name in pairs if name in ("rear-door", "direct-to-chip")]
    amount = wanted
    if wanted.racks is not None:  # forms differ in accelerators per rack
        amount = replace(wanted, racks=None, accelerators=wanted.racks * rack.accelerators)
    *later, plant = _plants(wanted)
    forms = [replace(amount, system=slug, cooling=name) for slug, name in pairs]  # type: ignore[arg-type]
    forms = [replace(form, dynamic=False) for form in forms]
    screened, failed = _tried([replace(form, plant=plant) for form in forms], size)
    better = [one.requirements for one in sorted(screened, key=_rank)[:2]]
    more, failed_too = _tried([replace(form, plant=other) for form in better for other in later], size)
    best = _best_of([*screened, *more], [*failed, *failed_too])
    if wanted.dynamic:
        again = size(replace(best.requirements, dynamic=True))
        best = replace(again, alternatives=best.alternatives)
    missing = tuple(Alternative(name, "", "", None, None, 0, why) for name, why in out.items())
    return replace(best, requirements=wanted, alternatives=best.alternatives + missing)


def _rank(one: Sized) -> tuple[int, int, float]:
    given = one.requirements.it_power is not None or one.requirements.utility_power is not None
    n = accelerators(one.site)
    return len(one.unmet_requirements), -n if given else 0, one.economics.cost_per_year / n


def _tried(
    trials: Sequence[Requirements], sized: Callable[[Requirements], Sized]
) -> tuple[list[Sized], list[Alternative]]:
    """What could be sized, and what cannot be simulated with the reason."""
    found, failed = [], []
    for one in trials:
        try:
            found.append(sized(one))
        except RunError as error:
            failed.append(
                Alternative(technology_of(one).name, one.system, one.plant, None, None, 0, str(error))
            )
    return found, failed


def _best_of(found: Sequence[Sized], failed: Sequence[Alternative]) -> Sized:
    if not found:
        raise RunError(failed[0].why)
    order = sorted(found, key=_rank)
    return replace(order[0], alternatives=(*(row for one in order for row in one.alternatives), *failed))


def _at_best_supply(wanted: Requirements, air: Weather) -> Sized:
    """Size once, find the supply of the lowest bill over the year, and size again for it."""
    first = size(replace(wanted, optimal_supply=False, dynamic=False))
    limit = technology_limit(wanted, checked(wanted), hot_days(air, wanted.design))
    most = float(np.floor(limit - approach_of(wanted)))
    low = min(COOLEST_FWS_DEGC, most - 1.0)
    found = optimise(
        first.site, [Span("cooling.fws.supply", low, most, "degC")], "cost", first.requirements.weather, None
    )
    best = found.best.values["cooling.fws.supply"] if found.best else None
    if best is None:
        return first
    supply = round(float(best.split()[0]), 1)
    again = size(replace(wanted, optimal_supply=False, supply=supply, plant=_plant_of(first)))
    return replace(again, requirements=wanted)


def _plant_of(sized: Sized) -> Plant:
    loops = sized.site.cooling
    if "condenser" in loops:
        return "tower"
    products = [row.product for row in sized.equipment if row.address.endswith(".dry_cooler")]
    return "adiabatic" if any(name.startswith("adiabatic") for name in products) else "dry"


def compute_racks(sized: Sized) -> int:
    """Compute racks of a sized facility."""
    return int(sized.written["racks"]["compute"]["count"])


def _within_utility(wanted: Requirements, rack: Racks, air: Weather, plant: str) -> Sized:
    """Size for the amount wanted; for a utility power, the most racks whose facility stays under it."""
    each = float(rack_model.rated(rack).power) * (1.0 + wanted.support)
    if wanted.utility_power is None:
        return _size(wanted, rack, air, plant, racks_of(wanted, rack, each))
    fits, too_many = 0, 0
    best: Sized | None = None
    count = max(1, int(wanted.utility_power / (1.2 * each)))
    for _ in range(UTILITY_ROUNDS):
        sized = _size(wanted, rack, air, plant, count)
        drawn = sized.peak_power * (1.0 + wanted.growth)
        if drawn <= wanted.utility_power:
            fits, best = count, sized
        else:
            too_many = count
        guess = int(count * wanted.utility_power / drawn)
        if too_many:
            guess = min(guess, too_many - 1)
        count = max(guess, fits + 1)
        if too_many and count >= too_many:
            break
    if best is None:
        allowed = f"room for one rack, its share of network and storage and its plant: about {1.25 * each / 1e3:,.0f} kW"
        raise InputError(
            [
                Problem(
                    "utility_power",
                    f"{wanted.utility_power / 1e3:,.0f} kW",
                    allowed,
                    "more power, or a smaller system",
                )
            ]
        )
    if wanted.risk is None:
        return best
    room = wanted.utility_power / (1.0 + wanted.growth)
    group = best.site.racks["compute"]
    over = overhead(best.site, air, "compute")
    found = at_risk(group, over, room, wanted.risk, wanted.fleet, wanted.averaging, fits, grows=True)
    count = max(found.racks, fits)
    usual = (
        Requirements().load
    )  # what was asked for stays; else the year is proven with the fleet of the risk
    load = f"generated:{wanted.fleet},racks={count}" if wanted.load == usual else wanted.load
    best = _size(replace(wanted, load=load), rack, air, plant, count)
    unmet = (*best.unmet_requirements, *over_risk(wanted, best.year))
    return replace(best, requirements=wanted, at_risk=found, unmet_requirements=unmet)


def _size(wanted: Requirements, rack: Racks, air: Weather, plant: str, count: int) -> Sized:
    """Size with one kind of plant for so many compute racks."""
    days = hot_days(air, wanted.design)
    load = full_load(days)
    frame = frame_of(wanted, rack, air, plant, count)
    planned = int(np.ceil(count * (1.0 + wanted.growth) - 1e-9))
    design, reasons = first_design(wanted, rack, frame, air, days, planned)
    tower = "cooling.condenser.tower"  # warm water would let fewer cells do, far from where they are rated
    floor = {tower: design.units[tower]} if tower in design.units else {}
    draft = Draft(frame, design, reasons, wanted.loading, floor, {}, design.units)
    form: dict[str, Any] = {}
    first: tuple[str, ...] = FIRST_CASES
    for tries in range(PROOF_ROUNDS):
        settle(draft, days, load)
        form = written(draft.frame, draft.design.with_units(rack_counts(wanted, rack, planned)))
        proofs = prove_days(load_site(form), days, load, first)
        peak = UTILITY_MARGIN * max((proof.peak_power or 0.0 for proof in proofs), default=0.0)
        if peak > draft.design.number["power.utility"]:  # spare units that run idle draw as well
            draft.design = draft.design.with_numbers({"power.utility": peak})
            form = written(draft.frame, draft.design.with_units(rack_counts(wanted, rack, planned)))
        if throttled(proofs) and frame.facility and wanted.supply is None:
            cooler = draft.design.number["cooling.fws.supply"] - COOLER_K
            if cooler >= COOLEST_FWS_DEGC:  # the racks' chips want cooler water than their flow limits do
                again = _size(replace(wanted, supply=cooler), rack, air, plant, count)
                return replace(again, requirements=wanted)
        if not any(proof.missed for proof in proofs) or tries == PROOF_ROUNDS - 1:
            proofs = prove_days(load_site(form), days, load)
        missed = list(dict.fromkeys(loop for proof in proofs for loop in proof.missed))
        if not missed or tries == PROOF_ROUNDS - 1:
            break
        first = (*FIRST_CASES, *(proof.case for proof in proofs if proof.missed))
        if tries and not any(proof.missed for proof in proofs if proof.case == REQUIRED_UNITS):
            draft.frame = replace(draft.frame, standby=True)
        if tries % 2 or not any([widen(draft, loop) for loop in missed]):
            grow(draft, list(dict.fromkeys(a for loop in missed for a in finishers(draft.design, loop))))
    grown = []
    if planned != count:
        cases = [f"{proof.case}: {words}" for proof in proofs for words in proof.shortfalls]
        grown = [f"growth to {planned} racks: {words}" for words in cases]
        form = written(draft.frame, draft.design.with_units(rack_counts(wanted, rack, count)))
        proofs = prove_days(load_site(form), days, load)
    site = load_site(form)
    ds = simulate(site, weather=air)
    summary = summarize(ds)
    proofs = [proof_of(YEAR, ds, 0.004 if wanted.design == "0.4%" else 0.0), *proofs]
    rows = _table(wanted, rack, draft, count, proofs)
    peak = max((proof.peak_power for proof in proofs if proof.peak_power is not None), default=0.0)
    further: list[Further] = []
    try:
        hot = simulate(site, weather=days, load=load)
    except RunError:  # the proof of the design days says it
        pass
    else:
        more, further = beside(wanted, site, hot, peak, summary.peak_water_m3_per_day, count)
        rows += tuple(more)
    money = economics(ds, site, read_costs(wanted.costs or None), further)
    unmet = [
        *wishes(wanted, rack, site, days, plant, rows),
        *grown,
        *(f"{proof.case}: {words}" for proof in proofs for words in proof.shortfalls),
        *over_budget(wanted, money, count),
        *(in_time(site) if wanted.dynamic else ()),
    ]
    here = Alternative(
        technology_of(wanted).name, wanted.system, plant, money.cost_per_year, summary.pue, len(unmet), unmet[0] if unmet else ""
    )  # fmt: skip
    return Sized(wanted, money, form, rows, summary, tuple(proofs), tuple(unmet), (here,), ds)


def _table(
    wanted: Requirements, rack: Racks, draft: Draft, count: int, proofs: Sequence[Proof]
) -> tuple[Equipment, ...]:
    """Every group with its reason and margin."""
    alone = {proof.case: proof.use for proof in proofs}
    use = alone.get(REQUIRED_UNITS) or alone.get(DESIGN_DAY, {})
    rows = []
    for address, racks in rack_counts(wanted, rack, count).items():
        if racks:
            why = (
                why_racks(wanted, rack)
                if address == "racks.compute"
                else f"power: {100 * wanted.support:.3g} % of compute power for network and storage"
            )
            rows.append(Equipment(address, draft.design.product[address], racks, 0, why, None))
    for address, pick in draft.reasons.items():
        required = count if address in OF_EACH_RACK else draft.design.units[address]
        used = use.get(address, 0.0)
        margin = 1.0 / used - 1.0 if used > 0.0 else None
        product = draft.design.product.get(address, GENERIC)
        rows.append(
            Equipment(
                address,
                product,
                required,
                spare_units(address, required, draft.frame),
                pick.binding,
                margin,
            )
        )
    return tuple(rows)
