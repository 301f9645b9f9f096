"""What a backtest returns, and how it is told in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from eventstudy.backtest.costs import cost_words
from eventstudy.backtest.ledger import MARGIN

if TYPE_CHECKING:
    from eventstudy.backtest.evidence import Evidence
    from eventstudy.models.contract import Progress

SHOWN = {
    "total_return": "return",
    "annual_return": "a year",
    "volatility": "volatility",
    "sharpe": "Sharpe",
    "sharpe_se": "s.e.",
    "max_drawdown": "drawdown",
    "hit_rate": "hit rate",
    "turnover": "turnover",
    "average_gross": "gross",
    "exposure": "exposure",
    "events_traded": "events",
    "events_skipped": "skipped",
}
PERCENT = (
    "total_return",
    "annual_return",
    "volatility",
    "max_drawdown",
    "hit_rate",
    "average_gross",
    "exposure",
)
COUNTS = ("events_traded", "events_skipped")


@dataclass(frozen=True)
class BacktestResult:
    """All strategies of one run.

    Attributes
    ----------
    trades : DataFrame
        One row a leg: strategy, event_id, ticker, side (long or short), entry_date,
        entry_price, exit_date, exit_price, size (shares, positive), pnl (everything: prices,
        dividends, costs), costs (commission, slippage and borrow fee, positive), exit_reason
        (``time``; ``stop`` and ``target`` of the sleeve; ``leg stop`` and ``leg target``, and
        ``leg stop of A`` for the rest of that sleeve; ``margin call``; ``frozen at last
        price`` and ``open at end of data``, these two at the last close, free of costs).
    orders : DataFrame
        One row an order: strategy, event_id, ticker, group, side (buy or sell), size,
        created (after that close), executed (on that session), price, status (``filled``,
        ``settled``, ``cancelled``, ``rejected``, ``lost``), reason (why it was not filled,
        why it was sent, or by how much participation scaled it).
    equity : DataFrame
        One row a session of the window: strategy, date, value, return, gross and net
        exposure as fractions of value (NaN where something is held on a value of zero or
        less). The first row is the close of the first decision.
    yardsticks : DataFrame
        The same columns for holding the benchmark and each basket, without costs.
    metrics : DataFrame
        One row a strategy (``kind`` strategy), then one a yardstick.
    skipped : DataFrame
        strategy, event_id, ticker, reason, detail: events, or tickers of one, not traded.
    attribution : DataFrame
        One row an event and strategy: event_id, kind, session_0, legs, entry_date,
        exit_date, staked (sum of absolute legs at entry), pnl, costs, dividends,
        return_on_staked, exit_reason.
    config : mapping
        Everything that was asked: costs, limits, parameters, sources and their hashes.
    evidence : Evidence
        Is it luck? Computed when it is first asked for, which takes seconds; see `gather`.

    Notes
    -----
    For each strategy the sum of ``trades.pnl`` plus ``metrics.interest`` is the last value
    of equity less capital.
    """

    trades: pd.DataFrame
    orders: pd.DataFrame
    equity: pd.DataFrame
    yardsticks: pd.DataFrame
    metrics: pd.DataFrame
    skipped: pd.DataFrame
    attribution: pd.DataFrame
    config: Mapping[str, Any]
    _gather: Callable[..., Evidence] = field(repr=False, compare=False)

    @cached_property
    def evidence(self) -> Evidence:
        """What luck, search and frictions leave of the run."""
        return self._gather()

    def gather(self, *, draws: int | None = None, progress: Progress | None = None) -> Evidence:
        """Compute the evidence with other numbers of placebo calendars, watched.

        Parameters
        ----------
        draws : int, optional
            Placebo calendars; a p-value is no smaller than 1 / (draws + 1).
        progress : callable, optional
            Told what is being done.
        """
        asked = {"draws": draws, "progress": progress}
        found = self._gather(**{name: value for name, value in asked.items() if value is not None})
        vars(self)["evidence"] = found
        return found

    def summary_frame(self) -> pd.DataFrame:
        """Return the main figures, one row a strategy or yardstick, by name."""
        return self.metrics.set_index("strategy")[list(SHOWN)]

    def summary(self) -> str:
        """Return the main figures as text, with what a reader has to know beside them."""
        return "\n".join([self._heading(), "", self._table(), "", *self._notes()])

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        frame = self.summary_frame().rename(columns=SHOWN)
        notes = "".join(f"<p>{line}</p>" for line in (self._heading(), *self._notes()))
        return str(frame.to_html(float_format="{:.4f}".format)) + notes

    def _heading(self) -> str:
        c = self.config
        return (
            f"Backtest from {c['start']} to {c['end']}, {c['sessions']} sessions, "
            f"capital {c['capital']:,.0f}"
        )

    def _table(self) -> str:
        frame = self.summary_frame()
        shown = pd.DataFrame(index=frame.index)
        for name, title in SHOWN.items():
            shown[title] = [_worded(name, value) for value in frame[name]]
        return str(shown.to_string(index_names=False))

    def _notes(self) -> list[str]:
        refused = self.orders[~self.orders["status"].isin(["filled"])]
        rates = (
            f"Costs: {cost_words(self.config['costs'])}; yardsticks bear none. "
            f"Cash: {self.config['risk_free']}."
        )
        ratios = (
            "Sharpe ratios are over cash, over all sessions of the window; s.e. by Lo (2002). "
            f"Variants tried: {self.config['variants']}."
        )
        engines = [
            f"{name} ran on Cerebro: {why}." for name, why in self.config["why_cerebro"].items()
        ]
        notes = [rates, ratios, *engines, *self._skip_reasons()]
        if len(refused):
            counts = refused["status"].value_counts()
            told = ", ".join(f"{count} {status}" for status, count in counts.items())
            notes.append(f"Orders that did not fill as asked: {told}; see orders.")
        return notes + self.alarms()

    def alarms(self) -> list[str]:
        """Return what befell the account: sleeves closed by force, equity that was gone."""
        lines = []
        forced = self.orders[self.orders["reason"] == MARGIN]
        for name, rows in forced.groupby("strategy", sort=False):
            count = rows["event_id"].nunique()
            lines.append(f"Margin calls closed {_counted(count, 'sleeve')} of {name}.")
        gone = self.equity[self.equity["value"] <= 0]
        for name, rows in gone.groupby("strategy", sort=False):
            lines.append(
                f"The equity of {name} was zero or less on {_counted(len(rows), 'session')}, "
                f"first on {rows['date'].iloc[0]:%Y-%m-%d}: its ratios mean nothing, returns from "
                "then on count as zero."
            )
        return lines

    def _skip_reasons(self) -> list[str]:
        """Return why events were not traded, the most frequent reason first."""
        lines = []
        for name, rows in self.skipped.groupby("strategy", sort=False):
            counts = rows.drop_duplicates(["event_id", "reason"])["reason"].value_counts()
            told = ", ".join(f"{count} {reason}" for reason, count in counts.items())
            lines.append(f"Not traded by {name}: {told}; details in skipped.")
        return lines


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _worded(name: str, value: float) -> str:
    if math.isnan(value):
        return ""
    if name in COUNTS:
        return f"{int(value)}"
    return f"{100 * value:.1f}%" if name in PERCENT else f"{value:.2f}"
