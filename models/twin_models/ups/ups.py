"""Uninterruptible power supply: loss of one module in double conversion or in eco mode."""

from dataclasses import dataclass
from typing import Annotated, Literal

from twin_models.fields import Parameters, Quantity
from twin_models.losses import Loss, quadratic
from twin_models.streams import Real


@dataclass(frozen=True, kw_only=True)
class Ups(Parameters):
    """One UPS module; shares are shares of its rating."""

    rating: Annotated[float, Quantity("W", "Rated output", low=1e2, high=1e8)]
    no_load_loss: Annotated[float, Quantity("1", "No-load loss share", low=0.0, high=0.2)]
    proportional_loss: Annotated[float, Quantity("1", "Proportional loss share", low=0.0, high=0.2)]
    square_loss: Annotated[float, Quantity("1", "Square-law loss share", low=0.0, high=0.2)]
    mode: Literal["double_conversion", "eco"] = "double_conversion"
    eco_no_load_loss: Annotated[float, Quantity("1", "No-load loss share in eco", low=0.0, high=0.1)] = 0.003
    eco_proportional_loss: Annotated[
        float, Quantity("1", "Proportional loss share in eco", low=0.0, high=0.1)
    ] = 0.005


def loss(load: Real, params: Ups) -> Loss:
    """Loss of one module that delivers ``load``.

    rating (k0 + k1 x + k2 x²) with x = load / rating, and the coefficients of the mode in use: double
    conversion (rectifier and inverter carry the load) or eco (the load runs through the static bypass, the
    converters idle).

    Parameters
    ----------
    load
        W delivered by one module, any shape, not negative. Battery charging is a load of its own, not in
        here.

    Returns
    -------
    Loss
        W, and False where the load is above the rating.

    References
    ----------
    IEC 62040-3:2021 (efficiency at 25, 50, 75 and 100 % load; modes VFI and VFD); the form of
    :func:`twin_models.losses.quadratic`.
    """
    if params.mode == "eco":
        return quadratic(load, params.rating, params.eco_no_load_loss, params.eco_proportional_loss, 0.0)
    return quadratic(load, params.rating, params.no_load_loss, params.proportional_loss, params.square_loss)
