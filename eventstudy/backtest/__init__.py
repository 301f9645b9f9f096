"""Backtests around events, on backtrader.

The module can be called like its main function: ``eventstudy.backtest(events, prices, ...)``
is `backtest` of this package. Nothing heavy is imported before it is used.
"""

import sys as _sys
from importlib import import_module as _import_module
from types import ModuleType as _ModuleType
from typing import Any as _Any

import lazy_loader as _lazy

_lazy_getattr, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)


def __getattr__(name: str) -> _Any:
    # A verb and a room, as `backtest` is one level up: the room can be called.
    if name == "sweep":
        return _import_module("eventstudy.backtest.sweep")
    return _lazy_getattr(name)


class _Callable(_ModuleType):
    """A package that is also the verb of the same name."""

    def __call__(self, *args: _Any, **kwargs: _Any) -> _Any:
        from eventstudy.backtest.run import backtest

        return backtest(*args, **kwargs)


_sys.modules[__name__].__class__ = _Callable
