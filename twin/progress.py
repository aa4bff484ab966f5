"""A progress bar for people: on a terminal, and only where a run takes longer than about a second."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

AFTER_S = 1.0  # what is done sooner needs no bar
EVERY_S = 0.1
WIDTH = 40


@contextmanager
def bar() -> Iterator[Callable[[int, int], None] | None]:
    """A function of what is done and of all there is, which draws on stderr; None where stderr is not a terminal.

    The line is wiped at the end, whatever that was.
    """
    if not sys.stderr.isatty():
        yield None
        return
    began = drawn = monotonic()
    width = 0

    def draw(done: int, total: int) -> None:
        nonlocal drawn, width
        now = monotonic()
        if now - began < AFTER_S or now - drawn < EVERY_S or not total:
            return
        drawn = now
        share = done / total
        left = f", {(now - began) * (1.0 - share) / share:,.0f} s left" if share > 0.0 else ""
        full = round(WIDTH * share)
        line = f"[{'#' * full}{'.' * (WIDTH - full)}] {100.0 * share:3.0f} %{left}"
        sys.stderr.write(f"\r{line:<{width}}")
        sys.stderr.flush()
        width = len(line)

    try:
        yield draw
    finally:
        if width:
            sys.stderr.write(f"\r{'':<{width}}\r")
            sys.stderr.flush()
