"""Rates of the plant: the same for one vector and for many, and what one entry loses others get."""

import numpy as np
import pytest

from tests.transients.playing import stand_on

SITES = [
    "gb300-10mw",
    "mixed-hall",
    "immersion-5mw",
    "two-phase-1mw",
    "retrofit-rdhx",
    "retrofit-liquid-to-air",
]


@pytest.mark.parametrize("site", SITES)
def test_many_vectors_are_worked_out_as_each_alone_and_keep_the_energy(site: str) -> None:
    stepper = stand_on(site, 0.7)
    stepper.prepare(1.0)
    plant, generator = stepper.plant, np.random.default_rng(5)
    y = stepper.y[:, None] + generator.uniform(-0.5, 0.5, (stepper.y.size, 4))
    sums = np.ravel(
        [rows.rates(rows.chip, rows.out, *stepper.temperatures(rows, stepper.y))[2] for rows in stepper.rows]
    )
    handed = sums[:, None] * generator.uniform(0.9, 1.1, (sums.size, 4))
    wide = stepper.held.rates(y, handed)
    for k in range(4):
        alone = stepper.held.rates(y[:, k : k + 1], handed[:, k : k + 1])
        np.testing.assert_allclose(wide.d[:, k], alone.d[:, 0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(wide.heat[:, k], alone.heat[:, 0], rtol=1e-9, atol=1e-3)
        np.testing.assert_allclose([np.ravel(x * np.ones(4))[k] for x in wide.loads], alone.loads, rtol=1e-12)
    stored = (np.where(plant.thermal, plant.capacity, 0.0)[:, None] * wide.d).sum(axis=0)
    meter, rejected, battery = (wide.d[place] for place in (plant.meter, plant.rejected, plant.battery))
    given = (
        handed[0::3].sum(axis=0) + handed[1::3].sum(axis=0) - handed[2::3].sum(axis=0)
    )  # by racks, beyond what they draw
    np.testing.assert_allclose(stored, meter + battery - rejected + given, atol=1e-9 * float(meter.max()))
