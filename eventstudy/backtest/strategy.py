"""`EventStrategy`: what an author of a strategy derives from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eventstudy.backtest.parameters import check_declaration
from eventstudy.backtest.stock import bt
from eventstudy.errors import BacktestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventstudy.backtest.desk import Desk
    from eventstudy.backtest.history import History, StrategyEvent


class EventStrategy(bt.Strategy):  # type: ignore[misc]
    """Trade around events: write one method, `targets`.

    Parameters are annotated class attributes; a subclass changes them or adds its own, and
    `backtest` may override them::

        class Rotation(EventStrategy):
            hold: int = 5

            def targets(self, event, history):
                return {"AVGO": 0.5, "NVDA": -0.5}

    For each event `targets` is asked once, after the close of session ``entry - 1`` relative
    to session 0 (by default session 0 itself). All legs are sent as one group and fill at
    the open of session `entry`, or none does. They are closed together at the open of
    session ``entry + hold``, or earlier by a stop, a target or a margin call.

    Attributes
    ----------
    entry : int
        Session of the fill relative to session 0. 1 = the session after the news. Zero or
        less means deciding before session 0, when only the event's date is known: allowed
        where `known_on` is not later than the session of the decision, and `event.expects`
        is empty then.
    hold : int
        Sessions from the entry to the exit.
    gross : float
        Size of an event's sleeve as a fraction of initial capital: a weight of 1.0 buys
        ``gross x capital`` worth of a ticker at the close of the decision's session. Weights
        are not rescaled.
    fill : str
        ``open`` or ``close``: the auction of the session in which entry and exit by time
        fill.
    limit : float or None
        The entry is a limit order of that session, this fraction below the decision's close
        to buy and above it to sell. It fills at an open beyond it, spread paid, or where the
        price goes through it, not where it is touched. For one leg only: of two, one might
        fill alone. Not with ``fill = close``.
    stop_loss, take_profit : float or None
        Fraction of the sleeve's value at entry (sum of absolute legs); measured on the
        profit of the whole sleeve, costs included, at each close, and executed at the next
        open. Needs closes only.
    leg_stop, leg_target : float or None
        Fraction of a leg's entry price; judged within the session by its high and low, from
        the entry on, the stop first where both were touched. A stop fills at its price or at
        an open beyond it, spread paid; a target only where the price goes through it. The
        rest of the sleeve leaves at the next open. An event is skipped where a bar so far has
        no high and low; a later one is judged by its open and close.
    sizing : str
        ``given`` takes the weights as they are; ``dollar-neutral`` and ``beta-neutral`` balance
        the two sides, ``volatility`` scales the group; see `eventstudy.backtest.sizing`.
    target_volatility : float
        A year; aimed at by ``sizing = volatility``, of the sleeve as if it were the account.
    size_of : str
        ``capital`` (initial) or ``equity`` (at the decision's close; none is left at zero).
    participation : float or None
        Largest share of the median volume of the 20 sessions up to the decision that a leg
        may be at entry; the whole group is scaled down to it. Each order is judged by itself:
        two events of one session may take the share twice, and exits are not held to it.
    rng : numpy.random.Generator
        Seeded by the run; not a parameter.
    """

    entry: int = 1
    hold: int = 10
    gross: float = 0.2
    fill: str = "open"
    limit: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    leg_stop: float | None = None
    leg_target: float | None = None
    sizing: str = "given"
    target_volatility: float = 0.1
    size_of: str = "capital"
    participation: float | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_declaration(cls, bt.Strategy)

    def __init__(self, desk: Desk, values: Mapping[str, Any], seed: int = 0) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.rng = np.random.default_rng(seed)
        self._desk = desk
        self._notebook = desk.notebook

    def targets(self, event: StrategyEvent, history: History) -> dict[str, float]:
        """Return weights by ticker for an event; positive is long, empty is no trade.

        Parameters
        ----------
        event : StrategyEvent
        history : History
            Prices up to the session of the decision.
        """
        raise BacktestError(f"{type(self).__name__} has no method targets(self, event, history)")

    def skip(self, reason: str) -> dict[str, float]:
        """Say why an event is not traded: ``return self.skip("no direction")``."""
        self._notebook.reason = reason
        return {}

    def next(self) -> None:
        """Run the desk after each session's close."""
        self._desk.after_close(self)

    # backtrader calls next() only once every feed has a bar; a ticker listed late would
    # keep the strategy asleep until then.
    prenext = next
    nextstart = next

    def stop(self) -> None:
        """Account for what is left when the data end."""
        self._desk.close_books()
