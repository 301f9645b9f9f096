"""Prices: one contract, several sources, checks on every load."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eventstudy.prices.contract import PriceInputError, PriceSource
    from eventstudy.prices.dataset import DatasetSource
    from eventstudy.prices.files import FileSource
    from eventstudy.prices.frame import FrameSource
    from eventstudy.prices.load import SOURCES, find_source, load_prices
    from eventstudy.prices.quality import coverage_frame, quality_frame
    from eventstudy.prices.sample import SampleSource
    from eventstudy.prices.table import PriceTable, PriceWarning
    from eventstudy.prices.yahoo import YahooSource

_ROOMS = {
    "PriceInputError": "contract",
    "PriceSource": "contract",
    "DatasetSource": "dataset",
    "FileSource": "files",
    "FrameSource": "frame",
    "SOURCES": "load",
    "find_source": "load",
    "load_prices": "load",
    "coverage_frame": "quality",
    "quality_frame": "quality",
    "SampleSource": "sample",
    "PriceTable": "table",
    "PriceWarning": "table",
    "YahooSource": "yahoo",
}

__all__ = [
    "SOURCES",
    "DatasetSource",
    "FileSource",
    "FrameSource",
    "PriceInputError",
    "PriceSource",
    "PriceTable",
    "PriceWarning",
    "SampleSource",
    "YahooSource",
    "coverage_frame",
    "find_source",
    "load_prices",
    "quality_frame",
]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
