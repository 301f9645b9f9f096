"""Versions of what produced a result."""

from __future__ import annotations

import platform
from importlib import metadata

DISTRIBUTION = "eventstudy-backtester"
_LIBRARIES = (
    "numpy", "pandas", "scipy", "backtrader", "exchange_calendars", "yfinance", "pyarrow", "plotly",
)  # fmt: skip


def version() -> str:
    """Return the version of this distribution; ``unknown`` where it is not installed."""
    return _version(DISTRIBUTION)


def versions() -> dict[str, str]:
    """Return versions of Python, this distribution and the libraries that make numbers."""
    found = {"python": platform.python_version(), DISTRIBUTION: version()}
    return found | {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"
