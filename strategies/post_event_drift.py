"""Follow the first reaction when it is too large to be noise."""

import math

import numpy as np

from eventstudy.backtest import EventStrategy
from eventstudy.models.linear import fit, forecast


class PostEventDrift(EventStrategy):
    """Buy what jumped on the news and sell what fell, where the jump stands out.

    The abnormal return of session 0 comes from a market model fitted on sessions before the
    event alone. Where it exceeds `k` standard errors of its forecast, the subject of the
    event (or its first ticker, where the subject is none of them) is traded in the direction
    of the jump, with an equal and opposite position in the benchmark; `hedged=false` leaves
    that leg out and puts the whole sleeve on the ticker.
    """

    hold: int = 20
    k: float = 2.0
    hedged: bool = True
    estimation: int = 250
    gap: int = 10
    min_estimation: int = 100

    def targets(self, event, history):
        """Return the ticker in the direction of its abnormal return, hedged."""
        if self.entry < 1:
            return self.skip("there is no reaction to follow before session 0 has closed")
        ticker = event.subject if event.subject in event.tickers else event.tickers[0]
        if ticker not in history:
            return self.skip(f"{ticker} has no prices")
        if ticker == history.benchmark:
            return self.skip("the benchmark has no return beyond its own")
        size = self.standardised_jump(ticker, event.session_0, history)
        if size is None:
            return self.skip(f"too few returns of {ticker} before the event")
        if not abs(size) > self.k:
            return self.skip(f"{ticker} moved by {size:.2f} standard errors, not above {self.k:g}")
        sign = math.copysign(1.0, size)
        if not self.hedged:
            return {ticker: sign}
        return {ticker: 0.5 * sign, history.benchmark: -0.5 * sign}

    def standardised_jump(self, ticker, session_0, history):
        """Return the abnormal return of session 0 over its forecast error, or None."""
        day = history.row_of(session_0)
        end = day - self.gap
        start = max(end - self.estimation, 0)
        y, market = history.returns_of(ticker), history.returns_of(history.benchmark)
        usable = np.isfinite(y[start:end]) & np.isfinite(market[start:end])
        if end <= 0 or usable.sum() < self.min_estimation:
            return None
        design = np.column_stack([np.ones(len(market)), market])
        model = fit(y[None, start:end], design[None, start:end])
        ar, v = forecast(model, y[None, day : day + 1], design[None, day : day + 1])
        size = float(ar[0, 0] / np.sqrt(v[0, 0, 0]))
        return size if math.isfinite(size) else None
