"""Buy the suppliers when their largest customers say that they will spend more."""

from eventstudy.backtest import EventStrategy


class CapexMomentum(EventStrategy):
    """Buy both camps after a hyperscaler raises its capital spending.

    The claim behind it: as long as that spending does not slow, makers of GPUs and of custom
    chips both earn. Half of the sleeve goes into each basket, without a hedge, so the result
    holds the market's return as well. Only news of capital spending that the calendar calls
    good for both baskets is traded: a cut, or a shift from one to the other, is not.
    """

    hold: int = 20
    kind: str = "capex"
    first: str = "@ASIC"
    second: str = "@GPU"

    def targets(self, event, history):
        """Return half a sleeve long in each basket."""
        if event.kind != self.kind:
            return self.skip(f"news of another kind: {event.kind or 'none given'}")
        if event.sign(self.first) < 1 or event.sign(self.second) < 1:
            return self.skip(f"not a raise that favours both {self.first} and {self.second}")
        first, second = event.basket(self.first), event.basket(self.second)
        if not first or not second:
            return self.skip("a basket has no member with a price")
        weights = {}
        for basket in (first, second):
            for ticker, share in basket.items():
                weights[ticker] = weights.get(ticker, 0.0) + 0.5 * share
        return weights
