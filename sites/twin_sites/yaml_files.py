"""Reading YAML text of people: size limit, no aliases, no doubled keys, and the line of every key."""

import math
from collections.abc import Mapping
from typing import Any

import yaml

from twin_sites.errors import InputError, Problem

MAX_CHARACTERS = 2_000_000
MAX_DEPTH = 20
MAX_PROBLEMS = 50
LARGEST = 10**300
MAX_DIGITS = 40  # what is longer stays text, and is refused as such

PLAIN_TAGS = tuple(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)

Path = tuple[str, ...]


def read_yaml(
    text: str, where: str, example: str = "see 'twin show sites gb300-10mw' for one"
) -> tuple[dict[str, Any], dict[Path, int]]:
    """Mapping of a YAML text, and the line of each key by path; ``example`` is the remedy for what is no mapping.

    Raises
    ------
    InputError
        When the text is too large, is no YAML, is no mapping, doubles a key or uses aliases.
    """
    if len(text) > MAX_CHARACTERS:
        allowed = f"at most {MAX_CHARACTERS:,} characters"
        raise InputError([Problem(where, f"{len(text):,} characters", allowed, "is this a site file?")])
    reader = _Reader(where)
    try:
        _refuse_depth(text, where)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where} line {mark.line + 1}" if mark else where
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(
            [Problem(place, f"not YAML: {what}", "a YAML mapping", "check indentation, colons and quotes")]
        ) from error
    value = reader.value(node, (), node.start_mark.line + 1) if node is not None else None
    if reader.problems:
        raise InputError(reader.problems[:MAX_PROBLEMS])
    if not isinstance(value, dict):
        found = "empty" if value is None else "a list" if isinstance(value, list) else "one line of text"
        raise InputError([Problem(where, found, "a mapping of keys to values", example)])
    return value, reader.lines


def plain_form(node: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """Written form that was made by a program, as a file would hold it: keys are text, nesting is bounded.

    Raises
    ------
    InputError
        Where it nests too deep (a mapping that holds itself does).
    """
    return {str(key): _plain(value, where, 1) for key, value in node.items()}


def _plain(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise InputError([_too_deep(where)])
    if isinstance(value, Mapping):
        return {str(key): _plain(item, where, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, where, depth + 1) for item in value]
    return plain_value(value)


def plain_value(value: Any) -> Any:
    """One value as a file would hold it: numbers of numpy become Python's, what no float can hold is infinite."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 0) == 0:
        value = item()
    if isinstance(value, int) and abs(value) > LARGEST:
        return math.inf if value > 0 else -math.inf
    return value


def _too_deep(place: str) -> Problem:
    return Problem(
        place,
        f"more than {MAX_DEPTH} levels",
        "less than ten levels are needed",
        "check brackets and indentation",
    )


def _refuse_depth(text: str, where: str) -> None:
    """Stop before a text that nests so deep that composing it would exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > 2 * MAX_DEPTH:
                line = f" line {event.start_mark.line + 1}" if event.start_mark else ""
                raise InputError([_too_deep(f"{where}{line}")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns nodes into values and notes lines and problems on the way."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def value(self, node: Any, path: Path, line: int) -> Any:
        place = f"{self.where} line {line}"
        if path:
            place += f" → {'.'.join(path)}"
        if id(node) in self.seen and not isinstance(node, yaml.ScalarNode):
            remedy = "copy the block, or take a datasheet with 'use:'"
            self.problems.append(Problem(place, "an alias ('*name')", "each value written out", remedy))
            return None
        self.seen.add(id(node))
        if len(path) > MAX_DEPTH:
            self.problems.append(_too_deep(place))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value(item, (*path, str(i)), item.start_mark.line + 1)
                for i, item in enumerate(node.value)
            ]
        return self._scalar(node, place)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            place = f"{self.where} line {line}"
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(
                    Problem(
                        place,
                        "a key that is a list or mapping",
                        "names as keys",
                        "quote it, or remove the brackets",
                    )
                )
                continue
            key = str(key_node.value)
            if key in out:
                first = self.lines[(*path, key)]
                found = f"the key '{key}' a second time"
                self.problems.append(
                    Problem(
                        f"{place} → {'.'.join((*path, key))}",
                        found,
                        "each key once",
                        f"keep one of the two; the first is in line {first}",
                    )
                )
            self.lines[(*path, key)] = line
            out[key] = self.value(value_node, (*path, key), line)
        return out

    def _scalar(self, node: Any, place: str) -> Any:
        kind = node.tag.rsplit(":", 1)[-1]
        if kind == "bool":
            return node.value.lower() in ("yes", "true", "on")
        if kind == "null":
            return None
        if kind in ("int", "float") and len(node.value) < MAX_DIGITS:
            try:
                return int(node.value, 0) if kind == "int" else float(node.value)
            except ValueError:
                return str(node.value)
        if node.tag not in PLAIN_TAGS:
            self.problems.append(Problem(place, f"the tag {node.tag}", "plain values", "remove the tag"))
        return str(node.value)


def yaml_text(form: Mapping[str, Any]) -> str:
    """A written form as the text of a site file."""
    return yaml.safe_dump(dict(form), sort_keys=False, allow_unicode=True, width=110)
