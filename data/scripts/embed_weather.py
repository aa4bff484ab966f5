"""Make ``data/twin_data/weather``: typical years from the TMY3 EPW files of the PyPI package
``pyenergyplus-lbnl``.

Run ``python data/scripts/embed_weather.py`` in an environment with the package. Dry bulb and dew point are
stored in tenths of a kelvin and pressure in tens of pascals, the resolution of the files, so nothing is lost.
"""

import json
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from twin.epw import read_epw
from twin.files import decode, read_bytes
from twin.weather import SCALE
from twin.weather_files import LIMIT

TARGET = Path(__file__).parents[1] / "twin_data" / "weather"
SITES = {
    "ashburn": (
        "USA_VA_Sterling-Washington.Dulles.Intl.AP.724030_TMY3",
        "Ashburn, Virginia (Sterling, Dulles Airport)",
    ),
    "boulder": (
        "USA_CO_Boulder-Broomfield-Jefferson.County.AP.724699_TMY3",
        "Boulder, Colorado (Broomfield)",
    ),
    "chicago": ("USA_IL_Chicago-OHare.Intl.AP.725300_TMY3", "Chicago, Illinois (O'Hare)"),
    "colorado-springs": ("USA_CO_Colorado.Springs-Peterson.Field.724660_TMY3", "Colorado Springs, Colorado"),
    "denver": ("USA_CO_Denver-Aurora-Buckley.AFB.724695_TMY3", "Denver, Colorado (Aurora, Buckley)"),
    "fresno": ("USA_CA_Fresno.Air.Terminal.723890_TMY3", "Fresno, California"),
    "golden": ("USA_CO_Golden-NREL.724666_TMY3", "Golden, Colorado (NREL)"),
    "las-vegas": ("USA_NV_Las.Vegas-McCarran.Intl.AP.723860_TMY3", "Las Vegas, Nevada"),
    "miami": ("USA_FL_Miami.Intl.AP.722020_TMY3", "Miami, Florida"),
    "newark": ("USA_NJ_Newark.Intl.AP.725020_TMY3", "Newark, New Jersey"),
    "oklahoma-city": ("USA_OK_Oklahoma.City-Will.Rogers.World.AP.723530_TMY3", "Oklahoma City, Oklahoma"),
    "orlando": ("USA_FL_Orlando.Intl.AP.722050_TMY3", "Orlando, Florida"),
    "phoenix": ("USA_AZ_Phoenix-Sky.Harbor.Intl.AP.722780_TMY3", "Phoenix, Arizona (Sky Harbor)"),
    "san-francisco": ("USA_CA_San.Francisco.Intl.AP.724940_TMY3", "San Francisco, California (Airport)"),
    "tampa": ("USA_FL_Tampa.Intl.AP.722110_TMY3", "Tampa, Florida"),
    "urbana": ("USA_IL_University.of.Illinois-Willard.AP.725315_TMY3", "Urbana, Illinois (Willard Airport)"),
}


def epw_folder() -> Path:
    """Folder of the EPW files inside the installed package."""
    spec = find_spec("pyenergyplus")
    if spec is None or spec.origin is None:
        sys.exit("install pyenergyplus-lbnl first")
    return Path(spec.origin).parent / "data" / "weather"


def main() -> None:
    """Write one npz per site and the table of sites."""
    TARGET.mkdir(parents=True, exist_ok=True)
    table = {}
    for name, (stem, place) in SITES.items():
        path = epw_folder() / f"{stem}.epw"
        raw = read_epw(decode(read_bytes(path, LIMIT), path.name), path.name)
        stored = {}
        for key, scale in SCALE.items():
            values = raw.columns[key]
            assert np.isfinite(values).all(), (name, key)
            stored[key] = np.round(values / scale).astype(np.int16)
            assert np.abs(stored[key] * scale - values).max() < scale * 1e-3, (name, key)
        np.savez_compressed(TARGET / f"{name}.npz", allow_pickle=False, **stored)
        table[name] = {
            "place": place,
            "source": f"NREL TMY3 (2008), EPW {path.name}",
            "start": str(raw.start),
            "utc_offset_h": raw.utc_offset_h,
            "latitude": raw.latitude,
            "longitude": raw.longitude,
            "altitude": raw.altitude,
            "design": asdict(raw.design) if raw.design else None,
        }
    (TARGET / "sites.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
