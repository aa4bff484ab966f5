"""Power smoothing of accelerators in a run at short steps."""

from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError

import twin

SITE = twin.load_site("hgx-h200-1mw-air")
PROFILE = "racks.compute.accelerator.smoothing"
STEP_S, PERIOD, N = 2.0, 10, 300


@pytest.fixture
def load(tmp_path: Path) -> Path:
    """Steps of training: full but for one dip of 2 s in every 20 s."""
    path = tmp_path / "dips.csv"
    rows = (
        f"2023-03-01 00:{2 * i // 60:02d}:{2 * i % 60:02d},{0.1 if i % PERIOD == 5 else 0.9}\n"
        for i in range(N)
    )
    path.write_text("time,activity [1]\n" + "".join(rows))
    return path


def run(load: Path, **profile: str) -> tuple[twin.Summary, np.ndarray]:
    changes = {f"{PROFILE}.{key}": value for key, value in profile.items()}
    ds = twin.simulate(SITE, load=load, step_s=STEP_S, hours=0.15, start="2023-03-01T00:00", changes=changes)
    return twin.summarize(ds), ds["rack_power"].values[0]


def test_a_floor_fills_dips_and_costs_energy_but_makes_no_tokens(load: Path) -> None:
    plain, before = run(load)
    calm, after = run(load, floor="80 %", ramp_up="1000 %", ramp_down="1000 %")
    assert np.ptp(after) < 0.5 * np.ptp(before)
    chip = SITE.racks["compute"].accelerator
    assert chip is not None
    lifted = 0.8 * chip.tdp - (chip.idle + 0.1 * (chip.tdp - chip.idle))  # W of a package in each dip
    burnt = lifted * STEP_S * 0.15 * 3600 / (STEP_S * PERIOD) * 768 / 3.6e6
    assert f"burns {burnt:,.4g} kWh" in "".join(calm.warnings)
    assert calm.it_energy_kwh - plain.it_energy_kwh > burnt  # supplies and fans on top
    assert calm.tokens == pytest.approx(plain.tokens, rel=1e-9)
    assert calm.goodput_share == pytest.approx(1.0, rel=1e-9)
    assert calm.energy_closure < 1e-6


def test_a_slow_rise_holds_work_back(load: Path) -> None:
    plain, _ = run(load)
    calm, power = run(load, floor="0 %", ramp_up="5 %", ramp_down="1000 %")
    assert calm.goodput_share is not None
    assert plain.tokens is not None
    assert calm.tokens is not None
    assert 0.6 < calm.goodput_share < 0.95
    assert calm.tokens / plain.tokens == pytest.approx(calm.goodput_share, rel=1e-9)
    assert np.diff(power).max() < 0.15 * power.max()
    assert calm.it_energy_kwh < plain.it_energy_kwh


def test_where_it_cannot_act_it_is_refused(load: Path) -> None:
    with pytest.raises(InputError, match=r"smoothing.*steps of up to 5 s"):
        twin.simulate(SITE, load=load, hours=1, changes={f"{PROFILE}.floor": "60 %"})
    with pytest.raises(InputError, match="0 to 90 %"):
        twin.change_site(SITE, {f"{PROFILE}.floor": "95 %"})
    capped = {f"{PROFILE}.floor": "80 %", "racks.compute.accelerator.power_cap": "70 %"}
    with pytest.raises(InputError, match="power_cap"):
        twin.change_site(SITE, capped)
