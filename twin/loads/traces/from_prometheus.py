"""Readings from a running Prometheus server over its HTTP API."""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from typing import Any

from twin.errors import RunError
from twin.files import fault
from twin.loads.signal import Quantity
from twin.loads.traces.prometheus import read_answer
from twin.loads.traces.raw import RawTrace

MAX_POINTS = 11_000  # of one series in one answer; the server refuses more
TIMEOUT_S = 30.0
AUTHORIZATION = (
    "TWIN_PROMETHEUS_AUTHORIZATION"  # environment variable with the whole header, e.g. 'Bearer ...'
)
MOMENT = re.compile(r"-(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def moment(text: str, where: str, now: float | None = None) -> float:
    """Epoch s of ``now``, ``-2h`` (before now), ISO 8601 (UTC where no zone is stated) or epoch s. Raises ``InputError``."""
    now = datetime.now(UTC).timestamp() if now is None else now
    word = text.strip()
    before = MOMENT.fullmatch(word)
    if word == "now":
        return now
    if before:
        return now - float(before.group(1)) * SECONDS[before.group(2)]
    try:
        return float(word)
    except ValueError:
        pass
    try:
        stamp = datetime.fromisoformat(word)
    except ValueError:
        raise fault(
            where, f"'{word[:40]}'", "now, -2h, ISO 8601 or epoch seconds", f"{where} 2026-01-01T00:00Z"
        ) from None
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def pull(
    url: str,
    query: str,
    start: float | None = None,
    end: float | None = None,
    step_s: float = 15.0,
    quantity: Quantity | None = None,
    timeout_s: float = TIMEOUT_S,
) -> RawTrace:
    """Readings of a query at one moment (``start`` is None) or from ``start`` to ``end``, in as many answers as needed.

    Raises ``InputError`` for what the server refuses and ``RunError`` where it does not answer.
    """
    base = _base(url)
    if start is None:
        answer = _get(base, "query", {"query": query}, timeout_s)
    else:
        if end is None or not end > start or not step_s >= 1e-3:
            raise fault(
                "--start, --end",
                f"{start} to {end}, step {step_s:g} s",
                "an end after the start",
                "--end now",
            )
        answer = _range(base, query, (start, end, step_s), timeout_s)
    trace = RawTrace(urllib.parse.urlsplit(base).netloc, format="Prometheus API")
    trace.notes += [f"server: {str(warning)[:200]}" for warning in answer.get("warnings") or []]
    read_answer(answer, trace, quantity)
    trace.finish()
    return trace


def _base(url: str) -> str:
    parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise fault("URL", f"'{url[:80]}'", "http:// or https:// and a host", "http://localhost:9090")
    path = re.sub(r"/(api/v1(/\w+)?|graph|query)?/?$", "", parts.path)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _range(base: str, query: str, span: tuple[float, float, float], timeout_s: float) -> dict[str, Any]:
    """Answers of neighbouring windows put together by series."""
    start, end, step = span
    series: dict[str, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    done, last = 0, int((end - start) / step + 1e-9)
    while done <= last:
        until = min(done + MAX_POINTS - 1, last)
        about = {
            "query": query,
            "start": f"{start + done * step:.3f}",
            "end": f"{start + until * step:.3f}",
            "step": f"{step:g}",
        }
        whole = _get(base, "query_range", about, timeout_s)
        for entry in whole["data"]["result"]:
            known = series.setdefault(json.dumps(entry["metric"], sort_keys=True), {**entry, "values": []})
            known["values"] += entry["values"]
        done = until + 1
    return {**whole, "data": {"resultType": "matrix", "result": list(series.values())}}


def _get(base: str, what: str, about: dict[str, str], timeout_s: float) -> dict[str, Any]:
    request = urllib.request.Request(f"{base}/api/v1/{what}", urllib.parse.urlencode(about).encode())
    header = os.environ.get(AUTHORIZATION)
    if header:
        request.add_header("Authorization", header)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as reply:
            answer = json.loads(reply.read())
    except urllib.error.HTTPError as error:
        raise _refused(base, error) from None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise RunError(f"{base} does not answer: {reason}. Is the address right and the server up?") from None
    except ValueError:
        raise fault(
            "URL", f"{base} answers, but not as Prometheus", "a Prometheus server", "check host and port"
        ) from None
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("result"), list):
        raise fault(
            "URL", f"{base} answers, but not as Prometheus", "a Prometheus server", "check host and port"
        )
    if data.get("resultType") not in ("vector", "matrix"):
        raise fault("--query", f"a {data.get('resultType')}", "a vector", "query series, not a number")
    found: dict[str, Any] = answer
    return found


def _refused(base: str, error: urllib.error.HTTPError) -> Exception:
    try:
        said = str(json.loads(error.read()).get("error", ""))[:300]
    except (ValueError, AttributeError, OSError):
        said = ""
    if error.code in (401, 403):
        return fault(
            "URL",
            f"{base} asks for a permission ({error.code})",
            "a header that it accepts",
            f"set {AUTHORIZATION}",
        )
    if error.code in (400, 422):
        return fault(
            "--query", said or "refused", "a query that the server accepts", "try it in the server's own page"
        )
    if error.code == 404:
        return fault(
            "URL", f"{base} has no /api/v1 (404)", "a Prometheus server", "check host, port and path"
        )
    return RunError(f"{base} answers with {error.code} {error.reason}. {said}".strip())
