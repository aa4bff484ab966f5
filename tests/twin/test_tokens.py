"""Tokens of a run: sums, costs, caps, and what is not known."""

import json

import numpy as np
import pytest
from twin_sites.errors import InputError
from twin_sites.loader import change_site, load_site

import twin

SITE = "hgx-h200-1mw-air"
CAP = "racks.compute.accelerator.power_cap"
SHORT = {"load": "inference", "hours": 48}


@pytest.fixture(scope="module")
def free() -> twin.Summary:
    return twin.summarize(twin.simulate(SITE, **SHORT))  # type: ignore[arg-type]


def test_numbers_fit_together(free: twin.Summary) -> None:
    assert free.tokens is not None
    assert free.joules_per_token is not None
    assert free.tokens_per_kwh_facility is not None
    assert free.joules_per_token == pytest.approx(3.6e6 / free.tokens_per_kwh_facility, rel=1e-12)
    assert free.tokens_per_kwh_it == pytest.approx(free.tokens / free.it_energy_kwh, rel=1e-12)
    assert free.cost_per_million_tokens == pytest.approx(1e6 * free.energy_cost / free.tokens, rel=1e-12)
    assert free.goodput_share == 1.0
    assert free.tokens_basis == ["compute=benchmark: inference Llama 2 70B, 4360 tokens/s with Llama 2 70B"]
    most = 24 * 32 * 4360.0 * 48 * 3600.0
    assert 0.3 * most < free.tokens < most


def test_a_cap_trades_power_for_tokens(free: twin.Summary) -> None:
    before = free
    for cap in ("80 %", "60 %", "45 %"):
        found = twin.summarize(twin.simulate(SITE, changes={CAP: cap}, **SHORT))  # type: ignore[arg-type]
        assert found.converged
        assert found.throttled_share == 0.0
        assert found.peak_it_kw < before.peak_it_kw
        assert found.goodput_share is not None
        assert before.goodput_share is not None
        assert found.goodput_share < before.goodput_share
        assert found.tokens == pytest.approx(free.tokens * found.goodput_share, rel=1e-9)  # type: ignore[operator]
        before = found


def test_heat_costs_tokens() -> None:
    hot = {
        "hall.supply": "40 degC",
        "racks.compute.accelerator.target": "65 degC",
        "racks.compute.accelerator.throttle": "70 degC",
    }
    found = twin.summarize(twin.simulate(SITE, load="training", hours=24, changes=hot))
    assert found.throttled_share > 0.0
    assert found.goodput_share is not None
    assert found.goodput_share < 1.0


def test_what_is_not_known_is_null_and_says_why() -> None:
    silent = twin.summarize(twin.simulate("frontier", hours=2))
    assert silent.tokens is None
    assert silent.goodput_share is None
    assert silent.tokens_basis == []
    unknown = twin.summarize(
        twin.simulate("frontier", hours=2, changes={"racks.compute.work.use": "llama2-70b-serving"})
    )
    assert unknown.tokens is None
    assert "no throughput is known" in unknown.tokens_basis[0]
    json.dumps(unknown.json())


def test_own_numbers_go_first() -> None:
    own = {"racks.compute.work.tokens": "1000 tokens/s"}
    base = twin.simulate(SITE, hours=4)
    found = twin.simulate(SITE, hours=4, changes=own)
    assert found["rack_tokens"].values[0] == pytest.approx(
        base["rack_tokens"].values[0] * 1000 / 4360, rel=1e-9
    )
    assert twin.summarize(found).tokens_basis[0].startswith("compute=stated")
    assert np.isnan(found["rack_tokens"].values[1]).all()  # the network has no accelerators


@pytest.mark.parametrize(
    "wrong",
    [
        {CAP: "5 %"},
        {CAP: "560 W"},
        {"racks.compute.work.use": "h100"},
        {"racks.compute.work.tokens": "3"},
        {"racks.compute.work.task": "games"},
    ],
)
def test_bad_work_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        change_site(load_site(SITE), wrong)


def test_network_stalls_cost_more_tokens_than_power() -> None:
    train = {"racks.compute.work.use": "llama3-70b-training"}
    runs = [
        twin.summarize(
            twin.simulate(
                SITE, load="training", hours=24, changes=train | {"racks.compute.work.network_loss": loss}
            )
        )
        for loss in ("0 %", "10 %")
    ]
    assert runs[0].tokens is not None
    assert runs[1].tokens == pytest.approx(runs[0].tokens / 1.35, rel=1e-9)
    assert runs[1].goodput_share == pytest.approx(1 / 1.35, rel=1e-9)
    assert 0.75 < runs[1].it_energy_kwh / runs[0].it_energy_kwh < 0.97
    assert any("degraded by 10 %" in line for line in runs[1].warnings)


def test_a_measured_trace_is_read_without_the_cap_and_run_with_it() -> None:
    """What was measured was measured uncapped: the cap is the what-if."""
    from twin.loads.load import START, Load, frozen

    def trace(kilowatts: float) -> Load:
        return frozen(
            Load(
                name="flat", source="test", start=START, step_s=3600.0, utc_offset_h=None, quantity="power",
                boundary="rack_ac", series={"compute": np.full(24, 1e3 * kilowatts)}, devices={"compute": 1},
            )
        )  # fmt: skip

    free, capped = (
        twin.simulate(SITE, load=trace(33.0), hours=24, changes=changes) for changes in ({}, {CAP: "60 %"})
    )
    assert free["rack_power"].values[0] / 24 == pytest.approx(33e3, rel=0.02)
    assert capped["rack_activity"].values[0] == pytest.approx(free["rack_activity"].values[0], rel=1e-9)
    assert (capped["rack_power"].values[0] / 24 < 0.88 * 33e3).all()
    assert (
        capped["rack_power"].values[0] / 24 > 32 * 0.6 * 700.0
    ).all()  # the chips at their cap, and the rest
