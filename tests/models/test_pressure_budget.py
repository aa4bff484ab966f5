"""Published pressure budgets and tray flows of liquid-cooled racks against the ladder: NVL72, GB200 NVL4, H100 trays.

An NVL72 rack is itself a ladder: 18 compute and 9 switch trays between two rack manifolds. Its published budget (an open
hydraulics report: 120 L/min of PG25 at 40 °C, 79.8 kPa) gives the trays; couplings come from their class (Kv 0.9 to
1.1 m³/h each, recalled), the manifolds from their bore (38 to 41 mm, an estimate). What the ladder makes of the
three together is compared with what the report says of the whole.
"""

import numpy as np
import pytest
from twin_models.fluids.fluids import density, fluid, heat_capacity
from twin_models.manifold.manifold import Branches, Flows, Manifold, flows
from twin_models.streams import Array

LITRE_PER_MINUTE = 1e-3 / 60.0
PSI = 6894.757
PG25, WATER = fluid("propylene_glycol", 0.25), fluid("water")
TOTAL, BUDGET = 120.0 * LITRE_PER_MINUTE, 79.8e3
TRAY_SHARE = 0.557 + 0.107 + 0.080 + 0.006  # cold plates, hose, fittings, valves
COUPLINGS_SHARE, MANIFOLD_SHARE = 0.21, 0.04
COMPUTE, SWITCH = 5.25 * LITRE_PER_MINUTE, 2.9 * LITRE_PER_MINUTE  # published: 5.2 to 5.3, and 2.9
COUPLING_KV = (0.9, 1.0, 1.1)  # of one UQD04
PLATE_EXPONENT = 1.87  # plates and hose between laminar channels and turbulent bends; the rack's fit is 1.90

HEAD = 0.08  # parts from three sources, relative
TRAY_FLOW = 0.025
SPREAD_OF_TRAYS = 0.10  # "flow deviation ≤ 10 %" is what one vendor accepts
EXPONENT = 0.02
MANIFOLD_POINTS = 0.04  # of the head; the bore is an estimate
NODE_DROP = 0.20  # the specification says "about 10 psi"
CHASSIS = 0.04
RISE = 0.05


def couplings(flow: float, kv: float) -> float:
    """Drop in Pa of a pair of couplings, by hand."""
    return 1e5 * float(density(PG25, 40.0)) / 1000.0 * 2.0 * (3600.0 * flow / kv) ** 2


def nvl72(total: float = TOTAL, kv: float = 1.0) -> tuple[Flows, Array]:
    """Ladder of the rack: trays in their order from below, and their stated flows."""
    stated = np.array([COMPUTE] * 10 + [SWITCH] * 9 + [COMPUTE] * 8)
    # trays stand in parallel: what a switch tray's couplings do not take is its plates'
    switch = (TRAY_SHARE + COUPLINGS_SHARE) * BUDGET - couplings(SWITCH, kv)
    drop = np.where(stated == COMPUTE, TRAY_SHARE * BUDGET, switch)
    inside = Manifold(
        diameter=0.0409, spacing=0.048, lead=0.3, lead_loss=1.5, couplings_kv=kv / np.sqrt(2.0), valve_kv=1e3
    )
    return flows(Branches(stated, drop, PLATE_EXPONENT), inside, PG25, 40.0, 40.0, total=total), stated


def test_the_published_parts_are_the_whole() -> None:
    assert abs(TRAY_SHARE + COUPLINGS_SHARE + MANIFOLD_SHARE - 1.0) <= 1e-3
    assert pytest.approx(TOTAL, rel=0.01) == 18 * COMPUTE + 9 * SWITCH


def test_share_of_couplings_follows_from_their_class() -> None:
    low, high = (couplings(COMPUTE, kv) / BUDGET for kv in (COUPLING_KV[-1], COUPLING_KV[0]))
    assert low <= COUPLINGS_SHARE <= high
    assert pytest.approx(low, rel=0.02) == COUPLINGS_SHARE  # good couplings of the class


@pytest.mark.parametrize("kv", COUPLING_KV[1:])
def test_nvl72_head_flows_and_exponent(kv: float) -> None:
    found, stated = nvl72(kv=kv)
    head = float(found.head[0])
    assert head == pytest.approx(BUDGET, rel=HEAD)
    assert found.branch[:, 0] == pytest.approx(stated, rel=TRAY_FLOW)
    trays = found.branch[stated == COMPUTE, 0]
    assert 0.0 < trays.max() / trays.min() - 1.0 < SPREAD_OF_TRAYS
    assert 1.0 - float(found.difference.mean()) / head == pytest.approx(MANIFOLD_SHARE, abs=MANIFOLD_POINTS)
    half = float(nvl72(0.5 * TOTAL, kv)[0].head[0])
    assert np.log2(head / half) == pytest.approx(1.90, abs=EXPONENT)


def test_drop_of_a_node_is_that_of_the_rack_specification() -> None:
    """The open specification of the rack allows about 10 psi per node with one pair of couplings."""
    found, stated = nvl72(kv=1.1)
    assert float(found.difference[stated == COMPUTE].mean()) == pytest.approx(10.0 * PSI, rel=NODE_DROP)


def test_nvl4_chassis_from_one_of_its_two_pressures() -> None:
    """8 trays at 6.0 L/min: 0.70 bar; at 7.0 L/min 0.93 bar. Exponent and couplings are those of the other rack."""
    flow = 6.0 * LITRE_PER_MINUTE
    trays = Branches(np.full(8, flow), 0.70e5 - couplings(flow, 1.1), PLATE_EXPONENT)
    inside = Manifold(
        diameter=0.03, spacing=0.1, lead=0.3, lead_loss=1.5, couplings_kv=1.1 / np.sqrt(2.0), valve_kv=1e3
    )
    low, high = (
        float(flows(trays, inside, WATER, 40.0, 40.0, total=8 * q * LITRE_PER_MINUTE).head[0])
        for q in (6.0, 7.0)
    )
    assert high / low == pytest.approx(0.93 / 0.70, rel=CHASSIS)


def test_h100_tray_flow() -> None:
    """5 L/min for four GPUs of 700 W and two processors of 400 W: the 10 K of the open rule. Its drop is not published."""
    heat, flow = 4 * 700.0 + 2 * 400.0, 5.0 * LITRE_PER_MINUTE
    rise = heat / (flow * float(density(WATER, 50.0)) * float(heat_capacity(WATER, 50.0)))
    assert rise == pytest.approx(10.0, rel=RISE)
    assert 1.25 <= 5.0 / (heat / 1e3) <= 2.0  # L/min per kW
