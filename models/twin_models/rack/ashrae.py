"""Air inlet classes of IT equipment as data (°C dry bulb at the server inlet).

ASHRAE TC 9.9, Thermal Guidelines for Data Processing Environments. The values stand here as commonly
quoted; the paid text itself was not seen.
"""

from typing import Literal, NamedTuple, TypeAlias

AirClassName: TypeAlias = Literal["A1", "A2", "A3", "A4", "H1"]


class AirClass(NamedTuple):
    """Limits of the entering dry bulb."""

    recommended_low: float
    recommended_high: float
    allowable_low: float
    allowable_high: float


AIR_CLASSES: dict[AirClassName, AirClass] = {
    "A1": AirClass(18.0, 27.0, 15.0, 32.0),
    "A2": AirClass(18.0, 27.0, 10.0, 35.0),
    "A3": AirClass(18.0, 27.0, 5.0, 40.0),
    "A4": AirClass(18.0, 27.0, 5.0, 45.0),
    "H1": AirClass(18.0, 22.0, 15.0, 25.0),
}
