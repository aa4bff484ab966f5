"""Runs that take longer than a moment: how far they are, and how to give them up.

Pages ask while a callback of theirs is under way. Both answers are about the asking browser session only, which the
guard knows by its cookie.
"""

from time import perf_counter
from typing import Any

from fastapi import FastAPI

from twin_dashboard.cache import Results
from twin_dashboard.sessions import browser

PATHS = ("/progress", "/cancel")


def register(server: FastAPI, results: Results) -> None:
    """The two routes."""

    @server.get("/progress")
    async def progress() -> dict[str, Any]:
        jobs = results.progress(browser())
        if not jobs:
            return {"runs": 0}
        first = jobs[0]
        share = first.done / first.total if first.total else 0.0
        spent = perf_counter() - first.began
        return {
            "runs": len(jobs), "steps": first.total, "share": round(share, 4), "queued": not first.total,
            "left_s": round(spent * (1.0 - share) / share, 1) if share > 0.0 else None,
        }  # fmt: skip

    @server.post("/cancel")
    async def cancel() -> dict[str, Any]:
        return {"cancelled": results.cancel(browser())}
