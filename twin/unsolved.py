"""Why a step has no steady state: which loop gets more heat than its links can take, in numbers, and what to do."""

import numpy as np

from twin.compile import LinkNode, Plan, VolumeNode
from twin.state import State

LACK = 1e-4  # of the heat of a loop that is left over, where its capacity does not do
FULL = 0.999  # actuator of a link that can do no more


def reason(plan: Plan, state: State, step: int) -> str:
    """One sentence on the loop that cannot get rid of its heat in a step, and one on the remedy."""
    for volume in plan.volumes:
        heat, taken = (float(values[volume.name][step]) for values in (state.heat, state.removed))
        if _full(volume, state, step) and heat - taken > LACK * heat:
            short = _coldest_full(plan, volume, state, step)
            parts = ", ".join(
                f"{node.link.units} × {node.address} take {float(state.link[node.name].heat[step]) / 1e3:,.0f} kW"
                for node in _links(short)
            )
            return (
                f"{short.address} lacks capacity: with everything fully open at {float(state.supply[short.name][step]):.0f} °C "
                f"({parts}) {(heat - taken) / 1e3:,.0f} kW more reach {volume.address} than can leave, although chips throttle "
                "as far as they can. Add units there or larger ones, or have fewer racks."
            )
    return (
        f"{state.worst} does not come to rest: {float(state.residual[step]):.2g} of the power stays open. Change its set point "
        "or the units that serve it."
    )


def _coldest_full(plan: Plan, volume: VolumeNode, state: State, step: int) -> VolumeNode:
    """The loop at the end of the chain of loops that are all fully open: the one that holds the others up."""
    sinks = [other for other in plan.volumes if other.name in {node.sink for node in _links(volume)}]
    full = [other for other in sinks if _full(other, state, step)]
    return _coldest_full(plan, full[0], state, step) if full else volume


def _links(volume: VolumeNode) -> list[LinkNode]:
    return [node for stage in volume.stages for node in stage]


def _full(volume: VolumeNode, state: State, step: int) -> bool:
    """Whether all links of a loop can do no more."""
    opening = [np.broadcast_to(state.u[node.name], state.meter.shape)[step] for node in _links(volume)]
    return bool(opening) and not volume.outer and float(min(opening)) > FULL
