"""A sized facility as an engineer reads it: text for the terminal, Markdown and HTML."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from twin_sites.errors import InputError, Problem

from twin.sizing.economics import read_costs
from twin.sizing.needs import architecture_of
from twin.sizing.risk import words as risk_words
from twin.sizing.run import Sized
from twin.store import write_whole
from twin.tables import table

SUFFIXES = (".md", ".html")


def text(sized: Sized) -> str:
    """Equipment, headline figures, proof and what is not met, for a terminal."""
    lines = [str(sized.written["title"]), "", table(_rows(sized), ("product", "binding constraint")), ""]
    lines += [f"{name:<28}{value}" for name, value in headline(sized)]
    lines += [
        "",
        f"Proof: {len(sized.proofs)} cases simulated, {sum(bool(p.shortfalls) for p in sized.proofs)} with a shortfall.",
    ]
    if len(sized.alternatives) > 1:
        lines += ["", "Compared", table(compared(sized), ("why",))]
    lines += ["", "Current of one compute rack, unity power factor", table(rack_currents(sized))]
    if sized.unmet_requirements:
        lines += ["", "NOT MET"] + [f"  {words}" for words in sized.unmet_requirements]
    return "\n".join(lines)


def _rows(sized: Sized) -> list[dict[str, str]]:
    return [
        {
            "address": row.address, "product": row.product, "required": f"{row.required}", "spare": f"+{row.spare}" if row.spare else "",
            "margin": "" if row.margin is None else f"{100 * row.margin:.0f} %", "binding constraint": row.binding_constraint,
        }
        for row in sized.equipment
    ]  # fmt: skip


def compared(sized: Sized) -> list[dict[str, str]]:
    """Technologies and plants that were compared, the one taken first, and why others are out."""
    return [
        {
            "cooling": row.cooling, "system": row.system, "plant": row.plant, "PUE": "" if row.pue is None else f"{row.pue:.3f}",
            "cost of a year": "" if row.cost_per_year is None else f"{row.cost_per_year / 1e6:,.3f} M USD",
            "not met": f"{row.unmet}" if row.unmet else "", "why": row.why or ("taken" if i == 0 else ""),
        }
        for i, row in enumerate(sized.alternatives)
    ]  # fmt: skip


def rack_currents(sized: Sized) -> list[dict[str, str]]:
    """Current of one compute rack at the usual voltages, at unity power factor."""
    return [
        {
            "supply": f"{one.volts:g} VDC" if one.kind == "dc" else f"{one.volts:g} V three-phase", "rated": f"{one.rated_a:,.0f} A",
            "peak": f"{one.peak_a:,.0f} A", "breaker": "—" if one.breaker_a is None else f"{one.breaker_a:,} A", "": "sized" if one.taken else "",
        }
        for one in sized.currents
    ]  # fmt: skip


def money(sized: Sized) -> list[dict[str, str]]:
    """Capital line by line."""
    return [
        {
            "address": line.address, "class": line.cost_class, "quantity": f"{line.quantity:,.4g} {line.unit}",
            "unit cost": f"{line.unit_cost:,.6g} USD", "capital": f"{line.total / 1e6:,.3f} M USD",
        }
        for line in sized.economics.capital
    ]  # fmt: skip


def matters(sized: Sized) -> list[dict[str, str]]:
    """What the cost of a year hangs on, the widest first."""
    total = sized.economics.cost_per_year
    return [
        {"input": name, "30 % lower": f"{(low - total) / 1e6:+,.3f} M USD", "30 % higher": f"{(high - total) / 1e6:+,.3f} M USD"}
        for name, low, high in sized.economics.what_matters
    ]  # fmt: skip


def _tables(sized: Sized) -> list[tuple[str, list[dict[str, str]]]]:
    """Tables of a written report after the equipment."""
    found = [("Compared", compared(sized))] if len(sized.alternatives) > 1 else []
    return [
        *found,
        ("Current of one compute rack, unity power factor", rack_currents(sized)),
        ("Capital (estimate)", money(sized)),
        ("What the cost of a year hangs on", matters(sized)),
    ]


def headline(sized: Sized) -> list[tuple[str, str]]:
    """The figures that a reader asks for first."""
    s, m = sized.summary, sized.economics
    loop = "fws" if "fws" in sized.site.cooling else "chw"
    warmest = sized.site.cooling[loop].supply.value
    chip = (
        "—"
        if s.max_chip_temperature_degc is None
        else f"{s.max_chip_temperature_degc:.1f} °C, {s.chip_headroom_k:.1f} K below throttling"
    )
    risk = [] if sized.at_risk is None else [("Utility power at a risk", risk_words(sized.at_risk))]
    return [
        *risk,
        ("Peak at the utility meter", f"{sized.peak_power / 1e6:.3f} MW (design day, full load)"),
        ("IT in the proving year", f"{s.it_energy_kwh / s.hours / 1e3:.3f} MW mean, {s.peak_it_kw / 1e3:.3f} MW peak"),
        ("Facility water supply", f"{warmest:.1f} °C"),
        ("PUE", "—" if s.pue is None else f"{s.pue:.3f} ({s.weather}, {s.load})"),
        ("WUE", "—" if s.wue_l_per_kwh is None else f"{s.wue_l_per_kwh:.3f} L/kWh, {s.water_m3:,.0f} m³ a year"),
        ("Hottest chip", chip),
        ("Electrical losses", f"{100 * sized.electrical_loss:.1f} % of IT energy, {architecture_of(sized.requirements)}, {sized.requirements.distribution}"),
        ("Energy and water", f"{s.energy_cost + s.water_cost:,.0f} USD a year"),
        ("Capital (estimate)", f"{m.plant_capital / 1e6:,.1f} million USD of plant, {m.it_capital / 1e6:,.1f} of racks"),
        ("Cost of a year (estimate)", f"{m.cost_per_year / 1e6:,.2f} million USD; {m.per_accelerator_hour or 0.0:.3f} USD per accelerator-hour"),
        ("Owning beats renting", "—" if m.break_even_utilisation is None else f"above {100 * m.break_even_utilisation:.0f} % use of the hours"),
        ("Hours without compressors", "no chillers" if s.free_cooling_hours is None else f"{s.free_cooling_hours:,.0f} of {s.hours:,.0f}"),
    ]  # fmt: skip


def check_report(path: str | Path) -> Path:
    """A report's path, refused before the work where it could not be written."""
    target = Path(path)
    if target.suffix not in SUFFIXES or not target.resolve().parent.is_dir():
        raise InputError(
            [
                Problem(
                    f"--report {path}",
                    "no such kind of report or no such folder",
                    "a .md or .html file in a folder that exists",
                    "report.html",
                )
            ]
        )
    return target


def save_report(sized: Sized, path: str | Path, drawings: Sequence[tuple[str, str]] = ()) -> Path:
    """Write the report as ``.md`` or ``.html``; ``drawings`` are titles with inline SVG (HTML only)."""
    target = check_report(path)
    write_whole(target, (html(sized, drawings) if target.suffix == ".html" else markdown(sized)).encode())
    return target


def markdown(sized: Sized) -> str:
    """Report in Markdown."""
    rows = _rows(sized)
    head = list(rows[0])
    lines = [f"# {sized.written['title']}", "", "| figure | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in headline(sized)]
    lines += ["", "## Equipment", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row[key] for key in head) + " |" for row in rows]
    for title, rows in _tables(sized):
        lines += ["", f"## {title}", "", "| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
        lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    lines += ["", "## Proof", "", "| case | result |", "|---|---|"]
    lines += [f"| {proof.case} | {'; '.join(proof.shortfalls) or 'holds'} |" for proof in sized.proofs]
    lines += ["", "## Assumptions and their sources", ""] + [f"- {words}" for words in assumptions(sized)]
    return "\n".join(lines) + "\n"


def assumptions(sized: Sized) -> list[str]:
    """Every number of the site that is an estimate, with its reason."""
    site = sized.site
    found = [
        f"`{address}`: {origin.confidence}; {origin.reason or origin.source}"
        for address, origin in sorted(site.sources.items()) if origin.confidence == "estimate"
    ]  # fmt: skip
    costs = read_costs(sized.requirements.costs or None)
    found += [f"cost of {name}: {words}" for name, words in costs["sources"].items()]
    found.append(f"all other unit costs: {costs['confidence']}; {costs['source']}")
    return found


def html(sized: Sized, drawings: Sequence[tuple[str, str]] = ()) -> str:
    """Report as one HTML page that loads nothing from elsewhere."""

    def cells(values: Sequence[str], tag: str = "td") -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(value)}</{tag}>" for value in values) + "</tr>"

    rows = _rows(sized)
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>"
        + escape(str(sized.written["title"]))
        + "</title><style>",
        "body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
        "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}td,th{border-bottom:1px solid #d0d7de;padding:.3rem .6rem;"
        "text-align:left;vertical-align:top}h1{font-size:1.4rem}svg{max-width:100%;height:auto}.bad{color:#b42318}</style></head><body>",
        f"<h1>{escape(str(sized.written['title']))}</h1><table>",
        *(cells(pair) for pair in headline(sized)),
        "</table><h2>Equipment</h2><table>",
        cells(list(rows[0]), "th"),
        *(cells(list(row.values())) for row in rows),
        "</table>",
        *(
            f"<h2>{escape(title)}</h2><table>{cells(list(found[0]), 'th')}{''.join(cells(list(row.values())) for row in found)}</table>"
            for title, found in _tables(sized)
        ),
        *(f"<h2>{escape(title)}</h2>{svg}" for title, svg in drawings),
        "<h2>Proof</h2><table>",
        *(cells((proof.case, "; ".join(proof.shortfalls) or "holds")) for proof in sized.proofs),
        "</table><h2>Assumptions and their sources</h2><ul>",
        *(f"<li>{escape(words.replace('`', ''))}</li>" for words in assumptions(sized)),
        "</ul></body></html>",
    ]
    return "\n".join(parts) + "\n"
