"""Which range was left: the quantity, the edge and how far, the same as what the models call not valid."""

import json
from pathlib import Path

import numpy as np
import pytest
from twin_models.rack import rack
from twin_models.rack.bounds import bounds
from twin_models.streams import inside

import twin
from twin import annual
from twin.compile import compile_site

SITES = ("gb300-10mw", "immersion-5mw", "retrofit-rdhx", "enterprise-3-rack-gb300", "two-phase-1mw")
N = 400


@pytest.mark.parametrize("site", SITES)
def test_ranges_of_racks_are_what_their_model_calls_valid(site: str) -> None:
    rng = np.random.default_rng(1)
    activity, liquid, air = rng.uniform(-0.3, 1.2, N), rng.uniform(5.0, 75.0, N), rng.uniform(2.0, 45.0, N)
    for node in compile_site(twin.load_site(site)).racks:
        rated = node.racks.liquid.rated_flow if node.racks.liquid is not None else 0.0
        flow = rated * rng.uniform(0.1, 3.0, N)
        valid = rack.respond(activity, liquid, flow, air, node.racks).valid
        held = bounds(activity, liquid, flow, air, node.racks)
        assert np.array_equal(inside(held), valid), node.name
        assert 0 < valid.sum() < N


def test_a_run_says_quantity_edge_and_distance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = {"weather": "ashburn", "hours": 4000.0}
    whole = twin.simulate("enterprise-3-rack-gb300", **run)  # type: ignore[arg-type]
    found = twin.summarize(whole)
    one = next(exit_ for exit_ in found.range_exits if exit_["address"] == "cooling.chw.chiller")
    assert (one["quantity"], one["side"], one["limit"], one["unit"]) == (
        "air at the condenser", "below", 20.0, "degC",
    )  # fmt: skip
    assert one["reached"] == pytest.approx(10.0)  # head pressure control holds it there
    assert one["hours"] == pytest.approx(found.out_of_range["cooling.chw.chiller"] * found.hours, abs=0.01)
    line = next(text for text in found.warnings if text.startswith("cooling.chw.chiller"))
    assert "air at the condenser down to 10.0 °C (lowest 20.0 °C) for" in line
    json.dumps(found.json(), allow_nan=False)
    monkeypatch.setattr(annual, "BLOCK_STEPS", 700)
    assert twin.simulate("enterprise-3-rack-gb300", **run).attrs["range_exits"] == whole.attrs["range_exits"]  # type: ignore[arg-type]
    twin.save(whole, tmp_path / "run.nc")
    assert twin.summarize(twin.open_result(tmp_path / "run.nc")).range_exits == found.range_exits


def test_a_feeder_over_its_rating_is_told_once() -> None:
    small = {"power.utility.rating": "300 kW"}
    found = twin.summarize(twin.simulate("enterprise-3-rack-gb300", hours=24.0, changes=small))
    assert sum("utility" in line for line in found.warnings) == 1
    assert next(one for one in found.range_exits if one["address"] == "power.utility")["limit"] == 300e3


def test_racks_that_would_have_shut_down_show_no_chip_temperature() -> None:
    starved = {"racks.compute.liquid.maximum_flow": "1 L/min"}
    ds = twin.simulate("enterprise-3-rack-gb300", hours=4.0, changes=starved)
    found = twin.summarize(ds)
    assert any(
        "compute: would have shut down for 4 h" in line and "87.0 °C" in line for line in found.warnings
    )
    told = twin.report(ds).splitlines()
    assert found.max_chip_temperature_degc is not None
    shown = f"{found.max_chip_temperature_degc:.1f} °C"
    assert not any(shown in line for line in told[: told.index("Warnings")])
    assert any("racks would have shut down" in line for line in told)
    throttled = twin.simulate(
        "enterprise-3-rack-gb300", hours=4.0, changes={"cooling.fws.supply": "60 degC"}, load="training"
    )
    assert "would have shut down" not in twin.report(throttled)
