"""Follow the first reaction when it is too large to be noise."""

from eventstudy.backtest import EventStrategy, standardised_jump


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
        ticker = event.main
        if self.entry < 1:
            return self.skip("there is no reaction to follow before session 0 has closed")
        if ticker not in history:
            return self.skip(f"{ticker} has no prices")
        if ticker == history.benchmark:
            return self.skip("the benchmark has no return beyond its own")
        jump = standardised_jump(
            history,
            ticker,
            event.session_0,
            sessions=self.estimation,
            gap=self.gap,
            minimum=self.min_estimation,
        )
        if jump is None:
            return self.skip(f"too few returns of {ticker} before the event")
        if not abs(jump) > self.k:
            return self.skip(f"{ticker} moved by {jump:.2f} standard errors, not above {self.k:g}")
        sign = 1.0 if jump > 0 else -1.0
        if not self.hedged:
            return {ticker: sign}
        return {ticker: 0.5 * sign, history.benchmark: -0.5 * sign}
