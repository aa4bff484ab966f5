"""Commands about the work: ``twin generate``. They read words, call the functions of the package and print."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(generate)


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

    from twin.cli import hours_of, seconds_of
    from twin.fleet import Fleet
    from twin.fleet_load import SHARE
    from twin.fleet_report import survey, write
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


def _said(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
