"""The ``--json`` contract, read as another program would."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import twin

Cli = Callable[..., "tuple[int, str, str]"]

NUMBERS = (
    "hours", "it_energy_kwh", "facility_energy_kwh", "water_m3", "blowdown_m3", "peak_water_m3_per_day", "energy_cost",
    "peak_it_kw", "peak_facility_kw", "averaging_s", "throttled_share", "unmet_cooling_hours", "unmet_degree_hours",
    "max_supply_excess_k", "energy_closure", "residual",
)  # fmt: skip
NULLABLE = (
    "pue", "wue_l_per_kwh", "cue_kg_per_kwh", "ere", "erf", "tue", "load_factor", "max_chip_temperature_degc",
    "free_cooling_hours", "partial_cooling_hours", "mechanical_hours",
)  # fmt: skip
OTHERS = {
    "site": str, "weather": str, "currency": str, "pue_category": str, "energy_kwh": dict, "converged": bool, "out_of_range": dict, "range_exits": list, "warnings": list,
}  # fmt: skip
USES = {
    "it", "pumps_tcs", "pumps_fws", "pumps_condenser", "fans_air", "fans_rejection", "compressors", "losses_electrical", "house",
}  # fmt: skip


def refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")


def summary(text: str) -> dict[str, Any]:
    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def holds(found: dict[str, Any]) -> None:
    """What the contract promises of any run."""
    for name in NUMBERS:
        assert isinstance(found[name], int | float), name
        assert not isinstance(found[name], bool), name
    for name in NULLABLE:
        assert found[name] is None or isinstance(found[name], int | float), name
    for name, kind in OTHERS.items():
        assert isinstance(found[name], kind), name
    assert set(found["energy_kwh"]) <= USES
    assert math.fsum(found["energy_kwh"].values()) == pytest.approx(found["facility_energy_kwh"], rel=1e-14)
    assert found["pue_category"] in ("1", "2", "3")
    assert all(isinstance(line, str) for line in found["warnings"])
    assert all(0.0 < share <= 1.0 for share in found["out_of_range"].values())
    if found["pue"] is not None:
        assert found["pue"] * found["it_energy_kwh"] == found["facility_energy_kwh"], "to the last digit"
    assert found["energy_closure"] <= 1e-6


def test_a_year_of_the_reference_site(twin_cli: Cli) -> None:
    code, out, err = twin_cli(
        "run", "gb300-10mw", "--weather", "phoenix", "--set", "cooling.fws.supply=95 degF", "--json"
    )
    assert (code, err) == (0, "")
    found = summary(out)
    holds(found)
    assert (found["site"], found["weather"], found["hours"]) == ("gb300-10mw", "phoenix", 8760)
    assert isinstance(found["hours"], int)
    hours = [found[name] for name in ("free_cooling_hours", "partial_cooling_hours", "mechanical_hours")]
    assert 0 < sum(hours) <= 8760
    assert found["averaging_s"] == 3600
    assert 1.0 < found["pue"] < 1.3
    ds = twin.simulate("gb300-10mw", weather="phoenix", changes={"cooling.fws.supply": "95 degF"})
    assert twin.summarize(ds).pue == found["pue"], "the API says the same"


PLAIN = """
name: plain
racks: {a: {system: storage-air, fed_by: {utility: 1}, heat_to: {air: hall}}}
hall:
  supply: 30 degC
  crah: {use: vertiv-pw170, fed_by: {utility: 1}, heat_to: {heat: chw, fan: hall}}
cooling:
  chw:
    supply: dry_bulb + 8 K
    dry: {use: adiabatic-cooler-400kw, fed_by: {utility: 1}, heat_to: {heat: outdoors, fan: outdoors}}
power: {utility: {kind: utility}}
house: {share: 0, fed_by: {utility: 1}, heat_to: {heat: outdoors}}
"""


def test_what_is_undefined_is_null(twin_cli: Cli, tmp_path: Path) -> None:
    """No compressors, so no hours of free cooling; no accelerators, so no chip; an hour count that is not a year."""
    site = tmp_path / "plain.yaml"
    site.write_text(PLAIN)
    code, out, err = twin_cli("run", site, "--hours", "48", "--json")
    assert code == 0, err
    found = summary(out)
    holds(found)
    assert found["hours"] == 48
    assert [found[name] for name in ("free_cooling_hours", "partial_cooling_hours", "mechanical_hours")] == [
        None
    ] * 3
    assert found["max_chip_temperature_degc"] is None
    assert "compressors" not in found["energy_kwh"]


def test_a_leap_year_has_8784_hours(twin_cli: Cli, tmp_path: Path) -> None:
    times = pd.date_range("2024-01-01", periods=8784, freq="h")
    lines = [f"{t:%Y-%m-%d %H:%M},{12 + t.hour / 3:.1f},50,1000" for t in times]
    weather = tmp_path / "leap.csv"
    weather.write_text(
        "# altitude: 100\n# utc_offset: -5\ntime,temp [degC],rh [%],pressure [hPa]\n" + "\n".join(lines)
    )
    code, out, err = twin_cli("run", "enterprise-3-rack-gb300", "--weather", weather, "--json")
    assert code == 0, err
    found = summary(out)
    holds(found)
    assert found["hours"] == 8784


def test_results_are_written_whole_beside_the_summary(twin_cli: Cli, tmp_path: Path) -> None:
    for name in ("year.nc", "year.csv"):
        code, out, err = twin_cli(
            "run", "enterprise-3-rack-gb300", "--hours", "48", "--out", tmp_path / name, "--json"
        )
        assert (code, err) == (0, "")
        summary(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["year.csv", "year.nc"]
    back = twin.open_result(tmp_path / "year.nc")
    assert twin.summarize(back).pue == summary(out)["pue"]
    table = pd.read_csv(tmp_path / "year.csv", index_col="time")
    assert len(table) == 48
    assert "site_power [W]" in table


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import xarray as xr

    ds = twin.simulate("enterprise-3-rack-gb300", hours=24)

    def full(self: object, path: Path, **options: object) -> None:
        Path(path).write_text("half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    (tmp_path / "old.nc").write_text("kept")
    with pytest.raises(twin.InputError, match="No space left"):
        twin.save(ds, tmp_path / "old.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["old.nc"]
    assert (tmp_path / "old.nc").read_text() == "kept"


def test_a_run_that_fails_has_exit_code_1(twin_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = [f"--set=cooling.{name}.out_of_service=5" for name in ("fws.chiller", "condenser.tower")]
    code, out, err = twin_cli("run", "gb300-10mw", *changes, "--hours", "24", "--json")
    assert (code, out) == (1, "")
    assert err.startswith("The run failed. ")
    assert "cooling.condenser" in err
    assert len(err.splitlines()) == 1
