"""``twin trace``: look into telemetry files and convert them."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Read telemetry: inspect, convert.", no_args_is_help=True, rich_markup_mode=None)

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
