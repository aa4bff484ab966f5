"""The ranges that a rack and its parts are held to, by name: what decides ``valid`` of `rack.respond`."""

import numpy as np

from twin_models.immersion import immersion
from twin_models.power_shelf import power_shelf
from twin_models.rack.ashrae import AIR_CLASSES
from twin_models.rack.chain import at
from twin_models.rack.parameters import Rack
from twin_models.rack.rack import _expected, _walk
from twin_models.streams import Array, Bound, Real
from twin_models.two_phase import two_phase

HELD_K = 1e-6  # by which a chip held at its limit may stand beside it


def bounds(
    activity: Real, liquid_in: Real, liquid_flow: Real, air_in: Real, params: Rack
) -> tuple[Bound, ...]:
    """Ranges that decide ``valid`` of `respond`, under its conditions."""
    asked, t_liquid = np.asarray(activity, dtype=float), np.asarray(liquid_in, dtype=float)
    a, flow = np.maximum(asked, 0.0), np.asarray(liquid_flow, dtype=float)
    limits = AIR_CLASSES[params.air_class]
    held: tuple[Bound, ...] = (
        Bound(f"air entering, class {params.air_class}", np.asarray(air_in, dtype=float), limits.allowable_low, limits.allowable_high, "degC"),
        Bound("activity", asked, -1.0, 1.0, "1"),
    )  # fmt: skip
    if params.liquid is not None:
        held += (Bound("liquid entering", t_liquid, params.supply_low, params.supply_high, "degC"),)
    walk = _walk(a, liquid_in, liquid_flow, air_in, params)
    if params.accelerator is not None:
        each = flow * (params.liquid.accelerator_share / params.accelerators) if params.liquid else flow
        if params.cold_plate is not None:
            plate = params.cold_plate
            held += (Bound("flow through a cold plate", each, plate.lowest_flow, plate.highest_flow, "m3/s"),)
        elif params.bath_sink is not None:
            held += immersion.bounds(_expected(a, params.accelerator), t_liquid, each, params.bath_sink)
        elif params.boiling_surface is not None:
            pool = two_phase.resistance(_expected(a, params.accelerator), t_liquid, params.boiling_surface)
            held += two_phase.surface_bounds(pool.flux_share, t_liquid)
        junction = walk.response.chip_temperature
        held += (Bound("chip", junction, -np.inf, params.accelerator.throttle + HELD_K, "degC"),)
    if params.node_converter is not None:
        inner = at(params.node_parts, a) + walk.accelerators
        held += (_load("node converter", inner / params.nodes, params.node_converter.rating),)
    return (*held, _load("power shelf", walk.output / params.shelves, params.shelf.rating))


def _load(name: str, watt: Array, rating: float) -> Bound:
    return Bound(f"load of a {name} over its rating", watt / rating, 0.0, power_shelf.LIMIT, "1")
