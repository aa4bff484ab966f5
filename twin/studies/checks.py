"""What is wrong with a study, told before its first case: settings that would make every case fail, axes that undo each other."""

from collections.abc import Mapping
from dataclasses import fields

from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.problems import said
from twin_sites.schema import Site

from twin.annual import span_of
from twin.compile import compile_site
from twin.loads.load import BOUNDARIES
from twin.metrics import Summary
from twin.studies.axes import NAMED, Axis
from twin.studies.designs import SAMPLED
from twin.studies.file import Study
from twin.variables import VARIABLES
from twin.weather import Weather

NUMBERS = tuple(item.name for item in fields(Summary) if item.type in (float, float | None))
TAKEN = (
    "use",
    "status",
    "error",
    "percentiles",
    "series",
    "percentile",
    "case",
    "step",
    "kept",
)  # in a result
SAME = {"site.weather": "weather", "load.trace": "load"}  # two names of one thing


def estimates(study: Study, where: str) -> list[Problem]:
    """Faults of ``estimates``: no share, or a design that takes no samples."""
    place = f"{where} → estimates"
    if study.estimates is None or not 0.0 < study.estimates < 1.0:
        return [Problem(place, f"{study.estimates:g}", "a share above 0 and below 1", "estimates: 10 %")]
    if not all(isinstance(name, str) for name in study.estimates_in):
        allowed = "beginnings of addresses"
        return [
            Problem(f"{where} → estimates_in", said(list(study.estimates_in)), allowed, "[cooling, power]")
        ]
    if study.design not in SAMPLED:
        remedy = "design: latin-hypercube with samples: 200"
        return [Problem(place, f"a {study.design} design", f"a sampled one: {', '.join(SAMPLED)}", remedy)]
    return []


def names(study: Study, axes: list[Axis], where: str) -> list[Problem]:
    """Axes named like something in the result of a study, which could not be read again."""
    taken = {item.name for item in fields(Summary)} | {*TAKEN, *study.hourly}
    return [
        Problem(
            f"{where} → axes.{axis.name}", "a name of the results", "a name of its own", f"'{axis.name}-axis'"
        )
        for axis in axes
        if axis.name in taken and axis.name not in NAMED
    ]


def overlaps(axes: list[Axis], where: str) -> list[Problem]:
    """Things that two axes change, of which one would be lost in silence."""
    first: dict[str, str] = {}
    problems = []
    for axis in axes:
        touched = {key for effect in axis.effects for key in effect} or {axis.name}
        for key in sorted(SAME.get(key, key) for key in touched):
            if first.setdefault(key, axis.name) != axis.name:
                found = f"changes {key}, as '{first[key]}' does"
                problems.append(
                    Problem(f"{where} → axes.{axis.name}", found, "each thing on one axis", "take it off one")
                )
    return problems


def times(study: Study, weathers: Mapping[str, Weather], where: str) -> list[Problem]:
    """Faults of ``hours``, ``start`` and ``step_s``."""
    try:
        for air in weathers.values():
            span_of(air, study.step_s, study.hours, study.start)
    except InputError as error:
        return [
            Problem(f"{where} → {'step_s' if p.where == 'step' else p.where}", p.found, p.allowed, p.remedy)
            for p in error.problems
        ]
    return []


def members(study: Study, sites: Mapping[str, Site], where: str) -> list[Problem]:
    """Series of a loop, link, feeder or rack group that no site of the study has."""
    wanted = [
        (key, name) for key in ("hourly", "percentiles") for name in getattr(study, key) if ":" in str(name)
    ]
    if not wanted:
        return []
    known: dict[str, set[str]] = {"rack": set(), "loop": set(), "link": set(), "feeder": set()}
    for site in sites.values():
        plan = compile_site(site)
        known["rack"] |= {node.name for node in plan.racks}
        known["loop"] |= {volume.name for volume in plan.volumes}
        known["link"] |= {node.name for node in plan.links}
        known["feeder"] |= {name for name, _ in plan.feeders}
    problems = []
    for key, name in wanted:
        head, _, member = name.partition(":")
        dim = VARIABLES[head].dims[0]
        stem = member.rpartition(".")[0] if member.rpartition(".")[2].isdecimal() else member
        if dim in known and not {member, stem} & known[dim]:
            allowed = ", ".join(sorted(known[dim]))
            remedy = did_you_mean(member, known[dim], only_near=True)
            problems.append(Problem(f"{where} → {key}", f"'{name}': no such {dim}", allowed, remedy))
    return problems


def outputs(study: Study, where: str) -> list[Problem]:
    """Faults of what is to be kept and shown."""
    problems = []
    for key in ("hourly", "percentiles"):
        for name in getattr(study, key):
            head, _, member = str(name).partition(":")
            row = VARIABLES.get(head)
            if row is None:
                remedy = did_you_mean(head, VARIABLES)
                problems.append(Problem(f"{where} → {key}", f"'{name}'", "variables of a result", remedy))
            elif (len(row.dims) == 2) != bool(member):
                allowed = f"'{head}:NAME' of one {row.dims[0]}" if len(row.dims) == 2 else f"'{head}'"
                problems.append(
                    Problem(f"{where} → {key}", f"'{name}'", allowed, "see 'twin run --out x.csv'")
                )
    for name in study.show:
        if name not in NUMBERS:
            allowed = "numbers of the summary"
            problems.append(
                Problem(f"{where} → show", f"'{name}'", allowed, did_you_mean(str(name), NUMBERS))
            )
    wrong = [q for q in study.at if not (isinstance(q, int | float) and 0 <= q <= 100)]
    if wrong or not study.at:
        problems.append(
            Problem(f"{where} → at", said(wrong or study.at), "percentiles, 0 to 100", "[5, 50, 95]")
        )
    if study.boundary is not None and study.boundary not in BOUNDARIES:
        remedy = did_you_mean(study.boundary, BOUNDARIES)
        problems.append(Problem(f"{where} → boundary", f"'{study.boundary}'", ", ".join(BOUNDARIES), remedy))
    if study.chunk is not None and not 1 <= study.chunk <= 100_000:
        problems.append(Problem(f"{where} → chunk", f"{study.chunk}", "1 to 100,000 cases", "leave it out"))
    return problems
