"""Imported by the server that worker processes come from: what a first case loads and builds is done once, before them.

An hour of a small site loads the units, the datasheets and what the packages themselves put off to their first use.
"""

from contextlib import suppress

from twin.processes import without_dask

SITE = "enterprise-3-rack-gb300"

with without_dask(), suppress(Exception):  # a fault shows in the cases themselves, with its words
    from twin.studies.cases import run_case
    from twin.studies.plan import plan_study

    _plan = plan_study({"site": SITE, "hours": 1, "axes": {"cooling.fws.supply": ["30 degC"]}})
    run_case(_plan.recipe, _plan.cases[0])
