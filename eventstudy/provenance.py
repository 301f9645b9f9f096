"""Versions of what produced a result."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

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


@cache
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


@cache
def code_digest() -> str:
    """Return a hash of the source files of this package: one version may have several."""
    folder = Path(__file__).parent
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
