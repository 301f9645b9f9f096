"""Trade against a reaction that is too large to be noise."""

from eventstudy.backtest import EventStrategy, standardised_jump


class OverreactionReversal(EventStrategy):
    """Sell what jumped on the news, buy the other camp, and wait for the gap to close.

    The claim behind it: in December 2024 Broadcom's rise borrowed from the future, and Nvidia
    was oversold. Where the abnormal return of session 0 exceeds `k` standard errors of its
    forecast, the subject of the event (or its first ticker) is traded against its jump. The
    hedge is the basket of the other camp: GPUs against a subject that makes custom chips and
    the other way round, the benchmark against a subject of neither camp.
    """

    hold: int = 20
    k: float = 3.0
    first: str = "@ASIC"
    second: str = "@GPU"

    def targets(self, event, history):
        """Return half a sleeve against the jump of a ticker and half in its rivals."""
        ticker = event.main
        if self.entry < 1:
            return self.skip("there is no reaction to trade against before session 0 has closed")
        if ticker not in history:
            return self.skip(f"{ticker} has no prices")
        rivals = self.rivals(event, history, ticker)
        if not rivals or ticker in rivals:
            return self.skip(f"nothing to hold against {ticker}")
        jump = standardised_jump(history, ticker, event.session_0)
        if jump is None:
            return self.skip(f"too few returns of {ticker} before the event")
        if not abs(jump) > self.k:
            return self.skip(f"{ticker} moved by {jump:.2f} standard errors, not above {self.k:g}")
        sign = -1.0 if jump > 0 else 1.0
        hedge = {rival: -0.5 * sign * share for rival, share in rivals.items()}
        return {ticker: 0.5 * sign, **hedge}

    def rivals(self, event, history, ticker):
        """Return the weights of the basket that competes with a ticker, or the benchmark."""
        first, second = event.basket(self.first), event.basket(self.second)
        if ticker in first and ticker not in second:
            return second
        if ticker in second and ticker not in first:
            return first
        return {history.benchmark: 1.0}
