"""``twin transient`` and ``twin failures``: read words, call the package, print."""

import json
from pathlib import Path
from typing import Annotated

import typer

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Reference site or site file.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="ADDRESS=VALUE", help="What-if, may be given again.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
WeatherOption = Annotated[
    str | None,
    typer.Option(help="Weather; the constant 0.4 % design condition of the site's weather by default."),
]


def transient(
    site: SiteArgument,
    event: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT", help="E.g. 't=60s trip cooling.tcs.cdu.1.pump', may be given again."),
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="Scenario file, or the name of a shipped one.")] = None,
    until: Annotated[str | None, typer.Option(help="Length, e.g. '30 min', which is the default.")] = None,
    load: Annotated[
        str | None,
        typer.Option(help="Share of full load such as 80% (100% by default), or a load as for 'twin run'."),
    ] = None,
    boundary: Annotated[
        str | None, typer.Option(help="Where the power of a load file is measured, as in 'twin run'.")
    ] = None,
    weather: WeatherOption = None,
    start: Annotated[
        str | None, typer.Option(help="First moment of the weather, e.g. 2023-07-01T14:00.")
    ] = None,
    changes: SetOption = None,
    step: Annotated[
        str | None, typer.Option(help="Fixed step, e.g. '1 s'; chosen by the error by default.")
    ] = None,
    every: Annotated[str | None, typer.Option(help="Step of the result, e.g. '10 s'.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write all series to .nc or .csv, or while it runs into .zarr.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play events in time: temperatures, flows, and how long until chips throttle and stop."""
    from twin_sites.errors import InputError, Problem

    import twin
    from twin.cli_words import changes_of, word_of
    from twin.loads.load import BOUNDARIES
    from twin.loads.read import load_trace
    from twin.metrics import finite
    from twin.progress import bar
    from twin.store import check_target
    from twin.transients.report import transient_report
    from twin.transients.scenarios import load_of
    from twin.transients.scenarios import scenario as read_scenario

    stream = out is not None and out.suffix == ".zarr"
    if out is not None and not stream:
        check_target(out, (".nc", ".csv", ".zarr"))
    lines, length, asked, place = list(event or []), _seconds(until, "--until"), load, "--load"
    if scenario is not None:
        found = read_scenario(scenario)
        lines = [*found.events, *lines]
        length = length if length is not None else found.until
        if asked is None:
            asked, place = found.load, f"{scenario} → load"
    trace = None if asked is None else load_of(asked, place)
    if boundary is not None:
        if not isinstance(trace, str):
            found_at = "a share of full load" if trace is not None else "no load"
            raise InputError([Problem("--boundary", found_at, "with a load file", "--load trace.csv")])
        word_of(boundary, BOUNDARIES, "--boundary")
        trace = load_trace(trace, boundary)  # type: ignore[arg-type, assignment]
    with bar() as progress:
        ds = twin.transient(
            twin.change_site(twin.load_site(site), changes_of(changes)), events=lines,
            until=length if length is not None else 1800.0, load=trace, weather=weather, start=start,
            step_s=_seconds(step, "--step"), output_s=_seconds(every, "--every"), out=out if stream else None,
            progress=progress,
        )  # fmt: skip
    if out is not None and not stream:
        twin.save(ds, out)
    summary = twin.summarize_transient(ds)
    if as_json:
        typer.echo(json.dumps(finite(summary.json()), allow_nan=False, indent=1))
        return
    typer.echo(transient_report(summary))
    if out is not None:
        typer.echo(f"All series: {out}")


def failures(
    site: SiteArgument,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Play each failure in time instead of solving where it ends.")
    ] = False,
    horizon: Annotated[
        str | None, typer.Option(help="With --dynamic: how long each is played, '30 min' by default.")
    ] = None,
    load: Annotated[str | None, typer.Option(help="Share of full load, 100% by default.")] = None,
    weather: WeatherOption = None,
    changes: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every single failure of a site: how long it rides through, or where it comes to rest."""
    from twin_sites.errors import InputError, Problem

    import twin
    from twin.cli_words import changes_of
    from twin.metrics import finite
    from twin.progress import bar
    from twin.transients.report import failures_report
    from twin.transients.ride_through import as_json as form

    length = _seconds(horizon, "--horizon")
    if length is not None and not dynamic:
        found_at, allowed = "without --dynamic, where no time passes", "a horizon of failures that are played"
        raise InputError([Problem("--horizon", found_at, allowed, f"--dynamic --horizon '{horizon}'")])
    share = None if load is None else _share(load)
    with bar() as progress:
        found = twin.failures(
            twin.change_site(twin.load_site(site), changes_of(changes)), dynamic=dynamic,
            horizon=length if length is not None else 1800.0, load=1.0 if share is None else share, weather=weather,
            progress=progress,
        )  # fmt: skip
    typer.echo(
        json.dumps(finite(form(found)), allow_nan=False, indent=1) if as_json else failures_report(found)
    )


def _seconds(text: str | None, where: str) -> float | None:
    from twin_models.fields import Quantity
    from twin_sites.units import parse_at

    span = Quantity("s", "Time", low=0.01, high=20 * 8784 * 3600.0, bound_source="twenty years")
    return None if text is None else parse_at(where, text, span)


def _share(text: str) -> float:
    from twin_models.fields import Quantity
    from twin_sites.units import parse_at

    return parse_at("--load", text, Quantity("1", "Load", low=0.0, high=1.0, shown="%", shown_ip="%"))
