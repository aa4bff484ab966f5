"""Scenario files: what happens, at which load and for how long, as YAML that is kept and shared.

    title: Facility water stops and comes back
    load: 80 %
    until: 15 min
    events:
      - t=60s trip cooling.fws.pump
      - t=3min start cooling.fws.pump

Only ``events`` is needed. Lines are those of `twin.transients.events`, in any order.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

from twin_models.fields import Quantity
from twin_sites import units
from twin_sites.errors import InputError, Problem, did_you_mean
from twin_sites.yaml_files import read_yaml

LONGEST_RUN = 20 * 8784 * 3600.0  # s
LENGTH = Quantity("s", "Length", low=1.0, high=LONGEST_RUN, bound_source="twenty years")
LOAD = Quantity("1", "Share of full load", low=0.0, high=1.0, shown="%", shown_ip="%")
KEYS = ("title", "load", "until", "events")
A_LINE = "t=60s trip cooling.fws.pump"
MOST_CHARACTERS = 300  # of a line: longer ones are no event


class Scenario(NamedTuple):
    """What a scenario file says."""

    title: str
    events: list[str]
    load: str | None
    until: float | None


def scenario(source: str | Path) -> Scenario:
    """A scenario file, or one of the names that `scenarios` lists.

    Raises
    ------
    InputError
        Where there is no such file or name, or it is no scenario: with every fault of its keys.
    """
    text, name = _text(source)
    form, _ = read_yaml(text, name, f"events: ['{A_LINE}']")
    problems = [
        Problem(name, f"unknown key '{key}'", ", ".join(KEYS), did_you_mean(key, KEYS))
        for key in form
        if key not in KEYS
    ]
    title, load, until, events = (form.get(key) for key in ("title", "load", "until", "events"))
    if isinstance(title, list | dict):
        problems.append(Problem(f"{name} → title", _kind(title), "words", "title: Facility water stops"))
    problems += _load_problems(load, name) + _event_problems(events, name)
    length = None
    try:
        length = None if until is None else units.parse_at(f"{name} → until", _plain(until), LENGTH)
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    return Scenario(
        "" if title is None else str(title),
        [str(line) for line in events or []],
        None if load is None else str(load),
        length,
    )


def scenarios(site: str = "") -> dict[str, Path]:
    """Shipped scenarios by name, those of one site or all."""
    from importlib.resources import files

    folder = Path(str(files("twin_sites"))) / "scenarios"
    return {path.stem: path for path in sorted(folder.glob(f"{site}*.yaml"))}


def load_of(text: str, where: str) -> float | str:
    """A share of full load as a number; anything else is the name of a load or a file.

    Raises
    ------
    InputError
        For a share that is not from 0 to 100 %.
    """
    plain = text.strip().removesuffix("%").strip()
    if not plain:
        raise InputError(
            [Problem(where, "nothing", "a share of full load, the name of a load, or a file", "80 %")]
        )
    if not plain.removeprefix("-").replace(".", "", 1).isdecimal():
        return text
    if "%" not in text and 1.0 < float(plain) <= 100.0:
        raise InputError([Problem(where, text, "0 to 1, or 0 to 100 %", f"'{plain} %' if that is meant")])
    return units.parse_at(where, text, LOAD)


def _text(source: str | Path) -> tuple[str, str]:
    """Text of a scenario and its name."""
    known = scenarios()
    path = known.get(str(source), Path(source))
    where, found, allowed = f"scenario {str(source)[:80]}", "", "a YAML file or a shipped one"
    remedy = did_you_mean(str(source), known)
    try:
        if path.is_file():
            return path.read_bytes().decode("utf-8-sig"), path.name
        found = "a folder, no file" if path.is_dir() else "no such file or scenario"
        if "=" in str(source) and " " in str(source):
            found, remedy = "one line of text, no file", f"a list of lines: ['{A_LINE}']"
    except UnicodeDecodeError as error:
        where, found = path.name, f"no UTF-8 text at byte {error.start}"
        allowed, remedy = "a YAML file, plain UTF-8 text", "save it as UTF-8"
    except (OSError, ValueError) as error:
        found = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        allowed, remedy = "a readable file", "check its name and permissions"
    raise InputError([Problem(where, found, allowed, remedy)])


def _load_problems(load: Any, name: str) -> list[Problem]:
    where, allowed = f"{name} → load", "a share of full load, the name of a load, or a file"
    if load is None:
        return []
    endless = isinstance(load, float) and not math.isfinite(load)
    if isinstance(load, bool | list | dict) or endless:
        return [Problem(where, _kind(load), allowed, "load: 80 %")]
    try:
        load_of(str(load), where)
    except InputError as error:
        return error.problems
    return []


def _event_problems(events: Any, name: str) -> list[Problem]:
    if not isinstance(events, list):
        found = "no events" if events is None else f"events are {_kind(events)}"
        return [Problem(name, found, "events: and lines that begin with '-'", f"- {A_LINE}")]
    return [
        Problem(
            f"{name} → events, line {i}", _kind(line), "TIME VERB ADDRESS [VALUE] as one text", f"- {A_LINE}"
        )
        for i, line in enumerate(events, start=1)
        if not isinstance(line, str) or len(line) > MOST_CHARACTERS
    ]


def _kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return "nothing" if value is None else f"'{str(value)[:60]}'"


def _plain(value: Any) -> str:
    return _kind(value) if isinstance(value, bool | list | dict) else str(value)
