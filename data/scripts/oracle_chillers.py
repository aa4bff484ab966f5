"""Run the shipped chillers in EnergyPlus and keep the points: data/reference/energyplus_chillers/*.csv.

    python data/scripts/oracle_chillers.py [--out FOLDER] [SLUG ...]

One day of 24 hours per machine. A load profile asks each hour for another chilled-water temperature, part
load and condenser temperature, all inside the ranges of the machine's curves; water-cooled condensers hang on
a loop with a source of scheduled temperature, air-cooled ones on an outdoor-air node of scheduled dry bulb.
The last time step of each hour is kept. Needs pyenergyplus-lbnl (EnergyPlus with its Python interface and
weather files).
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter
from twin_models.chiller.chiller import Chiller, capacity
from twin_sites import catalogue, units

HOURS = 24
FIELDS = {
    "heat_w": "Chiller Evaporator Cooling Rate",
    "electric_w": "Chiller Electricity Rate",
    "entering_chilled_degc": "Chiller Evaporator Inlet Temperature",
    "leaving_chilled_degc": "Chiller Evaporator Outlet Temperature",
    "chilled_flow_kg_s": "Chiller Evaporator Mass Flow Rate",
    "entering_condenser_degc": "Chiller Condenser Inlet Temperature",
    "part_load_ratio": "Chiller Part Load Ratio",
    "cycling_ratio": "Chiller Cycling Ratio",
    "false_load_w": "Chiller False Load Heat Transfer Rate",
}
REFERENCE = Path(__file__).parents[1] / "reference" / "energyplus_chillers"
FALSE_LOAD = "-false-load"  # a variant of a machine that bypasses hot gas; none of the shipped ones does
WEATHER = "USA_CO_Golden-NREL.724666_TMY3.epw"  # any: nothing of it reaches the machine


def case(slug: str) -> Chiller:
    """A shipped machine by its datasheet, or its variant with false loading below 45 % of part load."""
    sheet = catalogue.datasheet(slug.removesuffix(FALSE_LOAD))
    values = {k: v for k, v in sheet.values.items() if k != "kind"}
    if slug.endswith(FALSE_LOAD):
        values["minimum_unloading"] = 0.45
    return TypeAdapter(Chiller).validate_python(values, context=units.read)


def published() -> list[str]:
    """Every machine whose curves are published, and the variant."""
    slugs = catalogue.names("chiller")
    own = [s for s in slugs if catalogue.datasheet(s).origins[""].confidence == "published"]
    return [*own, "carrier-19xr-1586" + FALSE_LOAD]


def points(params: Chiller) -> np.ndarray:
    """Chilled set point °C, condenser °C and part-load ratio of each hour, spread by Halton sequences."""

    def halton(base: int) -> np.ndarray:
        out = []
        for i in range(1, HOURS + 1):
            share, value, n = 1.0, 0.0, i
            while n:
                share /= base
                n, digit = divmod(n, base)
                value += share * digit
            out.append(value)
        return np.array(out)

    # rising, so that the water of the loop follows within the hour even under a small load
    leaving = params.leaving_low + np.sort(halton(2)) * (params.leaving_high - params.leaving_low)
    low = max(params.condenser_low, params.minimum_condenser)
    entering = low + halton(3) * (params.condenser_high - low)
    # down to half the least part load, so that cycling is seen; not to 1, where the set point would be missed
    ratio = 0.5 * params.minimum_plr + halton(5) * (0.97 - 0.5 * params.minimum_plr)
    # EnergyPlus takes no more than the reference capacity, whatever the capacity curve says
    ratio = np.minimum(ratio, 0.98 * params.capacity / capacity(leaving, entering, params))
    return np.column_stack([leaving, entering, ratio])


def schedule(name: str, values: np.ndarray) -> str:
    """An hourly EnergyPlus schedule of one day."""
    hours = ",".join(f"Until: {h + 1}:00,{v:.6f}" for h, v in enumerate(values))
    return f"Schedule:Compact,{name},Any,Through: 12/31,For: AllDays,{hours};\n"


def loop(name: str, flow: float, supply: str, supply_nodes: str, demand: str, demand_nodes: str) -> str:
    """A plant loop with one machine on each side, bypasses left out."""
    n = name
    return f"""
PlantLoop,{n},Water,,{n} Op,{n} SOut,99,-20,{flow},0,0,{n} SIn,{n} SOut,{n} SBr,{n} SCon,{n} DIn,{n} DOut,{
        n
    } DBr,
  {n} DCon,SequentialLoad;
PlantEquipmentOperationSchemes,{n} Op,PlantEquipmentOperation:{
        "CoolingLoad" if n == "CHW" else "Uncontrolled"
    },
  {n} All,AlwaysOn;
{
        f"PlantEquipmentOperation:CoolingLoad,{n} All,0,1e12,{n} Eq;"
        if n == "CHW"
        else f"PlantEquipmentOperation:Uncontrolled,{n} All,{n} Eq;"
    }
PlantEquipmentList,{n} Eq,{supply};
SetpointManager:Scheduled,{n} SPM,Temperature,{n} T,{n} SOut;
BranchList,{n} SBr,{n} SBIn,{n} SBM,{n} SBOut;
ConnectorList,{n} SCon,Connector:Splitter,{n} SSpl,Connector:Mixer,{n} SMix;
Connector:Splitter,{n} SSpl,{n} SBIn,{n} SBM;
Connector:Mixer,{n} SMix,{n} SBOut,{n} SBM;
Branch,{n} SBIn,,Pump:ConstantSpeed,{n} Pump,{n} SIn,{n} PumpOut;
Branch,{n} SBM,,{supply},{supply_nodes};
Branch,{n} SBOut,,Pipe:Adiabatic,{n} P1,{n} P1In,{n} SOut;
Pipe:Adiabatic,{n} P1,{n} P1In,{n} SOut;
BranchList,{n} DBr,{n} DBIn,{n} DBM,{n} DBOut;
ConnectorList,{n} DCon,Connector:Splitter,{n} DSpl,Connector:Mixer,{n} DMix;
Connector:Splitter,{n} DSpl,{n} DBIn,{n} DBM;
Connector:Mixer,{n} DMix,{n} DBOut,{n} DBM;
Branch,{n} DBIn,,Pipe:Adiabatic,{n} P2,{n} DIn,{n} P2Out;
Pipe:Adiabatic,{n} P2,{n} DIn,{n} P2Out;
Branch,{n} DBM,,{demand},{demand_nodes};
Branch,{n} DBOut,,Pipe:Adiabatic,{n} P3,{n} P3In,{n} DOut;
Pipe:Adiabatic,{n} P3,{n} P3In,{n} DOut;
Pump:ConstantSpeed,{n} Pump,{n} SIn,{n} PumpOut,{flow},1,10,0.9,0,Continuous;
"""


def model(params: Chiller) -> str:
    """The EnergyPlus input file."""
    leaving, entering, ratio = points(params).T
    load = -ratio * capacity(leaving, entering, params)
    water = params.condenser == "water"
    chilled, condenser = params.chilled_flow, params.condenser_flow or 0.01

    def curve(kind: str, name: str, k: tuple[float, ...], ranges: tuple[float, ...]) -> str:
        return f"Curve:{kind},{name}," + ",".join(repr(v) for v in (*k, *ranges)) + ";\n"

    box = (params.leaving_low, params.leaving_high, params.condenser_low, params.condenser_high)
    text = f"""Version,25.2;
Building,DC,0,City,0.04,0.4,FullExterior,25,6;
GlobalGeometryRules,UpperLeftCorner,Counterclockwise,World;
Timestep,6;
SimulationControl,No,No,No,No,Yes,No,1;
RunPeriod,rp,1,1,2013,1,1,2013,Tuesday,Yes,Yes,No,Yes,Yes;
ScheduleTypeLimits,Any;
Schedule:Constant,AlwaysOn,Any,1.0;
{"".join(f"Output:Variable,*,{name},Timestep;" for name in FIELDS.values())}
{schedule("CHW T", leaving)}{schedule("CW T", entering)}{schedule("LoadW", load)}
{curve("Biquadratic", "Cap", params.capacity_curve, box)}
{curve("Biquadratic", "EIR", params.eir_curve, box)}
{curve("Quadratic", "PLR", params.part_load_curve, (params.part_load_low, params.part_load_high))}
LoadProfile:Plant,Load,LIn,LOut,LoadW,{chilled},AlwaysOn,Water;
Chiller:Electric:EIR,Machine,{params.capacity},{params.cop},{params.reference_leaving},{params.reference_condenser},
  {chilled},{condenser},Cap,EIR,PLR,{params.minimum_plr},{params.part_load_high},1.0,{params.minimum_unloading},
  EIn,EOut,CIn,COut,{"WaterCooled" if water else "AirCooled"},,1.0,{params.leaving_floor},ConstantFlow,0.0;
"""
    machine = "Chiller:Electric:EIR,Machine"
    text += loop("CHW", chilled, machine, "EIn,EOut", "LoadProfile:Plant,Load", "LIn,LOut")
    if not water:
        return text + "OutdoorAir:Node,CIn,-1,CW T;\n"
    text += loop(
        "CW", condenser, "PlantComponent:TemperatureSource,Source", "SoIn,SoOut", machine, "CIn,COut"
    )
    return text + f"PlantComponent:TemperatureSource,Source,SoIn,SoOut,{condenser},Scheduled,,CW T;\n"


def run(params: Chiller, folder: Path) -> list[dict[str, float]]:
    """Run one machine; rows as EnergyPlus reports them."""
    import pyenergyplus
    from pyenergyplus.api import EnergyPlusAPI

    (folder / "in.idf").write_text(model(params), encoding="ascii")
    weather = Path(pyenergyplus.__file__).parent / "data" / "weather" / WEATHER
    api = EnergyPlusAPI()
    state = api.state_manager.new_state()
    api.runtime.set_console_output_status(state, False)
    code = api.runtime.run_energyplus(state, ["-w", str(weather), "-d", str(folder), str(folder / "in.idf")])
    errors = (folder / "eplusout.err").read_text(encoding="utf-8", errors="replace")
    if code or "** Severe" in errors:
        raise RuntimeError(f"EnergyPlus ended with {code}:\n{errors[:4000]}")
    return read((folder / "eplusout.eso").read_text(encoding="utf-8"))


def read(eso: str) -> list[dict[str, float]]:
    """Last time step of each hour from the text of an .eso file."""
    head, _, body = eso.partition("End of Data Dictionary")
    number = {
        line.split(",")[0]: column
        for line in head.splitlines()
        for column, name in FIELDS.items()
        if f",{name} [" in line
    }
    rows: dict[int, dict[str, float]] = {}
    hour = 0
    for line in body.splitlines():
        parts = line.split(",")
        if parts[0] == "2":
            hour = int(parts[5])
        elif parts[0] in number:
            rows.setdefault(hour, {})[number[parts[0]]] = float(parts[1])
    return [rows[h] for h in sorted(rows)]


def main() -> None:
    """Write one CSV file per machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slugs", nargs="*")
    parser.add_argument("--out", type=Path, default=REFERENCE)
    arguments = parser.parse_args()
    for slug in arguments.slugs or published():
        with tempfile.TemporaryDirectory() as folder:
            rows = run(case(slug), Path(folder))
        with (arguments.out / f"{slug}.csv").open("w", newline="", encoding="ascii") as file:
            writer = csv.DictWriter(file, list(FIELDS), lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: f"{row[k]:.10g}" for k in FIELDS} for row in rows)


if __name__ == "__main__":
    main()
