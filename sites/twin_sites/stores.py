"""Which loops may have a thermal storage, and the hours that it may be told."""

import re
from collections.abc import Iterable

from twin_models.fluids import boiling

from twin_sites.errors import Problem
from twin_sites.schema import Chillers, Site

HOURS = re.compile(r"([01]?\d|2[0-3])\s*-\s*([01]?\d|2[0-4])")  # of the day, such as 22-06


def stores(site: Site) -> Iterable[Problem]:
    """A tank is filled at a fixed temperature, by machines that have spare capacity."""
    condensers = {link.heat_to.get("heat") for _, _, _, link in site.links() if isinstance(link, Chillers)}
    fed = {group.heat_to.get("liquid") for group in site.racks.values()}
    for name, loop in site.cooling.items():
        tank, where = loop.storage, f"cooling.{name}.storage"
        if tank is None:
            continue
        if name in condensers or name in fed or loop.fluid in boiling.NAMES:
            kind = "a condenser loop" if name in condensers else "the loop of racks"
            allowed = "a facility or chilled-water loop between machines and what they serve"
            yield Problem(
                where, f"a tank in {kind}", allowed, "move it to the loop that chillers or coolers hold"
            )
        elif loop.supply.base:
            found = f"a tank in a loop whose supply follows '{loop.supply.base}'"
            remedy = f"set {where.rpartition('.')[0]}.supply to a temperature"
            yield Problem(where, found, "a loop with a fixed supply: the tank is filled at it", remedy)
        for field in ("charge_hours", "discharge_hours"):
            text = getattr(tank, field)
            hours = HOURS.fullmatch(text)
            if text and (hours is None or int(hours[1]) == int(hours[2])):
                yield Problem(
                    f"{where}.{field}", f"'{text[:40]}'", "hours of the day such as 22-06", "write two hours"
                )
            elif not text and tank.schedule == "hours":
                yield Problem(
                    f"{where}.{field}",
                    "missing",
                    "hours of the day such as 22-06",
                    "write them, or choose another schedule",
                )
