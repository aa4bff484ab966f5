"""Racks within a step, compiled: what `course.expected` and `within.follow` do with numpy, in one pass over their arrays.

Only `twin.transients.fused` imports this file, where numba is installed. Every inner loop writes one array, so that it runs
in vector registers; nothing is reordered and there is one thread, so that a run repeats to the last bit.
"""

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import config, njit
from twin_models.streams import Array

Kernel = TypeVar("Kernel", bound=Callable[..., object])
HOMES = "UserProvidedCacheLocator,UserWideCacheLocator"  # NUMBA_CACHE_DIR, or the user's cache folder
BLOCK = 256  # rows worked out together: what is kept of them between loops stays in the fastest cache
FARTHEST = 700.0  # exponents beyond it are cut: the largest and smallest numbers that there are


def compiled(function: Kernel) -> Kernel:
    """The function in machine code, kept between runs outside the folder in which this package is installed."""
    asked = getattr(config, "CACHE_LOCATOR_CLASSES", "")
    config.CACHE_LOCATOR_CLASSES = asked or HOMES
    try:
        return cast(Kernel, njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # no such folder can be written: compiled anew by each run
        return cast(Kernel, njit(error_model="numpy")(function))
    finally:
        config.CACHE_LOCATOR_CLASSES = asked


@compiled
def exponential(x: float) -> float:
    """e^x in arithmetic alone, which goes into vector registers: 2^n times the Taylor series on ±ln 2 / 2, to two units in the
    last place."""
    x = min(max(x, -FARTHEST), FARTHEST)
    n = math.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return float(p * np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64))


@compiled
def links(
    share: Array,
    activity: Array,
    reference: Array,
    growth: Array,
    ramp: float,
    fan: Array,
    lines: Array,
    node: Array,
    shelf: Array,
    found: Array,
    means: Array,
) -> None:
    """`rack.around` of packages at a temperature: the chain of parts, converters and shelves, and its means over the spans.

    ``share`` of each span in the step; ``activity`` and ``reference`` (W) of shape (spans, rows); ``growth`` of power with the
    rows' temperature; ``ramp`` of the fans by inlet air, 0 to 1. ``fan``, ``lines``, ``node`` and ``shelf`` are `fused.Constants`.
    ``found`` of shape (5, spans, rows), or (4, …) where no loss goes into liquid, takes power of packages, power at the feed, heat
    into liquid and the slopes of both; ``means`` of shape (8, rows) takes those, air speed, and the products of either slope with the power of packages.
    """
    spans, rows = activity.shape
    inner, gain, speed, out = np.empty(BLOCK), np.zeros(BLOCK), np.zeros(BLOCK), np.empty(BLOCK)
    warms = found.shape[0] > 4
    means[:] = 0.0
    for low in range(0, rows, BLOCK):
        high = min(low + BLOCK, rows)
        size = high - low
        for i in range(spans):
            s = share[i]
            a, ref, grown, power, feed = (
                activity[i, low:high],
                reference[i, low:high],
                growth[low:high],
                found[0, i, low:high],
                found[1, i, low:high],
            )
            heat, slope = found[2, i, low:high], found[3, i, low:high]
            for r in range(size):
                power[r] = ref[r] * grown[r]
            for r in range(size):
                inner[r] = lines[0] + lines[1] * a[r] + power[r]
            for r in range(size):
                heat[r] = lines[2] + lines[3] * a[r]
            if node[0] > 0.0:
                for r in range(size):
                    x = inner[r]
                    gain[r] = node[2] + x * (2.0 * node[3] + 3.0 * node[4] * x)
                for r in range(size):
                    x = inner[r]
                    out[r] = node[1] + x * (node[2] + x * (node[3] + node[4] * x))
                for r in range(size):
                    heat[r] += node[5] * out[r]
                for r in range(size):
                    inner[r] += out[r]
            if fan[0] > 0.0:
                for r in range(size):
                    cool = fan[1] + fan[2] * min(a[r], 1.0)
                    speed[r] = cool + (1.0 - cool) * ramp
            for r in range(size):
                out[r] = inner[r] + fan[0] * (speed[r] * speed[r] * speed[r]) + (lines[4] + lines[5] * a[r])
            for r in range(size):
                x = out[r]
                slope[r] = shelf[2] + x * (2.0 * shelf[3] + 3.0 * shelf[4] * x)  # of the shelves alone
            for r in range(size):
                x = out[r]
                feed[r] = shelf[1] + x * (shelf[2] + x * (shelf[3] + shelf[4] * x))
            if warms:
                warm = found[4, i, low:high]
                for r in range(size):
                    warm[r] = node[5] * gain[r] + shelf[5] * slope[r] * (1.0 + gain[r])
                for r in range(size):
                    heat[r] += shelf[5] * feed[r]
            for r in range(size):
                slope[r] = (1.0 + gain[r]) * (1.0 + slope[r])
            for r in range(size):
                feed[r] += out[r]
            for k in range(found.shape[0]):
                of, mean = found[k, i, low:high], means[k, low:high]
                for r in range(size):
                    mean[r] += s * of[r]
            mean = means[5, low:high]
            for r in range(size):
                mean[r] += s * speed[r]
            mean = means[6, low:high]
            for r in range(size):
                mean[r] += s * (slope[r] * power[r])
            if warms:
                warm, mean = found[4, i, low:high], means[7, low:high]
                for r in range(size):
                    mean[r] += s * (warm[r] * power[r])


@compiled
def path(
    spans: Array,
    reference: Array,
    conductance: Array,
    power: Array,
    parts: Array,
    slope: Array,
    warm: Array,
    warms: bool,
    leak: Array,
    into_liquid: float,
    inside: tuple[float, float],
    liquid: tuple[float, float],
    last: Array,
    mass: Array,
    coolant_mass: Array,
    rate: Array,
    chips: Array,
    outs: Array,
    means: Array,
) -> None:
    """`within.follow` for racks with packages and coolant.

    ``spans`` s; ``reference`` (W), ``power`` of packages around which racks are expanded, heat of ``parts`` into liquid, ``slope``
    of power at the feed and ``warm`` of that heat (read where it ``warms``), of shape (spans, rows) or all with one row; ``conductance`` (W/K) either;
    ``leak`` share, coefficient, reference and highest temperature of leakage; ``into_liquid`` share of the packages'
    heat; ``inside`` and ``liquid`` °C that enter packages and coolant at both ends of the step; ``last`` where packages about
    end; masses J/K and ``rate`` W/K by rows. ``chips`` and ``outs`` of shape (spans + 1, rows) begin with the present
    temperatures; ``means`` of shape (2, rows) takes power at the feed beyond what it is around ``power``, and heat into the
    coolant.
    """
    n, rows = spans.size, last.size
    whole = spans.sum()
    climb, rising = (inside[1] - inside[0]) / whole, (liquid[1] - liquid[0]) / whole
    each, own = 1 if reference.shape[0] > 1 else 0, 1 if conductance.shape[0] > 1 else 0
    part, k, cool, top = leak[0], leak[1], leak[2], leak[3]
    leaks, inverse, decay, drive = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    more, heat, kept = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    means[:] = 0.0
    for low in range(0, rows, BLOCK):
        high = min(low + BLOCK, rows)
        size = high - low
        first, about, c, rest = chips[0, low:high], last[low:high], mass[low:high], rate[low:high]
        time, by_mass, by_rate = coolant_mass[low:high] / rest, 1.0 / c, 1.0 / rest
        fed, given = means[0, low:high], means[1, low:high]
        at = 0.0
        for i in range(n):
            dt, j = spans[i], each * i
            middle, share, per = (at + 0.5 * dt) / whole, dt / whole, 1.0 / dt
            inlet, entering = inside[0] + climb * (at + dt), liquid[0] + rising * at
            at += dt
            ref, g, around, beside = (
                reference[j, low:high],
                conductance[own * i, low:high],
                power[j, low:high],
                parts[j, low:high],
            )
            by_feed, by_liquid = slope[j, low:high], warm[j if warms else 0, low:high]
            now, then = chips[i, low:high], chips[i + 1, low:high]
            for r in range(size):
                guess = first[r] + (about[r] - first[r]) * middle
                leaks[r] = ref[r] * (part * exponential(k * (min(guess, top) - cool)))
            for r in range(size):
                inverse[r] = 1.0 / (g[r] - k * leaks[r])
            for r in range(size):
                decay[r] = exponential((k * leaks[r] - g[r]) * (dt * by_mass[r]))
            for r in range(size):
                guess = first[r] + (about[r] - first[r]) * middle
                drive[r] = ref[r] * (1.0 - part) + leaks[r] - k * leaks[r] * guess + g[r] * inlet
            for r in range(size):
                target = (drive[r] - climb * c[r] * g[r] * inverse[r]) * inverse[r]
                then[r] = target - (target - climb * dt * g[r] * inverse[r] - now[r]) * decay[r]
            for r in range(size):
                warmed = c[r] * (then[r] - now[r]) * per
                mean = (drive[r] - 0.5 * climb * dt * g[r] - warmed) * inverse[r]
                more[r] = drive[r] - g[r] * inlet + k * leaks[r] * mean  # power of packages
            for r in range(size):
                heat[r] = beside[r] + into_liquid * (more[r] - c[r] * (then[r] - now[r]) * per)
            for r in range(size):
                more[r] -= around[r]
            if warms:
                for r in range(size):
                    heat[r] += by_liquid[r] * more[r]
            for r in range(size):
                fed[r] += share * (by_feed[r] * more[r])
            for r in range(size):
                given[r] += share * heat[r]
            if i == 0 or dt != spans[i - 1]:
                for r in range(size):
                    kept[r] = exponential(-dt / time[r])
            now, then = outs[i, low:high], outs[i + 1, low:high]
            for r in range(size):
                gone = 1.0 - kept[r]
                pushed = (entering + heat[r] * by_rate[r]) * gone + rising * (dt - time[r] * gone)
                then[r] = pushed + kept[r] * now[r]
