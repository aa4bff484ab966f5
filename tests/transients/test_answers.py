"""Answers of a transient: limits, what was not computed, and whether what a site promises with its spares holds in time."""

import numpy as np
import pytest
from twin_sites.loader import change_site, load_site

import twin
from tests.transients.playing import SMALL, played
from twin.compile import compile_site
from twin.transients.report import failures_report, transient_report
from twin.transients.ride_through import AtRest, RideThrough, _constant

ENDS_K = 0.05  # of the year's answer an hour later


@pytest.mark.parametrize(
    "case", ["cooling.tcs.cdu", "cooling.fws.pump", "hall.air_handler", "cooling.fws.dry_cooler"]
)
def test_a_lost_unit_ends_in_the_years_answer_without_it(case: str) -> None:
    ended = played([f"t=10s trip {case}.1"], 5400.0, output_s=600.0).isel(time=-1)
    day = twin.design_day(twin.load_weather(load_site(SMALL).site.weather), "0.4%", shape="constant")
    without = change_site(load_site(SMALL), {f"{case}.out_of_service": "1"})
    year = twin.simulate(without, weather=day, load=_constant(1.0), hours=1.0).isel(time=0)
    np.testing.assert_allclose(ended.rack_chip_temperature, year.rack_chip_temperature, atol=ENDS_K)
    np.testing.assert_allclose(ended.loop_supply_temperature, year.loop_supply_temperature, atol=2.0 * ENDS_K)
    np.testing.assert_allclose(ended.site_power, year.site_power, rtol=2e-3)


def test_limits_and_lost_work_are_told() -> None:
    one = twin.summarize_transient(played(["t=60s trip cooling.fws.pump"], 600.0))
    chip, coolant, supply = (
        one.limits[name] for name in ("racks.compute.chip", "racks.compute.coolant", "tcs.supply")
    )
    assert chip.limit is not None
    assert (chip.kept, coolant.kept) == (False, False)
    assert coolant.highest > (coolant.limit or 0.0) > 0.0
    assert supply.highest == pytest.approx(one.loops["tcs"].highest_c)
    assert one.limits["power.ups.load"].kept
    assert one.lost_kwh == pytest.approx(sum(group.lost_kwh for group in one.racks.values()))
    compute = one.racks["compute"]
    rating = sum(
        one.racks.count * one.racks.tdp
        for one in compile_site(load_site(SMALL)).racks
        if one.name == "compute"
    )
    assert compute.lost_kwh == pytest.approx(compute.lost_activity_s * rating / 3.6e6)
    assert "work again at once, booting" in transient_report(one)
    still = twin.summarize_transient(played([], 60.0))
    assert still.lost_kwh == 0.0
    assert all(one.kept is not False for one in still.limits.values())


def test_what_spares_promise_is_said() -> None:
    found = twin.failures(SMALL, horizon=60.0)
    told = {case: one.n_minus_1 for case, one in found.items() if isinstance(one, RideThrough)}
    assert told["cooling.tcs.cdu.1"] is True
    assert told["cooling.tcs.cdu"] is None
    assert "N-1 holds in time" in failures_report(found)
    broken = {"cooling.tcs.cdu.1": RideThrough(5.0, None, "racks.compute", False)}
    assert "N-1 does not hold in time" in failures_report(broken)


def test_failures_at_rest_begin_with_the_facility_as_it_is() -> None:
    found = twin.failures(SMALL, dynamic=False)
    assert next(iter(found)) == "nothing"
    whole = found["nothing"]
    assert isinstance(whole, AtRest)
    assert whole.steady
    spare = found["cooling.tcs.cdu.1"]
    assert isinstance(spare, AtRest)
    assert spare.hottest_chip_c == pytest.approx(whole.hottest_chip_c, abs=1.0)
    assert failures_report(found).splitlines()[1].startswith("nothing")
