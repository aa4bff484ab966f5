"""Liquid-to-air coolant distribution unit, one unit: pumps, and a finned coil with fans in room air instead of a plate exchanger.

    Q = ε(UA/C_min, C_min/C_max) · C_min · (t_liquid - t_room)        crossflow, both streams unmixed

The coil is that of :mod:`twin_models.dry_cooler` in the air that servers of the room breathe, the pumps are those of
:mod:`twin_models.cdu`. ``u`` is the fan speed. All heat stays in the room: the liquid's, the fans' and the motors'.
"""

from dataclasses import dataclass

from twin_models.cdu.cdu import Cdu
from twin_models.dry_cooler import dry_cooler
from twin_models.dry_cooler.dry_cooler import DryCooler, rating
from twin_models.streams import Ambient, Array, Real, Stream, Transfer

__all__ = ["FanCoil", "LiquidToAir", "rating", "speed_for", "transfer"]


@dataclass(frozen=True, kw_only=True)
class FanCoil(DryCooler):
    """Coil and fans of one unit, known by their rated point; the fields are those of a dry cooler."""

    def __post_init__(self) -> None:
        """Refuse wetted pads: what they evaporate would stay in the room."""
        if self.pads is not None:
            raise ValueError("a coil in room air has no wetted pads; leave 'pads' out")

    @property
    def hot_flow(self) -> float:
        """Rated liquid flow in m³/s, as a plate exchanger calls it."""
        return self.rated_liquid_flow


@dataclass(frozen=True, kw_only=True)
class LiquidToAir(Cdu):
    """One unit. ``rated_approach`` is the liquid leaving over the air entering at the rated point."""

    heat_exchanger: FanCoil  # type: ignore[assignment]


def transfer(hot: Stream, cold: Ambient, u: Real, params: FanCoil, trial: bool = False) -> Transfer:
    """Heat and fan power of one unit; the pumps are in :func:`twin_models.cdu.cdu.pumping`.

    Parameters
    ----------
    hot
        Liquid entering one unit.
    cold
        Room air entering it.
    u
        Fan speed, 0 to 1; below the lowest speed the fans cycle.
    trial
        Whether to leave out what a search does not need.
    """
    return dry_cooler.transfer(hot, cold, u, params, trial)


def speed_for(hot: Stream, cold: Ambient, hot_out: Real, params: FanCoil) -> Array:
    """``u`` that cools the liquid to ``hot_out`` °C, clipped to 0 and 1."""
    return dry_cooler.speed_for(hot, cold, hot_out, params)
