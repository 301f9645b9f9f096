"""What a price source is: one method that turns tickers and dates into a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol, runtime_checkable

from eventstudy.errors import InputError, PriceError
from eventstudy.prices.table import PriceTable


@runtime_checkable
class PriceSource(Protocol):
    """Anything with this `load`; give an instance as ``load_prices(source=...)``.

    What a source needs beyond tickers and dates (a folder, a time-out) are parameters of its
    own class, so that a source of your own has one method of three parameters.
    """

    def load(
        self, tickers: Sequence[str] | None, start: date | None, end: date | None
    ) -> PriceTable:
        """Return the prices of these tickers.

        Parameters
        ----------
        tickers : sequence of str or None
            Without repeats; None asks for everything the source holds.
        start, end : date or None
            Both included; None leaves that side open.

        Returns
        -------
        PriceTable
            Dates ascending and unique. A ticker that the source does not have stands in
            `missing` with the reason, never as an empty column.

        Raises
        ------
        PriceError
            Where nothing can be given, with all the reasons at once.
        """
        ...


class PriceInputError(InputError, PriceError):
    """All the faults of price files at once: file, row, column and value."""
