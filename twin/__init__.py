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
    from twin.load import load_trace as load_trace
    from twin.metrics import Summary as Summary
    from twin.metrics import summarize as summarize
    from twin.ride_through import failures as failures
    from twin.run_report import report as report
    from twin.sizing import Sized as Sized
    from twin.sizing import size as size
    from twin.sizing_needs import Requirements as Requirements
    from twin.store import open_result as open_result
    from twin.store import save as save
    from twin.studies import study as study
    from twin.studies_file import Study as Study
    from twin.studies_results import open_study as open_study
    from twin.transient_results import TransientSummary as TransientSummary
    from twin.transient_results import summarize_transient as summarize_transient
    from twin.transients import transient as transient
    from twin.weather import design_day as design_day
    from twin.weather import load_weather as load_weather

# Where each name of the package lives; they are imported when first asked for, so that ``import twin`` is quick.
_HOMES = {
    "transient": "twin.transients", "summarize_transient": "twin.transient_results",
    "TransientSummary": "twin.transient_results", "failures": "twin.ride_through",
    "simulate": "twin.annual", "summarize": "twin.metrics", "Summary": "twin.metrics", "report": "twin.run_report",
    "save": "twin.store", "open_result": "twin.store", "load_weather": "twin.weather", "design_day": "twin.weather",
    "load_trace": "twin.load", "load_site": "twin_sites.loader", "change_site": "twin_sites.loader",
    "study": "twin.studies", "Study": "twin.studies_file", "open_study": "twin.studies_results",
    "size": "twin.sizing", "Sized": "twin.sizing", "Requirements": "twin.sizing_needs",
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
