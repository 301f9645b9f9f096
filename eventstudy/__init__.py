"""Event studies and event-driven backtests in six lines.

>>> import eventstudy as es
>>> events = es.read_events("events.csv")
>>> prices = es.load_prices(events.tickers | {"SPY"}, source="yahoo")
>>> study = es.event_study(events, prices, model="market", benchmark="SPY", window=(-1, 1))
>>> print(study.summary())
>>> es.write_report(study, "report.html")

Names are loaded when first used, so that the import is quick.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

import lazy_loader as _lazy

_lazy_getattr, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)


def __getattr__(name: str) -> _Any:
    # `backtest` is a verb and a room: the room can be called, so that the one name is always
    # the same thing, whichever was imported first.
    if name == "backtest":
        return _import_module("eventstudy.backtest")
    return _lazy_getattr(name)
