"""Which loops may have their set point reset by the requests of what they serve, and by how much."""

from collections.abc import Iterable

from twin_sites.errors import Problem
from twin_sites.schema import AirHandlers, Cdus, Condensers, Exchangers, Site

SENDERS = (Cdus, Condensers, Exchangers, AirHandlers)  # units that hold a temperature by a valve on the loop
MOST_REQUESTS = 3  # that one unit may send


def resets(site: Site) -> Iterable[Problem]:
    """Requests must be able to come, to count and to move the set point."""
    for name, loop in site.cooling.items():
        reset, where = loop.reset, f"cooling.{name}.reset"
        if reset is None:
            continue
        senders = [
            link
            for _, _, _, link in site.links()
            if isinstance(link, SENDERS) and link.heat_to.get("heat") == name
        ]
        requests = MOST_REQUESTS * sum(link.count for link in senders)
        if not senders:
            allowed = "a loop that CDUs, tanks, exchangers, air handlers or doors reject to: their valves send requests"
            remedy = "move it to the loop that cools these units"
            yield Problem(where, "a reset of a loop on which no unit has a valve", allowed, remedy)
        elif requests <= reset.ignored:
            found = f"{reset.ignored} ignored of at most {requests} requests"
            remedy = "ignore 0 where few units stand on the loop"
            yield Problem(f"{where}.ignored", found, f"less than {requests}: none would ever count", remedy)
        if not loop.supply.base and reset.coldest >= loop.supply.value:
            found = f"{reset.coldest:g} degC where the supply is {loop.supply.value:g} degC"
            allowed = f"colder than cooling.{name}.supply, which is the warmest set point"
            yield Problem(f"{where}.coldest", found, allowed, "lower it, or raise the supply")
        if min(reset.respond, reset.most) <= reset.trim:
            found = f"a response of {100 * min(reset.respond, reset.most):g} % against a trim of {100 * reset.trim:g} %"
            allowed = "responses above the trim: one request that counts has to make the water colder"
            yield Problem(where, found, allowed, "raise respond and most, or lower trim")
        if loop.storage is not None:
            remedy = f"leave out {where}, or the tank"
            yield Problem(
                where, "a reset of a loop with a tank", "a fixed supply: the tank is filled at it", remedy
            )
