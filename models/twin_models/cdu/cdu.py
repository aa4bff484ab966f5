"""Coolant distribution units: a plate exchanger between facility water and technology coolant, and its pumps.

The pumps deliver the external head (racks, manifolds, hoses) plus the drop inside the unit:

    head(Q) = external + internal_drop · (Q/Q_rated)^n

The flow splits evenly over the running pumps. A unit that publishes one constant power has no pump curve
here.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np

from twin_models.fields import Choice, Parameters, Quantity
from twin_models.heat_exchanger import heat_exchanger
from twin_models.heat_exchanger.heat_exchanger import PlateExchanger
from twin_models.pump import pump
from twin_models.pump.pump import Pump, Pumping, SystemCurve, full_speed_flow, head, operate
from twin_models.streams import Array, Bound, Real, Stream, Transfer

CONSTANT_FLUID_SHARE = (
    0.9  # estimate: share of a constant pump power that ends in the liquid (motor × drive 0.9)
)


@dataclass(frozen=True, kw_only=True)
class Cdu(Parameters):
    """One unit. Hot is its secondary (technology) side, cold its primary (facility) side."""

    heat_exchanger: PlateExchanger
    pump: Pump | None = None
    pumps: Annotated[int, Quantity("1", "Running pumps", low=1, high=12)] = 1
    staging: Annotated[
        Literal["all", "needed"], Choice("Pumps that run: all, or the fewest that reach flow and head")
    ] = "all"
    spare_pumps: Annotated[int, Quantity("1", "Spare pumps", low=0, high=12)] = 0
    internal_drop: Annotated[
        float, Quantity("Pa", "Secondary drop inside the unit at rated flow", low=0.0, high=5e5)
    ] = 40e3
    internal_exponent: Annotated[float, Quantity("1", "Internal drop against flow", low=1.0, high=2.0)] = 2.0
    external_head: Annotated[float, Quantity("Pa", "External head at rated flow", low=0.0, high=2e6)]
    rated_heat: Annotated[float, Quantity("W", "Rated heat", low=1.0, high=1e8)]
    rated_approach: Annotated[
        float, Quantity("K", "Secondary supply minus primary supply", low=0.1, high=40.0, difference=True)
    ]
    electric_maximum: Annotated[float | None, Quantity("W", "Most it ever draws", low=1.0, high=1e7)] = None
    constant_power: Annotated[float | None, Quantity("W", "Constant pump power", low=0.0, high=1e6)] = None
    controls_power: Annotated[float, Quantity("W", "Controls and screens", low=0.0, high=1e5)] = 0.0

    def __post_init__(self) -> None:
        """Refuse a unit with both or neither description of its pumps."""
        if (self.pump is None) == (self.constant_power is None):
            raise ValueError("a CDU has either a pump or a constant_power: give one of them")


def transfer(hot: Stream, cold: Stream, u: Real, params: Cdu, trial: bool = False) -> Transfer:
    """Heat from the secondary to the primary; ``u`` is the primary valve. The pumps are in `pumping`."""
    return heat_exchanger.transfer(hot, cold, u, params.heat_exchanger, trial)


def rated_flow(params: Cdu) -> float:
    """Rated secondary flow in m3/s."""
    return params.heat_exchanger.hot_flow


def internal_drop(flow: Real, params: Cdu) -> Array:
    """Drop in Pa inside the unit at a secondary flow in m3/s."""
    relative = np.asarray(flow, dtype=np.float64) / rated_flow(params)
    value: Array = params.internal_drop * np.maximum(relative, 0.0) ** params.internal_exponent
    return value


def pumping(flow: Real, external: Real, params: Cdu) -> Pumping:
    """Electricity and heat of the whole unit.

    Parameters ---------- flow Secondary flow of the unit in m3/s; 0 is off. external Head in Pa between its
    connections. params The unit. ``electric_maximum`` is never exceeded: where the pumps would need more, the
    drives hold it and ``valid`` is False, for the flow asked for is then not reached.

    Controls count as motor heat: they warm the room, not the liquid.
    """
    q = np.asarray(flow, dtype=np.float64)
    running = q > 0.0
    controls = np.where(running, params.controls_power, 0.0)
    if params.pump is None:
        power = np.where(running, params.constant_power or 0.0, 0.0)
        fluid_heat, motor_heat = CONSTANT_FLUID_SHARE * power, (1.0 - CONSTANT_FLUID_SHARE) * power
        speed, valid = np.where(running, 1.0, 0.0), np.ones(q.shape, dtype=np.bool_)
        x = np.zeros(q.shape)
    else:
        at_work = _staged(q, external + internal_drop(q, params), params)
        _, fluid_heat, motor_heat, speed, x, valid = at_work
    electric = fluid_heat + motor_heat + controls
    if params.electric_maximum is not None:
        room = max(params.electric_maximum - params.controls_power, 0.0)
        scale = np.minimum(1.0, room / np.maximum(fluid_heat + motor_heat, 1e-9))
        valid = valid & (scale >= 1.0)
        fluid_heat, motor_heat = fluid_heat * scale, motor_heat * scale
        electric = fluid_heat + motor_heat + controls
    return Pumping(electric, fluid_heat, motor_heat + controls, speed, x, valid)


def bounds(flow: Real, external: Real, params: Cdu) -> tuple[Bound, ...]:
    """Ranges of the pumps and of the electric power, W, that they ask for; flow and head as of `pumping`."""
    asked = pumping(flow, external, replace(params, electric_maximum=None))
    held = pump.bounds(asked.speed, asked.relative_flow) if params.pump is not None else ()
    if params.electric_maximum is not None:
        held += (Bound("electric power asked for", asked.electric, 0.0, params.electric_maximum, "W"),)
    return held


def _staged(flow: Array, total: Array, params: Cdu) -> Pumping:
    """The pumps that run, together, at a unit's flow and their whole head."""
    assert params.pump is not None
    found = _several(params.pumps, operate(flow / params.pumps, total, params.pump))
    if params.staging == "needed":
        for pumps in range(params.pumps - 1, 0, -1):  # each stage asks for more speed than the one above
            fewer = _several(pumps, operate(flow / pumps, total, params.pump))
            enough = fewer.speed <= 1.0
            found = Pumping(*(np.where(enough, new, old) for new, old in zip(fewer, found, strict=True)))
    return found


def _several(pumps: int, one: Pumping) -> Pumping:
    return one._replace(
        electric=pumps * one.electric, fluid_heat=pumps * one.fluid_heat, motor_heat=pumps * one.motor_heat
    )


def external_head(flow: Real, params: Cdu, speed: Real = 1.0) -> Array:
    """Head in Pa left for the racks at a secondary flow in m3/s and a pump speed (1 is full).

    A unit without a pump curve offers its rated external head.
    """
    if params.pump is None:
        return np.full(np.shape(flow), params.external_head)
    q = np.asarray(flow, dtype=np.float64)
    return head(q / params.pumps, speed, params.pump) - internal_drop(q, params)


def flow_limit(k_external: Real, exponent: Real, params: Cdu, speed: Real = 1.0) -> Array:
    """Most secondary flow in m3/s at a pump speed (1 is full) against ``k_external · flow**exponent`` Pa.

    Newton's rule on the pump curve less both drops, from above. A unit without a pump curve gives its rated
    flow.
    """
    if params.pump is None:
        return np.full(np.broadcast_shapes(np.shape(k_external), np.shape(exponent)), rated_flow(params))
    own = params.internal_drop / rated_flow(params) ** params.internal_exponent
    pumps = params.pumps
    # One pump sees the unit's flow as `pumps` times its own.
    inner = SystemCurve(0.0, own * pumps**params.internal_exponent, params.internal_exponent)
    outer = SystemCurve(0.0, k_external * pumps ** np.asarray(exponent), exponent)
    return pumps * full_speed_flow([inner, outer], params.pump, speed)
