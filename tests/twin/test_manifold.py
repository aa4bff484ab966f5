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
        ({"cooling.tcs.manifold.layout": "ring"}, "direct | reverse"),
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


def test_a_transient_refuses_headers() -> None:
    with pytest.raises(InputError, match="headers that split the flow"):
        twin.transient(SITE, until=60.0)
