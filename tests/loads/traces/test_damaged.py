"""Whatever a damaged log holds, it is read or refused in words: no other exception, no warning."""

from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError

from twin.loads.read import load_trace
from twin.loads.traces.inspect import inspect_trace

HEADS = {
    "nvidia-smi": "timestamp, index, power.draw [W]\n",
    "dmon": "# gpu    pwr     sm\n# Idx      W      %\n",
    "dcgmi": "#Entity   POWER  GPUTL\nID    W\n",
    "exporter": "# TYPE DCGM_FI_DEV_POWER_USAGE gauge\n",
    "mllog": "",
    "ipmi": "",
}


def lines(name: str) -> list[str]:
    """Forty rounds of two cards."""
    rows = {
        "nvidia-smi": "2025/07/26 23:32:{s:02d}.703, {g}, {w}.25 W",
        "dmon": "    {g}   {w}    99",
        "dcgmi": "GPU {g}     {w}.5   99",
        "exporter": 'DCGM_FI_DEV_POWER_USAGE{{gpu="{g}",Hostname="n"}} {w}.5 17535727{s:02d}000',
        "mllog": ':::MLLOG {{"time_ms": 17535727{s:02d}000, "key": "power_reading", "value": {w}, "metadata": {{"host": "n{g}"}}}}',
        "ipmi": "Timestamp: 2025-06-03 00:{s:02d}:01 UTC\nSys Power | {w} Watts | ok",
    }
    return [rows[name].format(s=s, g=g, w=100 + s + g) for s in range(40) for g in range(2)]


@pytest.mark.parametrize("name", HEADS)
def test_damaged_logs_are_read_or_refused(name: str, tmp_path: Path) -> None:
    path, rng = tmp_path / "log", np.random.default_rng(11)
    whole = (HEADS[name] + "\n".join(lines(name)) + "\n").encode()
    read = 0
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(int(rng.integers(1, 12))):
            place, length = int(rng.integers(0, len(data))), int(rng.integers(0, 30))
            choice = int(rng.integers(0, 4))
            if choice == 0:
                data[place : place + length] = b""
            elif choice == 1:
                data[place : place + 1] = bytes([int(rng.integers(1, 256))])
            elif choice == 2:
                data[place:place] = bytes(data[place : place + length])
            else:
                data[place:place] = rng.choice(
                    [b"NaN", b"1e999", b"-", b'"', b"{", b"#", b"\n", b"99999999999999999999"]
                )
        path.write_bytes(bytes(data))
        for reader in (inspect_trace, load_trace):
            try:
                reader(path)
                read += 1
            except InputError as error:
                for problem in error.problems:
                    assert problem.where
                    assert problem.found
                    assert problem.allowed
    assert read >= 10
