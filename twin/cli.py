"""The command line: ``twin run | check | show``. It reads words, calls the functions of the package and prints."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from twin import cli_work
from twin.cli_trace import app as trace_app
from twin.sizing.cli import limits, optimise, size
from twin.studies.cli import study
from twin.transients import cli as cli_transients

app = typer.Typer(
    help="Digital twin of an AI data center's power and cooling.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(trace_app, name="trace")

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Reference site or site file.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="ADDRESS=VALUE", help="What-if, may be given again.")
]
IpOption = Annotated[bool, typer.Option("--ip", help="Show IP units (°F, gpm, psi).")]


@app.command()
def run(
    site: SiteArgument,
    weather: Annotated[
        str | None, typer.Option(help="Embedded year or EPW, TMY3, Open-Meteo or CSV file.")
    ] = None,
    load: Annotated[
        str | None,
        typer.Option(
            help="training, inference, mixed, research, generated:mixed,racks=72, or a CSV or Parquet trace."
        ),
    ] = None,
    boundary: Annotated[
        str | None,
        typer.Option(
            help="Where a trace's power was measured: gpu, node_dc, node_ac, rack_ac, cdu_heat, site_it."
        ),
    ] = None,
    changes: SetOption = None,
    step: Annotated[
        str | None, typer.Option(help="Step, e.g. '15 s' or '1 min'; the weather's by default.")
    ] = None,
    hours: Annotated[
        str | None,
        typer.Option(help="Length of the run in hours, or '7 days'; the whole weather year by default."),
    ] = None,
    start: Annotated[str | None, typer.Option(help="First moment, e.g. 2023-07-01T00:00.")] = None,
    design_day: Annotated[
        str | None, typer.Option(help="Run the weather's design day: '0.4%' or 'extreme'.")
    ] = None,
    carbon: Annotated[str | None, typer.Option(help="File of hourly grid carbon intensity.")] = None,
    price: Annotated[str | None, typer.Option(help="File of hourly energy price.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write all series to .nc or .csv.")] = None,
    per_rack: Annotated[
        bool, typer.Option("--per-rack", help="Write every step of every single rack too (with --out).")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")
    ] = False,
    ip: IpOption = False,
) -> None:
    """Simulate a facility over a weather year, or any span, and print what comes out."""
    from twin_sites.errors import Problem
    from twin_sites.schema import Site

    import twin
    from twin.cli_words import changes_of, hours_of, seconds_of, word_of
    from twin.loads.read import load_trace
    from twin.metrics import finite
    from twin.progress import bar
    from twin.store import check_target

    if out is not None:
        check_target(out)
    elif per_rack:
        raise twin.InputError(
            [Problem("--per-rack", "no file for the series", "--out with it", "--per-rack --out run.nc")]
        )
    facility: Site = twin.change_site(twin.load_site(site), changes_of(changes))
    air: Any = weather
    if design_day is not None:
        air = twin.design_day(
            twin.load_weather(weather or facility.site.weather),
            word_of(design_day, ("0.4%", "extreme"), "--design-day"),
        )
    trace: Any = load_trace(load, boundary) if load is not None and boundary is not None else load  # type: ignore[arg-type]
    with bar() as progress:
        ds = twin.simulate(
            facility,
            weather=air,
            load=trace,
            step_s=seconds_of(step),
            hours=hours_of(hours),
            start=start,
            carbon=carbon,
            price=price,
            per_rack=per_rack,
            progress=progress,
        )
    if out is not None:
        twin.save(ds, out)
    if as_json:
        typer.echo(json.dumps(finite(twin.summarize(ds).json()), allow_nan=False, indent=1))
    else:
        typer.echo(twin.report(ds, facility, "ip" if ip else "si"))
        if out is not None:
            typer.echo(f"All series: {out}")


@app.command()
def check(site: SiteArgument, changes: SetOption = None) -> None:
    """Validate a site file and say all that is wrong with it."""
    import twin
    from twin.cli_words import changes_of
    from twin.compile import compile_site

    facility = twin.change_site(twin.load_site(site), changes_of(changes))
    plan = compile_site(facility)
    typer.echo(
        f"{facility.name}: valid. {len(plan.racks)} rack groups ({sum(n.racks.count for n in plan.racks)} racks, "
        f"{plan.design_it / 1e6:.3g} MW rated), {len(plan.volumes)} loops and rooms, {len(plan.links)} links, {len(plan.feeders)} feeders."
    )


@app.command()
def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="sites, weather, loads, addresses; or equipment: accelerators, racks, cold-plates, power-shelves, "
            "cdus, pumps, exchangers, air-handlers, rear-doors, liquid-to-air, tanks, condensers, dry-coolers, towers, chillers, thermal-storage, "
            "heat-customers, manifolds, transformers, ups, pdus, works.",
        ),
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One of them; a site for 'addresses'.")
    ] = None,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="For 'addresses': only those that contain this.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    ip: IpOption = False,
) -> None:
    """List what is built in, show one of it, or list the addresses of a site."""
    from twin.listing import listing

    rows, table = listing(what, name, text, "ip" if ip else "si")
    typer.echo(json.dumps(rows, indent=1) if as_json else table)


@app.command()
def dashboard(
    site: Annotated[
        str, typer.Argument(metavar="[SITE]", help="Reference site or site file.")
    ] = "gb300-10mw",
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond this machine it needs --auth.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8050,
    auth: Annotated[
        bool, typer.Option("--auth", help="Ask for TWIN_DASHBOARD_USER and TWIN_DASHBOARD_PASSWORD.")
    ] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve other machines without a password.")
    ] = False,
) -> None:
    """Serve the what-if dashboard of a site in the browser."""
    from importlib import import_module

    from twin_sites.errors import InputError, Problem

    try:  # by name: the dashboard stands on the engine, and the engine runs without it
        serve = import_module("twin_dashboard.serve").serve
    except ModuleNotFoundError as error:
        raise InputError(
            [
                Problem(
                    "twin dashboard",
                    f"the package '{error.name}' is missing",
                    "the extra 'dashboard'",
                    "pip install 'facility-twin[dashboard]'",
                )
            ]
        ) from error
    serve(site, host, port, auth=auth, insecure=insecure, say=typer.echo)


app.command()(size)
app.command()(limits)
app.command()(optimise)
app.command()(study)
cli_work.register(app)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a site file."""
    from twin_sites.json_schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=1))


app.command()(cli_transients.transient)
app.command()(cli_transients.failures)


def _plain(message: str) -> str:
    """What the command line's parser says, without the words of its validator."""
    return (
        message.replace("Input should be a valid", "it should be a")
        .partition(", unable to parse")[0]
        .rstrip(".")
    )


def _command() -> str:
    names = {
        info.name or (info.callback.__name__ if info.callback else "") for info in app.registered_commands
    }
    return f"{sys.argv[1]} " if len(sys.argv) > 1 and sys.argv[1] in names else ""


def _version(wanted: bool) -> None:
    if wanted:
        from twin import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Digital twin of an AI data center's power and cooling."""


def main() -> None:
    """Exit code 0 done, 1 the run failed, 2 bad input, 130 stopped by Ctrl-C; no traceback for bad input or a stop."""
    from twin_sites.errors import InputError

    from twin.errors import RunError

    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except InputError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        sys.exit(2)
    except RunError as error:
        sys.stderr.write(f"The run failed. {error}\n")
        sys.exit(1)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except typer.Abort:  # Ctrl-C
        sys.exit(130)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")) and hasattr(error, "format_message"):
            sys.stderr.write(f"{_plain(error.format_message())}. Try: twin {_command()}--help\n")
            sys.exit(2)
        raise


if __name__ == "__main__":
    main()
