"""Activity of every rack of a fleet, generated block by block: bounded memory for any number of racks and steps.

The values do not depend on how they are cut into blocks: events are drawn in seconds (``fleet_events``), and noise by
tiles whose size follows from the number of racks alone.

Numbers, beside those of ``twin.loads.generate``, from GPT-3 on 512 H100 (64 nodes at 2 s): spread of the nodes' means 0.7 %,
and as much noise and jitter of their clocks as leaves a mean correlation of 0.63 between nodes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from twin.files import fault
from twin.loads import fleet_events
from twin.loads.fleet_events import Run
from twin.loads.generate import BUSY_LEVEL, HOUR_S, LOADED_IDLE, PLATEAU, busy_share, dips

Array = NDArray[np.float64]
Block = NDArray[np.float32]
Kind = Literal["training", "inference", "research", "mixed"]
Provisioning = Literal["static", "parked", "off"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PROVISIONING: tuple[Provisioning, ...] = get_args(Provisioning)

DAY_S = 86400.0
TILE_VALUES = 1 << 21
BIAS = 0.007  # spread of racks' means
NOISE = 0.05  # of one rack at 2 s
NOISE_S = 2.0
JITTER_S = 0.45  # spread of racks' clocks against their job's
FINE_S = 20.0  # steps up to which the jitter shows
BATCH_SHARE = 0.6  # of the racks of a mixed site; the others serve
KEPT_WINDOWS = 3  # servers stay up for half an hour after they were last needed (estimate)
HEADROOM = 1.1  # servers up over servers busy (estimate)
OFF = -1.0  # activity of a rack that is switched off
MAX_RACKS = 100_000


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """What to generate. ``level`` is the activity of a busy rack; ``utilisation`` the busy share of batch and shared racks.

    ``provisioning``: idle racks stay up with their model loaded (static), are emptied (parked, activity 0) or switched
    off (activity -1). Raises ``InputError`` for what makes no sense.
    """

    kind: Kind
    racks: int = 100
    n: int = 8760
    step_s: float = HOUR_S
    seed: int = 0
    start_hour: float = 0.0
    level: float | None = None
    utilisation: float | None = None
    provisioning: Provisioning = "static"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise fault("generate", f"'{self.kind}'", " or ".join(KINDS), "choose one")
        if self.provisioning not in PROVISIONING:
            raise fault("provisioning", f"'{self.provisioning}'", " or ".join(PROVISIONING), "choose one")
        for name, value, low, high in (
            ("racks", self.racks, 1, MAX_RACKS),
            ("steps", self.n, 1, 1e9),
            ("step", self.step_s, 0.1, 86400.0),
            ("seed", self.seed, 0, 2**63),
            ("level", self.busy, LOADED_IDLE, 1.0),
            ("utilisation", self.share, 0.01, 0.95),
        ):
            if not low <= value <= high:
                raise fault(name, f"{value:g}", f"{low:g} to {high:g}", "choose one in that range")

    @property
    def busy(self) -> float:
        """Activity of a busy rack."""
        if self.level is not None:
            return self.level
        return BUSY_LEVEL if self.kind == "inference" else PLATEAU

    @property
    def share(self) -> float:
        """Busy share of racks with batch or shared work."""
        if self.utilisation is not None:
            return self.utilisation
        return 0.35 if self.kind == "research" else 0.68

    @property
    def span_s(self) -> float:
        """Length, s."""
        return self.n * self.step_s


def blocks(fleet: Fleet, steps: int | None = None) -> Iterator[Block]:
    """Activity, shape (racks, up to ``steps``), of one stretch of time after the other; any ``steps`` give the same values."""
    if steps is None:
        yield from _tiles(fleet)
        return
    kept: list[Block] = []
    size = 0
    for tile in _tiles(fleet):
        kept.append(tile)
        size += tile.shape[1]
        while size >= steps:
            whole = np.concatenate(kept, axis=1) if len(kept) > 1 else kept[0]
            yield whole[:, :steps]
            kept, size = [whole[:, steps:]], size - steps
    if size:
        yield np.concatenate(kept, axis=1)


def whole(fleet: Fleet) -> Block:
    """All at once, shape (racks, n): for small fleets."""
    return np.concatenate(list(_tiles(fleet)), axis=1)


def site_mean(fleet: Fleet) -> Array:
    """Mean over all racks per step, shape (n,); racks that are off count as 0."""
    return np.concatenate([np.maximum(tile, 0.0).mean(axis=0, dtype=np.float64) for tile in _tiles(fleet)])


def _tiles(fleet: Fleet) -> Iterator[Block]:
    width = max(1, TILE_VALUES // fleet.racks)
    rng = np.random.default_rng([fleet.seed, 8])
    bias = (1.0 + BIAS * rng.standard_normal(fleet.racks)).astype(np.float32)
    jitter = JITTER_S * rng.standard_normal(fleet.racks)
    batch = {"inference": 0, "mixed": round(BATCH_SHARE * fleet.racks)}.get(fleet.kind, fleet.racks)
    runs = _runs(fleet, batch)
    servers = _Servers(fleet, fleet.racks - batch) if batch < fleet.racks else None
    active: list[Run] = []
    upcoming = 0
    for number, first in enumerate(range(0, fleet.n, width)):
        m = min(width, fleet.n - first)
        edges: Array = (first + np.arange(m + 1, dtype=np.float64)) * fleet.step_s
        tile = np.empty((fleet.racks, m), dtype=np.float32)
        idle = LOADED_IDLE if fleet.kind == "training" and fleet.provisioning == "static" else 0.0
        tile[:batch] = idle
        while upcoming < len(runs) and runs[upcoming].start < edges[-1]:
            active.append(runs[upcoming])
            upcoming += 1
        active = [run for run in active if run.end > edges[0]]
        for run in active:
            _work(tile, edges, run, idle, fleet, jitter)
        if servers is not None:
            servers.serve(tile[batch:], edges)
        _noise(tile, np.random.default_rng([fleet.seed, 9, number]), bias, fleet.step_s)
        if fleet.provisioning == "off":
            tile[tile == 0.0] = OFF
        yield tile


def _runs(fleet: Fleet, batch: int) -> list[Run]:
    if fleet.kind == "training":
        return fleet_events.synchronous(batch, fleet.span_s, fleet.seed)
    if fleet.kind == "research":
        return fleet_events.shared(batch, fleet.span_s, fleet.seed, fleet.share)
    return fleet_events.scheduled(batch, fleet.span_s, fleet.seed, fleet.share) if batch else []


def _work(tile: Block, edges: Array, run: Run, idle: float, fleet: Fleet, jitter: Array) -> None:
    """Add one run to its racks, exact where it starts or ends within a step."""
    step = fleet.step_s
    low = max(int((run.start - edges[0]) // step), 0)
    high = min(int(-((edges[0] - run.end) // step)), tile.shape[1])
    if high <= low:
        return
    at = edges[low : high + 1]
    cover = np.diff(np.clip(at, run.start, run.end)) / step
    level = (
        fleet.busy * run.level if fleet.kind != "mixed" or fleet.level is not None else PLATEAU * run.level
    )
    if run.large and step <= FINE_S:
        shifted = at[None, :] + run.phase + jitter[run.racks, None]
        values = level * dips(shifted)
    elif run.large:
        values = (level * dips(at + run.phase))[None, :]
    else:
        values = np.full((1, high - low), level)
    added = ((values - idle) * cover).astype(np.float32)
    if run.racks.size == tile.shape[0]:
        tile[:, low:high] += added
    elif run.racks.size == run.racks[-1] - run.racks[0] + 1:
        tile[run.racks[0] : run.racks[-1] + 1, low:high] += added
    else:
        tile[run.racks, low:high] += added


def _noise(tile: Block, rng: np.random.Generator, bias: NDArray[np.float32], step_s: float) -> None:
    """Spread of racks and white noise that averages out with the step; within 0 and 1.

    Drawn step by step, so that a fleet that ends within a tile has the same values as a longer one.
    """
    noise = rng.standard_normal(tile.shape[::-1], dtype=np.float32)
    noise *= np.float32(NOISE * min(1.0, NOISE_S / step_s) ** 0.5)
    noise += bias
    tile *= noise.T
    np.clip(tile, 0.0, 1.0, out=tile)


class _Servers:
    """Racks that answer requests: as many are busy as requests ask for, in an order that moves on every day."""

    def __init__(self, fleet: Fleet, racks: int) -> None:
        self.fleet = fleet
        self.order = np.random.default_rng([fleet.seed, 10]).permutation(racks)
        self.seconds, share = busy_share(fleet.span_s, fleet.seed, fleet.start_hour)
        needed = share * racks
        kept = np.lib.stride_tricks.sliding_window_view(
            np.concatenate((np.full(KEPT_WINDOWS, needed[0]), needed, needed[-1:])), KEPT_WINDOWS + 2
        ).max(axis=1)
        self.up = np.minimum(np.ceil(HEADROOM * kept), racks)
        width = self.seconds[1] - self.seconds[0]
        self.total = np.concatenate(([0.0], np.cumsum(needed) * width))
        self.level = fleet.level if fleet.level is not None else BUSY_LEVEL

    def serve(self, tile: Block, edges: Array) -> None:
        """Fill in the racks' activity."""
        racks = self.order.size
        needed = np.diff(np.interp(edges, self.seconds, self.total)) / np.diff(edges)
        day = (edges[:-1] // DAY_S).astype(np.int64)
        moved = max(1, racks // 7)
        for one in np.unique(day):
            at = slice(*np.searchsorted(day, [one, one + 1]))
            rank = ((self.order + one * moved) % racks).astype(np.float32)[:, None]
            busy = needed[None, at].astype(np.float32) - rank
            np.clip(busy, 0.0, 1.0, out=busy)
            busy *= np.float32(self.level - LOADED_IDLE)
            busy += np.float32(LOADED_IDLE)
            if self.fleet.provisioning != "static":
                window = np.minimum(
                    (edges[:-1][at] / (self.seconds[1] - self.seconds[0])).astype(np.int64), self.up.size - 1
                )
                down = rank >= self.up[window][None, :]
                busy[down] = 0.0
            tile[:, at] = busy
