"""How many racks an amount asks for, and why."""

import numpy as np
from twin_models.work.work import Rate, Work, reference_rate
from twin_sites.errors import InputError, Problem
from twin_sites.schema import Racks

from twin.sizing.datasheets import typed
from twin.sizing.needs import Requirements


def tokens_of(wanted: Requirements, rack: Racks) -> Rate:
    """Tokens per second of one busy accelerator of the system with the work wanted.

    Raises
    ------
    InputError
        Where no throughput is known.
    """
    assert rack.accelerator is not None
    found = reference_rate(typed(wanted.work, Work, ("racks", "compute", "work")), rack.accelerator)
    if found is None:
        remedy = "size by accelerators, and state 'racks.compute.work.tokens' in the site file"
        raise InputError(
            [
                Problem(
                    "tokens",
                    f"no throughput of '{wanted.system}' with '{wanted.work}' is known",
                    "a system and a work with a known throughput",
                    remedy,
                )
            ]
        )
    return found


def racks_of(wanted: Requirements, rack: Racks, each: float) -> int:
    """Compute racks for the amount wanted; ``each`` is the IT power of one with its share of network and storage, W."""
    if wanted.racks is not None:
        return wanted.racks
    if wanted.accelerators is not None:
        return -(-wanted.accelerators // rack.accelerators)
    if wanted.tokens is not None:
        rate = tokens_of(wanted, rack)
        return max(1, int(np.ceil(wanted.tokens / (rate.tokens * rack.accelerators) - 1e-9)))
    fit = int((wanted.it_power or 0.0) / each + 1e-9)
    if fit < 1:
        allowed = f"at least one rack with its share of network and storage: {each / 1e3:,.0f} kW"
        found = f"{(wanted.it_power or 0.0) / 1e3:,.0f} kW"
        raise InputError([Problem("it_power", found, allowed, "more power, or a smaller system")])
    return fit


def why_racks(wanted: Requirements, rack: Racks) -> str:
    """What the number of compute racks follows from."""
    if wanted.racks is not None:
        return "asked"
    if wanted.tokens is not None:
        rate = tokens_of(wanted, rack)
        return f"tokens: {wanted.tokens:,.0f}/s at {rate.tokens:,.0f}/s of each accelerator ({rate.basis}: {rate.how})"
    if wanted.accelerators is not None:
        return f"asked: {wanted.accelerators:,} accelerators, {rack.accelerators} in a rack"
    if wanted.it_power is not None:
        return f"power: {wanted.it_power / 1e6:.4g} MW of IT"
    power = f"power: {(wanted.utility_power or 0.0) / 1e6:.4g} MW at the utility meter"
    if wanted.risk is not None:
        return f"{power}, passed for {100 * wanted.risk:g} % of the time at most"
    return f"{power} on the design day"
