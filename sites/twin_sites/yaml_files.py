"""Reading YAML text of people: size limit, no aliases, no doubled keys, and the line of every key."""

from typing import Any

import yaml

from twin_sites.errors import InputError, Problem

MAX_CHARACTERS = 2_000_000
MAX_DEPTH = 20

Path = tuple[str, ...]


def read_yaml(text: str, where: str) -> tuple[dict[str, Any], dict[Path, int]]:
    """Mapping of a YAML text, and the line of each key by path.

    Raises
    ------
    InputError
        When the text is too large, is no YAML, is no mapping, doubles a key or uses aliases.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError([Problem(where, f"{len(text):,} characters", f"at most {MAX_CHARACTERS:,}", "is this a site file?")])
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where} line {mark.line + 1}" if mark else where
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError([Problem(place, f"not YAML: {what}", "a YAML mapping", "check indentation, colons and quotes")]) from error
    except (UnicodeError, RecursionError) as error:
        raise InputError([Problem(where, f"not readable as YAML: {type(error).__name__}", "UTF-8 text")]) from error
    lines: dict[Path, int] = {}
    problems: list[Problem] = []
    value = _construct(node, (), lines, problems, where, set()) if node is not None else None
    if problems:
        raise InputError(problems)
    if not isinstance(value, dict):
        raise InputError([Problem(where, "empty" if value is None else f"a {type(value).__name__}", "a mapping of keys to values")])
    return value, lines


def _construct(node: Any, path: Path, lines: dict[Path, int], problems: list[Problem], where: str, seen: set[int]) -> Any:
    place = f"{where} line {node.start_mark.line + 1}"
    if id(node) in seen and not isinstance(node, yaml.ScalarNode):
        problems.append(Problem(place, "an alias ('*name')", "each value written out", "copy the block, or use a datasheet with 'use:'"))
        return None
    seen.add(id(node))
    if len(path) > MAX_DEPTH:
        problems.append(Problem(place, f"more than {MAX_DEPTH} levels", "a site file has fewer than ten levels"))
        return None
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in out:
                problems.append(Problem(f"{where} line {key_node.start_mark.line + 1}", f"the key '{key}' a second time", "each key once"))
            lines[(*path, key)] = key_node.start_mark.line + 1
            out[key] = _construct(value_node, (*path, key), lines, problems, where, seen)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*path, str(i)), lines, problems, where, seen) for i, item in enumerate(node.value)]
    return _scalar(node, place, problems)


def _scalar(node: Any, place: str, problems: list[Problem]) -> Any:
    kind = node.tag.rsplit(":", 1)[-1]
    if kind == "bool":
        return node.value.lower() in ("yes", "true", "on")
    if kind == "null":
        return None
    if kind in ("int", "float"):
        try:
            return int(node.value, 0) if kind == "int" else float(node.value)
        except ValueError:
            return str(node.value)
    if not node.tag.startswith("tag:yaml.org,2002:"):
        problems.append(Problem(place, f"the tag {node.tag}", "plain values"))
    return str(node.value)
