"""Event studies and event-driven backtests in six lines.

>>> import eventstudy as es
>>> events = es.read_events("events.csv")
>>> prices = es.load_prices(events.tickers | {"SPY"}, source="yahoo")
>>> study = es.event_study(events, prices, model="market", benchmark="SPY", window=(-1, 1))
>>> print(study.summary())
>>> es.write_report(study, "report.html")

Names are loaded when first used, so that the import is quick.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
