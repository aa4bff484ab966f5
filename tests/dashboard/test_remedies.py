"""A remedy is offered only if a run confirmed it."""

from collections.abc import Mapping

import pytest
from twin_dashboard.cache import Results, Run
from twin_dashboard.margins import margins, warnings
from twin_dashboard.remedies import MOST_RUNS, candidates, confirmed
from twin_dashboard.sessions import Sessions

import twin

SITE = "gb300-10mw"


@pytest.fixture(scope="module")
def results() -> Results:
    return Results(twin.load_site(SITE), Sessions())


@pytest.mark.parametrize(
    ("changes", "address"),
    [({"power.ups.out_of_service": "6"}, "power.ups"), ({"cooling.fws.supply": "57 degC"}, "racks.compute"), ({"racks.compute.count": "110"}, "electrical")],
)  # fmt: skip
def test_what_is_offered_holds(results: Results, changes: Mapping[str, str], address: str) -> None:
    run = results.get("", changes)
    margin = next(m for m in margins(run.ds) if m.address == address)
    assert margin.hours > 0.0
    asked: list[Mapping[str, str]] = []

    def again(more: Mapping[str, str]) -> Run:
        asked.append(more)
        return results.get("", more)

    remedy = confirmed(run, margin, again, "si")
    assert remedy is not None
    assert len(asked) <= MOST_RUNS
    better = twin.simulate(SITE, changes={**changes, remedy.address: remedy.text})
    assert address not in {m.address for m in margins(better) if m.hours > 0.0}


def test_what_a_run_does_not_confirm_is_not_offered(results: Results) -> None:
    run = results.get("", {"power.ups.out_of_service": "6"})
    margin = margins(run.ds)[0]
    assert list(candidates(run, margin, "si"))
    assert confirmed(run, margin, lambda changes: run, "si") is None

    def fails(changes: Mapping[str, str]) -> Run:
        raise twin.RunError("no")

    assert confirmed(run, margin, fails, "si") is None


def test_no_line_says_that_no_limit_is_passed_beside_one_that_is(results: Results) -> None:
    run = results.get("", {"cooling.fws.supply": "52 degC"})
    lines = warnings(run.ds, run.summary, margins(run.ds))
    assert any("limit for" in line.tail for line in lines)
    assert not any(line.head.startswith("No limit") for line in lines)
