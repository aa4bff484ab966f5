"""Whatever is written: a valid site or an ``InputError``; and any valid facility runs and closes, or says why not."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from twin_sites.addresses import addresses
from twin_sites.errors import InputError, Problem
from twin_sites.loader import change_site, load_site, sites
from twin_sites.schema import Site

import twin

BOUNDED = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
RUNS = settings(BOUNDED, max_examples=80)
CLOSURE = 1e-6

NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 10**30, -(10**400), 1e308, float("nan"), float("inf"), "", " ", "nan", "inf W", "0", "1", "-5 kW",
    "1e400 kW", "30 degC", "86 degF", "0 K", "-300 degC", "5 %", "101 %", "fws + 4 K", "tcs + 4 K", "fws - 300 K", "wet_bulb + 4 K",
    "outdoors", "hall", "tcs", "utility", "vertiv-xdu1350b", "nvidia-gb300-nvl72", "no-such", "all", "required", "none", "yes",
    [], [1], [1, "x"], {}, {"a": 1}, {"value": "1 kW"}, {"value": None, "source": 5}, {"use": "vertiv-xdu1350b"}, {"kind": "cdu"},
    {"utility": 1}, {"liquid": "tcs", "air": "hall"}, "\0", "ü" * 300, "1_000 W", "9" * 70, "5 W/W", "3**9 W", b"bytes", object(), 3j,
]  # fmt: skip
UNITS = [
    "kW",
    "degC",
    "K",
    "L/s",
    "gpm",
    "kPa",
    "%",
    "",
    "MW",
    "psi",
    "degF",
    "USD/kWh",
    "m3",
    "W/K",
    "tons",
    "parsec",
]
SITES = st.sampled_from(sites())
numbers = st.one_of(st.floats(-1e3, 1e6), st.integers(-5, 10_000))
texts = st.builds(lambda number, unit: f"{number:.6g} {unit}".strip(), numbers, st.sampled_from(UNITS))
values = st.one_of(st.sampled_from(NASTY), texts, numbers, st.text(max_size=12))


def attempt(make: Callable[[], Site]) -> tuple[Site | None, list[Problem]]:
    try:
        return make(), []
    except InputError as error:
        return None, error.problems


def places(node: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(node, dict):
        return [path]
    below = [place for key, value in node.items() for place in places(value, (*path, key))]
    return [path, *below] if path else below


def mutate(
    form: dict[str, Any], how: str, place: tuple[str, ...], other: tuple[str, ...], value: Any
) -> None:
    node: Any = form
    for key in place[:-1]:
        node = node[key]
        if not isinstance(node, dict):
            return
    last = place[-1]
    if last not in node:
        return
    if how == "drop":
        del node[last]
    elif how == "rename":
        node[str(value)[:40]] = node.pop(last)
    elif how == "copy":
        source: Any = form
        for key in other:
            source = source.get(key) if isinstance(source, dict) else None
        node[f"{last}_2" if isinstance(node[last], dict) else last] = copy.deepcopy(source)
    else:
        node[last] = value


@BOUNDED
@given(name=SITES, data=st.data())
def test_a_mutated_site_is_valid_or_a_clear_error(name: str, data: st.DataObject) -> None:
    form = copy.deepcopy(dict(load_site(name).written))
    for _ in range(data.draw(st.integers(1, 3))):
        every = places(form)
        how = data.draw(st.sampled_from(["set", "set", "drop", "rename", "copy"]))
        place, other = data.draw(st.sampled_from(every)), data.draw(st.sampled_from(every))
        mutate(form, how, place, other, data.draw(values))
    site, problems = attempt(lambda: load_site(form))
    assert all(p.where and p.found and p.allowed and p.remedy for p in problems)
    assert isinstance(site, Site) != bool(problems)
    assert site is None or addresses(site)


@BOUNDED
@given(name=SITES, data=st.data())
def test_any_change_gives_a_valid_site_or_a_clear_error(name: str, data: st.DataObject) -> None:
    site = load_site(name)
    known = [entry.address for entry in addresses(site)]
    spoilt = st.builds(
        lambda address, end: f"{address}{end}",
        st.sampled_from(known),
        st.sampled_from([".2", ".x", "s", ".use", "."]),
    )
    address = st.one_of(st.sampled_from(known), spoilt, st.text(max_size=20))
    drawn = data.draw(st.dictionaries(address, values, min_size=1, max_size=3))
    changed, problems = attempt(lambda: change_site(site, drawn))
    assert all(p.where and p.found and p.allowed and p.remedy for p in problems)
    assert isinstance(changed, Site) != bool(problems)


LIQUID_RACKS = [
    "nvidia-gb300-nvl72",
    "nvidia-gb200-nvl72",
    "amd-helios",
    "nvidia-hgx-h100-dlc",
    "hpe-cray-ex-frontier",
]
AIR_RACKS = ["nvidia-hgx-h100-air", "legacy-air-8kw", "storage-air", "network-air", "nvidia-hgx-b200-air"]
CDUS = ["vertiv-xdu1350b", "coolit-chx2000", "coolit-chx750", "google-deschutes"]
DRY = ["dry-cooler-1mw", "adiabatic-cooler-1mw", "adiabatic-cooler-400kw"]
AIR_CHILLERS = ["carrier-30xa280", "carrier-30rb300"]
WATER_CHILLERS = ["warm-water-centrifugal-1500", "york-yt-1758", "carrier-19xr-1586"]
TOWERS = ["tower-cell-4mw-wide-range", "frontier-class-cell", "closed-cell-1mw"]


@st.composite
def facilities(draw: st.DrawFn) -> dict[str, Any]:
    """A facility whose parts fit by kind, with counts and set points that may or may not be enough."""
    count = st.integers(1, 8)
    feed = {"fed_by": {"pdu": 1}}
    racks: dict[str, Any] = {}
    for i in range(draw(st.integers(1, 3))):
        liquid = draw(st.booleans())
        system = draw(st.sampled_from(LIQUID_RACKS if liquid else AIR_RACKS))
        heat = {"liquid": "tcs", "air": "hall"} if liquid else {"air": "hall"}
        racks[f"group{i}"] = {"system": system, "count": draw(st.integers(1, 10)), "heat_to": heat, **feed}
    loops: dict[str, Any] = {}

    def plant(name: str, supply: str, depth: int = 0) -> None:
        """A loop that rejects outdoors, at last."""
        kind = draw(
            st.sampled_from(
                ["dry", "air_chiller", "water_chiller", "tower", "exchanger", "both"][: 6 if depth < 1 else 4]
            )
        )
        if kind == "water_chiller" and depth:
            kind = "tower"
        loop: dict[str, Any] = {"supply": supply}
        out = {"heat": "outdoors"}
        if kind in ("exchanger", "both"):
            loop["economiser"] = {
                "kind": "heat_exchanger", "rated_heat": "2 MW", "rated_approach": "2 K", "hot_flow": "60 L/s", "cold_flow": "60 L/s",
                "rated_cold_in": "25 degC", "count": draw(count), "heat_to": {"heat": f"{name}_out"},
            }  # fmt: skip
        if kind in ("water_chiller", "both"):
            use = draw(st.sampled_from(WATER_CHILLERS))
            loop["chiller"] = {"use": use, "count": draw(count), "heat_to": {"heat": f"{name}_out"}, **feed}
        if kind == "dry":
            use = draw(st.sampled_from(DRY))
            loop["dry"] = {
                "use": use,
                "count": draw(count),
                "heat_to": {"heat": "outdoors", "fan": "outdoors"},
                **feed,
            }
        if kind == "air_chiller":
            loop["chiller"] = {
                "use": draw(st.sampled_from(AIR_CHILLERS)),
                "count": draw(count),
                "heat_to": out,
                **feed,
            }
        if kind == "tower":
            use = draw(st.sampled_from(TOWERS))
            loop["tower"] = {
                "use": use,
                "count": draw(count),
                "heat_to": {"heat": "outdoors", "fan": "outdoors"},
                **feed,
            }
        if draw(st.booleans()):
            flow = draw(st.sampled_from(["20 L/s", "65 L/s", "200 L/s"]))
            loop["pump"] = {
                "rated_flow": flow, "rated_head": "250 kPa", "efficiency": 0.75, "count": draw(count),
                "heat_to": {"motor": draw(st.sampled_from(["hall", "outdoors"]))}, **feed,
            }  # fmt: skip
        loops[name] = loop
        if kind in ("exchanger", "both", "water_chiller"):
            base = draw(st.sampled_from(["wet_bulb + 5 K", "dry_bulb + 6 K", "22 degC", "28 degC"]))
            plant(f"{name}_out", base, depth + 1)

    plant("chw", draw(st.sampled_from(["10 degC", "18 degC", "22 degC"])))
    if any("liquid" in rack["heat_to"] for rack in racks.values()) or draw(st.booleans()):
        supply = draw(st.sampled_from(["fws + 4 K", "35 degC", "45 degC", "fws + 1 K"]))
        cdu = {
            "use": draw(st.sampled_from(CDUS)),
            "count": draw(count),
            "heat_to": {"heat": "fws", "motor": "hall"},
            **feed,
        }
        loops["tcs"] = {"fluid": "propylene_glycol", "concentration": "25 %", "supply": supply, "cdu": cdu}
        plant("fws", draw(st.sampled_from(["20 degC", "32 degC", "40 degC", "wet_bulb + 8 K"])))
    handler = {"use": draw(st.sampled_from(["vertiv-pw170", "vertiv-fa096hc"])), "count": draw(count)}
    power: dict[str, Any] = {"utility": {"kind": "utility"}}
    last = "utility"
    if draw(st.booleans()):
        power["trafo"] = {
            "use": "eu-tier2-oil-3150",
            "count": draw(count),
            "fed_by": {last: 1},
            "heat_to": {"loss": "outdoors"},
        }
        last = "trafo"
    power["pdu"] = {
        "use": "switchgear-415v-4000",
        "count": draw(count),
        "fed_by": {last: 1},
        "heat_to": {"loss": "hall"},
    }
    return {
        "name": "random",
        "racks": racks,
        "hall": {
            "supply": draw(st.sampled_from(["20 degC", "24 degC", "30 degC"])),
            "crah": handler | {"heat_to": {"heat": "chw", "fan": "hall"}, **feed},
        },
        "cooling": loops,
        "power": power,
        "house": {"fed_by": {"pdu": 1}, "heat_to": {"heat": "outdoors"}},
    }


@RUNS
@given(
    form=facilities(),
    weather=st.sampled_from(["phoenix", "chicago", "miami"]),
    load=st.sampled_from(["training", "inference", "mixed"]),
    month=st.sampled_from([1, 4, 7]),
)
def test_a_random_facility_closes_or_says_why_not(
    form: dict[str, Any], weather: str, load: str, month: int
) -> None:
    note(form)
    site = load_site(form)
    try:
        ds = twin.simulate(site, weather=weather, load=load, hours=24, start=f"2023-{month:02}-15T00:00")
    except twin.RunError as error:
        why = str(error)
    else:
        why = ""
        holds(ds)
    assert why == "" or any(word in why for word in ("random", "cooling.", "hall"))


def holds(ds: xr.Dataset) -> None:
    found = twin.summarize(ds)
    assert found.converged
    assert found.energy_closure <= CLOSURE
    assert found.pue is not None
    assert found.pue >= 1.0
    for name in ("site_power", "rack_power", "loop_supply_temperature", "link_heat", "feeder_loss"):
        assert np.isfinite(ds[name].values).all(), name
    assert float(ds["link_heat"].min()) >= -1e-3
    assert float(ds["loop_supply_temperature"].max()) < 150.0


@pytest.mark.parametrize("value", NASTY, ids=lambda value: repr(value)[:20])
def test_nasty_values_at_every_kind_of_place(value: Any) -> None:
    site = load_site("gb300-10mw")
    for address in ("cooling.fws.supply", "racks.compute.count", "load.scale", "site.weather", "cooling.tcs.cdu.use", "racks.compute.system",
                    "racks.compute.fed_by.busway", "racks.compute.heat_to.air", "cooling.fws.chiller.eir_curve", "meter.category"):  # fmt: skip
        _, problems = attempt(lambda address=address: change_site(site, {address: value}))
        assert all(p.remedy for p in problems)
