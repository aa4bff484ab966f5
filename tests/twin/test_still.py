"""A loop that gets what it got before is not solved again: the answer is that of loops solved in every sweep."""

import numpy as np
import pytest

import twin
from twin import heat, still
from twin.loops import STILL, solve_volume
from twin.state import Block, State
from twin.still import VolumeNode, _moved

SAME = 2e-8  # of the meter; both runs are solved to 1e-8
SAME_K = 1e-6


@pytest.mark.parametrize(
    ("site", "month"), [("gb300-10mw", "07"), ("frontier", "07"), ("enterprise-3-rack-gb300", "06")]
)
def test_loops_left_alone_are_where_solving_them_again_puts_them(
    site: str, month: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    solved: list[int] = []

    def counted(volume: VolumeNode, block: Block, state: State, sweep: int) -> None:
        solved.append(state.heat[volume.name].size)
        solve_volume(volume, block, state, sweep)

    span = {"weather": "miami", "hours": 240.0, "start": f"2023-{month}-10T00:00"}
    monkeypatch.setattr(still, "solve_volume", counted)
    few = twin.simulate(site, **span)  # type: ignore[arg-type]
    left_alone = sum(solved)
    solved.clear()
    monkeypatch.setattr(heat, "solve_moved", counted)
    every = twin.simulate(site, **span)  # type: ignore[arg-type]
    assert left_alone < 0.9 * sum(solved)
    meter = every.site_power.values
    for name in ("site_power", "site_heat_rejected", "loop_heat", "link_heat", "feeder_load"):
        assert np.max(np.abs(few[name].values - every[name].values) / meter) < SAME, name
    for name in ("loop_supply_temperature", "loop_return_temperature"):
        np.testing.assert_allclose(few[name], every[name], atol=SAME_K, rtol=0.0, err_msg=name)
    assert twin.summarize(few).energy_closure < 1e-8


def test_what_is_no_number_has_always_moved() -> None:
    before = np.array([1.0, 1.0, 1.0, np.nan, np.nan, 0.0])
    now = np.array([1.0, 1.0 + 3.0 * STILL, np.nan, 1.0, np.nan, 0.0])
    assert _moved((now,), (before,)).tolist() == [False, True, True, True, True, False]
