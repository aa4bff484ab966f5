"""Power comes down: from everything that draws, through feeders with their losses, to the utility meter."""

from collections.abc import Callable

import numpy as np
from twin_models.losses import Loss
from twin_models.pdu import pdu
from twin_models.transformer import transformer
from twin_models.ups import ups

from twin.compile import Plan
from twin.state import State

_LOSS: dict[str, Callable[..., Loss]] = {"transformer": transformer.loss, "ups": ups.loss, "pdu": pdu.loss}


def walk_power(plan: Plan, state: State) -> None:
    """Load and loss of every feeder, and the power at the meter, for what the elements draw now."""
    n = next(iter(state.supply.values())).size
    for rack in plan.racks:
        state.electric[f"racks.{rack.name}"] = state.rack[rack.name].power
    for node in plan.links:
        if node.name in state.link:
            pumps = state.pump[node.name].electric if node.name in state.pump else 0.0
            state.electric[node.address] = state.link[node.name].electric + pumps
    state.electric["house"] = np.full(n, plan.site.house.share * plan.design_it)
    load = {name: np.zeros(n) for name, _ in plan.feeders}
    for address, shares in plan.fed_by:
        if address in state.electric:
            drawn = state.electric[address]
            for name, share in shares.items():
                load[name] += drawn if share == 1.0 else share * drawn
    meter = np.zeros(n)
    for name, feeder in plan.feeders:  # leaves first: the load of a feeder is complete when its turn comes
        if feeder.kind == "utility":
            state.loss[name] = np.zeros(n)
            meter += load[name]
            state.feeder_valid[name] = load[name] <= (np.inf if feeder.rating is None else feeder.rating)
        else:
            units = max(feeder.units, 1)
            loss = _LOSS[feeder.kind](load[name] / units, feeder)
            running = feeder.units > 0  # what is out of service draws nothing, and carries nothing
            state.loss[name] = loss.loss * units if running else np.zeros(n)
            state.feeder_valid[name] = loss.valid if running else load[name] <= 0.0
        for parent, share in plan.parents[name].items():
            drawn = load[name] + state.loss[name]
            load[parent] += drawn if share == 1.0 else share * drawn
    state.meter, state.load = meter, load
