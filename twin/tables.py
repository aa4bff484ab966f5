"""Tables for a terminal of 120 columns: cells are wrapped where a row would be longer."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

WIDTH = 120
GAP = 2
LONGEST_WORDS = (20, 14, 10)  # of a wrapped cell; a longer one is cut, sooner where room is short


def table(rows: Sequence[Mapping[str, Any]], shrink: Sequence[str] = (), width: int = WIDTH) -> str:
    """Rows as columns; where they are too wide, cells of the columns named in ``shrink`` are wrapped."""
    if not rows:
        return "nothing"
    keys = list(rows[0])
    cells = [[" ".join(str(row[key]).split()) for key in keys] for row in rows]
    widths = [max(len(line[i]) for line in [keys, *cells]) for i in range(len(keys))]
    for limit in LONGEST_WORDS:
        _narrow(widths, [keys, *cells], [keys.index(key) for key in shrink], limit, width)
    lines = [_line(keys, widths), *(line for row in cells for line in _wrapped(row, widths))]
    return "\n".join(lines)


def _narrow(widths: list[int], cells: list[list[str]], columns: list[int], limit: int, width: int) -> None:
    """Take from the widest of the columns until all fit, or until each is as narrow as its longest word."""
    least = {
        i: min(max(len(word) for line in cells for word in [*line[i].split(), ""]), limit) for i in columns
    }
    while sum(widths) + GAP * (len(widths) - 1) > width:
        free = [i for i in columns if widths[i] > least[i]]
        if not free:
            return
        widths[max(free, key=lambda i: widths[i])] -= 1


def _wrapped(row: list[str], widths: list[int]) -> list[str]:
    columns = [
        wrap(cell, size, break_on_hyphens=False) or [""] for cell, size in zip(row, widths, strict=True)
    ]
    height = max(len(column) for column in columns)
    return [
        _line([column[i] if i < len(column) else "" for column in columns], widths) for i in range(height)
    ]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * GAP).join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True)).rstrip()
