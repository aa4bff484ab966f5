"""What a generated fleet looks like, found while it streams by; and writing it to a file, whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.files import fault
from twin.loads.fleet import Block, Fleet, blocks
from twin.store import check_target

Array = NDArray[np.float64]
SUFFIXES = (".csv", ".npy", ".parquet")
CSV_VALUES = 50_000_000
BUSY = 0.2  # activity from which on a rack counts as busy: well above a loaded idle of 0.08
CHUNK_VALUES = 1 << 20
START = np.datetime64("2023-01-01T00:00:00", "s")


@dataclass(frozen=True)
class FleetReport:
    """Activity of a fleet in numbers: of the mean over its racks unless it says rack. Undefined is None."""

    kind: str
    racks: int
    steps: int
    step_s: float
    seed: int
    provisioning: str
    mean: float
    lowest: float
    highest: float
    p95: float
    variation: float | None  # standard deviation over mean
    largest_step: float  # between neighbouring steps
    coincidence: float | None  # highest mean over the mean of the racks' own highest
    busy_share: float  # of rack-steps
    off_share: float
    rack_mean_low: float
    rack_mean_high: float
    autocorrelation_step: float | None
    autocorrelation_day: float | None

    def json(self) -> dict[str, Any]:
        """The numbers as plain values, safe for JSON."""
        return asdict(self)


class Tally:
    """Sums over the blocks of a fleet; memory for one value per step and per rack."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.site: list[Array] = []
        self.rack_sum = np.zeros(fleet.racks)
        self.rack_top = np.zeros(fleet.racks)
        self.busy = self.off = 0

    def add(self, block: Block) -> None:
        """Take up the next block."""
        self.busy += int(np.count_nonzero(block > BUSY))
        off = int(np.count_nonzero(block < 0.0))
        self.off += off
        drawn = np.maximum(block, 0.0) if off else block
        self.site.append(drawn.mean(axis=0, dtype=np.float64))
        self.rack_sum += drawn.sum(axis=1, dtype=np.float64)
        np.maximum(self.rack_top, drawn.max(axis=1), out=self.rack_top)

    def report(self) -> FleetReport:
        """What came by."""
        fleet, site = self.fleet, np.concatenate(self.site)
        values = fleet.racks * fleet.n
        day = round(86400.0 / fleet.step_s)
        each = self.rack_sum / fleet.n
        mean, top = float(site.mean()), float(self.rack_top.mean())
        return FleetReport(
            fleet.kind, fleet.racks, fleet.n, fleet.step_s, fleet.seed, fleet.provisioning,
            mean, float(site.min()), float(site.max()), float(np.percentile(site, 95.0)),
            float(site.std()) / mean if mean > 0.0 else None,
            float(np.abs(np.diff(site)).max()) if site.size > 1 else 0.0,
            float(site.max()) / top if top > 0.0 else None,
            self.busy / values, self.off / values, float(each.min()), float(each.max()),
            autocorrelation(site, 1), autocorrelation(site, day),
        )  # fmt: skip


def autocorrelation(values: Array, lag: int) -> float | None:
    """Correlation of a series with itself ``lag`` steps later; None where that is not defined."""
    if not 1 <= lag < values.size - 1:
        return None
    early, late = values[:-lag] - values[:-lag].mean(), values[lag:] - values[lag:].mean()
    scale = float(np.sqrt((early**2).sum() * (late**2).sum()))
    return float((early * late).sum()) / scale if scale > 0.0 else None


def survey(fleet: Fleet) -> FleetReport:
    """Generate a fleet and keep only what it looks like."""
    tally = Tally(fleet)
    for block in blocks(fleet):
        tally.add(block)
    return tally.report()


def write(fleet: Fleet, path: str | Path, group: str = "compute") -> FleetReport:
    """Write the activity of every rack: ``.npy`` of shape (racks, n) and 4 bytes; ``.csv`` or ``.parquet`` with
    columns time, device (``group.1`` …) and activity, which ``load_trace`` reads. Racks that are off have activity -1.

    Raises
    ------
    InputError
        For another suffix, a place that cannot be written, or a table too long for text.
    """
    target = check_target(path, SUFFIXES)
    if target.suffix == ".csv" and fleet.racks * fleet.n > CSV_VALUES:
        found = f"{fleet.racks * fleet.n:,} values"
        raise fault(f"--out {path}", found, f"{CSV_VALUES:,} in a text table", "write .npy or .parquet")
    tally = Tally(fleet)
    handle, name = tempfile.mkstemp(suffix=target.suffix, dir=target.resolve().parent, prefix=".twin-")
    os.close(handle)
    temporary = Path(name)
    try:
        {".npy": _npy, ".csv": _csv, ".parquet": _parquet}[target.suffix](temporary, fleet, tally, group)
        temporary.replace(target)
    except OSError as error:
        raise fault(
            f"--out {path}", f"cannot be written: {error}", "a place with room and permission"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return tally.report()


def _npy(path: Path, fleet: Fleet, tally: Tally, group: str) -> None:
    del group
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(fleet.racks, fleet.n))
    first = 0
    for block in blocks(fleet):
        tally.add(block)
        file[:, first : first + block.shape[1]] = block
        first += block.shape[1]
    file.flush()


def _csv(path: Path, fleet: Fleet, tally: Tally, group: str) -> None:
    names = _names(fleet, group)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("time,device,activity\n")
        for stamps, block in _stamped(fleet, tally):
            for stamp, column in zip(stamps, block.T, strict=True):
                file.writelines(
                    f"{stamp},{name},{value:.4g}\n" for name, value in zip(names, column, strict=True)
                )


def _parquet(path: Path, fleet: Fleet, tally: Tally, group: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(_names(fleet, group))
    kind = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([("time", pa.timestamp("ms")), ("device", kind), ("activity", pa.float32())])
    with pq.ParquetWriter(path, schema) as writer:
        for stamps, block in _stamped(fleet, tally):
            steps = stamps.size
            device = pa.DictionaryArray.from_arrays(
                np.tile(np.arange(fleet.racks, dtype=np.int32), steps), names
            )
            when = pa.array(np.repeat(stamps.astype("datetime64[ms]"), fleet.racks))
            writer.write_table(pa.table([when, device, pa.array(block.T.ravel())], schema=schema))


def _names(fleet: Fleet, group: str) -> list[str]:
    return [f"{group}.{number}" for number in range(1, fleet.racks + 1)]


def _stamped(fleet: Fleet, tally: Tally) -> Iterable[tuple[NDArray[np.datetime64], Block]]:
    first = 0
    for block in blocks(fleet, max(1, CHUNK_VALUES // fleet.racks)):
        tally.add(block)
        at = (np.arange(first, first + block.shape[1]) * fleet.step_s * 1e3).round().astype("timedelta64[ms]")
        yield START.astype("datetime64[ms]") + at, block
        first += block.shape[1]
