"""A rack around its packages: parts, fans, converters and shelves, up to the feed."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_models.power_shelf import power_shelf
from twin_models.rack.parameters import Fans, Line, Rack
from twin_models.streams import Array, Real

FEW = 64


class Chain(NamedTuple):
    """From packages to the feed: everything of a rack that has no thermal mass of its own here."""

    power: Array
    heat_liquid: Array  # W of parts, converters and shelves, without the packages
    nodes: Array
    output: Array
    node_gain: Array  # W at the nodes per W of packages
    shelf_gain: Array  # W at the feed per W behind the shelves
    valid: NDArray[np.bool_]

    @property
    def gain(self) -> Array:
        """W at the feed per W of packages."""
        return self.node_gain * self.shelf_gain


def chain(a: Array, chips: Array, fans: Array, params: Rack) -> Chain:
    """Add up power from packages to the feed."""
    node = at(params.node_parts, a) + chips
    heat_liquid = at(params.plate_parts, a)
    node_gain: Array = np.ones(())
    valid: NDArray[np.bool_] = np.ones((), dtype=bool)
    if params.node_converter is not None:
        per_node = node * (1.0 / params.nodes)
        lost, marginal = power_shelf.loss_and_slope(per_node, params.node_converter)
        node_gain = 1.0 + marginal
        heat_liquid = heat_liquid + (params.converter_liquid * params.nodes) * lost.loss
        node = node + params.nodes * lost.loss
        valid = valid & lost.valid
    nodes = node + fans
    output = nodes + at(params.rack_parts, a)
    per_shelf = output * (1.0 / params.shelves)
    lost, marginal = power_shelf.loss_and_slope(per_shelf, params.shelf)
    conversion = params.shelves * lost.loss
    if params.shelf_liquid:
        heat_liquid = heat_liquid + params.shelf_liquid * conversion
    return Chain(
        output + conversion, heat_liquid, nodes, output, node_gain, 1.0 + marginal, valid & lost.valid
    )


class Around(NamedTuple):
    """A rack around packages of which power and temperature are known; affine in their power."""

    power: Array  # W at the feed
    heat_liquid: Array  # W into liquid that does not come from the packages
    air_flow: Array  # m3/s of 20 °C air
    sink: Array  # K/W from case to inlet air of an air-cooled package; NaN where a plate cools it
    power_slope: Array  # W at the feed per W of packages
    liquid_slope: Array  # W into liquid from parts per W of packages


def around(activity: Real, packages: Real, air_in: Real, params: Rack) -> Around:
    """The rack around its packages, whose power (W, all of them) a transient gives; equations of `respond`.

    All broadcast. Heat to air is ``power - heat_liquid`` less what packages take or store.
    """
    a = np.maximum(np.asarray(activity, dtype=float), 0.0)
    chips = np.asarray(packages, dtype=float)
    fans, air_flow, sink = np.zeros(()), np.zeros(()), np.full((), np.nan)
    if params.fans is not None:
        speed, _ = fan_speed(a, np.asarray(air_in, dtype=float), params.fans)
        fans, air_flow = params.fans.maximum * (speed * speed * speed), params.fans.flow * speed
        if params.air_sink is not None:
            sink = params.air_sink.resistance * speed**-params.air_sink.exponent
    links = chain(a, chips, fans, params)
    liquid_gain: Array = np.zeros(())
    if params.converter_liquid:
        liquid_gain = params.converter_liquid * (links.node_gain - 1.0)
    if params.shelf_liquid:
        liquid_gain = liquid_gain + params.shelf_liquid * (links.shelf_gain - 1.0) * links.node_gain
    shape = np.broadcast_shapes(a.shape, chips.shape, np.shape(air_in))
    parts = (links.power, links.heat_liquid, air_flow, sink, links.gain, liquid_gain)
    return Around(*(full(part, shape) for part in parts))


def fan_speed(activity: Array, air_in: Array, fans: Fans) -> tuple[Array, Array]:
    """Speed (1 = full) and its derivative by inlet temperature."""
    width = 1.0 / (fans.full_at - fans.flat_until)
    ramp = np.minimum(np.maximum((air_in - fans.flat_until) * width, 0.0), 1.0)
    cool = fans.idle_speed + (fans.base_speed - fans.idle_speed) * np.minimum(activity, 1.0)
    if not ramp.any():
        return cool, np.zeros(())
    rising = width * ((ramp > 0.0) & (ramp < 1.0))
    return cool + (1.0 - cool) * ramp, (1.0 - cool) * rising


def at(line: Line, activity: Array) -> Array:
    return line.fixed + line.rise * activity if line.rise else np.full((), line.fixed)


def full(value: Array, shape: tuple[int, ...]) -> Array:
    """The value in this shape: a view of what is one number for many, a copy for few, which is quicker to make."""
    if np.shape(value) == shape:
        return value
    return np.full(shape, value) if math.prod(shape) <= FEW else np.broadcast_to(value, shape)
