"""Cash dividends that stand in a file of their own: ticker, ex_date, amount."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eventstudy.errors import Fault
from eventstudy.prices.bars import Bars
from eventstudy.prices.cells import read_header, read_raw
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.table import PriceWarning

COLUMNS = ("ticker", "ex_date", "amount")


@dataclass(frozen=True)
class Payouts:
    """Dividends by ticker.

    Attributes
    ----------
    by_ticker : mapping of str to list of (datetime64[D], float)
        By ticker in lower case: ex-date and cash per share.
    faults : tuple of Fault
    """

    by_ticker: Mapping[str, list[tuple[np.datetime64, float]]]
    faults: tuple[Fault, ...]

    def joined_to(self, bars: Bars) -> Bars:
        """Return bars with their dividends, zero where none was paid.

        Bars that state dividends themselves stay as they are, and so do those with adjusted
        closes and no dividend here: their adjusted closes speak. A dividend on a date
        without a price goes to the next date with one, and is noted.
        """
        own = self.by_ticker.get(bars.ticker.casefold(), [])
        if "dividends" in bars.fields or (not own and "adj_close" in bars.fields):
            return bars
        paid = np.zeros(len(bars.dates))
        notes = list(bars.warnings)
        for day, amount in own:
            at = int(np.searchsorted(bars.dates, day))
            if at == len(paid) or day < bars.dates[0]:
                continue  # outside the prices: it belongs to no return of theirs
            paid[at] += amount
            if bars.dates[at] != day:
                detail = f"dividend {amount:g} of {day}, a date without a price, moved to "
                notes.append(
                    PriceWarning(bars.ticker, "dividend", str(day), f"{detail}{bars.dates[at]}")
                )
        fields = {**bars.fields, "dividends": paid}
        return replace(bars, fields=fields, warnings=tuple(notes))


def read_payouts(paths: Iterable[tuple[Path, str]]) -> Payouts:
    """Return the dividends of these files.

    Parameters
    ----------
    paths : iterable of (Path, str)
        Each file and what faults call it.
    """
    by_ticker: dict[str, list[tuple[np.datetime64, float]]] = {}
    faults: list[Fault] = []
    for path, name in paths:
        try:
            faults += _read(path, name, by_ticker)
        except PriceInputError as error:
            faults += error.faults
    return Payouts(by_ticker, tuple(faults))


def _read(
    path: Path, name: str, by_ticker: dict[str, list[tuple[np.datetime64, float]]]
) -> list[Fault]:
    header = [column.casefold() for column in read_header(path, name)]
    lost = [column for column in COLUMNS if header.count(column) != 1]
    if lost:
        needed = ", ".join(COLUMNS)
        return [Fault(name, f"needs the columns {needed}, each once; see {lost}", row=1)]
    ticker, ex_date, amount = (header.index(column) for column in COLUMNS)
    raw = read_raw(path, name, [ticker, ex_date, amount])
    days, cash = raw.dates(ex_date), raw.numbers(amount)
    seen = set()
    for row, cell in enumerate(raw.columns[ticker]):
        key = (str(cell).strip().casefold(), days[row])
        if not np.isfinite(cash[row]) or cash[row] < 0:
            raw.fault(row, amount, "an amount of zero or more is needed")
        if key in seen:
            raw.fault(row, ex_date, "the ticker's ex-date stands twice; add the amounts up")
        elif not np.isnat(days[row]):
            seen.add(key)
            by_ticker.setdefault(key[0], []).append((days[row], float(cash[row])))
    return raw.faults
