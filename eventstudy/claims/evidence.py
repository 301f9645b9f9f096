"""What a claim is tested on: a study, its calendar, and prices on its sessions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventstudy.claims.contract import NotMeasuredError
from eventstudy.errors import did_you_mean

if TYPE_CHECKING:
    from eventstudy.events import Event
    from eventstudy.prices import PriceTable
    from eventstudy.study import StudyResult
    from eventstudy.windows import Frame

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Prices and calendar, asked for by name; what is not there raises `NotMeasuredError`.

    Attributes
    ----------
    study : StudyResult
    prices : PriceTable
        On the study's sessions; it may hold tickers that the study does not.
    """

    study: StudyResult
    prices: PriceTable

    @property
    def days(self) -> npt.NDArray[np.datetime64]:
        """The sessions, shape (S,)."""
        return self.study.days

    @property
    def frame(self) -> Frame:
        """The estimation window of the study."""
        return self.study.config.frame

    @cached_property
    def level(self) -> Floats:
        """Closes, adjusted ones where a source has no others, shape (S, N)."""
        plain = np.isfinite(self.prices.close).any(axis=0)
        return np.where(plain, self.prices.close, self.prices.adj_close)

    def row(self, day: dt.date) -> int:
        """Return the row of a session."""
        asked = np.datetime64(day, "D")
        at = int(np.searchsorted(self.days, asked))
        if at < len(self.days) and self.days[at] == asked:
            return at
        if asked < self.days[0] or asked > self.days[-1]:
            raise NotMeasuredError(f"{day} lies outside the prices, {self.span}")
        raise NotMeasuredError(f"{day} is no trading session")

    @property
    def span(self) -> str:
        """First and last session, for a reader."""
        return f"{self.days[0]} to {self.days[-1]}"

    def column(self, ticker: str) -> int:
        """Return the column of a ticker that has prices."""
        if ticker not in self.prices:
            raise NotMeasuredError(f"{ticker} is not in the price table")
        return self.prices.column(ticker)

    def closes(self, ticker: str) -> Floats:
        """Return the closes of a ticker, shape (S,)."""
        return self.level[:, self.column(ticker)]

    def total(self, ticker: str) -> Floats:
        """Return what a share grew to with dividends, from total returns, shape (S,).

        Relative to the first price; NaN where there is no price, and from a gap on over which
        no return is known.
        """
        returns = self.returns({ticker: 1.0})
        held = np.isfinite(self.closes(ticker))
        known = np.where(held, returns, 0.0)
        known[: int(np.argmax(held)) + 1] = 0.0
        grown = np.cumprod(1.0 + known)
        return np.where(held, grown, np.nan)

    def weights(self, long: str, short: str | None = None) -> dict[str, float]:
        """Return the weights of a ticker or basket, less those of another."""
        found: dict[str, float] = {}
        for name, sign in ((long, 1.0), (short, -1.0)):
            if name is None:
                continue
            members: Mapping[str, float] = {name: 1.0}
            if name.startswith("@"):
                if name not in self.study.events.baskets:
                    raise NotMeasuredError(f"there is no basket {name}")
                members = self.study.events.baskets[name]
            for ticker, weight in members.items():
                found[ticker] = found.get(ticker, 0.0) + sign * weight
        return found

    def returns(self, weights: Mapping[str, float]) -> Floats:
        """Return total returns of weighted tickers, shape (S,); NaN where one has none."""
        columns = [self.column(ticker) for ticker in weights]
        return np.asarray(self.prices.returns[:, columns] @ np.array(list(weights.values())))

    def market(self, *further: str) -> Floats:
        """Return returns of the benchmark and of further tickers, shape (S, k)."""
        benchmark = self.study.config.benchmark
        if benchmark is None:
            raise NotMeasuredError("the study has no benchmark")
        columns = [self.column(ticker) for ticker in (benchmark, *further)]
        return self.prices.returns[:, columns]

    def event(self, event_id: str) -> Event:
        """Return an event of the calendar, whatever its use."""
        known = {event.event_id: event for event in self.study.events}
        if event_id not in known:
            near = did_you_mean(event_id, known)
            raise NotMeasuredError(f"the calendar has no event {event_id!r}{near}")
        return known[event_id]

    def rows_of(self, event: Event) -> dict[str, int]:
        """Return the row of session 0 of an event: ``stated``, or ``same`` and ``next``."""
        names = ("same", "next") if event.ambiguous else ("stated",)
        found = {}
        for name in names:
            session = event.session_0(name)
            at = int(np.searchsorted(self.days, session)) if not np.isnat(session) else -1
            if at < 0 or at >= len(self.days) or self.days[at] != session:
                raise NotMeasuredError(
                    f"session 0 of {event.event_id} lies outside the prices, {self.span}"
                )
            found[name] = at
        return found

    def news_on(self, row: int) -> tuple[str, ...]:
        """Return the events whose session 0 a session is, under some reading."""
        day = self.days[row]
        return tuple(e.event_id for e in self.study.events if day in (e.same, e.next))
