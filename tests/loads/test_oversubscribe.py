"""Peaks, coincidence and risk, on cases with known answers and on generated fleets."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from twin_models.rack.rack import respond
from twin_sites.errors import InputError
from twin_sites.loader import change_site, load_site

from twin.loads.fleet import Fleet
from twin.loads.oversubscribe import averaged, coincidence, exceedance, oversubscribe, rack_power
from twin.loads.power_cap import power_cap

DATA = Path(__file__).parents[3] / "shared/data"
RACKS = load_site("hgx-h200-1mw-air").racks["compute"]


def test_coincidence_of_known_cases() -> None:
    together = np.tile([1.0, 3.0, 1.0, 1.0], (5, 1))
    assert coincidence(together, 1.0, 1.0) == 1.0
    assert coincidence(np.eye(4), 1.0, 1.0) == 0.25  # each has its own moment
    assert coincidence(np.eye(4), 1.0, 4.0) == 1.0  # over all of it they are alike
    assert averaged(np.arange(7.0), 2.0, 4.0).tolist() == [0.5, 2.5, 4.5]
    for wrong in (3.0, 100.0):
        with pytest.raises(InputError):
            averaged(np.arange(7.0), 2.0, wrong)


def test_exceedance_of_a_known_series() -> None:
    site = np.zeros(2 * 144)
    site[10] = 5.0
    assert exceedance(site, 600.0, 600.0, 4.0) == (1 / 288, 0.5)
    assert exceedance(site, 600.0, 3600.0, 4.0) == (0.0, 0.0)


def test_power_of_a_rack_is_the_models() -> None:
    activity = np.array([[0.0, 0.33], [1.0, -0.5]])
    power = rack_power(activity, RACKS)
    model = respond(np.array([0.0, 0.33, 1.0]), 30.0, 0.0, 25.0, RACKS).power
    assert power[0] == pytest.approx(model[:2], rel=1e-4)
    assert power[1, 0] == pytest.approx(model[2], rel=1e-9)
    assert power[1, 1] == pytest.approx(0.5 * model[0])


def test_peaks_fall_with_averaging_and_jobs_apart_coincide_less() -> None:
    made = {
        kind: oversubscribe(RACKS, Fleet(kind=kind, racks=40, n=6 * 3600 // 2, step_s=2.0), cap_w=1.2e6)  # type: ignore[arg-type]
        for kind in ("training", "mixed")
    }
    for found in made.values():
        highest = [peak.highest_kw for peak in found.peaks]
        assert [peak.averaging_s for peak in found.peaks] == [2.0, 10.0, 60.0, 900.0]
        assert highest == sorted(highest, reverse=True)
        for peak in found.peaks:
            assert 0.0 < peak.coincidence <= 1.0 + 1e-12
            assert list(peak.percentiles_kw.values()) == sorted(peak.percentiles_kw.values())
    assert made["training"].peaks[0].coincidence > made["mixed"].peaks[0].coincidence
    assert made["training"].peaks[-1].coincidence > 0.99


def test_more_risk_and_lower_caps_of_chips_fit_more_racks() -> None:
    fleet = Fleet(kind="inference", racks=20, n=7 * 24 * 6, step_s=600.0)

    def count(risk: float, racks: object = RACKS) -> int:
        return oversubscribe(racks, fleet, cap_w=8e5, risk=risk, averaging_s=(600.0,)).fits[0].racks  # type: ignore[arg-type]

    careful, bold = count(0.0), count(0.05)
    assert 8e5 // RACKS.tdp <= careful <= bold
    assert bold > 8e5 // RACKS.tdp
    capped = change_site(
        load_site("hgx-h200-1mw-air"), {"racks.compute.accelerator.power_cap": "70 %"}
    ).racks["compute"]
    assert count(0.0, capped) > careful
    found = oversubscribe(RACKS, fleet, cap_w=8e5, risk=0.05, averaging_s=(600.0,)).fits[0]
    assert found.above_cap <= 0.05


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_averaging_hides_the_peaks_of_the_measured_hall() -> None:
    """GPT-3 on 512 H100: highest and largest step in means of 2, 10 and 60 s, in kW."""
    table = pd.read_csv(DATA / "gpu_traces/mlperf_smc_h100/gpt3_512gpu_run1_ac_node_power_2s.csv.gz")
    nodes = table.filter(like="node_").iloc[3:-3].interpolate(limit=5).bfill().ffill().to_numpy().T / 1e3
    steady = nodes[:, 30:-30]
    for seconds, highest, largest in ((2.0, 459.0, 85.8), (10.0, 451.0, 53.0), (60.0, 444.5, 15.0)):
        mean = averaged(steady.sum(axis=0), 2.0, seconds)
        assert mean.max() == pytest.approx(highest, rel=0.01)
        assert np.abs(np.diff(mean)).max() <= largest * 1.02
    assert 0.93 < coincidence(steady, 2.0, 2.0) < coincidence(steady, 2.0, 60.0) <= 1.0


def test_bad_questions_are_refused() -> None:
    fleet = Fleet(kind="mixed", racks=4, n=10, step_s=7.0)
    with pytest.raises(InputError):
        oversubscribe(RACKS, fleet)
    good = Fleet(kind="mixed", racks=4, n=100, step_s=10.0)
    for wrong in ({"cap_w": 0.0}, {"cap_w": 1e5, "risk": 1.5}, {"risk": 0.1}):
        with pytest.raises(InputError):
            oversubscribe(RACKS, good, **wrong)  # type: ignore[arg-type]


def test_a_cap_of_chips_answers_power_tokens_and_racks() -> None:
    fleet = Fleet(kind="training", racks=24, n=720, step_s=10.0)
    found = power_cap(RACKS, fleet, 0.8, "compute")
    old, new = found.before, found.after
    assert 0.85 < new.highest_kw / old.highest_kw < 0.97
    assert old.tokens_per_s is not None
    assert new.tokens_per_s is not None
    assert 0.93 < new.tokens_per_s / old.tokens_per_s < 1.0
    assert new.racks == int(24 * old.highest_kw / new.highest_kw)
    assert new.tokens_per_s_all == pytest.approx(new.tokens_per_s * new.racks / 24)
    assert new.racks * new.highest_kw / 24 <= old.highest_kw < (new.racks + 1) * new.highest_kw / 24
    none = power_cap(RACKS, fleet, 1.5).after
    assert none.highest_kw == pytest.approx(old.highest_kw)
    for wrong in (0.05, 2.0):
        with pytest.raises(InputError, match="power-cap"):
            power_cap(RACKS, fleet, wrong)
