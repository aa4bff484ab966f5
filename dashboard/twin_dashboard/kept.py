"""What is read from a result once and used by several figures: kept as long as the result itself."""

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import xarray as xr

P = ParamSpec("P")
T = TypeVar("T")
_KEPT: dict[int, dict[object, object]] = {}


def kept(function: Callable[Concatenate[xr.Dataset, P], T]) -> Callable[Concatenate[xr.Dataset, P], T]:
    """A function of a result (and hashable arguments) that is computed once for each result object."""

    @wraps(function)
    def wrapped(ds: xr.Dataset, *args: P.args, **more: P.kwargs) -> T:
        mine = _KEPT.get(id(ds))
        if mine is None:
            mine = _KEPT[id(ds)] = {}
            weakref.finalize(ds, _KEPT.pop, id(ds), None)
        key = (function, args, tuple(more.items()))
        if key not in mine:
            mine[key] = function(ds, *args, **more)
        return mine[key]  # type: ignore[return-value]

    return wrapped  # type: ignore[return-value]  # ``ds`` may be given by name nowhere
