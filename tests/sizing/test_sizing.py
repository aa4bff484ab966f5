"""Sizing: published agreements, complete valid sites, reasons, inverse amounts, bad wishes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from twin_models.rack import rack as rack_model
from twin_sites.errors import InputError
from twin_sites.loader import sites

import twin
from twin.sizing.amounts import tokens_of
from twin.sizing.economics import annuity, capital, read_costs
from twin.sizing.needs import Plant, Requirements, read_requirements
from twin.sizing.proof import DESIGN_DAY, REQUIRED_UNITS
from twin.sizing.report import text
from twin.sizing.run import Sized, compute_racks

SVG = "http://www.w3.org/2000/svg"


@pytest.fixture(scope="module")
def dry() -> Sized:
    return twin.size(Requirements(accelerators=1000, plant="dry"))


def test_chips_that_want_cooler_water_get_it() -> None:
    found = twin.size(Requirements(system="nvidia-vera-rubin-nvl72-max-p", racks=4, plant="dry"))
    assert found.summary.throttled_share == 0.0
    assert not found.unmet_requirements


def test_a_thousand_accelerators(dry: Sized) -> None:
    assert compute_racks(dry) == 14  # 1,008 accelerators
    assert 2e6 <= dry.peak_power <= 5e6  # published range for a thousand
    assert dry.unmet_requirements == ()
    assert dry.summary.converged


def test_the_site_runs_as_written(dry: Sized) -> None:
    ds = twin.simulate(twin.load_site(json.loads(json.dumps(dry.written))))
    assert twin.summarize(ds).pue == dry.summary.pue


def test_every_group_says_why_and_holds_without_its_spares(dry: Sized) -> None:
    counted = {row.address: row for row in dry.equipment}
    for address, element in dry.site.drawn():
        if address in ("power.utility", "house"):
            continue
        row = counted[address]
        assert element.count == row.required + row.spare
        assert row.binding_constraint
    cases = {proof.case: proof for proof in dry.proofs}
    assert not cases[REQUIRED_UNITS].shortfalls
    assert not cases[DESIGN_DAY].shortfalls
    beside = {"generator"}  # has no part in a site file
    for row in dry.equipment:
        if row.spare and row.address not in beside:
            assert not cases[f"{row.spare} of {row.address} out, design day"].shortfalls
        if row.margin is not None:
            assert row.margin > -1e-6


def _groups(found: Sized) -> set[str]:
    """Addresses of the site file that have spares."""
    return {address for address, element in found.site.drawn() if not address.startswith("racks.")}


@pytest.mark.parametrize(("redundancy", "spare"), [("N", 0), ("N+2", 2)])
def test_spares_follow_the_rule(redundancy: str, spare: int) -> None:
    found = twin.size(
        read_requirements({"racks": 4, "plant": "dry", "redundancy": redundancy, "weather": "chicago"})
    )
    assert {row.spare for row in found.equipment if row.address in _groups(found)} == {spare}
    assert not found.unmet_requirements


def test_two_n_doubles() -> None:
    found = twin.size(Requirements(racks=4, plant="dry", weather="chicago", redundancy="2N"))
    for row in found.equipment:
        if row.address in _groups(found):
            assert row.spare == row.required


def test_utility_power_is_used_and_not_passed() -> None:
    wanted = Requirements(utility_power=3e6, plant="dry", weather="chicago")
    found = twin.size(wanted)
    assert found.peak_power <= 3e6
    more = twin.size(replace(wanted, utility_power=None, racks=compute_racks(found) + 1))
    assert more.peak_power > 3e6


def test_warmer_climates_need_more_or_chillers() -> None:
    mild, hot = (
        twin.size(Requirements(racks=8, plant="dry", weather=w)) for w in ("san-francisco", "phoenix")
    )
    assert "chiller" not in mild.written["cooling"]["fws"] or "chiller" in hot.written["cooling"]["fws"]
    assert hot.peak_power > mild.peak_power


def test_air_cooled_systems_get_an_air_cooled_hall() -> None:
    found = twin.size(Requirements(system="nvidia-hgx-h200-air", racks=12, weather="chicago", plant="dry"))
    assert set(found.written["cooling"]) == {"chw"}
    assert not found.unmet_requirements


def test_a_supply_that_the_chips_do_not_take_is_said() -> None:
    found = twin.size(Requirements(racks=4, plant="dry", supply=50.0))
    assert any("return limit" in words for words in found.unmet_requirements)


@pytest.mark.parametrize(
    ("racks", "plant", "weather", "system"),
    [
        (1, "dry", "phoenix", "nvidia-gb300-nvl72"),
        (3, "tower", "miami", "nvidia-hgx-h100-dlc"),
        (20, "adiabatic", "chicago", "amd-helios"),
    ],
)
def test_any_wish_gives_a_site_that_holds(racks: int, plant: Plant, weather: str, system: str) -> None:
    found = twin.size(Requirements(racks=racks, plant=plant, weather=weather, system=system))
    assert found.summary.energy_closure < 1e-6
    assert not found.unmet_requirements


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({}, "exactly one of"),
        ({"racks": 4, "it_power": "1 MW"}, "exactly one of"),
        ({"racks": 4, "system": "gb300"}, "did you mean 'nvidia-gb300-nvl72'"),
        ({"racks": 4, "system": "network-air"}, "with accelerators"),
        ({"racks": 4, "cooling": "air"}, "direct-to-chip"),
        ({"racks": 4, "plant": "tower", "water": False}, "no water"),
        ({"racks": 4, "supply": "300 degC"}, "15 to 50"),
        ({"racks": 0}, "1"),
        ({"racks": 4, "redundancy": "N+3"}, "N+2"),
        ({"racks": 4, "colour": "red"}, "unknown requirement"),
        ({"racks": 4, "cdu": "vertiv-xdu"}, "did you mean"),
        ({"it_power": "20 kW"}, "at least one rack"),
        ({"racks": 4, "weather": "atlantis"}, "weather"),
    ],
)
def test_bad_wishes_are_refused(wish: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=r".") as caught:
        twin.size(read_requirements(wish))
    assert words in str(caught.value)


def test_command_line(tmp_path: Path, twin_cli: Callable[..., tuple[int, str, str]]) -> None:
    out, report = tmp_path / "site.yaml", tmp_path / "report.html"
    wish = ("size", "--racks", "4", "--plant", "dry")
    code, said, err = twin_cli(*wish, "--out", out, "--report", report, "--json")
    assert code == 0, err
    answer = json.loads(said)
    assert set(answer) >= {"equipment", "summary", "unmet_requirements"}
    assert set(answer["equipment"][0]) == {
        "address",
        "product",
        "required",
        "spare",
        "binding_constraint",
        "margin",
    }
    assert twin.load_site(out).racks["compute"].count == 4
    page = report.read_text().replace(f'xmlns="{SVG}"', "")  # a name, which nothing fetches
    assert "http://" not in page
    assert "https://" not in page
    assert "<h2>Proof</h2>" in page
    code, _, err = twin_cli(*wish, "--out", tmp_path / "no" / "site.yaml")
    assert code == 2
    assert "folder" in err


def test_what_stands_beside(dry: Sized) -> None:
    rows = {row.address: row for row in dry.equipment}
    assert rows["generator"].required * 2.5e6 >= dry.peak_power
    bore = int(rows["cooling.fws.header"].product.rpartition(" ")[2])
    assert 100 <= bore <= 250  # some 40 L/s
    assert "kWh" in rows["power.ups.battery"].product


def test_buffer_volume_is_heat_times_time() -> None:
    found = twin.size(Requirements(racks=8, plant="dry", weather="chicago", ride_through=120.0))
    tank = next(row for row in found.equipment if row.address == "cooling.fws.buffer")
    litres = float(tank.product.rpartition(", ")[2].split()[0]) * 1e3
    assert litres == pytest.approx(1.0e6 * 120.0 / (4.0e3 * 5.0), rel=0.15)  # 1 MW of liquid heat, 5 K


def test_growth_sizes_the_plant_and_not_the_racks() -> None:
    now, later = (
        twin.size(Requirements(racks=10, plant="dry", weather="chicago", growth=g)) for g in (0.0, 0.5)
    )
    assert compute_racks(now) == compute_racks(later) == 10
    cdus = [
        next(row.required for row in one.equipment if row.address == "cooling.tcs.cdu")
        for one in (now, later)
    ]
    assert cdus[1] > cdus[0]


def test_economics_add_up(dry: Sized) -> None:
    money = dry.economics
    assert sum(line.total for line in money.capital) == pytest.approx(money.plant_capital + money.it_capital)
    parts = (
        money.energy_per_year
        + money.demand_per_year
        + money.water_per_year
        + money.maintenance_per_year
        + money.capital_per_year
    )
    assert money.cost_per_year == pytest.approx(parts)
    assert money.per_accelerator_hour == pytest.approx(money.cost_per_year / (14 * 72 * 8760.0))
    assert money.energy_per_year == pytest.approx(dry.summary.energy_cost)
    widths = [abs(high - low) for _, low, high in money.what_matters]
    assert widths == sorted(widths, reverse=True)
    assert annuity(0.07, 5.0) == pytest.approx(0.243891, rel=1e-5)  # annuity tables
    assert annuity(0.0, 4.0) == 0.25


def test_own_costs_replace_the_shipped_ones(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("per_kw:\n  ups: 1000\nrent_per_accelerator_hour: 2\n")
    costs = read_costs(file)
    assert costs["per_kw"]["ups"] == 1000
    assert costs["per_kw"]["cdu"] == read_costs(None)["per_kw"]["cdu"]
    file.write_text("per_kw:\n  upps: 1000\ndiscount_rate: many\n")
    with pytest.raises(InputError) as caught:
        read_costs(file)
    assert "did you mean 'ups'" in str(caught.value)
    assert "discount_rate" in str(caught.value)


def test_every_machine_of_the_reference_sites_has_a_cost() -> None:
    for name in sites():
        lines = capital(twin.load_site(name), read_costs(None))
        assert all(line.total > 0.0 for line in lines if line.cost_class != "it"), name


def test_a_budget_that_is_too_small_is_said() -> None:
    found = twin.size(Requirements(racks=4, plant="dry", weather="chicago", budget=1e5))
    assert any(words.startswith("budget") for words in found.unmet_requirements)


def test_tokens_per_second_give_accelerators() -> None:
    found = twin.size(
        read_requirements(
            {"tokens": "2000000 1/s", "work": "llama2-70b-serving", "plant": "dry", "weather": "chicago"}
        )
    )
    rate = tokens_of(found.requirements, found.site.racks["compute"])
    n = compute_racks(found)
    assert (n - 1) * 72 * rate.tokens < 2e6 <= n * 72 * rate.tokens
    assert found.summary.tokens is not None
    assert found.economics.per_million_tokens is not None


def test_tokens_without_a_known_throughput_are_refused() -> None:
    with pytest.raises(InputError, match="no throughput"):
        twin.size(
            read_requirements(
                {"tokens": "1000 1/s", "work": "llama2-70b-serving", "system": "google-tpu-ironwood-rack"}
            )
        )


def test_optimal_supply_costs_no_more() -> None:
    usual = twin.size(Requirements(racks=4, plant="tower", weather="phoenix"))
    best = twin.size(Requirements(racks=4, plant="tower", weather="phoenix", optimal_supply=True))
    bill = [one.summary.energy_cost + one.summary.water_cost for one in (usual, best)]
    assert bill[1] <= bill[0] * 1.002  # another plant is sized for the cooler water
    assert not best.unmet_requirements


def test_immersion_gets_tanks_for_what_they_hold() -> None:
    found = twin.size(
        Requirements(system="nvidia-hgx-h200-immersion", racks=12, plant="dry", weather="chicago")
    )
    tank = found.site.cooling["bath"].links["tank"]
    heat = 12 * rack_model.rated(found.site.racks["compute"]).heat_liquid
    assert (tank.count - tank.spare) * tank.highest_load >= heat
    assert "tcs" not in found.site.cooling
    assert not found.unmet_requirements


@pytest.mark.parametrize("all_fail", [False, True])
def test_a_plant_that_cannot_be_simulated_is_named_and_not_taken(
    monkeypatch: pytest.MonkeyPatch, dry: Sized, all_fail: bool
) -> None:
    def one(wanted: Requirements, rack: object, air: object, plant: str) -> Sized:
        if plant != "dry" or all_fail:
            raise twin.RunError(f"{plant}: 1 of 8760 steps has no steady state")
        return dry

    monkeypatch.setattr("twin.sizing.run._within_utility", one)
    wanted = Requirements(accelerators=1000, weather="ashburn")
    if all_fail:
        with pytest.raises(twin.RunError, match="no steady state"):
            twin.size(wanted)
        return
    found = twin.size(wanted)
    assert [row.plant for row in found.alternatives] == ["dry", "adiabatic", "tower"]
    assert all(row.pue is None and "no steady state" in row.why for row in found.alternatives[1:])
    assert "no steady state" in " ".join(text(found).split())


@pytest.mark.parametrize("wrong", [{"racks": 0}, {"racks": float("nan")}, {"racks": 8, "growth": -3.0}])
def test_numbers_from_python_are_held_to_their_bounds(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError) as caught:
        twin.size(Requirements(**wrong))  # type: ignore[arg-type]
    assert [problem.where for problem in caught.value.problems] == [list(wrong)[-1]]
