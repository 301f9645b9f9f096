"""Strategies that do not look ahead, and one that cannot be told."""

import random

from eventstudy.backtest import EventStrategy


class Seeded(EventStrategy):
    """Draws weights from the generator of the run."""

    hold: int = 3

    def targets(self, event, history):
        return {"A": float(self.rng.uniform(-1, 1))}


class Unseeded(EventStrategy):
    """Draws weights from a generator that nobody seeds."""

    hold: int = 3

    def targets(self, event, history):
        return {"A": random.SystemRandom().uniform(-1, 1)}


class Learner(EventStrategy):
    """Remembers earlier events within a run, which is fair."""

    hold: int = 3

    def targets(self, event, history):
        self.seen = [*getattr(self, "seen", []), float(history.close[-1, 0])]
        return {"A": self.seen[0] / self.seen[-1]}


class Early(EventStrategy):
    """Decides before the event, knowing its date alone."""

    entry: int = 0
    hold: int = 3

    def targets(self, event, history):
        return {"A": 0.5 + 0.1 * event.sign("A")}
