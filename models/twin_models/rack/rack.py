"""One rack: power, heat to liquid and air, chip temperature; the inverse; flow and pressure of its liquid."""

from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from twin_models.accelerator import accelerator
from twin_models.accelerator.accelerator import Accelerator
from twin_models.cold_plate import cold_plate
from twin_models.immersion import immersion
from twin_models.rack.ashrae import AIR_CLASSES
from twin_models.rack.chain import Around, around, chain, fan_speed, full
from twin_models.rack.chain import at as line_at
from twin_models.rack.parameters import AirSink, Fans, LiquidLoop, Part, Rack
from twin_models.streams import Array, Real
from twin_models.two_phase import two_phase

__all__ = [
    "Activity",
    "AirSink",
    "Around",
    "Boundary",
    "Fans",
    "FlowDemand",
    "LiquidLoop",
    "Part",
    "Rack",
    "RackResponse",
    "Rated",
    "activity_of",
    "around",
    "flow_demand",
    "pressure_drop",
    "rated",
    "respond",
]

Boundary: TypeAlias = Literal["gpu", "node_dc", "node_ac", "rack_ac", "cdu_heat"]

SEARCH_STEPS = 40  # of the inverse; four to six are usual, bisection across a throttling kink takes the rest
SEARCH_TOLERANCE = 1e-10  # of tdp
SMALLEST_RISE = 0.1  # K between supply and return limit; below it the flow asked for is without meaning


class RackResponse(NamedTuple):
    """What one rack does."""

    power: Array  # W at the rack's input, what its feed sees
    heat_liquid: Array  # W into the liquid loop
    heat_air: Array  # W into the room; heat_liquid + heat_air == power
    compute: Array  # W in parts that compute: without fans and conversion
    fans: Array  # W of the rack's own fans, counted in IT
    chip_temperature: Array  # °C junction; NaN in a rack without accelerators
    done: Array  # activity really done, below the asked one while throttled
    air_flow: Array  # m3/s through the rack, of air at 20 °C
    slope_liquid: Array  # W/K, d(power)/d(liquid_in)
    slope_air: Array  # W/K, d(power)/d(air_in)
    flow_slope: Array  # W s/m3, d(power)/d(liquid_flow) at cold plates; a bath's is not told: 0
    flow_slope_liquid: Array  # W s/m3, d(heat_liquid)/d(liquid_flow)
    flow_slope_compute: Array  # W s/m3, d(compute)/d(liquid_flow)
    flow_slope_chip: Array  # K s/m3, d(chip_temperature)/d(liquid_flow)
    valid: NDArray[np.bool_]  # False outside a range: activity, chip, shelf load, entering coolant or air
    throttled: NDArray[np.bool_]  # True where chip temperature limits what is done


class FlowDemand(NamedTuple):
    """Flow a rack asks for."""

    flow: Array  # m3/s
    valid: NDArray[np.bool_]  # False where this flow returns warmer than `return_limit`


class Activity(NamedTuple):
    """Activity behind a measured power."""

    activity: Array
    valid: NDArray[np.bool_]  # False where the power is outside what activity 0..1 gives


class Rated(NamedTuple):
    """Sums of the parts list, chips at their reference temperature, fans at full speed."""

    power: float  # W input at activity 1
    liquid_share: float
    accelerators: float  # W
    parts: float  # W
    fans: float  # W
    conversion: float  # W
    heat_liquid: float  # W
    idle_power: float  # W input at activity 0, fans at their idle speed
    idle_liquid_share: float


class _Walk(NamedTuple):
    """`RackResponse` and the inner powers that the inverse needs."""

    response: RackResponse
    accelerators: Array  # W of all packages
    nodes: Array  # W entering all nodes, their fans included
    output: Array  # W leaving the shelves


def respond(activity: Real, liquid_in: Real, liquid_flow: Real, air_in: Real, params: Rack) -> RackResponse:
    """Power and heat of one rack in steady state.

    Power is added up from chips to feed: packages + node parts -> node converter -> + rack parts + fans ->
    shelves. Each component states which share of its heat a plate takes; liquid heat is their sum and air
    gets the rest, so that the liquid share follows what runs and falls at idle. Parts follow the *asked*
    activity: a throttled chip does not relieve them. Fan power is cubic in speed, flow linear. Load is
    shared equally by all shelves, also in N+N arrangements.

    Parameters
    ----------
    activity
        0..1 of the accelerators and the parts that follow them; below 0, down to -1, the share of an idle rack's nodes
        that is switched off and draws nothing.
    liquid_in, liquid_flow
        °C and m3/s entering this rack; ignored where the rack takes no liquid.
    air_in
        °C of the air entering.

    All broadcast. Slopes are exact except at a kink (fan ramp, onset of throttling).
    """
    asked = np.asarray(activity, dtype=float)
    if not (asked.size and asked.min() < 0.0):
        return _walk(asked, liquid_in, liquid_flow, air_in, params).response
    on = 1.0 + np.clip(asked, -1.0, 0.0)
    idle = _walk(np.maximum(asked, 0.0), liquid_in, liquid_flow, air_in, params).response
    drawn = (
        "power", "heat_liquid", "heat_air", "compute", "fans", "air_flow", "slope_liquid", "slope_air", "flow_slope",
        "flow_slope_liquid", "flow_slope_compute",
    )  # fmt: skip
    return idle._replace(
        **{name: getattr(idle, name) * on for name in drawn}, valid=idle.valid & np.asarray(asked >= -1.0)
    )


def _walk(activity: Real, liquid_in: Real, liquid_flow: Real, air_in: Real, params: Rack) -> _Walk:
    asked = np.asarray(activity, dtype=float)
    t_liquid = np.asarray(liquid_in, dtype=float)
    flow = np.asarray(liquid_flow, dtype=float)
    t_air = np.asarray(air_in, dtype=float)
    a = np.maximum(asked, 0.0)
    limits = AIR_CLASSES[params.air_class]
    valid = (t_air >= limits.allowable_low) & (t_air <= limits.allowable_high)
    if params.liquid is not None:
        valid = valid & ((t_liquid >= params.supply_low) & (t_liquid <= params.supply_high))

    zero = np.zeros(())
    speed, speed_slope, fans, fans_slope, air_flow = zero + 1.0, zero, zero, zero, zero
    if params.fans is not None:
        speed, speed_slope = fan_speed(a, t_air, params.fans)
        square = speed * speed
        fans = params.fans.maximum * (square * speed)
        fans_slope = (3.0 * params.fans.maximum) * (square * speed_slope)
        air_flow = params.fans.flow * speed

    chips, done, junction, throttled = zero, asked, np.full((), np.nan), np.zeros((), dtype=bool)
    liquid_slope, air_slope = zero, zero  # of the packages
    by_flow, chip_by_flow, heat_by_flow = zero, zero, zero
    if params.accelerator is not None:
        at = (params.work.level, params.work.idle_activity) if params.work is not None else (0.0, 0.0)
        if params.cold_plate is not None and params.liquid is not None:
            per_plate = flow * (params.liquid.accelerator_share / params.accelerators)
            resistance = cold_plate.resistance(per_plate, params.cold_plate)
            chip = accelerator.respond(asked, t_liquid, resistance, params.accelerator, *at)
            liquid_slope = params.accelerators * chip.slope
            # dP/dR = P dP/dT and dT/dR = P (1 + R dP/dT), as for air below
            rise = cold_plate.resistance_slope(per_plate, resistance, params.cold_plate) * chip.power
            rise = rise * (params.liquid.accelerator_share / params.accelerators)
            by_flow = liquid_slope * rise
            chip_by_flow = rise * (1.0 + (resistance + params.accelerator.junction_to_case) * chip.slope)
            heat_by_flow = params.accelerator_liquid * by_flow
            valid = valid & cold_plate.within(per_plate, params.cold_plate)
        elif params.bath_sink is not None and params.liquid is not None:
            per_sink = flow * (params.liquid.accelerator_share / params.accelerators)
            bath = immersion.resistance(
                _expected(a, params.accelerator), t_liquid, per_sink, params.bath_sink
            )
            chip = accelerator.respond(asked, t_liquid, bath.resistance, params.accelerator, *at)
            liquid_slope = params.accelerators * chip.slope * (1.0 + chip.power * bath.slope)
            valid = valid & bath.valid
        elif params.boiling_surface is not None:
            pool = two_phase.resistance(_expected(a, params.accelerator), t_liquid, params.boiling_surface)
            chip = accelerator.respond(asked, t_liquid, pool.resistance, params.accelerator, *at)
            liquid_slope = params.accelerators * chip.slope * (1.0 + chip.power * pool.slope)
            valid = valid & pool.valid
        else:
            assert params.air_sink is not None  # __post_init__ of Rack
            sink = params.air_sink
            resistance = sink.resistance * speed**-sink.exponent
            chip = accelerator.respond(asked, t_air, resistance, params.accelerator, *at)
            # both reach the chip only through T_in + P R, hence dP/dR = P dP/dT
            d_resistance = -sink.exponent * resistance * speed_slope / speed
            air_slope = params.accelerators * chip.slope * (1.0 + chip.power * d_resistance)
        chips, done, junction = params.accelerators * chip.power, chip.done, chip.junction
        throttled = chip.throttled
        valid = valid & chip.valid
    else:
        valid = valid & (a == asked) & (a <= 1.0)
    links = chain(a, chips, fans, params)
    compute_by_flow = by_flow
    heat_by_flow = heat_by_flow + params.converter_liquid * (links.node_gain - 1.0) * by_flow
    by_flow = by_flow * links.node_gain
    heat_by_flow = heat_by_flow + params.shelf_liquid * (links.shelf_gain - 1.0) * by_flow
    liquid_slope = liquid_slope * links.gain
    air_slope = (air_slope * links.node_gain + fans_slope) * links.shelf_gain
    power, heat_liquid = links.power, links.heat_liquid
    if params.accelerator is not None:
        heat_liquid = heat_liquid + params.accelerator_liquid * chips
    compute = line_at(params.compute_parts, a) + chips
    valid = valid & links.valid

    shape = np.broadcast_shapes(asked.shape, t_liquid.shape, flow.shape, t_air.shape)
    response = RackResponse(
        power=full(power, shape),
        heat_liquid=full(heat_liquid, shape),
        heat_air=full(np.maximum(power - heat_liquid, 0.0), shape),  # no rounding below nothing
        compute=full(compute, shape),
        fans=full(fans, shape),
        chip_temperature=full(junction, shape),
        done=full(done, shape),
        air_flow=full(air_flow, shape),
        slope_liquid=full(liquid_slope, shape),
        slope_air=full(air_slope, shape),
        flow_slope=full(by_flow * links.shelf_gain, shape),
        flow_slope_liquid=full(heat_by_flow, shape),
        flow_slope_compute=full(compute_by_flow, shape),
        flow_slope_chip=full(chip_by_flow, shape),
        valid=np.broadcast_to(valid, shape),
        throttled=np.broadcast_to(throttled, shape),
    )
    return _Walk(response, chips, links.nodes, links.output)


def flow_demand(heat_liquid: Real, liquid_in: Real, density_cp: Real, params: Rack) -> FlowDemand:
    """Liquid flow (m3/s) the rack asks for at ``heat_liquid`` W and ``liquid_in`` °C.

    Vendor rule (``return_temperature``): ``flow = heat / (rho cp (return_limit - liquid_in))``, not below
    ``minimum_share`` of what rated heat would need at this supply, not above ``maximum_flow``.
    ``buoyancy`` is what the heat itself drives, ``boiling``
    the liquid that it evaporates. ``fixed_flow`` is ``rated_flow``; ``fixed_dp`` is the flow at which the rack drops ``dp_set`` (``dp`` if
    unset). ``density_cp`` in J/(m3 K). Raises ValueError for a rack without liquid. Source of the rule: the
    Lenovo GB300 NVL72 flow table, which back-calculates to one return temperature.
    """
    liquid = _liquid(params)
    heat = np.asarray(heat_liquid, dtype=float)
    rise = np.maximum(liquid.return_limit - np.asarray(liquid_in, dtype=float), SMALLEST_RISE)
    per_flow = np.asarray(density_cp, dtype=float) * rise
    if liquid.control == "return_temperature":
        asked = np.maximum(heat, liquid.minimum_share * liquid.rated_heat) / per_flow
        flow = np.minimum(asked, liquid.maximum_flow)
    elif liquid.control == "boiling":
        flow = heat / (np.asarray(density_cp, dtype=float) * two_phase.SCALE_K)
        return FlowDemand(flow, np.ones(flow.shape, dtype=bool))
    elif liquid.control == "buoyancy":
        driven = immersion.natural_flow(heat, liquid.rated_heat, liquid.rated_flow)
        flow = np.broadcast_to(driven, np.broadcast_shapes(heat.shape, per_flow.shape))
    else:
        pressure = liquid.dp if liquid.dp_set is None else liquid.dp_set
        held = liquid.dp_flow * (pressure / liquid.dp) ** (1.0 / liquid.dp_exponent)
        value = liquid.rated_flow if liquid.control == "fixed_flow" else min(held, liquid.maximum_flow)
        flow = np.full(np.broadcast_shapes(heat.shape, per_flow.shape), value)
    return FlowDemand(flow, heat <= flow * per_flow * (1.0 + 1e-9))


def pressure_drop(flow: Real, params: Rack) -> Array:
    """Pressure drop (Pa) between the rack's quick disconnects at ``flow`` m3/s: ``dp (flow / dp_flow)^n``.

    One exponent, fitted to a vendor's table (1.90 for NVL72), stands for laminar plates and turbulent
    couplings.
    """
    liquid = _liquid(params)
    share = np.abs(np.asarray(flow, dtype=float)) / liquid.dp_flow
    return np.asarray(liquid.dp * share**liquid.dp_exponent)


def activity_of(
    power: Real, boundary: Boundary, liquid_in: Real, liquid_flow: Real, air_in: Real, params: Rack
) -> Activity:
    """Activity behind a measured power of the whole rack (W), at the boundary where it was measured.

    ``gpu``: all packages; ``node_dc``: entering the nodes behind the shelves, fans included; ``node_ac``:
    the same with its share of the shelves' loss; ``rack_ac``: rack input; ``cdu_heat``: heat into liquid.
    Measured power contains leakage, fans and losses, so `respond` itself is inverted: secant steps inside a
    bracket, to 1e-10 of tdp. What activity 0..1 cannot draw (above rating or a throttled plateau, below
    idle) is clipped, ``valid`` False. A cap or locked clock is left aside: the measurement was made without.
    """
    params = _free(params)
    target = np.asarray(power, dtype=float)

    shape = np.broadcast_shapes(target.shape, *(np.shape(x) for x in (liquid_in, liquid_flow, air_in)))

    def excess(activity: Array) -> Array:
        walk = _walk(activity, liquid_in, liquid_flow, air_in, params)
        return np.broadcast_to(_at_boundary(walk, boundary) - target, shape)

    low, high = np.zeros(shape), np.ones(shape)
    f_low, f_high = excess(low), excess(high)
    tolerance = SEARCH_TOLERANCE * params.tdp
    inside = (f_low <= tolerance) & (f_high >= -tolerance)
    x = np.where(f_low >= 0.0, 0.0, 1.0)
    f = np.zeros(shape)
    open_ = (f_low < 0.0) & (f_high > 0.0)
    for step in range(SEARCH_STEPS):
        width = np.where(open_, f_high - f_low, 1.0)
        # every third step halves, so that a kink cannot pin one end of the bracket
        trial = 0.5 * (low + high) if step % 3 == 2 else low - f_low * (high - low) / width
        x = np.where(open_, trial, x)
        f = np.where(open_, excess(x), 0.0)
        low, f_low = np.where(open_ & (f <= 0.0), x, low), np.where(open_ & (f <= 0.0), f, f_low)
        high, f_high = np.where(open_ & (f > 0.0), x, high), np.where(open_ & (f > 0.0), f, f_high)
        open_ = open_ & (np.abs(f) > tolerance)
        if not open_.any():
            break
    return Activity(x, inside & ~open_)


def rated(params: Rack) -> Rated:
    """What the parts list adds up to, to be held against the vendor's rating."""
    reference = params
    if params.accelerator is not None:
        cool = replace(
            params.accelerator, feedback=False, throttle=150.0, stop=150.0, power_cap=None, clock=1.0
        )
        reference = replace(params, accelerator=cool)
    full = params.fans.full_at if params.fans is not None else 25.0
    flow = params.liquid.rated_flow if params.liquid is not None else 0.0
    walk = _walk(1.0, 25.0, flow, full, reference)
    top, idle = walk.response, respond(0.0, 25.0, flow, 20.0, reference)
    parts = sum(line_at(line, np.ones(())) for line in (params.node_parts, params.rack_parts))
    return Rated(
        power=float(top.power),
        liquid_share=float(top.heat_liquid / top.power),
        accelerators=float(walk.accelerators),
        parts=float(parts),
        fans=float(top.fans),
        conversion=float(top.power - walk.accelerators - parts - top.fans),
        heat_liquid=float(top.heat_liquid),
        idle_power=float(idle.power),
        idle_liquid_share=float(idle.heat_liquid / idle.power),
    )


def _free(params: Rack) -> Rack:
    chip = params.accelerator
    if chip is None or (chip.power_cap is None and chip.clock == 1.0):
        return params
    return replace(params, accelerator=replace(chip, power_cap=None, clock=1.0))


def _at_boundary(walk: _Walk, boundary: Boundary) -> Array:
    if boundary == "gpu":
        return walk.accelerators
    if boundary == "node_dc":
        return walk.nodes
    if boundary == "node_ac":
        return walk.nodes * (walk.response.power / walk.output)
    return walk.response.power if boundary == "rack_ac" else walk.response.heat_liquid


def _expected(activity: Array, package: Accelerator) -> Array:
    """Power of one package at its reference temperature, W: what films are worked out for."""
    return package.idle + (package.tdp - package.idle) * np.minimum(activity, 1.0)


def _liquid(params: Rack) -> LiquidLoop:
    if params.liquid is None:
        raise ValueError("this rack has no liquid side: its `liquid` is not set")
    return params.liquid
