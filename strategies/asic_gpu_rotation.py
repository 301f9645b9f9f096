"""Long the chips that the news favours, short the others."""

from eventstudy.backtest import EventStrategy


class AsicGpuRotation(EventStrategy):
    """Buy the basket that the news favours and sell the other short, in equal amounts.

    The calendar says what the news means for each basket: `@ASIC+ @GPU-` buys custom chips
    against GPUs. News that moves both baskets one way gives the spread no sign and is not
    traded. Half of the sleeve is long and half short, so the trade is dollar-neutral at entry.
    The signs were written by someone who knew later prices: read the results with that in
    mind.
    """

    hold: int = 10
    first: str = "@ASIC"
    second: str = "@GPU"

    def targets(self, event, history):
        """Return half a sleeve long in one basket and half short in the other."""
        sign = event.spread_sign(self.first, self.second)
        if sign == 0:
            return self.skip(f"no direction between {self.first} and {self.second}")
        first, second = event.basket(self.first), event.basket(self.second)
        if not first or not second:
            return self.skip("a basket has no member with a price")
        weights = {}
        for ticker, share in first.items():
            weights[ticker] = weights.get(ticker, 0.0) + 0.5 * sign * share
        for ticker, share in second.items():
            weights[ticker] = weights.get(ticker, 0.0) - 0.5 * sign * share
        return weights
