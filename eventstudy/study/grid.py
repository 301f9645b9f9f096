"""The sessions on which events meet prices."""

from __future__ import annotations

from eventstudy.errors import StudyError
from eventstudy.prices.table import PriceTable
from eventstudy.sessions import Sessions, exchange_sessions


def sessions_of(sessions: Sessions | None, prices: PriceTable) -> Sessions:
    """Return the sessions of a calendar from the first price to the last.

    Parameters
    ----------
    sessions : Sessions or None
        Those that the events were aligned to.
    prices : PriceTable

    Raises
    ------
    StudyError
        Where the events are not aligned or there is no price.
    """
    if sessions is None:
        raise StudyError("the events are not aligned: read them with a calendar")
    if not len(prices.dates):
        raise StudyError("the price table is empty")
    first, last = prices.dates[0], prices.dates[-1]
    if sessions.has_clock:
        return exchange_sessions(sessions.name, first.item(), last.item())
    return sessions.between(first, last)
