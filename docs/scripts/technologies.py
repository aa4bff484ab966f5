"""The same accelerators doing the same work under every technology that exists for them, in four climates.

    python docs/scripts/technologies.py

Writes the sites and the study to ``docs/studies/technologies``, runs them and writes the table and the figure of
``docs/how-to/compare-technologies.md``: facility power per accelerator, PUE beside TUE, water, hottest chip, and the supply
temperature that the coolers reach without compressors in the hottest hour.
"""
# ruff: noqa: T201

import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from twin_models.dry_cooler import dry_cooler
from twin_models.fluids.fluids import heat_capacity
from twin_models.psychrometrics.psychrometrics import wet_bulb
from twin_models.streams import Ambient, Stream
from twin_sites.loader import load_site

import twin
from twin.compile import compile_site

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "studies" / "technologies"
PAGE = ROOT / "docs" / "how-to" / "compare-technologies.md"
FIGURE = ROOT / "docs" / "images" / "technologies.svg"
RACKS, ACCELERATORS = 24, 768
CLIMATES = {
    "phoenix": "Phoenix",
    "ashburn": "Ashburn",
    "chicago": "Chicago",
    "san-francisco": "San Francisco",
}
NAMES = {
    "air": "Air, perimeter units",
    "rear-door": "Active rear doors",
    "liquid-to-air": "Direct-to-chip, liquid-to-air",
    "plates": "Direct-to-chip, water",
    "two-phase-plates": "Direct-to-chip, two-phase",
    "immersion": "Immersion, GTL oil",
    "two-phase": "Immersion, two-phase",
}
COLOURS = ["#6b7f95", "#4f9da6", "#8aa84f", "#2f6db5", "#7a5cc0", "#c9803a", "#b8474d"]
DRY = {
    "use": "dry-cooler-1mw", "count": 3, "spare": 1, "running": "required",
    "fed_by": {"mechanical": 1}, "heat_to": {"heat": "outdoors", "fan": "outdoors"},
}  # fmt: skip
TRIM = {
    "use": "warm-water-air-screw-1200", "count": 2, "spare": 1, "fed_by": {"mechanical": 1}, "heat_to": {"heat": "outdoors"},
}  # fmt: skip
UPS = {"fed_by": {"ups": 1}}


def pump(flow: str) -> dict[str, Any]:
    """Two running pumps and a spare."""
    return {
        "rated_flow": flow, "rated_head": "240 kPa", "efficiency": 0.72, "count": 3, "spare": 1, "running": "required",
        "backup": "ups", **UPS, "heat_to": {"motor": "outdoors"},
    }  # fmt: skip


def plant(supply: str, flow: str, cooler: str = "dry-cooler-1mw", count: int = 3) -> dict[str, Any]:
    """A facility loop: dry coolers first, trim chillers behind them."""
    return {
        "fluid": "propylene_glycol", "concentration": "40 %", "supply": supply, "pump": pump(flow),
        "dry_cooler": {**DRY, "use": cooler, "count": count}, "chiller": TRIM,
    }  # fmt: skip


def room(count: int) -> dict[str, Any]:
    """Perimeter units on the room's own cold loop."""
    return {
        "supply": "24 degC", "dew_point": "14 degC",
        "air_handler": {"use": "vertiv-fa069hc", "count": count, "spare": 1, "backup": "ups", **UPS, "heat_to": {"heat": "chw", "fan": "hall"}},
    }  # fmt: skip


def sites() -> dict[str, dict[str, Any]]:
    """Written form of a site for every technology."""
    base = dict(load_site("hgx-h200-1mw-air").written)
    small = {
        "fluid": "propylene_glycol", "concentration": "40 %", "supply": "18 degC", "pump": pump("12 L/s"),
        "dry_cooler": {**DRY, "use": "dry-cooler-400kw"}, "chiller": {**TRIM, "capacity": "400 kW"},
    }  # fmt: skip
    cold = plant("18 degC", "30 L/s")
    forms: dict[str, dict[str, Any]] = {
        "air": {"system": "nvidia-hgx-h200-air", "to": {"air": "hall"}, "hall": room(8), "cooling": {"chw": cold}},
        "rear-door": {
            "system": "nvidia-hgx-h200-air", "to": {"air": "doors"}, "hall": room(3), "cooling": {"chw": small, "fws": plant("18 degC", "26 L/s")},
            "rooms": {
                "doors": {
                    "opens_to": "hall", "supply": "hall + 0 K",
                    "rear_door": {"use": "active-door-50kw", "count": RACKS, "backup": "ups", **UPS, "heat_to": {"heat": "fws", "fan": "hall"}},
                }
            },
        },
        "liquid-to-air": {
            "system": "nvidia-hgx-h200-dlc", "to": {"liquid": "tcs", "air": "hall"}, "hall": room(9),
            "cooling": {
                "tcs": {
                    "fluid": "propylene_glycol", "concentration": "25 %", "supply": "hall + 12 K",
                    "sidecar": {"use": "in-rack-l2a-70kw", "count": 15, "spare": 2, "backup": "ups", **UPS, "heat_to": {"heat": "hall", "fan": "hall", "motor": "hall"}},
                },
                "chw": cold,
            },
        },
        "plates": {
            "system": "nvidia-hgx-h200-dlc", "to": {"liquid": "tcs", "air": "hall"}, "hall": room(4),
            "cooling": {
                "tcs": {
                    "fluid": "propylene_glycol", "concentration": "25 %", "supply": "fws + 4 K",
                    "cdu": {"use": "coolit-chx1000", "count": 2, "spare": 1, "backup": "ups", **UPS, "heat_to": {"heat": "fws", "motor": "hall"}},
                },
                "fws": plant("32 degC", "18 L/s", "dry-cooler-400kw", 4), "chw": small,
            },
        },
        "two-phase-plates": {
            "system": "nvidia-hgx-h200-two-phase-plates", "to": {"liquid": "tcs", "air": "hall"}, "hall": room(4),
            "cooling": {
                "tcs": {
                    "fluid": "r1233zd_e", "supply": "fws + 8 K",
                    "unit": {"use": "cdu-150kw-two-phase", "count": 6, "spare": 1, "backup": "ups", **UPS, "heat_to": {"heat": "fws"}},
                },
                "fws": plant("36 degC", "18 L/s"), "chw": small,
            },
        },
        "immersion": {
            "system": "nvidia-hgx-h200-immersion", "to": {"liquid": "bath", "air": "hall"}, "hall": room(2),
            "cooling": {
                "bath": {
                    "fluid": "gtl_oil", "supply": "fws + 8 K",
                    "tank": {"use": "tank-100kw-internal", "count": 11, "spare": 1, "backup": "ups", **UPS, "heat_to": {"heat": "fws", "motor": "hall"}},
                },
                "fws": plant("29 degC", "20 L/s"), "chw": small,
            },
        },
        "two-phase": {
            "system": "nvidia-hgx-h200-two-phase", "to": {"liquid": "bath", "air": "hall"}, "hall": room(2),
            "cooling": {
                "bath": {
                    "fluid": "novec_649", "supply": "49 degC",
                    "tank": {"use": "tank-252kw-two-phase", "count": 5, "spare": 1, **UPS, "heat_to": {"heat": "fws"}},
                },
                "fws": plant("38 degC", "20 L/s"), "chw": small,
            },
        },
    }  # fmt: skip
    out = {}
    for name, form in forms.items():
        site = {key: value for key, value in base.items() if key not in ("expect", "notes", "rooms")}
        compute = {"system": form["system"], "count": RACKS, "fed_by": {"pdu": 1}, "heat_to": form["to"]}
        site |= {
            "name": f"h200-{name}",
            "title": f"768 H200: {NAMES[name]}",
            "hall": form["hall"],
            "cooling": form["cooling"],
        }
        site["racks"] = {"compute": compute, "network": {**base["racks"]["network"]}}
        if "rooms" in form:
            site["rooms"] = form["rooms"]
        site["power"] = {
            key: {**value, "heat_to": {"loss": "hall"}}
            if value.get("heat_to", {}).get("loss") == "electrical"
            else value
            for key, value in base["power"].items()
        }
        out[name] = site
    return out


class Plain(yaml.SafeDumper):
    """Site files take no aliases: every block is written out."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never."""
        return True


def write(folder: Path) -> None:
    """The sites and the study as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, site in sites().items():
        (folder / f"{name}.yaml").write_text(
            yaml.dump(site, Dumper=Plain, sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
    study = {
        "name": "technologies",
        "title": "768 H200 under seven technologies in four climates",
        "site": "air.yaml",
        "axes": {"technology": {name: {"site": f"{name}.yaml"} for name in NAMES}, "weather": list(CLIMATES)},
    }
    (folder / "technologies.yaml").write_text(
        yaml.dump(study, Dumper=Plain, sort_keys=False), encoding="utf-8"
    )


def reachable(name: str, weather: str) -> float:
    """Supply of the technology's own loop in the hottest hour with its coolers at full speed and no compressor, °C.

    The heat is that of the hour in the year with compressors, the flow what the pumps can move.
    """
    site = load_site(FOLDER / f"{name}.yaml")
    loop = "fws" if "fws" in site.cooling else "chw"
    ds = twin.simulate(site, weather=weather)
    volume = compile_site(site).volume(loop)
    cooler = next(node for stage in volume.stages for node in stage if node.link.kind == "dry_cooler")
    air = twin.load_weather(weather)
    dry = air.dry_bulb + site.site.ambient_offset
    ambient = Ambient(dry, wet_bulb(dry, air.humidity_ratio, air.pressure), air.humidity_ratio, air.pressure)
    heat, flow = ds.loop_heat.sel(loop=loop).values, volume.flow_limit
    low, high = dry.copy(), dry + 60.0
    for _ in range(40):
        supply = 0.5 * (low + high)
        cp = heat_capacity(volume.fluid, supply)
        hot = Stream(supply + heat / (flow * cp), np.full(dry.size, flow / cooler.units), cp, volume.fluid)
        enough = dry_cooler.transfer(hot, ambient, 1.0, cooler.machine).heat * cooler.units > heat
        low, high = np.where(enough, low, supply), np.where(enough, supply, high)
    return float(high.max())


def rows() -> list[dict[str, Any]]:
    """One row for every technology and climate."""
    out = []
    with tempfile.TemporaryDirectory() as folder, chdir(FOLDER):  # a study names its sites from where it runs
        twin.study("technologies.yaml", out=Path(folder) / "out.zarr")
        ds = twin.open_study(Path(folder) / "out.zarr").load()
    for name in NAMES:
        for weather in CLIMATES:
            at = ds.sel(technology=name, weather=weather)
            out.append(
                {
                    "technology": name, "weather": weather,
                    "kw": float(at["facility_energy_kwh"]) / 8760.0 / ACCELERATORS,
                    "it_kw": float(at["it_energy_kwh"]) / 8760.0 / ACCELERATORS,
                    "pue": float(at["pue"]), "tue": float(at["tue"]), "wue": float(at["wue_l_per_kwh"]),
                    "chip": float(at["max_chip_temperature_degc"]), "throttled": float(at["throttled_share"]),
                    "mechanical": float(at["mechanical_hours"]) + float(at["partial_cooling_hours"]),
                    "reachable": reachable(name, weather),
                }
            )  # fmt: skip
            print(out[-1])
    return out


def table(found: list[dict[str, Any]]) -> str:
    """Markdown table of all rows."""
    lines = [
        "| Technology | Climate | Facility kW per accelerator | IT kW | PUE | TUE | L/kWh | Hottest chip °C | Hours with compressors | Supply without °C |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found:
        lines.append(
            f"| {NAMES[row['technology']]} | {CLIMATES[row['weather']]} | {row['kw']:.3f} | {row['it_kw']:.3f} | {row['pue']:.3f} | "
            f"{row['tue']:.3f} | {row['wue']:.2f} | {row['chip']:.0f} | {row['mechanical']:,.0f} | {row['reachable']:.0f} |"
        )
    return "\n".join(lines)


def figure(found: list[dict[str, Any]]) -> str:
    """Bars of facility power per accelerator, from the least that any of them needs for IT."""
    width, height, left, base = 860, 350, 60, 270
    low, high = 0.7, max(row["kw"] for row in found) * 1.02
    scale = (base - 40) / (high - low)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="Inter, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{left}" y="22" font-size="14">Facility power per H200 accelerator, mean of the year (kW; the axis starts at {low})</text>',
    ]
    tick = low
    while tick <= high:
        y = base - (tick - low) * scale
        out.append(f'<line x1="{left}" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.2f}</text>')
        tick = round(tick + 0.1, 10)
    group, bar = (width - left - 30) / len(CLIMATES), 21
    for i, weather in enumerate(CLIMATES):
        x = left + 14 + i * group
        out.append(
            f'<text x="{x + 3.5 * bar + 7:.1f}" y="{base + 18}" text-anchor="middle">{CLIMATES[weather]}</text>'
        )
        for j, name in enumerate(NAMES):
            row = next(r for r in found if (r["technology"], r["weather"]) == (name, weather))
            top = base - (row["kw"] - low) * scale
            out.append(
                f'<rect x="{x + j * (bar + 2):.1f}" y="{top:.1f}" width="{bar}" height="{base - top:.1f}" fill="{COLOURS[j]}">'
                f"<title>{NAMES[name]}, {CLIMATES[weather]}: {row['kw']:.3f} kW</title></rect>"
            )
    for j, name in enumerate(NAMES):
        x = left + (j % 3) * 260
        y = base + 38 + (j // 3) * 18
        out.append(
            f'<rect x="{x}" y="{y - 10}" width="11" height="11" fill="{COLOURS[j]}"/><text x="{x + 17}" y="{y}">{NAMES[name]}</text>'
        )
    return "\n".join([*out, "</svg>"]) + "\n"


def main() -> None:
    """Write everything."""
    write(FOLDER)
    found = rows()
    FIGURE.write_text(figure(found), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition("<!-- table -->\n")
    tail = rest.partition("<!-- end -->")[2]
    PAGE.write_text(f"{head}<!-- table -->\n{table(found)}\n<!-- end -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
