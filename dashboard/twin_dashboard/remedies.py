"""What would help: changes that may keep a passed limit, and the first of them that a run confirms."""

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import NamedTuple

from twin_sites.schema import Group, Site

from twin_dashboard import format as fmt
from twin_dashboard.cache import Run
from twin_dashboard.context import FAULTS
from twin_dashboard.margins import Margin, margins
from twin_dashboard.names import readable

MOST_RUNS = 5  # for one limit
SPARE_K = 0.3  # cooler than what the worst step asks for


class Remedy(NamedTuple):
    """One more change: address, its text, and what it is called."""

    address: str
    text: str
    words: str


def confirmed(
    run: Run, margin: Margin, again: Callable[[Mapping[str, str]], Run], system: str
) -> Remedy | None:
    """The first remedy with which a run no longer passes this limit and passes no other one; None where none was found."""
    passed = {m.address for m in margins(run.ds) if m.hours > 0.0}
    for remedy in list(candidates(run, margin, system))[:MOST_RUNS]:
        try:
            tried = again({**run.changes, remedy.address: remedy.text})
        except FAULTS:
            continue
        left = {m.address for m in margins(tried.ds) if m.hours > 0.0}
        if margin.address not in left and left < passed:
            return remedy
    return None


def candidates(run: Run, margin: Margin, system: str) -> Iterator[Remedy]:
    """What a person would try, the smallest first."""
    site, address = run.site, margin.address
    if address.startswith("racks."):
        yield from _for_chips(run, address[6:], system)
    elif address.startswith("power."):
        feeder = site.power[address[6:]]
        needed = ceil((feeder.count - feeder.out_of_service) * (margin.used - 1.0))
        for more in sorted({1, needed, needed + 1} - {0}):
            yield _units(address, feeder, more, readable(address[6:]))
    else:
        links = [(where, own, link) for volume, own, where, link in site.links() if volume == address]
        for where, own, link in reversed(links):
            for more in (1, 2):
                yield _units(where, link, more, readable(own))


def _for_chips(run: Run, rack: str, system: str) -> Iterator[Remedy]:
    site = run.site
    loop = site.racks[rack].heat_to.get("liquid", "")
    for volume, own, where, link in site.links():
        if volume == loop and link.kind == "cdu":
            for more in (1, 2):
                yield _units(where, link, more, readable(own))
    found = _supply(site, loop)
    if found is None:
        return
    at = list(run.ds["rack"].values).index(rack)
    over = float(
        run.ds["rack_chip_temperature"].values[at].max() - run.ds["rack_throttle_temperature"].values[at]
    )
    address, now = found
    for extra in (max(over, 0.0) + SPARE_K, max(over, 0.0) + 2.0, 2.0 * max(over, 0.0) + 4.0):
        cooler = int((now - extra) * 10.0) / 10.0
        yield Remedy(address, f"{cooler:g} degC", f"a supply of {fmt.text(cooler, 'temperature', system)}")


def _supply(site: Site, loop: str) -> tuple[str, float] | None:
    """Address and value of the absolute set point that a technology loop follows."""
    for _ in range(4):
        part = site.cooling.get(loop)
        if part is None:
            return None
        if not part.supply.base:
            return f"cooling.{loop}.supply", float(part.supply.value)
        loop = part.supply.base
    return None


def _units(address: str, group: Group, more: int, name: str) -> Remedy:
    """Units back in service first, then new ones."""
    word = name if name.isupper() else name[:1].lower() + name[1:]
    if group.out_of_service >= more:
        left = group.out_of_service - more
        return Remedy(f"{address}.out_of_service", str(left), f"{more} more {word} in service")
    return Remedy(f"{address}.count", str(group.count + more), f"{more} more {word}")
