"""One question to Yahoo's chart service by yfinance, and what its failures mean."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from eventstudy.prices.bars import Bars

COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "adj_close",
    "Volume": "volume",
    "Dividends": "dividends",
    "Stock Splits": "splits",
}

SMALLEST = 1e-4
"""Dividend, as a fraction of the close before, that cannot vanish in the rounding of a price."""

_GONE = re.compile(r"no data found|not found|delisted|no timezone|invalid symbol", re.IGNORECASE)
_BUSY = re.compile(r"\b5\d\d\b|server error|unavailable|temporar|currently down", re.IGNORECASE)


class ChartError(Exception):
    """Why one ticker got no prices.

    Attributes
    ----------
    transient : bool
        Whether the same question may well be answered a little later.
    """

    def __init__(self, why: str, *, transient: bool) -> None:
        self.transient = transient
        super().__init__(why)


def download(
    ticker: str, timeout: float, between: tuple[date, date] | None = None
) -> tuple[Bars, dict[str, str]]:
    """Return the daily history of a ticker, by default the whole of it.

    Prices as Yahoo gives them: adjusted for splits, closes not for dividends; dividends are
    zero where none was paid. The whole history is asked for, because each dividend moves all
    earlier adjusted closes.

    Parameters
    ----------
    ticker : str
    timeout : float
        Seconds to wait for one answer.
    between : (date, date), optional
        Sessions from the first to the last, both included.

    Returns
    -------
    (Bars, dict of str to str)
        The bars, and the exchange's zone and closing time, the currency and the version of
        yfinance; under ``lacking`` what the answer should hold and did not.

    Raises
    ------
    ChartError
        Where there is no price in the answer, or no answer.
    """
    import yfinance as yf

    with loud(yf):
        try:
            stock = yf.Ticker(ticker)
            frame = stock.history(
                **_span(between), interval="1d", auto_adjust=False, actions=True, timeout=timeout
            )
            about = stock.history_metadata
        except Exception as error:
            # Every kind of failure ends as one line that names the ticker.
            raise explained(error, ticker) from error
    bars = _bars(ticker, frame)
    if not len(bars.priced):
        raise ChartError("an empty answer: no prices in it", transient=False)
    said = _about(about, frame, yf.__version__)
    if not _unadjusted(bars):
        return bars, said
    fields = {name: values for name, values in bars.fields.items() if name != "adj_close"}
    return replace(bars, fields=fields), {**said, "lacking": "adj_close"}


def _span(between: tuple[date, date] | None) -> dict[str, str]:
    if between is None:
        return {"period": "max"}
    first, last = between
    return {"start": str(first), "end": str(last + timedelta(days=1))}


def _unadjusted(bars: Bars) -> bool:
    """Return whether adjusted closes are closes although dividends were paid.

    yfinance puts closes in their place where the service does not send them: total returns
    would lose every dividend.
    """
    if not {"close", "adj_close", "dividends"} <= bars.fields.keys():
        return False
    close, paid = bars.fields["close"], bars.fields["dividends"]
    with np.errstate(invalid="ignore"):
        worth = paid[1:] > SMALLEST * close[:-1]
    return bool(worth.any() and np.array_equal(close, bars.fields["adj_close"], equal_nan=True))


@contextmanager
def loud(yf: Any) -> Iterator[None]:
    """Have yfinance raise what it would hide, and put its settings back."""
    before, log = yf.config.debug.hide_exceptions, logging.getLogger("yfinance")
    level = log.level
    # What it would log ends in our own message, once and with the ticker.
    log.setLevel(logging.CRITICAL + 1)
    yf.config.debug.hide_exceptions = False
    # yfinance remembers answers, refusals among them: a second attempt must be a new question.
    forget = getattr(yf.data.YfData.cache_get, "cache_clear", None)
    if forget is not None:
        forget()
    try:
        with warnings.catch_warnings():
            # Deprecations inside yfinance's own modules are not our user's to mend.
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="yfinance")
            yield
    finally:
        yf.config.debug.hide_exceptions = before
        log.setLevel(level)


def _bars(ticker: str, frame: Any) -> Bars:
    """Return a frame of yfinance as bars on the exchange's own dates."""
    local = frame.index if frame.index.tz is None else frame.index.tz_localize(None)
    days = local.to_numpy().astype("datetime64[D]")
    fields = {
        ours: frame[theirs].to_numpy(dtype=np.float64)
        for theirs, ours in COLUMNS.items()
        if theirs in frame.columns
    }
    return Bars(ticker, days, fields, "yahoo")


def _about(given: Any, frame: Any, version: str) -> dict[str, str]:
    period = (given.get("currentTradingPeriod") or {}).get("regular") or {}
    end = period.get("end")
    zone = str(given.get("exchangeTimezoneName") or frame.index.tz or "UTC")
    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # KeyError: one that this machine does not know
        raise ChartError(f"an answer with an unknown zone {zone[:80]!r}", transient=False) from None
    if isinstance(end, int):  # some versions of yfinance leave it as the service sends it
        end = datetime.fromtimestamp(end, place)
    return {
        "source": "yahoo",
        "yfinance": version,
        "timezone": zone,
        # Where the service does not say when trading ends, the day itself must be over.
        "close": "23:59" if end is None else end.strftime("%H:%M"),
        "currency": str(given.get("currency") or ""),
    }


def explained(error: Exception, ticker: str) -> ChartError:
    """Return what an exception of yfinance or of its network libraries means.

    The libraries are told apart by the names of their classes: yfinance may run on curl_cffi
    or on requests, and neither is ours to import.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    text = " ".join(str(error).split())[:200]
    status = getattr(getattr(error, "response", None), "status_code", None)
    if "YFRateLimitError" in names or status == 429:
        return ChartError("refused: too many requests (HTTP 429)", transient=True)
    if names & {"Timeout", "TimeoutError", "ReadTimeout", "ConnectTimeout"}:
        return ChartError("no answer in time", transient=True)
    if "DNSError" in names or "resolve host" in text:
        return ChartError("no network: the service's address is not found", transient=False)
    if isinstance(status, int) and status >= 500:
        return ChartError(f"the service failed (HTTP {status})", transient=True)
    if status == 404 or "YFTzMissingError" in names:
        return _gone(ticker)
    if names & {"YFPricesMissingError", "YFDataException"}:
        if _BUSY.search(text):
            return ChartError(f"the service failed: {text}", transient=True)
        if getattr(error, "yahoo_reason", None) and _GONE.search(text):
            return _gone(ticker)
        return ChartError(f"an empty answer: {text}", transient=False)
    if "JSONDecodeError" in names:
        return ChartError("the answer could not be read: it is no JSON", transient=True)
    if names & {"RequestException", "CurlError", "ConnectionError", "OSError"}:
        return ChartError(f"no connection: {text}", transient=True)
    if "KeyError" in names:
        return ChartError(
            f"an answer without prices (no field {text}; the service may have changed its fields)",
            transient=False,
        )
    if names & {"TypeError", "IndexError", "AttributeError", "ValueError"}:
        kind = type(error).__name__
        return ChartError(f"an answer without prices ({kind}: {text})", transient=False)
    return ChartError(f"{type(error).__name__}: {text}", transient=False)


def _gone(ticker: str) -> ChartError:
    hint = ""
    if re.fullmatch(r"[A-Za-z]+\.[A-Za-z]", ticker):
        hint = f" (yahoo writes share classes with a dash: {ticker.replace('.', '-')})"
    return ChartError(f"no such ticker{hint}", transient=False)
