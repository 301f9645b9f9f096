"""At what price an order fills within one daily bar: pure functions, for both engines.

A daily bar tells open, high, low and close, and not in which order the two extremes came.
Where that matters the worse case is taken: a stop before a target, and a limit only where
the price went through it rather than touched it.
"""

from __future__ import annotations

import math

from eventstudy.backtest.costs import slipped


def limit_price(close: float, size: float, away: float) -> float:
    """Return the limit of an entry: `away` below the decision's close to buy, above to sell."""
    return _level(close * (1 - away) if size > 0 else close * (1 + away))


def _level(price: float) -> float:
    """Return a price to twelve digits: 100 x 1.1 must be met by 110, not by 110.00000000000001."""
    return float(f"{price:.12g}")


def limit_quote(size: float, limit: float, opened: float) -> float:
    """Return the price that a limit order meets: an open beyond its limit, or the limit."""
    return min(opened, limit) if size > 0 else max(opened, limit)


def limit_fill(
    size: float, limit: float, opened: float, high: float, low: float, slip: float
) -> float:
    """Return the price at which a limit order fills, NaN where it does not.

    An open at or beyond the limit fills at the open, spread paid, never worse than the limit.
    Otherwise the price has to go through the limit: a touch may leave the order in the queue.

    Parameters
    ----------
    size : float
        Signed shares.
    limit, opened, high, low : float
    slip : float
        Half-spread and impact as a fraction of the price.
    """
    if size > 0:
        if opened <= limit:
            return min(slipped(opened, size, slip), limit)
        return limit if low < limit else math.nan
    if opened >= limit:
        return max(slipped(opened, size, slip), limit)
    return limit if high > limit else math.nan


def exit_levels(
    size: float, entry: float, stop: float | None, target: float | None
) -> tuple[float, float]:
    """Return the prices at which a leg is stopped and takes its profit.

    ``entry (1 - stop)`` and ``entry (1 + target)`` for a long leg, mirrored for a short one;
    infinitely far where there is none.
    """
    side = 1.0 if size > 0 else -1.0
    far = math.inf * side
    lower = -far if stop is None else _level(entry * (1 - side * stop))
    upper = far if target is None else _level(entry * (1 + side * target))
    return lower, upper


def touched(
    size: float,
    stop: float,
    target: float,
    bar: tuple[float, float, float],
    slip: float,
) -> tuple[float, float, str] | None:
    """Return quote, price and reason of an exit within a bar, or None.

    A stop is a market order: it pays `slip`, and where the bar opens beyond it, it fills at
    the open. That holds on the session of the entry too: a stop nearer than the spread is
    reached at once. A target is a limit order: it fills at its price, or at a better open,
    and only where the price goes through it.

    Parameters
    ----------
    size : float
        Signed shares of the leg.
    stop, target : float
        From `exit_levels`.
    bar : (float, float, float)
        Open, high and low.
    slip : float
        Half-spread and impact as a fraction of the price.

    Returns
    -------
    (float, float, str) or None
        The price before slippage, the price of the fill, ``leg stop`` or ``leg target``.
    """
    opened, high, low = bar
    side = 1.0 if size > 0 else -1.0
    worst, best = (low, high) if size > 0 else (high, low)
    if side * (worst - stop) <= 0:
        quote = opened if side * (opened - stop) <= 0 else stop
        return quote, slipped(quote, -size, slip), "leg stop"
    if side * (best - target) > 0:
        price = opened if side * (opened - target) > 0 else target
        return price, price, "leg target"
    return None
