"""Traces of requests as loads."""

from pathlib import Path

import numpy as np
import pytest
from twin_sites.errors import InputError
from twin_sites.loader import load_site

import twin
from twin.loads.requests import request_load

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
    assert flooded.busy_share == pytest.approx(1.0)
    assert flooded.served_share < 0.1
    assert "are not served by the end of the trace" in flooded.load.report.notes[-1]
    assert flooded.unserved == pytest.approx((1.0 - flooded.served_share) * 1000 * mean * 86400, rel=1e-6)
    ds = twin.simulate(SITE, load=found.load, hours=24)
    assert twin.summarize(ds).converged
    for wrong in ({}, {"tokens_in": 10, "tokens_out": 10, "batch": 0.0}):
        with pytest.raises(InputError):
            request_load(path, RACKS, **wrong)  # type: ignore[arg-type]


REQUESTS = "arrived_at,num_prefill_tokens,num_decode_tokens\n" + "".join(
    f"{0.5 * i + 0.1 * (i % 3)},{1000 + i % 300},{200 + i % 20}\n" for i in range(14400)
)


def test_a_file_of_requests_is_a_load_of_a_run(tmp_path: Path) -> None:
    """Tokens of the summary are those that the file asks for, with racks that have work and with others."""
    path = tmp_path / "requests.csv"
    path.write_text(REQUESTS)
    asked = 2.0 * np.mean([200 + i % 20 for i in range(14400)]) * 7200.0 * 50.0
    for site in ("hgx-h200-1mw-air", "mixed-hall"):
        ds = twin.simulate(site, load=path, hours=2, step_s=60, changes={"load.request_scale": 50})
        found = twin.summarize(ds)
        assert found.tokens == pytest.approx(asked, rel=0.01)  # the last minute is not whole
        assert found.tokens_basis[0].split("=")[1].startswith("estimate")
        assert any("requests/s of 1,150 tokens in and 209.5 out" in note for note in found.warnings)
    hour = twin.simulate(SITE, load=path, hours=2, changes={"load.scale": "50 %", "load.request_scale": 100})
    assert twin.summarize(hour).tokens == pytest.approx(asked, rel=0.01)
    stated = twin.simulate(
        SITE, load=path, hours=2, changes={"racks.compute.work.tokens": "100 1/s", "load.request_scale": 50}
    )
    assert twin.summarize(stated).tokens == pytest.approx(asked, rel=0.01)
    assert stated["rack_activity"].values[0, 0] > ds["rack_activity"].values.max()  # slower ones are busier


def test_requests_that_cannot_be_answered_are_said(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(REQUESTS)
    ds = twin.simulate(SITE, load=path, hours=2, changes={"load.request_scale": 10_000})
    found = twin.summarize(ds)
    assert any("not served by the end of the trace" in note for note in found.warnings)
    assert found.tokens is not None
    with pytest.raises(InputError, match="request_scale"):
        twin.simulate(SITE, load=path, hours=2, changes={"racks.compute.load_scale": "50 %"})
    path.write_text("time_s,requests_per_s\n0,5\n600,6\n1200,5\n")
    with pytest.raises(InputError, match=r"load\.tokens_in"):
        twin.simulate(SITE, load=path, hours=2)
    assert twin.summarize(
        twin.simulate(SITE, load=path, hours=2, changes={"load.tokens_in": 1155, "load.tokens_out": 211})
    ).tokens == pytest.approx(2 * 3600 * 211 * 16 / 3, rel=0.01)


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_azure_chat() -> None:
    """5.5 requests/s, 1,155 tokens in and 211 out: about one H200 at 8 bits, of the site's 768."""
    found = request_load(DATA / "azure_llm_2023/AzureLLMInferenceTrace_conv.csv.gz", RACKS)
    assert found.requests_per_s == pytest.approx(5.5, abs=0.1)
    assert found.tokens_in == pytest.approx(1155, abs=1)
    assert found.tokens_out == pytest.approx(211, abs=1)
    assert 0.5 < found.busy_share * 768 < 3.0
