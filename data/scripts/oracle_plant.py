"""Run a minimal data center plant in EnergyPlus for a year: the yardstick of ``tests/bench``.

    python data/scripts/oracle_plant.py            # measures, and writes data/reference/yardsticks/energyplus.json

The plant is our own: a warm loop with a 10 MW load that follows a daily profile, a plate exchanger as economiser in
series with two chillers, a condenser loop with two variable-speed towers, and an empty building. Needs the package
``pyenergyplus-lbnl``. EnergyPlus also solves the building, and iterates every loop node by node, so a ratio says what a
sweep costs, not that both do the same work; nor does it have racks, CDUs, a room of servers or a power chain here.
"""

import argparse
import datetime
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WEATHER = "USA_AZ_Phoenix-Sky.Harbor.Intl.AP.722780_TMY3.epw"
TARGET = Path(__file__).resolve().parents[1] / "reference" / "yardsticks" / "energyplus.json"
RUNS = 5
CAVEAT = (
    "EnergyPlus also solves the building (empty in this plant file) and iterates every loop node by node; it has no racks, "
    "CDUs or power chain here. The ratio says what a sweep costs, not that both do the same work."
)

LOAD_W = 10e6
LOOP_FLOW = 0.16  # m³/s: 15 K at 10 MW
CONDENSER_FLOW = 0.60
PLANT = """Version,25.2;
Building,DC,0,City,0.04,0.4,FullExterior,25,6;
GlobalGeometryRules,UpperLeftCorner,Counterclockwise,World;
Timestep,{steps_per_hour};
SimulationControl,No,No,No,No,Yes,No,1;
RunPeriod,rp,1,1,2013,12,31,2013,Tuesday,Yes,Yes,No,Yes,Yes;
ScheduleTypeLimits,Any;
Schedule:Constant,AlwaysOn,Any,1.0;
Schedule:Constant,Warm T,Any,{supply};
Schedule:Compact,LoadW,Any,Through: 12/31,For: AllDays,{profile};
Curve:Biquadratic,Cap,1.0,0,0,0,0,0,5,40,10,50;
Curve:Biquadratic,EIR,0.88,-0.03,0,0.03,0,0,5,40,10,50;
Curve:Quadratic,PLR,0.0865,0.1737,0.7404,0.1,1.0;
LoadProfile:Plant,Load,LIn,LOut,LoadW,{flow},AlwaysOn,Water;
Chiller:Electric:EIR,Chiller 1,6e6,9.0,20,24,{half},{ch_cond},Cap,EIR,PLR,0.1,1.0,1.0,0.1,EIn 1,EOut 1,CIn 1,COut 1,
  WaterCooled,,1.0,2,LeavingSetpointModulated,0.0;
Chiller:Electric:EIR,Chiller 2,6e6,9.0,20,24,{half},{ch_cond},Cap,EIR,PLR,0.1,1.0,1.0,0.1,EIn 2,EOut 2,CIn 2,COut 2,
  WaterCooled,,1.0,2,LeavingSetpointModulated,0.0;
HeatExchanger:FluidToFluid,Economiser,AlwaysOn,XcIn,XcOut,{econ_cond},XwIn,XwOut,{flow},CounterFlow,1.8e6,
  CoolingSetpointModulated,XwOut,0.5,FreeCooling;
SetpointManager:Scheduled,Economiser SPM,Temperature,Warm T,XwOut;
CoolingTower:VariableSpeed,Tower 1,T1In,T1Out,YorkCalc,,25.6,3.9,5.6,0.3,180,90000,,0.2,0.125,0,,,SaturatedExit,,0.008,
  ConcentrationRatio,3;
CoolingTower:VariableSpeed,Tower 2,T2In,T2Out,YorkCalc,,25.6,3.9,5.6,0.3,180,90000,,0.2,0.125,0,,,SaturatedExit,,0.008,
  ConcentrationRatio,3;
Output:Meter,Electricity:Facility,Monthly;

PlantLoop,Warm,Water,,Warm Op,Warm SOut,99,1,{flow},0,0,WaIn,Warm SOut,Warm SBr,Warm SCon,WdIn,WdOut,Warm DBr,Warm DCon,
  SequentialLoad;
PlantEquipmentOperationSchemes,Warm Op,PlantEquipmentOperation:CoolingLoad,Warm All,AlwaysOn;
PlantEquipmentOperation:CoolingLoad,Warm All,0,1e12,Warm Eq;
PlantEquipmentList,Warm Eq,HeatExchanger:FluidToFluid,Economiser,Chiller:Electric:EIR,Chiller 1,Chiller:Electric:EIR,
  Chiller 2;
SetpointManager:Scheduled,Warm SPM,Temperature,Warm T,Warm SOut;
BranchList,Warm SBr,W In,W C1,W C2,W Out;
ConnectorList,Warm SCon,Connector:Splitter,Warm SSpl,Connector:Mixer,Warm SMix;
Connector:Splitter,Warm SSpl,W In,W C1,W C2;
Connector:Mixer,Warm SMix,W Out,W C1,W C2;
Branch,W In,,Pump:VariableSpeed,Warm Pump,WaIn,XwIn,HeatExchanger:FluidToFluid,Economiser,XwIn,XwOut;
Branch,W C1,,Chiller:Electric:EIR,Chiller 1,EIn 1,EOut 1;
Branch,W C2,,Chiller:Electric:EIR,Chiller 2,EIn 2,EOut 2;
Branch,W Out,,Pipe:Adiabatic,Warm P1,WP1,Warm SOut;
Pipe:Adiabatic,Warm P1,WP1,Warm SOut;
BranchList,Warm DBr,WD In,WD L,WD Out;
ConnectorList,Warm DCon,Connector:Splitter,Warm DSpl,Connector:Mixer,Warm DMix;
Connector:Splitter,Warm DSpl,WD In,WD L;
Connector:Mixer,Warm DMix,WD Out,WD L;
Branch,WD In,,Pipe:Adiabatic,Warm P2,WdIn,WP2;
Pipe:Adiabatic,Warm P2,WdIn,WP2;
Branch,WD L,,LoadProfile:Plant,Load,LIn,LOut;
Branch,WD Out,,Pipe:Adiabatic,Warm P3,WP3,WdOut;
Pipe:Adiabatic,Warm P3,WP3,WdOut;
Pump:VariableSpeed,Warm Pump,WaIn,XwIn,{flow},250000,55000,0.92,0,0,1,0,0,0,Continuous;

CondenserLoop,Cond,Water,,Cond Op,Cond SOut,60,5,{condenser},0,autocalculate,CaIn,Cond SOut,Cond SBr,Cond SCon,CdIn,CdOut,
  Cond DBr,Cond DCon,SequentialLoad;
CondenserEquipmentOperationSchemes,Cond Op,PlantEquipmentOperation:CoolingLoad,Cond All,AlwaysOn;
PlantEquipmentOperation:CoolingLoad,Cond All,0,1e12,Cond Eq;
CondenserEquipmentList,Cond Eq,CoolingTower:VariableSpeed,Tower 1,CoolingTower:VariableSpeed,Tower 2;
SetpointManager:FollowOutdoorAirTemperature,Cond SPM,Temperature,OutdoorAirWetBulb,6,40,17,Cond SOut;
BranchList,Cond SBr,C In,C T1,C T2,C Out;
ConnectorList,Cond SCon,Connector:Splitter,Cond SSpl,Connector:Mixer,Cond SMix;
Connector:Splitter,Cond SSpl,C In,C T1,C T2;
Connector:Mixer,Cond SMix,C Out,C T1,C T2;
Branch,C In,,Pump:VariableSpeed,Cond Pump,CaIn,CPump;
Branch,C T1,,CoolingTower:VariableSpeed,Tower 1,T1In,T1Out;
Branch,C T2,,CoolingTower:VariableSpeed,Tower 2,T2In,T2Out;
Branch,C Out,,Pipe:Adiabatic,Cond P1,CP1,Cond SOut;
Pipe:Adiabatic,Cond P1,CP1,Cond SOut;
BranchList,Cond DBr,CD In,CD C1,CD C2,CD X,CD Out;
ConnectorList,Cond DCon,Connector:Splitter,Cond DSpl,Connector:Mixer,Cond DMix;
Connector:Splitter,Cond DSpl,CD In,CD C1,CD C2,CD X;
Connector:Mixer,Cond DMix,CD Out,CD C1,CD C2,CD X;
Branch,CD In,,Pipe:Adiabatic,Cond P2,CdIn,CP2;
Pipe:Adiabatic,Cond P2,CdIn,CP2;
Branch,CD C1,,Chiller:Electric:EIR,Chiller 1,CIn 1,COut 1;
Branch,CD C2,,Chiller:Electric:EIR,Chiller 2,CIn 2,COut 2;
Branch,CD X,,HeatExchanger:FluidToFluid,Economiser,XcIn,XcOut;
Branch,CD Out,,Pipe:Adiabatic,Cond P3,CP3,CdOut;
Pipe:Adiabatic,Cond P3,CP3,CdOut;
Pump:VariableSpeed,Cond Pump,CaIn,CPump,{condenser},220000,160000,0.92,0,0,1,0,0,0,Intermittent;
"""


def plant(supply_degc: float = 25.0, steps_per_hour: int = 1) -> str:
    """The EnergyPlus input."""
    shape = [0.75 + 0.2 * ((hour % 24) > 8) for hour in range(24)]
    profile = ",".join(f"Until: {hour + 1}:00,{-LOAD_W * share:.0f}" for hour, share in enumerate(shape))
    return PLANT.format(
        supply=supply_degc, steps_per_hour=steps_per_hour, profile=profile, flow=LOOP_FLOW, half=LOOP_FLOW / 2,
        condenser=CONDENSER_FLOW, ch_cond=0.15, econ_cond=0.30,
    )  # fmt: skip


def measure(supply_degc: float = 25.0, steps_per_hour: int = 1) -> dict[str, float]:
    """CPU seconds and peak memory of one year in a process of its own, start and weather file included.

    Raises
    ------
    RuntimeError
        When EnergyPlus ends with an error.
    """
    command = [
        sys.executable,
        __file__,
        "--child",
        "--supply",
        str(supply_degc),
        "--steps",
        str(steps_per_hour),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(supply_degc: float, steps_per_hour: int) -> dict[str, float]:
    """One run inside this process."""
    import pyenergyplus
    from pyenergyplus.api import EnergyPlusAPI

    weather = Path(pyenergyplus.__file__).parent / "data" / "weather" / WEATHER
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "plant.idf"
        source.write_text(plant(supply_degc, steps_per_hour), encoding="ascii")
        api = EnergyPlusAPI()
        state = api.state_manager.new_state()
        api.runtime.set_console_output_status(state, False)
        before = _cpu()
        status = api.runtime.run_energyplus(state, ["-d", folder, "-w", str(weather), str(source)])
        spent = _cpu() - before
        errors = (Path(folder) / "eplusout.err").read_text(encoding="utf-8", errors="replace")
        if status or "** Severe" in errors:
            raise RuntimeError(errors[:4000])
        electricity = _meter(Path(folder) / "eplusout.mtr")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": spent, "rss_mib": usage.ru_maxrss / 1024.0, "electricity_mwh": electricity / 3.6e9}


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _meter(path: Path) -> float:
    """Electricity of the year in J, from the monthly meter: a plant that did nothing would be a poor yardstick."""
    text = path.read_text(encoding="utf-8").splitlines()
    number = next(line.split(",")[0] for line in text if "Electricity:Facility [J]" in line)
    return sum(
        float(line.split(",")[1]) for line in text if line.startswith(f"{number},") and "Facility" not in line
    )


def machine() -> str:
    """The processor, as a reader would name it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--child", action="store_true", help="one run in this process, printed as JSON")
    parser.add_argument("--supply", type=float, default=25.0)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--target", type=Path, default=TARGET)
    chosen = parser.parse_args()
    if chosen.child:
        sys.stdout.write(json.dumps(child(chosen.supply, chosen.steps)) + "\n")
        return
    from importlib.metadata import version

    kept: dict[str, object] = {
        "what": "EnergyPlus 25.2.0, a year of the plant in data/scripts/oracle_plant.py, one process, CPU seconds of the run",
        "caveat": CAVEAT,
        "package": f"pyenergyplus-lbnl {version('pyenergyplus-lbnl')}",
        "weather": WEATHER,
        "machine": machine(),
        "date": datetime.date.today().isoformat(),
    }
    for steps in (1, 4):
        runs = [measure(24.0 + 0.5 * i, steps) for i in range(RUNS)]
        kept[f"{steps}_steps_per_hour"] = {
            "cpu_s": round(statistics.median(run["cpu_s"] for run in runs), 3),
            "cpu_s_lowest": round(min(run["cpu_s"] for run in runs), 3),
            "cpu_s_highest": round(max(run["cpu_s"] for run in runs), 3),
            "rss_mib": round(max(run["rss_mib"] for run in runs)),
            "electricity_mwh": round(statistics.median(run["electricity_mwh"] for run in runs), 1),
        }
    chosen.target.parent.mkdir(parents=True, exist_ok=True)
    chosen.target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
