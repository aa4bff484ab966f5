"""A transient and a table of failures as a person reads them."""

from collections.abc import Mapping

from twin.transients.results import TransientSummary
from twin.transients.ride_through import AtRest, RideThrough


def span(seconds: float | None) -> str:
    """Seconds as people say them; a dash for never."""
    if seconds is None:
        return "—"
    if seconds < 120.0:
        return f"{seconds:.3g} s"
    return f"{seconds / 60.0:.3g} min" if seconds < 7200.0 else f"{seconds / 3600.0:.3g} h"


def transient_report(one: TransientSummary) -> str:
    """What happened, by rack group and loop."""
    lines = [f"{one.site}: {span(one.until_s)}"]
    lines += [f"  {line}" for line in one.log]
    lines += [
        "",
        f"{'racks':<18}{'throttle':>10}{'shutdown':>10}{'inlet limit':>13}{'hottest chip':>14}{'work lost':>12}",
    ]
    for name, group in one.racks.items():
        hottest = "—" if group.hottest_chip_c is None else f"{group.hottest_chip_c:.1f} °C"
        lines.append(
            f"{name:<18}{span(group.time_to_throttle_s):>10}{span(group.time_to_shutdown_s):>10}"
            f"{span(group.time_to_inlet_limit_s):>13}{hottest:>14}{span(group.lost_activity_s):>12}"
        )
    lines += [
        "",
        f"{'supply, °C':<18}{'start':>8}{'lowest':>8}{'highest':>9}{'end':>8}{'overshoot':>11}{'settled':>10}{'least flow':>12}",
    ]
    for name, loop in one.loops.items():
        lines.append(
            f"{name:<18}{loop.start_c:>8.1f}{loop.lowest_c:>8.1f}{loop.highest_c:>9.1f}{loop.end_c:>8.1f}"
            f"{loop.overshoot_k:>9.1f} K{span(loop.settled_s):>10}{100 * loop.lowest_flow_share:>10.0f} %"
        )
    for name, loop in one.loops.items():
        if loop.reset is not None:
            start, low, high, end = (f"{100 * share:.0f} %" for share in loop.reset)
            lines.append(
                f"Set point of {name} reset by requests: {start} at the start, {low} to {high}, {end} at the end "
                f"(0 % warmest, 100 % coldest); up to {loop.most_requests:.0f} requests."
            )
    lines.append("")
    made = f", from generators {one.generator_kwh:,.1f} kWh" if one.generator_kwh > 0.0 else ""
    lines.append(
        f"From the utility {one.energy_kwh:,.1f} kWh{made}; energy closes to {one.energy_closure:.1g} in every step."
    )
    if one.lost_kwh > 0.0:
        lines.append(
            f"Work not done: {one.lost_kwh:,.1f} kWh at the racks' rating; racks whose power or cooling comes back "
            "work again at once, booting and reloading of jobs are not counted."
        )
    passed = [
        f"{name} {ex.highest:.3g} of {ex.limit:.3g}"
        for name, ex in one.limits.items()
        if ex.kept is False and ex.limit
    ]
    if passed:
        lines.append(f"Limits passed (degC or share): {'; '.join(passed)}.")
    if one.battery_left is not None and one.battery_kwh > 0.0:
        lines.append(f"Batteries gave {one.battery_kwh:,.1f} kWh; {100 * one.battery_left:.0f} % are left.")
    return "\n".join(lines)


def _promise(found: Mapping[str, RideThrough]) -> str:
    """Whether one unit less of what has spares is felt."""
    spares = {case: one.n_minus_1 for case, one in found.items() if one.n_minus_1 is not None}
    broken = [case for case, held in spares.items() if not held]
    if not spares:
        return "N-1: nothing on this site has spare units."
    if not broken:
        return f"N-1 holds in time: no chip throttles when one unit is lost of any of the {len(spares)} groups with a spare."
    return f"N-1 does not hold in time: chips throttle or stop after the loss of {', '.join(broken)}."


def _moment(seconds: float | None) -> float:
    return float("inf") if seconds is None else seconds


def failures_report(found: Mapping[str, RideThrough | AtRest]) -> str:
    """One line for each case, the worst first."""
    width = max((len(case) for case in found), default=10) + 2
    lines = []
    dynamic = [(case, one) for case, one in found.items() if isinstance(one, RideThrough)]
    if dynamic:
        lines.append(f"{'failure':<{width}}{'throttle':>10}{'shutdown':>10}  limiting")
        dynamic.sort(
            key=lambda item: (_moment(item[1].time_to_shutdown_s), _moment(item[1].time_to_throttle_s))
        )
        for case, ride in dynamic:
            lines.append(
                f"{case:<{width}}{span(ride.time_to_throttle_s):>10}{span(ride.time_to_shutdown_s):>10}  {ride.limiting_element or ''}"
            )
        return "\n".join([*lines, "", _promise(dict(dynamic))])
    lines.append(f"{'out of service':<{width}}{'hottest chip':>14}{'above set point':>17}  ")
    for case, one in found.items():
        if isinstance(one, AtRest):
            hottest = "—" if one.hottest_chip_c is None else f"{one.hottest_chip_c:.1f} °C"
            unmet = "—" if one.unmet_k is None else f"{one.unmet_k:.1f} K"
            state = "no steady state" if not one.steady else "throttles" if one.throttled else ""
            lines.append(f"{case:<{width}}{hottest:>14}{unmet:>17}  {state}")
    return "\n".join(lines)
