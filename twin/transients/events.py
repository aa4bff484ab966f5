"""What happens in a transient, in words: ``t=60s trip cooling.tcs.cdu.1.pump``.

One event is one line: a moment, a verb, an address of the site and, where the verb needs one, a value:

    t=60s   trip    cooling.fws.pump               every unit at the address stops; one with its number
    t=5min  start   cooling.fws.pump               what was tripped comes back after its restart time
    t=0s    trip    generators                     they do not start when they are called, or stop
    t=10s   degrade cooling.fws.economiser 50 %    it does half of what it did (fouling)
    t=10s   stick   cooling.tcs.cdu 30 %           its valve or speed stays there, or where it is; ``free`` ends it
    t=10s   block   racks.compute.3 0 %            share of their coolant that these racks get
    t=0s    leak    cooling.tcs 2 L/s              the loop loses coolant; its pumps stop on low pressure
    t=0s    set     cooling.fws.supply 35 degC     a set point; ``cooling.tcs.supply fws + 3 K`` likewise; where
                                                   requests reset it, its warmest, and ``cooling.fws.reset.coldest``
    t=0s    load    racks.compute 60 %             activity; without an address that of all racks
    t=0s    weather dry_bulb 44 degC               from now on; ``wet_bulb`` likewise

Files of such lines are scenarios (`twin.transients.scenarios`).
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from twin_models.fields import Quantity
from twin_sites import units
from twin_sites.building import read_set_point
from twin_sites.declared import base_of, hints, keys_of, quantity_of
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.schema import AMBIENT_BASES, Cdus, Group, Loop, Racks, Reset, SetPointQuantity

from twin.compile import Plan
from twin.transients.scenarios import A_LINE, LONGEST_RUN, scenario
from twin.trim_respond import resets_of

SHARE = Quantity("1", "Share", low=0.0, high=1.0)
MOMENT = Quantity("s", "Moment", low=0.0, high=LONGEST_RUN, bound_source="twenty years")
LEAK = Quantity("m3/s", "Leak", low=1e-7, high=10.0)
OUTDOOR = Quantity("degC", "Outdoor temperature", low=-60.0, high=65.0)
VERBS = {  # what each needs: its place, and its value (None: none; in brackets: may be left out)
    "trip": ("machine", None), "start": ("machine", None), "degrade": ("link", SHARE), "stick": ("link", [SHARE]),
    "free": ("link", None), "block": ("liquid racks", SHARE), "leak": ("loop", LEAK), "set": ("set point", "set point"),
    "load": ("racks or all", SHARE), "weather": ("outdoor air", OUTDOOR),
}  # fmt: skip
MEANT = {  # other words for what a verb does
    "fail": "trip", "stop": "trip", "lose": "trip", "shutdown": "trip", "foul": "degrade", "clog": "degrade", "restart": "start",
    "restore": "start", "return": "start", "close": "block", "setpoint": "set", "release": "free", "jam": "stick",
}  # fmt: skip
GENERATORS = "generators"
_LINE = re.compile(r"^\s*(?:t\s*=\s*|at\s+)?((?:\d[\d.]*\s*[A-Za-z]+\s*?)+|[\d.:]+)\s+([A-Za-z]+)\b\s*(.*)$")
_BARE = re.compile(
    rf"^\s*(?:t\s*=\s*|at\s+)?(\d+(?:\.\d*)?)\s+({'|'.join((*VERBS, *MEANT))})\b", re.IGNORECASE
)
_SPAN = re.compile(r"\d[\d.]*\s*[A-Za-z]+")


class Event(NamedTuple):
    """One thing that happens."""

    at: float  # s
    verb: str
    where: str  # address without the number of a unit
    unit: int | None  # the number of one unit, None for all
    value: Any
    text: str


def read_events(source: Sequence[str] | str | Path, plan: Plan) -> list[Event]:
    """Events of lines or of a scenario file, in their order in time.

    Raises
    ------
    InputError
        With every fault of every line.
    """
    lines = scenario(source).events if isinstance(source, str | Path) else list(source)
    problems: list[Problem] = []
    found = []
    for line in lines:
        event = _read(str(line), plan)
        if isinstance(event, Problem):
            problems.append(event)
        else:
            found.append(event)
    if problems:
        raise InputError(problems)
    return sorted(found, key=lambda event: event.at)


def split_off(events: list[Event], plan: Plan) -> tuple[dict[str, str], list[Event]]:
    """Changes that give single units which stick or foul a group of their own, and the events that fit the changed site."""
    links = {node.address: node.link for node in plan.links}
    own = [
        (event.where, event.unit)
        for event in events
        if event.unit is not None
        and event.verb in ("stick", "free", "degrade")
        and links[event.where].count > 1
    ]
    changes = {f"{where}.{unit}.stroke": f"{links[where].stroke!r} s" for where, unit in own}
    out = []
    for event in events:
        where = event.where.removesuffix(".pump") if event.where not in links else event.where
        if (where, event.unit) in own:
            out.append(event._replace(where=f"{where}.{event.unit}", unit=None))
            continue
        members = sorted(
            {unit for group, unit in own if group == where and event.unit is None and unit is not None}
        )
        told = [event._replace(where=f"{where}.{unit}", text="") for unit in members]
        if told and len(told) == links[where].count:  # nothing is left of the group itself
            told[0] = told[0]._replace(text=event.text)
        else:
            told.insert(0, event)
        out += told
    return changes, out


def _read(line: str, plan: Plan) -> Event | Problem:
    where = f"event '{line.strip()[:100]}'"
    bare = _BARE.match(line)
    if bare is not None and float(bare[1]) != 0.0:
        return Problem(
            where, f"'{bare[1]}' without a unit", "a time with its unit", f"t={bare[1]}s or t={bare[1]}min"
        )
    match = _LINE.match(line if bare is None else f"0s {line[bare.start(2) :]}")
    if match is None:
        return Problem(where, "no moment and verb", "t=TIME VERB ADDRESS [VALUE]", A_LINE)
    moment, verb, rest = match.groups()
    try:
        at = sum(units.read(part, MOMENT) for part in _SPAN.findall(moment) or [moment])
    except units.UnitError as error:
        return Problem(where, error.found, error.allowed, error.remedy)
    verb = verb.lower()
    if verb not in VERBS:
        meant = f"did you mean '{MEANT[verb]}'?" if verb in MEANT else did_you_mean(verb, VERBS)
        return Problem(where, f"the verb '{verb}'", ", ".join(VERBS), meant)
    place, quantity = VERBS[verb]
    address, _, text = rest.strip().partition(" ")
    text = re.sub(r"^(to|at|=)\s+", "", text.strip())
    if place == "racks or all" and not address.startswith("racks"):
        address, text = "", re.sub(r"^(to|at|=)\s+", "", rest.strip())
    target = _target(place, address, plan)
    if isinstance(target, Problem):
        return Problem(where, target.found, target.allowed, target.remedy)
    value = _value(quantity, text, plan, target[0])
    if isinstance(value, Problem):
        return Problem(where, value.found, value.allowed, value.remedy)
    return Event(at, verb, target[0], target[1], value, line.strip())


def _value(quantity: Any, text: str, plan: Plan, where: str) -> Any:
    optional = isinstance(quantity, list)
    quantity = quantity[0] if optional else quantity
    if quantity is None or (optional and not text):
        return None if not text else Problem("", f"'{text}' after the address", "nothing", "leave it out")
    if quantity == "set point" and where.endswith(".coldest"):
        quantity = quantity_of(hints(Reset)["coldest"])
    elif quantity == "set point":
        volume = next(v for v in plan.volumes if f"{v.address}.supply" == where)
        quantity = next(
            item
            for item in type(volume.part).model_fields["supply"].metadata
            if isinstance(item, SetPointQuantity)
        )
    if not text:
        return Problem("", "no value", units.allowed_text(quantity), "write it behind the address")
    try:
        if isinstance(quantity, SetPointQuantity):
            return _held(text, quantity, plan, where)
        return units.read(text, quantity)
    except units.UnitError as error:
        return Problem("", error.found, error.allowed, error.remedy)


def _held(text: str, quantity: SetPointQuantity, plan: Plan, where: str) -> tuple[str, float] | Problem:
    """A set point: absolute, or so many kelvin above a loop or the weather, as in a site file."""
    base, value = read_set_point(text, quantity)
    known = [v.name for v in plan.volumes if f"{v.address}.supply" != where and not v.outer] + list(
        AMBIENT_BASES
    )
    if base and base not in known:
        return Problem(
            "", f"'{base}' is no loop, room or weather", ", ".join(known), did_you_mean(base, known)
        )
    follows, seen = base, {where}
    while follows in (names := {v.name: v for v in plan.volumes}):
        if f"{names[follows].address}.supply" in seen:
            return Problem("", f"'{text}' follows itself", "a set point that does not", "give a temperature")
        seen.add(f"{names[follows].address}.supply")
        follows = names[follows].part.supply.base
    return base, value


def _has_valve(racks: Racks) -> bool:
    """Whether coolant of these racks can be shut off: air has no valve, and what boils drives itself."""
    return racks.liquid is not None and racks.liquid.control not in ("boiling", "buoyancy")


def targets(plan: Plan) -> dict[str, dict[str, Group | Racks | None]]:
    """Addresses that events may name, by kind of place."""
    machines: dict[str, Group | Racks | None] = {}
    links: dict[str, Group | Racks | None] = {}
    for volume in plan.volumes:
        pump = volume.part.pump if isinstance(volume.part, Loop) else None
        if pump is not None:
            machines[f"cooling.{volume.name}.pump"] = pump
    for node in plan.links:
        links[node.address] = node.link
        machines[node.address] = node.link
        if isinstance(node.link, Cdus):
            machines[f"{node.address}.pump"] = node.link
    racks: dict[str, Group | Racks | None] = {f"racks.{node.name}": node.racks for node in plan.racks}
    feeders: dict[str, Group | Racks | None] = {f"power.{name}": feeder for name, feeder in plan.feeders}
    backup: dict[str, Group | Racks | None] = {GENERATORS: None} if plan.site.generators is not None else {}
    resets: dict[str, Group | Racks | None] = {f"{v.address}.reset.coldest": None for v, _ in resets_of(plan)}
    return {
        "machine": machines | racks | feeders | backup,
        "link": links,
        "liquid racks": {f"racks.{node.name}": node.racks for node in plan.racks if _has_valve(node.racks)},
        "racks or all": racks | {"": None},
        "loop": {f"cooling.{v.name}": None for v in plan.volumes if v.fluid is not None},
        "set point": {f"{v.address}.supply": None for v in plan.volumes} | resets,
        "outdoor air": {"dry_bulb": None, "wet_bulb": None},
    }


def _target(place: str, address: str, plan: Plan) -> tuple[str, int | None] | Problem:
    """An address as a group's and the number of one of its units."""
    known = targets(plan)[place]
    if address in known:
        return address, None
    keys = keys_of(address) if address else []
    bare = ".".join(base_of(key) for key in keys)
    numbers = [int(key.rpartition(".")[2]) for key in keys if base_of(key) != key]
    if bare in known and len(numbers) == 1:
        group = known[bare]
        count = group.count if group is not None else 0
        if 1 <= numbers[0] <= count:
            return bare, numbers[0]
        return Problem(
            "",
            f"no unit {numbers[0]} of '{bare}'",
            f"1 to {count}" if count else f"'{bare}'",
            "a number in that range",
        )
    named = [name for name in known if name]
    listed = ", ".join(named[:8]) + (", …" if len(named) > 8 else "")
    found = f"'{address}' is no {place.removesuffix(' or all')} of this site" if address else "no address"
    return Problem("", found, listed, did_you_mean(address, named))
