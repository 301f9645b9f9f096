"""What a backtest returns, and how it is told in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from eventstudy import later
from eventstudy.backtest.attribution import attribution_by
from eventstudy.backtest.costs import cost_words
from eventstudy.backtest.holdings import positions_of, returns_of, transactions_of
from eventstudy.backtest.ledger import FROZEN, MARGIN
from eventstudy.backtest.monthly import monthly_table, monthly_text
from eventstudy.told import as_html, as_text

if TYPE_CHECKING:
    from eventstudy.backtest.evidence import Evidence
    from eventstudy.models.contract import Progress
    from eventstudy.told import Told

EARNED = {
    "total_return": "return",
    "annual_return": "a year",
    "volatility": "vol.",
    "sharpe": "Sharpe",
    "sharpe_se": "s.e.",
    "sortino": "Sortino",
    "max_drawdown": "drawdown",
    "calmar": "Calmar",
    "alpha": "alpha",
    "alpha_hac_se": "alpha s.e.",
    "beta": "beta",
}
TRADED = {
    "hit_rate": "hit rate",
    "turnover": "turnover",
    "average_gross": "gross",
    "exposure": "exposure",
    "worst_day": "worst day",
    "worst_month": "worst month",
    "positive_months": "months up",
    "events_traded": "events",
    "events_skipped": "skipped",
}
SHOWN = EARNED | TRADED
PERCENT = (
    "total_return",
    "annual_return",
    "volatility",
    "max_drawdown",
    "alpha",
    "alpha_hac_se",
    "hit_rate",
    "average_gross",
    "exposure",
    "worst_day",
    "worst_month",
    "positive_months",
)
COUNTS = ("events_traded", "events_skipped")
ADJUSTED = (
    f"Prices are adjusted for splits as the source gives them: {later.SPLITS}, and no return."
)
WIDTH = 110
"""Of the summary, in characters; tables of long names of strategies may take more."""


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
        price`` and ``open at end of data``, these two at the last close, free of costs), dividends
        (received less paid), mae and mfe: the lowest and the highest profit of the leg at any
        close that it was held over, or when it was closed, as fractions of what it cost at
        entry; zero at entry, so that mae is never above zero and mfe never below. Costs so far
        and dividends count.
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
        One row a strategy (``kind`` strategy), then one a yardstick. Figures that need an
        explanation:

        - sharpe, sortino: over cash, a year, over all sessions; see `metrics`.
        - calmar: annual_return over the depth of max_drawdown, over the whole window.
        - alpha (a year), beta: of the account's returns over cash on the benchmark's, sessions
          without a position included; _se by least squares, _hac_se by Newey and West.
        - information_ratio: of returns less the benchmark's, a year.
        - skewness, kurtosis (a normal has 3), worst_day: of returns per session.
        - worst_month, positive_months (share of months above zero): months that the window
          holds in part count, and so does interest on cash.
        - longest_drawdown: sessions from the high until it was reached again, or to the end;
          drawdown_start, drawdown_trough, drawdown_recovery: its high, its lowest close, the
          first close back at the high (missing where there is none).
    skipped : DataFrame
        strategy, event_id, ticker, reason, detail: events, or tickers of one, not traded.
    attribution : DataFrame
        One row an event and strategy: event_id, kind, session_0, legs, entry_date,
        exit_date, staked (sum of absolute legs at entry), pnl, costs, dividends,
        return_on_staked, exit_reason, mae, mfe (as in trades, of all legs together, as
        fractions of what was staked).
    closes : DataFrame
        By session and ticker, of what was traded; the last one known where a session has none.
    config : mapping
        Everything that was asked: costs, limits, parameters, sources and their hashes.
    evidence : Evidence
        Is it luck? Computed when it is first asked for, which takes seconds; see `gather`.

    Derived on first access: `monthly` and `attribution_by`.

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
    closes: pd.DataFrame
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

    @cached_property
    def monthly(self) -> pd.DataFrame:
        """Simple returns by month and year, of strategies and then of yardsticks.

        strategy, year, month (1 to 12, missing in the row of the whole year), return, sessions
        (with a return), partial (whether the window holds the month or year in part).
        """
        following = self.config.get("following")
        return monthly_table(
            pd.concat([self.equity, self.yardsticks], ignore_index=True),
            None if following is None else np.datetime64(following, "D"),
        )

    @cached_property
    def attribution_by(self) -> pd.DataFrame:
        """Profit of each strategy's trades by event, kind, side, ticker and month of exit.

        strategy, by (``event``, ``kind``, ``side``, ``ticker``, ``exit_month``), key, legs,
        events, pnl, costs, dividends, share_of_pnl, hit_rate; see
        `eventstudy.backtest.attribution.attribution_by`. Within each `by` the rows sum to the
        strategy's trades.
        """
        kinds = self.attribution.drop_duplicates("event_id").set_index("event_id")["kind"]
        return attribution_by(self.trades, kinds)

    def returns(self, name: str) -> pd.Series:
        """Return the simple returns of a strategy or yardstick; see `holdings.returns_of`."""
        return returns_of(pd.concat([self.equity, self.yardsticks], ignore_index=True), name)

    def positions(self, name: str) -> pd.DataFrame:
        """Return the money in each ticker and cash by session; see `holdings.positions_of`."""
        return positions_of(self.trades, self.equity, self.closes, name)

    def transactions(self, name: str) -> pd.DataFrame:
        """Return what a strategy bought and sold; see `holdings.transactions_of`."""
        return transactions_of(self.trades, self.equity, name)

    def monthly_text(self) -> str:
        """Return `monthly` as text, the months side by side in percent."""
        return monthly_text(self.monthly)

    def summary_frame(self) -> pd.DataFrame:
        """Return the main figures, one row a strategy or yardstick, by name."""
        return self.metrics.set_index("strategy")[list(SHOWN)]

    def summary(self) -> str:
        """Return the main figures as text, with what a reader has to know beside them."""
        return as_text(self._told(), WIDTH)

    def _told(self) -> Told:
        tables = (self._table(EARNED), "", self._table(TRADED, "strategy"))
        return [self._heading(), "", *tables, "", *self._notes()]

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return as_html(self._told())

    def _heading(self) -> str:
        c = self.config
        return (
            f"Backtest from {c['start']} to {c['end']}, {c['sessions']} sessions, "
            f"capital {c['capital']:,.0f}"
        )

    def _table(self, titles: Mapping[str, str], kind: str = "") -> pd.DataFrame:
        frame = self.metrics.set_index("strategy")
        if kind:
            frame = frame[frame["kind"] == kind]
        shown = pd.DataFrame(index=frame.index)
        for name, title in titles.items():
            shown[title] = [_worded(name, value) for value in frame[name]]
        return shown

    def _notes(self) -> list[str]:
        refused = self.orders[~self.orders["status"].isin(["filled"])]
        rates = (
            f"Costs: {cost_words(self.config['costs'])}; yardsticks bear none. "
            f"Cash: {self.config['risk_free']}."
        )
        ratios = (
            "Sharpe and Sortino ratios are over cash, over all sessions of the window; s.e. by "
            f"Lo (2002). Alpha (a year) and beta against {self.config['benchmark']}, s.e. by Newey "
            "and West. Interest on cash counts in every return, and thus in months up. "
            f"Variants tried: {self.config['variants']}."
        )
        engines = [
            f"{name} {later.CEREBRO}: {why}." for name, why in self.config["why_cerebro"].items()
        ]
        window = (
            f"The window runs {later.WINDOW} here, so "
            "that figures over it move a little with the strategies that are run together."
        )
        notes = [rates, ratios, window, ADJUSTED, *engines, *self._skip_reasons()]
        if len(refused):
            counts = refused["status"].value_counts()
            told = ", ".join(f"{count} {status}" for status, count in counts.items())
            notes.append(f"Orders that did not fill as asked: {told}; see orders.")
        return notes + self.alarms()

    def alarms(self) -> list[str]:
        """Return what befell the account: forced exits, prices that ended, equity that was gone."""
        lines = []
        forced = self.orders[self.orders["reason"] == MARGIN]
        for name, rows in forced.groupby("strategy", sort=False):
            count = rows["event_id"].nunique()
            lines.append(f"Margin calls closed {_counted(count, 'sleeve')} of {name}.")
        frozen = self.trades[self.trades["exit_reason"] == FROZEN]
        for name, rows in frozen.groupby("strategy", sort=False):
            tickers = ", ".join(dict.fromkeys(rows["ticker"]))
            lines.append(
                f"{_counted(len(rows), 'leg')} of {name} left at the last price, for "
                f"{later.ENDED}: {tickers}. What a holder got then is not known."
            )
        early = [n for n, s in self.config["strategies"].items() if s["parameters"]["entry"] < 1]
        if early and self.config["calendar"] == "prices":
            lines.append(
                f"Sessions before an event are counted on {later.PRICE_DATES} gives, dates that "
                f"were not known then, as an exchange's are: {', '.join(early)}."
            )
        for name, gone in self.config["yardsticks_ended"].items():
            told = ", ".join(f"{ticker} on {day}" for ticker, day in gone.items())
            lines.append(f"Prices of members of {name} ended: {told}; from then on it holds cash.")
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
