"""Headers that are closed to rings: racks get coolant from both sides; solved as a network."""

import numpy as np

from twin_models.fluids.fluids import Fluid
from twin_models.manifold.ladder import Closing
from twin_models.manifold.parameters import KV_DROP, Flows, Law, Manifold
from twin_models.network import network
from twin_models.network.network import Pipes, Pumping
from twin_models.streams import Array


def solve(
    law: Law,
    params: Manifold,
    liquid: Fluid,
    temperatures: tuple[Array, Array],
    mean_density: Array,
    closing: Closing,
) -> Flows:
    """Flows of all time steps. The leads end at the first rack; the closing pipes go from the last rack back to it."""
    count = law.power.shape[0]
    supply, back = 1 + np.arange(count), 1 + count + np.arange(count)
    source, sink = 0, 1 + 2 * count
    start = np.concatenate([[source], supply, back, [back[0]], supply, [sink]])
    end = np.concatenate([[supply[0]], np.roll(supply, -1), np.roll(back, -1), [sink], back, [source]])
    one = np.full(count, params.spacing)
    one[-1] = params.spacing if params.closing is None else params.closing
    tees = np.full(count, params.tee_loss)
    nothing = np.zeros(count)
    length = np.concatenate([[params.lead], one, one, [params.lead], nothing, [0.0]])
    loss = np.concatenate([[params.lead_loss], tees, tees, [params.lead_loss], nothing, [0.0]])
    racks = slice(2 + 2 * count, 2 + 3 * count)
    edges, n = start.size, temperatures[0].size
    shape = (edges, max(law.power.shape[1], law.square.shape[1]))
    drop, kv, exponent = np.zeros(shape), np.full(shape, np.inf), np.full((edges, 1), 2.0)
    drop[racks], exponent[racks] = law.power, law.exponent
    kv[racks] = np.where(law.open, np.sqrt(KV_DROP * mean_density / law.square), 0.0)
    kv[-1] = np.inf if closing.pump is not None else 0.0
    limit = np.full(edges, np.inf)
    limit[racks] = np.inf if params.limit is None else params.limit
    drop[0] = closing.plant  # in series with the lead
    t = np.empty((edges, n))
    t[: 1 + count], t[1 + count : racks.start] = temperatures
    t[racks.start :] = 0.5 * (temperatures[0] + temperatures[1])
    pipes = Pipes(start, end, length, params.diameter, params.roughness, loss, kv, drop, 1.0, exponent, limit)
    if closing.total is not None:
        found = network.flows(pipes, liquid, t, held={sink: 0.0}, inflow={source: closing.total})
    elif closing.head is not None:
        found = network.flows(pipes, liquid, t, held={sink: 0.0, source: closing.head})
    else:
        assert closing.pump is not None
        pumps = {edges - 1: Pumping(closing.pump, closing.running, closing.speed)}
        found = network.flows(pipes, liquid, t, held={sink: 0.0}, pumps=pumps)
    branch = found.flow[racks]
    total = branch.sum(axis=0)
    head = found.pressure[source] - found.pressure[sink]
    difference = found.pressure[supply] - found.pressure[back]
    return Flows(branch, difference, total, head, found.residual)
