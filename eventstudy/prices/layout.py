"""What the header of a price file means: one ticker, long, or wide."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from eventstudy.errors import Fault
from eventstudy.prices.contract import PriceInputError
from eventstudy.prices.table import FIELDS

DATES = ("date", "datetime", "", "__index_level_0__")
"""Names of the date column; pandas writes the last two for an index without a name."""

TICKERS = ("ticker", "symbol")

_ALIASES = {
    "adjclose": "adj_close",
    "adjusted_close": "adj_close",
    "dividend": "dividends",
}
_KNOWN_EXTRAS = ("stock_splits", "splits", "capital_gains", "currency", "name", "exchange")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a file holds what.

    Attributes
    ----------
    kind : str
        ``single`` (the file's name is the ticker), ``long`` or ``wide``.
    date : int
        Position of the date column.
    ticker : int or None
        Position of the ticker column of a long file.
    columns : mapping of str to mapping of str to int
        By ticker in lower case (an empty string unless wide), the position of each field.
    names : mapping of str to str
        By ticker in lower case, the ticker to show.
    """

    kind: str
    date: int
    ticker: int | None
    columns: Mapping[str, Mapping[str, int]]
    names: Mapping[str, str]

    def needed(self, folded: str) -> list[int]:
        """Return the positions that one ticker's bars are read from."""
        key = folded if self.kind == "wide" else ""
        own = [self.date, *self.columns[key].values()]
        return own if self.ticker is None else [*own, self.ticker]


def read_layout(name: str, header: tuple[str, ...]) -> Layout:
    """Return the layout that a header stands for.

    Parameters
    ----------
    name : str
        The file, as faults name it.
    header : tuple of str

    Raises
    ------
    PriceInputError
        Where there is no date column, a column stands twice, a column looks misspelt, or
        neither closes nor adjusted closes are there; all of it at once.
    """
    plain = [_plain(column) for column in header]
    if {"event_id", "date", "tickers"} <= set(plain):
        raise PriceInputError([Fault(name, "this is a calendar of events, not prices", row=1)])
    faults = _doubles(name, header, plain)
    date = next((plain.index(known) for known in DATES if known in plain), None)
    if date is None:
        faults.append(Fault(name, _no_date(header), row=1))
    ticker = next((plain.index(known) for known in TICKERS if known in plain), None)
    rest = {text: i for i, text in enumerate(plain) if i not in (date, ticker)}
    closes = "close" in rest or "adj_close" in rest
    names: dict[str, str] = {}
    if ticker is not None or closes or (rest and set(rest) <= set(FIELDS)):
        faults += _misspelt(name, rest)
        if not closes:
            faults.append(Fault(name, "no column close nor adj_close", row=1))
        columns = {"": {text: at for text, at in rest.items() if text in FIELDS}}
        kind = "single" if ticker is None else "long"
    else:
        kind = "wide"
        columns, names = _wide(header, rest)
        if date is not None and not columns:
            faults.append(Fault(name, "no column beside the dates", row=1))
    if faults or date is None:
        raise PriceInputError(faults)
    return Layout(kind, date, ticker, columns, names)


def folded(ticker: str) -> str:
    """Return what tickers are told apart by: case and the spelling of accents are ignored."""
    return unicodedata.normalize("NFC", ticker.strip().casefold())


def _plain(column: str) -> str:
    """Return ``Adj Close`` as ``adj_close``."""
    text = folded(column).replace(" ", "_").replace("-", "_")
    return _ALIASES.get(text, text)


def _doubles(name: str, header: tuple[str, ...], plain: list[str]) -> list[Fault]:
    counts = Counter(plain)
    twice = {text: header[plain.index(text)] for text, count in counts.items() if count > 1}
    return [
        Fault(name, f"the column stands {counts[text]} times; one is allowed", 1, column)
        for text, column in twice.items()
    ]


def _no_date(header: tuple[str, ...]) -> str:
    found = ", ".join(header[:8]) + (", ..." if len(header) > 8 else "")
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        return f"columns must be separated by commas; found {found!r}"
    return f"no column date; found {found}"


def _misspelt(name: str, rest: Mapping[str, int]) -> list[Fault]:
    """Return a fault for each column that looks like a field which is not there."""
    absent = [known for known in FIELDS if known not in rest]
    faults = []
    for text in rest:
        near = difflib.get_close_matches(text, absent, n=1, cutoff=0.8)
        if near and text not in FIELDS and text not in _KNOWN_EXTRAS:
            problem = f"unknown column (did you mean {near[0]!r}?)"
            faults.append(Fault(name, problem, row=1, column=text))
    return faults


def _wide(
    header: tuple[str, ...], rest: Mapping[str, int]
) -> tuple[dict[str, dict[str, int]], dict[str, str]]:
    """Return the fields of each ticker of a wide file, and the tickers' names."""
    columns: dict[str, dict[str, int]] = {}
    names: dict[str, str] = {}
    # The longest first: _adj_close ends with _close too.
    endings = sorted(FIELDS, key=len, reverse=True)
    for text, at in rest.items():
        written = header[at].strip()
        ending = next((known for known in endings if text.endswith(f"_{known}")), None)
        stem = written if ending is None else written[: -len(ending) - 1].upper()
        columns.setdefault(folded(stem), {})[ending or "adj_close"] = at
        names.setdefault(folded(stem), stem)
    return columns, names
