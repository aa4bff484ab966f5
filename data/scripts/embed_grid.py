"""Make ``data/twin_data/grid/regions.csv`` from Google's region table.

Run ``python data/scripts/embed_grid.py FILE`` with the yearly CSV of
https://github.com/GoogleCloudPlatform/region-carbon-info (Apache-2.0), columns region, location, carbon-free
share and grid carbon intensity.
"""

import csv
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "twin_data" / "grid" / "regions.csv"


def main(source: Path) -> None:
    """Copy the columns under plain names."""
    with source.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["name", "place", "carbon_free_share", "carbon_g_per_kwh"])
        writer.writerows([cell.strip() for cell in row] for row in rows if row)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
