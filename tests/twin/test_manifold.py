"""Headers in a facility: maldistribution, a closed branch, a clogged filter, an added rack, refusals."""

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from twin_sites.errors import InputError

import twin

CLOSURE = 1e-6
EVEN = twin.load_site("mixed-hall").written
SITE: dict[str, Any] = {
    **EVEN,
    "name": "headers",
    "cooling": {
        **EVEN["cooling"],
        "tcs": {**EVEN["cooling"]["tcs"], "manifold": {"use": "row-header-dn100"}},
    },
}


def run(changes: dict[str, object] | None = None) -> xr.Dataset:
    ds = twin.simulate(SITE, changes=changes or {}, hours=48)
    summary = twin.summarize(ds)
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    return ds


def chip(ds: xr.Dataset) -> float:
    return float(ds.rack_chip_temperature.sel(rack="dlc").max())


def told(ds: xr.Dataset, words: str) -> bool:
    return any(re.search(words, note) for note in twin.summarize(ds).warnings)


def test_wide_headers_change_little() -> None:
    even = twin.simulate("mixed-hall", hours=48)
    wide = run({"cooling.tcs.manifold.diameter": "300 mm"})
    assert chip(wide) == pytest.approx(chip(even), abs=0.05)
    np.testing.assert_allclose(wide.loop_flow.sel(loop="tcs"), even.loop_flow.sel(loop="tcs"), rtol=1e-3)
    assert not told(wide, "manifold|coolant returns")


def test_narrow_headers_cost_head_and_starve_the_far_rack() -> None:
    wide, narrow = run(), run({"cooling.tcs.manifold.diameter": "55 mm"})
    assert chip(narrow) > chip(wide) + 0.1
    pumps = [float(ds.loop_pump_power.sel(loop="tcs").mean()) for ds in (wide, narrow)]
    assert pumps[1] > 1.5 * pumps[0]
    assert told(narrow, r"flow of dlc\.8 is \d+ % and of dlc\.1")
    reverse = run({"cooling.tcs.manifold.diameter": "55 mm", "cooling.tcs.manifold.layout": "reverse"})
    assert chip(reverse) < chip(narrow)


def test_closed_branch_throttles_its_rack_only() -> None:
    ds = run({"cooling.tcs.manifold.valves.dlc.3": "0 %"})
    assert told(ds, "dlc.3 is 0 %")
    assert told(ds, "no coolant reaches dlc.3: such a rack would shut down")
    assert float(ds.rack_throttled.sel(rack="dlc").max()) == pytest.approx(1.0 / 8.0)


def test_clogged_filter_and_throttled_valve_warm_their_rack() -> None:
    base = run()
    clogged = run({"cooling.tcs.manifold.filters.dlc.8": 4})
    assert chip(clogged) > chip(base) + 2.0
    assert told(clogged, r"dlc\.8 is 5\d %")
    assert told(clogged, "coolant returns warmer")
    valve = run({"cooling.tcs.manifold.valves.dlc.8": "15 %"})
    assert chip(valve) > chip(base) + 1.0


def test_flow_limiter_evens_out() -> None:
    changes = {"cooling.tcs.manifold.diameter": "55 mm"}
    free, held = run(changes), run({**changes, "cooling.tcs.manifold.limit": "80 L/min"})
    assert chip(held) < chip(free)


def test_added_rack_is_on_the_headers() -> None:
    assert (
        run({"racks.dlc.count": 9}).rack_heat_liquid.sel(rack="dlc").mean()
        > run().rack_heat_liquid.sel(rack="dlc").mean()
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cooling.tcs.manifold.valves.dlc.30": "0 %"}, r"dlc\.30: no rack of this loop.*dlc\.1 to dlc\.8"),
        ({"cooling.tcs.manifold.valves.dlc": "0 %"}, "every branch is closed"),
        ({"cooling.tcs.manifold.diameter": "3 m"}, "diameter"),
        ({"cooling.tcs.manifold.layout": "star"}, "direct | reverse"),
        ({"cooling.tcs.manifold.pressure": "90 kPa"}, "control is demand.*set control to pressure"),
        ({"cooling.tcs.manifold.closing": "20 m"}, "layout is direct"),
        ({"cooling.tcs.manifold.speed": "70 %"}, "control is demand.*set control to speed"),
        (
            {"cooling.tcs.manifold.control": "speed", "cooling.tcs.cdu.use": "frontier-cdu"},
            "without a pump curve",
        ),
    ],
)
def test_refusals(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        twin.simulate(SITE, changes=changes, hours=24)
    assert re.search(words, str(error.value).replace("\n", " ")), str(error.value)


def test_headers_without_racks_are_refused() -> None:
    cooling = {**EVEN["cooling"], "chw": {**EVEN["cooling"]["chw"], "manifold": {"use": "row-header-dn100"}}}
    with pytest.raises(InputError, match="headers without racks"):
        twin.simulate({**SITE, "cooling": cooling}, hours=24)


def flows_of(ds: xr.Dataset) -> np.ndarray:
    return np.asarray(ds.member_flow_mean.sel(member=[f"dlc.{i + 1}" for i in range(8)]))


def test_single_racks_tell_their_flow() -> None:
    ds = run({"cooling.tcs.manifold.diameter": "55 mm"})
    flow, least = (ds[name].sel(member="dlc.8") for name in ("member_flow_mean", "member_flow_least"))
    assert 0.0 < float(least) <= float(flow)
    assert flows_of(ds).mean() == pytest.approx(float(ds.rack_flow.sel(rack="dlc").mean()), rel=1e-6)
    assert np.all(np.diff(flows_of(ds)) < 0.0)
    assert np.isnan(ds.member_flow_mean.sel(member="legacy.1"))


def test_a_closed_branch_takes_nothing_from_the_others() -> None:
    """Pumps give what open racks ask for; where they hold a pressure the flow of one closed branch does not go to others."""
    for control in ("demand", "pressure"):
        held = {"cooling.tcs.manifold.control": control}
        all_, one = run(held), run({**held, "cooling.tcs.manifold.valves.dlc.3": "0 %"})
        before, after = np.delete(flows_of(all_), 2), np.delete(flows_of(one), 2)
        assert flows_of(one)[2] == 0.0
        assert after == pytest.approx(before, rel=0.05)


def test_pumps_that_hold_a_pressure_or_a_speed() -> None:
    low, high = (
        run({"cooling.tcs.manifold.control": "pressure", "cooling.tcs.manifold.pressure": f"{p} kPa"})
        for p in (60, 120)
    )
    ratio = float(high.loop_flow.sel(loop="tcs").mean() / low.loop_flow.sel(loop="tcs").mean())
    assert ratio == pytest.approx(2.0 ** (1.0 / 1.9), rel=0.01)  # racks with 1.9, valves with 2
    assert float(high.loop_flow.sel(loop="tcs").std()) < 0.01 * float(high.loop_flow.sel(loop="tcs").mean())
    full, slow = (
        run({"cooling.tcs.manifold.control": "speed", "cooling.tcs.manifold.speed": f"{s} %"})
        for s in (100, 60)
    )
    flow = [float(ds.loop_flow.sel(loop="tcs").mean()) for ds in (full, slow)]
    pump = [float(ds.loop_pump_power.sel(loop="tcs").mean()) for ds in (full, slow)]
    assert flow[1] / flow[0] == pytest.approx(0.6, rel=0.03)  # affinity, but for exponents below 2
    assert pump[1] / pump[0] < 0.6**2.5


def test_an_added_rack_takes_flow_from_the_others_at_held_speed() -> None:
    held = {"cooling.tcs.manifold.control": "speed"}
    assert np.all(flows_of(run({**held, "racks.dlc.count": 9})) < flows_of(run(held)))


def test_staged_pumps_draw_less_at_part_load() -> None:
    few, all_ = (
        run({"cooling.tcs.cdu.staging": how, "cooling.tcs.cdu.pumps": 3}) for how in ("needed", "all")
    )
    power = [float(ds.loop_pump_power.sel(loop="tcs").mean()) for ds in (few, all_)]
    assert power[0] < power[1]
    np.testing.assert_allclose(few.loop_flow.sel(loop="tcs"), all_.loop_flow.sel(loop="tcs"), rtol=1e-3)


def test_a_transient_begins_on_the_years_split_and_stays_there() -> None:
    changes = {"cooling.tcs.manifold.filters.dlc.8": 4}
    ds = twin.transient(SITE, changes=changes, until=300.0, output_s=10.0)
    for name in ("rack_chip_temperature", "rack_flow", "loop_supply_temperature", "loop_pump_power"):
        np.testing.assert_allclose(ds[name], ds[name][:, :1] * np.ones(ds.sizes["time"]), rtol=1e-6)
    even = twin.transient(SITE, until=10.0)
    assert chip(ds) > chip(even) + 2.0


def test_flow_of_a_blocked_rack_goes_to_the_others_behind_headers() -> None:
    ds = twin.transient(SITE, events=["t=5s block racks.dlc.3 0 %"], until=60.0)
    found = twin.summarize_transient(ds)
    assert found.energy_closure <= 1e-8
    assert found.racks["dlc"].time_to_shutdown_s is not None
    before, after = ds.loop_flow.sel(loop="tcs")[4], ds.loop_flow.sel(loop="tcs")[8]
    assert 0.8 < float(after / before) < 1.0


def test_ring_evens_out_and_costs_less_head() -> None:
    narrow = {"cooling.tcs.manifold.diameter": "55 mm"}
    direct, ring = run(narrow), run({**narrow, "cooling.tcs.manifold.layout": "ring"})
    assert np.ptp(flows_of(ring)) < 0.3 * np.ptp(flows_of(direct))
    assert float(ring.loop_pump_power.sel(loop="tcs").mean()) < float(
        direct.loop_pump_power.sel(loop="tcs").mean()
    )
    assert not told(ring, "manifold: flow of")


def test_balanced_headers_are_even_until_a_filter_clogs() -> None:
    narrow = {"cooling.tcs.manifold.diameter": "55 mm", "cooling.tcs.manifold.balanced": "yes"}
    even = run(narrow)
    assert flows_of(even) == pytest.approx(flows_of(even).mean(), rel=0.01)  # set at rated flow, run below it
    assert not told(even, "manifold: flow of")
    clogged = run({**narrow, "cooling.tcs.manifold.filters.dlc.1": 4})
    assert flows_of(clogged)[0] < 0.8 * flows_of(clogged)[1:].min()


def test_what_is_split_off_a_group_keeps_its_place() -> None:
    """A rack with a load of its own is a group of its own; it stands where its number says, and so do the others."""
    narrow = {"cooling.tcs.manifold.diameter": "55 mm"}
    split = {**narrow, "racks.dlc.3.load_scale": "99.999 %"}
    assert flows_of(run(split)) == pytest.approx(flows_of(run(narrow)), rel=1e-3)
    for number in (3, 4, 8):
        closed = flows_of(run({**split, f"cooling.tcs.manifold.valves.dlc.{number}": "0 %"}))
        assert np.flatnonzero(closed == 0.0).tolist() == [number - 1]
    assert flows_of(run({**split, "cooling.tcs.manifold.valves.dlc": "50 %"})).min() > 0.0
