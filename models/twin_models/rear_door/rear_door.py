"""Rear-door heat exchanger, one door: a water coil in the exhaust of one rack, passive or with fans of its own.

    Q = ε(UA/C_min, C_min/C_max) · C_min · (t_exhaust - t_water),   t_exhaust = t_inlet + Q_rack/(m·cp)

A door is an air handler whose air is the exhaust of its rack: the servers' fans set the flow, the coil is that of
:mod:`twin_models.air_handler`. A passive door has ``fan_power: 0 W``; the fans of an active one follow the servers'
flow by their fan law. The coil of a passive one adds to what the servers' fans push against: they hold their flow, which their
control asks for by temperature, and draw ``V̇·Δp/η`` more (``air_drop`` at the rated flow). ``bypass`` is the share of the exhaust that leaks past the coil.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from twin_models.air_handler import air_handler
from twin_models.air_handler.air_handler import AirHandler, rating, valve_for
from twin_models.fields import Quantity
from twin_models.streams import Array, Real, RoomAir, Stream, Transfer

__all__ = ["RearDoor", "rating", "server_fan_power", "transfer", "valve_for"]

SERVER_FAN_EFFICIENCY = 0.3  # of 40 to 80 mm fans with their motors, 0.25 to 0.4 (estimate)


@dataclass(frozen=True, kw_only=True)
class RearDoor(AirHandler):
    """One door, known by its rated point (dry coil, pure water); the fields are those of an air handler."""

    air_drop: Annotated[
        float, Quantity("Pa", "Air pressure drop at rated flow of a passive door", 0.0, 200.0, "estimate")
    ] = 0.0

    @property
    def active(self) -> bool:
        """Whether it has fans of its own."""
        return self.fan_power > 0.0


def server_fan_power(flow: Real, params: RearDoor) -> Array:
    """Power in W that servers' fans draw more to hold ``flow`` m³/s of one rack against a door.

    The drop rises with the square of the flow; an active door's own fans carry it.
    """
    if params.active:
        return np.zeros(np.shape(flow))
    drop = params.air_drop * (np.asarray(flow) / params.rated_air_flow) ** 2
    return np.asarray(flow * drop / SERVER_FAN_EFFICIENCY)


def transfer(hot: RoomAir, cold: Stream, u: Real, params: RearDoor, trial: bool = False) -> Transfer:
    """Heat, condensate and fan power of one door; see :func:`twin_models.air_handler.air_handler.transfer`.

    Parameters
    ----------
    hot
        Exhaust of one rack, kg/s as its servers move it.
    cold
        Water entering one door at ``u = 1``.
    u
        Water valve, 0 to 1.
    trial
        Whether to leave out what a search does not need.
    """
    return air_handler.transfer(hot, cold, u, params, trial)
