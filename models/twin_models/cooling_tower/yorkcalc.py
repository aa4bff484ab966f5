"""YorkCalc: approach of an open counterflow tower as a polynomial of liquid-to-gas ratio, range and wet bulb.

    approach = Σ c[k, m, n] · LG^k · range^m · wet_bulb^n,    k, m, n = 0, 1, 2

``LG`` is the water flow ratio over the air flow ratio. Coefficients and ranges are those that EnergyPlus
states in its documentation of ``CoolingTower:VariableSpeed``. The sum is quadratic in the range and in LG,
so both the leaving water (given LG) and LG (given the leaving water) have closed forms.

Outside its range the polynomial leaves physics: it may fall below the wet bulb, or cool better with less
air. There the model continues so that the range over the distance to the wet bulb (the effectiveness) stays
at the edge's value, and an approach below the lowest stated one goes to zero exponentially instead of
through it.
"""

from typing import Any

import numpy as np

from twin_models.streams import Bound, Real

COEFFICIENTS = np.array(
    [
        [-0.359741205, -0.055053608, 0.0023850432],
        [0.173926877, -0.0248473764, 0.00048430224],
        [-0.005589849456, 0.0005770079712, -0.00001342427256],
        [2.84765801111111, -0.121765149, 0.0014599242],
        [1.680428651, -0.0166920786, -0.0007190532],
        [-0.025485194448, 0.0000487491696, 0.00002719234152],
        [-0.0653766255555556, -0.002278167, 0.0002500254],
        [-0.0910565458, 0.00318176316, 0.000038621772],
        [-0.0034285382352, 0.00000856589904, -0.000001516821552],
    ]
)  # rows: (k, m) with m fastest; columns: n
WET_BULB = (-34.4, 29.4444)  # °C
RANGE = (1.1111, 22.2222)  # K
APPROACH = (1.1111, 40.0)  # K
WATER_RATIO = (0.75, 1.25)
HIGHEST_LIQUID_GAS = 8.0
# Beyond this LG the polynomial turns round within its stated range (less air, better cooling): its highest
# usable range falls from 22.2 K by this many K per unit of LG. Found by scanning the polynomial.
TURNING_LIQUID_GAS = 1.5
TURNING_SLOPE = 2.5
LEAST_RANGE = 0.05  # K, lowest edge where the approach reaches 40 K at almost no range (below -30 °C)
NEWTON_STEPS = 5


def approach(liquid_gas: Real, cooling: Real, wet_bulb: Real) -> Any:
    """Approach, K, of the bare polynomial; ``cooling`` is the range, K, ``wet_bulb`` in °C."""
    c = _in_wet_bulb(wet_bulb)
    r0, r1, r2 = (_horner(liquid_gas, c[m], c[3 + m], c[6 + m]) for m in range(3))
    return _horner(cooling, r0, r1, r2)


def cooling_range(liquid_gas: Real, wet_bulb: Real, lift: Real, coil: Real = 0.0) -> Any:
    """Range, K, of a tower whose water enters ``lift`` K above the wet bulb.

    Solves ``range·(1 + coil) + approach(LG, range) = lift``; ``coil`` is the coil's temperature difference
    over the range (0 in an open circuit). Falls when LG rises, rises with the lift, is 0 where the lift is
    not positive.
    """
    lg, wb, lift, coil = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (liquid_gas, wet_bulb, lift, coil))
    )
    c = _in_wet_bulb(wb)
    r0, r1, r2 = (_horner(lg, c[m], c[3 + m], c[6 + m]) for m in range(3))
    cooled = np.asarray(_small_root(r2, r1 + 1.0 + coil, r0 - lift))
    reached = lift - cooled * (1.0 + coil)
    top = _highest_range(lg)
    inside = (cooled >= RANGE[0]) & (cooled <= top) & (reached >= APPROACH[0]) & (reached <= APPROACH[1])
    if inside.all():
        return cooled
    out = ~inside
    cooled[out] = _outside(r0[out], r1[out], r2[out], lift[out], coil[out], top[out])
    return cooled


def liquid_gas(cooling: Real, reached: Real, wet_bulb: Real) -> tuple[Any, Any]:
    """LG that cools by ``cooling`` K to an approach of ``reached`` K, and whether it is exact.

    The inverse of :func:`cooling_range`, between 1e-3 and 8; not exact beyond the turning point, where the
    caller refines it.
    """
    cooling = np.maximum(cooling, 1e-9)
    reached = np.maximum(reached, 1e-9)
    scale = np.minimum(np.minimum(RANGE[1] / cooling, APPROACH[1] / reached), 1.0)
    scale = np.where(cooling * scale < RANGE[0], RANGE[0] / cooling, scale)
    cooling, reached = cooling * scale, reached * scale
    low, high = APPROACH
    bare = np.where(reached < low, low * (1.0 + np.log(np.minimum(reached, low) / low)), reached)
    c = _in_wet_bulb(wet_bulb)
    q0, q1, q2 = (_horner(cooling, c[3 * k], c[3 * k + 1], c[3 * k + 2]) for k in range(3))
    lg = np.clip(_small_root(q2, q1, q0 - bare), 1e-3, HIGHEST_LIQUID_GAS)
    return lg, (cooling <= _highest_range(lg) + 1e-9) & (reached <= high + 1e-9)


def bounds(
    wet_bulb: Real, cooling: Real, reached: Real, water_ratio: Real, liquid_gas: Real
) -> tuple[Bound, ...]:
    """Ranges that the source of the correlation states, and where its polynomial turns round within them."""
    return (
        Bound("wet bulb", wet_bulb, *WET_BULB, "degC"),
        Bound("cooling range", cooling, *RANGE, "K"),
        Bound("approach", reached, *APPROACH, "K"),
        Bound("water flow over design", water_ratio, *WATER_RATIO, "1"),
        Bound("liquid-to-gas ratio", liquid_gas, -np.inf, HIGHEST_LIQUID_GAS, ""),
        Bound(
            "cooling range beyond the turning point", cooling - _highest_range(liquid_gas), -np.inf, 0.0, "K"
        ),
    )


def _in_wet_bulb(wet_bulb: Real) -> Any:
    """The nine coefficients (k, m) at a wet bulb held at the edges of its range, shape (9, ...)."""
    t = np.clip(np.asarray(wet_bulb, dtype=float), *WET_BULB)
    powers = np.ones((3, t.size))
    powers[1] = t.ravel()
    np.multiply(powers[1], powers[1], out=powers[2])
    return (COEFFICIENTS @ powers).reshape(-1, *t.shape)


def _highest_range(lg: Any) -> Any:
    return RANGE[1] - TURNING_SLOPE * np.maximum(lg - TURNING_LIQUID_GAS, 0.0)


def _outside(r0: Any, r1: Any, r2: Any, lift: Any, coil: Any, top: Any) -> Any:
    """Continuation beyond the edges; all arguments are 1-d."""
    steepest = _small_root(r2, r1, r0 - APPROACH[1])
    steepest = np.where(r0 >= APPROACH[1], 0.0, np.where(steepest > 0.0, steepest, RANGE[1]))
    high = np.maximum(np.minimum(top, steepest), LEAST_RANGE)
    low = np.minimum(RANGE[0], high)
    at_high, at_low = (_tamed(_horner(edge, r0, r1, r2))[0] for edge in (high, low))
    held_low = np.maximum(lift, 0.0) / (1.0 + coil + at_low / low)
    held_high = np.maximum(lift, 0.0) / (1.0 + coil + at_high / high)
    cooled = np.clip(_small_root(r2, r1 + 1.0 + coil, r0 - lift), low, high)
    for _ in range(NEWTON_STEPS):
        reached, slope = _tamed(_horner(cooled, r0, r1, r2))
        rise = 1.0 + coil + slope * (r1 + 2.0 * r2 * cooled)
        cooled = np.clip(cooled - (cooled * (1.0 + coil) + reached - lift) / np.maximum(rise, 0.1), low, high)
    return np.where(held_low <= low, held_low, np.where(held_high >= high, held_high, cooled))


def _tamed(reached: Any) -> tuple[Any, Any]:
    """Approach kept between 0 and its highest value, fading below the lowest; and its slope to the bare."""
    low, high = APPROACH
    fade = np.exp(np.minimum(reached - low, 0.0) / low)
    return np.minimum(np.where(reached < low, low * fade, reached), high), fade


def _horner(x: Any, a: Any, b: Any, c: Any) -> Any:
    return a + x * (b + x * c)


def _small_root(a: Any, b: Any, c: Any) -> Any:
    """Root of ``a·x² + b·x + c`` nearest zero, for b > 0, in the form that bears a = 0."""
    return -2.0 * c / (b + np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0)))
