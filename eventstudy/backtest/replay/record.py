"""What a run decided and did, session by session, and where two runs part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from eventstudy.backtest.desk import Desk
from eventstudy.errors import EventStudyError

if TYPE_CHECKING:
    from eventstudy.backtest.decisions import Skip
    from eventstudy.backtest.ledger import OrderRecord
    from eventstudy.backtest.strategy import EventStrategy

UNPRICED = ("study_only", "no_price")
"""Two names of one thing, a ticker without a bar: which it is called may be learnt later."""
NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Leg:
    """One entry order: signed shares, when it fills, its limit (None without one), its note."""

    ticker: str
    size: float
    when: str
    limit: float | None
    note: str

    def __str__(self) -> str:
        verb = "buys" if self.size > 0 else "sells"
        limit = "" if self.limit is None else f" at {self.limit!r}"
        note = f" ({self.note})" if self.note else ""
        return f"{verb} {abs(self.size)!r} {self.ticker}{limit}{note}"


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided for one event.

    Attributes
    ----------
    event_id : str
    row : int
        Session of the decision.
    legs : tuple of Leg
        By ticker: the order of a set is no decision.
    skipped : tuple of (ticker, reason, detail)
    failed : str
        The error of the author's code; empty where there was none.
    """

    event_id: str
    row: int
    legs: tuple[Leg, ...] = ()
    skipped: tuple[tuple[str, str, str], ...] = ()
    failed: str = ""

    def __str__(self) -> str:
        if self.failed:
            return f"fails: {self.failed}"
        told = [str(leg) for leg in self.legs]
        told += [
            f"leaves out {ticker}: {detail or reason}" if self.legs else f"no trade: {detail}"
            for ticker, reason, detail in self.skipped
        ]
        return ", ".join(told) or "no trade"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an order: by the session `row` this much of it is settled."""

    event_id: str
    ticker: str
    opens: bool
    size: float
    created: int
    row: int
    price: float
    status: str

    def __str__(self) -> str:
        side = "buy" if self.size > 0 else "sell"
        at = "" if np.isnan(self.price) else f" at {self.price!r}"
        return f"order to {side} {abs(self.size)!r} {self.ticker}: {self.status}{at}"


@dataclass(frozen=True, slots=True)
class Record:
    """What a run left behind.

    Attributes
    ----------
    first : int
        Row of the first session.
    decided : tuple of Decided
    fates : tuple of Fate
    values : tuple of float
        The account at each close from row `first` on.
    broke : str
        Why the run ended before its time; empty where it did not.
    """

    first: int
    decided: tuple[Decided, ...]
    fates: tuple[Fate, ...]
    values: tuple[float, ...]
    broke: str = ""

    def decided_by(self, row: int) -> list[Decided]:
        """Return the decisions up to a session."""
        return [found for found in self.decided if found.row <= row]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two runs part first.

    Attributes
    ----------
    what : str
        ``decision``, ``fill`` or ``account``.
    event_id, ticker : str
        Empty where they do not apply.
    row : int
        Session of the decision, of the fill, or of the close.
    place : int
        Among the decisions of the run on the full data.
    full, other : str
        What was decided or done with the full data, and with the changed ones.
    """

    what: str
    event_id: str
    ticker: str
    row: int
    place: int
    full: str
    other: str


class Witness(Desk):
    """A desk that keeps what was decided when, and ends the run after a session."""

    def watch(self, until: int | None = None) -> None:
        """Begin to keep a record; None runs to the end of the data."""
        self.until = NEVER if until is None else until
        self.decided: list[Decided] = []

    def after_close(self, strategy: EventStrategy) -> None:
        """See `Desk`; the run ends after row `until`."""
        row = self.row
        super().after_close(strategy)
        if row >= self.until:
            strategy.env.runstop()

    def _decide(self, strategy: EventStrategy, number: int, row: int, value: float) -> None:
        event_id = self.agenda[number].event.event_id
        orders, skips = len(self.ledger.orders), len(self.skipped)
        try:
            super()._decide(strategy, number, row, value)
        except EventStudyError as error:
            self.decided.append(Decided(event_id, row, failed=str(error)))
            raise
        self.decided.append(
            decided_of(event_id, row, self.ledger.orders[orders:], self.skipped[skips:])
        )

    def record(self, broke: str = "") -> Record:
        """Return what the run left behind, orders by session, event and ticker."""
        last = self.row - 1
        fates = [self._fate(order, last) for order in self.ledger.orders]
        fates.sort(key=lambda f: (f.row, f.created, f.event_id, f.ticker, f.opens))
        values = tuple(day.value for day in self.days)
        return Record(self.first, tuple(self.decided), tuple(fates), values, broke)

    def _fate(self, order: OrderRecord, last: int) -> Fate:
        created = int(np.searchsorted(self.market.table.dates, order.created))
        # An order is settled on the session after it was sent, whether it fills or not.
        done = created + 1 if np.isnat(order.executed) else self._row_of(order.executed)
        return Fate(
            self.agenda[order.event].event.event_id, order.ticker, order.opens, order.size,
            created, done if done <= last else NEVER, order.price, order.status,
        )  # fmt: skip

    def _row_of(self, day: np.datetime64) -> int:
        return int(np.searchsorted(self.market.table.dates, day))


def decided_of(
    event_id: str, row: int, orders: Sequence[OrderRecord], skips: Sequence[Skip]
) -> Decided:
    """Return what entry orders and skips say of an event."""
    legs = sorted((_leg(order) for order in orders), key=lambda leg: leg.ticker)
    told = [
        (s.ticker, "no_price", f"no bar of {s.ticker}")
        if s.reason in UNPRICED
        else (s.ticker, s.reason, s.detail)
        for s in skips
    ]
    return Decided(event_id, row, tuple(legs), tuple(sorted(told)))


def _leg(order: OrderRecord) -> Leg:
    limit = None if np.isnan(order.limit) else float(order.limit)
    return Leg(order.ticker, float(order.size), order.when, limit, order.reason)


def first_difference(full: Record, other: Record, row: int) -> Difference | None:
    """Return where a run on changed inputs parts from that on the full ones, up to a session.

    Decisions come first; where they agree, fills; then the account at each close. All are
    compared exactly.

    Parameters
    ----------
    full, other : Record
    row : int
        Sessions up to this one are compared.
    """
    pairs = zip_longest(full.decided_by(row), other.decided_by(row))
    for place, (mine, theirs) in enumerate(pairs):
        if mine != theirs:
            return _decision(place, mine, theirs, other.broke)
    return _fill(full, other, row) or _account(full, other, row)


def _decision(place: int, mine: Decided | None, theirs: Decided | None, broke: str) -> Difference:
    at = mine or theirs
    if at is None:  # zip_longest ends with the longer of the two
        raise ValueError(f"place {place}: neither run decided anything there")
    return Difference(
        "decision", at.event_id, _ticker(mine, theirs), at.row, place,
        "no decision" if mine is None else _told(mine, at),
        (f"the run breaks off: {broke}" if broke else "no decision")
        if theirs is None
        else _told(theirs, at),
    )  # fmt: skip


def _told(found: Decided, at: Decided) -> str:
    return str(found) if found.event_id == at.event_id else f"{found.event_id}: {found}"


def _ticker(mine: Decided | None, theirs: Decided | None) -> str:
    """Return the first ticker on which two decisions differ; empty where no leg tells."""
    legs = [{} if d is None else {leg.ticker: leg for leg in d.legs} for d in (mine, theirs)]
    tickers = sorted({*legs[0], *legs[1]})
    return next((t for t in tickers if legs[0].get(t) != legs[1].get(t)), "")


def _fill(full: Record, other: Record, row: int) -> Difference | None:
    sides = [[fate for fate in run.fates if fate.row <= row] for run in (full, other)]
    for mine, theirs in zip_longest(*sides):
        # repr, because a price that is not there is NaN and equals nothing.
        if repr(mine) == repr(theirs):
            continue
        at = mine or theirs
        told = ["nothing" if fate is None else str(fate) for fate in (mine, theirs)]
        return Difference("fill", at.event_id, at.ticker, at.row, len(full.decided), *told)
    return None


def _account(full: Record, other: Record, row: int) -> Difference | None:
    end = row + 1 - full.first
    for place, (mine, theirs) in enumerate(
        zip_longest(full.values[:end], other.values[:end], fillvalue=float("nan"))
    ):
        if mine != theirs:
            told = (f"account {mine!r}", f"account {theirs!r}")
            return Difference("account", "", "", full.first + place, len(full.decided), *told)
    return None
