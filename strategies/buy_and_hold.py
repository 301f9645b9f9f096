"""Buy once and wait: what every other strategy has to beat."""

from eventstudy.backtest import EventStrategy


class BuyAndHold(EventStrategy):
    """Buy the benchmark at the first event, hold it to the end of the prices: the yardstick.

    `held` names another ticker, or a basket such as `@GPU`, bought once and not rebalanced.
    The first event that can be acted upon opens the position and the others are skipped:
    `hold` is longer than any table of prices. One twentieth stays in cash, since the open at
    which the order fills may be above the close at which it was sized; dividends stay in
    cash too. The row `hold SPY` of a result is all in, reinvests, and bears no costs.
    """

    hold: int = 100_000
    gross: float = 0.95
    held: str = ""

    def targets(self, event, history):
        """Return the whole sleeve in one ticker or basket, at the first event alone."""
        if event.number > 0:
            return self.skip("only the first event buys")
        held = self.held or history.benchmark
        return dict(event.basket(held)) if held.startswith("@") else {held: 1.0}
