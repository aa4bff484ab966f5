"""Immersion in a facility: fans gone, liquids compared, still baths, tank limits, refusals with the form that exists."""

import re

import pytest
import xarray as xr
from twin_sites.errors import InputError

import twin

CLOSURE = 1e-6


def run(**changes: object) -> xr.Dataset:
    ds = twin.simulate(
        "immersion-5mw", changes={k.replace("__", "."): v for k, v in changes.items()}, hours=48
    )
    summary = twin.summarize(ds)
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    return ds


def chip(ds: xr.Dataset) -> float:
    return float(ds.rack_chip_temperature.sel(rack="compute").max())


def test_all_heat_goes_to_the_bath_and_nodes_draw_less() -> None:
    ds = run()
    assert float(ds.rack_heat_air.sel(rack="compute").max()) < 1.0
    air = twin.simulate("hgx-h200-1mw-air", hours=48)
    per_air = float(air.rack_power.sel(rack="compute").sum()) / 24 / 32
    per_bath = float(ds.rack_power.sel(rack="compute").sum()) / 144 / 32
    assert 0.80 < per_bath / per_air < 0.97  # fans are 5 to 15 % of a node


def test_liquids_differ_in_chip_temperature() -> None:
    assert chip(run(cooling__bath__fluid="ec_100")) < chip(run()) < chip(run(cooling__bath__fluid="pao_6"))


def test_still_bath_needs_no_pump() -> None:
    ds = run(
        racks__compute__system="nvidia-hgx-h200-still-bath",
        cooling__bath__tank__use="tank-35kw-still",
        cooling__bath__tank__count=160,
        cooling__bath__supply="fws + 10 K",
    )
    assert float(ds.link_power.sel(link="bath.tank").max()) <= 160 * 30.0 + 1e-9  # controls only
    assert chip(ds) > chip(run())


def test_too_much_in_a_tank_is_told() -> None:
    ds = run(cooling__bath__tank__count=45)
    assert any("tanks that hold 4,500 kW" in note for note in twin.summarize(ds).warnings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"racks.compute.system": "nvidia-hgx-h100-dlc"}, "built for a bath.*no such form"),
        ({"cooling.bath.fluid": "water"}, "server form for bath in 'bath', which holds water"),
        ({"cooling.bath.concentration": "25 %"}, "concentration"),
    ],
)
def test_refusals(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        twin.simulate("immersion-5mw", changes=changes, hours=24)
    assert re.search(words, str(error.value).replace("\n", " ")), str(error.value)
