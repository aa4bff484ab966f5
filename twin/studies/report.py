"""The report of a study: extremes, maps, tornado, indices, bands, duration curves, comparison; as HTML or Markdown."""

import html as escaping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from twin_sites.errors import InputError, Problem

from twin.studies.analysis import axis_names, case_table, digest, headline, unmet_text, value_text
from twin.studies.effects import against_degree_hours, band, indices, ranks, spans
from twin.studies.results import open_study, unit_of

NAMES = {"pue": "PUE", "wue_l_per_kwh": "WUE", "cue_kg_per_kwh": "CUE", "energy_cost": "Energy cost"}
GRID_COLUMNS, GRID_ROWS = 14, 30  # of a map that Markdown still shows as numbers
CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "responsive": True,
}  # nothing of a site leaves the page
SUFFIXES = (".html", ".md", ".csv", ".parquet")
SHOWN_ROWS, SHOWN_CURVES, SHOWN_AXES = 10, 8, 12
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#1a1a1a}"
    "table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums}"
    "td,th{border-bottom:1px solid #ddd;padding:.25em .8em;text-align:left}"
)


def study_report(paths: Sequence[str | Path], out: str | Path) -> Path:
    """Write the report of a study, or of several beside each other.

    Parameters
    ----------
    paths
        Stores that ``twin study`` wrote; the first is reported, the others are compared with it.
    out
        ``.html`` (one file that needs no network), ``.md``, or ``.csv`` and ``.parquet`` for the table of all cases.

    Raises
    ------
    InputError
        For an unknown suffix, a place that cannot be written or a store that is none.
    """
    target = Path(out)
    if target.suffix not in SUFFIXES:
        found = f"the suffix '{target.suffix}'"
        raise InputError([Problem(f"--out {out}", found, ", ".join(SUFFIXES), "report.html")])
    studies = [_opened(path) for path in paths]
    try:
        if target.suffix in (".csv", ".parquet"):
            table = case_table(studies[0])
            table["error"] = table["error"].astype(str)
            if target.suffix == ".csv":
                table.to_csv(target, index=False)
            else:
                table.to_parquet(target, index=False)
        else:
            blocks = _blocks(studies)
            text = _html(blocks) if target.suffix == ".html" else _markdown(blocks)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        allowed = "a place with room and permission"
        raise InputError([Problem(f"--out {out}", f"cannot be written: {error}", allowed)]) from error
    return target


def _opened(path: str | Path) -> xr.Dataset:
    plain = open_study(path)
    kept = plain.attrs["study"]["hourly"][:1]  # of series, one is drawn
    return open_study(path, hourly=kept) if kept else plain


Block = tuple[str, Any]  # kind (h1, h2, p, table, grid, figure) and content


def _blocks(studies: list[xr.Dataset]) -> list[Block]:
    ds = studies[0]
    found, study = digest(ds), ds.attrs["study"]
    axes = ", ".join(f"{name} ({len(np.unique(ds[name].values))})" for name in axis_names(ds)[:SHOWN_AXES])
    out: list[Block] = [
        ("h1", study["title"] or study["name"]),
        ("p", f"Site {study['site']}; {study['design']} over {axes}. {found['cases']:,} cases: {found['done']:,} done, {found['failed']:,} failed."),
    ]  # fmt: skip
    if made := found["synthetic_weather"]:
        out.append(("p", "Synthetic weather, no record: " + ", ".join(made) + "."))
    if found["unmet"]:
        out.append(("p", unmet_text(found)))
    if not found["done"]:
        return [*out, ("p", "No case is done.")]
    out += [("h2", "Best and worst"), ("table", _extremes(ds, found))]
    out += [("h2", "Spread over the cases"), ("table", _bands(ds))]
    for name in study["show"]:
        figure = _map(ds, name)
        if figure is not None:
            out += [("h2", f"{_named(name)} over the axes"), ("figure", figure), *_grid(ds, name)]
    tornado = spans(ds, "pue")
    if tornado:
        rows = [
            [
                s.axis,
                f"{s.lowest:.4f}",
                s.at_lowest,
                f"{s.highest:.4f}",
                s.at_highest,
                f"{s.highest - s.lowest:.4f}",
            ]
            for s in tornado[:SHOWN_AXES]
        ]
        head = ["axis", "lowest mean PUE", "at", "highest", "at", "span"]
        out += [
            ("h2", "What moves PUE"),
            ("figure", _tornado(tornado[:SHOWN_AXES])),
            ("table", [head, *rows]),
        ]
    found_indices = indices(ds, "pue")
    if found_indices:
        keys = list(next(iter(found_indices.values())))
        rows = [[axis, *(f"{value[key]:.4g}" for key in keys)] for axis, value in found_indices.items()]
        out += [("h2", f"{study['design'].capitalize()} indices of PUE"), ("table", [["axis", *keys], *rows])]
    out += _estimates(ds)
    line = against_degree_hours(ds, "pue")
    if line is not None:
        text = (
            f"PUE = {line.intercept:.4f} {line.slope:+.5f} per 1,000 K·h of wet bulb above 15 °C in the year; "
            f"R² {line.r2:.2f} over all cases."
        )
        out += [("h2", "PUE against degree hours"), ("p", text)]
    if study["hourly"]:
        out += [
            ("h2", f"Duration curve of {study['hourly'][0]}"),
            ("figure", _curves(ds, study["hourly"][0])),
        ]
    failures = [str(error) for error in np.unique(ds["error"].values.astype(str)) if error]
    if failures:
        out += [
            ("h2", "Cases that failed"),
            ("table", [["error"], *([error] for error in failures[:SHOWN_ROWS])]),
        ]
    if len(studies) > 1:
        out += [("h2", "Beside other studies"), ("table", _beside(studies))]
    return out


def _estimates(ds: xr.Dataset) -> list[Block]:
    """Which samples PUE follows, and how many estimates were drawn from and left out."""
    study, out = ds.attrs["study"], list[Block]()
    rows = [
        [rank.axis, f"{rank.correlation:+.2f}", f"{rank.at_low:.4f}", f"{rank.at_high:.4f}"]
        for rank in ranks(ds, "pue")[:SHOWN_AXES]
    ]
    if rows:
        head = ["axis", "rank correlation", "PUE in its lowest fifth", "in its highest"]
        out += [("h2", "What PUE follows"), ("table", [head, *rows])]
    if study["estimates"] is not None:
        left = ", ".join(f"{count:,} {reason}" for reason, count in ds.attrs["left_out"].items())
        text = f"Numbers marked estimate are varied by {100 * study['estimates']:g} % up and down."
        out += [("h2", "Estimates"), ("p", f"{text} Left out: {left or 'none'}.")]
    return out


def _extremes(ds: xr.Dataset, found: dict[str, Any]) -> list[list[str]]:
    rows = [["", "", "value", "unit", "case"]]
    for name, ends in found["extremes"].items():
        unit = unit_of(name).replace("1", "")
        if ends["lowest"]["value"] == ends["highest"]["value"]:
            rows.append([_named(name), "", f"{ends['lowest']['value']:,.4g}", unit, "every case"])
            continue
        for which, end in ends.items():
            items = list(end["case"].items())[:SHOWN_AXES]
            case = ", ".join(f"{axis} {value_text(ds, axis, value)}" for axis, value in items)
            rows.append([_named(name), which, f"{end['value']:,.4g}", unit, case])
    return rows


def _bands(ds: xr.Dataset) -> list[list[str]]:
    rows = [["", "5 %", "50 %", "95 %", "unit"]]
    for name in headline(ds):
        if ds[name].notnull().any():
            rows.append(
                [
                    _named(name),
                    *(f"{q:,.4g}" for q in band(ds, name)),
                    unit_of(name).replace("1", ""),
                ]
            )
    return rows


def _beside(studies: list[xr.Dataset]) -> list[list[str]]:
    names = studies[0].attrs["study"]["show"]
    rows = [["study", "cases", *(f"{_named(name)} 5 / 50 / 95 %" for name in names)]]
    for ds in studies:
        cells = []
        for name in names:
            done = ds[name].notnull().any()
            cells.append(" / ".join(f"{q:.4g}" for q in band(ds, name)) if done else "—")
        rows.append([ds.attrs["study"]["title"] or ds.attrs["study"]["name"], f"{ds['pue'].size:,}", *cells])
    return rows


def _map(ds: xr.Dataset, name: str) -> Any:
    """Heat map over the two longest axes, a line over one, points of a sampled design; None where nothing varies."""
    import plotly.graph_objects as go

    values = ds[name]
    if not values.notnull().any():
        return None
    title = f"{_named(name)} {unit_of(name)}".removesuffix(" 1")
    varying = [axis for axis in axis_names(ds) if len(np.unique(ds[axis].values)) > 1]
    if not varying:
        return None
    if "case" in ds.dims:
        widest = spans(ds, name)
        axis = widest[0].axis if widest else varying[0]
        figure = go.Figure(go.Scatter(x=ds[axis].values, y=values.values, mode="markers", marker={"size": 5}))
        return figure.update_layout(xaxis_title=_axis_title(ds, axis), yaxis_title=title)
    longest = _longest(ds)
    others = [axis for axis in values.dims if axis not in longest]
    flat = values.mean(others) if others else values
    if len(longest) == 1:
        axis = longest[0]
        figure = go.Figure(go.Scatter(x=ds[axis].values, y=flat.values, mode="lines+markers"))
        return figure.update_layout(xaxis_title=_axis_title(ds, axis), yaxis_title=title)
    across, up = longest
    grid = flat.transpose(up, across).values
    figure = go.Figure(
        go.Heatmap(
            z=grid, x=ds[across].values, y=ds[up].values, colorscale="Viridis", colorbar={"title": title}
        )
    )
    mean = f"mean over {', '.join(map(str, others))}" if others else ""
    return figure.update_layout(
        xaxis_title=_axis_title(ds, across), yaxis_title=_axis_title(ds, up), title=mean
    )


def _named(name: str) -> str:
    return NAMES.get(name) or name.replace("_", " ").capitalize()


def _longest(ds: xr.Dataset) -> list[str]:
    """The two longest axes of a factorial, of those that vary."""
    varying = [axis for axis in axis_names(ds) if len(np.unique(ds[axis].values)) > 1]
    return sorted(varying, key=lambda axis: -ds.sizes[axis])[:2]


def _grid(ds: xr.Dataset, name: str) -> list[Block]:
    """The numbers of a map as a table for Markdown, where it is small enough to read."""
    if "case" in ds.dims or not (longest := _longest(ds)):
        return []
    across, up = (longest * 2)[:2]
    if len(longest) == 2 and ds.sizes[across] > ds.sizes[up] and ds.sizes[across] > GRID_COLUMNS:
        across, up = up, across
    if ds.sizes[up] > GRID_ROWS or (up != across and ds.sizes[across] > GRID_COLUMNS):
        return []
    flat = ds[name].mean([axis for axis in ds[name].dims if axis not in longest])
    labels = [[value_text(ds, axis, value) for value in ds[axis].values.tolist()] for axis in (across, up)]
    if up == across:
        rows = [[label, f"{value:.5g}"] for label, value in zip(labels[0], flat.values, strict=True)]
        return [("grid", [[across, _named(name)], *rows])]
    values = flat.transpose(up, across).values
    rows = [[label, *(f"{v:.5g}" for v in row)] for label, row in zip(labels[1], values, strict=True)]
    return [("grid", [[f"{up} \\ {across}", *labels[0]], *rows])]


def _axis_title(ds: xr.Dataset, axis: str) -> str:
    unit = str(ds[axis].attrs.get("units", "1"))
    unit = f"{ds[axis].attrs.get('relative_to', '')} {unit}".lstrip()
    return f"{axis} [{unit}]" if unit not in ("1", "count") else axis


def _tornado(found: list[Any]) -> Any:
    import plotly.graph_objects as go

    rows = found[::-1]
    bars = go.Bar(
        y=[row.axis for row in rows], x=[row.highest - row.lowest for row in rows],
        base=[row.lowest for row in rows], orientation="h",
    )  # fmt: skip
    return go.Figure(bars).update_layout(xaxis_title="mean PUE")


def _curves(ds: xr.Dataset, name: str) -> Any:
    """Sorted series of up to eight cases, spread over the study."""
    import plotly.graph_objects as go

    flat = ds[name].values.reshape(-1, ds.sizes["step"])
    table = case_table(ds)
    if "kept" in ds[name].dims:
        table = table.iloc[ds["kept"].values]
    figure = go.Figure()
    for i in np.unique(np.linspace(0, len(flat) - 1, SHOWN_CURVES).astype(int)).tolist():
        series = np.sort(flat[i][np.isfinite(flat[i])])[::-1]
        if series.size:
            share = np.linspace(0.0, 100.0, min(series.size, 500))
            label = ", ".join(str(table[axis].iloc[i]) for axis in axis_names(ds)[:3])
            figure.add_scatter(
                x=share, y=np.interp(share, np.linspace(0.0, 100.0, series.size), series), name=label
            )
    return figure.update_layout(
        xaxis_title="share of the time, %", yaxis_title=f"{name} [{ds[name].attrs['units']}]"
    )


def _html(blocks: list[Block]) -> str:
    from plotly.io import to_html

    out, first = [], True
    for kind, content in blocks:
        if kind == "figure":
            content.update_layout(
                template="plotly_white", height=380, margin={"l": 60, "r": 20, "t": 30, "b": 50}
            )
            out.append(to_html(content, full_html=False, include_plotlyjs=first, config=CONFIG))
            first = False
        elif kind == "table":
            out.append(
                "<table>"
                + "".join(_row(row, "th" if i == 0 else "td") for i, row in enumerate(content))
                + "</table>"
            )
        elif kind != "grid":
            out.append(f"<{kind}>{escaping.escape(content)}</{kind}>")
    title = escaping.escape(blocks[0][1])
    body = "\n".join(out)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>\n{body}\n</html>\n'


def _row(cells: list[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escaping.escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _markdown(blocks: list[Block]) -> str:
    out = []
    for kind, content in blocks:
        if kind in ("h1", "h2"):
            out.append(f"{'#' * int(kind[1])} {content}\n")
        elif kind in ("table", "grid"):
            head, *rows = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in content]
            lines = [head, ["---"] * len(head), *rows]
            out.append("\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n")
        elif kind == "p":
            out.append(f"{content}\n")
    return "\n".join(_without_empty_headings(out))


def _without_empty_headings(parts: list[str]) -> list[str]:
    """Figures are left out of Markdown, and headings that only they stood under."""
    after = [*parts[1:], "# end"]
    return [
        part
        for part, following in zip(parts, after, strict=True)
        if not (part.startswith("## ") and following.startswith("#"))
    ]
