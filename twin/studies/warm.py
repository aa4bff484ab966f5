"""Imported by the server that worker processes come from: what a first case loads and builds is done once, before them.

An hour of a small site loads the units, the datasheets and what the packages themselves put off to their first use.
"""

import signal
from contextlib import suppress

from twin.processes import without_dask

SITE = "enterprise-3-rack-gb300"

before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, whose end ends this process
with without_dask(), suppress(Exception):  # a fault shows in the cases themselves, with its words
    from twin.studies.cases import run_case
    from twin.studies.plan import plan_study

    _plan = plan_study({"site": SITE, "hours": 1, "axes": {"cooling.fws.supply": ["30 degC"]}})
    run_case(_plan.recipe, _plan.cases[0])
signal.signal(signal.SIGINT, before)
