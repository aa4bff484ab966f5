"""What must move which way, and by how much where that is known."""

from typing import Any

import numpy as np
import pytest

import twin

HOURS = 24.0 * 14


def run(changes: dict[str, Any] | None = None, site: str = "gb300-10mw", **more: Any) -> twin.Summary:
    return twin.summarize(
        twin.simulate(site, changes=changes, **{"hours": HOURS, "start": "2023-07-01T00:00", **more})
    )


BASE = run()


def test_colder_water_costs_compressors_and_saves_leakage() -> None:
    cold = run({"cooling.fws.supply": "20 degC"})
    assert cold.energy_kwh["compressors"] > BASE.energy_kwh["compressors"] * 1.5
    assert cold.it_energy_kwh < BASE.it_energy_kwh
    assert cold.max_chip_temperature_degc is not None
    assert BASE.max_chip_temperature_degc is not None
    assert cold.max_chip_temperature_degc < BASE.max_chip_temperature_degc - 8.0


def test_a_hot_supply_throttles_and_says_so() -> None:
    hot = run(
        {"cooling.tcs.supply": "60 degC", "racks.compute.liquid.return_limit": "70 degC"}, load="training"
    )
    assert hot.throttled_share > 0.1
    assert hot.max_chip_temperature_degc == pytest.approx(87.0, abs=1e-6)
    assert any("throttle" in line for line in hot.warnings)


def test_heat_wave_costs() -> None:
    wave = run({"site.ambient_offset": "6 K"})
    assert wave.pue is not None
    assert BASE.pue is not None
    assert wave.pue > BASE.pue


def test_more_cycles_of_concentration_save_blowdown_only() -> None:
    more = run({"cooling.condenser.tower.cycles": "8"})
    assert more.blowdown_m3 < BASE.blowdown_m3
    evaporated = BASE.water_m3 - BASE.blowdown_m3
    assert more.water_m3 - more.blowdown_m3 == pytest.approx(evaporated, rel=1e-3)


def test_ups_eco_mode_saves_losses() -> None:
    eco = run({"power.ups.mode": "eco"})
    assert eco.energy_kwh["losses_electrical"] < 0.6 * BASE.energy_kwh["losses_electrical"]


def test_units_out_of_service_load_the_others_and_the_set_point_shows() -> None:
    ds = twin.simulate(
        "gb300-10mw", hours=HOURS, start="2023-07-01T00:00", changes={"power.ups.out_of_service": "6"}
    )
    base = twin.simulate("gb300-10mw", hours=HOURS, start="2023-07-01T00:00")
    ratio = ds.feeder_utilisation.sel(feeder="ups") / base.feeder_utilisation.sel(feeder="ups")
    np.testing.assert_allclose(ratio, 2.0, rtol=0.02)
    short = run({"cooling.tcs.cdu.out_of_service": "6"}, load="training")
    assert short.unmet_cooling_hours + short.max_supply_excess_k > 0.0 or any(
        "cannot move" in line for line in short.warnings
    )


def test_a_member_split_off_its_group_changes_nothing() -> None:
    addresses = [
        "cooling.tcs.cdu.2", "power.ups.3", "power.transformer.1", "power.busway.5", "cooling.fws.economiser.1",
        "hall.air_handler.1",
    ]  # fmt: skip
    for address in addresses:
        split = run({f"{address}.out_of_service": "0"})
        assert split.pue == pytest.approx(BASE.pue, rel=1e-6), address


def test_a_cell_split_off_its_group_stays_with_it() -> None:
    """Cells are staged by whole units, so the group of four and the one beside it may run one more or less."""
    split = run({"cooling.condenser.tower.2.out_of_service": "0"})
    assert split.pue == pytest.approx(BASE.pue, rel=3e-3)
    assert split.energy_closure < 1e-8


def test_a_member_out_of_service_is_one_unit_less() -> None:
    for group in ("cooling.tcs.cdu", "power.ups", "cooling.fws.economiser", "hall.air_handler"):
        one = run({f"{group}.1.out_of_service": "1"})
        less = run({f"{group}.out_of_service": "1"})
        assert one.pue == pytest.approx(less.pue, rel=1e-6), group


def test_dew_point_holds_the_technology_loop_up() -> None:
    humid = run({"hall.dew_point": "22 degC", "cooling.fws.supply": "18 degC"})
    assert any("dew point" in line for line in humid.warnings)
    ds = twin.simulate(
        "gb300-10mw", hours=HOURS, changes={"hall.dew_point": "22 degC", "cooling.fws.supply": "18 degC"}
    )
    assert float(ds.loop_supply_temperature.sel(loop="tcs").min()) >= 24.0 - 1e-6


def test_lost_cooling_floats_the_supply_and_is_counted() -> None:
    ds = twin.simulate(
        "gb300-10mw",
        hours=HOURS,
        start="2023-07-01T00:00",
        load="training",
        changes={"cooling.condenser.tower.out_of_service": "4", "cooling.fws.chiller.out_of_service": "4"},
    )
    summary = twin.summarize(ds)
    assert summary.unmet_cooling_hours > 0.0
    assert summary.max_supply_excess_k > 1.0
    assert summary.energy_closure < 1e-8


def test_ip_and_si_are_the_same_run() -> None:
    assert run({"cooling.fws.supply": "95 degF"}) == run({"cooling.fws.supply": "35 degC"})


def test_load_scale_scales_activity() -> None:
    half = run({"load.scale": "50 %"})
    assert half.it_energy_kwh < 0.75 * BASE.it_energy_kwh
    assert half.load_factor == pytest.approx(BASE.load_factor, rel=0.1)


@pytest.mark.parametrize("category", ["1", "2", "3"])
def test_pue_categories(category: str) -> None:
    """Cooling fed from UPS is not IT; losses between meter and rack are, at the outer meters."""
    summary = run({"meter.category": category})
    assert summary.pue_category == category
    racks = BASE.it_energy_kwh
    if category == "3":
        assert summary.it_energy_kwh == racks
    else:
        ds = twin.simulate("gb300-10mw", hours=HOURS, start="2023-07-01T00:00")
        busway = float(ds.feeder_loss.sel(feeder="busway").sum()) / 1000.0
        expected = racks + (busway if category == "1" else 0.0)
        assert summary.it_energy_kwh == pytest.approx(expected, rel=1e-9)
    assert summary.facility_energy_kwh == pytest.approx(BASE.facility_energy_kwh, rel=1e-12)
    assert summary.tue == pytest.approx(BASE.tue, rel=1e-12)  # its IT energy cancels


def test_hot_hall_moves_server_fans() -> None:
    cool = run(site="hgx-h200-1mw-air")
    warm = run({"hall.supply": "32 degC"}, site="hgx-h200-1mw-air")
    assert warm.it_energy_kwh > cool.it_energy_kwh * 1.02
    assert warm.tue is not None
    assert cool.tue is not None
    assert warm.tue / warm.pue > cool.tue / cool.pue  # type: ignore[operator]


def test_same_input_same_output() -> None:
    assert run() == BASE


def test_per_rack_load_is_the_sum_of_its_racks() -> None:
    """Racks with a series of their own give what the same racks give in groups of one."""
    from twin.loads.read import generated

    load = generated("training", n=48)
    rng = np.random.default_rng(1)
    series = {f"compute.{i}": np.clip(load.mean * rng.uniform(0.3, 1.0), 0.0, 1.0) for i in range(1, 4)}
    import dataclasses

    each = dataclasses.replace(load, series=series, devices=dict.fromkeys(series, 1), key="each")
    together = twin.simulate("enterprise-3-rack-gb300", load=each, hours=48.0)
    mean = dataclasses.replace(
        load, series={"compute": sum(series.values()) / 3}, devices={"compute": 1}, key="mean"
    )
    alike = twin.simulate("enterprise-3-rack-gb300", load=mean, hours=48.0)
    power = together.rack_power.sel(rack="compute")
    np.testing.assert_allclose(power, alike.rack_power.sel(rack="compute"), rtol=0.02)
    assert float((together.rack_peak_power - alike.rack_peak_power).sel(rack="compute").min()) > 0.0
    assert twin.summarize(together).energy_closure < 1e-8
