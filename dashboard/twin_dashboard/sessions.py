"""Files that people bring: kept in memory under unguessable names, read by the same code as the command line's."""

import base64
import binascii
import secrets
import tempfile
import threading
from collections import OrderedDict
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from twin_sites.errors import InputError, Problem
from twin_sites.schema import Site

import twin

UPLOAD = "upload-"
_BROWSER: ContextVar[str] = ContextVar("browser", default="")
MAX_FILES = 60
# Kind of file: most bytes, name under which it is read, accepted endings.
KINDS: dict[str, tuple[int, str, str]] = {
    "site": (2_000_000, "site.yaml", ".yaml,.yml"),
    "trace": (20_000_000, "trace.csv", ".csv,.parquet,.gz"),
    "weather": (20_000_000, "weather.epw", ".epw,.csv,.json"),
}


def browser() -> str:
    """Whose request this is: the value of the cookie that each browser session gets; '' outside a request."""
    return _BROWSER.get()


def set_browser(value: str) -> None:
    """Say whose request is being answered."""
    _BROWSER.set(value)


class Sessions:
    """Uploads by token, the oldest dropped beyond ``MAX_FILES``."""

    def __init__(self, trusted: tuple[str, ...] = ()) -> None:
        self.trusted = frozenset(trusted)  # series that the site named on the command line asks for
        self._files: OrderedDict[str, tuple[str, str, Any, str]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, kind: str, contents: str, name: str) -> tuple[str, Any]:
        """Read one upload (a data URL) and keep it; returns its token and what was read.

        Raises
        ------
        InputError
            With the messages of ``twin check``; nothing is kept then.
        """
        limit, file, endings = KINDS[kind]
        if not name.lower().endswith(tuple(endings.split(","))):
            raise InputError(
                [
                    Problem(
                        name[:60] or kind,
                        "a file of another type",
                        endings.replace(",", ", "),
                        "export it in one of these",
                    )
                ]
            )
        try:
            data = base64.b64decode(contents.partition(",")[2], validate=True)
        except (binascii.Error, ValueError):
            raise InputError(
                [Problem(name[:60], "damaged on its way here", "a whole file", "drop it again")]
            ) from None
        if len(data) > limit:
            raise InputError(
                [
                    Problem(
                        name[:60],
                        f"{len(data) / 1e6:.1f} MB",
                        f"up to {limit / 1e6:.0f} MB",
                        "average it to a coarser step",
                    )
                ]
            )
        with tempfile.TemporaryDirectory(prefix="twin-upload-") as folder:
            path = Path(folder) / file  # the browser's name never reaches the file system
            path.write_bytes(data)
            readers: dict[str, Any] = {
                "site": twin.load_site,
                "trace": twin.load_trace,
                "weather": twin.load_weather,
            }
            read: Any = readers[kind](path)
        return self.keep(kind, name, read), read

    def keep(self, kind: str, name: str, read: Any) -> str:
        """Keep what was read or made under a name that nobody can guess; returns that token."""
        token = UPLOAD + secrets.token_urlsafe(12)
        with self._lock:
            self._files[token] = (kind, name[:80], read, browser())
            while len(self._files) > MAX_FILES:
                self._files.popitem(last=False)
        return token

    def _get(self, token: str, kinds: tuple[str, ...]) -> Any:
        with self._lock:
            found = self._files.get(token)
        if found is None or found[0] not in kinds:
            raise InputError(
                [
                    Problem(
                        "upload",
                        "no longer on this server",
                        "a file uploaded since it started",
                        "upload it again on Data",
                    )
                ]
            )
        return found[2]

    def site(self, token: str) -> Site:
        """An uploaded site."""
        return self._get(token, ("site",))  # type: ignore[no-any-return]

    def series(self, token: str) -> Any:
        """An uploaded trace or weather."""
        return self._get(token, ("trace", "weather"))

    def mine(self, kind: str) -> dict[str, str]:
        """Uploads of the asking browser session: token and file name."""
        with self._lock:
            return {t: f[1] for t, f in self._files.items() if f[0] == kind and f[3] == browser()}

    def name(self, token: str) -> str:
        """File name as its owner called it."""
        with self._lock:
            return self._files[token][1] if token in self._files else token
