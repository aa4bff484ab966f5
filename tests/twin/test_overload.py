"""More heat than leaves at the set point: the answer is a warmer loop and slower chips, or which machine is too small."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import twin

RESIDUAL = 1e-8


def july(site: str = "gb300-10mw", **changes: Any) -> xr.Dataset:
    return twin.simulate(site, changes=changes, hours=24.0, start="2023-07-15T00:00", load="training")


def short_of_chillers(out_of_service: int, **more: str) -> xr.Dataset:
    changes = {
        "cooling.fws.economiser.out_of_service": "4",
        "cooling.fws.chiller.out_of_service": str(out_of_service),
    }
    return july(**changes, **more)


@pytest.mark.parametrize("out_of_service", [3, 4])
def test_chillers_at_their_limit_leave_chips_to_throttle(out_of_service: int) -> None:
    ds = short_of_chillers(out_of_service)
    found = twin.summarize(ds)
    assert found.converged
    assert found.residual <= RESIDUAL
    assert found.throttled_share > 0.9
    assert found.unmet_cooling_hours > 20.0
    assert found.max_chip_temperature_degc == pytest.approx(87.0, abs=1e-6)
    fws, chiller = ds.sel(loop="fws"), ds.sel(link="fws.chiller")
    missed = (fws.loop_supply_temperature > fws.loop_set_point + 1.0).values
    np.testing.assert_allclose(chiller.link_heat[missed], chiller.link_capacity[missed], rtol=1e-6)


def test_fewer_chillers_less_work() -> None:
    done = [float(short_of_chillers(n).sel(rack="compute").rack_done.mean()) for n in (2, 3, 4)]
    assert done[0] > 1.2 * done[1] > 1.2 * done[2] > 0.0


def test_what_cannot_throttle_enough_names_the_machine_and_a_remedy() -> None:
    with pytest.raises(twin.NotConverged) as caught:
        short_of_chillers(4, **{"cooling.fws.chiller.capacity": "1 MW"})
    said = str(caught.value)
    assert "cooling.fws lacks capacity" in said
    assert "1 × cooling.fws.chiller take" in said
    assert "kW more reach cooling" in said
    assert "Add units there" in said


def test_a_fan_that_cannot_turn_down_cycles_and_holds_the_set_point() -> None:
    ds = july("enterprise-3-rack-gb300", **{"cooling.fws.dry_cooler.minimum_speed": "1"})
    fws, fan = ds.sel(loop="fws"), ds.sel(link="fws.dry_cooler")
    np.testing.assert_allclose(fws.loop_supply_temperature, fws.loop_set_point, atol=1e-6)
    running = fan.link_actuator
    assert 0.0 < float(running.min()) < float(running.max()) <= 1.0
    np.testing.assert_allclose(fan.link_heat / fan.link_capacity, running, rtol=1e-6)
    assert twin.summarize(ds).residual <= RESIDUAL


@pytest.mark.parametrize("capacity", ["900 kW", "1000 kW"])
def test_a_chiller_at_its_very_limit_comes_to_rest(capacity: str) -> None:
    """Everything is open and the loops float by what is left over: plain sweeps creep there for hundreds of turns."""
    changes = {
        "cooling.chw.chiller.count": 1,
        "cooling.chw.chiller.spare": 0,
        "cooling.chw.chiller.capacity": capacity,
    }
    ds = twin.simulate("hgx-h200-1mw-air", weather="phoenix", start="2023-07-01", hours=744, changes=changes)
    found = twin.summarize(ds)
    assert found.converged
    assert found.unmet_cooling_hours > 100
    assert found.energy_closure < 1e-6
