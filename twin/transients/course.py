"""Load that changes within a step: what racks around their packages do in each span of it, and over the step as a whole."""

from typing import NamedTuple

import numpy as np
from twin_models.rack import rack as rack_model
from twin_models.rack.parameters import Rack
from twin_models.streams import Array, Mask

from twin.transients.fused import Fused


class Course(NamedTuple):
    """What is asked of a group over a step, in spans of constant load."""

    spans: Array  # s, shape (spans,)
    asked: Array  # activity, shape (spans, rows) as all that follows; one row where no span differs
    activity: Array  # what has not stopped does
    reference: Array  # W of packages at reference temperature
    conductance: Array  # W/K
    power: Array  # W of packages around which
    around: rack_model.Around  # the racks are expanded


class Means(NamedTuple):
    """Of a course over its step, by rows."""

    power: Array  # W of packages
    around: rack_model.Around  # expanded around that power


def follows(
    activity: Array, reference: Array, growth: Array, air_in: float, share: Array, live: Mask, racks: Rack
) -> tuple[Array, rack_model.Around, Means]:
    """Power of packages, the racks around it in every span, and both over the step.

    ``activity`` and ``reference`` (W) of shape (spans, rows); ``growth`` of power by leakage at the rows' temperature;
    ``share`` of every span in the step; nothing flows where a row is not ``live``.
    """
    power = reference * growth
    found = rack_model.around(activity, power, air_in, racks)
    if not live.all():
        found = alive(found, live)
    mean, whole = rack_model.Around(*(_over(part, share) for part in found)), share @ power
    if racks.accelerator is None:
        return power, found, Means(whole, mean)
    by_feed, by_liquid = share @ (found.power_slope * power), share @ (found.liquid_slope * power)
    return power, found, Means(whole, _affine(mean, whole, by_feed, by_liquid))


def follows_fused(
    activity: Array, reference: Array, growth: Array, air_in: float, share: Array, fused: Fused, racks: Rack
) -> tuple[Array, rack_model.Around, Means]:
    """`follows` compiled, where all rows are live."""
    fans, own = racks.fans, fused.constants
    ramp = 0.0
    if fans is not None:
        ramp = min(max((air_in - fans.flat_until) / (fans.full_at - fans.flat_until), 0.0), 1.0)
    shape, warms = activity.shape, bool(racks.converter_liquid or racks.shelf_liquid)
    found, means = np.empty((5 if warms else 4, *shape)), np.empty((8, shape[1]))
    fused.kernels.links(
        share, np.ascontiguousarray(activity), np.ascontiguousarray(reference), growth, ramp, own.fan, own.lines, own.node, own.shelf, found, means
    )  # fmt: skip
    air, sink = (fans.flow if fans is not None else 0.0) * means[5], np.full(shape[1], np.nan)
    mean = rack_model.Around(means[1], means[2], air, sink, means[3], means[4])
    power, feed, liquid, feed_slope = found[:4]
    liquid_slope = found[4] if warms else np.broadcast_to(means[4], shape)
    spread = rack_model.Around(
        feed, liquid, np.broadcast_to(air, shape), np.broadcast_to(sink, shape), feed_slope, liquid_slope
    )
    return power, spread, Means(means[0], _affine(mean, means[0], means[6], means[7]))


def alive(found: rack_model.Around, live: Mask) -> rack_model.Around:
    """The same where racks are on; a thermal trip powers its nodes off."""
    return found._replace(
        power=found.power * live, heat_liquid=found.heat_liquid * live, air_flow=found.air_flow * live
    )


def _affine(mean: rack_model.Around, power: Array, by_feed: Array, by_liquid: Array) -> rack_model.Around:
    """Means of expansions around the power of each span as one around the mean power; products of slopes and power beside."""
    return mean._replace(
        power=mean.power - by_feed + mean.power_slope * power,
        heat_liquid=mean.heat_liquid - by_liquid + mean.liquid_slope * power,
    )


def _over(values: Array, share: Array) -> Array:
    """Mean over spans; what is one number for all of them stays as it is."""
    return np.asarray(share @ values if any(values.strides) else values[0])
