"""The commands ``twin size``, ``twin limits`` and ``twin optimise``."""

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from twin.sizing.run import Sized

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Reference site or site file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def size(
    system: Annotated[
        str, typer.Option(help="Rack system that 'twin show racks' lists.")
    ] = "nvidia-gb300-nvl72",
    accelerators: Annotated[str | None, typer.Option(help="How many accelerators, e.g. 1000.")] = None,
    racks: Annotated[str | None, typer.Option(help="Or how many compute racks.")] = None,
    it_power: Annotated[str | None, typer.Option(help="Or IT power, e.g. '10 MW'.")] = None,
    utility_power: Annotated[
        str | None, typer.Option(help="Or utility power available, e.g. '20 MW'.")
    ] = None,
    risk: Annotated[
        str | None,
        typer.Option(help="Share of the time in which the utility power may be passed, e.g. '1 %'."),
    ] = None,
    averaging: Annotated[str, typer.Option(help="Averaging time of the utility meter.")] = "15 min",
    fleet: Annotated[
        str, typer.Option(help="What the racks run, for --risk: mixed, training, inference or research.")
    ] = "mixed",
    tokens: Annotated[
        str | None, typer.Option(help="Or tokens per second, e.g. 2000000, with --work.")
    ] = None,
    work: Annotated[str, typer.Option(help="What the racks work on: 'twin show works'.")] = "",
    weather: Annotated[str, typer.Option(help="Embedded year or weather file.")] = "ashburn",
    load: Annotated[str, typer.Option(help="Load of the proving year.")] = "mixed",
    cooling: Annotated[
        str,
        typer.Option(
            help="as-built, best (compares every form), direct-to-chip, liquid-to-air, immersion, two-phase, rear-door or air."
        ),
    ] = "as-built",
    doors: Annotated[
        str, typer.Option(help="Rear doors behind compute racks: auto, none, passive or active.")
    ] = "auto",
    legacy: Annotated[str, typer.Option(help="Legacy air racks of 8 kW in the same hall.")] = "0",
    plant: Annotated[str, typer.Option(help="Heat rejection: dry, adiabatic, tower or best.")] = "best",
    water: Annotated[bool, typer.Option("--water/--no-water", help="Water may evaporate.")] = True,
    redundancy: Annotated[str, typer.Option(help="N, N+1, N+2 or 2N.")] = "N+1",
    electrical: Annotated[
        str, typer.Option(help="Architecture: auto, 415-vac, 480-vac, 800-vdc or 800-vdc-sidecar.")
    ] = "auto",
    distribution: Annotated[str, typer.Option(help="busway or pdu.")] = "busway",
    power_redundancy: Annotated[
        str, typer.Option(help="Of the power chain: same, N, N+1, N+2, 2N or block.")
    ] = "same",
    supply: Annotated[
        str | None,
        typer.Option(help="Facility water supply, e.g. '40 degC', or optimal; the climate's by default."),
    ] = None,
    approach: Annotated[
        str | None, typer.Option(help="Approach of CDUs (4 K by default) or tanks (8 K).")
    ] = None,
    cdu: Annotated[str, typer.Option(help="CDU product; the likely cheapest by default.")] = "",
    design: Annotated[str, typer.Option(help="Design day: '0.4%' or 'extreme'.")] = "extreme",
    growth: Annotated[str, typer.Option(help="Growth that the plant is sized for, e.g. '20 %'.")] = "0 %",
    support: Annotated[str, typer.Option(help="Network and storage power over compute power.")] = "13.6 %",
    loading: Annotated[str, typer.Option(help="Most load of electrical units over rating.")] = "90 %",
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Prove every single failure in time too.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Low-noise outdoor coolers only.")] = False,
    noise: Annotated[str | None, typer.Option(help="Sound allowed in dB(A), e.g. 55.")] = None,
    noise_distance: Annotated[str, typer.Option(help="Where it is allowed.")] = "100 m",
    ride_through: Annotated[
        str, typer.Option(help="Buffer tanks carry the loops for, e.g. '120 s'.")
    ] = "0 s",
    battery: Annotated[str, typer.Option(help="Battery time at full UPS load.")] = "5 min",
    water_storage: Annotated[str, typer.Option(help="Make-up water stored for.")] = "1 day",
    budget: Annotated[str | None, typer.Option(help="Capital for the plant, e.g. 20000000.")] = None,
    costs: Annotated[str, typer.Option(help="File of unit costs that replace the shipped ones.")] = "",
    energy_price: Annotated[str, typer.Option(help="Energy price.")] = "0.08 USD/kWh",
    out: Annotated[Path | None, typer.Option(help="Write the site file, ready for 'twin run'.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report: .md or .html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Size a facility for a wish, prove it over the year and with units out, and write its site file."""
    import twin
    from twin.metrics import finite
    from twin.sizing.needs import read_requirements
    from twin.sizing.report import check_report, save_report, text
    from twin.store import check_site_target, save_site

    written = {
        "system": system, "accelerators": accelerators, "racks": racks, "it_power": it_power, "utility_power": utility_power,
        "weather": weather, "load": load, "cooling": cooling, "doors": doors, "legacy": legacy, "plant": plant, "water": water, "redundancy": redundancy,
        "supply": None if supply == "optimal" else supply, "approach": approach, "cdu": cdu, "design": design, "growth": growth, "support": support,
        "tokens": None if tokens is None else tokens if "/" in tokens else f"{tokens} 1/s", "work": work, "dynamic": dynamic, "optimal_supply": supply == "optimal",
        "ride_through": ride_through, "battery": battery, "water_storage": water_storage, "budget": budget, "costs": costs,
        "risk": risk, "averaging": averaging, "fleet": fleet, "loading": loading, "quiet": quiet, "noise": noise, "noise_distance": noise_distance,
        "electrical": electrical, "distribution": distribution, "power_redundancy": power_redundancy, "energy_price": energy_price,
    }  # fmt: skip
    if out is not None:
        check_site_target(out)
    if report is not None:
        check_report(report)
    sized = twin.size(read_requirements({key: value for key, value in written.items() if value is not None}))
    if out is not None:
        save_site(sized.written, out)
    if report is not None:
        save_report(sized, report, _drawings(sized))
    typer.echo(json.dumps(finite(sized.json()), allow_nan=False, indent=1) if as_json else text(sized))
    if not as_json and out is not None:
        typer.echo(f"\nSite file: {out}    next: twin run {out}")


def _drawings(sized: "Sized") -> list[tuple[str, str]]:
    """The schematic at the hour of highest power, where the dashboard is installed; it draws with no more than numpy."""
    try:
        schematic = import_module("twin_dashboard.svg.schematic")
    except ModuleNotFoundError:
        return []
    peak = int(sized.year["site_power"].values.argmax())
    return [("Power and cooling at the hour of highest power", schematic.draw(sized.site, sized.year, peak))]


def limits(
    site: SiteArgument,
    weather: Annotated[str | None, typer.Option(help="Embedded year or weather file.")] = None,
    design: Annotated[str, typer.Option(help="Design day: '0.4%' or 'extreme'.")] = "extreme",
    group: Annotated[str | None, typer.Option(help="Rack group of which more could be added.")] = None,
    utility_power: Annotated[
        str | None, typer.Option(help="Power at the meter, e.g. '20 MW'; the site's contract by default.")
    ] = None,
    risk: Annotated[
        str,
        typer.Option(
            help="Share of the time in which it may be passed: racks of a fleet under it, e.g. '1 %'."
        ),
    ] = "0 %",
    fleet: Annotated[str, typer.Option(help="That fleet: mixed, training, inference or research.")] = "mixed",
    averaging: Annotated[str, typer.Option(help="Averaging time of the utility meter.")] = "15 min",
    as_json: JsonOption = False,
) -> None:
    """How much more a facility could take, and what binds: racks, warmer weather, no chillers, utility power at a risk."""
    import twin
    from twin.metrics import finite
    from twin.sizing.limits import limits as find
    from twin.sizing.limits import text
    from twin.sizing.needs import read_requirements

    site_read = twin.load_site(site)
    wish = {"utility_power": utility_power, "risk": risk, "fleet": fleet, "averaging": averaging}
    asked = read_requirements({key: value for key, value in wish.items() if value is not None})
    found = find(
        site_read,
        weather,
        design,
        group,
        asked.utility_power,
        asked.risk or 0.0,
        asked.fleet,
        asked.averaging,
    )
    typer.echo(
        json.dumps(finite([asdict(one) for one in found]), allow_nan=False, indent=1)
        if as_json
        else text(found)
    )


def optimise(
    site: SiteArgument,
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS=LOW..HIGH UNIT", help="What may vary; may be given again."),
    ] = None,
    minimise: Annotated[
        str, typer.Option(help="energy, cost, water or carbon; two with a comma give a Pareto front.")
    ] = "cost",
    points: Annotated[
        int, typer.Option(min=2, max=2000, help="Points of a Pareto front that are enough.")
    ] = 200,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes of a Pareto front.")] = 2,
    weather: Annotated[str | None, typer.Option(help="Embedded year or weather file.")] = None,
    load: Annotated[str | None, typer.Option(help="Load, as of 'twin run'.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Best set points of a facility over a year, within every limit."""
    import twin
    from twin.metrics import finite
    from twin.sizing.optimum import optimise as search
    from twin.sizing.optimum import read_span, text

    spans = [read_span(one) for one in vary or []]
    first, comma, second = minimise.partition(",")
    if comma:
        from twin.sizing.front import front
        from twin.sizing.front import text as front_text

        between = front(
            twin.load_site(site), spans, (first.strip(), second.strip()), points, weather, load, workers
        )
        typer.echo(
            json.dumps(finite(between.json()), allow_nan=False, indent=1) if as_json else front_text(between)
        )
        return
    found = search(twin.load_site(site), spans, minimise, weather, load)
    typer.echo(json.dumps(finite(found.json()), allow_nan=False, indent=1) if as_json else text(found))
