"""Derive the curves of the two warm-water chiller estimates (models/twin_models/chiller/warm-water-*.yaml).

    python data/scripts/warm_chillers.py

No maker publishes curves for chilled water of 16 to 28 °C. These machines are a constant second-law
efficiency written in the form of the published ones: electric input per heat follows the lift of the
refrigerant (lift between the waters plus a fixed lift inside the machine) over the absolute chilled
temperature. Prints the biquadratics and their worst deviation from that law.
"""

import numpy as np

GRID = 25

# slug: reference leaving and condenser, range of leaving and of condenser, lift inside the machine
MACHINES = {
    "warm-water-centrifugal-1500": (20.0, 30.0, (16.0, 26.0), (18.0, 40.0), 18.0),
    "warm-water-air-screw-1200": (23.0, 35.0, (16.0, 28.0), (20.0, 48.0), 28.0),
}


def main() -> None:
    """Fit and print each machine."""
    for slug, (xr, yr, xs, ys, inside) in MACHINES.items():
        x, y = (v.ravel() for v in np.meshgrid(np.linspace(*xs, GRID), np.linspace(*ys, GRID)))
        wanted = (y + inside - x) / (x + 273.15) * (xr + 273.15) / (yr + inside - xr)
        terms = np.column_stack([np.ones_like(x), x, x**2, y, y**2, x * y])
        k = np.linalg.lstsq(terms / wanted[:, None], np.ones_like(x), rcond=None)[0]
        worst = np.abs(terms @ k / wanted - 1).max()
        print(slug, [float(f"{v:.6g}") for v in k], f"worst {worst:.2%}")  # noqa: T201


if __name__ == "__main__":
    main()
