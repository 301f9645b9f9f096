"""Strategies that look ahead, each in its own way, from the event `second` on."""

from typing import ClassVar

import numpy as np

from eventstudy.backtest import EventStrategy


def by(number):
    return {"A": 0.5 if number > 0 else -0.5}


class FutureBar(EventStrategy):
    """Reads the close three sessions on, off backtrader's feed."""

    hold: int = 3

    def targets(self, event, history):
        if event.id == "first":
            return {"A": 0.5}
        feed = self.getdatabyname("A")
        return by(feed.close[3] - feed.close[0])


class LaterEvent(EventStrategy):
    """Follows the sign of the calendar's last event."""

    hold: int = 3

    def targets(self, event, history):
        if event.id == "first":
            return {"A": 0.5}
        last = self._desk.agenda[-1].event
        return {"A": 0.25 * (2 + last.expects.get("A", 0))}


class FullSample(EventStrategy):
    """Compares with a mean over all sessions, those to come included."""

    hold: int = 3

    def targets(self, event, history):
        if event.id == "first":
            return {"A": 0.5}
        closes = self._desk.market.table.close[:, 0]
        return {"A": float(history.close[-1, 0] / closes.mean())}


class FillSession(EventStrategy):
    """Knows the close of the session on which the order will fill."""

    hold: int = 3

    def targets(self, event, history):
        if event.id == "first":
            return {"A": 0.5}
        return by(self.data1.close[1] - self.data1.close[0])


class Desk(EventStrategy):
    """Takes the next session's range from the table that the desk keeps."""

    hold: int = 3

    def targets(self, event, history):
        if event.id == "first":
            return {"A": 0.5}
        row = len(history)
        table = self._desk.market.table
        return by(float(np.sum(table.close[row : row + 1, 0] - table.open[row : row + 1, 0])))


class Base(EventStrategy):
    """Looks for the whole array behind the history."""

    hold: int = 3

    def targets(self, event, history):
        whole = history.close.base
        if event.id == "first" or whole is None:
            return {"A": 0.5}
        return by(whole[-1, 0] - history.close[-1, 0])


class BehindHistory(EventStrategy):
    """Takes the table that the history is cut from."""

    hold: int = 3

    def targets(self, event, history):
        if event.id == "first":
            return {"A": 0.5}
        whole = history._table.close[:, 0]
        return by(whole[min(len(history), len(whole) - 1)] - history.close[-1, 0])


class Rememberer(EventStrategy):
    """Follows what the fourth event said, which a class knows that has run before."""

    hold: int = 3
    _told: ClassVar[dict[str, int]] = {}

    def targets(self, event, history):
        sign = self._told.get("fourth", 1)
        self._told[event.id] = event.sign("A")
        return {"A": 0.5} if event.id == "first" else {"A": 0.5 * sign}


class Insider(EventStrategy):
    """Decides before the event, on its content."""

    entry: int = 0
    hold: int = 3

    def targets(self, event, history):
        if event.id == "first":
            return {"A": 0.5}
        known = {item.event.event_id: item.event.expects for item in self._desk.agenda}
        return {"A": 0.5 * known[event.id].get("A", 0)}
