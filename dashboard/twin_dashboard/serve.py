"""Serving: the application behind its guard in one process."""

import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from twin_sites.errors import InputError, Problem

from twin_dashboard.app import ROUTES, create_app
from twin_dashboard.security import Guard, check_exposure, is_loopback


def asgi(site: Any = "gb300-10mw", credentials: tuple[str, str] | None = None, local: bool = True) -> Guard:
    """The whole application as ASGI."""
    app = create_app(site)
    return Guard(app.server, set(ROUTES), list(app.csp_hashes()), credentials, local)


def make_server(
    site: Any, host: str = "127.0.0.1", port: int = 8050, *, auth: bool = False, insecure: bool = False
) -> uvicorn.Server:
    """A server that is ready to run.

    Raises
    ------
    InputError
        For a bad site, a bad port, or a host that other machines reach without a password.
    """
    credentials = check_exposure(host, auth, insecure)
    if not 0 <= port <= 65535:
        raise InputError([Problem("--port", str(port), "1 to 65535")])
    guarded = asgi(site, credentials, is_loopback(host))
    config = uvicorn.Config(
        guarded,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        limit_concurrency=200,
        ws="none",
    )
    return uvicorn.Server(config)


def serve(
    site: Any = "gb300-10mw",
    host: str = "127.0.0.1",
    port: int = 8050,
    *,
    auth: bool = False,
    insecure: bool = False,
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve the dashboard of a site until interrupted.

    Raises
    ------
    InputError
        As ``make_server``, and when the port is taken.
    """
    import socket

    server = make_server(site, host, port, auth=auth, insecure=insecure)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), port))
        except OSError as error:
            raise InputError(
                [
                    Problem(
                        f"--host {host} --port {port}",
                        f"cannot be used: {error.strerror}",
                        "a free port",
                        "another --port",
                    )
                ]
            ) from error
        listener.listen(128)
        if say is not None:
            say(f"Dashboard on http://{host}:{listener.getsockname()[1]} (Ctrl-C stops it)")
        server.run(sockets=[listener])


def in_thread(server: uvicorn.Server) -> threading.Thread:
    """Run a server beside the caller, as tests and scripts do; ``server.should_exit = True`` stops it."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    return thread
