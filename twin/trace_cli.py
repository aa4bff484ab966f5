"""``twin trace``: look into telemetry files and convert them."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Read telemetry of other tools: inspect, convert.", no_args_is_help=True, rich_markup_mode=None
)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Trace file, folder of files, or a pattern in quotes.")
]
StepOption = Annotated[str | None, typer.Option(help="Step of the rows of a file without times, e.g. '1 s'.")]
ZoneOption = Annotated[
    str | None, typer.Option(help="Zone of the file's local clock, e.g. Europe/Berlin; times become UTC.")
]
QuantityOption = Annotated[
    str | None, typer.Option(help="power or activity, where a file has both; power by default.")
]


@app.command("inspect")
def inspect_file(
    file: FileArgument,
    step: StepOption = None,
    timezone: ZoneOption = None,
    quantity: QuantityOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Say what a telemetry file holds, and what reading it skips, fills and assumes."""
    from twin.cli import seconds_of, word_of
    from twin.metrics import finite
    from twin.traces.inspect import inspect_trace, table_of

    if quantity is not None:
        word_of(quantity, ("power", "activity"), "--quantity")
    found = inspect_trace(file, seconds_of(step), quantity, timezone)  # type: ignore[arg-type]
    typer.echo(json.dumps(finite(found.json()), allow_nan=False, indent=1) if as_json else table_of(found))


@app.command("convert")
def convert_file(
    file: FileArgument,
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")],
    step: Annotated[
        str | None, typer.Option(help="Step to average to, e.g. '10 s'; the file's by default.")
    ] = None,
    boundary: Annotated[
        str | None,
        typer.Option(
            help="Where the power was measured, if the file does not say: gpu, node_dc, node_ac, rack_ac, ..."
        ),
    ] = None,
    timezone: ZoneOption = None,
    quantity: QuantityOption = None,
    max_gap: Annotated[str, typer.Option(help="Longest gap that takes the reading before it.")] = "1 h",
    racks: Annotated[
        Path | None, typer.Option(help="Mapping of devices to racks: CSV, YAML, JSON or NetBox export.")
    ] = None,
    rack_pattern: Annotated[
        str | None, typer.Option(help="Regular expression whose group names the rack, e.g. '^(r[0-9]+)n'.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Write a telemetry file as regular steps that --load reads, energy kept; devices put into racks where asked."""
    from twin_sites.errors import InputError, Problem

    from twin.cli import seconds_of, word_of
    from twin.load import BOUNDARIES
    from twin.metrics import finite
    from twin.traces import convert, mapping

    if quantity is not None:
        word_of(quantity, ("power", "activity"), "--quantity")
    if boundary is not None:
        word_of(boundary, BOUNDARIES, "--boundary")
    if racks is not None and rack_pattern is not None:
        raise InputError([Problem("--racks", "a file and a pattern", "one of them", "leave one out")])
    place = mapping.by_file(racks) if racks is not None else None
    place = mapping.by_pattern(rack_pattern) if rack_pattern is not None else place
    done = convert.convert(
        file,
        out,
        seconds_of(step),
        boundary,  # type: ignore[arg-type]
        quantity,  # type: ignore[arg-type]
        timezone,
        seconds_of(max_gap, "--max-gap") or 0.0,
        place,
    )
    typer.echo(
        json.dumps(finite(done.json()), allow_nan=False, indent=1) if as_json else convert.table_of(done)
    )
