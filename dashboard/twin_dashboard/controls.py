"""Controls made from declarations: which addresses are always at hand, and what a slider needs to know of each."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twin_models.fields import Quantity
from twin_sites import catalogue, units
from twin_sites.addresses import Address, addresses, value_text
from twin_sites.schema import Room, SetPoint, Site

from twin.loads.read import loads
from twin.weather import weathers
from twin_dashboard.names import readable

# Groups in the order of the two trees; a pattern is matched against the whole address.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Load and weather", (r"load\.scale", r"load\.trace", r"site\.weather", r"site\.ambient_offset", r"racks\.[^.]+\.count", r"racks\.[^.]+\.system")),
    ("Facility water", (r"cooling\.(?!{tech})[^.]+\.supply", r"cooling\.[^.]+\.reset\.coldest", r"cooling\.[^.]+\.pump\.rated_head", r"cooling\.[^.]+\.pump\.out_of_service")),
    ("Heat rejection", (
        r"cooling\.[^.]+\.[^.]+(\.pads)?\.cycles", r"cooling\.[^.]+\.[^.]+\.pads\.water", r"cooling\.[^.]+\.[^.]*(tower|cooler)[^.]*\.(adiabatic|mode|out_of_service|use)",
        r"cooling\.[^.]+\.[^.]+\.adiabatic[^.]*", r"cooling\.[^.]+\.[^.]*chiller[^.]*\.(out_of_service|use)")),
    ("Technology loop", (r"cooling\.{tech}\.supply", r"cooling\.{tech}\.(cdu|tank)\.(out_of_service|use)", r"cooling\.{tech}\.(cdu|tank)\.heat_exchanger\.fouling",
                         r"cooling\.{tech}\.(cdu|tank)\.external_head")),
    ("Room air", (r"hall\.supply", r"hall\.dew_point", r"hall\.[^.]+\.minimum_speed", r"hall\.[^.]+\.(out_of_service|use)",
                  r"rooms\.[^.]+\.rear_door\.(out_of_service|use)")),
    ("Power", (r"power\.[^.]+\.mode", r"power\.[^.]+\.out_of_service", r"power\.[^.]+\.use")),
)  # fmt: skip
CHOICE_WORDS = {"double_conversion": "Double conversion", "eco": "Eco mode", "yes": "On", "no": "Off"}
_APPROACH = Quantity("K", "Approach", low=-30.0, high=40.0, bound_source="engine", difference=True)
# What an engineer looks for first: where a site has none of it, a greyed row says why.
EXPECTED: tuple[tuple[str, str, str, str], ...] = (
    ("Facility water", "FWS: supply set point", r"cooling\.{fws}\.supply", "no CDU or tank gives heat to facility water here"),
    ("Facility water", "CHW: supply set point", r"cooling\.{chw}\.supply", "no air handler or rear door takes chilled water here"),
    ("Heat rejection", "Cycles of concentration", r"cooling\..*\.cycles", "no tower or wetted cooler evaporates water here"),
    ("Heat rejection", "Tower or cooler: units out of service", r"cooling\..*(tower|cooler)[^.]*\.out_of_service", "this site has no tower and no dry cooler"),
    ("Heat rejection", "Adiabatic water", r"cooling\..*\.pads\.water", "no cooler with wetted pads here"),
    ("Heat rejection", "Chiller: units out of service", r"cooling\..*chiller[^.]*\.out_of_service", "this site has no chiller"),
    ("Technology loop", "TCS: supply set point", r"cooling\.{tech}\.supply", "no rack of this site takes liquid"),
    ("Technology loop", "CDU: units out of service", r"cooling\.{tech}\.(cdu|tank)\.out_of_service", "no rack of this site takes liquid from a CDU or tank"),
    ("Technology loop", "CDU: fouling", r"cooling\.{tech}\..*fouling", "no heat exchanger of a CDU with fouling here"),
    ("Technology loop", "CDU: pressure difference set point", r"cooling\.{tech}\..*external_head", "no CDU pump serves racks here"),
    ("Room air", "Dew point", r"hall\.dew_point", "this hall has no dew point"),
    ("Room air", "Air handler: lowest fan speed", r"hall\..*minimum_speed", "no air handler with fans in this hall"),
    ("Room air", "Air handler: units out of service", r"hall\..*out_of_service", "no air handler in this hall"),
    ("Power", "UPS: mode", r"power\..*\.mode", "this site has no UPS with an economy mode"),
    ("Power", "UPS: units out of service", r"power\.[^.]*ups[^.]*\.out_of_service", "this site has no UPS"),
)  # fmt: skip
MOST_OWN = 600  # racks with series of their own that a page may ask for
SPAN = 3.0  # an open range is drawn from a third to three times the baseline


@dataclass(frozen=True)
class Control:
    """One field of a site as a page shows it. ``base``, ``low`` … are in the shown unit ``unit``."""

    address: str
    label: str
    kind: str  # 'number' or 'choice'
    group: str
    text: str  # baseline for people
    allowed: str
    source: str
    confidence: str
    reason: str
    options: tuple[tuple[str, str], ...] = ()
    base: Any = None
    low: float | None = None
    high: float | None = None
    slide_low: float = 0.0
    slide_high: float = 1.0
    step: float = 1.0
    decimals: int = 0
    unit: str = ""
    unit_label: str = ""
    prefix: str = ""
    bound_source: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def controls(site: Site, system: str) -> dict[str, Control]:
    """Every control of a site by address, those always at hand with their group's name."""
    patterns = [(name, [_pattern(p, site) for p in items]) for name, items in GROUPS]
    found = {a.address: a for a in [*addresses(site), *_products(site)]}
    out: dict[str, Control] = {}
    for name, wanted in patterns:
        for pattern in wanted:
            for address, entry in found.items():
                if address not in out and pattern.fullmatch(address):
                    control = _control(entry, name, site, system)
                    if control is not None:
                        out[address] = control
    for address, entry in found.items():
        if address not in out:
            control = _control(entry, "", site, system)
            if control is not None:
                out[address] = control
    return out


def _pattern(text: str, site: Site) -> re.Pattern[str]:
    """A pattern of addresses with this site's loops in their places: of racks, below CDUs, of room units."""
    tech = {r.heat_to.get("liquid", "") for r in site.racks.values() if r.liquid is not None} & set(
        site.cooling
    )
    rooms = [volume for _, _, volume in site.volumes() if isinstance(volume, Room)]
    below = {x.heat_to.get("heat", "") for name in tech for x in site.cooling[name].links.values()}
    cold = {x.heat_to.get("heat", "") for room in rooms for x in room.links.values()}
    loops = {"tech": tech, "fws": below | {"fws"}, "chw": cold | {"chw"}}
    for word, names in loops.items():
        known = "|".join(re.escape(name) for name in site.cooling if name in names) or "-"
        text = text.replace("{" + word + "}", f"(?:{known})")
    return re.compile(text)


def missing(site: Site, found: Mapping[str, Control]) -> list[tuple[str, str, str]]:
    """Group, label and reason of the controls that are looked for first and that this site has no part for."""
    here = [address for address, control in found.items() if control.group]
    out = []
    for group, label, text, reason in EXPECTED:
        pattern = _pattern(text, site)
        if not any(pattern.fullmatch(address) for address in here):
            out.append((group, label, reason))
    return out


def own_loads(site: Site) -> dict[str, str]:
    """Generated loads of a site in which every rack of its largest group differs: name and words."""
    groups = {name: racks.count for name, racks in site.racks.items() if racks.accelerators}
    if not groups or max(groups.values()) > MOST_OWN:
        return {}
    name, count = max(groups.items(), key=lambda item: item[1])
    kinds = {"mixed": "batch jobs and serving", "research": "a shared cluster", "inference": "serving"}
    return {
        f"generated:{kind},racks={count},group={name}": f"{words}, each rack of {readable(name).lower()} its own"
        for kind, words in kinds.items()
    }


def _products(site: Site) -> list[Address]:
    """Equipment taken from the catalogue: ``use`` is chosen among the sheets of its family."""
    out = []

    def walk(node: Any, path: str) -> None:
        if not isinstance(node, Mapping):
            return
        if isinstance(node.get("use"), str):
            slug = node["use"]
            family = catalogue.datasheet(slug).family
            out.append(
                Address(
                    f"{path}.use",
                    slug,
                    None,
                    "Product",
                    tuple(catalogue.names(family)),
                    catalogue.datasheet(slug).origins[""],
                )
            )
        for key, below in node.items():
            walk(below, f"{path}.{key}" if path else str(key))

    walk(site.written, "")
    return out


def _label(entry: Address, site: Site) -> str:
    """Label with enough of its place that two of a kind can be told apart."""
    keys = entry.address.split(".")
    if len(keys) < 3 or keys[0] in ("site", "load", "economy", "meter", "house"):
        return entry.label
    where = " ".join(readable(key) if i == 0 else key.replace("_", " ") for i, key in enumerate(keys[1:-1]))
    where = re.sub(r"\bcdu\b", "CDU", where)
    return f"{where}: {entry.label[:1].lower() + entry.label[1:]}"


def _control(entry: Address, group: str, site: Site, system: str) -> Control | None:
    about: dict[str, Any] = {
        "address": entry.address, "label": _label(entry, site), "group": group, "source": entry.origin.source,
        "confidence": entry.origin.confidence, "reason": entry.origin.reason, "text": entry.text(system), "allowed": entry.bounds(system),
    }  # fmt: skip
    options = _options(entry, site)
    if options:
        chosen = ("yes" if entry.value else "no") if isinstance(entry.value, bool) else str(entry.value)
        return Control(kind="choice", options=options, base=chosen, **about)
    value: Any = entry.value
    quantity, prefix = entry.quantity, ""
    if isinstance(value, SetPoint):
        if value.base:
            prefix, quantity = f"{value.base} ", _APPROACH
            about["label"] = f"{about['label']} relative to {readable(value.base)}"
            about["allowed"] = units.bounds_text(_APPROACH, system)
        elif quantity is None:
            return None
        value = value.value
    if quantity is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _number(float(value), quantity, prefix, about, system)


def _options(entry: Address, site: Site) -> tuple[tuple[str, str], ...]:
    names: Mapping[str, str] = {}
    if entry.address == "site.weather":
        names = weathers()
    elif entry.address == "load.trace":
        names = {
            name: f"{readable(name.partition(',')[0].removeprefix('generated:'))}: {text}"
            for name, text in (loads() | own_loads(site)).items()
        }
    elif re.fullmatch(r"racks\.[^.]+\.system", entry.address):
        names = {slug: catalogue.datasheet(slug).name for slug in catalogue.names("rack")}
    elif entry.address.endswith(".use"):
        names = {slug: catalogue.datasheet(slug).name for slug in entry.options}
    elif entry.options:
        names = {option: CHOICE_WORDS.get(option, readable(option)) for option in entry.options}
    if names and isinstance(entry.value, str) and entry.value not in names:
        names = {entry.value: entry.value, **names}
    return tuple(names.items())


def _number(value: float, quantity: Quantity, prefix: str, about: dict[str, Any], system: str) -> Control:
    whole = quantity.unit == "count"
    shown = "" if whole else units.shown_unit(quantity, system)
    if shown == "1":
        shown = ""

    def to(x: float | None) -> float | None:
        return None if x is None else float(units.convert(x, quantity.unit, shown)) if shown else x

    base, low, high = to(value), to(quantity.low), to(quantity.high)
    assert base is not None
    slide_low, slide_high = _span(base, low, high, shown, whole, about["address"])
    step = 1.0 if whole else _nice((slide_high - slide_low) / 160.0)
    decimals = 0 if whole else max(_places(step), min(_needed(base), _places(step) + 2))
    return Control(
        kind="number", base=base, low=low, high=high, slide_low=_snap(slide_low, step, math.floor), slide_high=_snap(slide_high, step, math.ceil),
        step=step, decimals=decimals, unit=shown, unit_label=units.label_of(shown), prefix=prefix, bound_source=quantity.bound_source, **about,
    )  # fmt: skip


def _span(
    base: float, low: float | None, high: float | None, unit: str, whole: bool, address: str
) -> tuple[float, float]:
    """What the slider covers: the declared range, or a window round the baseline where that is too wide to drag in."""
    if whole and address.endswith("out_of_service"):
        return 0.0, max(4.0, base + 2.0)
    if (
        low is not None
        and high is not None
        and (high - low) <= 60.0 * max(abs(base), (high - low) / 90.0)
        and not whole
    ):
        return low, high
    size = abs(base) or 1.0
    first, last = (max(base - 10.0, base / SPAN), base * 2.0 + 4.0) if whole else (size / SPAN, size * SPAN)
    if whole:
        first, last = math.floor(first), math.ceil(last)
    elif base == 0.0:
        first, last = 0.0, (high if high is not None else 1.0)
    return (first if low is None else max(first, low)), (last if high is None else min(last, high))


def _nice(size: float) -> float:
    if size <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return float(f"{next(m for m in (1, 2, 5, 10) if m * power >= size * 0.999) * power:.6g}")


def _places(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _needed(value: float) -> int:
    text = f"{value:.5g}"
    return len(text.partition(".")[2]) if "e" not in text else 0


def _snap(edge: float, step: float, how: Any) -> float:
    return float(f"{how(edge / step + (1e-9 if how is math.floor else -1e-9)) * step:.9g}")


def shown_change(control: Control, text: str, system: str) -> tuple[str, Any]:
    """A change as people read it, and as a control's value in the shown unit (None where it cannot be read)."""
    if control.kind == "choice":
        words = dict(control.options)
        return words.get(text, text), text
    quantity = Quantity("1", "")
    body = text.strip()
    match = re.match(r"^[A-Za-z_][\w-]*\s*([+-])\s*(.*)$", body)
    try:
        if control.prefix and match:
            number = units.parse(("-" if match[1] == "-" else "") + match[2], "K", True)
            shown = float(units.convert(number, "K", control.unit))
        elif control.unit in ("", "%"):
            shown = units.parse(body, "1") * (100.0 if control.unit else 1.0)
        elif control.unit in ("K", "delta_degF"):
            shown = float(units.convert(units.parse(body, "K", True), "K", control.unit))
        else:
            shown = units.parse(body, control.unit)
    except (units.UnitError, ValueError):
        return value_text(text, quantity, system), None
    places = max(control.decimals, min(_needed(shown), control.decimals + 1))
    return f"{shown:,.{places}f} {control.unit_label}".replace("-", "−").strip(), round(shown, 6)
