"""What stands before the application: who may come in, which addresses exist, how much may be sent, headers, gzip."""

import asyncio
import base64
import hmac
import ipaddress
import os
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from twin_sites.errors import InputError, Problem

from twin_dashboard.long_runs import PATHS
from twin_dashboard.sessions import set_browser

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 30_000_000  # an upload of 20 MB as base64, and a little
PREFIXES = ("/_dash-", "/_favicon.ico", "/assets/", "/download/")
SESSION = re.compile(rb"(?:^|;\s*)twin-session=([A-Za-z0-9_-]{22})(?:;|$)")
BODY_S = 60.0  # a body must be here by then
SCRIPTS = ("/_dash-component-suites/", "/assets/")
USER, PASSWORD = "TWIN_DASHBOARD_USER", "TWIN_DASHBOARD_PASSWORD"
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, auth: bool, insecure: bool) -> tuple[str, str] | None:
    """Credentials to ask for, or None.

    Raises
    ------
    InputError
        When the server would be reachable from other machines without a password, or the password is not set.
    """
    if auth:
        user, password = os.environ.get(USER, ""), os.environ.get(PASSWORD, "")
        if not user or len(password) < 8:
            raise InputError(
                [
                    Problem(
                        "--auth",
                        f"{USER} or {PASSWORD} is not set, or shorter than 8 characters",
                        "both in the environment",
                        f"export {USER}=… {PASSWORD}=…",
                    )
                ]
            )
        return user, password
    if not is_loopback(host) and not insecure:
        raise InputError(
            [Problem(f"--host {host}", "reachable from other machines without a password", "--auth with a host beyond this machine, or --insecure",
                     f"set {USER} and {PASSWORD} and add --auth")]
        )  # fmt: skip
    return None


def headers(script_hashes: list[str]) -> list[tuple[bytes, bytes]]:
    """Headers of every answer."""
    scripts = " ".join(["'self'", *script_hashes])
    policy = (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; worker-src 'self' blob:"
    )
    fixed = {
        "content-security-policy": policy, "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(), microphone=(), geolocation=()", "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    }  # fmt: skip
    return [(name.encode(), value.encode()) for name, value in fixed.items()]


class Guard:
    """Checks every request before the application sees it."""

    def __init__(
        self,
        app: App,
        routes: set[str],
        script_hashes: list[str],
        credentials: tuple[str, str] | None = None,
        local: bool = True,
    ) -> None:
        self.app: App = GZipMiddleware(app, minimum_size=600, compresslevel=5)
        self.plain = (
            app if local else self.app
        )  # packing 5 MB of scripts takes longer than handing them over on one machine
        self.routes, self.headers, self.local = {*routes, *PATHS}, headers(script_hashes), local
        self.token = base64.b64encode(":".join(credentials).encode()) if credentials else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4003})
            return
        refused = self._refuse(scope)
        if refused is not None:
            await self._answer(send, *refused)
            return
        own = list(self.headers)
        cookie = SESSION.search(b"; ".join(v for k, v in scope["headers"] if k.lower() == b"cookie"))
        if cookie is None:  # a session of the browser, by which its long runs are known
            name = secrets.token_urlsafe(16)
            own.append((b"set-cookie", f"twin-session={name}; Path=/; HttpOnly; SameSite=Strict".encode()))
        set_browser(cookie[1].decode() if cookie is not None else name)
        seen, until, whole = 0, asyncio.get_running_loop().time() + BODY_S, False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal seen, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                return {"type": "http.disconnect"}
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > MAX_BODY:
                return {"type": "http.disconnect"}
            return message

        async def dressed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        app = self.plain if scope["path"].startswith(SCRIPTS) else self.app
        await app(scope, counted, dressed)

    def _refuse(self, scope: Scope) -> tuple[int, str, list[tuple[bytes, bytes]]] | None:
        given = {name.lower(): value for name, value in scope["headers"]}
        host = given.get(b"host", b"").decode("latin-1")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if self.local and name not in LOCAL_NAMES:
            return (
                421,
                "This server answers to localhost only.",
                [],
            )  # a name that was pointed here by someone else
        if self.token is not None:
            kind, _, sent = given.get(b"authorization", b"").partition(b" ")
            if kind.lower() != b"basic" or not hmac.compare_digest(sent.strip(), self.token):
                return (
                    401,
                    "A user name and a password are needed.",
                    [(b"www-authenticate", b'Basic realm="twin"')],
                )
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "Not allowed.", []
        path = scope["path"]
        if ".." in path or "\\" in path or not (path in self.routes or path.startswith(PREFIXES)):
            return 404, "There is no such page. The dashboard starts at /.", []
        if scope["method"] == "POST":
            origin = given.get(b"origin")
            if origin is not None and origin.decode("latin-1").partition("://")[2] != host:
                return 403, "Not from another site.", []
            length = given.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > MAX_BODY:
                return 413, f"At most {MAX_BODY / 1e6:.0f} MB.", []
        return None

    async def _answer(self, send: Send, status: int, text: str, more: list[tuple[bytes, bytes]]) -> None:
        body = text.encode()
        own = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            *more,
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": status, "headers": own})
        await send({"type": "http.response.body", "body": body})
