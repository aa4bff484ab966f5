"""What a page shows is a site and a list of changes: as text in the address bar, as a command, as Python."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

MAX_CHANGES = 100
MAX_TEXT = 200


@dataclass(frozen=True)
class State:
    """Site by name ('' is the one the server was started with), changes to it, changes of the baseline, time step."""

    site: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)
    base: Mapping[str, str] = field(default_factory=dict)
    step: str = ""  # '' is the weather's own

    def store(self) -> dict[str, Any]:
        """As the pages hold it."""
        return {
            "site": self.site,
            "changes": dict(self.changes),
            "base": dict(self.base),
            "step": self.step,
        }


def from_store(data: Any) -> State:
    """State from what a browser sent; anything that is not text is dropped."""
    if not isinstance(data, Mapping):
        return State()
    site, step = data.get("site"), data.get("step")
    return State(
        site if isinstance(site, str) else "",
        _changes(data.get("changes")),
        _changes(data.get("base")),
        step if isinstance(step, str) and len(step) <= MAX_TEXT else "",
    )


def _changes(data: Any) -> dict[str, str]:
    if not isinstance(data, Mapping):
        return {}
    pairs = [(k, v) for k, v in data.items() if isinstance(k, str) and isinstance(v, str)]
    return {k: v for k, v in pairs[:MAX_CHANGES] if len(k) <= MAX_TEXT and len(v) <= MAX_TEXT}


def from_query(query: str) -> State:
    """State from the query part of a link."""
    changes: dict[str, str] = {}
    base: dict[str, str] = {}
    site = step = ""
    for key, value in parse_qsl(query.lstrip("?")[:20_000], max_num_fields=300):
        if key == "site":
            site = value
        elif key == "step":
            step = value
        elif key in ("set", "base"):
            address, separator, text = value.partition("=")
            if separator:
                (changes if key == "set" else base)[address] = text
    return from_store({"site": site, "changes": changes, "base": base, "step": step})


def to_query(state: State) -> str:
    """Query part of the link that shows this state again."""
    pairs = [("site", state.site)] if state.site else []
    pairs += [("set", f"{k}={v}") for k, v in state.changes.items()]
    pairs += [("base", f"{k}={v}") for k, v in state.base.items()]
    pairs += [("step", state.step)] if state.step else []
    return "?" + urlencode(pairs) if pairs else ""


def command(site: str, changes: Mapping[str, str], step: str = "") -> str:
    """The same run on the command line."""
    words = ["twin", "run", site]
    words += ["--step", step] if step else []
    for address, text in changes.items():
        words += ["--set", f"{address}={text}"]
    return " ".join(shlex.quote(word) for word in words)


def python(site: str, changes: Mapping[str, str], step_s: float | None = None) -> str:
    """The same run through the package."""
    lines = "".join(f"    {address!r}: {text!r},\n" for address, text in changes.items())
    inside = f", changes={{\n{lines}}}" if lines else ""
    inside += f", step_s={step_s:g}" if step_s else ""
    return f"import twin\n\nds = twin.simulate(twin.load_site({site!r}){inside})\nprint(twin.summarize(ds).pue)\n"
