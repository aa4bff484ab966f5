"""Digital twin of an AI data center's power and cooling.

>>> import twin
>>> ds = twin.simulate(twin.load_site("gb300-10mw"), weather="phoenix", changes={"cooling.fws.supply": "95 degF"})
>>> twin.summarize(ds).pue  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from twin_sites.errors import InputError as InputError
    from twin_sites.loader import change_site as change_site
    from twin_sites.loader import load_site as load_site

    from twin.annual import simulate as simulate
    from twin.errors import Cancelled as Cancelled
    from twin.errors import NotConverged as NotConverged
    from twin.errors import RunError as RunError
    from twin.loads.read import load_trace as load_trace
    from twin.metrics import Summary as Summary
    from twin.metrics import summarize as summarize
    from twin.run_report import report as report
    from twin.sizing.needs import Requirements as Requirements
    from twin.sizing.run import Sized as Sized
    from twin.sizing.run import size as size
    from twin.store import open_result as open_result
    from twin.store import save as save
    from twin.studies.file import Study as Study
    from twin.studies.results import open_study as open_study
    from twin.studies.run import study as study
    from twin.transients.results import TransientSummary as TransientSummary
    from twin.transients.results import summarize_transient as summarize_transient
    from twin.transients.ride_through import failures as failures
    from twin.transients.run import transient as transient
    from twin.weather import design_day as design_day
    from twin.weather import load_weather as load_weather

# Where each name of the package lives; they are imported when first asked for, so that ``import twin`` is quick.
_HOMES = {
    "transient": "twin.transients.run", "summarize_transient": "twin.transients.results",
    "TransientSummary": "twin.transients.results", "failures": "twin.transients.ride_through",
    "simulate": "twin.annual", "summarize": "twin.metrics", "Summary": "twin.metrics", "report": "twin.run_report",
    "save": "twin.store", "open_result": "twin.store", "load_weather": "twin.weather", "design_day": "twin.weather",
    "load_trace": "twin.loads.read", "load_site": "twin_sites.loader", "change_site": "twin_sites.loader",
    "study": "twin.studies.run", "Study": "twin.studies.file", "open_study": "twin.studies.results",
    "size": "twin.sizing.run", "Sized": "twin.sizing.run", "Requirements": "twin.sizing.needs",
    "InputError": "twin_sites.errors", "RunError": "twin.errors", "NotConverged": "twin.errors",
    "Cancelled": "twin.errors",
}  # fmt: skip
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'twin' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
