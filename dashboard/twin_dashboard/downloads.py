"""Downloads: results as netCDF and CSV, the site as YAML, a report that stands alone. The address says what, no path does."""

import html as escape
import tempfile
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

import twin
from twin_dashboard.cache import Run
from twin_dashboard.context import FAULTS, Context
from twin_dashboard.figures.climate import pue_by_wet_bulb
from twin_dashboard.figures.duration import load_duration
from twin_dashboard.figures.energy_flow import energy_flow
from twin_dashboard.figures.months import overhead
from twin_dashboard.parts import CONFIG
from twin_dashboard.state import from_query

KINDS = {
    "result.nc": "application/x-netcdf", "result.csv": "text/csv", "site.yaml": "application/yaml", "report.html": "text/html",
    "summary.json": "application/json",
}  # fmt: skip
EXAMPLES = {
    "example-site.yaml": "application/yaml",
    "example-trace.csv": "text/csv",
    "example-weather.csv": "text/csv",
}

LONG_CSV = "A table of so many steps is larger than what opens it. Take netCDF, choose a longer time step, or write it with 'twin run … --out'."


def register(server: FastAPI, context: Context) -> None:
    """Routes under /download."""

    @server.get("/download/{kind}")
    def download(kind: str, request: Request) -> Response:
        if kind not in KINDS and kind not in EXAMPLES:
            return PlainTextResponse("There is no such download.", 404)
        state = from_query(request.url.query)
        try:
            if kind in EXAMPLES:
                body, name = example(kind, context), kind
            else:
                with context.results.turn:
                    run = context.results.get(state.site, state.changes, state.step)
                name = f"{run.summary.site}-{kind}"
                if run.long and kind == "result.csv":
                    return PlainTextResponse(LONG_CSV, 422)
                body = content(kind, run)
        except FAULTS as error:
            return PlainTextResponse(str(error), 422)
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
        media = (KINDS | EXAMPLES)[kind]
        return Response(
            body, media_type=media, headers={"Content-Disposition": f'attachment; filename="{safe}"'}
        )


def content(kind: str, run: Run) -> bytes:
    """One file of a run."""
    if kind == "site.yaml":
        return yaml.safe_dump(dict(run.site.written), sort_keys=False, allow_unicode=True, width=110).encode()
    if kind == "report.html":
        return report(run).encode()
    if kind == "summary.json":
        import json

        from twin.metrics import finite

        return json.dumps(finite(run.summary.json()), indent=1).encode()
    with tempfile.TemporaryDirectory(prefix="twin-download-") as folder:
        path = Path(folder) / kind
        twin.save(run.ds, path)
        return path.read_bytes()


def example(kind: str, context: Context) -> bytes:
    """Small files that show what an upload may look like."""
    if kind == "example-site.yaml":
        return yaml.safe_dump(
            dict(context.default.written), sort_keys=False, allow_unicode=True, width=110
        ).encode()
    if kind == "example-weather.csv":
        air = twin.load_weather(context.default.site.weather)
        rows = ["time,temp_air,relative_humidity,pressure"]
        from twin_models.psychrometrics import psychrometrics as psy

        share = psy.relative_humidity(air.dry_bulb, air.humidity_ratio, air.pressure) * 100.0
        rows += [
            f"{t},{d:.1f},{min(h, 100):.0f},{p:.0f}"
            for t, d, h, p in zip(
                air.times.astype("datetime64[m]"), air.dry_bulb, share, air.pressure, strict=True
            )
        ]
        return "\n".join(rows).encode()
    rows = ["time,activity"]
    rows += [f"2023-01-02T{h:02d}:00,{0.62 + 0.22 * (8 <= h < 20):.2f}" for h in range(24)]
    return "\n".join(rows).encode()


def report(run: Run) -> str:
    """A page of its own: text of ``twin run`` and four charts, nothing loaded from anywhere."""
    from plotly.io import to_html
    from plotly.offline import get_plotlyjs

    figures: list[tuple[str, Any]] = [
        ("Where the energy goes, GWh", energy_flow(run.ds, "light")), ("PUE against wet bulb", pue_by_wet_bulb(run.ds, None, "light", "si")),
        ("Overhead by month", overhead(run.ds, "light")), ("Load duration", load_duration(run.ds, "light")),
    ]  # fmt: skip
    body = "".join(
        f"<h2>{escape.escape(name)}</h2>"
        + to_html(
            figure, full_html=False, include_plotlyjs=False, config=CONFIG, default_height=340, validate=False
        )
        for name, figure in figures
    )
    text = escape.escape(twin.report(run.ds, run.site))
    title = escape.escape(run.summary.site)
    style = "body{font-family:sans-serif;max-width:1000px;margin:24px auto;padding:0 16px;color:#1B2430}pre{font-size:12px;overflow-x:auto}h2{font-size:15px}"
    script = f"<script>{get_plotlyjs()}</script>"
    return f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title><style>{style}</style>{script}</head><body><h1>{title}</h1>{body}<pre>{text}</pre></body></html>"
