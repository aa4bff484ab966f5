"""Boiling loops in a facility: closure, pressure, altitude, critical heat flux, plates, refusals."""

import re

import numpy as np
import pytest
import xarray as xr
from twin_models.fluids import boiling
from twin_sites.errors import InputError

import twin

CLOSURE = 1e-6
BASE = "two-phase-1mw"


def run(changes: dict[str, object] | None = None, **more: object) -> xr.Dataset:
    ds = twin.simulate(BASE, changes=changes or {}, hours=48, **more)
    summary = twin.summarize(ds)
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    return ds


def told(ds: xr.Dataset, words: str) -> bool:
    return any(re.search(words, note) for note in twin.summarize(ds).warnings)


def test_heat_boils_and_condenses() -> None:
    ds = run()
    bath = ds.sel(loop="bath")
    np.testing.assert_allclose(
        ds.link_heat.sel(link="bath.tank"), ds.rack_heat_liquid.sel(rack="compute"), rtol=1e-6
    )
    assert np.all(np.abs(bath.loop_supply_temperature - 49.0) < 1e-3)
    np.testing.assert_allclose(bath.loop_return_temperature, bath.loop_supply_temperature)
    np.testing.assert_allclose(bath.loop_pressure, boiling.pressure("novec_649", 49.0), rtol=1e-4)
    evaporated = ds.rack_heat_liquid.sel(rack="compute") / boiling.latent_heat("novec_649", 49.0)
    np.testing.assert_allclose(bath.loop_flow, evaporated, rtol=1e-4)
    assert told(ds, "kg of novec_649 are lost")
    assert told(ds, "PFAS")


def test_small_coil_raises_pressure() -> None:
    ds = run({"cooling.bath.tank.count": 3, "cooling.bath.tank.spare": 0, "cooling.fws.supply": "42 degC"})
    bath = ds.sel(loop="bath")
    hot = bath.loop_supply_temperature > 50.0
    assert hot.any()
    assert np.all(bath.loop_pressure.where(hot, drop=True) > 1.03e5)
    assert told(ds, "bath: supply misses its set point")


def test_boiling_point_follows_the_altitude() -> None:
    assert told(
        run(weather="boulder"), "novec_649 boils at 4[3-5].* a pressure that a vented vessel does not hold"
    )
    assert not told(run(), "vented vessel")


def test_other_liquids() -> None:
    ds = run({"cooling.bath.fluid": "cyclopentane", "cooling.bath.supply": "49.2 degC"})
    assert not told(ds, "PFAS")
    assert float(ds.loop_flow.sel(loop="bath").mean()) < 0.3 * float(run().loop_flow.sel(loop="bath").mean())
    vacuum = run({"cooling.bath.supply": "44 degC"})
    assert told(vacuum, "vacuum that draws in air")


def test_critical_heat_flux_is_a_hard_warning() -> None:
    near = run({"racks.compute.boiling_surface.area": "0.0042 m2"})
    assert told(near, "% of the critical heat flux at rated power, too near")
    above = run({"racks.compute.boiling_surface.area": "0.0026 m2"})
    assert told(above, "above: a film of vapour")
    assert told(above, "compute: chips throttle")


def test_two_phase_plates() -> None:
    site = dict(twin.load_site(BASE).written) | {"name": "plates"}
    racks = {**site["racks"]["compute"], "system": "nvidia-hgx-h200-two-phase-plates"}
    loop = {
        "fluid": "r1233zd_e",
        "supply": "45 degC",
        "unit": {
            "use": "cdu-150kw-two-phase", "count": 7, "spare": 1, "fed_by": {"ups": 1}, "heat_to": {"heat": "fws"},
        },
    }  # fmt: skip
    site["racks"] = {**site["racks"], "compute": racks}
    site["cooling"] = {**site["cooling"], "bath": loop}
    site["cooling"]["chw"] = {**site["cooling"]["chw"]}
    site["cooling"]["chw"]["chiller"] = {**site["cooling"]["chw"]["chiller"], "capacity": "500 kW"}
    site["cooling"]["chw"]["pump"] = {**site["cooling"]["chw"]["pump"], "rated_flow": "18 L/s"}
    site["hall"] = {**site["hall"], "air_handler": {**site["hall"]["air_handler"], "count": 10}}
    ds = twin.simulate(site, hours=48)
    summary = twin.summarize(ds)
    assert summary.converged
    assert summary.energy_closure <= CLOSURE
    assert float(ds.rack_heat_air.sel(rack="compute").mean()) > 0.15 * float(
        ds.rack_power.sel(rack="compute").mean()
    )
    assert float(ds.link_power.sel(link="bath.unit").max()) == pytest.approx(7 * 600.0)
    assert not told(ds, "vented")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"racks.compute.system": "nvidia-hgx-h200-immersion"},
            "form for bath in 'bath'.*nvidia-hgx-h200-two-phase",
        ),
        ({"racks.compute.system": "nvidia-gb200-nvl72"}, "no such form"),
        ({"cooling.bath.fluid": "ec_100"}, "nvidia-hgx-h200-immersion"),
        ({"cooling.bath.tank.rated_water_flow": "0.1 L/s"}, "rated point that cannot be"),
    ],
)
def test_refusals(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        twin.simulate(BASE, changes=changes, hours=24)
    assert re.search(words, str(error.value).replace("\n", " ")), str(error.value)


def test_a_vented_tank_that_floats_loses_vapour() -> None:
    """On hot afternoons in Phoenix the bath stands above the outdoor pressure; in Ashburn's spring it does not."""
    hot = twin.summarize(twin.simulate("two-phase-1mw", weather="phoenix", start="2023-07-10", hours=48))
    assert any("vented vessel lets it out" in line for line in hot.warnings)
    mild = twin.summarize(twin.simulate("two-phase-1mw", start="2023-04-10", hours=48))
    assert not any("lets it out" in line for line in mild.warnings)


def test_a_flammable_liquid_is_told_of() -> None:
    found = twin.simulate("two-phase-1mw", changes={"cooling.bath.fluid": "cyclopentane"}, hours=24)
    assert any("flammable" in line for line in twin.summarize(found).warnings)
