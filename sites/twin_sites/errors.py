"""What went wrong with an input, in four parts: where, what was found, what is allowed, what to try."""

from dataclasses import dataclass
from difflib import get_close_matches
from collections.abc import Iterable


@dataclass(frozen=True)
class Problem:
    """One fault of one input."""

    where: str
    found: str
    allowed: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line for a person."""
        tail = f" Try: {self.remedy}" if self.remedy else ""
        return f"{self.where}: {self.found}. Allowed: {self.allowed}.{tail}"


class InputError(ValueError):
    """An input that cannot be used; every problem of it at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Remedy that names the nearest known words, or lists a few of them."""
    known = sorted(known)
    near = get_close_matches(word, known, n=2, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(f"'{name}'" for name in near) + "?"
    return "one of " + ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
