"""Definitions: what every number of the other pages means, and by which document."""

from typing import Any

from dash import Dash, html

from twin_dashboard.context import Context
from twin_dashboard.parts import panel

NAME = "Definitions"
TEXTS = (
    ("pue", "PUE", "Facility energy over IT energy of the run, at the meter of the stated category (ISO/IEC 30134-2). By wet bulb: of each step, in bins of 1 K of the plant's outdoor wet bulb; the line is the median, the band holds 5 to 95 % of the steps."),
    ("wue", "WUE", "Make-up water of the plant in litres over IT energy in kWh (ISO/IEC 30134-9)."),
    ("cue", "CUE", "CO₂ of the grid electricity over IT energy (ISO/IEC 30134-8). The line below it is the grid's intensity."),
    ("energy", "Where the energy goes", "Sums over the run. Electricity comes from the left; what machines lose on the way rises as heat, power of the cooling plant leaves below. The racks turn electricity into heat, which walks to the right into outdoor air. Both ends carry the same number; how well they agree is the energy closure in the header."),
    ("overhead", "Overhead by month", "Mean power of each month of everything that is not IT: losses of UPS, transformers and distribution, compressors, pumps, fans of towers and dry coolers, fans of the rooms, house load."),
    ("duration", "Duration curve", "Hours of the run in which the step's mean is at or above a value."),
    ("map", "Hour by month", "Mean over the days of a month for each local hour; of chip temperature the highest."),
    ("chip", "Hottest chip", "Junction temperature of the hottest accelerator of each step; the line is the temperature from which its clock is held back."),
    ("margin", "Margin", "Share of a limit that is not used at the worst step: rating of a feeder, capacity of the last machine of a loop at that step's conditions, kelvins of a chip to throttling (40 K count as all of it). Below 10 % a margin is worth watching."),
    ("moved", "What moved", "Difference of mean power over the run, by use. IT moves too, since leakage and fans of the racks follow temperature."),
    ("cost", "Energy cost", "Energy at the meter times the site's price of each step."),
    ("tokens", "Tokens", "Tokens of the run over energy at the meter, in thousand millions for each MWh, after throttling and power caps. The tile says by which rate: stated in the site, a published benchmark, or an estimate."),
    ("modes", "Cooling modes", "Free: no compressor runs and every set point is met. Partial: compressors run while heat also leaves without them. Mechanical: compressors only. Not met: a supply stands above its set point."),
)  # fmt: skip


def layout() -> Any:
    """One paragraph per number."""
    return panel(
        "Definitions",
        html.Div(
            [part for key, name, text in TEXTS for part in (html.H3(name, id=f"d-{key}"), html.P(text))],
            className="prose",
        ),
    )


def register(app: Dash, context: Context) -> None:
    """Nothing moves here."""
