"""Commands about the work: ``twin generate``. They read words, call the functions of the package and print."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(generate)
    app.command()(oversubscribe)
    app.command()(shift)


def generate(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="training (one synchronous job after the other), inference (busy servers follow the day), research "
            "(racks busy and idle in turn) or mixed (0.6 batch jobs with a scheduler, 0.4 inference).",
        ),
    ],
    racks: Annotated[int, typer.Option(help="Racks, each with its own series.")] = 100,
    step: Annotated[str, typer.Option(help="Step, e.g. '2 s', '1 min' or '1 hour'.")] = "1 hour",
    hours: Annotated[str, typer.Option(help="Length in hours, or '7 days'.")] = "365 days",
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 0,
    level: Annotated[str | None, typer.Option(help="Activity of a busy rack, e.g. '87 %'.")] = None,
    utilisation: Annotated[
        str | None, typer.Option(help="Busy share of batch or shared racks, e.g. '70 %'.")
    ] = None,
    provisioning: Annotated[
        str, typer.Option(help="What idle racks do: static (stay up), parked (empty) or off.")
    ] = "static",
    group: Annotated[str, typer.Option(help="Rack group in the names of the series.")] = "compute",
    out: Annotated[
        Path | None, typer.Option(help="Write the activity of every rack to .csv, .parquet or .npy.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Generate the activity of every rack of a fleet and say what it looks like."""
    from twin_sites.units import parse_at

    from twin.cli_words import hours_of, seconds_of
    from twin.loads.fleet import Fleet
    from twin.loads.fleet_load import SHARE
    from twin.loads.fleet_report import survey, write
    from twin.metrics import finite

    step_s, length = seconds_of(step) or 3600.0, hours_of(hours) or 8760.0
    fleet = Fleet(
        kind=kind,  # type: ignore[arg-type]  # Fleet says what it may be
        racks=racks,
        n=max(round(length * 3600.0 / step_s), 1),
        step_s=step_s,
        seed=seed,
        level=None if level is None else parse_at("--level", level, SHARE),
        utilisation=None if utilisation is None else parse_at("--utilisation", utilisation, SHARE),
        provisioning=provisioning,  # type: ignore[arg-type]
    )
    found = survey(fleet) if out is None else write(fleet, out, group)
    if as_json:
        typer.echo(json.dumps(finite(found.json()), allow_nan=False, indent=1))
        return
    rows: list[tuple[str, Any]] = [
        ("mean activity", found.mean),
        ("lowest, highest of the mean", f"{found.lowest:.3f} to {found.highest:.3f}"),
        ("variation", found.variation),
        (f"largest step in {found.step_s:g} s", found.largest_step),
        ("coincidence of the racks' peaks", found.coincidence),
        ("busy, off share of rack-hours", f"{100 * found.busy_share:.1f} %, {100 * found.off_share:.1f} %"),
        ("means of single racks", f"{found.rack_mean_low:.3f} to {found.rack_mean_high:.3f}"),
        ("autocorrelation over a step, a day", " and ".join(_said(value) for value in (found.autocorrelation_step, found.autocorrelation_day))),
    ]  # fmt: skip
    typer.echo(
        f"{found.kind}: {found.racks} racks, {found.steps:,} steps of {found.step_s:g} s, seed {found.seed}"
    )
    for label, value in rows:
        typer.echo(f"  {label:<36} {value if isinstance(value, str) else _said(value)}")
    if out is not None:
        typer.echo(f"Every rack: {out}")


def oversubscribe(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Reference site or site file.")],
    group: Annotated[str, typer.Option(help="Rack group.")] = "compute",
    kind: Annotated[str, typer.Option(help="training, inference, research or mixed.")] = "mixed",
    racks: Annotated[int | None, typer.Option(help="Racks; those of the site by default.")] = None,
    cap: Annotated[str | None, typer.Option(help="Power of all racks not to be passed, e.g. '8 MW'.")] = None,
    risk: Annotated[
        str | None, typer.Option(help="Share of the time above the cap that is accepted, e.g. '0.1 %'.")
    ] = None,
    power_cap: Annotated[
        str | None,
        typer.Option(
            help="Cap of the chips, e.g. '80 %': power, tokens and racks that fit, before and after."
        ),
    ] = None,
    step: Annotated[str, typer.Option(help="Step; averaging times are its multiples.")] = "10 s",
    hours: Annotated[str, typer.Option(help="Length in hours, or '7 days'.")] = "7 days",
    seed: Annotated[int, typer.Option(help="Seed of the fleet.")] = 0,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="ADDRESS=VALUE", help="What-if, may be given again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """How far rack peaks coincide, how often a cap is passed, and how many racks fit under it."""
    from twin_models.fields import Quantity
    from twin_sites.errors import InputError, Problem, did_you_mean
    from twin_sites.units import parse_at

    import twin
    from twin.cli_words import changes_of, hours_of, seconds_of
    from twin.loads.fleet import Fleet
    from twin.loads.fleet_load import SHARE
    from twin.loads.oversubscribe import oversubscribe as find
    from twin.metrics import finite

    facility = twin.change_site(twin.load_site(site), changes_of(changes))
    if group not in facility.racks:
        names = list(facility.racks)
        raise InputError(
            [Problem("--group", f"'{group[:60]}'", ", ".join(names), did_you_mean(group, names))]
        )
    chosen = facility.racks[group]
    step_s, length = seconds_of(step) or 10.0, hours_of(hours) or 168.0
    power = Quantity("W", "Cap", low=1.0, high=1e11)
    fleet = Fleet(
        kind=kind,  # type: ignore[arg-type]  # Fleet says what it may be
        racks=racks if racks is not None else chosen.count,
        n=max(round(length * 3600.0 / step_s), 1),
        step_s=step_s,
        seed=seed,
    )
    if power_cap is not None:
        if cap is not None or risk is not None:
            raise InputError(
                [
                    Problem(
                        "--power-cap",
                        "with --cap or --risk",
                        "one question",
                        "--set racks.NAME.accelerator.power_cap='80 %'",
                    )
                ]
            )
        from twin.loads import power_cap as question

        limit = Quantity("1", "Cap of the chips, share of TDP", low=0.0, high=1.5)
        answer = question.power_cap(chosen, fleet, parse_at("--power-cap", power_cap, limit), group)
        shown = json.dumps(finite(answer.json()), allow_nan=False, indent=1)
        typer.echo(shown if as_json else "\n".join(question.lines(answer)))
        return
    found = find(
        chosen,
        fleet,
        group=group,
        cap_w=None if cap is None else parse_at("--cap", cap, power),
        risk=None if risk is None else parse_at("--risk", risk, SHARE),
    )
    if as_json:
        typer.echo(json.dumps(finite(found.json()), allow_nan=False, indent=1))
        return
    typer.echo(
        f"{found.racks} racks of {found.group}, {found.kind}, {found.hours:g} h of {found.step_s:g} s steps; "
        f"rated {found.rack_rating_kw:.1f} kW each, highest {found.rack_highest_kw:.1f} kW"
    )
    typer.echo(
        "  averaging   coincidence      p50 kW      p99 kW    p99.9 kW  highest kW   above the cap   days"
    )
    for peak in found.peaks:
        shares = ("—", "—")
        if peak.above_cap is not None and peak.days_above is not None:
            shares = (f"{100 * peak.above_cap:.3f} %", f"{100 * peak.days_above:.0f} %")
        middle = "".join(f"{peak.percentiles_kw[q]:>12,.0f}" for q in ("p50", "p99", "p99.9"))
        typer.echo(
            f"  {peak.averaging_s:>7g} s {peak.coincidence:>13.3f}{middle}{peak.highest_kw:>12,.0f}"
            f"{shares[0]:>16}{shares[1]:>7}"
        )
    if found.cap_kw is not None:
        typer.echo(f"Under {found.cap_kw:,.0f} kW: {found.racks_by_rating} racks by their rating")
    for fit in found.fits:
        gain = "" if fit.gain is None else f", {100 * fit.gain:+.0f} %"
        typer.echo(
            f"  {fit.racks} racks in means of {fit.averaging_s:g} s at a risk of {100 * (found.risk or 0.0):g} %"
            f" (above the cap {100 * fit.above_cap:.3f} % of the time{gain})"
        )


def shift(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Reference site or site file.")],
    to: Annotated[
        str, typer.Option(help="cheap (price), clean (carbon), cool (dry bulb) or hours such as 02-06.")
    ] = "cheap",
    share: Annotated[str, typer.Option(help="Deferrable share of the work.")] = "30 %",
    deadline: Annotated[str, typer.Option(help="Longest wait in hours, or '2 days'.")] = "24",
    ceiling: Annotated[
        str | None, typer.Option(help="Highest activity allowed; each group's own highest by default.")
    ] = None,
    weather: Annotated[str | None, typer.Option(help="Embedded year or weather file.")] = None,
    load: Annotated[str | None, typer.Option(help="Built-in, generated:… or a file of activity.")] = None,
    price: Annotated[str | None, typer.Option(help="File of hourly energy price.")] = None,
    carbon: Annotated[str | None, typer.Option(help="File of hourly grid carbon intensity.")] = None,
    step: Annotated[str | None, typer.Option(help="Step; the weather's by default.")] = None,
    hours: Annotated[str | None, typer.Option(help="Length in hours, or '7 days'.")] = None,
    start: Annotated[str | None, typer.Option(help="First moment, e.g. 2023-07-01T00:00.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="ADDRESS=VALUE", help="What-if, may be given again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Move deferrable work to better hours and compare the run without and with it."""
    from twin_sites.units import parse_at

    from twin.cli_words import changes_of, hours_of, seconds_of
    from twin.loads.fleet_load import SHARE
    from twin.metrics import finite
    from twin.shifting import shift as move

    found = move(
        site,
        to=to,
        share=parse_at("--share", share, SHARE),
        deadline_h=hours_of(deadline) or 24.0,
        ceiling=None if ceiling is None else parse_at("--ceiling", ceiling, SHARE),
        changes=changes_of(changes),
        weather=weather,
        load=load,
        price=price,
        carbon=carbon,
        step_s=seconds_of(step),
        hours=hours_of(hours),
        start=start,
    )
    if as_json:
        typer.echo(json.dumps(finite(found.json()), allow_nan=False, indent=1))
        return
    wait = "" if found.mean_delay_h is None else f", by {found.mean_delay_h:.1f} h in the mean"
    typer.echo(
        f"{found.before.site}: {100 * found.moved_share:.1f} % of the work moved to {found.to}{wait}, at most "
        f"{found.longest_delay_h:g} h; work {found.work_after:,.6g} of {found.work_before:,.6g} rack-hours"
    )
    typer.echo("                                  before          after     change")
    for label, name in (
        (f"energy cost, {found.before.currency}", "energy_cost"), ("carbon, kg", "carbon_kg"), ("facility energy, kWh", "facility_energy_kwh"),
        ("PUE", "pue"), ("water, m³", "water_m3"), ("peak facility, kW", "peak_facility_kw"),
        (f"{found.before.currency} per million tokens", "cost_per_million_tokens"), ("hours with compressors", "mechanical_hours"),
    ):  # fmt: skip
        old, new = getattr(found.before, name), getattr(found.after, name)
        if old is None or new is None:
            continue
        change = f"{100 * (new / old - 1):+.2f} %" if old else "—"
        typer.echo(f"  {label:<24} {old:>15,.6g}{new:>15,.6g}{change:>11}")


def _said(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
