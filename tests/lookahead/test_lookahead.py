"""Rows after a session change no number that is dated by it; what is excepted says so.

`benchmarks/lookahead.py` is the long form of the property.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lookahead_inputs import SESSIONS, Inputs, make_inputs
from lookahead_runs import Asked, Report, compared, drawn

import eventstudy as es
from eventstudy import later
from eventstudy.abnormal import Panel, Places
from eventstudy.backtest import EventStrategy
from eventstudy.models import LinearModel, ModelFit, ModelTask
from eventstudy.report import render_html

EXAMPLES = int(os.environ.get("EVENTSTUDY_LOOKAHEAD", "1"))
NOTHING = Asked(models=("mean",), tests=("bmp",), observed=("@ASIC",), streamed=False)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1))
def test_later_rows_change_no_number_of_before(seed: int) -> None:
    inputs, row, kinds, asked = drawn(seed, "quick")
    report = compared(inputs, seed, row, kinds, asked)
    assert not report.differing, (seed, report.differing[:5])


FIRST = 110
"""Row of session 0 of the first event that something is planted beside."""


def planted(kinds: list[str], row: int, **asked: Any) -> Report:
    """Return what the property says of a made world with something planted in it."""
    made = make_inputs(4, holes=0)
    rows = [
        {**dict.fromkeys(made.events.columns, ""), "event_id": ticker, "tickers": ticker,
         "date": SESSIONS[at].item().isoformat(), "session": "pre"}
        for at, ticker in ((FIRST, "AVGO"), (FIRST + 16, "NVDA"))
    ]  # fmt: skip
    inputs = Inputs(made.bars, pd.DataFrame(rows), made.factors)
    return compared(inputs, 4, row, kinds, Asked(**{**vars(NOTHING), **asked}))


def tables(report: Report) -> set[str]:
    return {d.table for d in report.differing}


class MeanOfAll(LinearModel):
    """A mean whose window ends with the event window instead of before it."""

    name = "mean-of-all"
    needs_benchmark = False
    coefficients = ("alpha",)

    def design(self, market: np.ndarray) -> np.ndarray:
        return np.ones((*market.shape, 1))

    def fit(self, task: ModelTask) -> ModelFit:
        y = np.concatenate([task.y, task.y_event], axis=1)[:, task.y_event.shape[1] :]
        moved = ModelTask(y, task.y_event, task.market, task.market_event, task.net)
        return super().fit(moved)


class OneSessionOn(MeanOfAll):
    """A mean whose abnormal returns are those of one session later."""

    name = "one-session-on"

    def fit(self, task: ModelTask) -> ModelFit:
        ahead = np.roll(task.y_event, -1, axis=1)
        return LinearModel.fit(
            self, ModelTask(task.y, ahead, task.market, task.market_event, task.net)
        )


class Peeker(EventStrategy):
    """Buys what rises tomorrow, which it reads behind the history's back."""

    hold: int = 3

    def targets(self, event: Any, history: Any) -> dict[str, float]:
        close, end = history._table.close[:, history.column("SPY")], len(history)
        return {"SPY": 0.5 * float(np.tanh(50.0 * (close[end] / close[end - 1] - 1.0)))}


def test_a_model_that_looks_ahead_is_caught() -> None:
    report = planted(["values"], FIRST + 1, models=(MeanOfAll(), "mean", OneSessionOn()))
    caught = {d.row[2] for d in report.differing if d.table == "abnormal"}
    assert caught == {"mean-of-all", "one-session-on"}


def test_a_strategy_that_peeks_is_caught() -> None:
    report = planted(["values"], FIRST, study=False, strategies=(Peeker,), engine="auto")
    assert "orders decided" in tables(report)


def test_a_yardstick_of_survivors_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from eventstudy.backtest import run

    plain = run.first_members

    def survivors(table: es.PriceTable, weights: dict[str, float]) -> dict[str, float]:
        kept = plain(table, weights)
        alive = {t: w for t, w in kept.items() if np.isfinite(table.close[-1, table.column(t)])}
        return {t: w / sum(alive.values()) for t, w in alive.items()}

    monkeypatch.setattr(run, "first_members", survivors)
    report = planted(["delisted"], FIRST + 30, study=False, strategies=("buy-and-hold",))
    assert tables(report) == {"yardsticks"}


def test_a_threshold_of_the_whole_table_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from eventstudy.study import join

    def of_all(panel: Panel, places: Places, _: object) -> np.ndarray:
        return np.full(len(places), 1e17 * np.nanmean(panel.series**2))

    monkeypatch.setattr(join, "mean_squares", of_all)
    assert "abnormal" in tables(planted(["wild"], FIRST + 30))


@pytest.mark.parametrize("engine", ["cerebro", "auto"])
def test_prices_rescaled_by_a_later_split_move_no_return(engine: str, tmp_path: Path) -> None:
    """A vendor adjusts all that is earlier: prices by 1/8, shares by 8; 1/8 keeps all bits."""
    inputs = make_inputs(11, "both", 2)
    bars = {}
    for ticker, frame in inputs.bars.items():
        ratio = 8.0 if ticker in ("AVGO", "NVDA") else 1.0
        priced = frame.columns.difference(["volume"])
        bars[ticker] = frame.assign(**{c: frame[c] / ratio for c in priced})
        bars[ticker]["volume"] = frame["volume"] * ratio
    found = [_both(Inputs(b, inputs.events, inputs.factors), tmp_path / name, engine)
             for name, b in (("plain", inputs.bars), ("split", bars))]  # fmt: skip
    for name in ("abnormal", "cars"):
        pd.testing.assert_frame_equal(*(getattr(s, name) for s, _ in found), rtol=1e-11)
    for name in ("equity", "yardsticks"):
        pd.testing.assert_frame_equal(*(getattr(b, name) for _, b in found), rtol=1e-11)
    pnl = [b.trades["pnl"].to_numpy() for _, b in found]
    np.testing.assert_allclose(pnl[0], pnl[1], rtol=1e-9, atol=1e-6)


def _both(inputs: Inputs, folder: Path, engine: str) -> tuple[es.StudyResult, es.BacktestResult]:
    inputs.write(folder)
    prices = es.load_prices(source=folder / "prices")
    events = es.read_events(folder / "events.csv", prices=prices)
    options = {"estimation": 70, "gap": 3, "min_estimation": 60, "tests": ("bmp",)}
    study = es.event_study(events, prices, window=[(0, 0), (0, 4)], **options)
    asked = ["asic-gpu-rotation:hold=3", "buy-and-hold"]
    return study, es.backtest(events, prices, asked, engine=engine)


# What is excepted says so -------------------------------------------------------------------


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a reader sees of a run that has everything in it that rests on later rows."""
    folder = tmp_path_factory.mktemp("marks")
    made = make_inputs(4, "stated", 0)
    listed = ((100, "AVGO"), (101, "AVGO"), (120, "NVDA"), (158, "AMD"), (140, "MU"), (142, "MU"))
    rows = [
        {"event_id": f"m{i}", "date": SESSIONS[at].item().isoformat(), "session": "pre",
         "tickers": t, "subject": t, "kind": "talk", "expects": "" if t == "MU" else "@ASIC+ @GPU-"}
        for i, (at, t) in enumerate(listed)
    ]  # fmt: skip
    bars = {**made.bars, "AMD": made.bars["AMD"].iloc[:161]}
    Inputs(bars, pd.DataFrame(rows), made.factors).write(folder)
    prices = es.load_prices(source=folder / "prices", calendar="prices")
    events = es.read_events(
        folder / "events.csv", calendar="prices", prices=prices, benchmark="SPY"
    )
    options: dict[str, Any] = {
        "estimation": 70, "gap": 3, "min_estimation": 60, "window": [(0, 0), (0, 4)],
    }  # fmt: skip
    dropped = es.event_study(
        events.select(["m0", "m1", "m2", "m3"]), prices, model=["market", "comparison-mean"],
        overlap="drop", tests=("bmp", "placebo"), observed=["@ASIC-@GPU"], **options,
    )  # fmt: skip
    joint = es.event_study(
        events.select(["m4", "m5"]), prices, overlap="joint", tests=("bmp",), **options
    )
    asked = ["asic-gpu-rotation:hold=5", "buy-and-hold:hold=400", "pre-event-run-up"]
    traded = es.backtest(events, prices, asked, engine="auto")
    traded.gather(draws=19)
    pages = " ".join([render_html(dropped, traded), render_html(joint)])
    return {
        "report": flat(re.sub(r"<[^>]+>", " ", pages)),
        "study": flat(f"{dropped.summary()} {joint.summary()}"),
        "backtest": flat(traded.summary()),
        "trades": traded.trades.to_csv(),
        "dropped": dropped.dropped.to_csv(),
    }


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(text))


PLACES = {
    "cautions of study and report": ("study", "report"),
    "notes of study and report": ("study", "report"),
    "question of study and report; notes of backtest": ("study", "report", "backtest"),
    "assumptions of the test": ("report",),
    "cautions of study and report; each loss in dropped": ("study", "report"),
    "notes of backtest and report; exit_reason in trades": ("backtest", "report"),
    "notes of backtest and report": ("backtest", "report"),
    "notes of backtest": ("backtest",),
    "what luck rests on, in the report": ("report",),
    "exit_reason in trades": ("trades",),
}


@pytest.mark.parametrize("entry", later.LATER, ids=lambda entry: entry.name)
def test_what_rests_on_later_rows_says_so(entry: later.LaterData, shown: dict[str, str]) -> None:
    for place in PLACES[entry.where]:
        assert entry.words in shown[place], place


def test_losses_to_a_later_event_or_return_are_listed(shown: dict[str, str]) -> None:
    assert "overlap" in shown["dropped"]
    assert "missing_returns" in shown["dropped"]


def test_nothing_is_marked_where_nothing_rests_on_later_rows() -> None:
    inputs, *_ = drawn(0, "quick")
    prices = es.load_prices(pd.DataFrame({t: b["close"] for t, b in inputs.bars.items()}).ffill())
    row = {"event_id": "a", "date": SESSIONS[100].item().isoformat(), "session": "pre"}
    events = es.read_events(pd.DataFrame([{**row, "tickers": "QCOM"}]), prices=prices)
    study = es.event_study(
        events, prices, estimation=70, gap=3, min_estimation=60, tests=("bmp",), observed=()
    )
    text = study.summary()
    assert later.MODEL not in text
    assert later.HULL not in text


def test_the_page_lists_every_exception(root: Path) -> None:
    page = (root / "docs" / "look-ahead.md").read_text(encoding="utf-8")
    for entry in later.LATER:
        assert f'| {entry.name} | {entry.what} | "{entry.words}" | {entry.where} |' in page
