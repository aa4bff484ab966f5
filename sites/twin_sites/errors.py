"""What went wrong with an input, in four parts: where, what was found, what is allowed, what to try."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

LISTED = 12  # known words that a remedy lists where none is near


@dataclass(frozen=True)
class Problem:
    """One fault of one input."""

    where: str
    found: str
    allowed: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line for a person."""
        remedy = self.remedy.rstrip(".")
        tail = f" Try: {remedy}{'' if remedy.endswith('?') else '.'}" if remedy else ""
        return f"{self.where}: {self.found}. Allowed: {self.allowed.rstrip('.')}.{tail}"


class InputError(ValueError):
    """An input that cannot be used; every problem of it at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def did_you_mean(word: str, known: Iterable[str], only_near: bool = False) -> str:
    """Remedy that names the nearest known words; without one, lists a few of them (or nothing if ``only_near``)."""
    known = sorted(known)
    asked = word[:200].lower()
    near = get_close_matches(asked, known, n=2, cutoff=0.6)
    if not near and len(asked) > 2:
        near = [name for name in known if asked in name.lower()][:2]
    if near:
        return "did you mean " + " or ".join(f"'{name}'" for name in near) + "?"
    if only_near or not known:
        return ""
    return "one of " + ", ".join(known[:LISTED]) + (", …" if len(known) > LISTED else "")
