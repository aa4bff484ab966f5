"""A study costs little beside its runs: asserted as ratios of CPU seconds within one process."""

import importlib.util
from pathlib import Path

import pytest

from twin.studies.plan import plan_study

pytest.importorskip("zarr", reason="the extra 'study' is not installed")
pytestmark = pytest.mark.bench

AROUND = 1.15  # of a case of a study over the bare run of a ready site; 1.03 to 1.06 measured, 1.10 wanted
STORED = 0.10  # of a case, for its place in the store
SERIES_MB_S = 300.0  # of a quiet core; a loaded one is let pass at half


def test_overhead(tmp_path: Path) -> None:
    place = Path(__file__).with_name("measure_studies.py")
    spec = importlib.util.spec_from_file_location("measure_studies", place)
    assert spec is not None
    assert spec.loader is not None
    measure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(measure)
    plan = plan_study(measure.spec(80))
    engine, store = measure.engine(plan, 12), measure.store_cost(plan, tmp_path)
    rate = measure.series_rate(tmp_path)
    print(engine, store, rate)  # noqa: T201  # bench prints what it measures
    assert engine["case_of_a_study_s"] < AROUND * engine["simulate_s"]
    assert store["store_s_a_case"] < STORED * engine["simulate_and_summarize_s"]
    assert rate > 0.5 * SERIES_MB_S
