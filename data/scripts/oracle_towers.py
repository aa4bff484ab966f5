"""Run EnergyPlus on one cooling tower for a year at five sites and keep what the tests compare with.

    python data/scripts/oracle_towers.py            # writes data/reference/energyplus_towers/

Needs the package ``pyenergyplus-lbnl`` (EnergyPlus 25.2, BSD-style licence, with TMY3 weather files).
"""

import argparse
import csv
import gzip
import tempfile
from pathlib import Path

import numpy as np

SITES = {
    "san_francisco": "USA_CA_San.Francisco.Intl.AP.724940_TMY3",
    "golden": "USA_CO_Golden-NREL.724666_TMY3",
    "tampa": "USA_FL_Tampa.Intl.AP.722110_TMY3",
    "chicago": "USA_IL_Chicago-OHare.Intl.AP.725300_TMY3",
    "sterling": "USA_VA_Sterling-Washington.Dulles.Intl.AP.724030_TMY3",
}
SETPOINTS = (25.0, 30.0)
TARGET = Path(__file__).resolve().parents[1] / "reference" / "energyplus_towers"

# Tower: 25.6 °C wet bulb, 3.9 K approach, 5.6 K range at 0.0426 m³/s with 25 m³/s of air and a 12 kW fan.
INPUT = """
Version,25.2;
Building,DC,0,City,0.04,0.4,FullExterior,25,6;
GlobalGeometryRules,UpperLeftCorner,Counterclockwise,World;
Timestep,4;
SimulationControl,No,No,No,No,Yes,No,1;
RunPeriod,rp,1,1,2013,12,31,2013,Tuesday,Yes,Yes,No,Yes,Yes;
ScheduleTypeLimits,Any;
Schedule:Constant,AlwaysOn,Any,1.0;
Schedule:Constant,LoopT,Any,{setpoint};
Schedule:Constant,LoadW,Any,-1000000;
Schedule:Constant,FlowFrac,Any,1.0;
LoadProfile:Plant,Load,LIn,LOut,LoadW,0.0426,FlowFrac,Water;
CondenserLoop,CL,Water,,CLOp,SPNode,80,5,0.0426,0,autocalculate,SIn,SOut,SBr,SCon,DIn,DOut,DBr,DCon,SequentialLoad;
CondenserEquipmentOperationSchemes,CLOp,PlantEquipmentOperation:CoolingLoad,AllOp,AlwaysOn;
PlantEquipmentOperation:CoolingLoad,AllOp,0,1e12,EqL;
CondenserEquipmentList,EqL,CoolingTower:VariableSpeed,Tower;
SetpointManager:Scheduled,SPM,Temperature,LoopT,SPNode; NodeList,SPNode,SOut; BranchList,SBr,SBIn,SBT,SBOut;
ConnectorList,SCon,Connector:Splitter,SSpl,Connector:Mixer,SMix; Connector:Splitter,SSpl,SBIn,SBT;
Connector:Mixer,SMix,SBOut,SBT; Branch,SBIn,,Pump:VariableSpeed,Pump,SIn,PumpOut;
Branch,SBT,,CoolingTower:VariableSpeed,Tower,TIn,TOut; Branch,SBOut,,Pipe:Adiabatic,SPipe,SPi,SOut;
Pipe:Adiabatic,SPipe,SPi,SOut; BranchList,DBr,DBIn,DBL,DBOut;
ConnectorList,DCon,Connector:Splitter,DSpl,Connector:Mixer,DMix; Connector:Splitter,DSpl,DBIn,DBL;
Connector:Mixer,DMix,DBOut,DBL; Branch,DBIn,,Pipe:Adiabatic,DPipe,DIn,DPo; Pipe:Adiabatic,DPipe,DIn,DPo;
Branch,DBL,,LoadProfile:Plant,Load,LIn,LOut; Branch,DBOut,,Pipe:Adiabatic,DPipe2,DPi2,DOut;
Pipe:Adiabatic,DPipe2,DPi2,DOut;
Pump:VariableSpeed,Pump,SIn,PumpOut,0.0426,200000,12000,0.9,0,0,1,0,0,0,Continuous;
CoolingTower:VariableSpeed,Tower,TIn,TOut,YorkCalc,,25.6,3.9,5.6,0.0426,25,12000,,0.2,0.125,0,,,SaturatedExit,,0.008,
  ConcentrationRatio,3;
{outputs}
"""
OUTPUTS = {
    "dry_bulb": "Site Outdoor Air Drybulb Temperature",
    "wet_bulb": "Site Outdoor Air Wetbulb Temperature",
    "humidity_ratio": "Site Outdoor Air Humidity Ratio",
    "pressure": "Site Outdoor Air Barometric Pressure",
    "fan": "Cooling Tower Fan Electricity Energy",
    "inlet": "Cooling Tower Inlet Temperature",
    "outlet": "Cooling Tower Outlet Temperature",
    "flow": "Cooling Tower Mass Flow Rate",
    "heat": "Cooling Tower Heat Transfer Rate",
    "makeup": "Cooling Tower Make Up Water Volume",
    "evaporation": "Cooling Tower Water Evaporation Volume",
    "bypass": "Cooling Tower Bypass Fraction",
    "air_ratio": "Cooling Tower Air Flow Rate Ratio",
}
SUMMARY = (
    "fan_mwh",
    "evaporation_m3",
    "makeup_m3",
    "heat_mwh",
    "hours_above",
    "highest_outlet",
    "flow",
    "mean_range",
)


def run(site: str, setpoint: float) -> dict[str, np.ndarray]:
    """Run a year; hourly means (energies and volumes: hourly sums) by the short names of ``OUTPUTS``."""
    import pyenergyplus
    from pyenergyplus.api import EnergyPlusAPI

    weather = Path(pyenergyplus.__file__).parent / "data" / "weather" / f"{SITES[site]}.epw"
    lines = "\n".join(f"Output:Variable,*,{name},Hourly;" for name in OUTPUTS.values())
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "tower.idf"
        source.write_text(INPUT.format(setpoint=setpoint, outputs=lines))
        api = EnergyPlusAPI()
        state = api.state_manager.new_state()
        api.runtime.set_console_output_status(state, False)
        status = api.runtime.run_energyplus(state, ["-d", folder, "-w", str(weather), str(source)])
        api.state_manager.delete_state(state)
        if status:
            raise RuntimeError((Path(folder) / "eplusout.err").read_text())
        return read_eso(Path(folder) / "eplusout.eso")


def read_eso(path: Path) -> dict[str, np.ndarray]:
    """Read the hourly series of an EnergyPlus standard output file."""
    by_name = {value: key for key, value in OUTPUTS.items()}
    numbers: dict[str, str] = {}
    series: dict[str, list[float]] = {}
    head = True
    for line in path.read_text().splitlines():
        if head:
            head = not line.startswith("End of Data Dictionary")
            name = line.split(",", 3)[-1].split(" [")[0]
            if name in by_name:
                numbers[line.split(",", 1)[0]] = by_name[name]
                series[by_name[name]] = []
        else:
            number, _, value = line.partition(",")
            if number in numbers:
                series[numbers[number]].append(float(value))
    return {name: np.array(values) for name, values in series.items()}


def summary(result: dict[str, np.ndarray], setpoint: float) -> dict[str, float]:
    """Annual figures of one run."""
    return {
        "fan_mwh": result["fan"].sum() / 3.6e9,
        "evaporation_m3": result["evaporation"].sum(),
        "makeup_m3": result["makeup"].sum(),
        "heat_mwh": result["heat"].mean() * result["heat"].size / 1e6,
        "hours_above": float((result["outlet"] > setpoint + 0.1).sum()),
        "highest_outlet": result["outlet"].max(),
        "flow": result["flow"].mean(),
        "mean_range": (result["inlet"] - result["outlet"]).mean(),
    }


def main() -> None:
    """Write the annual figures and the hourly weather that EnergyPlus reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=Path, default=TARGET)
    target = parser.parse_args().target
    target.mkdir(parents=True, exist_ok=True)
    rows = []
    for site in SITES:
        for setpoint in SETPOINTS:
            result = run(site, setpoint)
            rows.append({"site": site, "setpoint": setpoint} | summary(result, setpoint))
        columns = zip(result["dry_bulb"], result["humidity_ratio"], result["pressure"], strict=True)
        text = "dry_bulb,humidity_ratio,pressure\n" + "".join(
            f"{t:.3f},{w:.7f},{p:.0f}\n" for t, w, p in columns
        )
        (target / f"{site}.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    with (target / "annual.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["site", "setpoint", *SUMMARY])
        writer.writeheader()
        writer.writerows(
            {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows
        )


if __name__ == "__main__":
    main()
