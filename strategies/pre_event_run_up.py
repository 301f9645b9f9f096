"""Hold a share over the sessions before news whose date is known, and leave before the news."""

from eventstudy.backtest import EventStrategy


class PreEventRunUp(EventStrategy):
    """Buy the subject five sessions before a scheduled event and sell before the news.

    Attention and the demand for shares rise ahead of an announced date. The position is
    opened in the closing auction of session -5 and closed in that of session -1: news after
    that close, or before the next open, finds it gone. Half of the sleeve is in the subject
    and half short in the benchmark; `hedged=false` puts all of it on the subject. Only events
    with a `known_on` early enough are traded (`--assume-known earnings=14d` fills it), and none
    whose hour is uncertain: the news may have been out before the close of session -1.
    """

    entry: int = -5
    hold: int = 4  # sessions -5 to -1
    fill: str = "close"
    hedged: bool = True

    def targets(self, event, history):
        """Return the subject long, hedged."""
        leaves = self.entry + self.hold
        if leaves > -1:
            return self.skip(f"entry + hold is {leaves}: give -1 at most, to leave before the news")
        if event.ambiguous:
            return self.skip("its hour is uncertain: the news may be out a session earlier")
        if event.subject not in history:
            return self.skip(f"its subject ({event.subject or 'none'}) has no prices")
        if not self.hedged:
            return {event.subject: 1.0}
        if event.subject == history.benchmark:
            return self.skip("the benchmark cannot hedge itself")
        return {event.subject: 0.5, history.benchmark: -0.5}
