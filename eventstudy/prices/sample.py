"""The small table of prices that comes with the package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eventstudy.prices.files import FileSource
from eventstudy.prices.table import PriceTable

FOLDER = Path(__file__).parent / "data"


@dataclass(frozen=True)
class SampleSource:
    """AVGO, MRVL, NVDA, AMD and SPY from 2024-03-01 to 2025-02-28.

    Opens, closes and cash dividends; no high, low or volume. For demonstration and tests.
    """

    def held(self) -> tuple[str, ...]:
        """Return the tickers that can be had."""
        return FileSource(FOLDER, name="sample").held()

    def load(
        self, tickers: Sequence[str] | None, start: date | None, end: date | None
    ) -> PriceTable:
        """Return the prices of these tickers; see `PriceSource.load`."""
        return FileSource(FOLDER, name="sample").load(tickers, start, end)
