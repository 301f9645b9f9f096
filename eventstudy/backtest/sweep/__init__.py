"""One strategy at many parameters, and what the best of them is worth after the search.

The module can be called like its main function: ``eventstudy.backtest.sweep(events, ...)``.
"""

from __future__ import annotations

import sys as _sys
from types import ModuleType as _ModuleType
from typing import Any as _Any

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)


class _Callable(_ModuleType):
    """A package that is also the verb of the same name."""

    def __call__(self, *args: _Any, **kwargs: _Any) -> _Any:
        from eventstudy.backtest.sweep.run import sweep

        return sweep(*args, **kwargs)


_sys.modules[__name__].__class__ = _Callable
