"""Is it luck? One run held against errors, search, other dates, costs, delay and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from eventstudy.backtest import metrics
from eventstudy.backtest.desk import Desk
from eventstudy.backtest.fastpath import FastPathRefused, check_hooks, check_terms
from eventstudy.backtest.frictions import Ran, capacity_of, capital_rows, cost_rows, delay_rows
from eventstudy.backtest.ledger import MARGIN
from eventstudy.backtest.luck import (
    PlaceboVerdict,
    break_even_cost,
    draw_calendars,
    judge_sharpe,
    period_sharpe,
    placebo_dates,
    stationary_interval,
)
from eventstudy.backtest.setup import Setup
from eventstudy.backtest.sleeves import placed_sleeves
from eventstudy.errors import BacktestError
from eventstudy.models.contract import Progress, unwatched
from eventstudy.told import as_html, as_text

if TYPE_CHECKING:
    from eventstudy.told import Told

Floats = npt.NDArray[np.float64]
DRAWS = 999
"""Placebo calendars of a run."""
HISTORY = 260
"""Sessions before a placebo date, where the prices reach back so far."""
LONGEST_HOLD = 252
"""Beyond a year a trade is no trade around an event."""

LUCK = (
    "strategy", "sessions", "sharpe", "lo_se", "boot_low", "boot_high", "boot_p", "skewness",
    "kurtosis", "psr", "trials", "expected_max", "dsr", "min_track_record", "placebo_total_p",
    "placebo_sharpe_p", "placebo_draws", "placebo_distinct", "break_even_bp", "capacity",
    "note",
)  # fmt: skip
SHOWN = {
    "sharpe": "Sharpe",
    "boot_low": "boot low",
    "boot_high": "boot high",
    "psr": "PSR",
    "trials": "trials",
    "dsr": "DSR",
    "min_track_record": "sessions needed",
    "placebo_total_p": "placebo p",
    "placebo_sharpe_p": "placebo p, Sharpe",
    "break_even_bp": "break-even bp",
    "capacity": "capacity m",
}
SENSITIVITY = ("strategy", "what", "level", "total_return", "sharpe", "events")


@dataclass(frozen=True)
class Evidence:
    """What luck, search and frictions leave of a backtest.

    Attributes
    ----------
    luck : DataFrame
        One row a strategy. sharpe, lo_se, boot_low, boot_high, expected_max: a year, over
        cash; boot_p: of a mean above zero; psr, dsr: probability that the true Sharpe ratio
        is above zero, and above the best to be expected of `trials` trials without an edge;
        min_track_record: sessions until psr would reach 95%; placebo_total_p,
        placebo_sharpe_p: share of placebo calendars that do as well; break_even_bp: one-way
        cost that takes the whole profit; capacity: capital at which impact takes the profit
        over cash, or at which an order is a whole day's volume; note: what could not be told,
        and why.
    sensitivity : DataFrame
        strategy, what (``cost``, ``delay`` or ``capital``), level (times the costs, sessions
        later, money), total_return, sharpe (NaN for ``capital``), events.
    placebo : DataFrame
        strategy, draw, total, sharpe: profit and Sharpe ratio on each placebo calendar.
    """

    luck: pd.DataFrame
    sensitivity: pd.DataFrame
    placebo: pd.DataFrame

    def summary_frame(self) -> pd.DataFrame:
        """Return the main figures, one row a strategy, by name."""
        return self.luck.set_index("strategy")[list(SHOWN)]

    def summary(self) -> str:
        """Return the main figures as text, with what a reader has to know beside them."""
        return as_text(self._told())

    def _told(self) -> Told:
        frame = self.summary_frame()
        shown = pd.DataFrame(
            {SHOWN[name]: [_worded(name, value) for value in frame[name]] for name in SHOWN},
            index=frame.index,
        )
        draws = self.luck["placebo_draws"].max()
        floor = f", no smaller than {1.0 / (draws + 1.0):.2g}" if draws else " (none was drawn)"
        said = (
            "PSR and DSR: probability that the true Sharpe ratio is above zero, and above the "
            "best to be expected of that many trials without an edge. Placebo p: share of "
            f"calendars with the gaps between events permuted that do as well{floor}; the "
            "strategy is asked with each event's own direction, so that labels set with "
            "hindsight keep it there too."
        )
        noted = zip(self.luck["strategy"], self.luck["note"], strict=True)
        notes = [f"{name!s}: {note!s}." for name, note in noted if note]
        return ["Is it luck?", "", shown, "", said, *notes]

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return as_html(self._told())


def _worded(name: str, value: float) -> str:
    if np.isnan(value):
        return ""
    if name in ("trials", "min_track_record"):
        return f"{value:,.0f}"
    if name == "capacity":
        return f"{value / 1e6:,.0f}"
    if name in ("psr", "dsr"):
        return f"{100 * value:.1f}%"
    return f"{value:.3f}" if name.endswith("_p") else f"{value:.2f}"


def gather(
    setup: Setup,
    runs: Sequence[Ran],
    variants: int,
    *,
    draws: int = DRAWS,
    progress: Progress = unwatched,
) -> Evidence:
    """Return the evidence on the strategies of a run.

    Parameters
    ----------
    setup : Setup
    runs : sequence of Ran
    variants : int
        Every configuration tried, those of this run included: it enters the deflation.
    draws : int
        Placebo calendars.
    progress : Progress
    """
    excess = [run.excess(setup) for run in runs]
    ratios = [period_sharpe(values) for values in excess]
    rows, tables, drawn = [], [], []
    for number, (run, values) in enumerate(zip(runs, excess, strict=True)):
        progress("asking whether it is luck", number, len(runs))
        verdict, why = _placebo(setup, run, draws, progress)
        rows.append(_luck_row(setup, run, values, ratios, max(variants, len(runs)), verdict, why))
        if run.desk.ledger.legs:
            tables += cost_rows(setup, run) + delay_rows(setup, run) + capital_rows(setup, run)
        if verdict is not None:
            drawn.append(_drawn(run.desk.name, verdict))
    progress("asking whether it is luck", len(runs), len(runs))
    empty = pd.DataFrame(columns=["strategy", "draw", "total", "sharpe"])
    return Evidence(
        pd.DataFrame(rows, columns=list(LUCK)),
        pd.DataFrame(tables, columns=list(SENSITIVITY)),
        pd.concat(drawn, ignore_index=True) if drawn else empty,
    )


def _luck_row(
    setup: Setup,
    run: Ran,
    excess: Floats,
    ratios: Sequence[float],
    trials: int,
    verdict: PlaceboVerdict | None,
    why: str,
) -> dict[str, Any]:
    year = float(np.sqrt(metrics.YEAR))
    judged = judge_sharpe(excess, ratios, trials=trials)
    boot = stationary_interval(excess, seed=setup.seed)
    legs = list(run.desk.ledger.legs.values())
    gross = [leg.value(leg.exit_price) + leg.commission + leg.slippage for leg in legs]
    level = break_even_cost(gross, [leg.traded for leg in legs])
    capacity, blind = capacity_of(setup, run)
    notes = (judged.why, boot.why, why, verdict.note if verdict else "", level.why, blind)
    return {
        "strategy": run.desk.name,
        "sessions": len(excess),
        "sharpe": metrics.sharpe(excess),
        "lo_se": metrics.sharpe_error(metrics.sharpe(excess), len(excess)),
        "boot_low": boot.sharpe_low,
        "boot_high": boot.sharpe_high,
        "boot_p": boot.p_value,
        "skewness": judged.skewness,
        "kurtosis": judged.kurtosis,
        "psr": judged.probabilistic,
        "trials": judged.trials,
        "expected_max": judged.expected_max * year,
        "dsr": judged.deflated,
        "min_track_record": judged.track_record,
        "placebo_total_p": verdict.p_total if verdict else np.nan,
        "placebo_sharpe_p": verdict.p_sharpe if verdict else np.nan,
        "placebo_draws": verdict.draws if verdict else 0,
        "placebo_distinct": verdict.distinct if verdict else 0,
        "break_even_bp": level.cost_bp,
        "capacity": capacity,
        "note": "; ".join(dict.fromkeys(filter(None, notes))),
    }


def _placebo(
    setup: Setup, run: Ran, draws: int, progress: Progress
) -> tuple[PlaceboVerdict | None, str]:
    """Return how the run stands among placebo dates, or why that cannot be told."""
    terms, agenda = run.desk.terms, run.desk.agenda
    try:
        check_terms(run.desk)
        check_hooks(run.strategy.cls)
    except FastPathRefused as refused:
        return None, f"no placebo dates: {refused}"
    if terms.hold > LONGEST_HOLD:
        return None, f"no placebo dates: a hold of {terms.hold} sessions is no trade around events"
    if not run.desk.ledger.legs:
        return None, "no placebo dates: nothing was traded"
    zeros = np.array([item.decision + 1 - terms.entry for item in agenda], dtype=np.int64)
    low = min(HISTORY, int(zeros.min()))
    last = len(setup.market.table.dates)
    high = max(last - max(terms.entry + terms.hold, 0), int(zeros.max()) + 1)
    calendars = draw_calendars(np.unique(zeros), low, high, draws=draws, seed=setup.seed)
    distinct, block = np.unique(zeros, return_inverse=True)
    needed = np.zeros((len(agenda), last), dtype=bool)
    for number, place in enumerate(block):
        needed[number, calendars.rows[:, place]] = True
        needed[number, distinct[place]] = True
    events = [item.event for item in agenda]
    try:
        profits = placed_sleeves(setup, run.strategy, events, needed, 0, progress)
    except BacktestError as error:
        return None, f"no placebo dates: {error}"
    verdict = placebo_dates(
        profits, zeros, low, high, capital=setup.market.capital, draws=draws, seed=setup.seed
    )
    return verdict, "; ".join(filter(None, (verdict.why, _bound(run.desk))))


def _bound(desk: Desk) -> str:
    """Say where limits took part in a run that is held against sleeves without them."""
    orders = desk.ledger.orders
    refused = len({order.event for order in orders if order.status == "rejected"})
    called = len({order.event for order in orders if order.reason == MARGIN})
    told = [(refused, "refused"), (called, "closed by a margin call")]
    found = " and ".join(f"{count} {words}" for count, words in told if count)
    return found and (
        f"limits took part: of {len(desk.agenda)} events {found}; placebo dates are without "
        "limits, and so is the true calendar among them"
    )


def _drawn(name: str, verdict: PlaceboVerdict) -> pd.DataFrame:
    found = pd.DataFrame({"total": verdict.drawn_total, "sharpe": verdict.drawn_sharpe})
    found.insert(0, "draw", np.arange(1, len(found) + 1))
    found.insert(0, "strategy", name)
    return found
