"""Each shipped strategy's rule on a market made by hand: weights, dates, and what it skips."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eventstudy.backtest import FREE, backtest
from eventstudy.events import read_events
from eventstudy.prices import load_prices

CAPITAL = 100_000.0


def traded(result, event_id="e0", gross=0.2):
    """Return what was bought and sold at the entry, in sleeves."""
    orders = result.orders[result.orders["group"] == f"{event_id}:entry"]
    signs = orders["side"].map({"buy": 1, "sell": -1})
    value = orders["size"] * orders["price"] * signs
    return dict(zip(orders["ticker"], value / (gross * CAPITAL), strict=True))


def ran(market, calendar, strategy, *rows, jumps=None, assume_known=None, **parameters):
    prices = market.prices(jumps)
    events = calendar(prices, *rows, assume_known=assume_known)
    return backtest(events, prices, (strategy, parameters), costs=FREE, capital=CAPITAL)


def told(result):
    return result.skipped.set_index("event_id")["detail"].to_dict()


REVERSALS = [
    ("AVGO", 0.05, {"AVGO": -0.5, "NVDA": 0.25, "AMD": 0.25}),  # GPUs were oversold
    ("NVDA", -0.05, {"NVDA": 0.5, "AVGO": -0.25, "MRVL": -0.25}),
    ("MSFT", 0.05, {"MSFT": -0.5, "SPY": 0.5}),  # of neither camp
]


@pytest.mark.parametrize(("ticker", "jump", "expected"), REVERSALS)
def test_reversal_trades_against_the_jump_and_for_the_other_camp(
    market, calendar, ticker, jump, expected
):
    """The residual's s.d. is 1%, so 5% is about five standard errors."""
    jumps = {ticker: {market.news: jump}}
    row = f"subject={ticker},tickers={ticker}"
    result = ran(market, calendar, "overreaction-reversal", row, jumps=jumps)
    assert traded(result) == pytest.approx(expected)
    entries = result.orders[result.orders["group"] == "e0:entry"]
    assert set(entries["executed"]) == {pd.Timestamp(market.days[market.news + 1])}
    exits = result.trades["exit_date"]
    assert set(exits) == {pd.Timestamp(market.days[-1])}  # 20 sessions lead past the end


@pytest.mark.parametrize(
    ("jump", "k", "trades"), [(0.025, 3.0, 0), (0.025, 2.0, 3), (0.04, 3.0, 3)]
)
def test_reversal_waits_for_k_standard_errors(market, calendar, jump, k, trades):
    jumps = {"AVGO": {market.news: jump}}
    result = ran(market, calendar, "overreaction-reversal", "subject=AVGO", jumps=jumps, k=k)
    assert len(result.trades) == trades
    if not trades:
        assert told(result)["e0"].endswith("standard errors, not above 3")


def test_reversal_and_drift_disagree_on_one_jump(market, calendar):
    jumps = {"AVGO": {market.news: 0.05}}
    sides = [
        traded(ran(market, calendar, name, "subject=AVGO", jumps=jumps))["AVGO"]
        for name in ("overreaction-reversal", "post-event-drift")
    ]
    assert sides == pytest.approx([-0.5, 0.5])


def test_reversal_needs_a_past_a_reaction_and_prices(market, calendar):
    early = f"subject=AVGO,date={market.days[100]}"
    rows = (early, "tickers=ORCL,subject=ORCL", "subject=SPY,tickers=SPY")
    found = told(ran(market, calendar, "overreaction-reversal", *rows))
    assert found == {
        "e0": "too few returns of AVGO before the event",
        "e1": "ORCL has no prices",
        "e2": "nothing to hold against SPY",
    }
    ahead = ran(
        market, calendar, "overreaction-reversal", "subject=AVGO,known_on=2023-01-03", entry=0
    )
    assert told(ahead)["e0"].startswith("there is no reaction to trade against before session 0")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("kind=capex,expects=@ASIC+ @GPU+", dict.fromkeys(("AVGO", "MRVL", "NVDA", "AMD"), 0.25)),
        ("kind=capex,expects=@ASIC- @GPU-", "not a raise that favours both @ASIC and @GPU"),
        ("kind=capex,expects=@ASIC+ @GPU-", "not a raise that favours both @ASIC and @GPU"),
        ("kind=capex,expects=@GPU+", "not a raise that favours both @ASIC and @GPU"),
        ("kind=capex", "not a raise that favours both @ASIC and @GPU"),
        ("kind=earnings,expects=@ASIC+ @GPU+", "news of another kind: earnings"),
        ("expects=@ASIC+ @GPU+", "news of another kind: none given"),
    ],
)
def test_capex_buys_both_camps_after_a_raise_and_nothing_else(market, calendar, row, expected):
    result = ran(market, calendar, "capex-momentum", row)
    if isinstance(expected, dict):
        assert traded(result) == pytest.approx(expected)
    else:
        assert told(result) == {"e0": expected}
        assert result.trades.empty


def test_run_up_holds_the_subject_from_session_minus_5_to_minus_1(market, calendar):
    """Its pay is the four returns of sessions -4 to -1; the news itself, +50%, is not in it."""
    jumps = {"AVGO": {market.news: 0.5, **{market.news - d: 0.02 for d in (4, 3, 2, 1)}}}
    row = f"subject=AVGO,known_on={market.days[market.news - 6]}"
    result = ran(market, calendar, "pre-event-run-up", row, jumps=jumps, hedged=False)
    trade = result.trades.iloc[0]
    assert traded(result) == pytest.approx({"AVGO": 1.0}, rel=0.02)
    assert trade["entry_date"] == market.days[market.news - 5]
    assert trade["exit_date"] == market.days[market.news - 1]
    assert trade["exit_price"] / trade["entry_price"] == pytest.approx(1.02**4)
    assert trade["pnl"] == pytest.approx(trade["size"] * trade["entry_price"] * (1.02**4 - 1))


def test_run_up_is_hedged_by_the_benchmark(market, calendar):
    row = f"subject=AVGO,known_on={market.days[market.news - 6]}"
    orders = ran(market, calendar, "pre-event-run-up", row).orders
    entries = orders[orders["group"] == "e0:entry"].set_index("ticker")
    prices = market.prices()
    decided = dict(zip(prices.tickers, prices.close[market.news - 6], strict=True))
    stakes = {t: entries.loc[t, "size"] * decided[t] / CAPITAL for t in ("AVGO", "SPY")}
    assert stakes == pytest.approx({"AVGO": 0.1, "SPY": 0.1})
    assert entries["side"].to_dict() == {"AVGO": "buy", "SPY": "sell"}


def test_run_up_never_trades_a_date_that_was_not_known(market, calendar):
    """One session too late, never, and an hour that is uncertain; then one that was known."""
    decided, late = market.days[market.news - 6], market.days[market.news - 5]
    rows = (
        f"subject=AVGO,known_on={late}",
        "subject=AVGO",
        f"subject=AVGO,session=unknown,known_on={decided}",
        f"subject=Somebody,known_on={decided}",
        f"subject=NVDA,known_on={decided}",
    )
    result = ran(market, calendar, "pre-event-run-up", *rows)
    assert set(result.trades["event_id"]) == {"e4"}
    reasons = result.skipped.set_index("event_id")["reason"].to_dict()
    assert reasons == {
        "e0": "not_known", "e1": "not_known", "e2": "no_position", "e3": "no_position"
    }  # fmt: skip
    assert told(result)["e2"].startswith("its hour is uncertain")
    assert told(result)["e3"] == "its subject (Somebody) has no prices"
    known = ran(
        market, calendar, "pre-event-run-up", "kind=earnings,subject=AVGO",
        assume_known={"earnings": 14},
    )  # fmt: skip
    assert set(known.trades["event_id"]) == {"e0"}


@pytest.mark.parametrize(("entry", "hold", "leaves"), [(-5, 5, 0), (-1, 1, 0), (-3, 10, 7)])
def test_run_up_refuses_to_be_held_into_the_news(market, calendar, entry, hold, leaves):
    row = "subject=AVGO,known_on=2023-01-03"
    result = ran(market, calendar, "pre-event-run-up", row, entry=entry, hold=hold)
    assert told(result)["e0"].startswith(f"entry + hold is {leaves}: give -1 at most")


def test_no_event_known_in_advance_is_one_readable_sentence(market, calendar):
    with pytest.raises(Exception, match="never before the event.*e0 and 2 more.*--assume-known"):
        ran(market, calendar, "pre-event-run-up", "", "", "")


def test_buy_and_hold_is_bought_once_and_pays_what_its_price_pays(market, calendar):
    """95% of capital at the decision's close, which is the next open; never sold."""
    prices = market.prices()
    rows = (f"date={market.days[20]}", f"date={market.days[20]}", f"date={market.days[40]}")
    result = ran(market, calendar, "buy-and-hold", *rows)
    assert len(result.trades) == 1
    spy = prices.close[:, prices.column("SPY")]
    assert result.trades["pnl"].iloc[0] == pytest.approx(0.95 * CAPITAL * (spy[-1] / spy[20] - 1))
    assert result.trades["exit_reason"].iloc[0] == "open at end of data"
    assert told(result) == dict.fromkeys(("e1", "e2"), "only the first event buys")
    # The yardstick is all in from the same close, so its return is that over 0.95.
    total = result.metrics.set_index("strategy")["total_return"]
    assert total["buy-and-hold"] == pytest.approx(0.95 * total["hold SPY"])


@pytest.mark.parametrize(
    ("held", "expected"), [("NVDA", {"NVDA": 0.95}), ("@GPU", {"NVDA": 0.475, "AMD": 0.475})]
)
def test_buy_and_hold_of_a_ticker_or_basket(market, calendar, held, expected):
    result = ran(market, calendar, "buy-and-hold", "", "", held=held)
    assert traded(result, gross=1.0) == pytest.approx(expected)


@pytest.mark.parametrize(("held", "words"), [("NVDAA", "did you mean 'NVDA'"), ("@GPUU", "'@GPU'")])
def test_buy_and_hold_of_something_unknown(market, calendar, held, words):
    with pytest.raises(Exception, match=words):
        ran(market, calendar, "buy-and-hold", "", held=held)


def test_buy_and_hold_against_the_yardstick_on_the_sample(root):
    """Without costs: closes, the fill's open and the dividends paid since, from the sample."""
    events = read_events(root / "events.csv")
    prices = load_prices(("AVGO", "MRVL", "NVDA", "AMD", "SPY"), source="sample")
    result = backtest(events, prices, "buy-and-hold", costs=FREE)
    trade = result.trades.iloc[0]
    spy, bought = prices.column("SPY"), prices.dates.searchsorted(trade["entry_date"].to_numpy())
    opened, decided = prices.open[bought, spy], prices.close[bought - 1, spy]
    paid = np.nansum(prices.cash_dividends[bought + 1 :, spy])
    earned = 0.95 / decided * (prices.close[-1, spy] + paid - opened)
    total = result.metrics.set_index("strategy")["total_return"]
    assert total["buy-and-hold"] == pytest.approx(earned, rel=1e-9)
    # Cash, the first night and dividends left idle are all that parts it from `hold SPY`.
    assert total["buy-and-hold"] / 0.95 == pytest.approx(total["hold SPY"], abs=0.01)


SHIPPED = (
    "asic-gpu-rotation", "buy-and-hold", "capex-momentum", "overreaction-reversal",
    "post-event-drift", "pre-event-run-up",
)  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_later_prices_change_no_decision(market, calendar, name):
    """Everything after the decision is redrawn; the orders sent up to it stay."""
    row = "kind=capex,subject=AVGO,expects=@ASIC+ @GPU+,known_on=2023-01-03"
    if name == "asic-gpu-rotation":
        row = "subject=AVGO,expects=@ASIC+ @GPU-"
    cut = market.news - 5 if name == "pre-event-run-up" else market.news + 1
    jump = {"AVGO": {market.news: 0.06}}
    noise = np.random.default_rng(8).normal(0, 0.05, 400)
    later = {t: {row: noise[row] for row in range(cut, 320)} for t in ("AVGO", "NVDA", "SPY")}
    later["AVGO"] = {market.news: 0.06, **later["AVGO"]}
    found = []
    for jumps in (jump, later):
        orders = ran(market, calendar, name, row, jumps=jumps).orders
        entries = orders[orders["group"] == "e0:entry"]
        found.append(entries[["ticker", "side", "size", "created"]].reset_index(drop=True))
    assert len(found[0])
    assert found[0].equals(found[1])


@pytest.mark.vendor
def test_all_of_them_on_the_real_folder(root, vendor):
    events = read_events(root / "events.csv", assume_known={"earnings": 14})
    prices = load_prices(events.tickers | {"SPY"}, source=vendor)
    result = backtest(events, prices, SHIPPED)
    rows = result.metrics.set_index("strategy").loc[list(SHIPPED)]
    assert rows["events_traded"].drop("buy-and-hold").min() >= 5
    assert rows.loc["buy-and-hold", "events_traded"] == 1
    ends = result.equity.groupby("strategy")["value"].last() - result.config["capital"]
    booked = result.trades.groupby("strategy")["pnl"].sum() + rows["interest"]
    assert booked.to_dict() == pytest.approx(ends.to_dict(), abs=1e-2)
    ups = result.attribution[result.attribution["strategy"] == "pre-event-run-up"]
    assert (ups["exit_date"] < ups["session_0"]).all()
    assert set(ups["kind"]) == {"earnings"}
    capex = result.attribution[result.attribution["strategy"] == "capex-momentum"]
    assert set(capex["kind"]) == {"capex"}
    both = result.trades[result.trades["strategy"] == "capex-momentum"]
    assert set(both["side"]) == {"long"}
