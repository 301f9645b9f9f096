"""One ticker's bars, and the table that several of them make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from eventstudy.errors import PriceError
from eventstudy.prices.table import FIELDS, Days, Floats, PriceTable, PriceWarning


@dataclass(frozen=True, eq=False)
class Bars:
    """Daily bars of one ticker.

    Attributes
    ----------
    ticker : str
    dates : ndarray, shape (T,), datetime64[D], ascending, unique
    fields : mapping of str to ndarray, shape (T,)
        Any of `FIELDS`, units as in `PriceTable`; NaN where a value is missing.
    origin : str
        Where the figures came from: file name, time of download.
    warnings : tuple of PriceWarning
    """

    ticker: str
    dates: Days
    fields: Mapping[str, Floats]
    origin: str
    warnings: tuple[PriceWarning, ...] = ()

    @property
    def priced(self) -> Days:
        """Dates with a close or an adjusted close."""
        return self.dates[self._has_price()]

    def _has_price(self) -> npt.NDArray[np.bool_]:
        priced = np.zeros(len(self.dates), dtype=bool)
        for name in ("close", "adj_close"):
            if name in self.fields:
                priced |= np.isfinite(self.fields[name])
        return priced

    def between(self, start: date | None, end: date | None) -> Bars:
        """Return the bars from `start` to `end`, both included, empty rows left out."""
        keep = np.zeros(len(self.dates), dtype=bool)
        for values in self.fields.values():
            keep |= ~np.isnan(values)  # an infinite price is a fault to show, not a hole
        if start is not None:
            keep &= self.dates >= np.datetime64(start, "D")
        if end is not None:
            keep &= self.dates <= np.datetime64(end, "D")
        cut = {name: values[keep] for name, values in self.fields.items()}
        return replace(self, dates=self.dates[keep], fields=cut)


def date_faults(dates: Days) -> list[str]:
    """Return what is wrong with a list of dates: missing, standing twice, out of order.

    Parameters
    ----------
    dates : ndarray, shape (T,), datetime64
    """
    found = []
    if np.isnat(dates).any():
        found.append(f"{int(np.isnat(dates).sum())} dates are missing")
    days = dates[~np.isnat(dates)].astype("datetime64[D]")
    unique, counts = np.unique(days, return_counts=True)
    if (counts > 1).any():
        more = int((counts > 1).sum()) - 1
        others = f" (and {more} other dates)" if more else ""
        found.append(f"the date {unique[counts > 1][0]} stands twice{others}")
    back = np.flatnonzero(days[1:] < days[:-1]) + 1
    if len(back):
        found.append(f"dates are not in order: {days[back[0]]} comes after {days[back[0] - 1]}")
    return found


def table_from_bars(
    bars: Sequence[Bars],
    *,
    source: str,
    missing: Mapping[str, str],
    start: date | None = None,
    end: date | None = None,
) -> PriceTable:
    """Return the table of these bars on the union of their dates.

    Parameters
    ----------
    bars : sequence of Bars
        One a ticker, in the order of the table's columns.
    source : str
    missing : mapping of str to str
        Tickers that the source does not have, and why. A ticker without a price between
        `start` and `end` joins them.
    start, end : date or None

    Raises
    ------
    PriceError
        Where no ticker is left, or a ticker's dates are not in order; it lists the reasons.
    """
    disorder = [f"\n  {b.ticker}: {fault}" for b in bars for fault in date_faults(b.dates)]
    if disorder:
        raise PriceError(f"dates from {source} are not in order:{''.join(disorder)}")
    lost = dict(missing)
    kept = []
    for whole in bars:
        cut = whole.between(start, end)
        if len(cut.priced):
            kept.append(cut)
        else:
            lost[whole.ticker] = _outside(whole, start, end)
    if not kept:
        reasons = "".join(f"\n  {ticker}: {why}" for ticker, why in lost.items())
        raise PriceError(f"{source} gives no prices for what was asked:{reasons}")
    dates = np.unique(np.concatenate([cut.dates for cut in kept]))
    columns = {name: np.full((len(dates), len(kept)), np.nan) for name in FIELDS}
    for i, cut in enumerate(kept):
        rows = np.searchsorted(dates, cut.dates)
        for name, values in cut.fields.items():
            columns[name][rows, i] = values
    return PriceTable(
        tickers=tuple(cut.ticker for cut in kept),
        dates=dates,
        source=source,
        origin={cut.ticker: cut.origin for cut in kept},
        warnings=tuple(warning for cut in kept for warning in cut.warnings),
        missing=lost,
        **columns,
    )


def _outside(whole: Bars, start: date | None, end: date | None) -> str:
    if not len(whole.priced):
        return f"no price in {whole.origin}"
    asked = f"{start or 'the first'} to {end or 'the last'}"
    return f"its prices run from {whole.priced[0]} to {whole.priced[-1]}, none from {asked}"
