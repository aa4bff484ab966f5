"""Write the reference pages that state what is declared elsewhere: ``site-file.md`` and ``variables.md``.

    python docs/reference/make_site_file.py

A test compares the pages with what this script would write.
"""

from pathlib import Path
from typing import Any, get_args, get_origin

from twin_sites import declared, schema, units
from twin_sites.catalogue import FAMILIES
from twin_sites.schema import SetPointQuantity

from twin.variables import PER_RACK, RESET, STORAGE, VARIABLES, Variable

HERE = Path(__file__).resolve().parent
ELEMENTS = (
    # title, part, where it stands, words
    ("The site itself", schema.Site, "", "The top of the file."),
    ("Location", schema.Location, "site", ""),
    ("Load", schema.LoadChoice, "load", "What the machines do; `twin run --load` and `simulate(load=…)` win over it."),
    ("Racks", schema.Racks, "racks.NAME", "Equal racks of one system with one load. `system:` takes a datasheet of `twin show racks`; keys written beside it win."),
    ("Room", schema.Room, "hall, rooms.NAME", "An air volume. Every further key is a group of air handlers or rear doors. Each site has `hall`."),
    ("Loop", schema.Loop, "cooling.NAME", "A liquid loop. Every further key is a link: a group of machines that takes heat out of the loop, in the order written. `economiser`, `chiller`, `tower` and so on are names of your choice; `kind:` or the datasheet says what it is."),
    ("Pumps of a loop", schema.Pumps, "cooling.NAME.pump", ""),
    ("Headers of a loop", schema.Headers, "cooling.NAME.manifold", "Between the units and the racks, nearest first: how much flow each rack gets. Without them every rack gets what it asks."),
    ("Thermal storage of a loop", schema.Stores, "cooling.NAME.storage", "A tank of cold water beside the machines of a facility loop; when it is filled and used is planned before the run and audited after it."),
    ("Set-point reset of a loop", schema.Reset, "cooling.NAME.reset", "Trim and respond: units on the loop ask for colder supply, and `supply` is the warmest set point. See `docs/how-to/your-own-site.md`."),
    ("Coolant distribution units", schema.Cdus, "cooling.NAME.LINK", "`kind: cdu`. Between a technology loop and facility water."),
    ("Plate exchangers", schema.Exchangers, "cooling.NAME.LINK", "`kind: heat_exchanger`. An economiser is one that stands before the chillers."),
    ("Chillers", schema.Chillers, "cooling.NAME.LINK", "`kind: chiller`."),
    ("Cooling towers", schema.CoolingTowers, "cooling.NAME.LINK", "`kind: cooling_tower`."),
    ("Dry and adiabatic coolers", schema.DryCoolers, "cooling.NAME.LINK", "`kind: dry_cooler`."),
    ("Air handlers", schema.AirHandlers, "hall.LINK, rooms.NAME.LINK", "`kind: air_handler`."),
    ("Rear doors", schema.RearDoors, "rooms.NAME.LINK", "`kind: rear_door`. One behind each rack of a room that `opens_to` another; `fan_power: 0 W` is a passive door."),
    ("Immersion tanks", schema.Tanks, "cooling.NAME.LINK", "`kind: immersion`. Their bath is the loop: its `fluid` is a dielectric, its racks are server forms for a bath."),
    ("Liquid-to-air units", schema.LiquidToAirCdus, "cooling.NAME.LINK", "`kind: liquid_to_air`. Pumps of a technology loop and a coil with fans in a room (`heat_to: {heat: hall, fan: hall, motor: hall}`): no facility water."),
    ("Condensers of boiling loops", schema.Condensers, "cooling.NAME.LINK", "`kind: two_phase`. The loop's `fluid` boils and its `supply` is the saturation temperature; two-phase tanks and plates."),
    ("Heat customers", schema.HeatCustomers, "cooling.NAME.LINK", "`kind: heat_reuse`. Before the coolers of a facility loop: takes the heat that a customer wants, directly or by a heat pump."),
    ("Utility", schema.Utility, "power.NAME", "`kind: utility`. The meter; a site needs one."),
    ("Transformers", schema.Transformers, "power.NAME", "`kind: transformer`."),
    ("UPS", schema.UpsModules, "power.NAME", "`kind: ups`."),
    ("PDUs, busways, switchgear", schema.Pdus, "power.NAME", "`kind: pdu`."),
    ("House load", schema.House, "house", "Lighting, offices, controls."),
    ("Economy", schema.Economy, "economy", "Hourly series of price and carbon are given to the run instead."),
    ("Meter", schema.Meter, "meter", "Where IT energy is measured for PUE."),
    ("Expectation", schema.Expectation, "expect", "What a site promises; reference sites are tested against it."),
)  # fmt: skip
OWN = [part for _, part, _, _ in ELEMENTS]  # have a section of their own
HEAD = """# The site file

Written by `docs/reference/make_site_file.py` from the declarations that also check the file; do not edit by hand.

A site is a YAML file of mappings. Every quantity is text with its unit (`34 degC`, `93 degF`, `1200 gpm`, `132 kW`); a bare
number is allowed only for counts and ratios. Differences (approaches, offsets) take `K`, `degC` or `degF` *as differences*.
A set point is a temperature (`32 degC`) or so many kelvin above a loop or the weather (`fws + 4 K`, `wet_bulb + 6 K`).

Three keys may stand in any group of machines:

- `use: PRODUCT` takes the numbers of a datasheet (`twin show cdus`, `twin show chillers`, …); keys written beside it win;
- `fed_by: {FEEDER: share}` says where it draws its power; the shares add up to 1;
- `heat_to: {PORT: TARGET}` says where each of its heats goes: a loop, a room or `outdoors`. The ports of each element are
  given below. The meter is compared with all of these ends (see `docs/explanation/closure.md`).

Any value may carry its origin: `rated_heat: {value: 1368 kW, source: "…", confidence: vendor}`, where confidence is
published, vendor, measured, estimate (then `reason:` too) or calibrated.

`twin schema` prints the same as JSON Schema for an editor; `twin show addresses SITE` lists every address of a site with its
value and origin; `twin check FILE` says all that is wrong with a file. Keys marked **required** are those that no default can
stand for; a datasheet taken by `use:` (racks: `system:`) brings most of them.
"""


def pages() -> dict[str, str]:
    """Name and text of each page."""
    return {"site-file.md": site_file(), "variables.md": variables()}


def site_file() -> str:
    """Every element with its fields, then the parts that elements share."""
    lines = [HEAD]
    group = {name for name in declared.hints(schema.Group)}
    shared: dict[type, str] = {}
    lines += [
        "## Groups of machines",
        "",
        "Every group under `cooling`, `hall`, `rooms` and `power` takes these keys beside its own.",
        "",
    ]
    lines += _table(schema.Group, set(), shared)
    for title, part, where, words in ELEMENTS:
        lines += [f"## {title}", ""]
        about = [f"At `{where}`." if where else "", words, _ports(part), _sheets(part)]
        lines += [" ".join(word for word in about if word), ""]
        lines += _table(part, group if issubclass(part, schema.Group) else set(), shared)
    done: set[type] = set()
    while len(done) < len(shared):  # parts name further parts
        for part in [part for part in shared if part not in done]:
            done.add(part)
            lines += [f"## Part: {shared[part]}", "", *_table(part, set(), shared)]
    return "\n".join(lines).rstrip() + "\n"


def _table(part: type, without: set[str], shared: dict[type, str]) -> list[str]:
    rows = ["| key | what | allowed | default | bound by |", "|---|---|---|---|---|"]
    for name, hint in declared.hints(part).items():
        if name in without or name == "ports":
            continue
        quantity, plain = declared.quantity_of(hint), declared.bare(hint)
        allowed = _cell(" \\| ".join(declared.options_of(hint)))
        if quantity is not None:
            allowed = _cell(units.bounds_text(quantity) or "any")
            if isinstance(quantity, SetPointQuantity):
                allowed += ", or relative"
            elif get_origin(plain) is tuple:
                allowed += ", a list"
        elif not allowed:
            allowed = _kind(plain, shared)
        bound = "" if quantity is None else quantity.bound_source
        rows.append(
            f"| `{name}` | {_cell(declared.label_of(name, hint))} | {allowed} | {_default(part, name, quantity)} | {_cell(bound)} |"
        )
    return [*rows, ""]


def _kind(plain: Any, shared: dict[type, str]) -> str:
    if declared.is_part(plain):
        if plain in OWN:
            return "see there"
        shared.setdefault(plain, plain.__name__)
        return f"part {plain.__name__}"
    if get_origin(plain) is dict:
        inner = declared.bare(get_args(plain)[1])
        quantity = declared.quantity_of(get_args(plain)[1])
        if declared.is_part(inner) and inner not in OWN:
            shared.setdefault(inner, inner.__name__)
            return f"name: part {inner.__name__}"
        return f"name: {units.bounds_text(quantity)}" if quantity else "by name"
    return "text"


def _default(part: type, name: str, quantity: Any) -> str:
    fields = getattr(part, "model_fields", None) or part.__dataclass_fields__  # type: ignore[attr-defined]
    field = fields[name]
    value = getattr(field, "default", None)
    if type(value).__name__ in ("PydanticUndefinedType", "_MISSING_TYPE"):
        factory = getattr(field, "default_factory", None)
        return "**required**" if factory is None or type(factory).__name__ == "_MISSING_TYPE" else "empty"
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if quantity is not None and isinstance(value, int | float):
        return str(value) if quantity.unit == "count" else _cell(units.text(float(value), quantity))
    if isinstance(value, str | int | float):
        return str(value)
    return "its own defaults"


def _ports(part: Any) -> str:
    ports = getattr(part, "ports", ())
    if isinstance(ports, property):
        return "Ports of `heat_to`: `air`, and `liquid` where the rack has a liquid side."
    return f"Ports of `heat_to`: {', '.join(f'`{port}`' for port in ports)}." if ports else ""


def _sheets(part: Any) -> str:
    kind = declared.kind_of(part)
    word = next((word for word, family in FAMILIES.items() if family == kind), "")
    return f"Datasheets: `twin show {word}`." if word else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\\\\|", "\\|")


def variables() -> str:
    """Every variable of a result."""

    def row_of(name: str, row: Variable) -> str:
        return f"| `{name}` | {row.unit} | {row.label} | {', '.join(row.dims)} | {row.low:g} to {row.high:g} | {row.method} |"

    lines = [
        "# Variables of a result", "",
        "Written by `docs/reference/make_site_file.py` from `twin/variables.py`; do not edit by hand.", "",
        "`twin.simulate` returns an `xarray.Dataset` with these variables; `--out run.nc` and `--out run.csv` write them. Names are",
        "`<dim>_<quantity>`; those of `site` and `ambient` have the dimension time only. Temperatures are °C. A value outside the believable range is",
        "reported, never removed. Powers and flows are means over the step, unless the last column says otherwise.", "",
        "| variable | unit | what | dimensions | believable | over the step |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [row_of(name, row) for name, row in VARIABLES.items()]
    lines += [
        "",
        "Where a loop has a tank (`cooling.NAME.storage`), over `storage`, named as the loop:", "",
        "| variable | unit | what | dimensions | believable | over the step |", "|---|---|---|---|---|---|",
        *(row_of(name, row) for name, row in STORAGE.items()),
        "",
        "Where requests reset the set point of a loop (`cooling.NAME.reset`), undefined for the others:", "",
        "| variable | unit | what | dimensions | believable | over the step |", "|---|---|---|---|---|---|",
        *(row_of(name, row) for name, row in RESET.items()),
        "",
        "`rack` counts groups of racks, `member` single racks, named as addresses name them (`compute.17`); `member_rack` is the group each",
        "stands in. What each rack did over the run is in every result. Its steps are kept where asked for, with `per_rack=True` or",
        "`--per-rack --out run.nc`, as 4-byte numbers and up to 1 GB:", "",
        "| variable | unit | what | dimensions | believable | over the step |", "|---|---|---|---|---|---|",
        *(row_of(name, row) for name, row in PER_RACK.items()), "",
        "CSV holds what has a time; the values per rack over the run are in netCDF only.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
