"""Closure has two independent ends: a heat path that is dropped anywhere must show."""

from typing import Any

import numpy as np
import pytest
from twin_models.pump.pump import Pumping
from twin_models.streams import Transfer

import twin
import twin.pumps
import twin.results

BROKEN = 1e-5  # far above what a sound run reaches
HOURS = 48.0


def closure(**changes: Any) -> float:
    return twin.summarize(twin.simulate("gb300-10mw", hours=HOURS, **changes)).energy_closure


def test_sound() -> None:
    assert closure() < 1e-8


@pytest.mark.parametrize(
    ("module", "function", "mutate"),
    [
        ("heat", "walk_power", "loss"),
        ("loops", "transfer", "cold"),
        ("heat", "pumping", "motor"),
    ],
)
def test_dropped_heat_shows(module: str, function: str, mutate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import twin.loops as loops

    if mutate == "loss":  # UPS losses that heat no room
        walk = twin.heat.walk_power

        def without(plan: Any, state: Any) -> None:
            walk(plan, state)
            state.loss["ups"] = state.loss["ups"] * 0.0

        monkeypatch.setattr(twin.heat, "walk_power", without)
    elif mutate == "cold":  # compressor power that does not reach the condenser
        from twin_sites.schema import Chillers

        transfer = loops._TRANSFER[Chillers]

        def cool(*args: Any, **how: Any) -> Transfer:
            one = transfer(*args, **how)
            return one._replace(cold_heat=one.heat)

        monkeypatch.setitem(loops._TRANSFER, Chillers, cool)
    else:  # pump motors that warm nothing
        times = twin.pumps._times

        def cold_motor(one: Pumping, units: int) -> Pumping:
            out = times(one, units)
            return out._replace(motor_heat=out.motor_heat * 0.0)

        monkeypatch.setattr(twin.pumps, "_times", cold_motor)
    assert closure(changes={"cooling.fws.supply": "24 degC"}) > BROKEN


@pytest.mark.parametrize(
    ("address", "target", "moved"),
    [
        ("power.ups.heat_to.loss", "electrical", "loss"),
        ("power.busway.heat_to.loss", "hall", "loss"),
        ("cooling.fws.pump.heat_to.motor", "hall", "motor"),
        ("cooling.tcs.cdu.heat_to.motor", "outdoors", "motor"),
        ("hall.air_handler.heat_to.fan", "outdoors", "fan"),
        ("house.heat_to.heat", "hall", "heat"),
        ("power.transformer.heat_to.loss", "electrical", "loss"),
    ],
)
def test_every_loss_goes_where_the_file_says(address: str, target: str, moved: str) -> None:
    """Moving one loss to another place moves exactly that heat, and energy still closes."""
    elsewhere = "outdoors" if target != "outdoors" else "hall"
    here = twin.simulate("gb300-10mw", hours=HOURS, changes={address: target})
    there = twin.simulate("gb300-10mw", hours=HOURS, changes={address: elsewhere})
    for ds in (here, there):
        assert twin.summarize(ds).energy_closure < 1e-8
    room = target if target != "outdoors" else elsewhere
    more, less = (here, there) if room == target else (there, here)
    gained = more.loop_heat.sel(loop=room) - less.loop_heat.sel(loop=room)
    element = address.split(".heat_to")[0]
    if element.startswith("power."):
        given = more.feeder_loss.sel(feeder=element.split(".")[1])
    elif element == "house":
        given = more.site_house_power
    elif element == "hall.air_handler":
        given = more.link_power.sel(link="hall.air_handler")
    else:
        given = None
    assert float(gained.min()) > 0.0
    if given is not None:
        # the room's own fans and losses answer a little to the heat they get
        np.testing.assert_allclose(gained, given, rtol=0.05)
