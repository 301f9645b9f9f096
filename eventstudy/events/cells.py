"""What one cell of the calendar may hold: parsers that say what is allowed.

Each takes the stripped text of a cell that is not blank, returns its normalised text, and
raises `CellError` with a sentence for the user. They run once per distinct value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from zoneinfo import ZoneInfo, available_timezones

from eventstudy.baskets import Baskets
from eventstudy.errors import did_you_mean

FIRST_YEAR, LAST_YEAR = 1900, 2100
MOST_ZONES = 1000
LONGEST_TICKER = 64
"""Letters; the longest symbols of vendors have about thirty."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?", re.ASCII)
_TICKER = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9.\-^=_]+")
_EXPECTED = re.compile(r"(?P<name>@?[A-Za-z0-9.\-^=_]+)(?P<sign>[+-])")


class CellError(ValueError):
    """One cell that cannot be read; the text says what is allowed.

    Parameters
    ----------
    text : str or callable
        The sentence; a callable makes it when it is asked for, since to look for the name that
        was meant takes longer than to see that this one is wrong.
    kind : str, optional
        The sentence without what is this cell's own: faults of a kind are counted together.
    """

    def __init__(self, text: str | Callable[[], str], kind: str = "") -> None:
        super().__init__()
        self._text = text
        self.kind = kind or (text if isinstance(text, str) else "")

    def __str__(self) -> str:
        return self._text if isinstance(self._text, str) else self._text()


def parse_date(text: str) -> str:
    """Return an ISO date, ``YYYY-MM-DD``."""
    if not _DATE.fullmatch(text):
        hint = " (a time of day goes into column time)" if _DATE.match(text) else ""
        raise CellError(f"write the date as YYYY-MM-DD{hint}")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CellError("no such day in the calendar") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellError(f"the year must be from {FIRST_YEAR} to {LAST_YEAR}")
    return text


def parse_time(text: str) -> str:
    """Return a time of day as ``HH:MM`` or ``HH:MM:SS``; ``9:30`` becomes ``09:30``."""
    if not _TIME.fullmatch(text):
        raise CellError(
            "write the time as HH:MM or HH:MM:SS on the 24-hour clock; "
            "its zone goes into column timezone"
        )
    padded = text.zfill(len(text) + 1) if text[1] == ":" else text
    try:
        time.fromisoformat(padded)
    except ValueError:
        raise CellError("no such time of day: hours are 00 to 23, minutes 00 to 59") from None
    return padded


def parse_timezone(text: str) -> str:
    """Return an IANA zone name."""
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        raise _unknown_zone(text) from None
    return text


def timezone_parser(distinct: int) -> Callable[[str], str]:
    """Return a parser for a column of zones that is quick where it must be wrong.

    Parameters
    ----------
    distinct : int
        Different texts in the column. To find that a zone does not exist takes the disk a
        tenth of a millisecond; a column with more texts than there are zones is another one.
    """
    known = available_timezones() if distinct > MOST_ZONES else frozenset()

    def parse(text: str) -> str:
        if known and text not in known:
            raise _unknown_zone(text)
        return parse_timezone(text)

    return parse


def _unknown_zone(text: str) -> CellError:
    hint = "write an IANA name such as America/New_York"
    return CellError(
        lambda: f"unknown time zone{did_you_mean(text, available_timezones())}; {hint}",
        f"unknown time zone; {hint}",
    )


def one_of(what: str, choices: tuple[str, ...]) -> Callable[[str], str]:
    """Return a parser for a column of fixed choices, case ignored."""

    def parse(text: str) -> str:
        folded = text.casefold()
        if folded not in choices:
            allowed = f"allowed: {', '.join(choices)}"
            raise CellError(
                lambda: f"unknown {what}{did_you_mean(text, choices)}; {allowed}",
                f"unknown {what}; {allowed}",
            )
        return folded

    return parse


def tickers_parser(baskets: Baskets) -> Callable[[str], str]:
    """Return a parser of ``AVGO;MRVL;@GPU``; repeated entries are named once."""

    def parse(text: str) -> str:
        tokens = [token.strip() for token in text.split(";")]
        for token in tokens:
            _check_ticker(token, baskets)
        return ";".join(dict.fromkeys(tokens))

    return parse


def _check_ticker(token: str, baskets: Baskets) -> None:
    if not token:
        raise CellError("an entry is empty: write tickers as AVGO;MRVL")
    if token.startswith("@"):
        _check_basket(token, baskets)
    elif len(token) > LONGEST_TICKER:
        raise CellError(f"no ticker is longer than {LONGEST_TICKER} letters")
    elif not _TICKER.fullmatch(token):
        allowed = (
            "letters, digits and . - ^ = _ are allowed, tickers are separated by ; and baskets "
            "start with @"
        )
        raise CellError(f"{token!r} is no ticker: {allowed}", f"no ticker: {allowed}")


def _check_basket(token: str, baskets: Baskets) -> None:
    if token not in baskets:
        known = f"known: {', '.join(sorted(baskets)) or 'none'}"
        raise CellError(
            lambda: f"unknown basket {token!r}{did_you_mean(token, baskets)}; {known}",
            f"unknown basket; {known}",
        )


def split_tickers(text: str) -> tuple[str, ...]:
    """Return the entries of a normalised tickers cell."""
    return tuple(text.split(";")) if text else ()


def expects_parser(baskets: Baskets) -> Callable[[str, str], str]:
    """Return a parser of ``@ASIC+ GPU-`` that also knows the tickers cell of its row.

    A basket of the project may be expected to move without being listed; a ticker must be
    among the row's tickers, baskets resolved.
    """

    def parse(text: str, tickers: str) -> str:
        listed = baskets.resolve(split_tickers(tickers))
        signs: dict[str, str] = {}
        for token in text.split():
            name, sign = _split_expected(token)
            if name.startswith("@"):
                _check_basket(name, baskets)
            elif tickers and name not in listed:
                raise _not_listed(name, listed)
            if signs.setdefault(name, sign) != sign:
                raise CellError(f"{name} is expected both + and -", "expected both + and -")
        return " ".join(name + sign for name, sign in signs.items())

    return parse


def _not_listed(name: str, listed: tuple[str, ...]) -> CellError:
    return CellError(
        lambda: (
            f"{name} is not among the row's tickers{did_you_mean(name, listed)}: "
            f"{', '.join(listed)}"
        ),
        "not among the row's tickers",
    )


def _split_expected(token: str) -> tuple[str, str]:
    match = _EXPECTED.fullmatch(token)
    if match is None:
        how = "write @ASIC+ or AVGO-, separated by spaces"
        raise CellError(f"{token!r} is no direction: {how}", f"no direction: {how}")
    return match["name"], match["sign"]


def split_expects(text: str) -> dict[str, int]:
    """Return the directions of a normalised expects cell: name -> +1 or -1."""
    return {token[:-1]: 1 if token[-1] == "+" else -1 for token in text.split()}
