"""A study as people write it: the keys of a ``study.yaml``, and the studies that come with the program."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

from twin_models.fields import Quantity
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.problems import said
from twin_sites.schema import Site
from twin_sites.units import parse_at
from twin_sites.yaml_files import plain_form, read_yaml

from twin.cli_words import hours_of, seconds_of
from twin.files import decode, read_bytes

MAX_BYTES = 50_000_000  # of a study file or a table of cases
SHOWN = ("pue", "wue_l_per_kwh", "cue_kg_per_kwh")
PERCENTILES = (1.0, 5.0, 50.0, 95.0, 99.0)
TEXTS = ("site", "name", "title", "weather", "load", "boundary", "design", "cases")  # keys that hold a text
OUTPUTS = ("hourly", "hourly_of", "percentiles", "at")  # keys below 'outputs'


@dataclass(frozen=True)
class Study:
    """A study as data; the keys of a ``study.yaml`` are these fields.

    Parameters
    ----------
    axes
        What varies: address, ``site``, ``weather``, ``load`` or a free name, to values (see ``twin.studies.axes``).
    site, weather, load, boundary, hours, start, step_s
        As of ``simulate``; those that are axes are left out.
    changes
        What-ifs of every case.
    design
        ``factorial``, ``zipped``, ``random``, ``latin-hypercube``, ``sobol``, ``morris`` or ``table``.
    samples, seed
        Size and seed of a sampled design.
    cases
        CSV file of a ``table``: a column per axis.
    hourly
        Series kept, as ``site_power`` or ``loop_supply_temperature:fws``.
    hourly_of
        Cases whose series are kept: axes to values, or how many, evenly over the design; all by default.
    percentiles, at
        Series of which percentiles over time are kept, and which.
    chunk
        Cases that are computed and written together; by default what suits their number.
    estimates, estimates_in
        Vary every number marked ``estimate`` by this share up and down, uniformly (a sampled design); only below the
        addresses that begin so.
    show
        Numbers of the summary that reports map over the axes.
    """

    axes: Mapping[str, Any] = field(default_factory=dict)
    site: Any = "gb300-10mw"
    name: str = "study"
    title: str = ""
    weather: str | None = None
    load: str | None = None
    boundary: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    design: str = "factorial"
    samples: int | None = None
    seed: int = 0
    cases: str | None = None
    hours: float | None = None
    start: str | None = None
    step_s: float | None = None
    hourly: tuple[str, ...] = ()
    hourly_of: Mapping[str, Any] | int | None = None
    percentiles: tuple[str, ...] = ()
    at: tuple[float, ...] = PERCENTILES
    chunk: int | None = None
    estimates: float | None = None
    estimates_in: tuple[str, ...] = ()
    show: tuple[str, ...] = SHOWN


class Source(NamedTuple):
    """A study, the name of its place, the lines of its keys, and what is wrong with its form."""

    study: Study
    where: str
    lines: Mapping[tuple[str, ...], int]
    problems: list[Problem]


def ready_made() -> dict[str, Path]:
    """Studies that come with the program, by name."""
    with as_file(files("twin.studies").joinpath("ready")) as folder:
        return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_study(source: Study | str | Path | Mapping[str, Any]) -> Source:
    """A study from a file, a mapping or as it is; keys with a fault are left out and told.

    Raises
    ------
    InputError
        Where there is no file or it is no YAML mapping.
    """
    if isinstance(source, Study):
        return Source(source, source.name, {}, [])
    folder = Path()
    if isinstance(source, str) and source in ready_made():
        source = ready_made()[source]
    lines: dict[tuple[str, ...], int] = {}
    if isinstance(source, Mapping):
        written, where = plain_form(source, "study"), "study"
    else:
        path = Path(source)
        if not path.suffix and len(path.parts) == 1 and not path.exists():
            allowed, remedy = (
                "a study file or a name of 'twin study list'",
                did_you_mean(path.name, ready_made()),
            )
            raise InputError([Problem(f"study {path.name[:80]}", "no such study", allowed, remedy)])
        where, folder = path.name, path.parent
        written, lines = read_yaml(decode(read_bytes(path, MAX_BYTES), where), where)
    written = dict(written)
    problems = []
    outputs = written.pop("outputs", None) or {}
    if isinstance(outputs, Mapping):
        written |= {key: value for key, value in outputs.items() if key in OUTPUTS}
        unknown = [key for key in outputs if key not in OUTPUTS]
        problems += [
            Problem(
                f"{where} → outputs.{key}", "no such key", ", ".join(OUTPUTS), did_you_mean(str(key), OUTPUTS)
            )
            for key in unknown
        ]
    else:
        problems.append(
            Problem(f"{where} → outputs", said(outputs), "a mapping", "outputs: {hourly: [site_power]}")
        )
    known = {item.name: item for item in fields(Study)}
    for key in [key for key in written if key not in known]:
        allowed = ", ".join([*known, "outputs"])
        problems.append(
            Problem(place_of(where, lines, (key,)), f"the key '{key}'", allowed, did_you_mean(key, known))
        )
        del written[key]
    for key in TEXTS:
        value = written.get(key)
        if isinstance(value, Path):
            written[key] = str(value)
        elif not isinstance(value, str | None) and not (key == "site" and isinstance(value, Mapping | Site)):
            place = place_of(where, lines, (key,))
            problems.append(
                Problem(place, said(value), "a text", f"{key}: 'a name', in quotes if it is a number")
            )
            del written[key]
            if key == "site":  # what the rest says of another site would mislead
                raise InputError(problems)
    for key, kind in (
        ("axes", Mapping),
        ("changes", Mapping),
        ("samples", int),
        ("seed", int),
        ("chunk", int),
    ):
        value = written.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            allowed = "a whole number" if kind is int else "a mapping of keys to values"
            problems.append(Problem(place_of(where, lines, (key,)), said(value), allowed, f"{key}: …"))
            del written[key]
    chosen = written.get("hourly_of")
    if chosen is not None and (not isinstance(chosen, Mapping | int) or isinstance(chosen, bool)):
        remedy = "hourly_of: {weather: phoenix}, or hourly_of: 12"
        allowed = "axes with the values wanted, or a number of cases"
        problems.append(Problem(f"{where} → hourly_of", said(chosen), allowed, remedy))
        del written["hourly_of"]
    for key in ("hourly", "percentiles", "at", "estimates_in", "show"):
        if key in written:
            value = written[key]
            written[key] = tuple(value) if isinstance(value, list | tuple) else (value,)
    for key, read, remedy in (
        ("hours", hours_of, "hours: 24, or hours: 7 days"),
        ("step_s", seconds_of, "step_s: 900, or step_s: 15 min"),
        ("estimates", _share, "estimates: 10 %"),
    ):
        value = written.get(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            continue
        place = place_of(where, lines, (key,))
        try:
            if not isinstance(value, str):
                raise InputError([Problem(place, said(value), "a number", remedy)])
            written[key] = read(value, place)
        except InputError as error:
            problems += error.problems
            del written[key]
    for key in ("site", "weather", "load", "cases"):
        written[key] = _beside(folder, written.get(key))
    if isinstance(written.get("axes"), Mapping):
        written["axes"] = {
            name: [_beside(folder, item) for item in values]
            if name in ("site", "weather", "load") and isinstance(values, list | tuple)
            else values
            for name, values in written["axes"].items()
        }
    return Source(
        Study(**{k: value for k, value in written.items() if value is not None}), where, lines, problems
    )


def _beside(folder: Path, name: Any) -> Any:
    """A name, or the file of that name beside the study."""
    found = isinstance(name, str) and folder != Path() and "\0" not in name and (folder / name).is_file()
    return str(folder / name) if found else name


def _share(text: str, where: str) -> float:
    return parse_at(where, text, Quantity("1", "Spread"))


def place_of(where: str, lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> str:
    """How a fault names a key of a study file: with its line where it has one."""
    line = lines.get(path)
    return f"{where} line {line} → {'.'.join(path)}" if line else f"{where} → {'.'.join(path)}"
