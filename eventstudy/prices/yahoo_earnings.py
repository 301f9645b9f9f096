"""The earnings dates that Yahoo lists, by yfinance; to be taken as a hint, not as a record."""

from __future__ import annotations

from datetime import datetime

from eventstudy.prices.yahoo_chart import ChartError, explained, loud

MOST = 100
"""Rows on the largest page that the service gives."""


def earnings_dates(ticker: str) -> tuple[list[datetime], str]:
    """Return the announcements listed for a ticker, to the hour, the latest first.

    Parameters
    ----------
    ticker : str

    Returns
    -------
    (list of datetime, str)
        With their zones, as the page states them; and the version of yfinance.

    Raises
    ------
    ChartError
        Where the page has no dates, cannot be read, or does not come.
    """
    import yfinance as yf

    with loud(yf):
        try:
            # A new object each time: yfinance remembers a page by its length alone.
            frame = yf.Ticker(ticker).get_earnings_dates(limit=MOST)
        except (ValueError, KeyError, TypeError, AttributeError, LookupError) as error:
            text = " ".join(str(error).split())[:160]
            raise ChartError(
                f"its page could not be read by yfinance {yf.__version__}: {text}", transient=False
            ) from error
        except Exception as error:
            raise explained(error, ticker) from error
    if frame is None or not len(frame):
        raise ChartError(
            "no earnings dates on its page: an unknown ticker, or a failure of the service",
            transient=False,
        )
    if frame.index.isna().any():
        # yfinance puts dates back in order after dropping rows, and so beside wrong rows.
        raise ChartError("rows without a date on its page: the others may be off", transient=False)
    return [moment.to_pydatetime() for moment in frame.index], str(yf.__version__)
