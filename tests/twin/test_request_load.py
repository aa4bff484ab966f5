"""Traces of requests as loads."""

from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError
from twin_sites.loader import load_site

import twin
from twin.request_load import request_load

SITE = load_site("hgx-h200-1mw-air")
RACKS = SITE.racks["compute"]
DATA = Path(__file__).parents[3] / "shared/data/request_traces"


def test_rates_of_windows_keep_their_requests_at_any_step(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(
        "time_s,requests_per_s\n" + "".join(f"{600 * i},{100 + 10 * (i % 7)}\n" for i in range(144))
    )
    mean = np.mean([100 + 10 * (i % 7) for i in range(144)])
    for step_s in (60.0, 600.0, 3600.0):
        found = request_load(path, RACKS, step_s=step_s, tokens_in=1155, tokens_out=211)
        assert found.requests_per_s == pytest.approx(mean, rel=1e-9)
        assert found.served_share == 1.0
        assert found.tokens_per_s == pytest.approx(mean * 211, rel=1e-9)
    flooded = request_load(path, RACKS, times=1000.0, tokens_in=1155, tokens_out=211)
    assert flooded.busy_share == 1.0
    assert flooded.served_share < 0.1
    assert "more than the racks can serve" in flooded.load.report.notes[-1]
    ds = twin.simulate(SITE, load=found.load, hours=24)
    assert twin.summarize(ds).converged
    for wrong in ({}, {"tokens_in": 10, "tokens_out": 10, "batch": 0.0}):
        with pytest.raises(InputError):
            request_load(path, RACKS, **wrong)  # type: ignore[arg-type]


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_azure_chat() -> None:
    """5.5 requests/s, 1,155 tokens in and 211 out: about one H200 at 8 bits, of the site's 768."""
    found = request_load(DATA / "azure_llm_2023/AzureLLMInferenceTrace_conv.csv.gz", RACKS)
    assert found.requests_per_s == pytest.approx(5.5, abs=0.1)
    assert found.tokens_in == pytest.approx(1155, abs=1)
    assert found.tokens_out == pytest.approx(211, abs=1)
    assert 0.5 < found.busy_share * 768 < 3.0
