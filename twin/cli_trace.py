"""``twin trace``: look into telemetry files and convert them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twin.loads.traces.raw import RawTrace

app = typer.Typer(
    help="Read telemetry of other tools: inspect, convert, pull.", no_args_is_help=True, rich_markup_mode=None
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
    from twin.cli_words import seconds_of, word_of
    from twin.loads.traces.inspect import inspect_trace, table_of
    from twin.metrics import finite

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

    from twin.cli_words import seconds_of, word_of
    from twin.loads import convert
    from twin.loads.load import BOUNDARIES
    from twin.loads.traces import mapping
    from twin.metrics import finite

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


pull = typer.Typer(help="Fetch readings from a running server.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(pull, name="pull")

OutOption = Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")]


@pull.command("prometheus")
def pull_prometheus(
    url: Annotated[str, typer.Argument(metavar="URL", help="Server, e.g. http://localhost:9090.")],
    out: OutOption,
    query: Annotated[str, typer.Option(help="PromQL of the series.")] = "DCGM_FI_DEV_POWER_USAGE",
    start: Annotated[
        str | None,
        typer.Option(help="Begin: 2026-01-01T00:00Z, epoch seconds or -2h; without it one moment."),
    ] = None,
    end: Annotated[str, typer.Option(help="End, like --start.")] = "now",
    step: Annotated[str, typer.Option(help="Step of a range.")] = "15 s",
    timeout: Annotated[str, typer.Option(help="Longest wait for one answer.")] = "30 s",
    quantity: QuantityOption = None,
) -> None:
    """Fetch a range, or one moment, of power from Prometheus; TWIN_PROMETHEUS_AUTHORIZATION holds a header if needed."""
    from twin.cli_words import seconds_of, word_of
    from twin.loads import convert
    from twin.loads.traces import from_prometheus

    convert.check_target(out)
    if quantity is not None:
        word_of(quantity, ("power", "activity"), "--quantity")
    begin = None if start is None else from_prometheus.moment(start, "--start")
    trace = from_prometheus.pull(
        url,
        query,
        begin,
        from_prometheus.moment(end, "--end"),
        seconds_of(step) or 15.0,
        quantity,  # type: ignore[arg-type]
        seconds_of(timeout, "--timeout") or 30.0,
    )
    convert.write_readings(trace, out)
    _say(trace, out)


@pull.command("mqtt")
def pull_mqtt(
    host: Annotated[str, typer.Argument(metavar="HOST", help="Broker.")],
    out: OutOption,
    topic: Annotated[list[str], typer.Option(help="Topic, may hold + and #; may be given again.")],
    for_: Annotated[str, typer.Option("--for", help="How long to listen.")] = "60 s",
    port: Annotated[int, typer.Option(help="Port.")] = 1883,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypted connection.")] = False,
    boundary: Annotated[str | None, typer.Option(help="Where the power is measured, as in twin run.")] = None,
) -> None:
    """Listen to power on MQTT topics; TWIN_MQTT_USER and TWIN_MQTT_PASSWORD are used where they are set."""
    from twin.cli_words import seconds_of, word_of
    from twin.loads import convert
    from twin.loads.load import BOUNDARIES
    from twin.loads.traces import from_mqtt

    convert.check_target(out)
    if boundary is not None:
        word_of(boundary, BOUNDARIES, "--boundary")
    trace = from_mqtt.listen(
        host,
        topic,
        seconds_of(for_, "--for") or 60.0,
        port=port,
        tls=tls,
        boundary=boundary,  # type: ignore[arg-type]
    )
    convert.write_readings(trace, out)
    _say(trace, out)


def _say(trace: "RawTrace", out: Path) -> None:
    readings = sum(signal.seconds.size for signal in trace.signals.values())
    typer.echo(
        f"{out}: {readings:,} readings of {len(trace.signals)} series, {trace.unreadable:,} unreadable left out"
    )
    for note in trace.notes:
        typer.echo(f"Note       {note}")
