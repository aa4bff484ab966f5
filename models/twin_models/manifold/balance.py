"""Setting of balancing valves: openings at which every branch gets the flow that is wanted.

With the wanted flows q the headers leave the differences d. A branch then needs a valve that takes what its rack and couplings
leave of it, and all differences may be lower together until one valve is fully open:

    rho·KV·q²/Kv² = d − δ − drop(q) − rho·KV·q²/Kv_couplings²,    δ the least with Kv = Kv_open in one branch

The differences hardly depend on the openings; a few rounds settle them.
"""

from dataclasses import replace

import numpy as np

from twin_models.fluids.fluids import Fluid, density
from twin_models.manifold.manifold import Branches, Manifold, flows
from twin_models.manifold.parameters import KV_DROP, laws
from twin_models.streams import Array

ROUNDS = 30
TOLERANCE = 1e-6  # of the wanted flows


def balanced(
    branches: Branches, params: Manifold, liquid: Fluid, supply: float, back: float, wanted: Array
) -> Array:
    """Opening of every branch valve, (racks,), the largest of them 1; 0 stays closed.

    Parameters
    ----------
    branches, params, liquid, supply, back
        As of `flows`, one number per rack and one state; openings are those to set out from.
    wanted
        Flow of every rack in m³/s at this state, (racks,); that of closed ones does not matter.
    """
    opening = np.array(np.broadcast_to(np.asarray(branches.opening, dtype=float), wanted.shape))
    is_open = opening > 0.0
    opening[is_open] = 1.0
    free = replace(params, limit=None)
    target = np.where(is_open, wanted, 0.0)
    t = np.array([0.5 * (supply + back)])
    rho = float(density(liquid, t)[0])  # type: ignore[index]
    rows = Branches(*(np.broadcast_to(np.asarray(x, dtype=float), wanted.shape)[:, None] for x in branches))
    law = laws(rows._replace(opening=is_open[:, None].astype(float)), free, liquid, t)
    drop = (law.power * target[:, None] ** law.exponent)[:, 0]  # of the rack alone
    couplings, own = (KV_DROP * rho * target**2 / kv**2 for kv in (params.couplings_kv, params.valve_kv))
    for _ in range(ROUNDS):
        found = flows(
            branches._replace(opening=opening), free, liquid, supply, back, total=float(target.sum())
        )
        if np.max(np.abs(found.branch[:, 0] - target)) <= TOLERANCE * target.max():
            break
        left = found.difference[:, 0] - drop - couplings
        left = left - np.min((left - own)[is_open])
        opening = np.where(is_open, np.sqrt(own / np.maximum(left, own)), 0.0)
    return opening
