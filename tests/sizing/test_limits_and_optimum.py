"""How far a site that there is goes, and its best set points."""

import pytest
from twin_sites.errors import InputError

import twin
from twin.sizing.front import front
from twin.sizing.limits import limits
from twin.sizing.optimum import optimise, read_span, text
from twin.sizing.proof import full_load, hot_days, shortfalls


def test_limits_of_a_site() -> None:
    site = twin.load_site("gb300-10mw")
    racks, warmer, bare = limits(site)
    assert racks.most is not None
    assert racks.most >= racks.now
    assert racks.binding
    assert warmer.most is not None
    assert bare.most is None or bare.most <= warmer.most
    beyond = [limit for limit in (racks,) if limit.most is not None]
    for limit in beyond:  # one more really falls short
        days = hot_days(twin.load_weather("phoenix"), "extreme")
        out = {f"{a}.out_of_service": e.spare for a, e in site.drawn() if getattr(e, "spare", 0)}
        ds = twin.simulate(
            site, changes={limit.address: int(limit.most or 0) + 1, **out}, weather=days, load=full_load(days)
        )
        assert shortfalls(ds)


def test_supply_temperature_has_an_optimum() -> None:
    found = optimise(twin.load_site("gb300-10mw"), [read_span("cooling.fws.supply=24..42 degC")], "energy")
    assert found.best is not None
    assert found.best.objective <= found.now.objective
    supply = float(found.best.values["cooling.fws.supply"].split()[0])
    assert 24.0 < supply < 42.0
    ends = [t for t in found.trials if t.values["cooling.fws.supply"] in ("24 degC", "42 degC")]
    assert all(end.objective > found.best.objective for end in ends)


@pytest.mark.parametrize(
    "written", ["cooling.fws.supply", "cooling.fws.supply=30 degC", "cooling.fws.supply=40..30 degC"]
)
def test_bad_ranges_are_refused(written: str) -> None:
    with pytest.raises(InputError, match="no range"):
        read_span(written)


def test_unknown_addresses_and_objectives_are_refused() -> None:
    site = twin.load_site("gb300-10mw")
    with pytest.raises(InputError, match="did you mean"):
        optimise(site, [read_span("cooling.fws.suply=24..42 degC")])
    with pytest.raises(InputError, match="energy"):
        optimise(site, [read_span("cooling.fws.supply=24..42 degC")], "beauty")


def test_counts_are_searched_in_whole_numbers_each_once() -> None:
    days = hot_days(twin.load_weather("ashburn"), "0.4%")
    site = twin.load_site("enterprise-3-rack-gb300")
    found = optimise(site, [read_span("racks.compute.count=1..3")], "energy", days)
    assert [trial.values["racks.compute.count"] for trial in found.trials] == ["1", "2", "3"]
    assert found.best is not None
    assert found.best.values == {"racks.compute.count": "1"}
    spans = [read_span("racks.compute.count=1..3"), read_span("cooling.fws.supply=36..40 degC")]
    two = optimise(site, spans, "energy", days)
    assert {trial.values["racks.compute.count"] for trial in two.trials} <= {"1", "2", "3"}
    for bad in ("racks.compute.count=1.5..3", "racks.compute.count=1..3 kW"):
        with pytest.raises(InputError, match=r"whole numbers without a unit.*racks.compute.count=1\.\.3"):
            optimise(site, [read_span(bad)], "energy", days)


def test_costs_are_in_the_money_of_the_site() -> None:
    days = hot_days(twin.load_weather("ashburn"), "0.4%")
    site = twin.change_site(
        twin.load_site("enterprise-3-rack-gb300"),
        {"economy.energy_price": "0.2 EUR/kWh", "economy.water_price": "3 EUR/m3"},
    )
    found = optimise(site, [read_span("racks.compute.count=1..2")], "cost", days)
    assert found.json()["unit"] == "EUR"
    assert "cost [EUR]" in text(found)


def test_front_between_energy_and_water() -> None:
    pytest.importorskip("pymoo", reason="the extra 'size' is not installed", exc_type=ImportError)
    spans = [
        read_span("cooling.fws.supply=26..40 degC"),
        read_span("cooling.condenser.supply=wet_bulb + 4..11 K"),
    ]
    days = hot_days(twin.load_weather("phoenix"), "0.4%")
    found = front(twin.load_site("gb300-10mw"), spans, ("energy", "water"), points=12, weather=days)
    assert len(found.points) >= 5
    firsts, seconds = [p.first for p in found.points], [p.second for p in found.points]
    assert firsts == sorted(firsts)
    assert seconds == sorted(seconds, reverse=True)
    told = found.json()
    assert told["aims"] == {"energy": "kWh", "water": "m3"}
    assert told["points"][0]["energy"] == firsts[0]
    assert told["points"][0]["water"] == seconds[0]


def test_equal_aims_are_refused() -> None:
    with pytest.raises(InputError, match="two different aims"):
        front(
            twin.load_site("gb300-10mw"), [read_span("cooling.fws.supply=26..40 degC")], ("energy", "energy")
        )
