"""Bad input at the command line: exit code 2, one clear message on stderr, nothing on stdout, nothing on disk."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

Cli = Callable[..., "tuple[int, str, str]"]

SITE = """
name: small
racks:
  a: {system: nvidia-hgx-h100-air, count: 4, fed_by: {pdu: 1}, heat_to: {air: hall}}
hall:
  supply: 24 degC
  crah:
    use: vertiv-pw170
    count: 4
    fed_by: {pdu: 1}
    heat_to: {heat: chw, fan: hall}
cooling:
  chw:
    supply: 18 degC
    chiller:
      use: carrier-30xa280
      count: 2
      fed_by: {pdu: 1}
      heat_to: {heat: outdoors}
power:
  utility: {kind: utility}
  pdu:
    use: pdu-efficient-300
    count: 4
    fed_by: {utility: 1}
    heat_to: {loss: hall}
house: {fed_by: {pdu: 1}, heat_to: {heat: outdoors}}
"""


def weather(rows: int = 8760, gap: slice = slice(0, 0), value: str = "") -> str:
    times = pd.date_range("2023-01-01", periods=rows, freq="h")
    lines = [f"{t:%Y-%m-%d %H:%M},{15 + t.hour / 3:.1f},50,1000" for t in times]
    for i in range(*gap.indices(rows)):
        lines[i] = f"{times[i]:%Y-%m-%d %H:%M},{value},50,1000"
    return "# altitude: 100\n# utc_offset: -5\ntime,temp [degC],rh [%],pressure [hPa]\n" + "\n".join(lines)


def trace(power: str = "80", rows: int = 400, gap: slice = slice(0, 0), unit: str = "kW") -> str:
    times = pd.date_range("2023-01-01", periods=rows, freq="h")
    kept = [t for i, t in enumerate(times) if i not in range(*gap.indices(rows))]
    return f"time,power [{unit}]\n" + "\n".join(f"{t:%Y-%m-%dT%H:%M:%S},{power}" for t in kept)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "gap.csv").write_text(weather(gap=slice(100, 105)))
    (tmp_path / "short-gap.csv").write_text(weather(gap=slice(100, 103)))
    (tmp_path / "words.csv").write_text(weather(gap=slice(100, 101), value="warm"))
    (tmp_path / "nan.csv").write_text(weather(gap=slice(100, 130), value="nan"))
    (tmp_path / "hot.csv").write_text(weather(gap=slice(100, 101), value="400"))
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("time,temp [degC],rh [%]\n")
    (tmp_path / "binary.epw").write_bytes(bytes(range(256)) * 40)
    head = "LOCATION,A,B,C,TMY3,1,40,-80,-5,100\nDESIGN CONDITIONS,0\nTYPICAL/EXTREME PERIODS,0\nGROUND TEMPERATURES,0\n"
    head += (
        "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0\nCOMMENTS 1\nCOMMENTS 2\nDATA PERIODS,1,1,Data,Sunday,1/1,12/31\n"
    )
    hours = pd.date_range("2023-01-01", periods=100, freq="h")
    rows = (f"2023,{t.month},{t.day},{t.hour + 1},0,?9,5,1,60,99000," + ",".join("0" * 25) for t in hours)
    (tmp_path / "short.epw").write_text(head + "\n".join(rows))
    (tmp_path / "negative.csv").write_text(trace("-5"))
    (tmp_path / "over.csv").write_text(trace("900"))
    (tmp_path / "watt.csv").write_text(trace("9e12", unit="W"))
    (tmp_path / "holes.csv").write_text(trace("8", gap=slice(50, 120)))
    (tmp_path / "good.csv").write_text(trace("8"))
    (tmp_path / "noboundary.csv").write_text(trace("8"))
    (tmp_path / "price.csv").write_text("time,price [EUR/MWh]\nyesterday,5\n")
    with (tmp_path / "huge.yaml").open("wb") as out:
        out.truncate(100_000_000)
    (tmp_path / "folder").mkdir()
    return tmp_path


# arguments, what the message must contain
CASES: list[tuple[str, tuple[str, ...]]] = [
    ("run site.yaml --weather gap.csv", ("gap.csv", "5 h", "3 h")),
    ("run site.yaml --weather words.csv", ("words.csv", "warm")),
    ("run site.yaml --weather nan.csv", ("nan.csv", "3 h")),
    ("run site.yaml --weather hot.csv", ("hot.csv", "400")),
    ("run site.yaml --weather empty.csv", ("empty.csv", "empty")),
    ("run site.yaml --weather header.csv", ("header.csv",)),
    ("run site.yaml --weather binary.epw", ("binary.epw",)),
    ("run site.yaml --weather short.epw", ("short.epw", "100", "8760")),
    ("run site.yaml --weather folder", ("folder", "name the file")),
    ("run site.yaml --weather ashburm", ("ashburm", "did you mean 'ashburn'")),
    ("run site.yaml --weather none.epw", ("none.epw",)),
    ("run site.yaml --load negative.csv --boundary rack_ac", ("negative.csv",)),
    (
        "run site.yaml --load over.csv --boundary rack_ac",
        ("900 kW per rack", "at most its rating", "boundary"),
    ),
    ("run site.yaml --load watt.csv --boundary rack_ac", ("9e+09 kW", "boundary")),
    ("run site.yaml --load holes.csv --boundary rack_ac", ("holes.csv", "1 h")),
    ("run site.yaml --load empty.csv --boundary rack_ac", ("empty.csv", "empty")),
    ("run site.yaml --load noboundary.csv", ("without a boundary", "rack_ac")),
    ("run site.yaml --load good.csv --boundary rack", ("'rack'", "rack_ac")),
    ("run site.yaml --load trainin", ("trainin", "did you mean 'training'")),
    ("run site.yaml --load folder --boundary rack_ac", ("folder",)),
    ("run site.yaml --carbon none.csv", ("none.csv",)),
    ("run site.yaml --price price.csv", ("price.csv", "yesterday")),
    ("run site.yaml --hours nan", ("--hours", "not a finite number")),
    ("run site.yaml --hours -3", ("--hours", "-3")),
    ("run site.yaml --hours soon", ("--hours", "soon")),
    ("run site.yaml --step 15", ("--step", "no unit", "15 s")),
    ("run site.yaml --step 15_km", ("--step",)),
    ("run site.yaml --start NaT", ("start", "NaT", "2024-07-01T00:00")),
    ("run site.yaml --start 99999-01-01", ("start", "2200")),
    ("run site.yaml --design-day 5%", ("--design-day", "0.4% or extreme")),
    ("run site.yaml --out none/x.nc", ("none/x.nc", "no such folder", "make the folder")),
    ("run site.yaml --out folder", ("folder", ".nc")),
    ("run site.yaml --out x.xlsx", (".xlsx", ".nc, .csv")),
    (
        "run site.yaml --set cooling.chw.suply=20_degC",
        ("cooling.chw.suply", "did you mean 'cooling.chw.supply'"),
    ),
    ("run site.yaml --set cooling.chw.supply=20", ("cooling.chw.supply", "no unit", "20 degC")),
    ("run site.yaml --set cooling.chw.supply=20_kW", ("cooling.chw.supply", "a power", "property and plate")),
    ("run site.yaml --set cooling.chw.supply", ("no '='", "ADDRESS=VALUE")),
    ("run site.yaml --set racks.a.count=0", ("racks.a.count", "1 to 100000")),
    ("run site.yaml --set cooling.chw.chiller.3.out_of_service=1", ("no member 3", "1 to 2")),
    ("run huge.yaml", ("huge.yaml", "100 MB", "at most 8 MB")),
    ("run folder", ("folder", "a folder")),
    ("run none.yaml", ("none.yaml", "no such file")),
    ("run gb300-10mv", ("did you mean 'gb300-10mw'",)),
    ("check good.csv", ("good.csv",)),
    ("check binary.epw", ("a binary file",)),
    ("failures site.yaml --horizon 1h", ("--horizon", "without --dynamic", "--dynamic --horizon '1h'")),
    ("failures site.yaml --load training", ("--load", "training", "0 to 100 %")),
    ("show", ("WHAT",)),
    ("show cdu", ("did you mean 'cdus'",)),
    ("show cdus vertiv-xdu1350", ("did you mean 'vertiv-xdu1350b'",)),
    ("show racks nvidia-gb300-nvl72 more", ("more", "one name")),
    ("show addresses", ("no site", "gb300-10mw")),
    ("show addresses site.yaml nothing-like-it", ("no address matches",)),
    ("rum site.yaml", ("No such command 'rum'",)),
    ("run", ("Missing argument 'SITE'", "twin run --help")),
    ("run site.yaml --stp 3", ("No such option", "twin run --help")),
]


def words(line: str) -> list[str]:
    return [word.replace("_degC", " degC").replace("_k", " k") for word in line.split()]


@pytest.mark.parametrize(("line", "said"), CASES, ids=[line for line, _ in CASES])
def test_bad_input_ends_in_one_message(
    folder: Path, twin_cli: Cli, monkeypatch: pytest.MonkeyPatch, line: str, said: tuple[str, ...]
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in folder.iterdir())
    extra = (
        ["--json", "--hours", "24"]
        if line.startswith("run ") and "--hours" not in line and "--start" not in line
        else []
    )
    if "--weather" in line or "--load" in line:
        extra = ["--json"]
    code, out, err = twin_cli(*words(line), *(extra if line.startswith("run ") else []))
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 3
    for part in said:
        assert part in err
    if not line.startswith(("rum", "show ")) and line not in ("run", "show") and "--stp" not in line:
        assert re.search(r"^.+: .+\. Allowed: .+\. Try: .+[.?…]$", err.strip().splitlines()[0]), err
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_short_gap_is_filled_and_reported(
    folder: Path, twin_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    code, out, err = twin_cli("run", "site.yaml", "--weather", "short-gap.csv")
    assert code == 0, err
    assert "3 missing values of" in out


def test_several_faults_come_together(folder: Path, twin_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "bad.yaml").write_text(SITE.replace("count: 4", "count: 0").replace("24 degC", "24 kPa"))
    code, out, err = twin_cli("check", "bad.yaml")
    lines = err.splitlines()
    assert (code, out) == (2, "")
    assert len(lines) == 4
    assert all(re.match(r"bad\.yaml line \d+ → ", line) for line in lines)


STARTED = (
    "run site.yaml --weather gap.csv --json --out x.nc",
    "run huge.yaml --json",
    "check folder",
)


@pytest.mark.parametrize("line", STARTED)
def test_the_same_as_a_process(folder: Path, started: Cli, line: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    code, out, err = started(*words(line))
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_site_that_is_right_is_said_to_be(
    folder: Path, twin_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    code, out, err = twin_cli("check", "site.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("small: valid.")


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    import subprocess
    import sys

    command = f"{sys.executable} -m twin.cli show addresses gb300-10mw | head -1"
    done = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.startswith("address")
    assert done.stderr == ""
