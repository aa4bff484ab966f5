"""What the tiles say beside their numbers."""

from twin_dashboard.cache import Results
from twin_dashboard.margins import margins
from twin_dashboard.sessions import Sessions
from twin_dashboard.tiles import compared, tightest

import twin


def test_another_machine_at_its_limit_is_not_a_change_of_the_one_before() -> None:
    """Load off the UPS makes room there; what is tightest then is named beside what was."""
    results = Results(twin.load_site("gb300-10mw"), Sessions())
    base, few = (
        results.get("", {}),
        results.get("", {"racks.compute.count": "20", "cooling.fws.supply": "52 degC"}),
    )
    name, was = margins(few.ds)[0].name, margins(base.ds)[0].name
    assert name != was
    said = str(compared(few, base, "si")[-1].to_plotly_json())
    assert f"; was {tightest(margins(base.ds))[2]}" in said
    assert ", from" in str(
        compared(results.get("", {"racks.compute.count": "66"}), base, "si")[-1].to_plotly_json()
    )
