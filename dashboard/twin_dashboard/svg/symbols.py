"""Symbols of machines (20 × 20 px, outlines), words for names, and the style that every drawing carries."""

from twin_dashboard.tokens import DARK, LIGHT

WORDS = {
    "cdu": "CDU", "ups": "UPS", "pdu": "PDU", "rpp": "RPP", "crah": "CRAH", "crac": "CRAC", "ats": "ATS", "sts": "STS",
    "tcs": "TCS", "fws": "FWS", "chw": "CHW", "hvac": "HVAC", "it": "IT", "gpu": "GPU", "cpu": "CPU", "lv": "LV", "mv": "MV",
}  # fmt: skip

_FAN = "M10 10c-2-6 2-7 3-5s-1 4-3 5c6-2 7 2 5 3s-4-1-5-3c2 6-2 7-3 5s1-4 3-5c-6 2-7-2-5-3s4 1 5 3"
SYMBOLS = {
    "utility": "M10 1v5M10 19v-5M10 14 6 6",
    "transformer": "M10 7.2m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0M10 13.2m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0",
    "ups": "M2 2h16v16H2zM18 2 2 18M4 6c1-2 2-2 3 0s2 2 3 0M11 13h5M11 15.5h5",
    "pdu": "M2 4h16M5 4v12M10 4v12M15 4v12",
    "rack": "M4 1h12v18H4zM7 5h6M7 8h6M7 11h6M7 14h6",
    "cdu": "M2 2h16v16H2zM2 10h3l2-4 3 8 3-8 2 4h3",
    "heat_exchanger": "M3 2h14v16H3zM6.5 2v16M10 2v16M13.5 2v16",
    "chiller": "M10 1v18M2.2 5.5l15.6 9M17.8 5.5l-15.6 9M7.5 2.5 10 5l2.5-2.5M7.5 17.5 10 15l2.5 2.5",
    "dry_cooler": "M10 10m-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0" + _FAN,
    "cooling_tower": "M3 19c4-6 4-11 3-17h8c-1 6-1 11 3 17zM7 5l6 2M7 9l6 2M6 13l8 2",
    "air_handler": "M1 2h18v16H1zM10 10m-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0" + _FAN,
    "rear_door": "M3 1h14v18H3zM15 1v18M6 4h6M6 7h6M6 10h6M6 13h6M6 16h6",
    "immersion": "M2 5v13h16V5M2 8c2.7-2 5.3 2 8 0s5.3 2 8 0M6 11v5M10 11v5M14 11v5",
    "liquid_to_air": "M2 2h16v16H2zM5 2v16M8 2v16M13.5 10m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    "two_phase": "M2 9v9h16V9M5 14a1 1 0 1 0 2 0a1 1 0 1 0-2 0M9 12a1 1 0 1 0 2 0a1 1 0 1 0-2 0M13 15a1 1 0 1 0 2 0a1 1 0 1 0-2 0M2 4h3l2 3 3-6 3 6 2-3h3",
    "heat_reuse": "M2 10l8-8 8 8v8H2zM7 18v-5h6v5",
    "thermal_storage": "M3 4c0-4 14-4 14 0v12c0 4-14 4-14 0zM3 4c0 4 14 4 14 0M3 11c2.3 2 4.7 0 7 0s4.7 2 7 0",
    "source": "M5 18c-3-5 3-6 0-11M10 18c-3-6 3-8 0-14M15 18c-3-5 3-6 0-11",
}

USED = (
    "power", "heat", "water", "ghost", "watch", "watch_soft", "watch_line", "bad", "bad_soft", "ink", "muted", "grid", "line", "card",
)  # fmt: skip

_RULES = """
.tw{font-family:Inter,"Inter Variable",system-ui,sans-serif;font-size:12px;font-variant-numeric:tabular-nums;fill:var(--tw-ink)}
.tw text.b{font-weight:600;font-size:13px}.tw text.m{fill:var(--tw-muted)}.tw text.s{font-size:11px}
.tw text.big{font-size:22px;font-weight:600}.tw .mid{text-anchor:middle}.tw .end{text-anchor:end}
.tw .pipe path{fill:none;stroke:var(--c);stroke-width:calc(var(--w,4)*1px);stroke-linecap:square}
.tw .pipe path.hd{fill:var(--c);stroke:none}.tw .pipe path.in{stroke:var(--tw-card);stroke-width:calc((var(--w,6) - 3)*1px)}
.tw .pipe.air{--w:6.5}.tw .makeup path{stroke-linecap:butt;stroke-width:1.6px;stroke-dasharray:5 3}.tw .makeup path.hd{stroke-dasharray:none}
.tw .power{--c:var(--tw-power)}.tw .heat{--c:var(--tw-heat)}.tw .water,.tw .makeup{--c:var(--tw-water)}
.tw .pipe.off{opacity:.35}
.tw .box>rect.fr{fill:var(--tw-card);stroke:var(--tw-muted);stroke-width:1.2}.tw .box.dash>rect.fr{stroke-dasharray:4 3}
.tw .sym{fill:none;stroke:var(--tw-muted);stroke-width:1.3;stroke-linecap:round;stroke-linejoin:round}
.tw .bar{fill:var(--tw-grid)}.tw .use{fill:var(--tw-muted)}.tw .mark{display:none}
.tw .pill rect{fill:var(--tw-card);stroke:var(--tw-grid)}.tw .pill text{font-weight:600}
.tw .pump circle{fill:var(--tw-card);stroke:var(--tw-muted);stroke-width:1.2}
.tw [role=button]{cursor:pointer;outline:none}.tw [role=button]:hover>rect.fr,.tw [role=button]:hover circle{stroke:var(--tw-power)}
.tw [role=button]:focus-visible>rect,.tw [role=button]:focus-visible>circle,.tw .selected>rect.fr{stroke:var(--tw-power);stroke-width:2.4}
.tw .watch>rect.fr,.tw .pill.watch rect{fill:var(--tw-watch-soft);stroke:var(--tw-watch-line);stroke-width:1.6}
.tw .bad>rect.fr,.tw .pill.bad rect{fill:var(--tw-bad-soft);stroke:var(--tw-bad);stroke-width:1.6}
.tw .watch .use{fill:var(--tw-watch-line)}.tw .bad .use{fill:var(--tw-bad)}
.tw .watch text.w{fill:var(--tw-watch);font-weight:600}.tw .bad text.w{fill:var(--tw-bad);font-weight:600}
.tw .watch .mark.wm,.tw .bad .mark.bm{display:inline}
.tw .wm path{fill:var(--tw-watch)}.tw .bm circle{fill:var(--tw-bad)}.tw .rack rect{fill:var(--tw-power);fill-opacity:calc(.05 + var(--t,0)*var(--tw-cap));stroke:var(--tw-muted);stroke-width:.8}
.tw .rack text{text-anchor:middle;font-size:11px}.tw .rack.none rect{fill:none;stroke-dasharray:3 2}.tw .rack.none text{fill:var(--tw-muted)}
.tw .rack.watch rect{stroke:var(--tw-watch-line);stroke-width:2}.tw .rack.bad rect{stroke:var(--tw-bad);stroke-width:2}
.tw .rack:focus-visible rect{stroke:var(--tw-power);stroke-width:2.4}.tw .aisle{fill:var(--tw-grid)}.tw .dist{fill:var(--tw-muted)}
.tw .mark .x{fill:none;stroke:var(--tw-card);stroke-width:1.5;stroke-linecap:round}
"""


def style() -> str:
    """The style element. Colours are the page's own variables; where a file stands alone, the tokens of the dashboard."""
    light, dark = (
        "".join(
            f"--tw-{name}:var(--{name},{theme[key]});"
            for key, name in ((key, key.replace("_", "-")) for key in USED)
        )
        for theme in (LIGHT, DARK)
    )
    return (
        f"<style>.tw{{--tw-cap:.7;{light}}}@media (prefers-color-scheme:dark){{:root:not([data-mantine-color-scheme=light]) .tw{{--tw-cap:.45;{dark}}}}}"
        f"[data-mantine-color-scheme=dark] .tw{{--tw-cap:.45;{dark}}}{''.join(_RULES.splitlines())}</style>"
    )


def title(name: str) -> str:
    """Name of an element in a site file as words: ``air_handler`` is Air handler, ``cdu.2`` is CDU no. 2."""
    base, _, member = (
        name.rpartition(".") if "." in name and name.rpartition(".")[2].isdigit() else (name, "", "")
    )
    parts = [part for part in base.replace("_", " ").replace("-", " ").split(" ") if part]
    text = " ".join(_word(part) for part in parts)
    text = text[:1].upper() + text[1:]
    return f"{text} no. {member}" if member else text


def _word(part: str) -> str:
    """Abbreviations, alone or with a number, and the letters of feeds in capitals."""
    stem = part.rstrip("0123456789")
    return (
        WORDS[stem.lower()] + part[len(stem) :]
        if stem.lower() in WORDS
        else part.upper()
        if len(part) == 1
        else part
    )


MARKS = (
    '<g class="mark wm"><path d="M7 0 14 13H0z"/><path class="x" d="M7 4.5v4M7 10.8v.2"/></g>'
    '<g class="mark bm"><circle cx="7" cy="7" r="7"/><path class="x" d="M4.5 4.5l5 5M9.5 4.5l-5 5"/></g>'
)
